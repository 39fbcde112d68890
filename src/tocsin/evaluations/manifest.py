"""The manifest: what a rerun needs, and what a reader must know of how a result came about."""

from __future__ import annotations

import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import msgspec

from tocsin._version import __version__
from tocsin.attacks import Attack
from tocsin.evaluations.assessment import Assessment, LeftOut
from tocsin.evaluations.attacking import ROLES
from tocsin.evaluations.cast import Cast
from tocsin.evaluations.fitting import lacking
from tocsin.evaluations.flags import kinship, one_judge
from tocsin.evaluations.frameworks import kept
from tocsin.evaluations.plan import DIRECT, Chosen
from tocsin.evaluations.suite import Suite
from tocsin.journal import ReplayDiverged
from tocsin.journal.folder import PICTURES, TRANSLATION
from tocsin.judges import Judge
from tocsin.judges.tongue import VERSION as TONGUE
from tocsin.judges.understood import VERSION as UNDERSTOOD
from tocsin.models import Caller, family

SCHEMA = 1


def build(run: str, assessment: Assessment, cast: Cast, difficulty: dict[str, Any] | None = None) -> dict[str, Any]:
    """The manifest of a new run."""
    targets = [model_told(caller) for caller in cast.targets]
    judged_by = judging(cast, assessment.judges)
    judged_by["roles"] |= {role: {caller.model.name: model_told(caller)} for role, caller in cast.helpers.items()}
    attacking = assessment.attacking
    return {
        "schema": SCHEMA,
        "run": run,
        "status": "planned",
        "created": now(),
        "versions": _versions(),
        "suite": assessment.suite.model_dump(mode="json"),
        "strict": assessment.drawing.strict,
        "targets": targets,
        **judged_by,
        "attacks": {name: attack_told(attack) for name, attack in attacking.made.items()},
        "adversarial": _adversarial(assessment),
        "benchmarks": {one.benchmark.name: _benchmark(one) for one in assessment.chosen},
        "frameworks": kept(_frameworks(assessment)),
        "left_out": [msgspec.to_builtins(one) for one in assessment.left_out] + _unasked(assessment, targets),
        "difficulty": difficulty,
        "translations": assessment.translations,
        "heard": rules_heard(any(one.benchmark.paired for one in assessment.chosen)),
        "licences_accepted": list(assessment.accepted),
        "demonstration": all(one.benchmark.demonstration for one in assessment.chosen),
        "flags": kinship(targets, judged_by["judges"], judged_by["roles"]) + one_judge(assessment),
        "cells": 0,
        "sessions": [],
    }


def _unasked(assessment: Assessment, targets: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What some models of the run cannot be asked, and others can."""
    return [
        msgspec.to_builtins(
            LeftOut(
                one.benchmark.name,
                f"{target['name']}: {lacks}",
                one.benchmark.evaluation,
                one.benchmark.measures,
                one.benchmark.modality,
                target["name"],
            )
        )
        for one in assessment.chosen
        for target, takes in zip(targets, assessment.drawing.takes, strict=False)
        if (lacks := lacking(one.benchmark, [takes]))
    ]


def judging(cast: Cast, judges: Mapping[str, Judge]) -> dict[str, Any]:
    """Who judges: the judges, and the models they ask."""
    asked = {name: model_told(caller) for name, caller in cast.judges.items()}
    return {"roles": {"judge": asked}, "judges": {name: _judge(judge, asked) for name, judge in judges.items()}}


def rejudged(
    run: str,
    before: dict[str, Any],
    suite: Suite,
    judges: dict[str, Judge],
    cast: Cast,
    told: dict[str, Any],
    anew: Sequence[str],
) -> dict[str, Any]:
    """The manifest of a run whose answers another run has, and whose free-text answers another judge reads.

    Args:
        run: The new run's name.
        before: The other run's manifest.
        suite: Its suite, with the new judge.
        judges: The judges of the new run.
        cast: Whom they ask.
        told: The field ``rejudged``: which run, whose answers, and which judges take whose place.
        anew: The benchmarks whose free-text answers, or images, the new judge reads.
    """
    told_of = judging(cast, judges)
    return {
        **before,
        "run": run,
        "status": "planned",
        "created": now(),
        "versions": _versions(),
        "suite": suite.model_dump(mode="json"),
        "roles": {**before.get("roles", {}), **told_of["roles"]},
        "judges": told_of["judges"],
        "heard": rules_heard(any(about.get("paired") for about in before["benchmarks"].values())),
        "benchmarks": {
            name: {**about, "judge": suite.judge} if name in anew else about
            for name, about in before["benchmarks"].items()
        },
        "flags": kinship(before["targets"], told_of["judges"]),
        "cells": 0,
        "sessions": [],
        "rejudged": told,
    }


def transferred(run: str, before: dict[str, Any], suite: Suite, cast: Cast, told: dict[str, Any]) -> dict[str, Any]:
    """The manifest of a run that puts to other models what succeeded in another run.

    Args:
        run: The new run's name.
        before: The other run's manifest.
        suite: Its suite, as the new run has it.
        cast: The models that it is put to, and whom the judges ask.
        told: The field ``transferred``: which run, on whom it succeeded, which attacks, and which are left out.
    """
    targets = [model_told(caller) for caller in cast.targets]
    roles = {"judge": {name: model_told(caller) for name, caller in cast.judges.items()}}
    return {
        **{name: value for name, value in before.items() if name != "rejudged"},
        "run": run,
        "status": "planned",
        "created": now(),
        "versions": _versions(),
        "suite": suite.model_dump(mode="json"),
        "targets": targets,
        "roles": roles,
        "heard": rules_heard(any(about.get("paired") for about in before["benchmarks"].values())),
        "attacks": {name: {} for name in dict.fromkeys([DIRECT, *told["attacks"]])},
        "adversarial": {
            **before["adversarial"],
            "attacks": list(dict.fromkeys([*told["attacks"], DIRECT])),
            "skipped": [],
            "in_loop": None,
            "mode": "exhaustive",
            "worst": [],
        },
        "bad_rows": {},
        "left_out": [],
        "flags": kinship(targets, before["judges"]),
        "cells": 0,
        "sessions": [],
        "transferred": told,
    }


def translating(
    run: str, suite: Suite, one: Chosen, cast: Cast, attack: Attack, accepted: Sequence[str], told: dict[str, Any]
) -> dict[str, Any]:
    """The manifest of a run that translates a benchmark.

    Args:
        run: The new run's name.
        suite: Seed, limit and roles.
        one: The benchmark.
        cast: The translator.
        attack: What translates.
        accepted: Names whose terms are accepted.
        told: The field ``translation``: the languages, and when a translation is doubtful.
    """
    return {
        "schema": SCHEMA,
        "kind": TRANSLATION,
        "run": run,
        "status": "planned",
        "created": now(),
        "versions": _versions(),
        "suite": suite.model_dump(mode="json"),
        "targets": [],
        "roles": {role: {caller.model.name: model_told(caller)} for role, caller in cast.helpers.items()},
        "judges": {},
        "attacks": {attack.name: attack_told(attack)},
        "benchmarks": {one.benchmark.name: _benchmark(one)},
        "licences_accepted": list(accepted),
        "translation": told,
        "bad_rows": {},
        "cells": 0,
        "sessions": [],
    }


def picturing(
    run: str, suite: Suite, chosen: Sequence[Chosen], cast: Cast, attack: Attack, judge: Judge, told: dict[str, Any]
) -> dict[str, Any]:
    """The manifest of a run that has pictures made for benchmarks.

    Args:
        run: The new run's name.
        suite: Seed and limit.
        chosen: The benchmarks, whose cases ask for pictures.
        cast: The model that makes them.
        attack: What puts the descriptions to it.
        judge: What takes the pictures as they are.
        told: The field ``pictures``: where they go, and whether they replace others.
    """
    return {
        "schema": SCHEMA,
        "kind": PICTURES,
        "run": run,
        "status": "planned",
        "created": now(),
        "versions": _versions(),
        "suite": suite.model_dump(mode="json"),
        "targets": [model_told(caller) for caller in cast.targets],
        "roles": {},
        "judges": {judge.name: {"identity": judge.identity}},
        "attacks": {attack.name: attack_told(attack)},
        "benchmarks": {one.benchmark.name: _benchmark(one) for one in chosen},
        "pictures": told,
        "bad_rows": {},
        "cells": 0,
        "sessions": [],
    }


def check_resumable(
    manifest: dict[str, Any],
    cast: Cast,
    judges: dict[str, Judge],
    attacks: dict[str, Attack],
    versions: dict[str, int],
    cell: str,
) -> None:
    """Compares what a run was planned with and what is there now.

    Args:
        manifest: The run's manifest.
        cast: The models, opened now.
        judges: The judges, made now.
        attacks: The attacks, made now.
        versions: Benchmark name → version now.
        cell: Name of the first cell that would be run with what changed.

    Raises:
        ReplayDiverged: Something changed; the message names it and the cell.
    """
    changed = [
        (f"model {then['name']!r}", then["identity"], caller.model.identity)
        for then, caller in zip(manifest["targets"], cast.targets, strict=True)
    ]
    changed += [
        (f"judge model {name!r}", then["identity"], cast.judges[name].model.identity)
        for name, then in manifest.get("roles", {}).get("judge", {}).items()
    ]
    changed += [
        (f"{role} {name!r}", then["identity"], cast.helpers[role].model.identity)
        for role in ROLES
        for name, then in manifest.get("roles", {}).get(role, {}).items()
    ]
    changed += [(f"judge {n!r}", manifest["judges"][n]["identity"], judge.identity) for n, judge in judges.items()]
    changed += [(f"attack {n!r}", manifest["attacks"][n]["identity"], attack.identity) for n, attack in attacks.items()]
    changed += [
        (f"benchmark {name!r}", str(manifest["benchmarks"][name]["version"]), str(version))
        for name, version in versions.items()
    ]
    if told := manifest.get("heard"):  # one run has one way of hearing its answers
        rules = rules_heard(True) or {}
        changed += [(f"rules {name!r}", then, rules.get(name, "absent")) for name, then in told.items()]
    for what, then, current in changed:
        check_same(what, then, current, cell)


def check_same(what: str, then: str, current: str, cell: str) -> None:
    """Raises `ReplayDiverged` if something is not what it was when a run was planned; names it, and the first cell."""
    if then != current:
        raise ReplayDiverged(
            f"{what} was {then} when the run was planned and is {current} now, so cell {cell} would not be what it"
            " was: undo the change, or start a new run"
        )


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def rules_heard(spoken: bool) -> dict[str, str] | None:
    """What hears the answers of sets in several languages, rules → their version; None for a run without such sets."""
    if not spoken:
        return None
    return {"understood": str(UNDERSTOOD), "tongue": str(TONGUE), "py3langid": version("py3langid")}


def _versions() -> dict[str, str]:
    return {"tocsin": __version__, "python": platform.python_version(), "platform": sys.platform}


def model_told(caller: Caller) -> dict[str, Any]:
    """A model as a reader of results needs it: never with a key."""
    model = caller.model
    return {
        "name": model.name,
        "identity": model.identity,
        "base_url": getattr(model, "base_url", ""),
        "parameters": dict(getattr(model, "parameters", {})),
        "capabilities": msgspec.to_builtins(model.capabilities),
        "family": family(model.identity.partition("@")[0]) or family(model.name),
        "limits": caller.limits.model_dump(mode="json"),
        "prices": None if caller.prices is None else caller.prices.model_dump(mode="json"),
    }


def _judge(judge: Judge, asked: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """A judge, with the models it asks by name and identity."""
    return {
        "identity": judge.identity,
        "version": judge.version,
        "reads": judge.reads,
        "source": judge.source,
        "languages": list(judge.languages),
        "grades": judge.grades,
        "sees": judge.sees,
        "parameters": msgspec.to_builtins(judge),
        "model": ", ".join(judge.models) or None,
        "models": {name: asked[name]["identity"] for name in judge.models},
    }


def attack_told(attack: Attack) -> dict[str, Any]:
    """An attack as a reader of results needs it. All are written anew from their papers, so no figure is a paper's own."""
    return {
        "identity": attack.identity,
        "attack": attack.name,
        "version": attack.version,
        "kind": attack.kind,
        "family": attack.card.family,
        "source": attack.source,
        "needs": list(attack.needed),
        "queries": attack.queries,
        "parameters": msgspec.to_builtins(attack),
        "reimplementation": attack.card.family != "none" and "/" not in attack.name,  # a package's own output is none
    }


def _frameworks(assessment: Assessment) -> list[str]:
    """The frameworks of the run's item sets, and those that the suite names."""
    written = [one.benchmark.framework for one in assessment.chosen]
    return [*filter(None, written), *assessment.suite.compliance.frameworks]


def _adversarial(assessment: Assessment) -> dict[str, Any] | None:
    """What shapes the adversarial evaluation beside its attacks; None where there is none."""
    attacking, wanted = assessment.attacking, assessment.suite.adversarial
    if not attacking.named or wanted is None:
        return None
    return {
        "attacks": list(attacking.named),
        "skipped": [msgspec.to_builtins(one) for one in attacking.skipped],
        "in_loop": attacking.in_loop,
        "mode": wanted.mode,
        "audit": wanted.audit,
        "worst": list(wanted.worst),
        "allowance": wanted.allowance.model_dump(mode="json"),
    }


def _benchmark(one: Chosen) -> dict[str, Any]:
    benchmark, data = one.benchmark, one.benchmark.dataset
    return {
        "title": benchmark.title,
        "version": benchmark.version,
        "measures": benchmark.measures,
        "modality": benchmark.modality,
        "evaluation": benchmark.evaluation,
        "framework": benchmark.framework,
        "paired": benchmark.paired,
        "judge": one.judge or benchmark.judge,
        "gold_judge": benchmark.gold_judge,
        "reasoning_judge": one.reasoning,
        "demonstration": benchmark.demonstration,
        "own_metrics": benchmark.metrics is not None,
        "sample": one.sample,
        "limit": one.limit,
        "draw": one.draw,
        "dataset": {
            "name": data.name,
            "title": data.title,
            "origin": str(data.origin),
            "revision": data.origin.revision,
            "licence": data.licence,
            "gate": data.gate,
            "notes": list(data.notes),
            "missing": [file.name for file in data.files if all(found.file is not file for found in one.files)],
            "files": [
                {
                    "path": found.path.name if found.place == "own" else found.file.path,
                    "sha256": found.sha256,
                    "from": found.place,
                    "pinned": found.pinned,
                }
                for found in one.files
            ],
        },
    }
