"""Images as arrays, for detectors that run in this process."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np
from PIL import Image

LARGEST = 64_000_000
"""Pixels of an image that is opened at most."""
_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")


def rgb(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """The first frame of an image on white, height × width × 3 (red, green, blue), 8 bits each.

    Raises:
        ValueError: It is no image, is damaged, or has more than `LARGEST` pixels. The message quotes nothing of it.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=_FORMATS) as opened:
                width, height = opened.size
                if width * height > LARGEST:
                    raise ValueError(f"has {width} × {height} pixels, and at most {LARGEST:,} are looked at")
                whole = opened.convert("RGBA")
    except ValueError:
        raise
    except Exception as error:  # Pillow raises whatever it stumbles over in a file that is damaged
        raise ValueError(f"cannot be opened ({type(error).__name__})") from error
    ground = Image.new("RGBA", whole.size, "white")
    ground.alpha_composite(whole)
    return np.ascontiguousarray(np.asarray(ground.convert("RGB"), dtype=np.uint8))
