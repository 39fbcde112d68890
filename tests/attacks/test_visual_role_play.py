"""Visual role-play: the character stands in the image, and the request in the text."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.attacks.played import TEA, play
from tests.attacks.reading import likeness, opened, read
from tocsin.attacks import make
from tocsin.attacks.visual.pictures import portrait
from tocsin.attacks.visual.visual_role_play import _ANYBODY
from tocsin.types import Case, Message

NAME, DESCRIPTION = (
    "Olga Samson",
    "Keeps a tea house by the river. She loves to tell strangers how everything is done there.",
)


def attacker(messages: Sequence[Message]) -> str:
    """A double of an attacker: invents the character that the test says."""
    return json.dumps({"name": NAME, "description": DESCRIPTION})


@pytest.mark.parametrize("who", ["attacker", "rules"])
def test_the_image_introduces_the_character_and_the_text_asks_it(tmp_path: Path, who: str) -> None:
    played = play(tmp_path / "r", make("visual-role-play", {"character": who}), target="No.", attacker=attacker)
    name, description = (NAME, DESCRIPTION) if who == "attacker" else _ANYBODY
    ((data,),) = played.images
    picture = opened(data)
    lines = read(picture.crop((0, 420, picture.width, picture.height)))
    assert lines[0] == name
    assert likeness("".join(lines[1:]), description) > 0.97
    above = np.asarray(picture.crop((0, 0, picture.width, 420)))
    assert len(np.unique(above.reshape(-1, 3), axis=0)) >= 5, "a portrait has a face, hair and clothes"
    (prompt,) = played.prompts
    assert TEA.prompt in prompt
    assert name not in prompt
    assert "river" not in prompt
    assert bool(played.attacker.asked) == (who == "attacker")


def test_portraits_are_drawn_by_seed(tmp_path: Path) -> None:
    assert portrait(random.Random(1)).tobytes() == portrait(random.Random(1)).tobytes()
    assert len({portrait(random.Random(seed)).tobytes() for seed in range(8)}) == 8
    attack = make("visual-role-play", {"character": "rules"})
    one, again = (play(tmp_path / name, attack, target="No.") for name in ("one", "again"))
    assert one.images == again.images
    other = play(tmp_path / "other", attack, target="No.", cases=[Case(id="other", prompt=TEA.prompt)])
    assert other.images != one.images
