"""Judging a finished run's answers anew, without one call to who gave them; see docs/design/rejudge.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from tocsin.api.conduct import (
    Conduct,
    Watcher,
    attacks_of,
    benchmarks_of,
    check_prices,
    check_said,
    run_name,
    session,
)
from tocsin.api.run import Run, run_loop
from tocsin.engine import Limits
from tocsin.evaluations import manifest as manifests
from tocsin.evaluations.assessment import make_judges
from tocsin.evaluations.cast import Cast, open_cast
from tocsin.evaluations.suite import Suite, changed_suite, read_suite
from tocsin.journal import (
    Answers,
    FreeText,
    Journal,
    RunFolder,
    Survey,
    check_manifest,
    copy_journal,
    held_still,
    read_manifest,
    survey,
)
from tocsin.journal.folder import MANIFEST
from tocsin.judges import Judge
from tocsin.judges import make as make_judge
from tocsin.judges.contract import fits
from tocsin.models import read_config, recalled

OWN_GOLD = "choice"
"""The judge of a user's own cases whose right answer is an option or a label."""


def rejudge(run: Path | str, **options: Any) -> Run:
    """Judges a finished run's answers anew; see `rejudge_async` for the options."""
    return run_loop(rejudge_async(run, **options))


async def rejudge_async(
    run: Path | str,
    *,
    judge: str,
    roles: Mapping[str, str] | None = None,
    suite: str | None = None,
    partial: bool = False,
    out: Path | str | None = None,
    limits: Limits | None = None,
    concurrency: int | None = None,
    reuse: Sequence[Path | str] = (),
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
    report: bool = True,
) -> Run:
    """Judges the free-text answers of a run with another judge, as a run of its own, and compares the two.

    No call goes to a target: neither its endpoint nor its key is needed. The run that is named is read and not changed.

    Args:
        run: The folder of a finished run; it may be a rejudged one.
        judge: Judge of free-text answers. Cases with a right option or label keep theirs.
        roles: Role → model, over the run's; the role there is: ``judge``.
        suite: A suite, or a YAML file, whose ``judges`` and ``roles`` go over those of the run.
        partial: Take a run that is not finished, up to its first unfinished cell.
        out: Folder in which the new run's folder is made; the one that holds the run if None.
        limits: What this session may spend, on judges.
        concurrency: A fixed number of calls at a time; adaptive if None.
        reuse: Folders of other runs whose judges' answers may be used.
        config: A ``tocsin.toml``; the one in the working folder if None.
        watch: Shows progress.
        signals: Whether the first interrupt ends the run cleanly (in the main thread only).
        report: Whether to write the report beside the summary.

    Raises:
        ConfigError, UnknownName, ValueError: The judge cannot be had, or there is nothing for it to judge.
        ModelUnavailable: A key, a package or a file that the judge needs is missing.
        ReplayDiverged: An attack or a benchmark is not what it was in the run.
        JournalError: The run cannot be read, or the new folder cannot be written.
    """
    parent = Path(run)
    before = read_manifest(parent)
    check_manifest(parent, before)
    configs = read_config(Path(config) if config else None)
    for other in reuse:
        Answers(Path(other))  # a folder that cannot be used is said before anything is made
    then = Suite.model_validate(before["suite"])
    now = _changed(then, judge, roles or {}, suite)
    texts, names = _judged_by(before, then, now, judge)
    made = make_judges(now, names)
    targets = [recalled(target) for target in before["targets"]]
    cast = open_cast(targets, made.values(), configs, concurrency=concurrency)
    conduct = Conduct(limits=limits or Limits(), reuse=reuse, watch=watch, signals=signals, report=report)
    try:
        check_prices(list(cast.judges.values()), limits)
        with held_still(parent):
            there = _surveyed(parent, texts, partial=partial, stopped=_stopped(before))
            _check_unchanged(before, then, cast)
            folder, journal, manifest = _begin(
                Path(out) if out else parent.parent, parent, before, now, made, cast, texts, there
            )
        try:
            return await session(folder, journal, manifest, cast, made, conduct)
        finally:
            folder.close()
    finally:
        await cast.close()


def _changed(then: Suite, judge: str, roles: Mapping[str, str], suite: str | None) -> Suite:
    """The run's suite with another judge, as `assess` would resolve it."""
    said = read_suite(suite) if suite else None
    judges = {**then.judges, **(said.judges if said else {})}
    return changed_suite(
        then, {"judge": judge, "judges": judges, "roles": {**then.roles, **(said.roles if said else {}), **roles}}
    )


def _judged_by(before: dict[str, Any], then: Suite, now: Suite, judge: str) -> tuple[list[FreeText], set[str]]:
    """Which answers of each benchmark go to another judge, and every judge that the new run may ask. One that cannot judge what
    a benchmark asks for leaves it as it is.

    Raises:
        ValueError: It can judge nothing of the run.
    """
    known = benchmarks_of(before, then)
    asked, why = make_judge(judge, now.judges.get(judge)), ""
    texts, names = [], {judge}
    for name, about in before["benchmarks"].items():
        benchmark = known.get(name)
        if unfit := fits(asked, "image" if about.get("modality") == "image" else "text"):
            why = unfit
            names |= {about["judge"], about.get("gold_judge") or OWN_GOLD}
            continue
        fixed = {} if benchmark is None else benchmark.judges
        texts.append(FreeText(name, judge, tuple(fixed)))
        names |= {about.get("gold_judge") or OWN_GOLD, *fixed.values()}
        if thought := about.get("reasoning_judge"):  # reasoning keeps its judge; what that said is in the journal
            names.add(thought)
    if not texts:
        raise ValueError(why)
    return texts, names


def _surveyed(parent: Path, texts: list[FreeText], *, partial: bool, stopped: bool) -> Survey:
    """What the run has, once that is known to be enough.

    Args:
        parent: The run's folder.
        texts: Which answers go to another judge.
        partial: Whether what stands before the first unasked cell is enough.
        stopped: Whether the run is at its end where it knew enough.

    Raises:
        ValueError: It is not finished, or has nothing that another judge could read.
    """
    there = survey(parent, texts, asked_only=stopped)
    if there.first is not None and not partial:
        raise ValueError(
            f"{parent} is not finished ({there.unfinished:,} of {there.cells:,} cells are missing): finish it with tocsin"
            f" assess --resume {parent}, or add --partial to judge what it has"
        )
    if not there.free:
        upto = "" if there.first is None else " before its first unfinished cell"
        raise ValueError(
            f"{parent} has no free-text answer{upto} for {texts[0].judge!r} to judge: cases with a right option or label,"
            " and those for which a benchmark has a judge of its own, keep theirs"
        )
    return there


def _stopped(before: dict[str, Any]) -> bool:
    """Whether a run is finished and has a stopping rule, so that cells without a record are not missing."""
    return before["status"] == "complete" and bool(before["suite"].get("stopping"))


def _check_unchanged(before: dict[str, Any], then: Suite, cast: Cast) -> None:
    """Raises `ReplayDiverged` if an attack or a benchmark is not what it was when the answers were given."""
    versions = {name: one.version for name, one in benchmarks_of(before, then).items()}
    manifests.check_resumable(
        {**before, "roles": {}, "heard": None}, cast, {}, attacks_of(before), versions, "1 (the first)"
    )


def _begin(
    out: Path,
    parent: Path,
    before: dict[str, Any],
    now: Suite,
    made: dict[str, Judge],
    cast: Cast,
    texts: list[FreeText],
    there: Survey,
) -> tuple[RunFolder, Journal, dict[str, Any]]:
    """Makes the run folder with what the other run holds; leaves nothing behind if that fails."""
    told = _told(parent, before, made, texts, there)
    manifest = manifests.rejudged(
        run_name(f"{now.name}-rejudge"), before, now, made, cast, told, [text.benchmark for text in texts]
    )
    check_said(manifest, cast)
    folder = RunFolder(out / manifest["run"], create=True)
    try:
        folder.write_manifest(manifest)
        manifest["cells"] = copy_journal(parent, folder.path, texts, end=there.first, asked_only=_stopped(before))
        journal = Journal(folder.path)
        folder.write_manifest(manifest)
    except BaseException:
        folder.discard()
        raise
    return folder, journal, manifest


def _told(
    parent: Path, before: dict[str, Any], made: dict[str, Judge], texts: list[FreeText], there: Survey
) -> dict[str, Any]:
    """The manifest's field ``rejudged``: which run, whose answers, and which judges take whose place."""
    known = {name: judge["identity"] for name, judge in before["judges"].items()}
    return {
        "run": before["run"],
        "sha256": sha256((parent / MANIFEST).read_bytes()).hexdigest(),
        "answers": {
            "run": before.get("rejudged", {}).get("answers", {}).get("run") or before["run"],
            "first": _moment(there.asked_from),
            "last": _moment(there.asked_to),
            "calls": there.calls,
        },
        "judges": [
            {
                "benchmark": text.benchmark,
                "before": known.get(before["benchmarks"][text.benchmark]["judge"], ""),
                "after": made[text.judge].identity,
            }
            for text in texts
            if text.benchmark in there.free
        ],
        "partial": {"cells": there.cells, "unfinished": there.unfinished} if there.first is not None else None,
    }


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
