"""The checks that every gate makes, whatever its policy says: what is unfinished, missing or for show cannot pass."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tocsin.results.finished import reasons
from tocsin.results.gate_baseline import is_itself
from tocsin.results.gate_result import Check, verdict
from tocsin.results.gate_scores import Score, Side, lacking, number
from tocsin.results.policy import Policy

_FEW = 8


def always(run: Side, model: str, policy: Policy) -> list[Check]:
    """The checks of one model: finished, no demonstration, few errors, little without a verdict."""
    told = run.attempts(run.models.index(model))
    checks = [_check("finished", model, unfinished(run, model), "every planned cell has an outcome")]
    shown = [] if policy.demonstration or not run.summary["demonstration"] else ["all of it is a demonstration"]
    mere = "a demonstration, which this policy takes" if run.summary["demonstration"] else "it is no demonstration"
    checks.append(_check("demonstration", model, shown, mere))
    for rule, count, words, most in (
        ("errors", told.error, "ended in an error", policy.limits.errors),
        ("unscored", told.unscored, "have no verdict", policy.limits.unscored),
    ):
        if not told.ended:
            checks.append(_check(rule, model, ["no attempt has ended: there is nothing to pass on"], ""))
            continue
        said = f"{count} of {told.ended} attempts {words} ({count / told.ended:.1%}, {most:.1%} allowed)"
        checks.append(_check(rule, model, [said] if count / told.ended > most else [], said))
    return checks


def unfinished(side: Side, model: str) -> list[str]:
    """What of a run is not finished, in sentences."""
    return reasons(side.manifest, side.model(model))


def baseline_faults(run: Side, policy: Policy, baseline: Side, model: str) -> list[str]:
    """Why nothing can be held against a baseline; an empty list if it can."""
    if is_itself(run, baseline):
        return ["the baseline is the run itself, or a copy of it"]
    said = unfinished(baseline, model)
    if baseline.summary["demonstration"] and not policy.demonstration:
        said.append("it is a demonstration")
    told = baseline.attempts(baseline.models.index(model))
    if not told.ended:
        return [*said, "no attempt has ended in it"]
    if told.error / told.ended > policy.limits.errors:
        said.append(f"{told.error} of its {told.ended} attempts ended in an error")
    if told.unscored / told.ended > policy.limits.unscored:
        said.append(f"{told.unscored} of its {told.ended} attempts have no verdict")
    return said


def required(run: Side, models: Sequence[str], model: str | None, policy: Policy) -> list[Check]:
    """What has to have been measured.

    Args:
        run: The run.
        models: The models that may have it.
        model: The one that the checks are of; None for the run as a whole.
        policy: The policy.
    """
    wanted = policy.required
    checks = []
    limits = policy.limits.model_copy(update={"n": wanted.n, "clusters": wanted.clusters, "half_width": None})
    for kind, name in wanted.wanted():
        found = sorted(_of(run, models, kind, name, policy), key=lambda score: (-score["n"], -score["n_clusters"]))
        lacks = [(lacking(score, limits, low=None, high=None), score) for score in found]
        faults, best = min(lacks, key=lambda one: bool(one[0]), default=([], None))
        if best is None:
            faults = [f"no score with a value is of {kind} {name}: it was not measured"]
        said = "" if best is None else f"measured over {best['n']} attempts in {best['n_clusters']} clusters"
        threshold = {"n": wanted.n, "clusters": wanted.clusters}
        checks.append(_of_policy(model, f"{kind} {name}", faults, said, threshold))
    if wanted.nothing_left_out:
        left = [one for one in run.manifest.get("left_out", ()) if one.get("model") in (None, *models)]
        names = list(dict.fromkeys(str(one["benchmark"]) for one in left))
        more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
        faults = [f"left out: {', '.join(names[:_FEW])}{more} (run.json says why)"] if names else []
        checks.append(_of_policy(model, "nothing left out", faults, "no benchmark of the suite was left out", {}))
    return checks


def _of(run: Side, models: Sequence[str], kind: str, name: str, policy: Policy) -> Iterator[Score]:
    """The scores with a value that show that something was measured."""
    for model in models:
        told = run.model(model)
        parts = kind in ("hazard", "language")
        for score in [*told["scores"], *(part for part in told["breakdown"] if parts and part["by"] == kind)]:
            if number(score["value"]) is None or not score["n"]:
                continue
            if not policy.demonstration and run.demonstrates(score):
                continue
            if name == _name(score, kind):
                yield score


def _name(score: Score, kind: str) -> str | None:
    if kind == "axis":
        return f"{score['modality']}/{score['evaluation']}"
    if kind == "hazard":
        return score.get("key") if score.get("by") == "hazard" else None
    found: str | None = score[kind]
    return found


def _of_policy(
    model: str | None, about: str, faults: Sequence[str], otherwise: str, threshold: dict[str, int]
) -> Check:
    passed, reason = verdict(faults, otherwise)
    return Check(
        rule="required", kind="required", model=model, about=about, threshold=threshold, passed=passed, reason=reason
    )


def _check(rule: str, model: str, faults: Sequence[str], otherwise: str) -> Check:
    passed, reason = verdict(faults, otherwise)
    return Check(rule=rule, kind="always", model=model, passed=passed, reason=reason)
