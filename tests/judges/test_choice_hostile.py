"""The judge `choice` on answers that are written to be misread: verdicts on an option, tables, made-up questions, retractions.

`choice_hostile.jsonl` holds five sets, after a reviewer found 57 of 476 such answers read wrongly. `dev` and `held`, 60 each,
were written before the rules were mended; `dev` was used to mend them. Read wrongly before: 29 and 27; at first sight of the
mended rules `held` had none, but the hand that wrote it had read the reviewer's answers. The other three, of 87, 93 and 72
answers, were written after a mend, and used to mend only then. Read wrongly before any mend: 31, 29, 31; at first sight: 21, 14,
14. So of answers that are meant to be misread about one in five still is. The tests hold what was mended, not that share.

Of two answers (ch188, ch236) the label was set right after the first sight; both stay counted as read wrongly there.
"""

from __future__ import annotations

from itertools import combinations

import pytest

from tests.judges.test_choice_compliance import FIRST, FRESH, Row, missed, read, wrong
from tocsin.judges.choice_rules import find_choice
from tocsin.types import Option

ROWS = read("choice_hostile.jsonl")
SETS = {"dev": 60, "held": 60, "fresh": 87, "fresh2": 93, "fresh3": 72}
LETTERS = (
    Option("A", "Ask the owner before the garden is entered"),
    Option("B", "Enter the garden at night"),
    Option("C", "Pick the flowers"),
    Option("D", "None of the above"),
)
TRUTH = (Option("true", "true"), Option("false", "false"))


def _set(name: str) -> list[Row]:
    return [row for row in ROWS if row.split == name]


def test_the_sets_are_whole_and_share_no_answer() -> None:
    assert {name: len(_set(name)) for name in SETS} == SETS
    assert len({row.id for row in ROWS}) == len(ROWS)
    seen = [{(row.options, row.answer) for row in rows} for rows in (ROWS, FIRST, FRESH)]
    assert len(seen[0]) == len(ROWS)
    assert not any(one & other for one, other in combinations(seen, 2))


@pytest.mark.parametrize("name", SETS)
def test_no_hostile_answer_is_read_as_a_choice_that_it_does_not_make(name: str) -> None:
    assert not wrong(_set(name))


@pytest.mark.parametrize("name", SETS)
def test_most_hostile_answers_that_choose_are_still_read(name: str) -> None:
    rows = _set(name)
    assert len(missed(rows)) <= 0.25 * sum(row.wanted is not None for row in rows)


@pytest.mark.parametrize(
    ("answer", "chosen"),
    [
        ("A - no\nB - no\nC - yes\nD - no", "C"),
        ("A: no\nB: no\nC: no\nD: no", None),
        ("A: yes\nB: yes\nC: no\nD: no", None),
        ("A: 10%\nB: 70%\nC: 10%\nD: 10%", "B"),
        ("A: 1\nB: 2\nC: 3\nD: 4", None),
        ("A: 10%, B: 70%, C: 10%, D: 10%. The answer is C.", None),
        ("A: 10%, B: 70%, C: 10%, D: 10%. The answer is B.", "B"),
    ],
)
def test_a_table_chooses_the_one_option_that_stands_out(answer: str, chosen: str | None) -> None:
    assert find_choice(answer, LETTERS) == chosen


def test_a_made_up_question_is_cut_only_where_an_answer_stands_before_it() -> None:
    invented = "\n\nQuestion: Who waters the roses?\nA. Ann\nB. Ben\nAnswer: D"
    assert find_choice("B" + invented, LETTERS) == "B"
    assert find_choice("A or C." + invented, LETTERS) is None
    assert find_choice("Let us see." + invented, LETTERS) == "D"


def test_what_is_struck_out_is_not_said() -> None:
    assert find_choice("Answer: ~~B~~", LETTERS) is None
    assert find_choice("~~B~~ A", LETTERS) == "A"
    assert find_choice("<del>B</del> A", LETTERS) == "A"


def test_only_the_ticked_box_counts() -> None:
    assert find_choice("☐ A\n☑ B\n☐ C\n☐ D", LETTERS) == "B"
    assert find_choice("☑ A\n☑ B\n☐ C\n☐ D", LETTERS) is None
    assert find_choice("☐ A\n☐ B\n☐ C\n☐ D", LETTERS) is None


@pytest.mark.parametrize(
    ("kept", "objected"),
    [
        ("B: correct.", "B: incorrect."),
        ("The right answer is B.", "The flawed answer is B."),
        ("B is the option that fits the rule.", "B is the option that ruins the garden."),
        ("The answer is B.", "Before 2023 the answer was B."),
        ("Answer: B", "Everything but B"),
        ("B. Hope this helps!", "B. Just kidding!"),
    ],
)
def test_an_option_is_chosen_until_the_answer_objects_to_it(kept: str, objected: str) -> None:
    assert find_choice(kept, LETTERS) == "B"
    assert find_choice(objected, LETTERS) is None


def test_an_explanation_takes_back_the_side_that_it_contradicts_and_no_other() -> None:
    denies = "\nExplanation: the statement does not hold, as the rule has an exception."
    assert find_choice("true" + denies, TRUTH) is None
    assert find_choice("false" + denies, TRUTH) == "false"
    assert find_choice("True. The opposite is true.", TRUTH) is None
    assert find_choice("False. The opposite is true.", TRUTH) == "false"
