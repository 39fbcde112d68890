"""The power of a comparison of two rates: the difference it can see, and the cases it needs to see one.

Two models that were asked the same cases are compared within each case (paired); over different cases they are two independent
groups. All functions take either: with ``correlation`` or ``discordance`` the comparison is paired, without both it is not.

Cases that stand or fall together count by their effective number, ``n`` over the design effect. For one of ``m`` comparisons
under Holm, ``alpha / m`` is its first step, so the power given for that level is the least that it has.

A ``rate`` is the mean of the two rates that differ: they are ``rate - d/2`` and ``rate + d/2``; where that would leave [0, 1],
the one stands at the end and the other ``d`` away from it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from tocsin.stats.intervals import critical_z

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_NORMAL = NormalDist()
_MOST = 10**9
"""Cases beyond which nobody plans."""


def discordance_of(rate: float, difference: float, correlation: float) -> float:
    """The share of cases on which two models disagree, from the correlation of their outcomes.

    With rates ``p`` and ``r`` and the correlation (phi) ``c`` of the outcomes on a case,
    ``p (1 - r) + r (1 - p) - 2 c √(p (1-p) r (1-r))``: both pass on ``p r + c √(…)`` of the cases. Two different rates cannot
    have any correlation; where it is out of reach, the nearest that they can have is taken, so that the result is never less
    than the difference and never more than its own largest value.

    Args:
        rate: The mean of the two rates, in [0, 1].
        difference: Between them, in [-1, 1].
        correlation: In [-1, 1].
    """
    _checked(1, rate, correlation, None)
    p, r = _rates(rate, difference)
    apart = p * (1 - r) + r * (1 - p) - 2 * correlation * math.sqrt(p * (1 - p) * r * (1 - r))
    return min(max(apart, abs(p - r)), p + r, 2 - p - r)


def power_of(
    n: float,
    rate: float,
    difference: float,
    *,
    correlation: float | None = None,
    discordance: float | None = None,
    other: float | None = None,
    alpha: float = 0.05,
) -> float:
    """The chance that a difference between two rates is found.

    Paired: the exact two-sided test of McNemar (the binomial test of the cases on which the two disagree, which is `sign_flip`
    where no case shares a cluster). With ``ψ`` the discordance and ``δ`` the difference, the number that disagrees is binomial
    in ``(n, ψ)``, and of these a share ``(ψ + δ) / 2ψ`` speaks for the one; the power is the sum over both (Lachenbruch 1992,
    Statistics in Medicine 11:1521-1525; Connor 1987, Biometrics 43:207-211, is the normal approximation of it). The fraction of
    an effective number of cases is dropped.

    Unpaired: with ``p``, ``r`` and their mean ``q``, ``Φ((|δ| - z √(q(1-q)(1/n+1/m))) / √(p(1-p)/n + r(1-r)/m))`` (Fleiss, Levin
    & Paik 2003, *Statistical Methods for Rates and Proportions*, section 4.2, without the correction for continuity).

    Args:
        n: Cases of each model, or their effective number.
        rate: The mean of the two rates, in [0, 1]. Not read where the discordance is given.
        difference: Between the two, in [-1, 1].
        correlation: Of the two outcomes on a case, in [-1, 1], of a paired comparison.
        discordance: The share of cases on which the two disagree, at least the difference: in place of the correlation.
        other: Cases of the other model, in an unpaired comparison, where it is another number.
        alpha: The level of the test, two-sided, in (0, 1).

    Raises:
        ValueError: An argument is out of its range, or two say the same thing.
    """
    _checked(n, rate, correlation, discordance, other, alpha)
    d = abs(difference)
    if not d <= 1:
        raise ValueError(f"power_of: a difference of two rates is in [-1, 1], not {difference}")
    if discordance is not None:
        if d > discordance + 1e-12:
            raise ValueError(f"power_of: models that disagree on {discordance} of the cases cannot differ by {d}")
        return _paired(int(n), discordance, d, alpha)
    if correlation is not None:
        return _paired(int(n), discordance_of(rate, d, correlation), d, alpha)
    return _unpaired(n, n if other is None else other, rate, d, alpha)


def detectable(
    n: float,
    rate: float = 0.5,
    *,
    correlation: float | None = None,
    discordance: float | None = None,
    other: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
) -> float | None:
    """The smallest difference between two rates that is found with the wanted power; None if not even the largest is.

    Of 100 cases of each model, unpaired, 11.8 points at rates near 10% and 19.7 near 50%.

    Args:
        n: Cases of each model, or their effective number.
        rate: The mean of the two rates, in [0, 1]. Not read where the discordance is given.
        correlation: Of the two outcomes on a case, of a paired comparison.
        discordance: The share of cases on which the two disagree, in place of the correlation.
        other: Cases of the other model, in an unpaired comparison, where it is another number.
        power: The wanted chance to find it, in (0, 1).
        alpha: The level of the test, two-sided.

    Returns:
        In [0, 1], to a millionth.

    Raises:
        ValueError: As `power_of`.
    """
    _checked_power(power)

    def seen(d: float) -> float:
        return power_of(n, rate, d, correlation=correlation, discordance=discordance, other=other, alpha=alpha)

    low, high = 0.0, 1.0 if discordance is None else discordance
    if seen(high) < power:
        return None
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (low, middle) if seen(middle) >= power else (middle, high)
    return high


def needed(
    difference: float,
    rate: float = 0.5,
    *,
    correlation: float | None = None,
    discordance: float | None = None,
    power: float = 0.8,
    alpha: float = 0.05,
) -> int | None:
    """The cases of each model that a difference needs to be found with the wanted power; None if no number does.

    The power of the exact test goes up and down a little from one number of cases to the next; the number that is returned has
    the wanted power, and one less has not.

    Args:
        difference: Between the two rates, in [-1, 1]; 0 is found by no number.
        rate: The mean of the two rates, in [0, 1]. Not read where the discordance is given.
        correlation: Of the two outcomes on a case, of a paired comparison.
        discordance: The share of cases on which the two disagree, in place of the correlation.
        power: The wanted chance to find it, in (0, 1).
        alpha: The level of the test, two-sided.

    Raises:
        ValueError: As `power_of`.
    """
    _checked_power(power)

    def enough(n: int) -> bool:
        found = power_of(n, rate, difference, correlation=correlation, discordance=discordance, alpha=alpha)
        return found >= power

    if difference == 0:
        power_of(1, rate, difference, correlation=correlation, discordance=discordance, alpha=alpha)
        return None
    return least(enough, most=_MOST)


def least(enough: Callable[[int], bool], *, most: int) -> int | None:
    """The smallest number from 1 to `most` that is enough, where a larger one is, too; None if `most` is not.

    It doubles, and then halves what is left between.
    """
    high = 1
    while not enough(high):
        if high >= most:
            return None
        high = min(most, 2 * high)
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _rates(rate: float, difference: float) -> tuple[float, float]:
    """The lower and the higher of two rates with this mean and difference, kept within [0, 1]."""
    d = abs(difference)
    low = min(max(rate - d / 2, 0.0), 1.0 - d)
    return low, min(1.0, low + d)


def _unpaired(n: float, m: float, rate: float, difference: float, alpha: float) -> float:
    p, r = _rates(rate, difference)
    if min(n, m) == 0:
        return 0.0
    mean = (n * p + m * r) / (n + m)
    alike = critical_z(1 - alpha) * math.sqrt(mean * (1 - mean) * (1 / n + 1 / m))
    spread = math.sqrt(p * (1 - p) / n + r * (1 - r) / m)
    if spread == 0:
        return float(difference > alike)
    return _NORMAL.cdf((difference - alike) / spread) + _NORMAL.cdf((-difference - alike) / spread)


def _paired(n: int, discordance: float, difference: float, alpha: float) -> float:
    """The power of McNemar's exact test, over the numbers of disagreements that have any chance worth adding."""
    if n == 0 or discordance == 0:
        return 0.0
    from scipy.special import bdtr, bdtrc, gammaln, xlog1py, xlogy

    reach = 9 * math.sqrt(n * discordance * (1 - discordance)) + 9
    middle = n * discordance
    k = np.arange(max(0, math.floor(middle - reach)), min(n, math.ceil(middle + reach)) + 1, dtype=np.float64)
    logs = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) + xlogy(k, discordance) + xlog1py(n - k, -discordance)
    fewest = _critical(k, alpha)
    share = min(1.0, (discordance + difference) / (2 * discordance))
    # SciPy wants whole numbers of trials, and gives nan for fewer than no success.
    trials = k.astype(np.int64)
    upper = np.where(fewest <= k, bdtrc(np.minimum(fewest - 1, k), trials, share), 0.0)
    lower = np.where(fewest <= k, bdtr(np.maximum(k - fewest, 0), trials, share), 0.0)
    return float(min(1.0, np.exp(logs) @ (upper + lower)))


def _critical(k: Floats, alpha: float) -> Floats:
    """For each number of disagreements, how many must speak for one side to be significant; more than all if none is."""
    from scipy.special import bdtrc

    trials = np.maximum(k, 1).astype(np.int64)
    c = np.maximum(np.floor(k / 2 + (critical_z(1 - alpha) * np.sqrt(k) - 3) / 2), np.floor(k / 2) + 1)
    while True:
        tail = np.where(c <= k, bdtrc(np.minimum(c - 1, k), trials, 0.5), 0.0)
        short = 2 * tail > alpha
        if not short.any():
            return np.asarray(c, dtype=np.float64)
        c = c + short


def _checked(
    n: float,
    rate: float,
    correlation: float | None,
    discordance: float | None,
    other: float | None = None,
    alpha: float = 0.05,
) -> None:
    if not 0 <= n < math.inf or not 0 <= (other or 0) < math.inf:
        raise ValueError(f"the number of cases is {n if other is None else (n, other)}; it starts at 0 and is finite")
    if not 0 <= rate <= 1:
        raise ValueError(f"the rate is {rate}; give the mean of the two rates, between 0 and 1")
    if correlation is not None and discordance is not None:
        raise ValueError("correlation and discordance say the same thing: give one of them")
    if other is not None and (correlation is not None or discordance is not None):
        raise ValueError("other: a paired comparison has one number of cases; leave it out")
    if correlation is not None and not -1 <= correlation <= 1:
        raise ValueError(f"the correlation is {correlation}; it lies between -1 and 1")
    if discordance is not None and not 0 <= discordance <= 1:
        raise ValueError(f"the discordance is {discordance}; it is a share, between 0 and 1")
    if not 0 < alpha < 1:
        raise ValueError(f"alpha is {alpha}; give a level between 0 and 1, such as 0.05")


def _checked_power(power: float) -> None:
    if not 0 < power < 1:
        raise ValueError(f"the wanted power is {power}; give a chance between 0 and 1, such as 0.8")
