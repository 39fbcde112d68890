"""What differs between two sides: what the comparison is of, and what else does, which it may not survive."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from tocsin.results.conditions import Condition, conditions, differing, suite_of
from tocsin.results.matched_cells import Side

Meant = Literal["model", "judge", "attack", "language", "run"]
ALLOWED = ("attack", "judge")
"""Differences over which scores may be compared all the same, if it is said."""


class Difference(msgspec.Struct, frozen=True):
    """Something that is not the same on both sides.

    Attributes:
        what: `model`, `judge`, `attack`, `language`, or a condition of `tocsin.results.conditions`.
        of: What it is of; empty where of the run.
        one: As it is on the one side; None where that has no such thing.
        other: On the other.
        standing: `meant`: the comparison is of it. `breaks`: what it touches is not compared. `allowed`: it would be not, but
            for the user's word. `warning`: compared, and said.
        benchmarks: Those whose scores it touches; empty for all.
    """

    what: str
    of: str
    one: str | None
    other: str | None
    standing: Literal["meant", "breaks", "allowed", "warning"]
    benchmarks: list[str] = []


def meant(one: Side, other: Side) -> tuple[Meant, ...]:
    """What a comparison of two sides is of: everything in which they were made to differ."""
    found: list[Meant] = []
    if _identity(one) != _identity(other):
        found.append("model")
    if same_answers(one, other):
        found.append("judge")
    if one.attack != other.attack:
        found.append("attack")
    if one.language != other.language:
        found.append("language")
    return tuple(found) or ("run",)


def same_answers(one: Side, other: Side) -> bool:
    """Whether one run is the other's answers judged anew, or both are those of a third."""
    rejudged = "rejudged" in one.manifest or "rejudged" in other.manifest
    apart = one.folder.resolve() != other.folder.resolve()
    alike = (one.attack, one.language) == (other.attack, other.language)
    return rejudged and apart and alike and _origin(one.manifest) == _origin(other.manifest) and one.name == other.name


def differences(
    one: Side, other: Side, benchmarks: Sequence[str], attacks: Sequence[str], allow: Collection[str]
) -> list[Difference]:
    """Everything in which two sides differ, what is meant first.

    Args:
        one: The one side.
        other: The other.
        benchmarks: Those that are compared.
        attacks: Live attacks that are compared; of two sides with an attack each, none.
        allow: Of `ALLOWED`, what may differ all the same.
    """
    about = meant(one, other)
    found = _meant(one, other, about)
    touched: dict[tuple[str, str, str | None, str | None], list[str]] = {}
    for name in benchmarks:
        pair = [conditions(side.manifest, [name], attacks=attacks, target=side.target) for side in (one, other)]
        judges = [_judges(side) for side in pair]
        if judges[0] != judges[1]:
            touched.setdefault(("judge", name, judges[0], judges[1]), []).append(name)
        for told in differing(*(filter(_no_judge, side) for side in pair)):
            touched.setdefault((told.what, told.of, told.one, told.other), []).append(name)
    first, second = suite_of(one.manifest), suite_of(other.manifest)
    if first != second:
        touched[("suite", "", f"{first.of}, {first.value}", f"{second.of}, {second.value}")] = []
    versions = [str((side.manifest.get("versions") or {}).get("tocsin")) for side in (one, other)]
    if versions[0] != versions[1]:
        touched[("tocsin", "", *versions)] = []  # type: ignore[index]
    for (what, of, a, b), names in touched.items():
        own = what == "sampling" and "model" in about and _suites_sampling(one) == _suites_sampling(other)
        if own or (what == "judge" and "judge" in about):  # how a model itself is set up is what a version of it is
            standing: Literal["meant", "breaks", "allowed", "warning"] = "meant"
        elif what in ALLOWED:
            standing = "allowed" if what in allow else "breaks"
        else:
            standing = "warning"
        whole = len(names) == len(benchmarks) and what not in ("judge", "benchmark", "data", "sample", "filter")
        found.append(Difference(what, of, a, b, standing, [] if whole else names))
    return found


def _meant(one: Side, other: Side, about: Iterable[Meant]) -> list[Difference]:
    said = {
        "model": (_identity(one), _identity(other)),
        "attack": (one.attack, other.attack),
        "language": (one.language, other.language),
    }
    return [Difference(what, "", *said[what], "meant") for what in about if what in said]


def _identity(side: Side) -> str:
    target = side.manifest["targets"][side.target]
    return str(target.get("identity") or target["name"])


def _suites_sampling(side: Side) -> Any:
    return side.manifest["suite"].get("sampling")


def _origin(manifest: Mapping[str, Any]) -> str:
    told = manifest.get("rejudged")
    return str((told.get("answers") or {}).get("run") or told["run"]) if told else str(manifest["run"])


def _no_judge(condition: Condition) -> bool:
    return condition.what != "judge"


def _judges(found: Iterable[Condition]) -> str:
    return " + ".join(sorted(condition.value for condition in found if condition.what == "judge"))
