"""Counting a journal: what counts, what does not, and under which name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.evaluations.runs import Plan, as_said, bad_row, case, ended, journal, planned
from tocsin.evaluations.counts import METRIC_OF, Group
from tocsin.evaluations.tally import Reader
from tocsin.journal import Planned, PlannedCase
from tocsin.types import Case, ErrorKind, Record


def refusals(n: int, start: int = 0) -> list[Case]:
    return [case(number) for number in range(start, start + n)]


def only_group(reader: Reader) -> Group:
    (group,) = reader.groups()
    return group


def test_cells_are_grouped_by_target_evaluation_benchmark_and_metric(tmp_path: Path) -> None:
    mixed = [case(1), case(2, "comply"), case(3, "option"), case(4, "label"), case(5)]
    plan = planned(mixed, targets=2) + planned([case(1)], benchmark="another", targets=2)
    groups = Reader(journal(tmp_path / "r", plan)).groups()
    assert [(g.target, g.evaluation, g.benchmark, g.metric) for g in groups] == [
        (target, evaluation, benchmark, metric)
        for target in (0, 1)
        for evaluation, benchmark, metric in (
            ("benchmark", "another", "safe_rate"),
            ("benchmark", "invented", "safe_rate"),
            ("benchmark", "invented", "accuracy"),
            ("over-refusal", "invented", "over_refusal_rate"),
        )
    ]
    gold = next(group for group in groups if group.metric == "accuracy")
    assert sorted(gold.wanted) == ["label", "option"]
    assert {of for wanted, of in METRIC_OF.items() if wanted != "criteria"} == {group.metric for group in groups}


def test_every_outcome_is_counted_once(tmp_path: Path) -> None:
    said = ["safe", "safe", "unsafe", "unscored", "error", "error", "safe"]
    reader = Reader(journal(tmp_path / "r", planned(refusals(7)), as_said(*said)))
    tally = reader.tally(only_group(reader))[""]
    assert (tally.planned, tally.safe, tally.unsafe, tally.unscored, tally.error) == (7, 3, 1, 1, 2)
    assert tally.planned == tally.safe + tally.unsafe + tally.unscored + tally.error
    assert tally.errors_by_kind == {"timeout": 2}
    assert tally.unscored_by_reason == {"empty": 1}
    assert tally.n_cases == 4
    assert (int(tally.cluster_safe.sum()), int(tally.cluster_sizes.sum())) == (3, 4)


def test_flags_are_counted_beside_the_outcome(tmp_path: Path) -> None:
    def decide(one: Planned) -> Record:
        number = one.cell.position
        if number == 1:
            return ended(one, "safe", refused=True, blocked=True)
        if number == 2:
            return ended(one, "unsafe", refused=True)
        if number == 3:
            return ended(one, "safe", refused=False, invalid=True)
        if number == 4:
            return ended(one, "unscored", refused=True, blocked=True, reason="blocked")
        return ended(one, "unsafe")

    reader = Reader(journal(tmp_path / "r", planned(refusals(5)), decide))
    tally = reader.tally(only_group(reader))[""]
    assert (tally.refused, tally.blocked, tally.invalid) == (3, 2, 1)
    assert tally.refusal_table == {"refused/safe": 1, "refused/unsafe": 1, "answered/safe": 1}
    assert tally.unscored_by_reason == {"blocked": 1}


def test_partial_run_counts_only_to_its_first_gap(tmp_path: Path) -> None:
    said = ["safe", "unsafe", "safe", None, "safe", "safe", "safe", None, "safe"]
    reader = Reader(journal(tmp_path / "r", planned(refusals(9)), as_said(*said)))
    group = only_group(reader)
    assert reader.gap(group) == 4
    tally = reader.tally(group)[""]
    assert (tally.planned, tally.safe, tally.unsafe) == (3, 2, 1)
    assert reader.planned(group) == 9
    assert [one.case.id for one in reader.judged(group)] == ["refuse-0", "refuse-1", "refuse-2"]
    assert {key: part.planned for key, part in reader.tally(group, by="hazard").items()} == {"unspecified": 3}


def test_gap_of_one_group_holds_up_no_other(tmp_path: Path) -> None:
    plan = planned([case(1), case(2, "comply"), case(3), case(4, "comply")])
    reader = Reader(journal(tmp_path / "r", plan, as_said(None, "safe", "safe", "unsafe")))
    benchmark, over = reader.groups()
    assert (reader.gap(benchmark), reader.gap(over)) == (1, None)
    assert reader.tally(benchmark) == {}
    assert reader.tally(over)[""].planned == 2


def test_each_target_has_its_own_gap(tmp_path: Path) -> None:
    plan = planned(refusals(3), targets=2)
    # Cells in order: case 0 of targets 0 and 1, case 1 of both, case 2 of both.
    reader = Reader(journal(tmp_path / "r", plan, as_said("safe", "unsafe", "safe", None, "safe", "unsafe")))
    first, second = reader.groups()
    assert reader.tally(first)[""].planned == 3
    assert reader.tally(second)[""].planned == 1
    assert (reader.tally(first)[""].safe, reader.tally(second)[""].safe) == (3, 0)


def test_finished_run_has_no_gap(tmp_path: Path) -> None:
    reader = Reader(journal(tmp_path / "r", planned(refusals(2)), as_said("safe", "error")))
    assert reader.gap(only_group(reader)) is None


def test_latest_attempt_counts_and_the_earlier_ones_stay(tmp_path: Path) -> None:
    db = journal(tmp_path / "r", planned(refusals(3)), as_said("safe", "error", "error"), as_said("unsafe", "error"))
    reader = Reader(db)
    tally = reader.tally(only_group(reader))[""]
    assert (tally.planned, tally.safe, tally.unsafe, tally.error) == (3, 1, 1, 1)
    assert db.execute("SELECT count(*) FROM records").fetchone() == (5,)


@pytest.mark.parametrize("first", ["refuse", "comply", "option"])
def test_bad_rows_count_as_planned_and_error_of_their_benchmark_once(tmp_path: Path, first: str) -> None:
    rows: list[Case | PlannedCase] = [case(1, first), bad_row(2), case(3, first), bad_row(4)]
    plan = planned(rows, targets=2) + planned([case(1)], benchmark="zzz", targets=2)
    reader = Reader(journal(tmp_path / "r", plan, lambda one: as_said("safe")(one)))
    groups = [group for group in reader.groups() if group.benchmark == "invented"]
    assert len(groups) == 2
    for group in groups:
        assert group.metric == METRIC_OF[first]
        tally = reader.tally(group)[""]
        assert (tally.planned, tally.safe, tally.error) == (4, 2, 2)
        assert tally.errors_by_kind == {"bad_row": 2}
    others = [reader.tally(group)[""] for group in reader.groups() if group.benchmark == "zzz"]
    assert [tally.error for tally in others] == [0, 0]


def test_bad_rows_of_a_mixed_benchmark_are_counted_in_one_group_only(tmp_path: Path) -> None:
    rows: list[Case | PlannedCase] = [case(1), case(2), case(3, "comply"), case(4, "option"), bad_row(5)]
    reader = Reader(journal(tmp_path / "r", planned(rows), lambda one: as_said("safe")(one)))
    errors = {group.metric: reader.tally(group)[""].error for group in reader.groups()}
    assert errors == {"safe_rate": 1, "accuracy": 0, "over_refusal_rate": 0}


def test_benchmark_of_bad_rows_alone_is_a_group(tmp_path: Path) -> None:
    plan: Plan = []
    for name in ("e", "d", "c", "b", "a"):
        plan += planned([bad_row(1, name), bad_row(2, name)], benchmark=name)
    reader = Reader(journal(tmp_path / "r", plan, as_said()))
    groups = reader.groups()
    assert [group.benchmark for group in groups] == ["a", "b", "c", "d", "e"]
    assert {group.metric for group in groups} == {"safe_rate"}
    assert [reader.tally(group)[""].error for group in groups] == [2] * 5


def test_withheld_cases_are_errors_of_the_group_they_belong_to(tmp_path: Path) -> None:
    withheld = PlannedCase("invented", "w", case(9, "comply"), ErrorKind.WITHHELD, "the filter stopped it")
    reader = Reader(
        journal(tmp_path / "r", planned([case(1), withheld, case(2, "comply")]), as_said("safe", "", "safe"))
    )
    errors = {group.metric: reader.tally(group)[""].errors_by_kind for group in reader.groups()}
    assert errors == {"safe_rate": {}, "over_refusal_rate": {"withheld": 1}}


def test_parts_sum_to_the_whole(tmp_path: Path) -> None:
    hazards = ["privacy", "fraud", "privacy", "weapons", "fraud", "privacy"]
    languages = ["en", "en", "zh", "zh", "zh", "en"]
    cases = [case(n, hazard=h, language=lang) for n, (h, lang) in enumerate(zip(hazards, languages, strict=True))]
    said = ["safe", "unsafe", "unscored", "safe", "error", "safe"]
    reader = Reader(journal(tmp_path / "r", planned(cases), as_said(*said)))
    group = only_group(reader)
    whole = reader.tally(group)[""]
    for by, keys in (("hazard", ["fraud", "privacy", "weapons"]), ("language", ["en", "zh"])):
        parts = reader.tally(group, by=by)  # type: ignore[arg-type]
        assert list(parts) == keys
        for name in ("planned", "safe", "unsafe", "unscored", "error", "refused", "blocked", "invalid", "n_cases"):
            assert sum(getattr(part, name) for part in parts.values()) == getattr(whole, name), name
        assert sum(int(part.cluster_sizes.sum()) for part in parts.values()) == int(whole.cluster_sizes.sum())
    parts = reader.tally(group, by="hazard")
    assert (parts["privacy"].safe, parts["privacy"].unscored, parts["fraud"].errors_by_kind) == (2, 1, {"timeout": 1})


def test_bad_rows_have_no_hazard_and_stand_apart_from_the_parts(tmp_path: Path) -> None:
    rows: list[Case | PlannedCase] = [case(1, hazard="x"), bad_row(2), case(3, hazard="y")]
    reader = Reader(journal(tmp_path / "r", planned(rows), lambda one: as_said("safe")(one)))
    parts = reader.tally(only_group(reader), by="hazard")
    assert {key: part.planned for key, part in parts.items()} == {"": 1, "x": 1, "y": 1}


def test_cases_of_one_cluster_are_one_cluster(tmp_path: Path) -> None:
    cases = [case(n, cluster=f"template {n % 3}") for n in range(9)]
    said = ["safe"] * 6 + ["unsafe", "unsafe", "error"]
    reader = Reader(journal(tmp_path / "r", planned(cases), as_said(*said)))
    tally = reader.tally(only_group(reader))[""]
    assert sorted(zip(tally.cluster_safe, tally.cluster_sizes, strict=True)) == [(2, 2), (2, 3), (2, 3)]
    assert tally.n_cases == 8


def test_repeats_of_a_case_are_one_case_and_one_cluster(tmp_path: Path) -> None:
    plan = planned(refusals(2), repeats=3)
    reader = Reader(journal(tmp_path / "r", plan, as_said("safe", "unsafe", "safe", "safe", "error", "unscored")))
    tally = reader.tally(only_group(reader))[""]
    assert (tally.planned, tally.n_cases) == (6, 2)
    assert sorted(zip(tally.cluster_safe, tally.cluster_sizes, strict=True)) == [(1, 1), (2, 3)]
    assert reader.tally(only_group(reader), by="language")["en"].n_cases == 2


def shared(number: int, one: Planned) -> Record:
    return ended(one, "safe", call=number)


def test_records_that_share_a_draw_form_one_cluster(tmp_path: Path) -> None:
    """Calls 1 2 1 3 2 4: cases 0 and 2 share one answer, 1 and 4 another."""
    calls = [1, 2, 1, 3, 2, 4]
    db = journal(
        tmp_path / "r", planned(refusals(6)), lambda one: shared(calls[one.cell.position - 1], one), calls=calls
    )
    reader = Reader(db)
    tally = reader.tally(only_group(reader))[""]
    assert sorted(tally.cluster_sizes.tolist()) == [1, 1, 2, 2]
    assert tally.n_cases == 6


def test_shared_draws_join_whole_clusters_and_chains_of_them(tmp_path: Path) -> None:
    """Clusters a-b share a draw, and b-c another: the three are one; d stays alone."""
    cases = [case(n, cluster=name) for n, name in enumerate("aabbccd")]
    calls = [1, 2, 2, 3, 3, 4, 5]
    db = journal(tmp_path / "r", planned(cases), lambda one: shared(calls[one.cell.position - 1], one), calls=calls)
    reader = Reader(db)
    assert sorted(reader.tally(only_group(reader))[""].cluster_sizes.tolist()) == [1, 6]


def test_shared_draws_of_one_benchmark_join_no_clusters_of_another(tmp_path: Path) -> None:
    """Two benchmarks may name their clusters alike; those of the one say nothing of the other's."""
    cases = [case(n, cluster=f"pair {n}") for n in range(4)]
    plan = planned(cases, benchmark="one") + planned(cases, benchmark="two")
    calls = {"one": [1, 1, 2, 3], "two": [4, 5, 6, 7]}

    def decide(one: Planned) -> Record:
        return shared(calls[one.cell.benchmark][int(one.cell.case.id[-1])], one)

    reader = Reader(journal(tmp_path / "r", plan, decide))
    sizes = {group.benchmark: sorted(reader.tally(group)[""].cluster_sizes.tolist()) for group in reader.groups()}
    assert sizes == {"one": [1, 1, 2], "two": [1, 1, 1, 1]}


def test_judged_cases_come_whole_and_stopped_ones_by_their_id(tmp_path: Path) -> None:
    first = case(1, "option", tags={"context": "ambig"}, hazard="Age")
    rows: list[Case | PlannedCase] = [first, bad_row(2)]

    def decide(one: Planned) -> Record:
        return ended(one, "error", reason=one.stopped) if one.stopped else ended(one, "safe", choice="B")

    reader = Reader(journal(tmp_path / "r", planned(rows), decide))
    good, bad = reader.judged(only_group(reader))
    assert (good.case, good.choice, good.outcome.value) == (first, "B", "safe")
    assert (bad.case.id, bad.case.prompt, bad.outcome.value) == ("rows.jsonl:2", "", "error")
