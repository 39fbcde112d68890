"""Rows some of whose answers needed no judge: what is left of them for a correction of the judge's error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tocsin.stats.drops import Pair

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


class Share(NamedTuple):
    """A column over the paired rows: share of a row's answers that were unsafe, that a judge read, that were unsafe without."""

    unsafe: Floats
    read: Floats
    settled: Floats

    @property
    def partial(self) -> bool:
        """Whether an answer needed no judge."""
        return bool((self.read < 1).any())

    @property
    def flagged(self) -> float:
        """The rate of unsafe verdicts among answers that a judge read."""
        return float((self.unsafe - self.settled).sum() / self.read.sum())

    @property
    def residuals(self) -> Floats:
        """What a row's verdicts add to that rate: their sum is 0."""
        return self.unsafe - self.settled - self.flagged * self.read


def parts_of(
    values: Floats, judged: npt.ArrayLike | None, settled: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    """Unsafe, judged and unsafe without a judge, as shares of a row's measured attempts."""
    read = np.ones(values.shape) if judged is None else np.asarray(judged, dtype=np.float64)
    sure = np.zeros(values.shape) if settled is None else np.asarray(settled, dtype=np.float64)
    if read.shape != values.shape or sure.shape != values.shape:
        raise ValueError(
            f"corrected_drops: judged has shape {read.shape} and settled_unsafe {sure.shape} where unsafe has "
            f"{values.shape}; give the same"
        )
    there = ~np.isnan(values)
    least = 1e-9
    fits = (read >= 0) & (sure >= 0) & (read + sure <= 1 + least)
    fits &= (sure <= values + least) & (values - sure <= read + least)
    if (there & ~fits).any():
        raise ValueError(
            "corrected_drops: judged and settled_unsafe do not fit unsafe; they are shares of the same attempts of a row"
        )
    return values, read, sure


def apart(base: Share, less: Share) -> Pair:
    """`pair` over the answers that a judge read: rows weigh as much as is left of them."""
    n = len(base.read)
    rates, means, spreads, sizes = [], [], [], []
    for one in (base, less):
        p, w = one.flagged, float(one.read.mean())
        outcome = w * p * (1 - p)  # of one attempt a row
        verdicts = (one.unsafe - one.settled)[one.read > 0] / one.read[one.read > 0]
        single = bool(np.isin(one.read, (0, 1)).all() and np.isin(verdicts, (0, 1)).all())
        spread = float(np.square(one.residuals).sum()) / (n if single else n - 1)
        if not single:
            showing = min(np.count_nonzero(verdicts), np.count_nonzero(verdicts < 1))
            spread = (showing * spread + max(spread, outcome)) / (showing + 1)
        rates.append(p)
        means.append(outcome)
        spreads.append(spread)
        sizes.append(n * w * (outcome / spread if spread > 0 else 1.0))
    r = 0.0
    if min(spreads) > 0 and min(means) > 0:
        r = float(base.residuals @ less.residuals) / n / math.sqrt(spreads[0] * spreads[1])
        if r > 0:
            r = max(0.0, r - 1 / (2 * n * math.sqrt(means[0] * means[1])))
    rows = min(np.count_nonzero(one.read) for one in (base, less))
    return Pair(int(rows), (rates[0], rates[1]), (sizes[0], sizes[1]), max(-1.0, min(1.0, r)))
