"""The OpenAI chat wire format, which most clouds and every local server speak. Bodies are encoded and decoded by msgspec."""

from __future__ import annotations

import base64
from typing import Any

import msgspec

from tocsin.models.config import ConfigError, ModelConfig
from tocsin.models.openai_reply import answer_of, block_or_fault
from tocsin.models.openai_wire import OpenAIEndpoint
from tocsin.models.providers import provider
from tocsin.protocols import Model
from tocsin.types import Answer, Capabilities, Message, Request

_encode = msgspec.json.Encoder().encode


@provider("openai")
def open_openai(name: str, config: ModelConfig, *, wire_model: str | None = None) -> Model:
    """A chat model, or one that makes images: the entry says so (``image_out``), or else its name does.

    Raises:
        ModelUnavailable: The address, the key or the proxy cannot be used.
        ConfigError: The entry asks for what the model's wire format does not know.
    """
    from tocsin.models.openai_images import OpenAIImages, makes_images

    made = OpenAIImages if makes_images(wire_model or name.partition("/")[2], config) else OpenAIChat
    return made(name, config, wire_model=wire_model)


class OpenAIChat(OpenAIEndpoint):
    """A chat model behind a base URL. Implements `tocsin.protocols.Model`; see `OpenAIEndpoint` for the arguments.

    Raises:
        ModelUnavailable: The address, the key or the proxy cannot be used.
        ConfigError: A header cannot be sent, or the entry asks for what the wire format does not know.
    """

    def __init__(self, name: str, config: ModelConfig, *, wire_model: str | None = None, ours: bool = False) -> None:
        if config.thinking_budget is not None:
            why = "the OpenAI format has no thinking_budget: say reasoning_effort, or what the server takes in extra"
            raise ConfigError(f"model {name!r}: {why}")
        if told := config.drawing():
            raise ConfigError(f"model {name!r}: {' and '.join(told)} are for models with image_out: drop them")
        super().__init__(name, config, wire_model=wire_model, ours=ours)
        self._target = self._at("chat/completions")
        self._max_tokens_field = config.max_tokens_field or (
            "max_completion_tokens" if self._official else "max_tokens"
        )

    @property
    def capabilities(self) -> Capabilities:
        """Text in and out; images in, and schemas, where the configuration says so."""
        return Capabilities(image_in=self._config.image_in, structured=self._config.structured)

    async def send(self, request: Request, timeout: float) -> Answer:
        """One try at one request, of at most `timeout` seconds.

        Raises:
            ModelError: With its kind; a block by the provider's filter is an answer and no error.
        """
        came = await self._exchange(self._target, _encode(self._body(request)), timeout)
        if came.status == 200:
            return answer_of(came.body)
        prompts = tuple(message.text for message in request.messages)
        return block_or_fault(*came, url=self._public_url, secrets=self._secrets, prompts=prompts)

    def _body(self, request: Request) -> dict[str, Any]:
        config, sampling = self._config, request.sampling
        messages = [_wire_message(message) for message in request.messages]
        if config.system and request.messages[0].role != "system":
            messages.insert(0, {"role": "system", "content": config.system})
        body: dict[str, Any] = {"model": self._wire_model, "messages": messages}
        temperature = config.temperature if sampling.temperature is None else sampling.temperature
        top_p = config.top_p if sampling.top_p is None else sampling.top_p
        max_tokens = config.max_tokens if sampling.max_tokens is None else sampling.max_tokens
        if temperature is not None:
            body["temperature"] = temperature
        if top_p is not None:
            body["top_p"] = top_p
        if max_tokens is not None:
            body[self._max_tokens_field] = max_tokens
        if config.reasoning_effort is not None:
            body["reasoning_effort"] = config.reasoning_effort
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if sampling.stop:
            body["stop"] = sampling.stop
        if config.extra:
            body.update(config.extra)
        if sampling.extra:
            body.update(sampling.extra)
        return body


def _wire_message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [{"type": "text", "text": message.text}] if message.text else []
    for image in message.images:
        data = base64.b64encode(image.data).decode()
        parts.append({"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{data}"}})
    return {"role": message.role, "content": parts}
