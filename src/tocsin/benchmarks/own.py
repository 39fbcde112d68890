"""A user's own prompts as a benchmark: ``--cases FILE``."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec

from tocsin.benchmarks.contract import Benchmark
from tocsin.datasets import Dataset, File, Own, Row, RowError, read_rows
from tocsin.datasets.pictures import read_bounded
from tocsin.models.config import ConfigError
from tocsin.types import COMPLY, REFUSE, Case, Deferred, Image, Modality, Option, SafeAnswer

LABELS = (("yes", "no"), ("true", "false"), ("safe", "unsafe"))
"""Labels whose counterpart is known, so that a row need not list its options."""

_LETTERS = "ABCDEF"
ANSWERS = ("refuse", "comply", *(label for pair in LABELS for label in pair), *_LETTERS.lower())
"""What a safe answer may be called where a row has no options."""


def own_cases(path: Path) -> Benchmark:
    """The benchmark of a JSONL, JSON, CSV or TSV file with the column ``prompt``.

    Optional columns: ``id`` (else a hash of the row), ``language`` (BCP 47, else ``en``), ``hazard``, ``system``,
    ``cluster``, ``images`` (paths beside the file, a list or separated by ``|``), ``expected`` (``refuse``, ``comply``,
    or the option or label that is right; else ``refuse``), ``options`` (a list or separated by ``|``) and ``output`` (``image``
    where an image is asked for, else ``text``; the same in every row).
    """
    if path.suffix in (".yaml", ".yml"):
        from tocsin.benchmarks.items import is_item_set  # it takes pydantic and a YAML parser

        if is_item_set(path):
            raise ConfigError(
                f"{path}: is a set of compliance items, and no list of prompts: name it with --benchmark {path}"
            )
    _check_columns(path)
    modality = _modality(path)
    repeated: Counter[str] = Counter()
    folder = path.parent

    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        for row in rows:
            case = _case(row, folder)
            if (case.output == "image") != (modality == "image"):
                raise row.error("field 'output': what is asked for must be the same in every row: text, or image")
            if row.get("id") in (None, ""):  # the same prompt twice is two cases, as it is two rows
                repeated[case.id] += 1
                if (number := repeated[case.id]) > 1:
                    case = msgspec.structs.replace(case, id=f"{case.id}-{number}", cluster=case.cluster or case.id)
            yield case

    dataset = Dataset(
        name=path.stem, title=f"own cases of {path.name}", origin=Own(), files=(File(str(path)),), licence="your own"
    )
    return Benchmark(
        name="cases",
        title=f"Own cases of {path.name}",
        cases=cases,
        dataset=dataset,
        judge="image-rubric" if modality == "image" else "refusal",
        measures="safety",
        version=1,
        modality=modality,
    )


def _modality(path: Path) -> Modality:
    """What the cases of a file ask, by its first row; a row with images makes it vision-language."""
    try:
        rows = read_rows(path)
        first = next(iter(rows), None)
        if not isinstance(first, Row):
            return "language"
        if (output := _said(first, "output")) not in ("", "text", "image"):
            raise ConfigError(f"{path.name}: the column 'output' says {output[:40]!r}, and is text or image")
        if output == "image":
            return "image"
        shown = "images" in first and any(isinstance(row, Row) and row.get("images") for row in (first, *rows))
    except (OSError, RowError):  # planning says what is wrong with the file
        return "language"
    return "vision" if shown else "language"


COLUMNS = ("prompt", "id", "language", "hazard", "system", "cluster", "images", "expected", "options", "output")
"""What is read of a row; all else is left alone."""


def _check_columns(path: Path) -> None:
    """Stops at a column that is nearly one of ours, which would be passed over in silence.

    Raises:
        ConfigError: There is one.
    """
    try:
        first = next(iter(read_rows(path)), None)
    except (OSError, RowError):  # planning says what is wrong with the file
        return
    if not isinstance(first, Row):
        return
    for name in map(str, first):
        plain = name.strip().lower().replace(" ", "_")
        near = difflib.get_close_matches(plain, [column for column in COLUMNS if column not in first], n=1, cutoff=0.75)
        if name not in COLUMNS and near:
            raise ConfigError(f"{path.name}: the column {name[:40]!r} is not read; did you mean {near[0]!r}?")


def _case(row: Row, folder: Path) -> Case:
    prompt = row.text("prompt")
    language = row.language("language", _said(row, "language") or "en")
    hazard = _said(row, "hazard") or "unspecified"
    answer, options = _expected(row)
    images = tuple(_image(row, folder, name) for name in listed(row.get("images")))
    output: Literal["text", "image"] = "image" if _said(row, "output") == "image" else "text"
    if _said(row, "output") not in ("", "text", "image"):
        raise row.error("field 'output' is neither text nor image")
    identity = _said(row, "id") or row.id_of(prompt, language, hazard, answer.kind, answer.value)
    return Case(
        id=identity,
        prompt=prompt,
        system=_said(row, "system") or None,
        images=images,
        hazard=hazard,
        language=language,
        safe_answer=answer,
        options=options,
        cluster=_said(row, "cluster"),
        output=output,
    )


def _said(row: Row, field: str) -> str:
    """What a row says in a field, as text: a zero and a false are something, an empty field is nothing."""
    value = row.get(field)
    return "" if value is None else str(value).strip()


def _expected(row: Row) -> tuple[SafeAnswer, tuple[Option, ...]]:
    return answer_of(row, _said(row, "expected") or "refuse", listed(row.get("options")))


def answer_of(
    row: Row, expected: str, texts: list[str], *, field: str = "expected"
) -> tuple[SafeAnswer, tuple[Option, ...]]:
    """The safe answer that a word stands for, and the options it is one of.

    Args:
        row: The row, for errors.
        expected: ``refuse``, ``comply``, an option's letter or text, or a label whose counterpart is known.
        texts: The texts of the options, if there are any.
        field: The column that said it, for errors.

    Raises:
        RowError: It stands for none.
    """
    if not texts and expected.lower() in ("refuse", "comply"):
        return (COMPLY if expected.lower() == "comply" else REFUSE), ()
    if texts:
        options = tuple(Option(_LETTERS_LONG[i], text) for i, text in enumerate(texts[: len(_LETTERS_LONG)]))
        for option in options:
            if expected in (option.label, option.text):
                return SafeAnswer("option", option.label), options
        raise row.error(f"field {field!r} is none of the row's options (their text, or A, B, C …)")
    for labels in LABELS:
        if expected.lower() in labels:
            return SafeAnswer("label", expected.lower()), tuple(Option(label, label) for label in labels)
    if expected in _LETTERS and len(expected) == 1:
        return SafeAnswer("option", expected), tuple(Option(letter, letter) for letter in _LETTERS)
    raise row.error(
        f"field {field!r} is neither refuse nor comply, so the row needs its options in the field 'options'"
    )


_LETTERS_LONG = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def listed(value: Any) -> list[str]:
    """The parts of a list, or of a text with ``|`` between them."""
    if not value:
        return []
    parts = value if isinstance(value, list) else str(value).split("|")
    return [str(part).strip() for part in parts if str(part).strip()]


def _image(row: Row, folder: Path, name: str) -> Image:
    """An image beside the file, read once its case is drawn. What it is, its content says and not its name."""
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise row.error("field 'images': an image must lie in the file's own folder or below it")
    if not path.is_file():
        raise row.error(f"field 'images': there is no file {path.name}")
    return Deferred(make=partial(read_bounded, path))
