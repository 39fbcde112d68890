"""How well something tells two classes apart: precision, recall, false-positive rate and F1, with intervals that allow
for clusters.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from tocsin.stats.clusters import FEW_CLUSTERS, Estimate, clustered_proportion

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


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

    The limits of each part's F1 (`f1`, Wilson's form, which has a width where nothing went wrong) are put together by MOVER
    for dependent rates (Zou & Donner 2008, Statistics in Medicine 27:1693-1702) ::

        low = mean - sqrt(Σ_ij w_i w_j r_ij (f_i - l_i) (f_j - l_j)),     high likewise

    A cluster may have a share in several parts: one source row in many languages. So ``r_ij`` is the correlation of what
    clusters do to the two: with ``D = Σ (TP + FP + FN)`` cluster ``c`` moves the F1 of a part by a multiple of
    ``(TP_c - J (TP_c + FP_c + FN_c)) / D`` (Taylor linearisation of a ratio). Below 0 it counts as 0; and one cluster that
    agrees in both is added to the ``k`` that tell of it, as in `clustered_proportion`: ``(k r + 1) / (k + 1)``, with ``k`` the
    least number of clusters in either part that are right somewhere, or that are wrong somewhere. Parts without a cluster
    in common have none. To correlate limits as their estimates are is usual; both cautions are our own.
    docs/method/multilingual.md has how often the limits hold.

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
    places: dict[str, int] = {}
    for part in parts:
        for name in part:
            places.setdefault(name, len(places))
    shifts, there = (np.zeros((len(parts), len(places))) for _ in range(2))
    reaches, showing = np.zeros((2, len(parts))), np.zeros((2, len(parts)))
    values, n = [], 0
    for index, (part, weight) in enumerate(zip(parts, shares, strict=True)):
        found = f1(list(part.values()), confidence=confidence)
        if found.value is None:
            raise ValueError(
                f"mean_f1: part {index} has no F1, as nothing in it is positive or was called so; leave it out"
            )
        values.append(weight * found.value)
        reaches[:, index] = weight * (found.value - found.low), weight * (found.high - found.value)
        n += sum(c.tp + c.fp + c.fn + c.tn for c in part.values())
        jaccard = found.value / (2 - found.value)
        showing[:, index] = (
            sum(c.tp > 0 for c in part.values()),
            sum(c.fp + c.fn > 0 for c in part.values()),
        )
        for name, c in part.items():
            called = c.tp + c.fp + c.fn
            shifts[index, places[name]], there[index, places[name]] = c.tp - jaccard * called, called > 0
    mean, count = math.fsum(values), len(places)
    if count < 2:
        return Estimate(mean, 0.0, 1.0, n, count, 1.0, True)
    correlation = _correlations(shifts, there, np.minimum(*showing))
    down, up = (math.sqrt(max(0.0, float(reach @ correlation @ reach))) for reach in reaches)
    return Estimate(mean, max(0.0, mean - down), min(1.0, mean + up), n, count, 1.0, few_clusters=count < FEW_CLUSTERS)


def _correlations(shifts: Floats, there: Floats, showing: Floats) -> Floats:
    """The correlation of each two parts by what clusters do to them, shape ``(parts, parts)``; in [0, 1]."""
    norms = np.sqrt((shifts**2).sum(axis=1))
    scaled = shifts / np.where(norms > 1e-9, norms, 1.0)[:, np.newaxis]
    telling = np.minimum.outer(showing, showing)
    found = (telling * np.clip(scaled @ scaled.T, 0.0, 1.0) + 1) / (telling + 1)
    found = np.where(there @ there.T > 0, found, 0.0)
    np.fill_diagonal(found, 1.0)
    return found


def _f1(jaccard: float) -> float:
    return 2 * jaccard / (1 + jaccard)


def _share(right: Sequence[int], sizes: Sequence[int], confidence: float) -> Estimate:
    kept = np.array([(x, m) for x, m in zip(right, sizes, strict=True) if m], dtype=np.int64).reshape(-1, 2)
    return clustered_proportion(kept[:, 0], kept[:, 1], confidence=confidence)
