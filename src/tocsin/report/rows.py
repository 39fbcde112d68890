"""Scores as rows of tables: what each column says, in words and numbers."""

from __future__ import annotations

from typing import Any

import msgspec

from tocsin.evaluations.anytime import HOLDS
from tocsin.evaluations.counts import METRIC_OF
from tocsin.evaluations.formats import FORMATS
from tocsin.evaluations.judgement import JUDGEMENT
from tocsin.evaluations.multilingual import GENERATION
from tocsin.evaluations.plan import DIRECT
from tocsin.evaluations.scoring import DEMONSTRATION, TOO_FEW, TRANSFER
from tocsin.report import clean, modalities, words
from tocsin.report.charts import Chart, chart
from tocsin.report.messages import begun, joined, lowered, made, message, messages

RATES = frozenset(METRIC_OF.values())
"""Metrics that count the cells of a benchmark. The others are made of the same cells once more."""

_MEANS = messages(
    {
        "macro_mean": "All benchmarks",
        JUDGEMENT: "All sets of safety judgement",
        GENERATION: "All sets of safe generation",
    }
)
"""Means over benchmarks → what they are called. They are never averaged with each other."""

_SENSITIVITY = 2
"""Other cards that a row tells of at most; all are in the summary."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One score as a table shows it."""

    name: str
    metric: str
    direction: str
    value: str
    interval: str
    reach: str
    """From `worst` to `best`."""
    chart: Chart
    n: int
    planned: int
    refused: int | None
    blocked: int
    invalid: int
    unscored: int
    error: int
    notes: list[str]
    demonstration: bool
    corrected: list[str]
    """What the rate is when the judge's error is allowed for."""
    otherwise: list[str]
    """What it would be if the judge erred as on other labels."""
    modality: str
    images: str = ""
    """What requests for images came to; empty for other scores."""


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """One score split by hazard or by language."""

    title: str
    by: str
    metric: str
    direction: str
    rows: list[Row]
    more: int
    """Rows that are left out, all of them better than those shown."""
    modality: str
    """Its modality in a word or two; empty where it is text."""


class RefusalTable(msgspec.Struct, frozen=True, kw_only=True):
    """Refused or answered, against good or bad, for one benchmark."""

    title: str
    good: str
    bad: str
    counts: tuple[tuple[int, int], tuple[int, int]]
    """Rows: refused, answered. Columns: good, bad."""
    sentence: str


def row(score: dict[str, Any], name: object, images: str = "") -> Row:
    """A row of a table of scores.

    Args:
        score: A score of the summary.
        name: What the row is called: a benchmark, a hazard, a language.
        images: What requests for images came to.
    """
    plus = words.signed(score)
    silent = {DEMONSTRATION, HOLDS} if score["n"] else {DEMONSTRATION, HOLDS, TOO_FEW}  # the page says them once
    notes = [
        words.NOTES.get(note) or _begun(made(clean.name(note, most=800)))
        for note in score["notes"]
        if note not in silent
    ]
    return Row(
        name=clean.name(name),
        metric=words.METRICS.get(score["metric"], clean.name(score["metric"])),
        direction=words.direction(score),
        value=words.figure(score["value"], plus=plus),
        interval=words.span(score["low"], score["high"], plus=plus),
        reach=words.span(score["worst"], score["best"], plus=plus),
        chart=chart(score),
        n=score["n"],
        planned=score["planned"],
        refused=None if plus else score["refused"],
        blocked=score["blocked"],
        invalid=score["invalid"],
        unscored=score["unscored"],
        error=score["error"],
        notes=notes,
        demonstration=DEMONSTRATION in score["notes"],
        corrected=_corrected(score, plus),
        otherwise=_otherwise(score, plus),
        modality=score.get("modality", "language"),
        images=images,
    )


def scores(model: dict[str, Any], *, over_refusal: bool) -> list[Row]:
    """The rows of a model: those of over-refusal, or all the others. Of each modality, means come first, then benchmark by
    benchmark.

    A score of one language, and one of a format of items, is none of them: they have sections of their own.
    """
    kept = [
        score
        for score in model["scores"]
        if (score["evaluation"] == "over-refusal") == over_refusal
        and not score["language"]
        and score["metric"] not in FORMATS.values()
    ]
    places = {score["benchmark"]: place for place, score in reversed(list(enumerate(kept)))}
    kept.sort(key=lambda score: (modalities.place(score), score["metric"] not in _MEANS, places[score["benchmark"]]))
    return [row(score, name_of(score), str(modalities.parts(model, score) or "")) for score in kept]


def by_modality(rows: list[Row]) -> list[tuple[str, str, list[Row]]]:
    """The rows of each modality, with what it is called and what has to be said of it; no words where all is text."""
    there = modalities.present({"modality": one.modality} for one in rows)
    if not modalities.told(there):
        return [("", "", rows)] if rows else []
    return [
        (
            begun(words.MODALITIES[modality]),
            modalities.IMAGES_SAID if modality == "image" else "",
            [one for one in rows if one.modality == modality],
        )
        for modality in there
    ]


def name_of(score: dict[str, Any]) -> str:
    """What a score is called: its benchmark, with attack, language and framework where it has them."""
    if score["metric"] == TRANSFER and score["attack"] == DIRECT:
        return message("Plain request, as control")
    if score["evaluation"] == "adversarial" and score["benchmark"] is None and score["metric"] != "macro_mean":
        return clean.name(score["attack"] or message("All attacks"))
    if score["benchmark"] is None:
        if score["evaluation"] == "adversarial":
            return message("All sets attacked beforehand")
        if score["metric"] == "macro_mean" and score["evaluation"] == "compliance":
            return message("All sets of items for frameworks")
        return _MEANS.get(score["metric"]) or _MEANS["macro_mean"]
    parts = [score[part] for part in ("benchmark", "attack", "language", "framework") if score.get(part)]
    return joined(map(clean.name, parts), " · ")


def breakdowns(model: dict[str, Any], *, over_refusal: bool, most: int) -> list[Breakdown]:
    """The splits of a model's scores by hazard, and by language where there is more than one; the worst first.

    A score of which nothing was measured is not split: it stands among what could not be measured. Nor is one by language whose
    languages have a table in the section on them.
    """
    told = {one["benchmark"] for one in model.get("multilingual") or ()}
    told |= {score["benchmark"] for score in model["scores"] if score["language"]}
    groups: dict[tuple[str, str, str, str], list[dict[str, Any]]] = {}
    for part in model["breakdown"]:
        if part["by"] == "hazard" and part["evaluation"] == "compliance":
            continue  # the section on compliance has its clauses
        elsewhere = part["by"] == "language" and part["benchmark"] in told and part["metric"] != "over_refusal_rate"
        if (part["evaluation"] == "over-refusal") == over_refusal and not elsewhere:
            whole = name_of(part | {part["by"]: None})  # the split's own key is no part of what is split
            groups.setdefault((part["by"], part["evaluation"], whole, part["metric"]), []).append(part)
    found = []
    for (by, _, title, metric), parts in groups.items():
        if len(parts) < 2 or not any(part["n"] for part in parts):
            continue
        ordered = sorted(parts, key=_badness)
        found.append(
            Breakdown(
                title=title,
                by=by,
                metric=words.METRICS.get(metric, clean.name(metric)),
                direction=words.direction(parts[0]),
                rows=[row(part, _key(by, str(part["key"]))) for part in ordered[:most]],
                more=max(0, len(ordered) - most),
                modality="" if not modalities.place(parts[0]) else words.SHORT[parts[0]["modality"]],
            )
        )
    return found


def refusal_tables(model: dict[str, Any]) -> list[RefusalTable]:
    """Refusal × safety of each benchmark whose judge says whether an answer refuses."""
    return [_refusal_table(table) for table in model["refusal_tables"] if sum(table["counts"].values())]


def _begun(note: str) -> str:
    return message("{said}.", said=begun(note))


def _key(by: str, key: str) -> str:
    return words.language(key) if by == "language" else key


def _badness(part: dict[str, Any]) -> tuple[bool, float, float, str]:
    """Sorts the worst value first; of equal ones that with the more certain limit; what has no value last."""
    value, certain = part["value"], part["high"]
    if value is None:
        return True, 0.0, 0.0, str(part["key"])
    if words.falls(part):
        return False, -value, -part["low"], str(part["key"])
    return False, value, certain, str(part["key"])


def _corrected(score: dict[str, Any], plus: bool) -> list[str]:
    """The rate corrected for the judge's errors, where there is one."""
    if fixed := score.get("corrected"):
        own = message("{n} labels of this run's own answers", n=f"{fixed.get('n_labels', 0):,}")
        how = message(
            "by {method} with {card}",
            method=made(clean.name(fixed["method"])),
            card=_card(fixed) if fixed["card"] else own,
        )
        return [message("Corrected for the judge's errors: {fixed}, {how}.", fixed=_fixed(fixed, plus), how=how)]
    return []


def _otherwise(score: dict[str, Any], plus: bool) -> list[str]:
    """What other labels would make of the rate."""
    told = []
    for other in [one for one in score.get("sensitivity", ()) if one["value"] is not None][:_SENSITIVITY]:
        against = message(" ({against})", against=_against(str(other["against"]))) if other["against"] else ""
        told.append(
            message(
                "If the judge erred here as on {card}{against}: {fixed}.",
                card=_card(other),
                against=against,
                fixed=_fixed(other, plus),
            )
        )
    return told


def _against(text: str) -> str:
    """What speaks against a set of labels: several things, each of which is said elsewhere."""
    return joined([made(clean.name(part, most=500)) for part in text.split("; ")], "; ")


def _fixed(fixed: dict[str, Any], plus: bool) -> str:
    return message(
        "{value} ({span})",
        value=words.figure(fixed["value"], plus=plus),
        span=words.span(fixed.get("low"), fixed.get("high"), plus=plus),
    )


def _card(fixed: dict[str, Any]) -> str:
    """The set of labels of a card that is named ``IDENTITY/SET``."""
    return clean.name(str(fixed["card"]).rpartition("/")[2])


def _refusal_table(table: dict[str, Any]) -> RefusalTable:
    counts, metric = table["counts"], table["metric"]
    cells = tuple((counts.get(f"{how}/safe", 0), counts.get(f"{how}/unsafe", 0)) for how in ("refused", "answered"))
    (refused_good, refused_bad), (answered_good, answered_bad) = cells
    good, bad = (words.outcome(metric, name) for name in ("safe", "unsafe"))
    refused, answered = refused_good + refused_bad, answered_good + answered_bad
    if metric == "over_refusal_rate":
        sentence = message(
            "Of {requests}, the model refused {refused} and did not refuse {answered}.",
            requests=words.count(refused + answered, "harmless request"),
            refused=f"{refused:,}",
            answered=f"{answered:,}",
        )
    else:
        sentence = message(
            "The model refused {refused}, of which {refused_good} counted as {good}; it answered "
            "{answered}, of which {answered_good} counted as {good}.",
            refused=words.count(refused, "request"),
            refused_good=f"{refused_good:,}",
            good=good,
            answered=f"{answered:,}",
            answered_good=f"{answered_good:,}",
        )
    if not refused_bad and not answered_good and metric == "safe_rate":
        sentence += message(
            " Here safe and refused are one and the same: no answer was safe without being a refusal. "
            "With a judge that reads refusals alone that is always so, and says nothing of what the "
            "answers hold."
        )
    return RefusalTable(
        title=message(
            "{benchmark}: {metric}",
            benchmark=clean.name(table["benchmark"] or message("Under attack")),
            metric=lowered(words.METRICS.get(metric) or clean.name(metric)),
        ),
        good=good,
        bad=bad,
        counts=((refused_good, refused_bad), (answered_good, answered_bad)),
        sentence=sentence,
    )
