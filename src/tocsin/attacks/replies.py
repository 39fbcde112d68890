"""Reading what an attacker wrote: lenient about what stands around it, strict about what it is.

An attacker is asked for one JSON object, and often wraps it in prose or in a fence. That is read past. What is missing, of
another type, or there twice with another content is not guessed at: the reader returns None, and the session asks again. A
reader never raises, whatever the text. A `Form` is such a reader with the JSON schema of what it reads, which holds a server
that knows schemas to the form, so that a small attacker can play the role, too.
"""

from __future__ import annotations

import json
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from tocsin.judges.refusal_rules import is_refusal

T = TypeVar("T")
R = TypeVar("R")

_LONGEST = 100_000
"""Characters of a reply that are read: an attacker that writes more is not answering what it was asked."""
_STARTS = 200
"""Opening braces that are tried, so that a reply of braces takes no longer than another."""
_BRACE = re.compile(r"\{\s*[\"}]")
_PLAIN: Mapping[type, str] = {str: "string", bool: "boolean", int: "integer", float: "number"}
_NOT = object()
"""What a value is read as that is not of the kind asked for."""


class Kind(ABC):
    """What a field holds."""

    schema: dict[str, Any]
    needed = True

    @abstractmethod
    def read(self, value: Any) -> Any:
        """The value as it is used; `_NOT` if it is none of this kind."""


class _Plain(Kind):
    def __init__(self, kind: type) -> None:
        self._kind, self.schema = kind, {"type": _PLAIN[kind]}

    def read(self, value: Any) -> Any:
        if self._kind is float and type(value) is int and abs(value) < 1e15:
            value = float(value)
        if type(value) is not self._kind or (isinstance(value, float) and not math.isfinite(value)):
            return _NOT
        return value


class _Text(Kind):
    def __init__(self) -> None:
        self.schema = {"type": "string", "minLength": 1}

    def read(self, value: Any) -> Any:
        """It without blanks around it."""
        return (value.strip() or _NOT) if isinstance(value, str) else _NOT


class _Note(_Text):
    needed = False


class _Put(_Text):
    def read(self, value: Any) -> Any:
        """It without blanks around it; none if it refuses."""
        said = super().read(value)
        return _NOT if said is not _NOT and is_refusal(said) else said


TEXT = _Text()
"""A text that is not blank, without blanks around it."""
PUT = _Put()
"""The same, of what is put to the target. A refusal is none: it is the attacker's, which can refuse only within the form that it
is held to, and must not be answered and judged."""
NOTE = _Note()
"""The same, where the reply can do without."""


class OneOf(Kind):
    """One of these words, in capitals or not; read as it is written here."""

    def __init__(self, *words: str) -> None:
        self._words = {word.casefold(): word for word in words}
        self.schema = {"type": "string", "enum": list(words)}

    def read(self, value: Any) -> Any:
        """The word as it is written here."""
        return self._words.get(value.strip().casefold(), _NOT) if isinstance(value, str) else _NOT


class Listed(Kind):
    """A list. What is not of the kind is left out of it; with fewer than `least` it is none.

    Args:
        of: What it lists: a kind, or the form of its objects.
        least: Items that it must have.
        most: Items that are read.
    """

    def __init__(self, of: Kind | Form[Any], *, least: int = 1, most: int | None = None) -> None:
        self._of, self._least, self._most = of, least, most
        self.schema = {"type": "array", "items": of.schema, "minItems": least}
        if most is not None:
            self.schema["maxItems"] = most

    def read(self, value: Any) -> Any:
        """The items that are of the kind."""
        if not isinstance(value, list):
            return _NOT
        read = [said for item in value if (said := self._of.read(item)) is not _NOT]
        return read[: self._most] if len(read) >= self._least else _NOT


class Form(Generic[T]):
    """The JSON object that an attacker is asked for. Called with a reply, it gives what the reply holds, or None.

    Attributes:
        schema: The JSON schema of the object.

    Args:
        fields: Name → what it holds: a `Kind`, or ``str`` (which may be empty), ``bool``, ``int`` or ``float`` (a whole
            number will do).
    """

    def __init__(self, **fields: Kind | type) -> None:
        self._fields = {name: kind if isinstance(kind, Kind) else _Plain(kind) for name, kind in fields.items()}
        self._then: Callable[[Any], Any] = lambda said: said
        self.schema: dict[str, Any] = {
            "type": "object",
            "properties": {name: kind.schema for name, kind in self._fields.items()},
            "required": list(self._fields),
            "additionalProperties": False,
        }

    def then(self, make: Callable[[Any], R | None]) -> Form[R]:
        """The same form, whose object is made into something else; None where it cannot be."""
        made: Form[R] = Form(**self._fields)
        made._then = make
        return made

    def read(self, value: Any) -> Any:
        """The fields of an object that are of their kinds; `_NOT` if one is not, or is missing. Further ones are left out."""
        if not isinstance(value, dict):
            return _NOT
        said = {}
        for name, kind in self._fields.items():
            if name in value and (one := kind.read(value[name])) is not _NOT:
                said[name] = one
            elif kind.needed:
                return _NOT
        return said

    def __call__(self, reply: str) -> T | None:
        """What the one object of this form in a reply says.

        Prose and fences around it are passed over, objects of another form as well, and a line break within a string is taken
        for what it is. The same object twice is one; of two that differ, none is taken.
        """
        text, found, position = reply[:_LONGEST], _NOT, 0
        for _ in range(_STARTS):
            start = _BRACE.search(text, position)
            if start is None:
                break
            position = start.start() + 1
            try:
                value, end = _DECODER.raw_decode(text, start.start())
            except (ValueError, RecursionError):
                continue
            said = self.read(value)
            if said is _NOT:
                continue  # what is asked for may stand within
            position = end
            if found is not _NOT and found != said:
                return None
            found = said
        made: T | None = None if found is _NOT else self._then(found)
        return made


def clip(text: str, most: int = 6_000) -> str:
    """A text as it is shown to the attacker: its beginning, and a mark where more followed."""
    return text if len(text) <= most else f"{text[:most]} […]"


def _whole(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose fields are there once, and whose strings can be written down again."""
    made: dict[str, Any] = {}
    for name, value in pairs:
        if name in made and made[name] != value:
            raise ValueError(f"field {name!r} is there twice")
        made[name] = _clean(value)
    return made


def _clean(value: Any) -> Any:
    if isinstance(value, str):  # an escape in JSON can write half a pair, which no encoding takes
        return value.encode("utf-8", "replace").decode()
    return [_clean(one) for one in value] if isinstance(value, list) else value


def _no_number(word: str) -> Any:
    raise ValueError(f"{word} is no number of JSON")


_DECODER = json.JSONDecoder(strict=False, object_pairs_hook=_whole, parse_constant=_no_number)
