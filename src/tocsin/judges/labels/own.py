"""A user's own labels: a file with the columns ``prompt``, ``response`` and ``label``."""

from __future__ import annotations

from pathlib import Path

from tocsin.datasets import Dataset, File, Own, Row
from tocsin.judges.labels.contract import LabelSet
from tocsin.judges.labels.records import Labelled, LeftOut, cluster_of, said, word

WORDS = {"unsafe": True, "safe": False}
COLUMNS = ("prompt", "response", "label", "id", "language", "hazard", "cluster", "weight")


def own_labels(path: Path) -> LabelSet:
    """The set of labels of a JSONL, JSON, CSV or TSV file.

    It needs the columns ``prompt``, ``response`` and ``label`` (``safe`` or ``unsafe``). Optional columns: ``id`` (else a
    hash of prompt and response), ``language`` (BCP 47, else ``en``), ``hazard``, ``cluster`` (else the prompt's), and
    ``weight``: how many answers this one stands for, at least 1, where labels were drawn unequally. The inclusion
    probability is its inverse. The set is named by the file, with ``own-`` before it.
    """
    return LabelSet(
        name=f"own-{path.stem}",
        title=f"own labels of {path.name}",
        reader=_record,
        dataset=Dataset(
            name=path.stem,
            title=f"own labels of {path.name}",
            origin=Own(),
            files=(File(str(path)),),
            licence="your own",
        ),
        labels="response harm",
        attacked="unknown",
    )


def _record(row: Row) -> Labelled:
    prompt, response = said(row, "prompt"), said(row, "response")
    label = word(row, "label").lower()
    if label not in WORDS:
        raise LeftOut(row, "unknown label", "field 'label' is neither safe nor unsafe")
    language = row.language("language", _said(row, "language") or "en")
    return Labelled(
        id=_said(row, "id") or row.id_of(prompt, response),
        prompt=prompt,
        response=response,
        unsafe=WORDS[label],
        language=language,
        hazard=_said(row, "hazard") or "unspecified",
        cluster=_said(row, "cluster") or cluster_of(prompt),
        probability=_probability(row),
    )


def _said(row: Row, field: str) -> str:
    """What a row says in a field, as text: a zero is something, an empty field is nothing."""
    value = row.get(field)
    return "" if value is None else str(value).strip()


def _probability(row: Row) -> float:
    """The inverse of the row's weight.

    Raises:
        RowError: The weight is no number from 1 on.
    """
    if not (given := _said(row, "weight")):
        return 1.0
    try:
        weight = float(given)
    except ValueError:
        weight = 0.0
    if not 1 <= weight < float("inf"):
        raise row.error("field 'weight' is no number from 1 on: it says how many answers this one stands for")
    return 1 / weight
