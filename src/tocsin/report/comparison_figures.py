"""The figures of a comparison as its tables show them: a score on both sides in words, and where its difference is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tocsin.report import clean, words
from tocsin.report.charts import Bar, Chart
from tocsin.report.messages import Speaker

_REACHES = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
"""Ends that the axis of differences may have."""
MARKS = {"better": "▲", "worse": "▼", "no difference shown": "=", "not comparable": "–"}
"""Verdict → the sign before it."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A score on both sides, or a part of one, as a table shows it."""

    name: str
    what: str
    direction: str
    demonstration: bool
    one: str
    other: str
    difference: str
    interval: str
    reach: str
    n: str
    p: str
    sees: str
    power: str
    verdict: str
    """One of the four words, in English: it chooses how the row is drawn."""
    said: str
    """The same in the reader's language."""
    mark: str
    why: str
    missing: str
    """What has no verdict on one of the sides, and why; empty where nothing is missing."""
    notes: list[str]
    table: list[list[str]]
    """Judged on both sides: safe and unsafe on A, by safe and unsafe on B; empty where it is no rate."""
    outcomes: tuple[str, str]
    chart: Chart | None


def row_of(row: Mapping[str, Any], speak: Speaker, reach: float, effect: float) -> Row:
    """A row of a comparison as a table shows it.

    Args:
        row: As `tocsin.results.comparison.comparison` gives it.
        speak: The reader's language.
        reach: Where the axis of differences ends.
        effect: The difference whose power is told.
    """
    seen, verdict = row["seen"], row["verdict"]
    sees, power = "–", ""
    if seen is not None:
        sees = "–" if seen["detectable"] is None else size(seen["detectable"])
        power = speak(
            "Power to see a difference of {effect} points: {power}.",
            effect=size(effect),
            power=words.percent(seen["power"]),
        )
    notes = [speak.made(note) for note in row["notes"]]
    if row["few_clusters"] and row["n"]:
        notes.append(speak("Fewer than ten independent groups of cases: the interval itself is uncertain."))
    if row["changed"]:
        notes.append(
            speak("{count} cases of the same name have another text or another safe answer, and are left out.",
                  count=f"{row['changed']:,}")
        )  # fmt: skip
    if row["only_one"] or row["only_other"]:
        notes.append(
            speak(
                "Without a match: {one} cells of A and {other} of B.",
                one=f"{row['only_one']:,}",
                other=f"{row['only_other']:,}",
            )
        )
    table = [] if row["outcomes"] is None else [[f"{count:,}" for count in line[:2]] for line in row["outcomes"][:2]]
    good, bad = (
        words.OUTCOMES.get(row["metric"], {}).get(name) or words.outcome("", name) for name in ("safe", "unsafe")
    )
    falls = row["better"] == "lower"
    return Row(
        name=score_name(row, speak),
        what=speak(words.METRICS.get(row["metric"], row["metric"])),
        direction=speak("lower is better" if falls else "higher is better"),
        demonstration=row["demonstration"],
        one=words.percent(row["one"]["value"], 1),
        other=words.percent(row["other"]["value"], 1),
        difference=words.points(row["difference"]["value"]),
        interval=interval(row["difference"], speak),
        reach=interval(row["difference"], speak, ends=("worst", "best")) if row["n"] < row["matched"] else "",
        n=speak("{n} of {matched}", n=f"{row['n']:,}", matched=f"{row['matched']:,}")
        if row["matched"]
        else f"{row['n']:,}",
        p=words.p_value(row["p_holm"]),
        sees=sees,
        power=power,
        verdict=verdict,
        said=speak(verdict),
        mark=MARKS[verdict],
        why=speak.made(row["why"]),
        missing=_missing(row, speak),
        notes=notes,
        table=table,
        outcomes=(speak(good), speak(bad)),
        chart=_chart(row["difference"], reach, speak, missing=row["n"] < row["matched"]),
    )


def _missing(row: Mapping[str, Any], speak: Speaker) -> str:
    if not (told := row["unmeasured"]) or row["n"] == row["matched"]:
        return ""
    return speak(
        "A: {a} unscored, {ae} errors; B: {b} unscored, {be} errors",
        a=f"{told['one']['unscored']:,}",
        ae=f"{told['one']['error']:,}",
        b=f"{told['other']['unscored']:,}",
        be=f"{told['other']['error']:,}",
    )


def score_name(row: Mapping[str, Any], speak: Speaker) -> str:
    """What a table calls a score: its benchmark, or what it is over."""
    modality = "" if row["modality"] == "language" else f" ({speak(words.SHORT[row['modality']])})"
    if row["benchmark"]:
        framework = f" · {clean.name(row['framework'])}" if row.get("framework") else ""
        return f"{clean.name(row['benchmark'])}{framework}{modality}"
    if row["evaluation"] == "adversarial" and row["metric"] != "macro_mean":
        return speak("under attack") + modality
    return speak("{evaluation}, mean", evaluation=speak(row["evaluation"])) + modality


def interval(told: Mapping[str, Any], speak: Speaker, ends: tuple[str, str] = ("low", "high")) -> str:
    """Two ends of a difference, in points."""
    first, last = (told.get(end) for end in ends)
    if first is None or last is None:
        return "–"
    return speak("{low} to {high}", low=words.points(min(first, last)), high=words.points(max(first, last)))


def part_of(part: Mapping[str, Any], row: Mapping[str, Any], by: str, speak: Speaker, reach: float) -> Row:
    """A part of a row as a table shows it; of a row that is not comparable, no part is."""
    name = (
        words.language(part["key"])
        if by == "language"
        else part["key"].replace("_", " ")
        if by == "format"
        else part["key"]
    )
    comparable = row["verdict"] != "not comparable"
    verdict = part["verdict"] if comparable else "not comparable"
    return Row(
        name=clean.name(name) or speak("none"),
        what="",
        direction="",
        demonstration=False,
        one=words.percent(part["one"]["value"], 1),
        other=words.percent(part["other"]["value"], 1),
        difference=words.points(part["difference"]["value"]),
        interval=interval(part["difference"], speak) if comparable else "–",
        reach="",
        n=speak("{n} of {matched}", n=f"{part['n']:,}", matched=f"{part['matched']:,}"),
        p=words.p_value(part["p_holm"]) if comparable else "–",
        sees="",
        power="",
        verdict=verdict,
        said=speak(verdict),
        mark=MARKS[verdict],
        why="",
        missing="",
        notes=[],
        table=[],
        outcomes=("", ""),
        chart=_chart(part["difference"], reach, speak) if comparable else None,
    )


def axis(rows: Sequence[Mapping[str, Any]]) -> float:
    """Where the axis of differences ends: the least of some round numbers that holds every interval of a row."""
    ends = [
        abs(row["difference"][end]) for row in rows for end in ("low", "high") if row["difference"][end] is not None
    ]
    most = max(ends, default=1.0)
    return next(one for one in _REACHES if most <= one or one == 1.0)


def _chart(told: Mapping[str, Any], reach: float, speak: Speaker, *, missing: bool = False) -> Chart | None:
    value, low, high = told["value"], told["low"], told["high"]
    if value is None:
        return None
    tip = speak("Difference: {points} points", points=words.points(value))
    found = bounds = None
    if low is not None and high is not None:
        found = _bar(low, high, reach, speak("95% interval: {span}", span=interval(told, speak)))
    if missing and told.get("worst") is not None:
        span = interval(told, speak, ends=("worst", "best"))
        least, most = sorted((told["worst"], told["best"]))
        bounds = _bar(least, most, reach, speak("Whatever is missing: {span}", span=span))
    return Chart(
        dot=_place(value, reach),
        tip=tip,
        interval=found,
        bounds=bounds,
        ticks=(0, 25, 50, 75, 100),
        ends=(f"\u2212{size(reach)}", "0", f"+{size(reach)}"),
        label=". ".join([tip, *(bar.tip for bar in (found, bounds) if bar)]),
    )


def _place(value: float, reach: float) -> float:
    return round(min(100.0, max(0.0, 50 * (value / reach + 1))), 2)


def _bar(low: float, high: float, reach: float, tip: str) -> Bar:
    start, end = _place(low, reach), _place(high, reach)
    return Bar(start, round(end - start, 2), tip)


def size(share: float) -> str:
    """A size of a difference in points, without a sign."""
    return f"{100 * share:.1f}".removesuffix(".0")
