"""Whether the paper's scores follow from its own cells: each one computed again, beside what is printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import msgspec

from tocsin.results import aggregate as text
from tocsin.results import aggregate_image as image
from tocsin.results.aggregate import Aggregate, Counts
from tocsin.results.aggregate_image import Images, Shares
from tocsin.results.published.rows import Published, apart, note_texts, published, select
from tocsin.types import EvaluationName, Modality

TEXT_MODELS = ("gpt-5.2", "gemini-3-pro", "qwen3-vl", "grok-4.1-fast")
IMAGE_MODELS = ("nano-banana-pro", "seedream-4.5")

EXPLAINING = (
    "table4-average",
    "table4-rounding",
    "grok-multilingual",
    "grok-vl-adversarial",
    "t2i-text",
    "news-gemini",
)
"""Notes that say why a printed figure does not follow from the cells."""

POINTS_APART = Decimal("0.01")
"""Cells are rounded to 0.01 points, so a mean over them may be off by as much (all differences here are in points)."""

_SHARES = {"refusal_rate": "refusal", "unsafe_rate": "unsafe", "safe_image_rate": "safe"}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One printed figure against the same figure computed from the cells below it.

    Attributes:
        aggregate: What it is, in words.
        rule: The function that computed it.
        model: Short name.
        row: The printed row.
        printed: The figure as printed, in points (percent, or 100 times F1 or toxicity).
        recomputed: The same from the cells, in points and not rounded.
        low: Lower limit of the 95% interval in points; None where n is not sure or attempts are related.
        high: Upper limit.
        agrees: Whether they differ by no more than 0.01 points, or by half of the last printed digit if that is more.
        note: Why they differ, as far as known; empty where they agree.
    """

    aggregate: str
    rule: str
    model: str
    row: Published
    printed: float
    recomputed: float
    low: float | None = None
    high: float | None = None
    agrees: bool
    note: str = ""

    @property
    def difference(self) -> float:
        """Recomputed less printed, in points."""
        return self.recomputed - self.printed


class ImageScore(msgspec.Struct, frozen=True, kw_only=True):
    """A score for images with what it is made of.

    Attributes:
        model: Short name.
        evaluation: Which of the three scores.
        score: As the leaderboard has it, in [0, 1].
        shares: Refusal, unsafe, safe; `Shares.common` is the figure that can be compared.
    """

    model: str
    evaluation: EvaluationName
    score: float
    shares: Shares


def check() -> list[Check]:
    """Every printed score, mean and average of the paper that can be computed from its cells.

    An interval is given where each answer stands alone and n is sure: for the benchmark scores of text and images and
    the adversarial one of images. For compliance the items of a rule are related, and who passed which is not published;
    for vision the printed rates do not fit n throughout; F1 comes without counts.
    """
    return [*_text(), *_vision(), *_image(), *_contradicted(), *_version_1(), *_news()]


def modality_means() -> dict[tuple[str, Modality], Aggregate]:
    """The mean of each model's leaderboard scores in each modality, also those that nobody printed."""
    means = {}
    modalities: tuple[tuple[Modality, tuple[str, ...]], ...] = (
        ("language", TEXT_MODELS),
        ("vision", TEXT_MODELS),
        ("image", IMAGE_MODELS),
    )
    for modality, models in modalities:
        for model in models:
            rows = select(published(), model=model, modality=modality, metric="scheme_score")
            means[model, modality] = text.modality_mean(
                {str(row.evaluation): Aggregate(value=row.value) for row in rows}
            )
    return means


def image_scores() -> list[ImageScore]:
    """The three scores of each image model, with their shares."""
    found = []
    for model in IMAGE_MODELS:
        pooled = image.shares(image.pool(_toxic_prompts(model)))
        compliance = Shares(**{share: _overall(model, metric).value for metric, share in _SHARES.items()})
        evaluations: tuple[tuple[EvaluationName, Shares], ...] = (
            ("benchmark", pooled),
            ("adversarial", image.worst_shares(_attacked(model))),
            ("compliance", compliance),
        )
        for evaluation, shares in evaluations:
            score = _score(model, "image", evaluation).value
            found.append(ImageScore(model=model, evaluation=evaluation, score=score, shares=shares))
    return found


def prompts_of(model: str) -> tuple[int, int]:
    """Of an image model's answers to toxic prompts: how many refuse or are safe, and of how many."""
    pooled = image.pool(_toxic_prompts(model))
    return pooled.refusal + pooled.safe, pooled.refusal + pooled.unsafe + pooled.safe


def picked_of(model: str) -> list[tuple[int, int]]:
    """Of an image model under attack, for each category: safe images under the worse attack, and of how many answers."""
    cells = [list(attacks.values()) for attacks in _attacked(model).values()]
    safe = [min(attacks, key=lambda one: one.safe / (one.refusal + one.unsafe + one.safe)) for attacks in cells]
    return [(one.safe, one.refusal + one.unsafe + one.safe) for one in safe]


def as_table(checks: Sequence[Check]) -> str:
    """The checks as a Markdown table, each in the unit of its source: percent, or a fraction for F1 and toxicity."""
    lines = ["| figure | model | printed | recomputed | difference | |", "|---|---|---|---|---|---|"]
    for one in checks:
        said = "agrees" if one.agrees else f"**differs.** {one.note}"
        value, difference = _shown(one)
        lines.append(f"| {one.aggregate} | {one.model} | {one.row.printed} | {value} | {difference} | {said} |")
    return "\n".join(lines) + "\n"


def _text() -> Iterator[Check]:
    for model in TEXT_MODELS:
        row = _score(model, "language", "benchmark")
        yield _check("language benchmark", "language_benchmark", row, _language_benchmark(published(), model))
    for model in TEXT_MODELS:
        pooled = _one(published(), model=model, metric="safe_resp").value
        row = _score(model, "language", "adversarial")
        yield _check("language adversarial", "language_adversarial", row, text.language_adversarial(pooled))
    averages = {}
    for name in text.MULTILINGUAL_SETS:
        for model in TEXT_MODELS:
            rows = select(published(), model=model, benchmark=name)
            cells = {row.language: row.value for row in rows if row.language}
            row = _one(rows, language=None)
            averages[model, name] = row.value
            mean = Aggregate(value=text.multilingual_average(cells))
            yield _check(f"{name}, average", "multilingual_average", row, mean)
    for model in TEXT_MODELS:
        score = text.language_multilingual({name: averages[model, name] for name in text.MULTILINGUAL_SETS})
        yield _check("language multilingual", "language_multilingual", _score(model, "language", "multilingual"), score)
    for framework in text.FRAMEWORKS:
        for model in TEXT_MODELS:
            rows = select(published(), model=model, framework=framework)
            if counts := {str(row.hazard): _counts(row) for row in rows if row.hazard}:
                rate = text.framework_rate(counts)
                value = Aggregate(value=rate.passed / rate.measured)
                yield _check(f"compliance, {framework}", "framework_rate", _one(rows, hazard=None), value)
    for model in TEXT_MODELS:
        rates = {f: _one(published(), model=model, framework=f, hazard=None).value for f in text.FRAMEWORKS}
        row = _score(model, "language", "compliance")
        yield _check("language compliance", "language_compliance", row, text.language_compliance(rates))


def _vision() -> Iterator[Check]:
    for evaluation, rule, names in (
        ("benchmark", text.vision_benchmark, text.VISION_SETS),
        ("adversarial", text.vision_adversarial, text.VISION_ATTACK_SETS),
    ):
        for model in TEXT_MODELS:
            score = rule({name: _one(published(), model=model, benchmark=name).value for name in names})
            row = _score(model, "vision", evaluation)
            yield _check(f"vision {evaluation}", rule.__name__, row, score)


def _image() -> Iterator[Check]:
    for model in IMAGE_MODELS:
        score = image.image_benchmark(_toxic_prompts(model))
        yield _check("image benchmark", "image_benchmark", _score(model, "image", "benchmark"), score)
    for model in IMAGE_MODELS:
        score = image.image_adversarial(_attacked(model))
        yield _check("image adversarial", "image_adversarial", _score(model, "image", "adversarial"), score)
        worst = image.worst_shares(_attacked(model))
        for metric, share in _SHARES.items():
            row = _one(published(), model=model, attack="worst", metric=metric)
            value = Aggregate(value=float(getattr(worst, share)))
            yield _check(f"image adversarial, worst {share}", "worst_shares", row, value)
        cells: dict[str, dict[str, float]] = {}
        for row in select(published(), model=model, metric="toxicity"):
            if row.hazard and row.attack:
                cells.setdefault(row.hazard, {})[row.attack] = row.value
        row = _one(published(), model=model, attack="worst", metric="toxicity")
        toxicity = Aggregate(value=image.worst_toxicity(cells))
        yield _check("image adversarial, worst toxicity", "worst_toxicity", row, toxicity)
    for model in IMAGE_MODELS:
        row = _score(model, "image", "compliance")
        safe = Aggregate(value=_overall(model, "safe_image_rate").value)
        yield _check("image compliance", "image_compliance", row, safe)


def _contradicted() -> Iterator[Check]:
    """Scores that the text of the paper gives otherwise than its tables."""
    for row in select(apart(), apart="text"):
        if row.modality == "image":
            score = image.image_benchmark(_toxic_prompts(row.model))
            yield _check("image benchmark, in the text", "image_benchmark", row, score)
        else:
            rows = [_one(published(), model=row.model, benchmark=n, language=None) for n in text.MULTILINGUAL_SETS]
            score = text.language_multilingual({str(one.benchmark): one.value for one in rows})
            yield _check("language multilingual, in the text", "language_multilingual", row, score)


def _version_1() -> Iterator[Check]:
    row = _one(apart(), modality="language", evaluation="benchmark", metric="scheme_score")
    yield _check("language benchmark of v1", "language_benchmark", row, _language_benchmark(apart(), row.model))


def _news() -> Iterator[Check]:
    means = modality_means()
    for row in select(apart(), apart="news"):
        yield _check(f"{row.modality} mean, in the news", "modality_mean", row, means[row.model, row.modality])


def _check(aggregate: str, rule: str, row: Published, found: Aggregate) -> Check:
    scale = Decimal(1 if row.unit == "percent" else 100)
    printed = Decimal(row.printed) * scale
    last_digit = scale.scaleb(int(Decimal(row.printed).as_tuple().exponent))
    off = abs(Decimal(repr(100 * found.value)) - printed)
    agrees = off <= max(POINTS_APART, last_digit / 2) + Decimal("1e-9")
    notes = note_texts()
    return Check(
        aggregate=aggregate,
        rule=rule,
        model=row.model,
        row=row,
        printed=float(printed),
        recomputed=100 * found.value,
        low=None if found.estimate is None else 100 * found.estimate.low,
        high=None if found.estimate is None else 100 * found.estimate.high,
        agrees=agrees,
        note="" if agrees else " ".join(notes[key] for key in row.notes if key in EXPLAINING),
    )


def _language_benchmark(rows: Sequence[Published], model: str) -> Aggregate:
    cells = [_one(rows, model=model, benchmark=name) for name in text.LANGUAGE_SETS]
    return text.language_benchmark(
        {str(row.benchmark): row.value if row.count is None else _counts(row) for row in cells}
    )


def _toxic_prompts(model: str) -> dict[str, Images]:
    rows = select(published(), model=model, benchmark="t2isafety-toxic")
    return {hazard: _images(select(rows, hazard=hazard)) for hazard in dict.fromkeys(str(row.hazard) for row in rows)}


def _attacked(model: str) -> dict[str, dict[str, Images]]:
    rows = [
        row
        for row in select(published(), model=model, modality="image", evaluation="adversarial")
        if row.hazard and row.metric in _SHARES
    ]
    cells: dict[str, dict[str, Images]] = {}
    for row in rows:
        one = select(rows, hazard=row.hazard, attack=row.attack)
        cells.setdefault(str(row.hazard), {})[str(row.attack)] = _images(one)
    return cells


def _images(rows: Sequence[Published]) -> Images:
    counts = {share: _counts(_one(rows, metric=metric)).passed for metric, share in _SHARES.items()}
    return Images(**counts)


def _counts(row: Published) -> Counts:
    """The count of a row; only for rows that have one."""
    if row.count is None or row.n is None:
        raise ValueError(
            f"{row.source}, {row.model}, {row.metric}: {row.printed} is no whole count of n = {row.n}; use its rate"
        )
    return Counts(passed=row.count, failed=row.n - row.count)


def _overall(model: str, metric: str) -> Published:
    return _one(published(), model=model, modality="image", evaluation="compliance", metric=metric, hazard=None)


def _score(model: str, modality: str, evaluation: str) -> Published:
    return _one(published(), model=model, modality=modality, evaluation=evaluation, metric="scheme_score")


def _one(rows: Sequence[Published], **wanted: str | None) -> Published:
    found = select(rows, **wanted)
    if len(found) != 1:
        raise ValueError(f"published rows: {len(found)} rows with {wanted}, where one is needed; mend the data file")
    return found[0]


def _shown(one: Check) -> tuple[str, str]:
    """The recomputed figure with its interval, and how far it is from the printed one."""
    scale, digits = (1, 2) if one.row.unit == "percent" else (100, 4)
    value = f"{one.recomputed / scale:.{digits}f}"
    difference = round(one.difference / scale, digits) + 0.0  # no "-0.00"
    if one.low is not None:
        value += f" ({one.low:.1f} to {one.high:.1f})"
    return value, f"{difference:+.{digits}f}" if difference else "0"
