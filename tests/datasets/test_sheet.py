"""Tables that people fill in: what a spreadsheet makes of them is read, and what it would execute is not written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tocsin.datasets import RowError
from tocsin.datasets.sheet import quoted, read_sheet, sheet_text, unquoted

CHINESE = {
    "gb18030": "这是一个关于我们如何泡茶的说明，不要在家里试。",
    "big5": "這是一個關於我們如何泡茶的說明，不要在家裡試。",
}


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "'=1", "''+1", "plain", "'quoted'", "", "it's", "＝1", "\u200b=1"],
)
def test_what_is_written_is_no_formula_and_comes_back_as_it_was(text: str, tmp_path: Path) -> None:
    assert not str(quoted(text)).lstrip().startswith(("=", "+", "-", "@", "＝"))
    assert unquoted(str(quoted(text))) == text
    path = tmp_path / "a.csv"
    path.write_text(sheet_text(("a", "b"), [{"a": text, "b": "x"}]), encoding="utf-8", newline="")
    ((row),) = read_sheet(path, ("a", "b"))
    assert row["a"] == text


def test_the_mark_of_utf_8_stands_first(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(sheet_text(("a",), [{"a": "茶"}]), encoding="utf-8")
    assert path.read_bytes().startswith(b"\xef\xbb\xbfa\n")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_separators_and_line_ends_of_spreadsheets_are_read(delimiter: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = (("a", "b"), ('"one\ntwo"', "x"), ("", ""), ("three", "y"))
    path.write_bytes(ending.join(delimiter.join(row) for row in rows).encode("utf-8-sig"))
    first, second = read_sheet(path, ("a", "b"))
    assert (dict(first), first.line) == ({"a": "one\ntwo", "b": "x"}, 2)
    assert (dict(second), second.line) == ({"a": "three", "b": "y"}, 4)


@pytest.mark.parametrize(("encoding", "name"), [("gb18030", "GB18030"), ("big5", "Big5"), ("utf-16", "UTF-16")])
def test_other_encodings_are_named_with_how_to_convert_them(encoding: str, name: str, tmp_path: Path) -> None:
    text = CHINESE["big5" if encoding == "big5" else "gb18030"]
    path = tmp_path / "a.csv"
    path.write_bytes(f"a,b\nplain,x\n{text},y\n".encode(encoding))
    with pytest.raises(
        RowError, match=rf"a\.csv, line \d: is not UTF-8 but, as it seems, {name}: .*iconv -f {name} -t"
    ):
        list(read_sheet(path, ("a", "b")))


def test_utf_16_without_a_mark_is_named_too(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a,b\nplain,x\n".encode("utf-16-le"))
    with pytest.raises(RowError, match="UTF-16"):
        list(read_sheet(path, ("a", "b")))


def test_western_text_is_taken_for_what_western_spreadsheets_write(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("a,b\nCrème,x\n".encode("latin-1"))
    with pytest.raises(RowError, match="line 2: is not UTF-8 but, as it seems, WINDOWS-1252: save it as 'CSV UTF-8'"):
        list(read_sheet(path, ("a", "b")))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("a\n1\n", "line 1: lacks the column 'b'; it needs a, b"),
        ("a,b,a\n1,2,3\n", "names a column twice"),
        ("a,b\n1\n", "line 2: has 1 fields where the header has 2"),
        ('a,b\n1,"2\n', "line 2: is no CSV"),
    ],
)
def test_what_is_no_table_is_said_with_its_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RowError, match=said):
        list(read_sheet(path, ("a", "b")))
