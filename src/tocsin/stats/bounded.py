"""Means of values in [0, 1] that are weighted, or are shares and not outcomes, over clusters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tocsin.stats.clusters import FEW_CLUSTERS, Estimate
from tocsin.stats.intervals import critical_t, wilson

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Codes = npt.NDArray[np.int64]


def cluster_codes(clusters: npt.ArrayLike | None, n: int, *, who: str) -> Codes:
    """Numbers from 0 for cluster ids of any kind, in their sorted order.

    Args:
        clusters: The id of each item's cluster, shape ``(n,)``: text or whole numbers. None makes each item its own.
        n: How many items there are.
        who: The function that asks, for the message of an error.

    Raises:
        ValueError: There is not one id for each item, or an id is no text and no whole number.
    """
    if clusters is None:
        return np.arange(n, dtype=np.int64)
    ids = np.asarray(clusters)
    if ids.shape != (n,):
        raise ValueError(f"{who}: clusters has shape {ids.shape} beside {n} items; give one id for each item, or None")
    if n and ids.dtype.kind not in "iuUb":
        raise ValueError(f"{who}: clusters is {ids.dtype}; give ids that are text or whole numbers")
    return np.unique(ids, return_inverse=True)[1].astype(np.int64).reshape(n)


def cluster_sums(values: Floats, codes: Codes) -> Floats:
    """The sum of the values over each cluster, shape ``(codes.max() + 1,)``."""
    return np.bincount(codes, weights=values, minlength=int(codes.max(initial=-1)) + 1).astype(np.float64)


def bounded_mean(
    values: npt.ArrayLike,
    clusters: npt.ArrayLike | None = None,
    *,
    weights: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> Estimate:
    """The weighted mean of values in [0, 1], with a Wilson interval that allows for clusters and weights.

    It is `clustered_proportion` with three changes, and the same where values are 0 or 1 and weights are alike:

    - sums over a cluster are sums of weights, ``x_c = Σ w y`` and ``m_c = Σ w``, so that the mean is the ratio estimate
      of Hájek (1971, in *Foundations of Statistical Inference*, 236) with ``w = 1 / inclusion probability``;
    - ``n`` independent items count as ``(Σ w)² / Σ w²`` (Kish 1965, *Survey Sampling*, section 11.7), since unequal
      weights are worth fewer items than there are;
    - where values are shares, independent items are worth more than outcomes: ``p (1 - p) / s²`` times as many,
      with ``s²`` their weighted variance.

    Multiplying all weights by one number changes nothing.

    Args:
        values: Shape ``(n,)``, each in [0, 1].
        clusters: Ids, shape ``(n,)``; None if each item is its own.
        weights: Shape ``(n,)``, above 0: for a labelled sample, one over each item's inclusion probability. None if all
            had the same probability.
        confidence: Nominal coverage, in (0, 1).

    Returns:
        The mean. ``design_effect`` is ``n`` over the effective sample size, what weights cost included; it can be below
        1 for shares.

    Raises:
        ValueError: Arrays do not fit each other, a value is not in [0, 1], or a weight is not a number above 0.
    """
    y = np.asarray(values, dtype=np.float64)
    if y.ndim != 1:
        raise ValueError(f"bounded_mean: values has shape {y.shape}; give one value for each item")
    wrong = np.flatnonzero(~((y >= 0) & (y <= 1)))
    if wrong.size:
        raise ValueError(f"bounded_mean: value {wrong[0]} is {y[wrong[0]]}; leave out what is not in [0, 1]")
    n = len(y)
    w = checked_weights(weights, n, who="bounded_mean")
    codes = cluster_codes(clusters, n, who="bounded_mean")
    if n == 0:
        return Estimate(None, 0.0, 1.0, 0, 0, 1.0, True)
    total = float(w.sum())
    p = min(1.0, max(0.0, float(w @ y) / total))
    m, x = cluster_sums(w, codes), cluster_sums(w * y, codes)
    count = len(m)
    apart = total**2 / float(m @ m)  # the effective number of clusters
    if count == 1:
        return Estimate(p, 0.0, 1.0, n, 1, float(n), True)
    independent = total**2 / float(w @ w)
    variance = float(w @ (y - p) ** 2) / total
    # As many outcomes of 0 or 1 would tell as much as these values do.
    outcomes = independent * (p * (1 - p) / variance if variance > 0 else 1.0)
    together = independent / apart
    showing = int(min(np.count_nonzero(x > 0), np.count_nonzero(x < m)))  # NumPy's own numbers go into no JSON
    effect = together
    if showing and variance > 0 and together > 1:
        spread = float(np.square(x - p * m).sum()) / total**2 * count / (count - 1)
        observed = max(1.0, spread / (variance / independent))
        effect = (showing * observed + max(observed, together)) / (showing + 1)
    size = outcomes / effect
    limits = wilson(p * size, size, critical=critical_t(confidence, max(1.0, apart - 1)))
    return Estimate(p, min(limits.low, p), max(limits.high, p), n, count, n / size, apart < FEW_CLUSTERS)


def checked_weights(weights: npt.ArrayLike | None, n: int, *, who: str) -> Floats:
    """The weights as numbers, or ones; refused where one cannot be a weight."""
    if weights is None:
        return np.ones(n)
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (n,):
        raise ValueError(f"{who}: weights has shape {w.shape} beside {n} items; give one weight for each item, or None")
    wrong = np.flatnonzero(~(np.isfinite(w) & (w > 0)))
    if wrong.size:
        raise ValueError(
            f"{who}: weight {wrong[0]} is {w[wrong[0]]}; a weight is one over the chance to be labelled, above 0"
        )
    return w
