"""An attack's page, from its card and its parameters: for the docs, and for ``tocsin attack NAME --card``."""

from __future__ import annotations

import inspect
import re
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from tocsin.attacks.contract import Attack

_LONG = 120
"""Characters of a default that are shown."""
_NEEDS = {
    "attacker": "an attacker (`--role attacker=MODEL`)",
    "translator": "a translator (`--role translator=MODEL`)",
    "judge": "a judge in the loop (the small one that comes along unless the suite names another)",
}


def page(attack: Attack) -> str:
    """The page of an attack with its default parameters, as Markdown."""
    card = attack.card
    needs = "; ".join(_NEEDS.get(role, f"the extra `{role}`") for role in attack.needed) or "nothing but the target"
    needs += f"; or else {attack.mend}" if attack.mend and attack.needed else ""
    queries = "one query of the target" if attack.queries == 1 else f"at most {attack.queries:,} queries of the target"
    told = [f"# {attack.name}", "", _flat(attack.about().title), "", card.mechanism, ""]
    told += ["| | |", "|---|---|", f"| kind | {attack.kind} |", f"| family | {card.family} |"]
    told += [f"| paper | {_flat(card.paper)} |", f"| source | {_source(card.source)} |"]
    told += [f"| needs | {needs} |", f"| cost of a case | {queries} by default ({attack.cost}) |"]
    if fields := msgspec.structs.fields(attack):
        meant = _meanings(type(attack))
        told += ["", "## Parameters", "", "| parameter | default | meaning |", "|---|---|---|"]
        kinds = get_type_hints(type(attack), include_extras=True)
        told += [
            f"| `{f.name}` | {_default(f.default)} | {meant.get(f.name, '')}{_words(kinds[f.name])} |" for f in fields
        ]
    if card.parameters:
        told += ["", "In the paper:", "", *(f"- {name}: {_flat(value)}" for name, value in card.parameters.items())]
    for title, lines in (("Where it differs from the paper", card.deviations), ("What was verified", card.verified)):
        if lines:
            told += ["", f"## {title}", "", *(f"- {_flat(line)}" for line in lines)]
    if card.reported:
        told += ["", "## What the paper reports", ""]
        told += [
            f"{_flat(card.reported)} This is context, and no expectation: wording, models and judges are others here."
        ]
    return "\n".join(told) + "\n"


def _meanings(kind: type[Attack]) -> dict[str, str]:
    """Parameter → what the class's docstring says of it; bases are asked, too."""
    found: dict[str, str] = {}
    for cls in reversed(kind.__mro__):
        text = inspect.cleandoc(cls.__doc__ or "").partition("Attributes:")[2]
        for name, meaning in re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", text, re.MULTILINE):
            found[name] = _flat(meaning)
    return found


def _words(kind: Any) -> str:
    """The words that a parameter may be, where it is one of some, or a list of these."""
    while get_origin(kind) not in (None, Literal):
        kind = get_args(kind)[0]
    words = get_args(kind) if get_origin(kind) is Literal else ()
    return f" One of {', '.join(f'`{word}`' for word in words)}." if words else ""


def _default(value: object) -> str:
    if value is msgspec.NODEFAULT:
        return "required"
    said = ", ".join(map(str, value)) if isinstance(value, tuple | list) else str(value)
    said = " ".join(said.split())
    said = said if len(said) <= _LONG else f"{said[:_LONG]} …"
    return f"`{said}`" if said else "none"


def _source(source: str) -> str:
    number = source.removeprefix("arXiv:")
    return f"[{source}](https://arxiv.org/abs/{number})" if number != source else source


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("``", "`").replace("|", "\\|")
