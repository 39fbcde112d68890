"""The plan of a run as its journal has it: what a row says, and the queries that read it."""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import msgspec

from tocsin.types import Case, Cell

_encode = msgspec.json.Encoder().encode
_decode_case = msgspec.json.Decoder(Case).decode

CELLS = """
SELECT c.id, c.target, c.evaluation, s.benchmark, s.case_id, s.stopped, s.detail, s.body, c.attack, c.repeat, c.judge,
       coalesce((SELECT max(attempt) + 1 FROM records r WHERE r.cell = c.id), 0), {unread}
FROM cells c JOIN cases s ON s.id = c.case_ref
WHERE c.id > ? AND {unfinished} ORDER BY c.id LIMIT ?
"""
UNFINISHED = "NOT EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id)"
UNREAD = "(SELECT count(*) FROM records r WHERE r.cell = c.id AND r.reason = 'judge_failed')"
AGAIN = "(outcome = 'error' OR reason = 'judge_failed')"
"""Records of what another attempt may mend: no answer, or no verdict because the judge gave none."""
FAILED = f"EXISTS (SELECT 1 FROM latest r WHERE r.cell = c.id AND {AGAIN})"


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
    position, target, evaluation, benchmark, case_id, stopped, detail, body, attack, repeat, judge, attempt, unread = (
        row
    )
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
    return Planned(cell, attempt, stopped or "", detail or "", unread)


def translation_of(db: sqlite3.Connection, cell: Cell, language: str) -> Case | None:
    """The case that a cell's own is a translation of: the one of its cluster in a language; None where there is none."""
    if not cell.case.cluster:
        return None
    row = db.execute(
        "SELECT body FROM cases WHERE benchmark = ? AND cluster = ? AND language = ? AND body IS NOT NULL AND stopped IS NULL"
        " ORDER BY id LIMIT 1",
        (cell.benchmark, cell.case.cluster, language),
    ).fetchone()
    return None if row is None else _decode_case(row[0])


def judged_languages(db: sqlite3.Connection) -> list[tuple[str, str]]:
    """Each judge of the plan with each language of the cases that it is to read."""
    return db.execute(
        "SELECT DISTINCT c.judge, s.language FROM cells c JOIN cases s ON s.id = c.case_ref WHERE s.stopped IS NULL ORDER BY 1, 2"
    ).fetchall()
