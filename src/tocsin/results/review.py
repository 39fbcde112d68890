"""Answers on which a judge says that people have to decide: unscored, and listed for them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from tocsin.judges.seen import BORDERLINE
from tocsin.types import Unscored

_LEFT = (
    " FROM latest r JOIN cells c ON c.id = r.cell JOIN cases s ON s.id = c.case_ref"
    f" WHERE r.controversial AND r.reason = '{Unscored.UNSURE.value}' AND substr(r.detail, 1, {len(BORDERLINE)}) = '{BORDERLINE}'"
)


class Left(NamedTuple):
    """One cell that is left to people."""

    target: int
    benchmark: str
    hazard: str
    case_id: str
    attack: str
    repeat: int


def for_people(db: sqlite3.Connection) -> dict[int, dict[str, int]]:
    """Target → benchmark → how many answers are left to people."""
    found: dict[int, dict[str, int]] = {}
    for target, benchmark, count in db.execute(
        f"SELECT c.target, s.benchmark, count(*){_LEFT} GROUP BY 1, 2 ORDER BY 1, 2"
    ):
        found.setdefault(target, {})[benchmark] = count
    return found


def cells_for_people(db: sqlite3.Connection) -> Iterator[Left]:
    """Every cell that is left to people, in the order of the run."""
    for row in db.execute(
        f"SELECT c.target, s.benchmark, s.hazard, s.case_id, c.attack, c.repeat{_LEFT} ORDER BY r.cell"
    ):
        yield Left(*row)
