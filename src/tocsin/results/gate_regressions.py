"""The checks of a gate against a baseline run: how much worse a score may be than it was."""

from __future__ import annotations

from typing import NamedTuple

from tocsin.results.gate_always import baseline_faults
from tocsin.results.gate_baseline import (
    Compared,
    cells_of,
    matched_sides,
    paired_difference,
    unpaired_difference,
)
from tocsin.results.gate_checks import opposite, shown_off, unmatched, vanished
from tocsin.results.gate_conditions import Against, differing
from tocsin.results.gate_result import Check, told_score, verdict
from tocsin.results.gate_scores import Found, Score, Side, lacking, number, select_scores
from tocsin.results.matched import Matched
from tocsin.results.policy import Limits, Policy, Regression, limits_of


class _Shared(NamedTuple):
    """What the comparisons of one rule share.

    Attributes:
        matched: The baseline and the run, matched by case.
        several: How many scores are compared.
    """

    matched: Matched
    several: int


def baseline_check(run: Side, model: str, policy: Policy, against: Against) -> Check:
    """Whether anything can be held against the baseline."""
    passed, reason = verdict(
        baseline_faults(run, policy, *against), "it is another run, finished, and little of it is missing"
    )
    return Check(
        rule="baseline", kind="always", model=model, about=f"{against[1]} in {against[0].summary['run']}",
        passed=passed, reason=reason,
    )  # fmt: skip


def regressions(rule: Regression, run: Side, model: str, policy: Policy, against: Against) -> list[Check]:
    """The checks of one rule on one model: of each score that it selects in the run, and in the baseline.

    Strict rules are tests of non-inferiority that all have to succeed, so each keeps its level (Berger 1982, Technometrics
    24:295-300). Of rules that fail only if a regression is shown, several would show one by chance: their intervals share the
    level (Bonferroni) where the same cases are compared.
    """
    found = select_scores(run.model(model), rule.select)
    several = len(found) * len(run.models)
    checks = unmatched(rule, "regression", model, found)
    checks += vanished(rule, "regression", model, found, select_scores(against[0].model(against[1]), rule.select))
    if found:
        with matched_sides(run, model, *against) as matched:
            shared = _Shared(matched, several)
            checks += [_regression(rule, run, model, policy, against, one, shared) for one in found]
    return checks


def _regression(
    rule: Regression, run: Side, model: str, policy: Policy, against: Against, found: Found, shared: _Shared
) -> Check:
    baseline, other = against
    limits, score = _limits(policy, rule), found.score
    then = opposite(baseline, other, found)
    faults = differing(run, baseline, score, then, rule.same)
    faults += shown_off(run, score, policy)
    for side in (run, baseline):
        if side.manifest["suite"].get("stopping"):
            faults.append(
                f"{side.summary['run']} stops early by a rule, and the interval of a difference does not allow for that"
            )
    faults += lacking(score, limits, low=number(score["low"]), high=number(score["high"]))
    compared = None
    if then is not None:
        lacks = lacking(then, limits, low=number(then["low"]), high=number(then["high"]))
        faults += [f"in the baseline {lack}" for lack in lacks]
        compared, apart = _compared(rule, run, found, then, shared)
        faults += apart
        faults += _drops(rule, compared)
    said = "" if compared is None else _difference(compared)
    passed, reason = verdict(faults, f"{said}: {_allowed(rule)}")
    details = None
    if compared is not None:
        gone = compared.difference
        details = {
            "value": gone.value, "low": gone.low, "high": gone.high, "worst": compared.worst, "paired": compared.paired,
            "n": gone.n, "n_clusters": gone.n_clusters, "cells": compared.cells, "shared": compared.shared,
            "got_better": compared.got_better, "got_worse": compared.got_worse, "unmeasured": compared.unmeasured,
            "baseline": None if then is None else then["value"],
        }  # fmt: skip
    return Check(
        rule=rule.id,
        kind="regression",
        model=model,
        title=rule.title,
        about=found.named,
        score=found.address,
        reads=told_score(found),
        threshold={
            "max_drop": rule.max_drop,
            "mode": rule.mode,
            "reads": rule.reads if rule.mode == "strict" else None,
        },
        details=details,
        passed=passed,
        reason=reason if passed or not said else f"{reason[:-1]} ({said}).",
        notes=tuple(score["notes"]),
    )


def _limits(policy: Policy, rule: Regression) -> Limits:
    """The limits of a rule. One that reads no bound of what is unmeasured bears no more of it than a silent policy does."""
    limits = limits_of(policy, rule)
    if rule.mode == "strict":
        return limits
    most = Limits()
    caps = {"errors": min(limits.errors, most.errors), "unscored": min(limits.unscored, most.unscored)}
    return limits.model_copy(update=caps)


def _compared(rule: Regression, run: Side, found: Found, then: Score, shared: _Shared) -> tuple[Compared, list[str]]:
    """The difference, paired where both runs have the cases, and what speaks against it."""
    cells = cells_of(run, found)
    if cells is None:
        return unpaired_difference(found.score, then), []
    confidence = 0.95 if rule.mode == "strict" else 1 - 0.05 / max(1, shared.several)
    planned = found.score["planned"]
    paired = paired_difference(shared.matched, cells, planned=planned, confidence=confidence)
    sides = (
        (paired.cells, f"{paired.cells} attempts are of cases that the baseline has, too"),
        (then["planned"], f"the baseline's {then['planned']} attempts are of cases that the run has, too"),
    )
    short = [
        f"only {paired.shared} of {what}, and a share of {rule.overlap:g} is needed"
        for count, what in sides
        if not count or paired.shared / count < rule.overlap
    ]
    if not short:
        return paired, []
    if {"dataset", "sampling"} <= set(rule.same):
        return paired, short
    return unpaired_difference(found.score, then), []


def _drops(rule: Regression, compared: Compared) -> list[str]:
    """Whether the difference allows for too large a drop, or shows one."""
    gone = compared.difference
    if gone.value is None or gone.low is None or gone.high is None:
        return ["there is no difference with an interval"]
    if rule.mode == "significant":
        if gone.few_clusters:
            return ["it rests on too few independent clusters to show a regression"]
        return [f"it fell by more than {rule.max_drop:g}"] if -gone.high > rule.max_drop else []
    said = []
    if -gone.low > rule.max_drop:
        said.append(f"a drop of {-gone.low:.3f} is compatible with the data, and {rule.max_drop:g} is the most")
    if rule.reads == "limit_and_worst":
        if compared.worst is None:
            said.append("there is no bound `worst`: a rule on it has to say `reads: limit`")
        elif -compared.worst > rule.max_drop and (compared.unmeasured or not compared.paired):
            said.append(
                f"if everything unmeasured had been bad, it fell by {-compared.worst:.3f}, and {rule.max_drop:g} is the most"
            )
    return said


def _allowed(rule: Regression) -> str:
    if rule.mode == "strict":
        return f"no drop of more than {rule.max_drop:g} is compatible with the data"
    return f"no drop of more than {rule.max_drop:g} is shown"


def _difference(compared: Compared) -> str:
    gone = compared.difference
    if gone.value is None or gone.low is None or gone.high is None:
        return ""
    how = (
        f"over {compared.shared} attempts that both made, {compared.got_better} better and {compared.got_worse} worse"
        if compared.paired
        else "as two runs of different cases"
    )
    return f"difference {gone.value:+.3f} ({gone.low:+.3f} to {gone.high:+.3f}) {how}"
