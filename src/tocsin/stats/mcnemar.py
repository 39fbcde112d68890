"""Two readings of the same cases, tested: McNemar's exact test, its range where only margins are known, and random signs."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import msgspec
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_DIGITS = 10
"""Significant digits to which differences are alike: sums of floats are not the same to the last bit."""


class PRange(msgspec.Struct, frozen=True):
    """The p-values that the joint tables with given margins have.

    Attributes:
        low: The least.
        high: The greatest; equal to `low` where the margins leave one table, or all have one p-value.
        tables: How many joint tables have these margins.
    """

    low: float
    high: float
    tables: int

    @property
    def determined(self) -> bool:
        """Whether the margins leave one table alone."""
        return self.tables == 1


def mcnemar_exact(b: int, c: int) -> float:
    """The two-sided p-value of McNemar's exact test.

    Of the cases that went otherwise on the two, as many should favour each: ``b`` is binomial with ``b + c`` draws of 1/2
    (McNemar 1947, Psychometrika 12:153-157; the exact form is Fay 2010, Biostatistics 11:373-374). The p-value is twice the
    lesser tail, at most 1.

    Args:
        b: Cases that passed on the one alone.
        c: Cases that passed on the other alone.

    Raises:
        ValueError: A count is negative.
    """
    if min(b, c) < 0:
        raise ValueError(f"mcnemar_exact: b={b}, c={c}; counts start at 0")
    return float(_mcnemar(np.array([b]), np.array([c]))[0])


def mcnemar_range(x: int, y: int, n: int) -> PRange:
    """McNemar's exact p-value over every joint table that two margins allow.

    Papers print how many of ``n`` cases each of two models passed, and not how many both did. With ``a`` passed by both,
    ``b = x - a`` and ``c = y - a``, where ``a`` runs from ``max(0, x + y - n)`` to ``min(x, y)``. A margin of 0 or of ``n``
    leaves one table.

    Args:
        x: Cases that the one passed.
        y: Cases that the other passed.
        n: Cases that both were asked.

    Raises:
        ValueError: Not 0 <= x, y <= n.
    """
    _within(x, y, n)
    both = np.arange(max(0, x + y - n), min(x, y) + 1)
    values = _mcnemar(x - both, y - both)
    return PRange(float(values.min()), float(values.max()), len(both))


def most_discordant(x: int, y: int, n: int) -> tuple[int, int]:
    """Of the joint tables with these margins, the one in which most cases went otherwise: ``b`` and ``c``.

    It is the least favourable one to a difference: the margins fix ``b - c``, and its variance grows with ``b + c``.

    Raises:
        ValueError: Not 0 <= x, y <= n.
    """
    _within(x, y, n)
    both = max(0, x + y - n)
    return x - both, y - both


def random_signs(differences: npt.ArrayLike, *, draws: int = 20_000, seed: int = 0) -> float:
    """The test by random signs of `tocsin.stats.paired.sign_flip`, for a million clusters as for ten; two-sided.

    Clusters that differ by the same amount are drawn together, as one binomial. Where all differ by one amount (or not at
    all), nothing is drawn: the p-value is that of the sign test, which for single cases is McNemar's. Where no drawn sum is as
    far from 0, the bound of Hoeffding (1963, JASA 58:13-30, theorem 2) on the chance of one, ``2 exp(-S² / 2 Σd²)``, stands in
    if it is less: a test among many pairs asks for p-values below one over the draws.

    Args:
        differences: One reading less the other, one a cluster, shape ``(clusters,)``, in any unit.
        draws: Sets of signs.
        seed: Same seed, same value.

    Returns:
        In (0, 1]; 1 where there is no difference other than 0.
    """
    d = np.asarray(differences, dtype=np.float64)
    d = d[d != 0]
    if not len(d):
        return 1.0
    scale = float(np.abs(d).max())
    sizes, often = np.unique(np.round(np.abs(d) / scale, _DIGITS), return_counts=True)
    if len(sizes) == 1:
        above = int((d > 0).sum())
        return mcnemar_exact(above, len(d) - above)
    rng, total = np.random.default_rng(seed), np.zeros(draws)
    for size, count in zip(sizes, often, strict=True):
        total += size * (2.0 * rng.binomial(int(count), 0.5, size=draws) - count)
    seen = abs(float(np.round(d / scale, _DIGITS).sum())) * (1 - 1e-9)
    exceeding = int((np.abs(total) >= seen).sum())
    if exceeding:
        return (1 + exceeding) / (1 + draws)
    return min(1 / (1 + draws), 2 * math.exp(-(seen**2) / (2 * float(often @ sizes**2))))


def _mcnemar(b: npt.NDArray[np.int64], c: npt.NDArray[np.int64]) -> Floats:
    from scipy.special import bdtr  # takes longer to import than the rest of a short command takes to run

    tail = bdtr(np.minimum(b, c).astype(float), (b + c).astype(np.int64), 0.5)
    return np.asarray(np.where(b == c, 1.0, np.minimum(1.0, 2 * tail)), dtype=np.float64)


def _within(x: int, y: int, n: int) -> None:
    if not (min(x, y) >= 0 and max(x, y) <= n < math.inf):
        raise ValueError(f"{x} and {y} passed of {n}: needs 0 <= each <= n")
