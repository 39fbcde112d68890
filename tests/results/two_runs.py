"""Two runs with known outcomes, through the real journal, for what compares them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from tests.evaluations import runs
from tocsin.journal import Planned, PlannedCase, PlannedCell
from tocsin.results.matched import Side
from tocsin.types import Case, Record

JUDGE = "refusal@00000001"
Outcomes = str | Sequence[str | None]
"""One letter a cell, in the order of the plan: S safe, U unsafe, N unscored, E error, a point for one that is not finished."""
_WORDS = {"S": "safe", "U": "unsafe", "N": "unscored", "E": "error", ".": None}


def manifest(*benchmarks: str, model: str = "some/model-0", run: str = "a-run", **changes: Any) -> dict[str, Any]:
    """As much of a manifest as a comparison reads."""
    told = runs.manifest(*benchmarks)
    told["targets"] = [{"name": model, "identity": f"{model}@here", "parameters": {}}]
    told["suite"] |= {"version": 1, "seed": 1, "title": ""}
    for about in told["benchmarks"].values():
        about |= {"version": 1, "dataset": {"name": "d", "revision": "r1", "files": []}, "limit": None, "sample": None}
    return told | {"run": run, "versions": {"tocsin": "0.1.0"}, "attacks": {}, "sessions": [], **changes}


def cases(count: int, **fields: Any) -> list[Case]:
    return [runs.case(number, **fields) for number in range(count)]


def side(
    folder: Path,
    outcomes: Outcomes,
    *,
    plan: Iterable[Case | PlannedCase] | runs.Plan | None = None,
    told: dict[str, Any] | None = None,
    judge: str | Callable[[Planned], str] = JUDGE,
    more: Sequence[Outcomes] = (),
    calls: Sequence[int] = (),
    score: Callable[[Planned], float | None] = lambda one: None,
    **about: Any,
) -> Side:
    """One side: its journal and its manifest, written to a folder.

    Args:
        folder: Where it is made.
        outcomes: What became of each cell.
        plan: Its cases or its whole plan; as many cases as there are outcomes if None.
        told: The manifest; an ordinary one if None.
        judge: Who read the answers.
        more: What became of the failed cells in later sessions.
        calls: As for `tests.evaluations.runs.journal`.
        score: The grade of an answer.
        about: Fields of the side.
    """
    given = list(cases(len(outcomes)) if plan is None else plan)
    rows: runs.Plan = [row for row in given if isinstance(row, tuple) and not isinstance(row, PlannedCase)]
    if not rows:
        rows = runs.planned(given)

    def session(some: Outcomes) -> runs.Decide:
        left = list(some)

        def decide(one: Planned) -> Record | None:
            word = _WORDS[left.pop(0) or "."]
            if word is None:
                return None
            reason = {"unscored": "empty", "error": "timeout"}.get(word, "")
            by = judge if isinstance(judge, str) else judge(one)
            read = word in ("safe", "unsafe")
            return runs.ended(one, word, reason=reason, judge=by if read else "", score=score(one) if read else None)

        return decide

    runs.journal(folder, rows, session(outcomes), *map(session, more), calls=calls).close()
    told = told or manifest(run=folder.name)
    (folder / "run.json").write_text(json.dumps(told), encoding="utf-8")
    return Side(folder=folder, manifest=told, **about)


def attacked(
    some: Iterable[Case], attacks: Sequence[str], *, evaluation: str = "adversarial", benchmark: str = "invented"
) -> runs.Plan:
    """A plan that puts every case with every attack: the attacks of a case stand together."""
    return [
        (
            PlannedCase(benchmark, case.id, case),
            [
                PlannedCell(0, evaluation, attack, 0, "refusal", number * len(attacks) + at)
                for at, attack in enumerate(attacks)
            ],
        )
        for number, case in enumerate(some)
    ]
