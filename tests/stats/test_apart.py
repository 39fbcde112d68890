"""Rates that are alike are seldom told apart, however unequal their sizes, and a real gap is found."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from tocsin.stats import wilson
from tocsin.stats.apart import Rate, difference, gap, like, rest_of, widened

DRAWS = 400


def rates(rng: np.random.Generator, sizes: Sequence[int], truth: Sequence[float]) -> list[Rate]:
    found = []
    for n, p in zip(sizes, truth, strict=True):
        count = int(rng.binomial(n, p))
        limits = wilson(count, n)
        found.append(Rate(count / n, limits.low, limits.high))
    return found


def named(cells: list[Rate]) -> list[int]:
    """The cells that lie below the mean of the others."""
    rests = [[other for other in cells if other is not cell] for cell in cells]
    return [place for place, rest in enumerate(rests) if gap(cells[place], rest, len(cells)).high < 0]


@pytest.mark.parametrize(
    ("sizes", "rate"),
    [((1000, 30, 30), 0.8), ((2000, 20, 20), 0.8), ((1000, 60, 60, 60), 0.7), ((300, 50, 50, 50, 50), 0.8)],
)
def test_of_cells_that_are_alike_one_is_called_weaker_in_no_more_than_5_percent(
    sizes: tuple[int, ...], rate: float
) -> None:
    """Against the value of the whole, whose own noise is left out, it was 15 to 31%."""
    rng = np.random.default_rng(11)
    told = sum(bool(named(rates(rng, sizes, [rate] * len(sizes)))) for _ in range(DRAWS))
    assert told / DRAWS <= 0.05


@pytest.mark.parametrize(
    ("sizes", "truth"), [((200,) * 5, (0.8, 0.8, 0.8, 0.8, 0.6)), ((1000, 60, 60), (0.8, 0.8, 0.5))]
)
def test_a_cell_that_is_weaker_is_found(sizes: tuple[int, ...], truth: tuple[float, ...]) -> None:
    rng = np.random.default_rng(12)
    told = [named(rates(rng, sizes, truth)) for _ in range(100)]
    assert sum(one == [len(sizes) - 1] for one in told) >= 90


@pytest.mark.parametrize(("sizes", "rate"), [((50,) * 20, 0.95), ((900, 50, 50), 0.8)])
def test_of_parts_that_are_alike_one_is_seldom_below_the_rest(sizes: tuple[int, ...], rate: float) -> None:
    rng = np.random.default_rng(13)
    told = 0
    for _ in range(DRAWS):
        parts = rates(rng, sizes, [rate] * len(sizes))
        count, n = round(sum(p.value * n for p, n in zip(parts, sizes, strict=True))), sum(sizes)
        limits = wilson(count, n)
        whole = Rate(count / n, limits.low, limits.high)
        rests = [rest_of(part, size, whole, n) for part, size in zip(parts, sizes, strict=True)]
        told += any(
            gap(part, rest, len(parts)).high < 0 for part, rest in zip(parts, rests, strict=True) if rest is not None
        )
    assert told / DRAWS <= 0.05


def test_widened_limits_are_wilsons_at_the_higher_confidence() -> None:
    for count, n in ((20, 20), (5, 40), (0, 9)):
        plain, wide = wilson(count, n), wilson(count, n, confidence=1 - 0.05 / 7)
        found = widened(Rate(count / n, plain.low, plain.high), 7)
        assert (found.low, found.high) == (pytest.approx(wide.low, abs=1e-9), pytest.approx(wide.high, abs=1e-9))
    assert widened(Rate(0.5, 0.4, 0.6), 1) == Rate(0.5, pytest.approx(0.4), pytest.approx(0.6))
    assert widened(Rate(0.5, 0.0, 1.0), 9) == Rate(0.5, 0.0, 1.0)


def test_the_rest_is_what_the_counts_leave_with_wilsons_limits() -> None:
    whole, limits = wilson(80, 100), wilson(60, 70)
    found = rest_of(Rate(20 / 30, 0.4, 0.8), 30, Rate(0.8, whole.low, whole.high), 100)
    assert found is not None
    assert found == Rate(pytest.approx(60 / 70), pytest.approx(limits.low), pytest.approx(limits.high))
    assert rest_of(Rate(0.8, 0.7, 0.9), 100, Rate(0.8, 0.7, 0.9), 100) is None
    assert like(0.5, 10, Rate(0.5, 0.0, 1.0), 10) is None, "limits that tell no size"


def test_the_difference_has_the_limits_of_mover() -> None:
    found = difference(Rate(0.5, 0.4, 0.6), Rate(0.7, 0.6, 0.75))
    assert found.value == pytest.approx(-0.2)
    assert found.low == pytest.approx(-0.2 - (0.1**2 + 0.05**2) ** 0.5)
    assert found.high == pytest.approx(-0.2 + (0.1**2 + 0.1**2) ** 0.5)
