"""``tocsin compare`` as it is typed: what it prints and writes, how it ends, and what it asks for where it is not clear."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from perf.wire_server import serve

from tests.journal.real_runs import write_cases
from tocsin.api import Run, assess, rejudge
from tocsin.api.comparing import compare
from tocsin.cli import compare as command
from tocsin.cli.app import build
from tocsin.cli.errors import guarded

COUNT = 60


class Ran(NamedTuple):
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


class Two(NamedTuple):
    """Two runs of the same cases: one of two models, and one of a model that refuses less."""

    several: Run
    alone: Run


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Two:
    folder = tmp_path_factory.mktemp("compared")
    rows = (
        {"id": f"c{n}", "prompt": f"Question {n}: how do bees fly?", "hazard": ("a", "b")[n % 2]} for n in range(COUNT)
    )
    cases = write_cases(folder / "cases.jsonl", rows)
    made = []
    for share, models in ((0.9, ("openai/a", "openai/b")), (0.3, ("openai/c",))):
        with serve(answer="hash", refuse_share=share) as server, pytest.MonkeyPatch.context() as patch:
            patch.setenv("OPENAI_BASE_URL", server.url)
            made.append(assess(*models, cases=cases, out=folder / "runs"))
    return Two(*made)


def tocsin(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str | Path) -> Ran:
    app = build()
    if "compare" not in {one.name for one in app.registered_commands}:
        app.command("compare", help=command.HELP)(command.command)
    capsys.readouterr()
    monkeypatch.setattr(sys, "argv", ["tocsin", "compare", *map(str, words)])
    return Ran(int(guarded(app)), *capsys.readouterr())


def test_it_prints_the_verdict_first_and_ends_with_0_whatever_it_is(
    two: Two, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tocsin(capsys, monkeypatch, two.several.folder, two.alone.folder, "--models", "openai/a,openai/c")
    assert ran.code == 0, ran.err
    lines = ran.out.splitlines()
    assert lines[0].startswith("A  openai/a")
    assert lines[2].startswith("Worse. Of 1 scores B is worse on 1")
    assert "▼ worse" in ran.out
    assert "Worse on B (" in ran.out
    assert "bees" not in ran.out


def test_it_fits_80_columns(two: Two, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.cli.table_compared._WIDE", 80)
    ran = tocsin(capsys, monkeypatch, two.several.folder, two.several.folder, "--models", "openai/a,openai/b")
    assert max(map(len, ran.out.splitlines())) <= 80
    assert "= no difference" in ran.out


def test_json_is_what_the_function_gives(
    two: Two, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (two.several.folder, two.alone.folder, "--models", "openai/b,openai/c", "--json", "--flips", "3")
    ran = tocsin(capsys, monkeypatch, *words, "--min-effect", "0.1")
    found = json.loads(ran.out)
    pair = ("openai/b", "openai/c")
    assert found == compare(two.several.folder, two.alone.folder, models=pair, flips=3, min_effect=0.1)
    assert len(found["flips"]["worse"]["listed"]) == 3
    assert found["rows"][0]["n"] == COUNT


def test_it_writes_markdown_and_a_page_for_their_owner_alone(
    two: Two, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    files = tmp_path / "c.md", tmp_path / "c.html"
    words = ("--markdown", files[0], "--html", files[1], "--page-language", "zh")
    ran = tocsin(capsys, monkeypatch, two.several.folder, two.alone.folder, "--models", "openai/a,openai/c", *words)
    assert ran.code == 0, ran.err
    assert files[0].read_text(encoding="utf-8").startswith("## Worse")
    assert "双方的得分" in files[1].read_text(encoding="utf-8")
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "openai/a, openai/b"),
        (("--models", "openai/a,openai/a"), "both sides are openai/a of one run"),
        (("--model", "openai/z"), "has no model openai/z; it has openai/a, openai/b"),
        (("--models", "openai/a"), "give two names"),
        (("--model", "openai/a", "--models", "openai/a,openai/b"), "give one of them"),
        (("--models", "openai/a,openai/b", "--attack", "direct,flip"), "has no attack flip; it has direct"),
        (("--models", "openai/a,openai/b", "--language", "th"), "has no language th; it has en"),
        (("--models", "openai/a,openai/b", "--benchmark", "bbq"), "both have cases"),
        (("--models", "openai/a,openai/b", "--evaluation", "adversarial"), "both have benchmark"),
        (("--models", "openai/a,openai/b", "--allow", "luck"), "attack and judge are"),
        (("--models", "openai/a,openai/b", "--min-effect", "5"), "min_effect is 5"),
        (("--models", "openai/a,openai/b", "--page-language", "xx", "--html", "x.html"), "pages speak en, zh"),
    ],
)
def test_what_is_not_clear_ends_with_2_and_names_the_choices(
    two: Two,
    words: tuple[str, ...],
    said: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = tocsin(capsys, monkeypatch, two.several.folder, two.several.folder, *words)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_what_is_no_run_ends_with_2(
    two: Two, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = tocsin(capsys, monkeypatch, tmp_path, two.alone.folder)
    assert ran.code == 2
    assert "is not a run folder" in ran.err


def test_a_rejudged_run_agrees_with_its_own_comparison(
    two: Two, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(text="Safety: Unsafe\nCategories: Violent\nRefusal: No") as judge:
        monkeypatch.setenv("OPENAI_BASE_URL", judge.url)
        made = rejudge(two.alone.folder, judge="guard", roles={"judge": "openai/guard"}, out=tmp_path)
    ran = tocsin(capsys, monkeypatch, two.alone.folder, made.folder, "--json")
    assert ran.code == 0, ran.err
    found, known = json.loads(ran.out), made.comparison
    assert known is not None
    assert found["of"] == ["judge"]
    (agreed,) = found["agreement"]
    for name in ("value", "low", "high", "n", "worst", "best", "read"):
        assert agreed["agreement"][name] == known["agreement"][name], name
    assert found["flips"]["worse"]["total"] == known["flips"]["to_unsafe"] > 0
    (score,) = known["scores"]
    assert found["rows"][0]["difference"]["value"] == pytest.approx(score["difference"]["value"])
    assert found["rows"][0]["difference"]["low"] == pytest.approx(score["difference"]["low"])


def test_a_rejudged_run_of_another_model_is_not_comparable(
    two: Two, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(text="Safety: Safe\nCategories: None\nRefusal: Yes") as judge:
        monkeypatch.setenv("OPENAI_BASE_URL", judge.url)
        made = rejudge(two.alone.folder, judge="guard", roles={"judge": "openai/guard"}, out=tmp_path)
    words = (two.several.folder, made.folder, "--models", "openai/a,openai/c")
    ran = tocsin(capsys, monkeypatch, *words)
    assert ran.code == 0
    assert "Not comparable." in ran.out
    assert "two judges: refusal@" in ran.out
    assert "--allow judge" in ran.out
    assert "Not comparable." not in tocsin(capsys, monkeypatch, *words, "--allow", "judge").out
