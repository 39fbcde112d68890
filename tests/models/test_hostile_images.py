"""Hundreds of hostile images: each is taken, safe and without metadata, or refused in words; and none does anything else.

Files are opened in a process with limits, then sent as answers and as images of cases through whole runs.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from tests.journal.in_process import HeldModel, engine_of, in_run, shared_of
from tests.journal.real_runs import rows
from tests.models.commands import MODEL, attempted, entry
from tests.models.endpoints import chat
from tests.models.hostile_formats import MARKER, turned
from tests.models.hostile_images import file_name, reason, write
from tests.pictures import drawn, encoded
from tocsin import judges
from tocsin.api import assess
from tocsin.engine.outcome import BLANK
from tocsin.journal import Images, Journal
from tocsin.models.pictures import PictureError, opened
from tocsin.protocols import Asker, Attempt
from tocsin.types import Answer, Capabilities, Case, Cell, Image, Outcome, Request, Verdict

ROOT = Path(__file__).parents[2]
SECONDS = 5.0
"""Of a processor, for one file; other processes' work is not counted."""
GROWTH = 900 * 2**20
"""Bytes of memory, for one file, its own bytes not counted."""
QUICK = 0.15


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    found = tmp_path_factory.mktemp("hostile")
    assert write(found) >= 200
    yield found
    for path in found.rglob("*.*"):
        path.unlink()


@pytest.fixture(scope="module")
def results(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What came of each file in a process of its own, which was to write nothing and say nothing."""
    empty = tmp_path_factory.mktemp("empty")
    path = os.pathsep.join(filter(None, [str(ROOT / "src"), str(ROOT), os.environ.get("PYTHONPATH")]))
    ran = subprocess.run(
        [sys.executable, "-W", "always", "-m", "tests.models.opening_hostile", str(folder), MARKER.decode()],
        cwd=empty, capture_output=True, text=True, timeout=240,
        env={**os.environ, "PYTHONPATH": path, "TMPDIR": str(empty), "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (0, "")
    assert list(empty.iterdir()) == []
    return [json.loads(line) for line in ran.stdout.splitlines()]


def _table(results: list[dict[str, Any]]) -> str:
    counts = Counter(row.get("kept") or f"refused: {reason(row['refused'])}" for row in results)
    return "\n".join(f"{count:4}  {what}" for what, count in counts.most_common())


def test_each_is_taken_clean_or_refused_in_words(folder: Path, results: list[dict[str, Any]]) -> None:
    assert {row["name"] for row in results} == {str(path.relative_to(folder)) for path in folder.rglob("*.*")}
    assert {row["name"]: row["wrong"] for row in results if row["wrong"]} == {}, _table(results)
    taken = sum("kept" in row for row in results)
    assert 100 < taken < len(results) - 150, _table(results)


def test_none_takes_long_or_much_memory(results: list[dict[str, Any]]) -> None:
    slow = {row["name"]: round(row["seconds"], 1) for row in results if row["seconds"] > SECONDS}
    large = {row["name"]: row["grown"] >> 20 for row in results if row["grown"] > GROWTH}
    assert (slow, large) == ({}, {}), _table(results)


REFUSED = {
    "bombs/30,000 by 30,000": "30000 by 30000 pixels",
    "bombs/as many in 60 scans": "scans, which is too many",
    "bombs/33 MB": "larger than 32 MB",
    "jpeg/65500 by 65500": "65500 by 65500 pixels",
    "jpeg/40000 scans more": "parts",
    "jpeg/200 scans more": "scans, which is too many",
    "jpeg/200,000 comments": "parts",
    "jpeg/0 by 0": "no pixels",
    "png/200,000 empty chunks": "parts",
    "png/animation of 2": "animated",
    "png/animated": "animated",
    "gif/100,000 frames": "animated",
    "gif/a huge screen": "65535 by 65535 pixels",
    "gif/a comment of single bytes": "blocks",
    "webp/animated": "animated",
    "webp/16,383 by 16,383": "16383 by 16383 pixels",
    "webp/200,000 chunks": "parts",
    "cut/at 400.png": "cut off",
    "disguised/svg.png": "no image of a known format",
    "disguised/zip and png.png": "no image of a known format",
    "disguised/tiff.png": "no image of a known format",
    "noise/utf-16": "no image of a known format",
    "noise/empty": "empty",
}


def test_faults_are_named(folder: Path) -> None:
    said = {}
    for name in REFUSED:
        path = folder / file_name(name)
        data = path.read_bytes() if path.exists() else (folder / "noise/random-as-png.png").read_bytes()
        with pytest.raises(PictureError) as caught:
            opened(data)
        said[name] = str(caught.value)
    assert {name: message for name, message in said.items() if REFUSED[name] not in message} == {}


TAKEN = (
    "disguised/png and zip.png", "disguised/jpeg and page.jpeg", "disguised/png named.jpeg", "disguised/jpeg named.png",
    "gif/jar", "gif/one small frame", "jpeg_forms/several pictures", "jpeg_forms/progressive", "jpeg_forms/cmyk",
    "png/animation of 1", "png_forms/interlaced", "png_forms/1 by 1", "png_forms/16,000 by 1", "bombs/a profile of 200 MB",
    "bombs/200 MB behind the pixels", "bombs/the most pixels that are taken", "bombs/25 million pixels.webp",
    "bombs/25 million pixels.jpeg", "metadata/several pictures, looping.jpeg", "metadata/looping folder.png",
    "metadata/profile in a thousand parts.jpeg", "metadata/all there is.png", "metadata/iptc.jpeg",
)  # fmt: skip


def test_what_can_be_seen_is_taken(results: list[dict[str, Any]]) -> None:
    by_name = {row["name"]: row for row in results}
    assert [name for name in TAKEN if "kept" not in by_name[file_name(name)]] == []
    assert by_name[file_name("png_forms/all clear")]["blank"]


# ---------------------------------------------------------------------------------------------------------------------
# Pixels


def _pixels(data: bytes) -> Pillow.Image:
    with Pillow.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture.copy()


def test_sixteen_bits_become_eight_with_the_right_levels() -> None:
    deep = Pillow.new("I;16", (256, 2))
    for level in range(256):
        deep.putpixel((level, 0), level * 257)
        deep.putpixel((level, 1), max(0, level * 257 - 100))
    kept = _pixels(opened(encoded(deep)).data)
    assert (kept.mode, kept.tobytes()) == ("L", bytes(range(256)) * 2)


@pytest.mark.parametrize("mode", ["P", "L", "RGB", "1"])
def test_what_is_clear_stays_clear(mode: str) -> None:
    plain = drawn(3).convert(mode)
    clear = plain.getpixel((0, 0))
    data = encoded(plain, transparency=clear)
    kept = _pixels(opened(data).data)
    assert kept.mode == ("LA" if mode in "L1" else "RGBA")
    assert kept.convert("RGBA").tobytes() == _pixels(data).convert("RGBA").tobytes()
    assert kept.getextrema()[-1] == (0, 255)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "GIF"])
def test_pixels_are_kept_as_they_are(kind: str) -> None:
    plain = drawn(5).quantize(16).convert("RGB")
    data = encoded(
        plain.quantize(16) if kind == "GIF" else plain, kind, **({"lossless": True} if kind == "WEBP" else {})
    )
    assert _pixels(opened(data).data).convert("RGB").tobytes() == plain.tobytes()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_each_way_up_is_put_right_without_pillows_help(kind: str) -> None:
    from PIL import ImageOps

    plain = drawn(6, width=64, height=32)
    for number in range(1, 9):
        data = encoded(plain, kind, exif=turned(number), **({"lossless": True} if kind == "WEBP" else {}))
        kept = _pixels(opened(data).data)
        meant = ImageOps.exif_transpose(_pixels(data)).convert("RGB")
        assert kept.size == meant.size
        difference = max(abs(a - b) for a, b in zip(kept.convert("RGB").tobytes(), meant.tobytes(), strict=True))
        assert difference <= (12 if kind == "JPEG" else 0), (kind, number)


@pytest.mark.parametrize(("sampling", "most"), [(0, 6), (2, 60)])
def test_a_jpeg_is_kept_by_its_own_tables(sampling: int, most: int) -> None:
    soft = drawn(7).point(lambda level: 64 + level // 2)  # none that rounding would take beyond black or white
    data = encoded(soft, "JPEG", quality=71, subsampling=sampling)
    twice = opened(opened(data).data).data
    with Pillow.open(io.BytesIO(twice)) as kept, Pillow.open(io.BytesIO(data)) as came:
        assert kept.quantization == came.quantization  # type: ignore[attr-defined]
        assert kept.layer == came.layer  # type: ignore[attr-defined]
    pairs = zip(_pixels(twice).tobytes(), _pixels(data).tobytes(), strict=True)
    differences = [abs(a - b) for a, b in pairs]
    assert max(differences) <= most
    assert sum(differences) / len(differences) < 1.2


# ---------------------------------------------------------------------------------------------------------------------
# Through whole runs


class Painter(HeldModel):
    """A double that makes the image whose name it is told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(self._next)
        self.capabilities = Capabilities(image_out=True)
        self._folder = folder

    def _next(self, request: Request) -> Answer:
        data = (self._folder / request.messages[-1].text).read_bytes()
        return Answer(images=(Image("image/png", data),))


class Passing(judges.Judge, frozen=True):
    """A double to which all is safe."""

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        return Verdict(outcome=Outcome.SAFE)


def _tree(folder: Path, leaving_out: Path) -> dict[str, tuple[int, int]]:
    """Every file below a folder but those of one, with what a write would change."""
    there = (
        path for path in folder.rglob("*") if leaving_out not in (path, *path.parents) and not path.is_symlink()
    )  # pytest renews its links
    return {str(path): (path.stat().st_size if path.is_file() else 0, path.stat().st_mtime_ns) for path in there}


def _check_kept(run: Path) -> int:
    """That a run keeps images by their hash and nothing else; returns how many."""
    kept = list((run / "images").iterdir())
    for path in kept:
        assert re.fullmatch(r"[0-9a-f]{64}\.(png|jpg)", path.name), path.name
        data = path.read_bytes()
        assert sha256(data).hexdigest() == path.stem
        assert data.startswith(b"\x89PNG" if path.suffix == ".png" else b"\xff\xd8\xff")
        assert MARKER not in data
    return len(kept)


@pytest.fixture(scope="module")
def quick(results: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those that cost little: bombs were opened above, and once is enough."""
    found = [row for row in results if row["seconds"] < QUICK]
    assert len(found) > len(results) - 30
    return found


def test_as_answers_each_is_delivered_or_an_error_and_nothing_is_written_elsewhere(
    folder: Path, quick: list[dict[str, Any]], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run, before = tmp_path / "runs" / "one", _tree(folder.parent, tmp_path)
    cases = [Case(id=row["name"], prompt=row["name"], output="image") for row in quick]

    async def what(journal: Journal, cells: list[Cell]) -> None:
        await engine_of(shared_of(journal, Painter(folder)), judge=Passing()).run()

    in_run(run, cases, what)
    assert _tree(folder.parent, tmp_path) == before
    assert {path.name for path in run.iterdir()} == {"images", "journal.sqlite"}
    assert [path.name for path in run.parent.iterdir()] == ["one"]
    kept = _check_kept(run)
    meant = {row["name"]: row.get("refused", "") for row in quick}
    came = {one.case: (one.outcome, one.reason) for one in attempted(run)}
    assert came == {name: ("error", "malformed") if why else ("safe", "") for name, why in meant.items()}
    blank = {row["name"]: BLANK for row in quick if row.get("blank")}
    assert dict(rows(run, _DETAILS)) == meant | blank
    assert 50 < kept <= sum(not why for why in meant.values())
    assert capfd.readouterr().err == ""


_DETAILS = "SELECT s.case_id, r.detail FROM records r JOIN cells c ON c.id = r.cell JOIN cases s ON s.id = c.case_ref"


def test_as_a_users_images_each_is_sent_or_a_bad_row(
    folder: Path, quick: list[dict[str, Any]], tmp_path: Path, serve: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    server = serve(chat("I'm sorry, but I can't help with that."))
    entry(tmp_path, server.url, image_in=True, deadline=60)
    cases = folder / "cases.jsonl"
    told = ({"id": row["name"], "prompt": f"What is in {row['name']}?", "images": [row["name"]]} for row in quick)
    cases.write_text("".join(json.dumps(row) + "\n" for row in told), encoding="utf-8")
    before = _tree(folder.parent, tmp_path)
    run = assess(MODEL, cases=cases, config=tmp_path / "tocsin.toml", out=tmp_path / "runs", report=False)
    assert _tree(folder.parent, tmp_path) == before
    assert {path.name for path in tmp_path.iterdir()} == {"runs", "tocsin.toml"}
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [run.folder.name]
    meant = {row["name"]: row.get("refused", "") for row in quick}
    came = {one.case: (one.outcome, one.reason) for one in attempted(run.folder)}
    assert came == {name: ("error", "bad_row") if why else ("safe", "") for name, why in meant.items()}
    meant = {
        name: f"{name.rpartition('/')[2]} is empty" if why == "the image is empty" else why
        for name, why in meant.items()
    }  # a file beside a table is named
    assert dict(rows(run.folder, _DETAILS)) == {name: f"{name}: {why}" if why else "" for name, why in meant.items()}
    assert _check_kept(run.folder) > 50
    assert len(server.asked) == sum(not why for why in meant.values())
    assert all(MARKER not in asked.body for asked in server.asked)
    assert capfd.readouterr().err == ""


# ---------------------------------------------------------------------------------------------------------------------


def test_threads_that_bring_one_picture_in_two_files_do_not_meet(tmp_path: Path) -> None:
    plain, faults = drawn(1, width=400, height=400), []
    files = [encoded(plain, compress_level=level) for level in range(1, 9)]
    for number in range(5):
        (tmp_path / str(number)).mkdir()
        images = Images(tmp_path / str(number))

        def keep(data: bytes, images: Images = images) -> None:
            try:
                images.keep(Image(data=data))
            except Exception as error:
                faults.append(error)

        threads = [threading.Thread(target=keep, args=(data,)) for data in files]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        (path,) = images.folder.iterdir()
        assert sha256(path.read_bytes()).hexdigest() == path.stem
    assert faults == []
