"""Fonts: which are installed, which characters they have, and which of them draw a text."""

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

from PIL import ImageFont, features

from tocsin.protocols import Undeliverable

FOLDER = "TOCSIN_FONTS"
"""Environment variable: a folder with fonts that are looked at before all others."""
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
FOLDERS = (
    "/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/System/Library/Fonts", "/Library/Fonts",
    "~/Library/Fonts", "/opt/homebrew/share/fonts",
)  # fmt: skip
_FONT = re.compile(r"\.(ttf|otf|ttc|otc)$", re.IGNORECASE)
KEPT = "\u200c\u200d"
"""Zero-width characters that shaping needs."""


Drawable = ImageFont.FreeTypeFont


class Undrawable(Undeliverable):
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


class Face:
    """One face of a font file, with the characters it has."""

    def __init__(self, path: Path | None, index: int = 0) -> None:
        self.path, self.index = path, index

    @property
    def has(self) -> frozenset[int]:
        """Its code points."""
        return _characters(self.path, self.index)

    def at(self, size: int) -> Drawable:
        """The font at a size in pixels."""
        return _opened(self.path, self.index, size)


def font(text: str, size: int, *, language: str = "") -> Drawable:
    """The first font that has every character of a text.

    Args:
        text: What is to be drawn.
        size: Pixels.
        language: BCP 47 code; it decides between the Han characters of China, Japan and Korea.

    Raises:
        FontMissing: There is none. `lettering` draws a text with several fonts where one will not do.
    """
    text = clean(text)
    shaped(text, language)
    needed = needed_by(text)
    for face in _candidates(text, language):
        if needed <= face.has:
            return face.at(size)
    raise FontMissing(scripts_of(needed), language)


def faces_for(text: str, language: str) -> list[Face]:
    """The fewest fonts, by and large, that have every character of a text between them."""
    needed, chosen = needed_by(text), list[Face]()
    faces = list(_candidates(text, language))
    while needed or not chosen:
        best = max(faces, key=lambda face: len(needed & face.has))  # the first of those that have most
        if needed and not needed & best.has:
            raise FontMissing(scripts_of(needed), language)
        chosen.append(best)
        needed -= best.has
    return chosen


def _candidates(text: str, language: str) -> Iterator[Face]:
    """Every font that may have the characters of a text, the likeliest first."""
    extra = os.environ.get(FOLDER, "")
    if extra:
        yield from (Face(path) for _, path in sorted(installed((extra,)).items()))
    yield Face(None)
    counted = Counter(script for one in text if (script := script_of(one)))
    if any(script in _HAN for script in counted):
        yield from _han(language)
    there = installed(FOLDERS)
    names = [
        name
        for script, _ in sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
        if script not in _HAN
        for title in (_NAMES.get(script, script.title()),)
        for name in (
            *_OTHER_FILES.get(script, ()), f"NotoSans{title}-Regular.ttf", f"NotoSerif{title}-Regular.ttf",
        )
    ]  # fmt: skip
    yield from (Face(there[name]) for name in dict.fromkeys((*names, *_GENERAL)) if name in there)
    if not any(script in _HAN for script in counted):
        yield from _han(language)


def _han(language: str) -> Iterator[Face]:
    there = installed(FOLDERS)
    wanted = next((face for code, face in _FACES.items() if language.casefold().startswith(code.casefold())), "SC")
    for name in _HAN_FILES:
        if name in there:
            yield Face(there[name], _index(there[name], wanted))


@lru_cache(maxsize=64)
def _index(path: Path, wanted: str) -> int:
    """Which face of a collection bears a name that ends so; the first where none does."""
    for index in range(_count(path)):
        if str(ImageFont.truetype(str(path), 10, index=index).getname()[0]).endswith(wanted):
            return index
    return 0


@lru_cache(maxsize=8)
def installed(folders: tuple[str, ...]) -> dict[str, Path]:
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


def clean(text: str) -> str:
    """A text without what is not seen: control characters, marks of direction and of variation."""
    said = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    kept = []
    for one in said:
        kind = unicodedata.category(one)
        if one == "\n" or kind in ("Zl", "Zp"):
            kept.append("\n")
        elif kind == "Zs" or one == "\t":
            kept.append(" ")
        elif (kind in ("Cc", "Cf") and one not in KEPT) or "\ufe00" <= one <= "\ufe0f":
            continue
        else:
            kept.append(one)
    return re.sub(r"\n{3,}", "\n\n", "".join(kept)).strip("\n")


def needed_by(text: str) -> set[int]:
    """The code points of a text that a font has to have."""
    return {ord(one) for one in text if one not in KEPT and one not in "\n "}


@lru_cache(maxsize=4096)
def script_of(character: str) -> str:
    """The script of a letter or a mark, as its name in Unicode begins; empty for what scripts have in common."""
    if unicodedata.category(character)[0] not in "LM":
        return ""
    return unicodedata.name(character, "").partition(" ")[0]


def scripts_of(codes: set[int]) -> list[str]:
    """The scripts of these code points, in small letters."""
    return sorted({(script_of(chr(code)) or "symbols").lower() for code in codes})


def shaped(text: str, language: str) -> None:
    """Makes sure that a text can be laid out.

    Raises:
        FontMissing: It needs raqm, and Pillow here has none.
    """
    lacking = sorted({script for one in text if (script := script_of(one)) in SHAPED})
    if lacking and not features.check("raqm"):
        why = "Pillow here has no raqm, without which its letters come out wrong (Pillow's wheels bring it)"
        raise FontMissing([script.lower() for script in lacking], language, why)
