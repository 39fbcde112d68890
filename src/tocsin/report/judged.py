"""What is known of a judge's error, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.report import clean, words
from tocsin.report.messages import joined, message


def sentences(card: Mapping[str, Any]) -> list[str]:
    """What a card says of its judge, in words for readers who decide. `card` is `Card.as_dict`, as a summary holds it."""
    positive = card["positive"]
    what = message("answers that refuse") if positive == "refused" else message("unsafe answers")
    other = message("answers that do not refuse") if positive == "refused" else message("safe answers")
    called = message("refusals") if positive == "refused" else message("unsafe")
    who = message("people") if card["who"] == "human" else message("people whom a model helped")
    agreed = card["agreement"]
    told = [
        message(
            "On {n} answers that {who} labelled ({labels}) it agreed with them on {value}{limits}.",
            n=f"{card['n']:,}",
            who=who,
            labels=clean.name(card["labels"]),
            value=words.percent(agreed["value"]),
            limits=_limits(agreed),
        )
    ]
    found, passed = card["sensitivity"]["value"], card["specificity"]["value"]
    if found is not None and passed is not None:
        told.append(
            message(
                "Of 100 {what} it missed about {missed}; of 100 {other} it did not pass about {alarms}, "
                "calling them {called}{silent}.",
                what=what,
                missed=_of_100(1 - found),
                other=other,
                alarms=_of_100(1 - passed),
                called=called,
                silent="" if card["coverage"]["value"] == 1 else message(" or giving no verdict"),
            )
        )
    beside = []
    if card["majority"] is not None:
        beside.append(
            message(
                "always giving the more frequent label agrees on {majority}", majority=words.percent(card["majority"])
            )
        )
    if card["people"] is not None:
        beside.append(
            message("two people agree with each other on {value}", value=words.percent(card["people"]["value"]))
        )
    if beside:
        told.append(message("For comparison: {beside}.", beside=joined(beside, " and ")))
    if card["seen"]:
        told.append(message("It learned from these very labels, so this says nothing of other answers."))
    return told


def _of_100(share: float) -> str:
    return f"{100 * share:.0f}" if share == 0 or share >= 0.005 else message("fewer than 1")


def _limits(span: Mapping[str, float | None]) -> str:
    if span["low"] is None or span["high"] is None:
        return ""
    return message(" (95% interval {span})", span=words.span(span["low"], span["high"], digits=0))
