"""How well something tells two classes apart: precision, recall, false-positive rate and F1, with intervals that allow
for clusters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np

from tocsin.stats.clusters import FEW_CLUSTERS, Estimate, clustered_proportion
from tocsin.stats.intervals import critical_t


class Confusion(msgspec.Struct):
    """Counts of one cluster, with the positive class the one that is looked for."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0


def precision(clusters: Sequence[Confusion], *, confidence: float = 0.95) -> Estimate:
    """``TP / (TP + FP)``; without a value where nothing was called positive."""
    return _share([c.tp for c in clusters], [c.tp + c.fp for c in clusters], confidence)


def recall(clusters: Sequence[Confusion], *, confidence: float = 0.95) -> Estimate:
    """``TP / (TP + FN)``, sensitivity; without a value where nothing is positive."""
    return _share([c.tp for c in clusters], [c.tp + c.fn for c in clusters], confidence)


def false_positive_rate(clusters: Sequence[Confusion], *, confidence: float = 0.95) -> Estimate:
    """``FP / (FP + TN)``, 1 − specificity; without a value where nothing is negative."""
    return _share([c.fp for c in clusters], [c.fp + c.tn for c in clusters], confidence)


def f1(clusters: Sequence[Confusion], *, confidence: float = 0.95) -> Estimate:
    """``2 TP / (2 TP + FP + FN)``, with an interval.

    F1 is ``2 J / (1 + J)`` with ``J = TP / (TP + FP + FN)``, Jaccard's index, which is the share of right ones among
    what either side
    calls positive. So the interval is Wilson's for ``J`` with clusters (`clustered_proportion`), its ends transformed; the map is
    monotone, so coverage carries over. True negatives do not enter, as they do not enter F1.

    Without a value where nothing is positive and nothing was called so.
    """
    found = _share([c.tp for c in clusters], [c.tp + c.fp + c.fn for c in clusters], confidence)
    if found.value is None:
        return found
    return msgspec.structs.replace(found, value=_f1(found.value), low=_f1(found.low), high=_f1(found.high))


def mean_f1(
    parts: Sequence[Mapping[str, Confusion]], weights: Sequence[float] | None = None, *, confidence: float = 0.95
) -> Estimate:
    """The mean of F1 over several parts (languages, subjects), whose clusters are told by name.

    A cluster may have a share in several parts: one source row in many languages. So each part is linearised: with
    ``D = Σ (TP + FP + FN)`` and ``J``, cluster ``c`` moves its F1 by ``2/(1+J)² · (TP_c - J · (TP_c + FP_c + FN_c)) / D`` (delta
    method for a ratio, Taylor linearisation), the shifts of a cluster are added over the parts, and the variance of the mean is
    ``C/(C-1) · Σ_c (Σ_parts w · shift)²``. The interval is symmetric with Student's t and ``C - 1`` degrees of freedom,
    cut to [0, 1].

    Args:
        parts: For each part: cluster → its counts. A part in which nothing is positive and nothing was called so has no F1.
        weights: Of the parts, with the sum 1; the same for each if None.
        confidence: Of the interval.

    Raises:
        ValueError: There is no part, or one has no F1; or the weights are not as many.
    """
    if not parts:
        raise ValueError("mean_f1: nothing to average; give at least one part")
    shares = [1 / len(parts)] * len(parts) if weights is None else list(weights)
    shifts: dict[str, float] = {}
    values, n = [], 0
    for index, (part, weight) in enumerate(zip(parts, shares, strict=True)):
        called = {name: c.tp + c.fp + c.fn for name, c in part.items()}
        total = sum(called.values())
        if not total:
            raise ValueError(
                f"mean_f1: part {index} has no F1, as nothing in it is positive or was called so; leave it out"
            )
        jaccard = sum(c.tp for c in part.values()) / total
        slope = 2 / (1 + jaccard) ** 2
        values.append(weight * _f1(jaccard))
        n += sum(c.tp + c.fp + c.fn + c.tn for c in part.values())
        for name, c in part.items():
            shifts[name] = shifts.get(name, 0.0) + weight * slope * (c.tp - jaccard * called[name]) / total
    mean = math.fsum(values)
    count = len(shifts)
    if count < 2:
        return Estimate(mean, 0.0, 1.0, n, count, 1.0, True)
    variance = count / (count - 1) * math.fsum(shift**2 for shift in shifts.values())
    reach = critical_t(confidence, count - 1) * math.sqrt(variance)
    return Estimate(
        mean, max(0.0, mean - reach), min(1.0, mean + reach), n, count, 1.0, few_clusters=count < FEW_CLUSTERS
    )


def _f1(jaccard: float) -> float:
    return 2 * jaccard / (1 + jaccard)


def _share(right: Sequence[int], sizes: Sequence[int], confidence: float) -> Estimate:
    kept = np.array([(x, m) for x, m in zip(right, sizes, strict=True) if m], dtype=np.int64).reshape(-1, 2)
    return clustered_proportion(kept[:, 0], kept[:, 1], confidence=confidence)
