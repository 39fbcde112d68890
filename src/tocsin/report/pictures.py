"""The images of the examples: what is said of each, and a small blurred copy where a page shows them.

Nothing of an image is on a redacted page but its measures and its hash. On a page that shows them each is behind two acts of the
reader. Files are hostile: what is not what its hash says, or is no image within the limits, is not shown, and the page says so.
"""

from __future__ import annotations

import contextlib
import sqlite3
from base64 import b64encode
from collections.abc import Iterable, Sequence
from hashlib import sha256
from pathlib import Path

import msgspec

from tocsin.journal import Images
from tocsin.judges.seen import BORDERLINE, DELIVERED
from tocsin.models.pictures import ENDINGS, PictureError, thumbnail
from tocsin.report import words
from tocsin.report.messages import joined, made, message
from tocsin.types import Image, Unscored

SIDE = 320
"""Pixels of the longer side of what a page shows."""
EACH = 6
"""Images of one record that are shown at most."""
MOST_BYTES = 1_200_000
"""Of all images of a page together, as they stand in it."""

_SAID = 3
"""Images of a record whose measures a redacted page says at most."""

TOO_MANY = message("not shown: this page is full")
NOT_KEPT = message("not kept: a judge withheld it")
UNJUDGED = message("not shown: no judge of images has a verdict on it")
UNSEEN = message("not shown: no judge looked at it")
WITHHELD = Unscored.WITHHELD.value


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """An image as the page tells of it."""

    role: str
    """Who showed it to whom."""
    facts: str
    """Its measures and its form."""
    hash: str
    """The first twelve digits of its SHA-256; empty where it has none."""
    uri: str | None
    """The small copy; None where it is not shown."""
    width: int = 0
    height: int = 0
    why: str = ""
    """Why it is not shown, where it was to be."""


class Gallery:
    """The images of one page, within a limit on their bytes.

    Args:
        folder: The run's folder; None where there is none, and then no image is shown.
        withheld: Hashes of images that are shown in no case.
        seeing: Identities of the judges that are given images. What a model made and none of them has judged is not shown.
    """

    def __init__(
        self, folder: Path | None, *, withheld: frozenset[str] = frozenset(), seeing: frozenset[str] = frozenset()
    ) -> None:
        self.seeing = seeing
        self._images = None if folder is None else Images(folder)
        self._withheld = withheld
        self._made: dict[str, tuple[str, int, int] | str] = {}
        self._most = self._bytes = 0
        self.shown = 0
        self.left_out = 0
        """How many were left out because the page is full."""

    def start(self, most: int = MOST_BYTES) -> None:
        """Begins a page anew; copies that were made before are kept.

        Args:
            most: Bytes of all its images together.
        """
        self._most, self._bytes, self.shown, self.left_out = most, 0, 0, 0

    def told(self, images: Iterable[tuple[str, Image]], *, reveal: bool, unseen: str = UNJUDGED) -> list[Shown]:
        """The images of a record.

        Args:
            images: Each with what is said of where it stands.
            reveal: Whether they are shown.
            unseen: Why those that the model made are not shown; empty if a judge of images looked at them.
        """
        found: list[Shown] = []
        for role, image in images:
            digest = named(image)
            about = Shown(role=role, facts=_facts(image), hash=_short(digest), uri=None)
            if not reveal:
                found.append(about)
            elif len(found) >= EACH:
                self.left_out += 1
            else:
                found.append(self._shown(about, image, digest, unseen if role in MADE_BY else ""))
        return found

    def _shown(self, about: Shown, image: Image, digest: str, why: str) -> Shown:
        if digest and digest in self._withheld:
            return msgspec.structs.replace(about, why=NOT_KEPT)
        if why:
            return msgspec.structs.replace(about, why=why)
        if self._bytes >= self._most:
            self.left_out += 1
            return msgspec.structs.replace(about, why=TOO_MANY)
        made = self._made.get(digest)
        if made is None:
            made = self._made[digest] = self._copy(image)
        if isinstance(made, str):
            return msgspec.structs.replace(about, why=made)
        uri, width, height = made
        if self._bytes + len(uri) > self._most:
            self.left_out += 1
            return msgspec.structs.replace(about, why=TOO_MANY)
        self._bytes += len(uri)
        self.shown += 1
        return msgspec.structs.replace(about, uri=uri, width=width, height=height)

    def _copy(self, image: Image) -> tuple[str, int, int] | str:
        """A small copy as a data URI with its measures; or why there is none."""
        if self._images is None:
            return message("not shown: the folder of the run is not at hand")
        try:
            data = self._images.look(image)
        except PictureError as error:
            return message("not kept: {why}", why=made(str(error).replace(image.sha256, image.sha256[:12] + "…")))
        except OSError:
            return message("not shown: its file cannot be read")
        try:
            small = thumbnail(data, side=SIDE)
        except PictureError as error:
            return message("not shown: {why}", why=made(str(error)))
        uri = f"data:image/jpeg;base64,{b64encode(small.data).decode('ascii')}"
        return uri, small.width, small.height


SENT = message("shown to the model")
OF_CASE = message("of the case as it stands")
MADE = message("made by the model")
EARLIER = message("made by the model in an earlier turn")
MADE_BY = (MADE, EARLIER)


def named(image: Image) -> str:
    """What names an image: its hash; empty for one of which nothing is known."""
    return image.sha256 or (sha256(image.data).hexdigest() if image.data else "")


def unseen(reason: str, detail: str) -> str:
    """Why images of a record of a judge of images are not shown; empty if one looked at them and has a verdict.

    Args:
        reason: Of its outcome.
        detail: Of its verdict.
    """
    if DELIVERED in (detail or ""):
        return UNSEEN
    without = (Unscored.UNSURE.value, Unscored.JUDGE_FAILED.value)
    return UNJUDGED if reason in without and not (detail or "").startswith(BORDERLINE) else ""


def read(raw: Sequence[msgspec.Raw]) -> list[Image]:
    """Images as the journal holds them; one that cannot be read is an image of which nothing is known."""
    found = []
    for one in raw:
        try:
            found.append(msgspec.json.decode(one, type=Image))
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
            found.append(Image())
    return found


def withheld(db: sqlite3.Connection) -> frozenset[str]:
    """Hashes of all images that a model made in conversations that a judge withheld: a copy may have come back since."""
    found: set[str] = set()
    for request, answer in db.execute(
        "SELECT k.request, k.answer FROM records r JOIN calls k ON k.id = r.call WHERE r.reason = ? AND k.answer IS NOT NULL",
        (WITHHELD,),
    ):
        said: list[_Message] = []
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            said.append(msgspec.json.decode(answer, type=_Message))
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            asked = msgspec.json.decode(request or b"{}", type=_Request)
            said += [message for message in asked.messages if message.role == "assistant"]
        found |= {named(image) for message in said for image in read(message.images)}
    return frozenset(found)


class _Message(msgspec.Struct):
    role: str = ""
    images: list[msgspec.Raw] = []


class _Request(msgspec.Struct):
    messages: list[_Message] = []


def counted(shown: Sequence[Shown]) -> str:
    """How many images there are, with the measures and the hash of each of the first; empty where there are none."""
    if not shown:
        return ""
    said = [joined((one.facts, one.hash), ", ") for one in shown]
    more = [message("{n} more", n=f"{len(said) - _SAID:,}")] if len(said) > _SAID else []
    return message("{images} ({told})", images=words.count(len(shown), "image"), told=joined(said[:_SAID] + more, "; "))


def _facts(image: Image) -> str:
    form = ENDINGS.get(image.media_type, "")
    size = f"{image.width}×{image.height}" if image.width > 0 and image.height > 0 else ""
    blank = message("one colour throughout") if image.blank else ""
    form = {"png": "PNG", "jpg": "JPEG"}.get(form, "")
    return joined(filter(None, (size, form, blank)), ", ") or message("measures not on record")


def _short(digest: str) -> str:
    return digest[:12] if len(digest) == 64 and set(digest) <= set("0123456789abcdef") else ""
