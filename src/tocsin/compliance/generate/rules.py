"""What a model said of a chunk to rules. A rule whose quote does not stand in the chunk rests on nothing, and is none."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin.compliance.generate.checks import alike
from tocsin.compliance.generate.reading import RULE
from tocsin.compliance.generate.splitting import Chunk
from tocsin.engine import withheld

_LEAST_LETTERS = 8
_LEAST_WORDS = 3
_SAME = str.maketrans({"“": '"', "”": '"', "„": '"', "’": "'", "‘": "'", "–": "-", "—": "-", "\u00ad": None})
"""Signs that models write in another form when they copy."""
_SAME_RULE = 0.8


class MadeRule(msgspec.Struct, frozen=True):
    """A rule as it was taken from a chunk. The span counts characters of the regulation's text."""

    id: str
    text: str
    should: list[str]
    should_not: list[str]
    quote: str
    start: int
    end: int


def rules_of(chunk: Chunk, said: Sequence[Any]) -> tuple[list[MadeRule], dict[str, int]]:
    """The rules among what a model listed for a chunk, and how many of the others there are, by what is wrong with them."""
    found: list[MadeRule] = []
    rejected: Counter[str] = Counter()
    for entry in said:
        read = RULE.read(entry)
        why = _fault(read, found)
        span = None if why else span_of(read["quote"], chunk.text)
        if why or span is None:
            rejected[why or "unsupported: its quote is not in the passage"] += 1
            continue
        start, end = chunk.start + span[0], chunk.start + span[1]
        found.append(
            MadeRule(
                id=f"{chunk.id}.r{len(found) + 1}",
                text=" ".join(read["rule"].split()),
                should=read["should"],
                should_not=read["should_not"],
                quote=chunk.text[span[0] : span[1]],
                start=start,
                end=end,
            )
        )
    return found, dict(rejected)


def span_of(quote: str, text: str) -> tuple[int, int] | None:
    """Where a quote stands in a text: first character and the one after the last. White space and the form of quotation marks may
    differ. None if it stands nowhere, or is too short to say anything.
    """
    wanted, _ = squeezed(quote)
    letters = sum(sign.isalnum() for sign in wanted)
    wordy = len(quote.split()) >= _LEAST_WORDS or not quote.isascii()
    if letters < _LEAST_LETTERS or not wordy:
        return None
    whole, places = squeezed(text)
    at = whole.find(wanted)
    return None if at < 0 else (places[at], places[at + len(wanted) - 1] + 1)


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
    if withheld(read["rule"], *read["should"], *read["should_not"], read["quote"]):
        return "withheld"
    if not read["should"] and not read["should_not"]:
        return "says nothing of answers that keep or break it"
    same = any(alike(read["rule"], other.text) >= _SAME_RULE for other in found)
    return "says what another rule says" if same else ""
