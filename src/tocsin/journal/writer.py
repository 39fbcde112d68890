"""The one writer: rows are gathered for a few milliseconds and committed together, and each caller waits for its commit.

`synchronous=FULL` makes every commit reach the disk; gathering makes that affordable. The connection lives in a thread
of its own, so that a slow disk holds up nobody's event loop.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tocsin.journal import schema
from tocsin.journal.errors import JournalError, JournalFull, readable
from tocsin.journal.folder import JOURNAL

GATHER_SECONDS = 0.004
_TABLES = (
    schema.INSERT_CALL,
    schema.INSERT_RECORD,
    schema.INSERT_REASONING,
    schema.INSERT_TRANSLATED,
    schema.INSERT_TONGUE,
    schema.INSERT_READING,
    schema.INSERT_DECISION,
)


class Writer:
    """Commits rows in the order they were given. Every row of one commit reaches the disk, or none does."""

    def __init__(self, path: Path) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._rows: dict[str, list[tuple[Any, ...]]] = {table: [] for table in _TABLES}
        self._waiters: list[asyncio.Future[None]] = []
        self._committing = False
        self._scheduled = False
        self.failed: JournalError | None = None
        """Set once a commit has failed; every later one fails with it."""

    async def add(self, table: str, row: tuple[Any, ...]) -> None:
        """Returns when the row is on the disk.

        Raises:
            JournalFull: It could not be written.
        """
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[None] = loop.create_future()
        self._waiters.append(waiter)
        self._put(loop, table, row)
        await waiter

    def put(self, table: str, row: tuple[Any, ...]) -> None:
        """Adds a row to the next commit without waiting for it. Commits keep their order."""
        self._put(asyncio.get_running_loop(), table, row)

    async def flush(self) -> None:
        """Returns when everything given so far is on the disk."""
        while self.failed is None and (self._committing or any(self._rows.values())):
            if not self._committing:
                self._begin(asyncio.get_running_loop())
            await asyncio.sleep(0.001)
        if self.failed is not None:
            raise self.failed

    async def close(self) -> None:
        """Commits what is left and closes the connection; the write-ahead log is folded into the file."""
        try:
            await self.flush()
        finally:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
            self._thread.shutdown()

    def _put(self, loop: asyncio.AbstractEventLoop, table: str, row: tuple[Any, ...]) -> None:
        if self.failed is not None:
            raise self.failed
        self._rows[table].append(row)
        if not self._scheduled and not self._committing:
            self._scheduled = True
            loop.call_later(GATHER_SECONDS, self._begin, loop)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._scheduled = False
        if self._committing or not (any(self._rows.values()) or self._waiters):
            return
        rows, self._rows = self._rows, {table: [] for table in _TABLES}
        waiters, self._waiters = self._waiters, []
        self._committing = True
        done = loop.run_in_executor(self._thread, self._commit, rows)
        done.add_done_callback(lambda future: self._end(loop, future, waiters))

    def _end(
        self, loop: asyncio.AbstractEventLoop, commit: asyncio.Future[None], waiters: list[asyncio.Future[None]]
    ) -> None:
        self._committing = False
        error = None if commit.cancelled() else commit.exception()
        if error is not None:
            self.failed = _named(error, self._path)
            waiters += self._waiters
            self._waiters = []
        for waiter in waiters:
            if waiter.done():
                continue
            if self.failed is None:
                waiter.set_result(None)
            else:
                waiter.set_exception(self.failed)
        if self.failed is None and any(self._rows.values()) and not self._scheduled:
            self._scheduled = True
            loop.call_later(GATHER_SECONDS, self._begin, loop)

    def _commit(self, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        connection = self._connection
        if connection is None:
            connection = self._connection = connect(self._path)
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement, many in rows.items():
                _insert(connection, statement, many)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _insert(connection: sqlite3.Connection, statement: str, rows: list[tuple[Any, ...]]) -> None:
    """Inserts many rows with few statements.

    SQLite's module gives the interpreter's lock up and takes it again for every statement it steps. With one statement a
    row, the writer queues for the lock behind the event loop at every row; with these it does so a few times a commit.
    """
    head, _, marks = statement.rpartition("VALUES ")
    start = 0
    for size in (128, 32, 8, 2, 1):
        text = f"{head}VALUES {','.join([marks] * size)}"
        while len(rows) - start >= size:
            connection.execute(text, [value for row in rows[start : start + size] for value in row])
            start += size


def connect(path: Path, *, read_only: bool = False) -> sqlite3.Connection:
    """A connection to a journal, in autocommit mode.

    Raises:
        sqlite3.Error: The file is not a database, or cannot be opened.
    """
    if read_only and not os.access(path.parent, os.W_OK):
        # Without the right to write beside it, the journal is read as it is; nobody else can be writing either.
        connection = sqlite3.connect(untouched(path), uri=True, isolation_level=None)
    elif read_only:
        connection = sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=rw", uri=True, isolation_level=None)
        connection.execute("PRAGMA query_only=ON")
    else:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA cache_size=-4000")
    return connection


def untouched(path: Path) -> str:
    """A URI under which SQLite reads a journal that nobody writes, and changes no byte of it.

    A write-ahead log that a killed process left must be read with it, and ``immutable=1`` would pass it over.
    """
    log = path.with_name(f"{path.name}-wal")
    how = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
    return f"file:{quote(str(path.resolve()))}?{how}"


def has_readings(db: sqlite3.Connection) -> bool:
    """Whether a journal says what judges read where it was not the answer: those of earlier versions do not."""
    return db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'readings'").fetchone() is not None


def open_journal(folder: Path) -> sqlite3.Connection:
    """A connection that reads the journal of a run folder.

    Raises:
        JournalError: There is none, or it is no journal.
    """
    path = folder / JOURNAL
    if not path.is_file():
        raise JournalError(f"{path} is missing: nothing can be said of the run without its journal")
    with readable(path):
        db = connect(path, read_only=True)
        db.execute("SELECT 1 FROM records LIMIT 1").fetchone()
    return db


def _named(error: BaseException, path: Path) -> JournalError:
    if isinstance(error, sqlite3.OperationalError) and any(
        word in str(error) for word in ("full", "disk I/O", "readonly", "unable to open")
    ):
        return JournalFull(f"{path} cannot be written any more ({error}): make room, then go on with --resume")
    return JournalError(f"{path}: a commit failed ({type(error).__name__}: {error})")
