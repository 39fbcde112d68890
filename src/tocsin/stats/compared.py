"""Two sides that were put the same cases: how far their rates differ, whether chance explains it, and what could have been seen.

Cases of one cluster stand or fall together, so a cluster is what was sampled: the test turns whole clusters, and the power counts
cases by their effective number.

How often 95% limits of `compared` held the truth, how often it said of no difference that there is one, and how near its power
comes to the simulated one: `perf/comparison.py`, and docs/method/comparison.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tocsin.stats.clusters import FEW_CLUSTERS, Estimate, clustered_proportion
from tocsin.stats.intervals import critical_t
from tocsin.stats.means import macro_mean
from tocsin.stats.paired import Difference, mean_difference, moved
from tocsin.stats.power import power_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Counts = npt.NDArray[np.integer[Any]]
    Floats = npt.NDArray[np.float64]

DRAWS = 50_000
"""Sets of random signs where the distribution is drawn."""
_SEED = 19350021
_DISTINCT = 2000
"""Different magnitudes from which a sum of so many parts is as good as normal."""
_REACH = 14
"""Standard deviations of a binomial that are kept; what is beyond has a chance of less than 1e-40."""
_NORMAL = NormalDist()


class Compared(msgspec.Struct, frozen=True):
    """Two rates over the same cases.

    Attributes:
        one: The rate of the one side, with its interval.
        other: That of the other, over the same cases.
        difference: The other less the one.
        p: Two-sided, of no difference, by random signs of the clusters' differences; None without a case.
        discordance: The share of cases on which the two disagree, in [0, 1].
        design_effect: By how much clusters raise the variance of the difference; 1 or more.
        variance: Of the difference, clusters allowed for.
    """

    one: Estimate
    other: Estimate
    difference: Difference
    p: float | None
    discordance: float
    design_effect: float
    variance: float

    @property
    def effective(self) -> float:
        """Cases by their effective number."""
        return self.difference.n / self.design_effect


class Seen(msgspec.Struct, frozen=True):
    """What a comparison could have seen.

    Attributes:
        detectable: The smallest difference that is found with a power of 80%; None if not even the largest there is.
        power: The chance to find a difference of the size that was asked for, in [0, 1].
        alpha: The level of the test.
    """

    detectable: float | None
    power: float
    alpha: float


def compared(tables: Counts) -> Compared:
    """Two rates over the same cases, by cluster.

    Each rate has the limits of `clustered_proportion`, the difference those of `moved` (MOVER for dependent rates), ``p`` is
    `flip_test`'s over clusters: McNemar's exact test where each case is its own cluster.

    The design effect is that of the difference: with ``d_c`` cases that came less those that left in cluster ``c`` of ``m_c``
    cases, ``δ = Σ d_c / n`` and the discordance ``ψ``, the variance ``V = C/(C-1) Σ (d_c - δ m_c)² / n²`` over
    ``(ψ - δ²) / n``, and no less than 1.

    Args:
        tables: Counts of each cluster, shape ``(clusters, 2, 2)``: the one side's outcomes by the other's, the outcome that the
            rate counts first. Cases that lack an outcome on one side do not belong here.
    """
    t = np.asarray(tables, dtype=np.int64)
    sizes = t.sum(axis=(1, 2))
    t, sizes = t[sizes > 0], sizes[sizes > 0]
    one = clustered_proportion(t[:, 0].sum(axis=1), sizes)
    other = clustered_proportion(t[:, :, 0].sum(axis=1), sizes)
    n, clusters = int(sizes.sum()), len(sizes)
    if not n:
        return Compared(one, other, Difference(None, None, None, 0, 0, True), None, 0.0, 1.0, 0.0)
    changes = t[:, 1, 0] - t[:, 0, 1]
    apart = int((t[:, 1, 0] + t[:, 0, 1]).sum()) / n
    delta = int(changes.sum()) / n
    plain = (apart - delta * delta) / n
    effect = 1.0
    if clusters > 1 and plain > 0 and clusters < n:
        spread = float(np.square(changes - delta * sizes).sum()) * clusters / (clusters - 1) / n**2
        effect = max(1.0, spread / plain)
    return Compared(one, other, moved(t), flip_test(changes), apart, effect, plain * effect)


def mean_compared(parts: Sequence[tuple[Compared, Counts]]) -> Compared:
    """The unweighted means of several pairs of rates over different cases, and their difference.

    Args:
        parts: Each pair, and the tables that it was made of.

    Raises:
        ValueError: There is none, or one has no value.
    """
    difference = mean_difference([part.difference for part, _ in parts])
    count = len(parts)
    changes = [(t[:, 1, 0] - t[:, 0, 1]) / (count * part.difference.n) for part, t in parts]
    return Compared(
        macro_mean([part.one for part, _ in parts]),
        macro_mean([part.other for part, _ in parts]),
        difference,
        flip_test_drawn(np.concatenate(changes)),
        math.fsum(part.discordance for part, _ in parts) / count,
        1.0,
        math.fsum(part.variance for part, _ in parts) / count**2,
    )


def graded(one: Floats, other: Floats, counts: Counts) -> Compared:
    """Two mean grades over the same cases, by cluster.

    The limits are Student's over clusters, each at the linearised value of its part in the mean; not percentiles of a bootstrap,
    which are too narrow where clusters are few. ``p`` is that of random signs.

    Args:
        one: Sum of the one side's grades in each cluster, each grade in [0, 1].
        other: Of the other's.
        counts: Cases of each cluster, 1 or more.
    """
    n, clusters = int(counts.sum()), len(counts)
    few = clusters < FEW_CLUSTERS or n * n / max(1.0, float(np.square(counts, dtype=np.float64).sum())) < FEW_CLUSTERS

    def mean(sums: Floats, least: float) -> tuple[Estimate, float]:
        value = float(sums.sum()) / n
        if clusters < 2:
            return Estimate(value, least, 1.0, n, clusters, 1.0, True), 0.0
        variance = float(np.square(sums - value * counts).sum()) * clusters / (clusters - 1) / n**2
        reach = critical_t(0.95, clusters - 1) * math.sqrt(variance)
        return Estimate(value, max(least, value - reach), min(1.0, value + reach), n, clusters, 1.0, few), variance

    (first, _), (second, _) = mean(one, 0.0), mean(other, 0.0)
    told, variance = mean(other - one, -1.0)
    difference = Difference(told.value, told.low, told.high, n, clusters, told.few_clusters)
    return Compared(first, second, difference, flip_test_drawn(other - one), 0.0, 1.0, variance)


def flip_test(differences: Counts) -> float:
    """How often a sum of whole differences as far from 0 would come about if each might as well have the other sign.

    `sign_flip` without drawing: the distribution over all signs is put together from one binomial for each size of difference.
    Where all are 1 or -1 it is McNemar's exact test (1947, Psychometrika 12:153-157).

    Args:
        differences: One side less the other, one a cluster, shape ``(clusters,)``, integer.

    Returns:
        In (0, 1]; 1 where there is no difference other than 0.
    """
    from scipy.special import bdtr, gammaln

    d = np.asarray(differences, dtype=np.int64)
    sizes, often = np.unique(np.abs(d[d != 0]), return_counts=True)
    if not len(sizes):
        return 1.0
    clusters, total = int(often.sum()), int((sizes * often).sum())
    # The sum is 2 X - total, X the sum of the sizes whose sign is plus; X is symmetric about total / 2.
    least = (total - abs(int(d.sum()))) // 2
    if len(sizes) == 1:
        return min(1.0, 2 * float(bdtr(least // int(sizes[0]), clusters, 0.5)))
    chances, start = np.ones(1), 0
    for size, count in zip(sizes.tolist(), often.tolist(), strict=True):
        reach = _REACH * math.sqrt(count) / 2 + 1
        k = np.arange(max(0, math.floor(count / 2 - reach)), min(count, math.ceil(count / 2 + reach)) + 1)
        logs = gammaln(count + 1) - gammaln(k + 1) - gammaln(count - k + 1) - count * math.log(2)
        spaced = np.zeros((len(k) - 1) * size + 1)
        spaced[::size] = np.exp(logs)
        chances, start = _convolved(chances, spaced), start + int(k[0]) * size
    tail = float(chances[: max(0, least - start + 1)].sum())
    return min(1.0, max(2 * tail, 2.0 ** (1 - min(clusters, 1000))))


def flip_test_drawn(differences: npt.ArrayLike, *, draws: int = DRAWS, seed: int = _SEED) -> float:
    """The same for differences that are no whole numbers, by Monte Carlo: ``(1 + exceeding) / (1 + draws)``.

    Equal sizes are drawn together, as one binomial, so that it takes no longer for a million clusters. Of more than 2,000
    different sizes the sum is taken as normal.

    Args:
        differences: Shape ``(clusters,)``.
        draws: Sets of signs.
        seed: Same seed, same value.
    """
    d = np.asarray(differences, dtype=np.float64)
    d = d[d != 0]
    if not len(d):
        return 1.0
    sizes, often = np.unique(np.abs(d), return_counts=True)
    observed = abs(float(d.sum())) * (1 - 1e-9)
    if len(sizes) > _DISTINCT:
        return max(2 * _NORMAL.cdf(-observed / math.sqrt(float(d @ d))), 1e-300)
    rng, sums = np.random.default_rng(seed), np.zeros(draws)
    for size, count in zip(sizes, often, strict=True):
        sums += size * (2 * rng.binomial(count, 0.5, size=draws) - count)
    return (1 + int((np.abs(sums) >= observed).sum())) / (1 + draws)


def could_see(told: Compared, effect: float, *, alpha: float = 0.05, power: float = 0.8) -> Seen:
    """What a comparison of two rates could have seen, given its cases, its clusters and how often its sides disagree.

    `power_of` with the discordance that was seen, or the difference where that is larger, and the effective number of cases. It
    says nothing of the difference that was found, which is no power of its own (Hoenig & Heisey 2001, The American
    Statistician 55:19-24).

    Args:
        told: The comparison.
        effect: A difference that would matter, in (0, 1].
        alpha: The level of the test; that of Holm's first step where there are several.
        power: The chance that `detectable` is for.
    """
    n = told.effective

    def chance(d: float) -> float:
        return power_of(n, 0.5, d, discordance=min(1.0, max(told.discordance, d)), alpha=alpha)

    return Seen(_smallest(chance, power), chance(effect), alpha)


def could_see_mean(told: Compared, effect: float, *, alpha: float = 0.05, power: float = 0.8) -> Seen:
    """The same of a mean, whose difference is as good as normal: by its variance.

    Args:
        told: The comparison of two means.
        effect: A difference that would matter, in (0, 1].
        alpha: The level of the test.
        power: The chance that `detectable` is for.
    """
    error, critical = math.sqrt(told.variance), _NORMAL.inv_cdf(1 - alpha / 2)

    def chance(d: float) -> float:
        if error == 0:
            return 0.0
        return _NORMAL.cdf(d / error - critical) + _NORMAL.cdf(-d / error - critical)

    return Seen(_smallest(chance, power), chance(effect), alpha)


def _smallest(chance: Any, power: float) -> float | None:
    """The smallest difference with such a chance to be found, to a fiftieth of a point."""
    low, high = 0.0, 1.0
    if chance(high) < power:
        return None
    while high - low > 2e-4:
        middle = (low + high) / 2
        low, high = (low, middle) if chance(middle) >= power else (middle, high)
    return high


def _convolved(one: Floats, other: Floats) -> Floats:
    if len(one) * len(other) < 1 << 22:
        return np.convolve(one, other)
    size = len(one) + len(other) - 1
    length = 1 << (size - 1).bit_length()
    return np.maximum(np.fft.irfft(np.fft.rfft(one, length) * np.fft.rfft(other, length), length)[:size], 0.0)
