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

STOP = "stop"
"""The scope of its decisions."""
FIRST, GROWTH = 100, 0.1
"""Cells before the first look, and by how much of the plan so far each next one is later."""

Key = tuple[int, str, str, str]
"""Target, evaluation, benchmark and kind of safe answer; of attacks, target and evaluation alone."""


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

    @property
    def key(self) -> Key:
        """Which group."""
        return self.target, self.evaluation, self.benchmark, self.wanted


def key_of(target: int, evaluation: str, benchmark: str, wanted: str) -> Key:
    """The group of a cell."""
    return (target, evaluation, "", "") if evaluation == "adversarial" else (target, evaluation, benchmark, wanted)


class Values:
    """One value a cluster: the share of its attempts that passed; nan where one has no outcome."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], list[int]] = {}

    def add(self, cluster: tuple[str, str], outcome: str | None) -> None:
        """Counts one attempt."""
        counts = self._counts.setdefault(cluster, [0, 0, 0])
        counts[0] += outcome == "safe"
        counts[1] += outcome in ("safe", "unsafe")
        counts[2] += 1

    def by_cluster(self) -> dict[tuple[str, str], float]:
        """Cluster → its value, in the order of the plan."""
        return {
            name: passed / planned if measured == planned else np.nan
            for name, (passed, measured, planned) in self._counts.items()
        }


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
        self._groups = sorted({key_of(*row) for row in journal.groups() if row[3]})
        self._pairs = [
            (one, other) for one, other in combinations(self._groups, 2) if one[1:] == other[1:] and one[0] != other[0]
        ]
        self._values: dict[Key, dict[str, Values]] = {}
        self._read = self._upto = 0
        self._stopped = {
            stop.key: stop for body in journal.decisions(STOP) for stop in msgspec.convert(body, list[Stopped])
        }
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
            stop = self._stopped.get(key_of(cell.target, cell.evaluation, cell.benchmark, cell.case.safe_answer.kind))
            if stop is None or cell.position <= stop.position:
                yield planned

    async def look(self) -> bool:
        """Decides which groups stop, and journals it. False where nothing is left to run.

        A group that was looked at in a session before this one is not looked at again at the same place.
        """
        if self._upto >= self._end:
            return False
        self._gather()
        open_ = [key for key in self._groups if key not in self._stopped and key in self._values]
        latest = max((stop.position for stop in self._stopped.values()), default=0)
        if self._upto > latest:
            made = [stop for key in open_ if (stop := self._look_at(key)) is not None]
            if made:
                await self._journal.decide(STOP, msgspec.to_builtins(made))
                self._stopped |= {stop.key: stop for stop in made}
        return any(key not in self._stopped for key in self._groups)

    def _gather(self) -> None:
        """Takes in the records up to the look, but those of groups that stopped before."""
        for cell, target, evaluation, benchmark, wanted, cluster, attack, outcome in self._journal.ended(
            self._read, self._upto
        ):
            key = key_of(target, evaluation, benchmark, wanted)
            stop = self._stopped.get(key)
            if not wanted or (stop is not None and cell > stop.position):
                continue
            series = self._values.setdefault(key, {})
            for name in ("", attack) if evaluation == "adversarial" else ("",):
                series.setdefault(name, Values()).add((benchmark, cluster), outcome)
        self._read = self._upto

    def _look_at(self, key: Key) -> Stopped | None:
        series = {name: np.array(list(of.by_cluster().values())) for name, of in self._values[key].items()}
        limits = {name: _last(confidence_sequence(x, aim=self._precision)) for name, x in series.items()}
        precise = self._precision is not None and all(
            high - low <= 2 * self._precision for low, high in limits.values()
        )
        if not precise and not (self._decide and self._decided(key)):
            return None
        low, high = limits[""]
        return Stopped(
            target=key[0], evaluation=key[1], benchmark=key[2], wanted=key[3], position=self._upto,
            clusters=len(series[""]), reason="precise" if precise else "decided", low=low, high=high,
        )  # fmt: skip

    def _decided(self, key: Key) -> bool:
        pairs = [pair for pair in self._pairs if key in pair]
        return bool(pairs) and all(self._pair_decided(*pair) for pair in pairs)

    def _pair_decided(self, one: Key, other: Key) -> bool:
        if one not in self._values or other not in self._values:
            return False
        first, second = (self._values[key][""].by_cluster() for key in (one, other))
        differences = np.array([first[name] - second[name] for name in first if name in second])
        confidence = split_alpha(len(self._pairs))[0]
        low, high = _last(difference_sequence(differences, confidence=confidence, aim=self._precision))
        return low > 0 or high < 0


def _last(limits: tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]) -> tuple[float, float]:
    low, high = limits
    return (float(low[-1]), float(high[-1])) if len(low) else (-1.0, 1.0)
