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


def vanished(rule: Selecting, kind: str, model: str, found: Sequence[Found], then: Sequence[Found]) -> list[Check]:
    """Checks that fail because the baseline has what a rule is about, and the run has not.

    Args:
        rule: The rule.
        kind: Of the checks.
        model: The model.
        found: What the rule is about in the run.
        then: What it is about in the baseline.
    """
    here = [_place(one) for one in found]
    return [
        Check(
            rule=rule.id, kind=kind, model=model, title=rule.title, about=one.named, score=one.address, passed=False,
            reason=f"The baseline has {one.named}, the run has not. What was not measured does not pass.",
        )
        for one in then
        if _place(one) not in here
    ]  # fmt: skip


def opposite(baseline: Side, model: str, found: Found) -> Score | None:
    """The same score of the baseline, if it has one."""
    told = baseline.model(model)
    pool = map(Found, told["scores"]) if found.by is None else (Found(p, p["by"], p["key"]) for p in told["breakdown"])
    return next((one.score for one in pool if _place(one) == _place(found)), None)


def _place(found: Found) -> tuple[dict[str, str | None], str | None, str | None]:
    return found.address, found.by, found.key


def shown_off(run: Side, score: Score, policy: Policy) -> list[str]:
    """Why a score cannot pass because it is for show; an empty list if it is not."""
    if policy.demonstration or not run.demonstrates(score):
        return []
    return ["it is a demonstration, or holds cases of one"]
