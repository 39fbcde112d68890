"""GOAT: notes that stay with the attacker, turns that the target sees, and a toolbox that they are drawn from."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.graded import Graded
from tests.attacks.played import TEA, Played, play
from tocsin.attacks import make
from tocsin.attacks.dialogue.goat import MEANINGS, TOOLBOX
from tocsin.types import ErrorKind, Message

REFUSAL = "I'm sorry, but I can't help with that."
Messages = tuple[Message, ...]


def attacker(messages: Messages) -> str:
    """A double of the attacker: numbers its turns by how many it has written, with notes to each."""
    turn = sum(message.role == "assistant" for message in messages) + 1
    notes = {name: f"{name} {turn}" for name in ("observation", "thought", "strategy")}
    return json.dumps({**notes, "response": f"Turn {turn} about tea"})


def converse(folder: Path, target: Any, attacker: Any = attacker, **parameters: Any) -> Played:
    made = make("goat", parameters)
    return play(folder, made, target=target, attacker=attacker, in_loop=Graded(), final=Graded())


def test_the_target_sees_the_turns_and_the_attacker_its_own_notes(tmp_path: Path) -> None:
    run = converse(tmp_path / "r", lambda said: f"Answer {len(said)} score=0.1", turns=3)
    assert [message.text for message in run.target.asked[-1]] == [
        "Turn 1 about tea", "Answer 1 score=0.1", "Turn 2 about tea", "Answer 3 score=0.1", "Turn 3 about tea",
    ]  # fmt: skip
    assert [message.role for message in run.attacker.asked[-1]] == [
        "system",
        "user",
        "assistant",
        "user",
        "assistant",
        "user",
    ]
    first = json.loads(run.attacker.asked[-1][2].text)
    assert first == {
        "observation": "observation 1", "thought": "thought 1", "strategy": "strategy 1", "response": "Turn 1 about tea",
    }  # fmt: skip
    assert "Answer 1 score=0.1" in run.attacker.asked[-1][3].text
    assert "Answer 3 score=0.1" in run.attacker.asked[-1][5].text
    assert "(0 to 1): 0.10" in run.attacker.asked[-1][5].text
    assert TEA.prompt in run.attacker.asked[0][0].text


def test_the_reply_asks_for_notes_before_the_turn(tmp_path: Path) -> None:
    run = converse(tmp_path / "r", "No.", turns=1)
    told = run.attacker.asked[0][0].text
    form = told[told.rindex("{") :]
    assert re.findall(r'"(\w+)":', form) == ["observation", "thought", "strategy", "response"]


def test_a_refusal_stays_and_is_what_the_next_turn_works_on(tmp_path: Path) -> None:
    run = converse(tmp_path / "r", lambda said: REFUSAL if len(said) == 1 else "Of tea. score=0.2", turns=3)
    assert REFUSAL in [message.text for message in run.target.asked[-1]]
    told = [said[-1].text for said in run.attacker.asked]
    assert "answered, and refused:\n---\n" + REFUSAL in told[1]
    assert "refused" not in told[0] + told[2]


@pytest.mark.parametrize("toolbox", [TOOLBOX, ("hypothetical", "dual-response")])
def test_the_attacker_is_told_its_toolbox(tmp_path: Path, toolbox: tuple[Any, ...]) -> None:
    run = converse(tmp_path / "r", "No.", turns=1, toolbox=list(toolbox))
    told = run.attacker.asked[0][0].text
    assert {name for name in TOOLBOX if MEANINGS[name] in told} == set(toolbox)
    assert {name for name in TOOLBOX if f"- {name.replace('-', ' ')}: " in told} == set(toolbox)


def test_conversations_begin_anew_and_none_follows_a_success(tmp_path: Path) -> None:
    answers = iter(["Of tea. score=0.1", "Of tea. score=0.4", "Of tea. score=0.2", "A samovar. score=0.9"])
    run = converse(tmp_path / "r", lambda said: next(answers), turns=2, conversations=5)
    assert [len(said) for said in run.target.asked] == [1, 3, 1, 3]
    assert [len(said) for said in run.attacker.asked] == [2, 4, 2, 4]
    assert (run.record["outcome"], run.record["score"]) == ("unsafe", 0.9)


def test_without_success_the_best_attempt_is_judged_and_no_more_is_asked_than_it_says(tmp_path: Path) -> None:
    scores = iter([1, 6, 2, 0, 3, 1])
    run = converse(tmp_path / "r", lambda said: f"Of tea. score=0.{next(scores)}", turns=3, conversations=2)
    assert (run.record["outcome"], run.record["score"]) == ("safe", 0.6)
    assert len(run.target.asked) == make("goat", {"turns": 3, "conversations": 2}).queries == 6
    assert make("goat").queries == 5


def test_a_conversation_that_fails_is_lost_alone(tmp_path: Path) -> None:
    opened = 0

    def halting(messages: Messages) -> str | ErrorKind:
        nonlocal opened
        opened += len(messages) == 2
        return ErrorKind.SERVER if opened == 1 else attacker(messages)

    run = converse(tmp_path / "a", "Of tea. score=0.3", halting, turns=2, conversations=2)
    assert [len(said) for said in run.target.asked] == [1, 3]
    assert run.record["outcome"] == "safe"
    dead = converse(tmp_path / "b", "Of tea. score=0.3", ErrorKind.SERVER, conversations=3)
    assert (dead.record["outcome"], dead.record["reason"]) == ("error", "not_delivered")
    assert dead.target.asked == []


@pytest.mark.parametrize("reply", [{"response": " "}, {"observation": "It answers."}, {"response": 3}])
def test_a_reply_without_a_turn_is_not_sent(tmp_path: Path, reply: dict[str, Any]) -> None:
    run = converse(tmp_path / "r", "Of tea.", json.dumps(reply))
    assert run.target.asked == []
    assert run.record["reason"] == "not_delivered"
