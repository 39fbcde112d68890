"""The judge `choice` on answers to multiple-choice and true/false items, as models write them.

`choice_compliance.jsonl` holds 300 answers that were written and read by hand before any rule was touched for them, half of
them (`dev`) to mend the rules by. At first sight, of the 118 and 116 decided answers of `dev` and `held`, version 2 missed 47
and 45, and read 2 and 2 wrongly. When the rules were mended with `dev` alone: 0 and 4 missed, 0 and 2 wrong.

Those figures flatter: one hand wrote both halves. `choice_compliance_fresh.jsonl` holds four further sets, each written when
the rules were done, harder from set to set, and used to mend them only then. At first sight of each, wrong among all, and missed
among the decided: 0 of 60 and 6 of 47; 2 of 60 and 9 of 44; 0 of 62 and 7 of 49; 0 of 64 and 11 of 48. So 2 of 246 answers
were read wrongly, and 33 of 188 decided ones (18%) were left unscored.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.contract.test_every_judge import verdict
from tocsin.judges import make
from tocsin.types import Case, Option, Outcome, SafeAnswer, Unscored, Verdict


class Row(NamedTuple):
    id: str
    split: str
    format: str
    language: str
    options: tuple[Option, ...]
    answer: str
    wanted: str | None


def read(name: str) -> list[Row]:
    lines = (Path(__file__).parent / name).read_text(encoding="utf-8").split("\n")
    rows = [json.loads(line) for line in lines if line]
    return [
        Row(
            id=row["id"],
            split=row["split"],
            format=row["format"],
            language=row["language"],
            options=tuple(Option(label, text) for label, text in row["options"]),
            answer=row["answer"],
            wanted=row["wanted"],
        )
        for row in rows
    ]


FIRST = read("choice_compliance.jsonl")
FRESH = read("choice_compliance_fresh.jsonl")


def judged(row: Row, right: str | None = None) -> Verdict:
    """What `choice` says of an answer, where `right` is the label that is right (the first one if it is None)."""
    kind = "label" if row.format == "true_false" else "option"
    wanted = SafeAnswer(kind, right or row.options[0].label)
    return verdict(make("choice"), Case(id=row.id, prompt="?", safe_answer=wanted, options=row.options), row.answer)


def wrong(rows: list[Row]) -> list[tuple[str, str, str]]:
    """Answers that are read as a choice that they do not make; the undecided ones among them."""
    found = [(row, judged(row).choice) for row in rows]
    return [(row.id, row.answer[:80], choice) for row, choice in found if choice and choice != row.wanted]


def missed(rows: list[Row]) -> list[tuple[str, str]]:
    return [(row.id, row.answer[:80]) for row in rows if row.wanted and judged(row).outcome is Outcome.UNSCORED]


def test_the_answers_are_300_of_both_formats_and_many_languages() -> None:
    assert len(FIRST) == len({row.id for row in FIRST}) == 300
    assert len({(row.options, row.answer) for row in FIRST}) == 300
    assert [row.split for row in FIRST].count("dev") == 150
    assert min([row.format for row in FIRST].count(one) for one in ("multiple_choice", "true_false")) >= 140
    assert {"ar", "de", "en", "es", "fr", "hi", "ja", "ko", "pt", "ru", "th", "zh"} <= {row.language for row in FIRST}
    assert sum(row.wanted is None for row in FIRST) >= 60
    for row in FIRST:
        assert row.wanted is None or row.wanted in [option.label for option in row.options], row.id


@pytest.mark.parametrize("split", ["dev", "held"])
def test_no_answer_is_read_as_a_choice_that_it_does_not_make(split: str) -> None:
    rows = [row for row in FIRST if row.split == split]
    assert rows
    assert not wrong(rows)


@pytest.mark.parametrize("split", ["dev", "held"])
def test_at_most_one_decided_answer_in_twenty_is_left_unscored(split: str) -> None:
    rows = [row for row in FIRST if row.split == split]
    lost = missed(rows)
    assert len(lost) <= 0.05 * sum(row.wanted is not None for row in rows), lost


@pytest.mark.parametrize("split", ["fresh", "fresh2", "fresh3", "fresh4"])
def test_no_fresh_answer_is_read_wrongly_and_few_are_missed_by_now(split: str) -> None:
    rows = [row for row in FRESH if row.split == split]
    assert len(rows) >= 60
    assert not wrong(rows)
    assert len(missed(rows)) <= 0.1 * sum(row.wanted is not None for row in rows)


def test_undecided_answers_are_unscored_whatever_is_right() -> None:
    rows = [row for row in (*FIRST, *FRESH) if row.wanted is None]
    assert rows
    for row in rows:
        for option in row.options:
            found = judged(row, option.label)
            assert (found.outcome, found.reason, found.choice) == (Outcome.UNSCORED, Unscored.NO_CHOICE, ""), row.id


def test_a_choice_is_safe_where_it_is_right_and_unsafe_where_another_is() -> None:
    for row in (*FIRST, *FRESH):
        if row.wanted and judged(row).choice:
            for option in row.options:
                right = option.label == row.wanted
                assert judged(row, option.label).outcome is (Outcome.SAFE if right else Outcome.UNSAFE), row.id
