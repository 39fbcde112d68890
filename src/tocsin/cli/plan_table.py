"""A plan on a terminal, within 80 columns."""

from __future__ import annotations

import sys
from typing import Any

from tocsin.cli.columns import steady
from tocsin.cli.errors import plain

UNKNOWN = "?"
"""Stands where a number is not known; what it lacks is said below."""
_METRICS = {"attack_success_rate": "ASR"}
"""Metrics that the field knows by a shorter name."""


def show_plan(told: dict[str, Any]) -> None:
    """Prints a plan: what it takes, what it will show, and what is taken for granted."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False, width=None if sys.stdout.isatty() else 80)
    cells, total = told["cells"], told["total"]
    console.print(f"suite {_name(told['suite'])}: {_count(cells['planned'])} cells of {_count(cells['cases'])} cases")
    if cells["never_asked"]:
        console.print(f"{_count(cells['never_asked'])} of them are never asked: bad rows, or held back by the filter.")
    _show_calls(console, told)
    what = _range(total["calls"]) + " calls"
    cost = "cost not known" if total["cost"] is None else f"{_dollars(total['cost'])}"
    console.print(
        f"together: {what}; {cost}; about {_time(total['seconds'])}; {_size(total['disk_bytes'])} on the disk"
    )
    if baseline := told.get("baseline"):
        spent = [f"{_range(baseline['total']['calls'])} calls", _time(baseline["total"]["seconds"])]
        spent += [] if baseline["total"]["cost"] is None else [_dollars(baseline["total"]["cost"])]
        console.print(Text(f"before it, the baseline {_name(baseline['model'])}: {', '.join(spent)}"))
    for line in told["calls"]:
        if line["cost_unknown"]:
            console.print(Text(f"{_name(line['model'])}: cost not known: {plain(line['cost_unknown'])}"))
    console.print()
    _show_scores(console, told)
    _show_assumptions(console, told)
    for note in told["notes"]:
        console.print(Text(f"note: {plain(note)}."))
    if wanted := told.get("wanted"):
        console.print()
        _show_wanted(console, wanted)
    alike: dict[str, list[str]] = {}
    for one in told["left_out"]:
        alike.setdefault(one["needs"], []).append(_name(one.get("benchmark") or one["attack"]))
    for needs, names in alike.items():
        console.print(Text(f"left out: {', '.join(names)}: {plain(needs)}"))


def _show_calls(console: Any, told: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(title="What it takes", title_justify="left", box=None, pad_edge=False, title_style="bold")
    table.add_column("role", no_wrap=True)
    table.add_column("model", overflow="fold")
    for name in ("calls", "tokens in", "tokens out", "US $", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for line in told["calls"]:
        table.add_row(
            line["role"],
            Text(_name(line["model"])),
            _range(line["calls"]),
            _range(line["tokens_in"]),
            _range(line["tokens_out"]),
            _dollars(line["cost"], sign=""),
            _time(line["seconds"]),
        )
    console.print(table)


def _show_scores(console: Any, told: dict[str, Any]) -> None:
    """A table for all models that are asked the same, which most are."""
    from rich.table import Table
    from rich.text import Text

    alike: dict[tuple[tuple[str, ...], ...], list[str]] = {}
    for model in dict.fromkeys(told["models"]):
        alike.setdefault(tuple(_rows([one for one in told["scores"] if one["model"] == model])), []).append(model)
    for rows, models in alike.items():
        who = (
            _name(models[0]) if len(models) == 1 else "each model" if len(alike) == 1 else ", ".join(map(_name, models))
        )
        table = Table(
            title=Text(f"What it will show of {who}"),
            title_justify="left",
            box=None,
            pad_edge=False,
            title_style="bold",
        )
        table.add_column("benchmark", overflow="fold")
        table.add_column("metric", overflow="fold")
        for name in ("n", "clusters", "95% ±", "paired", "unpaired"):
            table.add_column(name, justify="right", no_wrap=True)
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
    if any(score["few_clusters"] for score in told["scores"]):
        console.print("* too few clusters: the interval is itself uncertain.")


def _rows(scores: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """A row for each score; attacks of which the same is said have one together."""
    from tocsin.report.words import SHORT

    several = len({score["modality"] for score in scores}) > 1
    found: dict[tuple[str, ...], list[str]] = {}
    for number, score in enumerate(scores):
        name = score["benchmark"] or score["attack"] or f"all ({score['evaluation']})"
        name += f" · {SHORT[score['modality']]}" if several else ""
        told = (
            _METRICS.get(score["metric"], score["metric"].removesuffix("_rate").replace("_", " ")),
            _count(score["n"]),
            _count(score["n_clusters"]) + ("*" if score["few_clusters"] else ""),
            _points(score["half_width"]),
            _points(score["detectable"]["paired"]),
            _points(score["detectable"]["unpaired"]),
        )
        found.setdefault((*told, score["modality"] if score["attack"] else str(number)), []).append(_name(name))
    return [
        (names[0] if len(names) == 1 else f"each of {len(names)} attacks", *told[:-1]) for told, names in found.items()
    ]


def _show_assumptions(console: Any, told: dict[str, Any]) -> None:
    assumed = told["assumed"]
    pairs = "" if assumed["pairs"] == 1 else f", the strictest of {assumed['pairs']} pairs by Holm"
    rate = "rates of the earlier run" if assumed["rates_from"] == "run" else f"rates of {assumed['rate'] or 0.5:g}"
    console.print(
        f"95% ±: half of the interval, in points, at {rate}. paired, unpaired: the smallest difference between two models that"
        f" is found with 80% power, over the same cases and over others{pairs}."
    )
    parts = [
        f"{words} {assumed[name]['value']:g} ({'measured' if assumed[name]['from'] == 'run' else 'assumed'})"
        for name, words in (
            ("cluster_correlation", "correlation within clusters"),
            ("model_correlation", "of models"),
            ("unscored", "without a verdict"),
        )
    ]
    parts.append(
        "tokens and time as measured"
        if assumed["latency"]["from"] == "run"
        else f"{assumed['latency']['value']:g} s a call and {assumed['answer_tokens']['value']} tokens an answer (assumed)"
    )
    console.print(f"{'; '.join(parts)}.")


def _show_wanted(console: Any, wanted: dict[str, Any]) -> None:
    from rich.text import Text

    value = wanted["value"]
    if wanted["what"] in ("budget", "calls"):
        goal = f"${value:,.2f}" if wanted["what"] == "budget" else f"{value:,.0f} calls"
        if not wanted["reached"]:
            console.print(f"within {goal}: not even one case of each benchmark is.")
        elif wanted["whole"]:
            console.print(f"within {goal}: all that is planned, without a limit on the cases.")
        else:
            spent = [f"{_range(wanted['calls'])} calls"]
            spent += [] if wanted["cost"] is None else [_dollars(wanted["cost"])]
            console.print(f"within {goal}: {wanted['option']}, which takes {' and '.join(spent)}.")
    else:
        goal = f"±{100 * value:.3g}" if wanted["what"] == "precision" else f"a difference of {100 * value:.3g}"
        console.print(f"for {goal} points in every score:")
        for row in wanted["limits"]:
            name = _name(row["benchmark"] or "the attacks, of each benchmark")
            worst = _points(row["worst"])
            if row["enough"]:
                line = f"{name}: {_count(row['limit'])} of {_count(row['cases'])} cases, which give {worst}"
            else:
                line = f"{name}: too small: all {_count(row['cases'])} cases give {worst}"
            console.print(Text(f"  {line}"))
        if wanted["option"]:
            console.print(f"the same for all benchmarks: {wanted['option']}; or in a suite:")
        if wanted["suite"]:
            console.print(Text(wanted["suite"]))
    for note in wanted["notes"]:
        console.print(Text(f"note: {plain(note)}."))


def _name(text: str) -> str:
    return steady(plain(text))


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _short(value: float) -> str:
    """A number in four places at most, with k or M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 10 * size or (value >= size and size > 1e3):
            return f"{value / size:.3g}{letter}" if value < 1000 * size else f"{value / size:.0f}{letter}"
    return f"{value:.0f}"


def _range(amount: dict[str, Any] | None) -> str:
    if amount is None:
        return UNKNOWN
    if amount["most"] is None:
        return f"{_short(amount['expected'])}–{UNKNOWN}"
    if amount["most"] == amount["expected"]:
        return _short(amount["expected"])
    return f"{_short(amount['expected'])}–{_short(amount['most'])}"


def _dollars(cost: dict[str, Any] | None, sign: str = "$") -> str:
    if cost is None:
        return UNKNOWN
    if cost["most"] is None:
        return f"{sign}{cost['expected']:.2f}–{UNKNOWN}"
    if round(cost["most"], 2) == round(cost["expected"], 2):
        return f"{sign}{cost['expected']:.2f}"
    return f"{sign}{cost['expected']:.2f}–{cost['most']:.2f}"


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"


def _size(count: float) -> str:
    return (
        f"{count / 1e3:.0f} kB" if count < 1e6 else f"{count / 1e6:.1f} MB" if count < 1e9 else f"{count / 1e9:.1f} GB"
    )


def _points(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.1f}"
