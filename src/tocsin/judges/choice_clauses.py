"""What one sentence of an answer chooses, after its mentions of options have become signs.

See `tocsin.judges.choice_rules` for the whole of which this is a part.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tocsin.judges import choice_words as words
from tocsin.judges.choice_mentions import Key
from tocsin.judges.choice_vocabulary import CUES, FILL

SEGMENT = re.compile(r"[^.!?;\n।。…؛]+")
# "and that gives autumn: _".
_AT_LAST = words.pattern(r"(?:^|[,)،、—–]|\s-\s|[-=]>|→|\w\W{1,3}\w+\W{1,3}\w+:)<gap>(?P<x><X>)<gap>$")
# What may follow an option such as "unknown" where it is said of the question.
_OPEN_FOLLOWS = words.pattern(
    r"""
    \s*(?:$|[^\w\s\ue000-\ue3ff]|(?:who|whether|which|what|how|when|where|from|based|because|since|as|to(?! (?:me|us)\b)|if|
    for|given|with|here|in|by|about|the|this|that|qui|wer|ob|quién|quem|chi|кто)\b|(?:कि|من)(?!\w)|[\u3040-\u9fff])
    """
)
# "I cannot answer" is such an option only if nothing makes it a refusal.
_I_BEFORE = words.pattern(r"\b(?:i|we)\s*$")
_I_AFTER = words.pattern(
    r"""
    \s*(?:(?:the|this|that|your) (?:question )?|it )?(?:$|,?\s?(?:based on|from|given|with|because|since|as) [^\n]{0,60}
    \b(?:context|passage|text|info|story|details|given|provided|state|say)\b)
    """
)
# An everyday word that belongs to what follows it ("a true story", "true that").
_MODIFIES = words.pattern("<X> [a-z]")
_THAT = words.pattern(r"<X> (?:that|dass|que|che)\b")


class Declared(NamedTuple):
    """An option that was named as the choice: where, which, and whether by a lone name or as the final word."""

    at: int
    option: int
    lone: bool
    final: bool


def option_of(sign: str) -> int:
    """The index of the option that a sign stands for."""
    return ord(sign) & 0xFF


def kind_of(sign: str) -> int:
    """What mentions it: `TEXT`, `LABEL` or `BOTH` of `tocsin.judges.choice_words`."""
    return ord(sign) & 0xFF00


def of_segment(said: str, at: int, signs: list[str], known: Key, revises: bool) -> list[Declared]:
    """What one segment declares."""
    final = words.hinted(said, words.FINAL_HINTS) and words.FINAL.search(said) is not None
    found: list[Declared] = []
    for sign in signs:
        where = said.index(sign)
        if option_of(sign) in known.open and kind_of(sign) == words.TEXT:
            if _I_BEFORE.search(said[:where]):
                if _I_AFTER.match(said, where + 1) and not words.SORRY.search(said):
                    return [Declared(at + where, option_of(sign), False, final)]
                return []
            if _straight(said, where) and _OPEN_FOLLOWS.match(said, where + 1):
                return [Declared(at + where, option_of(sign), False, final)]
    everyday = any(option_of(s) in known.everyday and kind_of(s) != words.BOTH for s in signs)
    if everyday and (len({option_of(s) for s in signs}) > 1 or _modifies(said)):
        return []
    rest = said[said.index(signs[0]) + 1 :]
    if words.hinted(rest, words.PROVISIONAL) or words.AFTERTHOUGHTS.search(rest) or words.SUPPOSES.match(said):
        return []
    if len({option_of(s) for s in signs}) == 1:
        weight = 0 if said.rstrip().endswith(":") else bag(said, revises)
        if weight:
            return [Declared(at + said.index(signs[0]), option_of(signs[0]), weight == 1, final)]
    for start, end in _clauses(said):
        clause = said[start:end]
        in_clause = words.SIGN.findall(clause)
        least = 1 if revises and not said[:start].strip(" ([") else 2  # "wait, _" needs no word that chooses
        if len({option_of(s) for s in in_clause}) == 1 and bag(clause, revises) >= least:
            where = start + clause.index(in_clause[0])
            turned = start and words.FAR_TURNS.search(_since_turn(said[:where]))
            if not turned and not words.AFTER_TURNS.match(said, end):
                found.append(Declared(at + where, option_of(in_clause[0]), False, final))
    if found:
        return found
    for pattern in (words.CHOOSING, words.PRAISED, words.CONCLUDES, words.THEREFORE):
        for match in pattern.finditer(said):
            where = match.start(match.lastgroup or 0)
            loose = pattern is not words.CHOOSING or kind_of(said[where]) == words.BOTH
            if (
                (loose or words.FOLLOWS.match(said, where + 1))
                and _straight(said, where, match.start())
                and not words.AFTER_TURNS.match(said, match.end())
            ):
                found.append(Declared(at + where, option_of(said[where]), False, final))
    if not found and len(signs) == 1 and kind_of(signs[0]) != words.TEXT:  # "all in all, _"
        closing = _AT_LAST.search(said)
        if closing and not words.CLAUSE_TURNS.search(said) and _straight(said, closing.start("x")):
            found.append(Declared(at + said.index(signs[0]), option_of(signs[0]), True, final))
    return sorted(found)


def _modifies(said: str) -> bool:
    """Whether an everyday word belongs to what follows it ("a true story", "true that it rained")."""
    return any(
        not words.FOLLOWS.match(said, m.start() + 1) or _THAT.match(said, m.start()) for m in _MODIFIES.finditer(said)
    )


def _clauses(said: str) -> list[tuple[int, int]]:
    """Where the clauses of a segment start and end."""
    breaks = [m.span() for m in words.CLAUSE_BREAK.finditer(said)]
    return list(zip([0, *(end for _, end in breaks)], [*(start for start, _ in breaks), len(said)], strict=True))


def bag(said: str, revises: bool) -> int:
    """Whether a clause holds only options and words that may stand with a choice: 2 if some of them choose, 1 if none does.

    0 where there is any other word.
    """
    weight = 1
    tokens = [token for token in words.BETWEEN.split(said) if token]
    for token in tokens:
        if token in CUES:
            weight = 2
        elif token in FILL or token.isdecimal() or (revises and token in words.REVISING):
            continue
        elif words.UNSPACED_RUN.fullmatch(token):
            weight = 2 if words.UNSPACED_CUE.search(token) else weight
        else:
            return 0
    if weight == 1 and not words.IT.isdisjoint(tokens) and not words.IS.isdisjoint(tokens):
        weight = 2
    if words.hinted(said, words.NOT_CHOOSING) or words.ACTS.search(said):
        return 0
    sign = words.SIGN.search(said)
    return 0 if sign and words.BELONGS.search(said, max(0, sign.start() - 16), sign.start()) else weight


def _since_turn(before: str) -> str:
    """The words before an option, back to where the sentence last turned ("but", "so")."""
    turns = list(words.SENSE_TURNS.finditer(before))
    return before[turns[-1].end() :] if turns else before


def _straight(said: str, where: int, begin: int | None = None) -> bool:
    """Whether nothing before an option turns the sense of the clause that it stands in.

    Args:
        said: The segment.
        where: Where the option stands.
        begin: Where the phrase that chooses it begins, if it has one.
    """
    breaks = words.CLAUSE_BREAK.finditer(said, 0, where if begin is None else begin + 1)
    start = max((found.end() for found in breaks), default=0)
    return not words.CLAUSE_TURNS.search(said, start, where) and not words.FAR_TURNS.search(_since_turn(said[:where]))


def heads(said: str, head: re.Match[str], known: Key) -> bool:
    """Whether an option at the start of a segment is a choice or a heading, and not part of a sentence."""
    sign, rest = head["x"], head.end()
    if words.AFTER_TURNS.match(said, rest) or words.AFTERTHOUGHTS.search(said[rest:]):
        return False
    if option_of(sign) in known.everyday and kind_of(sign) == words.TEXT:
        others = any(option_of(s) in known.everyday and s != sign for s in words.SIGN.findall(said))
        return words.EVERYDAY_HEADS.match(said, rest) is not None and not others
    if kind_of(sign) == words.BOTH:
        return not words.CLAUSE_TURNS.search(said, rest) or words.TEXT_HEADS.match(said, rest) is not None
    if words.TEXT_HEADS.match(said, rest):
        return True
    others = any(option_of(s) != option_of(sign) and kind_of(s) != words.TEXT for s in words.SIGN.findall(said))
    return kind_of(sign) == words.LABEL and not others and words.LABEL_HEADS.match(said, rest) is not None


def told(text: str, known: Key) -> list[Declared]:
    """The option named in a plain sentence ("Ben forgot it"), where there is no other and no doubt."""
    signs = words.SIGN.findall(text)
    if len({option_of(s) for s in signs}) != 1 or words.SEVERAL in text or words.UNSURE.search(text):
        return []
    if option_of(signs[0]) in known.everyday or option_of(signs[0]) in known.open or kind_of(signs[0]) == words.LABEL:
        return []
    segments = [m for m in SEGMENT.finditer(text) if m[0].strip()]
    patterns = [(segments[0], words.SUBJECT), (segments[0], words.OBJECT), (segments[-1], words.OBJECT)]
    if option_of(signs[0]) in known.adverbial:
        patterns.append((segments[0], words.ADVERBIAL))
    for segment, pattern in patterns:
        said, found = segment[0], pattern.search(segment[0])
        if found and not words.CLAUSE_TURNS.search(said) and not words.SPEAKS_OF.search(said):
            before, after = said[: found.start("x")], said[found.end("x") :]
            if words.FAR_TURNS.search(before) or words.SUPPOSES.match(said) or words.AFTERTHOUGHTS.search(after):
                return []
            return [Declared(segment.start() + found.start("x"), option_of(signs[0]), False, False)]
    return []
