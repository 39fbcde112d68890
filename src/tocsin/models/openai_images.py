"""The OpenAI images API, and whatever else speaks it.

What is sent and what comes back: https://platform.openai.com/docs/api-reference/images. A request holds one prompt, the text of
the last user message: there is no system prompt and no conversation. Where the conversation holds images, the latest are edited.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar

import aiohttp
import msgspec

from tocsin.models.config import ConfigError, ModelConfig
from tocsin.models.errors import ModelError
from tocsin.models.fetching import Fetched, Fetcher
from tocsin.models.images_reply import Drawn, drawn
from tocsin.models.openai_reply import block_or_fault
from tocsin.models.openai_wire import MAX_REPLY, Came, OpenAIEndpoint
from tocsin.types import Answer, Capabilities, ErrorKind, Image, Request

NAMES = re.compile(r"(?:^|/)(?:gpt-image|chatgpt-image|dall-e)", re.IGNORECASE)
"""Models that make images by their names."""

_BYTES_ONLY = re.compile(r"(?:^|/)(?:chat)?gpt-image", re.IGNORECASE)
"""Models that give bytes and no address, and take no ``response_format``."""
_NO_EDITS = re.compile(r"dall-e-3", re.IGNORECASE)

_encode = msgspec.json.Encoder().encode


def makes_images(wire_model: str, config: ModelConfig) -> bool:
    """Whether ``openai/NAME`` is a model that makes images."""
    return config.makes_images(wire_model, NAMES)


def to_draw(request: Request) -> tuple[str, tuple[Image, ...]]:
    """What a request without a conversation can hold: the last user's text, and the latest images, which are to be edited."""
    prompt = next((message.text for message in reversed(request.messages) if message.role == "user"), "")
    return prompt, next((message.images for message in reversed(request.messages) if message.images), ())


class OpenAIImages(OpenAIEndpoint):
    """A model that makes images. Implements `tocsin.protocols.Model`; see `OpenAIEndpoint` for the arguments.

    Raises:
        ModelUnavailable: The address, the key or the proxy cannot be used.
        ConfigError: A header cannot be sent, or the entry asks for what an images API does not know.
    """

    fields: ClassVar[frozenset[str]] = frozenset({"prompt", "image", "image[]", "mask", "size"})
    """Fields of the body that ``extra`` cannot hold: what they say must be known to the journal."""

    def __init__(self, name: str, config: ModelConfig, *, wire_model: str | None = None) -> None:
        refuse_text_fields(name, config)
        for field in sorted(self.fields & config.extra.keys()):
            raise ConfigError(
                f"model {name!r}: {field!r} cannot stand in extra: what it is must be known to the journal"
            )
        super().__init__(name, config, wire_model=wire_model)
        self._generations, self._edits = self._at("images/generations"), self._at("images/edits")
        self._fetcher = Fetcher(config.image_hosts)

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What ``tocsin.toml`` fixes for every request, for the manifest. Header values are left out."""
        return {**self._config.fixed(), "image_out": True}

    @property
    def capabilities(self) -> Capabilities:
        """Text in and images out; images in where the model edits them."""
        told = self._config.image_in if "image_in" in self._config.model_fields_set else self._knows_edits()
        return Capabilities(image_in=told, text_out=False, image_out=True)

    async def send(self, request: Request, timeout: float) -> Answer:
        """One try at one request, of at most `timeout` seconds, the fetching of images included.

        Raises:
            ModelError: With its kind; a block by the provider's filter is an answer and no error.
        """
        begun = time.monotonic()
        prompt, images = to_draw(request)
        if images and not self.capabilities.image_in:
            raise ModelError(ErrorKind.REJECTED, "the model takes no images: it cannot edit one")
        came = await self._draw(prompt, images, request.sampling.extra, timeout)
        prompts = tuple(message.text for message in request.messages)
        if came.status != 200:
            return block_or_fault(
                *came, url=self._public_url, secrets=self._secrets, prompts=prompts, in_its_words=True
            )
        return await self._answer(drawn(came.body, prompts), begun + timeout)

    async def _draw(self, prompt: str, images: tuple[Image, ...], extra: Mapping[str, Any], timeout: float) -> Came:
        body = self._body(prompt, extra)
        if not images:
            return await self._exchange(self._generations, _encode(body), timeout)
        form = aiohttp.FormData(quote_fields=False)
        for name, value in body.items():
            form.add_field(name, value if isinstance(value, str) else _encode(value).decode())
        for number, image in enumerate(images):
            kind = image.media_type or "image/png"
            name = "image" if len(images) == 1 else "image[]"
            form.add_field(name, image.data, content_type=kind, filename=f"{number}.{kind.rpartition('/')[2]}")
        payload = form()
        return await self._exchange(self._edits, payload, timeout, payload.content_type)

    def _body(self, prompt: str, extra: Mapping[str, Any]) -> dict[str, Any]:
        config = self._config
        body: dict[str, Any] = {"model": self._wire_model, "prompt": prompt}
        if config.images is not None:
            body["n"] = config.images
        if config.image_size is not None:
            body["size"] = config.image_size
        if not _BYTES_ONLY.search(self._wire_model):
            body["response_format"] = "b64_json"
        return {**body, **config.extra, **extra}

    def _knows_edits(self) -> bool:
        return NAMES.search(self._wire_model) is not None and not _NO_EDITS.search(self._wire_model)

    async def _answer(self, there: Drawn, deadline: float) -> Answer:
        """The answer, with images fetched that came as addresses."""
        images, room = [], MAX_REPLY
        for image in there.images:
            if not isinstance(image, Fetched):
                image = await self._fetcher.fetch(image, deadline - time.monotonic())
            room -= len(image.data)
            if room < 0:
                raise ModelError(ErrorKind.MALFORMED, f"the images are larger than {MAX_REPLY >> 20} MB")
            images.append(Image(image.media_type, image.data))
        return Answer(
            text=there.text,
            finish=there.blocked or "stop",
            blocked=bool(there.blocked),
            declined=bool(there.text) and not images and not there.blocked,
            usage=there.usage,
            model=there.model,
            images=tuple(images),
        )


def refuse_text_fields(name: str, config: ModelConfig) -> None:
    """Raises `ConfigError` where an entry says of a model that makes images what only one that writes takes."""
    told = {
        **{
            field: getattr(config, field)
            for field in ("system", "temperature", "top_p", "max_tokens", "max_tokens_field")
        },
        **config.reasoning(),
        "structured": config.structured or None,
    }
    if given := [field for field, value in told.items() if value is not None]:
        raise ConfigError(f"model {name!r}: it makes images and takes no {', '.join(given)}: drop what is not for it")
