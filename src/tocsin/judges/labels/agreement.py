"""How far people agree with each other, and judges whose verdicts are stored with people. Counts; intervals are elsewhere."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations

import msgspec

from tocsin.judges.labels.records import Labelled


class Agreed(msgspec.Struct, frozen=True):
    """On how many of `n` texts two said the same."""

    agreed: int
    n: int

    @property
    def share(self) -> float | None:
        """As a share in [0, 1]; None if there was nothing to agree on."""
        return self.agreed / self.n if self.n else None


def people_agree(records: Iterable[Labelled]) -> dict[tuple[int, int], Agreed]:
    """Pairs of persons, numbered from 1 in the set's order → on how many texts they said the same.

    A word between the two labels (a partial refusal) is a word of its own: two who say it agree.
    """
    counts: dict[tuple[int, int], list[int]] = {}
    for record in records:
        for (i, one), (j, other) in combinations(enumerate(record.votes, 1), 2):
            count = counts.setdefault((i, j), [0, 0])
            count[0] += one == other
            count[1] += 1
    return {pair: Agreed(*count) for pair, count in sorted(counts.items())}


def others_agree(records: Iterable[Labelled]) -> dict[str, Agreed]:
    """Judges whose verdicts the set stores → on how many texts they said what people say.

    JailbreakBench (Chao et al. 2024, arXiv 2404.01318, section 3.3) prints these shares for four judges over all of its
    300 answers: give it the records of `Reading.labelled` and of `Reading.without_text`.
    """
    counts: dict[str, list[int]] = {}
    for record in records:
        if record.positive is None:
            continue
        for name, verdict in record.others.items():
            count = counts.setdefault(name, [0, 0])
            count[0] += verdict == record.positive
            count[1] += 1
    return {name: Agreed(*count) for name, count in sorted(counts.items())}
