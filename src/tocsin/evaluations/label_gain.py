"""What labels buy: how wide the limits of a corrected rate are expected to be after so many.

The method itself is asked: answers are drawn as the design would, labels are invented for them that differ from the verdicts as
often as is assumed, and the rate is corrected. The mean half-width over a few such draws is what is expected.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from tocsin.evaluations.label_designs import Judged, drawn_of, sureness, thresholds_of
from tocsin.evaluations.run_labels import Design, Labels, rank
from tocsin.stats import bounded_mean, powered_mean
from tocsin.stats.powered import UNLABELLED

if TYPE_CHECKING:
    import numpy.typing as npt

ERRS = {"doubtful": 0.4, "near": 0.2, "sure": 0.1}
"""How often verdicts are taken to be wrong where nothing is known of the judge, by how sure it is."""

SIZES = (25, 50, 100, 200, 400)
DRAWS = 8
_MOST = 6_000
"""Answers that are looked at: of more a random part, which is wide enough to tell a half-width by."""
_JUDGED = {"unsafe": 1.0, "safe": 0.0, "unscored": 0.5}


class Gain(msgspec.Struct, frozen=True, kw_only=True):
    """What a number of labels is expected to buy.

    Attributes:
        each: Answers of each group that are drawn.
        drawn: Labels in all groups together.
        half_width: Of the corrected rate of the largest group, as a share.
    """

    each: int
    drawn: int
    half_width: float


def raw_half_width(answers: Sequence[Judged]) -> float | None:
    """Half-width of the raw rate of the largest group: it tells of chance alone, and nothing of the judge's errors."""
    scored = [one for one in _largest(answers) if one.outcome != "unscored"]
    if not scored:
        return None
    found = bounded_mean([_JUDGED[one.outcome] for one in scored], [one.cluster for one in scored])
    return (found.high - found.low) / 2


def expected_gain(
    answers: Sequence[Judged],
    design: Design,
    *,
    groups: Mapping[tuple[int, str, str], int] | None = None,
    sizes: Sequence[int] = SIZES,
    seed: int = 0,
    draws: int = DRAWS,
) -> list[Gain]:
    """Half-width after each number of labels, for the group with the most answers.

    Args:
        answers: Every answer of the run that can be drawn, or a random part of them.
        design: How they would be drawn.
        groups: How many there are of each target, benchmark and kind of case, where `answers` are a part.
        sizes: Answers of each group; those that hold no more than a smaller one are left out.
        seed: Same seed, same figures.
        draws: Invented sets of labels for each figure.
    """
    group = _largest(answers)
    if not group:
        return []
    counts = dict(groups or Counter(one.group for one in answers))
    thresholds = thresholds_of(group)
    wrong = np.array([ERRS[sureness(one, thresholds)] for one in group])
    judged = np.array([_JUDGED[one.outcome] for one in group])
    clusters = np.unique([one.cluster for one in group], return_inverse=True)[1]
    place = {one.cell: number for number, one in enumerate(group)}
    rng = np.random.default_rng(seed)
    found: list[Gain] = []
    for each in sizes:
        in_all = sum(min(each, size) for size in counts.values())
        if found and in_all == found[-1].drawn:
            break
        widths = [_width(group, design, each, judged, wrong, clusters, place, rng, draw) for draw in range(draws)]
        found.append(Gain(each=each, drawn=in_all, half_width=float(np.mean(widths))))
    return found


def _width(
    group: Sequence[Judged],
    design: Design,
    each: int,
    judged: npt.NDArray[np.float64],
    wrong: npt.NDArray[np.float64],
    clusters: npt.NDArray[np.int64],
    place: dict[int, int],
    rng: np.random.Generator,
    draw: int,
) -> float:
    truth = np.where(rng.random(len(group)) < wrong, 1 - judged, judged)
    truth = np.where(judged == 0.5, rng.random(len(group)) < 0.5, truth)  # of what is unscored nobody knows anything
    drawn = drawn_of(group, each, seed=draw, design=design)
    labels = Labels(
        seed=draw, by_verdict=design != "random", each=each, drawn=drawn, population=len(group), design=design,
        failed={one.cell: bool(truth[place[one.cell]]) for one in drawn},
    )  # fmt: skip
    said = np.full(len(group), UNLABELLED)
    weights = np.ones(len(group))
    for cell, weight in labels.weights().items():
        said[place[cell]] = int(labels.failed[cell])
        weights[place[cell]] = weight
    limits = powered_mean(judged, said, clusters, weights=weights)
    return (limits.high - limits.low) / 2


def _largest(answers: Sequence[Judged]) -> list[Judged]:
    """The answers of the group that has the most; of very many a random part."""
    counts = Counter(one.group for one in answers)
    if not counts:
        return []
    largest = counts.most_common(1)[0][0]
    found = [one for one in answers if one.group == largest]
    if len(found) > _MOST:
        found = sorted(found, key=lambda one: rank("gain", one.cell))[:_MOST]
    return found
