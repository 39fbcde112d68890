"""Ranks as ranges, from comparisons that hold together, and ties."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from tocsin.results.leaderboard.comparing import Compared, as_dict
from tocsin.stats import RankRange, holm, pairwise_confidence, rank_ranges

ALPHA = 0.05
Test = Callable[[int, int, float], Compared | None]
"""Compares two of a board by their places, with limits at a confidence; None where nothing can be said of them."""


class Ranked(msgspec.Struct, frozen=True):
    """The order of several.

    Attributes:
        ranks: The ranks that each may have.
        tied: Of each, the places of those that it cannot be told apart from.
        pairs: The comparisons, as the board has them: ``first`` and ``second`` are places.
        confidence: Of each comparison's limits, so that all of them hold together at 95%.
    """

    ranks: list[RankRange]
    tied: list[list[int]]
    pairs: list[dict[str, Any]]
    confidence: float


def rank(count: int, test: Test, *, falls: bool = False) -> Ranked:
    """Ranks several by comparing every pair.

    One is better than another where both hold: the limits of the difference, which hold for all pairs together (Bonferroni),
    leave 0 out; and the p-value, adjusted by Holm over the pairs, is at most `ALPHA`. Each by itself keeps the chance of any
    false order on the board at 5%. Sequences have limits alone, which hold together. Ranges follow by `tocsin.stats.rank_ranges`.

    Args:
        count: How many there are.
        test: Compares two of them.
        falls: Whether lower is better, for the signs of what is told.
    """
    confidence = pairwise_confidence(count)
    found: list[tuple[int, int, Compared]] = []
    for i in range(count):
        for j in range(i + 1, count):
            compared = test(i, j, confidence)
            if compared is not None:
                found.append((i, j, compared))
    better = [[False] * count for _ in range(count)]
    pairs = []
    tested = iter(holm([one.p for *_, one in found if one.p is not None]))
    for i, j, one in found:
        adjusted = None if one.p is None else next(tested)
        if adjusted is None or adjusted <= ALPHA:
            better[i][j] = one.low > 0
            better[j][i] = one.high < 0
        word = "first" if better[i][j] else "second" if better[j][i] else None
        pairs.append({"first": i, "second": j, **as_dict(one, falls), "p_holm": adjusted, "better": word})
    tied = [[j for j in range(count) if j != i and not better[i][j] and not better[j][i]] for i in range(count)]
    return Ranked(rank_ranges(better), tied, pairs, confidence)
