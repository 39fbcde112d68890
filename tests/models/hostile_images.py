"""Images that mean harm, or that somebody made badly: some three hundred, all made here and alike every time.

    python -m tests.models.hostile_images FOLDER            # writes them
    python -m tests.models.hostile_images --table           # opens them, and says how many were taken and why others were not

Each name begins with its family. `MARKER` stands wherever a file can hold what is not pixels.
"""

from __future__ import annotations

import argparse
import random
import re
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, PngImagePlugin

from tests.models.hostile_formats import (
    AFTER_HEADER,
    END,
    GIF,
    JPEG,
    LOSSLESS,
    MARKER,
    PNG,
    PROGRESSIVE,
    SIGNATURE,
    WEBP,
    Named,
    chunk,
    exif,
    flat,
    gif,
    header,
    jpeg,
    jpeg_forms,
    png,
    png_forms,
    segment,
    turned,
    webp,
    zipped,
)  # fmt: skip
from tests.pictures import drawn, encoded


def corpus() -> Iterator[Named]:
    """Every file with its name."""
    families = (_cut, png, png_forms, jpeg, jpeg_forms, gif, webp, _bombs, _metadata, _disguised, _noise)
    for family in families:
        for name, data in family():
            yield f"{family.__name__.strip('_')}/{name}", data


def _cut() -> Iterator[Named]:
    for kind, data in (("png", PNG), ("jpeg", JPEG), ("webp", WEBP), ("lossless.webp", LOSSLESS), ("gif", GIF)):
        steps = {1, 4, 8, 12, 20, 30, len(data) // 4, len(data) // 2, len(data) * 3 // 4, len(data) - 20, len(data) - 1}
        for at in sorted(steps):
            yield f"at {at}.{kind}", data[:at]
    yield "without its end.png", PNG[:-12]
    yield "without the last sum.png", PNG[:-16]
    yield "without its end.jpeg", JPEG[:-2]
    yield "a scan cut off and ended.jpeg", JPEG[: len(JPEG) * 3 // 4] + b"\xff\xd9"
    yield "without its end.gif", GIF[:-1]
    yield "progressive.jpeg", PROGRESSIVE[: len(PROGRESSIVE) // 2]


def _bombs() -> Iterator[Named]:
    squeezed = zlib.compress(bytes(49 * 16))
    yield "30,000 by 30,000", SIGNATURE + header(30_000, 30_000) + chunk(b"IDAT", squeezed) + END
    yield "5,000 by 5,000 told and 16 there", SIGNATURE + header(5_000, 5_000) + chunk(b"IDAT", squeezed) + END
    yield "16,384 by 16,384 of 1 bit", flat(16_384, 16_384, 1, 0)
    yield "the most pixels that are taken", flat(5_000, 5_000, 8, 6)
    yield "as many of 16 bits", flat(5_000, 5_000, 16, 6)
    yield "as many of 1 bit", flat(5_000, 5_000, 1, 0)
    huge = _squeezed(200)
    yield "200 MB behind the pixels", SIGNATURE + header(16, 16) + chunk(b"IDAT", huge) + END
    first, rest = PNG[:AFTER_HEADER], PNG[AFTER_HEADER:]
    yield "a profile of 200 MB", first + chunk(b"iCCP", b"icc\0\0" + huge) + rest
    yield "a text of 200 MB", first + chunk(b"zTXt", b"Comment\0\0" + huge) + rest
    yield "an international text of 200 MB", first + chunk(b"iTXt", b"Comment\0\1\0en\0\0" + huge) + rest
    yield "a hundred texts of 20 MB", first + chunk(b"zTXt", b"Comment\0\0" + _squeezed(20)) * 100 + rest
    soft = Image.linear_gradient("L").resize((5_000, 5_000)).convert("RGB")
    yield "25 million pixels.webp", encoded(soft, "WEBP", quality=1, method=0)
    yield "25 million pixels.gif", encoded(soft.convert("P"), "GIF")
    large = encoded(soft, "JPEG", progressive=True, subsampling=0, quality=30)
    yield "25 million pixels.jpeg", large
    last = large[large.rindex(b"\xff\xda") : -2]
    yield "as many in 19 scans", large[:-2] + last * (19 - large.count(b"\xff\xda")) + b"\xff\xd9"
    yield "as many in 60 scans", large[:-2] + last * 50 + b"\xff\xd9"
    four = encoded(soft.resize((4_900, 5_000)).convert("CMYK"), "JPEG", progressive=True, quality=20)
    yield "as many of four colours", four
    yield "33 MB", PNG[:-12] + chunk(b"prIv", bytes(33 * 2**20)) + END
    yield "31 MB of nothing", PNG[:-12] + chunk(b"prIv", bytes(31 * 2**20)) + END


def _squeezed(megabytes: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([*(packer.compress(bytes(2**20)) for _ in range(megabytes)), packer.flush()])


def _metadata() -> Iterator[Named]:
    plain = drawn(8)
    info = PngImagePlugin.PngInfo()
    for add in (info.add_text, info.add_itxt):
        add("Comment", MARKER.decode())
    info.add_text("Packed", MARKER.decode() * 50, zip=True)
    yield "texts.png", encoded(plain, pnginfo=info)
    place = exif(
        [(0x010E, 2, len(MARKER), 40), (0x8825, 4, 1, 60)], more=b"\0\0" + MARKER + bytes(8) + exif([(1, 2, 2, 78)])[8:]
    )
    xmp = b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>" + MARKER + b"</x:xmpmeta>"
    profile = MARKER * 40
    for kind in ("PNG", "JPEG", "WEBP"):
        ending = kind.lower()
        jpeg = {"comment": MARKER} if kind == "JPEG" else {}
        yield f"all there is.{ending}", encoded(plain, kind, exif=place, xmp=xmp, icc_profile=profile, **jpeg)
        for number in (*range(10), 65_535):
            yield f"turned {number}.{ending}", encoded(plain, kind, exif=turned(number))
        for name, told in _odd_exif():
            yield f"{name}.{ending}", encoded(plain, kind, exif=told)
    first, rest = JPEG[:2], JPEG[2:]
    yield (
        "iptc.jpeg",
        first + segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x20\x1c\x02\x78\0" + MARKER * 2) + rest,
    )
    yield "broken photoshop.jpeg", first + segment(0xED, b"Photoshop 3.0\x008BIM\xff\xff\xff\xff\xff" + MARKER) + rest
    yield "several pictures, broken.jpeg", first + segment(0xE2, b"MPF\0" + exif([(0xB001, 4, 1, 0xFFFF)])) + rest
    yield (
        "several pictures, looping.jpeg",
        first + segment(0xE2, b"MPF\0" + exif([(0xB001, 4, 1, 9)], following=8)) + rest,
    )
    yield "comments of megabytes.jpeg", first + segment(0xFE, (MARKER * 5_461)[:65_533]) * 100 + rest
    yield (
        "profile in a thousand parts.jpeg",
        first + segment(0xE2, b"ICC_PROFILE\0\xff\xff" + MARKER * 500) * 1_000 + rest,
    )
    yield "a thumbnail.jpeg", first + segment(0xE1, b"Exif\0\0" + turned(1) + JPEG) + rest
    yield "thumbnail of JFIF.jpeg", first + segment(0xE0, b"JFIF\0\1\1\0\0\1\0\1\x20\x20" + MARKER * 256) + rest
    yield "behind its end.jpeg", JPEG + MARKER * 1_000
    yield "behind its end.png", PNG + MARKER * 1_000
    yield "behind its end.gif", GIF + MARKER * 1_000
    yield "behind its end.webp", WEBP + MARKER * 1_000
    yield "junk profile.png", PNG[:AFTER_HEADER] + chunk(b"iCCP", MARKER) + PNG[AFTER_HEADER:]
    yield (
        "times and sizes.png",
        PNG[:AFTER_HEADER] + chunk(b"gAMA", bytes(4)) + chunk(b"cHRM", b"") + chunk(b"pHYs", b"x") + PNG[AFTER_HEADER:],
    )


def _odd_exif() -> Iterator[Named]:
    yield "looping folder", exif([(0x0112, 3, 1, 6)], following=8)
    yield "folder in itself", exif([(0x8769, 4, 1, 8), (0x8825, 4, 1, 8), (0x0112, 3, 1, 3)])
    yield "folder far away", b"II*\0\xff\xff\xff\xff"
    yield "60,000 entries", exif([(0x0112, 3, 1, 6)])[:8] + b"\x60\xea" + MARKER
    yield "value of 4 GB", exif([(0x010E, 2, 0xFFFFFFFF, 8), (0x0112, 2, 0xFFFFFFFF, 6)])
    yield "big end first", exif([(0x0112, 3, 1, 6 << 16)], order=">")
    yield "no EXIF", MARKER


def _disguised() -> Iterator[Named]:
    script = b"<script>document.title='" + MARKER + b"'</script>"
    yield "svg.png", b"<svg xmlns='http://www.w3.org/2000/svg'>" + script + b"</svg>"
    yield (
        "svg with a declaration.png",
        b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/hostname'>]><svg>&a;</svg>",
    )
    yield "page.jpeg", b"<!doctype html><html>" + script + b"</html>"
    yield "script in a pdf.png", b"%PDF-1.7\n1 0 obj<</JS(" + MARKER + b")>>endobj\n%%EOF"
    yield "script in an eps.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(" + MARKER + b") run\n%%EOF"
    yield "zip.png", zipped()
    yield "png and zip.png", PNG + zipped()
    yield "zip and png.png", zipped() + PNG
    yield "jpeg and page.jpeg", JPEG + b"<html>" + script
    yield "page in a comment.jpeg", JPEG[:2] + segment(0xFE, b"--><html>" + script + b"<!--") + JPEG[2:]
    yield "png and gif.png", PNG + GIF
    yield "script and gif.gif", b"GIF89a=1;/*" + GIF[11:]
    plain = drawn(5)
    kinds = (
        "TIFF",
        "BMP",
        "ICO",
        "PPM",
        "TGA",
        "PCX",
        "EPS",
        "JPEG2000",
        "AVIF",
        "DDS",
        "ICNS",
        "SGI",
        "MSP",
        "XBM",
        "PDF",
    )
    for kind in kinds:
        yield f"{kind.lower()}.png", encoded(plain.convert("1") if kind in ("MSP", "XBM") else plain, kind)
    yield "psd.png", b"8BPS\0\1" + bytes(6) + b"\0\3\0\0\0\x10\0\0\0\x10\0\x08\0\3" + bytes(12)
    yield "fits.png", b"SIMPLE  =                    T".ljust(80) + b"END".ljust(2_800)
    yield "gzip.png", b"\x1f\x8b\x08" + MARKER
    yield "elf.png", b"\x7fELF\x02\x01\x01" + MARKER * 9
    yield "base64.png", b"iVBORw0KGgoAAAANSUhEUgAA" + MARKER
    yield "jpeg named.png", JPEG
    yield "png named.jpeg", PNG
    yield "webp named.gif", WEBP
    yield "gif named.webp", GIF


def _noise() -> Iterator[Named]:
    chance = random.Random(8)
    yield "empty", b""
    yield "one byte", b"\x89"
    yield "a space", b" "
    yield "zeros", bytes(4_096)
    yield "utf-16", MARKER.decode().encode("utf-16") * 9
    yield "text", b"No image today. " + MARKER
    yield "json", b'{"error": "' + MARKER + b'"}'
    yield "ones", b"\xff" * 100_000
    yield "random", chance.randbytes(4_096)
    starts = {"png": PNG[:8], "jpeg": JPEG[:3], "gif": GIF[:6], "webp": WEBP[:16], "whole png header": PNG[:41]}
    for kind, start in starts.items():
        yield f"random as {kind}", start + chance.randbytes(20_000)
    for kind, data in (("png", PNG), ("jpeg", JPEG), ("gif", GIF), ("webp", WEBP), ("progressive", PROGRESSIVE)):
        for number in range(12):
            spoiled = bytearray(data)
            for _ in range(1 + number):
                spoiled[chance.randrange(8, len(spoiled))] = chance.randrange(256)
            yield f"spoiled {kind} {number}", bytes(spoiled)


# ---------------------------------------------------------------------------------------------------------------------


def write(folder: Path) -> int:
    """Writes all of them; returns how many there are."""
    written = set()
    for name, data in corpus():
        path = folder / file_name(name)
        assert path not in written, f"two have the name {name}"
        written.add(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return len(written)


def file_name(name: str) -> str:
    """A name that a file can have, with an ending that tocsin reads."""
    plain = re.sub(r"[^A-Za-z0-9_./]+", "-", name)
    return plain if plain.endswith((".png", ".jpeg", ".gif", ".webp")) else f"{plain}.png"


def reason(message: str) -> str:
    """A message without its numbers and what stands in brackets."""
    return re.sub(r"\d[\d,]*", "N", re.sub(r" \(.*\)", "", message))


def table() -> str:
    """How many are taken, and why others are not."""
    from tocsin.models.pictures import PictureError, opened

    counts: Counter[str] = Counter()
    slowest: Any = (0.0, "")
    for name, data in corpus():
        begun = time.process_time()
        try:
            counts[f"taken as {opened(data).media_type}"] += 1
        except PictureError as error:
            counts[f"refused: {reason(str(error))}"] += 1
        slowest = max(slowest, (time.process_time() - begun, name))
    told = [f"{count:4}  {what}" for what, count in counts.most_common()]
    return "\n".join([*told, f"{counts.total():4}  in all; the slowest took {slowest[0]:.1f} s of CPU: {slowest[1]}"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--table", action="store_true")
    given = parser.parse_args()
    if given.folder:
        print(f"{write(given.folder)} files in {given.folder}")
    if given.table:
        print(table())
