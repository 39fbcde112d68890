"""What a user asks for, resolved before anything is asked: names, limits, licences, data."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.evaluations.conftest import Inventor
from tocsin.datasets import DatasetError
from tocsin.evaluations.assessment import Assessment, LicenceNotAccepted, check_licence, resolve
from tocsin.evaluations.catalogue import fetch_dataset
from tocsin.models import ConfigError
from tocsin.registry import UnknownName

Data = Callable[..., Path]


def asked(**changes: Any) -> Assessment:
    told: dict[str, Any] = {
        "suite": None, "benchmarks": (), "evaluations": (), "judge": None, "roles": {}, "cases": None, "limit": None,
        "seed": None, "repeats": None, "data": None, "accepted": (), "targets": 1, "strict": False,
    } | changes  # fmt: skip
    return resolve(**told)


def names(found: Assessment) -> list[str]:
    return [one.benchmark.name for one in found.chosen]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"prompt": "Hello"}\n', encoding="utf-8")
    return path


def test_quick_suite_is_run_where_nothing_is_named() -> None:
    found = asked()
    assert (found.suite.name, names(found)) == ("quick", ["starter"])
    assert set(found.judges) == {"embedded", "choice"}
    assert found.drawing.evaluations == ("benchmark", "over-refusal", "multilingual", "compliance")


def test_named_benchmarks_stand_alone_or_replace_the_suites(invent: Inventor, data: Data) -> None:
    invent()
    folder = data("invented-data", a=["1"])
    assert names(asked(benchmarks=["invented"], data=folder)) == ["invented"]
    assert asked(benchmarks=["invented"], data=folder).suite.name == "own"
    found = asked(suite="quick", benchmarks=["invented"], data=folder)
    assert (found.suite.name, names(found)) == ("quick", ["invented"])


def test_own_cases_are_run_and_nothing_else_unless_named(own: Path) -> None:
    assert names(asked(cases=own)) == ["cases"]
    assert names(asked(cases=own, suite="quick")) == ["starter", "cases"]
    assert names(asked(cases=own, benchmarks=["starter"])) == ["starter", "cases"]
    assert asked(cases=own).suite.sampling.temperature == 0


def test_command_line_is_said_over_the_suite(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nseed: 3\nlimit: 9\nrepeats: 2\nbenchmarks: [{name: starter, limit: 5}]\n")
    plain, changed = asked(suite=str(path)), asked(suite=str(path), limit=4, seed=8, repeats=1, targets=2, strict=True)
    assert (plain.drawing.seed, plain.drawing.repeats, plain.chosen[0].limit) == (3, 2, 5)
    assert (changed.drawing.seed, changed.drawing.repeats, changed.chosen[0].limit) == (8, 1, 4)
    assert (changed.drawing.targets, changed.drawing.strict, changed.suite.limit) == (2, True, 4)


def test_over_refusal_rides_along_with_benchmarks() -> None:
    assert asked(evaluations=["benchmark"]).drawing.evaluations == ("benchmark", "over-refusal")
    assert asked(evaluations=["over-refusal"]).drawing.evaluations == ("over-refusal",)


def test_unknown_names_are_told_with_the_nearest(own: Path) -> None:
    with pytest.raises(UnknownName, match=r"no benchmark is named 'startr': did you mean 'starter'"):
        asked(benchmarks=["startr"])
    with pytest.raises(UnknownName, match=r"no judge is named 'refusl': did you mean 'refusal'"):
        asked(judge="refusl")
    with pytest.raises(ConfigError, match=r"no suite is named 'quik'"):
        asked(suite="quik")
    with pytest.raises(ValueError, match=r"no evaluation is named 'benchmrk': did you mean 'benchmark'") as told:
        asked(evaluations=["benchmrk"])
    assert "pydantic" not in str(told.value)
    with pytest.raises(ValueError, match=r"limit"):
        asked(cases=own, limit=0)


def test_parameters_of_a_judge_are_checked_before_anything_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\nbenchmarks: [starter]\njudges: {refusal: {threshold: 1}}\n")
    with pytest.raises(ValueError, match=r"judge 'refusal': .*threshold.*its parameters: none"):
        asked(suite=str(path))


def test_benchmark_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"benchmark 'starter' is named twice"):
        asked(benchmarks=["starter", "starter"])


def test_suite_without_benchmarks_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\n")
    with pytest.raises(ValueError, match=r"suite 'mine' names no benchmark, and no --benchmark or --cases is given"):
        asked(suite=str(path))


def test_missing_data_is_told_with_what_to_run(invent: Inventor, tmp_path: Path) -> None:
    invent()
    with pytest.raises(DatasetError, match=r"dataset 'invented-data': a\.jsonl could not be had .*--data"):
        asked(benchmarks=["invented"])
    with pytest.raises(DatasetError, match=r"the data folder .* does not exist"):
        asked(benchmarks=["starter"], data=tmp_path / "absent")
    with pytest.raises(DatasetError, match=r"there is no file .*absent\.jsonl"):
        asked(cases=tmp_path / "absent.jsonl")


@pytest.mark.parametrize("gate", ["non-commercial", "research-only", "gated"])
def test_gated_data_needs_its_licence_accepted(invent: Inventor, data: Data, gate: str) -> None:
    made = invent("gated", gate=gate)
    folder = data("gated-data", a=["1"])
    with pytest.raises(LicenceNotAccepted) as told:
        asked(benchmarks=["gated"], data=folder)
    message = str(told.value)
    assert message.startswith(f"benchmark 'gated' is {gate} (MIT): read its terms (GitHub some/one @ 012345678901)")
    assert message.endswith("add --accept-licence gated")
    with pytest.raises(LicenceNotAccepted):
        asked(benchmarks=["gated"], data=folder, accepted=["another"])
    for name in ("gated", "gated-data"):
        found = asked(benchmarks=["gated"], data=folder, accepted=[name, name])
        assert found.accepted == (name,)
        check_licence(made, [name])


def test_gate_stands_before_the_fetching_too(invent: Inventor) -> None:
    invent("gated", gate="research-only")
    for name in ("gated", "gated-data"):
        with pytest.raises(LicenceNotAccepted):
            fetch_dataset(name)
        with pytest.raises(DatasetError, match=r"could not be had"):
            fetch_dataset(name, accepted=["gated"])


def test_free_data_asks_for_nothing(invent: Inventor, data: Data) -> None:
    invent()
    assert asked(benchmarks=["invented"], data=data("invented-data", a=["1"])).accepted == ()


def test_named_judge_is_made_beside_the_gold_one() -> None:
    found = asked(judge="choice")
    assert set(found.judges) == {"choice"}
    assert set(asked(judge="refusal").judges) == {"refusal", "choice"}
