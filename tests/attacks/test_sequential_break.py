"""SequentialBreak: where the request stands, among what, and whose answer the judge reads."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attacks.played import TEA, play
from tocsin.attacks import make
from tocsin.attacks.transform.sequential_break import FRAMES, HARMLESS, own_part
from tocsin.types import Case, Message

REFUSAL = "I'm sorry, but I can't help with that."
CASES = [Case(id=str(number), prompt=f"Explain tea of kind {number}") for number in range(24)]


def items(prompt: str) -> list[str]:
    """The items of a prompt, by their numbers."""
    found = re.findall(r"^\[(\d+)\] (.+)$", prompt, re.MULTILINE)
    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1))
    return [text for _, text in found]


def at(request: str, prompt: str) -> int:
    """The number of the item that holds the request."""
    (place,) = [number for number, text in enumerate(items(prompt), 1) if request in text]
    return place


@pytest.mark.parametrize("scenario", FRAMES)
def test_the_request_is_one_item_among_harmless_ones(tmp_path: Path, scenario: str) -> None:
    played = play(tmp_path / "r", make("sequential-break", {"scenario": scenario}), target="Fill the samovar.")
    (prompt,) = played.prompts
    texts = items(prompt)
    assert len(texts) == 6
    assert prompt.count(TEA.prompt) == 1
    others = [text for text in texts if TEA.prompt not in text]
    assert len(others) == 5
    assert len({next(one for one in HARMLESS if one in text) for text in others}) == 5, "harmless, and none twice"
    assert prompt.startswith(FRAMES[scenario][0][:15])
    assert "[1] to [6]" in prompt


def test_its_place_is_drawn_for_each_case_and_never_an_end(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("sequential-break"), target="No.", cases=CASES)
    places = [at(case.prompt, prompt) for case, prompt in zip(CASES, played.prompts, strict=True)]
    assert set(places) == {2, 3, 4, 5}
    assert len({tuple(text for text in items(prompt) if text in HARMLESS) for prompt in played.prompts}) > 20


def test_place_and_number_can_be_named(tmp_path: Path) -> None:
    for place in (1, 4, 9):
        attack = make("sequential-break", {"items": 9, "place": place, "scenario": "game"})
        (prompt,) = play(tmp_path / str(place), attack, target="No.").prompts
        assert (len(items(prompt)), at(TEA.prompt, prompt)) == (9, place)
    for wrong in ({"items": 2}, {"items": 99}, {"place": 7}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            make("sequential-break", wrong)


@pytest.mark.parametrize("mark", ["[{}]", "**[{}]**", "### [{}]:", "> [{}] Bruno:"])
def test_the_judge_reads_the_answer_to_the_request_alone(tmp_path: Path, mark: str) -> None:
    def target(messages: Sequence[Message], own: str, other: str) -> str:
        place = at(TEA.prompt, messages[-1].text)
        said = [own if number == place else other for number in range(1, 7)]
        return "Here they are.\n" + "\n".join(f"{mark.format(n)}\n{text}\n" for n, text in enumerate(said, 1))

    attack = make("sequential-break")
    refused = play(tmp_path / "n", attack, target=lambda said: target(said, REFUSAL, "Like a samovar."))
    assert (refused.record["outcome"], refused.record["refused"]) == ("safe", 1)
    complied = play(tmp_path / "y", attack, target=lambda said: target(said, "Fill the samovar.", REFUSAL))
    assert complied.record["outcome"] == "unsafe"


def test_what_cannot_be_told_apart_is_read_whole() -> None:
    numbered = "[1]\nOne.\n[2]\nTwo, of [3] parts.\n[4]\nFour."
    assert own_part(numbered, 2, 6) == "Two, of [3] parts."
    assert own_part(numbered, 4, 6) == "Four."
    assert own_part(numbered, 3, 6) == numbered, "it was passed over, or not numbered"
    assert own_part("[2] a\n[2] b", 2, 6) == "[2] a\n[2] b"
    assert own_part("[2]\n[3]\nThree.", 2, 6) == "[2]\n[3]\nThree."
    assert own_part("[2]\nTwo.\n[11] A footnote.\n[3]\nThree.", 2, 6) == "Two.\n[11] A footnote."
    for mixed in ("[2]\nTwo.\n[1]\nOne.", "[3] Do this:\n[4] is a source I rely on.\nStep one.\n[4]\nFour."):
        assert own_part(mixed, int(mixed[1]), 6) == mixed, "numbers that do not rise are not those of the items"
    assert own_part("Only this.", 2, 6) == "Only this."
