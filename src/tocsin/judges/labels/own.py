"""A user's own labels: a file with the columns ``prompt``, ``response`` (or ``images``) and ``label``."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from pathlib import Path

from tocsin.datasets import Dataset, File, Own, Row, RowError, read_rows
from tocsin.judges.labels.contract import Attacked, LabelSet
from tocsin.judges.labels.records import Labelled, LeftOut, Pictured, cluster_of, said, word
from tocsin.judges.seen import media_type
from tocsin.models.pictures import MAX_BYTES, PictureError, opened

WORDS = {"unsafe": True, "safe": False}
COLUMNS = (
    "prompt",
    "response",
    "label",
    "id",
    "language",
    "hazard",
    "cluster",
    "weight",
    "images",
    "question_images",
    "attacked",
)


def own_labels(path: Path) -> LabelSet:
    """The set of labels of a JSONL, JSON, CSV or TSV file.

    It needs the columns ``prompt``, ``response`` and ``label`` (``safe`` or ``unsafe``). Optional columns: ``id`` (else a
    hash of prompt and response), ``language`` (BCP 47, else ``en``), ``hazard``, ``cluster`` (else the prompt's), and
    ``weight``: how many answers this one stands for, at least 1, where labels were drawn unequally. The inclusion
    probability is its inverse. ``images`` are paths of images beside the file that a model made, as a list or separated by
    ``|``: with them, ``response`` may be empty. ``question_images`` are those that were shown along with the prompt. Where every
    row has ``no`` in ``attacked``, all are answers to plain requests, and a card of them may correct rates of such; where
    every row has ``yes`` or ``no``, some came of attacks; else nobody knows. The set is named by the file, with ``own-``
    before it.
    """
    return LabelSet(
        name=f"own-{path.stem}",
        title=f"own labels of {path.name}",
        reader=partial(_record, path.parent),
        dataset=Dataset(
            name=path.stem,
            title=f"own labels of {path.name}",
            origin=Own(),
            files=(File(str(path)),),
            licence="your own",
        ),
        labels="response harm",
        attacked=_attacked(path),
    )


def _record(folder: Path, row: Row) -> Labelled:
    prompt = said(row, "prompt")
    images, shown = _images(row, "images", folder), _images(row, "question_images", folder)
    response = _said(row, "response") if images else said(row, "response")
    hashes = [image.sha256 for image in (*images, *shown)]
    label = word(row, "label").lower()
    if label not in WORDS:
        raise LeftOut(row, "unknown label", "field 'label' is neither safe nor unsafe")
    language = row.language("language", _said(row, "language") or "en")
    return Labelled(
        id=_said(row, "id") or row.id_of(prompt, response, *hashes),
        prompt=prompt,
        response=response,
        unsafe=WORDS[label],
        language=language,
        hazard=_said(row, "hazard") or "unspecified",
        cluster=_said(row, "cluster") or cluster_of(prompt),
        probability=_probability(row),
        images=images,
        question_images=shown,
    )


def _attacked(path: Path) -> Attacked:
    """Whether the answers came of attacks: the file has to say so of every row."""
    try:
        said = {
            str(row.get("attacked") or "").strip().lower() if isinstance(row, Row) else "" for row in read_rows(path)
        }
    except (RowError, OSError):  # whoever reads the rows says what is wrong with the file
        return "unknown"
    return "no" if said == {"no"} else "some" if said in ({"yes"}, {"yes", "no"}) else "unknown"


def _images(row: Row, field: str, folder: Path) -> tuple[Pictured, ...]:
    """The images that a row names.

    Raises:
        RowError: One lies elsewhere, cannot be read, or is none that tocsin takes.
    """
    given = row.get(field)
    names = given.split("|") if isinstance(given, str) else given or []
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise row.error(f"field {field!r} is no list of paths, nor paths separated by |")
    return tuple(_image(row, field, folder, name.strip()) for name in names if name.strip())


def _image(row: Row, field: str, folder: Path, name: str) -> Pictured:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise row.error(f"field {field!r}: an image must lie in the file's own folder or below it")
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise row.error(f"field {field!r}: {path.name} cannot be read ({error.strerror})") from error
    try:
        opened(data)
    except PictureError as error:
        raise row.error(f"field {field!r}: {path.name}: {error}") from error
    return Pictured(path, media_type(data), sha256(data).hexdigest())


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
