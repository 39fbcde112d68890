"""``tocsin compare``: two sides over the same cases: what got better, what got worse, and what could have been seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import msgspec

from tocsin.evaluations.adversarial import POOLED
from tocsin.evaluations.graded import METRIC as HARM
from tocsin.results.comparison_rows import (
    ALPHA,
    BETTER,
    NO_DIFFERENCE,
    NOT_COMPARABLE,
    STOPS,
    WORSE,
    Line,
    estimate,
    estimate_of,
    flipped,
    lines,
    means,
    reach,
    untested,
    verdict,
)
from tocsin.results.matched import Flip, Matched, Side, What
from tocsin.results.meant import ALLOWED, Difference, differences, meant
from tocsin.stats import bounds, judges_agree
from tocsin.stats.compared import could_see, could_see_mean
from tocsin.stats.drops import adjust

SCHEMA = 1
MIN_EFFECT = 0.05
FLIPS = 20
_UNTOLD = frozenset({"attack_success_rate"})
"""Metrics that stand in a breakdown."""
_WHY = "no share of verdicts on single answers: its two values stand side by side, without a test"


def comparison(
    one: Side,
    other: Side,
    *,
    evaluations: Collection[str] = (),
    benchmarks: Collection[str] = (),
    allow: Collection[str] = (),
    min_effect: float = MIN_EFFECT,
    flips: int = FLIPS,
    summaries: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """Two sides over the cases that both were asked. The difference is always the other less the one.

    Args:
        one: The one side, what is held against.
        other: The other.
        evaluations: Only these; all without.
        benchmarks: Only these; all without.
        allow: Of `tocsin.results.meant.ALLOWED`, what may differ though the comparison is not of it.
        min_effect: A difference that would matter, in (0, 1]: the power to see it is told.
        flips: Cells that flipped each way that are listed at most.
        summaries: The summaries of both runs, for the scores that are not compared.

    Returns:
        What docs/reference/compare.md describes. It holds no prompt and no answer.

    Raises:
        JournalError: A journal cannot be read.
        ValueError: The two have nothing in common, or an argument is out of its range.
    """
    if not 0 < min_effect <= 1:
        raise ValueError(f"min_effect is {min_effect}; give a difference of two shares between 0 and 1, such as 0.05")
    if wrong := sorted(set(allow) - set(ALLOWED)):
        raise ValueError(f"{wrong[0]} is nothing that can be allowed to differ; {' and '.join(ALLOWED)} are")
    with Matched(one, other) as matched:
        whats = _chosen(matched, evaluations, benchmarks)
        names = list(dict.fromkeys(name for what in whats for name in matched.benchmarks(what)))
        live = [what for what in whats if what.metric == POOLED]
        # Of two sides that name two attacks the comparison is of these; of one attack on both it is not.
        named = one.attack is not None and one.attack != other.attack
        attacks = [] if named else sorted({attack for what in live for attack in matched.attacks(what)})
        apart = differences(one, other, names, attacks, allow)
        found = lines(matched, whats, _broken(apart), "judge" in allow or "judge" in meant(one, other))
        found = [*found, *means(found)]
        rows = _rows(found, min_effect)
        # What a judge or an attack may have flipped is no news of the model.
        sound = {
            (line.about["evaluation"], line.about["benchmark"], line.about["modality"], line.about["metric"])
            for line in found
            if line.told is not None and line.why in ("", STOPS)
        }
        told = [
            what for what in whats if (what.evaluation, what.benchmark or None, what.modality, what.metric) in sound
        ]
        listed = {
            name: _in_turn(
                [[_flip(what, flip) for flip in matched.flips(what, flips, worse=name == "worse")] for what in told]
            )
            for name in ("worse", "better")
        }
        agreement = _agreement(matched, whats) if "judge" in meant(one, other) else None
        only = matched.only()
    counted = [
        row
        for row in rows
        if row["metric"] not in (HARM, "safe_worst")
        and (row["evaluation"], row["benchmark"], row["modality"], row["metric"]) in sound
    ]
    totals = {"worse": sum(row["got_worse"] for row in counted), "better": sum(row["got_better"] for row in counted)}
    return {
        "schema": SCHEMA,
        "of": list(meant(one, other)),
        "one": _side(one),
        "other": _side(other),
        "differences": [msgspec.to_builtins(difference) for difference in apart],
        "min_effect": min_effect,
        "alpha": ALPHA,
        "tests": sum(row["p"] is not None for row in rows),
        "verdict": _whole(rows),
        "rows": rows,
        "flips": {
            name: {"total": totals[name], "listed": some[:flips]} for name, some in listed.items()
        },
        "agreement": agreement,
        "not_compared": _not_compared(one, other, rows, summaries),
        "only": [[_what(what) for what in some] for some in only],
    }  # fmt: skip


def _chosen(matched: Matched, evaluations: Collection[str], benchmarks: Collection[str]) -> list[What]:
    """What is compared: what both sides have, and is wanted."""
    there = matched.whats()
    if not there:
        raise ValueError(
            f"{matched.one.folder} and {matched.other.folder} have no case in common: nothing can be compared"
        )
    known = {
        "evaluation": {what.evaluation for what in there},
        "benchmark": {b for w in there for b in matched.benchmarks(w)},
    }
    for what, wanted in (("evaluation", evaluations), ("benchmark", benchmarks)):
        if missing := sorted(set(wanted) - known[what]):
            raise ValueError(
                f"{what} {missing[0]} is not in both runs; both have {', '.join(sorted(known[what])) or 'none'}"
            )
    chosen = [
        what
        for what in there
        if (not evaluations or what.evaluation in evaluations)
        and (
            not benchmarks
            or what.benchmark in benchmarks
            or (not what.benchmark and _within(matched, what, benchmarks))
        )
    ]
    if not chosen:
        raise ValueError("no score of both runs is of the evaluations and benchmarks that are named")
    return chosen


def _within(matched: Matched, what: What, benchmarks: Collection[str]) -> bool:
    """Whether a score over several benchmarks is over none but those that are named."""
    return set(matched.benchmarks(what)) <= set(benchmarks)


def _broken(apart: Sequence[Difference]) -> dict[str, str]:
    """What is not compared, and why: attacks that are not the same on both sides."""
    for one in apart:
        if one.what == "attack" and one.standing == "breaks" and one.one is not None and one.other is not None:
            return {POOLED: f"attack {one.of} is not the same on both sides: {one.one} and {one.other}"}
    return {}


def _rows(found: Sequence[Line], min_effect: float) -> list[dict[str, Any]]:
    """The lines as rows, tested together: Holm over all that have a test."""
    p = [None if line.why or line.told is None else line.told.p for line in found]
    tests = sum(one is not None for one in p)
    return [
        _row(line, one, adjusted, min_effect, ALPHA / max(1, tests))
        for line, one, adjusted in zip(found, p, adjust(p), strict=True)
    ]


def _row(line: Line, p: float | None, p_holm: float | None, min_effect: float, alpha: float) -> dict[str, Any]:
    told = line.told
    holds = p is not None
    ends = reach(line)
    found: dict[str, Any] = {
        **line.about,
        "better": "lower" if line.falls else "higher",
        "over": line.over,
        "demonstration": line.demonstration,
        "one": {"value": None, "low": None, "high": None},
        "other": {"value": None, "low": None, "high": None},
        "difference": {"value": None, "low": None, "high": None},
        "n": 0,
        "n_clusters": 0,
        "few_clusters": True,
        "p": p,
        "p_holm": p_holm,
        "verdict": NOT_COMPARABLE,
        "why": line.why,
        "seen": None,
    }
    if told is not None:
        few = told.difference.few_clusters
        found |= {
            "one": estimate(told.one, limits=holds), "other": estimate(told.other, limits=holds),
            "difference": estimate_of(told, limits=holds), "n": told.difference.n, "n_clusters": told.difference.n_clusters,
            "few_clusters": few,
        }  # fmt: skip
        if holds:
            see = could_see if line.tables is not None else could_see_mean
            seen = see(told, min_effect, alpha=alpha)
            found |= {"verdict": verdict(told, p_holm, line.falls), "seen": msgspec.to_builtins(seen)}
    found["difference"] |= {"worst": None if ends is None else ends[0], "best": None if ends is None else ends[1]}
    table = line.table
    worse, better = (0, 0) if table is None else flipped(table)
    notes = list(line.notes)
    if ends is not None and found["verdict"] in (BETTER, WORSE) and min(ends) <= 0 <= max(ends):
        notes.append("what has no verdict on one of the sides could undo it")
    return found | {
        "outcomes": None if table is None else table.tolist(),
        "got_worse": worse,
        "got_better": better,
        "matched": 0 if table is None else int(table.sum()),
        "unmeasured": None
        if table is None
        else {
            "one": {"unscored": int(table[2].sum()), "error": int(table[3].sum())},
            "other": {"unscored": int(table[:, 2].sum()), "error": int(table[:, 3].sum())},
        },
        **line.counts,
        "judges": {"one": line.judges[0], "other": line.judges[1]},
        "read_otherwise": line.otherwise,
        "notes": notes,
        "breakdowns": [
            {
                "by": by,
                "parts": parts if holds else [untested(part) for part in parts],
                "more": line.more_parts.get(by, 0),
            }
            for by, parts in line.breakdowns.items()
        ],
    }


def _whole(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The verdict over all rows."""
    counts = {
        word: sum(row["verdict"] == word for row in rows) for word in (BETTER, WORSE, NO_DIFFERENCE, NOT_COMPARABLE)
    }
    if counts[BETTER] and counts[WORSE]:
        word = "mixed"
    else:
        word = next((word for word in (WORSE, BETTER, NO_DIFFERENCE) if counts[word]), NOT_COMPARABLE)
    return {"word": word, **{name.replace(" ", "_"): count for name, count in counts.items()}}


def _side(side: Side) -> dict[str, Any]:
    manifest = side.manifest
    return {
        "run": manifest["run"],
        "status": manifest["status"],
        "created": manifest.get("created"),
        "suite": manifest["suite"]["name"],
        "model": side.name,
        "attack": side.attack,
        "language": side.language,
        "stops_early": side.stops,
        "rejudged": "rejudged" in manifest,
    }


def _in_turn(lists: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    """One of each score in turn, so that no score's flips hide those of the others."""
    return [one for some in zip_longest(*lists) for one in some if one is not None]


def _flip(what: What, flip: Flip) -> dict[str, Any]:
    return {"evaluation": what.evaluation, "metric": what.metric, **flip._asdict()}


def _agreement(matched: Matched, whats: Sequence[What]) -> list[dict[str, Any]]:
    """How far two judges agree on the same answers, for each score; answers that one judge read both times are in none."""
    found = []
    for what in whats:
        if (joint := matched.read_otherwise(what)) is None:
            continue
        agreed, kappa = judges_agree(joint.measured)
        table = joint.table
        same, apart = int(table[0, 0] + table[1, 1]), int(table[0, 1] + table[1, 0])
        read = int(table[:3, :3].sum())
        limits = bounds(same, apart, read - same - apart)
        found.append(
            {
                **_what(what),
                "agreement": {
                    **estimate(agreed), "n": agreed.n, "n_clusters": agreed.n_clusters, "worst": limits.low, "best": limits.high,
                    "read": read,
                },
                "kappa": {"value": kappa.value, "low": kappa.low, "high": kappa.high},
                "outcomes": table.tolist(),
            }
        )  # fmt: skip
    return found


def _not_compared(
    one: Side,
    other: Side,
    rows: Sequence[Mapping[str, Any]],
    summaries: tuple[Mapping[str, Any], Mapping[str, Any]] | None,
) -> list[dict[str, Any]]:
    """The scores of both runs that are in no row."""
    if summaries is None or one.attack is not None or one.language is not None:
        return []
    compared = {(row["evaluation"], row["modality"], row["benchmark"], row["metric"]) for row in rows}
    first, second = (
        {
            (s["evaluation"], s["modality"], s["benchmark"], s["metric"], s["attack"], s["language"]): s
            for s in summary["models"][side.target]["scores"]
        }
        for summary, side in zip(summaries, (one, other), strict=True)
    )
    evaluations = {row["evaluation"] for row in rows}
    names = ("evaluation", "modality", "benchmark", "metric", "attack", "language")
    return [
        {
            **dict(zip(names, key, strict=True)), "one": score["value"], "other": second[key]["value"],
            "why": _SEARCHED if key[3] == POOLED else _WHY,
        }
        for key, score in first.items()
        if key in second and key[0] in evaluations and key[3] not in _UNTOLD and (key[4] or key[5] or key[:4] not in compared)
    ]  # fmt: skip


_SEARCHED = "a run stopped cases at their first success, so that the two did not run the same cells"


def _what(what: What) -> dict[str, Any]:
    return {
        "evaluation": what.evaluation,
        "modality": what.modality,
        "benchmark": what.benchmark or None,
        "metric": what.metric,
    }
