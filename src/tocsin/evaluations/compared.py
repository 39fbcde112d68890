"""The targets of a run against each other under attack: pair by pair, on the same cases, and made good for being several."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from tocsin.evaluations.met import Met
from tocsin.stats import holm, rate_difference, sign_flip

if TYPE_CHECKING:
    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]

Pair = tuple[str, bool, bool]
"""The cluster of a case or an answer, and whether it passed on the one target and on the other."""


def compare(mets: Sequence[Met | None], names: Sequence[str], *, stops: bool = False) -> list[dict[str, Any]]:
    """Each pair of targets on each measure: the difference with its interval, and a test that is made good over the pairs.

    Cases that withstood every attack are compared where both targets have an outcome; answers where both were judged. In a
    search the answers are left out, since different cells were run. What lacks an outcome on one target is in neither rate: where
    ``planned`` is far above ``n``, those that are left may be others than all.

    Args:
        mets: What the cases of each target met.
        names: The targets' names.
        stops: Whether the run may have stopped at any time: then none of this would hold, and nothing is given.

    Returns:
        Rows of ``metric``, ``models``, ``value`` (first less second), ``low``, ``high``, ``n``, ``planned``, ``n_clusters``,
        ``p`` and ``p_holm``.
    """
    found: list[dict[str, Any]] = []
    if stops:
        return found
    searched = any(met is not None and met.audit is not None for met in mets)
    for metric, of in (("safe_worst", _cases), *(() if searched else (("safe_response_rate", _answers),))):
        rows = []
        for one, other in combinations(range(len(mets)), 2):
            first, second = mets[one], mets[other]
            if first is not None and second is not None and (pairs := of(first, second)):
                planned = len(first.cases) if metric == "safe_worst" else first.planned
                row = {"metric": metric, "models": [names[one], names[other]], "planned": planned}
                rows.append({**row, **_tested(pairs)})
        for row, adjusted in zip(rows, holm([row["p"] for row in rows]), strict=True):
            row["p_holm"] = adjusted
        found += rows
    return found


def _tested(pairs: Sequence[Pair]) -> dict[str, Any]:
    clusters: dict[str, list[int]] = {}
    for cluster, first, second in pairs:
        counts = clusters.setdefault(cluster, [0, 0, 0])
        counts[0] += first
        counts[1] += second
        counts[2] += 1
    passed, other, sizes = (np.array(column, dtype=np.int64) for column in zip(*clusters.values(), strict=True))
    difference = rate_difference(passed, sizes, other, sizes)
    return {
        "value": difference.value,
        "low": difference.low,
        "high": difference.high,
        "n": len(pairs),
        "n_clusters": difference.n_clusters,
        "p": sign_flip(passed - other),
    }


def _cases(first: Met, second: Met) -> list[Pair]:
    """Cases with an outcome on both targets, and whether they withstood every attack."""
    held = [dict(zip(met.cases, met.withstood(), strict=True)) for met in (first, second)]
    return [
        (first.clusters[number], held[0][case] == 1, held[1][case] == 1)
        for number, case in enumerate(first.cases)
        if case in held[1] and not np.isnan([held[0][case], held[1][case]]).any()
    ]


def _answers(first: Met, second: Met) -> list[Pair]:
    """Answers to the same case under the same attack, judged on both targets, and whether they are safe."""
    there = _by_place(second)
    return [
        (cluster, outcome == "safe", there[place][1] == "safe")
        for place, (cluster, outcome) in _by_place(first).items()
        if outcome in ("safe", "unsafe") and place in there and there[place][1] in ("safe", "unsafe")
    ]


def _by_place(met: Met) -> dict[tuple[Any, ...], tuple[str, str]]:
    """Case, attack and repeat → cluster and outcome."""
    found: dict[tuple[Any, ...], tuple[str, str]] = {}
    times: dict[tuple[int, int], int] = {}
    for cell in met.cells:
        at = (cell.case, cell.attack)
        times[at] = times.get(at, 0) + 1
        found[(met.cases[cell.case], met.attacks[cell.attack], times[at])] = met.clusters[cell.case], cell.outcome
    return found
