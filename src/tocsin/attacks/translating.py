"""Translate: every text of a case, put into another language and back. No target is asked, and no attack is to be listed."""

from __future__ import annotations

import msgspec

from tocsin.attacks.contract import Attack, Card
from tocsin.benchmarks.parts import PROMPT, option, parts, pieces
from tocsin.conversation import Conversation
from tocsin.engine import REASON, Answered, CallFailed, delivered, fingerprint, withheld
from tocsin.judges.refusal_rules import is_refusal
from tocsin.protocols import Session
from tocsin.types import Answer, Call, Case, ErrorKind, Failure, Message

CARD = Card(
    paper="none",
    source="",
    family="none",
    mechanism="Each text of the case is translated, and what came of it is translated back, so that the two can be compared.",
)
TO = "translate-to"
"""The case's tag that says into which language."""


class Both(msgspec.Struct, frozen=True):
    """A text in another language, and what became of that on the way back."""

    translation: str
    back: str


Said = dict[str, Both]
"""Name of a part → its translation."""


def said_of(reading: str) -> Said:
    """What a finished cell has on record, as `Translate` left it."""
    return msgspec.json.decode(reading, type=Said)


class Translate(Attack, frozen=True):
    """Translates a case, part by part. What came of it stands where a judge would read the answer."""

    async def run(self, case: Case, session: Session) -> Answered:
        """The attempt; its reading is the JSON of `Said`."""
        said: Said = {}
        texts = parts(case)
        for name, text in texts.items():
            if name != PROMPT:
                said[name] = await self._both(text, case, session)
        if PROMPT in texts:
            said[PROMPT] = await self._prompt(case, session, said)
        _check([both.translation for both in said.values()])
        told = msgspec.json.encode({name: said[name] for name in texts}).decode()
        answer = Answer("translated")
        spoken = Conversation.of(case.messages()).then(Message("assistant", answer.text))
        return Answered(spoken, answer, Call(id=0, result=answer), read_as=told)

    async def _prompt(self, case: Case, session: Session, said: Said) -> Both:
        """The prompt: what it says besides its options, and these as they were translated by themselves."""
        found = []
        for text, label in pieces(case):
            if label is None:
                found.append(await self._both(text, case, session))
            else:
                found.append(said[option(label)] if label else Both(text, text))
        return Both("".join(one.translation for one in found), "".join(one.back for one in found))

    async def _both(self, text: str, case: Case, session: Session) -> Both:
        core = text.strip()
        if not any(sign.isalpha() for sign in core):
            return Both(text, text)
        head, _, tail = text.partition(core)
        there = delivered(await session.translate(core, source=case.language, target=case.tags[TO]), core, is_refusal)
        _check([there])
        back = await session.translate(there, source=case.tags[TO], target=case.language)
        return Both(f"{head}{there}{tail}", f"{head}{back}{tail}")


def _check(texts: list[str]) -> None:
    """Stops at what the filter stops: nobody is sent it, and it is not kept."""
    if withheld(*texts):
        raise CallFailed(Failure(ErrorKind.WITHHELD, f"{REASON} (sha256 {fingerprint(chr(0).join(texts))})"))


Translate.name, Translate.card, Translate.kind, Translate.version = "translate", CARD, "transform", 2
