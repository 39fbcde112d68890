"""Boards of real journals: what is ranked with what, what is not ranked and why, and how often an order is wrong."""

from __future__ import annotations

import json
import math
import shutil
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.results import gated
from tests.results.made_runs import made
from tocsin.api import leaderboard, load_run
from tocsin.journal import JournalError
from tocsin.results.finished import unfinished
from tocsin.results.leaderboard import MERGEABLE, MISSING_CAP
from tocsin.results.leaderboard.clusters import Store, Units
from tocsin.results.leaderboard.comparing import Laid, paired
from tocsin.results.leaderboard.figures import unfit
from tocsin.results.leaderboard.joint import Joint, correlations
from tocsin.results.leaderboard.ranking import rank
from tocsin.results.matched import ERROR, SAFE, UNSAFE, UNSCORED, Matched, Side
from tocsin.stats import clustered_proportion, macro_mean
from tocsin.stats.mcnemar import mcnemar_exact


def of(**counts: int) -> list[str]:
    """Outcomes in the order that they are named: ``of(safe=3, unsafe=1)``."""
    return [outcome for outcome, count in counts.items() for _ in range(count)]


def only(found: dict[str, Any], evaluation: str | None = "benchmark", kind: str = "boards") -> dict[str, Any]:
    (board,) = [one for one in found[kind] if one["evaluation"] == evaluation]
    return dict(board)


def ranks(board: dict[str, Any]) -> dict[str, tuple[int | None, int | None]]:
    return {row["model"]: (row["rank_low"], row["rank_high"]) for row in board["rows"]}


def whys(board: dict[str, Any]) -> dict[str, str]:
    return {row["model"]: row["why"] for row in board["rows"] if row["why"]}


def test_models_that_differ_have_ranks_of_their_own_and_those_that_do_not_are_tied(tmp_path: Path) -> None:
    found = leaderboard(
        [
            made(tmp_path / "a", "lab/a", {"set": of(safe=95, unsafe=5)}),
            made(tmp_path / "b", "lab/b", {"set": of(safe=93, unsafe=7)}),
            made(tmp_path / "c", "lab/c", {"set": of(safe=40, unsafe=60)}),
        ]
    )
    board = only(found)
    assert ranks(board) == {"lab/a": (1, 2), "lab/b": (1, 2), "lab/c": (3, 3)}
    assert board["rows"][0]["tied_with"] == [{"model": "lab/b", "run": "b"}]
    assert [pair["better"] for pair in board["pairs"]] == [None, "first", "first"]
    assert {pair["method"] for pair in board["pairs"]} == {"paired"}
    assert [row["value"] for row in board["rows"]] == [0.95, 0.93, 0.40]
    assert all(row["low"] < row["value"] < row["high"] for row in board["rows"])


def test_a_pair_is_paired_and_its_p_is_mcnemars(tmp_path: Path) -> None:
    found = leaderboard(
        [
            made(tmp_path / "a", "lab/a", {"set": of(safe=60, unsafe=40)}),
            made(tmp_path / "b", "lab/b", {"set": of(safe=54, unsafe=46)}),
        ]
    )
    (pair,) = only(found)["pairs"]
    assert pair["p"] == pytest.approx(2 * 0.5**6), "six cases went otherwise, all in one direction"
    assert pair["p_holm"] == pair["p"]
    assert pair["difference"] == pytest.approx(0.06)
    assert 0 < pair["low"] < 0.06 < pair["high"]
    assert pair["better"] == "first"


def test_pairs_agree_with_cells_that_are_matched_one_by_one(tmp_path: Path) -> None:
    first = made(tmp_path / "a", "lab/a", {"set": of(safe=90, unsafe=5, unscored=5)})
    second = made(tmp_path / "b", "lab/b", {"set": of(unsafe=40, safe=55, error=5)})
    with Matched(*(Side(folder=run, manifest=load_run(run).manifest) for run in (first, second))) as matched:
        (what,) = matched.whats()
        table = matched.joint(what)[""].table
        left = matched.left(what)
    assert (left.one, left.other, left.changed) == (0, 0, 0)
    (pair,) = only(leaderboard([first, second]))["pairs"]
    assert (pair["method"], pair["models"]) == ("paired", ["lab/a", "lab/b"])
    # What the one lacks counts as bad, what the other lacks as good.
    one_alone, other_alone = int(table[SAFE, UNSAFE]), int(table[UNSAFE:, [SAFE, UNSCORED, ERROR]].sum())
    assert (one_alone, other_alone) == (40, 10)
    assert pair["p"] == pytest.approx(mcnemar_exact(one_alone, other_alone))
    assert pair["better"] == "first"


def test_two_targets_of_one_run_are_compared_case_by_case(tmp_path: Path) -> None:
    run = made(tmp_path / "a", ("lab/a", "lab/b"), {"set": [of(safe=60, unsafe=40), of(safe=40, unsafe=60)]})
    board = only(leaderboard([run]))
    assert ranks(board) == {"lab/a": (1, 1), "lab/b": (2, 2)}
    assert board["pairs"][0]["method"] == "paired"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"judge": "other@2"}, "judge"),
        ({"suite": 2}, "suite"),
        ({"version": 2}, "benchmark"),
        ({"data": "other"}, "data"),
        ({"limit": 50}, "sample"),
    ],
)
def test_scores_under_other_conditions_are_on_boards_of_their_own(
    tmp_path: Path, changes: dict[str, Any], what: str
) -> None:
    runs = [
        made(tmp_path / "a", "lab/a", {"set": of(safe=95, unsafe=5)}),
        made(tmp_path / "b", "lab/b", {"set": of(safe=40, unsafe=60)}, **changes),
    ]
    found = leaderboard(runs)
    assert [ranks(board) for board in found["boards"]] == [{"lab/a": (1, 1)}, {"lab/b": (1, 1)}]
    assert {one["what"] for board in found["boards"] for one in board["apart_by"]} == {what}
    merged = leaderboard(runs, across=[what])
    board = only(merged)
    assert ranks(board) == {"lab/a": (1, 1), "lab/b": (2, 2)}
    assert merged["across"] == [what]
    assert {one["what"] for one in board["across"]} == {what}
    assert {name for one in board["across"] for value in one["values"] for name in value["models"]} == {
        "lab/a",
        "lab/b",
    }


def test_only_named_conditions_can_be_looked_over(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="colour is no condition to look over; give one of judge"):
        leaderboard([made(tmp_path / "a", "lab/a", {"set": of(safe=1)})], across=["colour"])
    assert "over" not in MERGEABLE, "means over other benchmarks are never on one board"


def test_a_run_over_a_part_of_the_cases_is_compared_as_independent_and_only_on_request(tmp_path: Path) -> None:
    runs = [
        made(tmp_path / "a", "lab/a", {"set": of(safe=95, unsafe=5)}),
        made(tmp_path / "b", "lab/b", {"set": of(safe=20, unsafe=30)}, limit=50),
    ]
    (pair,) = only(leaderboard(runs, across=["sample"]))["pairs"]
    assert pair["method"] == "independent"
    assert pair["better"] == "first"


def test_other_benchmarks_are_another_board_whatever_is_looked_over(tmp_path: Path) -> None:
    runs = [
        made(tmp_path / "a", "lab/a", {"one": of(safe=9, unsafe=1), "two": of(safe=9, unsafe=1)}),
        made(tmp_path / "b", "lab/b", {"one": of(safe=9, unsafe=1), "three": of(safe=9, unsafe=1)}),
    ]
    found = leaderboard(runs, across=MERGEABLE)
    assert sorted(board["over"] for board in found["boards"]) == [["one", "three"], ["one", "two"]]
    shared = [board for board in found["components"] if board["benchmark"] == "one"]
    assert [ranks(board) for board in shared] == [{"lab/a": (1, 2), "lab/b": (1, 2)}], "what both have is compared"


def test_demonstrations_unfinished_runs_and_empty_ones_are_listed_with_a_reason_and_not_ranked(tmp_path: Path) -> None:
    found = leaderboard(
        [
            made(tmp_path / "a", "lab/a", {"set": of(safe=9, unsafe=1)}),
            made(tmp_path / "b", "lab/demo", {"set": of(safe=10)}, demonstration=True),
            made(tmp_path / "c", "lab/half", {"set": [*of(safe=5), *[""] * 5]}, status="partial"),
            made(tmp_path / "d", "lab/none", {"set": of(error=10)}),
        ]
    )
    board = only(found)
    assert ranks(board) == {
        "lab/a": (1, 1),
        "lab/demo": (None, None),
        "lab/half": (None, None),
        "lab/none": (None, None),
    }
    told = whys(board)
    assert told["lab/demo"].startswith("a demonstration")
    assert told["lab/half"] == "the run is not finished"
    assert told["lab/none"] == "nothing of it was measured"
    (row,) = [row for row in board["rows"] if row["model"] == "lab/none"]
    assert (row["value"], row["worst"], row["best"], row["error"]) == (None, 0.0, 1.0, 1.0)


def test_a_row_with_too_much_missing_is_set_apart(tmp_path: Path) -> None:
    found = leaderboard(
        [
            made(tmp_path / "a", "lab/tenth", {"set": of(safe=90, unscored=5, error=5)}),
            made(tmp_path / "b", "lab/more", {"set": of(safe=89, unscored=6, error=5)}),
        ]
    )
    board = only(found)
    assert MISSING_CAP == 0.1
    assert ranks(board) == {"lab/tenth": (1, 1), "lab/more": (None, None)}
    assert whys(board) == {"lab/more": "11.0% of its planned attempts have no verdict; 10% may lack one"}


def test_missing_answers_make_a_tie_of_an_order(tmp_path: Path) -> None:
    whole = made(tmp_path / "b", "lab/b", {"set": of(safe=80, unsafe=20)})
    sure = leaderboard([made(tmp_path / "a", "lab/a", {"set": of(safe=91, unsafe=9)}), whole])
    assert only(sure)["pairs"][0]["better"] == "first"
    # The same lead, but nine of its answers have no verdict: they may all have been unsafe.
    unsure = leaderboard([made(tmp_path / "c", "lab/c", {"set": of(safe=82, unscored=9, unsafe=9)}), whole])
    board = only(unsure)
    assert board["rows"][0]["value"] > 0.9
    assert ranks(board) == {"lab/c": (1, 2), "lab/b": (1, 2)}
    assert board["pairs"][0]["low"] < 0 < board["pairs"][0]["high"]


def test_a_mean_without_one_of_its_benchmarks_is_not_ranked(tmp_path: Path) -> None:
    sizes = {"one": of(safe=90, unsafe=10), "two": of(safe=90, unsafe=10)}
    found = leaderboard(
        [
            made(tmp_path / "a", "lab/a", {**sizes, "small": of(safe=5, unsafe=5)}),
            made(tmp_path / "b", "lab/b", {**sizes, "small": of(error=10)}),
        ]
    )
    board = only(found)
    assert ranks(board) == {"lab/b": (None, None), "lab/a": (1, 1)}
    assert whys(board)["lab/b"] == "its mean is without small: nothing was measured"


def test_the_same_model_has_a_row_for_each_run_the_latest_first_among_equals(tmp_path: Path) -> None:
    told = {"set": of(safe=9, unsafe=1)}
    found = leaderboard(
        [
            made(tmp_path / "old", "lab/a", told, created="2026-11-01T10:00:00+00:00"),
            made(tmp_path / "new", "lab/a", told, created="2026-11-02T10:00:00+00:00"),
        ]
    )
    rows = only(found)["rows"]
    assert [(row["run"], row["rank_low"], row["rank_high"]) for row in rows] == [("new", 1, 2), ("old", 1, 2)]


def test_a_folder_given_twice_or_copied_counts_once(tmp_path: Path) -> None:
    run = made(tmp_path / "a", "lab/a", {"set": of(safe=9, unsafe=1)})
    (tmp_path / "link").symlink_to(run)
    copy = shutil.copytree(run, tmp_path / "copied")
    found = leaderboard([run, run, tmp_path / "link", copy, load_run(run)])
    assert len(only(found)["rows"]) == 1
    assert [one["run"] for one in found["left_out"]] == ["a"]
    assert "copy of a run" in found["left_out"][0]["why"]


def test_a_copy_under_another_name_counts_once_and_the_same_answers_under_another_judge_do_not(tmp_path: Path) -> None:
    run = gated.run(tmp_path / "a", gated.cases(9, 1, answers=True))
    names = []
    for name, judge in (("renamed", {}), ("rejudged", {"refusal": {"identity": "other@1", "models": {}}})):
        copy = shutil.copytree(run, tmp_path / name)
        told = json.loads((copy / "run.json").read_text(encoding="utf-8"))
        told.update(run=name, created="2026-02-02T00:00:00+00:00", judges={**told["judges"], **judge})
        (copy / "run.json").write_text(json.dumps(told), encoding="utf-8")
        names.append(copy)
    found = leaderboard([run, *names])
    assert [one["run"] for one in found["left_out"]] == ["renamed"]
    assert "copy of a run" in found["left_out"][0]["why"]
    assert sorted(row["run"] for board in found["boards"] for row in board["rows"]) == ["a", "rejudged"]


def test_a_run_that_judges_unfinished_answers_is_not_ranked(tmp_path: Path) -> None:
    part = {"run": "z", "partial": {"cells": 20, "unfinished": 10}}
    whole = {"run": "z", "partial": None}
    found = leaderboard(
        [
            made(tmp_path / "a", "lab/part", {"set": of(safe=10)}, rejudged=part),
            made(tmp_path / "b", "lab/whole", {"set": of(safe=9, unsafe=1)}, rejudged=whole),
        ]
    )
    assert ranks(only(found)) == {"lab/whole": (1, 1), "lab/part": (None, None)}
    assert whys(only(found)) == {"lab/part": "the answers that it judges are those of a run that was not finished"}


def test_a_search_that_is_not_at_its_end_is_not_finished(tmp_path: Path) -> None:
    def searched(name: str, outcomes: list[str]) -> Path:
        run = made(tmp_path / name, f"lab/{name}", {}, attacked={"set": outcomes})
        told = json.loads((run / "run.json").read_text(encoding="utf-8"))
        told["adversarial"]["mode"] = "worst-case"
        (run / "run.json").write_text(json.dumps(told), encoding="utf-8")
        return run

    at_its_end = searched("whole", ["unsafe/"] * 10 + ["safe/safe"] * 90)
    stopped = searched("part", ["unsafe/"] * 10 + ["safe/"] * 90)
    assert "unsought" not in load_run(at_its_end).summary["models"][0]
    assert load_run(stopped).summary["models"][0]["unsought"] == 90
    # A search that was scheduled leaves cells unasked, which do not count as unfinished.
    manifest, model = load_run(stopped).manifest, {**load_run(stopped).summary["models"][0], "unfinished": 0}
    assert unfinished(manifest, model) == "its search for attacks that succeed is not at its end"
    model = {**load_run(at_its_end).summary["models"][0], "unfinished": 0}
    assert unfinished(load_run(at_its_end).manifest, model) is None


def test_a_folder_of_runs_is_read_and_what_is_no_assessment_is_named(tmp_path: Path) -> None:
    made(tmp_path / "runs" / "a", "lab/a", {"set": of(safe=9, unsafe=1)})
    made(tmp_path / "runs" / "b", "lab/b", {"set": of(safe=9, unsafe=1)}, kind="calibration")
    found = leaderboard([tmp_path / "runs"])
    assert list(ranks(only(found))) == ["lab/a"]
    assert found["left_out"] == [{"run": "b", "why": "it is a calibration, and no assessment"}]
    with pytest.raises(JournalError, match="calibrat"):
        leaderboard([tmp_path / "runs" / "b"])
    with pytest.raises(JournalError, match="is no run folder, and holds none"):
        leaderboard([made(tmp_path / "x" / "y", "m", {"set": of(safe=1)}).parent.parent])
    with pytest.raises(ValueError, match="needs runs"):
        leaderboard([])


def test_a_damaged_run_in_a_folder_is_left_out_and_one_that_is_named_is_an_error(tmp_path: Path) -> None:
    made(tmp_path / "runs" / "a", "lab/a", {"set": of(safe=9, unsafe=1)})
    for name, text in (("b", "{"), ("c", "{}")):
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "run.json").write_text(text, encoding="utf-8")
    made(tmp_path / "runs" / "d", "lab/d", {"set": of(safe=9, unsafe=1)})
    (tmp_path / "runs" / "d" / "journal.sqlite").unlink()
    found = leaderboard([tmp_path / "runs"])
    assert list(ranks(only(found))) == ["lab/a"]
    assert sorted(one["run"] for one in found["left_out"]) == ["b", "c", "d"]
    for name in "bcd":
        with pytest.raises(JournalError):
            leaderboard([tmp_path / "runs" / name])


def test_a_small_set_that_lacks_much_can_set_a_mean_apart(tmp_path: Path) -> None:
    told = {"large": of(safe=900, unsafe=100), "small": of(safe=20, unscored=15, unsafe=5)}
    board = only(leaderboard([made(tmp_path / "a", "lab/a", told)]))
    assert whys(board) == {"lab/a": "missing answers could move it by 18.8 points; 10 are allowed"}


def test_transferred_requests_rank_nobody(tmp_path: Path) -> None:
    found = leaderboard([made(tmp_path / "a", "lab/a", {"set": of(safe=9)}, transferred={"run": "other"})])
    assert found["boards"] == []
    assert found["left_out"][0]["run"] == "a"


def test_lower_over_refusal_is_better(tmp_path: Path) -> None:
    wanted = {"benign": "comply"}
    found = leaderboard(
        [
            made(tmp_path / "a", "lab/prim", {"benign": of(safe=50, unsafe=50)}, wanted=wanted),
            made(tmp_path / "b", "lab/kind", {"benign": of(safe=95, unsafe=5)}, wanted=wanted),
        ]
    )
    board = only(found, "over-refusal")
    assert board["lower_is_better"]
    assert [(row["model"], row["value"], row["rank_high"]) for row in board["rows"]] == [
        ("lab/kind", 0.05, 1),
        ("lab/prim", 0.5, 2),
    ]
    (pair,) = board["pairs"]
    assert (pair["better"], pair["difference"]) == ("first", pytest.approx(-0.45))
    assert pair["low"] < pair["difference"] < pair["high"] < 0


def test_under_attack_models_are_compared_by_query(tmp_path: Path) -> None:
    strong = ["safe/safe"] * 70 + ["safe/unsafe"] * 30
    weak = ["safe/safe"] * 30 + ["safe/unsafe"] * 40 + ["unsafe/unsafe"] * 30
    found = leaderboard(
        [
            made(tmp_path / "a", "lab/a", {}, attacked={"set": strong}),
            made(tmp_path / "b", "lab/b", {}, attacked={"set": weak}),
        ]
    )
    pooled = only(found, "adversarial")
    assert pooled["metric"] == "safe_response_rate"
    assert [row["value"] for row in pooled["rows"]] == [0.85, 0.5]
    assert pooled["pairs"][0]["method"] == "paired"
    (worst,) = [board for board in found["components"] if board["metric"] == "safe_worst"]
    assert [row["value"] for row in worst["rows"]] == [0.7, 0.3]
    assert worst["pairs"][0]["p"] == pytest.approx(2 * 0.5**40)
    assert ranks(worst) == {"lab/a": (1, 1), "lab/b": (2, 2)}


def test_the_mean_of_a_modality_is_over_its_evaluations_and_not_over_refusal(tmp_path: Path) -> None:
    run = made(
        tmp_path / "a",
        "lab/a",
        {"set": of(safe=90, unsafe=10), "benign": of(safe=5, unsafe=5)},
        wanted={"benign": "comply"},
        attacked={"hard": ["safe/unsafe"] * 100},
    )
    (board,) = leaderboard([run])["means"]
    (row,) = board["rows"]
    assert (board["modality"], board["evaluation"], row["value"]) == ("language", None, pytest.approx(0.7))
    assert row["low"] < 0.7 < row["high"]
    assert board["over"] == ["benchmark: safe_rate", "adversarial: safe_response_rate"]
    assert row["planned"] == 300


def test_a_mean_over_evaluations_of_the_same_cases_is_no_surer_than_one_of_them(tmp_path: Path) -> None:
    def twice(name: str, bad: range) -> Path:
        outcomes = ["unsafe" if number in bad else "safe" for number in range(60)]
        return made(
            tmp_path / name, f"lab/{name}", {"set": outcomes}, attacked={"set": [f"{one}/{one}" for one in outcomes]}
        )

    found = leaderboard([twice("a", range(2)), twice("b", range(10, 19))])
    one, mean = only(found), only(found, None, "means")
    assert one["pairs"][0]["p"] == pytest.approx(mcnemar_exact(2, 9))
    assert one["pairs"][0]["p"] > 0.05
    # Each evaluation says the same of each case, so the mean says nothing more than either.
    assert mean["pairs"][0]["method"] == "paired"
    assert mean["pairs"][0]["p"] == pytest.approx(one["pairs"][0]["p"], abs=0.01)
    assert ranks(mean) == {"lab/a": (1, 2), "lab/b": (1, 2)}
    for row, single in zip(mean["rows"], one["rows"], strict=True):
        assert row["value"] == pytest.approx(single["value"])
        assert row["high"] - row["low"] >= 0.99 * (single["high"] - single["low"])
    pair, single = mean["pairs"][0], one["pairs"][0]
    assert pair["high"] - pair["low"] >= 0.99 * (single["high"] - single["low"])


def test_a_mean_over_evaluations_of_other_cases_is_surer_than_one_of_them(tmp_path: Path) -> None:
    told = of(safe=80, unsafe=20)
    attacked = {"other": [f"{one}/{one}" for one in told]}
    found = leaderboard([made(tmp_path / "a", "lab/a", {"set": told}, attacked=attacked)])
    (single,), (row,) = only(found)["rows"], only(found, None, "means")["rows"]
    assert row["high"] - row["low"] < 0.75 * (single["high"] - single["low"])


def test_runs_that_may_stop_are_compared_by_sequences_that_hold_together(tmp_path: Path) -> None:
    rule = {"stopping": {"precision": 0.05}}
    order = np.random.default_rng(1).permutation(400)
    outcomes = {
        name: [("safe" if number < most else "unsafe") for number in order.tolist()]
        for name, most in (("good", 380), ("near", 372), ("bad", 120))
    }
    runs = [made(tmp_path / name, f"lab/{name}", {"set": some}, **rule) for name, some in outcomes.items()]
    board = only(leaderboard(runs))
    assert ranks(board) == {"lab/good": (1, 2), "lab/near": (1, 2), "lab/bad": (3, 3)}
    assert {pair["method"] for pair in board["pairs"]} == {"confidence sequences"}
    assert {pair["p"] for pair in board["pairs"]} == {None}
    fixed = made(tmp_path / "fixed", "lab/fixed", {"set": outcomes["bad"]})
    mixed = only(leaderboard([*runs, fixed], across=["stopping"]))
    assert ranks(mixed)["lab/fixed"] == (1, 1)
    assert "no test holds between them" in whys(mixed)["lab/good"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_value_that_is_no_number_is_not_ranked(value: float) -> None:
    score = {"value": value, "low": 0.1, "high": 0.9, "n": 5, "notes": [], "worst": 0.5, "best": 0.5}
    assert unfit(score, 0.0) == "no value: there are bounds alone"
    assert unfit({**score, "value": 0.5, "low": value}, 0.0) == "it has no interval"


def test_clusters_that_share_an_answer_on_either_side_are_one_on_both() -> None:
    def units(root: Sequence[int]) -> Units:
        ones = np.ones(4, dtype=np.int64)
        names = np.arange(4, dtype=np.int64)
        return Units(names, names * 7, ones, ones, ones, np.array(root, dtype=np.int64))

    with Store() as store:
        store.keep(0, "part", units([0, 0, 2, 3]))
        store.keep(1, "part", units([0, 1, 1, 3]))
        store.keep(2, "part", units([0, 1, 2, 3]))
        both = store.same(0, 1, ["part"])
        assert both is not None
        assert sorted(both[0].one[2].tolist()) == sorted(both[0].other[2].tolist()) == [1, 3]
        assert store.same(2, 2, ["part"]) is not None
        other = Units(*(np.arange(4, dtype=np.int64) for _ in range(6)))
        store.keep(3, "part", other)
        assert store.same(0, 3, ["part"]) is None, "the same names, and other requests"


def false_orders(missing: float, *, drawn: int, naive: bool = False) -> float:
    """How often four models that are equally safe get an order, over draws; of one of them the bad answers are missing."""
    rng, wrong, size, models = np.random.default_rng(7), 0, 150, 4
    least = statistics.NormalDist().inv_cdf(0.85)
    for _ in range(drawn):
        case = rng.normal(size=size)
        sides = []
        for model in range(models):
            passed = ((case + rng.normal(size=size)) / math.sqrt(2) < least).astype(np.int64)
            measured = np.ones(size, dtype=np.int64)
            gone = np.flatnonzero(passed == (0 if model == 0 else 1))[: int(missing * size)]
            measured[gone] = 0
            planned = measured if naive else np.ones(size, dtype=np.int64)
            sides.append((passed * measured, measured, planned))
        found = rank(models, lambda i, j, level, sides=sides: paired([Laid(1.0, sides[i], sides[j])], level))  # type: ignore[misc]
        wrong += any(pair["better"] for pair in found.pairs)
    return wrong / drawn


def test_equal_models_get_an_order_in_at_most_a_twentieth_of_the_draws() -> None:
    assert false_orders(0.0, drawn=300) <= 0.05


def test_answers_that_are_missing_where_it_helps_most_order_nothing_either() -> None:
    assert false_orders(0.1, drawn=150) <= 0.05
    assert false_orders(0.1, drawn=60, naive=True) > 0.5, (
        "leaving them out would call the model better that hides its failures"
    )


def of_shared_cases(*, drawn: int, joint: bool) -> tuple[float, float]:
    """How often two equal models get an order by a mean over plain and attacked answers to the same cases, and how often the
    95% limits of the one's mean hold the truth. Nine of ten answers under attack are those without one."""
    rng, wrong, held, size, rate, evaluations = np.random.default_rng(3), 0, 0, 100, 0.6, 3
    names, ones = np.arange(size, dtype=np.int64), np.ones(size, dtype=np.int64)
    for _ in range(drawn):
        sides = []
        for _model in range(2):
            plain = (rng.random(size) < rate).astype(np.int64)
            again = [
                np.where(rng.random(size) < 0.1, rng.random(size) < rate, plain).astype(np.int64)
                for _ in range(evaluations - 1)
            ]
            sides.append([plain, *again])
        laid = [
            Laid(1 / evaluations, (one, ones, ones), (other, ones, ones), names if joint else None)
            for one, other in zip(*sides, strict=True)
        ]
        wrong += rank(2, lambda i, j, level, laid=laid: paired(laid, level)).pairs[0]["better"] is not None  # type: ignore[misc]
        mine = Joint([names if joint else None] * evaluations, [size] * evaluations)
        residuals = [(one - one.mean()) / size for one in sides[0]]
        tied = correlations(mine.covariances(residuals, [1 / size] * evaluations))
        mean = macro_mean([clustered_proportion(one, ones) for one in sides[0]], tied.tolist())
        held += mean.low <= rate <= mean.high
    return wrong / drawn, held / drawn


def test_evaluations_that_hold_the_same_cases_make_no_order_of_equal_models() -> None:
    wrong, held = of_shared_cases(drawn=150, joint=True)
    assert wrong <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 150)
    assert held >= 0.92
    wrong, held = of_shared_cases(drawn=40, joint=False)
    assert wrong > 0.12, "as if the evaluations were independent"
    assert held < 0.85


def test_another_system_prompt_of_the_suite_is_another_condition_and_is_not_told(tmp_path: Path) -> None:
    runs = []
    for name, system in (("a", "You are kind."), ("b", "You are blunt.")):
        run = made(tmp_path / name, f"lab/{name}", {"set": of(safe=9, unsafe=1)})
        told = json.loads((run / "run.json").read_text(encoding="utf-8"))
        told["suite"]["benchmarks"] = [{"name": "set", "system": system}]
        (run / "run.json").write_text(json.dumps(told), encoding="utf-8")
        runs.append(run)
    found = leaderboard(runs)
    assert {one["what"] for board in found["boards"] for one in board["apart_by"]} == {"system"}
    assert "blunt" not in json.dumps(found)


def test_weights_are_the_model_and_no_condition(tmp_path: Path) -> None:
    def target(name: str, **parameters: Any) -> dict[str, Any]:
        return {"name": name, "identity": name, "parameters": parameters, "capabilities": {}}

    told = {"set": of(safe=9, unsafe=1)}
    found = leaderboard(
        [
            made(tmp_path / "a", "local/a", told, targets=[target("local/a", weights="a.gguf", max_tokens=48)]),
            made(tmp_path / "b", "local/b", told, targets=[target("local/b", weights="b.gguf", max_tokens=48)]),
            made(tmp_path / "c", "local/c", told, targets=[target("local/c", weights="b.gguf", max_tokens=9)]),
        ]
    )
    assert [sorted(ranks(board)) for board in found["boards"]] == [["local/a", "local/b"], ["local/c"]]
