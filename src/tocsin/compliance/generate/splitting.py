"""A regulation's text to chunks by its structure: articles, numbered paragraphs, bullets, or else paragraphs.

Every chunk knows where it stands in the text. An article that is too long for one question is cut at its numbered paragraphs,
letters, bullets, empty lines or sentences, whichever comes first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import msgspec

LONGEST = 2000
"""Characters of a chunk."""
ABOVE = " / "
"""What stands between the heading above a chunk and how the chunk begins, in its title."""
_TITLE = 90

_HAN = "〇零一二三四五六七八九十百千两兩"
_MARK = r"[ \t\u3000]*(?:#{1,6}[ \t]+)?(?:\*\*)?"
_ENDS = r"(?=[ \t\u3000]*(?:$|\*\*|[.:：–—-]|(?-i:[^\W\d_a-zà-ÿ])))"
"""What may follow the number of an article: the end of the line, a dash, or a title. "Article 5 applies …" begins no article."""
_DIVISIONS = (
    "chapter|part|title|annex|schedule|book|division|kapitel|teil|chapitre|partie|annexe"
    "|capítulo|anexo|capitolo|глава|раздел"
)
_ARTICLES = (
    r"article|art\.|section|sec\.|rule|clause|regulation|principle|recital|artikel|artículo|articolo|artigo|статья"
)
_WORDS = {"art.": "article", "sec.": "section", "artículo": "article", "статья": "article"}
"""Words for an article that cannot stand in an id, which has Latin letters without accents → those that stand for them."""
_BLANK = r"[ \t\u3000]*"
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "article",
        re.compile(
            rf"{_MARK}(?:(?P<word>{_ARTICLES})[ \t]*(?P<number>\d+[a-z]?(?:[.-]\d+)*|[ivxlc]+\b){_ENDS}"
            rf"|(?P<sign>§+)[ \t]*(?P<para>\d+[a-z]?)|第{_BLANK}(?P<han>[{_HAN}\d０-９]+){_BLANK}[条條])",
            re.I,
        ),
    ),
    (
        "division",
        re.compile(
            rf"{_BLANK}(?:#{{1,6}}[ \t]+\S|(?:\*\*)?(?:{_DIVISIONS})[ \t]+(?:\d+|[ivxlc]+|[a-z])\b{_ENDS}"
            rf"|第{_BLANK}[{_HAN}\d０-９]+{_BLANK}[编編章节節篇部])",
            re.I,
        ),
    ),
    (
        "number",
        re.compile(
            rf"{_BLANK}(?P<number>\d{{1,3}}(?:\.\d{{1,3}})+|\d{{1,3}}(?=[.、．])|[{_HAN}]+(?=、))[.、．]?"
            r"(?:(?<=[、．])|[ \t\u3000]+)(?=\S)"
        ),
    ),
    ("paren", re.compile(rf"{_BLANK}[(（]?(?P<number>\d{{1,3}}|[{_HAN}]+)[)）]{_BLANK}(?=\S)")),
    ("letter", re.compile(r"[ \t]*\(?(?P<number>[a-z]|[ivx]{2,5})[.)][ \t]+(?=\S)")),
    ("bullet", re.compile(r"[ \t]*[-*•–—·▪◦‣][ \t]+(?=\S)")),
)
_FINE = ("number", "paren", "letter", "bullet", "blank", "sentence")
_SENTENCE = re.compile(r"(?<!\d\.)(?<=[.;!?])\s+|(?<=[。；！？])\s*|\n[ \t\r]*\n\s*")
_SAYS = re.compile(r"[.;!?。；！？](?:\s|$|[”\"')）])|[。；！？]")
_CLOSED = tuple(".;:,!?。；：，！？)）”\"'")


class Chunk(msgspec.Struct, frozen=True):
    """A part of a regulation that is asked about on its own.

    Attributes:
        id: What a framework calls its clause: ``article-5``, ``3.2``, ``paragraph-7``.
        title: For people: the headings above it, and how it begins.
        start: Its first character in the regulation's text.
        end: The character after its last.
        text: What it says.
    """

    id: str
    title: str
    start: int
    end: int
    text: str


class _Line(NamedTuple):
    start: int
    end: int
    text: str
    kind: str
    label: str


class _Piece(NamedTuple):
    start: int
    end: int
    kind: str
    label: str


def split(text: str, longest: int = LONGEST) -> list[Chunk]:
    """The chunks of a text, in its order. What stands in none is headings and white space.

    Args:
        text: A regulation.
        longest: Characters that a chunk has at most; a single word may be longer.
    """
    lines = list(_lines(text))
    main = next((kind for kind in ("article", *_FINE[:4]) if sum(line.kind == kind for line in lines) > 1), "blank")
    if main == "blank" and any(line.kind == "article" for line in lines):
        main = "article"
    chunks: list[Chunk] = []
    used: dict[str, int] = {}
    heading, number = "", 0
    for piece in _pieces(text, lines, main):
        start, end = _trimmed(text, piece.start, piece.end)
        said = text[start:end]
        if not _asks(said, piece.kind):
            heading = _short(said) if piece.kind == "division" or not heading else heading
            continue
        number += 1
        label = piece.label or {"bullet": f"item-{number}"}.get(piece.kind, f"paragraph-{number}")
        spans = list(_fitting(text, start, end, longest))
        for part, (first, last) in enumerate(spans, 1):
            name = _free(label if len(spans) == 1 else f"{label}-part-{part}", used)
            title = ABOVE.join(dict.fromkeys(filter(None, (heading, _short(text[first:last])))))
            chunks.append(Chunk(name, title, first, last, text[first:last]))
    return chunks


def _free(name: str, used: dict[str, int]) -> str:
    """A name that no chunk has yet, the number of the time it is used behind it from the second on; it is then used.

    Args:
        name: What the chunk would be called.
        used: Names that are used, each with the last number that stood behind it.
    """
    free = name
    while free in used:
        used[name] += 1
        free = f"{name}-{used[name]}"
    used[free] = 1
    return free


def sentences(text: str) -> list[tuple[int, int]]:
    """The spans of a text's sentences, without the white space between them. A line that is marked as a point begins one."""
    marked = (line.start for line in _lines(text) if line.kind not in ("text", "blank"))
    cuts = sorted({0, *marked, *(found.end() for found in _SENTENCE.finditer(text)), len(text)})
    spans = [_trimmed(text, first, last) for first, last in pairwise(cuts)]
    return [(first, last) for first, last in spans if last > first]


def mark_of(said: str) -> tuple[str, int]:
    """The kind of the last mark that a sentence begins with, and where its words begin behind the marks.

    The kind is ``article``, ``number``, ``paren``, ``letter`` or ``bullet``; empty if there is no mark.
    """
    kind, at = "", 0
    for _ in range(3):
        line = said[at:].partition("\n")[0]
        matches = ((name, pattern.match(line)) for name, pattern in _KINDS if name != "division")
        name, end = next(((name, found.end()) for name, found in matches if found is not None), ("", 0))
        if not end:
            break
        kind, at = name, len(said) - len(said[at + end :].lstrip(" \t\r\n\u3000.:：–—-*"))
    return kind, at


def _lines(text: str) -> Iterator[_Line]:
    before, start = "", 0
    for raw in text.splitlines(keepends=True):
        said = raw.strip()
        kind, label = _kind(raw.rstrip("\r\n"), before) if said else ("blank", "")
        yield _Line(start, start + len(raw), said, kind, label)
        before, start = said, start + len(raw)


def _kind(line: str, before: str) -> tuple[str, str]:
    for kind, pattern in _KINDS:
        found = pattern.match(line)
        if found is None:
            continue
        if kind == "article" and before and not before.endswith(_CLOSED) and len(before) > 60:
            continue  # a reference to an article that a line break brought to the front
        return kind, _label(kind, found)
    return "text", ""


def _label(kind: str, found: re.Match[str]) -> str:
    parts = found.groupdict()
    if kind == "article":
        if parts["han"]:
            return f"article-{_number(parts['han'])}"
        if parts["sign"]:
            return f"section-{_number(parts['para'].lower())}"
        word = parts["word"].lower()
        return f"{_WORDS.get(word, word)}-{_number(parts['number'].lower())}"
    if kind in ("number", "paren", "letter"):
        return _number(parts["number"])
    return ""


def _number(said: str) -> str:
    """A number in digits, whatever script it was written in; other text as it is."""
    if not set(said) <= set(_HAN):
        return "".join(str(int(sign)) if sign.isdigit() else sign for sign in said)
    digits = {
        sign: value
        for value, signs in enumerate(("〇零", "一", "二两兩", "三", "四", "五", "六", "七", "八", "九"))
        for sign in signs
    }
    units = {"十": 10, "百": 100, "千": 1000}
    total, digit = 0, 0
    for sign in said:
        if sign in units:
            total, digit = total + (digit or 1) * units[sign], 0
        else:
            digit = digits[sign]
    return str(total + digit)


def _pieces(text: str, lines: Sequence[_Line], main: str) -> Iterator[_Piece]:
    """The text cut before every line of the main kind and before every division, which is a piece of its own."""
    start, kind, label = 0, "preamble" if main != "blank" else "blank", ""
    for line in lines:
        begins = line.kind in (main, "division") and line.kind != "blank"
        after_division = kind == "division" and not begins  # a heading is one line, and what follows it is text
        if not begins and not after_division and not (main == "blank" and line.kind == "blank"):
            continue
        if text[start : line.start].strip():
            yield _Piece(start, line.start, kind, label)
        start, label = line.start, line.label if begins else ""
        kind = line.kind if begins else "blank" if main == "blank" else "preamble"
    if text[start:].strip():
        yield _Piece(start, len(text), kind, label)


def _asks(said: str, kind: str) -> bool:
    """Whether a piece can hold a rule: a heading, or an article's number alone, cannot."""
    if kind == "division":
        return bool(_SAYS.search(said)) and len(said) > _TITLE
    if kind in ("blank", "preamble"):
        return bool(_SAYS.search(said)) or len(said) > _TITLE
    bare = next((found.end() for name, pattern in _KINDS if name == kind and (found := pattern.match(said))), 0)
    return any(sign.isalpha() for sign in said[bare:])


def _fitting(text: str, start: int, end: int, longest: int, kinds: Sequence[str] = _FINE) -> Iterator[tuple[int, int]]:
    """The spans of a piece's parts, none longer than allowed if that can be had; neighbours that fit together stay together."""
    start, end = _trimmed(text, start, end)
    if end - start <= longest or not kinds:
        for first in range(start, end, longest):
            yield _trimmed(text, first, min(end, first + longest))
        return
    cuts = [start, *_cuts(text, start, end, kinds[0]), end]
    first = last = start
    for cut in cuts[1:]:
        if cut - first > longest and last > first:
            yield from _fitting(text, first, last, longest, kinds[1:])
            first = last
        last = cut
    yield from _fitting(text, first, last, longest, kinds[1:])


def _cuts(text: str, start: int, end: int, kind: str) -> list[int]:
    said = text[start:end]
    if kind == "sentence":
        return [start + found.end() for found in _SENTENCE.finditer(said) if 0 < found.end() < len(said)]
    return [start + line.start for line in _lines(said) if line.kind == kind and line.start]


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    said = text[start:end]
    return start + len(said) - len(said.lstrip()), end - (len(said) - len(said.rstrip()))


def _short(said: str) -> str:
    """How a text begins: its first line, and the second where the first is a number and the second its title."""
    lines = [one.strip(" \t\u3000#*") for one in said.splitlines() if one.strip()][:2]
    line = lines[0] if lines else ""
    if len(lines) > 1 and len(lines[1]) <= _TITLE and not _SAYS.search(lines[1]):
        marks = (pattern.match(line) for kind, pattern in _KINDS if kind in ("article", "division"))
        if any(found is not None and not any(map(str.isalpha, line[found.end() :])) for found in marks):
            line = f"{line} {lines[1]}"
    return line if len(line) <= _TITLE else f"{line[: _TITLE - 1].rstrip()}…"
