"""The geometry of an interval: where on its axis the value, the interval and the bounds stand.

The drawing itself is a template of plain SVG (``templates/chart.html``). All places are percentages of its width, so that
it fits a phone and a sheet of paper without a script.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tocsin.report import words
from tocsin.report.messages import joined, message


class Bar(msgspec.Struct, frozen=True):
    """A stretch of the axis, in percent of its length, with the words of its tip."""

    start: float
    width: float
    tip: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """One drawn figure: value, 95% interval, bounds. What is None is not drawn, nor bounds where nothing is missing."""

    dot: float | None
    tip: str
    interval: Bar | None
    bounds: Bar | None
    ticks: tuple[float, ...]
    ends: tuple[str, str, str]
    """Words at the left end, the middle and the right end of the axis."""
    label: str
    """The whole drawing in words, for those who do not see it."""


def chart(score: dict[str, Any]) -> Chart:
    """The drawing of a score, on an axis from 0 to 1, or from -1 to 1 for bias."""
    reach = (score["worst"], score["best"]) if score["unscored"] + score["error"] else (None, None)
    return drawn(
        score["value"],
        (score["low"], score["high"]),
        reach,
        plus=words.signed(score),
        direction=words.direction(score),
    )


def drawn(
    value: float | None,
    limits: tuple[float | None, float | None],
    reach: tuple[float | None, float | None],
    *,
    plus: bool = False,
    direction: str,
) -> Chart:
    """The drawing of a number.

    Args:
        value: In [0, 1], or in [-1, 1]; None where nothing was measured.
        limits: Its 95% interval.
        reach: Its value at worst and at best; None where nothing is missing.
        plus: Whether the axis runs from -1 to 1.
        direction: Which way is good, in words.
    """
    (low, high), (worst, best) = limits, reach
    tip = message("Value: {value} ({direction})", value=words.figure(value, plus=plus), direction=direction)
    interval = bounds = None
    if low is not None and high is not None:
        interval = _bar(low, high, plus, message("95% interval: {span}", span=words.span(low, high, plus=plus)))
    if worst is not None and best is not None:
        told = message(
            "If all that was not measured were bad: {worst}; if all were good: {best}",
            worst=words.figure(worst, plus=plus),
            best=words.figure(best, plus=plus),
        )
        bounds = _bar(min(worst, best), max(worst, best), plus, told)
    said = [
        tip if value is not None else message("Nothing was measured"),
        *(bar.tip for bar in (interval, bounds) if bar),
    ]
    return Chart(
        dot=None if value is None else _place(value, plus),
        tip=tip,
        interval=interval,
        bounds=bounds,
        ticks=(0, 25, 50, 75, 100),
        ends=("\u22121", "0", "+1") if plus else ("0%", "50%", "100%"),
        label=joined(said, ". "),
    )


def _place(value: float, plus: bool) -> float:
    place = 50 * (value + 1) if plus else 100 * value
    return round(min(100.0, max(0.0, place)), 2)


def _bar(low: float, high: float, plus: bool, tip: str) -> Bar:
    start, end = _place(low, plus), _place(high, plus)
    return Bar(start, round(end - start, 2), tip)
