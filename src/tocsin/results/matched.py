"""Two sides, matched by case: what both were asked, and what became of it on each.

A side is one target of one run, perhaps one attack or one language of it. Two runs, two targets of one run, two judges of the
same answers (a run and its rejudged copy), two attacks and two languages are all matched in the same way. Journals are read a
row at a time into a scratch database of ids and outcomes, where they are joined; no text is kept in it.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import msgspec
import numpy as np

from tocsin.evaluations.counts import Group
from tocsin.evaluations.tally import Reader
from tocsin.journal import open_journal, readable
from tocsin.journal.folder import JOURNAL
from tocsin.results.pairs import OUTCOMES

if TYPE_CHECKING:
    import numpy.typing as npt

By = Literal["attack", "language", "hazard"]
SAFE, UNSAFE, UNSCORED, ERROR = range(4)
"""Places of the outcomes in every table, as in `tocsin.results.pairs.OUTCOMES`."""


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two that are matched.

    Attributes:
        folder: The run's folder.
        manifest: Its manifest.
        target: Index of the target.
        attack: Only its cells, matched with whatever attack the other side has; None for all, matched attack by attack.
        language: Only its cases, matched by source row with the other side's language; None for all, matched case by case.
    """

    folder: Path
    manifest: Mapping[str, Any]
    target: int = 0
    attack: str | None = None
    language: str | None = None

    @property
    def name(self) -> str:
        """The target's name."""
        return str(self.manifest["targets"][self.target]["name"])


class What(NamedTuple):
    """What two sides are matched on: cells that make up one score."""

    evaluation: str
    benchmark: str
    metric: str


class Joint(msgspec.Struct, frozen=True):
    """Matched cells: outcomes on the one side by outcomes on the other, by cluster.

    Attributes:
        clusters: The clusters' names.
        counts: Shape ``(clusters, 4, 4)``, in the order of `OUTCOMES`: the one side's rows, the other's columns.
    """

    clusters: list[str]
    counts: npt.NDArray[np.int64]

    @property
    def table(self) -> npt.NDArray[np.int64]:
        """Outcomes by outcomes over all clusters, shape ``(4, 4)``."""
        return np.asarray(self.counts.sum(axis=0), dtype=np.int64)

    @property
    def measured(self) -> npt.NDArray[np.int64]:
        """Cells that were judged on both sides, shape ``(clusters, 2, 2)``: safe and unsafe."""
        return self.counts[:, :2, :2]

    def passed(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Of cells judged on both sides: safe on the one, safe on the other, and how many, by cluster."""
        both = self.measured
        return both[:, 0, :].sum(axis=1), both[:, :, 0].sum(axis=1), both.sum(axis=(1, 2))


class Left(msgspec.Struct, frozen=True):
    """Finished cells that have no match.

    Attributes:
        one: Of the one side: the other was not asked the case, or not in the finished part of its run.
        other: Of the other side.
        changed: Cases of the same name whose text is not the same on both sides.
    """

    one: int
    other: int
    changed: int


class Flip(NamedTuple):
    """A cell that was judged on both sides, and otherwise."""

    case: str
    """Benchmark, case, attack, language and repeat, joined by slashes."""
    hazard: str
    one: str
    other: str
    one_cell: int
    other_cell: int


_SCRATCH = """
CREATE TABLE {side} (
    place INTEGER NOT NULL, name TEXT NOT NULL, attack TEXT NOT NULL, repeat INTEGER NOT NULL, text BLOB,
    cell INTEGER NOT NULL, outcome INTEGER NOT NULL, cluster TEXT NOT NULL, language TEXT NOT NULL, hazard TEXT NOT NULL,
    case_id TEXT NOT NULL, put TEXT NOT NULL
)
"""
_JOIN = (
    "FROM one o JOIN other p ON p.place = o.place AND p.name = o.name AND p.attack = o.attack AND p.repeat = o.repeat"
)
_COLUMN: dict[By, str] = {"attack": "o.put", "language": "o.language", "hazard": "o.hazard"}


class Matched:
    """The matched cells of two sides, until the end of the ``with``.

    Only the part of each run that is finished without a gap counts, as in its scores.

    Args:
        one: The one side.
        other: The other.

    Raises:
        JournalError: A journal is missing or cannot be read.
        ValueError: One side names a language or an attack, and the other none.
    """

    def __init__(self, one: Side, other: Side) -> None:
        if (one.attack is None) != (other.attack is None) or (one.language is None) != (other.language is None):
            raise ValueError("name an attack, or a language, on both sides or on neither")
        self.one, self.other = one, other
        self._scratch = tempfile.TemporaryDirectory(prefix="tocsin-matched-")
        self._db = sqlite3.connect(Path(self._scratch.name) / "matched.sqlite", isolation_level=None)
        self._whats: dict[What, int] = {}
        try:
            self._db.execute("PRAGMA journal_mode=OFF")
            self._db.execute("PRAGMA synchronous=OFF")
            shared = self._merged()
            for table, side in (("one", one), ("other", other)):
                self._read(table, side, shared)
            self._db.execute("CREATE INDEX other_by_name ON other (place, name, attack, repeat)")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Removes the scratch database."""
        self._db.close()
        self._scratch.cleanup()

    def whats(self) -> list[What]:
        """What both sides have, in the order of the one."""
        rows = self._db.execute("SELECT DISTINCT place FROM one INTERSECT SELECT DISTINCT place FROM other")
        there = {place for (place,) in rows}
        return [what for what, place in self._whats.items() if place in there]

    def joint(self, what: What, by: By | None = None) -> dict[str, Joint]:
        """The matched cells: under the empty key, or for each attack, language or hazard of the one side."""
        column = "''" if by is None else _COLUMN[by]
        rows = self._db.execute(
            f"SELECT {column}, o.cluster, o.outcome, p.outcome, count(*) {_JOIN} WHERE o.place = ?"
            f" {self._same_text} GROUP BY 1, 2, 3, 4",
            (self._whats[what],),
        )
        places: dict[str, dict[str, int]] = {}
        found: dict[str, list[tuple[int, int, int, int]]] = {}
        for key, cluster, first, second, count in rows:
            known = places.setdefault(key, {})
            found.setdefault(key, []).append((known.setdefault(cluster, len(known)), first, second, count))
        return {key: _table(list(places[key]), cells) for key, cells in sorted(found.items())}

    def left(self, what: What) -> Left:
        """The cells without a match."""
        place = (self._whats[what],)
        of = {table: self._count(f"SELECT count(*) FROM {table} WHERE place = ?", place) for table in ("one", "other")}
        together = self._count(f"SELECT count(*) {_JOIN} WHERE o.place = ?", place)
        same = self._count(f"SELECT count(*) {_JOIN} WHERE o.place = ? {self._same_text}", place)
        return Left(of["one"] - together, of["other"] - together, together - same)

    def flips(self, what: What, most: int) -> Iterator[Flip]:
        """The first cells, in the order of the one run, that were judged safe on one side and unsafe on the other."""
        rows = self._db.execute(
            f"SELECT o.case_id, o.put, o.language, o.repeat, o.hazard, o.outcome, p.outcome, o.cell, p.cell {_JOIN}"
            f" WHERE o.place = ? AND o.outcome < 2 AND p.outcome < 2 AND o.outcome <> p.outcome {self._same_text}"
            " ORDER BY o.cell LIMIT ?",
            (self._whats[what], most),
        )
        for case_id, attack, language, repeat, hazard, first, second, one_cell, other_cell in rows:
            case = "/".join((what.benchmark, case_id, attack, language, str(repeat)))
            yield Flip(case, hazard, OUTCOMES[first], OUTCOMES[second], one_cell, other_cell)

    @property
    def _same_text(self) -> str:
        """Cases of two languages have two texts."""
        return "" if self.one.language is not None else "AND p.text IS o.text"

    def _count(self, query: str, values: tuple[object, ...]) -> int:
        return int(self._db.execute(query, values).fetchone()[0])

    def _merged(self) -> dict[tuple[str, str], str]:
        """Benchmark and cluster → its name, where cases share an answer on either side and so are one cluster."""
        parent: dict[tuple[str, str], tuple[str, str]] = {}

        def root(name: tuple[str, str]) -> tuple[str, str]:
            while parent.setdefault(name, name) != name:
                parent[name] = parent[parent[name]]
                name = parent[name]
            return name

        for side in (self.one, self.other):
            with readable(side.folder / JOURNAL):
                db = open_journal(side.folder)
                try:
                    for name, shared in _reader(db, side).shared().items():
                        parent[root(name)] = root(shared)
                finally:
                    db.close()
        return {name: "\0".join(root(name)) for name in list(parent)}

    def _read(self, table: str, side: Side, shared: Mapping[tuple[str, str], str]) -> None:
        """Takes the finished cells of a side into the scratch database."""
        self._db.execute(_SCRATCH.format(side=table))
        number = {outcome: place for place, outcome in enumerate(OUTCOMES)}
        db = open_journal(side.folder)
        try:
            with readable(side.folder / JOURNAL):
                reader = _reader(db, side)
                for group in reader.groups(attacked=True):
                    if group.target == side.target:
                        self._db.execute("BEGIN")
                        self._db.executemany(
                            f"INSERT INTO {table} VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                            self._rows(reader, group, side, shared, number),
                        )
                        self._db.execute("COMMIT")
        finally:
            db.close()
        if side.language is not None:  # a row with two cases in one language cannot be matched by its row
            self._db.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM (SELECT rowid, count(*) OVER"
                f" (PARTITION BY place, name, attack, repeat) often FROM {table}) WHERE often > 1)"
            )

    def _rows(
        self,
        reader: Reader,
        group: Group,
        side: Side,
        shared: Mapping[tuple[str, str], str],
        number: Mapping[str, int],
    ) -> Iterator[tuple[Any, ...]]:
        place = self._whats.setdefault(What(group.named, group.benchmark, group.metric), len(self._whats))
        rows = reader.each(
            "s.case_id, s.cluster, c.attack, c.repeat, s.body, c.id, r.outcome, s.language, s.hazard", group
        )
        for case_id, cluster, attack, repeat, body, cell, outcome, language, hazard in rows:
            if side.attack not in (None, attack) or side.language not in (None, language):
                continue
            text = None if body is None else blake2b(body, digest_size=12).digest()
            yield (
                place,
                case_id if side.language is None else cluster,
                attack if side.attack is None else "",
                *(repeat, text, cell, number[outcome]),
                shared.get((group.benchmark, cluster), cluster),
                *(language, hazard, case_id, attack),
            )


def _reader(db: sqlite3.Connection, side: Side) -> Reader:
    return Reader(db, together=bool(side.manifest["suite"].get("stopping")))


def _table(clusters: list[str], cells: list[tuple[int, int, int, int]]) -> Joint:
    counts = np.zeros((len(clusters), 4, 4), dtype=np.int64)
    if cells:
        places = np.array(cells, dtype=np.int64)
        np.add.at(counts, (places[:, 0], places[:, 1], places[:, 2]), places[:, 3])
    return Joint(clusters, counts)
