"""What is planned for a translation, and what becomes of its table when it is written anew."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from tocsin.attacks.translating import TO
from tocsin.benchmarks.own import own_cases
from tocsin.benchmarks.translated import COLUMNS, digest
from tocsin.datasets import Row
from tocsin.evaluations.plan import choose
from tocsin.evaluations.translations import every_case, in_script, planned, script_of, with_reviews
from tocsin.languages import LANGUAGES


def asked(
    path: Path, rows: Sequence[dict[str, Any]], to: Sequence[str], *, paired: bool = False, limit: int | None = None
) -> list[tuple[str, str, str]]:
    """Id, language and language wanted of every case that is planned."""
    file = path / "mine.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    one = choose(own_cases(file), limit, None)
    one = replace(one, benchmark=replace(one.benchmark, paired=paired))
    plan = [(row.case, cells) for row, cells in planned(one, every_case(1), to)]
    assert all(len(cells) == 1 for _, cells in plan)
    assert len({cells[0].rank for _, cells in plan}) == len(plan)
    return [(case.id, case.language, case.tags[TO]) for case, _ in plan if case]


PAIRS = [
    {"id": f"{code}{n}", "prompt": f"How {n} in {code}?", "language": code, "cluster": f"c{n}"}
    for n in range(2)
    for code in ("en", "th", "zh")
]


def test_rows_in_several_languages_are_translated_from_english_into_what_they_lack(tmp_path: Path) -> None:
    assert asked(tmp_path, PAIRS[:-1], ["zh", "sw"], paired=True) == [
        ("en0.sw", "en", "sw"),
        ("en1.zh", "en", "zh"),
        ("en1.sw", "en", "sw"),
    ]


def test_rows_that_are_no_pairs_are_translated_from_whatever_they_are_in(tmp_path: Path) -> None:
    assert asked(tmp_path, PAIRS[:3], ["zh", "sw"]) == [
        ("en0.zh", "en", "zh"),
        ("en0.sw", "en", "sw"),
        ("th0.zh", "th", "zh"),
        ("th0.sw", "th", "sw"),
        ("zh0.sw", "zh", "sw"),
    ]


def test_cases_of_every_evaluation_are_translated_and_fewer_are_among_more(tmp_path: Path) -> None:
    rows = [
        {"id": f"q{n}", "prompt": f"Question {n}?", "expected": ("refuse", "comply", "yes")[n % 3]} for n in range(12)
    ]
    every = asked(tmp_path, rows, ["th"])
    some = asked(tmp_path, rows, ["th"], limit=5)
    assert len(every) == 12
    assert len(some) == 5
    assert set(asked(tmp_path, rows, ["th"], limit=3)) < set(some) < set(every)


def line(case: str, text: str, **fields: str) -> dict[str, Any]:
    row = dict.fromkeys(COLUMNS, "") | {"benchmark": "b", "case": case, "language": "th", "part": "prompt"}
    return row | {"translation": text, "status": "machine", "machine_sha256": digest(text)} | fields


def test_what_people_wrote_stays_and_all_else_is_anew() -> None:
    before = [
        line("accepted", "one", status="Accepted", note="fine"),
        line("rejected", "two", status="rejected"),
        line("mended", "by hand", machine_sha256=digest("three")),
        line("failed", "", status="failed", machine_sha256=""),
        line("filled", "by hand", status="failed", machine_sha256=""),
        line("untouched", "four", status="doubtful", note="the way back reads otherwise"),
        line("added", "by hand", status="accepted", machine_sha256=""),
    ]
    now = [line(row["case"], f"new {row['case']}") for row in before if row["case"] != "added"]
    found = {
        row["case"]: (row["translation"], row["status"])
        for row in with_reviews(now, [Row(row, "t.csv", n, n) for n, row in enumerate(before)])
    }
    assert found == {
        "accepted": ("one", "Accepted"),
        "rejected": ("two", "rejected"),
        "mended": ("by hand", "machine"),
        "failed": ("new failed", "machine"),
        "filled": ("by hand", "failed"),
        "untouched": ("new untouched", "machine"),
        "added": ("by hand", "accepted"),
    }


def test_every_language_is_in_the_script_that_it_is_told_by() -> None:
    for code, about in LANGUAGES.items():
        assert script_of(code), code
        assert in_script(about.native, script_of(code)), code
    assert not in_script("How is tea made?", script_of("th"))
    assert not in_script("ชงชาอย่างไร", script_of("es"))
    assert in_script("ชา in English", script_of("th"))
    assert in_script("42?", script_of("th"))
    assert (script_of("sr"), script_of("sr-Latn"), script_of("zh-Hant")) == ("CYRILLIC", "LATIN", "CJK")


def test_a_language_that_is_told_more_closely_is_the_same_one(tmp_path: Path) -> None:
    rows = [{"id": "a", "prompt": "How?", "language": "zh-Hans"}]
    assert asked(tmp_path, rows, ["zh", "zh-Hant"]) == [("a.zh-Hant", "zh-Hans", "zh-Hant")]
