"""MinHash signatures of a text's windows, the same as those that HarmBench publishes for protected works.

HarmBench takes ``MinHash()`` of datasketch 1.x as it stands: 128 permutations drawn with seed 1, of 32-bit SHA-1 hashes of the
tokens. A permutation is ``((a·h + b) mod 2⁶⁴ mod (2⁶¹ - 1)) mod 2³²``: the product wraps around, which is a slip of that
library that every published signature depends on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from hashlib import sha1
from itertools import islice

import numpy as np
import numpy.typing as npt

Signatures = npt.NDArray[np.uint32]
"""Windows × permutations."""

PERMUTATIONS = 128
SEED = 1
PRIME = 2**61 - 1
_LARGEST = 2**32 - 1
_BLOCK = 4096
"""Tokens that are hashed at once: 4 MB."""

_TOKEN = re.compile(
    r"(?:https?://|www\.)\S+"
    r"|(?:[A-Za-z]\.){2,}"  # U.S.
    r"|(?:Mr|Mrs|Ms|Dr|St|Jr|Prof|vs|etc)\."
    r"|\w+?(?=n['’]t\b)|n['’]t\b"  # do n't
    r"|['’](?:s|m|d|ll|re|ve|em)\b"
    r"|\d+(?:[.,:]\d+)+"
    r"|\w+(?:['’](?!(?:s|m|d|ll|re|ve|em)\b)\w+)*"
    r"|\.{2,}|-{2,}|[^\w\s]"
    r"|(?<=\s)\s+|[^\S ]\s*",  # white space beyond one blank
    re.IGNORECASE,
)


def tokens(text: str) -> Iterator[str]:
    """Words and signs, cut apart much as spaCy's English tokeniser does.

    White space beyond the blank between two words is a token to it. It fills a place in a window and is not hashed; here
    it is the empty text.
    """
    return (found[0].strip() for found in _TOKEN.finditer(text))


@cache
def permutations() -> npt.NDArray[np.uint64]:
    """The factors and the summands of the permutations, 2 × 128, as datasketch 1.x draws them."""
    drawn = np.random.RandomState(SEED)
    pairs = [
        (drawn.randint(1, PRIME, dtype=np.uint64), drawn.randint(0, PRIME, dtype=np.uint64))
        for _ in range(PERMUTATIONS)
    ]
    return np.array(pairs, dtype=np.uint64).T


def signatures(text: str, length: int, step: int) -> Signatures:
    """The signatures of a text's windows of `length` tokens, each `step` tokens after the last.

    A text shorter than a window is one. As in HarmBench, the last window is the first that reaches the end.

    Args:
        text: Any text.
        length: A multiple of `step`.
        step: Tokens.
    """
    steps = _minima(tokens(text), step)
    per_window = length // step
    count = max(1, len(steps) - (per_window - 1))
    found = np.full((count, PERMUTATIONS), _LARGEST, dtype=np.uint32)
    for place in range(min(per_window, len(steps))):
        part = steps[place : place + count]
        np.minimum(found[: len(part)], part, out=found[: len(part)])
    return found


def closest(one: Signatures, other: Signatures) -> float:
    """The largest estimate of the Jaccard similarity between windows: the share of places at which signatures agree."""
    best = 0
    for row in one:
        best = max(best, int((other == row).sum(axis=1).max(initial=0)))
    return best / PERMUTATIONS


def _minima(words: Iterator[str], step: int) -> Signatures:
    """The smallest permuted hashes of every `step` tokens."""
    factors, summands = permutations()
    prime, largest = np.uint64(PRIME), np.uint64(_LARGEST)
    known: dict[str, int] = {}
    found: list[Signatures] = []
    while block := list(islice(words, _BLOCK // step * step)):
        hashes = np.array([_hash(word, known) for word in block], dtype=np.uint64)[:, None]
        permuted = ((hashes * factors + summands) % prime & largest).astype(np.uint32)
        permuted[[not word for word in block]] = _LARGEST
        found.append(np.minimum.reduceat(permuted, range(0, len(block), step), axis=0))
    return np.concatenate(found) if found else np.empty((0, PERMUTATIONS), dtype=np.uint32)


def _hash(word: str, known: dict[str, int]) -> int:
    if word not in known:
        digest = sha1(word.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()
        known[word] = int.from_bytes(digest[:4], "little")
    return known[word]
