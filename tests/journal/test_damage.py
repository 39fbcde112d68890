"""A journal that cannot be read is named, in one line; what it can no longer say is never taken for something else."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.journal.in_process import HeldModel, add_call, key_of, made_journal, record, shared_of, some_cases
from tests.journal.real_runs import rows
from tocsin import attacks, judges
from tocsin.engine import Ended, Ending, Engine, Limits
from tocsin.journal import Answers, Journal, JournalError

COUNT = 200


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "run"

    async def life() -> None:
        journal = made_journal(folder, some_cases(COUNT, "What grows in garden {} besides roses, and why there?"))
        await asyncio.gather(*(add_call(journal, n, cell=n, text="Thyme. " * 30) for n in range(1, COUNT // 2)))
        for cell in range(1, COUNT // 2, 2):
            journal.add_record(record(cell, call=cell))
        await journal.close()

    asyncio.run(life())
    return folder


@pytest.fixture
def damaged(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "run")
    return tmp_path / "run"


def use(folder: Path) -> tuple[object, ...]:
    """Everything a resumed run reads."""

    async def life() -> tuple[object, ...]:
        journal = Journal(folder)
        try:
            return (
                journal.planned,
                journal.count_cells(),
                journal.unfinished(),
                journal.earlier_calls(),
                [journal.find_call(key_of(n), n, failures=True) for n in range(1, COUNT)],
                list(journal.cells(failed=True)),
                journal.decisions("any"),
            )
        finally:
            await journal.close()

    return asyncio.run(life())


def said(folder: Path) -> str:
    with pytest.raises(JournalError) as caught:
        use(folder)
    message = str(caught.value)
    assert str(folder / "journal.sqlite") in message
    assert "\n" not in message
    return message


def test_a_missing_journal_is_named_and_none_is_made(damaged: Path) -> None:
    (damaged / "journal.sqlite").unlink()
    assert "is missing" in said(damaged)
    assert list(damaged.iterdir()) == []


def test_random_bytes_are_no_journal(damaged: Path) -> None:
    (damaged / "journal.sqlite").write_bytes(random.Random(1).randbytes(50_000))
    assert "cannot be read as a journal" in said(damaged)


def test_an_empty_file_is_no_journal(damaged: Path) -> None:
    (damaged / "journal.sqlite").write_bytes(b"")
    assert "cannot be read as a journal" in said(damaged)


def test_another_programs_database_is_no_journal(damaged: Path) -> None:
    (damaged / "journal.sqlite").unlink()
    other = sqlite3.connect(damaged / "journal.sqlite")
    other.execute("CREATE TABLE songs (title)")
    other.commit()
    other.close()
    assert "cannot be read as a journal" in said(damaged)


@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_named(damaged: Path, share: float) -> None:
    file = damaged / "journal.sqlite"
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    assert "cannot be read" in said(damaged)


@pytest.mark.parametrize("version", ["0", "2", "1.0", "", "x"])
def test_a_format_of_another_version_is_named(damaged: Path, version: str) -> None:
    other = sqlite3.connect(damaged / "journal.sqlite")
    other.execute("UPDATE meta SET value = ? WHERE key = 'version'", (version,))
    other.commit()
    other.close()
    assert f"has format {version}; this version of tocsin reads 1" in said(damaged)


def test_pages_overwritten_anywhere_are_named_or_change_nothing(whole: Path, tmp_path: Path) -> None:
    expected, content = use(whole), (whole / "journal.sqlite").read_bytes()
    pages = range(len(content) // 4096)
    told: list[str] = []
    for page in pages:
        folder = tmp_path / str(page)
        folder.mkdir()
        junk = random.Random(page).randbytes(4096)
        (folder / "journal.sqlite").write_bytes(content[: page * 4096] + junk + content[(page + 1) * 4096 :])
        try:
            found = use(folder)
        except JournalError as error:
            told.append(str(error))
        else:
            assert found == expected
    assert len(told) > len(pages) // 2
    assert all(re.search(r"/\d+/journal\.sqlite cannot be read as a journal", line) for line in told)


def test_junk_in_the_write_ahead_log_is_passed_over(damaged: Path) -> None:
    (damaged / "journal.sqlite-wal").write_bytes(random.Random(3).randbytes(30_000))
    assert use(damaged)[1] == COUNT


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE cases SET body = x'7b22' WHERE id > 150",
        "UPDATE cases SET body = '{\"id\": 5}' WHERE id > 150",
        "UPDATE calls SET answer = x'00ff00ff'",
        "UPDATE calls SET answer = NULL, error = 'no such kind'",
        "DROP TABLE records",
    ],
)
def test_rows_that_are_not_what_the_journal_writes_are_named(damaged: Path, damage: str) -> None:
    other = sqlite3.connect(damaged / "journal.sqlite")
    other.executescript(damage)
    other.close()
    assert "cannot be read" in said(damaged)


def life(folder: Path, **limits: int) -> Ended:
    async def scenario() -> Ended:
        journal = Journal(folder) if folder.exists() else made_journal(folder, some_cases(COUNT))
        shared = shared_of(journal, HeldModel(), temperature=None, limits=Limits(**limits))
        engine = Engine(shared, {"direct": attacks.make("direct")}, {"refusal": judges.make("refusal")}, workers=4)
        ended = await engine.run()
        with contextlib.suppress(JournalError):
            await journal.close()
        return ended

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM records; UPDATE calls SET answer = x'00ff00ff' WHERE id > 30",
        "UPDATE cases SET body = x'7b22' WHERE id > 150",
        "DELETE FROM records; DROP TABLE calls; CREATE TABLE calls (id, key, cell, role, branch, ordinal)",
    ],
)
def test_a_run_that_meets_damage_ends_there_and_no_cell_gets_a_verdict_for_it(tmp_path: Path, damage: str) -> None:
    assert life(tmp_path / "run", calls=60).ending is Ending.BUDGET
    other = sqlite3.connect(tmp_path / "run" / "journal.sqlite")
    other.executescript(damage)
    other.close()
    ended = life(tmp_path / "run")
    assert ended.ending is Ending.JOURNAL
    assert str(tmp_path / "run" / "journal.sqlite") in ended.reason
    assert rows(tmp_path / "run", "SELECT count(*) FROM records WHERE outcome = 'error'") == [(0,)]
    assert rows(tmp_path / "run", "SELECT count(*) FROM records")[0][0] < COUNT


def test_a_folder_without_a_journal_has_no_answers_to_reuse(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match=r"journal\.sqlite cannot be read as a journal"):
        Answers(tmp_path)
    (tmp_path / "journal.sqlite").write_bytes(random.Random(1).randbytes(9_000))
    with pytest.raises(JournalError, match=r"journal\.sqlite cannot be read as a journal"):
        Answers(tmp_path)


def test_a_reused_journal_that_turns_out_damaged_is_named(damaged: Path) -> None:
    other = sqlite3.connect(damaged / "journal.sqlite", isolation_level=None)
    other.execute("UPDATE calls SET answer = x'00ff00ff'")
    other.close()
    look = Answers(damaged).find
    with pytest.raises(JournalError, match=r"journal\.sqlite cannot be read as a journal"):
        look(key_of(1))
