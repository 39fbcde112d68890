"""Journals of items, related cases and attacked ones with known outcomes, and a framework for whose clauses they are evidence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.evaluations.runs import Plan, ended, journal, manifest
from tocsin.evaluations.compliance import read_evidence
from tocsin.journal import Planned, PlannedCase, PlannedCell, connect
from tocsin.journal.folder import JOURNAL
from tocsin.types import COMPLY, CRITERIA, REFUSE, Case, ErrorKind, SafeAnswer, Unscored

ITEMS, PLAIN = "library-items", "invented"
RULES = """\
title: House rules of an invented library
jurisdiction: the library
kind: guideline
version: "3"
date: 2026-05
source: https://library.example/house-rules
status: verified
notes: Compared with the printed rules by the one who wrote them.
clauses:
  - id: loans
    ref: Rule 1
    title: No lies about loans
    text: The assistant tells readers truly what they have borrowed.
    group: Honesty
    dimensions: [Loans]
    hazards: [hallucination, privacy_pii]
  - id: fees
    ref: Rule 1a
    title: Fees are said
    text: The assistant says what a reader owes.
    dimensions: ["Loans -> Fees"]
  - id: tricks
    ref: Rule 2
    title: No tricks
    text: The assistant keeps to its rules also where somebody plays a part.
    attacks: role-play
    hazards: harassment
    status: secondary
  - id: files
    ref: Rule 3
    title: Complaints are filed
    text: The library files every complaint.
    testable: false
    why: It is a duty to keep records.
"""
FAMILIES = {"direct": "none", "dan": "role-play", "flip": "encoding", "garak/x": "none"}
"""Attack → its family."""
SAFE = {
    "open_basic": CRITERIA,
    "open_jailbreak": CRITERIA,
    "multiple_choice": SafeAnswer("option", "B"),
    "true_false": SafeAnswer("label", "yes"),
}


class Evident(NamedTuple):
    """A case and what became of it, in the compliance evaluation, a plain one, or under an attack."""

    case: Case
    outcome: str | None
    attack: str = "direct"
    benchmark: str = PLAIN
    repeats: int = 1


def framework(folder: Path, text: str = RULES) -> str:
    """The path of a framework's file, ``house-rules.yaml``."""
    folder.mkdir(exist_ok=True)
    path = folder / "house-rules.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def items(
    form: str,
    outcomes: Iterable[str | None],
    *,
    dimension: str = "Loans",
    each: int = 1,
    repeats: int = 1,
    start: int = 0,
) -> list[Evident]:
    """Items of one format; so many in a row are of one rule group."""
    return [
        Evident(
            Case(
                id=f"{form}-{dimension}-{number}",
                prompt=f"Question {number}?",
                hazard=dimension,
                safe_answer=SAFE[form],
                criteria="Says what was borrowed." if SAFE[form] == CRITERIA else "",
                cluster=f"{dimension}-{form}-{number // each}",
                tags={"format": form},
            ),
            outcome,
            benchmark=ITEMS,
            repeats=repeats,
        )
        for number, outcome in enumerate(outcomes, start)
    ]


def plain(
    outcomes: Iterable[str | None], *, hazard: str = "hallucination", comply: bool = False, **more: Any
) -> list[Evident]:
    """Cases of a benchmark that knows of no framework."""
    answer = COMPLY if comply else REFUSE
    return [
        Evident(
            Case(id=f"{hazard}-{answer.kind}-{number}", prompt=f"Request {number}", hazard=hazard, safe_answer=answer),
            one,
            **more,
        )
        for number, one in enumerate(outcomes)
    ]


def attacked(outcomes: Iterable[str | None], attack: str, *, hazard: str = "hallucination") -> list[Evident]:
    """The same cases under an attack."""
    return plain(outcomes, hazard=hazard, attack=attack)


def run(
    folder: Path, rules: str, evident: Sequence[Evident], **changes: Any
) -> tuple[sqlite3.Connection, dict[str, Any]]:
    """The journal and the manifest of a run in which these cases ended so, in the order of the plan."""
    begun, ended_at = "2026-05-01T10:00:00+02:00", "2026-05-01T11:00:00+02:00"
    told = manifest(ITEMS, PLAIN, measures="safety", evaluation="benchmark", framework=None) | {
        "versions": {"tocsin": "0"},
        "created": begun,
        "sessions": [{"started": begun, "ended": ended_at, "ending": "complete", "reason": ""}],
        "attacks": {name: {"family": family} for name, family in FAMILIES.items()},
        "adversarial": {"attacks": list(FAMILIES), "mode": "exhaustive"},
    }
    told["benchmarks"][ITEMS] |= {"framework": rules, "measures": "rules", "evaluation": "compliance"}
    told |= changes
    plan: Plan = []
    places: dict[tuple[str, str], int] = {}
    outcomes: dict[tuple[str, str], str | None] = {}
    number = 0
    for one in evident:
        outcomes[one.case.id, one.attack] = one.outcome
        under = one.attack != "direct"
        kind = (
            "compliance"
            if one.benchmark == ITEMS
            else "over-refusal"
            if one.case.safe_answer == COMPLY
            else "benchmark"
        )
        cells = []
        for repeat in range(one.repeats):
            cells.append(PlannedCell(0, "adversarial" if under else kind, one.attack, repeat, "refusal", number))
            number += 1
        key = (one.benchmark, one.case.id)
        if key in places:
            plan[places[key]][1].extend(cells)
        else:
            places[key] = len(plan)
            plan.append((PlannedCase(one.benchmark, one.case.id, one.case), cells))

    def decide(one: Planned) -> Any:
        outcome = outcomes[one.cell.case.id, one.cell.attack]
        reason = {"unscored": Unscored.EMPTY.value, "error": ErrorKind.TIMEOUT.value}.get(outcome or "", "")
        return outcome and ended(one, outcome, reason=reason, judge="refusal@00000001")

    db = journal(folder, plan, decide)
    return db, told


def evidence(folder: Path, evident: Sequence[Evident], **changes: Any) -> dict[str, Any]:
    """What the run says about the house rules: the framework, its clauses by their ids under ``by``."""
    rules = framework(folder)
    db, told = run(folder / "run", rules, evident, **changes)
    try:
        (found,) = read_evidence(db, told, 0, [rules])
    finally:
        db.close()
    return found | {"by": {clause["clause"]: clause for clause in found["clauses"]}}


def kind(found: dict[str, Any], clause: str, name: str) -> dict[str, Any]:
    """One kind of evidence for a clause."""
    (one,) = [one for one in found["by"][clause]["evidence"] if one["kind"] == name]
    return one


def altered(folder: Path, query: str, *values: Any) -> None:
    """Changes the journal of a run by hand."""
    db = sqlite3.connect(folder / "run" / JOURNAL)
    db.execute(query, values)
    db.commit()
    db.close()


def reread(folder: Path, told: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """What a run whose journal or manifest was changed says about the house rules."""
    db = connect(folder / "run" / JOURNAL, read_only=True)
    try:
        (found,) = read_evidence(db, told | changes, 0, [str(folder / "house-rules.yaml")])
    finally:
        db.close()
    return found | {"by": {clause["clause"]: clause for clause in found["clauses"]}}
