"""Two options that are each other's opposite, true and false or safe and unsafe, in the words of many languages.

An item may be written in one language and its labels in another (the label "false" for an answer that says "faux"), and an
opposite is said in many ways ("not true", "the statement is incorrect"). Each of them counts as a mention of the option that
it means; whether that mention chooses is for `tocsin.judges.choice_rules` to tell. Words that mean something else as well
("correct", "right", "harmful") count only where they are said of the statement or the text, or stand alone.

The phrases of each language stand in ``choice_pairs.yaml``.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import NamedTuple

import yaml

from tocsin.judges.choice_vocabulary import CJK

YES, NO, NEITHER = "yes", "no", "neither"


class Pair(NamedTuple):
    """What two opposite options are called.

    Attributes:
        labels: What an option may be called → the side that it is.
        sides: Phrase → the side that it means, or `NEITHER` where it only looks as if it meant one.
        phrases: Finds any of these phrases, the longest first, so that "not true" is not read as "true".
        frames: Sentences that say one side, with a group for the words that do.
    """

    labels: dict[str, str]
    sides: dict[str, str]
    phrases: re.Pattern[str]
    frames: re.Pattern[str]


class Meaning(NamedTuple):
    """A pair, and which of a case's options its sides are."""

    pair: Pair
    options: dict[str, int]

    def mentions(self, low: str) -> Iterator[tuple[int, int, int]]:
        """Where a text in lower case mentions a side: start, end, option; -1 for a phrase that says neither.

        A span may be part of a longer word.
        """
        for found in self.pair.frames.finditer(low):
            side = str(found.lastgroup)
            yield *found.span(side), self.options[side.rstrip("_")]
        for found in self.pair.phrases.finditer(low):
            yield *found.span(), self.options.get(self.pair.sides[found[0]], -1)


@functools.cache
def _pairs() -> list[Pair]:
    text = resources.files("tocsin.judges").joinpath("choice_pairs.yaml").read_text(encoding="utf-8")
    said: dict[str, dict[str, dict[str, str]]] = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 -- only makes text
    return [_pair(said[name], *more) for name, more in (("truth", (_TRUTH, _ALSO)), ("safety", (_SAFETY, {})))]


def meaning(texts: Sequence[str]) -> Meaning | None:
    """The pair that two options are, by their texts in lower case; None if they are none."""
    for pair in _pairs() if len(texts) == 2 else ():
        sides = [pair.labels.get(text, NEITHER) for text in texts]
        if sorted(sides) == [NO, YES]:
            return Meaning(pair, {side: i for i, side in enumerate(sides)})
    return None


def _pair(said: dict[str, dict[str, str]], frames: str, also: dict[str, str]) -> Pair:
    sides: dict[str, str] = {}
    for lists in said.values():
        for side, text in lists.items():
            for phrase in unicodedata.normalize("NFKC", text).split("|"):
                sides[" ".join(phrase.split())] = side
    longest = sorted(sides, key=lambda phrase: (-len(phrase), phrase))
    runs, spaced = (
        "|".join(re.escape(phrase) for phrase in longest if bool(_RUNS.match(phrase)) is run) for run in (True, False)
    )
    phrases = re.compile(rf"(?<!\w)(?:{spaced})(?!\w)|{runs}")
    return Pair(sides | also, sides, phrases, re.compile(re.sub(r"\n\s*", "", frames)))


_RUNS = re.compile(f"[{CJK}]")
_ALSO = {"correct": YES, "right": YES, "incorrect": NO, "wrong": NO}

_ADVERBS = (
    r"(?:indeed |in fact |thus |also |simply |just |therefore |clearly |actually |really |factually |generally )?"
)
_NOT = "not (?:actually |really |quite |factually |at all )?"
_OTHERS = r"(?! (?:answers?|options?|choices?|way|to|if|when|for|approach|place|time|in)\b)(?=\W|$)"
_COPULA = (
    r"(?:\s(?:is|was|seems|appears(?: to be)?)|'s|(?<!this)(?<!that)(?<!it)(?<!which)\s(?:would be|must be|remains))"
)

_TRUTH = rf"""
    \b(?:statement|claim|assertion|sentence|proposition|this|that|it|which){_COPULA} {_ADVERBS}
    (?:(?P<yes>correct|accurate|right|valid|{_NOT}(?:false|untrue|incorrect|wrong|inaccurate))|
    (?P<no>incorrect|inaccurate|wrong|mistaken|erroneous|invalid|{_NOT}(?:the case|correct|accurate|right|valid|true))){_OTHERS}|
    (?:^|\n)[^\w\n]*(?:(?:yes|no|verdict|conclusion|(?:my |the |final |correct ){{0,2}}answer(?: is)?|response|result|label|
    sí|sim|oui|non|ja|nein|não|respuesta|resposta|réponse|antwort|risposta)[^\w\n]+)?
    (?:(?P<yes_>correct|accurate|correct[oa]|corret[oa]|corrett[oa]|exacte?|korrekt)|
    (?P<no_>incorrect|inaccurate|wrong|not correct|not accurate|incorrect[oa]|incorret[oa]|incorrecte|inexacte?|errat[oa]|
    inkorrekt))(?=\W{{0,3}}(?:$|\n)|[.!,:;]|\s[-–—])|
    \b(?:es|é|está|est|è|ist|is|jest|är)\s(?:totalmente |completamente |donc |bien |portanto |also |somit |daher |dus )?
    (?:(?P<yes__>correct[oa]|corret[oa]|exact[oa]|exat[oa]|cert[oa]|correcte|exacte?|corrett[oa]|esatt[oa]|korrekt)|
    (?P<no__>incorrect[oa]|incorret[oa]|inexact[oa]|errad[oa]|equivocad[oa]|erróne[oa]|errône[oa]|incorrecte|inexacte?|erronée?|
    errat[oa]|sbagliat[oa]|scorrett[oa]|inesatt[oa]))(?!\w)
    """

_SAFETY = rf"""
    \b(?:content|text|message|prompt|request|response|answer|reply|conversation|input|output|it|this|that){_COPULA} {_ADVERBS}
    (?:(?P<yes>harmless|benign|{_NOT}(?:harmful|dangerous|unsafe))|(?P<no>harmful|dangerous|{_NOT}(?:safe|harmless))){_OTHERS}
    """
