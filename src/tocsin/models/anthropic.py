"""Anthropic's Messages API, through its official SDK (extra ``anthropic``).

What is sent and what comes back: https://docs.anthropic.com/en/api/messages, and the types of the SDK.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.models.errors import ModelError, ModelUnavailable
from tocsin.models.openai_reply import block_or_fault
from tocsin.models.providers import provider
from tocsin.models.sdk import SdkModel, decoded
from tocsin.types import Answer, ErrorKind, Message, Request, Usage

if TYPE_CHECKING:
    from tocsin.models.sdk_wire import Reply, Wire

VERSION = "2023-06-01"
"""Of the API (``anthropic-version``). The later one takes no temperature for any model, this one does for those that have it.

https://docs.anthropic.com/en/api/versioning"""

MAX_TOKENS = 4096
"""Tokens of an answer where nobody says: the API asks for a number. A thinking budget comes on top."""

LEAST_BUDGET = 1024
"""The smallest thinking budget that the API takes."""

_FINISHES = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
"""``stop_reason`` → how the house says it; others are kept."""

_TOO_LONG = re.compile(r"prompt is too long|exceed\w* (?:the )?context (?:limit|window)", re.IGNORECASE)
_QUOTA = re.compile(r"credit balance is too low|reached your (?:specified )?API usage limits", re.IGNORECASE)
_OF_EVERY_CALL = re.compile(r"\b(temperature|top_p|thinking|budget_tokens|output_config|effort|max_tokens)\b")
"""Parameters that the entry or the suite fixes: which of them a model takes differs from model to model."""
_BLOCKED = re.compile(r"blocked by (?:our )?content filter", re.IGNORECASE)


class _Block(msgspec.Struct):
    type: str
    text: str | None = None
    thinking: str | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    output_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Reply(msgspec.Struct):
    content: list[_Block]
    stop_reason: str | None = None
    usage: _Usage | None = None
    model: str | None = None


class _Error(msgspec.Struct):
    message: str | None = None


class _ErrorReply(msgspec.Struct):
    error: _Error | None = None


@provider("anthropic")
class Anthropic(SdkModel):
    """A Claude model. Implements `tocsin.protocols.Model`; see `SdkModel` for the arguments."""

    extra = "anthropic"
    package = "anthropic"
    key_variable = "ANTHROPIC_API_KEY"
    url_variable = "ANTHROPIC_BASE_URL"
    default_url = "https://api.anthropic.com"
    header_variable = "ANTHROPIC_CUSTOM_HEADERS"

    @property
    def parameters(self) -> Mapping[str, Any]:
        """As for every model; the limit on the answer always has a number."""
        limit = self._config.max_tokens or MAX_TOKENS + (self._config.thinking_budget or 0)
        return {**super().parameters, "max_tokens": limit}

    def _check(self) -> None:
        config, budget, effort = self._config, self._config.thinking_budget, self._config.reasoning_effort
        if effort == "minimal":
            raise self._unknown("Anthropic knows no reasoning_effort 'minimal': take none, low, medium, high or xhigh")
        if budget and budget < LEAST_BUDGET:
            raise self._unknown(f"thinking_budget is {budget}: Anthropic takes 0 for none, or {LEAST_BUDGET} and more")
        if budget and effort == "none":
            raise self._unknown("reasoning_effort 'none' and a thinking_budget exclude each other: drop one")
        ours = {"thinking": budget is not None or effort == "none", "output_config": effort not in (None, "none")}
        for field in config.extra:
            if ours.get(field):
                raise self._unknown(f"{field} stands in extra, too: drop it there, or what says how to reason")
        if config.image_out or config.drawing():
            raise self._unknown("Anthropic's models make no images: drop image_out and what is said of images")
        if config.max_tokens_field:
            raise self._unknown("max_tokens_field is for the OpenAI format: drop it")
        self._refuse(
            {"temperature": config.temperature, "top_p": config.top_p, "max_tokens": self.parameters["max_tokens"]},
            self._unknown,
        )

    def _check_sampling(self, request: Request) -> None:
        def stop(what: str) -> Exception:
            return ModelUnavailable(f"model {self._name!r}: {what} (the suite's sampling goes before the entry's)")

        self._refuse(self._sampled(request), stop)

    def _refuse(self, sampled: Mapping[str, Any], error: Any) -> None:
        """Raises `error` for what the API would refuse in every single call."""
        temperature, top_p, budget = sampled["temperature"], sampled["top_p"], self._config.thinking_budget
        if temperature is not None and temperature > 1:
            raise error(f"temperature is {temperature:g}: Anthropic takes at most 1")
        if not budget:
            return
        if temperature not in (None, 1):
            raise error(f"temperature is {temperature:g}: with a thinking_budget Anthropic takes none but 1")
        if top_p is not None and top_p < 0.95:
            raise error(f"top_p is {top_p:g}: with a thinking_budget Anthropic takes 0.95 to 1")
        if sampled["max_tokens"] <= budget:
            limit = sampled["max_tokens"]
            raise error(
                f"max_tokens is {limit}: it counts the thinking, so it must be above thinking_budget ({budget})"
            )

    def _open(self, wire: Wire, key: str, headers: dict[str, str]) -> None:
        self._client = self._sdk.AsyncAnthropic(
            api_key=key,
            base_url=self._url,
            default_headers={"anthropic-version": VERSION, **headers},
            http_client=wire,
            max_retries=0,
            open_telemetry=False,  # whatever the environment says: spans could hold prompts
        )

    async def _ask(self, request: Request, timeout: float) -> bytes:
        raw = await self._client.messages.with_raw_response.create(**self._body(request), timeout=timeout)
        body: bytes = raw.http_response.content
        return body

    def _body(self, request: Request) -> dict[str, Any]:
        messages = [_wire_message(message) for message in request.messages if message.role != "system"]
        sampled = {name: value for name, value in self._sampled(request).items() if value is not None}
        limit = sampled.pop("max_tokens")
        body: dict[str, Any] = {"model": self._wire_model, "messages": messages, "max_tokens": limit}
        if system := self._system(request):
            body["system"] = system
        if request.sampling.stop:
            body["stop_sequences"] = list(request.sampling.stop)
        budget, effort = self._config.thinking_budget, self._config.reasoning_effort
        if budget:
            body["thinking"] = {"type": "enabled", "budget_tokens": budget}
        elif budget == 0 or effort == "none":
            body["thinking"] = {"type": "disabled"}
        if effort and effort != "none":
            body["output_config"] = {"effort": effort}
        # The SDK has no argument for temperature and top_p any more, since not every model takes them.
        if extra := {**sampled, **self._config.extra, **request.sampling.extra}:
            body["extra_body"] = extra
        return body

    def _answer(self, body: bytes) -> Answer:
        reply = decoded(body, _Reply)
        stop = reply.stop_reason or "end_turn"
        usage = reply.usage or _Usage()
        details = usage.output_tokens_details or _OutputDetails()
        read = (usage.input_tokens, usage.cache_creation_input_tokens, usage.cache_read_input_tokens)
        return Answer(
            text="".join(block.text or "" for block in reply.content if block.type == "text"),
            reasoning="\n\n".join(block.thinking or "" for block in reply.content if block.type == "thinking"),
            finish=_FINISHES.get(stop, stop),
            # A classifier of the provider's ends the answer so; what was delivered before is an answer as any other.
            blocked=stop == "refusal",
            usage=Usage(
                sum(max(0, tokens or 0) for tokens in read),
                max(0, usage.output_tokens or 0),
                max(0, details.thinking_tokens or 0),
            ),
            model=reply.model or "",
        )

    def _block_or_fault(self, reply: Reply, prompts: tuple[str, ...]) -> Answer:
        message = _message(reply.body)
        if reply.status in (400, 403):
            if _BLOCKED.search(message):
                return Answer(finish="content_filter", blocked=True)
            if _QUOTA.search(message):
                raise ModelError(ErrorKind.QUOTA, f"HTTP {reply.status}: nothing is left to spend on this key")
            if _TOO_LONG.search(message):
                raise ModelError(ErrorKind.TOO_LONG, f"HTTP {reply.status}")
        if reply.status == 400 and (named := self._parameter_in(message, _OF_EVERY_CALL, prompts)):
            raise self._refused(named)
        try:
            return block_or_fault(
                reply.status, reply.headers, reply.body, url=self._url, secrets=self._secrets, prompts=prompts
            )
        except ModelError as error:
            if reply.status == 529:  # Anthropic's own: overloaded
                error.pushback = True
            raise


def _message(body: bytes) -> str:
    try:
        told = decoded(body[: 2**16], _ErrorReply).error
    except ModelError:
        return ""
    return (told.message or "") if told else ""


def _wire_message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [
        {
            "type": "image",
            "source": {
                "type": "base64",
                "media_type": image.media_type,
                "data": base64.b64encode(image.data).decode(),
            },
        }
        for image in message.images
    ]
    if message.text:
        parts.append({"type": "text", "text": message.text})
    return {"role": message.role, "content": parts}
