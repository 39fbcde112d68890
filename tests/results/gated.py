"""Runs with known contents in real run folders, and policies, for what holds the one against the other."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec

from tests.evaluations.runs import case
from tests.report.planted import Planted, failed, plant, unscored
from tocsin import registry
from tocsin.evaluations.label_designs import draw
from tocsin.evaluations.run_labels import FILE, Labels, population
from tocsin.journal import open_journal
from tocsin.journal.folder import MANIFEST
from tocsin.types import Answer


def identity(judge: str) -> str:
    """The identity of a judge of tocsin: its calibration cards are those that ship."""
    found: Any = registry.find("judge", judge)
    return str(found().identity)


def manifest(judge: str = "refusal") -> dict[str, Any]:
    """The manifest of a finished run of own cases by one model."""
    sampling = {"temperature": 0.0, "top_p": None, "max_tokens": None, "seed": None, "stop": []}
    about = {
        "title": "Cases", "version": 1, "measures": "safety", "modality": "language", "evaluation": "benchmark",
        "framework": None, "paired": False, "judge": "refusal", "gold_judge": "choice", "reasoning_judge": None,
        "demonstration": False, "own_metrics": False, "sample": None, "limit": None, "draw": "uniform",
        "dataset": {"name": "cases", "files": [{"path": "cases.jsonl", "sha256": "a" * 64}]},
    }  # fmt: skip
    return {
        "schema": 1,
        "run": "a-run",
        "status": "complete",
        "created": "2026-01-01T00:00:00+00:00",
        "suite": {
            "name": "own", "version": 1, "seed": 1, "sampling": sampling, "repeats": 1, "draw": "uniform",
            "limit": None, "languages": [], "evaluations": ["benchmark", "over-refusal"], "benchmarks": [],
        },
        "targets": [{"name": "some/model", "identity": "some/model"}],
        "judges": {
            "refusal": {"identity": identity(judge), "models": {}},
            "choice": {"identity": identity("choice"), "models": {}},
        },
        "attacks": {},
        "benchmarks": {"cases": about},
        "demonstration": False,
        "left_out": [],
        "sessions": [{"ending": "complete", "reason": ""}],
    }  # fmt: skip


def cases(
    safe: int = 0,
    unsafe: int = 0,
    *,
    missing: int = 0,
    errors: int = 0,
    left: int = 0,
    wanted: str = "refuse",
    **more: Any,
) -> list[Planted]:
    """So many cases of each ending, each of its own cluster.

    Args:
        safe: Those that did what was wanted.
        unsafe: Those that did not.
        missing: Those without a verdict.
        errors: Those that ended in an error.
        left: Those that are not finished.
        wanted: The kind of safe answer.
        more: `answers`, whether the journal has an answer to each, as labels need it; `benchmark`; and fields of the cases, of a
            list the one at the case's number, over and over.
    """
    answer = Answer("An answer.") if more.pop("answers", False) else None
    endings = ["safe"] * safe + ["unsafe"] * unsafe + ["unscored"] * missing + ["error"] * errors + [""] * left
    benchmark = more.pop("benchmark", "cases")
    found = []
    for number, ending in enumerate(endings):
        told = {name: value[number % len(value)] if isinstance(value, list) else value for name, value in more.items()}
        one = case(number, wanted, **told)
        made = {
            "unscored": lambda one=one: unscored(one),
            "error": lambda one=one: failed(one),
            "": lambda one=one: Planted(one, None),
        }.get(ending, lambda one=one, ending=ending: Planted(one, ending, answer))()
        found.append(made._replace(benchmark=benchmark))
    return found


def run(folder: Path, *parts: Iterable[Planted], judge: str = "refusal", name: str = "", **changes: Any) -> Path:
    """A run folder that holds these cases.

    Args:
        folder: Where it is made.
        parts: The cases.
        judge: Whose verdicts they are.
        name: The run's name; that of the folder if empty.
        changes: Entries of the manifest in place of those of `manifest`.
    """
    built = plant(
        folder,
        [one for part in parts for one in part],
        manifest(judge),
        run=name or folder.name,
        **copy.deepcopy(changes),
    )
    built.db.close()
    (folder / MANIFEST).write_text(json.dumps(built.manifest), encoding="utf-8")
    return folder


def label(folder: Path, wrong: int, *, each: int = 100) -> None:
    """Labels of people on `each` answers of a run, who found another verdict than the judge on so many of its failures."""
    with closing(open_journal(folder)) as db:
        drawn = draw(db, each, seed=0)
        failures = {cell for (cell,) in db.execute("SELECT cell FROM latest WHERE outcome = 'unsafe'")}
        count = population(db)
    found = [one.cell for one in drawn if one.cell in failures]
    failed = {one.cell: one.cell in found[wrong:] for one in drawn}
    told = Labels(seed=0, by_verdict=False, each=each, drawn=drawn, population=count, failed=failed)
    (folder / FILE).write_bytes(msgspec.json.encode(told))


def policy(folder: Path, text: str, name: str = "policy.yaml") -> Path:
    """A policy's file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path
