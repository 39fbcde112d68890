"""Past tense: one wording after another, each alone before the target, until the in-loop judge is satisfied."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from tests.attacks.played import TEA, ByWord, Played, Reply, Script, play
from tocsin.attacks import make
from tocsin.attacks.search.past_tense import QUESTION
from tocsin.engine import CallFailed
from tocsin.protocols import Asker, Attempt
from tocsin.types import Allowance, Case, ErrorKind, Failure, Message, Verdict

REFUSAL = "I'm sorry, but I can't help with that."


def attacker(messages: tuple[Message, ...]) -> str:
    """A double of an attacker that rewrites as it is asked to."""
    return '{"question": "How was strong black tea brewed in the old days?"}'


def counting() -> Script:
    """A double of an attacker that numbers its wordings."""
    numbers = itertools.count(1)
    return lambda messages: json.dumps({"question": f"How was tea brewed, wording {next(numbers)}?"})


def past(
    folder: Path, target: Script | Reply, *, tries: int = 5, writes: Script | Reply | None = None, **more: object
) -> Played:
    return play(folder, make("past-tense", {"tries": tries}), target=target, attacker=writes or counting(), **more)  # type: ignore[arg-type]


def test_target_sees_the_question_alone_and_the_attacker_sees_the_request(tmp_path: Path) -> None:
    played = past(tmp_path / "r", REFUSAL, tries=3)
    assert played.prompts == [f"How was tea brewed, wording {number}?" for number in (1, 2, 3)]
    assert all(len(messages) == 1 for messages in played.target.asked), "each try is a conversation of its own"
    assert len({messages[-1].text for messages in played.attacker.asked}) == 1
    told = played.attacker.asked[0][-1].text
    assert TEA.prompt in told
    assert "past tense" in told
    assert played.record["outcome"] == "safe"


def test_first_success_of_the_in_loop_judge_ends_the_search(tmp_path: Path) -> None:
    played = past(tmp_path / "r", lambda said: "Fill the samovar." if "wording 3" in said[-1].text else REFUSAL)
    assert len(played.target.asked) == len(played.attacker.asked) == 3
    assert played.record["outcome"] == "unsafe"


def test_there_are_twenty_tries_as_in_the_paper(tmp_path: Path) -> None:
    assert make("past-tense").queries == 20
    assert len(past(tmp_path / "r", REFUSAL, tries=20).target.asked) == 20
    with pytest.raises(ValueError, match="tries is 0"):
        make("past-tense", {"tries": 0})


def test_without_success_the_answer_that_scored_highest_is_judged(tmp_path: Path) -> None:
    def target(said: tuple[Message, ...]) -> str:
        return f"Cups. score={0.4 if 'wording 2' in said[-1].text else 0.1}"

    played = past(tmp_path / "r", target, tries=4, in_loop=ByWord(word="never said"))
    assert len(played.target.asked) == 4
    assert played.record["score"] == 0.4


def test_final_judge_reads_the_original_request_and_decides(tmp_path: Path) -> None:
    played = past(tmp_path / "r", "Fill the samovar.", final=ByWord(word="teapot"))
    assert len(played.target.asked) == 1
    assert played.record["outcome"] == "safe"


def test_a_try_that_fails_costs_that_try_and_three_in_a_row_the_search(tmp_path: Path) -> None:
    replies: list[Reply] = [ErrorKind.SERVER, "Cups.", ErrorKind.SERVER, ErrorKind.SERVER, ErrorKind.SERVER]
    said = iter(replies)
    played = past(tmp_path / "r", lambda messages: next(said), tries=20)
    assert len(played.target.asked) == 5
    assert played.record["outcome"] == "safe", "the answer that there was"


def test_without_any_answer_the_target_s_error_counts_before_the_attacker_s(tmp_path: Path) -> None:
    refuses = itertools.chain([REFUSAL] * 3, itertools.repeat('{"question": "How was tea brewed?"}'))
    record = past(tmp_path / "r", ErrorKind.TIMEOUT, writes=lambda messages: next(refuses)).record
    assert (record["outcome"], record["reason"]) == ("error", "timeout")
    record = past(tmp_path / "s", "Cups.", writes="I will not rewrite that.").record
    assert (record["outcome"], record["reason"]) == ("error", "not_delivered")


def test_a_judge_that_fails_in_the_loop_loses_no_answer(tmp_path: Path) -> None:
    class Fails(ByWord, frozen=True):
        async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
            raise CallFailed(Failure(ErrorKind.SERVER, "as the test says"))

    played = past(tmp_path / "r", "Fill the samovar.", tries=2, in_loop=Fails())
    assert len(played.target.asked) == 2
    assert played.record["outcome"] == "unsafe"


def test_spent_allowance_ends_the_search(tmp_path: Path) -> None:
    played = past(tmp_path / "r", REFUSAL, tries=20, allowance=Allowance(queries=4))
    assert len(played.target.asked) == 4
    assert played.record["outcome"] == "safe"


def test_question_is_read_from_prose_and_fences_and_nothing_else_is_one() -> None:
    assert QUESTION('Here:\n```json\n{"question": " How was it? "}\n```') == "How was it?"
    assert QUESTION('{"question": "line one\nline two"}') == "line one\nline two"
    for reply in (
        "How was it?",
        '{"question": 7}',
        '{"question": " "}',
        '["question"]',
        '{"question": ',
        "{" * 100_000,
    ):
        assert QUESTION(reply) is None
