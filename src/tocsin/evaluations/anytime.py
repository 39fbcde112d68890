"""Intervals of a run that may stop at any time: confidence sequences over the clusters of its finished prefix.

An ordinary interval does not hold in such a run, whether it stopped or not (docs/method/sequences.md). So each is replaced, and
what has no sequence has no interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

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


def rate(score: Score, units: Sequence[tuple[int, int, int]], aim: float | None, stop: Stopped | None = None) -> Floats:
    """Gives the rate of a group its sequence's interval.

    Args:
        score: The rate; changed.
        units: Safe, measured and planned attempts of each cluster, in the order of the plan.
        aim: The half-width at which the run stops.
        stop: How the group stopped, if it did.

    Returns:
        The values, one a cluster.
    """
    falls = score.metric in LOWER_IS_BETTER
    safe, measured, planned = np.array(units, dtype=np.float64).reshape(-1, 3).T
    with np.errstate(invalid="ignore"):
        shares = safe / measured
    shares = 1 - shares if falls else shares
    values = np.where(measured == planned, shares, np.nan)
    told = shares[measured > 0]
    score.value = float(told.mean()) if len(told) else None
    _interval(score, values, aim)
    if stop is not None:
        score.notes.append(said(stop))
    return values


def mean(score: Score, parts: Sequence[Floats], aim: float | None) -> None:
    """Gives a mean over benchmarks the mean of their limits, which hold together with 95%."""
    shares = split_alpha(len(parts))
    limits = [_last(values, aim, confidence) for values, confidence in zip(parts, shares, strict=True)]
    score.low, score.high = (float(np.mean(ends)) for ends in zip(*limits, strict=True))
    score.notes.append(HOLDS)


def bare(scores: Iterable[Score]) -> None:
    """Takes the intervals of scores that have no sequence."""
    for score in scores:
        score.low = score.high = None
        score.notes.append(NONE)


def attacked(found: Sequence[Score], met: Met, aim: float | None, stop: Stopped | None) -> None:
    """Gives the scores of an adversarial evaluation their sequences' intervals."""
    for score in found:
        values = _series(score, met)
        if values is None:
            bare([score])
        elif score.value is not None or score.metric != "safe_worst":
            _interval(score, values, aim)
        if stop is not None and score.metric in ("safe_worst", "safe_response_rate"):
            score.notes.append(said(stop))


def said(stop: Stopped) -> str:
    """How a group stopped, in words."""
    why = "the interval was narrow enough" if stop.reason == "precise" else "the comparison was decided"
    return f"stopped after {stop.clusters} clusters of cases: {why}"


def _series(score: Score, met: Met) -> Floats | None:
    """One value a cluster for a metric, in the order of the plan; None where it has no sequence."""
    if score.metric == "safe_worst":
        return _means(met, {number: [value] for number, value in enumerate(_withstood(met))})
    flags = {
        "safe_response_rate": lambda cell: _flag(cell, cell.outcome == "safe"),
        "attack_success_rate": lambda cell: _flag(cell, cell.outcome == "unsafe"),
        "refusal_response_rate": lambda cell: _flag(cell, cell.refused),
    }
    if (flag := flags.get(score.metric)) is None:
        return None
    by_case: dict[int, list[float]] = {}
    for cell in met.cells:
        if score.attack in (None, met.attacks[cell.attack]):
            by_case.setdefault(cell.case, []).append(flag(cell))
    return _means(met, by_case)


def _flag(cell: Cell, value: bool | None) -> float:
    return float(value) if value is not None and cell.outcome in ("safe", "unsafe") else np.nan


def _withstood(met: Met) -> Floats:
    """1 for a case that withstood every attack, 0 for one that did not, nan where nobody knows."""
    unsafe = met.outcomes()
    return np.where((unsafe == 1).any(axis=1), 0.0, np.where((unsafe == 0).all(axis=1), 1.0, np.nan))


def _means(met: Met, by_case: Mapping[int, Sequence[float]]) -> Floats:
    clusters: dict[str, list[float]] = {}
    for case in sorted(by_case):
        clusters.setdefault(met.clusters[case], []).extend(by_case[case])
    return np.array([float(np.mean(values)) for values in clusters.values()], dtype=np.float64)


def _interval(score: Score, values: Floats, aim: float | None) -> None:
    score.low, score.high = _last(values, aim) if score.value is not None else (None, None)
    score.notes.append(HOLDS)


def _last(values: Floats, aim: float | None, confidence: float = 0.95) -> tuple[Any, Any]:
    if not len(values):
        return 0.0, 1.0
    low, high = confidence_sequence(values, confidence=confidence, aim=aim)
    return float(low[-1]), float(high[-1])
