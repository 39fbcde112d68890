"""What a record can be filtered and sorted by, as arrays: a million records are some 80 MB, and any filter a few milliseconds.

A row stands for one cell's latest attempt. Rows are numbered in the order in which they were found; when a cell gets another
attempt, its row is superseded and a new one comes at the end. Texts (hazards, names) are codes into a list of each column.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]

CODED = (
    *("model", "evaluation", "benchmark", "attack", "language", "hazard", "outcome", "refused"),
    *("reason", "error", "judge", "wanted"),
)
"""Columns whose values are texts."""
COUNTED = ("repeat", "attempt")
"""Columns whose values are small numbers that are filtered one by one."""
FLAGS = ("blocked", "truncated", "invalid", "controversial")
"""Bits of the column ``flags``, the first the lowest."""
MEASURED = ("score", "cost", "tokens", "latency", "calls", "asked", "answered")
"""Columns that are filtered by a range and sorted by. What is not known is NaN, or negative where it is a count."""
MOST_CELL = 50_000_000
"""The last cell that is looked at: a journal that numbers its cells otherwise is none of ours."""
MOST_CODES = 65_000
"""Values of one column that are told apart; what comes after shares one code."""
OTHERS = "(others)"

ROW = np.dtype(
    [
        ("cell", "<i4"),
        ("flags", "u1"),
        ("repeat", "<u2"),
        ("attempt", "<u2"),
        *((name, "<u2") for name in CODED),
        ("score", "<f4"),
        ("cost", "<f4"),
        ("latency", "<f4"),
        ("tokens", "<i4"),
        ("calls", "<i4"),
        ("asked", "<i4"),
        ("answered", "<i4"),
    ]
)
"""One row as the sidecar keeps it. ``asked`` and ``answered`` are characters; ``latency`` is seconds."""


class Codes:
    """Texts of one column, each with its number."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self.texts = list(texts)
        self._numbers = {text: number for number, text in enumerate(self.texts)}

    def of(self, text: str) -> int:
        """The number of a text, which it gets if it has none."""
        number = self._numbers.get(text)
        if number is None:
            if len(self.texts) > MOST_CODES:
                return MOST_CODES
            text = text if len(self.texts) < MOST_CODES else OTHERS
            number = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return number

    def find(self, text: str) -> int | None:
        """The number of a text; None if no row has it."""
        return self._numbers.get(text)


class View:
    """The columns at one moment. Later rows are not in it."""

    def __init__(self, arrays: dict[str, NDArray[Any]], current: Mask, count: int) -> None:
        self.arrays = arrays
        self.current = current
        """Which rows are a cell's latest."""
        self.count = count
        """Rows, superseded ones included."""

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.arrays[name]


class Columns:
    """The columns of one run. One thread adds to them, any number look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._arrays = {name: np.zeros(1024, ROW[name]) for name in ROW.names or ()}
        self._current: Mask = np.zeros(1024, np.bool_)
        self._row_of: NDArray[np.int32] = np.full(1024, -1, np.int32)
        self.codes = {name: Codes() for name in CODED}

    @property
    def count(self) -> int:
        """Rows, superseded ones included."""
        return self._count

    def add(self, rows: NDArray[np.void]) -> None:
        """Adds rows at the end; earlier rows of the same cells are superseded."""
        with self._lock:
            start, end = self._count, self._count + len(rows)
            if end > len(self._current):
                size = max(end, 2 * len(self._current))
                self._arrays = {name: _grown(array, size) for name, array in self._arrays.items()}
                self._current = _grown(self._current, size)
            for name, array in self._arrays.items():
                array[start:end] = rows[name]
            cells = rows["cell"]
            if len(cells) and (top := int(cells.max())) >= len(self._row_of):
                self._row_of = _grown(self._row_of, max(top + 1, 2 * len(self._row_of)), -1)
            before = self._row_of[cells]
            self._current[before[before >= 0]] = False
            self._row_of[cells] = np.arange(start, end)
            self._current[start:end] = self._row_of[cells] == np.arange(start, end)
            self._count = end

    def view(self) -> View:
        """What is there now."""
        with self._lock:
            count = self._count
            return View({name: array[:count] for name, array in self._arrays.items()}, self._current[:count], count)

    def row_of(self, cell: int) -> int:
        """The row of a cell; -1 if it has none."""
        return int(self._row_of[cell]) if 0 <= cell < len(self._row_of) else -1

    def attempts(self, cells: NDArray[np.int64]) -> NDArray[np.int32]:
        """The attempt that each cell's row has; -1 where it has none."""
        known = cells < len(self._row_of)
        rows = np.where(known, self._row_of[np.where(known, cells, 0)], -1)
        return np.where(rows >= 0, self._arrays["attempt"][np.maximum(rows, 0)].astype(np.int32), -1).astype(np.int32)


def _grown(array: NDArray[Any], size: int, fill: int = 0) -> NDArray[Any]:
    larger = np.full(size, fill, array.dtype)
    larger[: len(array)] = array
    return larger
