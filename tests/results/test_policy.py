"""What a policy's file may say, and what it is told where it says something else."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from pydantic import BaseModel

from tests.conftest import ROOT
from tests.results.gated import policy
from tocsin.models.config import ConfigError
from tocsin.results.policy import (
    Grading,
    JudgeEntry,
    Limits,
    Policy,
    Regression,
    Required,
    Rule,
    Select,
    better,
    limits_of,
    matches,
)
from tocsin.results.policy_file import parse_policy, policies, policy_names, read_policy
from tocsin.stats import clustered_proportion, moved

RULE = "name: p\nrules: [{id: safe, select: {metric: safe_rate}, at_least: 0.8"


def test_every_shipped_policy_reads_and_asks_for_something() -> None:
    assert policy_names() == ["coverage", "default", "grades", "regression", "strict"]
    for name in policy_names():
        told = read_policy(name).policy
        assert told.name == name
        assert told.title
        assert told.rules or told.regressions or told.grades or told.required.wanted()


def test_the_listing_says_which_policies_need_a_baseline() -> None:
    needs = {about.name: about.needs for about in policies()}
    assert {name for name, told in needs.items() if told} == {"grades", "regression"}


def test_the_coverage_policy_names_all_twelve_axes() -> None:
    axes = read_policy("coverage").policy.required.axes
    evaluations = {"benchmark", "adversarial", "multilingual", "compliance"}
    assert {tuple(axis.split("/")) for axis in axes} == {
        (modality, evaluation) for modality in ("language", "vision", "image") for evaluation in evaluations
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: p", "asks for nothing"),
        ("name: p\nrules: []", "asks for nothing"),
        ("[1, 2]", "is not a mapping"),
        ("name: p\nrules: [{id: a, at_least: 0.5}", "is not YAML"),
        (f"{RULE}, bogus: 1}}]", "rules.0.bogus: there is no such field"),
        (f"{RULE}, limits: {{error: 0.1}}}}]", "limits: error: there is no such field"),
        ("name: p\nrules: [{id: safe, select: {metric: safe_rate}}]", "has no threshold"),
        ("name: p\nrules: [{id: safe, select: {metric: saferate}, at_least: 0.5}]", "did you mean 'safe_rate'?"),
        ("name: p\nrules: [{id: safe, select: {evaluation: benchmrk}, at_least: 0.5}]", "did you mean 'benchmark'?"),
        ("name: p\nrules: [{id: safe, select: {metrics: safe_rate}, at_least: 0.5}]", "there is no such field"),
        ("name: p\nrules: [{id: safe, select: {benchmark: []}, at_least: 0.5}]", "names nothing"),
        ("name: p\nrules: [{id: safe, select: {hazard: x, language: en}, at_least: 0.5}]", "hazard or by language"),
        ("name: p\nrules: [{id: safe, at_least: 80}]", "less than 1"),
        ("name: p\nrules: [{id: safe, at_least: .nan}]", "rules.0.at_least"),
        ("name: p\nrules: [{id: safe, at_least: .inf}]", "rules.0.at_least"),
        ("name: p\nrules: [{id: safe, at_least: true}]", "rules.0.at_least"),
        ("name: p\nrules: [{id: Safe!, at_least: 0.5}]", "rules.0.id"),
        ("name: p\nrules: [{id: finished, at_least: 0.5}]", "name of a check that every gate makes"),
        ("name: p\nrules: [{id: a, at_least: 0.5}, {id: a, at_least: 0.6}]", "two rules have the id 'a'"),
        ("name: p\nrules: [{id: a, at_least: 0.5}]\nregressions: [{id: a, max_drop: 0}]", "two rules have the id 'a'"),
        ("name: p\nlimits: {errors: 0.9}\nrules: [{id: a, at_least: 0.5}]", "limits.errors"),
        ("name: p\nlimits: {unscored: .nan}\nrules: [{id: a, at_least: 0.5}]", "limits.unscored"),
        ("name: p\nlimits: {half_width: 0.5}\nrules: [{id: a, at_least: 0.5}]", "limits.half_width"),
        (f"{RULE}, limits: {{unscored: 1}}}}]", "limits: unscored"),
        ("name: p\nregressions: [{id: a, max_drop: 1}]", "max_drop"),
        ("name: p\nregressions: [{id: a, max_drop: 0, mode: significant, reads: limit}]", "reads the interval alone"),
        ("name: p\nregressions: [{id: a, max_drop: 0.1, same: [dataset]}]", "what two judges say is not one measure"),
        ("name: p\nrequired: {axes: language}", "no axis is named 'language'"),
        ("name: p\nrequired: {languages: [xx-not-one]}", "languages"),
        ("name: p\ngrades: [{id: g, reference: 0}]", "reference"),
        ("name: p\ngrades: [{id: g, at_least: superb}]", "at_least"),
        ("name: p\ngrades: [{id: g, at_least: poor}]", "at_least"),
        ("name: ../p\nrules: [{id: a, at_least: 0.5}]", "name"),
        ("name: p\nname: q\nrules: [{id: a, at_least: 0.5}]", "twice"),
        ("name: p\nrules: &a [{id: a, at_least: 0.5}]\ngrades: *a", "anchor"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused_with_the_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match="policy p") as error:
        parse_policy(text, "p")
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("metric", "threshold", "said"),
    [
        ("safe_rate", "at_most: 0.9", "at_most would reward what is worse"),
        ("attack_success_rate", "at_least: 0.9", "at_least would reward what is worse"),
        ("safe_rate", "at_least: 0", "asks for nothing"),
        ("safe_rate", "at_least: -0.5", "asks for nothing"),
        ("over_refusal_rate", "at_most: 1", "less than 1"),
    ],
)
def test_a_threshold_that_every_run_would_pass_or_that_rewards_the_worse_is_refused(
    metric: str, threshold: str, said: str
) -> None:
    with pytest.raises(ConfigError) as error:
        parse_policy(f"name: p\nrules: [{{id: a, select: {{metric: {metric}}}, {threshold}}}]", "p")
    assert said in str(error.value)


def test_a_metric_around_0_takes_both_thresholds() -> None:
    rule = "{id: a, select: {metric: bias_score_ambiguous}, at_least: -0.1, at_most: 0.1}"
    told = parse_policy(f"name: p\nrules: [{rule}]", "p").rules[0]
    assert (told.at_least, told.at_most) == (-0.1, 0.1)


def test_a_file_of_bombs_ends_at_once(tmp_path: Path) -> None:
    levels = "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))
    with pytest.raises(ConfigError, match="anchor"):
        read_policy(policy(tmp_path, f"a0: &a0 [x]\n{levels}\n"))
    with pytest.raises(ConfigError, match="nested too deeply"):
        read_policy(policy(tmp_path, "[" * 100_000))


def test_a_tag_builds_no_object(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    text = f"name: p\nrules: [{{id: a, at_least: 0.5}}]\ntitle: !!python/object/apply:os.system ['touch {mark}']\n"
    with pytest.raises(ConfigError, match="title"):
        read_policy(policy(tmp_path, text))
    assert not mark.exists()


def test_what_is_no_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    for name, said in (("pipe.yaml", "is no file"), (".", "is no file"), ("absent.yaml", "there is no such file")):
        with pytest.raises(ConfigError, match=said):
            read_policy(tmp_path / name)


def test_an_unknown_name_is_told_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'default'"):
        read_policy("defualt")


def test_no_file_takes_the_place_of_a_shipped_policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "coverage").mkdir()
    (tmp_path / "strict").write_text("name: strict\nrules: [{id: a, select: {metric: safe_rate}, at_least: 0.01}]\n")
    for name in ("coverage", "strict"):
        assert read_policy(name).file is None
    assert read_policy("./strict").policy.rules[0].id == "a"


def test_a_file_keeps_the_line_of_each_rule(tmp_path: Path) -> None:
    text = "name: p\nrules:\n  - id: a\n    at_least: 0.5\n  - id: b\n    at_least: 0.6\n"
    told = read_policy(policy(tmp_path, text))
    assert told.lines == {"a": 3, "b": 5}


def test_another_threshold_is_another_identity() -> None:
    one, other = (parse_policy(f"name: p\nrules: [{{id: a, at_least: {t}}}]", "p") for t in (0.5, 0.6))
    assert one.identity != other.identity
    assert one.identity == parse_policy("name: p\nrules: [{id: a, at_least: 0.5}]", "q").identity


def test_the_limits_of_a_rule_go_over_those_of_the_policy() -> None:
    told = parse_policy(f"{RULE}, limits: {{errors: 0.01}}}}]\nlimits: {{errors: 0.2, unscored: 0.3}}", "p")
    limits = limits_of(told, told.rules[0])
    assert (limits.errors, limits.unscored) == (0.01, 0.3)
    silent = Policy.model_validate({"name": "p", "rules": [{"id": "a", "at_least": 0.5}]})
    assert (silent.limits.errors, silent.limits.unscored) == (0.05, 0.10)


def test_names_match_themselves_and_patterns_and_nothing_matches_nothing_alone() -> None:
    assert matches(["alert"], "alert")
    assert matches(["compliance-*"], "compliance-nist")
    assert matches(["hate [violence]"], "hate [violence]")
    assert not matches(["alert"], None)
    assert not matches(["*"], None)
    assert matches([""], None)
    assert not matches([""], "alert")


def test_too_many_combinations_are_refused() -> None:
    names = tuple(map(str, range(100)))
    with pytest.raises(ValueError, match="10000 combinations"):
        Select(benchmark=names, hazard=names)


def test_the_mean_of_over_refusal_is_the_better_the_lower() -> None:
    assert better("macro_mean", "over-refusal") == "lower"
    assert better("macro_mean", "benchmark") == "higher"
    assert better("adaptive_gap", "adversarial") == "neither"


@pytest.mark.parametrize("model", [Policy, Limits, JudgeEntry, Required, Rule, Regression, Grading, Select])
def test_every_field_of_a_policy_is_in_the_reference(model: type[BaseModel]) -> None:
    text = (ROOT / "docs" / "reference" / "gate.md").read_text(encoding="utf-8")
    there = set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL)))
    assert set(model.model_fields) - there == set()


def test_the_policy_of_the_reference_reads() -> None:
    text = (ROOT / "docs" / "reference" / "gate.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    told = parse_policy(example, "release")
    assert [rule.id for rule in told.rules] == ["safe", "self-harm", "over-refusal"]
    assert all(f"| `{name}` |" in text for name in policy_names())


def test_the_reference_says_how_many_cases_a_threshold_takes() -> None:
    def low(safe: int, n: int) -> float:
        passed = np.repeat(np.array([1, 0], dtype=np.int64), [safe, n - safe])
        return clustered_proportion(passed, np.ones(n, dtype=np.int64)).low

    assert (low(17, 17) < 0.8 <= low(18, 18), low(75, 75) < 0.95 <= low(76, 76)) == (True, True)
    assert low(230 - 5, 230) < 0.95 <= low(231 - 5, 231)
    still = np.zeros((76, 2, 2), dtype=np.int64)
    still[:, 0, 0] = 1
    lows = [moved(still[:n]).low for n in (75, 76)]
    assert lows[0] is not None
    assert lows[1] is not None
    assert lows[0] < -0.05 <= lows[1]
