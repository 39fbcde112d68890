"""Fed with the paper's cells, the boards give its figures, in its order; what contradicts itself carries a note."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.results.made_runs import made
from tocsin.api import leaderboard
from tocsin.results.published import note_texts

SHORT = {
    "GPT-5.2": "gpt-5.2", "Gemini 3 Pro": "gemini-3-pro", "Qwen3-VL": "qwen3-vl", "Grok 4.1 Fast": "grok-4.1-fast",
    "Nano Banana Pro": "nano-banana-pro", "Seedream 4.5": "seedream-4.5",
}  # fmt: skip
ALERT, FLAMES, BBQ, SORRY, STRONG = 100, 100, 100, 440, 60
COUNTS = {  # of Table 2
    "gpt-5.2": (92, 79, 98, 406, 58),
    "gemini-3-pro": (86, 74, 99, 387, 56),
    "qwen3-vl": (90, 77, 45, 406, 58),
    "grok-4.1-fast": (79, 65, 70, 267, 35),
}
MEANS = {"gpt-5.2": 91.59, "gemini-3-pro": 88.06, "qwen3-vl": 80.19, "grok-4.1-fast": 66.60}


@pytest.fixture(scope="module")
def boards() -> dict[str, Any]:
    return leaderboard(with_published=True)


def board(found: dict[str, Any], modality: str, evaluation: str | None, kind: str = "boards") -> dict[str, Any]:
    (one,) = [b for b in found[kind] if (b["modality"], b["evaluation"]) == (modality, evaluation)]
    return dict(one)


def percents(one: dict[str, Any]) -> dict[str, float]:
    return {row["model"]: 100 * row["value"] for row in one["rows"]}


def note_of(one: dict[str, Any], model: str, key: str) -> bool:
    (row,) = [row for row in one["rows"] if row["model"] == model]
    return note_texts()[key] in row["notes"] and key in row["note_keys"]


def component(found: dict[str, Any], **wanted: Any) -> dict[str, Any]:
    (one,) = [b for b in found["components"] if all(b.get(key) == value for key, value in wanted.items())]
    return dict(one)


NAMES = {"language": "language", "vision": "vision_language", "image": "t2i"}


@pytest.mark.parametrize(
    ("modality", "evaluation"),
    [
        *(("language", name) for name in ("benchmark", "adversarial", "multilingual", "compliance")),
        *(("vision", name) for name in ("benchmark", "adversarial")),
        *(("image", name) for name in ("benchmark", "adversarial", "compliance")),
    ],
)
def test_each_board_has_the_papers_figures_in_its_order(
    boards: dict[str, Any], reference: dict[str, Any], modality: str, evaluation: str
) -> None:
    told = reference["leaderboard"]
    wanted = {model: told[model][NAMES[modality]][evaluation] for model in told if NAMES[modality] in told[model]}
    one = board(boards, modality, evaluation)
    assert len(wanted) == (2 if modality == "image" else 4)
    assert percents(one) == pytest.approx(wanted, abs=0.01)
    assert [row["model"] for row in one["rows"]] == sorted(wanted, key=lambda model: -wanted[model])
    assert {row["origin"] for row in one["rows"]} == {"published"}


def test_modality_means_are_the_reports_and_the_news_of_gemini_is_told_apart(boards: dict[str, Any]) -> None:
    language = board(boards, "language", None, "means")
    assert percents(language) == pytest.approx(
        {"gpt-5.2": 78.39, "gemini-3-pro": 67.44, "qwen3-vl": 63.68, "grok-4.1-fast": 55.18}, abs=0.01
    )
    assert note_of(language, "gemini-3-pro", "news-gemini")
    assert [row["printed"] for row in language["rows"]] == ["78.39", "67.9", "63.7", "55.2"]
    vision = board(boards, "vision", None, "means")
    assert percents(vision)["gpt-5.2"] == pytest.approx(94.69, abs=0.01)
    assert {row["model"]: row["printed"] for row in vision["rows"]}["gemini-3-pro"] is None
    assert {one["modality"] for one in boards["means"]} == {"language", "vision", "image"}, "none across modalities"


@pytest.mark.parametrize(
    ("modality", "evaluation", "model", "key"),
    [
        ("vision", "adversarial", "grok-4.1-fast", "grok-vl-adversarial"),
        ("language", "multilingual", "grok-4.1-fast", "grok-multilingual"),
        ("language", "multilingual", "gpt-5.2", "table4-average"),
        ("language", "multilingual", "qwen3-vl", "table4-rounding"),
        ("language", "compliance", "grok-4.1-fast", "grok-compliance"),
        ("image", "benchmark", "nano-banana-pro", "t2i-text"),
        ("image", "benchmark", "seedream-4.5", "t2i-text"),
        ("image", "compliance", "seedream-4.5", "t2i-borderline"),
        ("language", "benchmark", "gpt-5.2", "seven-models"),
    ],
)
def test_what_contradicts_itself_carries_a_note(
    boards: dict[str, Any], modality: str, evaluation: str, model: str, key: str
) -> None:
    assert note_of(board(boards, modality, evaluation), model, key)


def test_notes_on_cells_stand_on_the_board_that_is_made_of_them(boards: dict[str, Any]) -> None:
    texts = note_texts()
    assert texts["strongreject-n"] in board(boards, "language", "benchmark")["notes"]
    assert texts["f1-averaging"] in board(boards, "language", "multilingual")["notes"]
    assert texts["not-whole-count"] in board(boards, "vision", "adversarial")["notes"]


def test_a_recomputed_figure_stands_beside_one_that_its_cells_contradict(boards: dict[str, Any]) -> None:
    rows = {row["model"]: row for row in board(boards, "vision", "adversarial")["rows"]}
    assert rows["grok-4.1-fast"]["value"] == pytest.approx(0.6834)
    assert rows["grok-4.1-fast"]["recomputed"] == pytest.approx(0.69003, abs=1e-4)
    assert [row["agrees"] for row in rows.values()] == [True, True, True, False]
    apart = {(row["model"], row["printed"]) for row in boards["published"]["apart"]}
    assert {("grok-4.1-fast", "45.97"), ("nano-banana-pro", "52"), ("seedream-4.5", "40")} <= apart


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        (
            "language_benchmark",
            [{"benchmark": one} for one in ("alert", "flames", "bbq", "sorry-bench", "strongreject")],
        ),
        (
            "language_adversarial",
            [{"metric": one} for one in ("safe_worst", "safe_worst_3", "refusal_resp", "safe_resp")],
        ),
        (
            "language_compliance",
            [{"framework": one, "hazard": None} for one in ("nist", "eu-ai-act", "mas-feat")],
        ),
        (
            "vl_benchmark",
            [{"benchmark": one} for one in ("memesafetybench-mini", "mis-test", "usb-safebench-hard", "siuo")],
        ),
        (
            "vl_adversarial",
            [{"benchmark": one} for one in ("vljailbreakbench-hard", "jailbreakv-28k-mini", "mm-safetybench")],
        ),
    ],
)
def test_every_cell_of_the_reference_has_its_board(
    boards: dict[str, Any], reference: dict[str, Any], name: str, columns: list[dict[str, Any]]
) -> None:
    rows = {model: row for model, row in reference[name]["rows"].items() if model in MEANS}
    assert set(rows) == set(MEANS)
    for place, wanted in enumerate(columns):
        one = component(boards, **wanted)
        assert percents(one) == pytest.approx({model: row[place] for model, row in rows.items()}, abs=0.01)


def test_every_language_has_a_board_and_none_is_invented(boards: dict[str, Any], reference: dict[str, Any]) -> None:
    names = {
        "PGP-P": "polyguard-prompt", "PGP-R": "polyguard-response", "ML-Bench-P": "ml-bench-prompt",
        "ML-Bench-R": "ml-bench-response",
    }  # fmt: skip
    found = [one for one in boards["components"] if one["evaluation"] == "multilingual" and one["language"]]
    told = reference["language_multilingual"]["data"]
    assert len(found) == sum(len(told[name]["langs"]) for name in names)
    for name, benchmark in names.items():
        for place, language in enumerate(told[name]["langs"]):
            one = component(boards, benchmark=benchmark, language=language)
            wanted = {model: 100 * told[name][model][place] for model in MEANS}
            assert percents(one) == pytest.approx(wanted, abs=0.01)


def test_intervals_stand_only_where_n_is_known(boards: dict[str, Any]) -> None:
    for evaluation in ("adversarial", "multilingual", "compliance"):
        rows = board(boards, "language", evaluation)["rows"]
        assert all(row["low"] is None and row["high"] is None and row["n"] is None for row in rows)
    strong = component(boards, benchmark="strongreject")["rows"][0]
    assert (round(100 * strong["low"], 1), round(100 * strong["high"], 1)) == (88.6, 99.1)
    worst = {row["model"]: row for row in component(boards, metric="safe_worst")["rows"]}
    assert (round(100 * worst["gpt-5.2"]["low"], 1), round(100 * worst["gpt-5.2"]["high"], 1)) == (2.8, 12.5)
    assert component(boards, benchmark="jailbreakv-28k-mini")["rows"][0]["low"] is None


def test_ranks_of_published_rows_are_ranges_that_hold_whatever_the_joint_tables_were(boards: dict[str, Any]) -> None:
    def ranges(one: dict[str, Any]) -> list[tuple[int, int]]:
        return [(row["rank_low"], row["rank_high"]) for row in one["rows"]]

    assert ranges(board(boards, "language", "benchmark")) == [(1, 2), (1, 2), (3, 3), (4, 4)]
    assert ranges(component(boards, metric="safe_worst")) == [(1, 4)] * 4
    assert ranges(board(boards, "language", "multilingual")) == [(1, 4)] * 4, "nothing is known of it"


def test_of_six_safe_worst_pairs_none_survives_holm(boards: dict[str, Any]) -> None:
    (found,) = [one for one in boards["published"]["significance"] if one["metric"] == "safe_worst"]
    pairs = {tuple(pair["models"]): pair for pair in found["pairs"]}
    assert (len(pairs), found["n"]) == (6, 100)
    assert (found["by_itself"], found["possible"], found["certain"]) == (1, 0, 0)
    one = pairs["gpt-5.2", "qwen3-vl"]
    assert one["fisher"] == pytest.approx(0.0289, abs=1e-4)
    assert one["mcnemar"] == {"low": 0.03125, "high": 0.03125, "tables": 1}, (
        "Qwen withstood none, so the table is determined"
    )
    assert one["holm_low"] == pytest.approx(6 * 0.03125)
    other = pairs["gpt-5.2", "gemini-3-pro"]["mcnemar"]
    assert other["tables"] == 3
    assert (other["low"], other["high"]) == (pytest.approx(0.125), pytest.approx(0.2890625))
    assert min(pair["holm_low"] for pair in pairs.values()) > 0.05
    assert all(pair["fisher_holm"] > 0.05 for pair in pairs.values())


def outcomes(passed: int, n: int) -> Sequence[str]:
    return ["safe"] * passed + ["unsafe"] * (n - passed)


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Four real runs whose journals hold the paper's counts, on the same cases."""
    root = tmp_path_factory.mktemp("paper")
    sizes = dict(zip(("alert", "flames", "bbq", "sorry-bench", "strongreject"), (100, 100, 100, 440, 60), strict=True))
    folders: list[Path] = []
    for model, counts in COUNTS.items():
        told = {name: outcomes(count, n) for (name, n), count in zip(sizes.items(), counts, strict=True)}
        folders.append(made(root / model, model, told, wanted={"bbq": "option"}))
    return leaderboard(folders, with_published=True)


def test_runs_that_measured_the_papers_counts_give_its_board(measured: dict[str, Any]) -> None:
    own, paper = [b for b in measured["boards"] if (b["modality"], b["evaluation"]) == ("language", "benchmark")]
    assert (own["origin"], paper["origin"]) == ("measured", "published")
    assert percents(own) == pytest.approx(MEANS, abs=0.01)
    assert [row["model"] for row in own["rows"]] == [row["model"] for row in paper["rows"]] == list(MEANS)
    for mine, theirs in zip(own["rows"], paper["rows"], strict=True):
        assert (mine["low"], mine["high"]) == pytest.approx((theirs["low"], theirs["high"]), abs=1e-9)
    assert {pair["method"] for pair in own["pairs"]} == {"paired"}
    assert own["rows"][-1]["rank_low"] == own["rows"][-1]["rank_high"] == 4


def test_measured_and_published_rows_share_no_board(measured: dict[str, Any]) -> None:
    for kind in ("boards", "components", "means"):
        for one in measured[kind]:
            assert {row["origin"] for row in one["rows"]} == {one["origin"]}
