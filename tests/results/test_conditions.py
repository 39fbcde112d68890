"""Under which conditions a score was measured, and in which of them two scores differ."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests.results.two_runs import manifest
from tocsin.results.conditions import Condition, conditions, differing, suite_of

Change = Callable[[dict[str, Any]], object]


def changed(told: dict[str, Any], change: Change) -> dict[str, Any]:
    other = copy.deepcopy(told)
    change(other)
    return other


def about(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told["benchmarks"]["invented"]
    return found


def target(told: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = told["targets"][0]
    return found


def test_the_same_manifest_differs_in_nothing() -> None:
    told = manifest()
    assert differing(conditions(told, ["invented"]), conditions(copy.deepcopy(told), ["invented"])) == []


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("benchmark", lambda m: about(m).update(version=2)),
        ("data", lambda m: about(m).update(dataset={"name": "d", "files": [{"path": "x", "sha256": "ab" * 32}]})),
        ("sample", lambda m: about(m).update(limit=50)),
        ("judge", lambda m: m["judges"]["refusal"].update(identity="refusal@00000009")),
        ("judge", lambda m: m["judges"]["refusal"].update(models={"judge": "guard@elsewhere"})),
        ("sampling", lambda m: m["suite"].update(sampling={"temperature": 0.7})),
        ("sampling", lambda m: target(m).update(parameters={"system": "Be kind."})),
        ("repeats", lambda m: m["suite"].update(repeats=3)),
        ("filter", lambda m: m.update(difficulty={"benchmarks": {"invented": {}}, "identity": "baseline@1"})),
        ("languages", lambda m: m["suite"].update(languages=["zu", "sw"])),
        ("translations", lambda m: m.update(translations={"sha256": "ab" * 32, "benchmarks": {"invented": {}}})),
        ("stopping", lambda m: m["suite"].update(stopping={"precision": 0.05})),
    ],
)  # fmt: skip
def test_what_changes_a_score_is_a_condition(what: str, change: Change) -> None:
    told = manifest()
    (found,) = differing(conditions(told, ["invented"]), conditions(changed(told, change), ["invented"]))
    assert found.what == what
    assert found.one != found.other


@pytest.mark.parametrize(
    "change",
    [
        lambda m: target(m).update(name="another/model", identity="another"),
        lambda m: target(m).update(limits={"concurrency": 4}, prices={"input": 1}),
        lambda m: target(m).update(parameters={"weights": "/models/of/its/own.gguf"}),
        lambda m: m["versions"].update(platform="elsewhere"),
    ],
)
def test_the_model_its_price_and_the_machine_are_none(change: Change) -> None:
    told = manifest()
    assert differing(conditions(told, ["invented"]), conditions(changed(told, change), ["invented"])) == []


def test_what_one_side_does_not_have_stands_as_nothing_there() -> None:
    told = manifest()
    other = changed(told, lambda m: m["judges"].update(guard={"identity": "guard@1"}))
    about(other)["judge"] = "guard"
    found = {one.of: (one.one, one.other) for one in differing(*(conditions(m, ["invented"]) for m in (told, other)))}
    assert found == {"refusal": ("refusal@00000001", None), "guard": (None, "guard@1")}


def test_attacks_count_where_scores_are_over_them_and_the_plain_request_is_none() -> None:
    told = manifest(attacks={"flip": {"identity": "flip@1"}}, roles={"attacker": {"name": "x", "identity": "x@there"}})
    kinds = [one for one in conditions(told, ["invented"], attacks=["direct", "flip"]) if one.what == "attack"]
    assert kinds == [Condition("attack", "flip", "flip@1"), Condition("attack", "attacker", "x@there")]
    assert not [one for one in conditions(told, ["invented"], attacks=["direct"]) if one.what == "attack"]


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("attacking", lambda m: m["adversarial"].update(mode="worst-case", audit=2.0)),
        ("attacking", lambda m: m["adversarial"].update(allowance={"queries": 5, "tokens": None})),
        ("attacking", lambda m: m["adversarial"].update(in_loop="guard")),
        ("attack", lambda m: m["roles"].update(attacker={"y": {"name": "y", "identity": "y@there"}})),
        ("sample", lambda m: m["suite"].update(adversarial={"limit": 20})),
        ("sample", lambda m: m["suite"].update(adversarial={"cases": {"invented": ["1"]}})),
    ],
)
def test_how_attacks_are_run_is_a_condition_of_what_is_under_attack_alone(what: str, change: Change) -> None:
    told = manifest(
        attacks={"flip": {"identity": "flip@1"}},
        adversarial={"attacks": ["flip"], "mode": "exhaustive", "audit": None, "in_loop": None, "worst": []},
        roles={"attacker": {"x": {"name": "x", "identity": "x@there", "limits": {"concurrency": 1}}}},
    )
    other = changed(told, change)
    (found,) = differing(*(conditions(one, ["invented"], attacks=["flip"]) for one in (told, other)))
    assert found.what == what
    assert differing(*(conditions(one, ["invented"], attacks=["direct"]) for one in (told, other))) == []


def test_a_helper_is_told_by_its_identity_and_not_by_its_limits() -> None:
    told = manifest(
        attacks={"flip": {"identity": "flip@1"}},
        roles={"attacker": {"x": {"name": "x", "identity": "x@there", "limits": {"concurrency": 1}}}},
    )
    other = changed(told, lambda m: m["roles"]["attacker"]["x"].update(limits={"concurrency": 9}))
    assert differing(*(conditions(one, ["invented"], attacks=["flip"]) for one in (told, other))) == []
    assert Condition("attack", "attacker", "x@there") in conditions(told, ["invented"], attacks=["flip"])


def test_a_table_of_translations_bears_on_the_benchmarks_that_it_translates() -> None:
    told = manifest()
    other = changed(told, lambda m: m.update(translations={"sha256": "ab" * 32, "benchmarks": {"elsewhere": {}}}))
    assert differing(*(conditions(one, ["invented"]) for one in (told, other))) == []


def test_a_benchmark_that_a_run_has_not_is_passed_over() -> None:
    assert {one.what for one in conditions(manifest(), ["elsewhere"])} == {"sampling", "repeats"}


def test_the_suite_has_a_name_and_a_version() -> None:
    told = manifest()
    assert suite_of(told) == Condition("suite", "own", "version 1")
