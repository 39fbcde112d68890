"""Advice on files that are not UTF-8: one encoding where the bytes decide, the candidates where they do not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tocsin.datasets.encoding import decoded, likely
from tocsin.models.config import ConfigError

MOSTLY_ASCII = "title: Items\nrules:\n  - {id: r1, text: %s, should: [say so]}\n" + "# a line of plain words\n" * 40


@pytest.mark.parametrize(
    ("encoding", "named", "text"),
    [
        ("big5", "Big5", "你好"),
        ("gb18030", "GB18030", "你好"),
        ("gb18030", "GB18030", "说明"),
        ("big5", "Big5", "說明"),
    ],
)
def test_two_characters_do_not_decide_and_the_right_encoding_is_among_the_candidates(
    encoding: str, named: str, text: str
) -> None:
    found = likely((MOSTLY_ASCII % text).encode(encoding))
    assert named in found
    assert len(found) > 1


def test_candidates_are_told_without_a_command_that_would_destroy_the_text(tmp_path: Path) -> None:
    raw = (MOSTLY_ASCII % "你好").encode("big5")
    with pytest.raises(ConfigError) as caught:
        decoded(raw, "a.yaml")
    said = str(caught.value)
    assert "it may be GB18030, Big5 or WINDOWS-1252: look which reads right" in said
    assert "likely" not in said
    assert ">" not in said, "no command writes a file from a guess"
    (tmp_path / "a.yaml").write_bytes(raw)
    command = said.partition("look which reads right with ")[2].partition(", and so on")[0].replace("GB18030", "Big5")
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, check=True)
    assert "你好" in done.stdout.decode()


@pytest.mark.parametrize("text", ["Grüße", "général", "polité.", "a café or two", "“quoted” caf\xe9"])
def test_accents_within_words_and_what_chinese_cannot_be_are_latin(text: str) -> None:
    assert likely(text.encode("cp1252")) == ("WINDOWS-1252",)


def test_enough_chinese_decides_and_utf16_is_known_without_a_mark() -> None:
    assert likely("售货机应当先说价格，这是它的义务。".encode("gb18030")) == ("GB18030",)
    assert likely("販賣機應當先說價格，這是它的義務。".encode("big5")) == ("Big5",)
    assert likely("title: Items".encode("utf-16-le")) == ("UTF-16LE",)
    assert likely("title: Items".encode("utf-16-be")) == ("UTF-16BE",)
    for text in ("第一條 提供者應當標識生成內容。", "售货机应当先说价格，这是它的义务。"):
        assert likely(text.encode("utf-16-le")) == ("UTF-16LE",)
        assert likely(text.encode("utf-16-be")) == ("UTF-16BE",)


def test_bytes_for_which_nothing_speaks_are_named_as_nothing() -> None:
    assert likely(b"\0\xff\xfe some words that are long enough to be mostly no zero") == ()
