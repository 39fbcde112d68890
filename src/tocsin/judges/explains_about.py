"""Whether a part of an answer is about this request, or could stand under any: by shared words and by categories.

A reason or an offer is specific if it shares a content word with the request, or names something that the item carries: a
category of reasons (privacy, fraud, safety ...), or a way on that fits its topic (a doctor, a lawyer, an outline). Function
words, the boilerplate of refusals and kinds of text (letter, story) share nothing. What fits is data: ``explains_about.yaml``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from importlib import resources
from typing import NamedTuple

import yaml

MOST = 5
"""How many categories, or topics of ways on, an answer names before they count no longer."""

_WORD = re.compile(r"[a-z]{3,}")
_HAN = re.compile(r"[\u3400-\u9fff]+")


class About(NamedTuple):
    """What a request is about, as its item says it.

    Attributes:
        request: The request, folded; empty if it is not known.
        reasons: Categories of reasons that fit; empty if nothing is known, and then any fits.
        topic: Its topic, for the ways on; empty if it is not known, and then any fits.
    """

    request: str = ""
    reasons: frozenset[str] = frozenset()
    topic: str = ""


class _Known(NamedTuple):
    stop: frozenset[str]
    reasons: dict[str, re.Pattern[str]]
    ways: dict[str, re.Pattern[str]]


def fits(part: str, about: About) -> bool:
    """Whether a part names a category of reasons that the item carries."""
    return any(
        pattern.search(part)
        for one in _known()
        for name, pattern in one.reasons.items()
        if not about.reasons or name in about.reasons
    )


def leads(part: str, about: About) -> bool:
    """Whether a part names a concrete way on that fits the item's topic."""
    return any(
        pattern.search(part)
        for one in _known()
        for name, pattern in one.ways.items()
        if not about.topic or name == about.topic
    )


def crammed(text: str) -> bool:
    """Whether a text names so many categories, or ways of so many topics, that it is made to fit any request."""
    known = _known()
    reasons = {name for one in known for name, pattern in one.reasons.items() if pattern.search(text)}
    ways = {name for one in known for name, pattern in one.ways.items() if pattern.search(text)}
    return len(reasons) > MOST or len(ways) > MOST


def shares(part: str, about: About) -> bool:
    """Whether a part shares a content word with the request, whatever its ending; in Chinese, two signs in a row."""
    if _pairs(part) & _pairs(about.request):
        return True
    words, asked = _words(part), _words(about.request)
    return any(_same(one, other) for one in words for other in asked)


def _same(one: str, other: str) -> bool:
    if one == other:
        return True
    least = max(4, min(len(one), len(other)) - 1)
    return one[:least] == other[:least]


def _words(text: str) -> set[str]:
    return {word for word in _WORD.findall(text) if not any(word in one.stop for one in _known())}


def _pairs(text: str) -> set[str]:
    return {run[at : at + 2] for piece in _HAN.findall(text) for run in _runs(piece) for at in range(len(run) - 1)}


def _runs(piece: str) -> Iterable[str]:
    return _stopped().split(piece)


@functools.cache
def _stopped() -> re.Pattern[str]:
    signs = {word for one in _known() for word in one.stop if not word.isascii()}
    return re.compile("|".join(sorted(signs, key=lambda word: (-len(word), word))))


@functools.cache
def _known() -> tuple[_Known, ...]:
    def compiled(entry: dict[str, str]) -> dict[str, re.Pattern[str]]:
        return {name: re.compile(pattern) for name, pattern in entry.items()}

    return tuple(
        _Known(frozenset(entry["stop"].split()), compiled(entry["reasons"]), compiled(entry["ways"]))
        for entry in yaml.safe_load(written()).values()
    )


def categories() -> frozenset[str]:
    """Every category of reasons that an item may carry."""
    return frozenset(name for one in _known() for name in one.reasons)


@functools.cache
def written() -> bytes:
    """The data, for what says which rules they are."""
    return resources.files("tocsin.judges").joinpath("explains_about.yaml").read_bytes()
