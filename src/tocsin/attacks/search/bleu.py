"""BLEU of one text against another (Papineni et al. 2002): how much of it stands in the other, in runs of up to four words."""

from __future__ import annotations

import math
import re
from collections import Counter

_READ = 8_000
"""Characters of a text that are read."""
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+|[^\w\s]")
_LONGEST = 4


def bleu(text: str, other: str) -> float:
    """In [0, 1]; 1 for the same words, 0 where no run of four is shared. Not smoothed, and in shorter texts runs are shorter.

    Args:
        text: The text that is compared.
        other: The text that it may be too like.
    """
    words, others = (_WORD.findall(one[:_READ].casefold()) for one in (text, other))
    longest = min(_LONGEST, len(words), len(others))
    if longest == 0:
        return 0.0
    logs = 0.0
    for size in range(1, longest + 1):
        runs, known = _runs(words, size), _runs(others, size)
        shared = (runs & known).total()
        if shared == 0:
            return 0.0
        logs += math.log(shared / runs.total())
    brevity = min(0.0, 1 - len(others) / len(words))
    return math.exp(brevity + logs / longest)


def _runs(words: list[str], size: int) -> Counter[tuple[str, ...]]:
    return Counter(tuple(words[start : start + size]) for start in range(len(words) - size + 1))
