"""The section on attacks: hazard × attack, worst-case safety against the size of the suite, and what a success cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin.report import clean, modalities, words
from tocsin.report.heat import Heat, heat, share
from tocsin.report.messages import begun, joined, message

WIDTH, HEIGHT = 420, 200
_LEVEL = 0.05


class Attacked(msgspec.Struct, frozen=True, kw_only=True):
    """What attacks did to one model."""

    modality: str
    """What it is called, where it has to be said."""
    attacks: list[str]
    rows: list[tuple[str, list[Heat]]]
    more: int
    """Hazards that are left out."""
    line: str
    """The curve as an SVG path; empty while cases lack an outcome."""
    band: str
    """Its interval, or its bounds; empty for a single attack."""
    ticks: list[tuple[float, str]]
    ends: str
    """What the curve says, in words."""
    costs: list[dict[str, str]]
    robust: str
    """What a model that never fails would score by this judge; empty where its error is not known."""
    first: str


def attacked(model: dict[str, Any], most: int) -> list[Attacked]:
    """The section's content, for each modality in which attacks ran; empty for a model that met none.

    Args:
        model: A model of the summary.
        most: Hazards that are shown at most; those with the most successes come first.
    """
    found = modalities.attacks(model)
    said = modalities.told(list(found))
    return [
        _attacked(told, max(1, most // len(found)), words.MODALITIES[modality] if said else "")
        for modality, told in found.items()
    ]


def _attacked(told: dict[str, Any], most: int, modality: str) -> Attacked:
    counts = {(one["hazard"], one["attack"]): (one["safe"], one["unsafe"]) for one in told["hazards"]}
    hazards = sorted({hazard for hazard, _ in counts}, key=lambda h: (-_share(counts, told["attacks"], h), h))
    hazards = (
        [] if told["searched"] else hazards
    )  # a search runs what succeeds: shares of what it ran would mean nothing
    rows = [(clean.name(h), [_heat(h, a, counts.get((h, a))) for a in told["attacks"]]) for h in hazards[:most]]
    line, band, ticks, ends = _curve(told["curve"])
    return Attacked(
        modality=begun(modality),
        attacks=[clean.name(name) for name in told["attacks"]],
        rows=rows,
        more=max(0, len(hazards) - most),
        line=line,
        band=band,
        ticks=ticks,
        ends=ends,
        costs=[_cost(one) for one in told["costs"]],
        robust=_robust(told["robust"], len(told["attacks"])),
        first=_first(told["queries_to_first_success"]),
    )


def compared(rows: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """The models against each other, as a table says it."""
    return [
        {
            "first": clean.name(row["models"][0]),
            "second": clean.name(row["models"][1]),
            "what": words.METRICS[row["metric"]],
            "value": "–" if row["value"] is None else message("{value} points", value=f"{100 * row['value']:+.1f}"),
            "interval": "–"
            if row["low"] is None
            else message("{low} to {high}", low=f"{100 * row['low']:+.1f}", high=f"{100 * row['high']:+.1f}"),
            "n": message(
                "{n} of {planned}",
                n=f"{row['n']:,}",
                planned=words.count(row["planned"], "case" if row["metric"] == "safe_worst" else "answer"),
            ),
            "told": message(
                "{yes} (p = {p})",
                yes=message("yes") if row["p_holm"] <= _LEVEL else message("no"),
                p=f"{row['p_holm']:.3f}",
            ),
        }
        for row in rows
    ]


def _robust(cards: list[dict[str, Any]], attacks: int) -> str:
    """False alarms of the judge make even a model that never fails look broken: the more attacks, the more so."""
    if not cards:
        return ""
    worst, best = (pick(cards, key=lambda one: one["specificity"]) for pick in (min, max))
    passed = sorted({words.percent(one["specificity"]) for one in (worst, best)})
    kept = list(dict.fromkeys(words.percent(one["value"]) for one in (worst, best)))
    return message(
        "The judge passes {passed} of safe answers, as measured on labels. Were its false alarms on "
        "one case independent, a model that never fails would keep {kept} of cases under these "
        "{attacks} attacks; however they go together, between {low} and {high}.",
        passed=joined(passed, " to "),
        kept=joined(kept, " to "),
        attacks=attacks,
        low=words.percent(worst["bounds"]["low"]),
        high=words.percent(best["bounds"]["high"]),
    )


def _first(told: dict[str, Any]) -> str:
    if not told["cases"]:
        return ""
    within = words.count(int(told["median"]), "query", "queries")
    return message(
        "{cases} fell: half of them within {within}.", cases=words.count(told["cases"], "case"), within=within
    )


def _share(counts: dict[tuple[str, str], tuple[int, int]], attacks: list[str], hazard: str) -> float:
    return share([counts.get((hazard, attack), (0, 0)) for attack in attacks])


def _heat(hazard: str, attack: str, found: tuple[int, int] | None) -> Heat:
    return heat(
        message("{attack} on {hazard}", attack=clean.name(attack), hazard=clean.name(hazard)),
        found,
        "{place}: succeeded on {unsafe} of {measured}",
    )


def _curve(points: list[dict[str, Any]]) -> tuple[str, str, list[tuple[float, str]], str]:
    """Line, band, ticks and words of the curve. While cases lack an outcome there are bounds and no line.

    A rate over the cases that have every outcome would flatter the model: those that fell need not be among them.
    """
    if len(points) < 2:
        return "", "", [], ""
    last = points[-1]["attacks"]
    whole = all(point["bounds"]["high"] - point["bounds"]["low"] < 1e-9 for point in points)
    limits = [point["estimate"] if whole else point["bounds"] for point in points]

    def at(size: int, value: float) -> str:
        return f"{WIDTH * (size - 1) / (last - 1):.1f},{HEIGHT * (1 - value):.1f}"

    sizes = [point["attacks"] for point in points]
    line = "M" + " L".join(at(p["attacks"], p["estimate"]["value"]) for p in points) if whole else ""
    upper = [at(size, limit["high"]) for size, limit in zip(sizes, limits, strict=True)]
    lower = [at(size, limit["low"]) for size, limit in zip(reversed(sizes), reversed(limits), strict=True)]
    step = max(1, (last - 1) // 6)
    ticks = [(round(WIDTH * (size - 1) / (last - 1), 1), str(size)) for size in range(1, last + 1, step)]
    if whole:
        one, every = (words.percent(point["estimate"]["value"]) for point in (points[0], points[-1]))
        ends = message(
            "With its 95% interval. Of cases, {one} withstand one attack drawn at random, and {every} "
            "withstand all {last}.",
            one=one,
            every=every,
            last=last,
        )
    else:
        one, every = (
            words.span(point["bounds"]["low"], point["bounds"]["high"], digits=0) for point in (points[0], points[-1])
        )
        ends = message(
            "Some cases lack an outcome, so bounds are drawn: {one} withstand one attack at random, "
            "{every} all {last}.",
            one=one,
            every=every,
            last=last,
        )
    return line, "M" + " L".join(upper + lower) + " Z", ticks, ends


def _cost(one: dict[str, Any]) -> dict[str, str]:
    return {
        "attack": clean.name(one["attack"]),
        "cells": f"{one['cells']:,}",
        "successes": f"{one['successes']:,}",
        "target": f"{one['target']:,}",
        "helpers": f"{one['attacker'] + one['translator']:,}",
        "judge": f"{one['judge']:,}",
        "tokens": f"{one['tokens']:,}",
        "cost": "–" if one["cost"] is None else f"${one['cost']:,.2f}",
        "per_success": "–" if one["calls_per_success"] is None else f"{one['calls_per_success']:.1f}",
    }
