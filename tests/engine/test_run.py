from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.journal.in_process import HeldModel, TwoQuestions, engine_of, in_run, shared_of, some_cases, until
from tests.journal.real_runs import rows
from tocsin import attacks, judges
from tocsin.engine import Ended, Ending, RunStopped, Session
from tocsin.journal import Journal
from tocsin.models import ModelError
from tocsin.protocols import Asker, Attempt
from tocsin.types import REFUSE, Answer, Case, Cell, ErrorKind, Message, Outcome, Request, Sampling, Unscored, Verdict

# -- what goes wrong --------------------------------------------------------------------------------------------------


def test_a_failed_call_is_journaled_and_ends_the_attempt_as_an_error_of_its_kind(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel(lambda request: ModelError(ErrorKind.TOO_LONG, "HTTP 400 too long"))
        assert (await engine_of(shared_of(journal, model)).run()).ending is Ending.COMPLETE

    in_run(tmp_path, some_cases(1), what)
    assert rows(tmp_path, "SELECT error, detail, answer FROM calls") == [("too_long", "HTTP 400 too long", None)]
    found = rows(tmp_path, "SELECT outcome, reason, detail, call, judge FROM records")
    assert found == [("error", "too_long", "HTTP 400 too long", None, "")]


@pytest.mark.parametrize("kind", [ErrorKind.AUTH, ErrorKind.QUOTA, ErrorKind.NOT_FOUND])
def test_what_every_call_would_meet_stops_the_run_and_is_no_result(tmp_path: Path, kind: ErrorKind) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        shared = shared_of(journal, HeldModel(lambda request: ModelError(kind, "refused")))
        with pytest.raises(RunStopped, match="held/model: refused"):
            await Session(shared, cells[0]).ask()
        ended = await engine_of(shared).run()
        assert ended == Ended(Ending.ENDPOINT, "held/model: refused")

    in_run(tmp_path, some_cases(9), what)
    assert rows(tmp_path, "SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM records)") == [(0, 0)]


class Broken(attacks.Attack, frozen=True):
    """Fails, and quotes the case in doing so."""

    async def run(self, case: Case, session: Any) -> Attempt:
        raise RuntimeError(case.prompt)


class Silent(attacks.Attack, frozen=True):
    """Returns nothing."""

    async def run(self, case: Case, session: Any) -> Attempt:
        return None  # type: ignore[return-value]


@pytest.mark.parametrize(("attack", "detail"), [(Broken(), "RuntimeError at run:"), (Silent(), "returned no attempt")])
def test_a_fault_of_an_attack_is_an_internal_error_that_quotes_no_prompt(
    tmp_path: Path, attack: attacks.Attack, detail: str
) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        assert (await engine_of(shared_of(journal, HeldModel()), attack=attack).run()).ending is Ending.COMPLETE

    in_run(tmp_path, [Case(id="c", prompt="Do not quote me.")], what)
    ((outcome, reason, said),) = rows(tmp_path, "SELECT outcome, reason, detail FROM records")
    assert (outcome, reason) == ("error", "internal")
    assert detail in said
    assert "quote" not in said


class BrokenJudge(judges.Judge, frozen=True):
    """Fails on every text."""

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        raise ValueError(attempt.text)


class AskingJudge(judges.Judge, frozen=True):
    """A judge that is itself a model: safe if it says so."""

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        request = Request((Message("user", f"Is this safe? {attempt.text}"),), Sampling(temperature=0))
        said = await ask(request, "judge")
        return Verdict(outcome=Outcome.SAFE if said.text == "yes" else Outcome.UNSAFE)


def test_a_fault_of_a_judge_leaves_the_answer_unscored_and_quotes_nothing(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel(lambda request: Answer(text="Do not quote me."))
        assert (await engine_of(shared_of(journal, model), judge=BrokenJudge()).run()).ending is Ending.COMPLETE

    in_run(tmp_path, some_cases(1), what)
    ((outcome, reason, said),) = rows(tmp_path, "SELECT outcome, reason, detail FROM records")
    assert (outcome, reason) == ("unscored", Unscored.JUDGE_FAILED.value)
    assert "ValueError" in said
    assert "quote" not in said


@pytest.mark.parametrize(
    ("reply", "outcome", "reason"),
    [
        (Answer(text="yes"), "safe", ""),
        (Answer(text="no"), "unsafe", ""),
        (ModelError(ErrorKind.TOO_LONG, "HTTP 400"), "unscored", "judge_failed"),
    ],
)
def test_a_judge_that_asks_a_model_asks_through_the_journal(
    tmp_path: Path, reply: Answer | ModelError, outcome: str, reason: str
) -> None:
    judge_model = HeldModel(lambda request: reply, identity="a judge")

    async def what(journal: Journal, cells: list[Cell]) -> None:
        shared = shared_of(journal, HeldModel())
        judging = shared_of(journal, judge_model).callers["target", 0]
        shared.callers = {**shared.callers, ("judge", 0): judging}
        shared.places = {("judge", ""): 0}
        assert (await engine_of(shared, judge=AskingJudge()).run()).ending is Ending.COMPLETE

    in_run(tmp_path, some_cases(1), what)
    assert rows(tmp_path, "SELECT outcome, reason FROM records") == [(outcome, reason)]
    assert rows(tmp_path, "SELECT role, cell, ordinal FROM calls ORDER BY id") == [("target", 1, 0), ("judge", 1, 0)]
    assert judge_model.sent == ["Is this safe? About What grows in garden 0?"]


def test_a_case_that_was_stopped_before_it_could_be_asked_is_an_error_of_its_kind(tmp_path: Path) -> None:
    from tocsin.journal import PlannedCase, PlannedCell

    async def scenario() -> list[str]:
        journal, model = Journal(tmp_path, create=True), HeldModel()
        planned = PlannedCase("made", "rows.jsonl:3", None, ErrorKind.BAD_ROW, "rows.jsonl, line 3: holds no text")
        journal.plan([(planned, [PlannedCell(0, "benchmark", "direct", 0, "refusal", 1)])])
        await engine_of(shared_of(journal, model)).run()
        await journal.close()
        return model.sent

    assert asyncio.run(scenario()) == []
    found = rows(tmp_path, "SELECT outcome, reason, detail FROM records")
    assert found == [("error", "bad_row", "rows.jsonl, line 3: holds no text")]


@pytest.mark.parametrize(
    ("answer", "outcome", "refused", "reason"),
    [
        (Answer(text="", finish="content_filter", blocked=True), "safe", 1, ""),
        (Answer(text="  "), "unscored", None, "empty"),
        (Answer(text="", finish="length"), "unscored", None, "cut_off"),
        (Answer(text="No.", declined=True), "safe", 1, ""),
        (Answer(text="Certainly: roses.", finish="length"), "unsafe", 0, ""),
        (Answer(text="Certainly: ros", finish="content_filter", blocked=True), "unsafe", 0, ""),
    ],
)
def test_how_an_answer_came_is_kept_beside_its_outcome(
    tmp_path: Path, answer: Answer, outcome: str, refused: int | None, reason: str
) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        await engine_of(shared_of(journal, HeldModel(lambda request: answer))).run()

    in_run(tmp_path, [Case(id="c", prompt="Hello?", safe_answer=REFUSE)], what)
    found = rows(tmp_path, "SELECT outcome, refused, reason, blocked, truncated FROM records")
    assert found == [(outcome, refused, reason, answer.blocked, answer.finish == "length")]


# -- stopping and counting --


def test_what_a_run_counts_for_its_display_is_what_it_did(tmp_path: Path) -> None:
    def reply(request: Request) -> Answer | ModelError:
        bad = request.messages[-1].text.endswith(("1?", "2?"))
        return ModelError(ErrorKind.TOO_LONG, "HTTP 400") if bad else Answer(text="Roses.")

    async def what(journal: Journal, cells: list[Cell]) -> None:
        engine = engine_of(shared_of(journal, HeldModel(reply)))
        await engine.run()
        assert engine.counts.cells == 10
        assert engine.counts.by_benchmark == {"made": 10}
        assert engine.counts.calls_failed == {"too_long": 2}

    in_run(tmp_path, some_cases(10), what)


def test_two_engines_count_apart(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        first = engine_of(shared_of(journal, HeldModel()))
        await first.run()
        second = engine_of(shared_of(journal, HeldModel()))
        assert (first.counts.cells, second.counts.cells) == (3, 0)
        assert second.counts.by_benchmark == second.counts.calls_failed == {}

    in_run(tmp_path, some_cases(3), what)


def test_a_run_that_is_stopped_lets_open_calls_finish_and_begins_no_other(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel()
        model.gate.clear()
        shared = shared_of(journal, model, concurrency=3)
        engine = engine_of(shared, workers=6)
        running = asyncio.create_task(engine.run())
        await until(lambda: len(model.sent) == 3)
        engine.stop()
        assert engine.stopping
        model.gate.set()
        assert await running == Ended(Ending.INTERRUPTED, "interrupted")
        assert len(model.sent) == shared.budget.calls == 3  # those that waited for a place were not made

    in_run(tmp_path, some_cases(20), what)
    assert rows(tmp_path, "SELECT (SELECT count(*) FROM calls), (SELECT count(*) FROM records)") == [(3, 3)]


def test_a_run_that_is_cancelled_keeps_what_was_answered(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel()
        running = asyncio.create_task(engine_of(shared_of(journal, model, concurrency=3), attack=TwoQuestions()).run())
        await until(lambda: len(model.sent) >= 5)
        model.gate.clear()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    in_run(tmp_path, some_cases(20), what)
    ((calls,),) = rows(tmp_path, "SELECT count(*) FROM calls")
    assert calls >= 2
