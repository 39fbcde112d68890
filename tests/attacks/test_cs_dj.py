"""CS-DJ: sub-queries stand in the sheet, each in its picture, among pictures of something else."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attacks.played import TEA, play
from tests.attacks.reading import bare, opened, read
from tocsin.attacks import make
from tocsin.attacks.visual.pictures import shapes
from tocsin.attacks.visual.wording import divided
from tocsin.types import Case, Message

PARTS = ["What is a samovar?", "Which tea is strong?", "How is it brewed?"]


def attacker(messages: Sequence[Message]) -> str:
    """A double of an attacker: decomposes as the test says."""
    return json.dumps({"parts": PARTS})


@pytest.mark.parametrize("who", ["attacker", "rules"])
def test_every_sub_query_and_caption_is_read_in_its_place(tmp_path: Path, who: str) -> None:
    played = play(tmp_path / "r", make("cs-dj", {"decompose": who}), target="No.", attacker=attacker)
    ((data,),) = played.images
    sheet = opened(data)
    parts = PARTS if who == "attacker" else divided(TEA.prompt, 3)
    gap, side, strip = 12, 320, 44
    top = gap + 3 * (side + strip + gap)
    if who == "rules":
        assert " ".join(parts) == TEA.prompt
        for column, part in enumerate(parts):
            left = gap + column * (side + gap)
            lines = read(sheet.crop((left, top, left + side, top + strip + side)))
            assert bare("".join(lines)) == bare(f"Picture {10 + column}{part}")
    else:
        lines = read(sheet)
        assert {f"picture{number}" for number in range(1, 13)} <= {bare(line) for line in lines}
        seen = " ".join(lines).casefold()
        assert all(word.casefold().strip("?") in seen for part in parts for word in part.split())
    (prompt,) = played.prompts
    assert "samovar" not in prompt
    assert "Pictures 10 to 12" in prompt
    again = play(tmp_path / "a", make("cs-dj", {"decompose": who}), target="No.", attacker=attacker)
    assert again.images == played.images
    other = Case(id="other", prompt=TEA.prompt)
    moved = play(tmp_path / "o", make("cs-dj", {"decompose": who}), target="No.", attacker=attacker, cases=[other])
    assert moved.images != played.images, "another cell has other distractions"


def test_distractions_differ_from_one_another_and_by_seed() -> None:
    rng = random.Random(1)
    drawn = {shapes(rng, 100).tobytes() for _ in range(20)}
    assert len(drawn) == 20
    assert shapes(random.Random(1), 100).tobytes() in drawn
    assert shapes(random.Random(2), 100).tobytes() not in drawn


def test_requests_of_few_words_have_fewer_parts() -> None:
    assert divided("Brew tea", 3) == ["Brew", "tea"]
    assert divided("", 3) == [""]
    assert "".join(divided("如何泡一壶浓红茶", 3)) == "如何泡一壶浓红茶"
