"""What a run found, in a few plain sentences made from its numbers."""

from __future__ import annotations

from typing import Any

import msgspec

from tocsin.evaluations import multilingual
from tocsin.evaluations.adversarial import EVALUATION
from tocsin.evaluations.judgement import JUDGEMENT
from tocsin.evaluations.scoring import holds_cells
from tocsin.report import clean, drops, words
from tocsin.report.attacks_told import attacked_before, under_attack
from tocsin.report.messages import lowered, made, message
from tocsin.report.rates_told import by_modality, interval, on_rates, one_rate
from tocsin.report.rows import name_of

_SETS = 2
"""Sets of safe generation that a finding tells of at most."""
_HARD = 0.1
"""A tenth of the attempts without a measurement is said in the finding, not only in its section."""


class Finding(msgspec.Struct, frozen=True):
    """The finding on one model."""

    model: str
    sentences: list[str]


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a run is finished, and what is missing."""

    complete: bool
    word: str
    sentences: list[str]


def findings(summary: dict[str, Any]) -> list[Finding]:
    """Two or three sentences a model: how safely it answered, what it refused needlessly, what is not known."""
    return [Finding(clean.name(model["model"]), _sentences(model)) for model in summary["models"]]


def status(manifest: dict[str, Any], summary: dict[str, Any]) -> Status:
    """Whether the run is complete; of a partial one, what is missing and why."""
    errors = sum(score["error"] for score in _rates(summary))
    counted, cells = sum(score["planned"] for score in _rates(summary)), manifest["cells"]
    if summary["status"] == "complete":
        told = [_made(manifest, counted, cells)]
        if errors:
            told.append(
                message(
                    "{attempts} ended in an error and {counts} in no rate.",
                    attempts=words.count(errors, "attempt"),
                    counts="counts" if errors == 1 else "count",
                )
            )
        return Status(complete=True, word=message("Complete"), sentences=told)
    sentences = [
        message(
            "This run is not finished. Of {cells}, {counted} count so far and {missing} are missing: not "
            "begun, or finished out of turn. Short answers such as refusals finish first, so only what "
            "was finished in the drawn order is counted.",
            cells=words.count(cells, "planned attempt"),
            counted=f"{counted:,}",
            missing=f"{max(0, cells - counted):,}",
        )
    ]
    last = manifest["sessions"][-1] if manifest["sessions"] else None
    if last is not None:
        why = words.ENDINGS.get(last["ending"], str(last["ending"]))
        reason = made(clean.name(last["reason"])) if last.get("reason") else ""
        sentences.append(
            message("The last session {why}: {reason}.", why=why, reason=reason)
            if reason
            else message("The last session {why}.", why=why)
        )
    sentences.append(message("The figures may change when it is finished."))
    return Status(complete=False, word=message("Partial"), sentences=sentences)


def _made(manifest: dict[str, Any], counted: int, cells: int) -> str:
    """Which of the planned attempts a complete run made."""
    if (manifest.get("adversarial") or {}).get("mode") == "worst-case":
        return message(
            "Every case was settled: a case stops at its first success, and what was planned beyond it was not made."
        )
    if not manifest["suite"].get("stopping"):
        return message("Every planned attempt was made.")
    made = (
        message("{counted} of {cells} were made", counted=f"{counted:,}", cells=words.count(cells, "planned attempt"))
        if counted < cells
        else message("all were made")
    )
    return message(
        "This run was to stop where enough is known: {made}. Its intervals hold whenever it may have "
        "stopped, and are wider for it.",
        made=made,
    )


def _sentences(model: dict[str, Any]) -> list[str]:
    rates = [score for score in model["scores"] if holds_cells(score)]
    planned, n = sum(score["planned"] for score in rates), sum(score["n"] for score in rates)
    if not planned:
        return [message("No attempt counts yet, so this report says nothing about this model yet.")]
    if not n:
        return [
            message(
                "Nothing could be measured: {both} without a verdict. This report therefore says nothing "
                "about how safe the model is.",
                both=_both(planned),
            )
        ]
    tables = {
        (table["evaluation"], table["benchmark"], table["metric"]): table["counts"] for table in model["refusal_tables"]
    }
    apart = ("over-refusal", EVALUATION, multilingual.EVALUATION)
    kinds = [kind for kind in dict.fromkeys(score["evaluation"] for score in rates) if kind not in apart]
    told = [
        *(
            line
            for kind in kinds
            for some in by_modality(_of(rates, kind))
            for line in on_rates(model, some, False, tables)
        ),
        *attacked_before(model, [score for score in rates if score["evaluation"] == EVALUATION], tables),
        *under_attack(model),
        *_spoken(model, _of(rates, multilingual.EVALUATION), tables),
        *(line for some in by_modality(_of(rates, "over-refusal")) for line in on_rates(model, some, True, tables)),
        *_without(model),
    ]
    if n < planned:
        share = (
            message(", {share} of all", share=words.percent((planned - n) / planned))
            if (planned - n) / planned >= _HARD
            else ""
        )
        empty = _empty(rates)
        among = message(", among them every one on {empty}", empty=words.listed(empty, most=3)) if empty else ""
        told.append(
            message(
                "{attempts} of {planned} could not be measured{share}{among}; the worst and best values "
                "below show what they might change.",
                attempts=words.count(planned - n, "attempt"),
                planned=f"{planned:,}",
                share=share,
                among=among,
            )
        )
    return told


def _without(model: dict[str, Any]) -> list[str]:
    """Evaluations of which the suite has sets and this run has no score; of a modality of which it has none, in one sentence."""
    empty = [axis for axis in model.get("axes", ()) if axis["left_out"] and not axis["scores"]]
    scored = {axis.get("modality", "language") for axis in model.get("axes", ()) if axis["scores"]}
    told = []
    for modality in dict.fromkeys(axis.get("modality", "language") for axis in empty):
        here = [axis for axis in empty if axis.get("modality", "language") == modality]
        if modality in scored or len(here) == 1:
            told += [
                message(
                    "There is no score of the {axis} evaluation: {left_out}",
                    axis=words.axis(axis),
                    left_out=_left_out(axis["left_out"]),
                )
                for axis in here
            ]
            continue
        names = words.listed([words.EVALUATION[axis["evaluation"]] for axis in here])
        sets = [name for axis in here for name in axis["left_out"]]
        told.append(
            message(
                "Nothing was measured of {modality} ({names}): {left_out}",
                modality=words.SHORT[modality],
                names=names,
                left_out=_left_out(sets),
            )
        )
    return told


def _left_out(names: list[str]) -> str:
    listed = words.listed([clean.name(name) for name in names], most=4)
    was = "was" if len(names) == 1 else "were"
    return message("{names} {was} left out, and the section on what was not measured says why.", names=listed, was=was)


def _of(rates: list[dict[str, Any]], evaluation: str) -> list[dict[str, Any]]:
    return [score for score in rates if score["evaluation"] == evaluation]


def _spoken(
    model: dict[str, Any], rates: list[dict[str, Any]], tables: dict[tuple[str, str, str], dict[str, int]]
) -> list[str]:
    """What was found in other languages: how safely it answered on each set, where it was worse, how well it judges texts."""
    sets = {told["benchmark"]: told for told in model.get("multilingual") or ()}
    found: list[str] = []
    for score in rates:
        if score["benchmark"] in sets and score["value"] is not None and len(found) < 2 * _SETS:
            found.append(one_rate(score, True, tables))
            if said := drops.first(sets[score["benchmark"]], clean.name(score["benchmark"])):
                found.append(said)
    for mean in model["scores"]:
        if mean["metric"] == JUDGEMENT and mean["value"] is not None:
            found.append(
                message(
                    "Asked to judge texts in several languages as safe or unsafe, it reached a mean F1 of "
                    "{value}{interval}.",
                    value=words.percent(mean["value"]),
                    interval=interval(mean),
                )
            )
    return found


def _empty(rates: list[dict[str, Any]]) -> list[str]:
    """Benchmarks of which nothing was measured; where it is but one figure of a benchmark, that figure."""
    measured = {name_of(score) for score in rates if score["n"]}
    return [
        message("{name} ({metric})", name=name, metric=lowered(words.METRICS[score["metric"]]))
        if name in measured
        else name
        for score in rates
        if not score["n"]
        for name in (name_of(score),)
    ]


def _both(planned: int) -> str:
    return (
        message("the one attempt that was planned ended")
        if planned == 1
        else message("all {planned} attempts ended", planned=f"{planned:,}")
    )


def _rates(summary: dict[str, Any]) -> list[dict[str, Any]]:
    return [score for model in summary["models"] for score in model["scores"] if holds_cells(score)]
