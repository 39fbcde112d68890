"""``tocsin translate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tocsin.api import TranslatedRun

HELP = "Have a benchmark translated into other languages and back, and write the table that a person reviews."


def command(
    benchmark: Annotated[
        str | None, typer.Argument(metavar="BENCHMARK", help="A benchmark's name, or a file of your own prompts.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", metavar="CODE,…", help="Languages, by their BCP 47 codes.")] = None,
    role: Annotated[
        list[str] | None, typer.Option(metavar="ROLE=MODEL", help="Who translates: translator=MODEL.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Cases drawn at most.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws the cases.")] = None,
    threshold: Annotated[
        float | None, typer.Option(min=0, max=1, help="Likeness of the way back below which a row is doubtful.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with datasets (or TOCSIN_DATA).")] = None,
    accept_licence: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Benchmark whose terms you accept; repeatable.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder in which the run's folder is made.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(metavar="RUN_FOLDER", help="Go on with a translation.")] = None,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="With --resume: also try again what is untranslated.")
    ] = False,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Calls at a time; adaptive if absent.")] = None,
    max_calls: Annotated[int | None, typer.Option(min=1, help="Stop after this many calls.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop after this many US dollars.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this many minutes.")] = None,
    config: Annotated[Path | None, typer.Option(help="A tocsin.toml; else the one in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> int:
    """Translates a benchmark, or goes on with that."""
    from tocsin.api import resume_translation, translate
    from tocsin.cli.given import Watching, listed, roles
    from tocsin.engine import Limits

    watch = Watching("translate", resume or out, config, quiet=quiet, resumed=resume is not None)
    common: dict[str, Any] = {
        "limits": Limits(calls=max_calls, cost=max_cost, minutes=max_minutes),
        "concurrency": concurrency, "config": config, "watch": watch, "signals": True,
    }  # fmt: skip
    planned = {
        "BENCHMARK": benchmark, "--to": to, "--role": role, "--limit": limit, "--seed": seed, "--threshold": threshold,
        "--data": data, "--accept-licence": accept_licence,
    }  # fmt: skip
    try:
        if resume is not None:
            if given := [name for name, value in planned.items() if value not in (None, [])]:
                raise typer.BadParameter(f"a resumed run keeps its plan: leave out {', '.join(given)}")
            done = resume_translation(resume, retry_errors=retry_errors, **common)
        else:
            if retry_errors:
                raise typer.BadParameter("--retry-errors goes with --resume RUN_FOLDER")
            if benchmark is None:
                raise typer.BadParameter(
                    "name a benchmark: tocsin translate BENCHMARK --to th,sw --role translator=MODEL"
                )
            done = translate(
                benchmark, to=listed(to), roles=roles(role), limit=limit, seed=seed, data=data, out=out,
                accept_licences=accept_licence or (), **({} if threshold is None else {"threshold": threshold}), **common,
            )  # fmt: skip
    except KeyboardInterrupt:
        return watch.interrupted()
    if as_json:
        typer.echo(json.dumps(_told(done), ensure_ascii=False, indent=1))
    else:
        _show(done)
    return _say_ending(done, watch.how)


def _told(done: TranslatedRun) -> dict[str, Any]:
    (name,) = done.manifest["benchmarks"]
    return {
        "run": done.manifest["run"],
        "benchmark": name,
        "translations": str(done.path),
        "ending": done.ended.ending.value,
        "unfinished": done.unfinished,
        "errors_by_kind": done.errors_by_kind,
        "threshold": done.manifest["translation"]["threshold"],
        "languages": done.counts,
    }


def _show(done: TranslatedRun) -> None:
    """The counts of each language; no text."""
    from tocsin.languages import language

    for code, kinds in done.counts.items():
        told = ", ".join(f"{kind} {count}" for kind, count in kinds.items() if count)
        typer.echo(f"{code:8} {language(code).name:20} {told}")
    typer.echo(f"translations: {done.path}")


def _say_ending(done: TranslatedRun, how: str) -> int:
    from tocsin.cli.errors import Exit, say
    from tocsin.engine import Ending

    for benchmark, bad in done.manifest["bad_rows"].items():
        say(f"benchmark {benchmark}: {bad['rows']} rows could not become cases; the first: {bad['first']}")
    doubtful = sum(kinds["doubtful"] for kinds in done.counts.values())
    if doubtful:
        say(
            f"{doubtful} translations are doubtful: look at those first (the table shows prompts, which may be harmful)"
        )
    if not done.complete:
        say(f"stopped: {done.ended.reason}; {done.unfinished} translations are not tried yet")
        say(f"go on with: {how}")
        return Exit.INTERRUPTED if done.ended.ending is Ending.INTERRUPTED else Exit.STOPPED
    if done.failed:
        kinds = ", ".join(f"{kind} {count}" for kind, count in done.errors_by_kind.items())
        say(f"{done.failed} are untranslated ({kinds}), and the table says which; try again with {how} --retry-errors")
        return Exit.ERRORS
    say(f"use it with: tocsin assess MODEL --benchmark … --translations {done.path}")
    return Exit.DONE
