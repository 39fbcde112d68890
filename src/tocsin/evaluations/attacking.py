"""Which attacks a suite runs, with whom, and which it cannot run for want of a role."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from tocsin import attacks, judges, registry
from tocsin.attacks import Attack
from tocsin.attacks.selecting import select
from tocsin.evaluations.plan import DIRECT, Suited, able
from tocsin.evaluations.suite import Suite
from tocsin.judges.contract import fits
from tocsin.types import Capabilities

IN_LOOP, IMAGES_IN_LOOP = "embedded", "image-rubric"
ROLES: tuple[Literal["attacker", "translator"], ...] = ("attacker", "translator")
"""Roles beside target and judge; a judge is always there, since attacks say themselves whether they need one."""


class Skipped(msgspec.Struct, frozen=True):
    """An attack that is not run, and what to add so that it is."""

    attack: str
    needs: str


class Attacking(msgspec.Struct, frozen=True):
    """The attacks of a run.

    Attributes:
        made: Name → attack; ``direct`` is always there.
        named: Those of the adversarial evaluation, in the suite's order.
        skipped: Those that lack a role.
        in_loop: Name of the judge that steers; None where no attack asks one.
    """

    made: dict[str, Attack]
    named: tuple[str, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    in_loop: str | None = None

    def suited(self) -> dict[str, Suited]:
        """Which cases each attack is for. The plain request, which they are compared with, is for all."""
        told = {
            name: Suited(attack.pictured, (attack.asks_for,), attack.kind == "visual")
            for name, attack in self.made.items()
        }
        return {**told, DIRECT: Suited(True, ("text", "image"))}

    def roles(self) -> tuple[Literal["attacker", "translator"], ...]:
        """The helper roles that one of the attacks needs."""
        needed = {role for name in self.named for role in self.made[name].needed}
        return tuple(role for role in ROLES if role in needed)


NO_ATTACKS = Attacking({DIRECT: attacks.make(DIRECT)})


def resolve_attacks(suite: Suite, takes: Sequence[Capabilities] = (), *, static: bool = False) -> Attacking:
    """The attacks that a suite names for its adversarial evaluation, made with its parameters.

    Args:
        suite: The suite.
        takes: What each target takes and gives; not known if empty.
        static: Whether a benchmark of it holds prompts that were attacked beforehand, so that it needs no attack.

    Raises:
        UnknownName, ValueError: One is not there, or its parameters are wrong; or none of them can be run.
    """
    wanted = suite.adversarial
    if "adversarial" not in suite.evaluations:
        return NO_ATTACKS
    if wanted is None or not wanted.attacks:
        if static:
            return NO_ATTACKS
        raise ValueError(
            f"suite {suite.name!r} names no attack for its adversarial evaluation: add --attack NAME,… (see tocsin list attacks)"
        )
    for name in sorted(suite.attacks.keys() - set(wanted.attacks)):
        if "attack" not in suite.attacks[name] and not registry.exists("attack", name):
            raise registry.UnknownName("attack", name, registry.names("attack"))
    made = {DIRECT: attacks.make(DIRECT)}
    named, skipped = [], []
    asked = select(wanted.attacks)
    in_loop = _in_loop(suite, asked)
    for name in asked:
        attack = made_attack(suite, name)
        if attack.learns and wanted.mode == "worst-case":
            lacks = [role for role in ROLES if role in attack.needed and role not in suite.roles]
            also = "".join(f" and --role {role}=MODEL" for role in lacks)
            skipped.append(
                Skipped(name, f"--mode exhaustive{also}: it learns from every case, and none may be left out")
            )
            continue
        if "judge" in attack.needed and (
            unfit := fits(judges.make(in_loop, suite.judges.get(in_loop)), attack.asks_for)
        ):
            skipped.append(Skipped(name, f"adversarial: in_loop: a judge that can ({unfit})"))
            continue
        if takes and (blind := _unable(attack, takes)):
            skipped.append(Skipped(name, blind))
            continue
        lacks = [role for role in ROLES if role in attack.needed and role not in suite.roles]
        if lacks:
            skipped.append(Skipped(name, attack.mend or " and ".join(f"--role {role}=MODEL" for role in lacks)))
            continue
        made[name] = attack
        named.append(name)
    if unknown := sorted(set(wanted.worst) - set(asked)):
        raise ValueError(f"suite {suite.name!r}: {unknown[0]!r} is one of the worst attacks and none of its attacks")
    if wanted.mode == "worst-case" and suite.repeats > 1:
        raise ValueError(
            f"suite {suite.name!r}: repeats are for the mode exhaustive; worst-case asks a cell at most once"
        )
    if not named and static:
        return Attacking(made, (), tuple(skipped))
    if not named:
        lines = "; ".join(f"{one.attack}: add {one.needs}" for one in skipped)
        raise ValueError(f"none of the attacks can be run: {lines}")
    steered = any("judge" in made[name].needed for name in named)
    return Attacking(made, tuple(named), tuple(skipped), in_loop if steered else None)


def _in_loop(suite: Suite, names: Sequence[str]) -> str:
    """The judge that steers: the suite's; where it names none and all that is steered asks for images, one that sees them."""
    if suite.adversarial is not None and suite.adversarial.in_loop is not None:
        return suite.adversarial.in_loop
    steered = [attack for attack in (made_attack(suite, name) for name in names) if "judge" in attack.needed]
    images = steered and all(attack.asks_for == "image" for attack in steered)
    return IMAGES_IN_LOOP if images and "judge" in suite.roles else IN_LOOP


def _unable(attack: Attack, takes: Sequence[Capabilities]) -> str:
    """What no target can be asked that an attack would ask; empty if one can."""
    if attack.asks_for == "image" and not any(able("image", one) for one in takes):
        return "a model that makes images (image_out = true in tocsin.toml)"
    if attack.kind == "visual" and not any(one.image_in for one in takes):
        return "a model that takes images (image_in = true in tocsin.toml)"
    return ""


def expected_calls(attack: Attack) -> float:
    """Calls that a cell is expected to cost before anything is known: a search ends about half way; each role asks in turn."""
    queries = 1.0 if attack.queries == 1 else max(2.0, attack.queries / 2)
    return queries * (1 + len({"attacker", "judge"} & set(attack.needed))) + 1  # and the final judge


def made_attack(suite: Suite, name: str) -> Attack:
    """An attack by the name that a suite gives it.

    Raises:
        UnknownName, ValueError: It is not there, or its parameters are wrong.
    """
    return attacks.make(name, suite.attacks.get(name))
