"""The vendors' wire formats, spoken by a real loopback endpoint, and calls to it through the vendors' own SDKs."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest

from tests.models.asking import PROMPT, request
from tests.models.endpoints import Endpoint, Said
from tocsin import registry
from tocsin.api import run_loop
from tocsin.models import ModelConfig, ModelError
from tocsin.types import Answer, Request

KEY = "planted-4f8Qz71LmWv0-vendor"
PACKAGES = {"anthropic": "anthropic", "gemini": "google.genai"}
KEYS = {"anthropic": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY"}


def needs(vendor: str) -> None:
    """Skips the test where the vendor's SDK is not installed."""
    try:
        found = importlib.util.find_spec(PACKAGES[vendor]) is not None
    except ModuleNotFoundError:
        found = False
    if not found:
        pytest.skip(f"needs the extra {vendor!r}")


def base(there: Endpoint) -> str:
    """The endpoint as the vendors' SDKs want it: they add the version themselves."""
    return f"http://127.0.0.1:{there.port}"


def made(vendor: str, url: str, **config: Any) -> Any:
    """A model of a vendor at an address."""
    return registry.find("provider", vendor)(f"{vendor}/loopback", ModelConfig(base_url=url, **config))


def send(model: Any, asked: Request | None = None, *, timeout: float = 5) -> Answer:
    """The answer to one try."""

    async def once() -> Answer:
        try:
            answer: Answer = await model.send(asked or request(), timeout)
            return answer
        finally:
            await model.close()

    return run_loop(once())


def ask(vendor: str, there: Endpoint, asked: Request | None = None, *, timeout: float = 5, **config: Any) -> Answer:
    """The answer of a vendor's model that the endpoint plays."""
    return send(made(vendor, base(there), **config), asked, timeout=timeout)


def fault(vendor: str, there: Endpoint, *, timeout: float = 5, prompt: str = PROMPT, **config: Any) -> ModelError:
    """How one try fails."""
    with pytest.raises(ModelError) as caught:
        ask(vendor, there, request(prompt), timeout=timeout, **config)
    return caught.value


def message(*blocks: dict[str, Any], stop: str | None = "end_turn", **more: Any) -> Said:
    """A reply of Anthropic's Messages API."""
    usage = {"input_tokens": 11, "output_tokens": 7}
    told = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-loopback", "content": list(blocks)}
    return _json(200, told | {"stop_reason": stop, "usage": usage} | more)


def said(text: str) -> dict[str, Any]:
    """A block of text."""
    return {"type": "text", "text": text}


def error(status: int, kind: str, text: str = "", headers: dict[str, str] | None = None) -> Said:
    """An error of Anthropic's API."""
    return _json(status, {"type": "error", "error": {"type": kind, "message": text}, "request_id": "req_1"}, headers)


def content(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> Said:
    """A reply of the Gemini API."""
    candidate: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": list(parts)}}
    if finish is not None:
        candidate["finishReason"] = finish
    usage = {"promptTokenCount": 11, "candidatesTokenCount": 7, "totalTokenCount": 18}
    return _json(200, {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-loopback"} | more)


def refused(status: int, word: str, text: str = "", *details: dict[str, Any]) -> Said:
    """An error of the Gemini API."""
    told: dict[str, Any] = {"code": status, "message": text, "status": word}
    return _json(status, {"error": told | ({"details": list(details)} if details else {})})


def plain(vendor: str, text: str = "An answer.") -> Said:
    """An answer in the vendor's format."""
    return message(said(text)) if vendor == "anthropic" else content({"text": text})


def failed(vendor: str, status: int, text: str = "", headers: dict[str, str] | None = None) -> Said:
    """An error in the vendor's format."""
    there = error(status, "api_error", text) if vendor == "anthropic" else refused(status, "SOME_STATUS", text)
    return there._replace(headers=headers or {})


def _json(status: int, body: Any, headers: dict[str, str] | None = None) -> Said:
    return Said(status, json.dumps(body).encode(), {"Content-Type": "application/json"} | (headers or {}))
