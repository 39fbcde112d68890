"""One page of the list over several runs: its records, how many there are, and the counts beside every filter. All exact."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from tocsin.web import words_index
from tocsin.web.columns import FLAGS, Mask, View
from tocsin.web.filters import FACETS, FLAG, RUN, Filters, Place, keys, masks
from tocsin.web.index import Index

PAGE = 50
_REMEMBERED = 64
"""Filters whose counts are remembered, for as long as nothing new comes …"""
_ROWS = 8_000_000
"""… and as long as these are the rows of all of them; four bytes each."""

Rows = NDArray[np.int32]


class Hit(msgspec.Struct, frozen=True):
    """A record of a page."""

    run: int
    """Place of its run among those that are open."""
    row: int
    place: Place


class Listed(msgspec.Struct, frozen=True):
    """A page of the list.

    Attributes:
        hits: Its records, in order.
        before: How many come before them.
        total: How many the filters leave.
        every: How many there are.
        next: Where the next page begins; None if this is the last.
        facets: Filter → value → how many records of that value the other filters leave.
        problem: Why nothing is searched for, although something was typed.
    """

    hits: list[Hit]
    before: int
    total: int
    every: int
    next: Place | None
    facets: Mapping[str, Mapping[str, int]]
    problem: str = ""


class Counted(msgspec.Struct, frozen=True):
    """What the filters leave of one run."""

    view: View
    rows: Rows
    facets: Mapping[str, Mapping[str, int]]


class Lists:
    """Makes pages, and remembers what was counted for them.

    Args:
        indexes: The runs' indexes, in their order.
    """

    def __init__(self, indexes: Sequence[Index]) -> None:
        self.indexes = indexes
        self._known: OrderedDict[tuple[object, object], tuple[list[Counted], str]] = OrderedDict()

    @property
    def version(self) -> tuple[tuple[int, int], ...]:
        """What changes when a page may."""
        return tuple(index.version for index in self.indexes)

    def page(self, filters: Filters, *, most: int = PAGE) -> Listed:
        """A page of the list.

        Args:
            filters: What it shows.
            most: Records of the page at most.
        """
        counted, problem = self._counted(filters)
        facets: dict[str, dict[str, int]] = {name: {} for name in FACETS}
        for one in counted:
            for name, counts in one.facets.items():
                for value, count in counts.items():
                    facets[name][value] = facets[name].get(value, 0) + count
        by_run = filters.order in ("latest", "first")
        found: list[tuple[float, int, int]] = []
        left = 0
        for number, one in enumerate(counted):
            if by_run and filters.after is not None and number < filters.after.run:
                continue
            values = keys(filters.order, one.view, one.rows)
            rows = one.rows
            if (place := filters.after) is not None and not (by_run and number > place.run):
                keep = values > place.value
                if number >= place.run:
                    same = values == place.value
                    keep |= same & (rows > place.row) if number == place.run else same
                values, rows = values[keep], rows[keep]
            left += len(rows)
            if by_run and len(found) > most:
                continue
            found += [(value, number, row) for value, row in _least(values, rows, most + 1)]
        found.sort(key=(lambda one: (one[1], one[0])) if by_run else None)
        total = sum(len(one.rows) for one in counted)
        hits = [Hit(run, row, Place(value, run, row)) for value, run, row in found[:most]]
        return Listed(
            hits=hits,
            before=total - left,
            total=total,
            every=sum(int(np.count_nonzero(one.view.current)) for one in counted),
            next=hits[-1].place if len(found) > most else None,
            facets=facets,
            problem=problem,
        )

    def _counted(self, filters: Filters) -> tuple[list[Counted], str]:
        key = (self.version, tuple(filters.pairs(place=False)))
        if (known := self._known.get(key)) is not None:
            return known
        asked = words_index.asked(filters.search, filters.where)
        counted = [_count(filters, index, asked.match) for index in self.indexes]
        if self._known and next(iter(self._known))[0] != self.version:
            self._known.clear()
        self._known[key] = counted, asked.problem
        rows = sum(len(one.rows) for known, _ in self._known.values() for one in known)
        while len(self._known) > _REMEMBERED or (rows > _ROWS and len(self._known) > 1):
            dropped, _ = self._known.popitem(last=False)[1]
            rows -= sum(len(one.rows) for one in dropped)
        return counted, asked.problem


def _count(filters: Filters, index: Index, match: str) -> Counted:
    view = index.columns.view()
    found = masks(filters, index, view)
    if match:
        found["q"] = index.matches(match, view)
    whole = _all(found)
    facets = {}
    for name in FACETS:
        # Values of one filter are alternatives: beside them stands what the others leave.
        of = (
            _all({key: mask for key, mask in found.items() if key != name}) if name in found and name != FLAG else whole
        )
        facets[name] = _facet(name, index, view, of)
    return Counted(view, np.flatnonzero(whole).astype(np.int32), facets)


def _all(found: Mapping[str, Mask]) -> Mask:
    """The rows that every mask leaves."""
    whole: Mask = np.logical_and.reduce(list(found.values())) if len(found) > 1 else found[""]
    return whole


def _facet(name: str, index: Index, view: View, mask: Mask) -> dict[str, int]:
    """Value → how many of the rows have it."""
    if name == RUN:
        return {index.run.key: int(np.count_nonzero(mask))}
    if name == FLAG:
        counts = _counts(index, view, "flags", mask)
        numbers = np.arange(len(counts))
        return {flag: int(counts[numbers >> bit & 1 == 1].sum()) for bit, flag in enumerate(FLAGS)}
    counts = _counts(index, view, name, mask)
    codes = index.columns.codes.get(name)
    return {
        codes.texts[number] if codes is not None else str(number): int(counts[number])
        for number in np.flatnonzero(counts).tolist()
    }


def _counts(index: Index, view: View, name: str, mask: Mask) -> NDArray[np.int64]:
    """How often each code stands in the rows of a mask: those are counted, or where they are fewer, the others."""
    column = view[name]
    if 2 * np.count_nonzero(mask) < view.count:
        return np.bincount(column[np.flatnonzero(mask)])
    whole = index.totals(name, view)
    others = np.bincount(column[np.flatnonzero(~mask)], minlength=len(whole))
    return whole - others


def _least(values: NDArray[np.float64], rows: Rows, most: int) -> list[tuple[float, int]]:
    """The first rows by value, those of the same value by number."""
    if len(values) > most:
        limit = np.partition(values, most - 1)[most - 1]
        below = np.flatnonzero(values < limit)
        ties = np.flatnonzero(values == limit)[: most - len(below)]
        chosen = np.concatenate([below, ties])
        values, rows = values[chosen], rows[chosen]
    order = np.lexsort((rows, values))
    return [(float(values[n]), int(rows[n])) for n in order]
