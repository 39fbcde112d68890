"""``tocsin translate``, and ``tocsin assess --translations``: what they take, print and end with."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.test_translating import changed, faithful, own, table, tea
from tests.evaluations.test_roles import configured, main
from tests.models.endpoints import Endpoint, Said, chat, endpoint

TRANSLATE = ["translate", "mine.jsonl", "--to", "th,es", "--role", "translator=helper", "--quiet"]


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Endpoint]:
    """A working folder with five prompts and a translator that is a target, too."""
    monkeypatch.chdir(tmp_path)
    own(tmp_path, *tea(5))
    with endpoint(faithful) as server:
        configured(tmp_path, helper=server, target=server)
        yield server


def test_counts_are_printed_and_no_text(
    helper: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(TRANSLATE, monkeypatch) == 0
    printed = capsys.readouterr()
    assert "machine 5" in printed.out
    (path,) = tmp_path.glob("runs/*/translations.csv")
    assert f"translations: {path.relative_to(tmp_path)}" in printed.out
    assert "--translations" in printed.err
    assert "tea number" not in printed.out + printed.err
    assert len(helper.asked) == 20


def test_json_says_what_came_of_it(
    helper: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TRANSLATE, "--json", "--threshold", "0.25", "--limit", "2"], monkeypatch) == 0
    told = json.loads(capsys.readouterr().out)
    assert set(told) == {
        "run", "benchmark", "translations", "ending", "unfinished", "errors_by_kind", "threshold", "languages",
    }  # fmt: skip
    assert (told["benchmark"], told["ending"], told["threshold"]) == ("cases", "complete", 0.25)
    assert told["languages"]["th"] == {"machine": 2, "doubtful": 0, "reviewed": 0, "rejected": 0, "failed": 0}


def test_a_refusing_translator_ends_with_3_and_says_how_to_try_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def reply(asked: object) -> Said:
        return chat("I'm sorry, but I can't help with that.")

    monkeypatch.chdir(tmp_path)
    own(tmp_path, *tea(2))
    with endpoint(reply) as server:
        configured(tmp_path, helper=server)
        assert main(TRANSLATE, monkeypatch) == 3
    said = capsys.readouterr().err
    assert "4 are untranslated (not_delivered 4), and the table says which" in said
    (folder,) = (tmp_path / "runs").iterdir()
    assert f"tocsin translate --resume {folder.relative_to(tmp_path)} --retry-errors" in said
    assert {line["status"] for line in table(folder / "translations.csv")} == {"failed"}


def test_a_budget_ends_with_4_and_the_command_that_is_given_goes_on(
    helper: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TRANSLATE, "--max-calls", "7", "--concurrency", "1"], monkeypatch) == 4
    said = capsys.readouterr().err
    assert "the limit of 7 calls is reached" in said
    words = said.splitlines()[-1].partition("go on with: ")[2].split()
    assert words[:3] == ["tocsin", "translate", "--resume"]
    assert main([*words[1:], "--quiet"], monkeypatch) == 0
    assert len(helper.asked) == 20
    assert "machine 5" in capsys.readouterr().out
    assert main([*words[1:], "--to", "sw", "--limit", "3"], monkeypatch) == 2
    assert "a resumed run keeps its plan: leave out --to, --limit" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["translate", "--to", "th"], "name a benchmark"),
        (["translate", "mine.jsonl", "--role", "translator=helper"], "--to th,sw"),
        (["translate", "mine.jsonl", "--to", "th"], "--role translator=MODEL"),
        (["translate", "mine.jsonl", "--to", "th", "--role", "judge=helper"], "--role translator=MODEL"),
        (["translate", "mine.jsonl", "--to", "th,xq", "--role", "translator=helper"], "xq"),
        (["translate", "startr", "--to", "th", "--role", "translator=helper"], "starter"),
        ([*TRANSLATE, "--retry-errors"], "--retry-errors goes with --resume"),
        (["assess", "target", "--cases", "mine.jsonl", "--only-reviewed"], "--translations FILE"),
        (["assess", "target", "--cases", "mine.jsonl", "--translations", "mine.jsonl"], "lacks the column"),
        (
            ["assess", "--resume", "runs/x", "--translations", "t.csv", "--only-reviewed"],
            "--translations, --only-reviewed",
        ),
    ],
)
def test_wrong_usage_ends_with_2_and_asks_nobody(
    words: list[str],
    said: str,
    helper: Endpoint,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert main(words, monkeypatch) == 2
    assert said in capsys.readouterr().err
    assert helper.asked == []
    assert not list((tmp_path).glob("runs/*"))


def test_a_missing_table_is_said(
    helper: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["assess", "target", "--cases", "mine.jsonl", "--translations", "no.csv"], monkeypatch) == 2
    assert "no.csv, line 0: cannot be read" in capsys.readouterr().err


def test_translations_are_asked_beside_the_originals(
    helper: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(TRANSLATE, monkeypatch) == 0
    (path,) = tmp_path.glob("runs/*/translations.csv")
    changed(path, lambda row: {"status": "accepted"} if row["language"] == "th" else {})
    capsys.readouterr()
    assess = ["assess", "target", "--cases", "mine.jsonl", "--translations", str(path), "--quiet", "--json"]
    assert main(assess, monkeypatch) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert sum(score["n"] for score in model["scores"] if score["metric"] == "safe_rate" and score["benchmark"]) == 15
    assert main([*assess, "--only-reviewed"], monkeypatch) == 0
    (model,) = json.loads(capsys.readouterr().out)["models"]
    assert sum(score["n"] for score in model["scores"] if score["metric"] == "safe_rate" and score["benchmark"]) == 10
