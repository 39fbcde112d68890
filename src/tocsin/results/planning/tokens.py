"""How many tokens a text has, without a tokeniser: a number of tokens for each character, by script.

Tokenisers differ, and most vendors' are not to be had. The rule and its error are in docs/method/power.md.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tocsin.results.planning.amounts import Amount
from tocsin.results.planning.assumed import IMAGE_TOKENS
from tocsin.types import Message

PER_CHARACTER = {"ascii": 0.25, "latin": 0.5, "east_asian": 1.0, "other": 0.6}
"""Tokens of a character, by the kind of its script (see `kinds`): what to expect of a vocabulary made for many languages."""
MOST_PER_CHARACTER = {"ascii": 0.45, "latin": 2.0, "east_asian": 2.8, "other": 2.2}
"""The same at most: no set of prompts of 14 languages has more by a vocabulary made for English (`perf/token_rule.py`)."""
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


def of_text(text: str) -> Amount:
    """Tokens that a text is estimated to have."""
    found = kinds(text)
    return Amount(
        sum(PER_CHARACTER[kind] * count for kind, count in found.items()),
        sum(MOST_PER_CHARACTER[kind] * count for kind, count in found.items()),
    )


def of_messages(messages: Sequence[Message]) -> Amount:
    """Tokens that a request's messages are estimated to have, with what the chat template adds."""
    beside = PER_MESSAGE * (len(messages) + 1)
    beside += IMAGE_TOKENS * sum(len(message.images) for message in messages)
    told = Amount(beside, 2 * beside)
    for message in messages:
        told = told.plus(of_text(message.text))
    return told
