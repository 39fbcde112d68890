"""Images that rows name: beside the table, in an archive, or a file each at the origin. All of it is hostile input.

Where an image comes from follows where its table came from:

- A table in a ``--data`` folder: the folder that `Pictures.beside` names, or the archive, within the dataset's folder. A
  copy that has that folder or that archive is taken at its word: a row whose image it lacks is *left out* (`Row.images`
  gives nothing), and is counted in `Found.left_out`. A copy without either has the texts alone: then, as for a table
  anywhere else,
- the cache, and then the origin, once the case is drawn and not before. What is not there is an error of that row, raised
  by `Deferred.read`.

Nothing is unpacked to disk: a member of an archive is looked up by its name and read into memory, up to `MAX_IMAGE` bytes.
"""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from functools import lru_cache, partial
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING

from tocsin.datasets.origin import GitHub, Hub, Pictures
from tocsin.types import Deferred

if TYPE_CHECKING:
    from tocsin.datasets.fetch import Found
    from tocsin.datasets.origin import Dataset

MAX_IMAGE = 64 * 2**20
"""Bytes of one image."""
MAX_MEMBERS = 200_000
"""Members of an archive."""
_fetching = Lock()


class Gallery:
    """The images of one file's rows.

    Attributes:
        left: Lines of the rows that were left out, since the user's copy lacks an image of theirs.
    """

    def __init__(self, dataset: Dataset, pictures: Pictures, found: Found, data: Path | None) -> None:
        self.dataset, self.pictures = dataset, pictures
        self.left: set[int] = set()
        given = found.place == "data" or bool(
            pictures.unpublished
        )  # nobody but the user has these, wherever the table is from
        own = data / dataset.name if data is not None and given else None
        self._folder = own / pictures.beside if own is not None else None
        self._packed: Path | None = None
        if own is not None and pictures.archive:
            kept = (own / pictures.archive, own / pictures.archive.rpartition("/")[2])
            self._packed = next((path for path in kept if path.is_file()), None)

    @property
    def lacking(self) -> str:
        """What there is to say where nobody but the user has the images, and has none yet; empty otherwise."""
        there = self._packed is not None or (self._folder is not None and self._folder.is_dir())
        return "" if there or not self.pictures.unpublished else self._unpublished("")

    def image(self, name: str) -> Deferred | None:
        """The image of a name, unread; None if the user's copy has images, and not this one.

        Raises:
            ValueError: The name leads out of the folder, or is none.
        """
        within = plain(name)
        if self._folder is not None and self._has_images(within):
            path = self._folder / within
            if path.is_file():
                if not path.resolve().is_relative_to(self._folder.resolve()):
                    raise ValueError("leads out of its folder")
                return Deferred(make=partial(read_bounded, path))
            if self._packed is None:
                return None
        if self._packed is not None:
            there = _members(self._packed, self._packed.stat().st_mtime_ns)
            if self._member(within) not in there:
                return None
            return Deferred(make=partial(unpacked, self._packed, self._member(within)))
        return Deferred(make=partial(self._from_origin, within))

    def _has_images(self, within: str) -> bool:
        assert self._folder is not None
        if self.pictures.beside:
            return self._folder.is_dir()
        first, slash, _ = within.partition("/")
        return (self._folder / first).is_dir() if slash else (self._folder / first).is_file()

    def _member(self, within: str) -> str:
        return f"{self.pictures.within}/{within}" if self.pictures.within else within

    def _from_origin(self, within: str) -> bytes:
        if self.pictures.unpublished:
            raise OSError(self._unpublished(within))
        if self.pictures.archive:
            return unpacked(self._fetched(self.pictures.archive), self._member(within))
        return read_bounded(self._fetched(f"{self.pictures.at}/{within}" if self.pictures.at else within))

    def _unpublished(self, within: str) -> str:
        place = f"{self.dataset.name}/{self.pictures.beside}".rstrip("/")
        return f"{self.pictures.unpublished}: put it at {place}/{within or 'ITEM.png'} in your --data folder"

    def _fetched(self, path: str) -> Path:
        """A file of the origin, in the cache.

        Raises:
            OSError: It is not to be had; the message names the file and where a copy of one's own goes.
        """
        from tocsin.datasets import fetch

        origin = self.dataset.origin
        place = self.pictures.beside or self.dataset.name
        if not isinstance(origin, GitHub | Hub):
            raise OSError(f"{path.rpartition('/')[2]} is not there: it has no origin but a folder of your own")
        kept = fetch.cache_folder() / self.dataset.name / origin.revision / path
        with _fetching:
            if kept.is_file():
                return kept
            try:
                return fetch.download(origin, path, kept)
            except Exception as error:
                raise OSError(
                    f"{path.rpartition('/')[2]} could not be had from {origin} ({type(error).__name__});"
                    f" a copy of your own goes into the folder {place!r} of the dataset's folder in --data"
                ) from error


def plain(name: str) -> str:
    """A name as a path below a folder, with ``/`` between its parts.

    Raises:
        ValueError: It is no relative path, or leads upwards.
    """
    text = name.strip().removeprefix("./")
    parts = PurePosixPath(text).parts
    if not text or not text.isprintable() or "\\" in text or ":" in text or len(text) > 500:
        raise ValueError("is no path below the data's folder")
    if text.startswith(("/", "~")) or ".." in parts or not parts:
        raise ValueError("leads out of its folder")
    return "/".join(parts)


def read_bounded(path: Path) -> bytes:
    """The bytes of an image's file.

    Raises:
        OSError: It cannot be read; the message names it.
        ValueError: It is empty, or larger than `MAX_IMAGE`.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_IMAGE + 1)
    except OSError as error:
        raise OSError(f"{path.name} cannot be read ({error.strerror})") from error
    return _bounded(data, path.name)


def _bounded(data: bytes, name: str) -> bytes:
    if len(data) > MAX_IMAGE:
        raise ValueError(f"{name} is larger than {MAX_IMAGE // 2**20} MiB")
    if not data:
        raise ValueError(f"{name} is empty")
    return data


def unpacked(archive: Path, member: str) -> bytes:
    """A member of a ZIP or an uncompressed tar file, in memory.

    Raises:
        OSError, ValueError: The archive is damaged, has no such member, or one that is too large; the message names both.
    """
    name = f"{member.rpartition('/')[2]} in {archive.name}"
    there = _members(archive, archive.stat().st_mtime_ns)
    if member not in there:
        raise ValueError(f"there is no {name}")
    begins, size = there[member]
    if size > MAX_IMAGE:
        raise ValueError(f"{name} is larger than {MAX_IMAGE // 2**20} MiB")
    if begins >= 0:
        with archive.open("rb") as file:
            file.seek(begins)
            return _bounded(file.read(size), name)
    try:
        with _opened(archive, archive.stat().st_mtime_ns).open(member) as file:
            return _bounded(file.read(MAX_IMAGE + 1), name)
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise ValueError(f"{name} cannot be unpacked ({type(error).__name__})") from error


@lru_cache(4)
def _opened(archive: Path, changed: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(archive)


@lru_cache(4)
def _members(archive: Path, changed: int) -> dict[str, tuple[int, int]]:
    """Member → where it begins (of a ZIP: -1) and how many bytes it says to have; files alone."""
    try:
        if zipfile.is_zipfile(archive):
            listed = _opened(archive, changed).infolist()
            found = {one.filename: (-1, one.file_size) for one in listed[: MAX_MEMBERS + 1] if not one.is_dir()}
        else:
            found = {}
            with tarfile.open(archive, "r:") as packed:
                for member in packed:
                    if member.isreg() and not member.issparse():
                        found[member.name.removeprefix("./")] = (member.offset_data, member.size)
                    if len(found) > MAX_MEMBERS:
                        break
    except (zipfile.BadZipFile, tarfile.TarError, ValueError) as error:
        raise ValueError(f"{archive.name} is no ZIP and no tar file, or is damaged ({type(error).__name__})") from error
    if len(found) > MAX_MEMBERS:
        raise ValueError(f"{archive.name} has more than {MAX_MEMBERS} members")
    return found
