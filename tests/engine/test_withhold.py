"""The filter for text that sexualises minors.

What it must stop is put together at run time from its own terms, and no failure shows it: these tests compare numbers.
What it must let pass is written out: everyday sentences that hold a term for a minor, or a word that looks like one of
the filter's, in every language the evaluations use.
"""

from __future__ import annotations

import time
from hashlib import sha256
from itertools import product

import pytest

from tests.engine.triggers import MINOR, MINOR_ANYWHERE, SEXUAL, SEXUAL_ANYWHERE, spelled, trigger
from tocsin.engine import fingerprint, withheld
from tocsin.engine.withhold import NEAR

ALL_MINOR = [spelled(term) for term in (*MINOR, *MINOR_ANYWHERE)]
ALL_SEXUAL = [spelled(term) for term in (*SEXUAL, *SEXUAL_ANYWHERE)]
BOTH_AT_ONCE = ("csam", "loli", "shota", "pedo", "paedo", "педо", "恋童", "戀童", "enfant nu", "mineur nu", "ado nu")
"""Terms that are one and the other, and so are stopped alone."""

ORDERS = ("plain", "reversed")


def missed(texts: list[str]) -> list[int]:
    """Numbers of the texts that were let pass: never the texts."""
    return [number for number, text in enumerate(texts) if not withheld(text)]


# -- what is stopped -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ORDERS)
def test_every_term_for_a_minor_counts_beside_a_sexual_term(order: str) -> None:
    sexual = ALL_SEXUAL[0]
    texts = [f"{sexual} {minor}" if order == "plain" else f"{minor} {sexual}" for minor in ALL_MINOR]
    assert missed(texts) == []


@pytest.mark.parametrize("order", ORDERS)
def test_every_sexual_term_counts_beside_a_term_for_a_minor(order: str) -> None:
    minor = ALL_MINOR[0]
    texts = [f"{sexual} {minor}" if order == "plain" else f"{minor} {sexual}" for sexual in ALL_SEXUAL]
    assert missed(texts) == []


def test_terms_of_two_languages_count_together() -> None:
    pairs = list(product(ALL_SEXUAL[::9], ALL_MINOR[::9]))
    assert len(pairs) > 100
    assert missed([f"{sexual} … {minor}" for sexual, minor in pairs]) == []


@pytest.mark.parametrize("age", ["1", "9", "12", "17"])
@pytest.mark.parametrize("form", ["{} year old", "{} years old", "{}-year-old", "{}yo", "{} yrs old"])
def test_age_under_eighteen_is_a_term_for_a_minor(age: str, form: str) -> None:
    assert missed([f"{form.format(age)} {ALL_SEXUAL[0]}"]) == []


@pytest.mark.parametrize("age", ["18", "19", "21", "70", "117"])
def test_age_of_a_grown_person_is_none(age: str) -> None:
    passed = [withheld(f"a {age}-year-old asks about {sexual}") for sexual in ALL_SEXUAL[:3]]
    assert not any(passed)


def zero_width(text: str) -> str:
    return "\u200b".join(text)


DISGUISES = {
    "upper case": str.upper,
    "title case": str.title,
    "zero-width spaces": zero_width,
    "soft hyphens": lambda text: "\u00ad".join(text),
    "joiners": lambda text: "\u200d".join(text),
    "marks of direction": lambda text: f"\u202e{text}\u202c",
    "full width": lambda text: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text),
    "accents": lambda text: "".join(c + "\u0301" if c in "aeiou" else c for c in text),
    "mathematical letters": lambda text: "".join(chr(0x1D41A + ord(c) - 97) if "a" <= c <= "z" else c for c in text),
    "amid control characters": lambda text: f"\x00{text}\x07",
    "lone surrogates": lambda text: f"\ud800{text}\udfff",
    "lines": lambda text: text.replace(" ", "\n"),
    "beside other scripts": lambda text: f"请问 {text} 谢谢",
    "within other scripts": lambda text: f"请问{text}谢谢",
    "with other scripts between": lambda text: text.replace(" ", "と", 1),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_disguise_makes_no_difference(disguise: str) -> None:
    ascii_pairs = [trigger(minor, sexual) for minor, sexual in product(range(0, 30, 6), range(0, 20, 5))]
    assert missed([DISGUISES[disguise](text) for text in ascii_pairs]) == []


STILL_SEXUAL = (
    *("naked", "nue", "nus", "tout nu", "nackt", "naakt", "seks", "seksual", "gwałt", "nagie", "naken"),
    *("çıplak", "telanjang", "секс", "性交", "性行为", "一次性行为", "性感", "自慰", "性器", "性的な", "とても性的な"),
    *(
        "エロい",
        "ヌード",
        "レイプ",
        "성적인",
        "성적으로",
        "성적 이미지",
        "성적이다",
        "야한",
        "나체",
        "자위",
        "강간",
        "성관계",
    ),
    *("عارية", "العاري", "وعاري", "ทางเพศ", "โป๊", "sex"),
)
"""Words beside which an everyday word was let pass: they themselves still count."""


def test_words_that_everyday_ones_were_parted_from_still_count() -> None:
    minor = ALL_MINOR[0]
    assert missed([f"{before}{word} {minor}" for word in STILL_SEXUAL for before in ("", "the ", "「", "를 ")]) == []


def test_only_terms_near_each_other_count() -> None:
    sexual, minor = ALL_SEXUAL[0], ALL_MINOR[0]
    filler = "and then something else " * 20
    assert missed([f"{sexual} {filler[: NEAR - 2]} {minor}", f"{minor} {filler[: NEAR - 2]} {sexual}"]) == []
    passed = [withheld(f"{one} {filler[: NEAR - 1]} {other}") for one, other in ((sexual, minor), (minor, sexual))]
    assert passed == [False, False]


def test_nearest_pair_decides_among_many() -> None:
    sexual, minor = ALL_SEXUAL[0], ALL_MINOR[0]
    far = " and so on" * 40 + " "
    assert missed([f"{minor}{far}{minor}{far}{sexual} {minor}", f"{sexual}{far}{sexual} {minor}{far}{minor}"]) == []
    passed = withheld(f"{minor}{far}{sexual}{far}{minor}{far}{sexual}")
    assert not passed


def test_one_term_alone_is_let_pass() -> None:
    alone = [
        [number for number, word in enumerate(words) if not any(one in word for one in BOTH_AT_ONCE)]
        for words in (ALL_MINOR, ALL_SEXUAL)
    ]
    assert [len(numbers) for numbers in alone] > [80, 100]
    for numbers, words in zip(alone, (ALL_MINOR, ALL_SEXUAL), strict=True):
        assert [number for number in numbers if withheld(f"About {words[number]}.")] == []


def test_a_long_text_is_read_whole_and_it_takes_little_time() -> None:
    filler = "The weather is fine and the train was late again. " * 10_000
    text = trigger()
    begun = time.perf_counter()
    assert (
        missed(
            [
                f"{text} {filler}",
                f"{filler} {text}",
                f"{text} {filler}€",
                f"{filler} {text}€",
                f"{filler} {text} {filler}",
            ]
        )
        == []
    )
    assert not withheld(filler)
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize("text", ["", " ", "\x00", "\ud800", "\u202e", "a\u0301" * 5_000, "\u200b" * 5_000, "٣" * 100])
def test_odd_text_is_read_without_a_fault(text: str) -> None:
    assert not withheld(text)


def test_fingerprint_is_the_beginning_of_the_sha256() -> None:
    assert fingerprint("Grüße") == sha256("Grüße".encode()).hexdigest()[:16]
    assert len(fingerprint("\ud800")) == 16
    assert fingerprint("a") != fingerprint("b")


# -- what is let pass ------------------------------------------------------------------------------------------------

ORDINARY = {
    "en": [
        "With kind regards, the head of the school.",
        "Without further ado, here is our children's choir.",
        "There is a minor issue with the login page.",
        "The symphony is in A minor and the kids loved it.",
        "The law forbids dismissal on grounds of sexual orientation, religion or age.",
        "The biology class covers asexual reproduction in plants, and high school pupils draw the cells.",
        "Our toddlers' group meets in Essex and the other one in Sussex.",
        "The teenagers learned to use a sextant and sang in a sextet.",
        "The comet is visible to the naked eye, so bring the children along.",
        "The baby wrapped in a blanket slept while her brother was rapping.",
        "My kid is six years old and scraped a knee in the playground.",
        "Grape juice for the children, please, and scrape the plates afterwards.",
        "A therapist helps teens with homework stress.",
        "The children planted oilseed and drapes were hung in the nursery.",
        "Do minors need a passport to fly to Middlesex?",
        "Is it safe to let an infant sleep on its back?",
        "Children's playground equipment must be checked every year.",
    ],
    "de": [
        "Die Kinder fanden eine Nacktschnecke im Garten.",
        "Ein Kind braucht viel Schlaf.",
        "Mit freundlichen Grüßen, Ihre Kindertagesstätte",
        "Die Jugendlichen fahren nach Essen und bauen ein Floß.",
        "Rapsöl eignet sich auch für Kinderkost.",
    ],
    "fr": [
        "Ajoutez du fromage râpé, les enfants adorent.",
        "Les carottes râpées plaisent aux enfants.",
        "Les ados font leurs devoirs.",
        "Les enfants regardent les nuages.",
        "C'est une question mineure pour les écoliers.",
    ],
    "es": [
        "Los niños juegan en el parque mientras el menor de los hermanos duerme.",
        "El Niño trae lluvias a la costa.",
        "La niña tiene ocho años y aprende a nadar.",
    ],
    "pt": ["As crianças brincam no parque.", "O menino leu um livro sobre dinossauros.", "A menina canta no coro."],
    "it": ["I bambini giocano in giardino.", "Le ragazzine suonano il violino.", "Il bambino disegna una casa."],
    "nl": [
        "De kinderen moeten nu naar bed.",
        "Nu is het tijd dat de meisjes hun huiswerk maken.",
        "De kinderen vonden een naaktslak onder een steen.",
    ],
    "sv": [
        "Barnen ska sova nu.",
        "Nu leker barnen i parken.",
        "Barnet är sex år och börjar skolan.",
        "Ett barn behöver mat och sömn.",
    ],
    "pl": [
        "Dzieci przestraszyły się gwałtownej burzy.",
        "Gwałtowny wiatr zerwał latawiec dziecku.",
        "Dziecko ma siedem lat i lubi szachy.",
    ],
    "cs": ["Děti si hrají na zahradě.", "Dítě se učí číst.", "Nezletilí potřebují souhlas rodičů."],
    "tr": [
        "Çocuklar çıplak ayakla kumda koştu.",
        "Bu yıldız çıplak gözle görülür, çocuklara gösterin.",
        "Çocuk okula gidiyor.",
    ],
    "id": [
        "Anak-anak suka cerita tentang naga.",
        "Anak itu berlari telanjang kaki di pantai.",
        "Anak-anak mendengarkan dengan seksama.",
        "Anak-anak belajar membaca di sekolah.",
    ],
    "jv": ["Bocah-bocah dolanan ing latar.", "Bocah iku maca buku."],
    "sw": ["Watoto wanacheza uwanjani.", "Mtoto anasoma kitabu."],
    "vi": [
        "Trẻ em được khám tại khoa thần kinh của bệnh viện.",
        "Bé trai được đưa đến khoa thận.",
        "Bé gái đang học đọc.",
        "Trẻ em thích nụ cười của bà.",
    ],
    "ru": ["Дети играют во дворе.", "Ребёнок учится читать.", "Школьники изучают секстант и звёзды."],
    "zh": [
        "小学生的学费要一次性交清。",
        "孩子的押金一次性交付即可。",
        "市长亲自慰问了留守儿童。",
        "儿童的攻击性行为应该怎么引导？",
        "孩子需要有针对性的练习。",
        "老师培养孩子创造性的思维。",
        "这孩子从小浸淫在音乐之中。",
        "未成年人可以办理身份证吗？",
        "中学生适应性行为量表怎么用？",
        "幼儿园的小女孩在画画。",
        "孩子得了流行性感冒，要不要去医院？",
        "儿童急性感染的症状有哪些？",
        "这款玩具的磁性器件适合小孩吗？",
    ],
    "ja": [
        "子供たちはピエロを見て笑った。",
        "子供用のイエローの傘をください。",
        "子どもの個性的な絵が入選した。",
        "児童の感性的な表現を大切にする。",
        "少年は慢性的な咳で病院に行った。",
        "給食のカロリーは児童の年齢で決まる。",
        "少女は女性的な字を書く。",
        "子供はカップヌードルが好きだ。",
        "子供用のプレイプールを買った。",
    ],
    "ko": [
        "초등학생의 수학 성적이 올랐다.",
        "중학생 성적표를 확인하세요.",
        "우수한 성적으로 졸업한 고등학생입니다.",
        "아이들은 일찍 자야한다고 생각해요.",
        "아동도 간식의 칼로리를 확인해야한다.",
        "소년은 자위대 기지를 견학했다.",
        "초등학생들이 하나체육관에서 운동한다.",
        "어린이 건강간식을 만들었다.",
        "아동 보호를 위한 소비자위원회가 열렸다.",
    ],
    "ar": [
        "يلعب الأطفال في الحديقة.",
        "هذه لغة استعارية يفهمها الأطفال.",
        "اخترت شعاري مع أطفال الحي.",
        "الطفل يقرأ كتابا.",
    ],
    "hi": ["बच्चे पार्क में खेल रहे हैं।", "बच्चों का आवेदन पत्र संलग्न है।", "किशोर विज्ञान पढ़ता है।"],
    "bn": ["শিশুরা মাঠে খেলছে।", "কিশোর বই পড়ায় মগ্ন।"],
    "th": [
        "เด็กๆ ยืนรอเรือที่โป๊ะ",
        "โรงเรียนสอนเด็กเรื่องความเท่าเทียมทางเพศ",
        "เด็กกำลังอ่านหนังสือ",
    ],
}  # fmt: skip


@pytest.mark.parametrize("language", ORDINARY)
def test_everyday_sentences_are_let_pass(language: str) -> None:
    assert [sentence for sentence in ORDINARY[language] if withheld(sentence)] == []


def test_every_language_of_the_evaluations_has_its_sentences() -> None:
    from tocsin.judges.refusal import LANGUAGES

    assert set(ORDINARY) == set(LANGUAGES)
