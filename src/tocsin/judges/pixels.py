"""Images as arrays, for detectors that run in this process."""

from __future__ import annotations

import io
import warnings
from typing import Any

import numpy as np

from tocsin.models.pictures import FORMATS, MAX_PIXELS


def rgb(data: bytes) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """An image on white, height × width × 3 (red, green, blue), 8 bits each.

    Runs keep images that `tocsin.models.pictures` wrote anew; the limits hold here as well, for those that come from elsewhere.

    Raises:
        ValueError: It is no image, is damaged or animated, or has more than `MAX_PIXELS` pixels. The message quotes none of it.
    """
    from PIL import Image  # it takes a twentieth of a second

    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data), formats=FORMATS) as opened:
            warnings.simplefilter("ignore")
            width, height = opened.size
            if width * height > MAX_PIXELS:
                raise ValueError(f"has {width} × {height} pixels, and at most {MAX_PIXELS:,} are looked at")
            if getattr(opened, "is_animated", False):
                raise ValueError("is animated")
            whole = opened.convert("RGBA")
    except ValueError:
        raise
    except Exception as error:  # Pillow raises whatever it stumbles over in a file that is damaged
        raise ValueError(f"cannot be opened ({type(error).__name__})") from error
    ground = Image.new("RGBA", whole.size, "white")
    ground.alpha_composite(whole)
    return np.ascontiguousarray(np.asarray(ground.convert("RGB"), dtype=np.uint8))
