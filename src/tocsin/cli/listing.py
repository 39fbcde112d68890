"""``tocsin list``."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tocsin.registry import About

HELP = "List what there is: models, benchmarks, attacks, judges, label sets, languages, frameworks, suites."


class What(StrEnum):
    """What can be listed."""

    MODELS = "models"
    BENCHMARKS = "benchmarks"
    ATTACKS = "attacks"
    JUDGES = "judges"
    LANGUAGES = "languages"
    FRAMEWORKS = "frameworks"
    LABELS = "labels"
    SUITES = "suites"


def command(
    what: Annotated[What, typer.Argument(help="What to list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Prints a listing."""
    from tocsin.api import listing

    found = listing(what.value)
    if as_json:
        typer.echo(json.dumps([_plain(about) for about in found], ensure_ascii=False, indent=1))
        return 0
    if not found:
        typer.echo(f"there are no {what.value} yet")
    width = max((len(about.name) for about in found), default=0)
    for about in found:
        needs = f"  [needs {', '.join(about.needs)}]" if about.needs else ""
        told = [f"{value} {name}" if value.isdigit() else value for name, value in about.tags.items()]
        tags = f"  ({', '.join(told)})" if told else ""
        typer.echo(f"{about.name:<{width}}  {about.title}{tags}{needs}")
    return 0


def _plain(about: About) -> dict[str, object]:
    return {
        "name": about.name,
        "title": about.title,
        "source": about.source,
        "needs": list(about.needs),
        "licence": about.licence,
        **about.tags,
    }
