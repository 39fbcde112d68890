"""What a small source model perceives in a request: how much each word weighs in how harmful the whole looks.

The source model is the part of the judge `embedded` that reads requests: the mean score of the word pieces, and a constant.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Sequence

import msgspec

from tocsin.judges.embedded_text import plain, words
from tocsin.judges.embedded_weights import weights

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
"""A word that can be replaced."""


class Token(msgspec.Struct, frozen=True):
    """A word of a request, or what stands between two, with the score of its pieces and their number."""

    text: str
    word: bool
    score: float
    pieces: int


def tokens(text: str) -> list[Token]:
    """The words of a text and what stands between them, in turn. Joined again they are the text."""
    found, end = [], 0
    for word in WORD.finditer(text):
        found += [_token(text[end : word.start()], False), _token(word.group(), True)]
        end = word.end()
    return [*found, _token(text[end:], False)]


def _token(text: str, word: bool) -> Token:
    return Token(text, word, *weights().asked(words(plain(text))))


def made(synonym: str, word: str) -> Token:
    """A synonym in the place of a word, with a capital where the word has one."""
    return _token(synonym[:1].upper() + synonym[1:] if word[:1].isupper() else synonym, True)


def joined(said: Sequence[Token]) -> str:
    """The text of tokens."""
    return "".join(token.text for token in said)


def pulls(said: Sequence[Token]) -> dict[int, float]:
    """Place of each word → how much more harmful the source model finds the request with it than without."""
    score = math.fsum(token.score for token in said)
    pieces = sum(token.pieces for token in said)
    whole = score / max(1, pieces)
    return {
        place: whole - (score - token.score) / max(1, pieces - token.pieces)
        for place, token in enumerate(said)
        if token.word
    }


def importance(said: Sequence[Token]) -> dict[int, float]:
    """Place of each word → by how much the source model's score of the request changes when the word is left out."""
    return {place: abs(pull) for place, pull in pulls(said).items()}


def unevenness(said: Sequence[Token]) -> float:
    """How far the importances are from being the same: 0 where they are, 1 where one word has all (1 - entropy / log n)."""
    weight = [one for one in importance(said).values() if one > 0]
    words = sum(token.word for token in said)
    total = math.fsum(weight)
    if total < 1e-12 or words < 2:
        return 0.0
    entropy = math.log(total) - math.fsum(map(operator.mul, weight, map(math.log, weight))) / total
    return 1 - entropy / math.log(words)


def neutral(said: Sequence[Token], least: int) -> list[int]:
    """Places of words that weigh less than the mean and do not add to the harm, the least important first, so many at most."""
    pull = pulls(said)
    mean = math.fsum(map(abs, pull.values())) / max(1, len(pull))
    places = [place for place, one in pull.items() if -mean < one < 1e-9]
    return sorted(places, key=lambda place: abs(pull[place]))[:least]
