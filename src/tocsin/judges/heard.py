"""What rules tell of an answer in whatever language, beside any judge: which language it is in, and whether it shows
understanding.
"""

from __future__ import annotations

from tocsin.judges.tongue import language_of
from tocsin.judges.understood import misunderstood


def heard(prompt: str, answer: str) -> tuple[str, bool]:
    """BCP 47 code of the answer, empty where it cannot be told; and whether it shows that the request was not understood.

    Args:
        prompt: The request as the target was sent it.
        answer: The answer.
    """
    told = language_of(answer)
    return told.code if told else "", misunderstood(prompt, answer) is not None
