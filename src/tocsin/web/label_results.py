"""What the labelling page shows once a draw is closed: rates before and after, and the judge beside people."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from tocsin.evaluations.correcting import POWERED, SUBJECTS
from tocsin.evaluations.run_labels import WORDS, Labels
from tocsin.journal.folder import SUMMARY

NAMES = {"safe_rate": "Safe answers", "over_refusal_rate": "Harmless requests refused"}
_WIDTH = 240


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One rate by verdicts, and by labels."""

    model: str
    benchmark: str
    language: str
    """BCP 47 code, of a rate of one language among several."""
    metric: str
    n: int
    raw: tuple[float, float, float]
    """Value, lower and upper limit."""
    fixed: tuple[float, float, float]
    n_labels: int
    power: float
    """How much weight the judge has beside the labels."""
    bars: tuple[tuple[float, float, float], tuple[float, float, float]]
    """Of both: where the interval begins, how wide it is, and where the value stands, in units of the drawing."""


class Beside(msgspec.Struct, frozen=True, kw_only=True):
    """What people said of what the judge called so."""

    verdict: str
    counts: list[int]


def rates(folder: Path) -> list[Rate]:
    """Rates of the run's summary that its labels put right; none where there is no summary yet."""
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        return [
            _rate(model["model"], score)
            for model in summary["models"]
            for score in model["scores"]
            if score["metric"] in SUBJECTS and (score["corrected"] or {}).get("method") == POWERED
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def beside(db: sqlite3.Connection, labels: Labels) -> list[tuple[list[str], list[Beside]]]:
    """For each question its two words, and how the judge's verdicts and people's labels go together; counts, not weighted."""
    found = []
    for wanted, words in WORDS.items():
        counts: Counter[tuple[str, bool]] = Counter()
        for one in labels.drawn:
            if one.wanted != wanted or one.cell not in labels.failed:
                continue
            row = db.execute("SELECT outcome FROM latest WHERE cell = ?", (one.cell,)).fetchone()
            if row:
                counts[row[0], labels.failed[one.cell]] += 1
        if counts:
            passes, fails = words
            said = {"safe": passes, "unsafe": fails, "unscored": "no verdict"}
            rows = [
                Beside(verdict=word, counts=[counts[verdict, means] for means in words.values()])
                for verdict, word in said.items()
            ]
            found.append(([passes, fails], rows))
    return found


def _rate(model: str, score: dict[str, Any]) -> Rate:
    fixed = score["corrected"]
    raw, put = ((one["value"], one["low"], one["high"]) for one in (score, fixed))
    return Rate(
        model=model,
        benchmark=score["benchmark"] or "",
        language=score["language"] or "",
        metric=score["metric"],
        n=score["n"],
        raw=raw,
        fixed=put,
        n_labels=fixed["n_labels"],
        power=fixed["weight_of_judge"],
        bars=(_bar(*raw), _bar(*put)),
    )


def _bar(value: float, low: float, high: float) -> tuple[float, float, float]:
    return round(low * _WIDTH, 1), round(max(2.0, (high - low) * _WIDTH), 1), round(value * _WIDTH, 1)
