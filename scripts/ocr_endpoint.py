"""A stand-in for a vision-language model, for machines that have none: SmolLM2, which is told what OCR reads in each image.

It speaks the OpenAI wire format on loopback and takes images as such an endpoint does, so that everything of a vision run is real
but the model's eyes: what an image shows besides its text is lost. Results of it are of no vision-language model.

    python scripts/ocr_endpoint.py --port 8099        # needs the extras local and ocr
    OPENAI_BASE_URL=http://127.0.0.1:8099/v1 tocsin assess openai/smollm2-with-ocr …   # with image_in = true in tocsin.toml
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import io
import time
from functools import lru_cache
from typing import Any

from aiohttp import web

from tocsin.models.config import ModelConfig
from tocsin.models.errors import ModelError
from tocsin.models.local import LocalModel
from tocsin.types import Message, Request, Sampling

NAME = "smollm2-with-ocr"
MOST_CHARACTERS = 2000
"""Of the text of one image: the model's context is small."""


@lru_cache(256)
def read(data: bytes) -> str:
    """The text that OCR reads in an image, line by line."""
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=("PNG", "JPEG")) as picture:
        found = _reader()(np.asarray(picture.convert("RGB")))
    return "\n".join(found.txts or ())[:MOST_CHARACTERS]


@lru_cache(1)
def _reader() -> Any:
    from rapidocr import RapidOCR

    return RapidOCR(params={"Global.log_level": "error"})


def message(told: dict[str, Any]) -> Message:
    """A message of the wire format with the text of its images in their place.

    Raises:
        ValueError, KeyError: It is not of the wire format, or an image is no data URL.
    """
    content = told["content"]
    if isinstance(content, str):
        return Message(told["role"], content)
    parts = []
    for part in content:
        if part["type"] == "text":
            parts.append(str(part["text"]))
            continue
        head, comma, data = part["image_url"]["url"].partition(",")
        if not (head.startswith("data:image/") and comma):
            raise ValueError("an image must be a data URL")
        parts.append(f"[An image. The text in it reads:]\n{read(base64.b64decode(data, validate=True)) or '(none)'}")
    return Message(told["role"], "\n\n".join(parts))


class Endpoint:
    """The endpoint."""

    def __init__(self) -> None:
        self.model = LocalModel("local/smollm2-135m", ModelConfig())

    async def answer(self, request: web.Request) -> web.Response:
        """One chat completion."""
        try:
            told = await request.json()
            messages = tuple([await asyncio.to_thread(message, one) for one in told["messages"]])
        except (ValueError, KeyError, TypeError) as error:
            return web.json_response({"error": {"message": type(error).__name__}}, status=400)
        sampling = Sampling(temperature=told.get("temperature"), max_tokens=told.get("max_tokens"))
        try:
            answer = await self.model.send(Request(messages, sampling), 120.0)
        except ModelError as error:
            return web.json_response({"error": {"message": error.kind.value}}, status=503)
        usage = {"prompt_tokens": answer.usage.input_tokens, "completion_tokens": answer.usage.output_tokens}
        choice = {"index": 0, "message": {"role": "assistant", "content": answer.text}, "finish_reason": answer.finish}
        return web.json_response(
            {
                "id": "ocr",
                "object": "chat.completion",
                "created": int(time.time()),
                "model": NAME,
                "choices": [choice],
                "usage": usage,
            }
        )

    async def close(self, app: web.Application) -> None:
        """Ends the model."""
        await self.model.close()


def application() -> web.Application:
    """The endpoint as an application."""
    endpoint = Endpoint()
    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/chat/completions", endpoint.answer)
    app.on_cleanup.append(endpoint.close)
    return app


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8099)
    web.run_app(application(), host="127.0.0.1", port=parser.parse_args().port, print=None)
