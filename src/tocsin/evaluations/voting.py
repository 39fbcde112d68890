"""From annotators' votes to labels: what they agree on, what an adjudicator decides, and how far they agree.

The rule: an answer's label is the word that more than half of those who voted on it gave, *cannot tell* counted as a vote. Where
there is no such word, a named adjudicator's vote decides if there is one; else the answer is left out, as a *tie* or as one that
people *cannot tell*. Nothing is guessed. A vote of somebody to whom the judge's verdicts may have been known counts nowhere.
"""

from __future__ import annotations

import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median
from typing import Any, Literal

import msgspec
import numpy as np

from tocsin.datasets import Row, RowError
from tocsin.evaluations.run_labels import CELL, LABEL, QUESTION, WORDS, Labels
from tocsin.evaluations.votes import CANNOT_TELL, Vote
from tocsin.stats.krippendorff import MISSING, krippendorff_alpha, pair_agreement

Open = Literal["no label", "tie", "cannot tell"]
"""Why an answer has no label."""


class Annotator(msgspec.Struct, frozen=True, kw_only=True):
    """How far one annotator has come."""

    name: str
    voted: int
    cannot_tell: int
    median_seconds: float | None
    hours: float
    adjudicated: int = 0
    not_blind: int = 0
    """Of what was said, that which counts nowhere, since the judge's verdicts may have been known."""


def decide(votes: Sequence[str], adjudicated: str | None, words: Mapping[str, bool]) -> bool | Open:
    """Whether an answer fails what its case wants, or why nobody knows.

    Args:
        votes: What annotators said: words of the question, or `CANNOT_TELL`.
        adjudicated: What the adjudicator said, if anything.
        words: The two words of the question → what they mean.
    """
    counts = Counter(votes)
    for word, means in words.items():
        if 2 * counts[word] > len(votes):
            return means
    if adjudicated in words:
        return words[adjudicated or ""]
    if not votes:
        return "no label"
    return "cannot tell" if 2 * counts[CANNOT_TELL] >= len(votes) or adjudicated == CANNOT_TELL else "tie"


def decided(labels: Labels, votes: Iterable[Vote]) -> tuple[dict[int, bool], dict[str, int]]:
    """Cell → whether it fails, and why the others have no label → how many. What has its label already keeps it."""
    given, over = by_cell(votes)
    failed = dict(labels.failed)
    left: Counter[str] = Counter()
    for one in labels.drawn:
        if one.cell in failed:
            continue
        found = decide(list(given[one.cell].values()), over.get(one.cell), WORDS[one.wanted])
        if isinstance(found, str):
            left[found] += 1
        else:
            failed[one.cell] = found
    return failed, dict(sorted(left.items()))


def contested(labels: Labels, votes: Iterable[Vote]) -> list[int]:
    """Answers with votes but without a word that more than half gave, in order of the draw: an adjudicator may decide them."""
    given, _ = by_cell(votes)
    return [
        one.cell
        for one in labels.drawn
        if one.cell not in labels.failed
        and given[one.cell]
        and isinstance(decide(list(given[one.cell].values()), None, WORDS[one.wanted]), str)
    ]


def pending(labels: Labels, votes: Iterable[Vote], annotator: str, told: Collection[int]) -> list[int]:
    """Open answers that somebody may still vote on and has not: with none they have finished.

    Args:
        labels: The draw.
        votes: The votes.
        annotator: Who.
        told: Answers of which they were told how others voted: there is nothing more for them to say of these.
    """
    said = {one.cell for one in votes if one.annotator == annotator and not one.adjudicates}
    return [
        one.cell
        for one in labels.drawn
        if one.cell not in labels.failed and one.cell not in said and one.cell not in told
    ]


def by_cell(votes: Iterable[Vote]) -> tuple[defaultdict[int, dict[str, str]], dict[int, str]]:
    """Cell → annotator → word, and cell → what was last adjudicated: blind votes alone."""
    given: defaultdict[int, dict[str, str]] = defaultdict(dict)
    over: dict[int, tuple[float, str]] = {}
    for one in votes:
        if one.seen:
            continue
        if not one.adjudicates:
            given[one.cell][one.annotator] = one.word
        elif one.cell not in over or one.at >= over[one.cell][0]:
            over[one.cell] = one.at, one.word
    return given, {cell: word for cell, (_, word) in over.items()}


def annotators(votes: Iterable[Vote]) -> list[Annotator]:
    """Everybody who voted, by name."""
    by_name: defaultdict[str, list[Vote]] = defaultdict(list)
    for one in votes:
        by_name[one.annotator].append(one)
    found = []
    for name, given in sorted(by_name.items()):
        own = [one for one in given if not one.adjudicates]
        times = [one.seconds for one in own if one.seconds > 0]
        found.append(
            Annotator(
                name=name, voted=len(own), cannot_tell=sum(one.word == CANNOT_TELL for one in own),
                median_seconds=median(times) if times else None, hours=sum(times) / 3600, adjudicated=len(given) - len(own),
                not_blind=sum(one.seen for one in given),
            )
        )  # fmt: skip
    return found


def agreement_of(
    labels: Labels, votes: Iterable[Vote], clusters: Mapping[int, str], *, names: bool = True
) -> dict[str, Any]:
    """How far annotators agree, question by question: Krippendorff's alpha, and each pair.

    Answers are not weighted: the figures are of those that were drawn, which a design may have chosen for being hard.
    *Cannot tell* is no vote here, and is counted beside. An adjudicator's votes are left out, since they saw that others
    differed.

    Args:
        labels: The draw.
        votes: The votes.
        clusters: Cell → what it stands or falls with.
        names: Whether annotators are named; else they are numbered in the order of their names.

    Returns:
        ``annotators`` (name, voted, cannot_tell, median_seconds, hours, adjudicated, not_blind) and ``questions``: for each
        the question, ``alpha`` and ``pairs``.
    """
    votes = list(votes)
    everyone = annotators(votes)
    said = {one.name: one.name if names else f"annotator {number}" for number, one in enumerate(everyone, 1)}
    given, _ = by_cell(votes)
    questions = []
    for wanted, question in QUESTION.items():
        cells = [one.cell for one in labels.drawn if one.wanted == wanted and given[one.cell]]
        people = [one.name for one in everyone if any(one.name in given[cell] for cell in cells)]
        if len(people) < 2:
            continue
        matrix = np.array(
            [[_code(given[cell].get(name), WORDS[wanted]) for cell in cells] for name in people], dtype=np.int64
        )
        of = [clusters.get(cell, str(cell)) for cell in cells]
        pairs = [
            {
                "first": said[people[pair.first]], "second": said[people[pair.second]], "n": pair.n, "agreed": pair.agreed,
                "agreement": _limits(pair.agreement), "kappa": _limits(pair.kappa),
            }
            for pair in pair_agreement(matrix, of)
        ]  # fmt: skip
        alpha = msgspec.to_builtins(krippendorff_alpha(matrix, of))
        questions.append({"question": question, "alpha": alpha, "pairs": pairs})
    listed = [msgspec.to_builtins(msgspec.structs.replace(one, name=said[one.name])) for one in everyone]
    return {"annotators": listed, "questions": questions}


def sheet_votes(rows: Iterable[Row | RowError], labels: Labels) -> list[Vote]:
    """The votes on a sheet: every column whose name begins with ``label`` is one annotator. Words of no question are none."""
    wanted = {one.cell: one.wanted for one in labels.drawn}
    found = []
    for row in rows:
        cell = str(row.get(CELL, "")).strip() if isinstance(row, Row) else ""
        if not isinstance(row, Row) or not cell.isdecimal() or int(cell) not in wanted:
            continue
        for name in row:
            word = str(row.get(name) or "").strip().lower()
            if name.lower().startswith(LABEL) and word in WORDS[wanted[int(cell)]]:
                found.append(Vote(name, int(cell), False, word, "", 0.0, 0.0))
    return found


def clusters_of(db: sqlite3.Connection, labels: Labels) -> dict[int, str]:
    """Drawn cell → benchmark and cluster of its case."""
    query = "SELECT s.benchmark, s.cluster FROM cells c JOIN cases s ON s.id = c.case_ref WHERE c.id = ?"
    found = {}
    for one in labels.drawn:
        row = db.execute(query, (one.cell,)).fetchone()
        if row:
            found[one.cell] = "\0".join(row)
    return found


def _code(word: str | None, words: Mapping[str, bool]) -> int:
    return int(words[word]) if word is not None and word in words else MISSING


def _limits(figure: Any) -> dict[str, float | None]:
    return {"value": figure.value, "low": figure.low, "high": figure.high}
