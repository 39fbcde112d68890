"""The session of one cell: what an attack talks to, and what a judge asks through. Its calls go over a `Line`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
from msgspec.structs import replace

from tocsin.conversation import Conversation
from tocsin.engine.calling import AllowanceSpent, CallFailed, Line, Shared, told_of_images
from tocsin.engine.outcome import settled
from tocsin.engine.translating import Translated, translation
from tocsin.engine.withhold import REASON
from tocsin.journal import case_mapped, messages_mapped, pictured
from tocsin.models.pictures import PictureError
from tocsin.protocols import Asker, Attempt, Judge, Schematic
from tocsin.types import (
    Allowance,
    Answer,
    Call,
    Capabilities,
    Case,
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


class Answered(msgspec.Struct, frozen=True):
    """An answered conversation. Implements `tocsin.protocols.Attempt`."""

    conversation: Conversation
    answer: Answer
    call: Call
    read_as: str | None = None
    """What the judge reads in place of the answer, where the attack says how it is decoded."""
    undecodable: bool = False
    drawn: tuple[Image, ...] = ()
    """Every image that the target delivered in the conversation, this answer's the last."""
    lost: str = ""
    """Why some of the images that it delivered could not be opened."""

    @property
    def text(self) -> str:
        """What a judge reads: the final answer, decoded where the attack says how."""
        return self.answer.text if self.read_as is None else self.read_as

    def decoded(self, text: str | None) -> Answered:
        """The same attempt with this text for the judge; None where the answer could not be decoded."""
        return replace(self, read_as=text, undecodable=text is None)


class Suspected(Exception):
    """The in-loop judge withholds an image, or one came that was withheld before: the attack ends, whatever it would do next.

    It is no `CallFailed`, which an attack may catch to try another branch.
    """

    def __init__(self, attempt: Answered, verdict: Verdict) -> None:
        super().__init__("an image is withheld")
        self.attempt, self.verdict = attempt, verdict


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
        self, shared: Shared, cell: Cell, *, unread: int = 0, undelivered: int = 0, known: Any = None, branch: str = ""
    ) -> None:
        self._shared, self._cell = shared, cell
        self.known = known
        self.conversation = Conversation()
        self._invented: tuple[Message, ...] = ()
        """Turns that an attack made up: the target sees them, and no judge does."""
        self._line = Line(shared, cell, unread, branch, undelivered)
        self._answers: tuple[Answer, ...] = ()
        """What the target answered in the conversation; answers that the case brings along are not its own."""
        self._rng: random.Random | None = None
        self._common = _Cell()
        self._final = False

    def final(self) -> Asker:
        """How the final judge asks: what it spends is none of the attack's allowance, and its draws are its own."""
        if not self._common.steered and self._shared.allowance == _UNLIMITED:
            return self.consult
        other = self._other(FINAL if self._common.steered else self._line.branch)
        other._final = True
        return other.consult

    def _other(self, branch: str) -> Session:
        return Session(self._shared, self._cell, unread=self._line.unread, known=self.known, branch=branch)

    @property
    def rng(self) -> random.Random:
        """Seeded by the run's seed, the cell and the branch."""
        if self._rng is None:
            seed = f"{self._shared.seed}\0{self._cell.key}\0{self._line.branch}".encode("utf-8", "surrogatepass")
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
    def takes(self) -> Capabilities:
        """What the target takes and gives."""
        return self._line.model("target").capabilities

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
        branch = self._line.branch
        number = self._common.branches[branch] = self._common.branches.get(branch, 0) + 1
        other = self._other(f"{branch}/{number}")
        other.conversation, other._invented = self.conversation, self._invented
        other._answers = self._answers
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
            self._answers = self._answers[:-1]
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
        prefill: str = "",
    ) -> Answered:
        """Puts a prompt to the target, after the conversation so far; without one, the case as it stands.

        Raises:
            CallFailed: There is no answer. An attack lets it pass.
            Suspected: It delivered an image that was withheld before.
        """
        before = self.conversation.messages()
        case = self._cell.case
        if prompt is None:
            self._check_takes(case.images, case.history)
        else:
            self._check_takes(images, (*before, *history, *case.history))
        images = tuple([await self._kept(image) for image in images])
        if prompt is None:
            spoken = case.messages()
        else:
            if not before:
                self._invented = tuple(history)
                told = "\n\n".join(filter(None, (case.system, system)))
                before = (*((Message("system", told),) if told else ()), *case.history)
            spoken = (*before, Message("user", prompt, images))
        head = sum(message.role == "system" for message in spoken[:1])
        begun = (Message("assistant", prefill),) if prefill else ()
        messages = (*spoken[:head], *self._invented, *spoken[head:], *begun)
        call = await self.call(
            Request(messages, self._shared.sampling[self._cell.benchmark]), "target", self._cell.target
        )
        answer = _given(call)
        self.conversation = Conversation.of(spoken).then(Message("assistant", answer.text, answer.images))
        self._answers = (*(() if prompt is None else self._answers), answer)
        drawn = tuple(image for one in self._answers for image in one.images)
        lost = next((one.lost for one in self._answers if one.lost), "")
        answered = Answered(self.conversation, answer, call, drawn=drawn, lost=lost)
        if any(map(self._shared.journal.images.is_withheld, answer.images)):
            raise Suspected(answered, Verdict(outcome=Outcome.UNSCORED, reason=Unscored.WITHHELD))
        if self._common.best_score < 0:
            self._common.best = answered
        return answered

    def _check_takes(self, images: Sequence[Image], past: Sequence[Message]) -> None:
        """Raises `CallFailed` if the target takes no images and is to be sent some, or makes none and one is asked for."""
        takes = self.takes
        sent = bool(images) or any(message.images for message in past)
        taken = "takes no images, and the conversation holds one (if it does, say image_in = true in tocsin.toml)"
        made = "makes no images (if it does, say image_out = true in tocsin.toml)"
        wanted = self._cell.case.output == "image"
        for needed, there, what in ((sent, takes.image_in, taken), (wanted, takes.image_out, made)):
            if needed and not there:
                raise CallFailed(Failure(ErrorKind.REJECTED, f"the model {what}"))

    def look(self, image: Image) -> bytes:
        """The bytes of an image of the case or of an answer.

        Raises:
            CallFailed: The run folder has it no longer, or has another in its place.
        """
        with told_of_images():
            return self._shared.journal.images.look(image)

    async def _kept(self, image: Image) -> Image:
        """An image that an attack or a judge made or was given, as a reference."""
        try:
            return await self._shared.journal.images.keep_soon(image)
        except PictureError as error:
            raise CallFailed(Failure(ErrorKind.NOT_DELIVERED, f"an image that was to be sent: {error}")) from error

    def shown(self, judge: Judge, case: Case, attempt: Answered) -> tuple[Case, Answered]:
        """Case and attempt as a judge is given them: with the bytes of their images, if it sees any."""
        if getattr(judge, "sees", "text") == "text":
            return case, attempt
        with told_of_images():
            filled = self._shared.journal.images.filled
            answer = replace(attempt.answer, images=tuple(map(filled, attempt.answer.images)))
            said = Conversation.of(messages_mapped(attempt.conversation.messages(), filled))
            drawn = tuple(map(filled, attempt.drawn))
            return case_mapped(case, filled), replace(attempt, answer=answer, conversation=said, drawn=drawn)

    def forget(self, attempt: Answered) -> None:
        """Removes what the target drew on an attempt's branch from the disk: later images are edits of earlier ones."""
        for image in attempt.drawn:
            self._shared.journal.forget(image)

    def settled(self, attempt: Answered) -> Verdict | None:
        """The verdict that needs no judge; None if one must look."""
        drawn = attempt.drawn or attempt.answer.images  # an attempt may have been stored before
        return settled(self._cell.case, attempt.answer, attempt.text, drawn, attempt.lost)

    async def judge(self, attempt: Attempt) -> Verdict:
        """What the in-loop judge says: it steers, and enters no metric.

        Raises:
            Suspected: It withholds an image. The image is not kept, and the cell ends.
        """
        judge = self._shared.in_loop
        if judge is None:
            raise TypeError("this run has no in-loop judge: an attack that asks one says needs=('judge',)")
        assert isinstance(attempt, Answered), "an attack judges what this session answered"
        self._common.steered = True
        verdict = self.settled(attempt)
        if verdict is None:
            try:
                case, shown = self.shown(judge, self._cell.case, attempt)
                verdict = await judge.judge(case, shown, self.consult)
            except AllowanceSpent:
                raise
            except CallFailed as failed:  # no word of the target's: the attack goes on without a verdict
                why = f"in-loop judge: {failed.failure.kind}"
                verdict = Verdict(outcome=Outcome.UNSCORED, reason=Unscored.JUDGE_FAILED, rationale=why)
        if verdict.reason is Unscored.WITHHELD and attempt.drawn:
            self.forget(attempt)
            raise Suspected(attempt, verdict)
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
        request = Request((*head, *said), self.held("attacker", sampling or ATTACKER, parse))
        return await self._helped("attacker", request, parse, tries)

    def held(self, role: Role, sampling: Sampling, parse: object) -> Sampling:
        """The same draw, held to the schema of what `parse` reads, where it has one and the role's model knows schemas."""
        if not isinstance(parse, Schematic) or not self._line.model(role).capabilities.structured:
            return sampling
        form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": parse.schema}}
        return replace(sampling, extra={**sampling.extra, "response_format": form})

    async def translate(self, text: str, *, target: str, source: str = "en") -> str:
        """What the translator role makes of a text.

        Raises:
            CallFailed: Nothing usable came.
        """
        request, read = translation(text, source, target), Translated(self._shared.refuses)
        request = replace(request, sampling=self.held("translator", request.sampling, read))
        translated: str = await self._helped("translator", request, read, 1)
        return translated

    async def _helped(self, role: Role, request: Request, parse: Callable[[str], T | None] | None, tries: int) -> Any:
        why, kind = "no try was allowed", ErrorKind.NOT_DELIVERED
        for _ in range(tries):
            try:
                answer = await self.consult(request, role)
            except AllowanceSpent:
                raise
            except CallFailed as failed:
                held = failed.failure.kind is ErrorKind.WITHHELD
                detail = f"{role}: {failed.failure.kind}: {failed.failure.detail}"
                raise CallFailed(Failure(ErrorKind.WITHHELD if held else ErrorKind.NOT_DELIVERED, detail)) from failed
            text = answer.text.strip()
            kind = ErrorKind.WITHHELD if answer.withheld else ErrorKind.NOT_DELIVERED
            if answer.withheld:
                why = f"{REASON} (sha256 {answer.withheld})"
                continue
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
        raise CallFailed(Failure(kind, f"{role}: {why}, in {tries} tries"))

    async def consult(self, request: Request, role: Role, model: str = "") -> Answer:
        """Asks a judge, an attacker or a translator: the one of that name, or the role's default.

        Raises:
            CallFailed: There is no answer.
        """
        if pictured(request):
            messages = [
                replace(message, images=tuple([await self._kept(image) for image in message.images]))
                for message in request.messages
            ]
            request = replace(request, messages=tuple(messages))
        return _given(await self.call(request, role, self._shared.places[role, model]))

    async def call(self, request: Request, role: Role, index: int) -> Call:
        """One journaled call, within the cell's allowance.

        Raises:
            AllowanceSpent: The cell has nothing left for it.
            RunStopped, BudgetReached, ReplayDiverged: As `Line.call`.
        """
        if self._final:
            return await self._line.call(request, role, index)
        common, left = self._common, self.left
        spent = [name for name in ("tokens", "seconds") if getattr(left, name) == 0]
        if role == "target" and left.queries == 0:
            spent.append("queries")
        if spent:
            raise AllowanceSpent(Failure(ErrorKind.BUDGET, f"the cell's allowance of {' and '.join(spent)} is spent"))
        common.queries += role == "target"  # before it is sent: forks side by side cannot pass the limit by one
        call = await self._line.call(request, role, index)
        if isinstance(call.result, Answer):
            usage = call.result.usage
            common.tokens += usage.input_tokens + usage.output_tokens
        common.seconds += call.latency
        return call


def _given(call: Call) -> Answer:
    if isinstance(call.result, Failure):
        raise CallFailed(call.result)
    return call.result
