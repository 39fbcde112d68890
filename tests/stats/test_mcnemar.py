"""McNemar's exact test against SciPy's binomial test, its range over joint tables, and random signs against all signs."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from tocsin.stats.mcnemar import mcnemar_exact, mcnemar_range, most_discordant, random_signs


@pytest.mark.parametrize(("b", "c"), [(0, 0), (6, 0), (0, 6), (5, 3), (40, 22), (700, 655), (3, 3)])
def test_mcnemar_is_the_binomial_test_of_the_cases_that_differ(b: int, c: int) -> None:
    wanted = binomtest(b, b + c, 0.5).pvalue if b + c else 1.0
    assert mcnemar_exact(b, c) == pytest.approx(wanted, rel=1e-9)


def test_margins_of_the_paper_allow_these_p_values() -> None:
    sure = mcnemar_range(6, 0, 100)
    assert (sure.low, sure.high, sure.determined) == (0.03125, 0.03125, True)
    wide = mcnemar_range(6, 2, 100)
    assert (wide.low, wide.high, wide.tables) == (pytest.approx(0.125), pytest.approx(0.2890625), 3)
    assert mcnemar_range(100, 94, 100).determined, "a margin of n leaves one table, too"


@given(st.integers(1, 40).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))))
def test_the_range_is_over_every_table_with_these_margins(given_: tuple[int, int, int]) -> None:
    n, x, y = given_
    every = [mcnemar_exact(x - both, y - both) for both in range(n + 1) if 0 <= both <= min(x, y) and x + y - both <= n]
    found = mcnemar_range(x, y, n)
    assert (found.low, found.high, found.tables) == (pytest.approx(min(every)), pytest.approx(max(every)), len(every))
    b, c = most_discordant(x, y, n)
    assert mcnemar_exact(b, c) == pytest.approx(found.high), "the least favourable table has the most cases that differ"
    assert (b - c, b + c <= n) == (x - y, True)


@pytest.mark.parametrize("wrong", [(-1, 0, 5), (0, 6, 5)])
def test_margins_outside_the_cases_are_refused(wrong: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="needs 0 <= each <= n"):
        mcnemar_range(*wrong)
    with pytest.raises(ValueError, match="counts start at 0"):
        mcnemar_exact(-1, 2)


def test_random_signs_of_single_cases_are_mcnemars_test() -> None:
    assert random_signs([0.25] * 9 + [-0.25] * 2 + [0.0] * 50) == pytest.approx(mcnemar_exact(9, 2))
    assert random_signs([]) == random_signs([0.0]) == 1.0


def test_random_signs_agree_with_all_signs() -> None:
    d = np.array([3.0, 1.0, -1.0, 2.0, 2.0, 5.0, -2.0, 4.0, 1.0, 1.0])
    sums = [abs(float(np.dot(signs, d))) for signs in itertools.product((-1, 1), repeat=len(d))]
    exact = np.mean([one >= d.sum() for one in sums])
    assert random_signs(d, draws=200_000) == pytest.approx(exact, abs=0.004)
    assert random_signs(-d, draws=200_000) == pytest.approx(exact, abs=0.004)


def test_far_beyond_the_draws_a_bound_stands_in() -> None:
    d = np.tile([1.0, 2.0], 60)
    p = random_signs(d)
    assert p == pytest.approx(2 * np.exp(-(180.0**2) / (2 * 300.0)))
    assert 2 * 0.5**120 <= p < 1e-20, "at least the chance of all signs being alike"


def test_a_million_clusters_are_tested_in_no_time() -> None:
    d = np.random.default_rng(3).integers(-30, 32, 1_000_000)
    assert 0 < random_signs(d) < 0.001
