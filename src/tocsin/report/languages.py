"""The section on languages: what a model answers in each, and how well it judges texts in each. The two never meet in a mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tocsin.evaluations.judgement import JUDGEMENT
from tocsin.evaluations.multilingual import DROP, GENERATION, RELATIVE
from tocsin.evaluations.scoring import TOO_FEW
from tocsin.report import clean, drops, words
from tocsin.report.charts import Chart, drawn
from tocsin.report.heat import Heat, heat, share
from tocsin.report.judging import SUBJECTS, Judged, judged_sets
from tocsin.report.messages import begun, joined, made, message
from tocsin.report.naming import Named, machine_made, named
from tocsin.report.rows import Row, name_of, row
from tocsin.results.translated import UNDELIVERED, UNREVIEWED, Counts, unreviewed

_COLUMNS = 24
"""Languages that a heatmap shows at most."""
_TONGUES = 3
"""Languages of answers that a row names at most."""
_UNCERTAIN = message("itself uncertain, on fewer than ten independent groups of cases")
_SETTLED = frozenset({DROP, RELATIVE})


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """What a model answered in one language."""

    language: Named
    reference: bool
    value: str
    interval: str
    chart: Chart
    measured: str
    drop: str
    drop_interval: str
    relative: str
    relative_interval: str
    p: str
    kind: str
    """``stated``, ``flagged`` or ``none``; empty without a drop."""
    standing: str
    direction: str
    why: str
    invalid: str
    understood: str
    """The unsafe rate without the answers that were not understood; empty where there are none."""
    answered_in: list[str]
    """Languages of the answers, with their number."""
    notes: list[str]


class Answering(msgspec.Struct, frozen=True, kw_only=True):
    """One set of safe generation."""

    title: str
    judge: str
    reference: str
    """The language that the others are held against; empty where there is no drop."""
    sentences: list[str]
    mends: list[str]
    rows: list[Answered]
    more: int
    tongues: bool
    """Whether it was looked at in which language the answers are."""
    columns: list[Named]
    more_columns: int
    heat: list[tuple[str, list[Heat]]]
    more_hazards: int


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """What the section says of one model."""

    answering: list[Answering]
    generation: str
    """The mean over the sets of safe generation, as a sentence; empty where there is none."""
    judging: list[Judged]
    judgement: str
    """The mean of safety judgement, as a sentence."""
    others: list[Row]
    """Scores of a language that are of neither kind."""
    more: int
    """Tables that are left out."""


def spoken(model: dict[str, Any], counts: Counts, *, most: int, hazards: int, tables: int) -> Spoken | None:
    """The section's content; None for a model of which nothing is told by language.

    Args:
        model: A model of the summary.
        counts: Benchmark → language → how many cases were translated (`tocsin.results.translated`).
        most: Languages that a table shows at most; the worst come first.
        hazards: Hazards that a heatmap shows at most.
        tables: Sets of either kind that are shown at most.
    """
    sets = model.get("multilingual") or ()
    judged = judged_sets(model, counts, most)
    others = [row(score, name_of(score)) for score in model["scores"] if score["language"] and not _has_table(score)]
    means = {score["metric"]: score for score in model["scores"] if score["metric"] in (GENERATION, JUDGEMENT)}
    if not (sets or judged or others or means):
        return None
    return Spoken(
        answering=[
            _answering(told, counts.get(told["benchmark"], {}), most, hazards, _unheard(model, told["benchmark"]))
            for told in sets[:tables]
        ],
        generation=_mean(means.get(GENERATION), message("The mean of safe generation, over its sets, is")),
        judging=judged[:tables],
        judgement=_mean(
            means.get(JUDGEMENT),
            message("The mean of safety judgement, which is the multilingual score of arXiv 2601.10527, is"),
        ),
        others=others[:most],
        more=max(0, len(sets) - tables) + max(0, len(judged) - tables) + (len(others) > most),
    )


def _unheard(model: dict[str, Any], benchmark: str) -> str:
    """How many answers to a set the second judgement lacks, as a sentence; empty where it lacks none."""
    notes = (
        str(note)
        for one in model["scores"]
        if one["benchmark"] == benchmark and not one["language"]
        for note in one["notes"]
    )
    said = next((note for note in notes if note.endswith(UNDELIVERED)), "")
    return message("{said}; `--retry-errors` has that tried again.", said=made(clean.name(said))) if said else ""


def tables_of(model: dict[str, Any]) -> int:
    """How many tables of languages a model has."""
    scored = {(score["benchmark"], str(score["metric"]).partition("_")[0]) for score in model["scores"]}
    return len(model.get("multilingual") or ()) + sum(subject in SUBJECTS for _, subject in scored)


def all_made(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The same over all languages of a set, as a sentence."""
    several = sum(unreviewed(one) for one in counts.values())
    if not several:
        return ""
    cases = sum(one["cases"] for one in counts.values())
    return message(
        "{several} of the set's {cases} are {unreviewed}: what looks like the model's may be the translator's.",
        several=f"{several:,}",
        cases=words.count(cases, "case"),
        unreviewed=message(UNREVIEWED),
    )


def _has_table(score: dict[str, Any]) -> bool:
    metric = str(score["metric"])
    return metric in _SETTLED or metric.startswith(("prompt_", "response_"))


def _mean(score: dict[str, Any] | None, begin: str) -> str:
    if score is None or score["value"] is None:
        return ""
    limits = words.span(score["low"], score["high"])
    said = [_UNCERTAIN if note == TOO_FEW else made(clean.name(note, most=300)) for note in score["notes"]]
    return message(
        "{begin} {value} (95% interval {limits}).",
        begin=begin,
        value=words.figure(score["value"], plus=False),
        limits=joined((limits, *said), "; "),
    )


def _answering(
    told: dict[str, Any], counts: Mapping[str, Mapping[str, int]], most: int, hazards: int, unheard: str
) -> Answering:
    ordered = sorted(told["languages"], key=_badness)
    reference = told["reference"]
    columns = [one["language"] for one in ordered[:_COLUMNS]]
    fields = {(one["hazard"], one["language"]): (one["safe"], one["unsafe"]) for one in told["heatmap"]}
    places = sorted({hazard for hazard, _ in fields})
    places.sort(key=lambda hazard: -share([fields.get((hazard, code), (0, 0)) for code in columns]))
    names = {code: named(code).name for code in columns}
    return Answering(
        title=clean.name(told["benchmark"]),
        judge=clean.name(told["judge"] or ""),
        reference=named(reference).name if reference else "",
        sentences=[*drops.sentences(told), *filter(None, [all_made(counts), unheard])],
        mends=drops.mends(told),
        rows=[_row(one, reference, counts, told_apart=drops.validated(told)) for one in ordered[:most]],
        more=max(0, len(ordered) - most),
        tongues=any(one["answered_in"] for one in ordered),
        columns=[named(code) for code in columns],
        more_columns=max(0, len(ordered) - _COLUMNS),
        heat=[
            (
                clean.name(hazard),
                [
                    heat(
                        joined((names[code], clean.name(hazard)), ", "),
                        fields.get((hazard, code)),
                        "{place}: unsafe were {unsafe} of {measured}",
                    )
                    for code in columns
                ],
            )
            for hazard in places[:hazards]
        ],
        more_hazards=max(0, len(places) - hazards),
    )


def _row(
    one: dict[str, Any], reference: str | None, counts: Mapping[str, Mapping[str, int]], *, told_apart: bool
) -> Answered:
    rate, valid, drop = one["unsafe_rate"], one["unsafe_rate_valid"], one["drop"]
    missing = one["attempts"] - one["safe"] - one["unsafe"]
    reach = ((one["unsafe"] + missing) / one["attempts"], one["unsafe"] / one["attempts"]) if missing else (None, None)
    absolute, relative = (drop["absolute"], drop["relative"]) if drop else (_NONE, _NONE)
    notes = [machine_made(counts, one["language"])]
    if not one["judge_made_for_it"]:
        notes.append(message("the judge is not made for it"))
    if told_apart and not one.get("judge_validated", True):
        notes.append(message("the judge is not validated in it"))
    return Answered(
        language=named(one["language"]),
        reference=one["language"] == reference,
        value=words.figure(rate["value"], plus=False),
        interval=words.span(rate["low"], rate["high"]),
        chart=drawn(rate["value"], (rate["low"], rate["high"]), reach, direction=message("lower is better")),
        measured=(
            words.count(rate["n"], "answer")
            if not missing
            else message("{n} measured, {attempts} planned", n=f"{rate['n']:,}", attempts=f"{one['attempts']:,}")
        ),
        drop=words.points(absolute["value"]),
        drop_interval=_points(absolute),
        relative=_signed_percent(relative["value"]),
        relative_interval=_reach(relative),
        p=words.p_value(drop["p_holm"]) if drop else "–",
        kind=drop["standing"] if drop else "",
        standing=_standing(drop),
        direction=_direction(drop),
        why=_why(drop),
        invalid=message("{n} of {planned}", n=f"{one['invalid']:,}", planned=f"{one['safe'] + one['unsafe']:,}"),
        understood=words.figure(valid["value"], plus=False) if one["invalid"] else "",
        answered_in=_tongues(one["answered_in"]),
        notes=[note for note in notes if note],
    )


_NONE: dict[str, None] = {"value": None, "low": None, "high": None}


def _badness(one: dict[str, Any]) -> tuple[bool, float, float, str]:
    """Sorts the least safe language first; of equal ones that with the more certain limit; what has no rate last."""
    rate = one["unsafe_rate"]
    if rate["value"] is None:
        return True, 0.0, 0.0, one["language"]
    return False, -rate["value"], -rate["low"], one["language"]


def _again(drop: dict[str, Any]) -> list[str]:
    found = []
    for name, said in (
        ("corrected", message("Corrected for the judge's error")),
        ("translated", message("By verdicts on translations")),
    ):
        found += _alike(drop.get(name), said, drop["rows"])
    return found


def _alike(again: dict[str, Any] | None, said: str, rows: int) -> list[str]:
    """A drop that was told in another way, with the requests it rests on where they are not those of the verdicts."""
    if not again or again["absolute"]["value"] is None:
        return []
    over = "" if again["n_rows"] == rows else message("over {rows}", rows=words.count(again["n_rows"], "request"))
    return [
        message(
            "{said} the drop is {value} points ({points}).",
            said=said,
            value=words.points(again["absolute"]["value"]),
            points=joined((_points(again["absolute"]), over), ", "),
        )
    ]


def _standing(drop: dict[str, Any] | None) -> str:
    if drop is None:
        return ""
    if not drop["rows"]:
        return message("not measured in both")
    return drops.STANDINGS.get(drop["standing"], clean.name(drop["standing"]))


def _direction(drop: dict[str, Any] | None) -> str:
    if drop is None or drop["standing"] != drops.STATED:
        return ""
    return message("less safe") if drops.direction(drop) > 0 else message("safer")


def _why(drop: dict[str, Any] | None) -> str:
    if drop is None or not drop["why"]:
        return ""
    said = made(clean.name(drop["why"], most=600))
    over = message("Over {rows} measured in both.", rows=words.count(drop["rows"], "request"))
    again = [] if drop["standing"] in (drops.STATED, drops.FLAGGED) else _again(drop)  # there the reason has them
    if again == [] and (second := drop["translated"]) and second["n_rows"] != drop["rows"]:
        again = [
            message("Translated answers are those to {rows} of these.", rows=words.count(second["n_rows"], "request"))
        ]
    valid = _alike(drop.get("valid"), message("Without answers that were not understood"), drop["rows"])
    return joined([message("{said}.", said=begun(said)), *again, *valid, over])


def _tongues(counts: dict[str, int]) -> list[str]:
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    told = [message("{name} {n}", name=named(str(code)).name, n=f"{n:,}") for code, n in ordered[:_TONGUES]]
    rest = sum(n for _, n in ordered[_TONGUES:])
    return [*told, *([message("others {n}", n=f"{rest:,}")] if rest else [])]


def _points(span: Mapping[str, float | None]) -> str:
    return (
        "–"
        if span["low"] is None
        else message("{low} to {high}", low=words.points(span["low"]), high=words.points(span["high"]))
    )


def _signed_percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}%".replace("-", "\u2212")


def _reach(span: Mapping[str, float | None]) -> str:
    if span["value"] is None:
        return "–"
    low = message("no lower limit") if span["low"] is None else _signed_percent(span["low"])
    return message("{low} to {high}", low=low, high=_signed_percent(span["high"]))
