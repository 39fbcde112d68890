"""Files to rows: what other readers get wrong, and how a bad row is named."""

from __future__ import annotations

import csv
import gzip
import json
import lzma
from pathlib import Path

import pytest

from tocsin.datasets import Row, RowError, read_rows


def rows_of(path: Path) -> list[Row]:
    found = list(read_rows(path))
    assert all(isinstance(row, Row) for row in found), [str(row) for row in found if isinstance(row, RowError)]
    return [row for row in found if isinstance(row, Row)]


def written(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_line_separators_inside_a_json_string_do_not_end_the_row(tmp_path: Path) -> None:
    prompts = ["one\u2028two", "one\u2029two", "one\x85two", "one\x0btwo", "one\x0ctwo", "one\x1ctwo", "plain"]
    lines = [json.dumps({"prompt": prompt}, ensure_ascii=False) for prompt in prompts[:3]]
    lines += [json.dumps({"prompt": prompt}) for prompt in prompts[3:]]
    path = written(tmp_path / "a.jsonl", "\n".join(lines) + "\n")
    rows = rows_of(path)
    assert [row["prompt"] for row in rows] == prompts
    assert [row.line for row in rows] == list(range(1, 8))
    assert [row.number for row in rows] == list(range(7))


@pytest.mark.parametrize(
    "name", ["a.jsonl", "a.ndjson", "a.json", "a.csv", "a.tsv", "a.jsonl.gz", "a.csv.gz", "a.jsonl.xz", "a.json.xz"]
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_every_format_is_read_with_or_without_a_byte_order_mark(tmp_path: Path, name: str, mark: bytes) -> None:
    bare = name.removesuffix(".gz").removesuffix(".xz")
    content = {
        "a.jsonl": '{"prompt": "Grüße, 世界", "id": "1"}\n',
        "a.ndjson": '{"prompt": "Grüße, 世界", "id": "1"}\n',
        "a.json": '[{"prompt": "Grüße, 世界", "id": "1"}]',
        "a.csv": 'prompt,id\n"Grüße, 世界",1\n',
        "a.tsv": "prompt\tid\nGrüße, 世界\t1\n",
    }[bare]
    data = mark + content.encode()
    pack = {".gz": gzip.compress, ".xz": lzma.compress}.get(name[-3:], bytes)
    path = written(tmp_path / name, pack(data))
    (row,) = rows_of(path)
    assert dict(row) == {"prompt": "Grüße, 世界", "id": "1"}
    assert row.file == name


def test_last_line_needs_no_line_feed_and_blank_lines_are_no_rows(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", '\n{"a": 1}\n   \n\r\n{"a": 2}')
    assert [(row["a"], row.line, row.number) for row in rows_of(path)] == [(1, 2, 0), (2, 5, 1)]


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("suffix", [".csv", ".tsv"])
def test_quoted_line_feeds_keep_the_line_numbers(tmp_path: Path, ending: str, suffix: str) -> None:
    mark = "," if suffix == ".csv" else "\t"
    lines = [f"prompt{mark}id", f'"first', "goes", f'on"{mark}1', f"second{mark}2", "", f'"third ""quoted"""{mark}3']  # noqa: F541
    path = written(tmp_path / f"a{suffix}", ending.join(lines) + ending)
    rows = rows_of(path)
    assert [row["prompt"] for row in rows] == [f"first{ending}goes{ending}on", "second", 'third "quoted"']
    assert [row.line for row in rows] == [2, 5, 7]


def test_csv_fields_may_hold_separators_of_other_kinds(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "prompt,id\none\u2028two\x85three\x0bfour,1\n")
    (row,) = rows_of(path)
    assert row["prompt"] == "one\u2028two\x85three\x0bfour"


def test_long_field_is_one_field(tmp_path: Path) -> None:
    long = "word " * 60_000
    path = written(tmp_path / "a.csv", f"prompt,id\n{long},1\n")
    assert rows_of(path)[0]["prompt"] == long
    assert csv.field_size_limit() >= len(long)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{not json}", "is not JSON"),
        ('["a", "list"]', "is not a JSON object"),
        ('"a string"', "is not a JSON object"),
        ("null", "is not a JSON object"),
        ('{"a": 1} trailing', "is not JSON"),
        ("[" * 200_000, "is not JSON"),
        ('{"a": ' * 100_000, "is not JSON"),
        ('{"a": ' + "9" * 10_000 + "}", "is not JSON"),
    ],
    ids=["not json", "list", "string", "null", "trailing", "deep lists", "deep objects", "endless number"],
)
def test_bad_json_line_is_named_and_costs_no_other(tmp_path: Path, line: str, problem: str) -> None:
    path = written(tmp_path / "a.jsonl", f'{{"a": "before"}}\n{line}\n{{"a": "after"}}\n')
    first, bad, last = read_rows(path)
    assert isinstance(first, Row)
    assert isinstance(last, Row)
    assert (first["a"], last["a"], last.line) == ("before", "after", 3)
    assert isinstance(bad, RowError)
    assert str(bad).startswith(f"a.jsonl, line 2: {problem}")
    assert len(str(bad)) < 200


def test_bad_element_of_a_json_array_is_named_and_costs_no_other(tmp_path: Path) -> None:
    path = written(tmp_path / "a.json", '[{"a": 1}, "two", {"a": 3}]')
    first, bad, last = read_rows(path)
    assert [isinstance(row, Row) for row in (first, bad, last)] == [True, False, True]
    assert str(bad) == "a.json, line 2: is not a JSON object"


def test_row_with_another_number_of_fields_is_named_and_costs_no_other(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'prompt,id\nfine,1\n"two\nlines",2,extra\nshort\nfine too,4\n')
    found = list(read_rows(path))
    assert [str(row) for row in found if isinstance(row, RowError)] == [
        "a.csv, line 3: has 3 fields where the header has 2",
        "a.csv, line 5: has 1 fields where the header has 2",
    ]
    assert [(row["id"], row.line) for row in found if isinstance(row, Row)] == [("1", 2), ("4", 6)]


def test_stray_quotes_are_named_by_the_line_on_which_their_row_begins(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", 'prompt,id\nfine,1\n"over\ntwo" lines,2\nfine too,3\n"never closed,4\nlost,5\n')
    found = list(read_rows(path))
    bad = [row for row in found if isinstance(row, RowError)]
    assert [(row.file, row.line) for row in bad] == [("a.csv", 3), ("a.csv", 6)]
    assert all("is not CSV" in str(row) for row in bad)
    assert [(row["id"], row.line) for row in found if isinstance(row, Row)] == [("1", 2), ("3", 5)]


def test_header_that_cannot_be_read_is_never_replaced_by_a_row(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", '"prompt"s,id\nfine,1\n')
    with pytest.raises(RowError, match=r"a\.csv, line 1: is not CSV"):
        list(read_rows(path))


def test_column_named_twice_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "prompt,id, prompt\na,1,b\n")
    with pytest.raises(RowError, match=r"a\.csv, line 1: the header names a column twice"):
        list(read_rows(path))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", ""),
        ("a.jsonl", "\n \n"),
        ("a.json", "[]"),
        ("a.csv", ""),
        ("a.csv", "prompt,id\n"),
        ("a.csv", "\n,\n"),
    ],
)
def test_file_without_rows_is_refused(tmp_path: Path, name: str, content: str) -> None:
    with pytest.raises(RowError, match=r"holds no rows"):
        list(read_rows(written(tmp_path / name, content)))


def test_format_is_told_by_the_ending_and_those_known_are_listed(tmp_path: Path) -> None:
    with pytest.raises(
        RowError,
        match=r"a\.docx, line 0: is of no known format \(\.jsonl, .*\.tsv, .*\.yml, each also \.gz or \.xz; \.xlsx, \.parquet\)",
    ):
        list(read_rows(written(tmp_path / "a.docx", "x")))


def test_json_that_is_no_array_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(RowError, match=r"a\.json, line 1: is not a JSON array of objects"):
        list(read_rows(written(tmp_path / "a.json", '{"a": 1}')))
    with pytest.raises(RowError, match=r"a\.json, line 2: is not JSON"):
        list(read_rows(written(tmp_path / "a.json", '[{"a": 1},\n{"a": }]')))
    with pytest.raises(RowError, match=r"a\.json, line \d: is not JSON"):
        list(read_rows(written(tmp_path / "a.json", "[" * 100_000)))


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz"])
def test_text_of_another_encoding_is_named_by_its_line(tmp_path: Path, name: str) -> None:
    plain = name.startswith("a.jsonl")
    good = b'{"a": "fine"}\n' if plain else b"fine\n"
    bad = '{"a": "Grüße"}\n'.encode("latin-1") if plain else "Grüße\n".encode("latin-1")
    data = (b"" if plain else b"a\n") + good * 5_000 + bad
    path = written(tmp_path / name, gzip.compress(data) if name.endswith(".gz") else data)
    line = 5_001 if plain else 5_002
    with pytest.raises(
        RowError, match=rf"{name}, line {line}: is not UTF-8; it is likely WINDOWS-1252: convert it with iconv"
    ):
        list(read_rows(path))


def test_damaged_gzip_is_refused_by_name(tmp_path: Path) -> None:
    whole = gzip.compress(json.dumps({"a": "fine " * 5_000}).encode() * 3, mtime=0)
    for number, data in enumerate([b"no gzip at all", whole[:-20], whole[:10] + b"\xff" * 20 + whole[30:]]):
        path = written(tmp_path / f"a{number}.jsonl.gz", data)
        with pytest.raises(RowError, match=rf"a{number}\.jsonl\.gz, line 0: cannot be read"):
            list(read_rows(path))


def test_file_that_cannot_be_opened_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").mkdir()
    for name in ("a.jsonl", "absent.jsonl"):
        with pytest.raises(RowError, match=rf"{name}, line 0: cannot be read"):
            list(read_rows(tmp_path / name))


def test_missing_field_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = written(tmp_path / "a.csv", "Prompt,id\nhello,1\n")
    (row,) = rows_of(path)
    with pytest.raises(RowError, match=r"^a\.csv, line 2: has no field 'prompt' \(there are: Prompt, id\)$"):
        row["prompt"]
    assert row.get("prompt") is None
    assert row.get("prompt", "x") == "x"
    assert "prompt" not in row
    assert "id" in row
    assert list(row) == ["Prompt", "id"]
    assert len(row) == 2


def test_file_without_header_does_not_have_its_text_quoted(tmp_path: Path) -> None:
    """The first row stands where the header should, and an error about a column must not print it."""
    text = "Please write a long letter to my landlord about the broken heating in the flat"
    path = written(tmp_path / "a.csv", f"{text}\nAnother sentence\n")
    (row,) = rows_of(path)
    with pytest.raises(RowError, match=r"has no field 'prompt'") as told:
        row.text("prompt")
    assert text[:60] not in str(told.value)


@pytest.mark.parametrize("value", ['""', '"  \\n\\u3000"', "null", "5", '["a"]', "{}", "true"])
def test_field_that_must_hold_text_and_does_not_is_named(tmp_path: Path, value: str) -> None:
    (row,) = rows_of(written(tmp_path / "a.jsonl", f'{{"prompt": {value}}}'))
    with pytest.raises(RowError, match=r"^a\.jsonl, line 1: field 'prompt' holds no text$"):
        row.text("prompt")


def test_field_of_a_few_words_names_those_allowed(tmp_path: Path) -> None:
    first, second, third = rows_of(written(tmp_path / "a.jsonl", '{"a": "yes"}\n{"a": "maybe"}\n{"a": ["yes"]}'))
    assert first.one_of("a", ("yes", "no")) == "yes"
    for row in (second, third):
        with pytest.raises(RowError, match=r"field 'a' is none of yes, no"):
            row.one_of("a", ("yes", "no"))
        with pytest.raises(RowError, match=r"has no field 'b'"):
            row.one_of("b", ("yes", "no"))


def test_lone_surrogates_never_leave_the_reader(tmp_path: Path) -> None:
    """They are valid JSON and no valid text: neither SQLite nor a request body can hold them."""
    line = '{"a\\ud800": "x\\udc00y", "list": ["\\ud83d"], "in": {"\\udfff": "\\ud800"}, "good": "\\ud83d\\ude00"}'
    for name, content in (("a.jsonl", line), ("a.json", f"[{line}]")):
        (row,) = rows_of(written(tmp_path / name, content))
        json.dumps(dict(row), ensure_ascii=False).encode("utf-8")
        assert row["good"] == "😀"
        assert row["list"] == ["?"]
        assert row.text("a?") == "x?y"


def test_id_of_a_row_is_the_same_in_every_copy(tmp_path: Path) -> None:
    one, two = rows_of(written(tmp_path / "a.jsonl", '{"a": "x"}\n{"a": "x"}'))
    (other,) = rows_of(written(tmp_path / "b.json", '[{"a": "x"}]'))
    assert one.id_of("x", "en") == two.id_of("x", "en") == other.id_of("x", "en")
    assert len({one.id_of("x", "en"), one.id_of("xe", "n"), one.id_of("x"), one.id_of("\ud800")}) == 4


def test_packed_file_that_is_cut_or_no_such_file_is_named(tmp_path: Path) -> None:
    packed = lzma.compress(b'{"a": 1}\n' * 1000)
    for content in (packed[: len(packed) // 2], b"no xz at all"):
        with pytest.raises(RowError, match=r"a\.jsonl\.xz, line 0: cannot be read \("):
            list(read_rows(written(tmp_path / "a.jsonl.xz", content)))


def test_table_without_a_header_takes_the_names_given(tmp_path: Path) -> None:
    path = written(tmp_path / "a.tsv", "one\t1\ntwo\t2\t3\n")
    first, second = read_rows(path, header=("prompt", "id"))
    assert isinstance(first, Row)
    assert (dict(first), first.line, first.number) == ({"prompt": "one", "id": "1"}, 1, 0)
    assert str(second) == "a.tsv, line 2: has 3 fields where the header has 2"
    with pytest.raises(RowError, match=r"a\.jsonl, line 0: is no table, and so takes no header"):
        list(read_rows(written(tmp_path / "a.jsonl", '{"a": 1}'), header=("a",)))
