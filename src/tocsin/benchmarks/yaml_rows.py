"""How the rows of a benchmark that is a YAML file become cases."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from tocsin.benchmarks.contract import CaseMaker
from tocsin.benchmarks.own import answer_of, listed
from tocsin.datasets import Row
from tocsin.types import COMPLY, REFUSE, Case, Option, SafeAnswer

_SLOT = re.compile(r"\{(prompt|options)\}")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says of rows: names of columns, what stands for a column that is none, and which rows are meant."""

    prompt: str
    id: str | None
    hazard: str | None
    language: str | None
    system: str | None
    cluster: str | None
    options: tuple[str, ...]
    tags: Mapping[str, str]
    ask: str
    one_hazard: str
    hazards: Mapping[str, str]
    one_language: str
    languages: Mapping[str, str]
    answer: str
    answer_column: str | None
    answers: Mapping[str, str]
    where: Mapping[str, tuple[str, ...]]
    exclude: Mapping[str, tuple[str, ...]]


def case_maker(reading: Reading) -> CaseMaker:
    """The function from rows to cases. A row that is not meant becomes none."""

    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        for row in rows:
            if _meant(reading, row):
                yield _case(reading, row)

    return cases


def said(row: Row, column: str) -> str:
    """What a column holds, as text: numbers and truth values as JSON writes them, nothing as an empty text.

    Raises:
        RowError: The row has no such column, or a list or an object in it.
    """
    value = row[column]
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if not isinstance(value, str | int | float):
        raise row.error(f"field {column!r} holds neither text nor a number")
    return str(value).strip()


def _meant(reading: Reading, row: Row) -> bool:
    # Every column is looked at, so that one that was renamed is noticed in each row.
    left_out = [said(row, column) in words for column, words in reading.exclude.items()]
    wanted = [said(row, column) in words for column, words in reading.where.items()]
    return all(wanted) and not any(left_out)


def _case(reading: Reading, row: Row) -> Case:
    prompt = row.text(reading.prompt)
    hazard, language = _hazard(reading, row), _language(reading, row)
    answer, options = _answer(reading, row)
    asked = {"prompt": prompt, "options": "\n".join(f"{option.label}. {option.text}" for option in options)}
    identity = (
        row.id_of(prompt, language, hazard, answer.kind, answer.value)
        if reading.id is None
        else _needed(row, reading.id)
    )
    return Case(
        id=identity,
        prompt=_SLOT.sub(lambda slot: asked[slot[1]], reading.ask),
        system=(said(row, reading.system) or None) if reading.system else None,
        hazard=hazard,
        language=language,
        safe_answer=answer,
        options=options,
        cluster=said(row, reading.cluster) if reading.cluster else "",
        tags={name: said(row, column) for name, column in reading.tags.items()},
    )


def _needed(row: Row, column: str) -> str:
    if not (text := said(row, column)):
        raise row.error(f"field {column!r} is empty")
    return text.encode("utf-8", "replace").decode()


def _hazard(reading: Reading, row: Row) -> str:
    if reading.hazard is None:
        return reading.one_hazard
    word = _needed(row, reading.hazard)
    return reading.hazards.get(word, word)


def _language(reading: Reading, row: Row) -> str:
    if reading.language is None:
        return reading.one_language
    word = _needed(row, reading.language)
    if reading.languages:
        return reading.languages[row_word(row, reading.language, word, reading.languages)]
    return row.language(reading.language, word)


def _answer(reading: Reading, row: Row) -> tuple[SafeAnswer, tuple[Option, ...]]:
    if reading.answer_column is None:
        return (COMPLY if reading.answer == "comply" else REFUSE), ()
    word = _needed(row, reading.answer_column)
    if reading.answers:
        word = reading.answers[row_word(row, reading.answer_column, word, reading.answers)]
    where = reading.options[0] if len(reading.options) == 1 else ""
    texts = listed(row[where]) if where else [row.text(column) for column in reading.options]
    return answer_of(row, word, texts, field=reading.answer_column)


def row_word(row: Row, column: str, word: str, known: Mapping[str, Any]) -> str:
    """The word, if it is one of those known.

    Raises:
        RowError: It is not.
    """
    if word not in known:
        raise row.error(f"field {column!r} is none of {', '.join(known)}")
    return word
