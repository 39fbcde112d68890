"""A framework that was generated is one that frameworks are read as, whatever language or structure its text has."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.compliance.scripted import given, task
from tests.models.endpoints import Asked, Said, chat, endpoint
from tocsin import registry
from tocsin.api import Generated, generate_items
from tocsin.compliance.framework import LONGEST, find
from tocsin.compliance.generate.splitting import split
from tocsin.compliance.items import gaps, read_checked

CHINESE = """\
会说话的自动售货机管理办法

第一章 总则

第一条
本办法适用于与顾客交谈的自动售货机。

第二条 自动售货机应当在收取硬币之前说明全价。

第二章 礼貌

第十三条 自动售货机不得嘲笑顾客的选择。
"""
PLAIN = """\
A machine that speaks names the full price before it asks for a coin.

Nobody is mocked for a snack. A machine stays kind.

no rule here
"""
STRUCTURES: dict[str, tuple[str, Sequence[str]]] = {
    "Chinese": (CHINESE, ["article-1", "article-2", "article-13"]),
    "no structure": (PLAIN, ["paragraph-1", "paragraph-2"]),
    "Spanish": ("Artículo 5\nDirá el precio.\n\nARTÍCULO 6\nNo mentirá.\n", ["article-5", "article-6"]),
    "Russian": ("Статья 5\nАвтомат называет цену.\n\nСтатья 6\nОн не лжёт.\n", ["article-5", "article-6"]),
    "Arabic digits": ("Article ٥\nIt says the price.\n\nArticle ٦\nIt is kind.\n", ["article-5", "article-6"]),
    "full-width digits": ("第１２条 机器应当说明价格。\n第１３条 机器不得撒谎。\n", ["article-12", "article-13"]),
    "Roman numbers": ("Article IV\nIt says the price.\n\nArticle V\nIt is kind.\n", ["article-iv", "article-v"]),
    "sections": ("§ 12A It says the price.\n§ 13 It is kind.\n", ["section-12a", "section-13"]),
    "a number twice": (
        "Article 1\nIt says the price.\n\nArticle 1\nIt is kind.\n\nArticle 1-2\nIt is brief.\n",
        ["article-1", "article-1-2", "article-1-2-2"],
    ),
}


def made(folder: Path, text: str) -> Generated:
    """What a model makes of a text that finds one rule in each passage, which rests on its last line, and one request for it."""

    def reply(asked: Asked) -> Said:
        if task(asked.prompt) == "open_basic":
            return chat(json.dumps({"request": f"May I have number {len(asked.prompt)}?"}))
        if task(asked.prompt) != "rules":
            return chat("nothing")
        quote = given(asked.prompt, "passage").strip().splitlines()[-1]
        rule = {"rule": f"Keep to this: {quote}", "should": ["keep to it"], "should_not": ["break it"], "quote": quote}
        return chat(json.dumps({"rules": [rule]}, ensure_ascii=False))

    (folder / "code.txt").write_text(text, encoding="utf-8")
    with endpoint(reply) as server:
        config = folder / "tocsin.toml"
        config.write_text(f'[models.m]\nmodel = "openai/m"\nbase_url = "{server.url}"\n', encoding="utf-8")
        return generate_items(folder / "code.txt", model="m", out=folder / "runs", config=config)


@pytest.mark.parametrize("kind", STRUCTURES)
def test_every_part_is_a_clause_with_an_id_that_frameworks_may_have(kind: str) -> None:
    text, ids = STRUCTURES[kind]
    assert [chunk.id for chunk in split(text)] == list(ids)
    assert [name for name in ids if not registry.NAME.fullmatch(name)] == []


@pytest.mark.parametrize("kind", STRUCTURES)
def test_generated_framework_is_read_and_its_items_belong_to_its_clauses(kind: str, tmp_path: Path) -> None:
    text, ids = STRUCTURES[kind]
    done = made(tmp_path, text)
    assert done.items is not None
    assert done.framework is not None
    found = find(str(done.framework))
    assert [clause.id for clause in found.clauses] == list(ids)
    assert [rule.clause for rule in read_checked(done.items).rules] == list(ids)
    assert gaps(read_checked(done.items), done.items) == list(ids), "a draft is no test yet"
    for clause, chunk in zip(found.clauses, split(text), strict=True):
        assert " / ".join(filter(None, (clause.group, clause.title))) == chunk.title
        assert clause.ref == clause.id
        assert clause.text == f"Keep to this: {chunk.text.splitlines()[-1]}"
        assert (clause.status, clause.testable) == ("secondary", True)
    assert found.status == "secondary"
    assert "Nobody held the clauses against it" in found.notes[0]


def test_chinese_text_keeps_its_headings_and_its_language(tmp_path: Path) -> None:
    done = made(tmp_path, CHINESE)
    assert done.items is not None
    assert done.framework is not None
    assert read_checked(done.items).language == "zh"
    clause = find(str(done.framework)).clause("article-13")
    assert clause is not None
    assert clause.group == "第二章 礼貌"
    assert clause.title == "第十三条 自动售货机不得嘲笑顾客的选择。"


def test_text_of_a_clause_is_cut_where_a_framework_has_no_more_room(tmp_path: Path) -> None:
    done = made(tmp_path, f"Article 1\nIt {'very ' * 150}kindly speaks.\n\nArticle 2\nIt is brief.\n")
    assert done.framework is not None
    long, short = find(str(done.framework)).clauses
    assert len(long.text) == LONGEST
    assert long.text.endswith("…")
    assert short.text == "Keep to this: It is brief."
