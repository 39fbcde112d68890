"""Every form of delivery, refusal and fault that the loopback service knows, in three formats, and the one kind that each is."""

from __future__ import annotations

import time
from io import BytesIO

import pytest
from PIL import Image as Pillow

from tests.models.asking import request
from tests.models.drawing import KEY, NAMES, PROMPT, VARIABLES, came, made, sort
from tests.models.image_forms import REFUSES, SLOW
from tests.models.image_service import FORMS, ImageService
from tests.models.vendors import needs
from tocsin.api import run_loop
from tocsin.models import ModelConfig, ModelError, open_caller
from tocsin.models.caller import Called, Caller
from tocsin.types import Answer, ErrorKind, Failure

EVERYWHERE = {
    **dict.fromkeys(("image", "several", "black", "plain"), "delivered"),
    **dict.fromkeys(("html", "truncated"), "delivered"),  # whether bytes are an image, the engine finds out
    "text": "declined",
    "empty": "blocked",
    "partial": "partial",
    **dict.fromkeys(("not-base64", "broken-json", "no-json", "odd"), "malformed"),
    "slow": "timeout",
    "cut": "connection",
    **dict.fromkeys(("500", "503"), "server"),
    "rejected": "rejected",
    "429": "rate",
    "quota": "quota",
    "401": "auth",
    "404": "not_found",
}
ADDRESSES = {
    **dict.fromkeys(("url", "url-data", "url-redirect", "url-html"), "delivered"),
    **dict.fromkeys(("url-404", "url-empty", "url-large", "url-endless", "url-compressed", "url-none"), "malformed"),
    **dict.fromkeys(("url-metadata", "url-loopback", "url-ten", "url-mapped", "url-number", "url-http"), "malformed"),
    **dict.fromkeys(("url-file", "url-password", "url-to-private", "url-to-file", "url-loop"), "malformed"),
    **dict.fromkeys(("url-500", "url-cut", "url-refused"), "connection"),
    "url-slow": "timeout",
}
LISTS = {
    **dict.fromkeys(("empty-and-error", "empty-and-string", "null-and-error", "text-and-error"), "server"),
    "empty-and-rate": "rate",
    "empty-and-quota": "quota",
    "empty-and-invalid": "rejected",
    **dict.fromkeys(("empty-and-block", "empty-and-words", "empty-and-hollow"), "blocked"),
    "image-and-error": "delivered",
    "image-and-block": "partial",
    **dict.fromkeys(("words-400", "words-422", "nsfw-422", "content-moderation", "prohibited"), "blocked"),
    "moderation-word": "blocked",
    "key-flagged": "auth",
    "parameter-moderation": "rejected",
}
EXPECTED = {
    "openai": EVERYWHERE
    | ADDRESSES
    | LISTS
    | dict.fromkeys(("policy", "moderation", "policy-without-code", "withheld"), "blocked")
    | {"hard-limit": "quota"},
    "gemini": EVERYWHERE
    | dict.fromkeys(("SAFETY", "IMAGE_SAFETY", "PROHIBITED_CONTENT", "IMAGE_PROHIBITED_CONTENT"), "blocked")
    | dict.fromkeys(("RECITATION", "IMAGE_RECITATION", "NO_IMAGE", "prompt-blocked", "blocked-beside"), "blocked")
    | dict.fromkeys(("BLOCKLIST", "SPII", "MODEL_ARMOR", "ESCALATION", "two-blocked-and-other"), "blocked")
    | dict.fromkeys(("IMAGE_OTHER", "OTHER", "LANGUAGE", "MALFORMED_FUNCTION_CALL", "MALFORMED_RESPONSE"), "server")
    | dict.fromkeys(("UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "A_WORD_OF_TOMORROW", "other-with-text"), "server")
    | {"MISSING_THOUGHT_SIGNATURE": "rejected", "PUP_LIMITED_DISABLED": "auth", "file": "malformed"}
    | {"two": "delivered", "two-of-which-one": "delivered", "two-of-which-one-blocked": "partial"}
    | {"safety-after-text": "blocked", "no-image-with-text": "declined", "draft-only": "declined"}
    | {"beside-text": "delivered", "no-candidates": "malformed", "MAX_TOKENS": "length", "CONTINUATION": "length"},
    "ark": EVERYWHERE
    | ADDRESSES
    | LISTS
    | dict.fromkeys(("input-sensitive", "output-sensitive", "input-image-sensitive", "risk"), "blocked")
    | dict.fromkeys(("item-sensitive", "error-in-200"), "blocked")
    | {"item-error": "server", "overdue": "quota"},
}
"""Format → form → what it is."""

WORDS = {
    ("openai", "policy"): "content_policy_violation",
    ("openai", "moderation"): "moderation_blocked",
    ("openai", "policy-without-code"): "content_filter",
    ("openai", "withheld"): "respect_moderation",
    ("openai", "empty"): "empty",
    ("openai", "empty-and-block"): "content_policy_violation",
    ("openai", "empty-and-words"): "content_filter",
    ("openai", "empty-and-hollow"): "empty",
    ("openai", "image-and-block"): "moderation_blocked",
    ("openai", "image-and-error"): "stop",
    ("openai", "nsfw-422"): "nsfw_content",
    ("gemini", "two-of-which-one-blocked"): "IMAGE_SAFETY",
    ("gemini", "blocked-beside"): "OTHER",
    ("gemini", "SAFETY"): "SAFETY",
    ("gemini", "IMAGE_SAFETY"): "IMAGE_SAFETY",
    ("gemini", "NO_IMAGE"): "NO_IMAGE",
    ("gemini", "prompt-blocked"): "PROHIBITED_CONTENT",
    ("gemini", "empty"): "empty",
    ("ark", "input-sensitive"): "InputTextSensitiveContentDetected",
    ("ark", "input-image-sensitive"): "InputImageSensitiveContentDetected.PolicyViolation",
    ("ark", "item-sensitive"): "OutputImageSensitiveContentDetected",
    ("ark", "empty"): "empty",
}
"""The provider's own word for a block."""


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.setenv(name, KEY)


def test_every_form_of_the_service_is_in_the_table() -> None:
    assert {wire: set(forms) for wire, forms in FORMS.items()} == {wire: set(forms) for wire, forms in EXPECTED.items()}
    assert sum(map(len, EXPECTED.values())) >= 20


@pytest.mark.parametrize("wire", EXPECTED)
def test_no_form_is_taken_for_another_kind(wire: str, images: ImageService) -> None:
    if wire == "gemini":
        needs("gemini")
    found = {}
    for form in FORMS[wire]:
        prompt = f"{PROMPT} [[{form}]]"
        result = came(made(images, wire), prompt, timeout=SLOW / 3 if "slow" in form else 5)
        found[form] = sort(result)
        if isinstance(result, ModelError):
            assert result.detail, form
            assert KEY not in result.detail
            assert PROMPT not in result.detail
            assert "://" not in result.detail.replace(images.root, ""), "no address of an image is told"
            if form == "429":
                assert result.retry_after == 7
            if form == "503":
                assert result.pushback
        else:
            assert not (result.declined and result.blocked)
            assert result.text == "" or result.text in (REFUSES, "To begin with,", "Here it is.")
            assert (wire, form) not in WORDS or result.finish == WORDS[wire, form]
    assert found == EXPECTED[wire]


@pytest.mark.parametrize("wire", EXPECTED)
def test_what_is_delivered_is_what_was_drawn(wire: str, images: ImageService) -> None:
    if wire == "gemini":
        needs("gemini")
    one, other = (came(made(images, wire), prompt) for prompt in ("A red kite.", "A blue kite."))
    assert isinstance(one, Answer)
    assert isinstance(other, Answer)
    for image in (*one.images, *other.images):
        with Pillow.open(BytesIO(image.data)) as opened:
            opened.load()
            assert (opened.format, opened.size) == ("PNG", (256, 256))
            assert len(opened.convert("RGB").getcolors(99999) or ()) > 1
    assert one.images[0].data != other.images[0].data
    assert (one.finish, one.blocked, one.declined, one.text) == ("stop", False, False, "")


@pytest.mark.parametrize("wire", ["openai", "ark"])
def test_an_address_that_policy_forbids_is_not_asked_for_again_and_one_that_is_gone_is(
    wire: str, images: ImageService, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = ModelConfig(base_url=images.base(wire), image_hosts=(images.host,), tries=3, backoff=0.01)
    forbidden = ("url-metadata", "url-file", "url-to-private", "url-password", "url-loop")
    for form in (*forbidden, "url-404"):
        images.asked.clear()
        caller = open_caller(NAMES[wire], {NAMES[wire]: entry})

        async def once(caller: Caller = caller, form: str = form) -> Called:
            try:
                return await caller.call(request(f"{PROMPT} [[{form}]]"))
            finally:
                await caller.close()

        called = run_loop(once())
        assert isinstance(called.result, Failure)
        assert called.result.kind is ErrorKind.MALFORMED
        assert called.tries == len(images.asked) == (1 if form in forbidden else 3), form


def test_images_of_all_candidates_are_delivered(images: ImageService) -> None:
    needs("gemini")
    images.queue.append("two")
    answer = came(made(images, "gemini"))
    assert isinstance(answer, Answer)
    assert [image.data for image in answer.images] == [images.asked[0].drawn(), images.asked[0].drawn(1)]


def test_a_fault_is_told_with_the_apis_own_word(images: ImageService) -> None:
    needs("gemini")
    images.queue.extend(("MALFORMED_RESPONSE", "file"))
    reason, address = came(made(images, "gemini")), came(made(images, "gemini"))
    assert isinstance(reason, ModelError)
    assert isinstance(address, ModelError)
    assert "MALFORMED_RESPONSE" in reason.detail
    assert "fileData" in address.detail
    assert "files.test" not in address.detail


@pytest.mark.parametrize("wire", EXPECTED)
def test_a_picture_of_one_colour_is_delivered_as_it_is(wire: str, images: ImageService) -> None:
    if wire == "gemini":
        needs("gemini")
    for form, colour in (("black", (0, 0, 0)), ("plain", (127, 127, 127))):
        images.queue.append(form)
        answer = came(made(images, wire))
        assert isinstance(answer, Answer)
        with Pillow.open(BytesIO(answer.images[0].data)) as opened:
            assert opened.convert("RGB").getcolors() == [(256 * 256, colour)]


def test_a_slow_reply_costs_no_more_than_its_time(images: ImageService) -> None:
    for form in ("slow", "url-slow"):
        images.queue.append(form)
        begun = time.monotonic()
        assert sort(came(made(images, "openai"), timeout=0.3)) == "timeout"
        assert time.monotonic() - begun < SLOW
