"""Worst cases over attacks, against counting by hand and over every suite."""

from __future__ import annotations

import itertools
import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.stats import (
    asr_at_k,
    clustered_proportion,
    safe_worst,
    safe_worst_few,
    worst_case_curve,
    worst_case_gap,
)

NAN = math.nan
MATRIX = [[0, 0, 0], [0, 1, 0], [1, 1, 1], [0, NAN, 0], [NAN, 1, NAN]]


def random_matrix(cases: int, attacks: int, seed: int = 0, missing: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    matrix = (rng.random((cases, attacks)) < rng.beta(1, 2, (cases, 1))).astype(float)
    matrix[rng.random(matrix.shape) < missing] = NAN
    return matrix


def test_a_case_is_safe_only_if_every_attack_was_measured_and_failed() -> None:
    found = safe_worst(MATRIX)

    assert (found.safe, found.unsafe, found.unscored) == (1, 3, 1)
    assert (found.bounds.low, found.bounds.high) == (1 / 5, 2 / 5)
    assert found.estimate == clustered_proportion(np.array([1, 0, 0, 0]), np.ones(4, dtype=int))


@given(st.integers(0, 10_000))
def test_stopping_at_the_first_success_changes_nothing(seed: int) -> None:
    matrix = random_matrix(20, 6, seed, missing=0.1)
    stopped = matrix.copy()
    for row in stopped:
        successes = np.flatnonzero(row == 1)
        if len(successes):
            row[successes[0] + 1 :] = NAN

    assert safe_worst(stopped) == safe_worst(matrix)


def test_cases_of_one_cluster_widen_the_interval() -> None:
    matrix = np.repeat(random_matrix(20, 4), 5, axis=0)

    apart, together = safe_worst(matrix), safe_worst(matrix, np.repeat(np.arange(20), 5))

    assert apart.estimate.value == together.estimate.value
    assert together.estimate.high - together.estimate.low > 1.5 * (apart.estimate.high - apart.estimate.low)


def test_the_worst_few_are_chosen_on_other_cases_than_they_are_measured_on() -> None:
    # All attacks are alike, so any three leave half of the cases safe; the three luckiest seem to leave fewer.
    rng = np.random.default_rng(1)
    split, naive = [], []

    for draw in range(300):
        matrix = (rng.random((60, 20)) < 1 - 0.5 ** (1 / 3)).astype(float)
        found = safe_worst_few(matrix, seed=draw)
        assert found.result.estimate.value is not None
        assert found.naive is not None
        split.append(found.result.estimate.value)
        naive.append(found.naive)

    assert np.mean(split) == pytest.approx(0.5, abs=0.015)
    assert np.mean(naive) < 0.43


def test_a_fold_is_measured_with_the_attacks_chosen_on_the_others() -> None:
    # Attack 0 breaks the first half and attack 1 the second: which is worst depends on the half one looks at.
    half = np.array([[1, 0, 0]] * 10 + [[0, 1, 0]] * 10, dtype=float)

    found = safe_worst_few(half, np.repeat([0, 1], 10), count=1)

    assert sorted(found.chosen) == [[0], [1]]
    assert found.result.safe == 20


def test_given_attacks_are_taken_as_they_are() -> None:
    found = safe_worst_few(MATRIX, attacks=[0, 2])

    assert found.chosen == [[0, 2]]
    assert found.naive is None
    assert (found.result.safe, found.result.unsafe, found.result.unscored) == (3, 1, 1)


def test_the_curve_is_the_mean_over_every_suite_of_a_size() -> None:
    matrix = random_matrix(15, 6)

    curve = worst_case_curve(matrix)

    assert [point.attacks for point in curve] == [1, 2, 3, 4, 5, 6]
    for point in curve:
        every = [
            safe_worst(matrix[:, suite]).estimate.value for suite in itertools.combinations(range(6), point.attacks)
        ]
        assert point.estimate.value == pytest.approx(np.mean(every))
        assert (point.bounds.low, point.bounds.high) == pytest.approx((np.mean(every),) * 2)
    assert curve[0].estimate.value == pytest.approx(1 - matrix.mean())


def test_the_curve_stays_exact_for_many_attacks() -> None:
    matrix = np.zeros((2, 1000))
    matrix[1, 0] = 1

    [point] = worst_case_curve(matrix, sizes=[500])

    assert point.estimate.value == pytest.approx((1 + 0.5) / 2, rel=1e-12)


def test_the_curve_bounds_cases_with_missing_outcomes() -> None:
    [point] = worst_case_curve([[0, 0], [0, NAN]], sizes=[2])

    assert point.estimate.value == 1
    assert point.estimate.n == 1
    assert (point.bounds.low, point.bounds.high) == (0.5, 1.0)


def test_asr_at_k_is_that_of_every_choice_of_k_tries() -> None:
    found = asr_at_k(np.array([2, 0, 5, 1]), np.array([5, 5, 5, 2]), 3)

    broken = np.mean([any(chosen) for chosen in itertools.combinations([1, 1, 0, 0, 0], 3)])
    assert found.value == pytest.approx((broken + 0 + 1) / 3)
    assert found.n == 3


def test_asr_at_one_is_the_share_of_tries_that_succeed() -> None:
    assert asr_at_k(np.array([1, 3]), np.array([4, 4]), 1).value == pytest.approx(0.5)


def test_the_gap_is_taken_within_each_case() -> None:
    # Columns 0 and 1 are static, 2 and 3 adaptive.
    matrix = [[0, 0, 1, 0], [0, 0, 0, 1], [1, 0, 1, 1], [0, 0, 0, 0], [0, 1, 0, 0], [0, NAN, 0, 0]]

    gap = worst_case_gap(matrix, [2, 3], [0, 1])

    assert gap.value == pytest.approx((2 - 1) / 5)
    assert (gap.n, gap.unpaired) == (5, 1)
    assert (gap.bounds.low, gap.bounds.high) == pytest.approx((0 / 6, 1 / 6))
    assert gap.low < 0 < gap.value < gap.high


def test_gaps_hold_the_truth_as_often_as_they_say() -> None:
    rng, held = np.random.default_rng(2), []

    for _ in range(1500):
        hard = rng.random((60, 1)) < 0.5
        static, adaptive = rng.random((60, 2)) < 0.1 + 0.2 * hard, rng.random((60, 2)) < 0.2 + 0.3 * hard
        gap = worst_case_gap(np.hstack([static, adaptive]).astype(float), [2, 3], [0, 1])
        held.append(gap.low <= (0.9**2 + 0.7**2 - 0.8**2 - 0.5**2) / 2 <= gap.high)

    assert np.mean(held) >= 0.94


def test_a_gap_keeps_a_width_where_all_cases_agree() -> None:
    gap = worst_case_gap(np.zeros((50, 2)), [0], [1])

    assert gap.value == 0
    assert gap.low < -0.01 < 0.01 < gap.high


def test_nothing_measured_gives_no_value() -> None:
    nothing = np.full((3, 2), NAN)

    assert safe_worst(nothing).estimate.value is None
    assert (safe_worst(nothing).bounds.low, safe_worst(nothing).bounds.high) == (0.0, 1.0)
    assert worst_case_gap(nothing, [0], [1]).value is None
    assert worst_case_curve(np.zeros((0, 2)))[0].estimate.value is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: safe_worst([[0, 2]]), "case 0, attack 1 is 2"),
        (lambda: safe_worst([0, 1]), r"shape \(2,\)"),
        (lambda: safe_worst(np.zeros((3, 0))), "one attack or more"),
        (lambda: safe_worst_few(MATRIX, count=4), "4 of 3 attacks"),
        (lambda: safe_worst_few(MATRIX, folds=9), "9 folds of 5 clusters"),
        (lambda: safe_worst_few(MATRIX, attacks=[3]), "column 3 of 3"),
        (lambda: worst_case_curve(MATRIX, sizes=[0]), "a suite of 0 out of 3"),
        (lambda: asr_at_k(np.array([2]), np.array([1]), 1), "0 <= successes <= tries"),
        (lambda: asr_at_k(np.array([1]), np.array([1]), 0), "k is 0"),
        (lambda: worst_case_gap(MATRIX, [], [0]), "no column"),
    ],
)
def test_what_cannot_be_is_refused(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()  # type: ignore[operator]


def test_limits_of_clustered_cases_are_plain_numbers_that_json_can_hold() -> None:
    matrix = np.array([[0.0, 0], [0, 1], [1, 1], [0, 0], [0, 0], [1, 0]])
    for point in worst_case_curve(matrix, np.array([0, 0, 0, 1, 1, 1])):
        told = msgspec.to_builtins(point)
        assert told["estimate"]["low"] <= told["estimate"]["value"] <= told["estimate"]["high"]
