"""Which language a text is in. The figures of `tocsin.judges.tongue` are held to on the published rows, if they are here."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tocsin.judges import tongue
from tocsin.judges.tongue import UNKNOWN, Tongue, language_of
from tocsin.languages import LANGUAGES

SAID = {
    "en": "Lentil soup keeps three to four days in the fridge.",
    "de": "Linsensuppe hält sich im Kühlschrank etwa drei bis vier Tage.",
    "fr": "La soupe de lentilles se garde trois ou quatre jours au réfrigérateur.",
    "es": "La sopa de lentejas se conserva entre tres y cuatro días en la nevera.",
    "it": "La zuppa di lenticchie si conserva in frigorifero per tre o quattro giorni.",
    "pt": "A sopa de lentilha dura de três a quatro dias na geladeira, bem tampada.",
    "nl": "Linzensoep blijft in de koelkast drie tot vier dagen goed.",
    "sv": "Linssoppa håller sig tre till fyra dagar i kylskåpet.",
    "pl": "Zupa z soczewicy może stać w lodówce trzy lub cztery dni.",
    "cs": "Čočková polévka vydrží v lednici tři až čtyři dny.",
    "tr": "Mercimek çorbası buzdolabında üç dört gün dayanır.",
    "vi": "Súp đậu lăng để trong tủ lạnh được ba đến bốn ngày.",
    "id": "Sup kacang ini dapat disimpan di kulkas selama tiga sampai empat hari.",
    "sw": "Supu ya dengu hudumu kwa siku tatu hadi nne kwenye friji.",
    "ru": "Чечевичный суп хранится в холодильнике три-четыре дня.",
    "uk": "Сочевичний суп зберігається в холодильнику три-чотири дні.",
    "ar": "تبقى شوربة العدس صالحة في الثلاجة من ثلاثة إلى أربعة أيام.",
    "fa": "سوپ عدس سه تا چهار روز در یخچال می‌ماند و بعد باید دور ریخته شود.",
    "ur": "دال کا سوپ فریج میں تین سے چار دن تک ٹھیک رہتا ہے۔",
    "he": "מרק עדשים נשמר במקרר שלושה עד ארבעה ימים.",
    "hi": "दाल का सूप फ्रिज में तीन से चार दिन ठीक रहता है।",
    "bn": "মসুর ডালের স্যুপ ফ্রিজে তিন থেকে চার দিন ভালো থাকে।",
    "th": "ซุปถั่วเก็บในตู้เย็นได้นานสามถึงสี่วัน",
    "zh": "扁豆汤密封后在冰箱里可以放三到四天。",
    "ja": "レンズ豆のスープは冷蔵庫で三、四日もちます。",
    "ko": "렌틸콩 수프는 냉장고에서 사나흘 정도 보관할 수 있습니다.",
    "ta": "பருப்பு சூப் குளிர்சாதனப் பெட்டியில் மூன்று நாட்கள் இருக்கும்.",
    "am": "የምስር ሾርባ በማቀዝቀዣ ውስጥ ለሦስት ቀናት ይቆያል።",
    "el": "Η σούπα με φακές κρατάει τρεις με τέσσερις μέρες στο ψυγείο.",
}


@pytest.mark.parametrize("code", SAID)
def test_a_sentence_is_in_its_language(code: str) -> None:
    found = language_of(SAID[code])
    assert found is not None
    assert found.code == code
    assert tongue.LEAST <= found.probability <= 1


@pytest.mark.parametrize(
    ("text", "code"),
    [("ไทย ok", "th"), ("สวัสดีครับ", "th"), ("ありがとう", "ja"), ("東京都庁の前で待つ", "ja"), ("안녕하세요", "ko"),
     ("ນ້ຳເຢັນ", "lo"), ("ދިވެހި", "dv"), ("བོད་སྐད་", "bo"), ("ქართული", "ka")],
)  # fmt: skip
def test_a_script_of_one_language_settles_it_without_a_model(
    text: str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_model() -> None:
        raise AssertionError("the script was enough")

    monkeypatch.setattr(tongue, "_model", no_model)
    assert language_of(text) == Tongue(code, 1.0)


@pytest.mark.parametrize("text", [SAID["th"], SAID["ja"], SAID["ko"]])
def test_the_script_outweighs_what_a_model_would_say(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Wrong:
        def rank(self, text: str) -> list[tuple[str, float]]:
            return [("en", 1.0)]

    monkeypatch.setattr(tongue, "_model", Wrong)
    found = language_of(text)
    assert found is not None
    assert found.code in ("th", "ja", "ko")


def test_chinese_with_a_few_words_of_english_and_english_with_one_of_thai_stay_what_they_are() -> None:
    assert (found := language_of("这份汤可以放三天，建议用 Tupperware 盒子密封后再放进冰箱。"))
    assert found.code == "zh"
    assert (found := language_of("In Thai you would say ซุปถั่ว for it, and everybody in the market will understand you."))
    assert found.code == "en"


@pytest.mark.parametrize(
    "text",
    ["", "   ", "ok", "No.", "42", "3.14 2.71 1.41 9 9 9 9", "https://example.org/a/b?c=d", "🙂🙂🙂", "---", "a@b.example",
     "\ud800\udfff",
     "```python\nfor i in range(10):\n    print(i)\n```", "See `a_function_with_a_long_name_in_it` 1234567890 1234567890 12",
     "x = 1; y = 2; z = 3; 4 + 5 == 9; [6, 7, 8]", "Привет hello שלום नमस्ते γεια"],
)  # fmt: skip
def test_what_is_too_short_or_no_text_has_no_language(text: str) -> None:
    assert language_of(text) is None


def test_code_and_addresses_say_nothing_of_the_language_around_them() -> None:
    text = "Das geht mit einer Schleife, die bis zehn zählt:\n```\nfor i in range(10): print(i)\n```\nMehr braucht man nicht,"
    assert (found := language_of(text + " und mehr steht auch hier nicht: https://example.org/the/way"))
    assert found.code == "de"


def test_a_model_that_is_unsure_names_no_language(monkeypatch: pytest.MonkeyPatch) -> None:
    class Unsure:
        def rank(self, text: str) -> list[tuple[str, float]]:
            return [("gl", 0.39), ("es", 0.38), ("pt", 0.23)]

    monkeypatch.setattr(tongue, "_model", Unsure)
    assert language_of(SAID["es"]) is None


def test_a_language_that_is_not_ours_is_none_and_a_dialect_counts_with_its_language(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Says:
        def __init__(self, *ranked: tuple[str, float]) -> None:
            self.ranked = list(ranked)

        def rank(self, text: str) -> list[tuple[str, float]]:
            return self.ranked

    monkeypatch.setattr(tongue, "_model", lambda: Says(("pcm", 0.9), ("en", 0.1)))
    assert language_of(SAID["en"]) is None
    monkeypatch.setattr(tongue, "_model", lambda: Says(("arz", 0.3), ("ar", 0.3), ("ary", 0.2), ("en", 0.2)))
    assert (found := language_of(SAID["ar"]))
    assert found.code == "ar"
    assert found.probability == pytest.approx(0.8)


def test_what_the_model_has_not_is_said() -> None:
    known = {tongue._CODES.get(label, label) for label in tongue._model().labels}
    assert set(LANGUAGES) - known == UNKNOWN
    assert "jv" in known


def test_neither_import_nor_a_settled_script_loads_the_model() -> None:
    told = "import sys; from tocsin.judges.tongue import language_of; language_of('สวัสดีครับ'); print('py3langid' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


# ---------------------------------------------------------------------------------------------------------------------
# Published rows. No failure here shows a row: only counts are compared.

MULTIJAIL = {
    "en": (305, 7), "zh": (309, 2), "it": (307, 5), "vi": (312, 0), "ar": (310, 2), "ko": (312, 0), "th": (312, 0),
    "bn": (312, 0), "sw": (309, 3), "jv": (277, 30),
}  # fmt: skip
"""Right and not named, of 312: the figures of the module."""
XSAFETY = {
    "ar": (2795, 5), "bn": (200, 0), "de": (2795, 5), "en": (2794, 6), "fr": (2795, 5), "hi": (2991, 9), "ja": (2795, 5),
    "ru": (2792, 5), "es": (2783, 13), "zh": (2794, 6),
}  # fmt: skip


def multijail(data: Path) -> Iterator[tuple[str, str]]:
    with (data / "multijail" / "MultiJail.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            for code in MULTIJAIL:
                yield code, row[code]


def xsafety(data: Path) -> Iterator[tuple[str, str]]:
    for code in XSAFETY:
        for path in sorted((data / "xsafety" / ("sp" if code == "es" else code)).glob("*.csv")):
            with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                yield from ((code, row[0]) for row in csv.reader(file) if row and row[0].strip())


@pytest.mark.parametrize("name", ["multijail", "xsafety"])
def test_the_figures_of_the_module_hold(name: str, shared_data: Path) -> None:
    if not (shared_data / name).is_dir():
        pytest.skip(f"the rows of {name} are not here")
    rows, told = {"multijail": (multijail, MULTIJAIL), "xsafety": (xsafety, XSAFETY)}[name]
    right, unnamed = Counter[str](), Counter[str]()
    for code, text in rows(shared_data):
        found = language_of(text)
        unnamed[code] += found is None
        right[code] += found is not None and found.code == code
    assert {code: (right[code], unnamed[code]) for code in told} == told
