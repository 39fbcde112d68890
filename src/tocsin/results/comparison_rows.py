"""The rows of a comparison: a score on both sides over the same cases, and all that is needed to read the difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tocsin.evaluations.adversarial import POOLED
from tocsin.evaluations.formats import BEHAVIOUR
from tocsin.evaluations.graded import METRIC as HARM
from tocsin.evaluations.scoring import LOWER_IS_BETTER, NOTHING_DONE
from tocsin.results.matched import By, Joint, Matched, Side, What
from tocsin.stats import Estimate
from tocsin.stats.compared import Compared, compared, graded, mean_compared
from tocsin.stats.drops import adjust

if TYPE_CHECKING:
    import numpy.typing as npt

BETTER, WORSE, NO_DIFFERENCE, NOT_COMPARABLE = "better", "worse", "no difference shown", "not comparable"
VERDICTS = (BETTER, WORSE, NO_DIFFERENCE, NOT_COMPARABLE)
ALPHA = 0.05
STOPS = "a run that may have stopped early: no interval and no test holds"
PARTS = 400
"""Parts of a breakdown at most."""
_FORMATS = {"form": "format"}


class Line(msgspec.Struct, kw_only=True):
    """A score that is compared, before all of them are tested together.

    Attributes:
        about: What it is: evaluation, modality, benchmark, framework, metric.
        falls: Whether lower is better.
        told: The two rates; None where nothing was measured on both sides.
        tables: What it was made of, the outcome that the rate counts first; None where it is no rate.
        table: Outcomes by outcomes of all matched cells; None of a mean.
        counts: Matched, and without a match.
        judges: Of the one side and of the other.
        otherwise: Cells that were read by another judge on either side.
        why: Why it is not comparable; empty where it is.
        notes: Words that belong beside it.
        breakdowns: By what, and the parts.
        demonstration: Whether its benchmark is one.
        over: Of a mean, its benchmarks.
    """

    about: dict[str, Any]
    falls: bool
    told: Compared | None
    tables: npt.NDArray[np.int64] | None = None
    table: npt.NDArray[np.int64] | None = None
    whole: npt.NDArray[np.int64] | None = None
    """Outcomes by outcomes with all that was planned, where `table` is over less."""
    counts: dict[str, int] = {}
    judges: tuple[list[str], list[str]] = ([], [])
    otherwise: int = 0
    why: str = ""
    notes: list[str] = []
    breakdowns: dict[str, list[dict[str, Any]]] = {}
    more_parts: dict[str, int] = {}
    demonstration: bool = False
    over: list[str] = []


def lines(matched: Matched, whats: Sequence[What], broken: dict[str, str], allowed: bool) -> list[Line]:
    """The scores that both sides have, but for the means.

    Args:
        matched: The two sides.
        whats: What is compared.
        broken: Metric or evaluation that is not compared, and why.
        allowed: Whether two judges may be compared as if they were one.
    """
    found: list[Line] = []
    for what in whats:
        searched = what.metric == POOLED and (matched.one.searched or matched.other.searched)
        if not searched:
            line = _line(matched, what, matched.joint(what).get(""), _bys(matched, what))
            found.append(line)
            if (harm := _harm(matched, what)) is not None:
                found.append(harm)
        if what.metric == POOLED and matched.one.attack is None:
            found.append(_worst(matched, what))
    for line in found:
        _close(matched, line, broken, allowed)
    return found


def means(found: Sequence[Line]) -> list[Line]:
    """The mean of each evaluation's main rates, where there are two or more on both sides; demonstrations are left out."""
    kinds: dict[tuple[str, str], list[Line]] = {}
    for line in found:
        about = line.about
        main = about["benchmark"] and about["metric"] != HARM and not line.demonstration
        if about["evaluation"] == "compliance" and not about["framework"]:
            main = False
        if about["evaluation"] == "multilingual" and about["metric"] != "safe_rate":
            main = False
        if main:
            kinds.setdefault((about["evaluation"], about["modality"]), []).append(line)
    made = []
    for (evaluation, modality), parts in kinds.items():
        there = [line for line in parts if line.told is not None and line.tables is not None]
        if len(there) < 2:
            continue
        metric = "generation_mean" if evaluation == "multilingual" else "macro_mean"
        about = dict.fromkeys(("benchmark", "framework")) | {
            "evaluation": evaluation, "modality": modality, "metric": metric,
        }  # fmt: skip
        told = mean_compared([(line.told, line.tables) for line in there if line.told and line.tables is not None])
        missing = [str(line.about["benchmark"]) for line in parts if line.told is None]
        whys = list(dict.fromkeys(line.why for line in there if line.why))
        made.append(
            Line(
                about=about,
                falls=there[0].falls,
                told=told,
                counts={name: sum(line.counts[name] for line in there) for name in there[0].counts},
                otherwise=sum(line.otherwise for line in there),
                why=whys[0] if whys else "",
                notes=[f"without {', '.join(missing)}: nothing was measured on both sides"] if missing else [],
                over=[str(line.about["benchmark"]) for line in there],
            )
        )
    return made


def reach(line: Line) -> tuple[float, float] | None:
    """The least good and the best difference, whatever was missing: over all matched cells; None of what has no table."""
    if line.table is None or not (n := int(line.table.sum())):
        return None
    table = line.table if line.whole is None else line.whole
    n, one, other = int(table.sum()), table.sum(axis=1), table.sum(axis=0)
    worst, best = int(other[0] - one[0] - one[2:].sum()), int(other[0] + other[2:].sum() - one[0])
    return (-worst / n, -best / n) if line.falls else (worst / n, best / n)


def flipped(table: npt.NDArray[np.int64]) -> tuple[int, int]:
    """Cells that went from safe to unsafe, and back."""
    return int(table[0, 1]), int(table[1, 0])


def estimate(told: Estimate, *, limits: bool = True) -> dict[str, Any]:
    """A value with its limits."""
    known = told.value is not None and limits
    return {"value": told.value, "low": told.low if known else None, "high": told.high if known else None}


def _worst(matched: Matched, what: What) -> Line:
    """Cases under all attacks. Of each case those cells count that were judged on both sides, so that what one side lacks tells
    against neither; a search runs other cells on either side, and is compared only where every case has its outcome.
    """
    searched = matched.one.searched or matched.other.searched
    whole = matched.worst(what).get("")
    lacking = 0 if whole is None else int(whole.table[2:].sum() + whole.table[:2, 2:].sum())
    joint = matched.worst(what, judged=not searched).get("")
    line = _line(matched, what, joint, ("hazard",), worst=True, judged=not searched)
    line.whole = None if whole is None else whole.table
    if lacking and searched:
        line.why = f"{lacking} cases of a search have no outcome on one side, and these are no fair sample of all"
    elif lacking:
        line.notes = [*line.notes, "each case over the attacks that were judged on both sides"]
    return line


def _line(
    matched: Matched,
    what: What,
    joint: Joint | None,
    bys: Sequence[By],
    *,
    worst: bool = False,
    judged: bool = False,
) -> Line:
    metric = "safe_worst" if worst else what.metric
    falls = metric in LOWER_IS_BETTER
    about = matched.one.manifest["benchmarks"].get(what.benchmark) or {}
    tables = None if joint is None else _oriented(joint, falls)
    told = None if tables is None else compared(tables)
    left = matched.left(what)
    apart = matched.read_otherwise(what)
    line = Line(
        about={
            "evaluation": what.evaluation, "modality": what.modality, "benchmark": what.benchmark or None,
            "framework": about.get("framework"), "metric": metric,
        },
        falls=falls,
        told=told if told and told.difference.n else None,
        tables=tables,
        table=None if joint is None else joint.table,
        counts={"only_one": left.one, "only_other": left.other, "changed": left.changed},
        judges=matched.judges(what),
        otherwise=0 if apart is None else int(apart.table.sum()),
        demonstration=bool(about.get("demonstration")),
        over=[] if what.benchmark else matched.benchmarks(what),
    )  # fmt: skip
    for by in bys:
        parts = matched.worst(what, by, judged=judged) if worst else matched.joint(what, by)
        if len(parts) > 1:
            name = _FORMATS.get(by, by)
            line.breakdowns = {**line.breakdowns, name: _parts(parts, falls)}
            line.more_parts = {**line.more_parts, name: max(0, len(parts) - PARTS)}
    if by_form := line.breakdowns.get("format"):
        done = [part for part in by_form if part["key"] in BEHAVIOUR]
        if done and not any(part["n"] for part in done):
            line.told, line.why = None, NOTHING_DONE
    return line


def _harm(matched: Matched, what: What) -> Line | None:
    """The mean grade of harm, where a judge that grades read both sides."""
    if what.metric not in ("safe_rate", POOLED) or what.modality == "image":
        return None
    if not all(
        _grades(side, names) for side, names in zip((matched.one, matched.other), matched.judges(what), strict=True)
    ):
        return None
    if (grades := matched.grades(what)) is None or not (grades.one.any() or grades.other.any()):
        return None
    left = matched.left(what)
    apart = matched.read_otherwise(what)
    return Line(
        about={
            "evaluation": what.evaluation, "modality": what.modality, "benchmark": what.benchmark or None, "framework": None,
            "metric": HARM,
        },
        falls=True,
        told=graded(*grades),
        counts={"only_one": left.one, "only_other": left.other, "changed": left.changed},
        judges=matched.judges(what),
        otherwise=0 if apart is None else int(apart.table.sum()),
        demonstration=bool((matched.one.manifest["benchmarks"].get(what.benchmark) or {}).get("demonstration")),
    )  # fmt: skip


def _grades(side: Side, judges: Sequence[str]) -> bool:
    """Whether the scores of these judges are grades of harm."""
    by_identity = {judge["identity"]: judge for judge in side.manifest["judges"].values()}
    told = [by_identity.get(name.partition(" ")[0], {}) for name in judges]
    return bool(told) and all(judge.get("grades", True) for judge in told)


def _close(matched: Matched, line: Line, broken: dict[str, str], allowed: bool) -> None:
    """Writes why a line is not comparable, where it is not."""
    if line.why:
        return
    if line.told is None:
        line.why = "no case was judged on both sides"
    elif line.otherwise and not allowed:
        first, second = (" + ".join(names) or "none" for names in line.judges)
        line.why = f"two judges: {first} and {second}"
    elif line.about["metric"] in (POOLED, "safe_worst") and POOLED in broken:
        line.why = broken[POOLED]
    elif matched.one.stops or matched.other.stops:
        line.why = STOPS
    if line.otherwise and allowed:
        line.notes = [*line.notes, f"{line.otherwise} answers were read by another judge on either side"]


def _bys(matched: Matched, what: What) -> tuple[By, ...]:
    found: list[By] = ["hazard"]
    if matched.one.language is None:
        found.append("language")
    if matched.one.attack is None:
        found.append("attack")
    if not what.benchmark:
        found.append("benchmark")
    if what.evaluation == "compliance":
        found.append("form")
    return tuple(found)


def _oriented(joint: Joint, falls: bool) -> npt.NDArray[np.int64]:
    tables = joint.measured
    return tables[:, ::-1, ::-1] if falls else tables


def _parts(parts: dict[str, Joint], falls: bool) -> list[dict[str, Any]]:
    """The parts of a breakdown with Holm's p among them; those with most cases, the most changed first."""
    largest = sorted(parts.items(), key=lambda part: -int(part[1].table.sum()))[:PARTS]
    told = [(key, joint.table, compared(_oriented(joint, falls))) for key, joint in largest]
    adjusted = adjust([one.p for _, _, one in told])
    made = []
    for (key, table, one), p_holm in zip(told, adjusted, strict=True):
        worse, better = flipped(table)
        made.append(
            {
                "key": key,
                "one": estimate(one.one),
                "other": estimate(one.other),
                "difference": estimate_of(one),
                "p": one.p,
                "p_holm": p_holm,
                "n": one.difference.n,
                "n_clusters": one.difference.n_clusters,
                "matched": int(table.sum()),
                "got_worse": worse,
                "got_better": better,
                "verdict": verdict(one, p_holm, falls),
                "outcomes": table.tolist(),
            }
        )
    return sorted(made, key=lambda part: (part["p"] is None, part["p"], str(part["key"])))


def untested(part: dict[str, Any]) -> dict[str, Any]:
    """A part of what is not comparable: its values, without an interval or a test."""
    bare = {name: {"value": part[name]["value"], "low": None, "high": None} for name in ("one", "other", "difference")}
    return part | bare | {"p": None, "p_holm": None, "verdict": NOT_COMPARABLE}


def estimate_of(told: Compared, *, limits: bool = True) -> dict[str, Any]:
    """A difference with its limits."""
    known = limits and told.difference.value is not None
    return {
        "value": told.difference.value,
        "low": told.difference.low if known else None,
        "high": told.difference.high if known else None,
    }


def verdict(told: Compared, p_holm: float | None, falls: bool) -> str:
    """What a difference says: it is one where Holm's p is 5% or less and the interval leaves 0 out."""
    low, high, value = told.difference.low, told.difference.high, told.difference.value
    if p_holm is None or low is None or high is None or value is None:
        return NOT_COMPARABLE
    if p_holm > ALPHA or low <= 0 <= high:
        return NO_DIFFERENCE
    return BETTER if (value < 0) == falls else WORSE
