"""What a set of labels is made of: a dataset, who labelled what in it, and a function from a row to a record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable
from itertools import count
from pathlib import Path
from typing import Literal

import msgspec

from tocsin import registry
from tocsin.datasets import Dataset, Row, RowError, locate
from tocsin.judges.labels.records import Labelled, Left, LeftOut, Reading, Reason

Subject = Literal["prompt harm", "response harm", "refusal", "jailbreak success"]
Who = Literal["human", "human+AI"]
Attacked = Literal["no", "some", "unknown"]
Reader = Callable[[Row], Labelled]

WITHHELD = "[withheld]"
"""What stands in a copy in place of a text that its makers took out while the rows had to stay aligned."""


class LabelSet(msgspec.Struct, frozen=True, kw_only=True):
    """A registered set of labels.

    Attributes:
        name: How the command line calls it.
        title: First line of the function's docstring.
        reader: A row to a record. It raises `LeftOut` where the row's label is not to be had.
        dataset: Where the rows come from, with licence and gate.
        labels: What people were asked about.
        who: Who labelled: people, or people whom a model helped.
        held_out: Whether no classifier of tocsin may learn from it, be tuned on it, or have its threshold set by it.
        attacked: Whether the answers came of attacks: of plain requests, of attacked ones among others, or nobody knows.
        notes: What a reader of figures on this set has to know, in a sentence each.
    """

    name: str
    title: str
    reader: Reader
    dataset: Dataset
    labels: Subject
    who: Who = "human"
    held_out: bool = False
    attacked: Attacked = "no"
    notes: tuple[str, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """BCP 47 codes."""
        return self.dataset.languages

    @property
    def may_train(self) -> bool:
        """Whether weights that ship with tocsin may be trained on it: it is not held out, and its terms bar no use."""
        return not self.held_out and self.dataset.gate is None

    def read(self, rows: Iterable[Row | RowError]) -> Reading:
        """Rows to records. What has no label that all can read is left out and counted, never guessed.

        Raises:
            RowError: A file as a whole cannot be read.
        """
        from tocsin.engine import withheld  # it takes time to import, and names and notes are read without it

        kept: dict[str, Labelled] = {}
        places: dict[str, Row] = {}
        without_text: list[Labelled] = []
        left = _Leaving()
        for row in rows:
            try:
                if isinstance(row, RowError):
                    raise row
                record = self.reader(row)
                texts = [text for text in (record.prompt, record.response, record.asked) if text]
                if WITHHELD in (text.strip() for text in texts):
                    without_text.append(_textless(record))
                    raise LeftOut(row, "withheld", "its text was taken out of this copy")
                if withheld(*texts):
                    raise LeftOut(row, "withheld", "its text is stopped by the filter that always runs")
                earlier = kept.get(record.id)
                if earlier is not None:
                    if _what(earlier) != _what(record):
                        raise LeftOut(row, "id taken", "another row of this set has the same id")
                    record = msgspec.structs.replace(record, id=_free(record.id, kept))
            except RowError as error:
                left.out(error)
            else:
                kept[record.id], places[record.id] = record, row
        labelled = _consistent(kept, places, left)
        return Reading(labelled=labelled, left=left.summary(), without_text=tuple(without_text))

    def load(self, data: Path | None = None, *, fetch: bool = True) -> Reading:
        """The set as it stands in the user's folder, in the cache or at the origin; see `tocsin.datasets.locate`.

        Its gate is the caller's to check.

        Raises:
            DatasetError: A file is nowhere to be had.
            RowError: A file as a whole cannot be read.
        """
        files = tuple(locate(self.dataset, data, fetch=fetch))
        reading = self.read(row for found in files for row in found.rows())
        there = {found.file.path for found in files}
        missing = tuple(file.name for file in self.dataset.files if file.path not in there)
        return msgspec.structs.replace(reading, files=files, missing=missing)

    def about(self) -> registry.About:
        """For listings."""
        data = self.dataset
        needs = (f"--accept-licence {self.name} ({data.gate})",) if data.gate else ()
        return registry.About(
            name=self.name, title=self.title, source=str(data.origin), needs=needs, licence=data.licence
        )


def labels(
    name: str,
    *,
    dataset: Dataset,
    labels: Subject,
    who: Who = "human",
    held_out: bool = False,
    attacked: Attacked = "no",
    notes: tuple[str, ...] = (),
) -> Callable[[Reader], LabelSet]:
    """Registers a function from a row to a record as a set of labels; see `LabelSet` for the arguments."""

    def keep(reader: Reader) -> LabelSet:
        made = LabelSet(
            name=name,
            title=(reader.__doc__ or "").strip().partition("\n")[0],
            reader=reader,
            dataset=dataset,
            labels=labels,
            who=who,
            held_out=held_out,
            attacked=attacked,
            notes=notes,
        )
        return registry.register("labels", name, made_of=reader)(made)

    return keep


def find(name: str) -> LabelSet:
    """A set of labels by name.

    Raises:
        UnknownName: There is none of that name; the nearest are suggested.
    """
    found: LabelSet = registry.find("labels", name)
    return found


class _Leaving:
    """Counts what is left out while a set is read."""

    def __init__(self) -> None:
        self.counts: Counter[Reason] = Counter()
        self.first: dict[Reason, str] = {}

    def out(self, error: RowError) -> None:
        reason = error.reason if isinstance(error, LeftOut) else "bad row"
        self.counts[reason] += 1
        self.first.setdefault(reason, str(error))

    def summary(self) -> Left:
        return Left(dict(sorted(self.counts.items())), dict(sorted(self.first.items())))


def _free(identity: str, taken: Container[str]) -> str:
    """The id with the least number behind it that no other record has."""
    return next(name for number in count(2) if (name := f"{identity}-{number}") not in taken)


def _textless(record: Labelled) -> Labelled:
    """The record without any text. Its prompt is not known, so it stands for itself."""
    return msgspec.structs.replace(record, prompt="", response=None, asked="", cluster=record.id)


def _what(record: Labelled) -> tuple[object, ...]:
    """What was labelled: words, and images."""
    return record.prompt, record.response, record.hashes


def _consistent(kept: dict[str, Labelled], places: dict[str, Row], left: _Leaving) -> tuple[Labelled, ...]:
    """The records without those whose text also stands under another label: nobody knows which of the two holds."""
    said: dict[tuple[object, ...], set[bool | None]] = {}
    for record in kept.values():
        said.setdefault(_what(record), set()).add(record.positive)
    labelled = []
    for record in kept.values():
        if len(said[_what(record)]) > 1:
            left.out(LeftOut(places[record.id], "contradiction", "the same text has another label in another row"))
        else:
            labelled.append(record)
    return tuple(labelled)
