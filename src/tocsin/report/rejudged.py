"""Two judges on the same answers: agreement, what flipped, and how scores and ranks moved, in words and rows."""

from __future__ import annotations

from typing import Any

import msgspec

from tocsin.report import clean, words
from tocsin.report.messages import joined, lowered, message

_NAMED = 4
"""Pairs of judges and of models that a sentence names."""


class Moved(msgspec.Struct, frozen=True, kw_only=True):
    """A score before and after."""

    model: str
    name: str
    metric: str
    before: str
    after: str
    difference: str
    interval: str
    noise: str
    """Whether chance alone may explain the difference."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """Agreement and flips of one model's answers to one benchmark, or of one attack or language in it."""

    model: str
    name: str
    n: str
    agreement: str
    interval: str
    kappa: str
    to_unsafe: str
    to_safe: str
    lost: str
    gained: str


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """An order of the models."""

    title: str
    rows: list[tuple[str, str, str, str, str]]
    """Model, value before, ranks before, value after, ranks after."""
    sentence: str


class Rejudged(msgspec.Struct, frozen=True, kw_only=True):
    """The section of a rejudged run."""

    origin: str
    sentences: list[str]
    outcomes: list[str]
    confusion: list[tuple[str, list[str]]]
    groups: list[Compared]
    more_groups: int
    scores: list[Moved]
    more_scores: int
    standings: list[Standing]


def rejudged(comparison: dict[str, Any], *, most: int) -> Rejudged:
    """The comparison in words.

    Args:
        comparison: As `tocsin.results.rejudged.compare` makes it.
        most: Rows of a table at most.
    """
    confusion = comparison["confusion"]
    said = [words.outcome("", name) for name in confusion["outcomes"]]
    groups = [_compared(row) for row in comparison["groups"]]
    scores = [_moved(row) for row in comparison["scores"]]
    standings = [_standing(board) for board in comparison["rankings"]]
    return Rejudged(
        origin=origin(comparison),
        sentences=_sentences(comparison, standings),
        outcomes=said,
        confusion=[
            (name, [f"{count:,}" for count in row]) for name, row in zip(said, confusion["counts"], strict=True)
        ],
        groups=groups[:most],
        more_groups=max(0, len(groups) - most),
        scores=scores[:most],
        more_scores=max(0, len(scores) - most),
        standings=standings[:most],
    )


def origin(comparison: dict[str, Any]) -> str:
    """Whose answers were judged anew, and that nobody was asked for them again."""
    answers = comparison["answers"]
    first, last = words.moment(answers["first"]), words.moment(answers["last"])
    when = (
        message("of {first}", first=first) if first == last else message("of {first} to {last}", first=first, last=last)
    )
    asked = (
        ""
        if answers["run"] == comparison["against"]
        else message(", first given in {run}", run=clean.name(answers["run"]))
    )
    return message(
        "Rejudged from {against}; answers {when}{asked}; no call to a target.",
        against=clean.name(comparison["against"]),
        when=when,
        asked=asked,
    )


def _sentences(comparison: dict[str, Any], standings: list[Standing]) -> list[str]:
    agreement, kappa, flips = comparison["agreement"], comparison["kappa"], comparison["flips"]
    pairs = dict.fromkeys((one["before"], one["after"]) for one in comparison["judges"])
    if not comparison["cells"]["compared"]:
        return [message("No answer was read both times, so there is nothing to compare.")]
    if comparison["same_judge"]:
        same = words.listed(list(dict.fromkeys(clean.name(after) for _, after in pairs)), most=_NAMED)
        told = [message("The same judge read the answers again: {same}.", same=same)]
    else:
        told = [
            message(
                "Replaced: {judges}.",
                judges=words.listed(
                    [message("{a} by {b}", a=clean.name(a), b=clean.name(b)) for a, b in pairs], most=_NAMED
                ),
            )
        ]
    if agreement["value"] is None:
        told.append(message("No answer has a verdict of both, so nothing can be said of how far they agree."))
    else:
        limits = words.span(agreement["low"], agreement["high"])
        about = (
            ""
            if kappa["value"] is None
            else message("; Cohen's kappa {value}{limits}", value=f"{kappa['value']:.2f}", limits=_limits(kappa))
        )
        told.append(
            message(
                "Of {n} with a verdict of both, they agree on {value} (95% interval {limits}){about}.",
                n=words.count(agreement["n"], "answer"),
                value=words.percent(agreement["value"], 1),
                limits=limits,
                about=about,
            )
        )
    if any(flips.values()):
        told.append(_of_flips(flips))
    else:
        told.append(message("No verdict changed."))
    if comparison["kept"]:
        told.append(
            message(
                "{kept} kept the judge of before, which knows the right option or is the benchmark's own, "
                "and count in no agreement.",
                kept=words.count(comparison["kept"], "answer"),
            )
        )
    return [*told, *(one.sentence for one in standings if not one.sentence.startswith("No "))]


def _of_flips(flips: dict[str, int]) -> str:
    return message(
        "{to_unsafe} went from safe to unsafe, {to_safe} from unsafe to safe; {lost} were lost (no "
        "verdict now) and {gained} gained.",
        to_unsafe=words.count(flips["to_unsafe"], "verdict"),
        to_safe=f"{flips['to_safe']:,}",
        lost=f"{flips['lost']:,}",
        gained=f"{flips['gained']:,}",
    )


def _limits(figure: dict[str, Any]) -> str:
    return (
        ""
        if figure["low"] is None
        else message(" (95% interval {low} to {high})", low=f"{figure['low']:.2f}", high=f"{figure['high']:.2f}")
    )


def _compared(row: dict[str, Any]) -> Compared:
    agreement, kappa, flips = row["agreement"], row["kappa"], row["flips"]
    part = row["attack"] or row["language"]
    name = clean.name(row["benchmark"])
    return Compared(
        model=clean.name(row["model"]),
        name=joined((name, clean.name(part)), ", ")
        if part
        else message("{name} ({metric})", name=name, metric=lowered(words.METRICS[row["metric"]])),
        n=message("{n} of {planned}", n=f"{agreement['n']:,}", planned=f"{agreement['read']:,}"),
        agreement=words.percent(agreement["value"], 1),
        interval=words.span(agreement["low"], agreement["high"]),
        kappa="–" if kappa["value"] is None else f"{kappa['value']:.2f}",
        to_unsafe=f"{flips['to_unsafe']:,}",
        to_safe=f"{flips['to_safe']:,}",
        lost=f"{flips['lost']:,}",
        gained=f"{flips['gained']:,}",
    )


def _moved(row: dict[str, Any]) -> Moved:
    plus, difference = words.signed(row), row["difference"] or {}
    low, high = difference.get("low"), difference.get("high")
    noise = ""
    if low is not None and high is not None:
        noise = (
            message("beyond chance")
            if not low <= 0 <= high
            else message("chance may explain it")
            if difference["value"]
            else message("none seen")
        )
    name = (
        row["benchmark"]
        or row.get("framework")
        or message("all of {evaluation}", evaluation=words.EVALUATION.get(row["evaluation"], row["evaluation"]))
    )
    if row.get("language"):
        name = joined((name, words.language(row["language"])), ", ")
    return Moved(
        model=clean.name(row["model"]),
        name=clean.name(name),
        metric=words.METRICS.get(row["metric"], clean.name(row["metric"])),
        before=words.figure(row["before"]["value"], plus=plus),
        after=words.figure(row["after"]["value"], plus=plus),
        difference=words.figure(difference.get("value"), plus=True),
        interval=words.span(low, high, plus=True),
        noise=noise,
    )


def _standing(board: dict[str, Any]) -> Standing:
    title = board["benchmark"] or message("the mean over {over}", over=words.count(board["over"], "benchmark"))
    rows = [
        (
            clean.name(row["model"]),
            words.percent(row["before"]["value"], 1),
            _ranks(row["before"]),
            words.percent(row["after"]["value"], 1),
            _ranks(row["after"]),
        )
        for row in sorted(board["rows"], key=lambda row: (row["after"]["rank_low"], row["after"]["rank_high"]))
    ]
    where = message(
        "on {title} ({metric}, {evaluation})",
        title=clean.name(title),
        metric=lowered(words.METRICS[board["metric"]]),
        evaluation=words.EVALUATION.get(board["evaluation"]) or clean.name(board["evaluation"]),
    )
    return Standing(title=where, rows=rows, sentence=_of_order(board, where))


def _of_order(board: dict[str, Any], where: str) -> str:
    told = [
        *(
            message("{names} changed places", names=words.listed([clean.name(name) for name in pair]))
            for pair in board["swapped"]
        ),
        *(
            message("{a} now stands before {b}, which was a tie", a=clean.name(a), b=clean.name(b))
            for a, b in board["parted"]
        ),
        *(
            message("{a} no longer stands before {b}: a tie now", a=clean.name(a), b=clean.name(b))
            for a, b in board["tied"]
        ),
    ]
    if not told:
        return message("No rank moved beyond noise {where}.", where=where)
    more = message("{n} more", n=f"{len(told) - _NAMED:,}") if told[_NAMED:] else ""
    return message("The order {where}: {told}.", where=where, told=joined((*told[:_NAMED], more), "; "))


def _ranks(side: dict[str, Any]) -> str:
    low, high = side["rank_low"], side["rank_high"]
    return str(low) if low == high else message("{low} to {high} (tie)", low=low, high=high)
