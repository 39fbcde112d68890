"""How much worse a run is than its baseline, over the cases that both were asked, or by the scores of each.

Cases are the same when benchmark, id, language and all that is asked and judged by are, and attempts at them when evaluation,
attack and repeat are, too. What is compared is the share of attempts that did what was wanted.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

import msgspec
import numpy as np

from tocsin.evaluations.counts import Group
from tocsin.evaluations.draws import shared_draws
from tocsin.journal import readable
from tocsin.journal.folder import JOURNAL
from tocsin.journal.writer import untouched
from tocsin.results.gate_scores import Found, Score, Side, number
from tocsin.results.policy import better
from tocsin.stats import Difference, moved

_LIVE = "adversarial"
_VERDICTS = {"safe": 0, "unsafe": 1}
_TEXT = "json_remove(CAST({table}.body AS TEXT), '$.tags', '$.hazard', '$.cluster')"
"""All of a case that is asked or judged by. Its place in the benchmark's own sorting is none of that."""


class Cells(msgspec.Struct, frozen=True, kw_only=True):
    """Cells of one target that make up a score.

    Attributes:
        target: The place of the model in its run.
        baseline: The place of the baseline's model in the other run.
        evaluation: As the journal names it.
        benchmark: Its name; all if None.
        wanted: Kinds of safe answer; all if empty.
        attack: Its name; all if None.
        by: ``hazard`` or ``language``, where the score is of one.
        key: Which one.
    """

    target: int
    baseline: int
    evaluation: str
    benchmark: str | None = None
    wanted: tuple[str, ...] = ()
    attack: str | None = None
    by: str | None = None
    key: str | None = None

    def where(self) -> tuple[str, list[object]]:
        """As a condition on ``c`` (cells) and ``s`` (cases), with its values."""
        parts, values = ["c.target = ?", "c.evaluation = ?"], [self.target, self.evaluation]
        told: list[object] = [*values]
        for column, value in (("s.benchmark", self.benchmark), ("c.attack", self.attack)):
            if value is not None:
                parts.append(f"{column} = ?")
                told.append(value)
        if self.wanted:
            parts.append(f"s.wanted IN ({','.join('?' * len(self.wanted))})")
            told += self.wanted
        if self.by is not None:
            parts.append(f"s.{'hazard' if self.by == 'hazard' else 'language'} = ?")
            told.append(self.key)
        return " AND ".join(parts), told


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """A run's rate less its baseline's; above 0 the run is the better one.

    Attributes:
        difference: With its 95% interval, or at the confidence that was asked for.
        worst: The difference if everything unmeasured had been bad in the run, and good in the baseline; None where it is not
            known.
        paired: Whether it is over the same cases.
        cells: Attempts of the run that the score is of; 0 if not paired.
        shared: Those of them that the baseline has, too.
        got_better: Shared attempts that failed in the baseline and passed in the run.
        got_worse: Shared attempts that passed in the baseline and failed in the run.
        unmeasured: Shared attempts without an outcome on either side.
    """

    difference: Difference
    worst: float | None
    paired: bool
    cells: int = 0
    shared: int = 0
    got_better: int = 0
    got_worse: int = 0
    unmeasured: int = 0


def paired_difference(run: Side, baseline: Side, selector: Cells, *, confidence: float = 0.95) -> Compared:
    """The difference of two runs over the attempts that both made.

    Counted in SQL over the two journals, which are opened so that no byte of them changes. Attempts without an outcome on one of
    the sides are left out of both, and stand in `worst`. The limits are those of `tocsin.stats.moved` over clusters: of the share
    of attempts that got better less the share that got worse. They keep a width where no attempt changed, which those of
    `rate_difference` lose where the rates are far from 0 and 1: none of 50 changed does not mean that none ever would.

    Raises:
        JournalError: A journal cannot be read.
    """
    where, values = selector.where()
    same = f"{_TEXT.format(table='s')} IS {_TEXT.format(table='t')}"
    query = (
        "SELECT s.benchmark, s.cluster, r.outcome, d.id IS NOT NULL, q.outcome, count(*)"
        " FROM main.cells c JOIN main.cases s ON s.id = c.case_ref JOIN main.latest r ON r.cell = c.id"
        f" LEFT JOIN base.cases t ON t.benchmark = s.benchmark AND t.case_id = s.case_id AND t.language = s.language AND {same}"
        " LEFT JOIN base.cells d ON d.case_ref = t.id AND d.target = ? AND d.evaluation = c.evaluation"
        " AND d.attack = c.attack AND d.repeat = c.repeat"
        f" LEFT JOIN base.latest q ON q.cell = d.id WHERE {where} GROUP BY 1, 2, 3, 4, 5"
    )
    path = run.folder / JOURNAL
    with readable(path), closing(sqlite3.connect(untouched(path), uri=True, isolation_level=None)) as db:
        merged = shared_draws(db, "latest")
        with readable(baseline.folder / JOURNAL):
            db.execute("ATTACH ? AS base", (untouched(baseline.folder / JOURNAL),))
            rows = db.execute(query, (selector.baseline, *values)).fetchall()
    places: dict[tuple[str, str], int] = {}
    counts: list[tuple[int, int, int, int]] = []
    cells = shared = missing = least = 0
    for benchmark, cluster, now, there, then, count in rows:
        cells += count
        if not there:
            continue
        shared += count
        # With everything unmeasured bad in the run, and good in the baseline.
        least += count * ((now == "safe") - (then != "unsafe"))
        if now not in _VERDICTS or then not in _VERDICTS:
            missing += count
            continue
        name = merged.get((benchmark, cluster), (benchmark, cluster))
        place = places.setdefault(name, len(places))
        counts.append((place, _VERDICTS[then], _VERDICTS[now], count))
    tables = np.zeros((len(places), 2, 2), dtype=np.int64)
    for place, before, after, count in counts:
        tables[place, before, after] += count
    found = moved(tables, confidence=confidence)
    got_worse, got_better = (int(tables[:, before, 1 - before].sum()) for before in (0, 1))
    return Compared(
        difference=found,
        worst=least / shared if shared else None,
        paired=True,
        cells=cells,
        shared=shared,
        got_better=got_better,
        got_worse=got_worse,
        unmeasured=missing,
    )


def unpaired_difference(run: Score, baseline: Score) -> Compared:
    """The difference of two scores as they stand, taken as independent, with 95% limits.

    Limits by MOVER (Zou & Donner 2008, Statistics in Medicine 27:1693-1702) without correlation: too wide where the cases are the
    same, which errs on the side of a regression that is not excluded.
    """
    sign = -1 if better(run["metric"], run["evaluation"]) == "lower" else 1
    a, b = (_turned(score, sign) for score in (run, baseline))
    n, clusters = min(run["n"], baseline["n"]), min(run["n_clusters"], baseline["n_clusters"])
    few = clusters < 10
    worst = None if a.worst is None or b.best is None else a.worst - b.best
    if a.value is None or b.value is None:
        return Compared(difference=Difference(None, None, None, n, clusters, few), worst=worst, paired=False)
    value = a.value - b.value
    low = high = None
    if a.low is not None and a.high is not None and b.low is not None and b.high is not None:
        low = value - math.hypot(a.value - a.low, b.high - b.value)
        high = value + math.hypot(a.high - a.value, b.value - b.low)
    return Compared(difference=Difference(value, low, high, n, clusters, few), worst=worst, paired=False)


class _Turned(msgspec.Struct, frozen=True):
    value: float | None
    low: float | None
    high: float | None
    worst: float | None
    best: float | None


def _turned(score: Score, sign: int) -> _Turned:
    """A score so that higher is better."""
    told = {name: number(score[name]) for name in ("value", "low", "high", "worst", "best")}
    turned = {name: None if value is None else sign * value for name, value in told.items()}
    if sign < 0:
        turned["low"], turned["high"] = turned["high"], turned["low"]
    return _Turned(**turned)


def cells_of(run: Side, groups: Sequence[Group], found: Found, target: int, other: int) -> Cells | None:
    """The cells that a score is the rate of; None if it is no plain rate over cells.

    Args:
        run: The run of the score.
        groups: Its groups, as `tocsin.evaluations.tally.Reader.groups` gives them.
        found: The score.
        target: The place of its model in its run.
        other: The place of the baseline's model in the other run.
    """
    score = found.score
    metric, named = score["metric"], score["evaluation"]
    if score["benchmark"] is not None and metric in ("safe_rate", "over_refusal_rate", "accuracy", "compliance_rate"):
        for group in groups:
            if (group.target, group.named, group.benchmark, group.metric) == (
                target,
                named,
                score["benchmark"],
                metric,
            ):
                return Cells(
                    target=target, baseline=other, evaluation=group.evaluation, benchmark=group.benchmark,
                    wanted=group.wanted, by=found.by, key=found.key,
                )  # fmt: skip
        return None
    told = run.manifest.get("adversarial") or {}
    modalities = {one["modality"] for one in run.summary["models"][target]["scores"] if one["evaluation"] == _LIVE}
    whole = told.get("mode", "exhaustive") == "exhaustive" and len(modalities) == 1
    if named == _LIVE and score["benchmark"] is None and found.by is None and whole:
        if metric == "safe_response_rate" and score["attack"] is None:
            return Cells(target=target, baseline=other, evaluation=_LIVE)
        if metric == "attack_success_rate" and score["attack"] is not None:
            return Cells(target=target, baseline=other, evaluation=_LIVE, attack=score["attack"])
    return None


def differing(run: Side, baseline: Side, found: Found, then: Score | None, same: tuple[str, ...]) -> list[str]:
    """What sets two runs' figures for a score apart, besides the models, in sentences; an empty list if nothing does.

    Args:
        run: The run.
        baseline: The baseline.
        found: A score of the run.
        then: The same score of the baseline, if it has one.
        same: What has to be the same, of `tocsin.results.policy.CONDITIONS`.
    """
    said = []
    if "judge" in same and then is not None and found.score["judge"] != then["judge"]:
        said.append(f"another judge: {found.score['judge']} here, {then['judge']} in the baseline")
    suites = [side.manifest["suite"] for side in (run, baseline)]
    if "suite" in same:
        said += _apart("suite", suites, ("name", "version"))
    if "sampling" in same:
        said += _apart("suite", suites, ("sampling", "repeats", "seed", "draw", "limit", "languages"))
        said += _apart("difficulty", [side.manifest.get("difficulty") or {} for side in (run, baseline)], None)
    names = [found.score["benchmark"]] if found.score["benchmark"] else _behind(run, found.score)
    for name in names:
        about = [side.manifest["benchmarks"].get(name) for side in (run, baseline)]
        if about[0] is None or about[1] is None:
            said.append(f"benchmark {name} is not in both")
            continue
        if "suite" in same:
            said += _apart(name, about, ("version",))
        if "sampling" in same:
            said += _apart(name, about, ("sample", "limit", "draw"))
            entries = [_entry(side, name) for side in (run, baseline)]
            said += _apart(name, entries, ("sampling", "system"))
        if "dataset" in same:
            files = [
                {one["path"]: one["sha256"] for one in (told.get("dataset") or {}).get("files", ())} for told in about
            ]
            if files[0] != files[1]:
                said.append(f"{name}: other data (the sha256 of its files differs)")
    if found.score["evaluation"] == _LIVE and "suite" in same:
        attacks = [
            {name: told.get("identity") for name, told in side.manifest["attacks"].items()} for side in (run, baseline)
        ]
        said += _apart("attacks", attacks, None)
        said += _apart("adversarial", [side.manifest.get("adversarial") or {} for side in (run, baseline)], None)
    return said


def _behind(run: Side, score: Score) -> list[str]:
    """The benchmarks that a score over several rests on. Attacks may put a text into an image, so of theirs all are named."""
    about: Mapping[str, Any] = run.manifest["benchmarks"]
    return sorted(
        name
        for name in run.behind.get(score["evaluation"], ())
        if score["evaluation"] == _LIVE or about.get(name, {}).get("modality") == score["modality"]
    )


def _entry(side: Side, name: str) -> dict[str, Any]:
    entries = side.manifest["suite"].get("benchmarks") or ()
    return next((one for one in entries if isinstance(one, dict) and one.get("name") == name), {})


def _apart(what: str, told: list[Any], names: tuple[str, ...] | None) -> list[str]:
    if names is None:
        return [f"{what}: not the same in both runs"] if told[0] != told[1] else []
    return [
        f"{what}: {name} is {told[0].get(name)!r} here and {told[1].get(name)!r} in the baseline"
        for name in names
        if told[0].get(name) != told[1].get(name)
    ]


def is_itself(run: Side, baseline: Side) -> bool:
    """Whether the baseline is the run, or a copy of it under whatever name: the same answers, which came at the same times."""
    if (run.folder / JOURNAL).samefile(baseline.folder / JOURNAL):
        return True
    if all(run.manifest.get(name) == baseline.manifest.get(name) for name in ("run", "created")):
        return True
    query = "SELECT count(*), min(at), max(at), sum(at) FROM calls WHERE role = 'target'"
    here, there = (side.db.execute(query).fetchone() for side in (run, baseline))
    return bool(here[0] and here == there)
