"""Bytes of a user's file to text. A file in an encoding that is not taken is named with how to convert it."""

from __future__ import annotations

import codecs
import shlex

from tocsin.models.config import ConfigError

_WIDE = {codecs.BOM_UTF16_LE: "UTF-16LE", codecs.BOM_UTF16_BE: "UTF-16BE"}
_COMMON = {
    "gb18030": frozenset("的一是不了人在有中个上们到说国为子与条应当规定"),
    "big5": frozenset("的一是不了人在有中個上們到說國為子與條應當規定"),
}
"""Everyday characters, in the forms that each encoding's readers write: they tell the two apart."""
_NAMES = {"gb18030": "GB18030", "big5": "Big5"}
_LEAST = 0.02
"""Share of a Chinese text that such characters are at least."""


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


def likely(raw: bytes) -> str:
    """The encoding that bytes which are not UTF-8 are likely in, as ``iconv`` names it; empty if nothing speaks for one."""
    if raw[:2] in _WIDE:
        return "UTF-16"
    head = raw[:4096]
    if head.count(0) > len(head) // 5:
        return "UTF-16LE" if head[1::2].count(0) >= head[::2].count(0) else "UTF-16BE"
    shares = {name: _share(raw, name, common) for name, common in _COMMON.items()}
    best = max(shares, key=lambda name: shares[name])
    if shares[best] >= _LEAST:
        return _NAMES[best]
    return "" if head.count(0) else "WINDOWS-1252"


def _share(raw: bytes, name: str, common: frozenset[str]) -> float:
    text = raw[: 2**16].decode(name, "replace")
    others = [char for char in text if not char.isascii()]
    bad = sum(char == "\ufffd" for char in others)
    if not others or bad > len(others) / 20:
        return 0.0
    return sum(char in common for char in others) / len(others)


def converting(encoding: str, name: str) -> str:
    """What to do with a file in an encoding that `likely` named, or none; to stand behind "is not UTF-8"."""
    if not encoding:
        return ": save it as UTF-8"
    file = shlex.quote(name)
    return f"; it is likely {encoding}: convert it with iconv -f {encoding} -t UTF-8 {file} > converted and use that"
