"""Spreadsheets and Parquet: what is read of them, and what is said of those that are damaged, hostile or something else."""

from __future__ import annotations

import re
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from tocsin.datasets import Row, RowError, binary, read_rows
from tocsin.registry import ExtraMissing

SHEET = "xl/worksheets/sheet1.xml"


def workbook(path: Path, *rows: list[Any], **sheets: list[list[Any]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for title, lines in sheets.items():
        other = book.create_sheet(title)
        for row in lines:
            other.append(row)
    book.save(path)
    return path


def changed(path: Path, part: str, change: Callable[[bytes], bytes]) -> Path:
    """The workbook with one of its parts changed."""
    with zipfile.ZipFile(path) as packed:
        parts = {name: packed.read(name) for name in packed.namelist()}
    parts[part] = change(parts[part])
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return path


def good(path: Path, **options: Any) -> list[Row]:
    found = list(read_rows(path, **options))
    assert all(isinstance(one, Row) for one in found), [str(one) for one in found]
    return [one for one in found if isinstance(one, Row)]


# -- spreadsheets ---------------------------------------------------------------------------------------------------------


def test_rows_of_a_spreadsheet_have_the_names_of_its_header(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["prompt", " hazard "], ["How is tea made?", "heat"], ["And coffee?", None])

    first, second = good(path)

    assert dict(first) == {"prompt": "How is tea made?", "hazard": "heat"}
    assert (first.file, first.line, first.number) == ("a.xlsx", 2, 0)
    assert (second["hazard"], second.line, second.number) == ("", 3, 1)


def test_numbers_in_cells_are_text_as_they_stand(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["id", "share", "flag"], [7, 0.5, True])

    assert dict(good(path)[0]) == {"id": "7", "share": "0.5", "flag": "True"}


def test_only_the_first_of_two_sheets_is_read(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["prompt"], ["first"], notes=[["prompt"], ["of the second"]])

    assert [row["prompt"] for row in good(path)] == ["first"]


def test_without_a_header_an_empty_row_keeps_its_number(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["one"], [None], ["three"])

    found = good(path, header=("prompt",), fields={"language": "bn"})

    assert [(row["prompt"], row["language"], row.number) for row in found] == [("one", "bn", 0), ("three", "bn", 2)]


def test_a_header_that_names_a_column_twice_is_said(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["prompt", "prompt"], ["x", "y"])

    with pytest.raises(RowError, match=r"a\.xlsx, line 1: the header names a column twice"):
        list(read_rows(path))


def test_a_row_wider_than_its_header_is_a_fault_of_that_row_alone(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["prompt"], ["x", "too much"], ["y"])

    fault, row = read_rows(path)

    assert isinstance(fault, RowError)
    assert str(fault) == "a.xlsx, line 2: has 2 fields where the header has 1"
    assert isinstance(row, Row)
    assert (row["prompt"], row.number) == ("y", 1)


def test_a_sheet_that_claims_to_be_smaller_than_it_is_loses_no_row(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ["prompt", "hazard"], ["one", "h"], ["two", "h"])
    changed(path, SHEET, lambda xml: re.sub(rb'<dimension ref="[^"]*"', b'<dimension ref="A1"', xml))

    assert [(row["prompt"], row["hazard"]) for row in good(path)] == [("one", "h"), ("two", "h")]


def test_a_file_that_is_no_zip_is_no_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_text("prompt\nnot packed at all\n", encoding="utf-8")

    with pytest.raises(RowError, match=r"a\.xlsx, line 0: is not an XLSX file, or is damaged \(BadZipFile\)"):
        list(read_rows(path))


def test_a_zip_of_something_else_is_no_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("letter.txt", "Dear reader")

    with pytest.raises(RowError, match="is not an XLSX file"):
        list(read_rows(path))


@pytest.mark.parametrize(
    "change", [lambda xml: xml[: len(xml) // 2], lambda xml: b"", lambda xml: xml.replace(b"<v>", b"<v>&nothing;")]
)
def test_a_sheet_whose_xml_is_damaged_is_said_and_ends_nothing_else(
    change: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = changed(workbook(tmp_path / "a.xlsx", ["prompt"], [1], [2]), SHEET, change)

    with pytest.raises(RowError, match=r"a\.xlsx, line 0: is not an XLSX file, or is damaged"):
        list(read_rows(path))


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "a.xlsx", ["prompt"], ["x"])
    content = bytearray(path.read_bytes())
    entry = content.find(b"PK\x01\x02")  # the first entry of the directory; what it unpacks to stands 24 bytes on
    content[entry + 24 : entry + 28] = (binary.MAX_UNPACKED + 1).to_bytes(4, "little")
    path.write_bytes(content)
    monkeypatch.setattr(openpyxl, "load_workbook", lambda *_, **__: pytest.fail("it was opened"))

    with pytest.raises(RowError, match=rf"a\.xlsx, line 0: unpacks to more than {binary.MAX_UNPACKED} bytes"):
        list(read_rows(path))


def test_an_empty_sheet_holds_no_rows(tmp_path: Path) -> None:
    with pytest.raises(RowError, match="holds no rows"):
        list(read_rows(workbook(tmp_path / "a.xlsx")))


# -- Parquet --------------------------------------------------------------------------------------------------------------


def table(path: Path, columns: dict[str, list[Any]], **options: Any) -> Path:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.table(columns), path, **options)
    return path


def test_rows_of_a_parquet_file_keep_their_types(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", {"prompt": ["x", "y"], "n": [1, None], "flag": [True, False]})

    first, second = good(path)

    assert dict(first) == {"prompt": "x", "n": 1, "flag": True}
    assert dict(second) == {"prompt": "y", "n": None, "flag": False}
    assert (second.line, second.number, second.file) == (2, 1, "a.parquet")


def test_numbers_of_rows_go_on_over_batches(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", {"n": list(range(2500))}, row_group_size=700)

    assert [(row["n"], row.number) for row in good(path)] == [(n, n) for n in range(2500)]


def test_a_file_that_is_no_parquet_is_said(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    path = tmp_path / "a.parquet"
    path.write_text("prompt,label\nx,safe\n", encoding="utf-8")

    with pytest.raises(RowError, match=r"a\.parquet, line 0: is not a Parquet file \(ArrowInvalid\)"):
        list(read_rows(path))


def test_a_parquet_file_that_is_cut_is_said(tmp_path: Path) -> None:
    path = table(tmp_path / "a.parquet", {"n": list(range(2000))})
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(RowError, match=r"a\.parquet, line 0: (is not a Parquet file|cannot be read)"):
        list(read_rows(path))


def test_a_parquet_file_that_says_it_is_too_large_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = table(tmp_path / "a.parquet", {"text": ["a" * 5000] * 100})
    monkeypatch.setattr(binary, "MAX_UNPACKED", 100)

    with pytest.raises(RowError, match=r"a\.parquet, line 0: unpacks to more than 100 bytes"):
        list(read_rows(path))


def test_without_pyarrow_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(
        ExtraMissing, match=r"reading a\.parquet needs the extra 'parquet': pip install 'tocsin\[parquet\]'"
    ):
        list(read_rows(path))


def test_parquet_takes_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    path.write_bytes(b"PAR1")

    with pytest.raises(RowError, match="is no table, and so takes no header"):
        list(read_rows(path, header=("prompt",)))
