"""What each score of a plan rests on: attempts, and the clusters in which they stand or fall together."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tocsin.evaluations.assessment import Assessment
from tocsin.evaluations.counts import metric_of
from tocsin.evaluations.plan import Chosen
from tocsin.evaluations.under_attack import asked_in
from tocsin.journal import PlannedCase, PlannedCell
from tocsin.types import STATIC

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

SAFE_WORST, POOLED, BY_ATTACK = "safe_worst", "safe_response_rate", "attack_success_rate"


class Key(NamedTuple):
    """Which score it is, as scores name it."""

    target: int
    modality: str
    evaluation: str
    benchmark: str | None
    attack: str | None
    metric: str


class Unit:
    """What one score rests on: how many attempts each cluster has, and which of them are one answer."""

    def __init__(self) -> None:
        self.planned = 0
        self.alone: Counter[int] = Counter()
        """Cluster → attempts with an answer of their own."""
        self.shared: Counter[tuple[int, int]] = Counter()
        """Cluster and answer → attempts that share it."""

    def add(self, cluster: int, draw: int | None) -> None:
        """An attempt that will be asked."""
        if draw is None:
            self.alone[cluster] += 1
        else:
            self.shared[cluster, draw] += 1


class Counts(NamedTuple):
    """Of each cluster: attempts, different answers, and the sum of squares of how often each answer counts."""

    sizes: Floats
    draws: Floats
    alike: Floats

    def without(self, share: float) -> Counts:
        """The same where a share of the attempts has no outcome, spread evenly."""
        if share == 0 or not len(self.sizes):
            return self
        upto = np.floor(np.cumsum(self.sizes) * (1 - share) + 1e-9)
        kept = np.diff(upto, prepend=0.0)
        part = np.divide(kept, self.sizes, out=np.zeros(len(kept)), where=self.sizes > 0)
        return Counts(kept, np.maximum(self.draws * part, kept > 0), self.alike * part)


class Units:
    """What all scores of a plan rest on."""

    def __init__(self, assessment: Assessment) -> None:
        attacking = assessment.attacking
        told = {
            one.benchmark.name: asked_in(
                one.benchmark.modality, sorted(one.attacks), lambda name: attacking.made[name].kind == "visual"
            )
            for one in assessment.chosen
            if one.attacks
        }
        self._modality = told
        self._attacks = {modality for one in told.values() for modality in one.values()}
        self._found: dict[Key, Unit] = defaultdict(Unit)
        self._homeless: Counter[tuple[int, str, str, str]] = Counter()
        self._clusters: dict[tuple[str, str], int] = {}
        self._root: list[int] = []
        self._first: dict[int, int] = {}
        self._cases: set[tuple[int, str, str, str]] = set()

    def add(self, one: Chosen, row: PlannedCase, cell: PlannedCell, draw: int | None) -> None:
        """A cell of the plan.

        Args:
            one: Its benchmark.
            row: Its case.
            cell: The cell.
            draw: The answer that it shares with others; None if it has its own.
        """
        case, asked = row.case, row.case is not None and not row.stopped
        cluster = self._cluster(row.benchmark, (case and case.cluster) or row.case_id)
        if asked and draw is not None:
            self._join(cluster, draw)
        for unit, again in self._homes(one, row, cell):
            if not again:
                unit.planned += 1
                if asked:
                    unit.add(cluster, draw)

    def _homes(self, one: Chosen, row: PlannedCase, cell: PlannedCell) -> list[tuple[Unit, bool]]:
        """The scores that a cell enters, and whether it is there already by another cell of its case."""
        if cell.evaluation != "adversarial":
            modality: str = one.benchmark.modality
            evaluation = "adversarial" if cell.evaluation == STATIC else cell.evaluation
            if row.case is None:
                self._homeless[cell.target, modality, evaluation, row.benchmark] += 1
                return []
            metric = metric_of(cell.evaluation, row.case.safe_answer.kind)
            return [(self._found[Key(cell.target, modality, evaluation, row.benchmark, None, metric)], False)]
        modality = self._modality[row.benchmark].get(cell.attack, one.benchmark.modality)
        case = (cell.target, modality, row.benchmark, row.case_id)
        again = case in self._cases
        self._cases.add(case)

        def of(metric: str, attack: str | None = None) -> Unit:
            return self._found[Key(cell.target, modality, "adversarial", None, attack, metric)]

        return [(of(SAFE_WORST), again), (of(POOLED), False), (of(BY_ATTACK, cell.attack), False)]

    def scores(self) -> dict[Key, tuple[int, Counts]]:
        """Each score with the attempts that are planned for it, and those that will be asked, by cluster."""
        for (target, modality, evaluation, benchmark), count in self._homeless.items():
            home = (target, modality, evaluation, benchmark)
            there = [key for key in self._found if key[:4] == home and key.attack is None]
            alone = Key(*home, None, metric_of(evaluation, "refuse"))
            self._found[max(there, key=lambda key: self._found[key].planned, default=alone)].planned += count
        self._homeless.clear()
        return {key: (unit.planned, self._counts(unit)) for key, unit in self._found.items()}

    def _counts(self, unit: Unit) -> Counts:
        size: Counter[int] = Counter()
        draws: Counter[int] = Counter()
        alike: Counter[int] = Counter()
        for cluster, count in unit.alone.items():
            root = self._of(cluster)
            size[root] += count
            draws[root] += count
            alike[root] += count
        answers: Counter[tuple[int, int]] = Counter()
        for (cluster, draw), count in unit.shared.items():
            answers[self._of(cluster), draw] += count
        for (root, _), count in answers.items():
            size[root] += count
            draws[root] += 1
            alike[root] += count * count
        order = sorted(size)
        return Counts(*(np.array([one[root] for root in order], dtype=np.float64) for one in (size, draws, alike)))

    def _cluster(self, benchmark: str, name: str) -> int:
        found = self._clusters.setdefault((benchmark, name), len(self._clusters))
        if found == len(self._root):
            self._root.append(found)
        return found

    def _of(self, cluster: int) -> int:
        while self._root[cluster] != cluster:
            self._root[cluster] = self._root[self._root[cluster]]
            cluster = self._root[cluster]
        return cluster

    def _join(self, cluster: int, draw: int) -> None:
        """Clusters that share an answer are one, as in scores (`tocsin.evaluations.draws`)."""
        one, other = self._of(cluster), self._of(self._first.setdefault(draw, cluster))
        self._root[max(one, other)] = min(one, other)
