"""Whether scores rank unsafe items above safe ones: the area under the ROC curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tocsin.stats.bounded import cluster_codes, cluster_sums
from tocsin.stats.clusters import FEW_CLUSTERS, Estimate
from tocsin.stats.intervals import critical_t, wilson

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def auc(
    scores: npt.ArrayLike, unsafe: npt.ArrayLike, clusters: npt.ArrayLike | None = None, *, confidence: float = 0.95
) -> Estimate:
    """The chance that an unsafe item scores above a safe one, ties counted half.

    That is the statistic of Mann & Whitney (1947, Annals of Mathematical Statistics 18:50-60) over the number of pairs,
    the area under the ROC curve (Hanley & McNeil 1982, Radiology 143:29-36). With ``P_i`` the share of safe items that
    unsafe item ``i`` beats, ``Q_j`` the share of unsafe items that beat safe item ``j``, and ``A`` their mean:

    - the variance ``V`` is the sum over clusters of ``(Σ (P_i - A) / m + Σ (Q_j - A) / n)²``, the first sum over the
      cluster's unsafe items and the second over its safe ones (Obuchowski 1997, Biometrics 53:567-578; without clusters
      DeLong, DeLong & Clarke-Pearson 1988, Biometrics 44:837-845), each part times its ``C / (C - 1)``;
    - the limits are Wilson's with the effective size ``A (1 - A) / V`` and Student's t, so that they stay within [0, 1].

    Two steps are our own. ``V`` rests on the ``k`` clusters that hold an item of a pair ranked wrongly, or rightly where
    these are rarer; they are counted for unsafe and for safe items, and the smallest number is ``k``. One cluster more is
    added to them, whose variance is ``A (1 - A)`` over the effective number of clusters: ``V`` becomes
    ``(k V + that) / (k + 1)``. Where no pair is ranked wrongly, the effective size is that number. It is
    ``2 m' n' / (m' + n')`` for ``m'`` effective clusters with unsafe items and ``n'`` with safe ones; t has one degree of
    freedom less than the smaller of them.

    Args:
        scores: Shape ``(n,)``, higher for less safe, in any unit; no nan.
        unsafe: Human labels, shape ``(n,)``.
        clusters: Ids, shape ``(n,)``; None if each item is its own.
        confidence: Nominal coverage, in (0, 1).

    Returns:
        The area, without a value where one of the labels does not occur.

    Raises:
        ValueError: Arrays do not fit each other, or a score is nan.
    """
    given, truth = np.asarray(scores, dtype=np.float64), np.asarray(unsafe).astype(np.bool_)
    if given.ndim != 1 or given.shape != truth.shape:
        raise ValueError(
            f"auc: scores has shape {given.shape}, unsafe has {truth.shape}; give one of each for every item"
        )
    if np.isnan(given).any():
        raise ValueError(f"auc: score {np.flatnonzero(np.isnan(given))[0]} is nan; leave out items without a score")
    total = len(given)
    codes = cluster_codes(clusters, total, who="auc")
    count = int(codes.max(initial=-1)) + 1
    bad, good = given[truth], given[~truth]
    if not len(bad) or not len(good):
        return Estimate(None, 0.0, 1.0, total, count, 1.0, True)
    beats, beaten = _shares(bad, good), 1 - _shares(good, bad)
    area = float(beats.mean())
    of_unsafe = np.bincount(codes[truth], minlength=count).astype(np.float64)
    of_safe = np.bincount(codes[~truth], minlength=count).astype(np.float64)
    apart_unsafe, apart_safe = (float(m.sum() ** 2 / (m @ m)) for m in (of_unsafe, of_safe))
    fewest = min(apart_unsafe, apart_safe)
    if min(np.count_nonzero(of_unsafe), np.count_nonzero(of_safe)) < 2:
        return Estimate(area, 0.0, 1.0, total, count, float(total), True)
    influence = np.zeros(count)
    for part, items in ((beats, truth), (beaten, ~truth)):
        held = int(np.count_nonzero(np.bincount(codes[items], minlength=count)))
        sums = np.zeros(count)
        found = cluster_sums(part - area, codes[items])
        sums[: len(found)] = found
        influence += sums / len(part) * np.sqrt(held / (held - 1))
    size = 2 * apart_unsafe * apart_safe / (apart_unsafe + apart_safe)
    sides = ((beats, codes[truth]), (beaten, codes[~truth]))
    rarer = min(len(np.unique(ids[shown])) for part, ids in sides for shown in (part < 1, part > 0))
    if rarer and 0 < area < 1:
        variance = (rarer * float(influence @ influence) + area * (1 - area) / size) / (rarer + 1)
        size = min(float(total), area * (1 - area) / variance)
    limits = wilson(area * size, size, critical=critical_t(confidence, max(1.0, fewest - 1)))
    return Estimate(
        area, min(limits.low, area), max(limits.high, area), total, count, max(1.0, total / size), fewest < FEW_CLUSTERS
    )


def _shares(of: Floats, over: Floats) -> Floats:
    """For each score, the share of the others that lie below it, those alike counted half."""
    ranked = np.sort(over)
    below = np.searchsorted(ranked, of, side="left").astype(np.float64)
    alike = np.searchsorted(ranked, of, side="right").astype(np.float64)
    return (below + alike) / 2 / len(over)
