"""What a reader must be told of a run before its figures: who judged whom, and what a judge is not made for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.evaluations.assessment import Assessment
from tocsin.evaluations.attacking import ROLES
from tocsin.languages import same
from tocsin.models import family

KIN = "are of one model family"
"""What a flag of kinship says, and no other."""


def kinship(
    targets: Sequence[dict[str, Any]], judges: dict[str, dict[str, Any]], roles: dict[str, Any] | None = None
) -> list[str]:
    """Roles that models of one family play in one run: a judge may favour its own kin, and an attacker spare it."""
    flags = []
    helpers = [(role, name, one["family"]) for role in ROLES for name, one in (roles or {}).get(role, {}).items()]
    for target in targets:
        flags += [
            f"target {target['name']} and {role} {name} {KIN} ({kin})"
            for role, name, kin in helpers
            if kin is not None and kin == target["family"]
        ]
        for name, judge in judges.items():
            kin = {family(identity.partition("@")[0]) or family(name) for name, identity in judge["models"].items()} - {
                None
            }
            if target["family"] in kin:
                flags.append(f"target {target['name']} and judge {name} {KIN} ({target['family']})")
    return flags


def one_judge(assessment: Assessment) -> list[str]:
    """Whether the judge that steers attacks also decides on them."""
    steers, made = assessment.attacking.in_loop, assessment.judges
    if steers is None:
        return []
    attacked = [one for one in assessment.chosen if one.attacks]
    final = {name for one in attacked for name in one.benchmark.judges_used(one.attack_judge or one.judge)}
    both = sorted(name for name in final if made[name].identity == made[steers].identity)
    return [f"judge {name} steers attacks and decides on them" for name in both]


def foreign(judges: Mapping[str, Mapping[str, Any]], read: Sequence[tuple[str, str]]) -> list[str]:
    """Judges that are to read answers in languages they are not made for: such answers mostly get no verdict."""
    found: dict[str, list[str]] = {}
    for name, code in read:
        made_for = judges.get(name, {}).get("languages") or []
        if made_for and not any(same(code, one) for one in made_for):
            found.setdefault(name, []).append(code)
    return [
        f"judge {name} is not made for {', '.join(codes)}: its verdicts there, where it gives any, say little"
        for name, codes in found.items()
    ]
