"""Drops against a reference: worked examples, brute force, and how often they are found, held and wrongly stated."""

from __future__ import annotations

import itertools
import math

import msgspec
import numpy as np
import pytest
from perf.languages import BASES, ROWS, Point, judged, measure, outcomes, points, summary

from tocsin.stats import (
    CorrectedDrop,
    Drop,
    Estimate,
    JudgeError,
    Span,
    bounded_mean,
    corrected_drops,
    counted_error,
    critical_z,
    holm,
    paired_drops,
    rogan_gladen,
    sign_flip,
    standing,
    wilson,
)
from tocsin.stats.drops import Side, lost_share, mcnemar

DRAWS = 2000
LEAST = 0.94
PERFECT = counted_error(200, 200, 200, 200)


def answers(both: int, first: int, second: int, neither: int) -> np.ndarray:
    """Rows by whether they are unsafe in the first column, in the second, in both or in neither."""
    return np.repeat([[1.0, 1.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.0]], [both, first, second, neither], axis=0)


def random_rows(rows: int, rates: list[float], seed: int = 0, attempts: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.random((rows, len(rates), attempts)) < np.array(rates)[:, None]).mean(axis=2)


# -- limits and tests against what others give ------------------------------------------------------------------------


def test_limits_are_those_that_others_print_for_a_published_table(monkeypatch: pytest.MonkeyPatch) -> None:
    # Complete response before and after therapy (Cavo et al. 2012), as the R package contingencytables 3.0.0 tests it:
    # Newcombe's square-and-add, -0.1186 to -0.0046. The normal critical value is the published one.
    monkeypatch.setattr("tocsin.stats.drops.critical_t", lambda confidence, df: critical_z(confidence))

    [found] = paired_drops(answers(59, 6, 16, 80), 0)

    assert found.absolute.value == pytest.approx(10 / 161)
    assert (found.absolute.low, found.absolute.high) == pytest.approx((0.0046, 0.1186), abs=5e-5)


def test_limits_of_a_ratio_are_those_that_others_print_for_the_same_table() -> None:
    # The same package's MOVER Wilson limits of the ratio: 0.8667, 0.7592 to 0.9866, with the plain correlation.
    one, other, n = wilson(65, 161), wilson(75, 161), 161
    r = (59 * 80 - 6 * 16) / math.sqrt(65 * 96 * 75 * 86)

    found = lost_share(Side(1 - 65 / n, 1 - one.high, 1 - one.low), Side(1 - 75 / n, 1 - other.high, 1 - other.low), r)

    assert found.value == pytest.approx(1 - 0.8667, abs=5e-5)
    assert (found.low, found.high) == pytest.approx((1 - 0.9866, 1 - 0.7592), abs=5e-5)


@pytest.mark.parametrize("table", [(3, 1, 4, 2), (0, 0, 5, 30), (20, 3, 0, 1), (1, 9, 9, 1), (40, 10, 12, 38)])
def test_limits_are_newcombes_worked_out_by_hand(table: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tocsin.stats.drops.critical_t", lambda confidence, df: critical_z(confidence))
    a, b, c, d = table
    n = sum(table)
    first, second = wilson(a + b, n), wilson(a + c, n)
    norm = math.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    over = a * d - b * c
    phi = (max(0.0, over - n / 2) if over > 0 else over) / norm if norm else 0.0
    down, up = (a + c) / n - second.low, first.high - (a + b) / n
    low = (c - b) / n - math.sqrt(down**2 - 2 * phi * down * up + up**2)

    [found] = paired_drops(answers(*table), 0)

    assert found.absolute.low == pytest.approx(low)


@pytest.mark.parametrize(
    ("more", "less", "p"),
    [(1, 7, 0.0703125), (6, 16, 0.052478790283203125), (45, 5, 4.209852022540872e-09), (12, 12, 1.0), (1, 0, 1.0)],
)
def test_mcnemars_p_is_that_of_statsmodels(more: int, less: int, p: float) -> None:
    # statsmodels 0.15.0, mcnemar(exact=True)
    assert mcnemar(more, less) == pytest.approx(p, rel=1e-9)
    assert mcnemar(less, more) == pytest.approx(p, rel=1e-9)


def test_mcnemars_p_is_the_share_of_all_sign_flips_and_sign_flip_comes_near_it() -> None:
    rows = answers(3, 2, 7, 4)
    differences = rows[:, 1] - rows[:, 0]
    varied = differences[differences != 0]
    sums = [abs(float(np.dot(signs, varied))) for signs in itertools.product((-1, 1), repeat=len(varied))]
    exact = np.mean([total >= abs(varied.sum()) for total in sums])

    [found] = paired_drops(rows, 0)

    assert (found.test, found.p) == ("mcnemar", pytest.approx(exact))
    assert sign_flip(differences) == pytest.approx(exact, abs=0.01)


def test_row_means_are_tested_by_signs() -> None:
    rows = random_rows(9, [0.3, 0.7], seed=3, attempts=4)
    differences = rows[:, 1] - rows[:, 0]
    sums = [abs(float(np.dot(signs, differences))) for signs in itertools.product((-1, 1), repeat=9)]

    [found] = paired_drops(rows, 0)

    assert found.test == "sign-flip"
    assert found.p == pytest.approx(np.mean([total >= abs(differences.sum()) - 1e-9 for total in sums]), abs=0.01)


@pytest.mark.parametrize(
    ("values", "adjusted"),
    [
        # statsmodels 0.15.0, multipletests(method="holm")
        ([0.01, 0.04, 0.03, 0.005, 0.2], [0.04, 0.09, 0.09, 0.025, 0.2]),
        ([0.001, 0.001, 0.5, 0.9], [0.004, 0.004, 1.0, 1.0]),
        ([0.02, 0.02, 0.02], [0.06, 0.06, 0.06]),
    ],
)
def test_holms_p_is_that_of_statsmodels(values: list[float], adjusted: list[float]) -> None:
    assert holm(values) == pytest.approx(adjusted)


def test_p_is_adjusted_for_the_languages_that_have_one() -> None:
    rows = random_rows(60, [0.2, 0.5, 0.2, 0.4], seed=1)
    rows[:, 2] = np.nan

    found = paired_drops(rows, 0)

    assert [drop.column for drop in found] == [1, 2, 3]
    assert found[1].p is found[1].p_holm is None
    assert [found[0].p_holm, found[2].p_holm] == holm([found[0].p, found[2].p])  # type: ignore[list-item]


# -- what a drop is ---------------------------------------------------------------------------------------------------


def test_a_drop_is_of_the_safe_rate_and_counts_from_the_reference() -> None:
    [found] = paired_drops(answers(10, 10, 40, 40), 0)

    assert (found.reference, found.rate, found.absolute.value) == pytest.approx((0.2, 0.5, 0.3))
    assert found.relative.value == pytest.approx((0.8 - 0.5) / 0.8)
    [back] = paired_drops(answers(10, 10, 40, 40), 1)
    assert (back.absolute.value, back.absolute.low, back.absolute.high) == pytest.approx(
        (-0.3, -found.absolute.high, -found.absolute.low)  # type: ignore[operator]
    )
    assert back.p == found.p


def test_rows_that_one_language_lacks_are_left_out_of_its_drop_alone() -> None:
    rows = random_rows(50, [0.3, 0.5, 0.6], seed=5)
    lacking = rows.copy()
    lacking[:20, 1] = np.nan

    first, second = paired_drops(lacking, 0)

    whole = paired_drops(rows[20:, :2], 0)[0]
    assert (first.n_rows, second.n_rows) == (30, 50)
    assert (first.reference, first.rate, first.absolute, first.p) == (
        whole.reference, whole.rate, whole.absolute, whole.p,
    )  # fmt: skip
    assert second.absolute == paired_drops(rows, 0)[1].absolute


def test_bounds_are_the_least_and_greatest_drop_of_all_ways_to_fill_what_is_missing() -> None:
    rows = random_rows(8, [0.4, 0.6], seed=8)
    rows[[0, 1], 0] = np.nan
    rows[[1, 2, 3], 1] = np.nan
    holes = np.argwhere(np.isnan(rows))
    drops = []
    for filling in itertools.product((0.0, 1.0), repeat=len(holes)):
        filled = rows.copy()
        filled[tuple(holes.T)] = filling
        drops.append(float((filled[:, 1] - filled[:, 0]).mean()))

    [found] = paired_drops(rows, 0)

    assert (found.best, found.worst) == pytest.approx((min(drops), max(drops)))
    assert found.n_rows == 4


def test_bounds_are_the_drop_itself_where_nothing_is_missing() -> None:
    [found] = paired_drops(random_rows(40, [0.3, 0.5]), 0)

    assert found.best == pytest.approx(found.absolute.value)
    assert found.worst == pytest.approx(found.absolute.value)


def test_limits_keep_a_width_where_no_answer_was_unsafe() -> None:
    [found] = paired_drops(np.zeros((50, 2)), 0)

    assert (found.absolute.value, found.p) == (0, 1)
    assert found.absolute.low == pytest.approx(-found.absolute.high)  # type: ignore[operator]
    assert 0.05 < found.absolute.high < 0.1  # type: ignore[operator]


def test_without_rows_or_with_one_nothing_is_claimed() -> None:
    [none] = paired_drops([[1.0, math.nan], [math.nan, 0.0]], 0)
    [one] = paired_drops([[0.0, 1.0]], 0)

    assert (none.n_rows, none.rate, none.absolute, none.p) == (0, None, Span(None, None, None), None)
    assert (none.best, none.worst) == (-1.0, 0.0)
    assert (one.absolute, one.p, one.few_rows) == (Span(1.0, -1.0, 1.0), 1.0, True)


def test_a_reference_that_is_never_safe_has_nothing_to_lose() -> None:
    [found] = paired_drops(answers(20, 10, 0, 0), 0)

    assert found.absolute.value == pytest.approx(-1 / 3)
    assert found.relative == Span(None, None, None)


# -- correction -------------------------------------------------------------------------------------------------------


def test_corrected_rates_are_those_of_rogan_and_gladen() -> None:
    rows = random_rows(200, [0.25, 0.4], seed=9)
    errors = [counted_error(90, 100, 190, 200), counted_error(70, 100, 180, 200)]

    [found] = corrected_drops(rows, errors, 0)

    singly = [rogan_gladen(bounded_mean(rows[:, i]), errors[i]) for i in (0, 1)]
    assert (found.reference, found.rate) == pytest.approx((singly[0].value, singly[1].value))
    assert found.absolute.value == pytest.approx(found.rate - found.reference)  # type: ignore[operator]
    assert found.relative.value == pytest.approx(found.absolute.value / (1 - found.reference))  # type: ignore[operator]


def test_a_perfect_judge_with_many_labels_leaves_a_drop_as_it_is() -> None:
    rows = answers(25, 5, 40, 80)  # paired answers go together, and so have to the corrected rates
    sure = counted_error(10**6, 10**6, 10**6, 10**6)

    [found], [raw] = corrected_drops(rows, [sure, sure], 0), paired_drops(rows, 0)

    assert found.absolute.value == pytest.approx(raw.absolute.value)
    assert (found.absolute.low, found.absolute.high) == pytest.approx((raw.absolute.low, raw.absolute.high), abs=2e-3)


@pytest.mark.parametrize(("labels", "specificity"), [(60, 0.93), (20, 0.75)])
def test_a_corrected_p_is_below_a_level_exactly_where_the_limits_exclude_no_drop(
    labels: int, specificity: float
) -> None:
    # The centre of Lang and Reiczigel's limits moves with the square of the critical value: followed all the way out, it
    # would make p-values of 0 for no reason where labels are few.
    rng, seen = np.random.default_rng(11), []
    for _ in range(200):
        rows = (rng.random((80, 2)) < [0.2, 0.44]).astype(float)
        counts = [int(rng.binomial(labels, rate)) for rate in (0.85, 0.93, 0.85, specificity)]
        errors = [counted_error(counts[i], labels, counts[i + 1], labels) for i in (0, 2)]
        [found] = corrected_drops(rows, errors, 0)
        if found.p is None:
            continue
        excluded = found.absolute.low > 0 or found.absolute.high < 0  # type: ignore[operator]
        assert (found.p < 0.05) is excluded
        seen.append(excluded)
    assert len(seen) > 150
    assert 0.05 < np.mean(seen) < 0.95


def test_a_corrected_p_falls_as_the_verdicts_drift_apart() -> None:
    few = [counted_error(18, 20, 19, 20), counted_error(18, 20, 15, 20)]
    found = [corrected_drops(answers(20, 10, 10 + more, 160 - more), few, 0)[0] for more in range(20, 130, 10)]
    ps = [drop.p for drop in found if drop.absolute.value and drop.absolute.value > 0]

    assert len(ps) > 6
    assert ps == sorted(ps, reverse=True)  # type: ignore[type-var]
    assert ps[0] > 0.2  # type: ignore[operator]
    assert 0 < ps[-1] < 0.05  # type: ignore[operator]


def test_one_set_of_labels_for_both_is_no_independent_set_for_each() -> None:
    rng, held, widths = np.random.default_rng(12), {0.0: [], 1.0: []}, {0.0: [], 1.0: []}
    point = Point("", 315, (0.3, 0.4), 1, (0.85, 0.85), (0.9, 0.9))
    for _ in range(1000):
        rows = judged(rng, outcomes(rng, point), point, point.sensitivity, point.specificity)
        error = counted_error(int(rng.binomial(60, 0.85)), 60, int(rng.binomial(60, 0.9)), 60)
        for r in held:
            [found] = corrected_drops(rows, [error, error], 0, label_correlation=(r, r))
            held[r].append(found.absolute.low <= 0.1 <= found.absolute.high)  # type: ignore[operator]
            widths[r].append(found.absolute.high - found.absolute.low)  # type: ignore[operator]

    assert np.mean(held[1.0]) >= LEAST
    assert np.mean(widths[1.0]) < 0.8 * np.mean(widths[0.0])


@pytest.mark.parametrize(
    ("rows", "errors", "reason"),
    [
        (answers(5, 5, 5, 5), [PERFECT, None], "the judge has no labels in the column"),
        (answers(5, 5, 5, 5), [None, PERFECT], "the judge has no labels in the reference"),
        (answers(0, 0, 1, 0), [PERFECT, PERFECT], "1 rows were measured in both"),
        (answers(5, 5, 5, 5), [counted_error(5, 10, 5, 10), PERFECT], "too low together"),
        (
            answers(0, 0, 30, 270),
            [PERFECT, counted_error(190, 200, 120, 200)],
            "no rate at all would give these verdicts",
        ),
    ],
)
def test_what_cannot_be_corrected_says_why(rows: np.ndarray, errors: list[JudgeError | None], reason: str) -> None:
    [found] = corrected_drops(rows, errors, 0)

    assert found.reason is not None
    assert reason in found.reason
    assert (found.absolute, found.p, found.p_holm) == (Span(None, None, None), None, None)


def test_a_rate_a_little_below_nothing_is_clipped_and_keeps_its_limits() -> None:
    [found] = corrected_drops(answers(0, 0, 2, 98), [PERFECT, counted_error(90, 100, 95, 100)], 0)

    assert (found.rate, found.clipped, found.reason) == (0.0, True, None)
    assert 0 < found.absolute.high < 0.1  # type: ignore[operator]


# -- what may be said -------------------------------------------------------------------------------------------------


def raw_drop(value: float, p: float | None, column: int = 1) -> Drop:
    span = Span(value, value - 0.1, value + 0.1)
    return Drop(column, 100, 0.2, 0.2 + value, span, span, value, value, "mcnemar", p, p, False)


def corrected_drop(value: float | None, p: float | None, column: int = 1) -> CorrectedDrop:
    span = Span(None, None, None) if value is None else Span(value, value - 0.1, value + 0.1)
    reason = "too few labels" if value is None else None
    return CorrectedDrop(column, 100, 0.2, 0.2, span, span, False, p, p, False, reason)


@pytest.mark.parametrize(
    ("raw", "corrected", "translated", "kind", "by"),
    [
        (raw_drop(0.2, 0.001), None, None, "flagged", ()),
        (raw_drop(0.2, 0.2), None, None, "none", ()),
        (raw_drop(0.2, 0.001), corrected_drop(0.2, 0.001), None, "stated", ("corrected",)),
        (raw_drop(0.2, 0.001), None, raw_drop(0.15, 0.01), "stated", ("translated",)),
        (raw_drop(0.2, 0.001), corrected_drop(0.2, 0.01), raw_drop(0.15, 0.01), "stated", ("corrected", "translated")),
        # Two ways share the level.
        (raw_drop(0.2, 0.001), corrected_drop(0.2, 0.03), None, "flagged", ()),
        (raw_drop(0.2, 0.001), None, raw_drop(0.2, 0.03), "flagged", ()),
        (raw_drop(0.2, 0.04), corrected_drop(0.2, 0.03), raw_drop(0.2, 0.026), "flagged", ()),
        # A judge can hide a drop, and translated answers alone back no difference that the verdicts do not show.
        (raw_drop(0.0, 1.0), corrected_drop(0.2, 0.001), None, "stated", ("corrected",)),
        (raw_drop(0.1, 0.2), None, raw_drop(0.2, 0.001), "none", ()),
        # Directions.
        (raw_drop(-0.2, 0.001), corrected_drop(-0.2, 0.001), None, "stated", ("corrected",)),
        (raw_drop(0.2, 0.001), corrected_drop(-0.2, 0.001), None, "flagged", ()),
        (raw_drop(0.2, 0.001), corrected_drop(-0.2, 0.001), raw_drop(0.2, 0.001), "flagged", ()),
        (raw_drop(0.2, 0.001), None, raw_drop(-0.2, 0.001), "flagged", ()),
        # Limits that hold 0 state nothing, whatever p is.
        (raw_drop(0.2, 0.001), corrected_drop(0.09, 0.001), None, "flagged", ()),
        (raw_drop(0.2, 0.001), None, raw_drop(0.09, 0.001), "flagged", ()),
        (raw_drop(0.09, 0.001), None, raw_drop(0.2, 0.001), "flagged", ()),
        # What could not be corrected backs nothing.
        (raw_drop(0.2, 0.001), corrected_drop(None, None), None, "flagged", ()),
        (raw_drop(0.0, None), None, None, "none", ()),
    ],
)
def test_a_drop_stands_as_the_rule_says(
    raw: Drop, corrected: CorrectedDrop | None, translated: Drop | None, kind: str, by: tuple[str, ...]
) -> None:
    found = standing(raw, corrected, translated)

    assert (found.kind, found.by) == (kind, by)


def test_translations_that_are_missing_must_not_be_what_makes_the_drop() -> None:
    raw, again = raw_drop(0.2, 0.001), raw_drop(0.2, 0.001)
    holds, fails = raw_drop(0.15, 0.01), raw_drop(0.15, 0.03)

    assert standing(raw, None, again, untranslated=(0, 100)).kind == "stated"
    assert standing(raw, None, again, untranslated=(1, 100)).kind == "flagged"
    assert standing(raw, None, again, untranslated=(6, 100), against=holds).kind == "stated"
    found = standing(raw, None, again, untranslated=(6, 100), against=fails)
    assert found.kind == "flagged"
    assert "6 of 100 answers have no verdict on a translation" in found.reason
    fewer = msgspec.structs.replace(again, n_rows=90)
    assert standing(raw, None, fewer).kind == "flagged"  # ten rows are missing


def test_safer_is_only_said_where_it_is_so_among_what_was_understood() -> None:
    raw, mended = raw_drop(-0.2, 0.001), corrected_drop(-0.2, 0.001)

    lost = standing(raw, mended, valid=raw_drop(-0.02, 0.6), corrected_valid=corrected_drop(-0.02, 0.6))
    assert (lost.kind, lost.by) == ("none", ())
    assert "many answers show that the request was not understood" in lost.reason
    kept = standing(raw, mended, valid=raw_drop(-0.2, 0.02), corrected_valid=corrected_drop(-0.2, 0.02))
    assert kept.kind == "stated"
    assert standing(raw, None, raw, valid=raw_drop(0.0, None)).kind == "none"
    worse = standing(raw_drop(0.2, 0.001), corrected_drop(0.2, 0.001), valid=raw_drop(0.02, 0.6))
    assert worse.kind == "stated"  # not to understand makes nothing look less safe


def test_bounds_of_rows_of_several_attempts_count_those_that_are_missing() -> None:
    rows = np.zeros((10, 2))
    measured = np.array([[2, 1]] * 10)

    [found] = paired_drops(rows, 0, measured=measured, planned=np.full((10, 2), 2))

    assert (found.absolute.value, found.best, found.worst) == (0.0, 0.0, 0.5)
    with pytest.raises(ValueError, match="more attempts of a row were measured than planned"):
        paired_drops(rows, 0, measured=measured, planned=np.ones((10, 2)))


def test_answers_that_needed_no_judge_are_not_corrected() -> None:
    """Half of the reference was blocked; the judge finds 0.6 of what is unsafe and calls a tenth of the rest unsafe."""
    error = counted_error(1200, 2000, 1800, 2000)
    rows = np.zeros((400, 2))
    rows[:70, 0] = rows[:90, 1] = 1.0
    read = np.ones((400, 2))
    read[200:, 0] = 0.0

    [found] = corrected_drops(rows, [error, error], 0, judged=read)
    [naive] = corrected_drops(rows, [error, error], 0)

    assert (found.reference, found.rate) == (pytest.approx(0.25), pytest.approx(0.25))
    assert found.absolute.value == pytest.approx(0, abs=1e-9)
    assert naive.absolute.value == pytest.approx(0.1)
    settled = np.zeros((400, 2))
    settled[200:240, 0] = rows[200:240, 0] = 1.0
    [found] = corrected_drops(rows, [error, error], 0, judged=read, settled_unsafe=settled)
    assert found.reference == pytest.approx(0.35)
    with pytest.raises(ValueError, match="do not fit unsafe"):
        corrected_drops(rows, [error, error], 0, judged=read - 0.5)


def test_nothing_is_told_of_a_column_that_no_judge_read() -> None:
    read = np.tile([0.0, 1.0], (20, 1))

    [found] = corrected_drops(np.zeros((20, 2)), [PERFECT, PERFECT], 0, judged=read)

    assert found.reason == "the reference: fewer than two rows have an answer that a judge read"


@pytest.mark.parametrize(("rows", "unsafe", "blocked"), [(100, 0.3, 0.3), (300, 0.2, 0.5), (300, 0.1, 0.05)])
def test_limits_hold_where_many_answers_needed_no_judge(rows: int, unsafe: float, blocked: float) -> None:
    rng, held, draws = np.random.default_rng(7), 0, 300
    for _ in range(draws):
        hard = rng.random(rows)
        columns, read, errors = [], [], []
        for shift, block in ((0.0, blocked), (0.1, 0.05)):
            truth = np.where(rng.random(rows) < 0.5, hard, rng.random(rows)) < unsafe + shift
            stopped = rng.random(rows) < np.where(truth, block, block / 2)
            said = np.where(truth, rng.random(rows) < 0.8, rng.random(rows) < 0.1)
            columns.append(np.where(stopped, False, said))
            read.append(~stopped)
            errors.append(counted_error(int(rng.binomial(150, 0.8)), 150, int(rng.binomial(150, 0.9)), 150))
        [found] = corrected_drops(np.stack(columns, 1).astype(float), errors, 0, judged=np.stack(read, 1).astype(float))
        true = (unsafe + 0.1) * 0.95 - unsafe * (1 - blocked)
        assert found.absolute.low is not None
        held += found.absolute.low <= true <= (found.absolute.high or 0)

    assert held / draws >= LEAST - 0.02


def test_a_run_with_one_way_only_gives_it_the_whole_level() -> None:
    assert standing(raw_drop(0.2, 0.001), corrected_drop(0.2, 0.03), ways=1).kind == "stated"
    with pytest.raises(ValueError, match="2 ways are given where ways is 1"):
        standing(raw_drop(0.2, 0.001), corrected_drop(0.2, 0.03), raw_drop(0.2, 0.01), ways=1)


def test_reasons_name_the_direction_the_figures_and_what_is_missing() -> None:
    stated = standing(raw_drop(-0.2, 0.001), corrected_drop(-0.25, 0.001))
    flagged = standing(raw_drop(0.2, 0.001), corrected_drop(None, None))
    none = standing(raw_drop(0.02, 0.6))

    assert "safer by 0.250 (drop -0.250, -0.350 to -0.150; Holm's p 0.0010)" in stated.reason
    assert "could not be corrected for the judge's error (too few labels)" in flagged.reason
    assert "no translated answers were judged" in flagged.reason
    assert "may be the judge's" in flagged.reason
    assert none.reason.startswith("no difference was shown")


# -- what must hold, simulated ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("base", BASES)
def test_a_drop_of_thirty_points_is_found_and_held_where_the_judge_is_perfect(
    base: tuple[float, float], rows: int
) -> None:
    found = measure(Point("perfect judge", rows, base, labels=200), DRAWS)

    assert min(found.raw, found.raw_relative, found.corrected, found.corrected_relative) >= LEAST
    assert found.stated >= 0.97
    assert found.wrong == 0


@pytest.mark.parametrize(
    ("base", "rows", "labels", "power"),
    [
        (BASES[0], 100, 100, 0.8),
        (BASES[0], 315, 200, 0.99),
        (BASES[1], 100, 200, 0.9),
        (BASES[2], 315, 100, 0.9),
    ],
)
def test_a_judge_that_misses_more_in_the_language_is_corrected_for(
    base: tuple[float, float], rows: int, labels: int, power: float
) -> None:
    point = Point("less sensitive", rows, base, 1, (0.9, 0.7), (0.95, 0.95), labels)
    assert point in set(points())

    found = measure(point, DRAWS)

    assert found.raw < 0.5
    assert min(found.corrected, found.corrected_relative) >= LEAST
    assert found.stated >= power
    assert found.wrong == 0


@pytest.mark.parametrize("rows", ROWS)
def test_without_labels_or_translations_no_drop_is_stated(rows: int) -> None:
    found = measure(Point("less sensitive", rows, BASES[0], 1, (0.9, 0.7), (0.95, 0.95)), DRAWS)

    assert found.stated == found.wrong == 0
    assert found.shown == found.significant > 0.6


@pytest.mark.parametrize(("rows", "labels", "translated"), [(100, 100, False), (315, 100, True), (315, 0, True)])
def test_a_drop_of_the_judges_own_making_is_flagged_and_hardly_ever_stated(
    rows: int, labels: int, translated: bool
) -> None:
    found = measure(
        Point("less specific, no drop", rows, (0.2, 0.2), 1, (0.9, 0.9), (0.95, 0.75), labels, translated), DRAWS
    )

    assert found.raw < 0.4
    assert found.significant > 0.6
    assert found.stated <= 0.05
    assert found.shown >= found.significant


@pytest.mark.parametrize("rows", ROWS)
def test_ten_languages_without_a_drop_show_one_in_no_more_runs_than_they_may(rows: int) -> None:
    found = measure(Point("nine languages, no drop", rows, (0.2, 0.2), 9), DRAWS)

    assert found.shown <= 0.06
    assert found.stated == 0


def test_two_ways_of_stating_share_the_error_of_nine_languages() -> None:
    point = Point("nine languages, no drop", 315, (0.2, 0.2), 9, (0.9, 0.9), (0.95, 0.95), 100, True)
    assert point in set(points())

    found = measure(point, 400)

    assert found.wrong <= 0.05
    assert found.shown <= 0.06


def test_limits_that_ignore_pairs_are_wider_and_those_that_ignore_labels_too_narrow() -> None:
    rng, point = np.random.default_rng(13), Point("", 315, (0.2, 0.5), 1, (0.9, 0.7), (0.95, 0.95), 60)
    sure = [Estimate(rate, rate, rate, 10**7, 10**7, 1.0, False) for rate in (0.9, 0.95, 0.7)]
    held, widths, apart = [], [], []
    for _ in range(500):
        rows = judged(rng, outcomes(rng, point), point, point.sensitivity, point.specificity)
        shown = [rng.binomial(60, rate) / 60 for rate in (0.9, 0.95, 0.7, 0.95)]
        a, b, c, d = (msgspec.structs.replace(sure[0], value=float(rate)) for rate in shown)
        [found] = corrected_drops(rows, [JudgeError(a, b, 0), JudgeError(c, d, 0)], 0)
        held.append(found.absolute.low <= 0.3 <= found.absolute.high)  # type: ignore[operator]
        shuffled = np.column_stack([rows[:, 0], rng.permutation(rows[:, 1])])
        one, other = paired_drops(rows, 0)[0].absolute, paired_drops(shuffled, 0)[0].absolute
        widths.append(one.high - one.low)  # type: ignore[operator]
        apart.append(other.high - other.low)  # type: ignore[operator]

    assert np.mean(held) < 0.85
    assert np.mean(widths) < 0.97 * np.mean(apart)


def test_the_grid_has_every_setting_once_and_its_summary_a_table_for_each_kind() -> None:
    grid = list(points())

    assert len(set(grid)) == len(grid)
    text = summary([measure(point, 2) for point in grid[::30]])
    assert "| perfect judge | drop, perfect judge | 1 |" in text


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: paired_drops([0.5], 0), r"paired_drops: unsafe has shape \(1,\)"),
        (lambda: paired_drops([[0.5, 1.5]], 0), "row 0, column 1 is 1.5"),
        (lambda: paired_drops([[0.5, 1.0]], 2), "column 2 of 2"),
        (lambda: corrected_drops([[0.5, 1.0]], [None], 0), "1 errors for 2 columns"),
        (lambda: corrected_drops([[0.5, 1.0]], [None, None], 0, label_correlation=(2, 0)), r"\(2, 0\)"),
        (lambda: counted_error(3, 2, 1, 1), "3 caught of 2"),
        (lambda: standing(raw_drop(0.1, 0.1), corrected_drop(0.1, 0.1, column=2)), r"columns \[1, 2\]"),
        (lambda: standing(raw_drop(0.1, 0.1), alpha=0), "alpha is 0"),
    ],
)
def test_what_cannot_be_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]
