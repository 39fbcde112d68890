"""Safety judgement over several sets: the multilingual score of arXiv 2601.10527. It is never averaged with safe generation."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tocsin.benchmarks import Judged
from tocsin.benchmarks.judgement import SUBJECTS, averaged, counted_of
from tocsin.evaluations.scoring import TOO_FEW
from tocsin.stats.classified import Confusion, mean_f1
from tocsin.types import Score

JUDGEMENT = "judgement_mean"


def judgement_mean(
    sets: Mapping[str, Iterable[Judged]], *, modality: str, judge: str | None, left_out: Sequence[str]
) -> Score | None:
    """The report's score: the mean of the averages over languages, of prompts and of responses, in each set of safety judgement.

    Args:
        sets: Benchmark → its cases.
        modality: Of the sets.
        judge: Who reads the replies.
        left_out: Sets that were to be run, and were not.
    """
    parts: list[dict[str, Confusion]] = []
    averages: list[list[int]] = []
    missing, means = [], []
    for name, judged in sets.items():
        found = counted_of(judged)
        for subject in SUBJECTS:
            here = found.get(subject, {})
            if here:
                means.append(averaged(f"{subject}_f1", here))
            languages = [
                {f"{name}\0{cluster}": counts for cluster, counts in counted.clusters.items()}
                for counted in here.values()
                if any(c.tp + c.fp + c.fn for c in counted.clusters.values())
            ]
            if not languages:
                missing.append(f"{name} ({subject}s)")
                continue
            averages.append(list(range(len(parts), len(parts) + len(languages))))
            parts += languages
    if not averages:
        return None
    weights = [0.0] * len(parts)
    for members in averages:
        for place in members:
            weights[place] = 1 / len(members) / len(averages)
    mean = mean_f1(parts, weights)
    n = sum(one.n for one in means)
    notes = [f"mean of {len(averages)} averages over languages"]
    notes += [f"without {', '.join(missing)}: no F1"] if missing else []
    notes += [f"without {', '.join(left_out)}: left out"] if left_out else []
    notes += [TOO_FEW] if mean.few_clusters else []
    return Score(
        evaluation="multilingual",
        modality=modality,
        metric=JUDGEMENT,
        value=mean.value,
        low=mean.low,
        high=mean.high,
        worst=_mean([one.worst for one in means]),
        best=_mean([one.best for one in means]),
        planned=sum(one.planned for one in means),
        n=n,
        n_cases=n,
        n_clusters=mean.n_clusters,
        unscored=sum(one.unscored for one in means),
        error=sum(one.error for one in means),
        judge=judge,
        notes=notes,
    )


def _mean(values: Sequence[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
