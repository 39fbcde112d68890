"""How much less safe one thing is than another when both were asked the same rows: a language against a reference language.

Rows are what was sampled: a row's readings in two columns are paired, and rows are independent. Limits are for one column at a
time; what holds for several together is Holm's p.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import numpy as np

from tocsin.stats.clusters import FEW_CLUSTERS
from tocsin.stats.intervals import critical_t, wilson
from tocsin.stats.paired import holm, sign_flip

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


class Span(msgspec.Struct, frozen=True):
    """A value and its limits; None where there is none.

    Attributes:
        value: The value.
        low: Lower limit; also None where nothing bounds it below.
        high: Upper limit.
    """

    value: float | None
    low: float | None
    high: float | None


NOTHING = Span(None, None, None)


class Drop(msgspec.Struct, frozen=True):
    """How much less safe a column is than the reference.

    Attributes:
        column: Its number in the array.
        n_rows: Rows measured in both; the figures rest on these alone.
        reference: Unsafe rate of the reference over those rows, in [0, 1]; None without rows.
        rate: Unsafe rate of the column over the same rows.
        absolute: ``rate - reference``, in [-1, 1]. Above 0 the column is less safe.
        relative: The share of the reference's safe rate that is lost, ``(safe_ref - safe) / safe_ref``: 0.25 is "a drop
            of 25%". At most 1, below 0 where the column is safer; no value where the reference has no safe row.
        best: The least that `absolute` can be over all rows that were to be asked in both, with every reading that is missing
            set against it.
        worst: The greatest.
        test: What `p` is of: ``mcnemar`` where all readings are 0 or 1, else ``sign-flip``.
        p: Two-sided, of no difference; None without rows.
        p_holm: The same, adjusted for all columns that have one.
        few_rows: Fewer than `FEW_CLUSTERS` rows.
    """

    column: int
    n_rows: int
    reference: float | None
    rate: float | None
    absolute: Span
    relative: Span
    best: float
    worst: float
    test: Literal["mcnemar", "sign-flip"]
    p: float | None
    p_holm: float | None
    few_rows: bool


class Side(NamedTuple):
    """A rate with its limits."""

    value: float
    low: float
    high: float


class Pair(NamedTuple):
    """What the rows measured in both tell of two columns.

    Attributes:
        n: Rows.
        rates: Of the reference and of the column.
        sizes: Outcomes of 0 or 1 that would tell as much, of each.
        correlation: Of the two rates, in [-1, 1].
    """

    n: int
    rates: tuple[float, float]
    sizes: tuple[float, float]
    correlation: float


def paired_drops(
    unsafe: npt.ArrayLike,
    reference: int,
    *,
    asked: npt.ArrayLike | None = None,
    measured: npt.ArrayLike | None = None,
    planned: npt.ArrayLike | None = None,
    confidence: float = 0.95,
    draws: int = 20_000,
    seed: int = 0,
) -> list[Drop]:
    """The drop of each column against the reference, over the rows that were measured in both.

    Limits of the absolute drop are Newcombe's method 10 (1998, Statistics in Medicine 17:2635-2650): Wilson's limits of the two
    rates, put together by squares with the correlation of the two, less his continuity correction. Those of the relative
    drop put the same limits of the two safe rates together as a ratio (MOVER, as Donner & Zou 2012, Statistical Methods in
    Medical Research 21:347-359, have it, for correlated rates Tang, Li, Tang & Li 2012, ibid. 21:361-378).

    Two things are our own. The critical value is Student's t on the rows less one. And a rate of row means counts as
    ``p (1 - p) / v`` outcomes a row, where ``v = (k s² + max(s², p (1 - p))) / (k + 1)``, ``s²`` is the variance of
    the means, and ``k`` the smaller of the number of rows above 0 and of those below 1: one row that agrees within itself is
    added to those that tell of the spread, as in `clustered_proportion`. Of readings of 0 or 1 ``v`` is ``p (1 - p)``, and
    the limits are Newcombe's with t.

    ``p`` is McNemar's exact test (1947, Psychometrika 12:153-157) where all readings are 0 or 1, else `sign_flip`, which
    is the same test with means in place of outcomes, by Monte Carlo. Either supposes that the row's two readings might as
    well be exchanged. McNemar's is cautious: it may stay above 0.05 where the limits just exclude 0.

    Args:
        unsafe: Shape ``(rows, columns)``: the mean of unsafe over the measured attempts of a row in a column, in [0, 1];
            nan where none was measured.
        reference: The column that the others are held against.
        asked: The same shape: whether a row was to be asked in a column; everywhere if None. The bounds of a column are over
            the rows that were to be asked in it and in the reference, since no other can be missing.
        measured: The same shape: attempts of a row that were measured; 1 where there is a reading if None.
        planned: The same shape: attempts of a row that were to be made, no fewer; 1 everywhere if None. A row of which only some
            were measured has a reading, and the others move its bounds. They move nothing else.
        confidence: Nominal coverage of each column's limits, in (0, 1).
        draws: Sets of signs of `sign_flip`.
        seed: Same seed, same p.

    Returns:
        One for each other column, in their order. With one row the limits are the widest there are.

    Raises:
        ValueError: The array is not of two dimensions, a value is not in [0, 1], there is no such column, `asked` or the counts
            have another shape, or more was measured than planned.
    """
    values = checked(unsafe, reference, "paired_drops")
    wanted = np.ones(values.shape, dtype=np.bool_) if asked is None else np.asarray(asked, dtype=np.bool_)
    if wanted.shape != values.shape:
        raise ValueError(f"paired_drops: asked has shape {wanted.shape} where unsafe has {values.shape}; give the same")
    least, most = _reaches(values, measured, planned)
    found = [
        _drop(
            values,
            _bounds(least, most, wanted[:, reference] & wanted[:, column], reference, column),
            reference,
            column,
            confidence,
            draws,
            seed,
        )
        for column in range(values.shape[1])
        if column != reference
    ]
    adjusted = adjust([drop.p for drop in found])
    return [msgspec.structs.replace(drop, p_holm=p) for drop, p in zip(found, adjusted, strict=True)]


def mcnemar(more: int, less: int) -> float:
    """McNemar's exact test: how often a fair coin would part the rows that differ as unevenly, two-sided.

    Args:
        more: Rows unsafe in the column and safe in the reference.
        less: Rows of which the opposite holds.
    """
    from scipy.special import bdtr  # takes longer to import than the rest of a short command takes to run

    return min(1.0, 2 * float(bdtr(min(more, less), more + less, 0.5))) if more + less else 1.0


def adjust(values: Sequence[float | None]) -> list[float | None]:
    """Holm's p-values of those that have one."""
    adjusted = iter(holm([p for p in values if p is not None]))
    return [None if p is None else next(adjusted) for p in values]


def checked(unsafe: npt.ArrayLike, reference: int, who: str) -> Floats:
    """The array as numbers; refused where it cannot be one of unsafe shares."""
    values = np.asarray(unsafe, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(
            f"{who}: unsafe has shape {values.shape}; give one row for each source row, a column a language"
        )
    if not 0 <= reference < values.shape[1]:
        raise ValueError(f"{who}: the reference is column {reference} of {values.shape[1]}; columns are counted from 0")
    wrong = np.argwhere(~(np.isnan(values) | ((values >= 0) & (values <= 1))))
    if len(wrong):
        row, column = wrong[0]
        raise ValueError(
            f"{who}: row {row}, column {column} is {values[row, column]}; give a share in [0, 1], or nan where nothing was "
            "measured"
        )
    return values


def paired_rows(values: Floats, reference: int, column: int) -> tuple[Floats, Floats]:
    """The readings of the reference and of the column, over the rows that have both."""
    both = ~np.isnan(values[:, reference]) & ~np.isnan(values[:, column])
    return values[both, reference], values[both, column]


def outcomes_only(values: Floats) -> bool:
    """Whether all of them are 0 or 1."""
    return bool(((values == 0) | (values == 1)).all())


def pair(one: Floats, other: Floats) -> Pair:
    """What two readings of the same rows tell, at least one row."""
    n = len(one)
    rates = float(one.mean()), float(other.mean())
    spreads = _spread(one, rates[0]), _spread(other, rates[1])
    outcome = [p * (1 - p) for p in rates]
    sizes = tuple(n * (u / v if v > 0 else 1.0) for u, v in zip(outcome, spreads, strict=True))
    r = 0.0
    if min(spreads) > 0:
        r = float((one - rates[0]) @ (other - rates[1])) / n / math.sqrt(spreads[0] * spreads[1])
        if r > 0:
            r = max(0.0, r - 1 / (2 * n * math.sqrt(outcome[0] * outcome[1])))
    return Pair(n, rates, (sizes[0], sizes[1]), max(-1.0, min(1.0, r)))


def difference(one: Side, other: Side, r: float) -> Span:
    """One rate minus the other, of correlation `r`, with limits by MOVER for dependent rates (Zou & Donner 2008)."""
    value = one.value - other.value
    low = value - _reach(one.value - one.low, other.high - other.value, r)
    high = value + _reach(one.high - one.value, other.value - other.low, r)
    return Span(value, max(-1.0, low), min(1.0, high))


def lost_share(one: Side, other: Side, r: float) -> Span:
    """The share of ``1 - other`` that ``1 - one`` is short of, with limits by MOVER for a ratio of dependent rates.

    The limits of the ratio ``R`` of the two safe rates are where the limits of ``safe - R safe_ref`` touch 0.
    """
    safe, base = 1 - one.value, 1 - other.value
    if base <= 0:
        return NOTHING
    least = _ratio(safe, base, one.high - one.value, other.value - other.low, r, upper=False)
    most = _ratio(safe, base, one.value - one.low, other.high - other.value, r, upper=True)
    return Span(1 - safe / base, None if most is None else 1 - most, 1 - (least or 0.0))


def _drop(
    values: Floats,
    bounds: tuple[float, float],
    reference: int,
    column: int,
    confidence: float,
    draws: int,
    seed: int,
) -> Drop:
    """The drop of one column, its p not yet adjusted."""
    one, other = paired_rows(values, reference, column)
    n = len(one)
    best, worst = bounds
    binary = outcomes_only(one) and outcomes_only(other)
    test: Literal["mcnemar", "sign-flip"] = "mcnemar" if binary else "sign-flip"
    if n == 0:
        return Drop(column, 0, None, None, NOTHING, NOTHING, best, worst, test, None, None, True)
    p = (
        mcnemar(int(((other == 1) & (one == 0)).sum()), int(((other == 0) & (one == 1)).sum()))
        if binary
        else sign_flip(other - one, draws=draws, seed=seed)
    )
    told = pair(one, other)
    if n == 1:
        absolute, relative = Span(told.rates[1] - told.rates[0], -1.0, 1.0), Span(None, None, 1.0)
    else:
        c = critical_t(confidence, n - 1)
        sides = []
        for rate, size in zip(told.rates, told.sizes, strict=True):
            limits = wilson(rate * size, size, critical=c)
            sides.append(Side(rate, min(limits.low, rate), max(limits.high, rate)))
        absolute = difference(sides[1], sides[0], told.correlation)
        relative = lost_share(sides[1], sides[0], told.correlation)
    few = n < FEW_CLUSTERS
    return Drop(column, n, *told.rates, absolute, relative, best, worst, test, p, None, few)


def _reaches(values: Floats, measured: npt.ArrayLike | None, planned: npt.ArrayLike | None) -> tuple[Floats, Floats]:
    """The least and the greatest share that each reading can be of its planned attempts, whatever is missing."""
    there = ~np.isnan(values)
    made = np.where(there, 1.0, 0.0) if measured is None else np.asarray(measured, dtype=np.float64)
    wanted = np.ones(values.shape) if planned is None else np.asarray(planned, dtype=np.float64)
    for name, counts in (("measured", made), ("planned", wanted)):
        if counts.shape != values.shape:
            raise ValueError(
                f"paired_drops: {name} has shape {counts.shape} where unsafe has {values.shape}; give the same"
            )
    if (made < 0).any() or (made > wanted).any():
        raise ValueError("paired_drops: more attempts of a row were measured than planned, or fewer than none")
    whole = np.maximum(wanted, 1.0)
    unsafe = np.where(there, values, 0.0) * made
    return unsafe / whole, np.where(wanted > 0, (unsafe + wanted - made) / whole, 1.0)


def _bounds(
    least: Floats, most: Floats, asked: npt.NDArray[np.bool_], reference: int, column: int
) -> tuple[float, float]:
    """The least and the greatest drop over all rows that were to be asked in both."""
    if not asked.any():
        return -1.0, 1.0
    return (
        float((least[asked, column] - most[asked, reference]).mean()),
        float((most[asked, column] - least[asked, reference]).mean()),
    )


def _spread(values: Floats, rate: float) -> float:
    """The variance of a row's reading, with one row added that agrees within itself; of outcomes, that of outcomes."""
    outcome = rate * (1 - rate)
    if outcomes_only(values):
        return outcome
    spread = float(np.square(values - rate).sum()) / max(1, len(values) - 1)
    showing = min(np.count_nonzero(values), np.count_nonzero(values < 1))
    return float((showing * spread + max(spread, outcome)) / (showing + 1))


def _reach(a: float, b: float, r: float) -> float:
    return math.sqrt(max(0.0, a * a + b * b - 2 * r * a * b))


def _ratio(x: float, y: float, a: float, b: float, r: float, *, upper: bool) -> float | None:
    """Where ``x - R y``, whose parts reach ``a`` and ``b``, touches 0; None where it never does.

    The roots of ``(x - R y)² = a² + R² b² - 2 r R a b``, in the form that divides by no difference.
    """
    square, half, rest = y * y - b * b, x * y - r * a * b, x * x - a * a
    root = math.sqrt(max(0.0, half * half - square * rest))
    if upper:
        return (half + root) / square if square > 1e-12 else None
    return max(0.0, rest / (half + root)) if half + root > 0 else 0.0
