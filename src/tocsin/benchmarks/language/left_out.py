"""Which categories of a benchmark are left out of what tocsin runs: those whose name is about minors (SECURITY.md)."""

from __future__ import annotations

import re

NOTE = "Categories whose name is about minors are left out: see SECURITY.md."
"""For `Dataset.notes`."""

_ABOUT_MINORS = re.compile(r"\b(?:child(?:ren)?s?|minors?|underage|juveniles?)\b|(?<![a-z])csa[em](?![a-z])", re.I)


def is_left_out(*names: str) -> bool:
    """Whether a category is left out, going by the names of its levels. It reads names only, never prompts."""
    return any(_ABOUT_MINORS.search(name.replace("_", " ")) for name in names)
