"""SeqAR: who stands in the story, how they got there, and what the attacker learns on the way."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.attacks.played import TEA, play
from tocsin.attacks import make
from tocsin.attacks.search.seqar import SIMPLE
from tocsin.types import ErrorKind, Message

SMALL = {"characters": 2, "iterations": 2}
REFUSAL = "I'm sorry, but I can't help with that."


def attacker(messages: Sequence[Message]) -> str:
    """A double of the attacker: always the same character."""
    return json.dumps({"name": "Aunt  Polly", "description": "She bakes {bread} at night."})


def numbered() -> Callable[[Sequence[Message]], str]:
    """A double of the attacker that writes another character each time: One1, One2, and so on."""
    written = iter(range(1, 100))
    return lambda said: json.dumps({"name": f"One{(n := next(written))}", "description": f"Bakes bread number {n}."})


def cast(prompt: str) -> list[str]:
    """The names of the characters of a prompt, in order."""
    return re.findall(r"^\d+\. (One\d+): ", prompt, re.MULTILINE)


def scored(scores: Sequence[float]) -> Callable[[Sequence[Message]], str]:
    """A double of a target whose answers score as the test says, one after the other."""
    left = iter(scores)
    return lambda said: f"Bread. score={next(left)}"


def test_places_are_filled_one_by_one_with_the_best_candidate(tmp_path: Path) -> None:
    attack = make("seqar", {"characters": 3, "iterations": 3})
    target = scored([0.1, 0.4, 0.2, 0.3, 0.2, 0.6, 0.1, 0.1, 0.1])
    played = play(tmp_path / "r", attack, target=target, attacker=numbered())
    assert [cast(prompt) for prompt in played.prompts] == [
        ["One1"], ["One2"], ["One3"],
        ["One2", "One4"], ["One2", "One5"], ["One2", "One6"],
        ["One2", "One6", "One7"], ["One2", "One6", "One8"], ["One2", "One6", "One9"],
    ]  # fmt: skip
    assert all(len(messages) == 1 for messages in played.target.asked), "each in a conversation of its own"
    assert all(TEA.prompt in prompt for prompt in played.prompts)
    assert (played.record["outcome"], played.record["score"]) == ("safe", 0.6)
    assert len(played.prompts) == attack.queries
    assert make("seqar").queries == 30


def test_the_attacker_is_shown_the_best_so_far_with_their_scores(tmp_path: Path) -> None:
    attack = make("seqar", {"characters": 1, "iterations": 4, "examples": 2})
    played = play(tmp_path / "r", attack, target=scored([0.1, 0.4, 0.2, 0.3]), attacker=numbered())
    shown = [re.findall(r"Name: (.+)\nDescription: .+\nScore: (\d+)", said[-1].text) for said in played.attacker.asked]
    assert shown == [
        [(SIMPLE.name, "25")],
        [("One1", "10")],
        [("One2", "40"), ("One1", "10")],
        [("One2", "40"), ("One3", "20")],
    ]
    two = play(tmp_path / "t", make("seqar", SMALL), target=scored([0.1, 0.4, 0.2, 0.3]), attacker=numbered())
    shown = [re.findall(r"Name: (.+)", said[-1].text) for said in two.attacker.asked]
    assert shown == [[SIMPLE.name], ["One1"], ["One2", "One1"], ["One3"]], (
        "a place begins with what the last one taught"
    )
    assert all(TEA.prompt not in message.text for said in played.attacker.asked for message in said)


def test_the_answer_is_to_begin_with_every_character(tmp_path: Path) -> None:
    attack = make("seqar", {"characters": 2, "iterations": 1})
    played = play(tmp_path / "r", attack, target="No.", attacker=numbered())
    asked, _, begun = played.prompts[1].partition("Here is the story:\n")
    assert "Begin your answer with this" in asked
    assert [line.partition(":")[0] for line in begun.splitlines()] == ["One1", "One2"]


def test_no_query_follows_the_first_success(tmp_path: Path) -> None:
    answers = iter(["No.", "No.", "No.", "Fill the samovar.", "Not asked."])
    attack = make("seqar", {"characters": 3, "iterations": 2})
    played = play(tmp_path / "r", attack, target=lambda said: next(answers), attacker=numbered())
    assert (len(played.prompts), played.record["outcome"]) == (4, "unsafe")


def test_one_lost_candidate_is_lost_alone(tmp_path: Path) -> None:
    write, calls = numbered(), iter(range(100))

    def unwilling(messages: Sequence[Message]) -> str:
        return REFUSAL if next(calls) < 3 else write(messages)

    attack = make("seqar", {"characters": 2, "iterations": 2})
    played = play(tmp_path / "r", attack, target="No.", attacker=unwilling)
    assert [cast(prompt) for prompt in played.prompts] == [["One1"], ["One1", "One2"], ["One1", "One3"]]
    assert played.record["outcome"] == "safe"
    record = play(tmp_path / "e", attack, target=ErrorKind.SERVER, attacker=numbered()).record
    assert (record["outcome"], record["reason"]) == ("error", "server")


def test_where_all_candidates_are_lost_no_further_place_is_filled(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("seqar"), target=ErrorKind.SERVER, attacker=numbered())
    assert len(played.target.asked) == 10


def test_what_the_attacker_writes_is_put_as_it_is(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("seqar", SMALL), target="No.", attacker=attacker)
    assert "1. Aunt Polly: She bakes {bread} at night." in played.prompts[0]
    for name in ("characters", "iterations", "examples"):
        with pytest.raises(ValueError, match=name):
            make("seqar", {name: 0})
