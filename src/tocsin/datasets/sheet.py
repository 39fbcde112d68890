"""Tables that people fill in with a spreadsheet: written so that none of it is executed, read from whatever was saved."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from tocsin.datasets.encoding import converting, likely
from tocsin.datasets.rows import MAX_FIELD, Row, RowError

_DELIMITERS = ",;\t"


def quoted(value: object) -> object:
    """A text that no spreadsheet takes for a formula, whatever stands invisibly before its sign: output is hostile.

    Null characters, which no spreadsheet keeps, are left out.
    """
    if not isinstance(value, str):
        return value
    text = value.replace("\0", "")
    return f"'{text}" if _formula(text.lstrip("'")) else text


def unquoted(text: str) -> str:
    """The text that `quoted` was given."""
    return text[1:] if text.startswith("'") and _formula(text.lstrip("'")) else text


def _formula(text: str) -> bool:
    seen = unicodedata.normalize("NFKC", text).lstrip().lstrip("\u200b\ufeff\u2060").lstrip()
    return seen.startswith(("=", "+", "-", "@")) or text.startswith(("\t", "\r"))


def sheet_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """A CSV with the mark that tells spreadsheets it is UTF-8."""
    told = io.StringIO()
    told.write("\ufeff")
    writer = csv.DictWriter(told, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: quoted(value) for name, value in row.items()} for row in rows)
    return told.getvalue()


def read_sheet(path: Path, needed: Sequence[str]) -> Iterator[Row]:
    """The rows of a sheet as a spreadsheet saved it: commas, semicolons or tabs between its fields.

    Their lines are counted as the spreadsheet shows them: a text of several lines is in one.

    Args:
        path: The file.
        needed: Columns it must have.

    Raises:
        RowError: It cannot be read, is not UTF-8 (the message says what it seems to be, and how to convert it), is no table, or
            lacks a column.
    """
    name = path.name
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RowError(name, 0, f"cannot be read ({error.strerror})") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RowError(name, line, _mend(path, likely(raw))) from error
    if "\0" in text:
        raise RowError(name, 1, _mend(path, likely(raw)))
    head = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=head.count)
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header: list[str] | None = None
    number = line = 0
    try:
        for line, fields in enumerate(reader, 1):
            if not any(fields):
                continue
            if header is None:
                header = _header(name, [field.strip() for field in fields], needed)
            elif len(fields) != len(header):
                raise RowError(name, line, f"has {len(fields)} fields where the header has {len(header)}")
            else:
                cells = {key: unquoted(value) for key, value in zip(header, fields, strict=True)}
                yield Row(cells, name, line, number)
                number += 1
    except csv.Error as error:
        raise RowError(name, line + 1, f"is no CSV ({error})") from error
    if header is None:
        raise RowError(name, 1, "is empty")


def _header(name: str, found: list[str], needed: Sequence[str]) -> list[str]:
    if lacking := [column for column in needed if column not in found]:
        raise RowError(name, 1, f"lacks the column {lacking[0]!r}; it needs {', '.join(needed)}")
    if len(set(found)) != len(found):
        raise RowError(name, 1, "the header names a column twice")
    return found


def _mend(path: Path, encodings: tuple[str, ...]) -> str:
    if not encodings:
        return "is not UTF-8: save it as 'CSV UTF-8' in your spreadsheet"
    if len(encodings) > 1:
        return f"is not UTF-8: save it as 'CSV UTF-8' in your spreadsheet{converting(encodings, path.name)}"
    (encoding,) = encodings
    return (
        f"is not UTF-8 but, as it seems, {encoding}: save it as 'CSV UTF-8' in your spreadsheet, or convert it with"
        f" iconv -f {encoding} -t UTF-8 {path.name} > {path.stem}-utf8.csv"
    )
