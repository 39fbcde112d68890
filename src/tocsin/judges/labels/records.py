"""The nouns of labels: one labelled text, why a row became none, and what reading a set gave."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

import msgspec

from tocsin.datasets import Found, Row, RowError

Reason = Literal[
    "bad row", "no text", "no label", "unknown label", "missing vote", "tie", "contradiction", "id taken", "withheld"
]
"""Why a row has no part in any figure."""
REASONS: tuple[Reason, ...] = get_args(Reason)


class Pictured(msgspec.Struct, frozen=True):
    """An image beside a file of labels: where it lies, what it is, and the hash of what it says."""

    path: Path
    media_type: str
    sha256: str

    def read(self) -> bytes:
        """Its bytes.

        Raises:
            ValueError: It is gone, or is not what it was when the labels were read.
        """
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise ValueError(f"image {self.path.name} cannot be read ({error.strerror})") from error
        if sha256(data).hexdigest() != self.sha256:
            raise ValueError(f"image {self.path.name} has changed since its label was read")
        return data


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """A prompt, or a prompt and an answer, and what people say of it.

    Attributes:
        id: Unique in its set, and the same in every copy of it.
        prompt: The request as it was meant. What a judge is shown as the request.
        response: The answer that was labelled; None in sets that label prompts.
        unsafe: Whether it is unsafe, or the jailbreak succeeded; None in sets that label refusals.
        refused: Whether the answer refuses; None in sets that label something else, and for answers that do both.
        asked: What the model was sent, where an attack made it of the prompt.
        votes: What each person said, in the set's order of persons: positive, negative, or (None) something between.
        word: The label in the set's own words, where it has more than two.
        language: BCP 47 code.
        hazard: The set's own category.
        cluster: What stands or falls together shares it.
        probability: With which probability it came into the sample, in (0, 1].
        others: What other judges said of it, by name: whether it is positive.
        images: What a model made, where images were labelled; the response may be empty then.
        question_images: What was shown along with the prompt.
    """

    id: str
    prompt: str
    response: str | None = None
    unsafe: bool | None = None
    refused: bool | None = None
    asked: str = ""
    votes: tuple[bool | None, ...] = ()
    word: str = ""
    language: str = "en"
    hazard: str = "unspecified"
    cluster: str = ""
    probability: float = 1.0
    others: Mapping[str, bool] = {}
    images: tuple[Pictured, ...] = ()
    question_images: tuple[Pictured, ...] = ()

    @property
    def hashes(self) -> tuple[str, ...]:
        """Of all its images: the same words beside other images are another record."""
        return tuple(image.sha256 for image in (*self.images, *self.question_images))

    @property
    def positive(self) -> bool | None:
        """The label as one bit: unsafe, jailbroken or refused. None if people found it to be neither."""
        return self.refused if self.unsafe is None else self.unsafe


class LeftOut(RowError):
    """A row whose label is not to be had. The message names file, line and what is missing, and quotes nothing."""

    def __init__(self, row: Row, reason: Reason, problem: str) -> None:
        super().__init__(row.file, row.line, problem)
        self.reason = reason


class Left(msgspec.Struct, frozen=True):
    """The rows that were left out.

    Attributes:
        counts: Reason → how many rows; reasons that did not occur are absent.
        first: Reason → what was said of the first such row, with its file and line.
    """

    counts: Mapping[Reason, int] = {}
    first: Mapping[Reason, str] = {}

    @property
    def total(self) -> int:
        """All rows that were left out."""
        return sum(self.counts.values())

    def __str__(self) -> str:
        return "; ".join(f"{reason}: {count}" for reason, count in self.counts.items()) or "none"


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What reading a set of labels gave.

    Attributes:
        labelled: The records, in the order of the rows.
        left: The rows that were left out, by reason. Those of `without_text` are among them, as ``withheld``.
        without_text: Records whose label is there and whose text was withheld by whoever made the copy. No judge can be
            asked about them; people's votes and the stored verdicts of other judges can still be compared.
        files: What it was read from.
        missing: Names of files of the set that the folder does not hold.
    """

    labelled: tuple[Labelled, ...]
    left: Left = Left()
    without_text: tuple[Labelled, ...] = ()
    files: tuple[Found, ...] = ()
    missing: tuple[str, ...] = ()

    def balance(self) -> tuple[int, int, int]:
        """How many records are positive, negative, and neither."""
        counts = Counter(record.positive for record in self.labelled)
        return counts[True], counts[False], counts[None]


_OUTSIDE = re.compile(r"[\W_]+")


def cluster_of(text: str) -> str:
    """The cluster of a prompt: the same for prompts that differ in case, width, marks, blanks or punctuation alone."""
    plain = _OUTSIDE.sub(" ", unicodedata.normalize("NFKC", text).casefold()).strip()
    return sha256((plain or text).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def said(row: Row, field: str) -> str:
    """The text of a field.

    Raises:
        LeftOut: It is empty.
        RowError: The row has no such field, or it is not text.
    """
    value = row[field]
    if value is None or (isinstance(value, str) and not value.strip()):
        raise LeftOut(row, "no text", f"field {field!r} is empty")
    return row.text(field)


def word(row: Row, field: str, *, reason: Reason = "no label") -> str:
    """What a label's field says, as text without blanks around it.

    Args:
        row: The row.
        field: The field.
        reason: Why the row is left out if it says nothing.

    Raises:
        LeftOut: It is absent or empty.
        RowError: No row of this shape could hold it: the file has other columns.
    """
    value = row[field]
    found = "" if value is None else str(value).strip()
    if not found:
        raise LeftOut(row, reason, f"field {field!r} is empty")
    return found


def bit(row: Row, field: str, words: Mapping[str, bool], *, reason: Reason = "no label") -> bool:
    """What a label's field means.

    Args:
        row: The row.
        field: The field.
        words: Word → whether it is positive.
        reason: Why the row is left out if the field says nothing.

    Raises:
        LeftOut: It says nothing, or a word that is not known.
        RowError: The row has no such field.
    """
    found = word(row, field, reason=reason)
    if found not in words:
        raise LeftOut(row, "unknown label", f"field {field!r} is none of {', '.join(words)}")
    return words[found]


ONE_ZERO: Mapping[str, bool] = {"1": True, "0": False}
"""The words of sets that write labels as digits."""
