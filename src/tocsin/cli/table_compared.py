"""A comparison on a terminal."""

from __future__ import annotations

import sys
from typing import Any

from tocsin.cli.columns import steady
from tocsin.cli.errors import plain
from tocsin.report.comparison import Told, told
from tocsin.report.messages import Speaker

_WIDE = 100
_DETAIL = 12
"""Rows of what stands beside the scores, at most."""


def show_compared(comparison: dict[str, Any]) -> None:
    """Prints a comparison: the verdict, what is other, each score, and the cells that flipped. It fits 80 columns."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE, soft_wrap=False)
    found = told(comparison, Speaker("en"))

    def say(text: str, style: str = "") -> None:
        console.print(Text(plain(text), style=style))

    for side in found.sides:
        beside = "".join(f", {name} {side[name]}" for name in ("attack", "language") if side[name])
        say(f"{side['letter']}  {_name(side['model'])}{beside}  ({side['run']}, {side['status']})")
    say(f"{found.headline}. {found.verdict}", style="bold")
    for warning in found.warnings:
        say(f"! {warning}")
    for other in [one for one in found.differences if one["kind"] != "meant"][:_DETAIL]:
        where = f" [{other['benchmarks']}]" if other["benchmarks"] else ""
        say(f"  {other['what']}{where}: {other['one']} / {other['other']} ({other['standing']})")
    console.print()
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    table.add_column("score", overflow="fold", min_width=14)
    for name in ("A", "B", "B−A", "95% interval", "p", "sees"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict", min_width=8)
    for row in found.rows:
        style = {"worse": "red", "better": "green"}.get(row.verdict, "")
        shown = Text(f"{row.mark} {row.said}", style=style)
        label = Text.assemble(_name(row.name), "\n", (f"{row.what.lower()}, n {row.n}", "dim"))
        table.add_row(label, row.one, row.other, row.difference, row.interval, row.p, row.sees, shown)
    console.print(table)
    console.print()
    for row in found.rows:
        for note in [*([row.why] if row.why else []), *row.notes]:
            say(f"{_name(row.name)}, {row.what.lower()}: {note.rstrip('.')}.")
    say(f"{found.how} sees: the smallest difference that would have been found four times in five.")
    _show_agreement(found, say)
    _show_flips(found, say)
    if found.not_compared:
        say(f"{len(found.not_compared)} more scores have no test: --json or --html has them.")
    for line in found.only[:_DETAIL]:
        say(line)


def _show_agreement(found: Told, say: Any) -> None:
    for one in found.agreement:
        say(
            f"{_name(one['name'])}: the judges agree on {one['agreement']} (95% interval {one['interval']}) of {one['n']}"
            f" answers, kappa {one['kappa']}."
        )


def _show_flips(found: Told, say: Any) -> None:
    for title, name, some in (("Worse", "worse", found.worse), ("Better", "better", found.better)):
        if not some:
            continue
        rest = found.total[name] - len(some)
        say(f"{title} on B ({found.total[name]:,}), by case, and by cell on A / B:", style="bold")
        for flip in some:
            about = "/".join(
                filter(None, (flip["benchmark"], flip["case"], flip["attack"], flip["language"], flip["repeat"]))
            )
            say(f"  {_name(about)}  {_name(flip['hazard'])}  {flip['cells']}")
        if rest > 0:
            say(f"  and {rest:,} more")


def _name(text: str) -> str:
    return steady(plain(text))
