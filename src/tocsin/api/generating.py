"""From a regulation's text to drafts of items, in an engine run with a journal: see docs/reference/compliance-items.md.

A run that was killed goes on and pays for no answer twice; what it writes follows from its journal alone.
"""

from __future__ import annotations

import json
import platform
import sys
from functools import partial
from hashlib import sha256
from itertools import chain, count
from pathlib import Path
from typing import Any, get_args

import msgspec

from tocsin._version import __version__
from tocsin.api.conduct import Conduct, Watcher, carry_on, check_prices, check_said, reopened, run_name
from tocsin.api.run import run_loop
from tocsin.benchmarks.items import write_items
from tocsin.compliance.diff import Difference, compare, for_review
from tocsin.compliance.framework import ENDINGS
from tocsin.compliance.framework import find as find_framework
from tocsin.compliance.generate.assemble import (
    COPY,
    FRAMEWORK,
    ITEMS,
    RESULT,
    About,
    Chapter,
    counts,
    framework,
    item_set,
)
from tocsin.compliance.generate.source import Regulation, read_regulation
from tocsin.compliance.generate.splitting import Chunk, split
from tocsin.compliance.generate.wanted import Output, Wanted, themes
from tocsin.compliance.generate.writer import ItemWriter, Made, Taken, case_of, chunk_of
from tocsin.engine import REASON, Ended, Ending, Limits, fingerprint, withheld
from tocsin.evaluations import manifest as manifests
from tocsin.evaluations.cast import Cast, open_cast
from tocsin.evaluations.suite import parse_suite
from tocsin.journal import (
    Journal,
    PlannedCase,
    PlannedCell,
    RunFolder,
    check_manifest,
    open_journal,
    read_manifest,
    write_private,
)
from tocsin.journal.folder import GENERATION
from tocsin.languages import canonical
from tocsin.models import EMBEDDED, Caller, ConfigError, ModelConfig, open_caller, read_config
from tocsin.types import Case, ErrorKind

SUITE = "name: generate\ntitle: Items from a regulation\nseed: 250926100\n"
PLAN = "regulation"
"""What the plan calls its one benchmark."""


class Generated(msgspec.Struct, frozen=True, kw_only=True):
    """What a run gave so far.

    Attributes:
        folder: The run's folder.
        ended: How the session ended.
        told: What ``generation.json`` holds.
        items: The set of drafts; None where there is no rule.
        framework: Its framework's file; None where there is no rule, or where the framework was named.
        set_aside: Files that somebody changed since they were written, beside which the new ones stand.
        errors: Chunks that could not be read because a call failed.
    """

    folder: Path
    ended: Ended
    told: dict[str, Any]
    items: Path | None = None
    framework: Path | None = None
    set_aside: list[Path] = []
    errors: int = 0


def generate_items(regulation: Path | str, **options: Any) -> Generated:
    """Writes drafts of items for a regulation; see `generate_items_async` for the options."""
    return run_loop(generate_items_async(regulation, **options))


async def generate_items_async(
    regulation: Path | str,
    *,
    model: str = EMBEDDED,
    output: Output = "text",
    framework: Path | str | None = None,
    out: Path | str = "runs",
    limit: int | None = None,
    encoding: str | None = None,
    language: str | None = None,
    licence: str | None = None,
    limits: Limits | None = None,
    concurrency: int | None = None,
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
) -> Generated:
    """Has a model take a regulation apart into rules and write items for each.

    Args:
        regulation: A file of plain text.
        model: Who reads and writes.
        output: What the items ask the tested model for; of images there are open items alone.
        framework: A framework by name, or the path of its file, into whose clauses the model sorts the rules; a rule that belongs
            to none is dropped. If None, the parts of the text are the clauses of a framework of its own.
        out: Folder in which the run's own folder is made.
        limit: Chunks of the text that are read, from its beginning.
        encoding: Of the file, where it is not UTF-8.
        language: BCP 47 code of the text; by its script if None.
        licence: Of the drafts; else they say that nobody stated it.
        limits: What this session may spend.
        concurrency: A fixed number of calls at a time; adaptive if None.
        config: A ``tocsin.toml``; the one in the working folder if None.
        watch: Shows progress.
        signals: Whether the first interrupt ends the run cleanly.

    Raises:
        ConfigError: The file cannot be read as text; the message says how to convert it. Or the framework's cannot be used.
        UnknownLanguage: The language is not known; the nearest are named.
        UnknownName, ModelUnavailable: The model, or the framework, cannot be had.
        JournalError: The run folder cannot be used.
    """
    language = language and canonical(language)
    if output not in get_args(Output):
        raise ValueError(f"output {str(output)[:40]!r} should be text or image")
    text = read_regulation(Path(regulation), encoding)
    chunks = split(text.text)[:limit]
    if not chunks:
        raise ValueError(f"{regulation}: has no sentence in which a rule could stand")
    sorted_into = None if framework is None else str(framework)
    if sorted_into is not None and not themes(find_framework(sorted_into)):
        raise ValueError(f"framework {sorted_into} has no clause that a test could say anything about")
    configs = read_config(Path(config) if config else None)
    caller = open_caller(model, configs, concurrency=concurrency)
    cast = open_cast([caller], [], configs, concurrency=concurrency)
    try:
        check_prices(cast.everyone(), limits)
        told = {
            "language": language or _language(text.text),
            "licence": licence or _licence(text, model),
            "limit": limit,
            "output": output,
            "framework": "" if framework is None else _kept_as(str(framework)),
        }
        held, journal, manifest = _begun(Path(out), text, chunks, caller, cast, told, sorted_into)
        conduct = Conduct(limits=limits or Limits(), reuse=(), watch=watch, signals=signals, report=False)
        return await _session(held, journal, manifest, cast, conduct)
    finally:
        await cast.close()


def resume_generation(folder: Path | str, **options: Any) -> Generated:
    """Finishes a run that was stopped; see `resume_generation_async` for the options."""
    return run_loop(resume_generation_async(folder, **options))


async def resume_generation_async(
    folder: Path | str,
    *,
    retry_errors: bool = False,
    limits: Limits | None = None,
    concurrency: int | None = None,
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
) -> Generated:
    """Finishes a run that was stopped. Nothing that is in its journal is asked again; the regulation's file is not needed.

    Raises:
        ReplayDiverged: The model or a prompt is not what it was when the run was planned.
        JournalError, ModelUnavailable, UnknownName, ConfigError: The folder or the model cannot be used.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    check_manifest(path, manifest, kind=GENERATION)
    configs: dict[str, ModelConfig] = read_config(Path(config) if config else None)
    (target,) = manifest["targets"]
    cast = open_cast(
        [open_caller(target["name"], configs, concurrency=concurrency)], [], configs, concurrency=concurrency
    )
    try:
        check_prices(cast.everyone(), limits)
        check = partial(_check_same, path, manifest, cast)
        held, journal = await reopened(path, failed=retry_errors, check=check)
        conduct = Conduct(
            limits=limits or Limits(), reuse=(), watch=watch, signals=signals, report=False, retry_errors=retry_errors
        )
        return await _session(held, journal, manifest, cast, conduct)
    finally:
        await cast.close()


def compare_items(
    old: Path | str, new: Path | str, *, encoding: str | None = None, write: Path | str | None = None
) -> Difference:
    """Which rules and items of a set a new text of the regulation concerns, or a newer set.

    Args:
        old: The set.
        new: A file of plain text, or a set of items (YAML).
        encoding: Of the text, where it is not UTF-8.
        write: Where to write the set, with the items that are to be looked at again as drafts; nowhere if None.

    Raises:
        ConfigError: A file cannot be used, or there is one already where the set is to be written.
    """
    found = compare(Path(old), Path(new), encoding)
    if write is not None:
        path = Path(write)
        if path.exists():
            raise ConfigError(f"{path} exists already: name another file for --write")
        write_private(path, write_items(for_review(Path(old), found)))
    return found


def _kept_as(framework: str) -> str:
    """What a set in the run's folder says of its framework: the name, or the file's copy beside it."""
    return FRAMEWORK if framework.endswith(ENDINGS) else framework


def _wanted(folder: Path, manifest: dict[str, Any]) -> Wanted:
    """What kind of set a run drafts."""
    told = manifest["benchmarks"][PLAN]
    name = told.get("framework", "")
    found = find_framework(str(folder / name) if name.endswith(ENDINGS) else name) if name else None
    return Wanted(
        output=told.get("output", "text"),
        language=told["language"],
        framework=name,
        clauses=themes(found) if found else (),
    )


def _check_same(folder: Path, manifest: dict[str, Any], cast: Cast, cell: str) -> None:
    (target,), (caller,) = manifest["targets"], cast.targets
    manifests.check_same(f"model {target['name']!r}", target["identity"], caller.model.identity, cell)
    writer = ItemWriter(_wanted(folder, manifest))
    manifests.check_same("the prompts", manifest["attacks"][writer.name]["identity"], writer.identity, cell)


def _begun(
    out: Path,
    text: Regulation,
    chunks: list[Chunk],
    caller: Caller,
    cast: Cast,
    told: dict[str, Any],
    framework: str | None,
) -> tuple[RunFolder, Journal, dict[str, Any]]:
    """Makes the run folder with its manifest and its plan; leaves nothing behind if that fails."""
    taken = Taken()
    suite = parse_suite(SUITE, "generate")
    manifest = {
        "schema": manifests.SCHEMA,
        "kind": GENERATION,
        "run": run_name("generate"),
        "status": "planned",
        "created": manifests.now(),
        "versions": {"tocsin": __version__, "python": platform.python_version(), "platform": sys.platform},
        "suite": suite.model_dump(mode="json"),
        "targets": [manifests.model_told(caller)],
        "roles": {},
        "judges": {taken.name: {"identity": taken.identity}},
        "benchmarks": {PLAN: {"file": text.file, "sha256": text.sha256, "chunks": len(chunks), **told}},
        "cells": 0,
        "sessions": [],
    }
    check_said(manifest, cast)
    folder = RunFolder(out / str(manifest["run"]), create=True)
    try:
        if framework is not None and framework.endswith(ENDINGS):
            write_private(folder.path / FRAMEWORK, Path(framework).expanduser().read_text(encoding="utf-8-sig"))
        writer = ItemWriter(_wanted(folder.path, manifest))
        manifest["attacks"] = {writer.name: {"identity": writer.identity}}
        folder.write_manifest(manifest)
        if not withheld(text.text):  # the chunks that can be shown are in the journal all the same
            write_private(folder.path / COPY, text.text)
        journal = Journal(folder.path, create=True)
        manifest["cells"] = journal.plan(
            (_planned(chunk), [PlannedCell(0, "compliance", writer.name, 0, taken.name, place)])
            for place, chunk in enumerate(chunks)
        )
        folder.write_manifest(manifest)
    except BaseException:
        folder.discard()
        raise
    return folder, journal, manifest


def _planned(chunk: Chunk) -> PlannedCase:
    if not withheld(chunk.title, chunk.text):
        return PlannedCase(PLAN, chunk.id, case_of(chunk))
    detail = f"{REASON} (sha256 {fingerprint(chunk.text)})"
    return PlannedCase(PLAN, chunk.id, None, ErrorKind.WITHHELD, detail)


async def _session(
    held: RunFolder, journal: Journal, manifest: dict[str, Any], cast: Cast, conduct: Conduct
) -> Generated:
    """One session of a run, and the files of what it has by then."""
    try:
        writer, taken = ItemWriter(_wanted(held.path, manifest)), Taken()
        ended = await carry_on(held, journal, manifest, cast, {taken.name: taken}, {writer.name: writer}, conduct)
        return _written(held.path, manifest, ended)
    finally:
        held.close()


def _written(folder: Path, manifest: dict[str, Any], ended: Ended) -> Generated:
    told, (target,) = manifest["benchmarks"][PLAN], manifest["targets"]
    about = About(
        file=told["file"],
        sha256=told["sha256"],
        language=told["language"],
        licence=told["licence"],
        model=target["name"],
        created=manifest["created"],
        wanted=_wanted(folder, manifest),
    )
    chapters, calls = _chapters(folder)
    found = item_set(chapters, about)
    before = _before(folder)
    files = {ITEMS: write_items(found)} if found.rules else {}
    if found.rules and not about.wanted.framework:
        files[FRAMEWORK] = framework(chapters, about)
    paths, aside, kept = {}, [], dict(before)
    for name, text in files.items():
        digest = sha256(text.encode()).hexdigest()
        path, edited = _free_place(folder / name, digest, before)
        write_private(path, text)
        paths[name], kept[path.name] = path, digest
        aside += edited
    complete = ended.ending is Ending.COMPLETE
    result = {
        "schema": 1,
        "run": manifest["run"],
        "complete": complete,
        "regulation": {"file": about.file, "sha256": about.sha256, "language": about.language},
        "model": {"name": target["name"], "identity": target["identity"]},
        "output": about.wanted.output,
        "framework": found.framework,
        **counts(chapters, found, about.wanted),
        "calls": calls,
        "written": kept,
    }
    write_private(folder / RESULT, json.dumps(result, ensure_ascii=False, indent=1) + "\n")
    failed = {kind: number for kind, number in result["chunks"]["failed"].items() if kind != ErrorKind.WITHHELD}
    return Generated(
        folder=folder,
        ended=ended,
        told=result,
        items=paths.get(ITEMS),
        framework=paths.get(FRAMEWORK),
        set_aside=aside,
        errors=sum(failed.values()),
    )


def _free_place(path: Path, digest: str, before: dict[str, str]) -> tuple[Path, list[Path]]:
    """Where a file can be written, and the files on the way that somebody changed or put there: none of those is written over.

    Args:
        path: Where it should be.
        digest: The hash of what is to be written.
        before: File names with the hashes of what earlier sessions wrote there.
    """
    edited: list[Path] = []
    names = chain((path.name, f"{path.stem}.new{path.suffix}"), (f"{path.stem}.new-{n}{path.suffix}" for n in count(2)))
    for place in (path.with_name(name) for name in names):
        if not place.exists() or _hash(place) in (before.get(place.name), digest):
            return place, edited
        edited.append(place)
    raise AssertionError("there is always another number")


def _hash(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _before(folder: Path) -> dict[str, str]:
    """The hashes of the files that an earlier session wrote."""
    try:
        written = json.loads((folder / RESULT).read_text(encoding="utf-8"))["written"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return {str(name): str(value) for name, value in written.items()} if isinstance(written, dict) else {}


def _chapters(folder: Path) -> tuple[list[Chapter], dict[str, Any]]:
    """Every chunk with what came of it, and what the calls came to, from the journal of a run."""
    db = open_journal(folder)
    try:
        rows = db.execute(
            "SELECT s.case_id, s.body, r.outcome, r.reason, t.text FROM cells c JOIN cases s ON s.id = c.case_ref"
            " LEFT JOIN latest r ON r.cell = c.id LEFT JOIN readings t ON t.cell = r.cell AND t.attempt = r.attempt ORDER BY c.id"
        ).fetchall()
        made, failed, cost = db.execute("SELECT count(*), sum(error IS NOT NULL), sum(cost) FROM calls").fetchone()
    finally:
        db.close()
    decode, result = msgspec.json.Decoder(Case).decode, msgspec.json.Decoder(Made).decode
    chapters = []
    for name, body, outcome, reason, text in rows:
        chunk = Chunk(name, "", 0, 0, "") if body is None else chunk_of(decode(body))
        why = "" if outcome is None or text is not None else str(reason)
        chapters.append(
            Chapter(chunk.id, chunk.title, chunk.start, chunk.end, None if text is None else result(text), why)
        )
    return chapters, {"made": made, "failed": failed or 0, "cost": cost}


def _licence(text: Regulation, model: str) -> str:
    return f"not stated: drafts by {model} after {text.file}"


def _language(text: str) -> str:
    """The language that a text's script speaks for: Japanese, Korean or Chinese; else English, which a user may put right."""
    letters = [sign for sign in text if sign.isalpha()]
    scripts = {"ja": ("\u3040", "\u30ff"), "ko": ("\uac00", "\ud7af"), "zh": ("\u3400", "\u9fff")}
    for code, (first, last) in scripts.items():
        if sum(first <= sign <= last for sign in letters) > len(letters) / (20 if code == "ja" else 4):
            return code
    return "en"
