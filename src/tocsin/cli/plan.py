"""``tocsin plan``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

HELP = "Say what an assessment will take and what it will show, before anything is asked."
EPILOG = (
    "Nothing is asked, no folder is written and no key is needed. What is said are estimates; see docs/method/power.md."
)


def command(
    models: Annotated[
        list[str] | None, typer.Argument(metavar="MODEL", help="provider/name, or an entry of tocsin.toml")
    ] = None,
    suite: Annotated[str | None, typer.Option(help="A suite's name, or a YAML file.")] = None,
    evaluation: Annotated[str | None, typer.Option(help="Evaluations, separated by commas.")] = None,
    benchmark: Annotated[str | None, typer.Option(help="Benchmarks, separated by commas.")] = None,
    attack: Annotated[str | None, typer.Option(help="Attacks, separated by commas.")] = None,
    mode: Annotated[
        str | None, typer.Option(metavar="exhaustive|worst-case", help="Whether a case stops at its first success.")
    ] = None,
    precision: Annotated[
        float | None, typer.Option(help="Stop a benchmark at this half-width of the interval.")
    ] = None,
    decide: Annotated[bool, typer.Option("--decide", help="Stop when the comparisons are decided.")] = False,
    framework: Annotated[str | None, typer.Option(metavar="NAME|FILE,…", help="Frameworks, by commas.")] = None,
    cases: Annotated[Path | None, typer.Option(help="Your own prompts.")] = None,
    judge: Annotated[str | None, typer.Option(help="Judge of free-text answers.")] = None,
    role: Annotated[list[str] | None, typer.Option(metavar="ROLE=MODEL", help="Who plays a role; repeatable.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Cases drawn from each benchmark at most.")] = None,
    repeats: Annotated[int | None, typer.Option(min=1, help="Attempts at each case.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws the cases and their order.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with datasets (or TOCSIN_DATA).")] = None,
    accept_licence: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Benchmark whose terms you accept; repeatable.")
    ] = None,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Calls at a time; adaptive if absent.")] = None,
    prepared: Annotated[
        Path | None, typer.Option(metavar="RUN_FOLDER", help="A finished run of the suite's baseline.")
    ] = None,
    translations: Annotated[Path | None, typer.Option(metavar="FILE", help="A table of tocsin translate.")] = None,
    only_reviewed: Annotated[
        bool, typer.Option("--only-reviewed", help="Of the translations, only what a person accepted or mended.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at a bad row.")] = False,
    config: Annotated[Path | None, typer.Option(help="A tocsin.toml; else the one in this folder.")] = None,
    earlier: Annotated[
        Path | None,
        typer.Option("--from", metavar="RUN_FOLDER", help="A run whose measurements go before assumptions."),
    ] = None,
    rate: Annotated[
        float | None, typer.Option(help="The rate that every score is taken to have; 0.5 if absent.")
    ] = None,
    cluster_correlation: Annotated[
        float | None, typer.Option(help="Of two attempts of a cluster; 0.5 if absent.")
    ] = None,
    model_correlation: Annotated[
        float | None, typer.Option(help="Of two models' outcomes on a case; 0.3 if absent.")
    ] = None,
    unscored: Annotated[float | None, typer.Option(help="Share of attempts without a verdict; 0 if absent.")] = None,
    latency: Annotated[float | None, typer.Option(help="Seconds of a call; 5 if absent.")] = None,
    answer_tokens: Annotated[int | None, typer.Option(min=1, help="Tokens of an answer; 300 if absent.")] = None,
    for_precision: Annotated[
        float | None, typer.Option(metavar="H", help="Say the limits at which every half-width is H or less.")
    ] = None,
    for_difference: Annotated[
        float | None, typer.Option(metavar="D", help="Say the limits at which a difference of D is found.")
    ] = None,
    for_budget: Annotated[
        float | None, typer.Option(metavar="DOLLARS", help="Say the largest limit that is expected to cost no more.")
    ] = None,
    for_calls: Annotated[
        int | None, typer.Option(metavar="N", help="Say the largest limit that takes no more calls.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the plan as JSON.")] = False,
) -> int:
    """Prints a plan."""
    from tocsin.api.planning import plan
    from tocsin.cli.given import listed, roles
    from tocsin.results.planning import Assumed, Wanted

    said = {
        "rate": rate,
        "cluster_correlation": cluster_correlation,
        "model_correlation": model_correlation,
        "unscored": unscored,
        "latency": latency,
        "answer_tokens": answer_tokens,
    }
    reverse: dict[Any, float | None] = {
        "precision": for_precision,
        "difference": for_difference,
        "budget": for_budget,
        "calls": for_calls,
    }
    asked = [(what, value) for what, value in reverse.items() if value is not None]
    if len(asked) > 1:
        raise typer.BadParameter("of --for-precision, --for-difference, --for-budget and --for-calls give one")
    told: dict[str, Any] = plan(
        *models or (),
        assumed=Assumed(**{name: value for name, value in said.items() if value is not None}),  # type: ignore[arg-type]
        earlier=earlier,
        concurrency=concurrency,
        prepared=prepared,
        wanted=Wanted(what=asked[0][0], value=asked[0][1]) if asked else None,
        config=config,
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
        seed=seed,
        repeats=repeats,
        data=data,
        accept_licences=accept_licence or (),
        translations=translations,
        only_reviewed=only_reviewed,
        strict=strict,
    )
    if as_json:
        typer.echo(json.dumps(told, indent=1))
    else:
        from tocsin.cli.plan_table import show_plan

        show_plan(told)
    return 0
