"""The run: takes cells from the journal in their order, has each attempted and judged, and writes its record."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.engine.budget import BudgetReached
from tocsin.engine.calling import AllowanceSpent, CallFailed, RunStopped, Shared
from tocsin.engine.further import Further
from tocsin.engine.outcome import blank
from tocsin.engine.rounds import Rounds
from tocsin.engine.session import Answered, Session, Suspected
from tocsin.engine.withhold import withheld
from tocsin.journal import JournalError, Planned, ReplayDiverged
from tocsin.models import CallAbandoned, ModelUnavailable
from tocsin.protocols import Attack, Judge, Undeliverable
from tocsin.types import (
    Case,
    Cell,
    ErrorKind,
    Outcome,
    Record,
    Unscored,
    Verdict,
)

if TYPE_CHECKING:
    from tocsin.engine.search import Search  # they bring NumPy, and few runs need it
    from tocsin.engine.stopping import Stopping


class Ending(StrEnum):
    """How a session of a run ended."""

    COMPLETE = "complete"
    BUDGET = "budget"
    ENDPOINT = "endpoint"
    """A key was refused, nothing is left to spend, or the model does not exist."""
    INTERRUPTED = "interrupted"
    JOURNAL = "journal"
    """The journal could not be written any more."""


class Ended(msgspec.Struct, frozen=True):
    """How a session of a run ended, and why in words."""

    ending: Ending
    reason: str = ""


class Counts(msgspec.Struct):
    """What a session of a run has done so far: for a progress display, and cheap to keep."""

    cells: int = 0
    calls_failed: dict[str, int] = {}
    by_benchmark: dict[str, int] = {}


class Engine:
    """Runs the unfinished cells of a journal.

    Args:
        shared: Journal, models, budget and seed.
        attacks: Attack name → attack.
        judges: Judge name → judge.
        reasoning: Benchmark → the judge of the reasoning that its answers show; those without one are absent.
        checked: Benchmark → the language into which answers in others are translated to be judged a second time.
        workers: Cells at a time; more than calls at a time, since a cell also waits for commits.
        search: What decides which adversarial cells are run; all are if None.
        stopping: What decides which groups need no further case; none stops early if None.
    """

    def __init__(
        self,
        shared: Shared,
        attacks: Mapping[str, Attack],
        judges: Mapping[str, Judge],
        *,
        reasoning: Mapping[str, str] | None = None,
        checked: Mapping[str, str] | None = None,
        workers: int,
        search: Search | None = None,
        stopping: Stopping | None = None,
    ) -> None:
        self.shared, self.counts = shared, Counts()
        self._attacks, self._judges, self._workers = attacks, judges, workers
        self._reasoning, self._checked = reasoning or {}, checked or {}
        self._search, self._rule = search, stopping
        self._further = Further(shared, self._judge, self._reasoning, self._checked)
        self._identities = {name: judge.identity for name, judge in judges.items()}
        self._rounds = Rounds(shared.journal, attacks)
        self._stopping: Ended | None = None
        self._left_over = False
        self._fault: BaseException | None = None

    @property
    def stopping(self) -> bool:
        """Whether no further cell is begun."""
        return self._stopping is not None

    def stop(self, reason: str = "interrupted") -> None:
        """Begins no further cell; those under way finish. Called from a signal handler."""
        self._end(Ending.INTERRUPTED, reason)

    async def run(self) -> Ended:
        """Runs until no cell is left, the budget is spent, or nothing further can succeed.

        Raises:
            ReplayDiverged: A resumed cell asked something else than before.
        """
        shared = self.shared
        shared.earlier = shared.journal.earlier_calls()
        left = shared.budget.seconds_left()
        timer = None if left is None else asyncio.get_running_loop().call_later(left + 0.001, self._look_at_budget)
        try:
            with seldom_collected():
                feed = shared.journal.cells(failed=shared.retry_errors, searched=self._search is not None)
                await (self._drain(feed, self._workers) if self._rule is None else self._looked(feed, self._rule))
                if self._search is not None:
                    await self._searched(self._search)
        finally:
            if timer is not None:
                timer.cancel()
            await self._flush()
        if self._fault is not None:
            raise self._fault
        if self._stopping is None or not self._left_over:  # what stops a run after its last cell stopped nothing
            return Ended(Ending.COMPLETE)
        return self._stopping

    async def _drain(self, feed: Iterator[Planned], workers: int) -> None:
        """Runs every cell of a feed."""
        tasks = [asyncio.create_task(self._work(feed)) for _ in range(workers)]
        try:
            await asyncio.gather(*tasks)
        except BaseException:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            raise

    async def _looked(self, feed: Iterator[Planned], rule: Stopping) -> None:
        """Runs the feed batch by batch, and looks after each which groups need no further case."""
        try:
            while not self._left_over:
                await self._drain(rule.begin(feed), self._workers)
                await self.shared.journal.flush()
                if self._left_over or not await rule.look():
                    return
                self._left_over = self._stopping is not None
        except JournalError as error:
            self._left_over = True
            self._end(Ending.JOURNAL, str(error))

    async def _searched(self, search: Search) -> None:
        """Runs batch after batch, each decided from what those before it gave, until every case is settled."""
        try:
            await self.shared.journal.flush()
            await search.begin()
            while self._stopping is None:
                batch = await search.next(self._workers)
                if not batch and search.tell():
                    return
                await self._drain(iter(batch), min(self._workers, len(batch)))
                await self.shared.journal.flush()
                if not search.tell():
                    break
            self._left_over = True
        except JournalError as error:
            self._left_over = True
            self._end(Ending.JOURNAL, str(error))

    async def _work(self, feed: Iterator[Planned]) -> None:
        try:
            for planned in feed:
                if self._stopping is not None or not await self._finished(planned):
                    self._left_over = True
                    return
        except JournalError as error:  # the plan cannot be read any further
            self._left_over = True
            self._end(Ending.JOURNAL, str(error))

    async def _flush(self) -> None:
        """Commits the last records; cells whose records cannot be kept are left for another session."""
        try:
            await self.shared.journal.flush()
        except JournalError as error:
            self._left_over = True
            self._end(Ending.JOURNAL, str(error))

    async def _finished(self, planned: Planned) -> bool:
        """Whether the cell has its record now. If not, the run is ending, and the cell is left for another session."""
        try:
            known = await self._rounds.enter(planned.cell)
            record, lesson = await self._cell(planned, known)
            self.shared.journal.add_record(record)
            await self._rounds.leave(planned.cell, lesson)
        except CallAbandoned:
            return False
        except BudgetReached as reached:
            self._end(Ending.BUDGET, str(reached), drop_waiting=not reached.counted_go_on)
            return False
        except RunStopped as stopped:
            self._end(Ending.ENDPOINT, str(stopped))
            return False
        except (JournalError, ModelUnavailable) as error:
            self._end(Ending.JOURNAL if isinstance(error, JournalError) else Ending.ENDPOINT, str(error))
            return False
        except ReplayDiverged as diverged:
            self._fault = self._fault or diverged
            self._end(Ending.INTERRUPTED, str(diverged))
            return False
        self._look_at_budget()
        counts, benchmark = self.counts, planned.cell.benchmark
        counts.cells += 1
        counts.by_benchmark[benchmark] = counts.by_benchmark.get(benchmark, 0) + 1
        if record.outcome is Outcome.ERROR:
            counts.calls_failed[record.reason] = counts.calls_failed.get(record.reason, 0) + 1
        return True

    def _look_at_budget(self) -> None:
        """Ends the run if its money or its time is spent: calls that still wait for a place are not sent then."""
        if (reason := self.shared.budget.spent()) is not None:
            self._end(Ending.BUDGET, reason)

    def _end(self, ending: Ending, reason: str, *, drop_waiting: bool = True) -> None:
        if self._stopping is None:
            self._stopping = Ended(ending, reason)
        if drop_waiting:
            for caller in self.shared.callers.values():
                caller.stop()
        if self._rounds.waited_for:
            self._waking = asyncio.ensure_future(self._rounds.stop())  # who waits for a round begins no cell any more

    async def _cell(self, planned: Planned, known: Any = None) -> tuple[Record, Any]:
        """The record of a cell, and what it teaches cells of later rounds."""
        session = Session(self.shared, planned.cell, unread=planned.unread, known=known)
        return await self._recorded(planned, session), session.lesson

    async def _recorded(self, planned: Planned, session: Session) -> Record:
        cell, attempt = planned.cell, planned.attempt
        if planned.stopped:
            return _error(cell, attempt, ErrorKind(planned.stopped), planned.detail)
        suspected: Verdict | None = None
        try:
            answered = await self._attacks[cell.attack].run(cell.case, session)
        except Suspected as found:
            answered, suspected = found.attempt, found.verdict
        except AllowanceSpent as spent:
            if session.best is None:
                return _error(cell, attempt, ErrorKind.BUDGET, spent.failure.detail)
            answered = session.best
        except CallFailed as failed:
            return _error(cell, attempt, failed.failure.kind, failed.failure.detail)
        except PASS_ON:
            raise
        except Undeliverable as undrawn:  # nothing reached the target, and its message never holds the text
            return _error(cell, attempt, ErrorKind.NOT_DELIVERED, f"attack {cell.attack!r}: {undrawn}")
        except Exception as error:
            return _error(cell, attempt, ErrorKind.INTERNAL, f"attack {cell.attack!r}: {_said(error)}")
        if not isinstance(answered, Answered):
            return _error(cell, attempt, ErrorKind.INTERNAL, f"attack {cell.attack!r} returned no attempt")
        answer, read_as = answered.answer, answered.read_as
        verdict, judge = suspected or session.settled(answered), ""
        if verdict is None and answered.undecodable:
            verdict = Verdict(outcome=Outcome.UNSCORED, reason=Unscored.UNDECODABLE)
        if read_as is not None and withheld(read_as):  # the filter saw it encoded
            read_as = None
            verdict, judge = Verdict(outcome=Outcome.UNSCORED, reason=Unscored.WITHHELD), ""
        if verdict is None:
            verdict, judge = await self._judge(cell.judge, cell.case, answered, session)
            if answered.lost and verdict.outcome is Outcome.SAFE:
                why = f"what could be seen is safe, and not all could: {answered.lost}"
                verdict = Verdict(
                    outcome=Outcome.UNSCORED, reason=Unscored.UNSURE, refused=verdict.refused, rationale=why
                )
        if verdict.reason is Unscored.WITHHELD:  # an image that a judge suspects is not kept, nor what it was made of
            session.forget(answered)
        language, puzzled = "", False
        shared = self.shared
        listened = cell.benchmark in shared.spoken and cell.attack == "direct" and cell.case.output == "text"
        if shared.heard is not None and listened:
            language, puzzled = shared.heard(cell.case.prompt, answered.text)
        return Record(
            cell=cell.position,
            attempt=attempt,
            language=language,
            call=answered.call.id or None,  # an answer that was stored before came of no call of this run
            outcome=verdict.outcome,
            refused=verdict.refused,
            blocked=answer.blocked or (cell.case.output == "image" and blank(answer)),
            truncated=answer.finish == "length",
            invalid=verdict.invalid or puzzled,
            controversial=verdict.controversial,
            score=verdict.score,
            choice=verdict.choice,
            reason=verdict.reason.value if verdict.reason else "",
            detail=verdict.rationale,
            judge=judge,
            reasoning=await self._further.reasoning(cell, answered) if self._reasoning else None,
            read_as=read_as,
            translated=await self._further.translated(planned, answered, verdict, judge) if self._checked else None,
        )

    async def _judge(self, name: str, case: Case, answered: Answered, session: Session) -> tuple[Verdict, str]:
        identity = self._identities[name]
        try:
            judge = self._judges[name]
            case, shown = session.shown(judge, case, answered)
            return await judge.judge(case, shown, session.final()), identity
        except CallFailed as failed:
            why = f"{failed.failure.kind}: {failed.failure.detail}"
        except PASS_ON:
            raise
        except Exception as error:
            why = _said(error)
        verdict = Verdict(outcome=Outcome.UNSCORED, reason=Unscored.JUDGE_FAILED, rationale=f"judge {name!r}: {why}")
        return verdict, identity


PASS_ON: tuple[type[Exception], ...] = (
    BudgetReached,
    CallAbandoned,
    JournalError,
    ModelUnavailable,
    ReplayDiverged,
    RunStopped,
)
"""What ends a run or leaves a cell for another session: no plug-in may take it for a fault of its own."""


@contextmanager
def seldom_collected() -> Iterator[None]:
    """Has the garbage collector look for cycles less often, and not among what was there before.

    Calls leave hardly any cycles, but make so many objects that looking for them was a sixth of a call's CPU.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(max(before[0], 20_000), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _error(cell: Cell, attempt: int, kind: ErrorKind, detail: str) -> Record:
    return Record(cell=cell.position, attempt=attempt, outcome=Outcome.ERROR, reason=kind.value, detail=detail)


def _said(error: Exception) -> str:
    """What a plug-in's fault says, in one short line. Its arguments are left out: they may quote what was asked."""
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {trace.tb_frame.f_code.co_name}:{trace.tb_lineno}" if trace is not None else ""
    return f"{type(error).__name__}{where}"
