"""Boards of what arXiv 2601.10527 published: facts with their source, in the paper's order, never ranked among measured figures.

A rank range is given where counts are known and each attempt stands alone; the joint tables are not published, so a pair counts
as told apart only if it is under the least favourable of those that the margins allow. Elsewhere every rank is possible as far as
anyone can tell, and the board says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from tocsin.results.leaderboard.comparing import Compared, Laid, paired
from tocsin.results.leaderboard.ranking import rank
from tocsin.results.published import Check, Published, apart, check, note_texts, published, select
from tocsin.results.published.checks import EXPLAINING, IMAGE_MODELS, TEXT_MODELS, modality_means, picked_of, prompts_of
from tocsin.results.published.significance import Significance, tables
from tocsin.stats import wilson
from tocsin.stats.mcnemar import most_discordant
from tocsin.types import Modality

if TYPE_CHECKING:
    import numpy.typing as npt

MEAN = "modality_mean"
LOWER = frozenset({"unsafe_rate", "toxicity"})
_ALONE = frozenset({("safe_worst", None), ("safe_worst_3", None)})
"""Figures over cases, beside those of benchmarks, whose attempts each stand alone."""
Count = tuple[int, int]
"""Passed, and of how many."""


def add_published(found: dict[str, Any], untested: str) -> None:
    """Puts the published boards behind the measured ones, and says what their sizes can tell.

    Args:
        found: The boards; changed.
        untested: Note of a board of which no pair can be tested.
    """
    checks = check()
    made = {"boards": _main(checks), "components": _components(), "means": _means(checks)}
    for kind, boards in made.items():
        for board in boards:
            board["notes"] += [] if board["pairs"] else [untested]
        found[kind] += boards
    found["published"] = {
        "source": "arXiv 2601.10527v2",
        "significance": [_told(one) for one in tables()],
        "notes": dict(note_texts()),
        "apart": [_apart(row) for row in apart()],
    }


def _main(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """The leaderboard of the paper: one board for each modality and evaluation."""
    rows = [row for row in published() if row.metric == "scheme_score"]
    found = []
    for modality, evaluation in dict.fromkeys((row.modality, row.evaluation) for row in rows):
        here = [row for row in rows if (row.modality, row.evaluation) == (modality, evaluation)]
        made, counts = [], []
        for row in here:
            mine = [one for one in checks if one.row.model == row.model and _of(one.row, modality, evaluation)]
            of_row = next((one for one in mine if one.row == row), None)
            keys = [key for one in mine if not one.agrees for key in one.row.notes if key in EXPLAINING]
            interval: tuple[float | None, float | None] = (None, None)
            if of_row is not None and of_row.low is not None and of_row.high is not None:
                interval = (of_row.low / 100, of_row.high / 100)
            told = _row(row, interval, [*row.notes, *keys])
            told["recomputed"] = None if of_row is None else of_row.recomputed / 100
            told["agrees"] = None if of_row is None else of_row.agrees
            made.append(told)
            counts.append(_parts_of(row, interval))
        found.append(_board(modality, evaluation, None, "scheme_score", made, counts, _below(modality, evaluation)))
    return found


def _of(row: Published, modality: str, evaluation: str | None) -> bool:
    return (row.modality, row.evaluation) == (modality, evaluation) and row.apart in ("", "text")


def _below(modality: str, evaluation: str | None) -> list[str]:
    """Keys of the notes on the cells that the scores of an evaluation are made of."""
    rows = [row for row in published() if (row.modality, row.evaluation) == (modality, evaluation)]
    keys = dict.fromkeys(key for row in rows for key in row.notes)
    return [key for key in keys if key not in EXPLAINING]


def _parts_of(row: Published, interval: tuple[float | None, float | None]) -> list[Count] | None:
    """The counts that a score is the mean of; None where no interval can be had of it."""
    if interval[0] is None:
        return None
    if row.evaluation == "adversarial" and row.modality == "image":
        return picked_of(row.model)
    if row.modality == "image":
        return [prompts_of(row.model)]
    cells = select(published(), model=row.model, modality=row.modality, evaluation=row.evaluation)
    return [(one.count or 0, one.n or 0) for one in cells if one.benchmark is not None]


def _components() -> list[dict[str, Any]]:
    """A board for each further table: sets, metrics, languages, frameworks, categories, attacks."""
    found: dict[tuple[Any, ...], list[Published]] = {}
    for row in published():
        if row.metric != "scheme_score":
            key = (
                row.modality, row.evaluation, row.benchmark, row.metric, row.attack, row.language, row.framework, row.hazard,
            )  # fmt: skip
            found.setdefault(key, []).append(row)
    boards = []
    for (modality, evaluation, benchmark, metric, *of), rows in found.items():
        counts = [_alone(row) for row in rows]
        made = [_row(row, _wilson(count), row.notes) for row, count in zip(rows, counts, strict=True)]
        board = _board(
            modality, evaluation, benchmark, metric, made, [count and [count] for count in counts], (),
            **dict(zip(("attack", "language", "framework", "hazard"), of, strict=True)),
        )  # fmt: skip
        boards.append(board)
    return boards


def _alone(row: Published) -> Count | None:
    """The count of a figure whose attempts each stand alone."""
    if row.count is None or row.n is None:
        return None
    stands = row.evaluation == "benchmark" or (row.metric, row.benchmark) in _ALONE
    return (row.count, row.n) if stands or (row.modality == "image" and row.attack not in (None, "worst")) else None


def _means(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """The mean of each modality, also those that nobody printed."""
    printed = {(one.row.model, one.row.modality): one for one in checks if one.row.apart == "news"}
    found = []
    sides: tuple[tuple[Modality, Sequence[str]], ...] = (
        ("language", TEXT_MODELS),
        ("vision", TEXT_MODELS),
        ("image", IMAGE_MODELS),
    )
    values = modality_means()
    for modality, models in sides:
        made = []
        for model in models:
            told = printed.get((model, modality))
            keys = ["t2i-three-meanings"] if modality == "image" else []
            keys += [key for key in (told.row.notes if told else ()) if key != "news-mean"]
            made.append(
                {
                    **_blank(model, MEAN),
                    "value": values[model, modality].value,
                    "printed": told.row.printed if told else None,
                    "unit": "percent",
                    "recomputed": values[model, modality].value,
                    "agrees": told.agrees if told else None,
                    "source": "computed from the leaderboard" + ("; the news has it, too" if told else ""),
                    "judge": "",
                    "notes": [note_texts()[key] for key in keys],
                    "note_keys": keys,
                }
            )
        keys = ["news-mean"] if modality != "image" else []
        found.append(_board(modality, None, None, MEAN, made, [None] * len(made), keys))
    return found


def _board(
    modality: str,
    evaluation: str | None,
    benchmark: str | None,
    metric: str,
    rows: Sequence[dict[str, Any]],
    counts: Sequence[list[Count] | None],
    notes: Iterable[str],
    **of: str | None,
) -> dict[str, Any]:
    lower = metric in LOWER
    places = sorted(range(len(rows)), key=lambda i: rows[i]["value"] if lower else -rows[i]["value"])
    rows, counts = [rows[i] for i in places], [counts[i] for i in places]

    def test(i: int, j: int, level: float) -> Compared | None:
        one, other = counts[i], counts[j]
        if one is None or other is None or [n for _, n in one] != [n for _, n in other]:
            return None
        found = paired(list(_least_favourable(one, other)), level)
        return msgspec.structs.replace(found, low=-found.high, high=-found.low) if lower else found

    found = rank(len(rows), test, falls=lower)
    for number, row in enumerate(rows):
        row["rank_low"], row["rank_high"] = found.ranks[number].low, found.ranks[number].high
        row["tied_with"] = [{"model": rows[other]["model"], "run": None} for other in found.tied[number]]
        row["place"] = 1 + sum(_before(other, row, lower) for other in rows)
    texts = note_texts()
    told = [texts[key] for key in dict.fromkeys(notes)]
    return {
        "modality": modality,
        "evaluation": evaluation,
        "benchmark": benchmark,
        "framework": of.get("framework"),
        "metric": metric,
        **{key: value for key, value in of.items() if key != "framework"},
        "origin": "published",
        "lower_is_better": lower,
        "over": [],
        "conditions": [],
        "apart_by": [],
        "across": [],
        "confidence": found.confidence,
        "rows": list(rows),
        "pairs": [
            {
                "models": [rows[pair["first"]]["model"], rows[pair["second"]]["model"]],
                "runs": [None, None],
                **{key: value for key, value in pair.items() if key not in ("first", "second")},
                "method": "paired, least favourable joint table",
            }
            for pair in found.pairs
        ],
        "notes": told,
    }


def _before(one: Mapping[str, Any], other: Mapping[str, Any], lower: bool) -> bool:
    return bool(one["value"] < other["value"] if lower else one["value"] > other["value"])


def _least_favourable(one: Sequence[Count], other: Sequence[Count]) -> Iterator[Laid]:
    """Two figures laid side by side so that most cases went otherwise."""
    for (x, n), (y, _) in zip(one, other, strict=True):
        b, c = most_discordant(x, y, n)
        both = x - b
        neither = n - both - b - c
        first = np.repeat(np.array([1, 1, 0, 0], dtype=np.int64), [both, b, c, neither])
        second = np.repeat(np.array([1, 0, 1, 0], dtype=np.int64), [both, b, c, neither])
        ones: npt.NDArray[np.int64] = np.ones(n, dtype=np.int64)
        yield Laid(1 / len(one), (first, ones, ones), (second, ones, ones))


def _wilson(count: Count | None) -> tuple[float | None, float | None]:
    if count is None:
        return None, None
    found = wilson(*count)
    return found.low, found.high


def _row(row: Published, interval: tuple[float | None, float | None], notes: Iterable[str]) -> dict[str, Any]:
    texts, keys = note_texts(), list(dict.fromkeys(notes))
    return {
        **_blank(row.model, row.metric),
        "value": row.value,
        "low": interval[0],
        "high": interval[1],
        "n": row.n,
        "printed": row.printed,
        "unit": row.unit,
        "reading": row.reading,
        "judge": row.judge,
        "source": f"{row.paper}, {row.source}",
        "notes": [texts[key] for key in keys],
        "note_keys": keys,
    }


def _blank(model: str, metric: str) -> dict[str, Any]:
    """A row as a measured one has it, with nothing in it that the paper does not say."""
    names = ("low", "high", "worst", "best", "n", "planned", "unscored", "error", "run", "created")
    return {
        "model": model, "metric": metric, "origin": "published", **dict.fromkeys(names), "ranked": True, "why": "",
        "tied_with": [],
    }  # fmt: skip


def _apart(row: Published) -> dict[str, Any]:
    texts = note_texts()
    return {
        "model": row.model, "modality": row.modality, "evaluation": row.evaluation, "metric": row.metric,
        "printed": row.printed, "unit": row.unit, "apart": row.apart, "source": f"{row.paper}, {row.source}",
        "notes": [texts[key] for key in row.notes], "note_keys": list(row.notes),
    }  # fmt: skip


def _told(one: Significance) -> dict[str, Any]:
    told: dict[str, Any] = msgspec.to_builtins(one)
    return told | {"certain": one.certain, "possible": one.possible, "by_itself": one.by_itself}
