"""Text laid out in lines, drawn, and written as a file."""

from __future__ import annotations

import io
import re
import unicodedata
from collections.abc import Sequence
from typing import Literal

from PIL import Image, ImageDraw, ImageFont

from tocsin.drawing.fonts import KEPT, Drawable, Face, Undrawable, clean, faces_for, needed_by, script_of, shaped

Align = Literal["left", "center"]
MOST_CHARACTERS = 20_000
MOST_SIDE = 8_000
"""Pixels of a side; text that needs more at the smallest size is not drawn."""
SMALLEST = 14
"""Pixels that letters are made smaller to, where text has to fit."""
_CLOSING = frozenset("、。，．：；！？）」』】》〉〕］｝…・ー々,.;:!?)]}’”%")
_OPENING = frozenset("（「『【《〈〔［｛([{‘“")


def _rtl(paragraph: str) -> bool:
    """Whether the first letter with a direction runs from right to left."""
    for one in paragraph:
        if (way := unicodedata.bidirectional(one)) in ("L", "R", "AL"):
            return way != "L"
    return False


def clusters(text: str) -> list[str]:
    """A text in pieces that are not to be parted: letters with their marks, and what a joiner or a virama joins."""
    pieces: list[str] = []
    joined = False
    for one in text:
        mark = unicodedata.category(one)[0] == "M" or one in KEPT
        if pieces and (mark or joined):
            pieces[-1] += one
        else:
            pieces.append(one)
        joined = one == "\u200d" or unicodedata.combining(one) == 9
    return pieces


def _tokens(paragraph: str) -> list[str]:
    """Pieces between which a line may end: words with the blanks after them, and single Han characters and kana."""
    tokens: list[str] = []
    for piece in re.findall(r"\S+\s*|\s+", paragraph):
        held = ""
        for one in clusters(piece):
            parts = held and (_parted(held[-1]) or _parted(one[0])) and not one.isspace()
            if parts and held[-1] not in _OPENING and one[0] not in _CLOSING:
                tokens.append(held)
                held = ""
            held += one
        tokens.append(held)
    return tokens


def _parted(character: str) -> bool:
    """Whether a line may end before and after it without a blank."""
    return unicodedata.east_asian_width(character) in "WF" and script_of(character) != "HANGUL"


class _Pen:
    """Fonts at one size, and what they make of lines."""

    def __init__(self, faces: Sequence[Face], size: int) -> None:
        self._fonts = [(face.has, face.at(size)) for face in faces]
        metrics = [made.getmetrics() for _, made in self._fonts]
        self.ascent, self.descent = max(up for up, _ in metrics), max(down for _, down in metrics)

    def runs(self, line: str) -> list[tuple[Drawable, str]]:
        """Text by the font that it is drawn with; what a font lacks goes to the next one that has it."""
        runs: list[tuple[Drawable, str]] = []
        for cluster in clusters(line):
            needed = needed_by(cluster)
            made = next((made for has, made in self._fonts if needed <= has), None)
            if made is None:  # its parts are in different fonts: each goes to its own
                parts = [(next(made for has, made in self._fonts if needed_by(one) <= has), one) for one in cluster]
            else:
                parts = [(runs[-1][0] if runs and not needed else made, cluster)]
            for chosen, part in parts:
                if runs and runs[-1][0] is chosen:
                    runs[-1] = (chosen, runs[-1][1] + part)
                else:
                    runs.append((chosen, part))
        return runs

    def width(self, line: str, rtl: bool) -> float:
        return sum(made.getlength(text, direction=_way(made, rtl)) for made, text in self.runs(line))

    def lines(self, text: str, most: float) -> list[tuple[str, bool]]:
        """Lines no wider than that, and whether they run from right to left."""
        lines: list[tuple[str, bool]] = []
        for paragraph in text.split("\n"):
            rtl, line = _rtl(paragraph), ""
            for token in _tokens(paragraph):
                if self.width((line + token).rstrip(), rtl) <= most:
                    line += token
                    continue
                if line.strip():
                    lines.append((line.rstrip(), rtl))
                    line = ""
                    token = token.lstrip() or ""
                for cluster in clusters(token):  # a word that is wider than the line is broken
                    if line and self.width((line + cluster).rstrip(), rtl) > most:
                        lines.append((line.rstrip(), rtl))
                        line = ""
                    line += cluster
            lines.append((line.rstrip(), rtl))
        return lines


def _way(made: Drawable, rtl: bool) -> str | None:
    """The direction, for fonts that are laid out by raqm."""
    if made.layout_engine != ImageFont.Layout.RAQM:
        return None
    return "rtl" if rtl else "ltr"


def lettering(
    text: str,
    *,
    width: int = 760,
    size: int = 48,
    height: int | None = None,
    align: Align = "left",
    language: str = "",
    margin: int = 30,
    spacing: float = 1.15,
    ink: str = "black",
    paper: str = "white",
) -> Image.Image:
    """A text as a picture. Lines are broken where they have to be; nothing is cut off.

    Args:
        text: Any text. Lines of it stay lines; control characters are left out.
        width: Pixels of the picture.
        size: Pixels of the letters. They are made smaller, down to `SMALLEST`, where the text would not fit.
        height: Pixels of the picture, with the text in its middle; as high as the text needs if None, or if it needs more.
        align: Where lines begin; ``left`` is right for text that runs from right to left.
        language: BCP 47 code of the text.
        margin: Pixels around the text.
        spacing: Of lines, by the height of the font.
        ink: Colour of the letters.
        paper: Colour behind them.

    Raises:
        FontMissing: No font has its characters, or its script cannot be shaped here.
        Undrawable: There is nothing to be seen in it, or it is too long.
    """
    text = clean(text)
    if not text.strip() or not needed_by(text):
        raise Undrawable("there is nothing to draw: the text has no character that is seen")
    if len(text) > MOST_CHARACTERS:
        raise Undrawable(f"the text is too long to be drawn: {len(text):,} characters, of at most {MOST_CHARACTERS:,}")
    shaped(text, language)
    faces = faces_for(text, language)
    room = max(1, width - 2 * margin)
    while True:
        pen = _Pen(faces, size)
        lines = pen.lines(text, room)
        step = round((pen.ascent + pen.descent) * spacing)
        tall = step * len(lines) + 2 * margin
        if tall <= (height or MOST_SIDE) or size <= SMALLEST:
            break
        size = max(SMALLEST, min(size - 2, round(size * 0.9)))
    if tall > MOST_SIDE:
        raise Undrawable(f"the text is too long to be drawn: it needs {tall:,} pixels, of at most {MOST_SIDE:,}")
    picture = Image.new("RGB", (width, max(tall, height or 0)), paper)
    draw = ImageDraw.Draw(picture)
    top = (picture.height - step * len(lines)) // 2
    for number, (line, rtl) in enumerate(lines):
        long = pen.width(line, rtl)
        start = (width - long) / 2 if align == "center" else width - margin - long if rtl else margin
        base = top + number * step + pen.ascent
        runs = pen.runs(line)
        for made, part in reversed(runs) if rtl else runs:
            draw.text((start, base), part, fill=ink, font=made, anchor="ls", direction=_way(made, rtl))
            start += made.getlength(part, direction=_way(made, rtl))
    return picture


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG file without metadata; the same pixels give the same bytes."""
    bare = picture.convert("RGB")
    bare.info = {}
    stream = io.BytesIO()
    bare.save(stream, "PNG", compress_level=6)
    return stream.getvalue()
