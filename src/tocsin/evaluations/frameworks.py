"""The frameworks of a run as its manifest keeps them: who reads its results needs no file that has since moved or changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tocsin.compliance.contract import Framework
from tocsin.compliance.framework import ENDINGS
from tocsin.compliance.framework import find as find_framework


class Known(msgspec.Struct, frozen=True):
    """A framework, and the file it is of."""

    framework: Framework
    file: str = ""
    """The resolved path of a user's own; empty for one that is registered. Two files of one name are two frameworks."""

    def is_same(self, other: Known) -> bool:
        """Whether it is the same regulation: of one file, whatever has become of it, or with the same content."""
        same_file = bool(self.file) and self.file == other.file
        registered = not self.file and not other.file and self.framework.name == other.framework.name
        return same_file or registered or self.framework.identity == other.framework.identity


def kept(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """For the manifest: each framework under the name by which the run calls it, with all that it says.

    Args:
        names: Frameworks, by name or by the path of a file.

    Raises:
        UnknownName, ConfigError: One is not there, or its file cannot be used.
    """
    return {name: msgspec.to_builtins(_read(name)) for name in dict.fromkeys(names)}


def of_run(manifest: Mapping[str, Any], named: Sequence[str] = ()) -> list[Known]:
    """The frameworks whose clauses are reported: those named, else the suite's, else those of the item sets of the run.

    Raises:
        UnknownName, ConfigError: One that the manifest does not keep is not there, or its file cannot be used.
    """
    said = named or (manifest.get("suite", {}).get("compliance") or {}).get("frameworks") or ()
    items = [about.get("framework") for about in manifest["benchmarks"].values()]
    found: list[Known] = []
    for name in said or filter(None, items):
        one = _named(manifest, name) if named else known(manifest, name)
        if not any(one.is_same(other) for other in found):
            found.append(one)
    return found


def known(manifest: Mapping[str, Any], name: str) -> Known:
    """A framework as the run was planned with it; of manifests that do not keep it, what stands there now."""
    told = manifest.get("frameworks", {}).get(name)
    return _read(name) if told is None else msgspec.convert(told, Known)


def sets_of(manifest: Mapping[str, Any], one: Known) -> set[str]:
    """The item sets of a run that were written for a framework."""
    written = {name: about["framework"] for name, about in manifest["benchmarks"].items() if about.get("framework")}
    keeps = manifest.get("frameworks", {})
    alike = {name for name in written.values() if plain(name) == one.framework.name}
    found = set()
    for benchmark, name in written.items():
        if name in keeps:
            mine = known(manifest, name).is_same(one)
        else:  # manifests of earlier versions name it alone, and the file may have moved
            mine = name in alike and (len(alike) == 1 or str(_path(name)) == one.file)
        if mine:
            found.add(benchmark)
    return found


def plain(name: str) -> str:
    """The name of a framework that may be named by the path of its file."""
    return Path(name).stem if name.endswith(ENDINGS) else name


def _named(manifest: Mapping[str, Any], name: str) -> Known:
    """One that a reader names now: the run's own where it is one of those, by its path from wherever he stands."""
    keeps = manifest.get("frameworks", {})
    file = str(_path(name)) if name.endswith(ENDINGS) else ""
    for key, told in keeps.items():
        if (told["file"] == file) if file else (key == name):
            return known(manifest, key)
    if name in keeps and not Path(file).exists():
        return known(manifest, name)
    return _read(name)


def _read(name: str) -> Known:
    return Known(find_framework(name), str(_path(name)) if name.endswith(ENDINGS) else "")


def _path(name: str) -> Path:
    return Path(name).expanduser().resolve()
