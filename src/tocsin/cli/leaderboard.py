"""``tocsin leaderboard``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

HELP = (
    "Rank what runs measured: a board for each modality and evaluation, ranks as ranges, and models that cannot be told"
    " apart as ties. Scores under other conditions (judge, suite, data, sample …) stand on boards of their own."
)


def command(
    runs: Annotated[
        list[Path] | None, typer.Argument(metavar="[RUN]…", help="Run folders, or folders that hold some.")
    ] = None,
    with_published: Annotated[
        bool, typer.Option("--with-published", help="Show what arXiv 2601.10527 published, on boards of its own.")
    ] = False,
    across: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION", help="Rank across this condition, with a warning: judge, suite, …; repeatable."
        ),
    ] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write Markdown.")] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a picture of the main boards.")] = None,
    language: Annotated[str, typer.Option(help="Language of the page: en or zh.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print the boards as JSON.")] = False,
) -> int:
    """Prints the boards, and writes what was asked for."""
    from tocsin.api import leaderboard
    from tocsin.journal import write_private
    from tocsin.report.leaderboard_files import write_html, write_markdown, write_svg
    from tocsin.report.messages import Speaker

    say = Speaker(language)
    found = leaderboard(
        runs or (), with_published=with_published, across=[name for one in across or () for name in one.split(",")]
    )
    for path, write in ((html, write_html), (markdown, write_markdown), (svg, write_svg)):
        if path is not None:
            write_private(path, write(found, say))
    if as_json:
        typer.echo(json.dumps(found, indent=1, allow_nan=False))
    else:
        from tocsin.cli.table_boards import show_boards

        show_boards(found)
    return 0
