"""``tocsin compliance draw``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tocsin.api import Pictured

HELP = "Have a model make the pictures that released compliance items describe and do not come with."


def command(
    benchmark: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="Benchmarks whose pictures are made; all of them if absent.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Who draws: a model with image_out.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with datasets (or TOCSIN_DATA), for the pictures.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Pictures of each benchmark at most.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Also replace pictures that are there.")] = False,
    out: Annotated[Path, typer.Option(help="Folder in which the run's folder is made.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(metavar="RUN_FOLDER", help="Go on with a run.")] = None,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="With --resume: also ask again where a call failed.")
    ] = False,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Calls at a time; adaptive if absent.")] = None,
    max_calls: Annotated[int | None, typer.Option(min=1, help="Stop after this many calls.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop after this many US dollars.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this many minutes.")] = None,
    config: Annotated[Path | None, typer.Option(help="A tocsin.toml; else the one in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> int:
    """Has pictures made."""
    from tocsin.api import draw_pictures, resume_pictures
    from tocsin.cli.errors import Exit, say
    from tocsin.cli.given import Watching, listed
    from tocsin.engine import Ending, Limits

    watch = Watching("compliance draw", resume or out, config, quiet=quiet, resumed=resume is not None)
    common: dict[str, Any] = {
        "limits": Limits(calls=max_calls, cost=max_cost, minutes=max_minutes),
        "concurrency": concurrency, "config": config, "watch": watch, "signals": True,
    }  # fmt: skip
    try:
        if resume is not None:
            given = {
                "--benchmark": benchmark,
                "--model": model,
                "--data": data,
                "--limit": limit,
                "--force": force or None,
            }
            if wrong := [name for name, value in given.items() if value is not None]:
                raise ValueError(f"a run that goes on is planned already: leave out {', '.join(wrong)}")
            done = resume_pictures(resume, retry_errors=retry_errors, **common)
        elif model is None:
            raise ValueError("name who draws: --model MODEL, one with image_out")
        else:
            done = draw_pictures(listed(benchmark), model, data=data, limit=limit, force=force, out=out, **common)
    except KeyboardInterrupt:
        return watch.interrupted()
    if as_json:
        typer.echo(json.dumps(_told(done), ensure_ascii=False, indent=1))
    else:
        _show(done)
    if refused := sum(one.refused for one in done.benchmarks.values()):
        say(f"{refused} pictures were refused: their items are left out of a run, which says how many")
    if not done.complete:
        assert done.ended is not None
        say(f"stopped: {done.ended.reason or done.ended.ending}")
        say(f"go on with: {watch.how}")
        return Exit.INTERRUPTED if done.ended.ending is Ending.INTERRUPTED else Exit.STOPPED
    if done.errors:
        say(f"{done.errors} pictures are missing because a call failed; ask again with {watch.how} --retry-errors")
        return Exit.ERRORS
    return Exit.DONE


def _told(done: Pictured) -> dict[str, Any]:
    import msgspec

    return {
        "folder": None if done.folder is None else str(done.folder),
        "ending": None if done.ended is None else done.ended.ending.value,
        "benchmarks": msgspec.to_builtins(done.benchmarks),
    }


def _show(done: Pictured) -> None:
    from tocsin.cli.errors import plain

    for name, one in done.benchmarks.items():
        counts = {"drawn": one.drawn, "there already": one.kept, "refused": one.refused}
        parts = [f"{count} {what}" for what, count in counts.items() if count or what == "drawn"]
        parts += [f"{count} × {plain(reason)}" for reason, count in one.failed.items()]
        parts += [f"{one.unfinished} not asked for yet"] if one.unfinished else []
        typer.echo(f"{name}: {', '.join(parts)}: {plain(one.folder)}")
