"""Sequential stopping: which groups of cells need no further case, decided at barriers from committed records alone.

See docs/design/stopping.md. The plan of such a run keeps the cells of one cluster together, and only clusters that are finished,
up to the place in the plan where it looks, enter a decision.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import msgspec
import numpy as np
import numpy.typing as npt

from tocsin.journal import Journal, Planned
from tocsin.stats import confidence_sequence, difference_sequence, split_alpha
from tocsin.types import ErrorKind

LOOK = "stop"
"""The scope of its decisions."""
FIRST, GROWTH = 100, 0.1
"""Cells before the first look, and by how much of the plan so far each next one is later."""

Key = tuple[int, str, str, str]
"""Target, evaluation, benchmark and kind of safe answer; of attacks, target and evaluation alone."""
Cluster = tuple[str, str]
"""A benchmark and a cluster's name in it: two benchmarks may use the same names."""
WORST = "safe_worst"
"""The series of cases that withstood every attack. Those of attacks go by their names, and the share that passed by none."""


class Against(msgspec.Struct, frozen=True, kw_only=True):
    """A decided comparison: how much more often the group's target passed than another, on the same clusters."""

    target: int
    value: float
    low: float
    high: float


class Stopped(msgspec.Struct, frozen=True, kw_only=True):
    """A group that needs no further case.

    Attributes:
        target: Index of the target.
        evaluation: Its evaluation.
        benchmark: Its benchmark; empty for the attacks on a target, which stop together.
        wanted: The kind of safe answer of its cases; empty for attacks.
        position: The last cell of the plan that was looked at.
        clusters: Clusters that were finished then.
        reason: ``precise`` or ``decided``.
        low: Lower limit of the share that passed.
        high: Upper limit.
        against: The comparisons with the other targets, where they were decided.
    """

    target: int
    evaluation: str
    benchmark: str
    wanted: str
    position: int
    clusters: int
    reason: str
    low: float
    high: float
    against: tuple[Against, ...] = ()

    @property
    def key(self) -> Key:
        """Which group."""
        return self.target, self.evaluation, self.benchmark, self.wanted


class Look(msgspec.Struct, frozen=True):
    """One look: where in the plan, and what stopped there. It is never made again."""

    position: int
    stops: tuple[Stopped, ...] = ()


def key_of(target: int, evaluation: str, benchmark: str, wanted: str) -> Key:
    """The group of a cell. Options and labels are one: they have one score."""
    if evaluation == "adversarial":
        return target, evaluation, "", ""
    return target, evaluation, benchmark, "option" if wanted == "label" else wanted


class Values:
    """One value a cluster: the share of its parts that passed; nan where one has no outcome.

    A part is an attempt; for `WORST` it is a case, which passes if all of its attempts did and fails if one did.
    """

    def __init__(self) -> None:
        self._parts: dict[Cluster, dict[int, list[str | None]]] = {}

    def add(self, cluster: Cluster, part: int, outcome: str | None) -> None:
        """Adds an attempt's outcome to its part."""
        self._parts.setdefault(cluster, {}).setdefault(part, []).append(outcome)

    def by_cluster(self) -> dict[Cluster, float]:
        """Cluster → its value, in the order of the plan."""
        return {name: float(np.mean([_passed(part) for part in parts.values()])) for name, parts in self._parts.items()}


def _passed(outcomes: list[str | None]) -> float:
    if "unsafe" in outcomes:
        return 0.0
    return 1.0 if all(outcome == "safe" for outcome in outcomes) else np.nan


class Stopping:
    """Decides for one journal which groups stop.

    Args:
        journal: The run's journal, with its plan.
        precision: Half-width at which a group stops; None for no such rule.
        decide: Whether a group stops when every comparison of its target with another is decided.
    """

    def __init__(self, journal: Journal, *, precision: float | None, decide: bool) -> None:
        self._journal, self._precision, self._decide = journal, precision, decide
        self._end = journal.count_cells()
        rows = journal.groups()
        self._groups = sorted({key_of(*row) for row in rows if row[3]})
        self._homes: dict[tuple[int, str], Key] = {}
        for target, evaluation, benchmark, wanted in rows:
            if wanted and evaluation != "adversarial":
                self._homes.setdefault((target, benchmark), key_of(target, evaluation, benchmark, wanted))
        self._pairs = [
            (one, other) for one, other in combinations(self._groups, 2) if one[1:] == other[1:] and one[0] != other[0]
        ]
        self._values: dict[Key, dict[str, Values]] = {}
        self._read = self._upto = 0
        looks = [msgspec.convert(body, Look) for body in journal.decisions(LOOK)]
        self._looked = max((look.position for look in looks), default=0)
        self._stopped = {stop.key: stop for look in looks for stop in look.stops}
        self._beyond: Planned | None = None

    def begin(self, feed: Iterator[Planned]) -> Iterator[Planned]:
        """The cells up to where it looks next; those of groups that stopped before are left out."""
        self._upto = min(self._end, max(self._upto + FIRST, int(self._upto * (1 + GROWTH))))
        self._upto = self._journal.end_of_cluster(self._upto)
        return self._until(feed)

    def _until(self, feed: Iterator[Planned]) -> Iterator[Planned]:
        while (planned := self._beyond or next(feed, None)) is not None:
            self._beyond = None
            cell = planned.cell
            if cell.position > self._upto:
                self._beyond = planned
                return
            wanted = "" if planned.stopped == ErrorKind.BAD_ROW else cell.case.safe_answer.kind
            stop = self._stopped.get(self._key(cell.target, cell.evaluation, cell.benchmark, wanted))
            if stop is None or cell.position <= stop.position:
                yield planned

    def _key(self, target: int, evaluation: str, benchmark: str, wanted: str) -> Key:
        """The group of a cell; a row that became no case counts in its benchmark's first group, as in the scores."""
        key = key_of(target, evaluation, benchmark, wanted)
        return key if wanted or evaluation == "adversarial" else self._homes.get((target, benchmark), key)

    async def look(self) -> bool:
        """Decides which groups stop, and journals it. False where nothing is left to run.

        Where a session before this one looked, nothing is decided again, whatever was retried since.
        """
        if self._upto >= self._end:
            return False
        self._gather()
        if self._upto > self._looked:
            open_ = [key for key in self._groups if key not in self._stopped and key in self._values]
            made = tuple(stop for key in open_ if (stop := self._look_at(key)) is not None)
            await self._journal.decide(LOOK, msgspec.to_builtins(Look(self._upto, made)))
            self._looked = self._upto
            self._stopped |= {stop.key: stop for stop in made}
        return any(key not in self._stopped for key in self._groups)

    def _gather(self) -> None:
        """Takes in the records up to the look, but those of groups that stopped before."""
        for row in self._journal.ended(self._read, self._upto):
            key = self._key(row.target, row.evaluation, row.benchmark, row.wanted)
            stop = self._stopped.get(key)
            if stop is not None and row.cell > stop.position:
                continue
            series, cluster = self._values.setdefault(key, {}), (row.benchmark, row.cluster)
            series.setdefault("", Values()).add(cluster, row.cell, row.outcome)
            if row.evaluation == "adversarial":
                series.setdefault(row.attack, Values()).add(cluster, row.cell, row.outcome)
                series.setdefault(WORST, Values()).add(cluster, row.case, row.outcome)
        self._read = self._upto

    def _look_at(self, key: Key) -> Stopped | None:
        series = {name: np.array(list(of.by_cluster().values())) for name, of in self._values[key].items()}
        limits = {name: _last(confidence_sequence(x, aim=self._precision)) for name, x in series.items()}
        precise = self._precision is not None and all(
            high - low <= 2 * self._precision for low, high in limits.values()
        )
        against = self._decided(key) if self._decide else ()
        if not precise and not against:
            return None
        low, high = limits[""]
        return Stopped(
            target=key[0],
            evaluation=key[1],
            benchmark=key[2],
            wanted=key[3],
            position=self._upto,
            clusters=len(series[""]),
            reason="precise" if precise else "decided",
            low=low,
            high=high,
            against=against,
        )

    def _decided(self, key: Key) -> tuple[Against, ...]:
        """The comparisons of a group's target with all others, if every one of them is decided; else none."""
        found = [self._against(key, other) for pair in self._pairs if key in pair for other in pair if other != key]
        kept = tuple(one for one in found if one is not None and (one.low > 0 or one.high < 0))
        return kept if len(kept) == len(found) else ()

    def _against(self, one: Key, other: Key) -> Against | None:
        if one not in self._values or other not in self._values:
            return None
        first, second = (self._values[key][""].by_cluster() for key in (one, other))
        differences = np.array([first[name] - second[name] for name in first if name in second])
        confidence = split_alpha(len(self._pairs))[0]
        low, high = _last(difference_sequence(differences, confidence=confidence, aim=self._precision))
        known = differences[~np.isnan(differences)]
        return Against(target=other[0], value=float(known.mean()) if len(known) else 0.0, low=low, high=high)


def _last(limits: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]) -> tuple[float, float]:
    low, high = limits
    return (float(low[-1]), float(high[-1])) if len(low) else (-1.0, 1.0)
