"""The leaderboard's multilingual and compliance scores, computed anew from the reference's cells and counts by tocsin's rules."""

from __future__ import annotations

from typing import Any

import pytest

from tocsin.results import aggregate
from tocsin.results.aggregate import Counts
from tocsin.results.published import note_texts, published, select

MULTILINGUAL = {"gpt-5.2": "77.50", "gemini-3-pro": "67.00", "qwen3-vl": "64.00", "grok-4.1-fast": "61.75"}
COMPLIANCE = {"gpt-5.2": "90.22", "qwen3-vl": "77.11", "gemini-3-pro": "73.54"}
FRAMEWORKS = dict(zip(("NIST", "EU_AI_Act", "FEAT"), aggregate.FRAMEWORKS, strict=True))
SETS = dict(zip(("PGP-P", "PGP-R", "ML-Bench-P", "ML-Bench-R"), aggregate.MULTILINGUAL_SETS, strict=True))
DISAGREE = {
    ("PGP-P", "qwen3-vl"): ("table4-rounding", 0.834, 0.84),
    ("ML-Bench-P", "gpt-5.2"): ("table4-average", 0.854, 0.84),
    ("ML-Bench-R", "gpt-5.2"): ("table4-average", 0.639, 0.65),
}
"""Where the printed average is not the mean of the printed cells: its note, that mean, and what is printed."""


def shown(value: float) -> str:
    return f"{100 * value:.2f}"


@pytest.mark.parametrize("model", MULTILINGUAL)
def test_multilingual_score_follows_from_the_printed_averages(reference: dict[str, Any], model: str) -> None:
    data = reference["language_multilingual"]["data"]
    averages = {SETS[name]: data[name][model][-1] for name in SETS}
    assert shown(aggregate.language_multilingual(averages).value) == MULTILINGUAL[model]


@pytest.mark.parametrize("model", COMPLIANCE)
def test_compliance_score_follows_from_the_rebuilt_counts(reference: dict[str, Any], model: str) -> None:
    """The mean of three micro rates, each over the passed items of its framework."""
    told = reference["language_compliance"]
    rates = {}
    for key, name in FRAMEWORKS.items():
        sizes, passed = told["n_per_category"][key], told["reconstructed_pass_counts"][model][key]
        categories = {
            category: Counts(passed=count, failed=size - count)
            for (category, size), count in zip(sizes.items(), passed, strict=True)
        }
        rates[name] = aggregate.framework_rate(categories)
    assert {name: rate.measured for name, rate in rates.items()} == dict(
        zip(aggregate.FRAMEWORKS, (109, 135, 70), strict=True)
    )
    assert shown(aggregate.language_compliance(rates).value) == COMPLIANCE[model]


def test_every_average_is_that_of_its_cells_but_for_three_that_carry_a_note(reference: dict[str, Any]) -> None:
    data = reference["language_multilingual"]["data"]
    off = {}
    for name in SETS:
        for model in MULTILINGUAL:
            *cells, printed = data[name][model]
            mean = aggregate.multilingual_average({str(place): cell for place, cell in enumerate(cells)})
            if f"{mean:.2f}" != f"{printed:.2f}":
                off[name, model] = (round(mean, 3), printed)
    assert off == {key: (mean, printed) for key, (_, mean, printed) in DISAGREE.items()}
    for (name, model), (note, _, _) in DISAGREE.items():
        (row,) = [one for one in select(published(), model=model, benchmark=SETS[name]) if one.language is None]
        assert note in row.notes
        assert note in note_texts()
