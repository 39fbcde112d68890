"""A run that is looked at: its folder, its manifest, its journal."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

from tocsin.journal import JournalError, check_manifest, open_journal, read_manifest
from tocsin.journal.folder import MANIFEST
from tocsin.report import clean


class OpenRun:
    """A run folder that is looked at. Nothing in it is changed, and a process may be writing to it.

    Attributes:
        key: What names it in addresses: the same for the same run, wherever its folder is.
        folder: Where it is.
        name: Its name, as the manifest has it, fit to show.
    """

    def __init__(self, folder: Path, *, key: str = "") -> None:
        self.folder = folder.resolve()
        self._read: tuple[int, dict[str, Any]] | None = None
        manifest = self.manifest
        if manifest.get("kind") is not None:
            raise JournalError(f"{folder} is a run of another kind: the viewer shows runs that assess models")
        check_manifest(folder, manifest)
        self.name = clean.name(manifest["run"])
        self.key = key or digest(f"{manifest['run']}\0{manifest.get('created')}")
        open_journal(self.folder).close()

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest as it stands now: a run that goes on changes it.

        Raises:
            JournalError: It cannot be read.
        """
        stamp = (self.folder / MANIFEST).stat().st_mtime_ns if (self.folder / MANIFEST).exists() else 0
        if self._read is None or self._read[0] != stamp:
            self._read = stamp, read_manifest(self.folder)
        return self._read[1]

    @cached_property
    def targets(self) -> list[str]:
        """Names of its targets, in the order in which cells count them."""
        return [clean.name(target["name"]) for target in self.manifest["targets"]]

    @contextmanager
    def journal(self) -> Iterator[sqlite3.Connection]:
        """A connection that reads its journal, for the thread that asks. A writer is not held up by it.

        Raises:
            JournalError: It is none.
        """
        db = open_journal(self.folder)
        try:
            db.execute("PRAGMA trusted_schema=OFF")
            yield db
        finally:
            db.close()


def digest(text: str) -> str:
    """A short name for addresses, made of a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
