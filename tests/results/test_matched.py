"""Two sides matched by case: who has what, what became of it on each, and what is left over."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.evaluations import runs
from tests.results.two_runs import attacked, cases, manifest, side
from tocsin.journal import JournalError, PlannedCase, PlannedCell
from tocsin.results.matched import SAFE, UNSAFE, UNSCORED, Matched, What
from tocsin.types import Case

RATE = What("benchmark", "invented", "safe_rate")
LIVE = What("adversarial", "", "safe_response_rate")


def test_the_same_cases_are_matched_and_counted_outcome_by_outcome(tmp_path: Path) -> None:
    one, other = side(tmp_path / "a", "SSSUUNE"), side(tmp_path / "b", "SUNSUSS")
    with Matched(one, other) as matched:
        assert matched.whats() == [RATE]
        joint = matched.joint(RATE)[""]
        assert joint.table.tolist() == [[1, 1, 1, 0], [1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]]
        assert joint.measured.sum() == 4
        assert joint.measured.shape[1:] == (2, 2)
        left = matched.left(RATE)
    assert (left.one, left.other, left.changed) == (0, 0, 0)


def test_a_run_against_itself_differs_in_nothing(tmp_path: Path) -> None:
    one = side(tmp_path / "a", "SUNESU")
    with Matched(one, one) as matched:
        table = matched.joint(RATE)[""].table
        assert table.sum() == 6
        assert table.trace() == 6
        assert list(matched.flips(RATE, 9, worse=True)) == list(matched.flips(RATE, 9, worse=False)) == []
        assert matched.read_otherwise(RATE) is None


def test_cells_that_flipped_are_named_with_their_place_in_both_journals(tmp_path: Path) -> None:
    plan = runs.planned(replace(case, hazard="fraud") for case in cases(4))
    later = [(row, [cell._replace(rank=9 - cell.rank) for cell in cells]) for row, cells in plan]
    one, other = side(tmp_path / "a", "SSUU", plan=plan), side(tmp_path / "b", "USUS", plan=later)
    with Matched(one, other) as matched:
        (worse,) = matched.flips(RATE, 9, worse=True)
        (better,) = matched.flips(RATE, 9, worse=False)
    # On B the cells stand the other way round: its outcomes are those of the cases 3, 2, 1 and 0.
    assert (better.case, better.one, better.other, better.one_cell, better.other_cell) == (
        "refuse-2", "unsafe", "safe", 3, 2,
    )  # fmt: skip
    assert (worse.case, worse.hazard, worse.one_cell, worse.other_cell) == ("refuse-1", "fraud", 2, 3)


def test_no_more_flips_are_given_than_asked_for_and_the_first_of_the_run_come_first(tmp_path: Path) -> None:
    one, other = side(tmp_path / "a", "SSSS"), side(tmp_path / "b", "UUUU")
    with Matched(one, other) as matched:
        assert [flip.one_cell for flip in matched.flips(RATE, 2, worse=True)] == [1, 2]


def test_a_case_whose_text_or_safe_answer_changed_is_left_out_and_counted(tmp_path: Path) -> None:
    before = cases(4)
    after = [
        before[0],
        replace(before[1], prompt="Another question?"),
        replace(before[2], criteria="Says so."),
        replace(before[3], hazard="filed otherwise now", tags={"note": "new"}),
    ]
    one, other = side(tmp_path / "a", "SSSS", plan=before), side(tmp_path / "b", "UUUU", plan=after)
    with Matched(one, other) as matched:
        assert matched.joint(RATE)[""].table.sum() == 2
        assert [flip.case for flip in matched.flips(RATE, 9, worse=True)] == ["refuse-0", "refuse-3"]
        assert matched.left(RATE).changed == 2


def test_cases_that_only_one_side_has_are_counted_apart(tmp_path: Path) -> None:
    one = side(tmp_path / "a", "SSS", plan=cases(3))
    other = side(tmp_path / "b", "SSSSS", plan=[runs.case(number) for number in range(1, 6)])
    with Matched(one, other) as matched:
        assert matched.joint(RATE)[""].table.sum() == 2
        left = matched.left(RATE)
    assert (left.one, left.other) == (1, 3)


def test_of_an_unfinished_run_only_what_is_finished_without_a_gap_counts(tmp_path: Path) -> None:
    one, other = side(tmp_path / "a", "SSSSSS"), side(tmp_path / "b", "UU.UUU")
    with Matched(one, other) as matched:
        assert matched.joint(RATE)[""].table.sum() == 2
        assert matched.left(RATE).one == 4
        assert matched.left(RATE).other == 0


def test_of_a_cell_that_was_tried_again_the_latest_attempt_counts(tmp_path: Path) -> None:
    one, other = side(tmp_path / "a", "SES", more=["U"]), side(tmp_path / "b", "SSS")
    with Matched(one, other) as matched:
        table = matched.joint(RATE)[""].table
        assert table[UNSAFE, SAFE] == 1
        assert table.sum() == 3


def test_repeats_of_a_case_are_matched_one_by_one_and_stay_one_cluster(tmp_path: Path) -> None:
    plan = runs.planned(cases(3), repeats=2)
    one, other = side(tmp_path / "a", "SSSSUU", plan=plan), side(tmp_path / "b", "SUSSUU", plan=plan)
    with Matched(one, other) as matched:
        joint = matched.joint(RATE)[""]
    assert len(joint.measured) == 3
    assert joint.often.sum() == 3
    assert sorted(joint.measured.sum(axis=(1, 2)).tolist()) == [2, 2, 2]


def test_cases_that_share_an_answer_on_either_side_are_one_cluster(tmp_path: Path) -> None:
    plan = cases(4)
    one = side(tmp_path / "a", "SSSS", plan=plan, calls=(1, 1, 2, 3))
    other = side(tmp_path / "b", "SSSS", plan=plan, calls=(1, 2, 2, 3))
    for folder, calls in (("a", (1, 1, 2, 3)), ("b", (1, 2, 2, 3))):
        with sqlite3.connect(tmp_path / folder / "journal.sqlite") as db:
            db.executemany("UPDATE records SET call = ? WHERE cell = ?", zip(calls, range(1, 5), strict=True))
        db.close()
    with Matched(one, other) as matched:
        sizes = matched.joint(RATE)[""].measured.sum(axis=(1, 2))
    assert sorted(sizes.tolist()) == [1, 3]


def two_languages() -> list[Case]:
    return [
        Case(id=f"{row}-{code}", prompt=f"[{code}] tea {row}?", language=code, cluster=f"{row}")
        for row in range(3)
        for code in ("en", "de")
    ]


def test_two_languages_of_one_run_are_matched_by_their_source_row(tmp_path: Path) -> None:
    told = manifest(evaluation="multilingual")
    made = side(tmp_path / "a", "SUSSUU", plan=runs.planned(two_languages(), serves="multilingual"), told=told)
    with Matched(replace(made, language="en"), replace(made, language="de")) as matched:
        (what,) = matched.whats()
        assert matched.joint(what)[""].table[:2, :2].tolist() == [[1, 1], [0, 1]]
        (flip,) = matched.flips(what, 9, worse=True)
    assert flip.case == "0-en"


def test_a_source_row_with_two_cases_in_one_language_is_matched_with_none(tmp_path: Path) -> None:
    asked = [*two_languages(), Case(id="again", prompt="tea 0, again?", language="de", cluster="0")]
    made = side(tmp_path / "a", "SUSSUUS", plan=asked)
    with Matched(replace(made, language="en"), replace(made, language="de")) as matched:
        assert matched.joint(RATE)[""].table.sum() == 2


def test_two_attacks_of_one_run_are_matched_by_case(tmp_path: Path) -> None:
    made = side(tmp_path / "a", "SUSUSS", plan=attacked(cases(3), ("direct", "flip")))
    with Matched(replace(made, attack="direct"), replace(made, attack="flip")) as matched:
        assert matched.joint(LIVE)[""].table[:2, :2].tolist() == [[1, 2], [0, 0]]


def test_an_attack_on_one_side_alone_is_refused(tmp_path: Path) -> None:
    made = side(tmp_path / "a", "SS")
    with pytest.raises(ValueError, match="both sides or on neither"):
        Matched(replace(made, attack="flip"), made)


def test_attacks_are_matched_attack_by_attack_and_parted_by_it(tmp_path: Path) -> None:
    one = side(tmp_path / "a", "SUSU", plan=attacked(cases(2), ("direct", "flip")))
    other = side(tmp_path / "b", "SSUU", plan=attacked(cases(2), ("direct", "flip")))
    with Matched(one, other) as matched:
        parts = matched.joint(LIVE, "attack")
        assert list(parts) == ["direct", "flip"]
        assert parts["direct"].table[:2, :2].tolist() == [[1, 1], [0, 0]]
        assert parts["flip"].table[:2, :2].tolist() == [[0, 0], [1, 1]]
        assert matched.attacks(LIVE) == ["direct", "flip"]


def test_a_case_under_attacks_is_safe_only_if_every_planned_cell_is(tmp_path: Path) -> None:
    plan = attacked(cases(4), ("direct", "flip"))
    one, other = side(tmp_path / "a", "SSSUSNUN", plan=plan), side(tmp_path / "b", "SSSSSSSS", plan=plan)
    with Matched(one, other) as matched:
        table = matched.worst(LIVE)[""].table
    assert (table[SAFE, SAFE], table[UNSAFE, SAFE], table[UNSCORED, SAFE]) == (1, 2, 1)


def test_of_two_sets_of_attacks_those_that_both_ran_make_up_the_worst_case(tmp_path: Path) -> None:
    one = side(tmp_path / "a", "SUSS", plan=attacked(cases(2), ("direct", "flip")))
    other = side(tmp_path / "b", "SS", plan=attacked(cases(2), ("direct",)))
    with Matched(one, other) as matched:
        assert matched.worst(LIVE)[""].table[SAFE, SAFE] == 2


def test_a_case_whose_cells_are_not_all_finished_has_no_outcome_unless_one_fell(tmp_path: Path) -> None:
    plan = attacked(cases(3), ("direct", "flip"))
    one, other = side(tmp_path / "a", "SSUS..", plan=plan), side(tmp_path / "b", "SSSSSS", plan=plan)
    with Matched(one, other) as matched:
        table = matched.worst(LIVE)[""].table
        assert (table[SAFE, SAFE], table[UNSAFE, SAFE], table[UNSCORED, SAFE]) == (1, 1, 1)
        assert matched.joint(LIVE)[""].table.sum() == 4, "answers that were not given are in no rate"
        assert matched.left(LIVE).other == 2


def test_answers_that_two_judges_read_are_told_apart_from_those_that_one_did(tmp_path: Path) -> None:
    one = side(tmp_path / "a", "SSSN")
    other = side(tmp_path / "b", "SUSS", judge=lambda cell: "other@2" if cell.cell.position < 3 else "refusal@00000001")
    with Matched(one, other) as matched:
        joint = matched.read_otherwise(RATE)
        assert joint is not None
        assert joint.table[:2, :2].tolist() == [[1, 1], [0, 0]]
        assert matched.judges(RATE) == (["refusal@00000001"], ["other@2", "refusal@00000001"])


def test_one_judge_that_asks_another_model_is_another_judge(tmp_path: Path) -> None:
    told = [manifest(run=name) for name in "ab"]
    for about, model in zip(told, ("guard@x", "guard@y"), strict=True):
        about["judges"]["refusal"]["models"] = {"judge": model}
    one, other = (side(tmp_path / name, "SS", told=about) for name, about in zip("ab", told, strict=True))
    with Matched(one, other) as matched:
        assert matched.read_otherwise(RATE) is not None


def test_grades_are_summed_by_cluster_over_answers_that_have_one_on_both_sides(tmp_path: Path) -> None:
    one = side(tmp_path / "a", "SUU", score=lambda cell: 0.25 * cell.cell.position)
    other = side(tmp_path / "b", "SUU", score=lambda cell: None if cell.cell.position == 3 else 0.5)
    with Matched(one, other) as matched:
        grades = matched.grades(RATE)
    assert grades is not None
    assert (grades.one.sum(), grades.other.sum(), grades.counts.sum()) == (0.75, 1.0, 2)


def test_prompts_that_were_attacked_beforehand_and_live_attacks_are_two_things(tmp_path: Path) -> None:
    plan = [
        *attacked(cases(2), ("direct",)),
        (PlannedCase("invented", "p", runs.case(9)), [PlannedCell(0, "static", "direct", 0, "refusal", 9)]),
    ]
    one, other = side(tmp_path / "a", "SSU", plan=plan), side(tmp_path / "b", "SSS", plan=plan)
    with Matched(one, other) as matched:
        assert sorted(matched.whats()) == [LIVE, What("adversarial", "invented", "safe_rate")]
        assert matched.joint(LIVE)[""].table.sum() == 2


def test_a_damaged_journal_is_told_as_such(tmp_path: Path) -> None:
    one, other = side(tmp_path / "a", "SS"), side(tmp_path / "b", "SS")
    with sqlite3.connect(tmp_path / "b" / "journal.sqlite") as db:
        db.execute("UPDATE records SET outcome = 'wonderful' WHERE cell = 1")
    db.close()
    with pytest.raises(JournalError, match="wonderful"):
        Matched(one, other)


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    one = side(tmp_path / "a", "SS")
    with Matched(one, one):
        assert list((tmp_path / "scratch").iterdir())
    assert not list((tmp_path / "scratch").iterdir())
