"""YAML that people write and others may have sent: text, lists and mappings, each with the line it begins on.

Every scalar stays text, so that no option called ``no`` becomes a truth value and no id ``1.10`` a number. A name that stands
twice in a mapping, which YAML readers commonly take silently, is a fault; so are anchors, with which a small file can
stand for a huge one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tocsin.datasets.encoding import decoded
from tocsin.models.config import ConfigError

Place = tuple[str | int, ...]
_MAX_BYTES = 2**25
_DEEPEST = 20
_NOTHING = ("~", "null", "Null", "NULL")
"""What stands for nothing where it has no quotes; here nothing is an empty text."""
_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class YamlFault(ValueError):
    """A text is not YAML of this kind. `line` counts from 1; 0 where no line can be named."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {problem}" if line else problem)
        self.problem, self.line = problem, line


def read_mapping(path: Path) -> tuple[dict[str, Any], dict[Place, int]]:
    """What a YAML file holds, which has to be a mapping, and the line of each part by its place.

    Raises:
        ConfigError: It cannot be read, is not UTF-8, or holds something else; the message names the file, and the line.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    if len(raw) > _MAX_BYTES:
        raise ConfigError(f"{path}: is larger than {_MAX_BYTES // 2**20} MiB: divide it")
    try:
        data, lines = parsed(decoded(raw, str(path)))
    except YamlFault as fault:
        raise ConfigError(f"{path}: {fault}") from fault
    if not isinstance(data, dict):
        raise ConfigError(f"{path}: is not a mapping of names to values")
    return data, lines


def parsed(text: str) -> tuple[Any, dict[Place, int]]:
    """What a YAML text holds, and the line of each part by its path.

    Raises:
        YamlFault: It is not YAML, or has anchors, names that stand twice or are no text, or is nested too deeply.
    """
    try:
        node = yaml.compose(text, Loader=_LOADER)
    except RecursionError:
        raise YamlFault("is nested too deeply") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise YamlFault(
            f"is not YAML ({' '.join(str(problem).split())[:200]})", mark.line + 1 if mark else 0
        ) from error
    lines: dict[Place, int] = {}
    return (None if node is None else _plain(node, (), lines, set())), lines


def _plain(node: Any, path: Place, lines: dict[Place, int], seen: set[int]) -> Any:
    line = lines[path] = node.start_mark.line + 1
    if id(node) in seen:
        raise YamlFault("has an anchor that is used again (*name): write it out", line)
    seen.add(id(node))
    if len(path) > _DEEPEST:
        raise YamlFault("is nested too deeply", line)
    if isinstance(node, yaml.ScalarNode):
        return "" if not node.style and node.value in _NOTHING else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, (*path, number), lines, seen) for number, one in enumerate(node.value)]
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise YamlFault("has a name that is no text", key.start_mark.line + 1)
        if key.value in found:
            raise YamlFault(f"has {key.value[:40]!r} twice in one mapping", key.start_mark.line + 1)
        found[key.value] = _plain(value, (*path, key.value), lines, seen)
    return found
