"""Choosing attacks by what they are: ``kind:transform+needs:none`` in the place of names."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tocsin import registry
from tocsin.attacks.contract import COSTS, FAMILIES, KINDS, Attack, make

PARTS: dict[str, tuple[str, ...]] = {
    "kind": KINDS,
    "family": tuple(family for family in FAMILIES if family != "none"),
    "cost": COSTS,
    "needs": ("none", "attacker", "translator", "judge"),
}
"""What a selector may speak of, and the values that it may have."""
_SELECTOR = re.compile(r"[a-z]+:")


def select(names: Sequence[str]) -> tuple[str, ...]:
    """Names of attacks as they are, and selectors as the attacks that they choose, in the order of their names.

    A selector is one or more of `PARTS`, all of which have to fit, joined by ``+``: ``family:encoding+cost:one``. ``needs:none``
    are those that need nothing but the target. Attacks of this package alone are chosen, and not the plain request.

    Raises:
        ValueError: A part or a value is unknown, or nothing fits; the known ones are listed.
    """
    found: dict[str, None] = {}
    for name in names:
        if not _SELECTOR.match(name):
            found[name] = None
            continue
        wanted = [_part(part, name) for part in name.split("+")]
        chosen = [one for one in own() if all(_fits(make(one), *part) for part in wanted)]
        if not chosen:
            raise ValueError(f"{name!r} chooses no attack: tocsin list attacks --json says of each what it is")
        found |= dict.fromkeys(chosen)
    return tuple(found)


def own() -> list[str]:
    """The attacks of this package, but for the plain request."""
    return [
        name
        for name in registry.names("attack")
        if name != "direct" and registry.find("attack", name).__module__.startswith("tocsin.attacks.")
    ]


def _part(part: str, whole: str) -> tuple[str, str]:
    what, _, value = part.partition(":")
    if what not in PARTS:
        raise ValueError(f"{whole!r}: {what!r} is no part of a selector; there are {', '.join(PARTS)}")
    if value not in PARTS[what]:
        raise ValueError(f"{whole!r}: no {what} is {value!r}; there are {', '.join(PARTS[what])}")
    return what, value


def _fits(attack: Attack, what: str, value: str) -> bool:
    match what:
        case "kind":
            return attack.kind == value
        case "family":
            return attack.card.family == value
        case "cost":
            return attack.cost == value
        case _:
            return not attack.needed if value == "none" else value in attack.needed
