"""A reply to a rubric, read strictly: the whole of it is the one JSON object that was asked for, or it says nothing."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from tocsin.judges.rubric_file import TICKET, RubricField, RubricFile

LONGEST = 100_000
"""Characters of the longest reply that is looked at."""

_FENCE = re.compile(r"```(?:json)?[ \t]*\r?\n((?:(?!```).)*)\r?\n[ \t]*```", re.DOTALL)


class NoVerdict(ValueError):
    """The reply is no verdict; the message says why and quotes nothing of it."""


def read_reply(text: str, rubric: RubricFile, ticket: str) -> dict[str, Any]:
    """The values of a reply's fields.

    Args:
        text: The whole reply. One fenced block may stand around it, and nothing else.
        rubric: What was asked.
        ticket: What was given with the request.

    Raises:
        NoVerdict: It is not JSON, or not this object, or lacks the ticket, or contradicts itself.
    """
    if len(text) > LONGEST:
        raise NoVerdict(f"the reply is longer than {LONGEST} characters")
    body = text.strip()
    if (fenced := _FENCE.fullmatch(body)) is not None:
        body = fenced[1]
    try:
        said = json.loads(body, object_pairs_hook=_once, parse_constant=_no_number)
    except NoVerdict:
        raise
    except (ValueError, RecursionError) as error:
        raise NoVerdict("the reply is not one JSON object") from error
    if not isinstance(said, dict):
        raise NoVerdict("the reply is not one JSON object")
    if said.keys() != {TICKET, *rubric.fields}:
        raise NoVerdict("the reply has other keys than were asked for")
    if said.pop(TICKET) != ticket:
        raise NoVerdict("the reply lacks the ticket of this request")
    for name, field in rubric.fields.items():
        if not _fits(said[name], field):
            raise NoVerdict(f"{name!r} is no {field.type} of the kind that was asked for")
    if rubric.never_both and all(said[name] for name in rubric.never_both):
        raise NoVerdict(f"the reply contradicts itself: {' and '.join(rubric.never_both)}")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) != len(pairs):
        raise NoVerdict("the reply has a key twice")
    return found


def _no_number(_: str) -> Any:
    raise NoVerdict("the reply has a number that is none")


def _fits(value: Any, field: RubricField) -> bool:
    match field.type:
        case "boolean":
            return isinstance(value, bool)
        case "text":
            return isinstance(value, str) and len(value) <= field.longest
        case "integer":
            if type(value) is not int:
                return False
        case "number":
            if type(value) is not int and (type(value) is not float or not math.isfinite(value)):
                return False
    least, most = field.span
    return value in field.one_of if field.one_of else bool(least <= value <= most)
