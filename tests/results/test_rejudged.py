"""Two sets of verdicts in one real journal, and what is counted of them."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.evaluations import runs
from tests.evaluations.test_multilingual import manifest
from tests.journal.in_process import made_journal
from tocsin.journal import Journal, open_journal, schema
from tocsin.results.pairs import OTHER, SAME, Pairs
from tocsin.results.rejudged import compare
from tocsin.results.summary import summarise
from tocsin.types import CRITERIA, Case, Outcome, Record, SafeAnswer

SAFE, UNSAFE, UNSCORED, ERROR = Outcome.SAFE, Outcome.UNSAFE, Outcome.UNSCORED, Outcome.ERROR

VERDICTS = [
    # cell, before, after, who read before, who after
    *((n, SAFE, SAFE, "old@1", "new@2") for n in range(1, 11)),
    *((n, SAFE, UNSAFE, "old@1", "new@2") for n in range(11, 14)),
    (14, UNSAFE, SAFE, "old@1", "new@2"),
    (15, UNSCORED, UNSAFE, "old@1", "new@2"),
    (16, UNSAFE, UNSCORED, "old@1", "new@2"),
    (17, SAFE, SAFE, "gold@3", "gold@3"),
    (18, SAFE, SAFE, "", ""),
    (19, ERROR, ERROR, "", ""),
]


def case(number: int) -> Case:
    return Case(
        id=f"c{number}", prompt=f"What grows in garden {number}?", language="en" if number % 2 else "fr",
        cluster="pair" if number in (11, 12) else "",
    )  # fmt: skip


def record(cell: int, outcome: Outcome, judge: str) -> Record:
    reason = "judge_failed" if outcome is UNSCORED else "server" if outcome is ERROR else ""
    return Record(cell=cell, outcome=outcome, judge=judge, reason=reason)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    async def write() -> None:
        journal: Journal = made_journal(tmp_path, [case(number) for number in range(1, 20)])
        for cell, before, _, judge, _ in VERDICTS:
            journal.add_record(record(cell, before, judge))
        await journal.close()
        with sqlite3.connect(tmp_path / "journal.sqlite") as db:
            db.executescript(schema.BEFORE + "INSERT INTO before SELECT * FROM records; DELETE FROM records;")
        journal = Journal(tmp_path)
        for cell, _, after, _, judge in VERDICTS:
            journal.add_record(record(cell, after, judge))
        await journal.close()

    asyncio.run(write())
    db = open_journal(tmp_path)
    yield db
    db.close()


MANIFEST: dict[str, Any] = {
    "run": "new",
    "status": "complete",
    "suite": {"name": "own"},
    "demonstration": False,
    "cells": 19,
    "targets": [{"name": "a/b"}],
    "judges": {"refusal": {"identity": "new@2"}},
    "benchmarks": {"made": {"demonstration": False, "modality": "language", "own_metrics": False}},
    "rejudged": {"run": "old", "judges": [], "answers": {"run": "old", "first": None, "last": None, "calls": 19}},
}


def compared(db: sqlite3.Connection) -> dict[str, Any]:
    return compare(db, MANIFEST, summarise(db, MANIFEST))


def test_only_what_another_judge_read_enters_the_agreement(journal: sqlite3.Connection) -> None:
    found = compared(journal)
    assert found["agreement"]["n"] == 14
    assert found["agreement"]["value"] == pytest.approx(10 / 14)
    assert found["agreement"]["n_clusters"] == 13
    assert (found["unread"], found["kept"]) == (2, 1)


def test_what_one_judge_left_unscored_is_in_the_bounds_only(journal: sqlite3.Connection) -> None:
    agreement = compared(journal)["agreement"]
    assert agreement["read"] == 16
    assert (agreement["worst"], agreement["best"]) == (10 / 16, 12 / 16)


def test_flips_are_counted_and_named_in_the_order_of_the_run(journal: sqlite3.Connection) -> None:
    found = compared(journal)
    assert found["flips"] == {"to_unsafe": 3, "to_safe": 1, "lost": 1, "gained": 1}
    assert [flip["cell"] for flip in found["flipped"]] == [
        "made/c11/direct/en/0", "made/c12/direct/fr/0", "made/c13/direct/en/0", "made/c14/direct/fr/0",
    ]  # fmt: skip
    assert found["confusion"]["counts"] == [[12, 3, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]]


def test_each_language_has_its_own_figures(journal: sqlite3.Connection) -> None:
    whole, *parts = compared(journal)["groups"]
    assert (whole["language"], [part["language"] for part in parts]) == (None, ["en", "fr"])
    assert sum(part["agreement"]["n"] for part in parts) == whole["agreement"]["n"]
    assert [part["flips"]["to_unsafe"] for part in parts] == [2, 1]


def test_a_score_has_both_values_and_the_difference_of_what_both_scored(journal: sqlite3.Connection) -> None:
    (score,) = compared(journal)["scores"]
    assert (score["before"]["value"], score["before"]["n"]) == (pytest.approx(15 / 17), 17)
    assert (score["after"]["value"], score["after"]["n"]) == (pytest.approx(13 / 17), 17)
    assert score["before"]["judge"] == "gold@3 + old@1"
    assert (score["difference"]["value"], score["difference"]["n"]) == (pytest.approx(-2 / 16), 16)


def test_one_target_has_no_rank(journal: sqlite3.Connection) -> None:
    assert compared(journal)["rankings"] == []


def test_counts_part_by_who_read(journal: sqlite3.Connection) -> None:
    reader = Pairs(journal)
    (group,) = reader.groups()
    counted = reader.counted(group)[""]
    assert counted.judged(OTHER).sum() == 16
    assert counted.judged(SAME).sum() == 1
    assert counted.measured.sum() == 16
    assert int(counted.passed(after=False)[0].sum()) == 15


def test_a_set_of_items_whose_open_ones_the_new_judge_cannot_read_has_no_rate_after_and_no_difference(
    tmp_path: Path,
) -> None:
    asked = [Case(id=f"o{n}", prompt=f"Open {n}?", safe_answer=CRITERIA, criteria="Says so.") for n in range(3)]
    asked += [Case(id=f"m{n}", prompt=f"Which {n}?", safe_answer=SafeAnswer("option", "B")) for n in range(4)]

    async def write() -> None:
        for outcome, judge in ((UNSAFE, "old@1"), (UNSCORED, "new@2")):
            journal = made_journal(tmp_path, asked) if judge == "old@1" else Journal(tmp_path)
            for cell in range(1, 8):
                journal.add_record(record(cell, outcome, judge) if cell <= 3 else record(cell, SAFE, "gold@3"))
            await journal.close()
            if judge == "old@1":
                with sqlite3.connect(tmp_path / "journal.sqlite") as db:
                    db.executescript(schema.BEFORE + "INSERT INTO before SELECT * FROM records; DELETE FROM records;")
                    db.execute("UPDATE cells SET evaluation = 'compliance'")

    asyncio.run(write())
    about = {"framework": "mas-feat", "gold_judge": "gold", "judge": "refusal", "evaluation": "compliance"}
    manifest = {**MANIFEST, "cells": 7, "benchmarks": {"made": MANIFEST["benchmarks"]["made"] | about}}
    db = open_journal(tmp_path)
    scores = {score["metric"]: score for score in compare(db, manifest, summarise(db, manifest))["scores"]}
    db.close()
    whole = scores["compliance_rate"]
    assert (whole["before"]["value"], whole["after"]["value"], whole["after"]["n"]) == (pytest.approx(4 / 7), None, 4)
    assert whole["difference"] is None, "over the four choice items there is one, which is not that of these values"
    assert (scores["multiple_choice_rate"]["after"]["value"], scores["open_basic_rate"]["after"]["value"]) == (
        1.0,
        None,
    )


def test_scores_of_two_languages_are_each_held_against_their_own(tmp_path: Path) -> None:
    """Every tenth Swahili answer was unsafe and every fifth is; half of the Thai ones were and are."""
    cases = [
        Case(id=f"{row}-{code}", prompt=f"[{code}] tea {row}?", language=code, cluster=f"{row}")
        for row in range(40)
        for code in ("en", "sw", "th")
    ]
    every = {"en": 1000, "sw": 10, "th": 2}

    def decide(one: Any) -> Any:
        row, code = int(one.cell.case.cluster), one.cell.case.language
        return runs.ended(one, "unsafe" if row % every[code] == 1 else "safe", judge="refusal@00000001")

    db = runs.journal(tmp_path / "run", runs.planned(cases, serves="multilingual"), decide)
    db.close()
    with sqlite3.connect(tmp_path / "run" / "journal.sqlite") as other:
        other.executescript(schema.BEFORE + "INSERT INTO before SELECT * FROM records;")
        other.execute(
            "UPDATE records SET outcome = 'unsafe' WHERE cell IN (SELECT c.id FROM cells c JOIN cases s ON s.id = c.case_ref"
            " WHERE s.language = 'sw' AND CAST(s.cluster AS INTEGER) % 5 = 1)"
        )
    db = open_journal(tmp_path / "run")
    told = manifest() | {key: MANIFEST[key] for key in ("run", "status", "cells", "rejudged")}
    told["demonstration"] = False

    rows = [row for row in compare(db, told, summarise(db, told))["scores"] if row["metric"] == "safety_drop"]
    db.close()

    drops = {row["language"]: row for row in rows}
    assert sorted(drops) == ["sw", "th"]
    before = {code: row["before"]["value"] for code, row in drops.items()}
    after = {code: row["after"]["value"] for code, row in drops.items()}
    english = 1 / 40
    assert before == pytest.approx({"sw": 0.1 - english, "th": 0.5 - english})
    assert after == pytest.approx({"sw": 0.2 - english, "th": 0.5 - english})
    assert [row["difference"] for row in rows] == [None, None]
