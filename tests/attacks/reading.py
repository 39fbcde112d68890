"""Reading pictures back: a small model of text recognition (rapidocr), loaded once for the process that tests."""

from __future__ import annotations

import difflib
import io
import re
from functools import cache
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tocsin.drawing import png


@cache
def _reader() -> Any:
    rapidocr = pytest.importorskip("rapidocr", reason="rapidocr is not installed: what is drawn cannot be read back")
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed: what is drawn cannot be read back")
    return rapidocr.RapidOCR(
        params={
            "Global.log_level": "error",
            "Global.use_cls": False,
            "Det.limit_type": "max",
            "Det.limit_side_len": 960,
        }
    )


def opened(data: bytes | Image.Image) -> Image.Image:
    return data if isinstance(data, Image.Image) else Image.open(io.BytesIO(data)).convert("RGB")


def read(data: bytes | Image.Image) -> list[str]:
    """The lines of text in a picture, as the model reads them, from top to bottom. It turns none round by itself."""
    said = _reader()(np.asarray(opened(data))[:, :, ::-1])
    return list(said.txts or ())


def bare(text: str) -> str:
    """Letters and digits alone, in small letters."""
    return re.sub(r"[\W_]+", "", text).casefold()


def likeness(read_text: str, drawn: str) -> float:
    """The share of letters and digits that two texts have in common, in their order."""
    return difflib.SequenceMatcher(None, bare(read_text), bare(drawn), autojunk=False).ratio()


__all__ = ["bare", "likeness", "opened", "png", "read"]
