"""Reads a run for boards: its figures, with what each is over, and their clusters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tocsin.evaluations import anytime, under_attack
from tocsin.evaluations.adversarial import POOLED
from tocsin.evaluations.counts import Group
from tocsin.evaluations.judgement import JUDGEMENT
from tocsin.evaluations.met import Met
from tocsin.evaluations.multilingual import EVALUATION as MULTILINGUAL
from tocsin.evaluations.multilingual import GENERATION
from tocsin.evaluations.scoring import of_model
from tocsin.evaluations.tally import Reader
from tocsin.journal import open_journal, readable
from tocsin.journal.folder import JOURNAL
from tocsin.results.axes import axes
from tocsin.results.conditions import Condition, conditions, suite_of
from tocsin.results.finished import unfinished
from tocsin.results.leaderboard import clusters
from tocsin.results.leaderboard.clusters import Store
from tocsin.results.leaderboard.figures import Entry, Figure, Given, Part, Place, falls, unfit

MEANS = frozenset({"macro_mean", GENERATION})
"""Means over the safe rates of benchmarks."""
RATES = frozenset({"safe_rate", "accuracy", "over_refusal_rate", "compliance_rate"})
CASES = "safe_worst"
COMPONENTS = RATES | {CASES, "safe_worst_3", "safe_image_rate"}
"""Metrics that have a board for each benchmark, or beside an evaluation's main one."""


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
                    "SELECT s.benchmark, s.case_id, s.body FROM cells c JOIN cases s ON s.id = c.case_ref"
                    " WHERE c.evaluation = 'adversarial' GROUP BY s.id"
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
        self._unfinished = unfinished(manifest, model)
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
        stops = bool(self._manifest["suite"].get("stopping"))
        parts = self._series(place, score, low) if stops else self._parts(place, score, low)
        made = Figure(
            entry=self._entry, place=place, main=main, score=score, falls=low, over=tuple(over), conditions=under,
            parts=parts, series=stops,
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
        if score["value"] is None:
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

    def _series(self, place: Place, score: Mapping[str, Any], low: bool) -> tuple[Part, ...]:
        """The clusters' values in the order of the plan, as the confidence sequence of the figure has them; higher is better."""
        if score["value"] is None or score["low"] is None:
            return ()
        met = self._met.get(place.modality)
        units: dict[str, Sequence[anytime.Unit] | None] = {}
        if place.benchmark is not None and place.metric in RATES:
            if group := self._groups.get((str(place.evaluation), place.benchmark, place.metric)):
                units[_key(group)] = self._reader.units(group).get("", [])
        elif place.metric in MEANS:
            for group in self._behind(place):
                units[_key(group)] = self._reader.units(group).get("", [])
        elif met is not None and place.metric in (POOLED, CASES):
            units["\0".join(("", place.modality, place.metric))] = anytime.units_of(place.metric, None, met)
        shares: list[float] = []
        for key, some in units.items():
            measured = [passed / n for passed, n, _ in some or () if n]
            if not some or not measured:
                return ()
            shares.append(math.fsum(measured) / len(measured))
            self._store.keep_values(self._entry.number, key, anytime.values_of(some))
        if not shares or abs(math.fsum(shares) / len(shares) - (1 - score["value"] if low else score["value"])) > 1e-9:
            return ()
        return tuple(Part(key, 1 / len(shares)) for key in units)

    def _units(self, group: Group) -> str:
        key = _key(group)
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
        if self._unfinished:
            return self._unfinished
        if figure.series and not figure.parts and score["value"] is not None:
            return "its run may stop at any time, and it has no confidence sequence"
        return unfit(score, figure.missing)


def _key(group: Group) -> str:
    return "\0".join((group.evaluation, group.benchmark, group.metric))
