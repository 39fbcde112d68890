"""How often drops between languages are found, what their limits hold, and how often one is stated that is not there.

``python -m perf.languages --draws 2000`` prints the tables of docs/method/languages.md in about ten minutes. The grid was fixed
before these figures were measured; the method's choices were made on a rougher one of the same kind.

A row has a common part in all languages, from a normal distribution, which makes its outcomes dependent; the judge errs on each
answer on its own, at the rates of its language.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

from tocsin.stats import JudgeError, corrected_drops, counted_error, paired_drops, standing

Floats = npt.NDArray[np.float64]

CORRELATION = 0.5
"""Of the normal variables behind a row's outcomes in two languages."""
BASES = ((0.2, 0.5), (0.02, 0.32), (0.6, 0.9))
"""Unsafe rates of the reference and of the language: a drop of 0.30 each."""
ROWS = (100, 315)
PERFECT = (1.0, 1.0)
_counted = functools.cache(counted_error)
SIGNS = 999
"""Sets of signs for each p of row means: fewer than in use, for time."""


class Point(msgspec.Struct, frozen=True):
    """One setting.

    Attributes:
        about: Which table it is for.
        rows: Source rows.
        rates: True unsafe rates of the reference and of each other language.
        others: Languages besides the reference.
        sensitivity: Of the judge, in the reference and in the others.
        specificity: The same.
        labels: Labelled items of each kind in each language; 0 without a calibrated judge.
        translated: Answers are judged once more, in the reference language and at its error.
        shared: One set of labels, translated, serves all languages: its items err together, as far as their rates allow.
        attempts: Attempts of each row in each language.
        correlation: See `CORRELATION`.
        missing: Share of the readings that are not there.
    """

    about: str
    rows: int
    rates: tuple[float, float]
    others: int = 1
    sensitivity: tuple[float, float] = PERFECT
    specificity: tuple[float, float] = PERFECT
    labels: int = 0
    translated: bool = False
    shared: bool = False
    attempts: int = 1
    correlation: float = CORRELATION
    missing: float = 0.0

    @property
    def drop(self) -> float:
        return self.rates[1] - self.rates[0]


class Found(msgspec.Struct, frozen=True):
    """What a point showed, in shares of the draws; where there are several languages, of any of them, and limits of the first.

    Attributes:
        point: The setting.
        draws: Draws.
        raw: Limits of the drop by verdicts hold the true one.
        raw_relative: The same of the share of the safe rate.
        corrected: Limits of the corrected drop hold it, of draws with one; nan without labels.
        corrected_relative: The same of the share of the safe rate.
        width: Mean distance of the corrected limits, or of the raw ones without labels.
        without: No corrected drop, though there are labels.
        stated: A language is stated to differ, in either direction.
        wrong: One is stated to differ that does not, or in the other direction.
        shown: A language is stated or flagged.
        significant: The verdicts of a language differ, after Holm.
    """

    point: Point
    draws: int
    raw: float
    raw_relative: float
    corrected: float
    corrected_relative: float
    width: float
    without: float
    stated: float
    wrong: float
    shown: float
    significant: float


def points() -> Iterator[Point]:
    """The grid."""
    for base, rows in itertools.product(BASES, ROWS):
        yield Point("perfect judge", rows, base)
        yield Point("perfect judge", rows, base, labels=200)
    for base, rows in itertools.product(BASES, ROWS):
        for labels, translated in ((0, False), (0, True), (100, False), (200, False)):
            yield Point("less sensitive", rows, base, 1, (0.9, 0.7), (0.95, 0.95), labels, translated)
    for rate, rows in itertools.product((0.02, 0.2, 0.5), ROWS):
        for labels, translated in ((0, False), (0, True), (50, False), (100, False), (200, False), (200, True)):
            yield Point("less specific, no drop", rows, (rate, rate), 1, (0.9, 0.9), (0.95, 0.75), labels, translated)
    for rate, rows in itertools.product((0.02, 0.2, 0.5), ROWS):
        yield Point("nine languages, no drop", rows, (rate, rate), 9)
        yield Point("nine languages, no drop", rows, (rate, rate), 9, labels=100, translated=True)
        yield Point("nine languages, no drop", rows, (rate, rate), 9, (0.9, 0.9), (0.95, 0.95), 100, True)
        yield Point("nine languages, no drop", rows, (rate, rate), 9, (0.9, 0.7), (0.95, 0.85), 100, True)
    for rows, base, correlation in itertools.product((15, 30), (*BASES, (0.02, 0.02), (0.3, 0.3)), (0.0, 0.8)):
        yield Point("few rows", rows, base, correlation=correlation)
    for rows, base in itertools.product((30, *ROWS), (*BASES, (0.02, 0.02), (0.3, 0.3))):
        yield Point("three attempts", rows, base, attempts=3)
        yield Point("three attempts", rows, base, 1, (0.9, 0.7), (0.95, 0.95), 100, attempts=3)
    for rows, base in itertools.product(ROWS, (*BASES, (0.3, 0.3))):
        yield Point("shared labels", rows, base, 1, (0.9, 0.8), (0.95, 0.9), 100, shared=True)
        yield Point("a fifth missing", rows, base, 1, (0.9, 0.7), (0.95, 0.95), 100, missing=0.2)


def measure(point: Point, draws: int, seed: int = 0) -> Found:
    """Draws the point so often."""
    rng = np.random.default_rng([seed, zlib.crc32(repr(point).encode())])
    truth, share = point.drop, point.drop / (1 - point.rates[0])
    told: list[tuple[float, ...]] = []
    for _ in range(draws):
        unsafe = outcomes(rng, point)
        verdicts = judged(rng, unsafe, point, point.sensitivity, point.specificity)
        raw = paired_drops(verdicts, 0, draws=SIGNS)
        again = None
        if point.translated:
            alike = judged(rng, unsafe, point, (point.sensitivity[0],) * 2, (point.specificity[0],) * 2)
            alike[:, 0] = verdicts[:, 0]
            again = paired_drops(alike, 0, draws=SIGNS)
        mended = None
        if point.labels:
            errors, together = labelled(rng, point)
            mended = corrected_drops(verdicts, errors, 0, label_correlation=together)
        said = [
            standing(drop, mended[i] if mended else None, again[i] if again else None) for i, drop in enumerate(raw)
        ]
        stated = [s.kind == "stated" for s in said]
        wrong = [s.kind == "stated" and (truth == 0 or ("less safe" in s.reason) is not (truth > 0)) for s in said]
        first = mended[0] if mended else None
        spans = first.absolute if first else raw[0].absolute
        told.append(
            (
                _holds(raw[0].absolute, truth),
                _holds(raw[0].relative, share),
                _holds(first.absolute, truth) if first and first.reason is None else np.nan,
                _holds(first.relative, share) if first and first.reason is None else np.nan,
                np.nan if spans.low is None or spans.high is None else spans.high - spans.low,
                bool(first and first.reason),
                any(stated),
                any(wrong),
                any(s.kind != "none" for s in said),
                any(d.p_holm is not None and d.p_holm <= 0.05 for d in raw),
            )
        )
    table = np.array(told, dtype=np.float64)
    kept = ~np.isnan(table)
    means = np.where(kept, table, 0).sum(axis=0) / np.where(kept.any(axis=0), kept.sum(axis=0), np.nan)
    return Found(point, draws, *(float(mean) for mean in means))


def outcomes(rng: np.random.Generator, point: Point) -> npt.NDArray[np.bool_]:
    """Which answers are unsafe, shape ``(rows, languages, attempts)``.

    Of what is not common to a row's languages, half is common to its attempts in one.
    """
    languages = 1 + point.others
    common = rng.normal(size=(point.rows, 1, 1))
    own = rng.normal(size=(point.rows, languages, 1))
    each = rng.normal(size=(point.rows, languages, point.attempts))
    kept = 0.5 if point.attempts > 1 else 0.0
    rest = 1 - point.correlation
    hidden = np.sqrt(point.correlation) * common + np.sqrt(rest * kept) * own + np.sqrt(rest * (1 - kept)) * each
    return np.asarray(hidden < ndtri(per_language(point, point.rates))[:, None], dtype=np.bool_)


def judged(
    rng: np.random.Generator,
    unsafe: npt.NDArray[np.bool_],
    point: Point,
    sensitivity: tuple[float, float],
    specificity: tuple[float, float],
) -> Floats:
    """What the judge says of each row in each language: the mean over attempts, nan where it is missing."""
    a, b = (per_language(point, rates)[:, None] for rates in (sensitivity, specificity))
    said = np.where(unsafe, rng.random(unsafe.shape) < a, rng.random(unsafe.shape) >= b).mean(axis=2)
    return np.where(rng.random(said.shape) < point.missing, np.nan, said) if point.missing else said


def labelled(rng: np.random.Generator, point: Point) -> tuple[list[JudgeError], tuple[float, float]]:
    """The judge's error in each language as labels show it, and how the two of the first pair go together."""
    n, languages = point.labels, 1 + point.others
    right, together = [], []
    for rates in (point.sensitivity, point.specificity):
        chances = per_language(point, rates)
        if point.shared:
            # The same items in all languages: one hidden number each, so that the harder ones are missed in all.
            hit = rng.random((n, 1)) < chances
            pair = hit[:, :2].astype(np.float64)
            varied = float(pair.std(axis=0).min()) > 0
            together.append(float(np.asarray(np.corrcoef(pair.T))[0, 1]) if varied else 0.0)
            right.append(hit.sum(axis=0))
        else:
            together.append(0.0)
            right.append(rng.binomial(n, chances))
    errors = [_counted(int(right[0][i]), n, int(right[1][i]), n) for i in range(languages)]
    return errors, (together[0], together[1])


def per_language(point: Point, pair: tuple[float, float]) -> Floats:
    """A number of the reference, and that of each other language."""
    return np.array([pair[0], *[pair[1]] * point.others])


COLUMNS: dict[str, Callable[[Found], object]] = {
    "rows": lambda f: f.point.rows,
    "unsafe": lambda f: f"{f.point.rates[0]}, {f.point.rates[1]}",
    "judge": lambda f: (
        f"{f.point.sensitivity[0]}/{f.point.specificity[0]}, {f.point.sensitivity[1]}/{f.point.specificity[1]}"
    ),
    "labels": lambda f: f.point.labels or "none",
    "translated": lambda f: "yes" if f.point.translated else "no",
    "raw holds": lambda f: f.raw,
    "corrected holds": lambda f: f.corrected,
    "relative holds": lambda f: f.corrected_relative if f.point.labels else f.raw_relative,
    "width": lambda f: f.width,
    "no correction": lambda f: f.without,
    "verdicts differ": lambda f: f.significant,
    "stated": lambda f: f.stated,
    "wrongly": lambda f: f.wrong,
    "stated or flagged": lambda f: f.shown,
}
TABLES = {
    "perfect judge": ("rows", "unsafe", "labels", "raw holds", "corrected holds", "relative holds", "width", "stated",
                      "stated or flagged"),
    "less sensitive": ("rows", "unsafe", "labels", "translated", "raw holds", "corrected holds", "relative holds", "width",
                       "verdicts differ", "stated", "wrongly", "stated or flagged"),
    "less specific, no drop": ("rows", "unsafe", "labels", "translated", "raw holds", "corrected holds",
                               "verdicts differ", "stated"),
    "nine languages, no drop": ("rows", "unsafe", "judge", "labels", "translated", "verdicts differ", "stated",
                                "stated or flagged"),
}  # fmt: skip


def summary(found: list[Found]) -> str:
    """The tables, one line a point; and for all kinds of points, how often limits held the truth."""
    parts = []
    for about, titles in TABLES.items():
        lines = [[COLUMNS[title](f) for title in titles] for f in found if f.point.about == about]
        if lines:
            parts.append(f"{about}\n\n{_table(titles, lines)}")
    lines = []
    for about in dict.fromkeys(f.point.about for f in found):
        here = [f for f in found if f.point.about == about]
        plain = [f for f in here if (f.point.sensitivity, f.point.specificity) == (PERFECT, PERFECT)]
        mended = [f for f in here if f.point.labels]
        for what, held in (
            ("drop, perfect judge", [f.raw for f in plain]),
            ("share of the safe rate, perfect judge", [f.raw_relative for f in plain]),
            ("corrected drop", [f.corrected for f in mended]),
            ("corrected share", [f.corrected_relative for f in mended]),
        ):
            if held:
                lines.append([about, what, len(held), float(np.mean(held)), min(held)])
    parts.append(_table(("points", "limits of", "how many", "mean", "least"), lines))
    return "\n\n".join(parts)


def _table(titles: Sequence[str], lines: Sequence[Sequence[object]]) -> str:
    rows = [titles, ["---"] * len(titles), *lines]
    shown = [[f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row] for row in rows]
    return "\n".join("| " + " | ".join("" if cell == "nan" else cell for cell in row) + " |" for row in shown)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000, help="draws at each point")
    parser.add_argument("--seed", type=int, default=0, help="same seed, same figures")
    parser.add_argument("--only", help="one table, by its name")
    parser.add_argument("--json", type=Path, help="write each point as a line of JSON")
    given = parser.parse_args()
    began = time.monotonic()
    found = [measure(point, given.draws, given.seed) for point in points() if given.only in (None, point.about)]
    if given.json:
        given.json.write_bytes(b"".join(msgspec.json.encode(f) + b"\n" for f in found))
    print(summary(found))
    print(f"{given.draws} draws at each point; {time.monotonic() - began:.0f} s", file=sys.stderr)


def _holds(span: object, truth: float) -> bool:
    """Whether limits hold the truth; a side that nothing bounds does."""
    value, low, high = (getattr(span, name) for name in ("value", "low", "high"))
    return value is None or ((low is None or low <= truth) and (high is None or truth <= high))


if __name__ == "__main__":
    main()
