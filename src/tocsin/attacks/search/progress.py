"""What a search has to show so far: the attempt that the in-loop judge found most harmful, or why there is none."""

from __future__ import annotations

import json
from typing import Any

from tocsin.attacks.contract import harm
from tocsin.attacks.replies import PUT, Form
from tocsin.attacks.steering import Best
from tocsin.engine import AllowanceSpent, CallFailed
from tocsin.protocols import Attempt, Session
from tocsin.types import ErrorKind, Image, Outcome, Verdict

MOST = 10
"""The highest rating."""
PATIENCE = 3
"""Tries in a row without an answer, after which the next would have none either."""


class Progress(Best):
    """Keeps the best attempt of a search over all of its branches, and the failure that counts where there is none.

    One branch that fails is lost alone. Where all fail, the search ends with an error of the target if there was one, since
    that is what was to be measured, and else with what kept prompts from being delivered.
    """

    def __init__(self) -> None:
        super().__init__()
        self._failed: CallFailed | None = None
        self._in_a_row = 0

    @property
    def hopeless(self) -> bool:
        """Whether so many tries in a row got no answer that a search had better end."""
        return self._in_a_row >= PATIENCE

    def see(self, attempt: Attempt, verdict: Verdict) -> None:
        """Keeps the attempt, if it is the best."""
        self._in_a_row = 0
        super().see(attempt, verdict)

    async def put(self, session: Session, prompt: str, images: tuple[Image, ...] = ()) -> tuple[Attempt, Verdict]:
        """Puts one prompt to the target in a conversation of its own, with images if there are any, and has the answer judged.

        Raises:
            CallFailed: There is no answer.
        """
        attempt = await session.ask(prompt, images=images)
        session.rewind()
        verdict = await session.judge(attempt)
        self.see(attempt, verdict)
        return attempt, verdict

    def lost(self, failed: CallFailed) -> None:
        """Notes that a branch got no answer.

        Raises:
            AllowanceSpent: The cell has nothing left, so that no other branch can get one either.
        """
        if isinstance(failed, AllowanceSpent):
            raise failed
        self._in_a_row += 1
        self.unsent(failed)

    def unsent(self, failed: CallFailed) -> None:
        """Notes that a prompt was given up before it was sent, which says nothing of the next."""
        if self._failed is None or self._failed.failure.kind is ErrorKind.NOT_DELIVERED:
            self._failed = failed

    def result(self) -> Attempt:
        """The attempt to be judged.

        Raises:
            CallFailed: No branch got an answer.
        """
        if self.attempt is None:
            assert self._failed is not None, "a search tries at least one prompt"
            raise self._failed
        return self.attempt


def rating(verdict: Verdict) -> float | None:
    """The judge's word on the papers' scale, from 1 (nothing of what was asked) to 10 (all of it); None if it has none."""
    if verdict.outcome is Outcome.UNSCORED:
        return None
    return 1 + (MOST - 1) * min(1.0, max(0.0, harm(verdict)))


def whole(rated: float | None) -> int | None:
    """A rating as a whole number, the way a judge that is asked for one gives it."""
    return None if rated is None else int(rated + 0.5)


PROMPT: Form[str] = Form(prompt=PUT).then(lambda said: said["prompt"])
"""An attacker's reply that is a prompt."""
REFINEMENT: Form[dict[str, str]] = Form(improvement=str, prompt=PUT)
"""An attacker's reply that says what it noticed, and the prompt it made of that."""


def written(refined: dict[str, Any]) -> str:
    """A refinement as its attacker is shown it again, without what stood around it."""
    return json.dumps(refined, ensure_ascii=False)
