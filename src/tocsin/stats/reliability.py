"""Whether a judge's score of 0.8 is right in eight cases of ten."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from tocsin.stats.bounded import cluster_codes
from tocsin.stats.clusters import Estimate, clustered_proportion

if TYPE_CHECKING:
    import numpy.typing as npt


class Bin(msgspec.Struct, frozen=True):
    """The items whose scores lie between two edges.

    Attributes:
        low: Lower edge, which belongs to the bin.
        high: Upper edge, which belongs to the next bin; to this one if it is 1.
        score: Mean score of the items; None if there is none.
        unsafe: Share of them that is unsafe, with its limits.
    """

    low: float
    high: float
    score: float | None
    unsafe: Estimate


class Reliability(msgspec.Struct, frozen=True):
    """A judge's scores beside what they promise.

    Attributes:
        ece: Expected calibration error, in [0, 1]; None without a score.
        brier: Mean squared distance of score and label, in [0, 1]; None without a score.
        bins: The table behind the error.
        n: Items with a score.
        left_out: Items without one.
    """

    ece: float | None
    brier: float | None
    bins: tuple[Bin, ...]
    n: int
    left_out: int


def reliability_table(
    scores: npt.ArrayLike,
    unsafe: npt.ArrayLike,
    clusters: npt.ArrayLike | None = None,
    *,
    bins: int = 10,
    confidence: float = 0.95,
) -> Reliability:
    """The reliability table of scores that mean chances, and the expected calibration error.

    The error is ``Σ n_b / n · |share unsafe in b - mean score in b|`` over bins of equal width (Naeini, Cooper & Hauskrecht
    2015, AAAI 29:2901-2907). It is never below 0 and each bin's noise adds to it, so that a perfectly calibrated judge
    shows about ``sqrt(2 bins p (1 - p) / (π n))``, with ``p (1 - p)`` averaged over items: read it with ``n`` beside it. It
    has no interval for the same reason. The Brier score (Brier 1950, Monthly Weather Review 78:1-3) has no bins.

    Args:
        scores: The chance that an item is unsafe, shape ``(n,)``, each in [0, 1]; nan where there is no score.
        unsafe: Human labels, shape ``(n,)``.
        clusters: Ids, shape ``(n,)``; None if each item is its own.
        bins: How many bins of equal width.
        confidence: Nominal coverage of the limits in each bin, in (0, 1).

    Raises:
        ValueError: Arrays do not fit each other, a score is no chance, a label is none, or there is no bin.
    """
    given, truth = np.asarray(scores, dtype=np.float64), np.asarray(unsafe)
    if given.ndim != 1 or given.shape != truth.shape:
        raise ValueError(
            f"reliability_table: scores has shape {given.shape}, unsafe has {truth.shape}; give one of each for every item"
        )
    if bins < 1:
        raise ValueError(f"reliability_table: {bins} bins; give at least 1")
    if not np.isin(truth, (0, 1)).all():
        raise ValueError("reliability_table: a label is neither true nor false; leave out items without one")
    codes = cluster_codes(clusters, len(given), who="reliability_table")
    kept = ~np.isnan(given)
    score, label, codes = given[kept], truth[kept].astype(np.int64), codes[kept]
    wrong = np.flatnonzero((score < 0) | (score > 1))
    if wrong.size:
        raise ValueError(
            f"reliability_table: a score is {score[wrong[0]]}; only chances, in [0, 1], can be right or wrong"
        )
    edges = np.linspace(0, 1, bins + 1)
    at = np.minimum(np.searchsorted(edges, score, side="right") - 1, bins - 1)
    n = len(score)
    count = int(codes.max(initial=-1)) + 1
    rows, gaps = [], []
    for index in range(bins):
        here = at == index
        sizes = np.bincount(codes[here], minlength=count)
        passed = np.bincount(codes[here & (label == 1)], minlength=count)
        share = clustered_proportion(passed, sizes, confidence=confidence)
        mean = float(score[here].mean()) if share.n else None
        rows.append(Bin(float(edges[index]), float(edges[index + 1]), mean, share))
        if share.value is not None and mean is not None:
            gaps.append(share.n / n * abs(share.value - mean))
    brier = float(np.square(score - label).mean()) if n else None
    return Reliability(math.fsum(gaps) if n else None, brier, tuple(rows), n, len(given) - n)
