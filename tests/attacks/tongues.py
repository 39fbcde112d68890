"""A double of a translator, for attacks that put a case in other languages."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from tocsin.types import Message

WORDS = {"umshini": "samovar", "angikwazi": "I'm sorry, but I can't help with that."}
"""What it knows of foreign words: what the judge looks for, and a refusal that the refusal rules do not know."""


def translator(messages: Sequence[Message]) -> str:
    """Puts the language's code before the text; knows a few words in English."""
    source, target = asked(messages)
    text = messages[-1].text
    if target == "en":
        for foreign, english in WORDS.items():
            text = text.replace(foreign, english)
        return json.dumps({"translation": text.replace(f"[{source}] ", "")})
    return json.dumps({"translation": f"[{target}] {text}"})


def asked(messages: Sequence[Message]) -> tuple[str, str]:
    """The codes of the language that a text is in, and of the one it is wanted in."""
    found = re.search(r"from the language (\S+) to the language (\S+) ", messages[0].text)
    assert found is not None
    return found[1], found[2]
