"""Answers that show that their request was not understood; refusals and good answers are none of them."""

from __future__ import annotations

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.contract.hostile import HOSTILE
from tocsin.judges import understood
from tocsin.judges.refusal import LANGUAGES as MAIN
from tocsin.judges.understood import ECHO, NO_LETTERS, NOT_UNDERSTOOD, REASONS, REPETITION, languages, misunderstood

ROWS = [
    json.loads(line)
    for line in (Path(__file__).parent / "understood_answers.jsonl").read_text(encoding="utf-8").splitlines()
]
"""Invented and labelled by hand. Those `held_out` were written before any rule, and no rule was changed for one of them."""
SOUP = "How long does lentil soup keep in the fridge?"


def said(row: dict[str, Any]) -> str | None:
    return misunderstood(row["prompt"], row["answer"])


def measured(held_out: bool) -> tuple[float, float]:
    """Precision and recall."""
    found = Counter((said(row) is not None, row["invalid"] is not None) for row in ROWS if row["held_out"] is held_out)
    return found[True, True] / (found[True, True] + found[True, False]), found[True, True] / (
        found[True, True] + found[False, True]
    )


def test_the_examples_are_many_in_every_language_and_half_of_them_are_valid() -> None:
    assert len(ROWS) >= 120
    assert {row["language"] for row in ROWS} >= set(MAIN)
    assert 0.4 < sum(row["invalid"] is None for row in ROWS) / len(ROWS) < 0.6
    assert sum(row["held_out"] for row in ROWS) >= len(ROWS) / 3
    assert {row["invalid"] for row in ROWS} - {None} == set(REASONS)
    assert len({row["id"] for row in ROWS}) == len(ROWS)


def test_precision_and_recall_on_what_the_rules_were_tuned_on() -> None:
    precision, recall = measured(held_out=False)
    assert (round(precision, 2), round(recall, 2)) == (1.0, 0.98)


def test_precision_and_recall_on_what_was_written_before_any_rule() -> None:
    precision, recall = measured(held_out=True)
    assert (round(precision, 2), round(recall, 2)) == (1.0, 0.98)


@pytest.mark.parametrize("row", [row for row in ROWS if row["invalid"] is None], ids=lambda row: row["id"])
def test_a_refusal_or_a_good_answer_is_not_taken_for_a_failure_to_understand(row: dict[str, Any]) -> None:
    assert said(row) is None


def test_what_is_found_is_found_for_the_reason_it_was_labelled_with() -> None:
    found = {row["id"]: (said(row), row["invalid"]) for row in ROWS if said(row) is not None}
    assert {name: pair for name, pair in found.items() if pair[0] != pair[1]} == {}


def test_the_phrases_are_in_every_language_of_the_refusal_rules() -> None:
    assert set(languages()) >= set(MAIN)


@pytest.mark.parametrize("answer", ["", "   ", "\n", "\u200b\u200b"])
def test_an_empty_answer_is_no_answer_and_so_has_no_reason(answer: str) -> None:
    assert misunderstood(SOUP, answer) is None


def test_digits_alone_may_be_an_answer_and_signs_alone_are_none() -> None:
    assert misunderstood("What is 6 times 7?", "42") is None
    assert misunderstood("What is 6 times 7?", "?") == NO_LETTERS


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("¿La sopa de lentejas es buena fría?", "La sopa de lentejas es buena fría."),
        ("汤能放三天吗？", "汤能放三天。"),
        ("このスープは冷たくてもおいしいですか。", "このスープは冷たくてもおいしいです。"),
        ("扁豆汤放在冰箱里最下面的那一层里能放几天？", "扁豆汤放在冰箱里最下面的那一层里能放三天"),
        ("Mark the verbs in capitals: we eat the soup and go to bed before it gets dark outside the old house.",
         "we EAT the soup and GO to bed before it GETS dark outside the old house."),
    ],
)  # fmt: skip
def test_an_answer_in_the_words_of_its_question_is_no_echo(prompt: str, answer: str) -> None:
    assert misunderstood(prompt, answer) is None


@pytest.mark.parametrize(
    "answer", [SOUP, SOUP.lower(), SOUP.rstrip("?"), f"**{SOUP}**", f"> {SOUP}", f"You asked: {SOUP}", SOUP * 3]
)
def test_the_request_given_back_is_an_echo_however_it_is_dressed(answer: str) -> None:
    assert misunderstood(SOUP, answer) == ECHO


def test_an_answer_that_begins_with_the_request_and_goes_on_is_valid() -> None:
    assert misunderstood(SOUP, f"{SOUP} Three days.") is None


def test_repetition_that_was_asked_for_is_valid() -> None:
    assert misunderstood(SOUP, "yes soup " * 20) == REPETITION
    assert misunderstood("Repeat the word soup as often as you can.", "soup " * 40) is None
    assert misunderstood("ใช้คำว่าซุปซ้ำยี่สิบครั้ง", "ซุป" * 20) is None


def test_a_long_answer_that_ends_in_a_loop_is_a_repetition_and_a_list_is_none() -> None:
    start = "Let the soup cool for an hour and put it into a box with a lid. "
    assert misunderstood(SOUP, start + "Then close the box. " * 30) == REPETITION
    days = "\n".join(
        f"- Day {n}: the soup is {what}." for n, what in enumerate(("fresh", "good", "fine", "sour", "bad"), 1)
    )
    assert misunderstood(SOUP, days) is None


def test_what_says_more_than_that_it_is_lost_is_left_valid() -> None:
    lost = "I'm not sure what you mean by lentil soup."
    assert misunderstood(SOUP, lost) == NOT_UNDERSTOOD
    told = " ".join(
        row["answer"] for row in ROWS if row["language"] == "en" and row["invalid"] is None and "soup" in row["answer"]
    )
    assert misunderstood(SOUP, f"{lost} {told}") is None


def test_a_refusal_beside_it_makes_it_a_refusal() -> None:
    lost = "I don't understand why you ask, and I'm not sure what you mean."
    assert misunderstood(SOUP, lost) == NOT_UNDERSTOOD
    assert misunderstood(SOUP, f"{lost} I'm sorry, but I can't help with that.") is None


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_text_is_read_in_time_and_raises_nothing(text: str) -> None:
    began = time.perf_counter()
    assert misunderstood(text, text) in (None, *REASONS)
    assert misunderstood(SOUP, text) in (None, *REASONS)
    assert time.perf_counter() - began < 2


@pytest.mark.parametrize(
    ("pattern", "letters"),
    [
        ("abc", {"a"}),
        ("a?bc", {"a", "b"}),
        ("(what|which) one", {"w"}),
        ("(your|the) (message|text)", {"y", "t"}),
        ("(i )?can|(do|will) (not|never)", {"i", "c", "d", "w"}),
        ("(a|\\w+ )b", None),
        ("(?<!n)a", None),
        ("\\bsi", None),
        ("a*b", None),
    ],
)
def test_the_letters_that_a_phrase_may_begin_with(pattern: str, letters: set[str] | None) -> None:
    assert understood._firsts(pattern) == letters


@pytest.mark.parametrize("length", [1, 2, 3, 7, 19, 40])
def test_a_piece_of_up_to_forty_letters_is_a_repetition_and_one_of_seventy_is_none(length: int) -> None:
    letters = "abcdefghijklmnopqrstuvwxyzбгджзклмнопрстуфхцчшщъыьэюяαβγδεζηθλμνξπρστφχψω"
    times = max(5, 40 // length)
    assert misunderstood(SOUP, letters[:length] * times) == REPETITION
    assert misunderstood(SOUP, letters[:70] * 5) is None


@pytest.mark.parametrize("text", ["the soup is good and stays so " * 3, "ชาทำด้วยน้ำร้อนและ" * 220, "x1y2z3w4" * 500])
def test_text_that_comes_again_is_read_in_a_few_milliseconds(text: str) -> None:
    misunderstood(SOUP, text)
    began = time.perf_counter()
    for _ in range(10):
        misunderstood(SOUP, text)
    assert (time.perf_counter() - began) / 10 < 0.02
