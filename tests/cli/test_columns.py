"""Columns stand below each other in every script, on terminals that turn text round, too."""

from __future__ import annotations

import json

import pytest
from rich.cells import cell_len

from tocsin.cli import main
from tocsin.cli.columns import columns, steady
from tocsin.cli.table import show_scores
from tocsin.languages import LANGUAGES


def test_wide_signs_and_signs_without_width_leave_the_next_column_in_its_place() -> None:
    names = ["soup", "日本語の鍋", "ไข่เจียว", "한국어", "حساء", "𝒮"]
    lines = columns([(name, "1", "x") for name in names])
    assert {cell_len(line.rpartition("1")[0]) for line in lines} == {cell_len("日本語の鍋") + 2}


def test_right_to_left_text_does_not_draw_the_digits_behind_it_along() -> None:
    for text in ("حساء", "soup of עדשים", "ދިވެހި"):
        assert steady(text) == text + "\u200e"
    for text in ("soup", "日本語", "ไทย", "Müsli", ""):
        assert steady(text) == text


def test_the_last_column_is_as_it_was_given() -> None:
    (line,) = columns([("ar", "العربية")])
    assert line == "ar  العربية"


def told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str) -> str:
    monkeypatch.setattr("sys.argv", ["tocsin", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_languages_are_listed_in_columns_that_fit_a_narrow_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    head, *lines = told(capsys, monkeypatch, "list", "languages").splitlines()
    assert head.split("  ")[0] == "code"
    assert [line.split()[0] for line in lines] == list(LANGUAGES)
    for line, known in zip(lines, LANGUAGES.values(), strict=True):
        assert line.endswith(known.native)
        assert line.index(known.resources, head.index("level")) == head.index("level")
        assert line.index(known.native, head.index("native name")) == head.index("native name")
        assert cell_len(line) <= 79


def test_languages_as_json_say_script_level_and_native_name(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_code = {one["name"]: one for one in json.loads(told(capsys, monkeypatch, "list", "languages", "--json"))}
    thai = by_code["th"]
    assert (thai["title"], thai["script"], thai["resources"], thai["native"]) == ("Thai", "Thai", "medium", "ไทย")
    assert {"name", "title", "source", "needs", "licence"} <= set(thai)


def test_scores_of_a_model_with_a_right_to_left_name_keep_their_columns(capsys: pytest.CaptureFixture[str]) -> None:
    score = {
        "benchmark": "cases", "attack": None, "evaluation": "benchmark", "metric": "safe_rate", "value": 0.5, "low": 0.2,
        "high": 0.8, "worst": 0.5, "best": 0.5, "n": 4, "planned": 4, "truncated": 0, "notes": [], "corrected": None,
        "judge": None,
    }  # fmt: skip
    names = ["kitchen", "台所の質問集", "מטבח"]
    scores = [score | {"benchmark": name} for name in names]
    show_scores({"models": [{"model": "דגם/7", "scores": scores, "unfinished": 0}], "demonstration": False})
    title, _, *lines = capsys.readouterr().out.splitlines()
    assert title.startswith("דגם/7\u200e")
    assert {cell_len(line.partition("safe_rate")[0]) for line in lines} == {cell_len("台所の質問集") + 2}
    assert next(line for line in lines if "מטבח" in line).startswith("מטבח\u200e")
