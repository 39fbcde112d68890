"""What comes back from an API that makes images, in the format of OpenAI's and of those that took it over (Ark, xAI and others).

Whether bytes are an image is not asked here: the engine opens them. What is asked is whether there are any, and if not, why: a
filter's word is a block, an empty list is one too, and anything else is a fault with its kind. A list is empty in that sense only
where no error stands beside it: gateways put one into replies with status 200, and it then says why nothing came.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import NamedTuple

import msgspec
from msgspec import UNSET, UnsetType

from tocsin.models.errors import ModelError
from tocsin.models.fetching import Fetched
from tocsin.models.openai_reply import block_word, is_spent, says_blocked
from tocsin.models.sdk import decoded
from tocsin.types import ErrorKind, Usage

MOST_IMAGES = 16
"""Images of a reply at most: no API makes more in a call, and each address would be fetched."""

_MEDIA_TYPE = re.compile(r"image/[a-z0-9.+-]{1,40}")


class _Error(msgspec.Struct):
    code: str | int | None = None
    type: str | None = None
    message: str | None = None


class _Item(msgspec.Struct):
    b64_json: str | UnsetType | None = UNSET
    url: str | UnsetType | None = UNSET
    error: _Error | str | None = None
    text: str | None = None
    respect_moderation: bool | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None


class _Reply(msgspec.Struct):
    data: list[_Item] | UnsetType | None = UNSET
    error: _Error | str | None = None
    usage: _Usage | None = None
    model: str | None = None
    output_format: str | None = None


class Drawn(NamedTuple):
    """What a reply holds.

    Attributes:
        images: The images, or the addresses of those that are to be fetched.
        text: What the model wrote beside or in place of images.
        blocked: The filter's word, if it struck; ``empty`` where nothing came and nothing was said.
        usage: Tokens, where the endpoint counts them.
        model: The model's name as the endpoint reports it.
    """

    images: tuple[Fetched | str, ...]
    text: str
    blocked: str
    usage: Usage
    model: str


def drawn(body: bytes, prompts: tuple[str, ...] = ()) -> Drawn:
    """What is in the body of a reply with status 200.

    Args:
        body: The reply's body.
        prompts: What was asked: a message that may quote it shows no block.

    Raises:
        ModelError: It is another format, or no image could be made for a reason that is not the filter's.
    """
    reply = decoded(body, _Reply)
    items, whole = reply.data or [], _error(reply.error)
    if not isinstance(reply.data, list) and whole is None:
        raise ModelError(ErrorKind.MALFORMED, "the reply holds no data")
    if len(items) > MOST_IMAGES:
        raise ModelError(ErrorKind.MALFORMED, f"the reply holds more than {MOST_IMAGES} images")
    told = media_type(f"image/{reply.output_format}") if reply.output_format else ""
    images = [image for item in items if (image := _image(item, told, whole is not None)) is not None]
    errors = [error for error in (whole, *(_error(item.error) for item in items)) if error is not None]
    text = "\n\n".join(item.text for item in items if item.text and item.text.strip())
    blocked = next(filter(None, (_blocked(error, prompts) for error in errors)), "")
    if not blocked and any(item.respect_moderation is False for item in items):
        blocked = "respect_moderation"
    if not images and not blocked:
        if errors:  # whatever was written beside them
            raise _fault(errors[0])
        blocked = "" if text else "empty"
    usage = reply.usage or _Usage()
    counted = Usage(max(0, usage.input_tokens or 0), max(0, usage.output_tokens or 0))
    return Drawn(tuple(images), text, blocked, counted, reply.model or "")


def unpacked(encoded: str, told: str = "") -> Fetched:
    """Bytes that stand as base64 in JSON, in either alphabet, or as a ``data:`` address.

    Raises:
        ModelError: `ErrorKind.MALFORMED`; they are not base64.
    """
    if encoded.startswith("data:"):
        head, _, encoded = encoded.partition(",")
        told = media_type(head[5:].partition(";")[0]) or told
        if not head.endswith(";base64"):
            raise ModelError(ErrorKind.MALFORMED, "the image is not base64")
    try:
        flat = "".join(encoded.split()).translate(str.maketrans("-_", "+/"))
        return Fetched(base64.b64decode(flat + "=" * (-len(flat) % 4), validate=True), told)
    except (binascii.Error, ValueError) as error:
        raise ModelError(ErrorKind.MALFORMED, "the image is not base64") from error


def _image(item: _Item, told: str, explained: bool) -> Fetched | str | None:
    if item.respect_moderation is False:  # a stand-in for what was kept back, if there is anything
        return None
    if item.b64_json:
        return unpacked(item.b64_json, told)
    if item.url:
        return unpacked(item.url) if item.url.startswith("data:") else item.url
    if item.b64_json is UNSET and item.url is UNSET and not (item.error or item.text or explained):
        raise ModelError(ErrorKind.MALFORMED, "an image of the reply has neither bytes nor an address")
    return None


def _error(error: _Error | str | None) -> _Error | None:
    """The error, if it says anything: some endpoints send one whose fields are all empty."""
    if not isinstance(error, _Error):
        error = _Error(message=error)
    return error if error.code or error.type or error.message else None


def _blocked(error: _Error, prompts: tuple[str, ...]) -> str:
    """The filter's word in an error; empty if it is not the filter's."""
    word = block_word(error.code, error.type)
    return word or ("content_filter" if says_blocked(error.message or "", prompts) else "")


def _fault(error: _Error) -> ModelError:
    """Why an image could not be made, under status 200. Its message is not kept: it may quote the prompt."""
    code = f"{error.code or ''} {error.type or ''}"
    if is_spent(error.code) or is_spent(error.type):
        return ModelError(ErrorKind.QUOTA, "nothing is left to spend on this key")
    if re.search(r"rate_?limit|too_?many|overload|\b429\b", code, re.IGNORECASE):
        return ModelError(ErrorKind.RATE, "the endpoint made no image: it has too much to do")
    if re.search(r"invalid|unsupported|bad_?request|\b4\d\d\b", code, re.IGNORECASE):
        return ModelError(ErrorKind.REJECTED, "the endpoint made no image: it does not accept this request")
    return ModelError(ErrorKind.SERVER, "the endpoint made no image, for a reason of its own")


def media_type(told: str) -> str:
    """A media type as it was told, if it is one of an image; empty otherwise."""
    told = told.strip().lower().replace("image/jpg", "image/jpeg")
    return told if _MEDIA_TYPE.fullmatch(told) else ""
