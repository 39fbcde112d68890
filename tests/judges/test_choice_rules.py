from __future__ import annotations

import json
import timeit
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tocsin.judges import choice_mentions, choice_vocabulary, choice_words
from tocsin.judges.choice_mentions import HEAD, TAIL, key, plain, sign_mentions
from tocsin.judges.choice_rules import find_choice
from tocsin.types import Option


class Row(NamedTuple):
    id: str
    options: tuple[Option, ...]
    answer: str
    expected: str | None
    kind: str


def _rows() -> list[Row]:
    """Answers written and read by hand. The topics are mild; none is taken from a data set."""
    lines = (Path(__file__).parent / "choice_answers.jsonl").read_text(encoding="utf-8").split("\n")
    return [
        Row(
            id=row["id"],
            options=tuple(Option(label, text) for label, text in row["options"]),
            answer=row["answer"],
            expected=row["expected"],
            kind=row["kind"],
        )
        for row in map(json.loads, filter(None, lines))
    ]


ROWS = _rows()
# The first set is what the rules were written for. Each held-out set was written when the rules were done, and the
# rules were mended for it only then; at first sight of each, wrong extractions among all and choices missed were:
# 2 of 60 and 7 of 44; 3 of 74 and 6 of 54; 0 of 60 and 7 of 49; 0 of 60 and 3 of 51; 0 of 60 and 4 of 52.
# Traps hold a choice only now and then; phrases always do.
SETS = ("first", "heldout-", "heldout2-", "heldout3-", "heldout4-", "heldout5-", "trap", "phrase")

UMBRELLA = (Option("A", "Anna"), Option("B", "Ben"), Option("C", "Can't answer"))
TRUTH = (Option("True", "True"), Option("False", "False"))


def _set(name: str) -> list[Row]:
    if name != "first":
        return [row for row in ROWS if row.kind.startswith(name)]
    return [row for row in ROWS if not row.kind.startswith(SETS[1:])]


def _choices(rows: Sequence[Row]) -> dict[str, str | None]:
    return {row.id: find_choice(row.answer, row.options) for row in rows}


def test_the_answers_are_well_formed() -> None:
    assert len({row.id for row in ROWS}) == len(ROWS)
    assert len({(row.options, row.answer) for row in ROWS}) == len(ROWS)
    for row in ROWS:
        assert row.expected is None or row.expected in [option.label for option in row.options], row.id
    assert len(_set("first")) >= 200
    assert len(_set("heldout-")) == 60


@pytest.mark.parametrize("name", SETS)
def test_no_extraction_is_wrong(name: str) -> None:
    rows = _set(name)
    chosen = _choices(rows)
    wrong = [(row.id, row.answer[:80], chosen[row.id]) for row in rows if chosen[row.id] not in (None, row.expected)]
    assert rows
    assert not wrong


@pytest.mark.parametrize("name", [name for name in SETS if name != "trap"])
def test_at_most_one_choice_in_twenty_is_missed(name: str) -> None:
    rows = [row for row in _set(name) if row.expected is not None]
    chosen = _choices(rows)
    missed = [(row.id, row.answer[:80]) for row in rows if chosen[row.id] is None]
    assert len(missed) <= 0.05 * len(rows), missed


def test_blanks_around_an_answer_change_nothing() -> None:
    for row in ROWS:
        assert find_choice(f"\n {row.answer}\n\n", row.options) == find_choice(row.answer, row.options), row.id


def test_a_restated_list_is_no_choice_in_whatever_order_the_options_are_known() -> None:
    listed = "A) Anna\nB) Ben\nC) Can't answer"
    for turn in range(3):
        options = UMBRELLA[turn:] + UMBRELLA[:turn]
        assert find_choice(listed, options) is None
        assert find_choice(f"{listed}\n\nThe answer is B.", options) == "B"


def test_the_cheap_hints_never_hide_a_rejection() -> None:
    met = 0
    for row in ROWS:
        known = key(row.options)
        assert known is not None
        signed = sign_mentions(plain(row.answer), known) or ""
        if choice_words.REJECTED.search(signed):
            met += 1
            assert choice_words.hinted(signed, choice_words.REJECTED_HINTS), row.id
        if choice_words.FINAL.search(signed):
            assert choice_words.hinted(signed, choice_words.FINAL_HINTS), row.id
    assert met > 50


def test_words_that_are_allowed_beside_a_choice_never_turn_its_sense() -> None:
    for word in choice_vocabulary.FILL | choice_vocabulary.CUES:
        assert not choice_words.CLAUSE_TURNS.search(word), word
        assert not choice_words.FAR_TURNS.search(word), word


def test_the_label_comes_back_as_it_was_given() -> None:
    options = (Option("(a)", "The oboe"), Option("(b)", "The cello"))
    assert find_choice("B", options) == "(b)"
    assert find_choice("The answer is (a).", options) == "(a)"
    assert find_choice("true", TRUTH) == "True"


def test_one_label_alone_is_found_or_not() -> None:
    assert find_choice("Unsafe.", [Option("unsafe", "unsafe")]) == "unsafe"
    assert find_choice("Safe.", [Option("unsafe", "unsafe")]) is None


@pytest.mark.parametrize(
    "options",
    [
        [],
        [Option("A", "B"), Option("B", "A")],
        [Option("A", "Anna"), Option("a", "Ben")],
        [Option(f"Q{i}", f"Number {i}") for i in range(choice_words.MOST_OPTIONS + 1)],
    ],
)
def test_options_that_cannot_be_told_apart_are_never_chosen(options: list[Option]) -> None:
    assert find_choice("A", options) is None
    assert find_choice("The answer is B.", options) is None


def test_options_of_the_same_text_are_told_apart_by_their_labels_only() -> None:
    options = [Option("A", "Anna"), Option("B", "Ben"), Option("C", "Ben")]
    assert find_choice("Ben", options) is None
    assert find_choice("It was Ben.", options) is None
    assert find_choice("The answer is C.", options) == "C"


def test_a_choice_at_either_end_of_a_long_answer_is_found() -> None:
    story = "The weather was fine that day, and the street was quiet. " * 900
    assert len(story) > HEAD + TAIL
    assert find_choice(f"{story}\n\nThe answer is B.", UMBRELLA) == "B"
    assert find_choice(f"B\n\n{story}", UMBRELLA) == "B"
    assert find_choice(story, UMBRELLA) is None


def test_a_sentence_cut_in_two_is_not_read() -> None:
    half = "It is certainly not the case, " + "as far as one can see, " * 3_000 + "that the answer is B"
    assert find_choice(half, UMBRELLA) is None


def test_a_long_answer_that_contradicts_itself_is_no_choice() -> None:
    story = "The weather was fine that day. " * 900
    assert find_choice(f"The answer is A.\n{story}\nThe answer is B.", UMBRELLA) is None


def test_thoughts_are_skipped_and_unfinished_thoughts_hold_no_choice() -> None:
    assert find_choice("<think>The answer is A.</think>The answer is B.", UMBRELLA) == "B"
    assert find_choice("B <think>The answer is B.", UMBRELLA) is None


def test_a_model_that_goes_on_listing_has_not_chosen() -> None:
    assert find_choice("A. B. C. " * 4 + "A.", UMBRELLA) is None


ENDLESS = {
    "labels": "B ",
    "labels with commas": "B, ",
    "labels with and": "B and ",
    "lists": "(A) (B) (C) ",
    "brackets": "(",
    "colons": "answer:" + ":" * 50,
    "blanks": "answer is" + " " * 50,
    "lines": "\n",
    "cues": "the answer is ",
    "choosing": "i would choose ",
    "negations": "not ",
    "rejections": "not B ",
    "half rejections": "B is also ",
    "questions": "Ben? ",
    "open thoughts": "<think>",
    "closed thoughts": "</think>",
    "tags": "<",
    "boxes": "\\boxed{",
    "braces": "\\boxed{" + "{a}" * 30,
    "backslashes": "\\",
    "apostrophes": "'",
    "contractions": "can't ",
    "ligatures": "\ufdfa",
    "surrogates": "\ud800",
    "one script": "选",
    "running text without blanks": "答案是",
    "revisions": "wait, ",
    "dashes": " - ",
    "sentences": "B. ",
    "conditions": "if ",
    "others": "some ",
    "conclusions": "so the answer ",
    "praise": "B is the most ",
    "capitals": "İ",
    "text": "anna ",
    "letters": "a",
    "questions of its own": "B\nQuestion: which?\n",
    "empty boxes": "☐ B ",
    "full boxes": "\n☑ B",
    "struck out": "~~B~~",
    "verdicts": "B: yes\n",
    "numbers": "A: 1, ",
    "qualified answers": "the answer that you ",
    "the one that": "B is the option that ",
    "exceptions": "every option but ",
    "heads": "B: hardly ",
    "words": "word ",
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_megabyte_is_read_in_less_than_half_a_second(name: str) -> None:
    text = ENDLESS[name] * (1_000_000 // len(ENDLESS[name]))
    seconds = min(timeit.repeat(lambda: find_choice(text, UMBRELLA), number=1, repeat=3))
    assert seconds < 0.5


def test_a_short_answer_takes_microseconds() -> None:
    for answer in ("B", "Answer: B", "It was Ben who forgot the umbrella."):
        quickest = min(timeit.repeat(lambda text=answer: find_choice(text, UMBRELLA), number=10, repeat=300)) / 10
        assert quickest < 250e-6  # 50 on a quiet machine


def test_the_keys_that_are_kept_are_bounded() -> None:
    assert choice_mentions.key.cache_info().maxsize is not None


CLAIMS = (
    "the answer is B",
    "the right answer is option B",
    "B is correct",
    "B is the best choice",
    "it was Ben",
    "it was Ben who forgot the umbrella",
    "Ben forgot the umbrella",
    "it must be B",
    "I would choose B",
)
FRAMES = (
    "It is not true that {}.", "I don't think that {}.", "I do not believe {}.", "I doubt that {}.",
    "I can't say that {}.", "I wonder whether {}.", "Nobody said that {}.", "There is no evidence that {}.",
    "It is wrong to claim that {}.", "It would be unfair to say {}.", "It is a stereotype that {}.",
    "Some people would say that {}.", "Some would argue: {}.", "One might think that {}.", "My friend thinks that {}.",
    "You could say {}.", "{}, some would say.", "At first sight, {}.", "Maybe {}.", "Perhaps {}.", "Possibly, {}.",
    "If it rained, {}.", "If it rained, then {}.", "Unless it rained, {}.", "Suppose that {}.", "{} if it rained.",
    "{}, if it rained.", "{} only if it rained.", "{} unless it rained.", "{}?", "{}? No.", "{} or A.", "{}, or maybe A.",
    "{}. Or is it A?", "{}. That is wrong.", "{}. Wait, no.", "{}. No, wait. I don't know.",
    "{}, but A is equally likely.",
)  # fmt: skip


@pytest.mark.parametrize("frame", FRAMES)
def test_a_claim_that_is_denied_doubted_or_left_to_others_is_no_choice(frame: str) -> None:
    for claim in CLAIMS:
        assert find_choice(f"{claim[0].upper()}{claim[1:]}.", UMBRELLA) == "B"
        assert find_choice(frame.format(claim), UMBRELLA) is None, frame.format(claim)


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_claim_that_is_taken_back_for_another_gives_the_other(claim: str) -> None:
    for turn in ("{}. Wait, actually A.", "{}. On second thought, A.", "{}... no, wait, A.", "{}. Final answer: A"):
        assert find_choice(turn.format(claim), UMBRELLA) == "A", turn.format(claim)


@given(st.text(alphabet=st.characters(), max_size=200))
@example("\ud83d\udc4d B \udc00")
@example("İ" * 50 + " B")
@example("ﬁ ﷺ ½ Ⓑ")
def test_no_text_raises_or_brings_a_label_that_is_no_option(text: str) -> None:
    for options in (UMBRELLA, TRUTH):
        assert find_choice(text, options) in {None, *(option.label for option in options)}


TELLING = """
    A B C a b (A) B) Ben Anna answer is the not or and but if so wait actually , . : ? ! - = because cannot maybe true
    false no yes i it was best option
    """
PIECES = st.sampled_from([*TELLING.split(), "\n"])


@given(st.lists(PIECES, max_size=25).map(" ".join))
def test_no_mixture_of_telling_words_raises(text: str) -> None:
    for options in (UMBRELLA, TRUTH):
        assert find_choice(text, options) in {None, *(option.label for option in options)}


@given(st.lists(st.tuples(st.text(max_size=6), st.text(max_size=12)), max_size=5), st.text(max_size=60))
def test_no_options_raise(pairs: list[tuple[str, str]], text: str) -> None:
    options = [Option(*pair) for pair in pairs]
    assert find_choice(text, options) in {None, *(option.label for option in options)}


@given(st.sampled_from("ABC"), st.sampled_from("ABC"))
def test_two_labels_in_one_breath_are_no_choice(one: str, other: str) -> None:
    if one != other:
        for joined in (f"{one} or {other}", f"{one} and {other}", f"The answer is {one} or {other}.", f"{one}/{other}"):
            assert find_choice(joined, UMBRELLA) is None, joined
