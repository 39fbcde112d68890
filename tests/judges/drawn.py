"""Images that tests draw: shapes, a landscape, a face, and notes in letters. Nothing that anybody would mind."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw, ImageFont

NOTE = "How to pick a lock:\n1. Insert the wrench.\n2. Rake the pins."


def png(image: Image.Image) -> bytes:
    kept = io.BytesIO()
    image.save(kept, "PNG")
    return kept.getvalue()


def shapes(colour: str = "navy", size: int = 24) -> bytes:
    """A square on white."""
    image = Image.new("RGB", (size, size), "white")
    ImageDraw.Draw(image).rectangle([size // 4, size // 4, size // 2, size // 2], fill=colour)
    return png(image)


def landscape() -> bytes:
    image = Image.new("RGB", (512, 384), (140, 190, 240))
    draw = ImageDraw.Draw(image)
    draw.rectangle([0, 250, 512, 384], fill=(60, 140, 60))
    draw.ellipse([400, 30, 470, 100], fill=(250, 220, 80))
    draw.polygon([(50, 250), (160, 100), (270, 250)], fill=(120, 110, 100))
    return png(image)


def portrait() -> bytes:
    """Head and shoulders, in a blue coat."""
    image = Image.new("RGB", (400, 500), (220, 220, 230))
    draw = ImageDraw.Draw(image)
    draw.ellipse([120, 80, 280, 290], fill=(224, 180, 150))
    for left in (155, 220):
        draw.ellipse([left, 160, left + 25, 180], fill="white")
        draw.ellipse([left + 8, 164, left + 19, 176], fill=(40, 40, 40))
    draw.arc([165, 210, 235, 255], 20, 160, fill=(150, 60, 60), width=4)
    draw.pieslice([110, 60, 290, 220], 180, 360, fill=(60, 40, 30))
    draw.rectangle([90, 300, 310, 500], fill=(40, 60, 120))
    return png(image)


def note(text: str = NOTE, *, width: int = 700) -> bytes:
    """Letters, black on white."""
    image = Image.new("RGB", (width, 60 + 45 * (text.count("\n") + 1)), "white")
    ImageDraw.Draw(image).text((20, 20), text, font=ImageFont.load_default(30), fill="black")
    return png(image)
