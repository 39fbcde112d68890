"""Images for tests, drawn with Pillow: real ones, small, and of nothing in particular."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image, ImageDraw


def drawn(number: int = 1, *, width: int = 64, height: int = 48) -> Image.Image:
    """A picture of two shapes; each number gives another."""
    picture = Image.new("RGB", (width, height), (number * 37 % 256, 90, 200))
    draw = ImageDraw.Draw(picture)
    draw.ellipse((4, 4, width // 2, height // 2), fill=(250, number * 91 % 256, 20))
    draw.rectangle((width // 2, height // 2, width - 3, height - 3), fill=(number % 7 * 30, 20, 60))
    return picture


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """A picture as the bytes of a file."""
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def png(number: int = 1, **size: int) -> bytes:
    """The bytes of a PNG; each number gives another picture."""
    return encoded(drawn(number, **size))
