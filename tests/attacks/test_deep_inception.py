"""DeepInception: scenes within scenes, and the request as what their characters work on."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from tests.attacks.played import TEA, play
from tocsin.attacks import make
from tocsin.attacks.transform.deep_inception import Scene


@pytest.mark.parametrize("layers", [1, 3, 5, 10])
def test_each_layer_is_made_by_the_one_above(tmp_path: Path, layers: int) -> None:
    played = play(tmp_path / "r", make("deep-inception", {"layers": layers, "characters": 7}), target="The samovar.")
    (sent,) = played.prompts
    nested = re.findall(r"characters of layer (\d+) make up layer (\d+)", sent)
    assert nested == [(str(layer), str(layer + 1)) for layer in range(1, layers)]
    assert "more than 7 characters" in sent
    assert f"In layer {layers}, the last one" in sent
    assert played.record["outcome"] == "unsafe"


@pytest.mark.parametrize("scene", get_args(Scene))
def test_characters_of_every_layer_work_on_the_request(tmp_path: Path, scene: Scene) -> None:
    (sent,) = play(tmp_path / "r", make("deep-inception", {"scene": scene}), target="No.").prompts
    before, request, after = sent.partition(f"\n---\n{TEA.prompt}\n---\n")
    assert request
    assert sent.count(TEA.prompt) == 1
    assert scene.split()[0] in before or scene == "stage scene"
    assert "In every layer a few characters propose one step" in before
    assert "characters of all layers come together" in after
    assert "layer by layer" in after


def test_by_default_it_has_the_papers_scene_characters_and_layers(tmp_path: Path) -> None:
    (sent,) = play(tmp_path / "r", make("deep-inception"), target="No.").prompts
    assert "science fiction" in sent
    assert "more than 5 characters" in sent
    assert "make up layer 5" in sent
    assert "make up layer 6" not in sent


def test_layers_and_characters_are_checked() -> None:
    for said in ({"layers": 0}, {"layers": 21}, {"characters": 0}, {"scene": "opera"}):
        with pytest.raises(ValueError, match="deep-inception"):
            make("deep-inception", said)
