"""What the image service was asked, what it draws, and the three formats' own words for it."""

from __future__ import annotations

import base64
import io
import re
import time
from collections import deque
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiohttp import web
from PIL import Image, ImageDraw

HTML = b"<!doctype html><title>Sign in</title><p>Your session has ended."


@dataclass
class Asked:
    """One request as it came."""

    service: ImageService
    wire: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    """JSON, or the fields of a multipart body."""
    prompt: str
    images: list[bytes] = field(default_factory=list)
    """Images that came along, decoded."""
    request: web.Request | None = None

    @property
    def count(self) -> int:
        """How many images are wanted."""
        told = self.body.get("sequential_image_generation_options") or {}
        return int(self.body.get("n") or told.get("max_images") or 1)

    def drawn(self, number: int = 0) -> bytes:
        """A PNG: what came along with a frame around it, else a picture that the prompt decides."""
        if self.images:
            return framed(self.images[0])
        return picture(f"{number} {self.prompt}", str(self.body.get("size") or ""))


@dataclass
class ImageService:
    """A running service."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    fetched: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Paths of files that were fetched, with the headers of the request."""
    queue: deque[str] = field(default_factory=deque)
    files: dict[str, bytes] = field(default_factory=dict)

    host = "127.0.0.1"

    @property
    def root(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def openai(self) -> str:
        """Base URL of the OpenAI format."""
        return f"{self.root}/v1"

    @property
    def gemini(self) -> str:
        """Base URL of the Gemini format, without the version."""
        return self.root

    @property
    def ark(self) -> str:
        """Base URL of the Ark format."""
        return f"{self.root}/api/v3"

    def base(self, wire: str) -> str:
        """Base URL of a format by its name."""
        return str(getattr(self, wire))

    def keep(self, data: bytes) -> str:
        """Keeps a file; returns its address."""
        name = f"{sha256(data).hexdigest()[:16]}.png"
        self.files[name] = data
        return f"{self.root}/files/{name}?signed=a%2Fb+c%3D"


# -- pictures -----------------------------------------------------------------------------------------------------------


def png(image: Image.Image) -> bytes:
    """As a PNG file."""
    told = io.BytesIO()
    image.save(told, "PNG")
    return told.getvalue()


def picture(prompt: str, size: str = "") -> bytes:
    """A few bars on a ground, all decided by the prompt."""
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", size)
    wide, high = (int(found[1]), int(found[2])) if found else (256, 256)
    told = sha256(prompt.encode("utf-8", "replace")).digest()
    image = Image.new("RGB", (wide, high), (told[0], told[1], told[2]))
    draw = ImageDraw.Draw(image)
    for i in range(4):
        left, top = told[3 + i] * wide // 320, told[7 + i] * high // 320
        draw.rectangle(
            (left, top, left + wide // 5, top + high // 5), fill=(told[11 + i], 255 - told[11 + i], told[15 + i])
        )
    return png(image)


def plain(colour: str) -> bytes:
    """One colour throughout."""
    return png(Image.new("RGB", (256, 256), colour))


def framed(data: bytes) -> bytes:
    """An edit: the image with a frame."""
    with Image.open(io.BytesIO(data)) as image:
        edited = image.convert("RGB")
    ImageDraw.Draw(edited).rectangle((0, 0, edited.width - 1, edited.height - 1), outline="gold", width=6)
    return png(edited)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# -- the formats' own words ---------------------------------------------------------------------------------------------


def said(status: int, body: Any, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)


def failed(asked: Asked, status: int, word: str, headers: dict[str, str] | None = None, kind: str = "") -> web.Response:
    """An error in the format's own shape."""
    if asked.wire == "gemini":
        return said(status, {"error": {"code": status, "message": "It did not work.", "status": word}}, headers)
    told = {"code": word, "message": "It did not work. Request id: 0217.", "param": "", "type": kind or "BadRequest"}
    return said(status, {"error": told}, headers)


def gave(asked: Asked, *items: dict[str, Any], **more: Any) -> web.Response:
    """A reply of the images API: OpenAI's or Ark's."""
    model = asked.body.get("model")
    if asked.wire == "ark":
        usage: dict[str, Any] = {"generated_images": len(items), "output_tokens": 4096, "total_tokens": 4096}
        return said(200, {"model": model, "created": int(time.time()), "data": list(items), "usage": usage} | more)
    usage = {"input_tokens": 12, "output_tokens": 272, "total_tokens": 284, "input_tokens_details": {"text_tokens": 12}}
    shown = {"usage": usage, "output_format": "png"} if "gpt-image" in str(model) else {}
    return said(200, {"created": int(time.time()), "data": list(items)} | shown | more)


def candidate(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> web.Response:
    """A reply of the Gemini API."""
    one: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": list(parts)}} if parts else {"index": 0}
    if finish:
        one["finishReason"] = finish
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 1290, "totalTokenCount": 1302}
    told = {"candidates": [one], "usageMetadata": usage, "modelVersion": "gemini-image-loopback"}
    return said(200, told | more)


def inline(data: bytes | str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": data if isinstance(data, str) else b64(data)}}


def item(asked: Asked, data: bytes | str, number: int = 0) -> dict[str, Any]:
    """One image as bytes in the images API; a string stands as it is."""
    told: dict[str, Any] = {"b64_json": data if isinstance(data, str) else b64(data)}
    if asked.wire == "ark":
        return told | {"size": "256x256"}
    return told | ({"revised_prompt": f"A picture, no. {number}."} if "dall-e" in str(asked.body.get("model")) else {})


def delivered(asked: Asked, *images: bytes | str) -> web.Response:
    """Images in the format that was asked."""
    if asked.wire == "gemini":
        return candidate(*map(inline, images))
    return gave(asked, *(item(asked, image, number) for number, image in enumerate(images)))
