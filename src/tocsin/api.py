"""The programmer's door: what the command line does, as functions."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from tocsin import attacks, judges
from tocsin.benchmarks import find
from tocsin.engine import REASON, Budget, Ended, Ending, Engine, Limits, Shared, withheld
from tocsin.evaluations import manifest as manifests
from tocsin.evaluations.assessment import Assessment, make_judges, resolve
from tocsin.evaluations.cast import Cast, open_cast
from tocsin.evaluations.catalogue import datasets_here, fetch_dataset, listing
from tocsin.evaluations.difficulty import filtered_names, hard_cases, preparation
from tocsin.evaluations.plan import plan
from tocsin.evaluations.suite import Suite
from tocsin.journal import (
    Journal,
    JournalError,
    ReplayDiverged,
    RunFolder,
    answers_of,
    check_manifest,
    open_journal,
    read_manifest,
    readable,
    write_private,
)
from tocsin.journal.folder import JOURNAL, MARKDOWN, REPORT, SUMMARY
from tocsin.models import EMBEDDED, Caller, ModelConfig, open_caller, read_config
from tocsin.results.summary import as_json, summarise
from tocsin.types import ErrorKind

__all__ = [
    "Run",
    "assess",
    "assess_async",
    "datasets_here",
    "fetch_dataset",
    "listing",
    "load_run",
    "resume",
    "resume_async",
    "run_loop",
    "write_results",
]

T = TypeVar("T")
Watcher = Callable[[Engine, dict[str, Any], dict[str, int]], contextlib.AbstractContextManager[None]]
"""Given the engine, the manifest and the number of cells of each benchmark, shows progress while its context is open."""

EXTRA_WORKERS = 64
"""Cells beyond the calls at a time: those that wait for a commit or a judge."""


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A run and how its latest session ended."""

    folder: Path
    manifest: dict[str, Any]
    summary: dict[str, Any]
    ended: Ended

    @property
    def complete(self) -> bool:
        """Whether every cell has a record."""
        return self.ended.ending is Ending.COMPLETE

    @property
    def errors(self) -> int:
        """Cells that ended in `error`."""
        scores = (score for model in self.summary["models"] for score in model["scores"])
        return sum(score["error"] for score in scores if score["benchmark"] and score["passed"] is not None)

    @property
    def final_errors(self) -> int:
        """Those of them that another attempt would end in again: bad rows, and what the filter stopped."""
        scores = (score for model in self.summary["models"] for score in model["scores"] if score["benchmark"])
        lasting = (ErrorKind.BAD_ROW.value, ErrorKind.WITHHELD.value)
        return sum(score["errors_by_kind"].get(kind, 0) for score in scores for kind in lasting)


class _Conduct(msgspec.Struct, frozen=True, kw_only=True):
    """How a session of a run is conducted, whatever is asked in it."""

    limits: Limits
    reuse: Sequence[Path | str]
    watch: Watcher | None
    signals: bool
    report: bool
    retry_errors: bool = False


def assess(*models: str, **options: Any) -> Run:
    """Assesses models and returns the finished (or stopped) run; see `assess_async` for the options."""
    return run_loop(assess_async(*models, **options))


async def assess_async(
    *models: str,
    out: Path | str = "runs",
    suite: str | None = None,
    benchmarks: Sequence[str] = (),
    evaluations: Sequence[str] = (),
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
        judge: Judge of free-text answers.
        roles: Role → model, over the suite's; the role there is: ``judge``.
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
        answers_of(Path(other))  # a folder that cannot be used is said before anything is made
    conduct = _Conduct(limits=limits or Limits(), reuse=reuse, watch=watch, signals=signals, report=report)
    cast = Cast(targets)
    try:
        assessment = resolve(
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
        )
        cast = open_cast(targets, assessment.judges.values(), configs, concurrency=concurrency)
        _check_prices(cast.everyone(), limits)
        difficulty = None
        if assessment.suite.difficulty is not None or prepared is not None:
            if prepared is None:
                ready = await _prepare(Path(out), assessment, configs, conduct, concurrency)
                if not ready.complete:
                    return ready
                prepared = ready.folder
            filtered = hard_cases(Path(prepared), assessment)
            assessment = replace(assessment, drawing=replace(assessment.drawing, hard=filtered.hard))
            difficulty = filtered.told
        folder, journal, manifest = _begin(Path(out), assessment, cast, difficulty)
        try:
            return await _session(folder, journal, manifest, cast, assessment.judges, conduct)
        finally:
            folder.close()
    finally:
        await cast.close()


async def _prepare(
    out: Path, assessment: Assessment, configs: dict[str, ModelConfig], conduct: _Conduct, concurrency: int | None
) -> Run:
    """Runs the suite's baseline over the benchmarks that are filtered by difficulty, as a run of its own."""
    wanted = assessment.suite.difficulty
    assert wanted is not None, "only a suite with a difficulty filter is prepared"
    names = filtered_names(assessment.suite, assessment.chosen)
    suite = preparation(assessment.suite, names)
    chosen = [
        replace(one, limit=wanted.pool, judge=suite.judge or one.judge)
        for one in assessment.chosen
        if one.benchmark.name in names
    ]
    baseline = open_caller(wanted.baseline, configs, concurrency=concurrency)
    made = make_judges(suite, {judge for one in chosen for judge in one.judges()})
    cast = open_cast([baseline], made.values(), configs, concurrency=concurrency)
    try:
        before = replace(
            assessment,
            suite=suite,
            chosen=chosen,
            judges=made,
            drawing=replace(assessment.drawing, targets=1, repeats=1),
            left_out=(),
        )
        folder, journal, manifest = _begin(out, before, cast)
        limits = Limits(calls=wanted.max_calls, cost=conduct.limits.cost, minutes=conduct.limits.minutes)
        _check_prices(cast.everyone(), limits)
        try:
            return await _session(folder, journal, manifest, cast, made, replace(conduct, limits=limits))
        finally:
            folder.close()
    finally:
        await cast.close()


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
    targets = [open_caller(target["name"], configs, concurrency=concurrency) for target in manifest["targets"]]
    cast = Cast(targets)
    conduct = _Conduct(
        limits=limits or Limits(), reuse=reuse, watch=watch, signals=signals, report=report, retry_errors=retry_errors
    )
    try:
        suite = Suite.model_validate(manifest["suite"])
        made = make_judges(suite, manifest["judges"])
        cast = open_cast(targets, made.values(), configs, concurrency=concurrency)
        _check_prices(cast.everyone(), limits)
        held = RunFolder(path, create=False)
        try:
            journal = Journal(path)
            if not journal.planned:
                await journal.close()
                raise JournalError(f"{path} was stopped before its plan was complete and nothing was asked: delete it")
            first = next(journal.cells(failed=retry_errors, window=1), None)
            if first is not None:
                versions = {name: find(name).version for name in manifest["benchmarks"] if name != "cases"}
                manifests.check_resumable(
                    manifest, cast, made, _attacks(), versions, f"{first.cell.position} ({first.cell.key})"
                )
            return await _session(held, journal, manifest, cast, made, conduct)
        finally:
            held.close()
    finally:
        await cast.close()


def write_results(
    folder: Path, manifest: dict[str, Any], *, report: bool = True, reveal: bool = False
) -> dict[str, Any]:
    """Writes ``summary.json`` and the report of a run from its journal, and returns the summary.

    Args:
        folder: The run's folder.
        manifest: Its manifest.
        report: Whether to write ``report.html`` and ``report.md`` too.
        reveal: Whether the report shows prompts and answers. They may be harmful; redacted unless asked for.
    """
    check_manifest(folder, manifest)
    db = open_journal(folder)
    try:
        with readable(folder / JOURNAL):
            summary = summarise(db, manifest)
        write_private(folder / SUMMARY, as_json(summary))
        if report:
            from tocsin.report import write_html, write_markdown  # its templates take time to load

            write_private(folder / REPORT, write_html(db, manifest, summary, reveal=reveal))
            write_private(folder / MARKDOWN, write_markdown(manifest, summary))
    finally:
        db.close()
    return summary


def load_run(folder: Path | str) -> Run:
    """A run as its folder holds it.

    Raises:
        JournalError: It is not a run folder, or cannot be read.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    check_manifest(path, manifest)
    db = open_journal(path)
    try:
        with readable(path / JOURNAL):
            summary = summarise(db, manifest)
    finally:
        db.close()
    last = manifest["sessions"][-1] if manifest["sessions"] else {"ending": Ending.INTERRUPTED, "reason": "never run"}
    return Run(folder=path, manifest=manifest, summary=summary, ended=Ended(Ending(last["ending"]), last["reason"]))


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Runs a coroutine on uvloop where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


def _begin(
    out: Path, assessment: Assessment, cast: Cast, difficulty: dict[str, Any] | None = None
) -> tuple[RunFolder, Journal, dict[str, Any]]:
    """Makes the run folder with its manifest and its plan; leaves nothing behind if that fails."""
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{assessment.suite.name}-{token_hex(2)}"
    manifest = manifests.build(name, assessment, cast, _attacks(), difficulty)
    parameters = [caller.model.parameters for caller in cast.everyone() if hasattr(caller.model, "parameters")]
    said = json.dumps([manifest["suite"], *map(dict, parameters)], ensure_ascii=False)
    if withheld(said):
        raise ValueError(f"{REASON}: it stands in the suite or in a model's configuration, and nothing was made of it")
    folder = RunFolder(out / name, create=True)
    try:
        folder.write_manifest(manifest)
        journal = Journal(folder.path, create=True)
        manifest["cells"] = journal.plan(plan(assessment.chosen, assessment.drawing))
        if not manifest["cells"]:
            raise ValueError("nothing is left to ask: the benchmarks have no case for these evaluations")
        manifest["bad_rows"] = {}
        for benchmark, (bad, every, first) in journal.bad_rows().items():
            if bad == every:
                raise ValueError(f"benchmark {benchmark!r}: no row of its data can be used; the first says: {first}")
            manifest["bad_rows"][benchmark] = {"rows": bad, "first": first}
        folder.write_manifest(manifest)
    except BaseException:
        folder.discard()
        raise
    return folder, journal, manifest


async def _session(
    folder: RunFolder,
    journal: Journal,
    manifest: dict[str, Any],
    cast: Cast,
    made: dict[str, judges.Judge],
    conduct: _Conduct,
) -> Run:
    """Runs the unfinished cells of a held, planned run, and writes what came of it."""
    suite = Suite.model_validate(manifest["suite"])
    shared = Shared(
        journal=journal,
        callers=cast.callers(),
        places=cast.places(),
        sampling={name: suite.sampling_of(name) for name in manifest["benchmarks"]},
        budget=Budget(conduct.limits),
        seed=suite.seed,
        retry_errors=conduct.retry_errors,
        reuse=tuple(answers_of(Path(other)) for other in conduct.reuse),
    )
    workers = sum(
        caller.concurrency.ceiling + min(EXTRA_WORKERS, caller.concurrency.ceiling) for caller in cast.targets
    )
    engine = Engine(shared, _attacks(), made, workers=min(workers, manifest["cells"]))
    session: dict[str, Any] = {
        "started": manifests.now(),
        "ended": None,
        "ending": Ending.INTERRUPTED,
        "reason": "the process ended",
    }
    manifest["sessions"].append(session)
    manifest["status"] = "running"
    try:
        folder.write_manifest(manifest)
        with (
            _interruptible(engine) if conduct.signals else contextlib.nullcontext(),
            conduct.watch(engine, manifest, journal.unfinished(failed=conduct.retry_errors))
            if conduct.watch
            else contextlib.nullcontext(),
        ):
            ended = await engine.run()
    except ReplayDiverged:
        manifest["sessions"].pop()
        manifest["status"] = "partial"
        folder.write_manifest(manifest)
        raise
    finally:
        with contextlib.suppress(JournalError):
            await journal.close()
    session.update(
        ended=manifests.now(), ending=ended.ending, reason=ended.reason, calls=shared.budget.calls,
        cost=round(shared.budget.cost, 6) if any(caller.prices for caller in cast.everyone()) else None,
    )  # fmt: skip
    manifest["status"] = "complete" if ended.ending is Ending.COMPLETE else "partial"
    folder.write_manifest(manifest)
    summary = write_results(folder.path, manifest, report=conduct.report)
    return Run(folder=folder.path, manifest=manifest, summary=summary, ended=ended)


def _attacks() -> dict[str, attacks.Attack]:
    return {"direct": attacks.make("direct")}


def _check_prices(callers: Sequence[Caller], limits: Limits | None) -> None:
    for caller in callers:
        if limits is not None and limits.cost is not None and caller.prices is None:
            raise ValueError(
                f'--max-cost needs the prices of {caller.model.name}: under [models."{caller.model.name}"] in tocsin.toml,'
                " prices = {input = …, output = …} in US dollars per million tokens"
            )


@contextlib.contextmanager
def _interruptible(engine: Engine) -> Iterator[None]:
    """The first interrupt lets open calls finish, the second ends at once. What is committed stays either way."""
    loop = asyncio.get_running_loop()

    def first() -> None:
        engine.stop()
        loop.remove_signal_handler(signal.SIGINT)  # the next one is Python's own

    loop.add_signal_handler(signal.SIGINT, first)
    loop.add_signal_handler(signal.SIGTERM, engine.stop)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)
