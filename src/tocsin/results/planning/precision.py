"""What a plan's scores will show: their intervals, and the smallest difference between two models that they can tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin.evaluations.assessment import Assessment
from tocsin.evaluations.multilingual import GENERATION
from tocsin.results.planning.assumed import ALPHA, CONFIDENCE, POWER, WORST_RATE, Assumed
from tocsin.results.planning.counting import Counted
from tocsin.results.planning.measured import Measured
from tocsin.results.planning.units import BY_ATTACK, POOLED, SAFE_WORST, Counts, Key
from tocsin.stats import Expected, detectable, expected_proportion, macro_mean


class Foreseen(msgspec.Struct, kw_only=True):
    """What one score is expected to show.

    Attributes:
        key: Which score.
        rate: The rate that is taken for it.
        planned: Attempts, or cases, that are planned.
        n: Those that are expected to have an outcome.
        n_clusters: Clusters that have one.
        half_width: Of its 95% interval, in [0, 1]; None where nothing is asked.
        low: Lower limit at that rate.
        high: Upper limit.
        worst: The lower bound, whatever the missing attempts would have shown.
        best: The upper one.
        few_clusters: The interval rests on too few clusters.
        effective: Attempts less what their clusters cost.
        paired: The smallest difference between two models over the same cases that is found with `POWER`; None if none is.
        unpaired: The same over different cases, as many of each.
        notes: What has to be said of it.
    """

    key: Key
    rate: float
    planned: int
    n: int
    n_clusters: int
    half_width: float | None
    low: float | None
    high: float | None
    worst: float
    best: float
    few_clusters: bool
    effective: float
    paired: float | None
    unpaired: float | None
    notes: list[str] = []


class Reckoning(msgspec.Struct, frozen=True, kw_only=True):
    """What precision and power are reckoned with.

    Attributes:
        assumed: What is taken for granted.
        known: What an earlier run measured.
        pairs: Comparisons that Holm takes together: of two models each.
    """

    assumed: Assumed
    known: Measured = Measured()
    pairs: int = 1

    def rate(self, key: Key) -> float:
        """The rate that a score is taken to have: what was said, else what was measured, else the worst."""
        if self.assumed.rate is not None:
            return self.assumed.rate
        found = self.known.rate(key)
        return WORST_RATE if found is None else found

    @property
    def within(self) -> float:
        """The correlation of two attempts of a cluster."""
        found = self.known.cluster_correlation
        return self.assumed.cluster_correlation if found is None else found

    @property
    def between(self) -> float:
        """The correlation of two models' outcomes on a case."""
        found = self.known.model_correlation
        return self.assumed.model_correlation if found is None else max(0.0, found)

    @property
    def unscored(self) -> float:
        """The share of attempts without an outcome."""
        return self.assumed.unscored or self.known.unscored or 0.0

    def differences(self, effective: float, rate: float) -> tuple[float | None, float | None]:
        """The smallest differences that are found, paired and unpaired, at the first step of Holm."""
        alpha = ALPHA / self.pairs
        return (
            detectable(effective, rate, correlation=self.between, power=POWER, alpha=alpha),
            detectable(effective, rate, power=POWER, alpha=alpha),
        )

    def expected(self, counts: Counts, rate: float) -> Expected:
        """The interval of a rate over these clusters."""
        left = counts.without(self.unscored)
        return expected_proportion(
            left.sizes, rate, self.within, draws=left.draws, alike=left.alike, confidence=CONFIDENCE
        )


def foreseen(counted: Counted, assessment: Assessment, reckoning: Reckoning) -> list[Foreseen]:
    """What each score of a plan is expected to show: by target, as scores are listed, means last.

    Scores of languages, hazards and benchmarks' own metrics rest on parts of these and are wider.

    Args:
        counted: The plan.
        assessment: What it is of.
        reckoning: What is reckoned with.
    """
    found: list[Foreseen] = []
    parts: dict[tuple[int, str, str], list[tuple[Foreseen, Expected]]] = defaultdict(list)
    shown = {one.benchmark.name: one.benchmark.demonstration for one in assessment.chosen}
    several = len({key.attack for key in counted.units.scores() if key.metric == BY_ATTACK}) > 1
    for key, (planned, counts) in sorted(counted.units.scores().items(), key=lambda pair: _place(pair[0])):
        if key.metric == BY_ATTACK and key.attack == "direct" and not several:
            continue
        if counted.audited is not None and key.metric in (POOLED, BY_ATTACK):
            counts = counts.without(1 - counted.audited)
        rate = reckoning.rate(key)
        expected = reckoning.expected(counts, rate)
        one = _told(key, rate, planned, expected, reckoning)
        if counted.audited is not None and key.metric in (POOLED, BY_ATTACK):
            one.notes.append("from the slice that is drawn before the run")
        if key.metric == SAFE_WORST:
            one.notes.append("a case counts once, whatever meets it")
        found.append(one)
        if key.benchmark is not None and not shown[key.benchmark] and expected.estimate.value is not None:
            parts[key.target, key.modality, key.evaluation].append((one, expected))
    return sorted([*found, *_means(parts, reckoning)], key=lambda one: one.key.target)


def _place(key: Key) -> tuple[Any, ...]:
    metrics = (SAFE_WORST, POOLED, BY_ATTACK)
    return (
        key.target, key.modality, key.benchmark is None, key.evaluation, key.benchmark or "",
        metrics.index(key.metric) if key.metric in metrics else -1, key.attack or "", key.metric,
    )  # fmt: skip


def _told(key: Key, rate: float, planned: int, expected: Expected, reckoning: Reckoning) -> Foreseen:
    estimate = expected.estimate
    measured = estimate.value is not None
    share = estimate.n / planned if planned else 0.0
    paired, unpaired = reckoning.differences(expected.effective, rate) if measured else (None, None)
    return Foreseen(
        key=key,
        rate=rate,
        planned=planned,
        n=estimate.n,
        n_clusters=estimate.n_clusters,
        half_width=expected.half_width if measured else None,
        low=estimate.low if measured else None,
        high=estimate.high if measured else None,
        worst=rate * share,
        best=rate * share + 1 - share,
        few_clusters=estimate.few_clusters,
        effective=expected.effective,
        paired=paired,
        unpaired=unpaired,
        notes=[],
    )


def _means(parts: dict[tuple[int, str, str], list[tuple[Foreseen, Expected]]], reckoning: Reckoning) -> list[Foreseen]:
    """The means over an evaluation's benchmarks, where there are two or more."""
    found = []
    for (target, modality, evaluation), among in parts.items():
        spoken = evaluation == "multilingual"
        pairs = [pair for pair in among if not spoken or pair[0].key.metric == "safe_rate"]
        if len(pairs) < 2:
            continue
        mean = macro_mean([expected.estimate for _, expected in pairs])
        metric = GENERATION if spoken else "macro_mean"
        key = Key(target, modality, evaluation, None, None, metric)
        scores = [one for one, _ in pairs]
        rate = sum(one.rate for one in scores) / len(scores)
        effective = len(scores) ** 2 / sum(1 / one.effective for one in scores)
        paired, unpaired = reckoning.differences(effective, rate)
        found.append(
            Foreseen(
                key=key,
                rate=rate,
                planned=sum(one.planned for one in scores),
                n=mean.n,
                n_clusters=mean.n_clusters,
                half_width=(mean.high - mean.low) / 2,
                low=mean.low,
                high=mean.high,
                worst=sum(one.worst for one in scores) / len(scores),
                best=sum(one.best for one in scores) / len(scores),
                few_clusters=mean.few_clusters,
                effective=effective,
                paired=paired,
                unpaired=unpaired,
                notes=[],
            )
        )
    return found


def pairs_of(targets: Sequence[Any]) -> int:
    """The comparisons of a run's models; of one model, the one with a model that is to come."""
    count = len(targets)
    return max(1, count * (count - 1) // 2)
