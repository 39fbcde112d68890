"""What each cluster of a figure came to, run by run, on disk: so that any two runs can be laid side by side.

Every journal is read once, a row at a time. Of a cell nothing is kept but a hash of what was asked and the outcome; of a cluster
two hashes and three counts. Two figures are over the same cases where their clusters have the same hashes.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import msgspec
import numpy as np

from tocsin.engine.stopping import Cluster
from tocsin.evaluations.counts import Group
from tocsin.evaluations.met import Met
from tocsin.evaluations.tally import Reader

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]
    Side = tuple[Ints, Ints, Ints]
    """Passed, measured and planned cells of each cluster."""

_CELL = np.dtype([("cluster", "<i8"), ("asked", "<i8"), ("safe", "i1"), ("measured", "i1")])
PASSED, MISSING, FAILED = 1, -1, 0
"""What became of a case or a cell."""


class Units(msgspec.Struct, frozen=True):
    """The clusters of one figure, in the order of their names' hashes; arrays of shape ``(clusters,)``.

    Attributes:
        name: A hash of the cluster's name.
        asked: A hash of what its cells asked, in whatever order.
        passed: Its cells that passed.
        measured: Those that were judged.
        planned: All of them.
        root: The name of the cluster that it is a part of, where cases share an answer; else its own.
    """

    name: Ints
    asked: Ints
    passed: Ints
    measured: Ints
    planned: Ints
    root: Ints

    def counts(self) -> tuple[int, int, int]:
        """Passed, measured and planned cells."""
        return int(self.passed.sum()), int(self.measured.sum()), int(self.planned.sum())

    def merged(self, roots: Ints | None = None) -> tuple[Ints, Side]:
        """Names, and passed, measured and planned by cluster, those that share an answer being one."""
        roots = self.root if roots is None else roots
        if np.array_equal(roots, self.name):
            return self.name, (self.passed, self.measured, self.planned)
        names, places = np.unique(roots, return_inverse=True)
        return names, (_sums(places, self.passed), _sums(places, self.measured), _sums(places, self.planned))


class Beside(NamedTuple):
    """One part of two figures, cluster by cluster."""

    names: Ints
    one: Side
    other: Side


class Store:
    """The units of many figures, in a scratch folder until the end of the ``with``."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tocsin-leaderboard-")
        self._files: dict[tuple[int, str], Path] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def keep(self, entry: int, part: str, units: Units) -> None:
        """Keeps the units of one part of one entry."""
        path = Path(self._folder.name) / f"{len(self._files)}.npy"
        np.save(path, np.array(msgspec.structs.astuple(units)), allow_pickle=False)
        self._files[entry, part] = path

    def keep_values(self, entry: int, part: str, values: Floats) -> None:
        """Keeps the values of one part of one entry in the order of the plan."""
        if (entry, part) not in self._files:
            path = Path(self._folder.name) / f"{len(self._files)}.npy"
            np.save(path, values, allow_pickle=False)
            self._files[entry, part] = path

    def values(self, entry: int, part: str) -> Floats:
        """The values that were kept."""
        return np.asarray(np.load(self._files[entry, part], allow_pickle=False), dtype=np.float64)

    def units(self, entry: int, part: str) -> Units:
        """The units that were kept."""
        return Units(*np.load(self._files[entry, part], allow_pickle=False))

    def same(self, one: int, other: int, keys: Sequence[str]) -> list[Beside] | None:
        """Parts of two entries by cluster, in one order; None where they were not asked the same.

        Clusters that share an answer on either side, in whichever part, are one everywhere.
        """
        both = [(self.units(one, key), self.units(other, key)) for key in keys]
        for first, second in both:
            if not np.array_equal(first.name, second.name) or not np.array_equal(first.asked, second.asked):
                return None
        sides = [units for pair in both for units in pair]
        if all(np.array_equal(units.root, units.name) for units in sides):
            return [Beside(first.name, first.merged()[1], second.merged()[1]) for first, second in both]
        joined = _joined(sides)
        found = []
        for first, second in both:
            roots = np.array([joined[name] for name in first.name.tolist()], dtype=np.int64)
            (names, mine), (_, yours) = first.merged(roots), second.merged(roots)
            found.append(Beside(names, mine, yours))
        return found


def of_group(reader: Reader, group: Group) -> Units:
    """The units of a group of plain answers."""
    rows = reader.each("s.cluster, s.case_id, c.attack, c.repeat, s.body, r.outcome", group)
    cells = np.fromiter(
        (
            (
                _hash(group.benchmark, cluster),
                _hash(case_id, attack, str(repeat), body or b""),
                outcome == "safe",
                outcome in ("safe", "unsafe"),
            )
            for cluster, case_id, attack, repeat, body, outcome in rows
        ),
        dtype=_CELL,
    )
    return _units(cells, _roots(reader.shared()))


def of_cells(met: Met, texts: Mapping[tuple[str, str], bytes]) -> Units:
    """The units of all answers under attack.

    Args:
        met: What cases met.
        texts: Benchmark and id of a case → its body.
    """
    asked = [_asked(met, case, texts) for case in range(len(met.cases))]
    clusters = [_cluster(name) for name in met.clusters]
    attacks = [_hash(name) for name in met.attacks]
    cells = np.fromiter(
        (
            (
                clusters[cell.case],
                asked[cell.case] ^ attacks[cell.attack],
                cell.outcome == "safe",
                cell.outcome in ("safe", "unsafe"),
            )
            for cell in met.cells
        ),
        dtype=_CELL,
    )
    return _units(cells, {})


def of_cases(met: Met, texts: Mapping[tuple[str, str], bytes]) -> Units:
    """The units of the cases that withstand every attack: a case passes, or fails, or has no outcome."""
    held = met.withstood()
    names = "\0".join(met.attacks)
    cells = np.fromiter(
        (
            (_cluster(met.clusters[case]), _asked(met, case, texts) ^ _hash(names), held[case] == 1, held[case] >= 0)
            for case in range(len(met.cases))
        ),
        dtype=_CELL,
    )
    return _units(cells, {})


def _cluster(name: str) -> int:
    """The hash of a cluster that cases met, the same as that of a group's: benchmark and cluster."""
    return _hash(*name.split("\0", 1))


def _asked(met: Met, case: int, texts: Mapping[tuple[str, str], bytes]) -> int:
    return _hash(*met.cases[case], texts.get(met.cases[case], b""))


def _units(cells: npt.NDArray[np.void], roots: Mapping[int, int]) -> Units:
    names, places = np.unique(cells["cluster"], return_inverse=True)
    ones = np.ones(len(cells), dtype=np.int64)
    counted = (_sums(places, one) for one in (cells["asked"], cells["safe"], cells["measured"], ones))
    asked, passed, measured, planned = counted
    root = names.copy()
    if roots:
        root = np.array([roots.get(int(name), int(name)) for name in names], dtype=np.int64)
    return Units(names, asked, passed, measured, planned, root)


def _sums(places: Ints, values: npt.NDArray[np.integer[Any]]) -> Ints:
    """Sums by place; hashes run over, which is as good."""
    found = np.zeros(int(places.max(initial=-1)) + 1, dtype=np.int64)
    np.add.at(found, places, values.astype(np.int64))
    return found


def _roots(shared: Mapping[Cluster, Cluster]) -> dict[int, int]:
    return {_hash(*cluster): _hash(*root) for cluster, root in shared.items()}


def _joined(sides: Iterable[Units]) -> dict[int, int]:
    """Each cluster → the first of those that it is one with, on any of the sides."""
    parent: dict[int, int] = {}

    def find(name: int) -> int:
        while parent.setdefault(name, name) != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for units in sides:
        for name, root in zip(units.name.tolist(), units.root.tolist(), strict=True):
            parent[find(name)] = find(root)
    return {name: find(name) for name in list(parent)}


def _hash(*words: str | bytes) -> int:
    """A number that stands for some words."""
    told = blake2b(digest_size=8)
    for word in words:
        data = word if isinstance(word, bytes) else word.encode("utf-8", "surrogatepass")
        told.update(len(data).to_bytes(8, "big") + data)
    return int.from_bytes(told.digest(), "big", signed=True)


def texts_of(rows: Iterable[tuple[str, str, bytes | None]]) -> dict[tuple[str, str], bytes]:
    """Benchmark and id → a hash of the case, from rows of both and its body."""
    return {
        (benchmark, case_id): _hash(body or b"").to_bytes(8, "big", signed=True) for benchmark, case_id, body in rows
    }
