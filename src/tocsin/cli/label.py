"""``tocsin label``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tocsin.api import Run
    from tocsin.evaluations.run_labels import Labels

HELP = "Have people label answers of a run, so that its rates can be corrected."


class Design(StrEnum):
    """How answers are drawn."""

    random = "random"
    stratified = "stratified"
    uncertain = "uncertain"
    verdict = "verdict"


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="A finished run.")],
    draw: Annotated[int | None, typer.Option(min=1, help="Draw so many answers of each target and benchmark.")] = None,
    sheet: Annotated[
        Path | None, typer.Option(help="With --draw: the sheet to write, .csv or .jsonl. It shows prompts and answers.")
    ] = None,
    add: Annotated[Path | None, typer.Option(metavar="FILE", help="The sheet as people filled it.")] = None,
    design: Annotated[
        Design | None,
        typer.Option(
            help="With --draw: all alike, by language and verdict, more where the judge is unsure, or as many of each"
            " verdict. Every answer keeps a chance. [default: random]",
            show_default=False,
        ),
    ] = None,
    by_verdict: Annotated[
        bool, typer.Option("--by-verdict", help="With --draw: the same as --design verdict.")
    ] = False,
    seed: Annotated[int, typer.Option(help="With --draw: draws the answers.")] = 0,
    votes: Annotated[
        bool,
        typer.Option("--votes", help="How far annotators of the labelling page have come, and how far they agree."),
    ] = False,
    close: Annotated[bool, typer.Option("--close", help="Make labels of their votes, and correct the rates.")] = False,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the labels as .jsonl for tocsin calibrate --on FILE.")
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="With --add, --close: print the summary as JSON; with --votes: the agreement."),
    ] = False,
) -> int:
    """Writes a sheet for people, or takes what they wrote on it; shows, takes or exports what annotators voted."""
    from tocsin.api import add_labels, close_labels, draw_labels, export_labels, label_agreement
    from tocsin.cli.errors import Exit, say

    if sum((draw is not None, add is not None, votes, close, export is not None)) != 1:
        raise typer.BadParameter(
            "say --draw N --sheet FILE, and when people have filled the sheet, --add FILE; or, of the labelling page of tocsin"
            " view, --votes or --close; or --export FILE"
        )
    if draw is not None:
        if sheet is None:
            raise typer.BadParameter("--draw needs --sheet FILE: where the answers are written for people to label")
        chosen: Any = design.value if design else None
        labels = draw_labels(run, sheet, each=draw, seed=seed, design=chosen, by_verdict=by_verdict)
        say(f"{len(labels.drawn)} answers to label in {sheet}. It shows prompts and answers, which may be harmful")
        say(
            f"fill the column label with one of the two words in the column question, then: tocsin label {run} --add {sheet}"
        )
        return Exit.DONE
    if export is not None:
        found = export_labels(run, export)
        say(
            f"{len(found.rows)} of {found.labelled} labels in {export}. It shows prompts and answers, which may be harmful"
        )
        if found.thinned:
            say(f"left out so that every answer had the same chance to be in it: {found.thinned}")
        if found.attacked:
            say(
                f"answers to attacked requests among them: {found.attacked}; a card of this file corrects no rate of plain ones"
            )
        if found.refusals:
            say(f"left out since they are of refusals and not of harm: {found.refusals}")
        return Exit.DONE
    if votes:
        told = label_agreement(run)
        if as_json:
            typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
        else:
            _show_agreement(told)
        return Exit.DONE
    if close:
        labels, scored = close_labels(run)
        _taken(labels, scored, as_json)
        return Exit.DONE
    assert add is not None, "one of them is there"
    labels, scored = add_labels(run, add)
    _taken(labels, scored, as_json)
    return Exit.DONE


def _taken(labels: Labels, scored: Run, as_json: bool) -> None:
    from tocsin.cli.errors import say

    why = ", ".join(f"{why} {count}" for why, count in labels.left_out.items())
    say(f"{len(labels.failed)} of {len(labels.drawn)} drawn answers have a label{f'; left out: {why}' if why else ''}")
    if as_json:
        typer.echo(json.dumps(scored.summary, ensure_ascii=False, indent=1))
    else:
        from tocsin.cli.table import show_scores

        show_scores(scored.summary)
    say(f"report: {scored.folder / 'report.html'}")


def _show_agreement(told: Mapping[str, Any]) -> None:
    """The agreement in a few lines. Names of annotators are shown as text, without what could steer a terminal."""
    from tocsin.report.clean import name

    why = ", ".join(f"{why} {count}" for why, count in told["left_out"].items())
    typer.echo(
        f"{told['drawn']} answers drawn ({told['design']}, seed {told['seed']}); {told['labelled']} have a label"
    )
    if why:
        typer.echo(f"without a label: {why}")
    for one in told["annotators"]:
        pace = f", {one['median_seconds']:.0f} s each" if one["median_seconds"] is not None else ""
        unsure = f", cannot tell {one['cannot_tell']}" if one["cannot_tell"] else ""
        over = f", decided {one['adjudicated']} for others" if one["adjudicated"] else ""
        seen = f", {one['not_blind']} not blind, which count nowhere" if one["not_blind"] else ""
        typer.echo(f"  {name(one['name'])}: {one['voted']} votes{unsure}{pace}{over}{seen}")
    for question in told["questions"]:
        alpha = question["alpha"]
        if alpha["value"] is None:
            typer.echo(f"{question['question']} Krippendorff's alpha is undefined: {alpha['undefined']}")
        else:
            few = "; few answers, take the limits with care" if alpha["few_units"] else ""
            limits = f" ({alpha['low']:.2f} to {alpha['high']:.2f})" if alpha["low"] is not None else ""
            typer.echo(
                f"{question['question']} Krippendorff's alpha {alpha['value']:.2f}{limits}, {alpha['n_units']} answers{few}"
            )
        for pair in question["pairs"]:
            kappa = pair["kappa"]["value"]
            kappas = "undefined" if kappa is None else f"{kappa:.2f}"
            typer.echo(
                f"  {name(pair['first'])}, {name(pair['second'])}: {pair['agreed']} of {pair['n']} alike, Cohen's kappa {kappas}"
            )
    if contested := told["contested"]:
        have = "answer has" if contested == 1 else "answers have"
        typer.echo(f"{contested} {have} votes and no majority: an adjudicator may decide on the labelling page")
