"""Which language a text is in: by its script where that settles it, else by `py3langid`.

Thai letters are Thai and kana are Japanese whatever a model of letter sequences makes of them. Where several languages share a
script, py3langid (a naive Bayes model after Lui and Baldwin 2012, "langid.py") chooses among those that `tocsin.languages` has in
that script. It is imported, and its model loaded, when the first such text comes: about a second, and about 100 MB of memory.
After that a request takes about half a millisecond.

Measured with py3langid 0.4.0 on requests whose language is known (right, no language named, wrong):

- MultiJail, 312 each: en 305, 7, 0; zh 309, 2, 1 (as Cantonese); it 307, 5, 0; vi 312, 0, 0; ar 310, 2, 0; ko 312, 0, 0; th 312,
  0, 0; bn 312, 0, 0; sw 309, 3, 0; jv 277, 30, 5 (two as Malay). Of those named 99.8% are right.
- XSafety, its CSV files, 2,800 each (bn 200, hi 3,000, ru 2,799): ar 2795, 5, 0; bn 200, 0, 0; de 2795, 5, 0; en 2794, 6, 0;
  fr 2795, 5, 0; hi 2991, 9, 0; ja 2795, 5, 0; ru 2792, 5, 2; es 2783, 13, 4 (as Galician); zh 2794, 6, 0.

`LEAST` was chosen on the same rows, of 0.3, 0.4 and 0.5. Answers were not measured, and other languages neither. What the model
has not (`UNKNOWN`) it takes for a neighbour, as Yiddish for Hebrew, or for none. Arabic dialects, Norwegian's two forms and Wu
Chinese count with the language.
"""

from __future__ import annotations

import bisect
import functools
import re
import threading
from collections import Counter
from typing import TYPE_CHECKING

import msgspec

from tocsin.languages import LANGUAGES

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

VERSION = 1
"""Of the rules; raised whenever the same answers may be read otherwise."""
LEAST = 0.4
"""Probability below which no language is named."""

READ = 1000
"""Characters that are looked at."""
_RANKED = 400  # characters of the words among them that the model is given
_MOSTLY = 0.5  # share of the signs that must be letters, and of the letters that must be of one script
_KANA = 0.1  # share of kana among Chinese characters and kana: hardly any Japanese sentence has less
_LETTERS_NEEDED = 12  # where languages share a script
_LETTERS_ENOUGH = 3  # where the script alone tells


class Tongue(msgspec.Struct, frozen=True):
    """The language of a text.

    Attributes:
        code: Of `tocsin.languages`.
        probability: What the model gives it, in [0, 1]; 1 where the script leaves no choice. Not calibrated.
    """

    code: str
    probability: float


def language_of(text: str) -> Tongue | None:
    """The language of a text.

    Args:
        text: Any text; code, addresses and digits in it are left out. Of a long one the first 1,000 characters are read, and of
            their words the model is given 400 characters.

    Returns:
        None where the text is too short, is mostly something else than words, mixes scripts, is in a language that
        `tocsin.languages` or the model has not, or where the model gives no language `LEAST`. Never raises on a string.
    """
    words = _NOT_WORDS.sub(" ", text[:READ])
    scripts = Counter(filter(None, map(_script, words)))
    letters = sum(scripts.values())
    if letters < _LETTERS_ENOUGH or letters < _MOSTLY * len("".join(text[:READ].split())):
        return None
    (script, count) = scripts.most_common(1)[0]
    if (
        scripts["Kana"]
        and scripts["Kana"] >= _KANA * (scripts["Kana"] + scripts["Hani"])
        and script in ("Kana", "Hani")
    ):
        script, count = "Jpan", scripts["Kana"] + scripts["Hani"]
    if count < _MOSTLY * letters:
        return None
    among = _written_in(script)
    if len(among) == 1:
        return Tongue(among[0], 1.0)
    if letters < (_LETTERS_ENOUGH if script == "Hani" else _LETTERS_NEEDED):
        return None
    found = _ranked(" ".join(words.split())[:_RANKED], script)
    return found if found is not None and found.probability >= LEAST else None


# ---------------------------------------------------------------------------------------------------------------------
# Scripts

_BLOCKS = (
    (0x0041, 0x024F, "Latn"), (0x0370, 0x03FF, "Grek"), (0x0400, 0x052F, "Cyrl"), (0x0530, 0x058F, "Armn"),
    (0x0590, 0x05FF, "Hebr"), (0x0600, 0x06FF, "Arab"), (0x0750, 0x077F, "Arab"), (0x0780, 0x07BF, "Thaa"),
    (0x0900, 0x097F, "Deva"), (0x0980, 0x09FF, "Beng"), (0x0A00, 0x0A7F, "Guru"), (0x0A80, 0x0AFF, "Gujr"),
    (0x0B00, 0x0B7F, "Orya"), (0x0B80, 0x0BFF, "Taml"), (0x0C00, 0x0C7F, "Telu"), (0x0C80, 0x0CFF, "Knda"),
    (0x0D00, 0x0D7F, "Mlym"), (0x0D80, 0x0DFF, "Sinh"), (0x0E00, 0x0E7F, "Thai"), (0x0E80, 0x0EFF, "Laoo"),
    (0x0F00, 0x0FFF, "Tibt"), (0x1000, 0x109F, "Mymr"), (0x10A0, 0x10FF, "Geor"), (0x1100, 0x11FF, "Kore"),
    (0x1200, 0x139F, "Ethi"), (0x1780, 0x17FF, "Khmr"), (0x1E00, 0x1EFF, "Latn"), (0x1F00, 0x1FFF, "Grek"),
    (0x3041, 0x30FF, "Kana"), (0x3130, 0x318F, "Kore"), (0x31F0, 0x31FF, "Kana"), (0x3400, 0x9FFF, "Hani"),
    (0xAC00, 0xD7A3, "Kore"), (0xF900, 0xFAFF, "Hani"), (0xFB1D, 0xFB4F, "Hebr"), (0xFB50, 0xFDFF, "Arab"),
    (0xFE70, 0xFEFF, "Arab"), (0xFF66, 0xFF9D, "Kana"), (0x20000, 0x3134F, "Hani"),
)  # fmt: skip
"""Blocks of Unicode that hold letters: first, last, script."""
_STARTS = [first for first, _, _ in _BLOCKS]
_HAN = {"Hans": "Hani", "Hant": "Hani"}

_NOT_WORDS = re.compile(r"```.*?(?:```|\Z)|`[^`\n]*`|https?://\S+|www\.\S+|\S+@\S+\.\S+|<[^<>\n]{0,200}>", re.DOTALL)
"""Code, addresses and tags."""


@functools.lru_cache(maxsize=4096)
def _script(sign: str) -> str | None:
    """The script of a letter or of a sign that belongs to one; None of all else."""
    if not (sign.isalpha() or (sign > "\u0300" and not sign.isascii() and sign.isprintable())):
        return None
    at = bisect.bisect_right(_STARTS, ord(sign)) - 1
    return _BLOCKS[at][2] if at >= 0 and ord(sign) <= _BLOCKS[at][1] else None


@functools.cache
def _written_in(script: str) -> tuple[str, ...]:
    """The languages that are written in a script, as far as it tells them apart."""
    return tuple(one.code for one in LANGUAGES.values() if _HAN.get(one.script, one.script) == script)


# ---------------------------------------------------------------------------------------------------------------------
# The model

_CODES = {
    "gug": "gn", "nn": "no", "uzs": "uz", "ary": "ar", "arz": "ar", "hbo": "he", "grc": "el", "wuu": "zh", "sdh": "ku",
}  # fmt: skip
"""The model's codes → ours, where they are not the same: dialects and older forms count with the language that we have."""

UNKNOWN = frozenset({
    "ay", "bo", "ceb", "ckb", "dv", "haw", "hmn", "mi", "ny", "sd", "sm", "su", "ti", "tn", "wo", "yi",
})  # fmt: skip
"""Languages of `tocsin.languages` that py3langid 0.4 has not. Those whose script is theirs alone are named all the same."""

_lock = threading.Lock()


@functools.cache
def _model() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def _ranked(text: str, script: str) -> Tongue | None:
    """What the model gives most, of the languages in that script; None where it gives more to one that we have not."""
    with _lock:  # loaded once, whoever asks first
        model = _model()
    given: Counter[str] = Counter()
    for label, probability in model.rank(text):
        code = _CODES.get(label, label)
        if code not in LANGUAGES or code in _written_in(
            script
        ):  # which script a language has that is not ours is not known
            given[code] += probability
    code, probability = given.most_common(1)[0]
    return Tongue(code, min(1.0, float(probability))) if code in LANGUAGES else None
