"""Code that the target completes: what a request is split into for it, and how the answer is read.

An answer that is code is read as the texts that it fills a list with, in the place of the code that does so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tocsin.attacks import ciphers

_TEXT = (
    r"[rRfFbBuU]?+(?:"
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""'
    r"|'''(?:[^'\\]|\\.|'(?!''))*+'''"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'(?:[^'\\\n]|\\.)*+'"
    r"|`[^`]*+`)"
)
_TOKEN = re.compile(
    rf"(?P<text>{_TEXT})|(?P<note>(?:#|//)[^\n]*+)|(?P<open>[(\[{{])|(?P<close>[)\]}}])|(?P<comma>,)|(?P<end>[\n;])|.",
    re.DOTALL,
)
_FENCED = re.compile(r"```[^\n`]*+\n(?P<code>(?:[^`]|`(?!``))*+)(?:```|\Z)")
_CONTROL = {"n": "\n", "t": "\t", "r": "\r"}


def parts(request: str) -> tuple[str, list[str]]:
    """What stands between the parts of a request, and the parts: its words, or the characters of one without blanks."""
    words = request.split()
    return (" ", words) if len(words) > 1 else ("", list("".join(words)))


def read(answer: str, name: str) -> str:
    """An answer as a judge is to read it.

    A fenced block that fills the list is replaced by the texts, a line each; outside of fences each statement that does is.
    All else stays: prose, other code, and code that fills the list with nothing.

    Args:
        answer: The answer, with code in Python, C++ or Go.
        name: What the list is called.
    """
    fills = re.compile(
        rf"\b{name}\b(?=\s*(?:\.\s*(?:append|extend|insert|push|push_back|emplace_back)\s*\(|\+=|:?=(?!=)|:[^\n=]{{0,60}}=|\{{))"
    )
    if _FENCED.search(answer) is None:
        return _in_place(answer, fills)

    def block(found: re.Match[str]) -> str:
        texts = [text for *_, said in _filled(found["code"], fills) for text in said]
        return "\n".join(texts) or found.group()

    return _FENCED.sub(block, answer)


def _in_place(code: str, fills: re.Pattern[str]) -> str:
    kept, position = [], 0
    for start, end, texts in _filled(code, fills):
        kept += [code[position:start], "\n".join(texts)]
        position = end
    return "".join(kept) + code[position:]


def _filled(code: str, fills: re.Pattern[str]) -> Iterator[tuple[int, int, list[str]]]:
    """Start and end of each statement that fills the list with something, and what with."""
    position = 0
    while (found := fills.search(code, position)) is not None:
        position, texts = _statement(code, found.end())
        if texts:
            yield found.start(), position, texts


def _statement(code: str, position: int) -> tuple[int, list[str]]:
    """Where the statement ends, and its texts; what stands side by side is one."""
    texts: list[list[str]] = []
    depth, apart = 0, True
    for token in _TOKEN.finditer(code, position):
        position = token.end()
        match token.lastgroup:
            case "text":
                if apart:
                    texts.append([])
                texts[-1].append(_written(token.group()))
                apart = False
            case "open":
                depth += 1
            case "close":
                depth -= 1
            case "comma":
                apart = True
            case "end" if depth <= 0 or token.group() == ";":
                position = token.start()
                break
    return position, [text for parts in texts if (text := "".join(parts)).strip()]


def _written(literal: str) -> str:
    """What a string of code says."""
    body = literal.lstrip("rRfFbBuU")
    ends = 3 if len(body) >= 6 and body[:3] in ('"""', "'''") else 1
    text = body[ends:-ends]
    if body[0] == "`":
        return text
    return re.sub(
        r"\\(.)",
        lambda found: _CONTROL.get(found[1], found[1]),
        ciphers.unescaped(text, "unicode"),
        flags=re.DOTALL,
    )
