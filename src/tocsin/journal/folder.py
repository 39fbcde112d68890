"""The run folder: its files, its lock, its manifest."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tocsin.journal.damage import lacking
from tocsin.journal.errors import JournalError, JournalFull, RunLocked

MANIFEST = "run.json"
JOURNAL = "journal.sqlite"
SUMMARY = "summary.json"
COMPARISON = "comparison.json"
"""Only in the folder of a rejudged run."""
REPORT = "report.html"
PDF = "report.pdf"
MARKDOWN = "report.md"
MOUNTS = Path("/proc/self/mounts")
_LOCK = ".lock"
_ALWAYS = ("run", "status", "suite", "targets", "judges", "benchmarks", "attacks", "sessions")
_REMOTE = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "sshfs", "afs", "ceph", "glusterfs", "9p", "lustre", "beegfs"}
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class RunFolder:
    """A run's folder, locked for as long as this object is open. Files are 0600, the folder 0700.

    Raises:
        RunLocked: Another process holds it.
        JournalError: It cannot be made or written, or lies on a network file system, where SQLite's locks do not hold.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        self.path = path
        try:
            if not create and not (path / MANIFEST).is_file():
                raise JournalError(f"{path} is not a run folder: it has no {MANIFEST}")
            if (system := file_system(path, MOUNTS)).removeprefix("fuse.") in _REMOTE:
                raise JournalError(f"{path} lies on {system}: a run needs a local disk, where its journal is safe")
            if create:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.mkdir(mode=0o700)
            self._lock = os.open(path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileExistsError as error:
            raise JournalError(f"{path} exists already: name another --out, or go on with --resume {path}") from error
        except OSError as error:
            raise JournalError(f"{path} cannot be written ({error.strerror}): name another --out") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise RunLocked(f"{path} is in use by another process: wait for it, or stop it") from error

    def close(self) -> None:
        """Gives the lock back."""
        os.close(self._lock)

    def discard(self) -> None:
        """Removes a run folder that never came to hold a plan."""
        self.close()
        for entry in self.path.iterdir():
            entry.unlink()
        self.path.rmdir()

    def write_manifest(self, manifest: dict[str, Any]) -> None:
        """Replaces the manifest in one step."""
        write_private(self.path / MANIFEST, json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")


@contextmanager
def held_still(path: Path) -> Iterator[None]:
    """Nobody writes to a run folder while this context is open, as far as its lock can be seen. Nothing in it is changed.

    Raises:
        RunLocked: A process works on it.
    """
    try:
        lock = os.open(path / _LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # a copy without its lock, or one that only its owner may open: nobody works on it from here
        yield
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        raise RunLocked(f"{path} is in use by another process: wait for it, or stop it") from error
    finally:
        os.close(lock)


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a run folder.

    Raises:
        JournalError: There is none, or it is damaged.
    """
    try:
        manifest = json.loads((path / MANIFEST).read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise JournalError(f"{path} is not a run folder: it has no {MANIFEST}") from error
    except (OSError, ValueError) as error:
        raise JournalError(f"{path / MANIFEST} cannot be read ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("schema") != 1:
        raise JournalError(f"{path / MANIFEST} is not a manifest this version of tocsin can read")
    return manifest


CALIBRATION = "calibration"
"""The kind of a run that measures a judge. Runs that assess models say no kind."""
GENERATION = "generation"
"""The kind of a run that writes items from a regulation."""
TRANSLATION = "translation"
"""The kind of a run that translates a benchmark."""
PICTURES = "pictures"
"""The kind of a run that has pictures made of the descriptions that a benchmark comes with."""
_KINDS: dict[str | None, tuple[str, str]] = {
    None: ("assesses models", "assess"),
    CALIBRATION: ("measures a judge", "calibrate"),
    GENERATION: ("writes items from a regulation", "compliance generate"),
    TRANSLATION: ("translates a benchmark", "translate"),
    PICTURES: ("has pictures made for a benchmark", "compliance draw"),
}
"""Kind → what such a run does, and the command that goes on with it."""


def check_manifest(path: Path, manifest: dict[str, Any], *, kind: str | None = None) -> None:
    """Whether a manifest has what a run cannot be read without, and is of the kind that is asked for.

    Raises:
        JournalError: Something is missing, or it is a run of another kind; the message names it.
    """
    if manifest.get("kind") != kind:
        does, command = _KINDS.get(manifest.get("kind"), ("is of a kind that this version does not know", "…"))
        raise JournalError(f"{path} {does}: it goes on with tocsin {command} --resume {path}")
    missing = [name for name in _ALWAYS if name not in manifest] or ([] if kind else lacking(manifest))
    if missing:
        raise JournalError(f"{path / MANIFEST} is damaged: it lacks {', '.join(missing)}")


def write_private(path: Path, content: str | bytes) -> None:
    """Writes a file whole or not at all, readable by its owner only.

    Raises:
        JournalFull: There is no room.
        JournalError: There is no right to write.
    """
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise JournalFull(
                f"{path} cannot be written ({error.strerror}): make room, then go on with --resume"
            ) from error
        raise JournalError(f"{path} cannot be written ({error.strerror})") from error


def file_system(path: Path, mounts: Path) -> str:
    """Type of the file system a path is on, or will be, where Linux says it; empty elsewhere.

    Args:
        path: Any path.
        mounts: The system's list of what is mounted.
    """
    try:
        lines = mounts.read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    best, found, real = -1, "", str(path.resolve()) + "/"
    for line in lines:
        parts = line.split()
        point = parts[1].replace("\\040", " ").rstrip("/") + "/"
        if real.startswith(point) and len(point) >= best:
            best, found = len(point), parts[2]
    return found
