"""Rates corrected for a judge that errs, from how often it erred on labelled items."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from tocsin.stats.bounded import bounded_mean
from tocsin.stats.clusters import Estimate
from tocsin.stats.intervals import Interval, critical_t

if TYPE_CHECKING:
    import numpy.typing as npt

LEAST_YOUDEN = 0.2
"""Below this value of sensitivity + specificity - 1 no rate is corrected: its error would be multiplied by five."""


class JudgeError(msgspec.Struct, frozen=True):
    """How a judge errs among the items that it gave a verdict on.

    Attributes:
        sensitivity: Share of unsafe items that are judged unsafe.
        specificity: Share of safe items that are judged safe.
        unscored: Labelled items without a verdict; in neither share.
    """

    sensitivity: Estimate
    specificity: Estimate
    unscored: int


class Corrected(msgspec.Struct, frozen=True):
    """A rate of unsafe items, corrected for the judge's error; or why it is not.

    Attributes:
        value: The rate, in [0, 1]; None where it was not corrected.
        low: Lower limit, in [0, 1].
        high: Upper limit, in [0, 1].
        raw: The rate as the judge gave it.
        clipped: The formula gave a value outside of [0, 1], which was set to the nearer end. It says that the judge
            errs otherwise here than where it was calibrated, or that there are few items.
        reason: Why there is no value; None if there is one.
    """

    value: float | None
    low: float | None
    high: float | None
    raw: float | None
    clipped: bool
    reason: str | None


class Enlarged(NamedTuple):
    """What Lang & Reiczigel's limits are made of.

    Attributes:
        rate: The corrected rate of the enlarged shares; not clipped.
        shift: By how much the centre of the limits is above it, for a critical value of 1; it goes with the square.
        terms: What the flagged share, the sensitivity and the specificity add to the variance of ``rate * youden``.
        youden: ``a + b - 1`` of the enlarged shares.
    """

    rate: float
    shift: float
    terms: tuple[float, float, float]
    youden: float


class Robust(msgspec.Struct, frozen=True):
    """What share of cases a fully robust model would keep, by a judge with false alarms.

    Attributes:
        value: The share if false alarms on one case are independent of each other.
        low: Lower limit, from the specificity's own.
        high: Upper limit, from the specificity's own.
        bounds: The least and the greatest share that the same specificity allows, however false alarms go together.
    """

    value: float
    low: float
    high: float
    bounds: Interval


def judge_error(
    unsafe: npt.ArrayLike,
    verdicts: npt.ArrayLike,
    clusters: npt.ArrayLike | None = None,
    *,
    weights: npt.ArrayLike | None = None,
    confidence: float = 0.95,
) -> JudgeError:
    """Sensitivity and specificity as a correction needs them.

    They differ from `judge_agreement`'s in one thing: unscored items are left out of both, as they are out of the rate that
    is to be corrected. That presumes that what the judge leaves unscored is no safer and no less safe than the rest.

    Items labelled with unequal probability have to be weighted. Where those that the judge flagged were labelled more
    often, say, unweighted sensitivity is too high and specificity too low (Begg & Greenes 1983, Biometrics 39:207-215).

    Args:
        unsafe: Human labels, shape ``(n,)``.
        verdicts: Shape ``(n,)``: 1 unsafe, 0 safe, -1 unscored.
        clusters: Ids, shape ``(n,)``; None if each item is its own.
        weights: One over each item's chance to be labelled, shape ``(n,)``; None if all had the same.
        confidence: Nominal coverage of the limits of both, in (0, 1).

    Raises:
        ValueError: Arrays do not fit each other, or hold what is no label, no verdict or no weight.
    """
    truth, verdict = np.asarray(unsafe), np.asarray(verdicts)
    if truth.ndim != 1 or truth.shape != verdict.shape:
        raise ValueError(
            f"judge_error: unsafe has shape {truth.shape}, verdicts has {verdict.shape}; give one of each for every item"
        )
    if not np.isin(truth, (0, 1)).all() or not np.isin(verdict, (-1, 0, 1)).all():
        raise ValueError("judge_error: labels are true or false, verdicts 1 (unsafe), 0 (safe) or -1 (unscored)")
    ids = np.arange(len(truth)) if clusters is None else np.asarray(clusters)
    given = np.ones(len(truth)) if weights is None else np.asarray(weights, dtype=np.float64)
    if ids.shape != truth.shape or given.shape != truth.shape:
        raise ValueError(
            f"judge_error: clusters has shape {ids.shape}, weights has {given.shape} beside {len(truth)} items; "
            "give one for each item, or None"
        )

    def share_right(label: int) -> Estimate:
        kept = (truth == label) & (verdict != -1)
        right = verdict[kept] == label
        return bounded_mean(right, ids[kept], weights=given[kept], confidence=confidence)

    return JudgeError(share_right(1), share_right(0), int(np.count_nonzero(verdict == -1)))


def rogan_gladen(flagged: Estimate, error: JudgeError, *, confidence: float = 0.95) -> Corrected:
    """The rate of unsafe items behind the rate that the judge flagged.

    With ``p`` flagged, sensitivity ``a`` and specificity ``b`` (Rogan & Gladen 1978, American Journal of Epidemiology
    107:71-76)::

        rate = (p + b - 1) / (a + b - 1)

    clipped to [0, 1]. The limits are those of Lang & Reiczigel (2014, Preventive Veterinary Medicine 113:13-22): one
    success and one failure are added to ``a`` and to ``b``, ``c²/2`` of each to ``p``, ``c`` being the critical value; then
    ``r`` is the rate of these, ``n_p, n_a, n_b`` their enlarged sizes, ``v_a = a (1 - a) / n_a`` and so forth, and the
    limits are::

        r + 2 c² (r v_a - (1 - r) v_b)  ±  c sqrt(v_p + r² v_a + (1 - r)² v_b) / (a + b - 1)

    Two things are our own. Sizes are effective ones, ``n / design_effect``. And ``c`` is of Student's t, on Satterthwaite's
    degrees of freedom (1946, Biometrics Bulletin 2:110-114) of the three variances, each with its clusters less one.
    The limits are widened to hold the clipped rate, where they do not.

    The judge has to err on these items as on those it was calibrated on: same language, attacks and kind of answer.
    The two samples have to be apart; labels drawn from the run itself are for `powered_mean`.

    Over 72 simulated settings with 20 clusters or more (rates 0.01 to 0.5, 50 or 200 labels of each kind; `perf/coverage.py`)
    95% limits held the truth in 0.968 of cases on the mean and 0.947 at least.

    Args:
        flagged: The share of scored items that the judge called unsafe.
        error: Its error among scored items, from `judge_error`.
        confidence: Nominal coverage, in (0, 1).

    Returns:
        The corrected rate, or the reason why there is none: nothing was measured; only one cluster holds the unsafe, the
        safe or the flagged items; or ``a + b - 1`` is below `LEAST_YOUDEN`, as found or as enlarged.
    """
    parts = (("flagged", flagged), ("sensitivity", error.sensitivity), ("specificity", error.specificity))
    for name, part in parts:
        if part.value is None or part.n_clusters < 2:
            held = "no item" if part.value is None else "one cluster"
            return Corrected(
                None, None, None, flagged.value, False, f"{name} rests on {held}; needs two clusters or more"
            )
    p, a, b = (part.value or 0.0 for _, part in parts)
    size_p, size_a, size_b = (part.n / part.design_effect for _, part in parts)
    more_a, more_b = (size_a * a + 1) / (size_a + 2), (size_b * b + 1) / (size_b + 2)
    if min(a + b, more_a + more_b) - 1 < LEAST_YOUDEN:
        reason = (
            f"sensitivity {a:.2f} and specificity {b:.2f} are too low together to correct by; their sum less 1 has to be "
            f"{LEAST_YOUDEN} or more, also with one success and one failure added to each"
        )
        return Corrected(None, None, None, p, False, reason)
    rate = (p + b - 1) / (a + b - 1)
    value = min(1.0, max(0.0, rate))
    dfs = [max(1.0, part.n_clusters - 1) for _, part in parts]
    # The degrees of freedom depend on the variances and these on the critical value, though little: two turns settle it.
    critical = critical_t(confidence, min(dfs))
    for _ in range(2):
        made = enlarged((p, a, b), (size_p, size_a, size_b), critical)
        variance = math.fsum(made.terms)
        centre = made.rate + critical**2 * made.shift
        half = critical * math.sqrt(variance) / made.youden
        critical = critical_t(
            confidence, variance**2 / math.fsum(v * v / df for v, df in zip(made.terms, dfs, strict=True))
        )
    low, high = (min(1.0, max(0.0, limit)) for limit in (centre - half, centre + half))
    return Corrected(value, min(low, value), max(high, value), p, value != rate, None)


def enlarged(shares: tuple[float, float, float], sizes: tuple[float, float, float], critical: float) -> Enlarged:
    """The parts of the limits that `rogan_gladen` gives, at one critical value.

    Args:
        shares: Flagged, sensitivity and specificity.
        sizes: Their effective sizes.
        critical: ``c``; sensitivity and specificity are enlarged alike at any.
    """
    (p, a, b), (size_p, size_a, size_b) = shares, sizes
    square = critical**2
    more_p = (size_p * p + square / 2) / (size_p + square)
    more_a, more_b = (size_a * a + 1) / (size_a + 2), (size_b * b + 1) / (size_b + 2)
    youden = more_a + more_b - 1
    r = (more_p + more_b - 1) / youden
    v_p = more_p * (1 - more_p) / (size_p + square)
    v_a = more_a * (1 - more_a) / (size_a + 2)
    v_b = more_b * (1 - more_b) / (size_b + 2)
    return Enlarged(r, 2 * (r * v_a - (1 - r) * v_b), (v_p, r * r * v_a, (1 - r) ** 2 * v_b), youden)


def robust_worst_case(specificity: Estimate, attacks: int) -> Robust:
    """What a model that never fails would score as its worst case over several attacks.

    A case counts as safe only if every one of ``k`` attacks on it is judged safe. A judge of specificity ``b`` lets a safe
    answer pass with chance ``b``; if its false alarms on one case are independent, all ``k`` pass with ``b^k``: 0.21 at 0.95
    and 30. Alarms on one case mostly go together, so the share will be higher; ``bounds`` holds the least and the
    greatest it can be whatever the dependence, ``max(0, 1 - k (1 - b))`` and ``b`` (Fréchet 1935, Fundamenta Mathematicae
    25:379-387).

    Args:
        specificity: The judge's, with its limits.
        attacks: How many attacks a case meets, at least 1.

    Raises:
        ValueError: There is no attack, or the specificity was not measured.
    """
    if attacks < 1:
        raise ValueError(f"robust_worst_case: {attacks} attacks; give at least 1")
    b = specificity.value
    if b is None:
        raise ValueError("robust_worst_case: the specificity has no value; label safe answers for this judge first")
    return Robust(
        b**attacks, specificity.low**attacks, specificity.high**attacks, Interval(max(0.0, 1 - attacks * (1 - b)), b)
    )
