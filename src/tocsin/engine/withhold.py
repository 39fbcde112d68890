"""The filter that always runs: text that sexualises minors is never sent, stored, shown or labelled.

It stands before every call, whatever the text comes from, and before anything is kept. It is a coarse local rule: a term
for a minor near a sexual term. Of a text it stops, an id, a hash and the reason remain. It errs towards stopping; what
it stops is counted as ``error: withheld``, never as a result.

Terms are kept as fragments of regular expressions, in the languages the evaluations use. The rule reads the text without
case, accents on Latin letters, zero-width characters and other invisible marks.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from itertools import pairwise

REASON = "the filter for text that sexualises minors stopped it"

NEAR = 160
"""Characters that may lie between the two terms."""

# Look-arounds keep everyday words apart that hold a term by chance, such as Korean "grades" or Japanese "clown". Where
# they would let a sexual sense through as well, the term stays as it is.
#
# Words of people under age. Latin and Cyrillic and Greek scripts are matched at word starts; others anywhere.
_MINOR_WORDS = (
    r"child(?:ren|hood|like|ish)?s?", r"kids?", r"kiddies?", r"minors?", r"infants?", r"toddlers?", r"bab(?:y|ies)",
    r"preteens?", r"pre-teens?", r"teens?", r"teen-?age\w*", r"tweens?", r"underage\w*", r"under-age\w*", r"juveniles?",
    r"adolescen\w+", r"schoolgirls?", r"schoolboys?", r"schoolchild\w*", r"kindergart\w+", r"preschool\w*",
    r"(?:elementary|primary|middle|high)[- ]school(?:er|ers)?", r"little (?:girls?|boys?)", r"young (?:girls?|boys?)",
    r"lolitas?", r"lolicon", r"shotacon", r"shota", r"loli", r"paedo\w*", r"pedo(?!met|log)\w*", r"csam",
    r"(?:[1-9]|1[0-7])[- ]?(?:years?|yrs?|y)[- ]?(?:old|o)\b", r"(?:[1-9]|1[0-7])yo\b",
    r"(?:six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven)teen)[- ]years?[- ]old",
    r"enfants?", r"mineure?s?", r"fillettes?", r"garconnets?", r"(?:un|une|des|les) ados?", r"ecoli(?:er|ere)s?",  # fr
    r"(?:ein|das|dem|kein|mein)(?:em|es)? kind", r"kinde(?:r|rn|s)", r"minderjahrig\w*", r"jugendlich\w*",
    r"schulmadchen", r"schuljung\w*",  # de
    r"nin[oa]s?", r"menores?(?: de edad)?", r"colegial(?:a|as|es)?",  # es
    r"criancas?", r"menin[oa]s?", r"bambin[oaie]", r"minorenn[ei]", r"ragazzin[aoe]",  # pt, it
    r"kinder(?:en)?", r"minderjarig\w*", r"meisjes?", r"jongetjes?",  # nl
    r"(?:ett|ditt|mitt|sma) barn", r"barn(?:et|en)", r"minderarig\w*", r"dziec\w+",
    r"nieletni\w*", r"maloletni\w*", r"deti", r"dite", r"nezletil\w*",
    r"cocuk\w*", r"anak(?:-anak)?", r"bocah", r"mtoto", r"watoto",  # tr, id, jv, sw
    r"tre em", r"be gai", r"be trai",  # vi
    r"дет(?:и|ей|ям|ьми|ях|ск\w*)", r"ребен\w*", r"ребён\w*", r"несовершеннолетн\w*", r"малолетн\w*", r"школьни\w*",  # ru
)  # fmt: skip
_MINOR_ANYWHERE = (
    r"儿童|兒童|未成年|幼女|幼童|小女孩|小男孩|女童|男童|孩子|小孩|小学生|小學生|中学生|初中生|高中生|萝莉|蘿莉|正太",
    r"子供|子ども|こども|児童|少女|少年|幼児|女児|男児|女子高生|女子中学生|ロ(?<![カフグ]ロ)リ|ショタ",
    r"아동|어린이|미성년|소녀|소년|초등학생|중학생|고등학생|여고생|여중생|아이들|로(?<![칼글플]로)리",
    r"طفل|أطفال|اطفال|قاصر|قصّر|مراهق",
    r"बच्च|नाबालिग|किशोर",
    r"শিশু|নাবালক|নাবালিকা|কিশোর",
    r"เด็ก|ผู้เยาว์|เยาวชน",
)
_SEXUAL_WORDS = (
    r"sex(?! (?:ar|manader|veckor|dagar)\b)(?:y|ual\w*|uali[sz]\w*|ting|ts?)?",  # "six years" and so on (sv)
    r"porn\w*", r"erotic\w*", r"nud(?:e|es|ity|ist)", r"naked(?! eye)", r"genitals?",
    r"genitalia", r"masturbat\w*", r"orgasm\w*", r"rape[ds]?", r"rapi(?:ng|sts?)", r"molest\w*", r"intercourse",
    r"fellatio", r"blowjobs?", r"hentai", r"lewd", r"horny", r"arous(?:e|ed|al|ing)", r"fondl\w*", r"incest\w*",
    r"seduc\w*", r"undress\w*", r"lingerie", r"grooming", r"fetish\w*", r"prostitut\w*", r"csam", r"paedoph\w*",
    r"pedoph\w*", r"lolicon", r"shotacon", r"lolita",
    r"sexe\w*", r"sexuel\w*", r"nues?", r"nus", r"viol(?:er|ee?s?)",  # fr
    r"enfant nu", r"garcon nu", r"ado nu", r"mineur nu", r"corps nu", r"tout nu", r"entierement nu", r"completement nu",
    r"est nu", r"etait nu",  # fr: "nu" alone is the Dutch and the Swedish word for now
    r"nackt(?!schneck)\w*", r"sexuell\w*", r"vergewaltig\w*",  # de
    r"sexo", r"desnud[oa]s?", r"violar", r"erotic[oa]s?", r"sesso", r"sessual\w*", r"nud[oaie]", r"stupr\w*",  # es, it
    r"seks(?!ama|tan|tet)\w*", r"naak(?!tsla)\w*", r"verkracht\w*",  # nl
    r"nagi(?:e|ch|ego|ej)", r"naga (?:dziew|nastol)\w*", r"gwalt(?!own)\w*", r"naken\w*", r"valdta\w*",  # pl, sv
    r"ciplak(?! (?:ayak|goz))\w*", r"tecavuz\w*", r"telanjang(?! kaki)", r"perkosa\w*",  # tr, id
    r"ngono", r"wa uchi", r"khoa than", r"tinh duc", r"hiep dam",  # sw, vi
    r"секс(?!т(?:ант|ет|илл))\w*", r"порн\w*", r"эрот\w*", r"гол(?:ая|ые|ых|ый)", r"обнаж\w*", r"изнасил\w*", r"растл\w*",
    r"педофил\w*",
)  # fmt: skip
# Here a look-behind stands after the sign it is about: a search is faster where each alternative begins with a sign.
_SEXUAL_ANYWHERE = (
    r"性爱(?![护心惜戴])|性愛(?![護心惜戴])|性(?<![击擊坏壞应應惯慣抗略]性)行[为為]|性交(?![付纳納清费費齐齊足钱錢款]|学费|學費)",
    r"色情|裸体|裸體|裸照|强奸|強姦|强暴|猥亵|猥褻|淫(?<!浸淫)(?!雨)|自慰(?![问問])|性侵|性虐|性感(?![染冒])|性器(?![件材械皿])",
    r"恋童|戀童|性(?<![\u3400-\u9fff]性)的|[童年子供生孩児]性的",
    r"セックス|エ(?<![イピ]エ)ロ|ポルノ|全裸|ヌ(?<!スヌ)ード(?!ル)|レ(?<![プドグ]レ)イプ|わいせつ",
    r"섹스|성관계(?!자(?!체))|성행위|포르노|야(?<![가-힣]야)한|나체(?![육험])|알몸|강(?<!건강)간|성폭행|성추행|음란|자위(?![대권원])",
    r"성(?<![은한난른] 성)적으로"  # but not "with good grades"
    r"|성적(?!으로|이(?![고며다었])|[을은도표순에의과만부]|\s?(?:향상|관리|처리|우수|증명|평가|하락|상승|조회|통지|분석))",
    r"جنس|إباحي|اباحي|ع(?<!\wع)اري|[اوفبلك](?<!\w.)(?:ل|ال)?عاري|اغتصاب|تحرش",
    r"सेक्स|यौन|अश्लील|नग्न|बलात्कार|कामुक",
    r"যৌন|সেক্স|অশ্লীল|নগ্ন|ধর্ষণ",
    r"เซ็กส์|ท(?<!เท่าเทียมท)(?<!เสมอภาคท)(?<!หลากหลายท)างเพศ|ลามก|อนาจาร|เปลือย|ข่มขืน|โป๊(?![ะย])",
)

_LETTER = r"[^\W\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"
"""A sign that goes on a word: those of Thai, Japanese, Chinese and Korean may stand beside a Latin word without a space."""

_HARMLESS = re.compile("râp|khoa th[ầậ]n")
"""Everyday words that would be a sexual term without their accents: grated (fr), neurology and nephrology (vi)."""


def withheld(*texts: str) -> bool:
    """Whether the texts, read one after the other, have a term for a minor within `NEAR` characters of a sexual term.

    Texts that reach a model together are given together: what is harmless in each may not be so in a row.
    """
    text = texts[0] if len(texts) == 1 else "\n".join(filter(None, texts))
    # JSON may spell what it holds by its code points.
    return _met(text) or ("\\u" in text and _met(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), text)))


def _met(text: str) -> bool:
    plain = text.lower() if text.isascii() else _plain(text)
    if "_" in plain or not (plain.isprintable() or _CONTROLS.search(plain) is None):
        plain = plain.translate(_BREAKS)
    if plain.isascii() and _stems().search(plain) is None:
        return False
    sexual, minor = _patterns(plain.isascii())
    # The sexual term is the rarer one in most data, so it is looked for first.
    if sexual.search(plain) is None or minor.search(plain) is None:
        return False
    found = sorted(
        [(m.start(), m.end(), True) for m in sexual.finditer(plain)]
        + [(m.start(), m.end(), False) for m in minor.finditer(plain)]
    )
    return any(a[2] != b[2] and b[0] - a[1] <= NEAR for a, b in pairwise(found))


def fingerprint(text: str) -> str:
    """What remains of a text that was withheld: the first 16 hexadecimal digits of its SHA-256."""
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _plain(text: str) -> str:
    """Lower case, compatibility forms, without combining accents on Latin letters and without invisible characters."""
    folded = _UNSEEN.sub("", unicodedata.normalize("NFKC", text).lower())
    if not folded.isprintable():
        folded = "".join(c for c in folded if c.isprintable() or unicodedata.category(c) != "Cf")
    pieces = unicodedata.normalize("NFD", _HARMLESS.sub("", folded))
    bare = re.sub(r"(?<=[a-z])[\u0300-\u036f]+|(?<=[\u0400-\u04ff])[\u0300\u0301]", "", pieces)
    return unicodedata.normalize("NFC", bare).translate(_LATIN)


_ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
_CONTROLS = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_BREAKS = {code: None for code in (*range(32), 127) if code not in (9, 10, 11, 12, 13)} | {ord("_"): " "}
"""Control characters stand for nothing; an underscore parts words, as in names of files."""

_UNSEEN = re.compile(
    "[\u115f\u1160\u17b4\u17b5\u180b-\u180f\u20d0-\u20ff\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]+"
)
"""Marks that show nothing of their own, or change how the character before them looks: variation selectors, fillers."""

_LATIN = str.maketrans({"ß": "ss", "ı": "i", "ł": "l", "ø": "o", "đ": "d", "æ": "ae"})


@cache
def _stems() -> re.Pattern[str]:
    """What every ASCII sexual term begins with, one of them at least: a quick look that spares most texts the patterns."""
    heads = set()
    for word in _SEXUAL_WORDS:
        if word.isascii():
            head = re.match(r"[a-z -]+", word)
            assert head is not None, f"a term must begin with letters: {word}"
            optional = word[head.end() :].startswith(("?", "*"))
            heads.add(head.group()[:-1] if optional else head.group())
    return re.compile(rf"\b{_any_of(heads)}")


def _any_of(words: Iterable[str]) -> str:
    """A pattern of literal words that reads each sign once: what they begin with alike is written once."""
    rest: dict[str, set[str]] = {}
    for word in words:
        if not word:
            return ""
        rest.setdefault(word[0], set()).add(word[1:])
    return f"(?:{'|'.join(re.escape(sign) + _any_of(rest[sign]) for sign in sorted(rest))})"


@cache
def _patterns(ascii_only: bool) -> tuple[re.Pattern[str], re.Pattern[str]]:
    def compiled(words: tuple[str, ...], anywhere: tuple[str, ...]) -> re.Pattern[str]:
        if ascii_only:
            return re.compile(rf"\b(?:{'|'.join(word for word in words if word.isascii())})\b")
        return re.compile("|".join((rf"(?<!{_LETTER})(?:{'|'.join(words)})(?!{_LETTER})", *anywhere)))

    return compiled(_SEXUAL_WORDS, _SEXUAL_ANYWHERE), compiled(_MINOR_WORDS, _MINOR_ANYWHERE)
