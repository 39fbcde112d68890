"""The one place that opens images: within limits, by content and never by name, and written anew without metadata.

An image comes from a dataset, a user or an endpoint, and is hostile input like any other. It is taken apart and held against
the limits first (`picture_parts`); only then its pixels are decoded, once. What is kept is made of them alone: no EXIF, no
comment, no colour profile, nothing behind its end.

Nobody can stop a decoder that runs in a thread, so the limits are what bounds its time: see `MAX_PIXELS` and `MAX_SCANNED`.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, NamedTuple

from tocsin.models.picture_parts import PictureError, parts_of

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer
    from PIL import Image

__all__ = ["ENDINGS", "FORMATS", "MAX_BYTES", "MAX_PIXELS", "Picture", "PictureError", "as_png", "opened", "thumbnail"]

MAX_BYTES = 32 * 2**20
"""Bytes of a file, as it comes and as it is kept."""
MAX_PIXELS = 25_000_000
"""Width times height: the largest that makers of images give have 17 million. A WebP of so many takes half a gigabyte and, where
nothing in it repeats, three seconds of a processor."""
MAX_SIDE = 16_384
MAX_SCANS = 100
MAX_SCANNED = 500_000_000
"""Pixels times scans: a JPEG is gone over once for each of its scans. Encoders make a dozen; the shortest takes thirty bytes."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""What the providers take and give; no other decoder of Pillow's is ever tried."""
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}
ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}
"""Media type of what is kept → ending of its file."""
ROUNDING = 3
"""Levels of 255 that a compressed image of one colour may differ by."""


class Picture(NamedTuple):
    """An image as it may be kept."""

    media_type: str
    data: bytes
    width: int
    height: int
    blank: bool
    """Whether it has one colour throughout."""


def opened(data: bytes) -> Picture:
    """An image, decoded and written anew.

    PNG, WebP and GIF become PNG, pixel for pixel. JPEG stays JPEG with its own tables and sampling, which changes pixels by
    rounding; by more at sharp edges between colours, where colours are stored at half size. One that EXIF says is to be turned
    is turned, CMYK becomes RGB, and sixteen bits become eight.

    Args:
        data: The file's bytes.

    Raises:
        PictureError: It is empty, larger than `MAX_BYTES`, `MAX_PIXELS`, `MAX_SIDE` or `MAX_SCANNED`, of another format,
            animated, cut off or damaged.
    """
    from PIL import Image, ImageFile  # it takes a twentieth of a second

    if not data:
        raise PictureError("the image is empty")
    if len(data) > MAX_BYTES:
        raise PictureError(f"the image is larger than {MAX_BYTES >> 20} MB")
    parts = parts_of(data)
    _check(parts.width, parts.height, parts.scans)
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # a plug-in may have told Pillow otherwise
    buffer = _Kept()
    try:
        with Image.open(io.BytesIO(parts.data), formats=(parts.kind,)) as picture:
            _check(picture.width, picture.height, parts.scans)  # as Pillow reads the header
            picture.load()
            plain: Image.Image = picture
            if (turn := _TURNS.get(parts.turn)) is not None:
                plain = picture.transpose(Image.Transpose[turn])
            if parts.kind == "JPEG":
                tables = getattr(picture, "quantization", {})
                if plain is picture and picture.mode in ("L", "RGB") and _whole(tables):
                    picture.info = {}
                    picture.save(buffer, "JPEG", quality="keep")
                else:
                    plain = plain.convert("L" if plain.mode == "L" else "RGB")
                    plain.info = {}
                    plain.save(buffer, "JPEG", quality=95, subsampling=0)
            else:
                plain = _of_eight_bits(plain)
                plain.info = {}
                plain.save(buffer, "PNG", compress_level=1)
            blank = _blank(plain)
    except PictureError:
        raise
    except Exception as error:  # Pillow raises whatever its decoders stumble over
        raise PictureError(f"the image is cut off or damaged ({type(error).__name__})") from error
    media_type = MEDIA_TYPES["JPEG" if parts.kind == "JPEG" else "PNG"]
    return Picture(media_type, buffer.getvalue(), plain.width, plain.height, blank)


def as_png(data: bytes) -> bytes:
    """The same image as a PNG.

    Raises:
        PictureError: As `opened`.
    """
    from PIL import Image

    kept = opened(data)
    if kept.media_type == MEDIA_TYPES["PNG"]:
        return kept.data
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(kept.data), formats=("JPEG",)) as picture:
        picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def thumbnail(data: bytes, *, side: int, quality: int = 70) -> Picture:
    """A small JPEG of an image, for pages; what is transparent is white.

    Args:
        data: The file's bytes.
        side: Pixels of its longer side at most.
        quality: Of the JPEG.

    Raises:
        PictureError: As `opened`.
    """
    from PIL import Image

    kept = opened(data)
    buffer = io.BytesIO()
    with Image.open(io.BytesIO(kept.data), formats=("PNG", "JPEG")) as picture:
        picture.thumbnail((side, side))
        small: Image.Image = picture
        if small.mode in ("LA", "RGBA"):
            small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small.convert("RGBA"))
        small = small.convert("RGB")
        small.info = {}
        small.save(buffer, "JPEG", quality=quality)
    return Picture("image/jpeg", buffer.getvalue(), small.width, small.height, kept.blank)


class _Kept(io.BytesIO):
    """What is written anew, as long as it is not too large."""

    def write(self, piece: Buffer, /) -> int:
        if self.tell() + memoryview(piece).nbytes > MAX_BYTES:
            raise PictureError(f"the image would take more than {MAX_BYTES >> 20} MB as it is kept")
        return super().write(piece)


_TURNS = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""What EXIF says of the way up → what puts it right."""


def _check(width: int, height: int, scans: int) -> None:
    if width < 1 or height < 1:
        raise PictureError("the image has no pixels")
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise PictureError(f"the image says that it has {width} by {height} pixels, which is too many")
    if scans > MAX_SCANS or width * height * scans > MAX_SCANNED:
        raise PictureError(f"the image has {scans} scans, which is too many")


def _whole(tables: dict[int, list[int]]) -> bool:
    """Whether a JPEG's tables of quantisation can be written as they are: some that can be read cannot."""
    return bool(tables) and all(1 <= step <= 255 for table in tables.values() for step in table)


def _of_eight_bits(picture: Image.Image) -> Image.Image:
    """The same pixels in a mode that every provider and judge reads: L, LA, RGB or RGBA."""
    clear = "transparency" in picture.info
    if picture.mode in ("LA", "RGBA") or (picture.mode in ("L", "RGB") and not clear):
        return picture
    if picture.mode.startswith("I"):
        return picture.convert("I").point(lambda level: level * (1 / 257) + 0.5).convert("L")
    if picture.mode in ("1", "L"):
        return picture.convert("LA" if clear else "L")
    return picture.convert("RGBA" if clear or picture.mode == "PA" else "RGB")


def _blank(picture: Image.Image) -> bool:
    """Whether it shows one colour: no band differs by more than rounding. What is transparent may still hold a picture."""
    found: Any = picture.getextrema()  # a pair, or one for each band
    bands = [found] if len(picture.getbands()) == 1 else found
    return all(high - low <= ROUNDING for low, high in bands)
