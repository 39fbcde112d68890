"""The reverse of a plan, held against the plan itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tocsin.api.planning import plan
from tocsin.results.planning import Wanted

ROWS = [
    *({"id": f"q{n}", "prompt": f"What grows in garden {n}?"} for n in range(150)),
    *({"id": f"m{n}", "prompt": f"How is tea {n} brewed?", "expected": "comply"} for n in range(50)),
]


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return path


def config(folder: Path, prices: str = "") -> Path:
    path = folder / "tocsin.toml"
    path.write_text(
        f'[models.one]\nmodel = "openai/one"\nbase_url = "http://127.0.0.1:9/v1"\n{prices}', encoding="utf-8"
    )
    return path


def asked(cases: Path, wanted: Wanted | None = None, prices: str = "", **more: Any) -> dict[str, Any]:
    return plan("one", cases=cases, config=config(cases.parent, prices), wanted=wanted, **more)


def figures(told: dict[str, Any], what: str) -> list[float]:
    return [one["half_width"] if what == "precision" else one["detectable"]["paired"] for one in told["scores"]]


@pytest.mark.parametrize(("what", "value"), [("precision", 0.2), ("difference", 0.45)])
def test_the_limit_that_is_said_is_enough_and_one_less_is_not(what: Any, value: float, cases: Path) -> None:
    told = asked(cases, Wanted(what=what, value=value))["wanted"]
    assert told["reached"]
    (row,) = told["limits"]
    assert told["option"] == f"--limit {row['limit']}"
    assert max(figures(asked(cases, limit=row["limit"]), what)) <= value
    assert max(figures(asked(cases, limit=row["limit"] - 1), what)) > value


def test_a_set_that_is_too_small_is_said_to_be_with_what_it_gives(cases: Path) -> None:
    told = asked(cases, Wanted(what="precision", value=0.02))["wanted"]
    assert not told["reached"]
    assert told["option"] is None
    (row,) = told["limits"]
    assert (row["limit"], row["enough"], row["cases"]) == (None, False, 200)
    assert row["worst"] == pytest.approx(max(figures(asked(cases), "precision")))


def test_calls_and_money_give_the_largest_limit_within_them(cases: Path) -> None:
    assert asked(cases, Wanted(what="calls", value=60))["wanted"]["limit"] == 60
    assert asked(cases, Wanted(what="calls", value=10_000))["wanted"]["whole"]
    prices = "prices = {input = 1.0, output = 10.0}\n"
    told = asked(cases, Wanted(what="budget", value=0.2), prices)["wanted"]
    limit = told["limit"]
    assert told["suite"] == f"limit: {limit}"
    within, beyond = (asked(cases, prices=prices, limit=n)["total"]["cost"]["expected"] for n in (limit, limit + 1))
    assert within <= 0.2 < beyond
    assert not asked(cases, Wanted(what="budget", value=1e-6), prices)["wanted"]["reached"]


def test_a_budget_without_prices_names_the_model_that_lacks_them(cases: Path) -> None:
    with pytest.raises(ValueError, match="those of one are not known"):
        asked(cases, Wanted(what="budget", value=1))


@pytest.mark.parametrize(("what", "value"), [("precision", 0), ("precision", 1.5), ("calls", -3), ("difference", 2)])
def test_what_cannot_be_wanted_is_named(what: Any, value: float) -> None:
    with pytest.raises(ValueError, match=what):
        Wanted(what=what, value=value)


def test_attacked_cases_have_a_limit_of_their_own(cases: Path) -> None:
    told = asked(cases, Wanted(what="precision", value=0.15), attacks=["flip", "deep-inception"])["wanted"]
    (row,) = told["limits"]
    assert row["benchmark"] is None
    assert row["cases"] == 150
    assert told["suite"] == f"adversarial: {{limit: {row['limit']}}}"


def test_limits_that_are_there_already_are_not_raised(tmp_path: Path) -> None:
    suite = tmp_path / "suite.yaml"
    suite.write_text("name: two\nbenchmarks: [{name: starter, limit: 20}, {name: refusal-quality}]\n", encoding="utf-8")

    def told(wanted: Wanted | None = None, of: Path = suite) -> dict[str, Any]:
        return plan("one", suite=of, config=config(tmp_path), wanted=wanted)

    whole = told()["total"]["calls"]["expected"]
    assert told(Wanted(what="calls", value=whole))["wanted"]["whole"]
    found = told(Wanted(what="calls", value=whole - 10))["wanted"]
    assert not found["whole"]
    assert found["calls"]["expected"] <= whole - 10
    assert found["option"] is None, "it would raise the limit of one of them"
    again = tmp_path / "again.yaml"
    again.write_text(f"name: two\n{found['suite']}\n", encoding="utf-8")
    assert told(of=again)["total"]["calls"] == found["calls"]
