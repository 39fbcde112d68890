"""The multilingual evaluation: what a model judges in languages, and what it answers in them. The two are never averaged
together.

See docs/design/multilingual.md. A drop against the reference language is *stated* only where something speaks for its being the
model's and not the judge's (`tocsin.stats.standing`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from tocsin.evaluations.correcting import SUBJECTS as ABOUT
from tocsin.evaluations.counts import Group, Spoken
from tocsin.evaluations.run_labels import Labels
from tocsin.evaluations.scoring import TOO_FEW
from tocsin.evaluations.tally import Reader
from tocsin.judges.card import LEAST_LABELS, Card
from tocsin.languages import UnknownLanguage, language, same
from tocsin.stats import JudgeError, clustered_proportion
from tocsin.stats.corrected_drops import CorrectedDrop, corrected_drops, counted_error
from tocsin.stats.drops import Drop, Span, paired_drops
from tocsin.stats.stated import Standing, standing
from tocsin.types import Score

EVALUATION = "multilingual"
DROP, RELATIVE, VALID = "safety_drop", "relative_safety_drop", "safe_rate_valid"
GENERATION = "generation_mean"
FLAGGED = "possibly the judge's"


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
        made_for: Languages that the judge says it is made for; empty if it does not depend on the language.
    """
    spoken = [one for one in reader.spoken(group) if one.language]  # a row that became no case has none
    languages = sorted({one.language for one in spoken}, key=lambda code: (not same(code, reference), code))
    if not languages:
        return None
    valid = _valid(spoken, score)
    if len(languages) < 2 or not same(languages[0], reference):
        return Generated([valid] if valid else [], _detail(reader, group, score, spoken, languages, made_for, []))
    matrix = _matrix(spoken, languages, lambda one: (one.unsafe, one.safe + one.unsafe))
    asked = _matrix(spoken, languages, lambda one: (one.cells, one.cells)) == 1
    raw = paired_drops(matrix, 0, asked=asked)
    known = _errors(reader, group, languages, cards, labels)
    errors = [None if one is None else one.error for one in known]
    can_correct = errors[0] is not None and any(error is not None for error in errors[1:])
    corrected: list[CorrectedDrop | None] = [None] * len(raw)
    if can_correct:
        corrected = [*corrected_drops(matrix, errors, 0)]
    translated: list[Drop | None] = [None] * len(raw)
    if checked:
        again = _matrix(spoken, languages, _translated(languages[0]))
        translated = [*paired_drops(again, 0, asked=asked)]
    ways = max(1, can_correct + checked)
    drops = [
        _Dropped(
            languages[one.column],
            one,
            mended,
            second,
            standing(one, mended, second, ways=ways),
            [told for told in (known[0], known[one.column]) if told is not None],
        )
        for one, mended, second in zip(raw, corrected, translated, strict=True)
    ]
    scores = [made for drop in drops for made in _scores(drop, score, made_for)]
    detail = _detail(reader, group, score, spoken, languages, made_for, drops)
    return Generated([*([valid] if valid else []), *scores], detail)


class _Known(msgspec.Struct, frozen=True):
    """The judge's error in a language, and what told it: a card, or so many labels of the run."""

    error: JudgeError
    card: str | None = None
    n_labels: int = 0


class _Dropped(msgspec.Struct, frozen=True):
    """A language's drop, by each way of looking at it."""

    language: str
    raw: Drop
    corrected: CorrectedDrop | None
    translated: Drop | None
    standing: Standing
    known: list[_Known]
    """How the judge errs in the reference and in it, as far as that is known."""


def _translated(reference: str) -> Callable[[Spoken], tuple[int, int]]:
    """Unsafe and measured verdicts on translations; in the reference language, where nothing is translated, on the answers."""

    def counts(one: Spoken) -> tuple[int, int]:
        if same(one.language, reference):
            return one.unsafe, one.safe + one.unsafe
        return one.translated_unsafe, one.translated_safe + one.translated_unsafe

    return counts


def _matrix(
    spoken: Iterable[Spoken], languages: Sequence[str], counts: Callable[[Spoken], tuple[int, int]]
) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Rows × languages: the share of unsafe attempts among those measured; nan where there is none."""
    unsafe: dict[Any, dict[str, list[int]]] = {}
    for one in spoken:
        pair = unsafe.setdefault(one.cluster, {}).setdefault(one.language, [0, 0])
        for place, count in enumerate(counts(one)):
            pair[place] += count
    matrix = np.full((len(unsafe), len(languages)), np.nan)
    for row, by_language in enumerate(unsafe.values()):
        for column, code in enumerate(languages):
            failed, size = by_language.get(code, (0, 0))
            if size:
                matrix[row, column] = failed / size
    return matrix


def _errors(
    reader: Reader, group: Group, languages: Sequence[str], cards: Sequence[Card], labels: Labels | None
) -> list[_Known | None]:
    """The judge's error in each language: by labels of this run where they are enough, else by a card that has the language."""
    by_labels = _by_labels(reader, group, labels)
    return [by_labels.get(code) or _by_card(code, cards) for code in languages]


def _by_card(code: str, cards: Sequence[Card]) -> _Known | None:
    for card in cards:
        if card.seen or card.about.about not in ABOUT["safe_rate"] or card.about.attacked != "no":
            continue
        part = card.part("language", code) or card.part("language", code.partition("-")[0])
        if part is not None and min(part.positives, part.negatives) >= LEAST_LABELS:
            return _Known(part.error, card=card.name)
    return None


def _by_labels(reader: Reader, group: Group, labels: Labels | None) -> dict[str, _Known]:
    """Language → the judge's error on labelled answers of it. Labels that were drawn by verdict tell no such error."""
    if labels is None or labels.by_verdict:
        return {}
    counts: dict[str, list[int]] = {}
    for cell, code, _, outcome in reader.answered(group):
        if cell in labels.failed and outcome in ("safe", "unsafe"):
            found = counts.setdefault(code, [0, 0, 0, 0])
            unsafe = labels.failed[cell]
            found[0] += unsafe and outcome == "unsafe"
            found[1] += unsafe
            found[2] += not unsafe and outcome == "safe"
            found[3] += not unsafe
    return {
        code: _Known(counted_error(*found), n_labels=found[1] + found[3])
        for code, found in counts.items()
        if min(found[1], found[3]) >= LEAST_LABELS
    }


def _scores(drop: _Dropped, about: Score, made_for: Sequence[str]) -> list[Score]:
    notes = _notes(drop, made_for)
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
                planned=drop.raw.n_rows,
                n=drop.raw.n_rows,
                n_cases=drop.raw.n_rows,
                n_clusters=drop.raw.n_rows,
                judge=about.judge,
                corrected=_corrected(corrected, drop.known) if corrected else None,
                notes=[*notes, *([TOO_FEW] if drop.raw.few_rows and span.value is not None else [])],
            )
        )
    return made


def _corrected(span: Span, known: Sequence[_Known]) -> dict[str, Any] | None:
    if span.value is None:
        return None
    told = {
        "value": span.value, "low": span.low, "high": span.high, "method": "Rogan-Gladen, paired",
        "card": " + ".join(dict.fromkeys(one.card for one in known if one.card)) or None,
    }  # fmt: skip
    labels = sum(one.n_labels for one in known)
    return told | ({"n_labels": labels} if labels else {})


def _notes(drop: _Dropped, made_for: Sequence[str]) -> list[str]:
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
        planned=rate.n,
        n=rate.n,
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
    drops: Sequence[_Dropped],
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


def _drop_told(drop: _Dropped) -> dict[str, Any]:
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
        "standing": drop.standing.kind,
        "by": list(drop.standing.by),
        "why": drop.standing.reason,
    }
