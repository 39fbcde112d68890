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
    folders, left_out, inside = _found(runs)
    if not folders and not with_published:
        raise ValueError("a leaderboard needs runs: name run folders, or a folder that holds some; or --with-published")
    found = boards(_read(folders, inside, left_out), with_published=with_published, across=across)
    found["left_out"] = left_out + found["left_out"]
    return found


def _found(runs: Sequence[Path | str | Run]) -> tuple[list[Path], list[dict[str, str]], set[Path]]:
    """The run folders, each once; what in a folder of runs is no assessment; and which folders were not named themselves."""
    folders: dict[Path, Path] = {}
    left_out = []
    inner_ones: set[Path] = set()
    for one in runs:
        path = one.folder if isinstance(one, Run) else Path(one)
        if (path / MANIFEST).exists() or not path.is_dir():
            folders.setdefault(path.resolve(), path)
            continue
        inner_runs = sorted(inner for inner in path.iterdir() if (inner / MANIFEST).exists())
        if not inner_runs:
            raise JournalError(f"{path} is no run folder, and holds none: it has no {MANIFEST}")
        for inner in inner_runs:
            try:
                kind = read_manifest(inner).get("kind")
            except JournalError as error:
                left_out.append({"run": inner.name, "why": str(error)})
                continue
            if kind:
                left_out.append({"run": inner.name, "why": f"it is a {kind}, and no assessment"})
            else:
                folders.setdefault(inner.resolve(), inner)
                inner_ones.add(inner)
    return list(folders.values()), left_out, inner_ones


def _read(folders: Sequence[Path], inside: Collection[Path], left_out: list[dict[str, str]]) -> Iterator[Given]:
    """The runs, one at a time. One that cannot be read is left out if it only lay in a folder that was named."""
    for folder in folders:
        try:
            run = load_run(folder)
        except JournalError as error:
            if folder not in inside:
                raise
            left_out.append({"run": folder.name, "why": str(error)})
            continue
        yield Given(run.folder, run.manifest, run.summary)
