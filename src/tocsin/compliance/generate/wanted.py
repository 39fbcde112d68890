"""What kind of set is to be drafted: for words or for images, in which language, and for the clauses of which framework."""

from __future__ import annotations

from typing import Literal

import msgspec

from tocsin.benchmarks.items import FORMATS, OPEN, Format
from tocsin.compliance.contract import Framework
from tocsin.compliance.generate.prompts import Task, hashed

Output = Literal["text", "image"]
_OF_TEXT: tuple[Task, ...] = (
    "rules", "open_basic", "open_jailbreak", "multiple_choice", "true_false", "check", "fit",
)  # fmt: skip
_OF_IMAGES: dict[Task, Task] = {
    "rules": "image_rules", "open_basic": "image_basic", "open_jailbreak": "image_jailbreak", "fit": "image_fit",
}  # fmt: skip


class Theme(msgspec.Struct, frozen=True):
    """A clause that rules can be sorted into."""

    id: str
    title: str
    text: str


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is drafted.

    Attributes:
        output: What the items ask the tested model for.
        language: BCP 47 code that the set will say.
        framework: The name of the framework, or its file beside the set; empty where the text's own parts are the clauses.
        clauses: Of that framework, those that a test of outputs can say something about.
    """

    output: Output = "text"
    language: str = ""
    framework: str = ""
    clauses: tuple[Theme, ...] = ()

    @property
    def formats(self) -> tuple[Format, ...]:
        """The formats that a rule has items of."""
        return OPEN if self.output == "image" else FORMATS

    def task(self, kind: Task) -> Task:
        """What the model is asked for one kind of work on a set for words."""
        found = _OF_IMAGES[kind] if self.output == "image" else kind
        if kind == "rules" and self.clauses:
            return "image_rules_by_clause" if self.output == "image" else "rules_by_clause"
        return found

    def hashes(self) -> dict[str, str]:
        """Every task that this set is made by, with the hash of its prompt."""
        tasks = (self.task(kind) for kind in (_OF_IMAGES if self.output == "image" else _OF_TEXT))
        return {task: hashed(task) for task in tasks}

    def told(self) -> str:
        """The clauses as a model reads them, a line each."""
        return "\n".join(f"{one.id}: {one.title}" + (f". {one.text}" if one.text else "") for one in self.clauses)

    def clause(self, said: str) -> Theme | None:
        """The clause that a model named by its id; None if there is none of that id."""
        plain = said.strip().casefold()
        return next((one for one in self.clauses if one.id.casefold() == plain), None)


def themes(framework: Framework) -> tuple[Theme, ...]:
    """The clauses of a framework that rules can be sorted into: without those that no test can say anything about."""
    return tuple(Theme(one.id, one.title, one.text) for one in framework.clauses if one.testable)
