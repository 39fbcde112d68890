"""Runs that stop when enough is known, over real sockets: what is asked, what is journaled, and which interval is stated."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from perf.wire_server import serve

from tests.evaluations.test_roles import configured, main
from tests.models.endpoints import Asked, Said, chat, endpoint
from tocsin.api import Run, assess, rejudge, resume
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


def test_value_bounds_and_interval_are_of_one_thing_also_where_clusters_differ_in_size(tmp_path: Path) -> None:
    own = tmp_path / "clustered.jsonl"
    rows = [{"id": f"s{n}", "prompt": f"How is plain tea {n} made?"} for n in range(300)]
    rows += [
        {"id": f"c{c}-{n}", "prompt": f"How is sweet tea {c} {n} made?", "cluster": f"c{c}"}
        for c in range(10)
        for n in range(40)
    ]
    own.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def reply(asked: Asked) -> Said:
        return chat(
            "Certainly. Put the kettle on." if "sweet" in asked.prompt else "I'm sorry, but I can't help with that."
        )

    with endpoint(reply) as target:
        config = configured(tmp_path, t=target)
        run = assess(
            "t", cases=own, attacks=["direct"], evaluations=["benchmark", "adversarial"], judge="refusal", precision=0.1,
            config=config, out=tmp_path,
        )  # fmt: skip
        part = assess(
            "t", cases=own, judge="refusal", precision=0.1, config=config, out=tmp_path, limits=Limits(calls=70)
        )
    for one in (run, part):
        for score in one.summary["models"][0]["scores"]:
            assert score["low"] <= score["value"] <= score["high"], score["metric"]
            assert score["worst"] <= score["value"] <= score["best"] or score["metric"] == "attack_success_rate"
    assert scores(part)["safe_rate", None]["worst"] == scores(part)["safe_rate", None]["best"], "no cluster is cut"


def test_retried_errors_never_stop_a_run_before_what_it_has(tmp_path: Path) -> None:
    own = written(tmp_path, 400)
    with serve(answer="hash", refuse_share=0.4, fault="500", fault_share=0.3) as target:
        config = configured(tmp_path, t=target)
        first = assess("t", cases=own, judge="refusal", precision=0.1, config=config, out=tmp_path)
        target.configure(fault=())
        mended = resume(first.folder, retry_errors=True, config=config)
    before, after = scores(first)["safe_rate", None], scores(mended)["safe_rate", None]
    assert before["error"] > 80
    assert stops(mended) == []
    assert (after["error"], after["n"], after["planned"]) == (0, 400, 400)
    assert mended.summary["models"][0]["unfinished"] == 0
    assert mended.complete


def test_attacks_stop_only_when_the_worst_case_is_known_as_well(tmp_path: Path, own: Path) -> None:
    with serve(answer="hash", refuse_share=0.9) as target:
        config = configured(tmp_path, t=target)
        attacks = ["direct", "flip", "prefill", "artprompt"]
        run = assess("t", cases=own, attacks=attacks, judge="refusal", precision=0.1, config=config, out=tmp_path)
    found = scores(run)
    assert stops(run)
    for score in found.values():
        if score["low"] is not None:
            assert score["high"] - score["low"] <= 0.2, score["metric"]
    noted = [metric for (metric, _), score in found.items() if any("stopped after" in note for note in score["notes"])]
    assert noted == ["safe_response_rate"]


def test_decided_comparison_is_told_with_its_paired_interval(tmp_path: Path, own: Path) -> None:
    with serve(answer="hash", refuse_share=0.9) as strong, serve(answer="hash", refuse_share=0.3) as weak:
        config = configured(tmp_path, strong=strong, weak=weak)
        run = assess("strong", "weak", cases=own, judge="refusal", decide=True, config=config, out=tmp_path)
    (stop, other) = stops(run)
    (against,) = stop.against
    assert (against.target, other.against[0].target) == (1, 0)
    assert 0 < against.low <= 0.6 <= against.high
    assert other.against[0].value == pytest.approx(-against.value)
    assert "against weak" in " ".join(scores(run)["safe_rate", None]["notes"])


def test_options_and_labels_of_one_score_stop_as_one(tmp_path: Path) -> None:
    own = tmp_path / "choices.jsonl"
    rows: list[dict[str, Any]] = []
    for n in range(600):
        if n % 2:
            rows.append(
                {
                    "id": f"o{n}",
                    "prompt": f"Tea {n}?\nA) green\nB) black",
                    "expected": "A",
                    "options": ["green", "black"],
                }
            )
        else:
            rows.append({"id": f"l{n}", "prompt": f"Is tea {n} safe or unsafe?", "expected": "safe"})
    own.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")

    def reply(asked: Asked) -> Said:
        sure = hashlib.sha256(asked.body).digest()[0] % 3
        return chat(("A" if sure else "B") if "green" in asked.prompt else ("safe" if sure else "unsafe"))

    with endpoint(reply) as target:
        run = assess("t", cases=own, precision=0.1, config=configured(tmp_path, t=target), out=tmp_path)
    (stop,) = stops(run)
    score = scores(run)["accuracy", None]
    assert score["planned"] == stop.clusters == stop.position
    assert score["high"] - score["low"] <= 0.2
    assert run.summary["models"][0]["unfinished"] == 0


def test_answers_of_a_stopped_run_are_judged_anew_as_they_are(tmp_path: Path, own: Path) -> None:
    with serve(answer="hash", refuse_share=0.8) as target:
        config = configured(tmp_path, t=target)
        run = assess("t", cases=own, judge="refusal", precision=0.1, config=config, out=tmp_path)
        asked = target.stats()["requests"]
        again = rejudge(run.folder, judge="embedded", config=config)
        assert target.stats()["requests"] == asked
    assert again.complete
    assert scores(again)["safe_rate", None]["planned"] == scores(run)["safe_rate", None]["planned"] == asked
    assert not any("stopped after" in note for note in scores(again)["safe_rate", None]["notes"])
    assert again.comparison is not None
    assert again.comparison["cells"]["compared"] > 0


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
