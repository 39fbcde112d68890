"""What the engine asks of a plug-in. The engine knows models, judges and attacks only by these."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self, TypeVar, runtime_checkable

from tocsin.conversation import Conversation
from tocsin.types import Allowance, Answer, Capabilities, Case, Image, Message, Request, Role, Sampling, Verdict

T = TypeVar("T")


class Undeliverable(ValueError):
    """What an attack raises where nothing of a case can be put to a target. The message says why and quotes no text."""


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


class Heard(Protocol):
    """What rules tell of an answer in whatever language, beside any judge."""

    def __call__(self, prompt: str, answer: str) -> tuple[str, bool]:
        """BCP 47 code of the answer, empty where it cannot be told; and whether it shows that the request was not understood."""
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

    def decoded(self, text: str | None) -> Self:
        """The same attempt with this text for the judge; None where the answer could not be decoded, so that it is unscored."""
        ...


@runtime_checkable
class Schematic(Protocol):
    """A reader of replies that knows the JSON schema of what it reads."""

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON schema."""
        ...


class Session(Protocol):
    """What an attack talks to. It journals every call, enforces the allowance and replays what was answered before.

    Every coroutine here lets `CallFailed` pass where there is no answer; an attack may catch it to try another branch.
    """

    @property
    def rng(self) -> random.Random:
        """Seeded by the run's seed, the cell and the branch, so that an attack is the same in every replay."""
        ...

    @property
    def conversation(self) -> Conversation:
        """What was said on this branch so far."""
        ...

    @property
    def left(self) -> Allowance:
        """What is left of the cell's allowance."""
        ...

    @property
    def takes(self) -> Capabilities:
        """What the target takes and gives."""
        ...

    @property
    def known(self) -> Any:
        """What the attack learned from cases before this one, as its `taught` made it; None at first."""
        ...

    async def ask(
        self,
        prompt: str | None = None,
        *,
        system: str | None = None,
        images: tuple[Image, ...] = (),
        history: Sequence[Message] = (),
        prefill: str = "",
    ) -> Attempt:
        """Puts a prompt to the target, after the conversation so far; without one, the case as it stands.

        Args:
            prompt: What the user says next.
            system: A system prompt, before the first turn; after the case's own, where it has one.
            images: Images that go with the prompt.
            history: Invented turns that stand before the first one. The judge is not shown them as the target's words.
            prefill: How the target's answer begins. Some endpoints repeat it in their answer, and some do not.
        """
        ...

    def look(self, image: Image) -> bytes:
        """The bytes of an image of the case or of an answer, as a run keeps it: PNG or JPEG, without metadata."""
        ...

    async def attacker(
        self,
        prompt: str | Sequence[Message],
        *,
        system: str | None = None,
        parse: Callable[[str], T | None] | None = None,
        tries: int = 3,
        sampling: Sampling | None = None,
    ) -> Any:
        """What the attacker role writes, as `parse` reads it, or as text.

        A reply that `parse` cannot use, an empty one and a refusal are asked for again, up to `tries` times. A `parse` that has
        a ``schema`` is sent along with it, to attackers that hold their replies to one.

        Raises:
            CallFailed: Nothing usable came: ``not_delivered``.
        """
        ...

    async def translate(self, text: str, *, target: str, source: str = "en") -> str:
        """What the translator role makes of a text.

        Args:
            text: The text.
            target: BCP 47 code of the language it is wanted in.
            source: BCP 47 code of the language it is in.

        Raises:
            CallFailed: Nothing usable came: ``not_delivered``.
        """
        ...

    async def judge(self, attempt: Attempt) -> Verdict:
        """What the in-loop judge says. It steers; the final judge decides. Where it withholds an image, the cell ends here."""
        ...

    def fork(self) -> Self:
        """A session over the same past, with a branch, random numbers and ordinals of its own."""
        ...

    def rewind(self, turns: int = 1) -> None:
        """Takes back the last turns (prompt and answer): the target does not see them again."""
        ...

    def learn(self, lesson: Any) -> None:
        """Keeps what this cell teaches cells of later rounds: plain data. The last one counts."""
        ...


@runtime_checkable
class Attack(Protocol):
    """How a case is put to the target."""

    async def run(self, case: Case, session: Session) -> Attempt:
        """Talks to the target until it is done, and returns the attempt that is to be judged."""
        ...


class Learner(Protocol):
    """An attack that learns from one case for the next."""

    @property
    def learns(self) -> int:
        """Cells of a round."""
        ...

    def taught(self, known: Any, lessons: Sequence[Any]) -> Any:
        """What the next round knows, as plain data: of what was known and what cells of this round taught, in plan order."""
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
