"""Labelling a run: its draw, the votes on it, and closing it. What the sheet, the page and the command line share."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tocsin.engine import Ending
from tocsin.evaluations import label_designs, run_labels, votes, voting
from tocsin.evaluations.run_labels import Design, Labels
from tocsin.journal import JournalError, RunLocked, check_manifest, open_journal, read_manifest, write_private
from tocsin.journal.errors import readable
from tocsin.journal.folder import JOURNAL

_LOCK = ".labels.lock"
_WAIT, _STEP = 30.0, 0.02
"""Seconds that are waited for whoever writes labels, and between two looks."""


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else changes the draw or the labels of a run while this context is open.

    Whoever reads `labels.json` to write it anew does both in here: else a draw and a close at the same time lose labels.

    Raises:
        RunLocked: Somebody else has been at it for too long.
        JournalError: The folder cannot be written.
    """
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise JournalError(f"{folder} cannot be written ({error.strerror})") from error
    try:
        until = time.monotonic() + _WAIT
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() > until:
                    raise RunLocked(
                        f"the labels of {folder} are being changed by another process: wait for it"
                    ) from error
                time.sleep(_STEP)
        yield
    finally:
        os.close(lock)


def begin(folder: Path, *, each: int, seed: int = 0, design: Design = "random") -> Labels:
    """Draws answers of a finished run and keeps the draw. What was labelled before is kept where it is drawn again.

    Args:
        folder: The run's folder.
        each: Answers of each target, benchmark and kind of case.
        seed: Same seed, same answers; fewer are always among more.
        design: How; see `label_designs.drawn_of`.

    Raises:
        JournalError: It is no run folder.
        ValueError: The run is not finished, holds nothing to label, or was labelled as another draw or a larger one.
    """
    with alone(folder):
        return _begin(folder, each, seed, design)


def _begin(folder: Path, each: int, seed: int, design: Design) -> Labels:
    manifest = read_manifest(folder)
    check_manifest(folder, manifest)
    sessions = manifest["sessions"]
    if not sessions or sessions[-1].get("ending") != Ending.COMPLETE:
        raise ValueError(f"{folder} is not finished: what is finished first is no fair sample of it. Resume it first")
    before = run_labels.read_labels(folder)
    known = before.failed if before else {}
    voted = bool(before and votes.votes_of(folder, before))
    if before is not None and each < before.each and (known or voted):
        raise ValueError(
            f"{folder}: {before.each} of each were drawn and some were labelled: a draw can grow, and not shrink to {each}"
        )
    if before is not None and (before.seed, before.drawn_as) != (seed, design):
        how = _how(before)
        if known:
            raise ValueError(
                f"{folder} has labels of another draw: go on with {how}, or delete {run_labels.FILE} in it"
            )
        if voted:
            raise ValueError(
                f"{folder} has votes on another draw: go on with {how}, or close that draw first; {votes.FILE} keeps them"
            )
    db = open_journal(folder)
    try:
        with readable(folder / JOURNAL):
            drawn = label_designs.draw(db, each, seed=seed, design=design)
            population = run_labels.population(db)
    finally:
        db.close()
    if not drawn:
        raise ValueError(f"{folder} has no answer in free text that a judge has read")
    kept = {one.cell for one in drawn}
    labels = Labels(
        seed=seed, by_verdict=design != "random", each=each, drawn=drawn, population=population, design=design,
        failed={cell: said for cell, said in known.items() if cell in kept},
        agreement=before.agreement if before and known else None,
    )  # fmt: skip
    write_private(folder / run_labels.FILE, run_labels.text_of(labels))
    return labels


def add(
    folder: Path, failed: Mapping[int, bool], left: Mapping[str, int], sha256: str, agreement: dict[str, Any]
) -> Labels:
    """Adds what people wrote on a sheet to the labels that a run has. None that is there is lost or changed.

    Args:
        folder: The run's folder.
        failed: Cell → whether its answer fails what its case wants, as the sheet has it.
        left: Why rows of the sheet have no part in it → how many.
        sha256: Of the sheet.
        agreement: Of those who filled the sheet, see `agreement_on`. Where less is known by it than by what is kept, that stays.

    Raises:
        JournalError: A file cannot be read or written.
        ValueError: Nothing was drawn, answers have another label already, or the run has other answers than when they were
            drawn.
    """
    with alone(folder):
        drawn = read_draw(folder)
        if others := sorted(cell for cell, said in failed.items() if drawn.failed.get(cell, said) != said):
            named = ", ".join(map(str, others[:_NAMED])) + (
                f" and {len(others) - _NAMED} more" * (len(others) > _NAMED)
            )
            raise ValueError(
                f"{folder}: the sheet says otherwise than the labels that are there, of answer{'s' * (len(others) > 1)} {named}:"
                f" take these rows out of the sheet, or, to begin anew, delete {run_labels.FILE} in the folder and draw with"
                f" {_how(drawn)}. Nothing was changed"
            )
        if _answers(drawn.agreement) > _answers(agreement):
            agreement = drawn.agreement or {}
        return take(
            folder, msgspec.structs.replace(drawn, agreement=agreement), drawn.failed | dict(failed), left, sha256
        )


def _how(labels: Labels) -> str:
    """The options that draw as these were drawn."""
    return f"--seed {labels.seed}{'' if labels.drawn_as == 'random' else f' --design {labels.drawn_as}'}"


_NAMED = 10
"""Answers that an error names."""


def _answers(agreement: Mapping[str, Any] | None) -> int:
    """Answers that several people labelled: what is known of their agreement rests on these."""
    return sum(question["alpha"]["n_units"] for question in (agreement or {}).get("questions", ()))


def take(folder: Path, drawn: Labels, failed: dict[int, bool], left: Mapping[str, int], sha256: str) -> Labels:
    """Keeps labels of a draw in the run's folder: the one way in, for a sheet and for votes. Who calls it is `alone`.

    Raises:
        ValueError: The run has other answers than when they were drawn.
    """
    labels = msgspec.structs.replace(drawn, failed=failed, left_out=dict(left), sha256=sha256)
    write_private(folder / run_labels.FILE, run_labels.text_of(labels))
    db = open_journal(folder)
    try:
        now = run_labels.population(db)
    finally:
        db.close()
    if now != labels.population:
        raise ValueError(
            f"{folder} has {now:,} answers and had {labels.population:,} when labels were drawn: draw anew with tocsin"
            " label --draw; what was labelled is kept"
        )
    return labels


def close(folder: Path) -> Labels:
    """Makes labels of the votes on a run's draw, by the rule of `voting`. The votes stay, with their history.

    From here on the judge's verdicts on these answers may be shown, so no vote on them is taken any more. Answers that were
    left out stay open.

    Raises:
        JournalError: A file cannot be read or written.
        ValueError: Nothing was drawn, or no vote makes a label.
    """
    with alone(folder):
        drawn = read_draw(folder)
        given = votes.votes_of(folder, drawn)
        failed, left = voting.decided(drawn, given)
        if not failed:
            raise ValueError(
                f"{folder}: no answer has a label yet ({', '.join(f'{why} {count}' for why, count in left.items())})"
            )
        told = agreement_on(folder, drawn, given)
        if _answers(drawn.agreement) > _answers(told):
            told = drawn.agreement or {}
        return take(folder, msgspec.structs.replace(drawn, agreement=told), failed, left, votes.sha256_of(given))


def read_draw(folder: Path) -> Labels:
    """The draw of a run.

    Raises:
        ValueError: Nothing was drawn, or the file is damaged.
    """
    drawn = run_labels.read_labels(folder)
    if drawn is None:
        raise ValueError(
            f"no answers of {folder} were drawn for labelling: tocsin label RUN --draw N --sheet FILE comes first, or the"
            " labelling page of tocsin view RUN"
        )
    return drawn


def agreement(folder: Path) -> dict[str, object]:
    """How far a run's draw is labelled, and how far its annotators agree: what ``tocsin label RUN --votes --json`` prints.

    Raises:
        JournalError: A file cannot be read.
        ValueError: Nothing was drawn.
    """
    drawn = read_draw(folder)
    given = votes.votes_of(folder, drawn)
    failed, left = voting.decided(drawn, given)
    return {
        "design": drawn.drawn_as,
        "seed": drawn.seed,
        "drawn": len(drawn.drawn),
        "labelled": len(failed),
        "closed": len(drawn.failed),
        "left_out": left,
        "contested": len(voting.contested(drawn, given)),
        "rows": votes.history(folder, drawn),
        **voting.agreement_of(drawn, given, _clusters(folder, drawn)),
    }


def agreement_on(folder: Path, drawn: Labels, given: list[votes.Vote]) -> dict[str, object]:
    """How far annotators agree, as it is kept with the labels: without their names."""
    return voting.agreement_of(drawn, given, _clusters(folder, drawn), names=False)


def _clusters(folder: Path, drawn: Labels) -> dict[int, str]:
    db = open_journal(folder)
    try:
        with readable(folder / JOURNAL):
            return voting.clusters_of(db, drawn)
    finally:
        db.close()
