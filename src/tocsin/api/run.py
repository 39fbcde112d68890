"""A finished or stopped run: what it holds, and writing its results."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from tocsin.engine import Ended, Ending
from tocsin.evaluations.run_labels import read_labels
from tocsin.evaluations.scoring import holds_cells
from tocsin.journal import (
    JournalError,
    check_cases,
    check_manifest,
    open_journal,
    read_manifest,
    readable,
    write_private,
)
from tocsin.journal.folder import COMPARISON, JOURNAL, MANIFEST, MARKDOWN, PDF, REPORT, SUMMARY
from tocsin.results.rejudged import compare
from tocsin.results.summary import as_json, summarise
from tocsin.results.translated import undelivered
from tocsin.types import ErrorKind, Unscored

T = TypeVar("T")


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
        return sum(self.errors_by_kind.values())

    @property
    def errors_by_kind(self) -> dict[str, int]:
        """Kind of error → cells that ended in it."""
        found: Counter[str] = Counter()
        for score in self._rates():
            found.update(score["errors_by_kind"])
        return dict(found)

    @property
    def comparison(self) -> dict[str, Any] | None:
        """What ``comparison.json`` says of a rejudged run: the two judges on the same answers. None of any other run.

        Raises:
            JournalError: It is missing or damaged; ``tocsin report`` writes it anew.
        """
        if "rejudged" not in self.manifest:
            return None
        path = self.folder / COMPARISON
        try:
            told: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise JournalError(
                f"{path} cannot be read ({error}): tocsin report {self.folder} writes it anew"
            ) from error
        return told

    @property
    def measured(self) -> int:
        """Attempts with a verdict."""
        return sum(score["n"] for score in self._rates())

    def _rates(self) -> Iterator[dict[str, Any]]:
        """The scores that between them hold every cell once: no means, and no further metrics of the same cells."""
        for model in self.summary["models"]:
            for score in model["scores"]:
                if holds_cells(score):
                    yield score

    def judges_word(self) -> str:
        """What is on record of the most frequent failure of a judge; empty if none failed."""
        db = open_journal(self.folder)
        try:
            row = db.execute(
                "SELECT detail FROM latest WHERE reason = ? GROUP BY 1 ORDER BY count(*) DESC LIMIT 1",
                (Unscored.JUDGE_FAILED.value,),
            ).fetchone()
        finally:
            db.close()
        return str(row[0]) if row else ""

    @property
    def untranslated(self) -> int:
        """Answers that were to be translated to be judged a second time, and were not."""
        db = open_journal(self.folder)
        try:
            return sum(sum(languages.values()) for languages in undelivered(db).values())
        finally:
            db.close()

    @property
    def judge_failures(self) -> int:
        """Answers without a verdict because the judge failed, refused or could not be read."""
        tables = (table["counts"] for model in self.summary["models"] for table in model["unscored_reasons"])
        return sum(counts.get(Unscored.JUDGE_FAILED.value, 0) for counts in tables)

    @property
    def final_errors(self) -> int:
        """Those of them that another attempt would end in again: bad rows, and what the filter stopped.

        In a rejudged run all of them: its answers, and what is none, are another run's.
        """
        if "rejudged" in self.manifest:
            return self.errors
        lasting = (ErrorKind.BAD_ROW.value, ErrorKind.WITHHELD.value)
        return sum(self.errors_by_kind.get(kind, 0) for kind in lasting)


def write_results(
    folder: Path,
    manifest: dict[str, Any],
    *,
    report: bool = True,
    reveal: bool = False,
    language: str = "en",
    pdf: bool = False,
) -> dict[str, Any]:
    """Writes ``summary.json`` and the report of a run from its journal, and returns the summary.

    Of a rejudged run also ``comparison.json``.

    Args:
        folder: The run's folder.
        manifest: Its manifest.
        report: Whether to write ``report.html`` and ``report.md`` too.
        reveal: Whether the report shows prompts, answers and images. They may be harmful; redacted unless asked for.
        language: What ``report.html`` speaks: ``en`` or ``zh``. The Markdown report is in English.
        pdf: Whether to write ``report.pdf`` too.

    Raises:
        ValueError: Pages do not speak the language, or nothing is there that could print one.
    """
    check_manifest(folder, manifest)
    db = open_journal(folder)
    try:
        with readable(folder / JOURNAL):
            check_cases(folder / MANIFEST, manifest, db)
            summary = summarise(db, manifest, read_labels(folder))
            comparison = compare(db, manifest, summary) if "rejudged" in manifest else None
        write_private(folder / SUMMARY, as_json(summary))
        if comparison is not None:
            write_private(folder / COMPARISON, as_json(comparison))
        if report:
            from tocsin.report import write_html, write_markdown  # its templates take time to load

            page = write_html(
                db, manifest, summary, reveal=reveal, comparison=comparison, folder=folder, language=language
            )
            write_private(folder / REPORT, page)
            write_private(folder / MARKDOWN, write_markdown(manifest, summary, comparison))
            if pdf:
                from tocsin.report.pdf import write_pdf

                write_private(folder / PDF, write_pdf(page))
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
            check_cases(path / MANIFEST, manifest, db)
            summary = summarise(db, manifest, read_labels(path))
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
