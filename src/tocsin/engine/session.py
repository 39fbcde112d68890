"""The session of one cell: what an attack talks to, and what a judge asks through.

Every call goes the same way: budget, filter, key, journal; only if the journal has no answer, the model; then the
journal again, and only when the answer is on the disk, back to who asked.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from tocsin.conversation import Conversation
from tocsin.engine.budget import Budget
from tocsin.engine.outcome import settled
from tocsin.engine.translating import translation
from tocsin.engine.withhold import REASON, fingerprint, withheld
from tocsin.journal import Journal, ReplayDiverged, call_key, encode_request
from tocsin.models import FATAL, CallAbandoned, Called, Caller
from tocsin.protocols import Asker, Attempt, Judge, Model, Schematic
from tocsin.types import (
    Allowance,
    Answer,
    Call,
    Cell,
    ErrorKind,
    Failure,
    Image,
    Message,
    Outcome,
    Request,
    Role,
    Sampling,
    Unscored,
    Verdict,
)

T = TypeVar("T")
ATTACKER = Sampling(temperature=1.0, max_tokens=1024)
"""How an attacker's texts are drawn unless the attack says otherwise."""
_UNLIMITED = Allowance()
FINAL = "final"
"""The branch of the final judge's calls, where an in-loop judge asked before it."""


class CallFailed(Exception):
    """A call of this cell has no answer, so the attempt cannot go on."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.detail)
        self.failure = failure


class RunStopped(Exception):
    """No further call can succeed (key refused, nothing left to spend, no such model): the run ends here, resumable."""

    def __init__(self, model: str, failure: Failure) -> None:
        super().__init__(f"{model}: {failure.detail}")
        self.model, self.failure = model, failure


class AllowanceSpent(CallFailed):
    """The cell has nothing left for this call."""


class Answered(msgspec.Struct, frozen=True):
    """An answered conversation. Implements `tocsin.protocols.Attempt`."""

    conversation: Conversation
    answer: Answer
    call: Call
    read_as: str | None = None
    """What the judge reads in place of the answer, where the attack says how it is decoded."""
    undecodable: bool = False

    @property
    def text(self) -> str:
        """What a judge reads: the final answer, decoded where the attack says how."""
        return self.answer.text if self.read_as is None else self.read_as

    def decoded(self, text: str | None) -> Answered:
        """The same attempt with this text for the judge; None where the answer could not be decoded."""
        return msgspec.structs.replace(self, read_as=text, undecodable=text is None)


class Shared(msgspec.Struct):
    """What the sessions of one run have in common."""

    journal: Journal
    callers: Mapping[tuple[Role, int], Caller]
    """Role and index → the model that plays it."""
    sampling: Mapping[str, Sampling]
    """Benchmark → how the target's answers are drawn."""
    budget: Budget
    seed: int
    places: Mapping[tuple[Role, str], int] = {}
    """Role and model's name → index among the callers of that role. An empty name is the role's default."""
    retry_errors: bool = False
    reuse: tuple[Callable[[bytes], Call | None], ...] = ()
    """Other runs' journals, asked by key before a model is."""
    in_flight: dict[bytes, asyncio.Future[Call]] = {}
    """Calls at temperature 0 that are under way: who asks the same waits for the same answer."""
    earlier: dict[int, dict[tuple[str, str, int], bytes]] = {}
    """What unfinished cells asked before the run was interrupted."""
    allowance: Allowance = Allowance()
    """What one cell may spend."""
    in_loop: Judge | None = None
    """The judge that steers attacks."""
    refuses: Callable[[str], bool] = lambda text: False
    """Whether a helper's reply is a refusal."""
    replayed: frozenset[Role] = frozenset()
    """Roles whose answers were copied from another run: what is not in the journal is not asked, whoever would answer."""


class _Cell:
    """What the branches of one cell's session have in common: what was spent, and what the cell has to show.

    Branches run in turn, not side by side: then which of them gets the last query is the same in every replay.
    """

    def __init__(self) -> None:
        self.queries = self.tokens = 0
        self.seconds = 0.0
        self.best: Answered | None = None
        self.best_score = -1.0
        self.lesson: Any = None
        self.steered = False
        """Whether the in-loop judge was asked."""
        self.branches: dict[str, int] = {}


class Session:
    """One cell's session. Implements `tocsin.protocols.Session`."""

    def __init__(
        self, shared: Shared, cell: Cell, attempt: int, unread: int = 0, known: Any = None, *, branch: str = ""
    ) -> None:
        self._shared, self._cell, self._attempt = shared, cell, attempt
        self._unread = unread
        """Earlier attempts that ended without a verdict because of the judge: what it said in them is not taken again."""
        self.known = known
        self.conversation = Conversation()
        self._invented: tuple[Message, ...] = ()
        """Turns that an attack made up: the target sees them, and no judge does."""
        self._branch = branch
        self._ordinals: dict[Role, int] = {}
        self._rng: random.Random | None = None
        self._common = _Cell()
        self._final = False

    def final(self) -> Asker:
        """How the final judge asks: what it spends is none of the attack's allowance, and its draws are its own."""
        if not self._common.steered and self._shared.allowance == _UNLIMITED:
            return self.consult
        other = Session(self._shared, self._cell, self._attempt, self._unread)
        other._branch, other._final = FINAL if self._common.steered else self._branch, True
        return other.consult

    @property
    def rng(self) -> random.Random:
        """Seeded by the run's seed, the cell and the branch."""
        if self._rng is None:
            seed = f"{self._shared.seed}\0{self._cell.key}\0{self._branch}".encode("utf-8", "surrogatepass")
            self._rng = random.Random(sha256(seed).digest())
        return self._rng

    @property
    def left(self) -> Allowance:
        """What is left of the cell's allowance."""
        most, common = self._shared.allowance, self._common
        return Allowance(
            queries=None if most.queries is None else max(0, most.queries - common.queries),
            tokens=None if most.tokens is None else max(0, most.tokens - common.tokens),
            seconds=None if most.seconds is None else max(0.0, most.seconds - common.seconds),
        )

    @property
    def best(self) -> Answered | None:
        """The attempt that the in-loop judge found most harmful, or else the last one."""
        return self._common.best

    @property
    def lesson(self) -> Any:
        """What the cell teaches cells of later rounds; None if nothing."""
        return self._common.lesson

    def learn(self, lesson: Any) -> None:
        """Keeps what this cell teaches cells of later rounds. The last one counts."""
        self._common.lesson = lesson

    def fork(self) -> Session:
        """A session over the same past, with a branch, random numbers and ordinals of its own."""
        number = self._common.branches[self._branch] = self._common.branches.get(self._branch, 0) + 1
        other = Session(self._shared, self._cell, self._attempt, self._unread, self.known)
        other.conversation, other._invented = self.conversation, self._invented
        other._branch = f"{self._branch}/{number}"
        other._common = self._common
        return other

    def rewind(self, turns: int = 1) -> None:
        """Takes back the last turns (prompt and answer): the target does not see them again.

        Raises:
            ValueError: The conversation has fewer.
        """
        messages = list(self.conversation.messages())
        for _ in range(turns):
            if not messages or messages[-1].role != "assistant":
                raise ValueError(f"rewind: the conversation has fewer than {turns} answered turns")
            del messages[-2:]
        if all(message.role == "system" for message in messages):
            messages, self._invented = [], ()
        self.conversation = Conversation.of(messages)

    async def ask(
        self,
        prompt: str | None = None,
        *,
        system: str | None = None,
        images: tuple[Image, ...] = (),
        history: Sequence[Message] = (),
    ) -> Answered:
        """Puts a prompt to the target, after the conversation so far; without one, the case as it stands.

        Raises:
            CallFailed: There is no answer. An attack lets it pass.
        """
        before = self.conversation.messages()
        if prompt is None:
            spoken = self._cell.case.messages()
        else:
            if not before:
                self._invented = tuple(history)
                told = "\n\n".join(filter(None, (self._cell.case.system, system)))
                before = (Message("system", told),) if told else ()
            spoken = (*before, Message("user", prompt, images))
        head = sum(message.role == "system" for message in spoken[:1])
        messages = (*spoken[:head], *self._invented, *spoken[head:])
        if any(message.images for message in messages) and not self._takes_images():
            why = "the model takes no images (if it does, say image_in = true in tocsin.toml)"
            raise CallFailed(Failure(ErrorKind.REJECTED, why))
        call = await self.call(
            Request(messages, self._shared.sampling[self._cell.benchmark]), "target", self._cell.target
        )
        answer = _given(call)
        self.conversation = Conversation.of(spoken).then(Message("assistant", answer.text))
        answered = Answered(self.conversation, answer, call)
        if self._common.best_score < 0:
            self._common.best = answered
        return answered

    async def judge(self, attempt: Attempt) -> Verdict:
        """What the in-loop judge says: it steers, and enters no metric."""
        judge = self._shared.in_loop
        if judge is None:
            raise TypeError("this run has no in-loop judge: an attack that asks one says needs=('judge',)")
        assert isinstance(attempt, Answered), "an attack judges what this session answered"
        self._common.steered = True
        verdict = settled(self._cell.case, attempt.answer, attempt.text)
        if verdict is None:
            try:
                verdict = await judge.judge(self._cell.case, attempt, self.consult)
            except AllowanceSpent:
                raise
            except CallFailed as failed:  # no word of the target's: the attack goes on without a verdict
                why = f"in-loop judge: {failed.failure.kind}"
                verdict = Verdict(outcome=Outcome.UNSCORED, reason=Unscored.JUDGE_FAILED, rationale=why)
        score = float(verdict.outcome is Outcome.UNSAFE) if verdict.score is None else verdict.score
        if score > self._common.best_score:
            self._common.best, self._common.best_score = attempt, score
        return verdict

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

        Raises:
            CallFailed: Nothing usable came in so many tries.
        """
        said = (Message("user", prompt),) if isinstance(prompt, str) else tuple(prompt)
        head = (Message("system", system),) if system else ()
        request = Request((*head, *said), self._held(sampling or ATTACKER, parse))
        return await self._helped("attacker", request, parse, tries)

    def _held(self, sampling: Sampling, parse: object) -> Sampling:
        """The same draw, held to the schema of what is to be read, where there is one and the attacker knows schemas."""
        if not isinstance(parse, Schematic) or not self._model("attacker").capabilities.structured:
            return sampling
        form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": parse.schema}}
        return msgspec.structs.replace(sampling, extra={**sampling.extra, "response_format": form})

    async def translate(self, text: str, *, target: str, source: str = "en") -> str:
        """What the translator role makes of a text.

        Raises:
            CallFailed: Nothing usable came.
        """
        translated: str = await self._helped("translator", translation(text, source, target), None, 2)
        return translated

    async def _helped(self, role: Role, request: Request, parse: Callable[[str], T | None] | None, tries: int) -> Any:
        why = "no try was allowed"
        for _ in range(tries):
            try:
                answer = await self.consult(request, role)
            except AllowanceSpent:
                raise
            except CallFailed as failed:
                detail = f"{role}: {failed.failure.kind}: {failed.failure.detail}"
                raise CallFailed(Failure(ErrorKind.NOT_DELIVERED, detail)) from failed
            text = answer.text.strip()
            if answer.blocked or answer.declined or not text:
                why = "it refused" if answer.blocked or answer.declined else "it said nothing"
                continue
            if parse is None:
                if not self._shared.refuses(text):
                    return text
                why = "it refused"
            elif (found := parse(text)) is not None:
                return found
            else:
                why = "it refused" if self._shared.refuses(text) else "its reply cannot be used"
        raise CallFailed(Failure(ErrorKind.NOT_DELIVERED, f"{role}: {why}, in {tries} tries"))

    def _takes_images(self) -> bool:
        return self._shared.callers["target", self._cell.target].model.capabilities.image_in

    def _model(self, role: Role) -> Model:
        """The role's default model."""
        return self._shared.callers[role, self._shared.places[role, ""]].model

    async def consult(self, request: Request, role: Role, model: str = "") -> Answer:
        """Asks a judge, an attacker or a translator: the one of that name, or the role's default.

        Raises:
            CallFailed: There is no answer.
        """
        return _given(await self.call(request, role, self._shared.places[role, model]))

    async def call(self, request: Request, role: Role, index: int) -> Call:
        """One journaled call, within the cell's allowance.

        Raises:
            AllowanceSpent: The cell has nothing left for it.
            RunStopped, BudgetReached, ReplayDiverged: As `_journaled`.
        """
        if self._final:
            return await self._journaled(request, role, index)
        common, left = self._common, self.left
        spent = [name for name in ("tokens", "seconds") if getattr(left, name) == 0]
        if role == "target" and left.queries == 0:
            spent.append("queries")
        if spent:
            raise AllowanceSpent(Failure(ErrorKind.BUDGET, f"the cell's allowance of {' and '.join(spent)} is spent"))
        common.queries += role == "target"  # before it is sent: forks side by side cannot pass the limit by one
        call = await self._journaled(request, role, index)
        if isinstance(call.result, Answer):
            usage = call.result.usage
            common.tokens += usage.input_tokens + usage.output_tokens
        common.seconds += call.latency
        return call

    async def _journaled(self, request: Request, role: Role, index: int) -> Call:
        """One journaled call.

        Raises:
            RunStopped: The endpoint will answer no call at all.
            BudgetReached: The run has nothing left to spend.
            ReplayDiverged: This cell asked something else before it was interrupted, or in the run that is rejudged.
        """
        shared = self._shared
        caller = shared.callers[role, index]
        texts = [caller.system, *(message.text for message in request.messages)]
        if withheld(*texts):  # here, where every text passes on its way to a model, whoever wrote it
            raise CallFailed(Failure(ErrorKind.WITHHELD, f"{REASON} (sha256 {fingerprint(chr(0).join(texts))})"))
        body = encode_request(request)
        ordinal = self._ordinals.get(role, 0)
        self._ordinals[role] = ordinal + 1
        temperature = request.sampling.temperature
        alone = (caller.temperature if temperature is None else temperature) != 0
        identity = caller.model.identity
        # A model that is named twice is drawn from for each: the first name's draws are those of a run of its own.
        twins = index and sum(shared.callers[role, other].model.identity == identity for other in range(index))
        name = f"{self._cell.key}#{twins + 1}" if twins else self._cell.key
        if role != "target":  # two targets may say the same, and each is judged by a draw of its own
            name = f"{name}\0{self._cell.target}"
        key = call_key(identity, role, body, (name, self._branch, ordinal) if alone else None)
        before = shared.earlier.get(self._cell.position)
        if before is not None and before.get((role, self._branch, ordinal), key) != key:
            raise ReplayDiverged(
                f"cell {self._cell.position} ({self._cell.key}) asked the {role} something else before it was"
                " interrupted: a plug-in, a model's configuration or the data changed; start a new run"
            )
        if before is not None or not alone or shared.replayed:
            least = self._unread if role == "judge" else 0
            failures = not shared.retry_errors or role in shared.replayed
            found = shared.journal.find_call(key, self._cell.position, failures=failures, least_attempt=least)
            if found is not None:
                return found
        if role in shared.replayed:
            raise ReplayDiverged(
                f"cell {self._cell.position} ({self._cell.key}) asks the {role} what the rejudged run has no answer to, and no"
                " call is made to it: a plug-in changed since; rejudge with the version that made the run"
            )
        while not alone and (waiting := shared.in_flight.get(key)) is not None:
            other = await asyncio.shield(waiting)
            if isinstance(other.result, Answer):
                return other
        if alone:
            return await self._send(caller, request, role, body, key, ordinal)
        mine: asyncio.Future[Call] = asyncio.get_running_loop().create_future()
        shared.in_flight[key] = mine
        try:
            call = await self._send(caller, request, role, body, key, ordinal)
            mine.set_result(call)
            return call
        except BaseException as error:
            mine.set_exception(error)
            mine.exception()  # retrieved: nobody else may be waiting
            raise
        finally:
            del shared.in_flight[key]

    async def _send(self, caller: Caller, request: Request, role: Role, body: bytes, key: bytes, ordinal: int) -> Call:
        shared = self._shared
        called = next((Called(f.result, 0, f.latency, 0.0) for look in shared.reuse if (f := look(key))), None)
        if called is None:
            shared.budget.begin()
            try:
                called = await caller.call(request)
            except CallAbandoned:
                shared.budget.calls -= 1  # it was counted while it waited, and was not made
                raise
        result = called.result
        if isinstance(result, Failure):
            if withheld(result.detail):
                result = Failure(result.kind, "(message left out)")
            if result.kind in FATAL:
                raise RunStopped(caller.model.name, result)
        elif withheld(result.reasoning, result.text, result.finish, result.model):
            hashed = fingerprint(result.reasoning + result.text)
            result = Answer(finish="withheld", blocked=result.blocked, usage=result.usage, withheld=hashed)
        shared.budget.spend(called.cost)
        return await shared.journal.add_call(
            key=key,
            cell=self._cell.position,
            branch=self._branch,
            ordinal=ordinal,
            role=role,
            request=body,
            result=result,
            tries=called.tries,
            latency=called.latency,
            cost=called.cost,
        )


def _given(call: Call) -> Answer:
    if isinstance(call.result, Failure):
        raise CallFailed(call.result)
    return call.result
