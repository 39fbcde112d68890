"""Files to rows, each of which knows where it came from. A row that cannot be read is named and does not end the file."""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import zlib
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tocsin.languages import UnknownLanguage, canonical
from tocsin.types import Image

if TYPE_CHECKING:
    from tocsin.datasets.pictures import Gallery

TEXTS = (".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".yaml", ".yml")
BINARIES = (".xlsx", ".parquet")
FORMATS = (*TEXTS, *BINARIES)
TABLES = (".csv", ".tsv", ".xlsx")
MAX_FIELD = 16 * 2**20
_MAX_NAME = 40
_MAX_CODE = 20


class RowError(ValueError):
    """A row, or a field of it, is not what it should be. The message names file, line and field."""

    def __init__(self, file: str, line: int, problem: str) -> None:
        super().__init__(f"{file}, line {line}: {problem}")
        self.file, self.line, self.problem = file, line, problem


class Row(Mapping[str, Any]):
    """One row of a file. A field that is missing raises `RowError`, which names it.

    Attributes:
        file: Name of the file.
        line: Line on which the row begins, from 1; for a JSON array the number of the element.
        number: Number of the row in its file, from 0.
        gallery: Where the images are that it names; None where that is not known.
    """

    __slots__ = ("_data", "file", "gallery", "line", "number")

    def __init__(self, data: Mapping[str, Any], file: str, line: int, number: int) -> None:
        self._data, self.file, self.line, self.number = data, file, line, number
        self.gallery: Gallery | None = None

    def __getitem__(self, field: str) -> Any:
        try:
            return self._data[field]
        except KeyError:
            raise self.error(f"has no field {field!r} (there are: {_quotable(self._data)})") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._data)

    def __len__(self) -> int:
        return len(self._data)

    def __contains__(self, field: object) -> bool:
        return field in self._data

    def get(self, field: str, default: Any = None) -> Any:
        """The field, or the default if it is missing."""
        return self._data.get(field, default)

    def text(self, field: str) -> str:
        """A field that must hold text other than white space.

        Raises:
            RowError: It is missing, empty or not text.
        """
        value = self[field]
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"field {field!r} holds no text")
        return value if value.isascii() else value.encode("utf-8", "replace").decode()

    def one_of(self, field: str, allowed: tuple[str, ...]) -> str:
        """A field that must hold one of a few words.

        Raises:
            RowError: It holds another; the message lists those allowed.
        """
        value = self[field]
        if value not in allowed:
            raise self.error(f"field {field!r} is none of {', '.join(allowed)}")
        return str(value)

    def number_or_text(self, field: str) -> str:
        """A field that must hold a whole number or text, such as an id: as text.

        Raises:
            RowError: It is missing, empty or of another type.
        """
        value = self[field]
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, str) or not value.strip():
            raise self.error(f"field {field!r} is neither a whole number nor text")
        return self.text(field)

    def language(self, field: str, code: str) -> str:
        """The BCP 47 code that a field holds, in the one way in which it is written.

        Args:
            field: The field that said it, for errors.
            code: What it said.

        Raises:
            RowError: It is the code of no known language; the message names the nearest.
        """
        try:
            return canonical(code)
        except UnknownLanguage as error:
            # Where the columns are out of step this is the text of a row, which an error must not quote.
            fault = str(error) if len(code) <= _MAX_CODE else "no BCP 47 code, such as 'en' or 'zh-Hans'"
            raise self.error(f"field {field!r}: {fault}") from None

    def id_of(self, *parts: str) -> str:
        """An id from what the row says, for data without ids: the same in every copy, whatever rows were left out."""
        return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:12]

    def images(self, *names: str) -> tuple[Image, ...]:
        """The images of these names, unread; none at all if the user's copy of the data lacks one of them, and then the row is to
        be left out: a copy is taken at its word. See `tocsin.datasets.pictures`.

        Raises:
            RowError: A name leads out of the data's folder.
        """
        if self.gallery is None:
            raise self.error("names an image, and nobody knows where its images are")
        found: list[Image] = []
        for name in names:
            try:
                image = self.gallery.image(name)
            except (ValueError, OSError) as error:
                raise self.error(f"its image {error}") from error
            if image is None:
                self.gallery.left.add(self.line)
                return ()
            found.append(image)
        return tuple(found)

    def image(self, field: str) -> Image:
        """An image that stands in the row itself: bytes, or a mapping that has them under ``bytes``, as in Parquet.

        Raises:
            RowError: It is missing, or is no image of that kind.
        """
        value = self[field]
        data = value.get("bytes") if isinstance(value, Mapping) else value
        if not isinstance(data, bytes) or not data:
            raise self.error(f"field {field!r} holds no image")
        return Image(data=data)

    def error(self, problem: str) -> RowError:
        """An error about this row."""
        return RowError(self.file, self.line, problem)


def _quotable(names: Mapping[str, Any]) -> str:
    """Names of columns as an error may print them.

    A file without a header has its first row where they should be. So a name that is as long as a sentence is left
    out, and the filter has its word.
    """
    from tocsin.engine import withheld  # only on this way: it takes time to import

    there = ", ".join(name if len(name) <= _MAX_NAME else "…" for name in map(str, names))
    return "…" if withheld(there) else there[:200]


def read_rows(
    path: Path,
    *,
    header: tuple[str, ...] = (),
    fields: Mapping[str, str] | None = None,
    name: str = "",
    keyed: str = "",
) -> Iterator[Row | RowError]:
    """The rows of a file, by its ending: JSON lines, a JSON array, CSV, TSV or the first sheet of an XLSX file with a
    header, YAML, or Parquet (extra ``parquet``); gzip or xz on top of those that are text.

    The rows of a YAML file are a list of mappings, or what stands under ``items`` in a mapping (a set of compliance items).
    JSON lines are split at line feeds only, since a string may hold other line separators. UTF-8, with or without mark.

    Args:
        path: The file.
        header: The columns' names, where it is a table that does not begin with them. Empty rows then keep their number, so
            that the rows of two such files that belong together have the same one.
        fields: What each row says beyond its columns.
        name: What rows and errors call the file; its own name if empty.
        keyed: Of a JSON object of rows, or of lists of rows: the field that gets the name each row stands under. What is neither
            is passed over.

    Raises:
        RowError: The file as a whole cannot be read (encoding, format, no rows at all).
    """
    name = name or path.name
    bare = path.name.removesuffix(".gz").removesuffix(".xz")
    ending = Path(bare).suffix.lower()
    if ending not in FORMATS:
        raise RowError(
            name, 0, f"is of no known format ({', '.join(TEXTS)}, each also .gz or .xz; {', '.join(BINARIES)})"
        )
    if header and ending not in TABLES:
        raise RowError(name, 0, "is no table, and so takes no header: its rows name their fields")
    empty = True
    try:
        for row in _rows(path, name, ending, header, keyed):
            empty = False
            yield Row({**row, **fields}, row.file, row.line, row.number) if fields and isinstance(row, Row) else row
    except UnicodeDecodeError as error:
        raise _other_encoding(path, name) from error
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise RowError(name, 0, f"cannot be read ({error})") from error
    if empty:
        raise RowError(name, 0, "holds no rows")


def _rows(path: Path, name: str, ending: str, header: tuple[str, ...], keyed: str) -> Iterator[Row | RowError]:
    if ending in BINARIES:
        from tocsin.datasets import binary  # they bring libraries of their own

        yield from binary.sheet(path, name, header) if ending == ".xlsx" else binary.parquet(path, name)
        return
    raw = opened(path)
    with raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="\n" if ending != ".csv" else "") as text:
        yield from _parsed(text, name, ending, list(header) or None, keyed)


def opened(path: Path) -> io.BufferedReader | gzip.GzipFile | lzma.LZMAFile:
    """A file for reading, unpacked on the way if it is packed."""
    if path.name.endswith(".gz"):
        return gzip.open(path, "rb")
    return lzma.open(path, "rb") if path.name.endswith(".xz") else path.open("rb")


def _other_encoding(path: Path, name: str) -> RowError:
    """Names the first line that is not UTF-8, and how to convert the file. The decoder only knows the place within its
    own buffer.
    """
    from tocsin.datasets.encoding import converting, likely  # few files need it

    with opened(path) as raw:
        for number, line in enumerate(raw, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                head = line + raw.read(2**16)
                return RowError(name, number, f"is not UTF-8{converting(likely(head), path.name)}")
    return RowError(name, 0, "is not UTF-8: save it as UTF-8")


def _parsed(
    text: io.TextIOWrapper, name: str, ending: str, header: list[str] | None, keyed: str
) -> Iterator[Row | RowError]:
    if ending in (".jsonl", ".ndjson"):
        return _json_lines(text, name)
    if ending == ".json":
        return _json_array(text, name, keyed)
    if ending in (".yaml", ".yml"):
        return _yaml_list(text, name)
    return _table(text, name, "\t" if ending == ".tsv" else ",", header)


def _json(text: str) -> Any:
    """JSON without lone surrogates, which it may spell and which neither SQLite nor a request body can hold.

    Raises:
        ValueError: It is not JSON, or is nested too deeply to be read.
    """
    try:
        data = json.loads(text)
        if "\\ud" in text or "\\uD" in text:
            data = json.loads(json.dumps(data, ensure_ascii=False).encode("utf-8", "replace"))
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return data


def _json_lines(text: io.TextIOWrapper, name: str) -> Iterator[Row | RowError]:
    number = 0
    for line_number, line in enumerate(text, 1):
        if not line.strip():
            continue
        yield _row(line, name, line_number, number)
        number += 1


def _row(line: str, name: str, line_number: int, number: int) -> Row | RowError:
    try:
        data = _json(line)
    except ValueError as error:
        return RowError(name, line_number, f"is not JSON ({str(error)[:80]})")
    if not isinstance(data, dict):
        return RowError(name, line_number, "is not a JSON object")
    return Row(data, name, line_number, number)


def _json_array(text: io.TextIOWrapper, name: str, keyed: str) -> Iterator[Row | RowError]:
    try:
        data = _json(text.read())
    except ValueError as error:
        raise RowError(name, getattr(error, "lineno", 0), f"is not JSON ({str(error)[:80]})") from error
    if keyed and isinstance(data, dict):
        data = [
            {**element, keyed: key} if isinstance(element, dict) else element
            for key, value in data.items()
            if isinstance(value, dict | list)
            for element in (value if isinstance(value, list) else [value])
        ]
    if not isinstance(data, list):
        raise RowError(name, 1, "is not a JSON array of objects")
    for number, element in enumerate(data):
        if isinstance(element, dict):
            yield Row(element, name, number + 1, number)
        else:
            yield RowError(name, number + 1, "is not a JSON object")


def _yaml_list(text: io.TextIOWrapper, name: str) -> Iterator[Row | RowError]:
    from tocsin.datasets.yaml_text import YamlFault, parsed  # most rows need no YAML

    try:
        data, lines = parsed(text.read())
    except YamlFault as fault:
        raise RowError(name, fault.line, fault.problem) from fault
    within: tuple[str | int, ...] = ()
    if isinstance(data, dict) and isinstance(data.get("items"), list):
        data, within = data["items"], ("items",)
    if not isinstance(data, list):
        raise RowError(name, 1, "is neither a list of mappings nor a mapping with such a list under 'items'")
    for number, element in enumerate(data):
        line = lines[*within, number]
        if isinstance(element, dict):
            yield Row(element, name, line, number)
        else:
            yield RowError(name, line, "is not a mapping")


def _table(text: io.TextIOWrapper, name: str, delimiter: str, header: list[str] | None) -> Iterator[Row | RowError]:
    csv.field_size_limit(MAX_FIELD)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    number, begins, aligned = 0, 1, header is not None
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            bad = RowError(name, begins, f"is not {'TSV' if delimiter != ',' else 'CSV'} ({error})")
            if header is None:
                raise bad from error
            yield bad
            number, begins = number + 1, reader.line_num + 1
            continue
        line, begins = begins, reader.line_num + 1
        if not any(fields):
            number += aligned
            continue
        if header is None:
            header = [field.strip() for field in fields]
            if len(set(header)) != len(header):
                raise RowError(name, line, "the header names a column twice")
            continue
        if len(fields) != len(header):
            yield RowError(name, line, f"has {len(fields)} fields where the header has {len(header)}")
        else:
            yield Row(dict(zip(header, fields, strict=True)), name, line, number)
        number += 1
