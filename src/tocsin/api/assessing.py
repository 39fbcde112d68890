"""Assessing models, and going on with what was stopped."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tocsin.api.conduct import (
    Conduct,
    Watcher,
    attacks_of,
    begin,
    benchmarks_of,
    check_prices,
    helpers_of,
    prepare,
    reopened,
    session,
)
from tocsin.api.run import Run, run_loop
from tocsin.engine import Limits
from tocsin.evaluations import manifest as manifests
from tocsin.evaluations.assessment import Assessment, make_judges, resolve
from tocsin.evaluations.cast import Cast, open_cast
from tocsin.evaluations.difficulty import filtered_names, hard_cases
from tocsin.evaluations.suite import Suite
from tocsin.journal import (
    Answers,
    check_manifest,
    read_manifest,
)
from tocsin.models import EMBEDDED, Caller, ModelConfig, open_caller, read_config, recalled
from tocsin.types import Role


def assess(*models: str, **options: Any) -> Run:
    """Assesses models and returns the finished (or stopped) run; see `assess_async` for the options."""
    return run_loop(assess_async(*models, **options))


async def assess_async(
    *models: str,
    out: Path | str = "runs",
    suite: str | None = None,
    benchmarks: Sequence[str] = (),
    evaluations: Sequence[str] = (),
    attacks: Sequence[str] = (),
    mode: str | None = None,
    precision: float | None = None,
    decide: bool = False,
    frameworks: Sequence[str] = (),
    judge: str | None = None,
    roles: Mapping[str, str] | None = None,
    cases: Path | str | None = None,
    limit: int | None = None,
    seed: int | None = None,
    repeats: int | None = None,
    data: Path | str | None = None,
    accept_licences: Sequence[str] = (),
    limits: Limits | None = None,
    concurrency: int | None = None,
    reuse: Sequence[Path | str] = (),
    prepared: Path | str | None = None,
    translations: Path | str | None = None,
    only_reviewed: bool = False,
    strict: bool = False,
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
    report: bool = True,
) -> Run:
    """Assesses models.

    Args:
        models: ``provider/name`` or entries of ``tocsin.toml``; the embedded default if there is none.
        out: Folder in which the run's own folder is made.
        suite: Name of a suite or path of a YAML file; ``quick`` if neither suite, benchmarks nor cases are given.
        benchmarks: Benchmarks to run instead of the suite's.
        evaluations: Evaluations to run instead of the suite's.
        attacks: Attacks that harmful requests are put with, instead of the suite's; the adversarial evaluation, then, alone
            unless others are named.
        mode: ``exhaustive`` runs every cell of the attacks; ``worst-case`` stops a case at its first success.
        precision: Half-width of an interval that is narrow enough: a benchmark, or the attacks on a model, then stop.
        decide: Whether they stop, too, when the comparisons of the models are decided.
        frameworks: Frameworks whose clauses are reported, by name or by the path of a file, instead of the suite's.
        judge: Judge of free-text answers.
        roles: Role → model, over the suite's: ``judge``, ``attacker``, ``translator``.
        cases: The user's own prompts, JSONL or CSV.
        limit: Cases drawn from each benchmark at most.
        seed: Over the suite's: draws cases and the order of the run.
        repeats: Attempts at each case, over the suite's.
        data: Folder with datasets, looked in before the cache and the origins.
        accept_licences: Names of benchmarks whose terms are accepted.
        limits: What this session may spend.
        concurrency: A fixed number of calls at a time; adaptive if None.
        reuse: Folders of other runs whose answers may be used.
        prepared: A finished run of the suite's baseline, where the suite has a difficulty filter; made first if None.
        translations: A table of translations, as `translate` writes it, whose cases stand beside those of their benchmarks.
        only_reviewed: Of these, only what a person has accepted or mended.
        strict: Stop at a bad row instead of counting it as an error.
        config: A ``tocsin.toml``; the one in the working folder if None.
        watch: Shows progress.
        signals: Whether the first interrupt ends the run cleanly (in the main thread only).
        report: Whether to write the report beside the summary.

    Raises:
        ConfigError, UnknownName, ValueError, DatasetError, LicenceNotAccepted, RowError: What was asked for cannot be run.
        ModelUnavailable: A key, a package or a file is missing.
        JournalError: The run folder cannot be used.
    """
    configs = read_config(Path(config) if config else None)
    targets = [open_caller(name, configs, concurrency=concurrency) for name in models or (EMBEDDED,)]
    for other in reuse:
        Answers(Path(other))  # a folder that cannot be used is said before anything is made
    conduct = Conduct(limits=limits or Limits(), reuse=reuse, watch=watch, signals=signals, report=report)
    cast = Cast(targets)
    try:
        assessment = resolved(
            targets,
            suite=suite,
            benchmarks=benchmarks,
            evaluations=evaluations,
            attacks=attacks,
            mode=mode,
            precision=precision,
            decide=decide,
            frameworks=frameworks,
            judge=judge,
            roles=roles,
            cases=cases,
            limit=limit,
            seed=seed,
            repeats=repeats,
            data=data,
            accept_licences=accept_licences,
            translations=translations,
            only_reviewed=only_reviewed,
            strict=strict,
        )
        helping = assessment.helpers()
        cast = open_cast(targets, assessment.judges.values(), configs, concurrency=concurrency, helpers=helping)
        check_prices(cast.everyone(), limits)
        difficulty = None
        if filtered_names(assessment.suite, assessment.chosen) or prepared is not None:
            if prepared is None:
                began = time.monotonic()
                ready = await prepare(Path(out), assessment, configs, conduct, concurrency)
                if not ready.complete:
                    return ready
                conduct = replace(conduct, limits=_left(conduct.limits, ready, time.monotonic() - began))
                prepared = ready.folder
            filtered = hard_cases(Path(prepared), assessment)
            assessment = replace(assessment, drawing=replace(assessment.drawing, hard=filtered.hard))
            difficulty = filtered.told
        folder, journal, manifest = begin(Path(out), assessment, cast, difficulty)
        try:
            return await session(folder, journal, manifest, cast, assessment.judges, conduct)
        finally:
            folder.close()
    finally:
        await cast.close()


def resolved(
    targets: Sequence[Caller],
    *,
    suite: str | None = None,
    benchmarks: Sequence[str] = (),
    evaluations: Sequence[str] = (),
    attacks: Sequence[str] = (),
    mode: str | None = None,
    precision: float | None = None,
    decide: bool = False,
    frameworks: Sequence[str] = (),
    judge: str | None = None,
    roles: Mapping[str, str] | None = None,
    cases: Path | str | None = None,
    limit: int | None = None,
    seed: int | None = None,
    repeats: int | None = None,
    data: Path | str | None = None,
    accept_licences: Sequence[str] = (),
    translations: Path | str | None = None,
    only_reviewed: bool = False,
    strict: bool = False,
) -> Assessment:
    """What `assess_async` runs with these options, and `plan` counts: found and checked, before anything is asked.

    The targets are opened models; the options are those of `assess_async`.

    Raises:
        ConfigError, UnknownName, ValueError, DatasetError, LicenceNotAccepted: What was asked for cannot be run.
    """
    if only_reviewed and translations is None:
        raise ValueError("only reviewed translations, and no table of them: add --translations FILE")
    return resolve(
        suite=suite,
        benchmarks=benchmarks,
        evaluations=evaluations,
        judge=judge,
        roles=roles or {},
        cases=Path(cases) if cases else None,
        limit=limit,
        seed=seed,
        repeats=repeats,
        data=Path(data) if data else None,
        accepted=accept_licences,
        targets=len(targets),
        strict=strict,
        attacks=attacks,
        mode=mode,
        precision=precision,
        decide=decide,
        translations=Path(translations) if translations else None,
        only_reviewed=only_reviewed,
        frameworks=frameworks,
        takes=[caller.model.capabilities for caller in targets],
    )


def _left(limits: Limits, ready: Run, seconds: float) -> Limits:
    """What of a session's limits is left after its baseline was run."""
    spent = ready.manifest["sessions"][-1]
    return Limits(
        calls=None if limits.calls is None else max(0, limits.calls - spent["calls"]),
        cost=None if limits.cost is None else max(0.0, limits.cost - (spent["cost"] or 0.0)),
        minutes=None if limits.minutes is None else max(0.0, limits.minutes - seconds / 60),
    )


def resume(folder: Path | str, **options: Any) -> Run:
    """Finishes a run that was stopped; see `resume_async` for the options."""
    return run_loop(resume_async(folder, **options))


async def resume_async(
    folder: Path | str,
    *,
    retry_errors: bool = False,
    limits: Limits | None = None,
    concurrency: int | None = None,
    reuse: Sequence[Path | str] = (),
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
    report: bool = True,
) -> Run:
    """Finishes a run that was stopped. No call that is in its journal is made again.

    Args:
        folder: The run's folder.
        retry_errors: Also attempt cells again that ended in `error`; the earlier records are kept.
        limits: What this session may spend.
        concurrency: A fixed number of calls at a time; adaptive if None.
        reuse: Folders of other runs whose answers may be used.
        config: A ``tocsin.toml``; the one in the working folder if None.
        watch: Shows progress.
        signals: Whether the first interrupt ends the run cleanly.
        report: Whether to write the report beside the summary.

    Raises:
        ReplayDiverged: A model, judge, attack or benchmark is not what it was when the run was planned.
        JournalError, ModelUnavailable, UnknownName, ConfigError: The folder or a model cannot be used.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    check_manifest(path, manifest)
    configs: dict[str, ModelConfig] = read_config(Path(config) if config else None)
    rejudged = "rejudged" in manifest
    targets = [
        recalled(target) if rejudged else open_caller(target["name"], configs, concurrency=concurrency)
        for target in manifest["targets"]
    ]
    cast = Cast(targets)
    conduct = Conduct(
        limits=limits or Limits(), reuse=reuse, watch=watch, signals=signals, report=report, retry_errors=retry_errors
    )
    try:
        suite = Suite.model_validate(manifest["suite"])
        made = make_judges(suite, manifest["judges"])
        helpers: dict[Role, str] = {} if rejudged else helpers_of(manifest)
        cast = open_cast(targets, made.values(), configs, concurrency=concurrency, helpers=helpers)
        check_prices(list(cast.judges.values()) if rejudged else cast.everyone(), limits)

        def check(where: str) -> None:
            versions = {name: one.version for name, one in benchmarks_of(manifest, suite).items()}
            manifests.check_resumable(manifest, cast, made, attacks_of(manifest), versions, where)

        held, journal = await reopened(path, failed=retry_errors, check=check)
        try:
            return await session(held, journal, manifest, cast, made, conduct)
        finally:
            held.close()
    finally:
        await cast.close()
