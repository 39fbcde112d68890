"""What the file of an image is made of, read before any decoder sees it.

Every part is counted, and only those that hold pixels are passed on: the parsers of EXIF, of colour profiles, of comments and of
texts never run, and a file of a million empty parts costs what a thousand cost. Nothing here decompresses anything.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from struct import error, pack, unpack_from
from typing import NamedTuple

MAX_PARTS = 20_000
"""Chunks of a PNG or WebP, segments of a JPEG, blocks of a GIF: its largest images have fewer."""
MAX_BLOCKS = 200_000
"""Data blocks of a GIF, of 255 bytes each."""


class PictureError(ValueError):
    """The bytes are no image that tocsin takes; the message says why, in a few words and without quoting any of them."""


class Parts(NamedTuple):
    """An image without what is not pixels.

    Attributes:
        kind: ``PNG``, ``JPEG``, ``WEBP`` or ``GIF``.
        width: Pixels, as the header says.
        height: The same.
        data: A file of that format with headers and pixels alone.
        turn: Which way is up, as EXIF numbers it: 1 to 8.
        scans: How often a decoder goes over the image.
    """

    kind: str
    width: int
    height: int
    data: bytes
    turn: int = 1
    scans: int = 1


def parts_of(data: bytes) -> Parts:
    """Takes an image apart.

    Raises:
        PictureError: It is of another format, animated, cut off, or has too many parts.
    """
    for start, read in _READERS.items():
        if data.startswith(start) and (read is not _webp or data[8:12] == b"WEBP"):
            try:
                return read(data)
            except (error, IndexError):
                raise PictureError("the image is cut off or damaged (its parts do not fit together)") from None
    raise PictureError("the bytes are no image of a known format (PNG, JPEG, WebP, GIF)")


def _counted() -> Iterator[None]:
    yield from (None for _ in range(MAX_PARTS))
    raise PictureError(f"the image has more than {MAX_PARTS} parts")


def _animated() -> PictureError:
    return PictureError("the image is animated, and a judge would see one of its frames")


def _turn(exif: bytes) -> int:
    """The way up that EXIF names in its first folder; 1, upright, where it is not readable."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    try:
        (at,) = unpack_from(f"{order}I", exif, 4) if order else (len(exif),)
        (entries,) = unpack_from(f"{order}H", exif, at)
        for number in range(entries):
            tag, kind, _, value = unpack_from(f"{order}HHIH", exif, at + 2 + 12 * number)
            if tag == 0x0112 and kind == 3:
                return int(value) if 1 <= value <= 8 else 1
    except error:
        pass
    return 1


# -- PNG (https://www.w3.org/TR/png-3/#5DataRep) --------------------------------------------------------------------------

_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT")
_END = b"\0\0\0\0IEND\xaeB`\x82"


def _png(data: bytes) -> Parts:
    kept, at, turn = [data[:8]], 8, 1
    if data[12:16] != b"IHDR":
        raise IndexError
    width, height = unpack_from(">II", data, 16)
    for _ in _counted():
        size, name = unpack_from(">I4s", data, at) if at < len(data) else (0, b"IEND")
        if name == b"IEND":
            break
        if name == b"acTL" and unpack_from(">I", data, at + 8)[0] != 1:
            raise _animated()
        if name == b"IHDR" and at > 8:
            raise IndexError
        if name == b"eXIf":
            turn = _turn(data[at + 8 : at + 8 + size])
        end = at + 12 + size
        if name in _CHUNKS:
            if end > len(data) + 4:  # the sum behind the last pixels may be missing, and no pixel
                raise IndexError
            kept.append(data[at:end])
        at = end
    return Parts("PNG", width, height, b"".join([*kept, _END]), turn)


# -- JPEG (ITU-T T.81, annex B) -------------------------------------------------------------------------------------------

_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""A marker: no stuffed byte, no filling, and none of those that may stand within a scan."""
_FRAMES = {*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_SEGMENTS = {*_FRAMES, 0xC4, 0xCC, 0xDA, 0xDB, 0xDD}
"""Frames, tables, restarts and scans."""
_TELLING = {0xE0: b"JFIF\0", 0xEE: b"Adobe"}
"""Segments of applications that say which colours are meant."""
_SCAN, _EXIF, _LAST, _FIRST = 0xDA, 0xE1, 0xD9, 0xD8


def _jpeg(data: bytes) -> Parts:
    kept, at, turn, scans, exif = [data[:2]], 2, 1, 0, False
    width = height = 0
    for _ in _counted():
        found = _MARKER.search(data, at)
        if found is None or data[found.end() - 1] == _LAST:
            break
        start, at = found.start(), found.end()
        code = data[at - 1]
        if code == _FIRST:
            raise IndexError
        if code == 0x01:
            continue
        end = at + max(2, unpack_from(">H", data, at)[0])
        if code == _EXIF and not exif and data.startswith(b"Exif\0", at + 2):
            exif, turn = True, _turn(data[at + 8 : end])
        if code in _FRAMES:
            height, width = unpack_from(">HH", data, at + 3)
        if code == _SCAN:
            scans += 1
            following = _MARKER.search(data, end)
            end = len(data) if following is None else following.start()
        if code in _SEGMENTS or (code in _TELLING and data.startswith(_TELLING[code], at + 2)):
            kept.append(data[start:end])
        at = end
    return Parts("JPEG", width, height, b"".join([*kept, b"\xff\xd9" if found else b""]), turn, scans)


# -- GIF (https://www.w3.org/Graphics/GIF/spec-gif89a.txt) ----------------------------------------------------------------


def _gif(data: bytes) -> Parts:
    width, height, flags = unpack_from("<HHB", data, 6)
    at = 13 + _table(flags)
    head, control, picture = data[:at], b"", b""
    for _ in _counted():
        mark = data[at : at + 1]
        if mark == b"!":
            end = _blocks(data, at + 2)
            if data[at + 1] == 0xF9:
                control = data[at:end]
        elif mark == b",":
            if picture:
                raise _animated()
            left, top, wide, high, flags = unpack_from("<4HB", data, at + 1)
            width, height = max(width, left + wide), max(height, top + high)
            end = _blocks(data, at + 10 + _table(flags) + 1)
            picture = control + data[at:end]
        else:
            break
        at = end
    if not picture:
        raise IndexError
    return Parts("GIF", width, height, head + picture + b";")


def _table(flags: int) -> int:
    """Bytes of a table of colours."""
    return 6 << (flags & 7) if flags & 0x80 else 0


def _blocks(data: bytes, at: int) -> int:
    """Where a row of data blocks ends."""
    for _ in range(MAX_BLOCKS):
        if not (size := data[at]):
            return at + 1
        at += size + 1
    raise PictureError(f"the image has more than {MAX_BLOCKS} blocks")


# -- WebP (https://developers.google.com/speed/webp/docs/riff_container) --------------------------------------------------

_PIXELS = (b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF")
_ALPHA_OR_FRAMES = 0x12
"""The flags of the header that are about pixels."""


def _webp(data: bytes) -> Parts:
    kept, at, turn, frames, size = [b""], 12, 1, 0, (0, 0)
    last = min(len(data), 8 + unpack_from("<I", data, 4)[0])
    for _ in _counted():
        if at + 8 > last:
            break
        name, length = unpack_from("<4sI", data, at)
        body, end = at + 8, at + 8 + length + length % 2
        if name in (*_PIXELS, b"VP8X") and body + length > len(data):
            raise IndexError
        if name == b"VP8X":
            wide, high = (int.from_bytes(data[body + i : body + i + 3], "little") + 1 for i in (4, 7))
            size = size if any(size) else (wide, high)
            kept.append(data[at:body] + bytes((data[body] & _ALPHA_OR_FRAMES,)) + data[body + 1 : end])
        elif name in _PIXELS:
            if name == b"VP8 " and not any(size):
                wide, high = unpack_from("<HH", data, body + 6)
                size = wide & 0x3FFF, high & 0x3FFF
            elif name == b"VP8L" and not any(size):
                (bits,) = unpack_from("<I", data, body + 1)
                size = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
            frames += name == b"ANMF"
            kept.append(data[at:end])
        elif name == b"EXIF":
            exif = data[body : body + length]
            turn = _turn(exif.removeprefix(b"Exif\0\0"))
        if frames > 1:
            raise _animated()
        at = end
    told = b"".join(kept)
    return Parts("WEBP", *size, b"RIFF" + pack("<I", 4 + len(told)) + b"WEBP" + told, turn)


_READERS = {b"\x89PNG\r\n\x1a\n": _png, b"\xff\xd8\xff": _jpeg, b"GIF87a": _gif, b"GIF89a": _gif, b"RIFF": _webp}
