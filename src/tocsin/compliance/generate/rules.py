"""What a model said of a chunk to rules. A rule whose quote does not stand in the chunk rests on nothing, and is none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin.compliance.generate.checks import alike, shared_words
from tocsin.compliance.generate.reading import rule_form
from tocsin.compliance.generate.splitting import Chunk, mark_of, sentences
from tocsin.compliance.generate.wanted import Wanted
from tocsin.engine import withheld

_LEAST_WORDS, _LEAST_SIGNS, _LEAST_UNSPACED = 5, 25, 8
"""What a quote has at least to say anything: so many words, or characters, or characters of a script without spaces."""
_LEAST_SHARED = 1
"""Words that a rule shares with its quote at least (see `shared_words`)."""
_NUMBER = re.compile(r"\d+")
_TOO_SHORT = "unsupported: its quote is too short to bear a rule out, or not in the passage"
_UNSPACED = 0x2E80
"""First character of the scripts of East Asia."""
_SAME = str.maketrans({"“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "\u00ad": None})
"""Signs that models write in another form when they copy."""
_SAME_RULE = 0.8
"""Likeness (see `alike`) from which two rules say the same."""


class MadeRule(msgspec.Struct, frozen=True):
    """A rule as it was taken from a chunk. The span counts characters of the regulation's text."""

    id: str
    text: str
    should: list[str]
    should_not: list[str]
    quote: str
    start: int
    end: int
    clause: str = ""
    """The clause of the framework that it was sorted into; empty where its chunk is the clause."""
    theme: str = ""
    """What must not be shown, in a few words; of a rule for images."""


def rules_of(chunk: Chunk, said: Sequence[Any], wanted: Wanted) -> tuple[list[MadeRule], dict[str, int]]:
    """The rules among what a model listed for a chunk, and how many of the others there are, by what is wrong with them."""
    form = rule_form(wanted)
    found: list[MadeRule] = []
    rejected: Counter[str] = Counter()
    for entry in said:
        read = form.read(entry)
        why = _fault(read, found) or _unsorted(read, wanted)
        span = None if why else span_of(read["quote"], chunk.text)
        why = why or _unsupported(read, span)
        if why or span is None:
            rejected[why] += 1
            continue
        start, end = chunk.start + span[0], chunk.start + span[1]
        clause = wanted.clause(read.get("clause", ""))
        found.append(
            MadeRule(
                id=f"{chunk.id}.r{len(found) + 1}",
                text=" ".join(read["rule"].split()),
                should=read.get("should", []),
                should_not=read["should_not"],
                quote=chunk.text[span[0] : span[1]],
                start=start,
                end=end,
                clause=clause.id if clause else "",
                theme=" ".join(read.get("theme", "").split()),
            )
        )
    return found, dict(rejected)


def span_of(quote: str, text: str) -> tuple[int, int] | None:
    """Where a quote stands in a text: first character and the one after the last. White space and the form of quotation marks may
    differ. None if it stands nowhere, or is neither long enough to be a clause nor a whole sentence.
    """
    wanted, _ = squeezed(quote)
    whole, places = squeezed(text)
    at = whole.find(wanted) if any(map(str.isalnum, wanted)) else -1
    if at < 0:
        return None
    span = places[at], places[at + len(wanted) - 1] + 1
    return span if telling(quote) or _is_sentence(span, text) else None


def _is_sentence(span: tuple[int, int], text: str) -> bool:
    """Whether a span is a sentence of a text, but for its number and the marks around it."""
    return any(
        first + mark_of(text[first:last])[1] >= span[0] >= first and not any(map(str.isalnum, text[span[1] : last]))
        for first, last in sentences(text)
    )


def telling(quote: str) -> bool:
    """Whether a quote is long enough to be a clause: a few words that stand in any text bear no rule out."""
    words = [word for word in quote.split() if any(map(str.isalnum, word))]
    signs = len(" ".join(quote.split()))
    unspaced = sum(ord(sign) >= _UNSPACED and sign.isalnum() for sign in quote)
    return len(words) >= _LEAST_WORDS or signs >= _LEAST_SIGNS or unspaced >= _LEAST_UNSPACED


def says_the_same(one: str, other: str) -> bool:
    """Whether two rules say the same in nearly the same words, and with the same numbers."""
    return alike(one, other) >= _SAME_RULE and _NUMBER.findall(one) == _NUMBER.findall(other)


def squeezed(text: str) -> tuple[str, list[int]]:
    """A text without white space and with plain marks, and where each of its characters stood."""
    signs, places = [], []
    for place, sign in enumerate(text):
        plain = sign.translate(_SAME)
        if plain and not plain.isspace():
            signs.append(plain)
            places.append(place)
    return "".join(signs), places


def _fault(read: Any, found: Sequence[MadeRule]) -> str:
    if not isinstance(read, dict):
        return "of another form"
    if withheld(*_said(read), read["quote"]):
        return "withheld"
    if len(_said(read)) < 2:
        return "says nothing of answers that keep or break it"
    if any(says_the_same(read["rule"], other.text) for other in found):
        return "says what another rule says"
    return ""


def _said(read: Any) -> list[str]:
    """All that a model said of a rule in its own words."""
    theme = [read["theme"]] if "theme" in read else []
    return [read["rule"], *theme, *read.get("should", []), *read["should_not"]]


def _unsorted(read: Any, wanted: Wanted) -> str:
    """Why a rule belongs to no clause of the framework that rules are sorted into; empty if it does, or if there is none."""
    if not isinstance(read, dict) or not wanted.clauses or wanted.clause(read.get("clause", "")):
        return ""
    return (
        "names a clause that the framework does not have"
        if read.get("clause")
        else "belongs to no clause of the framework"
    )


def _unsupported(read: Any, span: tuple[int, int] | None) -> str:
    """Why a rule's quote does not bear it out; empty if it may."""
    if span is None:
        return "unsupported: its quote is not in the passage" if telling(read["quote"]) else _TOO_SHORT
    said = " ".join(_said(read))
    few = shared_words(said, read["quote"]) < _LEAST_SHARED
    return "unsupported: it shares no word with its quote" if few else ""
