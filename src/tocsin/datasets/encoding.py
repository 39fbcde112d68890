"""Bytes of a user's file to text. A file in an encoding that is not taken is named with how to convert it."""

from __future__ import annotations

import codecs
import re
import shlex

from tocsin.models.config import ConfigError

_WIDE = {codecs.BOM_UTF16_LE: "UTF-16LE", codecs.BOM_UTF16_BE: "UTF-16BE"}
_COMMON = {
    "gb18030": frozenset("的一是不了人在有中个上们到说国为子与条应当规定"),
    "big5": frozenset("的一是不了人在有中個上們到說國為子與條應當規定"),
}
"""Everyday characters, in the forms that each encoding's readers write: they tell the two apart."""
_ALL_COMMON = frozenset[str]().union(*_COMMON.values())
_UNMARKED = {"UTF-16LE": "utf-16-le", "UTF-16BE": "utf-16-be"}
_OFTEN = 0.1
"""Share of a Chinese text in UTF-16 that such characters are at least: bytes of another encoding give one of them in hundreds."""
_NAMES = {"gb18030": "GB18030", "big5": "Big5"}
_LEAST = 0.02
"""Share of a Chinese text that such characters are at least."""
_ENOUGH = 10
"""Characters other than ASCII from which that share says anything: two or three are common ones, or not, by chance."""
_LATIN = re.compile(r"[A-Za-z]{2}")


def decoded(raw: bytes, name: str, *, encoding: str | None = None, wide: bool = False) -> str:
    """The text of a file, without a byte-order mark.

    Args:
        raw: Its bytes.
        name: Its name, for errors.
        encoding: What it is encoded in, where somebody knows; UTF-8 if None.
        wide: Whether UTF-16 is taken too, where a mark shows it.

    Raises:
        ConfigError: It is in another encoding; the message names the likely one and how to convert the file.
    """
    if encoding is not None:
        try:
            return raw.decode(encoding).removeprefix("\ufeff")
        except LookupError:
            raise ConfigError(
                f"{name}: there is no encoding {encoding!r}; try utf-8, gb18030, big5 or latin-1"
            ) from None
        except UnicodeDecodeError as error:
            raise ConfigError(f"{name}: is not {encoding}: byte {error.start} cannot be read as that") from None
    if wide and raw[:2] in _WIDE:
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError:
            raise ConfigError(f"{name}: begins as UTF-16 and breaks off within a character") from None
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{name}: is not UTF-8 (line {line}){converting(likely(raw), name)}") from None
    if "\0" in text[:4096]:
        raise ConfigError(f"{name}: is not UTF-8{converting(likely(raw), name)}")
    return text


def likely(raw: bytes) -> tuple[str, ...]:
    """The encodings that bytes which are not UTF-8 may be in, as ``iconv`` names them: one where the bytes decide, several
    where there are too few others than ASCII to tell, none if nothing speaks for one.
    """
    if raw[:2] in _WIDE:
        return ("UTF-16",)
    head = raw[:4096]
    if head.count(0) > len(head) // 5:
        return ("UTF-16LE" if head[1::2].count(0) >= head[::2].count(0) else "UTF-16BE",)
    for name, codec in _UNMARKED.items():
        said = head[: len(head) // 2 * 2].decode(codec, "replace")
        hits = sum(char in _ALL_COMMON for char in said)
        if hits >= 2 and hits >= _OFTEN * len(said):
            return (name,)
    texts = {name: text for name in _COMMON if (text := _possible(raw, name))}
    others = {name: [char for char in text if not char.isascii()] for name, text in texts.items()}
    shares = {name: sum(char in _COMMON[name] for char in said) / len(said) for name, said in others.items()}
    best = max(shares, key=lambda name: shares[name], default="")
    if best and shares[best] >= _LEAST and len(others[best]) >= _ENOUGH:
        return (_NAMES[best],)
    if head.count(0):
        return ()
    return (*(_NAMES[name] for name, text in texts.items() if not _within_words(text)), "WINDOWS-1252")


def _possible(raw: bytes, name: str) -> str:
    """The text that bytes are in an encoding; empty if they cannot be in it, but for what a few damaged bytes would explain."""
    text = codecs.getincrementaldecoder(name)("replace").decode(raw[: 2**16])
    count = sum(not char.isascii() for char in text)
    return text if count and text.count("\ufffd") <= count / 20 else ""


def _within_words(text: str) -> bool:
    """Whether all that is not ASCII stands within words of Latin letters, as accents do and Chinese does not."""
    runs = re.finditer(r"[^\x00-\x7f]+", text)
    return all(
        _LATIN.fullmatch(text[max(0, run.start() - 1) : run.start()] + text[run.end() : run.end() + 1]) for run in runs
    )


def converting(encodings: tuple[str, ...], name: str) -> str:
    """What to do with a file in the encodings that `likely` named, or none; to stand behind "is not UTF-8"."""
    if not encodings:
        return ": save it as UTF-8"
    file = shlex.quote(name)
    if len(encodings) == 1:
        (encoding,) = encodings
        return (
            f"; it is likely {encoding}: convert it with iconv -f {encoding} -t UTF-8 {file} > converted and use that"
        )
    return (
        f"; it may be {', '.join(encodings[:-1])} or {encodings[-1]}: look which reads right with"
        f" iconv -f {encodings[0]} -t UTF-8 {file}, and so on, and use that one's output"
    )
