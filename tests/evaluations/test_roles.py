"""Models in other roles than the target's: judges that ask, and baselines that say which cases are easy. Real sockets."""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from perf.wire_server import Running, serve

from tests.evaluations import runs
from tocsin.api import Run, assess, resume
from tocsin.cli.app import build
from tocsin.cli.errors import guarded
from tocsin.engine import Limits
from tocsin.evaluations.score import score_run

UNSAFE = "Safety: Unsafe\nCategories: Violent\nRefusal: No"
SAFE = "Safety: Safe\nCategories: None\nRefusal: Yes"

Written = Callable[..., Path]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    rows = [{"id": f"q{n}", "prompt": f"What grows in garden {n}?", "hazard": f"h{n % 3}"} for n in range(24)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def configured(folder: Path, **servers: Running) -> Path:
    """A ``tocsin.toml`` with an entry for each server, named as its keyword."""
    path = folder / "tocsin.toml"
    path.write_text(
        "".join(
            f'[models."{name}"]\nmodel = "openai/{name}"\nbase_url = "{server.url}"\ntries = 1\n'
            for name, server in servers.items()
        ),
        encoding="utf-8",
    )
    return path


def main(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The exit code of the command line, run in this process."""
    monkeypatch.setattr(sys, "argv", ["tocsin", *words])
    return int(guarded(build()))


def rows(run: Run, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(run.folder / "journal.sqlite")) as db:
        return db.execute(query).fetchall()


def score(run: Run, metric: str = "safe_rate") -> dict[str, Any]:
    found: dict[str, Any] = next(s for s in run.summary["models"][0]["scores"] if s["metric"] == metric)
    return found


def test_guard_behind_an_endpoint_judges_and_its_calls_are_journaled(tmp_path: Path, own: Path) -> None:
    with serve() as target, serve(text=UNSAFE) as guard:
        config = configured(tmp_path, target=target, qwen3guard=guard)
        run = assess(
            "target", cases=own, judge="guard", roles={"judge": "qwen3guard"}, config=config, out=tmp_path / "runs"
        )
    assert (score(run)["safe"], score(run)["unsafe"], score(run)["n"]) == (0, 24, 24)
    judge = run.manifest["judges"]["guard"]
    assert score(run)["judge"] == judge["identity"]
    assert judge["model"] == "qwen3guard"
    assert judge["models"] == {"qwen3guard": run.manifest["roles"]["judge"]["qwen3guard"]["identity"]}
    assert rows(run, "SELECT role, count(*) FROM calls GROUP BY 1 ORDER BY 1") == [("judge", 24), ("target", 24)]


def test_identity_of_a_judge_tells_which_model_it_asks(tmp_path: Path, own: Path) -> None:
    with serve() as target, serve(text=SAFE) as one, serve(text=SAFE) as other:
        config = configured(tmp_path, target=target, one=one, other=other)
        runs = [
            assess(
                "target", cases=own, judge="guard", roles={"judge": name}, config=config, out=tmp_path / "r", limit=2
            )
            for name in ("one", "other")
        ]
    assert score(runs[0])["judge"] != score(runs[1])["judge"]


def test_judge_that_nobody_plays_ends_the_command_and_no_other_steps_in(
    tmp_path: Path, own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with serve() as target:
        monkeypatch.setenv("OPENAI_BASE_URL", target.url)
        code = main(["assess", "openai/x", "--cases", str(own), "--judge", "guard"], monkeypatch)
        assert target.stats()["requests"] == 0
    assert code == 2
    assert "--role judge=MODEL" in capsys.readouterr().err


def test_role_that_there_is_not_is_named(
    own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["assess", "openai/x", "--cases", str(own), "--role", "jury=openai/y"], monkeypatch) == 2
    assert "judge=MODEL" in capsys.readouterr().err


def test_judge_that_failed_is_asked_again_and_the_target_is_not(tmp_path: Path, own: Path) -> None:
    with serve() as target, serve(text=UNSAFE, fault="500", fault_share=1.0) as guard:
        config = configured(tmp_path, target=target, qwen3guard=guard)
        first = assess(
            "target", cases=own, judge="guard", roles={"judge": "qwen3guard"}, config=config, out=tmp_path / "runs"
        )
        assert (score(first)["n"], score(first)["unscored"], score(first)["error"]) == (0, 24, 0)
        assert (first.judge_failures, first.measured) == (24, 0)
        assert "server" in first.judges_word()
        guard.configure(fault=())
        again = resume(first.folder, retry_errors=True, config=config)
        assert target.stats()["requests"] == 24
    assert (score(again)["unsafe"], score(again)["unscored"], again.judge_failures) == (24, 0, 0)


def test_panel_asks_each_of_its_models(tmp_path: Path, own: Path) -> None:
    suite = tmp_path / "panel.yaml"
    suite.write_text(
        "name: panel\njudge: panel\njudges: {panel: {rule: any, members: [{judge: guard, model: one},"
        " {judge: guard, model: other}]}}\nbenchmarks: [starter]\nlimit: 6\n",
        encoding="utf-8",
    )
    with serve() as target, serve(text=SAFE) as one, serve(text=UNSAFE) as other:
        config = configured(tmp_path, target=target, one=one, other=other)
        run = assess("target", suite=str(suite), config=config, out=tmp_path / "runs")
        asked = [server.stats()["requests"] for server in (one, other)]
    assert asked == [6, 6]
    assert set(run.manifest["roles"]["judge"]) == {"one", "other"}
    details = {detail for (detail,) in rows(run, "SELECT detail FROM records WHERE outcome = 'unsafe'")}
    assert all("=safe" in detail and "=unsafe" in detail for detail in details)


def test_model_with_two_roles_is_opened_once_so_that_its_limits_hold_over_both(tmp_path: Path, own: Path) -> None:
    with serve(text=SAFE, latency=0.02) as both:
        config = configured(tmp_path, qwen3guard=both)
        run = assess(
            "qwen3guard", cases=own, judge="guard", roles={"judge": "qwen3guard"}, config=config, out=tmp_path / "runs",
            concurrency=3,
        )  # fmt: skip
        assert both.stats()["peak_in_flight"] <= 3
    assert run.manifest["flags"] == ["target qwen3guard and judge guard are of one model family (qwen)"]


def test_judge_whose_reply_could_not_be_read_is_asked_again(tmp_path: Path, own: Path) -> None:
    with serve() as target, serve(text="I would rather talk about gardens.") as guard:
        config = configured(tmp_path, target=target, qwen3guard=guard)
        first = assess(
            "target", cases=own, judge="guard", roles={"judge": "qwen3guard"}, config=config, out=tmp_path / "runs"
        )
        assert first.judge_failures == 24
        guard.configure(text=UNSAFE)
        again = resume(first.folder, retry_errors=True, config=config)
        assert (target.stats()["requests"], guard.stats()["requests"]) == (24, 48)
        last = resume(first.folder, retry_errors=True, config=config)
        assert guard.stats()["requests"] == 48
    assert (score(again)["unsafe"], again.judge_failures) == (24, 0)
    assert score(last)["unsafe"] == 24


def test_two_targets_that_say_the_same_are_judged_by_draws_of_their_own(tmp_path: Path, own: Path) -> None:
    suite = tmp_path / "drawn.yaml"
    suite.write_text("name: drawn\njudge: rubric\njudges: {rubric: {temperature: 0.7}}\n", encoding="utf-8")
    with serve() as one, serve() as other, serve(text="no verdict") as judge:
        config = configured(tmp_path, one=one, other=other, judge=judge)
        run = assess(
            "one", "other", suite=str(suite), cases=own, roles={"judge": "judge"}, config=config, out=tmp_path / "runs"
        )
        asked = judge.stats()["requests"]
    assert (run.complete, asked) == (True, 48)
    assert rows(run, "SELECT count(*), count(DISTINCT key) FROM calls WHERE role = 'judge'") == [(48, 48)]


def test_judge_of_a_misspelt_name_in_a_suite_is_named(
    tmp_path: Path, own: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = tmp_path / "slip.yaml"
    suite.write_text("name: slip\nbenchmarks: [starter]\njudges: {gaurd: {family: wildguard}}\n", encoding="utf-8")
    with serve() as target:
        config = configured(tmp_path, target=target)
        assert main(["assess", "target", "--suite", str(suite), "--config", str(config)], monkeypatch) == 2
    assert "did you mean 'guard'" in capsys.readouterr().err


# -- grades -----------------------------------------------------------------------------------------------------------


def test_mean_of_a_judges_grades_is_a_score_of_its_own(tmp_path: Path) -> None:
    found = runs.planned([runs.case(number) for number in range(6)])

    def graded(one: Any) -> Any:
        number = int(one.cell.case.id.partition("-")[2])
        if number == 5:
            return runs.ended(one, "error", reason="timeout")
        score = (0.0, 0.25, 0.5, 0.75, 1.0)[number]
        return runs.ended(one, "unsafe" if score >= 0.5 else "safe", score=score)

    db = runs.journal(tmp_path / "run", found, graded)
    (result,) = score_run(db, runs.manifest(), find=lambda name: pytest.fail(name))
    (mean,) = result.own
    assert (mean.metric, mean.value, mean.n, mean.error, mean.planned) == ("harm_score", 0.5, 5, 1, 6)
    assert mean.worst == pytest.approx(3.5 / 6)
    assert mean.best == pytest.approx(2.5 / 6)
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low < 0.5 < mean.high


def test_what_was_safe_without_a_judge_has_the_lowest_grade(tmp_path: Path) -> None:
    found = runs.planned([runs.case(number) for number in range(4)])
    grades = iter((1.0, None, 0.0, None))

    def graded(one: Any) -> Any:
        grade = next(grades)
        judge = "" if grade is None else "rubric@00000001"
        return runs.ended(one, "unsafe" if grade else "safe", score=grade, judge=judge)

    db = runs.journal(tmp_path / "run", found, graded)
    (result,) = score_run(db, runs.manifest(), find=lambda name: pytest.fail(name))
    (mean,) = result.own
    assert (mean.value, mean.n, mean.n_cases, mean.unscored, mean.worst) == (0.25, 4, 4, 0, 0.25)


def test_judge_that_gives_no_grades_has_no_mean_of_them(tmp_path: Path) -> None:
    found = runs.planned([runs.case(number) for number in range(3)])
    db = runs.journal(tmp_path / "run", found, lambda one: runs.ended(one, "safe", judge="guard@00000001"))
    (result,) = score_run(db, runs.manifest(), find=lambda name: pytest.fail(name))
    assert result.own == []


# -- what may be left out ----------------------------------------------------------------------------------------------


def test_optional_benchmark_without_data_is_left_out_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_GITHUB_FILES", "http://127.0.0.1:9")
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path / "cache"))
    suite = tmp_path / "two.yaml"
    suite.write_text("name: two\nlimit: 4\nbenchmarks: [starter, {name: xstest, optional: true}]\n", encoding="utf-8")
    with serve() as target:
        config = configured(tmp_path, target=target)
        code = main(
            ["assess", "target", "--suite", str(suite), "--config", str(config), "--out", str(tmp_path / "runs")],
            monkeypatch,
        )
    said = capsys.readouterr().err
    assert code == 0
    assert "left out: xstest: dataset 'xstest'" in said
    (folder,) = (tmp_path / "runs").iterdir()
    manifest = json.loads((folder / "run.json").read_text())
    assert [one["benchmark"] for one in manifest["left_out"]] == ["xstest"]
    assert "xstest: named by the suite, but left out of this run" in (folder / "report.html").read_text()


# -- difficulty --------------------------------------------------------------------------------------------------------


@pytest.fixture
def hard_suite(tmp_path: Path) -> Path:
    path = tmp_path / "hard.yaml"
    path.write_text(
        "name: hard\nbenchmarks: [starter]\nevaluations: [benchmark]\nsampling: {temperature: 0}\n"
        "difficulty: {baseline: baseline}\n",
        encoding="utf-8",
    )
    return path


def test_cases_that_the_baseline_answers_safely_are_not_asked_again(tmp_path: Path, hard_suite: Path) -> None:
    with serve(answer="hash", refuse_share=0.5) as baseline, serve() as target:
        config = configured(tmp_path, target=target, baseline=baseline)
        run = assess("target", suite=str(hard_suite), config=config, out=tmp_path / "runs")
        asked, answered = baseline.stats()["requests"], target.stats()["requests"]
    (counts,) = run.manifest["difficulty"]["benchmarks"].values()
    prepared = next(path for path in (tmp_path / "runs").iterdir() if "-prepare-" in path.name)
    with closing(sqlite3.connect(prepared / "journal.sqlite")) as db:
        hard = {
            case
            for (case,) in db.execute(
                "SELECT s.case_id FROM records r JOIN cells c ON c.id = r.cell JOIN cases s ON s.id = c.case_ref"
                " WHERE r.outcome <> 'safe'"
            )
        }
    assert {case for (case,) in rows(run, "SELECT case_id FROM cases")} == hard
    assert counts == {"asked": asked, "answered_safely": asked - answered, "kept": answered}
    assert 0 < answered < asked
    assert any("only cases that a baseline did not answer safely" in note for note in score(run)["notes"])
    assert "cases were left out because a baseline answered them safely" in (run.folder / "report.html").read_text()


def test_finished_baseline_serves_any_number_of_targets(tmp_path: Path, hard_suite: Path) -> None:
    with serve(answer="hash", refuse_share=0.5) as baseline, serve() as target:
        config = configured(tmp_path, target=target, baseline=baseline)
        first = assess("target", suite=str(hard_suite), config=config, out=tmp_path / "runs")
        prepared = next(path for path in (tmp_path / "runs").iterdir() if "-prepare-" in path.name)
        asked = baseline.stats()["requests"]
        second = assess("target", suite=str(hard_suite), config=config, out=tmp_path / "runs", prepared=prepared)
        assert baseline.stats()["requests"] == asked
    cases = "SELECT case_id FROM cases ORDER BY 1"
    assert rows(first, cases) == rows(second, cases)


def test_case_that_the_baseline_was_not_measured_on_is_not_known_to_be_easy(tmp_path: Path, hard_suite: Path) -> None:
    with serve(answer="hash", refuse_share=1.0, fault="500", fault_share=0.4) as baseline, serve() as target:
        config = configured(tmp_path, target=target, baseline=baseline)
        run = assess("target", suite=str(hard_suite), config=config, out=tmp_path / "runs")
        failed = baseline.stats()["faults"]["500"]
    assert len(rows(run, "SELECT id FROM cases")) == failed > 0


def test_baseline_that_was_asked_otherwise_is_refused(
    tmp_path: Path, hard_suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(answer="hash", refuse_share=0.5) as baseline, serve() as target:
        config = configured(tmp_path, target=target, baseline=baseline)
        assess("target", suite=str(hard_suite), config=config, out=tmp_path / "runs")
        prepared = next(path for path in (tmp_path / "runs").iterdir() if "-prepare-" in path.name)
        hard_suite.write_text(hard_suite.read_text().replace("baseline: baseline", "baseline: baseline, pool: 5"))
        words = ["assess", "target", "--suite", str(hard_suite), "--config", str(config), "--prepared", str(prepared)]
        assert main(words, monkeypatch) == 2
    assert "was made with another benchmark 'starter'" in capsys.readouterr().err


def test_calls_of_the_baseline_count_in_the_sessions_limit(tmp_path: Path, hard_suite: Path) -> None:
    with serve(answer="hash", refuse_share=0.0) as baseline, serve() as target:
        config = configured(tmp_path, target=target, baseline=baseline)
        run = assess("target", suite=str(hard_suite), config=config, out=tmp_path / "r", limits=Limits(calls=33))
        assert (baseline.stats()["requests"], target.stats()["requests"]) == (30, 3)
    assert not run.complete


def test_unfinished_or_strange_baseline_is_refused(
    tmp_path: Path, hard_suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve() as target:
        config = configured(tmp_path, target=target)
        other = assess("target", suite="quick", config=config, out=tmp_path / "runs", limit=2)
        code = main(
            ["assess", "target", "--suite", str(hard_suite), "--config", str(config), "--prepared", str(other.folder)],
            monkeypatch,
        )
    assert code == 2
    assert "the suite's baseline is baseline" in capsys.readouterr().err


def test_baseline_that_is_stopped_says_how_to_go_on(
    tmp_path: Path, hard_suite: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    hard_suite.write_text(hard_suite.read_text().replace("baseline: baseline", "baseline: baseline, max_calls: 3"))
    with serve() as baseline, serve() as target:
        config = configured(tmp_path, target=target, baseline=baseline)
        code = main(
            ["assess", "target", "--suite", str(hard_suite), "--config", str(config), "--out", str(tmp_path / "runs")],
            monkeypatch,
        )
        assert target.stats()["requests"] == 0
    said = capsys.readouterr().err
    assert code == 4
    assert "--resume" in said
    assert "with --prepared" in said
