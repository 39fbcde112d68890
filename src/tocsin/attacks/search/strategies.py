"""A library of strategies: what it holds, which of it fits an answer, and how it grows. Plain data, no text of any case.

A strategy is ``{"name", "definition", "seen"}``, where ``seen`` lists each time that it raised a rating: ``gain``, the ``case``
by its id, and ``key``, a vector of the answer that stood before the rise. A finding, which a case teaches, is one strategy
seen once.
"""

from __future__ import annotations

import math
import re
import zlib
from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher
from typing import Any, Literal

Strategy = dict[str, Any]
Use = Literal["none", "effective", "ineffective"]

SIZE = 256
"""Buckets of a key."""
HIGH, LOW = 5.0, 2.0
"""Gains, on the scale from 1 to 10, above which one strategy is used alone, and below which it is one to avoid (the paper's)."""
_READ = 4_000
"""Characters of an answer that its key is made of."""
_NAME, _DEFINITION = 80, 400
_TOKEN = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+")
_RUN = 4
"""Words in a row that, if a case has them as well, are taken for its text."""


def key_of(answer: str) -> list[int]:
    """A vector of an answer: how often each three characters in a row stand in it, hashed into `SIZE` buckets."""
    text = " ".join(answer[:_READ].casefold().split())
    counts = [0] * SIZE
    for start in range(len(text) - 2):
        counts[zlib.crc32(text[start : start + 3].encode("utf-8", "replace")) % SIZE] += 1
    return [round(10 * math.log1p(count)) for count in counts]


def likeness(one: Sequence[int], other: Sequence[int]) -> float:
    """The cosine of two keys, in [0, 1]; 0 where one is empty."""
    length = math.sqrt(sum(a * a for a in one) * sum(b * b for b in other))
    return sum(a * b for a, b in zip(one, other, strict=True)) / length if length else 0.0


def gain_of(strategy: Strategy) -> float:
    """How far it raised ratings, on average."""
    return float(sum(seen["gain"] for seen in strategy["seen"]) / len(strategy["seen"]))


def fitting(library: Sequence[Strategy], answer: str, most: int) -> tuple[Use, list[Strategy]]:
    """The strategies that helped against answers like this one, and how they are to be used.

    Of the ``2 * most`` whose keys are most like the answer's, the `most` with the highest gain are looked at. One that gained
    more than `HIGH` is used alone; else those that gained `LOW` or more; else all of them are to be avoided. See section 3.3 of
    arXiv 2410.05295.

    Args:
        library: All strategies.
        answer: What the target answered last.
        most: How many are looked at.
    """
    wanted = key_of(answer)
    near = sorted(library, key=lambda one: max(likeness(seen["key"], wanted) for seen in one["seen"]), reverse=True)[
        : 2 * most
    ]
    best = sorted(near, key=gain_of, reverse=True)[:most]
    if not best:
        return "none", []
    if gain_of(best[0]) > HIGH:
        return "effective", best[:1]
    helpful = [one for one in best if gain_of(one) >= LOW]
    return ("effective", helpful) if helpful else ("ineffective", best)


def merged(library: Sequence[Strategy], findings: Iterable[Strategy]) -> list[Strategy]:
    """The library with findings in it: a known name is seen once more and keeps its definition, a new one is added."""
    by_name = {one["name"].casefold(): {**one, "seen": list(one["seen"])} for one in library}
    for finding in findings:
        known = by_name.setdefault(finding["name"].casefold(), {**finding, "seen": []})
        known["seen"].extend(finding["seen"])
    return list(by_name.values())


def finding(
    name: str, definition: str, *, gain: float, before: str, case: str, private: Sequence[str]
) -> Strategy | None:
    """One strategy seen once, as plain data; None if nothing is left of its name once the case's text is out
    of it, or if it tells what the request is about.

    Args:
        name: What the summariser calls it.
        definition: What it says of it.
        gain: How far the rating rose.
        before: The answer that stood before the rise, of which the key is made.
        case: The case's id.
        private: Texts of which it must hold nothing: the request first, and the prompts that were written for it.
    """
    name, definition = (without(text, private) for text in (name, definition))
    name, definition = " ".join(name.split())[:_NAME].strip(), " ".join(definition.split())[:_DEFINITION].strip()
    if not _TOKEN.search(name.replace(_LEFT_OUT, "")) or betrays(f"{name} {definition}", private[:1]):
        return None
    return {
        "name": name,
        "definition": definition,
        "seen": [{"gain": round(gain, 2), "case": case, "key": key_of(before)}],
    }


_LEFT_OUT = "[…]"
_LONG, _ALIKE, _FEW = 4, 0.75, 2
"""Letters from which on a word tells what a request is about; likeness from which on another is a spelling of it; and how many of
these may not be in what is carried to other cases."""


def betrays(text: str, private: Sequence[str]) -> bool:
    """Whether a text still tells what one of the private ones is about: `_FEW` of its longer words, however they are spelt."""
    words = {word.casefold() for word in _TOKEN.findall(text) if len(word) >= _LONG}
    for other in private:
        told = {word.casefold() for word in _TOKEN.findall(other) if len(word) >= _LONG}
        if sum(any(_alike(one, word) for word in words) for one in told) >= min(_FEW, len(told) or 1):
            return True
    return False


def _alike(one: str, other: str) -> bool:
    return one == other or (
        abs(len(one) - len(other)) <= 3 and SequenceMatcher(None, one, other, autojunk=False).ratio() >= _ALIKE
    )


def without(text: str, private: Sequence[str]) -> str:
    """A text without the words that it shares, `_RUN` or more in a row, with one of the private ones (all, if it has fewer)."""
    words = list(_TOKEN.finditer(text))
    folded = [word[0].casefold() for word in words]
    shared = [False] * len(words)
    for other in private:
        tokens = [word.casefold() for word in _TOKEN.findall(other)]
        run = min(_RUN, len(tokens))
        if run == 0:
            continue
        runs = {tuple(tokens[start : start + run]) for start in range(len(tokens) - run + 1)}
        for start in range(len(folded) - run + 1):
            if tuple(folded[start : start + run]) in runs:
                shared[start : start + run] = [True] * run
    kept, end, open_gap = [], 0, False
    for word, gone in zip(words, shared, strict=True):
        if gone and not open_gap:
            kept.append(text[end : word.start()] + _LEFT_OUT)
        elif not gone:
            kept.append(text[end : word.end()])
        open_gap, end = gone, word.end()
    return "".join(kept) + text[end:]
