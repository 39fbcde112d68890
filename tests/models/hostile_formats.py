"""Files of the four formats that are broken, or that few have seen: one family a function, each file with its name."""

from __future__ import annotations

import io
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator

from PIL import Image

from tests.pictures import drawn, encoded

MARKER = b"PLANTED-7c1f"
"""Must be in nothing that is kept, and in no message."""

Named = tuple[str, bytes]


def chunk(name: bytes, body: bytes = b"", *, size: int | None = None, crc: int | None = None) -> bytes:
    """A chunk of a PNG; size and sum are true unless told otherwise."""
    told = zlib.crc32(name + body) if crc is None else crc
    return struct.pack(">I", len(body) if size is None else size) + name + body + struct.pack(">I", told)


SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = chunk(b"IEND")


def header(width: int, height: int, depth: int = 8, colour: int = 2, interlaced: int = 0, method: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, method, 0, interlaced))


def flat(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """A PNG of zeros."""
    bits = depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour]
    packer = zlib.compressobj(1)
    row = bytes(1 + (width * bits + 7) // 8)
    packed = b"".join([*(packer.compress(row * min(64, height - at)) for at in range(0, height, 64)), packer.flush()])
    return SIGNATURE + header(width, height, depth, colour) + chunk(b"IDAT", packed) + END


def segment(code: int, body: bytes = b"", *, size: int | None = None) -> bytes:
    """A segment of a JPEG."""
    return struct.pack(">BBH", 0xFF, code, len(body) + 2 if size is None else size) + body


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    """A WebP."""
    told = b"".join(name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2) for name, body in chunks)
    return b"RIFF" + struct.pack("<I", 4 + len(told)) + b"WEBP" + told


def exif(entries: list[tuple[int, int, int, int]], *, order: str = "<", following: int = 0, more: bytes = b"") -> bytes:
    """EXIF with one folder of (tag, type, count, value); ``more`` begins at byte 8 + 6 + 12 * entries."""
    start = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(f"{order}I", 8)
    rows = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    return start + struct.pack(f"{order}H", len(entries)) + rows + struct.pack(f"{order}I", following) + more


def turned(number: int) -> bytes:
    """EXIF that names a way up."""
    return exif([(0x0112, 3, 1, number)])


PNG, JPEG = encoded(drawn(1)), encoded(drawn(2), "JPEG", quality=85)
WEBP, LOSSLESS = encoded(drawn(3), "WEBP", quality=80), encoded(drawn(3), "WEBP", lossless=True)
GIF = encoded(drawn(4).convert("P"), "GIF")
PROGRESSIVE = encoded(drawn(5, width=256, height=256), "JPEG", progressive=True, subsampling=0)
AFTER_HEADER = 33
"""Where a PNG's second chunk begins."""


def png() -> Iterator[Named]:
    first, rest = PNG[:AFTER_HEADER], PNG[AFTER_HEADER:]
    packed = chunk(b"IDAT", zlib.compress(bytes(49 * 16)))
    for size in (0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x00FFFFFF, len(PNG)):
        yield f"chunk of {size}", first + chunk(b"IDAT", b"x" * 8, size=size) + rest
        yield f"text of {size}", first + chunk(b"tEXt", b"Comment\0" + MARKER, size=size) + rest
    yield "bad sum of IHDR", PNG[:29] + b"\0\0\0\0" + rest
    yield "bad sum of IDAT", PNG[:-16] + b"\0\0\0\0" + END
    yield "bad sum of a text", first + chunk(b"tEXt", b"Comment\0" + MARKER, crc=0) + rest
    yield "two headers", first + header(4, 4) + rest
    yield "a larger second header", SIGNATURE + header(1, 1) + header(60_000, 60_000) + packed + END
    yield "pixels before the header", SIGNATURE + packed + header(16, 16) + END
    yield "end before the pixels", first + END + rest
    yield "no pixels", first + END
    yield "empty pixels", first + chunk(b"IDAT") + END
    yield "pixels apart", SIGNATURE + header(16, 16) + packed + chunk(b"tEXt", b"a\0" + MARKER) + packed + END
    yield "pixels in single bytes", first + b"".join(chunk(b"IDAT", bytes((b,))) for b in _packed(PNG)) + END
    yield "a palette twice", SIGNATURE + header(16, 16, 8, 3) + chunk(b"PLTE", b"abc") * 2 + packed + END
    yield "palette of 4 bytes", SIGNATURE + header(16, 16, 8, 3) + chunk(b"PLTE", b"abcd") + packed + END
    yield "palette of a megabyte", SIGNATURE + header(16, 16, 8, 3) + chunk(b"PLTE", b"abc" * 350_000) + packed + END
    yield "no palette", SIGNATURE + header(16, 16, 8, 3) + packed + END
    yield (
        "transparency of a megabyte",
        (SIGNATURE + header(16, 16, 8, 3) + chunk(b"PLTE", b"abc") + chunk(b"tRNS", bytes(2**20)) + packed + END),
    )
    yield (
        "colours beyond the palette",
        (
            SIGNATURE
            + header(16, 16, 8, 3)
            + chunk(b"PLTE", b"abc")
            + chunk(b"IDAT", zlib.compress(b"\0" + b"\xff" * 16))
            + END
        ),
    )
    for width, height in ((0, 16), (16, 0), (0, 0), (0x7FFFFFFF, 1), (1, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF)):
        yield f"{width} by {height}", SIGNATURE + header(width, height) + packed + END
    for depth, colour in ((0, 0), (3, 0), (16, 3), (4, 2), (8, 1), (8, 7), (255, 255)):
        yield f"depth {depth} of colour {colour}", SIGNATURE + header(16, 16, depth, colour) + packed + END
    yield "unknown compression", SIGNATURE + header(16, 16, method=9) + packed + END
    yield "unknown interlacing", SIGNATURE + header(16, 16, interlaced=7) + packed + END
    yield (
        "unknown filters",
        SIGNATURE + header(16, 16) + chunk(b"IDAT", zlib.compress((b"\x09" + bytes(48)) * 16)) + END,
    )
    yield "too few rows", SIGNATURE + header(16, 16) + chunk(b"IDAT", zlib.compress(bytes(49 * 3))) + END
    yield "not zlib", SIGNATURE + header(16, 16) + chunk(b"IDAT", MARKER * 9) + END
    yield "unknown critical chunk", first + chunk(b"EvIL", MARKER) + rest
    yield "200,000 empty chunks", first + chunk(b"prIv") * 200_000 + rest
    yield "200,000 empty pixels", first + chunk(b"IDAT") * 200_000 + rest
    frame = struct.pack(">IIIIIHHBB", 0, 64, 48, 0, 0, 1, 10, 0, 0)
    for frames in (0, 1, 2, 0xFFFFFFFF):
        controls = chunk(b"acTL", struct.pack(">II", frames, 0)) + chunk(b"fcTL", frame)
        yield f"animation of {frames}", first + controls + rest
    yield "animated", encoded(drawn(1), "PNG", save_all=True, append_images=[drawn(2)])


def _packed(data: bytes) -> bytes:
    at = data.index(b"IDAT")
    return data[at + 4 : at + 4 + struct.unpack(">I", data[at - 4 : at])[0]]


def png_forms() -> Iterator[Named]:
    plain = drawn(6)
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"):
        yield (
            f"mode {mode.replace(';', '-')}",
            encoded(plain.convert("I").convert(mode) if mode == "I;16" else plain.convert(mode)),
        )
    for colour in (0, 2, 4, 6):
        yield f"16 bits of colour {colour}", _noisy(16, colour)
    for depth in (1, 2, 4):
        yield f"{depth} bits grey", _noisy(depth, 0)
    yield "palette with transparency", encoded(plain.convert("P"), transparency=bytes(range(256)))
    yield "palette with one clear colour", encoded(plain.convert("P"), transparency=3)
    yield "grey with one clear level", encoded(plain.convert("L"), transparency=90)
    yield "one clear colour", encoded(plain, transparency=(20, 20, 60))
    yield "1 bit with a clear one", encoded(plain.convert("1"), transparency=0)
    yield "all clear", encoded(Image.new("RGBA", (9, 9), (1, 2, 3, 0)))
    yield "interlaced", _interlaced()
    yield "1 by 1", encoded(Image.new("RGB", (1, 1), "red"))
    yield "1 by 16,000", flat(1, 16_000)
    yield "16,000 by 1", flat(16_000, 1)
    yield "16,385 by 1", flat(16_385, 1)


def _noisy(depth: int, colour: int) -> bytes:
    bits = depth * {0: 1, 2: 3, 4: 2, 6: 4}[colour]
    chance = random.Random(depth + colour)
    raw = b"".join(b"\0" + chance.randbytes((24 * bits + 7) // 8) for _ in range(20))
    return SIGNATURE + header(24, 20, depth, colour) + chunk(b"IDAT", zlib.compress(raw)) + END


def _interlaced() -> bytes:
    """Adam7, 8 by 8 grey: seven passes of their own rows."""
    passes = ((1, 1), (1, 1), (2, 1), (2, 2), (4, 2), (4, 4), (8, 4))
    raw = b"".join((b"\0" + bytes(range(wide))) * high for wide, high in passes)
    return SIGNATURE + header(8, 8, 8, 0, interlaced=1) + chunk(b"IDAT", zlib.compress(raw)) + END


def jpeg() -> Iterator[Named]:
    first, rest, frame = JPEG[:2], JPEG[2:], JPEG.index(b"\xff\xc0")
    scan = JPEG.index(b"\xff\xda")
    table = re.search(rb"\xff\xdb\x00\x43.{65}", JPEG, re.DOTALL)
    codes = re.search(rb"\xff\xc4(..)", JPEG, re.DOTALL)
    assert table
    assert codes
    huffman = JPEG[codes.start() : codes.start() + 2 + struct.unpack(">H", codes[1])[0]]
    for size in (0, 1, 2, 3, 0xFFFF):
        yield f"comment of {size}", first + segment(0xFE, MARKER, size=size) + rest
        yield f"frame of {size}", JPEG[: frame + 2] + struct.pack(">H", size) + JPEG[frame + 4 :]
        yield f"scan of {size}", JPEG[: scan + 2] + struct.pack(">H", size) + JPEG[scan + 4 :]
    for height, width in ((0, 0), (0, 64), (48, 0), (65_500, 65_500), (65_535, 65_535), (65_535, 1)):
        yield f"{width} by {height}", JPEG[: frame + 5] + struct.pack(">HH", height, width) + JPEG[frame + 9 :]
    codings = (
        "extended", "progressive in word", "lossless", "", "differential", "differential progressive", "differential lossless",
        "reserved", "arithmetic in word", "arithmetic progressive", "arithmetic lossless",
    )  # fmt: skip
    for code, name in enumerate(codings, 0xC1):
        yield name or "codes as a frame", JPEG[: frame + 1] + bytes((code,)) + JPEG[frame + 2 :]
    for bits in (0, 2, 12, 16, 255):
        yield f"{bits} bits", JPEG[: frame + 4] + bytes((bits,)) + JPEG[frame + 5 :]
    yield "12 bits, extended", JPEG[: frame + 1] + b"\xc1" + JPEG[frame + 2 : frame + 4] + b"\x0c" + JPEG[frame + 5 :]
    for parts in (0, 1, 2, 4, 255):
        yield f"{parts} components", JPEG[: frame + 9] + bytes((parts,)) + JPEG[frame + 10 :]
    yield "sampling of 0", JPEG[: frame + 11] + b"\0" + JPEG[frame + 12 :]
    yield "sampling of 15", JPEG[: frame + 11] + b"\xff" + JPEG[frame + 12 :]
    yield "two frames", JPEG[:scan] + JPEG[frame : frame + 19] + JPEG[scan:]
    yield (
        "two frames of two sizes",
        JPEG[:scan] + JPEG[frame : frame + 5] + b"\1\0\1\0" + JPEG[frame + 9 :],
    )
    yield "no tables", re.sub(rb"\xff\xdb\x00\x43.{65}", b"", JPEG, flags=re.DOTALL)
    yield "table of zeros", JPEG[: table.start() + 5] + bytes(64) + JPEG[table.end() :]
    yield "tables of 16 bits", JPEG[:frame] + segment(0xDB, b"\x10" + b"\x7f\xff" * 64) + JPEG[frame:]
    yield "tables of one step each", JPEG[:frame] + segment(0xDB, b"\x00" + b"\xff" * 64) + JPEG[frame:]
    yield "no codes", JPEG.replace(huffman, b"")
    yield "impossible codes", JPEG[: codes.start() + 5] + b"\xff" * 16 + JPEG[codes.start() + 21 :]
    yield "5,000 tables", first + table[0] * 5_000 + rest
    yield "5,000 codes", JPEG[:scan] + huffman * 5_000 + JPEG[scan:]
    yield "200,000 comments", first + segment(0xFE) * 200_000 + rest
    yield "a million restarts", JPEG[:scan] + b"\xff\xd0" * 1_000_000 + JPEG[scan:]
    yield "a million fillings", first + b"\xff" * 1_000_000 + rest
    yield "no scan", JPEG[:scan] + b"\xff\xd9"
    yield "end first", first + b"\xff\xd9" + rest
    yield "a second start", JPEG[:frame] + b"\xff\xd8" + JPEG[frame:]
    yield "two in a row", JPEG + encoded(drawn(9), "JPEG")
    yield (
        "height told later",
        JPEG[: frame + 5] + b"\0\0" + JPEG[frame + 7 : -2] + segment(0xDC, b"\x00\x30") + b"\xff\xd9",
    )
    last = PROGRESSIVE[PROGRESSIVE.rindex(b"\xff\xda") : -2]
    for scans in (20, 200, 40_000):
        yield f"{scans} scans more", PROGRESSIVE[:-2] + last * scans + b"\xff\xd9"
    yield "2,000 baseline scans", JPEG[:-2] + JPEG[scan:-2] * 2_000 + b"\xff\xd9"


def jpeg_forms() -> Iterator[Named]:
    plain = drawn(7, width=96, height=80)
    yield "grey", encoded(plain.convert("L"), "JPEG")
    yield "progressive", encoded(plain, "JPEG", progressive=True)
    yield "cmyk", encoded(plain.convert("CMYK"), "JPEG")
    cmyk = encoded(plain.convert("CMYK"), "JPEG")
    adobe = cmyk.index(b"Adobe")
    for transform in (0, 1, 2, 3, 255):
        yield f"four colours, transform {transform}", cmyk[: adobe + 11] + bytes((transform,)) + cmyk[adobe + 12 :]
    yield "four colours, nothing said", cmyk.replace(b"Adobe", b"adobE")
    yield "rgb", encoded(plain, "JPEG", keep_rgb=True)
    for sampling in (0, 1, 2):
        yield f"sampling {sampling}", encoded(plain, "JPEG", subsampling=sampling)
    yield "quality 1", encoded(plain, "JPEG", quality=1)
    yield "quality 100", encoded(plain, "JPEG", quality=100)
    yield "restarts", encoded(plain, "JPEG", restart_marker_blocks=1)
    yield "1 by 1", encoded(Image.new("RGB", (1, 1), "red"), "JPEG")
    yield "16,000 by 1", encoded(Image.new("RGB", (16_000, 1), "red"), "JPEG")
    yield "several pictures", encoded(plain, "MPO", save_all=True, append_images=[drawn(8)])


def gif() -> Iterator[Named]:
    table = 13 + (6 << (GIF[10] & 7))
    screen, picture = GIF[:table], GIF[table:]
    assert picture[:1] in b",!"
    dot = b"," + struct.pack("<4HB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\0"
    small = b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0x80, 0, 0) + bytes(6)
    yield "100,000 frames", small + dot * 100_000 + b";"
    yield "two frames", small + dot * 2 + b";"
    yield "animated", encoded(drawn(1), "GIF", save_all=True, append_images=[drawn(2)])
    yield "one small frame", small + dot + b";"
    yield "a huge screen", b"GIF89a" + struct.pack("<HHBBB", 65_535, 65_535, 0x80, 0, 0) + bytes(6) + dot + b";"
    yield "a frame far out", small + b"," + struct.pack("<4HB", 65_000, 65_000, 500, 500, 0) + dot[10:] + b";"
    yield "a huge frame", small + b"," + struct.pack("<4HB", 0, 0, 65_535, 65_535, 0) + dot[10:] + b";"
    yield "screen of nothing", b"GIF89a" + struct.pack("<HHBBB", 0, 0, 0x80, 0, 0) + bytes(6) + dot + b";"
    yield "frame of nothing", small + b"," + struct.pack("<4HB", 0, 0, 0, 0, 0) + dot[10:] + b";"
    yield "no frame", small + b";"
    yield "no colours", b"GIF89a" + struct.pack("<HHBBB", 8, 8, 0, 0, 0) + dot + b";"
    yield "codes of 255 bits", small + dot[:10] + b"\xff\x02\x44\x01\0;"
    yield "codes of 0 bits", small + dot[:10] + b"\0\x02\x44\x01\0;"
    yield "no data", small + dot[:10] + b"\x02\0;"
    yield "comment", screen + b"!\xfe" + bytes((len(MARKER),)) + MARKER + b"\0" + picture
    yield "a comment of single bytes", screen + b"!\xfe" + b"\x01P" * 1_000_000 + b"\0" + picture
    yield "200,000 comments", screen + b"!\xfe\0" * 200_000 + picture
    yield "text extension", screen + b"!\x01\x0c" + MARKER + b"\0" + picture
    yield "application", screen + b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0" + picture
    yield "unknown marks", screen + b"\x99" * 100_000 + picture
    yield "clear colour and disposal", screen + b"!\xf9\x04\x0d\0\0\x05\0" + picture[picture.index(b",") :]
    yield (
        "frame in a corner",
        screen + b"," + struct.pack("<4HB", 10, 10, 20, 20, 0) + picture[picture.index(b",") + 10 :],
    )
    yield "interlaced", encoded(drawn(4).convert("P"), "GIF", interlace=True)
    yield "jar", GIF + zipped()


def webp() -> Iterator[Named]:
    lossy, clear = WEBP[12:], encoded(drawn(3).convert("RGBA"), "WEBP", lossless=True)[12:]
    assert lossy[:4] == b"VP8 "
    body = lossy[8:]
    yield "lossy", WEBP
    yield "lossless", LOSSLESS
    yield (
        "with alpha",
        encoded(Image.merge("RGBA", (*drawn(3).split(), Image.linear_gradient("L").resize((64, 48)))), "WEBP"),
    )
    yield "animated", encoded(drawn(1), "WEBP", save_all=True, append_images=[drawn(2)])
    wide = (16_383 - 1).to_bytes(3, "little")
    yield "16,383 by 16,383", riff((b"VP8X", bytes(4) + wide + wide), (b"VP8 ", body))
    yield "2^24 by 2^24", riff((b"VP8X", bytes(4) + b"\xff" * 6), (b"VP8 ", body))
    yield "header of another size", riff((b"VP8X", bytes(4) + (3).to_bytes(3, "little") * 2), (b"VP8 ", body))
    yield "16,383 lossy", riff((b"VP8 ", body[:6] + struct.pack("<HH", 16_383, 16_383) + body[10:]))
    yield "0 by 0 lossy", riff((b"VP8 ", body[:6] + bytes(4) + body[10:]))
    yield "16,384 lossless", riff((b"VP8L", b"\x2f" + b"\xff" * 4 + clear[13:]))
    yield "nothing within", riff()
    yield "empty pixels", riff((b"VP8 ", b""))
    yield "two pictures", riff((b"VP8 ", body), (b"VP8 ", body))
    yield "size of 0", b"RIFF\0\0\0\0" + WEBP[8:]
    yield "size of 2^32", b"RIFF\xff\xff\xff\xff" + WEBP[8:]
    yield "chunk of 2^32", WEBP[:16] + b"\xff" * 4 + WEBP[20:]
    yield "200,000 chunks", riff(*[(b"junk", b"")] * 200_000, (b"VP8 ", body))
    yield "unknown chunk", riff((b"EvIL", MARKER), (b"VP8 ", body))
    wave = b"RIFF" + struct.pack("<I", 40) + b"WAVEfmt " + MARKER * 3
    yield "a sound", wave
    frame = b"\0" * 6 + (63).to_bytes(3, "little") + (47).to_bytes(3, "little") + b"\0" * 4 + WEBP[12:]
    yield "two frames", riff((b"VP8X", b"\x02\0\0\0\x3f\0\0\x2f\0\0"), (b"ANIM", bytes(6)), *[(b"ANMF", frame)] * 2)
    yield (
        "20,000 frames",
        riff((b"VP8X", b"\x02\0\0\0\x3f\0\0\x2f\0\0"), (b"ANIM", bytes(6)), *[(b"ANMF", b"")] * 19_000),
    )


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("../../planted.txt", (2020, 1, 1, 0, 0, 0)), MARKER * 10)
    return buffer.getvalue()
