"""What the tests of journal and engine share: plans, a model that a test holds back, engines over real journals."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tocsin import attacks, judges
from tocsin.engine import Budget, Ended, Engine, Limits, Shared
from tocsin.journal import Journal, JournalError, PlannedCase, PlannedCell, call_key
from tocsin.models import Caller, ModelError
from tocsin.models.config import CallLimits
from tocsin.protocols import Attempt
from tocsin.types import Answer, Call, Capabilities, Case, Cell, Outcome, Record, Request, Sampling

# ---------------------------------------------------------------------------------------------------------------------
# Plans and rows


def plan_of(
    cases: Iterable[Case], *, benchmark: str = "made", repeats: int = 1, targets: int = 1
) -> Iterator[tuple[PlannedCase, list[PlannedCell]]]:
    """Cases in the order they are given; their cells are run in that order too."""
    for number, case in enumerate(cases):
        cells = [
            PlannedCell(target, "benchmark", "direct", repeat, "refusal", number * repeats + repeat)
            for repeat in range(repeats)
            for target in range(targets)
        ]
        yield PlannedCase(benchmark, case.id, case), cells


def some_cases(count: int, prompt: str = "What grows in garden {}?") -> list[Case]:
    return [Case(id=f"c{number}", prompt=prompt.format(number)) for number in range(count)]


def made_journal(folder: Path, cases: Iterable[Case], **plan: Any) -> Journal:
    """A new journal with a plan."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = Journal(folder, create=True)
    journal.plan(plan_of(cases, **plan))
    return journal


def key_of(number: int) -> bytes:
    return call_key("a model", "target", str(number).encode(), None)


async def add_call(journal: Journal, number: int, *, cell: int = 1, text: str = "An answer.") -> Call:
    return await journal.add_call(
        key=key_of(number), cell=cell, branch="", ordinal=0, role="target", request=b"{}", result=Answer(text=text),
        tries=1, latency=0.01, cost=None,
    )  # fmt: skip


def record(cell: int, *, attempt: int = 0, outcome: Outcome = Outcome.SAFE, call: int | None = None) -> Record:
    return Record(cell=cell, attempt=attempt, outcome=outcome, call=call)


# ---------------------------------------------------------------------------------------------------------------------
# A model inside the test's own process


class HeldModel:
    """A model that answers what the test says, when the test says. Implements `tocsin.protocols.Model`.

    Attributes:
        sent: Last message of every request, in the order of their arrival.
        gate: Requests wait here before they are answered.
    """

    def __init__(
        self, reply: Callable[[Request], Answer | ModelError] | None = None, *, identity: str = "held@nowhere#{}"
    ) -> None:
        self.name, self.identity, self.capabilities = "held/model", identity, Capabilities()
        self.sent: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self._reply = reply or (lambda request: Answer(text=f"About {request.messages[-1].text}"))

    async def send(self, request: Request, timeout: float) -> Answer:
        self.sent.append(request.messages[-1].text)
        await self.gate.wait()
        reply = self._reply(request)
        if isinstance(reply, ModelError):
            raise reply
        return reply

    async def close(self) -> None:
        pass


def shared_of(
    journal: Journal,
    *models: HeldModel,
    temperature: float | None = 0,
    limits: Limits | None = None,
    concurrency: int = 8,
    **more: Any,
) -> Shared:
    calls = CallLimits(concurrency=concurrency, tries=1, deadline=5)
    shared = Shared(
        journal=journal,
        callers={("target", index): Caller(model, calls) for index, model in enumerate(models)},
        sampling=defaultdict(lambda: Sampling(temperature=temperature)),
        budget=Budget(limits or Limits()),
        seed=7,
        **more,
    )
    shared.earlier = journal.earlier_calls()
    return shared


async def until(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Waits, without holding up the loop, until the condition is met."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        await asyncio.sleep(0.002)


# ---------------------------------------------------------------------------------------------------------------------
# Engines and sessions over a real journal


@contextmanager
def commits_held(folder: Path) -> Iterator[None]:
    """No commit can be made meanwhile: another connection holds the journal's one write lock."""
    with closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def cells_of(journal: Journal) -> list[Cell]:
    return [planned.cell for planned in journal.cells()]


def in_run(
    folder: Path,
    cases: list[Case],
    what: Callable[[Journal, list[Cell]], Coroutine[Any, Any, None]],
    **plan: Any,
) -> None:
    """Runs something with an open journal and its cells."""

    async def scenario() -> None:
        journal = made_journal(folder, cases, **plan)
        try:
            await what(journal, cells_of(journal))
        finally:
            with contextlib.suppress(JournalError):
                await journal.close()

    asyncio.run(scenario())


def engine_of(shared: Shared, *, attack: Any = None, judge: Any = None, workers: int = 4) -> Engine:
    return Engine(
        shared,
        {"direct": attack or attacks.make("direct")},
        {"refusal": judge or judges.make("refusal")},
        workers=workers,
    )


class TwoQuestions(attacks.Attack, frozen=True):
    """Asks the case, and then once more."""

    async def run(self, case: Case, session: Any) -> Attempt:
        await session.ask()
        return await session.ask("And what else?")  # type: ignore[no-any-return]


def life(
    folder: Path,
    model: HeldModel,
    *,
    count: int = 6,
    calls: int | None = None,
    attack: Any = None,
    prompt: str = "What grows in garden {}?",
    workers: int = 3,
    **more: Any,
) -> Ended:
    """One session of a run: plans it if it is not there."""

    async def scenario() -> Ended:
        there = (folder / "journal.sqlite").exists()
        journal = Journal(folder) if there else made_journal(folder, some_cases(count, prompt))
        try:
            shared = shared_of(journal, model, limits=Limits(calls=calls), **more)
            made = {"direct": attack or attacks.make("direct")}
            return await Engine(shared, made, {"refusal": judges.make("refusal")}, workers=workers).run()
        finally:
            await journal.close()

    return asyncio.run(scenario())


def forget(folder: Path, query: str) -> None:
    with closing(sqlite3.connect(folder / "journal.sqlite", isolation_level=None)) as db:
        db.execute(query)
