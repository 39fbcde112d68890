"""Measuring a judge against human labels. In this version for judges that read by rules; see docs/design/calibration.md."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from tocsin import judges
from tocsin.conversation import Conversation
from tocsin.datasets import data_folder
from tocsin.engine import settled
from tocsin.engine.session import Answered
from tocsin.evaluations.assessment import check_terms
from tocsin.judges import Judge
from tocsin.judges.labels import Labelled, LabelSet, Reading, find, others_agree, own_labels
from tocsin.registry import UnknownName
from tocsin.stats import Agreement, Estimate, Figure, human_agreement, judge_agreement
from tocsin.types import Answer, Call, Case, Message, Outcome, Request, Role, Verdict

ANSWERS = ("response harm", "jailbreak success", "refusal")
"""What labels of answers are about. A judge of answers has nothing to say of prompts alone."""


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """A judge beside the people of one set of labels.

    Attributes:
        judge: The judge's name.
        identity: Its identity: what is measured holds for no other.
        labels: The set, or the file.
        about: What the labels say.
        positive: What a positive label means: ``unsafe`` or ``refused``.
        who: Who labelled.
        held_out: Whether the set is kept out of all training and tuning.
        agreement: The figures; unscored counts as wrong in all but the coverage.
        n: Labels that were compared.
        people: How far pairs of people agree, where the set has single votes: the ceiling.
        others: Judges whose verdicts the set stores → share of the labels they agree with.
        left_out: Why rows have no part in it → how many.
        files: The sha256 of each file that was read.
    """

    judge: str
    identity: str
    labels: str
    about: str
    positive: str
    who: str
    held_out: bool
    agreement: Agreement
    n: int
    people: Estimate | None
    others: dict[str, float]
    left_out: dict[str, int]
    files: dict[str, str]

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: each figure as ``{"value", "low", "high"}`` beside what it stands on."""
        figures = {
            name: _span(getattr(self.agreement, name))
            for name in (
                "agreement",
                "kappa",
                "sensitivity",
                "specificity",
                "balanced_accuracy",
                "f1",
                "auc",
                "coverage",
            )
        }
        return {
            "judge": self.judge, "identity": self.identity, "labels": self.labels, "about": self.about,
            "positive": self.positive, "who": self.who, "held_out": self.held_out, "n": self.n, **figures,
            "majority": self.agreement.majority,
            "people": None if self.people is None else _span(self.people),
            "others": self.others,
            "confusion": [list(row) for row in self.agreement.confusion],
            "left_out": self.left_out,
            "files": self.files,
        }  # fmt: skip


def calibrate(
    judge: str,
    *,
    on: Sequence[str],
    data: Path | str | None = None,
    accept_licences: Sequence[str] = (),
    parameters: dict[str, Any] | None = None,
) -> list[Calibration]:
    """Measures a judge on sets of human labels.

    Args:
        judge: The judge's name.
        on: Names of label sets, or files with the columns ``prompt``, ``response`` and ``label``.
        data: Folder with datasets.
        accept_licences: Names of label sets whose terms are accepted.
        parameters: Of the judge.

    Raises:
        UnknownName, ValueError: There is no such judge or set; or the judge asks a model, or reads no answers of this kind.
        DatasetError, RowError, LicenceNotAccepted: The labels cannot be had or read.
    """
    made = judges.make(judge, parameters)
    if made.models:
        raise ValueError(
            f"judge {judge!r} asks a model: calibrating such judges is not in this version, which measures judges that read"
            " by rules"
        )
    sets = [_set(name) for name in on]
    for one in sets:
        if one.labels not in ANSWERS:
            raise ValueError(f"labels {one.name!r} are about {one.labels}, and a judge reads answers")
        check_terms(f"label set {one.name!r}", one.dataset, one.name, accept_licences)
    folder = data_folder(Path(data) if data else None)
    return [_calibration(made, one, one.load(folder)) for one in sets]


def _set(name: str) -> LabelSet:
    path = Path(name)
    if path.is_file():
        return own_labels(path)
    try:
        return find(name)
    except UnknownName as error:
        raise UnknownName("label set", name, error.known) from None


def _calibration(judge: Judge, labels: LabelSet, reading: Reading) -> Calibration:
    kept = [record for record in reading.labelled if record.positive is not None and record.response is not None]
    if not kept:
        raise ValueError(f"labels {labels.name!r}: no row has a label and an answer ({reading.left})")
    if any(record.probability != 1 for record in kept):
        raise ValueError(
            f"labels {labels.name!r} were drawn with unequal probability: figures over them need weights, which this"
            " version does not apply to agreement"
        )
    verdicts = asyncio.run(_verdicts(judge, kept))
    refusal = labels.labels == "refusal"
    said = np.array([_said(verdict, refusal=refusal) for verdict in verdicts])
    scores = np.array([np.nan if verdict.score is None or refusal else verdict.score for verdict in verdicts])
    everyone = (*reading.labelled, *reading.without_text)
    return Calibration(
        judge=judge.name,
        identity=judge.identity,
        labels=labels.name,
        about=labels.labels,
        positive="refused" if refusal else "unsafe",
        who=labels.who,
        held_out=labels.held_out,
        agreement=judge_agreement(
            np.array([record.positive for record in kept], dtype=bool),
            said,
            [record.cluster or record.id for record in kept],
            scores=None if np.isnan(scores).all() else scores,
        ),
        n=len(kept),
        people=_people(everyone),
        others={name: agreed.share for name, agreed in others_agree(everyone).items() if agreed.share is not None},
        left_out={str(reason): count for reason, count in reading.left.counts.items()},
        files={found.file.name: found.sha256 for found in reading.files},
    )


async def _verdicts(judge: Judge, records: Sequence[Labelled]) -> list[Verdict]:
    return [await _verdict(judge, record) for record in records]


async def _verdict(judge: Judge, record: Labelled) -> Verdict:
    """What the judge says of a labelled answer, by the same way as in a run."""
    case = Case(id=record.id, prompt=record.prompt, language=record.language, hazard=record.hazard)
    answer = Answer(record.response or "")
    spoken = Conversation.of(case.messages()).then(Message("assistant", answer.text))
    attempt = Answered(spoken, answer, Call(id=0, result=answer))
    return settled(case, answer, answer.text) or await judge.judge(case, attempt, _nobody)


async def _nobody(request: Request, role: Role, model: str = "") -> Answer:
    raise RuntimeError("a judge that names no model asks none")


def _said(verdict: Verdict, *, refusal: bool) -> int:
    if refusal:
        return -1 if verdict.refused is None else int(verdict.refused)
    return {Outcome.UNSAFE: 1, Outcome.SAFE: 0}.get(verdict.outcome, -1)


def _people(records: Sequence[Labelled]) -> Estimate | None:
    voted = [record for record in records if len(record.votes) > 1]
    if not voted:
        return None
    words = (True, False, None)
    votes = [[sum(vote is word for vote in record.votes) for word in words] for record in voted]
    return human_agreement(np.array(votes), [record.cluster or record.id for record in voted], draws=200).pairwise


def _span(figure: Figure | Estimate) -> dict[str, float | None]:
    known = figure.value is not None
    return {"value": figure.value, "low": figure.low if known else None, "high": figure.high if known else None}
