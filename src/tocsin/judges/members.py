"""What judges that ask other judges share: making them, hearing them, and saying what they said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from tocsin import registry
from tocsin.engine import PASS_ON, CallFailed
from tocsin.judges.contract import Judge, Output, Sees, make
from tocsin.protocols import Asker, Attempt
from tocsin.types import Case, Outcome, Unscored, Verdict

Entry = str | dict[str, Any]
"""How a member is written: its name, or ``{judge: NAME, …}`` with its parameters."""


def made(what: str, entry: Entry) -> Judge:
    """The judge that an entry names.

    Args:
        what: What the entry is, for the message of an error: ``member 2``.
        entry: The entry.

    Raises:
        ValueError: It names no judge, or one that cannot be made.
    """
    parameters = {"judge": entry} if isinstance(entry, str) else dict(entry)
    name = parameters.pop("judge", None)
    if not isinstance(name, str):
        raise ValueError(f"{what}: names no judge, as in {{judge: guard}}")
    try:
        return make(name, parameters)
    except (registry.UnknownName, ValueError) as error:
        raise ValueError(f"{what}: {error}") from error


def entry_of(judge: Judge) -> dict[str, Any]:
    """An entry that makes the same judge."""
    return {"judge": judge.name, **msgspec.to_builtins(judge)}


def check_apart(what: str, judges: Sequence[Judge]) -> None:
    """Raises `ValueError` if two of the judges are the same."""
    identities = [judge.identity for judge in judges]
    for place, identity in enumerate(identities, 1):
        if (first := identities.index(identity) + 1) != place:
            raise ValueError(f"{what} {first} and {place} are the same judge ({identity})")


def models_of(judges: Sequence[Judge]) -> tuple[str, ...]:
    """The models that the judges ask, each once."""
    return tuple(dict.fromkeys(name for judge in judges for name in judge.models))


def asks_of(judges: Sequence[Judge], reached: Sequence[float]) -> dict[str, tuple[float, int]]:
    """How often the judges ask each model together, usually and at most.

    Args:
        judges: The judges.
        reached: The share of answers that is taken to come to each.
    """
    found: dict[str, tuple[float, int]] = {}
    for judge, share in zip(judges, reached, strict=True):
        for name, (usual, most) in judge.asks.items():
            before = found.get(name, (0.0, 0))
            found[name] = (before[0] + share * usual, before[1] + most)
    return found


def shown_to(judges: Sequence[Judge]) -> tuple[str, ...]:
    """The models to which the judges show images, each once."""
    return tuple(dict.fromkeys(name for judge in judges for name in judge.shown_to))


def sees_of(judges: Sequence[Judge]) -> Sees:
    """What has to be shown so that each of the judges sees its own: text, images, or both."""
    found = {judge.sees for judge in judges}
    return found.pop() if len(found) == 1 else "both"


def unfit_of(judges: Sequence[Judge], output: Output) -> str:
    """Why one of the judges cannot judge answers of this kind: it would never vote. Empty if all can."""
    return next((f"asks {judge.name!r}, which {why}" for judge in judges if (why := judge.unfit(output))), "")


async def heard(judge: Judge, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
    """What one of several judges says; unscored where it cannot judge such answers, where its call fails, or where it has a
    fault, which stops no other.
    """
    if why := judge.unfit(case.output):
        return Verdict(outcome=Outcome.UNSCORED, reason=Unscored.UNSURE, rationale=f"it {why}")
    try:
        return await judge.judge(case, attempt, ask)
    except CallFailed as failed:
        why = str(failed.failure.kind)
    except PASS_ON:
        raise
    except Exception as error:
        why = type(error).__name__
    return Verdict(outcome=Outcome.UNSCORED, reason=Unscored.JUDGE_FAILED, rationale=why)


def told(identity: str, verdict: Verdict) -> str:
    """A judge's verdict in a word, with the reason where there is none."""
    return f"{identity}={verdict.outcome}{f':{verdict.reason}' if verdict.reason else ''}"
