"""``tocsin compare`` in words and rows, and as a page: the verdict first, then each score on both sides, then the detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tocsin.report import clean, words
from tocsin.report.comparison_figures import Row, axis, part_of, row_of, score_name, size
from tocsin.report.messages import LANGUAGES, Speaker
from tocsin.report.templating import environment

SHOWN = 25
"""Rows of a breakdown on a page at most."""
_TITLES = {
    ("model",): "Two models on the same cases",
    ("judge",): "Two judges on the same answers",
    ("attack",): "Two attacks on the same cases",
    ("language",): "Two languages, the same source rows",
    ("run",): "One model, asked twice",
}
_HEADLINES = {
    "worse": "Worse",
    "better": "Better",
    "mixed": "Better and worse",
    "no difference shown": "No difference shown",
    "not comparable": "Not comparable",
}
_WHATS = {
    "model": "model", "judge": "judge", "attack": "attack", "language": "language", "suite": "suite", "benchmark": "benchmark",
    "data": "data", "sample": "sample", "sampling": "sampling", "repeats": "repeats", "filter": "difficulty filter",
    "languages": "languages that are asked", "translations": "table of translations", "attacking": "how attacks are run",
    "stopping": "early stopping", "tocsin": "version of tocsin",
}  # fmt: skip
_STANDINGS = {
    "meant": "what is compared",
    "breaks": "not compared because of it",
    "allowed": "compared all the same, as was asked for",
    "warning": "not meant to differ",
}
_BYS = {
    "hazard": "hazard", "language": "language", "attack": "attack", "benchmark": "benchmark", "format": "format",
}  # fmt: skip


class Breakdown(msgspec.Struct, frozen=True, kw_only=True):
    """The parts of a score."""

    title: str
    rows: list[Row]
    more: int


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """A comparison in words and rows."""

    title: str
    word: str
    headline: str
    verdict: str
    sides: list[dict[str, str]]
    differences: list[dict[str, str]]
    warned: bool
    warnings: list[str]
    how: str
    rows: list[Row]
    ends: tuple[str, str, str]
    breakdowns: list[Breakdown]
    worse: list[dict[str, str]]
    better: list[dict[str, str]]
    total: dict[str, int]
    agreement: list[dict[str, str]]
    not_compared: list[dict[str, str]]
    only: list[str]
    effect: str
    outcomes: list[str]


def told(comparison: Mapping[str, Any], speak: Speaker) -> Told:
    """A comparison as `tocsin.results.comparison.comparison` gives it, in words.

    Args:
        comparison: It.
        speak: The reader's language.
    """
    reach = axis(comparison["rows"])
    rows = [row_of(row, speak, reach, comparison["min_effect"]) for row in comparison["rows"]]
    flips = comparison["flips"]
    verdict = comparison["verdict"]
    warned = [one for one in comparison["differences"] if one["standing"] != "meant"]
    return Told(
        title=speak(_TITLES.get(tuple(comparison["of"]), "Two sides on the same cases")),
        word=verdict["word"],
        headline=speak(_HEADLINES[verdict["word"]]),
        verdict=_verdict(verdict, speak),
        sides=[_side(comparison[name], letter, speak) for name, letter in (("one", "A"), ("other", "B"))],
        differences=[_difference(one, speak) for one in comparison["differences"]],
        warned=bool(warned),
        warnings=_warnings(comparison, speak),
        how=speak(
            "A difference is B less A, over the cases that both were asked and that have a verdict on both sides, in"
            " percentage points. Intervals are at 95%, paired and clustered; p holds over all {tests} tests of this"
            " comparison together (Holm).",
            tests=f"{comparison['tests']:,}",
        ),
        rows=rows,
        ends=(f"\u2212{size(reach)}", "0", f"+{size(reach)}"),
        breakdowns=_breakdowns(comparison["rows"], speak, reach),
        worse=[_flip(one, speak) for one in flips["worse"]["listed"]],
        better=[_flip(one, speak) for one in flips["better"]["listed"]],
        total={name: flips[name]["total"] for name in ("worse", "better")},
        agreement=[_agreement(one, speak) for one in comparison["agreement"] or ()],
        not_compared=[_not_compared(one, speak) for one in comparison["not_compared"]],
        only=[
            speak("Only {side} has {what}.", side=letter, what=f"{clean.name(one['benchmark'] or one['evaluation'])}"
                  f" ({speak(words.METRICS.get(one['metric'], one['metric']))})")
            for letter, some in zip("AB", comparison["only"], strict=True)
            for one in some
        ],
        effect=size(comparison["min_effect"]),
        outcomes=[speak(words.outcome("", name)) for name in ("safe", "unsafe", "unscored", "error")],
    )  # fmt: skip


def comparison_page(comparison: Mapping[str, Any], *, language: str = "en") -> str:
    """A comparison as one HTML page that needs no network and no script.

    Args:
        comparison: As `tocsin.results.comparison.comparison` gives it.
        language: What the page speaks.
    """
    speak = Speaker(language)
    return environment().get_template("comparison.html").render(
        told=told(comparison, speak), say=speak, lang="zh-Hans" if language == "zh" else language,
        language=LANGUAGES[language],
    )  # fmt: skip


def _verdict(verdict: Mapping[str, Any], speak: Speaker) -> str:
    counts = {name: verdict[name] for name in ("worse", "better", "no_difference_shown", "not_comparable")}
    return speak(
        "Of {all} scores B is worse on {worse} and better on {better}; on {same} no difference is shown, and {out} cannot"
        " be compared.",
        all=sum(counts.values()),
        worse=counts["worse"],
        better=counts["better"],
        same=counts["no_difference_shown"],
        out=counts["not_comparable"],
    )


def _side(side: Mapping[str, Any], letter: str, speak: Speaker) -> dict[str, str]:
    return {
        "letter": letter,
        "model": clean.name(side["model"]),
        "run": clean.name(side["run"]),
        "suite": clean.name(side["suite"]),
        "status": speak(str(side["status"])),
        "attack": clean.name(side["attack"] or ""),
        "language": words.language(side["language"]) if side["language"] else "",
    }


def _difference(one: Mapping[str, Any], speak: Speaker) -> dict[str, str]:
    of = f" {clean.name(one['of'])}" if one["of"] and one["what"] != "judge" else ""
    return {
        "what": f"{speak(_WHATS.get(one['what'], one['what']))}{of}",
        "one": "–" if one["one"] is None else clean.name(one["one"]),
        "other": "–" if one["other"] is None else clean.name(one["other"]),
        "standing": speak(_STANDINGS[one["standing"]]),
        "kind": one["standing"],
        "benchmarks": words.listed([clean.name(name) for name in one["benchmarks"]], most=4)
        if one["benchmarks"]
        else "",
    }


def _warnings(comparison: Mapping[str, Any], speak: Speaker) -> list[str]:
    found = []
    standings = {one["standing"] for one in comparison["differences"]}
    if "breaks" in standings:
        found.append(
            speak(
                "Scores that two judges gave, or that rest on attacks that are not the same, are not compared: what differs"
                " might be the judge or the attack. --allow judge, or --allow attack, compares them all the same."
            )
        )
    if "allowed" in standings:
        found.append(
            speak("Two judges, or two attacks, are compared here as if they were one: a difference may be theirs.")
        )
    if "warning" in standings:
        found.append(speak("More differs than what is compared: see what is other."))
    for name, letter in (("one", "A"), ("other", "B")):
        side = comparison[name]
        if side["status"] != "complete":
            found.append(speak("{side} is not finished: what is finished in order counts.", side=letter))
        if side["stops_early"]:
            found.append(
                speak(
                    "{side} may have stopped early, so that no interval and no test holds, and none is given.",
                    side=letter,
                )
            )
    if "language" in comparison["of"]:
        found.append(speak("A judge may err more in one language than in the other: this compares both together."))
    if any(row["demonstration"] for row in comparison["rows"]):
        found.append(speak("Demonstration: the starter set shows what a run is like; its figures rank nobody."))
    return found


def _breakdowns(rows: Sequence[Mapping[str, Any]], speak: Speaker, reach: float) -> list[Breakdown]:
    found = []
    for row in rows:
        for one in row["breakdowns"]:
            parts = [part_of(part, row, one["by"], speak, reach) for part in one["parts"][:SHOWN]]
            title = speak(
                "{name} by {by}: {what}", name=score_name(row, speak), by=speak(_BYS[one["by"]]),
                what=speak(words.METRICS.get(row["metric"], row["metric"])),
            )  # fmt: skip
            more = one["more"] + max(0, len(one["parts"]) - SHOWN)
            found.append(Breakdown(title=title, rows=parts, more=more))
    return found


def _flip(one: Mapping[str, Any], speak: Speaker) -> dict[str, str]:
    return {
        "benchmark": clean.name(one["benchmark"]),
        "case": clean.name(one["case"]),
        "metric": speak(words.METRICS.get(one["metric"], one["metric"])),
        "attack": "" if one["attack"] in ("direct", "static") else clean.name(one["attack"]),
        "language": clean.name(one["language"]),
        "hazard": clean.name(one["hazard"]),
        "repeat": str(one["repeat"]) if one["repeat"] else "",
        "cells": f"{one['one_cell']} / {one['other_cell']}",
    }


def _agreement(one: Mapping[str, Any], speak: Speaker) -> dict[str, str]:
    agreement, kappa = one["agreement"], one["kappa"]
    limits = "" if kappa["low"] is None else f" ({kappa['low']:.2f} – {kappa['high']:.2f})"
    return {
        "name": score_name({**one, "framework": None}, speak),
        "n": speak("{n} of {matched}", n=f"{agreement['n']:,}", matched=f"{agreement['read']:,}"),
        "agreement": words.percent(agreement["value"], 1),
        "interval": words.span(agreement["low"], agreement["high"]),
        "kappa": "–" if kappa["value"] is None else f"{kappa['value']:.2f}{limits}",
    }


def _not_compared(one: Mapping[str, Any], speak: Speaker) -> dict[str, str]:
    plus = words.signed(dict(one))
    about = [one["attack"] or "", words.language(one["language"]) if one["language"] else ""]
    beside = ", ".join(clean.name(part) for part in about if part)
    return {
        "name": clean.name(one["benchmark"] or speak(one["evaluation"])) + (f", {beside}" if beside else ""),
        "what": speak(words.METRICS.get(one["metric"], one["metric"])),
        "one": words.figure(one["one"], plus=plus),
        "other": words.figure(one["other"], plus=plus),
        "why": speak.made(one["why"]),
    }
