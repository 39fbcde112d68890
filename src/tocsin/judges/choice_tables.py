"""Answers that give every option a verdict or a number ("A: no, B: yes", "A 10%, B 90%"): the table, and what it chooses.

Works on a text in which mentions have become signs, see `tocsin.judges.choice_words`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from tocsin.judges import choice_words as words
from tocsin.judges.choice_clauses import option_of

_YES = (
    "yes|yep|○|◯|correct|right|true|✓|ja|richtig|wahr|oui|vrai|correcte|sí|si|correct[oa]|verdader[oa]|sim|corret[oa]|"
    "verdadeir[oa]|"
    "corrett[oa]|ver[oa]|да|верно|правильно|是|对|正确|正確|はい|正しい|正解|예|맞음|정답|نعم|صحيحة?|हाँ|हां|सही|evet|doğru|đúng|"
    "benar|ya|tak|prawda|juist|sant|rätt|ndiyo|ถูก"
)
_NO = (
    "no|nope|×|incorrect|wrong|false|not correct|not right|✗|nein|falsch|non|faux|incorrecte|incorrect[oa]|fals[oa]|não|"
    "incorret[oa]|"
    "errad[oa]|"
    "sbagliat[oa]|errat[oa]|нет|неверно|неправильно|否|不|错|错误|不对|不正确|不正確|いいえ|誤り|間違い|不正解|아니요|틀림|오답|لا|خطأ|خاطئة?|"
    "नहीं|गलत|hayır|yanlış|sai|salah|tidak|nie|fałsz|onjuist|fel|hapana|ผิด"
)
_SAYS = r"[)\].]?\s?(?:[:=–—|\-→(,：]|->|\s(?=is\b))[ \t|]{0,3}(?:is )?"
_VERDICT = words.pattern(rf"(?P<x><X>){_SAYS}(?:(?P<yes>{_YES})|(?P<no>{_NO}))(?!\w)")
_ENTRY = words.pattern(rf"<X>{_SAYS}[^\n;\ue000-\ue3ff]{{1,40}}(?=[\n;]|$)")
_NUMBER = words.pattern(
    r"""
    (?P<x><X>)[^\w\n\ue000-\ue3ff]{0,6}(?:is |has |(?:a )?(?:score|probability|confidence|likelihood)(?: of)?\W{1,3})?
    (?P<n>\d{1,3}(?:[.,]\d{1,4})?)\s?(?P<unit>%|/\s?\d{1,3})?(?![\w.])
    """
)
_LEVEL = words.pattern(
    r"""
    (?P<x><X>)\s?[:=–—(\-]{1,2}\s?(?:very )?(?:(?P<high>(?:high|strong) (?:confidence|probability|likelihood))|
    (?P<low>high|likely|strong|low|medium|moderate|unlikely|weak))\b
    """
)


class Table(NamedTuple):
    """A table of options: which it chooses, if exactly one stands out, and the text without it."""

    chosen: int | None
    rest: str


def table(signed: str, fulls: list[str]) -> Table | None:
    """The table that an answer holds, where two or more options have a verdict or a number each; None where it holds none."""
    verdicts = list(_VERDICT.finditer(signed))
    if _options(verdicts) > 1:
        return Table(_single(verdicts, "yes", "no"), _without(signed, verdicts))
    levels = list(_LEVEL.finditer(signed))
    if _options(levels) > 1:
        return Table(_single(levels, "high", "low"), _without(signed, levels))
    if any(full[:1].isdigit() for full in fulls):  # the number may be the option
        return None
    numbers = list(_NUMBER.finditer(signed))
    if _options(numbers) > 1:
        whole = _options(numbers) == len(fulls) or all(one["unit"] == "%" for one in numbers)
        return Table(_highest(numbers) if whole else None, _without(signed, numbers))
    return None


def _options(found: list[re.Match[str]]) -> int:
    return len({option_of(one["x"]) for one in found})


def _without(signed: str, found: list[re.Match[str]]) -> str:
    """The text without the entries: what else stands in the sentence of one goes as well."""
    ends = [*(one.start() for one in found[1:]), len(signed)]
    parts, done = [], 0
    for one, end in zip(found, ends, strict=True):
        stop = re.compile(r"[.;\n]").search(signed, one.end(), end)
        parts.append(signed[done : one.start()])
        done = stop.start() if stop else end if end < len(signed) else one.end()
        parts.append("\n")
    return _ENTRY.sub("\n", "".join(parts) + signed[done:])


def _single(found: list[re.Match[str]], high: str, low: str) -> int | None:
    """The one option of which only the good is said."""
    good = {option_of(one["x"]) for one in found if one[high]}
    return good.pop() if len(good) == 1 and not good & {option_of(one["x"]) for one in found if one[low]} else None


def _highest(found: list[re.Match[str]]) -> int | None:
    """The option of the highest number, where the numbers are shares or marks of the same kind, and no ranks."""
    values = {option_of(one["x"]): float(one["n"].replace(",", ".")) for one in found}
    units = {(one["unit"] or "").replace(" ", "") for one in found}
    top = max(values.values())
    at_top = [option for option, value in values.items() if value == top]
    shares = units == {"%"} or (len(units) == 1 and units != {""}) or abs(sum(values.values()) - 100) < 1.5
    shares = shares or (
        top <= 1 and (abs(sum(values.values()) - 1) < 0.02 or not all(v in (0, 1) for v in values.values()))
    )
    return at_top[0] if shares and len(values) == len(found) and len(at_top) == 1 else None
