"""What a plan says of differences is what a test of them finds, also where cases share clusters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tocsin.results.planning import Assumed
from tocsin.results.planning.measured import Measured
from tocsin.results.planning.precision import Reckoning
from tocsin.results.planning.units import Counts, Key
from tocsin.stats import discordance_of, sign_flip

DRAWS = 500
MARGIN = 3.3 * math.sqrt(0.8 * 0.2 / DRAWS)


def counts(clusters: int, size: int) -> Counts:
    sizes = np.full(clusters, float(size))
    return Counts(sizes, sizes, sizes)


def cluster_differences(
    rng: np.random.Generator, clusters: int, size: int, within: float, p: float, r: float, apart: float
) -> np.ndarray:
    """Summed differences of two models over clusters, whose cases agree with one another with this correlation.

    With the chance of it a whole cluster goes as one of its cases does, and else each case by itself: so outcomes and differences
    have the same correlation.
    """
    first, second = (apart + p - r) / 2, (apart - p + r) / 2
    alone = rng.multinomial(size, [first, second, 1 - apart], size=clusters)
    whole = rng.multinomial(1, [first, second, 1 - apart], size=clusters) * size
    drawn = np.where(rng.random(clusters)[:, None] < within, whole, alone)
    return drawn[:, 0] - drawn[:, 1]


@pytest.mark.parametrize(
    ("clusters", "size", "rate", "within"), [(80, 1, 0.5, 0.5), (60, 4, 0.5, 0.4), (100, 3, 0.2, 0.6)]
)
def test_a_difference_that_the_plan_says_can_be_seen_is_found_four_times_in_five(
    clusters: int, size: int, rate: float, within: float
) -> None:
    reckoning = Reckoning(assumed=Assumed(cluster_correlation=within))
    expected = reckoning.expected(counts(clusters, size), rate)
    assert expected.effective == pytest.approx(clusters * size / (1 + (size - 1) * within))
    d, _ = reckoning.differences(expected.effective, rate)
    assert d is not None
    apart = discordance_of(rate, d, reckoning.between)
    rng = np.random.default_rng(23)
    found = np.mean(
        [
            sign_flip(
                cluster_differences(rng, clusters, size, within, rate + d / 2, rate - d / 2, apart),
                draws=999,
                seed=seed,
            )
            <= 0.05
            for seed in range(DRAWS)
        ]
    )
    assert found == pytest.approx(0.8, abs=MARGIN + 0.03)  # and what the normal form of clusters is off


def test_more_models_need_larger_differences_by_holm() -> None:
    two, five = Reckoning(assumed=Assumed(), pairs=1), Reckoning(assumed=Assumed(), pairs=10)
    assert all(a < b for a, b in zip(two.differences(200, 0.5), five.differences(200, 0.5), strict=True))


def test_attempts_without_a_verdict_widen_the_interval_and_the_bounds() -> None:
    whole = Reckoning(assumed=Assumed()).expected(counts(100, 2), 0.5)
    part = Reckoning(assumed=Assumed(unscored=0.25)).expected(counts(100, 2), 0.5)
    assert part.estimate.n == 150
    assert part.half_width > whole.half_width
    few = counts(100, 2).without(0.9).without(0.5)
    assert few.sizes.sum() == 10
    assert np.isfinite(few.draws).all()


def test_what_was_measured_goes_before_assumptions_and_what_was_said_before_both() -> None:
    key = Key(0, "language", "benchmark", "xstest", None, "safe_rate")
    known = Measured(rates={key[1:]: 0.9}, cluster_correlation=0.1, model_correlation=0.6, unscored=0.02)
    measured = Reckoning(assumed=Assumed(), known=known)
    assert (measured.rate(key), measured.within, measured.between, measured.unscored) == (0.9, 0.1, 0.6, 0.02)
    assert Reckoning(assumed=Assumed(rate=0.7), known=known).rate(key) == 0.7
    assert Reckoning(assumed=Assumed()).rate(key) == 0.5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"rate": 1.2}, "rate is 1.2"),
        ({"unscored": 1}, "unscored share is 1"),
        ({"latency": 0}, "latency is 0"),
        ({"model_correlation": -1}, "model correlation is -1"),
    ],
)
def test_assumptions_that_cannot_be_are_named(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Assumed(**wrong)  # type: ignore[arg-type]
