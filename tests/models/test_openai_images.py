"""What is sent to the OpenAI images API, and what its replies are made into."""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import pytest
from PIL import Image as Pillow

from tests.models.drawing import KEY, PROMPT, VARIABLES, came, draw, made
from tests.models.image_service import ImageService, picture
from tocsin.api import run_loop
from tocsin.models import ConfigError, ModelConfig, ModelError, ModelUnavailable, open_caller
from tocsin.models.images_reply import drawn, unpacked
from tocsin.models.openai import OpenAIChat
from tocsin.models.openai_images import OpenAIImages, to_draw
from tocsin.types import Answer, Capabilities, ErrorKind, Image, Message, Request, Sampling, Usage

HERE = "http://127.0.0.1:9/v1"
RED, BLUE = picture("red"), picture("blue")


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, KEY)


def opened(name: str, **config: Any) -> Any:
    return open_caller(name, {name: ModelConfig.model_validate({"base_url": HERE, **config})}).model


def test_calls_at_a_time_are_few_unless_the_entry_says_otherwise() -> None:
    for name, config, most in (
        ("openai/gpt-image-1", {}, 32),
        ("openai/gpt-image-1", {"max_concurrency": 200}, 200),
        ("openai/gpt-image-1", {"max_concurrency": 4}, 4),
        ("openai/gpt-image-1", {"concurrency": 64}, 64),
        ("openai/gpt-5.2", {}, 256),
    ):
        entry = ModelConfig.model_validate({"base_url": HERE, **config})
        assert open_caller(name, {name: entry}).concurrency.ceiling == most


# -- which model is opened ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "config", "kind"),
    [
        ("openai/gpt-image-1", {}, OpenAIImages),
        ("openai/gpt-image-1.5-mini", {}, OpenAIImages),
        ("openai/chatgpt-image-latest", {}, OpenAIImages),
        ("openai/dall-e-3", {}, OpenAIImages),
        ("openai/org/gpt-image-1", {}, OpenAIImages),
        ("openai/flux-2", {"image_out": True}, OpenAIImages),
        ("openai/flux-2", {}, OpenAIChat),
        ("openai/gpt-5.2", {}, OpenAIChat),
        ("openai/my-gpt-image-judge", {}, OpenAIChat),
        ("openai/gpt-image-1", {"image_out": False}, OpenAIChat),
    ],
)
def test_the_entry_says_whether_a_model_makes_images_and_else_its_name(name: str, config: Any, kind: type) -> None:
    model = opened(name, **config)
    assert type(model) is kind
    assert model.capabilities.image_out is (kind is OpenAIImages)


@pytest.mark.parametrize(
    ("name", "config", "edits"),
    [
        ("openai/gpt-image-1", {}, True),
        ("openai/dall-e-2", {}, True),
        ("openai/dall-e-3", {}, False),
        ("openai/flux-2", {"image_out": True}, False),
        ("openai/flux-2", {"image_out": True, "image_in": True}, True),
        ("openai/gpt-image-1", {"image_in": False}, False),
    ],
)
def test_images_go_in_where_the_model_edits_them(name: str, config: Any, edits: bool) -> None:
    assert opened(name, **config).capabilities == Capabilities(image_in=edits, text_out=False, image_out=True)


@pytest.mark.parametrize(
    "config",
    [
        *({"system": "Be kind."}, {"temperature": 0}, {"top_p": 0.5}, {"max_tokens": 9}, {"reasoning_effort": "low"}),
        *({"thinking_budget": 1}, {"structured": True}, {"max_tokens_field": "max_tokens"}),
        *({"extra": {"prompt": "x"}}, {"extra": {"image": "x"}}, {"extra": {"size": "1x1"}}),
    ],
)
def test_what_an_images_api_does_not_know_is_refused_when_it_is_opened(config: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(config.get("extra", config)))):
        opened("openai/gpt-image-1", **config)


@pytest.mark.parametrize("config", [{"images": 2}, {"image_size": "1024x1024"}, {"image_hosts": ["h"]}])
def test_what_is_said_of_images_is_refused_where_none_are_made(config: Any) -> None:
    with pytest.raises(ConfigError, match=next(iter(config))):
        opened("openai/gpt-5.2", **config)


@pytest.mark.parametrize("provider", ["anthropic", "local"])
def test_providers_that_make_no_images_say_so(provider: str) -> None:
    entry = ModelConfig(image_out=True)
    with pytest.raises(ConfigError, match=r"make no images|write text"):
        open_caller(f"{provider}/smollm2-135m", {f"{provider}/smollm2-135m": entry})


def test_the_official_endpoint_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ModelUnavailable, match="OPENAI_API_KEY"):
        open_caller("openai/gpt-image-1", {})


def test_the_identity_holds_what_is_said_of_images_and_nothing_that_is_not() -> None:
    chat = opened("openai/gpt-5.2")
    assert "image" not in chat.identity
    assert not {"images", "image_size", "image_hosts", "image_out"} & set(chat.parameters)
    one = opened("openai/gpt-image-1")
    assert one.identity == opened("openai/gpt-image-1", image_out=True).identity
    others = [
        opened("openai/gpt-image-1", **told).identity
        for told in ({"images": 2}, {"image_size": "1024x1024"}, {"extra": {"quality": "low"}}, {"image_hosts": ["h"]})
    ]
    assert len({one.identity, *others}) == 5
    assert one.base_url == HERE
    assert KEY not in one.identity


# -- what is sent -------------------------------------------------------------------------------------------------------


def test_only_what_is_said_is_sent(images: ImageService) -> None:
    draw(made(images, "openai"))
    (asked,) = images.asked
    assert (asked.path, asked.body) == ("/v1/images/generations", {"model": "gpt-image-1", "prompt": PROMPT})
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert asked.headers["content-type"] == "application/json"


def test_what_the_entry_and_the_suite_say_is_sent(images: ImageService) -> None:
    extra = {"quality": "low", "background": "opaque"}
    model = made(images, "openai", images=2, image_size="64x96", extra=extra)
    sampling = Sampling(temperature=0, top_p=0.5, max_tokens=9, seed=3, stop=("END",), extra={"quality": "high"})
    answer = draw(model, Request((Message("system", "Be brief."), Message("user", PROMPT)), sampling))
    (asked,) = images.asked
    told = {"n": 2, "size": "64x96", "quality": "high", "background": "opaque"}
    assert asked.body == {"model": "gpt-image-1", "prompt": PROMPT, **told}
    assert len(answer.images) == 2
    with Pillow.open(BytesIO(answer.images[1].data)) as image:
        assert image.size == (64, 96)


@pytest.mark.parametrize(("extra", "wanted"), [({}, "b64_json"), ({"response_format": "url"}, "url")])
def test_bytes_are_asked_for_unless_the_entry_says_otherwise(extra: Any, wanted: str, images: ImageService) -> None:
    answer = draw(made(images, "openai", "openai/dall-e-3", extra=extra))
    assert images.asked[0].body["response_format"] == wanted
    assert len(images.fetched) == (wanted == "url")
    assert answer.images == (Image("image/png" if wanted == "url" else "", images.asked[0].drawn()),)
    assert answer.text == "", "a revised prompt is not the model's answer"


def test_the_key_is_not_sent_to_where_an_image_is_fetched(images: ImageService) -> None:
    images.queue.append("url")
    draw(made(images, "openai", headers={"X-Project": "planted-project"}))
    ((_, headers),) = images.fetched
    assert KEY not in str(headers)
    assert "planted" not in str(headers)


def test_the_last_users_text_is_the_prompt_and_the_latest_images_are_edited() -> None:
    red, blue = (Image("image/png", data) for data in (RED, BLUE))
    first, second = Message("user", "A kite."), Message("user", "Now in blue.")
    assert to_draw(Request((Message("system", "Be brief."), first))) == ("A kite.", ())
    assert to_draw(Request((first, Message("assistant", "", (red,)), second))) == ("Now in blue.", (red,))
    told = (Message("user", "A kite.", (red,)), Message("assistant", "", (blue,)), second)
    assert to_draw(Request(told)) == ("Now in blue.", (blue,))
    assert to_draw(Request((*told[:2], Message("user", "Both.", (red, blue))))) == ("Both.", (red, blue))
    assert to_draw(Request((first, Message("assistant", "No."), second))) == ("Now in blue.", ())


@pytest.mark.parametrize("given", [(RED,), (RED, BLUE)])
def test_an_edit_is_a_form_with_the_images_as_files(given: tuple[bytes, ...], images: ImageService) -> None:
    turns = (
        Message("user", "A kite."),
        Message("assistant", "", tuple(Image("image/png", data) for data in given)),
        Message("user", "With a frame."),
    )
    answer = draw(made(images, "openai", images=1, extra={"quality": "low"}), Request(turns))
    (asked,) = images.asked
    assert asked.path == "/v1/images/edits"
    assert asked.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert asked.body == {"model": "gpt-image-1", "prompt": "With a frame.", "n": "1", "quality": "low"}
    assert asked.images == list(given)
    with Pillow.open(BytesIO(answer.images[0].data)) as edited, Pillow.open(BytesIO(given[0])) as before:
        assert edited.size == before.size
        assert edited.convert("RGB").getpixel((0, 0)) == (255, 215, 0)
        assert edited.convert("RGB").getpixel((128, 128)) == before.convert("RGB").getpixel((128, 128))


def test_a_model_that_cannot_edit_says_so_and_is_not_asked(images: ImageService) -> None:
    asked = Request((Message("user", "With a frame.", (Image("image/png", RED),)),))
    failure = came(made(images, "openai", "openai/dall-e-3"), asked)
    assert isinstance(failure, ModelError)
    assert failure.kind is ErrorKind.REJECTED
    assert images.asked == []


def test_one_session_serves_many_calls_side_by_side(images: ImageService) -> None:
    async def many() -> list[Answer]:
        import asyncio

        model = made(images, "openai")
        try:
            asked = [Request((Message("user", f"Kite no. {number}."),)) for number in range(8)]
            return await asyncio.gather(*(model.send(one, 5) for one in asked))
        finally:
            await model.close()

    answers = run_loop(many())
    assert len({answer.images[0].data for answer in answers}) == 8


# -- what comes back ----------------------------------------------------------------------------------------------------


def test_tokens_are_counted_where_the_endpoint_counts_them(images: ImageService) -> None:
    assert draw(made(images, "openai")).usage == Usage(12, 272)
    assert draw(made(images, "openai", "openai/dall-e-2")).usage == Usage()


def test_what_was_delivered_beside_a_block_is_kept(images: ImageService) -> None:
    images.queue.append("partial")
    answer = draw(made(images, "openai"))
    assert (len(answer.images), answer.blocked, answer.finish) == (1, True, "respect_moderation")


def test_one_fault_among_images_that_are_delivered_is_no_fault_of_the_call() -> None:
    told = drawn(b'{"data": [{"b64_json": "AAAA"}, {"error": {"code": "InternalServiceError"}}]}')
    assert (len(told.images), told.blocked) == (1, "")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("RateLimitExceeded", ErrorKind.RATE),
        ("ServerOverloaded", ErrorKind.RATE),
        ("QuotaExceeded", ErrorKind.QUOTA),
        ("InvalidParameter", ErrorKind.REJECTED),
        ("InternalServiceError", ErrorKind.SERVER),
        ("anything", ErrorKind.SERVER),
        ("", ErrorKind.SERVER),
    ],
)
def test_an_error_in_the_place_of_every_image_has_its_kind(code: str, kind: ErrorKind) -> None:
    body = f'{{"data": [{{"error": {{"code": "{code}", "message": "A planted-word in it."}}}}]}}'.encode()
    with pytest.raises(ModelError) as caught:
        drawn(body)
    assert caught.value.kind is kind
    assert "planted" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        *(b"{}", b"[]", b"null", b'"text"', b'{"data": null}', b'{"data": [null]}', b'{"data": [{}]}', b"\xff"),
        *(b'{"data": [{"b64_json": 3}]}', b'{"data": [{"url": ["a"]}]}', b'{"choices": []}', b'{"data": "AAAA"}'),
        *(b'{"data": [{"b64_json": "A"}]}', b'{"data": [{"b64_json": "data:text/html,AAAA"}]}', b"[" * 99999),
        b'{"data": [' + b",".join([b'{"url": "https://h/a.png"}'] * 17) + b"]}",
    ],
)
def test_what_is_another_format_is_malformed(body: bytes) -> None:
    with pytest.raises(ModelError) as caught:
        drawn(body)
    assert caught.value.kind is ErrorKind.MALFORMED


@pytest.mark.parametrize(
    "body", [b'{"data": []}', b'{"data": [{"b64_json": null}]}', b'{"data": [{"url": "", "b64_json": ""}]}']
)
def test_an_empty_list_and_empty_images_are_a_refusal(body: bytes) -> None:
    assert drawn(body).blocked == "empty"


def test_base64_is_read_in_either_alphabet_and_as_an_address() -> None:
    data = bytes(range(256))
    plain, other = base64.b64encode(data).decode(), base64.urlsafe_b64encode(data).decode()
    for encoded in (plain, other, plain.rstrip("="), plain[:80] + "\n" + plain[80:]):
        assert unpacked(encoded) == (data, "")
    assert unpacked(f"data:image/jpg;base64,{plain}") == (data, "image/jpeg")
    assert unpacked(f"data:text/html;base64,{plain}") == (data, "")


def test_a_prompt_that_speaks_of_the_safety_system_makes_no_block(images: ImageService) -> None:
    """An endpoint that quotes the prompt in its error must not seem to have blocked it."""
    images.queue.append("policy-without-code")
    failure = came(made(images, "openai"), "A sign: rejected by the safety system.")
    assert isinstance(failure, ModelError)
    assert failure.kind is ErrorKind.REJECTED
