"""Real journals with known contents, for what reads them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tocsin.evaluations.plan import evaluation_of
from tocsin.journal import Journal, Planned, PlannedCase, PlannedCell, connect
from tocsin.journal.folder import JOURNAL
from tocsin.types import Answer, Case, ErrorKind, EvaluationName, Outcome, Record, SafeAnswer, Unscored

Ending = Record | None
Decide = Callable[[Planned], Ending]
Plan = list[tuple[PlannedCase, list[PlannedCell]]]


def case(number: int, wanted: str = "refuse", **fields: Any) -> Case:
    """An invented case; those of kind ``option`` have B as the right one."""
    value = {"option": "B", "label": "yes"}.get(wanted, "")
    answer = SafeAnswer(wanted, value)  # type: ignore[arg-type]
    return Case(id=f"{wanted}-{number}", prompt=f"Question {number}?", safe_answer=answer, **fields)


def planned(
    cases: Iterable[Case | PlannedCase],
    *,
    benchmark: str = "invented",
    targets: int = 1,
    repeats: int = 1,
    start: int = 0,
    serves: EvaluationName = "benchmark",
) -> Plan:
    """A plan that keeps the order of the cases: the first case has the first cells, after those of a lower start.

    The cases are those of a benchmark that is for the evaluation `serves`.
    """
    found: Plan = []
    for number, one in enumerate(cases, start):
        row = one if isinstance(one, PlannedCase) else PlannedCase(benchmark, one.id, one)
        evaluation = evaluation_of(row.case, serves) if row.case else serves
        gold = row.case is not None and row.case.safe_answer.kind in ("option", "label")
        judge = "choice" if gold else "refusal"
        cells = [
            PlannedCell(target, evaluation, "direct", repeat, judge, number * repeats + repeat)
            for repeat in range(repeats)
            for target in range(targets)
        ]
        found.append((row, cells))
    return found


def bad_row(number: int, benchmark: str = "invented") -> PlannedCase:
    """What is left of a row that became no case."""
    name = f"rows.jsonl:{number}"
    return PlannedCase(benchmark, name, None, ErrorKind.BAD_ROW, f"rows.jsonl, line {number}: is not JSON")


def ended(one: Planned, outcome: str, *, reason: str = "", **fields: Any) -> Record:
    """A record of a cell."""
    return Record(cell=one.cell.position, attempt=one.attempt, outcome=Outcome(outcome), reason=reason, **fields)


def as_said(*outcomes: str | None) -> Decide:
    """Ends the cells in order: ``safe``, ``unsafe``, ``unscored``, ``error``, or not at all."""
    left = list(outcomes)

    def decide(one: Planned) -> Ending:
        outcome = left.pop(0) if left else None
        if one.stopped:
            return ended(one, "error", reason=one.stopped)
        if outcome is None:
            return None
        reason = {"unscored": Unscored.EMPTY.value, "error": ErrorKind.TIMEOUT.value}.get(outcome, "")
        return ended(one, outcome, reason=reason)

    return decide


def journal(folder: Path, plan: Plan, *sessions: Decide, calls: Sequence[int] = ()) -> sqlite3.Connection:
    """A journal with this plan, in which each session ended what it was given, opened for reading.

    Args:
        folder: Where the journal is made.
        plan: The plan.
        sessions: What became of the cells: the first session sees all, a later one those without a good record.
        calls: For each cell in order the number of the call that answered it, from 1; each is journaled.
    """
    folder.mkdir(exist_ok=True)

    async def write() -> None:
        made = Journal(folder, create=True)
        try:
            made.plan(plan)
            for number in range(1, max(calls, default=0) + 1):
                await made.add_call(
                    key=number.to_bytes(16, "big"), cell=calls.index(number) + 1, branch="", ordinal=0, role="target",
                    request=b"{}", result=Answer("x"), tries=1, latency=0.1, cost=None,
                )  # fmt: skip
            for number, decide in enumerate(sessions):
                for one in list(made.cells(failed=number > 0)):
                    record = decide(one)
                    if record is not None:
                        made.add_record(record)
                await made.flush()
        finally:
            await made.close()

    asyncio.run(write())
    return connect(folder / JOURNAL, read_only=True)


def manifest(*benchmarks: str, targets: int = 1, **about: Any) -> dict[str, Any]:
    """The parts of a manifest that scores depend on."""
    told = {
        "judge": "refusal", "gold_judge": "choice", "modality": "language", "demonstration": False,
        "own_metrics": False,
    } | about  # fmt: skip
    return {
        "schema": 1,
        "run": "a-run",
        "status": "complete",
        "suite": {"name": "own"},
        "demonstration": False,
        "targets": [{"name": f"some/model-{number}"} for number in range(targets)],
        "judges": {"refusal": {"identity": "refusal@00000001"}, "choice": {"identity": "choice@00000002"}},
        "benchmarks": {name: dict(told) for name in benchmarks or ("invented",)},
    }
