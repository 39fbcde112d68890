"""Two readings of the same things: how far two judges agree, by how much a rate moves, and what of an order is not noise.

The things are answers and the readings two judges' verdicts; or they are cases and the readings two targets' outcomes.
Either way both are taken on the same clusters, which is worth more than two intervals side by side.

How often 95% limits held the truth, 600 draws a point: `moved` 0.94 or more and `judges_agree` 0.93 or more, over 30 to 300
answers or 40 clusters of 5, with 2.5% to 40% of the verdicts flipped; `rate_difference` 0.94 or more, over 30 to 300 cases,
rates of 0.5 to 0.98 and correlations from 0 to 0.9 between the targets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tocsin.stats.agreement import Figure
from tocsin.stats.clusters import FEW_CLUSTERS, Estimate, clustered_proportion

if TYPE_CHECKING:
    import numpy.typing as npt

    Counts = npt.NDArray[np.integer[Any]]
    Floats = npt.NDArray[np.float64]


class Difference(msgspec.Struct, frozen=True):
    """A rate minus another one.

    Attributes:
        value: The difference, in [-1, 1]; None where one of the rates has no value.
        low: Lower limit; None with the value.
        high: Upper limit.
        n: Attempts that both rates rest on, or those of the smaller one.
        n_clusters: Clusters in which either rate has an attempt.
        few_clusters: The interval rests on fewer than `FEW_CLUSTERS` clusters.
    """

    value: float | None
    low: float | None
    high: float | None
    n: int
    n_clusters: int
    few_clusters: bool


class RankRange(msgspec.Struct, frozen=True):
    """The ranks that one of several may have: 1 is the best. They are alike where nothing is known to be better or worse."""

    low: int
    high: int


def judges_agree(
    tables: Counts, *, confidence: float = 0.95, draws: int = 2000, seed: int = 0
) -> tuple[Estimate, Figure]:
    """The share of answers on which two judges agree, and Cohen's kappa (1960, Educ. and Psych. Measurement 20:37-46).

    The share has `clustered_proportion`'s limits. Kappa has those that `judge_agreement` gives it: the outer ones of a
    bootstrap over clusters, and of the share's own limits carried over at the agreement by chance that was seen. The
    bootstrap draws kinds of clusters in place of clusters, which is the same and takes no longer for a million of them.

    Args:
        tables: Counts of each cluster, shape ``(clusters, 2, 2)``: verdicts of the one judge by those of the other, in
            the same order. Answers that one of them left unscored do not belong here.
        confidence: Nominal coverage, in (0, 1).
        draws: Resamples for kappa.
        seed: Same seed, same limits.

    Returns:
        The share, and kappa; without a value where both judges gave every answer one and the same verdict.
    """
    t = _square(tables, "judges_agree")
    size = t.sum(axis=(1, 2))
    agreed = clustered_proportion(t[:, 0, 0] + t[:, 1, 1], size, confidence=confidence)
    t = t[size > 0]
    value = float(_kappa(t.sum(axis=0).reshape(1, 4))[0]) if len(t) else math.nan
    if math.isnan(value) or agreed.value is None:
        return agreed, Figure(None, None, None, agreed.n, agreed.n_clusters, True)
    chance = _chance(t.sum(axis=0))
    low, high = ((limit - chance) / (1 - chance) for limit in (agreed.low, agreed.high))
    if len(t) > 1:
        kinds, often = np.unique(t.reshape(-1, 4), axis=0, return_counts=True)
        drawn = np.random.default_rng(seed).multinomial(len(t), often / len(t), size=draws)
        values = _kappa(drawn @ kinds)
        values = values[~np.isnan(values)]
        if len(values) >= draws / 10:
            tail = (1 - confidence) / 2
            first, last = np.quantile(values, (tail, 1 - tail))
            low, high = min(low, float(first)), max(high, float(last))
    few = agreed.few_clusters or len(t) < FEW_CLUSTERS
    return agreed, Figure(value, max(-1.0, min(low, value)), min(1.0, max(high, value)), agreed.n, len(t), few)


def moved(tables: Counts, *, confidence: float = 0.95) -> Difference:
    """By how much the share of the first verdict is higher in the second reading than in the first.

    It is the share of answers that came to that verdict minus the share that left it. Each share has
    `clustered_proportion`'s limits; the difference has those of MOVER for dependent rates (Zou & Donner 2008, Statistics
    in Medicine 27:1693-1702), with the correlation of the two shares' sums over clusters. So the limits keep a width
    where no verdict changed: none of a hundred does not mean that none ever would.

    Args:
        tables: Counts of each cluster, shape ``(clusters, 2, 2)``: first reading by second.
        confidence: Nominal coverage, in (0, 1).
    """
    t = _square(tables, "moved")
    size = t.sum(axis=(1, 2))
    came = clustered_proportion(t[:, 1, 0], size, confidence=confidence)
    left = clustered_proportion(t[:, 0, 1], size, confidence=confidence)
    return _minus(came, left, (t[:, 1, 0], size), (t[:, 0, 1], size))


def rate_difference(
    passed: Counts, sizes: Counts, other_passed: Counts, other_sizes: Counts, *, confidence: float = 0.95
) -> Difference:
    """One rate minus another over the same clusters: two targets that were asked the same cases.

    Limits: MOVER for dependent rates, as for `moved`, from `clustered_proportion`'s limits of each. What was not measured
    of one of them is left out of its own rate only.

    Args:
        passed: Passed attempts of each cluster, shape ``(clusters,)``.
        sizes: Measured attempts of each cluster; 0 where there are none.
        other_passed: The same of the rate that is subtracted; clusters in the same order.
        other_sizes: Its measured attempts.
        confidence: Nominal coverage, in (0, 1).
    """
    one = clustered_proportion(passed, sizes, confidence=confidence)
    other = clustered_proportion(other_passed, other_sizes, confidence=confidence)
    return _minus(one, other, (passed, sizes), (other_passed, other_sizes))


def mean_difference(parts: Sequence[Difference]) -> Difference:
    """The unweighted mean of independent differences, with limits by MOVER (as `macro_mean`, for two rates).

    Args:
        parts: Differences with values, at least one, over different cases.

    Raises:
        ValueError: There is none, or one has no value.
    """
    if not parts or any(part.value is None for part in parts):
        raise ValueError("mean_difference: needs differences that all have a value; leave out the others and say so")
    count = len(parts)
    value = math.fsum(part.value or 0.0 for part in parts) / count
    below = math.hypot(*((part.value or 0.0) - (part.low or 0.0) for part in parts)) / count
    above = math.hypot(*((part.high or 0.0) - (part.value or 0.0) for part in parts)) / count
    return Difference(
        value,
        max(-1.0, value - below),
        min(1.0, value + above),
        sum(part.n for part in parts),
        sum(part.n_clusters for part in parts),
        any(part.few_clusters for part in parts),
    )


def pairwise_confidence(several: int, *, confidence: float = 0.95) -> float:
    """The confidence that each difference between two of `several` needs, for all of them to hold together (Bonferroni)."""
    pairs = several * (several - 1) // 2
    return 1 - (1 - confidence) / max(1, pairs)


def rank_ranges(better: Sequence[Sequence[bool]]) -> list[RankRange]:
    """The ranks that each may have, given which are better than which beyond noise.

    The best rank is one more than the number that are better, the worst is the number of all less those that are worse.
    If the differences hold together at 95%, so do the ranks (Mogstad, Romano, Shaikh & Wilhelm 2024, Review of Economic
    Studies 91:476-518, with their bootstrap replaced by `pairwise_confidence`).

    Args:
        better: ``better[i][j]`` says that ``i`` is better than ``j``, with the whole of the difference's interval.
    """
    n = len(better)
    return [RankRange(1 + sum(better[j][i] for j in range(n)), n - sum(better[i])) for i in range(n)]


def _minus(
    one: Estimate, other: Estimate, counts: tuple[Counts, Counts], other_counts: tuple[Counts, Counts]
) -> Difference:
    """One rate minus another, given the counts of each over the same clusters."""
    clusters = int(np.count_nonzero((counts[1] > 0) | (other_counts[1] > 0)))
    few = one.few_clusters or other.few_clusters
    if one.value is None or other.value is None:
        return Difference(None, None, None, min(one.n, other.n), clusters, True)
    u = counts[0] - one.value * counts[1]
    v = other_counts[0] - other.value * other_counts[1]
    norm = math.sqrt(float(u @ u) * float(v @ v))
    r = float(u @ v) / norm if norm > 0 else 0.0

    def reach(a: float, b: float) -> float:
        return math.sqrt(max(0.0, a * a + b * b - 2 * r * a * b))

    value = one.value - other.value
    low = value - reach(one.value - one.low, other.high - other.value)
    high = value + reach(one.high - one.value, other.value - other.low)
    return Difference(value, max(-1.0, low), min(1.0, high), min(one.n, other.n), clusters, few)


def _kappa(tables: Counts) -> Floats:
    """Kappa of each table of four counts, shape ``(tables, 4)``; nan where it is undefined."""
    a, b, c, d = tables.astype(np.float64).T
    n = a + b + c + d
    with np.errstate(invalid="ignore", divide="ignore"):
        chance = ((a + b) * (a + c) + (c + d) * (b + d)) / n**2
        found = ((a + d) / n - chance) / (1 - chance)
    return np.asarray(np.where(chance < 1, found, np.nan), dtype=np.float64)


def _chance(total: Counts) -> float:
    """The agreement that two judges with these verdicts would have by chance."""
    n = float(total.sum())
    return float(total.sum(axis=1) @ total.sum(axis=0)) / n**2


def _square(tables: Counts, who: str) -> npt.NDArray[np.int64]:
    given = np.asarray(tables)
    if given.ndim != 3 or given.shape[1:] != (2, 2):
        raise ValueError(f"{who}: tables has shape {given.shape}; give a table of two by two for each cluster")
    if given.size and not np.issubdtype(given.dtype, np.integer):
        raise ValueError(f"{who}: tables is {given.dtype}; give counts as an integer array")
    return given.astype(np.int64)


def sign_flip(differences: npt.ArrayLike, *, draws: int = 20_000, seed: int = 0) -> float:
    """How often a sum of differences as far from 0 would come about if each might as well have the other sign.

    The test by random signs for paired readings (Fisher 1935, The Design of Experiments, section 21), two-sided, by Monte Carlo:
    ``(1 + exceeding) / (1 + draws)``, so that it is never 0 and holds its level at any number of draws.

    Args:
        differences: One reading less the other, one a cluster, shape ``(clusters,)``.
        draws: Sets of signs.
        seed: Same seed, same value.

    Returns:
        In (0, 1]; 1 where there is no difference other than 0.
    """
    d = np.asarray(differences, dtype=np.float64)
    d = d[d != 0]
    if not len(d):
        return 1.0
    rng, exceeding, least = np.random.default_rng(seed), 0, abs(float(d.sum())) * (1 - 1e-12)
    for begin in range(0, draws, 1000):
        signs = rng.integers(0, 2, size=(min(1000, draws - begin), len(d)), dtype=np.int8) * 2 - 1
        exceeding += int((np.abs(signs @ d) >= least).sum())
    return (1 + exceeding) / (1 + draws)


def holm(values: Sequence[float]) -> list[float]:
    """P-values made good for being several: reject those at most ``α``, and the chance of any false rejection is at most ``α``.

    Step-down Bonferroni (Holm 1979, Scandinavian Journal of Statistics 6:65-70), whatever the dependence.

    Args:
        values: P-values, in any order.

    Returns:
        The adjusted ones, in the same order.
    """
    adjusted, running = [0.0] * len(values), 0.0
    for place, number in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        running = max(running, min(1.0, (len(values) - place) * values[number]))
        adjusted[number] = running
    return adjusted
