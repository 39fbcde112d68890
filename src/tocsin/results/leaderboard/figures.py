"""The figures of a run that stand on boards: what each is over, under which conditions, and why it may not be ranked."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tocsin.evaluations import under_attack
from tocsin.evaluations.adversarial import POOLED
from tocsin.evaluations.counts import Group
from tocsin.evaluations.judgement import JUDGEMENT
from tocsin.evaluations.met import Met
from tocsin.evaluations.multilingual import EVALUATION as MULTILINGUAL
from tocsin.evaluations.multilingual import GENERATION
from tocsin.evaluations.scoring import LOWER_IS_BETTER, NOTHING_DONE, of_model
from tocsin.evaluations.tally import Reader
from tocsin.journal import open_journal, readable
from tocsin.journal.folder import JOURNAL
from tocsin.results.axes import axes
from tocsin.results.conditions import Condition, conditions, suite_of
from tocsin.results.leaderboard import clusters
from tocsin.results.leaderboard.clusters import Store

MISSING_CAP = 0.1
"""Share of planned attempts that may lack a verdict; a figure with more is set apart and not ranked.

The measured rest may be another kind of case than all. A tenth moves a rate by at most ten points; `worst` and `best` say by how
much, and ranks are over both.
"""

MEANS = frozenset({"macro_mean", GENERATION})
"""Means over the safe rates of benchmarks."""
RATES = frozenset({"safe_rate", "accuracy", "over_refusal_rate", "compliance_rate"})
CASES = "safe_worst"
COMPONENTS = RATES | {CASES, "safe_worst_3", "safe_image_rate"}
"""Metrics that have a board for each benchmark, or beside an evaluation's main one."""


class Place(NamedTuple):
    """What a board is of."""

    modality: str
    evaluation: str | None
    benchmark: str | None
    framework: str | None
    metric: str


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One target of one run."""

    number: int
    run: str
    created: str
    model: str


class Part(NamedTuple):
    """A share of a figure: units in the store, and their weight."""

    key: str
    weight: float


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One score of one entry, as a board needs it.

    Attributes:
        entry: Whose it is.
        place: The board's.
        main: Whether it stands for its evaluation.
        score: The score, as in the summary.
        falls: Whether lower is better.
        over: What it is over: benchmarks, or evaluations. Figures over other things are never on one board.
        conditions: What it was measured under.
        parts: Its units, with weights that add up to 1; empty where it has an interval alone.
        why: Why it is not ranked; empty where it may be.
    """

    entry: Entry
    place: Place
    main: bool
    score: Mapping[str, Any]
    falls: bool
    over: tuple[str, ...]
    conditions: tuple[Condition, ...]
    parts: tuple[Part, ...] = ()
    why: str = ""

    @property
    def missing(self) -> float:
        """The share of planned attempts without a verdict."""
        planned = self.score["planned"]
        return (self.score["unscored"] + self.score["error"]) / planned if planned else 1.0


class Given(NamedTuple):
    """A run as it was read."""

    folder: Path
    manifest: Mapping[str, Any]
    summary: Mapping[str, Any]


def falls(evaluation: str | None, metric: str) -> bool:
    """Whether lower is better: a mean falls with what it is over."""
    return metric in LOWER_IS_BETTER or (metric == "macro_mean" and evaluation == "over-refusal")


def figures_of(given: Given, store: Store, first: int) -> list[Figure]:
    """Every figure of every target of a run. The store gets their units.

    Args:
        given: The run.
        store: Where units are kept.
        first: Number of the first entry.
    """
    manifest = dict(given.manifest)
    found: list[Figure] = []
    db = open_journal(given.folder)
    try:
        with readable(given.folder / JOURNAL):
            reader = Reader(db, together=bool(manifest["suite"].get("stopping")))
            texts = clusters.texts_of(
                db.execute(
                    "SELECT benchmark, case_id, body FROM cases s WHERE EXISTS"
                    " (SELECT 1 FROM cells c WHERE c.case_ref = s.id AND c.evaluation = 'adversarial')"
                )
            )
            for target, model in enumerate(given.summary["models"]):
                entry = Entry(
                    number=first + target,
                    run=str(manifest["run"]),
                    created=str(manifest.get("created", "")),
                    model=str(model["model"]),
                )
                told = _Target(reader, of_model(manifest, entry.model), target, entry, model, store, texts)
                found += told.figures()
    finally:
        db.close()
    return found


class _Target:
    """Makes the figures of one target."""

    def __init__(
        self,
        reader: Reader,
        manifest: dict[str, Any],
        target: int,
        entry: Entry,
        model: Mapping[str, Any],
        store: Store,
        texts: Mapping[tuple[str, str], bytes],
    ) -> None:
        self._reader, self._manifest, self._target, self._entry = reader, manifest, target, entry
        self._scores: Sequence[Mapping[str, Any]] = model["scores"]
        self._unfinished = int(model["unfinished"])
        self._store, self._texts = store, texts
        self._kept: dict[str, bool] = {}
        self._groups = {
            (group.named, group.benchmark, group.metric): group
            for group in reader.groups()
            if group.target == target and group.metric in RATES
        }
        order = (manifest.get("adversarial") or {}).get("attacks") or []
        whole = reader.met(target, order)
        self._met: dict[str, Met] = {}
        if whole is not None and "transferred" not in manifest:
            parts = under_attack.modalities(manifest, whole)
            for modality, kept in parts.items():
                met = whole if len(parts) == 1 else reader.met(target, order, kept)
                if met is not None:
                    self._met[modality] = met

    def figures(self) -> list[Figure]:
        main = {
            (axis["modality"], axis["evaluation"], one["benchmark"], one["framework"], one["metric"])
            for axis in axes(self._manifest, self._scores)
            for one in axis["scores"]
        }
        made = []
        for score in self._scores:
            if score["language"] or score["attack"]:
                continue
            place = Place(
                score["modality"], score["evaluation"], score["benchmark"], score["framework"], score["metric"]
            )
            if place in main or place.metric in COMPONENTS:
                made.append(self._figure(place, score, place in main))
        return made

    def _figure(self, place: Place, score: Mapping[str, Any], main: bool) -> Figure:
        over, attacks = self._over(place)
        demonstration = any(self._manifest["benchmarks"].get(name, {}).get("demonstration") for name in over)
        under = (
            suite_of(self._manifest),
            *conditions(self._manifest, over, attacks=attacks, target=self._target),
        )
        named = " ".join(one.value for one in under if one.what == "judge")
        under += tuple(
            Condition("judge", "", judge) for judge in str(score["judge"] or "").split(" + ") if judge not in named
        )
        low = falls(place.evaluation, place.metric)
        parts = self._parts(place, score, low)
        made = Figure(
            entry=self._entry, place=place, main=main, score=score, falls=low, over=tuple(over), conditions=under, parts=parts
        )  # fmt: skip
        return msgspec.structs.replace(made, why=self._why(made, demonstration))

    def _over(self, place: Place) -> tuple[list[str], list[str]]:
        """The benchmarks that a figure is over, and the attacks."""
        if place.benchmark is not None:
            return [place.benchmark], []
        if place.metric in (POOLED, CASES, "safe_worst_3", "safe_image_worst_attack") and (
            met := self._met.get(place.modality)
        ):
            return sorted({benchmark for benchmark, _ in met.cases}), met.attacks
        about = self._manifest["benchmarks"]
        if place.metric == JUDGEMENT:
            return sorted(name for name, one in about.items() if one.get("measures") == "judgement"), []
        return sorted({group.benchmark for group in self._behind(place)}), []

    def _behind(self, place: Place) -> Iterator[Group]:
        """The groups that a mean is over."""
        for (evaluation, benchmark, metric), group in self._groups.items():
            about = self._manifest["benchmarks"][benchmark]
            if evaluation != place.evaluation or about.get("modality", "language") != place.modality:
                continue
            if about.get("demonstration") or (evaluation == MULTILINGUAL and metric != "safe_rate"):
                continue
            if evaluation == MULTILINGUAL and about.get("measures") == "judgement":
                continue
            if evaluation == "compliance" and not about.get("framework"):
                continue
            yield group

    def _parts(self, place: Place, score: Mapping[str, Any], low: bool) -> tuple[Part, ...]:
        """The units of a figure; none where they do not give its very value, so that its interval is all there is."""
        if score["value"] is None or self._manifest["suite"].get("stopping"):
            return ()
        met = self._met.get(place.modality)
        keys: list[str] = []
        if place.benchmark is not None and place.metric in RATES:
            group = self._groups.get((str(place.evaluation), place.benchmark, place.metric))
            keys = [self._units(group)] if group else []
        elif place.metric in MEANS:
            keys = [self._units(group) for group in self._behind(place)]
        elif met is not None and place.metric in (POOLED, CASES) and (met.audit is None or place.metric == CASES):
            keys = [self._attacked(place, met)]
        if not keys:
            return ()
        parts = tuple(Part(key, 1 / len(keys)) for key in keys)
        counts = [self._store.units(self._entry.number, key).counts() for key in keys]
        if not all(measured for _, measured, _ in counts):
            return ()
        good = math.fsum(passed / measured for passed, measured, _ in counts) / len(counts)
        value = 1 - score["value"] if low else score["value"]
        planned = sum(planned for *_, planned in counts)
        return parts if abs(good - value) < 1e-9 and planned == score["planned"] else ()

    def _units(self, group: Group) -> str:
        key = "\0".join((group.evaluation, group.benchmark, group.metric))
        if key not in self._kept:
            self._store.keep(self._entry.number, key, clusters.of_group(self._reader, group))
            self._kept[key] = True
        return key

    def _attacked(self, place: Place, met: Met) -> str:
        key = "\0".join(("", place.modality, place.metric))
        if key not in self._kept:
            made = clusters.of_cases if place.metric == CASES else clusters.of_cells
            self._store.keep(self._entry.number, key, made(met, self._texts))
            self._kept[key] = True
        return key

    def _why(self, figure: Figure, demonstration: bool) -> str:
        """Why a figure is not ranked; empty where it may be."""
        score = figure.score
        if demonstration or self._manifest.get("demonstration"):
            return "a demonstration: it shows what a run is like, and ranks nobody"
        if self._manifest["status"] != "complete" or self._unfinished:
            return "the run is not finished"
        return unfit(score, figure.missing) or (
            "its run may stop at any time: its interval holds, and no test between runs does"
            if self._manifest["suite"].get("stopping")
            else ""
        )


def unfit(score: Mapping[str, Any], missing: float) -> str:
    """Why a score by itself cannot be ranked; empty where it can."""
    if score["value"] is None or not math.isfinite(score["value"]):
        return "nothing was measured" if not score["n"] else "no value: there are bounds alone"
    if missing > MISSING_CAP:
        return f"{100 * missing:.1f}% of its planned attempts have no verdict; {100 * MISSING_CAP:.0f}% may lack one"
    if gone := next((note for note in score["notes"] if _incomplete(note)), ""):
        return f"its mean is {gone}"
    if not all(isinstance(score[end], float | int) and math.isfinite(score[end]) for end in ("low", "high")):
        return "it has no interval"
    return ""


def _incomplete(note: str) -> bool:
    return note.startswith("without ") and note.endswith((": nothing was measured", f": {NOTHING_DONE}", ": no F1"))


def latest_first(figures: Iterable[Figure]) -> list[Figure]:
    """In the order of a board: the best value first, of alike ones the latest run; what is not ranked comes last."""

    def key(figure: Figure) -> tuple[bool, float, str]:
        value = figure.score["value"]
        known = value is not None and math.isfinite(value)
        good = (-value if not figure.falls else value) if known else math.inf
        return bool(figure.why), good, figure.entry.model

    newest = sorted(figures, key=lambda figure: figure.entry.created, reverse=True)
    return sorted(newest, key=key)
