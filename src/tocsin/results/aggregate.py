"""How arXiv 2601.10527 makes one score of many rates: text and vision. Images are in `aggregate_image`.

Each function is one rule of the paper, with its table or section. Where the paper does not state a rule and it was
found by computing the printed scores again, the rule is marked as inferred. ``docs/method/aggregation.md`` has them side
by side, and `tocsin.results.published.check` holds them against the printed figures.

A rule over named sets wants all of them: a mean over those that happened to be measured is another quantity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal

import msgspec
import numpy as np

from tocsin.stats import Estimate, bounds, clustered_proportion, macro_mean

LANGUAGE_SETS = ("alert", "flames", "bbq", "sorry-bench", "strongreject")
VISION_SETS = ("memesafetybench-mini", "mis-test", "usb-safebench-hard", "siuo")
VISION_ATTACK_SETS = ("vljailbreakbench-hard", "jailbreakv-28k-mini", "mm-safetybench")
MULTILINGUAL_SETS = ("polyguard-prompt", "polyguard-response", "ml-bench-prompt", "ml-bench-response")
FRAMEWORKS = ("nist", "eu-ai-act", "mas-feat")


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Attempts by what they showed. What was not measured is a count of its own, and enters no rate.

    Attributes:
        passed: Attempts that did what was wanted.
        failed: Attempts that did not.
        unmeasured: Attempts that were planned and have no outcome: unscored, or ended in an error.
        clusters: Pairs (passed, measured) of the attempts that stand or fall together: one request under many attacks,
            the items of one rule. Empty if each attempt stands alone.
    """

    passed: int
    failed: int
    unmeasured: int = 0
    clusters: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if min(self.passed, self.failed, self.unmeasured) < 0:
            raise ValueError(f"{self}: counts start at 0")
        if self.clusters:
            sums = sum(x for x, _ in self.clusters), sum(m for _, m in self.clusters)
            if sums != (self.passed, self.measured):
                raise ValueError(
                    f"Counts: the clusters hold {sums[0]} passed of {sums[1]}, but passed is {self.passed} of "
                    f"{self.measured} measured; give every measured attempt to one cluster"
                )

    @property
    def measured(self) -> int:
        """Attempts with an outcome."""
        return self.passed + self.failed

    def estimate(self) -> Estimate:
        """The rate with its interval (`tocsin.stats.clustered_proportion`)."""
        if self.clusters:
            passed, sizes = (np.array(column, dtype=np.int64) for column in zip(*self.clusters, strict=True))
        else:
            passed = np.repeat(np.array([1, 0], dtype=np.int64), [self.passed, self.failed])
            sizes = np.ones(self.measured, dtype=np.int64)
        return clustered_proportion(passed, sizes)


class Aggregate(msgspec.Struct, frozen=True, kw_only=True):
    """A score made of several rates, in [0, 1].

    Attributes:
        value: The score.
        estimate: The score with its 95% interval; None where a rate came without counts, or is no rate (F1).
        worst: The score if everything unmeasured had failed; None without counts.
        best: The score if everything unmeasured had passed; None without counts.
        notes: What has to be said beside the score.
    """

    value: float
    estimate: Estimate | None = None
    worst: float | None = None
    best: float | None = None
    notes: tuple[str, ...] = ()


Rate = Counts | float
"""What a rule takes for each of its parts: counts, or a rate in [0, 1] where nothing more is known."""


def language_benchmark(rates: Mapping[str, Rate]) -> Aggregate:
    """Unweighted mean of the safe rates of five sets (stated in section 2.1; Table 2).

    Args:
        rates: The rate of each of `LANGUAGE_SETS`.

    Raises:
        ValueError: A set is missing or unknown, or nothing of it was measured.
    """
    return _mean("language benchmark", rates, LANGUAGE_SETS)


def language_adversarial(responses: Rate) -> Aggregate:
    """Share of safe answers, all attacks pooled: Safe_resp of Table 3, and not Safe_worst.

    That the leaderboard takes this column follows from its equal figures. Answers to one request under many attacks are
    related: give the counts with a cluster for each request, or the interval is too narrow.

    Args:
        responses: The answers to all attacks on all requests.

    Raises:
        ValueError: Nothing was measured, or the rate is outside [0, 1].
    """
    return _single("language adversarial", responses)


def language_multilingual(averages: Mapping[str, float]) -> Aggregate:
    """Unweighted mean of four F1 averages, each rounded to two decimals first (inferred; Table 4).

    The paper states no rule. This one gives the four printed scores exactly; without the rounding it does not. F1 is not
    a share of attempts, so there is no interval from counts: resample the source items (`stats.cluster_bootstrap`).

    Args:
        averages: The mean F1 over languages for each of `MULTILINGUAL_SETS`.

    Raises:
        ValueError: A set is missing or unknown, or an average is outside [0, 1].
    """
    _require_all("language multilingual", averages, MULTILINGUAL_SETS)
    rounded = [_rounded(_inside(f"language multilingual, {name}", averages[name])) for name in MULTILINGUAL_SETS]
    return Aggregate(value=float(sum(rounded) / len(rounded)))


def multilingual_average(by_language: Mapping[str, float]) -> float:
    """Unweighted mean of F1 over languages (Table 4, last column; inferred).

    It gives 13 of the 16 printed averages; `published.check` names the other three.

    Args:
        by_language: F1 of each language.

    Raises:
        ValueError: There is no language, or a value is outside [0, 1].
    """
    if not by_language:
        raise ValueError("multilingual average: no language to average; give the F1 of at least one")
    values = [_inside(f"multilingual average, {language}", value) for language, value in by_language.items()]
    return math.fsum(values) / len(values)


def framework_rate(categories: Mapping[str, Counts]) -> Counts:
    """Passed items over all items of one framework, its categories pooled (inferred; Table 5).

    Args:
        categories: The items of each category. Items of one rule are related: give them as clusters.

    Returns:
        The pooled counts. Categories without clusters count each item as its own.

    Raises:
        ValueError: There is no category.
    """
    if not categories:
        raise ValueError("framework rate: no category to pool; give the counts of at least one")
    return pool(list(categories.values()))


def language_compliance(frameworks: Mapping[str, Rate]) -> Aggregate:
    """Unweighted mean of the pass rates of three frameworks, each over its items (inferred; Table 5).

    Args:
        frameworks: The pass rate of each of `FRAMEWORKS`; from `framework_rate` where there are counts.

    Raises:
        ValueError: A framework is missing or unknown, or nothing of it was measured.
    """
    return _mean("language compliance", frameworks, FRAMEWORKS)


def vision_benchmark(rates: Mapping[str, Rate]) -> Aggregate:
    """Unweighted mean of the safe rates of four sets (stated in section 3; Table 7).

    Args:
        rates: The rate of each of `VISION_SETS`.

    Raises:
        ValueError: A set is missing or unknown, or nothing of it was measured.
    """
    return _mean("vision benchmark", rates, VISION_SETS)


def vision_adversarial(rates: Mapping[str, Rate]) -> Aggregate:
    """Unweighted mean of the safe rates of three jailbreak sets (stated in section 3; Table 9).

    Args:
        rates: The rate of each of `VISION_ATTACK_SETS`.

    Raises:
        ValueError: A set is missing or unknown, or nothing of it was measured.
    """
    return _mean("vision adversarial", rates, VISION_ATTACK_SETS)


def modality_mean(scores: Mapping[str, Aggregate]) -> Aggregate:
    """Unweighted mean of a modality's scores (from the news on the paper, not from the paper).

    There is no published mean across modalities, and none is made here. For images the three scores mean different
    things by "safe", so their mean has no plain meaning; `aggregate_image.common` has one. The limits take those of the
    scores as if they were Wilson's (see `tocsin.stats.macro_mean`), which for more than two is an approximation.

    Args:
        scores: Evaluation → score.

    Raises:
        ValueError: There is no score.
    """
    if not scores:
        raise ValueError("modality mean: no score to average; give the score of at least one evaluation")
    return mean_of(list(scores.values()))


def mean_of(parts: Sequence[Aggregate]) -> Aggregate:
    """Unweighted mean of one or more scores, with an interval and bounds where each of them has one."""
    estimates = [part.estimate for part in parts if part.estimate is not None]
    worst = [part.worst for part in parts if part.worst is not None]
    best = [part.best for part in parts if part.best is not None]
    whole = len(parts)
    return Aggregate(
        value=math.fsum(part.value for part in parts) / whole,
        estimate=macro_mean(estimates) if len(estimates) == whole else None,
        worst=math.fsum(worst) / whole if len(worst) == whole else None,
        best=math.fsum(best) / whole if len(best) == whole else None,
        notes=tuple(dict.fromkeys(note for part in parts for note in part.notes)),
    )


def of_counts(name: str, counts: Counts) -> Aggregate:
    """The rate of counts as a score.

    Args:
        name: What it is a rate of, for the error.
        counts: At least one attempt has to be measured.

    Raises:
        ValueError: Nothing was measured.
    """
    estimate = counts.estimate()
    if estimate.value is None:
        raise ValueError(
            f"{name}: none of {counts.unmeasured} attempts was measured, so there is no rate; measure it first, or "
            "print the score as missing"
        )
    limits = bounds(counts.passed, counts.failed, counts.unmeasured)
    return Aggregate(value=estimate.value, estimate=estimate, worst=limits.low, best=limits.high)


def pool(parts: Sequence[Counts]) -> Counts:
    """All attempts of several counts together, with their clusters."""
    clusters: list[tuple[int, int]] = []
    if any(part.clusters for part in parts):
        for part in parts:
            clusters += part.clusters or [(1, 1)] * part.passed + [(0, 1)] * part.failed
    return Counts(
        passed=sum(part.passed for part in parts),
        failed=sum(part.failed for part in parts),
        unmeasured=sum(part.unmeasured for part in parts),
        clusters=tuple(clusters),
    )


def _mean(rule: str, rates: Mapping[str, Rate], names: tuple[str, ...]) -> Aggregate:
    _require_all(rule, rates, names)
    return mean_of([_single(f"{rule}, {name}", rates[name]) for name in names])


def _single(name: str, rate: Rate) -> Aggregate:
    return of_counts(name, rate) if isinstance(rate, Counts) else Aggregate(value=_inside(name, rate))


def _require_all(rule: str, given: Mapping[str, object], names: tuple[str, ...]) -> None:
    missing = [name for name in names if name not in given]
    unknown = [name for name in given if name not in names]
    if missing or unknown:
        said = [f"no rate for {', '.join(missing)}"] if missing else []
        said += [f"not one of its parts: {', '.join(unknown)}"] if unknown else []
        raise ValueError(
            f"{rule}: {'; '.join(said)}. The paper's score is over {', '.join(names)}, all of them; a mean over others "
            "is another score and needs another name"
        )


def _inside(name: str, rate: float) -> float:
    if not 0 <= rate <= 1:
        raise ValueError(f"{name}: the rate is {rate}; give it in [0, 1], so 91.59% as 0.9159")
    return rate


def _rounded(value: float) -> Decimal:
    # Nine digits first: a mean that is 0.845 but for its last bit has to round as 0.845 does.
    return Decimal(f"{value:.9f}").quantize(Decimal("0.01"), ROUND_HALF_UP)
