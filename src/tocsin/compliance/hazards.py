"""Canonical hazards: one vocabulary for the categories of all benchmarks, and for what clauses are about.

They stand in ``hazards.yaml`` with a map for each benchmark: its own category → canonical hazards, or why none.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import msgspec
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from tocsin.datasets.yaml_text import read_mapping
from tocsin.models.config import ConfigError, told


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """A canonical hazard.

    Attributes:
        id: What clauses, and benchmarks of your own, call it.
        title: For people.
        text: What it covers, in one line.
        untested: Why tocsin runs no test about it; empty where it may.
    """

    id: str
    title: str
    text: str
    untested: str = ""


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class HazardEntry(_Written):
    """One canonical hazard as the file says it."""

    title: str = Field(min_length=1)
    text: str = Field(min_length=1)
    untested: str = ""


class Nothing(_Written):
    """A category that is evidence for no clause, and why."""

    none: str = Field(min_length=1)


def _is_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Ids = Annotated[tuple[str, ...], Field(min_length=1), BeforeValidator(_is_list)]


class HazardsFile(_Written):
    """The whole file."""

    hazards: dict[Annotated[str, Field(pattern=r"^[a-z]+(?:_[a-z]+)*$")], HazardEntry]
    benchmarks: dict[str, dict[str, Ids | Nothing]]
    same: dict[str, str] = Field(default={}, description="benchmark → another whose categories it has")

    @model_validator(mode="after")
    def _names_what_there_is(self) -> HazardsFile:
        may = {name: one for name, one in self.hazards.items() if not one.untested}
        for benchmark, other in self.same.items():
            if benchmark in self.benchmarks or other not in self.benchmarks:
                raise ValueError(f"same.{benchmark}: it has a map of its own, or {other!r} has none")
        for benchmark, categories in self.benchmarks.items():
            for category, means in categories.items():
                for name in means if isinstance(means, tuple) else ():
                    if name not in may:
                        raise ValueError(f"benchmarks.{benchmark}.{category}: {not_known(name, may)}")
        return self


def not_known(name: str, known: Iterable[str]) -> str:
    """Says that no canonical hazard has that name, with the nearest, or all, that there are."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are: {', '.join(known)}"
    return f"no hazard is named {name!r}: {hint}"


def read_hazards(path: Path) -> tuple[dict[str, Hazard], dict[str, dict[str, tuple[str, ...] | str]]]:
    """The canonical hazards of a file, and for each benchmark its category → their ids, or the reason for none.

    Raises:
        ConfigError: The file cannot be used; the message says what and where.
    """
    try:
        written = HazardsFile.model_validate(read_mapping(path)[0])
    except ValidationError as error:
        raise ConfigError(f"{path}: {told(error)}") from error
    maps = {
        benchmark: {
            category: means if isinstance(means, tuple) else means.none for category, means in categories.items()
        }
        for benchmark, categories in written.benchmarks.items()
    }
    return (
        {name: Hazard(id=name, **entry.model_dump()) for name, entry in written.hazards.items()},
        maps | {benchmark: maps[other] for benchmark, other in written.same.items()},
    )


@cache
def _file() -> tuple[dict[str, Hazard], dict[str, dict[str, tuple[str, ...] | str]]]:
    return read_hazards(Path(str(resources.files("tocsin.compliance") / "hazards.yaml")))


def hazards() -> Mapping[str, Hazard]:
    """Every canonical hazard by its id."""
    return _file()[0]


def usable() -> frozenset[str]:
    """The ids of those that can be evidence: all that tocsin may test."""
    return frozenset(name for name, one in hazards().items() if not one.untested)


def mapped() -> Mapping[str, Mapping[str, tuple[str, ...] | str]]:
    """Benchmark → its own category → canonical ids, or the reason why there are none."""
    return _file()[1]


def canonical(benchmark: str, hazard: str) -> tuple[str, ...]:
    """The canonical hazards of a benchmark's own category; empty where it is evidence for no clause.

    A benchmark that has no map, such as your own, may use canonical ids for its categories. What tocsin never tests is
    canonical for nobody.

    Args:
        benchmark: The benchmark's name.
        hazard: The category, as in `Case.hazard`.
    """
    if (categories := mapped().get(benchmark)) is None:
        return (hazard,) if hazard in usable() else ()
    means = categories.get(hazard, ())
    return means if isinstance(means, tuple) else ()
