"""An answer is used only when it is on the disk: by the attack that asked, by its record, by whoever shares it."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.journal.in_process import (
    HeldModel,
    TwoQuestions,
    commits_held,
    engine_of,
    in_run,
    shared_of,
    some_cases,
    until,
)
from tests.journal.real_runs import rows
from tocsin.engine import Ending, Session
from tocsin.journal import Journal
from tocsin.types import Case, Cell


def test_an_answer_is_given_to_nobody_before_its_commit(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel()
        session = Session(shared_of(journal, model), cells[0])
        with commits_held(tmp_path):
            asking = asyncio.create_task(session.ask())
            await until(lambda: len(model.sent) == 1)
            await asyncio.sleep(0.15)  # answered long ago
            assert not asking.done()
            assert rows(tmp_path, "SELECT count(*) FROM calls") == [(0,)]
        answered = await asking
        assert rows(tmp_path, "SELECT id FROM calls") == [(answered.call.id,)]

    in_run(tmp_path, some_cases(1), what)


def test_the_next_question_is_not_asked_and_no_record_is_written_before_the_commit(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel()
        with commits_held(tmp_path):
            running = asyncio.create_task(engine_of(shared_of(journal, model), attack=TwoQuestions()).run())
            await until(lambda: len(model.sent) == 3)
            await asyncio.sleep(0.15)
            assert sorted(model.sent) == sorted(case.prompt for case in some_cases(3))
            assert rows(tmp_path, "SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM records)") == [(0, 0)]
        assert (await running).ending is Ending.COMPLETE
        assert len(model.sent) == 6

    in_run(tmp_path, some_cases(3), what)
    assert rows(tmp_path, "SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM records)") == [(6, 3)]


def test_who_shares_an_answer_waits_for_its_commit_too(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel()
        shared = shared_of(journal, model)
        with commits_held(tmp_path):
            asking = [asyncio.create_task(Session(shared, cell).ask()) for cell in cells]
            await until(lambda: len(model.sent) == 1)
            await asyncio.sleep(0.1)
            assert not any(task.done() for task in asking)
        answers = await asyncio.gather(*asking)
        assert {answered.call.id for answered in answers} == {1}

    in_run(tmp_path, [Case(id=f"c{n}", prompt="The same.") for n in range(3)], what)


def test_a_commit_that_fails_ends_the_run_and_judges_nothing(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as other:  # stands for a disk that refuses
            other.execute("CREATE TRIGGER t BEFORE INSERT ON calls BEGIN SELECT RAISE(ABORT, 'refused'); END")
        ended = await engine_of(shared_of(journal, HeldModel())).run()
        assert ended.ending is Ending.JOURNAL
        assert str(tmp_path / "journal.sqlite") in ended.reason

    in_run(tmp_path, some_cases(9), what)
    assert rows(tmp_path, "SELECT count(*) FROM records") == [(0,)]


def test_a_run_whose_last_records_cannot_be_kept_is_not_called_complete(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        with closing(sqlite3.connect(tmp_path / "journal.sqlite")) as other:
            other.execute("CREATE TRIGGER t BEFORE INSERT ON records BEGIN SELECT RAISE(ABORT, 'refused'); END")
        ended = await engine_of(shared_of(journal, HeldModel())).run()
        assert ended.ending is Ending.JOURNAL
        assert str(tmp_path / "journal.sqlite") in ended.reason

    in_run(tmp_path, some_cases(1), what)
    assert rows(tmp_path, "SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM records)") == [(1, 0)]
