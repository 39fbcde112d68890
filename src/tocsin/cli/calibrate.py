"""``tocsin calibrate``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tocsin.api import Calibration

HELP = "Measure a judge against human labels."


def command(
    judge: Annotated[str, typer.Argument(metavar="JUDGE", help="A judge that reads by rules.")],
    on: Annotated[str, typer.Option(metavar="SET,…", help="Label sets, or files (prompt, response, label).")],
    data: Annotated[Path | None, typer.Option(help="Folder with datasets (or TOCSIN_DATA).")] = None,
    accept_licence: Annotated[
        list[str] | None, typer.Option(metavar="ID", help="Label set whose terms you accept; repeatable.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> int:
    """Prints how far a judge agrees with people."""
    from tocsin.api import calibrate

    names = [name.strip() for name in on.split(",") if name.strip()]
    found = calibrate(judge, on=names, data=data, accept_licences=accept_licence or ())
    if as_json:
        told = [one.as_dict() for one in found]
        typer.echo(json.dumps(told[0] if len(told) == 1 else told, ensure_ascii=False, indent=1))
        return 0
    for one in found:
        _show(one)
    return 0


def _show(one: Calibration) -> None:
    """The figures of one set, a line each."""
    told = one.as_dict()
    typer.echo(
        f"{one.identity} on {one.labels}: {one.n} labels of {one.who}, about {one.about}; positive is {one.positive}"
    )
    for name in ("agreement", "kappa", "sensitivity", "specificity", "balanced_accuracy", "f1", "auc", "coverage"):
        span = told[name]
        if span["value"] is not None:
            typer.echo(f"  {name.replace('_', ' '):18} {span['value']:.3f}  ({_limits(span)})")
    if told["majority"] is not None:
        typer.echo(f"  {'floor':18} {told['majority']:.3f}  always the more frequent label")
    if told["people"] is not None:
        typer.echo(f"  {'ceiling':18} {told['people']['value']:.3f}  two people with each other")
    for name, share in one.others.items():
        typer.echo(f"  {name:18} {share:.3f}  another judge's verdicts, as the set stores them")
    if one.left_out:
        typer.echo(f"  left out: {', '.join(f'{reason} {count}' for reason, count in one.left_out.items())}")


def _limits(span: dict[str, float | None]) -> str:
    if span["low"] is None or span["high"] is None:
        return "no interval"
    return f"95% interval {span['low']:.3f} to {span['high']:.3f}"
