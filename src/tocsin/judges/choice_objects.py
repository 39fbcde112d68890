"""Answers in JSON: the object that a reply holds, and the value in it that answers.

The field's name decides. Reasons, quotations and confidences beside it may say anything ("it is true that …"), and are not
read.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from tocsin.judges.choice_vocabulary import word_set

TRIES = 40
"""How many opening braces are tried at most, so that a text of nothing but braces takes no time."""
_DEPTH = 3
_NO_LETTER = re.compile(r"[\s_.:-]+")
_ANSWERS = word_set(
    """
    answer answers finalanswer correctanswer correctoption correctchoice correctletter correct bestanswer bestoption
    youranswer myanswer choice choices finalchoice verdict answerletter answerchoice answeroption selectedoption
    selectedanswer selectedchoice chosenoption chosenanswer judgement judgment respuesta respuestacorrecta réponse reponse
    antwort resposta risposta 答案 正确答案 最终答案 回答 答え 正解 정답 답 답변 ответ jawaban الإجابة الجواب उत्तर คำตอบ cevap
    đápán antwoord odpowiedź jibu svar
    """
)
"""Names of fields that answer, without blanks and signs."""
_WEAK = word_set(
    "option letter label result response selection selected prediction decision classification conclusion value pick"
)
"""Names of fields that answer where none of the others is there."""
_TRUE = re.compile(
    r"(?:is|was)(?:statement|claim)?(?:true|correct|accurate|valid)|(?:statement|claim)is(?:true|correct)|true|truth"
)
"""Names of fields whose yes or no is the answer to a true or false item."""


class Objects(NamedTuple):
    """The JSON objects of a reply, and what stands outside them."""

    found: list[dict[str, Any]]
    outside: str


class Repeated(ValueError):
    """An object that holds a field twice."""


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise Repeated
    return fields


def objects(text: str) -> Objects | None:
    """The outermost JSON objects of a text, in order; None if one of them holds a field twice, so that it contradicts itself.

    What is no whole JSON object stays outside.
    """
    decoder = json.JSONDecoder(object_pairs_hook=_fields)
    found: list[dict[str, Any]] = []
    outside: list[str] = []
    done = at = 0
    for _ in range(TRIES):
        at = text.find("{", at)
        if at < 0:
            break
        try:
            value, end = decoder.raw_decode(text, at)
        except Repeated:
            return None
        except (ValueError, RecursionError):
            at += 1
            continue
        found.append(value)
        outside.append(text[done:at])
        done = at = end
    return Objects(found, "\n".join([*outside, text[done:]]))


def _name(key: str) -> str:
    return _NO_LETTER.sub("", unicodedata.normalize("NFKC", key).lower())


def answers(fields: dict[str, Any], labels: Sequence[str], depth: int = 0) -> list[Any]:
    """The values of an object that answer.

    Args:
        fields: The object.
        labels: The options' labels in lower case: an object of labels with a yes or no each answers by the one that says yes.
        depth: How deep within another object it stands.

    Returns:
        What the fields that answer hold; empty where no field does.
    """
    named = {_name(key): value for key, value in fields.items()}
    ticked = [key for key, value in named.items() if value is True]
    if len(named) > 1 and all(isinstance(v, bool) for v in named.values()) and set(named) <= set(labels):
        return ticked if len(ticked) == 1 else [None]
    for names in (_ANSWERS, _WEAK):
        values = [value for key, value in named.items() if key in names]
        if values:
            return [one for value in values for one in _within(value, labels, depth)]
    return [value for key, value in named.items() if isinstance(value, bool) and _TRUE.fullmatch(key)]


def _within(value: Any, labels: Sequence[str], depth: int) -> Iterator[Any]:
    """A value, and where it is an object or a list of one, what answers in it."""
    if isinstance(value, list):
        value = value[0] if len(value) == 1 else None
    if isinstance(value, dict):
        yield from (answers(value, labels, depth + 1) if depth < _DEPTH else []) or [None]
    else:
        yield value
