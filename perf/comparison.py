"""How well a comparison keeps its word: intervals that hold, verdicts that are not false, power that is what it says.

``python -m perf.comparison --draws 1000`` takes some minutes on one quiet core. What came of it stands in
docs/method/comparison.md.

Each point draws two sides over the same cases so many times. Cases come in clusters; the two sides' outcomes on a case are
correlated, and both go with the cluster; outcomes are missing at random on either side.
"""

from __future__ import annotations

import argparse
import itertools

import numpy as np
import numpy.typing as npt

from tocsin.stats.compared import compared, could_see, mean_compared
from tocsin.stats.paired import holm

Ints = npt.NDArray[np.int64]
_LEFT_OUT = 0.05
"""Share of outcomes that are missing, on each side."""


def drawn(
    rng: np.random.Generator, clusters: int, size: int, rates: tuple[float, float], within: float, shared: float
) -> Ints:
    """The tables of two sides, shape ``(clusters, 2, 2)``.

    Args:
        rng: The source of chance.
        clusters: How many.
        size: Cases of each.
        rates: The true rates of the two sides.
        within: Correlation of the outcomes of one cluster, on the scale of the normal variables behind them.
        shared: That of the two sides on one case, beyond the cluster.
    """
    from scipy.special import ndtri

    common, own = rng.standard_normal((clusters, 1)), rng.standard_normal((2, clusters, 1))
    of_cluster = np.sqrt(0.7) * common + np.sqrt(0.3) * own
    of_case = np.sqrt(shared) * rng.standard_normal((clusters, size)) + np.sqrt(1 - shared) * rng.standard_normal(
        (2, clusters, size)
    )
    latent = np.sqrt(within) * of_cluster + np.sqrt(1 - within) * of_case
    safe = [latent[side] < ndtri(rate) for side, rate in enumerate(rates)]
    there = (rng.random((2, clusters, size)) > _LEFT_OUT).all(axis=0)
    return np.stack(
        [
            np.stack([(there & (safe[0] == a) & (safe[1] == b)).sum(axis=1) for b in (True, False)], axis=1)
            for a in (True, False)
        ],
        axis=1,
    ).astype(np.int64)


def coverage(draws: int, seed: int = 1) -> list[tuple[str, float]]:
    """How often the limits of a difference held the truth, at each point."""
    found = []
    grid = itertools.product(
        ((50, 1), (300, 1), (40, 5), (100, 3)),
        ((0.9, 0.9), (0.8, 0.75), (0.97, 0.93), (0.5, 0.6)),
        (0.0, 0.4),
        (0.0, 0.7),
    )
    for (clusters, size), rates, within, shared in grid:
        if size == 1 and within:
            continue
        rng, held = np.random.default_rng(seed), 0
        for _ in range(draws):
            told = compared(drawn(rng, clusters, size, rates, within, shared)).difference
            assert told.low is not None
            assert told.high is not None
            held += told.low <= rates[1] - rates[0] <= told.high
        found.append((f"{clusters}x{size} {rates} within {within} shared {shared}", held / draws))
    return found


def mean_coverage(draws: int, seed: int = 4) -> float:
    """How often the limits of a mean of three differences held the truth: 30 clusters of 3, 100 and 200 single cases."""
    rng, held = np.random.default_rng(seed), 0
    rates = ((0.9, 0.85), (0.6, 0.6), (0.97, 0.95))
    truth = sum(b - a for a, b in rates) / 3
    for _ in range(draws):
        tables = [drawn(rng, c, s, r, 0.3, 0.5) for (c, s), r in zip(((30, 3), (100, 1), (200, 1)), rates, strict=True)]
        told = mean_compared([(compared(t), t) for t in tables]).difference
        assert told.low is not None
        assert told.high is not None
        held += told.low <= truth <= told.high
    return held / draws


def false_verdicts(draws: int, rows: int = 8, seed: int = 2, within: float = 0.4) -> float:
    """How often a comparison of several scores, none of which differs, calls one better or worse."""
    rng, wrong = np.random.default_rng(seed), 0
    for _ in range(draws):
        told = [
            compared(drawn(rng, 40 + 10 * row, 1 + row % 4, (0.7 + row / 40,) * 2, within, 0.5)) for row in range(rows)
        ]
        adjusted = holm([one.p or 1.0 for one in told])
        wrong += any(
            p <= 0.05 and not (one.difference.low or 0) <= 0 <= (one.difference.high or 0)
            for p, one in zip(adjusted, told, strict=True)
        )
    return wrong / draws


def power(draws: int, seed: int = 3) -> list[tuple[str, float, float]]:
    """The power that is told, on average, and how often such a difference was called one, at each point."""
    found = []
    for clusters, size, within, rates in (
        (150, 1, 0.0, (0.85, 0.75)),
        (400, 1, 0.0, (0.9, 0.85)),
        (60, 4, 0.0, (0.8, 0.7)),
        (60, 4, 0.4, (0.8, 0.7)),
        (100, 3, 0.6, (0.85, 0.75)),
    ):
        rng, seen = np.random.default_rng(seed), 0
        said: list[float] = []
        effect = rates[0] - rates[1]
        for _ in range(draws):
            one = compared(drawn(rng, clusters, size, rates, within, 0.5))
            assert one.difference.high is not None
            assert one.p is not None
            seen += one.p <= 0.05 and one.difference.high < 0
            if len(said) < 200:
                said.append(could_see(one, effect).power)
        found.append((f"{clusters}x{size} within {within} {rates}", float(np.mean(said)), seen / draws))
    return found


def main() -> None:
    """Prints all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    held = coverage(draws)
    for name, share in sorted(held, key=lambda one: one[1]):
        print(f"coverage {share:.3f}  {name}")
    print(f"coverage of a mean of three: {mean_coverage(draws):.3f}")
    for within in (0.0, 0.4, 0.7):
        print(f"false verdicts among 8 scores, within {within}: {false_verdicts(draws, within=within):.3f}")
    for name, said, seen in power(draws):
        print(f"power told {said:.3f}, simulated {seen:.3f}  {name}")


if __name__ == "__main__":
    main()
