"""``tocsin rejudge``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.assess import say_ending

if TYPE_CHECKING:
    pass

HELP = "Judge a finished run's answers anew, without one call to its targets, and compare the two judges."


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="The folder of a finished run.")],
    judge: Annotated[str, typer.Option(help="Judge of free-text answers.")],
    role: Annotated[
        list[str] | None, typer.Option(metavar="ROLE=MODEL", help="Who plays a role: judge=MODEL; repeatable.")
    ] = None,
    suite: Annotated[
        str | None, typer.Option(metavar="NAME|FILE", help="A suite whose judges and roles go over the run's.")
    ] = None,
    partial: Annotated[
        bool, typer.Option("--partial", help="Take an unfinished run, up to its first unfinished cell.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Folder in which the new run's folder is made; beside the run if absent.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Calls at a time; adaptive if absent.")] = None,
    max_calls: Annotated[int | None, typer.Option(min=1, help="Stop after this many calls to judges.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop after this many US dollars.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this many minutes.")] = None,
    reuse: Annotated[
        list[Path] | None, typer.Option(metavar="RUN_FOLDER", help="Use another run's judgements; repeatable.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help="A tocsin.toml; else the one in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> int:
    """Makes a rejudged run."""
    from tocsin.api import rejudge
    from tocsin.cli.given import Watching, roles
    from tocsin.engine import Limits

    watch = Watching("assess", out or run.parent, config, quiet=quiet)

    try:
        made = rejudge(
            run,
            judge=judge,
            roles=roles(role),
            suite=suite,
            partial=partial,
            out=out,
            limits=Limits(calls=max_calls, cost=max_cost, minutes=max_minutes),
            concurrency=concurrency,
            reuse=reuse or (),
            config=config,
            watch=watch,
            signals=True,
        )
    except KeyboardInterrupt:
        return watch.interrupted()
    comparison = made.comparison or {}
    if as_json:
        typer.echo(json.dumps(comparison, ensure_ascii=False, indent=1))
    else:
        from tocsin.cli.table import show_comparison

        show_comparison(comparison)
    return say_ending(made, watch.how)
