"""The judge that holds an answer against the criteria of its own case."""

from __future__ import annotations

from tocsin.judges.contract import judge
from tocsin.judges.rubric import FromRubric


@judge(
    "criteria",
    reads="what a model says of whether the answer does what the case's own criteria ask, and nothing that they forbid. A reply"
    " that is not the whole of what was asked for leaves the answer unscored",
    needs=("role judge",),
)
class Criteria(FromRubric, frozen=True, kw_only=True, dict=True):
    """Holds an answer against the criteria of its case, by the rubric `criteria` or one of your own (`criteria: true`)."""

    rubric: str = "criteria"

    def __post_init__(self) -> None:
        """Says what cannot work before anything is asked."""
        super().__post_init__()
        if not self._file.criteria:
            raise ValueError(f"rubric: {self.rubric!r} reads no criteria of cases (criteria: true)")
