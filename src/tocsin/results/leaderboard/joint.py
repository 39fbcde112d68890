"""Parts of one figure that hold the same cases: which clusters they share, and how far they vary together.

The evaluations of a modality may ask the same cases, plainly and under attack. What a model does with a case goes into each of
them, so their rates are no independent ones, and a mean over them is known less well than as many cases would make it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.int64]


class Joint:
    """The clusters of several parts as one list.

    Attributes:
        places: For each part the place of each of its clusters in that list.
        size: How many there are.
        shared: Whether any is in two parts.
    """

    def __init__(self, names: Sequence[Ints | None], lengths: Sequence[int]) -> None:
        """Joins clusters by their names.

        Args:
            names: Of each part the names of its clusters, each once; None where it shares none with any other.
            lengths: How many clusters each part has.
        """
        known = [one for one in names if one is not None]
        every = np.unique(np.concatenate(known)) if known else np.zeros(0, dtype=np.int64)
        self.size = len(every)
        self.shared = self.size < sum(len(one) for one in known)
        self.places: list[Ints] = []
        for one, length in zip(names, lengths, strict=True):
            if one is None:
                self.places.append(np.arange(self.size, self.size + length, dtype=np.int64))
                self.size += length
            else:
                self.places.append(np.searchsorted(every, one).astype(np.int64))

    def sums(self, values: Sequence[Floats]) -> Floats:
        """The sum of each cluster's values over the parts; shape ``(size,)``."""
        found = np.bincount(np.concatenate(self.places), weights=np.concatenate(values), minlength=self.size)
        return np.asarray(found, dtype=np.float64)

    def covariances(self, residuals: Sequence[Floats], sizes: Sequence[float]) -> Floats:
        """How far the rates of the parts vary together; shape ``(parts, parts)``.

        Of two parts with common clusters it is the sum of the products of their residuals, as of two ratios over the same
        sampled clusters, and one cluster is added that fell short in both: where few clusters show anything, they cannot tell
        how far the parts go together, and are taken to go together wholly. That cluster comes from no paper; it is of the kind
        that `tocsin.stats.clustered_proportion` adds. A covariance below 0 counts as 0.

        Args:
            residuals: Of each part what each of its clusters adds to its rate, less what it would add at that rate.
            sizes: Of each part what one cluster that falls short wholly adds.
        """
        count = len(residuals)
        added = np.array(sizes, dtype=np.float64)
        if not self.shared:
            return np.diag([float(np.square(one).sum()) + size**2 for one, size in zip(residuals, added, strict=True)])
        rows, there = np.zeros((count, self.size)), np.zeros((count, self.size), dtype=np.float32)
        for number, (places, one) in enumerate(zip(self.places, residuals, strict=True)):
            rows[number, places], there[number, places] = one, 1
        found = np.maximum(rows @ rows.T, 0) + np.outer(added, added)
        return np.asarray(np.where(there @ there.T > 0, found, 0.0), dtype=np.float64)


def correlations(covariances: Floats) -> Floats:
    """Covariances as correlations in [0, 1]."""
    spread = np.sqrt(np.diag(covariances))
    scale = np.outer(spread, spread)
    found = np.divide(covariances, scale, out=np.ones_like(covariances), where=scale > 0)
    return np.asarray(np.clip(found, 0.0, 1.0), dtype=np.float64)


def together(reaches: Sequence[float], correlated: Floats) -> float:
    """How far a sum reaches whose parts reach so far: ``sqrt(Σᵢⱼ ρᵢⱼ rᵢ rⱼ)`` (MOVER for dependent rates, Zou & Donner 2008)."""
    told = np.array(reaches, dtype=np.float64)
    return math.sqrt(max(0.0, float(told @ correlated @ told)))
