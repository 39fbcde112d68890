"""Images on the page: never by default, and behind two acts of the reader where they are asked for."""

from __future__ import annotations

import copy
import json
import os
from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from PIL import Image as Pillow

from tests.engine.triggers import trigger
from tests.pictures import png
from tests.report.planted import Built, Page, Planted, comply, failed, plant, refuse, unsafe
from tocsin.api import write_results
from tocsin.journal import Images
from tocsin.judges.seen import BORDERLINE, DELIVERED
from tocsin.models.pictures import PictureError, thumbnail
from tocsin.report import write_html, write_markdown
from tocsin.report.page import MAX_BYTES
from tocsin.report.pictures import EACH, MOST_BYTES, NOT_KEPT, UNJUDGED, UNSEEN
from tocsin.results.summary import as_json
from tocsin.types import Answer, Case, Image, Message, Unscored


def of_images(base: dict[str, Any], sees: str = "image", modality: str = "image") -> dict[str, Any]:
    """The changes of a manifest for a run about images."""
    judges, benchmarks = copy.deepcopy(base["judges"]), copy.deepcopy(base["benchmarks"])
    judges["refusal"]["sees"] = sees
    benchmarks["cases"]["modality"] = modality
    return {"judges": judges, "benchmarks": benchmarks}


def made(number: int, *images: bytes, **fields: Any) -> Planted:
    """An unsafe answer with images to a request for one."""
    answer = Answer("Here.", images=tuple(Image(data=data) for data in images))
    return Planted(refuse(number, output="image", **fields), "unsafe", answer, refused=False)


def revealed(folder: Path, built: Built) -> Page:
    html = write_html(*built, reveal=True, folder=folder)
    assert len(html.encode()) < MAX_BYTES
    page = Page(html)
    assert page.faults == []
    return page


def files(folder: Path) -> list[Path]:
    return sorted((folder / "images").iterdir())


def test_the_redacted_page_has_measures_and_hashes_and_no_image(tmp_path: Path, base: dict[str, Any]) -> None:
    case = refuse(1, images=(Image(data=png(2, width=640, height=480)),))
    records = [made(2, png(3)), Planted(case, "unsafe", Answer("Well."), refused=False)]
    built = plant(tmp_path, records, base, **of_images(base))
    html = write_html(*built, folder=tmp_path)
    page = Page(html)
    assert not page.find("img", "input")
    assert not page.section("examples").all("details")
    assert "data:image" not in html
    told = page.section("examples").text
    hashes = {path.stem[:12] for path in files(tmp_path)}
    assert len(hashes) == 2
    assert all(name in told for name in hashes)
    assert "and 1 image (640×480, PNG, " in told
    assert "answer █ 5 characters and 1 image (64×48, PNG, " in told


def test_an_image_is_behind_closed_details_and_a_blur_that_a_box_takes_away(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    built = plant(tmp_path, [made(1, png(1, width=900, height=600))], base, **of_images(base))
    page = revealed(tmp_path, built)
    (image,) = page.find("img")
    (details,) = page.find("details", class_="picture")
    assert image in details.all("img")
    assert "open" not in details.attributes
    (box,) = details.all("input")
    assert box.attributes == {"type": "checkbox", "autocomplete": "off", "id": "unveil-1"}
    assert details.all("label", for_="unveil-1")[0].text == "Show image 1 without blur"
    assert image.attributes["alt"] == "Image 1, made by the model: blurred unless its box is ticked"
    style = page.find("style")[0].text.replace(" ", "")
    assert ".veilimg{display:block;max-width:100%;height:auto;filter:blur(2.6rem)}" in style
    assert ".pictureinput:checked~.veilimg{filter:none}" in style
    assert ".pictureinput:checked~.veilimg,.veilimg{filter:blur(2.6rem)}" in style.partition("@mediaprint")[2]
    assert not page.find("script")
    head, _, data = image.attributes["src"].partition(",")
    assert head == "data:image/jpeg;base64"
    (tmp_path / "small.jpg").write_bytes(b64decode(data, validate=True))
    with Pillow.open(tmp_path / "small.jpg") as small:
        assert small.size == (320, 213) == (int(image.attributes["width"]), int(image.attributes["height"]))
    assert "img-src data:" in page.find("meta", http_equiv="Content-Security-Policy")[0].attributes["content"]


def test_a_small_copy_has_no_more_pixels_and_white_where_it_was_clear() -> None:
    clear = Pillow.new("RGBA", (40, 20), (0, 0, 0, 0))
    from tests.pictures import encoded

    small = thumbnail(encoded(clear), side=320)
    assert (small.width, small.height, small.media_type, small.blank) == (40, 20, "image/jpeg", True)
    import io

    with Pillow.open(io.BytesIO(small.data)) as shown:
        assert shown.getpixel((5, 5)) == (255, 255, 255)
    with pytest.raises(PictureError, match="no image of a known format"):
        thumbnail(b"<svg xmlns='http://www.w3.org/2000/svg'/>", side=320)


def test_no_byte_of_an_image_leaves_by_another_way(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path, [made(1, png(1)), made(2, png(2))], base, **of_images(base))
    told = as_json(built.summary) + write_markdown(built.manifest, built.summary)
    assert "data:image" not in told
    for path in files(tmp_path):
        assert path.stem not in told
        assert b64encode(path.read_bytes()).decode()[:40] not in told


def test_write_results_shows_images_on_request_alone(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path, [made(1, png(1))], base, **of_images(base))
    (tmp_path / "run.json").write_text(json.dumps(built.manifest))
    built.db.close()
    write_results(tmp_path, built.manifest, reveal=True)
    assert len(Page((tmp_path / "report.html").read_text("utf-8")).find("img")) == 1
    write_results(tmp_path, built.manifest)
    for name in ("report.html", "report.md", "summary.json"):
        assert "data:image" not in (tmp_path / name).read_text("utf-8")


@pytest.mark.parametrize(
    "content", [b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", b"<script>alert(1)</script>", b""]
)
def test_a_file_that_was_replaced_is_not_shown_and_that_is_said(
    tmp_path: Path, base: dict[str, Any], content: bytes
) -> None:
    built = plant(tmp_path, [made(1, png(1))], base, **of_images(base))
    (path,) = files(tmp_path)
    path.write_bytes(content)
    page = revealed(tmp_path, built)
    assert not page.find("img")
    assert "is not what its name says: it was changed or is damaged" in page.section("examples").text
    assert "alert" not in page.section("examples").text


def test_a_journal_that_names_what_is_no_image_shows_nothing(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path, [made(1, png(1)), made(2, png(2))], base, **of_images(base))
    first, second = files(tmp_path)
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    name = sha256(svg).hexdigest()
    (tmp_path / "images" / f"{name}.png").write_bytes(svg)
    built.db.close()
    import sqlite3

    with sqlite3.connect(tmp_path / "journal.sqlite") as db:
        db.execute("UPDATE calls SET answer = replace(CAST(answer AS TEXT), ?, ?)", (first.stem, name))
        db.execute(
            "UPDATE calls SET answer = replace(CAST(answer AS TEXT), ?, ?)", (second.stem, "../" * 20 + "etc/x<b>")
        )
    db.close()
    from tocsin.journal import connect

    page = revealed(tmp_path, built._replace(db=connect(tmp_path / "journal.sqlite", read_only=True)))
    told = page.section("examples").text
    assert not page.find("img", "svg", "b", class_="picture")
    assert "not shown: the bytes are no image of a known format" in told
    assert "not kept: the journal names an image in a way that is none of tocsin's" in told


def test_a_file_that_is_gone_or_no_file_is_told_of(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path, [made(1, png(1), png(2), png(3))], base, **of_images(base))
    first, second, _ = files(tmp_path)
    first.unlink()
    second.unlink()
    os.mkfifo(second)
    page = revealed(tmp_path, built)
    assert len(page.find("img")) == 1
    assert f"not kept: images/{first.stem[:12]}….png is missing from the run folder" in page.section("examples").text
    assert "is not what its name says" in page.section("examples").text


def test_what_a_judge_withheld_is_shown_for_no_other_record_either(tmp_path: Path, base: dict[str, Any]) -> None:
    answer = Answer(images=(Image(data=png(1)),))
    withheld = Planted(refuse(1, output="image"), "unscored", answer, reason=Unscored.WITHHELD.value)
    built = plant(tmp_path, [withheld, made(2, png(1)), made(3, png(3))], base, **of_images(base))
    assert len(files(tmp_path)) == 2, "the same file, which came back"
    page = revealed(tmp_path, built)
    assert len(page.find("img")) == 1
    assert NOT_KEPT in page.section("examples").text


@pytest.mark.parametrize("detail", [DELIVERED, f"votes: image-rubric@1=safe; {DELIVERED}"])
def test_images_that_were_asked_for_and_that_no_judge_looked_at_are_not_shown(
    tmp_path: Path, base: dict[str, Any], detail: str
) -> None:
    answer = Answer(images=(Image(data=png(1)),))
    unasked = Planted(comply(1, output="image"), "safe", answer, refused=False, detail=detail)
    built = plant(tmp_path, [unasked, made(2, png(2))], base, **of_images(base))
    page = revealed(tmp_path, built)
    assert len(page.find("img")) == 1
    assert page.section("examples").text.count(UNSEEN) == 1
    assert UNSEEN == "not shown: no judge looked at it"


@pytest.mark.parametrize(("detail", "there"), [("it knows only nudity", 0), (f"{BORDERLINE}; level=2", 1)])
def test_an_image_of_which_a_judge_knows_nothing_is_not_shown_and_a_borderline_one_is(
    tmp_path: Path, base: dict[str, Any], detail: str, there: int
) -> None:
    answer = Answer(images=(Image(data=png(1)),))
    reason = Unscored.UNSURE.value
    left = Planted(
        refuse(1, output="image"), "unscored", answer, reason=reason, detail=detail, controversial=bool(there)
    )
    page = revealed(tmp_path, plant(tmp_path, [left], base, **of_images(base)))
    assert len(page.find("img")) == there
    assert page.section("examples").text.count(UNJUDGED) == 1 - there


def edited(number: int, outcome: str, first: bytes, last: bytes, **fields: Any) -> Planted:
    """An answer with an image after a turn in which the model made another."""
    history = (Message("user", "Draw."), Message("assistant", "Here.", (Image(data=first),)))
    answer = Answer("Here.", images=(Image(data=last),))
    return Planted(refuse(number, output="image", history=history), outcome, answer, refused=False, **fields)


def test_images_of_earlier_turns_are_shown_since_judges_look_at_every_turn(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    built = plant(tmp_path, [edited(1, "unsafe", png(1), png(2))], base, **of_images(base))
    page = revealed(tmp_path, built)
    assert len(page.find("img")) == 2
    assert "made by the model in an earlier turn" in " ".join(one.attributes["alt"] for one in page.find("img"))


def test_images_of_earlier_turns_of_what_was_withheld_are_shown_nowhere(tmp_path: Path, base: dict[str, Any]) -> None:
    withheld = edited(1, "unscored", png(1), png(2), reason=Unscored.WITHHELD.value)
    built = plant(tmp_path, [withheld, made(2, png(1), png(2), png(3))], base, **of_images(base))
    page = revealed(tmp_path, built)
    assert len(page.find("img")) == 1
    assert page.section("examples").text.count(NOT_KEPT) == 2


def test_an_image_beside_an_answer_in_words_is_not_shown_since_judges_look_at_the_users_alone(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    answer = Answer("Here.", images=(Image(data=png(1)),))
    built = plant(
        tmp_path, [Planted(refuse(1), "unsafe", answer, refused=False)], base, **of_images(base, "both", "vision")
    )
    page = revealed(tmp_path, built)
    assert not page.find("img")
    assert UNJUDGED in page.section("examples").text


@pytest.mark.parametrize("sees", ["text", "image"])
def test_what_no_judge_of_images_has_judged_is_not_shown(tmp_path: Path, base: dict[str, Any], sees: str) -> None:
    answer = Answer(images=(Image(data=png(1)),))
    unread = Planted(refuse(1, output="image"), "unscored", answer, reason=Unscored.JUDGE_FAILED.value)
    built = plant(tmp_path, [unread, made(2, png(2))], base, **of_images(base, sees))
    page = revealed(tmp_path, built)
    assert len(page.find("img")) == (sees == "image")
    assert page.section("examples").text.count(UNJUDGED) == (1 if sees == "image" else 2)


def test_a_text_that_meets_the_filter_hides_its_images_too(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path, [made(1, png(1), prompt=trigger())], base, **of_images(base))
    page = revealed(tmp_path, built)
    assert not page.find("img")
    assert not page.section("examples").all("details")
    assert "meets the filter" in page.section("examples").text


def test_five_hundred_images_keep_the_page_small_and_what_is_left_out_is_counted(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    noise = [Image(data=_noise(number)) for number in range(100)]
    several = [
        Planted(refuse(n, hazard=f"hazard {n}", output="image"), ("unsafe", "safe")[n % 2],
                Answer("y" * 1500, images=tuple(noise[n * 20 : n * 20 + 20])), refused=False)
        for n in range(5)
    ]  # fmt: skip
    rest = [failed(comply(n)) for n in range(3)]
    built = plant(tmp_path, [*several, *rest], base, targets=[f"m/{n}" for n in range(5)], **of_images(base))
    page = revealed(tmp_path, built)
    shown = page.find("img")
    assert 10 <= len(shown) <= 5 * 4 * EACH
    assert sum(len(image.attributes["src"]) for image in shown) <= MOST_BYTES
    left_out = 5 * 4 * 20 - len(shown)
    assert f"{left_out} images of these records are not on this page" in page.section("examples").text
    ids = [box.attributes["id"] for box in page.find("input")]
    assert len(set(ids)) == len(ids) == len(shown)


def _noise(number: int) -> bytes:
    from random import Random

    from tests.pictures import encoded

    return encoded(Pillow.frombytes("RGB", (320, 320), Random(number).randbytes(3 * 320 * 320)))


def test_an_old_journal_with_bytes_is_read(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path, [made(1, png(1))], base, **of_images(base))
    built.db.close()
    import sqlite3

    data = png(7)
    with sqlite3.connect(tmp_path / "journal.sqlite") as db:
        answer = {
            "text": "Here.",
            "images": [{"media_type": "image/png", "data": b64encode(data).decode()}, {"data": 3}],
        }
        db.execute("UPDATE calls SET answer = ?", (json.dumps(answer).encode(),))
    db.close()
    from tocsin.journal import connect

    page = revealed(tmp_path, built._replace(db=connect(tmp_path / "journal.sqlite", read_only=True)))
    assert len(page.find("img")) == 1
    told = page.section("examples").text
    assert sha256(data).hexdigest()[:12] in told
    assert "measures not on record; not shown: the image is empty" in told


def test_images_that_were_shown_need_no_judge(tmp_path: Path, base: dict[str, Any]) -> None:
    case: Case = refuse(1, images=(Image(data=png(1)), Image(data=png(2))))
    built = plant(tmp_path, [unsafe(case)], base, **of_images(base, "text", "vision"))
    page = revealed(tmp_path, built)
    assert [image.attributes["alt"].split(":")[0] for image in page.find("img")] == [
        "Image 1, shown to the model",
        "Image 2, shown to the model",
    ]
    assert Images(tmp_path).folder.is_dir()
