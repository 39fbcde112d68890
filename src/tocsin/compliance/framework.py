"""Frameworks that are read from YAML: those that ship, those of other packages, and a user's own by its path.

The file's name without its ending is the framework's name.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from tocsin import registry
from tocsin.attacks.contract import FAMILIES
from tocsin.compliance.contract import LEVEL, Clause, Framework, FrameworkKind, Status
from tocsin.compliance.hazards import hazards, not_known, usable
from tocsin.datasets.yaml_text import read_mapping
from tocsin.models.config import ConfigError, told

__all__ = ["Clause", "Framework", "find", "read_framework", "register_file"]

ENDINGS = (".yaml", ".yml")
LONGEST = 399
"""Characters that the text of a clause may have: it says what is asked, and does not quote it."""
_DAY = re.compile(r"[0-9]{4}(?:-[0-9]{2}){0,2}")


def _is_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _day(value: str) -> str:
    """A day, a month or a year that there is."""
    try:
        date.fromisoformat(value + "0000-01-01"[len(value) :] if _DAY.fullmatch(value) else "")
    except ValueError:
        raise ValueError("is no date: write 2024-07-26, or 2024-07 or 2024 where no more is known") from None
    return value


Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_is_list)]
"""A list of words, or one alone."""
Day = Annotated[str, AfterValidator(_day)]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class ClauseEntry(_Written):
    """One clause as the file says it."""

    id: str = Field(description="lower case, digits, '.' and '-'")
    ref: str = Field(default="", description="the official number, as it is cited; the id if absent")
    title: str = Field(min_length=1)
    text: str = Field(default="", max_length=LONGEST, description="what it asks for, in your own words")
    group: str = Field(default="", description="the heading it stands under")
    status: Status | None = Field(default=None, description="the framework's, if absent")
    hazards: Words = Field(default=(), description="canonical hazards that are related evidence")
    dimensions: Words = Field(default=(), description="dimensions of the items that were written for it")
    attacks: Words = Field(default=(), description="families of attacks that are related evidence")
    testable: bool = True
    why: str = Field(default="", description="why no test can say anything, where none can")

    @field_validator("id")
    @classmethod
    def _is_an_id(cls, value: str) -> str:
        if not registry.NAME.fullmatch(value):
            raise ValueError(f"{value!r} should be lower case, digits, '.' and '-', as 'art.5-1-a'")
        return value

    @model_validator(mode="after")
    def _names_what_there_is(self) -> Self:
        for name in self.hazards:
            if (one := hazards().get(name)) is not None and one.untested:
                raise ValueError(f"clause {self.id!r}: hazard {name!r} cannot be evidence ({one.untested})")
            if one is None:
                raise ValueError(f"clause {self.id!r}: {not_known(name, usable())}")
        for name in self.attacks:
            if name not in FAMILIES:
                near = difflib.get_close_matches(name, FAMILIES, n=1, cutoff=0.5)
                hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(FAMILIES)}"
                raise ValueError(f"clause {self.id!r}: no family of attacks is named {name!r}: {hint}")
        return self

    @model_validator(mode="after")
    def _is_testable_or_says_why_not(self) -> Self:
        evidence = [name for name in ("hazards", "dimensions", "attacks") if getattr(self, name)]
        if not self.testable and not self.why:
            raise ValueError(f"clause {self.id!r}: testable is false, so 'why' has to say why")
        if not self.testable and evidence:
            raise ValueError(f"clause {self.id!r}: testable is false, so it can have no {' and no '.join(evidence)}")
        if self.testable and self.why:
            raise ValueError(f"clause {self.id!r}: 'why' is for clauses with testable: false")
        return self

    def record(self, status: Status) -> Clause:
        """As the rest of tocsin takes it."""
        return Clause(**self.model_dump() | {"status": self.status or status, "ref": self.ref or self.id})


class FrameworkFile(_Written):
    """A framework as a file says it."""

    title: str = Field(min_length=3, max_length=200)
    jurisdiction: str = Field(default="not said", min_length=1, description="where it holds")
    kind: FrameworkKind = "guideline"
    version: str = Field(default="not said", min_length=1, description="of the official text, as its authority counts")
    date: Day = Field(default="", description="when that version was published")
    in_force: Day | None = Field(default=None, description="the day it began to apply")
    source: str = Field(default="", description="link to the official text; of a text of your own, where it is")
    status: Status = Field(default="secondary", description="how the list of clauses was checked")
    notes: Words = Field(default=(), description="known gaps, and what was decided")
    clauses: tuple[ClauseEntry, ...] = Field(description="in the order of the text")

    @model_validator(mode="after")
    def _was_held_against_something(self) -> Self:
        if not self.source and "verified" in (self.status, *(clause.status for clause in self.clauses)):
            raise ValueError(
                "status 'verified' says that clauses were held against the official text: add its link as source"
            )
        return self

    @field_validator("clauses")
    @classmethod
    def _has_each_clause_once(cls, clauses: tuple[ClauseEntry, ...]) -> tuple[ClauseEntry, ...]:
        if not clauses:
            raise ValueError("is empty, and a framework has at least one clause")
        if twice := [name for name, count in Counter(clause.id for clause in clauses).items() if count > 1]:
            raise ValueError(f"the id {twice[0]!r} stands more than once")
        owners: dict[str, str] = {}
        for clause in clauses:
            for dimension in clause.dimensions:
                if dimension in owners:
                    raise ValueError(
                        f"dimension {dimension!r} is claimed by {owners[dimension]!r} and by {clause.id!r}: "
                        "an item belongs to one clause"
                    )
                if not all(level.strip() == level != "" for level in dimension.split(LEVEL)):
                    raise ValueError(f"dimension {dimension!r} of {clause.id!r} should be 'A{LEVEL}B'")
                owners[dimension] = clause.id
        return clauses


def register_file(path: str) -> None:
    """Registers a framework of a file, under the file's name. Other packages call it, too, in the module of their entry point.

    Raises:
        ConfigError: The file cannot be used.
        ValueError: There is a framework of that name from another file.
    """
    made = read_framework(Path(path))
    there = SimpleNamespace(__module__="", __qualname__=str(path))
    registry.register("framework", made.name, made_of=there)(made)


def find(name: str) -> Framework:
    """A framework by name, or a user's own by the path of its YAML file.

    Raises:
        UnknownName: There is none of that name; the nearest are suggested.
        ConfigError: The file cannot be used, or has the name of another framework.
    """
    if name.endswith(ENDINGS):
        path = Path(name).expanduser()
        if path.stem in registry.names("framework"):
            raise ConfigError(f"{path}: a framework of that name is known already: name that, or rename the file")
        return read_framework(path)
    found: Framework = registry.find("framework", name)
    return found


def read_framework(path: Path) -> Framework:
    """The framework that a YAML file describes.

    Raises:
        ConfigError: The file cannot be read, is not YAML, or holds what is not known; the message says what and where.
    """
    if not registry.NAME.fullmatch(path.stem):
        raise ConfigError(
            f"{path}: the file's name is the framework's: lower case, digits and hyphens, as 'house-rules.yaml'"
        )
    hazards()  # a fault of that file is none of this one's
    try:
        written = FrameworkFile.model_validate(read_mapping(path)[0])
    except ValidationError as error:
        raise ConfigError(f"{path}: {told(error)}") from error
    clauses = tuple(clause.record(written.status) for clause in written.clauses)
    return Framework(name=path.stem, **written.model_dump(exclude={"clauses"}), clauses=clauses)
