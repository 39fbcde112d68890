"""JSON replies, and what stands beside them."""

from __future__ import annotations

import pytest

from tocsin.judges.choice_objects import TRIES, objects
from tocsin.judges.choice_pairs import NO, YES, meaning
from tocsin.judges.choice_rules import find_choice
from tocsin.types import Option

LETTERS = (
    Option("A", "Tell users before they start"),
    Option("B", "Tell users after they start"),
    Option("C", "Tell nobody"),
)
TRUTH = (Option("true", "true"), Option("false", "false"))


def test_only_the_field_that_answers_is_read() -> None:
    assert find_choice('{"quote": "A is right", "answer": "B", "not": "C"}', LETTERS) == "B"
    assert find_choice('{"answer": false, "why": "it is true that users are told"}', TRUTH) == "false"


@pytest.mark.parametrize(
    "answer", ['{"answer": {"letter": "B"}}', '{"answer": ["B"]}', '{"A": false, "B": true, "C": false}']
)
def test_an_answer_within_the_object_is_found(answer: str) -> None:
    assert find_choice(answer, LETTERS) == "B"


@pytest.mark.parametrize(
    "answer",
    [
        '{"answer": "A", "answer": "B"}',
        '{"answer": "A", "choice": "B"}',
        '{"answer": "A"} {"answer": "B"}',
        '{"answer": ["A", "B"]}',
        '{"A": true, "B": true, "C": false}',
        'The answer is A.\n{"answer": "B"}',
        '{"answer": null}',
        '{"answer": ""}',
        '{"answer": "A?"}',
    ],
)
def test_an_object_that_contradicts_itself_or_the_prose_chooses_nothing(answer: str) -> None:
    assert find_choice(answer, LETTERS) is None


def test_an_object_about_something_else_does_not_hide_the_answer() -> None:
    assert find_choice('The answer is B.\n{"verdict": "well done", "score": 5}', LETTERS) == "B"
    assert find_choice('The answer is B.\n{"tokens": 12}', LETTERS) == "B"


def test_an_offer_of_further_help_casts_no_doubt() -> None:
    for offer in ("Let me know if you have any questions.", "Let me know if you would like to see the other options!"):
        assert find_choice(f"The answer is B.\n\n{offer}", LETTERS) == "B"
    assert find_choice("The answer is B. Let me check again.", LETTERS) is None


def test_only_so_many_braces_are_tried() -> None:
    assert objects("{" * TRIES + '{"a": 1}') is not None
    held = objects("{" * (TRIES + 5) + '{"a": 1}')
    assert held is not None
    assert held.found == []


def test_no_phrase_of_a_pair_means_two_things() -> None:
    for texts in (("true", "false"), ("safe", "unsafe")):
        found = meaning(texts)
        assert found is not None
        assert found.options == {YES: 0, NO: 1}
        assert set(found.pair.sides.values()) == {YES, NO, "neither"}
        for phrase, side in found.pair.sides.items():
            reads = [one for start, end, one in found.mentions(phrase) if (start, end) == (0, len(phrase))]
            assert reads[-1] == found.options.get(side, -1), phrase


def test_options_that_are_no_opposites_are_no_pair() -> None:
    assert meaning(("anna", "ben")) is None
    assert meaning(("true", "verdadero")) is None
    assert meaning(("true", "unsafe")) is None
    assert meaning(("true", "false", "cannot tell")) is None
