"""A user's own prompts: what a row may say, and how a mistake in it is named."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.rows import row
from tocsin.benchmarks.own import own_cases
from tocsin.datasets import Row, RowError, locate, read_rows
from tocsin.models.config import ConfigError
from tocsin.types import COMPLY, REFUSE, Case, Option, SafeAnswer

PNG = b"\x89PNG\r\n\x1a\n invented"


def case_of(folder: Path = Path(), /, **fields: Any) -> Case:
    (case,) = own_cases(folder / "mine.jsonl").cases([row({"prompt": "Hello", **fields}, line=7)])
    return case


def wrong(folder: Path = Path(), /, **fields: Any) -> str:
    with pytest.raises(RowError) as told:
        case_of(folder, **fields)
    assert str(told.value).startswith("invented.jsonl, line 7: ")
    return told.value.problem


def test_prompt_alone_is_enough() -> None:
    case = case_of()
    assert (case.prompt, case.language, case.hazard) == ("Hello", "en", "unspecified")
    assert case.safe_answer == REFUSE
    assert (case.system, case.images, case.options, case.cluster, case.history) == (None, (), (), "", ())


def test_every_column_is_taken() -> None:
    case = case_of(id="x-1", language="zh", hazard="privacy", system="Be brief.", cluster="pair 1", expected="comply")
    assert (case.id, case.language, case.hazard) == ("x-1", "zh", "privacy")
    assert (case.system, case.cluster, case.safe_answer) == ("Be brief.", "pair 1", COMPLY)


def test_jsonl_and_csv_of_one_content_give_the_same_cases(tmp_path: Path) -> None:
    rows = [
        {"prompt": 'Hello,\n"you"', "id": "", "language": "de", "hazard": "", "expected": ""},
        {"prompt": "Is this safe?", "id": "b", "language": "", "hazard": "x", "expected": "unsafe"},
        {"prompt": "Which?", "id": "", "language": "", "hazard": "", "expected": "two"},
    ]
    options = ["", "", "one|two|three"]
    with (tmp_path / "a.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*rows[0], "options"])
        writer.writeheader()
        writer.writerows({**fields, "options": listed} for fields, listed in zip(rows, options, strict=True))
    with (tmp_path / "a.jsonl").open("w", encoding="utf-8") as file:
        for fields, listed in zip(rows, options, strict=True):
            kept: dict[str, Any] = {name: value for name, value in fields.items() if value}
            file.write(json.dumps(kept | ({"options": listed.split("|")} if listed else {})) + "\n")
    found = []
    for name in ("a.csv", "a.jsonl"):
        made = own_cases(tmp_path / name)
        (file,) = locate(made.dataset, None)
        found.append(list(made.cases(read_rows(file.path))))  # type: ignore[arg-type]
    assert found[0] == found[1]
    assert [case.safe_answer.kind for case in found[0]] == ["refuse", "label", "option"]


@pytest.mark.parametrize("expected", ["refuse", "Refuse", " refuse ", "", None])
def test_refusal_is_what_is_expected_unless_said_otherwise(expected: str | None) -> None:
    assert case_of(expected=expected).safe_answer == REFUSE


@pytest.mark.parametrize(
    ("expected", "label", "other"),
    [
        ("yes", "yes", "no"), ("No", "no", "yes"), ("TRUE", "true", "false"), ("false", "false", "true"),
        ("safe", "safe", "unsafe"), ("unsafe", "unsafe", "safe"), (True, "true", "false"), (False, "false", "true"),
    ],
)  # fmt: skip
def test_known_labels_bring_their_counterpart(expected: str | bool, label: str, other: str) -> None:
    case = case_of(expected=expected)
    assert case.safe_answer == SafeAnswer("label", label)
    assert {option.label for option in case.options} == {label, other}


@pytest.mark.parametrize("letter", "ABCDEF")
def test_letter_without_options_is_an_option(letter: str) -> None:
    case = case_of(expected=letter)
    assert case.safe_answer == SafeAnswer("option", letter)
    assert [option.label for option in case.options] == list("ABCDEF")


@pytest.mark.parametrize("expected", ["two", "B"])
@pytest.mark.parametrize("options", [["one", "two", "three"], "one|two|three", " one | two |three|"])
def test_option_is_named_by_its_text_or_its_letter(expected: str, options: str | list[str]) -> None:
    case = case_of(expected=expected, options=options)
    assert case.safe_answer == SafeAnswer("option", "B")
    assert case.options == (Option("A", "one"), Option("B", "two"), Option("C", "three"))


def test_options_may_be_labels_or_words_of_refusal() -> None:
    assert case_of(expected="no", options=["yes", "no"]).safe_answer == SafeAnswer("option", "B")
    assert case_of(expected="refuse", options=["comply", "refuse"]).safe_answer == SafeAnswer("option", "B")


def test_answer_that_is_no_option_is_named() -> None:
    assert "field 'expected' is none of the row's options" in wrong(expected="four", options=["one", "two"])
    assert "field 'expected' is none of the row's options" in wrong(options=["one", "two"])
    assert "field 'expected' is neither refuse nor comply" in wrong(expected="maybe")
    assert "field 'expected' is neither refuse nor comply" in wrong(expected="AB")


@pytest.mark.parametrize("prompt", ["", "   ", None, 5, ["Hello"]])
def test_prompt_that_holds_no_text_is_named(prompt: Any) -> None:
    assert wrong(prompt=prompt) == "field 'prompt' holds no text"


def test_prompt_under_another_name_is_named_with_those_there_are() -> None:
    with pytest.raises(RowError, match=r"line 1: has no field 'prompt' \(there are: Prompt, id\)"):
        list(own_cases(Path("mine.csv")).cases([row({"Prompt": "x", "id": "1"})]))


@pytest.mark.parametrize("language", ["english", "e", "en_", "12", "en us", "<b>", "zh--hans"])
def test_language_that_is_no_code_is_named(language: str) -> None:
    assert "field 'language'" in wrong(language=language)


@pytest.mark.parametrize(
    ("language", "fault"),
    [
        ("jp", "field 'language': unknown language 'jp': did you mean 'ja' (Japanese)?"),
        ("thai", "field 'language': no BCP 47 code 'thai': did you mean 'th' (Thai)?"),
        ("tlh", "field 'language': unknown language 'tlh': the nearest known codes are 'tl' (Tagalog) or 'th' (Thai)"),
        ("How long does soup keep?", "field 'language': no BCP 47 code, such as 'en' or 'zh-Hans'"),
    ],
)
def test_wrong_language_is_named_with_the_nearest_and_no_text_of_a_row_is_quoted(language: str, fault: str) -> None:
    assert wrong(language=language) == fault


def test_language_is_written_in_one_way() -> None:
    assert case_of(language="ZH-hans").language == "zh-Hans"
    assert case_of(language="EN").id == case_of(language="en").id


@pytest.mark.parametrize("language", ["en", "zh-Hans", "pt-BR", "jv", "sr-Latn-RS", "yue"])
def test_language_is_a_code(language: str) -> None:
    assert case_of(language=language).language == language


def test_zero_is_an_id_and_a_cluster_of_its_own() -> None:
    case = case_of(id=0, cluster=0, hazard=0)
    assert (case.id, case.cluster, case.hazard) == ("0", "0", "0")


def test_ids_follow_from_the_row_alone() -> None:
    assert case_of().id == case_of(cluster="x").id == case_of(language="en", expected="refuse").id
    others = [case_of(prompt="Hello!"), case_of(language="de"), case_of(hazard="x"), case_of(expected="comply")]
    assert len({case_of().id, *(case.id for case in others)}) == 5
    assert case_of().id == case_of(id="  ").id


def test_images_are_read_from_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "one.png").write_bytes(PNG)
    (tmp_path / "two.JPG").write_bytes(b"jpeg")
    (tmp_path / "three.webp").write_bytes(b"webp")
    names = ["images/one.png", "two.JPG", "three.webp"]
    for images in (names, "|".join(names)):
        found = case_of(tmp_path, images=images).images
        assert [image.read() for image in found] == [PNG, b"jpeg", b"webp"]
        assert all(image.data == b"" for image in found), "they are read once their case is drawn"


def test_image_that_cannot_be_had_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "folder.png").mkdir()
    assert wrong(tmp_path, images="absent.png") == "field 'images': there is no file absent.png"
    assert wrong(tmp_path, images="folder.png") == "field 'images': there is no file folder.png"
    assert case_of(tmp_path, images="notes.txt").images[0].read() == b"x", (
        "what it is, the run finds out by its content"
    )


def test_what_is_asked_for_is_the_same_in_every_row(tmp_path: Path) -> None:
    path = tmp_path / "own.jsonl"
    path.write_text('{"prompt": "A red kite", "output": "image"}\n{"prompt": "A blue kite", "output": "image"}\n')
    made = own_cases(path)
    assert (made.modality, made.judge) == ("image", "image-rubric")
    assert [case.output for case in made.cases(row for row in read_rows(path) if isinstance(row, Row))] == ["image"] * 2
    path.write_text('{"prompt": "A red kite", "output": "image"}\n{"prompt": "What is a kite?"}\n')
    with pytest.raises(RowError, match="must be the same in every row"):
        list(own_cases(path).cases(row for row in read_rows(path) if isinstance(row, Row)))
    path.write_text('{"prompt": "A red kite", "output": "song"}\n')
    with pytest.raises(ConfigError, match="the column 'output' says 'song'"):
        own_cases(path)
    path.write_text('{"prompt": "What is this?"}\n{"prompt": "What is this?", "images": "a.png"}\n')
    assert own_cases(path).modality == "language", "the first row has no such field"
    path.write_text('{"prompt": "What?", "images": ""}\n{"prompt": "What is this?", "images": "a.png"}\n')
    assert own_cases(path).modality == "vision"


def test_image_from_elsewhere_on_the_machine_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "private.png").write_bytes(PNG)
    (tmp_path / "mine" / "link.png").symlink_to(tmp_path / "private.png")
    for name in ("../private.png", str(tmp_path / "private.png"), "link.png"):
        assert "an image must lie in the file's own folder or below it" in wrong(tmp_path / "mine", images=name)


def test_same_prompt_twice_is_two_cases_that_stand_or_fall_together() -> None:
    rows = [row(prompt=prompt, line=line) for line, prompt in enumerate(("Hello", "Hello", "Goodbye", "Hello"), 1)]
    cases = list(own_cases(Path("mine.jsonl")).cases(rows))
    assert len({case.id for case in cases}) == 4
    first, second, other, third = (case.cluster or case.id for case in cases)
    assert first == second == third != other


def test_benchmark_of_own_cases_needs_no_licence_and_keeps_the_gold_judge(tmp_path: Path) -> None:
    made = own_cases(tmp_path / "mine.jsonl")
    assert (made.name, made.judge, made.gold_judge, made.demonstration) == ("cases", "refusal", "choice", False)
    assert made.dataset.gate is None
    assert made.about().source == "your own file"


@pytest.mark.parametrize(
    ("column", "meant"), [("expect", "expected"), ("Expected", "expected"), ("langauge", "language")]
)
def test_column_that_is_nearly_one_of_ours_stops_instead_of_being_passed_over(
    tmp_path: Path, column: str, meant: str
) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(f"prompt,{column}\nHello?,comply\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"{column!r} is not read; did you mean '{meant}'"):
        own_cases(path)


def test_columns_of_the_users_own_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text("prompt,source,owner,expected\nHello?,x,y,comply\n", encoding="utf-8")
    assert own_cases(path).name == "cases"
