"""Finding a dataset's files: the user's ``--data`` folder, then the cache, then the origin. What comes from the origin
is checked against the pinned sha256; a user's own copy is recorded by its own.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec

from tocsin.datasets.origin import Dataset, File, GitHub, Hub, Own, Packaged, Unpublished
from tocsin.datasets.pictures import Gallery
from tocsin.datasets.rows import Row, RowError, opened, read_rows

GITHUB_FILES = "https://raw.githubusercontent.com"
"""Where GitHub serves files; ``TOCSIN_GITHUB_FILES`` names a mirror. The hub's own variable is ``HF_ENDPOINT``."""

Place = Literal["data", "cache", "origin", "package", "own"]


class DatasetError(Exception):
    """A dataset cannot be had as things stand; the message says what to run or where to put it."""


class DatasetDamaged(DatasetError):
    """A file is there and is not what is pinned."""


class Found(msgspec.Struct, frozen=True):
    """A file that is there, and how it compares with what is pinned."""

    file: File
    path: Path
    sha256: str
    place: Place
    gallery: Gallery | None = None
    """Where the images of its rows are, where they name some."""

    @property
    def pinned(self) -> bool:
        """Whether its bytes are those of the pinned revision."""
        return self.file.sha256 == self.sha256

    def rows(self) -> Iterator[Row | RowError]:
        """Its rows; see `read_rows`."""
        name = self.file.name if self.file.nested else self.path.name
        file = self.file
        if file.whole:
            yield Row({"path": str(self.path)}, name, 1, 0)
            return
        for row in read_rows(self.path, header=file.header, fields=dict(file.fields), name=name, keyed=file.keyed):
            if isinstance(row, Row):
                row.gallery = self.gallery
            yield row

    @property
    def left_out(self) -> int:
        """Rows that became no case because the user's copy lacks an image of theirs, so far as its rows were read."""
        return len(self.gallery.left) if self.gallery is not None else 0


def cache_folder() -> Path:
    """Where fetched datasets are kept (``TOCSIN_CACHE``, else the platform's cache folder)."""
    if given := os.environ.get("TOCSIN_CACHE"):
        return Path(given).expanduser() / "datasets"
    import platformdirs

    return platformdirs.user_cache_path("tocsin") / "datasets"


def data_folder(given: Path | None) -> Path | None:
    """The user's data folder: the one given, else ``TOCSIN_DATA``.

    Raises:
        DatasetError: It does not exist.
    """
    named = given or (Path(value) if (value := os.environ.get("TOCSIN_DATA")) else None)
    if named is None:
        return None
    if not named.expanduser().is_dir():
        raise DatasetError(f"the data folder {named} does not exist")
    return named.expanduser()


def locate(dataset: Dataset, data: Path | None, *, fetch: bool = True, check: bool = True) -> list[Found]:
    """The files of a dataset.

    A data folder that holds some of them is taken at its word: the rest is not looked for elsewhere, so that a partial
    copy is used as it is. What it lacks is the difference to ``dataset.files``.

    Args:
        dataset: The dataset.
        data: The user's data folder, if any.
        check: Whether a cached file with another sha256 than the pinned one is a fault, or is only told.
        fetch: Whether to go to the origin for what is neither there nor in the cache.

    Raises:
        DatasetError: A file is nowhere to be had, or came with another sha256 than the pinned one.
    """
    if data is not None and not isinstance(dataset.origin, Own | Packaged):
        given = [found for file in dataset.files if (found := _in_folder(dataset, file, data))]
        if given:
            return [_pictured(dataset, found, data) for found in given]
    return [_pictured(dataset, _locate(dataset, file, data, fetch, check), data) for file in dataset.files]


def _pictured(dataset: Dataset, found: Found, data: Path | None) -> Found:
    if found.file.pictures is None:
        return found
    return msgspec.structs.replace(found, gallery=Gallery(dataset, found.file.pictures, found, data))


def digest(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal; of a packed copy, of what is packed in it."""
    found = sha256()
    with opened(path) as file:
        while block := file.read(2**20):
            found.update(block)
    return found.hexdigest()


def _in_folder(dataset: Dataset, file: File, data: Path) -> Found | None:
    for name in (file.name, *file.also):
        for candidate in (data / dataset.name / name, data / dataset.name / f"{name}.gz"):
            if candidate.is_file():
                return Found(file, candidate, digest(candidate), "data")
    return None


def _locate(dataset: Dataset, file: File, data: Path | None, fetch: bool, check: bool) -> Found:
    if isinstance(dataset.origin, Own):
        path = Path(file.path)
        if not path.is_file():
            raise DatasetError(f"there is no file {path}")
        return Found(file, path, digest(path), "own")
    if isinstance(dataset.origin, Packaged):
        from importlib import resources

        path = Path(str(resources.files(dataset.origin.package))) / file.path
        return _checked(dataset, Found(file, path, digest(path), "package"))
    cached = cache_folder() / dataset.name / dataset.origin.revision / file.path
    if cached.is_file():
        kept = Found(file, cached, digest(cached), "cache")
        return _checked(dataset, kept) if check else kept
    where = f"put it at {(data or Path('DATA')) / dataset.name / file.name} and name that folder with --data"
    if isinstance(dataset.origin, Unpublished):
        if dataset.origin.how:
            raise DatasetError(f"dataset {dataset.name!r} is for you to make: {dataset.origin.how}; {where}")
        raise DatasetError(f"dataset {dataset.name!r} is not published: if you have a copy, {where}")
    if not fetch:
        raise DatasetError(
            f"dataset {dataset.name!r}: {file.name} is not here: run 'tocsin data fetch {dataset.name}', or {where}"
        )
    try:
        path = download(dataset.origin, file.path, cached)
    except Exception as error:
        raise DatasetError(
            f"dataset {dataset.name!r}: {file.name} could not be had from {dataset.origin}"
            f" ({type(error).__name__}): {where}"
        ) from error
    found = Found(file, path, digest(path), "origin")
    try:
        return _checked(dataset, found)
    except DatasetError:
        path.unlink()
        raise


def _checked(dataset: Dataset, found: Found) -> Found:
    expected = found.file.sha256
    if expected is not None and found.sha256 != expected:
        raise DatasetDamaged(
            f"dataset {dataset.name!r}: {found.path} has sha256 {found.sha256}, where {expected} is pinned:"
            " it is damaged or another revision; delete it and fetch again"
        )
    return found


def download(origin: GitHub | Hub, path: str, to: Path) -> Path:
    """Fetches one file to its place in the cache, whole or not at all."""
    to.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(origin, GitHub):
        import pooch

        pooch.get_logger().setLevel("ERROR")
        base = os.environ.get("TOCSIN_GITHUB_FILES", GITHUB_FILES).rstrip("/")
        url = f"{base}/{origin.repo}/{origin.revision}/{quote(path)}"
        pooch.retrieve(url, known_hash=None, path=to.parent, fname=to.name)
        return to
    from huggingface_hub import hf_hub_download

    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # what could not be had is said once, in our own words

    fetched = hf_hub_download(
        origin.repo,
        path,
        repo_type="dataset",
        revision=origin.revision,
        local_dir=cache_folder() / to.relative_to(cache_folder()).parts[0] / origin.revision,
    )
    return Path(fetched)
