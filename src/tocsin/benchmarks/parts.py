"""The texts of a case, part by part: what a translator is given, and a case put together from what came back."""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from tocsin.types import Case, Option

PROMPT, SYSTEM = "prompt", "system"
Piece = tuple[str, str | None]
"""A stretch of a prompt, and the label of the option that stands there; None for text, empty for what stays as it is."""


def turn(number: int) -> str:
    """The name of a turn of the case's history, from 1."""
    return f"turn {number}"


def option(label: str) -> str:
    """The name of an option's text."""
    return f"option {label}"


def parts(case: Case) -> dict[str, str]:
    """Name → text of everything a case says, in the order a reader wants it.

    An option that is its own label (yes, safe, B) is no text to be translated: what answers are held against stays.
    """
    found = {SYSTEM: case.system or ""}
    found |= {turn(number): message.text for number, message in enumerate(case.history, 1)}
    found[PROMPT] = case.prompt
    found |= {option(one.label): one.text for one in case.options if one.text != one.label}
    return {name: text for name, text in found.items() if text.strip()}


def with_parts(case: Case, texts: Mapping[str, str]) -> Case:
    """The case with other texts. Images, labels and what a safe answer is stay."""
    return replace(
        case,
        system=texts.get(SYSTEM, case.system),
        history=tuple(
            replace(message, text=texts.get(turn(number), message.text))
            for number, message in enumerate(case.history, 1)
        ),
        prompt=texts.get(PROMPT, case.prompt),
        options=tuple(Option(one.label, texts.get(option(one.label), one.text)) for one in case.options),
    )


def pieces(case: Case) -> list[Piece]:
    """The prompt, cut where it lists its options, so that an option reads the same in both places.

    An option is listed where a line has its label, marks and its text. Prompts that list none are one piece.
    """
    listed = {one.label: one.text for one in case.options if one.text != one.label and one.text.strip()}
    if not listed:
        return [(case.prompt, None)]
    either = "|".join(
        rf"(?P<head{i}>^[^\w\n]*{re.escape(label)}[^\w\n]+)(?P<text{i}>{re.escape(text)})(?=[ \t]*$)"
        for i, (label, text) in enumerate(listed.items())
    )
    labels, found, at = list(listed), list[Piece](), 0
    for match in re.finditer(either, case.prompt, re.MULTILINE):
        which = next(i for i in range(len(labels)) if match[f"head{i}"] is not None)
        if between := case.prompt[at : match.start()]:
            found.append((between, None))
        found += [(match[f"head{which}"], ""), (match[f"text{which}"], labels[which])]
        at = match.end()
    if rest := case.prompt[at:]:
        found.append((rest, None))
    return found


def lists_options(case: Case) -> bool:
    """Whether the prompt lists options as `pieces` finds them."""
    return any(label for _, label in pieces(case))
