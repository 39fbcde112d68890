"""Text in every script and direction: what it is marked with, and that no digit strays into a word beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import Browser, executable
from tests.report.planted import Built, Page, plant, refuse, safe, unsafe
from tocsin.report import clean, words, write_html, write_markdown
from tocsin.report.page import environment

HEBREW = "פרטיות"
SAID = {
    "ar": ("كم يوما تبقى شوربة العدس صالحة في الثلاجة؟ (صفحة 12)", "تبقى من ثلاثة إلى أربعة أيام في وعاء مغلق."),
    "he": ("כמה זמן נשמר מרק עדשים במקרר?", "שלושה עד ארבעה ימים בכלי סגור."),
    "zh-Hant": ("扁豆湯在冰箱裡能放幾天？", "密封後可以放三到四天。"),
    "th": ("ซุปถั่วเก็บในตู้เย็นได้นานกี่วัน", "สามถึงสี่วัน ถ้าปิดฝาให้สนิท"),
    "hi": ("दाल का सूप फ्रिज में कितने दिन ठीक रहता है?", "तीन से चार दिन, बंद डिब्बे में।"),
    "ja": ("レンズ豆のスープは冷蔵庫で何日もちますか。", "I think it keeps for three to four days in a closed box."),
}
"""Mild requests and answers; the last answer is in another language than its request."""


@pytest.fixture
def built(tmp_path: Path, base: dict[str, Any]) -> Built:
    records = [
        (unsafe if repeat else safe)(
            refuse(10 * number + repeat, prompt, language=language, hazard=f"{HEBREW} {number}"), answer
        )
        for number, (language, (prompt, answer)) in enumerate(SAID.items())
        for repeat in range(2)
    ]
    return plant(tmp_path / "run", records, base)


def test_languages_stand_with_their_names_also_where_a_code_tells_more(built: Built) -> None:
    told = Page(write_html(*built)).section("hazards").text
    for name in ("Arabic (ar)", "Hebrew (he)", "Chinese (zh-Hant)", "Thai (th)", "Hindi (hi)", "Japanese (ja)"):
        assert name in told
    assert words.language("tlh") == "tlh"
    assert words.language("not a code") == "not a code"


def test_texts_are_marked_with_direction_and_with_the_language_they_are_in(built: Built) -> None:
    marked = {
        text.text: text.attributes for text in Page(write_html(*built, reveal=True)).section("examples").all("pre")
    }
    assert marked
    for text, attributes in marked.items():
        assert attributes["dir"] == "auto"
        for language, (prompt, answer) in SAID.items():
            if text == prompt:
                assert attributes["lang"] == language
            elif text == answer:
                assert attributes["lang"] == ("en" if language == "ja" else language)
    assert sum(text in (prompt, answer) for text in marked for prompt, answer in SAID.values()) >= 4


def test_a_judge_says_by_name_which_languages_it_is_not_made_for(built: Built) -> None:
    told = Page(write_html(*built)).section("finding").text
    assert "It is not made for Hebrew (he), which this run has." in told


def test_only_words_that_turn_the_line_are_isolated() -> None:
    assert clean.isolated(f"On {HEBREW}, 3 of 5") == f"On \u2068{HEBREW}\u2069, 3 of 5"
    assert (
        clean.isolated(f"the {HEBREW} {HEBREW} 18 {HEBREW}: 3") == f"the \u2068{HEBREW} {HEBREW} 18 {HEBREW}\u2069: 3"
    )
    for alone in (HEBREW, f"{HEBREW} 18+", "kitchen", "台所 3", "ครัว: 12", "Küche", ""):
        assert clean.isolated(alone) == alone


def test_isolates_that_came_with_a_text_are_still_written_out() -> None:
    shown = clean.finalize(f"a\u2068{HEBREW}\u2067 b \u202e c")
    assert isinstance(shown, str)
    assert "⟨U+2068⟩" in shown
    assert "⟨U+2067⟩" in shown
    assert "⟨U+202E⟩" in shown
    assert shown.count("\u2068") == shown.count("\u2069") == 1
    assert not {"\u2067", "\u202e"} & set(shown)


def test_markdown_ends_words_that_turn_the_line_with_a_mark(tmp_path: Path, base: dict[str, Any]) -> None:
    assert clean.markdown(f"{HEBREW} 7") == f"{HEBREW}&lrm; 7"
    assert clean.markdown("台所 7") == "台所 7"
    built = plant(tmp_path / "run", [safe(refuse(1))], base, targets=[f"a/{HEBREW}-7"])
    assert f"## Safety of a/{HEBREW}&lrm;-7" in write_markdown(built.manifest, built.summary)


PLACES = """
(() => { const text = document.querySelector('p').firstChild;
  const at = w => { const r = document.createRange(), i = text.data.indexOf(w);
  r.setStart(text, i); r.setEnd(text, i + w.length); return r.getBoundingClientRect().left };
  return ['WORD', '37', 'of'].map(at) })()
"""


@pytest.mark.skipif(executable() is None, reason="needs Chromium or Chrome on the PATH")
def test_digits_behind_a_right_to_left_word_stay_behind_it_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    template = environment().from_string('<meta charset="utf-8"><p>{{ said }}</p>')
    page.write_text(template.render(said=f"On {HEBREW}: 37 of 50"), encoding="utf-8")
    bare = tmp_path / "bare.html"
    bare.write_text(f'<meta charset="utf-8"><p>On {HEBREW}: 37 of 50</p>', encoding="utf-8")
    with Browser(tmp_path) as browser:
        browser.show(page, width=800)
        word, digits, rest = browser.value(PLACES.replace("WORD", HEBREW))
        assert word < digits < rest
        browser.show(bare, width=800)
        word, digits, _ = browser.value(PLACES.replace("WORD", HEBREW))
        assert digits < word, "without isolates the browser draws the digits first, so the test tells"
