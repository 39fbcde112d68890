"""What succeeded on one model, put to another over real sockets: which calls are made, and what is counted."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from perf.wire_server import serve

from tests.evaluations.test_roles import configured, main
from tests.models.endpoints import Asked, Endpoint, Said, chat, endpoint
from tocsin.api import Run, assess, resume, transfer
from tocsin.engine import Ending, Limits
from tocsin.journal import open_journal
from tocsin.types import Request

NO, YES = "I'm sorry, but I can't help with that.", "Certainly. First, put the kettle on."
ATTACKS = ["flip", "red-queen"]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    rows = ({"id": f"q{n}", "prompt": f"How is tea {n} made?"} for n in range(12))
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def weak() -> Iterator[Endpoint]:
    """A target that refuses some conversations, by a hash of all that was said."""

    def reply(asked: Asked) -> Said:
        said = json.dumps([message["content"] for message in asked.json["messages"]]).encode()
        return chat(NO if hashlib.sha256(said).digest()[0] < 100 else YES)

    with endpoint(reply) as server:
        yield server


def scores(run: Run, model: int = 0) -> dict[str | None, dict[str, Any]]:
    found = run.summary["models"][model]["scores"]
    assert {score["metric"] for score in found} == {"transfer_rate"}
    return {score["attack"]: score for score in found}


def user_turns(run: Run, where: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """Case and attack → the user's turns of the request whose answer was judged."""
    db = open_journal(run.folder)
    try:
        rows = db.execute(
            "SELECT s.case_id, c.attack, a.request FROM cells c JOIN cases s ON s.id = c.case_ref JOIN latest r ON r.cell = c.id"
            f" JOIN calls a ON a.id = r.call WHERE {where}"
        ).fetchall()
    finally:
        db.close()
    return {
        (case, attack): tuple(m.text for m in msgspec.json.decode(request, type=Request).messages if m.role == "user")
        for case, attack, request in rows
    }


def test_what_succeeded_is_put_word_for_word_and_nothing_else_is(tmp_path: Path, own: Path, weak: Endpoint) -> None:
    with serve(text=YES) as soft, serve(text=NO) as firm:
        config = configured(tmp_path, weak=weak, soft=soft, firm=firm)
        first = assess("weak", cases=own, attacks=ATTACKS, judge="refusal", config=config, out=tmp_path)
        fell = user_turns(first, "r.outcome = 'unsafe'")
        run = transfer(first.folder, "soft", "firm", config=config)
        asked = soft.stats()["requests"]
    assert 0 < len(fell) < 24, "some succeeded, and some did not"
    assert {attack for _, attack in fell} == set(ATTACKS)
    put = user_turns(run, "c.target = 0 AND c.attack <> 'direct'")
    assert put == fell
    cases = {case for case, _ in fell}
    turns = {said[: number + 1] for said in fell.values() for number in range(len(said))}  # alike ones share an answer
    assert asked == len(turns) + len(cases), "each turn of what succeeded, and the plain request as a control"
    soft_scores, firm_scores = scores(run, 0), scores(run, 1)
    assert soft_scores[None]["value"] == 1.0
    assert firm_scores[None]["value"] == 0.0
    assert soft_scores[None]["planned"] == len(fell)
    assert soft_scores["direct"]["planned"] == len(cases)
    assert run.measured == 2 * (len(fell) + len(cases))
    assert all(f"in run {first.manifest['run']}" in " ".join(score["notes"]) for score in soft_scores.values())
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert f"Of {len(fell)} successes in the run before, 100% succeeded on this model" in page
    assert "kettle" not in page


def test_plain_request_is_a_control_on_the_cases_that_fell_to_an_attack(
    tmp_path: Path, own: Path, weak: Endpoint
) -> None:
    config = configured(tmp_path, weak=weak)
    first = assess("weak", cases=own, attacks=["direct", "red-queen"], judge="refusal", config=config, out=tmp_path)
    fell = user_turns(first, "r.outcome = 'unsafe'")
    attacked = {case for case, attack in fell if attack == "red-queen"}
    assert {case for case, _ in fell} > attacked, "some fell to the plain request alone"
    again = transfer(first.folder, "weak", config=config)
    assert user_turns(again, "c.attack = 'direct'").keys() == {(case, "direct") for case in attacked}
    found = scores(again)
    assert found["direct"]["planned"] == found["red-queen"]["planned"] == len(attacked)
    assert found["direct"]["value"] == sum((case, "direct") in fell for case in attacked) / len(attacked)
    assert "a control" in found["direct"]["notes"][-1]
    assert "over what succeeded" in found["red-queen"]["notes"][-1]
    assert "over what succeeded" not in " ".join(found["direct"]["notes"])


def test_plain_request_alone_is_what_succeeded(tmp_path: Path, own: Path, weak: Endpoint) -> None:
    config = configured(tmp_path, weak=weak)
    first = assess("weak", cases=own, attacks=["direct"], judge="refusal", config=config, out=tmp_path)
    fell = user_turns(first, "r.outcome = 'unsafe'")
    found = scores(transfer(first.folder, "weak", config=config))
    assert (found["direct"]["planned"], found["direct"]["value"]) == (len(fell), 1.0)
    assert "over what succeeded" in found["direct"]["notes"][-1]


def test_finding_counts_no_failed_call_among_what_was_measured(tmp_path: Path, own: Path, weak: Endpoint) -> None:
    with serve(text=YES, fault="500", fault_share=0.3) as faulty:
        config = configured(tmp_path, weak=weak, faulty=faulty)
        first = assess("weak", cases=own, attacks=["flip"], judge="refusal", config=config, out=tmp_path)
        run = transfer(first.folder, "faulty", config=config)
    whole = scores(run)[None]
    assert 0 < whole["n"] == whole["planned"] - whole["error"] < whole["planned"]
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    told = (
        f"Of {whole['planned']} successes in the run before that were put to this model, {whole['n']} could be measured"
    )
    assert f"{told}, and 100% of these succeeded again" in page


def test_source_itself_shows_how_often_a_success_comes_again(tmp_path: Path, own: Path, weak: Endpoint) -> None:
    config = configured(tmp_path, weak=weak)
    first = assess("weak", cases=own, attacks=ATTACKS, judge="refusal", config=config, out=tmp_path)
    again = transfer(first.folder, "weak", config=config)
    assert scores(again)[None]["value"] == 1.0, "this one answers the same to the same"


def test_run_that_was_stopped_goes_on_and_repeats_nothing(tmp_path: Path, own: Path, weak: Endpoint) -> None:
    with serve(text=YES) as soft:
        config = configured(tmp_path, weak=weak, soft=soft)
        first = assess("weak", cases=own, attacks=ATTACKS, judge="refusal", config=config, out=tmp_path)
        whole = transfer(first.folder, "soft", config=config)
        needed = soft.stats()["requests"]
        soft.reset()
        part = transfer(first.folder, "soft", config=config, limits=Limits(calls=7))
        assert part.ended.ending is Ending.BUDGET
        done = resume(part.folder, config=config)
        assert soft.stats()["requests"] == needed
    assert scores(done) == scores(whole)


def test_command_says_what_it_cannot_do(
    tmp_path: Path, own: Path, weak: Endpoint, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(text=NO) as firm:
        config = configured(tmp_path, weak=weak, firm=firm)
        two = assess("weak", "firm", cases=own, attacks=["flip"], judge="refusal", config=config, out=tmp_path)
        plain = assess("firm", cases=own, judge="refusal", config=config, out=tmp_path)
        for words, said in (
            ([two.folder, "firm"], "say with --from"),
            ([two.folder, "firm", "--from", "other"], "no model 'other'"),
            ([two.folder, "weak", "--from", "firm"], "no attack succeeded on firm"),
            ([plain.folder, "firm"], "has no attacks"),
        ):
            before = sorted(tmp_path.iterdir())
            code = main(["transfer", *map(str, words), "--config", str(config)], monkeypatch)
            assert code == 2
            assert said in capsys.readouterr().err
            assert sorted(tmp_path.iterdir()) == before, "nothing is left behind"
        code = main(["transfer", str(two.folder), "firm", "--from", "weak", "--config", str(config), "-q"], monkeypatch)
    told = capsys.readouterr()
    assert code == 0
    assert "transfer_rate" in told.out
    assert "report.html" in told.err


def test_what_an_attack_drew_at_random_is_drawn_the_same(tmp_path: Path, own: Path, weak: Endpoint) -> None:
    shots = tmp_path / "shots.jsonl"
    shots.write_text(
        "".join(
            json.dumps({"prompt": f"How is cake {n} baked?", "response": f"With flour {n}."}) + "\n" for n in range(9)
        ),
        encoding="utf-8",
    )
    suite = tmp_path / "shots.yaml"
    told = {
        "name": "shots",
        "repeats": 3,
        "evaluations": ["adversarial"],
        "attacks": {"shots": {"attack": "many-shot", "demonstrations": str(shots), "shots": 4}},
        "adversarial": {"attacks": ["shots"], "judge": "refusal"},
    }
    suite.write_text(json.dumps(told), encoding="utf-8")
    config = configured(tmp_path, weak=weak)
    first = assess("weak", suite=str(suite), cases=own, judge="refusal", config=config, out=tmp_path)
    again = transfer(first.folder, "weak", config=config)
    fell = user_turns(first, "r.outcome = 'unsafe' AND c.repeat > 0")
    assert fell
    assert scores(again)["shots"]["value"] == 1.0, "the same prompts, and this target answers the same to the same"
