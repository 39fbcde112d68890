"""``tocsin compare``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

HELP = (
    "Compare two runs, or two models, judges, attacks or languages, over the cases that both were asked: what got better, what"
    " got worse, and what could have been seen. A difference is always B less A."
)


def command(
    a: Annotated[Path, typer.Argument(metavar="A", help="The folder of the run that is held against.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="The other run's, or the same for two sides of one run.")],
    model: Annotated[str | None, typer.Option(metavar="NAME", help="The model on both sides.")] = None,
    models: Annotated[str | None, typer.Option(metavar="X,Y", help="The model of A and that of B.")] = None,
    attack: Annotated[
        str | None, typer.Option(metavar="X,Y", help="The attack of A and that of B; all of them if absent.")
    ] = None,
    language: Annotated[
        str | None, typer.Option(metavar="X,Y", help="The language of A and that of B; all of them if absent.")
    ] = None,
    evaluation: Annotated[str | None, typer.Option(metavar="NAME,…", help="Only these evaluations.")] = None,
    benchmark: Annotated[str | None, typer.Option(metavar="NAME,…", help="Only these benchmarks.")] = None,
    allow: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT,…", help="Compare though this differs: judge, attack. It is said beside the figures."
        ),
    ] = None,
    min_effect: Annotated[
        float,
        typer.Option(metavar="D", help="A difference that would matter, as a share: the power to see it is told."),
    ] = 0.05,
    flips: Annotated[int, typer.Option(metavar="N", min=0, help="Cells that flipped each way that are listed.")] = 20,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write Markdown for a pull request.")] = None,
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Write a page.")] = None,
    page_language: Annotated[
        str, typer.Option("--page-language", metavar="en|zh", help="What the page speaks.")
    ] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> int:
    """Compares."""
    from tocsin.api.comparing import compare
    from tocsin.cli.given import listed

    if model is not None and models is not None:
        raise ValueError("--model is for both sides, --models for each: give one of them")
    told = compare(
        a,
        b,
        models=(model, model) if model is not None else _pair("--models", models),
        attacks=_pair("--attack", attack, alone=True),
        languages=_pair("--language", language, alone=True),
        evaluations=listed(evaluation),
        benchmarks=listed(benchmark),
        allow=listed(allow),
        min_effect=min_effect,
        flips=flips,
    )
    if markdown is not None or html is not None:
        from tocsin.journal import write_private
        from tocsin.report.comparison import comparison_page
        from tocsin.report.comparison_text import comparison_markdown

        if markdown is not None:
            write_private(markdown, comparison_markdown(told))
        if html is not None:
            write_private(html, comparison_page(told, language=page_language))
    if as_json:
        typer.echo(json.dumps(told, indent=1))
    else:
        from tocsin.cli.table_compared import show_compared

        show_compared(told)
    return 0


def _pair(option: str, given: str | None, *, alone: bool = False) -> tuple[str, str] | None:
    """Two names, or one that is meant for both sides."""
    if given is None:
        return None
    names = [name.strip() for name in given.split(",")]
    if len(names) == 1 and alone and names[0]:
        return names[0], names[0]
    if len(names) != 2 or not all(names):
        raise ValueError(f"{option} {given}: give two names with a comma between them, that of A first")
    return names[0], names[1]
