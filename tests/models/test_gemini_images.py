"""What Gemini models are sent that make images, and what their replies are made into."""

from __future__ import annotations

from typing import Any

import pytest

from tests.models.conftest import Serve
from tests.models.drawing import KEY, PROMPT, came, draw, made
from tests.models.image_forms import REFUSES
from tests.models.image_service import ImageService, picture
from tests.models.test_gemini import _camel
from tests.models.vendors import base, content, needs
from tests.models.vendors import made as at
from tocsin.models import ConfigError, ModelError
from tocsin.types import Answer, Capabilities, ErrorKind, Image, Message, Request, Sampling, Usage

RED = Image("image/png", picture("red"))


@pytest.fixture(autouse=True)
def _sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("gemini")
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


def sent(images: ImageService) -> Any:
    (asked,) = images.asked
    return _camel(asked.body)


@pytest.mark.parametrize(
    ("name", "config", "draws"),
    [
        ("gemini/gemini-2.5-flash-image", {}, True),
        ("gemini/gemini-3-pro-image-preview", {}, True),
        ("gemini/nano-banana-pro-preview", {}, True),
        ("gemini/gemini-3-pro-preview", {"image_out": True}, True),
        ("gemini/gemini-3-pro-preview", {}, False),
        ("gemini/gemini-2.5-flash-image", {"image_out": False}, False),
    ],
)
def test_the_entry_says_whether_a_model_makes_images_and_else_its_name(
    name: str, config: Any, draws: bool, images: ImageService
) -> None:
    model = made(images, "gemini", name, **config)
    assert model.capabilities == Capabilities(image_in=True, image_out=draws)
    assert ("image_out" in model.identity) is draws
    came(model)
    assert bool(sent(images)["generationConfig"]) is draws


def test_text_and_images_are_asked_for(images: ImageService) -> None:
    answer = draw(made(images, "gemini"))
    asked = sent(images)
    assert asked["generationConfig"] == {"responseModalities": ["TEXT", "IMAGE"]}
    assert asked["contents"] == [{"role": "user", "parts": [{"text": PROMPT}]}]
    assert images.asked[0].path == "/v1beta/models/gemini-2.5-flash-image:generateContent"
    assert answer.images == (Image("image/png", images.asked[0].drawn()),)
    assert (answer.usage, answer.model) == (Usage(12, 1290), "gemini-image-loopback")


@pytest.mark.parametrize(("size", "wanted"), [("16:9", {"aspectRatio": "16:9"}), ("2K", {"imageSize": "2K"})])
def test_a_size_is_a_shape_or_a_resolution(size: str, wanted: Any, images: ImageService) -> None:
    draw(made(images, "gemini", image_size=size))
    assert sent(images)["generationConfig"]["imageConfig"] == wanted


def test_what_a_text_model_is_told_is_told_to_this_one_too(images: ImageService) -> None:
    asked = Request((Message("user", PROMPT),), Sampling(temperature=0.5, seed=3))
    draw(made(images, "gemini", system="Be kind."), asked)
    body = sent(images)
    assert body["systemInstruction"]["parts"] == [{"text": "Be kind."}]
    assert body["generationConfig"] == {"temperature": 0.5, "seed": 3, "responseModalities": ["TEXT", "IMAGE"]}


def test_an_edit_is_the_conversation_as_it_stands(images: ImageService) -> None:
    turns = (Message("user", "A kite."), Message("assistant", "Here.", (RED,)), Message("user", "With a frame."))
    answer = draw(made(images, "gemini"), Request(turns))
    roles = [(turn["role"], [*map(next, map(iter, turn["parts"]))]) for turn in sent(images)["contents"]]
    assert roles == [("user", ["text"]), ("model", ["inlineData", "text"]), ("user", ["text"])]
    assert images.asked[0].images == [RED.data]
    assert answer.images[0].data == images.asked[0].drawn()


@pytest.mark.parametrize("config", [{"images": 2}, {"image_hosts": ["h"]}])
def test_what_the_api_does_not_know_is_refused_when_it_is_opened(config: Any, images: ImageService) -> None:
    with pytest.raises(ConfigError, match=next(iter(config))):
        made(images, "gemini", **({"image_hosts": ()} | config))


@pytest.mark.parametrize("config", [{"images": 2}, {"image_size": "2K"}, {"image_hosts": ["h"]}])
def test_what_is_said_of_images_is_refused_where_none_are_made(config: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(config))):
        at("gemini", "http://127.0.0.1:9", **config)


def test_text_beside_an_image_is_kept_and_text_in_its_place_is_a_refusal(images: ImageService) -> None:
    images.queue.extend(("beside-text", "text"))
    beside, instead = draw(made(images, "gemini")), draw(made(images, "gemini"))
    assert (beside.text, len(beside.images), beside.declined) == ("Here it is.", 1, False)
    assert (instead.text, len(instead.images), instead.declined) == (REFUSES, 0, True)


def test_a_draft_among_the_thoughts_is_not_delivered(images: ImageService) -> None:
    images.queue.append("draft-only")
    answer = draw(made(images, "gemini"))
    assert (answer.images, answer.text, answer.declined) == ((), REFUSES, True)


def test_what_was_written_before_the_filter_struck_is_kept(images: ImageService) -> None:
    images.queue.extend(("safety-after-text", "partial"))
    written, painted = draw(made(images, "gemini")), draw(made(images, "gemini"))
    assert (written.text, written.blocked, written.declined) == ("To begin with,", True, False)
    assert (len(painted.images), painted.blocked, painted.finish) == (1, True, "IMAGE_SAFETY")


def test_the_limit_on_tokens_is_no_refusal(serve: Serve) -> None:
    there = serve(content({"text": "Let me think of"}, finish="MAX_TOKENS"))
    answer = draw(at("gemini", base(there), image_out=True))
    assert (answer.finish, answer.blocked, answer.declined) == ("length", False, False)


def test_a_text_models_answer_does_not_change_by_an_image_in_it(serve: Serve) -> None:
    parts: tuple[dict[str, Any], ...] = ({"inlineData": {"mimeType": "image/png", "data": "!"}}, {"text": "Yes."})
    answer = draw(at("gemini", base(serve(content(*parts)))))
    assert answer == Answer("Yes.", usage=Usage(11, 7), model="gemini-loopback")
    failure = came(at("gemini", base(serve(content(*parts))), image_out=True))
    assert isinstance(failure, ModelError)
    assert failure.kind is ErrorKind.MALFORMED
