"""Labelling a run's own answers: a sheet for people, and what they wrote on it."""

from __future__ import annotations

import csv
import io
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from tocsin.api.run import Run, load_run, write_results
from tocsin.datasets import read_rows
from tocsin.datasets.sheet import quoted
from tocsin.evaluations import labelling, run_labels, voting
from tocsin.evaluations.label_export import Exported, exported
from tocsin.evaluations.run_labels import Design, Labels
from tocsin.journal import open_journal, write_private

COLUMNS = ("cell", "benchmark", "language", "question", "prompt", "response", "label")


def draw_labels(
    run: Path | str,
    out: Path | str,
    *,
    each: int,
    seed: int = 0,
    design: Design | None = None,
    by_verdict: bool = False,
) -> Labels:
    """Draws answers of a finished run and writes the sheet on which people label them.

    The sheet holds prompts and answers, **which may be harmful**, and no verdicts. People fill the column ``label``, or,
    where several read the same answers, one column each whose name begins with it. What was labelled before is kept
    where it is drawn again.

    Args:
        run: The run's folder.
        out: The sheet, ``.csv`` or ``.jsonl``.
        each: Answers of each target, benchmark and kind of case at most.
        seed: Same seed, same answers; fewer are always among more.
        design: How: ``random`` if None; see `label_designs.drawn_of`.
        by_verdict: The same as the design ``verdict``.

    Raises:
        JournalError: It is no run folder.
        ValueError: The run is not finished, holds nothing to label, or was labelled with another seed or as a larger draw.
    """
    folder, path = Path(run), Path(out)
    if path.suffix not in (".csv", ".jsonl"):
        raise ValueError(f"{path}: the sheet is a .csv or a .jsonl file")
    if by_verdict and design not in (None, "verdict"):
        raise ValueError(f"--by-verdict is the design verdict, and --design says {design}: name one of the two")
    labels = labelling.begin(folder, each=each, seed=seed, design=design or ("verdict" if by_verdict else "random"))
    wanted = {one.cell: one.wanted for one in labels.drawn}
    db = open_journal(folder)
    try:
        sheet = [
            msgspec.to_builtins(one) | {"label": _word(wanted[one.cell], labels.failed.get(one.cell))}
            for one in run_labels.asked(db, labels.drawn)
        ]
    finally:
        db.close()
    write_private(path, _table(sheet) if path.suffix == ".csv" else _lines(sheet))
    return labels


def add_labels(run: Path | str, sheet: Path | str, *, report: bool = True) -> tuple[Labels, Run]:
    """Takes what people wrote on the sheet of `draw_labels`, and scores the run anew. Labels that the run has are kept.

    Raises:
        JournalError: It is no run folder.
        DatasetError, RowError: The sheet cannot be read.
        ValueError: Nothing was drawn, no row of the sheet can be used, or it says otherwise than a label that is there; the
            message says why, and of which answers.
    """
    folder, path = Path(run), Path(sheet)
    drawn = labelling.read_draw(folder)
    failed, left = run_labels.read_votes(read_rows(path), drawn.drawn)
    if not failed:
        raise ValueError(
            f"{path}: no row can be used ({', '.join(f'{why} {count}' for why, count in left.items()) or 'it is empty'})"
        )
    told = labelling.agreement_on(folder, drawn, voting.sheet_votes(read_rows(path), drawn))
    labels = labelling.add(folder, failed, left, sha256(path.read_bytes()).hexdigest(), told)
    loaded = load_run(folder)
    write_results(folder, loaded.manifest, report=report)
    return labels, load_run(folder)


def label_agreement(run: Path | str) -> dict[str, Any]:
    """How far the draw of a run is labelled on the labelling page, and how far annotators agree.

    Returns:
        ``design``, ``seed``, ``drawn``, ``labelled`` (answers that the votes give a label; votes that are not blind give none),
        ``closed`` (those whose label was taken), ``left_out`` (why the others have none → how many), ``contested``, ``rows``,
        ``annotators`` and ``questions``: see `voting.agreement_of`.

    Raises:
        JournalError: It is no run folder, or a file cannot be read.
        ValueError: Nothing was drawn.
    """
    return labelling.agreement(Path(run))


def close_labels(run: Path | str, *, report: bool = True) -> tuple[Labels, Run]:
    """Makes labels of the votes on a run, and scores it anew; see `labelling.close`.

    Raises:
        JournalError: It is no run folder, or a file cannot be read or written.
        ValueError: Nothing was drawn, or no vote makes a label.
    """
    folder = Path(run)
    loaded = load_run(folder)
    labels = labelling.close(folder)
    write_results(folder, loaded.manifest, report=report)
    return labels, load_run(folder)


def export_labels(run: Path | str, out: Path | str) -> Exported:
    """Writes a run's labels as a file for ``tocsin calibrate JUDGE --on FILE``.

    It holds prompts and answers, **which may be harmful**.

    Raises:
        JournalError: It is no run folder, or a file cannot be read or written.
        ValueError: Nothing was labelled, or the file is no ``.jsonl``.
    """
    path = Path(out)
    if path.suffix != ".jsonl":
        raise ValueError(f"{path}: labels are exported as .jsonl")
    found = exported(Path(run))
    write_private(path, _lines(found.rows))
    return found


def _word(wanted: str, failed: bool | None) -> str:
    """A label as people write it; empty where there is none yet."""
    words = run_labels.WORDS[wanted]
    return next((word for word, means in words.items() if means is failed), "")


def _table(sheet: list[dict[str, Any]]) -> str:
    told = io.StringIO()
    writer = csv.DictWriter(told, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: quoted(value) for name, value in row.items()} for row in sheet)
    return told.getvalue()


def _lines(sheet: list[dict[str, Any]]) -> str:
    return "".join(msgspec.json.encode(row).decode("utf-8") + "\n" for row in sheet)
