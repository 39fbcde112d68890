"""What visual attacks do with pictures: draw shapes and portraits, mix, shuffle, and put them in a grid."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Sequence

from PIL import Image, ImageDraw

from tocsin import types
from tocsin.attacks.visual.wording import moved
from tocsin.drawing import lettering, png
from tocsin.protocols import Session
from tocsin.types import Case

SIDE = 512
"""Pixels of a picture that is drawn to stand beside another."""
_COLOURS = (
    "#c0392b", "#d35400", "#f39c12", "#27ae60", "#16a085", "#2980b9", "#34495e", "#8e44ad", "#7f8c8d", "#e8b4a0", "#a3d9a5",
    "#9fc5e8", "#f7dc6f", "#d7bde2",
)  # fmt: skip
_PAPERS = ("#fdf6e3", "#eaf2f8", "#f4ecf7", "#e9f7ef", "#fbeee6")
_SKIN = ("#f1c9a5", "#d9a066", "#a5714a", "#7a4b2a", "#e0ac8a")


def sent(picture: Image.Image, *says: str) -> types.Image:
    """A picture as it goes with a prompt.

    Args:
        picture: The picture.
        says: The texts in it as they were before they were shuffled, turned or encoded: the filter reads them, since it
            reads no picture.
    """
    return types.Image("image/png", png(picture), width=picture.width, height=picture.height, says="\n".join(says))


def shown(case: Case, session: Session) -> list[Image.Image]:
    """The case's own images, opened."""
    return [opened(session.look(image)) for image in case.images]


def opened(data: bytes) -> Image.Image:
    """A picture from the bytes of a file; transparency becomes white."""
    picture = Image.open(io.BytesIO(data))
    if picture.has_transparency_data:
        over = picture.convert("RGBA")
        under = Image.new("RGBA", over.size, "white")
        under.alpha_composite(over)
        return under.convert("RGB")
    return picture.convert("RGB")


def shapes(rng: random.Random, side: int = SIDE) -> Image.Image:
    """A scene of plain coloured shapes, drawn at random."""
    picture = Image.new("RGB", (side, side), rng.choice(_PAPERS))
    draw = ImageDraw.Draw(picture)
    for _ in range(rng.randint(4, 7)):
        radius = rng.randint(side // 12, side // 4)
        x, y = rng.randint(radius, side - radius), rng.randint(radius, side - radius)
        box, colour = (x - radius, y - radius, x + radius, y + radius), rng.choice(_COLOURS)
        match rng.choice(("disc", "ring", "square", "star", "stripes")):
            case "disc":
                draw.ellipse(box, fill=colour)
            case "ring":
                draw.ellipse(box, outline=colour, width=max(3, radius // 4))
            case "square":
                draw.regular_polygon((x, y, radius), 4, rotation=rng.randint(0, 89), fill=colour)
            case "star":
                draw.polygon(_star(x, y, radius, rng.randint(5, 8)), fill=colour)
            case _:
                for step in range(-radius, radius, max(6, radius // 3)):
                    draw.line((x - radius, y + step, x + radius, y + step), fill=colour, width=max(2, radius // 9))
    return picture


def _star(x: int, y: int, radius: int, points: int) -> list[tuple[float, float]]:
    ends = []
    for number in range(2 * points):
        long = radius if number % 2 == 0 else radius * 0.45
        angle = math.pi * number / points - math.pi / 2
        ends.append((x + long * math.cos(angle), y + long * math.sin(angle)))
    return ends


def portrait(rng: random.Random, side: int = SIDE) -> Image.Image:
    """A plain drawing of a person's head and shoulders; face, hair and clothes at random."""
    picture = Image.new("RGB", (side, side), rng.choice(_PAPERS))
    draw = ImageDraw.Draw(picture)
    skin, hair, coat = rng.choice(_SKIN), rng.choice(("#2c1b10", "#6b4423", "#b8860b", "#808080")), rng.choice(_COLOURS)
    unit, middle = side / 100, side / 2

    def oval(x: float, y: float, wide: float, high: float, fill: str) -> None:
        x, y = middle + x * unit, y * unit
        draw.ellipse((x - wide * unit, y - high * unit, x + wide * unit, y + high * unit), fill=fill)

    oval(0, 106, 38, 34, coat)
    draw.rectangle((middle - 7 * unit, 58 * unit, middle + 7 * unit, 78 * unit), fill=skin)
    if rng.random() < 0.5:
        oval(0, 44, 25, 32, hair)  # long hair
    oval(0, 34, 22, 20, hair)
    oval(0, 44, 19, 24, skin)
    draw.pieslice((middle - 21 * unit, 15 * unit, middle + 21 * unit, 55 * unit), 200, 340, fill=hair)
    for x in (-8, 8):
        oval(x, 42, 3.2, 2.2, "white")
        oval(x, 42, 1.5, 1.8, "#222222")
    if rng.random() < 0.5:
        for x in (-8, 8):
            draw.ellipse(
                (middle + (x - 6) * unit, 37 * unit, middle + (x + 6) * unit, 47 * unit),
                outline="#222222", width=max(2, side // 150),
            )  # fmt: skip
        draw.line(
            (middle - 2 * unit, 42 * unit, middle + 2 * unit, 42 * unit), fill="#222222", width=max(2, side // 150)
        )
    draw.line((middle, 44 * unit, middle - 2 * unit, 51 * unit), fill="#6b4423", width=max(2, side // 170))
    draw.arc(
        (middle - 8 * unit, 50 * unit, middle + 8 * unit, 60 * unit), 20, 160, fill="#8b2f2f", width=max(3, side // 120)
    )
    return picture


def mixed(one: Image.Image, other: Image.Image, share: float) -> Image.Image:
    """Two pictures laid over each other, of which the first has that share and the size."""
    return Image.blend(other.resize(one.size, Image.Resampling.BICUBIC), one, share)


def tiles(picture: Image.Image, across: int) -> list[tuple[int, int, int, int]]:
    """Boxes of a picture cut into so many columns and rows; what does not divide is left at its right and its bottom."""
    wide, high = picture.width // across, picture.height // across
    return [
        (column * wide, row * high, (column + 1) * wide, (row + 1) * high)
        for row in range(across)
        for column in range(across)
    ]


def jumbled(picture: Image.Image, across: int, rng: random.Random) -> tuple[Image.Image, list[int]]:
    """A picture whose patches changed places, and which patch stands at each place."""
    boxes = tiles(picture, across)
    order = moved(len(boxes), rng)
    return arranged(picture, across, order), order


def arranged(picture: Image.Image, across: int, order: Sequence[int]) -> Image.Image:
    """A picture with patch ``order[place]`` at each place."""
    made, boxes = picture.copy(), tiles(picture, across)
    for place, source in enumerate(order):
        made.paste(picture.crop(boxes[source]), boxes[place][:2])
    return made


def grid(
    pictures: Sequence[Image.Image], captions: Sequence[str], columns: int = 3, side: int = 320, gap: int = 12
) -> Image.Image:
    """Pictures side by side, each whole in a square with a caption above it."""
    strip = 44
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * (side + gap) + gap, rows * (side + strip + gap) + gap), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (picture, caption) in enumerate(zip(pictures, captions, strict=True)):
        x, y = gap + number % columns * (side + gap), gap + number // columns * (side + strip + gap)
        sheet.paste(
            lettering(caption, width=side, height=strip, size=26, margin=4, spacing=1.0, align="center"), (x, y)
        )
        fitted = picture.copy()
        fitted.thumbnail((side, side), Image.Resampling.LANCZOS)
        sheet.paste(fitted, (x + (side - fitted.width) // 2, y + strip + (side - fitted.height) // 2))
        draw.rectangle((x, y + strip, x + side - 1, y + strip + side - 1), outline="#999999")
    return sheet


def stacked(above: Image.Image, below: Image.Image) -> Image.Image:
    """Two pictures, one above the other, on white."""
    sheet = Image.new("RGB", (max(above.width, below.width), above.height + below.height), "white")
    sheet.paste(above, ((sheet.width - above.width) // 2, 0))
    sheet.paste(below, ((sheet.width - below.width) // 2, above.height))
    return sheet
