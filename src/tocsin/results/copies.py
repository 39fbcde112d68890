"""Whether two runs are one: a copy has the same answers, which came at the same times, under whatever name it lies."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

Times = tuple[Any, ...]


def answered_at(db: sqlite3.Connection) -> Times | None:
    """How many answers of targets a journal has, and when they came: the first, the last, and the sum; None without any."""
    row = db.execute("SELECT count(*), min(at), max(at), sum(at) FROM calls WHERE role = 'target'").fetchone()
    return tuple(row) if row[0] else None


def judged_by(manifest: Mapping[str, Any]) -> str:
    """Who judged a run: a run whose answers another judge reads is no copy of it."""
    told = manifest["judges"].items()
    return repr(
        sorted((name, str(judge["identity"]), sorted((judge.get("models") or {}).items())) for name, judge in told)
    )
