"""The templates, in the reader's language, with everything they print escaped and made visible."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

import jinja2
from markupsafe import Markup, escape

from tocsin.report import clean, words
from tocsin.report.messages import TAGS, Speaker, joined, lowered
from tocsin.report.rows import by_modality

_MARKED = re.compile(r"`([^`]+)`|\*([^*]+)\*|\{(\w+)\}")
"""What a text of ours marks: code, emphasis, and where a value goes."""


@cache
def environment(language: str = "en") -> jinja2.Environment:
    """The templates in a language.

    Args:
        language: One of `tocsin.report.messages.LANGUAGES`.
    """
    speaker = Speaker(language)

    def finalize(value: object) -> object:
        return value if isinstance(value, Markup) else clean.finalize(_said(speaker, value))

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tocsin.report", "templates"),
        autoescape=True,
        finalize=finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def shown(value: object) -> Markup:
        return value if isinstance(value, Markup) else escape(finalize(value))

    environment.globals["say"] = _say(speaker, shown)
    environment.globals["lang"] = TAGS[language]
    # What data says stays in its own words, and is marked so where the page speaks another language.
    environment.globals["english"] = Markup("") if language == "en" else Markup(' lang="en"')
    # Markup passes by `clean.finalize`, which would cut a text that is long because its signs were written out.
    environment.filters["text"] = lambda text: escape(str(text))
    environment.filters["bdi"] = lambda value: Markup("<bdi>{}</bdi>").format(shown(value))
    environment.filters["code"] = lambda value: Markup("<code>{}</code>").format(shown(value))
    environment.filters["strong"] = lambda value: Markup("<strong>{}</strong>").format(shown(value))
    environment.filters["way"] = lambda value: Markup('<span class="way">{}</span>').format(shown(value))
    environment.filters["coded"] = lambda text: _coded(str(_said(speaker, text)))
    environment.filters["count"] = words.count
    environment.filters["joined"] = joined
    environment.filters["lowered"] = lowered
    environment.filters["listed"] = words.listed
    environment.filters["by_modality"] = by_modality
    return environment


def _said(speaker: Speaker, value: object) -> object:
    return speaker.said(value) if isinstance(value, str) else value


def _say(speaker: Speaker, shown: Callable[[object], Markup]) -> Callable[..., str]:
    """What templates say their own texts with. In a text, backticks mark code and asterisks emphasis; in its values nothing."""

    def say(english: str, /, **values: object) -> str:
        form = speaker(english)
        if not (set("`*") & set(form) or any(isinstance(value, Markup) for value in values.values())):
            return speaker(english, **values)
        pieces, end = [], 0
        for mark in _MARKED.finditer(form):
            pieces.append(escape(form[end : mark.start()]))
            code, stressed, name = mark.groups()
            if code is not None:
                pieces.append(Markup("<code>{}</code>").format(code))
            elif stressed is not None:
                pieces.append(Markup("<em>{}</em>").format(stressed))
            else:
                pieces.append(shown(values[name]))
            end = mark.end()
        pieces.append(escape(form[end:]))
        return Markup("").join(pieces)

    return say


def _coded(text: str) -> Markup:
    """A text of our own in which what stands between backticks is code."""
    pieces = clean.visible(text).split("`")
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces)
    )
