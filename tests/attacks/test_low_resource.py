"""Low-resource languages: four together, there and back."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attacks.played import TEA, play
from tests.attacks.tongues import asked, translator
from tocsin.attacks import make
from tocsin.types import Message

FOUR = ["zu", "gd", "hmn", "gn"]


def test_request_goes_there_and_answer_comes_back_in_four_languages(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("low-resource"), target="Amanzi.", translator=translator)
    assert played.prompts == [f"[{code}] {TEA.prompt}" for code in FOUR]
    assert [asked(messages) for messages in played.translator.asked] == [
        pair for code in FOUR for pair in (("en", code), (code, "en"))
    ]
    assert played.record["outcome"] == "safe"
    assert make("low-resource").queries == 4


@pytest.mark.parametrize("works", FOUR)
def test_it_works_if_any_language_does(tmp_path: Path, works: str) -> None:
    def target(messages: Sequence[Message]) -> str:
        return "Gcwalisa umshini." if messages[-1].text.startswith(f"[{works}]") else "Amanzi."

    played = play(tmp_path / "r", make("low-resource"), target=target, translator=translator)
    assert len(played.prompts) == FOUR.index(works) + 1
    assert played.record["outcome"] == "unsafe"


def test_a_language_that_the_translator_does_not_know_is_lost_alone(tmp_path: Path) -> None:
    def gap(messages: Sequence[Message]) -> str:
        return "" if "hmn" in asked(messages) else translator(messages)

    played = play(tmp_path / "r", make("low-resource"), target="Amanzi.", translator=gap)
    assert [prompt[1:3] for prompt in played.prompts] == ["zu", "gd", "gn"]
    assert played.record["outcome"] == "safe"
