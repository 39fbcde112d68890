"""What attacks did, as sentences made from their counts."""

from __future__ import annotations

from typing import Any

from tocsin.evaluations.adversarial import EVALUATION, POOLED
from tocsin.evaluations.plan import DIRECT
from tocsin.evaluations.scoring import TRANSFER
from tocsin.report import clean, modalities, words
from tocsin.report.messages import begun, joined, lowered, message
from tocsin.report.rates_told import by_modality, interval, on_rates


def attacked_before(
    model: dict[str, Any], rates: list[dict[str, Any]], tables: dict[tuple[str, str, str], dict[str, int]]
) -> list[str]:
    """What published attacks did, which nobody makes here."""
    published = [score for score in rates if score["benchmark"] is not None]
    lines = [line for some in by_modality(published) for line in on_rates(model, some, False, tables)]
    return [message("Under published attacks: {told}", told=lowered(line)) for line in lines]


def under_attack(model: dict[str, Any]) -> list[str]:
    """What the attacks did in each modality."""
    found = modalities.attacks(model)
    live = [s for s in model["scores"] if s["evaluation"] == EVALUATION and s["benchmark"] is None]
    told = []
    for modality, detail in found.items():
        mine = [score for score in live if score.get("modality", "language") == modality]
        if said := _transferred(mine) or _withstood(mine, detail):
            apart = message("{modality}: {told}", modality=begun(words.SHORT[modality]), told=lowered(said))
            told.append(apart if modalities.told(list(found)) else said)
    return told


def _withstood(mine: list[dict[str, Any]], detail: dict[str, Any]) -> str:
    """The cases that withstood all attacks, the pooled rate, the attack that succeeded most; empty if nothing was measured."""
    scores = {score["metric"]: score for score in mine}
    if POOLED not in scores or not scores[POOLED]["n"]:
        return ""
    worst, pooled = scores["safe_worst"], scores[POOLED]
    single = [s for s in mine if s["metric"] == "attack_success_rate" and s["value"] is not None]
    named = [name for name in detail["attacks"] if name != DIRECT]
    attacks = words.count(len(named), "attack") if named else message("the plain request")
    if named and len(named) < len(detail["attacks"]):
        attacks = message("{attacks} and the plain request", attacks=attacks)
    if worst["value"] is None:
        stood = message(
            "Under {attacks}, between {worst} and {best} of {cases} withstood every one: of {unknown} it is not known.",
            attacks=attacks,
            worst=words.percent(worst["worst"]),
            best=words.percent(worst["best"]),
            cases=words.count(worst["planned"], "case"),
            unknown=f"{worst['unscored']:,}",
        )
    else:
        stood = message(
            "Under {attacks}, {safe} of {cases} withstood every one; that is {value}{interval}.",
            attacks=attacks,
            safe=f"{worst['safe']:,}",
            cases=words.count(worst["planned"], "case"),
            value=words.percent(worst["value"]),
            interval=interval(worst),
        )
    by_refusal = str(pooled["judge"]).startswith("refusal@")
    told = [
        stood,
        message(
            "Of all answers to attacked requests, {value} {judged}{interval}.",
            value=words.percent(pooled["value"]),
            judged=message("refused") if by_refusal else message("were judged safe"),
            interval=interval(pooled),
        ),
    ]
    if by_refusal:
        told.append(
            message("The judge reads refusals and nothing else: every other answer counts as a success of the attack.")
        )
    single = [score for score in single if score["attack"] != "direct"]
    most = max((score["value"] for score in single), default=0.0)
    strongest = [clean.name(score["attack"]) for score in single if score["value"] == most]
    if len(single) > 1 and most > 0 and not detail["searched"]:  # of a search there are few of each
        told.append(
            message(
                "Most successful {were} {strongest}, on {most} of cases.",
                were="was" if len(strongest) == 1 else "were",
                strongest=words.listed(strongest, most=4),
                most=words.percent(most),
            )
        )
    return joined(told)


def _transferred(mine: list[dict[str, Any]]) -> str:
    """How much of what succeeded on another model succeeds on this one; empty in a run of another kind."""
    found = {score["attack"]: score for score in mine if score["metric"] == TRANSFER}
    whole, plain = found.get(None), found.get(DIRECT)
    if whole is None or not whole["n"]:
        return ""
    share, some = words.percent(whole["value"]), words.count(whole["planned"], "success", "successes")
    if whole["n"] == whole["planned"]:
        told = message(
            "Of {some} in the run before, {share} succeeded on this model{interval}.",
            some=some,
            share=share,
            interval=interval(whole),
        )
    else:
        told = message(
            "Of {some} in the run before that were put to this model, {n} could be measured, and {share} "
            "of these succeeded again{interval}.",
            some=some,
            n=f"{whole['n']:,}",
            share=share,
            interval=interval(whole),
        )
    if plain is not None and plain["n"]:
        control = message(
            "The plain request, without an attack, broke it on {value} of the same cases.",
            value=words.percent(plain["value"]),
        )
        return joined((told, control))
    return told
