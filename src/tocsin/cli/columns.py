"""Columns of text on a terminal, in whatever script it is.

A sign of Chinese takes two cells and a vowel sign of Thai none, so widths are counted in cells. A terminal that turns
right-to-left text round takes the digits behind it along, into the next column: a mark of direction, which takes no room, ends
such a text.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

_LEFT_TO_RIGHT = "\u200e"


def steady(text: str) -> str:
    """A text that leaves what stands behind it in its place; as it is, if it has no letter of a right-to-left script."""
    if text.isascii() or not any(unicodedata.bidirectional(sign) in ("R", "AL") for sign in text):
        return text
    return text + _LEFT_TO_RIGHT


def columns(rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines whose columns stand below each other, two cells apart; the last one is as long as it is.

    Args:
        rows: The cells of each row, without control characters; of one length.
    """
    from rich.cells import cell_len

    table = [[*map(steady, row[:-1]), row[-1]] for row in rows]
    widths = [max(map(cell_len, column)) for column in zip(*table, strict=True)][:-1]
    return [
        "  ".join([*(cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in table
    ]
