from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.journal.in_process import add_call, made_journal, plan_of, record, some_cases
from tests.journal.real_runs import SOURCE, rows
from tocsin.journal import Journal, JournalError, PlannedCase, PlannedCell
from tocsin.types import Case, ErrorKind, Outcome


def positions(journal: Journal, **how: object) -> list[int]:
    return [planned.cell.position for planned in journal.cells(**how)]  # type: ignore[arg-type]


def closed(journal: Journal) -> None:
    asyncio.run(journal.close())


@given(st.lists(st.integers(0, 5) | st.integers(0, 2**63 - 1), min_size=1, max_size=30))
@settings(max_examples=25, deadline=None)
def test_cells_are_run_in_the_order_of_their_ranks_and_equal_ranks_in_the_order_of_the_plan(ranks: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder), create=True)
        journal.plan(
            (PlannedCase("made", f"c{i}", case), [PlannedCell(0, "benchmark", "direct", 0, "refusal", rank)])
            for i, (rank, case) in enumerate(zip(ranks, some_cases(len(ranks)), strict=True))
        )
        found = [int(planned.cell.case.id[1:]) for planned in journal.cells()]
        assert found == sorted(range(len(ranks)), key=lambda i: (ranks[i], i))
        closed(journal)
        journal = Journal(Path(folder))
        assert [int(planned.cell.case.id[1:]) for planned in journal.cells(window=3)] == found
        closed(journal)


def test_a_cell_comes_back_with_everything_it_was_planned_with(tmp_path: Path) -> None:
    case = Case(id="é/1", prompt="Was wächst hier?", hazard="garden", language="de", cluster="k", tags={"a": "b"})
    journal = Journal(tmp_path, create=True)
    journal.plan([(PlannedCase("made", case.id, case), [PlannedCell(1, "over-refusal", "direct", 4, "choice", 9)])])
    (planned,) = journal.cells()
    assert (planned.attempt, planned.stopped, planned.detail) == (0, "", "")
    cell = planned.cell
    assert (cell.position, cell.target, cell.evaluation, cell.benchmark) == (1, 1, "over-refusal", "made")
    assert (cell.attack, cell.repeat, cell.judge, cell.case) == ("direct", 4, "choice", case)
    assert cell.key == "made/é/1/direct/de/4"
    closed(journal)


def test_of_a_case_that_was_stopped_no_text_is_kept(tmp_path: Path) -> None:
    case = Case(id="c1", prompt="A prompt that is not to be kept.", hazard="garden")
    planned = PlannedCase("made", "c1", case, ErrorKind.WITHHELD, "why")
    journal = Journal(tmp_path, create=True)
    journal.plan([(planned, [PlannedCell(0, "benchmark", "direct", 0, "refusal", 1)])])
    (found,) = journal.cells()
    assert (found.stopped, found.detail, found.cell.case) == ("withheld", "why", Case(id="c1", prompt=""))
    closed(journal)
    assert b"not to be kept" not in (tmp_path / "journal.sqlite").read_bytes()
    assert rows(tmp_path, "SELECT hazard, wanted, body FROM cases") == [("garden", "refuse", None)]


@given(
    count=st.integers(1, 40), window=st.integers(1, 9), finished=st.sets(st.integers(1, 40)), seed=st.integers(0, 99)
)
@settings(max_examples=25, deadline=None)
def test_every_unfinished_cell_is_given_exactly_once_also_while_records_are_added(
    count: int, window: int, finished: set[int], seed: int
) -> None:
    async def scenario(folder: Path) -> list[int]:
        journal = made_journal(folder, some_cases(count))
        for cell in finished:
            if cell <= count:
                journal.add_record(record(cell))
        await journal.flush()
        rng, given_so_far, open_cells = random.Random(seed), [], []
        for planned in journal.cells(window=window):
            given_so_far.append(planned.cell.position)
            open_cells.append(planned.cell.position)
            while open_cells and rng.random() < 0.5:  # cells finish in any order
                journal.add_record(record(open_cells.pop(rng.randrange(len(open_cells)))))
                if rng.random() < 0.5:
                    await journal.flush()
        await journal.close()
        return given_so_far

    with tempfile.TemporaryDirectory() as folder:
        assert asyncio.run(scenario(Path(folder))) == [n for n in range(1, count + 1) if n not in finished]


def test_workers_that_share_one_feed_never_get_a_cell_twice(tmp_path: Path) -> None:
    async def scenario() -> list[int]:
        journal, taken = made_journal(tmp_path, some_cases(100)), []
        feed = journal.cells(window=7)

        async def work() -> None:
            for planned in feed:
                taken.append(planned.cell.position)
                call = await add_call(journal, planned.cell.position, cell=planned.cell.position)
                journal.add_record(record(planned.cell.position, call=call.id))

        await asyncio.gather(*(work() for _ in range(12)))
        await journal.close()
        return taken

    assert sorted(asyncio.run(scenario())) == list(range(1, 101))
    assert rows(tmp_path, "SELECT count(*) FROM records") == [(100,)]


def with_records(folder: Path, *outcomes: tuple[int, int, Outcome]) -> Journal:
    async def scenario() -> None:
        journal = made_journal(folder, some_cases(5))
        for cell, attempt, outcome in outcomes:
            journal.add_record(record(cell, attempt=attempt, outcome=outcome))
        await journal.close()

    asyncio.run(scenario())
    return Journal(folder)


SOME = (
    (1, 0, Outcome.SAFE),
    (2, 0, Outcome.ERROR),
    (3, 0, Outcome.ERROR),
    (3, 1, Outcome.UNSAFE),
    (4, 0, Outcome.ERROR),
    (4, 1, Outcome.ERROR),
)


def test_cells_that_failed_are_given_again_only_if_asked_for(tmp_path: Path) -> None:
    journal = with_records(tmp_path, *SOME)
    assert [(planned.cell.position, planned.attempt) for planned in journal.cells()] == [(5, 0)]
    again = [(planned.cell.position, planned.attempt) for planned in journal.cells(failed=True)]
    assert again == [(2, 1), (4, 2), (5, 0)]
    closed(journal)


def test_a_cell_that_fails_once_more_is_not_given_twice_in_one_pass(tmp_path: Path) -> None:
    journal = with_records(tmp_path, *SOME)

    async def scenario() -> list[int]:
        taken = []
        for planned in journal.cells(failed=True, window=1):
            taken.append(planned.cell.position)
            journal.add_record(record(planned.cell.position, attempt=planned.attempt, outcome=Outcome.ERROR))
            await journal.flush()
        await journal.close()
        return taken

    assert asyncio.run(scenario()) == [2, 4, 5]


def test_the_latest_attempt_counts_and_the_earlier_ones_stay(tmp_path: Path) -> None:
    closed(with_records(tmp_path, *SOME))
    latest = rows(tmp_path, "SELECT cell, attempt, outcome FROM latest ORDER BY cell")
    assert latest == [(1, 0, "safe"), (2, 0, "error"), (3, 1, "unsafe"), (4, 1, "error")]
    assert rows(tmp_path, "SELECT count(*) FROM records") == [(6,)]


def test_what_is_unfinished_is_counted_by_benchmark(tmp_path: Path) -> None:
    journal = with_records(tmp_path, *SOME)
    assert journal.unfinished() == {"made": 1}
    assert journal.count_cells() == 5
    assert journal.planned
    closed(journal)


def test_repeats_and_targets_are_cells_of_their_own(tmp_path: Path) -> None:
    journal = made_journal(tmp_path, some_cases(3), repeats=2, targets=2)
    assert journal.count_cells() == 12
    found = {(planned.cell.case.id, planned.cell.repeat, planned.cell.target) for planned in journal.cells()}
    assert len(found) == 12
    assert len({planned.cell.key for planned in journal.cells()}) == 6  # the target is not in it
    closed(journal)


def test_two_cases_with_one_id_are_named(tmp_path: Path) -> None:
    journal = Journal(tmp_path, create=True)
    for first_and_last in (0, 300):  # within one batch of the plan, and beyond it
        cases = [*some_cases(first_and_last + 1), Case(id="c0", prompt="Another.")]
        with pytest.raises(JournalError, match=r"two cases are named made/c0"):
            journal.plan(plan_of(cases))
        assert not journal.planned
        assert journal.count_cells() == 0
    closed(journal)


def test_a_plan_that_fails_midway_leaves_nothing_of_itself(tmp_path: Path) -> None:
    def failing() -> Iterator[tuple[PlannedCase, list[PlannedCell]]]:
        yield from islice(plan_of(some_cases(600)), 500)
        raise KeyboardInterrupt

    journal = Journal(tmp_path, create=True)
    with pytest.raises(KeyboardInterrupt):
        journal.plan(failing())
    assert not journal.planned
    assert positions(journal) == []
    assert journal.plan(plan_of(some_cases(3))) == 3  # and is no obstacle to another
    closed(journal)


PLAN_MANY = """
import asyncio, json, resource, sys, time
from itertools import islice
from pathlib import Path
from tocsin.benchmarks.own import own_cases
from tocsin.evaluations.plan import Drawing, choose, plan
from tocsin.journal import Journal

chosen = [choose(own_cases(Path("many.jsonl")), None, None)]
drawing = Drawing(
    seed=1, evaluations=("benchmark", "over-refusal"), repeats=1, targets=1, strict=False
)
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
list(islice(plan(chosen, drawing), 300))
Path("run").mkdir()
journal = Journal(Path("run"), create=True)
before = peak()
planned = journal.plan(plan(chosen, drawing))
given = sum(1 for _ in journal.cells())
print(json.dumps([planned, given, peak() - before]))
"""


def test_a_plan_of_20000_cases_is_never_whole_in_memory(tmp_path: Path) -> None:
    many, count, text = tmp_path / "many.jsonl", 20_000, "Rivers, gardens and bread. " * 50
    with many.open("w") as file:
        for number in range(count):
            file.write(json.dumps({"id": f"c{number}", "prompt": f"{number}: {text}"}) + "\n")
    assert many.stat().st_size > 27_000_000
    told = subprocess.run(
        [sys.executable, "-c", PLAN_MANY], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    planned, given_back, grown = json.loads(told.stdout)
    assert (planned, given_back) == (count, count)
    assert grown < 16_000_000


ENGLISH = Case(id="7-en", prompt="a", cluster="7", language="en-GB")
OTHER = Case(id="8-en", prompt="b", cluster="7", language="en-GB")


@pytest.mark.parametrize(
    ("others", "case", "found"),
    [
        ([ENGLISH], Case(id="7-th", prompt="c", cluster="7", language="th"), "7-en"),
        ([ENGLISH], Case(id="x", prompt="c", cluster="7", language="th"), "7-en"),
        ([ENGLISH, OTHER], Case(id="x", prompt="c", cluster="7", language="th"), None),
        ([ENGLISH], Case(id="x", prompt="c", language="th"), None),
        (
            [ENGLISH, OTHER],
            Case(id="x.th", prompt="c", cluster="7", language="th", tags={"source_id": "8-en"}),
            "8-en",
        ),
        ([ENGLISH], Case(id="x.th", prompt="c", cluster="7", language="th", tags={"source_id": "8-en"}), None),
        (
            [Case(id="00en", prompt="a", cluster="7"), Case(id="01en", prompt="b", cluster="7")],
            Case(id="01th", prompt="c", cluster="7", language="th"),
            "01en",
        ),
        (
            [Case(id="q1", prompt="a", cluster="7"), Case(id="q2", prompt="b", cluster="7")],
            Case(id="q2.zh-Hans", prompt="c", cluster="7", language="zh-Hans"),
            "q2",
        ),
        ([Case(id="q1", prompt="a", cluster="7", language="sw")], Case(id="q1.th", prompt="c", cluster="7", language="th"), None),
    ],
)  # fmt: skip
def test_the_request_in_another_language_is_the_case_s_own_or_none(
    others: list[Case], case: Case, found: str | None, tmp_path: Path
) -> None:
    journal = Journal(tmp_path, create=True)
    cell = PlannedCell(0, "multilingual", "direct", 0, "refusal", 1)
    journal.plan((PlannedCase("made", one.id, one), [cell]) for one in (*others, case))
    (planned,) = (one for one in journal.cells() if one.cell.case.id == case.id)
    there = journal.translation_of(planned.cell, "en")
    assert (there.id if there else None) == found
    closed(journal)


def test_a_request_that_was_stopped_has_no_other_in_its_place(tmp_path: Path) -> None:
    journal = Journal(tmp_path, create=True)
    case = Case(id="x", prompt="c", cluster="7", language="th")
    cell = PlannedCell(0, "multilingual", "direct", 0, "refusal", 1)
    stopped = PlannedCase("made", ENGLISH.id, ENGLISH, ErrorKind.WITHHELD, "why")
    journal.plan(
        [(stopped, [cell]), (PlannedCase("made", OTHER.id, OTHER), [cell]), (PlannedCase("made", "x", case), [cell])]
    )
    (planned,) = (one for one in journal.cells() if one.cell.case.id == "x")
    assert journal.translation_of(planned.cell, "en") is None
    closed(journal)


def test_the_request_in_another_language_is_found_without_reading_the_whole_benchmark(tmp_path: Path) -> None:
    journal = Journal(tmp_path, create=True)
    journal.plan(plan_of(some_cases(3)))
    closed(journal)
    with contextlib.closing(sqlite3.connect(tmp_path / "journal.sqlite")) as db:
        steps = db.execute(
            "EXPLAIN QUERY PLAN SELECT body FROM cases WHERE benchmark = 'a' AND cluster = 'b' ORDER BY id"
        )
        assert "cases_by_cluster" in " ".join(str(step) for step in steps)
