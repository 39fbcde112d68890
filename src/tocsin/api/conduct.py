"""Conducting a session of a run, whatever is asked in it: planning, running, writing what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from tocsin import attacks, judges
from tocsin.api.run import Run, write_results
from tocsin.attacks.replay import Replay
from tocsin.benchmarks import Benchmark, find
from tocsin.engine import REASON, Budget, Ended, Ending, Engine, Limits, Shared, seldom_collected, withheld
from tocsin.evaluations import manifest as manifests
from tocsin.evaluations.assessment import Assessment, make_judges
from tocsin.evaluations.attacking import ROLES, expected_calls, made_attack
from tocsin.evaluations.cast import Cast, open_cast
from tocsin.evaluations.difficulty import filtered_names, preparation
from tocsin.evaluations.flags import foreign
from tocsin.evaluations.plan import plan
from tocsin.evaluations.suite import Suite
from tocsin.journal import (
    Answers,
    Journal,
    JournalError,
    ReplayDiverged,
    RunFolder,
)
from tocsin.judges.heard import heard
from tocsin.judges.refusal_rules import is_refusal
from tocsin.models import Caller, ModelConfig, open_caller
from tocsin.protocols import Attack
from tocsin.types import Allowance, Role

if TYPE_CHECKING:
    from tocsin.engine.search import Search
    from tocsin.engine.stopping import Stopping

Watcher = Callable[[Engine, dict[str, Any], dict[str, int]], contextlib.AbstractContextManager[None]]
"""Given the engine, the manifest and the number of cells of each benchmark, shows progress while its context is open."""


EXTRA_WORKERS = 64
"""Cells beyond the calls at a time: those that wait for a commit or a judge."""


REPLAYED: frozenset[Role] = frozenset(("target", "attacker", "translator"))
"""Roles that nobody is asked in when a run is rejudged."""


class Conduct(msgspec.Struct, frozen=True, kw_only=True):
    """How a session of a run is conducted, whatever is asked in it."""

    limits: Limits
    reuse: Sequence[Path | str]
    watch: Watcher | None
    signals: bool
    report: bool
    retry_errors: bool = False


async def prepare(
    out: Path, assessment: Assessment, configs: dict[str, ModelConfig], conduct: Conduct, concurrency: int | None
) -> Run:
    """Runs the suite's baseline over the benchmarks that are filtered by difficulty, as a run of its own."""
    wanted = assessment.suite.difficulty
    assert wanted is not None, "only a suite with a difficulty filter is prepared"
    before = baseline_of(assessment)
    baseline = open_caller(wanted.baseline, configs, concurrency=concurrency)
    made = before.judges
    cast = open_cast([baseline], made.values(), configs, concurrency=concurrency)
    try:
        calls = [most for most in (wanted.max_calls, conduct.limits.calls) if most is not None]
        limits = replace(conduct.limits, calls=min(calls, default=None))
        check_prices(cast.everyone(), limits)
        folder, journal, manifest = begin(out, before, cast)
        try:
            return await session(folder, journal, manifest, cast, made, replace(conduct, limits=limits))
        finally:
            folder.close()
    finally:
        await cast.close()


def baseline_of(assessment: Assessment) -> Assessment:
    """What the baseline of a suite with a difficulty filter is asked: the filtered benchmarks, as many cases as its pool has."""
    wanted = assessment.suite.difficulty
    assert wanted is not None, "only a suite with a difficulty filter has a baseline"
    names = filtered_names(assessment.suite, assessment.chosen)
    suite = preparation(assessment.suite, names)
    chosen = [
        replace(one, limit=wanted.pool, judge=suite.judge or one.judge, reasoning=None)
        for one in assessment.chosen
        if one.benchmark.name in names
    ]
    return replace(
        assessment,
        suite=suite,
        chosen=chosen,
        judges=make_judges(suite, {judge for one in chosen for judge in one.judges()}),
        drawing=replace(assessment.drawing, targets=1, repeats=1, together=False),
        left_out=(),
    )


def begin(
    out: Path, assessment: Assessment, cast: Cast, difficulty: dict[str, Any] | None = None
) -> tuple[RunFolder, Journal, dict[str, Any]]:
    """Makes the run folder with its manifest and its plan; leaves nothing behind if that fails."""
    name = run_name(assessment.suite.name)
    manifest = manifests.build(name, assessment, cast, difficulty)
    check_said(manifest, cast)
    folder = RunFolder(out / name, create=True)
    try:
        folder.write_manifest(manifest)
        journal = Journal(folder.path, create=True)
        with seldom_collected():
            manifest["cells"] = journal.plan(plan(assessment.chosen, assessment.drawing, journal.images.keep))
        if assessment.drawing.pictured:
            manifest["adversarial"]["pictured"] = assessment.drawing.pictured
        if not manifest["cells"]:
            raise ValueError("nothing is left to ask: the benchmarks have no case for these evaluations")
        asked = {group[0] for group in journal.groups()}
        for number, target in enumerate(manifest["targets"]):
            if number not in asked:
                raise ValueError(
                    f"{target['name']}: nothing of this run can be asked of it; leave it out, or add what it takes"
                )
        if assessment.attacking.named and not any(group[1] == "adversarial" for group in journal.groups()):
            raise ValueError(
                "no attack can be run: none of the cases that were drawn is a text that should be refused; raise the limit, or"
                " name another benchmark"
            )
        manifest["flags"] += foreign(manifest["judges"], journal.judged_languages())
        for one in assessment.chosen:
            data = manifest["benchmarks"][one.benchmark.name]["dataset"]
            if rows := sum(found.left_out for found in one.files):
                data["rows_left_out"] = rows
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


def run_name(what: str) -> str:
    """A name for a new run: the time, what it is, and four hexadecimal digits."""
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{what}-{token_hex(2)}"


def check_said(manifest: dict[str, Any], cast: Cast) -> None:
    """Raises `ValueError` if what the user wrote meets the filter, so that nothing is made of it."""
    parameters = [caller.model.parameters for caller in cast.everyone() if hasattr(caller.model, "parameters")]
    if withheld(json.dumps([manifest["suite"], *map(dict, parameters)], ensure_ascii=False)):
        raise ValueError(f"{REASON}: it stands in the suite or in a model's configuration, and nothing was made of it")


async def session(
    folder: RunFolder,
    journal: Journal,
    manifest: dict[str, Any],
    cast: Cast,
    made: dict[str, judges.Judge],
    conduct: Conduct,
) -> Run:
    """Runs the unfinished cells of a held, planned run, and writes what came of it."""
    ended = await carry_on(folder, journal, manifest, cast, made, attacks_of(manifest), conduct)
    summary = write_results(folder.path, manifest, report=conduct.report)
    return Run(folder=folder.path, manifest=manifest, summary=summary, ended=ended)


async def carry_on(
    folder: RunFolder,
    journal: Journal,
    manifest: dict[str, Any],
    cast: Cast,
    made: dict[str, judges.Judge],
    tried: Mapping[str, Attack],
    conduct: Conduct,
) -> Ended:
    """Runs the unfinished cells of a held, planned run, closes its journal and keeps its manifest."""
    suite = Suite.model_validate(manifest["suite"])
    rejudged = "rejudged" in manifest
    manifest["cells"] = manifest["cells"] or journal.count_cells()  # a process may have died between plan and manifest
    shared = Shared(
        journal=journal,
        callers=cast.callers(),
        places=cast.places(),
        sampling={name: suite.sampling_of(name) for name in manifest["benchmarks"]},
        budget=Budget(conduct.limits),
        seed=suite.seed,
        retry_errors=conduct.retry_errors,
        reuse=tuple(Answers(Path(other)) for other in conduct.reuse),
        replayed=REPLAYED if rejudged else frozenset(),
        allowance=suite.adversarial.allowance.record() if suite.adversarial else Allowance(),
        in_loop=made.get((manifest.get("adversarial") or {}).get("in_loop") or ""),
        refuses=is_refusal,
        heard=heard,
        spoken=frozenset(name for name, about in manifest["benchmarks"].items() if about.get("paired")),
    )
    asked = list(cast.judges.values()) if rejudged else cast.targets or cast.everyone()
    workers = sum(caller.concurrency.ceiling + min(EXTRA_WORKERS, caller.concurrency.ceiling) for caller in asked)
    workers = workers or EXTRA_WORKERS  # nobody is asked: rules judge what is in the journal
    thought = {name: of for name, about in manifest["benchmarks"].items() if (of := about.get("reasoning_judge"))}
    search = None if rejudged else search_of(manifest, journal, tried)
    engine = Engine(
        shared, tried, made, reasoning=thought, checked={} if rejudged else checked_of(manifest), workers=min(workers,
        manifest["cells"]), search=search,
        stopping=None if rejudged else stopping_of(suite, journal),
    )  # fmt: skip
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
    return ended


async def reopened(path: Path, *, failed: bool, check: Callable[[str], None]) -> tuple[RunFolder, Journal]:
    """A stopped run's folder, held, and its journal.

    Args:
        path: The folder.
        failed: Whether cells that ended in `error` are to be run again.
        check: Given the first cell that would be run; raises `ReplayDiverged` if it would not be what it was.

    Raises:
        JournalError: The folder cannot be used, or its plan was never complete.
    """
    held = RunFolder(path, create=False)
    try:
        journal = Journal(path)
        if not journal.planned:
            await journal.close()
            raise JournalError(f"{path} was stopped before its plan was complete and nothing was asked: delete it")
        first = next(journal.cells(failed=failed, window=1), None)
        if first is not None:
            check(f"{first.cell.position} ({first.cell.key})")
    except BaseException:
        held.close()
        raise
    return held, journal


def checked_of(manifest: dict[str, Any]) -> dict[str, str]:
    """Benchmark → the language into which its answers in others are translated to be judged again, where the suite
    asks for that.
    """
    told = Suite.model_validate(manifest["suite"]).multilingual
    if not told.check:
        return {}
    about = manifest["benchmarks"]
    paired = (
        name
        for name, one in about.items()
        if one.get("paired") and one.get("modality") != "image" and one.get("evaluation") != "compliance"
    )
    return dict.fromkeys(paired, told.reference)


def benchmarks_of(manifest: dict[str, Any], suite: Suite) -> dict[str, Benchmark]:
    """The benchmarks of a planned run as they are now, by name. A user's own cases are in the plan and nowhere else."""
    paths = {entry.benchmark: entry.name for entry in suite.benchmarks}
    return {
        name: find(paths.get(name, name), drafts=suite.compliance.drafts)
        for name in manifest["benchmarks"]
        if name != "cases"
    }


def search_of(manifest: dict[str, Any], journal: Journal, tried: Mapping[str, Any]) -> Search | None:
    """What decides which adversarial cells of a run are begun; None where all are."""
    told = manifest.get("adversarial") or {}
    if told.get("mode") != "worst-case":
        return None
    from tocsin.engine.schedule import AttackCost  # they bring NumPy, and few runs search
    from tocsin.engine.search import Search

    costs = [
        AttackCost(name=name, family=tried[name].card.family, calls=expected_calls(tried[name]))
        for name in told["attacks"]
    ]
    targets = [target["name"] for target in manifest["targets"]]
    return Search(journal, targets, costs, seed=manifest["suite"]["seed"], per_case=told.get("audit"))


def stopping_of(suite: Suite, journal: Journal) -> Stopping | None:
    """What decides which groups of a run need no further case; None where all cases are asked."""
    if suite.stopping is None:
        return None
    from tocsin.engine.stopping import Stopping  # it brings NumPy, and few runs stop

    return Stopping(journal, precision=suite.stopping.precision, decide=suite.stopping.decide)


def attacks_of(manifest: dict[str, Any]) -> dict[str, attacks.Attack]:
    """The attacks of a planned run, made anew from its suite."""
    suite = Suite.model_validate(manifest["suite"])
    replayed = (manifest.get("transferred") or {}).get("replayed", ())
    return {name: Replay(attack=name) if name in replayed else made_attack(suite, name) for name in manifest["attacks"]}


def helpers_of(manifest: dict[str, Any]) -> dict[Role, str]:
    """Attacker and translator of a planned run, where it has them: role → model."""
    roles = manifest.get("roles", {})
    return {role: name for role in ROLES for name in roles.get(role, {})}


def check_prices(callers: Sequence[Caller], limits: Limits | None) -> None:
    """Raises `ValueError` if there is a limit on cost and a model whose prices are not known."""
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
