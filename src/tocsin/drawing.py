"""Text drawn as a picture, with Pillow: the same text gives the same bytes, with the same fonts and the same Pillow.

Text of ASCII alone is drawn with the font that Pillow brings, so that it needs no font on the machine and looks the same on all.
Anything else needs an installed one: Noto and DejaVu are looked for first, by file name, in the usual folders of Linux and macOS
and in the folder that ``TOCSIN_FONTS`` names. Which characters a font has is read from its own character map. A character that no
font has is never drawn as a box: `FontMissing` says what to install.

Scripts that are written from right to left, or whose letters change with their neighbours, need Pillow's raqm; without it they
raise `FontMissing`, too. Within a line, text of several fonts is laid out run by run in the direction of its paragraph.
"""

from __future__ import annotations

import io
import os
import re
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw, ImageFont, features

Align = Literal["left", "center"]
FOLDER = "TOCSIN_FONTS"
"""Environment variable: a folder with fonts that are looked at before all others."""
MOST_CHARACTERS = 20_000
MOST_SIDE = 8_000
"""Pixels of a side; text that needs more at the smallest size is not drawn."""
SMALLEST = 14
"""Pixels that letters are made smaller to, where text has to fit."""
SHAPED = frozenset({
    "ARABIC", "HEBREW", "SYRIAC", "THAANA", "NKO", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL", "TELUGU",
    "KANNADA", "MALAYALAM", "SINHALA", "THAI", "LAO", "TIBETAN", "MYANMAR", "KHMER", "MONGOLIAN", "JAVANESE", "BALINESE",
})  # fmt: skip
"""Scripts, as Unicode's names of characters begin, that are drawn wrong without shaping or direction."""
_HAN = frozenset({"CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "IDEOGRAPHIC", "FULLWIDTH", "KATAKANA-HIRAGANA"})
_FACES = {"ja": "JP", "ko": "KR", "zh-Hant": "TC", "yue": "HK", "zh": "SC"}
"""Language → how the face of a collection is called that has its forms of Han characters."""
_HAN_FILES = (
    "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf", "NotoSansSC-Regular.ttf",
    "NotoSerifCJK-Regular.ttc", "SourceHanSans-Regular.ttc", "wqy-zenhei.ttc", "wqy-microhei.ttc", "DroidSansFallbackFull.ttf",
    "PingFang.ttc", "Hiragino Sans GB.ttc", "AppleSDGothicNeo.ttc", "STHeiti Light.ttc",
)  # fmt: skip
_NAMES = {"ORIYA": "Oriya", "NKO": "NKo"}
_OTHER_FILES = {
    "ARABIC": ("NotoSansArabic-Regular.ttf", "NotoNaskhArabic-Regular.ttf", "GeezaPro.ttc"),
    "HEBREW": ("NotoSansHebrew-Regular.ttf", "ArialHB.ttc"),
    "DEVANAGARI": ("NotoSansDevanagari-Regular.ttf", "Lohit-Devanagari.ttf", "Kohinoor.ttc"),
    "BENGALI": ("NotoSansBengali-Regular.ttf", "Lohit-Bengali.ttf", "KohinoorBangla.ttc"),
    "THAI": ("NotoSansThai-Regular.ttf", "NotoLoopedThai-Regular.ttf", "Thonburi.ttc"),
    "TIBETAN": ("NotoSerifTibetan-Regular.ttf", "Kailasa.ttc"),
}
_GENERAL = (
    "NotoSans-Regular.ttf", "DejaVuSans.ttf", "LiberationSans-Regular.ttf", "FreeSans.ttf", "NotoSansSymbols-Regular.ttf",
    "NotoSansSymbols2-Regular.ttf", "NotoSansMath-Regular.ttf", "NotoEmoji-Regular.ttf", "Arial Unicode.ttf", "Helvetica.ttc",
    "unifont.ttf", "unifont.otf",
)  # fmt: skip
_FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/System/Library/Fonts", "/Library/Fonts",
    "~/Library/Fonts", "/opt/homebrew/share/fonts",
)  # fmt: skip
_FONT = re.compile(r"\.(ttf|otf|ttc|otc)$", re.IGNORECASE)
_KEPT = "\u200c\u200d"
"""Zero-width characters that shaping needs."""
_CLOSING = frozenset("、。，．：；！？）」』】》〉〕］｝…・ー々,.;:!?)]}’”%")
_OPENING = frozenset("（「『【《〈〔［｛([{‘“")

Drawable = ImageFont.FreeTypeFont


class Undrawable(ValueError):
    """A text that cannot be drawn. The message never holds the text."""


class FontMissing(Undrawable):
    """No font here has the characters of a text, or its script cannot be shaped.

    Attributes:
        scripts: The scripts, in small letters.
        language: The language that was named; empty if none was.
    """

    def __init__(self, scripts: Sequence[str], language: str = "", why: str = "") -> None:
        self.scripts, self.language = tuple(scripts), language
        named = f" (language {language})" if language else ""
        fonts = (
            "no installed font has all of its characters: install the Debian packages fonts-noto-core and fonts-noto-cjk,"
            f" or put a font into the folder that {FOLDER} names"
        )
        super().__init__(f"cannot draw text in {', '.join(scripts) or 'this script'}{named}: {why or fonts}")


class _Face:
    """One face of a font file, with the characters it has."""

    def __init__(self, path: Path | None, index: int = 0) -> None:
        self.path, self.index = path, index

    @property
    def has(self) -> frozenset[int]:
        return _characters(self.path, self.index)

    def at(self, size: int) -> Drawable:
        return _opened(self.path, self.index, size)


# ---------------------------------------------------------------------------------------------------------------------
# Fonts


def font(text: str, size: int, *, language: str = "") -> Drawable:
    """The first font that has every character of a text.

    Args:
        text: What is to be drawn.
        size: Pixels.
        language: BCP 47 code; it decides between the Han characters of China, Japan and Korea.

    Raises:
        FontMissing: There is none. `lettering` draws a text with several fonts where one will not do.
    """
    text = _clean(text)
    _shaped(text, language)
    needed = _needed(text)
    for face in _candidates(text, language):
        if needed <= face.has:
            return face.at(size)
    raise FontMissing(_scripts(needed), language)


def _faces(text: str, language: str) -> list[_Face]:
    """The fewest fonts, by and large, that have every character of a text between them."""
    needed, chosen = _needed(text), list[_Face]()
    faces = list(_candidates(text, language))
    while needed or not chosen:
        best = max(faces, key=lambda face: len(needed & face.has))  # the first of those that have most
        if needed and not needed & best.has:
            raise FontMissing(_scripts(needed), language)
        chosen.append(best)
        needed -= best.has
    return chosen


def _candidates(text: str, language: str) -> Iterator[_Face]:
    """Every font that may have the characters of a text, the likeliest first."""
    extra = os.environ.get(FOLDER, "")
    if extra:
        yield from (_Face(path) for _, path in sorted(_installed((extra,)).items()))
    yield _Face(None)
    counted = Counter(script for one in text if (script := _script(one)))
    if any(script in _HAN for script in counted):
        yield from _han(language)
    there = _installed(_FOLDERS)
    names = [
        name
        for script, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        if script not in _HAN
        for title in (_NAMES.get(script, script.title()),)
        for name in (
            *_OTHER_FILES.get(script, ()), f"NotoSans{title}-Regular.ttf", f"NotoSerif{title}-Regular.ttf",
        )
    ]  # fmt: skip
    yield from (_Face(there[name]) for name in dict.fromkeys((*names, *_GENERAL)) if name in there)
    if not any(script in _HAN for script in counted):
        yield from _han(language)


def _han(language: str) -> Iterator[_Face]:
    there = _installed(_FOLDERS)
    wanted = next((face for code, face in _FACES.items() if language.casefold().startswith(code.casefold())), "SC")
    for name in _HAN_FILES:
        if name in there:
            yield _Face(there[name], _index(there[name], wanted))


@lru_cache(maxsize=64)
def _index(path: Path, wanted: str) -> int:
    """Which face of a collection bears a name that ends so; the first where none does."""
    for index in range(_count(path)):
        if str(ImageFont.truetype(str(path), 10, index=index).getname()[0]).endswith(wanted):
            return index
    return 0


@lru_cache(maxsize=8)
def _installed(folders: tuple[str, ...]) -> dict[str, Path]:
    """File name → path, of every font in these folders; the first in order of path where several have a name."""
    found: dict[str, Path] = {}
    for folder in folders:
        for parent, _, names in sorted(os.walk(Path(folder).expanduser())):
            for name in sorted(names):
                if _FONT.search(name):
                    found.setdefault(name, Path(parent) / name)
    return found


@lru_cache(maxsize=64)
def _opened(path: Path | None, index: int, size: int) -> Drawable:
    if path is None:
        built_in = ImageFont.load_default(size)
        assert isinstance(built_in, ImageFont.FreeTypeFont), "Pillow's wheels bring FreeType"
        return built_in
    return ImageFont.truetype(str(path), size, index=index)


@lru_cache(maxsize=64)
def _characters(path: Path | None, index: int) -> frozenset[int]:
    """Every code point that a face maps to a glyph; none where its tables cannot be read."""
    try:
        data = _built_in() if path is None else path.read_bytes()
        return frozenset(_mapped(data, index))
    except (OSError, struct.error, IndexError):
        return frozenset()


def _built_in() -> bytes:
    stream = _opened(None, 0, 10).path
    assert isinstance(stream, io.BytesIO), "Pillow's own font is read from memory"
    return stream.getvalue()


def _count(path: Path) -> int:
    with path.open("rb") as file:
        head = file.read(12)
    return int(struct.unpack(">I", head[8:12])[0]) if head[:4] == b"ttcf" else 1


def _mapped(data: bytes, index: int) -> Iterator[int]:
    """The code points in the character map of a font (OpenType's ``cmap``, formats 4 and 12)."""
    start = struct.unpack_from(">I", data, 12 + 4 * index)[0] if data[:4] == b"ttcf" else 0
    (tables,) = struct.unpack_from(">H", data, start + 4)
    for number in range(tables):
        tag, _, at, _ = struct.unpack_from(">4sIII", data, start + 12 + 16 * number)
        if tag == b"cmap":
            break
    else:
        return
    (count,) = struct.unpack_from(">H", data, at + 2)
    for number in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", data, at + 4 + 8 * number)
        if platform not in (0, 3) or (platform == 3 and encoding not in (1, 10)):
            continue
        kind = struct.unpack_from(">H", data, at + offset)[0]
        if kind == 12:
            (groups,) = struct.unpack_from(">I", data, at + offset + 12)
            for group in range(groups):
                first, last, glyph = struct.unpack_from(">III", data, at + offset + 16 + 12 * group)
                yield from range(first + (glyph == 0), min(last, 0x10FFFF) + 1)
        elif kind == 4:
            yield from _segments(data, at + offset)


def _segments(data: bytes, at: int) -> Iterator[int]:
    (twice,) = struct.unpack_from(">H", data, at + 6)
    ends, starts = at + 14, at + 16 + twice
    for place in range(0, twice, 2):
        (last,), (first,) = struct.unpack_from(">H", data, ends + place), struct.unpack_from(">H", data, starts + place)
        (delta,) = struct.unpack_from(">H", data, starts + twice + place)
        where = starts + 2 * twice + place
        (offset,) = struct.unpack_from(">H", data, where)
        for code in range(first, min(last, 0xFFFE) + 1):
            glyph = code
            if offset:
                (glyph,) = struct.unpack_from(">H", data, where + offset + 2 * (code - first))
                if not glyph:
                    continue
            if (glyph + delta) & 0xFFFF:
                yield code


# ---------------------------------------------------------------------------------------------------------------------
# Text


def _clean(text: str) -> str:
    """A text without what is not seen: control characters, marks of direction and of variation."""
    said = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = []
    for one in said:
        kind = unicodedata.category(one)
        if one == "\n" or kind in ("Zl", "Zp"):
            kept.append("\n")
        elif kind == "Zs" or one == "\t":
            kept.append(" ")
        elif (kind in ("Cc", "Cf") and one not in _KEPT) or "\ufe00" <= one <= "\ufe0f":
            continue
        else:
            kept.append(one)
    return re.sub(r"\n{3,}", "\n\n", "".join(kept)).strip("\n")


def _needed(text: str) -> set[int]:
    return {ord(one) for one in text if one not in _KEPT and one not in "\n "}


@lru_cache(maxsize=4096)
def _script(character: str) -> str:
    """The script of a letter or a mark, as its name in Unicode begins; empty for what scripts have in common."""
    if unicodedata.category(character)[0] not in "LM":
        return ""
    return unicodedata.name(character, "").partition(" ")[0]


def _scripts(codes: set[int]) -> list[str]:
    return sorted({(_script(chr(code)) or "symbols").lower() for code in codes})


def _shaped(text: str, language: str) -> None:
    lacking = sorted({script for one in text if (script := _script(one)) in SHAPED})
    if lacking and not features.check("raqm"):
        why = "Pillow here has no raqm, without which its letters come out wrong (Pillow's wheels bring it)"
        raise FontMissing([script.lower() for script in lacking], language, why)


def _rtl(paragraph: str) -> bool:
    """Whether the first letter with a direction runs from right to left."""
    for one in paragraph:
        if (way := unicodedata.bidirectional(one)) in ("L", "R", "AL"):
            return way != "L"
    return False


def clusters(text: str) -> list[str]:
    """A text in pieces that are not to be parted: letters with their marks, and what a joiner or a virama joins."""
    pieces: list[str] = []
    joined = False
    for one in text:
        mark = unicodedata.category(one)[0] == "M" or one in _KEPT
        if pieces and (mark or joined):
            pieces[-1] += one
        else:
            pieces.append(one)
        joined = one == "\u200d" or unicodedata.combining(one) == 9
    return pieces


def _tokens(paragraph: str) -> list[str]:
    """Pieces between which a line may end: words with the blanks after them, and single Han characters and kana."""
    tokens: list[str] = []
    for piece in re.findall(r"\S+\s*|\s+", paragraph):
        held = ""
        for one in clusters(piece):
            parts = held and (_parted(held[-1]) or _parted(one[0])) and not one.isspace()
            if parts and held[-1] not in _OPENING and one[0] not in _CLOSING:
                tokens.append(held)
                held = ""
            held += one
        tokens.append(held)
    return tokens


def _parted(character: str) -> bool:
    """Whether a line may end before and after it without a blank."""
    return unicodedata.east_asian_width(character) in "WF" and _script(character) != "HANGUL"


class _Pen:
    """Fonts at one size, and what they make of lines."""

    def __init__(self, faces: Sequence[_Face], size: int) -> None:
        self._fonts = [(face.has, face.at(size)) for face in faces]
        metrics = [made.getmetrics() for _, made in self._fonts]
        self.ascent, self.descent = max(up for up, _ in metrics), max(down for _, down in metrics)

    def runs(self, line: str) -> list[tuple[Drawable, str]]:
        """Text by the font that it is drawn with; what a font lacks goes to the next one that has it."""
        runs: list[tuple[Drawable, str]] = []
        for cluster in clusters(line):
            needed = _needed(cluster)
            made = next((made for has, made in self._fonts if needed <= has), None)
            if made is None:  # its parts are in different fonts: each goes to its own
                parts = [(next(made for has, made in self._fonts if _needed(one) <= has), one) for one in cluster]
            else:
                parts = [(runs[-1][0] if runs and not needed else made, cluster)]
            for chosen, part in parts:
                if runs and runs[-1][0] is chosen:
                    runs[-1] = (chosen, runs[-1][1] + part)
                else:
                    runs.append((chosen, part))
        return runs

    def width(self, line: str, rtl: bool) -> float:
        return sum(made.getlength(text, direction=_way(made, rtl)) for made, text in self.runs(line))

    def lines(self, text: str, most: float) -> list[tuple[str, bool]]:
        """Lines no wider than that, and whether they run from right to left."""
        lines: list[tuple[str, bool]] = []
        for paragraph in text.split("\n"):
            rtl, line = _rtl(paragraph), ""
            for token in _tokens(paragraph):
                if self.width((line + token).rstrip(), rtl) <= most:
                    line += token
                    continue
                if line.strip():
                    lines.append((line.rstrip(), rtl))
                    line = ""
                    token = token.lstrip() or ""
                for cluster in clusters(token):  # a word that is wider than the line is broken
                    if line and self.width((line + cluster).rstrip(), rtl) > most:
                        lines.append((line.rstrip(), rtl))
                        line = ""
                    line += cluster
            lines.append((line.rstrip(), rtl))
        return lines


def _way(made: Drawable, rtl: bool) -> str | None:
    """The direction, for fonts that are laid out by raqm."""
    if made.layout_engine != ImageFont.Layout.RAQM:
        return None
    return "rtl" if rtl else "ltr"


def lettering(
    text: str,
    *,
    width: int = 760,
    size: int = 48,
    height: int | None = None,
    align: Align = "left",
    language: str = "",
    margin: int = 30,
    spacing: float = 1.15,
    ink: str = "black",
    paper: str = "white",
) -> Image.Image:
    """A text as a picture. Lines are broken where they have to be; nothing is cut off.

    Args:
        text: Any text. Lines of it stay lines; control characters are left out.
        width: Pixels of the picture.
        size: Pixels of the letters. They are made smaller, down to `SMALLEST`, where the text would not fit.
        height: Pixels of the picture, with the text in its middle; as high as the text needs if None, or if it needs more.
        align: Where lines begin; ``left`` is right for text that runs from right to left.
        language: BCP 47 code of the text.
        margin: Pixels around the text.
        spacing: Of lines, by the height of the font.
        ink: Colour of the letters.
        paper: Colour behind them.

    Raises:
        FontMissing: No font has its characters, or its script cannot be shaped here.
        Undrawable: There is nothing to be seen in it, or it is too long.
    """
    text = _clean(text)
    if not text.strip() or not _needed(text):
        raise Undrawable("there is nothing to draw: the text has no character that is seen")
    if len(text) > MOST_CHARACTERS:
        raise Undrawable(f"the text is too long to be drawn: {len(text):,} characters, of at most {MOST_CHARACTERS:,}")
    _shaped(text, language)
    faces = _faces(text, language)
    room = max(1, width - 2 * margin)
    while True:
        pen = _Pen(faces, size)
        lines = pen.lines(text, room)
        step = round((pen.ascent + pen.descent) * spacing)
        tall = step * len(lines) + 2 * margin
        if tall <= (height or MOST_SIDE) or size <= SMALLEST:
            break
        size = max(SMALLEST, min(size - 2, round(size * 0.9)))
    if tall > MOST_SIDE:
        raise Undrawable(f"the text is too long to be drawn: it needs {tall:,} pixels, of at most {MOST_SIDE:,}")
    picture = Image.new("RGB", (width, max(tall, height or 0)), paper)
    draw = ImageDraw.Draw(picture)
    top = (picture.height - step * len(lines)) // 2
    for number, (line, rtl) in enumerate(lines):
        long = pen.width(line, rtl)
        start = (width - long) / 2 if align == "center" else width - margin - long if rtl else margin
        base = top + number * step + pen.ascent
        runs = pen.runs(line)
        for made, part in reversed(runs) if rtl else runs:
            draw.text((start, base), part, fill=ink, font=made, anchor="ls", direction=_way(made, rtl))
            start += made.getlength(part, direction=_way(made, rtl))
    return picture


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG file without metadata; the same pixels give the same bytes."""
    bare = picture.convert("RGB")
    bare.info = {}
    stream = io.BytesIO()
    bare.save(stream, "PNG", compress_level=6)
    return stream.getvalue()
