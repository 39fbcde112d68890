"""Profiles: what becomes an axis, which way it points, and what is said where there is none."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.planted import comply, failed, plant, refuse, safe, unsafe, unscored
from tests.report.speaking import JUDGED as JUDGED_LANGUAGES
from tests.report.speaking import MULTIJAIL, speak
from tocsin.api import Run
from tocsin.results.profile import profile
from tocsin.results.profile_axes import axis, pooled
from tocsin.results.profiled import published_profiled
from tocsin.results.published_profile import MODELS, NO_SIZE, POOLED, published_profile
from tocsin.stats import wilson


def axes_of(made: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for sector in made["sectors"]:
        for one in sector["axes"]:
            yield sector["sector"], one


def sector_of(made: dict[str, Any], title: str) -> dict[str, dict[str, Any]]:
    (found,) = (one for one in made["sectors"] if one["sector"] == title)
    return {one["title"]: one for one in found["axes"]}


@pytest.fixture(scope="module")
def measured(base: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Six requests to refuse (four safe, one unsafe, one lost) and four harmless ones, of which one was refused."""
    records = [
        *(safe(refuse(n, hazard="fraud")) for n in range(4)),
        unsafe(refuse(4, hazard="theft")),
        failed(refuse(5)),
    ]
    records += [unsafe(comply(0)), *(safe(comply(n)) for n in range(1, 4))]
    built = plant(tmp_path_factory.mktemp("profile"), records, base)
    (model,) = built.summary["models"]
    return {"manifest": built.manifest, "model": model, "profile": model["profile"]}


def test_an_axis_is_the_score_of_the_summary(measured: dict[str, Any]) -> None:
    (score,) = (s for s in measured["model"]["scores"] if s["metric"] == "safe_rate")
    one = sector_of(measured["profile"], "Language Benchmark")["cases"]
    for key in ("value", "low", "high", "worst", "best", "n", "planned", "judge", "benchmark"):
        assert one[key] == score[key], key
    assert (one["value"], one["n"], one["planned"]) == (0.8, 5, 6)
    assert (one["worst"], one["best"]) == (pytest.approx(4 / 6), pytest.approx(5 / 6))


def test_over_refusal_stands_alone_and_is_turned_so_that_higher_is_better(measured: dict[str, Any]) -> None:
    (score,) = (s for s in measured["model"]["scores"] if s["metric"] == "over_refusal_rate")
    one = sector_of(measured["profile"], "Language Over-refusal")["cases"]
    assert one["value"] == 1 - score["value"] == 0.75
    assert (one["low"], one["high"]) == (1 - score["high"], 1 - score["low"])
    assert one["low"] < one["value"] < one["high"]
    others = [a["metric"] for title, a in axes_of(measured["profile"]) if title != "Language Over-refusal"]
    assert others == ["safe_rate"], "nothing of it enters another sector"


def test_every_axis_of_a_run_is_in_0_to_1_and_has_a_value_or_a_reason(measured: dict[str, Any], real_run: Run) -> None:
    for made in (measured["profile"], real_run.summary["models"][0]["profile"]):
        found = list(axes_of(made))
        assert found
        for _, one in found:
            assert (one["value"] is None) == bool(one["why"])
            assert one["value"] is None or 0 <= one["low"] <= one["value"] <= one["high"] <= 1


def test_what_nothing_measured_has_a_reason_and_what_was_left_out_is_an_axis(
    base: dict[str, Any], tmp_path: Path
) -> None:
    left = [{"benchmark": "alert", "evaluation": "benchmark", "modality": "language", "needs": "a licence"}]
    built = plant(tmp_path, [unscored(refuse(0)), failed(refuse(1))], base, left_out=left)
    axes = sector_of(built.summary["models"][0]["profile"], "Language Benchmark")
    assert axes["cases"]["value"] is None
    assert axes["cases"]["why"] == "none of 2 was measured: 1 without a verdict, 1 errors"
    assert axes["ALERT"]["why"] == "left out: a licence"
    assert axes["ALERT"]["n"] is None


def test_how_a_model_declines_is_counted_and_not_guessed(measured: dict[str, Any]) -> None:
    (style,) = measured["profile"]["refusals"]
    assert style["n"] == 5
    assert {k: style[k]["count"] for k in ("hard_refusal", "safe_completion", "comply", "mixed", "block")} == {
        "hard_refusal": 4, "safe_completion": 0, "comply": 1, "mixed": 0, "block": 0,
    }  # fmt: skip
    assert style["comply_then_warn"] is None, "no judge says whether an answer that complies ends in a warning"


def test_an_axis_without_value_or_reason_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="neither a value nor a reason"):
        axis("a", "A", "safe_rate", value=None)
    with pytest.raises(ValueError, match=r"not all in \[0, 1\]"):
        axis("a", "A", "safe_rate", value=1.2)
    with pytest.raises(ValueError, match="do not hold its value"):
        axis("a", "A", "safe_rate", value=0.5, low=0.6, high=0.7)


def part(passed: int, failed_: int, unscored_: int = 0, value: float | None = 0.5) -> dict[str, Any]:
    return {
        "passed": passed, "failed": failed_, "unscored": unscored_, "error": 0, "refused": 0, "n": passed + failed_,
        "value": value, "low": 0.0, "high": 1.0, "notes": [], "metric": "compliance_rate",
    }  # fmt: skip


def test_dimensions_of_a_category_are_added_with_each_as_a_cluster() -> None:
    alike = pooled([part(5, 0), part(0, 5), part(5, 0), part(0, 5)])
    assert (alike["value"], alike["n"], alike["n_clusters"]) == (0.5, 20, 4)
    independent = wilson(10, 20)
    assert alike["low"] < independent.low, "items of one dimension that stand and fall together tell less"
    lost = pooled([part(3, 1, 4), part(2, 2)])
    assert (lost["worst"], lost["best"], lost["planned"]) == (5 / 12, 9 / 12, 12)


def test_a_category_whose_parts_have_no_rate_has_none_either() -> None:
    assert pooled([part(1, 0), part(1, 0, value=None)])["value"] is None


LANGUAGE_SETS = ("ALERT", "Flames", "BBQ", "SORRY-Bench", "StrongREJECT")
VISION = ("MemeSafetyBench", "MIS", "USB-SafeBench", "SIUO")
VISION_ATTACKS = ("VLJailbreakBench", "JailbreakV-28K", "MM-SafetyBench")
FRAMEWORKS = {"NIST": "NIST AI 600-1", "EU_AI_Act": "EU AI Act", "FEAT": "MAS FEAT"}
JUDGED = {
    "PGP-P": "F1 on prompts, PolyGuard", "PGP-R": "F1 on responses, PolyGuard",
    "ML-Bench-P": "F1 on prompts, ML-Bench", "ML-Bench-R": "F1 on responses, ML-Bench",
}  # fmt: skip
TEXT = MODELS[:4]


@pytest.mark.parametrize("model", TEXT)
def test_every_bar_of_a_published_text_profile_is_the_cell_of_the_reference(
    model: str, reference: dict[str, Any]
) -> None:
    made = published_profile(model)
    compared = 0

    def same(title: str, names: Any, cells: Any, scale: float = 100.0) -> None:
        nonlocal compared
        axes = sector_of(made, title)
        assert list(axes) == list(names), title
        for name, cell in zip(names, cells, strict=True):
            assert axes[name]["value"] * scale == pytest.approx(cell, abs=0.005), (title, name)
            compared += 1

    same("Language Benchmark", LANGUAGE_SETS, reference["language_benchmark"]["rows"][model][:5])
    attacked = reference["language_adversarial"]["rows"][model]
    same("Language Adversarial", ("Safe_worst", "Safe_worst-3", "Safe_resp"), (attacked[0], attacked[1], attacked[3]))
    same("Vision Benchmark", VISION, reference["vl_benchmark"]["rows"][model][:4])
    same("Vision Adversarial", VISION_ATTACKS, reference["vl_adversarial"]["rows"][model][:3])
    for name, title in JUDGED.items():
        told = reference["language_multilingual"]["data"][name]
        same(f"Language Multilingual: {title}", told["langs"], told[model][:-1], 1.0)
    told = reference["language_compliance"]
    for name, title in FRAMEWORKS.items():
        sizes = told["n_per_category"][name]
        counts = told["reconstructed_pass_counts"].get(model)
        if counts is None:
            assert model == "grok-4.1-fast", "its printed rates are no whole counts"
            assert all(one["value"] is None and "Grok" in one["why"] for one in sector_of(made, title).values())
            assert list(sector_of(made, title)) == list(sizes)
        else:
            cells = [100 * count / n for count, n in zip(counts[name], sizes.values(), strict=True)]
            same(title, sizes, cells)
    assert compared == (94 if model != "grok-4.1-fast" else 75)


@pytest.mark.parametrize("model", MODELS[4:])
def test_every_bar_of_a_published_image_profile_is_the_cell_of_the_reference(
    model: str, reference: dict[str, Any]
) -> None:
    made = published_profile(model)
    counts = reference["t2i_benchmark"]["reconstructed_counts"][model]
    axes = {title.replace("-", ""): one for title, one in sector_of(made, "Image Benchmark").items()}
    assert len(axes) == len(counts) == 8
    for name, (refusal, unsafe_, safe_) in counts.items():
        assert axes[name.lower()]["value"] == pytest.approx((refusal + safe_) / (refusal + unsafe_ + safe_)), name
    attacked = sector_of(made, "Image Adversarial")
    for hazard in ("nudity", "violence", "hate"):
        cells = reference["t2i_adversarial"][model][hazard]
        assert attacked[hazard]["value"] * 100 == min(cell[2] for cell in cells.values()), "a refusal is none"
    themes = reference["t2i_compliance"]["per_category_chart_pct_pm1"][model]
    drawn = sector_of(made, "Image Compliance: China Interim Measures")
    assert list(drawn) == list(themes)
    for name, (_, _, safe_) in themes.items():
        assert drawn[name]["value"] * 100 == pytest.approx(safe_, abs=0.01)


@pytest.mark.parametrize("model", MODELS)
def test_a_published_bar_has_wilsons_interval_where_its_count_is_known_and_none_elsewhere(model: str) -> None:
    for _, one in axes_of(published_profile(model)):
        if one["value"] is None:
            continue
        if one["low"] is None:
            assert (POOLED if one["metric"] == "safe_resp" else NO_SIZE) in one["notes"]
            assert one["n"] is None
        else:
            limits = wilson(round(one["value"] * one["n"]), one["n"])
            assert (one["low"], one["high"]) == (pytest.approx(limits.low), pytest.approx(limits.high))
        assert any(note.startswith("source: ") for note in one["notes"])


def test_a_published_profile_says_its_origin_and_is_json() -> None:
    made = published_profiled("gpt-5.2")
    assert made["origin"] == "published"
    assert json.loads(json.dumps(made, allow_nan=False)) == json.loads(json.dumps(made))
    with pytest.raises(ValueError, match="no published profile of 'gpt-6'"):
        published_profiled("gpt-6")


def test_the_chart_of_a_text_model_has_the_reports_17_languages_and_about_fifty_full_wedges() -> None:
    drawn = [one for one in published_profile("gpt-5.2")["sectors"] if one["charted"]]
    halves = [len(one["axes"]) for one in drawn if one["half"]]
    assert halves == [17, 17]
    assert sum(len(one["axes"]) * (0.5 if one["half"] else 1) for one in drawn) == 51


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A run of safety judgement and of safe generation in several languages, over loopback endpoints."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.upper().startswith(("OPENAI_", "TOCSIN_"))]:
            patch.delenv(name)
        run = speak(tmp_path_factory.mktemp("spoken"), dishes=8, sets=("multijail", "polyguardprompts"))
    found: dict[str, Any] = run.summary["models"][0]
    return found


def test_judgement_and_generation_are_apart_by_language(spoken: dict[str, Any]) -> None:
    made = spoken["profile"]
    prompts = sector_of(made, "Language Multilingual: F1 on prompts, PolyGuard")
    assert set(prompts) == set(JUDGED_LANGUAGES)
    for language, one in prompts.items():
        (score,) = (s for s in spoken["scores"] if s["metric"] == "prompt_f1" and s["language"] == language)
        assert (one["value"], one["low"], one["n"]) == (score["value"], score["low"], score["n"])
    generated = sector_of(made, "Language Multilingual: safe answers, MultiJail")
    assert set(generated) == set(MULTIJAIL)
    assert {one["metric"] for one in generated.values()} == {"safe_rate"}
    whole = {one["sector"]: one["overall"]["metric"] for one in made["sectors"]}
    assert whole["Language Multilingual: F1 on responses, PolyGuard"] == "response_f1"
    assert [(e["kind"], e["metric"]) for e in made["evaluations"] if e["evaluation"] == "multilingual"] == [
        ("judgement", "judgement_mean"), ("generation", "safe_rate"),
    ]  # fmt: skip


def test_a_run_that_may_stop_early_has_no_limits_on_counts_that_a_profile_adds(measured: dict[str, Any]) -> None:
    stops = {**measured["manifest"], "suite": {**measured["manifest"]["suite"], "stopping": {"precision": 0.1}}}
    made = profile(stops, measured["model"])
    (style,) = made["refusals"]
    assert style["hard_refusal"]["value"] == 0.8
    assert style["hard_refusal"]["low"] is None
    one = sector_of(made, "Language Benchmark")["cases"]
    assert one["low"] is not None, "the score's own interval allows for it"


def test_two_frameworks_of_one_name_are_two_sectors(measured: dict[str, Any]) -> None:
    (score,) = (s for s in measured["model"]["scores"] if s["metric"] == "safe_rate")
    items = [
        {
            **score,
            "evaluation": "compliance",
            "metric": "compliance_rate",
            "benchmark": f"items-{file}",
            "framework": file,
        }
        for file in ("a/rules.yaml", "b/rules.yaml")
    ]
    told = [{"framework": "rules", "sets": [o["benchmark"]], "title": "Rules, in full", "clauses": []} for o in items]
    made = profile(measured["manifest"], {**measured["model"], "scores": items, "compliance": told})
    assert [one["sector"] for one in made["sectors"]] == ["Rules", "Rules (2)"]


def test_a_profile_is_the_same_whenever_it_is_made(measured: dict[str, Any]) -> None:
    again = profile(measured["manifest"], measured["model"])
    assert {key: measured["profile"][key] for key in again} == again


def image_part(benchmark: str, hazard: str, passed: int, failed_: int, refused: int, lost: int = 0) -> dict[str, Any]:
    n = passed + failed_
    return {
        "by": "hazard", "key": hazard, "evaluation": "adversarial", "modality": "image", "benchmark": benchmark,
        "metric": "safe_rate", "value": passed / n if n else None, "low": 0.0, "high": 1.0, "worst": 0.0, "best": 1.0,
        "n": n, "planned": n + lost, "n_clusters": n, "passed": passed, "failed": failed_, "refused": refused,
        "unscored": lost, "error": 0, "judge": "a-judge", "framework": None, "language": None, "attack": None, "notes": [],
    }  # fmt: skip


def drawing_model(parts: list[dict[str, Any]], tables: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A synthetic summary of a model that draws, with two sets that were attacked beforehand."""
    names = dict.fromkeys(part["benchmark"] for part in parts)
    wholes = [{**image_part(name, "", 5, 5, 0), "by": None} for name in names]
    return {"model": "painter", "scores": wholes, "breakdown": parts, "refusal_tables": tables or [], "compliance": []}


def test_the_image_axis_of_a_hazard_is_the_lowest_share_of_safe_images_and_a_refusal_is_none() -> None:
    parts = [image_part("pgj", "Nudity", 97, 3, 3), image_part("genbreak", "Nudity", 75, 25, 2)]
    made = profile({"benchmarks": {}}, drawing_model(parts))
    one = sector_of(made, "Image Adversarial")["Nudity"]
    limits = wilson(73, 100)
    assert (one["value"], one["low"], one["high"]) == (0.73, pytest.approx(limits.low), pytest.approx(limits.high))
    assert any(note.startswith("lowest in genbreak; ") for note in one["notes"])


def test_with_a_set_unmeasured_there_is_no_lowest() -> None:
    parts = [image_part("pgj", "Hate", 90, 10, 0), image_part("genbreak", "Hate", 0, 0, 0, lost=100)]
    one = sector_of(profile({"benchmarks": {}}, drawing_model(parts)), "Image Adversarial")["Hate"]
    assert one["value"] is None
    assert one["why"] == "nothing was measured in genbreak, and the lowest of fewer is higher"


def test_what_prompts_for_images_came_to_is_counted_by_evaluation() -> None:
    parts = [image_part("pgj", "Nudity", 5, 5, 0)]
    counts = {"refused/safe": 30, "answered/safe": 50, "answered/unsafe": 20}
    table = {"evaluation": "adversarial", "benchmark": "pgj", "metric": "safe_rate", "counts": counts}
    (one,) = profile({"benchmarks": {}}, drawing_model(parts, [table]))["refusals"]
    assert (one["evaluation"], one["n"]) == ("adversarial", 100)
    assert one["refusal"]["value"] == 0.3
    assert one["leak"]["value"] == pytest.approx(20 / 70)
