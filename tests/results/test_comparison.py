"""Two sides compared: rates over the same cases, what may be said of them, and what may not."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace
from perf.comparison import coverage, drawn, false_verdicts, power

from tests.evaluations import runs
from tests.results.two_runs import attacked, cases, manifest, side
from tocsin.results.comparison import comparison
from tocsin.results.matched import Side
from tocsin.stats import sign_flip
from tocsin.stats.compared import compared, could_see, flip_test, flip_test_drawn, graded
from tocsin.stats.drops import mcnemar
from tocsin.types import CRITERIA, Case, SafeAnswer


def rows(told: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["metric"]: row for row in told["rows"]}


def two(tmp_path: Path, one: str, other: str, **told: Any) -> tuple[Side, Side]:
    models = {name: manifest(run=name, model=f"some/{name}") for name in "ab"}
    return side(tmp_path / "a", one, told=models["a"], **told), side(tmp_path / "b", other, told=models["b"], **told)


def test_both_rates_are_over_the_cases_that_have_a_verdict_on_both_sides(tmp_path: Path) -> None:
    told = comparison(*two(tmp_path, "S" * 20 + "UUUUU" + "NESS", "S" * 15 + "U" * 5 + "UUSSS" + "SSEN"))
    (row,) = told["rows"]
    assert (row["n"], row["matched"]) == (25, 29)
    assert (row["one"]["value"], row["other"]["value"]) == (20 / 25, 18 / 25)
    assert row["difference"]["value"] == pytest.approx(-2 / 25)
    assert row["outcomes"] == [[15, 5, 1, 1], [3, 2, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
    assert (row["got_worse"], row["got_better"]) == (5, 3)
    assert row["unmeasured"] == {"one": {"unscored": 1, "error": 1}, "other": {"unscored": 1, "error": 1}}
    assert row["p"] == pytest.approx(mcnemar(5, 3))


def test_the_bounds_are_the_difference_if_all_that_is_missing_were_bad_or_good(tmp_path: Path) -> None:
    (row,) = comparison(*two(tmp_path, "SSSSN", "SSSEU"))["rows"]
    # B less A at worst: 3 of 5 safe there and 5 of 5 here; at best 4 of 5 against 4 of 5.
    assert (row["difference"]["worst"], row["difference"]["best"]) == (pytest.approx(-2 / 5), 0.0)


def test_a_large_loss_is_worse_and_its_mirror_better(tmp_path: Path) -> None:
    safe, mixed = "S" * 60, "S" * 40 + "U" * 20
    one, other = two(tmp_path, safe, mixed)
    told = comparison(one, other)
    assert told["verdict"]["word"] == told["rows"][0]["verdict"] == "worse"
    assert comparison(other, one)["verdict"]["word"] == "better"
    assert told["flips"]["worse"]["total"] == 20
    assert len(told["flips"]["worse"]["listed"]) == 20
    assert told["flips"]["better"] == {"total": 0, "listed": []}


def test_more_refusals_of_harmless_requests_are_worse(tmp_path: Path) -> None:
    told = [replace(runs.case(n, "comply"), hazard="x") for n in range(60)]
    row = comparison(*two(tmp_path, "S" * 60, "S" * 40 + "U" * 20, plan=told))["rows"][0]
    assert (row["metric"], row["better"], row["verdict"]) == ("over_refusal_rate", "lower", "worse")
    assert row["difference"]["value"] == pytest.approx(1 / 3)


def test_no_difference_shown_says_what_could_have_been_seen(tmp_path: Path) -> None:
    (row,) = comparison(*two(tmp_path, "S" * 95 + "U" * 5, "S" * 93 + "U" * 7), min_effect=0.1)["rows"]
    assert row["verdict"] == "no difference shown"
    seen = row["seen"]
    assert 0.05 < seen["detectable"] < 0.15
    assert seen["power"] > 0.5
    assert could_see(compared(np.array([[[90, 5], [3, 2]]])), 0.1).alpha == 0.05


def test_two_judges_of_two_models_are_not_compared_unless_it_is_allowed_and_then_it_is_said(tmp_path: Path) -> None:
    told = [manifest(run=name, model=f"some/{name}") for name in "ab"]
    told[1]["judges"]["refusal"]["identity"] = "refusal@0000000f"
    one = side(tmp_path / "a", "S" * 60, told=told[0])
    other = side(tmp_path / "b", "U" * 60, told=told[1], judge="refusal@0000000f")
    (row,) = (refused := comparison(one, other))["rows"]
    assert (row["verdict"], row["p"]) == ("not comparable", None)
    assert "refusal@0000000f" in row["why"]
    assert [d["standing"] for d in refused["differences"] if d["what"] == "judge"] == ["breaks"]
    allowed = comparison(one, other, allow=["judge"])
    assert allowed["rows"][0]["verdict"] == "worse"
    assert "another judge" in allowed["rows"][0]["notes"][0]
    assert [d["standing"] for d in allowed["differences"] if d["what"] == "judge"] == ["allowed"]


def test_two_judges_of_the_same_answers_are_what_is_compared_with_their_agreement(tmp_path: Path) -> None:
    told = [manifest(run=name) for name in "ab"]
    told[1]["judges"]["refusal"]["identity"] = "refusal@0000000f"
    told[1]["rejudged"] = {"run": "a", "answers": {"run": "a"}}
    one = side(tmp_path / "a", "S" * 40 + "U" * 20, told=told[0])
    other = side(tmp_path / "b", "S" * 36 + "U" * 24, told=told[1], judge="refusal@0000000f")
    found = comparison(one, other)
    assert found["of"] == ["judge"]
    assert found["rows"][0]["p"] is not None
    (agreed,) = found["agreement"]
    assert agreed["agreement"]["value"] == pytest.approx(56 / 60)
    assert agreed["kappa"]["value"] == pytest.approx(0.857, abs=0.001)
    assert [d["standing"] for d in found["differences"] if d["what"] == "judge"] == ["meant"]


def test_an_attack_that_is_not_the_same_is_not_compared(tmp_path: Path) -> None:
    plan = attacked(cases(4), ("direct", "flip"))
    told = [manifest(run=n, model=n, attacks={"flip": {"identity": f"flip@{n}", "kind": "transform"}}) for n in "ab"]
    one, other = (side(tmp_path / m["run"], "SU" * 4, plan=plan, told=m) for m in told)
    found = rows(comparison(one, other))
    assert "flip" in found["safe_response_rate"]["why"]
    assert found["safe_worst"]["verdict"] == "not comparable"
    assert rows(comparison(one, other, allow=["attack"]))["safe_worst"]["p"] == 1


def test_attacks_have_a_rate_of_answers_and_one_of_cases_and_parts_by_attack(tmp_path: Path) -> None:
    plan = attacked(cases(30), ("direct", "flip"))
    one, other = two(tmp_path, "SS" * 30, "SU" * 20 + "SS" * 10, plan=plan)
    found = rows(comparison(one, other))
    assert found["safe_response_rate"]["n"] == 60
    assert (found["safe_worst"]["n"], found["safe_worst"]["other"]["value"]) == (30, pytest.approx(1 / 3))
    parts = {p["key"]: p for b in found["safe_response_rate"]["breakdowns"] if b["by"] == "attack" for p in b["parts"]}
    assert (parts["flip"]["verdict"], parts["direct"]["verdict"]) == ("worse", "no difference shown")


def test_a_run_that_searched_is_compared_by_case_alone(tmp_path: Path) -> None:
    plan = attacked(cases(20), ("direct", "flip"))
    told = [manifest(run=n, model=n, adversarial={"mode": "worst-case", "attacks": ["direct", "flip"]}) for n in "ab"]
    one = side(tmp_path / "a", "SS" * 20, plan=plan, told=told[0])
    other = side(tmp_path / "b", "U." * 10 + "SS" * 10, plan=plan, told=told[1])
    found = rows(comparison(one, other))
    assert list(found) == ["safe_worst"]
    assert (found["safe_worst"]["n"], found["safe_worst"]["got_worse"]) == (20, 10)


def test_cells_that_one_side_lacks_make_neither_look_worse_under_all_attacks(tmp_path: Path) -> None:
    attacks = tuple(f"a{n}" for n in range(10))
    plan = attacked(cases(120), attacks)
    dice = random.Random(7)
    one, whole = ("".join("U" if dice.random() < 0.05 else "S" for _ in range(1200)) for _ in "ab")
    lacking = "".join("E" if dice.random() < 0.1 else told for told in whole)
    row = rows(comparison(*two(tmp_path, one, lacking, plan=plan)))["safe_worst"]
    assert row["n"] == 120
    assert row["verdict"] == "no difference shown"
    assert "each case over the attacks that were judged on both sides" in row["notes"]
    assert row["difference"]["worst"] < row["difference"]["value"] < row["difference"]["best"]


def test_a_search_with_cases_that_have_no_outcome_is_not_compared(tmp_path: Path) -> None:
    plan = attacked(cases(20), ("direct", "flip"))
    told = [manifest(run=n, model=n, adversarial={"mode": "worst-case", "attacks": ["direct", "flip"]}) for n in "ab"]
    one = side(tmp_path / "a", "SS" * 20, plan=plan, told=told[0])
    other = side(tmp_path / "b", "U." * 10 + "SE" * 10, plan=plan, told=told[1])
    found = comparison(one, other)
    assert rows(found)["safe_worst"]["verdict"] == "not comparable"
    assert found["verdict"]["word"] == "not comparable"


def test_one_attack_on_both_sides_has_to_be_the_same_attack(tmp_path: Path) -> None:
    plan = attacked(cases(4), ("direct", "flip"))
    told = [manifest(run=n, model=n, attacks={"flip": {"identity": f"flip@{n}", "kind": "transform"}}) for n in "ab"]
    one, other = (replace(side(tmp_path / m["run"], "SU" * 4, plan=plan, told=m), attack="flip") for m in told)
    assert "flip" in rows(comparison(one, other))["safe_response_rate"]["why"]


def test_a_run_that_may_have_stopped_early_has_neither_interval_nor_test(tmp_path: Path) -> None:
    told = [manifest(run=n, model=n) for n in "ab"]
    told[0]["suite"]["stopping"] = {"precision": 0.05}
    one, other = (side(tmp_path / m["run"], o, told=m) for m, o in zip(told, ("SSSS", "UUUU"), strict=True))
    (row,) = comparison(one, other)["rows"]
    assert (row["verdict"], row["p"], row["difference"]["low"]) == ("not comparable", None, None)
    assert row["difference"]["value"] == -1
    assert "stopped early" in row["why"]


def test_what_is_not_comparable_has_no_test_in_its_parts_and_lists_no_flip(tmp_path: Path) -> None:
    told = [manifest(run=n, model=n) for n in "ab"]
    told[1]["judges"]["refusal"]["identity"] = "refusal@0000000f"
    plan = [replace(runs.case(n), hazard="ab"[n % 2]) for n in range(40)]
    one = side(tmp_path / "a", "S" * 40, told=told[0], plan=plan)
    other = side(tmp_path / "b", "U" * 40, told=told[1], plan=plan, judge="refusal@0000000f")
    found = comparison(one, other)
    (by_hazard,) = found["rows"][0]["breakdowns"]
    assert {(part["p"], part["difference"]["low"], part["verdict"]) for part in by_hazard["parts"]} == {
        (None, None, "not comparable")
    }
    assert found["flips"]["worse"] == {"total": 0, "listed": []}
    assert comparison(one, other, allow=["judge"])["flips"]["worse"]["total"] == 40


def test_the_mean_is_over_benchmarks_that_both_have_and_no_demonstration(tmp_path: Path) -> None:
    plan = [
        *runs.planned(cases(30), benchmark="one"),
        *runs.planned(cases(30), benchmark="two", start=30),
        *runs.planned(cases(30), benchmark="demo", start=60),
    ]
    told = [manifest("one", "two", "demo", run=n, model=n) for n in "ab"]
    for about in told:
        about["benchmarks"]["demo"]["demonstration"] = True
    one = side(tmp_path / "a", "S" * 90, plan=plan, told=told[0])
    other = side(tmp_path / "b", "S" * 15 + "U" * 15 + "S" * 30 + "U" * 30, plan=plan, told=told[1])
    found = comparison(one, other)
    mean = rows(found)["macro_mean"]
    assert mean["over"] == ["one", "two"]
    assert mean["difference"]["value"] == pytest.approx(-0.25)
    assert found["tests"] == 4
    assert mean["p_holm"] >= mean["p"]


def test_a_set_of_items_whose_open_ones_nobody_judged_has_no_rate(tmp_path: Path) -> None:
    asked = [Case(id=f"o{n}", prompt=f"Open {n}?", safe_answer=CRITERIA, criteria="Says so.") for n in range(3)]
    asked += [Case(id=f"m{n}", prompt=f"Which {n}?", safe_answer=SafeAnswer("option", "B")) for n in range(4)]
    plan = runs.planned(asked, serves="compliance")
    told = [manifest(run=n, model=n, framework="mas-feat", evaluation="compliance") for n in "ab"]
    for about in told:
        about["benchmarks"]["invented"] |= {"framework": "mas-feat"}
    one, other = (side(tmp_path / m["run"], "NNNSSSS", plan=plan, told=m) for m in told)
    (row,) = comparison(one, other)["rows"]
    assert (row["framework"], row["one"]["value"], row["verdict"]) == ("mas-feat", None, "not comparable")
    assert {part["key"] for b in row["breakdowns"] if b["by"] == "format" for part in b["parts"]} == {
        "open_basic", "multiple_choice",
    }  # fmt: skip


def test_grades_of_harm_are_compared_as_means(tmp_path: Path) -> None:
    one, other = two(tmp_path, "U" * 40, "U" * 40)
    graded_one = side(tmp_path / "c", "U" * 40, told=one.manifest, score=lambda c: 0.2)  # type: ignore[arg-type]
    graded_other = side(
        tmp_path / "d", "U" * 40, told=other.manifest, score=lambda c: 0.2 + 0.01 * (c.cell.position % 9)
    )  # type: ignore[arg-type]
    found = rows(comparison(graded_one, graded_other))
    assert found["harm_score"]["difference"]["value"] == pytest.approx(0.0385)
    assert found["harm_score"]["verdict"] == "worse"
    assert "harm_score" not in rows(comparison(one, other))


def test_two_runs_without_a_case_in_common_cannot_be_compared(tmp_path: Path) -> None:
    one = side(tmp_path / "a", "SS", plan=runs.planned(cases(2), benchmark="x"), told=manifest("x"))
    other = side(tmp_path / "b", "SS", plan=runs.planned(cases(2), benchmark="y"), told=manifest("y"))
    with pytest.raises(ValueError, match="no case in common"):
        comparison(one, other)


def test_what_is_named_and_not_there_is_told_with_what_is(tmp_path: Path) -> None:
    one, other = two(tmp_path, "SS", "SS")
    with pytest.raises(ValueError, match="both have invented"):
        comparison(one, other, benchmarks=["elsewhere"])
    with pytest.raises(ValueError, match="both have benchmark"):
        comparison(one, other, evaluations=["adversarial"])
    with pytest.raises(ValueError, match="judge"):
        comparison(one, other, allow=["weather"])
    with pytest.raises(ValueError, match="min_effect"):
        comparison(one, other, min_effect=0)


def test_everything_else_that_differs_is_a_warning(tmp_path: Path) -> None:
    told = [manifest(run=n, model=n) for n in "ab"]
    told[1]["suite"]["sampling"] = {"temperature": 1}
    told[1]["suite"]["version"] = 2
    told[1]["versions"]["tocsin"] = "0.2.0"
    one, other = (side(tmp_path / m["run"], "SS", told=m) for m in told)
    standings = {d["what"]: d["standing"] for d in comparison(one, other)["differences"]}
    assert standings == {"model": "meant", "sampling": "warning", "suite": "warning", "tocsin": "warning"}


def test_the_exact_test_by_signs_agrees_with_mcnemar_with_drawing_and_with_itself() -> None:
    rng = random.Random(5)
    ones = [1] * 14 + [-1] * 5 + [0] * 30
    assert flip_test(np.array(ones)) == pytest.approx(mcnemar(14, 5))
    several = np.array([rng.choice([-3, -1, 0, 1, 2, 2]) for _ in range(60)])
    assert flip_test(several) == pytest.approx(sign_flip(several, draws=200_000), abs=0.004)
    assert flip_test_drawn(several) == pytest.approx(flip_test(several), abs=0.006)
    many = np.repeat(np.array([1, -1, 2, -2]), [60_000, 59_500, 4_000, 3_990])
    spread = float(many.std() * np.sqrt(len(many)))
    assert flip_test(many) == pytest.approx(flip_test_drawn(many * 1.0, draws=100_000), abs=0.006), spread
    assert flip_test(np.zeros(5, dtype=np.int64)) == 1


def test_one_cluster_of_grades_says_nothing_of_how_far_off_it_may_be() -> None:
    told = graded(np.array([1.0]), np.array([2.0]), np.array([4])).difference
    assert (told.value, told.low, told.high, told.few_clusters) == (0.25, -1.0, 1.0, True)


def test_limits_hold_and_nothing_is_called_better_that_is_not() -> None:
    held = dict(coverage(40))
    assert np.mean(list(held.values())) >= 0.93
    assert false_verdicts(150, rows=4) <= 0.08


def test_the_power_that_is_told_is_the_one_that_is_met() -> None:
    for name, said, seen in power(150):
        assert said == pytest.approx(seen, abs=0.15), name


def test_drawn_sides_have_the_rates_that_were_wanted() -> None:
    tables = drawn(np.random.default_rng(0), 3000, 4, (0.8, 0.7), 0.4, 0.5)
    told = compared(tables)
    assert (told.one.value, told.other.value) == (pytest.approx(0.8, abs=0.01), pytest.approx(0.7, abs=0.01))
    assert told.design_effect >= 1
