"""The languages: what the table holds, which tags are taken, and what is said of one that is not."""

from __future__ import annotations

import re
import subprocess
import sys
import unicodedata
from dataclasses import FrozenInstanceError

import pytest

from tocsin.languages import _MISTAKEN, LANGUAGES, STATED, Language, UnknownLanguage, canonical, language, same

MAIN = (
    "ar", "bn", "cs", "de", "en", "es", "fr", "hi", "it", "ja", "jv", "ko", "nl", "pl", "pt", "ru",
    "sv", "sw", "th", "tr", "vi", "zh", "id",
)  # fmt: skip
"""The eighteen of arXiv 2601.10527, and those of MultiJail and XSafety."""
OTHERS = (
    "fa", "ur", "he", "uk", "ro", "el", "hu", "da", "fi", "no", "ta", "te", "mr", "gu", "pa", "zu",
    "gd", "hmn", "gn", "ne", "my", "km", "lo", "am", "yo", "ha", "tl", "ms", "ca",
)  # fmt: skip

BLOCKS = {
    "Arab": "ARABIC", "Armn": "ARMENIAN", "Beng": "BENGALI", "Cyrl": "CYRILLIC", "Deva": "DEVANAGARI", "Ethi": "ETHIOPIC",
    "Geor": "GEORGIAN", "Grek": "GREEK", "Gujr": "GUJARATI", "Guru": "GURMUKHI", "Hans": "CJK", "Hant": "CJK", "Hebr": "HEBREW",
    "Jpan": "CJK", "Khmr": "KHMER", "Knda": "KANNADA", "Kore": "HANGUL", "Laoo": "LAO", "Latn": "LATIN", "Mlym": "MALAYALAM",
    "Mymr": "MYANMAR", "Orya": "ORIYA", "Sinh": "SINHALA", "Taml": "TAMIL", "Telu": "TELUGU", "Thaa": "THAANA", "Thai": "THAI",
    "Tibt": "TIBETAN",
}  # fmt: skip
"""Script → the word with which Unicode names its letters."""


@pytest.mark.parametrize("code", [*MAIN, *OTHERS])
def test_every_language_of_the_evaluations_and_attacks_is_known(code: str) -> None:
    assert LANGUAGES[code].code == code


@pytest.mark.parametrize("known", LANGUAGES.values(), ids=lambda known: known.code)
def test_the_native_name_is_written_in_the_script(known: Language) -> None:
    letters = [c for c in known.native if unicodedata.category(c) in ("Lo", "Lu", "Ll")]
    assert letters
    assert {unicodedata.name(c).split()[0] for c in letters} == {BLOCKS[known.script]}
    rtl = {unicodedata.bidirectional(c) for c in letters} <= {"R", "AL"}
    assert known.rtl is rtl


def test_the_table_is_in_order_and_names_nothing_twice() -> None:
    assert list(LANGUAGES) == sorted(LANGUAGES)
    assert len({known.name for known in LANGUAGES.values()}) == len(LANGUAGES)
    assert all(re.fullmatch(r"[a-z]{2,3}", code) for code in LANGUAGES)


def test_levels_are_those_that_multijail_states() -> None:
    stated = {code: LANGUAGES[code].resources for code in STATED}
    high, medium, low = (
        dict.fromkeys(codes.split(), level)
        for codes, level in (("zh it vi", "high"), ("ar ko th", "medium"), ("bn sw jv", "low"))
    )
    assert stated == high | medium | low


def test_neither_the_record_nor_the_table_can_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        LANGUAGES["en"].name = "Anglish"  # type: ignore[misc]
    with pytest.raises(TypeError):
        LANGUAGES["tlh"] = LANGUAGES["en"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("code", "primary"),
    [("th", "th"), ("zh-Hans", "zh"), ("PT-br", "pt"), ("sr-Latn-RS", "sr"), ("yue", "yue"), ("es-419", "es"),
     ("de-DE-1996", "de"), ("ar-u-nu-latn", "ar"), ("en-x-mine", "en"), ("zh-cmn-Hans-CN", "zh"), ("HMN", "hmn")],
)  # fmt: skip
def test_a_tag_is_taken_by_its_primary_subtag(code: str, primary: str) -> None:
    assert language(code) is LANGUAGES[primary]


@pytest.mark.parametrize(
    ("code", "written"),
    [("EN", "en"), ("zh-hans-cn", "zh-Hans-CN"), ("PT-br", "pt-BR"), ("es-419", "es-419"), ("SL-rozaj", "sl-rozaj"),
     ("en-US-X-TWAIN-ab", "en-US-x-twain-ab"), ("ar-U-NU-LATN", "ar-u-nu-latn")],
)  # fmt: skip
def test_a_tag_has_one_way_of_being_written(code: str, written: str) -> None:
    assert canonical(code) == written
    assert canonical(written) == written


@pytest.mark.parametrize(
    ("given", "meant"),
    [("jp", "ja"), ("cn", "zh"), ("kr", "ko"), ("sp", "es"), ("vn", "vi"), ("cz", "cs"), ("se", "sv"), ("ua", "uk"),
     ("gr", "el"), ("iw", "he"), ("jw", "jv"), ("eng", "en"), ("jpn", "ja"), ("cmn", "zh"), ("jp-JP", "ja-JP"),
     ("thai", "th"), ("Thai", "th"), ("ไทย", "th"), ("日本語", "ja"), ("العربية", "ar"), ("Türkçe", "tr"), ("turkce", "tr"),
     ("english", "en"), ("Farsi", "fa"), ("mandarin", "zh"), ("Simplified Chinese", "zh-Hans"), ("scots gaelic", "gd"),
     ("swahilli", "sw"), ("russain", "ru"), ("en_US", "en-US"), ("zh_hans", "zh-Hans"), ("en us", "en-US"), ("en_", "en"),
     ("zh--hans", "zh-Hans"), (" de ", "de")],
)  # fmt: skip
def test_what_was_meant_is_said_first(given: str, meant: str) -> None:
    with pytest.raises(UnknownLanguage) as caught:
        language(given)
    assert caught.value.near[0] == meant
    name = LANGUAGES[meant.partition("-")[0]].name
    assert f"did you mean {meant!r} ({name})" in str(caught.value)
    assert repr(given) in str(caught.value)


def test_a_code_like_no_mistake_is_told_with_those_near_it_and_no_claim() -> None:
    with pytest.raises(
        UnknownLanguage, match=r"^unknown language 'tlh': the nearest known codes are 'tl' \(Tagalog\) or 'th'"
    ):
        language("tlh")


@pytest.mark.parametrize("given", ["", "e", "12", "<b>", "qq8", "-", "x-mine", "\x00", "z" * 10_000, "a\nb"])
def test_what_is_no_code_at_all_is_refused_in_one_short_line(given: str) -> None:
    with pytest.raises(UnknownLanguage) as caught:
        language(given)
    told = str(caught.value)
    assert told.startswith("no BCP 47 code ")
    assert "\n" not in told
    assert len(told) < 200


def test_wrong_codes_are_not_right_ones_and_lead_to_right_ones() -> None:
    assert not set(_MISTAKEN) & set(LANGUAGES)
    assert set(_MISTAKEN.values()) <= set(LANGUAGES)


def test_two_codes_are_one_language_where_one_tells_it_more_closely() -> None:
    assert same("zh", "zh-Hans")
    assert same("EN-us", "en")
    assert not same("zh-Hans", "zh-Hant")
    assert not same("zu", "zh")


def test_it_imports_nothing_of_tocsin_and_no_dependency() -> None:
    told = "import sys, tocsin; before = set(sys.modules); import tocsin.languages; print(*(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split() if name != "tocsin.languages"}
    assert loaded <= sys.stdlib_module_names, loaded
