"""For each evaluation that a run was to have: its main score, or why it has none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MAIN = ("macro_mean", "judgement_mean", "generation_mean")
"""Metrics that stand for an evaluation where they are there; else its only rate does."""
_RATES = ("safe_rate", "compliance_rate", "accuracy", "over_refusal_rate", "safe_response_rate")


def axes(manifest: Mapping[str, Any], scores: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The axes of a model: evaluation, metric, value and limits; or the reason why there is no value.

    Args:
        manifest: The run's manifest.
        scores: The model's scores, as in the summary.
    """
    found = []
    for evaluation in manifest.get("suite", {}).get("evaluations", ()):
        here = [score for score in scores if score["evaluation"] == evaluation]
        means = [score for score in here if score["metric"] in MAIN]
        rates = [score for score in here if score["metric"] in _RATES and not score["language"] and not score["attack"]]
        chosen = means or rates
        left_out = [one for one in manifest.get("left_out", ()) if one.get("evaluation", "benchmark") == evaluation]
        if not chosen and not left_out:
            continue  # no benchmark of the run is for it
        reason = "" if any(score["value"] is not None for score in chosen) else _why(chosen, left_out)
        found.append(
            {
                "evaluation": evaluation,
                "scores": [
                    {key: score[key] for key in ("benchmark", "framework", "metric", "value", "low", "high")}
                    for score in chosen
                ],
                "left_out": [one["benchmark"] for one in left_out],
                "why": reason,
            }
        )
    return found


def _why(scores: Sequence[Mapping[str, Any]], left_out: Sequence[Mapping[str, Any]]) -> str:
    """Why an evaluation has no value."""
    told = [f"{one['benchmark']} was left out: {one['needs']}" for one in left_out]
    for score in scores:
        counts = f"{score['unscored']} without a verdict, {score['error']} errors"
        reasons = [note for note in score.get("notes", ()) if note.startswith("no value: ")]
        told.append("; ".join((f"{score['benchmark'] or score['metric']}: {counts}", *reasons)))
    return "; ".join(told)
