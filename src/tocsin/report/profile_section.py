"""The safety profile on the page: its drawing, its table and its sentences; nothing where a summary has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from markupsafe import Markup

from tocsin.report import clean
from tocsin.report.messages import message


class Profiled(msgspec.Struct, frozen=True, kw_only=True):
    """What the page shows of a profile."""

    drawing: Markup
    """SVG; empty where there is nothing to draw."""
    archetype: str
    sentences: list[str]


def profiled(model: Mapping[str, Any]) -> Profiled | None:
    """The profile of a model; None where the summary has none, as those of earlier versions."""
    told = model.get("profile")
    if not told:
        return None
    return Profiled(drawing=Markup(""), archetype="", sentences=[_sentence(one) for one in told.get("sentences", ())])


def _sentence(one: Mapping[str, Any]) -> str:
    return message(str(one["message"]), **{name: clean.name(value) for name, value in one["values"].items()})
