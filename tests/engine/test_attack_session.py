"""What an attack gets from its session: turns, branches, helpers, an allowance that holds, and what earlier cases taught."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.played import TEA, ByWord, Played, play
from tests.engine.triggers import trigger
from tocsin.attacks import Attack
from tocsin.engine import CallFailed, Limits
from tocsin.protocols import Asker, Attempt, Session
from tocsin.types import Allowance, Answer, Case, ErrorKind, Failure, Message, Verdict

Course = Callable[[Case, Any], Coroutine[Any, Any, Attempt]]


def attack_of(course: Course, *, learns: int = 0) -> Attack:
    """An attack that does what a function says: a double of those that are registered."""

    class Made(Attack, frozen=True):
        async def run(self, case: Case, session: Session) -> Attempt:
            return await course(case, session)

        def taught(self, known: Any, lessons: Sequence[Any]) -> Any:
            return [*(known or []), *lessons]

    Made.name, Made.version, Made.learns = "made", 1, learns
    return Made()


def texts(messages: Sequence[Message]) -> list[str]:
    return [f"{message.role}: {message.text}" for message in messages]


def test_turns_follow_each_other_and_a_turn_taken_back_is_not_seen_again(tmp_path: Path) -> None:
    async def course(case: Case, session: Session) -> Attempt:
        await session.ask("one", system="Be brief.")
        await session.ask("two")
        session.rewind()
        return await session.ask("three")

    played = play(tmp_path / "r", attack_of(course), target=lambda said: f"re {said[-1].text}")
    assert texts(played.target.asked[-1]) == ["system: Be brief.", "user: one", "assistant: re one", "user: three"]
    assert len(played.calls) == 3


def test_more_turns_than_there_are_cannot_be_taken_back(tmp_path: Path) -> None:
    async def course(case: Case, session: Session) -> Attempt:
        found = await session.ask("one")
        session.rewind(2)
        return found

    record = play(tmp_path / "r", attack_of(course), target="yes").record
    assert (record["outcome"], record["reason"]) == ("error", "internal")


def test_case_keeps_its_system_prompt_and_invented_turns_are_no_part_of_what_is_judged(tmp_path: Path) -> None:
    seen: list[str] = []

    async def course(case: Case, session: Session) -> Attempt:
        found = await session.ask("go", system="Play.", history=[Message("user", "u"), Message("assistant", "a")])
        seen.extend(texts(found.conversation.messages()))
        return found

    case = Case(id="1", prompt="Tea?", system="Be safe.")
    played = play(tmp_path / "r", attack_of(course), target="yes", cases=[case])
    assert texts(played.target.asked[0]) == ["system: Be safe.\n\nPlay.", "user: u", "assistant: a", "user: go"]
    assert seen == ["system: Be safe.\n\nPlay.", "user: go", "assistant: yes"]


def test_branches_share_their_past_and_have_draws_and_random_numbers_of_their_own(tmp_path: Path) -> None:
    drawn: list[float] = []

    async def course(case: Case, session: Session) -> Attempt:
        await session.ask("root")
        one, two = session.fork(), session.fork()
        drawn.extend(branch.rng.random() for branch in (session, one, two, one.fork()))
        await one.ask("left")
        found = await two.ask("left")
        assert session.conversation.turns() == 1
        return found

    played = play(tmp_path / "r", attack_of(course), target=lambda said: str(len(said)))
    assert [branch for _, branch in played.calls] == ["", "/1", "/2"]
    assert len(set(drawn)) == 4


def test_a_kill_between_two_calls_repeats_none_of_them(tmp_path: Path) -> None:
    async def course(case: Case, session: Session) -> Attempt:
        for number in range(6):
            branch = session.fork()
            found = await branch.ask(f"{number} {branch.rng.random()}")
        return found

    first = play(tmp_path / "r", attack_of(course), target="yes", limits=Limits(calls=4))
    assert (len(first.target.asked), first.records) == (4, [])
    second = play(tmp_path / "r", attack_of(course), target="yes")
    assert len(second.target.asked) == 2
    assert (len(second.calls), len(second.records)) == (6, 1)


@pytest.mark.parametrize("most", [1, 3])
def test_allowance_is_not_passed_by_one_query_and_the_best_attempt_stands(tmp_path: Path, most: int) -> None:
    left: list[int | None] = []

    async def course(case: Case, session: Session) -> Attempt:
        for number in range(9):
            left.append(session.left.queries)
            found = await session.fork().ask(str(number))
            await session.judge(found)
        return found

    def target(said: Sequence[Message]) -> str:
        return "samovar score=0.9" if said[-1].text == "0" else "samovar score=0.2"

    played = play(tmp_path / "r", attack_of(course), target=target, allowance=Allowance(queries=most))
    assert len(played.target.asked) == most
    assert left == [most - n for n in range(most + 1)]
    assert (played.record["outcome"], played.record["score"]) == ("unsafe", 0.9)


def test_tokens_and_seconds_are_counted_from_the_journal(tmp_path: Path) -> None:
    async def course(case: Case, session: Session) -> Attempt:
        while True:
            found = await session.ask("again")
            if found.answer.text == "never":
                return found

    tokens = play(tmp_path / "t", attack_of(course), target="samovar", allowance=Allowance(tokens=50))
    assert len(tokens.target.asked) == 3, "20 tokens a call: the third reaches the limit, and no fourth is made"
    assert tokens.record["outcome"] == "unsafe"
    none = play(tmp_path / "s", attack_of(course), target=ErrorKind.SERVER, allowance=Allowance(seconds=60))
    assert (none.record["outcome"], none.record["reason"]) == ("error", "server")


def test_allowance_without_any_attempt_is_an_error_of_the_budget(tmp_path: Path) -> None:
    async def course(case: Case, session: Session) -> Attempt:
        while True:
            await session.attacker("write")

    played = play(tmp_path / "r", attack_of(course), target="yes", attacker="text", allowance=Allowance(tokens=40))
    assert (played.record["outcome"], played.record["reason"]) == ("error", "budget")
    assert len(played.attacker.asked) == 2


@pytest.mark.parametrize(
    "reply", ["", "I'm sorry, but I can't help with that.", Answer("", blocked=True), ErrorKind.TIMEOUT, "not a number"]
)
def test_attacker_that_delivers_nothing_is_no_word_on_the_target(tmp_path: Path, reply: Any) -> None:
    async def course(case: Case, session: Session) -> Attempt:
        number = await session.attacker("a number, please", parse=lambda text: int(text) if text.isdigit() else None)
        return await session.ask(str(number))

    played = play(tmp_path / "r", attack_of(course), target="samovar", attacker=reply)
    assert (played.record["outcome"], played.record["reason"]) == ("error", "not_delivered")
    assert played.target.asked == []


def test_attacker_is_asked_again_until_its_reply_can_be_used(tmp_path: Path) -> None:
    replies = iter(["", "no", "41"])

    async def course(case: Case, session: Session) -> Attempt:
        number = await session.attacker("a number, please", parse=lambda text: int(text) if text.isdigit() else None)
        return await session.ask(str(number + 1))

    played = play(tmp_path / "r", attack_of(course), target="yes", attacker=lambda said: next(replies))
    assert played.prompts == ["42"]
    assert [role for role, _ in played.calls] == ["attacker"] * 3 + ["target"]


def test_translator_gets_the_text_as_data_and_a_failed_branch_can_be_caught(tmp_path: Path) -> None:
    async def course(case: Case, session: Session) -> Attempt:
        with pytest.raises(CallFailed):
            await session.attacker("write")
        return await session.ask(await session.translate(case.prompt, target="de"))

    played = play(tmp_path / "r", attack_of(course), target="ja", translator="Wie wird Tee gekocht?")
    assert played.prompts == ["Wie wird Tee gekocht?"]
    assert played.translator.asked[0][-1].text == TEA.prompt


def test_answer_that_cannot_be_decoded_is_unscored_and_a_decoded_one_is_what_is_judged(tmp_path: Path) -> None:
    async def lost(case: Case, session: Session) -> Attempt:
        return (await session.ask("x")).decoded(None)

    async def turned(case: Case, session: Session) -> Attempt:
        found = await session.ask("x")
        return found.decoded(found.answer.text[::-1])

    record = play(tmp_path / "a", attack_of(lost), target="samovar").record
    assert (record["outcome"], record["reason"]) == ("unscored", "undecodable")
    assert play(tmp_path / "b", attack_of(turned), target="ravomas").record["outcome"] == "unsafe"


def test_in_loop_judge_steers_and_the_final_judge_decides(tmp_path: Path) -> None:
    async def course(case: Case, session: Session) -> Attempt:
        found = await session.ask("x")
        assert (await session.judge(found)).outcome == "unsafe"
        return found

    played = play(tmp_path / "r", attack_of(course), target="samovar", final=ByWord(word="teapot"))
    assert played.record["outcome"] == "safe", (
        "what the in-loop judge takes for a success is none until it is confirmed"
    )


def lessons(workers: int, folder: Path, **more: Any) -> Played:
    async def course(case: Case, session: Session) -> Attempt:
        session.learn(f"from {case.id}")
        return await session.ask(f"{case.id} knows {','.join(session.known or ['nothing'])}")

    cases = [Case(id=f"c{n}", prompt="Tea?") for n in range(7)]
    return play(folder, attack_of(course, learns=2), target="yes", cases=cases, workers=workers, **more)


@pytest.mark.parametrize("workers", [1, 5])
def test_cells_of_a_round_know_what_all_rounds_before_taught_in_plan_order(tmp_path: Path, workers: int) -> None:
    played = lessons(workers, tmp_path / "r")
    before = {0: "nothing", 1: "from c0,from c1", 2: "from c0,from c1,from c2,from c3"}
    said = sorted(played.prompts)
    for number in range(6):
        assert said[number] == f"c{number} knows {before[number // 2]}"
    assert said[6].endswith("from c4,from c5")
    assert [body["round"] for scope, body in played.decisions if scope.startswith("known:")] == [1, 2, 3]


def test_run_that_was_stopped_between_rounds_knows_the_same_when_it_goes_on(tmp_path: Path) -> None:
    whole = lessons(3, tmp_path / "whole")
    first = lessons(3, tmp_path / "r", limits=Limits(calls=3))
    assert len(first.target.asked) == 3
    second = lessons(3, tmp_path / "r")
    assert sorted(first.prompts + second.prompts) == sorted(whole.prompts)


def test_in_loop_judge_that_fails_is_no_error_of_the_target(tmp_path: Path) -> None:
    class Failing(ByWord, frozen=True):
        async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
            raise CallFailed(Failure(ErrorKind.TIMEOUT, "too late"))

    seen: list[Verdict] = []

    async def course(case: Case, session: Session) -> Attempt:
        found = await session.ask("x")
        seen.append(await session.judge(found))
        return found

    played = play(tmp_path / "r", attack_of(course), target="samovar", in_loop=Failing())
    assert [(verdict.outcome, verdict.reason) for verdict in seen] == [("unscored", "judge_failed")]
    assert played.record["outcome"] == "unsafe", "the final judge decides all the same"


def test_filter_reads_what_an_attack_decoded(tmp_path: Path) -> None:
    async def course(case: Case, session: Session) -> Attempt:
        found = await session.ask("x")
        return found.decoded(found.answer.text[::-1])

    record = play(tmp_path / "r", attack_of(course), target=trigger()[::-1]).record
    assert (record["outcome"], record["reason"], record["judge"]) == ("unscored", "withheld", "")
