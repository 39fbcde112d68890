"""One figure against another: by how much they differ, whatever the missing answers would have been, and whether it is noise.

*A* is better than *B* only if *A* with every missing answer counted as bad is better than *B* with every missing answer counted
as good, by a test. So answers that are missing can make a tie of an order, and never an order of a tie. See
docs/method/leaderboard.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec
import numpy as np

from tocsin.evaluations.anytime import last
from tocsin.results.leaderboard.clusters import Store
from tocsin.results.leaderboard.figures import Figure
from tocsin.results.leaderboard.joint import Joint, correlations, together
from tocsin.stats import Difference, critical_z, rate_difference, split_alpha
from tocsin.stats.mcnemar import random_signs

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

    Ints = npt.NDArray[np.int64]

    from tocsin.results.leaderboard.clusters import Side

    Ends = tuple[Ints, Ints, Ints, Ints]

_OTHER = np.int64(0x5DEECE66D1CE4E5B)
"""Makes another name of a cluster's, for a run whose cases are not those of the other."""
Method = Literal["paired", "independent", "confidence sequences"]


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """One figure less another, as shares that passed: higher is better, also where the figure counts failures.

    Attributes:
        value: The difference of what was measured.
        low: Lower limit if what is missing were bad for the one and good for the other.
        high: Upper limit if it were the other way round.
        p: Of the reading that speaks less for a difference, two-sided; None where sequences say it by their limits alone.
        n: Planned attempts that the smaller figure rests on.
        method: Whether they were compared on the same cases.
    """

    value: float
    low: float
    high: float
    p: float | None
    n: int
    method: Method


class Laid(msgspec.Struct, frozen=True):
    """Two parts of two figures side by side over one list of clusters.

    Attributes:
        weight: Of the part in its figure.
        one: Passed, measured and planned of the one.
        other: The same of the other.
        names: The clusters' names, by which they are found in other parts; None where no other part has them.
    """

    weight: float
    one: Side
    other: Side
    names: Ints | None = None


def compare(one: Figure, other: Figure, store: Store, confidence: float) -> Compared:
    """One figure against another.

    Paired where both were asked the same cells; else as independent, from their clusters; else from their intervals.

    Args:
        one: The one.
        other: The one that is subtracted.
        store: Their units.
        confidence: Of the limits.
    """
    if not one.parts or not other.parts:
        return _by_intervals(_Reading.of(one), _Reading.of(other), confidence)
    if [part.key for part in one.parts] != [part.key for part in other.parts]:
        return _by_intervals(_Reading.of(one), _Reading.of(other), confidence)
    both = store.same(one.entry.number, other.entry.number, [part.key for part in one.parts])
    if both is not None:
        laid = [Laid(p.weight, b.one, b.other, b.names) for p, b in zip(one.parts, both, strict=True)]
        return paired(laid, confidence)
    first, second = ([store.units(f.entry.number, p.key).merged() for p in f.parts] for f in (one, other))
    apart = [_apart(part.weight, a, b) for part, a, b in zip(one.parts, first, second, strict=True)]
    return independent(apart, confidence)


def paired(parts: Sequence[Laid], confidence: float) -> Compared:
    """Two figures over the same cells: limits from what each has beyond the other, and a test by random signs.

    In each cluster the one may have passed cells beyond the other's, or the other beyond the one's. The difference is the rate of
    the first less that of the second, with limits as `tocsin.stats.moved` has for two readings: they keep a width where the two
    never differed.

    Args:
        parts: What each is made of; weights add up to 1.
        confidence: Of the limits.
    """
    value, low, high, n = _limits(parts, confidence, paired=True)
    joint = _joint(parts)
    floor = joint.sums([_weighted(part, part.one, part.other) for part in parts])
    ceiling = joint.sums([_weighted(part, part.other, part.one) for part in parts])
    p = 1.0
    for differences in (floor, ceiling):
        if float(differences.sum()) > 1e-12:
            p = random_signs(differences)
    return Compared(value=value, low=low, high=high, p=p, n=n, method="paired")


def independent(parts: Sequence[Laid], confidence: float) -> Compared:
    """Two figures over other cases: MOVER without correlation, and the p-value that its 95% limits say, as if normal."""
    value, low, high, n = _limits(parts, confidence)
    floor, ceiling = _limits(parts, 0.95, middle=True), _limits(_turned(parts), 0.95, middle=True)
    p = min(_p(floor[0], floor[1]), _p(ceiling[0], ceiling[1]))
    return Compared(value=value, low=low, high=high, p=p, n=n, method="independent")


def by_sequences(one: Figure, other: Figure, store: Store, confidence: float) -> Compared:
    """Two figures of runs that may stop at any time, by their confidence sequences alone.

    Args:
        one: The one.
        other: The one that is subtracted.
        store: Their values.
        confidence: Of each sequence: with ``1 - α/M`` for ``M`` figures all hold together, and so do all differences between
            them. A value that is missing counts as 0 in the lower limit and as 1 in the upper one.
    """
    (low, high), (other_low, other_high) = (_sequence(figure, store, confidence) for figure in (one, other))
    value = one.score["value"] - other.score["value"]
    return Compared(
        value=-value if one.falls else value,
        low=low - other_high,
        high=high - other_low,
        p=None,
        n=min(one.score["planned"], other.score["planned"]),
        method="confidence sequences",
    )


def _sequence(figure: Figure, store: Store, confidence: float) -> tuple[float, float]:
    shared = split_alpha(len(figure.parts), confidence=confidence)
    limits = [
        last(store.values(figure.entry.number, part.key), None, level)
        for part, level in zip(figure.parts, shared, strict=True)
    ]
    weights = [part.weight for part in figure.parts]
    low, high = (math.fsum(w * x for w, x in zip(weights, ends, strict=True)) for ends in zip(*limits, strict=True))
    return low, high


class _Reading(msgspec.Struct, frozen=True):
    """A figure by its interval alone, higher being better."""

    value: float
    low: float
    high: float
    worst: float
    best: float
    n: int

    @classmethod
    def of(cls, figure: Figure) -> _Reading:
        score = figure.score
        worst = score["value"] if score["worst"] is None or not figure.missing else score["worst"]
        best = score["value"] if score["best"] is None or not figure.missing else score["best"]
        value, low, high, n = score["value"], score["low"], score["high"], score["planned"]
        if figure.falls:
            return cls(1 - value, 1 - high, 1 - low, 1 - worst, 1 - best, n)
        return cls(value, low, high, worst, best, n)


def _by_intervals(one: _Reading, other: _Reading, confidence: float) -> Compared:
    wider = critical_z(confidence) / critical_z(0.95)
    below = math.hypot(one.value - one.low, other.high - other.value)
    above = math.hypot(one.high - one.value, other.value - other.low)
    floor, ceiling = one.worst - other.best, one.best - other.worst
    p = min(_p(floor, floor - below), _p(-ceiling, -ceiling - above))
    return Compared(
        value=one.value - other.value,
        low=max(-1.0, floor - wider * below),
        high=min(1.0, ceiling + wider * above),
        p=p,
        n=min(one.n, other.n),
        method="independent",
    )


def _joint(parts: Sequence[Laid]) -> Joint:
    return Joint([part.names for part in parts], [len(part.one[0]) for part in parts])


class _Side(NamedTuple):
    """What the limits of one end rest on: of each part its weight and difference, and how far they go together."""

    weights: list[float]
    differences: list[Difference]
    tied: Floats

    def limits(self) -> tuple[float, float, float]:
        """The weighted mean with limits by MOVER, as `tocsin.stats.mean_difference` for equal weights of independent parts."""
        pairs = list(zip(self.weights, self.differences, strict=True))
        value = math.fsum(weight * (one.value or 0.0) for weight, one in pairs)
        below = together([weight * ((one.value or 0.0) - (one.low or 0.0)) for weight, one in pairs], self.tied)
        above = together([weight * ((one.high or 0.0) - (one.value or 0.0)) for weight, one in pairs], self.tied)
        return value, max(-1.0, value - below), min(1.0, value + above)


def _limits(
    parts: Sequence[Laid], confidence: float, *, middle: bool = False, paired: bool = False
) -> tuple[float, float, float, int]:
    """The measured difference, the lower limit at worst, the upper one at best, and planned attempts.

    With `middle` the first is the difference at worst, which the lower limit belongs to; with `paired` both are over the same
    cells.
    """
    joint = _joint(parts)
    floors: list[Ends] = []
    ceilings: list[Ends] = []
    values: list[float] = []
    for part in parts:
        (a, a_n, a_all), (b, b_n, b_all) = part.one, part.other
        for found, (x, y) in ((floors, (a, b + b_all - b_n)), (ceilings, (a + a_all - a_n, b))):
            if paired:
                x, y = np.maximum(x - y, 0), np.maximum(y - x, 0)
            found.append((x, a_all, y, b_all))
        values.append(part.weight * (a.sum() / a_n.sum() - b.sum() / b_n.sum()))
    n = min(sum(int(part.one[2].sum()) for part in parts), sum(int(part.other[2].sum()) for part in parts))
    weights = [part.weight for part in parts]
    least, low, _ = _side(joint, weights, floors, confidence).limits()
    _, _, high = _side(joint, weights, ceilings, confidence).limits()
    return least if middle else float(math.fsum(values)), low, high, n


def _side(joint: Joint, weights: list[float], ends: Sequence[Ends], confidence: float) -> _Side:
    differences = [rate_difference(x, x_n, y, y_n, confidence=confidence) for x, x_n, y, y_n in ends]
    if joint.shared:
        residuals = [_residuals(x, x_n) - _residuals(y, y_n) for x, x_n, y, y_n in ends]
        sizes = [1 / max(1, min(int(np.count_nonzero(x_n)), int(np.count_nonzero(y_n)))) for _, x_n, _, y_n in ends]
        tied = correlations(joint.covariances(residuals, sizes))
    else:
        tied = np.eye(len(ends))
    return _Side(weights, differences, tied)


def _residuals(passed: Ints, sizes: Ints) -> Floats:
    """What each cluster adds to a rate, less what it would add at that rate."""
    n = max(1, int(sizes.sum()))
    return np.asarray((passed - passed.sum() / n * sizes) / n, dtype=np.float64)


def _weighted(part: Laid, one: Side, other: Side) -> Floats:
    """By cluster: the one with what is missing as bad, less the other with what is missing as good, as shares of the whole."""
    (a, _, a_all), (b, b_n, b_all) = one, other
    return np.asarray(part.weight * (a / a_all.sum() - (b + b_all - b_n) / b_all.sum()), dtype=np.float64)


def _turned(parts: Sequence[Laid]) -> list[Laid]:
    return [Laid(part.weight, part.other, part.one, part.names) for part in parts]


def _apart(weight: float, first: tuple[Ints, Side], second: tuple[Ints, Side]) -> Laid:
    """The clusters of two sides one after the other, so that none is common to both."""
    (names, one), (other_names, other) = first, second
    mine = tuple(np.concatenate([x, np.zeros(len(other_names), dtype=np.int64)]) for x in one)
    yours = tuple(np.concatenate([np.zeros(len(names), dtype=np.int64), x]) for x in other)
    return Laid(weight, mine, yours, np.concatenate([names, other_names ^ _OTHER]))  # type: ignore[arg-type]


def _p(value: float, low: float) -> float:
    """The two-sided p-value of a difference above 0, from its lower 95% limit; 1 of one that is not."""
    if value <= 0 or low >= value:
        return 1.0 if value <= 0 else 0.0
    return float(2 * (1 - NormalDist().cdf(critical_z(0.95) * value / (value - low))))


def as_dict(found: Compared, falls: bool) -> dict[str, Any]:
    """The comparison in the unit of the figure, which may count failures."""
    value, low, high = (found.value, found.low, found.high) if not falls else (-found.value, -found.high, -found.low)
    return {"difference": value, "low": low, "high": high, "p": found.p, "method": found.method, "n": found.n}
