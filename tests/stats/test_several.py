"""The test by random signs, and what makes several tests good."""

from __future__ import annotations

import numpy as np
import pytest

from tocsin.stats import holm, sign_flip


def test_holms_values_are_those_of_the_book() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_few_clusters_give_what_can_be_counted_by_hand() -> None:
    assert sign_flip([1, 1, 1], seed=1) == pytest.approx(0.25, abs=0.01), (
        "two of the eight sets of signs are as far from 0"
    )
    assert sign_flip([0, 0]) == 1.0
    assert sign_flip([2, -2]) == 1.0


def test_level_holds_under_no_difference_and_a_difference_is_found() -> None:
    rng = np.random.default_rng(3)
    null = [sign_flip(rng.choice([-1, 0, 1], size=60), draws=1000, seed=n) for n in range(400)]
    assert np.mean(np.array(null) <= 0.05) <= 0.075
    assert sign_flip(rng.choice([0, 1], p=[0.6, 0.4], size=60)) < 0.001
