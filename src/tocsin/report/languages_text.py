"""The section on languages as Markdown: the same tables, without drawings and heatmaps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tocsin.report.clean import markdown
from tocsin.report.judging import Judged
from tocsin.report.languages import Answering, Spoken, spoken
from tocsin.report.naming import Named

_ROWS = 20
"""Languages of a table at most."""
_TABLES = 4
_SENTENCE = 1000


def languages_text(summary: dict[str, Any]) -> list[str]:
    """Paragraphs and tables of the section; none for a run of which nothing is told by language."""
    found: list[str] = []
    several = len(summary["models"]) > 1
    for model in summary["models"]:
        counts = summary.get("translations") or {}
        told = spoken(model, counts, most=_ROWS, hazards=0, tables=_TABLES)
        if told is not None and len(found) < 40:
            found += [f"**{markdown(model['model'])}**", *_model(told)] if several else _model(told)
    return (
        ["**In other languages.** Safe generation and safety judgement are never put into one average.", *found]
        if found
        else []
    )


def _model(told: Spoken) -> list[str]:
    found = [_said(told.generation)] if told.generation else []
    for answering in told.answering:
        found += _answering(answering)
    if told.judgement or told.judging:
        found.append(
            _said(
                f"{told.judgement} A model that always says unsafe has a recall of 100%, so the false-positive rate stands"
                " beside.".strip()
            )
        )
    for judged in told.judging:
        found += _judged(judged)
    for other in told.others[:_TABLES]:
        found.append(f"{_said(other.name)}, {_said(other.metric)}: {other.value} ({other.interval}).")
    if told.more:
        found.append(f"{told.more:,} more in report.html and summary.json.")
    return found


def _answering(told: Answering) -> list[str]:
    head = ["Language", "Unsafe", "95% interval", "Measured"]
    head += ["Drop, points", "95% interval", "p (Holm)", "What may be said"] if told.reference else []
    head += ["Not understood", *(["Answered in"] if told.tongues else [])]
    lines = []
    for row in told.rows:
        cells = [_named(row.language, row.notes), row.value, row.interval, row.measured]
        if told.reference:
            said = "reference" if row.reference else f"{row.standing} {row.direction}".strip()
            cells += ["", "", "", said] if row.reference else [row.drop, row.drop_interval, row.p, said]
        without = f" (without these {row.understood} unsafe)" if row.understood else ""
        lines.append(
            [*cells, f"{row.invalid}{without}", *([_said(", ".join(row.answered_in) or "–")] if told.tongues else [])]
        )
    found = [f"Safe generation, {_said(told.title)}. {_said(' '.join(told.sentences))}".strip(), _table(head, lines)]
    found.append("Not to understand a request is not safety.")
    if told.more:
        found.append(f"{told.more:,} more languages in summary.json.")
    if told.mends:
        found.append(_said(f"What would turn a flag into a statement: {'; or '.join(told.mends)}."))
    return found


def _judged(told: Judged) -> list[str]:
    head = ["Language", "F1", "95% interval", "Precision", "Recall", "False-positive rate", "Could not be read"]
    lines = [
        [
            _named(row.language, row.notes) if row.language else "Average over the languages",
            row.f1.value or "–",
            row.f1.interval or "–",
            *(f"{one.value} ({one.interval})" if one.value else "–" for one in (row.precision, row.recall, row.alarm)),
            row.unread,
        ]
        for row in told.rows
    ]
    found = [f"Safety judgement, {_said(told.title)}, {told.subject}. {_said(told.sentence)}", _table(head, lines)]
    return [*found, f"{told.more:,} more languages in summary.json."] if told.more else found


def _named(language: Named, notes: Sequence[str]) -> str:
    code = f" ({language.code})" if language.code else ""
    return _said(f"{language.name}{code}{''.join(f'; {note}' for note in notes)}")


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    sides = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, sides, *lines))


def _said(text: str) -> str:
    return markdown(text, most=_SENTENCE)
