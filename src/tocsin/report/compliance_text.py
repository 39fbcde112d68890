"""The evidence for clauses as Markdown and as CSV. Names come from files and models and are hostile."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from tocsin.evaluations.compliance import KINDS, STANDINGS
from tocsin.report import clean, words
from tocsin.report.clean import markdown
from tocsin.report.compliance import (
    CHECKED,
    KIND,
    MARKS,
    NO_TEST,
    STANDING,
    apart,
    by_format,
    counts,
    edition,
    formats_of,
    mapping,
    said,
    source,
    standing_notes,
    worst,
)

_WORST = 5
"""Clauses that the short form names at most."""
_FRAMEWORKS = 12
"""Rows of its table at most."""
_SENTENCE = 1000
_FORMULA = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""What a spreadsheet takes for the beginning of a formula, in full width too."""

COLUMNS = (
    *("run", "suite", "model", "framework", "identity", "file", "title", "version", "date", "list_checked", "clause"),
    *("ref", "clause_title", "clause_checked", "standing", "kind", "format", "rate", "low", "high", "worst", "best"),
    *("planned", "n", "n_cases", "n_clusters", "passed", "unscored", "error", "judges", "sources", "cells", "why"),
    *("notes", "bar", "disclaimer"),
)
"""Columns of the CSV."""


def short(models: Sequence[dict[str, Any]]) -> list[str]:
    """Blocks of Markdown for a report: a table of how many clauses stand how, and the worst clauses.

    Args:
        models: Models as the summary has them.
    """
    told = [(model["model"], one) for model in models for one in model.get("compliance") or ()]
    if not told:
        return []
    several = len(models) > 1
    head = ["Model"] * several + ["Framework", *(STANDING[name] for name in STANDINGS)]
    lines = [head, ["---"] * (1 + several) + ["---:"] * len(STANDINGS)]
    for name, one in told[:_FRAMEWORKS]:
        by = [str(sum(clause["standing"] == standing for clause in one["clauses"])) for standing in STANDINGS]
        lines.append([markdown(name)] * several + [markdown(one["identity"]), *by])
    blocks = [
        f"**Compliance**, clauses by what the tests say. {_said(told[0][1]['disclaimer'])}",
        "\n".join(f"| {' | '.join(line)} |" for line in lines),
    ]
    if len(told) > _FRAMEWORKS:
        blocks.append(f"{words.count(len(told) - _FRAMEWORKS, 'more row')} in summary.json.")
    bad = []
    for name, one in told[:_FRAMEWORKS]:
        of = f" on {markdown(name)}" if several else ""
        for clause in worst(one["clauses"], _WORST):
            evidence = "; ".join(said(kind) for kind in clause["evidence"] if kind["n"])
            bad.append(
                f"- {markdown(one['framework'])} {markdown(clause['ref'])}{of}, {markdown(clause['title'])}: {evidence}"
            )
    if bad:
        blocks.append("Tests contrary:\n\n" + "\n".join(bad))
    return blocks


def write_compliance_markdown(told: dict[str, Any]) -> str:
    """The evidence of a run as Markdown: for each model and framework every clause.

    Args:
        told: What `tocsin.api.compliance_evidence` gives.
    """
    blocks = [f"## Compliance: what the tests of run {markdown(told['run'])} say", f"**{_said(told['disclaimer'])}**"]
    if told["status"] != "complete":
        blocks.append("The run is **not finished**: only what was finished in order is counted.")
    for model in told["models"]:
        for one in model["compliance"]:
            blocks += _framework(model["model"], one)
    return "\n\n".join(blocks) + "\n"


def _framework(model: str, one: dict[str, Any]) -> list[str]:
    columns = ["Clause", "The tests", *(KIND[kind] for kind in KINDS)]
    lines = [columns, ["---"] * len(columns)]
    for clause in one["clauses"]:
        found = {kind["kind"]: kind for kind in clause["evidence"]}
        checked = f" ({told})" if (told := apart(clause, one["status"])) else ""
        lines.append(
            [
                f"{markdown(clause['ref'])}: {markdown(clause['title'])}{checked}",
                "; ".join(
                    (f"{MARKS[clause['standing']]} {STANDING[clause['standing']]}", *map(_said, standing_notes(clause)))
                ),
                *(_figures(clause, found[kind]) if kind in found else NO_TEST for kind in KINDS),
            ]
        )
    further = [f"- left out as evidence: {_said(line)}" for line in one["left_out"]]
    if one["unassigned"]:
        names = words.listed([markdown(name) for name in one["unassigned"]])
        further.append(f"- items of these dimensions belong to no clause, and count for none: {names}")
    about = f"Version {_said(edition(one))}. Mapping {_said(mapping(one))}. {CHECKED[one['status']]}"
    return [
        f"### {_said(one['title'])}: {markdown(model)}",
        about,
        counts(one["clauses"]),
        f"The rule: {_said(one['rule'])}",
        *(["\n".join(further)] if further else []),
        "\n".join(f"| {' | '.join(line)} |" for line in lines),
    ]


def _figures(clause: dict[str, Any], kind: dict[str, Any]) -> str:
    formats = by_format(clause, kind["kind"])
    return said(kind).partition(": ")[2] + (f" ({formats})" if formats else "")


def write_csv(told: dict[str, Any]) -> str:
    """The evidence of a run as CSV: a row for each model, framework, clause and kind of evidence; one for a clause without any.

    Below a kind of items stands a row for each of its formats, which has the column ``format`` and is a part of it.

    No cell begins as a formula does: text that would is led by an apostrophe.

    Args:
        told: What `tocsin.api.compliance_evidence` gives.
    """
    file = io.StringIO()
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\r\n")
    writer.writeheader()
    for row in _rows(told):
        writer.writerow({name: inert(value) for name, value in row.items()})
    return file.getvalue()


def inert(value: object) -> object:
    """A cell that no spreadsheet takes for a formula; numbers stay as they are."""
    if value is None or isinstance(value, int | float):
        return value
    text = clean.visible(str(value), most=2**20, lines=False)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _rows(told: dict[str, Any]) -> Iterator[dict[str, object]]:
    for model in told["models"]:
        for one in model["compliance"]:
            about = {
                "run": told["run"], "suite": told["suite"], "model": model["model"], "framework": one["framework"],
                "identity": one["identity"], "file": one["file"], "title": one["title"],
                "version": one["version"], "date": one["date"],
                "list_checked": one["status"], "bar": one["bar"], "disclaimer": one["disclaimer"],
            }  # fmt: skip
            for clause in one["clauses"]:
                of = about | {
                    "clause": clause["clause"], "ref": clause["ref"], "clause_title": clause["title"],
                    "clause_checked": clause["checked"], "standing": clause["standing"], "why": clause["why"],
                    "notes": "; ".join(standing_notes(clause)),
                }  # fmt: skip
                for kind in clause["evidence"]:
                    yield of | _row(kind) | {
                        "judges": "; ".join(kind["judges"]),
                        "sources": "; ".join(map(source, kind["sources"])),
                        "cells": " ".join(map(str, kind["cells"])),
                    }  # fmt: skip
                    yield from (of | _row(form) | {"kind": kind["kind"]} for form in formats_of(clause, kind["kind"]))
                if not clause["evidence"]:
                    yield of | {"kind": "none"}


def _row(told: dict[str, Any]) -> dict[str, object]:
    """The figures of a kind of evidence or of a format."""
    figures = {name: told[name] for name in COLUMNS if name in told and name not in ("judges", "sources", "cells")}
    return figures | {"rate": told["value"]}


def _said(sentence: str) -> str:
    return markdown(sentence, most=_SENTENCE)
