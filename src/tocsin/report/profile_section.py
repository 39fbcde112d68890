"""The safety profile on the page: its drawing, its archetype, its sentences and its table; nothing where a summary has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from markupsafe import Markup

if TYPE_CHECKING:
    from tocsin.report.messages import Speaker
    from tocsin.report.profile_table import Row

_TOLD = ("weakness", "weakest", "strength", "note")
"""Kinds of sentences, those first that a decision hangs on."""


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """An archetype in words."""

    title: str
    lines: list[str]
    """How surely it is assigned, or why none is; then what is lacking and every rule."""
    inputs: list[tuple[str, str, str, str]]
    """What the rule reads: title, value, interval, why it cannot be used."""


class Profiled(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a profile."""

    drawing: Markup
    """SVG; empty where there is nothing to draw, or where it is left out to keep the page small."""
    rules: list[Rule]
    sentences: list[str]
    rows: list[Row]


def profiled(model: Mapping[str, Any], speaker: Speaker, *, drawn: bool) -> Profiled | None:
    """The profile of a model; None where the summary has none, as those of earlier versions, or it has no axis.

    Args:
        model: A model of the summary.
        speaker: Says the texts.
        drawn: Whether it is drawn.
    """
    told = model.get("profile")
    if not told or not any(sector["axes"] for sector in told["sectors"]):
        return None
    # Imported here: a page without a profile needs none of it.
    from tocsin.report.polar import polar, profile_table
    from tocsin.report.profile_text import archetype_lines, input_rows, tell

    language = speaker.language
    rules = []
    for found in told.get("archetypes") or ():
        title, *lines = archetype_lines(found, speaker)
        rules.append(Rule(title=title, lines=lines, inputs=input_rows(found, speaker)))
    ordered = sorted(
        told["sentences"], key=lambda one: _TOLD.index(one["kind"]) if one["kind"] in _TOLD else len(_TOLD)
    )
    try:
        drawing = Markup(polar([told], language=language)) if drawn else Markup("")  # noqa: S704 - all text in it is escaped
    except ValueError:  # no axis that is drawn
        drawing = Markup("")
    return Profiled(
        drawing=drawing,
        rules=rules,
        sentences=[tell(one, speaker) for one in ordered],
        rows=profile_table(told, language=language),
    )
