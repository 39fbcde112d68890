"""The records of a group as columns: read from the journal once, counted as often as there are figures."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np

from tocsin.engine.stopping import Cluster
from tocsin.types import Outcome

if TYPE_CHECKING:
    import numpy.typing as npt

    Ints = npt.NDArray[np.int64]

SELECT = "s.hazard, s.language, s.cluster, s.id, r.outcome, r.judge <> '', r.reason, r.refused, r.blocked, r.truncated, r.invalid"
"""What a query over records has to give for `read`."""

OUTCOMES = tuple(outcome.value for outcome in Outcome)
_MEASURED = 2
"""Codes below it are of measured outcomes."""
_CHUNK = 50_000

Key = Literal["hazard", "language"]
Small = tuple[str, str, int | None, int, int, int]
"""Outcome, reason, refused, blocked, truncated, invalid."""


class _Codes(dict[Any, int]):
    """Number of everything that is looked up, in the order in which it came."""

    def __missing__(self, name: Any) -> int:
        self[name] = found = len(self)
        return found


class Columns(msgspec.Struct, frozen=True, kw_only=True):
    """The records of a group, shape ``(n,)`` each: codes into the lists beside them, sorted by name.

    Attributes:
        keys: For each of hazard and language its codes, and the names that they stand for.
        cluster: Codes of clusters.
        clusters: Their names.
        case: Row ids of cases.
        outcome: Codes into `OUTCOMES`.
        judged: Whether a judge gave the verdict.
        small: Codes into `smalls`.
        smalls: What the small counts are made of.
    """

    keys: Mapping[str, tuple[npt.NDArray[np.int32], list[str]]]
    cluster: npt.NDArray[np.int32]
    clusters: list[str]
    case: Ints
    outcome: npt.NDArray[np.int8]
    judged: npt.NDArray[np.bool_]
    small: npt.NDArray[np.int32]
    smalls: list[Small]

    def small_counts(self) -> list[tuple[dict[Key, str], tuple[Any, ...]]]:
        """Hazard and language → outcome, reason, refused, blocked, truncated, invalid and how many records have them."""
        (hazard, hazards), (language, languages) = self.keys["hazard"], self.keys["language"]
        shape = (len(hazards), len(languages), len(self.smalls))
        if not self.case.size:
            return []
        places, counts = np.unique(np.ravel_multi_index((hazard, language, self.small), shape), return_counts=True)
        return [
            ({"hazard": hazards[h], "language": languages[g]}, (*self.smalls[s], int(count)))
            for h, g, s, count in zip(*np.unravel_index(places, shape), counts, strict=True)
        ]

    def cases(self, by: Key | None) -> dict[str, int]:
        """Key → different cases among the measured records."""
        kept = self.outcome < _MEASURED
        codes, names = self._by(by)
        pairs = np.unique(np.stack([codes[kept].astype(np.int64), self.case[kept]]), axis=1)
        return {names[code]: int(count) for code, count in zip(*np.unique(pairs[0], return_counts=True), strict=True)}

    def by_cluster(self, by: Key | None, *, judged: bool = False) -> dict[str, tuple[list[str], Ints, Ints]]:
        """Key → clusters in the order of their names, and safe and measured records of each that has a measured one.

        Args:
            by: Hazard or language; under the empty key without it.
            judged: Only records whose verdict a judge gave.
        """
        kept = (self.outcome < _MEASURED) & (self.judged if judged else True)
        codes, names = self._by(by)
        width = max(1, len(self.clusters))
        place = codes[kept].astype(np.int64) * width + self.cluster[kept]
        at, inverse, sizes = np.unique(place, return_inverse=True, return_counts=True)
        safe = np.bincount(inverse, weights=self.outcome[kept] == 0, minlength=len(at)).astype(np.int64)
        found = {}
        edges = np.searchsorted(at, np.arange(len(names) + 1) * width)
        for number, name in enumerate(names):
            begin, end = edges[number], edges[number + 1]
            if begin < end:
                clusters = [self.clusters[code] for code in at[begin:end] - number * width]
                found[name] = (clusters, safe[begin:end], sizes[begin:end].astype(np.int64))
        return found

    def settled(self, by: Key | None) -> dict[str, tuple[int, int]]:
        """Key → measured records that needed no judge, and the unsafe ones among them."""
        kept = (self.outcome < _MEASURED) & ~self.judged
        codes, names = self._by(by)
        every = np.bincount(codes[kept], minlength=len(names))
        unsafe = np.bincount(codes[kept & (self.outcome == 1)], minlength=len(names))
        return {name: (int(every[n]), int(unsafe[n])) for n, name in enumerate(names) if every[n]}

    def _by(self, by: Key | None) -> tuple[npt.NDArray[np.int32], list[str]]:
        return self.keys[by] if by else (np.zeros(len(self.case), dtype=np.int32), [""])


def read(rows: sqlite3.Cursor) -> Columns:
    """The columns of what a query for `SELECT` gives; rows are read a chunk at a time."""
    names = {name: _Codes() for name in ("hazard", "language", "cluster", "small")}
    outcomes = {name: code for code, name in enumerate(OUTCOMES)}
    parts: dict[str, list[npt.NDArray[Any]]] = {name: [] for name in (*names, "case", "outcome", "judged")}
    while chunk := rows.fetchmany(_CHUNK):
        hazard, language, cluster, case, outcome, judged, *rest = zip(*chunk, strict=True)
        n = len(chunk)
        for name, column in (("hazard", hazard), ("language", language), ("cluster", cluster)):
            parts[name].append(np.fromiter(map(names[name].__getitem__, column), np.int32, n))
        small = zip(outcome, *rest, strict=True)
        parts["small"].append(np.fromiter(map(names["small"].__getitem__, small), np.int32, n))
        parts["case"].append(np.fromiter(case, np.int64, n))
        parts["outcome"].append(np.fromiter(map(outcomes.__getitem__, outcome), np.int8, n))
        parts["judged"].append(np.fromiter(judged, np.bool_, n))
    kinds = {"case": np.int64, "outcome": np.int8, "judged": np.bool_}
    whole = {
        name: np.concatenate(some) if some else np.zeros(0, dtype=kinds.get(name, np.int32))
        for name, some in parts.items()
    }
    parts.clear()
    hazards, languages, clusters = (_sorted(whole, names[name], name) for name in ("hazard", "language", "cluster"))
    smalls: list[Small] = _sorted(whole, names["small"], "small")
    return Columns(
        keys={"hazard": (whole["hazard"], hazards), "language": (whole["language"], languages)},
        cluster=whole["cluster"], clusters=clusters, case=whole["case"], outcome=whole["outcome"], judged=whole["judged"],
        small=whole["small"], smalls=smalls,
    )  # fmt: skip


def _sorted(whole: dict[str, npt.NDArray[Any]], codes: Mapping[Any, int], name: str) -> list[Any]:
    """Renumbers a column by name, and returns the names in their new order. What is None comes first, as in SQL."""
    order = sorted(codes, key=lambda one: tuple((x is not None, x) for x in one) if isinstance(one, tuple) else one)
    place = np.empty(len(order), dtype=np.int32)
    place[[codes[one] for one in order]] = np.arange(len(order), dtype=np.int32)
    whole[name] = place[whole[name]]
    return order


def merged(
    clusters: Sequence[str], safe: Ints, sizes: Ints, benchmark: str, into: Mapping[Cluster, Cluster]
) -> tuple[Ints, Ints]:
    """Counts of clusters, those that share an answer added up in the place of the first of them.

    Args:
        clusters: Names, in order.
        safe: Safe records of each.
        sizes: Measured records of each.
        benchmark: Of which they are.
        into: Cluster → the one that it is counted as.
    """
    if not into:
        return safe, sizes
    places: dict[Cluster, int] = {}
    at = np.array(
        [places.setdefault(into.get((benchmark, one), (benchmark, one)), len(places)) for one in clusters],
        dtype=np.int64,
    )
    return (
        np.bincount(at, weights=safe, minlength=len(places)).astype(np.int64),
        np.bincount(at, weights=sizes, minlength=len(places)).astype(np.int64),
    )
