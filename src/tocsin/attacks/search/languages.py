"""Putting a case in another language: the prompt there, the answer back, and one language after another until one works."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated

import msgspec

from tocsin.attacks.contract import Attack
from tocsin.attacks.search.progress import Progress
from tocsin.attacks.steering import succeeded
from tocsin.engine import CallFailed, delivered
from tocsin.judges.refusal_rules import is_refusal
from tocsin.languages import UnknownLanguage, language, same
from tocsin.protocols import Attempt, Session
from tocsin.types import Case

Languages = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]
"""BCP 47 codes; what takes them calls `check`."""


def check(languages: Iterable[str]) -> None:
    """Stops at a code that names no known language.

    Raises:
        ValueError: There is one; the message names the parameter, the code, and the nearest codes.
    """
    for code in languages:
        try:
            language(code)
        except UnknownLanguage as error:
            raise ValueError(f"languages: {error}") from None


class InLanguages(Attack, frozen=True, kw_only=True):
    """Base of the attacks that put the whole request in other languages.

    Attributes:
        languages: BCP 47 codes, in the order in which they are tried until the in-loop judge finds a success. With one
            alone, that is what is judged, and no judge is needed in the loop.
    """

    languages: Languages

    def __post_init__(self) -> None:
        """Refuses what is no language."""
        check(self.languages)

    @property
    def needed(self) -> tuple[str, ...]:
        """The judge only where there is a choice."""
        return tuple(role for role in self.needs if role != "judge" or len(self.languages) > 1)

    @property
    def queries(self) -> int:
        """One for each language."""
        return len(self.languages)

    def framed(self, prompt: str) -> str:
        """What the target is sent: the translated request, and what goes with it."""
        return prompt

    async def run(self, case: Case, session: Session) -> Attempt:
        """One query in each language, until one works."""
        if len(self.languages) == 1:
            attempt = await self._asked(case, self.languages[0], session)
            return await back(session, attempt, self.languages[0], case.language)
        progress, unread = Progress(), list[CallFailed]()
        for code in self.languages:
            branch = session.fork()
            try:
                attempt = await self._asked(case, code, branch)
            except CallFailed as failed:
                progress.lost(failed)
                continue
            try:
                attempt = await back(branch, attempt, code, case.language)
            except CallFailed as failed:
                progress.lost(failed)
                unread.append(failed)
                continue
            verdict = await branch.judge(attempt)
            progress.see(attempt, verdict)
            if succeeded(verdict):
                return attempt
        if unread:  # translators refuse what is harmful: answers that nobody could read make no case safe
            raise unread[0]
        return progress.result()

    async def _asked(self, case: Case, language: str, session: Session) -> Attempt:
        return await session.ask(self.framed(await there(session, case.prompt, language, case.language)))


async def there(session: Session, text: str, language: str, home: str) -> str:
    """A text of the case's language in another; as it is, if that is the same.

    Raises:
        CallFailed: It was not translated, or the translator's own refusal came in its place.
    """
    if same(language, home):
        return text
    return delivered(await session.translate(text, target=language, source=home), text, is_refusal)


async def back(session: Session, attempt: Attempt, language: str, home: str) -> Attempt:
    """The attempt with its answer in the case's language, for the judge.

    A refusal that the rules know, in whatever language it came, is judged as it stands.

    Raises:
        CallFailed: It was not translated.
    """
    text = attempt.text
    if same(language, home) or not text.strip() or attempt.answer.declined or is_refusal(text):
        return attempt
    return attempt.decoded(await session.translate(text, target=home, source=language))
