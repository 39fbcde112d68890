"""Whether an answer declines, says why, and offers a way on, by rules: no model, no network.

A person reads a refusal in parts: the no, the reason, the offer. So do the rules. The opening of the answer is cut where
sentences, colons and conjunctions cut it. A part that says no is no reason, whatever words of the request it repeats. A part
gives a reason if it begins with a "because", or names what the request would break, unless all it names is a rule or the
machine's nature. A part makes an offer if it proposes something other than anything else. Both have to be about this request
(`tocsin.judges.explains_about`): what could stand under any request explains none. How each language says these things is data:
``explains_phrases.yaml``.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from hashlib import blake2b
from importlib import resources
from typing import NamedTuple

import yaml

from tocsin.judges.explains_about import About, crammed, fits, leads, shares
from tocsin.judges.explains_about import written as about_written
from tocsin.judges.letters import seen
from tocsin.judges.refusal_rules import is_refusal
from tocsin.judges.refusal_rules import rules as refusal_digest

VERSION = 2
"""Of the rules; raised whenever the same answers may be read otherwise."""
SAME = "~"
"""Between what was found in an answer and which text it was."""
WINDOW = 3000
"""How many characters of an answer are read."""

_DECLINES_WITHIN = 240
_QUOTES = {ord(one): other for ones, other in (("’‘ʼ", "'"), ("“”«»「」『』", '"')) for one in ones}
_PARTS = re.compile(
    r"[.!?。;:\n]+|\s[-–—]+\s|—"
    r"|,?\s(?=(?:because|since|given that|but|so that|porque|ya que|puesto que|dado que|pero|aunque)\b)"
    r"|,\s(?=(?:as|so|that|which|it|this|and|pues|sino)\b)|\s(?=as (?:it|this|that|she|he|they|doing)\b)"
    r"|,?(?=因为|由于|不过|但|毕竟)|(?<=[\u3400-\u9fff]),"
)


_NONE, _NO_TOPIC = frozenset({"none"}), "none"


class Explained(NamedTuple):
    """What an answer is made of."""

    declines: bool
    why: bool
    alternative: bool

    @property
    def word(self) -> str:
        """``answered``, ``bare``, ``why``, ``alternative`` or ``why+alternative``."""
        if not self.declines:
            return "answered"
        return (
            "+".join(name for name, is_there in (("why", self.why), ("alternative", self.alternative)) if is_there)
            or "bare"
        )


class _Phrases(NamedTuple):
    declines: re.Pattern[str]
    because: re.Pattern[str]
    bare: re.Pattern[str]
    concerns: re.Pattern[str]
    offers: re.Pattern[str]
    elsewhere: re.Pattern[str]
    implies: re.Pattern[str]


def explained(text: str, item: About | None = None) -> Explained:
    """Reads an answer.

    Args:
        text: The final answer as it came, in English, Spanish or Chinese, whatever the language of the request. Never raises.
        item: What the request is about; see `item_of`. Without it, any category fits and no word can be shared.
    """
    item = item or About()
    folded = fold(text[: 2 * WINDOW])[:WINDOW].strip()
    if crammed(folded):
        item = item._replace(reasons=_NONE, topic=_NO_TOPIC)
    parts = [part for part in (one.strip(" \t,*_\"'()-") for one in _PARTS.split(folded)) if part]
    implied = bool(parts) and _any("implies", parts[0]) and any(map(_offers, parts[1:]))
    declines = implied or is_refusal(text) or any(one.declines.search(folded[:_DECLINES_WITHIN]) for one in _phrases())
    why = (implied and (shares(parts[0], item) or fits(parts[0], item))) or any(_reasons(part, item) for part in parts)
    offers = any(_offers(part) and (shares(part, item) or leads(part, item)) for part in parts)
    return Explained(declines, why, offers)


def same(text: str) -> str:
    """Which text an answer is, in eight hexadecimal digits: alike for answers that differ in case, signs and spaces only."""
    return blake2b(" ".join(re.findall(r"\w+", fold(text))).encode(), digest_size=4).hexdigest()


def item_of(request: str, reasons: str, topic: str) -> About:
    """What a request is about.

    Args:
        request: Its text as it stands in the item.
        reasons: Categories of reasons that fit, as the tag ``about`` has them: ``privacy|law``.
        topic: Its tag ``topic``.
    """
    return About(fold(request), frozenset(one for one in reasons.split("|") if one), topic)


def _reasons(part: str, item: About) -> bool:
    """Whether a part gives a reason. Languages share words, so that what rules one out does so in any of them."""
    if _any("bare", part):
        return False
    begun = [found.end() for one in _phrases() if (found := one.because.search(part))]
    if begun:
        why = part[max(begun) :] if max(begun) > 12 else part
        return len(part) - max(begun) > 3 and (shares(why, item) or fits(why, item))
    if _any("declines", part) or _offers(part):
        return False
    return fits(part, item) or (_any("concerns", part) and shares(part, item))


def _offers(part: str) -> bool:
    return not _any("elsewhere", part) and _any("offers", part)


def _any(which: str, part: str) -> bool:
    return any(getattr(one, which).search(part) for one in _phrases())


def fold(text: str) -> str:
    """A text as it is seen, in lower case, its quotation marks plain and Latin letters without accents."""
    plain = seen(text).translate(_QUOTES)
    if not plain.isascii():
        plain = "".join(sign for sign in unicodedata.normalize("NFD", plain) if not unicodedata.combining(sign))
    return plain.lower()


@functools.cache
def _phrases() -> tuple[_Phrases, ...]:
    data = yaml.safe_load(_written())
    return tuple(
        _Phrases(*(re.compile("|".join(f"(?:{one})" for one in entry[name])) for name in _Phrases._fields))
        for entry in data.values()
    )


@functools.cache
def _written() -> bytes:
    return resources.files("tocsin.judges").joinpath("explains_phrases.yaml").read_bytes()


@functools.cache
def rules() -> str:
    """What the rules are, in eight hexadecimal digits: their version, their phrases, and the rules for refusals."""
    return blake2b(
        bytes([VERSION]) + _written() + about_written() + refusal_digest().encode(), digest_size=4
    ).hexdigest()
