"""All that a journal holds of one cell, read for its page: case, attempts, calls, and what judges read."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from tocsin.engine import withheld
from tocsin.types import ErrorKind, Unscored
from tocsin.web.tree import Answer, Call, Message

MOST_CALLS = 200
"""Calls that one page shows."""
_CELL = """
SELECT c.target, c.evaluation, c.attack, c.repeat, c.judge, s.benchmark, s.case_id, s.hazard, s.language, s.cluster, s.wanted,
       s.stopped, s.detail, s.body
FROM cells c JOIN cases s ON s.id = c.case_ref WHERE c.id = ?
"""
_CALLS = """
SELECT id, branch, ordinal, role, request, answer, error, detail, tries, latency, cost, cell FROM calls
WHERE id IN ({calls}) ORDER BY id
"""
_ATTEMPT = "attempt, outcome, refused, score, reason, detail, judge"


class SafeAnswer(msgspec.Struct, frozen=True):
    """What a safe answer is."""

    kind: str = "refuse"
    value: str = ""


class Option(msgspec.Struct, frozen=True):
    """An option of a case."""

    label: str = ""
    text: str = ""


class Case(msgspec.Struct, frozen=True):
    """A case as the journal has it."""

    prompt: str = ""
    request: str = ""
    system: str | None = None
    criteria: str = ""
    output: str = "text"
    safe_answer: SafeAnswer = SafeAnswer()
    options: tuple[Option, ...] = ()
    history: tuple[Message, ...] = ()
    images: tuple[msgspec.Raw, ...] = ()
    tags: dict[str, str] = {}


class Further(msgspec.Struct, frozen=True):
    """A verdict on something beside the answer: its reasoning, or its translation."""

    attempt: int
    outcome: str
    refused: int | None
    score: float | None
    reason: str
    detail: str
    judge: str


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt and its verdict."""

    attempt: int
    call: int | None
    outcome: str
    refused: int | None
    flags: tuple[str, ...]
    score: float | None
    choice: str
    reason: str
    detail: str
    judge: str
    reading: str | None = None
    language: str = ""
    reasoning: Further | None = None
    translated: Further | None = None


class Stored(msgspec.Struct, frozen=True, kw_only=True):
    """What is stored of a cell."""

    cell: int
    target: int
    evaluation: str
    attack: str
    repeat: int
    judge: str
    benchmark: str
    case_id: str
    hazard: str
    language: str
    cluster: str
    wanted: str
    stopped: str
    detail: str
    case: Case | None
    attempts: tuple[Attempt, ...]
    """The latest first."""
    calls: tuple[Call, ...]
    more_calls: int
    """Calls that come after those that are here."""
    elsewhere: bool
    """Whether one of its calls that are not here was withheld, or meets the filter that always runs."""
    before: tuple[str, str] | None
    """Outcome and judge of the run whose answers were judged anew; None where this is no such run."""

    @property
    def hidden(self) -> str:
        """Why its texts are shown in no case; empty where they may be."""
        reasons = {one.reason for one in self.attempts} | {self.stopped}
        held = any(call.answer is not None and call.answer.withheld for call in self.calls)
        if held or reasons & {ErrorKind.WITHHELD.value, Unscored.WITHHELD.value}:
            return "It was withheld: it met the filter that always runs, or a judge withheld what it shows."
        if self.elsewhere or any(withheld(text) for text in self.texts()):
            return "It meets the filter that always runs, and is not shown."
        return ""

    def texts(self) -> Iterator[str]:
        """Every text of it that could be shown."""
        if self.case is not None:
            case = self.case
            yield from (case.prompt, case.request, case.system or "", case.criteria, case.safe_answer.value)
            yield from (message.text for message in case.history)
            yield from (option.text for option in case.options)
            yield from case.tags.values()
        yield self.detail
        for one in self.attempts:
            yield from (one.detail, one.reading or "", one.choice)
            yield from (further.detail for further in (one.reasoning, one.translated) if further is not None)
        for call in self.calls:
            yield from _texts_of(call)


def _texts_of(call: Call) -> Iterator[str]:
    yield from (message.text for message in call.asked)
    yield call.detail
    if call.answer is not None:
        yield from (call.answer.text, call.answer.reasoning)


def stored(db: sqlite3.Connection, cell: int, calls: Sequence[int], *, after: int = 0) -> Stored | None:
    """What a journal holds of a cell.

    Args:
        db: The journal.
        cell: The cell.
        calls: The calls that it made; the call that was judged need not be among them.
        after: Only calls after this one.

    Returns:
        None if there is no such cell.
    """
    row = db.execute(_CELL, (cell,)).fetchone()
    if row is None:
        return None
    *plain, stopped, detail, body = row
    names = (
        "target",
        "evaluation",
        "attack",
        "repeat",
        "judge",
        "benchmark",
        "case_id",
        "hazard",
        "language",
        "cluster",
        "wanted",
    )
    attempts = tuple(_attempts(db, cell))
    wanted = sorted({*calls, *(one.call for one in attempts if one.call is not None)})
    later = [call for call in wanted if call > after]
    shown = later[:MOST_CALLS]
    rows = db.execute(_CALLS.format(calls=",".join("?" * len(shown))), shown)
    return Stored(
        cell=cell,
        **dict(zip(names, plain, strict=True)),
        stopped=stopped or "",
        detail=detail or "",
        case=_read(body, Case),
        attempts=attempts,
        calls=tuple(_call(found, cell) for found in rows),
        more_calls=len(later) - len(shown),
        elsewhere=_stopped(db, cell, sorted({*wanted} - {*shown})),
        before=_before(db, cell),
    )


def _stopped(db: sqlite3.Connection, cell: int, calls: Sequence[int]) -> bool:
    """Whether one of some calls was withheld, or holds a text that meets the filter."""
    for begin in range(0, len(calls), MOST_CALLS):
        some = calls[begin : begin + MOST_CALLS]
        for row in db.execute(_CALLS.format(calls=",".join("?" * len(some))), some):
            call = _call(row, cell)
            if (call.answer is not None and call.answer.withheld) or any(map(withheld, _texts_of(call))):
                return True
    return False


def _attempts(db: sqlite3.Connection, cell: int) -> Iterator[Attempt]:
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    further: dict[str, dict[int, Further]] = {}
    for table in ("reasoning", "translated"):
        rows = db.execute(f"SELECT {_ATTEMPT} FROM {table} WHERE cell = ?", (cell,)) if table in tables else ()
        further[table] = {row[0]: Further(*row) for row in rows}
    beside: dict[str, dict[int, str]] = {}
    for table, column in (("readings", "text"), ("tongues", "language")):
        rows = db.execute(f"SELECT attempt, {column} FROM {table} WHERE cell = ?", (cell,)) if table in tables else ()
        beside[table] = dict(rows)
    names = ("blocked", "truncated", "invalid", "controversial")
    for row in db.execute(
        f"SELECT attempt, call, outcome, refused, score, choice, reason, detail, judge, {', '.join(names)} FROM records"
        " WHERE cell = ? ORDER BY attempt DESC",
        (cell,),
    ):
        number, call, outcome, refused, score, choice, reason, detail, judge, *flags = row
        yield Attempt(
            attempt=number, call=call, outcome=outcome, refused=refused, score=score, choice=choice, reason=reason,
            detail=detail, judge=judge, flags=tuple(name for name, flag in zip(names, flags, strict=True) if flag),
            reading=beside["readings"].get(number), language=beside["tongues"].get(number, ""),
            reasoning=further["reasoning"].get(number), translated=further["translated"].get(number),
        )  # fmt: skip


def _call(row: tuple[Any, ...], cell: int) -> Call:
    number, branch, ordinal, role, request, answer, error, detail, tries, latency, cost, of = row
    asked = _read(request, _Request)
    told = _read(answer, Answer)
    return Call(
        id=number, branch=branch, ordinal=ordinal, role=role, asked=() if asked is None else asked.messages,
        answer=told, error=str(error or ("" if told is not None else "unreadable")), detail=str(detail or ""),
        tries=tries if isinstance(tries, int) else 0,
        latency=_number(latency) or 0.0, cost=_number(cost), own=of == cell,
    )  # fmt: skip


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _before(db: sqlite3.Connection, cell: int) -> tuple[str, str] | None:
    if db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'before'").fetchone() is None:
        return None
    row = db.execute("SELECT outcome, judge FROM before WHERE cell = ?", (cell,)).fetchone()
    return None if row is None else (row[0], row[1])


class _Request(msgspec.Struct, frozen=True):
    messages: tuple[Message, ...] = ()


def _read(body: bytes | None, kind: type[Any]) -> Any:
    """What is stored; None where nothing is, or where it cannot be read."""
    if body is None:
        return None
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None
