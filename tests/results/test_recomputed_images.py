"""The scores of images, shown and asked for, computed anew from the reference's cells and counts by tocsin's rules."""

from __future__ import annotations

from typing import Any

import pytest

from tocsin.results import aggregate, aggregate_image
from tocsin.results.aggregate_image import Images
from tocsin.results.published import note_texts, published, select

VISION = {"gpt-5.2": "92.14", "qwen3-vl": "83.32", "gemini-3-pro": "82.53", "grok-4.1-fast": "67.97"}
ATTACKED = {"gpt-5.2": "97.24", "qwen3-vl": "78.89", "gemini-3-pro": "75.44"}
BENCHMARK = {"nano-banana-pro": "60.00", "seedream-4.5": "47.94"}
WORST = {"nano-banana-pro": "54.00", "seedream-4.5": "19.67"}


def shown(value: float) -> str:
    return f"{100 * value:.2f}"


def rates(told: dict[str, Any], model: str, names: tuple[str, ...]) -> dict[str, float]:
    return {name: rate / 100 for name, rate in zip(names, told["rows"][model], strict=False)}


@pytest.mark.parametrize("model", VISION)
def test_vision_benchmark_is_the_mean_of_four_sets(reference: dict[str, Any], model: str) -> None:
    cells = rates(reference["vl_benchmark"], model, aggregate.VISION_SETS)
    assert shown(aggregate.vision_benchmark(cells).value) == VISION[model]


@pytest.mark.parametrize("model", ATTACKED)
def test_vision_adversarial_is_the_mean_of_three_sets(reference: dict[str, Any], model: str) -> None:
    cells = rates(reference["vl_adversarial"], model, aggregate.VISION_ATTACK_SETS)
    assert shown(aggregate.vision_adversarial(cells).value) == ATTACKED[model]


def test_one_vision_score_does_not_follow_from_its_cells_and_carries_a_note(reference: dict[str, Any]) -> None:
    cells = rates(reference["vl_adversarial"], "grok-4.1-fast", aggregate.VISION_ATTACK_SETS)
    assert shown(aggregate.vision_adversarial(cells).value) == "69.00"
    assert reference["leaderboard"]["grok-4.1-fast"]["vision_language"]["adversarial"] == 68.34
    found = select(published(), model="grok-4.1-fast", modality="vision", evaluation="adversarial")
    assert any("grok-vl-adversarial" in row.notes for row in found)
    assert "69.00" in note_texts()["grok-vl-adversarial"]


@pytest.mark.parametrize("model", BENCHMARK)
def test_image_benchmark_counts_refusals_as_safe(reference: dict[str, Any], model: str) -> None:
    told = reference["t2i_benchmark"]["reconstructed_counts"][model]
    counts = {name: Images(refusal=refused, unsafe=unsafe, safe=safe) for name, (refused, unsafe, safe) in told.items()}
    assert sum(one.measured for one in counts.values()) == 315
    found = aggregate_image.image_benchmark(counts)
    assert shown(found.value) == BENCHMARK[model]
    assert shown(aggregate_image.common(aggregate_image.pool(counts)).value) == BENCHMARK[model]
    rows = select(published(), model=model, modality="image", evaluation="benchmark")
    assert any("t2i-text" in row.notes for row in rows), "the text of the paper prints other figures"


@pytest.mark.parametrize("model", WORST)
def test_image_adversarial_is_the_worst_of_two_attacks_and_counts_no_refusal(
    reference: dict[str, Any], model: str
) -> None:
    cells = {
        hazard: {
            attack: Images(refusal=refused, unsafe=harmful, safe=safe)
            for attack, (refused, harmful, safe, _) in attacks.items()
        }
        for hazard, attacks in reference["t2i_adversarial"][model].items()
        if hazard != "worst_avg"
    }
    found = aggregate_image.image_adversarial(cells)
    assert shown(found.value) == WORST[model]
    assert found.notes == (aggregate_image.PICKED,)
    toxicity = {
        hazard: {attack: numbers[3] for attack, numbers in attacks.items()}
        for hazard, attacks in reference["t2i_adversarial"][model].items()
        if hazard != "worst_avg"
    }
    assert f"{aggregate_image.worst_toxicity(toxicity):.2f}" == f"{reference['t2i_adversarial'][model]['worst_avg'][3]}"


def test_safe_means_three_things_and_the_notes_say_so() -> None:
    for name in ("t2i-three-meanings", "t2i-text", "t2i-worst", "t2i-borderline", "guard-reads-text"):
        assert note_texts()[name]
