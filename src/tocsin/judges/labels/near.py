"""Prompts that are nearly the same: records of one cluster must not part, neither into train and test nor into draws.

MinHash over word triples, or over character triples where a script writes no blanks, with banding (Broder 1997, "On the
resemblance and containment of documents"; Leskovec, Rajaraman and Ullman, *Mining of Massive Datasets*, section 3.4).
The hashes only find candidates: every pair is then compared by its exact Jaccard similarity.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import msgspec
import numpy as np

from tocsin.judges.labels.records import Labelled

LEAST = 0.6
"""The Jaccard similarity of triples from which on two prompts are one."""
_BANDS, _ROWS = 24, 4
"""A pair at the threshold is found with probability 1 - (1 - 0.6^4)^24 = 0.96, one at 0.8 with 0.99999."""
_PRIME = (1 << 31) - 1
_LONGEST = 20_000
_WORD = re.compile(r"[^\W_]+")
_NO_BLANKS = re.compile(r"[぀-ヿ㐀-鿿฀-๿]")


def joined(records: Sequence[Labelled], *, least: float = LEAST) -> tuple[Labelled, ...]:
    """The same records, where those of nearly the same prompt share a cluster.

    Give it all sets at once that are trained on, tested on or averaged over: clusters then reach across them. Records that
    shared a cluster before still do. A new cluster has the least name of those it is made of.

    Args:
        records: Of one or more sets.
        least: The Jaccard similarity from which on two prompts are one, in (0, 1].
    """
    clusters: dict[str, set[int]] = {}
    for record in records:
        clusters.setdefault(record.cluster or record.id, set()).update(_triples(record.prompt))
    names = list(clusters)
    parents = list(range(len(names)))

    def root(i: int) -> int:
        while parents[i] != i:
            parents[i] = i = parents[parents[i]]
        return i

    shingles = [clusters[name] for name in names]
    for i, j in _candidates(shingles):
        if root(i) != root(j) and _similarity(shingles[i], shingles[j]) >= least:
            parents[root(j)] = root(i)
    least_names: dict[int, str] = {}
    for i, name in enumerate(names):
        least_names[root(i)] = min(name, least_names.get(root(i), name))
    new = {name: least_names[root(i)] for i, name in enumerate(names)}
    return tuple(msgspec.structs.replace(record, cluster=new[record.cluster or record.id]) for record in records)


def _triples(text: str) -> set[int]:
    """Hashes of the triples of a text; of the whole text if it is shorter than one."""
    plain = unicodedata.normalize("NFKC", text[:_LONGEST]).casefold()
    words = _WORD.findall(plain)
    parts = list("".join(words)) if _NO_BLANKS.search(plain) else words
    return {_hash("\0".join(parts[i : i + 3])) for i in range(max(1, len(parts) - 2))} if parts else set()


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big") % _PRIME


def _similarity(one: set[int], other: set[int]) -> float:
    union = len(one | other)
    return len(one & other) / union if union else 0.0


def _candidates(shingles: Sequence[set[int]]) -> Iterable[tuple[int, int]]:
    """Pairs that agree in all rows of a band."""
    rng = np.random.default_rng(2601)
    a = rng.integers(1, _PRIME, _BANDS * _ROWS, dtype=np.int64)
    b = rng.integers(0, _PRIME, _BANDS * _ROWS, dtype=np.int64)
    buckets: dict[tuple[int, bytes], list[int]] = {}
    for i, shingle in enumerate(shingles):
        if not shingle:
            continue
        values = np.fromiter(sorted(shingle), dtype=np.int64)
        signature = ((values[:, None] * a + b) % _PRIME).min(axis=0)
        for band in range(_BANDS):
            key = band, signature[band * _ROWS : (band + 1) * _ROWS].tobytes()
            for other in buckets.setdefault(key, []):
                yield other, i
            buckets[key].append(i)
