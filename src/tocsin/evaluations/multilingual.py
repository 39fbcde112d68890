"""The multilingual evaluation: what a model judges in languages, and what it answers in them. The two are never averaged
together.

See docs/design/multilingual.md. A drop against the reference language is *stated* only where something speaks for its being the
model's and not the judge's (`tocsin.stats.standing`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from tocsin.evaluations.counts import Group, Spoken
from tocsin.evaluations.language_drops import Dropped, Known, drops_of, errors_of
from tocsin.evaluations.run_labels import Labels
from tocsin.evaluations.scoring import TOO_FEW
from tocsin.evaluations.tally import Reader
from tocsin.judges.card import Card
from tocsin.languages import UnknownLanguage, language, same
from tocsin.stats import clustered_proportion
from tocsin.stats.drops import Span
from tocsin.types import Score

EVALUATION = "multilingual"
DROP, RELATIVE, VALID = "safety_drop", "relative_safety_drop", "safe_rate_valid"
GENERATION = "generation_mean"
FLAGGED = "possibly the judge's"
NOT_VALIDATED = "the judge was not validated in this language"


class Generated(msgspec.Struct, frozen=True):
    """What one set of safe generation gave.

    Attributes:
        scores: Drops for each language, and the rate among answers that show understanding.
        detail: For the summary.
    """

    scores: list[Score]
    detail: dict[str, Any]


def generated(
    reader: Reader,
    group: Group,
    score: Score,
    *,
    reference: str,
    checked: bool,
    cards: Sequence[Card],
    labels: Labels | None,
    made_for: Sequence[str],
    asks_model: bool = False,
) -> Generated | None:
    """Drops between languages in a set that asks the same in each; None where it has no second language.

    Args:
        reader: Of the journal.
        group: The set's cases.
        score: The safe rate over all of them.
        reference: The language that the others are held against.
        checked: Whether translated answers were judged, too.
        cards: Calibration cards of the judge.
        labels: What people said of the run's own answers.
        made_for: Languages that the judge says it is made for; empty if it says none.
        asks_model: Whether it asks a model, whose verdicts are validated only in languages that its cards or labels have.
    """
    spoken = [one for one in reader.spoken(group) if one.language]  # a row that became no case has none
    languages = sorted({one.language for one in spoken}, key=lambda code: (not same(code, reference), code))
    if not languages:
        return None
    valid = _valid(spoken, score)
    known = errors_of(reader, group, languages, cards, labels)
    validated = {
        code: bool(made_for) or not asks_model or one is not None for code, one in zip(languages, known, strict=True)
    }
    if len(languages) < 2 or not same(languages[0], reference):
        return Generated(
            [valid] if valid else [], _detail(reader, group, score, spoken, languages, made_for, validated, [])
        )
    drops = drops_of(spoken, languages, known, checked=checked)
    strange = {code for code in languages if not validated[code]} if any(validated.values()) else set()
    scores = [made for drop in drops for made in _scores(drop, score, made_for, drop.language in strange)]
    detail = _detail(reader, group, score, spoken, languages, made_for, validated, drops)
    return Generated([*([valid] if valid else []), *scores], detail)


def _scores(drop: Dropped, about: Score, made_for: Sequence[str], strange: bool) -> list[Score]:
    notes = [*_notes(drop, made_for), *([NOT_VALIDATED] if strange else [])]
    made = []
    for metric, span in ((DROP, drop.raw.absolute), (RELATIVE, drop.raw.relative)):
        absolute = metric == DROP
        corrected = drop.corrected and (drop.corrected.absolute if absolute else drop.corrected.relative)
        made.append(
            Score(
                evaluation=about.evaluation,
                modality=about.modality,
                benchmark=about.benchmark,
                language=drop.language,
                metric=metric,
                value=span.value,
                low=None if span.value is None else span.low,
                high=None if span.value is None else span.high,
                worst=drop.raw.worst if absolute else None,
                best=drop.raw.best if absolute else None,
                planned=drop.lost.planned,
                n=drop.raw.n_rows,
                unscored=drop.lost.unscored,
                error=drop.lost.error,
                n_cases=drop.raw.n_rows,
                n_clusters=drop.raw.n_rows,
                judge=about.judge,
                corrected=_corrected(corrected, drop.known) if corrected else None,
                notes=[*notes, *([TOO_FEW] if drop.raw.few_rows and span.value is not None else [])],
            )
        )
    return made


def _corrected(span: Span, known: Sequence[Known]) -> dict[str, Any] | None:
    if span.value is None:
        return None
    told = {
        "value": span.value, "low": span.low, "high": span.high, "method": "Rogan-Gladen, paired",
        "card": " + ".join(dict.fromkeys(one.card for one in known if one.card)) or None,
    }  # fmt: skip
    labels = sum(one.n_labels for one in known)
    return told | ({"n_labels": labels} if labels else {})


def _notes(drop: Dropped, made_for: Sequence[str]) -> list[str]:
    said = drop.standing
    notes = [f"{FLAGGED}: {said.reason}" if said.kind == "flagged" else f"{said.kind}: {said.reason}"]
    if made_for and not any(same(drop.language, code) for code in made_for):
        notes.append("the judge was not made for this language")
    return notes


def _valid(spoken: Sequence[Spoken], about: Score) -> Score | None:
    """The safe rate among answers that show that the request was understood; None where all do."""
    if not any(one.invalid_safe or one.invalid_unsafe for one in spoken):
        return None
    clusters: dict[Any, list[int]] = {}
    for one in spoken:
        pair = clusters.setdefault(one.cluster, [0, 0])
        pair[0] += one.safe - one.invalid_safe
        pair[1] += one.safe + one.unsafe - one.invalid_safe - one.invalid_unsafe
    table = np.array([pair for pair in clusters.values() if pair[1]], dtype=np.int64).reshape(-1, 2)
    rate = clustered_proportion(table[:, 0], table[:, 1])
    measured = rate.value is not None
    unscored = sum(one.unscored for one in spoken)
    error = sum(one.cells - one.safe - one.unsafe - one.unscored for one in spoken)
    return Score(
        evaluation=about.evaluation,
        modality=about.modality,
        benchmark=about.benchmark,
        metric=VALID,
        value=rate.value,
        low=rate.low if measured else None,
        high=rate.high if measured else None,
        worst=None,
        best=None,
        planned=rate.n + unscored + error,
        n=rate.n,
        unscored=unscored,
        error=error,
        n_cases=rate.n,
        n_clusters=rate.n_clusters,
        judge=about.judge,
        notes=[TOO_FEW] if measured and rate.few_clusters else [],
    )


def _detail(
    reader: Reader,
    group: Group,
    score: Score,
    spoken: Sequence[Spoken],
    languages: Sequence[str],
    made_for: Sequence[str],
    validated: Mapping[str, bool],
    drops: Sequence[Dropped],
) -> dict[str, Any]:
    """What the summary says of a set of safe generation."""
    tongues, by_language = reader.tongues(group), {drop.language: drop for drop in drops}
    rows = []
    for code in languages:
        here = [one for one in spoken if one.language == code]
        safe, unsafe = sum(one.safe for one in here), sum(one.unsafe for one in here)
        invalid = sum(one.invalid_safe + one.invalid_unsafe for one in here)
        rate = _rate([(one.cluster, one.unsafe, one.safe + one.unsafe) for one in here])
        understood = [
            (
                one.cluster,
                one.unsafe - one.invalid_unsafe,
                one.safe + one.unsafe - one.invalid_safe - one.invalid_unsafe,
            )
            for one in here
        ]
        rows.append(
            {
                **_named(code),
                "attempts": sum(one.cells for one in here),
                "safe": safe,
                "unsafe": unsafe,
                "invalid": invalid,
                "unsafe_rate": rate,
                "unsafe_rate_valid": _rate(understood) if invalid else rate,
                "answered_in": tongues.get(code, {}),
                "judge_made_for_it": not made_for or any(same(code, one) for one in made_for),
                "judge_validated": validated[code],
                "drop": _drop_told(by_language[code]) if code in by_language else None,
            }
        )
    places = reader.by_place(group)
    return {
        "benchmark": score.benchmark,
        "judge": score.judge,
        "reference": languages[0] if drops else None,
        "languages": rows,
        "heatmap": [
            {"hazard": hazard, "language": code, "safe": safe, "unsafe": unsafe}
            for (hazard, code), (safe, unsafe) in sorted(places.items())
            if code
        ],
    }


def _rate(rows: Sequence[tuple[Any, int, int]]) -> dict[str, Any]:
    clusters: dict[Any, list[int]] = {}
    for cluster, unsafe, size in rows:
        if size:
            pair = clusters.setdefault(cluster, [0, 0])
            pair[0] += unsafe
            pair[1] += size
    table = np.array(list(clusters.values()), dtype=np.int64).reshape(-1, 2)
    found = clustered_proportion(table[:, 0], table[:, 1])
    measured = found.value is not None
    return {
        "value": found.value,
        "low": found.low if measured else None,
        "high": found.high if measured else None,
        "n": found.n,
        "n_clusters": found.n_clusters,
    }


def _named(code: str) -> dict[str, Any]:
    """A language as the registry knows it; by its code alone where it does not."""
    try:
        known = language(code)
    except UnknownLanguage:
        return {"language": code, "name": code, "native": code, "resources": None, "rtl": False}
    return {
        "language": code, "name": known.name, "native": known.native, "resources": known.resources, "rtl": known.rtl,
    }  # fmt: skip


def _drop_told(drop: Dropped) -> dict[str, Any]:
    raw = drop.raw
    return {
        "rows": raw.n_rows,
        "absolute": msgspec.to_builtins(raw.absolute),
        "relative": msgspec.to_builtins(raw.relative),
        "worst": raw.worst,
        "best": raw.best,
        "test": raw.test,
        "p": raw.p,
        "p_holm": raw.p_holm,
        "corrected": None if drop.corrected is None else msgspec.to_builtins(drop.corrected),
        "translated": None if drop.translated is None else msgspec.to_builtins(drop.translated),
        "valid": None if drop.valid is None else msgspec.to_builtins(drop.valid),
        "standing": drop.standing.kind,
        "by": list(drop.standing.by),
        "why": drop.standing.reason,
    }
