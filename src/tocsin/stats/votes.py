"""How far people agree with each other, from several votes on one item: the most that a judge can be asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tocsin.stats.bounded import bounded_mean, cluster_codes
from tocsin.stats.clusters import FEW_CLUSTERS, Estimate, cluster_bootstrap
from tocsin.stats.intervals import Interval

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


class HumanAgreement(msgspec.Struct, frozen=True):
    """People beside people.

    Attributes:
        pairwise: Share of pairs of votes on one item that agree, averaged over items.
        kappa: Fleiss' kappa, what of it is above chance; None where chance alone would agree always.
        kappa_limits: Its limits; None where resampling can say nothing.
        left_out: Items with fewer than two votes, which no pair can be made of.
        few_clusters: The limits rest on fewer than `FEW_CLUSTERS` clusters.
    """

    pairwise: Estimate
    kappa: float | None
    kappa_limits: Interval | None
    left_out: int
    few_clusters: bool


def human_agreement(
    votes: npt.ArrayLike,
    clusters: npt.ArrayLike | None = None,
    *,
    confidence: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> HumanAgreement:
    """Pairwise agreement and Fleiss' kappa of votes, with intervals.

    With ``v_ij`` votes of item ``i`` for category ``j`` and ``v_i`` in all, the share of agreeing pairs is
    ``P_i = Σ v_ij (v_ij - 1) / (v_i (v_i - 1))``, and kappa is ``(P - Pe) / (1 - Pe)`` with ``P`` the mean of ``P_i`` and
    ``Pe = Σ q_j²``, ``q_j`` being the mean of ``v_ij / v_i`` (Fleiss 1971, Psychological Bulletin 76:378-382). Items may
    differ in their number of votes; each counts once (as in Gwet 2014, *Handbook of Inter-Rater Reliability*).
    Where all have the same number, this is Fleiss' own formula.

    The limits of the pairwise agreement are `bounded_mean`'s, those of kappa a bootstrap over clusters: too narrow with
    few of them, and without a width where people never differ.

    Args:
        votes: How many voted for each category, shape ``(items, categories)``, integer. A vote that was not cast is in
            no category.
        clusters: Ids, shape ``(items,)``; None if each item is its own.
        confidence: Nominal coverage, in (0, 1).
        draws: Resamples for kappa.
        seed: Same seed, same limits.

    Raises:
        ValueError: Votes are no counts, or arrays do not fit each other.
    """
    given = np.asarray(votes)
    if given.ndim != 2 or given.shape[1] < 2 or not np.issubdtype(given.dtype, np.integer) or (given < 0).any():
        raise ValueError(
            f"human_agreement: votes is {given.dtype} of shape {given.shape}; give counts, one row for each item and one "
            "column for each category"
        )
    codes = cluster_codes(clusters, len(given), who="human_agreement")
    kept = given.sum(axis=1) >= 2
    counts = given[kept].astype(np.float64)
    each = counts.sum(axis=1)
    alike = (counts * (counts - 1)).sum(axis=1) / (each * (each - 1))
    pairwise = bounded_mean(np.minimum(alike, 1.0), codes[kept], confidence=confidence)
    left_out = len(given) - len(counts)
    if pairwise.value is None:
        return HumanAgreement(pairwise, None, None, left_out, True)
    # Sums over each cluster: items, agreeing pairs, shares of each category.
    columns = np.column_stack([np.ones(len(counts)), alike, counts / each[:, None]])
    dense = np.unique(codes[kept], return_inverse=True)[1]
    sums = np.zeros((pairwise.n_clusters, columns.shape[1]))
    np.add.at(sums, dense, columns)
    value = _fleiss(sums.sum(axis=0))
    limits = cluster_bootstrap(
        lambda taken: _fleiss(taken @ sums), len(sums), draws=draws, seed=seed, confidence=confidence
    )
    few = pairwise.few_clusters or len(sums) < FEW_CLUSTERS
    if math.isnan(value):
        return HumanAgreement(pairwise, None, None, left_out, True)
    return HumanAgreement(pairwise, value, limits, left_out, few)


def _fleiss(sums: npt.NDArray[Any]) -> float:
    """Kappa from the numbers of items and agreeing pairs and the shares of each category, summed over items."""
    items = float(sums[0])
    chance = float(np.square(sums[2:] / items).sum())
    return (float(sums[1]) / items - chance) / (1 - chance) if chance < 1 - 1e-12 else math.nan
