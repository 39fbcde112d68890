"""Boards of measured figures: split by what they were measured under, each ranked by itself."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, get_args

import msgspec

from tocsin.results.conditions import Condition
from tocsin.results.leaderboard.clusters import Store
from tocsin.results.leaderboard.comparing import Compared, by_sequences, compare
from tocsin.results.leaderboard.figures import Entry, Figure, Place, latest_first
from tocsin.results.leaderboard.ranking import ALPHA, rank
from tocsin.types import Modality

MERGEABLE = (
    *("judge", "suite", "benchmark", "data", "sample", "languages", "translations", "sampling", "system", "attack"),
    *("attacking", "repeats", "filter", "stopping"),
)
"""Conditions that may be looked over, on request."""
_MODALITIES: tuple[str, ...] = get_args(Modality)
_EVALUATIONS = ("benchmark", "adversarial", "multilingual", "compliance", "over-refusal", None)


def boards_of(figures: Iterable[Figure], store: Store, across: Collection[str] = ()) -> list[dict[str, Any]]:
    """A board for each place and each set of conditions.

    Args:
        figures: What stands on them.
        store: Their units.
        across: Names of conditions that are looked over, with a warning.
    """
    groups: dict[Place, dict[tuple[Any, ...], list[Figure]]] = {}
    for figure in figures:
        told = frozenset(one for one in figure.conditions if one.what not in across)
        groups.setdefault(figure.place, {}).setdefault((figure.over, told), []).append(figure)
    found = []
    for place in sorted(groups, key=_order):
        split = sorted(groups[place].values(), key=lambda group: -sum(not one.why for one in group))
        differing = _differing(split, across)
        found += [_board(place, group, store, differing, across) for group in split]
    return found


def _board(
    place: Place, group: Sequence[Figure], store: Store, differing: Collection[tuple[str, str]], across: Collection[str]
) -> dict[str, Any]:
    ordered = latest_first(_of_one_kind(group))
    ranked = [figure for figure in ordered if not figure.why]
    lower = ordered[0].falls
    alone = 1 - ALPHA / max(1, len(ranked))

    def test(i: int, j: int, level: float) -> Compared:
        if ranked[i].series:
            return by_sequences(ranked[i], ranked[j], store, alone)
        return compare(ranked[i], ranked[j], store, level)

    found = rank(len(ranked), test, falls=lower)
    rows = []
    for number, figure in enumerate(ordered):
        row = _row(figure)
        if number < len(ranked):
            row |= {"rank_low": found.ranks[number].low, "rank_high": found.ranks[number].high}
            row["tied_with"] = [_named(ranked[other]) for other in found.tied[number]]
        rows.append(row)
    pairs = [
        {
            "models": [ranked[pair["first"]].entry.model, ranked[pair["second"]].entry.model],
            "runs": [ranked[pair["first"]].entry.run, ranked[pair["second"]].entry.run],
            **{key: value for key, value in pair.items() if key not in ("first", "second")},
        }
        for pair in found.pairs
    ]
    shared = set.intersection(*(set(figure.conditions) for figure in ordered))
    return {
        **place._asdict(),
        "origin": "measured",
        "lower_is_better": lower,
        "over": list(ordered[0].over),
        "conditions": [_told(one) for one in ordered[0].conditions if one in shared],
        "apart_by": [_told(one) for one in ordered[0].conditions if (one.what, one.of) in differing],
        "across": _across(ordered, across),
        "confidence": found.confidence,
        "rows": rows,
        "pairs": pairs,
        "notes": [],
    }


def _of_one_kind(group: Sequence[Figure]) -> list[Figure]:
    """Figures of runs that may stop cannot be tested against those of runs that do not; where both are there, the latter rank."""
    if {figure.series for figure in group if not figure.why} != {True, False}:
        return list(group)
    why = "its run may stop at any time, and others on this board do not: no test holds between them"
    return [msgspec.structs.replace(one, why=one.why or (why if one.series else "")) for one in group]


def _row(figure: Figure) -> dict[str, Any]:
    score, entry = figure.score, figure.entry
    planned = score["planned"]
    return {
        "model": entry.model,
        "run": entry.run,
        "created": entry.created,
        "origin": "measured",
        **{key: _finite(score[key]) for key in ("value", "low", "high", "worst", "best", "n", "planned")},
        "rank_low": None,
        "rank_high": None,
        "ranked": not figure.why,
        "why": figure.why,
        "tied_with": [],
        "unscored": score["unscored"] / planned if planned else None,
        "error": score["error"] / planned if planned else None,
        "judge": score["judge"],
        "metric": score["metric"],
        "notes": list(score["notes"]),
    }


def _finite(value: float | None) -> float | None:
    """JSON has no sign for what is no number."""
    return value if value is not None and math.isfinite(value) else None


def _named(figure: Figure) -> dict[str, str]:
    return {"model": figure.entry.model, "run": figure.entry.run}


def _differing(split: Sequence[Sequence[Figure]], across: Collection[str]) -> set[tuple[str, str]]:
    """Conditions that are not the same on all boards of a place: what, and of what."""
    sets = [set(group[0].conditions) for group in split]
    common = set.intersection(*sets)
    return {(one.what, one.of) for conditions in sets for one in conditions - common if one.what not in across}


def _across(figures: Sequence[Figure], across: Collection[str]) -> list[dict[str, Any]]:
    """What was looked over: each condition that is not the same for all, with its values and whose they are."""
    places = dict.fromkeys((one.what, one.of) for figure in figures for one in figure.conditions if one.what in across)
    found = []
    for what, of in places:
        values: dict[str | None, list[Entry]] = {}
        for figure in figures:
            value = next((one.value for one in figure.conditions if (one.what, one.of) == (what, of)), None)
            values.setdefault(value, []).append(figure.entry)
        if len(values) > 1:
            told = [
                {"value": value, "models": [one.model for one in entries], "runs": [one.run for one in entries]}
                for value, entries in values.items()
            ]
            found.append({"what": what, "of": of, "values": told})
    return found


def _told(one: Condition) -> dict[str, str]:
    return {"what": one.what, "of": one.of, "value": one.value}


def _order(place: Place) -> tuple[int, int, str, str]:
    return (
        _MODALITIES.index(place.modality),
        _EVALUATIONS.index(place.evaluation),
        str(place.benchmark or ""),
        str(place.metric),
    )


def only_repeating(board: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a board has the rows of another one of the same place, and so says nothing more."""
    place = [board[name] for name in Place._fields]
    return any(place == [other[name] for name in Place._fields] and board["rows"] == other["rows"] for other in others)
