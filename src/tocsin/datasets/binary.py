"""Rows of files that are no text: spreadsheets and Parquet. Hostile input like any other, so sizes are bounded before
anything is unpacked.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

from tocsin.datasets.rows import Row, RowError
from tocsin.registry import ExtraMissing

MAX_UNPACKED = 512 * 2**20
"""Bytes that a file may unpack to, by what it says of itself."""


def sheet(path: Path, name: str, header: tuple[str, ...]) -> Iterator[Row | RowError]:
    """The rows of the first sheet of an XLSX file. Cells are text; a number is written as it is shown without a format.

    Args:
        path: The file.
        name: What its rows call it.
        header: The columns' names, where its first row does not hold them.

    Raises:
        RowError: It is no XLSX file, or unpacks to more than `MAX_UNPACKED` bytes.
    """
    names, number = list(header), 0
    for line, texts in enumerate(_cells(path, name), 1):
        if not any(text.strip() for text in texts):
            number += bool(header)
        elif not names:
            names = [text.strip() for text in texts]
            while not names[-1]:
                names.pop()
            if len(set(names)) != len(names):
                raise RowError(name, line, "the header names a column twice")
        else:
            texts += [""] * (len(names) - len(texts))
            if any(text.strip() for text in texts[len(names) :]):
                yield RowError(name, line, f"has {len(texts)} fields where the header has {len(names)}")
            else:
                yield Row(dict(zip(names, texts, strict=False)), name, line, number)
            number += 1


def _cells(path: Path, name: str) -> Iterator[list[str]]:
    """The cells of each line of the first sheet, as text."""
    import openpyxl  # it takes a tenth of a second

    try:
        with zipfile.ZipFile(path) as packed:
            if sum(member.file_size for member in packed.infolist()) > MAX_UNPACKED:
                raise RowError(name, 0, f"unpacks to more than {MAX_UNPACKED} bytes")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        try:
            for first in book.worksheets[:1]:
                first.reset_dimensions()  # a size that the file claims and does not have would cut its rows off
                for cells in first.iter_rows(values_only=True):
                    yield ["" if cell is None else str(cell) for cell in cells]
        finally:
            book.close()
    except RowError:
        raise
    except Exception as error:  # openpyxl raises whatever it stumbles over in a file that is damaged
        raise RowError(name, 0, f"is not an XLSX file, or is damaged ({type(error).__name__})") from error


def parquet(path: Path, name: str) -> Iterator[Row | RowError]:
    """The rows of a Parquet file, a batch at a time.

    Raises:
        ExtraMissing: There is no pyarrow.
        RowError: It is no Parquet file, or unpacks to more than `MAX_UNPACKED` bytes.
    """
    try:
        import pyarrow
        from pyarrow import parquet as reader
    except ImportError:
        raise ExtraMissing(f"reading {name}", "parquet") from None
    try:
        number = 0
        with reader.ParquetFile(path) as table:
            groups = range(table.metadata.num_row_groups)
            if sum(table.metadata.row_group(group).total_byte_size for group in groups) > MAX_UNPACKED:
                raise RowError(name, 0, f"unpacks to more than {MAX_UNPACKED} bytes")
            for batch in table.iter_batches(batch_size=100):
                for values in batch.to_pylist():
                    yield Row(values, name, number + 1, number)
                    number += 1
    except pyarrow.ArrowException as error:
        raise RowError(name, 0, f"is not a Parquet file ({type(error).__name__})") from error
