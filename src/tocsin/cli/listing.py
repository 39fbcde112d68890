"""``tocsin list``."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from tocsin.cli.columns import columns
from tocsin.cli.errors import plain

if TYPE_CHECKING:
    from tocsin.registry import About

HELP = "List what there is: models, benchmarks, attacks, judges, label sets, languages, frameworks, suites, policies."


USUAL = "benchmark"
"""The evaluation of most benchmarks, which goes without saying."""


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
    POLICIES = "policies"


def command(
    what: Annotated[What, typer.Argument(help="What to list.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """Prints a listing."""
    from tocsin.api import listing, policies

    found = policies() if what is What.POLICIES else listing(what.value)
    if as_json:
        typer.echo(json.dumps([_plain(about) for about in found], ensure_ascii=False, indent=1))
        return 0
    if not found:
        typer.echo(f"there are no {what.value} yet")
    for line in columns(_languages(found) if what is What.LANGUAGES else map(_row, found)):
        typer.echo(line)
    return 0


def _row(about: About) -> tuple[str, str]:
    needs = f"  [needs {', '.join(about.needs)}]" if about.needs else ""
    told = [f"{value} {name}" if value.isdigit() else value for name, value in about.tags.items() if value != USUAL]
    tags = f"  ({', '.join(told)})" if told else ""
    return plain(about.name), plain(f"{about.title}{tags}{needs}")


def _languages(found: list[About]) -> list[tuple[str, ...]]:
    """Native names stand last, where neither their width nor their direction moves anything."""
    rows = [(one.name, one.title, one.tags["script"], one.tags["resources"], one.tags["native"]) for one in found]
    return [("code", "name", "script", "level", "native name"), *rows]


def _plain(about: About) -> dict[str, object]:
    return {
        "name": about.name,
        "title": about.title,
        "source": about.source,
        "needs": list(about.needs),
        "licence": about.licence,
        **about.tags,
    }
