"""The words of pages in the reader's language: English is the key, and a catalogue holds the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from typing import TypeVar

import yaml

LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文"}
"""Languages that pages speak: code → its own name."""

TAGS: Mapping[str, str] = {"en": "en", "zh": "zh-Hans"}
"""Code → what ``lang`` of a page says, for fonts and for what reads pages aloud."""

Key = TypeVar("Key")

_TELLING = 20
"""Letters of fixed text that tell a form from all others."""
_PLACE = re.compile(r"\{(\w+)\}")


class Message(str):
    """An English text that remembers what it was made of, so that it can be said in another language as well.

    It is an ordinary string for whoever reads English: what makes tables, Markdown and tests of it need not know. What is cut
    from it or set together by `str` is an ordinary string, too, and is said as it is.
    """

    __slots__ = ("form", "parts", "ready", "values")

    form: str
    """The English text with ``{name}`` where a value goes; between `parts`, what separates them."""
    values: Mapping[str, object]
    parts: tuple[str, ...] | None
    """Texts that stand one after another; None for a single text."""
    ready: bool
    """Whether the text was made elsewhere, places filled, so that its form has to be found."""

    def __new__(  # noqa: D102
        cls,
        english: str,
        form: str,
        values: Mapping[str, object] | None = None,
        *,
        parts: tuple[str, ...] | None = None,
        ready: bool = False,
    ) -> Message:
        self = super().__new__(cls, english)
        self.form, self.values, self.parts, self.ready = form, values or {}, parts, ready
        return self

    def __add__(self, other: str) -> str:
        return joined((self, other), "")

    def __radd__(self, other: str) -> str:
        return joined((other, self), "")

    def cleaned(self, clean: Callable[[object], str]) -> str:
        """The same with every value gone over, and what came ready-made."""
        if self.ready:
            return Message(clean(str(self)), clean(self.form), ready=True)
        if self.parts is not None:
            return joined(
                [part.cleaned(clean) if isinstance(part, Message) else clean(part) for part in self.parts], self.form
            )
        values = {
            name: value.cleaned(clean) if isinstance(value, Message) else clean(value)
            for name, value in self.values.items()
        }
        usual = str(self) == _filled(self.form, self.values)
        return Message(_filled(self.form, values) if usual else clean(str(self)), self.form, values)

    def instead(self, english: str) -> Message:
        """The same in other English, for what another language need not tell: a singular, a first letter."""
        return Message(english, self.form, self.values, parts=self.parts, ready=self.ready)


def message(english: str, /, **values: object) -> str:
    """A text of ours.

    Args:
        english: The text in English, with ``{name}`` where a value goes. It is the key of the catalogue.
        values: What goes there: numbers as they are shown, names fit to be shown, or further messages.
    """
    return Message(_filled(english, values), english, values)


def otherwise(shown: str, english: str, /, **values: object) -> str:
    """A text of ours that English shows in another form, such as a singular, than other languages do."""
    return Message(shown, english, values)


def messages(table: Mapping[Key, str]) -> dict[Key, str]:
    """A table of texts of ours, each its own key."""
    return {name: Message(text, text) for name, text in table.items()}


def joined(parts: Iterable[str], separator: str = " ") -> str:
    """Texts one after another; empty ones are left out."""
    kept = tuple(part for part in parts if part)
    return Message(separator.join(kept), separator, parts=kept)


def made(text: str) -> str:
    """A text of ours that came ready-made from where scores are made: its form is looked for among those of the catalogue."""
    return text if isinstance(text, Message) or not text else Message(text, text, ready=True)


def lowered(text: str) -> str:
    """The text with a small first letter, as within a sentence; no matter where letters have no case."""
    if text[1:2].isupper() or text[1:2].isdecimal():  # AI, F1
        return text
    small = text[:1].lower() + text[1:]
    return text.instead(small) if isinstance(text, Message) else small


def begun(text: str) -> str:
    """The text with a great first letter."""
    great = text[:1].upper() + text[1:]
    return text.instead(great) if isinstance(text, Message) else great


class Speaker:
    """Says texts in one language.

    Args:
        language: One of `LANGUAGES`.

    Raises:
        ValueError: There is no such language.
    """

    def __init__(self, language: str = "en") -> None:
        if language not in LANGUAGES:
            raise ValueError(f"pages speak {', '.join(LANGUAGES)}; {language!r} is none of them")
        self.language = language
        self._known = _catalogue(language)

    def __call__(self, english: str, /, **values: object) -> str:
        """A text in this language, its places filled.

        Args:
            english: The text in English, with ``{name}`` where a value goes. It is the key.
            values: What goes there. They are set in as they are; escaping is the template's.
        """
        said = self._known.get(english, english)
        return _filled(said, {name: self.said(value) for name, value in values.items()}) if values else said

    def said(self, value: object) -> str:
        """A message in this language; anything else as it is."""
        if self.language == "en" or not isinstance(value, Message):
            return str(value)
        if value.ready:
            told = self.made(value.form)
            return str(value) if told == value.form else told
        if value.parts is not None:
            return self._known.get(value.form, value.form).join(map(self.said, value.parts))
        said = self._known.get(value.form)
        if said is None and any(letter.isalpha() for letter in _PLACE.sub("", value.form)):
            return str(value)  # as it was shown: a singular, a first letter
        said = value.form if said is None else said
        return _filled(said, {name: self.said(one) for name, one in value.values.items()})

    def made(self, text: str) -> str:
        """A text that was made elsewhere, places filled: translated where it has the form of an entry, else as it is."""
        if self.language == "en" or not text:
            return text
        if (exact := self._known.get(text)) is not None:
            return exact
        for form, said in _forms(self.language):  # of entries for such texts alone: others are too short to tell
            if found := form.fullmatch(text):
                return _filled(said, {name: self.made(value) for name, value in found.groupdict().items()})
        return text

    def knows(self, english: str) -> bool:
        """Whether the catalogue has this text, or it needs none."""
        return self.language == "en" or english in self._known


def _filled(text: str, values: Mapping[str, object]) -> str:
    return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), text) if values else text


@cache
def _catalogue(language: str, begins: str = "") -> Mapping[str, str]:
    """English → text, from the files of the language's folder whose names begin so; empty for English."""
    if language == "en":
        return {}
    found: dict[str, str] = {}
    for file in sorted(
        resources.files(__package__).joinpath("catalogue", language).iterdir(), key=lambda one: one.name
    ):
        if file.name.endswith(".yaml") and file.name.startswith(begins):
            for english, said in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).items():
                if found.setdefault(english, said) != said:
                    raise ValueError(f"catalogue/{language}/{file.name}: {english!r} is said otherwise in another file")
    return found


@cache
def _forms(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Entries with places as patterns, those with most fixed text first.

    Of the files ``made*.yaml`` all of them, of the others those alone that are long enough to be told by their fixed text.
    """
    found = []
    ready = _catalogue(language, "made")
    for english, said in _catalogue(language).items():
        fixed = sum(letter.isalpha() for letter in _PLACE.sub("", english))
        if _PLACE.search(english) and (english in ready or fixed >= _TELLING):
            seen: set[str] = set()
            pieces, end = [], 0
            for place in _PLACE.finditer(english):
                pieces.append(re.escape(english[end : place.start()]))
                name = place[1]
                pieces.append(f"(?P={name})" if name in seen else f"(?P<{name}>.+?)")
                seen.add(name)
                end = place.end()
            pieces.append(re.escape(english[end:]))
            found.append((len(_PLACE.sub("", english)), re.compile("".join(pieces), re.DOTALL), said))
    return [(form, said) for _, form, said in sorted(found, key=lambda one: -one[0])]
