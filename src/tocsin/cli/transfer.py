"""``tocsin transfer``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from tocsin.cli.assess import say_ending

HELP = "Put every attack that succeeded in a run to other models, word for word, and count how often it succeeds again."


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="The folder of a run with attacks.")],
    models: Annotated[list[str], typer.Argument(metavar="MODEL", help="provider/name, or an entry of tocsin.toml")],
    source: Annotated[
        str | None, typer.Option("--from", metavar="MODEL", help="On whom it succeeded; the run's model if it has one.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder in which the new run's folder is made; beside the run if absent.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Calls at a time; adaptive if absent.")] = None,
    max_calls: Annotated[int | None, typer.Option(min=1, help="Stop after this many calls.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop after this many US dollars.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this many minutes.")] = None,
    config: Annotated[Path | None, typer.Option(help="A tocsin.toml; else the one in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> int:
    """Makes a run of what succeeded in another."""
    from tocsin.api import transfer
    from tocsin.cli.errors import say
    from tocsin.cli.given import Watching
    from tocsin.cli.table import show_scores
    from tocsin.engine import Limits

    watch = Watching("assess", out or run.parent, config, quiet=quiet)

    try:
        made = transfer(
            run,
            *models,
            source=source,
            out=out,
            limits=Limits(calls=max_calls, cost=max_cost, minutes=max_minutes),
            concurrency=concurrency,
            config=config,
            watch=watch,
            signals=True,
        )
    except KeyboardInterrupt:
        return watch.interrupted()
    if as_json:
        typer.echo(json.dumps(made.summary, ensure_ascii=False, indent=1))
    else:
        show_scores(made.summary)
    for one in made.manifest["transferred"]["left_out"]:
        say(f"attack {one['attack']} is left out: {one['why']}")
    return say_ending(made, watch.how)
