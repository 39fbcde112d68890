"""What is particular to Ark, Volcengine's API for Seedream: what is sent, and how it says that it blocked."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.models.drawing import KEY, PROMPT, VARIABLES, draw, made
from tests.models.image_service import ImageService, picture
from tocsin.models import ConfigError, ModelConfig, ModelUnavailable, open_caller
from tocsin.models.ark import ArkImages
from tocsin.types import Capabilities, Image, Message, Request, Usage

RED, BLUE = (Image("image/png", picture(name)) for name in ("red", "blue"))
ALWAYS = {"model": "doubao-seedream-4-0", "watermark": False, "response_format": "b64_json"}


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, f"{KEY}-{name}")


def as_address(image: Image) -> str:
    return f"data:image/png;base64,{base64.b64encode(image.data).decode()}"


def test_its_own_endpoint_is_the_default_and_needs_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    model = open_caller("ark/doubao-seedream-4-0", {}).model
    assert isinstance(model, ArkImages)
    assert model.base_url == "https://ark.cn-beijing.volces.com/api/v3"
    assert model.capabilities == Capabilities(image_in=True, text_out=False, image_out=True)
    monkeypatch.delenv("ARK_API_KEY")
    with pytest.raises(ModelUnavailable, match="ARK_API_KEY"):
        open_caller("ark/doubao-seedream-4-0", {})
    monkeypatch.setenv("ARK_BASE_URL", "http://127.0.0.1:9/api/v3")
    assert open_caller("ark/doubao-seedream-4-0", {}).model.identity.startswith(
        "doubao-seedream-4-0@http://127.0.0.1:9/"
    )


def test_a_model_that_draws_from_text_alone_takes_no_images(images: ImageService) -> None:
    assert not made(images, "ark", "ark/doubao-seedream-3-0-t2i").capabilities.image_in


def test_bytes_without_a_watermark_are_asked_for_with_the_key_of_ark(images: ImageService) -> None:
    answer = draw(made(images, "ark"))
    (asked,) = images.asked
    assert asked.path == "/api/v3/images/generations"
    assert asked.body == ALWAYS | {"prompt": PROMPT}
    assert asked.headers["authorization"] == f"Bearer {KEY}-ARK_API_KEY"
    assert answer.images == (Image("", asked.drawn()),)
    assert answer.usage == Usage(0, 4096)
    assert answer.model == "doubao-seedream-4-0"


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"image_size": "2K"}, {"size": "2K"}),
        ({"images": 1}, {"sequential_image_generation": "disabled"}),
        (
            {"images": 3},
            {"sequential_image_generation": "auto", "sequential_image_generation_options": {"max_images": 3}},
        ),
        ({"extra": {"watermark": True, "guidance_scale": 2.5}}, {"watermark": True, "guidance_scale": 2.5}),
    ],
)
def test_what_the_entry_says_is_sent_as_the_api_names_it(config: Any, wanted: Any, images: ImageService) -> None:
    answer = draw(made(images, "ark", **config))
    assert images.asked[0].body == ALWAYS | {"prompt": PROMPT} | wanted
    assert len(answer.images) == config.get("images", 1)


@pytest.mark.parametrize("field", ["prompt", "image", "size", "sequential_image_generation"])
def test_extra_cannot_say_what_the_journal_must_know(field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        open_caller("ark/seedream", {"ark/seedream": ModelConfig(extra={field: "x"})})


@pytest.mark.parametrize("given", [(RED,), (RED, BLUE)])
def test_an_edit_is_the_same_request_with_the_images_as_addresses(
    given: tuple[Image, ...], images: ImageService
) -> None:
    turns = (Message("user", "A kite."), Message("assistant", "", given), Message("user", "With a frame."))
    answer = draw(made(images, "ark"), Request(turns))
    (asked,) = images.asked
    told = [as_address(image) for image in given]
    assert asked.body == ALWAYS | {"prompt": "With a frame.", "image": told[0] if len(told) == 1 else told}
    assert answer.images[0].data == asked.drawn()


def test_an_image_that_comes_as_an_address_is_fetched(images: ImageService) -> None:
    answer = draw(made(images, "ark", extra={"response_format": "url"}))
    assert answer.images == (Image("image/png", images.asked[0].drawn()),)
    assert len(images.fetched) == 1


def test_one_image_of_two_that_the_filter_kept_back_is_a_block_and_the_other_is_delivered(
    images: ImageService,
) -> None:
    images.queue.append("partial")
    answer = draw(made(images, "ark", images=2))
    assert (len(answer.images), answer.blocked, answer.declined) == (1, True, False)
    assert answer.finish == "OutputImageSensitiveContentDetected"
