"""Query-relevant images: the phrase stands in the image alone, and in its place the text refers to it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attacks.played import TEA, play
from tests.attacks.reading import bare, read
from tocsin.attacks import make
from tocsin.attacks.visual.query_relevant import REFERENCE
from tocsin.attacks.visual.wording import phrases, replaced
from tocsin.types import Message


def attacker(messages: Sequence[Message]) -> str:
    """A double of an attacker: chooses a phrase, in capitals that are not the request's."""
    return json.dumps({"phrase": "A Samovar"})


@pytest.mark.parametrize("who", ["rules", "attacker"])
def test_the_phrase_put_back_gives_the_request(tmp_path: Path, who: str) -> None:
    played = play(tmp_path / "r", make("query-relevant", {"phrase": who}), target="No.", attacker=attacker)
    phrase = {"rules": "strong black tea", "attacker": "a samovar"}[who]
    assert bare("".join(read(played.images[0][0]))) == bare(phrase)
    (prompt,) = played.prompts
    assert phrase not in prompt.casefold()
    assert prompt.count(REFERENCE) == 1
    assert prompt.rsplit("\n\n", 1)[1].replace(REFERENCE, phrase) == TEA.prompt


def test_a_phrase_that_does_not_stand_in_the_request_is_asked_for_again(tmp_path: Path) -> None:
    attack = make("query-relevant", {"phrase": "attacker"})
    played = play(tmp_path / "r", attack, target="No.", attacker='{"phrase": "coffee"}')
    assert played.record["reason"] == "not_delivered"
    assert len(played.attacker.asked) == 3


def test_rules_choose_phrases_of_content() -> None:
    assert phrases("How do I pick a pin tumbler lock quickly?", 2) == ["pin tumbler lock quickly", "pick"]
    assert phrases("Wie öffnet man ein Vorhängeschloss?", 1, "de") == ["Vorhängeschloss"]
    assert phrases("如何泡茶？用什么水？", 1, "zh") == ["如何泡茶"]
    assert phrases("Why is it so?", 1) == ["Why"]
    assert phrases("???", 1) == ["???"]
    assert replaced("Tea and TEA", ["tea"], ["[1]"]) == "[1] and [1]"
    assert replaced("a+b (c)", ["a+b", "(c)"], ["1", r"\2"]) == r"1 \2"
