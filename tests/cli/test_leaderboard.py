"""``tocsin leaderboard`` as it is typed: the table, the JSON, the files, and how it ends."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.results.made_runs import made
from tocsin.cli.app import build
from tocsin.cli.errors import guarded


class Ran(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


@pytest.fixture
def tocsin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def run(line: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["tocsin", *shlex.split(line)])
        code = guarded(build())
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    made(root / "20261201-a", "lab/good", {"set": ["safe"] * 95 + ["unsafe"] * 5})
    made(root / "20261201-b", "lab/poor", {"set": ["safe"] * 30 + ["unsafe"] * 65 + ["error"] * 5})
    made(root / "20261201-c", "lab/\x1b[31mred", {"set": ["safe"] * 50 + ["error"] * 50})
    made(root / "20261201-d", "lab/judged", {"set": ["safe"] * 95 + ["unsafe"] * 5}, judge="other@2")
    return root


def test_the_table_fits_eighty_columns_and_draws_intervals(tocsin: Any, runs: Path) -> None:
    ran = tocsin(f"leaderboard {runs} --with-published")
    assert ran.code == 0
    lines = ran.out.splitlines()
    assert max(map(len, lines)) <= 90, "marks of notes alone go beyond 80"
    assert [line for line in lines if len(line) > 80 and "[" not in line] == []
    (good,) = [line for line in lines if line.startswith("1     lab/good")][:1]
    assert "━" in good
    assert "95.00" in good
    (paper,) = [line for line in lines if line.startswith("1–2   gpt-5.2")][:1]
    assert "o" in paper[38:62]
    assert "●" not in paper
    assert "not ranked: 50.0% of its planned attempts have no verdict; 10% may lack" in ran.out
    assert "none does after Holm" in ran.out.replace("\n  ", " ")
    assert "\x1b" not in ran.out


def test_json_has_the_shape_of_the_contract(tocsin: Any, runs: Path) -> None:
    ran = tocsin(f"leaderboard {runs / '20261201-a'} {runs / '20261201-b'} --with-published --json")
    found = json.loads(ran.out)
    assert ran.code == 0
    for board in found["boards"]:
        assert {"modality", "evaluation", "rows"} <= set(board)
        for row in board["rows"]:
            assert {"model", "value", "low", "high", "rank_low", "rank_high", "origin"} <= set(row)
    own = found["boards"][0]
    assert [(row["model"], row["rank_low"], row["rank_high"], row["origin"]) for row in own["rows"]] == [
        ("lab/good", 1, 1, "measured"),
        ("lab/poor", 2, 2, "measured"),
    ]
    assert own["rows"][1]["error"] == 0.05


def test_published_rows_alone_need_no_run(tocsin: Any) -> None:
    found = json.loads(tocsin("leaderboard --with-published --json").out)
    assert {row["origin"] for board in found["boards"] for row in board["rows"]} == {"published"}
    assert found["published"]["significance"][0]["metric"] == "safe_worst"


def test_files_are_written_in_the_language_that_is_asked_for(tocsin: Any, runs: Path, tmp_path: Path) -> None:
    page, text, picture = (tmp_path / name for name in ("p.html", "p.md", "p.svg"))
    ran = tocsin(f"leaderboard {runs} --html {page} --markdown {text} --svg {picture} --language zh")
    assert ran.code == 0
    assert "安全排行榜" in page.read_text(encoding="utf-8")
    assert text.read_text(encoding="utf-8").startswith("# 安全排行榜")
    assert picture.read_text(encoding="utf-8").startswith("<svg")


def test_conditions_are_looked_over_with_a_warning(tocsin: Any, runs: Path) -> None:
    ran = tocsin(f"leaderboard {runs} --across judge,suite")
    assert ran.code == 0
    assert "WARNING: Ranked across who judges" in ran.out
    assert "WARNING: Not the same for all rows: who judges" in ran.out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("leaderboard", "needs runs"),
        ("leaderboard /nowhere/at/all", "/nowhere/at/all"),
        ("leaderboard {runs} --across colour", "colour is no condition to look over"),
        ("leaderboard {runs} --language tlh", "'tlh' is none of them"),
    ],
)
def test_wrong_input_ends_with_two_and_says_what_is_wrong(tocsin: Any, runs: Path, line: str, said: str) -> None:
    ran = tocsin(line.format(runs=runs))
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


@pytest.mark.parametrize("command", ["leaderboard", "profile"])
def test_a_name_that_no_encoding_can_write_is_escaped_in_json(tocsin: Any, tmp_path: Path, command: str) -> None:
    run = made(tmp_path / "a", "lab/\ud800", {"set": ["safe"] * 9 + ["unsafe"]})
    ran = tocsin(f"{command} {run} --json")
    assert ran.code == 0, ran.err
    assert "lab/\\ud800" in ran.out
