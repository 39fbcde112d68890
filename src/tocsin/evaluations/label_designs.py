"""Which answers of a run people are to label: four designs, in each of which every answer has a known chance to be drawn.

Every design is a stratified random sample: answers are parted into strata, each stratum gets so many seats, and these are taken
by its answers in the order of a hash of seed and cell. So an answer's chance is the stratum's seats over its size, exactly, and
above 0; the number drawn is fixed; and a larger draw holds every smaller one. What designs differ in is the strata and the
seats. A draw of the judge's *most* uncertain answers alone is none of them: most answers would have no chance to be in it, and
no weight could make a rate of the run out of it.
"""

from __future__ import annotations

import heapq
import math
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tocsin.evaluations.run_labels import POPULATION, Design, Drawn, rank

LEAST = 5
"""Answers of each stratum that are drawn, where there are as many and the draw has room: by them its error is known at all."""

VERDICTS = ("safe", "unsafe", "unscored")
NEAR, DOUBTFUL = 0.5, 0.2
"""How far a score lies from the judge's threshold, as a share of the way to the end of the scale: below the first it is near,
below the second doubtful."""

PLANNED_ERROR = {"doubtful": 0.4, "near": 0.2, "sure": 0.05}
"""How often the judge is taken to err, by how sure it is. It decides how many of each are drawn (Neyman 1934, Journal of the
Royal Statistical Society 97:558-625: in proportion to size and standard deviation), and nothing else: a wrong guess costs
width, and biases nothing."""


class Judged(NamedTuple):
    """An answer that may be drawn, with what the judge made of it."""

    cell: int
    target: int
    benchmark: str
    wanted: str
    language: str
    outcome: str
    cluster: str = ""
    judge: str = ""
    score: float | None = None
    controversial: bool = False
    split: bool = False
    """Whether members of a panel said different things."""

    @property
    def group(self) -> tuple[int, str, str]:
        """The answers among which it is drawn: one target, benchmark and kind of case."""
        return self.target, self.benchmark, self.wanted


def judged_answers(db: sqlite3.Connection, *, most: int = -1) -> Iterator[Judged]:
    """Answers of a run that can be drawn, in the run's random order: every one, or the first `most`."""
    rows = db.execute(
        "SELECT c.id, c.target, s.benchmark, s.wanted, s.language, r.outcome, s.cluster, r.judge, r.score, r.controversial,"
        " r.detail LIKE 'votes: %=unsafe%' AND r.detail LIKE 'votes: %=safe%'"
        f" {POPULATION} ORDER BY c.id LIMIT ?",
        (most,),
    )
    once: dict[str, str] = {}  # a name that a million rows share stands in memory once
    for cell, target, benchmark, wanted, language, outcome, cluster, judge, score, controversial, split in rows:
        benchmark, wanted, language, outcome, judge = (
            once.setdefault(name, name) for name in (benchmark, wanted, language, outcome, judge)
        )
        yield Judged(
            cell, target, benchmark, wanted, language, outcome, cluster, judge, score, bool(controversial), bool(split)
        )


def group_sizes(db: sqlite3.Connection) -> dict[tuple[int, str, str], int]:
    """Target, benchmark and kind of case → answers that can be drawn."""
    rows = db.execute(f"SELECT c.target, s.benchmark, s.wanted, count(*) {POPULATION} GROUP BY 1, 2, 3")
    return {(target, benchmark, wanted): count for target, benchmark, wanted, count in rows}


def draw(db: sqlite3.Connection, each: int, *, seed: int, design: Design = "random") -> list[Drawn]:
    """Draws answers of a finished run: so many of each target, benchmark and kind of case, in random order.

    Args:
        db: The run's journal.
        each: Answers of each target, benchmark and kind of case. Where it has more strata than this, one of each is drawn.
        seed: Same seed, same answers; fewer are always among more.
        design: How; see `drawn_of`.
    """
    return drawn_of(list(judged_answers(db)), each, seed=seed, design=design)


def drawn_of(answers: Sequence[Judged], each: int, *, seed: int, design: Design = "random") -> list[Drawn]:
    """Draws from answers.

    - *random*: all answers of a group have the same chance.
    - *verdict*: the same number of each verdict.
    - *stratified*: strata of language and verdict, with seats by the root of their size (Bankier 1988, The American
      Statistician 42:174-177: between what is best for the whole and what is best for each), `LEAST` of each.
    - *uncertain*: strata of how sure the judge is, with seats by size times the standard deviation that `PLANNED_ERROR` gives,
      `LEAST` of each.

    Returns:
        The answers in the order of the hash, which is random and the same for every design.
    """
    groups: dict[tuple[int, str, str], dict[tuple[str, str], list[int]]] = {}
    thresholds = thresholds_of(answers) if design == "uncertain" else {}
    for one in answers:
        groups.setdefault(one.group, {}).setdefault(_stratum(one, design, thresholds), []).append(one.cell)
    drawn: list[Drawn] = []
    number = 0
    for group, ((_, _, wanted), strata) in enumerate(groups.items()):
        for cells, seats in zip(strata.values(), _seats(strata, each, design), strict=True):
            taken = sorted(cells, key=lambda cell: rank(seed, cell))[:seats]
            drawn += [Drawn(cell, len(taken) / len(cells), wanted, number, group) for cell in taken]
            number += 1
    return sorted(drawn, key=lambda one: rank(seed, one.cell))


def allotted(each: int, measures: Sequence[float], sizes: Sequence[int], *, least: int = LEAST) -> list[int]:
    """Seats of strata: one each, then up to `least` each, then in proportion to their measures.

    Seats are given one after another, the next to the stratum with the largest ``measure / (2 taken + 1)`` (Sainte-Laguë;
    Pukelsheim 2017, *Proportional Representation*, chapter 4). So with more seats no stratum loses one, and a larger draw holds
    every smaller one.

    Args:
        each: Seats in all; never fewer than one for each stratum are given.
        measures: Above 0, one for each stratum.
        sizes: How many seats each can take, 1 or more.
        least: Seats that each is given before they go by measure.
    """
    taken = [0] * len(sizes)
    for given in range(least):
        for place, size in enumerate(sizes):
            if size > taken[place] and (given == 0 or sum(taken) < each):
                taken[place] += 1
    queue = [
        (-measure / (2 * taken[place] + 1), place)
        for place, measure in enumerate(measures)
        if sizes[place] > taken[place]
    ]
    heapq.heapify(queue)
    left = each - sum(taken)
    while queue and left > 0:
        _, place = heapq.heappop(queue)
        taken[place] += 1
        left -= 1
        if sizes[place] > taken[place]:
            heapq.heappush(queue, (-measures[place] / (2 * taken[place] + 1), place))
    return taken


def thresholds_of(answers: Iterable[Judged]) -> dict[str, float]:
    """Judge → the score from which on it says unsafe: midway between its verdicts, and one half where these overlap."""
    highest: dict[str, float] = {}
    lowest: dict[str, float] = {}
    for one in answers:
        if one.score is None or not 0 <= one.score <= 1:
            continue
        if one.outcome == "safe":
            highest[one.judge] = max(highest.get(one.judge, 0.0), one.score)
        elif one.outcome == "unsafe":
            lowest[one.judge] = min(lowest.get(one.judge, 1.0), one.score)
    both = highest.keys() & lowest.keys()
    return {name: (highest[name] + lowest[name]) / 2 for name in both if highest[name] <= lowest[name]}


def sureness(one: Judged, thresholds: Mapping[str, float]) -> str:
    """How sure the judge is of an answer: a key of `PLANNED_ERROR`.

    A verdict without a score is taken for sure, unless it is marked as borderline or members of a panel differed.
    """
    if one.outcome == "unscored" or one.controversial or one.split:
        return "doubtful"
    if one.score is None or not 0 <= one.score <= 1:
        return "sure"
    threshold = thresholds.get(one.judge, 0.5)
    reach = 1 - threshold if one.score >= threshold else threshold
    margin = abs(one.score - threshold) / reach if reach > 0 else 1.0
    return "doubtful" if margin < DOUBTFUL else "near" if margin < NEAR else "sure"


def _stratum(one: Judged, design: Design, thresholds: Mapping[str, float]) -> tuple[str, str]:
    match design:
        case "verdict":
            return "", one.outcome
        case "stratified":
            return one.language, one.outcome
        case "uncertain":
            return "", sureness(one, thresholds)
    return "", ""


def _seats(strata: Mapping[tuple[str, str], Sequence[int]], each: int, design: Design) -> list[int]:
    sizes = [len(cells) for cells in strata.values()]
    if design == "verdict":
        return [min(size, -(-each // len(VERDICTS))) for size in sizes]
    if design == "random":
        return [min(size, each) for size in sizes]
    if design == "stratified":
        return allotted(each, [math.sqrt(size) for size in sizes], sizes)
    errs = [PLANNED_ERROR[sure] for _, sure in strata]
    return allotted(each, [size * math.sqrt(err * (1 - err)) for size, err in zip(sizes, errs, strict=True)], sizes)
