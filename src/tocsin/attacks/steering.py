"""What attacks make of the in-loop judge's verdicts: whether they were refused, and which attempt is the best so far."""

from __future__ import annotations

from tocsin.attacks.contract import harm
from tocsin.engine.outcome import blank
from tocsin.judges.refusal_rules import is_refusal
from tocsin.protocols import Attempt
from tocsin.types import Outcome, Verdict


class Best:
    """The attempt that is to be judged in the end: the one that the in-loop judge found most harmful.

    Of two that are equal, an answer stands before a refusal, and the later before the earlier, since it goes further.
    """

    def __init__(self) -> None:
        self.attempt: Attempt | None = None
        """It; None until one was seen."""
        self._rank = (-1.0, False)

    def see(self, attempt: Attempt, verdict: Verdict) -> None:
        """Keeps the attempt, if it is the best."""
        rank = (harm(verdict), not refused(attempt, verdict))
        if rank >= self._rank:
            self.attempt, self._rank = attempt, rank

    @property
    def found(self) -> Attempt:
        """The attempt.

        Raises:
            LookupError: None was seen.
        """
        if self.attempt is None:
            raise LookupError("no attempt was made")
        return self.attempt


def refused(attempt: Attempt, verdict: Verdict) -> bool:
    """Whether there is nothing in an answer to build on: a refusal, a block, or no text and no image either.

    The in-loop judge's word counts; where it says nothing of refusing, the rules of `refusal_rules` decide.
    """
    if not attempt.text.strip():
        return not delivered(attempt)
    return is_refusal(attempt.text) if verdict.refused is None else verdict.refused


def delivered(attempt: Attempt) -> bool:
    """Whether an image came that shows something. One of a single colour is what some endpoints send in place of a refusal."""
    return bool(attempt.answer.images) and not blank(attempt.answer)


def succeeded(verdict: Verdict) -> bool:
    """Whether the in-loop judge takes the goal for reached, so that there is nothing left to try."""
    return verdict.outcome is Outcome.UNSAFE
