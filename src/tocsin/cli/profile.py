"""``tocsin profile``."""

from __future__ import annotations

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from tocsin.report.messages import Speaker

HELP = "Draw safety profiles, and say which archetype each is and by what rule."


class Language(StrEnum):
    """Languages of a drawing."""

    EN = "en"
    ZH = "zh"


def command(
    runs: Annotated[list[Path] | None, typer.Argument(metavar="[RUN_FOLDER]…", help="Run folders.")] = None,
    published: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL", help="A model that arXiv 2601.10527 publishes, such as gpt-5.2; may be repeated."
        ),
    ] = None,
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the chart as SVG.")] = None,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the chart as PNG (extra png).")] = None,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write chart, sentences and table as a page.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    language: Annotated[Language, typer.Option(help="Of what is written: en or zh.")] = Language.EN,
) -> int:
    """Prints or writes profiles."""
    from tocsin.api import profile_of
    from tocsin.cli.errors import say
    from tocsin.report.messages import Speaker

    found = profile_of(*(runs or ()), published=published or ())
    if as_json:
        sys.stdout.write(json.dumps({"schema": 1, "profiles": found}, indent=1) + "\n")
    drawn = [one for one in found if one["sectors"]]
    for one in found:
        if not one["sectors"]:
            say(f"{one['model']}: nothing was scored, so there is nothing to draw")
    for file, data in _files(drawn, language.value, svg, png, html):
        _write(file, data)
        say(f"written: {file}")
    if not as_json and not (svg or png or html):
        _show(found, Speaker(language.value), language.value)
    return 0


def _files(
    profiles: list[dict[str, Any]], language: str, svg: Path | None, png: Path | None, html: Path | None
) -> list[tuple[Path, str | bytes]]:
    """What is to be written. All of it is made before any of it is written."""
    made: list[tuple[Path, str | bytes]] = []
    if svg or png:
        from tocsin.report.polar import polar, polar_png

        made += [(svg, polar(profiles, language=language) + "\n")] if svg else []
        made += [(png, polar_png(profiles, language=language))] if png else []
    if html:
        from tocsin.report.profile_page import profile_page

        made.append((html, profile_page(profiles, language=language)))
    return made


def _write(file: Path, data: str | bytes) -> None:
    try:
        file.write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise ValueError(f"{file} cannot be written ({error.strerror}): name another file") from error


def _show(profiles: list[dict[str, Any]], speak: Speaker, language: str) -> None:
    """A table, the archetypes with their rules, and the sentences, within the width of the terminal."""
    from rich.console import Console
    from rich.padding import Padding
    from rich.text import Text

    from tocsin.report.profile_text import KINDS, archetype_lines, tell

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    for profile in profiles:
        console.print(_table(console, profile, speak, language))
        for found in profile["archetypes"]:
            first, *others = archetype_lines(found, speak)
            console.print(Text(f"\n{_line(first)}", style="bold"))
            for line in others:
                console.print(Padding(Text(_line(line)), (0, 0, 0, 2)))
            if found["inputs"]:
                console.print(_inputs(found, speak))
        for kind, heading in KINDS.items():
            lines = [tell(one, speak) for one in profile["sentences"] if one["kind"] == kind]
            if lines:
                console.print(Text(f"\n{speak(heading)}", style="bold"))
            for line in lines:
                console.print(Padding(Text(_line(line)), (0, 0, 0, 2)))
        console.print()


def _table(console: Console, profile: dict[str, Any], speak: Speaker, language: str) -> Any:
    from rich.table import Table
    from rich.text import Text

    from tocsin.report.polar import origin
    from tocsin.report.profile_page import COLUMNS
    from tocsin.report.profile_table import profile_table

    title = f"{_line(profile['model'])} ({', '.join(origin(profile, speak))})"
    table = Table(title=Text(title), title_justify="left", title_style="bold", box=None, pad_edge=False)
    for name in COLUMNS[:2]:
        table.add_column(speak(name), overflow="fold")
    for name in COLUMNS[2:6]:
        table.add_column(speak(name), justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    whys: dict[str, list[str]] = {}
    rows = profile_table(profile, language=language)
    axes = [axis for sector in profile["sectors"] for axis in sector["axes"]]
    for row, axis in zip(rows, axes, strict=True):
        sector = row.sector if row.first else ""
        cells = (row.value, row.interval, row.bounds, row.n)
        table.add_row(Text(_line(sector)), Text(_line(row.axis)), *cells, _bar(axis["value"]))
        if axis["value"] is None:
            whys.setdefault(row.note, []).append(row.axis)
    table.caption = Text("\n".join(f"{_line(', '.join(names))}: {_line(why)}" for why, names in whys.items()))
    table.caption_justify = "left"
    return table


def _bar(value: float | None) -> str:
    """A value as ten blocks; not all, and not none, of them are full unless it is 1, or 0."""
    if value is None:
        return ""
    full = round(10 * value) if value in (0, 1) else min(9, max(1, round(10 * value)))
    return "█" * full + "░" * (10 - full)


def _inputs(found: dict[str, Any], speak: Speaker) -> Any:
    from rich.table import Table
    from rich.text import Text

    from tocsin.report.profile_page import INPUTS
    from tocsin.report.profile_text import input_rows

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2))
    for place, name in enumerate(INPUTS):
        table.add_column(speak(name), justify="right" if place in (1, 2) else "left", no_wrap=place in (1, 2))
    for row in input_rows(found, speak):
        table.add_row(*(Text(_line(cell)) for cell in row))
    return table


def _line(text: str) -> str:
    from tocsin.cli.columns import steady
    from tocsin.cli.errors import plain

    return steady(plain(text))
