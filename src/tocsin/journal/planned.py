"""The plan of a run as its journal has it: what a row says, and the queries that read it."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import msgspec

from tocsin.languages import same
from tocsin.types import Case, Cell

_encode = msgspec.json.Encoder().encode
_decode_case = msgspec.json.Decoder(Case).decode

CELLS = """
SELECT c.id, c.target, c.evaluation, s.benchmark, s.case_id, s.stopped, s.detail, s.body, c.attack, c.repeat, c.judge,
       coalesce((SELECT max(attempt) + 1 FROM records r WHERE r.cell = c.id), 0), {unread}, {undelivered}
FROM cells c JOIN cases s ON s.id = c.case_ref
WHERE c.id > ? AND {unfinished} ORDER BY c.id LIMIT ?
"""
UNFINISHED = "NOT EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id)"
UNREAD = "(SELECT count(*) FROM records r WHERE r.cell = c.id AND r.reason = 'judge_failed')"
AGAIN = "(outcome = 'error' OR reason = 'judge_failed')"
"""Records of what another attempt may mend: no answer, or no verdict because the judge gave none."""
UNDELIVERED = "(SELECT count(*) FROM translated t WHERE t.cell = c.id AND t.reason = 'not_delivered')"
UNTRANSLATED = """(SELECT t.cell FROM translated t WHERE t.reason = 'not_delivered'
AND t.attempt = (SELECT max(attempt) FROM records WHERE cell = t.cell))"""
"""Cells whose answer was to be translated to be judged a second time, and was not."""
FAILED = f"(EXISTS (SELECT 1 FROM latest r WHERE r.cell = c.id AND {AGAIN}) OR c.id IN {UNTRANSLATED})"
SOURCE_ID = "source_id"
"""The tag of a translated case that names the case that it is a translation of."""


class PlannedCase(NamedTuple):
    """A row of the plan: a case, or what is left of one that was stopped before it could be asked."""

    benchmark: str
    case_id: str
    case: Case | None
    stopped: str = ""
    """An `ErrorKind`, where there is no case."""
    detail: str = ""


class PlannedCell(NamedTuple):
    """A cell before it has its place: its case's row, and how it is asked and judged."""

    target: int
    evaluation: str
    attack: str
    repeat: int
    judge: str
    rank: int
    """Seeded hash that gives the random order, 0 ≤ rank < 2⁶³."""


class Planned(NamedTuple):
    """A cell as the engine takes it from the journal."""

    cell: Cell
    attempt: int
    stopped: str
    detail: str
    unread: int = 0
    """Earlier attempts without a verdict because of the judge."""
    undelivered: int = 0
    """Earlier attempts whose answer was to be translated, and was not."""


class Finished(NamedTuple):
    """A cell and how it ended."""

    cell: int
    target: int
    evaluation: str
    benchmark: str
    wanted: str
    """The kind of its safe answer; empty where no case came of the row."""
    cluster: str
    case: int
    attack: str
    outcome: str | None
    """None while it has no record."""


def case_row(number: int, planned: PlannedCase) -> tuple[Any, ...]:
    """A row of the table ``cases``."""
    case = planned.case
    about = ("", "", planned.case_id, "")
    if case:
        about = (case.hazard, case.language, case.cluster or case.id, case.safe_answer.kind)
    body = _encode(case) if case and not planned.stopped else None
    return (
        *(number, planned.benchmark, planned.case_id, *about),
        *(planned.stopped or None, planned.detail or None, body),
    )


def planned_of(row: tuple[Any, ...]) -> Planned:
    """A row that `CELLS` reads."""
    position, target, evaluation, benchmark, case_id, stopped, detail, body, attack, repeat, judge, *counts = row
    attempt, unread, undelivered = counts
    cell = Cell(
        position=position,
        target=target,
        evaluation=evaluation,
        benchmark=benchmark,
        case=_decode_case(body) if body else Case(id=case_id, prompt=""),
        attack=attack,
        repeat=repeat,
        judge=judge,
    )
    return Planned(cell, attempt, stopped or "", detail or "", unread, undelivered)


def translation_of(db: sqlite3.Connection, cell: Cell, language: str) -> Case | None:
    """What a cell's own case is in another language: of the cases of its cluster in that language the one that its tag
    ``source_id`` names; without the tag the one whose id is the same but for the language at its end; else the only one.

    None where that does not settle it, and where that case is not asked: another request is never taken in its place.
    """
    case = cell.case
    if not case.cluster:
        return None
    rows = db.execute(
        "SELECT case_id, language, CASE WHEN stopped IS NULL THEN body END FROM cases WHERE benchmark = ? AND cluster = ?"
        " ORDER BY id",
        (cell.benchmark, case.cluster),
    ).fetchall()
    there = [row for row in rows if same(row[1], language)]
    if source := case.tags.get(SOURCE_ID):
        found = [row for row in there if row[0] == source]
    else:
        stem = _stem(case.id, case.language)
        found = [row for row in there if stem and stem in (row[0], _stem(row[0], row[1]))] or there
    return _decode_case(found[0][2]) if len(found) == 1 and found[0][2] is not None else None


def _stem(case_id: str, language: str) -> str:
    """A case's id without the language at its end; empty where it does not end so."""
    return case_id[: -len(language)].rstrip("-._/ ") if case_id.lower().endswith(language.lower()) else ""


def judged_languages(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Each judge of the plan with each language of the cases that it is to read."""
    return db.execute(
        "SELECT DISTINCT c.judge, s.language FROM cells c JOIN cases s ON s.id = c.case_ref WHERE s.stopped IS NULL ORDER BY 1, 2"
    ).fetchall()
