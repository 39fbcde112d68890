"""A record as the journal keeps it: one row of its own, and one for each further thing that it says."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tocsin.journal import schema
from tocsin.types import Record


def rows_of(record: Record) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Each statement with its row; that of the record itself comes last."""
    r = record
    for further, insert in ((r.reasoning, schema.INSERT_REASONING), (r.translated, schema.INSERT_TRANSLATED)):
        if (t := further) is not None:
            yield insert, (r.cell, r.attempt, t.outcome.value, t.refused, t.score, t.reason, t.detail, t.judge)
    if r.language:
        yield schema.INSERT_TONGUE, (r.cell, r.attempt, r.language)
    if r.read_as is not None:
        yield schema.INSERT_READING, (r.cell, r.attempt, r.read_as.encode("utf-8", "replace").decode())
    yield (
        schema.INSERT_RECORD,
        (
            *(r.cell, r.attempt, r.call, r.outcome.value, r.refused, r.blocked, r.truncated, r.invalid),
            *(r.controversial, r.score, r.choice, r.reason, r.detail, r.judge),
        ),
    )
