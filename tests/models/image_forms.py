"""What a request to the image service can meet: pictures, refusals and faults, by format and name."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from tests.models.image_wire import HTML, Asked, b64, candidate, delivered, failed, gave, inline, item, plain, said

Reply = Awaitable[web.StreamResponse] | web.StreamResponse
Form = Callable[[Asked], Reply]

SLOW = 1.5
"""Seconds that a slow reply takes."""

REFUSES = "I'm sorry, but I can't draw that."


def images(asked: Asked) -> web.Response:
    """What is asked for: bytes, or addresses where the request says so and the model gives them."""
    drawn = [asked.drawn(number) for number in range(asked.count)]
    if asked.body.get("response_format") == "url":
        return gave(asked, *({"url": asked.service.keep(image)} for image in drawn))
    return delivered(asked, *drawn)


async def slow(asked: Asked) -> web.StreamResponse:
    await asyncio.sleep(SLOW)
    return images(asked)


async def cut(asked: Asked) -> web.StreamResponse:
    """A reply whose connection ends in its midst."""
    assert asked.request is not None
    return await cut_off(asked.request, b'{"created": 1, "data": [{"b64_json": "iVBORw0KGgo')


async def cut_off(request: web.Request, head: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "90000"})
    await response.prepare(request)
    await response.write(head)
    assert request.transport is not None
    request.transport.abort()
    return response


def addressed(*urls: str) -> Form:
    """Addresses, as they are; ``ROOT`` is the service itself."""

    def reply(asked: Asked) -> web.Response:
        return gave(asked, *({"url": url.replace("ROOT", asked.service.root)} for url in urls))

    return reply


def status(code: int, word: str, kind: str = "", **headers: str) -> Form:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: failed(asked, code, word, sent, kind)


def ended(reason: str, *parts: dict[str, Any]) -> Form:
    """A candidate that ends for a reason."""
    return lambda asked: candidate(*parts, finish=reason)


def exhausted(detail: dict[str, Any]) -> Form:
    """Gemini's 429, which says in its details what is used up."""
    told = {"code": 429, "message": "That was too much.", "status": "RESOURCE_EXHAUSTED", "details": [detail]}
    return lambda asked: said(429, {"error": told})


def _partial(asked: Asked) -> web.Response:
    """One image, and one that the filter kept back."""
    if asked.wire == "gemini":
        return candidate(inline(asked.drawn()), finish="IMAGE_SAFETY")
    if asked.wire == "ark":
        return gave(asked, item(asked, asked.drawn()), _kept_back())
    return gave(asked, item(asked, asked.drawn()), {"b64_json": None, "respect_moderation": False})


def _kept_back(code: str = "OutputImageSensitiveContentDetected") -> dict[str, Any]:
    return {"error": {"code": code, "message": "No image was made. Request id: 0217."}}


def _text(asked: Asked) -> web.Response:
    return candidate({"text": REFUSES}) if asked.wire == "gemini" else gave(asked, {"text": REFUSES})


def _empty(asked: Asked) -> web.Response:
    return candidate(finish="STOP") if asked.wire == "gemini" else gave(asked)


def _raw(body: bytes) -> Form:
    return lambda asked: web.Response(body=body, content_type="application/json")


def _odd(asked: Asked) -> web.Response:
    """JSON of another shape."""
    return said(200, {"candidates": "none"} if asked.wire == "gemini" else {"data": {"image": "none"}})


_EVERYWHERE: dict[str, Form] = {
    "image": images,
    "several": lambda asked: delivered(asked, *(asked.drawn(number) for number in range(3))),
    "black": lambda asked: delivered(asked, plain("black")),
    "plain": lambda asked: delivered(asked, plain("#7f7f7f")),
    "text": _text,
    "empty": _empty,
    "partial": _partial,
    "not-base64": lambda asked: delivered(asked, "!!! this is not base64 !!!"),
    "html": lambda asked: delivered(asked, HTML),
    "truncated": lambda asked: delivered(asked, asked.drawn()[:200]),
    "broken-json": _raw(b'{"created": 1, "data": [{"b64_json": "iVBO'),
    "no-json": _raw(HTML),
    "odd": _odd,
    "slow": slow,
    "cut": cut,
    "500": status(500, "INTERNAL"),
    "503": status(503, "UNAVAILABLE"),
    "rejected": status(400, "INVALID_ARGUMENT"),
}
_ADDRESSES: dict[str, Form] = {
    "url": lambda asked: gave(asked, *({"url": asked.service.keep(asked.drawn(n))} for n in range(asked.count))),
    "url-data": lambda asked: gave(asked, {"url": f"data:image/png;base64,{b64(asked.drawn())}"}),
    "url-redirect": addressed("ROOT/redirect?to=/files/picture.png"),
    "url-404": addressed("ROOT/files/absent.png"),
    "url-500": addressed("ROOT/broken"),
    "url-html": addressed("ROOT/page"),
    "url-empty": addressed("ROOT/nothing"),
    "url-large": addressed("ROOT/large"),
    "url-endless": addressed("ROOT/endless"),
    "url-slow": addressed("ROOT/slow"),
    "url-cut": addressed("ROOT/cut"),
    "url-compressed": addressed("ROOT/compressed"),
    "url-metadata": addressed("https://169.254.169.254/latest/meta-data/a.png"),
    "url-loopback": addressed("https://127.0.0.2/a.png"),
    "url-ten": addressed("https://10.1.2.3/a.png"),
    "url-mapped": addressed("https://[::ffff:192.168.0.1]/a.png"),
    "url-number": addressed("https://2130706433/a.png"),
    "url-http": addressed("http://203.0.113.7/a.png"),
    "url-file": addressed("file:///etc/hostname"),
    "url-password": addressed("https://me:secret@198.51.100.7/a.png"),
    "url-to-private": addressed("ROOT/redirect?to=https://10.1.2.3/a.png"),
    "url-to-file": addressed("ROOT/redirect?to=file:///etc/hostname"),
    "url-loop": addressed("ROOT/loop"),
    "url-refused": addressed("https://127.0.0.1:9/a.png"),
    "url-none": lambda asked: gave(asked, {"size": "256x256"}),
}


def beside(error: Any, *items: dict[str, Any]) -> Form:
    """Status 200, and an error beside a list of images."""
    return lambda asked: gave(asked, *items, error=error)


def in_words(code: int, message: str, word: str | None = None) -> Form:
    """An error that says in its message alone what happened."""
    return lambda asked: said(code, {"error": {"code": word, "message": message, "type": "invalid_request_error"}})


def _told(word: str) -> dict[str, Any]:
    return {"code": word, "message": "No image was made. Request id: 0217."}


MODERATED = "Generated image rejected by content moderation."
_LISTS: dict[str, Form] = {
    "empty-and-error": beside(_told("InternalServiceError")),
    "empty-and-rate": beside(_told("rate_limit_exceeded")),
    "empty-and-quota": beside(_told("insufficient_quota"), {"url": None}),
    "empty-and-invalid": beside(_told("InvalidParameter"), {}),
    "empty-and-block": beside(_told("content_policy_violation"), {"b64_json": None}),
    "empty-and-words": beside({"code": None, "message": MODERATED}),
    "empty-and-string": beside("The service is being restarted."),
    "empty-and-hollow": beside({"code": "", "message": ""}),
    "null-and-error": lambda asked: said(200, {"data": None, "error": _told("InternalServiceError")}),
    "text-and-error": beside(_told("InternalServiceError"), {"text": REFUSES}),
    "image-and-error": lambda asked: gave(asked, item(asked, asked.drawn()), error=_told("InternalServiceError")),
    "image-and-block": lambda asked: gave(asked, item(asked, asked.drawn()), error=_told("moderation_blocked")),
    "words-400": in_words(400, MODERATED),
    "words-422": in_words(422, "Your request was flagged by our safety filter."),
    "nsfw-422": status(422, "nsfw_content"),
    "content-moderation": status(400, "content_moderation"),
    "prohibited": status(403, "prohibited_content"),
    "moderation-word": status(400, "moderation"),
    "key-flagged": in_words(403, "Your API key was flagged for billing review."),
    "parameter-moderation": in_words(400, "The value was rejected for parameter moderation: it must be low or auto."),
}
_OPENAI: dict[str, Form] = {
    "policy": status(400, "content_policy_violation", "invalid_request_error"),
    "moderation": status(400, "moderation_blocked", "image_generation_user_error"),
    "policy-without-code": lambda asked: said(
        400,
        {
            "error": {
                "code": None,
                "message": "Your request was rejected as a result of our safety system.",
                "param": None,
                "type": "invalid_request_error",
            }
        },
    ),
    "withheld": lambda asked: gave(asked, {"b64_json": "", "respect_moderation": False}),
    "429": status(429, "rate_limit_exceeded", "requests", Retry_After="7"),
    "quota": status(429, "insufficient_quota", "insufficient_quota"),
    "hard-limit": status(400, "billing_hard_limit_reached", "invalid_request_error"),
    "401": status(401, "invalid_api_key", "invalid_request_error"),
    "404": status(404, "model_not_found", "invalid_request_error"),
}
_ARK: dict[str, Form] = {
    "input-sensitive": status(400, "InputTextSensitiveContentDetected"),
    "output-sensitive": status(400, "OutputImageSensitiveContentDetected"),
    "input-image-sensitive": status(400, "InputImageSensitiveContentDetected.PolicyViolation"),
    "risk": status(400, "OutputImageRiskDetection"),
    "item-sensitive": lambda asked: gave(asked, _kept_back()),
    "item-error": lambda asked: gave(asked, _kept_back("InternalServiceError")),
    "error-in-200": lambda asked: said(200, {"model": "m", "created": 1} | _kept_back()),
    "429": status(429, "RateLimitExceeded.EndpointRPMExceeded", "TooManyRequests", Retry_After="7"),
    "quota": status(429, "QuotaExceeded", "TooManyRequests"),
    "overdue": status(403, "AccountOverdueError", "Forbidden"),
    "401": status(401, "AuthenticationError", "Unauthorized"),
    "404": status(404, "InvalidEndpointOrModel.NotFound", "NotFound"),
}


def _candidate(*parts: dict[str, Any], finish: str = "STOP") -> dict[str, Any]:
    return {"content": {"role": "model", "parts": list(parts)}, "finishReason": finish}


def _candidates(*told: dict[str, Any], **more: Any) -> web.Response:
    return candidate(candidates=list(told), **more)


_GEMINI: dict[str, Form] = {
    **{
        reason: ended(reason)
        for reason in (
            *(
                "SAFETY",
                "IMAGE_SAFETY",
                "PROHIBITED_CONTENT",
                "IMAGE_PROHIBITED_CONTENT",
                "RECITATION",
                "IMAGE_RECITATION",
            ),
            *("NO_IMAGE", "IMAGE_OTHER", "MAX_TOKENS", "CONTINUATION"),
            *("BLOCKLIST", "SPII", "MODEL_ARMOR", "ESCALATION", "OTHER", "LANGUAGE", "MALFORMED_FUNCTION_CALL"),
            *("MALFORMED_RESPONSE", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE"),
            *("PUP_LIMITED_DISABLED", "A_WORD_OF_TOMORROW"),
        )
    },
    "prompt-blocked": lambda asked: said(200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
    "no-candidates": lambda asked: said(200, {"candidates": []}),
    "safety-after-text": ended("IMAGE_SAFETY", {"text": "To begin with,"}),
    "other-with-text": ended("IMAGE_OTHER", {"text": "Here it is."}),
    "file": lambda asked: candidate({"fileData": {"mimeType": "image/png", "fileUri": "https://files.test/a"}}),
    "two": lambda asked: _candidates(_candidate(inline(asked.drawn())), _candidate(inline(asked.drawn(1)))),
    "two-of-which-one": lambda asked: _candidates(_candidate(finish="OTHER"), _candidate(inline(asked.drawn()))),
    "two-of-which-one-blocked": lambda asked: _candidates(
        _candidate(finish="IMAGE_SAFETY"), _candidate(inline(asked.drawn()))
    ),
    "two-blocked-and-other": lambda asked: _candidates(_candidate(finish="OTHER"), _candidate(finish="IMAGE_SAFETY")),
    "blocked-beside": lambda asked: _candidates(_candidate(), promptFeedback={"blockReason": "OTHER"}),
    "no-image-with-text": ended("NO_IMAGE", {"text": REFUSES}),
    "beside-text": lambda asked: candidate({"text": "Here it is."}, inline(asked.drawn())),
    "draft-only": lambda asked: candidate({**inline(asked.drawn()), "thought": True}, {"text": REFUSES}),
    "429": exhausted({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}),
    "quota": exhausted({"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}),
    "401": status(401, "UNAUTHENTICATED"),
    "404": status(404, "NOT_FOUND"),
}
FORMS: dict[str, dict[str, Form]] = {
    "openai": _EVERYWHERE | _ADDRESSES | _LISTS | _OPENAI,
    "gemini": _EVERYWHERE | _GEMINI,
    "ark": _EVERYWHERE | _ADDRESSES | _LISTS | _ARK,
}
"""Format → name → what a request meets."""
