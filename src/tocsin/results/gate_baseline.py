"""How much worse a run is than its baseline, over the cases that both were asked, or by the scores of each.

What is compared is the share of attempts that did what was wanted; which attempts are the same: `tocsin.results.matched`.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import msgspec

from tocsin.evaluations.adversarial import POOLED
from tocsin.journal.folder import JOURNAL
from tocsin.results import matched_cells
from tocsin.results.copies import answered_at
from tocsin.results.gate_scores import Found, Score, Side, number
from tocsin.results.matched import SAFE, UNSAFE, By, Matched, What
from tocsin.results.policy import better
from tocsin.stats import Difference, moved

_LIVE = "adversarial"
_PLAIN = ("safe_rate", "over_refusal_rate", "accuracy", "compliance_rate")
"""Rates over cells, each of which is one benchmark's."""


class Cells(NamedTuple):
    """The matched cells that make up a score."""

    what: What
    by: By | None = None
    key: str = ""
    """Which hazard, language or attack, where the score is of one."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A run's rate less its baseline's; above 0 the run is the better one.

    Attributes:
        difference: With its 95% interval, or at the confidence that was asked for.
        worst: The difference if everything unmeasured had been bad in the run, and good in the baseline; None where it is not
            known.
        paired: Whether it is over the same cases.
        cells: Attempts of the run that the score is of; 0 if not paired.
        shared: Those of them that the baseline has, too.
        got_better: Shared attempts that failed in the baseline and passed in the run.
        got_worse: Shared attempts that passed in the baseline and failed in the run.
        unmeasured: Shared attempts without an outcome on either side.
    """

    difference: Difference
    worst: float | None
    paired: bool
    cells: int = 0
    shared: int = 0
    got_better: int = 0
    got_worse: int = 0
    unmeasured: int = 0


def paired_difference(matched: Matched, cells: Cells, *, planned: int, confidence: float = 0.95) -> Compared:
    """The difference of two runs over the attempts that both made.

    Attempts without an outcome on one of the sides are left out of both, and stand in `worst`. The limits are those of
    `tocsin.stats.moved` over clusters: of the share of attempts that got better less the share that got worse. They keep a width
    where no attempt changed, which those of `rate_difference` lose where the rates are far from 0 and 1: none of 50 changed does
    not mean that none ever would.

    Args:
        matched: The baseline, matched with the run.
        cells: Of the score.
        planned: Attempts of the run that the score is of.
        confidence: Of the limits, in (0, 1).
    """
    joint = matched.joint(cells.what, cells.by).get(cells.key) if cells.what in matched.whats() else None
    if joint is None:
        nothing = Difference(None, None, None, 0, 0, True)
        return Compared(difference=nothing, worst=None, paired=True, cells=planned)
    table, both = joint.table, joint.measured
    shared, measured = int(table.sum()), int(both.sum())
    # With everything unmeasured bad in the run, and good in the baseline.
    least = int(table[:, SAFE].sum()) - (shared - int(table[UNSAFE].sum()))
    return Compared(
        difference=moved(both, confidence=confidence),
        worst=least / shared if shared else None,
        paired=True,
        cells=planned,
        shared=shared,
        got_better=int(table[UNSAFE, SAFE]),
        got_worse=int(table[SAFE, UNSAFE]),
        unmeasured=shared - measured,
    )


def unpaired_difference(run: Score, baseline: Score) -> Compared:
    """The difference of two scores as they stand, taken as independent, with 95% limits.

    Limits by MOVER (Zou & Donner 2008, Statistics in Medicine 27:1693-1702) without correlation: too wide where the cases are the
    same, which errs on the side of a regression that is not excluded.
    """
    sign = -1 if better(run["metric"], run["evaluation"]) == "lower" else 1
    a, b = (_turned(score, sign) for score in (run, baseline))
    n, clusters = min(run["n"], baseline["n"]), min(run["n_clusters"], baseline["n_clusters"])
    few = clusters < 10
    worst = None if a.worst is None or b.best is None else a.worst - b.best
    if a.value is None or b.value is None:
        return Compared(difference=Difference(None, None, None, n, clusters, few), worst=worst, paired=False)
    value = a.value - b.value
    low = high = None
    if a.low is not None and a.high is not None and b.low is not None and b.high is not None:
        low = value - math.hypot(a.value - a.low, b.high - b.value)
        high = value + math.hypot(a.high - a.value, b.value - b.low)
    return Compared(difference=Difference(value, low, high, n, clusters, few), worst=worst, paired=False)


class _Turned(msgspec.Struct, frozen=True):
    value: float | None
    low: float | None
    high: float | None
    worst: float | None
    best: float | None


def _turned(score: Score, sign: int) -> _Turned:
    """A score so that higher is better."""
    told = {name: number(score[name]) for name in ("value", "low", "high", "worst", "best")}
    turned = {name: None if value is None else sign * value for name, value in told.items()}
    if sign < 0:
        turned["low"], turned["high"] = turned["high"], turned["low"]
    return _Turned(**turned)


def cells_of(run: Side, found: Found) -> Cells | None:
    """The cells that a score is the rate of; None if it is no plain rate over cells.

    Args:
        run: The run of the score.
        found: The score.
    """
    score = found.score
    metric, named, modality = score["metric"], score["evaluation"], score["modality"]
    if score["benchmark"] is not None and metric in _PLAIN:
        by: By | None = None if found.by is None else "hazard" if found.by == "hazard" else "language"
        return Cells(What(named, score["benchmark"], metric, modality), by, found.key or "")
    told = run.manifest.get("adversarial") or {}
    if named == _LIVE and score["benchmark"] is None and found.by is None and told.get("mode") != "worst-case":
        live = What(_LIVE, "", POOLED, modality)
        if metric == POOLED and score["attack"] is None:
            return Cells(live)
        if metric == "attack_success_rate" and score["attack"] is not None:
            return Cells(live, "attack", score["attack"])
    return None


def matched_sides(run: Side, model: str, baseline: Side, other: str) -> Matched:
    """A model of the baseline and one of the run, matched by case: close it in the end.

    Raises:
        JournalError: A journal cannot be read.
    """
    before, now = (
        matched_cells.Side(folder=side.folder, manifest=side.manifest, target=side.models.index(name))
        for side, name in ((baseline, other), (run, model))
    )
    return Matched(before, now)


def is_itself(run: Side, baseline: Side) -> bool:
    """Whether the baseline is the run, or a copy of it under whatever name: the same answers, which came at the same times."""
    if (run.folder / JOURNAL).samefile(baseline.folder / JOURNAL):
        return True
    if all(run.manifest.get(name) == baseline.manifest.get(name) for name in ("run", "created")):
        return True
    here = answered_at(run.db)
    return here is not None and here == answered_at(baseline.db)
