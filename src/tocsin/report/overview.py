"""The first page: what a reader who decides has to know, in two minutes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tocsin.evaluations.scoring import DEMONSTRATION, TOO_FEW
from tocsin.report import clean, modalities, words
from tocsin.report.charts import Chart, chart
from tocsin.report.judge_boxes import known_of
from tocsin.report.messages import Speaker, begun, joined, made, message
from tocsin.report.profile_section import Profiled, profiled
from tocsin.report.rows import name_of
from tocsin.report.unmeasured import ModelGaps, not_assessed
from tocsin.report.worst import WorstOf, worst

_EACH = 4
"""Scores of one evaluation that are headlines at most; the section on scores has all."""
_REASONS = 2
"""Reasons of what was not measured that are named at most."""
_WHY = 240


class Headline(msgspec.Struct, frozen=True, kw_only=True):
    """One headline score."""

    evaluation: str
    modality: str
    name: str
    metric: str
    direction: str
    value: str
    interval: str
    chart: Chart
    n: str
    judge: str
    known: str
    """What is known of the judge's error."""
    measured: bool
    """Whether that is anything at all."""
    notes: list[str]
    demonstration: bool


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """An evaluation that was to have a score and has none."""

    axis: str
    why: str


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """The first page of one model."""

    model: str
    headlines: list[Headline]
    more: int
    missing: list[Missing]
    worst: WorstOf
    profile: Profiled | None
    gaps: list[str]
    not_assessed: list[str]
    """Kinds of evaluation of which the run has nothing, not even what was left out."""


def overview(
    manifest: dict[str, Any],
    summary: Mapping[str, Any],
    model: dict[str, Any],
    gaps: ModelGaps,
    *,
    most: int,
    speaker: Speaker,
    drawn: bool,
) -> Overview:
    """The first page of a model.

    Args:
        manifest: The run's manifest.
        summary: Its summary.
        model: The model of it.
        gaps: What could not be measured on it.
        most: Headlines at most.
        speaker: Says the texts of the profile.
        drawn: Whether the profile is drawn.
    """
    several = modalities.told(modalities.present(model["scores"]))
    found: list[Headline] = []
    more = 0
    for axis in model.get("axes", ()):
        scores = [score for told in axis["scores"] if (score := _whole(model, axis, told)) is not None]
        found += [_headline(manifest, summary, axis, score, several) for score in scores[:_EACH]]
        more += max(0, len(scores) - _EACH)
    return Overview(
        model=clean.name(model["model"]),
        headlines=found[:most],
        more=more + max(0, len(found) - most),
        missing=_missing(model),
        worst=worst(model),
        profile=profiled(model, speaker, drawn=drawn),
        gaps=_gaps(gaps),
        not_assessed=not_assessed(manifest, but={axis["evaluation"] for axis in model.get("axes", ())}),
    )


def _whole(model: Mapping[str, Any], axis: Mapping[str, Any], told: Mapping[str, Any]) -> dict[str, Any] | None:
    """The score that an axis names, with all that is known of it."""
    place = (axis["evaluation"], axis["modality"], told["benchmark"], told["framework"], told["metric"])
    for score in model["scores"]:
        here = tuple(score.get(part) for part in ("evaluation", "modality", "benchmark", "framework", "metric"))
        if here == place and not score["attack"] and not score["language"]:
            found: dict[str, Any] = score
            return found
    return None


def _headline(
    manifest: Mapping[str, Any],
    summary: Mapping[str, Any],
    axis: Mapping[str, Any],
    score: dict[str, Any],
    several: bool,
) -> Headline:
    plus = words.signed(score)
    judge, known, measured = known_of(manifest, summary, score)
    notes = [words.NOTES[TOO_FEW]] if TOO_FEW in score["notes"] and score["n"] else []
    if not score["n"]:
        notes = [made(clean.name(note, most=_WHY)) for note in score["notes"] if str(note).startswith("no value: ")]
    if score.get("corrected"):
        fixed = score["corrected"]
        notes.append(
            message(
                "Corrected for the judge's errors: {value} ({limits}).",
                value=words.figure(fixed["value"], plus=plus),
                limits=words.span(fixed["low"], fixed["high"], plus=plus),
            )
        )
    return Headline(
        evaluation=begun(words.EVALUATION.get(axis["evaluation"]) or clean.name(axis["evaluation"])),
        modality=words.SHORT[axis["modality"]] if several else "",
        name=name_of(score),
        metric=words.METRICS.get(score["metric"]) or clean.name(score["metric"]),
        direction=words.direction(score),
        value=words.figure(score["value"], plus=plus) if score["n"] else "",
        interval=words.span(score["low"], score["high"], plus=plus),
        chart=chart(score),
        n=message("{n} of {planned}", n=f"{score['n']:,}", planned=f"{score['planned']:,}"),
        judge=judge,
        known=known,
        measured=measured,
        notes=notes,
        demonstration=DEMONSTRATION in score["notes"],
    )


def _missing(model: Mapping[str, Any]) -> list[Missing]:
    """Evaluations without any score; those of a modality of which there is none are one."""
    empty = [axis for axis in model.get("axes", ()) if not axis["scores"] and axis["left_out"]]
    scored = {axis["modality"] for axis in model.get("axes", ()) if axis["scores"]}
    found = [
        Missing(axis=begun(words.axis(axis)), why=_left_out(axis["left_out"]))
        for axis in empty
        if axis["modality"] in scored
    ]
    for modality in dict.fromkeys(axis["modality"] for axis in empty if axis["modality"] not in scored):
        here = [axis for axis in empty if axis["modality"] == modality]
        sets = [name for axis in here for name in axis["left_out"]]
        names = words.listed([words.EVALUATION.get(axis["evaluation"], axis["evaluation"]) for axis in here])
        found.append(Missing(axis=joined((begun(words.SHORT[modality]), names), ": "), why=_left_out(sets)))
    return found


def _left_out(names: Sequence[str]) -> str:
    return message("left out: {names}", names=words.listed([clean.name(name) for name in names], most=4))


def _gaps(gaps: ModelGaps) -> list[str]:
    """Attempts without a result, with the most frequent reasons."""
    told = []
    missing = gaps.planned - gaps.measured
    if missing:
        reasons = joined(
            [message("{why} ({n})", why=gap.why, n=f"{gap.count:,}") for gap in gaps.gaps[:_REASONS]], "; "
        )
        told.append(
            message(
                "{missing} of {planned} have no result ({share}): {reasons}.",
                missing=f"{missing:,}",
                planned=words.count(gaps.planned, "attempt"),
                share=words.percent(missing / gaps.planned),
                reasons=reasons,
            )
            if reasons
            else message(
                "{missing} of {planned} have no result ({share}).",
                missing=f"{missing:,}",
                planned=words.count(gaps.planned, "attempt"),
                share=words.percent(missing / gaps.planned),
            )
        )
    if gaps.unfinished:
        told.append(message("{attempts} not finished yet.", attempts=words.count(gaps.unfinished, "attempt")))
    return told
