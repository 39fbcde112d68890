"""A profile with all that is said of it: its archetypes and its sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.results.archetypes import archetypes
from tocsin.results.profile import profile
from tocsin.results.published_profile import published_profile
from tocsin.results.sentences import sentences


def profiled(manifest: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """The ``profile`` of one model in ``summary.json``: as `profile` makes it, with what `completed` adds.

    Args:
        manifest: The run's manifest, as it is for this model.
        model: The model's object in the summary.
    """
    return completed(profile(manifest, model), model)


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
