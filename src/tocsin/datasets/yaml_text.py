"""YAML that people write and others may have sent: text, lists and mappings, each with the line it begins on.

Every scalar stays text, so that no option called ``no`` becomes a truth value and no id ``1.10`` a number. A name that stands
twice in a mapping, which YAML readers commonly take silently, is a fault; so are anchors, with which a small file can
stand for a huge one.
"""

from __future__ import annotations

from collections.abc import Iterator
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
_FRAME = (yaml.StreamStartEvent, yaml.StreamEndEvent, yaml.DocumentStartEvent, yaml.DocumentEndEvent)
"""What is around a document, and nothing of it."""


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
        return _Reader(yaml.parse(text, Loader=_LOADER)).document()
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or str(error)
        raise YamlFault(
            f"is not YAML ({' '.join(str(problem).split())[:200]})", mark.line + 1 if mark else 0
        ) from error


class _Reader:
    """Builds what a text holds from the parser's events, one by one: the C composer has no limit, and a few kilobytes of
    brackets would end the interpreter.
    """

    def __init__(self, events: Iterator[Any]) -> None:
        self._events = (event for event in events if not isinstance(event, _FRAME))
        self._anchors: dict[str, int] = {}
        self._lines: dict[Place, int] = {}

    def document(self) -> tuple[Any, dict[Place, int]]:
        first = next(self._events, None)
        if first is None:
            return None, {}
        found = self._value(first, ())
        another = next(self._events, None)
        if another is not None:
            raise YamlFault("has more than one document (---)", another.start_mark.line + 1)
        return found, self._lines

    def _value(self, event: Any, path: Place) -> Any:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent):
            raise YamlFault(
                "has an anchor that is used again (*name): write it out", self._anchors.get(str(event.anchor), line)
            )
        if event.anchor:
            self._anchors[event.anchor] = line
        if len(path) > _DEEPEST:
            raise YamlFault("is nested too deeply", line)
        self._lines[path] = line
        if isinstance(event, yaml.ScalarEvent):
            return "" if not event.style and event.value in _NOTHING else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            listed: list[Any] = []
            while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
                listed.append(self._value(event, (*path, len(listed))))
            return listed
        found: dict[str, Any] = {}
        while not isinstance(key := next(self._events), yaml.MappingEndEvent):
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarEvent):
                raise YamlFault("has a name that is no text", line)
            if key.value in found:
                raise YamlFault(f"has {key.value[:40]!r} twice in one mapping", line)
            found[key.value] = self._value(next(self._events), (*path, key.value))
        return found
