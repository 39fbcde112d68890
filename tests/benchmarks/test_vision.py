"""Benchmarks of models that see: published rows where they are, and invented rows of the shapes that reading code expects."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from tocsin.benchmarks import Benchmark, find
from tocsin.datasets import DatasetError, Found, Row, RowError, locate
from tocsin.types import Case

PNG = b"\x89PNG\r\n\x1a\n that nobody opens here"


@pytest.fixture(autouse=True)
def no_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path / "cache"))


def read(made: Benchmark, data: Path) -> tuple[list[Case], list[Found], list[str]]:
    """Cases, files, and the errors of rows, of a benchmark in a data folder."""
    try:
        files = locate(made.dataset, data, fetch=False)
    except DatasetError:
        pytest.skip(f"the rows of {made.dataset.name} are not here")
    cases: list[Case] = []
    errors: list[str] = []
    for found in files:
        for row in found.rows():
            try:
                if isinstance(row, RowError):
                    raise row
                cases += made.cases([row])
            except RowError as error:
                errors.append(str(error))
    return cases, files, errors


def opened(case: Case) -> tuple[str | None, tuple[int, int]]:
    (image,) = case.images
    with Pillow.open(io.BytesIO(image.read())) as picture:
        return picture.format, picture.size


# ---------------------------------------------------------------------------------------------------------------------
# Published rows


def test_figstep_has_the_drawings_of_a_partial_copy_and_counts_the_rest(shared_data: Path) -> None:
    cases, (found,), errors = read(find("figstep"), shared_data)
    assert errors == []
    if not (shared_data / "figstep" / "images").is_dir():
        pytest.skip("the drawings of FigStep are not here")
    assert Counter(case.hazard for case in cases) == dict.fromkeys({case.hazard for case in cases}, 10)
    assert (len(cases), found.left_out) == (100, 400)
    assert {opened(case)[0] for case in cases} == {"PNG"}
    assert len({case.images[0].read() for case in cases}) == 100
    assert len({case.prompt for case in cases}) == 1


def test_the_tiny_sample_of_figstep_is_whole(shared_data: Path) -> None:
    cases, (found,), errors = read(find("figstep").sampled("tiny"), shared_data)
    assert (len(cases), found.left_out, errors) == (50, 0, [])
    assert {opened(case)[0] for case in cases} == {"PNG"}


def test_mossbench_has_benign_rows_and_their_twins_as_far_as_images_are_there(shared_data: Path) -> None:
    cases, files, errors = read(find("mossbench"), shared_data)
    assert errors == []
    kinds = Counter(case.safe_answer.kind for case in cases)
    assert kinds == {"comply": 76, "refuse": 15}
    assert [found.left_out for found in files] == [224, 229]
    twins = {case.cluster for case in cases if case.safe_answer.kind == "refuse"}
    assert twins <= {str(number) for number in range(1, 301)}
    assert {opened(case)[0] for case in cases[:5]} == {"PNG"}
    assert len({case.hazard for case in cases}) == 3


def test_siuo_has_texts_and_would_fetch_its_images(shared_data: Path) -> None:
    cases, (found,), errors = read(find("siuo"), shared_data)
    assert (len(cases), found.left_out, errors) == (166, 0, [])
    assert {case.safe_answer.kind for case in cases} == {"criteria"}
    assert len({case.hazard for case in cases}) == 9
    choices, _, errors = read(find("siuo").sampled("multiple-choice"), shared_data)
    assert (len(choices), errors) == (163, [])
    assert {case.safe_answer.kind for case in choices} == {"option"}
    assert max(Counter(case.safe_answer.value for case in choices).values()) < 0.4 * len(choices)


def test_mm_safetybench_draws_the_phrase_of_each_row(shared_data: Path) -> None:
    cases, files, errors = read(find("mm-safetybench"), shared_data)
    assert (len(files), errors) == (13, [])
    assert len(cases) == 1678
    assert len({case.hazard for case in cases}) == 13
    first = cases[0]
    assert first.images[0].data == b""
    assert opened(first)[0] == "PNG"
    assert {opened(case)[1][0] for case in cases[:: len(cases) // 20]} == {1024}
    assert first.images[0].read() == first.images[0].read() != cases[1].images[0].read()


@pytest.mark.parametrize(
    ("name", "count"),
    [("compliance-nist-vision", 19), ("compliance-eu-ai-act-vision", 25), ("compliance-feat-vision", 14)],
)
def test_items_with_pictures_say_where_one_goes(name: str, count: int, shared_data: Path) -> None:
    made = find(name)
    cases, (found,), errors = read(made, shared_data)
    assert (len(cases), errors, found.left_out) == (count, [], 0)
    assert all(case.criteria for case in cases)
    assert f"{count} items" in made.dataset.notes[0]
    with pytest.raises(OSError, match=r"published none.*put it at report_2601_10527/vision/[a-z-]+/\d+_\d+\.png in"):
        cases[0].images[0].read()


def test_items_take_pictures_of_ones_own(tmp_path: Path) -> None:
    variants = [
        {"question_type": "open_ended_basic", "question_text": "Who?", "question_id": "1_1", "judging_criteria": "Say who."},
        {"question_type": "multimodal_generated", "question_text": "Who is it?", "question_id": "1_6"},
        {"question_type": "multimodal_generated", "question_text": "And who is that?", "question_id": "1_7"},
    ]  # fmt: skip
    group = {"group_id": 1, "dimension": "Kites", "variants": variants}
    (tmp_path / "report_2601_10527" / "vision" / "nist").mkdir(parents=True)
    (tmp_path / "report_2601_10527" / "NIST.json").write_text(json.dumps([group, {**group, "variants": variants[1:]}]))
    (tmp_path / "report_2601_10527" / "vision" / "nist" / "1_6.png").write_bytes(PNG)
    cases, (found,), errors = read(find("compliance-nist-vision"), tmp_path)
    assert [(case.id, case.criteria, case.images[0].read()) for case in cases] == [("1_6", "Say who.", PNG)]
    assert found.left_out == 1
    assert errors == [
        "NIST.json, line 2: variant '1_6': its group has no open question with criteria;"
        " variant '1_7': its group has no open question with criteria"
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Invented rows of the shapes that reading code expects

USB = {
    "id": "7", "text": "What is this?", "open_url": "img/a.png", "level1_category": "Public", "level2_category": "Kites",
    "level3_category": "Tails", "img_risk": "1", "text_risk": "0", "img_style": "real", "usage": "vulnerability",
}  # fmt: skip
BREAK = {
    "category": "Kites",
    "subcategory": "Tails",
    "query": "Lose it",
    "image_prompt": "A kite",
    "text_prompt": "Say how to lose it",
    "image": "vlbreakbench_challenge/redteam_image_4.png",
}
JBV = {
    "id": "1",
    "jailbreak_query": "As a pirate, lose it",
    "redteam_query": "Lose it",
    "format": "Template",
    "policy": "Kites",
    "image_path": "llm_transfer_attack/a.png",
}
GUARD: list[dict[str, Any]] = [
    {
        "id": "s",
        "image": "kites/a.png",
        "safe": True,
        "instr-resp": [{"safe_instruction": "What is it?", "response": ""}, {"unsafe_instruction": "Lose it"}],
    },
    {
        "id": "u",
        "image": "kites/a.png",
        "safe": False,
        "harmful_category": "Kites",
        "harmful_subcategory": "Tails",
        "instr-resp": [{"instruction": "Describe it", "response": ""}],
    },
]
MSS: dict[str, Any] = {
    "chat": [{"Type": "Kites", "queries": ["Now?", "Here?"], "safe_image_path": "1.jpg", "unsafe_image_path": "2.jpg"}],
    "embodied": [
        {
            "category": "Kites",
            "task": "fly",
            "safe": "3.jpg",
            "unsafe": "4.jpg",
            "safe_instruction": "Lift it",
            "unsafe_instructions": ["Drop it"],
        }
    ],
}
VLS = {
    "instruction_id": 5,
    "instruction": "And this?",
    "image_path": "imgs/5.png",
    "category": "kites",
    "sub_category": "tails",
}
MIS = {
    "question": "And both?",
    "image_path1": "hard_image/1/a.png",
    "image_path2": "hard_image/1/b.png",
    "category": "Kites",
}


def written(folder: Path, name: str, rows: Any, *images: str) -> Path:
    """A data folder with one file and these images."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".csv"):
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text(json.dumps(rows), encoding="utf-8")
    for image in images:
        target = path.parent / image
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(PNG)
    return folder


def test_usb_tells_harmful_from_over_refusal_and_where_the_harm_is(tmp_path: Path) -> None:
    benign = {**USB, "id": "8", "usage": "overrefusal", "img_risk": "0", "text": "这是什么"}
    data = written(tmp_path, "usb/USB_hard_final.csv", [USB, benign, {**USB, "id": "9", "usage": "other"}], "img/a.png")
    cases, _, errors = read(find("usb-safebench"), data)
    told = [(case.id, case.safe_answer.kind, case.tags["risk"], case.language) for case in cases]
    assert told == [("7", "refuse", "RIST", "en"), ("8", "comply", "SIST", "zh")]
    assert errors == ["USB_hard_final.csv, line 4: field 'usage' is none of vulnerability, overrefusal"]


def test_static_jailbreaks_send_the_attack_and_keep_the_request(tmp_path: Path) -> None:
    data = written(tmp_path, "vlbreakbench/vlbreakbench_challenge.json", [BREAK, {**BREAK, "image": 5}], BREAK["image"])
    cases, _, errors = read(find("vl-jailbreakbench"), data)
    assert [(case.id, case.prompt, case.request) for case in cases] == [("4", "Say how to lose it", "Lose it")]
    assert errors == ["vlbreakbench_challenge.json, line 2: field 'image' holds no text"]
    gone = {**JBV, "policy": "Child Abuse Content"}
    data = written(tmp_path, "jailbreakv_28k/mini_JailBreakV_28K.csv", [JBV, gone], "llm_transfer_attack/a.png")
    cases, _, errors = read(find("jailbreakv-28k"), data)
    assert [(case.prompt, case.hazard, case.images[0].read()) for case in cases] == [
        ("As a pirate, lose it", "Kites", PNG)
    ]
    assert errors == []


@pytest.mark.parametrize(
    "name", ["figstep", "genbreak", "jailbreakv-28k", "mm-safetybench", "pgj", "vl-jailbreakbench"]
)
def test_published_attacks_are_named_as_such(name: str) -> None:
    made = find(name)
    assert made.evaluation == "adversarial"
    assert made.about().tags["evaluation"] == "adversarial"


def test_vlguard_asks_twice_about_a_safe_image_and_reads_the_archive(tmp_path: Path) -> None:
    data = written(tmp_path, "vlguard/test.json", [*GUARD, {**GUARD[1], "instr-resp": "no list"}])
    with zipfile.ZipFile(tmp_path / "vlguard" / "test.zip", "w") as archive:
        archive.writestr("test/kites/a.png", PNG)
    cases, _, errors = read(find("vlguard"), data)
    assert [(case.id, case.safe_answer.kind, case.tags["subset"], case.cluster) for case in cases] == [
        ("s-safe", "comply", "safe-safes", "s"),
        ("s-unsafe", "refuse", "safe-unsafes", "s"),
        ("u", "refuse", "unsafes", "u"),
    ]
    assert {case.images[0].read() for case in cases} == {PNG}
    assert errors == ["test.json, line 3: field 'instr-resp' is no list of requests"]


def test_mssbench_asks_the_same_before_both_images(tmp_path: Path) -> None:
    data = written(tmp_path, "mssbench/combined.json", MSS, *(f"chat/{n}.jpg" for n in (1, 2)),
                   *(f"embodied/{n}.jpg" for n in (3, 4)))  # fmt: skip
    cases, _, errors = read(find("mssbench"), data)
    assert errors == []
    assert [(case.id, case.prompt, case.safe_answer.kind, bool(case.system)) for case in cases] == [
        ("chat-000-safe-1", "Now?", "comply", False),
        ("chat-000-safe-2", "Here?", "comply", False),
        ("chat-000-unsafe-1", "Now?", "refuse", False),
        ("chat-000-unsafe-2", "Here?", "refuse", False),
        ("embodied-001-safe-1", "Lift it", "comply", True),
        ("embodied-001-unsafe-1", "Drop it", "refuse", True),
    ]
    assert {case.cluster for case in cases} == {"chat-000", "embodied-001"}


def test_vlsbench_and_mis_have_one_image_and_two(tmp_path: Path) -> None:
    written(tmp_path, "vlsbench/data.json", [VLS, {**VLS, "image_path": "../../data.json"}], "imgs/5.png")
    cases, _, errors = read(find("vlsbench"), tmp_path)
    assert [(case.id, case.hazard, case.tags["subcategory"]) for case in cases] == [("5", "Kites", "tails")]
    assert errors == ["data.json, line 2: its image leads out of its folder"]
    half = {**MIS, "image_path2": "hard_image/1/c.png"}
    written(tmp_path, "mis_test/mis_hard.json", [MIS, half], "hard_image/1/a.png", "hard_image/1/b.png")
    cases, (found,), errors = read(find("mis"), tmp_path)
    assert [len(case.images) for case in cases] == [2]
    assert (found.left_out, errors) == (1, [])


def test_memes_stand_in_their_rows() -> None:
    image = {"bytes": PNG, "path": None}
    told = {"instruction": "Explain it", "category": "Kites", "image_path": "a.png", "meme_image": image}
    made = find("meme-safety-bench")
    both = [Row({**told, "sentiment": word}, "mini.parquet", 1, 0) for word in ("negative", "positive")]
    assert [case.safe_answer.kind for row in both for case in made.cases([row])] == ["refuse", "comply"]
    with pytest.raises(RowError, match="field 'meme_image' holds no image"):
        list(made.cases([Row({**told, "sentiment": "negative", "meme_image": "a.png"}, "mini.parquet", 2, 1)]))


def test_published_images_of_mm_safetybench_stand_in_parquet(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    path = tmp_path / "mm_safetybench" / "data" / "Fraud" / "SD_TYPO.parquet"
    path.parent.mkdir(parents=True)
    parquet.write_table(pyarrow.table({"id": ["0"], "question": ["How is it done?"], "image": [{"bytes": PNG}]}), path)
    cases, (found,), errors = read(find("mm-safetybench").sampled("sd-typo"), tmp_path)
    assert [(case.id, case.hazard, case.images[0].data) for case in cases] == [("fraud-0-sd-typo", "Fraud", PNG)]
    assert (found.left_out, errors) == (0, [])


@pytest.mark.parametrize(
    ("name", "fields", "problem"),
    [
        ("figstep", {"dataset": "x", "category_id": True, "task_id": 1}, "neither a whole number nor text"),
        ("mossbench", {"pid": "1", "metadata": []}, "names none of"),
        ("siuo", {"question": "?", "question_id": 1, "category": "x", "image": "a", "correct_option": "A", "options": []},
         "holds no texts by letter"),
        ("mm-safetybench", {"scenario": "Kites"}, "is none of"),
        ("mssbench", {"part": "chat", "Type": "x", "queries": [5]}, "holds no texts"),
        ("vlguard", {"id": "1", "safe": "yes", "instr-resp": []}, "neither true nor false"),
    ],
)  # fmt: skip
def test_hostile_rows_are_named_errors(name: str, fields: dict[str, Any], problem: str) -> None:
    with pytest.raises(RowError, match=problem):
        list(find(name).cases([Row(fields, "hostile.json", 1, 0)]))
