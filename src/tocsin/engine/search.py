"""The worst case for less: which cells of the adversarial evaluation are run, decided from committed records alone.

`tocsin.engine.schedule` decides; this keeps its decisions in the journal before they take effect, has them again when the run
is resumed, and tells it how the cells ended. See docs/design/worst-case.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from tocsin.engine.schedule import AttackCost, Decision, PlannedCase, Result, Scheduler
from tocsin.journal import Journal, Planned
from tocsin.stats import Audit, audit_size, draw_audit
from tocsin.types import Outcome

MOST_AUDITED = 0.25
"""Share of all cells that the slice holds at most unless somebody says how many: with few cases its intervals are wide."""
AUDIT, BATCH = "audit", "schedule"
"""Scopes of the decisions: the slice, and each batch."""


class Search:
    """Runs the cells of one journal that a scheduler asks for.

    Args:
        journal: The run's journal, with its plan.
        targets: Names of the targets in the order of the manifest. Two may have one name: they are told apart by number.
        attacks: The attacks, with what is known of their cost.
        seed: Of the slice, and of the order among equals.
        per_case: Cells of the audit slice for each case; what `audit_size` plans if None, but at most `MOST_AUDITED` of all.
    """

    def __init__(
        self,
        journal: Journal,
        targets: Sequence[str],
        attacks: Sequence[AttackCost],
        *,
        seed: int,
        per_case: float | None = None,
    ) -> None:
        self._journal, self._seed, self._attacks = journal, seed, attacks
        self._targets = [f"{number} {name}" for number, name in enumerate(targets)]
        self._cells: dict[tuple[str, str, str], int] = {}
        hazards: dict[str, str] = {}
        for cell, target, case, hazard, attack in journal.adversarial_cells():
            hazards.setdefault(case, hazard)
            self._cells[self._targets[target], case, attack] = cell
        self._cases = [PlannedCase(id=case, hazard=hazard) for case, hazard in hazards.items()]
        self._per_case = per_case
        self._scheduler: Scheduler | None = None
        self._under_way: list[Decision] = []
        self._last_call, self._calls = 0, Counter[int]()

    async def begin(self) -> None:
        """Draws the slice, or takes it and every batch as a session before this one decided them."""
        journal = self._journal
        drawn = journal.decisions(AUDIT)
        if drawn:
            audit = msgspec.convert(drawn[0], Audit)
        else:
            cases, attacks = len(self._cases), len(self._attacks)
            per_case = self._per_case or min(audit_size(cases, attacks), max(1.0, MOST_AUDITED * attacks))
            audit = draw_audit(cases, attacks, per_case=min(per_case, attacks), seed=self._seed)
            await journal.decide(AUDIT, msgspec.to_builtins(audit))
        self._scheduler = Scheduler(
            targets=self._targets, attacks=self._attacks, cases=self._cases, seed=self._seed, audit=audit
        )
        for batch in journal.decisions(BATCH):
            self._under_way = msgspec.convert(batch, list[Decision])
            self._scheduler.replay(self._under_way)
            if not self.tell():
                return

    async def next(self, most: int) -> list[Planned]:
        """The cells to run now: what is left of the last batch, or the next one. None if all is done."""
        assert self._scheduler is not None, "begin comes first"
        if not self._under_way:
            self._under_way = self._scheduler.next(most)
            if not self._under_way:
                return []
            await self._journal.decide(BATCH, msgspec.to_builtins(self._under_way))
        return self._journal.cells_by_id([self._cell(one) for one in self._under_way])

    def tell(self) -> bool:
        """Tells the scheduler how the batch ended; False while a cell of it has no record."""
        assert self._scheduler is not None, "begin comes first"
        ended = self._journal.outcomes([self._cell(one) for one in self._under_way])
        if len(ended) < len(self._under_way):
            return False
        self._last_call, made = self._journal.calls_since(self._last_call)
        self._calls.update(made)
        self._scheduler.tell(
            Result(one.target, one.case, one.attack, Outcome(ended[cell]), float(max(1, self._calls[cell])))
            for one in self._under_way
            for cell in (self._cell(one),)
        )
        self._under_way = []
        return True

    def _cell(self, one: Decision) -> int:
        return self._cells[one.target, one.case, one.attack]
