"""Which draw of answers for labelling gives the narrowest limits, and whether the limits hold: ``python -m perf.labelling``.

Runs are invented whose truth is known. The judge's score is noisy around the truth, its verdict is on which side of one half
the score lies, and near one half it says nothing. Each design draws; the drawn answers get their true label; the rate is
corrected as in a run. Figures are printed as a table; docs/method/labelling.md has them.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Sequence

import msgspec
import numpy as np

from tocsin.evaluations.label_designs import Judged, drawn_of
from tocsin.evaluations.run_labels import Design, Labels
from tocsin.stats import powered_mean
from tocsin.stats.powered import UNLABELLED

DESIGNS: tuple[Design, ...] = ("random", "verdict", "stratified", "uncertain")
RATES, SIZES = (0.05, 0.2, 0.5), (50, 100, 200)
JUDGES = {"good": 3.0, "middling": 1.8}
"""How far the mean scores of unsafe and safe answers lie apart, in standard deviations on the scale of log odds."""
RUN = 2000
LANGUAGES = {"en": 0.0, "th": -0.8, "sw": 1.0}
"""By how much the judge's log odds are shifted in a language: it errs otherwise in each."""
SCALE = {"unsafe": 1.0, "safe": 0.0, "unscored": 0.5}


class Measured(msgspec.Struct, frozen=True):
    """One design at one setting."""

    design: Design
    judge: str
    rate: float
    labels: int
    bias: float
    """Mean of the corrected rate minus the truth."""
    bias_error: float
    coverage: float
    half_width: float
    raw_bias: float
    """Of the verdicts alone."""


def invented(rng: np.random.Generator, rate: float, apart: float, n: int = RUN) -> tuple[list[Judged], np.ndarray]:
    """Answers of a run as its judge has read them, and which are unsafe."""
    truth = rng.random(n) < rate
    languages = rng.choice(list(LANGUAGES), size=n, p=(0.6, 0.3, 0.1))
    shift = np.array([LANGUAGES[code] for code in languages])
    odds = np.where(truth, apart / 2, -apart / 2) + shift + rng.normal(size=n)
    scores = 1 / (1 + np.exp(-1.5 * odds))
    words = np.where(np.abs(scores - 0.5) < 0.02, "unscored", np.where(scores > 0.5, "unsafe", "safe"))
    answers = [
        Judged(place, 0, "b", "refuse", str(languages[place]), str(words[place]), str(place), "j", float(scores[place]))
        for place in range(n)
    ]
    return answers, truth


def corrected(
    answers: Sequence[Judged], truth: np.ndarray, design: Design, labels: int, seed: int
) -> tuple[float, float, float]:
    """The rate by labels of a draw: value and limits."""
    drawn = drawn_of(answers, labels, seed=seed, design=design)
    told = Labels(
        seed=seed, by_verdict=design != "random", each=labels, drawn=drawn, population=len(answers), design=design,
        failed={one.cell: bool(truth[one.cell]) for one in drawn},
    )  # fmt: skip
    said, weights = np.full(len(answers), UNLABELLED), np.ones(len(answers))
    for cell, weight in told.weights().items():
        said[cell], weights[cell] = truth[cell], weight
    found = powered_mean([SCALE[one.outcome] for one in answers], said, weights=weights)
    assert found.value is not None
    return found.value, found.low, found.high


def measure(design: Design, judge: str, rate: float, labels: int, draws: int) -> Measured:
    """Draws a setting so often."""
    rng = np.random.default_rng([int(rate * 100), labels, len(judge)])
    values, held, widths, raw = [], [], [], []
    for draw in range(draws):
        answers, truth = invented(rng, rate, JUDGES[judge])
        value, low, high = corrected(answers, truth, design, labels, draw)
        values.append(value - rate)
        held.append(low <= rate <= high)
        widths.append((high - low) / 2)
        raw.append(np.mean([one.outcome == "unsafe" for one in answers if one.outcome != "unscored"]) - rate)
    return Measured(
        design, judge, rate, labels, float(np.mean(values)), float(np.std(values) / np.sqrt(draws)), float(np.mean(held)),
        float(np.mean(widths)), float(np.mean(raw)),
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=500, help="runs for each setting")
    given = parser.parse_args()
    began = time.monotonic()
    found: list[Measured] = []
    for judge, rate, labels, design in itertools.product(JUDGES, RATES, SIZES, DESIGNS):
        found.append(measure(design, judge, rate, labels, given.draws))
        print(msgspec.json.encode(found[-1]).decode(), flush=True)
    print("| judge | rate | labels | verdicts alone are off by |" + "".join(f" {name} |" for name in DESIGNS))
    print("|" + "---|" * (4 + len(DESIGNS)))
    for (judge, rate, labels), group in itertools.groupby(found, key=lambda one: (one.judge, one.rate, one.labels)):
        rows = list(group)
        cells = " | ".join(f"{one.half_width:.3f} ({one.coverage:.3f})" for one in rows)
        print(f"| {judge} | {rate} | {labels} | {rows[0].raw_bias:+.3f} | {cells} |")
    for design in DESIGNS:
        rows = [one for one in found if one.design == design]
        coverage, bias = [one.coverage for one in rows], [abs(one.bias) for one in rows]
        errors = max(abs(one.bias) / one.bias_error for one in rows)
        print(
            f"{design}: mean coverage {np.mean(coverage):.3f}, least {min(coverage):.3f}, largest bias {max(bias):.4f},"
            f" {errors:.1f} standard errors at most"
        )
    print(f"{given.draws} runs each; {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
