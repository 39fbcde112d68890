"""Languages as tables name them, and how many of a language's cases a machine translated."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tocsin.languages import UnknownLanguage, canonical, language
from tocsin.report import clean, words
from tocsin.report.messages import message, messages
from tocsin.results.translated import UNREVIEWED, unreviewed

LEVELS = messages({"high": "high-resource", "medium": "medium-resource", "low": "low-resource"})
"""How much text there is of a language, for models to learn from → in words."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A language as a table names it. What the registry does not know has its code for a name, and nothing else."""

    name: str
    native: str = ""
    """Its name in itself; empty where that is the same."""
    code: str = ""
    direction: str = ""
    """Of `native`, as HTML says it."""
    level: str = ""


def named(code: str) -> Named:
    """A language by its code."""
    try:
        known = language(code)
    except UnknownLanguage:
        return Named(name=clean.name(code, most=40))
    return Named(
        name=message(known.name),
        native=known.native if known.native != known.name else "",
        code=canonical(code),
        direction="rtl" if known.rtl else "ltr",
        level=LEVELS[known.resources],
    )


def machine_made(counts: Mapping[str, Mapping[str, int]], code: str) -> str:
    """How many of a language's cases nobody reviewed; empty if there are none."""
    found = counts.get(code)
    if found is None or not unreviewed(found):
        return ""
    doubtful = message(", {doubtful} of them doubtful", doubtful=f"{found['doubtful']:,}") if found["doubtful"] else ""
    return message(
        "{n} of {cases}: {unreviewed}{doubtful}",
        n=f"{unreviewed(found):,}",
        cases=words.count(found["cases"], "case"),
        unreviewed=message(UNREVIEWED),
        doubtful=doubtful,
    )
