"""The three worst findings of a model, told by lower limits that hold for all of the parts that were looked at.

The worst of many parts looks bad by chance alone. So the parts are ranked by what they are *at least*, with allowance for their
number, and one is called weaker than the model is elsewhere only
where it is worse than the rest of its score by more than the noise of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

from tocsin.evaluations.scoring import DEMONSTRATION
from tocsin.report import clean, words
from tocsin.report.messages import joined, message, messages
from tocsin.report.rows import RATES, name_of
from tocsin.stats.apart import Rate, gap, rest_of, widened

MOST = 3
"""Findings that are told at most."""

_ATTACK = "attack_success_rate"
BAD = messages(
    {
        "safe_rate": "unsafe answers",
        "over_refusal_rate": "harmless requests refused",
        "accuracy": "wrong answers",
        "compliance_rate": "items failed",
        "safe_image_rate": "requests without a safe image",
        "attack_success_rate": "the attack succeeded",
    }
)
"""Metric → what its bad outcomes are called."""


class Part(NamedTuple):
    """One part of a model's scores: a hazard, a language, an attack or a benchmark, as a share of bad outcomes."""

    place: str
    metric: str
    modality: str
    value: float
    low: float
    high: float
    n: int
    whole: float | None
    """The share of bad outcomes in the whole score that it is a part of; None where there is none."""
    rest: Rate | None
    """That of the rest of it; None where nothing is left, or it has no interval."""
    score: tuple[object, ...]
    """The score that it is a part of."""
    of_all: bool
    """Whether it is that score itself."""
    corrected: bool
    """Whether the share is put right for the judge's errors."""
    demonstration: bool


class Worst(msgspec.Struct, frozen=True, kw_only=True):
    """One finding."""

    place: str
    what: str
    value: str
    interval: str
    n: str
    limit: str
    """What the share is at least, with allowance for all parts."""
    apart: bool
    """Whether it can be told apart from the whole that it is a part of."""
    demonstration: bool
    told: str
    """The same as a sentence."""


class WorstOf(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one model."""

    parts: int
    findings: list[Worst]
    note: str
    """What the findings rest on; or why there are none."""


def worst(model: dict[str, Any]) -> WorstOf:
    """The worst findings of a model.

    Each limit is widened as by Bonferroni for the number of parts (`tocsin.stats.apart.widened`). A part can be told apart
    from its score where it is worse than the rest of that by more than the noise of both (`tocsin.stats.apart.gap`).

    A score that is corrected for its judge's errors is told by its corrected limits, and its parts that have no correction of
    their own are left out: the judge's raw verdicts would contradict what is known of the whole. Demonstrations come last.

    Args:
        model: A model of the summary.
    """
    parts = list(_parts(model))
    if not parts:
        return WorstOf(
            parts=0, findings=[], note=message("No part of the scores has an interval, so none is picked out.")
        )
    limits = {part: widened(Rate(part.value, part.low, part.high), len(parts)).low for part in parts}
    ranked = sorted(parts, key=lambda part: (part.demonstration, -limits[part], -part.value, part.place))
    shown: dict[Part, Worst] = {}
    for part in ranked:
        if limits[part] <= 0 or len(shown) == MOST:
            break
        if not any(_same(part, other, shown, len(parts)) for other in shown):
            shown[part] = _worst(part, limits[part], len(parts))
    looked = words.count(len(parts), "part")
    if not shown:
        highest = max(part.high for part in parts)
        return WorstOf(
            parts=len(parts),
            findings=[],
            note=message(
                "Of {parts} of the scores (hazards, languages, attacks, benchmarks) none can be said to be bad beyond chance."
                " That is not to say that all are good: the widest interval reaches up to {high} bad outcomes.",
                parts=looked,
                high=words.percent(highest),
            ),
        )
    note = message(
        "Picked from {parts} of the scores (hazards, languages, attacks, benchmarks) by what each is at least, with allowance for"
        " that many having been looked at.",
        parts=looked,
    )
    if not any(one.apart for one in shown.values()):
        note = joined((note, message("None of these can be told apart from the rest of its score.")))
    return WorstOf(parts=len(parts), findings=list(shown.values()), note=note)


def _parts(model: dict[str, Any]) -> Iterator[Part]:
    """Every part whose bad outcomes have an interval, and every whole score."""
    wholes = {_key(score): score for score in model["scores"] if score["metric"] in RATES and not score["language"]}
    for part in model["breakdown"]:
        if part["metric"] not in RATES or part["low"] is None or not part["n"]:
            continue
        key = words.language(str(part["key"])) if part["by"] == "language" else clean.name(part["key"])
        whole = wholes.get(_key(part))
        if whole is not None and _corrected(whole) and not _corrected(part):
            continue
        yield _part(part, _place(part, name_of(part | {part["by"]: None}), key), whole)
    pooled = {score.get("modality"): score for score in model["scores"] if score["metric"] == "safe_response_rate"}
    for score in model["scores"]:
        if score["low"] is None or not score["n"]:
            continue
        attack = score["metric"] == _ATTACK and score["attack"] not in (None, "direct")
        if attack:
            yield _part(score, _place(score, name_of(score)), pooled.get(score.get("modality")))
        elif score["metric"] in RATES and not score["language"] and not score["attack"]:
            yield _part(score, _place(score, name_of(score)), None, of_all=True)


def _same(part: Part, other: Part, shown: dict[Part, Worst], count: int) -> bool:
    """Whether a part tells no more than another of the same score that is told already.

    One that cannot be told apart from the whole tells of the whole, and that once.
    """
    if part.score != other.score:
        return False
    return not (shown[other].apart if part.of_all else _apart(part, count))


def _place(score: dict[str, Any], *names: str) -> str:
    """Where a part is: its evaluation, and what is told of it."""
    return joined((words.EVALUATION.get(score["evaluation"]) or clean.name(score["evaluation"]), *names), " · ")


def _key(score: dict[str, Any]) -> tuple[object, ...]:
    """What names a score that has parts; all attacks are parts of one."""
    if score["metric"] == _ATTACK:
        return "attacks", score.get("modality")
    return score["evaluation"], score.get("modality"), score["benchmark"], score["framework"], score["metric"]


def _part(score: dict[str, Any], place: str, whole: dict[str, Any] | None, *, of_all: bool = False) -> Part:
    low, value, high = _bad(score)
    modality = score.get("modality", "language")
    where = place if modality == "language" else joined((place, words.SHORT[modality]), ", ")
    rest = None
    if whole is not None and whole["value"] is not None and whole["low"] is not None:
        least, of_all_bad, most = _bad(whole)
        rest = rest_of(Rate(value, low, high), score["n"], Rate(of_all_bad, least, most), whole["n"])
    return Part(
        place=where,
        metric=score["metric"],
        modality=modality,
        value=value,
        low=low,
        high=high,
        n=score["n"],
        whole=_bad(whole)[1] if whole is not None and whole["value"] is not None else None,
        rest=rest,
        score=_key(score),
        of_all=of_all,
        corrected=_corrected(score) is not None,
        demonstration=DEMONSTRATION in score.get("notes", ()),
    )


def _bad(score: dict[str, Any]) -> tuple[float, float, float]:
    """Low, value and high of the share of bad outcomes, corrected where it can be."""
    told = _corrected(score) or score
    low, value, high = told["low"], told["value"], told["high"]
    return (low, value, high) if words.falls(score) else (1 - high, 1 - value, 1 - low)


def _corrected(score: dict[str, Any]) -> dict[str, Any] | None:
    """The rate put right for the judge's errors, with limits; None where there is none."""
    found: dict[str, Any] | None = score.get("corrected")
    return None if found is None or None in (found["value"], found["low"], found["high"]) else found


def _apart(part: Part, count: int) -> bool:
    """Whether a part is worse than the rest of its score, with allowance for `count` parts."""
    return part.rest is not None and gap(Rate(part.value, part.low, part.high), part.rest, count).low > 0


def _worst(part: Part, limit: float, count: int) -> Worst:
    apart = _apart(part, count)
    put_right = message("corrected for the judge's errors") if part.corrected else ""
    return Worst(
        place=part.place,
        what=BAD.get(part.metric) or words.METRICS.get(part.metric, part.metric),
        value=words.percent(part.value),
        interval=words.span(part.low, part.high, digits=0),
        n=f"{part.n:,}",
        limit=words.percent(limit),
        apart=apart,
        demonstration=part.demonstration,
        told=joined([one for one in (_against(part, apart), put_right) if one], "; "),
    )


def _against(part: Part, apart: bool) -> str:
    """How a part stands to the whole that it is of; empty without one."""
    if part.whole is None:
        return ""
    if apart:
        return message("more than over the whole, {whole}", whole=words.percent(part.whole))
    return message("cannot be told apart from the whole, {whole}", whole=words.percent(part.whole))
