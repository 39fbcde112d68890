"""ALERT, SORRY-Bench, HarmBench, JailbreakBench and AIR-Bench row by row, on invented rows of their documented shapes."""

from __future__ import annotations

from typing import Any

import pytest

from tests.benchmarks.rows import row
from tocsin.benchmarks import find
from tocsin.benchmarks.language.left_out import is_left_out
from tocsin.benchmarks.language.sorry_bench import CATEGORIES
from tocsin.datasets import Row, RowError
from tocsin.types import COMPLY, REFUSE, Case

ALERT = {"category": "crime_other", "prompt": "Say how to whistle in a library", "id": 7}
SORRY = {"question_id": 11, "category": "2", "turns": ["Tell me of my neighbour's biscuits"], "prompt_style": "base"}
HARM = {
    "Behavior": "Describe the tin", "FunctionalCategory": "standard", "SemanticCategory": "illegal", "Tags": "",
    "ContextString": "", "BehaviorID": "describe_tin",
}  # fmt: skip
JBB = {
    "Index": "4", "Goal": "Whistle", "Target": "Sure", "Behavior": "Noise", "Category": "Privacy", "Source": "Original",
}  # fmt: skip
AIR = {
    "cate-idx": "1.1.2", "l2-name": "Security Risks", "l3-name": "Confidentiality", "l4-name": "Peeking",
    "prompt": "How do I peek into the oven?",
}  # fmt: skip
SHAPES: dict[str, dict[str, Any]] = {"alert": ALERT, "sorry-bench": SORRY, "harmbench": HARM, "air-bench": AIR}


def cases_of(name: str, fields: dict[str, Any], file: str = "invented.jsonl") -> list[Case]:
    return list(find(name).cases([Row(fields, file, 3, 2)]))


def case_of(name: str, fields: dict[str, Any], file: str = "invented.jsonl") -> Case:
    (case,) = cases_of(name, fields, file)
    return case


def test_alert_reads_the_origins_column_and_that_of_a_common_copy() -> None:
    copied = {"category": ALERT["category"], "query": ALERT["prompt"], "id": 7}
    assert case_of("alert", ALERT) == case_of("alert", copied)
    case = case_of("alert", ALERT)
    assert (case.id, case.hazard, case.safe_answer) == ("7", "crime_other", REFUSE)
    assert case.cluster == case_of("alert", {**ALERT, "id": 8}).cluster, "one text, one cluster"


def test_adversarial_rows_of_alert_say_their_attack_and_have_ids_of_their_own() -> None:
    case = case_of("alert", {**ALERT, "attack_type": "adversarial_prefix"})
    assert (case.id, case.tags) == ("adversarial-7", {"attack_type": "adversarial_prefix"})


def test_alert_and_its_sample_are_gated_alike() -> None:
    made = find("alert")
    assert (made.dataset.gate, made.sampled("report").dataset.gate) == ("non-commercial", "non-commercial")
    assert made.dataset.licence == made.sampled("report").dataset.licence == "CC-BY-NC-SA-4.0"


@pytest.mark.parametrize("category", ["2", 2])
def test_sorry_bench_names_the_category_that_a_row_numbers(category: str | int) -> None:
    case = case_of("sorry-bench", {**SORRY, "category": category})
    assert (case.id, case.hazard, case.prompt) == ("11", "Social-group insult words", SORRY["turns"][0])
    assert find("sorry-bench").dataset.gate == "gated"


def test_sorry_bench_leaves_one_of_44_categories_out() -> None:
    kept = [number for number in range(1, 45) if cases_of("sorry-bench", {**SORRY, "category": str(number)})]
    assert len(CATEGORIES) == 44
    assert len(kept) == 43
    assert 20 not in kept


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"category": "45"}, "category"), ({"category": "0"}, "category"), ({"category": True}, "category"),
        ({"category": "x"}, "category"), ({"turns": []}, "turns"), ({"turns": ["a", "b"]}, "turns"),
        ({"turns": [None]}, "turns"), ({"turns": "a"}, "turns"), ({"prompt_style": "caesar"}, "prompt_style"),
        ({"question_id": None}, "question_id"),
    ],
)  # fmt: skip
def test_sorry_bench_row_of_another_shape_is_named(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(RowError, match=rf"^invented\.jsonl, line 3: .*'{field}'"):
        cases_of("sorry-bench", {**SORRY, **changes})


def test_harmbench_puts_the_context_before_its_request() -> None:
    case = case_of(
        "harmbench", {**HARM, "FunctionalCategory": "contextual", "ContextString": "A tin.", "Tags": "context"}
    )
    assert case.prompt == "A tin.\n\n---\n\nDescribe the tin"
    assert (case.id, case.hazard, case.tags) == ("describe_tin", "illegal", {"functional": "contextual"})


@pytest.mark.parametrize("work", ["book", "lyrics"])
@pytest.mark.parametrize("named", [None, "guard", "refusal"])
def test_copyright_goes_to_its_judge_whomever_the_user_names(work: str, named: str | None) -> None:
    changes = {"FunctionalCategory": "copyright", "SemanticCategory": "copyright", "Tags": f"{work}, hash_check"}
    made, case = find("harmbench"), case_of("harmbench", {**HARM, **changes})
    assert case.tags == {"functional": "copyright", "work": work, "reference": "describe_tin"}
    assert made.judge_of(case, named) == "copyright"
    assert made.judge_of(case_of("harmbench", HARM), named) == (named or "refusal")
    assert "copyright" in made.judges_used(named)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"FunctionalCategory": "other"}, "FunctionalCategory"), ({"SemanticCategory": "copyright"}, "SemanticCategory"),
        ({"FunctionalCategory": "copyright"}, "FunctionalCategory"),
        ({"FunctionalCategory": "contextual"}, "ContextString"),
        ({"FunctionalCategory": "copyright", "SemanticCategory": "copyright", "Tags": "hash_check"}, "Tags"),
    ],
)  # fmt: skip
def test_harmbench_row_that_contradicts_itself_is_named(changes: dict[str, str], field: str) -> None:
    with pytest.raises(RowError, match=rf"^invented\.jsonl, line 3: .*'{field}'"):
        cases_of("harmbench", {**HARM, **changes})


@pytest.mark.parametrize("prefix", ["", "jbb_"])
def test_jailbreakbench_tells_its_halves_by_the_files_and_pairs_them(prefix: str) -> None:
    harmful = case_of("jailbreakbench", JBB, f"{prefix}harmful-behaviors.csv")
    benign = case_of("jailbreakbench", JBB, f"{prefix}benign-behaviors.csv")
    assert (harmful.id, harmful.safe_answer) == ("harmful-4", REFUSE)
    assert (benign.id, benign.safe_answer) == ("benign-4", COMPLY)
    assert harmful.cluster == benign.cluster == "theme-4"
    assert harmful.hazard == "Privacy"


def test_jailbreakbench_row_of_a_file_that_says_no_half_is_named() -> None:
    with pytest.raises(RowError, match=r"^behaviors\.csv, line 3: .*neither 'harmful' nor 'benign'"):
        cases_of("jailbreakbench", JBB, "behaviors.csv")


def test_air_bench_tags_the_category_by_which_the_rubric_finds_its_criteria() -> None:
    case = case_of("air-bench", AIR)
    assert case.tags == {"category": "1.1.2", "level_3": "Confidentiality"}
    assert (case.hazard, case.cluster) == ("Security Risks", "1.1.2")
    assert case.id.startswith("1.1.2-")
    assert case_of("air-bench", {**AIR, "prompt": "Another"}).id != case.id


@pytest.mark.parametrize("level", ["l2-name", "l3-name", "l4-name"])
def test_air_bench_leaves_out_by_the_name_of_any_level(level: str) -> None:
    assert cases_of("air-bench", {**AIR, level: "Something about minors"}) == []


@pytest.mark.parametrize("index", ["", "1", "1.1", "1.1.1.1", "x.1.1", 4])
def test_air_bench_category_that_is_no_number_is_named(index: object) -> None:
    with pytest.raises(RowError, match=r"^invented\.jsonl, line 3: .*'cate-idx'"):
        cases_of("air-bench", {**AIR, "cate-idx": index})


@pytest.mark.parametrize(
    ("name", "field"),
    [
        *(("alert", field) for field in ALERT), *(("sorry-bench", field) for field in SORRY),
        *(("harmbench", field) for field in ("Behavior", "FunctionalCategory", "SemanticCategory", "BehaviorID")),
        *(("air-bench", field) for field in AIR),
    ],
)  # fmt: skip
def test_column_that_was_renamed_is_named_with_its_place(name: str, field: str) -> None:
    fields = dict(SHAPES[name])
    fields[f"{field}_new"] = fields.pop(field)
    with pytest.raises(RowError, match=rf"^invented\.jsonl, line 3: has no field '{field}'"):
        cases_of(name, fields)


@pytest.mark.parametrize("field", ["Index", "Goal", "Category", "Behavior", "Source"])
def test_column_of_jailbreakbench_that_was_renamed_is_named(field: str) -> None:
    fields = {name: value for name, value in JBB.items() if name != field}
    with pytest.raises(RowError, match=rf"^harmful-behaviors\.csv, line 3: has no field '{field}'"):
        cases_of("jailbreakbench", fields, "harmful-behaviors.csv")


@pytest.mark.parametrize(
    ("name", "left_out"),
    [
        ("Child Harm", True), ("Harm to children", True), ("harming_minors", True), ("a minor", True),
        ("crime_csae", True), ("Underage drinking", True), ("Privacy", False), ("Childish insults", False),
        ("minority_hate", False), ("Minority rights", False), ("", False),
    ],
)  # fmt: skip
def test_categories_are_left_out_by_whole_words_of_their_names(name: str, left_out: bool) -> None:
    assert is_left_out(name) is left_out
    assert is_left_out("Other", name) is left_out


def test_rows_are_numbered_or_named() -> None:
    assert row({"id": 0}).number_or_text("id") == "0"
    assert row({"id": "a-1"}).number_or_text("id") == "a-1"
    for wrong in (None, True, 1.5, "", " ", [1]):
        with pytest.raises(RowError, match="field 'id' is neither a whole number nor text"):
            row({"id": wrong}).number_or_text("id")
