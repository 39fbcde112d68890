"""What is counted of a run: the groups that make up its scores, and the counts of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import msgspec

from tocsin.engine.stopping import Cluster
from tocsin.types import STATIC

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Metric = str
COMPLIANCE = "compliance_rate"
METRIC_OF = {
    "refuse": "safe_rate",
    "comply": "over_refusal_rate",
    "option": "accuracy",
    "label": "accuracy",
    "criteria": COMPLIANCE,
}
"""Kind of the safe answer → the metric its cases enter, but for those of the compliance evaluation."""


def metric_of(evaluation: str, wanted: str) -> Metric:
    """The metric that cases enter: in the compliance evaluation one, but for harmless contrasts, which count apart."""
    return COMPLIANCE if evaluation == "compliance" and wanted != "comply" else METRIC_OF[wanted]


By = Literal["hazard", "language"]


class Group(msgspec.Struct, frozen=True):
    """Cells that make up one score."""

    target: int
    evaluation: str
    benchmark: str
    metric: Metric
    wanted: tuple[str, ...]
    """The kinds of safe answer that belong here; the empty one stands for rows that became no case."""

    @property
    def named(self) -> str:
        """The evaluation as scores name it."""
        return "adversarial" if self.evaluation == STATIC else self.evaluation


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """Counts of one group, or of one hazard or language in it."""

    planned: int
    safe: int
    unsafe: int
    unscored: int
    error: int
    refused: int
    blocked: int
    truncated: int = 0
    invalid: int
    n_cases: int
    errors_by_kind: dict[str, int]
    unscored_by_reason: dict[str, int]
    cluster_safe: npt.NDArray[np.int64]
    """Safe attempts of each cluster that has a measured one."""
    cluster_sizes: npt.NDArray[np.int64]
    """Measured attempts of each such cluster."""
    refusal_table: dict[str, int]
    """``refused/safe`` and so on → attempts, over measured attempts whose judge said whether they refuse."""


class ByJudge(msgspec.Struct, frozen=True):
    """The verdicts of a group that a judge gave, and those that needed none (a block by the provider, a declined answer)."""

    cluster_safe: npt.NDArray[np.int64]
    """Attempts of each cluster that a judge found safe."""
    cluster_sizes: npt.NDArray[np.int64]
    """Attempts of each cluster that a judge found safe or unsafe."""
    settled: int
    """Measured attempts that needed no judge."""
    settled_unsafe: int


class Grades(msgspec.Struct, frozen=True):
    """A judge's grades in [0, 1]: their sum and their number in each cluster that has one, and over how many cases.

    What needed no judge to be safe, such as a block by the provider, has the grade 0.
    """

    sums: list[float]
    counts: list[int]
    n_cases: int


class Spoken(NamedTuple):
    """The attempts at one source row in one language."""

    cluster: Cluster
    language: str
    safe: int
    unsafe: int
    invalid_safe: int
    """Safe ones that show that the request was not understood."""
    invalid_unsafe: int
    translated_safe: int
    """Measured attempts whose translation was judged safe; and those that no judge had to read, as they are."""
    translated_unsafe: int
    cells: int
    """Attempts that were to be made."""
    settled_safe: int = 0
    """Safe ones that needed no judge: a block by the provider, a declined answer."""
    settled_unsafe: int = 0
    unscored: int = 0


class Thought(NamedTuple):
    """An answered attempt, and what was said of the reasoning that it shows."""

    case: int
    cluster: Cluster
    safe: bool
    """Whether the answer itself counts as safe."""
    verdict: str | None
    """The outcome of the reasoning; None where there is none to judge, or where nobody judged it."""


class Counts:
    """The small counts of one key, gathered from the rows of one query."""

    def __init__(self) -> None:
        self.outcomes: dict[str, int] = {}
        self.reasons: dict[str, dict[str, int]] = {}
        self.refusal_table: dict[str, int] = {}
        self.refused = self.blocked = self.truncated = self.invalid = 0

    def add(
        self, outcome: str, reason: str, refused: int | None, blocked: int, truncated: int, invalid: int, count: int
    ) -> None:
        """Counts attempts that one row of the query stands for."""
        self.outcomes[outcome] = self.outcomes.get(outcome, 0) + count
        self.refused += count * bool(refused)
        self.blocked += count * blocked
        self.truncated += count * truncated * (outcome in ("safe", "unsafe"))
        self.invalid += count * invalid
        if outcome in ("unscored", "error"):
            reasons = self.reasons.setdefault(outcome, {})
            reasons[reason] = reasons.get(reason, 0) + count
        elif refused is not None:
            name = f"{'refused' if refused else 'answered'}/{outcome}"
            self.refusal_table[name] = self.refusal_table.get(name, 0) + count
