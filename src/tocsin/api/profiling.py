"""Safety profiles of runs, and of the models that arXiv 2601.10527 publishes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tocsin.api.run import load_run
from tocsin.results.profiled import published_profiled


def profile_of(*runs: Path | str, published: Sequence[str] = ()) -> list[dict[str, Any]]:
    """The profiles of all models of some runs, read from their journals, then of published models.

    Each is as ``profile`` in ``summary.json`` (docs/reference/summary.md#a-profile), with ``run``, the run's name, or None.

    Args:
        runs: Run folders. They are read and not changed.
        published: Short names of published models (`tocsin.results.published_profile.MODELS`).

    Raises:
        JournalError: One is not a run folder, or cannot be read.
        ValueError: Neither a run nor a model is named, or the paper has no profile of one.
    """
    if not runs and not published:
        raise ValueError("profile: name at least one run folder, or a published model with --published MODEL")
    found: list[dict[str, Any]] = []
    for folder in runs:
        run = load_run(folder)
        found += [{"run": run.manifest["run"], **model["profile"]} for model in run.summary["models"]]
    return [*found, *({"run": None, **published_profiled(model)} for model in published)]
