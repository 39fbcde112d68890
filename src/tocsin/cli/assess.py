"""``tocsin assess``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tocsin.api import Run

HELP = "Assess one or more models; without MODEL, the small one that comes with tocsin."
EPILOG = (
    "Exit codes: 0 done; 1 a gate failed; 2 wrong usage or input; 3 finished, but some cells ended in error; 4 stopped"
    " early and can be resumed; 70 internal error; 130 interrupted."
)


def command(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", help="provider/name, or an entry of tocsin.toml")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder in which the run's folder is made.")] = Path("runs"),
    suite: Annotated[str | None, typer.Option(help="A suite's name, or a YAML file.")] = None,
    evaluation: Annotated[
        str | None,
        typer.Option(
            help="Evaluations, separated by commas: benchmark, over-refusal, multilingual, compliance, adversarial."
        ),
    ] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(
            help="Benchmarks, separated by commas: names, or YAML files of your own (a benchmark, or items for a regulation)."
        ),
    ] = None,
    attack: Annotated[str | None, typer.Option(help="Attacks, separated by commas.")] = None,
    mode: Annotated[
        str | None, typer.Option(metavar="exhaustive|worst-case", help="Whether a case stops at its first success.")
    ] = None,
    precision: Annotated[
        float | None, typer.Option(help="Stop a benchmark, or the attacks, at this half-width of the interval.")
    ] = None,
    decide: Annotated[
        bool, typer.Option("--decide", help="Stop them, too, when the comparisons of the models are decided.")
    ] = False,
    framework: Annotated[
        str | None, typer.Option(metavar="NAME|FILE,…", help="Frameworks whose clauses are reported, by commas.")
    ] = None,
    cases: Annotated[
        Path | None, typer.Option(help="Your own prompts: JSONL, CSV, XLSX … with the column prompt.")
    ] = None,
    judge: Annotated[str | None, typer.Option(help="Judge of free-text answers.")] = None,
    role: Annotated[
        list[str] | None,
        typer.Option(metavar="ROLE=MODEL", help="Who plays a role: judge, attacker or translator; repeatable."),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Cases drawn from each benchmark at most.")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Attempts at each case.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws the cases and their order.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with datasets (or TOCSIN_DATA).")] = None,
    accept_licence: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Benchmark whose terms you accept; repeatable.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Calls at a time; adaptive if absent.")] = None,
    max_calls: Annotated[int | None, typer.Option(min=1, help="Stop after this many calls.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop after this many US dollars.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this many minutes.")] = None,
    resume: Annotated[Path | None, typer.Option(metavar="RUN_FOLDER", help="Go on with a run.")] = None,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="With --resume: also attempt again what ended in error.")
    ] = False,
    reuse: Annotated[
        list[Path] | None, typer.Option(metavar="RUN_FOLDER", help="Use another run's answers; repeatable.")
    ] = None,
    prepared: Annotated[
        Path | None,
        typer.Option(metavar="RUN_FOLDER", help="A finished run of the suite's baseline (difficulty filter)."),
    ] = None,
    translations: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A table of tocsin translate: its cases beside the originals.")
    ] = None,
    only_reviewed: Annotated[
        bool, typer.Option("--only-reviewed", help="Of the translations, only what a person accepted or mended.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at a bad row.")] = False,
    config: Annotated[Path | None, typer.Option(help="A tocsin.toml; else the one in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> int:
    """Runs or resumes an assessment."""
    from tocsin.api import assess
    from tocsin.api import resume as go_on
    from tocsin.cli.given import Watching, listed, roles
    from tocsin.engine import Limits

    watch = Watching("assess", resume or out, config, quiet=quiet, resumed=resume is not None)

    limits = Limits(calls=max_calls, cost=max_cost, minutes=max_minutes)
    try:
        if resume is not None:
            planned = {
                "MODEL": models,
                "--suite": suite,
                "--evaluation": evaluation,
                "--benchmark": benchmark,
                "--attack": attack,
                "--mode": mode,
                "--precision": precision,
                "--decide": decide,
                "--framework": framework,
                "--cases": cases,
                "--judge": judge,
                "--role": role,
                "--prepared": prepared,
                "--translations": translations,
                "--only-reviewed": only_reviewed,
                "--limit": limit,
                "--repeats": repeats,
                "--seed": seed,
                "--data": data,
                "--accept-licence": accept_licence,
                "--strict": strict,
            }
            if given := [name for name, value in planned.items() if value not in (None, [], False)]:
                raise typer.BadParameter(f"a resumed run keeps its plan: leave out {', '.join(given)}")
            run = go_on(
                resume,
                retry_errors=retry_errors,
                limits=limits,
                concurrency=concurrency,
                reuse=reuse or (),
                config=config,
                watch=watch,
                signals=True,
            )
        else:
            if retry_errors:
                raise typer.BadParameter("--retry-errors goes with --resume RUN_FOLDER")
            run = assess(
                *models or (),
                out=out,
                suite=suite,
                benchmarks=listed(benchmark),
                evaluations=listed(evaluation),
                attacks=listed(attack),
                mode=mode,
                precision=precision,
                decide=decide,
                frameworks=listed(framework),
                judge=judge,
                roles=roles(role),
                cases=cases,
                limit=limit,
                repeats=repeats,
                seed=seed,
                data=data,
                accept_licences=accept_licence or (),
                limits=limits,
                concurrency=concurrency,
                reuse=reuse or (),
                prepared=prepared,
                translations=translations,
                only_reviewed=only_reviewed,
                strict=strict,
                config=config,
                watch=watch,
                signals=True,
            )
    except KeyboardInterrupt:
        return watch.interrupted()
    if as_json:
        typer.echo(json.dumps(run.summary, ensure_ascii=False, indent=1))
    else:
        from tocsin.cli.table import show_scores

        show_scores(run.summary)
    return say_ending(run, watch.how)


def _say_errors(run: Run, how: str) -> None:
    """How many cells ended in error, and what would mend which of them."""
    from tocsin.cli.errors import say

    for benchmark, bad in run.manifest.get("bad_rows", {}).items():
        rows = "1 row" if bad["rows"] == 1 else f"{bad['rows']} rows"
        say(f"benchmark {benchmark}: {rows} could not become cases; the first: {bad['first']}")
    cells = "1 cell" if run.errors == 1 else f"{run.errors} cells"
    again = f"; try again with {how} --retry-errors" if run.errors > run.final_errors else ""
    kinds = ", ".join(
        f"{kind} {count}" for kind, count in sorted(run.errors_by_kind.items(), key=lambda pair: -pair[1])
    )
    say(f"{cells} ended in error ({kinds}) and count in no rate{again}")


def stops_said(run: Run) -> list[str]:
    """What stopped early, and after how many clusters, one line each."""
    from tocsin.evaluations.anytime import said
    from tocsin.evaluations.met import stops_of
    from tocsin.journal import open_journal

    db = open_journal(run.folder)
    try:
        stops = stops_of(db)
    finally:
        db.close()
    names = [target["name"] for target in run.manifest["targets"]]
    return [
        f"{names[stop.target]}, {stop.benchmark or 'attacks'} ({stop.evaluation}): {said(stop, names)}"
        for stop in stops
    ]


def say_ending(run: Run, how: str) -> int:
    """Says how a run ended and what can be done about it; returns the exit code."""
    from tocsin.cli.errors import Exit, say
    from tocsin.engine import Ending
    from tocsin.evaluations.difficulty import SUFFIX as PREPARE

    if unjudged := run.judge_failures:
        answers = "1 answer has" if unjudged == 1 else f"{unjudged} answers have"
        say(
            f"{answers} no verdict because the judge gave none ({run.judges_word()}); ask it again with {how} --retry-errors"
        )
    if missing := run.untranslated:
        answers = "1 answer" if missing == 1 else f"{missing} answers"
        say(
            f"{answers} could not be translated to be judged a second time; have it tried again with {how} --retry-errors"
        )
    for one in (run.manifest.get("adversarial") or {}).get("skipped", ()):
        say(f"attack {one['attack']} is left out: add {one['needs']}")
    for name, count in ((run.manifest.get("adversarial") or {}).get("pictured") or {}).items():
        say(f"benchmark {name}: {count} cases with images meet no attack, since none is for them")
    alike: dict[str, list[str]] = {}
    for benchmark, about in run.manifest.get("benchmarks", {}).items():
        if rows := about.get("dataset", {}).get("rows_left_out"):
            say(f"benchmark {benchmark}: {rows} rows left out, since the copy that was read lacks their images")
    for one in run.manifest.get("left_out", ()):
        alike.setdefault(one["needs"], []).append(one["benchmark"])
    for needs, names in alike.items():
        say(f"left out: {', '.join(names)}: {needs}")
    if run.manifest["suite"].get("stopping"):
        for line in stops_said(run):
            say(line)
    if filtered := run.manifest.get("difficulty"):
        say(f"baseline of the difficulty filter: {run.folder.parent / filtered['run']}")
    say(f"report: {run.folder / 'report.html'}")
    ending = run.ended.ending
    if ending is Ending.COMPLETE:
        if run.errors:
            _say_errors(run, how)
        if not run.measured:
            say("NOTHING WAS MEASURED: no attempt has a verdict, so this run says nothing about the model")
        return Exit.ERRORS if run.errors else Exit.DONE
    say(f"stopped: {run.ended.reason}; scores use only what was finished in order")
    say(f"go on with: {how}")
    if run.manifest["suite"]["name"].endswith(PREPARE):
        say(f"this was the baseline of the difficulty filter; then your command again, with --prepared {run.folder}")
    return Exit.INTERRUPTED if ending is Ending.INTERRUPTED else Exit.STOPPED
