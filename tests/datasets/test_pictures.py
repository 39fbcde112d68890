"""Images that rows name: real folders, real archives, and a loopback server in the place of the origin."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import msgspec
import pytest

from tests.datasets.conftest import FileServer
from tocsin.datasets import Dataset, File, Found, GitHub, Hub, Pictures, Row, RowError, locate, read_rows
from tocsin.datasets import pictures as module
from tocsin.datasets.pictures import plain, unpacked

REVISION = "0123456789abcdef0123456789abcdef01234567"
PNG = b"\x89PNG\r\n\x1a\n and no more: nobody opens it here"


def dataset(pictures: Pictures, *, hub: bool = False) -> Dataset:
    return Dataset(
        name="kites",
        title="Kites",
        origin=Hub("some/kites", REVISION) if hub else GitHub("some/kites", REVISION),
        files=(File("data/kites.jsonl", pictures=pictures),),
        licence="MIT",
    )


def copy(folder: Path, *names: str, **files: bytes) -> Path:
    """A data folder with a table that names these images, and with these files."""
    own = folder / "kites"
    own.mkdir(parents=True, exist_ok=True)
    (own / "kites.jsonl").write_text("".join(json.dumps({"image": name}) + "\n" for name in names), encoding="utf-8")
    for name, data in files.items():
        path = own / name.replace("__", "/").replace("_png", ".png").replace("_zip", ".zip").replace("_tar", ".tar")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def packed(**members: bytes) -> bytes:
    told = io.BytesIO()
    with zipfile.ZipFile(told, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_png", ".png"), data)
    return told.getvalue()


def rows(found: Found) -> list[Row]:
    listed = list(found.rows())
    assert all(isinstance(row, Row) for row in listed)
    return [row for row in listed if isinstance(row, Row)]


def read(row: Row) -> bytes:
    (image,) = row.images(row.text("image"))
    return image.read()


def test_images_beside_the_table_are_read_when_asked_and_not_before(tmp_path: Path, cache: Path) -> None:
    data = copy(tmp_path, "a.png", images__a_png=PNG)
    (found,) = locate(dataset(Pictures(beside="images")), data, fetch=False)
    (row,) = rows(found)
    (image,) = row.images("a.png")
    assert image.data == b""
    assert image.read() == PNG
    (data / "kites" / "images" / "a.png").unlink()
    with pytest.raises(OSError, match=r"^a\.png cannot be read"):
        image.read()


def test_rows_whose_image_a_copy_lacks_are_left_out_and_counted_once(tmp_path: Path, cache: Path) -> None:
    data = copy(tmp_path, "a.png", "b.png", "c.png", images__b_png=PNG)
    (found,) = locate(dataset(Pictures(at="data/images", beside="images")), data, fetch=False)
    assert found.left_out == 0
    for _ in range(2):
        assert [len(row.images(row.text("image"))) for row in rows(found)] == [0, 1, 0]
    assert found.left_out == 2
    assert rows(found)[1].images("b.png", "a.png") == ()


@pytest.mark.parametrize("hub", [False, True])
def test_copy_of_texts_alone_has_its_images_from_the_origin_once(
    hub: bool, tmp_path: Path, cache: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_GITHUB_FILES", server.url)
    monkeypatch.setattr(
        "huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE",
        server.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
    server.hub, server.commit = hub, REVISION
    base = f"/datasets/some/kites/resolve/{REVISION}" if hub else f"/some/kites/{REVISION}"
    server.files = {f"{base}/pics/a (1).png": PNG}
    data = copy(tmp_path / "data", "a (1).png", "b.png")
    (found,) = locate(dataset(Pictures(at="pics", beside="images"), hub=hub), data)
    first, second = rows(found)
    images = first.images("a (1).png")
    assert not server.asked, "nothing is fetched before an image is read"
    assert images[0].read() == images[0].read() == PNG
    assert sum(method == "GET" and path.endswith("/pics/a (1).png") for method, path in server.asked) == 1
    assert (cache / "kites" / REVISION / "pics" / "a (1).png").read_bytes() == PNG
    with pytest.raises(OSError, match=r"^b\.png could not be had from .*'images' of the dataset's folder in --data"):
        read(second)
    assert found.left_out == 0


def test_archive_is_fetched_once_and_never_unpacked_to_disk(
    tmp_path: Path, cache: Path, server: FileServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOCSIN_GITHUB_FILES", server.url)
    server.files = {
        f"/some/kites/{REVISION}/data/kites.jsonl": b'{"image": "a.png"}\n{"image": "b.png"}\n{"image": "c.png"}\n',
        f"/some/kites/{REVISION}/all.zip": packed(test__a_png=PNG, test__b_png=PNG + b"b", test__e_png=b""),
    }
    (found,) = locate(dataset(Pictures(archive="all.zip", within="test")), None)
    one, two, three = rows(found)
    assert (read(one), read(two)) == (PNG, PNG + b"b")
    with pytest.raises(ValueError, match=r"^there is no c\.png in all\.zip$"):
        read(three)
    with pytest.raises(ValueError, match=r"^e\.png in all\.zip is empty$"):
        one.images("e.png")[0].read()
    assert sorted(path.name for path in cache.rglob("*") if path.is_file()) == ["all.zip", "kites.jsonl"]
    assert sum(method == "GET" and path.endswith("all.zip") for method, path in server.asked) == 1


def test_archive_in_the_users_folder_is_taken_at_its_word(tmp_path: Path, cache: Path) -> None:
    data = copy(tmp_path, "a.png", "b.png", all_zip=packed(a_png=PNG))
    (found,) = locate(dataset(Pictures(archive="packed/all.zip")), data, fetch=False)
    one, two = rows(found)
    assert read(one) == PNG
    assert two.images("b.png") == ()
    assert found.left_out == 1


def test_tar_is_read_in_place_and_its_links_are_not_followed(tmp_path: Path, cache: Path) -> None:
    told = io.BytesIO()
    with tarfile.open(fileobj=told, mode="w") as archive:
        for name in ("./imgs/a.png", "imgs/b.png"):
            member = tarfile.TarInfo(name)
            member.size = len(PNG)
            archive.addfile(member, io.BytesIO(PNG))
        link = tarfile.TarInfo("imgs/c.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/hostname"
        archive.addfile(link)
    data = copy(tmp_path, "imgs/a.png", "imgs/b.png", "imgs/c.png", imgs_tar=told.getvalue())
    (found,) = locate(dataset(Pictures(archive="imgs.tar")), data, fetch=False)
    one, two, three = rows(found)
    assert read(one) == read(two) == PNG
    assert three.images("imgs/c.png") == ()


@pytest.mark.parametrize(
    "name",
    ["../a.png", "images/../../a.png", "/etc/hostname", "~/a.png", "..", "a\0b.png", "C:\\a.png", "a\\..\\b.png", " ", ".",
     "x" * 600],
)  # fmt: skip
def test_name_that_leads_out_of_the_folder_is_an_error_of_its_row(name: str, tmp_path: Path, cache: Path) -> None:
    data = copy(tmp_path, name, images__a_png=PNG)
    (found,) = locate(dataset(Pictures(beside="images")), data, fetch=False)
    (row,) = rows(found)
    with pytest.raises(RowError, match=r"^kites\.jsonl, line 1: its image (leads out|is no path)") as caught:
        row.images(name)
    assert "hostname" not in str(caught.value)


def test_link_that_leaves_the_folder_is_refused(tmp_path: Path, cache: Path) -> None:
    data = copy(tmp_path, "a.png", images__b_png=PNG)
    (tmp_path / "secret.txt").write_bytes(b"secret")
    (data / "kites" / "images" / "a.png").symlink_to(tmp_path / "secret.txt")
    (found,) = locate(dataset(Pictures(beside="images")), data, fetch=False)
    with pytest.raises(RowError, match="its image leads out of its folder"):
        rows(found)[0].images("a.png")


def test_member_that_is_too_large_is_refused_whatever_it_says_of_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_IMAGE", 2**20)
    path = tmp_path / "bomb.zip"
    path.write_bytes(packed(a_png=bytes(3 * 2**20)))
    with pytest.raises(ValueError, match=r"^a\.png in bomb\.zip is larger than 1 MiB$"):
        unpacked(path, "a.png")
    raw = path.read_bytes().replace((3 * 2**20).to_bytes(4, "little"), (100).to_bytes(4, "little"))
    lying = tmp_path / "lying.zip"
    lying.write_bytes(raw)
    with pytest.raises(ValueError, match=r"^a\.png in lying\.zip"):
        unpacked(lying, "a.png")
    (tmp_path / "large.png").write_bytes(bytes(2**20 + 1))
    with pytest.raises(ValueError, match=r"^large\.png is larger than 1 MiB$"):
        module.read_bounded(tmp_path / "large.png")


def test_archive_with_too_many_members_or_none_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "no.zip").write_bytes(b"this is no archive at all" * 100)
    with pytest.raises(ValueError, match=r"^no\.zip is no ZIP and no tar file"):
        unpacked(tmp_path / "no.zip", "a.png")
    monkeypatch.setattr(module, "MAX_MEMBERS", 3)
    (tmp_path / "many.zip").write_bytes(packed(a=PNG, b=PNG, c=PNG, d=PNG))
    with pytest.raises(ValueError, match=r"^many\.zip has more than 3 members$"):
        unpacked(tmp_path / "many.zip", "a")


def test_damaged_member_is_an_error_and_not_a_crash(tmp_path: Path) -> None:
    raw = bytearray(packed(a_png=PNG * 50))
    raw[45:60] = b"\xff" * 15
    (tmp_path / "torn.zip").write_bytes(raw)
    with pytest.raises(ValueError, match=r"^a\.png in torn\.zip cannot be unpacked"):
        unpacked(tmp_path / "torn.zip", "a.png")


def test_images_that_nobody_published_say_where_one_goes(tmp_path: Path, cache: Path) -> None:
    data = copy(tmp_path, "7.png")
    (found,) = locate(dataset(Pictures(beside="drawn", unpublished="nobody drew it")), data, fetch=False)
    with pytest.raises(OSError, match=r"^nobody drew it: put it at kites/drawn/7\.png in your --data folder$"):
        read(rows(found)[0])


def test_image_in_a_row_is_taken_as_bytes_or_as_parquet_has_it() -> None:
    row = Row({"a": PNG, "b": {"bytes": PNG, "path": "../x"}, "c": "text", "d": {"bytes": None}}, "rows", 3, 2)
    assert row.image("a").data == row.image("b").data == PNG
    for field in ("c", "d"):
        with pytest.raises(RowError, match=rf"^rows, line 3: field '{field}' holds no image$"):
            row.image(field)
    with pytest.raises(RowError, match="nobody knows where its images are"):
        row.images("a.png")


def test_json_object_of_rows_gives_each_its_key(tmp_path: Path) -> None:
    path = tmp_path / "rows.json"
    told = {"name": "a set", "chat": [{"q": 1}, 7], "x": {"q": 2, "part": "own"}}
    path.write_text(json.dumps(told), encoding="utf-8")
    first, bad, last = read_rows(path, keyed="part")
    assert isinstance(first, Row)
    assert isinstance(last, Row)
    assert (dict(first), dict(last)) == ({"q": 1, "part": "chat"}, {"q": 2, "part": "x"})
    assert isinstance(bad, RowError)
    with pytest.raises(RowError, match="is not a JSON array"):
        list(read_rows(path))


def test_plain_names_are_kept_as_they_are() -> None:
    assert plain("./img/vulnerability eval/1(x).jpg") == "img/vulnerability eval/1(x).jpg"
    assert plain("a//b.png") == "a/b.png"


def test_found_without_pictures_has_nothing_left_out(tmp_path: Path) -> None:
    data = copy(tmp_path, "a.png")
    made = msgspec.structs.replace(dataset(Pictures()), files=(File("data/kites.jsonl"),))
    (found,) = locate(made, data, fetch=False)
    assert (found.gallery, found.left_out) == (None, 0)
