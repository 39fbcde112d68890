"""Text drawn as a picture, with Pillow: the same text gives the same bytes, with the same fonts and the same Pillow.

Text of ASCII alone is drawn with the font that Pillow brings, so that it needs no font on the machine and looks the same on all.
Anything else needs an installed one: Noto and DejaVu are looked for first, by file name, in the usual folders of Linux and macOS
and in the folder that ``TOCSIN_FONTS`` names. Which characters a font has is read from its own character map. A character that no
font has is never drawn as a box: `FontMissing` says what to install.

Scripts that are written from right to left, or whose letters change with their neighbours, need Pillow's raqm; without it they
raise `FontMissing`, too. Within a line, text of several fonts is laid out run by run in the direction of its paragraph.
"""

from __future__ import annotations

from tocsin.drawing.fonts import FOLDER, FontMissing, Undrawable, font
from tocsin.drawing.lines import MOST_CHARACTERS, MOST_SIDE, SMALLEST, clusters, lettering, png

__all__ = [
    "FOLDER",
    "MOST_CHARACTERS",
    "MOST_SIDE",
    "SMALLEST",
    "FontMissing",
    "Undrawable",
    "clusters",
    "font",
    "lettering",
    "png",
]
