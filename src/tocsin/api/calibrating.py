"""Measuring a judge against human labels: see docs/design/calibration.md.

A judge that asks models is measured in an engine run with a journal, so that a calibration that was killed goes on and
pays for no verdict twice. A judge that asks nobody needs none of this and is measured in the process.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from secrets import token_hex
from typing import Any

import msgspec

from tocsin._version import __version__
from tocsin.api import stored
from tocsin.api.conduct import Conduct, Watcher, carry_on, check_prices, reopened
from tocsin.api.run import run_loop
from tocsin.datasets import data_folder
from tocsin.engine import Ended, Ending, Limits
from tocsin.evaluations import manifest as manifests
from tocsin.evaluations.assessment import check_terms, make_judges
from tocsin.evaluations.cast import Cast, open_cast
from tocsin.evaluations.suite import Suite, changed_suite, parse_suite, read_suite
from tocsin.journal import Journal, RunFolder, check_manifest, read_manifest, write_private
from tocsin.journal.folder import CALIBRATION
from tocsin.judges import Judge, measuring
from tocsin.judges.card import About, Card, cards_folder, save, text_of
from tocsin.judges.contract import fits
from tocsin.judges.labels import Labelled, LabelSet, find, own_labels
from tocsin.judges.under_attack import flip_rates
from tocsin.models import ModelConfig, read_config
from tocsin.registry import UnknownName

RESULT = "calibration.json"
SUITE = "name: calibration\ntitle: A judge beside people\nseed: 260110527\n"


class Calibrated(msgspec.Struct, frozen=True, kw_only=True):
    """What a calibration gave.

    Attributes:
        cards: A card for each set of labels; none for a run that is not finished.
        paths: Where each card was written, beside its page.
        folder: The run's folder; None for a judge that asks no model.
        ended: How the run ended.
        errors: Answers that could not be put to the judge at all.
    """

    cards: list[Card]
    paths: list[Path] = []
    folder: Path | None = None
    ended: Ended = Ended(Ending.COMPLETE)
    errors: int = 0
    unread: int = 0
    """Answers on which the judge failed, refused or could not be read."""
    unread_word: str = ""
    """The most frequent reason."""
    decided: list[str] = []
    """Of a cascade: how much each step decided, in words, a line a set."""


class Chosen(msgspec.Struct, frozen=True):
    """A set of labels, read."""

    about: About
    records: list[Labelled]


def calibrate(judge: str, **options: Any) -> Calibrated:
    """Measures a judge on sets of human labels; see `calibrate_async` for the options."""
    return run_loop(calibrate_async(judge, **options))


async def calibrate_async(
    judge: str,
    *,
    on: Sequence[str],
    data: Path | str | None = None,
    accept_licences: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    suite: str | None = None,
    roles: Mapping[str, str] | None = None,
    limit: int | None = None,
    seed: int | None = None,
    attacked: int | None = None,
    cards: Path | str | None = None,
    keep: bool = True,
    out: Path | str = "runs",
    limits: Limits | None = None,
    concurrency: int | None = None,
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
) -> Calibrated:
    """Measures a judge on sets of human labels and keeps the cards.

    Args:
        judge: The judge's name, also one that the suite gives it.
        on: Names of label sets, or files with the columns ``prompt``, ``response`` (or ``images``) and ``label``.
        data: Folder with datasets.
        accept_licences: Names of label sets whose terms are accepted.
        parameters: Of the judge, over the suite's.
        suite: A suite whose word on judges and roles holds: the same judge there has the same identity here.
        roles: Role → model; the role there is: ``judge``.
        limit: Labels drawn from each set at most.
        seed: Of that drawing.
        attacked: Also change so many answers of each set in ways that leave their meaning, and see which verdicts turn
            round. For judges that ask no model.
        cards: Folder of the cards; else `tocsin.judges.card.cards_folder`'s.
        keep: Whether to write the cards.
        out: Folder in which the run's own folder is made, for a judge that asks models.
        limits: What this session may spend.
        concurrency: A fixed number of calls at a time; adaptive if None.
        config: A ``tocsin.toml``; the one in the working folder if None.
        watch: Shows progress.
        signals: Whether the first interrupt ends the run cleanly.

    Raises:
        UnknownName, ValueError, ConfigError: There is no such judge or set; or the labels are none of answers, or of answers of
            another kind than the judge reads.
        ModelUnavailable: A key, a package or a file is missing.
        DatasetError, RowError, LicenceNotAccepted: The labels cannot be had or read.
        JournalError: The run folder cannot be used.
    """
    said, made = _judge(judge, suite, parameters, roles, seed)
    chosen = [_chosen(name, said, limit, data, accept_licences) for name in dict.fromkeys(on)]
    names = [one.about.labels for one in chosen]
    for one in chosen:
        _check_fit(made, one)
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"labels {doubled[0]!r} are named twice: a file's set is named by the file")
    if attacked and made.models:
        raise ValueError(
            f"judge {judge!r} asks a model, and every answer would be judged some eighty times: --attacked is for judges that"
            " ask none; tocsin.judges.under_attack.flip_rates does it with your own way to ask"
        )
    if not made.models:
        found, suite_seed = [], said.seed
        for one in chosen:
            rows = await stored.judged(made, one.records, refusal=one.about.about == "refusal")
            card = measuring.card_of(made, one.about, rows)
            if attacked:
                kept = measuring.drawn(one.records, attacked, suite_seed)
                flips = await flip_rates(made, kept, about="refusal" if one.about.about == "refusal" else "harm")
                card = msgspec.structs.replace(card, attempts=flips.as_dict())
            found.append(card)
        return Calibrated(cards=found, paths=_kept(found, cards) if keep else [])
    configs = read_config(Path(config) if config else None)
    cast = open_cast([], [made], configs, concurrency=concurrency)
    try:
        check_prices(cast.everyone(), limits)
        held, journal, manifest = _begun(Path(out), judge, said, made, cast, chosen)
        conduct = Conduct(limits=limits or Limits(), reuse=(), watch=watch, signals=signals, report=False)
        return await _session(held, journal, manifest, judge, made, cast, conduct, cards, keep)
    finally:
        await cast.close()


def resume_calibration(folder: Path | str, **options: Any) -> Calibrated:
    """Finishes a calibration that was stopped; see `resume_calibration_async` for the options."""
    return run_loop(resume_calibration_async(folder, **options))


async def resume_calibration_async(
    folder: Path | str,
    *,
    retry_errors: bool = False,
    cards: Path | str | None = None,
    keep: bool = True,
    limits: Limits | None = None,
    concurrency: int | None = None,
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
) -> Calibrated:
    """Finishes a calibration that was stopped. No verdict that is in its journal is asked for again.

    Raises:
        ReplayDiverged: The judge or a model is not what it was when the run was planned.
        JournalError, ModelUnavailable, UnknownName, ConfigError: The folder or a model cannot be used.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    check_manifest(path, manifest, kind=CALIBRATION)
    configs: dict[str, ModelConfig] = read_config(Path(config) if config else None)
    (name,) = manifest["judges"]
    made = make_judges(Suite.model_validate(manifest["suite"]), [name])[name]
    cast = open_cast([], [made], configs, concurrency=concurrency)
    try:
        check_prices(cast.everyone(), limits)
        check = partial(manifests.check_resumable, manifest, cast, {name: made}, {}, {})
        held, journal = await reopened(path, failed=retry_errors, check=check)
        conduct = Conduct(
            limits=limits or Limits(), reuse=(), watch=watch, signals=signals, report=False, retry_errors=retry_errors
        )
        return await _session(held, journal, manifest, name, made, cast, conduct, cards, keep)
    finally:
        await cast.close()


def _judge(
    name: str,
    suite: str | None,
    parameters: Mapping[str, Any] | None,
    roles: Mapping[str, str] | None,
    seed: int | None,
) -> tuple[Suite, Judge]:
    """The judge as a run of the suite would have it, and what makes it so."""
    base = read_suite(suite) if suite else parse_suite(SUITE, "calibration")
    own = {**base.judges.get(name, {}), **(parameters or {})}
    said = changed_suite(
        parse_suite(SUITE, "calibration"),
        {
            "judges": {name: own} if own else {},
            "roles": {**base.roles, **(roles or {})},
            "seed": base.seed if seed is None else seed,
        },
    )
    return said, make_judges(said, [name])[name]


def _chosen(name: str, suite: Suite, limit: int | None, data: Path | str | None, accepted: Sequence[str]) -> Chosen:
    labels = _set(name)
    if labels.labels not in measuring.ANSWERS:
        raise ValueError(f"labels {labels.name!r} are about {labels.labels}, and a judge reads answers")
    check_terms(f"label set {labels.name!r}", labels.dataset, labels.name, accepted)
    reading = labels.load(data_folder(Path(data) if data else None))
    records = measuring.usable(labels, reading, limit=limit, seed=suite.seed)
    return Chosen(measuring.about(labels, reading, limit=limit, seed=suite.seed), records)


def _check_fit(judge: Judge, chosen: Chosen) -> None:
    """Raises `ValueError` if a judge of text would be put to images, or the other way round."""
    for record in chosen.records:
        if why := fits(judge, "image" if record.images else "text"):
            raise ValueError(f"labels {chosen.about.labels!r}, row {record.id[:40]!r}: {why}")


def _set(name: str) -> LabelSet:
    path = Path(name)
    if path.is_file():
        return own_labels(path)
    if path.suffix or len(path.parts) > 1:
        raise ValueError(f"there is no file of labels {name}, and no set has such a name (see tocsin list labels)")
    try:
        return find(name)
    except UnknownName as error:
        raise UnknownName("label set", name, error.known) from None


def _begun(
    out: Path, name: str, suite: Suite, judge: Judge, cast: Cast, chosen: Sequence[Chosen]
) -> tuple[RunFolder, Journal, dict[str, Any]]:
    """Makes the run folder with its manifest and its plan; leaves nothing behind if that fails."""
    run = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-calibrate-{token_hex(2)}"
    manifest = {
        "schema": manifests.SCHEMA,
        "kind": CALIBRATION,
        "run": run,
        "status": "planned",
        "created": manifests.now(),
        "versions": {"tocsin": __version__, "python": platform.python_version(), "platform": sys.platform},
        "suite": suite.model_dump(mode="json"),
        "targets": [],
        **manifests.judging(cast, {name: judge}),
        "attacks": {stored.StoredAnswer.name: {"identity": stored.StoredAnswer.identity}},
        "benchmarks": {one.about.labels: msgspec.to_builtins(one.about, enc_hook=float) for one in chosen},
        "cells": 0,
        "sessions": [],
    }
    folder = RunFolder(out / run, create=True)
    try:
        folder.write_manifest(manifest)
        journal = Journal(folder.path, create=True)
        manifest["cells"] = journal.plan(
            cell for one in chosen for cell in stored.planned(one.about.labels, one.records, name, suite.seed)
        )
        folder.write_manifest(manifest)
    except BaseException:
        folder.discard()
        raise
    return folder, journal, manifest


async def _session(
    held: RunFolder,
    journal: Journal,
    manifest: dict[str, Any],
    name: str,
    judge: Judge,
    cast: Cast,
    conduct: Conduct,
    cards: Path | str | None,
    keep: bool,
) -> Calibrated:
    """One session of a calibration; when its last answer is judged, the cards."""
    try:
        tried = {stored.StoredAnswer.name: stored.StoredAnswer()}
        ended = await carry_on(held, journal, manifest, cast, {name: judge}, tried, conduct)
        if ended.ending is not Ending.COMPLETE:
            return Calibrated(cards=[], folder=held.path, ended=ended)
        found, errors = [], manifest["cells"]
        for labels, told in manifest["benchmarks"].items():
            about = msgspec.convert(told, About)
            rows = stored.rows_of(held.path, labels, refusal=about.about == "refusal")
            errors -= len(rows)
            if rows:
                models = manifest["judges"][name]["models"]
                found.append(measuring.card_of(judge, about, rows, models=models))
        write_private(held.path / RESULT, text_of(found))
        unread, word = stored.unread(held.path)
        return Calibrated(
            cards=found,
            paths=_kept(found, cards) if keep else [],
            folder=held.path,
            ended=ended,
            errors=errors,
            unread=unread,
            unread_word=word,
            decided=[line for labels in manifest["benchmarks"] if (line := stored.decided(held.path, labels))],
        )
    finally:
        held.close()


def _kept(found: Sequence[Card], folder: Path | str | None) -> list[Path]:
    """Writes each card and its page."""
    from tocsin.report.card import card_page  # its templates take time to load

    paths = []
    for card in found:
        path = save(card, cards_folder(Path(folder) if folder else None))
        write_private(path.with_suffix(".html"), card_page(card))
        paths.append(path)
    return paths
