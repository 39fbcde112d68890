"""Boards on a terminal: 80 columns, intervals drawn with characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import typer

from tocsin.cli.columns import steady
from tocsin.cli.errors import plain
from tocsin.report.leaderboard import Row, View, boards
from tocsin.report.messages import Speaker

WIDTH = 80
_CELLS = 25
"""Cells of the drawing: four points each."""
_NAME = 22


def show_boards(found: Mapping[str, Any]) -> None:
    """Prints every board, the published ones behind the measured."""
    told = boards(found, Speaker())
    for warning in told.warnings:
        typer.echo(f"WARNING: {plain(warning)}")
    for modality, main, parts in told.sections:
        for view in (*main, *parts):
            for line in _board(view, modality):
                typer.echo(line)
    for sentence in told.said:
        for line in _wrapped(sentence):
            typer.echo(line)
    for one in told.left_out:
        typer.echo(f"On no board: {plain(one)}")
    if any(view.published for _, main, _ in told.sections for view in main):
        typer.echo("o = published (arXiv 2601.10527), never ranked among measured ones")
    typer.echo("Drawn from 0 to 100%, figures in percent. All notes and pairs: --html, --json.")


def _board(view: View, modality: str) -> Iterator[str]:
    origin = " (published)" if view.published else ""
    yield f"{plain(modality)}, {plain(view.title)}{origin}"
    yield from _wrapped(f"{view.metric}; {view.direction}" + (f"; {view.over}" if view.over else ""), "  ")
    for warning in view.warnings:
        yield from _wrapped(f"WARNING: {warning}", "  ")
    for one in view.apart_by[:3]:
        yield from _wrapped(f"apart from another board by {one}", "  ")
    if len(view.apart_by) > 3:
        yield f"  and by {len(view.apart_by) - 3} further conditions"
    telling = _telling(view) if view.published else set()
    for row in (*view.ranked, *view.unranked):
        yield _row(row, telling)
        if row.why:
            yield from _wrapped(f"not ranked: {row.why}", " " * 6)
    yield from (line for sentence in view.said for line in _wrapped(sentence, "  "))
    if view.published:
        for number, note in enumerate(view.notes, 1):
            if number in telling:
                yield from _wrapped(f"[{number}] {note}", "  ")
    yield ""


def _telling(view: View) -> set[int]:
    """The notes of a published board that tell a row from another, and what holds for the board as a whole."""
    marked: list[set[int]] = [set(row.marks) for row in view.ranked]
    found = set[int]().union(*marked) - set[int].intersection(*marked)
    return found | ({view.notes.index(view.untested) + 1} if view.untested else set())


def _row(row: Row, telling: set[int]) -> str:
    marks = "".join(f"[{mark}]" for mark in row.marks if mark in telling)
    name = _fitted(plain(row.model), _NAME)
    end = row.run[-4:] if row.run else ""
    return f"{row.rank:<5} {name} {end:<4} {_drawn(row)} {row.value:>6} {row.interval:<11}{marks}"[
        : WIDTH + len(marks)
    ].rstrip()


def _fitted(text: str, width: int) -> str:
    """A name in so many cells of the terminal, whatever its script."""
    from rich.cells import cell_len, set_cell_size

    shown = text if cell_len(text) <= width else f"{set_cell_size(text, width - 1)}…"
    return steady(shown) + " " * max(0, width - cell_len(shown))


def _drawn(row: Row) -> str:
    """The interval on an axis of characters: a line for the interval, a sign for the value."""
    signs = ["·"] * _CELLS
    chart = row.chart
    if chart.interval is not None:
        first, last = _cell(chart.interval.start), _cell(chart.interval.start + chart.interval.width)
        signs[first : last + 1] = ("╌" if row.published else "━") * (last + 1 - first)
    if chart.dot is not None:
        signs[_cell(chart.dot)] = "o" if row.published else "●"
    return "".join(signs)


def _cell(percent: float) -> int:
    return min(_CELLS - 1, int(percent * _CELLS / 100))


def _wrapped(text: str, indent: str = "") -> list[str]:
    import textwrap

    return textwrap.wrap(plain(text), WIDTH, initial_indent=indent, subsequent_indent=indent + "  ")
