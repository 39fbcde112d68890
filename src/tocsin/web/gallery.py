"""The images of one record: which there are, which may be shown, and a copy that was decoded and written anew.

The file of a run is never sent as it is. It is found by the hash that the journal names, has to have that hash, is opened
within limits and written anew: what reaches the browser are pixels.
"""

from __future__ import annotations

import re

import msgspec

from tocsin.journal import Images
from tocsin.journal.images import FOLDER as IMAGES
from tocsin.models.pictures import PictureError, thumbnail
from tocsin.report import clean, pictures
from tocsin.types import Image
from tocsin.web.runs import OpenRun
from tocsin.web.stored import Stored, stored

SIDE = 1024
"""Pixels of the longer side of what is shown."""


class Picture(msgspec.Struct, frozen=True):
    """An image of a record.

    Attributes:
        number: Its place among the record's images; what names it in addresses.
        role: Who showed it to whom.
        facts: Its measures, its form and the beginning of its hash.
        why: Why it is not shown; empty if it may be.
    """

    number: int
    role: str
    facts: str
    why: str


class Gallery:
    """The images of one record.

    Args:
        run: Its run.
        stored: What is stored of it.
        withheld: Hashes of images that are shown in no case.
    """

    def __init__(self, run: OpenRun, stored: Stored, withheld: frozenset[str]) -> None:
        self._images = Images(run.folder)
        self._found: dict[object, tuple[Image, str]] = {}
        self._withheld = withheld
        seeing = {one["identity"] for one in run.manifest["judges"].values() if one.get("sees", "text") != "text"}
        latest = stored.attempts[0] if stored.attempts else None
        seen = latest is not None and latest.judge in seeing and latest.outcome != "error"
        self._unseen = (
            pictures.unseen(latest.reason, latest.detail) if latest is not None and seen else pictures.UNJUDGED
        )
        for call in stored.calls:
            for message in call.asked:
                self._add(message.images, pictures.EARLIER if message.role == "assistant" else pictures.SENT)
            if call.answer is not None:
                self._add(call.answer.images, pictures.MADE)
        if stored.case is not None:
            self._add(stored.case.images, pictures.OF_CASE)
            for message in stored.case.history:
                self._add(message.images, pictures.OF_CASE)
        self.every = [self._picture(number, *one) for number, one in enumerate(self._found.values())]

    def of(self, raw: tuple[msgspec.Raw, ...]) -> list[Picture]:
        """The images of a message."""
        order = list(self._found)
        return [self.every[order.index(key)] for image in pictures.read(raw) if (key := _key(image)) in self._found]

    def bytes_of(self, number: int) -> bytes | None:
        """An image as JPEG, written anew; None if there is none or it may not be shown."""
        if not 0 <= number < len(self.every) or self.every[number].why:
            return None
        image, _ = list(self._found.values())[number]
        try:
            return thumbnail(self._images.look(image), side=SIDE).data
        except (PictureError, OSError):
            return None

    def _add(self, raw: tuple[msgspec.Raw, ...], role: str) -> None:
        for image in pictures.read(raw):
            # What the model made stays what it made, wherever it comes back.
            key = _key(image)
            if key not in self._found or role in pictures.MADE_BY:
                self._found[key] = (image, role)

    def _picture(self, number: int, image: Image, role: str) -> Picture:
        measures = f"{image.width}×{image.height}" if image.width > 0 and image.height > 0 else "measures not on record"
        name = pictures.named(image)
        facts = clean.name(", ".join(filter(None, (measures, image.media_type, name[:12]))))
        return Picture(number, role, facts, self._why(image, name, role))

    def _why(self, image: Image, name: str, role: str) -> str:
        if not re.fullmatch("[0-9a-f]{64}", name):
            return "not shown: the journal does not say which it is"
        if name in self._withheld or self._images.is_withheld(image):
            return pictures.NOT_KEPT
        if role in pictures.MADE_BY and self._unseen:
            return self._unseen
        try:
            self._images.look(image)
        except PictureError as error:
            return clean.name(f"not shown: {str(error).replace(image.sha256, image.sha256[:12] + '…')}")
        except OSError:
            return "not shown: its file cannot be read"
        return ""


def withheld_of(run: OpenRun) -> frozenset[str]:
    """Hashes of all images of conversations that a judge ever withheld: a copy may have come back in another.

    The journal is asked and not the index, which may be behind it and knows the latest attempts alone.
    """
    if not (run.folder / IMAGES).is_dir():
        return frozenset()
    found: set[str] = set()
    with run.journal() as db:
        calls: dict[int, list[int]] = {}
        rows = db.execute(
            "SELECT cell, id FROM calls WHERE cell IN (SELECT cell FROM records WHERE reason = ?)", (pictures.WITHHELD,)
        )
        for cell, call in rows:
            calls.setdefault(cell, []).append(call)
        for cell, mine in calls.items():
            after = 0
            while (one := stored(db, cell, mine, after=after)) is not None and one.calls:
                for call in one.calls:
                    made = [m.images for m in call.asked if m.role == "assistant"]
                    made += [call.answer.images] if call.answer is not None else []
                    found |= {pictures.named(image) for raw in made for image in pictures.read(raw)}
                after = one.calls[-1].id
    return frozenset(found - {""})


def _key(image: Image) -> object:
    return pictures.named(image) or (image.media_type, image.width, image.height)
