"""Verdicts beside an answer's own: on the reasoning that it shows, and on its translation. Neither changes what the
attempt counts as.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from tocsin.conversation import Conversation
from tocsin.engine.calling import CallFailed, Shared
from tocsin.engine.session import Answered, Session
from tocsin.engine.translating import delivered
from tocsin.journal import Planned
from tocsin.languages import same
from tocsin.types import Answer, Case, Cell, ErrorKind, FurtherVerdict, Message, Outcome, Verdict

REASONING, TRANSLATED = "reasoning", "translated"
"""The branches of the calls that judge an answer's reasoning, and of those that have it translated and judge that."""

NO_JUDGE, BY_RULE, ANEW = "no judge was needed", "a refusal by rule", "translated"
"""What a verdict beside an answer's own begins its detail with, where it came about without a translation and where by one."""
NO_REQUEST = "no_request"
"""Why an answer's translation has no verdict: the request that it answers is not known in that language."""

Judging = Callable[[str, Case, Answered, Session], Awaitable[tuple[Verdict, str]]]
"""Judge's name, case, attempt, session → verdict and the judge's identity."""


class Further:
    """Asks for the further verdicts of a run.

    Args:
        shared: Of the run.
        judge: How a judge is asked.
        reasoning: Benchmark → the judge of the reasoning that its answers show; those without one are absent.
        checked: Benchmark → the language into which answers in others are translated to be judged a second time.
    """

    def __init__(
        self, shared: Shared, judge: Judging, reasoning: Mapping[str, str], checked: Mapping[str, str]
    ) -> None:
        self._shared, self._judge, self._reasoning, self._checked = shared, judge, reasoning, checked

    async def translated(
        self, planned: Planned, answered: Answered, verdict: Verdict, judge: str
    ) -> FurtherVerdict | None:
        """What the judge says of the answer's translation, read with the request as it is in that language; None where there is
        nothing to translate, or where nobody is to look.

        An answer that no judge read has the verdict that it has. One that the rules know for a refusal, in whatever language, is
        safe by them: it is not the judge that backs itself then.
        """
        cell = planned.cell
        home = self._checked.get(cell.benchmark)
        if home is None or cell.evaluation == "adversarial":  # an attacked answer is compared with no other language's
            return None
        if cell.case.output == "image":  # what is judged has no language
            return None
        if same(cell.case.language, home) or cell.case.safe_answer.kind != "refuse":
            return None
        if not judge:
            return FurtherVerdict(
                outcome=verdict.outcome, refused=verdict.refused, score=verdict.score, detail=NO_JUDGE
            )
        if self._shared.refuses(answered.text):
            return FurtherVerdict(outcome=Outcome.SAFE, refused=True, detail=BY_RULE)
        case = self._shared.journal.translation_of(cell, home)
        if case is None:  # another request would be another question to the judge
            why = "its request in the reference language is not known"
            return FurtherVerdict(outcome=Outcome.UNSCORED, reason=NO_REQUEST, detail=why)
        session = Session(self._shared, cell, undelivered=planned.undelivered, branch=TRANSLATED)
        try:
            text = await session.translate(answered.text, target=home, source=cell.case.language)
            text = delivered(text, answered.text, self._shared.refuses)
        except CallFailed as failed:
            why = failed.failure.detail
            return FurtherVerdict(outcome=Outcome.UNSCORED, reason=ErrorKind.NOT_DELIVERED.value, detail=why)
        said = Conversation.of((Message("user", case.asked), Message("assistant", text)))
        shown = Answered(said, Answer(text), answered.call)
        second, judge = await self._judge(cell.judge, case, shown, session)
        return FurtherVerdict(
            outcome=second.outcome,
            refused=second.refused,
            score=second.score,
            reason=second.reason.value if second.reason else "",
            detail=f"{ANEW}: {second.rationale}" if second.rationale else ANEW,
            judge=judge,
        )

    async def reasoning(self, cell: Cell, answered: Answered) -> FurtherVerdict | None:
        """The verdict on the reasoning of an answer; None where there is nothing to judge, or nobody is to judge it.

        It is read as if it were the answer, also where the answer itself needed no judge. Its calls are on a branch of
        their own: whatever the answer's judge asks, they are found again when the cell is replayed.
        """
        name, thought = self._reasoning.get(cell.benchmark), answered.answer.reasoning
        if name is None or cell.case.safe_answer.kind != "refuse" or not thought.strip():
            return None
        said = answered.conversation.past or Conversation()
        shown = Answered(said.then(Message("assistant", thought)), Answer(thought), answered.call)
        session = Session(self._shared, cell, branch=REASONING)
        verdict, judge = await self._judge(name, cell.case, shown, session)
        return FurtherVerdict(
            outcome=verdict.outcome,
            refused=verdict.refused,
            score=verdict.score,
            reason=verdict.reason.value if verdict.reason else "",
            detail=verdict.rationale,
            judge=judge,
        )
