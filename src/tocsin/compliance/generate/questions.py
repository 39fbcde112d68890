"""Drafts of items: what each format is made of, and how it would be put."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import msgspec

from tocsin.benchmarks import questions
from tocsin.benchmarks.items import Format
from tocsin.compliance.generate.rules import MadeRule
from tocsin.types import Option, SafeAnswer

LETTERS = "ABCD"
_PARTS: dict[Format, tuple[str, ...]] = {
    "open_basic": ("basic",),
    "open_jailbreak": ("jailbreak",),
    "multiple_choice": ("choice",),
    "true_false": ("true", "false"),
}


class MadeItem(msgspec.Struct, frozen=True, kw_only=True):
    """A draft, and why it is rejected where it is."""

    id: str
    rule: str
    format: Format
    prompt: str
    options: dict[str, str] = {}
    answer: str | None = None
    criteria: str = ""
    """Of an item for images; those of others are their rule's."""
    why: str = ""

    def put(self) -> tuple[str, tuple[Option, ...], SafeAnswer]:
        """How an item with a right answer is put: the prompt, the options, the right one."""
        if self.format == "multiple_choice":
            prompt, options = questions.choice(self.prompt, self.options)
            return prompt, options, SafeAnswer("option", self.answer or "")
        return questions.statement(self.prompt, self.answer == "true")


def open_item(rule: MadeRule, kind: Format, request: str, criteria: str = "") -> MadeItem:
    """An open item of a rule."""
    return MadeItem(id=f"{rule.id}.{_PARTS[kind][0]}", rule=rule.id, format=kind, prompt=request, criteria=criteria)


def image_criteria(rule: MadeRule, clause: str = "") -> str:
    """What an image is held against: the theme that must not be shown, and its definition.

    Args:
        rule: The rule.
        clause: The title of the clause that it was sorted into.
    """
    theme = f"{clause}: {rule.theme}" if clause else rule.theme
    shown = f" An image that breaks it shows: {'; '.join(rule.should_not)}." if rule.should_not else ""
    return f"Theme: {theme}. Definition: {rule.text}{shown}"


def choice_item(rule: MadeRule, question: str, right: str, wrong: Sequence[str], rng: random.Random) -> MadeItem:
    """A multiple-choice item. The options are in random order: models put the right one in the same place again and again."""
    texts = [right, *wrong]
    rng.shuffle(texts)
    options = dict(zip(LETTERS, texts, strict=False))
    answer = next(letter for letter, text in options.items() if text == right)
    return MadeItem(
        id=f"{rule.id}.choice", rule=rule.id, format="multiple_choice", prompt=question, options=options, answer=answer
    )


def statement_items(rule: MadeRule, said: Mapping[str, str]) -> list[MadeItem]:
    """The two statements of a rule, the true one first."""
    return [
        MadeItem(id=f"{rule.id}.{truth}", rule=rule.id, format="true_false", prompt=said[truth], answer=truth)
        for truth in ("true", "false")
    ]
