"""The benchmark of images in small: what must hold at any size."""

from __future__ import annotations

from pathlib import Path

from perf.images import compared


def test_each_image_is_decoded_and_kept_once_and_memory_stays_small(tmp_path: Path) -> None:
    found = compared(150, 5, 200, 0, tmp_path)
    assert (found["replies"], found["files on disk"], found["times decoded"]) == (150, 5, 5)
    assert found["most calls at a time"] == 32
    assert found["peak RSS, MB"] < 300
    assert found["journal, bytes a record"] < 5_000
    assert 150_000 < found["bytes of one"] < 250_000
