"""The fields of a heatmap: a share as a colour, its count beside it, and both in words for those who see no colours."""

from __future__ import annotations

import msgspec

from tocsin.report import words
from tocsin.report.messages import message


class Heat(msgspec.Struct, frozen=True):
    """One field of a heatmap."""

    text: str
    tip: str
    colour: str
    """CSS colour; empty where nothing was measured."""
    of: str = ""
    """How many were measured."""


def heat(place: str, found: tuple[int, int] | None, form: str) -> Heat:
    """The field of a share.

    Args:
        place: What the field is of, fit to be shown.
        found: How many were safe, and how many were unsafe; None where there were none.
        form: What the tip says, with places for ``{place}``, how many were ``{unsafe}`` and how many ``{measured}``.
    """
    if found is None or not sum(found):
        return Heat("–", message("{place}: nothing was measured", place=place), "")
    safe, unsafe = found
    share = unsafe / (safe + unsafe)
    # From a pale blue to a strong orange: apart for the colour-blind, and readable with dark text.
    light, hue = 93 - 28 * share, 205 if share < 0.01 else 32
    tip = message(form, place=place, unsafe=f"{unsafe:,}", measured=f"{safe + unsafe:,}")
    return Heat(words.percent(share), tip, f"hsl({hue} {40 + 50 * share:.0f}% {light:.0f}%)", f"{safe + unsafe:,}")


def share(counts: list[tuple[int, int]]) -> float:
    """The share of unsafe ones over several fields; 0 where nothing was measured."""
    safe, unsafe = (sum(one[place] for one in counts) for place in (0, 1))
    return unsafe / (safe + unsafe) if safe + unsafe else 0.0
