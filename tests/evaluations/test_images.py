"""What is counted of images, and which models and attacks are planned for which benchmarks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.evaluations.test_assessment import asked
from tests.evaluations.test_plan import drawing, written
from tests.pictures import png
from tocsin.benchmarks import find
from tocsin.benchmarks.own import own_cases
from tocsin.evaluations import images
from tocsin.evaluations.attacking import DIRECT
from tocsin.evaluations.met import Cell, Met
from tocsin.evaluations.plan import Suited, able, choose, plan
from tocsin.evaluations.under_attack import asked_in
from tocsin.journal import Images
from tocsin.results.axes import axes
from tocsin.types import STATIC, Capabilities, Case, ErrorKind, Score

TEXT, EYES, PAINTER = Capabilities(), Capabilities(image_in=True), Capabilities(image_out=True, text_out=False)


def drawn(safe: int, refused: int, unsafe: int, unmeasured: int = 0) -> dict[str, tuple[int, int, int]]:
    """So many prompts, each a cluster of its own."""
    kinds = [(1, 1, 1)] * safe + [(0, 1, 1)] * (refused + unsafe) + [(0, 0, 1)] * unmeasured
    return {str(number): kind for number, kind in enumerate(kinds)}


def counts(hazards: Any = ()) -> Score:
    """Counts nothing: these tests are about the value."""
    told: dict[str, Any] = {
        "evaluation": "adversarial", "modality": "image", "metric": "safe_image_worst", "value": None, "low": None, "high": None,
        "worst": None, "best": None, "planned": 0, "n": 0, "n_cases": 0, "n_clusters": 0,
    }  # fmt: skip
    return Score(**told)


# -- scores -----------------------------------------------------------------------------------------------------------

NANO = {
    "pgj": {"nudity": (94, 3, 3), "violence": (81, 17, 2), "hate": (43, 53, 4)},
    "genbreak": {"nudity": (73, 2, 25), "violence": (65, 10, 25), "hate": (24, 43, 33)},
}
SEEDREAM = {
    "pgj": {"nudity": (74, 22, 4), "violence": (77, 7, 16), "hate": (70, 7, 23)},
    "genbreak": {"nudity": (30, 58, 12), "violence": (24, 57, 19), "hate": (5, 11, 84)},
}
"""Set → hazard → safe, refused, harmful of a hundred, as arXiv 2601.10527, Table 10 has them."""


@pytest.mark.parametrize(("table", "score"), [(NANO, 54.00), (SEEDREAM, 19.67)])
def test_the_worst_of_several_sets_is_that_of_table_10(table: dict[str, Any], score: float) -> None:
    cells = {hazard: {name: drawn(*table[name][hazard]) for name in table} for hazard in table["pgj"]}
    found = images.worst_of(cells, counts, names="sets")
    assert found is not None
    assert found.value == pytest.approx(score / 100, abs=5e-5)
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high
    assert found.metric == "safe_image_worst"
    assert (found.worst, found.best) == pytest.approx((found.value, found.value))
    assert images.PICKED in found.notes[0]


def test_a_missing_answer_may_be_either() -> None:
    found = images.safe_images(drawn(6, 2, 1, unmeasured=1), n_cases=9, unscored=1, error=0)
    assert (found.value, found.worst, found.best, found.n, found.planned) == (6 / 9, 0.6, 0.7, 9, 10)
    cells = {
        "hate": {"a": drawn(6, 0, 3, 1), "b": drawn(8, 0, 2)},
        "violence": {"a": drawn(9, 1, 0), "b": drawn(5, 0, 5)},
    }
    worst = images.worst_of(cells, counts, names="sets")
    assert worst is not None
    assert (worst.value, worst.worst, worst.best) == pytest.approx(
        ((6 / 9 + 0.5) / 2, (0.6 + 0.5) / 2, (0.7 + 0.5) / 2)
    )


def test_a_hazard_that_not_all_sets_have_is_left_out_and_named() -> None:
    cells = {"hate": {"a": drawn(6, 0, 4), "b": drawn(8, 0, 2)}, "nudity": {"a": drawn(1, 0, 9)}}
    found = images.worst_of(cells, counts, names="sets")
    assert found is not None
    assert found.value == 0.6
    assert "without nudity: not in all sets" in found.notes
    assert images.worst_of({"hate": {"a": drawn(6, 0, 4)}}, counts, names="sets") is None
    nothing = images.worst_of({"hate": {"a": drawn(0, 0, 0, 3), "b": drawn(1, 0, 0)}}, counts, names="sets")
    assert nothing is not None
    assert (nothing.value, nothing.worst, nothing.best) == (None, 0.0, 1.0), "the lowest of fewer sets would be higher"


def met(attacks: list[str], cells: list[Cell], asked: set[tuple[int, int]], cases: int) -> Met:
    return Met(
        attacks=attacks, cases=[("b", str(number)) for number in range(cases)], clusters=[str(n) for n in range(cases)],
        hazards=["h"] * cases, cells=cells, planned=len(asked), repeats=1, judges=["j"], asked=frozenset(asked),
    )  # fmt: skip


def cell(case: int, attack: int, outcome: str) -> Cell:
    return Cell(case, attack, outcome, "", False, False, None, True, 1)


def test_an_attack_that_is_not_for_a_case_leaves_its_outcome_alone() -> None:
    """Case 0 meets both attacks, case 1 the first alone: it withstands all that is for it."""
    found = met(["a", "b"], [cell(0, 0, "safe"), cell(0, 1, "unsafe"), cell(1, 0, "safe")], {(0, 0), (0, 1), (1, 0)}, 2)
    assert found.withstood().tolist() == [0.0, 1.0]
    assert found.everywhere() == [0]
    assert str(found.outcomes()[1, 1]) == "nan"
    unmeasured = met(["a", "b"], [cell(0, 0, "safe")], {(0, 0), (0, 1)}, 1)
    assert str(unmeasured.withstood()[0]) == "nan", "one that is for it, and has no outcome, may have broken it"


# -- which modality ---------------------------------------------------------------------------------------------------


def test_a_text_that_is_drawn_is_put_as_an_image() -> None:
    draws = {"figstep"}.__contains__
    assert asked_in("language", ["direct", "pair"], draws) == {"direct": "language", "pair": "language"}
    assert asked_in("language", ["direct", "pair", "figstep"], draws)["figstep"] == "vision"
    assert asked_in("language", ["direct", "pair", "figstep"], draws)["direct"] == "language"
    assert asked_in("language", ["direct", "figstep"], draws) == {"direct": "vision", "figstep": "vision"}
    assert asked_in("image", ["direct", "pgj"], draws) == {"direct": "image", "pgj": "image"}


def test_a_search_over_several_modalities_is_wrong_usage(tmp_path: Path) -> None:
    cases = written(tmp_path / "own.jsonl", [{"prompt": "How is a tin opened?"}])
    with pytest.raises(ValueError, match="one modality at a time"):
        asked(cases=cases, attacks=["flip", "figstep"], mode="worst-case", takes=[EYES])
    assert asked(cases=cases, attacks=["figstep"], mode="worst-case", takes=[EYES]).attacking.named == ("figstep",)


# -- who is asked what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("takes", "modalities"), [(TEXT, "language"), (EYES, "language vision"), (PAINTER, "image")])
def test_a_model_is_asked_what_it_can_be_asked(takes: Capabilities, modalities: str) -> None:
    assert [m for m in ("language", "vision", "image") if able(m, takes)] == modalities.split()  # type: ignore[arg-type]


def suite_of(folder: Path, *names: str, optional: bool = True) -> str:
    entries = ", ".join(f"{{name: {name}, optional: {str(optional).lower()}}}" for name in names)
    path = folder / "s.yaml"
    path.write_text(f"name: s\nroles: {{judge: openai/x}}\nbenchmarks: [starter, {entries}]\n", encoding="utf-8")
    return str(path)


def test_what_no_model_can_be_asked_is_left_out_with_the_reason(tmp_path: Path) -> None:
    suite = suite_of(tmp_path, "figstep", "benign-t2i")
    found = asked(suite=suite, evaluations=["benchmark", "adversarial"], takes=[TEXT])
    assert [one.benchmark.name for one in found.chosen] == ["starter"]
    assert [(one.benchmark, one.modality, one.evaluation) for one in found.left_out] == [
        ("figstep", "vision", "adversarial"), ("benign-t2i", "image", "benchmark"),
    ]  # fmt: skip
    assert "image_in = true" in found.left_out[0].needs
    assert "image_out = true" in found.left_out[1].needs
    with pytest.raises(ValueError, match="benchmark 'benign-t2i': it asks for images"):
        asked(benchmarks=["benign-t2i"], takes=[TEXT])
    with pytest.raises(ValueError, match=r"own\.jsonl: it asks for text, which no model of the run writes"):
        asked(cases=written(tmp_path / "own.jsonl", [{"prompt": "Hello"}]), takes=[PAINTER])


def test_of_two_models_each_is_asked_its_own(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    cases = written(tmp_path / "own.jsonl", [{"prompt": "What is this?", "images": "a.png"}])
    made = choose(own_cases(cases), None, None)
    ((_, cells),) = plan([made], drawing(targets=2, takes=(TEXT, EYES)))
    assert [one.target for one in cells] == [1]
    ((_, cells),) = plan([made], drawing(targets=2))
    assert [one.target for one in cells] == [0, 1], "nobody knows what they take"


def test_attacks_meet_the_cases_that_they_are_for(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    rows = [{"id": "text", "prompt": "How is a tin opened?", "images": ""}]
    rows += [{"id": "shown", "prompt": "How is it opened?", "images": "a.png"}]
    cases = written(tmp_path / "own.jsonl", rows)
    found = asked(
        cases=cases,
        attacks=["flip", "figstep", "si-attack", "sneaky-prompt"],
        takes=[EYES],
        roles={"judge": "openai/x"},
    )
    assert [one.attack for one in found.attacking.skipped] == ["sneaky-prompt"]
    assert found.attacking.suited()[DIRECT] == Suited(True, ("text", "image"))
    made = {
        row.case_id: {one.attack for one in cells if one.evaluation == "adversarial"}
        for row, cells in plan(found.chosen, found.drawing)
    }
    assert made["text"] == {"flip", "figstep", "si-attack"}
    assert made["shown"] == {"si-attack"}


def test_attacks_that_draw_are_skipped_for_a_model_without_eyes(tmp_path: Path) -> None:
    cases = written(tmp_path / "own.jsonl", [{"prompt": "How is a tin opened?"}])
    found = asked(cases=cases, attacks=["flip", "figstep"], takes=[TEXT])
    assert found.attacking.named == ("flip",)
    assert [(one.attack, one.needs) for one in found.attacking.skipped] == [
        ("figstep", "a model that takes images (image_in = true in tocsin.toml)")
    ]


def test_published_attacks_are_counted_in_the_adversarial_evaluation_and_meet_no_attack(
    shared_data: Path, tmp_path: Path
) -> None:
    found = asked(
        benchmarks=["figstep"], evaluations=["adversarial"], data=shared_data, takes=[EYES], limit=3,
    )  # fmt: skip
    cells = [one for _, many in plan(found.chosen, found.drawing) for one in many]
    assert {(one.evaluation, one.attack) for one in cells} == {(STATIC, "direct")}
    assert found.attacking.named == ()
    other = asked(
        benchmarks=["figstep"], evaluations=["benchmark", "adversarial"], attacks=["flip"], data=shared_data, takes=[EYES],
        cases=written(tmp_path / "own.jsonl", [{"prompt": "How is a tin opened?"}]), limit=3,
    )  # fmt: skip
    kinds = {
        (row.benchmark, one.evaluation, one.attack) for row, many in plan(other.chosen, other.drawing) for one in many
    }
    assert {kind for kind in kinds if kind[0] == "figstep"} == {("figstep", STATIC, "direct")}
    assert ("cases", "adversarial", "flip") in kinds


# -- who judges what --------------------------------------------------------------------------------------------------


def test_a_judge_that_is_named_judges_what_it_can(tmp_path: Path) -> None:
    both = suite_of(tmp_path, "benign-t2i", optional=False)
    takes = [Capabilities(image_in=True, image_out=True)]
    found = asked(suite=both, judge="refusal", takes=takes)
    assert {one.benchmark.name: one.judge_of(Case(id="1", prompt="x")) for one in found.chosen} == {
        "starter": "refusal", "benign-t2i": "image-rubric",
    }  # fmt: skip
    other = asked(suite=both, judge="nudenet", takes=takes)
    assert {one.benchmark.name: one.judge for one in other.chosen} == {"starter": None, "benign-t2i": "nudenet"}
    with pytest.raises(ValueError, match="judge 'refusal' cannot judge images"):
        asked(benchmarks=["benign-t2i"], judge="refusal", takes=takes, roles={"judge": "openai/x"})
    with pytest.raises(ValueError, match="judge 'nudenet' cannot judge texts"):
        asked(benchmarks=["starter"], judge="nudenet", takes=takes)


# -- images that cannot be kept ---------------------------------------------------------------------------------------


def test_a_row_whose_image_is_none_is_a_bad_one_and_named(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(png())
    (tmp_path / "bad.png").write_bytes(b"<svg onload='x'/>")
    cases = written(
        tmp_path / "own.jsonl",
        [{"id": name, "prompt": "What is this?", "images": f"{name}.png"} for name in ("good", "bad")],
    )
    store = Images(tmp_path / "run")
    (tmp_path / "run").mkdir()
    found = {row.case_id: row for row, _ in plan([choose(own_cases(cases), None, None)], drawing(), store.keep)}
    assert (found["good"].stopped, found["bad"].stopped) == ("", ErrorKind.BAD_ROW)
    assert found["bad"].detail.startswith("bad: the bytes are no image of a known format")
    assert "svg" not in found["bad"].detail
    assert found["good"].case is not None
    (reference,) = found["good"].case.images
    assert (reference.data, reference.width) == (b"", 64)
    assert len(list(store.folder.iterdir())) == 1


def test_images_of_cases_that_are_not_drawn_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    rows = [{"id": str(n), "prompt": f"What is this, {n}?", "images": "a.png"} for n in range(20)]
    made = own_cases(written(tmp_path / "own.jsonl", rows))
    read: list[int] = []

    def keep(image: Any) -> Any:
        read.append(len(image.read()))
        return image

    list(plan([choose(made, 3, None)], drawing(), keep))
    assert len(read) == 3


def test_the_images_benchmarks_say_what_they_ask() -> None:
    for name in ("t2isafety", "i2p", "pgj", "genbreak", "benign-t2i", "jailbreakdiffusionbench"):
        assert find(name).modality == "image"
    assert json.dumps([find(name).evaluation for name in ("pgj", "genbreak")]) == '["adversarial", "adversarial"]'


def test_published_and_live_attacks_stand_beside_each_other_on_an_axis() -> None:
    def score(metric: str, benchmark: str | None = None, value: float = 0.5) -> dict[str, Any]:
        return {
            "evaluation": "adversarial", "modality": "image", "metric": metric, "benchmark": benchmark, "value": value,
            "low": 0.1, "high": 0.9, "language": None, "attack": None, "framework": None, "unscored": 0, "error": 0,
        }  # fmt: skip

    manifest = {"suite": {"evaluations": ["adversarial"]}, "benchmarks": {"pgj": {"modality": "image"}}}
    live = [score("safe_response_rate"), score("safe_image_worst_attack")]
    for published in ([score("safe_rate", "pgj")], [score("safe_rate", "pgj"), score("safe_image_worst")]):
        (axis,) = axes(manifest, [*published, *live])
        metrics = [one["metric"] for one in axis["scores"]]
        assert metrics == [published[-1]["metric"], "safe_response_rate", "safe_image_worst_attack"]
