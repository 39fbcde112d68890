"""Hostile text made fit to show. Escaping keeps it from becoming markup; this keeps it from misleading the eye.

Control characters, invisible characters and marks that reverse the reading order are replaced by visible signs, and
everything has a greatest length.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from urllib.parse import urlsplit

from markupsafe import Markup

from tocsin.report.messages import Message

NAME = 160
"""Characters of a name, a note or a path that are shown at most."""

TEXT = 2000
"""Characters of a prompt or an answer that are shown at most."""

_KEPT = {"\u200c", "\u200d"}
"""Joiners: scripts of South Asia and Iran, and emoji, are not written rightly without them."""

_RIGHT_TO_LEFT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc"
_OTHER_LETTERS = "A-Za-z\u00c0-\u02af\u0370-\u058f\u0900-\u1fff\u2c00-\u2dff\u3041-\ud7ff\uf900-\ufb17"
_LEFT_TO_RIGHT = re.compile(f"[{_OTHER_LETTERS}]")
_TURNING = re.compile(f"[{_RIGHT_TO_LEFT}](?:[^{_OTHER_LETTERS}\n&]*[{_RIGHT_TO_LEFT}])?")
"""A run of words from right to left, with what stands between them."""

_SECRET = re.compile(
    r"api.?key|secret|password|authorization|bearer|credential|^(?:access|auth)?_?token$", re.IGNORECASE
)


def visible(text: str, *, most: int = TEXT, lines: bool = True) -> str:
    """Text with everything invisible made visible, cut at `most` characters.

    Args:
        text: Any text, lone surrogates included.
        most: Characters that are kept; what is cut is said.
        lines: Whether line breaks and tabs stay; otherwise they become spaces.
    """
    cut = len(text) - most
    shown = "".join(_shown(character, lines) for character in text[:most].replace("\r\n", "\n"))
    return f"{shown} … ({cut:,} more characters)" if cut > 0 else shown


def name(text: object, *, most: int = NAME) -> str:
    """A name on one line: whatever is not text is written as text. Of a message its values are gone over."""
    if isinstance(text, Message):
        return text.cleaned(lambda value: visible(str(value), most=most, lines=False))
    return visible(str(text), most=most, lines=False)


def finalize(value: object) -> object:
    """Goes over everything a template prints, so that no place can be forgotten. Markup of our own is left alone."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return isolated(visible(value, most=2 * TEXT))


def isolated(text: str) -> str:
    """A sentence whose right-to-left words stay in their place: the digits behind them would else be drawn before them.

    Each run of such words stands between isolates (Unicode Standard Annex 9), which show nothing and end where the run does.
    Those that came with a text are none any more: `visible` writes them out. A text that holds no other letters is left as it
    is: its own direction is the right one.
    """
    return _TURNING.sub("\u2068\\g<0>\u2069", text) if not text.isascii() and _LEFT_TO_RIGHT.search(text) else text


def address(url: str) -> str:
    """A base URL without what may be secret: user, password, query and fragment."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "an address that cannot be read"
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path}" if host else url.partition("?")[0]


def parameters(given: dict[str, object], *, most: int = 24) -> list[tuple[str, str]]:
    """Parameters as name and value, without those that are not set; values whose name tells of a secret are left out."""
    found = []
    for key, value in list(given.items())[:most]:
        if value in (None, "", (), [], {}):
            continue
        found.append((name(key), "(not shown)" if _SECRET.search(str(key)) else name(_without_secrets(value))))
    return found


def markdown(text: object, *, most: int = NAME) -> str:
    """A name as Markdown text: on one line, without any sign that Markdown, HTML or a code host would read.

    Word joiners after ``@``, ``#`` and in addresses keep a name from notifying people, or from becoming a link.
    """
    plain = re.sub(r"((?<!\w)@|#(?=\d))", "\\1\u2060", name(text, most=most))
    plain = re.sub(r"(?i)(https?|ftp|mailto|www)([:.])", "\\1\u2060\\2", plain)
    safe = re.sub(r"[&\\`*_{}\[\]<>|~$]", lambda sign: f"&#{ord(sign.group())};", plain)
    return safe if safe.isascii() else _TURNING.sub(r"\g<0>&lrm;", safe)


def _without_secrets(value: object) -> object:
    if isinstance(value, dict):
        return {key: "(not shown)" if _SECRET.search(str(key)) else _without_secrets(v) for key, v in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_without_secrets(one) for one in value]
    return value


def _shown(character: str, lines: bool) -> str:
    if character in "\n\t":
        return character if lines else " "
    if character.isascii() and character.isprintable():
        return character
    code = ord(character)
    kind = unicodedata.category(character)
    hidden = kind in ("Cc", "Cf", "Cs", "Zl", "Zp") or (code & 0xFFFE) == 0xFFFE or 0xFDD0 <= code <= 0xFDEF
    # Variation selectors and the Hangul fillers take no room either; the first sixteen selectors only style emoji.
    hidden = hidden or 0xE0100 <= code <= 0xE01EF or code in (0x115F, 0x1160, 0x3164, 0xFFA0, 0x034F)
    return f"⟨U+{code:04X}⟩" if hidden and character not in _KEPT else character
