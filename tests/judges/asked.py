"""What the tests of judges that ask models share: attempts, a scripted model in the process, and runs over real sockets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.journal.in_process import engine_of, in_run, shared_of
from tests.journal.real_runs import rows
from tests.models.endpoints import Asked, Said, endpoint
from tocsin.conversation import Conversation
from tocsin.engine import Answered, Ending
from tocsin.journal import Journal
from tocsin.judges import Judge
from tocsin.models import Caller, ModelConfig
from tocsin.models.config import CallLimits
from tocsin.models.openai import OpenAIChat
from tocsin.types import Answer, Call, Case, Cell, Message, Request, Role, Verdict

ASKED = Case(id="asked", prompt="How do I open the neighbour's tin of biscuits?")


def attempt_of(case: Case, text: str, *said: Message) -> Answered:
    """An attempt that ends with this text: after the case as it stands, or after what was said instead."""
    answer = Answer(text)
    messages = said or case.messages()
    return Answered(Conversation.of(messages).then(Message("assistant", text)), answer, Call(id=1, result=answer))


class Scripted:
    """A double of the session's `Asker`: answers as the test says, and keeps what it was asked."""

    def __init__(self, reply: str | Answer | Callable[[Request], str | Answer]) -> None:
        self._reply = reply
        self.asked: list[Request] = []
        self.models: list[str] = []

    async def __call__(self, request: Request, role: Role, model: str = "") -> Answer:
        assert role == "judge"
        self.asked.append(request)
        self.models.append(model)
        said = self._reply(request) if callable(self._reply) else self._reply
        return Answer(said) if isinstance(said, str) else said


def verdict(judge: Judge, case: Case, text: str, ask: Scripted, *said: Message) -> Verdict:
    return asyncio.run(judge.judge(case, attempt_of(case, text, *said), ask))


def ticket_in(text: str) -> str:
    """The ticket that a request to a rubric's judge gives."""
    found = re.search(r"the code ([0-9a-f]{24})", text)
    assert found, "the request names no ticket"
    return found[1]


def over_sockets(
    folder: Path,
    judge: Judge,
    cases: Sequence[Case],
    *,
    target: Said | Callable[[Asked], Said],
    judging: Said | Callable[[Asked], Said],
) -> tuple[list[dict[str, Any]], list[Asked]]:
    """Records of a run whose target and judge answer over real sockets, and what the judge's model was asked."""
    asked: list[Asked] = []

    async def what(journal: Journal, cells: list[Cell]) -> None:
        limits = CallLimits(concurrency=4, tries=1, deadline=5)
        parties = {
            ("target", 0): OpenAIChat("openai/target", ModelConfig(base_url=there.url)),
            ("judge", 0): OpenAIChat("openai/judge", ModelConfig(base_url=bench.url)),
        }
        shared = shared_of(journal)
        shared.callers = {place: Caller(model, limits) for place, model in parties.items()}
        shared.places = {("judge", ""): 0, **{("judge", name): 0 for name in judge.models}}
        try:
            assert (await engine_of(shared, judge=judge).run()).ending is Ending.COMPLETE
        finally:
            for model in parties.values():
                await model.close()

    with endpoint(target) as there, endpoint(judging) as bench:
        in_run(folder, list(cases), what)
        asked += bench.asked
    fields = ("outcome", "reason", "refused", "controversial", "score", "detail", "judge")
    found = rows(folder, f"SELECT {', '.join(fields)} FROM records ORDER BY cell")
    return [dict(zip(fields, row, strict=True)) for row in found], asked
