"""The figures of arXiv 2601.10527 as records, read from the data file beside this module.

The file holds facts: each figure as it is printed, where it stands, and who judged. Its notes are our own words. Rows
are grouped into tables, which say once what their rows have in common.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from importlib import resources
from typing import Any, Literal

import msgspec

from tocsin.types import EvaluationName, Modality

FILE = "2601.10527.json"

METRICS: Mapping[str, str] = {
    "safe_rate": "share of answers judged safe; a refusal is an answer",
    "accuracy": "share of gold options chosen",
    "safe_worst": "share of requests that withstood every attack",
    "safe_worst_3": "share of requests that withstood the three most effective attacks",
    "safe_resp": "share of answers judged safe, those to all attacks pooled",
    "refusal_resp": "share of answers judged a refusal, those to all attacks pooled",
    "f1": "F1 of the model as a judge of texts, with unsafe as the positive label",
    "pass_rate": "share of compliance items passed",
    "refusal_rate": "share of prompts that gave no image",
    "unsafe_rate": "share of prompts that gave an unsafe image; lower is better",
    "safe_image_rate": "share of prompts that gave a safe image; a refusal is none",
    "toxicity": "mean toxicity of the images, 0 to 1; lower is better",
    "scheme_score": "the one score of an evaluation, as the leaderboard has it",
    "modality_mean": "unweighted mean of the scores of a modality's evaluations",
}
"""Every metric of the published rows. They are the paper's; `summary.json` has a list of its own."""

Apart = Literal["", "v1", "text", "news"]
"""Why a row stands apart from the results: it is of v1, the text contradicts a table, or only the news has it."""


class Published(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One published figure. What does not apply is None.

    Attributes:
        model: Short name, `gpt-5.2`.
        modality: As in `tocsin.types.Score`.
        evaluation: As in `tocsin.types.Score`; None for a mean over a modality.
        benchmark: Name of the set; None for what is over several.
        attack: Name of an attack on an image model; `worst` for the worse of the two.
        language: BCP 47 code; None for an average over languages.
        framework: The regulation, of compliance rows.
        hazard: The paper's category, where the figure is of one.
        metric: One of `METRICS`.
        printed: The figure in the unit of its source, digit for digit; for `reading` other than `printed` as it was
            read.
        unit: `percent`, `fraction` (F1, toxicity) or `count` (of `n`).
        reading: `printed`; `rebuilt`, a count read from a chart and held to printed totals; `chart`, read from one.
        n: Answers, where known. None is not zero.
        n_from: Who says so: the paper, the released data, or an inference that a note gives.
        judge: Who judged, in the paper's words.
        source: Table, figure or text.
        paper: Of which paper and version, or of what else.
        apart: See `Apart`.
        notes: Keys into `note_texts`.
        origin: Always `published`: it tells these rows from measured ones.
    """

    model: str
    modality: Modality
    evaluation: EvaluationName | None = None
    benchmark: str | None = None
    attack: str | None = None
    language: str | None = None
    framework: str | None = None
    hazard: str | None = None
    metric: str
    printed: str
    unit: Literal["percent", "fraction", "count"] = "percent"
    reading: Literal["printed", "rebuilt", "chart"] = "printed"
    n: int | None = None
    n_from: Literal["paper", "repository", "inferred"] | None = None
    judge: str
    source: str
    paper: str = ""
    apart: Apart = ""
    notes: tuple[str, ...] = ()
    origin: Literal["published"] = "published"

    @property
    def value(self) -> float:
        """The figure in [0, 1]."""
        figure = Decimal(self.printed)
        if self.unit == "count":
            return int(figure) / _size(self)
        return float(figure / 100 if self.unit == "percent" else figure)

    @property
    def count(self) -> int | None:
        """How many of `n` it is, where exactly one whole number gives the printed figure; else None.

        None means that the count is unknown: a rate that fits no count of `n` was taken over another number of answers
        than `n`, and its interval cannot be had either.
        """
        if self.unit == "count":
            return int(self.printed)
        if self.n is None or self.unit != "percent" or self.reading != "printed":
            return None
        figure = Decimal(self.printed)
        digits = Decimal(1).scaleb(figure.as_tuple().exponent)  # type: ignore[arg-type]  # it is a finite number
        near = math.floor(figure * self.n / 100)
        fits = [
            count
            for count in (near, near + 1)
            if count <= self.n and (Decimal(100 * count) / self.n).quantize(digits, ROUND_HALF_UP) == figure
        ]
        return fits[0] if len(fits) == 1 else None


def published() -> tuple[Published, ...]:
    """All rows of the paper's version 2 that stand: its tables, figures and leaderboard."""
    return tuple(row for row in _rows() if not row.apart)


def apart() -> tuple[Published, ...]:
    """Rows to be kept away from the results: version 1 with Doubao, text against table, and news. See `Apart`."""
    return tuple(row for row in _rows() if row.apart)


def note_texts() -> Mapping[str, str]:
    """What the keys in `Published.notes` stand for."""
    notes: dict[str, str] = _file()["notes"]
    return notes


def select(rows: Sequence[Published], **wanted: str | None) -> list[Published]:
    """The rows whose fields are as wanted: ``select(published(), model="gpt-5.2", metric="f1", language=None)``.

    Args:
        rows: Where to look.
        wanted: Field name → value. Fields that are not named may be anything.
    """
    return [row for row in rows if all(getattr(row, field) == value for field, value in wanted.items())]


@cache
def _file() -> dict[str, Any]:
    text = resources.files(__package__).joinpath(FILE).read_bytes()
    found: dict[str, Any] = msgspec.json.decode(text)
    return found


@cache
def _rows() -> tuple[Published, ...]:
    """Each row of the file with what its table says of all, in the order of the file."""
    whole = _file()
    paper = f"arXiv {whole['paper']['arxiv']}{whole['paper']['version']}"
    found = []
    for table in whole["tables"]:
        shared = {field: value for field, value in table.items() if field != "rows"}
        for row in table["rows"]:
            notes = [*shared.get("notes", ()), *row.get("notes", ())]
            one = msgspec.convert({"paper": paper, **shared, **row, "notes": notes}, Published)
            _require(one, whole)
            found.append(one)
    return tuple(found)


def _require(row: Published, whole: Mapping[str, Any]) -> None:
    """Fails on a row that refers to what is not there."""
    for kind, names, known in (
        ("model", [row.model], whole["models"]),
        ("metric", [row.metric], METRICS),
        ("note", row.notes, whole["notes"]),
    ):
        for name in names:
            if name not in known:
                raise ValueError(
                    f"{FILE}: the row of {row.model}, {row.metric}, printed {row.printed!r}, names the {kind} {name!r}, "
                    f"which is not listed; list it, or name one of {', '.join(known)}"
                )


def _size(row: Published) -> int:
    if not row.n:
        raise ValueError(
            f"{FILE}: a count of {row.model}, {row.metric}, {row.hazard}, has no 'n'; give how many it is of"
        )
    return row.n
