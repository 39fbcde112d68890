"""Translating a benchmark, in a run of its own; see docs/reference/translations.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tocsin.api.conduct import Conduct, Watcher, benchmarks_of, carry_on, check_prices, check_said, reopened, run_name
from tocsin.api.run import run_loop
from tocsin.attacks.translating import Translate
from tocsin.benchmarks import Benchmark, find
from tocsin.benchmarks.own import own_cases
from tocsin.benchmarks.translated import COLUMNS, NEEDED, Kind, Translations, read_translations
from tocsin.datasets import data_folder
from tocsin.datasets.rows import FORMATS
from tocsin.datasets.sheet import read_sheet, sheet_text
from tocsin.engine import Ended, Ending, Limits
from tocsin.evaluations import manifest as manifests
from tocsin.evaluations import translations
from tocsin.evaluations.assessment import check_licence
from tocsin.evaluations.cast import Cast, open_cast
from tocsin.evaluations.plan import Chosen, choose
from tocsin.evaluations.suite import BenchmarkEntry, Suite, changed_suite, parse_suite
from tocsin.journal import Journal, RunFolder, check_manifest, open_journal, read_manifest, write_private
from tocsin.journal.folder import TRANSLATION
from tocsin.judges import Judge
from tocsin.languages import canonical
from tocsin.models import read_config
from tocsin.protocols import Asker, Attempt
from tocsin.types import Case, Outcome, Verdict

SUITE = "name: translate\ntitle: A benchmark in other languages\nseed: 260110527\n"
"""Its seed is that of runs without a suite, so that a limit draws the same cases."""


class TranslatedRun(msgspec.Struct, frozen=True, kw_only=True):
    """What a translation gave.

    Attributes:
        folder: The run's folder.
        path: The table, in that folder.
        manifest: The run's manifest.
        ended: How its latest session ended.
        counts: Language → ``machine``, ``doubtful``, ``reviewed``, ``rejected`` or ``failed`` → cases.
        unfinished: Cases × languages that were not tried yet.
        errors_by_kind: Why what failed did.
    """

    folder: Path
    path: Path
    manifest: dict[str, Any]
    ended: Ended
    counts: dict[str, dict[Kind, int]]
    unfinished: int
    errors_by_kind: dict[str, int]

    @property
    def complete(self) -> bool:
        """Whether every case was tried in every language."""
        return self.ended.ending is Ending.COMPLETE

    @property
    def failed(self) -> int:
        """Cases × languages that are untranslated, and rows that could not become cases."""
        return sum(self.errors_by_kind.values())


class _NoJudge(Judge, frozen=True):
    """Nobody judges a translation: whether a model is safe is not what it is about."""

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        return Verdict(outcome=Outcome.UNSCORED)


_NoJudge.name, _NoJudge.version = translations.NO_JUDGE, 1


def translate(benchmark: str, **options: Any) -> TranslatedRun:
    """Translates a benchmark; see `translate_async` for the options."""
    return run_loop(translate_async(benchmark, **options))


async def translate_async(
    benchmark: str,
    *,
    to: Sequence[str],
    roles: Mapping[str, str],
    limit: int | None = None,
    seed: int | None = None,
    threshold: float = translations.THRESHOLD,
    data: Path | str | None = None,
    accept_licences: Sequence[str] = (),
    out: Path | str = "runs",
    limits: Limits | None = None,
    concurrency: int | None = None,
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
) -> TranslatedRun:
    """Has every case of a benchmark translated, and translated back, and writes the table that people review.

    Args:
        benchmark: Its name, its YAML file, or a file of one's own prompts (JSONL, JSON, CSV or TSV).
        to: BCP 47 codes of the languages.
        roles: Role → model; the role there is, and has to be: ``translator``.
        limit: Cases drawn at most.
        seed: Of that drawing.
        threshold: chrF of a text and its way there and back, in [0, 1], below which a translation is doubtful.
        data: Folder with datasets.
        accept_licences: Names of benchmarks whose terms are accepted.
        out: Folder in which the run's own folder is made.
        limits: What this session may spend.
        concurrency: A fixed number of calls at a time; adaptive if None.
        config: A ``tocsin.toml``; the one in the working folder if None.
        watch: Shows progress.
        signals: Whether the first interrupt ends the run cleanly (in the main thread only).

    Raises:
        UnknownName, UnknownLanguage, ConfigError, ValueError: What was asked for cannot be run.
        DatasetError, LicenceNotAccepted: Data is missing, or its terms must be accepted first.
        ModelUnavailable: A key, a package or a file is missing.
        JournalError: The run folder cannot be used.
    """
    codes = list(dict.fromkeys(canonical(code) for code in to))
    if not codes:
        raise ValueError("name the languages it is translated into: --to th,sw")
    if not 0 <= threshold <= 1:
        raise ValueError(f"a threshold of {threshold:g} is none: likeness lies between 0 and 1")
    if roles.keys() != {"translator"}:
        raise ValueError("a translation has a translator and nobody else: --role translator=MODEL")
    found = _benchmark(benchmark)
    check_licence(found, accept_licences)
    entry = BenchmarkEntry(name=benchmark)
    suite = changed_suite(
        said := parse_suite(SUITE, "translate"),
        {"benchmarks": (entry,), "roles": dict(roles), "limit": limit, "seed": said.seed if seed is None else seed},
    )
    one = choose(found, limit, data_folder(Path(data) if data else None), entry=entry)
    configs = read_config(Path(config) if config else None)
    cast = open_cast([], [], configs, concurrency=concurrency, helpers={"translator": roles["translator"]})
    try:
        check_prices(cast.everyone(), limits)
        told = {"languages": codes, "similarity": "chrF", "threshold": threshold}
        held, journal, manifest = _begun(Path(out), suite, one, cast, accept_licences, told)
        conduct = Conduct(limits=limits or Limits(), reuse=(), watch=watch, signals=signals, report=False)
        return await _session(held, journal, manifest, cast, conduct)
    finally:
        await cast.close()


def resume_translation(folder: Path | str, **options: Any) -> TranslatedRun:
    """Finishes a translation that was stopped; see `resume_translation_async` for the options."""
    return run_loop(resume_translation_async(folder, **options))


async def resume_translation_async(
    folder: Path | str,
    *,
    retry_errors: bool = False,
    limits: Limits | None = None,
    concurrency: int | None = None,
    config: Path | str | None = None,
    watch: Watcher | None = None,
    signals: bool = False,
) -> TranslatedRun:
    """Finishes a translation that was stopped. No call that is in its journal is made again.

    What people wrote into its table in the meantime stays.

    Raises:
        ReplayDiverged: The translator or the benchmark is not what it was when the run was planned.
        JournalError, ModelUnavailable, UnknownName, ConfigError: The folder or a model cannot be used.
        RowError: Its table was saved as something that cannot be read.
    """
    path = Path(folder)
    manifest = read_manifest(path)
    check_manifest(path, manifest, kind=TRANSLATION)
    if (path / translations.FILE).exists():
        _reviewed(path)  # what cannot be kept is said before anything is paid for
    suite = Suite.model_validate(manifest["suite"])
    configs = read_config(Path(config) if config else None)
    cast = open_cast([], [], configs, concurrency=concurrency, helpers={"translator": suite.roles["translator"]})
    try:
        check_prices(cast.everyone(), limits)

        def check(where: str) -> None:
            versions = {name: one.version for name, one in benchmarks_of(manifest, suite).items()}
            manifests.check_resumable(manifest, cast, {}, {Translate.name: Translate()}, versions, where)

        held, journal = await reopened(path, failed=retry_errors, check=check)
        conduct = Conduct(
            limits=limits or Limits(), reuse=(), watch=watch, signals=signals, report=False, retry_errors=retry_errors
        )
        return await _session(held, journal, manifest, cast, conduct)
    finally:
        await cast.close()


def _benchmark(name: str) -> Benchmark:
    path = Path(name)
    return own_cases(path) if path.suffix in FORMATS and path.is_file() else find(name)


def _begun(
    out: Path, suite: Suite, one: Chosen, cast: Cast, accepted: Sequence[str], told: dict[str, Any]
) -> tuple[RunFolder, Journal, dict[str, Any]]:
    """Makes the run folder with its manifest and its plan; leaves nothing behind if that fails."""
    run = run_name(f"translate-{one.benchmark.name}")
    manifest = manifests.translating(run, suite, one, cast, Translate(), accepted, told)
    check_said(manifest, cast)
    folder = RunFolder(out / run, create=True)
    try:
        folder.write_manifest(manifest)
        journal = Journal(folder.path, create=True)
        drawing = translations.every_case(suite.seed)
        manifest["cells"] = journal.plan(translations.planned(one, drawing, told["languages"]))
        for benchmark, (bad, every, first) in journal.bad_rows().items():
            if bad == every:
                raise ValueError(
                    f"benchmark {benchmark!r}: no row of its data can be translated; the first says: {first}"
                )
            manifest["bad_rows"][benchmark] = {"rows": bad, "first": first}
        if not manifest["cells"]:
            raise ValueError(f"benchmark {one.benchmark.name!r} has no case that is not in these languages already")
        folder.write_manifest(manifest)
    except BaseException:
        folder.discard()
        raise
    return folder, journal, manifest


async def _session(
    held: RunFolder, journal: Journal, manifest: dict[str, Any], cast: Cast, conduct: Conduct
) -> TranslatedRun:
    """One session of a translation, and the table with what is finished."""
    try:
        tried, judges = {Translate.name: Translate()}, dict[str, Judge]({translations.NO_JUDGE: _NoJudge()})
        ended = await carry_on(held, journal, manifest, cast, judges, tried, conduct)
        table = write_table(held.path, manifest)
        (name,) = manifest["benchmarks"]
        db = open_journal(held.path)
        try:
            errors = dict(
                db.execute(
                    "SELECT reason, count(*) FROM latest WHERE outcome = 'error' GROUP BY 1 ORDER BY 2 DESC"
                ).fetchall()
            )
            ((done,),) = db.execute("SELECT count(*) FROM latest").fetchall()
        finally:
            db.close()
        return TranslatedRun(
            folder=held.path,
            path=held.path / translations.FILE,
            manifest=manifest,
            ended=ended,
            counts={} if table is None else table.counts(name),
            unfinished=manifest["cells"] - done,
            errors_by_kind=errors,
        )
    finally:
        held.close()


def write_table(folder: Path, manifest: dict[str, Any]) -> Translations | None:
    """Writes the table of a run's finished translations; what people wrote into it before stays. None if there is nothing yet.

    Raises:
        RowError: The table that is there was saved as something that cannot be read.
        JournalError, JournalFull: It cannot be written.
    """
    (benchmark,) = manifest["benchmarks"]
    db = open_journal(folder)
    try:
        rows = translations.table(db, benchmark, manifest["translation"]["threshold"])
    finally:
        db.close()
    path = folder / translations.FILE
    if path.exists():
        rows = _reviewed(folder, rows)
    write_private(path, sheet_text(COLUMNS, rows))
    return read_translations(path) if rows else None


def _reviewed(folder: Path, rows: Sequence[dict[str, Any]] = ()) -> list[dict[str, Any]]:
    return translations.with_reviews(rows, read_sheet(folder / translations.FILE, NEEDED))
