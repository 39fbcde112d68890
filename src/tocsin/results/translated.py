"""How many of a run's cases are translations, how many of these no person has reviewed, and which answers nobody translated."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

KINDS = ("machine", "doubtful", "reviewed")
"""What the tag ``translation`` of a case may say."""
UNREVIEWED = "machine translations that nobody reviewed"

UNDELIVERED = "answers could not be translated to be judged a second time"

Counts = dict[str, dict[str, dict[str, int]]]
"""Benchmark → language → ``cases`` and, of these, how many are of each kind."""

_QUERY = """
SELECT benchmark, language,
       CASE WHEN instr(body, CAST('"translation":' AS BLOB)) AND json_extract(body, '$.tags.source_id') <> ''
       THEN json_extract(body, '$.tags.translation') END, count(*)
FROM cases WHERE body IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2
"""
# A body may hold images: only one that has the word is parsed. What tocsin translated names its source, too.


def translated(db: sqlite3.Connection) -> Counts:
    """Counts of the cases of every benchmark that has a translated one.

    Args:
        db: The run's journal.
    """
    found: Counts = {}
    for benchmark, language, kind, count in db.execute(_QUERY):
        told = found.setdefault(benchmark, {}).setdefault(language, dict.fromkeys(("cases", *KINDS), 0))
        told["cases"] += count
        if kind in KINDS:
            told[kind] += count
    return {name: told for name, told in found.items() if any(one[kind] for one in told.values() for kind in KINDS)}


def unreviewed(counts: Mapping[str, int]) -> int:
    """Cases that a machine translated and that nobody reviewed."""
    return counts["machine"] + counts["doubtful"]


def note(scores: Sequence[dict[str, Any]], counts: Counts) -> None:
    """Writes beside each score of a benchmark how many of its cases are such, where there are any.

    Args:
        scores: Scores as the summary has them; their ``notes`` are added to.
        counts: As `translated` makes them.
    """
    for score in scores:
        languages = counts.get(score["benchmark"] or "", {})
        of = [one for code, one in languages.items() if score["language"] in (None, code)]
        if several := sum(unreviewed(one) for one in of):
            cases = sum(one["cases"] for one in of)
            score["notes"].append(f"{several:,} of {cases:,} cases are {UNREVIEWED}")


Undelivered = dict[tuple[int, str], dict[str, int]]
"""Target and benchmark → language → its answers that were to be translated and were not."""


def undelivered(db: sqlite3.Connection) -> Undelivered:
    """Counts of the answers that the translator did not translate for a second judgement.

    Args:
        db: The run's journal.
    """
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'translated'").fetchone() is None:
        return {}
    found: Undelivered = {}
    for target, benchmark, language, count in db.execute(
        "SELECT c.target, s.benchmark, s.language, count(*) FROM latest r JOIN translated t"
        " ON t.cell = r.cell AND t.attempt = r.attempt JOIN cells c ON c.id = r.cell JOIN cases s ON s.id = c.case_ref"
        " WHERE t.reason = 'not_delivered' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    ):
        found.setdefault((target, benchmark), {})[language] = count
    return found


def note_undelivered(scores: Sequence[dict[str, Any]], counts: Undelivered, target: int) -> None:
    """Writes beside each multilingual score how many of its answers the second judgement lacks, where there are any.

    Args:
        scores: Scores of one target as the summary has them; their ``notes`` are added to.
        counts: As `undelivered` makes them.
        target: The target's place.
    """
    for score in scores:
        if score["evaluation"] == "multilingual":
            languages = counts.get((target, score["benchmark"] or ""), {})
            if missing := sum(n for code, n in languages.items() if score["language"] in (None, code)):
                score["notes"].append(f"{missing:,} {UNDELIVERED}")
