"""Drops of a set's languages against its reference: by verdicts, corrected, by translations, and over what was understood."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tocsin.evaluations.correcting import SUBJECTS as ABOUT
from tocsin.evaluations.counts import Group, Spoken
from tocsin.evaluations.run_labels import Labels
from tocsin.evaluations.tally import Reader
from tocsin.judges.card import LEAST_LABELS, Card
from tocsin.languages import same
from tocsin.stats import JudgeError
from tocsin.stats.corrected_drops import CorrectedDrop, corrected_drops, counted_error
from tocsin.stats.drops import Drop, paired_drops
from tocsin.stats.stated import Standing, standing

if TYPE_CHECKING:
    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]


class Known(msgspec.Struct, frozen=True):
    """The judge's error in a language, and what told it: a card, or so many labels of the run."""

    error: JudgeError
    card: str | None = None
    n_labels: int = 0


class Lost(msgspec.Struct, frozen=True):
    """Rows and attempts of a language and the reference that were to be asked in both, and what became of the rest.

    Attributes:
        planned: Rows that were to be asked in both.
        unscored: Of these, rows without a reading in one of the two because an answer there could not be scored.
        error: The other rows without a reading in one of them.
    """

    planned: int
    unscored: int
    error: int


class Dropped(msgspec.Struct, frozen=True, kw_only=True):
    """A language's drop, by each way of looking at it."""

    language: str
    raw: Drop
    corrected: CorrectedDrop | None
    translated: Drop | None
    valid: Drop | None
    """Without answers that show that the request was not understood; None where there are none in either."""
    standing: Standing
    known: list[Known]
    """How the judge errs in the reference and in it, as far as that is known."""
    lost: Lost


class _Rows:
    """Counts of a set, source rows × languages."""

    def __init__(self, spoken: Sequence[Spoken], languages: Sequence[str]) -> None:
        self._spoken = spoken
        self._columns = {code: place for place, code in enumerate(languages)}
        self._rows: dict[Any, int] = {}
        for one in spoken:
            self._rows.setdefault(one.cluster, len(self._rows))

    def count(self, of: Callable[[Spoken], int]) -> Counts:
        """What is counted of each row in each language; 0 where it was not asked."""
        counts = np.zeros((len(self._rows), len(self._columns)), dtype=np.int64)
        for one in self._spoken:
            counts[self._rows[one.cluster], self._columns[one.language]] += of(one)
        return counts


def drops_of(
    spoken: Sequence[Spoken], languages: Sequence[str], known: Sequence[Known | None], *, checked: bool
) -> list[Dropped]:
    """The drop of each language but the first, which is the reference.

    Args:
        spoken: The attempts at each row in each language.
        languages: Of the set, the reference first.
        known: The judge's error in each.
        checked: Whether translated answers were judged, too.
    """
    rows, home = _Rows(spoken, languages), languages[0]
    unsafe, measured = rows.count(lambda one: one.unsafe), rows.count(lambda one: one.safe + one.unsafe)
    planned = rows.count(lambda one: one.cells)
    matrix = _shares(unsafe, measured)
    raw = paired_drops(matrix, 0, asked=planned > 0, measured=measured, planned=planned)
    errors = [None if one is None else one.error for one in known]
    can_correct = errors[0] is not None and any(error is not None for error in errors[1:])
    settled = rows.count(lambda one: one.settled_safe + one.settled_unsafe), rows.count(lambda one: one.settled_unsafe)

    def corrected_of(failed: Counts, sizes: Counts) -> list[CorrectedDrop | None]:
        if not can_correct:
            return [None] * len(raw)
        read = 1 - np.minimum(settled[0], sizes) / np.maximum(sizes, 1)
        sure = np.minimum(settled[1], failed) / np.maximum(sizes, 1)
        return [*corrected_drops(_shares(failed, sizes), errors, 0, judged=read, settled_unsafe=sure)]

    corrected = corrected_of(unsafe, measured)
    translated: list[Drop | None] = [None] * len(raw)
    said = measured
    if checked:
        failed = rows.count(lambda one: one.unsafe if same(one.language, home) else one.translated_unsafe)
        said = rows.count(
            lambda one: (
                one.safe + one.unsafe if same(one.language, home) else one.translated_safe + one.translated_unsafe
            )
        )
        translated = [
            *paired_drops(_shares(failed, said), 0, asked=measured > 0, measured=said, planned=measured),
        ]
    against = _against(translated, failed, said, measured) if checked else [None] * len(raw)
    strange = rows.count(lambda one: one.invalid_safe + one.invalid_unsafe)
    valid: list[Drop | None] = [None] * len(raw)
    corrected_valid: list[CorrectedDrop | None] = [None] * len(raw)
    if strange.any():
        unsafe_valid, sizes = unsafe - rows.count(lambda one: one.invalid_unsafe), measured - strange
        valid = [*paired_drops(_shares(unsafe_valid, sizes), 0, asked=planned > 0, measured=sizes, planned=planned)]
        corrected_valid = corrected_of(unsafe_valid, sizes)
    found, ways = [], max(1, can_correct + checked)
    for place, one in enumerate(raw):
        both = (measured[:, 0] > 0) & (measured[:, one.column] > 0)
        understood = not strange[both][:, [0, one.column]].any()
        found.append(
            Dropped(
                language=languages[one.column],
                raw=one,
                corrected=corrected[place],
                translated=translated[place],
                valid=None if understood else valid[place],
                standing=standing(
                    one,
                    corrected[place],
                    translated[place],
                    valid=None if understood else valid[place],
                    corrected_valid=None if understood else corrected_valid[place],
                    against=against[place],
                    untranslated=(
                        int((measured - said)[both, one.column].sum()), int(measured[both, one.column].sum())
                    ),
                    ways=ways,
                ),
                known=[told for told in (known[0], known[one.column]) if told is not None],
                lost=_lost(rows, planned, measured, one.column),
            )
        )  # fmt: skip
    return found


def _shares(counts: Counts, sizes: Counts) -> Floats:
    """A count as a share of another; nan where that is 0."""
    return np.where(sizes > 0, counts / np.maximum(sizes, 1), np.nan)


def _against(translated: Sequence[Drop | None], failed: Counts, said: Counts, measured: Counts) -> list[Drop | None]:
    """The drops by translations with each verdict that is missing set against them."""
    if (said == measured).all():
        return [None] * len(translated)
    safest, worst = (paired_drops(_shares(filled, measured), 0) for filled in (failed, failed + measured - said))
    return [
        less if one is not None and (one.absolute.value or 0.0) > 0 else more
        for one, less, more in zip(translated, safest, worst, strict=True)
    ]


def _lost(rows: _Rows, planned: Counts, measured: Counts, column: int) -> Lost:
    """What became of the rows that were to be asked in both."""
    pair = [0, column]
    asked = planned[:, pair].min(axis=1) > 0
    without = asked.reshape(-1, 1) & (measured[:, pair] == 0)
    unread = without & (rows.count(lambda one: one.unscored)[:, pair] > 0)
    lost, unscored = (int(np.count_nonzero(cells.max(axis=1))) for cells in (without, unread))
    return Lost(int(asked.sum()), unscored, lost - unscored)


def errors_of(
    reader: Reader, group: Group, languages: Sequence[str], cards: Sequence[Card], labels: Labels | None
) -> list[Known | None]:
    """The judge's error in each language: by labels of this run where they are enough, else by a card that has the language."""
    by_labels = _by_labels(reader, group, labels)
    return [by_labels.get(code) or _by_card(code, cards) for code in languages]


def _by_card(code: str, cards: Sequence[Card]) -> Known | None:
    for card in cards:
        if card.seen or card.about.about not in ABOUT["safe_rate"] or card.about.attacked != "no":
            continue
        part = card.part("language", code) or card.part("language", code.partition("-")[0])
        if part is not None and min(part.positives, part.negatives) >= LEAST_LABELS:
            return Known(part.error, card=card.name)
    return None


def _by_labels(reader: Reader, group: Group, labels: Labels | None) -> dict[str, Known]:
    """Language → the judge's error on labelled answers of it. Labels that were drawn by what it said tell no such error."""
    if labels is None or labels.drawn_as != "random":
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
        code: Known(counted_error(*found), n_labels=found[1] + found[3])
        for code, found in counts.items()
        if min(found[1], found[3]) >= LEAST_LABELS
    }
