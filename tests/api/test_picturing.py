"""Pictures that items describe, drawn by a loopback service: what is asked, what is written, and what is never written over."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from tests.benchmarks.test_vision import read
from tests.engine.triggers import trigger
from tests.evaluations.test_roles import main
from tests.models.drawing import KEY, VARIABLES
from tests.models.image_service import ImageService, image_service
from tests.pictures import drawn, encoded, png
from tocsin.api import Pictured, draw_pictures, resume, resume_pictures
from tocsin.benchmarks import find
from tocsin.datasets import DatasetError
from tocsin.engine import Ending, Limits
from tocsin.journal import JournalError, open_journal
from tocsin.models.pictures import as_png, opened

NAME = "compliance-nist-vision"


@pytest.fixture(autouse=True)
def _no_keys_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOCSIN_CACHE", str(tmp_path / "cache"))
    for name in VARIABLES:
        monkeypatch.setenv(name, KEY)


@pytest.fixture
def service() -> Iterator[ImageService]:
    with image_service() as running:
        yield running


def item(number: int, description: str) -> dict[str, Any]:
    return {
        "question_id": f"7_{number}",
        "question_type": "multimodal_generated",
        "question_text": f"What does notice {number} say?",
        "generation_metadata": {"type": "generated", "prompt": description, "original_question": "?"},
    }


def items(folder: Path, *descriptions: str) -> Path:
    """A data folder with one group, each of whose items has a description."""
    basic = {
        "question_id": "7_0",
        "question_type": "open_ended_basic",
        "question_text": "?",
        "judging_criteria": "Is kind.",
    }
    group = {"group_id": 7, "dimension": "Kitchen -> Tea", "variants": [basic]}
    group["variants"] += [item(number, text) for number, text in enumerate(descriptions, 1)]  # type: ignore[operator]
    path = folder / "data" / "report_2601_10527" / "NIST.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps([group]), encoding="utf-8")
    return folder / "data"


def configured(folder: Path, service: ImageService) -> Path:
    path = folder / "tocsin.toml"
    path.write_text(
        f'[models.painter]\nmodel = "openai/gpt-image-1"\nbase_url = "{service.openai}"\ntries = 1\n'
        f'image_hosts = ["{service.host}"]\n[models.writer]\nmodel = "openai/m"\nbase_url = "{service.openai}"\n',
        encoding="utf-8",
    )
    return path


def pictures(folder: Path, service: ImageService, **options: Any) -> Pictured:
    chosen: dict[str, Any] = {"data": folder / "data", "out": folder / "runs"} | options
    return draw_pictures([NAME], "painter", config=configured(folder, service), **chosen)


def written(folder: Path) -> list[str]:
    place = folder / "data" / "report_2601_10527" / "vision" / "nist"
    return sorted(path.name for path in place.iterdir()) if place.is_dir() else []


def place(folder: Path, name: str) -> Path:
    return folder / "data" / "report_2601_10527" / "vision" / "nist" / name


def test_each_description_becomes_a_picture_where_the_benchmark_looks_for_it(
    service: ImageService, tmp_path: Path
) -> None:
    data = items(tmp_path, "A kettle on a stove.", "A notice on a door.")
    cases, _, _ = read(find(NAME), data)
    with pytest.raises(OSError, match=r"'tocsin compliance draw'.*: put it at report_2601_10527/vision/nist/7_1\.png"):
        cases[0].images[0].read()
    done = pictures(tmp_path, service)
    assert (done.complete, done.errors, done.benchmarks[NAME].drawn) == (True, 0, 2)
    assert sorted(asked.prompt for asked in service.asked) == ["A kettle on a stove.", "A notice on a door."]
    assert written(tmp_path) == ["7_1.png", "7_2.png"]
    cases, (found,), errors = read(find(NAME), data)
    assert (errors, found.left_out) == ([], 0)
    for case in cases:
        (image,) = case.images
        with Pillow.open(io.BytesIO(image.read())) as picture:
            assert picture.format == "PNG"
        assert image.read() == place(tmp_path, f"{case.id}.png").read_bytes()


def test_what_is_refused_or_fails_has_no_picture_and_is_counted(service: ImageService, tmp_path: Path) -> None:
    data = items(tmp_path, "A kettle. [[policy]]", "A cup. [[500]]", "A spoon.", f"A fork. {trigger()}")
    done = pictures(tmp_path, service)
    one = done.benchmarks[NAME]
    assert (one.drawn, one.refused, one.failed, done.errors) == (1, 1, {"server": 1, "withheld": 1}, 1)
    assert written(tmp_path) == ["7_3.png"]
    assert not any(trigger() in asked.prompt for asked in service.asked)
    service.queue.append("image")
    assert done.folder is not None
    again = resume_pictures(done.folder, retry_errors=True, config=tmp_path / "tocsin.toml")
    assert again.benchmarks[NAME].drawn == 2
    assert written(tmp_path) == ["7_2.png", "7_3.png"]
    _, (found,), _ = read(find(NAME), data)
    assert found.left_out == 1, "a group of which a picture is lacking is counted"


def test_nothing_that_is_there_is_asked_for_or_replaced_unless_that_is_said(
    service: ImageService, tmp_path: Path
) -> None:
    items(tmp_path, "A kettle.", "A cup.")
    place(tmp_path, "").mkdir(parents=True)
    place(tmp_path, "7_1.png").write_bytes(png(5))
    done = pictures(tmp_path, service)
    assert (done.benchmarks[NAME].drawn, done.benchmarks[NAME].kept) == (1, 1)
    assert [asked.prompt for asked in service.asked] == ["A cup."]
    assert place(tmp_path, "7_1.png").read_bytes() == png(5)
    nothing = pictures(tmp_path, service)
    assert (nothing.folder, nothing.complete, nothing.benchmarks[NAME].kept) == (None, True, 2)
    assert len(service.asked) == 1
    forced = pictures(tmp_path, service, force=True)
    assert (forced.benchmarks[NAME].drawn, forced.benchmarks[NAME].kept) == (2, 0)
    assert place(tmp_path, "7_1.png").read_bytes() != png(5)
    assert written(tmp_path) == ["7_1.png", "7_2.png"], "no draft is left behind"


def test_picture_of_no_item_is_not_counted(service: ImageService, tmp_path: Path) -> None:
    items(tmp_path, "A kettle.", "A cup.")
    place(tmp_path, "").mkdir(parents=True)
    for name in ("7_1.png", "holiday.png", "7_1-old.png", "7_0.png"):
        place(tmp_path, name).write_bytes(png(5))
    done = pictures(tmp_path, service)
    assert (done.benchmarks[NAME].drawn, done.benchmarks[NAME].kept) == (1, 1)
    assert pictures(tmp_path, service).benchmarks[NAME].kept == 2
    assert place(tmp_path, "holiday.png").read_bytes() == png(5)


def test_picture_that_somebody_put_there_meanwhile_stays(service: ImageService, tmp_path: Path) -> None:
    items(tmp_path, "A kettle.", "A cup.")
    begun = pictures(tmp_path, service, limits=Limits(calls=1), concurrency=1)
    assert (begun.complete, begun.benchmarks[NAME].unfinished) == (False, 1)
    (there,) = written(tmp_path)
    other = "7_2.png" if there == "7_1.png" else "7_1.png"
    place(tmp_path, other).write_bytes(png(5))
    assert begun.folder is not None
    done = resume_pictures(begun.folder, config=tmp_path / "tocsin.toml")
    assert done.ended is not None
    assert done.ended.ending is Ending.COMPLETE
    assert (done.benchmarks[NAME].drawn, done.benchmarks[NAME].kept) == (1, 1)
    assert place(tmp_path, other).read_bytes() == png(5)
    with closing(open_journal(begun.folder)) as db:
        assert db.execute("SELECT count(*) FROM calls").fetchone() == (2,), "no call was paid for twice"


def test_what_cannot_be_drawn_is_said_before_anything_is_asked(service: ImageService, tmp_path: Path) -> None:
    items(tmp_path, "A kettle.")
    config = configured(tmp_path, service)
    with pytest.raises(ValueError, match="model 'writer' makes no images"):
        draw_pictures([NAME], "writer", data=tmp_path / "data", out=tmp_path, config=config)
    with pytest.raises(ValueError, match="benchmark 'siuo' describes no pictures; there are: compliance-nist-vision"):
        draw_pictures(["siuo"], "painter", data=tmp_path / "data", out=tmp_path, config=config)
    with pytest.raises(DatasetError, match="--data DIR"):
        draw_pictures([NAME], "painter", out=tmp_path, config=config)
    assert service.asked == []


def test_run_of_pictures_is_no_assessment(service: ImageService, tmp_path: Path) -> None:
    items(tmp_path, "A kettle.")
    done = pictures(tmp_path, service)
    assert done.folder is not None
    with pytest.raises(JournalError, match="has pictures made for a benchmark: it goes on with tocsin compliance draw"):
        resume(done.folder)


def test_the_command_draws_and_goes_on(
    service: ImageService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    items(tmp_path, "A kettle.", "A cup. [[policy]]")
    config = configured(tmp_path, service)
    words = ["compliance", "draw", "--benchmark", NAME, "--model", "painter", "--data", str(tmp_path / "data")]
    words += ["--out", str(tmp_path / "runs"), "--config", str(config), "--quiet"]
    assert main([*words, "--max-calls", "1", "--concurrency", "1"], monkeypatch) == 4
    how = capsys.readouterr().err.rpartition("go on with: tocsin ")[2].split()
    assert how[:3] == ["compliance", "draw", "--resume"]
    assert main([*how, "--quiet"], monkeypatch) == 0
    out, err = capsys.readouterr()
    assert f"{NAME}: 1 drawn, 1 refused: {tmp_path}" in out
    assert "1 pictures were refused" in err
    assert main([*how, "--quiet", "--force"], monkeypatch) == 2
    assert main([*words, "--json"], monkeypatch) == 0, "what was refused is asked for again in a new run"
    told = json.loads(capsys.readouterr().out)
    assert (told["ending"], told["benchmarks"][NAME]["kept"]) == ("complete", 1)


def test_a_jpeg_is_kept_as_a_png() -> None:
    there = as_png(encoded(drawn(2), "JPEG"))
    assert opened(there).media_type == "image/png"
    assert as_png(png(1)) == opened(png(1)).data
