"""The manifest: what a rerun needs and an auditor reads, and what keeps a run from being resumed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.evaluations.conftest import Inventor
from tests.evaluations.test_assessment import asked
from tocsin import attacks, judges
from tocsin.datasets import digest
from tocsin.evaluations import manifest as manifests
from tocsin.evaluations.cast import Cast
from tocsin.evaluations.flags import kinship
from tocsin.evaluations.manifest import build, check_resumable
from tocsin.journal import ReplayDiverged
from tocsin.models import Caller, ModelConfig, open_caller

Data = Callable[..., Path]


@pytest.fixture
def callers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Caller]]:
    monkeypatch.setenv("INVENTED_KEY", "a-secret-of-a-test")
    config = ModelConfig(base_url="http://127.0.0.1:9/v1", api_key_env="INVENTED_KEY", temperature=0.5)

    async def opened() -> list[Caller]:
        return [open_caller(name, {name: config}) for name in ("openai/gpt-invented", "openai/other")]

    async def closed(made: list[Caller]) -> None:
        for caller in made:
            await caller.close()

    made = asyncio.run(opened())
    yield made
    asyncio.run(closed(made))


def test_manifest_says_what_a_rerun_needs(callers: list[Caller]) -> None:
    told = build("a-run", asked(targets=2, seed=5), Cast(callers))
    assert json.loads(json.dumps(told)) == told
    assert (told["schema"], told["run"], told["status"]) == (1, "a-run", "planned")
    assert [target["name"] for target in told["targets"]] == ["openai/gpt-invented", "openai/other"]
    assert [target["family"] for target in told["targets"]] == ["gpt", None]
    assert told["suite"]["seed"] == 5
    assert told["judges"]["embedded"]["identity"] == judges.make("embedded").identity
    assert told["attacks"]["direct"]["identity"] == attacks.make("direct").identity
    assert set(told["versions"]) == {"tocsin", "python", "platform"}
    about = told["benchmarks"]["starter"]
    assert (about["judge"], about["gold_judge"], about["version"]) == ("embedded", "choice", 1)


def test_manifest_holds_no_key(callers: list[Caller]) -> None:
    assert "a-secret-of-a-test" not in json.dumps(build("a-run", asked(targets=2), Cast(callers)))


def test_partial_copy_of_the_data_is_recorded_with_what_it_lacks(
    callers: list[Caller], invent: Inventor, data: Data
) -> None:
    invent()
    folder = data("invented-data", b=["1", "2"])
    told = build("a-run", asked(benchmarks=["invented"], data=folder), Cast(callers[:1]))
    found = told["benchmarks"]["invented"]["dataset"]
    assert found["missing"] == ["a.jsonl"]
    assert found["files"] == [
        {"path": "b.jsonl", "sha256": digest(folder / "invented-data" / "b.jsonl"), "from": "data", "pinned": False}
    ]
    whole = build("a-run", asked(benchmarks=["invented"], data=data("invented-data", a=["3"])), Cast(callers[:1]))
    assert whole["benchmarks"]["invented"]["dataset"]["missing"] == []


def test_origin_revision_licence_and_gate_are_recorded(callers: list[Caller], invent: Inventor, data: Data) -> None:
    invent("gated", gate="non-commercial")
    folder = data("gated-data", a=["1"])
    told = build("a-run", asked(benchmarks=["gated"], data=folder, accepted=["gated"]), Cast(callers[:1]))
    assert told["licences_accepted"] == ["gated"]
    found = told["benchmarks"]["gated"]["dataset"]
    assert (found["revision"], found["licence"], found["gate"]) == ("0123456789" * 4, "MIT", "non-commercial")
    assert found["origin"] == "GitHub some/one @ 012345678901"


def test_own_file_is_recorded_by_name_and_hash_without_its_folder(callers: list[Caller], tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    path.write_text('{"prompt": "Hello"}\n', encoding="utf-8")
    told = build("a-run", asked(cases=path), Cast(callers[:1]))
    (file,) = told["benchmarks"]["cases"]["dataset"]["files"]
    assert file == {"path": "mine.jsonl", "sha256": digest(path), "from": "own", "pinned": False}
    assert str(tmp_path) not in json.dumps(told)


def test_run_is_a_demonstration_only_if_every_benchmark_is(callers: list[Caller], invent: Inventor, data: Data) -> None:
    invent()
    folder = data("invented-data", a=["1"])
    assert build("r", asked(), Cast(callers[:1]))["demonstration"]
    assert not build("r", asked(benchmarks=["invented", "starter"], data=folder), Cast(callers[:1]))["demonstration"]


def test_judge_of_the_targets_family_is_flagged() -> None:
    targets: list[dict[str, Any]] = [
        {"name": "openai/gpt-5", "family": "gpt"},
        {"name": "x/claude", "family": "claude"},
    ]
    used: dict[str, dict[str, Any]] = {"rubric": {"models": {"openai/gpt-4.1": "x"}}, "refusal": {"models": {}}}
    assert kinship(targets, used) == ["target openai/gpt-5 and judge rubric are of one model family (gpt)"]


@pytest.fixture
def planned(callers: list[Caller]) -> dict[str, Any]:
    return build("a-run", asked(targets=2), Cast(callers))


def checked(planned: dict[str, Any], callers: list[Caller], versions: dict[str, int]) -> None:
    made = {name: judges.make(name) for name in planned["judges"]}
    check_resumable(planned, Cast(callers), made, {"direct": attacks.make("direct")}, versions, "7 (starter/x)")


def test_run_is_resumable_while_nothing_changed(planned: dict[str, Any], callers: list[Caller]) -> None:
    checked(planned, callers, {"starter": 1})


@pytest.mark.parametrize(
    ("path", "named"),
    [
        (("targets", 1, "identity"), "model 'openai/other' was"),
        (("judges", "embedded", "identity"), "judge 'embedded' was"),
        (("attacks", "direct", "identity"), "attack 'direct' was"),
        (("benchmarks", "starter", "version"), "benchmark 'starter' was"),
    ],
)
def test_what_changed_since_is_named_with_the_cell(
    planned: dict[str, Any], callers: list[Caller], path: tuple[Any, ...], named: str
) -> None:
    place: Any = planned
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = "another@00000000"
    with pytest.raises(ReplayDiverged) as told:
        checked(planned, callers, {"starter": 1})
    assert str(told.value).startswith(named)
    assert "so cell 7 (starter/x) would not be what it was" in str(told.value)


@pytest.mark.parametrize("rules", ["understood", "tongue", "py3langid"])
def test_rules_that_hear_answers_are_recorded_where_there_are_such_and_may_not_change(
    rules: str, planned: dict[str, Any], callers: list[Caller]
) -> None:
    assert planned["heard"] is None
    found = asked()
    (one,) = found.chosen
    found = replace(found, chosen=[replace(one, benchmark=replace(one.benchmark, paired=True))])
    told = build("a-run", found, Cast(callers[:1]))["heard"]
    assert told["py3langid"].startswith("0.")
    planned["heard"] = told
    checked(planned, callers, {"starter": 1})
    planned["heard"] = {**told, rules: "0.0.1"}
    with pytest.raises(ReplayDiverged, match=f"rules '{rules}' was 0.0.1 when the run was planned"):
        checked(planned, callers, {"starter": 1})


def test_time_is_written_in_utc_to_the_second() -> None:
    assert len(manifests.now()) == len("2026-01-16T12:00:00+00:00")
    assert manifests.now().endswith("+00:00")
