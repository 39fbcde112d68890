"""The rules of archetypes, read from their data file and checked."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Literal

import msgspec
import yaml

FILE = "archetypes.yaml"

Kind = Literal["text", "image"]


class Input(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule may ask for."""

    title: str
    text: str


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One demand of a rule: an input is at least a limit, or below it."""

    input: str
    at_least: float | None = None
    below: float | None = None

    def __post_init__(self) -> None:
        if (self.at_least is None) == (self.below is None):
            raise ValueError(f"the condition on {self.input!r} needs one of 'at_least' and 'below'")

    @property
    def limit(self) -> float:
        """Where it turns."""
        return self.at_least if self.at_least is not None else self.below or 0.0


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An archetype: its name, what it means, and the conditions that all have to hold."""

    name: str
    title: str
    meaning: str
    rule: tuple[Condition, ...]


class Group(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The archetypes of models of one kind, the evaluations that their level is over, and the inputs that are printed.

    `context` names those of them that no rule reads.
    """

    modalities: tuple[str, ...]
    evaluations: tuple[str, ...]
    shown: tuple[str, ...]
    context: tuple[str, ...]
    archetypes: tuple[Rule, ...]


class Rules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All of the file."""

    version: int
    stable: float
    draws: int
    seed: int
    unmeasured_at_most: float
    inputs: dict[str, Input]
    text: Group
    image: Group

    def group(self, modality: str) -> Group:
        """The archetypes that models of a modality may be."""
        return self.image if modality in self.image.modalities else self.text


@cache
def rules() -> Rules:
    """The shipped rules.

    Raises:
        ValueError: A rule asks for an input that is not listed.
    """
    text = resources.files(__package__).joinpath(FILE).read_text(encoding="utf-8")
    found = msgspec.convert(yaml.safe_load(text), Rules)
    for group in (found.text, found.image):
        for one in group.archetypes:
            for condition in one.rule:
                if condition.input not in found.inputs:
                    raise ValueError(f"{FILE}: {one.name!r} asks for {condition.input!r}, which is no input; list it")
    return found


def in_words(condition: Condition, titles: dict[str, Input]) -> str:
    """A condition as it is printed."""
    name = titles[condition.input].title
    return (
        f"{name} at least {condition.limit:.0%}"
        if condition.at_least is not None
        else f"{name} below {condition.limit:.0%}"
    )


def as_table(kind: Kind) -> str:
    """The rules of a kind as a Markdown table, for docs/method/profile.md."""
    told = rules()
    group: Group = getattr(told, kind)
    lines = ["| archetype | rule: all of | what it means |", "|---|---|---|"]
    for one in group.archetypes:
        conditions = "; ".join(in_words(condition, told.inputs) for condition in one.rule)
        lines.append(f"| {one.title} | {conditions} | {one.meaning} |")
    return "\n".join(lines) + "\n"
