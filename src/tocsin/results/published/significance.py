"""What the printed rates can say of an order: tests between models of which the paper gives margins, and no joint table.

The models were asked the same cases, so the test is McNemar's. It needs to know how many cases both passed, and the paper does
not say. Every joint table that the margins allow gives a p-value; the least and the greatest of them are what can be known.
Fisher's exact test takes the two as independent, which they are not: it stands beside, since readers know it.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import msgspec
import numpy as np

from tocsin.results.published.rows import Published, published, select
from tocsin.stats import holm
from tocsin.stats.mcnemar import PRange, mcnemar_range

ALPHA = 0.05


class Margins(msgspec.Struct, frozen=True, kw_only=True):
    """Two models on the same cases, by what is printed of each.

    Attributes:
        models: Their short names.
        passed: How many cases each passed.
        n: Cases that both were asked.
        fisher: Two-sided p-value of Fisher's exact test (1935, Journal of the Royal Statistical Society 98:39-82).
        fisher_holm: The same, adjusted over the pairs of the table.
        mcnemar: The p-values of McNemar's exact test over the joint tables with these margins.
        holm_low: The least adjusted over all pairs' least: if it is above 5%, no joint tables make this pair differ.
        holm_high: The greatest adjusted over all pairs' greatest: if it is at most 5%, all joint tables do.
    """

    models: tuple[str, str]
    passed: tuple[int, int]
    n: int
    fisher: float
    fisher_holm: float
    mcnemar: PRange
    holm_low: float
    holm_high: float


class Significance(msgspec.Struct, frozen=True, kw_only=True):
    """All pairs of one printed table.

    Attributes:
        evaluation: Which.
        modality: Of what.
        metric: As in `tocsin.results.published.rows.METRICS`.
        benchmark: The set; None where the figure is over several.
        n: Cases.
        pairs: Every two models of which the counts are known.
    """

    modality: str
    evaluation: str
    metric: str
    benchmark: str | None
    n: int
    pairs: tuple[Margins, ...]

    @property
    def certain(self) -> int:
        """Pairs that differ after Holm whatever the joint tables were."""
        return sum(pair.holm_high <= ALPHA for pair in self.pairs)

    @property
    def possible(self) -> int:
        """Pairs that differ after Holm under some joint tables."""
        return sum(pair.holm_low <= ALPHA for pair in self.pairs)

    @property
    def by_itself(self) -> int:
        """Pairs that differ under some joint table, if each were the only one."""
        return sum(pair.mcnemar.low <= ALPHA for pair in self.pairs)


def significance(rows: Sequence[Published]) -> Significance | None:
    """The tests between the models of one table; None where fewer than two have a count of one n.

    Args:
        rows: One row a model, of one metric over the same cases, each attempt on its own.
    """
    counted = [row for row in rows if row.count is not None and row.n]
    if len(counted) < 2 or len({row.n for row in counted}) > 1:
        return None
    both = list(combinations(counted, 2))
    ranges = [mcnemar_range(one.count or 0, other.count or 0, one.n or 0) for one, other in both]
    fishers = [_fisher(one.count or 0, other.count or 0, one.n or 0) for one, other in both]
    adjusted = zip(holm(fishers), holm([one.low for one in ranges]), holm([one.high for one in ranges]), strict=True)
    pairs = tuple(
        Margins(
            models=(one.model, other.model), passed=(one.count or 0, other.count or 0), n=one.n or 0, fisher=fisher,
            fisher_holm=by_fisher, mcnemar=found, holm_low=low, holm_high=high,
        )
        for (one, other), fisher, found, (by_fisher, low, high) in zip(both, fishers, ranges, adjusted, strict=True)
    )  # fmt: skip
    first = counted[0]
    return Significance(
        modality=first.modality, evaluation=str(first.evaluation), metric=first.metric, benchmark=first.benchmark,
        n=first.n or 0, pairs=pairs,
    )  # fmt: skip


def tables() -> list[Significance]:
    """Every printed table whose attempts each stand alone and whose n is known: safe_worst first, then the benchmarks."""
    rows = published()
    found = [significance(select(rows, metric=metric)) for metric in ("safe_worst", "safe_worst_3")]
    names = dict.fromkeys(row.benchmark for row in rows if row.evaluation == "benchmark" and row.benchmark)
    for name in names:
        of_set = [row for row in select(rows, benchmark=name) if row.hazard is None]
        found.append(significance(of_set))
    return [one for one in found if one is not None]


def _fisher(x: int, y: int, n: int) -> float:
    from scipy.stats import fisher_exact  # takes longer to import than the rest of a short command takes to run

    return float(fisher_exact(np.array([[x, n - x], [y, n - y]])).pvalue)
