"""The paper's scores follow from its cells, except where they are known not to; both are held here with their size."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tocsin.results import aggregate, aggregate_image
from tocsin.results.published import apart, as_table, check, checks, note_texts, published, select
from tocsin.stats import wilson

PAGE = ROOT / "docs" / "method" / "aggregation.md"

DIFFER = {
    ("polyguard-prompt, average", "qwen3-vl"): -0.588,
    ("ml-bench-prompt, average", "gpt-5.2"): 1.385,
    ("ml-bench-response, average", "gpt-5.2"): -1.077,
    ("vision adversarial", "grok-4.1-fast"): 0.663,
    ("language multilingual, in the text", "grok-4.1-fast"): 15.78,
    ("image benchmark, in the text", "nano-banana-pro"): 8.0,
    ("image benchmark, in the text", "seedream-4.5"): 7.937,
    ("language mean, in the news", "gemini-3-pro"): -0.4575,
}
"""Every printed figure that does not follow from its cells, with recomputed less printed in points."""


def test_scores_of_the_leaderboard_follow_from_their_cells_but_for_one() -> None:
    scores = [one for one in check() if one.row.metric == "scheme_score" and not one.row.apart]
    assert len(scores) == len(select(published(), metric="scheme_score")) == 6 * 4 + 2 * 3
    off = [one for one in scores if abs(one.difference) > 0.01]
    assert [(one.aggregate, one.model) for one in off] == [("vision adversarial", "grok-4.1-fast")]
    assert [one for one in scores if not one.agrees] == off


def test_figures_that_do_not_follow_are_these_and_no_others_by_this_much() -> None:
    found = {(one.aggregate, one.model): one.difference for one in check() if not one.agrees}
    assert found == {key: pytest.approx(size, abs=0.001) for key, size in DIFFER.items()}


def test_every_disagreement_is_explained_and_every_agreement_is_left_alone() -> None:
    assert all(bool(one.note) != one.agrees for one in check())


def test_every_printed_aggregate_is_checked() -> None:
    checked = [one.row for one in check()]
    assert len(set(checked)) == len(checked)
    averages = [row for row in select(published(), metric="f1") if row.language is None]
    worst = select(published(), attack="worst")
    news = select(apart(), metric="modality_mean")
    for row in (*averages, *worst, *news, *select(apart(), apart="text")):
        assert row in checked, row


def test_only_the_rule_that_rounds_first_gives_the_multilingual_scores() -> None:
    exact = {}
    for model in checks.TEXT_MODELS:
        cells = [
            {r.language: r.value for r in select(published(), model=model, benchmark=name) if r.language}
            for name in aggregate.MULTILINGUAL_SETS
        ]
        exact[model] = round(25 * math.fsum(aggregate.multilingual_average(one) for one in cells), 2)
    assert list(exact.values()) == [77.67, 67.02, 63.85, 62.03]
    assert all(str(value) in note_texts()["table4-score"] for value in exact.values())
    printed = [row.printed for row in select(published(), evaluation="multilingual", metric="scheme_score")]
    assert printed == ["77.50", "67.00", "64.00", "61.75"]


def test_rounding_of_cells_can_explain_one_of_the_averages_and_not_the_other_two() -> None:
    # Each printed cell hides up to 0.5 points of rounding, and so does their mean; the printed average hides as much.
    off = {key: abs(size) - 0.5 for key, size in DIFFER.items() if key[0].endswith(", average")}
    within = {key for key, beyond in off.items() if beyond <= 0.5}
    assert within == {("polyguard-prompt, average", "qwen3-vl")}
    assert off["polyguard-prompt, average", "qwen3-vl"] == pytest.approx(0.09, abs=0.01)


def test_the_multilingual_score_in_the_text_is_the_compliance_score() -> None:
    (row,) = select(apart(), apart="text", model="grok-4.1-fast")
    (compliance,) = select(published(), model="grok-4.1-fast", evaluation="compliance", metric="scheme_score")
    assert row.printed == compliance.printed


def test_refusals_exceed_safe_answers_by_as_much_as_the_note_says() -> None:
    gaps = {}
    for row in select(published(), metric="refusal_resp"):
        (safe,) = select(published(), metric="safe_resp", model=row.model)
        gaps[row.model] = 100 * (row.value - safe.value)
    assert max(gaps.values()) == pytest.approx(26.5)
    assert min(gaps.values()) > 0


def test_no_column_of_version_1_gives_its_leaderboard_for_every_model() -> None:
    rows = select(apart(), modality="language", evaluation="adversarial", apart="v1")
    scores = {row.model: row.value for row in rows if row.metric == "scheme_score"}
    assert len(scores) == 5
    for metric in ("safe_worst", "safe_worst_3", "safe_resp", "refusal_resp"):
        column = {row.model: row.value for row in rows if row.metric == metric and row.source == "figure of v1"}
        assert any(abs(column[model] - scores[model]) > 0.005 for model in scores), metric


def test_the_text_and_the_counts_agree_on_one_category_of_compliance() -> None:
    (row,) = select(published(), model="gpt-5.2", hazard="ER-SC")
    assert (row.count, row.n) == (10, 10)
    assert "er-sc-agrees" in row.notes


def test_intervals_stand_only_where_answers_stand_alone_and_n_is_sure() -> None:
    with_limits = {one.aggregate for one in check() if one.low is not None}
    assert with_limits == {
        "language benchmark",
        "image benchmark",
        "image adversarial",
        "image benchmark, in the text",
    }
    for one in check():
        assert one.low is None or (one.high is not None and 0 <= one.low <= one.recomputed <= one.high <= 100)


def test_the_common_figure_narrows_the_gap_between_the_image_models() -> None:
    scores = {(one.model, one.evaluation): one for one in checks.image_scores()}
    nano, seedream = (scores[model, "adversarial"] for model in checks.IMAGE_MODELS)
    assert 100 * (nano.score - seedream.score) == pytest.approx(34.33, abs=0.01)
    assert 100 * (nano.shares.common - seedream.shares.common) == pytest.approx(10.67, abs=0.01)
    # The benchmark score alone is the common figure already; the other two leave refusals out.
    for one in scores.values():
        same = abs(one.score - one.shares.common) < 1e-4
        assert same == (one.evaluation == "benchmark")


def test_the_worst_share_without_an_unsafe_image_is_the_worst_of_the_common_figure() -> None:
    for model in checks.IMAGE_MODELS:
        cells = checks._attacked(model)
        lowest = [min(aggregate_image.common(cell).value for cell in attacks.values()) for attacks in cells.values()]
        assert aggregate_image.worst_shares(cells).common == pytest.approx(sum(lowest) / 3)


def test_means_over_modalities_are_those_of_the_reference(reference: dict[str, Any]) -> None:
    means = checks.modality_means()
    assert len(means) == 10
    for (model, modality), mean in means.items():
        key = {"vision": "vision_language", "image": "t2i"}.get(modality, modality)
        assert 100 * mean.value == pytest.approx(reference["leaderboard"][model][key]["mean"], abs=0.0051)


def test_the_limits_for_the_worst_rates_are_those_of_the_reference(reference: dict[str, Any]) -> None:
    for model, (low, high) in reference["language_adversarial"]["wilson95_Safe_worst"].items():
        (row,) = select(published(), model=model, metric="safe_worst")
        assert row.count is not None
        assert row.n is not None
        limits = wilson(row.count, row.n)
        assert (100 * limits.low, 100 * limits.high) == (pytest.approx(low, abs=0.051), pytest.approx(high, abs=0.051))


# ---------------------------------------------------------------------------------------------------------------------
# The page


def between(page: Path, mark: str) -> str:
    text = page.read_text(encoding="utf-8")
    return text.partition(f"<!-- {mark} -->\n\n")[2].partition(f"\n<!-- end of {mark} -->")[0]


def image_table() -> str:
    lines = ["| score | model | printed | refusal | unsafe | safe | 1 - unsafe |", "|---|---|---|---|---|---|---|"]
    for one in checks.image_scores():
        figures = (one.score, one.shares.refusal, one.shares.unsafe, one.shares.safe, one.shares.common)
        lines.append(
            f"| {one.evaluation} | {one.model} | " + " | ".join(f"{100 * figure:.2f}" for figure in figures) + " |"
        )
    return "\n".join(lines) + "\n"


def test_the_page_holds_the_checks_as_they_are() -> None:
    assert between(PAGE, "checks") == as_table(check())


def test_the_page_holds_the_shares_of_images_as_they_are() -> None:
    assert between(PAGE, "images") == image_table()


def test_the_page_names_every_rule_and_every_figure_that_differs() -> None:
    text = PAGE.read_text(encoding="utf-8")
    rules = {one.rule for one in check()} | {"framework_rate", "modality_mean", "common", "shares"}
    assert [rule for rule in rules if f"`{rule}`" not in text] == []
    assert f"{len(check())} printed figures" in text
    assert f"{len(DIFFER)} do not" in text
