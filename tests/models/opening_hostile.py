"""Opens every file of a folder in a process that may use little memory and write no file; prints one JSON row for each."""

from __future__ import annotations

import contextlib
import io
import json
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

MEMORY = 1536 * 2**20
"""Bytes of addresses."""


def _status(field: str) -> int:
    """Bytes of memory, as the kernel counts them."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) * 1024


def _opened(data: bytes, marker: bytes) -> dict[str, Any]:
    """What came of one file, with what is wrong about it."""
    from PIL import Image

    from tocsin.models.picture_parts import parts_of
    from tocsin.models.pictures import PictureError, opened

    wrong = []
    try:
        picture = opened(data)
    except PictureError as error:
        told = str(error)
        if not told.startswith(("the image ", "the bytes ")) or not told.isascii() or len(told) > 100:
            wrong.append("a message that does not name the fault")
        if marker.decode() in told:
            wrong.append("a message that quotes")
        return {"refused": told, "wrong": wrong}
    except BaseException:
        return {"refused": "", "wrong": [traceback.format_exc()]}
    if marker in picture.data:
        wrong.append("the marker was kept")
    kinds = {"image/png": "PNG", "image/jpeg": "JPEG"}
    with Image.open(io.BytesIO(picture.data)) as again:
        again.load()
        if again.format != kinds.get(picture.media_type) or again.size != (picture.width, picture.height):
            wrong.append("another format or size")
        if again.mode not in ("L", "LA", "RGB", "RGBA"):
            wrong.append(f"mode {again.mode}")
        left = {key for key in again.info if key not in ("jfif", "jfif_version", "jfif_density", "jfif_unit")}
        if left or again.getexif() or getattr(again, "text", None) or getattr(again, "applist", [])[1:]:
            wrong.append(f"metadata: {left}")
    if parts_of(picture.data).data != picture.data:
        wrong.append("more than pixels")
    return {"kept": picture.media_type, "size": len(picture.data), "blank": picture.blank, "wrong": wrong}


def main(folder: Path, marker: bytes) -> None:
    """Opens them in the order of their names."""
    from tocsin.models.pictures import opened

    with contextlib.suppress(ValueError):
        opened((folder / "png_forms" / "mode-L.png").read_bytes())  # what is imported counts for none of them
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    for path in sorted(folder.rglob("*.*")):
        data = path.read_bytes()
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before, begun = _status("VmRSS"), time.process_time()
        row = _opened(data, marker)
        row |= {"seconds": time.process_time() - begun, "grown": _status("VmHWM") - before}
        print(json.dumps({"name": str(path.relative_to(folder)), **row}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2].encode())
