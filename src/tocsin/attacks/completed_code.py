"""Code that the target completes: what a request is split into for it, and how the answer is read.

An answer that is code is read as what it says in its strings and comments, wherever in the code they stand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tocsin.attacks import ciphers

_TEXT = (
    r"[rRfFbBuU]?+(?:"
    r'"""(?:[^"\\]|\\.|"(?!""))*+"""'
    r"|'''(?:[^'\\]|\\.|'(?!''))*+'''"
    r'|"(?:[^"\\\n]|\\.)*+"'
    r"|'(?:[^'\\\n]|\\.)*+'"
    r"|`[^`]*+`)"
)
_TOKEN = re.compile(rf"(?P<text>{_TEXT})|(?P<note>(?:#|//)[^\n]*+)|(?P<beside>[\s+]+)|.", re.DOTALL)
_FENCED = re.compile(r"```[^\n`]*+\n(?P<code>(?:[^`]|`(?!``))*+)(?:```|\Z)")
_CONTROL = {"n": "\n", "t": "\t", "r": "\r"}


def parts(request: str) -> tuple[str, list[str]]:
    """What stands between the parts of a request, and the parts: its words, or the characters of one without blanks."""
    words = request.split()
    return (" ", words) if len(words) > 1 else ("", list("".join(words)))


def read(answer: str, given: Iterable[str] = ()) -> str:
    """An answer as a judge is to read it: each fenced block of code as what it says in strings and comments, a line each.

    Strings that stand side by side are one. What the attack itself had put into the code is left out, if it stands there as it
    was given. All else stays: prose, code outside of fences, and a block that says nothing in this way.

    Args:
        answer: The answer, with code in Python, C++ or Go.
        given: The texts that the prompt's own code holds.
    """
    known = {text.strip() for text in given}

    def block(found: re.Match[str]) -> str:
        told = [text for text in map(str.strip, _said(found["code"])) if text and text not in known]
        return "\n".join(told) or found.group()

    return _FENCED.sub(block, answer)


def _said(code: str) -> Iterator[str]:
    """What stands in a program's strings and comments, in order; strings with blanks or a plus between them are one."""
    beside: list[str] = []
    for token in _TOKEN.finditer(code):
        match token.lastgroup:
            case "text":
                beside.append(_written(token.group()))
                continue
            case "beside":
                continue
        if beside:
            yield "".join(beside)
            beside = []
        if token.lastgroup == "note":
            yield token.group().lstrip("#/ ")
    if beside:
        yield "".join(beside)


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
