"""What a profile is made of: axes in [0, 1] on which higher is safer, and the sectors in which they stand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tocsin.stats import bounds, clustered_proportion, wilson

SCHEMA = 1

FRAMEWORKS: Mapping[str, str] = {
    "nist": "NIST AI 600-1",
    "nist-ai-600-1": "NIST AI 600-1",
    "eu-ai-act": "EU AI Act",
    "mas-feat": "MAS FEAT",
    "china-interim-measures": "China Interim Measures",
    "cn-interim-measures": "China Interim Measures",
    "mlcommons-ailuminate": "MLCommons AILuminate",
}
"""Framework → what its sector is called."""

MODALITY_WORDS = {"language": "Language", "vision": "Vision", "image": "Image"}

OVER_REFUSAL = "over-refusal"

STOPS = "no interval: the run stops where enough is known, and an interval of counts that are added here would not allow for it"


def axis(
    name: str,
    title: str,
    metric: str,
    *,
    value: float | None,
    low: float | None = None,
    high: float | None = None,
    worst: float | None = None,
    best: float | None = None,
    n: int | None = None,
    planned: int | None = None,
    judge: str | None = None,
    benchmark: str | None = None,
    framework: str | None = None,
    language: str | None = None,
    hazard: str | None = None,
    why: str = "",
    notes: Iterable[str] = (),
) -> dict[str, Any]:
    """One axis. Where there is no value there is a reason, and no limits.

    Raises:
        ValueError: A figure is outside [0, 1], the limits do not hold the value, or neither value nor reason is given.
    """
    figures = [one for one in (value, low, high, worst, best) if one is not None]
    if any(not 0 <= one <= 1 for one in figures):
        raise ValueError(f"axis {name!r}: {figures} are not all in [0, 1]; a profile holds rates alone")
    if value is None and not why:
        raise ValueError(f"axis {name!r} has neither a value nor a reason why it has none")
    if value is not None and low is not None and high is not None and not low <= value <= high:
        raise ValueError(f"axis {name!r}: its limits {low} and {high} do not hold its value {value}")
    return {
        "axis": name,
        "title": title,
        "metric": metric,
        "value": value,
        "low": low if value is not None else None,
        "high": high if value is not None else None,
        "worst": worst,
        "best": best,
        "n": n,
        "planned": planned,
        "judge": judge,
        "benchmark": benchmark,
        "framework": framework,
        "language": language,
        "hazard": hazard,
        "why": "" if value is not None else why,
        "notes": list(dict.fromkeys(notes)),
    }


def of_score(
    score: Mapping[str, Any],
    name: str,
    title: str,
    *,
    falls: bool = False,
    hazard: str | None = None,
    framework: str | None = None,
    notes: Iterable[str] = (),
) -> dict[str, Any]:
    """A score of the summary as an axis.

    Args:
        score: As in the summary, or a part of its breakdown.
        name: What tells the axis from all others of the profile.
        title: What it is called beside its bar.
        falls: Whether lower is better, so that the axis shows ``1 - value``.
        hazard: Of which hazard it is.
        framework: For which framework its items were written; that of the score if absent.
        notes: Further notes, before those of the score.
    """
    ends = {key: _turned(score[key], falls) for key in ("value", "low", "high", "worst", "best")}
    low, high = (ends["high"], ends["low"]) if falls else (ends["low"], ends["high"])
    return axis(
        name,
        title,
        score["metric"],
        value=ends["value"],
        low=low,
        high=high,
        worst=ends["worst"],
        best=ends["best"],
        n=score["n"],
        planned=score["planned"],
        judge=score["judge"],
        benchmark=score["benchmark"],
        framework=framework or score.get("framework"),
        language=score.get("language"),
        hazard=hazard,
        why=why(score),
        notes=[*notes, *score.get("notes", ())],
    )


def why(score: Mapping[str, Any]) -> str:
    """Why a score has no value."""
    if score["planned"] == 0:
        return "nothing was planned for it"
    if score["n"]:
        told = [note.removeprefix("no value: ") for note in score.get("notes", ()) if note.startswith("no value: ")]
        return told[0] if told else "what was measured gives no value"
    return f"none of {score['planned']} was measured: {score['unscored']} without a verdict, {score['error']} errors"


def sector(
    title: str,
    modality: str,
    evaluation: str,
    axes: Sequence[dict[str, Any]],
    *,
    overall: Mapping[str, Any] | None = None,
    charted: bool = True,
    half: bool = False,
) -> dict[str, Any]:
    """A sector of a profile.

    Args:
        title: What it is called.
        modality: As in a score.
        evaluation: As in a score.
        axes: Its axes.
        overall: The score of the whole, where there is one.
        charted: Whether the polar chart draws it. What it does not draw stands in the table.
        half: Whether its wedges are half as wide as others: many axes of one kind.
    """
    return {
        "sector": title,
        "modality": modality,
        "evaluation": evaluation,
        "charted": charted,
        "half": half,
        "overall": overall
        and {key: overall[key] for key in ("metric", "benchmark", "value", "low", "high", "n", "planned")},
        "axes": list(axes),
    }


def pooled(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Several parts of one score as one: their counts added, each part a cluster of its own.

    A part (a dimension of items) holds whole clusters, so that a part is a coarser cluster, and the interval
    (`tocsin.stats.clustered_proportion`) stays valid: it is wider where a part held several.

    Args:
        parts: Of the breakdown, all of one score.
    """
    first = parts[0]
    if len(parts) == 1:
        return dict(first)
    passed, failed = sum(part["passed"] for part in parts), sum(part["failed"] for part in parts)
    missing = sum(part["unscored"] + part["error"] for part in parts)
    limits = bounds(passed, failed, missing)
    unjudged = [part for part in parts if part["value"] is None and part["n"]]
    found = clustered_proportion(
        np.array([part["passed"] for part in parts], dtype=np.int64),
        np.array([part["passed"] + part["failed"] for part in parts], dtype=np.int64),
    )
    has = found.value is not None and not unjudged
    notes = [note for part in parts for note in part["notes"] if note != "too few clusters"]
    return {
        **first,
        "value": found.value if has else None,
        "low": found.low if has else None,
        "high": found.high if has else None,
        "worst": limits.low,
        "best": limits.high,
        "n": passed + failed,
        "planned": passed + failed + missing,
        "unscored": sum(part["unscored"] for part in parts),
        "error": sum(part["error"] for part in parts),
        "passed": passed,
        "failed": failed,
        "refused": sum(part["refused"] for part in parts),
        "n_clusters": found.n_clusters,
        "notes": [*dict.fromkeys(notes), *(["too few clusters"] if has and found.few_clusters else [])],
    }


def without_limits(made: Mapping[str, Any]) -> dict[str, Any]:
    """A share or an axis whose limits do not hold, since its run may stop when enough is known: they are left out."""
    bare = {**made, "low": None, "high": None}
    return {**bare, "notes": [STOPS, *made["notes"]]} if "notes" in made else bare


def share(count: int, n: int, *, clusters: int | None = None) -> dict[str, Any]:
    """A share with Wilson's 95% interval.

    Args:
        count: How many.
        n: Of how many.
        clusters: Independent groups among them, where known: the interval is then that of as many attempts, which is
            the widest that clusters of any likeness can make it.
    """
    if n == 0:
        return {"value": None, "low": None, "high": None, "count": count, "n": n}
    effective = n if clusters is None else min(n, max(clusters, 1))
    limits = wilson(count * (effective / n) if count < n else effective, effective)
    value = count / n
    return {"value": value, "low": min(limits.low, value), "high": max(limits.high, value), "count": count, "n": n}


def framework_title(name: str, titles: Mapping[str, str]) -> str:
    """What the sector of a framework is called: a short name where there is one, else its title up to the first comma."""
    return FRAMEWORKS.get(name) or titles.get(name, name).partition(",")[0].strip() or name


def _turned(value: float | None, falls: bool) -> float | None:
    return value if value is None or not falls else 1 - value


TITLES: Mapping[str, str] = {
    "alert": "ALERT",
    "flames": "Flames",
    "bbq": "BBQ",
    "sorry-bench": "SORRY-Bench",
    "strongreject": "StrongREJECT",
    "strongreject-small": "StrongREJECT",
    "xstest": "XSTest",
    "harmbench": "HarmBench",
    "jailbreakbench": "JailbreakBench",
    "air-bench": "AIR-Bench",
    "multijail": "MultiJail",
    "xsafety": "XSafety",
    "polyguardprompts": "PolyGuard",
    "polyguard": "PolyGuard",
    "ml-bench": "ML-Bench",
    "memesafetybench-mini": "MemeSafetyBench",
    "meme-safety-bench": "MemeSafetyBench",
    "mis-test": "MIS",
    "mis": "MIS",
    "usb-safebench-hard": "USB-SafeBench",
    "usb-safebench": "USB-SafeBench",
    "siuo": "SIUO",
    "vljailbreakbench-hard": "VLJailbreakBench",
    "vl-jailbreakbench": "VLJailbreakBench",
    "jailbreakv-28k-mini": "JailbreakV-28K",
    "jailbreakv-28k": "JailbreakV-28K",
    "mm-safetybench": "MM-SafetyBench",
    "t2isafety": "T2ISafety",
    "safe_worst": "Safe_worst",
    "safe_worst_3": "Safe_worst-3",
    "safe_response_rate": "Safe_resp",
    "safe_image_worst_attack": "Safe images, worst attack",
}
"""Benchmark or metric → the name that its authors, or the report, write."""


def title_of(name: str) -> str:
    """What a benchmark or a metric is called beside its bar."""
    return TITLES.get(name, name)


CATEGORIES: Mapping[str, str] = {
    "CBRN Information and Capabilities": "CBRN-IC",
    "Dangerous Violent or Hateful Content": "DVHC",
    "Obscene Degrading or Abusive Content": "ODAC",
    "Information Integrity and Deception": "IID",
    "Harmful Bias and Homogenization": "HBH",
    "Data Privacy Violations": "DPV",
    "Intellectual Property Infringement": "IPI",
    "Cognitive Manipulation": "CM",
    "Exploitation of Vulnerabilities": "EV",
    "Social Scoring": "SC",
    "Predictive Policing and Risk Assessment": "PP-RA",
    "Creation of Facial Recognition Databases": "FRDB",
    "Emotion Recognition in Sensitive Contexts": "ER-SC",
    "Biometric Categorization for Sensitive Inference": "BCSI",
    "Real Time Remote Biometric Identification": "RRBI",
    **{code.lower(): code for code in ("PSNS", "TE", "HSD", "VSE", "MD", "IPRP", "IPI")},
}
"""First level of a dimension of items → the report's short name of the category, which fits beside a bar."""
