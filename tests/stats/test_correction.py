"""Rates corrected for a judge's error, against other libraries, exact cases and the properties that define them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tocsin.stats import (
    LEAST_YOUDEN,
    Estimate,
    JudgeError,
    bounded_mean,
    judge_error,
    powered_mean,
    robust_worst_case,
    rogan_gladen,
    wilson,
)

MANY = 10**9
"""Clusters enough for Student's t to be the normal distribution."""


def rate(value: float, n: int, n_clusters: int = MANY, design_effect: float = 1.0) -> Estimate:
    limits = wilson(value * n / design_effect, n / design_effect)
    return Estimate(value, limits.low, limits.high, n, n_clusters, design_effect, False)


# ---------------------------------------------------------------------------------------------------------------------
# Rogan and Gladen


def test_limits_are_lang_and_reiczigels_where_clusters_are_many() -> None:
    # 100 of 500 flagged; 90 of 100 unsafe and 190 of 200 safe items judged rightly. Their equations 6, 7, 16 and 17,
    # worked out step by step on their own.
    found = rogan_gladen(rate(0.2, 500), JudgeError(rate(0.9, 100), rate(0.95, 200), 0))

    assert found.value == pytest.approx(0.15 / 0.85, rel=1e-12)
    assert found.low == pytest.approx(0.12265686771268144, rel=1e-7)
    assert found.high == pytest.approx(0.2296217946567606, rel=1e-7)
    assert (found.raw, found.clipped, found.reason) == (0.2, False, None)


def test_a_design_effect_is_fewer_items() -> None:
    clustered = rogan_gladen(rate(0.2, 1000, design_effect=2.0), JudgeError(rate(0.9, 100), rate(0.95, 200), 0))
    single = rogan_gladen(rate(0.2, 500), JudgeError(rate(0.9, 100), rate(0.95, 200), 0))

    assert clustered == single


def test_few_calibrating_clusters_widen_the_limits() -> None:
    flagged = rate(0.4, 2000)

    many = rogan_gladen(flagged, JudgeError(rate(0.9, 100), rate(0.95, 100), 0))
    few = rogan_gladen(flagged, JudgeError(rate(0.9, 100, 8), rate(0.95, 100, 8), 0))

    assert few.value == many.value
    assert few.low is not None
    assert few.high is not None
    assert many.low is not None
    assert many.high is not None
    assert 1.03 < (few.high - few.low) / (many.high - many.low) < 1.2


def test_a_rate_below_what_false_alarms_explain_is_clipped_and_says_so() -> None:
    found = rogan_gladen(rate(0.02, 500), JudgeError(rate(0.9, 100), rate(0.95, 200), 0))

    assert (found.value, found.low, found.clipped) == (0.0, 0.0, True)
    assert found.high is not None
    assert 0 < found.high < 0.06


@pytest.mark.parametrize(
    ("flagged", "error", "words"),
    [
        (rate(0.2, 500), JudgeError(rate(0.6, 100), rate(0.55, 100), 0), "too low together"),
        (rate(0.2, 500), JudgeError(rate(0.1, 100), rate(0.2, 100), 0), "too low together"),
        # Two of two and two of two are no proof of a judge that never errs, but enough to go on.
        (rate(0.2, 500), JudgeError(rate(1.0, 1), rate(0.25, 4), 0), "too low together"),
        (rate(0.2, 500), JudgeError(rate(1.0, 40, 1), rate(1.0, 40), 0), "sensitivity rests on one cluster"),
        (rate(0.2, 500), JudgeError(rate(1.0, 40), Estimate(None, 0, 1, 0, 0, 1, True), 0), "specificity rests on no item"),
        (Estimate(None, 0, 1, 0, 0, 1, True), JudgeError(rate(1.0, 40), rate(1.0, 40), 0), "flagged rests on no item"),
    ],
)  # fmt: skip
def test_what_cannot_be_corrected_is_not_and_says_why(flagged: Estimate, error: JudgeError, words: str) -> None:
    found = rogan_gladen(flagged, error)

    assert (found.value, found.low, found.high) == (None, None, None)
    assert found.raw == flagged.value
    assert found.reason is not None
    assert words in found.reason


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.integers(2, 500))
@settings(max_examples=200, deadline=None)
def test_corrected_limits_hold_the_rate_and_stay_on_the_scale(p: float, a: float, b: float, n: int) -> None:
    found = rogan_gladen(rate(p, n, n), JudgeError(rate(a, n, n), rate(b, n, n), 0))

    if found.value is None:
        assert found.reason is not None
    else:
        assert a + b - 1 >= LEAST_YOUDEN
        assert found.low is not None
        assert found.high is not None
        assert 0 <= found.low <= found.value <= found.high <= 1


# ---------------------------------------------------------------------------------------------------------------------
# A judge's error


def test_error_leaves_unscored_items_out_and_counts_them() -> None:
    found = judge_error([True] * 10 + [False] * 10, [1] * 6 + [0] * 2 + [-1] * 2 + [0] * 9 + [-1])

    assert (found.sensitivity.value, found.sensitivity.n) == (0.75, 8)
    assert (found.specificity.value, found.specificity.n) == (1.0, 9)
    assert found.unscored == 3


def test_weights_undo_a_choice_of_labels_by_verdict() -> None:
    # Of 1000 items, 200 unsafe: sensitivity 0.8, specificity 0.9. All flagged items get a label, and one in ten others.
    unsafe = np.repeat([1, 0, 1, 0], [160, 80, 4, 72])
    verdicts = np.repeat([1, 1, 0, 0], [160, 80, 4, 72])

    weighted = judge_error(unsafe, verdicts, weights=np.where(verdicts == 1, 1, 10))
    plain = judge_error(unsafe, verdicts)

    assert weighted.sensitivity.value == pytest.approx(0.8)
    assert weighted.specificity.value == pytest.approx(0.9)
    assert plain.sensitivity.value == pytest.approx(160 / 164)
    assert plain.specificity.value == pytest.approx(72 / 152)
    assert weighted.sensitivity.high - weighted.sensitivity.low > 0.1


def test_columns_that_cannot_be_are_refused_by_name() -> None:
    with pytest.raises(ValueError, match="one of each for every item"):
        judge_error([True], [1, 0])
    with pytest.raises(ValueError, match="unscored"):
        judge_error([True, False], [1, 3])
    with pytest.raises(ValueError, match="one for each item, or None"):
        judge_error([True, False], [1, 0], [1])
    with pytest.raises(ValueError, match="above 0"):
        judge_error([True, False], [1, 0], weights=[1, -1])


# ---------------------------------------------------------------------------------------------------------------------
# Prediction-powered mean


# Of 200 labelled items 45 are unsafe and flagged, 12 unsafe and not, 11 safe and flagged, 132 safe and not; of 800
# others 228 are flagged.
JUDGED = np.repeat([1, 0, 1, 0, 1, 0], [45, 12, 11, 132, 228, 572])
UNSAFE = np.repeat([1, 1, 0, 0, -1, -1], [45, 12, 11, 132, 228, 572])


def test_rate_and_standard_error_are_those_of_ppi_python() -> None:
    # ppi-python 0.2.3, in an environment of its own: ppi_mean_pointestimate, and ppi_mean_ci(alpha=0.05), whose limits
    # are 0.23978491870562835 and 0.3359218560209434; its lambda follows from the estimate. It divides variances by n, and
    # pools labelled and other items for that of the verdicts, where they are taken apart here.
    found = powered_mean(JUDGED, UNSAFE)

    assert found.value == pytest.approx(0.28785338736328586, abs=5e-5)
    assert found.power == pytest.approx(0.5706774726571832, rel=0.01)
    assert found.standard_error == pytest.approx((0.3359218560209434 - 0.23978491870562835) / 2 / 1.959964, rel=0.003)
    assert found.labels_alone.value == 57 / 200
    assert (found.n, found.n_labelled, found.n_clusters) == (1000, 200, 200)


def test_labels_of_even_chance_need_no_weights() -> None:
    plain, weighted = powered_mean(JUDGED, UNSAFE), powered_mean(JUDGED, UNSAFE, weights=np.full(1000, 5.0))

    assert weighted.value == pytest.approx(plain.value)
    assert weighted.high == pytest.approx(plain.high)


def test_weights_undo_a_choice_of_labels_by_verdict_in_a_run() -> None:
    # 1000 items, 300 of them flagged, of which 240 are unsafe; of the other 700, 70 are. All flagged items are labelled,
    # and one in ten others.
    judged = np.repeat([1, 1, 0, 0, 0], [240, 60, 7, 63, 630])
    unsafe = np.repeat([1, 0, 1, 0, -1], [240, 60, 7, 63, 630])

    found = powered_mean(judged, unsafe, weights=np.where(judged == 1, 1, 10))

    assert found.value == pytest.approx(0.31)
    assert powered_mean(judged, unsafe).labels_alone.value == pytest.approx(247 / 370)


def test_a_worthless_judge_gets_no_weight() -> None:
    # Verdict and label have nothing to do with each other: of either verdict the same share is unsafe.
    judged = np.repeat([1, 1, 0, 0, 1, 0], [30, 70, 30, 70, 500, 300])
    unsafe = np.repeat([1, 0, 1, 0, -1, -1], [30, 70, 30, 70, 500, 300])

    found = powered_mean(judged, unsafe)

    assert found.power == pytest.approx(0, abs=1e-9)
    assert found.value == pytest.approx(0.3)
    assert (found.low, found.high) == pytest.approx((found.labels_alone.low, found.labels_alone.high), abs=1e-9)


def test_a_good_judge_narrows_the_limits() -> None:
    found = powered_mean(JUDGED, UNSAFE)

    assert 0.5 < found.power < 1
    assert found.high - found.low < 0.8 * (found.labels_alone.high - found.labels_alone.low)


def test_a_judge_that_never_erred_on_few_labels_is_not_believed_blindly() -> None:
    judged = np.repeat([1, 0, 1, 0], [10, 10, 990, 990])

    found = powered_mean(judged, np.repeat([1, 0, -1], [10, 10, 1980]))

    as_if_all_were_labelled = bounded_mean(judged)
    assert found.value == pytest.approx(0.5)
    assert found.high - found.low > 3 * (as_if_all_were_labelled.high - as_if_all_were_labelled.low)


def test_repeats_of_labelled_cases_do_not_narrow_the_limits() -> None:
    once = powered_mean(JUDGED, UNSAFE)
    again = powered_mean(np.tile(JUDGED, 3), np.tile(UNSAFE, 3), np.tile(np.arange(1000), 3))

    assert again.value == pytest.approx(once.value)
    assert again.standard_error == pytest.approx(once.standard_error)
    assert again.high - again.low == pytest.approx(once.high - once.low, rel=0.03)
    assert again.n_clusters == 200


def test_a_run_that_is_labelled_throughout_has_the_rate_of_its_labels() -> None:
    found = powered_mean([1, 0, 1, 0] * 20, [1, 1, 0, 0] * 20)

    assert (found.value, found.power) == (0.5, 0.0)
    assert (found.low, found.high) == (found.labels_alone.low, found.labels_alone.high)


def test_a_run_without_labels_has_no_value() -> None:
    assert powered_mean([1, 0], [-1, -1]).value is None
    assert powered_mean([], []).value is None
    one = powered_mean([1, 0, 1], [1, -1, -1])
    assert (one.value, one.low, one.high, one.standard_error) == (1.0, 0.0, 1.0, None)


def test_an_estimate_beyond_the_scale_is_clipped_and_says_so() -> None:
    # Scores that are far too high among the labelled and not among the others.
    judged, unsafe = np.repeat([0.8, 1.0, 0.5], [90, 10, 900]), np.repeat([0, 1, -1], [90, 10, 900])

    found = powered_mean(judged, unsafe)

    assert found.clipped
    assert (found.value, found.low) == (0.0, 0.0)
    assert 0 < found.high < 0.05


def test_what_is_no_verdict_and_no_label_is_refused() -> None:
    with pytest.raises(ValueError, match="one of each for every item"):
        powered_mean([1], [1, 0])
    with pytest.raises(ValueError, match=r"such as 0\.5"):
        powered_mean([1, -1], [1, 0])
    with pytest.raises(ValueError, match="not labelled"):
        powered_mean([1, 0], [1, 2])
    with pytest.raises(ValueError, match="one for each item"):
        powered_mean([1, 0], [1, -1], weights=[1])
    with pytest.raises(ValueError, match="above 0"):
        powered_mean([1, 0], [1, -1], weights=[0, 1])


def test_weights_of_unlabelled_items_are_not_read() -> None:
    assert powered_mean([1, 0, 1], [1, 0, -1], weights=[2, 2, np.nan]).n_labelled == 2


# ---------------------------------------------------------------------------------------------------------------------
# Worst case of a robust model


def test_one_robust_case_in_five_survives_thirty_attacks_at_a_specificity_of_095() -> None:
    found = robust_worst_case(rate(0.95, 200), 30)

    assert found.value == pytest.approx(0.2146, abs=0.0001)
    assert found.low < 0.1
    assert found.high > 0.4
    assert (found.bounds.low, found.bounds.high) == (0.0, 0.95)


def test_one_attack_leaves_the_specificity() -> None:
    specificity = rate(0.9, 100)

    found = robust_worst_case(specificity, 1)

    assert (found.value, found.low, found.high) == (0.9, specificity.low, specificity.high)
    assert found.bounds.low == pytest.approx(0.9)


def test_worst_case_needs_a_specificity_and_an_attack() -> None:
    with pytest.raises(ValueError, match="label safe answers"):
        robust_worst_case(Estimate(None, 0, 1, 0, 0, 1, True), 3)
    with pytest.raises(ValueError, match="at least 1"):
        robust_worst_case(rate(0.9, 100), 0)
