"""The words of pages in the reader's language: English is the key, and a catalogue holds the other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

import yaml

LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "中文"}
"""Languages that pages speak: code → its own name."""

_PLACE = re.compile(r"\{(\w+)\}")


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
        return self._filled(said, values) if values else said

    def made(self, text: str) -> str:
        """A text that was made elsewhere, places filled: translated where it has the form of an entry, else as it is."""
        if self.language == "en" or not text:
            return text
        if (exact := self._known.get(text)) is not None:
            return exact
        for form, said in _forms(self.language):
            if found := form.fullmatch(text):
                return self._filled(said, {name: self.made(value) for name, value in found.groupdict().items()})
        return text

    @staticmethod
    def _filled(text: str, values: Mapping[str, object]) -> str:
        return _PLACE.sub(lambda place: str(values.get(place[1], place[0])), text)

    def knows(self, english: str) -> bool:
        """Whether the catalogue has this text, or it needs none."""
        return self.language == "en" or english in self._known


@cache
def _catalogue(language: str) -> Mapping[str, str]:
    """English → text, from every file of the language's folder; empty for English."""
    if language == "en":
        return {}
    found: dict[str, str] = {}
    for file in sorted(
        resources.files(__package__).joinpath("catalogue", language).iterdir(), key=lambda one: one.name
    ):
        if file.name.endswith(".yaml"):
            for english, said in (yaml.safe_load(file.read_text(encoding="utf-8")) or {}).items():
                if found.setdefault(english, said) != said:
                    raise ValueError(f"catalogue/{language}/{file.name}: {english!r} is said otherwise in another file")
    return found


@cache
def _forms(language: str) -> list[tuple[re.Pattern[str], str]]:
    """Entries with places as patterns, those with most fixed text first."""
    found = []
    for english, said in _catalogue(language).items():
        if _PLACE.search(english):
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
