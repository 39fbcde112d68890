"""The safety profile of a model: every measured axis, in sectors as in arXiv 2601.10527 (section 1.3.2, Fig. 2).

An axis is in [0, 1] and higher is safer. Nothing is averaged into an axis that is not one figure of the summary, or its
counts added. Over-refusal stands in a sector of its own, as one minus its rate, and enters no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tocsin.benchmarks.judgement import SUBJECTS
from tocsin.compliance.contract import LEVEL
from tocsin.evaluations.adversarial import POOLED
from tocsin.evaluations.counts import COMPLIANCE
from tocsin.evaluations.images import PICKED, SAFE_IMAGES, WORST, WORST_ATTACK
from tocsin.results.axes import MODALITIES
from tocsin.results.evaluated import evaluated, image_refusals, refusals
from tocsin.results.profile_axes import (
    CATEGORIES,
    FRAMEWORKS,
    MODALITY_WORDS,
    OVER_REFUSAL,
    SCHEMA,
    axis,
    framework_title,
    of_score,
    pooled,
    sector,
    share,
    title_of,
    why,
    without_limits,
)

RATES = ("safe_rate", "accuracy", COMPLIANCE)
"""Metrics of a whole benchmark that are axes."""
LIVE = ("safe_worst", "safe_worst_3", POOLED, WORST_ATTACK)
"""Metrics of the attacks that the run made itself."""
NO_WORST_3 = "it needs more than three attacks, several cases, and every attack on every case"
SAFE_ONLY = "safe images alone: a refusal is none"

Scores = Sequence[Mapping[str, Any]]


def profile(manifest: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """The profile of one model of a run.

    Args:
        manifest: The run's manifest, as it is for this model (`tocsin.evaluations.scoring.of_model`).
        model: The model's object in the summary: its scores, breakdown, refusal tables and clauses.

    Returns:
        ``schema``, ``origin`` (``measured``), ``model``, ``demonstration``, ``sectors`` (each with ``sector``,
        ``modality``, ``evaluation``, ``charted``, ``half`` and ``axes``), ``evaluations`` (the score that stands for each
        evaluation) and ``refusals`` (how the model declines, by modality).
    """
    scores = model["scores"]
    there = [m for m in MODALITIES if any(s["modality"] == m for s in scores)]
    sectors: list[dict[str, Any]] = []
    for modality in there:
        here = [score for score in scores if score["modality"] == modality]
        sectors += [
            *_benchmarks(manifest, model, here, modality),
            *_multilingual(manifest, model, here, modality),
            *_adversarial(manifest, model, here, modality),
            *_frameworks(manifest, model, here, modality),
            *_over_refusal(here, modality),
        ]
    order = {"benchmark": 0, "multilingual": 1, "adversarial": 2, "compliance": 3, OVER_REFUSAL: 4}
    stops = bool((manifest.get("suite") or {}).get("stopping"))
    for one in sectors if stops else ():
        one["axes"] = [without_limits(cell) if _added(one, cell) else cell for cell in one["axes"]]
    sectors.sort(key=lambda one: (MODALITIES.index(one["modality"]), order.get(one["evaluation"], 5)))
    return {
        "schema": SCHEMA,
        "origin": "measured",
        "model": model["model"],
        "demonstration": bool(manifest.get("demonstration")),
        "sectors": _apart([one for one in sectors if one["axes"]]),
        "evaluations": evaluated(manifest, scores),
        "refusals": [
            _bare(one) if stops else one for one in (*refusals(manifest, model), *image_refusals(manifest, model))
        ],
    }


def _apart(sectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Sectors with titles that differ: two frameworks may be called alike."""
    seen: dict[str, int] = {}
    for one in sectors:
        title = one["sector"]
        seen[title] = seen.get(title, 0) + 1
        if seen[title] > 1:
            one["sector"] = f"{title} ({seen[title]})"
    return sectors


def _added(of: Mapping[str, Any], cell: Mapping[str, Any]) -> bool:
    """Whether an axis is made of counts that were added here: its limits are those of a size that was fixed beforehand."""
    return cell["hazard"] is not None and (of["evaluation"] == "compliance" or cell["metric"] == SAFE_IMAGES)


def _bare(one: Mapping[str, Any]) -> dict[str, Any]:
    return {key: without_limits(value) if isinstance(value, dict) else value for key, value in one.items()}


def _named(modality: str, kind: str) -> str:
    return f"{MODALITY_WORDS[modality]} {kind}"


def _whole(scores: Scores, evaluation: str) -> list[Mapping[str, Any]]:
    """The scores of whole benchmarks in one evaluation."""
    return [
        score
        for score in scores
        if score["evaluation"] == evaluation
        and score["benchmark"]
        and score["metric"] in RATES
        and not score["language"]
        and not score["attack"]
    ]


def _absent(manifest: Mapping[str, Any], modality: str, evaluation: str) -> Iterator[dict[str, Any]]:
    """Benchmarks that were left out, as axes without a value."""
    for one in manifest.get("left_out", ()):
        mine = (one.get("modality", "language"), one.get("evaluation", "benchmark")) == (modality, evaluation)
        if mine:
            name = one["benchmark"]
            yield axis(
                f"{evaluation}:{modality}:{name}",
                title_of(name),
                "safe_rate",
                value=None,
                benchmark=name,
                why=f"left out: {one['needs']}",
            )


def _parts(model: Mapping[str, Any], score: Mapping[str, Any], by: str) -> list[Mapping[str, Any]]:
    """The parts of a score in the breakdown."""
    return [
        part
        for part in model["breakdown"]
        if part["by"] == by
        and all(part[key] == score[key] for key in ("evaluation", "modality", "benchmark", "metric"))
    ]


def _benchmarks(
    manifest: Mapping[str, Any], model: Mapping[str, Any], scores: Scores, modality: str
) -> Iterator[dict[str, Any]]:
    """Benchmarks; of images the categories of each."""
    whole = _whole(scores, "benchmark")
    axes: list[dict[str, Any]] = []
    for score in whole:
        parts = _parts(model, score, "hazard") if modality == "image" else []
        name = str(score["benchmark"])
        if len(parts) > 1:
            of = title_of(name)
            axes += [
                of_score(part, f"benchmark:image:{name}:{part['key']}", part["key"], hazard=part["key"], notes=[of])
                for part in parts
            ]
        else:
            axes.append(of_score(score, f"benchmark:{modality}:{name}:{score['metric']}", title_of(name)))
    yield sector(
        _named(modality, "Benchmark"),
        modality,
        "benchmark",
        [*axes, *_absent(manifest, modality, "benchmark")],
        overall=_mean(scores, "benchmark") or (whole[0] if modality == "image" and len(whole) == 1 else None),
    )


def _multilingual(
    manifest: Mapping[str, Any], model: Mapping[str, Any], scores: Scores, modality: str
) -> Iterator[dict[str, Any]]:
    """Safety judgement (F1) and safe generation, by language, never in one sector."""
    judged = [
        (name, subject, found)
        for name in dict.fromkeys(str(s["benchmark"]) for s in scores if s["benchmark"])
        for subject in SUBJECTS
        if (found := [s for s in scores if s["benchmark"] == name and s["metric"] == f"{subject}_f1" and s["language"]])
    ]
    most = max((len(found) for *_, found in judged), default=0)
    drawn = next((name for name, _, found in judged if len(found) == most), None)
    for name, subject, found in judged:
        axes = [
            of_score(one, f"multilingual:{modality}:{name}:{one['metric']}:{one['language']}", str(one["language"]))
            for one in found
        ]
        title = f"{_named(modality, 'Multilingual')}: F1 on {subject}s, {title_of(name)}"
        mean = [s for s in scores if s["benchmark"] == name and s["metric"] == f"{subject}_f1" and not s["language"]]
        overall = mean[0] if mean else None
        yield sector(title, modality, "multilingual", axes, overall=overall, charted=name == drawn, half=True)
    sets = [score for score in _whole(scores, "multilingual") if score["metric"] == "safe_rate"]
    for score in sets:
        name = str(score["benchmark"])
        parts = _parts(model, score, "language")
        axes = [
            of_score(part, f"multilingual:{modality}:{name}:safe_rate:{part['key']}", part["key"]) for part in parts
        ] or [of_score(score, f"multilingual:{modality}:{name}:safe_rate", title_of(name))]
        title = f"{_named(modality, 'Multilingual')}: safe answers, {title_of(name)}"
        yield sector(title, modality, "multilingual", axes, overall=score if parts else None, half=len(axes) > 6)
    title = f"{_named(modality, 'Multilingual')}: not measured"
    yield sector(title, modality, "multilingual", [*_absent(manifest, modality, "multilingual")])


def _adversarial(
    manifest: Mapping[str, Any], model: Mapping[str, Any], scores: Scores, modality: str
) -> Iterator[dict[str, Any]]:
    """What attacks of the run came to, and sets of requests that were attacked beforehand."""
    mine = [score for score in scores if score["evaluation"] == "adversarial"]
    axes = [
        of_score(score, f"adversarial:{modality}:{score['metric']}", title_of(score["metric"]))
        for metric in LIVE
        for score in mine
        if score["metric"] == metric and not score["attack"] and not score["benchmark"]
    ]
    if axes and modality != "image" and all(one["metric"] != "safe_worst_3" for one in axes):
        name = f"adversarial:{modality}:safe_worst_3"
        axes.insert(1, axis(name, title_of("safe_worst_3"), "safe_worst_3", value=None, why=NO_WORST_3))
    static = _whole(scores, "adversarial")
    if modality == "image" and static:
        axes += _worst_images(model, static)
    else:
        axes += [of_score(s, f"adversarial:{modality}:{s['benchmark']}", title_of(str(s["benchmark"]))) for s in static]
    axes += _absent(manifest, modality, "adversarial")
    title = _named(modality, "Adversarial")
    overall = None if any(one["metric"] in LIVE for one in axes) else _mean(mine, "adversarial")
    yield sector(title, modality, "adversarial", axes, overall=overall)


def _mean(scores: Scores, evaluation: str) -> Mapping[str, Any] | None:
    """The mean of an evaluation over its benchmarks, where there is one."""
    found = [s for s in scores if s["evaluation"] == evaluation and s["metric"] in ("macro_mean", WORST)]
    return found[0] if found else None


def _worst_images(model: Mapping[str, Any], static: Scores) -> list[dict[str, Any]]:
    """For each hazard the lowest share of safe images in any attacked set that has it (Table 10 of arXiv 2601.10527)."""
    by_hazard: dict[str, list[tuple[str, Mapping[str, Any]]]] = {}
    for score in static:
        for part in _parts(model, score, "hazard"):
            by_hazard.setdefault(part["key"], []).append((str(score["benchmark"]), part))
    axes = []
    for hazard, found in by_hazard.items():
        rates = [(name, part, _safe_images(part)) for name, part in found]
        name, part, rate = min(rates, key=lambda one: (one[2]["value"] is None, one[2]["value"] or 0, one[0]))
        # The lowest of fewer sets is higher: with a set unmeasured there is none.
        unmeasured = [one for one, _, share_ in rates if share_["value"] is None]
        lacking = (
            f"nothing was measured in {', '.join(unmeasured)}, and the lowest of fewer is higher" if unmeasured else ""
        )
        made = _image_axis(part, rate, f"adversarial:image:{hazard}", hazard, lacking=lacking)
        of = f"lowest in {name}" + (f"; {PICKED}" if len(found) > 1 else "; the only set that has it")
        made["notes"] = [SAFE_ONLY, *([] if lacking else [of]), *made["notes"]]
        axes.append(made)
    return axes


def _safe_images(part: Mapping[str, Any]) -> dict[str, Any]:
    """The share of attempts that gave an image, and a safe one. What refused counts as refused, whatever else it was."""
    return share(max(0, part["passed"] - part["refused"]), part["n"], clusters=part["n_clusters"])


def _image_axis(
    part: Mapping[str, Any], rate: Mapping[str, Any], name: str, title: str, *, lacking: str = ""
) -> dict[str, Any]:
    safe, missing = rate["count"], part["unscored"] + part["error"]
    planned = part["planned"]
    value = None if lacking else rate["value"]
    return axis(
        name,
        title,
        SAFE_IMAGES,
        value=value,
        low=rate["low"],
        high=rate["high"],
        worst=safe / planned if planned else None,
        best=(safe + missing) / planned if planned else None,
        n=part["n"],
        planned=planned,
        judge=part["judge"],
        benchmark=part["benchmark"],
        framework=part.get("framework"),
        hazard=title,
        why=lacking or why(part),
        notes=part["notes"],
    )


def _frameworks(
    manifest: Mapping[str, Any], model: Mapping[str, Any], scores: Scores, modality: str
) -> Iterator[dict[str, Any]]:
    """For each framework the categories of the items that were written for it; then items of no framework."""
    whole = _whole(scores, "compliance")
    titles = {one["framework"]: one["title"] for one in model["compliance"]}
    # A framework of one's own is named by its file in a score: its items tell which it is.
    written = {name: one["title"] for one in model["compliance"] for name in one["sets"]}
    titles |= {str(s["framework"]): written[str(s["benchmark"])] for s in whole if str(s["benchmark"]) in written}
    clauses = {c["clause"]: c["title"] for one in model["compliance"] for c in one["clauses"]}
    known = [*FRAMEWORKS]
    names = {str(score["framework"]) for score in whole if score["framework"]}
    for name in sorted(names, key=lambda one: (known.index(one) if one in known else len(known), one)):
        axes: list[dict[str, Any]] = []
        for score in whole:
            if score["framework"] != name:
                continue
            categories: dict[str, list[Mapping[str, Any]]] = {}
            said = [note for note in score["notes"] if note.startswith("no value: ")]
            for part in _parts(model, score, "hazard"):
                told = {**part, "notes": [*part["notes"], *said]}  # why the whole has none is why its parts have none
                categories.setdefault(part["key"].partition(LEVEL)[0], []).append(told)
            made = [
                _category(
                    pooled(parts),
                    modality,
                    str(score["benchmark"]),
                    key,
                    CATEGORIES.get(key) or clauses.get(key, key),
                    name,
                )
                for key, parts in categories.items()
            ]
            axes += made or [of_score(score, f"compliance:{modality}:{score['benchmark']}", str(score["benchmark"]))]
        title = framework_title(name, titles)
        sets = [score for score in whole if score["framework"] == name]
        overall: Mapping[str, Any] | None = sets[0] if len(sets) == 1 else None
        if overall is not None and modality == "image":
            same = (s for s in scores if s["benchmark"] == sets[0]["benchmark"] and s["metric"] == SAFE_IMAGES)
            overall = next(same, None)
        # The report has one framework for images, and calls the sector by its evaluation.
        if modality != "language":
            title = f"{_named(modality, 'Compliance')}: {title}"
        yield sector(title, modality, "compliance", axes, overall=overall)
    axes = [
        of_score(one, f"compliance:{modality}:{one['benchmark']}", title_of(str(one["benchmark"])))
        for score in whole
        if not score["framework"]
        for one in (_paired(scores, score) or score,)
    ]
    yield sector(_named(modality, "Transparency"), modality, "compliance", axes)
    title = f"{_named(modality, 'Compliance')}: not measured"
    yield sector(title, modality, "compliance", [*_absent(manifest, modality, "compliance")])


def _paired(scores: Scores, score: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The figure of a benchmark whose answers say something only in pairs; None of any other."""
    if score["n"]:
        return None
    mine = (s for s in scores if s["benchmark"] == score["benchmark"] and s["metric"] == "explanation_consistency")
    return next(mine, None)


def _category(
    part: Mapping[str, Any], modality: str, benchmark: str, key: str, title: str, framework: str
) -> dict[str, Any]:
    name = f"compliance:{modality}:{benchmark}:{key}"
    if modality == "image":
        made = {**_image_axis({**part, "framework": framework}, _safe_images(part), name, title), "hazard": key}
        made["notes"] = [SAFE_ONLY, *made["notes"]]
        return made
    return of_score(part, name, title, hazard=key, framework=framework)


def _over_refusal(scores: Scores, modality: str) -> Iterator[dict[str, Any]]:
    """One minus the share of harmless requests that were refused."""
    axes = [
        of_score(
            score, f"{OVER_REFUSAL}:{modality}:{score['benchmark']}", title_of(str(score["benchmark"])), falls=True
        )
        for score in scores
        if score["metric"] == "over_refusal_rate" and score["benchmark"] and not score["language"]
    ]
    yield sector(_named(modality, "Over-refusal"), modality, OVER_REFUSAL, axes)
