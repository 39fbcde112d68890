"""What the list shows, as an address says it: filters, search, order, place. Every state has an address, and the same one."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

import msgspec
import numpy as np
from numpy.typing import NDArray

from tocsin.web.columns import COUNTED, FLAGS, Mask, View
from tocsin.web.index import Index

RUN = "run"
FLAG = "flag"
FACETS = {
    RUN: "Run",
    "outcome": "Outcome",
    "refused": "Refused",
    FLAG: "Flags",
    "model": "Model",
    "evaluation": "Evaluation",
    "benchmark": "Benchmark",
    "attack": "Attack",
    "language": "Language",
    "hazard": "Hazard",
    "reason": "Why unscored",
    "error": "Kind of error",
    "judge": "Judge",
    "wanted": "Safe answer",
    "repeat": "Repeat",
    "attempt": "Attempt",
}
"""Filter → its title. Values of one are alternatives, but flags, which are all to be there."""
RANGES = {
    "score": "Score",
    "cost": "Cost, $",
    "tokens": "Tokens",
    "latency": "Latency, s",
    "calls": "Calls",
    "asked": "Prompt, characters",
    "answered": "Answer, characters",
}
ORDERS = {
    "latest": "latest first",
    "first": "earliest first",
    **{
        key: title
        for name, said in RANGES.items()
        for key, title in ((f"{name}-down", f"{said}: high first"), (name, f"{said}: low first"))
    },
}
_MOST_VALUES = 64
_MOST_TEXT = 400


class Place(msgspec.Struct, frozen=True):
    """Where a page begins: behind a record, which is named by what it is sorted by, its run and its row."""

    value: float
    run: int
    row: int

    def __str__(self) -> str:
        return f"{self.value!r}~{self.run}~{self.row}"

    @classmethod
    def read(cls, text: str) -> Place | None:
        """A place as an address has it; None for one that cannot be read."""
        parts = text.split("~")
        try:
            value, run, row = float(parts[0]), int(parts[1]), int(parts[2])
        except (ValueError, IndexError):
            return None
        if math.isnan(value) or abs(run) > 2**31 or abs(row) > 2**31:
            return None
        return cls(value, run, row)


class Filters(msgspec.Struct, frozen=True, kw_only=True):
    """What the list shows.

    Attributes:
        values: Filter → its values.
        ranges: Measure → lowest and highest, either None.
        search: What is searched for, as it was typed.
        where: The column of the full text to look in; any if empty.
        order: A key of `ORDERS`.
        after: Where the page begins; None for the first.
    """

    values: Mapping[str, tuple[str, ...]] = {}
    ranges: Mapping[str, tuple[float | None, float | None]] = {}
    search: str = ""
    where: str = ""
    order: str = "latest"
    after: Place | None = None

    def pairs(self, *, place: bool = True) -> list[tuple[str, str]]:
        """The fields of its address, in one order."""
        found = [(name, value) for name in FACETS for value in sorted(self.values.get(name, ()))]
        for name in RANGES:
            low, high = self.ranges.get(name, (None, None))
            found += [(f"{name}_from", _number(low))] if low is not None else []
            found += [(f"{name}_to", _number(high))] if high is not None else []
        found += [("q", self.search)] if self.search else []
        found += [("in", self.where)] if self.where else []
        found += [("sort", self.order)] if self.order != "latest" else []
        return found + ([("after", str(self.after))] if place and self.after is not None else [])

    def address(self, path: str = "/", *, place: bool = True) -> str:
        """Its address."""
        pairs = [(name, value.encode("utf-8", "replace").decode()) for name, value in self.pairs(place=place)]
        return f"{path}?{urlencode(pairs)}" if pairs else path

    def toggled(self, name: str, value: str) -> Filters:
        """The same with a value added, or taken away if it is there; from the first page."""
        before = self.values.get(name, ())
        after = tuple(v for v in before if v != value) if value in before else (*before, value)
        values = {**self.values, name: after} if after else {k: v for k, v in self.values.items() if k != name}
        return msgspec.structs.replace(self, values=values, after=None)

    def without(self, name: str) -> Filters:
        """The same without a filter, a range, or the search (``q``); from the first page."""
        if name == "q":
            return msgspec.structs.replace(self, search="", where="", after=None)
        values = {k: v for k, v in self.values.items() if k != name}
        ranges = {k: v for k, v in self.ranges.items() if k != name}
        return msgspec.structs.replace(self, values=values, ranges=ranges, after=None)

    def at(self, place: Place | None) -> Filters:
        """The same at another place."""
        return msgspec.structs.replace(self, after=place)

    @property
    def any(self) -> bool:
        """Whether anything is left out."""
        return bool(self.values or self.ranges or self.search)


def read(pairs: Iterable[tuple[str, str]]) -> Filters:
    """Filters as an address has them. What is unknown or cannot be read is passed over."""
    values: dict[str, tuple[str, ...]] = {}
    ends: dict[str, list[float | None]] = {}
    plain: dict[str, str] = {}
    for name, value in pairs:
        measure, _, end = name.rpartition("_")
        if name in FACETS and len(values.get(name, ())) < _MOST_VALUES:
            values[name] = tuple(dict.fromkeys((*values.get(name, ()), value)))
        elif measure in RANGES and end in ("from", "to") and (number := _read(value)) is not None:
            ends.setdefault(measure, [None, None])[end == "to"] = number
        elif name in ("q", "in", "sort", "after"):
            plain[name] = value
    where, order = plain.get("in", ""), plain.get("sort", "")
    return Filters(
        values=values,
        ranges={name: (low, high) for name, (low, high) in ends.items()},
        search=plain.get("q", "").strip()[:_MOST_TEXT],
        where=where if where in ("asked", "answered", "judged") else "",
        order=order if order in ORDERS else "latest",
        after=Place.read(plain["after"]) if plain.get("after") else None,
    )


def masks(filters: Filters, index: Index, view: View) -> dict[str, Mask]:
    """For each filter that is set which rows of a run it leaves, and under an empty name which are there at all.

    The search is not among them.
    """
    found = {"": view.current}
    for name, values in filters.values.items():
        if name == RUN:
            keep = np.full(view.count, index.run.key in values)
        elif name == FLAG:
            bits = sum(1 << FLAGS.index(value) for value in values if value in FLAGS)
            keep = (view["flags"] & np.uint8(bits)) == bits
        elif name in COUNTED:
            keep = np.isin(view[name], [number for value in values if (number := small(value)) is not None])
        else:
            numbers = [index.columns.codes[name].find(value) for value in values]
            keep = np.zeros(view.count, np.bool_)
            for number in numbers:
                if number is not None:
                    keep |= view[name] == number
        found[name] = keep
    for name, (low, high) in filters.ranges.items():
        column = view[name]
        keep = column >= 0  # neither NaN nor the mark for what is not known
        if low is not None:
            keep &= column >= low
        if high is not None:
            keep &= column <= high
        found[name] = keep
    return found


def keys(order: str, view: View, rows: NDArray[np.int32]) -> NDArray[np.float64]:
    """What rows are sorted by, ascending. What is not known comes last."""
    if order == "latest":
        return -rows.astype(np.float64)
    if order == "first":
        return rows.astype(np.float64)
    name, _, down = order.partition("-")
    values = view[name][rows].astype(np.float64)
    unknown = ~(values >= 0)
    values = -values if down else values
    values[unknown] = np.inf
    return values


def small(text: str) -> int | None:
    """A number that a column of small ones may hold; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 8 else None


def _read(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _number(value: float | None) -> str:
    return f"{value:g}" if value is not None and float(f"{value:g}") == value else repr(value)
