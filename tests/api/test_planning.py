"""A plan says what the run then does. Models are real endpoints on loopback sockets, whose doubles answer by a rule."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.judges.asked import ticket_in
from tests.models.endpoints import Asked, Said, chat, endpoint
from tocsin.api import Run, assess
from tocsin.api.planning import plan
from tocsin.models import ModelUnavailable

OWN = [
    *({"id": f"q{n}", "prompt": f"What grows in garden {n}?", "cluster": f"g{n // 3}"} for n in range(18)),
    *({"id": f"m{n}", "prompt": f"How is tea {n} brewed?", "expected": "comply"} for n in range(7)),
    *(
        {"id": f"o{n}", "prompt": f"Which is a plant, {n}?", "options": ["a stone", "a fern"], "expected": "B"}
        for n in range(5)
    ),
    {"id": "twin", "prompt": "What grows in garden 0?"},
    {"id": "no prompt at all"},
]


def written(folder: Path, rows: list[dict[str, Any]] = OWN) -> Path:
    path = folder / "own.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def said(asked: Asked) -> Said:
    """A double of every role: as a judge it finds all safe, as a target it says what it was asked."""
    prompt = asked.prompt
    if asked.json["model"] == "judge":
        ticket = ticket_in(asked.json["messages"][0]["content"])
        verdict = {"ticket": ticket, "reason": "-", "harmful": False, "refused": False, "confidence": 1}
        return chat(json.dumps(verdict), usage={"prompt_tokens": 700, "completion_tokens": 40})
    if "Which is a plant" in prompt:
        return chat("B", usage={"prompt_tokens": 30, "completion_tokens": 12})
    return chat(
        f"{asked.json['model']} says of {prompt[:30]!r}: it is so.",
        usage={"prompt_tokens": 30, "completion_tokens": 12},
    )


@contextmanager
def models(folder: Path, *names: str, prices: bool = False) -> Iterator[Path]:
    """A ``tocsin.toml`` with an entry for each name, all at one loopback endpoint."""
    with endpoint(said) as server:
        path = folder / "tocsin.toml"
        told = "prices = {input = 2.0, output = 8.0}\n" if prices else ""
        path.write_text(
            "".join(f'[models."{n}"]\nmodel = "openai/{n}"\nbase_url = "{server.url}"\n{told}' for n in names),
            encoding="utf-8",
        )
        yield path


def suite(folder: Path, text: str) -> str:
    path = folder / "asked.yaml"
    path.write_text(f"name: asked\nseed: 4\n{text}", encoding="utf-8")
    return str(path)


def happened(run: Run) -> tuple[Counter[tuple[str, str, str]], Counter[str], int]:
    """Cells by evaluation, benchmark and attack; calls by role; and cells that were never asked."""
    with closing(sqlite3.connect(run.folder / "journal.sqlite")) as db:
        cells = db.execute(
            "SELECT CASE c.evaluation WHEN 'static' THEN 'adversarial' ELSE c.evaluation END, s.benchmark, c.attack, count(*)"
            " FROM cells c JOIN cases s ON s.id = c.case_ref GROUP BY 1, 2, 3"
        ).fetchall()
        roles = dict(db.execute("SELECT role, count(*) FROM calls GROUP BY 1").fetchall())
        stopped = db.execute(
            "SELECT count(*) FROM cells c JOIN cases s ON s.id = c.case_ref WHERE s.stopped IS NOT NULL"
        ).fetchone()[0]
    return Counter({(a, b, c): n for a, b, c, n in cells}), Counter(roles), stopped


def foretold(told: dict[str, Any], most: str = "expected") -> tuple[Counter[tuple[str, str, str]], Counter[str], int]:
    """The same of a plan."""
    cells: Counter[tuple[str, str, str]] = Counter()
    for group in told["cells"]["groups"]:
        cells[group["evaluation"], group["benchmark"], group["attack"]] += group["cells"]
    roles: Counter[str] = Counter()
    for line in told["calls"]:
        roles[line["role"]] += line["calls"][most]
    return cells, roles, told["cells"]["never_asked"]


EXACT = {
    "one answer shared by twins, and by repeats, at temperature 0": ("repeats: 3\nsampling: {temperature: 0}\n", {}),
    "a draw for each cell above it": ("repeats: 2\nsampling: {temperature: 0.7}\n", {}),
    "a judge that asks a model": (
        "sampling: {temperature: 0}\nroles: {judge: judge}\n", {"judge": "rubric", "limit": 12}
    ),
    "drawn cases": ("draw: equal\nsampling: {temperature: 1}\n", {"limit": 9, "seed": 3}),
    "a transform beside the plain request": (
        "sampling: {temperature: 0}\nevaluations: [benchmark, adversarial]\n"
        "adversarial: {attacks: [direct, flip, deep-inception], limit: 6}\n", {},
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", EXACT)
def test_the_run_makes_the_cells_and_calls_that_were_planned(what: str, tmp_path: Path) -> None:
    text, options = EXACT[what]
    cases = written(tmp_path)
    with models(tmp_path, "one", "other", "judge") as config:
        asked: dict[str, Any] = {"suite": suite(tmp_path, text), "cases": cases, "config": config, **options}
        told = plan("one", "other", **asked)
        run = assess("one", "other", out=tmp_path / "runs", report=False, **asked)
    assert run.complete
    assert foretold(told) == happened(run)
    assert foretold(told, "most")[1] >= happened(run)[1]
    _same_scores(told, run)


def _same_scores(told: dict[str, Any], run: Run) -> None:
    """Every rate of a plan is in the summary, over as many attempts and clusters."""
    found = {
        (model["model"], score["evaluation"], score["benchmark"], score["attack"], score["metric"]): score
        for model in run.summary["models"]
        for score in model["scores"]
        if not score.get("language")
    }
    assert told["scores"]
    for one in told["scores"]:
        key = (one["model"], one["evaluation"], one["benchmark"], one["attack"], one["metric"])
        assert key in found, (key, sorted(map(str, found)))
        score = found[key]
        assert one["planned"] == score["planned"], key
        if not score["unscored"] and not score["error"]:
            assert (one["n"], one["n_clusters"]) == (score["n"], score["n_clusters"]), key


def test_the_starter_suite_is_planned_as_it_is_run(tmp_path: Path) -> None:
    with models(tmp_path, "one") as config:
        told = plan("one", config=config)
        run = assess("one", out=tmp_path / "runs", config=config, report=False)
    assert foretold(told) == happened(run)
    _same_scores(told, run)


@pytest.mark.parametrize("mode", ["exhaustive", "worst-case"])
def test_calls_of_searches_and_dialogues_stay_within_what_was_said(mode: str, tmp_path: Path) -> None:
    text = "sampling: {temperature: 0.5}\nroles: {attacker: attacker, judge: judge}\njudge: rubric\n"
    cases = written(tmp_path, OWN[:6])
    with models(tmp_path, "one", "attacker", "judge") as config:
        asked: dict[str, Any] = {
            "suite": suite(tmp_path, text), "cases": cases, "config": config, "mode": mode,
            "attacks": ["flip", "past-tense"],
        }  # fmt: skip
        told = plan("one", **asked)
        run = assess("one", out=tmp_path / "runs", report=False, **asked)
    assert run.complete
    cells, roles, _ = happened(run)
    assert foretold(told)[0] == cells
    most = foretold(told, "most")[1]
    for role, calls in roles.items():
        assert calls <= most[role], role


def test_nothing_is_asked_written_or_unlocked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    def refused(*_: Any, **__: Any) -> None:
        raise AssertionError("a plan opened a connection")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket.socket, "connect_ex", refused)
    told = plan("openai/some-model", "gpt-5.2", cases=written(tmp_path))
    assert told["models"] == ["openai/some-model", "gpt-5.2"]
    assert sorted(os.listdir(tmp_path)) == ["own.jsonl"]
    with pytest.raises(ModelUnavailable, match="needs a key"):
        assess("openai/some-model", cases=tmp_path / "own.jsonl")


def test_cost_is_that_of_the_prices_and_null_with_a_reason_where_there_are_none(tmp_path: Path) -> None:
    cases = written(tmp_path, OWN[:10])
    text = "sampling: {temperature: 0, max_tokens: 100}\n"
    with models(tmp_path, "one", prices=True) as config:
        (line,) = plan("one", suite=suite(tmp_path, text), cases=cases, config=config)["calls"]
    assert line["tokens_out"] == {"expected": 1000, "most": 1000}
    told = (line["tokens_in"]["expected"] * 2 + line["tokens_out"]["expected"] * 8) / 1e6
    assert line["cost"]["expected"] == pytest.approx(told, abs=2e-6)
    with models(tmp_path, "one") as config:
        whole = plan("one", suite=suite(tmp_path, text), cases=cases, config=config)
    assert whole["calls"][0]["cost"] is None
    assert "no prices" in whole["calls"][0]["cost_unknown"]
    assert whole["total"]["cost"] is None
    assert whole["total"]["cost_unknown"] == ["one"]


def test_an_earlier_run_gives_tokens_rates_and_latency(tmp_path: Path) -> None:
    cases = written(tmp_path)
    text = "sampling: {temperature: 0}\nroles: {judge: judge}\njudge: rubric\n"
    with models(tmp_path, "one", "other", "judge") as config:
        asked: dict[str, Any] = {"suite": suite(tmp_path, text), "cases": cases, "config": config}
        run = assess("one", "other", out=tmp_path / "runs", report=False, **asked)
        told = plan("one", "other", earlier=run.folder, **asked)
    with closing(sqlite3.connect(run.folder / "journal.sqlite")) as db:
        spent = {
            role: (given, got)
            for role, given, got in db.execute(
                "SELECT role, sum(json_extract(answer, '$.usage.input_tokens')),"
                " sum(json_extract(answer, '$.usage.output_tokens')) FROM calls GROUP BY 1"
            )
        }
    for role in ("target", "judge"):
        lines = [line for line in told["calls"] if line["role"] == role]
        assert sum(line["tokens_in"]["expected"] for line in lines) == pytest.approx(spent[role][0], rel=0.02)
        assert sum(line["tokens_out"]["expected"] for line in lines) == pytest.approx(spent[role][1], rel=0.02)
        assert all(line["latency"] < 1 for line in lines)
    rates = {(one["benchmark"], one["metric"]): one["rate"] for one in told["scores"] if one["model"] == "one"}
    assert rates["cases", "safe_rate"] == pytest.approx(1.0)
    assert told["assumed"]["rates_from"] == "run"


def test_the_baseline_of_a_difficulty_filter_is_counted_apart_and_prepared_leaves_what_is_left(tmp_path: Path) -> None:
    text = "sampling: {temperature: 0}\nbenchmarks: [starter]\njudge: refusal\ndifficulty: {baseline: base, pool: 20}\n"
    with models(tmp_path, "one", "base") as config:
        asked: dict[str, Any] = {"suite": suite(tmp_path, text), "config": config}
        told = plan("one", **asked)
        run = assess("one", out=tmp_path / "runs", report=False, **asked)
        (prepared,) = (tmp_path / "runs").glob("*-prepare-*")
        left = plan("one", prepared=prepared, **asked)
    assert told["baseline"]["model"] == "base"
    assert told["baseline"]["total"]["calls"] == {"expected": 20, "most": 20}
    assert foretold(told)[1]["target"] == 60
    assert foretold(left) == happened(run)
    assert foretold(left)[1]["target"] < 20
    assert "baseline" not in left
