"""How many tokens a text has, without a tokeniser: a number of tokens for each character, by script.

Tokenisers differ, and most vendors' are not to be had. The rule and its error are in docs/method/power.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tocsin.results.planning.assumed import IMAGE_TOKENS
from tocsin.types import Message

PER_CHARACTER = {"ascii": 0.25, "latin": 0.5, "east_asian": 1.0, "other": 0.6}
"""Tokens of a character, by the kind of its script: see `kinds`."""
PER_MESSAGE = 5
"""Tokens with which a chat template marks a message, role and all."""

_LATIN = re.compile("[\u00a0-\u024f\u1e00-\u1eff\u2000-\u206f]")
_EAST_ASIAN = re.compile("[\u1100-\u11ff\u2e80-\ua4cf\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")


def kinds(text: str) -> dict[str, int]:
    """Characters of a text by the kind of their script.

    ``ascii``; ``latin``, with accents, and general punctuation; ``east_asian``: Chinese, Japanese and Korean; and all ``other``
    scripts: Cyrillic, Arabic, Thai, those of India …
    """
    if text.isascii():
        return {"ascii": len(text)}
    plain = sum(map(str.isascii, text))
    latin, east = len(_LATIN.findall(text)), len(_EAST_ASIAN.findall(text))
    return {"ascii": plain, "latin": latin, "east_asian": east, "other": len(text) - plain - latin - east}


def of_text(text: str) -> float:
    """Tokens that a text is estimated to have."""
    return sum(PER_CHARACTER[kind] * count for kind, count in kinds(text).items())


def of_messages(messages: Sequence[Message]) -> float:
    """Tokens that a request's messages are estimated to have, with what the chat template adds."""
    told = sum(of_text(message.text) + PER_MESSAGE for message in messages)
    return told + IMAGE_TOKENS * sum(len(message.images) for message in messages) + PER_MESSAGE
