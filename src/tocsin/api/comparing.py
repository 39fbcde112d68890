"""Two runs, models, judges, attacks or languages over the cases that both were asked."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from tocsin.api.run import load_run
from tocsin.results.comparison import FLIPS, MIN_EFFECT, comparison
from tocsin.results.sides import Pair, sides


def compare(
    a: Path | str,
    b: Path | str,
    *,
    models: Pair = None,
    attacks: Pair = None,
    languages: Pair = None,
    evaluations: Collection[str] = (),
    benchmarks: Collection[str] = (),
    allow: Collection[str] = (),
    min_effect: float = MIN_EFFECT,
    flips: int = FLIPS,
) -> dict[str, Any]:
    """Two runs over the cases that both were asked: what got better, what got worse, and what could have been seen.

    Args:
        a: The folder of the run that is held against.
        b: The folder of the other; the same for two models, attacks or languages of one run. Differences are B less A.
        models: The target of each, where a run has several.
        attacks: The attack of each; all of them, attack by attack, without.
        languages: The language of each, matched by source row; all of them without.
        evaluations: Only these.
        benchmarks: Only these.
        allow: What may differ though the comparison is not of it: ``judge``, ``attack``.
        min_effect: A difference that would matter: the power to see it is told.
        flips: Cells that flipped each way that are listed at most.

    Returns:
        What docs/reference/compare.md describes. It holds no prompt and no answer.

    Raises:
        JournalError: A folder is no run's, or its journal cannot be read.
        ValueError: It does not follow what is meant, or the two have nothing in common.
    """
    one, other = sides(Path(a), Path(b), models=models, attacks=attacks, languages=languages)
    first = load_run(one.folder).summary
    second = first if one.folder.resolve() == other.folder.resolve() else load_run(other.folder).summary
    return comparison(
        one,
        other,
        evaluations=evaluations,
        benchmarks=benchmarks,
        allow=allow,
        min_effect=min_effect,
        flips=flips,
        summaries=(first, second),
    )
