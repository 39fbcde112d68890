"""A profile with all that is said of it: its archetypes and its sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.evaluations.images import WORST, WORST_ATTACK
from tocsin.evaluations.judgement import JUDGEMENT
from tocsin.evaluations.multilingual import GENERATION
from tocsin.evaluations.scoring import LOWER_IS_BETTER
from tocsin.results.archetypes import archetypes
from tocsin.results.finished import unfinished
from tocsin.results.profile import profile
from tocsin.results.published_profile import published_profile
from tocsin.results.sentences import sentences

Key = tuple[Any, ...]
MEANS = frozenset({"macro_mean", JUDGEMENT, GENERATION, WORST, WORST_ATTACK})
"""Metrics of an evaluation over several benchmarks or attacks."""


def profiled(
    manifest: Mapping[str, Any], model: Mapping[str, Any], left: Mapping[Key, int] | None = None
) -> dict[str, Any]:
    """The ``profile`` of one model in ``summary.json``: as `profile` makes it, with what `completed` adds.

    Args:
        manifest: The run's manifest, as it is for this model.
        model: The model's object in the summary.
        left: Score (`keyed`) → its cells that are not finished. They are planned, and count into what the axes have of that.
    """
    scores = _with_left(model["scores"], {key: count for key, count in (left or {}).items() if count})
    made = profile(manifest, {**model, "scores": scores})
    return completed({**made, "unfinished": unfinished(manifest, model)}, model)


def keyed(score: Mapping[str, Any]) -> Key:
    """What names a score of a whole benchmark, or of an evaluation."""
    return tuple(score[name] for name in ("modality", "evaluation", "benchmark", "framework", "metric"))


def _with_left(scores: Sequence[Mapping[str, Any]], left: Mapping[Key, int]) -> list[Mapping[str, Any]]:
    """Scores with what is not finished among what was planned, and bounds that allow for it.

    A mean over an evaluation's benchmarks has theirs, and no bounds: how each of them counts in it is not looked up here.
    """
    found: list[Mapping[str, Any]] = []
    for score in scores:
        count = left.get(keyed(score), 0) if not score["language"] and not score["attack"] else 0
        mean = score["benchmark"] is None and score["metric"] in MEANS
        if mean:
            same = (score["modality"], score["evaluation"])
            count = sum(cells for key, cells in left.items() if key[:2] == same and key[2] is not None)
        if not count:
            found.append(score)
            continue
        planned = score["planned"] + count
        lower = None if score["worst"] is None or mean else min(score["worst"], score["best"])
        upper = None if score["best"] is None or mean else max(score["worst"], score["best"])
        low = None if lower is None else lower * score["planned"] / planned
        high = None if upper is None else (upper * score["planned"] + count) / planned
        turned = score["metric"] in LOWER_IS_BETTER
        ends = {"worst": high, "best": low} if turned else {"worst": low, "best": high}
        found.append({**score, "planned": planned, **ends})
    return found


def published_profiled(model: str) -> dict[str, Any]:
    """The same of a model that arXiv 2601.10527 publishes.

    Raises:
        ValueError: The paper has no profile of it.
    """
    return completed(published_profile(model))


def completed(made: dict[str, Any], model: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A profile with ``archetype`` (of its first modality; None where nothing was scored), ``archetypes`` and ``sentences``."""
    found = archetypes(made)
    return {**made, "archetype": found[0] if found else None, "archetypes": found, "sentences": sentences(made, model)}
