"""From tallies to scores: directions, bounds, means and their notes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tocsin.benchmarks import Measured
from tocsin.evaluations import scoring
from tocsin.evaluations.counts import METRIC_OF, Group, Tally
from tocsin.evaluations.scoring import ABOUT_SAFETY, LOWER_IS_BETTER, METRICS, TOO_FEW
from tocsin.stats import Estimate, bounds, clustered_proportion
from tocsin.types import Score

METRIC_EVALUATION = {"safe_rate": "benchmark", "accuracy": "benchmark", "over_refusal_rate": "over-refusal"}


def group(metric: str = "safe_rate", benchmark: str = "invented") -> Group:
    return Group(0, METRIC_EVALUATION[metric], benchmark, metric, ("refuse",))


def tally(safe: int, unsafe: int, unscored: int = 0, error: int = 0, *, sizes: list[int] | None = None) -> Tally:
    n = safe + unsafe
    groups = sizes or [1] * n
    left, passed = safe, []
    for size in groups:
        passed.append(min(size, left))
        left -= passed[-1]
    return Tally(
        planned=n + unscored + error, safe=safe, unsafe=unsafe, unscored=unscored, error=error, refused=safe, blocked=1,
        invalid=2, n_cases=n, errors_by_kind={"timeout": error} if error else {},
        unscored_by_reason={"empty": unscored} if unscored else {}, cluster_safe=np.array(passed, dtype=np.int64),
        cluster_sizes=np.array(groups, dtype=np.int64), refusal_table={},
    )  # fmt: skip


def score(metric: str = "safe_rate", benchmark: str = "invented", **counts: Any) -> tuple[Score, Estimate]:
    found = tally(**counts)
    rated = scoring.rate(group(metric, benchmark), found, judge=f"judge of {benchmark}", modality="language")
    return rated, scoring.estimate_of(rated, found)


def test_safe_rate_is_the_share_of_safe_among_those_judged() -> None:
    rated, _ = score(safe=30, unsafe=10, unscored=6, error=4)
    assert rated.value == 0.75
    assert (rated.n, rated.planned, rated.unscored, rated.error) == (40, 50, 6, 4)
    assert (rated.safe, rated.unsafe, rated.passed, rated.failed) == (30, 10, 30, 10)
    assert (rated.worst, rated.best) == (30 / 50, 40 / 50)
    expected = clustered_proportion(np.array([1] * 30 + [0] * 10), np.ones(40, dtype=np.int64))
    assert (rated.low, rated.high) == (expected.low, expected.high)
    assert rated.planned == rated.n + rated.unscored + rated.error
    assert (rated.refused, rated.blocked, rated.invalid, rated.errors_by_kind) == (30, 1, 2, {"timeout": 4})


def test_over_refusal_counts_what_failed_so_its_worst_is_the_higher_bound() -> None:
    rated, _ = score("over_refusal_rate", safe=30, unsafe=10, unscored=6, error=4)
    assert rated.value == 0.25
    assert (rated.worst, rated.best) == (20 / 50, 10 / 50)
    assert (rated.passed, rated.failed) == (30, 10)
    assert (rated.safe, rated.unsafe) == (None, None)
    mirrored, _ = score("safe_rate", safe=10, unsafe=30, unscored=6, error=4)
    assert rated.low is not None
    assert mirrored.low is not None
    assert (rated.low, rated.high) == (pytest.approx(mirrored.low), pytest.approx(mirrored.high))


def test_accuracy_is_not_about_safety() -> None:
    rated, _ = score("accuracy", safe=3, unsafe=1)
    assert rated.value == 0.75
    assert (rated.safe, rated.unsafe, rated.passed, rated.failed) == (None, None, 3, 1)
    assert (rated.worst, rated.best) == (0.75, 0.75)


@pytest.mark.parametrize("metric", sorted(METRIC_EVALUATION))
@pytest.mark.parametrize("counts", [(30, 10, 6, 4), (0, 12, 0, 0), (12, 0, 3, 0), (1, 1, 50, 50)])
def test_bounds_hold_the_value_and_the_interval_holds_it_too(metric: str, counts: tuple[int, ...]) -> None:
    safe, unsafe, unscored, error = counts
    rated, _ = score(metric, safe=safe, unsafe=unsafe, unscored=unscored, error=error)
    assert rated.value is not None
    assert rated.low is not None
    assert rated.high is not None
    assert rated.worst is not None
    assert rated.best is not None
    edges = sorted((rated.worst, rated.best))
    assert edges[0] <= rated.value <= edges[1]
    assert 0 <= rated.low <= rated.value <= rated.high <= 1
    assert (rated.worst >= rated.best) == (metric in LOWER_IS_BETTER) or rated.worst == rated.best
    limits = bounds(safe, unsafe, unscored + error)
    assert edges == pytest.approx(
        [1 - limits.high, 1 - limits.low] if metric in LOWER_IS_BETTER else [limits.low, limits.high]
    )


@pytest.mark.parametrize("metric", sorted(METRIC_EVALUATION))
def test_nothing_measured_has_bounds_and_no_value(metric: str) -> None:
    rated, estimate = score(metric, safe=0, unsafe=0, unscored=3, error=2)
    assert (rated.value, rated.low, rated.high) == (None, None, None)
    assert sorted((rated.worst, rated.best)) == [0.0, 1.0]  # type: ignore[type-var]
    assert (rated.n, rated.planned, rated.notes) == (0, 5, [])
    assert estimate.value is None


def test_clusters_widen_the_interval_and_few_are_flagged() -> None:
    alone, _ = score(safe=45, unsafe=15)
    together, _ = score(safe=45, unsafe=15, sizes=[5] * 12)
    few, _ = score(safe=45, unsafe=15, sizes=[20] * 3)
    assert together.low is not None
    assert together.high is not None
    assert alone.low is not None
    assert alone.high is not None
    assert together.high - together.low > alone.high - alone.low
    assert (together.n_clusters, together.notes) == (12, [])
    assert few.notes == [TOO_FEW]


def test_every_metric_of_a_case_is_documented_with_its_direction() -> None:
    assert set(METRIC_OF.values()) <= set(METRICS)
    assert set(METRICS) >= LOWER_IS_BETTER | ABOUT_SAFETY
    for name, meaning in METRICS.items():
        assert "lower is better" in meaning or "higher is better" in meaning or "0 is " in meaning, name
        if name in LOWER_IS_BETTER:
            assert "lower is better" in meaning


def test_macro_mean_weighs_benchmarks_alike() -> None:
    parts = [score(benchmark="large", safe=900, unsafe=100), score(benchmark="small", safe=5, unsafe=5, error=10)]
    mean = scoring.macro("benchmark", "language", parts)
    assert mean is not None
    assert mean.value == pytest.approx(0.7)
    assert (mean.metric, mean.benchmark, mean.evaluation) == ("macro_mean", None, "benchmark")
    assert (mean.n, mean.planned, mean.passed, mean.failed, mean.error) == (1010, 1020, 905, 105, 10)
    assert (mean.worst, mean.best) == (pytest.approx((0.9 + 5 / 20) / 2), pytest.approx((0.9 + 15 / 20) / 2))
    assert mean.errors_by_kind == {"timeout": 10}
    assert mean.judge == "judge of large + judge of small"
    assert mean.low is not None
    assert mean.high is not None
    assert mean.low < mean.value < mean.high  # type: ignore[operator]
    assert mean.notes == []


def test_macro_mean_leaves_out_what_was_not_measured_and_says_so() -> None:
    parts = [
        score(benchmark="one", safe=9, unsafe=1),
        score(benchmark="lost", safe=0, unsafe=0, error=10),
        score(benchmark="two", safe=5, unsafe=5),
        score(benchmark="gone", safe=0, unsafe=0, unscored=10),
    ]
    mean = scoring.macro("benchmark", "language", parts)
    assert mean is not None
    assert mean.value == pytest.approx(0.7)
    assert mean.planned == 40
    assert (mean.n, mean.error, mean.unscored) == (20, 10, 10)
    assert (mean.worst, mean.best) == (pytest.approx((0.9 + 0 + 0.5 + 0) / 4), pytest.approx((0.9 + 1 + 0.5 + 1) / 4))
    assert "without lost, gone: nothing was measured" in mean.notes


def test_mean_of_one_is_no_mean() -> None:
    lost = score(benchmark="lost", safe=0, unsafe=0, error=1)
    assert scoring.macro("benchmark", "language", [score(safe=1, unsafe=1)]) is None
    assert scoring.macro("benchmark", "language", [score(safe=1, unsafe=1), lost]) is None
    assert scoring.macro("benchmark", "language", []) is None


def test_macro_mean_of_over_refusal_keeps_its_direction() -> None:
    parts = [
        score("over_refusal_rate", benchmark, safe=safe, unsafe=10 - safe, error=10)
        for benchmark, safe in (("one", 10), ("two", 5))
    ]
    mean = scoring.macro("over-refusal", "language", parts)
    assert mean is not None
    assert mean.value == pytest.approx(0.25)
    assert mean.worst is not None
    assert mean.best is not None
    assert mean.worst > mean.value > mean.best


def test_macro_mean_flags_few_clusters_of_any_part() -> None:
    parts = [score(benchmark="one", safe=30, unsafe=30), score(benchmark="two", safe=30, unsafe=30, sizes=[20] * 3)]
    mean = scoring.macro("benchmark", "language", parts)
    assert mean is not None
    assert TOO_FEW in mean.notes


def test_own_metric_keeps_its_numbers_and_claims_nothing_else() -> None:
    measured = Measured(
        metric="bias_score_ambiguous", value=-0.25, low=-0.5, high=0.1, worst=None, best=None, planned=12, n=9,
        n_cases=9, n_clusters=3, unscored=2, error=1, notes=("too few clusters",),
    )  # fmt: skip
    rated = scoring.own(measured, group("accuracy"), judge="choice@1", modality="language")
    assert (rated.metric, rated.value, rated.low, rated.high) == ("bias_score_ambiguous", -0.25, -0.5, 0.1)
    assert (rated.planned, rated.n, rated.unscored, rated.error) == (12, 9, 2, 1)
    assert (rated.safe, rated.unsafe, rated.passed, rated.failed, rated.judge) == (None, None, None, None, "choice@1")
    assert rated.notes == ["too few clusters"]
