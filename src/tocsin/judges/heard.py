"""What rules tell of an answer in whatever language, beside any judge: which language it is in, and whether it shows
understanding.
"""

from __future__ import annotations

import functools

from tocsin.judges.tongue import READ, language_of
from tocsin.judges.understood import misunderstood


def heard(prompt: str, answer: str) -> tuple[str, bool]:
    """BCP 47 code of the answer, empty where it cannot be told; and whether it shows that the request was not understood.

    Args:
        prompt: The request as the target was sent it.
        answer: The answer.
    """
    return _language(answer[:READ]), misunderstood(prompt, answer) is not None


@functools.lru_cache(maxsize=2048)
def _language(text: str) -> str:
    """The language of an answer's beginning; models refuse in the same words again and again."""
    told = language_of(text)
    return told.code if told else ""
