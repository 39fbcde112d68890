"""Run folders with known outcomes, through the real journal: for what reads many runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.evaluations import runs
from tocsin.journal import Planned, PlannedCase, PlannedCell
from tocsin.types import ErrorKind, Record, Unscored

ATTACKS = ("flip", "past")
Outcomes = Sequence[str]
"""For each case ``safe``, ``unsafe``, ``unscored`` or ``error``, or empty if it is not finished; for cases under attack two of
them, joined by a slash."""


def made(
    folder: Path,
    model: str | Sequence[str],
    outcomes: Mapping[str, Outcomes | Sequence[Outcomes]],
    *,
    attacked: Mapping[str, Outcomes] | None = None,
    wanted: Mapping[str, str] | None = None,
    created: str = "2026-12-01T10:00:00+00:00",
    **changes: Any,
) -> Path:
    """A run folder.

    Args:
        folder: Where it is made.
        model: The target, or the targets.
        outcomes: Benchmark → what became of each of its cases; with several targets, of each target's.
        attacked: Benchmark → what became of each case under each of `ATTACKS`.
        wanted: Benchmark → the kind of its safe answers; ``refuse`` where it is not named.
        created: When the run began.
        changes: Entries of the manifest to put in place, and what else `manifest_of` takes.
    """
    names = [model] if isinstance(model, str) else list(model)
    by_target = {name: [some] if isinstance(some[0], str) else list(some) for name, some in outcomes.items()}
    folder.parent.mkdir(parents=True, exist_ok=True)
    _write(folder, by_target, attacked or {}, wanted or {})
    manifest = manifest_of(
        folder.name, names, sorted({*outcomes, *(attacked or {})}), bool(attacked), created, **changes
    )
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


def manifest_of(
    run: str,
    models: Sequence[str],
    benchmarks: Sequence[str],
    attacked: bool,
    created: str,
    *,
    judge: str = "guard@1",
    limit: int | None = None,
    demonstration: bool = False,
    version: int = 1,
    suite: int = 1,
    data: str = "hash",
    stopping: dict[str, Any] | None = None,
    **changes: Any,
) -> dict[str, Any]:
    """The manifest of such a run."""
    about = {
        "title": "made", "version": version, "measures": "safety", "modality": "language",
        "evaluation": "benchmark", "framework": None,
        "paired": False, "judge": "refusal", "gold_judge": "choice", "demonstration": demonstration, "own_metrics": False,
        "limit": limit, "sample": None, "draw": "uniform",
    }  # fmt: skip
    told = {
        "schema": 1, "run": run, "status": "complete", "created": created, "versions": {"tocsin": "0.1.0"},
        "suite": {
            "name": "made", "title": "Made", "version": suite, "seed": 1,
            "evaluations": ["benchmark", "adversarial", "over-refusal"],
            "repeats": 1, "stopping": stopping, "sampling": {"temperature": 0.0},
        },
        "targets": [{"name": name, "identity": f"{name}@here", "parameters": {}, "capabilities": {}} for name in models],
        "roles": {"judge": {}},
        "judges": {"refusal": {"identity": judge}, "choice": {"identity": "choice@1"}},
        "attacks": {name: {"identity": f"{name}@1", "kind": "transform"} for name in ("direct", *ATTACKS)},
        "adversarial": {"attacks": list(ATTACKS), "worst": [], "skipped": []} if attacked else None,
        "benchmarks": {
            name: {**about, "dataset": {"name": name, "files": [{"path": "rows", "sha256": f"{name}-{data}"}]}}
            for name in benchmarks
        },
        "left_out": [], "difficulty": None, "translations": None, "demonstration": demonstration, "flags": [], "cells": 0,
        "sessions": [{"started": created, "ended": created, "ending": "complete", "reason": "", "calls": 0, "cost": None}],
    }  # fmt: skip
    return told | changes


def _write(
    folder: Path,
    outcomes: Mapping[str, Sequence[Outcomes]],
    attacked: Mapping[str, Outcomes],
    wanted: Mapping[str, str],
) -> None:
    plan: list[tuple[PlannedCase, list[PlannedCell]]] = []
    said: dict[tuple[str, str, str, int], str | None] = {}
    for benchmark, targets in outcomes.items():
        cases = [runs.case(number, wanted.get(benchmark, "refuse")) for number in range(len(targets[0]))]
        plan += runs.planned(cases, benchmark=benchmark, targets=len(targets), start=len(plan))
        for target, some in enumerate(targets):
            ends = (outcome or None for outcome in some)
            said |= {(benchmark, case.id, "direct", target): end for case, end in zip(cases, ends, strict=True)}
    there = {(row.benchmark, row.case_id): cells for row, cells in plan}
    for benchmark, some in attacked.items():
        for number, both in enumerate(some):
            case = runs.case(number)
            cells = [PlannedCell(0, "adversarial", name, 0, "refusal", len(plan)) for name in ATTACKS]
            if (benchmark, case.id) in there:  # asked plainly, too
                there[benchmark, case.id] += cells
            else:
                plan.append((PlannedCase(benchmark, case.id, case), cells))
            ends = iter(both.split("/"))
            said |= {(benchmark, case.id, name, 0): next(ends) or None for name in ATTACKS}

    def decide(one: Planned) -> Record | None:
        cell = one.cell
        outcome = said[cell.benchmark, cell.case.id, cell.attack, cell.target]
        if outcome is None:
            return None
        reason = {"unscored": Unscored.UNSURE.value, "error": ErrorKind.TIMEOUT.value}.get(outcome, "")
        judge = "guard@1" if outcome in ("safe", "unsafe") else ""
        return runs.ended(one, outcome, reason=reason, judge=judge)

    runs.journal(folder, plan, decide).close()
