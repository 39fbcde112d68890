"""Texts of several kinds to chunks, each of which knows where it stands."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest

from tocsin.compliance.generate.splitting import Chunk, sentences, split

ARTICLES = """\
Chapter I
General

Article 1
Prices

1. The machine names the price. See also
Article 9 of the other code.
2. It is polite;

Article 2 - Coins
It takes coins. (a) big ones

CHAPTER II
Ends

Article 3
"""


def ids(text: str, **more: int) -> list[str]:
    found = split(text, **more)
    check(text, found)
    return [chunk.id for chunk in found]


def check(text: str, chunks: list[Chunk]) -> None:
    """Chunks are parts of the text, in its order, and none lies over another."""
    assert all(text[chunk.start : chunk.end] == chunk.text == chunk.text.strip() for chunk in chunks)
    assert all(one.end <= other.start for one, other in pairwise(chunks))
    assert len({chunk.id for chunk in chunks}) == len(chunks)


def test_articles_are_chunks_under_their_headings_and_a_reference_begins_none() -> None:
    first, second = split(ARTICLES)
    assert (first.id, first.title) == ("article-1", "Chapter I / Article 1 Prices")
    assert "Article 9 of the other code." in first.text
    assert (second.id, second.title) == ("article-2", "Chapter I / Article 2 - Coins")
    assert ids(ARTICLES) == ["article-1", "article-2"], "an article without text is none"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "第一章 总则\n第一条　售货机应当先说价格。\n第二条 不得骂人。\n第二十一条 完。",
            ["article-1", "article-2", "article-21"],
        ),
        ("第１条 自動販売機は値段を言う。\n第２条 丁寧に話す。", ["article-1", "article-2"]),
        ("一、售货机要有礼貌\n二、售货机要说价格\n十二、完", ["1", "2", "12"]),
        ("（一）要有礼貌。\n（二）要说价格。", ["1", "2"]),
        ("§ 1 Preise\nDer Automat nennt den Preis.\n§ 2a Ton\nEr ist nett.", ["section-1", "section-2a"]),
        ("Article IV\nOne thing.\nArticle V\nAnother thing.", ["article-iv", "article-v"]),
        ("## Article 1\nOne thing.\n\n## Article 2\nAnother thing.", ["article-1", "article-2"]),
        ("Section 4.1 Prices\nName them.\nSection 4.2 Coins\nTake them.", ["section-4.1", "section-4.2"]),
        (
            "Some words first.\n1. One rule.\n1.1 A part of it.\n2. Two (2024)\n\n2024 was good.",
            ["paragraph-1", "1", "1.1", "2"],
        ),
        ("(1) One rule.\n(2) Two rules.", ["1", "2"]),
        ("(a) One rule.\n(b) Two rules.", ["a", "b"]),
        ("Machines:\n- name prices\n- greet people", ["item-1", "item-2"]),
        ("Machines:\n• name prices\n• greet people", ["item-1", "item-2"]),
        ("A title\n\nThe machine greets.\nIt smiles.\n\nIt never shouts.", ["paragraph-1", "paragraph-2"]),
        ("# Rules\n\n## Prices\n\nThe machine names one.\n\n## Coins\nIt takes them.", ["paragraph-1", "paragraph-2"]),
        ("Article 1\nOne thing.\nArticle 1\nAnother thing.", ["article-1", "article-1-2"]),
        ("One line with a rule and no structure at all.", ["paragraph-1"]),
        ("Chapter I\n\nChapter II", []),
        ("Article 1\r\nOne thing.\r\n\r\nArticle 2\r\nAnother thing.\r\n", ["article-1", "article-2"]),
    ],
)
def test_structure_is_told_by_how_lines_begin(text: str, expected: list[str]) -> None:
    assert ids(text) == expected


def test_long_article_is_cut_at_its_numbers_and_then_at_sentences() -> None:
    numbered = "Article 1\nGeneral\n" + "\n".join(f"{n}. {'The machine hums. ' * 8}" for n in range(1, 7))
    text = f"{numbered}\nArticle 2\nShort."
    found = split(text, 400)
    check(text, found)
    assert [chunk.id for chunk in found] == [*(f"article-1-part-{n}" for n in range(1, len(found))), "article-2"]
    assert all(len(chunk.text) <= 400 for chunk in found)
    assert sum(chunk.text.count("The machine hums.") for chunk in found) == 48, "nothing is lost"
    flowing = "The machine hums. " * 100
    assert all(chunk.text.endswith("hums.") for chunk in split(flowing, 300))
    assert [len(chunk.text) for chunk in split("x" * 700, 300)] == [300, 300, 100]


def test_sentences_have_spans() -> None:
    text = "One thing. Another; a third.\n2. A point\n\n第一。第二！"
    found = [text[start:end] for start, end in sentences(text)]
    assert found == ["One thing.", "Another;", "a third.", "2. A point", "第一。", "第二！"]


def test_many_short_articles_are_split_in_time_that_grows_with_their_number() -> None:
    plain = "\n".join(f"Article {number}\nThe provider shall do thing {number}." for number in range(20_000))
    start = time.perf_counter()
    assert len(split(plain)) == 20_000
    assert time.perf_counter() - start < 2
    start = time.perf_counter()
    found = [chunk.id for chunk in split("\n".join("Article 1\nThe provider shall do it." for _ in range(20_000)))]
    assert time.perf_counter() - start < 2
    assert (found[:3], found[-1], len(set(found))) == (
        ["article-1", "article-1-2", "article-1-3"], "article-1-20000", 20_000,
    )  # fmt: skip
