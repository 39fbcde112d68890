"""Where a dataset comes from, pinned: what it is, under which licence, and the sha256 of every file."""

from __future__ import annotations

from typing import Literal

import msgspec

Gate = Literal["non-commercial", "research-only", "gated"]
"""Why a dataset needs ``--accept-licence``: its terms exclude uses that tocsin cannot see, or its host asks for consent."""


class GitHub(msgspec.Struct, frozen=True, tag="github"):
    """A repository at a commit (40 hexadecimal digits)."""

    repo: str
    revision: str

    def __str__(self) -> str:
        return f"GitHub {self.repo} @ {self.revision[:12]}"


class Hub(msgspec.Struct, frozen=True, tag="hub"):
    """A dataset repository of the Hugging Face hub, at a revision: a commit, or ``main`` where nobody could look one up yet."""

    repo: str
    revision: str

    def __str__(self) -> str:
        return f"Hugging Face {self.repo} @ {self.revision[:12]}"


class Packaged(msgspec.Struct, frozen=True, tag="package"):
    """Files that ship with a Python package."""

    package: str
    revision: str = "1"

    def __str__(self) -> str:
        return f"ships with {self.package.partition('.')[0]}"


class Own(msgspec.Struct, frozen=True, tag="own"):
    """A file of the user's own."""

    revision: str = "own"

    def __str__(self) -> str:
        return "your own file"


class Unpublished(msgspec.Struct, frozen=True, tag="unpublished"):
    """Data that its authors have not published: whoever has a copy puts it into a ``--data`` folder.

    Attributes:
        how: How people make it for themselves, in words and commands, where it is for them to make.
    """

    revision: str = "unpublished"
    how: str = ""

    def __str__(self) -> str:
        return "yours to make" if self.how else "unpublished: a copy of your own"


Origin = GitHub | Hub | Packaged | Own | Unpublished


class Pictures(msgspec.Struct, frozen=True, kw_only=True):
    """Where the images lie that the rows of a file name.

    Attributes:
        at: Folder of the origin that the names begin in, where each image is a file of its own there.
        archive: The ZIP or uncompressed tar file of the origin that holds them instead.
        within: Folder within the archive that the names begin in.
        beside: Folder of the dataset's own folder in ``--data`` that the names begin in; that folder itself if empty. An
            archive lies in the dataset's folder under its own name.
        unpublished: Why nobody but the user has them, where that is so: nothing is fetched then.
    """

    at: str = ""
    archive: str = ""
    within: str = ""
    beside: str = ""
    unpublished: str = ""


class File(msgspec.Struct, frozen=True):
    """One file of a dataset.

    Attributes:
        path: Its path at the origin; the last part is its name in a ``--data`` folder.
        sha256: Of its bytes at the pinned revision; None where nobody could compute it yet, and then it is recorded only.
        also: Other names that it may have in a ``--data`` folder, where copies in another format go round.
        header: The names of its columns, where it is a table that does not begin with them.
        fields: What each of its rows says beyond its columns, such as the language, where a file's place says it.
        nested: Whether its folder is part of its name in a ``--data`` folder, too: files of one name stand in several there.
        pictures: Where the images are that its rows name.
        keyed: Where it is a JSON object of rows, or of lists of rows: the field that gets the name each row stands under.
        whole: Whether it is one row, whose field `path` says where it is, for cases that follow from all of it.
    """

    path: str
    sha256: str | None = None
    also: tuple[str, ...] = ()
    header: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()
    nested: bool = False
    pictures: Pictures | None = None
    keyed: str = ""
    whole: bool = False

    @property
    def name(self) -> str:
        """Its name in a ``--data`` folder: the last part of the path, or all of it."""
        return self.path if self.nested else self.path.rpartition("/")[2]


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """Where rows come from.

    Attributes:
        name: Its folder's name in a ``--data`` folder and in the cache.
        title: For people.
        origin: Repository and pinned revision.
        files: The files, in the order their rows are read.
        licence: SPDX identifier, or the terms in a few words.
        gate: Why its licence must be accepted, if it must.
        languages: BCP 47 codes.
        notes: Known gaps, in a sentence each.
    """

    name: str
    title: str
    origin: Origin
    files: tuple[File, ...]
    licence: str
    gate: Gate | None = None
    languages: tuple[str, ...] = ("en",)
    notes: tuple[str, ...] = ()
