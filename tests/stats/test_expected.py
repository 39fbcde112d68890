"""The interval that is foreseen is the interval that comes, and its coverage is what it says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from tocsin.stats import clustered_proportion, expected_proportion

DRAWS = 400
SIZES = {
    "alone": np.ones(120),
    "fives": np.full(30, 5),
    "unequal": np.repeat([1, 2, 4, 9], [40, 20, 10, 4]),
}


def beta_binomial(rng: np.random.Generator, sizes: np.ndarray, rate: float, correlation: float) -> np.ndarray:
    """Passed attempts of each cluster, with this rate and correlation within clusters."""
    m = sizes.astype(np.int64)
    if correlation == 0:
        return rng.binomial(m, rate)
    total = (1 - correlation) / correlation
    return rng.binomial(m, rng.beta(rate * total, (1 - rate) * total, size=len(m)))


@pytest.mark.parametrize(
    ("name", "rate", "correlation"), list(itertools.product(SIZES, [0.5, 0.2, 0.05], [0.0, 0.3, 0.7]))
)
def test_the_foreseen_half_width_is_the_mean_of_those_that_come(name: str, rate: float, correlation: float) -> None:
    sizes, rng = SIZES[name], np.random.default_rng(5)
    told = expected_proportion(sizes, rate, correlation)
    found = [
        clustered_proportion(beta_binomial(rng, sizes, rate, correlation), sizes.astype(np.int64)) for _ in range(DRAWS)
    ]
    halves = [(one.high - one.low) / 2 for one in found]
    assert told.half_width == pytest.approx(np.mean(halves), rel=0.15)
    held = np.mean([one.low <= rate <= one.high for one in found])
    assert held >= 0.93 - 0.03


def test_attempts_that_are_one_answer_tell_as_much_as_one() -> None:
    once = expected_proportion(np.ones(50), 0.3, 0.2)
    again = expected_proportion(np.full(50, 4), 0.3, 0.2, draws=np.ones(50), alike=np.full(50, 16))
    assert again.half_width == pytest.approx(once.half_width, rel=1e-6)
    assert again.effective == pytest.approx(50)
    assert again.estimate.n == 200


def test_at_counts_that_can_be_it_is_the_very_interval() -> None:
    sizes = np.ones(40, dtype=np.int64)
    found = clustered_proportion((np.arange(40) < 10).astype(np.int64), sizes)
    told = expected_proportion(sizes, 0.25, 0.5).estimate
    assert (told.low, told.high) == pytest.approx((found.low, found.high))


def test_nothing_and_one_cluster_tell_nothing() -> None:
    assert expected_proportion([], 0.5, 0.5).estimate.value is None
    assert expected_proportion([0, 0], 0.5, 0.5).estimate.n == 0
    assert expected_proportion([9], 0.5, 0.5).half_width == 0.5
    with pytest.raises(ValueError, match=r"rate 1\.5"):
        expected_proportion([1, 1], 1.5, 0.5)
    with pytest.raises(ValueError, match="one size"):
        expected_proportion([1, 1], 0.5, 0.5, draws=[1])
