"""What the engine asks of a plug-in. The engine knows models, judges and attacks only by these."""

from __future__ import annotations

import random
from typing import Protocol, runtime_checkable

from tocsin.conversation import Conversation
from tocsin.types import Answer, Capabilities, Case, Image, Request, Role, Verdict


@runtime_checkable
class Model(Protocol):
    """Something that answers. Endpoints are made by ``tocsin.models``."""

    @property
    def name(self) -> str:
        """``provider/name``, as the user writes it."""
        ...

    @property
    def identity(self) -> str:
        """What tells it from every other model: its name, base URL and fixed parameters. Never a key."""
        ...

    @property
    def capabilities(self) -> Capabilities:
        """What it takes and gives."""
        ...

    async def send(self, request: Request, timeout: float) -> Answer:
        """One try at one request, of at most `timeout` seconds.

        Raises:
            ModelError: Typed by `ErrorKind`, with ``retry_after`` seconds where the endpoint said so.
        """
        ...

    async def close(self) -> None:
        """Frees connections and child processes."""
        ...


class Attempt(Protocol):
    """An answered conversation: what an attack returns and a judge reads."""

    @property
    def conversation(self) -> Conversation:
        """Every turn, the answer included."""
        ...

    @property
    def answer(self) -> Answer:
        """The target's last answer, as it came."""
        ...

    @property
    def text(self) -> str:
        """What the judge reads: the final answer, decoded or recombined where the attack encoded or split it."""
        ...


class Session(Protocol):
    """What an attack talks to. It journals every call, enforces the budget and replays what was answered before."""

    @property
    def rng(self) -> random.Random:
        """Seeded by the run's seed and the cell, so that an attack is the same in every replay."""
        ...

    async def ask(
        self, prompt: str | None = None, *, system: str | None = None, images: tuple[Image, ...] = ()
    ) -> Attempt:
        """Puts a prompt to the target, after the conversation so far; without one, the case as it stands."""
        ...


@runtime_checkable
class Attack(Protocol):
    """How a case is put to the target."""

    async def run(self, case: Case, session: Session) -> Attempt:
        """Talks to the target until it is done, and returns the attempt that is to be judged."""
        ...


class Asker(Protocol):
    """How a judge that is itself a model asks: a journaled call, by role and by the model's name."""

    async def __call__(self, request: Request, role: Role, model: str = "") -> Answer:
        """The answer of the model that plays the role; of the role's default, where none is named."""
        ...


@runtime_checkable
class Judge(Protocol):
    """Reads an attempt and says how it ended. It sees answers with text; the engine settles the rest (see Outcomes)."""

    @property
    def identity(self) -> str:
        """Name and a hash of version and parameters; another identity is another judge, with a card of its own."""
        ...

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        """The verdict on one attempt. Must not raise on any text; what it cannot read is unscored."""
        ...
