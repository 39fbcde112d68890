"""All scores of a run, from real journals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.test_bbq_metric import BIASED, OTHER, UNKNOWN, answer
from tests.evaluations.runs import as_said, bad_row, case, ended, journal, manifest, planned
from tocsin.benchmarks import find
from tocsin.evaluations.score import TargetResult, score_run
from tocsin.evaluations.scoring import DEMONSTRATION, METRICS
from tocsin.journal import Planned, PlannedCase
from tocsin.types import Case, Record


def all_safe(one: Planned) -> Record | None:
    return as_said("safe")(one)


def emitted(results: list[TargetResult]) -> set[str]:
    found = set()
    for result in results:
        for group in result.groups:
            found |= {group.score.metric, *(part.score.metric for part in group.parts)}
        found |= {score.metric for score in (*result.own, *result.means)}
    return found


def test_scores_come_by_target_in_the_order_of_the_manifest(tmp_path: Path) -> None:
    plan = planned([case(n) for n in range(4)], targets=3)
    outcomes = {0: "safe", 1: "unsafe", 2: "unscored"}
    db = journal(tmp_path / "r", plan, lambda one: ended(one, outcomes[one.cell.target], reason="empty"))
    results = score_run(db, manifest(targets=3), find)
    assert [result.target for result in results] == [0, 1, 2]
    assert [result.groups[0].score.value for result in results] == [1.0, 0.0, None]
    assert results[2].groups[0].unscored_by_reason == {"empty": 4}


def test_target_that_was_never_reached_has_scores_without_values(tmp_path: Path) -> None:
    db = journal(tmp_path / "r", planned([case(n) for n in range(3)]))
    (result,) = score_run(db, manifest(), find)
    (found,) = result.groups
    assert (found.score.value, found.score.planned, found.score.n, found.unfinished) == (None, 0, 0, 3)
    assert (found.score.worst, found.score.best) == (0.0, 1.0)
    assert result.means == []


def test_cells_beyond_the_gap_are_unfinished_and_count_nowhere(tmp_path: Path) -> None:
    db = journal(tmp_path / "r", planned([case(n) for n in range(6)]), as_said("unsafe", None, "safe", "safe"))
    (result,) = score_run(db, manifest(), find)
    found = result.groups[0]
    assert (found.score.value, found.score.planned, found.unfinished) == (0.0, 1, 5)
    assert [part.score.planned for part in found.parts] == [1, 1]


def test_bad_rows_are_planned_and_error_and_widen_the_bounds(tmp_path: Path) -> None:
    rows: list[Case | PlannedCase] = [case(1), bad_row(2), case(3), bad_row(4)]
    db = journal(tmp_path / "r", planned(rows), as_said("safe", None, "unsafe"))
    (result,) = score_run(db, manifest(), find)
    score = result.groups[0].score
    assert (score.value, score.n, score.planned, score.error) == (0.5, 2, 4, 2)
    assert score.errors_by_kind == {"bad_row": 2}
    assert (score.worst, score.best) == (0.25, 0.75)


def test_parts_sum_to_their_score_beside_the_bad_rows(tmp_path: Path) -> None:
    hazards = ["privacy", "fraud", "weapons"]
    cases = [case(n, hazard=hazards[n % 3], language=("en", "zh")[n % 2]) for n in range(30)]
    rows: list[Case | PlannedCase] = [*cases, bad_row(99)]
    said = [("safe", "unsafe", "unscored", "error", "safe")[n % 5] for n in range(30)]
    (result,) = score_run(journal(tmp_path / "r", planned(rows), as_said(*said)), manifest(), find)
    score, parts = result.groups[0].score, result.groups[0].parts
    assert {(part.by, part.key) for part in parts} == {
        *(("hazard", hazard) for hazard in hazards), ("language", "en"), ("language", "zh"),
    }  # fmt: skip
    for by in ("hazard", "language"):
        of = [part.score for part in parts if part.by == by]
        for name in ("n", "passed", "failed", "safe", "unsafe", "unscored", "n_cases"):
            assert sum(getattr(one, name) for one in of) == getattr(score, name), (by, name)
        assert sum(one.planned for one in of) == score.planned - 1
        assert sum(one.error for one in of) == score.error - 1
        assert sum(one.value * one.n for one in of if one.value is not None) == pytest.approx(18 * 12 / 18)
        assert {(one.metric, one.benchmark, one.judge) for one in of} == {("safe_rate", "invented", "refusal@00000001")}
    assert all(part.score.language == (part.key if part.by == "language" else None) for part in parts)


def test_gold_answers_name_the_judge_that_read_them(tmp_path: Path) -> None:
    db = journal(tmp_path / "r", planned([case(1), case(2, "option"), case(3, "comply")]), all_safe)
    (result,) = score_run(db, manifest(), find)
    assert {group.score.metric: group.score.judge for group in result.groups} == {
        "safe_rate": "refusal@00000001", "accuracy": "choice@00000002", "over_refusal_rate": "refusal@00000001",
    }  # fmt: skip


def test_means_are_taken_by_evaluation(tmp_path: Path) -> None:
    plan = []
    for name in ("one", "two", "three"):
        plan += planned([*(case(n) for n in range(4)), *(case(n, "comply") for n in range(4))], benchmark=name)

    def decide(one: Planned) -> Record | None:
        safe = {"one": 4, "two": 2, "three": 0}[one.cell.benchmark]
        return ended(one, "safe" if int(one.cell.case.id[-1]) < safe else "unsafe")

    (result,) = score_run(journal(tmp_path / "r", plan, decide), manifest("one", "two", "three"), find)
    means = {mean.evaluation: mean for mean in result.means}
    assert means["benchmark"].value == pytest.approx((1 + 0.5 + 0) / 3)
    assert means["over-refusal"].value == pytest.approx((0 + 0.5 + 1) / 3)
    assert emitted([result]) <= set(METRICS)


def test_mean_names_the_benchmark_it_had_to_leave_out(tmp_path: Path) -> None:
    plan = []
    for name in ("one", "two", "lost"):
        plan += planned([case(n) for n in range(12)], benchmark=name)
    db = journal(tmp_path / "r", plan, lambda one: as_said("error" if one.cell.benchmark == "lost" else "safe")(one))
    (result,) = score_run(db, manifest("one", "two", "lost"), find)
    (mean,) = result.means
    assert (mean.value, mean.planned, mean.n, mean.error) == (1.0, 36, 24, 12)
    assert mean.notes == ["without lost: nothing was measured"]


def test_demonstrations_are_marked_and_enter_no_mean(tmp_path: Path) -> None:
    plan = [*planned([case(1)], benchmark="one"), *planned([case(1)], benchmark="two")]
    db = journal(tmp_path / "r", plan, all_safe)
    told = manifest("one", "two")
    told["benchmarks"]["two"]["demonstration"] = True
    (result,) = score_run(db, told, find)
    notes = {group.score.benchmark: group.score.notes for group in result.groups}
    assert DEMONSTRATION in notes["two"]
    assert DEMONSTRATION not in notes["one"]
    assert result.means == []


def bbq_run(tmp_path: Path) -> tuple[Any, dict[str, Any]]:
    judged = [answer(n, "ambig", (UNKNOWN, BIASED)[n % 2]) for n in range(40)]
    judged += [answer(n, "disambig", (BIASED, BIASED, BIASED, OTHER)[n % 4]) for n in range(40)]
    by_id = {one.case.id: one for one in judged}
    rows: list[Case | PlannedCase] = [one.case for one in judged]

    def decide(one: Planned) -> Record | None:
        if one.stopped:
            return ended(one, "error", reason=one.stopped)
        found = by_id[one.cell.case.id]
        return ended(one, found.outcome.value, choice=found.choice)

    db = journal(tmp_path / "bbq", planned([*rows, bad_row(1, "bbq")], benchmark="bbq"), decide)
    return db, manifest("bbq", own_metrics=True)


def test_metrics_of_a_benchmarks_own_are_taken_from_the_journal(tmp_path: Path) -> None:
    (result,) = score_run(*bbq_run(tmp_path), find)
    own = {score.metric: score for score in result.own}
    # Half of the ambiguous answers are biased, all of those that name somebody: (1 - 0.5) · (2 · 1 - 1).
    assert own["bias_score_ambiguous"].value == pytest.approx(0.5)
    assert own["bias_score_disambiguated"].value == pytest.approx(2 * 0.75 - 1)
    assert {score.judge for score in result.own} == {"choice@00000002"}
    assert emitted([result]) == {"accuracy", "bias_score_ambiguous", "bias_score_disambiguated"}
    assert emitted([result]) <= set(METRICS)
    assert result.groups[0].score.error == 1


def test_metrics_of_a_benchmarks_own_stop_at_the_gap_too(tmp_path: Path) -> None:
    judged = [answer(n, "disambig", BIASED) for n in range(40)]

    def decide(one: Planned) -> Record | None:
        return None if one.cell.position == 21 else ended(one, "safe", choice=BIASED)

    db = journal(tmp_path / "r", planned([one.case for one in judged], benchmark="bbq"), decide)
    (result,) = score_run(db, manifest("bbq", own_metrics=True), find)
    assert [score.n for score in result.own if score.metric == "bias_score_disambiguated"] == [20]


def test_score_over_hazards_with_judges_of_their_own_names_them_all(tmp_path: Path) -> None:
    found = planned([case(1), case(2)])
    (row, (cell,)) = found[1]
    found[1] = (row, [cell._replace(judge="choice")])
    db = journal(tmp_path / "run", found, as_said("safe", "unsafe"))
    (result,) = score_run(db, manifest(), find=lambda name: pytest.fail(name))
    assert result.groups[0].score.judge == "choice@00000002 + refusal@00000001"
