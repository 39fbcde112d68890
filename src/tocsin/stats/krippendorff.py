"""How far several annotators agree when not each of them saw every item: Krippendorff's alpha, and each pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tocsin.stats.agreement import Figure, judge_agreement
from tocsin.stats.bounded import bounded_mean, cluster_codes
from tocsin.stats.clusters import FEW_CLUSTERS, cluster_bootstrap
from tocsin.stats.intervals import Interval

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

MISSING = -1
"""A vote that was not cast."""

FEW_UNITS = 30
"""Below so many items with two votes the limits of alpha are flagged: they rest on few disagreements."""


class Alpha(msgspec.Struct, frozen=True, kw_only=True):
    """Krippendorff's alpha of nominal votes.

    Attributes:
        value: At most 1 (all agree); 0 is what chance gives, below 0 is less than chance. None where it is undefined.
        low: Lower limit; None where there is none.
        high: Upper limit.
        n_units: Items with two votes or more: what alpha rests on.
        n_votes: Votes on these.
        left_out: Items with one vote, which can agree with none.
        n_annotators: Annotators with a vote on an item that counts.
        few_units: The limits rest on fewer than `FEW_UNITS` items, or on fewer than `FEW_CLUSTERS` clusters.
        undefined: Why there is no value; empty if there is one.
    """

    value: float | None
    low: float | None
    high: float | None
    n_units: int
    n_votes: int
    left_out: int
    n_annotators: int
    few_units: bool
    undefined: str = ""


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """Two annotators on the items that both voted on.

    Attributes:
        first: Row of the one in the votes.
        second: Row of the other.
        n: Items with a vote of both.
        agreed: Of these, items on which they said the same.
        agreement: The share; with its limits.
        kappa: Cohen's kappa; without a value where both used one category only, and the same.
    """

    first: int
    second: int
    n: int
    agreed: int
    agreement: Figure
    kappa: Figure


def krippendorff_alpha(
    votes: npt.ArrayLike,
    clusters: npt.ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> Alpha:
    """Krippendorff's alpha of nominal votes with missing ones, and its limits.

    With ``n_uc`` votes of item ``u`` for category ``c``, ``m_u`` in all, only items with ``m_u >= 2``, ``n = Σ m_u`` and
    ``n_c = Σ n_uc`` (Krippendorff 2011, *Computing Krippendorff's Alpha-Reliability*; 2013, *Content Analysis*, 3rd edition,
    section 12.3)::

        D_o = 1/n Σ_u Σ_{c≠k} n_uc n_uk / (m_u - 1)      D_e = 1/(n (n - 1)) Σ_{c≠k} n_c n_k
        alpha = 1 - D_o / D_e

    The limits are the outer ones of two: a percentile bootstrap over clusters of items, each with all its votes; and those of
    the observed agreement ``1 - D_o`` (a mean over items with weights ``m_u``; `bounded_mean`), carried over with ``D_e`` held
    fixed. Krippendorff's own bootstrap draws pairs of votes as if those on one item were independent. The second pair of limits
    is our own: without it annotators who never differ would have no interval.

    Over 24 simulated settings (30, 60 and 200 items, two and three annotators, shares of the rarer category of 0.1 and 0.3, votes
    wrong in 5% and 15%, one in ten missing; 600 draws each) 95% limits held the value that many items would give in 0.968 of
    cases on the mean and 0.947 at least.

    Args:
        votes: Categories as whole numbers from 0, shape ``(annotators, items)``; `MISSING` where a vote was not cast.
        clusters: Ids of the items, shape ``(items,)``; None if each is its own.
        confidence: Nominal coverage, in (0, 1).
        draws: Resamples.
        seed: Same seed, same limits.

    Raises:
        ValueError: Votes are no categories, or arrays do not fit each other.
    """
    given = _checked(votes, "krippendorff_alpha")
    codes = cluster_codes(clusters, given.shape[1], who="krippendorff_alpha")
    cast = (given != MISSING).sum(axis=0)
    kept = cast >= 2
    left_out = int(np.count_nonzero(cast == 1))
    here = given[:, kept]
    categories = np.unique(here[here != MISSING])
    of: dict[str, Any] = {
        "n_units": int(kept.sum()), "n_votes": int(cast[kept].sum()), "left_out": left_out,
        "n_annotators": int(np.count_nonzero((here != MISSING).any(axis=1))),
    }  # fmt: skip
    if len(categories) < 2:
        why = "no item has two votes" if not kept.any() else "every vote is for one category: nothing could differ"
        return Alpha(value=None, low=None, high=None, few_units=True, undefined=why, **of)
    counts = np.stack([(here == category).sum(axis=0) for category in categories], axis=1).astype(np.float64)
    size = counts.sum(axis=1)
    apart = (size**2 - np.square(counts).sum(axis=1)) / (size - 1)
    columns = np.column_stack([size, apart, counts])
    dense = np.unique(codes[kept], return_inverse=True)[1].reshape(-1)
    sums = np.zeros((int(dense.max()) + 1, columns.shape[1]))
    np.add.at(sums, dense, columns)
    total = sums.sum(axis=0)
    value, chance = _alpha(total), _expected(total)
    resampled = cluster_bootstrap(
        lambda taken: _alpha(taken @ sums), len(sums), draws=draws, seed=seed, confidence=confidence
    )
    agreed = bounded_mean(np.clip(1 - apart / size, 0, 1), dense, weights=size, confidence=confidence)
    carried = Interval(1 - (1 - agreed.low) / chance, 1 - (1 - agreed.high) / chance)
    few = of["n_units"] < FEW_UNITS or len(sums) < FEW_CLUSTERS or agreed.few_clusters
    if resampled is None:
        return Alpha(value=value, low=None, high=None, few_units=True, **of)
    return Alpha(
        value=value, low=min(value, resampled.low, carried.low), high=min(1.0, max(value, resampled.high, carried.high)),
        few_units=few, **of,
    )  # fmt: skip


def pair_agreement(
    votes: npt.ArrayLike, clusters: npt.ArrayLike | None = None, *, draws: int = 1000, seed: int = 0
) -> list[Pair]:
    """Each pair of annotators on what both voted on: share of agreement and Cohen's kappa (1960).

    The limits are those of `judge_agreement`. Neither is the judge of the other: both figures are the same whichever stands
    first.

    Args:
        votes: 0 or 1, shape ``(annotators, items)``; `MISSING` where a vote was not cast.
        clusters: Ids of the items, shape ``(items,)``; None if each is its own.
        draws: Resamples for the limits of kappa.
        seed: Same seed, same limits.

    Raises:
        ValueError: A vote is something else, or arrays do not fit each other.
    """
    given = _checked(votes, "pair_agreement")
    if (given > 1).any():
        raise ValueError("pair_agreement: votes are 0, 1 or -1 (not cast)")
    codes = cluster_codes(clusters, given.shape[1], who="pair_agreement")
    found = []
    for first, second in combinations(range(len(given)), 2):
        both = (given[first] != MISSING) & (given[second] != MISSING)
        n = int(both.sum())
        if n == 0:
            continue
        one, other = given[first][both], given[second][both]
        told = judge_agreement(one == 1, other, codes[both], draws=draws, seed=seed)
        agreed = int((one == other).sum())
        found.append(Pair(first=first, second=second, n=n, agreed=agreed, agreement=told.agreement, kappa=told.kappa))
    return found


def _alpha(sums: npt.NDArray[Any]) -> float:
    """Alpha from votes, disagreements and votes of each category, summed over items; nan where nothing could differ."""
    chance = _expected(sums)
    return 1 - float(sums[1]) / float(sums[0]) / chance if chance > 0 else math.nan


def _expected(sums: npt.NDArray[Any]) -> float:
    """The disagreement that chance gives, D_e."""
    n, of = float(sums[0]), sums[2:]
    return float(n**2 - np.square(of).sum()) / (n * (n - 1)) if n > 1 else 0.0


def _checked(votes: npt.ArrayLike, who: str) -> npt.NDArray[np.int64]:
    given = np.asarray(votes)
    if given.ndim != 2 or not np.issubdtype(given.dtype, np.integer) or (given < MISSING).any():
        raise ValueError(
            f"{who}: votes is {given.dtype} of shape {given.shape}; give whole numbers from 0, or -1 where a vote was not cast,"
            " one row for each annotator and one column for each item"
        )
    return given.astype(np.int64)


__all__: Sequence[str] = ["FEW_UNITS", "MISSING", "Alpha", "Pair", "krippendorff_alpha", "pair_agreement"]
