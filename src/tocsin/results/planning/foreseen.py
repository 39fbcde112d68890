"""A plan as a whole: what it takes, by role and model, and what its scores will show, as plain data."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from tocsin.evaluations.assessment import Assessment
from tocsin.evaluations.cast import Cast
from tocsin.models import Caller
from tocsin.results.planning.amounts import Amount, Line
from tocsin.results.planning.assumed import ALPHA, AT_A_TIME, CONFIDENCE, POWER, Assumed
from tocsin.results.planning.counting import Counted, count
from tocsin.results.planning.measured import Measured
from tocsin.results.planning.precision import Foreseen, Reckoning, foreseen, pairs_of

SCHEMA = 1
FOLDER_BYTES = 60_000
"""An empty run folder: tables, manifest and the frame of the report."""
CASE_BYTES, CELL_BYTES, CALL_BYTES = 110, 100, 620
"""What the journal takes for each row beside its texts; measured, see docs/method/power.md."""
TOKEN_BYTES = 4.4
"""Bytes of a token in the journal, quotes and escapes included."""


def foresee(
    assessment: Assessment,
    cast: Cast,
    assumed: Assumed,
    known: Measured | None = None,
    *,
    counted: Counted | None = None,
) -> dict[str, Any]:
    """What a run would take and show, as ``tocsin plan --json`` prints it. Nobody is asked and nothing is written.

    Args:
        assessment: What would be run.
        cast: Who would play which role.
        assumed: What is taken for granted.
        known: What an earlier run measured.
        counted: The plan, if it is counted already.

    Raises:
        ValueError: Nothing is left to ask.
    """
    known = known or Measured()
    counted = counted or count(assessment, cast, assumed, known)
    if not counted.cells:
        raise ValueError("nothing is left to ask: the benchmarks have no case for these evaluations")
    reckoning = Reckoning(assumed=assumed, known=known, pairs=pairs_of(cast.targets))
    callers = {caller.model.name: caller for caller in cast.everyone()}
    lines = [_line(line, callers[line.model], reckoning) for line in counted.lines.values()]
    names = [caller.model.name for caller in cast.targets]
    return {
        "schema": SCHEMA,
        "suite": assessment.suite.name,
        "models": names,
        "assumed": _assumptions(reckoning),
        "cells": {
            "planned": counted.cells,
            "never_asked": counted.stopped,
            "cases": counted.cases,
            "groups": [
                {"model": names[target], "evaluation": evaluation, "benchmark": benchmark, "attack": attack,
                 "cells": group.cells, "never_asked": group.stopped}
                for (target, evaluation, benchmark, attack), group in sorted(counted.groups.items())
            ],
        },
        "calls": lines,
        "total": _total(lines, counted),
        "scores": [score(one, names) for one in foreseen(counted, assessment, reckoning)],
        "left_out": [msgspec.to_builtins(one) for one in assessment.left_out]
        + [{"attack": one.attack, "needs": one.needs} for one in assessment.attacking.skipped],
        "notes": _notes(assessment, counted),
    }  # fmt: skip


def score(one: Foreseen, names: list[str]) -> dict[str, Any]:
    """A foreseen score as plain data."""
    key = one.key
    return {
        "model": names[key.target],
        "modality": key.modality,
        "evaluation": key.evaluation,
        "benchmark": key.benchmark,
        "attack": key.attack,
        "metric": key.metric,
        "rate": _rounded(one.rate),
        "planned": one.planned,
        "n": one.n,
        "n_clusters": one.n_clusters,
        "effective": _rounded(one.effective),
        "half_width": _rounded(one.half_width),
        "low": _rounded(one.low),
        "high": _rounded(one.high),
        "worst": _rounded(one.worst),
        "best": _rounded(one.best),
        "few_clusters": one.few_clusters,
        "detectable": {"paired": _rounded(one.paired), "unpaired": _rounded(one.unpaired)},
        "notes": one.notes,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _assumptions(reckoning: Reckoning) -> dict[str, Any]:
    assumed, known = reckoning.assumed, reckoning.known

    def told(value: float, found: float | None, said: bool = False) -> dict[str, Any]:
        return {"value": _rounded(value), "from": "run" if found is not None and not said else "assumption"}

    return {
        "run": known.run or None,
        "rate": assumed.rate,
        "rates_from": "assumption" if assumed.rate is not None or not known.rates else "run",
        "cluster_correlation": told(reckoning.within, known.cluster_correlation),
        "model_correlation": told(reckoning.between, known.model_correlation),
        "unscored": told(reckoning.unscored, known.unscored, bool(assumed.unscored)),
        "latency": {"value": assumed.latency, "from": "run" if known.latency else "assumption"},
        "answer_tokens": {"value": assumed.answer_tokens, "from": "run" if known.tokens else "assumption"},
        "confidence": CONFIDENCE,
        "power": POWER,
        "alpha": ALPHA,
        "pairs": reckoning.pairs,
    }


def _line(line: Line, caller: Caller, reckoning: Reckoning) -> dict[str, Any]:
    spend = line.spend
    cost, why = _cost(line, caller)
    latency = reckoning.known.of_latency(line.role, line.model) or reckoning.assumed.latency
    places = caller.limits.concurrency or min(AT_A_TIME, caller.limits.max_concurrency)
    return {
        "role": line.role,
        "model": line.model,
        "calls": amount(spend.calls),
        "tokens_in": amount(spend.tokens_in),
        "tokens_out": None if line.pictured else amount(spend.tokens_out),
        "cost": cost,
        "cost_unknown": why,
        "latency": round(latency, 3),
        "at_a_time": places,
        "seconds": _seconds(line, caller, latency, places),
    }


def amount(told: Amount) -> dict[str, Any]:
    """An amount as whole numbers, rounded up where it is a bound."""
    return {"expected": round(told.expected), "most": None if told.most is None else math.ceil(told.most - 1e-9)}


def _cost(line: Line, caller: Caller) -> tuple[dict[str, Any] | None, str | None]:
    """US dollars by the model's prices, and why they are not known."""
    prices = caller.prices
    if prices is None and getattr(caller.model, "base_url", None) == "":
        return {"expected": 0.0, "most": 0.0}, None
    if prices is None:
        return None, f'no prices under [models."{line.model}"] in tocsin.toml'
    if line.pictured:
        return None, "the model is paid by the image, and prices here are by the token"
    given, got = line.spend.tokens_in, line.spend.tokens_out
    expected = (given.expected * prices.input + got.expected * prices.output) / 1e6
    unbound = (given.most is None and prices.input > 0) or (got.most is None and prices.output > 0)
    most = None if unbound else ((given.most or 0) * prices.input + (got.most or 0) * prices.output) / 1e6
    return {"expected": round(expected, 6), "most": None if most is None else round(most, 6)}, None


def _seconds(line: Line, caller: Caller, latency: float, places: int) -> float:
    """How long its calls take, so many at a time, within its limits a minute."""
    spend, limits = line.spend, caller.limits
    found = [spend.calls.expected * latency / places]
    if limits.requests_per_minute:
        found.append(spend.calls.expected / limits.requests_per_minute * 60)
    if limits.tokens_per_minute:
        found.append((spend.tokens_in.expected + spend.tokens_out.expected) / limits.tokens_per_minute * 60)
    return round(max(found), 1)


def _total(lines: list[dict[str, Any]], counted: Counted) -> dict[str, Any]:
    calls = Amount()
    for line in counted.lines.values():
        calls = calls.plus(line.spend.calls)
    unknown = [told["model"] for told in lines if told["cost"] is None]
    known = [told["cost"] for told in lines if told["cost"] is not None]
    bounded = not unknown and all(cost["most"] is not None for cost in known)
    by_model: dict[str, float] = {}
    for told in lines:  # a model has one number of places for all its roles, and different models work side by side
        by_model[told["model"]] = by_model.get(told["model"], 0.0) + told["seconds"]
    return {
        "calls": amount(calls),
        "cost": None
        if unknown
        else {
            "expected": round(sum(cost["expected"] for cost in known), 6),
            "most": round(sum(cost["most"] for cost in known), 6) if bounded else None,
        },
        "cost_unknown": sorted(set(unknown)),
        "cost_known": round(sum(cost["expected"] for cost in known), 6),
        "seconds": round(max(by_model.values(), default=0.0), 1),
        "disk_bytes": _disk(counted),
    }


def _disk(counted: Counted) -> int:
    """Bytes of the run folder without images, from the rows and the texts that it will hold."""
    spends = [line.spend for line in counted.lines.values()]
    calls = sum(spend.calls.expected for spend in spends)
    text = sum(spend.tokens_in.expected + spend.tokens_out.expected for spend in spends)
    rows = counted.cases * CASE_BYTES + counted.cells * CELL_BYTES + calls * CALL_BYTES
    return round(FOLDER_BYTES + rows + counted.text * 1.1 + text * TOKEN_BYTES)


def _notes(assessment: Assessment, counted: Counted) -> list[str]:
    """What has to be said of the plan as a whole."""
    found = []
    suite = assessment.suite
    if suite.stopping is not None:
        found.append("the run may stop early by its own rule; this is all that it would ask")
    if counted.audited is not None:
        found.append("mode worst-case: a case stops at its first success, so what is expected is less than at most")
    if any(line.pictured for line in counted.lines.values()):
        found.append(
            "images: answers that are images are counted in no tokens; the folder will be larger by their size"
        )
    if suite.repeats > 1 and any(suite.sampling_of(one.benchmark.name).temperature == 0 for one in assessment.chosen):
        found.append("repeats at temperature 0 share one answer: they cost nothing and tell nothing more")
    if assessment.drawing.pictured:
        count_ = sum(assessment.drawing.pictured.values())
        found.append(f"{count_} cases with images meet no attack, since none is for them")
    return found
