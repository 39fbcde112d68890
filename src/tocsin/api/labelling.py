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
from tocsin.evaluations import run_labels
from tocsin.evaluations.run_labels import Labels
from tocsin.journal import open_journal, write_private

COLUMNS = ("cell", "benchmark", "language", "question", "prompt", "response", "label")


def draw_labels(run: Path | str, out: Path | str, *, each: int, seed: int = 0, by_verdict: bool = False) -> Labels:
    """Draws answers of a finished run and writes the sheet on which people label them.

    The sheet holds prompts and answers, **which may be harmful**, and no verdicts. People fill the column ``label``, or,
    where several read the same answers, one column each whose name begins with it. What was labelled before is kept
    where it is drawn again.

    Args:
        run: The run's folder.
        out: The sheet, ``.csv`` or ``.jsonl``.
        each: Answers of each target, benchmark and kind of case at most.
        seed: Same seed, same answers; fewer are always among more.
        by_verdict: Draw the same number of each verdict.

    Raises:
        JournalError: It is no run folder.
        ValueError: The run is not finished, holds nothing to label, or was labelled with another seed.
    """
    folder, path = Path(run), Path(out)
    if path.suffix not in (".csv", ".jsonl"):
        raise ValueError(f"{path}: the sheet is a .csv or a .jsonl file")
    if not load_run(folder).complete:
        raise ValueError(f"{folder} is not finished: what is finished first is no fair sample of it. Resume it first")
    before = run_labels.read_labels(folder)
    if before is not None and before.failed and (before.seed, before.by_verdict) != (seed, by_verdict):
        how = f"--seed {before.seed}{' --by-verdict' if before.by_verdict else ''}"
        raise ValueError(f"{folder} has labels of another draw: go on with {how}, or delete {run_labels.FILE} in it")
    db = open_journal(folder)
    try:
        drawn = run_labels.draw(db, each, seed=seed, by_verdict=by_verdict)
        population = run_labels.population(db)
        if not drawn:
            raise ValueError(f"{folder} has no answer in free text that a judge has read")
        known = before.failed if before else {}
        wanted = {one.cell: one.wanted for one in drawn}
        sheet = [
            msgspec.to_builtins(one) | {"label": _word(wanted[one.cell], known.get(one.cell))}
            for one in run_labels.asked(db, drawn)
        ]
    finally:
        db.close()
    kept = {one.cell for one in drawn}
    labels = Labels(
        seed=seed, by_verdict=by_verdict, each=each, drawn=drawn, population=population,
        failed={cell: said for cell, said in known.items() if cell in kept},
    )  # fmt: skip
    write_private(folder / run_labels.FILE, run_labels.text_of(labels))
    write_private(path, _table(sheet) if path.suffix == ".csv" else _lines(sheet))
    return labels


def add_labels(run: Path | str, sheet: Path | str, *, report: bool = True) -> tuple[Labels, Run]:
    """Takes what people wrote on the sheet of `draw_labels`, and scores the run anew.

    Raises:
        JournalError: It is no run folder.
        DatasetError, RowError: The sheet cannot be read.
        ValueError: Nothing was drawn, or no row of the sheet can be used; the message says why.
    """
    folder, path = Path(run), Path(sheet)
    drawn = run_labels.read_labels(folder)
    if drawn is None:
        raise ValueError(
            f"no answers of {folder} were drawn for labelling: tocsin label RUN --draw N --sheet FILE comes first"
        )
    failed, left = run_labels.read_votes(read_rows(path), drawn.drawn)
    if not failed:
        raise ValueError(
            f"{path}: no row can be used ({', '.join(f'{why} {count}' for why, count in left.items()) or 'it is empty'})"
        )
    labels = msgspec.structs.replace(drawn, failed=failed, left_out=left, sha256=sha256(path.read_bytes()).hexdigest())
    write_private(folder / run_labels.FILE, run_labels.text_of(labels))
    loaded = load_run(folder)
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
    write_results(folder, loaded.manifest, report=report)
    return labels, load_run(folder)


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
