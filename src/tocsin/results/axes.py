"""For each evaluation that a run was to have, in each modality: its main score, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from tocsin.evaluations.adversarial import POOLED
from tocsin.evaluations.images import WORST_ATTACK
from tocsin.types import Modality

MODALITIES: tuple[str, ...] = get_args(Modality)
MAIN = ("macro_mean", "judgement_mean", "generation_mean")
"""Metrics that stand for an evaluation where they are there; else its only rate does."""
_LIVE = (POOLED, WORST_ATTACK)
_OF_IMAGES = {"adversarial": ("safe_image_worst",), "compliance": ("safe_image_rate",)}
"""Those that stand for it where images are asked for: arXiv 2601.10527 counts refusals as safe in its benchmark score alone."""
_RATES = ("safe_rate", "compliance_rate", "accuracy", "over_refusal_rate", "safe_response_rate")


def axes(manifest: Mapping[str, Any], scores: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The axes of a model: evaluation, metric, value and limits; or the reason why there is no value.

    Args:
        manifest: The run's manifest.
        scores: The model's scores, as in the summary.
    """
    about = manifest.get("benchmarks", {})
    there = {one.get("modality", "language") for one in about.values()} | {score["modality"] for score in scores}
    there |= {one.get("modality", "language") for one in manifest.get("left_out", ())}
    modalities = [modality for modality in MODALITIES if modality in there]
    evaluations = manifest.get("suite", {}).get("evaluations", ())
    found = (_axis(manifest, scores, evaluation, modality) for modality in modalities for evaluation in evaluations)
    return [axis for axis in found if axis is not None]


def _axis(
    manifest: Mapping[str, Any], scores: Sequence[Mapping[str, Any]], evaluation: str, modality: str
) -> dict[str, Any] | None:
    """One axis; None where no benchmark of the run is for it."""
    here = [score for score in scores if (score["evaluation"], score["modality"]) == (evaluation, modality)]
    main = (_OF_IMAGES.get(evaluation, ()) if modality == "image" else ()) or MAIN
    means = [score for score in here if score["metric"] in main]
    rates = [score for score in here if score["metric"] in _RATES and not score["language"] and not score["attack"]]
    # Live attacks are another score than published ones, and stand beside it.
    live = [score for score in here if score["metric"] in _LIVE and not score["attack"]]
    chosen = [*(means or [score for score in rates if score["metric"] not in _LIVE]), *live]
    left_out = [
        one
        for one in manifest.get("left_out", ())
        if (one.get("evaluation", "benchmark"), one.get("modality", "language")) == (evaluation, modality)
    ]
    if not chosen and not left_out:
        return None
    return {
        "evaluation": evaluation,
        "modality": modality,
        "scores": [
            {key: score[key] for key in ("benchmark", "framework", "metric", "value", "low", "high")}
            for score in chosen
        ],
        "left_out": [one["benchmark"] for one in left_out],
        "why": "" if any(score["value"] is not None for score in chosen) else _why(chosen, left_out),
    }


def _why(scores: Sequence[Mapping[str, Any]], left_out: Sequence[Mapping[str, Any]]) -> str:
    """Why an evaluation has no value."""
    alike: dict[str, list[str]] = {}
    for one in left_out:
        alike.setdefault(one["needs"], []).append(one["benchmark"])
    told = [
        f"{'each of ' if len(names) > 1 else ''}{', '.join(names)} was left out: {needs}"
        for needs, names in alike.items()
    ]
    for score in scores:
        counts = f"{score['unscored']} without a verdict, {score['error']} errors"
        reasons = [note for note in score.get("notes", ()) if note.startswith("no value: ")]
        told.append("; ".join((f"{score['benchmark'] or score['metric']}: {counts}", *reasons)))
    return "; ".join(told)
