"""What is drawn: every character, in its script, and never a box in the place of one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, features

from tests.attacks.reading import likeness, opened, read
from tocsin.drawing import FontMissing, Undrawable, clusters, font, fonts, lettering, lines, png

TEXTS = {
    "en": "Explain how strong black tea is brewed in a samovar",
    "zh": "请说明如何用俄式茶炊泡出一壶浓红茶，以及需要多少水和茶叶。",
    "ja": "サモワールで濃い紅茶を淹れる方法を説明してください。",
    "ko": "사모바르에서 진한 홍차를 끓이는 방법을 설명하세요.",
    "ru": "Объясните, как заваривают крепкий чай в самоваре",
    "el": "Εξηγήστε πώς παρασκευάζεται το δυνατό τσάι",
    "vi": "Giải thích cách pha trà đen đặc",
    "ar": "اشرح كيف يُحضَّر الشاي الأسود القوي في السماور",
    "fa": "توضیح دهید که چای سیاه پررنگ چگونه دم می‌شود",
    "ur": "سماوار میں تیز چائے کیسے بنائی جاتی ہے",
    "he": "הסבר כיצד מכינים תה שחור חזק במיחם",
    "hi": "समोवर में तेज़ काली चाय कैसे बनाई जाती है",
    "bn": "সামোভারে কড়া চা কীভাবে বানানো হয়",
    "th": "อธิบายวิธีชงชาดำเข้มในกาโมวาร์",
}


def missing(code: str, size: int = 48) -> bytes:
    """The picture of the glyph that stands for what a font lacks, in the font that draws this language."""
    chosen = font(TEXTS[code], size, language=code)
    return bytes(chosen.getmask("\U0010fffe"))


def inked(picture: Image.Image) -> tuple[int, int, int, int]:
    box = Image.eval(picture.convert("L"), lambda value: 255 - value).getbbox()
    assert box is not None
    return box


@pytest.mark.parametrize("code", TEXTS)
def test_every_character_is_drawn_and_none_as_a_box(code: str) -> None:
    """For scripts that the reader of text does not know, too: Arabic, Hebrew, Devanagari, Bengali, Thai, Korean, Cyrillic."""
    try:
        chosen = font(TEXTS[code], 48, language=code)
    except FontMissing as lacking:
        pytest.skip(str(lacking))
    box = missing(code)
    for cluster in clusters(unicodedata.normalize("NFC", TEXTS[code])):
        if cluster.strip() and cluster not in "\u200c\u200d":
            assert bytes(chosen.getmask(cluster)) != box, f"{cluster!a} is a box"
    picture = lettering(TEXTS[code], language=code)
    left, top, right, bottom = inked(picture)
    assert left >= 20
    assert top >= 20
    assert right <= picture.width - 20
    assert bottom <= picture.height - 20
    assert png(picture) == png(lettering(TEXTS[code], language=code))


@pytest.mark.parametrize("code", ["en", "zh", "ja"])
def test_what_is_drawn_is_read_back(code: str) -> None:
    picture = lettering(TEXTS[code], language=code, size=56, width=620)
    assert likeness("".join(read(png(picture))), TEXTS[code]) > 0.97


@pytest.mark.skipif(not features.check("raqm"), reason="Pillow here has no raqm")
@pytest.mark.parametrize("code", ["ar", "he"])
def test_lines_from_right_to_left_begin_at_the_right(code: str) -> None:
    try:
        picture = lettering(TEXTS[code] + "\n" + TEXTS[code].split()[0], language=code, width=900)
    except FontMissing as lacking:
        pytest.skip(str(lacking))
    grey = np.asarray(picture.convert("L")) < 128
    below = grey[grey.shape[0] // 2 + 15 :]
    assert below[:, 450:].any(), "the short line stands at the right"
    assert not below[:, :300].any()


def test_letters_of_arabic_are_joined() -> None:
    if not features.check("raqm"):
        pytest.skip("Pillow here has no raqm")
    try:
        chosen = font("سلام", 60)
    except FontMissing as lacking:
        pytest.skip(str(lacking))
    apart = sum(chosen.getlength(letter) for letter in "سلام")
    assert chosen.getlength("سلام", direction="rtl") < apart * 0.95, "forms within a word are narrower than those alone"


@pytest.mark.parametrize("code", ["ar", "hi", "th", "he"])
def test_without_shaping_such_scripts_are_not_drawn_wrong(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fonts.features, "check", lambda name: False)
    with pytest.raises(FontMissing, match="raqm") as told:
        lettering(TEXTS[code], language=code)
    assert TEXTS[code].split()[0] not in str(told.value)


def test_what_no_font_has_is_an_error_that_says_what_to_install_and_not_the_text() -> None:
    with pytest.raises(FontMissing, match=r"fonts-noto-cjk.*TOCSIN_FONTS") as told:
        lettering("the secret \ue000 words", language="en")
    assert "secret" not in str(told.value)
    assert told.value.language == "en"
    assert isinstance(told.value, ValueError)
    with pytest.raises(FontMissing):
        font("\ue000", 20)


@pytest.mark.parametrize("text", ["", " \n ", "\u200b\x00\x07", "word " * 5_000, "\ud800"])
def test_what_cannot_be_seen_or_is_too_long_is_not_drawn(text: str) -> None:
    with pytest.raises(Undrawable):
        lettering(text)


def test_english_needs_no_font_on_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    before = png(lettering(TEXTS["en"]))
    monkeypatch.setattr(fonts, "FOLDERS", ())
    assert png(lettering(TEXTS["en"])) == before
    with pytest.raises(FontMissing, match="cyrillic"):
        lettering(TEXTS["ru"])


def test_a_folder_of_fonts_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = fonts.installed(fonts.FOLDERS)
    name = next((name for name in ("DejaVuSans.ttf", "NotoSans-Regular.ttf") if name in there), None)
    if name is None:
        pytest.skip("neither DejaVu nor Noto is here")
    shutil.copy(there[name], tmp_path / "mine.ttf")
    monkeypatch.setattr(fonts, "FOLDERS", ())
    monkeypatch.setenv(fonts.FOLDER, str(tmp_path))
    assert font(TEXTS["ru"], 20).path == str(tmp_path / "mine.ttf")
    (tmp_path / "broken.ttf").write_bytes(b"\x00\x01\x00\x00" + b"\xff" * 40)
    fonts.installed.cache_clear()
    assert lettering(TEXTS["ru"]).height > 60, "a file that is no font is passed over"


@pytest.mark.parametrize("text", ["a" * 300, "word " * 120, "茶" * 300, "one\ntwo\n\nthree", "x" * 30 + " y"])
def test_lines_are_broken_and_nothing_is_cut_off(text: str) -> None:
    pen = lines._Pen(fonts.faces_for(text, ""), 40)
    made = [line for line, _ in pen.lines(text, 500)]
    assert "".join("".join(made).split()) == "".join(text.split())
    assert max(pen.width(line, False) for line in made) <= 500
    picture = lettering(text, width=560, size=40, height=300)
    left, top, right, bottom = inked(picture)
    assert left > 0
    assert top > 0
    assert right < picture.width
    assert bottom < picture.height
    assert picture.height >= 300


def test_marks_stay_with_their_letters_and_stops_with_their_words() -> None:
    assert clusters("e\u0301a") == ["e\u0301", "a"]
    assert clusters("क्षि") == ["क्षि"]
    made = [line for line, _ in lines._Pen(fonts.faces_for("茶。", ""), 40).lines("茶茶茶茶茶茶。（茶）茶", 240)]
    assert not any(line[0] in "。）" or line[-1] == "（" for line in made)


def test_a_line_of_two_scripts_is_drawn_with_two_fonts() -> None:
    text = "Tea is чай and 茶 and चाय"
    try:
        runs = lines._Pen(fonts.faces_for(text, ""), 30).runs(text)
    except FontMissing as lacking:
        pytest.skip(str(lacking))
    assert "".join(part for _, part in runs) == text
    assert len({made.getname() for made, _ in runs}) > 1
    assert inked(lettering(text))


def test_a_file_has_no_metadata() -> None:
    picture = lettering("tea")
    picture.info["comment"] = "secret"
    ImageDraw.Draw(picture)
    assert opened(png(picture)).info == {}
    assert b"secret" not in png(picture)
    assert png(picture)[:8] == b"\x89PNG\r\n\x1a\n"


def test_another_process_draws_the_same_bytes() -> None:
    code = "import sys; from tocsin.drawing import *; sys.stdout.buffer.write(png(lettering('tea\\n1.', size=60)))"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert other == png(lettering("tea\n1.", size=60))
