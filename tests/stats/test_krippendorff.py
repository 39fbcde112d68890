"""Krippendorff's alpha beside published examples and the package `krippendorff`, and how often its limits hold."""

from __future__ import annotations

import krippendorff
import numpy as np
import pytest

from tocsin.stats.krippendorff import MISSING, krippendorff_alpha, pair_agreement

_ = MISSING

FOUR_OBSERVERS = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
    [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
])  # fmt: skip
"""Krippendorff 2011, *Computing Krippendorff's Alpha-Reliability*, section C."""

TWO_OBSERVERS = np.array([[0, 1, 0, 0, 0, 0, 0, 0, 1, 0], [1, 1, 1, 0, 0, 1, 0, 0, 0, 0]])
"""The same, section A."""


def drawn(
    rng: np.random.Generator, items: int, annotators: int, rare: float, wrong: float, missing: float
) -> np.ndarray:
    """Votes on items of which a share is of the rarer category, each wrong with the same chance."""
    truth = rng.random(items) < rare
    votes = (truth ^ (rng.random((annotators, items)) < wrong)).astype(np.int64)
    votes[rng.random(votes.shape) < missing] = MISSING
    return votes


def test_alpha_is_that_of_the_published_examples() -> None:
    found = krippendorff_alpha(FOUR_OBSERVERS)
    assert found.value == pytest.approx(0.743, abs=5e-4)
    assert (found.n_units, found.n_votes, found.left_out, found.n_annotators) == (11, 40, 1, 4)
    assert found.few_units
    assert krippendorff_alpha(TWO_OBSERVERS).value == pytest.approx(0.095, abs=5e-4)


def test_alpha_is_that_of_the_package_krippendorff() -> None:
    rng = np.random.default_rng(7)
    for annotators, categories in ((2, 2), (3, 2), (5, 4)):
        votes = rng.integers(categories, size=(annotators, 40))
        votes[rng.random(votes.shape) < 0.3] = MISSING
        data = np.where(votes == MISSING, np.nan, votes.astype(float))
        wanted = krippendorff.alpha(reliability_data=data, level_of_measurement="nominal")
        assert krippendorff_alpha(votes).value == pytest.approx(wanted, abs=1e-12)


def test_order_of_annotators_and_of_categories_changes_nothing() -> None:
    votes = drawn(np.random.default_rng(1), 50, 3, 0.3, 0.1, 0.2)
    turned = np.where(votes == MISSING, MISSING, 1 - votes)[::-1]
    found, again = krippendorff_alpha(votes), krippendorff_alpha(turned)
    assert found.value == pytest.approx(again.value)
    assert found.low == pytest.approx(again.low)


@pytest.mark.parametrize(
    ("votes", "why"),
    [
        (np.zeros((3, 20), dtype=int), "one category"),
        (np.array([[0, 1, _], [_, _, 1]]), "no item has two votes"),
        (np.full((2, 5), MISSING), "no item has two votes"),
        (np.zeros((0, 0), dtype=int), "no item has two votes"),
    ],
)
def test_where_nothing_could_differ_alpha_is_undefined_and_says_why(votes: np.ndarray, why: str) -> None:
    found = krippendorff_alpha(votes)
    assert (found.value, found.low, found.high) == (None, None, None)
    assert why in found.undefined


def test_annotators_who_never_differ_have_an_interval_all_the_same() -> None:
    truth = np.arange(60) % 3 == 0
    found = krippendorff_alpha(np.array([truth, truth]).astype(int))
    assert (found.value, found.high) == (1, 1)
    assert found.low is not None
    assert 0.8 < found.low < 0.95


def test_items_of_one_cluster_widen_the_limits() -> None:
    votes = drawn(np.random.default_rng(3), 20, 2, 0.4, 0.1, 0)
    many = np.repeat(votes, 5, axis=1)
    alone, together = krippendorff_alpha(many), krippendorff_alpha(many, np.repeat(np.arange(20), 5))
    assert alone.value == together.value
    assert None not in (alone.low, alone.high, together.low, together.high)
    assert together.high - together.low > 1.5 * (alone.high - alone.low)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("items", "annotators", "rare", "wrong"),
    [(30, 2, 0.3, 0.15), (60, 3, 0.3, 0.05), (60, 2, 0.1, 0.05), (200, 4, 0.1, 0.15)],
)
def test_limits_hold_what_many_items_would_give(items: int, annotators: int, rare: float, wrong: float) -> None:
    rng = np.random.default_rng(items + annotators)
    wanted = krippendorff_alpha(drawn(rng, 200_000, annotators, rare, wrong, 0.1), draws=40).value
    assert wanted is not None
    held = tried = 0
    for _draw in range(150):
        found = krippendorff_alpha(drawn(rng, items, annotators, rare, wrong, 0.1), draws=200)
        if found.low is not None and found.high is not None:
            tried += 1
            held += found.low <= wanted <= found.high
    assert tried > 140
    assert held / tried >= 0.92  # the standard error is 0.018


def test_pairs_say_what_both_voted_on_and_cohens_kappa() -> None:
    votes = np.array([[1, 1, 0, 0, 1, 0, _, 1], [1, 0, 0, 0, 1, 1, 1, _], [_, _, _, _, _, _, 1, 1]])
    first, *others = pair_agreement(votes)
    assert (first.first, first.second, first.n, first.agreed) == (0, 1, 6, 4)
    assert first.agreement.value == pytest.approx(4 / 6)
    assert first.kappa.value == pytest.approx((4 / 6 - 0.5) / 0.5)
    assert [(one.first, one.second, one.n) for one in others] == [(0, 2, 1), (1, 2, 1)]
    assert others[0].kappa.value is None
    swapped = pair_agreement(votes[[1, 0]])[0]
    assert (swapped.kappa.value, swapped.agreement.low) == (first.kappa.value, first.agreement.low)


def test_votes_that_are_none_are_refused() -> None:
    with pytest.raises(ValueError, match="whole numbers"):
        krippendorff_alpha(np.array([[0.5, 1.0]]))
    with pytest.raises(ValueError, match="0, 1 or -1"):
        pair_agreement(np.array([[2, 1], [1, 1]]))
