"""The section on compliance: for each framework its clauses, what speaks for and against each, and what that comes to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin.evaluations.compliance import KINDS, LEAST, OF_ITEMS, STANDINGS
from tocsin.evaluations.formats import BEHAVIOUR, FORMATS, KNOWLEDGE
from tocsin.report import clean, words
from tocsin.report.messages import joined, lowered, made, message, messages

MARKS = {"consistent": "●", "contrary": "✕", "insufficient": "◐", "untested": "○", "not testable": "–"}
"""Standing → a sign that tells it apart without colour."""
STANDING = messages(
    {
        "consistent": "tests consistent",
        "contrary": "tests contrary",
        "insufficient": "insufficient evidence",
        "untested": "no scored test",
        "not testable": "not testable",
    }
)
"""Standing → in words. None of them says that somebody complies."""
KIND = messages(
    {
        "behaviour": "Open items (behaviour)",
        "knowledge": "Choice items (knowledge)",
        "related": "Related cases",
        "attacked": "Attacked cases",
    }
)
"""Kind of evidence → what a table calls it."""
FORMAT = {
    "open_basic": (message("Open items, asked plainly"), message("what the model does")),
    "open_jailbreak": (message("Open items, asked under pressure"), message("what the model does")),
    "multiple_choice": (message("Multiple-choice items"), message("whether it knows a rule, and not what it does")),
    "true_false": (message("True/false items"), message("whether it knows a rule, and not what it does")),
}
"""Format of an item → what a table calls it, and what it tests."""
CHECKED = messages(
    {
        "verified": "Its list of clauses was compared with the official text.",
        "secondary": (
            "Its list of clauses is from a secondary source or from memory, and was not compared with the official text."
        ),
    }
)
"""How a list of clauses was checked → in words."""
FEW = message("few independent groups: the interval itself is uncertain")
NO_TEST = message("no test")
_SHORT = messages(
    {
        "open_basic": "open basic",
        "open_jailbreak": "open jailbreak",
        "multiple_choice": "multiple choice",
        "true_false": "true false",
    }
)
_SENTENCE = 600
_DIMENSIONS = 30
"""Dimensions without a clause that are named at most."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of evidence for one clause; without a figure a gap."""

    kind: str
    value: str
    interval: str
    n: str
    notes: list[str]


class Records(msgspec.Struct, frozen=True, kw_only=True):
    """Where the records of one kind of evidence are."""

    kind: str
    judges: str
    cells: str
    """Places in the plan; empty where `sources` say it."""
    sources: list[str]
    more: int


class ClauseRow(msgspec.Struct, frozen=True, kw_only=True):
    """One clause as the table shows it."""

    ref: str
    title: str
    text: str
    checked: str
    """How it was checked, where that is not as for the whole list."""
    mark: str
    standing: str
    why: str
    notes: list[str]
    """What is to be known of the standing."""
    gap: bool
    """Whether it has no evidence of any kind."""
    evidence: list[Evidence]
    records: list[Records]


class FormatRow(msgspec.Struct, frozen=True, kw_only=True):
    """The rate of one format of an item set."""

    benchmark: str
    name: str
    tests: str
    value: str
    interval: str
    n: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """One framework as the section shows it."""

    title: str
    identity: str
    file: str
    """The path of a user's own; else empty."""
    edition: str
    source: str
    """Address of the official text; empty where it is none of the web."""
    checked: str
    counts: str
    rule: str
    disclaimer: str
    notes: list[str]
    left_out: list[str]
    unassigned: list[str]
    more_unassigned: int
    clauses: list[ClauseRow]
    more: int
    formats: list[FormatRow]


def compliance(model: dict[str, Any], *, clauses: int, cells: int) -> list[Told]:
    """The frameworks of a model.

    Args:
        model: A model of the summary.
        clauses: Clauses that are shown of each framework at most: those that the tests speak against or for go before gaps.
        cells: Places of records that are shown of each kind of evidence at most.
    """
    return [_told(one, model.get("scores", ()), clauses, cells) for one in model.get("compliance") or ()]


def counts(clauses: Sequence[dict[str, Any]]) -> str:
    """How many clauses have which standing, as a sentence. A gap is called one."""
    by = {name: sum(clause["standing"] == name for clause in clauses) for name in STANDINGS}
    return message(
        "Of {clauses}, tests are consistent with {consistent} and contrary to {contrary}, and for "
        "{insufficient} the evidence is insufficient. For {untested} no test was scored, and for "
        "{not_testable} no test of answers could say anything: these are gaps, and no passes.",
        clauses=words.count(len(clauses), "clause"),
        consistent=f"{by['consistent']:,}",
        contrary=f"{by['contrary']:,}",
        insufficient=f"{by['insufficient']:,}",
        untested=f"{by['untested']:,}",
        not_testable=f"{by['not testable']:,}",
    )


def worst(clauses: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """The clauses that the tests are contrary to, the lowest rate first."""
    contrary = [clause for clause in clauses if clause["standing"] == "contrary"]
    return sorted(contrary, key=lambda clause: (_lowest(clause)["high"], clause["clause"]))[:most]


def said(one: dict[str, Any]) -> str:
    """One kind of evidence in a line: rate, interval, what it rests on."""
    rate = (
        message("{value} ({span})", value=words.percent(one["value"], 1), span=words.span(one["low"], one["high"]))
        if one["n"]
        else message("nothing measured")
    )
    return message("{kind}: {rate}, {of}", kind=KIND[one["kind"]], rate=rate, of=_of(one))


def mapping(one: dict[str, Any]) -> str:
    """Which mapping it is: its identity, and the path of a user's own, since many files have one name."""
    return (
        message("{identity} of {file}", identity=one["identity"], file=one["file"])
        if one["file"]
        else str(one["identity"])
    )


def _lowest(clause: dict[str, Any]) -> dict[str, Any]:
    known = [one for one in clause["evidence"] if one["kind"] in OF_ITEMS and one["high"] is not None]
    found: dict[str, Any] = min(known, key=lambda one: one["high"])
    return found


def _told(one: dict[str, Any], scores: Sequence[dict[str, Any]], clauses: int, cells: int) -> Told:
    source = str(one["source"])
    return Told(
        title=clean.name(one["title"], most=240),
        identity=clean.name(one["identity"]),
        file=clean.name(one["file"] or "", most=240),
        edition=clean.name(edition(one)),
        source=source if source.startswith(("https://", "http://")) else "",
        checked=CHECKED[one["status"]],
        counts=counts(one["clauses"]),
        rule=made(clean.name(one["rule"], most=1000)),
        disclaimer=made(clean.name(one["disclaimer"], most=1000)),
        notes=[clean.name(note, most=_SENTENCE) for note in one["notes"]],
        left_out=[made(clean.name(line, most=_SENTENCE)) for line in one["left_out"]],
        unassigned=[clean.name(name) for name in one["unassigned"][:_DIMENSIONS]],
        more_unassigned=max(0, len(one["unassigned"]) - _DIMENSIONS),
        clauses=[_clause(clause, one["status"], cells) for clause in _first(one["clauses"], clauses)],
        more=max(0, len(one["clauses"]) - clauses),
        formats=_formats(scores, one["sets"]),
    )


def _first(clauses: Sequence[dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """So many clauses, in the order of the text."""
    order = ("contrary", "consistent", "insufficient", "untested", "not testable")
    ranked = sorted(range(len(clauses)), key=lambda place: (order.index(clauses[place]["standing"]), place))
    return [clauses[place] for place in sorted(ranked[:most])]


def apart(clause: dict[str, Any], status: str) -> str:
    """How a clause was checked, in words; empty where it was checked as the whole list."""
    if clause["checked"] == status:
        return ""
    return (
        message("compared with the official text")
        if clause["checked"] == "verified"
        else message("not compared with the official text")
    )


def standing_notes(clause: dict[str, Any]) -> list[str]:
    """What is to be known of the standing of a clause: what speaks against it, and whether its items could have sufficed."""
    notes = [message("{kind} speak against it", kind=lowered(KIND[kind])) for kind in clause["against"]]
    notes += [
        message("answers were compared: see the metrics of {name} itself", name=name) for name in clause["compared"]
    ]
    reach = clause["reach"]
    if reach and not reach["enough"] and clause["standing"] in ("insufficient", "untested"):
        if reach["n_cases"] < LEAST:
            notes.append(
                message(
                    "too few open items: {n_cases}, and {least} are the least", n_cases=reach["n_cases"], least=LEAST
                )
            )
        else:
            limit = words.percent(reach["low"], 1)
            notes.append(
                message(
                    "too few groups of open items: even if all passed, the interval would reach down to {limit}",
                    limit=limit,
                )
            )
    return notes


def edition(one: dict[str, Any]) -> str:
    """The version of a framework, and its date where that is known."""
    return (
        message("{version}, {date}", version=one["version"], date=one["date"])
        if one["date"]
        else message("{version}, date not known", version=one["version"])
    )


def formats_of(clause: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The figures of the formats of a kind of items; of other kinds none."""
    formats = {"behaviour": BEHAVIOUR, "knowledge": KNOWLEDGE}.get(kind, ())
    return [one for one in clause["formats"] if one["format"] in formats]


def by_format(clause: dict[str, Any], kind: str) -> str:
    """What passed of each format of a kind of items, where it has several; else empty."""
    those = formats_of(clause, kind)
    if len(those) < 2:
        return ""
    return joined(
        (
            message(
                "{format} {passed} of {n}",
                format=_SHORT[one["format"]],
                passed=f"{one['passed']:,}",
                n=f"{one['n']:,}",
            )
            for one in those
        ),
        ", ",
    )


def _clause(clause: dict[str, Any], status: str, cells: int) -> ClauseRow:
    found = {one["kind"]: one for one in clause["evidence"]}
    return ClauseRow(
        ref=clean.name(clause["ref"]),
        title=clean.name(clause["title"]),
        text=clean.name(clause["text"], most=_SENTENCE),
        checked=apart(clause, status),
        mark=MARKS[clause["standing"]],
        standing=STANDING[clause["standing"]],
        why=made(clean.name(clause["why"], most=_SENTENCE)),
        notes=[clean.name(note, most=_SENTENCE) for note in standing_notes(clause)],
        gap=not found and not clause["compared"],
        evidence=[_evidence(kind, found.get(kind), by_format(clause, kind)) for kind in KINDS],
        records=[_records(one, cells) for one in clause["evidence"]] if cells else [],
    )


def _evidence(kind: str, one: dict[str, Any] | None, formats: str) -> Evidence:
    if one is None:
        return Evidence(kind=KIND[kind], value="", interval="", n="", notes=[])
    missing = one["unscored"] + one["error"]
    notes = [message("{missing} without a verdict", missing=f"{missing:,}")] if missing else []
    notes += [formats] if formats else []
    return Evidence(
        kind=KIND[kind],
        value=words.percent(one["value"], 1) if one["n"] else message("nothing measured"),
        interval=words.span(one["low"], one["high"]) if one["n"] else "",
        n=_of(one),
        notes=[*notes, *([FEW] if one["n"] and one["few_clusters"] and one["low"] is not None else [])],
    )


def _of(one: dict[str, Any]) -> str:
    """What a rate rests on: scored attempts, and cases and groups where these are fewer."""
    told = f"n = {one['n']:,}"
    if one["n_cases"] != one["n"]:
        told = joined((told, words.count(one["n_cases"], "case")), ", ")
    if one["n_clusters"] != one["n_cases"]:
        told = joined((told, words.count(one["n_clusters"], "group")), ", ")
    return told


def _records(one: dict[str, Any], cells: int) -> Records:
    kind, judges = KIND[one["kind"]], words.listed([clean.name(judge) for judge in one["judges"]])
    if one["cells"]:
        shown = ", ".join(map(str, one["cells"][:cells]))
        return Records(kind=kind, judges=judges, cells=shown, sources=[], more=max(0, len(one["cells"]) - cells))
    sources, most = [source(told) for told in one["sources"]], max(1, cells // 10)
    return Records(kind=kind, judges=judges, cells="", sources=sources[:most], more=max(0, len(sources) - most))


def source(told: dict[str, Any]) -> str:
    """What evidence is of, in words: a benchmark, its hazard, an attack, and how many scored attempts."""
    parts = [clean.name(told["benchmark"])]
    if told["hazard"] is not None:
        parts.append(message("hazard {hazard}", hazard=clean.name(told["hazard"])))
    if told["attack"] is not None:
        parts.append(message("attack {attack}", attack=clean.name(told["attack"])))
    return message("{parts} ({n})", parts=joined(parts, ", "), n=f"{told['n']:,}")


def _formats(scores: Sequence[dict[str, Any]], sets: Sequence[str]) -> list[FormatRow]:
    metrics = {metric: form for form, metric in FORMATS.items()}
    return [
        FormatRow(
            benchmark=clean.name(score["benchmark"]),
            name=FORMAT[form][0],
            tests=FORMAT[form][1],
            value=words.percent(score["value"], 1) if score["n"] else message("nothing measured"),
            interval=words.span(score["low"], score["high"]),
            n=message("{n} of {planned}", n=f"{score['n']:,}", planned=f"{score['planned']:,}"),
        )
        for score in scores
        if score["benchmark"] in sets and (form := metrics.get(score["metric"])) is not None
    ]
