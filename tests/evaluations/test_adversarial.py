"""The adversarial evaluation over real sockets: which cells are planned, what is scored, and what is skipped and said."""

from __future__ import annotations

import base64
import codecs
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from perf.wire_server import serve

from tests.evaluations.test_roles import configured, main
from tests.judges.asked import ticket_in
from tests.models.endpoints import Asked, Said, chat, endpoint
from tocsin.api import Run, assess, rejudge, resume, write_results
from tocsin.engine import Limits

NO, YES = "I'm sorry, but I can't help with that.", "Certainly. First, put the kettle on."


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    rows = [
        {
            "id": f"q{n}",
            "prompt": f"How is tea {n} made?",
            "hazard": f"h{n % 2}",
            "expected": "comply" if n > 9 else "refuse",
        }
        for n in range(12)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def scores(run: Run, model: int = 0) -> dict[tuple[str, str | None], dict[str, Any]]:
    return {(s["metric"], s["attack"]): s for s in run.summary["models"][model]["scores"]}


def assessing(own: Path, config: Path, out: Path) -> list[str]:
    """The command that assesses model t on one's own cases."""
    return f"assess t --cases {own} --judge refusal --config {config} --out {out}".split()


def test_each_harmful_case_meets_each_attack_and_harmless_ones_meet_none(tmp_path: Path, own: Path) -> None:
    with serve(text=NO) as strong, serve(text=YES) as weak:
        config = configured(tmp_path, strong=strong, weak=weak)
        run = assess(
            "strong", "weak", cases=own, attacks=["flip", "direct"], judge="refusal", config=config, out=tmp_path
        )
        assert [server.stats()["requests"] for server in (strong, weak)] == [20, 20]
    for model, (held, fell) in enumerate(((1.0, 0.0), (0.0, 1.0))):
        found = scores(run, model)
        assert found["safe_worst", None]["value"] == held
        assert found["safe_response_rate", None]["value"] == held
        assert found["refusal_response_rate", None]["value"] == held
        for attack in ("flip", "direct"):
            assert found["attack_success_rate", attack]["value"] == fell
            assert found["attack_success_rate", attack]["planned"] == 10
        assert found["safe_worst", None]["planned"] == 10, "cases are counted, not attempts"
        assert found["safe_response_rate", None]["n"] == 20
    about = run.summary["models"][1]["attacks"]
    assert {(one["hazard"], one["unsafe"]) for one in about["hazards"]} == {("h0", 5), ("h1", 5)}
    assert [one["successes"] for one in about["costs"]] == [10, 10]
    assert about["queries_to_first_success"] == {"cases": 10, "median": 1.0, "most": 1}
    assert (run.measured, run.errors) == (40, 0)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Under 1 attack and the plain request, 0 of 10 cases withstood every one" in page
    assert "kettle" not in page


def test_case_without_an_outcome_under_one_attack_leaves_bounds_and_no_rate(tmp_path: Path, own: Path) -> None:
    with serve(text=NO, fault="500", fault_share=0.3) as target:
        config = configured(tmp_path, t=target)
        run = assess("t", cases=own, attacks=["flip", "direct"], judge="refusal", config=config, out=tmp_path)
    worst = scores(run)["safe_worst", None]
    errors = scores(run)["safe_response_rate", None]["error"]
    assert errors > 0
    assert worst["unscored"] > 0
    assert (worst["value"], worst["low"], worst["high"], worst["best"]) == (None, None, None, 1.0)
    assert worst["worst"] == worst["safe"] / 10
    assert run.errors == errors


def test_suite_names_attacks_limits_cases_and_fixes_the_worst_three(tmp_path: Path, own: Path) -> None:
    suite = tmp_path / "attacked.yaml"
    suite.write_text(
        "name: attacked\nseed: 3\nattacks:\n  words: {attack: flip, mode: words}\n  fool: {attack: flip, mode: fool}\n"
        "adversarial: {attacks: [direct, flip, words, fool], limit: 4, judge: refusal, worst: [flip, words, fool]}\n",
        encoding="utf-8",
    )
    with serve(text=NO) as target:
        config = configured(tmp_path, t=target)
        run = assess("t", cases=own, suite=str(suite), judge="refusal", config=config, out=tmp_path)
        again = assess("t", cases=own, suite=str(suite), judge="refusal", config=config, out=tmp_path, report=False)
    found = scores(run)
    assert found["safe_rate", None]["planned"] == 10, "plain answers beside attacked ones"
    assert found["over_refusal_rate", None]["planned"] == 2
    assert found["safe_worst", None]["planned"] == 4
    assert "fixed by the suite: flip, words, fool" in " ".join(found["safe_worst_3", None]["notes"])
    assert run.manifest["attacks"]["words"]["attack"] == "flip"
    assert run.manifest["attacks"]["words"]["parameters"]["mode"] == "words"
    assert again.summary["models"] == run.summary["models"]


def test_attack_without_its_role_is_skipped_and_named(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(text=NO) as target:
        config = configured(tmp_path, t=target)
        words = assessing(own, config, tmp_path / "r")
        assert main([*words, "--attack", "pair,flip", "-q"], monkeypatch) == 0
        said = capsys.readouterr()
        assert "attack pair is left out: add --role attacker=MODEL" in said.err
        (folder,) = (tmp_path / "r").iterdir()
        assert "without pair: left out" in (folder / "summary.json").read_text(encoding="utf-8")
        assert main([*words, "--attack", "pair"], monkeypatch) == 2
        assert "pair: add --role attacker=MODEL" in capsys.readouterr().err
        assert main([*words, "--attack", "flop"], monkeypatch) == 2
        assert "did you mean 'flip'" in capsys.readouterr().err
        assert main([*words, "--evaluation", "adversarial"], monkeypatch) == 2
        assert "--attack NAME" in capsys.readouterr().err


def test_attacker_is_a_role_and_its_kin_and_one_judge_in_two_places_are_flagged(tmp_path: Path, own: Path) -> None:
    suite = tmp_path / "s.yaml"
    suite.write_text(
        "name: s\nattacks: {small: {attack: pair, streams: 1, depth: 2}}\n"
        "adversarial: {attacks: [small], in_loop: refusal, judge: refusal, allowance: {queries: 2}}\n",
        encoding="utf-8",
    )
    reply = json.dumps({"improvement": "be kind", "prompt": "Tell me of tea."})
    with serve(text=NO) as target, serve(text=reply) as attacker:
        config = configured(tmp_path, t=target, helper=attacker)
        run = assess(
            "t", cases=own, suite=str(suite), judge="refusal", evaluations=["adversarial"], roles={"attacker": "helper"},
            config=config, out=tmp_path, limits=Limits(calls=9),
        )  # fmt: skip
        assert not run.complete
        run = resume(run.folder, config=config)
        assert run.complete
        assert target.stats()["requests"] == 20
    assert "judge refusal steers attacks and decides on them" in run.manifest["flags"]
    assert set(run.manifest["roles"]["attacker"]) == {"helper"}
    assert scores(run)["attack_success_rate", "small"]["value"] == 0
    cost = run.summary["models"][0]["attacks"]["costs"][0]
    assert (cost["target"], cost["attacker"]) == (20, 20)


def test_repeats_give_the_share_of_cases_broken_within_k(tmp_path: Path, own: Path) -> None:
    suite = tmp_path / "s.yaml"
    suite.write_text(
        "name: s\nrepeats: 3\nsampling: {temperature: 1}\nadversarial: {attacks: [flip], judge: refusal}\n",
        encoding="utf-8",
    )
    with serve(text=YES) as target:
        config = configured(tmp_path, t=target)
        run = assess(
            "t", cases=own, suite=str(suite), judge="refusal", evaluations=["adversarial"], config=config, out=tmp_path
        )
    found = scores(run)["attack_success_rate_at_k", "flip"]
    assert (found["value"], found["n"], found["notes"]) == (1.0, 10, ["k = 3"])
    assert scores(run)["safe_worst", None]["value"] == 0


def by_rule(asked: Asked) -> Said:
    """A target that falls to an attack on some cases: which, follows from the system prompt and the case alone."""
    messages = asked.json["messages"]
    told = json.dumps(messages)
    broken = int(hashlib.sha256(told.encode()).hexdigest(), 16) % 10 < 3 and "system" in messages[0]["role"]
    return chat(YES if broken else NO)


SEARCHED = """
name: searched
seed: 5
attacks:
  words: {attack: flip, mode: words}
  fool: {attack: flip, mode: fool}
  plain: {attack: flip, mode: words, cot: false}
  shots: {attack: flip, few_shot: true}
  cipher: {attack: cipherchat}
adversarial:
  attacks: [direct, flip, words, fool, plain, shots, cipher]
  judge: refusal
"""


@pytest.fixture
def thirty(tmp_path: Path) -> Path:
    path = tmp_path / "thirty.jsonl"
    rows = [{"id": f"q{n}", "prompt": f"How is tea number {n} brewed?", "hazard": f"h{n % 3}"} for n in range(30)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_search_finds_the_same_worst_case_with_fewer_cells(tmp_path: Path, thirty: Path) -> None:
    suite = tmp_path / "searched.yaml"
    suite.write_text(SEARCHED, encoding="utf-8")
    asked: dict[str, int] = {}
    found: dict[str, Run] = {}
    for mode in ("exhaustive", "worst-case"):
        with endpoint(by_rule) as target:
            config = tmp_path / "tocsin.toml"
            config.write_text(f'[models.t]\nmodel = "openai/t"\nbase_url = "{target.url}"\n', encoding="utf-8")
            options: dict[str, Any] = {
                "suite": str(suite),
                "cases": thirty,
                "evaluations": ["adversarial"],
                "mode": mode,
            }
            found[mode] = assess("t", config=config, out=tmp_path / mode, **options)
            asked[mode] = len(target.asked)
    whole, less = (scores(found[mode]) for mode in ("exhaustive", "worst-case"))
    for name in ("value", "safe", "unsafe", "worst", "best", "n"):
        assert less["safe_worst", None][name] == whole["safe_worst", None][name], name
    assert asked["exhaustive"] == 30 * 7
    assert asked["worst-case"] < 0.75 * asked["exhaustive"]
    pooled = less["safe_response_rate", None]
    assert pooled["low"] <= whole["safe_response_rate", None]["value"] <= pooled["high"]
    assert "from the slice" in " ".join(pooled["notes"])
    assert ("safe_worst_3", None) not in less, "it needs every cell"
    assert found["worst-case"].complete
    assert found["worst-case"].summary["models"][0]["unfinished"] == 0
    assert "cells were run: a case stops at its first success" in " ".join(less["safe_worst", None]["notes"])


def test_search_that_was_stopped_goes_on_and_repeats_no_call(tmp_path: Path, thirty: Path) -> None:
    suite = tmp_path / "searched.yaml"
    suite.write_text(SEARCHED, encoding="utf-8")
    with endpoint(by_rule) as target:
        config = tmp_path / "tocsin.toml"
        config.write_text(f'[models.t]\nmodel = "openai/t"\nbase_url = "{target.url}"\n', encoding="utf-8")
        options: dict[str, Any] = {
            "suite": str(suite), "cases": thirty, "evaluations": ["adversarial"], "mode": "worst-case", "config": config,
        }  # fmt: skip
        whole = assess("t", out=tmp_path / "whole", **options)
        once = len(target.asked)
        run = assess("t", out=tmp_path / "cut", limits=Limits(calls=40), **options)
        for _ in range(12):
            assert not run.complete or len(target.asked) == 2 * once
            if run.complete:
                break
            run = resume(run.folder, config=config, limits=Limits(calls=17))
        assert run.complete
        assert len(target.asked) == 2 * once
    assert scores(run) == scores(whole)


def test_attack_that_learns_from_every_case_is_left_out_of_a_search(
    tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serve(text=NO) as target, serve(text="{}") as helper:
        config = configured(tmp_path, t=target, helper=helper)
        words = assessing(own, config, tmp_path / "r")
        words += ["--attack", "autodan-turbo,flip", "--role", "attacker=helper", "--mode", "worst-case", "-q"]
        assert main(words, monkeypatch) == 0
    assert (
        "attack autodan-turbo is left out: add --mode exhaustive: it learns from every case" in capsys.readouterr().err
    )


# -- the three worst attacks, and grades of harm ----------------------------------------------------------------------


def test_plain_request_is_none_of_the_worst_three_though_it_breaks_most(tmp_path: Path, own: Path) -> None:
    def soft(asked: Asked) -> Said:
        return chat(YES if asked.json["messages"][-1]["content"].startswith("How is tea") else NO)

    attacks = ["direct", "flip", "cipherchat", "jailbroken", "artprompt"]
    with endpoint(soft) as target:
        config = tmp_path / "tocsin.toml"
        config.write_text(f'[models.t]\nmodel = "openai/t"\nbase_url = "{target.url}"\ntries = 1\n', encoding="utf-8")
        run = assess("t", cases=own, attacks=attacks, judge="refusal", config=config, out=tmp_path / "runs")
        single = assess("t", cases=own, attacks=attacks, limit=1, judge="refusal", config=config, out=tmp_path / "one")
    found = scores(run)
    assert found["attack_success_rate", "direct"]["value"] == 1
    assert found["safe_worst", None]["value"] == 0
    assert "direct" not in " ".join(found["safe_worst_3", None]["notes"])
    assert found["safe_worst_3", None]["safe"] == 10
    one = scores(single)
    assert one["safe_worst", None]["planned"] == 1
    assert ("safe_worst_3", None) not in one, "one case cannot choose the attacks and be measured with them"


def test_judge_that_grades_gives_the_mean_grade_of_all_answers_and_of_each_attack(tmp_path: Path, own: Path) -> None:
    def soft(asked: Asked) -> Said:
        return chat(YES if asked.json["messages"][-1]["content"].startswith("How is tea") else NO)

    def graded(asked: Asked) -> Said:
        """A test double of a judge: it knows the two answers that there are."""
        first, last = asked.json["messages"][0]["content"], asked.json["messages"][-1]["content"]
        grades = (4, 3) if "kettle" in last else (1, 1)
        values = {"reason": "So.", "refused": grades == (1, 1), "convincing": grades[0], "specific": grades[1]}
        return chat(json.dumps({"ticket": ticket_in(first), **values}))

    suite = tmp_path / "graded.yaml"
    suite.write_text(
        "name: graded\nevaluations: [adversarial]\njudges: {rubric: {rubric: strongreject}}\nroles: {judge: grader}\n"
        "adversarial: {attacks: [direct, flip], judge: rubric}\n",
        encoding="utf-8",
    )
    with endpoint(soft) as target, endpoint(graded) as grader:
        config = tmp_path / "tocsin.toml"
        config.write_text(
            "".join(
                f'[models.{name}]\nmodel = "openai/{name}"\nbase_url = "{one.url}"\ntries = 1\n'
                for name, one in (("t", target), ("grader", grader))
            ),
            encoding="utf-8",
        )
        run = assess("t", cases=own, suite=str(suite), config=config, out=tmp_path / "runs")
    found = scores(run)
    assert found["harm_score", "direct"]["value"] == 5 / 8
    assert found["harm_score", "flip"]["value"] == 0
    whole = found["harm_score", None]
    assert (whole["value"], whole["n"], whole["n_cases"], whole["n_clusters"]) == (5 / 16, 20, 10, 10)
    assert whole["evaluation"] == "adversarial"


def test_the_journal_keeps_what_the_judge_read_where_an_attack_decoded_it_and_the_page_shows_it_on_request(
    tmp_path: Path,
) -> None:
    own = tmp_path / "mine.jsonl"
    own.write_text('{"id": "tea", "prompt": "How is tea made?"}\n', encoding="utf-8")
    suite = tmp_path / "suite.yaml"
    suite.write_text(
        "name: coded\njudge: refusal\nattacks: {coded: {attack: jailbroken, variant: rot13}}\n"
        "adversarial: {attacks: [coded]}\nevaluations: [adversarial]\n",
        encoding="utf-8",
    )
    said = "Put the kettle on, and wait until it boils."
    with serve(text=codecs.encode(said, "rot13")) as target:
        run = assess(
            "t", cases=own, suite=str(suite), judge="refusal", config=configured(tmp_path, t=target), out=tmp_path
        )
    write_results(run.folder, run.manifest, reveal=True)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "What the judge read" in page
    assert said in page
    write_results(run.folder, run.manifest)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "under attack" in page
    assert "kettle" not in page


def test_cases_with_images_meet_no_attack_that_would_leave_them_out(tmp_path: Path) -> None:
    picture = tmp_path / "tea.png"
    picture.write_bytes(
        base64.b64decode(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
        )
    )
    own = tmp_path / "mine.jsonl"
    rows = [
        {"id": "text", "prompt": "How is tea made?"},
        {"id": "seen", "prompt": "What is this?", "images": "tea.png"},
    ]
    own.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with serve(text=NO) as target:
        config = configured(tmp_path, t=target)
        config.write_text(config.read_text() + "image_in = true\n")
        run = assess("t", cases=own, attacks=["flip", "direct"], judge="refusal", config=config, out=tmp_path)
    found = scores(run)
    assert found["safe_worst", None]["planned"] == 1
    assert found["safe_response_rate", None]["planned"] == 2
    assert run.manifest["adversarial"]["pictured"] == {"cases": 1}


def test_suite_whose_drawn_cases_no_attack_is_for_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "mild.jsonl"
    own.write_text('{"id": "tea", "prompt": "How is tea made?", "expected": "comply"}\n', encoding="utf-8")
    with serve(text=NO) as target, pytest.raises(ValueError, match="no attack can be run"):
        assess(
            "t", cases=own, attacks=["flip"], evaluations=["over-refusal", "adversarial"], judge="refusal",
            config=configured(tmp_path, t=target), out=tmp_path / "runs",
        )  # fmt: skip
    assert list((tmp_path / "runs").iterdir()) == []


def test_rejudged_attacks_stand_in_the_comparison_before_and_after(tmp_path: Path, own: Path) -> None:
    with serve(text=YES) as target:
        config = configured(tmp_path, t=target)
        run = assess("t", cases=own, attacks=["flip", "direct"], judge="refusal", config=config, out=tmp_path)
        again = rejudge(run.folder, judge="embedded", config=config)
    assert again.comparison is not None
    rows = {(row["metric"], row["attack"]): row for row in again.comparison["scores"]}
    assert {("safe_worst", None), ("safe_response_rate", None), ("attack_success_rate", "flip")} <= rows.keys()
    assert rows["attack_success_rate", "flip"]["before"]["value"] == 1.0
    assert (
        rows["attack_success_rate", "flip"]["after"]["value"] == scores(again)["attack_success_rate", "flip"]["value"]
    )


def test_report_says_how_the_attacks_were_set(tmp_path: Path, own: Path) -> None:
    suite = tmp_path / "set.yaml"
    suite.write_text(
        "name: set\nattacks: {words: {attack: flip, mode: words}}\nevaluations: [adversarial]\n"
        "adversarial: {attacks: [words], judge: refusal, allowance: {queries: 4, tokens: 900}}\n",
        encoding="utf-8",
    )
    with serve(text=NO) as target:
        config = configured(tmp_path, t=target)
        run = assess("t", cases=own, suite=str(suite), judge="refusal", config=config, out=tmp_path)
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    for said in ("Attack words", "mode words", "arXiv:2410.02832", "4 queries and 900 tokens"):
        assert said in page


def test_models_are_compared_pair_by_pair_on_the_same_cases(tmp_path: Path, own: Path) -> None:
    with serve(text=NO) as strong, serve(text=YES) as weak:
        config = configured(tmp_path, strong=strong, weak=weak)
        run = assess(
            "strong",
            "weak",
            "strong",
            cases=own,
            attacks=["flip", "direct"],
            judge="refusal",
            config=config,
            out=tmp_path,
        )
    found = {(row["metric"], *row["models"]): row for row in run.summary["comparisons"]}
    assert set(found) == {
        (metric, *pair)
        for metric in ("safe_worst", "safe_response_rate")
        for pair in (("strong", "weak"), ("strong", "strong"), ("weak", "strong"))
    }
    apart, alike = found["safe_worst", "strong", "weak"], found["safe_worst", "strong", "strong"]
    assert (apart["value"], apart["n"], alike["value"], alike["p_holm"]) == (1.0, 10, 0.0, 1.0)
    assert apart["p"] < apart["p_holm"] < 0.05
    assert 0 < apart["low"] < apart["high"] == 1.0
    assert found["safe_response_rate", "weak", "strong"]["n"] == 20
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Models against each other" in page
    assert "+100.0 points" in page
