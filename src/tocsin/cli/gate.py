"""``tocsin gate``."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tocsin.results.gate_result import GateResult

HELP = "Hold a run against a policy: exit code 0 if it passes, 1 with the reasons if it does not. Asks nobody."
_PIPED = 80
_OF_RUNS = ("run.json", "journal.sqlite", "summary.json", "comparison.json", "report.", "labels", ".")
"""How the names of a run's own files begin."""


def command(
    run: Annotated[Path, typer.Argument(metavar="RUN_FOLDER", help="A run's folder.")],
    policy: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="A policy: tocsin list policies, or a YAML file.")
    ] = "default",
    baseline: Annotated[
        Path | None, typer.Option(metavar="RUN_FOLDER", help="The run that regressions and grades are against.")
    ] = None,
    model: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Gate this model alone; repeatable. All if absent.")
    ] = None,
    baseline_model: Annotated[
        str, typer.Option(metavar="NAME", help="The baseline's model, where it has another name.")
    ] = "",
    junit: Annotated[Path | None, typer.Option(metavar="FILE", help="Write JUnit XML here.")] = None,
    sarif: Annotated[Path | None, typer.Option(metavar="FILE", help="Write SARIF 2.1.0 here.")] = None,
    markdown: Annotated[Path | None, typer.Option(metavar="FILE", help="Write Markdown here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Prints the checks of a gate; what fails comes first."""
    from tocsin.api.gating import gate
    from tocsin.cli.errors import Exit, say

    wanted = {form: path for form, path in (("junit", junit), ("sarif", sarif), ("markdown", markdown)) if path}
    _check_outputs(wanted, run, baseline, policy)
    result = gate(run, policy, baseline, models=model or (), baseline_model=baseline_model)
    for form, path in wanted.items():
        _write(form, path, result)
        say(f"written: {path}")
    if as_json:
        typer.echo(json.dumps(result.as_dict(), indent=1))
    else:
        _show(result)
    return Exit.DONE if result.passed else Exit.GATE_FAILED


def _check_outputs(wanted: Mapping[str, Path], run: Path, baseline: Path | None, policy: str) -> None:
    """Refuses files that would take the place of what a run holds, of the policy, or of each other.

    Raises:
        ValueError: One would.
    """
    folders = [folder.resolve() for folder in (run, baseline) if folder is not None]
    seen: dict[Path, str] = {}
    for form, path in wanted.items():
        real = path.resolve()
        if real in seen:
            raise ValueError(f"--{seen[real]} and --{form} both name {path}: name two files")
        seen[real] = form
        if real.is_dir():
            raise ValueError(f"--{form}: {path} is a folder: name a file")
        if real == Path(policy).resolve():
            raise ValueError(f"--{form} would take the place of the policy {policy}: name another file")
        for folder in folders:
            if folder in real.parents and (real.parent != folder or real.name.startswith(_OF_RUNS)):
                raise ValueError(f"--{form} would take the place of {path}, a part of a run: name another file")


def _write(form: str, path: Path, result: GateResult) -> None:
    from tocsin.journal import write_private
    from tocsin.report.gate_formats import junit, markdown, sarif

    text = {"junit": junit, "sarif": sarif, "markdown": markdown}[form](result)
    try:
        write_private(path, text)
    except OSError as error:
        raise ValueError(f"{path} cannot be written ({error.strerror}): name another file with --{form}") from error


def _show(result: GateResult) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tocsin.cli.columns import steady
    from tocsin.cli.errors import plain

    def text(told: str, style: str = "") -> Text:
        return Text(steady(plain(told)), style=style)

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _PIPED)
    failed = len(result.failed)
    against = f", against {result.baseline}" if result.baseline else ""
    console.print(text(f"Run {result.run} ({result.suite}, {result.status}){against}"))
    console.print(text(": ".join(filter(None, (f"Policy {result.policy['identity']}", result.policy["title"])))))
    for model in [*result.models, None]:
        mine = [check for check in result.checks if check.model == model]
        if not mine:
            continue
        table = Table(
            title=text(model or "The run as a whole"),
            title_justify="left",
            title_style="bold",
            box=None,
            pad_edge=False,
        )
        table.add_column("", no_wrap=True)
        table.add_column("check", max_width=console.width * 2 // 5, overflow="fold")
        table.add_column("why", overflow="fold")
        for check in sorted(mine, key=lambda one: one.passed):
            state = text("passed", "green") if check.passed else text("FAILED", "bold red")
            what = f"{check.rule}: {check.about}" if check.about else check.rule
            table.add_row(state, text(what), text(check.reason))
        console.print(table)
    if result.judges:
        console.print(text(f"Judged by {', '.join(result.judges)}."))
    for flag in result.flags:
        console.print(text(f"Note: {flag}."))
    word = "FAILED" if failed else "PASSED"
    of = f"{failed} of {len(result.checks)} checks failed" if failed else f"{len(result.checks)} checks"
    console.print(text(f"{word}: {of}", "bold"))
