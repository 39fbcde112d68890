"""``tocsin report``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

HELP = "Write the report of a run anew from its journal."


class Language(StrEnum):
    """What the page speaks."""

    EN = "en"
    ZH = "zh"


class Format(StrEnum):
    """What is written."""

    HTML = "html"
    PDF = "pdf"


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="A run's folder.")],
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show prompts and answers, which may be harmful. Redacted if absent.")
    ] = False,
    language: Annotated[Language, typer.Option(help="Language of the page: English or Chinese.")] = Language.EN,
    format_: Annotated[
        Format,
        typer.Option(
            "--format",
            help="pdf also prints the page, with Chromium or Chrome, or with WeasyPrint where there is none.",
        ),
    ] = Format.HTML,
) -> int:
    """Writes summary.json, report.html and report.md; report.pdf, too, if asked for."""
    from tocsin.api import write_results
    from tocsin.journal import read_manifest

    pdf = format_ is Format.PDF
    write_results(run, read_manifest(run), reveal=reveal, language=language.value, pdf=pdf)
    typer.echo(str(run / ("report.pdf" if pdf else "report.html")))
    return 0
