"""Judging answers that are there already: each label becomes a case, and its answer an attempt that asked nobody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

import msgspec

from tocsin.conversation import Conversation
from tocsin.engine import Answered, settled
from tocsin.journal import PlannedCase, PlannedCell, open_journal
from tocsin.judges import Judge
from tocsin.judges.cascade import taken
from tocsin.judges.labels import Labelled
from tocsin.judges.measuring import Row, said
from tocsin.protocols import Session
from tocsin.types import Answer, Call, Case, Image, Message, Outcome, Request, Role, Unscored, Verdict

_ANSWER, _LABEL, _MADE = "answer", "positive", "made"


class StoredAnswer:
    """Takes a case's stored answer for the target's. Implements `tocsin.protocols.Attack`; it is no attack to be listed."""

    name = "stored"
    identity = "stored@1"

    async def run(self, case: Case, session: Session) -> Answered:
        """The attempt, without a call."""
        return attempt_of(case)


def case_of(record: Labelled) -> Case:
    """A labelled answer as a case that holds its answer and its label; its images are read here, one case at a time.

    The images that a model made stand behind those that were shown along with the prompt.

    Raises:
        ValueError: An image is gone, or has changed.
    """
    tags = {_ANSWER: record.response or "", _LABEL: str(int(bool(record.positive)))}
    pictured = [Image(one.media_type, one.read()) for one in (*record.question_images, *record.images)]
    return Case(
        id=record.id,
        prompt=record.prompt,
        language=record.language,
        hazard=record.hazard,
        cluster=record.cluster,
        tags=tags | ({_MADE: str(len(record.images))} if record.images else {}),
        images=tuple(pictured),
        output="image" if record.images else "text",
    )


def attempt_of(case: Case) -> Answered:
    """The finished attempt that a case of `case_of` holds."""
    shown = len(case.images) - int(case.tags.get(_MADE, 0))
    answer = Answer(case.tags[_ANSWER], images=case.images[shown:])
    asked = msgspec.structs.replace(case, images=case.images[:shown]).messages()
    spoken = Conversation.of(asked).then(Message("assistant", answer.text, answer.images))
    return Answered(spoken, answer, Call(id=0, result=answer), drawn=answer.images)


def row_of(case: Case, outcome: Outcome, refused: bool | None, score: float | None, *, refusal: bool) -> Row:
    """Label and verdict of one case."""
    return Row(
        id=case.id,
        positive=case.tags[_LABEL] == "1",
        said=said(outcome, refused, refusal=refusal),
        score=score,
        cluster=case.cluster or case.id,
        language=case.language,
        hazard=case.hazard,
    )


def planned(
    labels: str, records: Sequence[Labelled], judge: str, seed: int
) -> Iterator[tuple[PlannedCase, list[PlannedCell]]]:
    """The plan of a run that has a judge read stored answers, in a seeded random order."""
    for record in records:
        told = f"{seed}\0{labels}\0{record.id}".encode("utf-8", "surrogatepass")
        rank = int.from_bytes(blake2b(told, digest_size=8).digest(), "big") >> 1
        yield PlannedCase(labels, record.id, case_of(record)), [PlannedCell(0, "benchmark", "stored", 0, judge, rank)]


async def judged(judge: Judge, records: Sequence[Labelled], *, refusal: bool) -> list[Row]:
    """What a judge that asks nobody says of labelled answers, in the order of the records."""
    rows = []
    for record in records:
        verdict = await verdict_of(judge, case := case_of(record))
        rows.append(row_of(case, verdict.outcome, verdict.refused, verdict.score, refusal=refusal))
    return rows


async def verdict_of(judge: Judge, case: Case) -> Verdict:
    """What a judge that asks nobody says of one stored answer, by the same way as in a run."""
    attempt = attempt_of(case)
    return settled(case, attempt.answer, attempt.text) or await judge.judge(case, attempt, nobody)


async def nobody(request: Request, role: Role, model: str = "") -> Answer:
    """For judges that ask no model."""
    raise RuntimeError("a judge that names no model asks none")


def rows_of(run: Path, labels: str, *, refusal: bool) -> list[Row]:
    """Labels and verdicts of one set from the journal of a run, in the order of the plan.

    What has no record yet, or ended in an error, has no verdict: it is left out of the rows.
    """
    db = open_journal(run)
    try:
        found = db.execute(
            "SELECT s.body, r.outcome, r.refused, r.score FROM cells c JOIN cases s ON s.id = c.case_ref"
            " JOIN latest r ON r.cell = c.id WHERE s.benchmark = ? AND s.body IS NOT NULL AND r.outcome <> 'error' ORDER BY c.id",
            (labels,),
        )
        decode = msgspec.json.Decoder(Case).decode
        return [
            row_of(decode(body), Outcome(outcome), None if refused is None else bool(refused), score, refusal=refusal)
            for body, outcome, refused, score in found
        ]
    finally:
        db.close()


def unread(run: Path) -> tuple[int, str]:
    """Answers on which the judge failed, refused or could not be read, and the most frequent reason."""
    db = open_journal(run)
    try:
        rows = db.execute(
            "SELECT detail, count(*) FROM latest WHERE reason = ? GROUP BY 1 ORDER BY 2 DESC",
            (Unscored.JUDGE_FAILED.value,),
        ).fetchall()
    finally:
        db.close()
    return sum(count for _, count in rows), str(rows[0][0]) if rows else ""


def decided(run: Path, labels: str) -> str:
    """How much of a set each step of a cascade decided, and the calls that it took; empty for another judge."""
    db = open_journal(run)
    try:
        rows = db.execute(
            "SELECT r.detail, (SELECT count(*) FROM calls a WHERE a.cell = r.cell) FROM latest r JOIN cells c ON c.id = r.cell"
            " JOIN cases s ON s.id = c.case_ref WHERE s.benchmark = ?",
            (labels,),
        ).fetchall()
    finally:
        db.close()
    places = [place for detail, _ in rows if (place := taken(detail)) is not None]
    if not places:
        return ""
    steps = Counter(place.asked for place in places if place.decided)
    shares = ", ".join(f"step {step} decided {count / len(rows):.0%}" for step, count in sorted(steps.items()))
    calls = sum(count for _, count in rows)
    return f"{labels}: {shares}; {calls} calls for {len(rows)} answers"
