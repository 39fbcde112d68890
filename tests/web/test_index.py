"""The index: whole, private, made once, and right about a journal that grows."""

from __future__ import annotations

import shutil
import sqlite3
import stat
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.report.planted import refuse, unsafe
from tests.web.conftest import run_of
from tocsin.journal import JournalError
from tocsin.web import sidecar, words_index
from tocsin.web.columns import ROW as ROW_TYPE
from tocsin.web.columns import Codes, Columns
from tocsin.web.filters import Filters, Place, read
from tocsin.web.index import Index
from tocsin.web.listing import Lists
from tocsin.web.runs import OpenRun


def whole(folder: Path, **options: bool) -> Index:
    index = Index(OpenRun(folder), **options)
    while index.grow():
        pass
    return index


def test_facets_and_totals_agree_with_the_journal(run_folder: Path) -> None:
    index = whole(run_folder)
    db = sqlite3.connect(run_folder / "journal.sqlite")
    join = "FROM records r JOIN cells c ON c.id = r.cell JOIN cases s ON s.id = c.case_ref"
    page = Lists([index]).page(Filters())
    for facet, column in (
        ("outcome", "r.outcome"),
        ("hazard", "s.hazard"),
        ("language", "s.language"),
        ("attack", "c.attack"),
    ):
        assert page.facets[facet] == dict(db.execute(f"SELECT {column}, count(*) {join} GROUP BY 1"))
    page = Lists([index]).page(
        read([("outcome", "unsafe"), ("outcome", "safe"), ("hazard", "theft"), ("score_from", "0.25")])
    )
    (wanted,) = db.execute(
        f"SELECT count(*) {join} WHERE r.outcome IN ('safe', 'unsafe') AND s.hazard = 'theft' AND r.score >= 0.25"
    ).fetchone()
    assert page.total == wanted > 0
    # Beside the values of a filter stands what the other filters leave.
    assert page.facets["hazard"] == dict(
        db.execute(
            f"SELECT s.hazard, count(*) {join} WHERE r.outcome IN ('safe','unsafe') AND r.score >= 0.25 GROUP BY 1"
        )
    )
    index.close()


def test_it_is_private_kept_and_made_anew_on_request(run_folder: Path) -> None:
    whole(run_folder).close()
    (path,) = sidecar.folder().glob("*.sqlite")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    again = Index(OpenRun(run_folder))
    assert again.version == (121, 121)  # nothing had to be read
    again.close()
    anew = Index(OpenRun(run_folder), anew=True)
    assert anew.version == (0, 0)
    anew.close()


def test_a_damaged_one_is_made_anew(run_folder: Path) -> None:
    whole(run_folder).close()
    (path,) = sidecar.folder().glob("*.sqlite")
    path.write_bytes(b"no database" * 1000)
    index = whole(run_folder)
    assert index.version == (121, 121)
    index.close()


def test_the_file_of_a_run_that_is_gone_is_removed(run_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run_folder, copy)
    whole(copy).close()
    whole(run_folder).close()
    shutil.rmtree(copy)
    assert sidecar.clean_up() == 1
    assert len(list(sidecar.folder().glob("*.sqlite"))) == 1


def test_two_viewers_of_one_run_do_not_disturb_each_other(run_folder: Path) -> None:
    first, second = whole(run_folder), whole(run_folder)
    assert first.version == second.version == (121, 121)
    second.close()
    assert not list(sidecar.folder().glob("passing-*"))
    assert Lists([first]).page(Filters()).total == 121
    first.close()


def test_what_a_killed_viewer_left_is_removed_and_what_a_living_one_has_is_not(run_folder: Path) -> None:
    first, second = whole(run_folder), whole(run_folder)
    (living,) = sidecar.folder().glob("passing-*")
    killed = sidecar.folder() / "passing-killed"
    killed.mkdir()
    (killed / "held.lock").touch()
    (killed / "index.sqlite").touch()
    assert sidecar.clean_up() == 1
    assert living.is_dir()
    assert not killed.exists()
    second.close()
    first.close()


def test_nothing_in_the_run_folder_is_changed(run_folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(run_folder, copy)
    before = {path.name: path.read_bytes() for path in copy.iterdir() if path.is_file()}
    whole(copy).close()
    after = {path.name: path.read_bytes() for path in copy.iterdir() if path.is_file()}
    assert {name: data for name, data in after.items() if not name.endswith(("-wal", "-shm"))} == before


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="not a run folder"):
        OpenRun(tmp_path)


def test_a_cell_that_is_finished_late_and_without_a_call_is_found(tmp_path: Path, base: dict[str, Any]) -> None:
    plan = [unsafe(refuse(n)) for n in range(5)]
    plan[1] = plan[1]._replace(outcome=None)
    folder = run_of(tmp_path / "run", plan, base)
    index = whole(folder)
    assert index.current == 4
    db = sqlite3.connect(folder / "journal.sqlite")
    db.execute(
        "INSERT INTO records SELECT 2, 0, NULL, outcome, refused, 0, 0, 0, 0, NULL, '', '', '', '' FROM records LIMIT 1"
    )
    db.commit()
    index.grow()
    assert index.current == 5
    index.close()


def test_columns_keep_each_cells_latest_row() -> None:
    columns, rng = Columns(), np.random.default_rng(1)
    expected: dict[int, int] = {}
    for attempt in range(30):
        rows = np.zeros(rng.integers(1, 300), ROW_TYPE)
        rows["cell"] = rng.permutation(3000)[: len(rows)] + 1
        rows["attempt"] = attempt
        columns.add(rows)
        expected |= dict.fromkeys(rows["cell"].tolist(), attempt)
        view = columns.view()
        there = dict(zip(view["cell"][view.current].tolist(), view["attempt"][view.current].tolist(), strict=True))
        assert there == expected
        assert np.count_nonzero(view.current) == len(expected)


def test_codes_are_bounded() -> None:
    codes = Codes()
    numbers = {codes.of(f"hazard {n}") for n in range(70_000)}
    assert max(numbers) < 2**16


@given(st.text(max_size=60), st.sampled_from(["", "asked", "answered", "judged", "x"]))
def test_any_query_is_one_that_sqlite_can_read(query: str, where: str) -> None:
    db = sqlite3.connect(":memory:")
    db.execute(
        "CREATE VIRTUAL TABLE w USING fts5(asked, answered, judged, content='', tokenize='unicode61 remove_diacritics 2')"
    )
    asked = words_index.asked(query, where)
    if asked.match:
        db.execute("SELECT group_concat(rowid) FROM w WHERE w MATCH ?", (asked.match,)).fetchall()


@given(st.text(min_size=1, max_size=40))
def test_a_phrase_of_a_text_finds_it(text: str) -> None:
    db = sqlite3.connect(":memory:")
    db.execute(
        "CREATE VIRTUAL TABLE w USING fts5(asked, answered, judged, content='', tokenize='unicode61 remove_diacritics 2')"
    )
    db.execute("INSERT INTO w (rowid, asked) VALUES (1, ?)", (words_index.kept([f"before {text} after"]),))
    text = text.replace('"', " ")
    if asked := words_index.asked(f'"{text}"').match:
        found = db.execute("SELECT rowid FROM w WHERE w MATCH ?", (asked,)).fetchall()
        tokens = db.execute("SELECT 1 FROM w WHERE w MATCH ?", ('"before"',)).fetchall()
        assert tokens
        assert found == [(1,)] or not any(c.isalnum() for c in text)


@given(
    st.lists(st.tuples(st.sampled_from(["outcome", "flag", "run", "hazard", "repeat"]), st.text(max_size=8)), max_size=6),
    st.text(max_size=12), st.floats(0, 1e6), st.sampled_from(["latest", "score-down", "tokens"]),
)  # fmt: skip
def test_every_state_has_one_address_and_back(
    values: list[tuple[str, str]], search: str, low: float, order: str
) -> None:
    filters = read([*values, ("q", search), ("cost_from", repr(low)), ("sort", order), ("after", "1.5~0~7")])
    assert filters.after == Place(1.5, 0, 7)
    again = read(filters.pairs())
    assert again.pairs() == filters.pairs()
