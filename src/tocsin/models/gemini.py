"""Google's Gemini API, through its official SDK (extra ``gemini``).

What is sent and what comes back: https://ai.google.dev/api/generate-content, and the types of the SDK.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from tocsin.models.errors import ModelError
from tocsin.models.gemini_reply import answer_of
from tocsin.models.openai_reply import block_or_fault
from tocsin.models.providers import provider
from tocsin.models.sdk import SdkModel, decoded
from tocsin.types import Answer, Capabilities, ErrorKind, Message, Request

if TYPE_CHECKING:
    from tocsin.models.sdk_wire import Reply, Wire

VERSION = "v1beta"
"""Of the API: thinking and models in preview are there first."""

_DRAWS = re.compile("image|nano-banana", re.IGNORECASE)
"""Models that make images by their names."""

_TOO_LONG = re.compile(r"token count .{0,80}exceeds", re.IGNORECASE)
_OF_EVERY_CALL = re.compile(
    r"\b(temperature|top_?p|max_?output_?tokens|thinking[ _]?(?:budget|level|mode|config))\b", re.I
)
"""Parameters that the entry or the suite fixes: which of them a model takes differs from model to model."""
_SECONDS = re.compile(r"\d+(\.\d+)?s")


class _Violation(msgspec.Struct, rename="camel"):
    quota_id: str | None = None
    quota_value: str | int | None = None


class _Detail(msgspec.Struct, rename="camel"):
    reason: str | None = None
    violations: list[_Violation] | None = None
    retry_delay: str | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    status: str | None = None
    details: list[_Detail] | None = None


class _ErrorReply(msgspec.Struct):
    error: _Error | None = None


@provider("gemini")
class Gemini(SdkModel):
    """A Gemini model. Implements `tocsin.protocols.Model`; see `SdkModel` for the arguments."""

    extra = "gemini"
    package = "google.genai"
    key_variable = "GEMINI_API_KEY"
    url_variable = "GOOGLE_GEMINI_BASE_URL"
    default_url = "https://generativelanguage.googleapis.com"

    def _check(self) -> None:
        self._draws = self._config.makes_images(self._wire_model, _DRAWS)
        told = self._config.drawing()
        if not self._draws and told:
            raise self._unknown(f"{' and '.join(told)} are for models with image_out: drop them")
        if unknown := [field for field in ("images", "image_hosts") if field in told]:
            raise self._unknown(f"Gemini says itself how many images it makes, as bytes: drop {' and '.join(unknown)}")
        if self._config.reasoning_effort and self._config.thinking_budget is not None:
            raise self._unknown("Gemini takes reasoning_effort or thinking_budget: drop one")
        for field in ("generationConfig", "generation_config", "contents", "systemInstruction", "system_instruction"):
            if field in self._config.extra:
                raise self._unknown(f"{field} cannot stand in extra: what it says must be known to the journal")
        if self._config.max_tokens_field:
            raise self._unknown("max_tokens_field is for the OpenAI format: drop it")

    def _check_sampling(self, request: Request) -> None:
        """Whatever a suite says can be sent."""

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What is fixed for every request, for the manifest. Header values are left out."""
        return {**super().parameters, **({"image_out": True} if self._draws else {})}

    @property
    def capabilities(self) -> Capabilities:
        """Text in and out, images in; images out where the entry or the model's name says so."""
        return Capabilities(image_in=super().capabilities.image_in, image_out=self._draws)

    def _open(self, wire: Wire, key: str, headers: dict[str, str]) -> None:
        from tocsin.models.sdk_wire import unused

        self._unused = unused()
        types = self._imported("google.genai.types")
        self._types: Any = types
        self._client = self._sdk.Client(
            vertexai=False,
            api_key=key,
            # Said in full, since the SDK reads what is not said from variables of its own.
            debug_config=self._imported("google.genai.client").DebugConfig(
                client_mode=None, replays_directory=None, replay_id=None
            ),
            http_options=types.HttpOptions(
                base_url=self._url,
                api_version=VERSION,
                headers=headers,
                httpx_client=self._unused,
                httpx_async_client=wire,
            ),
        )

    async def close(self) -> None:
        """Closes the connections."""
        self._unused.close()
        await super().close()

    async def _ask(self, request: Request, timeout: float) -> bytes:
        reply = await self._client.aio.models.generate_content(
            model=self._wire_model,
            contents=[self._content(message) for message in request.messages if message.role != "system"],
            config=self._configured(request, timeout),
        )
        body: str = reply.sdk_http_response.body or ""
        return body.encode()

    def _configured(self, request: Request, timeout: float) -> Any:
        """The SDK's parameters; `extra` goes into the body as it stands."""
        sampled, sampling = self._sampled(request), request.sampling
        extra = {**self._config.extra, **sampling.extra}
        return self._types.GenerateContentConfig(
            system_instruction=self._system(request) or None,
            temperature=sampled["temperature"],
            top_p=sampled["top_p"],
            max_output_tokens=sampled["max_tokens"],
            seed=sampling.seed,
            stop_sequences=list(sampling.stop) or None,
            thinking_config=self._thinking(),
            response_modalities=["TEXT", "IMAGE"] if self._draws else None,
            image_config=self._image_config(),
            should_return_http_response=True,
            http_options=self._types.HttpOptions(timeout=max(1, int(timeout * 1000)), extra_body=extra or None),
        )

    def _image_config(self) -> Any:
        """The size: ``16:9`` is a shape to the API, and ``2K`` a resolution."""
        if (size := self._config.image_size) is None:
            return None
        return self._types.ImageConfig(**{"aspect_ratio" if ":" in size else "image_size": size})

    def _thinking(self) -> Any:
        effort, budget = self._config.reasoning_effort, self._config.thinking_budget
        if effort == "none":
            budget, effort = 0, None
        if effort is None and budget is None:
            return None
        # Thoughts are asked for, so that they stand beside the answer; they are paid for in any case.
        return self._types.ThinkingConfig(
            thinking_budget=budget,
            thinking_level=effort.upper() if effort else None,
            include_thoughts=True if budget != 0 else None,
        )

    def _content(self, message: Message) -> Any:
        parts = [
            self._types.Part(inline_data=self._types.Blob(mime_type=image.media_type, data=image.data))
            for image in message.images
        ]
        if message.text or not parts:
            parts.append(self._types.Part(text=message.text))
        return self._types.Content(role="model" if message.role == "assistant" else "user", parts=parts)

    def _answer(self, body: bytes) -> Answer:
        return answer_of(body, draws=self._draws)

    def _block_or_fault(self, reply: Reply, prompts: tuple[str, ...]) -> Answer:
        status, error = reply.status, _told(reply.body)
        details = error.details or []
        if status == 400 and any(detail.reason in ("API_KEY_INVALID", "API_KEY_EXPIRED") for detail in details):
            raise ModelError(ErrorKind.AUTH, "HTTP 400: the endpoint refused the key")
        if status == 400 and _TOO_LONG.search(error.message or ""):
            raise ModelError(ErrorKind.TOO_LONG, "HTTP 400")
        if status == 400 and (named := self._parameter_in(error.message or "", _OF_EVERY_CALL, prompts)):
            raise self._refused(named)
        if status == 429 and any(map(_spent, _violations(details))):
            raise ModelError(ErrorKind.QUOTA, "HTTP 429: nothing is left to spend on this key")
        # In the words of the shared reader: the API's status is what others call a code.
        body = msgspec.json.encode({"error": {"message": error.message, "code": error.status}})
        try:
            return block_or_fault(status, reply.headers, body, url=self._url, secrets=self._secrets, prompts=prompts)
        except ModelError as fault:
            if fault.retry_after is None and status in (429, 500, 503, 504):
                fault.retry_after = _delay(details)
            raise


def _told(body: bytes) -> _Error:
    try:
        return decoded(body[: 2**16], _ErrorReply).error or _Error()
    except ModelError:
        return _Error()


def _violations(details: list[_Detail]) -> Iterator[_Violation]:
    for detail in details:
        yield from detail.violations or ()


def _spent(violation: _Violation) -> bool:
    """Whether a quota is one that no waiting within a run brings back: a day's, or one of nothing at all."""
    return "PerDay" in (violation.quota_id or "") or str(violation.quota_value) == "0"


def _delay(details: list[_Detail]) -> float | None:
    """Seconds to wait (``RetryInfo``): the API says them in the body and not in a header."""
    for detail in details:
        if detail.retry_delay and _SECONDS.fullmatch(detail.retry_delay):
            return float(detail.retry_delay[:-1])
    return None
