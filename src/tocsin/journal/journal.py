"""The journal of a run: what was planned, asked, answered and judged, in one SQLite file.

It is the cache of its own run: a call that was answered is never sent again, whatever happens to the process between
the answer and its use.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tocsin.journal import schema
from tocsin.journal.calls import call_of
from tocsin.journal.errors import JournalError, readable
from tocsin.journal.folder import JOURNAL
from tocsin.journal.images import Images, case_mapped
from tocsin.journal.planned import (
    AGAIN,
    CELLS,
    FAILED,
    UNDELIVERED,
    UNFINISHED,
    UNREAD,
    UNTRANSLATED,
    Finished,
    Planned,
    PlannedCase,
    PlannedCell,
    case_row,
    judged_languages,
    planned_of,
    translation_of,
)
from tocsin.journal.recorded import rows_of
from tocsin.journal.seen import Seen
from tocsin.journal.writer import Writer, connect
from tocsin.types import Answer, Call, Case, Cell, ErrorKind, Failure, Image, Record, Request

T = TypeVar("T")
_PLAN_BATCH = 256

_encode = msgspec.json.Encoder().encode


class Journal:
    """An open journal.

    Args:
        folder: The run folder.
        create: Whether to make it; otherwise it must be there.

    Raises:
        JournalError: It is absent, damaged, or of a version this one cannot read.
    """

    def __init__(self, folder: Path, *, create: bool = False) -> None:
        self.path = folder / JOURNAL
        self.images = Images(folder)
        """Where its images are: rows hold references."""
        if not create and not self.path.is_file():
            raise JournalError(f"{self.path} is missing: the run cannot go on without its journal")
        with readable(self.path):
            if create:
                self.path.touch(mode=0o600)
            self._reader = connect(self.path)
            if create:
                self._reader.executescript(schema.TABLES)
                self._set_meta("version", str(schema.VERSION))
            self._check()
            for later in (schema.REASONING, schema.TRANSLATED, schema.TONGUES, schema.READINGS):
                self._reader.execute(later)
            (self._last_call,) = self._reader.execute("SELECT coalesce(max(id), 0) FROM calls").fetchone()
            self._copied = int(self._meta(schema.COPIED) or 0)
            (self._last_decision,) = self._reader.execute("SELECT coalesce(max(id), 0) FROM decisions").fetchone()
            self._seen = Seen(bytes(key) for (key,) in self._reader.execute("SELECT key FROM calls"))
            self.images.sweep()
        self._indexed = False
        self._writer = Writer(self.path)

    # -- the plan ------------------------------------------------------------------------------------------------------

    @property
    def planned(self) -> bool:
        """Whether the plan is complete."""
        return self._meta("planned") == "1"

    def plan(self, cases: Iterable[tuple[PlannedCase, list[PlannedCell]]]) -> int:
        """Writes the plan in one transaction, cells in the order of their rank, and returns how many cells it has.

        Raises:
            JournalError: Two cases of a benchmark have one id, or there is no room.
        """
        db = self._reader
        try:
            db.execute("BEGIN IMMEDIATE")
            db.execute("CREATE TEMP TABLE draft (rank INTEGER, tie INTEGER PRIMARY KEY, a, b, c, d, e, f)")
            for batch in _batched(enumerate(cases, 1), _PLAN_BATCH):
                self._plan_cases([case_row(number, self._kept(planned)) for number, (planned, _) in batch])
                db.executemany(
                    "INSERT INTO draft (rank, a, b, c, d, e, f) VALUES (?,?,?,?,?,?,?)",
                    [
                        (c.rank, c.target, c.evaluation, number, c.attack, c.repeat, c.judge)
                        for number, (_, cells) in batch
                        for c in cells
                    ],
                )
            db.execute(
                "INSERT INTO cells SELECT row_number() OVER (ORDER BY rank, tie), a, b, c, d, e, f FROM draft ORDER BY 1"
            )
            db.execute(schema.CLUSTERS)
            db.execute("INSERT OR REPLACE INTO meta VALUES ('planned', '1')")
            db.execute("COMMIT")
            db.execute("DROP TABLE draft")
        except sqlite3.OperationalError as error:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise JournalError(f"{self.path} cannot hold the plan ({error})") from error
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise
        return self.count_cells()

    def forget(self, image: Image) -> None:
        """Removes an image that an answer delivered, because of what it shows; but none that a case of the plan has or that an
        attack drew, since others may need it.
        """
        if self._rows("SELECT 1 FROM cases WHERE instr(body, ?) LIMIT 1", (image.sha256,)):
            return
        query = "SELECT request FROM calls WHERE role = 'target' AND instr(request, ?)"
        for (request,) in self._rows(query, (image.sha256,)):
            told = msgspec.json.decode(request, type=Request)
            if any(
                shown.sha256 == image.sha256 for said in told.messages if said.role == "user" for shown in said.images
            ):
                return
        self.images.forget(image)

    def _kept(self, planned: PlannedCase) -> PlannedCase:
        """The same with its images in the run folder."""
        case = planned.case
        return (
            planned if case is None or planned.stopped else planned._replace(case=case_mapped(case, self.images.keep))
        )

    def _plan_cases(self, rows: list[tuple[Any, ...]]) -> None:
        insert = "INSERT INTO cases VALUES (?,?,?,?,?,?,?,?,?,?)"
        try:
            self._reader.executemany(insert, rows)
        except sqlite3.IntegrityError as error:
            for row in rows:
                known = self._reader.execute("SELECT id FROM cases WHERE benchmark = ? AND case_id = ?", row[1:3])
                if any(number != row[0] for (number,) in known):
                    raise JournalError(
                        f"two cases are named {row[1]}/{row[2]}: an id is unique within its benchmark"
                    ) from error
            raise

    def cells_of(self, target: int, attack: str) -> list[tuple[int, bool]]:
        """The cells of one attack on one target in plan order, and whether each has a record."""
        rows = self._rows(
            "SELECT c.id, EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id) FROM cells c"
            " WHERE c.target = ? AND c.attack = ? ORDER BY c.id",
            (target, attack),
        )
        return [(int(cell), bool(finished)) for cell, finished in rows]

    def adversarial_cells(self) -> list[tuple[int, int, str, str, str]]:
        """Id, target, case, hazard and attack of every adversarial cell that can be asked, in plan order."""
        return self._rows(
            "SELECT c.id, c.target, s.benchmark || '/' || s.case_id, s.hazard, c.attack FROM cells c"
            " JOIN cases s ON s.id = c.case_ref WHERE c.evaluation = 'adversarial' ORDER BY c.id"
        )

    def groups(self) -> list[tuple[int, str, str, str]]:
        """Target, evaluation, benchmark and kind of safe answer of what was planned; of one benchmark the most frequent first."""
        rows = self._rows(
            "SELECT c.target, c.evaluation, s.benchmark, s.wanted, count(*) FROM cells c JOIN cases s ON s.id = c.case_ref"
            " GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 5 DESC, 4"
        )
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def end_of_cluster(self, position: int) -> int:
        """The last cell of the cluster that a cell belongs to, in a plan that keeps clusters together."""
        row = self._rows(
            "SELECT max(c.id) FROM cells c JOIN cases s ON s.id = c.case_ref JOIN"
            " (SELECT s.benchmark, s.cluster FROM cells c JOIN cases s ON s.id = c.case_ref WHERE c.id = ?) o"
            " ON o.benchmark = s.benchmark AND o.cluster = s.cluster",
            (position,),
        )
        return int(row[0][0] or position)

    def ended(self, after: int, upto: int) -> Iterator[Finished]:
        """How cells ended, in plan order.

        Args:
            after: The last cell that is left out.
            upto: The last one that is given.
        """
        rows = self._reader.execute(
            "SELECT c.id, c.target, c.evaluation, s.benchmark, s.wanted, s.cluster, s.id, c.attack, r.outcome FROM cells c"
            " JOIN cases s ON s.id = c.case_ref LEFT JOIN latest r ON r.cell = c.id WHERE c.id > ? AND c.id <= ? ORDER BY c.id",
            (after, upto),
        )
        for row in rows:
            yield Finished(*row)

    def cells_by_id(self, ids: Sequence[int]) -> list[Planned]:
        """The cells of these ids that have no record, in the order given."""
        query = CELLS.format(unfinished=UNFINISHED, unread="0", undelivered="0")
        found = []
        for number in ids:
            for row in self._rows(query, (number - 1, 1)):
                if row[0] == number:
                    with readable(self.path):
                        found.append(planned_of(row))
        return found

    def outcomes(self, ids: Sequence[int]) -> dict[int, str]:
        """Cell → its outcome, of those of these that have a record."""
        marks = ",".join("?" * len(ids))
        return dict(self._rows(f"SELECT cell, outcome FROM latest WHERE cell IN ({marks})", tuple(ids)))

    def calls_since(self, call: int) -> tuple[int, dict[int, int]]:
        """The last call, and of the calls after the one given, cell → how many it made."""
        rows = self._rows(
            "SELECT cell, count(*), max(id) FROM calls WHERE id > ? AND cell IS NOT NULL GROUP BY cell", (call,)
        )
        return max((last for _, _, last in rows), default=call), {cell: count for cell, count, _ in rows}

    def count_cells(self) -> int:
        """Cells of the plan."""
        return int(self._rows("SELECT count(*) FROM cells")[0][0])

    def bad_rows(self) -> dict[str, tuple[int, int, str]]:
        """Benchmark → its rows that could not become cases, all its rows, and what the first of the bad says.

        Benchmarks without a bad row are left out.
        """
        rows = self._reader.execute(
            "SELECT benchmark, sum(stopped = ?), count(*), min(CASE WHEN stopped = ? THEN detail END) FROM cases"
            " GROUP BY 1 HAVING sum(stopped = ?) > 0",
            (ErrorKind.BAD_ROW.value,) * 3,
        )
        return {benchmark: (bad, every, first) for benchmark, bad, every, first in rows}

    def unfinished(self, *, failed: bool = False) -> dict[str, int]:
        """Benchmark → its cells that have no record yet; with `failed`, those whose latest record is an error too."""
        left = f"({UNFINISHED} OR {FAILED})" if failed else UNFINISHED
        query = (
            "SELECT s.benchmark, count(*) FROM cells c JOIN cases s ON s.id = c.case_ref"
            f" WHERE {left} GROUP BY 1 ORDER BY 1"
        )
        return dict(self._rows(query))

    def cells(self, *, failed: bool = False, window: int = 256, searched: bool = False) -> Iterator[Planned]:
        """The cells that have no record yet, in order; with `failed`, those whose latest record is an error too.

        They are read a window at a time, so that a plan of any size takes little memory. A cell that gets its record
        while this runs is not given twice.
        """
        unfinished = f"({UNFINISHED} OR {FAILED})" if failed else UNFINISHED
        if searched:  # a search decides which adversarial cells are begun
            unfinished += f" AND (c.evaluation <> 'adversarial' OR NOT {UNFINISHED})"
        counts = {"unread": UNREAD if failed else "0", "undelivered": UNDELIVERED if failed else "0"}
        query, after = CELLS.format(unfinished=unfinished, **counts), 0
        while rows := self._rows(query, (after, window)):
            for row in rows:
                with readable(self.path):
                    planned = planned_of(row)
                after = planned.cell.position
                yield planned

    # -- calls ---------------------------------------------------------------------------------------------------------

    def find_call(self, key: bytes, cell: int, *, failures: bool, least_attempt: int = 0) -> Call | None:
        """The answer to a call, if the journal has it; with `failures`, also how the same cell's own call failed.

        Attempts before `least_attempt` are passed over.
        """
        if key not in self._seen:
            return None
        self._index()
        with readable(self.path):
            row = self._reader.execute(
                "SELECT id, answer, error, detail, tries, latency, cost FROM calls WHERE key = ?"
                " AND attempt >= ? AND (answer IS NOT NULL OR (? AND cell = ?))"
                " ORDER BY answer IS NULL, attempt DESC LIMIT 1",
                (key, least_attempt, failures, cell),
            ).fetchone()
            return None if row is None else call_of(*row)

    def _index(self) -> None:
        """Makes the index of the calls, unless a commit is under way: a look-up is right without it, and slow."""
        if self._indexed:
            return
        with contextlib.suppress(sqlite3.OperationalError, sqlite3.IntegrityError):
            self._reader.execute("PRAGMA busy_timeout=0")
            self._reader.execute(schema.INDEX)
            self._indexed = True
        self._reader.execute("PRAGMA busy_timeout=5000")

    def _attempts(self, key: bytes) -> int:
        """How many rows this call has."""
        if key not in self._seen:
            return 0
        self._index()
        return int(self._rows("SELECT count(*) FROM calls WHERE key = ?", (key,))[0][0])

    def earlier_calls(self) -> dict[int, dict[tuple[str, str, int], bytes]]:
        """For each cell that has calls and no good record: role, branch and ordinal of each call → its key.

        Calls that were copied from another run are left out: another judge asks something else, as it should.
        """
        found: dict[int, dict[tuple[str, str, int], bytes]] = {}
        query = (
            "SELECT cell, role, branch, ordinal, key FROM calls WHERE cell IS NOT NULL"
            f" AND id > ? AND cell NOT IN (SELECT cell FROM latest WHERE NOT {AGAIN} AND cell NOT IN {UNTRANSLATED})"
            " ORDER BY id"
        )
        with readable(self.path):
            for cell, role, branch, ordinal, key in self._reader.execute(query, (self._copied,)):
                found.setdefault(cell, {})[role, branch, ordinal] = key
        return found

    async def add_call(
        self,
        *,
        key: bytes,
        cell: int | None,
        branch: str,
        ordinal: int,
        role: str,
        request: bytes,
        result: Answer | Failure,
        tries: int,
        latency: float,
        cost: float | None,
    ) -> Call:
        """Commits a call and returns it with its row; only then may its answer be used."""
        attempt = self._attempts(key)
        self._seen.add(key)
        self._last_call += 1
        number = self._last_call
        if isinstance(result, Answer):
            told: tuple[bytes | None, str | None, str | None] = (_encode(result), None, None)
        else:
            told = (None, result.kind.value, result.detail)
        await self._writer.add(
            schema.INSERT_CALL,
            (
                *(number, key, attempt, cell, branch, ordinal, role, request),
                *(*told, tries, round(latency, 4), cost, round(time.time(), 3)),
            ),
        )
        return Call(id=number, result=result, tries=tries, latency=latency, cost=cost)

    def judged_languages(self) -> list[tuple[str, str]]:
        """As `planned.judged_languages`."""
        return judged_languages(self._reader)

    def translation_of(self, cell: Cell, language: str) -> Case | None:
        """As `planned.translation_of`."""
        return translation_of(self._reader, cell, language)

    # -- records and decisions -----------------------------------------------------------------------------------------

    def add_record(self, record: Record) -> None:
        """Adds a record to the next commit. It needs no waiting: without it the cell is replayed from its calls."""
        for insert, row in rows_of(record):  # all in the same commit, as nothing is awaited between them
            self._writer.put(insert, row)

    async def decide(self, scope: str, body: Any) -> None:
        """Commits a decision; only then may it take effect."""
        self._last_decision += 1
        await self._writer.add(schema.INSERT_DECISION, (self._last_decision, scope, _encode(body)))

    def decisions(self, scope: str) -> list[Any]:
        """The decisions of a scope, in order."""
        rows = self._rows("SELECT body FROM decisions WHERE scope = ? ORDER BY id", (scope,))
        with readable(self.path):
            return [msgspec.json.decode(body) for (body,) in rows]

    # -- keeping -------------------------------------------------------------------------------------------------------

    async def flush(self) -> None:
        """Returns when everything given so far is on the disk."""
        await self._writer.flush()

    async def close(self) -> None:
        """Commits what is left and closes the file."""
        try:
            await self._writer.flush()
            self._index()
        finally:
            try:
                await self._writer.close()
            finally:
                self._reader.close()

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[tuple[Any, ...]]:
        with readable(self.path):
            return self._reader.execute(query, values).fetchall()

    def _check(self) -> None:
        version = self._meta("version")
        if version != str(schema.VERSION):
            raise JournalError(f"{self.path} has format {version}; this version of tocsin reads {schema.VERSION}")

    def _meta(self, key: str) -> str | None:
        rows = self._rows("SELECT value FROM meta WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def _set_meta(self, key: str, value: str) -> None:
        self._reader.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    items = iter(items)
    while batch := list(islice(items, size)):
        yield batch
