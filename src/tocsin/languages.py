"""The languages tocsin knows: BCP 47 code → name, native name, script, direction, resource level."""

from __future__ import annotations


def same(one: str, other: str) -> bool:
    """Whether two codes name one language, of which one may be told more closely (``zh``, ``zh-Hans``)."""
    first, second = (code.lower().split("-") for code in (one, other))
    return all(a == b for a, b in zip(first, second, strict=False))


class Language:
    code: str = ""


def language_named(text: str) -> Language:
    raise ValueError(text)
