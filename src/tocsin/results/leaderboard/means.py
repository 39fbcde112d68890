"""The mean of a modality: the unweighted mean of its evaluations' scores, for each target of each run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tocsin.evaluations.judgement import JUDGEMENT
from tocsin.evaluations.multilingual import GENERATION
from tocsin.results.conditions import Condition
from tocsin.results.leaderboard.clusters import Store
from tocsin.results.leaderboard.figures import Figure, Part, Place, unfit
from tocsin.results.leaderboard.joint import Joint, correlations
from tocsin.stats import Estimate, macro_mean

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

MEAN = "modality_mean"
_EVALUATIONS = ("benchmark", "adversarial", "multilingual", "compliance")
"""What the mean is over, as in arXiv 2601.10527. Over-refusal is none of them: it falls where they rise."""
_FIRST = {
    ("language", "adversarial"): ("safe_response_rate", "macro_mean", "safe_rate"),
    ("vision", "adversarial"): ("macro_mean", "safe_rate", "safe_response_rate"),
    ("image", "adversarial"): ("safe_image_worst", "safe_image_worst_attack"),
    ("language", "multilingual"): (JUDGEMENT, GENERATION),
}
"""Where an evaluation has several main scores, the one that the report takes comes first."""


def means_of(figures: Sequence[Figure], store: Store) -> list[Figure]:
    """A figure for each target and modality of which two or more evaluations have a main score.

    Args:
        figures: Those of the evaluations.
        store: Their units.
    """
    found = []
    for number in sorted({figure.entry.number for figure in figures}):
        mine = [figure for figure in figures if figure.main and figure.entry.number == number]
        for modality in dict.fromkeys(figure.place.modality for figure in mine):
            chosen = [one for name in _EVALUATIONS if (one := _chosen(mine, modality, name)) is not None]
            if len(chosen) > 1:
                found.append(_mean(modality, chosen, store))
    return found


def _chosen(figures: Sequence[Figure], modality: str, evaluation: str) -> Figure | None:
    here = [one for one in figures if (one.place.modality, one.place.evaluation) == (modality, evaluation)]
    wanted = _FIRST.get((modality, evaluation), ())
    for metric in wanted:
        for one in here:
            if one.place.metric == metric:
                return one
    # Several scores without a mean (frameworks of which too few were judged) are no score of their evaluation.
    return here[0] if len(here) == 1 else None


def _mean(modality: str, chosen: Sequence[Figure], store: Store) -> Figure:
    scores = [figure.score for figure in chosen]
    whole = all(score["value"] is not None for score in scores)
    spanned = whole and all(score["low"] is not None and score["high"] is not None for score in scores)
    stops = any(figure.series for figure in chosen)
    mean = _mover(scores, _tied(chosen, store)) if spanned and not stops else None
    judges = dict.fromkeys(str(score["judge"]) for score in scores)
    told: dict[str, Any] = {
        "value": sum(score["value"] for score in scores) / len(scores) if whole else None,
        "low": mean.low if mean else None,
        "high": mean.high if mean else None,
        **{end: _average([score[end] for score in scores]) for end in ("worst", "best")},
        **{key: sum(score[key] for score in scores) for key in ("n", "planned", "unscored", "error")},
        "judge": " + ".join(judges),
        "metric": MEAN,
        "notes": [],
    }
    over = tuple(f"{figure.place.evaluation}: {figure.place.metric}" for figure in chosen)
    benchmarks = Condition("over", "", "; ".join(", ".join(figure.over) for figure in chosen))
    made = Figure(
        entry=chosen[0].entry,
        place=Place(modality, None, None, None, MEAN),
        main=False,
        score=told,
        falls=False,
        over=over,
        conditions=(*dict.fromkeys(one for figure in chosen for one in figure.conditions), benchmarks),
        parts=_parts(chosen),
        series=any(figure.series for figure in chosen),
    )
    why = next((f"{one.place.evaluation}: {one.why}" for one in chosen if one.why), "")
    return msgspec.structs.replace(made, why=why or unfit(told, made.missing))


def _parts(chosen: Sequence[Figure]) -> tuple[Part, ...]:
    if not all(figure.parts for figure in chosen):
        return ()
    return tuple(Part(part.key, part.weight / len(chosen)) for figure in chosen for part in figure.parts)


def _mover(scores: Sequence[Any], tied: Floats) -> Estimate:
    return macro_mean(
        [Estimate(one["value"], one["low"], one["high"], max(1, one["n"]), 1, 1.0, False) for one in scores],
        tied.tolist(),
    )


def _tied(chosen: Sequence[Figure], store: Store) -> Floats:
    """How far the evaluations go together, as correlations: those over other benchmarks do not, others as their clusters show.

    Of figures over the same benchmarks whose clusters are not known it is 1: then the limits hold whatever ties them.
    """
    found = np.array([[0.0 if set(one.over).isdisjoint(other.over) else 1.0 for other in chosen] for one in chosen])
    known = [number for number, figure in enumerate(chosen) if figure.parts]
    parts = [(number, part) for number in known for part in chosen[number].parts]
    units = [store.units(chosen[number].entry.number, part.key).merged() for number, part in parts]
    joint = Joint([names for names, _ in units], [len(names) for names, _ in units])
    residuals, sizes, rows = [], [], np.zeros((len(chosen), len(parts)))
    for place, ((number, part), (_, (passed, measured, _))) in enumerate(zip(parts, units, strict=True)):
        n = int(measured.sum())
        residuals.append((passed - passed.sum() / n * measured) / n)
        sizes.append(1 / np.count_nonzero(measured))
        rows[number, place] = part.weight
    if joint.shared:
        told = correlations(rows @ joint.covariances(residuals, sizes) @ rows.T)
        found[np.ix_(known, known)] = told[np.ix_(known, known)]
    np.fill_diagonal(found, 1.0)
    return np.asarray(found, dtype=np.float64)


def _average(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(values) if len(there) == len(values) else None
