"""The section for people: answers on which a judge would not decide, by id alone."""

from __future__ import annotations

import sqlite3
from collections import Counter
from typing import Any

import msgspec

from tocsin.report import clean, words
from tocsin.report.messages import joined, message
from tocsin.results.review import Left, cells_for_people

_ROWS = 200
_EACH = 12
"""Ids of a hazard that are shown at most."""


class ForPeople(msgspec.Struct, frozen=True, kw_only=True):
    """What is left to people of one hazard of a benchmark, on one model."""

    model: str
    benchmark: str
    hazard: str
    count: int
    cells: list[str]
    more: int


def for_people(db: sqlite3.Connection, summary: dict[str, Any]) -> tuple[list[ForPeople], int]:
    """The rows of the section, and how many rows are left out. Ids alone: no prompt, answer, image or rationale."""
    if not any(model.get("review") for model in summary["models"]):
        return [], 0
    counts: Counter[tuple[int, str, str]] = Counter()
    first: dict[tuple[int, str, str], list[str]] = {}
    for cell in cells_for_people(db):
        place = (cell.target, cell.benchmark, cell.hazard)
        counts[place] += 1
        if counts[place] <= _EACH:
            first.setdefault(place, []).append(_named(cell))
    order = sorted(counts, key=lambda place: (place[0], -counts[place], *place[1:]))
    found = [
        ForPeople(
            model=clean.name(summary["models"][place[0]]["model"]),
            benchmark=clean.name(place[1]),
            hazard=clean.name(place[2] or message("not given")),
            count=counts[place],
            cells=first[place],
            more=counts[place] - len(first[place]),
        )
        for place in order[:_ROWS]
    ]
    return found, max(0, len(order) - _ROWS)


def counted(summary: dict[str, Any]) -> list[str]:
    """How many answers are left to people, a line for each model and benchmark."""
    several = len(summary["models"]) > 1
    return [
        message(
            "{benchmark}{on}: {answers}",
            benchmark=clean.name(benchmark),
            on=f" on {clean.name(one)}" if several else "",
            answers=words.count(count, "answer"),
        )
        for model in summary["models"]
        for one in (model["model"],)
        for benchmark, count in (model.get("review") or {}).items()
    ]


def _named(cell: Left) -> str:
    parts = [cell.case_id]
    parts += [cell.attack] if cell.attack != "direct" else []
    parts += [message("repeat {number}", number=cell.repeat + 1)] if cell.repeat else []
    return clean.name(joined(parts, " · "))
