"""The index of one run, which grows with its journal: first the columns, then the full text.

A journal says nowhere which records are new: they are named by cell and attempt. Three ways lead to them: cells beyond the
last one that was looked at; cells of calls that are new; and a round over all records, a window at a time, for what those two
missed (an attempt that needed no call of its own).
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from tocsin.web.columns import Mask, View
from tocsin.web.reading import columns_of, in_pieces, texts_of
from tocsin.web.runs import OpenRun
from tocsin.web.sidecar import Sidecar

_BATCH = 500
"""Cells of one commit."""
_CALLS = 20_000
_WINDOW = 10_000
"""Cells of the round over all records that are looked at in one step."""
_PATIENCE = 60
"""Steps for which a cell that made a call is looked at again."""
_SEARCHES = 32
"""Searches whose matches are remembered."""


class Index:
    """The index of one run.

    Args:
        run: The run.
        anew: Whether what was kept of it is thrown away.
    """

    def __init__(self, run: OpenRun, *, anew: bool = False) -> None:
        self.run = run
        manifest = run.manifest
        identity = f"{manifest['run']}\0{manifest.get('created')}"
        with run.journal() as journal:
            (self.planned,) = journal.execute("SELECT count(*) FROM cells").fetchone()
            (last,) = journal.execute("SELECT coalesce(max(id), 0) FROM calls").fetchone()
        self._sidecar = Sidecar(run.folder, identity, anew=anew)
        if self._sidecar.meta("calls") > last:  # the journal is another than the one that was read
            self._sidecar.close()
            self._sidecar = Sidecar(run.folder, identity, anew=True)
        self.columns = self._sidecar.load()
        self._kept = {name: len(codes.texts) for name, codes in self.columns.codes.items()}
        self.text = min(self._sidecar.meta("text"), self.columns.count)
        """Rows that can be searched."""
        self._frontier = self._sidecar.meta("frontier")
        self._round = 0
        self._pending: dict[int, int] = {}
        self._growing = threading.Lock()
        self._totals: dict[str, tuple[int, NDArray[np.int64]]] = {}
        self._matches: OrderedDict[tuple[str, int], Mask] = OrderedDict()

    @property
    def version(self) -> tuple[int, int]:
        """What changes when a page may."""
        return self.columns.count, self.text

    @property
    def current(self) -> int:
        """Cells that have a record."""
        return int(np.count_nonzero(self.columns.view().current))

    @property
    def done(self) -> bool:
        """Whether all that was found can be searched."""
        return self.text >= self.columns.count

    def grow(self, seconds: float = 0.25) -> bool:
        """Reads on in the journal for some time.

        Returns:
            Whether there is more to do at once.

        Raises:
            JournalError, sqlite3.Error: It cannot be read.
        """
        with self._growing, self.run.journal() as journal:
            end = time.monotonic() + seconds
            more = self._calls(journal, end) or self._cells(journal, end)
            if not more:
                self._missed(journal)
                more = self._texts(journal, end)
            return more

    # -- columns -------------------------------------------------------------------------------------------------------

    def _calls(self, journal: sqlite3.Connection, end: float) -> bool:
        """Notes which cell made which call, and that these cells may have a new record."""
        db = self._sidecar.db
        while time.monotonic() < end:
            last = self._sidecar.meta("calls")
            rows = journal.execute(
                "SELECT id, cell FROM calls WHERE id > ? ORDER BY id LIMIT ?", (last, _CALLS)
            ).fetchall()
            if not rows:
                return False
            db.execute("BEGIN")
            db.executemany(
                "INSERT OR IGNORE INTO calls VALUES (?, ?)", [(cell, call) for call, cell in rows if cell is not None]
            )
            self._sidecar.keep(calls=rows[-1][0])
            db.execute("COMMIT")
            for _, cell in rows:
                if cell is not None and cell <= self._frontier:
                    self._pending[cell] = _PATIENCE
        return True

    def _cells(self, journal: sqlite3.Connection, end: float) -> bool:
        """Takes the records beyond the last cell that was looked at, then those of cells that made a call since."""
        while time.monotonic() < end:
            found = journal.execute(
                "SELECT DISTINCT cell FROM records WHERE cell > ? ORDER BY cell LIMIT ?", (self._frontier, _BATCH)
            ).fetchall()
            if not found:
                break
            cells = [cell for (cell,) in found]
            passed = (
                set(range(self._frontier + 1, cells[-1])) - set(cells) if cells[-1] - self._frontier < 10**5 else set()
            )
            self._pending |= dict.fromkeys(passed, _PATIENCE)
            self._frontier = cells[-1]
            self._take(journal, cells)
        else:
            return True
        self._take(journal, self._newer(journal, sorted(self._pending)))
        self._pending = {cell: left - 1 for cell, left in self._pending.items() if left > 1}
        return False

    def _missed(self, journal: sqlite3.Connection) -> None:
        """One window of the round over all records."""
        start = self._round
        rows = journal.execute(
            "SELECT cell, max(attempt) FROM records WHERE cell > ? AND cell <= ? GROUP BY cell",
            (start, start + _WINDOW),
        ).fetchall()
        self._take(journal, self._later(rows))
        self._round = start + _WINDOW if start + _WINDOW < self._frontier else 0

    def _newer(self, journal: sqlite3.Connection, cells: list[int]) -> list[int]:
        """Those of some cells whose latest attempt is not in the columns."""
        found: list[int] = []
        for marks, piece in in_pieces(cells):
            query = f"SELECT cell, max(attempt) FROM records WHERE cell IN ({marks}) GROUP BY cell"
            found += self._later(journal.execute(query, piece).fetchall())
        return found

    def _later(self, attempts: list[tuple[int, int]]) -> list[int]:
        """The cells whose attempt is later than the one that the columns have."""
        if not attempts:
            return []
        there = np.array(attempts, np.int64)
        later: list[int] = there[self.columns.attempts(there[:, 0]) < there[:, 1], 0].tolist()
        return later

    def _take(self, journal: sqlite3.Connection, cells: list[int]) -> None:
        db = self._sidecar.db
        for start in range(0, len(cells), _BATCH):
            piece = cells[start : start + _BATCH]
            rows = columns_of(journal, db, piece, self.columns.codes, self.run.targets)
            db.execute("BEGIN")
            self._sidecar.add(self.columns, rows, self._kept)
            self._sidecar.keep(frontier=self._frontier)
            db.execute("COMMIT")
            self.columns.add(rows)

    # -- full text -----------------------------------------------------------------------------------------------------

    def _texts(self, journal: sqlite3.Connection, end: float) -> bool:
        db = self._sidecar.db
        while self.text < self.columns.count:
            if time.monotonic() > end:
                return True
            view = self.columns.view()
            rows = range(self.text, min(self.text + _BATCH, view.count))
            cells = view["cell"][rows.start : rows.stop].tolist()
            texts = texts_of(journal, db, list(dict.fromkeys(cells)))
            db.execute("BEGIN")
            self._sidecar.add_words(
                (row + 1, *texts[cell]) for row, cell in zip(rows, cells, strict=True) if view.current[row]
            )
            self._sidecar.keep(text=rows.stop)
            db.execute("COMMIT")
            self.text = rows.stop
        return False

    def totals(self, name: str, view: View) -> NDArray[np.int64]:
        """How often each code stands in a column, superseded rows included."""
        known = self._totals.get(name)
        if known is None or known[0] != view.count:
            known = self._totals[name] = view.count, np.bincount(view[name])
        return known[1]

    def matches(self, match: str, view: View) -> Mask:
        """Which rows a query of the full text finds.

        Raises:
            sqlite3.OperationalError: SQLite cannot read the query.
        """
        key = (match, self.text)
        mask = self._matches.get(key)
        if mask is None:
            mask = np.zeros(self.text, np.bool_)
            with self.sidecar() as db:
                (found,) = db.execute("SELECT group_concat(rowid) FROM words WHERE words MATCH ?", (match,)).fetchone()
            if found:
                rows = (
                    np.array(found.split(","), np.int64)
                    if len(found) < 1000
                    else np.fromstring(found, np.int64, sep=",")
                )
                mask[rows[rows <= len(mask)] - 1] = True
            self._matches[key] = mask
            while len(self._matches) > _SEARCHES:
                self._matches.popitem(last=False)
        whole = np.zeros(view.count, np.bool_)
        size = min(len(mask), view.count)
        whole[:size] = mask[:size]
        return whole

    # -- reading -------------------------------------------------------------------------------------------------------

    @contextmanager
    def sidecar(self) -> Iterator[sqlite3.Connection]:
        """A connection that reads the sidecar, for the thread that asks."""
        db = self._sidecar.reader()
        try:
            yield db
        finally:
            db.close()

    def calls(self, cell: int) -> list[int]:
        """The calls that a cell made, in their order, as far as the journal was read."""
        with self.sidecar() as db:
            return [n for (n,) in db.execute("SELECT call FROM calls WHERE cell = ? ORDER BY call", (cell,))]

    def cells_with(self, column: str, text: str) -> NDArray[np.int64]:
        """The cells whose row has a text in a column."""
        number = self.columns.codes[column].find(text)
        view = self.columns.view()
        if number is None:
            return np.zeros(0, np.int64)
        found: NDArray[np.int64] = view["cell"][view.current & (view[column] == number)].astype(np.int64)
        return found

    def close(self) -> None:
        """Closes the sidecar."""
        with self._growing:
            self._sidecar.close()
