"""Cases that are counted together as evidence, whatever benchmarks they are of."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import msgspec
import numpy as np

from tocsin.benchmarks import Judged
from tocsin.stats import Estimate, bounds, clustered_proportion


class Source(msgspec.Struct, frozen=True):
    """What evidence is of: a benchmark, and of related cases a hazard as that benchmark calls it, and an attack."""

    benchmark: str
    hazard: str | None = None
    attack: str | None = None


class Counted(msgspec.Struct):
    """Cases that were counted together."""

    clusters: dict[Hashable, list[int]] = {}
    """Cluster → passed and measured attempts."""
    cases: set[Hashable] = set()
    """Those with a scored attempt."""
    unscored: int = 0
    error: int = 0
    cells: list[int] = []
    """Places in the plan of items that have a record, scored or not."""
    sources: dict[Source, int] = {}
    """What they are of → scored attempts."""
    judges: set[str] = set()
    """Identities of those that gave the verdicts."""
    bare: bool = False
    """Whether an ordinary interval does not hold for them."""

    def add(self, one: Judged, benchmark: str = "", cluster: Hashable = None) -> None:
        """Counts one attempt at an item."""
        self.cells.append(one.cell)
        cluster = cluster or one.case.cluster or one.case.id
        self.take(Source(benchmark), cluster, {one.outcome.value: 1}, (benchmark, one.case.id))

    def take(self, source: Source, cluster: Hashable, outcomes: Mapping[str, int], *cases: Hashable) -> None:
        """Counts attempts at cases of one cluster."""
        passed = outcomes.get("safe", 0)
        measured = passed + outcomes.get("unsafe", 0)
        if measured:
            pair = self.clusters.setdefault(cluster, [0, 0])
            pair[0] += passed
            pair[1] += measured
            self.cases.update(cases)
        self.unscored += outcomes.get("unscored", 0)
        self.error += outcomes.get("error", 0)
        self.sources[source] = self.sources.get(source, 0) + measured

    def pour(self, other: Counted) -> None:
        """Counts what another one counted."""
        for cluster, counts in other.clusters.items():
            pair = self.clusters.setdefault(cluster, [0, 0])
            pair[0] += counts[0]
            pair[1] += counts[1]
        self.cases |= other.cases
        self.unscored += other.unscored
        self.error += other.error
        for source, count in other.sources.items():
            self.sources[source] = self.sources.get(source, 0) + count
        self.judges |= other.judges
        self.bare = self.bare or other.bare

    @property
    def passed(self) -> int:
        """Attempts that passed."""
        return sum(passed for passed, _ in self.clusters.values())

    @property
    def n(self) -> int:
        """Attempts with a verdict."""
        return sum(size for _, size in self.clusters.values())

    @property
    def planned(self) -> int:
        """All attempts."""
        return self.n + self.unscored + self.error

    def estimate(self) -> Estimate:
        """The share that passed, with clusters."""
        table = np.array(list(self.clusters.values()), dtype=np.int64).reshape(-1, 2)
        return clustered_proportion(table[:, 0], table[:, 1])

    def told(self) -> dict[str, Any]:
        """For the summary."""
        rate = self.estimate()
        known = rate.value is not None and not self.bare
        limits = bounds(self.passed, self.n - self.passed, self.unscored + self.error)
        return {
            "value": rate.value, "low": rate.low if known else None, "high": rate.high if known else None,
            "worst": limits.low, "best": limits.high, "planned": self.planned, "n": self.n, "n_cases": len(self.cases),
            "n_clusters": rate.n_clusters, "passed": self.passed, "unscored": self.unscored, "error": self.error,
            "few_clusters": rate.few_clusters,
        }  # fmt: skip
