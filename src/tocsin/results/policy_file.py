"""Policies as files: those that ship with tocsin, by name, and those of a user, by path.

They are read as text, lists and mappings without tags and anchors (`tocsin.datasets.yaml_text`): nothing of a file is executed,
and a small one stays small.
"""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec
from pydantic import ValidationError

from tocsin.datasets.yaml_text import Place, YamlFault, parsed, read_mapping
from tocsin.models.config import ConfigError, told
from tocsin.registry import About
from tocsin.results.policy import Policy


class PolicyFile(msgspec.Struct, frozen=True):
    """A policy, and where it stands.

    Attributes:
        policy: What it says.
        file: The path of a file of your own; None for those that tocsin has.
        lines: Id of a rule → the line on which it begins.
    """

    policy: Policy
    file: Path | None = None
    lines: dict[str, int] = {}


def policy_names() -> list[str]:
    """The policies that ship with tocsin."""
    folder = resources.files("tocsin.results.policies")
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def policies() -> list[About]:
    """What a listing says of the policies that ship with tocsin."""
    found = []
    for name in policy_names():
        policy = read_policy(name).policy
        needs = ("a baseline run",) if policy.needs_baseline else ()
        found.append(About(name=name, title=policy.title, source=policy.source, needs=needs, licence="Apache-2.0"))
    return found


def read_policy(name: str | Path) -> PolicyFile:
    """A policy by name, or by the path of a YAML file. A file of the name of a shipped one is meant by ``./NAME``.

    Raises:
        ConfigError: There is none, or it cannot be read; the message names the place and the mend.
    """
    path, known = Path(name), policy_names()
    if str(name) in known:  # before any file: what a branch puts beside a gate must not take its place
        text = (resources.files("tocsin.results.policies") / f"{name}.yaml").read_text(encoding="utf-8")
        return PolicyFile(parse_policy(text, str(name)))
    if path.suffix in (".yaml", ".yml") or path.exists():
        if not path.is_file():
            raise ConfigError(f"policy {path}: {'is no file' if path.exists() else 'there is no such file'}")
        data, lines = read_mapping(path)
        return PolicyFile(_policy(data, f"policy {path}"), path, _lines(data, lines))
    near = difflib.get_close_matches(str(name), known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {', '.join(known)}"
    raise ConfigError(f"no policy is named {str(name)!r}: {hint}")


def parse_policy(text: str, name: str) -> Policy:
    """A policy from YAML text.

    Raises:
        ConfigError: It is not YAML, or says what is not known or not possible.
    """
    try:
        data, _ = parsed(text)
    except YamlFault as fault:
        raise ConfigError(f"policy {name}: {fault}") from fault
    if not isinstance(data, dict):
        raise ConfigError(f"policy {name}: is not a mapping of names to values")
    return _policy(data, f"policy {name}")


def _policy(data: dict[str, Any], where: str) -> Policy:
    try:
        return Policy.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{where}: {told(error)}") from error


def _lines(data: dict[str, Any], lines: dict[Place, int]) -> dict[str, int]:
    found = {}
    for section in ("rules", "regressions", "grades"):
        for place, one in enumerate(data.get(section) or ()):
            found[str(one["id"])] = lines.get((section, place), 1)
    return found | ({"required": lines[("required",)]} if ("required",) in lines else {})
