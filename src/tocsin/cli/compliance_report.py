"""``tocsin compliance report``."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

HELP = "What the tests of a run say about each clause of a framework: evidence, and no legal judgement."


class Format(StrEnum):
    """How it is written."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    CSV = "csv"
    OSCAL = "oscal"


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="A run's folder.")],
    framework: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE,…", help="Frameworks, separated by commas; those of the run if absent."),
    ] = None,
    form: Annotated[
        Format, typer.Option("--format", help="text, markdown, json, csv, or oscal (assessment results).")
    ] = Format.TEXT,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write it here, and not on standard output.")] = None,
) -> int:
    """Prints or writes the evidence for clauses."""
    from tocsin.api import compliance_evidence
    from tocsin.cli.errors import say
    from tocsin.cli.given import listed
    from tocsin.journal import read_manifest, write_private

    told = compliance_evidence(run, listed(framework))
    if told["status"] != "complete":
        say("the run is not finished: only what was finished in order is counted")
    if form is Format.TEXT:
        text = _drawn(told, wide=out is not None)
    elif form is Format.JSON:
        text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    else:
        from tocsin.report import assessment_results, write_compliance_markdown, write_csv

        if form is Format.OSCAL:
            text = json.dumps(assessment_results(told, read_manifest(run)), ensure_ascii=False, indent=1) + "\n"
        else:
            text = write_csv(told) if form is Format.CSV else write_compliance_markdown(told)
    if out is None:
        sys.stdout.write(text)
        return 0
    try:
        write_private(out, text)
    except OSError as error:
        raise ValueError(f"{out} cannot be written ({error.strerror}): name another file with --out") from error
    say(f"written: {out}")
    return 0


def _drawn(told: dict[str, Any], *, wide: bool) -> str:
    """Tables within the width of the terminal."""
    import io

    from rich.console import Console
    from rich.text import Text

    from tocsin.report.compliance import counts, edition, mapping

    width = None if sys.stdout.isatty() and not wide else 120
    console = Console(file=io.StringIO(), highlight=False, width=width)
    for model in told["models"]:
        for one in model["compliance"]:
            console.print(Text(_name(f"{model['model']}: {one['title']}"), style="bold"))
            console.print(Text(_name(f"version {edition(one)}; mapping {mapping(one)}; {one['source']}")))
            console.print(Text(_checked(one)))
            console.print(Text(counts(one["clauses"])))
            console.print(_table(one))
            for line in one["left_out"]:
                console.print(Text(_name(f"left out as evidence: {line}")))
            if one["unassigned"]:
                console.print(Text(_name(f"items without a clause, counted for none: {', '.join(one['unassigned'])}")))
            console.print(Text(f"The rule: {one['rule']}"))
            console.print()
    console.print(Text(told["disclaimer"]))
    file = console.file
    assert isinstance(file, io.StringIO)
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def _table(one: dict[str, Any]) -> Any:
    from rich.table import Table
    from rich.text import Text

    from tocsin.evaluations.compliance import KINDS
    from tocsin.report.compliance import MARKS, NO_TEST, STANDING, apart, by_format, standing_notes

    table = Table(box=None, pad_edge=False)
    for name in ("clause", "the tests", *KINDS):
        table.add_column(name, ratio={"clause": 3, "the tests": 2}.get(name, 2), overflow="fold")
    for clause in one["clauses"]:
        found = {kind["kind"]: kind for kind in clause["evidence"]}
        checked = f" ({told})" if (told := apart(clause, one["status"])) else ""
        table.add_row(
            Text(_name(f"{clause['ref']} {clause['title']}{checked}")),
            Text(
                "; ".join(
                    (
                        f"{MARKS[clause['standing']]} {STANDING[clause['standing']]}",
                        *map(_name, standing_notes(clause)),
                    )
                )
            ),
            *(Text(_figure(found[kind], by_format(clause, kind)) if kind in found else NO_TEST) for kind in KINDS),
        )
    return table


def _figure(kind: dict[str, Any], formats: str) -> str:
    if not kind["n"]:
        return f"nothing measured of {kind['planned']}"
    span = "" if kind["low"] is None else f" {kind['low']:.3f}-{kind['high']:.3f}"
    return f"{kind['value']:.3f}{span} {kind['n']}/{kind['planned']}" + (f" ({formats})" if formats else "")


def _checked(one: dict[str, Any]) -> str:
    from tocsin.report.compliance import CHECKED

    return CHECKED[one["status"]]


def _name(text: str) -> str:
    from tocsin.cli.columns import steady
    from tocsin.cli.errors import plain

    return steady(plain(text))
