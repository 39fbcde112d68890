"""The designs that the labelling page offers, and what each is expected to buy on a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tocsin.evaluations import label_gain
from tocsin.evaluations.label_designs import group_sizes, judged_answers
from tocsin.evaluations.run_labels import Design
from tocsin.journal.folder import JOURNAL
from tocsin.web.label_forms import journal

DESIGNS: dict[Design, tuple[str, str]] = {
    "random": (
        "Random",
        "Every answer of a model and benchmark has the same chance. The plainest, and good for any question.",
    ),
    "stratified": (
        "Stratified",
        "Some of each language and verdict, however rare. Good where unsafe answers are few, or rates of languages matter.",
    ),
    "uncertain": (
        "Where the judge is unsure",
        "More of what it scored near its threshold or left open, some of everything. Good where its scores tell how sure it is.",
    ),
}
_GAIN_FROM = 12_000
"""Answers that the expected gain is computed from; cells stand in random order, so the first are a fair sample."""


class Gains:
    """What each design and number is expected to buy, computed once for a state of each journal."""

    def __init__(self) -> None:
        self._known: dict[tuple[Path, int, int], tuple[list[dict[str, Any]], bool]] = {}

    def of(self, folder: Path) -> tuple[list[dict[str, Any]], bool]:
        """Half-widths by number and design, and whether a judge of the run gives scores."""
        told = (folder / JOURNAL).stat()
        key = folder, told.st_mtime_ns, told.st_size
        if key not in self._known:
            with journal(folder) as db:
                groups = group_sizes(db)
                answers = list(judged_answers(db, most=_GAIN_FROM))
            raw = label_gain.raw_half_width(answers)
            rows: dict[int, dict[str, Any]] = {}
            for design in DESIGNS:
                for gain in label_gain.expected_gain(answers, design, groups=groups):
                    new: dict[str, Any] = {"each": gain.each, "drawn": gain.drawn, "raw": raw, "widths": {}}
                    rows.setdefault(gain.each, new)["widths"][design] = gain.half_width
            self._known[key] = list(rows.values()), any(one.score is not None for one in answers)
        return self._known[key]
