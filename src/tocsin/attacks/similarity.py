"""How alike two texts are in their letters: no model, the same on every machine, and microseconds.

For `similarity` a text becomes the counts of its groups of three letters, word by word and with the words' edges; likeness
is the cosine between two texts' counts, each damped by its logarithm (Salton and Buckley 1988, "Term-weighting approaches
in automatic text retrieval"). Words that share a stem count as partly the same; words of one meaning and other letters do not.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter

_LONGEST = 20_000
"""Characters of a text that are read."""
_WORD = re.compile(r"\w+")
_ORDER = 6
_BETA = 2


def similarity(one: str, other: str) -> float:
    """Likeness in [0, 1]: 1 for texts of the same words, 0 for such that share no three letters.

    Args:
        one: A text, of which the first 20,000 characters are read.
        other: Another.
    """
    first, second = _weights(one), _weights(other)
    if not first or not second:
        return 0.0
    shared = math.fsum(weight * second[group] for group, weight in first.items() if group in second)
    size = math.sqrt(_square(first) * _square(second))
    return min(1.0, shared / size)


def _weights(text: str) -> dict[str, float]:
    counts: Counter[str] = Counter()
    for word in _WORD.findall(unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()):
        edged = f" {word} "
        counts.update(edged[start : start + 3] for start in range(len(edged) - 2))
    return {group: 1.0 + math.log(count) for group, count in counts.items()}


def _square(weights: dict[str, float]) -> float:
    return math.fsum(weight * weight for weight in weights.values())


def chrf(hypothesis: str, reference: str) -> float:
    """How alike two texts are by chrF, in [0, 1]: the F-score of their groups of one to six characters (Popović 2015, WMT).

    Recall counts twice as much as precision (beta 2). White space is left out, case counts, and lengths of groups that one of
    the texts is too short for enter no mean: as sacrebleu 2 does it, divided by 100.

    Args:
        hypothesis: The text that is measured, such as a translation back into the source's language.
        reference: The text that it is held against.
    """
    one, other = "".join(hypothesis.split()), "".join(reference.split())
    precisions, recalls = [], []
    for length in range(1, min(_ORDER, len(one), len(other)) + 1):
        said, wanted = _groups(one, length), _groups(other, length)
        shared = (said & wanted).total()
        precisions.append(shared / said.total())
        recalls.append(shared / wanted.total())
    precision, recall = math.fsum(precisions), math.fsum(recalls)
    if not precision or not recall:
        return 0.0
    weight = _BETA**2
    return (1 + weight) * precision * recall / (weight * precision + recall) / len(precisions)


def _groups(text: str, length: int) -> Counter[str]:
    return Counter(text[start : start + length] for start in range(len(text) - length + 1))
