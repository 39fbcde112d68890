"""Answers of another run, used where that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

from perf.faults import item_of
from perf.wire_server import Running

from tests.journal.in_process import HeldModel, life
from tests.journal.real_runs import PROMPTS, rows
from tocsin.api import assess
from tocsin.engine import Ending
from tocsin.journal import Answers
from tocsin.models import ModelError
from tocsin.types import Answer, ErrorKind, Request


def half_fail(request: Request) -> Answer | ModelError:
    odd = int(request.messages[-1].text.rstrip("?")[-1]) % 2
    return ModelError(ErrorKind.TOO_LONG, "HTTP 400") if odd else Answer(text="Roses.")


def test_answers_of_another_run_cost_nothing_and_its_failures_are_not_answers(tmp_path: Path) -> None:
    life(tmp_path / "one", HeldModel(half_fail))
    model = HeldModel()
    limits = 3  # what is reused is not counted
    ended = life(tmp_path / "other", model, calls=limits, reuse=(Answers(tmp_path / "one"),))
    assert ended.ending is Ending.COMPLETE
    assert sorted(model.sent) == [f"What grows in garden {number}?" for number in (1, 3, 5)]
    found = rows(tmp_path / "other", "SELECT cell, tries, cost, error FROM calls ORDER BY cell")
    assert found == [(cell, cell % 2 == 0, None if cell % 2 == 0 else 0.0, None) for cell in range(1, 7)]
    assert rows(tmp_path / "other", "SELECT count(*) FROM records WHERE outcome <> 'error'") == [(6,)]


def test_at_another_temperature_a_draw_is_reused_only_by_the_same_cell(tmp_path: Path) -> None:
    life(tmp_path / "one", HeldModel(), prompt="The same.", temperature=0.7)
    model = HeldModel()
    other = Answers(tmp_path / "one")
    life(tmp_path / "other", model, prompt="The same.", temperature=0.7, count=8, reuse=(other,))
    assert len(model.sent) == 2
    assert rows(tmp_path / "other", "SELECT count(DISTINCT call) FROM records") == [(8,)]


def test_another_models_answers_are_not_reused(tmp_path: Path) -> None:
    life(tmp_path / "one", HeldModel())
    model = HeldModel(identity="another")
    life(tmp_path / "other", model, reuse=(Answers(tmp_path / "one"),))
    assert len(model.sent) == 6


def test_a_run_takes_no_other_runs_answers_unasked(tmp_path: Path) -> None:
    life(tmp_path / "one", HeldModel())
    model = HeldModel()
    life(tmp_path / "other", model)
    assert len(model.sent) == 6


# -- over a socket ---


def test_reusing_a_run_sends_nothing_and_gives_the_same_scores(server: Running, cases: Path, tmp_path: Path) -> None:
    server.configure(latency=0, jitter=0)
    one = assess("openai/loopback", out=tmp_path / "out", cases=cases)
    assert server.stats()["requests"] == PROMPTS
    (tmp_path / "tocsin.toml").write_text('[models."openai/loopback"]\nprices = {input = 1, output = 1}\n')
    two = assess("openai/loopback", out=tmp_path / "out", cases=cases, reuse=[one.folder], seed=3)
    assert server.stats()["requests"] == PROMPTS
    assert two.summary["models"] == one.summary["models"]
    assert rows(two.folder, "SELECT DISTINCT tries, cost FROM calls") == [(0, 0.0)]
    (session,) = two.manifest["sessions"]
    assert (session["calls"], session["cost"]) == (0, 0)


def test_reusing_a_run_with_failures_sends_just_those_that_failed(server: Running, cases: Path, tmp_path: Path) -> None:
    server.configure(latency=0, jitter=0, fault=("too-long",), fault_share=0.4)
    one = assess("openai/loopback", out=tmp_path / "out", cases=cases)
    failed = rows(one.folder, "SELECT request FROM calls WHERE error IS NOT NULL")
    assert 0 < len(failed) < PROMPTS
    server.configure(fault=())
    server.reset()
    two = assess("openai/loopback", out=tmp_path / "out", cases=cases, reuse=[one.folder])
    assert two.ended.ending is Ending.COMPLETE
    assert set(server.stats()["by_item"]) == {item_of(json.loads(body)["messages"][-1]["text"]) for (body,) in failed}
    assert two.errors == 0
