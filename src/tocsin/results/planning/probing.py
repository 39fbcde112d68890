"""What attacks and judges would write, found by letting them write it to nobody."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Coroutine, Sequence
from typing import Any

from tocsin.attacks import Attack
from tocsin.conversation import Conversation
from tocsin.engine.session import Answered
from tocsin.judges import Judge
from tocsin.types import Allowance, Answer, Call, Capabilities, Case, Image, Message, Request, Role

_FILLER = "This is an answer of the length that the plan takes answers to have. "


class _Enough(BaseException):
    """What was to be found is found. No plug-in may catch it, so it is no `Exception`."""


class _Nobody:
    """A session at whose other end nobody is: it keeps the first request to the target, and ends there.

    It has what attacks look at before their first request; whatever else they look at ends it, too.
    """

    def __init__(self, case: Case) -> None:
        self._case = case
        self.rng = random.Random(1)
        self.conversation = Conversation()
        self.left = Allowance()
        self.takes = Capabilities(image_in=True, image_out=True)
        self.known = None
        self.asked: tuple[Message, ...] = ()

    def __getattr__(self, name: str) -> Any:
        """Stops at whatever else an attack would do."""
        raise _Enough

    def fork(self) -> _Nobody:
        return self

    async def ask(
        self,
        prompt: str | None = None,
        *,
        system: str | None = None,
        images: tuple[Image, ...] = (),
        history: Sequence[Message] = (),
        prefill: str = "",
    ) -> Any:
        """Keeps what was to be asked."""
        if prompt is None:
            self.asked = self._case.messages()
            raise _Enough
        told = "\n\n".join(filter(None, (self._case.system, system)))
        head = (Message("system", told),) if told else ()
        begun = (Message("assistant", prefill),) if prefill else ()
        self.asked = (*head, *history, *self._case.history, Message("user", prompt, images), *begun)
        raise _Enough


def first_request(attack: Attack, case: Case) -> tuple[Message, ...]:
    """What an attack would ask the target first; empty where it asks a helper before, or cannot tell."""
    session: Any = _Nobody(case)
    _let(attack.run(case, session))
    return session.asked  # type: ignore[no-any-return]


def judge_requests(judge: Judge, case: Case, answer_tokens: int) -> list[tuple[str, Request]]:
    """What a judge would ask about an answer of this length: the model's name, and the request.

    Of a judge that goes on after an unreadable reply, all that it would ask.
    """
    text = (_FILLER * (1 + 4 * answer_tokens // len(_FILLER)))[: 4 * answer_tokens]
    said = Conversation.of((*case.messages(), Message("assistant", text)))
    attempt = Answered(said, Answer(text), Call(id=0, result=Answer(text)))
    found: list[tuple[str, Request]] = []

    async def ask(request: Request, role: Role, model: str = "") -> Answer:
        found.append((model, request))
        return Answer("")

    _let(judge.judge(case, attempt, ask))
    return found


def _let(what: Coroutine[Any, Any, Any]) -> None:
    """Lets a plug-in run until it wants something that is not there. What it raises says nothing of the run."""

    async def run() -> None:
        with contextlib.suppress(_Enough, Exception):
            await what

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(run())
        return
    # Within a loop a coroutine that waits for nothing outside can be driven by hand; one that does is given up.
    coroutine = run()
    try:
        coroutine.send(None)
    except StopIteration:
        return
    finally:
        coroutine.close()
