"""The released compliance items: counts against the files themselves, and variants that are wrong. Failures name ids only."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.rows import row
from tocsin.benchmarks import Benchmark, find
from tocsin.benchmarks.language.report_compliance import items_of, pictured
from tocsin.datasets import Row, RowError, locate
from tocsin.types import CRITERIA, Case, SafeAnswer

FORMATS = {
    "open_ended_basic": "open_basic",
    "open_ended_jailbreak": "open_jailbreak",
    "multiple_choice": "multiple_choice",
    "true_false": "true_false",
}
RELEASED = [
    ("compliance-nist", "nist-ai-600-1", "compliance_NIST.json", 22, 103, 19),
    ("compliance-eu-ai-act", "eu-ai-act", "compliance_EU_AI_Act.json", 27, 135, 25),
    ("compliance-feat", "mas-feat", "compliance_FEAT.json", 14, 70, 14),
]


def read(name: str, file: str, folder: Path) -> tuple[Benchmark, list[Case], list[Row], list[dict[str, Any]]]:
    path = folder / "report_2601_10527" / file
    if not path.is_file():
        pytest.skip(f"{file} is not here")
    made = find(name)
    (found,) = locate(made.dataset, folder, fetch=False)
    rows = [one for one in found.rows() if isinstance(one, Row)]
    cases = [case for one in rows for case in made.cases([one])]
    return made, cases, rows, json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("name", "framework", "file", "groups", "items", "pictures"), RELEASED)
def test_every_variant_of_text_becomes_a_case_of_its_format(
    name: str, framework: str, file: str, groups: int, items: int, pictures: int, shared_data: Path
) -> None:
    made, cases, rows, published = read(name, file, shared_data)
    assert (made.evaluation, made.framework, made.judge, made.measures) == (
        "compliance",
        framework,
        "criteria",
        "rules",
    )
    variants = [variant for group in published for variant in group["variants"]]
    wanted = Counter(FORMATS[one["question_type"]] for one in variants if one["question_type"] in FORMATS)
    assert Counter(case.tags["format"] for case in cases) == wanted
    assert (len(published), len(cases), len({case.cluster for case in cases})) == (groups, items, groups)
    assert sum(map(pictured, rows)) == pictures == len(variants) - items
    counted = next(note for note in made.dataset.notes if note.startswith("Counted"))
    assert list(map(int, re.findall(r"\d+", counted))) == [groups, items, pictures]


@pytest.mark.parametrize(("name", "framework", "file", "groups", "items", "pictures"), RELEASED)
def test_answers_and_criteria_are_those_of_the_file(
    name: str, framework: str, file: str, groups: int, items: int, pictures: int, shared_data: Path
) -> None:
    _, cases, _, published = read(name, file, shared_data)
    by_id = {case.id: case for case in cases}
    assert len(by_id) == len(cases)
    wrong = []
    for group in published:
        for variant in group["variants"]:
            if variant["question_type"] not in FORMATS:
                continue
            case, answer = by_id[variant["question_id"]], variant["answer"]
            kind = FORMATS[variant["question_type"]]
            expected = {
                "multiple_choice": SafeAnswer("option", str(answer)),
                "true_false": SafeAnswer("label", str(answer).lower()),
            }.get(kind, CRITERIA)
            shown = [option.text in case.prompt for option in case.options]
            good = (
                (case.safe_answer, case.hazard, case.tags["group"])
                == (expected, group["dimension"], str(group["group_id"]))
                and variant["question_text"].strip() in case.prompt
                and bool(case.criteria) == kind.startswith("open")
                and case.criteria == (variant.get("judging_criteria") or "").strip()
                and all(shown)
            )
            if not good:
                wrong.append(case.id)
    assert wrong == []


def test_what_the_notes_say_of_the_right_letter_is_so(shared_data: Path) -> None:
    made, cases, _, _ = read("compliance-eu-ai-act", "compliance_EU_AI_Act.json", shared_data)
    letters = Counter(case.safe_answer.value for case in cases if case.safe_answer.kind == "option")
    assert (letters["C"], letters.total()) == (23, 27)
    assert any("23 of its 27" in note for note in made.dataset.notes)


# ---------------------------------------------------------------------------------------------------------------------
# Invented groups


def variant(kind: str, number: int, **more: Any) -> dict[str, Any]:
    base = {
        "question_id": f"7_{number}",
        "question_type": kind,
        "question_text": f"Is tea number {number} hot?",
        "answer": None,
    }
    if kind.startswith("open"):
        base["judging_criteria"] = "Says that tea is hot."
    if kind == "multiple_choice":
        base |= {"options": {"A": "yes, hot", "B": "no, cold"}, "answer": "B"}
    if kind == "true_false":
        base["answer"] = True
    return base | more


def group(*variants: Any, dimension: str = "Kitchen -> Tea", **more: Any) -> Row:
    return row({"group_id": 7, "dimension": dimension, "variants": list(variants)} | more)


def taken(one: Row) -> tuple[list[str], str]:
    """The ids of the cases that a group gives, and the error after them."""
    ids = []
    try:
        for case in items_of(one):
            ids.append(case.id)
    except RowError as error:
        return ids, str(error)
    return ids, ""


def test_group_becomes_a_case_for_each_variant_of_text() -> None:
    kinds = [*FORMATS, "multimodal_generated"]
    one = group(*(variant(kind, number) for number, kind in enumerate(kinds)))
    cases = list(items_of(one))
    assert [case.tags for case in cases] == [{"format": kind, "group": "7"} for kind in FORMATS.values()]
    assert {(case.hazard, case.cluster) for case in cases} == {("Kitchen -> Tea", "7")}
    assert pictured(one) == 1
    basic, _, choice, statement = cases
    assert (basic.prompt, basic.criteria, basic.safe_answer) == (
        "Is tea number 0 hot?",
        "Says that tea is hot.",
        CRITERIA,
    )
    assert "A. yes, hot\nB. no, cold" in choice.prompt
    assert choice.safe_answer == SafeAnswer("option", "B")
    assert statement.safe_answer == SafeAnswer("label", "true")
    assert [option.label for option in statement.options] == ["true", "false"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (variant("multiple_choice", 2, answer="E"), "variant '7_2': field 'answer' is none of the options A, B"),
        (variant("multiple_choice", 2, answer=None), "variant '7_2': field 'answer' is none of the options A, B"),
        (variant("multiple_choice", 2, options=None), "variant '7_2': field 'options' does not hold two options"),
        (
            variant("multiple_choice", 2, options={"A": "one"}),
            "variant '7_2': field 'options' does not hold two options",
        ),
        (variant("multiple_choice", 2, options={"A": "one", "B": " "}), "an option without text"),
        (variant("multiple_choice", 2, options={"A": "one", "B": "one"}), "one option twice"),
        (variant("true_false", 2, answer="True"), "variant '7_2': field 'answer' is neither true nor false"),
        (variant("true_false", 2, answer=1), "variant '7_2': field 'answer' is neither true nor false"),
        (variant("open_ended_basic", 2, judging_criteria=""), "variant '7_2': field 'judging_criteria' holds no text"),
        (variant("open_ended_basic", 2, question_text=" "), "variant '7_2': field 'question_text' holds no text"),
        (variant("song", 2), "variant '7_2': field 'question_type' is none of open_ended_basic"),
        ({"question_type": "true_false"}, "variant 2: has no field 'question_text'"),
        ("a text", "variant 2: has no field 'question_type'"),
    ],
)
def test_bad_variant_is_named_and_costs_no_other_of_its_group(wrong: Any, said: str) -> None:
    ids, error = taken(group(variant("open_ended_basic", 1), wrong, variant("true_false", 3)))
    assert ids == ["7_1", "7_3"]
    assert error.startswith("invented.jsonl, line 1: ")
    assert said in error


def test_group_without_variants_is_a_bad_row_and_one_about_minors_is_none() -> None:
    assert taken(group(variants="none"))[1].endswith("field 'variants' is no list")
    assert taken(group(variant("true_false", 1), dimension="Online Safety -> Child Protection")) == ([], "")
    assert taken(group(variant("true_false", 1), dimension=""))[1].endswith("field 'dimension' holds no text")
