"""What was found language by language, on a terminal: one compact table for each set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tocsin.cli.columns import steady
from tocsin.cli.errors import plain

if TYPE_CHECKING:
    from rich.console import Console

_ROWS = 40
"""Languages of a table at most."""
_TABLES = 8


def show_languages(console: Console, model: dict[str, Any], translations: dict[str, Any]) -> None:
    """Prints the tables of a model; nothing where nothing is told by language.

    Args:
        console: Where to.
        model: A model of the summary.
        translations: Benchmark → language → how many of its cases were translated, as the summary has it.
    """
    if not model.get("multilingual") and not any(score.get("language") for score in model["scores"]):
        return
    from rich.table import Table
    from rich.text import Text

    from tocsin.report.languages import spoken

    told = spoken(model, translations, most=_ROWS, hazards=0, tables=_TABLES)
    if told is None:
        return

    def show(title: str, columns: list[str], rows: list[list[str]], more: int, sentences: list[str]) -> None:
        table = Table(title=Text(_name(title)), title_justify="left", box=None, pad_edge=False, title_style="bold")
        table.add_column("language")
        for name in columns:
            table.add_column(name, justify="right" if name != "standing" else "left")
        for row in rows:
            table.add_row(*(Text(_name(cell)) for cell in row))
        console.print(table)
        if more:
            console.print(f"{more} more languages in summary.json.")
        for sentence in sentences:
            console.print(Text(_name(sentence)))

    for answered in told.answering:
        columns = ["unsafe rate", *(["drop, points", "standing"] if answered.reference else []), "not understood"]
        rows = []
        for row in answered.rows:
            cells = [_language(row.language, row.notes), _with(row.value, row.interval)]
            if answered.reference:
                standing = "reference" if row.reference else f"{row.standing} {row.direction}".strip()
                cells += ["" if row.reference else _with(row.drop, row.drop_interval), standing]
            rows.append([*cells, row.invalid])
        show(f"{answered.title}: safe generation by language", columns, rows, answered.more, answered.sentences)
    for judged in told.judging:
        columns = ["F1", "precision", "recall", "false-positive rate", "not read"]
        rows = [
            [
                _language(row.language, row.notes) if row.language else "average",
                *(_with(one.value or "–", one.interval) for one in (row.f1, row.precision, row.recall, row.alarm)),
                row.unread,
            ]
            for row in judged.rows
        ]
        show(f"{judged.title}: {judged.subject} judged by language", columns, rows, judged.more, [judged.sentence])
    if told.more:
        console.print(f"{told.more} more tables in report.html and summary.json.")


def _language(language: Any, notes: list[str]) -> str:
    code = f" ({language.code})" if language.code else ""
    return f"{language.name}{code}{' *' if notes else ''}"


def _with(value: str, interval: str) -> str:
    return f"{value} ({interval})" if interval and interval != "–" else value


def _name(text: str) -> str:
    return steady(plain(text))
