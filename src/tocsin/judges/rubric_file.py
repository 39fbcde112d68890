"""Rubrics: what a judge that is a model is asked to decide, and how a score follows, as YAML. Data, never executed."""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Mapping
from hashlib import sha256
from importlib import resources
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from tocsin.judges.shown import read_file
from tocsin.models.config import told

TICKET = "ticket"
"""The key by which a reply shows that it was written for this request; no field may have this name."""

Scale = Literal["harm", "refusal"]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RubricField(_Written):
    """One thing that the reply has to say."""

    type: Literal["boolean", "integer", "number", "text"]
    asks: str = Field(min_length=1, max_length=500)
    least: float | None = None
    most: float | None = None
    one_of: tuple[float, ...] = ()
    longest: int = Field(default=2_000, ge=1, description="characters of a text at most")

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if self.type in ("integer", "number"):
            ranged = self.least is not None and self.most is not None and self.least < self.most
            if ranged == bool(self.one_of) or len(set(self.one_of)) == 1:
                raise ValueError("a number needs either least and most, or one_of with several values")
        elif self.least is not None or self.most is not None or self.one_of:
            raise ValueError(f"a {self.type} has no least, most or one_of")
        return self

    @property
    def span(self) -> tuple[float, float]:
        """The least and the greatest value; 0 and 1 for a boolean."""
        if self.type == "boolean":
            return 0.0, 1.0
        if self.one_of:
            return min(self.one_of), max(self.one_of)
        assert self.least is not None
        assert self.most is not None
        return self.least, self.most


class PromptsEntry(_Written):
    """Where a file with a prompt for each category has what."""

    category: str
    text: str
    request: str = Field(min_length=3)
    answer: str = Field(min_length=3)
    until: str = ""
    tag: str
    known: dict[str, Scale] = Field(default_factory=dict)


class RubricFile(_Written):
    """A rubric.

    Attributes:
        score: Fields whose values, each brought from its span to [0, 1], have the score for their mean.
        zero_if: A boolean field that makes the score 0.
        threshold: The score from which on an answer is unsafe.
        refused: The boolean field that says whether the answer refuses, where there is one.
        confidence: The field that says how sure the judge is, where there is one.
        never_both: Boolean fields that contradict each other; a reply in which both hold is none.
        prompts: Where the criteria stand in another's file, one for each category.
        criteria: Whether an answer is held against the criteria of its own case. Such a rubric reads no other cases.
        invalid: The boolean field that says whether the answer shows that the request was not understood, where there is one.
        reads: The kinds of safe answer whose cases it reads; ``refuse`` and ``comply`` if empty. With ``criteria`` among them, it
            has its own measure for such cases, and is not shown theirs.
    """

    name: str = Field(pattern=r"^[a-z0-9]+(?:[-.][a-z0-9]+)*$")
    title: str = ""
    version: int = Field(ge=1)
    source: str = ""
    instructions: str = Field(min_length=20, max_length=50_000)
    fields: dict[str, RubricField]
    score: tuple[str, ...] = Field(min_length=1)
    zero_if: str = ""
    threshold: float = Field(gt=0, le=1)
    refused: str = ""
    confidence: str = ""
    never_both: tuple[str, ...] = ()
    prompts: PromptsEntry | None = None
    criteria: bool = False
    invalid: str = ""
    reads: tuple[Literal["refuse", "comply", "criteria"], ...] = ()

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        kinds = {name: field.type for name, field in self.fields.items()}
        for name in kinds:
            if name == TICKET or not name.isidentifier() or not name.isascii():
                raise ValueError(f"a field cannot be named {name!r}")
        wanted = {
            "score": (self.score, {"boolean", "integer", "number"}),
            "zero_if": ((self.zero_if,), {"boolean"}),
            "refused": ((self.refused,), {"boolean"}),
            "confidence": ((self.confidence,), {"integer", "number"}),
            "invalid": ((self.invalid,), {"boolean"}),
            "never_both": (self.never_both, {"boolean"}),
        }
        for role, (names, allowed) in wanted.items():
            for name in filter(None, names):
                if kinds.get(name) not in allowed:
                    raise ValueError(f"{role}: {name!r} is no field of type {' or '.join(sorted(allowed))}")
        if len(self.never_both) == 1:
            raise ValueError("never_both: names two fields or none")
        if self.criteria and self.prompts is not None:
            raise ValueError("criteria and prompts: the criteria stand in one place, the case or another's file")
        if self.criteria and self.reads:
            raise ValueError("criteria and reads: a rubric that is shown the criteria of cases reads no others")
        return self

    def score_of(self, values: Mapping[str, Any]) -> float:
        """The score in [0, 1] of a reply's values."""
        if self.zero_if and values[self.zero_if]:
            return 0.0
        return sum(map(self._part, self.score, (values[name] for name in self.score))) / len(self.score)

    def confidence_of(self, values: Mapping[str, Any]) -> float | None:
        """How sure the judge is, in [0, 1]; None where the rubric does not ask."""
        return self._part(self.confidence, values[self.confidence]) if self.confidence else None

    def _part(self, name: str, value: float) -> float:
        least, most = self.fields[name].span
        return (float(value) - least) / (most - least)


def rubric_names() -> list[str]:
    """The rubrics that ship with tocsin."""
    folder = resources.files("tocsin.judges") / "rubrics"
    return sorted(entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def read_rubric(name: str) -> RubricFile:
    """A rubric by name, or by the path of a YAML file.

    Raises:
        ValueError: There is none, or it cannot be read; the message names the place and the mend.
    """
    if name in rubric_names():
        return _shipped(name)
    if name.endswith((".yaml", ".yml")) or Path(name).is_file():
        return parse_rubric(read_file(name, "rubric"), name)
    near = difflib.get_close_matches(name, rubric_names(), n=3, cutoff=0.5) or rubric_names()
    raise ValueError(f"no rubric is named {name!r}: there are {', '.join(near)}, or the path of a .yaml file")


@functools.cache
def _shipped(name: str) -> RubricFile:
    text = (resources.files("tocsin.judges") / "rubrics" / f"{name}.yaml").read_text(encoding="utf-8")
    return parse_rubric(text, name)


def parse_rubric(text: str, name: str) -> RubricFile:
    """A rubric from YAML text.

    Raises:
        ValueError: It is not YAML, or no rubric.
    """
    try:
        data = yaml.safe_load(text)
        if not isinstance(data, dict):
            raise ValueError(f"rubric {name!r}: is not a mapping of names to values")
        return RubricFile.model_validate(data)
    except RecursionError as error:
        raise ValueError(f"rubric {name!r}: is nested too deeply") from error
    except yaml.YAMLError as error:
        raise ValueError(f"rubric {name!r}: is not YAML ({' '.join(str(error).split())[:200]})") from error
    except ValidationError as error:
        raise ValueError(f"rubric {name!r}: {told(error)}") from error


class Prompts:
    """Criteria for each category, from somebody else's file.

    Attributes:
        digest: Hash of what the file says, whatever the order of its rows and its other fields.
    """

    def __init__(self, path: str, entry: PromptsEntry) -> None:
        self.entry, self._texts = entry, dict[str, str]()
        for number, line in enumerate(read_file(path, "prompts").split("\n"), 1):
            if line.strip():
                category, text = self._row(line, f"{Path(path).name}, line {number}")
                if self._texts.setdefault(category, text) != text:
                    raise ValueError(f"{Path(path).name}, line {number}: the category has a prompt already")
        if not self._texts:
            raise ValueError(f"prompts {path} hold no row")
        self.digest = sha256(json.dumps(sorted(self._texts.items())).encode()).hexdigest()

    def _row(self, line: str, place: str) -> tuple[str, str]:
        try:
            row = json.loads(line)
            category, text = row[self.entry.category], row[self.entry.text]
        except (ValueError, RecursionError, LookupError, TypeError) as error:
            names = f"{self.entry.category!r} and {self.entry.text!r}"
            raise ValueError(f"{place}: is no JSON object with {names}") from error
        if not isinstance(category, str) or not isinstance(text, str):
            raise ValueError(f"{place}: category and prompt must be texts")
        for mark in (self.entry.request, self.entry.answer):
            if text.count(mark) != 1:
                raise ValueError(f"{place}: the prompt has {mark} {text.count(mark)} times; it must stand there once")
        return category, text

    def of(self, category: str) -> str | None:
        """The criteria of a category without what they say of another form of reply; None if there are none."""
        text = self._texts.get(category)
        if text is not None and self.entry.until in text and self.entry.until:
            text = text[: text.rfind("\n", 0, text.index(self.entry.until)) + 1]
        return text
