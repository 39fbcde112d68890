"""What the index takes out of a journal: of each cell one row of columns, and its texts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from tocsin.journal import has_readings
from tocsin.web.columns import CODED, MOST_CELL, ROW, Codes
from tocsin.web.words_index import kept

_RECORDS = """
SELECT r.cell, r.attempt, r.call, r.outcome, r.refused, r.blocked, r.truncated, r.invalid, r.controversial, r.score, r.reason,
       r.judge, c.target, c.evaluation, c.attack, c.repeat, s.benchmark, s.hazard, s.language, s.wanted, s.stopped
FROM records r JOIN cells c ON c.id = r.cell JOIN cases s ON s.id = c.case_ref
WHERE r.cell IN ({cells}) ORDER BY r.cell, r.attempt
"""
_CALLS = "SELECT id, role, {request}, answer, latency, cost FROM calls WHERE id IN ({calls})"
UNREADABLE = "unreadable"
"""What stands in every column of a record that cannot be read."""
_PIECE = 500
"""Values that one query binds."""


class Message(msgspec.Struct):
    """A message as far as it is looked at here."""

    role: str = ""
    text: str = ""


class Asked(msgspec.Struct):
    """A request as far as it is looked at here."""

    messages: list[Message] = []


class _Usage(msgspec.Struct, frozen=True):
    input_tokens: int = 0
    output_tokens: int = 0


class _Told(msgspec.Struct):
    text: str = ""
    reasoning: str = ""
    usage: _Usage = _Usage()


class _Case(msgspec.Struct):
    prompt: str = ""
    request: str = ""


_request = msgspec.json.Decoder(Asked).decode
_answer = msgspec.json.Decoder(_Told).decode
_case = msgspec.json.Decoder(_Case).decode
_ASKED, _TOLD, _CASE = Asked(), _Told(), _Case()


class Call(NamedTuple):
    """A call as far as it is looked at here."""

    role: str
    asked: Asked
    told: _Told | None
    latency: float
    cost: float | None


def in_pieces(values: Sequence[int], size: int = _PIECE) -> Iterator[tuple[str, Sequence[int]]]:
    """Values in pieces that one query can bind, each with its marks."""
    for start in range(0, len(values), size):
        piece = values[start : start + size]
        yield ",".join("?" * len(piece)), piece


def calls_of(sidecar: sqlite3.Connection, cells: Sequence[int]) -> dict[int, list[int]]:
    """Cell → its calls, in their order."""
    found: dict[int, list[int]] = {cell: [] for cell in cells}
    for marks, piece in in_pieces(cells):
        rows = sidecar.execute(f"SELECT cell, call FROM calls WHERE cell IN ({marks}) ORDER BY cell, call", piece)
        for cell, call in rows:
            found[cell].append(call)
    return found


def columns_of(
    journal: sqlite3.Connection,
    sidecar: sqlite3.Connection,
    cells: Sequence[int],
    codes: Mapping[str, Codes],
    targets: Sequence[str],
) -> NDArray[np.void]:
    """The latest rows of cells, in the order of the cells; those without a record have none.

    Cost, tokens, latency and number are those of all calls that the cell made, whatever their role and in whatever attempt.
    """  # fmt: skip
    latest: dict[int, tuple[Any, ...]] = {}
    for marks, piece in in_pieces([cell for cell in cells if 0 < cell <= MOST_CELL]):
        for row in journal.execute(_RECORDS.format(cells=marks), piece):
            latest[row[0]] = row
    own = calls_of(sidecar, list(latest))
    calls = _calls(journal, {*(c for found in own.values() for c in found), *(r[2] for r in latest.values() if r[2])})
    rows = np.zeros(len(latest), ROW)
    for number, (cell, row) in enumerate(latest.items()):
        try:
            rows[number] = _row(row, own[cell], calls, codes, targets)
        except (TypeError, ValueError, OverflowError, AttributeError):
            # A journal may hold anything: SQLite does not mind a text where a number belongs.
            rows[number] = (cell, 0, 0, 0, *(codes[name].of(UNREADABLE) for name in CODED), *[np.nan] * 3, 0, 0, -1, -1)
    return rows


def _row(
    row: tuple[Any, ...], own: list[int], calls: Mapping[int, Call], codes: Mapping[str, Codes], targets: Sequence[str]
) -> tuple[Any, ...]:
    cell, attempt, judged, outcome, refused, blocked, truncated, invalid, controversial, score, reason, judge = row[:12]
    target, evaluation, attack, repeat, benchmark, hazard, language, wanted, stopped = row[12:]
    flags = sum(1 << n for n, flag in enumerate((blocked, truncated, invalid, controversial)) if flag)
    made = [calls[number] for number in own if number in calls]
    costs = [call.cost for call in made if call.cost is not None]
    tokens = sum(c.told.usage.input_tokens + c.told.usage.output_tokens for c in made if c.told is not None)
    answer = calls.get(judged) if judged else next((c for c in reversed(made) if c.role == "target"), None)
    asked = sum(len(message.text) for message in answer.asked.messages) if answer else -1
    answered = len(answer.told.text) if answer is not None and answer.told is not None else -1
    values = {
        "model": targets[target] if 0 <= target < len(targets) else f"target {target}",
        "evaluation": evaluation, "benchmark": benchmark, "attack": attack, "language": language, "hazard": hazard,
        "outcome": outcome, "refused": "not said" if refused is None else "yes" if refused else "no",
        "reason": reason if outcome != "error" else "", "error": (reason or stopped or "") if outcome == "error" else "",
        "judge": judge, "wanted": wanted,
    }  # fmt: skip
    return (
        cell, flags, min(repeat, 65535), min(attempt, 65535), *(codes[name].of(str(text)) for name, text in values.items()),
        np.nan if score is None else score, sum(costs) if costs else np.nan,
        sum(call.latency for call in made) if made else np.nan, min(tokens, 2**31 - 1), len(made), asked, answered,
    )  # fmt: skip


def texts_of(
    journal: sqlite3.Connection, sidecar: sqlite3.Connection, cells: Sequence[int]
) -> dict[int, tuple[str, str, str]]:
    """Cell → what was asked, what was answered, and why the judge said so."""
    cases: dict[int, _Case] = {}
    why: dict[int, list[str]] = {cell: [] for cell in cells}
    judged: dict[int, int] = {}
    further = [name for name in ("reasoning", "translated") if _has(journal, name)]
    for marks, piece in in_pieces(cells):
        for cell, body in journal.execute(
            f"SELECT c.id, s.body FROM cells c JOIN cases s ON s.id = c.case_ref WHERE c.id IN ({marks})", piece
        ):
            cases[cell] = _read(body, _case, _CASE)
        for cell, call, detail in journal.execute(
            f"SELECT cell, call, detail FROM records WHERE cell IN ({marks}) ORDER BY cell, attempt", piece
        ):
            why[cell].append(detail)
            if call is not None:
                judged[cell] = call
        for table in further:
            for cell, detail in journal.execute(f"SELECT cell, detail FROM {table} WHERE cell IN ({marks})", piece):
                why[cell].append(detail)
        if has_readings(journal):
            for cell, text in journal.execute(f"SELECT cell, text FROM readings WHERE cell IN ({marks})", piece):
                why[cell].append(text)
    own = calls_of(sidecar, cells)
    calls = _calls(journal, {*(c for found in own.values() for c in found), *judged.values()})
    found = {}
    for cell in cells:
        case = cases.get(cell, _CASE)
        asked, answered = {case.prompt: None, case.request: None}, dict[str, None]()
        for number in dict.fromkeys([*own[cell], *([judged[cell]] if cell in judged else [])]):
            if (call := calls.get(number)) is None:
                continue
            told = call.told or _TOLD
            if call.role == "judge":
                why[cell].append(told.text)
                continue
            # What a model said in an earlier turn comes back in the next request, and is no prompt.
            asked |= {message.text: None for message in call.asked.messages if message.role != "assistant"}
            answered |= {told.text: None, told.reasoning: None}
        found[cell] = (
            kept(filter(None, asked)),
            kept(filter(None, answered)),
            kept(filter(None, dict.fromkeys(why[cell]))),
        )
    return found


def _calls(journal: sqlite3.Connection, wanted: set[int]) -> dict[int, Call]:
    found = {}
    for marks, piece in in_pieces(sorted(wanted)):
        query = _CALLS.format(request="request", calls=marks)
        for number, role, request, answer, latency, cost in journal.execute(query, piece):
            told = None if answer is None else _read(answer, _answer, _TOLD)
            found[number] = Call(role, _read(request, _request, _ASKED), told, latency, cost)
    return found


def _has(journal: sqlite3.Connection, table: str) -> bool:
    return (
        journal.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table,)).fetchone()
        is not None
    )


def _read(stored: bytes | None, decode: Any, otherwise: Any) -> Any:
    """What is stored; a thing without content where it cannot be read."""
    if stored is None:
        return otherwise
    try:
        return decode(stored)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError, TypeError):
        return otherwise
