"""Where the wedges of a polar chart stand, and their outlines as paths."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tocsin.report import clean

OUTER, INNER = 212.0, 44.0
"""Radii at 100 and at 0, in units of the drawing."""
LABEL = 20
"""Characters of a label at most."""
LABEL_AT = OUTER + 15
"""Radius at which labels begin."""
LETTER = 6.4
"""Units that a letter of a label takes, about."""
MOST = 40
"""Axes of a sector that are drawn at most, and sectors: what has more would be lines."""
_GAP = 0.55
"""Weight of the gap between two sectors, where a wedge has 1; that at the top also holds the scale."""
_TOP_GAP = 1.9


class Slot(msgspec.Struct, frozen=True):
    """The place of an axis, the same for every model of a drawing."""

    key: str
    title: str
    start: float
    end: float
    """Angles in radians, clockwise from the top."""
    half: bool


class Arc(msgspec.Struct, frozen=True):
    """The place of a sector."""

    number: int
    title: str
    slots: tuple[Slot, ...]
    left_out: int
    """Axes that are too many to be drawn."""


class Extent(msgspec.Struct, frozen=True):
    """How far a drawing with its labels reaches from the centre: to either side, up and down."""

    side: float
    up: float
    down: float


def charted(profile: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The sectors of a profile that are drawn."""
    return [one for one in profile["sectors"] if one.get("charted", True)]


def keyed(axes: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Axes by what two profiles have to share to have one in the same place: the letters and digits of its title.

    Those that share a title are told apart by their order, so that none is lost.
    """
    found: dict[str, Mapping[str, Any]] = {}
    for axis in axes:
        plain = "".join(character for character in str(axis["title"]).casefold() if character.isalnum())
        number = 1
        while (key := f"{plain}#{number}") in found:
            number += 1
        found[key] = axis
    return found


_MODALITIES = ("language", "vision", "image")
_EVALUATIONS = ("benchmark", "multilingual", "adversarial", "compliance")


def _place(one: Mapping[str, Any]) -> tuple[int, int]:
    """Where a sector comes: by modality, then by evaluation, over-refusal last."""
    modality, evaluation = one["modality"], one["evaluation"]
    return (
        _MODALITIES.index(modality) if modality in _MODALITIES else len(_MODALITIES),
        _EVALUATIONS.index(evaluation) if evaluation in _EVALUATIONS else len(_EVALUATIONS),
    )


def arcs_of(profiles: Sequence[Mapping[str, Any]]) -> list[Arc]:
    """Where sectors and axes stand: the union over the profiles, in the report's order of evaluations.

    Of several profiles, sectors in which none has a value are left out: one chart says what it lacks, and a comparison need not.
    """
    filled = {
        one["sector"]
        for profile in profiles
        for one in profile["sectors"]
        if any(axis["value"] is not None for axis in one["axes"])
    }
    sectors: dict[str, dict[str, tuple[str, bool]]] = {}
    every = [one for profile in profiles for one in charted(profile)]
    for one in sorted(every, key=_place) if len(profiles) > 1 else every:
        if len(profiles) == 1 or one["sector"] in filled:
            axes = sectors.setdefault(str(one["sector"]), {})
            for key, axis in keyed(one["axes"]).items():
                axes.setdefault(key, (clean.name(axis["title"]), bool(one.get("half"))))
    most = {title: len(axes) for title, axes in sectors.items()}
    sectors = {title: dict(list(axes.items())[:MOST]) for title, axes in list(sectors.items())[:MOST]}
    weights = [0.5 if half else 1.0 for axes in sectors.values() for _, half in axes.values()]
    if not weights:
        return []
    whole = sum(weights) + _GAP * (len(sectors) - 1) + _TOP_GAP
    unit = 2 * math.pi / whole
    angle = unit * _TOP_GAP / 2
    found = []
    for number, (title, axes) in enumerate(sectors.items(), 1):
        slots = []
        for key, (name, half) in axes.items():
            end = angle + unit * (0.5 if half else 1.0)
            slots.append(Slot(key, name, angle, end, half))
            angle = end
        found.append(Arc(number, title, tuple(slots), most[title] - len(slots)))
        angle += unit * _GAP
    return found


def radius(share: float) -> float:
    """How far from the centre a share in [0, 1] lies."""
    return INNER + (OUTER - INNER) * min(max(share, 0.0), 1.0)


def at(angle: float, radius: float) -> tuple[float, float]:
    """A place by its angle, clockwise from the top, and its distance from the centre."""
    return radius * math.sin(angle), -radius * math.cos(angle)


def ring_piece(start: float, end: float, inner: float, outer: float) -> str:
    """The outline of a piece of a ring, as a path."""
    large = int(end - start > math.pi)
    (a, b), (c, d) = at(start, outer), at(end, outer)
    (e, f), (g, h) = at(end, inner), at(start, inner)
    return (
        f"M{a:.1f} {b:.1f}A{outer:.1f} {outer:.1f} 0 {large} 1 {c:.1f} {d:.1f}L{e:.1f} {f:.1f}"
        f"A{inner:.1f} {inner:.1f} 0 {large} 0 {g:.1f} {h:.1f}Z"
    )


def stripes(start: float, end: float, inner: float, outer: float, step: float) -> str:
    """Slanted lines across a piece of a ring: each rises by one step from one side to the other."""
    lines = []
    radius = inner
    while radius + step <= outer + 0.1:
        (x, y), (u, v) = at(start, radius), at(end, min(radius + step, outer))
        lines.append(f"M{x:.1f} {y:.1f}L{u:.1f} {v:.1f}")
        radius += step
    return "".join(lines) or "M0 0"


def letters(text: str) -> int:
    """Letters of usual width; those of Chinese, Japanese and Korean take two."""
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)


def extent(arcs: Sequence[Arc]) -> Extent:
    """The room that the circle and all labels take."""
    ends = [
        at((slot.start + slot.end) / 2, LABEL_AT + LETTER * letters(slot.title[:LABEL]))
        for arc in arcs
        for slot in arc.slots
    ]
    least = OUTER + 52  # the large numbers of narrow pages
    return Extent(
        side=max(least, *(abs(x) + 8 for x, _ in ends)),
        up=max(least, *(8 - y for _, y in ends)),
        down=max(least, *(y + 8 for _, y in ends)),
    )
