"""The published figures as the package has them: typed, sourced, and nothing of them lost."""

from __future__ import annotations

import json
from collections import Counter
from decimal import Decimal
from importlib import resources
from typing import Any

import msgspec
import pytest

from tocsin.results.published import METRICS, Published, apart, note_texts, published, rows, select

FILE = resources.files("tocsin.results.published").joinpath("2601.10527.json")
ALL = (*published(), *apart())


def test_every_row_says_where_it_is_from_and_who_judged() -> None:
    assert len(published()) == 571
    assert len(apart()) == 47
    for row in ALL:
        assert row.origin == "published"
        assert row.paper.endswith("2601.10527") == (row.apart == "news")
        assert row.paper.endswith("v1") == row.source.endswith("of v1")
        assert row.source
        assert row.judge
        assert row.metric in METRICS
        assert set(row.notes) <= set(note_texts())
        assert (row.n is None) == (row.n_from is None), row


def test_every_value_is_a_rate_and_keeps_its_printed_figure() -> None:
    for row in ALL:
        assert 0 <= row.value <= 1, row
        if row.unit == "percent":
            assert row.value == float(Decimal(row.printed) / 100)


def test_no_figure_is_held_twice() -> None:
    identity = Counter(
        (r.model, r.modality, r.evaluation, r.benchmark, r.attack, r.language, r.framework, r.hazard, r.metric, r.apart)
        for r in ALL
    )
    # Doubao's worst rate and safe share are in the figure of v1, and once more, left over, in the text of v2.
    twice = {key[0]: count for key, count in identity.items() if count > 1}
    assert twice == {"doubao-1.8": 2}
    left_over = [row for row in apart() if "doubao-left-over" in row.notes and row.evaluation == "adversarial"]
    assert {row.printed for row in left_over} == {"0", "31.43", "41.72"}


def test_version_1_is_not_among_the_results_but_for_counts_that_give_the_totals_of_version_2() -> None:
    assert len({row.model for row in published()}) == 6
    assert not select(published(), model="doubao-1.8")
    of_v1 = [row for row in published() if row.paper == "arXiv 2601.10527v1"]
    assert {row.reading for row in of_v1} == {"rebuilt"}
    assert Counter(row.apart for row in apart()) == {"v1": 38, "text": 3, "news": 6}


def test_numbers_of_answers_that_were_inferred_are_marked() -> None:
    inferred = {(row.benchmark, row.metric, row.n) for row in published() if row.n_from == "inferred"}
    assert inferred == {
        ("strongreject", "safe_rate", 60),
        (None, "safe_resp", 3000),
        (None, "refusal_resp", 3000),
    }


def test_every_strongreject_rate_is_a_count_of_60_and_none_of_what_the_table_says() -> None:
    found = select(published(), benchmark="strongreject")
    assert [row.count for row in found] == [58, 56, 58, 35]
    for other in (313, 331):
        assert [msgspec.structs.replace(row, n=other).count for row in found] == [None] * 4


def test_rates_that_are_no_counts_of_their_n_say_so() -> None:
    sized = [row for row in published() if row.n and row.unit == "percent"]
    unfit = {(row.benchmark or row.framework or row.metric, row.model) for row in sized if row.count is None}
    told = {(r.benchmark or r.framework or r.metric, r.model) for r in sized if "not-whole-count" in r.notes}
    assert unfit == told
    assert {model for name, model in unfit if name == "jailbreakv-28k-mini"} == {
        "qwen3-vl",
        "gemini-3-pro",
        "grok-4.1-fast",
    }
    frameworks = [model for name, model in unfit if name in ("nist", "eu-ai-act", "mas-feat")]
    assert frameworks == ["grok-4.1-fast"] * 3
    vision = [row for row in sized if row.modality == "vision"]
    assert (len([row for row in vision if row.count is None]), len(vision)) == (12, 28)
    # Of the eight pooled rates under attack six fit no count of 3,000: the answers were not all there.
    assert len([name for name, _ in unfit if name in ("safe_resp", "refusal_resp")]) == 6
    assert not any(name in ("alert", "flames", "bbq", "sorry-bench", "strongreject") for name, _ in unfit)


def test_a_count_is_not_told_where_two_would_fit() -> None:
    coarse = Published(
        model="m", modality="vision", metric="safe_rate", printed="90.1", n=5000, judge="j", source="none"
    )
    assert coarse.count is None
    assert msgspec.structs.replace(coarse, n=100).count is None
    assert msgspec.structs.replace(coarse, n=81).count == 73
    assert msgspec.structs.replace(coarse, printed="100.00", n=81).count == 81


def test_the_shares_of_images_add_up() -> None:
    by_cell: dict[tuple[Any, ...], dict[str, float]] = {}
    for row in select(published(), modality="image"):
        if row.metric in ("refusal_rate", "unsafe_rate", "safe_image_rate") and row.attack != "worst":
            key = (row.model, row.evaluation, row.attack, row.hazard)
            by_cell.setdefault(key, {})[row.metric] = row.value
    assert {len(shares) for shares in by_cell.values()} == {3}
    assert len(by_cell) == 2 * (8 + 6 + 1 + 7)
    for key, shares in by_cell.items():
        assert sum(shares.values()) == pytest.approx(1, abs=0.011 if key[1] == "compliance" else 1e-9), key
    worst = {r.model: 0.0 for r in select(published(), attack="worst")}
    for row in select(published(), attack="worst"):
        worst[row.model] += row.value if row.unit == "percent" else 0
    assert worst == {"nano-banana-pro": pytest.approx(1), "seedream-4.5": pytest.approx(0.70)}


def test_several_sizes_fit_the_compliance_shares_of_images() -> None:
    for model, first in (("nano-banana-pro", [311, 622, 715]), ("seedream-4.5", [730, 770, 810])):
        overall = select(published(), model=model, evaluation="compliance", modality="image", hazard=None)
        figures = [row for row in overall if row.metric != "scheme_score"]
        assert [row.n for row in figures] == [None] * 3
        fitting = [
            n
            for n in range(50, 1000)
            if all(msgspec.structs.replace(row, n=n, n_from="inferred").count is not None for row in figures)
        ]
        assert fitting[:3] == first


def test_a_row_that_names_an_unknown_note_is_refused_by_its_place() -> None:
    row = msgspec.structs.replace(published()[0], notes=("no-such-note",))
    with pytest.raises(ValueError, match=r"2601\.10527\.json: the row of gpt-5\.2.*'no-such-note'.*list it"):
        rows._require(row, json.loads(FILE.read_text(encoding="utf-8")))


def test_every_note_is_used_and_the_file_is_one_row_a_line() -> None:
    assert {note for row in ALL for note in row.notes} == set(note_texts())
    lines = FILE.read_text(encoding="utf-8").splitlines()
    assert sum('"printed"' in line for line in lines) == len(ALL)
    assert max(line.count('"printed"') for line in lines) == 1


# ---------------------------------------------------------------------------------------------------------------------
# Against the reference, cell by cell

FRAMEWORKS = {"NIST": "nist", "EU_AI_Act": "eu-ai-act", "FEAT": "mas-feat"}
SETS = {"PGP-P": "polyguard-prompt", "PGP-R": "polyguard-response"} | {
    "ML-Bench-P": "ml-bench-prompt",
    "ML-Bench-R": "ml-bench-response",
}
METRIC = {"Safe_worst": "safe_worst", "Safe_worst-3": "safe_worst_3", "Safe_resp": "safe_resp"} | {
    "Refusal_resp": "refusal_resp"
}
SHARES = ("refusal_rate", "unsafe_rate", "safe_image_rate")
LANGUAGE_COLUMNS = ("alert", "flames", "bbq", "sorry-bench", "strongreject", None)
VISION_COLUMNS = {
    "vl_benchmark": ("memesafetybench-mini", "mis-test", "usb-safebench-hard", "siuo", None),
    "vl_adversarial": ("vljailbreakbench-hard", "jailbreakv-28k-mini", "mm-safetybench", None),
}


def one(found: tuple[Published, ...], **wanted: str | None) -> Published:
    (row,) = select(found, **wanted)
    return row


def test_tables_of_rates_hold_what_the_reference_holds(reference: dict[str, Any]) -> None:
    seen = 0
    tables = [("language_benchmark", "language", "benchmark", LANGUAGE_COLUMNS)]
    tables += [(key, "vision", key.removeprefix("vl_"), columns) for key, columns in VISION_COLUMNS.items()]
    for key, modality, evaluation, columns in tables:
        sizes = reference[key]["n"]
        sizes = list(sizes.values()) if isinstance(sizes, dict) else sizes
        for model, cells in reference[key]["rows"].items():
            for name, cell, n in zip(columns, cells, [*sizes, None], strict=True):
                row = one(published(), model=model, modality=modality, evaluation=evaluation, benchmark=name)
                assert (float(row.printed), row.n) == (cell, n)
                seen += 1
    for model, cells in reference["language_compliance"]["rows"].items():
        for framework, cell in zip([*FRAMEWORKS.values(), None], cells, strict=True):
            wanted = {"evaluation": "compliance", "framework": framework, "hazard": None}
            assert float(one(published(), model=model, modality="language", **wanted).printed) == cell
            seen += 1
    adversarial = reference["language_adversarial"]
    for model, cells in adversarial["rows"].items():
        for column, cell in zip(adversarial["columns"], cells, strict=True):
            assert float(one(published(), model=model, metric=METRIC[column]).printed) == cell
            seen += 1
    assert seen == 24 + 20 + 16 + 16 + 16


def test_every_language_cell_is_that_of_the_reference(reference: dict[str, Any]) -> None:
    seen = 0
    for key, cells in reference["language_multilingual"]["data"].items():
        for model in set(cells) - {"langs"}:
            for language, cell in zip([*cells["langs"], None], cells[model], strict=True):
                row = one(published(), model=model, benchmark=SETS[key], language=language)
                assert row.value == cell
                seen += 1
    assert seen == len(select(published(), metric="f1")) == 4 * (17 + 17 + 13 + 13 + 4)


def test_rebuilt_counts_are_those_of_the_reference(reference: dict[str, Any]) -> None:
    compliance = reference["language_compliance"]
    seen = 0
    for model, frameworks in compliance["reconstructed_pass_counts"].items():
        for key, counts in frameworks.items():
            categories = compliance["n_per_category"][key].items()
            for (category, n), count in zip(categories, counts, strict=True):
                row = one(published(), model=model, framework=FRAMEWORKS[key], hazard=category)
                assert (row.count, row.n, row.reading) == (count, n, "rebuilt")
                seen += 1
    for model, categories in reference["t2i_benchmark"]["reconstructed_counts"].items():
        for category, counts in categories.items():
            hazard = {"PublicFigures": "public-figures"}.get(category, category.lower())
            for metric, count in zip(SHARES, counts, strict=True):
                row = one(published(), model=model, evaluation="benchmark", hazard=hazard, metric=metric)
                assert (row.count, row.n) == (count, reference["t2i_benchmark"]["n_per_category"][category])
                seen += 1
    assert seen == len([row for row in published() if row.reading == "rebuilt"]) == 3 * 19 + 2 * 8 * 3


def test_cells_of_images_are_those_of_the_reference(reference: dict[str, Any]) -> None:
    adversarial, compliance = reference["t2i_adversarial"], reference["t2i_compliance"]
    for model in ("nano-banana-pro", "seedream-4.5"):
        cells = {(None, "worst"): adversarial[model]["worst_avg"]}
        for hazard in ("nudity", "violence", "hate"):
            cells |= {(hazard, attack.lower()): cell for attack, cell in adversarial[model][hazard].items()}
        for (hazard, attack), cell in cells.items():
            for metric, figure in zip((*SHARES, "toxicity"), cell, strict=True):
                wanted = {"evaluation": "adversarial", "hazard": hazard, "attack": attack, "metric": metric}
                assert float(one(published(), model=model, **wanted).printed) == figure
        overall = [compliance["overall"][model][key] for key in ("refusal", "unsafe", "safe")]
        for hazard, figures in [(None, overall), *compliance["per_category_chart_pct_pm1"][model].items()]:
            for metric, figure in zip(SHARES, figures, strict=True):
                wanted = {"modality": "image", "evaluation": "compliance", "hazard": hazard, "metric": metric}
                row = one(published(), model=model, **wanted)
                # Four figures by category are in the text, to two decimals; the reference has them as the chart shows.
                assert float(row.printed) == pytest.approx(figure, abs=0.05 if row.reading == "printed" else 0)
    for model, modalities in reference["leaderboard"].items():
        for key, scores in modalities.items():
            modality = {"vision_language": "vision", "t2i": "image"}.get(key, key)
            for evaluation, score in scores.items():
                if evaluation != "mean":
                    wanted = {"modality": modality, "evaluation": evaluation, "metric": "scheme_score"}
                    assert float(one(published(), model=model, **wanted).printed) == score


def test_what_stands_apart_is_that_of_the_reference(reference: dict[str, Any]) -> None:
    doubao: dict[str, Any] = {"model": "doubao-1.8"}
    for name, figure in zip(
        LANGUAGE_COLUMNS, reference["language_benchmark"]["v1_extra"]["doubao-1.6/1.8"], strict=True
    ):
        assert (
            float(one(apart(), **doubao, evaluation="benchmark", modality="language", benchmark=name).printed) == figure
        )
    scores = {
        ("language", "multilingual"): reference["language_multilingual"]["score"]["doubao(v1)"],
        ("language", "compliance"): reference["language_compliance"]["v1_extra"]["doubao"],
        ("vision", "benchmark"): reference["vl_benchmark"]["v1_extra"]["doubao"],
        ("vision", "adversarial"): reference["vl_adversarial"]["v1_extra"]["doubao"]["macro"],
    }
    for (modality, evaluation), figure in scores.items():
        wanted = {"modality": modality, "evaluation": evaluation, "metric": "scheme_score"}
        assert float(one(apart(), **doubao, **wanted).printed) == figure
    adversarial = reference["language_adversarial"]
    for column, figure in adversarial["doubao_1.8_leftover_in_v2_text"].items():
        assert float(one(apart(), **doubao, metric=METRIC[column], source="text").printed) == figure
    superseded = adversarial["v1_superseded_50_queries"]
    for key in set(superseded) - {"columns", "_note"}:
        model = {"doubao-1.6": "doubao-1.8"}.get(key, key)
        for column, figure in zip(superseded["columns"], superseded[key], strict=True):
            metric, source = METRIC.get(column, "scheme_score"), "figure of v1"
            if column == "leaderboard":
                source = "leaderboard of v1"
            wanted = {"evaluation": "adversarial", "modality": "language", "metric": metric, "source": source}
            row = one(apart(), model=model, **wanted)
            assert float(row.printed) == figure
