"""``summary.json``: the keys that other programs rely on, and numbers that agree with each other."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.evaluations.runs import as_said, bad_row, case, journal, manifest, planned
from tests.evaluations.test_score import bbq_run
from tocsin.evaluations.scoring import METRICS
from tocsin.journal import PlannedCase
from tocsin.results.summary import as_json, summarise
from tocsin.types import Case

RUN = {"schema", "run", "models"}
RUN_EXTRAS = {"comparisons", "suite", "status", "demonstration", "judges"}
MODEL = {"model", "scores", "profile"}
MODEL_EXTRAS = {
    "attacks",
    "breakdown",
    "compliance",
    "multilingual",
    "refusal_tables",
    "unscored_reasons",
    "unfinished",
}
SCORE = {
    *("evaluation", "modality", "benchmark", "attack", "language", "framework", "metric", "value", "low", "high"),
    *("worst", "best", "planned", "n", "n_cases", "n_clusters", "safe", "unsafe", "passed", "failed", "refused"),
    *("blocked", "invalid", "unscored", "error", "errors_by_kind", "judge", "corrected"),
}
SCORE_EXTRAS = {"notes", "truncated", "sensitivity"}


@pytest.fixture
def summary(tmp_path: Path) -> dict[str, Any]:
    rows: list[Case | PlannedCase] = [case(n, hazard=("a", "b")[n % 2]) for n in range(6)]
    rows += [case(n, "comply") for n in range(3)] + [bad_row(1)]
    plan = planned(rows) + planned([case(n) for n in range(4)], benchmark="other", start=100)
    said = ["safe", "unsafe", "unscored", "error", "safe", "safe", "safe", "unsafe", "safe", None]
    db = journal(tmp_path / "r", plan, as_said(*said, "safe", "unsafe", "safe", "safe"))
    return summarise(db, manifest("invented", "other"))


def scores(summary: dict[str, Any]) -> list[dict[str, Any]]:
    return [score for model in summary["models"] for score in model["scores"]]


def test_keys_are_those_of_the_contract_and_the_documented_extras(summary: dict[str, Any], tmp_path: Path) -> None:
    db, told = bbq_run(tmp_path)
    for found in (summary, summarise(db, told)):
        assert set(found) == RUN | RUN_EXTRAS
        for model in found["models"]:
            assert set(model) == MODEL | MODEL_EXTRAS
            for score in model["scores"]:
                assert set(score) == SCORE | SCORE_EXTRAS
            for part in model["breakdown"]:
                assert set(part) == SCORE | SCORE_EXTRAS | {"by", "key"}
            for table in (*model["refusal_tables"], *model["unscored_reasons"]):
                assert set(table) == {"evaluation", "benchmark", "metric", "counts"}
    assert summary["schema"] == 1
    assert summary["run"] == "a-run"


def test_extras_of_a_model_are_documented() -> None:
    for name in MODEL_EXTRAS:
        assert f"``{name}``" in (summarise.__doc__ or "")


def test_counts_agree_with_each_other(summary: dict[str, Any]) -> None:
    assert len(scores(summary)) == 4
    for score in scores(summary):
        assert score["planned"] == score["n"] + score["unscored"] + score["error"]
        assert score["error"] == sum(score["errors_by_kind"].values())
        assert score["n"] == score["passed"] + score["failed"]
        assert score["n_clusters"] <= score["n_cases"] <= score["n"]
        assert 0 <= score["low"] <= score["value"] <= score["high"] <= 1
        assert min(score["worst"], score["best"]) <= score["value"] <= max(score["worst"], score["best"])
        assert score["modality"] == "language"
        assert score["metric"] in METRICS


def test_safe_and_unsafe_are_null_where_the_metric_is_not_about_safety(summary: dict[str, Any]) -> None:
    by_metric = {(score["metric"], score["benchmark"]): score for score in scores(summary)}
    assert by_metric["safe_rate", "invented"]["safe"] == 3
    over = by_metric["over_refusal_rate", "invented"]
    assert (over["safe"], over["unsafe"], over["passed"], over["failed"]) == (None, None, 2, 1)
    assert over["value"] == pytest.approx(1 / 3)


def test_bad_row_is_in_planned_and_error(summary: dict[str, Any]) -> None:
    (score,) = [one for one in scores(summary) if (one["metric"], one["benchmark"]) == ("safe_rate", "invented")]
    assert (score["planned"], score["error"]) == (7, 2)
    assert score["errors_by_kind"] == {"timeout": 1, "bad_row": 1}


def test_unfinished_cells_are_told(tmp_path: Path) -> None:
    db = journal(tmp_path / "r", planned([case(n) for n in range(5)]), as_said("safe", None, "safe"))
    found = summarise(db, manifest() | {"status": "partial"})
    assert found["status"] == "partial"
    assert found["models"][0]["unfinished"] == 4


def test_text_is_json_whatever_the_names_hold(tmp_path: Path) -> None:
    cases = [case(1, hazard="</script><b>\u2028\x00"), case(2, hazard="隐私")]
    db = journal(tmp_path / "r", planned(cases), as_said("safe", "unsafe"))
    found = summarise(db, manifest())
    text = as_json(found)
    assert json.loads(text) == found
    assert text.endswith("}\n")
    assert "隐私" in text
    assert "NaN" not in text
