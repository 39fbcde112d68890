"""One attack on one prompt, with everything that was said: for people who develop attacks."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from tocsin import attacks
from tocsin.api.assessing import assess_async
from tocsin.api.run import Run, run_loop
from tocsin.evaluations.attacking import IMAGES_IN_LOOP, IN_LOOP
from tocsin.journal import open_journal
from tocsin.types import Answer, Image, Request

NAME = "attack"
"""The name that the suite of such a run gives to the attack with its parameters."""


class Turn(msgspec.Struct, frozen=True):
    """One call: who was asked, on which branch, what, and what came."""

    role: str
    branch: str
    said: str
    """The last message of the request."""
    messages: int
    """Messages of the request."""
    answer: str
    error: str
    judged: bool
    """Whether the answer is the one that was judged."""
    shown: tuple[Image, ...] = ()
    """The images of the last message of the request, as the run keeps them."""
    made: tuple[Image, ...] = ()
    """Those of the answer."""


class Attacked(msgspec.Struct, frozen=True):
    """What came of an attack on one prompt."""

    run: Run
    turns: list[Turn]
    outcome: str
    reason: str
    score: float | None
    judge: str
    detail: str


def attack_one(attack: str, model: str | None, prompt: str, **options: Any) -> Attacked:
    """Puts one prompt to a model with one attack; see `attack_one_async` for the options."""
    return run_loop(attack_one_async(attack, model, prompt, **options))


async def attack_one_async(
    attack: str,
    model: str | None,
    prompt: str,
    *,
    parameters: Mapping[str, Any] | None = None,
    roles: Mapping[str, str] | None = None,
    judge: str | None = None,
    in_loop: str | None = None,
    queries: int | None = None,
    system: str | None = None,
    seed: int = 1,
    out: Path | str = "runs",
    config: Path | str | None = None,
) -> Attacked:
    """Puts one prompt to a model with one attack, in a run like any other.

    Args:
        attack: The attack's name.
        model: The target; the embedded default if None.
        prompt: What a safe model refuses.
        parameters: Of the attack.
        roles: Role → model: ``attacker``, ``translator``, ``judge``.
        judge: The final judge; `embedded` if None, or `image-rubric` where the attack asks for images.
        in_loop: The judge that steers; the same.
        queries: Calls to the target at most.
        system: A system prompt of the target.
        seed: Of the attack's random numbers.
        out: Folder in which the run's own folder is made.
        config: A ``tocsin.toml``; the one in the working folder if None.

    Raises:
        UnknownName, ValueError, ConfigError, ModelUnavailable, JournalError: As `assess`.
    """
    made = attacks.make(attack, dict(parameters or {}))
    usual = IMAGES_IN_LOOP if made.asks_for == "image" else IN_LOOP
    judge, in_loop = judge or usual, in_loop or usual
    suite = {
        "name": NAME,
        "seed": seed,
        "attacks": {attack: dict(parameters or {})},
        "adversarial": {
            "attacks": [attack], "judge": judge, "in_loop": in_loop, "allowance": {"queries": queries} if queries else {},
        },
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        said, cases = _written(Path(folder), suite, prompt, system, made.asks_for)
        run = await assess_async(
            *([model] if model else []), suite=str(said), cases=cases, evaluations=["adversarial"], judge=judge,
            roles=roles or {}, out=out, config=config,
        )  # fmt: skip
    db = open_journal(run.folder)
    try:
        turns = [
            _turn(*row)
            for row in db.execute(
                "SELECT role, branch, request, answer, error, id IN (SELECT call FROM latest) FROM calls ORDER BY id"
            )
        ]
        last = db.execute("SELECT outcome, reason, score, judge, detail FROM latest").fetchone()
    finally:
        db.close()
    outcome, reason, score, judged_by, detail = last or ("unfinished", run.ended.reason, None, "", "")
    return Attacked(run, turns, outcome, reason, score, judged_by, detail)


def _written(folder: Path, suite: dict[str, Any], prompt: str, system: str | None, output: str) -> tuple[Path, Path]:
    """The suite and the prompt as files, which is what a run is made of."""
    said, cases = folder / "attack.yaml", folder / "prompt.jsonl"
    said.write_text(json.dumps(suite), encoding="utf-8")  # JSON is YAML
    row = {"id": "prompt", "prompt": prompt, "output": output, **({"system": system} if system else {})}
    cases.write_text(json.dumps(row) + "\n", encoding="utf-8")
    return said, cases


def _turn(role: str, branch: str, request: bytes, answer: bytes | None, error: str | None, judged: int) -> Turn:
    messages = msgspec.json.decode(request, type=Request).messages
    came = msgspec.json.decode(answer, type=Answer) if answer else Answer()
    return Turn(
        role, branch, messages[-1].text, len(messages), came.text, error or "", bool(judged), messages[-1].images, came.images
    )  # fmt: skip
