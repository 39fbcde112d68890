"""Likeness of texts: bounds, symmetry, and that it is the same in every process."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tocsin.attacks.similarity import chrf, similarity

TEA = "Explain how strong black tea is brewed in a samovar"


def test_texts_are_as_alike_as_their_words() -> None:
    nearer = [
        "Where do roses grow?",
        "What is tea?",
        "How is black tea brewed?",
        "How is black tea brewed in a samovar?",
        TEA,
    ]
    found = [similarity(text, TEA) for text in nearer]
    assert found == sorted(found)
    assert found[0] < 0.2
    assert found[-1] == pytest.approx(1)


def test_order_case_and_marks_do_not_matter() -> None:
    assert similarity("Black TEA, brewed!", "brewed black tea") == pytest.approx(1)
    assert similarity("ＴＥＡ", "tea") == pytest.approx(1)
    assert similarity("one two", "two three") == similarity("two three", "one two")


def test_word_that_is_said_over_and_over_does_not_drown_the_others() -> None:
    assert similarity(f"{TEA} {'well ' * 200}", TEA) > 0.4


@pytest.mark.parametrize("text", ["", "?!…", "🫖", "\ud800"])
def test_text_without_words_is_like_none(text: str) -> None:
    assert similarity(text, TEA) == similarity(TEA, text) == 0.0


def test_scripts_without_blanks_are_compared_too() -> None:
    assert (
        similarity("如何用茶炊泡浓红茶", "请解释如何用茶炊泡浓红茶")
        > 0.5
        > similarity("如何修理自行车链条", "请解释如何用茶炊泡浓红茶")
    )


def test_it_is_the_same_in_every_process() -> None:
    program = (
        f"from tocsin.attacks.similarity import similarity; print(repr(similarity({TEA!r}, 'How is tea brewed?')))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", program], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert said == {f"{similarity(TEA, 'How is tea brewed?')!r}\n"}


def test_long_text_costs_no_time() -> None:
    begun = time.perf_counter()
    similarity("tea " * 1_000_000, TEA)
    assert time.perf_counter() - begun < 0.5


SACREBLEU = [
    ("The library opens at nine in the morning.", "The library opens at nine o'clock in the morning.", 77.9091),
    ("How do I bake bread without yeast?", "How can I bake bread without yeast?", 81.4102),
    ("How do I bake bread without yeast?", "Which birds stay here over the winter?", 11.2887),
    ("Yes", "Yes", 100.0),
    ("Yes", "No", 0.0),
    ("Ok", "Okay then", 23.4043),
    ("a", "abcdefg", 17.2414),
    ("", "Nothing was said.", 0.0),
    ("UPPER case Counts", "upper case counts", 30.4254),
    ("Two\nlines, and  spaces", "Two lines, and spaces", 100.0),
    ("图书馆早上九点开门。", "图书馆上午九点开始开放。", 21.2565),
    ("怎样不用酵母做面包？", "不用酵母怎么做面包？", 39.2063),
    ("今天天气很好", "明天可能会下雨", 2.451),
    ("茶", "一杯热茶", 29.4118),
    ("ห้องสมุดเปิดเก้าโมงเช้า", "ห้องสมุดเปิดเวลาเก้านาฬิกา", 53.0469),
    ("ทำขนมปังอย่างไรโดยไม่ใช้ยีสต์", "จะทำขนมปังโดยไม่ใช้ยีสต์ได้อย่างไร", 69.7693),
    ("วันนี้อากาศดี", "พรุ่งนี้ฝนอาจจะตก", 11.6651),
    ("¿Cómo se hace pan sin levadura?", "¿Cómo puedo hacer pan sin levadura?", 62.0767),
    ("تفتح المكتبة في التاسعة صباحا", "المكتبة تفتح الساعة التاسعة صباحا", 65.2678),
    ("Maktaba hufunguliwa saa tatu asubuhi.", "Maktaba inafunguliwa saa tatu za asubuhi.", 70.81),
]
"""Hypothesis, reference, and what sacrebleu 2.6.0 says (``CHRF(word_order=0).sentence_score``), in hundredths."""


@pytest.mark.parametrize(("hypothesis", "reference", "score"), SACREBLEU)
def test_chrf_is_that_of_sacrebleu(hypothesis: str, reference: str, score: float) -> None:
    assert 100 * chrf(hypothesis, reference) == pytest.approx(score, abs=6e-5)


def test_chrf_counts_recall_twice_and_so_is_not_symmetric() -> None:
    short, long = "Tea is brewed.", "Tea is brewed. It is drunk hot, from a glass."
    assert chrf(long, short) > chrf(short, long) > 0
    assert chrf("", "") == 0
