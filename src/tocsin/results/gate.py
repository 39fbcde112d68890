"""The gate: a run held against a policy. Every check has its reason, and what cannot be read fails.

A check passes because of what was measured, never for want of it: a rule that finds no score fails, and so do a value that is
null, a run that is unfinished, too many errors, too much without a verdict, and a demonstration.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tocsin.results.gate_always import always, required
from tocsin.results.gate_checks import nothing, shown_off, unmatched
from tocsin.results.gate_conditions import set_up_otherwise
from tocsin.results.gate_grades import grade_checks
from tocsin.results.gate_judges import judge_faults
from tocsin.results.gate_regressions import baseline_check, regressions
from tocsin.results.gate_result import Check, GateResult, figures_of, told_reading, verdict
from tocsin.results.gate_scores import Found, Side, lacking, read_score, select_scores
from tocsin.results.policy import Policy, Rule, Selecting, limits_of, matches, misfit
from tocsin.results.policy_file import PolicyFile


def gate(
    run: Side,
    told: PolicyFile,
    baseline: Side | None = None,
    *,
    models: Sequence[str] = (),
    baseline_model: str = "",
) -> GateResult:
    """Holds a run against a policy.

    Args:
        run: The run.
        told: The policy.
        baseline: The run that regressions and grades are against.
        models: Models of the run that are gated; all if empty.
        baseline_model: The baseline's model, where it is not of the same name and not the only one.

    Raises:
        ValueError: A model is not in its run, or a baseline is missing or not asked for.
    """
    policy = told.policy
    chosen = _chosen(run, models)
    if policy.needs_baseline and baseline is None:
        raise ValueError(f"policy {policy.name} compares with a baseline run: name one with --baseline RUN_FOLDER")
    if baseline is not None and not policy.needs_baseline:
        raise ValueError(
            f"policy {policy.name} compares with no baseline, so {baseline.folder} would be ignored: leave --baseline out,"
            " or name a policy with regressions, such as regression"
        )
    checks: list[Check] = []
    otherwise: list[str] = []
    for name in chosen:
        mine = always(run, name, policy)
        against = None if baseline is None else (baseline, _opposite(baseline, name, baseline_model))
        if against is not None:
            mine.append(baseline_check(run, name, policy, against))
            if names := set_up_otherwise(run, name, against):
                otherwise.append(
                    f"{name} is set up otherwise than in the baseline ({', '.join(names)}): a difference may come from that alone"
                )
        applied = 0
        for rule in policy.rules:
            if _is_about(rule, run, name):
                mine += _thresholds(rule, run, name, policy)
                applied += 1
        for regression in policy.regressions:
            if _is_about(regression, run, name) and against is not None:
                mine += regressions(regression, run, name, policy, against)
                applied += 1
        for scheme in policy.grades:
            if _is_about(scheme, run, name):
                limits = limits_of(policy, scheme)
                mine += grade_checks(scheme, run, name, limits, against, _of_grades(run, policy))
                applied += 1
        if policy.required.over == "model":
            mine += required(run, [name], name, policy)
            applied += len(policy.required.wanted())
        if not applied and not policy.required.wanted():
            reason = "No rule of this policy is about this model: it was held against nothing."
            mine.append(Check(rule="applies", kind="always", model=name, passed=False, reason=reason))
        checks += mine
    if policy.required.over == "run":
        checks += required(run, chosen, None, policy)
    checks += _about_nobody(run, policy)
    return GateResult(
        passed=bool(checks) and all(check.passed for check in checks),
        policy={
            "name": policy.name,
            "title": policy.title,
            "version": policy.version,
            "identity": policy.identity,
            "file": None if told.file is None else str(told.file),
        },
        run=run.summary["run"],
        suite=run.summary["suite"],
        status=run.summary["status"],
        models=chosen,
        baseline=None if baseline is None else baseline.summary["run"],
        checks=checks,
        flags=[*_flags(policy, checks), *otherwise],
        lines=told.lines,
    )


def _chosen(run: Side, models: Sequence[str]) -> list[str]:
    for name in models:
        if name not in run.models:
            raise ValueError(f"run {run.folder} has no model {name!r}: it has {', '.join(run.models)}")
    if not run.models:
        raise ValueError(f"run {run.folder} has no model that could be gated")
    return [name for name in run.models if name in models or not models]


def _opposite(baseline: Side, model: str, named: str) -> str:
    """The model of the baseline that one is held against."""
    if named:
        return _chosen(baseline, [named])[0]
    if model in baseline.models:
        return model
    if len(baseline.models) == 1:
        return baseline.models[0]
    raise ValueError(
        f"baseline {baseline.folder} has {', '.join(baseline.models)}, and none is named {model!r}: say which with"
        " --baseline-model"
    )


def _is_about(rule: Selecting, run: Side, model: str) -> bool:
    return rule.select.model is None or matches(rule.select.model, model)


def _about_nobody(run: Side, policy: Policy) -> list[Check]:
    """Rules whose model the run does not have."""
    every: list[Selecting] = [*policy.rules, *policy.regressions, *policy.grades]
    return [
        nothing(rule.id, "threshold", None, rule.title, rule.select.told())
        for rule in every
        if not any(_is_about(rule, run, name) for name in run.models)
    ]


def _thresholds(rule: Rule, run: Side, model: str, policy: Policy) -> list[Check]:
    """The checks of one rule on one model; of a rule with two thresholds, by each."""
    found = select_scores(run.model(model), rule.select, falls=_falls(rule))
    checks = unmatched(rule, "threshold", model, found)
    if rule.at_least is None or rule.at_most is None:
        return [*checks, *(_threshold(rule, run, model, policy, one) for one in found)]
    for one in found:
        for other, sign in (("at_most", "at least"), ("at_least", "at most")):
            half = rule.model_copy(update={other: None})
            check = _threshold(half, run, model, policy, one)
            checks.append(msgspec.structs.replace(check, about=f"{check.about}, {sign}"))
    return checks


def _falls(rule: Rule) -> bool | None:
    """Whether a rule without a metric means rates that are better when lower; None if it does not tell."""
    return None if rule.at_least is not None and rule.at_most is not None else rule.at_most is not None


def _threshold(rule: Rule, run: Side, model: str, policy: Policy, found: Found) -> Check:
    score, limits = found.score, limits_of(policy, rule)
    reading = read_score(score, rule, rule.corrected or policy.corrected)
    floor = rule.at_least is not None
    wanted = rule.at_least if rule.at_least is not None else rule.at_most
    assert wanted is not None
    sign = "at least" if floor else "at most"
    faults = [fault for fault in (misfit(score["metric"], score["evaluation"], rule.at_least, rule.at_most),) if fault]
    said = figures = ""
    if reading.number is None:
        faults += [reading.fault] if score["n"] else []  # that nothing was judged is said below
    else:
        rate = " of the corrected rate" if reading.corrected else ""
        said = f"{reading.what}{rate} is {reading.number:.3f}"
        figures = f" ({figures_of(reading)}, n {score['n']} of {score['planned']})"
        if not (reading.number >= wanted if floor else reading.number <= wanted):
            faults.append(f"{said}, and {sign} {wanted:g} is wanted{figures}")
    faults += lacking(score, limits, low=reading.low, high=reading.high)
    faults += judge_faults(run, score, rule.judge or policy.judge)
    faults += shown_off(run, score, policy)
    if reading.number is None and not faults:
        faults.append(reading.fault)
    passed, reason = verdict(faults, f"{said}, {sign} {wanted:g} as wanted{figures}")
    return Check(
        rule=rule.id,
        kind="threshold",
        model=model,
        title=rule.title,
        about=found.named,
        score=found.address,
        reads=told_reading(found, reading),
        threshold={"at_least" if floor else "at_most": wanted, "reads": rule.reads},
        passed=passed,
        reason=reason,
        notes=tuple(score["notes"]),
    )


def _of_grades(run: Side, policy: Policy) -> list[str]:
    """Faults of all grades of a run."""
    if policy.corrected == "require":
        return ["grades read the rate as it was judged, and the policy wants it corrected"]
    if run.summary["demonstration"] and not policy.demonstration:
        return ["it is a demonstration"]
    return []


def _flags(policy: Policy, checks: Sequence[Check]) -> list[str]:
    """What a reader of the result has to know of the policy."""
    said = [
        f"rule {rule.id} reads the mere estimate: what chance and missing answers could hide is not in it"
        if rule.reads == "value"
        else f"rule {rule.id} reads the limit alone: what missing answers could hide is not in it"
        if rule.reads == "limit"
        else f"rule {rule.id} reads the bound of what is unmeasured alone: what chance could hide is not in it"
        for rule in policy.rules
        if rule.reads != "limit_and_worst"
    ]
    for rule in policy.regressions:
        if rule.mode == "significant":
            said.append(f"rule {rule.id} fails only if a regression is shown: with few cases a large one stays unseen")
        if rule.mode == "significant" or rule.reads == "limit":
            said.append(f"rule {rule.id} reads the interval alone: what missing answers could hide is not in it")
        if left := [name for name in ("suite", "dataset", "sampling") if name not in rule.same]:
            said.append(f"rule {rule.id} compares across another {', '.join(left)}")
    if policy.demonstration:
        said.append("a demonstration may pass: it says nothing of how safe a model is")
    if any((check.reads or {}).get("corrected") for check in checks):
        said.append("where a rate was put right for its judge's error, that rate is read, and not the raw one")
    return said
