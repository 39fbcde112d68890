"""The languages tocsin knows: BCP 47 code → name, native name, script, direction, resource level.

Codes are primary subtags of BCP 47 (RFC 5646), which are the shorter of a language's ISO 639 codes. The script is the one that
CLDR takes for the language where none is told (ISO 15924): `hmn` is Hmong in the Romanised Popular Alphabet, `zh` is Simplified
Chinese.

**Resource level.** The grouping of MultiJail (Deng et al. 2023, arXiv 2310.06474), by a language's share of the pages of
CommonCrawl: *high* above 1%, *medium* above 0.1%, *low* below. The paper states the level of the languages in `STATED`. For all
others the rule is followed from memory of CommonCrawl's language statistics of 2022 and 2023, not looked up; Czech, Turkish and
Indonesian lie near 1% and Bengali, Estonian, Latvian and Malay near 0.1%, so that another crawl may put them on the other side.
The share of web pages says little of how many people speak a language, and of what a given model was trained on.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Literal

Resources = Literal["high", "medium", "low"]


@dataclass(frozen=True, slots=True)
class Language:
    """One language.

    Attributes:
        code: Primary subtag of BCP 47, in lower case.
        name: Its name in English.
        native: Its name in itself, in `script`.
        script: The script that it is mostly written in (ISO 15924).
        rtl: Whether that script runs from right to left.
        resources: How much text of it the web holds; see the module.
    """

    code: str
    name: str
    native: str
    script: str
    rtl: bool
    resources: Resources


class UnknownLanguage(ValueError):
    """What was given is no code of a known language; the message names the nearest.

    Attributes:
        given: What was given.
        near: Codes that may have been meant, the nearest first.
    """

    def __init__(self, given: str) -> None:
        self.given = given
        self.near, sure = _nearest(given)
        told = _either([f"{code!r} ({LANGUAGES[code.partition('-')[0]].name})" for code in self.near])
        shown = repr(given if len(given) <= 40 else f"{given[:40]}…")
        fault = "unknown language" if _TAG.fullmatch(given) else "no BCP 47 code"
        if sure:
            mend = f"did you mean {told}?"
        elif self.near:
            mend = f"the nearest known codes are {told}"
        else:
            mend = "codes are such as 'en' or 'zh-Hans'; `tocsin list languages` shows them"
        super().__init__(f"{fault} {shown}: {mend}")


def language(code: str) -> Language:
    """The language of a BCP 47 tag.

    Args:
        code: A well-formed tag whose primary subtag is known, in any case: ``th``, ``zh-Hans``, ``pt-BR``.

    Raises:
        UnknownLanguage: It is not well-formed, or its primary subtag is not known.
    """
    found = LANGUAGES.get(code.partition("-")[0].lower())
    if found is None or not _TAG.fullmatch(code):
        raise UnknownLanguage(code)
    return found


def named(text: str) -> Language:
    """The language of a tag, or of a name in English or in the language itself, as data call it: ``German``, ``de``, ``Deutsch``.

    Raises:
        UnknownLanguage: It is neither.
    """
    code = _names().get(_plain(text))
    return language(text) if code is None else LANGUAGES[code]


def canonical(code: str) -> str:
    """A tag in the letter case of RFC 5646, section 2.1.1, in which a language has one name in every figure: ``zh-Hans-CN``.

    Raises:
        UnknownLanguage: As of `language`.
    """
    language(code)
    first, *rest = code.lower().split("-")
    told, plain = [first], True
    for part in rest:
        plain = plain and len(part) > 1  # behind a singleton stand extensions and private use, all in lower case
        script, region = len(part) == 4 and part.isalpha(), len(part) == 2
        told.append(part.title() if plain and script else part.upper() if plain and region else part)
    return "-".join(told)


def same(one: str, other: str) -> bool:
    """Whether two codes name one language, of which one may be told more closely (``zh``, ``zh-Hans``)."""
    first, second = (code.lower().split("-") for code in (one, other))
    return all(a == b for a, b in zip(first, second, strict=False))


_TAG = re.compile(
    r"[a-z]{2,3}(?:-[a-z]{3}){0,3}(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[0-9a-wy-z](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?",
    re.IGNORECASE,
)
"""A well-formed tag (RFC 5646, section 2.1), without grandfathered ones and those that are for private use alone."""


def _nearest(given: str) -> tuple[tuple[str, ...], bool]:
    """Codes that may have been meant, and whether one of them surely was."""
    tag = re.sub(r"[\s_-]+", "-", given).strip("-")
    first, _, rest = tag.partition("-")
    if tag != given and _TAG.fullmatch(tag) and first.lower() in LANGUAGES:
        return (canonical(tag),), True
    word = _plain(given)
    if word in _names():
        return (_names()[word],), True
    if (meant := _MISTAKEN.get(first.lower())) is not None:
        whole = f"{meant}-{rest}" if rest else meant
        return (canonical(whole) if _TAG.fullmatch(whole) else meant,), True
    if close := difflib.get_close_matches(word, _names(), n=3, cutoff=0.75):
        return tuple(dict.fromkeys(_names()[name] for name in close)), True
    if not 2 <= len(first) <= 3:
        return (), False
    return tuple(difflib.get_close_matches(first.lower(), LANGUAGES, n=3, cutoff=0.5)), False


@cache
def _names() -> dict[str, str]:
    """Every name of a language, folded → its code."""
    named = {}
    for known in LANGUAGES.values():
        for name in (known.native, known.name, *known.name.split(" or ")):
            named[_plain(name)] = known.code
    return named | {_plain(name): code for name, code in _OTHER_NAMES.items()}


def _plain(name: str) -> str:
    pieces = unicodedata.normalize("NFKD", name.casefold())
    return " ".join("".join(c for c in pieces if not unicodedata.combining(c)).split())


def _either(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}" if words else ""


_MISTAKEN = {
    # codes of countries
    "cn": "zh", "tw": "zh", "jp": "ja", "kr": "ko", "vn": "vi", "cz": "cs", "se": "sv", "dk": "da", "ua": "uk", "gr": "el",
    "ir": "fa", "il": "he", "in": "id", "us": "en", "gb": "en", "at": "de", "mx": "es", "ph": "tl", "kh": "km", "np": "ne",
    "pk": "ur", "rs": "sr", "ge": "ka", "kz": "kk", "ke": "sw", "sa": "ar", "eg": "ar", "ee": "et", "al": "sq",
    # what people guess
    "sp": "es", "po": "pl", "du": "nl", "gk": "el", "jap": "ja", "kor": "ko", "viet": "vi",
    # codes that BCP 47 gave up, and ISO 639 codes of three letters where there is one of two, or that are part of another
    "iw": "he", "ji": "yi", "jw": "jv", "mo": "ro", "nb": "no", "nn": "no", "fil": "tl", "cmn": "zh", "arb": "ar", "pes": "fa",
    "swh": "sw", "zsm": "ms", "npi": "ne", "ory": "or", "lvs": "lv", "ekk": "et", "als": "sq", "plt": "mg", "mww": "hmn",
    "khk": "mn", "azj": "az", "uzn": "uz", "pbt": "ps", "ara": "ar", "ben": "bn", "ces": "cs", "cze": "cs", "deu": "de",
    "ger": "de", "ell": "el", "gre": "el", "eng": "en", "spa": "es", "fas": "fa", "per": "fa", "fra": "fr", "fre": "fr",
    "guj": "gu", "heb": "he", "hin": "hi", "hun": "hu", "ind": "id", "ita": "it", "jpn": "ja", "jav": "jv", "nld": "nl",
    "dut": "nl", "pol": "pl", "por": "pt", "ron": "ro", "rum": "ro", "rus": "ru", "swe": "sv", "swa": "sw", "tam": "ta",
    "tel": "te", "tha": "th", "tgl": "tl", "tur": "tr", "ukr": "uk", "urd": "ur", "vie": "vi", "zho": "zh", "chi": "zh",
    "zul": "zu",
}  # fmt: skip
"""Codes that are often written for another."""

_OTHER_NAMES = {
    "Mandarin": "zh", "Simplified Chinese": "zh-Hans", "Traditional Chinese": "zh-Hant", "Farsi": "fa", "Filipino": "tl",
    "Castilian": "es", "Flemish": "nl", "Bangla": "bn", "Gaelic": "gd", "Scots Gaelic": "gd", "Bahasa Indonesia": "id",
    "Bahasa": "id", "Kiswahili": "sw", "Swahili": "sw", "Panjabi": "pa", "Oriya": "or", "Myanmar": "my", "Bokmål": "no",
    "Nynorsk": "no", "Brazilian": "pt-BR", "Brazilian Portuguese": "pt-BR", "Modern Greek": "el", "Chewa": "ny",
    "Kurmanji": "ku", "Sorani": "ckb", "Uighur": "ug", "Hebrew": "he", "Isizulu": "zu", "Moldovan": "ro",
}  # fmt: skip
"""Names beside those of the table → code."""

_TABLE: tuple[tuple[str, str, str, str, Resources], ...] = (
    ("af", "Afrikaans", "Afrikaans", "Latn", "low"),
    ("am", "Amharic", "አማርኛ", "Ethi", "low"),
    ("ar", "Arabic", "العربية", "Arab", "medium"),
    ("as", "Assamese", "অসমীয়া", "Beng", "low"),
    ("ay", "Aymara", "Aymar aru", "Latn", "low"),
    ("az", "Azerbaijani", "Azərbaycanca", "Latn", "low"),
    ("be", "Belarusian", "Беларуская", "Cyrl", "low"),
    ("bg", "Bulgarian", "Български", "Cyrl", "medium"),
    ("bn", "Bengali", "বাংলা", "Beng", "low"),
    ("bo", "Tibetan", "བོད་སྐད་", "Tibt", "low"),
    ("bs", "Bosnian", "Bosanski", "Latn", "low"),
    ("ca", "Catalan", "Català", "Latn", "medium"),
    ("ceb", "Cebuano", "Cebuano", "Latn", "low"),
    ("ckb", "Central Kurdish", "کوردیی ناوەندی", "Arab", "low"),
    ("cs", "Czech", "Čeština", "Latn", "high"),
    ("cy", "Welsh", "Cymraeg", "Latn", "low"),
    ("da", "Danish", "Dansk", "Latn", "medium"),
    ("de", "German", "Deutsch", "Latn", "high"),
    ("dv", "Dhivehi", "ދިވެހި", "Thaa", "low"),
    ("el", "Greek", "Ελληνικά", "Grek", "medium"),
    ("en", "English", "English", "Latn", "high"),
    ("eo", "Esperanto", "Esperanto", "Latn", "low"),
    ("es", "Spanish", "Español", "Latn", "high"),
    ("et", "Estonian", "Eesti", "Latn", "medium"),
    ("eu", "Basque", "Euskara", "Latn", "low"),
    ("fa", "Persian", "فارسی", "Arab", "medium"),
    ("fi", "Finnish", "Suomi", "Latn", "medium"),
    ("fr", "French", "Français", "Latn", "high"),
    ("ga", "Irish", "Gaeilge", "Latn", "low"),
    ("gd", "Scottish Gaelic", "Gàidhlig", "Latn", "low"),
    ("gl", "Galician", "Galego", "Latn", "low"),
    ("gn", "Guarani", "Avañe'ẽ", "Latn", "low"),
    ("gu", "Gujarati", "ગુજરાતી", "Gujr", "low"),
    ("ha", "Hausa", "Hausa", "Latn", "low"),
    ("haw", "Hawaiian", "ʻŌlelo Hawaiʻi", "Latn", "low"),
    ("he", "Hebrew", "עברית", "Hebr", "medium"),
    ("hi", "Hindi", "हिन्दी", "Deva", "medium"),
    ("hmn", "Hmong", "Hmoob", "Latn", "low"),
    ("hr", "Croatian", "Hrvatski", "Latn", "medium"),
    ("ht", "Haitian Creole", "Kreyòl ayisyen", "Latn", "low"),
    ("hu", "Hungarian", "Magyar", "Latn", "medium"),
    ("hy", "Armenian", "Հայերեն", "Armn", "low"),
    ("id", "Indonesian", "Bahasa Indonesia", "Latn", "medium"),
    ("ig", "Igbo", "Igbo", "Latn", "low"),
    ("is", "Icelandic", "Íslenska", "Latn", "low"),
    ("it", "Italian", "Italiano", "Latn", "high"),
    ("ja", "Japanese", "日本語", "Jpan", "high"),
    ("jv", "Javanese", "Basa Jawa", "Latn", "low"),
    ("ka", "Georgian", "ქართული", "Geor", "low"),
    ("kk", "Kazakh", "Қазақ тілі", "Cyrl", "low"),
    ("km", "Khmer", "ខ្មែរ", "Khmr", "low"),
    ("kn", "Kannada", "ಕನ್ನಡ", "Knda", "low"),
    ("ko", "Korean", "한국어", "Kore", "medium"),
    ("ku", "Kurdish", "Kurdî", "Latn", "low"),
    ("ky", "Kyrgyz", "Кыргызча", "Cyrl", "low"),
    ("la", "Latin", "Latina", "Latn", "low"),
    ("lb", "Luxembourgish", "Lëtzebuergesch", "Latn", "low"),
    ("lg", "Ganda", "Luganda", "Latn", "low"),
    ("ln", "Lingala", "Lingála", "Latn", "low"),
    ("lo", "Lao", "ລາວ", "Laoo", "low"),
    ("lt", "Lithuanian", "Lietuvių", "Latn", "medium"),
    ("lv", "Latvian", "Latviešu", "Latn", "low"),
    ("mg", "Malagasy", "Malagasy", "Latn", "low"),
    ("mi", "Maori", "Māori", "Latn", "low"),
    ("mk", "Macedonian", "Македонски", "Cyrl", "low"),
    ("ml", "Malayalam", "മലയാളം", "Mlym", "low"),
    ("mn", "Mongolian", "Монгол", "Cyrl", "low"),
    ("mr", "Marathi", "मराठी", "Deva", "low"),
    ("ms", "Malay", "Bahasa Melayu", "Latn", "low"),
    ("mt", "Maltese", "Malti", "Latn", "low"),
    ("my", "Burmese", "မြန်မာ", "Mymr", "low"),
    ("ne", "Nepali", "नेपाली", "Deva", "low"),
    ("nl", "Dutch", "Nederlands", "Latn", "high"),
    ("no", "Norwegian", "Norsk", "Latn", "medium"),
    ("ny", "Nyanja", "Chinyanja", "Latn", "low"),
    ("om", "Oromo", "Oromoo", "Latn", "low"),
    ("or", "Odia", "ଓଡ଼ିଆ", "Orya", "low"),
    ("pa", "Punjabi", "ਪੰਜਾਬੀ", "Guru", "low"),
    ("pl", "Polish", "Polski", "Latn", "high"),
    ("ps", "Pashto", "پښتو", "Arab", "low"),
    ("pt", "Portuguese", "Português", "Latn", "high"),
    ("qu", "Quechua", "Runasimi", "Latn", "low"),
    ("ro", "Romanian", "Română", "Latn", "medium"),
    ("ru", "Russian", "Русский", "Cyrl", "high"),
    ("rw", "Kinyarwanda", "Ikinyarwanda", "Latn", "low"),
    ("sd", "Sindhi", "سنڌي", "Arab", "low"),
    ("si", "Sinhala", "සිංහල", "Sinh", "low"),
    ("sk", "Slovak", "Slovenčina", "Latn", "medium"),
    ("sl", "Slovenian", "Slovenščina", "Latn", "medium"),
    ("sm", "Samoan", "Gagana Samoa", "Latn", "low"),
    ("sn", "Shona", "ChiShona", "Latn", "low"),
    ("so", "Somali", "Soomaali", "Latn", "low"),
    ("sq", "Albanian", "Shqip", "Latn", "low"),
    ("sr", "Serbian", "Српски", "Cyrl", "medium"),
    ("st", "Southern Sotho", "Sesotho", "Latn", "low"),
    ("su", "Sundanese", "Basa Sunda", "Latn", "low"),
    ("sv", "Swedish", "Svenska", "Latn", "medium"),
    ("sw", "Swahili", "Kiswahili", "Latn", "low"),
    ("ta", "Tamil", "தமிழ்", "Taml", "low"),
    ("te", "Telugu", "తెలుగు", "Telu", "low"),
    ("tg", "Tajik", "Тоҷикӣ", "Cyrl", "low"),
    ("th", "Thai", "ไทย", "Thai", "medium"),
    ("ti", "Tigrinya", "ትግርኛ", "Ethi", "low"),
    ("tk", "Turkmen", "Türkmençe", "Latn", "low"),
    ("tl", "Tagalog", "Tagalog", "Latn", "low"),
    ("tn", "Tswana", "Setswana", "Latn", "low"),
    ("tr", "Turkish", "Türkçe", "Latn", "medium"),
    ("ug", "Uyghur", "ئۇيغۇرچە", "Arab", "low"),
    ("uk", "Ukrainian", "Українська", "Cyrl", "medium"),
    ("ur", "Urdu", "اردو", "Arab", "low"),
    ("uz", "Uzbek", "Oʻzbekcha", "Latn", "low"),
    ("vi", "Vietnamese", "Tiếng Việt", "Latn", "high"),
    ("wo", "Wolof", "Wolof", "Latn", "low"),
    ("xh", "Xhosa", "isiXhosa", "Latn", "low"),
    ("yi", "Yiddish", "ייִדיש", "Hebr", "low"),
    ("yo", "Yoruba", "Yorùbá", "Latn", "low"),
    ("yue", "Cantonese", "粵語", "Hant", "low"),
    ("zh", "Chinese", "中文", "Hans", "high"),
    ("zu", "Zulu", "isiZulu", "Latn", "low"),
)

RTL_SCRIPTS = frozenset({"Arab", "Hebr", "Thaa"})
"""Those of the scripts here that run from right to left."""

STATED = frozenset({"zh", "it", "vi", "ar", "ko", "th", "bn", "sw", "jv"})
"""Languages whose resource level MultiJail states. All others follow its rule from memory."""


def _listed() -> Iterable[Language]:
    for code, name, native, script, resources in _TABLE:
        yield Language(code, name, native, script, script in RTL_SCRIPTS, resources)


LANGUAGES: Mapping[str, Language] = MappingProxyType({known.code: known for known in _listed()})
"""Code → language, by code."""
