"""The file beside no run: what the viewer read out of a journal, so that it need not read it again.

It stands in the cache folder (``TOCSIN_CACHE``, else the platform's), readable by its owner alone, since the full text lets
much of prompts and answers be pieced together. It is no part of a run: removing it costs the time to make it anew.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tocsin.datasets.fetch import cache_folder
from tocsin.web.columns import CODED, ROW, Columns

VERSION = "1"
_BLOCK = 4096
"""Rows of one block. The last one is written anew when rows come."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS codes (
    name TEXT NOT NULL, number INTEGER NOT NULL, text TEXT NOT NULL, PRIMARY KEY (name, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (number INTEGER PRIMARY KEY, body BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS calls (cell INTEGER NOT NULL, call INTEGER NOT NULL, PRIMARY KEY (cell, call)) WITHOUT ROWID;
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    asked, answered, judged, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2'
);
"""
_HASH_BYTES = 32 * 2**20
"""Of the full text, gathered before it is written: fewer, larger pieces."""


def folder() -> Path:
    """Where the files are."""
    return cache_folder().parent / "viewer"


_HELD = "held.lock"
"""In the folder of a viewer's own index: locked for as long as that viewer lives."""


class Sidecar:
    """The file of one run. It is held by one viewer at a time; another one makes one of its own, which ends with it.

    Args:
        run: The run's folder.
        identity: What names the journal: a run made anew in the same folder is another.
        anew: Whether what is there is thrown away.
    """

    def __init__(self, run: Path, identity: str, *, anew: bool = False) -> None:
        place = folder()
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = hashlib.sha256(f"{run}\0{identity}".encode("utf-8", "surrogatepass")).hexdigest()[:24]
        self.path = place / f"{name}.sqlite"
        self._passing: tempfile.TemporaryDirectory[str] | None = None
        self._lock = os.open(place / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._passing = tempfile.TemporaryDirectory(prefix="passing-", dir=place)
            self.path = Path(self._passing.name) / "index.sqlite"
            os.close(self._lock)
            self._lock = os.open(Path(self._passing.name) / _HELD, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        if anew:
            remove(self.path)
        try:
            self.db = self._opened(run)
        except sqlite3.DatabaseError:
            remove(self.path)
            self.db = self._opened(run)

    def _opened(self, run: Path) -> sqlite3.Connection:
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")
            db.execute("PRAGMA cache_size=-16000")
            db.executescript(_SCHEMA)
            known = dict(db.execute("SELECT key, value FROM meta"))
            if known and known.get("version") != VERSION:
                raise sqlite3.DatabaseError("another version")
            db.execute("INSERT OR REPLACE INTO meta VALUES ('version', ?), ('run', ?)", (VERSION, str(run)))
            db.execute("INSERT INTO words (words, rank) VALUES ('hashsize', ?)", (_HASH_BYTES,))
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def reader(self) -> sqlite3.Connection:
        """A connection that only reads, for the thread that asks."""
        db = sqlite3.connect(self.path, isolation_level=None)
        db.execute("PRAGMA query_only=ON")
        db.execute("PRAGMA cache_size=-16000")
        return db

    def meta(self, key: str) -> int:
        """A number that was kept; 0 if none was."""
        row = self.db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return int(row[0]) if row else 0

    def keep(self, **numbers: int) -> None:
        """Keeps numbers."""
        rows = [(key, str(value)) for key, value in numbers.items()]
        self.db.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", rows)

    def load(self) -> Columns:
        """The columns that are kept."""
        columns = Columns()
        for name in CODED:
            rows = self.db.execute("SELECT text FROM codes WHERE name = ? ORDER BY number", (name,))
            for (text,) in rows:
                columns.codes[name].of(text)
        for (body,) in self.db.execute("SELECT body FROM blocks ORDER BY number"):
            columns.add(np.frombuffer(body, ROW))
        return columns

    def add(self, columns: Columns, rows: NDArray[np.void], known: dict[str, int]) -> None:
        """Keeps rows that come at the end of the columns, and the codes that came with them.

        Args:
            columns: The columns before the rows are added to them.
            rows: The rows.
            known: Column → how many codes of it are kept; it is brought up to date.
        """
        start = columns.count
        number, into = divmod(start, _BLOCK)
        body = b""
        if into:
            (body,) = self.db.execute("SELECT body FROM blocks WHERE number = ?", (number,)).fetchone()
            body = body[: into * ROW.itemsize]
        body += rows.tobytes()
        size = _BLOCK * ROW.itemsize
        pieces = [(number + n, body[n * size : (n + 1) * size]) for n in range((len(body) + size - 1) // size)]
        self.db.executemany("INSERT OR REPLACE INTO blocks VALUES (?, ?)", pieces)
        for name, codes in columns.codes.items():
            fresh = list(enumerate(codes.texts))[known.get(name, 0) :]
            values = [(name, n, text.encode("utf-8", "replace").decode()) for n, text in fresh]
            self.db.executemany("INSERT OR REPLACE INTO codes VALUES (?, ?, ?)", values)
            known[name] = len(codes.texts)

    def add_words(self, rows: Iterable[tuple[int, str, str, str]]) -> None:
        """Makes texts of rows searchable."""
        self.db.executemany("INSERT INTO words (rowid, asked, answered, judged) VALUES (?, ?, ?, ?)", rows)

    def close(self) -> None:
        """Closes the file; one that was made for this viewer alone is removed."""
        with contextlib.suppress(sqlite3.Error):
            self.db.close()
        if self._passing is not None:
            self._passing.cleanup()
        os.close(self._lock)


def remove(path: Path) -> None:
    """Removes a file and what SQLite keeps beside it."""
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def clean_up() -> int:
    """Removes the files of runs that are no more, and what killed viewers left; returns how many those were."""
    gone = 0
    for left in folder().glob("passing-*"):
        with contextlib.suppress(
            OSError
        ):  # one without its lock was not yet made whole, or somebody else is removing it
            lock = os.open(left / _HELD, os.O_RDWR | os.O_CLOEXEC)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left)
                gone += 1
            finally:
                os.close(lock)
    for path in folder().glob("*.sqlite"):
        with contextlib.suppress(sqlite3.Error, OSError):
            db: Any = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
            try:
                row = db.execute("SELECT value FROM meta WHERE key = 'run'").fetchone()
            finally:
                db.close()
            if row and not Path(row[0]).exists():
                remove(path)
                path.with_suffix(".lock").unlink(missing_ok=True)
                gone += 1
    return gone
