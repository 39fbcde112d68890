"""Requests for images to the loopback service, in one line of a test."""

from __future__ import annotations

from typing import Any

from tests.models.asking import request
from tests.models.image_service import ImageService
from tests.models.vendors import KEY
from tocsin import registry
from tocsin.api import run_loop
from tocsin.models import ModelConfig, ModelError
from tocsin.types import Answer, ErrorKind, Request

NAMES = {"openai": "openai/gpt-image-1", "gemini": "gemini/gemini-2.5-flash-image", "ark": "ark/doubao-seedream-4-0"}
"""Format → a model that it knows."""

VARIABLES = ("OPENAI_API_KEY", "GEMINI_API_KEY", "ARK_API_KEY")
PROMPT = "A red kite over a hill."


def made(service: ImageService, wire: str, name: str = "", **config: Any) -> Any:
    """A model that the service plays."""
    hosts = {} if wire == "gemini" else {"image_hosts": (service.host,)}
    entry = ModelConfig.model_validate({"base_url": service.base(wire), **hosts, **config})
    name = name or NAMES[wire]
    return registry.find("provider", wire)(name, entry, wire_model=name.partition("/")[2])


def draw(model: Any, asked: Request | str = PROMPT, *, timeout: float = 5) -> Answer:
    """The answer to one try; the model is closed."""

    async def once() -> Answer:
        try:
            answer: Answer = await model.send(request(asked) if isinstance(asked, str) else asked, timeout)
            return answer
        finally:
            await model.close()

    return run_loop(once())


def came(model: Any, asked: Request | str = PROMPT, *, timeout: float = 5) -> Answer | ModelError:
    """The answer to one try, or how it failed."""
    try:
        return draw(model, asked, timeout=timeout)
    except ModelError as error:
        return error


def sort(result: Answer | ModelError) -> str:
    """Of what kind it is: delivered, partial, blocked, declined, cut off, or an `ErrorKind`."""
    if isinstance(result, ModelError):
        return ErrorKind(result.kind).value
    if result.images:
        return "partial" if result.blocked else "delivered"
    return "blocked" if result.blocked else "declined" if result.declined else result.finish


__all__ = ["KEY", "NAMES", "PROMPT", "VARIABLES", "came", "draw", "made", "sort"]
