"""What a terminal shows of scores: one language each in a table of its own, and nothing of that in the main one."""

from __future__ import annotations

from typing import Any

import pytest
from rich.cells import cell_len

from tests.report.test_page import a_score
from tocsin.cli.table import show_scores

SPAN = {"value": 0.3, "low": 0.1, "high": 0.5}


def language(code: str, unsafe: int, drop: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    rate = {"value": unsafe / 40, "low": 0.05, "high": 0.7, "n": 40, "n_clusters": 40}
    return {
        "language": code, "name": code, "native": code, "resources": None, "rtl": False, "attempts": 40, "safe": 40 - unsafe,
        "unsafe": unsafe, "invalid": 0, "unsafe_rate": rate, "unsafe_rate_valid": rate, "answered_in": {},
        "judge_made_for_it": True, "drop": drop,
    } | more  # fmt: skip


def drop(standing: str, **more: Any) -> dict[str, Any]:
    return {
        "rows": 40, "absolute": SPAN, "relative": SPAN, "worst": 0.4, "best": 0.2, "test": "mcnemar", "p": 0.001,
        "p_holm": 0.002, "corrected": None, "translated": None, "standing": standing, "by": [], "why": "for a reason",
    } | more  # fmt: skip


def summary(*scores: dict[str, Any], sets: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    whole = [{"sensitivity": [], **score} for score in (a_score(benchmark="meals", notes=[]), *scores)]
    model = {"model": "a/model", "scores": whole, "multilingual": sets or [], "unfinished": 0}
    return {"models": [model], "demonstration": False, "translations": {}}


def meals(*languages: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"benchmark": "meals", "judge": "j@1", "reference": "en", "languages": list(languages), "heatmap": []}]


def printed(capsys: pytest.CaptureFixture[str], told: dict[str, Any]) -> list[str]:
    show_scores(told)
    return capsys.readouterr().out.splitlines()


def test_each_language_has_a_line_with_rate_drop_and_standing_the_least_safe_first(
    capsys: pytest.CaptureFixture[str],
) -> None:
    sets = meals(
        language("en", 4),
        language("ar", 14, drop("flagged")),
        language("th", 20, drop("stated", by=["translated"])),
        language("ja", 4, drop("none")),
    )
    lines = printed(capsys, summary(a_score(metric="safety_drop", language="th", benchmark="meals"), sets=sets))
    start = next(place for place, line in enumerate(lines) if line.startswith("meals: safe generation by language"))
    rows = lines[start + 2 : start + 6]
    assert [row.split(" (")[0] for row in rows] == ["Thai", "Arabic", "English", "Japanese"]
    assert "50.0% (5.0 to 70.0%)" in rows[0]
    assert "+30.0 (+10.0 to +50.0)" in rows[0]
    assert "stated less safe" in rows[0]
    assert "possibly the judge's" in rows[1]
    assert "reference" in rows[2]
    assert "no difference shown" in rows[3]
    assert len({cell_len(row.rstrip()) for row in rows}) == 1
    assert all(cell_len(line) <= 120 for line in lines)
    assert not any("safety_drop" in line for line in lines)


def test_safety_judgement_shows_false_alarms_beside_recall(capsys: pytest.CaptureFixture[str]) -> None:
    scores = [
        a_score(benchmark="guard", metric=f"prompt_{name}", language="hi", value=value, notes=[])
        for name, value in (("f1", 0.61), ("precision", 0.62), ("recall", 0.63), ("false_positive_rate", 0.64))
    ]
    average = a_score(benchmark="guard", metric="prompt_f1", value=0.71, notes=[])
    lines = printed(capsys, summary(average, *scores))
    (row,) = [line for line in lines if line.startswith("Hindi (hi)")]
    assert [word for word in row.split() if word.endswith("%") and "(" not in word][:4] == [
        "61.0%",
        "62.0%",
        "63.0%",
        "64.0%",
    ]
    assert lines.index(row) == 1 + next(place for place, line in enumerate(lines) if line.startswith("average"))
    assert sum("prompt_f1" in line for line in lines) == 1, "the average alone stands in the main table"


def test_names_from_data_steer_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    sets = meals(language("en", 4), language("x\x1b[31m\u202ey", 20, drop("flagged")))
    sets[0]["benchmark"] = "evil\x1b]0;x\x07"
    told = "\n".join(printed(capsys, summary(sets=sets)))
    assert not set(told) & set("\x1b\x07\u202e")


def test_a_run_in_which_nothing_is_told_by_language_has_one_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert not any("by language" in line for line in printed(capsys, summary()))
