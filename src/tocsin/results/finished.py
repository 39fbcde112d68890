"""Whether what a run says of a model rests on all that was planned: one rule for gates, leaderboards and profiles."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import Any

NOT_FINISHED = "the run is not finished"
SEARCHING = "its search for attacks that succeed is not at its end"
OF_UNFINISHED = "the answers that it judges are those of a run that was not finished"


def unfinished(manifest: Mapping[str, Any], model: Mapping[str, Any]) -> str | None:
    """Why a model's part of a run is not finished, in one of three fixed phrases; None where it is.

    Args:
        manifest: The run's manifest.
        model: The model's object in the summary.
    """
    if manifest["status"] != "complete" or model["unfinished"]:
        return NOT_FINISHED
    if model.get("unsought"):
        return SEARCHING
    return OF_UNFINISHED if _partial(manifest) else None


def reasons(manifest: Mapping[str, Any], model: Mapping[str, Any]) -> list[str]:
    """What of a model's part of a run is not finished, each in a sentence.

    A run is finished when it says so, when every planned cell has an outcome, when its search (in the mode worst-case) has either
    broken each case or tried all there is to try, and, if it judges the answers of another run anew, when that one was finished.

    Args:
        manifest: The run's manifest.
        model: The model's object in the summary.
    """
    said = []
    if manifest["status"] != "complete":
        said.append(f"the run is {manifest['status']} and not complete: tocsin assess --resume goes on with it")
    if left := model["unfinished"] or model.get("unsought"):
        said.append(f"{left} planned cells have no outcome yet")
    if _partial(manifest):
        said.append(OF_UNFINISHED)
    return said


def _partial(manifest: Mapping[str, Any]) -> bool:
    rejudged = manifest.get("rejudged")
    return isinstance(rejudged, Mapping) and bool(rejudged.get("partial"))


def unsought(db: sqlite3.Connection, manifest: Mapping[str, Any], target: int) -> int:
    """Cells of a search without an outcome, of cases that no attack has broken: there the search is not at its end.

    0 where every cell is planned to be asked; the summary counts what is unfinished there.

    Args:
        db: The run's journal.
        manifest: The run's manifest.
        target: Index of the target.
    """
    if (manifest.get("adversarial") or {}).get("mode") != "worst-case":
        return 0
    row = db.execute(
        "SELECT count(*) FROM cells c WHERE c.target = ? AND c.evaluation = 'adversarial'"
        " AND NOT EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id)"
        " AND c.case_ref NOT IN (SELECT d.case_ref FROM cells d JOIN latest q ON q.cell = d.id"
        " WHERE d.target = ? AND d.evaluation = 'adversarial' AND q.outcome = 'unsafe')",
        (target, target),
    ).fetchone()
    return int(row[0])
