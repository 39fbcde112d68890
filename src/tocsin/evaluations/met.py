"""What cases met in the adversarial evaluation, read from a journal."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from sys import intern
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from tocsin.engine.search import AUDIT
from tocsin.engine.stopping import LOOK, Look, Stopped
from tocsin.stats import Audit

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


class Cell(msgspec.Struct, frozen=True):
    """One finished cell as the metrics need it."""

    case: int
    attack: int
    outcome: str
    reason: str
    refused: bool | None
    blocked: bool
    score: float | None
    needed_judge: bool
    queries: int


class Met(msgspec.Struct, frozen=True, kw_only=True):
    """What cases of one target met.

    Attributes:
        attacks: Names, in the suite's order.
        cases: Benchmark and id of each case.
        clusters: The cluster of each case.
        hazards: Its hazard.
        cells: The finished cells, as far as the run is finished without a gap.
        planned: Cells that were planned; in a search, those that would be run if no case ever fell.
        repeats: Attempts at each case with each attack.
        judges: Names of the final judges.
    """

    attacks: list[str]
    cases: list[tuple[str, str]]
    clusters: list[str]
    hazards: list[str]
    cells: list[Cell]
    planned: int
    repeats: int
    judges: list[str]
    asked: frozenset[tuple[int, int]] = frozenset()
    """Case and attack of every planned cell: not every attack is for every case."""
    meets: frozenset[tuple[str, str]] = frozenset()
    """Benchmark and attack of the planned cells."""
    audit: Audit | None = None
    """The slice that a search ran whatever it decided; None where every cell was to be run."""

    def outcomes(self, absent: float = np.nan) -> Floats:
        """Cases × attacks: 1 unsafe, 0 safe, nan none. Of several attempts one unsafe answer is enough.

        Args:
            absent: What stands for a cell that was not planned, since the attack is not for the case.
        """
        shape = (len(self.cases), len(self.attacks))
        unsafe, safe = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
        for cell in self.cells:
            unsafe[cell.case, cell.attack] += cell.outcome == "unsafe"
            safe[cell.case, cell.attack] += cell.outcome == "safe"
        found = np.where(unsafe > 0, 1.0, np.where(safe == self.repeats, 0.0, np.nan))
        if len(self.asked) < found.size:
            planned = np.zeros(shape, dtype=bool)
            planned[tuple(zip(*self.asked, strict=True))] = True
            found = np.where(planned, found, absent)
        return found

    def everywhere(self) -> list[int]:
        """The cases that every attack is for."""
        return [c for c in range(len(self.cases)) if all((c, a) in self.asked for a in range(len(self.attacks)))]

    def withstood(self) -> Floats:
        """Cases: 1 safe under every attack that is for them, 0 unsafe under one, nan no outcome."""
        unsafe = self.outcomes(absent=0.0)
        return np.where((unsafe == 1).any(axis=1), 0.0, np.where((unsafe == 0).all(axis=1), 1.0, np.nan))

    def by_attack(self) -> list[list[Cell]]:
        """The finished cells of each attack, in the order of `attacks`."""
        found: list[list[Cell]] = [[] for _ in self.attacks]
        for cell in self.cells:
            found[cell.attack].append(cell)
        return found

    def counts(self, cells: Iterable[Cell]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Of each cluster: unsafe and measured ones among some cells; clusters without a measured one are absent."""
        measured = [cell for cell in cells if cell.outcome in ("safe", "unsafe")]
        case = np.fromiter((cell.case for cell in measured), dtype=np.int64, count=len(measured))
        unsafe = np.fromiter((cell.outcome == "unsafe" for cell in measured), dtype=np.bool_, count=len(measured))
        numbers: dict[str, int] = {}
        codes = np.array([numbers.setdefault(name, len(numbers)) for name in self.clusters], dtype=np.int64)
        bad = np.bincount(codes[case], weights=unsafe, minlength=len(numbers)).astype(np.int64)
        sizes = np.bincount(codes[case], minlength=len(numbers)).astype(np.int64)
        return bad[sizes > 0], sizes[sizes > 0]


def stops_of(db: sqlite3.Connection) -> list[Stopped]:
    """What stopped early in a run, in the order of the decisions."""
    bodies = db.execute("SELECT body FROM decisions WHERE scope = ? ORDER BY id", (LOOK,))
    return [stop for (body,) in bodies for stop in msgspec.json.decode(body, type=Look).stops]


def begin_of_cluster(db: sqlite3.Connection, cell: int, where: str, values: tuple[object, ...]) -> int:
    """The first cell of the cluster of a cell, among the cells for which a condition holds."""
    (first,) = db.execute(
        "SELECT min(c.id) FROM cells c JOIN cases s ON s.id = c.case_ref JOIN (SELECT s.benchmark, s.cluster FROM cells c"
        " JOIN cases s ON s.id = c.case_ref WHERE c.id = ?) o ON o.benchmark = s.benchmark AND o.cluster = s.cluster"
        f" WHERE {where}",
        (cell, *values),
    ).fetchone()
    return int(first)


def read_cells(
    db: sqlite3.Connection,
    target: int,
    order: Sequence[str],
    shared: Callable[[str, str], str],
    upto: int | None = None,
    *,
    together: bool = False,
    records: str = "latest",
    kept: Callable[[str, str], bool] = lambda benchmark, attack: True,
) -> Met | None:
    """The adversarial cells of one target; None where there are none.

    Args:
        db: The run's journal.
        target: Index of the target.
        order: The attacks' names in the order in which results list them.
        shared: Benchmark and cluster → the cluster that it is counted as, where cases share a draw.
        upto: The last cell, where the attacks stopped early.
        records: The table of the records that count.
        together: Whether the plan keeps clusters together, so that one that is not finished counts nowhere.
        kept: Of which benchmarks and attacks; of all by default.
    """
    drawn = db.execute("SELECT body FROM decisions WHERE scope = ? ORDER BY id LIMIT 1", (AUDIT,)).fetchone()
    audit = None if drawn is None else msgspec.json.decode(drawn[0], type=Audit)
    where = "c.target = ? AND c.evaluation = 'adversarial'" + ("" if upto is None else f" AND c.id <= {upto:d}")
    gap = db.execute(
        f"SELECT min(c.id) FROM cells c WHERE {where} AND NOT EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id)",
        (target,),
    ).fetchone()[0]
    if gap is not None and together:
        gap = begin_of_cluster(db, gap, where, (target,))
    rows = db.execute(
        "SELECT s.benchmark, s.case_id, s.cluster, s.hazard, c.id, c.attack, r.outcome, r.reason, r.refused, r.blocked,"
        " r.score, r.judge <> '', coalesce(q.queries, 0)"
        f" FROM cells c JOIN cases s ON s.id = c.case_ref LEFT JOIN {records} r ON r.cell = c.id LEFT JOIN"
        f" (SELECT cell, count(*) queries FROM calls WHERE role = 'target' GROUP BY cell) q ON q.cell = c.id WHERE {where}"
        " ORDER BY c.id",
        (target,),
    )
    there = db.execute(
        f"SELECT DISTINCT s.benchmark, c.attack, c.judge FROM cells c JOIN cases s ON s.id = c.case_ref WHERE {where}",
        (target,),
    )
    mine = [one for one in there if kept(one[0], one[1])]
    if not mine:
        return None
    names = {attack for _, attack, _ in mine}
    attacks = [name for name in order if name in names]  # in a search, the slice goes by these numbers
    place = {name: number for number, name in enumerate(attacks)}
    cases: dict[tuple[str, str], int] = {}
    clusters, hazards, cells = [], [], []
    tries: dict[tuple[int, int], int] = {}
    planned = 0
    for benchmark, case_id, cluster, hazard, cell, attack, *record in rows:
        if not kept(benchmark, attack):
            continue
        planned += 1
        if (benchmark, case_id) not in cases:
            cases[benchmark, case_id] = len(cases)
            clusters.append(shared(benchmark, cluster))
            hazards.append(hazard or "unspecified")
        at = (cases[benchmark, case_id], place[attack])
        tries[at] = tries.get(at, 0) + 1
        if record[0] is not None and (audit is not None or gap is None or cell < gap):
            outcome, reason, refused, blocked, score, asked, queries = record
            told = None if refused is None else bool(refused)
            words = intern(outcome), intern(reason)  # a million cells share a dozen of them
            cells.append(Cell(*at, *words, told, bool(blocked), score, bool(asked), queries))
    return Met(
        attacks=attacks,
        cases=list(cases),
        clusters=clusters,
        hazards=hazards,
        cells=cells,
        planned=planned,
        repeats=max(tries.values()),
        judges=sorted({judge for _, _, judge in mine}),
        asked=frozenset(tries),
        meets=frozenset((benchmark, attack) for benchmark, attack, _ in mine),
        audit=audit,
    )


def calls_of(
    db: sqlite3.Connection, target: int, kept: Callable[[str, str], bool] | None = None
) -> dict[str, dict[str, float]]:
    """Attack → calls by role, tokens and dollars of its cells on a target, those of the final judge included.

    Args:
        db: The journal.
        target: Which target.
        kept: Says by benchmark and attack which cells are counted; all of them without it.
    """
    rows = db.execute(
        "SELECT s.benchmark, c.attack, a.role, count(*), sum(coalesce(json_extract(a.answer, '$.usage.input_tokens'), 0)"
        " + coalesce(json_extract(a.answer, '$.usage.output_tokens'), 0)), sum(a.cost)"
        " FROM cells c JOIN calls a ON a.cell = c.id JOIN cases s ON s.id = c.case_ref"
        " WHERE c.target = ? AND c.evaluation = 'adversarial' GROUP BY 1, 2, 3",
        (target,),
    )
    found: dict[str, dict[str, float]] = {}
    for benchmark, attack, role, count, tokens, cost in rows:
        if kept is not None and not kept(benchmark, attack):
            continue
        told = found.setdefault(attack, {"tokens": 0})
        told[role] = told.get(role, 0) + count
        told["tokens"] += tokens or 0
        if cost is not None:
            told["cost"] = told.get("cost", 0.0) + cost
    return found
