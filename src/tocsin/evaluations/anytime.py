"""Intervals of a run that may stop at any time: confidence sequences over the clusters of its finished prefix.

An ordinary interval does not hold in such a run, whether it stopped or not (docs/method/sequences.md). So each is replaced, and
what has no sequence has no interval. A sequence is about the mean over clusters, and so are the value and the bounds beside it:
in a run without a stopping rule they are over attempts, which is the same where clusters are of one size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tocsin.engine.stopping import Stopped
from tocsin.evaluations.met import Cell, Met
from tocsin.evaluations.scoring import LOWER_IS_BETTER
from tocsin.stats import confidence_sequence, split_alpha
from tocsin.types import Score

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

HOLDS = "the interval holds whenever the run may stop, and is wider for it"
NONE = "no interval: an ordinary one does not hold in a run that may stop at any time"
Unit = tuple[int, int, int]
"""How many parts of a cluster passed, were measured, and were planned: attempts, or cases."""


def rate(score: Score, units: Sequence[Unit], aim: float | None) -> Floats:
    """Gives a rate the mean over clusters, its bounds and its sequence.

    Args:
        score: The rate; changed.
        units: The clusters, in the order of the plan.
        aim: The half-width at which the run stops.

    Returns:
        The values, one a cluster; nan where a part of it has no outcome.
    """
    passed, measured, planned = np.array(units, dtype=np.float64).reshape(-1, 3).T
    least, most = passed / planned, (passed + planned - measured) / planned
    with np.errstate(invalid="ignore"):
        shares = (passed / measured)[measured > 0]
    values = values_of(units)
    ends = (float(least.mean()), float(most.mean())) if len(units) else (0.0, 1.0)
    score.worst, score.best = ends[::-1] if score.metric in LOWER_IS_BETTER else ends
    score.value = float(shares.mean()) if len(shares) else None
    score.low, score.high = last(values, aim) if score.value is not None else (None, None)
    score.notes.append(HOLDS)
    return values


def values_of(units: Sequence[Unit]) -> Floats:
    """The share of each cluster that passed; nan where a part of it has no outcome."""
    passed, measured, planned = np.array(units, dtype=np.float64).reshape(-1, 3).T
    return np.where(measured == planned, passed / planned, np.nan)


def group(score: Score, units: Sequence[Unit], aim: float | None) -> Floats:
    """The same for a group of plain answers, whose units say which attempts were safe: a rate of failures counts the others."""
    if score.metric in LOWER_IS_BETTER:
        units = [(measured - safe, measured, planned) for safe, measured, planned in units]
    return rate(score, units, aim)


def mean(score: Score, parts: Sequence[tuple[Score, Floats]], aim: float | None) -> None:
    """Gives a mean over benchmarks the mean of their values, and that of limits that hold together with 95%."""
    known = [(one, values) for one, values in parts if one.value is not None]
    shares = split_alpha(len(known))
    limits = [last(values, aim, confidence) for (_, values), confidence in zip(known, shares, strict=True)]
    score.value = float(np.mean([one.value for one, _ in known]))
    score.low, score.high = (float(np.mean(ends)) for ends in zip(*limits, strict=True))
    score.notes.append(HOLDS)


def bare(scores: Iterable[Score]) -> None:
    """Takes the intervals of scores that have no sequence."""
    for score in scores:
        score.low = score.high = None
        score.notes.append(NONE)


def attacked(found: Sequence[Score], met: Met, aim: float | None) -> None:
    """Gives the scores of an adversarial evaluation their sequences, and takes the intervals of those without one."""
    for score in found:
        units = units_of(score.metric, score.attack, met)
        if units is None:
            bare([score])
            continue
        rate(score, units, aim)
        if score.metric == "safe_worst" and score.unscored:  # bounds, and no rate over the cases that are known
            score.value = score.low = score.high = None


def said(stop: Stopped, names: Sequence[str]) -> str:
    """How a group stopped, in words.

    Args:
        stop: It.
        names: The targets' names.
    """
    told = f"stopped after {stop.clusters} independent cases: "
    if stop.reason == "precise":
        return told + "the interval was narrow enough"
    pairs = (
        f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f}) against {names[one.target]}" for one in stop.against
    )
    return f"{told}the comparison was decided: {', '.join(pairs)}, paired"


def last(values: Floats, aim: float | None, confidence: float = 0.95) -> tuple[float, float]:
    """The limits after all values; from 0 to 1 without any."""
    if not len(values):
        return 0.0, 1.0
    low, high = confidence_sequence(values, confidence=confidence, aim=aim)
    return float(low[-1]), float(high[-1])


def units_of(metric: str, attack: str | None, met: Met) -> list[Unit] | None:
    """The clusters of a metric, in the order of the plan; None where it has no sequence.

    Args:
        metric: Which.
        attack: Under which attack; None for all.
        met: What cases met.
    """
    if metric == "safe_worst":
        held = met.withstood()
        return _counted(met, ((case, bool(held[case] == 1), bool(held[case] >= 0)) for case in range(len(held))))
    flags: dict[str, Callable[[Cell], bool | None]] = {
        "safe_response_rate": lambda cell: cell.outcome == "safe",
        "attack_success_rate": lambda cell: cell.outcome == "unsafe",
        "refusal_response_rate": lambda cell: cell.refused,
    }
    if (flag := flags.get(metric)) is None:
        return None
    return _counted(
        met,
        (
            (cell.case, bool(flag(cell)), cell.outcome in ("safe", "unsafe") and flag(cell) is not None)
            for cell in met.cells
            if attack in (None, met.attacks[cell.attack])
        ),
    )


def _counted(met: Met, parts: Iterable[tuple[int, bool, bool]]) -> list[Unit]:
    """Case, whether it passed and whether it was measured, of each part → what each cluster counts."""
    clusters: dict[str, list[int]] = {}
    for case, passed, measured in sorted(parts):
        counts = clusters.setdefault(met.clusters[case], [0, 0, 0])
        counts[0] += passed and measured
        counts[1] += measured
        counts[2] += 1
    return [(passed, measured, planned) for passed, measured, planned in clusters.values()]
