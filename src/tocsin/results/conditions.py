"""Under which conditions a score was measured, and in which of them two scores differ: what may stand side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from tocsin.types import STATIC

DIRECT = "direct"


class Condition(msgspec.Struct, frozen=True):
    """One thing that two scores have to share to be comparable."""

    what: str
    """`judge`, `suite`, `benchmark`, `data`, `sample`, `sampling`, `system`, `attack`, `repeats`, `filter` or `stopping`."""
    of: str
    """The benchmark, attack or judge that it is of; empty where it is of the run."""
    value: str
    """As it is told to people: a version, a hash, a temperature."""


class Differing(msgspec.Struct, frozen=True):
    """A condition that is not the same on both sides; None where a side has no such thing."""

    what: str
    of: str
    one: str | None
    other: str | None


def conditions(
    manifest: Mapping[str, Any], benchmarks: Iterable[str], *, attacks: Iterable[str] = (), target: int = 0
) -> tuple[Condition, ...]:
    """What the scores of some benchmarks of a run were measured under, in a fixed order.

    The model is no condition, nor are its price, its limits and the machine. The parameters that a user fixed for a model (its
    system prompt, its temperature) are: two models that were asked otherwise were not asked the same.

    Args:
        manifest: The run's manifest.
        benchmarks: Their names; those that the run does not have are passed over.
        attacks: The attacks that the scores are over; ``direct`` is none.
        target: Which target of the run.
    """
    suite, found = manifest["suite"], []
    for name in sorted(set(benchmarks)):
        about = manifest["benchmarks"].get(name)
        if about is None:
            continue
        found.append(Condition("benchmark", name, f"version {about['version']}"))
        found.append(Condition("data", name, _data(about.get("dataset") or {})))
        found.append(Condition("sample", name, _sample(manifest, about)))
        for judge in sorted({about[kind] for kind in ("judge", "gold_judge", "reasoning_judge") if about.get(kind)}):
            found.append(Condition("judge", judge, _judge(manifest["judges"].get(judge))))
        if name in (manifest.get("difficulty") or {}).get("benchmarks", ()):
            found.append(Condition("filter", name, str((manifest["difficulty"] or {}).get("identity", "difficulty"))))
    for name in sorted(set(attacks) - {DIRECT, STATIC}):
        found.append(Condition("attack", name, str((manifest["attacks"].get(name) or {}).get("identity", "unknown"))))
    if any(name not in (DIRECT, STATIC) for name in attacks):
        helpers = (manifest.get("roles") or {}).get("attacker")
        if helpers:
            found.append(Condition("attack", "attacker", _named(helpers)))
    found.append(Condition("sampling", "", _sampling(suite, manifest["targets"][target])))
    found.append(Condition("repeats", "", str(suite.get("repeats", 1))))
    if suite.get("stopping"):
        found.append(Condition("stopping", "", "may stop early"))
    return tuple(dict.fromkeys(found))


def suite_of(manifest: Mapping[str, Any]) -> Condition:
    """The suite and its version; what was chosen on the command line has neither."""
    suite = manifest["suite"]
    return Condition("suite", str(suite["name"]), f"version {suite['version']}")


def differing(one: Iterable[Condition], other: Iterable[Condition]) -> list[Differing]:
    """The conditions in which two scores differ, in the order of the first.

    Args:
        one: Those of the one score.
        other: Those of the other.
    """
    first = {(condition.what, condition.of): condition.value for condition in one}
    second = {(condition.what, condition.of): condition.value for condition in other}
    return [
        Differing(*key, first.get(key), second.get(key))
        for key in dict.fromkeys([*first, *second])
        if first.get(key) != second.get(key)
    ]


def _data(dataset: Mapping[str, Any]) -> str:
    """The data of a benchmark: hashes of its files, which say more than any name of a revision."""
    hashes = sorted(str(one.get("sha256", ""))[:12] for one in dataset.get("files", ()))
    return " ".join(hashes) or str(dataset.get("revision") or dataset.get("name") or "unknown")


def _sample(manifest: Mapping[str, Any], about: Mapping[str, Any]) -> str:
    limit, sample = about.get("limit"), about.get("sample")
    if not limit and not sample:
        return "all"
    return f"{limit or sample} drawn, {about.get('draw') or 'uniform'}, seed {manifest['suite'].get('seed')}"


def _judge(judge: Mapping[str, Any] | None) -> str:
    """A judge's identity, and that of each model that it asks."""
    if judge is None:
        return "unknown"
    asked = " ".join(f"{role}={model}" for role, model in sorted((judge.get("models") or {}).items()))
    return f"{judge['identity']} {asked}".strip()


def _named(helpers: Any) -> str:
    if isinstance(helpers, Mapping):
        return str(helpers.get("identity") or helpers.get("name") or sorted(helpers.items()))
    return str(helpers)


def _sampling(suite: Mapping[str, Any], target: Mapping[str, Any]) -> str:
    """How answers are drawn: the suite's sampling, and what the model's entry fixes over it."""
    told = dict(suite.get("sampling") or {})
    fixed = (target.get("parameters") or {}).items()
    told |= {
        name: value for name, value in fixed if value not in (None, {}) and name != "weights"
    }  # those are the model
    return (
        ", ".join(f"{name} {_short(value)}" for name, value in sorted(told.items()) if value not in (None, [], ()))
        or "as is"
    )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
