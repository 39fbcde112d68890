"""Leaderboards: boards for each modality and evaluation, of any runs and of what a report has published."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import closing
from typing import Any

from tocsin.journal import open_journal, readable
from tocsin.journal.folder import JOURNAL
from tocsin.results.copies import answered_at, judged_by
from tocsin.results.leaderboard.clusters import Store
from tocsin.results.leaderboard.figures import MISSING_CAP, Figure, Given
from tocsin.results.leaderboard.means import means_of
from tocsin.results.leaderboard.measured import MERGEABLE, boards_of, only_repeating
from tocsin.results.leaderboard.reading import figures_of

__all__ = ["MERGEABLE", "MISSING_CAP", "UNTESTED", "Given", "leaderboard"]

SCHEMA = 1
UNTESTED = "n is not known, or attempts are related and who passed which is not published: no pair can be told apart"
"""Note of a published board without a test."""


def leaderboard(runs: Iterable[Given], *, with_published: bool = False, across: Collection[str] = ()) -> dict[str, Any]:
    """The boards of some runs.

    Runs are taken one at a time, and nothing is kept of one but its main scores and, on disk, five counts a cluster.

    Args:
        runs: The runs, each as it was read.
        with_published: Whether what arXiv 2601.10527 published stands on boards of its own.
        across: Conditions that are looked over, of `MERGEABLE`: figures that differ in them are ranked together, with a warning.

    Returns:
        ``boards`` (one for each modality, evaluation and set of conditions), ``components`` (benchmarks and further metrics),
        ``means`` (of modalities), ``left_out``, ``across``, ``published``.

    Raises:
        ValueError: A condition has another name.
        JournalError: A journal cannot be read.
    """
    if unknown := sorted(set(across) - set(MERGEABLE)):
        raise ValueError(f"{', '.join(unknown)} is no condition to look over; give one of {', '.join(MERGEABLE)}")
    seen: set[tuple[Any, ...]] = set()
    left_out: list[dict[str, str]] = []
    with Store() as store:
        figures: list[Figure] = []
        first = 0
        for given in runs:
            name, created = str(given.manifest["run"]), str(given.manifest.get("created", ""))
            same = {(name, created), *_answers(given)}
            if not same.isdisjoint(seen):
                left_out.append({"run": name, "why": f"{given.folder} is a copy of a run that is there already"})
                continue
            seen |= same
            if "transferred" in given.manifest:
                why = "its requests were chosen since they succeeded on another model, so it ranks nobody"
                left_out.append({"run": name, "why": why})
                continue
            figures += figures_of(given, store, first)
            first += len(given.summary["models"])
        main = boards_of([one for one in figures if one.main], store, across)
        components = [
            board
            for board in boards_of([one for one in figures if _component(one)], store, across)
            if not only_repeating(board, main)
        ]
        means = boards_of(means_of(figures, store), store, across)
    found: dict[str, Any] = {
        "schema": SCHEMA,
        "boards": main,
        "components": components,
        "means": means,
        "left_out": left_out,
        "across": sorted(across),
        "cap": MISSING_CAP,
        "published": None,
    }
    if with_published:
        from tocsin.results.leaderboard.published import add_published

        add_published(found, UNTESTED)
    return found


def _component(figure: Figure) -> bool:
    return figure.place.benchmark is not None or not figure.main


def _answers(given: Given) -> Iterator[tuple[Any, ...]]:
    """What a copy of a run has in common with it under whatever name: its answers and their times, and who judged them."""
    with closing(open_journal(given.folder)) as db, readable(given.folder / JOURNAL):
        if times := answered_at(db):
            yield times, judged_by(given.manifest)
