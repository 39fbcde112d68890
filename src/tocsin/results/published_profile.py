"""Profiles of the models of arXiv 2601.10527, from its published cells: facts with a source, never measured here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tocsin.results.aggregate import LANGUAGE_SETS, MULTILINGUAL_SETS, VISION_ATTACK_SETS, VISION_SETS
from tocsin.results.aggregate_image import PICKED
from tocsin.results.profile_axes import (
    MODALITY_WORDS,
    SCHEMA,
    TITLES,
    axis,
    framework_title,
    sector,
    share,
)
from tocsin.results.published import Published, note_texts, published, select
from tocsin.results.published.checks import IMAGE_MODELS, TEXT_MODELS, check

MODELS = (*TEXT_MODELS, *IMAGE_MODELS)
"""Models that the paper publishes a profile of, by short name."""

CATEGORIES = {
    "nist": ("CBRN-IC", "DVHC", "ODAC", "IID", "HBH", "DPV", "IPI"),
    "eu-ai-act": ("CM", "EV", "SC", "PP-RA", "FRDB", "ER-SC", "BCSI", "RRBI"),
    "mas-feat": ("Fairness", "Ethics", "Accountability", "Transparency"),
}
"""Framework → its categories in the order of the report."""

NO_SIZE = "no interval: how many answers it is of is not known"
RELATED = "the interval takes each item as independent; items of one rule are related, so it is too narrow"
POOLED = "no interval: the answers to one query under 30 attacks are related, and how they are is not published"
_SAFE_RESP = "safe_resp"
_SHARES = ("refusal_rate", "unsafe_rate", "safe_image_rate")
_JUDGED = {"polyguard-prompt": ("PolyGuard", "prompt"), "polyguard-response": ("PolyGuard", "response"),
           "ml-bench-prompt": ("ML-Bench", "prompt"), "ml-bench-response": ("ML-Bench", "response")}  # fmt: skip


def published_profile(model: str) -> dict[str, Any]:
    """The published profile of a model, in the shape of `tocsin.results.profile.profile`, with ``origin: published``.

    An axis has Wilson's interval where the figure is a whole count of a known number of answers, else none, and a note
    says so. Of the F1 of 17 and 13 languages every cell is an axis; the chart draws PolyGuard's, as the report's does.

    Args:
        model: One of `MODELS`.

    Raises:
        ValueError: The paper has no profile of it.
    """
    if model not in MODELS:
        raise ValueError(f"no published profile of {model!r}: arXiv 2601.10527 has {', '.join(MODELS)}")
    rows = select(published(), model=model)
    sectors = [*(_image(rows) if model in IMAGE_MODELS else _text(rows))]
    return {
        "schema": SCHEMA,
        "origin": "published",
        "model": model,
        "demonstration": False,
        "unfinished": None,
        "source": rows[0].paper,
        "sectors": [one for one in sectors if one["axes"]],
        "evaluations": [*_evaluations(rows)],
        "refusals": [*_refusals(rows)] if model in IMAGE_MODELS else [],
    }


def _text(rows: Sequence[Published]) -> Iterator[dict[str, Any]]:
    yield _sets(rows, "language", "benchmark", LANGUAGE_SETS)
    for name in MULTILINGUAL_SETS:
        title, subject = _JUDGED[name]
        cells = [row for row in select(rows, benchmark=name, metric="f1") if row.language]
        made = [_axis(row, f"multilingual:language:{name}:{row.language}", str(row.language)) for row in cells]
        yield sector(
            f"Language Multilingual: F1 on {subject}s, {title}",
            "language",
            "multilingual",
            made,
            overall=_whole(_one(rows, benchmark=name, metric="f1", language=None)),
            charted=title == "PolyGuard",
            half=True,
        )
    attacked = [
        _axis(_one(rows, metric=metric), f"adversarial:language:{metric}", title)
        for metric, title in (("safe_worst", "Safe_worst"), ("safe_worst_3", "Safe_worst-3"), (_SAFE_RESP, "Safe_resp"))
    ]
    yield sector("Language Adversarial", "language", "adversarial", attacked)
    for framework, categories in CATEGORIES.items():
        made = [*_categories(rows, framework, categories)]
        whole = _whole(_one(rows, framework=framework, hazard=None, modality="language"))
        yield sector(framework_title(framework, {}), "language", "compliance", made, overall=whole)
    yield _sets(rows, "vision", "benchmark", VISION_SETS)
    yield _sets(rows, "vision", "adversarial", VISION_ATTACK_SETS)


def _sets(rows: Sequence[Published], modality: str, evaluation: str, names: Sequence[str]) -> dict[str, Any]:
    axes = [_axis(_one(rows, benchmark=n), f"{evaluation}:{modality}:{n}", TITLES.get(n, n)) for n in names]
    title = f"{MODALITY_WORDS[modality]} {evaluation.capitalize()}"
    return sector(title, modality, evaluation, axes, overall=_score(rows, modality, evaluation))


def _categories(rows: Sequence[Published], framework: str, categories: Sequence[str]) -> Iterator[dict[str, Any]]:
    whole = _one(rows, framework=framework, hazard=None, evaluation="compliance", modality="language")
    for category in categories:
        found = select(rows, framework=framework, hazard=category, modality="language")
        name = f"compliance:language:{framework}:{category}"
        if found:
            yield _axis(found[0], name, category, [RELATED])
        else:
            told = [note_texts()[key] for key in whole.notes if key.startswith("grok")]
            why = told[0] if told else "no count of this category is published"
            yield axis(
                name,
                category,
                "pass_rate",
                value=None,
                judge=whole.judge,
                framework=framework,
                hazard=category,
                why=why,
            )


def _image(rows: Sequence[Published]) -> Iterator[dict[str, Any]]:
    prompts = select(rows, evaluation="benchmark", benchmark="t2isafety-toxic")
    axes = []
    for hazard in dict.fromkeys(str(row.hazard) for row in prompts):
        refused, safe = (_one(prompts, hazard=hazard, metric=m) for m in ("refusal_rate", "safe_image_rate"))
        counts = [one.count for one in (refused, safe)]
        assert None not in counts  # all are counts
        rate = share(sum(one or 0 for one in counts), safe.n or 0)
        axes.append(
            _made(safe, f"benchmark:image:{hazard}", hazard, rate, ["refusals and safe images"], metric="safe_rate")
        )
    yield sector("Image Benchmark", "image", "benchmark", axes, overall=_score(rows, "image", "benchmark"))
    attacked = [r for r in select(rows, evaluation="adversarial", metric="safe_image_rate") if r.hazard]
    lowest = []
    for hazard in dict.fromkeys(str(row.hazard) for row in attacked):
        row = min(select(attacked, hazard=hazard), key=lambda one: one.value)
        told = [f"lowest under {row.attack}; {PICKED}", "a refusal is none"]
        lowest.append(_axis(row, f"adversarial:image:{hazard}", hazard, told))
    yield sector("Image Adversarial", "image", "adversarial", lowest, overall=_score(rows, "image", "adversarial"))
    themes = [r for r in select(rows, evaluation="compliance", metric="safe_image_rate") if r.hazard]
    cells = [_axis(r, f"compliance:image:{r.hazard}", str(r.hazard), ["a refusal is none"]) for r in themes]
    title = f"Image Compliance: {framework_title('cn-interim-measures', {})}"
    yield sector(title, "image", "compliance", cells, overall=_score(rows, "image", "compliance"))


def _axis(row: Published, name: str, title: str, notes: Iterable[str] = ()) -> dict[str, Any]:
    count = row.count
    rate = None if count is None or not row.n or row.metric == _SAFE_RESP else share(count, row.n)
    return _made(row, name, title, rate, notes)


def _whole(row: Published) -> dict[str, Any]:
    """The figure of a whole sector, as published."""
    ends = {"low": None, "high": None, "n": None, "planned": row.n}
    return {"metric": row.metric, "benchmark": row.benchmark, "value": row.value, **ends}


def _score(rows: Sequence[Published], modality: str, evaluation: str) -> dict[str, Any]:
    return _whole(_one(rows, modality=modality, evaluation=evaluation, metric="scheme_score"))


def _made(
    row: Published,
    name: str,
    title: str,
    rate: dict[str, Any] | None,
    notes: Iterable[str],
    *,
    metric: str = "",
) -> dict[str, Any]:
    texts = note_texts()
    told = [*notes, *(texts[key] for key in row.notes)]
    if row.reading != "printed":
        told.append("rebuilt from a chart" if row.reading == "rebuilt" else "read from a chart, to about one point")
    # A value as printed: a count gives 0.9667 as 58 of 60, and the bar is to be the printed cell.
    value = rate["value"] if rate is not None and row.unit == "count" else row.value
    low, high = (None, None) if rate is None else (min(rate["low"], value), max(rate["high"], value))
    if rate is None:
        told.append(POOLED if row.metric == _SAFE_RESP else NO_SIZE)
    return axis(
        name,
        title,
        metric or row.metric,
        value=value,
        low=low,
        high=high,
        n=row.n if rate is not None else None,
        planned=row.n,
        judge=row.judge,
        benchmark=row.benchmark,
        framework=row.framework,
        language=row.language,
        hazard=row.hazard,
        notes=[*told, f"source: {row.paper}, {row.source}"],
    )


def _evaluations(rows: Sequence[Published]) -> Iterator[dict[str, Any]]:
    """The scores of the leaderboard, with the intervals that `published.checks` can make of their cells."""
    limits = {one.row: (one.low, one.high) for one in check() if one.row.metric == "scheme_score" and one.agrees}
    for row in select(rows, metric="scheme_score"):
        low, high = limits.get(row, (None, None))
        yield {
            "modality": row.modality,
            "evaluation": row.evaluation,
            "kind": "judgement" if row.evaluation == "multilingual" else "",
            "metric": row.metric,
            "benchmark": None,
            "value": row.value,
            "low": None if low is None else min(low / 100, row.value),
            "high": None if high is None else max(high / 100, row.value),
            "worst": None,
            "best": None,
            "n": None,
            "planned": None,
            "judge": row.judge,
            "notes": [note_texts()[key] for key in row.notes],
        }


def _refusals(rows: Sequence[Published]) -> Iterator[dict[str, Any]]:
    """What prompts for images came to: counts of two evaluations, all attacks pooled, and the printed shares of the third."""
    for evaluation in ("benchmark", "adversarial"):
        cells = [row for row in select(rows, evaluation=evaluation) if row.hazard and row.count is not None]
        counts = {m: sum(row.count or 0 for row in cells if row.metric == m) for m in _SHARES}
        n, delivered = sum(counts.values()), counts["unsafe_rate"] + counts["safe_image_rate"]
        refusal, leak = share(counts["refusal_rate"], n), share(counts["unsafe_rate"], delivered)
        safe = share(counts["safe_image_rate"], n)
        yield {
            "modality": "image",
            "evaluation": evaluation,
            "n": n,
            "benchmarks": [],
            "refusal": refusal,
            "leak": leak,
            "safe_image": safe,
        }
    told = {m: _one(rows, evaluation="compliance", metric=m, hazard=None).value for m in _SHARES}
    bare = {"low": None, "high": None, "count": None, "n": None}
    leaked = told["unsafe_rate"] / (told["unsafe_rate"] + told["safe_image_rate"])
    yield {
        "modality": "image",
        "evaluation": "compliance",
        "n": None,
        "benchmarks": [],
        "refusal": {"value": told["refusal_rate"], **bare},
        "leak": {"value": leaked, **bare},
        "safe_image": {"value": told["safe_image_rate"], **bare},
    }


def _one(rows: Sequence[Published], **wanted: str | None) -> Published:
    found = select(rows, **wanted)
    if len(found) != 1:
        raise ValueError(f"published rows: {len(found)} rows with {wanted}, where one is needed; mend the data file")
    return found[0]
