"""A share of answers as a benchmark's own metric: its interval, its bounds, and what could not be measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from tocsin.benchmarks.contract import Judged, Measured
from tocsin.stats import bounds, clustered_proportion
from tocsin.types import Outcome

TOO_FEW = "too few clusters"
ONE_ANSWER = "one answer to more than half of the requests: says nothing of explanations"
NO_VALUE = "no value: "
"""How a note begins that says why a figure has none."""


def share(
    metric: str,
    judged: Iterable[Judged],
    passes: Callable[[Judged], bool | None],
    *,
    lower_is_better: bool = False,
    notes: tuple[str, ...] = (),
) -> Measured:
    """The share of answers that pass, with the clustered Wilson interval of `tocsin.stats.clustered_proportion`.

    Args:
        metric: Its name.
        judged: The answers the share is about. What ended in an error may be among them.
        passes: Whether an answer passes; None where that cannot be said, and then it counts as unscored.
        lower_is_better: Whether a low share is the good one, so that `worst` is the upper bound.
        notes: Words that belong beside the number.
    """
    clusters: dict[str, list[int]] = {}
    cases: set[str] = set()
    unscored = error = 0
    for one in judged:
        passed = None if one.outcome is Outcome.ERROR else passes(one)
        if passed is None:
            error += one.outcome is Outcome.ERROR
            unscored += one.outcome is not Outcome.ERROR
            continue
        cases.add(one.case.id)
        counts = clusters.setdefault(one.case.cluster or one.case.id, [0, 0])
        counts[0] += passed
        counts[1] += 1
    table = np.asarray(list(clusters.values()), dtype=np.int64).reshape(-1, 2)
    found = clustered_proportion(table[:, 0], table[:, 1])
    good = int(table[:, 0].sum())
    limits = bounds(good, found.n - good, unscored + error)
    measured = found.value is not None
    return Measured(
        metric=metric,
        value=found.value,
        low=found.low if measured else None,
        high=found.high if measured else None,
        worst=limits.high if lower_is_better else limits.low,
        best=limits.low if lower_is_better else limits.high,
        planned=found.n + unscored + error,
        n=found.n,
        n_cases=len(cases),
        n_clusters=found.n_clusters,
        unscored=unscored,
        error=error,
        notes=(*((TOO_FEW,) if measured and found.few_clusters else ()), *notes),
    )
