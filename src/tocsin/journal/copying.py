"""A journal that begins with what another one holds: plan, calls and decisions, for its answers to be judged anew.

Calls are copied with their keys. A key is made of what was asked, so whoever asks the same finds the answer, and another
judge, whose requests differ, finds none. Everything is copied in SQL: a run is never loaded into Python objects.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import msgspec

from tocsin.journal import schema
from tocsin.journal.errors import JournalError, JournalFull, readable
from tocsin.journal.folder import JOURNAL
from tocsin.journal.images import Images
from tocsin.journal.writer import connect, untouched

_PROGRESS = """
SELECT (SELECT count(*) FROM cells), count(*), min(c.id) FROM cells c
WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id)
"""
_ASKED = "SELECT count(*), min(at), max(at) FROM calls WHERE role = 'target'"
_EVERY = 2**62


class FreeText(msgspec.Struct, frozen=True):
    """Whose answers in a benchmark get another judge: those that want no option and no label, but for some hazards."""

    benchmark: str
    judge: str
    but: tuple[str, ...] = ()

    @property
    def where(self) -> str:
        """Which rows of ``cases s`` they answer, as a condition on them; `values` go with it."""
        marks = ",".join("?" * len(self.but))
        return f"s.benchmark = ? AND s.wanted NOT IN ('option', 'label') AND s.hazard NOT IN ({marks})"

    @property
    def values(self) -> tuple[str, ...]:
        """What stands for the marks of `where`."""
        return (self.benchmark, *self.but)


class Survey(msgspec.Struct, frozen=True, kw_only=True):
    """What a run has that can be judged anew.

    Attributes:
        cells: Its cells.
        unfinished: How many of them have no record.
        first: Position of the first of these; None where there is none.
        free: Benchmark → cells before that position whose answers would get another judge.
        calls: Calls to targets in its journal, answered or not.
        asked_from: When the first of these was made, in seconds since 1970; None if there is none.
        asked_to: When the last was made.
    """

    cells: int
    unfinished: int
    first: int | None
    free: dict[str, int]
    calls: int
    asked_from: float | None
    asked_to: float | None


def survey(folder: Path, texts: Sequence[FreeText], *, asked_only: bool = False) -> Survey:
    """What the run in a folder has that can be judged anew. Nothing is changed there.

    Args:
        folder: The run's folder.
        texts: Which answers get another judge.
        asked_only: Whether the run stopped where it knew enough, so that no cell of it is missing.

    Raises:
        JournalError: Its journal is missing or damaged, of another version, or without a plan.
    """
    path = folder / JOURNAL
    if not path.is_file():
        raise JournalError(f"{path} is missing: a run cannot be rejudged without its journal")
    with readable(path), closing(sqlite3.connect(untouched(path), uri=True, isolation_level=None)) as db:
        meta = dict(db.execute("SELECT key, value FROM meta").fetchall())
        if (version := meta.get("version")) != str(schema.VERSION):
            raise JournalError(f"{path} has format {version}; this version of tocsin reads {schema.VERSION}")
        if meta.get("planned") != "1":
            raise JournalError(f"{folder} was stopped before its plan was complete: it holds nothing to judge")
        cells, unfinished, first = db.execute(_PROGRESS).fetchone()
        if asked_only:
            cells, unfinished, first = cells - unfinished, 0, None
        free = {}
        for text in texts:
            (free[text.benchmark],) = db.execute(
                # Not as a join: SQLite would begin with the cases, and read every cell for each of them.
                "SELECT count(*) FROM cells c WHERE c.id < ? AND EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id)"
                " AND c.case_ref IN"
                f" (SELECT s.id FROM cases s WHERE {text.where} AND s.wanted <> '' AND s.stopped IS NULL)",
                (_EVERY if first is None else first, *text.values),
            ).fetchone()
        calls, asked_from, asked_to = db.execute(_ASKED).fetchone()
    return Survey(
        cells=cells, unfinished=unfinished, first=first, free={name: count for name, count in free.items() if count},
        calls=calls, asked_from=asked_from, asked_to=asked_to,
    )  # fmt: skip


def copy_journal(
    parent: Path, child: Path, texts: Sequence[FreeText], *, end: int | None = None, asked_only: bool = False
) -> int:
    """Makes the journal of a run folder from another's, in one transaction. The other is read and not changed.

    Records that ended in an error are copied, since no judge can change them; all others are to be made again. What
    counted before stands in the table ``before``.

    Args:
        parent: The run folder that holds the answers.
        child: The new run folder, without a journal yet.
        texts: Which answers get another judge.
        end: Position of the first cell that is left out, with all that follow; None to take every cell.
        asked_only: Take the cells that have a record and none else: those of a run that stopped where it knew enough. Where it
            stopped is not taken: that was by the verdicts of another judge.

    Returns:
        How many cells its plan has.

    Raises:
        JournalError: One of the journals cannot be read or written.
    """
    path = child / JOURNAL
    path.touch(mode=0o600)
    Images(child).adopt_all(Images(parent))
    with readable(path):
        connect(path).close()  # settles the journal's mode
        db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)
    with closing(db):
        try:
            return _copied(db, parent / JOURNAL, texts, _EVERY if end is None else end, asked_only=asked_only)
        except sqlite3.Error as error:
            if isinstance(error, sqlite3.OperationalError) and any(s in str(error) for s in ("full", "disk I/O")):
                raise JournalFull(f"{path} cannot hold a copy ({error}): make room, or name another --out") from error
            raise JournalError(f"{parent / JOURNAL} cannot be copied ({error})") from error


def _copied(db: sqlite3.Connection, parent: Path, texts: Sequence[FreeText], end: int, *, asked_only: bool) -> int:
    db.execute("PRAGMA synchronous=FULL")
    db.executescript(schema.TABLES + schema.BEFORE)
    db.execute("INSERT INTO meta VALUES ('version', ?)", (str(schema.VERSION),))
    db.execute("ATTACH ? AS parent", (untouched(parent),))
    db.execute("BEGIN IMMEDIATE")
    asked = "" if not asked_only else " AND id IN (SELECT cell FROM parent.records)"
    db.execute(f"INSERT INTO cells SELECT * FROM parent.cells WHERE id < ?{asked}", (end,))
    db.execute("INSERT INTO cases SELECT * FROM parent.cases WHERE id IN (SELECT case_ref FROM cells)")
    # Every call, also of a cell that is left out: at temperature 0 another may have used its answer.
    db.execute("INSERT INTO calls SELECT * FROM parent.calls")
    db.execute(
        "INSERT INTO decisions SELECT * FROM parent.decisions" + (" WHERE scope <> 'stop'" if asked_only else "")
    )
    db.execute("INSERT INTO before SELECT * FROM parent.latest WHERE cell < ?", (end,))
    db.execute("INSERT INTO records SELECT * FROM before WHERE outcome = 'error'")
    for text in texts:
        db.execute(
            f"UPDATE cells SET judge = ? WHERE case_ref IN (SELECT s.id FROM cases s WHERE {text.where})",
            (text.judge, *text.values),
        )
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM calls").fetchone()
    (cells,) = db.execute("SELECT count(*) FROM cells").fetchone()
    db.execute("INSERT INTO meta VALUES (?, ?)", (schema.COPIED, str(last)))
    db.execute("INSERT INTO meta VALUES ('planned', '1')")
    db.execute("COMMIT")
    db.execute("DETACH parent")
    return int(cells)
