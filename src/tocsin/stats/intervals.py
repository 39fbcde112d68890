"""Intervals for one proportion, and the critical values that they need."""

from __future__ import annotations

import math

import msgspec


class Interval(msgspec.Struct, frozen=True):
    """The two limits of a quantity, in its own unit."""

    low: float
    high: float


def critical_z(confidence: float) -> float:
    """The two-sided critical value of the standard normal distribution (1.96 at 0.95).

    Args:
        confidence: Share of the distribution between minus and plus the returned value, in (0, 1).

    Raises:
        ValueError: The confidence is not between 0 and 1.
    """
    # The standard library's inverse is as exact as SciPy's (Wichura 1988, algorithm AS 241) and needs no SciPy.
    from statistics import NormalDist

    return abs(NormalDist().inv_cdf(_tail(confidence)))


def critical_t(confidence: float, df: float) -> float:
    """The two-sided critical value of Student's t distribution.

    Args:
        confidence: Share of the distribution between minus and plus the returned value, in (0, 1).
        df: Degrees of freedom, above 0; need not be whole. Infinity gives the normal value.

    Raises:
        ValueError: The confidence is not between 0 and 1, or there is no degree of freedom.
    """
    tail = _tail(confidence)
    if not df > 0:
        raise ValueError(
            f"critical_t: {df} degrees of freedom; Student's t needs more than 0, so at least two clusters or values"
        )
    if math.isinf(df):
        return critical_z(confidence)
    if df >= _MANY:
        return _expanded_t(critical_z(confidence), df)
    from scipy.special import stdtrit  # takes longer to import than the rest of a short command takes to run

    return abs(float(stdtrit(df, tail)))


_MANY = 100
"""Degrees of freedom from which the expansion of t is exact to eight digits at the usual levels, and spares an import."""


def _expanded_t(z: float, df: float) -> float:
    """Student's t from the normal value, to the fourth order in 1/df (Abramowitz & Stegun 1964, 26.7.5)."""
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / df**order for order, term in enumerate(terms, 1))


def wilson(successes: float, n: float, *, critical: float | None = None, confidence: float = 0.95) -> Interval:
    """Wilson's score interval for a proportion.

    The limits are the two roots of ``(p - s/n)² = c² p (1 - p) / n`` (Wilson 1927, JASA 22:209-212; method 3 of
    Newcombe 1998, Statistics in Medicine 17:857-872). They stay within [0, 1], hold ``s/n`` between them, and keep a
    width at 0 of n and n of n, where the usual ``± 1.96 SE`` has none.

    Args:
        successes: How many passed; need not be whole, so that it can be scaled along with an effective ``n``.
        n: How many were measured, or the effective number. Nothing measured gives (0, 1).
        critical: The critical value ``c``, where it is not the normal one; takes the place of ``confidence``.
        confidence: Nominal coverage, in (0, 1).

    Raises:
        ValueError: Not 0 <= successes <= n, or an argument is out of its range.
    """
    if not 0 <= successes <= n < math.inf:
        raise ValueError(f"wilson: {successes} successes of {n}; needs 0 <= successes <= n, with n finite")
    c = critical_z(confidence) if critical is None else critical
    if not c >= 0:
        raise ValueError(f"wilson: the critical value is {critical}; give one of 0 or above, or none at all")
    square = c * c
    if n == 0 or math.isinf(square):
        return Interval(0.0, 1.0)
    failures = n - successes
    half = c * math.sqrt(successes * (failures / n) + square / 4)
    # Each limit is clamped by the estimate and by its end of the scale: rounding may put it an ulp outside.
    low = 0.0 if successes == 0 else (successes + square / 2 - half) / (n + square)
    high = 1.0 if failures == 0 else (successes + square / 2 + half) / (n + square)
    p = successes / n
    return Interval(min(max(low, 0.0), p), max(min(high, 1.0), p))


def bounds(passed: int, failed: int, unmeasured: int) -> Interval:
    """The lowest and the highest value that a rate can have, whatever the unmeasured attempts would have shown.

    These are the worst-case bounds of Manski (1989, Journal of Human Resources 24:343-360): ``low`` counts every
    unmeasured attempt as failed, ``high`` counts it as passed. No assumption is made and no sampling error is in them.

    Args:
        passed: Attempts measured as passed.
        failed: Attempts measured as failed.
        unmeasured: Attempts that were planned and have no outcome: unscored, or ended in an error.

    Returns:
        The two bounds; (0, 1) if nothing was planned.

    Raises:
        ValueError: A count is negative.
    """
    if min(passed, failed, unmeasured) < 0:
        raise ValueError(f"bounds: passed={passed}, failed={failed}, unmeasured={unmeasured}; counts start at 0")
    planned = passed + failed + unmeasured
    if planned == 0:
        return Interval(0.0, 1.0)
    return Interval(passed / planned, (passed + unmeasured) / planned)


def _tail(confidence: float) -> float:
    """The probability left in each tail. The lower tail is used throughout, as it keeps its digits near 1."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; give a share between 0 and 1, such as 0.95")
    return (1 - confidence) / 2
