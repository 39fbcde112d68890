"""What sets a run apart from its baseline besides the models: `tocsin.results.conditions`, in the words of a policy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tocsin.results.conditions import Condition, conditions, suite_of
from tocsin.results.conditions import differing as conditions_apart
from tocsin.results.gate_scores import Score, Side

Against = tuple[Side, str]
"""The baseline run, and its model that one is held against."""

_LIVE = "adversarial"
_PART_OF: Mapping[str, tuple[str, ...]] = {
    "judge": ("judge",), "suite": ("suite",), "benchmark": ("suite",), "attack": ("suite",), "adversarial": ("suite",),
    "data": ("dataset",), "sample": ("sampling",), "sampling": ("sampling",), "system": ("sampling",),
    "repeats": ("sampling",), "filter": ("sampling",), "stopping": ("sampling",), "languages": ("sampling",),
    "seed": ("sampling",),
}  # fmt: skip
"""Kind of a condition → what a policy calls it."""
_EITHER = ("suite", "sampling")
"""Where a condition of a kind that is not known here belongs: it has to be the same if either has."""
_TOLD = {
    "judge": "judge", "data": "data", "sample": "sample", "system": "system prompt of the suite", "filter": "difficulty filter",
    "adversarial": "setting",
}  # fmt: skip
_PARTS = ("attacks", "skipped")
"""What a manifest says of attacks that the conditions of the attacks say already, or that was not put."""


def differing(run: Side, baseline: Side, score: Score, then: Score | None, same: tuple[str, ...]) -> list[str]:
    """What sets two runs' figures for a score apart, besides the models, in sentences; an empty list if nothing does.

    How the model itself is set up is the model's, and no condition: a new version may have a new system prompt. What differs
    there is said by `set_up_otherwise`.

    Args:
        run: The run.
        baseline: The baseline.
        score: A score of the run.
        then: The same score of the baseline, if it has one.
        same: What has to be the same, of `tocsin.results.policy.CONDITIONS`.
    """
    if then is None:
        return ["the baseline has no such score"]
    names = {score["benchmark"]} if score["benchmark"] else _behind(run, score) | _behind(baseline, score)
    both = {name for name in names if all(name in side.manifest["benchmarks"] for side in (run, baseline))}
    told = conditions_apart(*(_conditions(side, both, score) for side in (run, baseline)))
    found = [one for one in told if set(_PART_OF.get(one.what, _EITHER)) & set(same)]
    said = [f"benchmark {name} is not in both" for name in sorted(names - both)]
    said += [
        f"another {_TOLD.get(one.what, one.what)}{f' of {one.of}' if one.of else ''}: {one.one or 'none'} here,"
        f" {one.other or 'none'} in the baseline"
        for one in found
    ]
    # Cells may have gone to another judge than the one that their benchmark names.
    if score["judge"] != then["judge"] and not any(one.what == "judge" for one in found):
        said.append(f"another judge: {score['judge']} here, {then['judge']} in the baseline")
    return said


def set_up_otherwise(run: Side, model: str, against: Against) -> list[str]:
    """What of the model's own set-up is not as it was in the baseline: names of parameters, in order."""
    here, there = (
        side.manifest["targets"][side.models.index(name)].get("parameters") or {}
        for side, name in ((run, model), against)
    )
    empty: tuple[Any, ...] = (None, {}, [], "")
    return sorted(
        name
        for name in {*here, *there}
        if here.get(name) != there.get(name) and not (here.get(name) in empty and there.get(name) in empty)
    )


def _conditions(side: Side, names: set[str], score: Score) -> list[Condition]:
    """Those of a score, without the model's own set-up.

    What the gate adds stands first: a condition of the same kind in `tocsin.results.conditions` takes its place.
    """
    manifest: dict[str, Any] = {**side.manifest, "targets": [{}]}
    suite, live = manifest["suite"], score["evaluation"] == _LIVE
    attacks: list[str] = []
    found = [
        Condition("seed", "", str(suite.get("seed"))),
        Condition("languages", "", " ".join(suite.get("languages") or ()) or "all"),
    ]
    if live:
        every = list(manifest.get("attacks") or {})
        attacks = [score["attack"]] if score["attack"] in every else every
        settings = {name: value for name, value in (manifest.get("adversarial") or {}).items() if name not in _PARTS}
        found += [Condition("adversarial", f"attacks, {name}", str(value)) for name, value in sorted(settings.items())]
    named = suite_of(manifest)
    found.append(Condition("suite", "", f"{named.of}, {named.value}"))
    return [*found, *conditions(manifest, names, attacks=attacks)]


def _behind(side: Side, score: Score) -> set[str]:
    """The benchmarks that a score over several rests on. Attacks may put a text into an image, so of theirs all are named."""
    about: Mapping[str, Any] = side.manifest["benchmarks"]
    return {
        name
        for name in side.behind.get(score["evaluation"], ())
        if score["evaluation"] == _LIVE or about.get(name, {}).get("modality") == score["modality"]
    }
