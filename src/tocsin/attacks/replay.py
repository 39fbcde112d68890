"""Replay: what the user said in a conversation that succeeded with one model, put to another. No attack to be listed."""

from __future__ import annotations

import msgspec

from tocsin.attacks.contract import Attack, Card
from tocsin.protocols import Attempt, Session
from tocsin.types import Case

CARD = Card(
    paper="none",
    source="",
    family="none",
    mechanism="The user's turns of a conversation that succeeded with another model are put word for word; the model gives its"
    " own answers in between.",
)


class Spoken(msgspec.Struct, frozen=True):
    """What the user's side of a conversation was: the system prompt beyond the case's own, and the turns."""

    system: str | None
    turns: tuple[str, ...]


def tag(attack: str) -> str:
    """The name of the case's tag that holds what an attack said, as JSON of `Spoken`."""
    return f"spoken:{attack}"


class Replay(Attack, frozen=True):
    """Puts what an attack said to another model.

    Attributes:
        attack: Its name in the run where it succeeded.
    """

    attack: str

    async def run(self, case: Case, session: Session) -> Attempt:
        """Turn by turn; the last answer is what is judged, with the conversation."""
        spoken = msgspec.json.decode(case.tags[tag(self.attack)], type=Spoken)
        first, *others = spoken.turns
        attempt = await session.ask(first, system=spoken.system)
        for prompt in others:
            attempt = await session.ask(prompt)
        return attempt


Replay.name, Replay.card, Replay.kind = "replay", CARD, "transform"
