"""Intervals for one proportion, against published tables and exact references."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tocsin.stats import Interval, bounds, critical_t, critical_z, wilson

confidences = st.floats(0.5, 0.999)


@st.composite
def counts(draw: st.DrawFn) -> tuple[float, float]:
    n = draw(st.one_of(st.integers(1, 10**6), st.floats(1e-3, 1e6)))
    return draw(st.floats(0, 1)) * n, n


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(6, 100, 2.8, 12.5), (0, 100, 0, 3.7), (58, 60, 88.6, 99.1), (45, 100, 35.6, 54.8), (58, 70, 72.4, 89.9)],
)
def test_wilson_gives_the_percentages_known_for_the_reference_scores(
    successes: int, n: int, low: float, high: float
) -> None:
    limits = wilson(successes, n)

    assert (round(100 * limits.low, 1), round(100 * limits.high, 1)) == (low, high)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_matches_table_one_of_newcombe_1998(successes: int, n: int, low: float, high: float) -> None:
    limits = wilson(successes, n)

    assert limits.low == pytest.approx(low, abs=5e-5)
    assert limits.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.999])
@pytest.mark.parametrize(("successes", "n"), [(0, 1), (1, 1), (3, 7), (99, 100), (1234, 56789)])
def test_wilson_agrees_with_scipy(successes: int, n: int, confidence: float) -> None:
    expected = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")

    limits = wilson(successes, n, confidence=confidence)

    assert limits.low == pytest.approx(expected.low, abs=1e-12)
    assert limits.high == pytest.approx(expected.high, abs=1e-12)


@given(counts(), confidences)
def test_wilson_limits_are_ordered_within_the_scale_and_hold_the_estimate(
    count: tuple[float, float], confidence: float
) -> None:
    successes, n = count

    limits = wilson(successes, n, confidence=confidence)

    assert 0 <= limits.low <= successes / n <= limits.high <= 1


@given(counts(), confidences)
def test_wilson_limits_solve_the_score_equation(count: tuple[float, float], confidence: float) -> None:
    successes, n = count
    c = critical_z(confidence)

    for limit in (wilson(successes, n, confidence=confidence).low, wilson(successes, n, confidence=confidence).high):
        assert n * (successes / n - limit) ** 2 == pytest.approx(c * c * limit * (1 - limit), rel=1e-6, abs=1e-6)


@given(st.integers(1, 10**6).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), confidences)
def test_wilson_is_mirrored_when_passes_and_failures_change_places(count: tuple[int, int], confidence: float) -> None:
    successes, n = count

    limits, mirrored = wilson(successes, n, confidence=confidence), wilson(n - successes, n, confidence=confidence)

    assert mirrored.low == pytest.approx(1 - limits.high, abs=1e-12)
    assert mirrored.high == pytest.approx(1 - limits.low, abs=1e-12)


@given(counts(), st.floats(1.01, 50))
def test_a_smaller_effective_sample_widens_wilson_on_both_sides(count: tuple[float, float], effect: float) -> None:
    successes, n = count

    plain, widened = wilson(successes, n), wilson(successes / effect, n / effect)

    assert widened.low <= plain.low + 1e-12
    assert widened.high >= plain.high - 1e-12


def test_wilson_of_nothing_measured_is_the_whole_scale() -> None:
    assert wilson(0, 0) == Interval(0.0, 1.0)


def test_wilson_at_the_ends_of_the_scale_is_exact_there_and_has_a_width() -> None:
    c = critical_z(0.95)

    assert wilson(0, 40) == Interval(0.0, pytest.approx(c * c / (40 + c * c)))
    assert wilson(40, 40) == Interval(pytest.approx(40 / (40 + c * c)), 1.0)


def test_a_given_critical_value_takes_the_place_of_the_confidence() -> None:
    assert wilson(3, 9, critical=critical_z(0.8)) == wilson(3, 9, confidence=0.8)
    assert wilson(3, 9, critical=0) == Interval(pytest.approx(1 / 3), pytest.approx(1 / 3))
    assert wilson(3, 9, critical=math.inf) == Interval(0.0, 1.0)


@pytest.mark.parametrize(
    ("successes", "n"), [(-1, 5), (6, 5), (1, 0), (0, -1), (math.nan, 5), (1, math.nan), (1, math.inf)]
)
def test_wilson_refuses_counts_that_cannot_be(successes: float, n: float) -> None:
    with pytest.raises(ValueError, match=r"needs 0 <= successes <= n"):
        wilson(successes, n)


@pytest.mark.parametrize("critical", [-1.0, math.nan])
def test_wilson_refuses_a_critical_value_that_cannot_be(critical: float) -> None:
    with pytest.raises(ValueError, match="critical value"):
        wilson(1, 2, critical=critical)


def test_bounds_count_the_unmeasured_first_as_failed_then_as_passed() -> None:
    assert bounds(passed=6, failed=2, unmeasured=2) == Interval(0.6, 0.8)


def test_bounds_of_nothing_measured_are_the_whole_scale() -> None:
    assert bounds(0, 0, 0) == Interval(0.0, 1.0)
    assert bounds(0, 0, 7) == Interval(0.0, 1.0)


@given(st.integers(0, 1000), st.integers(0, 1000), st.integers(0, 1000))
def test_bounds_hold_the_rate_and_close_on_it_when_all_is_measured(passed: int, failed: int, unmeasured: int) -> None:
    found = bounds(passed, failed, unmeasured)

    assert 0 <= found.low <= found.high <= 1
    if passed + failed:
        assert found.low <= passed / (passed + failed) <= found.high
        assert bounds(passed, failed, 0) == Interval(passed / (passed + failed), passed / (passed + failed))


@pytest.mark.parametrize("count", [(-1, 1, 1), (1, -1, 1), (1, 1, -1)])
def test_bounds_refuse_negative_counts(count: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="counts start at 0"):
        bounds(*count)


@pytest.mark.parametrize(
    ("confidence", "expected"), [(0.8, 1.281552), (0.9, 1.644854), (0.95, 1.959964), (0.99, 2.575829)]
)
def test_critical_z_matches_the_printed_table(confidence: float, expected: float) -> None:
    assert critical_z(confidence) == pytest.approx(expected, abs=5e-7)


@pytest.mark.parametrize(
    ("df", "expected"), [(1, 12.706), (2, 4.303), (4, 2.776), (9, 2.262), (19, 2.093), (30, 2.042), (120, 1.980)]
)
def test_critical_t_matches_the_printed_table(df: int, expected: float) -> None:
    assert critical_t(0.95, df) == pytest.approx(expected, abs=5e-4)


@given(st.floats(0.01, 0.9999))
def test_critical_t_has_its_closed_form_at_one_and_two_degrees_of_freedom(confidence: float) -> None:
    assert critical_t(confidence, 1) == pytest.approx(math.tan(math.pi * confidence / 2), rel=1e-8)
    assert critical_t(confidence, 2) == pytest.approx(confidence * math.sqrt(2 / (1 - confidence**2)), rel=1e-8)


@given(confidences, st.floats(0.5, 1e5))
def test_critical_t_inverts_the_distribution(confidence: float, df: float) -> None:
    covered = 1 - 2 * stats.t.sf(critical_t(confidence, df), df)

    assert covered == pytest.approx(confidence, abs=1e-9)


@given(confidences)
def test_critical_t_falls_to_the_normal_value_as_clusters_grow(confidence: float) -> None:
    z = critical_z(confidence)

    assert critical_t(confidence, 5) > critical_t(confidence, 50) > z
    assert critical_t(confidence, 1e9) == pytest.approx(z, rel=1e-6, abs=1e-9)
    assert critical_t(confidence, math.inf) == z


@pytest.mark.parametrize("df", [0, -1, math.nan])
def test_critical_t_refuses_to_work_without_a_degree_of_freedom(df: float) -> None:
    with pytest.raises(ValueError, match="at least two clusters"):
        critical_t(0.95, df)


@pytest.mark.parametrize("confidence", [0, 1, 95, -0.1, math.nan])
def test_a_confidence_outside_its_range_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="share between 0 and 1"):
        critical_z(confidence)
    with pytest.raises(ValueError, match="share between 0 and 1"):
        critical_t(confidence, 3)
    with pytest.raises(ValueError, match="share between 0 and 1"):
        wilson(1, 2, confidence=confidence)


def test_importing_the_package_and_plain_wilson_load_no_scipy() -> None:
    script = (
        "import sys, tocsin.stats as s; s.wilson(1, 2); "
        "print(sorted(m for m in sys.modules if m.partition('.')[0] == 'scipy'))"
    )

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99, 0.999])
@pytest.mark.parametrize("df", [100, 117.5, 400, 9_999, 1e7])
def test_the_expansion_for_many_degrees_of_freedom_agrees_with_scipy(confidence: float, df: float) -> None:
    assert critical_t(confidence, df) == pytest.approx(stats.t.ppf((1 + confidence) / 2, df), rel=1e-8)
