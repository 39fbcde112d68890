"""A profile as rows of a table: the twin of the polar chart for those who read figures, or do not see charts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.report import clean, words
from tocsin.report.messages import Speaker

NO_VALUE = "no value: {why}"


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One axis, in words and figures that are fit to show. Escaping is the page's."""

    sector: str
    first: bool
    """Whether it is the first of its sector."""
    size: int
    """How many axes the sector has."""
    axis: str
    value: str
    interval: str
    bounds: str
    """What it would be if all that was not measured were bad, or good."""
    n: str
    """Measured and planned attempts."""
    judge: str
    note: str
    """Why there is no value, or what belongs beside it."""
    charted: bool
    """Whether the chart draws it."""


def profile_table(profile: Mapping[str, Any], *, language: str = "en") -> list[Row]:
    """The axes of a profile, those that the chart leaves out among them, sector by sector.

    Args:
        profile: As in ``summary.json``.
        language: Of its words.
    """
    speak = Speaker(language)
    found = []
    for one in profile["sectors"]:
        for place, axis in enumerate(one["axes"]):
            measured = axis["value"] is not None
            missing = (axis["planned"] or 0) - (axis["n"] or 0)
            notes = [speak.made(note) for note in axis["notes"] if note]
            note = "; ".join(notes) if measured else speak(NO_VALUE, why=speak.made(axis["why"]))
            found.append(
                Row(
                    sector=speak.made(clean.name(one["sector"])),
                    first=place == 0,
                    size=len(one["axes"]),
                    axis=clean.name(axis["title"]),
                    value=words.percent(axis["value"], 1),
                    interval=words.span(axis["low"], axis["high"]),
                    bounds=words.span(axis["worst"], axis["best"]) if missing else "–",
                    n=_count(axis),
                    judge=clean.name(axis["judge"] or "–"),
                    note=clean.visible(note, most=400, lines=False),
                    charted=bool(one.get("charted", True)),
                )
            )
    return found


def _count(axis: Mapping[str, Any]) -> str:
    if axis["planned"] is None:
        return "–"
    return f"{axis['n']:,}/{axis['planned']:,}" if axis["n"] is not None else f"?/{axis['planned']:,}"
