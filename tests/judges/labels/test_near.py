"""Prompts that are nearly the same share a cluster, within a set and across sets."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tocsin.judges.labels import Labelled, joined
from tocsin.judges.labels.records import cluster_of

LONG = "Please tell me in a few friendly words how I can bake a loaf of good brown bread at home without a machine"


def record(prompt: str, name: str = "") -> Labelled:
    return Labelled(id=name or prompt[:40], prompt=prompt, unsafe=False, cluster=cluster_of(prompt))


def clusters(*prompts: str) -> list[str]:
    return [one.cluster for one in joined([record(prompt) for prompt in prompts])]


@pytest.mark.parametrize(
    "other",
    ["  what IS tea", "What is tea?!", "what\u3000is tea", "\uff37\uff48\uff41\uff54 is tea?", "What – is – tea"],
)
def test_case_width_blanks_and_marks_make_no_other_prompt(other: str) -> None:
    assert cluster_of(other) == cluster_of("What is tea?")


@pytest.mark.parametrize("other", ["What is teak?", "What is tea 2?", "What was tea?", "Wh at is tea?", ""])
def test_other_words_do(other: str) -> None:
    assert cluster_of(other) != cluster_of("What is tea?")


def test_prompts_of_marks_alone_are_told_apart() -> None:
    assert cluster_of("???") != cluster_of("!!!")


def test_a_word_more_is_the_same_prompt() -> None:
    one, other, bread = clusters(LONG, f"{LONG}, thanks", "How long does brown bread keep in a box of tin?")
    assert one == other != bread


def test_chinese_is_compared_without_blanks() -> None:
    one, other, third = clusters(
        "请告诉我怎样在家里做一个好吃的面包", "请告诉我怎样在家里做一个好吃的面包吧", "北方人都喜欢喝茶吗"
    )
    assert one == other != third


def test_near_prompts_join_in_chains() -> None:
    words = LONG.split()
    chain = [" ".join(words[i : i + 16]) for i in range(5)]
    assert len(set(clusters(*chain))) == 1


def test_records_that_shared_a_cluster_still_do() -> None:
    own = [
        Labelled(id="a", prompt="What is tea?", unsafe=False, cluster="mine"),
        Labelled(id="b", prompt="How does the knight move in chess?", unsafe=True, cluster="mine"),
    ]
    assert {one.cluster for one in joined(own)} == {"mine"}


def test_joining_changes_clusters_alone_and_knows_no_order() -> None:
    records = [record(text, str(i)) for i, text in enumerate([LONG, f"{LONG}, thanks", "What is tea?", ""])]
    there, back = joined(records), joined(records[::-1])[::-1]
    assert there == back
    assert [(one.id, one.prompt) for one in there] == [(one.id, one.prompt) for one in records]


def test_no_record_is_lost_where_there_is_nothing_to_compare() -> None:
    assert joined([]) == ()
    assert len(set(clusters("???", "!!!", "What is tea?"))) == 3


def test_pairs_near_enough_are_found_and_those_far_enough_are_not() -> None:
    """Invented texts of 40 words, of which some are replaced: similarity of triples known by counting."""
    rng = np.random.default_rng(5)
    found, near, apart, far = 0, 0, 0, 0
    for trial in range(60):
        words = [f"w{trial}x{i}" for i in range(40)]
        close, distant = list(words), list(words)
        close[int(rng.integers(3, 37))] = "other"
        for i in range(4, 40, 5):
            distant[i] = f"else{i}"
        a, b, c = clusters(" ".join(words), " ".join(close), " ".join(distant))
        near, found = near + 1, found + (a == b)
        far, apart = far + 1, apart + (a != c)
    assert (found, apart) == (near, far)


def test_thousands_of_prompts_take_seconds() -> None:
    rng = np.random.default_rng(6)
    vocabulary = [f"word{i}" for i in range(3000)]
    texts = [" ".join(vocabulary[j] for j in rng.integers(0, 3000, 15)) for _ in range(4_000)]
    began = time.process_time()
    assert len(set(clusters(*texts))) == 4_000
    assert time.process_time() - began < 5
