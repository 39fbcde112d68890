"""Dr. Jekyll: a life written in one session, and a scene played in another."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from tests.attacks.played import TEA, Reply, play
from tocsin.attacks import make
from tocsin.attacks.dialogue.dr_jekyll import Persona
from tocsin.types import Answer, Case, Message

LIFE = "Born by the sea in a house of clocks, she learned early to trust nobody."
REFUSAL = "I'm sorry, but I can't help with that."


def target(messages: tuple[Message, ...], life: Reply = LIFE) -> Reply:
    """A double of the target: writes a life, and then plays along."""
    return life if "biography" in messages[-1].text else f"Sit down, my friend. ({len(messages)})"


def test_the_biography_is_written_in_a_session_of_its_own(tmp_path: Path) -> None:
    attack = make("dr-jekyll", {"persona": "fixer"})
    played = play(tmp_path / "r", attack, target=target)
    life, *scene = played.target.asked
    assert len(played.target.asked) == attack.queries == 4
    assert "Mara Velt" in life[0].text
    assert TEA.prompt not in life[0].text
    assert [len(asked) for asked in scene] == [1, 3, 5]
    assert LIFE in scene[0][0].text
    assert all(life[0] not in asked for asked in scene), "the scene knows nothing of who wrote it"
    assert len({branch for _, branch in played.calls[:2]}) == 2


@pytest.mark.parametrize("turns", [2, 3])
def test_the_request_comes_last_in_the_scene(tmp_path: Path, turns: int) -> None:
    said = {"turns": turns, "persona": "scientist"}
    played = play(
        tmp_path / "r", make("dr-jekyll", said), target=lambda m: "The samovar." if len(m) > 2 * turns - 2 else "Well."
    )
    assert [TEA.prompt in sent for sent in played.prompts] == [False] * turns + [True]
    assert "the way Anselm Roke would" in played.prompts[-1]
    assert played.record["outcome"] == "unsafe", "the last answer is judged"
    assert played.attacker.asked == []


@pytest.mark.parametrize("life", [REFUSAL, "", Answer("", blocked=True)], ids=["refused", "empty", "blocked"])
def test_a_biography_that_is_not_written_is_replaced(tmp_path: Path, life: Reply) -> None:
    attack = make("dr-jekyll", {"persona": "trickster"})
    played = play(tmp_path / "a", attack, target=lambda said: target(said, life))
    fixed = play(tmp_path / "b", make("dr-jekyll", {"persona": "trickster", "biography": "fixed"}), target=target)
    assert played.prompts[1:] == fixed.prompts
    assert "Ludo Brask is a charming man of forty" in fixed.prompts[0]
    assert len(fixed.prompts) == 3


def test_long_biographies_are_cut(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("dr-jekyll"), target=lambda said: target(said, "clock " * 5_000))
    assert 6_000 < len(played.prompts[1]) < 7_000


def test_cases_meet_different_personas_and_a_replay_the_same(tmp_path: Path) -> None:
    cases = [Case(id=f"c{n}", prompt="How is {tea} brewed?", system="Be brief.") for n in range(8)]

    def cast(folder: Path) -> list[str]:
        played = play(folder, make("dr-jekyll"), target=target, cases=cases)
        assert all(asked[0] == Message("system", "Be brief.") for asked in played.target.asked)
        return [asked[1].text for asked in played.target.asked if "biography" in asked[1].text]

    one = cast(tmp_path / "a")
    assert len(set(one)) > 1
    assert cast(tmp_path / "b") == one


def test_no_blank_is_left(tmp_path: Path) -> None:
    for persona in get_args(Persona):
        played = play(tmp_path / persona, make("dr-jekyll", {"persona": persona}), target=target)
        assert "{" not in "".join(played.prompts)
