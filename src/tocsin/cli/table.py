"""Scores on a terminal."""

from __future__ import annotations

import sys
from typing import Any

from tocsin.benchmarks.language.shares import NO_VALUE, ONE_ANSWER
from tocsin.cli.columns import steady
from tocsin.cli.errors import plain
from tocsin.cli.table_languages import show_languages
from tocsin.evaluations.adversarial import SLICE
from tocsin.evaluations.score import EQUAL
from tocsin.evaluations.scoring import HARD, TEXT_ALONE
from tocsin.judges.agreed import BEGINS as AGREES
from tocsin.report import modalities, words
from tocsin.results.translated import UNDELIVERED, UNREVIEWED

_ROWS = 60
REFUSALS = ": it reads whether an answer refuses and nothing else, so every other answer counts as compliance"
"""What has to be said of the judge `refusal` wherever its figures stand."""


def show_scores(summary: dict[str, Any]) -> None:
    """Prints the scores of every model, a line each, within the width of the terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    for model in summary["models"]:
        table = Table(
            title=Text(_name(model["model"])), title_justify="left", box=None, pad_edge=False, title_style="bold"
        )
        there = modalities.present(model["scores"])
        apart = modalities.told(there)
        for name in (*(["modality"] if apart else []), "benchmark", "metric"):
            table.add_column(name, no_wrap=False)
        for name in ("value", "95% interval", "worst-best", "n/planned"):
            table.add_column(name, justify="right", no_wrap=True)
        for score in sorted(model["scores"], key=modalities.place):
            if score.get("language"):  # told in a table of its own
                continue
            benchmark = score["benchmark"] or score["attack"] or f"all ({score['evaluation']})"
            benchmark += f" · {score['framework']}" if score.get("framework") else ""
            of = [Text(words.SHORT[score["modality"]])] if apart else []
            table.add_row(*of, Text(_name(benchmark)), Text(_metric(score)), *_numbers(score))
        console.print(table)
        for name, line in _images(model):
            console.print(f"{_name(name)}: {line}.")
        if "image" in there:
            console.print(modalities.IMAGES_SAID)
        for name, count in (model.get("review") or {}).items():
            console.print(f"{_name(name)}: {words.count(count, 'answer')} called borderline, left to people.")
        for name, note in _notes(model["scores"]):
            console.print(f"{_name(name)}: {note}.")
        for name, line in _corrected(model["scores"]):
            console.print(f"{_name(name)}: {line}.")
        show_languages(console, model, summary.get("translations") or {})
        for axis in model.get("axes", ()):
            if axis["why"]:
                what = "no score" if not axis["scores"] else "nothing measured"
                console.print(Text(f"{words.axis(axis)}: {what}; {plain(axis['why'])}"))
        if model["unfinished"]:
            console.print(f"{model['unfinished']} planned cells do not count yet: the run is not finished.")
    for judge in dict.fromkeys(s["judge"] for model in summary["models"] for s in model["scores"] if s["judge"]):
        console.print(f"judged by {plain(judge)}{REFUSALS if judge.startswith('refusal@') else ''}")
    if summary["demonstration"]:
        console.print("Demonstration: the starter set shows what a run is like; its figures rank nobody.")


def _name(text: str) -> str:
    return steady(plain(text))


def _images(model: dict[str, Any]) -> list[tuple[str, str]]:
    """What requests for images came to, once for each benchmark and attack."""
    told = [
        (score["benchmark"] or score["attack"] or f"all ({words.axis(score)})", str(parts))
        for score in model["scores"]
        if (parts := modalities.parts(model, score))
    ]
    return list(dict.fromkeys(told))


def _notes(scores: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """What a figure must not be read without."""
    told = [
        (score["benchmark"] or f"all ({words.axis(score)})", note)
        for score in scores
        for note in score["notes"]
        if note in (EQUAL, HARD, ONE_ANSWER, TEXT_ALONE)
        or note.startswith((AGREES, NO_VALUE, "without "))
        or (note.endswith((UNREVIEWED, UNDELIVERED)) and not score.get("language"))
        or note.endswith(("a case stops at its first success", SLICE))
    ]
    cut = dict.fromkeys(dict.fromkeys(score["benchmark"] for score in scores if score["benchmark"]), 0)
    for score in scores:
        if score["benchmark"]:
            cut[score["benchmark"]] += score["truncated"]
    told += [
        (name, f"{count} judged answers were cut off by the limit on their length")
        for name, count in cut.items()
        if count
    ]
    return list(dict.fromkeys(told))


def _corrected(scores: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Rates that were put right for the judge's error, and by what."""
    told = []
    for score in scores:
        if (fixed := score["corrected"]) and score["metric"] != "relative_safety_drop":  # the same drop, told once
            by = plain(fixed["card"].rpartition("/")[2]) if fixed["card"] else f"{fixed['n_labels']} labels of this run"
            low, high = ("" if fixed[end] is None else f"{fixed[end]:.3f}" for end in ("low", "high"))
            span = f"{fixed['value']:.3f} ({low}-{high})"
            name = score["benchmark"] or "all"
            told.append((name, f"{_metric(score)} corrected for the judge's errors: {span}, by {by}"))
    return told


def _metric(score: dict[str, Any]) -> str:
    language = score.get("language")
    return f"{score['metric']}, {language}" if language else str(score["metric"])


def _numbers(score: dict[str, Any]) -> tuple[str, str, str, str]:
    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    def span(first: str, last: str) -> str:
        return "-" if score[first] is None else f"{number(score[first])}-{number(score[last])}"

    return number(score["value"]), span("low", "high"), span("worst", "best"), f"{score['n']}/{score['planned']}"


def show_comparison(comparison: dict[str, Any]) -> None:
    """Prints how two judges compare on the same answers: in sentences, then each score before and after."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from tocsin.report.rejudged import rejudged

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
    told = rejudged(comparison, most=_ROWS)
    for sentence in (told.origin, *told.sentences):
        console.print(Text(plain(sentence)))
    table = Table(box=None, pad_edge=False)
    for name in ("model", "benchmark", "metric"):
        table.add_column(name)
    for name in ("before", "after", "difference", "95% interval"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("noise")
    for row in told.scores:
        cells = (row.model, row.name, row.metric, row.before, row.after, row.difference, row.interval, row.noise)
        table.add_row(*(Text(_name(cell)) for cell in cells))
    console.print(table)
    if told.more_scores:
        console.print(f"{told.more_scores} more rows in comparison.json.")
