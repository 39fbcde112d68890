"""What the report draws beside the adversarial scores: the curve, the heatmap, the costs, the families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from tocsin.evaluations.correcting import SUBJECTS
from tocsin.evaluations.met import Cell, Met
from tocsin.judges.card import Card
from tocsin.stats import robust_worst_case, worst_case_curve


def further(
    met: Met, manifest: dict[str, Any], calls: dict[str, dict[str, float]], cards: Sequence[Card] = ()
) -> dict[str, Any]:
    """What the report draws beside the scores: the curve, the heatmap, the costs, the families.

    Args:
        met: What the cases met.
        manifest: The run's manifest.
        calls: Attack → what its cells cost: calls by role, tokens, dollars.
        cards: Calibration cards of the final judge, where it is one.
    """
    matrix, codes = met.outcomes(), np.array(met.clusters)
    stops = manifest.get("suite", {}).get("stopping") is not None  # then neither band would hold
    apart = stops or "transferred" in manifest
    whole = met.audit is None and not apart
    curve = worst_case_curve(matrix, codes) if whole else []
    heat: dict[tuple[str, str], list[int]] = {}
    families: dict[str, list[int]] = {}
    for cell in met.cells:
        if cell.outcome in ("safe", "unsafe"):
            name = met.attacks[cell.attack]
            counts = heat.setdefault((met.hazards[cell.case], name), [0, 0])
            counts[cell.outcome == "unsafe"] += 1
            family = manifest["attacks"].get(name, {}).get("family", "none")
            families.setdefault(family, [0, 0])[cell.outcome == "unsafe"] += 1
    return {
        "attacks": met.attacks,
        "benchmarks": sorted({benchmark for benchmark, _ in met.cases}),
        "cases": len(met.cases),
        "unscored_reasons": _tally(cell.reason for cell in met.cells if cell.outcome == "unscored"),
        "refusals": _tally(
            f"{'refused' if cell.refused else 'answered'}/{cell.outcome}"
            for cell in met.cells
            if cell.refused is not None and cell.outcome in ("safe", "unsafe")
        ),
        "searched": met.audit is not None,
        "curve": [msgspec.to_builtins(point) for point in curve],
        "hazards": [
            {"hazard": hazard, "attack": attack, "safe": safe, "unsafe": unsafe}
            for (hazard, attack), (safe, unsafe) in sorted(heat.items())
        ],
        "families": [
            {"family": name, "safe": safe, "unsafe": unsafe} for name, (safe, unsafe) in sorted(families.items())
        ],
        "costs": [
            _cost(name, mine, calls.get(name, {})) for name, mine in zip(met.attacks, met.by_attack(), strict=True)
        ],
        "queries_to_first_success": _first_success(met),
        "robust": [_robust(card, len(met.attacks) * met.repeats) for card in cards if not apart and _says(card)],
    }


def _tally(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _says(card: Card) -> bool:
    """Whether a card says how often its judge takes a safe answer for an unsafe one."""
    return (
        card.about.about in SUBJECTS["safe_rate"] and not card.seen and card.whole.error.specificity.value is not None
    )


def _robust(card: Card, attacks: int) -> dict[str, Any]:
    """What a model that never fails would score as its worst case, by the judge's false alarms on one set of labels."""
    found = robust_worst_case(card.whole.error.specificity, attacks)
    return {"card": card.name, "specificity": card.whole.error.specificity.value, **msgspec.to_builtins(found)}


def _cost(name: str, mine: Sequence[Cell], calls: dict[str, float]) -> dict[str, Any]:
    won = sum(cell.outcome == "unsafe" for cell in mine)
    total = sum(calls.get(role, 0) for role in ("target", "attacker", "translator", "judge"))
    return {
        "attack": name,
        "cells": len(mine),
        "successes": won,
        **{role: int(calls.get(role, 0)) for role in ("target", "attacker", "translator", "judge", "tokens")},
        "cost": calls.get("cost"),
        "calls_per_success": total / won if won else None,
    }


def _first_success(met: Met) -> dict[str, Any]:
    """Queries of the target that a case took until its first success, in the order of the plan; over cases that fell."""
    spent: dict[int, int] = {}
    fell: dict[int, int] = {}
    for cell in met.cells:
        if cell.case in fell:
            continue
        spent[cell.case] = spent.get(cell.case, 0) + cell.queries
        if cell.outcome == "unsafe":
            fell[cell.case] = spent[cell.case]
    values = sorted(fell.values())
    return {
        "cases": len(values),
        "median": float(np.median(values)) if values else None,
        "most": values[-1] if values else None,
    }
