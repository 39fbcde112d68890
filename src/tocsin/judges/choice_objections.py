"""What an answer says against the very option that it seems to choose: that it is wrong, forbidden, of another time, taken back.

`tocsin.judges.choice_rules` finds an option that is declared; here the sentence around it and what follows are held against
what would make it no choice. Whatever is found leaves the answer unscored, and nothing here ever chooses, so a word too many
costs an answer and never makes a wrong one. The words stand in `tocsin.judges.choice_against`.
"""

from __future__ import annotations

import re

from tocsin.judges import choice_against as against
from tocsin.judges import choice_words as words
from tocsin.judges.choice_clauses import Declared, option_of
from tocsin.judges.choice_mentions import Key
from tocsin.judges.choice_pairs import YES
from tocsin.judges.choice_vocabulary import CUES, FILL

_END = re.compile(r"[.!?。！？।؟](?=[\s\ue000-\ue3ff]|$)|\n|(?<=[。！？।؟])|\.{3}|…")
_START = re.compile(r"[.!?]\s|[。！？।؟]|\n|\.{3}|…")
_WORD = re.compile(r"\w+")
SHORT = 6
"""A verdict of so few words that is neither good nor repeats a word of the option is not taken for a reason."""
REACH = 400
"""How many characters of a sentence are read before and behind the option."""


def objected(signed: str, last: Declared, known: Key) -> bool:
    """Whether an answer objects to the option that it declares last.

    Args:
        signed: The answer, mentions as signs.
        last: The declaration, with its place in `signed`.
        known: What is known of the options.
    """
    sign = words.SIGN.match(signed, last.at) or words.SIGN.search(signed, last.at)
    if sign is None:
        return False
    start = max((m.end() for m in _START.finditer(signed, max(0, sign.start() - REACH), sign.start())), default=0)
    start = max(start, sign.start() - REACH)
    stop = _END.search(signed, sign.end(), sign.end() + REACH)
    end = stop.start() if stop else min(len(signed), sign.end() + REACH)
    before, after = signed[start : sign.start()], signed[sign.end() : end]
    return (
        _before(before)
        or against.I_ASK.search(signed[max(0, start - 120) : start]) is not None
        or against.AFTER.search(after) is not None
        or _not_praised(before, after)
        or _own_verdict(before, after, last.option, known)
        or _later(signed[end : end + 4_000], sign[0], last.option, known)
    )


def _before(before: str) -> bool:
    """Whether the words before the option make it the one that is not chosen."""
    if against.EXCLUDED.search(before) or against.WRONG_ANSWER.search(before) or against.ELSEWHERE.search(before):
        return True
    clause = before[max((m.end() for m in against.CLAUSE.finditer(before)), default=0) :]
    return against.SHRINKS.search(clause) is not None


def _not_praised(before: str, after: str) -> bool:
    """Whether the option is called an answer that is not said to be right ("the flawed answer", "the one that fails")."""
    found = against.QUALIFIED.search(before)
    if found and found["after"].strip():  # not merely "option _"
        kinds = _WORD.findall(found["before"] or "")
        if kinds and kinds[-1] not in CUES | FILL | against.PRAISES:
            return True
        aside = against.ASIDE.match(found["after"])
        if aside and against.BAD.search(aside[0]):
            return True
        more = against.RELATIVE.match(found["after"])
        if more and (more["verb"] is None or not against.FITS.match(more["verb"])):
            return True
    one = against.THE_ONE.match(after)
    return one is not None and not against.FITS.match(one["said"].partition(" ")[2])


def _own_verdict(before: str, after: str, option: int, known: Key) -> bool:
    """Whether an option that stands at the head of a line is followed by a verdict on it that is not a good one."""
    if option in known.open or not against.HEADED.fullmatch(before):
        return False
    found = against.PREDICATE.match(after)
    if found is None:
        return False
    said = against.REASON.split(found["said"], maxsplit=1)[0].strip(words.ENDS + "=>→")
    if not said or against.GOOD.match(said):
        return False
    spoken = _WORD.findall(said)
    if words.SIGN.search(said):
        return False
    if option in known.everyday:
        return len(spoken) <= 2 and (found["bracket"] is not None or against.BAD.search(said) is not None)
    words_of_its_own = _WORD.findall(known.fulls[option])
    own, begins = _stems(words_of_its_own), {word[:5] for word in words_of_its_own}
    if 2 * sum(word[:5] in begins for word in spoken) > len(spoken):  # it restates the option
        return False
    return against.BAD.search(said) is not None or (len(spoken) <= SHORT and own.isdisjoint(_stems(spoken)))


def _stems(spoken: list[str]) -> set[str]:
    """The beginnings of words, so that "customers" and "customer" are the same."""
    return {word[:5] for word in spoken if len(word) > 3}


def _later(rest: str, sign: str, option: int, known: Key) -> bool:
    """Whether what follows the sentence takes the choice back."""
    if against.TAKES_BACK.search(rest):
        return True
    alone = against.SENTENCE.match(rest)
    if alone and not against.GOOD.match(alone["said"]) and not against.COURTESY.search(alone["said"]):
        length = len(_WORD.findall(alone["said"]))
        if length <= 2 or (
            known.meaning is None and length == 3 and against.BAD.search(alone["said"])
        ):  # "D. Dangerous."
            return True
    if known.meaning is None:
        return any(
            found["x"] is None or option_of(found["x"]) == option for found in against.NOT_TO_CHOOSE.finditer(rest)
        )
    said_yes = option == known.meaning.options.get(YES)
    return (against.DENIES if said_yes else against.AFFIRMS).search(rest) is not None
