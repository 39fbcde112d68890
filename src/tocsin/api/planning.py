"""Planning an assessment: what it will take and what it will show, before anything is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tocsin.api.assessing import resolved
from tocsin.api.conduct import baseline_of
from tocsin.api.run import load_run, run_loop
from tocsin.evaluations.assessment import Assessment
from tocsin.evaluations.cast import Cast, open_cast
from tocsin.evaluations.difficulty import filtered_names, hard_cases
from tocsin.journal import open_journal
from tocsin.models import EMBEDDED, ModelConfig, open_caller, read_config
from tocsin.models.unkeyed import unkeyed
from tocsin.results.planning import Assumed, Measured, Planner, Wanted, foresee, measured


def plan(
    *models: str,
    assumed: Assumed | None = None,
    earlier: Path | str | None = None,
    concurrency: int | None = None,
    prepared: Path | str | None = None,
    wanted: Wanted | None = None,
    config: Path | str | None = None,
    **options: Any,
) -> dict[str, Any]:
    """What an assessment will take and show: cells, calls, tokens, cost, time and disk; intervals and power.

    It is planned by the code that plans the run itself. No call is made, no folder is written, and no key is needed.

    Args:
        models: As for `assess`.
        assumed: What is taken for granted.
        earlier: Folder of a run whose measurements go before that.
        concurrency: As for `assess`.
        prepared: As for `assess`. Without it, the baseline of a difficulty filter is counted apart, and all cases are.
        wanted: A precision, a power or a budget, for which the limits are found.
        config: As for `assess`.
        options: Of `tocsin.api.assessing.resolved`: what shapes a plan, as for `assess`.

    Returns:
        As docs/reference/plan.md has it.

    Raises:
        ConfigError, UnknownName, ValueError, DatasetError, LicenceNotAccepted, RowError: What was asked for cannot be run.
        ModelUnavailable: A package or a file is missing.
        JournalError: The earlier run cannot be read.
    """
    known = measurements(earlier) if earlier is not None else None
    configs = read_config(Path(config) if config else None)
    with unkeyed():
        targets = [open_caller(name, configs, concurrency=concurrency) for name in models or (EMBEDDED,)]
        cast = Cast(targets)
        try:
            assessment = resolved(targets, **options)
            helping = assessment.helpers()
            cast = open_cast(targets, assessment.judges.values(), configs, concurrency=concurrency, helpers=helping)
            filtered = filtered_names(assessment.suite, assessment.chosen)
            if prepared is not None:
                hard = hard_cases(Path(prepared), assessment).hard
                assessment = replace(assessment, drawing=replace(assessment.drawing, hard=hard))
            told = foresee(assessment, cast, assumed or Assumed(), known)
            if wanted is not None:
                told["wanted"] = Planner(assessment, cast, assumed or Assumed(), known).answer(wanted)
            if filtered and prepared is None:
                told["baseline"] = _baseline(assessment, configs, concurrency, assumed or Assumed(), known)
                told["notes"].append(
                    "difficulty filter: the baseline is asked first and counted apart; what it answers safely in"
                    f" {', '.join(filtered)} is then not asked. With --prepared RUN_FOLDER the plan is what is left"
                )
            return told
        finally:
            run_loop(cast.close())


def _baseline(
    assessment: Assessment,
    configs: dict[str, ModelConfig],
    concurrency: int | None,
    assumed: Assumed,
    known: Measured | None,
) -> dict[str, Any]:
    """What the baseline of a difficulty filter takes, which is run first."""
    wanted = assessment.suite.difficulty
    assert wanted is not None, "only a suite with a difficulty filter has a baseline"
    before = baseline_of(assessment)
    cast = open_cast(
        [open_caller(wanted.baseline, configs, concurrency=concurrency)],
        before.judges.values(),
        configs,
        concurrency=concurrency,
    )
    try:
        told = foresee(before, cast, assumed, known)
    finally:
        run_loop(cast.close())
    return {"model": wanted.baseline, "calls": told["calls"], "total": told["total"]}


def measurements(folder: Path | str) -> Measured:
    """What a run measured that a plan can begin from.

    Raises:
        JournalError: It cannot be read.
    """
    run = load_run(folder)
    db = open_journal(run.folder)
    try:
        return measured(db, run.manifest, run.summary)
    finally:
        db.close()
