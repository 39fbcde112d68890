"""What the checks of a gate have in common: nothing measured fails, and so does what is for show."""

from __future__ import annotations

from collections.abc import Sequence

from tocsin.results.gate_result import Check
from tocsin.results.gate_scores import Found, Score, Side, missing
from tocsin.results.policy import Policy, Selecting


def nothing(rule: str, kind: str, model: str | None, title: str, selection: str) -> Check:
    """A check that fails because nothing that it is about was measured."""
    reason = f"No score of the run is of: {selection}. What was not measured does not pass."
    return Check(rule=rule, kind=kind, model=model, title=title, about=selection, passed=False, reason=reason)


def unmatched(rule: Selecting, kind: str, model: str, found: Sequence[Found]) -> list[Check]:
    """Checks that fail because a selection finds nothing, or not all that it names."""
    if not found:
        return [nothing(rule.id, kind, model, rule.title, rule.select.told())]
    return [nothing(rule.id, kind, model, rule.title, what) for what in missing(rule.select, found)]


def shown_off(run: Side, score: Score, policy: Policy) -> list[str]:
    """Why a score cannot pass because it is for show; an empty list if it is not."""
    if policy.demonstration or not run.demonstrates(score):
        return []
    return ["it is a demonstration, or holds cases of one"]
