"""A calibration card as a page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.judges.card import FIGURES, Card, Part
from tocsin.judges.under_attack import CHANGES
from tocsin.report import clean, words
from tocsin.report.judged import sentences
from tocsin.report.templating import environment
from tocsin.stats import Reliability

NAMES = {
    "agreement": ("Agreement", "answers on which it says what people say; no verdict counts as wrong"),
    "kappa": ("Cohen's kappa", "agreement beyond what chance would give: 0 is chance, 1 is perfect"),
    "sensitivity": ("Sensitivity", "positives that it finds; no verdict counts as wrong"),
    "specificity": ("Specificity", "negatives that it passes; no verdict counts as wrong"),
    "balanced_accuracy": ("Balanced accuracy", "the mean of the two above: 50% is guessing"),
    "f1": ("F1", "of the positives"),
    "auc": ("AUC", "chance that a positive has a higher score than a negative"),
    "coverage": ("Coverage", "answers that it gives a verdict on"),
}
"""Figure → what a table calls it, and what it is."""

SUBJECTS = {
    "response harm": "whether an answer is harmful",
    "jailbreak success": "whether a jailbreak succeeded",
    "refusal": "whether an answer refuses",
    "prompt harm": "whether a prompt is harmful",
}
_ATTACKED = {
    "no": "Answers to plain requests.",
    "some": "Answers to attacked requests, or to attacked and plain ones.",
    "unknown": "Nobody said whether the requests were attacked.",
}
_SIDE, _EDGE = 260, 34


class Point(msgspec.Struct, frozen=True):
    """One bin of the reliability curve, in the units of the drawing."""

    x: float
    y: float
    top: float
    bottom: float
    tip: str


def card_page(card: Card) -> str:
    """The card as one HTML page that needs no network and no script."""
    told, about = card.as_dict(), card.about
    flips = [
        one | {"does": CHANGES[one["change"]].does if one["change"] in CHANGES else ""}
        for one in sorted((card.attempts or {}).get("changes", ()), key=lambda one: -(one["flipped"]["value"] or 0))
    ]
    return environment().get_template("card.html").render(
        judge=clean.name(card.judge),
        identity=clean.name(card.identity),
        labels=clean.name(about.labels),
        title=clean.name(about.title, most=300),
        sentences=sentences(told),
        facts=_facts(card),
        notes=[clean.name(note, most=400) for note in about.notes],
        figures=[_figure(name, told[name]) for name in FIGURES if told[name]["value"] is not None],
        positive=about.positive,
        confusion=told["confusion"],
        reliability=card.reliability,
        points=_points(card.reliability) if card.reliability else [],
        side=_SIDE,
        edge=_EDGE,
        tables=[(by, [_part(part) for part in card.parts if part.by == by]) for by in ("language", "hazard")],
        others=sorted(about.others.items(), key=lambda pair: -pair[1]),
        left_out=about.left_out,
        files=about.files,
        flips=flips,
        any=(card.attempts or {}).get("any"),
        percent=words.percent,
        span=words.span,
        version=clean.name(card.tocsin),
    )  # fmt: skip


def _facts(card: Card) -> list[tuple[str, str]]:
    about = card.about
    drawn = f"{card.n:,} of {about.usable:,}, drawn with seed {about.seed}" if about.limit else f"{card.n:,}"
    facts = [
        ("Judge reads", card.reads or "not said"),
        *[("Asks", f"{name} ({identity})") for name, identity in card.models.items()],
        ("Labels", f"{drawn} labels, {SUBJECTS.get(about.about, about.about)}"),
        ("Labelled by", "people" if about.who == "human" else "people with a model's help"),
        ("Requests", _ATTACKED[about.attacked]),
        ("Did this judge learn from it", "yes" if card.seen else "no"),
        ("Measured", f"{words.moment(card.made)}, with tocsin {card.tocsin}"),
    ]
    return [(name, clean.name(value, most=500)) for name, value in facts]


def _figure(name: str, span: Mapping[str, float | None]) -> dict[str, str]:
    title, meaning = NAMES[name]

    def show(value: float | None) -> str:
        if value is None or name not in ("kappa", "auc", "f1"):
            return words.percent(value, 1)
        return f"{value:.3f}".replace("-", "\u2212")

    limits = "–" if span["low"] is None or span["high"] is None else f"{show(span['low'])} to {show(span['high'])}"
    return {"name": title, "meaning": meaning, "value": show(span["value"]), "limits": limits}


def _part(part: Part) -> dict[str, Any]:
    agreed = part.agreement
    return {
        "key": clean.name(part.key),
        "positives": part.positives,
        "negatives": part.negatives,
        "agreement": agreed.agreement,
        "sensitivity": agreed.sensitivity,
        "specificity": agreed.specificity,
        "coverage": agreed.coverage,
    }


def _points(table: Reliability) -> list[Point]:
    """The bins that hold answers, as points of a square drawing."""
    points = []
    for one in table.bins:
        share = one.unsafe
        if one.score is None or share.value is None:
            continue
        told = f"{words.percent(share.value)} are unsafe ({words.span(share.low, share.high)})"
        points.append(
            Point(
                x=round(_SIDE * one.score, 1),
                y=round(_SIDE * (1 - share.value), 1),
                top=round(_SIDE * (1 - share.high), 1),
                bottom=round(_SIDE * (1 - share.low), 1),
                tip=f"{words.count(share.n, 'answer')} with a score of {one.score:.2f} on the mean: {told}",
            )
        )
    return points
