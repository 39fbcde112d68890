"""Two sets of records over one plan, side by side: those that count, and those of the table ``before``.

``before`` has one record a cell, with the columns of ``records``: in a rejudged run's journal it holds what the other judge
said. Whoever makes such a table, temporary or not, can compare any two runs of one plan. Counting is done in SQL; what
comes back is counts of clusters.
"""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec
import numpy as np

from tocsin.evaluations.counts import Group
from tocsin.evaluations.draws import shared_draws
from tocsin.evaluations.tally import Reader
from tocsin.types import Outcome

if TYPE_CHECKING:
    import numpy.typing as npt

OUTCOMES = tuple(outcome.value for outcome in Outcome)
"""Rows and columns of every table of outcomes, in this order: safe, unsafe, unscored, error."""

NOBODY, SAME, OTHER = 0, 1, 2
"""Who read an answer: no judge either time, the same judge both times, or another judge than before."""

By = Literal["attack", "language"]
_COLUMNS: dict[By, str] = {"attack": "c.attack", "language": "s.language"}
Cluster = tuple[str, str]

_BEFORE = "(SELECT b.{column} FROM before b WHERE b.cell = c.id)"
_WHO = (
    f"CASE WHEN r.judge = '' AND {_BEFORE.format(column='judge')} = '' THEN {NOBODY}"
    f" WHEN r.judge = {_BEFORE.format(column='judge')} THEN {SAME} ELSE {OTHER} END"
)


class Flip(NamedTuple):
    """A cell whose verdict is another one than before."""

    target: int
    cell: str
    before: str
    after: str


class Counted(msgspec.Struct, frozen=True):
    """Counts of a group's cells: who read × before × after, by cluster.

    Attributes:
        clusters: The clusters' names.
        counts: Shape ``(clusters, 3, 4, 4)``: by `NOBODY`, `SAME` or `OTHER`, and by outcome before and after.
    """

    clusters: list[Cluster]
    counts: npt.NDArray[np.int64]

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """Outcomes before (rows) by outcomes after, shape ``(4, 4)``."""
        return np.asarray(self.counts.sum(axis=(0, 1)), dtype=np.int64)

    @property
    def measured(self) -> npt.NDArray[np.int64]:
        """Verdicts of cells that have one both times, shape ``(clusters, 2, 2)``: safe and unsafe, before by after."""
        return np.asarray(self.counts.sum(axis=1)[:, :2, :2], dtype=np.int64)

    def judged(self, who: int) -> npt.NDArray[np.int64]:
        """Outcomes of cells that were read by whom `who` says, shape ``(clusters, 4, 4)``."""
        return self.counts[:, who]

    def passed(self, *, after: bool) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Safe and measured attempts of each cluster, before or after."""
        sums = self.counts.sum(axis=1).sum(axis=1 if after else 2)
        return sums[:, 0], sums[:, :2].sum(axis=1)


class Pairs(Reader):
    """Reads the records of one journal beside those of its table ``before``."""

    def counted(self, group: Group, *, by: By | None = None) -> dict[str, Counted]:
        """The counts of a group: under the empty key, or for each attack or language."""
        column = "''" if by is None else _COLUMNS[by]
        rows = self._db.execute(
            f"SELECT {column}, {_WHO}, {_BEFORE.format(column='outcome')}, r.outcome, s.cluster, count(*)"
            f" {self._source(group)} GROUP BY 1, 2, 3, 4, 5",
            self._bound(group),
        )
        places: dict[str, dict[Cluster, int]] = {}
        found: dict[str, tuple[array[int], array[int]]] = {}
        number = {outcome: place for place, outcome in enumerate(OUTCOMES)}
        for key, who, before, after, cluster, count in rows:
            if before is None:
                continue
            name = (group.benchmark, cluster)
            name = self._merged.get(name, name)
            known = places.setdefault(key, {})
            place = known.setdefault(name, len(known))
            at, often = found.setdefault(key, (array("q"), array("q")))
            at.append(((place * 3 + who) * 4 + number[before]) * 4 + number[after])
            often.append(count)
        return {key: _table(list(places[key]), *found[key]) for key in sorted(found)}

    def several(self, group: Group, by: By) -> bool:
        """Whether a group has more than one attack or language."""
        rows = self._db.execute(f"SELECT DISTINCT {_COLUMNS[by]} {self._source(group)} LIMIT 2", self._bound(group))
        return len(rows.fetchall()) > 1

    def flips(self, group: Group, most: int) -> Iterator[Flip]:
        """The first cells of a group, in the order of the run, whose verdict went from safe to unsafe or back."""
        before = _BEFORE.format(column="outcome")
        rows = self._db.execute(
            f"SELECT s.benchmark, s.case_id, c.attack, s.language, c.repeat, {before}, r.outcome {self._source(group)}"
            f" AND r.outcome IN ('safe', 'unsafe') AND {before} IN ('safe', 'unsafe') AND r.outcome <> {before}"
            " ORDER BY c.id LIMIT ?",
            (*self._bound(group), most),
        )
        for *name, then, now in rows:
            yield Flip(group.target, "/".join(map(str, name)), then, now)


class Before(Reader):
    """Reads the records of the table ``before`` as if they counted, as far as those that count are finished."""

    def __init__(self, db: sqlite3.Connection, *, together: bool = False) -> None:
        super().__init__(db, together=together)
        self._records = "before"
        self._merged = shared_draws(db, self._records)

    def judges(self, group: Group) -> list[str]:
        """The identities of the judges that read a group's answers then."""
        rows = self._db.execute(
            f"SELECT DISTINCT r.judge {self._source(group)} AND r.judge <> '' ORDER BY 1", self._bound(group)
        )
        return [identity for (identity,) in rows]


def _table(clusters: list[Cluster], at: array[int], often: array[int]) -> Counted:
    size = len(clusters) * 48
    places, weights = np.frombuffer(at, dtype=np.int64), np.frombuffer(often, dtype=np.int64)
    counts = np.zeros(size, dtype=np.int64)
    np.add.at(counts, places, weights)
    return Counted(clusters, counts.reshape(-1, 3, 4, 4))
