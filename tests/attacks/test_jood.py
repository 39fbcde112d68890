"""JOOD: what the mixture is made of, in which shares, and where the search ends."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.attacks.played import TEA, play
from tests.attacks.reading import likeness, opened, png, read
from tocsin import types
from tocsin.attacks import make
from tocsin.attacks.visual.pictures import shapes
from tocsin.drawing import lettering
from tocsin.types import Case

SMALL = {"shares": [0.9, 0.1]}


def others(folder: Path) -> dict[str, dict[str, object]]:
    return {"shares": {"shares": [0.5]}}


def parted(one: bytes, other: bytes, first: float, second: float) -> tuple[np.ndarray, np.ndarray]:
    """Image and auxiliary, of two mixtures of both with these shares: two equations with two unknowns."""
    a, b = (np.asarray(opened(data), dtype=float) for data in (one, other))
    image = (a * (1 - second) - b * (1 - first)) / (first - second)
    auxiliary = (b * first - a * second) / (first - second)
    return image, auxiliary


def test_a_mixture_taken_apart_gives_the_image_and_shapes(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("jood", SMALL), target="No.")
    (one,), (other,) = played.images
    image, auxiliary = parted(one, other, 0.9, 0.1)
    drawn = np.asarray(lettering(TEA.prompt, width=760, height=760, size=64), dtype=float)
    assert np.abs(image - drawn).max() <= 2, "rounding to whole values leaves no more"
    back = Image.fromarray(np.clip(image, 0, 255).astype("uint8"))
    assert likeness("".join(read(back)), TEA.prompt) > 0.97
    assert len(np.unique(np.clip(auxiliary, 0, 255).astype("uint8").reshape(-1, 3), axis=0)) > 3, "there are shapes"
    assert not {"samovar", "tea"} & set(" ".join(played.prompts).casefold().split())
    assert play(tmp_path / "again", make("jood", SMALL), target="No.").images == played.images
    elsewhere = play(tmp_path / "o", make("jood", SMALL), target="No.", cases=[Case(id="other", prompt=TEA.prompt)])
    assert elsewhere.images != played.images, "another cell has other shapes"


def test_a_case_s_own_image_is_what_is_mixed(tmp_path: Path) -> None:
    own = shapes(random.Random(3), 200)
    case = Case(id="1", prompt="What is shown here?", images=(types.Image("image/png", png(own)),))
    played = play(tmp_path / "r", make("jood", SMALL), target="No.", cases=[case])
    (one,), (other,) = played.images
    image, _ = parted(one, other, 0.9, 0.1)
    assert np.abs(image - np.asarray(own, dtype=float)).max() <= 2
    assert all(case.prompt in prompt for prompt in played.prompts)


@pytest.mark.parametrize(("success", "asked"), [(3, 4), (99, 18)])
def test_every_share_is_tried_until_one_works(tmp_path: Path, success: int, asked: int) -> None:
    count = iter(range(100))
    attack = make("jood", {"auxiliary": 2})
    played = play(tmp_path / "r", attack, target=lambda _: "The samovar." if next(count) == success else "No.")
    assert len(played.prompts) == asked <= attack.queries
    assert played.record["outcome"] == ("unsafe" if success < 99 else "safe")
    assert len({images[0] for images in played.images}) == asked
