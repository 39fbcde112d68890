"""What rules make of a request, without a model: a title for a list, the phrases that matter, and words in another order."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from tocsin.attacks.transform.artprompt import STOP
from tocsin.drawing import clusters

_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\U00020000-\U0003ffff]")
"""Scripts that put no blanks between words."""
_PIECE = 3
"""Characters that are taken for a word where there are no blanks."""
_MOST_WORDS = 4
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_POLITE = re.compile(
    r"^\s*(?:please\s*,?\s+|kindly\s+|(?:can|could|would|will)\s+you\s+(?:please\s+)?|i\s+(?:want|need)\s+you\s+to\s+)+",
    re.IGNORECASE,
)
_TELL = (
    r"(?:(?:explain|describe|show|teach|tell|outline|say|detail)\s+(?:to\s+)?(?:me\s+)?(?:in\s+detail\s+)?"
    r"|give\s+(?:me\s+)?(?:instructions|steps|directions|a\s+guide|a\s+tutorial)\s+(?:on|for)\s+)"
)
_HOW_TO = re.compile(
    rf"^\s*{_TELL}?(?:how\s+to|how\s+(?:do|can|could|would|should|might|does)\s+(?:i|you|we|one|someone|somebody|people)"
    r"|how\s+(?:i|you|we|one|someone|somebody)\s+(?:can|could|would|should|might)|(?:the\s+)?steps\s+to|ways\s+to)\s+(?P<do>.+)$",
    re.IGNORECASE | re.DOTALL,
)
_HOW_IS = re.compile(rf"^\s*{_TELL}?how\s+(?P<what>.+)$", re.IGNORECASE | re.DOTALL)
_ASKS = re.compile(r"^\s*(?:what|which|who|whom|whose|when|where|why|is|are|does|do|did|should|may)\b", re.IGNORECASE)
_ENDS = " \t\n?!.。？！؟।"


def title(request: str, language: str = "en") -> str:
    """A request as the title of a list, by rules for English; in other languages the request as it stands."""
    bare = _POLITE.sub("", request).strip().rstrip(_ENDS)
    if not bare or language.partition("-")[0] != "en" or _UNSPACED.search(bare):
        return request.strip()
    if found := _HOW_TO.match(bare):
        return f"Steps to {found['do']}."
    if found := _HOW_IS.match(bare):
        return f"Steps that show how {found['what']}."
    if _ASKS.match(bare):
        return f"Points that answer: {bare[0].lower()}{bare[1:]}."
    return f"Steps to {bare[0].lower()}{bare[1:]}." if bare[1:2].islower() else f"Steps: {bare}."


def phrases(request: str, most: int, language: str = "en") -> list[str]:
    """The phrases of a request that carry content, the longest first, each as it stands there.

    In English they are runs of up to four words of content; in other languages, of which no empty words are known, the longest
    words; in scripts without blanks, runs of letters. Never empty: what has no letters is one phrase as a whole.
    """
    if _UNSPACED.search(request):
        found = [run for run in re.findall(r"[^\W_]+", request)]
    elif language.partition("-")[0] != "en":
        found = [word.group() for word in _WORD.finditer(request)]
    else:
        found = _runs(request)
    distinct = [one for place, one in enumerate(found) if one.casefold() not in (f.casefold() for f in found[:place])]
    longest = sorted(distinct, key=lambda one: -len(one))  # of two that are equal, the earlier stands first
    return longest[:most] or [request.strip()]


def _runs(request: str) -> list[str]:
    """Runs of words of content with nothing but blanks between them; without any such word, all words."""
    runs: list[tuple[int, int, int]] = []  # start, end, words
    for word in _WORD.finditer(request):
        if word.group().casefold() in STOP or len(word.group()) < 3:
            continue
        if runs and not request[runs[-1][1] : word.start()].strip() and runs[-1][2] < _MOST_WORDS:
            runs[-1] = (runs[-1][0], word.end(), runs[-1][2] + 1)
        else:
            runs.append((word.start(), word.end(), 1))
    return [request[start:end] for start, end, _ in runs] or [word.group() for word in _WORD.finditer(request)]


def replaced(request: str, parts: Sequence[str], by: Sequence[str]) -> str:
    """A request with something else in the place of its parts, wherever they stand, whatever their capitals."""
    known = {part.casefold(): other for part, other in zip(parts, by, strict=True)}
    either = "|".join(re.escape(part) for part in sorted(parts, key=len, reverse=True))
    return re.sub(
        either, lambda found: known.get(found.group().casefold(), found.group()), request, flags=re.IGNORECASE
    )


def pieces(request: str) -> list[str]:
    """Words by their blanks; in scripts without blanks, pieces of three characters."""
    if not _UNSPACED.search(request):
        return request.split()
    parts = []
    for word in request.split():
        letters = clusters(word)
        parts += ["".join(letters[at : at + _PIECE]) for at in range(0, len(letters), _PIECE)]
    return parts


def shuffled(request: str, rng: random.Random) -> str:
    """The words of a request in random order; another than its own, where there is one."""
    words = pieces(request)
    order = moved(len(words), rng)
    return " ".join(words[place] for place in order)


def moved(count: int, rng: random.Random) -> list[int]:
    """Numbers below `count` in random order; another than their own, where there is one."""
    order = list(range(count))
    while count > 1 and order == list(range(count)):
        rng.shuffle(order)
    return order


def divided(request: str, parts: int) -> list[str]:
    """A request in so many parts of about as many words, in their order; fewer, where it has fewer words."""
    words = pieces(request) or [request]
    glue = "" if _UNSPACED.search(request) else " "
    count = min(parts, len(words))
    ends = [round(len(words) * number / count) for number in range(count + 1)]
    return [glue.join(words[start:end]) for start, end in zip(ends, ends[1:], strict=False)]
