"""No attack at all: the baseline that every attack is compared with."""

from __future__ import annotations

from tocsin.attacks.contract import NO_ATTACK, Attack, attack
from tocsin.protocols import Attempt, Session
from tocsin.types import Case


@attack("direct", kind="transform", card=NO_ATTACK)
class Direct(Attack, frozen=True):
    """Puts the case to the target as it stands."""

    async def run(self, case: Case, session: Session) -> Attempt:
        """One call, with the case's own messages."""
        return await session.ask()
