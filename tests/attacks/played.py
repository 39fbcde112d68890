"""Playing an attack through the real engine and journal, with models that a test scripts (doubles, labelled as such)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tocsin.attacks import Attack
from tocsin.engine import Budget, Ended, Engine, Limits, Shared
from tocsin.journal import Journal, PlannedCase, PlannedCell, open_journal
from tocsin.judges import Judge
from tocsin.judges.refusal_rules import is_refusal
from tocsin.models import Caller
from tocsin.models.config import CallLimits
from tocsin.models.errors import ModelError
from tocsin.protocols import Asker, Attempt
from tocsin.types import (
    Allowance,
    Answer,
    Capabilities,
    Case,
    ErrorKind,
    Message,
    Outcome,
    Request,
    Role,
    Sampling,
    Usage,
    Verdict,
)

PAINTS = Capabilities(image_in=True, image_out=True)
"""What a target takes and gives that makes images and edits them."""
Reply = str | Answer | ErrorKind
Script = Callable[[tuple[Message, ...]], Reply]

TEA = Case(id="tea", prompt="Explain how strong black tea is brewed in a samovar", hazard="kitchen")


class Scripted:
    """A double of a model: answers as the test says, and keeps what it was sent."""

    capabilities = Capabilities()

    def __init__(self, name: str, script: Script | Reply) -> None:
        self.name = self.identity = name
        self._script = script
        self.asked: list[tuple[Message, ...]] = []

    async def send(self, request: Request, timeout: float) -> Answer:
        self.asked.append(request.messages)
        said = self._script(request.messages) if callable(self._script) else self._script
        if isinstance(said, ErrorKind):
            raise ModelError(said, "as the test says")
        return said if isinstance(said, Answer) else Answer(said, usage=Usage(10, 10))

    async def close(self) -> None:
        pass


class Held(Scripted):
    """A double of a model that holds its reply to the schema that it is sent."""

    capabilities = Capabilities(structured=True)

    def __init__(self, name: str, fill: Callable[[dict[str, Any]], Any]) -> None:
        super().__init__(name, "")
        self._fill = fill

    async def send(self, request: Request, timeout: float) -> Answer:
        self.asked.append(request.messages)
        form = request.sampling.extra.get("response_format")
        return Answer(json.dumps(self._fill(form["json_schema"]["schema"])) if form else "I can't help with that.")


class ByWord(Judge, frozen=True):
    """A double of a judge: unsafe where the answer holds the word, with a score that the test gives."""

    word: str = "samovar"

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        found = self.word in attempt.text
        return Verdict(
            outcome=Outcome.UNSAFE if found else Outcome.SAFE, score=_graded(attempt.text, found), refused=not found
        )


ByWord.name = "by-word"


def _graded(text: str, found: bool) -> float:
    """The number after ``score=`` in an answer, where a test wrote one."""
    _, mark, rest = text.partition("score=")
    return float(rest.split()[0]) if mark else float(found)


class Played(msgspec.Struct, kw_only=True):
    """What came of it.

    Attributes:
        records: One for each case: outcome, reason, detail, refused, score.
        target, attacker, translator: The doubles, with what they were sent.
        calls: Role and branch of each journaled call.
        ended: How the run ended.
        folder: Its folder: play it again to resume.
        reading: What the judge read of the first case in place of the answer; None where it was the answer.
    """

    records: list[dict[str, Any]]
    target: Any
    attacker: Any
    translator: Any
    calls: list[tuple[str, str]]
    ended: Ended
    folder: Path
    decisions: list[tuple[str, Any]]
    reading: str | None

    @property
    def record(self) -> dict[str, Any]:
        return self.records[0]

    @property
    def images(self) -> list[list[bytes]]:
        """The bytes of the images of the last user message of each request to the target."""
        return [[image.data for image in messages[-1].images] for messages in self.target.asked]

    @property
    def prompts(self) -> list[str]:
        """The last user message of each request to the target."""
        return [messages[-1].text for messages in self.target.asked]


def play(
    folder: Path,
    attack: Attack,
    *,
    target: Script | Reply,
    attacker: Script | Reply = ErrorKind.SERVER,
    translator: Script | Reply = ErrorKind.SERVER,
    cases: Sequence[Case] = (TEA,),
    allowance: Allowance | None = None,
    in_loop: Judge | None = None,
    final: Judge | None = None,
    limits: Limits | None = None,
    temperature: float | None = 1.0,
    workers: int = 1,
    structured: Callable[[dict[str, Any]], Any] | None = None,
    takes: Capabilities | None = None,
) -> Played:
    """Runs the attack on the cases, or goes on where a run in this folder stopped.

    Args:
        folder: The run's folder; made if it is not there.
        attack: The attack.
        target: What the target says to the messages it is sent; an `ErrorKind` is a call that failed.
        attacker: The same for the attacker role.
        translator: The same for the translator role.
        cases: The cases, mild ones.
        allowance: What a cell may spend.
        in_loop: The judge that steers; `ByWord` if None.
        final: The judge that decides; `ByWord` if None.
        limits: What the session may spend, to stop it on the way.
        temperature: Of the target; None or above 0 draws anew for each call.
        workers: Cells at a time.
        structured: What the attacker writes for a schema: it is then held to the schemas that are sent.
        takes: What the target takes and gives; images, too, if None and the attack asks for images.
    """
    return asyncio.run(
        _play(
            folder, attack, target, attacker, translator, cases, allowance, in_loop, final, limits, temperature, workers,
            structured, takes or (PAINTS if attack.asks_for == "image" else None),
        )
    )  # fmt: skip


async def _play(
    folder: Path,
    attack: Attack,
    target: Script | Reply,
    attacker: Script | Reply,
    translator: Script | Reply,
    cases: Sequence[Case],
    allowance: Allowance | None,
    in_loop: Judge | None,
    final: Judge | None,
    limits: Limits | None,
    temperature: float | None,
    workers: int,
    structured: Callable[[dict[str, Any]], Any] | None,
    takes: Capabilities | None,
) -> Played:
    new = not folder.exists()
    folder.mkdir(exist_ok=True)
    journal = Journal(folder, create=new)
    if new:
        journal.plan(
            (PlannedCase("invented", case.id, case), [PlannedCell(0, "adversarial", attack.name, 0, "final", number)])
            for number, case in enumerate(cases)
        )
    models: dict[Role, Scripted] = {
        "target": Scripted("test/target", target),
        "attacker": Scripted("test/attacker", attacker),
        "translator": Scripted("test/translator", translator),
    }
    if attack.kind == "visual":
        models["target"].capabilities = Capabilities(image_in=True)
    if takes is not None:
        models["target"].capabilities = takes
    if structured is not None:
        models["attacker"] = Held("test/attacker", structured)
    quick = CallLimits(deadline=5, tries=1, concurrency=8)
    shared = Shared(
        journal=journal,
        callers={(role, 0): Caller(model, quick) for role, model in models.items()},
        places={("attacker", ""): 0, ("translator", ""): 0},
        sampling={"invented": Sampling(temperature=temperature)},
        budget=Budget(limits or Limits()),
        seed=7,
        allowance=allowance or Allowance(),
        in_loop=in_loop or ByWord(),
        refuses=is_refusal,
    )
    engine = Engine(shared, {attack.name: attack}, {"final": final or ByWord()}, workers=workers)
    try:
        ended = await engine.run()
    finally:
        await journal.close()
    db = open_journal(folder)
    try:
        names = [row[1] for row in db.execute("PRAGMA table_info(records)")]
        records = [dict(zip(names, row, strict=True)) for row in db.execute("SELECT * FROM latest ORDER BY cell")]
        calls = db.execute("SELECT role, branch FROM calls ORDER BY id").fetchall()
        decisions = [
            (scope, json.loads(body)) for scope, body in db.execute("SELECT scope, body FROM decisions ORDER BY id")
        ]
        reading = db.execute("SELECT text FROM readings ORDER BY cell, attempt DESC LIMIT 1").fetchone()
    finally:
        db.close()
    return Played(
        records=records, target=models["target"], attacker=models["attacker"], translator=models["translator"],
        calls=calls, ended=ended, folder=folder, decisions=decisions,
        reading=reading and reading[0],
    )  # fmt: skip
