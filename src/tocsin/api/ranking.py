"""Leaderboards of runs, as a function."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

from tocsin.api.run import Run, load_run
from tocsin.journal import JournalError, read_manifest
from tocsin.journal.folder import MANIFEST
from tocsin.results.leaderboard import Given
from tocsin.results.leaderboard import leaderboard as boards


def leaderboard(
    runs: Sequence[Path | str | Run] = (), *, with_published: bool = False, across: Collection[str] = ()
) -> dict[str, Any]:
    """Boards for each modality and evaluation, of any set of runs: ranks are ranges, and what cannot be told apart is tied.

    Every run is read anew from its journal, one at a time.

    Args:
        runs: Run folders, folders of run folders, or runs. One that is given twice counts once.
        with_published: Whether what arXiv 2601.10527 published stands beside them, on boards of its own.
        across: Conditions in which figures on one board may differ, such as ``judge``: some of
            `tocsin.results.leaderboard.MERGEABLE`.

    Returns:
        As ``tocsin leaderboard --json`` prints it: docs/reference/leaderboard.md.

    Raises:
        ValueError: There is neither a run nor anything published, or a condition has another name.
        JournalError: A folder is no run, or cannot be read.
    """
    folders, left_out = _found(runs)
    if not folders and not with_published:
        raise ValueError("a leaderboard needs runs: name run folders, or a folder that holds some; or --with-published")
    found = boards(_read(folders), with_published=with_published, across=across)
    found["left_out"] = left_out + found["left_out"]
    return found


def _found(runs: Sequence[Path | str | Run]) -> tuple[list[Path], list[dict[str, str]]]:
    """The run folders, each once, and those in a folder of runs that are no assessments."""
    folders: dict[Path, Path] = {}
    left_out = []
    for one in runs:
        path = one.folder if isinstance(one, Run) else Path(one)
        if (path / MANIFEST).exists() or not path.is_dir():
            folders.setdefault(path.resolve(), path)
            continue
        inside = sorted(inner for inner in path.iterdir() if (inner / MANIFEST).exists())
        if not inside:
            raise JournalError(f"{path} is no run folder, and holds none: it has no {MANIFEST}")
        for inner in inside:
            if kind := read_manifest(inner).get("kind"):
                left_out.append({"run": inner.name, "why": f"it is a {kind}, and no assessment"})
            else:
                folders.setdefault(inner.resolve(), inner)
    return list(folders.values()), left_out


def _read(folders: Sequence[Path]) -> Iterator[Given]:
    for folder in folders:
        run = load_run(folder)
        yield Given(run.folder, run.manifest, run.summary)
