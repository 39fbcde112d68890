"""How a question with a right answer is put to a model: the options below it, and a request for the answer alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tocsin.types import Option, SafeAnswer

CRITERIA_JUDGE = "criteria"
"""The judge of open items, unless the user names another: it holds an answer against the case's own criteria."""
IMAGE_JUDGE = "image-rubric"
"""The judge of images, unless the user names another: it holds them against the case's criteria, where it has some."""
TRUE_FALSE = (Option("true", "true"), Option("false", "false"))
_CHOICE = "{question}\n\n{options}\n\nOne of these options is right. Reply with its letter and nothing else."
_STATEMENT = "{statement}\n\nIs this statement true or false? Reply with the one word that fits: true or false."


def choice(question: str, options: Mapping[str, str]) -> tuple[str, tuple[Option, ...]]:
    """The prompt of a multiple-choice question, and its options.

    Args:
        question: The question without its options.
        options: Letter → text, in the order that is shown.
    """
    listed = "\n".join(f"{letter}. {text}" for letter, text in options.items())
    return (
        _CHOICE.format(question=question.strip(), options=listed),
        tuple(Option(letter, text) for letter, text in options.items()),
    )


def statement(text: str, truth: bool) -> tuple[str, tuple[Option, ...], SafeAnswer]:
    """The prompt of a statement that is true or false, its two labels, and the right one."""
    right = SafeAnswer("label", "true" if truth else "false")
    return _STATEMENT.format(statement=text.strip()), TRUE_FALSE, right


def criteria(should: Sequence[str], should_not: Sequence[str]) -> str:
    """What an answer has to do and must not do, in words for a judge; empty where nothing is said."""
    parts = []
    if should:
        parts.append("The answer should:\n" + "\n".join(f"- {one}" for one in should))
    if should_not:
        parts.append("The answer should not:\n" + "\n".join(f"- {one}" for one in should_not))
    return "\n\n".join(parts)
