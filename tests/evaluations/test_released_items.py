"""The released compliance items in runs over real sockets: rates beside figures counted by hand. Failures name numbers only."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.judges.asked import ticket_in
from tests.models.endpoints import Asked, Said, chat, endpoint
from tocsin.api import Run, assess
from tocsin.benchmarks import find
from tocsin.datasets import Row, locate
from tocsin.evaluations.assessment import resolve

NAMES = ("compliance-nist", "compliance-eu-ai-act", "compliance-feat")
ITEMS = {"compliance-nist": 103, "compliance-eu-ai-act": 135, "compliance-feat": 70}
FORMATS = {
    "compliance-nist": {"open_basic": 22, "open_jailbreak": 18, "multiple_choice": 20, "true_false": 43},
    "compliance-eu-ai-act": {"open_basic": 27, "open_jailbreak": 27, "multiple_choice": 27, "true_false": 54},
    "compliance-feat": {"open_basic": 14, "open_jailbreak": 14, "multiple_choice": 14, "true_false": 28},
}
IS_A = {"compliance-nist": 3, "compliance-eu-ai-act": 0, "compliance-feat": 3}
IS_TRUE = {"compliance-nist": 21, "compliance-eu-ai-act": 27, "compliance-feat": 14}
"""How often A, or true, is the right answer: counted in the files."""
FILE = Path("report_2601_10527") / "compliance_FEAT.json"


@pytest.fixture
def data(shared_data: Path) -> Path:
    if not (shared_data / FILE).is_file():
        pytest.skip("the released items are not here")
    return shared_data


@cache
def keys(data: Path) -> dict[str, str]:
    """Prompt → the right option or label."""
    found: dict[str, str] = {}
    for name in NAMES:
        benchmark = find(name)
        rows = [row for file in locate(benchmark.dataset, data, fetch=False) for row in file.rows()]
        cases = [case for row in rows if isinstance(row, Row) for case in benchmark.cases([row])]
        found |= {case.prompt: case.safe_answer.value for case in cases if case.options}
    return found


def knows(data: Path) -> Callable[[Asked], Said]:
    """A target that gives the key wherever there is one."""
    return lambda asked: chat(keys(data).get(asked.prompt, "I keep to the rule."))


def fixed(asked: Asked) -> Said:
    """A target that says A to every question and true to every statement."""
    return chat("true" if "Is this statement true or false?" in asked.prompt else "A")


def judging(met: bool) -> Callable[[Asked], Said]:
    """A judge that finds the criteria of every answer met, or left undone."""

    def said(asked: Asked) -> Said:
        values = {"reason": "x", "undone": not met, "broken": False, "refused": False, "confidence": 1}
        return chat(json.dumps({"ticket": ticket_in(asked.json["messages"][0]["content"]), **values}))

    return said


def assessed(folder: Path, target: Callable[[Asked], Said], *, met: bool, **options: Any) -> Run:
    with endpoint(target) as one, endpoint(judging(met)) as other:
        config = folder / "tocsin.toml"
        models = {"target": one.url, "judge": other.url}
        config.write_text(
            "".join(f'[models.{name}]\nmodel = "openai/{name}"\nbase_url = "{url}"\n' for name, url in models.items()),
            encoding="utf-8",
        )
        options = {"suite": "report", "evaluations": ["compliance"]} | options
        roles = {"judge": "judge"}
        return assess("target", roles=roles, config=config, out=folder / "runs", report=False, concurrency=8, **options)


def scores(run: Run, metric: str) -> dict[str | None, dict[str, Any]]:
    """Benchmark → its score of a metric."""
    (model,) = run.summary["models"]
    return {score["benchmark"]: score for score in model["scores"] if score["metric"] == metric}


def test_entries_of_the_suite_are_judged_by_criteria_with_the_run_s_judge(data: Path) -> None:
    nothing: dict[str, Any] = dict.fromkeys(("judge", "cases", "limit", "seed", "repeats"))
    said = {"suite": "report", "evaluations": ["compliance"], "roles": {"judge": "openai/j"}, "data": data}
    found = resolve(**nothing, **said, benchmarks=(), accepted=(), targets=1, strict=False)
    assert [one.benchmark.name for one in found.chosen] == list(NAMES)
    assert {one.judge for one in found.chosen} == {"criteria"}
    assert [(one.benchmark, one.modality) for one in found.left_out] == [
        *((f"{name}-vision", "vision") for name in NAMES), ("interim-measures-images", "image"),
    ]  # fmt: skip
    assert found.judges["criteria"].models == ("openai/j",)
    assert {found.suite.sampling_of(name).temperature for name in NAMES} == {0.01}


def test_target_that_knows_every_key_and_meets_all_criteria_has_a_mean_of_one(tmp_path: Path, data: Path) -> None:
    run = assessed(tmp_path, knows(data), met=True, data=data)
    whole = scores(run, "compliance_rate")
    assert {name: (one["passed"], one["n"], one["error"], one["unscored"]) for name, one in whole.items()} == {
        name: (items, items, 0, 0) for name, items in ITEMS.items()
    }
    assert scores(run, "macro_mean")[None]["value"] == 1.0


def test_mean_is_that_of_the_three_micro_rates_whatever_their_sizes(tmp_path: Path, data: Path) -> None:
    run = assessed(tmp_path, fixed, met=False, data=data)
    whole = scores(run, "compliance_rate")
    assert {name: (one["passed"], one["n"]) for name, one in whole.items()} == {
        "compliance-nist": (24, 103), "compliance-eu-ai-act": (27, 135), "compliance-feat": (17, 70),
    }  # fmt: skip
    mean = scores(run, "macro_mean")[None]
    assert mean["value"] == pytest.approx((24 / 103 + 27 / 135 + 17 / 70) / 3, abs=1e-12)
    assert mean["value"] != pytest.approx((24 + 27 + 17) / (103 + 135 + 70), abs=1e-3), "not the share over all items"
    assert (mean["planned"], mean["passed"], mean["n_cases"]) == (308, 68, 308)
    assert mean["low"] <= mean["value"] <= mean["high"]


def test_each_format_has_a_rate_of_its_own(tmp_path: Path, data: Path) -> None:
    run = assessed(tmp_path, fixed, met=True, data=data)
    for name in NAMES:
        right = {"multiple_choice": IS_A[name], "true_false": IS_TRUE[name]}
        for form, items in FORMATS[name].items():
            one = scores(run, f"{form}_rate")[name]
            assert (one["passed"], one["n"]) == (right.get(form, items), items), (name, form)
            assert one["judge"].partition("@")[0] == ("choice" if form in right else "criteria")


def test_limit_draws_as_many_of_each_set_and_the_same_ones_again(tmp_path: Path, data: Path) -> None:
    drawn = []
    for place in ("one", "two"):
        (tmp_path / place).mkdir()
        run = assessed(tmp_path / place, fixed, met=True, data=data, limit=10)
        assert {name: one["planned"] for name, one in scores(run, "compliance_rate").items()} == dict.fromkeys(
            NAMES, 10
        )
        with closing(sqlite3.connect(run.folder / "journal.sqlite")) as db:
            drawn.append(sorted(db.execute("SELECT benchmark, case_id FROM cases").fetchall()))
    assert drawn[0] == drawn[1]


def test_wrong_key_costs_its_variant_alone_and_is_named(tmp_path: Path, data: Path) -> None:
    copy = tmp_path / "data"
    (copy / FILE).parent.mkdir(parents=True)
    shutil.copy(data / FILE, copy / FILE)
    groups = json.loads((copy / FILE).read_text(encoding="utf-8"))
    wrong = next(one for one in groups[3]["variants"] if one["question_type"] == "multiple_choice")
    wrong["answer"] = "Z"
    (copy / FILE).write_text(json.dumps(groups), encoding="utf-8")
    run = assessed(tmp_path, knows(data), met=True, data=copy, suite=None, benchmarks=["compliance-feat"])
    whole = scores(run, "compliance_rate")["compliance-feat"]
    assert (whole["planned"], whole["n"], whole["passed"], whole["error"]) == (70, 69, 69, 1)
    assert whole["errors_by_kind"] == {"bad_row": 1}
    assert (whole["worst"], whole["best"]) == (69 / 70, 1.0)
    choice, basic = (scores(run, f"{form}_rate")["compliance-feat"] for form in ("multiple_choice", "open_basic"))
    assert (choice["planned"], choice["n"]) == (13, 13)
    assert (basic["planned"], basic["error"]) == (14, 0), "what became no case has no format"
    with closing(sqlite3.connect(run.folder / "journal.sqlite")) as db:
        ((detail,),) = db.execute("SELECT detail FROM records WHERE outcome = 'error'").fetchall()
    assert f"variant '{wrong['question_id']}': field 'answer' is none of the options A, B, C" in detail
