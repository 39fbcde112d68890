"""The figures of a run that stand on boards: what each is over, under which conditions, and why it may not be ranked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tocsin.evaluations.scoring import LOWER_IS_BETTER, NOTHING_DONE
from tocsin.results.conditions import Condition

MISSING_CAP = 0.1
"""Share of planned attempts that may lack a verdict; a figure with more is set apart and not ranked.

The measured rest may be another kind of case than all. A tenth moves a rate by at most ten points, and a mean may not be moved
by more either, though a small set in it lacks more than a tenth of its own.
"""


class Place(NamedTuple):
    """What a board is of."""

    modality: str
    evaluation: str | None
    benchmark: str | None
    framework: str | None
    metric: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One target of one run."""

    number: int
    run: str
    created: str
    model: str


class Part(NamedTuple):
    """A share of a figure: units in the store, and their weight."""

    key: str
    weight: float


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One score of one entry, as a board needs it.

    Attributes:
        entry: Whose it is.
        place: The board's.
        main: Whether it stands for its evaluation.
        score: The score, as in the summary.
        falls: Whether lower is better.
        over: What it is over: benchmarks, or evaluations. Figures over other things are never on one board.
        conditions: What it was measured under.
        parts: Its units, with weights that add up to 1; empty where it has an interval alone.
        series: Whether its parts are values in the order of the plan, for a run that may stop at any time.
        why: Why it is not ranked; empty where it may be.
    """

    entry: Entry
    place: Place
    main: bool
    score: Mapping[str, Any]
    falls: bool
    over: tuple[str, ...]
    conditions: tuple[Condition, ...]
    parts: tuple[Part, ...] = ()
    series: bool = False
    why: str = ""

    @property
    def missing(self) -> float:
        """The share of planned attempts without a verdict."""
        planned = self.score["planned"]
        return (self.score["unscored"] + self.score["error"]) / planned if planned else 1.0


class Given(NamedTuple):
    """A run as it was read."""

    folder: Path
    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]


def falls(evaluation: str | None, metric: str) -> bool:
    """Whether lower is better: a mean falls with what it is over."""
    return metric in LOWER_IS_BETTER or (metric == "macro_mean" and evaluation == "over-refusal")


def unfit(score: Mapping[str, Any], missing: float) -> str:
    """Why a score by itself cannot be ranked; empty where it can."""
    if score["value"] is None or not math.isfinite(score["value"]):
        return "nothing of it was measured" if not score["n"] else "no value: there are bounds alone"
    if missing > MISSING_CAP + 1e-9:
        return f"{100 * missing:.1f}% of its planned attempts have no verdict; {100 * MISSING_CAP:.0f}% may lack one"
    if gone := next((note for note in score["notes"] if _incomplete(note)), ""):
        return f"its mean is {gone}"
    if (
        score["worst"] is not None
        and score["best"] is not None
        and abs(score["best"] - score["worst"]) > MISSING_CAP + 1e-9
    ):
        points = 100 * abs(score["best"] - score["worst"])
        return f"missing answers could move it by {points:.1f} points; {100 * MISSING_CAP:.0f} are allowed"
    if not all(isinstance(score[end], float | int) and math.isfinite(score[end]) for end in ("low", "high")):
        return "it has no interval"
    return ""


def _incomplete(note: str) -> bool:
    return note.startswith("without ") and note.endswith((": nothing was measured", f": {NOTHING_DONE}", ": no F1"))


def latest_first(figures: Iterable[Figure]) -> list[Figure]:
    """In the order of a board: the best value first, of alike ones the latest run; what is not ranked comes last."""

    def key(figure: Figure) -> tuple[bool, float, str]:
        value = figure.score["value"]
        known = value is not None and math.isfinite(value)
        good = (-value if not figure.falls else value) if known else math.inf
        return bool(figure.why), good, figure.entry.model

    newest = sorted(figures, key=lambda figure: figure.entry.created, reverse=True)
    return sorted(newest, key=key)
