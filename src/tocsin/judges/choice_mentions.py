"""Where an answer mentions an option, by its label or by its text, and that mention turned into one sign.

The labels are found case by case, so that the article in "A cat sat" and the pronoun in "I think" are no options; the
texts are found at word boundaries, the longest first, so that "my kid's friend" does not mention "my kid", and "untrue"
does not mention "true".
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from tocsin.judges import choice_words as words
from tocsin.judges.choice_layout import ticked, unstruck
from tocsin.judges.choice_pairs import Meaning, meaning
from tocsin.judges.choice_vocabulary import CJK, word_set
from tocsin.judges.letters import LOOKALIKES
from tocsin.types import Option

HEAD, TAIL = 4_000, 12_000
"""How many characters of a longer answer are read, at its start and at its end."""

_THOUGHT = re.compile(r"</?(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_BREAK = re.compile(r"[.!?]\s|[\n。！？]")
# What ends up as a sign of its own, or as nothing: surrogates, private use, controls; marks without a width.
_FOREIGN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ue000-\uf8ff]")
_NO_WIDTH = re.compile("[\xad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u20e3\ufe00-\ufe0f\ufeff]")
_MARKS = str.maketrans(
    dict.fromkeys('"“”„«»「」『』〈〉{}$_|\t\r', " ") | dict.fromkeys("*`~") | dict.fromkeys("’‘ʼ", "'") | {"İ": "I"}
)
_SIGNS = str.maketrans(dict.fromkeys("✅✔☑👍", "✓") | dict.fromkeys("❌✘✖🚫👎", "✗") | dict.fromkeys("🤔🤷", "?"))
_ORNAMENT = re.compile("[\u2600-\u2712\u2714-\u2716\u2718-\u27bf\U0001f300-\U0001faff]")
_SQUARED = {code + i: chr(65 + i) for code in (0x1F150, 0x1F170) for i in range(26)}  # letters on a dark ground
_BOXED = re.compile(r"\\boxed\s*\{((?:[^{}\n]|\{[^{}\n]{0,200}\}){0,200}?)\}")
_COMMAND = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|mbox|rm|bf|left|right)\b|\\[\[\]()!,;:]|\\n\b|\\")
_TAG = re.compile(r"<(/?)([a-z_ ]{1,20})>", re.IGNORECASE)
# "A:" answers a "Q:", unless a "B" follows.
_ASKED, _ANSWERED, _B = (re.compile(p, re.MULTILINE) for p in (r"\s*Q(?:uestion)? ?:", r"^ *A ?:", r"\bB ?[:.)]"))
_QUOTE = re.compile(r"(?<!\w)'|'(?!\w)")
_REWRITE = re.compile(
    r"\bca(?P<can>n'?t|n not)\b|n'(?P<not>t)\b|\b(?P<verb>do|does|did|is|are|was|were)nt\b|\b(?P<info>information)\b"
    r"|\b(?P<sure>(?:no|without (?:an?y? )?)\s?doubt)\b",
    re.IGNORECASE,
)
_REWRITES = (
    "n't",
    "cant",
    "can not",
    "dont",
    "doesnt",
    "didnt",
    "isnt",
    "arent",
    "wasnt",
    "werent",
    "information",
    "doubt",
)
_CYRILLIC_LABEL = re.compile(
    r"(\A[(\s]{0,2}|(?:ответ|вариант|буква)\w{0,2}[^\w\n]{1,5}(?:(?:вариант|буква) )?)([АВС])"
    r"(?=[).:]|\s*(?:\Z|\n)|\s[—–-]\s)",
    re.IGNORECASE,
)
_CYRILLIC_ONLY = re.compile(r"(?<!\w)[БГДбгд](?!\w)")
_BLANKS = re.compile(r"  +")

_ARTICLE = re.compile(
    r"(?:the|an?|les?|la|une?|der|die|das|eine?|el|l[oa]s|gli|il|uno|una|[oa]s?(?= \w{3}))\s(?=\w)|l'(?=\w)"
)
_LETTER = re.compile(r"[a-z]|[ivx]{2,4}|\d{1,3}", re.IGNORECASE)
_LABELS = r"(?<!['&°+@$%\\])(?<!\w-)(?<!\d[.,:])([A-Za-z]|[IVXivx]{2,4}|\d{1,3})"
_NO_LABEL = r"(?!'(?![dt][ıiuü]r\b)|[+#°&%]|-\w|\.\d|\.\w(?!\w))"
_LABEL = re.compile(rf"\b{_LABELS}\b{_NO_LABEL}")
_LABEL_UNSPACED = re.compile(rf"(?<![^\W{CJK}]){_LABELS}(?![^\W{CJK}]){_NO_LABEL}")
_CUE_BEFORE = re.compile(
    r"(?:option|choice|answer|letter|\bits|réponse|antwort|respuesta|opción|答案|选项?|選|\bis|[:：])[^\w\n]{0,4}$",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?:option|letter|opción|opção|antwort|towards?|only|choose|pick|select|go with|going with)\s$", re.IGNORECASE
)
# What may follow a label that is a word of its own in some language ("a", "I", "e", "o", "y").
_AFTER_WORDLIKE = re.compile(
    r"(?! +[A-Za-z\u00c0-\u024f])| +(?:is|was|are|because|since|as|would|seems|must|est|ist|es|fits|matches|does|"
    r"but|it is|after all|"
    r"(?:and|or) option|karena|vì|bởi|omdat|want|porque|pois|perché|car|parce|weil|da|denn|ponieważ|çünkü|puesto|ya que|kwa|"
    r"eftersom)\b"
    r"| +(?:and|or|nor|vs|to|o|ou|oder|y|u|et|e|und|или|и|أو|و|या)\.? +[A-Z]\b"
)
_AFTER_I = re.compile(r"(?:\s*$|[.:)\]]|,\s)| +(?:is|or|and [IVX]+)\b")
_INITIAL = re.compile(r"\b([A-Z])\.\s?$")
_COUNTED = re.compile(r"\d ?\Z")
_BETWEEN_PAIR = re.compile(
    r"[\s).:,(\[\]\-–—=]*(?:(?:which is|that is|namely|option|choice|i\.?e\.?|is|选项|是)[\s:(]*)?(?:(?:the|an?|le|la|"
    r"der|die|das|el|o|il) )?"
)
_PAIRS = re.compile(r"\s?[).:\]–—-]+\s*(?:(?:the|an?|le|la|der|die|das|el|o|il) )?")
_PAIR_ENDS = re.compile(r"\s*(?:[.;!)\n]|$)|\s+\(?[a-z0-9]{1,3}[.):]\s")

# Texts that say that there is no answer.
_OPEN = words.pattern(
    r"""
    cannot|not (?:enough|known|answerable|determin|sure|stated|specified|clear)|un(?:known|determined|clear|answerable|
    certain)|insufficient|impossible|no (?:way|info)|on ne sai|indéterminé|inconnu|pas assez|unbekannt|kann nicht|
    nicht (?:genug|bekannt|klar)|unklar|no se (?:puede|sabe)|desconocid|não se sabe|não há|non si (?:sa|può)|неизвестно|
    невозможно|无法|不知道|未知|不确定|信息不足|無法|不明|[わ分]からない|できない|情報|لا يمكن|غير مع|مجهول|لا توجد|पता नहीं|
    अज्ञात|ज्ञात नहीं|알 수 없
    """
)
_ADVERBIAL = re.compile(
    r"(?:in|by|on|at|with|to|from|under|after|before|during|near|through|once|twice|every|only|within|always)\s"
)
# Texts that are everyday words: they count only where they are declared, never in passing.
_EVERYDAY = word_set(
    """
    yes no true false correct incorrect right wrong untrue both neither none all either it he she they safe unsafe good bad
    oui non vrai faux ja nein richtig falsch wahr sí si verdadero falso sim não verdadeiro vero да нет верно неверно
    نعم لا صحيح خطأ हाँ हां नहीं सही गलत 是 否 对 错 正确 错误 はい いいえ 正しい 誤り 예 아니요
    """
)
# What follows an everyday word that is no answer ("no idea", "the right answer").
_NOT_CHOSEN = words.pattern(
    r"""
    (?<=\bno)\.? ?\d{1,2}\b|[ ](?:answer|option|choice|idea|comment|way|doubt|response|problem)\b|的?答案|选项|回答|答え|な|
    [ ](?:उत्तर|विकल्प)
    """
)
# What may stand next to an option of one character in a script without blanks.
_BEFORE_SINGLE = "是为為选選择擇は"
_AFTER_SINGLE = words.pattern("です|だ|が正|を選|项|項|选项|입니다")


class Key(NamedTuple):
    """What is worked out once for a set of options.

    Attributes:
        fulls: The texts in lower case, articles included.
        wholes: Answers that are an option and nothing else, in lower case, to its index; -1 if to more than one.
        longest: The longest answer that may be looked up there, in characters.
        folded: Labels that are letters or numbers, in lower case, to their index.
        texts: What is looked for as a word or phrase, with the index and the sign.
        everyday: Options whose text is an everyday word, such as "yes".
        adverbial: Options such as "by train".
        open: Options that say that the question has no answer, such as "unknown".
        meaning: What two options that are opposites are called in many languages; None if they are no such pair.
    """

    fulls: list[str]
    wholes: dict[str, int]
    longest: int
    folded: dict[str, int]
    texts: list[tuple[str, int, int]]
    everyday: frozenset[int]
    adverbial: frozenset[int]
    open: frozenset[int]
    meaning: Meaning | None


@functools.lru_cache(maxsize=1024)
def key(options: tuple[Option, ...]) -> Key | None:
    """The key to a set of options; None where there are none or too many, or a text is another one's label."""
    if not 0 < len(options) <= words.MOST_OPTIONS:
        return None
    labels = [plain(o.label).strip(words.ENDS).lower() for o in options]
    fulls = [plain(o.text).strip(words.ENDS).lower() for o in options]
    cores = [_ARTICLE.sub("", full, count=1) if _ARTICLE.match(full) else full for full in fulls]
    cores = [full if cores.count(core) > 1 else core for full, core in zip(fulls, cores, strict=True)]
    owner = {label: i for i, label in enumerate(labels)}
    if len(owner) < len(labels) or any(owner.get(n, i) != i for names in (fulls, cores) for i, n in enumerate(names)):
        return None
    wholes: dict[str, int] = {}
    texts: list[tuple[str, int, int]] = []
    for i, (label, full, core) in enumerate(zip(labels, fulls, cores, strict=True)):
        for name in {label, full, core} - {""}:
            wholes[name] = i if wholes.get(name, i) == i else -1
        if core and fulls.count(full) == 1:
            texts += [(name, i, words.TEXT) for name in {core, full}]
        if label and label != full and not _LETTER.fullmatch(label):
            texts.append((label, i, words.LABEL))
    lettered = [i for i, label in enumerate(labels) if _LETTER.fullmatch(label) and label != fulls[i]]
    opposites = meaning(fulls)
    return Key(
        fulls=fulls,
        wholes=wholes,
        longest=max(map(len, wholes), default=0) + 40,
        folded={labels[i]: i for i in lettered},
        texts=texts,
        everyday=frozenset(i for i, core in enumerate(cores) if opposites or core in _EVERYDAY or core.isdigit()),
        adverbial=frozenset(i for i, full in enumerate(fulls) if _ADVERBIAL.match(full)),
        open=frozenset(i for i, core in enumerate(cores) if _OPEN.match(core)),
        meaning=opposites,
    )


def latin_label(answer: str) -> str:
    """An answer whose label is a Cyrillic letter that looks like a Latin one, with that letter as a Latin one.

    Where other Cyrillic letters stand as labels, they are counted in the order of that script, and stay.
    """
    if _CYRILLIC_ONLY.search(answer):
        return answer
    return _CYRILLIC_LABEL.sub(lambda found: found[1] + found[2].translate(LOOKALIKES), answer)


def said(text: str) -> str:
    """What is read of an answer: all after its thoughts, and of a long one both ends."""
    if "<" in text:
        tags = list(_THOUGHT.finditer(text))
        if tags:
            text = text[tags[-1].end() :] if tags[-1][0][1] == "/" else ""
    text = text.strip()
    return _ends(text) if len(text) > HEAD + TAIL else text


def plain(text: str) -> str:
    """What is read of an answer, without markup, with plain letters, quotes and contractions."""
    text = said(text)
    text = ticked(unstruck(text))
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_SQUARED))
        text = _ORNAMENT.sub(" ", _NO_WIDTH.sub("", text).translate(_SIGNS))
    text = _FOREIGN.sub(" ", text)
    if "\\" in text:
        text = _BOXED.sub(r"\nfinal answer: \1\n", text)
        text = _COMMAND.sub(" ", text)
    if "<" in text:
        text = _TAG.sub(lambda m: f"\n{m[2]}: " if not m[1] and "answer" in m[2].lower() else "\n", text)
    text = text.translate(_MARKS)
    if _ASKED.match(text) and not _B.search(text):
        text = _ANSWERED.sub("answer:", text)
    if "'" in text:
        text = _QUOTE.sub(" ", text)
    if words.hinted(text.lower(), _REWRITES):
        text = _REWRITE.sub(_rewrite, text)
    return _BLANKS.sub(" ", text) if "  " in text else text


def _rewrite(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "can":
            return "cannot"
        case "not":
            return " not"
        case "verb":
            return f"{found['verb']} not"
        case "info":
            return "info"
        case _:
            return "certainly"


def _ends(text: str) -> str:
    """Both ends of a long text, cut between sentences: half a sentence may have lost its "not"."""
    breaks = [m.end() for m in _BREAK.finditer(text, 0, HEAD)]
    tail = _BREAK.search(text, len(text) - TAIL)
    return text[: breaks[-1] if breaks else 0] + "\n" + (text[tail.end() :] if tail else "")


def sign_mentions(answer: str, known: Key) -> str | None:
    """The answer in lower case, every mention of an option one sign; None where a label stands with another's text."""
    low = answer.lower()
    if len(low) != len(answer):
        low = "".join(c.lower() if len(c.lower()) == 1 else c for c in answer)
    spans = sorted((*_texts(low, known), *_labels(answer, low, known)), key=lambda s: (s[0], -s[1]))
    parts: list[str] = []
    end, last = 0, (-1, -1)
    for start, stop, option, kind in spans:
        if start < end:
            continue
        gap = low[end:start]
        if option < 0:  # what only looks like a mention
            parts.append(low[end:stop])
            end, last = stop, (-1, -1)
            continue
        pair = {kind, last[1]} == {words.TEXT, words.LABEL} and len(gap) <= 16
        alone = kind == words.TEXT and _PAIR_ENDS.match(low, stop)
        if pair and option == last[0] and _BETWEEN_PAIR.fullmatch(gap) and (alone or not {".", "\n"} & set(gap)):
            parts[-1] = chr(words.BOTH + option)
            end, last = stop, (option, words.BOTH)
            continue
        if pair and option != last[0] and alone and _PAIRS.fullmatch(gap):
            return None
        parts += [gap, chr(kind + option)]
        end, last = stop, (option, kind)
    return "".join(parts) + low[end:]


def _wordy(char: str) -> bool:
    return char.isalnum() or unicodedata.category(char)[0] == "M"


def _joined(one: str, other: str) -> bool:
    """Whether two neighbouring characters belong to one word (scripts without blanks never join)."""
    return _wordy(one) and _wordy(other) and not (words.UNSPACED.match(one) or words.UNSPACED.match(other))


def _texts(low: str, known: Key) -> Iterator[tuple[int, int, int, int]]:
    """Mentions of texts, and of labels that are words: start, end, option, kind."""
    for name, option, kind in known.texts:
        everyday = option in known.everyday
        start = low.find(name)
        while start >= 0:
            end = start + len(name)
            if not _inside(low, start, end) and not (everyday and _NOT_CHOSEN.match(low, end)):
                yield start, end, option, kind
            start = low.find(name, end)
    if known.meaning:
        for start, end, option in known.meaning.mentions(low):
            if option < 0 or not (_inside(low, start, end) or _NOT_CHOSEN.match(low, end)):
                yield start, end, option, words.TEXT


def _inside(low: str, start: int, end: int) -> bool:
    """Whether a phrase is only part of a longer word, a possessive or a compound."""
    before, after = low[start - 1 : start], low[end : end + 1]
    if before and (_joined(before, low[start]) or (before == "-" and start > 1 and _wordy(low[start - 2]))):
        return True
    if after and (_joined(low[end - 1], after) or (after in "-'" and low[end + 1 : end + 2].isalnum())):
        return True
    if end - start == 1 and words.UNSPACED.match(low[start]):
        follows = words.UNSPACED.match(after) and not _AFTER_SINGLE.match(low, end)
        return bool(follows or (words.UNSPACED.match(before) and before not in _BEFORE_SINGLE))
    return False


def _labels(answer: str, low: str, known: Key) -> Iterator[tuple[int, int, int, int]]:
    """Mentions of labels that are letters or numbers, brackets included: start, end, option, kind."""
    if not known.folded:
        return
    for found in (_LABEL if answer.isascii() else _LABEL_UNSPACED).finditer(answer):
        mark, (start, end) = found[1], found.span()
        option = known.folded.get(mark.lower())
        if option is None:
            continue
        closed = answer[end : end + 1] in (")", "]")
        opened = closed and answer[start - 1 : start] in ("(", "[")
        line = answer.rfind("\n", max(0, start - 8), start)
        starts = not answer[line + 1 if line >= 0 else max(0, start - 8) : start].strip(" >#-\n")
        sure = opened or (closed and starts)
        if not sure and not _bare(answer, low, mark, start, end, known, option):
            continue
        yield start - opened, end + closed, option, words.LABEL


def _bare(answer: str, low: str, mark: str, start: int, end: int, known: Key, option: int) -> bool:
    """Whether a label without brackets is one, and no article, pronoun or initial."""
    if mark.isdigit():
        return True
    if mark.islower():
        if start == 0 and re.match(r"(?: -|[.:]) ", answer[end : end + 3]):
            return True
        if not _CUE_BEFORE.search(answer, max(0, start - 24), start):
            return False
        return mark not in "aieoy" or not re.match(r"\s*\w", answer[end : end + 4])
    closed = answer.startswith(")", end)
    if not closed and _COUNTED.search(answer, max(0, start - 2), start):  # degrees, or a numbered room
        return False
    initial = _INITIAL.search(answer, max(0, start - 4), start)
    if initial and initial[1].lower() not in known.folded:
        return False
    if mark == "I":
        before = _CUE_BEFORE.search(answer, max(0, start - 24), start) or start == 0
        return bool((before and _AFTER_I.match(answer, end)) or re.match(r"\s+is\b", answer[end : end + 5]))
    named = _NAMED.search(answer, max(0, start - 12), start)
    if mark in "AEOY" and not named and not _AFTER_WORDLIKE.match(answer, end):
        return low.startswith(known.fulls[option], end + 1)
    return True
