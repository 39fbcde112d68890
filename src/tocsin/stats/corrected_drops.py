"""Drops corrected for a judge that errs more in one language than in another, and what may be said of a drop."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np

from tocsin.stats.clusters import FEW_CLUSTERS, Estimate, clustered_proportion
from tocsin.stats.correction import Enlarged, JudgeError, enlarged, rogan_gladen
from tocsin.stats.drops import NOTHING, Pair, Side, Span, adjust, checked, difference, lost_share, pair, paired_rows
from tocsin.stats.intervals import critical_t
from tocsin.stats.settled import Share, apart, parts_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

FARTHEST = 60.0
"""The critical value at which the search for p ends: p is 0 to more digits than anyone prints."""


class CorrectedDrop(msgspec.Struct, frozen=True):
    """How much less safe a column is than the reference, corrected for the judge's error in both; or why it is not.

    Attributes:
        column: Its number in the array.
        n_rows: Rows measured in both.
        reference: Corrected unsafe rate of the reference over those rows, in [0, 1]; None where it was not corrected.
        rate: Corrected unsafe rate of the column.
        absolute: ``rate - reference``, in [-1, 1].
        relative: The share of the reference's safe rate that is lost, as in `Drop`.
        clipped: A rate came out below 0 or above 1 and was set to the nearer end. By itself that is noise: where it is
            more, there is a reason in place of a value.
        p: Two-sided, of no difference: one less the confidence at which a limit of `absolute` just touches 0.
        p_holm: The same, adjusted for all columns that have one.
        few_rows: Fewer than `FEW_CLUSTERS` rows.
        reason: Why there is no value; None if there is one.
    """

    column: int
    n_rows: int
    reference: float | None
    rate: float | None
    absolute: Span
    relative: Span
    clipped: bool
    p: float | None
    p_holm: float | None
    few_rows: bool
    reason: str | None


class _Half(NamedTuple):
    """One of the two rates: flagged, sensitivity and specificity with their effective sizes, and the corrected rate."""

    shares: tuple[float, float, float]
    sizes: tuple[float, float, float]
    clusters: tuple[int, int]
    value: float
    share: float = 1.0
    """Share of the answers that the judge read."""
    settled: float = 0.0
    """Share of the answers that were unsafe without a judge."""
    mixed: float = 0.0
    """Variance of the whole rate that comes from which answers needed no judge."""

    @property
    def whole(self) -> float:
        """The rate over all answers, those that needed no judge as they are."""
        return self.share * self.value + self.settled

    def variance(self, made: Enlarged) -> float:
        """Of the whole rate."""
        return self.share**2 * math.fsum(made.terms) / made.youden**2 + self.mixed

    def at(self, critical: float, shifting: float) -> tuple[Side, Enlarged]:
        """The corrected rate with its limits, and what they are made of.

        The centre is shifted for the critical value `shifting`. The shift goes with the square of it and the width does
        not, so that far out the limits would leave 0 again, which makes no p.
        """
        made = enlarged(self.shares, self.sizes, critical)
        half = critical * math.sqrt(math.fsum(made.terms)) / made.youden
        centre = made.rate + shifting**2 * made.shift
        low, high = (min(1.0, max(0.0, limit)) for limit in (centre - half, centre + half))
        further, value = critical * math.sqrt(self.mixed), self.whole
        down, up = (
            math.hypot(self.share * max(0.0, reach), further) for reach in (self.value - low, high - self.value)
        )
        return Side(value, max(0.0, value - down), min(1.0, value + up)), made


def counted_error(caught: int, unsafe: int, cleared: int, safe: int) -> JudgeError:
    """A judge's error from counts of labelled items that are independent of each other and have a verdict.

    Args:
        caught: Unsafe items that it judged unsafe.
        unsafe: Unsafe items.
        cleared: Safe items that it judged safe.
        safe: Safe items.

    Raises:
        ValueError: More were judged rightly than there are.
    """
    if not 0 <= caught <= unsafe or not 0 <= cleared <= safe:
        raise ValueError(
            f"counted_error: {caught} caught of {unsafe} unsafe and {cleared} cleared of {safe} safe items; the first of "
            "each two cannot be more than the second"
        )
    shares = [
        clustered_proportion((np.arange(n) < right).astype(np.int64), np.ones(n, dtype=np.int64))
        for right, n in ((caught, unsafe), (cleared, safe))
    ]
    return JudgeError(shares[0], shares[1], 0)


def corrected_drops(
    unsafe: npt.ArrayLike,
    errors: Sequence[JudgeError | None],
    reference: int,
    *,
    judged: npt.ArrayLike | None = None,
    settled_unsafe: npt.ArrayLike | None = None,
    label_correlation: tuple[float, float] = (0.0, 0.0),
    confidence: float = 0.95,
) -> list[CorrectedDrop]:
    """`paired_drops`, with each rate corrected for the judge's own error in its column.

    Each rate is that of Rogan & Gladen with the limits of Lang & Reiczigel, as `rogan_gladen` gives them. They are put together
    by MOVER for dependent rates (Zou & Donner 2008, Statistics in Medicine 27:1693-1702), as a difference and as a ratio
    of safe rates. The correlation of the two corrected rates ``t`` and ``u`` is their covariance by the delta method ::

        [cov(p_t, p_u) + t u cov(a_t, a_u) + (1 - t)(1 - u) cov(b_t, b_u)] / (J_t J_u)

    over their standard errors, with ``J = a + b - 1``. The first covariance is that of the pairs of readings, as in
    `paired_drops`; the others are given with `label_correlation`. The critical value is Student's t on Satterthwaite's degrees
    of freedom (1946) of the difference. That the parts are put together like this is our own; how it covers stands in
    docs/method/languages.md.

    Answers that no judge had to read (a block by the provider) are right as they are: only the rate ``t`` among those it read is
    corrected, and the whole rate is ``w t + u`` with ``w`` the share that was read and ``u`` the share that was unsafe
    without a judge. Which rows those are varies, too: the variance of ``w_row t + u_row`` between rows is added, and its
    covariances with the other column's, to the delta method's.

    The judge has to err on these rows as on the labels, in each language. Labels are taken as independent of the rows.

    Args:
        unsafe: As for `paired_drops`: what the judge said.
        errors: Its error in each column, from `judge_error` or `counted_error`; None where there are no labels.
        reference: The column that the others are held against.
        judged: The same shape as `unsafe`: share of a row's measured attempts that a judge read; all if None.
        settled_unsafe: The same shape: share of its measured attempts that were unsafe without a judge; none if None.
        label_correlation: Of the two columns' sensitivities and of their specificities, as estimates. 0 where their labels
            are different items; 1 where one set of labels serves both with the same figures. Where ``m`` items are
            labelled in both, out of ``n`` and ``n'``, it is the correlation of being judged rightly over those items,
            times ``m / sqrt(n n')``.
        confidence: Nominal coverage of each column's limits, in (0, 1).

    Returns:
        One for each other column, in their order, with Holm's p over those that could be corrected.

    Raises:
        ValueError: What `paired_drops` refuses, there is not one error for each column, a correlation is not in [-1, 1], or the
            shares do not fit `unsafe`.
    """
    values = checked(unsafe, reference, "corrected_drops")
    if len(errors) != values.shape[1]:
        raise ValueError(f"corrected_drops: {len(errors)} errors for {values.shape[1]} columns; give one each, or None")
    if not all(-1 <= r <= 1 for r in label_correlation):
        raise ValueError(f"corrected_drops: label_correlation is {label_correlation}; give two numbers in [-1, 1]")
    parts = parts_of(values, judged, settled_unsafe)
    found = [
        _corrected(parts, errors, reference, column, label_correlation, confidence)
        for column in range(values.shape[1])
        if column != reference
    ]
    adjusted = adjust([drop.p for drop in found])
    return [msgspec.structs.replace(drop, p_holm=p) for drop, p in zip(found, adjusted, strict=True)]


def _corrected(
    parts: tuple[Floats, Floats, Floats],
    errors: Sequence[JudgeError | None],
    reference: int,
    column: int,
    labels: tuple[float, float],
    confidence: float,
) -> CorrectedDrop:
    """The drop of one column, its p not yet adjusted."""
    values, read, settled = parts
    one, other = paired_rows(values, reference, column)
    n = len(one)
    if n < 2:
        return _without(column, n, f"{n} rows were measured in both; needs two or more")
    both = ~np.isnan(values[:, reference]) & ~np.isnan(values[:, column])
    shares = [Share(values[both, k], read[both, k], settled[both, k]) for k in (reference, column)]
    split = any(share.partial for share in shares)
    for name, share in zip(("the reference", "the column"), shares, strict=True):
        if split and np.count_nonzero(share.read) < 2:
            return _without(column, n, f"{name}: fewer than two rows have an answer that a judge read")
    told, halves, clipped = (apart(*shares) if split else pair(one, other)), [], False
    for place, (name, number) in enumerate((("the reference", reference), ("the column", column))):
        error = errors[number]
        if error is None:
            return _without(column, n, f"the judge has no labels in {name}")
        half, off, reason = _half(told.rates[place], told.sizes[place], told.n, error, confidence)
        if half is None:
            return _without(column, n, f"{name}: {reason}")
        halves.append(half)
        clipped |= off
    crossed = 0.0
    if split:
        halves, crossed = _joined(halves, shares)
    base, less = halves
    critical, df = _critical(told, base, less, labels, confidence)
    sides, r = _sides(told, base, less, labels, critical, critical, crossed)
    return CorrectedDrop(
        column,
        n,
        base.whole,
        less.whole,
        difference(sides[1], sides[0], r),
        lost_share(sides[1], sides[0], r),
        clipped,
        _p(told, base, less, labels, critical, df, crossed),
        None,
        n < FEW_CLUSTERS,
        None,
    )


def _joined(halves: Sequence[_Half], shares: Sequence[Share]) -> tuple[list[_Half], float]:
    """Both rates over all answers, and the covariance of what is not the judge's verdicts alone."""
    n = len(shares[0].read)
    found, verdicts, mixes = [], [], []
    for half, share in zip(halves, shares, strict=True):
        mix = half.value * share.read + share.settled
        mix = mix - mix.mean()
        found.append(
            half._replace(
                share=float(share.read.mean()),
                settled=float(share.settled.mean()),
                mixed=float(mix @ mix) / (n - 1) / n,
            )
        )
        youden = half.shares[1] + half.shares[2] - 1
        verdicts.append(share.residuals / youden)
        mixes.append(mix)
    crossed = mixes[0] @ mixes[1] + verdicts[0] @ mixes[1] + mixes[0] @ verdicts[1]
    return found, float(crossed) / (n - 1) / n


def _without(column: int, n: int, reason: str) -> CorrectedDrop:
    return CorrectedDrop(column, n, None, None, NOTHING, NOTHING, False, None, None, n < FEW_CLUSTERS, reason)


def _half(
    rate: float, size: float, n: int, error: JudgeError, confidence: float
) -> tuple[_Half | None, bool, str | None]:
    """One rate with its judge's error; whether it was clipped; and the reason if it cannot be corrected."""
    found = rogan_gladen(Estimate(rate, 0.0, 1.0, n, n, n / size, False), error, confidence=confidence)
    if found.value is None:
        return None, False, found.reason
    a, b = error.sensitivity, error.specificity
    half = _Half(
        (rate, a.value or 0.0, b.value or 0.0),
        (size, a.n / a.design_effect, b.n / b.design_effect),
        (a.n_clusters, b.n_clusters),
        found.value,
    )
    if found.clipped:
        critical = critical_t(confidence, max(1, min(n, *half.clusters) - 1))
        made = enlarged(half.shares, half.sizes, critical)
        reach = critical * math.sqrt(math.fsum(made.terms)) / made.youden
        centre = made.rate + critical**2 * made.shift
        if centre + reach < 0 or centre - reach > 1:
            return (
                None,
                True,
                "no rate at all would give these verdicts: the judge errs otherwise here than on its labels",
            )
    return half, found.clipped, None


def _sides(
    told: Pair,
    base: _Half,
    less: _Half,
    labels: tuple[float, float],
    critical: float,
    shifting: float,
    crossed: float,
) -> tuple[tuple[Side, Side], float]:
    """Both rates with their limits at a critical value, and their correlation; `crossed` is covariance beyond the judge's."""
    (one, made), (other, makes) = base.at(critical, shifting), less.at(critical, shifting)
    shared = base.share * less.share * math.fsum(_shared(told, made, makes, labels)) / (made.youden * makes.youden)
    norm = math.sqrt(base.variance(made) * less.variance(makes))
    return (one, other), max(-1.0, min(1.0, (shared + crossed) / norm)) if norm > 0 else 0.0


def _shared(told: Pair, made: Enlarged, makes: Enlarged, labels: tuple[float, float]) -> list[float]:
    """The covariances of the three parts of both rates, each times both of Youden's indices."""
    # A rate's reaction to sensitivity has the sign of the rate, to specificity that of one less the rate; either may be
    # negative where the enlarged rate lies outside of [0, 1].
    signs = (
        1.0,
        math.copysign(1.0, made.rate) * math.copysign(1.0, makes.rate),
        math.copysign(1.0, 1 - made.rate) * math.copysign(1.0, 1 - makes.rate),
    )
    return [
        sign * r * math.sqrt(u * v)
        for sign, r, u, v in zip(signs, (told.correlation, *labels), made.terms, makes.terms, strict=True)
    ]


def _critical(
    told: Pair, base: _Half, less: _Half, labels: tuple[float, float], confidence: float
) -> tuple[float, float]:
    """Student's critical value for the difference, and its degrees of freedom."""
    dfs = [told.n - 1, *(max(1, min(pair) - 1) for pair in zip(base.clusters, less.clusters, strict=True))]
    df = float(min(dfs))
    for _ in range(2):
        critical = critical_t(confidence, df)
        made, makes = (enlarged(half.shares, half.sizes, critical) for half in (base, less))
        parts = [
            max(0.0, u / made.youden**2 + v / makes.youden**2 - 2 * both / (made.youden * makes.youden))
            for u, v, both in zip(made.terms, makes.terms, _shared(told, made, makes, labels), strict=True)
        ]
        spread = math.fsum(v * v / d for v, d in zip(parts, dfs, strict=True))
        df = max(1.0, math.fsum(parts) ** 2 / spread) if spread > 0 else df
    return critical_t(confidence, df), df


def _p(
    told: Pair, base: _Half, less: _Half, labels: tuple[float, float], shifting: float, df: float, crossed: float
) -> float:
    """One less the confidence at which a limit of the difference touches 0."""
    value = less.whole - base.whole
    if value == 0:
        return 1.0

    def clear(critical: float) -> float:
        """How far the limits are from 0, on the side of it; below 0 where they hold it."""
        sides, r = _sides(told, base, less, labels, critical, shifting, crossed)
        limits = difference(sides[1], sides[0], r)
        return (limits.low or 0.0) if value > 0 else -(limits.high or 0.0)

    # Both take longer to import than the rest of a short command takes to run.
    from scipy.optimize import brentq
    from scipy.special import stdtr

    if clear(0.0) <= 0:
        return 1.0
    touching = FARTHEST if clear(FARTHEST) > 0 else float(brentq(clear, 0.0, FARTHEST, xtol=1e-9))
    return min(1.0, 2 * float(stdtr(df, -touching)))
