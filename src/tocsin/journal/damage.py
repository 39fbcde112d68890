"""What a manifest lacks that nobody can read a run of models without: files come damaged, cut, and mended by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tocsin.journal.errors import JournalError

_MOST = 5
"""Faults that are named at most."""
_BENCHMARK = ("version", "modality", "demonstration", "own_metrics")
"""What each benchmark's entry has."""


def lacking(manifest: Mapping[str, Any]) -> list[str]:
    """What a manifest lacks, or has in another form than it is written in, by place; an empty list if it can be read.

    Args:
        manifest: The manifest of a run that assesses models.
    """
    return _short(list(_lacking(manifest)))


def check_cases(path: Path, manifest: Mapping[str, Any], db: sqlite3.Connection) -> None:
    """Whether a manifest says something of every benchmark of which the journal has cells.

    Args:
        path: The manifest.
        manifest: What it holds.
        db: The run's journal.

    Raises:
        JournalError: It does not; the message names the benchmarks.
    """
    rows = db.execute("SELECT DISTINCT s.benchmark FROM cells c JOIN cases s ON s.id = c.case_ref ORDER BY 1")
    if missing := [f"benchmarks.{name}" for (name,) in rows if name not in manifest["benchmarks"]]:
        raise JournalError(f"{path} is damaged: it lacks {', '.join(_short(missing))}, which the journal has cells of")


def _short(found: list[str]) -> list[str]:
    return [*found[:_MOST], *([f"and {len(found) - _MOST} things more"] if len(found) > _MOST else [])]


def _lacking(manifest: Mapping[str, Any]) -> Iterator[str]:
    if "demonstration" not in manifest:
        yield "demonstration"
    yield from _fields("suite", manifest["suite"], ("name", "version"))
    for name, about in _entries("benchmarks", manifest["benchmarks"]):
        yield from _fields(f"benchmarks.{name}", about, _BENCHMARK)
        dataset = about.get("dataset") if isinstance(about, Mapping) else None
        if dataset is not None and not isinstance(dataset, Mapping):
            yield f"benchmarks.{name}.dataset as an object"
        elif dataset:
            yield from _each(f"benchmarks.{name}.dataset.files", dataset.get("files", []), ("path", "sha256"))
    for name, judge in _entries("judges", manifest["judges"]):
        yield from _fields(f"judges.{name}", judge, ("identity",))
    for name, attack in _entries("attacks", manifest["attacks"]):
        yield from _fields(f"attacks.{name}", attack, ())
    for what in ("suite", "benchmarks", "judges", "attacks"):
        if not isinstance(manifest[what], Mapping):
            yield f"{what} as an object"
    yield from _each("targets", manifest["targets"], ("name",))
    yield from _each("sessions", manifest["sessions"], ("ending", "reason"))
    yield from _each("left_out", manifest.get("left_out", []), ("benchmark",))


def _entries(place: str, told: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(told, Mapping):
        yield from told.items()


def _fields(place: str, told: Any, names: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(told, Mapping):
        if "." in place:
            yield f"{place} as an object"
        return
    yield from (f"{place}.{name}" for name in names if name not in told)


def _each(place: str, told: Any, names: tuple[str, ...]) -> Iterator[str]:
    if not isinstance(told, list):
        yield f"{place} as a list"
        return
    for number, one in enumerate(told):
        yield from _fields(f"{place}.{number}", one, names)
