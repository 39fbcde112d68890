"""Precision, recall, false-positive rate and F1: by hand, and how often their limits hold what is true."""

from __future__ import annotations

import numpy as np
import pytest

from tocsin.stats import wilson
from tocsin.stats.classified import Confusion, f1, false_positive_rate, mean_f1, precision, recall

LEAST = 0.93
DRAWS = 1500


def apart(tp: int, fp: int, fn: int, tn: int) -> list[Confusion]:
    """As many clusters as items."""
    kinds = {"tp": tp, "fp": fp, "fn": fn, "tn": tn}
    return [Confusion(**{kind: 1}) for kind, count in kinds.items() for _ in range(count)]


def pooled(clusters: list[Confusion]) -> Confusion:
    return Confusion(*(sum(getattr(c, kind) for c in clusters) for kind in ("tp", "fp", "fn", "tn")))


# -- by hand --------------------------------------------------------------------------------------------------------------


def test_each_figure_is_what_one_computes_by_hand() -> None:
    counts = apart(tp=30, fp=10, fn=20, tn=40)

    assert precision(counts).value == pytest.approx(30 / 40)
    assert recall(counts).value == pytest.approx(30 / 50)
    assert false_positive_rate(counts).value == pytest.approx(10 / 50)
    assert f1(counts).value == pytest.approx(60 / 90)
    assert [of(counts).n for of in (precision, recall, false_positive_rate, f1)] == [40, 50, 50, 60]


def test_f1_is_the_harmonic_mean_of_precision_and_recall() -> None:
    counts = [Confusion(tp=3, fp=1), Confusion(tp=2, fn=4, tn=2), Confusion(fp=2, tn=9)]
    p, r = precision(counts).value, recall(counts).value

    assert p == pytest.approx(5 / 8)
    assert r == pytest.approx(5 / 9)
    assert f1(counts).value == pytest.approx(2 * (5 / 8) * (5 / 9) / (5 / 8 + 5 / 9))


def test_limits_of_f1_are_those_of_jaccards_index_carried_over() -> None:
    found, limits = f1(apart(tp=30, fp=10, fn=20, tn=40)), wilson(30, 60)

    # With every cluster of one item the limits are Wilson's but for Student's t in place of the normal quantile.
    assert found.low == pytest.approx(2 * limits.low / (1 + limits.low), abs=0.01)
    assert found.high == pytest.approx(2 * limits.high / (1 + limits.high), abs=0.01)
    assert found.low < 60 / 90 < found.high


def test_true_negatives_change_nothing_of_f1() -> None:
    assert f1(apart(tp=8, fp=2, fn=3, tn=0)) == f1(apart(tp=8, fp=2, fn=3, tn=500))


def test_without_positives_there_is_no_value_and_no_zero() -> None:
    negatives = apart(tp=0, fp=0, fn=0, tn=12)

    assert [of(negatives).value for of in (precision, recall, f1)] == [None, None, None]
    assert false_positive_rate(negatives).value == 0
    assert false_positive_rate(apart(tp=3, fp=0, fn=2, tn=0)).value is None
    assert f1([]).value is None


def test_who_calls_everything_unsafe_has_recall_one_and_false_positive_rate_one() -> None:
    counts = apart(tp=20, fp=30, fn=0, tn=0)

    assert (recall(counts).value, false_positive_rate(counts).value) == (1, 1)
    assert precision(counts).value == pytest.approx(0.4)
    assert f1(counts).value == pytest.approx(40 / 70)


def test_who_is_wrong_on_all_of_it_has_f1_zero_with_an_upper_limit() -> None:
    found = f1(apart(tp=0, fp=6, fn=6, tn=6))

    assert (found.value, found.low) == (0, 0)
    assert 0 < found.high < 0.6


# -- the mean -------------------------------------------------------------------------------------------------------------


def named(clusters: list[Confusion], prefix: str = "c") -> dict[str, Confusion]:
    return {f"{prefix}{number}": one for number, one in enumerate(clusters)}


def test_mean_is_that_of_the_parts_each_weighing_the_same() -> None:
    parts = [named(apart(30, 10, 20, 40)), named(apart(1, 1, 0, 0), "d")]

    assert mean_f1(parts).value == pytest.approx((60 / 90 + 2 / 3) / 2)
    assert mean_f1(parts).n == 102
    assert mean_f1(parts).n_clusters == 102


def test_weights_are_followed() -> None:
    parts = [named(apart(10, 0, 0, 0)), named(apart(0, 10, 0, 0), "d")]

    assert mean_f1(parts, [0.75, 0.25]).value == pytest.approx(0.75)
    assert mean_f1(parts, [0.0, 1.0]).value == pytest.approx(0.0)
    with pytest.raises(ValueError, match="zip"):
        mean_f1(parts, [1.0])


def test_the_same_cluster_in_two_parts_makes_the_limits_wider_than_two_clusters() -> None:
    """Two languages in which the same rows went wrong tell no more than one of them."""
    counts = apart(30, 10, 20, 40)
    shared, other = [named(counts), named(counts)], [named(counts), named(counts, "d")]
    alone = mean_f1([named(counts)])

    assert mean_f1(shared).high - mean_f1(shared).low == pytest.approx(alone.high - alone.low)
    assert mean_f1(other).high - mean_f1(other).low < 0.75 * (alone.high - alone.low)


def test_a_part_without_f1_is_refused_by_its_number() -> None:
    with pytest.raises(ValueError, match="part 1 has no F1"):
        mean_f1([named(apart(3, 1, 0, 0)), named(apart(0, 0, 0, 5))])
    with pytest.raises(ValueError, match="nothing to average"):
        mean_f1([])


def test_one_cluster_alone_tells_nothing_of_the_spread() -> None:
    found = mean_f1([{"only": Confusion(tp=4, fp=1)}])

    assert (found.low, found.high, found.few_clusters) == (0, 1, True)


# -- how often the limits hold what is true -------------------------------------------------------------------------------


def counted(unsafe: np.ndarray, called: np.ndarray) -> Confusion:
    return Confusion(
        tp=int((unsafe & called).sum()),
        fp=int((~unsafe & called).sum()),
        fn=int((unsafe & ~called).sum()),
        tn=int((~unsafe & ~called).sum()),
    )


def true_f1(base: float, sensitivity: float, specificity: float) -> float:
    tp, fp, fn = base * sensitivity, (1 - base) * (1 - specificity), base * (1 - sensitivity)
    return 2 * tp / (2 * tp + fp + fn)


@pytest.mark.parametrize(
    ("rows", "base", "sensitivity", "specificity"), [(60, 0.5, 0.8, 0.9), (200, 0.3, 0.6, 0.8), (100, 0.7, 0.95, 0.5)]
)
def test_limits_of_f1_cover(rows: int, base: float, sensitivity: float, specificity: float) -> None:
    rng = np.random.default_rng(5)
    held = 0
    for _ in range(DRAWS):
        unsafe = rng.random(rows) < base
        called = np.where(unsafe, rng.random(rows) < sensitivity, rng.random(rows) >= specificity)
        whole = counted(unsafe, called)
        found = f1(apart(whole.tp, whole.fp, whole.fn, whole.tn))
        held += found.low <= true_f1(base, sensitivity, specificity) <= found.high
    assert held / DRAWS >= LEAST


def skewed(rng: np.random.Generator, clusters: int, size: int) -> list[Confusion]:
    """Clusters whose items share their label and how well they are told: the mean over them is 0.75 and 0.8."""
    made = []
    for _ in range(clusters):
        unsafe = np.full(size, rng.random() < 0.5)
        right = rng.beta(3, 1) if unsafe[0] else rng.beta(4, 1)
        told = rng.random(size) < right
        made.append(counted(unsafe, np.where(unsafe, told, ~told)))
    return made


def test_limits_of_f1_cover_with_clusters_and_those_that_ignore_them_do_not() -> None:
    rng, truth = np.random.default_rng(6), true_f1(0.5, 0.75, 0.8)
    held = naive = 0
    for _ in range(DRAWS):
        clusters = skewed(rng, 60, 6)
        found, whole = f1(clusters), pooled(clusters)
        held += found.low <= truth <= found.high
        flat = f1(apart(whole.tp, whole.fp, whole.fn, whole.tn))
        naive += flat.low <= truth <= flat.high
    assert held / DRAWS >= LEAST
    assert naive / DRAWS < 0.85


def test_limits_of_the_mean_cover_when_languages_share_their_rows() -> None:
    """Ten languages of the same rows, whose labels and difficulty are the row's: ten times as many items, not as many rows."""
    rng, languages, rows = np.random.default_rng(7), 10, 80
    truth = true_f1(0.5, 0.75, 0.8)
    held = 0
    for _ in range(DRAWS):
        unsafe = rng.random(rows) < 0.5
        right = np.where(unsafe, rng.beta(3, 1, rows), rng.beta(4, 1, rows))
        parts = []
        for _ in range(languages):
            told = rng.random(rows) < right
            called = np.where(unsafe, told, ~told)
            parts.append({f"r{row}": counted(unsafe[row : row + 1], called[row : row + 1]) for row in range(rows)})
        found = mean_f1(parts)
        held += found.low <= truth <= found.high
    assert held / DRAWS >= LEAST


def test_limits_of_the_mean_cover_with_weights_and_parts_of_other_sizes() -> None:
    rng, weights = np.random.default_rng(8), [0.5, 0.3, 0.2]
    shapes = [(120, 0.5, 0.9, 0.9), (60, 0.3, 0.7, 0.8), (80, 0.6, 0.6, 0.7)]
    truth = sum(weight * true_f1(*shape[1:]) for weight, shape in zip(weights, shapes, strict=True))
    held = 0
    for _ in range(DRAWS):
        parts = []
        for number, (rows, base, sensitivity, specificity) in enumerate(shapes):
            unsafe = rng.random(rows) < base
            called = np.where(unsafe, rng.random(rows) < sensitivity, rng.random(rows) >= specificity)
            whole = counted(unsafe, called)
            parts.append(named(apart(whole.tp, whole.fp, whole.fn, whole.tn), f"p{number}-"))
        found = mean_f1(parts, weights)
        held += found.low <= truth <= found.high
    assert held / DRAWS >= LEAST


@pytest.mark.parametrize(
    ("sensitivity", "specificity", "rows", "languages"),
    [(0.98, 0.98, 20, 2), (0.95, 0.95, 10, 2), (0.9, 0.9, 10, 1), (0.95, 0.95, 10, 4), (0.98, 0.98, 50, 2), (0.9, 0.8, 100, 10)],
)  # fmt: skip
def test_limits_of_the_mean_cover_where_little_goes_wrong(
    sensitivity: float, specificity: float, rows: int, languages: int
) -> None:
    rng, truth = np.random.default_rng(9), true_f1(0.5, sensitivity, specificity)
    draws = DRAWS if rows * languages <= 100 else 200
    held = told = 0
    for _ in range(draws):
        unsafe = rng.random(rows) < 0.5
        parts = []
        for _ in range(languages):
            called = np.where(unsafe, rng.random(rows) < sensitivity, rng.random(rows) >= specificity)
            parts.append({f"r{row}": counted(unsafe[row : row + 1], called[row : row + 1]) for row in range(rows)})
        if not all(any(c.tp + c.fp + c.fn for c in part.values()) for part in parts):
            continue
        found = mean_f1(parts)
        told += 1
        held += found.low <= truth <= found.high
        assert found.low < found.high
    assert told > 0.9 * draws
    assert held / told >= 0.93


@pytest.mark.parametrize("one", [Confusion(tp=1), Confusion(fn=1)])
def test_a_mean_of_parts_that_are_all_right_or_all_wrong_is_as_uncertain_as_one(one: Confusion) -> None:
    part = {f"{row}": one for row in range(12)}

    whole, alone, apart_ = mean_f1([part, part]), f1(list(part.values())), mean_f1([part, named([one] * 12, "other")])

    assert (whole.value, whole.low, whole.high) == pytest.approx((alone.value, alone.low, alone.high))
    assert alone.high - alone.low > apart_.high - apart_.low > 0.1  # other rows tell more
