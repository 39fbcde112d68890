from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom

from tocsin.stats.paired import sign_flip
from tocsin.stats.power import detectable, discordance_of, needed, power_of

DRAWS = 4000
MARGIN = 3.3 * math.sqrt(0.25 / DRAWS)
"""What a share of so many draws may be off at most, at 0.1%."""


def pairs(rng: np.random.Generator, n: int, p: float, r: float, discordance: float, draws: int) -> np.ndarray:
    """Of `draws` comparisons, how many cases each: both pass, the first alone, the second alone, neither."""
    first, second = (discordance + p - r) / 2, (discordance - p + r) / 2
    both = p - first
    return rng.multinomial(n, [both, first, second, 1 - both - first - second], size=draws)


# -- what the literature and the protocol say -------------------------------------------------------------------------


def test_a_hundred_items_a_model_detect_what_the_protocol_says() -> None:
    assert detectable(100, 0.1) == pytest.approx(0.12, abs=0.005)
    assert detectable(100, 0.5) == pytest.approx(0.20, abs=0.005)


def test_needed_cases_of_two_groups_are_those_of_the_textbook_formula() -> None:
    p, r, z, b = 0.25, 0.4, 1.959964, 0.841621
    q = (p + r) / 2
    n = (z * math.sqrt(2 * q * (1 - q)) + b * math.sqrt(p * (1 - p) + r * (1 - r))) ** 2 / (p - r) ** 2
    assert needed(r - p, q) == math.ceil(n) == 152


def test_the_exact_paired_power_comes_to_connor_s_approximation_where_disagreements_are_many() -> None:
    discordance, d, n = 0.3, 0.08, 2000
    about = (d * math.sqrt(n) - 1.959964 * math.sqrt(discordance)) / math.sqrt(discordance - d * d)
    normal = 0.5 * (1 + math.erf(about / math.sqrt(2)))
    assert power_of(n, difference=d, rate=0.5, discordance=discordance) == pytest.approx(normal, abs=0.01)


# -- simulation -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "rate", "correlation"), [(40, 0.5, 0.5), (120, 0.1, 0.3), (300, 0.2, 0.7), (60, 0.05, 0)]
)
def test_paired_power_is_how_often_mcnemar_s_exact_test_rejects(n: int, rate: float, correlation: float) -> None:
    d = detectable(n, rate, correlation=correlation)
    assert d is not None
    p, r = max(0.0, rate - d / 2), max(0.0, rate - d / 2) + d
    drawn = pairs(np.random.default_rng(7), n, p, r, discordance_of(rate, d, correlation), DRAWS)
    more, apart = drawn[:, 1:3].max(axis=1), drawn[:, 1:3].sum(axis=1)
    rejected = np.mean(2 * binom.sf(more - 1, apart, 0.5) <= 0.05)
    assert rejected == pytest.approx(0.8, abs=MARGIN)


@pytest.mark.parametrize(("n", "rate"), [(100, 0.5), (100, 0.1), (400, 0.03)])
def test_unpaired_power_is_how_often_the_test_of_two_rates_rejects(n: int, rate: float) -> None:
    d = detectable(n, rate)
    assert d is not None
    p = max(0.0, rate - d / 2)
    rng = np.random.default_rng(11)
    x, y = rng.binomial(n, p, DRAWS) / n, rng.binomial(n, p + d, DRAWS) / n
    mean = (x + y) / 2
    rejected = np.mean(np.abs(x - y) > 1.959964 * np.sqrt(2 * mean * (1 - mean) / n))
    assert rejected == pytest.approx(0.8, abs=MARGIN + 0.015)  # the normal approximation itself


def test_the_test_of_random_signs_has_that_power_too() -> None:
    d = detectable(60, 0.5, correlation=0.5)
    assert d is not None
    drawn = pairs(np.random.default_rng(3), 60, 0.5 - d / 2, 0.5 + d / 2, discordance_of(0.5, d, 0.5), draws := 400)
    rejected = np.mean([sign_flip([1] * a + [-1] * b, draws=2000) <= 0.05 for _, a, b, _ in drawn])
    assert rejected == pytest.approx(0.8, abs=3.3 * math.sqrt(0.16 / draws))


def test_without_a_difference_the_test_holds_its_level() -> None:
    for n in (10, 50, 500):
        assert power_of(n, 0.5, 0.0, correlation=0.5) <= 0.05


# -- how they belong together -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"correlation": 0.4}, {"discordance": 0.2}])
@pytest.mark.parametrize("d", [0.05, 0.1, 0.2])
def test_the_needed_number_has_the_power_and_one_less_has_not(how: dict[str, float], d: float) -> None:
    n = needed(d, 0.3, **how)  # type: ignore[arg-type]
    assert n is not None
    assert power_of(n, 0.3, d, **how) >= 0.8 > power_of(n - 1, 0.3, d, **how)  # type: ignore[arg-type]


def test_pairs_that_agree_more_show_smaller_differences() -> None:
    found = [detectable(200, 0.4, correlation=c) for c in (0, 0.3, 0.6, 0.9)]
    assert found == sorted(found, reverse=True)  # type: ignore[type-var]
    unpaired = detectable(200, 0.4)
    assert unpaired is not None
    assert found[0] == pytest.approx(unpaired, abs=0.015)


def test_more_comparisons_need_larger_differences() -> None:
    one, ten = detectable(200, 0.4, correlation=0.5), detectable(200, 0.4, correlation=0.5, alpha=0.05 / 10)
    assert one is not None
    assert ten is not None
    assert ten > one


def test_what_no_number_and_no_difference_can_show_is_none() -> None:
    assert detectable(5, 0.5, correlation=1) is None  # five that all speak for one side come to p = 0.0625
    assert detectable(6, 0.5, correlation=1) is not None
    assert detectable(0, 0.5) is None
    assert detectable(30, discordance=0.1) is None
    assert needed(0.0, 0.5) is None


def test_the_smaller_group_of_two_counts_more() -> None:
    even, skew, small = detectable(200), detectable(350, other=50), detectable(50)
    assert even is not None
    assert skew is not None
    assert small is not None
    assert even < skew < small


def test_a_correlation_that_two_rates_cannot_have_is_cut_to_the_nearest() -> None:
    assert discordance_of(0.5, 0.4, 1) == pytest.approx(0.4)
    assert discordance_of(0.5, 0, 1) == pytest.approx(0)
    assert discordance_of(0.5, 0, -1) == pytest.approx(1)
    assert discordance_of(0.05, 0.1, -1) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"correlation": 2}, "correlation is 2"),
        ({"discordance": 1.5}, "discordance is 1.5"),
        ({"correlation": 0, "discordance": 0.5}, "give one of them"),
        ({"correlation": 0, "other": 5}, "leave it out"),
        ({"alpha": 1}, "alpha is 1"),
        ({"discordance": 0.01}, "cannot differ by 0.1"),
    ],
)
def test_what_cannot_be_is_named(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        power_of(100, 0.5, 0.1, **wrong)  # type: ignore[arg-type]
