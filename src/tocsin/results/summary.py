"""``summary.json``: every score of a run, in the shape that other programs rely on."""

from __future__ import annotations

import json
import sqlite3
from typing import Any

import msgspec

from tocsin.benchmarks import find
from tocsin.evaluations.adversarial import EVALUATION, POOLED
from tocsin.evaluations.compared import compare
from tocsin.evaluations.run_labels import Labels, population
from tocsin.evaluations.score import GroupResult, TargetResult, score_run
from tocsin.evaluations.scoring import of_model
from tocsin.judges.card import Card, cards_of
from tocsin.results.axes import axes
from tocsin.results.finished import unsought
from tocsin.results.profiled import profiled
from tocsin.results.review import for_people
from tocsin.results.translated import Counts, Undelivered, note, note_undelivered, translated, undelivered

SCHEMA = 1


def summarise(db: sqlite3.Connection, manifest: dict[str, Any], labels: Labels | None = None) -> dict[str, Any]:
    """The summary of a run.

    Beyond the contract's fields each model has ``breakdown`` (a score for each hazard and language), ``refusal_tables``
    (refusal × safety, by benchmark), ``axes`` (each evaluation's main score, or why it has none), ``attacks`` (what
    stands beside adversarial scores), ``multilingual`` (safe generation language by language), ``compliance`` (the clauses of
    each framework), ``unscored_reasons``, ``unfinished`` (cells that count nowhere yet), ``unsought`` (cells
    that a search has yet to ask; absent where it is at its end) and, where judges left answers to
    people, ``review`` (benchmark → how many), and the run has ``judges``:
    identity → what its calibration cards say, and ``translations``: benchmark → language → how many of its cases were
    translated, and by whom they were reviewed.
    """
    cards: dict[str, list[Card]] = {}

    asked = {judge["identity"]: judge.get("models") or {} for judge in manifest["judges"].values()}

    def of(identity: str) -> list[Card]:
        if identity not in cards:
            cards[identity] = cards_of(identity, models=asked.get(identity, {}))
        return cards[identity]

    if labels is not None and labels.population != population(db):
        labels = (
            None  # answers came after the draw, with no chance to be in it: the labels are of another run than this
        )
    results = score_run(db, manifest, find, of, labels)
    counts = translated(db) if manifest.get("translations") else {}
    missing = undelivered(db)
    review = for_people(db)
    return {
        "schema": SCHEMA,
        "run": manifest["run"],
        "suite": manifest["suite"]["name"],
        "status": manifest["status"],
        "demonstration": manifest["demonstration"],
        "judges": {
            judge["identity"]: [_card(card) for card in of(judge["identity"])] for judge in manifest["judges"].values()
        },
        "comparisons": _comparisons(manifest, results),
        "translations": counts,
        "models": [
            _model(
                manifest,
                manifest["targets"][result.target]["name"],
                result,
                counts,
                missing,
                review,
                unsought(db, manifest, result.target),
            )
            for result in results
        ],
    }


def _comparisons(manifest: dict[str, Any], results: list[TargetResult]) -> list[dict[str, Any]]:
    """The targets against each other under attack; none in a run that puts to several what succeeded on one."""
    if "transferred" in manifest:
        return []
    names = [target["name"] for target in manifest["targets"]]
    stops = bool(manifest["suite"].get("stopping"))
    return compare([result.met for result in results], names, stops=stops)


def _card(card: Card) -> dict[str, Any]:
    """A card in short: the figures over the whole set, and what they stand on."""
    told = card.as_dict()
    return {name: told[name] for name in told if name not in ("parts", "files", "others", "left_out", "attempts")}


def as_json(summary: dict[str, Any]) -> str:
    """The text of ``summary.json``."""
    return json.dumps(summary, indent=1, ensure_ascii=False) + "\n"


def _model(
    manifest: dict[str, Any],
    name: str,
    result: TargetResult,
    counts: Counts,
    missing: Undelivered,
    review: dict[int, dict[str, int]],
    left: int,
) -> dict[str, Any]:
    made = [*(group.score for group in result.groups), *result.own, *result.means, *result.attacked]
    scores = [msgspec.to_builtins(score) for score in made]
    note(scores, counts)
    note_undelivered(scores, missing, result.target)
    told = of_model(manifest, name)
    found = {
        "model": name,
        "scores": scores,
        "axes": axes(told, scores),
        "profile": None,
        "attacks": result.attacks,
        **({"further_attacks": result.further_attacks} if result.further_attacks else {}),
        "multilingual": result.multilingual,
        "compliance": result.compliance,
        "breakdown": [
            {"by": part.by, "key": part.key, **msgspec.to_builtins(part.score)}
            for group in result.groups
            for part in group.parts
        ],
        "refusal_tables": [
            *(_named(group, group.refusal_table) for group in result.groups if group.refusal_table),
            *_of_attacks(result, "refusals"),
        ],
        "unscored_reasons": [
            *(_named(group, group.unscored_by_reason) for group in result.groups if group.unscored_by_reason),
            *_of_attacks(result, "unscored_reasons"),
        ],
        "unfinished": sum(group.unfinished for group in result.groups) + result.unfinished,
        **({"unsought": left} if left else {}),
        **({"review": review[result.target]} if result.target in review else {}),
    }
    found["profile"] = profiled(told, found)
    return found


def _of_attacks(result: TargetResult, name: str) -> list[dict[str, Any]]:
    """Counts over the cells of the adversarial evaluation, in the form of those over a benchmark's."""
    counts: dict[str, int] = {}
    for detail in (result.attacks or {}, *result.further_attacks.values()):
        for key, count in (detail.get(name) or {}).items():
            counts[key] = counts.get(key, 0) + count
    return [{"evaluation": EVALUATION, "benchmark": None, "metric": POOLED, "counts": counts}] if counts else []


def _named(group: GroupResult, counts: dict[str, int]) -> dict[str, Any]:
    score = group.score
    return {
        "evaluation": score.evaluation,
        "benchmark": score.benchmark,
        "metric": score.metric,
        "counts": counts,
    }
