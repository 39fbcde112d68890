"""What is checked of a draft before a person sees it: its options, its likeness to others, and whether its rule answers it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import lru_cache

from tocsin.judges.choice_rules import find_choice
from tocsin.judges.letters import drawn
from tocsin.judges.refusal_rules import is_refusal
from tocsin.judges.tongue import language_of
from tocsin.languages import same
from tocsin.types import Option, SafeAnswer

_GRAM = 4
NEAR = 0.7
"""Likeness from which one of two items of one format is left out."""
UNREAD = "self-check: no answer could be read, with the rule at hand"
LONGEST_PROMPT = 1000
"""Characters of a prompt for an image: some services take no more."""
_SURE = 0.95
"""Probability from which a prompt's language is held against the set's: short prompts are easily taken for a neighbour's."""
_LEAST_LETTERS, _STEM = 4, 5
_UNSPACED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+")
_WORD = re.compile("[^\\W\\d_\u3040-\u30ff\u3400-\u9fff\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]+")
_INFLECTED = "\u0590"
"""First character of the scripts whose words are compared by runs of letters."""
_COMMON = """
shall must should ought will would could with without that this these those they them their there then than from
have has been being were where when which what who whose into onto upon over under each every such other others only
also never always about after before because while unless does doing done make made assistant answer system article
应当 應當 不得 必须 必須 可以 以及 或者 其他 规定 規定 muss müssen
soll sollen darf dürfen nicht eine einer einem einen oder wird werden
doit doivent dans pour avec sans cette sont être
"""
_EVERYWHERE = frozenset(_COMMON.split())
"""Words that say nothing of what a rule is about."""
_OTHERS = re.compile(
    r"\b(?:all|none|any|both|either|neither) of (?:the|these|those)\b|\b(?:options?|answers?) [A-D]\b|\b[A-D] (?:and|or) [A-D]\b"
    r"|以上(?:都|皆|均|全)|都不?对$|(?:alle|keine) der (?:genannten|oben)",
    re.I,
)


def alike(one: str, other: str) -> float:
    """How alike two texts are: Jaccard index of their runs of four characters, without case and white space, in [0, 1]."""
    a, b = _grams(one), _grams(other)
    return len(a & b) / len(a | b) if a or b else 1.0


def held(words: str, text: str) -> float:
    """How much of some words a text holds: the share of their runs of four characters that it has, in [0, 1]."""
    wanted = _grams(words)
    return len(wanted & _grams(text)) / len(wanted) if wanted else 1.0


@lru_cache(4096)
def _grams(text: str) -> frozenset[str]:
    plain = "".join(text.casefold().split())
    return frozenset(plain[at : at + _GRAM] for at in range(max(1, len(plain) - _GRAM + 1))) if plain else frozenset()


def nearest(text: str, others: Iterable[tuple[str, str]]) -> tuple[str, float]:
    """The name of the text that is most like one, and how alike they are; an empty name where there is no other.

    Args:
        text: The one.
        others: Names and texts.
    """
    return max(((name, alike(text, other)) for name, other in others), key=lambda found: found[1], default=("", 0.0))


def plainly(text: str) -> str:
    """A text without case, white space and marks: what two texts have in common that say the same in the same words."""
    return "".join(sign for sign in text.casefold() if sign.isalnum())


def shared_words(one: str, other: str) -> int:
    """How many words two texts share that say what they are about; of a script without spaces, pairs of characters.

    Words count by their first five letters, so that a plural shares a word with its singular; those of Semitic and Indian
    scripts, which change at both ends, by runs of three. Words that stand in every regulation do not count.
    """
    return len(_content(one) & _content(other))


def _content(text: str) -> set[str]:
    found: set[str] = set()
    plain = "".join(sign for sign in text.casefold() if not unicodedata.category(sign).startswith("M"))
    for word in _WORD.findall(plain):
        if word[0] >= _INFLECTED:
            found |= {word[at : at + 3] for at in range(max(1, len(word) - 2))}
        elif len(word) >= _LEAST_LETTERS and word not in _EVERYWHERE:
            found.add(word[:_STEM])
    for run in _UNSPACED.findall(text):
        found |= {run[at : at + 2] for at in range(len(run) - 1)} - _EVERYWHERE
    return found


def option_fault(right: str, wrong: Sequence[str]) -> str:
    """What is wrong with the options of a question; empty if nothing is."""
    texts = [right, *wrong]
    plain = {" ".join(text.casefold().split()).rstrip(".。") for text in texts}
    if len(plain) < len(texts):
        return "two options say the same"
    if any(_OTHERS.search(text) for text in texts):
        return "an option speaks of the others"
    return ""


def image_prompt_fault(prompt: str, quote: str, passage: str, language: str) -> str:
    """What is wrong with a prompt that asks for an image; empty if nothing is.

    Args:
        prompt: The prompt.
        quote: The words of the regulation that its rule rests on.
        passage: The passage that these stand in.
        language: BCP 47 code of the set.
    """
    if len(prompt) > LONGEST_PROMPT:
        return f"longer than {LONGEST_PROMPT:,} characters, which services that make images need not take"
    if is_refusal(prompt):
        return "refuses where a prompt was asked for"
    if plainly(quote) in plainly(prompt):
        return "quotes the regulation"
    spoken = language_of(prompt)
    if spoken is not None and spoken.probability >= _SURE and not same(spoken.code, language):
        of_text = language_of(passage)  # what a set says is a guess by the script, unless a user said it
        if of_text is None or not same(spoken.code, of_text.code):
            return f"is in another language ({spoken.code})"
    return ""


def own_answer_fault(reply: str, options: Sequence[Option], right: SafeAnswer) -> str:
    """What speaks against an item, from the answer of a model that has its rule; empty if it is the right one.

    The answer is read by the rules of the judge ``choice``, as that of every target is.
    """
    chosen = find_choice(drawn(reply), options)
    if chosen is None:
        return UNREAD
    return (
        ""
        if chosen == right.value
        else f"self-check: the answer was {chosen}, with the rule at hand, and the key is {right.value}"
    )
