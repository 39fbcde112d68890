"""The file of a regulation to its text. What is no plain text is named with how to make it one."""

from __future__ import annotations

import re
import shlex
from hashlib import sha256
from pathlib import Path

import msgspec

from tocsin.datasets.encoding import decoded
from tocsin.models.config import ConfigError

_MOST = 2**25
_HTML = re.compile(rb"\s*(?:<\?xml[^>]*>\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I)


class Regulation(msgspec.Struct, frozen=True):
    """The text of a regulation.

    Attributes:
        file: Its file's name.
        sha256: Of the file's bytes.
        text: What it says. Spans count its characters.
    """

    file: str
    sha256: str
    text: str


def read_regulation(path: Path, encoding: str | None = None) -> Regulation:
    """The text of a regulation's file: UTF-8 with or without a mark, UTF-16 with one, or the encoding that is named.

    Raises:
        ConfigError: It cannot be read, is no plain text, is in another encoding, or holds nothing; the message says what to do.
    """
    try:
        with path.open("rb") as file:
            raw = file.read(_MOST + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror})") from error
    if len(raw) > _MOST:
        raise ConfigError(f"{path}: is larger than {_MOST // 2**20} MiB: divide it")
    _check_plain(raw, path)
    text = decoded(raw, str(path), encoding=encoding, wide=True)
    if not text.strip():
        raise ConfigError(f"{path}: holds no text")
    return Regulation(path.name, sha256(raw).hexdigest(), text)


def _check_plain(raw: bytes, path: Path) -> None:
    plain = path.with_suffix(".txt") if path.suffix.lower() != ".txt" else path.with_name(f"{path.stem}-text.txt")
    name, out = shlex.quote(str(path)), shlex.quote(str(plain))
    ending = path.suffix.lower()
    if raw.startswith(b"%PDF") or ending == ".pdf":
        raise ConfigError(f"{path}: is a PDF: take its text out with pdftotext -layout {name} {out} and use that")
    pandoc = f"take its text out with pandoc -t plain --wrap=none -o {out} {name} and use that"
    if raw.startswith(b"PK\x03\x04") or ending in (".docx", ".odt", ".epub"):
        raise ConfigError(f"{path}: is a packed document (DOCX, ODT, EPUB): {pandoc}")
    if raw.startswith(b"\xd0\xcf\x11\xe0") or ending == ".doc":
        raise ConfigError(f"{path}: is a Word document of the old format: save it as plain text (UTF-8) and use that")
    if raw.startswith(b"{\\rtf"):
        raise ConfigError(f"{path}: is RTF: {pandoc}")
    if _HTML.match(raw.removeprefix(b"\xef\xbb\xbf")) or ending in (".html", ".htm", ".xhtml"):
        raise ConfigError(f"{path}: is HTML: {pandoc}")
