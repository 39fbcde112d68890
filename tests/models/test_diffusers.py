"""Pipelines of diffusers: how a missing one is told, and the way from a prompt to PNG bytes.

The pipeline here is a stand-in with the interface of the library's own, since torch is not among what tests need: it draws with
Pillow. What a real pipeline makes of a prompt is not tested.
"""

from __future__ import annotations

import asyncio
import importlib.util
import threading
import time
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from PIL import Image as Pillow

from tests.models.asking import request
from tests.models.drawing import came, sort
from tests.models.image_service import picture
from tocsin import registry
from tocsin.api import run_loop
from tocsin.models import ConfigError, ModelConfig, ModelError, ModelUnavailable, open_caller
from tocsin.models.diffusers import DiffusersModel
from tocsin.types import Answer, Capabilities, Image, Message, Request, Sampling

NAME = "diffusers/stand-in"
RED = Image("image/png", picture("red"))


class StandIn:
    """A stand-in for a pipeline: three steps, then pictures; its checker keeps back those whose number is in `kept`."""

    def __init__(self, *, kept: tuple[int, ...] | None = (), step: float = 0.0, fails: Exception | None = None) -> None:
        self.kept, self.step, self.fails = kept, step, fails
        self.asked: list[dict[str, Any]] = []
        self.under_way = self.most = 0

    def __call__(self, *, prompt: str, callback_on_step_end: Any, **options: Any) -> Any:
        self.asked.append({"prompt": prompt, **options})
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            for number in range(3):
                time.sleep(self.step)
                callback_on_step_end(self, number, 0, {})
            if self.fails is not None:
                raise self.fails
        finally:
            self.under_way -= 1
        kept = self.kept or ()
        size = f"{options.get('width', 64)}x{options.get('height', 64)}"
        told = [picture(f"{number} {prompt}", size) for number in range(options["num_images_per_prompt"])]
        drawn = [Pillow.open(BytesIO(one)) for one in told]
        drawn = [Pillow.new("RGB", one.size) if number in kept else one for number, one in enumerate(drawn)]
        flags = None if self.kept is None else [number in kept for number in range(len(drawn))]
        return SimpleNamespace(images=drawn, nsfw_content_detected=flags)


def model(pipeline: StandIn, **config: Any) -> DiffusersModel:
    return DiffusersModel(NAME, ModelConfig.model_validate(config), pipeline=pipeline)


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_without_the_extra_it_is_told_what_to_install() -> None:
    with pytest.raises(ModelUnavailable, match=r"pip install 'tocsin\[diffusers\]'"):
        open_caller("diffusers/org/name", {})
    assert registry.find("provider", "diffusers") is DiffusersModel


@pytest.mark.parametrize("kept", [(), None])
def test_a_prompt_becomes_a_png(kept: tuple[int, ...] | None) -> None:
    pipeline = StandIn(kept=kept)
    answer = came(model(pipeline, image_size="96x64", extra={"num_inference_steps": 3}), "A red kite.")
    assert isinstance(answer, Answer)
    (image,) = answer.images
    assert image.media_type == "image/png"
    with Pillow.open(BytesIO(image.data)) as opened:
        assert (opened.format, opened.size) == ("PNG", (96, 64))
    assert (answer.blocked, answer.finish, answer.text) == (False, "stop", "")
    (asked,) = pipeline.asked
    assert asked == {
        "prompt": "A red kite.", "width": 96, "height": 64, "num_images_per_prompt": 1, "num_inference_steps": 3,
        "output_type": "pil",
    }  # fmt: skip


def test_what_the_safety_checker_keeps_back_is_a_block() -> None:
    answer = came(model(StandIn(kept=(0,))))
    assert isinstance(answer, Answer)
    assert (answer.images, answer.blocked, answer.finish) == ((), True, "nsfw_content_detected")
    answer = came(model(StandIn(kept=(1,)), images=3))
    assert isinstance(answer, Answer)
    assert (len(answer.images), answer.blocked) == (2, True)


def test_an_edit_of_a_pipeline_that_cannot_is_rejected() -> None:
    pipeline = StandIn()
    asked = Request((Message("user", "A frame.", (RED,)),))
    assert sort(came(model(pipeline), asked)) == "rejected"
    assert pipeline.asked == []
    assert model(pipeline).capabilities == Capabilities(text_out=False, image_out=True)
    assert model(pipeline, image_in=True).capabilities.image_in


def test_an_edit_is_put_to_the_pipelines_editor() -> None:
    editor, one = StandIn(), model(StandIn(), image_in=True)
    one._editor = editor
    assert sort(came(one, Request((Message("user", "A frame.", (RED,)),)))) == "delivered"
    assert editor.asked[0]["image"].size == (256, 256)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (RuntimeError("CUDA out of memory: a planted-word"), "server"),
        (MemoryError(), "server"),
        (TypeError("unexpected keyword argument"), "rejected"),
        (ValueError("`height` and `width` have to be divisible by 8"), "rejected"),
    ],
)
def test_faults_of_a_pipeline_have_their_kinds_and_quote_nothing(error: Exception, kind: str) -> None:
    failure = came(model(StandIn(fails=error)))
    assert sort(failure) == kind
    assert "planted" not in str(failure)


def test_a_call_ends_with_its_time_after_a_step() -> None:
    begun = time.monotonic()
    assert sort(came(model(StandIn(step=0.3)), timeout=0.1)) == "timeout"
    assert time.monotonic() - begun < 0.8


def test_one_call_is_drawn_at_a_time_and_one_that_is_given_up_ends() -> None:
    pipeline = StandIn(step=0.02)

    async def many() -> list[Any]:
        one = model(pipeline)
        first = asyncio.ensure_future(one.send(request("Given up."), 5))
        await asyncio.sleep(0.03)
        first.cancel()
        others = [one.send(request(f"Kite {number}."), 5) for number in range(3)]
        return await asyncio.gather(first, *others, return_exceptions=True)

    given_up, *answers = run_loop(many())
    assert isinstance(given_up, asyncio.CancelledError)
    assert all(isinstance(answer, Answer) and answer.images for answer in answers)
    assert (pipeline.most, pipeline.under_way) == (1, 0)
    assert threading.active_count() < 20


@pytest.mark.parametrize(
    "config",
    [
        *({"temperature": 0}, {"system": "Be kind."}, {"image_size": "2K"}, {"base_url": "http://h/v1"}),
        *({"image_hosts": ["h"]}, {"extra": {"prompt": "x"}}, {"extra": {"generator": 1}}),
    ],
)
def test_what_a_pipeline_does_not_know_is_refused(config: Any) -> None:
    with pytest.raises(ConfigError):
        model(StandIn(), **config)


def test_the_identity_holds_what_is_fixed() -> None:
    one, other = model(StandIn()), model(StandIn(), extra={"guidance_scale": 3})
    assert one.identity.startswith("diffusers/stand-in#")
    assert one.identity != other.identity
    assert (one.default_concurrency, one.base_url) == (1, "")


@pytest.mark.skipif(importlib.util.find_spec("torch") is not None, reason="torch is installed")
def test_a_seed_needs_torch() -> None:
    async def seeded() -> Any:
        return await model(StandIn()).send(Request((Message("user", "A kite."),), Sampling(seed=3)), 5)

    with pytest.raises((ModelUnavailable, ModelError), match="diffusers"):
        run_loop(seeded())
