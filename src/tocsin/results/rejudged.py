"""``comparison.json``: a rejudged run beside the run whose answers it has. Two judges, the same answers."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tocsin.benchmarks import find
from tocsin.evaluations.counts import METRIC_OF, Group
from tocsin.evaluations.score import TargetResult, score_run
from tocsin.evaluations.scoring import LOWER_IS_BETTER
from tocsin.results.pairs import NOBODY, OTHER, OUTCOMES, SAME, Before, Cluster, Counted, Pairs
from tocsin.results.standing import Key, boards, rates
from tocsin.stats import Difference, Estimate, bounds, judges_agree, mean_difference, moved
from tocsin.types import Score

if TYPE_CHECKING:
    import numpy.typing as npt

    Counts = npt.NDArray[np.int64]

SCHEMA = 1
RATES = frozenset(METRIC_OF.values())
_SIDE = ("value", "low", "high", "worst", "best", "n", "unscored", "judge")
_WHOLE = (None, None, None)
FLIPS = 10_000
"""Cells whose verdict flipped that are listed at most."""


def compare(db: sqlite3.Connection, manifest: dict[str, Any], summary: dict[str, Any]) -> dict[str, Any]:
    """The comparison of a rejudged run with the run that it judges anew.

    Args:
        db: The rejudged run's journal, which holds what counted before.
        manifest: Its manifest.
        summary: Its summary, as `tocsin.results.summary.summarise` makes it.

    Returns:
        What ``comparison.json`` holds; docs/reference/comparison.md names its fields. It has no prompt and no answer.
    """
    told, names = manifest["rejudged"], [target["name"] for target in manifest["targets"]]
    stops = _stops(manifest)
    reader = Pairs(db)
    whole = {group: reader.counted(group).get("") for group in reader.groups(attacked=True)}
    parts = {group: one for group, one in whole.items() if one is not None}
    who = OTHER if any(one.judged(OTHER).any() for one in parts.values()) else SAME
    measured = {
        key: rates([by_target.get(target) for target in range(len(names))]) for key, by_target in _by_key(parts).items()
    }
    flipped = [flip for group in parts for flip in reader.flips(group, FLIPS + 1)]
    return {
        "schema": SCHEMA,
        "run": manifest["run"],
        "against": told["run"],
        "status": manifest["status"],
        "answers": told.get("answers"),
        "judges": told["judges"],
        "same_judge": who == SAME,
        "cells": {
            "planned": manifest["cells"],
            "compared": sum(int(one.counts.sum()) for one in parts.values()),
        },
        **_figures(_together(list(parts.values())), who),
        "groups": [row for group, one in parts.items() for row in _rows(reader, group, one, names, who)],
        "scores": _scores(db, manifest, summary, parts),
        # Their intervals do not hold in a run that may have stopped at any time.
        "rankings": boards(manifest, measured, names) if len(names) > 1 and not stops else [],
        "flipped": [
            {"model": names[flip.target], "cell": flip.cell, "before": flip.before, "after": flip.after}
            for flip in flipped[:FLIPS]
        ],
        "more_flipped": max(0, sum(_flips(one)[0] + _flips(one)[1] for one in parts.values()) - FLIPS),
    }


def _key(group: Group) -> Key:
    return group.evaluation, group.benchmark, group.metric


def _by_key(parts: Mapping[Group, Counted]) -> dict[Key, dict[int, Counted]]:
    """What targets are compared on → target → its counts."""
    found: dict[Key, dict[int, Counted]] = {}
    for group, one in parts.items():
        found.setdefault(_key(group), {})[group.target] = one
    return found


def _together(parts: list[Counted]) -> Counted:
    """Several groups as one: what they say of one cluster, of whichever target, belongs together."""
    places: dict[Cluster, int] = {}
    for one in parts:
        for name in one.clusters:
            places.setdefault(name, len(places))
    counts = np.zeros((len(places), 3, 4, 4), dtype=np.int64)
    for one in parts:
        np.add.at(counts, [places[name] for name in one.clusters], one.counts)
    return Counted(list(places), counts)


def _figures(one: Counted, who: int) -> dict[str, Any]:
    """Agreement, kappa, outcomes and flips of some cells. Answers that no judge read say nothing of the judges."""
    judged = one.judged(who)
    agreed, kappa = judges_agree(judged[:, :2, :2])
    total = judged.sum(axis=0)
    same, other = int(total[0, 0] + total[1, 1]), int(total[0, 1] + total[1, 0])
    read = int(total[:3, :3].sum())
    limits = bounds(same, other, read - same - other)
    to_unsafe, to_safe = _flips(one)
    confusion = one.confusion
    return {
        "confusion": {"outcomes": list(OUTCOMES), "counts": confusion.tolist()},
        "agreement": {
            **_estimate(agreed),
            "worst": limits.low if read else None,
            "best": limits.high if read else None,
            "read": read,
        },
        "kappa": {"value": kappa.value, "low": kappa.low, "high": kappa.high},
        "flips": {
            "to_unsafe": to_unsafe,
            "to_safe": to_safe,
            "lost": int(confusion[:2, 2].sum()),
            "gained": int(confusion[2, :2].sum()),
        },
        "unread": int(one.judged(NOBODY).sum()),
        "kept": int(one.judged(SAME).sum()) if who == OTHER else 0,
    }


def _flips(one: Counted) -> tuple[int, int]:
    """Verdicts that went from safe to unsafe, and from unsafe to safe."""
    confusion = one.confusion
    return int(confusion[0, 1]), int(confusion[1, 0])


def _estimate(estimate: Estimate) -> dict[str, Any]:
    known = estimate.value is not None
    return {
        "value": estimate.value,
        "low": estimate.low if known else None,
        "high": estimate.high if known else None,
        "n": estimate.n,
        "n_clusters": estimate.n_clusters,
        "few_clusters": estimate.few_clusters,
    }


def _rows(reader: Pairs, group: Group, one: Counted, names: list[str], who: int) -> list[dict[str, Any]]:
    """The figures of a group, and of each attack and each language where it has several."""
    about = {
        "model": names[group.target],
        "evaluation": group.evaluation,
        "benchmark": group.benchmark,
        "metric": group.metric,
    }
    found = [{**about, "attack": None, "language": None, **_figures(one, who)}]
    for by in ("attack", "language"):
        if reader.several(group, by):
            found += [
                {**about, "attack": None, "language": None, by: key, **_figures(part, who)}
                for key, part in reader.counted(group, by=by).items()
            ]
    return found


def _stops(manifest: Mapping[str, Any]) -> bool:
    """Whether the answers are those of a run that may have stopped at any time, in which no ordinary interval holds."""
    return bool(manifest.get("suite", {}).get("stopping"))


def _scores(
    db: sqlite3.Connection, manifest: dict[str, Any], summary: dict[str, Any], parts: Mapping[Group, Counted]
) -> list[dict[str, Any]]:
    """Each score before and after, with the difference over what has a verdict both times."""
    identities = {judge for (judge,) in db.execute("SELECT DISTINCT judge FROM before WHERE judge <> ''")}
    stops = _stops(manifest)
    then = {**manifest, "judges": {identity: {"identity": identity} for identity in identities}}
    found = []
    for one, model in zip(score_run(db, then, find, reader=Before(db, together=stops)), summary["models"], strict=True):
        known = {(_name(score), *_apart(score)): score for score in map(msgspec.to_builtins, _every(one))}
        plain = {key[0]: score for key, score in known.items() if key[1:] == _WHOLE}
        differences = {
            _key(g): _difference(g, part) for g, part in parts.items() if g.target == one.target and not stops
        }
        for score in model["scores"]:
            if (was := known.get((_name(score), *_apart(score)))) is None:
                continue
            difference = differences.get(_name(score)) if _apart(score) == _WHOLE else None
            if score["metric"] == "macro_mean":
                difference = _of_mean(manifest, score, plain, model["scores"], differences)
            if was["value"] is None or score["value"] is None:
                difference = None  # over what both judges read there may be one, which is not of these two values
            found.append(
                {
                    "model": model["model"],
                    "evaluation": score["evaluation"],
                    "benchmark": score["benchmark"],
                    "attack": score["attack"],
                    "language": score["language"],
                    "framework": score["framework"],
                    "metric": score["metric"],
                    "before": {name: was[name] for name in _SIDE},
                    "after": {name: score[name] for name in _SIDE},
                    "difference": None if difference is None else msgspec.to_builtins(difference),
                }
            )
    return found


def _every(result: TargetResult) -> list[Score]:
    return [*(group.score for group in result.groups), *result.own, *result.means, *result.attacked]


def _name(score: Mapping[str, Any]) -> Key:
    return score["evaluation"], score["benchmark"] or "", score["metric"]


def _apart(score: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
    """What sets scores of one name apart."""
    return score["attack"], score["language"], score["framework"]


def _difference(group: Group, one: Counted) -> Difference:
    """After minus before, in the metric's own direction."""
    tables = one.measured
    return moved(tables[:, ::-1, ::-1] if group.metric in LOWER_IS_BETTER else tables)


def _of_mean(
    manifest: dict[str, Any],
    mean: Mapping[str, Any],
    before: Mapping[Key, Mapping[str, Any]],
    after: list[dict[str, Any]],
    differences: Mapping[Key, Difference],
) -> Difference | None:
    """The difference of a mean: the mean of its benchmarks' differences; None where the two means are not over the same."""
    parts = []
    for score in after:
        about = (score["evaluation"], score["modality"])
        if score["metric"] not in RATES or about != (mean["evaluation"], mean["modality"]):
            continue
        if manifest["benchmarks"][score["benchmark"]]["demonstration"]:
            continue
        key = _name(score)
        was = before[key]["value"] if key in before else None
        if was is None and score["value"] is None:  # left out of both means
            continue
        parts.append(None if was is None or score["value"] is None else differences.get(key))
    there = [part for part in parts if part is not None and part.value is not None]
    return mean_difference(there) if parts and len(there) == len(parts) else None
