"""What a gate says: checks, each passed or failed, with its reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin.results.gate_scores import Found, Reading, number

SCHEMA = 1
_COUNTS = ("n", "planned", "n_clusters", "unscored", "error", "judge")


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that a gate looked at.

    Attributes:
        rule: Id of the rule, or the name of a check that every gate makes.
        kind: ``always``, ``required``, ``threshold``, ``regression`` or ``grade``.
        model: The model; None for the run as a whole.
        title: What the rule says it is about.
        about: What it looked at, in one line; unique within rule and model.
        score: The address of the score: evaluation, benchmark, metric and so on; None where it is about none.
        reads: What was read of it: see `told_reading`.
        threshold: What it was held against.
        details: Of a regression its difference, of a grade its figures.
        passed: Whether it passed.
        reason: Why, in a sentence.
        notes: What has to be said beside it.
    """

    rule: str
    kind: str
    model: str | None
    title: str = ""
    about: str = ""
    score: dict[str, str | None] | None = None
    reads: dict[str, Any] | None = None
    threshold: dict[str, Any] = {}
    details: dict[str, Any] | None = None
    passed: bool
    reason: str
    notes: tuple[str, ...] = ()


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a gate says of a run.

    Attributes:
        schema: Version of this shape.
        passed: Whether every check passed. There is at least one for each model.
        policy: ``name``, ``title``, ``version``, ``identity`` and, of a file of your own, ``file``.
        run: Name of the run.
        suite: Name of its suite.
        status: As its manifest says.
        models: The models that were gated.
        baseline: Name of the baseline run; None without one.
        checks: Every check, in order.
        flags: What the policy does that a reader has to know.
        lines: Id of a rule → its line in the policy's file.
    """

    schema: int = SCHEMA
    passed: bool
    policy: dict[str, Any]
    run: str
    suite: str
    status: str
    models: list[str]
    baseline: str | None = None
    checks: list[Check]
    flags: list[str] = []
    lines: dict[str, int] = {}

    @property
    def failed(self) -> list[Check]:
        """The checks that failed."""
        return [check for check in self.checks if not check.passed]

    @property
    def judges(self) -> list[str]:
        """The judges of the scores that were looked at."""
        told = ((check.reads or {}).get("judge") for check in self.checks)
        return list(dict.fromkeys(one for names in told if names for one in names.split(" + ")))

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        told: dict[str, Any] = msgspec.to_builtins(self)
        del told["lines"]
        counts = {"checks": len(self.checks), "failed": len(self.failed)}
        return {name: value for name, value in told.items() if name != "checks"} | counts | {"results": told["checks"]}


def verdict(faults: Sequence[str], otherwise: str) -> tuple[bool, str]:
    """Whether nothing speaks against a check, and the sentence that says so."""
    return not faults, _sentence("; ".join(faults) if faults else otherwise)


def told_reading(found: Found, reading: Reading) -> dict[str, Any]:
    """What was read of a score, for programs."""
    score = found.score
    told: dict[str, Any] = msgspec.to_builtins(reading)
    del told["fault"]
    return told | {name: score[name] for name in _COUNTS}


def figures_of(reading: Reading) -> str:
    """The figures beside the one that was read, in one line."""
    value, low, high, worst = (
        "-" if one is None else f"{one:.3f}" for one in (reading.value, reading.low, reading.high, reading.worst)
    )
    return f"value {value}, 95% {low} to {high}, worst {worst}"


def told_score(found: Found) -> dict[str, Any]:
    """What a check looked at of a score that it does not hold against a threshold, for programs."""
    score = found.score
    figures = {name: number(score[name]) for name in ("value", "low", "high", "worst", "best")}
    return figures | {name: score[name] for name in _COUNTS}


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
