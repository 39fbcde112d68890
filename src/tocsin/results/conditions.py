"""Under which conditions a score was measured, and in which of them two scores differ: what may stand side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from tocsin.types import STATIC

DIRECT = "direct"
ROLES = ("attacker", "translator")
"""Who helps attacks."""
_OF_THE_MODEL = frozenset({"weights", "image_out"})
"""Parameters that say which model it is, and not how it was asked."""


class Condition(msgspec.Struct, frozen=True):
    """One thing that two scores have to share to be comparable."""

    what: str
    """`judge`, `suite`, `benchmark`, `data`, `sample`, `languages`, `translations`, `sampling`, `system`, `attack`,
    `attacking` (how attacks are run), `repeats`, `filter` or `stopping`."""
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
        if table := _translations(manifest.get("translations") or {}, name):
            found.append(Condition("translations", name, table))
        for judge in sorted({about[kind] for kind in ("judge", "gold_judge", "reasoning_judge") if about.get(kind)}):
            found.append(Condition("judge", judge, _judge(manifest["judges"].get(judge))))
        chosen: Mapping[str, Any] = next((one for one in suite.get("benchmarks") or () if one.get("name") == name), {})
        if chosen.get("system"):
            found.append(Condition("system", name, f"a prompt with hash {_hash(chosen['system'])}"))
        if chosen.get("sampling"):
            found.append(Condition("sampling", name, _sampling({"sampling": chosen["sampling"]}, {})))
        if name in (manifest.get("difficulty") or {}).get("benchmarks", ()):
            found.append(Condition("filter", name, str((manifest["difficulty"] or {}).get("identity", "difficulty"))))
    for name in sorted(set(attacks) - {DIRECT, STATIC}):
        found.append(Condition("attack", name, str((manifest["attacks"].get(name) or {}).get("identity", "unknown"))))
    if any(name not in (DIRECT, STATIC) for name in attacks):
        for role in ROLES:
            if helpers := (manifest.get("roles") or {}).get(role):
                found.append(Condition("attack", role, _named(helpers)))
        found.append(Condition("attacking", "", _attacking(manifest)))
        if attacked := _attacked(suite):
            found.append(Condition("sample", "attacked", attacked))
    if suite.get("languages"):
        found.append(Condition("languages", "", ", ".join(sorted(map(str, suite["languages"])))))
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


def _hash(text: object) -> str:
    """In place of a text, which may be an attack in itself."""
    return blake2b(str(text).encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()


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
    """Who plays a role: the identities of the models, by name in the manifest."""
    if not isinstance(helpers, Mapping):
        return str(helpers)
    told = [one for one in helpers.values() if isinstance(one, Mapping)] or [helpers]
    return ", ".join(sorted(str(one.get("identity") or one.get("name") or sorted(one)) for one in told))


def _translations(table: Mapping[str, Any], benchmark: str) -> str:
    """The table of translations, where a benchmark has cases of it: by its hash, and whether only reviewed ones were asked."""
    if benchmark not in (table.get("benchmarks") or ()):
        return ""
    return f"{str(table.get('sha256', 'unknown'))[:12]}{', reviewed ones alone' if table.get('only_reviewed') else ''}"


def _attacking(manifest: Mapping[str, Any]) -> str:
    """How attacks are run: which cells, what each may spend, who steers them, and which make up Safe_worst-3."""
    told = manifest.get("adversarial") or {}
    said = [f"mode {told.get('mode') or 'exhaustive'}"]
    if told.get("audit"):
        said.append(f"a slice of {told['audit']} cells a case")
    said += [f"{name} {most}" for name, most in sorted((told.get("allowance") or {}).items()) if most is not None]
    if steers := told.get("in_loop"):
        said.append(f"in-loop judge {_judge((manifest.get('judges') or {}).get(steers) or {'identity': steers})}")
    if told.get("worst"):
        said.append(f"worst of {', '.join(told['worst'])}")
    return ", ".join(said)


def _attacked(suite: Mapping[str, Any]) -> str:
    """Which cases are attacked, where it is not all of them."""
    told = suite.get("adversarial") or {}
    if told.get("cases"):
        return f"cases by name, with hash {_hash(sorted((name, sorted(ids)) for name, ids in told['cases'].items()))}"
    return f"{told['limit']} of each, seed {suite.get('seed')}" if told.get("limit") else ""


def _sampling(suite: Mapping[str, Any], target: Mapping[str, Any]) -> str:
    """How answers are drawn: the suite's sampling, and what the model's entry fixes over it."""
    told = dict(suite.get("sampling") or {})
    fixed = (target.get("parameters") or {}).items()
    told |= {name: value for name, value in fixed if value not in (None, {}) and name not in _OF_THE_MODEL}
    return (
        ", ".join(f"{name} {_short(value)}" for name, value in sorted(told.items()) if value not in (None, [], ()))
        or "as is"
    )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 40 else f"{text[:37]}…"
