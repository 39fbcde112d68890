"""One journaled call: filter, key, journal; only if the journal has no answer, the model; then the journal again.

Only when an answer is on the disk, it goes back to who asked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import msgspec

from tocsin.engine.budget import Budget
from tocsin.engine.withhold import REASON, fingerprint, withheld
from tocsin.journal import Answers, Journal, PictureWithheld, ReplayDiverged, call_key, encode_request, mapped, pictured
from tocsin.models import FATAL, CallAbandoned, Called, Caller
from tocsin.models.pictures import PictureError
from tocsin.protocols import Heard, Judge, Model
from tocsin.types import Allowance, Answer, Call, Cell, ErrorKind, Failure, Request, Role, Sampling


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
    reuse: tuple[Answers, ...] = ()
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
    heard: Heard | None = None
    """Tells the language of answers, and whether they show understanding."""
    spoken: frozenset[str] = frozenset()
    """Benchmarks that ask the same in several languages: their answers are heard."""
    replayed: frozenset[Role] = frozenset()
    """Roles whose answers were copied from another run: what is not in the journal is not asked, whoever would answer."""


class Line:
    """The way of one branch of a cell to the models: each call that goes over it is in the journal before it is used.

    Args:
        shared: What the run's sessions have in common.
        cell: The cell.
        unread: Earlier attempts that ended without a verdict because of the judge: what it said in them is not taken again.
        branch: The branch of the conversation.
        undelivered: Earlier attempts whose answer the translator did not translate: the same holds of what it said in them.
    """

    def __init__(self, shared: Shared, cell: Cell, unread: int, branch: str, undelivered: int = 0) -> None:
        self.shared, self.cell, self.branch = shared, cell, branch
        self.unread, self.undelivered = unread, undelivered
        self._ordinals: dict[Role, int] = {}

    def model(self, role: Role) -> Model:
        """The model that plays a role: the cell's target, or else the role's default."""
        index = self.cell.target if role == "target" else self.shared.places[role, ""]
        return self.shared.callers[role, index].model

    async def call(self, request: Request, role: Role, index: int) -> Call:
        """One journaled call.

        Raises:
            RunStopped: The endpoint will answer no call at all.
            BudgetReached: The run has nothing left to spend.
            ReplayDiverged: This cell asked something else before it was interrupted, or in the run that is rejudged.
        """
        shared = self.shared
        caller = shared.callers[role, index]
        texts = [caller.system, *(message.text for message in request.messages)]
        if pictured(request):  # the filter reads no picture, so what was drawn in one is said beside it
            texts += [image.says for message in request.messages for image in message.images]
        if withheld(*texts):  # here, where every text passes on its way to a model, whoever wrote it
            raise CallFailed(Failure(ErrorKind.WITHHELD, f"{REASON} (sha256 {fingerprint(chr(0).join(texts))})"))
        body = encode_request(request)
        ordinal = self._ordinals.get(role, 0)
        self._ordinals[role] = ordinal + 1
        temperature = request.sampling.temperature
        alone = (caller.temperature if temperature is None else temperature) != 0
        # APIs that make images are sent no temperature, so that each of their answers is a draw of its own.
        alone = alone or (role == "target" and self.cell.case.output == "image")
        identity = caller.model.identity
        # A model that is named twice is drawn from for each: the first name's draws are those of a run of its own.
        twins = index and sum(shared.callers[role, other].model.identity == identity for other in range(index))
        name = f"{self.cell.key}#{twins + 1}" if twins else self.cell.key
        if role != "target":  # two targets may say the same, and each is judged by a draw of its own
            name = f"{name}\0{self.cell.target}"
        key = call_key(identity, role, body, (name, self.branch, ordinal) if alone else None)
        before = shared.earlier.get(self.cell.position)
        if before is not None and before.get((role, self.branch, ordinal), key) != key:
            raise ReplayDiverged(
                f"cell {self.cell.position} ({self.cell.key}) asked the {role} something else before it was"
                " interrupted: a plug-in, a model's configuration or the data changed; start a new run"
            )
        if before is not None or not alone or shared.replayed:
            least = {"judge": self.unread, "translator": self.undelivered}.get(role, 0)
            failures = not shared.retry_errors or role in shared.replayed
            found = shared.journal.find_call(key, self.cell.position, failures=failures, least_attempt=least)
            if found is not None:
                return found
        if role in shared.replayed:
            raise ReplayDiverged(
                f"cell {self.cell.position} ({self.cell.key}) asks the {role} what the rejudged run has no answer to, and no"
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
        shared = self.shared
        called = self._reused(key)
        if called is None:
            filled = await self._filled(request) if pictured(request) else request
            shared.budget.begin()
            try:
                called = await caller.call(filled)
            except CallAbandoned:
                shared.budget.calls -= 1  # it was counted while it waited, and was not made
                raise
        result = called.result
        if isinstance(result, Answer) and withheld(result.reasoning, result.text, result.finish, result.model):
            hashed = fingerprint(result.reasoning + result.text)  # its images are not kept, either
            result = Answer(finish="withheld", blocked=result.blocked, usage=result.usage, withheld=hashed)
        elif isinstance(result, Answer) and result.images:
            result = await self._kept(result)
        if isinstance(result, Failure):
            if withheld(result.detail):
                result = Failure(result.kind, "(message left out)")
            if result.kind in FATAL:
                raise RunStopped(caller.model.name, result)
        shared.budget.spend(called.cost)
        return await shared.journal.add_call(
            key=key,
            cell=self.cell.position,
            branch=self.branch,
            ordinal=ordinal,
            role=role,
            request=body,
            result=result,
            tries=called.tries,
            latency=called.latency,
            cost=called.cost,
        )

    def _reused(self, key: bytes) -> Called | None:
        """The answer that another run has, with its images in this run's folder."""
        for other in self.shared.reuse:
            if (found := other.find(key)) is not None and isinstance(found.result, Answer):
                with told_of_images():
                    self.shared.journal.images.adopt(other.images, found.result.images)
                return Called(found.result, 0, found.latency, 0.0)
        return None

    async def _filled(self, request: Request) -> Request:
        """The request with the bytes of its images, as a model is sent it.

        Raises:
            CallFailed: A file is missing from the run folder, or is not what its name says.
        """
        images = self.shared.journal.images
        with told_of_images():
            return await asyncio.to_thread(mapped, request, images.filled)

    async def _kept(self, answer: Answer) -> Answer | Failure:
        """The answer with its images in the run folder, and a word on those that are none; a failure where all are."""
        kept, lost = [], answer.lost
        for number, image in enumerate(answer.images, 1):
            try:
                kept.append(await self.shared.journal.images.keep_soon(image))
            except PictureError as error:
                which = f"image {number} of {len(answer.images)}: " if len(answer.images) > 1 else ""
                lost = lost or f"{which}{error}"
        if not kept:
            return Failure(ErrorKind.MALFORMED, lost)
        return msgspec.structs.replace(answer, images=tuple(kept), lost=lost)


@contextmanager
def told_of_images() -> Iterator[None]:
    """What is wrong with the run's own images is told as a fault of the cell."""
    try:
        yield
    except PictureError as error:
        kind = ErrorKind.WITHHELD if isinstance(error, PictureWithheld) else ErrorKind.INTERNAL
        raise CallFailed(Failure(kind, str(error))) from error
