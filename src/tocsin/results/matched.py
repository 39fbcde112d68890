"""Two sides, matched by case: what both were asked, and what became of it on each.

A side is one target of one run, perhaps one attack or one language of it. Two runs, two targets of one run, two judges of the
same answers (a run and its rejudged copy), two attacks and two languages are all matched in the same way. Journals are read a
row at a time into a scratch database of ids and outcomes, where they are joined; no text is kept in it, and of a million clusters
no more is held than how many there are of each kind.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Self

import msgspec
import numpy as np

from tocsin.journal import open_journal, readable
from tocsin.journal.folder import JOURNAL
from tocsin.results.matched_cells import (
    ERROR,
    NOT_RUN,
    SAFE,
    UNSAFE,
    UNSCORED,
    Cells,
    Numbers,
    Row,
    Side,
    What,
    reader_of,
)
from tocsin.results.pairs import OUTCOMES

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = [
    "ERROR", "SAFE", "UNSAFE", "UNSCORED", "By", "Flip", "Grades", "Joint", "Left", "Matched", "Side", "What",
]  # fmt: skip

By = Literal["attack", "language", "hazard", "benchmark", "form"]
Kind = tuple[tuple[int, int], ...]
"""What clusters of one kind hold: places in the table of outcomes by outcomes, and how often."""


class Joint(msgspec.Struct, frozen=True):
    """Matched cells: outcomes on the one side by outcomes on the other, by cluster. Clusters that hold the same are one kind.

    Attributes:
        kinds: Shape ``(kinds, 4, 4)``, in the order of `OUTCOMES`: the one side's rows, the other's columns.
        often: Clusters of each kind, shape ``(kinds,)``.
    """

    kinds: npt.NDArray[np.int64]
    often: npt.NDArray[np.int64]

    @property
    def table(self) -> npt.NDArray[np.int64]:
        """Outcomes by outcomes over all clusters, shape ``(4, 4)``."""
        return np.asarray(np.tensordot(self.often, self.kinds, axes=1), dtype=np.int64)

    @property
    def measured(self) -> npt.NDArray[np.int64]:
        """Cells that were judged on both sides, shape ``(clusters, 2, 2)``: safe and unsafe."""
        return np.asarray(np.repeat(self.kinds[:, :2, :2], self.often, axis=0), dtype=np.int64)


class Left(msgspec.Struct, frozen=True):
    """Finished cells that have no match.

    Attributes:
        one: Of the one side: the other was not asked the case, or not in the finished part of its run.
        other: Of the other side.
        changed: Cases of the same name whose text, or whose safe answer, is not the same on both sides.
    """

    one: int
    other: int
    changed: int


class Flip(NamedTuple):
    """A cell that was judged on both sides, and otherwise."""

    benchmark: str
    case: str
    attack: str
    language: str
    repeat: int
    hazard: str
    one: str
    """The outcome."""
    other: str
    one_cell: int
    """The cell's number in its journal."""
    other_cell: int


class Grades(NamedTuple):
    """Grades of cells that have one on both sides, by cluster: their sums, and how many."""

    one: npt.NDArray[np.float64]
    other: npt.NDArray[np.float64]
    counts: npt.NDArray[np.int64]


_SIDE = """
CREATE TABLE {side} (
    place INTEGER NOT NULL, name TEXT NOT NULL, attack TEXT NOT NULL, repeat INTEGER NOT NULL, text BLOB,
    cell INTEGER NOT NULL, outcome INTEGER NOT NULL, cluster TEXT NOT NULL, benchmark TEXT NOT NULL, "case" TEXT NOT NULL,
    put TEXT NOT NULL, language TEXT NOT NULL, hazard TEXT NOT NULL, form TEXT NOT NULL, judge INTEGER NOT NULL, grade REAL
)
"""
_KEY = "place, name, attack, repeat"
_ON = "p.place = o.place AND p.name = o.name AND p.attack = o.attack AND p.repeat = o.repeat"
_PAIRS = f"""
CREATE TABLE pairs AS
SELECT o.place place, o.cluster cluster, o.benchmark benchmark, o."case" "case", o.put put, o.language language, o.repeat repeat,
       o.hazard hazard, o.form form, o.outcome one, p.outcome other, o.cell one_cell, p.cell other_cell,
       o.judge one_judge, p.judge other_judge, o.grade one_grade, p.grade other_grade, {{same}} same
FROM one o CROSS JOIN other p ON {_ON}
"""
_RAN = f"one < {NOT_RUN} AND other < {NOT_RUN} AND same"
_COLUMN: dict[By, str] = {
    "attack": "put", "language": "language", "hazard": "hazard", "benchmark": "benchmark", "form": "form",
}  # fmt: skip
_OTHERWISE = "one_judge > 0 AND other_judge > 0 AND one_judge <> other_judge"


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
        self._numbers = Numbers()
        self._scratch = tempfile.TemporaryDirectory(prefix="tocsin-matched-")
        self._db = sqlite3.connect(Path(self._scratch.name) / "matched.sqlite", isolation_level=None)
        try:
            for setting in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-65536", "temp_store=FILE"):
                self._db.execute(f"PRAGMA {setting}")
            shared = _merged(one, other)
            for table, side in (("one", one), ("other", other)):
                self._read(table, side, shared)
            self._left = self._match()
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
        return [what for what, place in self._numbers.whats.items() if {0, 1} <= self._left[place].keys()]

    def only(self) -> tuple[list[What], list[What]]:
        """What the one side has alone, and what the other."""
        found: tuple[list[What], list[What]] = ([], [])
        for what, place in self._numbers.whats.items():
            if len(there := self._left[place].keys() & {0, 1}) == 1:
                found[there.pop()].append(what)
        return found

    def joint(self, what: What, by: By | None = None) -> dict[str, Joint]:
        """The matched cells: under the empty key, or for each attack, language, hazard, benchmark or format of the one side."""
        return self._joint(what, by, _RAN)

    def read_otherwise(self, what: What) -> Joint | None:
        """Of the matched cells those that one judge read on the one side and another one on the other; None without any."""
        return self._joint(what, None, f"{_RAN} AND {_OTHERWISE}").get("")

    def judges(self, what: What) -> tuple[list[str], list[str]]:
        """The judges that read the matched cells, with the models that they ask: of the one side, and of the other."""
        names = list(self._numbers.judges)
        one, other = (
            sorted(
                names[number]
                for (number,) in self._db.execute(
                    f"SELECT DISTINCT {side}_judge FROM pairs WHERE place = ? AND {_RAN}", (self._numbers.whats[what],)
                )
                if number
            )
            for side in ("one", "other")
        )
        return one, other

    def left(self, what: What) -> Left:
        """The cells without a match."""
        told = self._left[self._numbers.whats[what]]
        return Left(told.get(0, 0) - told["matched"], told.get(1, 0) - told["matched"], told["matched"] - told["same"])

    def flips(self, what: What, most: int, *, worse: bool) -> Iterator[Flip]:
        """The first cells, in the order of the one run, that went from safe to unsafe, or back."""
        outcomes = (SAFE, UNSAFE) if worse else (UNSAFE, SAFE)
        rows = self._db.execute(
            f'SELECT benchmark, "case", put, language, repeat, hazard, one, other, one_cell, other_cell FROM pairs'
            f" WHERE place = ? AND one = ? AND other = ? AND {_RAN} ORDER BY one_cell LIMIT ?",
            (self._numbers.whats[what], *outcomes, most),
        )
        for benchmark, case, put, language, repeat, hazard, first, second, *cells in rows:
            yield Flip(benchmark, case, put, language, repeat, hazard, OUTCOMES[first], OUTCOMES[second], *cells)

    def grades(self, what: What) -> Grades | None:
        """The grades of cells that have one on both sides; None without any."""
        rows = self._db.execute(
            "SELECT sum(one_grade), sum(other_grade), count(*) FROM pairs WHERE place = ? AND one_grade IS NOT NULL"
            f" AND other_grade IS NOT NULL AND {_RAN} GROUP BY cluster",
            (self._numbers.whats[what],),
        )
        told = np.fromiter((value for row in rows for value in row), dtype=np.float64).reshape(-1, 3)
        if not len(told):
            return None
        return Grades(told[:, 0].copy(), told[:, 1].copy(), told[:, 2].astype(np.int64))

    def worst(self, what: What, by: By | None = None, *, judged: bool = False) -> dict[str, Joint]:
        """Cases under all attacks that both sides planned for them: unsafe if any cell is, safe only if all are, else unscored.

        Cells that one of them did not run are among the planned ones. Under the empty key, or for each hazard or benchmark.

        Args:
            what: Live attacks.
            by: Hazard or benchmark.
            judged: Each case over those cells alone that were judged on both sides. Else a case with a cell missing is lost
                only where no other cell of it is unsafe, and the side that lacks cells looks less safe than it is.
        """
        kept = f" AND one <= {UNSAFE} AND other <= {UNSAFE}" if judged else ""
        column = "''" if by is None else _COLUMN[by]
        rows = self._db.execute(
            f"SELECT max({column}), cluster, sum(one = {UNSAFE}) > 0, sum(one = {SAFE}) = count(*),"
            f" sum(other = {UNSAFE}) > 0, sum(other = {SAFE}) = count(*), count(*) FROM pairs"
            f' WHERE place = ? AND same{kept} GROUP BY cluster, benchmark, "case" ORDER BY 1, 2',
            (self._numbers.whats[what],),
        )
        return _kinds(
            (key, cluster, _of_case(fell, held) * 4 + _of_case(fell_there, held_there), 1)
            for key, cluster, fell, held, fell_there, held_there, _ in rows
        )

    def attacks(self, what: What) -> list[str]:
        """The attacks of the matched cells, on the one side."""
        rows = self._db.execute(
            "SELECT DISTINCT put FROM pairs WHERE place = ? ORDER BY 1", (self._numbers.whats[what],)
        )
        return [name for (name,) in rows]

    def benchmarks(self, what: What) -> list[str]:
        """The benchmarks of the matched cells."""
        if what.benchmark:
            return [what.benchmark]
        place = (self._numbers.whats[what],)
        rows = self._db.execute("SELECT DISTINCT benchmark FROM pairs WHERE place = ? ORDER BY 1", place)
        return [name for (name,) in rows]

    def _joint(self, what: What, by: By | None, where: str) -> dict[str, Joint]:
        column = "''" if by is None else _COLUMN[by]
        return _kinds(
            self._db.execute(
                f"SELECT {column}, cluster, one * 4 + other, count(*) FROM pairs WHERE place = ? AND {where}"
                " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3",
                (self._numbers.whats[what],),
            )
        )

    def _read(self, table: str, side: Side, shared: Mapping[tuple[str, str], str]) -> None:
        """Takes the finished cells of a side into the scratch database."""
        self._db.execute(_SIDE.format(side=table))
        self._db.execute("BEGIN")
        marks = ",".join("?" * len(Row._fields))
        self._db.executemany(f"INSERT INTO {table} VALUES ({marks})", Cells(side, shared, self._numbers))
        self._db.execute("COMMIT")
        if side.language is not None:  # a row with two cases in one language cannot be matched by its row
            self._db.execute(
                f"DELETE FROM {table} WHERE rowid IN (SELECT rowid FROM (SELECT rowid, count(*) OVER"
                f" (PARTITION BY {_KEY}) often FROM {table}) WHERE often > 1)"
            )

    def _match(self) -> dict[int, dict[Any, int]]:
        """Joins the two sides, and gives how many cells each had of everything, by its number."""
        same = "1" if self.one.language is not None else "p.text IS o.text"  # two languages have two texts
        self._db.execute(f"CREATE INDEX other_by_name ON other ({_KEY})")
        self._db.execute(_PAIRS.format(same=same))
        self._db.execute("CREATE INDEX pairs_by_place ON pairs (place)")
        found: dict[int, dict[Any, int]] = {place: {"matched": 0, "same": 0} for place in self._numbers.whats.values()}
        for number, side in enumerate(("one", "other")):
            for place, count in self._db.execute(
                f"SELECT place, count(*) FROM {side} WHERE outcome < {NOT_RUN} GROUP BY 1"
            ):
                found[place][number] = count
        ran = f"one < {NOT_RUN} AND other < {NOT_RUN}"
        for place, matched, alike in self._db.execute(
            f"SELECT place, count(*), sum(same) FROM pairs WHERE {ran} GROUP BY 1"
        ):
            found[place] |= {"matched": matched, "same": alike}
        self._db.execute("DROP TABLE one")
        self._db.execute("DROP TABLE other")
        return found


def _merged(*sides: Side) -> dict[tuple[str, str], str]:
    """Benchmark and cluster → its name, where cases share an answer on either side and so are one cluster."""
    parent: dict[tuple[str, str], tuple[str, str]] = {}

    def root(name: tuple[str, str]) -> tuple[str, str]:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for side in sides:
        db = open_journal(side.folder)
        try:
            with readable(side.folder / JOURNAL):
                for name, shared in reader_of(db, side).shared().items():
                    parent[root(name)] = root(shared)
        finally:
            db.close()
    return {name: "\0".join(root(name)) for name in list(parent)}


def _of_case(fell: int, held: int) -> int:
    return UNSAFE if fell else SAFE if held else UNSCORED


def _kinds(rows: Iterable[tuple[str, str, int, int]]) -> dict[str, Joint]:
    """Key, cluster, place in the table and count, in the order of the first two → the kinds of clusters under each key."""
    found: dict[str, Counter[Kind]] = {}
    for (key, _), cells in groupby(rows, key=itemgetter(0, 1)):
        kind = tuple([row[2:] for row in cells])
        if (kinds := found.get(key)) is None:
            kinds = found[key] = Counter()
        kinds[kind] += 1
    return {key: _tables(kinds) for key, kinds in found.items()}


def _tables(kinds: Counter[Kind]) -> Joint:
    counts = np.zeros((len(kinds), 16), dtype=np.int64)
    for number, kind in enumerate(kinds):
        for place, count in kind:
            counts[number, place] += count
    return Joint(counts.reshape(-1, 4, 4), np.fromiter(kinds.values(), dtype=np.int64, count=len(kinds)))
