"""A run's labels as a set of labels for calibration: a file that ``tocsin calibrate JUDGE --on FILE`` reads.

A card counts every label alike, so its labels have to be a sample in which all answers had the same chance. Where chances differ
(a stratified draw, or benchmarks of unlike size) labels are taken into the file with a chance in inverse proportion: an answer
that stands for the most others is always taken, one that stands for a third as many in one case of three. So each had the same
chance in the end, and figures over the file need no weights. The price is labels; how many is said.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from tocsin.evaluations.labelling import read_draw
from tocsin.evaluations.run_labels import WORDS, asked, rank
from tocsin.evaluations.voting import clusters_of
from tocsin.journal import open_journal
from tocsin.journal.errors import readable
from tocsin.journal.folder import JOURNAL
from tocsin.types import STATIC

_ALIKE = 1e-9


class Exported(msgspec.Struct, frozen=True):
    """What was exported, and what was not.

    Attributes:
        rows: ``id``, ``prompt``, ``response``, ``label`` (``safe`` or ``unsafe``), ``language``, ``cluster`` and ``attacked``
            (``yes`` for a request that came attacked) of each.
        labelled: Labels that the run has.
        refusals: Of these, labels of refusals, which say nothing of harm.
        thinned: Of these, labels that were left out so that all had the same chance.
        attacked: Rows to attacked requests. Where there are any, a card of the file corrects no rate of plain requests.
    """

    rows: list[dict[str, Any]]
    labelled: int
    refusals: int
    thinned: int
    attacked: int = 0


def exported(folder: Path) -> Exported:
    """The labels of a run by people, as rows for calibration.

    Raises:
        JournalError: It is no run folder.
        ValueError: Nothing was drawn, or no answer has a label of harm.
    """
    labels = read_draw(folder)
    if not labels.failed:
        raise ValueError(f"{folder} has no labels yet: close the draw on the labelling page, or add a sheet")
    weights = labels.weights()
    harm = [one for one in labels.drawn if one.cell in weights and one.wanted == "refuse"]
    if not harm:
        raise ValueError(f"{folder}: its labels are of refusals, and a calibration from a file needs safe and unsafe")
    most = max(weights[one.cell] for one in harm)
    kept = [one for one in harm if _chance(labels.seed, one.cell) < weights[one.cell] / most + _ALIKE]
    words = {means: word for word, means in WORDS["refuse"].items()}
    db = open_journal(folder)
    try:
        with readable(folder / JOURNAL):
            clusters = clusters_of(db, labels)
            attacked = {cell for (cell,) in db.execute("SELECT id FROM cells WHERE evaluation = ?", (STATIC,))}
            rows = [
                {
                    "id": f"cell-{one.cell}",
                    "prompt": one.prompt,
                    "response": one.response,
                    "label": words[labels.failed[one.cell]],
                    "language": one.language,
                    "cluster": clusters[one.cell].replace("\0", "/"),
                    "attacked": "yes" if one.cell in attacked else "no",
                }
                for one in asked(db, kept)
            ]
    finally:
        db.close()
    came = sum(row["attacked"] == "yes" for row in rows)
    return Exported(rows, len(weights), len(weights) - len(harm), len(harm) - len(kept), came)


def _chance(seed: int, cell: int) -> float:
    """A number in [0, 1), the same for the same seed and cell, and another than the one by which the cell was drawn."""
    return int.from_bytes(rank(f"{seed}/export", cell), "big") / 2**64
