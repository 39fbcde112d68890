"""Where a run keeps images: ``RUN/images/SHA256.png`` or ``.jpg``, named by content, each written once.

JSON in the journal holds references. A file is on the disk, whole, before a row names it: it is written under another name,
synced and renamed. What comes is opened by `tocsin.models.pictures` and nothing else; what came before is known by the hash of
the bytes that came, so that it is decoded once however often it comes.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from stat import S_ISREG

from msgspec.structs import replace

from tocsin.journal.errors import JournalError, JournalFull
from tocsin.models.pictures import ENDINGS, MAX_BYTES, PictureError, opened
from tocsin.types import Case, Image, Message, Request

FOLDER = "images"
_OPENING = ThreadPoolExecutor(2, "tocsin-image")
"""Two at a time on any machine: the largest that is taken needs half a gigabyte, and no other work waits behind it."""
_WITHHELD = ".withheld"
"""The ending of the empty file that stands for an image that was removed because of what it shows."""
_DRAFT = ".part"
"""The ending of a file that is being written."""
_REMEMBERED = 100_000
"""Hashes of what came that are remembered; some 30 MB."""


class PictureWithheld(PictureError):
    """An image was removed because of what it shows."""


class Images:
    """The images of a run folder.

    Args:
        run: The run folder.
    """

    def __init__(self, run: Path) -> None:
        self.folder = run / FOLDER
        self.decoded = 0
        """How many images were opened."""
        self._kept: OrderedDict[bytes, Image] = OrderedDict()
        self._under_way: dict[bytes, asyncio.Future[Image]] = {}

    # -- keeping -------------------------------------------------------------------------------------------------------

    def keep(self, image: Image) -> Image:
        """An image as a reference, its file on the disk. A reference is given back as it is.

        Raises:
            PictureError: It is no image that tocsin takes.
            JournalFull: There is no room for it.
            OSError, ValueError: A deferred one cannot be read.
        """
        if (reference := self._reference(image)) is not None:
            return reference
        data = image.read()
        known = self._known(sha256(data).digest())
        return _saying(known or self._keep(data), image)

    async def keep_soon(self, image: Image) -> Image:
        """As `keep`, off the event loop. Who brings the same bytes meanwhile waits for the same file."""
        if (reference := self._reference(image)) is not None:
            return reference
        data = image.data or await asyncio.to_thread(image.read)
        came = sha256(data).digest()
        if known := self._known(came):
            return _saying(known, image)
        if (waiting := self._under_way.get(came)) is not None:
            return _saying(await asyncio.shield(waiting), image)
        mine: asyncio.Future[Image] = asyncio.get_running_loop().create_future()
        self._under_way[came] = mine
        try:
            kept = await asyncio.get_running_loop().run_in_executor(_OPENING, self._keep, data)
            mine.set_result(kept)
        except BaseException as error:
            mine.set_exception(error)
            mine.exception()  # retrieved: nobody else may be waiting
            raise
        finally:
            del self._under_way[came]
        return _saying(kept, image)

    @staticmethod
    def _reference(image: Image) -> Image | None:
        """The reference that an image is, with its bytes or without; None if nobody kept it."""
        if not image.sha256:
            return None
        if not image.data:
            return image
        return replace(image, data=b"") if sha256(image.data).hexdigest() == image.sha256 else None

    def _known(self, came: bytes) -> Image | None:
        if (known := self._kept.get(came)) is not None:
            self._kept.move_to_end(came)
        return known

    def _keep(self, data: bytes) -> Image:
        picture = opened(data)
        self.decoded += 1
        name = sha256(picture.data).hexdigest()
        kept = Image(
            picture.media_type,
            sha256=name,
            size=len(picture.data),
            width=picture.width,
            height=picture.height,
            blank=picture.blank,
        )
        if not self.is_withheld(kept):
            self._write(self._path(kept), picture.data)
        for came in (sha256(data).digest(), bytes.fromhex(name)):  # what is kept may come back, too
            self._kept[came] = kept
        while len(self._kept) > _REMEMBERED:
            self._kept.popitem(last=False)
        return kept

    def _write(self, path: Path, data: bytes) -> None:
        with suppress(OSError):
            if path.stat().st_size == len(data) and path.read_bytes() == data:
                return  # one that is damaged is written anew
        try:
            self.folder.mkdir(mode=0o700, exist_ok=True)
            mine = f".{os.getpid()}-{threading.get_ident()}"  # two may bring the same picture
            draft = path.with_suffix(mine + _DRAFT)
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(path)
            _sync(self.folder)
        except OSError as error:
            raise JournalFull(
                f"{self.folder} cannot hold an image ({error.strerror}): make room, then go on with --resume"
            ) from error

    def sweep(self) -> None:
        """Removes what a process that was killed had begun to write: nothing names it, and it may show what is withheld."""
        for draft in self.folder.glob(f"*{_DRAFT}"):
            draft.unlink(missing_ok=True)

    # -- reading -------------------------------------------------------------------------------------------------------

    def look(self, image: Image) -> bytes:
        """The bytes of an image.

        Raises:
            PictureError: Its file is missing or is not what its name says.
        """
        if image.data or not image.sha256:
            return image.read()
        path = self._path(image)
        try:
            about = path.stat()  # a pipe or a device would be read for ever
            data = path.read_bytes() if S_ISREG(about.st_mode) and about.st_size <= 2 * MAX_BYTES else b""
        except OSError:
            if self.is_withheld(image):
                raise PictureWithheld("an image of it was withheld, and is not kept") from None
            raise PictureError(f"{FOLDER}/{path.name} is missing from the run folder") from None
        if sha256(data).hexdigest() != image.sha256:
            raise PictureError(f"{FOLDER}/{path.name} is not what its name says: it was changed or is damaged")
        return data

    def _path(self, image: Image) -> Path:
        ending = ENDINGS.get(image.media_type)
        if ending is None or len(image.sha256) != 64 or not set(image.sha256) <= set("0123456789abcdef"):
            raise PictureError("the journal names an image in a way that is none of tocsin's")
        return self.folder / f"{image.sha256}.{ending}"

    def filled(self, image: Image) -> Image:
        """The same image with its bytes."""
        return replace(image, data=self.look(image))

    # -- from one run to another ---------------------------------------------------------------------------------------

    def adopt(self, other: Images, images: Iterable[Image]) -> None:
        """Takes the files that references name from another run's folder, as links where the disk allows.

        Raises:
            PictureError: One is missing there.
            JournalFull: There is no room.
        """
        for image in images:
            if not image.sha256 or self._path(image).exists() or self.is_withheld(image):
                continue
            if other.is_withheld(image):
                self._mark(image.sha256)
                continue
            data = other.look(image)
            self._take(other._path(image), self._path(image), data)

    def adopt_all(self, other: Images) -> None:
        """Takes every file of another run's folder.

        Raises:
            JournalError: There is no room, or one cannot be read.
        """
        if not other.folder.is_dir():
            return
        for path in other.folder.iterdir():
            if path.is_symlink() or not path.is_file():
                continue
            if path.suffix == _WITHHELD:
                self._mark(path.stem)
            elif path.suffix.lstrip(".") in ENDINGS.values() and not (to := self.folder / path.name).exists():
                try:
                    data = path.read_bytes()
                except OSError as error:
                    raise JournalError(f"{path} cannot be copied ({error.strerror})") from error
                if sha256(data).hexdigest() == path.stem:  # one that is damaged is as good as missing
                    self._take(path, to, data)

    def _take(self, path: Path, to: Path, data: bytes) -> None:
        """Links a file, or writes its bytes anew where the disk has no links."""
        self.folder.mkdir(mode=0o700, exist_ok=True)
        try:
            os.link(path, to)
        except OSError:
            self._write(to, data)

    # -- what is not kept ----------------------------------------------------------------------------------------------

    def forget(self, image: Image) -> None:
        """Removes an image from the disk and keeps it from coming back: its hash remains, in the name of an empty file."""
        path = self._path(image)
        self._mark(image.sha256)
        with suppress(FileNotFoundError):
            path.unlink()
            _sync(self.folder)

    def is_withheld(self, image: Image) -> bool:
        """Whether an image was removed because of what it shows."""
        return bool(image.sha256) and (self.folder / f"{image.sha256}{_WITHHELD}").exists()

    def _mark(self, name: str) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / f"{name}{_WITHHELD}").touch(mode=0o600)
        _sync(self.folder)


def _saying(kept: Image, image: Image) -> Image:
    """A reference to what is kept, with the text that was drawn in it, which is not told by its bytes."""
    return replace(kept, says=image.says) if image.says else kept


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---------------------------------------------------------------------------------------------------------------------
# Where images are found in what is journaled


def pictured(request: Request) -> bool:
    """Whether a request has an image."""
    return any(message.images for message in request.messages)


def messages_mapped(messages: Iterable[Message], change: Callable[[Image], Image]) -> tuple[Message, ...]:
    """The same messages with every image changed."""
    return tuple(
        replace(message, images=tuple(map(change, message.images))) if message.images else message
        for message in messages
    )


def mapped(request: Request, change: Callable[[Image], Image]) -> Request:
    """The same request with every image changed."""
    return replace(request, messages=messages_mapped(request.messages, change))


def case_mapped(case: Case, change: Callable[[Image], Image]) -> Case:
    """The same case with every image changed."""
    if not case.images and not any(message.images for message in case.history):
        return case
    history = messages_mapped(case.history, change)
    return replace(case, images=tuple(map(change, case.images)), history=history)
