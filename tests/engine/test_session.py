from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.engine.triggers import trigger
from tests.journal.in_process import HeldModel, engine_of, in_run, shared_of, some_cases, until
from tests.journal.real_runs import rows
from tocsin.engine import CallFailed, Ending, Session
from tocsin.journal import Journal
from tocsin.models import ModelError
from tocsin.types import Answer, Case, Cell, ErrorKind, Image, Message, Request

# -- what is asked ----------------------------------------------------------------------------------------------------


def test_without_a_prompt_the_case_is_put_as_it_stands(tmp_path: Path) -> None:
    case = Case(
        id="c",
        prompt="And in winter?",
        system="Be brief.",
        history=(Message("user", "Hi"), Message("assistant", "Hello")),
    )

    async def what(journal: Journal, cells: list[Cell]) -> None:
        answered = await Session(shared_of(journal, HeldModel()), cells[0]).ask()
        said = [(message.role, message.text) for message in answered.conversation.messages()]
        assert said == [
            ("system", "Be brief."), ("user", "Hi"), ("assistant", "Hello"), ("user", "And in winter?"),
            ("assistant", "About And in winter?"),
        ]  # fmt: skip
        assert answered.text == answered.answer.text == "About And in winter?"

    in_run(tmp_path, [case], what)


def test_a_second_prompt_follows_the_conversation_so_far(tmp_path: Path) -> None:
    requests: list[Request] = []

    def reply(request: Request) -> Answer:
        requests.append(request)
        return Answer(text=f"Answer {len(requests)}")

    async def what(journal: Journal, cells: list[Cell]) -> None:
        session = Session(shared_of(journal, HeldModel(reply)), cells[0])
        await session.ask("One?", system="Be brief.")
        second = await session.ask("Two?", system="Be long.")  # a conversation has one system prompt: its first
        assert second.conversation.turns() == 2
        assert [message.text for message in requests[1].messages] == ["Be brief.", "One?", "Answer 1", "Two?"]
        assert [message.role for message in requests[1].messages] == ["system", "user", "assistant", "user"]

    in_run(tmp_path, some_cases(1), what)


def test_an_image_is_not_sent_to_a_model_that_takes_none(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel()
        session = Session(shared_of(journal, model), cells[0])
        with pytest.raises(CallFailed, match="image_in = true") as caught:
            await session.ask("What is this?", images=(Image("image/png", b"1"),))
        assert caught.value.failure.kind is ErrorKind.REJECTED
        assert model.sent == []

    in_run(tmp_path, some_cases(1), what)


def test_the_random_numbers_of_a_cell_follow_from_the_seed_and_the_cell_alone(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        shared = shared_of(journal, HeldModel())
        first, again, other = (Session(shared, cells[n]).rng for n in (0, 0, 1))
        drawn = [first.random() for _ in range(3)]
        assert drawn == [again.random() for _ in range(3)]
        assert drawn != [other.random() for _ in range(3)]
        shared.seed += 1
        assert drawn != [Session(shared, cells[0]).rng.random() for _ in range(3)]

    in_run(tmp_path, some_cases(2), what)


# -- the filter -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["prompt", "system"])
def test_a_prompt_that_meets_the_filter_is_neither_sent_nor_stored(tmp_path: Path, where: str) -> None:
    bad = trigger()

    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel()
        session = Session(shared_of(journal, model), cells[0])
        with pytest.raises(CallFailed) as caught:
            await session.ask(**({"prompt": bad} if where == "prompt" else {"prompt": "Hello", "system": bad}))
        assert caught.value.failure.kind is ErrorKind.WITHHELD
        assert bad not in caught.value.failure.detail
        assert model.sent == []

    in_run(tmp_path, some_cases(1), what)
    assert rows(tmp_path, "SELECT count(*) FROM calls") == [(0,)]


@pytest.mark.parametrize("where", ["text", "reasoning"])
def test_an_answer_that_meets_the_filter_is_not_kept_and_gets_no_verdict(tmp_path: Path, where: str) -> None:
    bad = trigger()

    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel(lambda request: Answer(**{"text": "Fine.", where: bad}))
        assert (await engine_of(shared_of(journal, model)).run()).ending is Ending.COMPLETE

    in_run(tmp_path, some_cases(1), what)
    ((outcome, reason, answer),) = rows(
        tmp_path, "SELECT r.outcome, r.reason, c.answer FROM records r JOIN calls c ON c.id = r.call"
    )
    assert (outcome, reason) == ("unscored", "withheld")
    assert all(part.encode() not in answer for part in (bad, "Fine."))
    assert bad.encode() not in (tmp_path / "journal.sqlite").read_bytes()


# -- one answer for one question --------------------------------------------------------------------------------------

SAME = [Case(id=f"c{number}", prompt="The same.") for number in range(4)]


def test_identical_requests_at_temperature_0_that_are_under_way_together_are_sent_once(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel()
        model.gate.clear()
        shared = shared_of(journal, model)
        asking = [asyncio.create_task(Session(shared, cell).ask()) for cell in cells]
        await until(lambda: len(model.sent) == 1)
        await asyncio.sleep(0.02)
        model.gate.set()
        answers = await asyncio.gather(*asking)
        assert model.sent == ["The same."]
        assert len({answered.call for answered in answers}) == 1
        assert shared.budget.calls == 1
        assert shared.in_flight == {}

    in_run(tmp_path, SAME, what)


@pytest.mark.parametrize("temperature", [None, 0.7])
def test_at_any_other_temperature_every_cell_has_a_draw_of_its_own(tmp_path: Path, temperature: float | None) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel()
        assert (await engine_of(shared_of(journal, model, temperature=temperature)).run()).ending is Ending.COMPLETE
        assert len(model.sent) == 8

    in_run(tmp_path, SAME, what, repeats=2)
    assert rows(tmp_path, "SELECT count(*), count(DISTINCT key), max(attempt) FROM calls") == [(8, 8, 0)]
    assert rows(tmp_path, "SELECT count(DISTINCT call) FROM records") == [(8,)]


def test_if_the_first_of_them_fails_the_next_sends_its_own_and_the_rest_share_that(tmp_path: Path) -> None:
    replies: list[Answer | ModelError] = [ModelError(ErrorKind.TOO_LONG, "HTTP 400"), Answer(text="Roses.")]

    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel(lambda request: replies[len(model.sent) - 1])
        model.gate.clear()
        shared = shared_of(journal, model)
        asking = [asyncio.create_task(Session(shared, cell).ask()) for cell in cells]
        await until(lambda: len(model.sent) == 1)
        model.gate.set()
        first, *rest = await asyncio.gather(*asking, return_exceptions=True)
        assert isinstance(first, CallFailed)
        assert first.failure.kind is ErrorKind.TOO_LONG
        assert [answered.text for answered in rest] == ["Roses."] * 3  # type: ignore[union-attr]
        assert len(model.sent) == 2

    in_run(tmp_path, SAME, what)
    found = rows(tmp_path, "SELECT attempt, cell, error FROM calls ORDER BY id")
    assert found == [(0, 1, "too_long"), (1, 2, None)]


def test_if_all_of_them_fail_each_has_sent_its_own(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        model = HeldModel(lambda request: ModelError(ErrorKind.TOO_LONG, "HTTP 400"))
        ended = await engine_of(shared_of(journal, model)).run()
        assert ended.ending is Ending.COMPLETE
        assert len(model.sent) == 4

    in_run(tmp_path, SAME, what)
    assert rows(tmp_path, "SELECT attempt, cell FROM calls ORDER BY attempt") == [(n, n + 1) for n in range(4)]
    assert rows(tmp_path, "SELECT DISTINCT outcome, reason FROM records") == [("error", "too_long")]


def test_two_targets_share_no_answer(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        one, other = HeldModel(identity="one"), HeldModel(identity="other")
        assert (await engine_of(shared_of(journal, one, other)).run()).ending is Ending.COMPLETE
        assert one.sent == other.sent == ["The same."]

    in_run(tmp_path, SAME, what, targets=2)
    assert rows(tmp_path, "SELECT count(*) FROM records") == [(8,)]


def test_one_model_under_two_names_is_drawn_from_for_each(tmp_path: Path) -> None:
    async def what(journal: Journal, cells: list[Cell]) -> None:
        one, other = HeldModel(identity="one"), HeldModel(identity="one")
        ended = await engine_of(shared_of(journal, one, other, temperature=0.7)).run()
        assert ended.ending is Ending.COMPLETE
        assert len(one.sent) == len(other.sent) == 4

    in_run(tmp_path, SAME, what, targets=2)
    assert rows(tmp_path, "SELECT count(*), count(DISTINCT key), max(attempt) FROM calls") == [(8, 8, 0)]
