"""Where words stand in a regulation's text, and what the whole sentences that hold them say.

A quote is often a fragment. What makes a duty of it, or takes it back, may stand around it: "shall" or "need not" before,
"unless" behind, or the line above a list. Two texts are therefore compared by sentences.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from tocsin.compliance.generate.checks import alike, held
from tocsin.compliance.generate.rules import squeezed
from tocsin.compliance.generate.splitting import mark_of, sentences

Span = tuple[int, int]
_MOST_SENTENCES = 4
_FAR = 60
"""Sentences between a point of a list and the line above the list, at most."""
_ENDS = ".;,:。；，：、 "


class Statement(NamedTuple):
    """The sentences that hold a span.

    Attributes:
        span: From their first word, behind numbers and marks, to their end.
        said: What they say, with the line above the list where they are a point of one; for people.
        key: The same as it is compared: without white space, and without marks at the ends.
    """

    span: Span
    said: str
    key: str


class Wording:
    """A text that words are looked for in."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._whole, self._places = squeezed(text)
        self._sentences = sentences(text)
        self._starts = [first for first, _ in self._sentences]
        self._marks = [mark_of(text[first:last]) for first, last in self._sentences]

    def places(self, words: str) -> list[Span]:
        """Everywhere that words stand, but for white space and the form of marks."""
        wanted, _ = squeezed(words)
        spans, at = [], self._whole.find(wanted) if wanted else -1
        while at >= 0:
            spans.append((self._places[at], self._places[at + len(wanted) - 1] + 1))
            at = self._whole.find(wanted, at + 1)
        return spans

    def statement(self, span: Span) -> Statement:
        """The sentences that hold a span."""
        if not self._sentences:
            return self._of(span, None)
        first = max(0, bisect_right(self._starts, span[0]) - 1)
        last = max(first, bisect_right(self._starts, span[1] - 1) - 1)
        while first and self._goes_on(first):
            first -= 1
        while last + 1 < len(self._sentences) and self._goes_on(last + 1):
            last += 1
        start, end = self._sentences[first][0] + self._marks[first][1], self._sentences[last][1]
        return self._of((min(start, span[0]), max(end, span[1])), self._above(first))

    def nearest(self, words: str, sentence: str) -> tuple[Span | None, float]:
        """The sentences that are most like a sentence, or hold most of some words, and how much they do, in [0, 1].

        Args:
            words: What is looked for: a fragment of the sentence, or it.
            sentence: What the fragment stood in.
        """
        found = max(self._scored(words, sentence), key=lambda one: one[1], default=None)
        return (None, 0.0) if found is None else found

    def _scored(self, words: str, sentence: str) -> Iterator[tuple[Span, float]]:
        for first, (start, end) in enumerate(self._sentences):
            start += self._marks[first][1]
            yield (start, end), held(words, self.text[start:end])
            for _, end in self._sentences[first : first + _MOST_SENTENCES]:
                if end - start > 3 * len(sentence) + 80:
                    break
                yield (start, end), alike(sentence, self.text[start:end])

    def _of(self, span: Span, above: str | None) -> Statement:
        said = self.text[span[0] : span[1]]
        parts = [said] if above is None else [above, said]
        key = "\0".join(squeezed(part.strip(_ENDS))[0] for part in parts)
        return Statement(span, " ".join(" ".join(parts).split()), key)

    def _goes_on(self, number: int) -> bool:
        """Whether a sentence is the rest of the one before it, which a short form ("Art. 5") or a semicolon cut off."""
        first, last = self._sentences[number]
        if self._marks[number][1] or self.text[self._sentences[number - 1][1] : first].count("\n") > 1:
            return False
        sign = next((sign for sign in self.text[first:last] if sign.isalnum()), "")
        return sign.islower() or sign.isdigit()

    def _above(self, number: int) -> str | None:
        """The line that a list stands under, where a sentence begins a point of one: it says whether the point is a duty."""
        kind = self._marks[number][0]
        if kind in ("", "article"):
            return None
        for before in range(number - 1, max(-1, number - _FAR), -1):
            first, last = self._sentences[before]
            other, at = self._marks[before]
            if self.text[last - 1] in ":：":
                return self.text[first + at : last] if other != kind else None
            if other == "article":
                return None
        return None
