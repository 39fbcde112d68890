"""From rows to a plan: which cases are drawn, in which order they run, and what becomes of rows that are no cases."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.engine.triggers import trigger
from tocsin.benchmarks import Benchmark
from tocsin.benchmarks.own import own_cases
from tocsin.datasets import Row, RowError
from tocsin.evaluations.plan import Drawing, choose, plan
from tocsin.evaluations.suite import BenchmarkEntry, Draw
from tocsin.journal import Journal, JournalError, PlannedCase, PlannedCell
from tocsin.types import Case, ErrorKind

Plan = list[tuple[PlannedCase, list[PlannedCell]]]


def drawing(**changes: Any) -> Drawing:
    drawn = Drawing(seed=1, evaluations=("benchmark", "over-refusal"), repeats=1, targets=1, strict=False)
    return msgspec.structs.replace(drawn, **changes)


def written(path: Path, rows: Iterable[Any]) -> Path:
    path.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def numbered(n: int) -> list[dict[str, Any]]:
    return [{"id": f"case-{number}", "prompt": f"Question {number}?"} for number in range(n)]


def plan_of(
    path: Path,
    limit: int | None = None,
    *,
    made: Benchmark | None = None,
    judge: str | None = None,
    draw: Draw = "uniform",
    **changes: Any,
) -> Plan:
    return list(plan([choose(made or own_cases(path), limit, None, judge=judge, draw=draw)], drawing(**changes)))


def ids(found: Plan) -> list[str]:
    return [row.case_id for row, _ in found]


def run_order(folder: Path, found: Plan) -> list[tuple[str, int, int]]:
    """The run's cells as its journal gives them: case, repeat, target."""
    folder.mkdir()

    async def read() -> list[tuple[str, int, int]]:
        journal = Journal(folder, create=True)
        try:
            journal.plan(found)
            return [(one.cell.case.id, one.cell.repeat, one.cell.target) for one in journal.cells(window=7)]
        finally:
            await journal.close()

    return asyncio.run(read())


# -- what is drawn ---------------------------------------------------------------------------------------------------


def test_smaller_sample_lies_within_the_larger(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", numbered(300))
    samples = {limit: set(ids(plan_of(path, limit))) for limit in (1, 10, 50, 100, 300, 999)}
    assert [len(sample) for sample in samples.values()] == [1, 10, 50, 100, 300, 300]
    assert samples[1] < samples[10] < samples[50] < samples[100] < samples[300] == samples[999]


def test_sample_does_not_depend_on_the_order_of_the_rows(tmp_path: Path) -> None:
    rows = numbered(200)
    before = plan_of(written(tmp_path / "a.jsonl", rows), 40)
    random.Random(3).shuffle(rows)
    after = plan_of(written(tmp_path / "a.jsonl", rows), 40)
    assert ids(before) != ids(after)  # each in the order of its file
    assert set(ids(before)) == set(ids(after))
    ranks = [{row.case_id: [cell.rank for cell in cells] for row, cells in found} for found in (before, after)]
    assert ranks[0] == ranks[1]


HAZARDS = {"large": 120, "middle": 60, "small": 17, "tiny": 3}


def hazards_of(tmp_path: Path, limit: int, draw: Draw) -> dict[str, int]:
    rows = [
        {"id": f"{hazard}-{n}", "prompt": "What?", "hazard": hazard}
        for hazard, size in HAZARDS.items()
        for n in range(size)
    ]
    found = plan_of(written(tmp_path / "a.jsonl", rows), limit, draw=draw)
    return {hazard: sum(name.startswith(hazard) for name in ids(found)) for hazard in HAZARDS}


def test_proportional_draw_gives_each_hazard_its_share(tmp_path: Path) -> None:
    assert hazards_of(tmp_path, 50, "proportional") == {"large": 30, "middle": 15, "small": 4, "tiny": 1}


def test_equal_draw_gives_each_hazard_the_same_and_shares_out_what_a_small_one_lacks(tmp_path: Path) -> None:
    assert hazards_of(tmp_path, 8, "equal") == {"large": 2, "middle": 2, "small": 2, "tiny": 2}
    assert hazards_of(tmp_path, 43, "equal") == {"large": 14, "middle": 13, "small": 13, "tiny": 3}


@pytest.mark.parametrize("draw", ["proportional", "equal"])
@pytest.mark.parametrize("limit", [1, 7, 100, 199, 200, 999])
def test_stratified_draw_fills_the_limit_and_no_more(tmp_path: Path, limit: int, draw: Draw) -> None:
    assert sum(hazards_of(tmp_path, limit, draw).values()) == min(limit, 200)


def test_within_a_hazard_a_stratified_draw_takes_what_a_uniform_one_would_take_first(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", [{"id": str(n), "prompt": "What?", "hazard": str(n % 2)} for n in range(80)])
    evens = written(tmp_path / "b.jsonl", [{"id": str(n), "prompt": "What?"} for n in range(0, 80, 2)])
    drawn = {name for name in ids(plan_of(path, 20, draw="equal")) if int(name) % 2 == 0}
    assert drawn == set(ids(plan_of(evens, 10)))


def test_cases_beyond_the_difficulty_filter_are_never_drawn(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", numbered(50))
    hard = frozenset({"case-3", "case-7", "case-40"})
    assert set(ids(plan_of(path, hard={"cases": hard}))) == hard
    assert len(plan_of(path, 2, hard={"cases": hard})) == 2
    assert len(plan_of(path, hard={"another": hard})) == 50


def test_bad_row_stays_an_error_under_a_difficulty_filter(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", [*numbered(3), "{not JSON"])
    assert [row.stopped for row, _ in plan_of(path, hard={"cases": frozenset({"case-1"})})] == ["", "bad_row"]


def test_the_suites_system_prompt_stands_before_every_case_of_its_benchmark(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.jsonl", [{"id": "a", "prompt": "What?"}, {"id": "b", "prompt": "Who?", "system": "Old."}]
    )
    entry = BenchmarkEntry(name="cases", system="Be brief.")
    found = list(plan([choose(own_cases(path), None, None, entry=entry)], drawing()))
    assert {row.case.system for row, _ in found if row.case} == {"Be brief."}


def test_sample_follows_the_seed(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", numbered(200))
    assert ids(plan_of(path, 40, seed=1)) == ids(plan_of(path, 40, seed=1))
    assert set(ids(plan_of(path, 40, seed=1))) != set(ids(plan_of(path, 40, seed=2)))


def test_sample_is_drawn_evenly(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", numbered(100))
    drawn = [name for seed in range(60) for name in ids(plan_of(path, 20, seed=seed))]
    early = sum(int(name.removeprefix("case-")) < 50 for name in drawn)
    assert early / len(drawn) == pytest.approx(0.5, abs=0.07)  # four standard errors


def test_sample_keeps_the_order_of_the_file(tmp_path: Path) -> None:
    found = ids(plan_of(written(tmp_path / "a.jsonl", numbered(100)), 20))
    assert found == sorted(found, key=lambda name: int(name.removeprefix("case-")))


def test_limit_counts_only_the_cases_that_an_evaluation_wants(tmp_path: Path) -> None:
    rows = [row | {"expected": "comply" if number % 2 else "refuse"} for number, row in enumerate(numbered(60))]
    path = written(tmp_path / "a.jsonl", rows)
    found = plan_of(path, 10, evaluations=("over-refusal",))
    assert len(found) == 10
    assert {cell.evaluation for _, cells in found for cell in cells} == {"over-refusal"}
    assert {row.case.safe_answer.kind for row, _ in found if row.case} == {"comply"}
    assert len(plan_of(path, evaluations=("benchmark",))) == 30


# -- in which order it runs ------------------------------------------------------------------------------------------


def test_all_targets_meet_the_same_cases_at_the_same_time(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", numbered(50))
    cells = run_order(tmp_path / "run", plan_of(path, targets=3, repeats=2))
    assert len(cells) == 300
    for at in range(0, 300, 3):
        assert [target for _, _, target in cells[at : at + 3]] == [0, 1, 2]
        assert len({(name, repeat) for name, repeat, _ in cells[at : at + 3]}) == 1
    alone = run_order(tmp_path / "alone", plan_of(path, repeats=2))
    assert [cell[:2] for cell in cells[::3]] == [cell[:2] for cell in alone]


def test_run_order_is_random_and_follows_the_seed_alone(tmp_path: Path) -> None:
    rows = numbered(80)
    path = written(tmp_path / "a.jsonl", rows)
    first = run_order(tmp_path / "1", plan_of(path))
    assert first == run_order(tmp_path / "2", plan_of(path))
    assert first != run_order(tmp_path / "3", plan_of(path, seed=2))
    assert [name for name, _, _ in first] != [row["id"] for row in rows]
    written(path, reversed(rows))
    assert first == run_order(tmp_path / "4", plan_of(path))


def test_run_order_mixes_the_benchmarks(tmp_path: Path) -> None:
    chosen = [choose(msgspec.structs.replace(own_cases(written(tmp_path / f"{name}.jsonl", numbered(40))), name=name),
                     None, None) for name in ("one", "two")]  # fmt: skip
    found = list(plan(chosen, drawing()))
    ordered = sorted((cells[0].rank, row.benchmark) for row, cells in found)
    first = [name for _, name in ordered[:40]]
    assert 8 <= first.count("one") <= 32
    assert all(0 <= cell.rank < 2**63 for _, cells in found for cell in cells)


def test_gold_answers_keep_their_judge_and_the_rest_is_read_by_the_one_named(tmp_path: Path) -> None:
    rows = [{"id": "free", "prompt": "x"}, {"id": "gold", "prompt": "x", "expected": "yes"}]
    found = plan_of(written(tmp_path / "a.jsonl", rows), judge="guard")
    assert {row.case_id: cells[0].judge for row, cells in found} == {"free": "guard", "gold": "choice"}


# -- rows that are no cases ------------------------------------------------------------------------------------------

MIXED = [
    {"id": "1", "prompt": "Fine"},
    "{broken",
    {"id": "3", "text": "the column was renamed"},
    {"id": "4", "prompt": "Fine too"},
    {"id": "5", "prompt": ""},
    {"id": "6", "prompt": "Which?", "expected": "four", "options": ["one", "two"]},
]


def test_bad_rows_are_errors_named_by_file_line_and_field_and_the_rest_goes_on(tmp_path: Path) -> None:
    found = plan_of(written(tmp_path / "a.jsonl", MIXED))
    good = [row.case_id for row, _ in found if not row.stopped]
    bad = {row.case_id: row for row, _ in found if row.stopped}
    assert good == ["1", "4"]
    assert {row.stopped for row in bad.values()} == {ErrorKind.BAD_ROW}
    assert [row.detail.partition(" (")[0] for row in bad.values()] == [
        "a.jsonl, line 2: is not JSON",
        "a.jsonl, line 3: has no field 'prompt'",
        "a.jsonl, line 5: field 'prompt' holds no text",
        "a.jsonl, line 6: field 'expected' is none of the row's options",
    ]
    assert list(bad) == ["a.jsonl:2", "a.jsonl:3", "a.jsonl:5", "a.jsonl:6"]
    assert all(row.case is None for row in bad.values())
    assert all(len(cells) == 1 for _, cells in found)


@pytest.mark.parametrize("at", [1, 2, 4, 5])
def test_bad_row_stops_a_strict_plan_and_is_named(tmp_path: Path, at: int) -> None:
    path = written(tmp_path / "a.jsonl", [MIXED[0], MIXED[at]])
    with pytest.raises(RowError, match=r"^a\.jsonl, line 2: "):
        plan_of(path, strict=True)
    assert len(plan_of(written(path, [MIXED[0]]), strict=True)) == 1


def test_fault_of_a_benchmark_is_that_rows_and_quotes_nothing(tmp_path: Path) -> None:
    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        for row in rows:
            if row["id"] == "case-1":
                raise KeyError(row["prompt"])
            yield Case(id=row["id"], prompt=row["prompt"])

    path = written(tmp_path / "a.jsonl", numbered(3))
    made = msgspec.structs.replace(own_cases(path), cases=cases)
    found = plan_of(path, made=made)
    assert [row.stopped for row, _ in found] == ["", "bad_row", ""]
    assert found[1][0].detail == "a.jsonl, line 2: could not become a case (KeyError)"
    with pytest.raises(RowError, match=r"a\.jsonl, line 2: could not become a case \(KeyError\)"):
        plan_of(path, made=made, strict=True)


def test_bad_rows_are_drawn_like_any_other(tmp_path: Path) -> None:
    rows = [row if number % 4 else "{broken" for number, row in enumerate(numbered(400))]
    found = plan_of(written(tmp_path / "a.jsonl", rows), 100)
    bad = sum(bool(row.stopped) for row, _ in found)
    assert len(found) == 100
    assert 10 <= bad <= 40


def test_bad_rows_stay_whichever_evaluation_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", MIXED)
    assert len(plan_of(path, evaluations=("over-refusal",))) == 4
    assert len(plan_of(path, evaluations=("benchmark",))) == 6


def test_file_that_cannot_be_read_at_all_ends_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes('{"id": "1", "prompt": "Grüße"}\n'.encode("latin-1"))
    with pytest.raises(RowError, match=r"a\.jsonl, line 1: is not UTF-8"):
        plan_of(path)


def test_ids_that_come_twice_are_named_and_nothing_is_planned(tmp_path: Path) -> None:
    rows = [*numbered(3), {"id": "case-1", "prompt": "Another question?"}]
    found = plan_of(written(tmp_path / "a.jsonl", rows))
    with pytest.raises(JournalError, match=r"two cases are named cases/case-1: an id is unique within its benchmark"):
        run_order(tmp_path / "run", found)


@pytest.mark.parametrize("field", ["id", "hazard", "system", "cluster", "prompt", "more"])
def test_hostile_text_in_any_field_can_be_planned(tmp_path: Path, field: str) -> None:
    hostile = ["\ud800", "a\x00b", "\u202e\u2066", "\ufffe", "'; DROP TABLE cells; --", "<script>", "\x1b[31m"]
    rows = [{"id": f"{n}", "prompt": f"Question {n}?"} | {field: f"{n} {text}"} for n, text in enumerate(hostile)]
    rows += ['{"\\ud800": 1}']
    found = plan_of(written(tmp_path / "a.jsonl", rows))
    cells = run_order(tmp_path / "run", found)
    assert len(cells) == len(hostile) + 1


# -- what is withheld ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["prompt", "system", "options", "id", "hazard", "cluster"])
def test_withheld_case_leaves_an_id_a_hash_and_the_reason(tmp_path: Path, field: str) -> None:
    text = trigger()
    fields: dict[str, Any] = {"id": "kept-id", "prompt": "Question?", "hazard": "kept hazard"}
    if field == "options":
        fields |= {"options": ["one", text], "expected": "one"}
    else:
        fields |= {"prompt": text} | {field: text}
    found = plan_of(written(tmp_path / "a.jsonl", [*numbered(2), fields]))
    (row,) = [row for row, _ in found if row.stopped]
    assert row.stopped == ErrorKind.WITHHELD
    assert re.search(r"\(sha256 [0-9a-f]{16}\)$", row.detail)
    assert row.case is not None
    assert row.case.safe_answer.kind == ("option" if field == "options" else "refuse")
    assert (row.case_id == "kept-id") == (field != "id")
    run_order(tmp_path / "run", found)
    kept = b"".join(path.read_bytes() for path in (tmp_path / "run").iterdir())
    anywhere = text.encode() in kept or text in repr(found)
    assert b"Question 1?" in kept
    assert not anywhere


def test_name_of_a_hazard_is_withheld_too(tmp_path: Path) -> None:
    text = trigger()
    found = plan_of(written(tmp_path / "a.jsonl", [{"id": "1", "prompt": "Question?", "hazard": text}]))
    assert [row.stopped for row, _ in found] == ["withheld"]
    anywhere = text in repr(found)
    assert not anywhere


def test_name_of_a_column_is_withheld_too(tmp_path: Path) -> None:
    """A file without a header has a row's text where the names of its columns should be."""
    text = trigger()
    path = tmp_path / "a.csv"
    path.write_text(f"{text}\nFine\n", encoding="utf-8")
    found = plan_of(path)
    assert [row.stopped for row, _ in found] == ["bad_row"]
    quoted = text in found[0][0].detail
    assert not quoted
