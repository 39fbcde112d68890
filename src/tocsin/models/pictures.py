"""The one place that opens images: within limits, by content and never by name, and written anew without metadata.

An image comes from a dataset, a user or an endpoint, and is hostile input like any other. Its header is read first and held
against the limits; only then is it decoded, once. What is kept is made of its pixels alone: no EXIF, no comment, no colour
profile, nothing behind its end.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from PIL import Image

MAX_BYTES = 32 * 2**20
"""Bytes of a file."""
MAX_PIXELS = 40_000_000
"""Width times height: some 160 MB when decoded."""
MAX_SIDE = 16_384
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
"""What the providers take and give; no other decoder of Pillow's is ever tried."""
MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg"}
ENDINGS = {"image/png": "png", "image/jpeg": "jpg"}
"""Media type of what is kept → ending of its file."""
ROUNDING = 3
"""Levels of 255 that a compressed image of one colour may differ by."""
_TURNED = 0x0112
"""The EXIF tag for the way up."""


class PictureError(ValueError):
    """The bytes are no image that tocsin takes; the message says why, in a few words and without quoting any of them."""


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

    PNG, WebP and GIF become PNG, pixel for pixel. JPEG stays JPEG with its own tables of quantisation, which changes pixels by
    rounding at most; one that EXIF says is to be turned is turned, and CMYK becomes RGB. Sixteen bits become eight.

    Args:
        data: The file's bytes.

    Raises:
        PictureError: It is empty, larger than `MAX_BYTES`, `MAX_PIXELS` or `MAX_SIDE`, of another format, animated, cut off or
            damaged.
    """
    from PIL import ImageOps

    buffer = io.BytesIO()
    with _decoding(data) as picture:
        kind = picture.format or ""
        turned = picture.getexif().get(_TURNED, 1) not in (0, 1, None)
        picture.load()
        tables = kind == "JPEG" and picture.mode in ("L", "RGB") and not turned
        plain = ImageOps.exif_transpose(picture) if turned else picture
        if tables:
            picture.info = {}
            picture.save(buffer, "JPEG", quality="keep", exif=b"", icc_profile=None, comment=b"")
        elif kind == "JPEG":
            plain = plain.convert("L" if plain.mode == "L" else "RGB")
            plain.info = {}
            plain.save(buffer, "JPEG", quality=95, subsampling=0)
        else:
            plain = _of_eight_bits(plain)
            plain.info = {}
            plain.save(buffer, "PNG", compress_level=1)
    media_type = MEDIA_TYPES["JPEG" if kind == "JPEG" else "PNG"]
    return Picture(media_type, buffer.getvalue(), plain.width, plain.height, _blank(plain))


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

    buffer = io.BytesIO()
    with _decoding(data) as picture:
        picture.thumbnail((side, side))
        small = _of_eight_bits(picture)
        if small.mode in ("LA", "RGBA"):
            small = small.convert("RGBA")
            small = Image.alpha_composite(Image.new("RGBA", small.size, "white"), small)
        small = small.convert("RGB")
        small.info = {}
        small.save(buffer, "JPEG", quality=quality)
    return Picture("image/jpeg", buffer.getvalue(), small.width, small.height, _blank(small))


@contextmanager
def _decoding(data: bytes) -> Iterator[Any]:
    """An image whose header was held against the limits; whatever goes wrong within is a `PictureError`."""
    from PIL import Image, ImageFile, UnidentifiedImageError  # it takes a twentieth of a second

    if not data:
        raise PictureError("the image is empty")
    if len(data) > MAX_BYTES:
        raise PictureError(f"the image is larger than {MAX_BYTES >> 20} MB")
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # a plug-in may have told Pillow otherwise
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            warnings.simplefilter("ignore")  # what it warns of is refused below, or is put right
            _check(picture.width, picture.height)
            if getattr(picture, "is_animated", False):  # not n_frames, which would read them all
                raise PictureError("the image is animated, and a judge would see one of its frames")
            yield picture
    except PictureError:
        raise
    except Image.DecompressionBombError:
        raise PictureError("the image has too many pixels") from None
    except UnidentifiedImageError:
        raise PictureError(f"the bytes are no image of a known format ({_listed()})") from None
    except Exception as error:  # Pillow raises whatever its decoders stumble over
        raise PictureError(f"the image is cut off or damaged ({type(error).__name__})") from error


def _blank(picture: Image.Image) -> bool:
    """Whether it shows one colour: no band differs by more than rounding, or all of it is transparent."""
    bands: list[Any] = [band.getextrema() for band in picture.split()]
    if picture.mode in ("LA", "RGBA") and bands[-1][1] == 0:
        return True
    return all(high - low <= ROUNDING for low, high in bands)


def _check(width: int, height: int) -> None:
    if width < 1 or height < 1:
        raise PictureError("the image has no pixels")
    if width > MAX_SIDE or height > MAX_SIDE or width * height > MAX_PIXELS:
        raise PictureError(f"the image says that it has {width} by {height} pixels, which is too many")


def _of_eight_bits(picture: Image.Image) -> Image.Image:
    """The same pixels in a mode that every provider and judge reads: L, LA, RGB or RGBA."""
    if picture.mode in ("L", "LA", "RGB", "RGBA"):
        return picture.copy()
    if picture.mode.startswith("I") or picture.mode == "F":
        return picture.convert("I").point(lambda level: level * (1 / 257), "L")
    if picture.mode == "1":
        return picture.convert("L")
    clear = "transparency" in picture.info or picture.mode in ("PA", "La", "RGBa")
    return picture.convert("RGBA" if clear else "RGB")


def _listed() -> str:
    return ", ".join(FORMATS)
