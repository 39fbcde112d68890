"""The languages tocsin knows: BCP 47 code → name, native name, script, direction, resource level."""

from __future__ import annotations

import difflib

import msgspec


class Language(msgspec.Struct, frozen=True):
    """A language. (A stand-in until the registry is merged.)"""

    code: str
    name: str


class UnknownLanguage(ValueError):
    """There is no such language."""


_KNOWN = {
    "en": "English",
    "es": "Spanish",
    "sw": "Swahili",
    "th": "Thai",
    "zh": "Chinese",
    "bn": "Bengali",
    "ar": "Arabic",
}


def language(code: str) -> Language:
    """The language of a code."""
    if code not in _KNOWN:
        near = difflib.get_close_matches(code, _KNOWN, n=1, cutoff=0.3)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(_KNOWN)}"
        raise UnknownLanguage(f"no language has the code {code!r}: {hint}")
    return Language(code, _KNOWN[code])
