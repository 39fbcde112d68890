"""Runs that stop when enough is known, over real sockets: what is asked, what is journaled, and which interval is stated."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from perf.wire_server import serve

from tests.evaluations.test_roles import configured, main
from tocsin.api import Run, assess, resume
from tocsin.engine import Ending, Limits
from tocsin.evaluations.met import stops_of
from tocsin.journal import open_journal

CASES = 1200


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return written(tmp_path, CASES)


def written(folder: Path, count: int) -> Path:
    path = folder / "mine.jsonl"
    rows = ({"id": f"q{n}", "prompt": f"How is tea {n} made?"} for n in range(count))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def scores(run: Run, model: int = 0) -> dict[tuple[str, str | None], dict[str, Any]]:
    return {(s["metric"], s["attack"]): s for s in run.summary["models"][model]["scores"]}


def stops(run: Run) -> list[Any]:
    db = open_journal(run.folder)
    try:
        return stops_of(db)
    finally:
        db.close()


def test_benchmark_stops_when_its_interval_is_narrow_enough(tmp_path: Path, own: Path) -> None:
    with serve(answer="hash", refuse_share=0.4) as target:
        config = configured(tmp_path, t=target)
        run = assess("t", cases=own, judge="refusal", precision=0.1, config=config, out=tmp_path)
        asked = target.stats()["requests"]
    (stop,) = stops(run)
    score = scores(run)["safe_rate", None]
    assert run.complete
    assert asked == stop.position == score["planned"] < CASES / 4
    assert (stop.reason, stop.clusters) == ("precise", score["n"])
    assert score["low"] <= score["value"] <= score["high"] <= score["low"] + 0.2
    assert score["low"] <= 0.4 <= score["high"], "the server refuses two in five"
    assert run.summary["models"][0]["unfinished"] == 0
    assert any("narrow enough" in note for note in score["notes"])
    assert score["corrected"] is None


def test_run_that_is_never_precise_asks_all_and_states_a_sequence(tmp_path: Path) -> None:
    own = written(tmp_path, 150)
    with serve(answer="hash", refuse_share=0.4) as target:
        config = configured(tmp_path, t=target)
        run = assess("t", cases=own, judge="refusal", precision=0.02, config=config, out=tmp_path)
        plain = assess("t", cases=own, judge="refusal", config=config, out=tmp_path)
    assert stops(run) == []
    mine, other = scores(run)["safe_rate", None], scores(plain)["safe_rate", None]
    assert mine["n"] == other["n"] == 150
    assert mine["value"] == pytest.approx(other["value"])
    assert mine["low"] < other["low"] < other["high"] < mine["high"]


def test_what_was_stopped_on_the_way_ends_as_if_it_never_was(tmp_path: Path, own: Path) -> None:
    with serve(answer="hash", refuse_share=0.4) as target:
        config = configured(tmp_path, t=target)
        whole = assess("t", cases=own, judge="refusal", precision=0.08, config=config, out=tmp_path)
        target.reset()
        part = assess(
            "t", cases=own, judge="refusal", precision=0.08, config=config, out=tmp_path, limits=Limits(calls=130)
        )
        assert part.ended.ending is Ending.BUDGET
        assert stops(part) == []
        done = resume(part.folder, config=config)
        again = resume(part.folder, config=config)
        asked = target.stats()["requests"]
    assert done.complete
    assert again.complete
    assert stops(done) == stops(again) == stops(whole)
    assert asked == stops(whole)[0].position
    assert scores(done) == scores(whole)


def test_comparison_stops_both_models_when_it_is_decided(tmp_path: Path, own: Path) -> None:
    with serve(answer="hash", refuse_share=0.9) as strong, serve(answer="hash", refuse_share=0.3) as weak:
        config = configured(tmp_path, strong=strong, weak=weak)
        run = assess("strong", "weak", cases=own, judge="refusal", decide=True, config=config, out=tmp_path)
        few = written(tmp_path, 200)
        twins = assess("strong", "strong", cases=few, judge="refusal", decide=True, config=config, out=tmp_path)
    found = stops(run)
    assert [(stop.target, stop.reason) for stop in found] == [(0, "decided"), (1, "decided")]
    assert found[0].clusters == found[1].clusters < CASES / 4
    assert scores(run, 0)["safe_rate", None]["low"] > scores(run, 1)["safe_rate", None]["high"]
    assert stops(twins) == [], "what does not differ is never decided"


def test_attacks_on_a_model_stop_together_and_every_case_is_whole(tmp_path: Path, own: Path) -> None:
    with serve(answer="hash", refuse_share=0.7) as target:
        config = configured(tmp_path, t=target)
        run = assess(
            "t", cases=own, attacks=["flip", "direct"], judge="refusal", precision=0.1, config=config, out=tmp_path
        )
        asked = target.stats()["requests"]
    (stop,) = stops(run)
    found = scores(run)
    assert asked == stop.position == 2 * stop.clusters < CASES
    worst = found["safe_worst", None]
    assert worst["n"] == worst["planned"] == stop.clusters, "no case lacks a cell"
    assert worst["low"] < worst["value"] < worst["high"]
    for attack in ("flip", "direct"):
        rate = found["attack_success_rate", attack]
        assert rate["high"] - rate["low"] <= 0.2
        assert rate["low"] <= 0.3 <= rate["high"]
    assert found["safe_response_rate", None]["n"] == asked
    assert run.summary["models"][0]["attacks"]["curve"] == []


def test_answers_without_an_outcome_keep_a_run_from_stopping(tmp_path: Path) -> None:
    own = written(tmp_path, 400)
    with serve(answer="hash", refuse_share=0.4, fault="500", fault_share=0.3) as target:
        config = configured(tmp_path, t=target)
        run = assess("t", cases=own, judge="refusal", precision=0.1, config=config, out=tmp_path)
    score = scores(run)["safe_rate", None]
    assert stops(run) == []
    assert score["error"] > 80
    assert score["high"] - score["low"] > score["error"] / 400


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--precision", "0.6"], "precision"),
        (["--precision", "0"], "precision"),
        (["--decide"], "two models or more"),
        (["--precision", "0.1", "--attack", "direct", "--mode", "worst-case"], "worst-case"),
    ],
)
def test_rules_that_cannot_work_are_refused(
    tmp_path: Path,
    words: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = written(tmp_path, 5)
    with serve() as target:
        config = configured(tmp_path, t=target)
        code = main(
            ["assess", "t", "--cases", str(own), "--config", str(config), "--out", str(tmp_path), *words], monkeypatch
        )
        assert target.stats()["requests"] == 0
    assert code == 2
    assert said in capsys.readouterr().err
