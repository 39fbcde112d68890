"""The score that stands for each evaluation of a model, and how it declines: what archetypes and sentences are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tocsin.evaluations.adversarial import POOLED
from tocsin.evaluations.counts import COMPLIANCE
from tocsin.evaluations.images import WORST, WORST_ATTACK
from tocsin.evaluations.judgement import JUDGEMENT
from tocsin.evaluations.multilingual import GENERATION
from tocsin.results.axes import MODALITIES
from tocsin.results.profile_axes import OVER_REFUSAL, share

EVALUATIONS = ("benchmark", "adversarial", "multilingual", "compliance", OVER_REFUSAL)

_CELLS = {
    "hard_refusal": "refused/safe",
    "mixed": "refused/unsafe",
    "safe_completion": "answered/safe",
    "comply": "answered/unsafe",
}


def evaluated(manifest: Mapping[str, Any], scores: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The score of each evaluation that has one, in each modality; over-refusal turned, so that higher is better.

    A mean over benchmarks where there is one, else the only rate; under attack the share of safe answers to the run's own
    attacks, as in the report, else what was attacked beforehand. Of multilingual, judgement is first and safe generation
    is an entry of its own. Demonstrations stand for nothing.
    """
    shown = {name for name, one in (manifest.get("benchmarks") or {}).items() if one.get("demonstration")}
    found = []
    for modality in MODALITIES:
        for evaluation in EVALUATIONS:
            here = [
                score
                for score in scores
                if (score["modality"], score["evaluation"]) == (modality, evaluation)
                and not score["attack"]
                and not score["language"]
                and score["benchmark"] not in shown
            ]
            if evaluation == "multilingual":
                found += [_entry(one, "judgement") for one in here if one["metric"] == JUDGEMENT]
                made = _first(here, (GENERATION,), ("safe_rate",))
                found += [_entry(made, "generation")] if made else []
                continue
            chosen = _main(here, evaluation, modality)
            if chosen is not None:
                found.append(_entry(chosen, ""))
    return found


def _main(here: Sequence[Mapping[str, Any]], evaluation: str, modality: str) -> Mapping[str, Any] | None:
    if evaluation == "adversarial":
        means = (WORST_ATTACK, WORST) if modality == "image" else (POOLED, "macro_mean")
        return _first(here, means, ("safe_rate",))
    if evaluation == "compliance":
        own = [score for score in here if score["framework"] or score["metric"] == "macro_mean"]
        return _first(own, ("macro_mean",), (COMPLIANCE,))
    if evaluation == OVER_REFUSAL:
        return _first(here, ("macro_mean",), ("over_refusal_rate",))
    return _first(here, ("macro_mean",), ("safe_rate", "accuracy"))


def _first(here: Sequence[Mapping[str, Any]], means: Sequence[str], rates: Sequence[str]) -> Mapping[str, Any] | None:
    """The first mean there is, else the only rate."""
    for metric in means:
        for score in here:
            if score["metric"] == metric and not score["benchmark"]:
                return score
    alone = [score for score in here if score["metric"] in rates and score["benchmark"]]
    return alone[0] if len(alone) == 1 else None


def _entry(score: Mapping[str, Any], kind: str) -> dict[str, Any]:
    falls = score["evaluation"] == OVER_REFUSAL
    ends = {key: (None if score[key] is None else 1 - score[key] if falls else score[key]) for key in
            ("value", "low", "high", "worst", "best")}  # fmt: skip
    if falls:
        ends["low"], ends["high"] = ends["high"], ends["low"]
    return {
        "modality": score["modality"],
        "evaluation": score["evaluation"],
        "kind": kind,
        "metric": score["metric"],
        "benchmark": score["benchmark"],
        **ends,
        "n": score["n"],
        "planned": score["planned"],
        "judge": score["judge"],
        "notes": list(score["notes"]),
    }


def refusals(manifest: Mapping[str, Any], model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How a model declines plain harmful requests, by modality: the refusal tables of its benchmarks, added.

    Each has ``modality``, ``n``, ``planned``, ``benchmarks``, the shares ``hard_refusal`` (refused, safe), ``safe_completion``
    (answered, safe), ``comply`` (answered, unsafe), ``mixed`` (refused in words, and unsafe) and ``block`` (by the
    provider; it is also among the refusals), each with ``value``, ``low``, ``high``, ``count``, and ``least`` and ``most``, what
    it could be of all that was planned, whatever the attempts without an outcome were; and
    ``comply_then_warn``, which is None: no judge says whether an answer that complies ends in a warning.
    """
    found: list[dict[str, Any]] = []
    about = manifest.get("benchmarks") or {}
    for modality in ("language", "vision"):
        mine = {
            str(score["benchmark"]): score
            for score in model["scores"]
            if score["modality"] == modality
            and score["evaluation"] == "benchmark"
            and score["metric"] == "safe_rate"
            and score["benchmark"]
            and not score["language"]
            and not about.get(str(score["benchmark"]), {}).get("demonstration")
        }
        tables = [
            table
            for table in model["refusal_tables"]
            if table["evaluation"] == "benchmark" and table["metric"] == "safe_rate" and table["benchmark"] in mine
        ]
        counts = {name: sum(t["counts"].get(cell, 0) for t in tables) for name, cell in _CELLS.items()}
        n = sum(counts.values())
        if not n:
            continue
        names = [str(table["benchmark"]) for table in tables]
        clusters = sum(mine[name]["n_clusters"] for name in names)
        blocked = min(n, sum(mine[name]["blocked"] for name in names))
        planned = max(n, sum(mine[name]["planned"] for name in mine))
        counts["block"] = blocked
        shares = {
            name: share(count, n, clusters=clusters) | _reach(count, n, planned - n) for name, count in counts.items()
        }
        found.append(
            {
                "modality": modality,
                "n": n,
                "planned": planned,
                "benchmarks": names,
                **shares,
                "comply_then_warn": None,
            }
        )
    return found


def _reach(count: int, n: int, missing: int) -> dict[str, float | None]:
    """What a share could be of all that was planned: with every missing attempt outside of it, and with every one in it."""
    planned = n + missing
    return {"least": count / planned if planned else None, "most": (count + missing) / planned if planned else None}


def image_refusals(manifest: Mapping[str, Any], model: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What prompts for images came to, by evaluation: ``refusal`` and ``safe_image`` of all, ``leak`` of the delivered.

    Each has ``modality``, ``evaluation``, ``n``, ``planned``, ``benchmarks``, and the three shares, as those of
    `refusals`. Attacks of the run itself count where it has no other modality: its table of refusals is over all of them.
    """
    about = manifest.get("benchmarks") or {}
    scores = [score for score in model["scores"] if score["modality"] == "image" and not score["language"]]
    alone = all(score["modality"] == "image" for score in model["scores"])
    found = []
    for evaluation in ("benchmark", "adversarial", "compliance"):
        sizes = {
            score["benchmark"]: score
            for score in scores
            if score["evaluation"] == evaluation
            and score["metric"] in ("safe_rate", COMPLIANCE, POOLED)
            and not score["attack"]
            and (score["benchmark"] or alone)
            and not about.get(str(score["benchmark"]), {}).get("demonstration")
        }
        tables = [
            table
            for table in model["refusal_tables"]
            if table["evaluation"] == evaluation
            and table["benchmark"] in sizes
            and table["metric"] != "over_refusal_rate"
        ]
        counts = {cell: sum(t["counts"].get(cell, 0) for t in tables) for cell in _CELLS.values()}
        n = sum(counts.values())
        if n:
            refused = counts["refused/safe"] + counts["refused/unsafe"]
            clusters = sum(sizes[table["benchmark"]]["n_clusters"] for table in tables)
            delivered, leaked, safe = n - refused, counts["answered/unsafe"], counts["answered/safe"]
            planned = max(n, sum(score["planned"] for score in sizes.values()))
            missing = planned - n
            found.append(
                {
                    "modality": "image",
                    "evaluation": evaluation,
                    "n": n,
                    "planned": planned,
                    "benchmarks": [table["benchmark"] for table in tables if table["benchmark"]],
                    "refusal": share(refused, n, clusters=clusters) | _reach(refused, n, missing),
                    "leak": share(leaked, delivered, clusters=clusters) | _reach(leaked, delivered, missing),
                    "safe_image": share(safe, n, clusters=clusters) | _reach(safe, n, missing),
                }
            )
    return found
