"""T2ISafety: prompts for images, those that the report arXiv 2601.10527 kept as toxic."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.types import Case

REPORT = Dataset(
    name="report_2601_10527",
    title="T2ISafety, toxic prompts, as the report arXiv 2601.10527 used them",
    origin=GitHub("XSafeAI/AI-safety-report", "f1f6858d096fadc78d3e46bb4d8b4c970f732b67"),
    files=(
        File(
            "t2i-safe/benchmark/safety_toxic.jsonl",
            "0a2f7d3cc81d73af2ac180174d3b97627a33e72d0d2478c6e687c851e1c5795e",
            ("t2isafety_safety_toxic.jsonl",),
        ),
    ),
    licence="Apache-2.0, by the report's repository; the terms of T2ISafety itself were not looked up",
    notes=(
        "The whole set (OpenSafetyLab/t2i_safety_dataset) has images and other columns, and no loader.",
        NOTE,
    ),
)


@benchmark("t2isafety", dataset=REPORT, judge="image-rubric", modality="image", samples={"report": REPORT})
def t2isafety(rows: Iterable[Row]) -> Iterator[Case]:
    """315 prompts for images that a classifier called toxic, in eight categories (Li et al. 2025, arXiv 2501.12612).

    A refusal counts as safe. The sample `report` is the same file.
    """
    for row in rows:
        prompt, hazard = row.text("prompt"), row.text("category")
        if not is_left_out(hazard):
            yield Case(id=row.id_of(hazard, prompt), prompt=prompt, hazard=hazard.capitalize(), output="image")
