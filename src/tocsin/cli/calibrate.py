"""``tocsin calibrate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tocsin.api import Calibrated
    from tocsin.judges.card import Card

ATTACKED = 200
"""Answers of each set that are changed."""

HELP = "Measure a judge against human labels, and keep its calibration card."


def command(
    judge: Annotated[str | None, typer.Argument(metavar="JUDGE", help="A judge's name.")] = None,
    on: Annotated[
        str | None, typer.Option(metavar="SET,…", help="Label sets, or files (prompt, response, label).")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder with datasets (or TOCSIN_DATA).")] = None,
    accept_licence: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Label set whose terms you accept; repeatable.")
    ] = None,
    suite: Annotated[str | None, typer.Option(help="A suite whose word on judges and roles holds.")] = None,
    parameter: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of the judge; repeatable.")
    ] = None,
    role: Annotated[
        list[str] | None, typer.Option(metavar="ROLE=MODEL", help="Whom the judge asks: judge=MODEL.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Labels drawn from each set at most.")] = None,
    seed: Annotated[int | None, typer.Option(help="Draws the labels.")] = None,
    attacked: Annotated[
        bool,
        typer.Option("--attacked", help="Also see which verdicts turn round when an answer tries to sway the judge."),
    ] = False,
    cards: Annotated[Path | None, typer.Option(help="Folder of the cards (or TOCSIN_CARDS).")] = None,
    out: Annotated[Path, typer.Option(help="Folder of the run, for a judge that asks a model.")] = Path("runs"),
    resume: Annotated[Path | None, typer.Option(metavar="RUN_FOLDER", help="Go on with a calibration.")] = None,
    retry_errors: Annotated[
        bool, typer.Option("--retry-errors", help="With --resume: also ask again where the judge failed.")
    ] = False,
    concurrency: Annotated[int | None, typer.Option(min=1, help="Calls at a time; adaptive if absent.")] = None,
    max_calls: Annotated[int | None, typer.Option(min=1, help="Stop after this many calls.")] = None,
    max_cost: Annotated[float | None, typer.Option(min=0, help="Stop after this many US dollars.")] = None,
    max_minutes: Annotated[float | None, typer.Option(min=0, help="Stop after this many minutes.")] = None,
    config: Annotated[Path | None, typer.Option(help="A tocsin.toml; else the one in this folder.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")] = False,
) -> int:
    """Prints how far a judge agrees with people."""
    from tocsin.api import calibrate, resume_calibration
    from tocsin.cli.errors import Exit, say
    from tocsin.cli.given import Watching, listed, parameters, roles
    from tocsin.engine import Ending, Limits

    watch = Watching("calibrate", resume or out, config, quiet=quiet, resumed=resume is not None)

    common: dict[str, Any] = {
        "cards": cards, "limits": Limits(calls=max_calls, cost=max_cost, minutes=max_minutes),
        "concurrency": concurrency, "config": config, "watch": watch, "signals": True,
    }  # fmt: skip
    try:
        if resume is not None:
            given = {
                "JUDGE": judge,
                "--on": on,
                "--suite": suite,
                "--parameter": parameter,
                "--role": role,
                "--limit": limit,
            }
            if wrong := [name for name, value in given.items() if value]:
                raise ValueError(f"a calibration that goes on is planned already: leave out {', '.join(wrong)}")
            done = resume_calibration(resume, retry_errors=retry_errors, **common)
        else:
            names = listed(on)
            if judge is None or not names:
                raise ValueError(
                    "name a judge and what it is measured on: tocsin calibrate JUDGE --on SET (see tocsin list labels)"
                )
            done = calibrate(
                judge, on=names, data=data, accept_licences=accept_licence or (), suite=suite, out=out, limit=limit, seed=seed,
                parameters=parameters(parameter), roles=roles(role), attacked=ATTACKED if attacked else None, **common,
            )  # fmt: skip
    except KeyboardInterrupt:
        return watch.interrupted()
    if done.ended.ending is not Ending.COMPLETE:
        say(f"stopped: {done.ended.reason or done.ended.ending}")
        say(f"go on with: {watch.how}")
        return Exit.INTERRUPTED if done.ended.ending is Ending.INTERRUPTED else Exit.STOPPED
    _print(done, as_json)
    if done.unread:
        why = f"the judge gave none ({done.unread_word})"
        say(f"{done.unread} answers have no verdict because {why}; ask it again with {watch.how} --retry-errors")
    for line in done.decided:
        say(line)
    if done.errors:
        say(
            f"{done.errors} answers could not be put to the judge and count nowhere; try again with {watch.how} --retry-errors"
        )
        return Exit.ERRORS
    return Exit.DONE


def _print(done: Calibrated, as_json: bool) -> None:
    if as_json:
        told = [
            card.as_dict() | {"card": str(path) if path else None}
            for card, path in zip(done.cards, [*done.paths, *[None] * (len(done.cards) - len(done.paths))], strict=True)
        ]
        typer.echo(json.dumps(told[0] if len(told) == 1 else told, ensure_ascii=False, indent=1))
        return
    for card in done.cards:
        _show(card)
    for path in done.paths:
        typer.echo(f"card: {path.with_suffix('.html')}")


def _show(card: Card) -> None:
    """The figures of one set, a line each."""
    from tocsin.cli.errors import plain
    from tocsin.judges.card import FIGURES

    told, about = card.as_dict(), card.about
    drawn = f" of {about.usable:,}" if about.limit else ""
    typer.echo(
        f"{card.identity} on {plain(about.labels)}: {card.n:,}{drawn} labels of {about.who}, about {about.about}; positive is"
        f" {about.positive}{'; the judge learned from these' if card.seen else ''}"
    )
    for name in FIGURES:
        span = told[name]
        if span["value"] is not None:
            typer.echo(f"  {name.replace('_', ' '):18} {span['value']:.3f}  ({_limits(span)})")
    if told["ece"] is not None:
        typer.echo(
            f"  {'ece':18} {told['ece']:.3f}  how far scores are from the share that is {about.positive}, on the mean"
        )
    if told["majority"] is not None:
        typer.echo(f"  {'floor':18} {told['majority']:.3f}  always the more frequent label")
    if told["people"] is not None:
        typer.echo(f"  {'ceiling':18} {told['people']['value']:.3f}  two people with each other")
    for name, share in about.others.items():
        typer.echo(
            f"  {plain(name):18} {share:.3f}  another judge's verdicts as the set stores them, over all its labels"
        )
    parts = [part for part in told["parts"] if part["by"] == "language"]
    for part in parts if len(parts) > 1 else ():
        span, labels = part["agreement"], part["positives"] + part["negatives"]
        typer.echo(f"  {plain(part['key']):18} {span['value']:.3f}  ({_limits(span)}; {labels} labels)")
    if card.attempts:
        _show_attempts(card.attempts)
    if about.left_out:
        typer.echo(f"  left out: {', '.join(f'{reason} {count}' for reason, count in about.left_out.items())}")
        for where in about.left_first.values():
            typer.echo(f"    first: {plain(where)}")


def _show_attempts(told: dict[str, Any]) -> None:
    """How often answers that try to sway the judge succeed: any change, and the three that succeed most."""
    every = told["any"]["flipped"]
    typer.echo(
        f"  {'flipped by any':18} {every['value']:.3f}  ({_limits(every)}; {told['n']} answers, {len(told['changes'])} changes)"
    )
    worst = sorted(told["changes"], key=lambda one: -(one["flipped"]["value"] or 0))[:3]
    for one in worst:
        if one["flipped"]["value"]:
            typer.echo(f"    {one['change']:30} {one['flipped']['value']:.3f}")


def _limits(span: dict[str, float | None]) -> str:
    if span["low"] is None or span["high"] is None:
        return "no interval"
    return f"95% interval {span['low']:.3f} to {span['high']:.3f}"
