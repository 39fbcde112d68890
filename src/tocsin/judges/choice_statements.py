"""How an answer speaks of the statement that it was asked to judge, where the options are true and false or the like.

The words that are signs by then stand for the sides of the pair, see `tocsin.judges.choice_pairs`.
"""

from __future__ import annotations

import re

from tocsin.judges import choice_words as words
from tocsin.judges.choice_clauses import Declared, option_of
from tocsin.judges.choice_pairs import NO, YES, Meaning

# "the statement that data may be kept is _": what the statement says turns no sense.
_CONTENT = words.pattern(
    r"""
    \b(?:statement|claim|assertion)(?P<content>,? (?:that|which|saying)\b[^.!?;\n\ue000-\ue3ff]{0,200}?)
    (?= (?:is|was)(?: \w+ly| thus| therefore| indeed)?<sep><X>(?=[^\w\ue000-\ue3ff]|$))
    """
)
# "Some hold that labels are needless. That is _": said of another statement.
_OTHERS = words.pattern(
    r"""
    \b(?:some|many|most|people|others|critics|often|sometimes|widely|commonly|one (?:might|may|could)|myth|
    misconception|belief)\b[^.!?\n\ue000-\ue3ff]{0,200}[.!]\s+(?:but |however, |in fact, )?(?:this|that|it)
    (?:'s| is| was)[^.!?\n\ue000-\ue3ff]{0,30}(?P<x><X>)
    """
)
# "It is _ that audits are dear, but the statement is _": only the second speaks of the statement.
_CONCEDES = words.pattern(
    r"""
    \b(?:it|that)(?:'s| is| may be| might be)(?: \w+)? (?P<x><X>) that\b[^.!?\n\ue000-\ue3ff]{0,200}
    \b(?:but|however|yet|nevertheless|the (?:statement|claim|assertion)|this (?:statement|claim))\b
    """
)
# "True, banks are careful. But ...": an allowance.
_ALLOWS = words.pattern(r"^<gap><X>,(?! (?:because|since|as|given|for|so)\b)[^\n]*[.;]\s+but\b")
# "does not hold: _".
_LAST_WORD = words.pattern(r"(?P<before>[^.!?;\n\ue000-\ue3ff]{0,200})[:—–]<gap>(?P<x><X>)<gap>$")
# "No, it is _".
_OPENING = {
    YES: re.compile(
        r"^\W*(?:yes|yep|sí|si|sim|oui|ja|да|نعم|हाँ|हां|是的|はい|네|예|ใช่|evet|có|ya|tak|ndiyo)\s*[,.:;!–—、，。،-]"
    ),
    NO: re.compile(
        r"^\W*(?:no|nope|não|non|nein|нет|لا|नहीं|不|不是|いいえ|아니요|아니오|ไม่ใช่|hayır|không|tidak|nee|nej|nie|ne|hapana)\s*[,.:;!–—、،-]"
    ),
}
_CLAIMED = words.pattern(r"^<gap>(?:it|this)(?:'s| is)(?: \w+ly| indeed)? (?P<x><X>) (?:that|to say that)\b")
_SUBJECT = words.pattern(
    r"""
    ^<gap>(?:the|this|that|your|user's|given| )*(?:content|text|message|prompt|request|conversation|response|reply|input|output|
    statement|claim|sentence)(?:\W\w+)?(?:'s| is| was)(?: \w+ly| thus| therefore)?<sep>(?P<x><X>)
    (?=[^\w\ue000-\ue3ff]*(?:$|[.!,;:\n]|\s(?:because|since|as|for|given|due)\b))
    """
)
_HOLDS_BACK = words.pattern(
    r"\b(?:but|however|although|though|yet|while|whereas|still|nevertheless|only|except|unless|if|not necessarily)\b"
)


def of_statement(text: str, meaning: Meaning) -> str:
    """A signed text without what the statement says, what is said of other statements, and an opening yes or no that agrees."""
    text = _CONTENT.sub(lambda m: m[0].replace(m["content"], " ".ljust(len(m["content"]))), text)
    text = _OTHERS.sub(lambda m: m[0][: m.start("x") - m.start()] + "_", text)
    text = _CONCEDES.sub(lambda m: m[0].replace(m["x"], "_"), text)
    if _ALLOWS.match(text):
        text = words.SIGN.sub("_", text, count=1)
    first = words.SIGN.search(text)
    for side, opening in _OPENING.items():
        found = opening.match(text)
        if found and first and option_of(first[0]) == meaning.options[side]:
            text = " " * found.end() + text[found.end() :]
    return text


def claimed(text: str) -> list[Declared]:
    """What a plain sentence declares that opens the answer, where nothing holds back after it; or a last word after a colon.

    "It is _ that ...", "the text is _ because ...". Nothing where another side is mentioned as well.
    """
    if len({option_of(sign) for sign in words.SIGN.findall(text)}) > 1:
        return []
    found = _SUBJECT.match(text) or _CLAIMED.match(text)
    if found is None or _HOLDS_BACK.search(text, found.end()):
        found = _LAST_WORD.search(text)
        if found is None or words.FAR_TURNS.search(found["before"]) or words.UNSURE.search(found["before"]):
            return []
    return [Declared(found.start("x"), option_of(found["x"]), False, False)]
