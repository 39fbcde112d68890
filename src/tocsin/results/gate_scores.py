"""What a gate reads of a run: the scores that a selection finds, and the pessimistic end of each."""

from __future__ import annotations

import itertools
import math
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tocsin.evaluations.score import ALONE
from tocsin.evaluations.scoring import DEMONSTRATION
from tocsin.results.policy import DIMENSIONS, MAIN, Limits, Reads, Rule, Select, better, matches
from tocsin.types import Unscored

Score = Mapping[str, Any]
_MEANS = ("multilingual", "compliance", "adversarial")
"""Evaluations whose figures over several benchmarks do not leave demonstrations out."""


_USUAL = ("benchmark", "over-refusal")


class Side(msgspec.Struct, frozen=True):
    """A run as a gate reads it: its manifest, its summary made anew from the journal, and the journal.

    Attributes:
        folder: The run's folder.
        manifest: As `tocsin.journal.read_manifest` gives it.
        summary: As `tocsin.results.summary.summarise` gives it; never a file that somebody may have edited.
        db: The journal, opened for reading.
        behind: Evaluation, as the journal names it → the benchmarks whose cases were asked in it.
    """

    folder: Path
    manifest: dict[str, Any]
    summary: dict[str, Any]
    db: sqlite3.Connection
    behind: dict[str, set[str]]

    @classmethod
    def of(cls, folder: Path, manifest: dict[str, Any], summary: dict[str, Any], db: sqlite3.Connection) -> Side:
        """A run with its journal.

        Raises:
            ValueError: Two of its models have one name, so that none could be told from the other.
        """
        names = [model["model"] for model in summary["models"]]
        if len(set(names)) < len(names):
            raise ValueError(f"run {folder} has two models of one name: {', '.join(names)}")
        behind: dict[str, set[str]] = {}
        for evaluation, benchmark in db.execute(
            "SELECT DISTINCT c.evaluation, s.benchmark FROM cells c JOIN cases s ON s.id = c.case_ref"
        ):
            behind.setdefault(evaluation, set()).add(benchmark)
        return cls(folder, manifest, summary, db, behind)

    @property
    def models(self) -> list[str]:
        """The models' names, in the order of the run."""
        return [str(model["model"]) for model in self.summary["models"]]

    def model(self, name: str) -> dict[str, Any]:
        """What the summary says of a model."""
        return next(model for model in self.summary["models"] if model["model"] == name)

    def demonstrates(self, score: Score) -> bool:
        """Whether a score is a demonstration, or holds cases of one."""
        if self.summary["demonstration"] or DEMONSTRATION in score["notes"]:
            return True
        about = self.manifest["benchmarks"]
        if score["benchmark"] is not None:
            return bool(about.get(score["benchmark"], {}).get("demonstration"))
        if score["evaluation"] not in _MEANS:
            return False
        behind = self.behind.get(score["evaluation"], set())
        return any(about.get(name, {}).get("demonstration") for name in behind)

    def attempts(self, target: int) -> Attempts:
        """How the attempts at a target's cells ended, over the whole run.

        Answers that have no outcome alone, since they are compared with another, are no unscored ones: the benchmark's own
        metrics count them by pairs.
        """
        rows = self.db.execute(
            "SELECT r.outcome, r.reason = ?, count(*) FROM latest r JOIN cells c ON c.id = r.cell"
            " WHERE c.target = ? GROUP BY 1, 2",
            (Unscored.COMPARED.value, target),
        )
        counts = {"unscored": 0, "error": 0}
        ended = 0
        for outcome, compared, count in rows:
            ended += count
            if outcome in counts and not (outcome == "unscored" and compared):
                counts[outcome] += count
        return Attempts(ended, counts["unscored"], counts["error"])


class Attempts(msgspec.Struct, frozen=True):
    """How attempts ended."""

    ended: int
    unscored: int
    error: int


class Reading(msgspec.Struct, frozen=True):
    """What a rule reads of a score.

    Attributes:
        number: The number that is held against the threshold; None where there is none.
        value: The estimate: the corrected one where that is read.
        low: Lower limit of its 95% interval.
        high: Upper limit.
        worst: The value if everything unmeasured had been bad.
        best: The value if everything unmeasured had been good.
        what: What the number is, in words.
        corrected: Whether these are figures put right for the judge's error.
        fault: Why there is no number; empty if there is one.
    """

    number: float | None
    value: float | None
    low: float | None
    high: float | None
    worst: float | None
    best: float | None
    what: str
    corrected: bool
    fault: str = ""


class Found(msgspec.Struct, frozen=True):
    """A score, and of which hazard or language it is."""

    score: Score
    by: str | None = None
    key: str | None = None

    @property
    def address(self) -> dict[str, str | None]:
        """What tells it from the other scores of its model."""
        told = {name: self.score.get(name) for name in DIMENSIONS if name not in ("model", "hazard")}
        return told | {"hazard": self.key if self.by == "hazard" else None}

    @property
    def named(self) -> str:
        """Its address in one line."""
        told = self.address
        what = told["benchmark"] or told["attack"] or f"all ({told['evaluation']}, {told['modality']})"
        parts = [told["framework"], told["language"], told["hazard"]]
        usual = told["benchmark"] and told["modality"] == "language" and told["evaluation"] in _USUAL
        where = (
            "" if usual or not (told["benchmark"] or told["attack"]) else f" ({told['evaluation']}, {told['modality']})"
        )
        return " · ".join([str(what), *(part for part in parts if part), f"{told['metric']}{where}"])


def number(value: object) -> float | None:
    """A finite number, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def candidates(model: Mapping[str, Any], select: Select) -> Iterator[Found]:
    """The scores of a model of the kind that a selection is about: over all hazards and languages, or broken down."""
    if select.hazard is None:
        yield from map(Found, model["scores"])
    for part in model["breakdown"]:
        if part["by"] == ("hazard" if select.hazard is not None else "language" if select.language else ""):
            yield Found(part, part["by"], part["key"])


def select_scores(model: Mapping[str, Any], select: Select, *, falls: bool | None = None) -> list[Found]:
    """The scores of a model that a selection finds.

    What has no outcome alone (pairs of answers that are compared) is no score, and never found.

    Args:
        model: What the summary says of it.
        select: The selection.
        falls: Without a metric in the selection: whether main rates are meant that are better when lower, or those that are
            better when higher; both if None.
    """
    found = []
    alone = {_group(score) for score in model["scores"] if ALONE in score["notes"]}
    for one in candidates(model, select):
        told = one.address
        if _group(one.score) in alone:
            continue
        if select.metric is None:
            lower = better(one.score["metric"], one.score["evaluation"]) == "lower"
            if one.score["metric"] not in MAIN or (falls is not None and lower != falls):
                continue
        names = [(name, getattr(select, name)) for name in DIMENSIONS if name != "model"]
        if all(wanted is None or matches(wanted, told[name]) for name, wanted in names):
            found.append(one)
    return found


def _group(score: Score) -> tuple[str, str | None, str]:
    return score["evaluation"], score["benchmark"], score["metric"]


def missing(select: Select, found: Sequence[Found]) -> list[str]:
    """The combinations of names in a selection that no score is of, in words."""
    names = select.literal()
    there = {tuple(one.address[name] or "" for name in names) for one in found}
    wanted = itertools.product(*names.values())
    return [
        ", ".join(f"{name} {value or 'none'}" for name, value in zip(names, values, strict=True))
        for values in wanted
        if values not in there
    ]


def read_score(score: Score, rule: Rule, corrected: str) -> Reading:
    """The pessimistic end of a score for a rule.

    For `at_least` that is the lower one: by `limit_and_worst` the lower of the interval's lower limit and `worst`, the value
    that the score would have if everything unmeasured had been bad. For `at_most` it is the upper one.

    Where the judge-corrected rate is read, its limits stand in place of the raw ones, and its own bound for what is unmeasured:
    with ``m`` of ``planned`` attempts unmeasured, ``v (1 - m/planned)`` and ``v (1 - m/planned) + m/planned`` for a corrected
    rate ``v``. This is what `worst` and `best` are for the raw one.

    Args:
        score: One object of ``scores`` or ``breakdown``.
        rule: The rule; one with both thresholds is read by each in turn.
        corrected: ``prefer``, ``require`` or ``ignore``.
    """
    floor = rule.at_least is not None
    raw = {name: number(score[name]) for name in ("value", "low", "high", "worst", "best")}
    fixed = score.get("corrected") or {}
    usable = corrected != "ignore" and all(number(fixed.get(name)) is not None for name in ("value", "low", "high"))
    if corrected == "require" and not usable:
        return _reading(
            None, raw, "", False, "the policy wants the rate put right for its judge's error, and there is none"
        )
    if usable:
        raw = {name: number(fixed[name]) for name in ("value", "low", "high")}
        share = (score["unscored"] + score["error"]) / score["planned"] if score["planned"] else 1.0
        least = (raw["value"] or 0.0) * (1 - share)
        ends = least, least + share
        falls = better(score["metric"], score["evaluation"]) == "lower"
        raw["worst"], raw["best"] = reversed(ends) if falls else ends
    return _read(raw, rule.reads, floor, usable)


def _read(raw: dict[str, float | None], reads: Reads, floor: bool, corrected: bool) -> Reading:
    limit = raw["low"] if floor else raw["high"]
    bounds = [raw["worst"], raw["best"]]
    known = [one for one in bounds if one is not None]
    bound = (min(known) if floor else max(known)) if len(known) == len(bounds) else None
    end = "lower" if floor else "upper"
    if reads == "value":
        return _reading(raw["value"], raw, "the estimate alone", corrected, "nothing was measured: there is no value")
    if reads == "worst":
        return _reading(bound, raw, "the bound of what is unmeasured", corrected, "there is no bound `worst`")
    if limit is None or raw["value"] is None:
        fault = "there is no value" if raw["value"] is None else "there is no interval"
        return _reading(None, raw, "", corrected, fault)
    if reads == "limit":
        return _reading(limit, raw, f"the {end} limit", corrected, "")
    if bound is None:
        return _reading(None, raw, "", corrected, "it has no bound `worst`: a rule on it has to say `reads: limit`")
    outer = min(limit, bound) if floor else max(limit, bound)
    what = f"the {end} limit" if outer == limit else "the bound `worst`"
    return _reading(outer, raw, what, corrected, "")


def _reading(found: float | None, raw: Mapping[str, float | None], what: str, corrected: bool, fault: str) -> Reading:
    return Reading(
        found, raw["value"], raw["low"], raw["high"], raw["worst"], raw["best"], what, corrected,
        fault if found is None else "",
    )  # fmt: skip


def lacking(score: Score, limits: Limits, *, low: float | None, high: float | None) -> list[str]:
    """What a score lacks whatever its value is, in sentences; an empty list if nothing."""
    planned, said = score["planned"], []
    if not planned:
        return ["no attempt was planned and ended"]
    if not score["n"]:
        told = f"{score['unscored']} of {planned} attempts have no verdict, and {score['error']} ended in an error"
        return [f"nothing was judged: {told}"]
    for name, words, most in (
        ("error", "ended in an error", limits.errors),
        ("unscored", "have no verdict", limits.unscored),
    ):
        if score[name] / planned > most:
            said.append(
                f"{score[name]} of {planned} attempts {words} ({score[name] / planned:.1%}, {most:.1%} allowed)"
            )
    if score["n"] < limits.n:
        said.append(f"only {score['n']} attempts were judged, of {limits.n} that are needed")
    if score["n_clusters"] < limits.clusters:
        said.append(f"it rests on {score['n_clusters']} independent clusters, of {limits.clusters} that are needed")
    if limits.half_width is not None:
        if low is None or high is None:
            said.append("there is no interval whose width could be held against half_width")
        elif (high - low) / 2 > limits.half_width:
            said.append(f"its interval is ±{(high - low) / 2:.3f} wide, and ±{limits.half_width:g} is the most")
    return said
