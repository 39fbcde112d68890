"""The writer: has a model take a chunk apart and write items for each of its rules, over journaled calls of one cell."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from tocsin.benchmarks import questions
from tocsin.benchmarks.items import Format
from tocsin.compliance.generate import checks
from tocsin.compliance.generate.prompts import Task, prompt, system
from tocsin.compliance.generate.questions import MadeItem, choice_item, image_criteria, open_item, statement_items
from tocsin.compliance.generate.reading import CHOICE, FIT, IMAGE_FIT, REQUEST, STATEMENTS, rules_form, why_not
from tocsin.compliance.generate.rules import MadeRule, rules_of
from tocsin.compliance.generate.splitting import Chunk
from tocsin.compliance.generate.wanted import Wanted
from tocsin.conversation import Conversation
from tocsin.engine import Answered, CallFailed, Session, withheld
from tocsin.judges import Judge
from tocsin.protocols import Asker, Attempt
from tocsin.types import Answer, Call, Case, ErrorKind, Message, Outcome, Request, Sampling, Verdict

T = TypeVar("T")
VERSION = 2
TRIES = (Sampling(temperature=0.0, max_tokens=1536), Sampling(temperature=0.7, max_tokens=1536))
"""A reply that cannot be used is asked for once more, not at the temperature that gives it again."""
CHECKED = Sampling(temperature=0.0, max_tokens=512)
_ITS_OWN = (ErrorKind.TOO_LONG, ErrorKind.REJECTED, ErrorKind.WITHHELD)
"""Failures that another try would not mend: they cost the one item, where any other leaves the cell for ``--retry-errors``."""


class Made(msgspec.Struct, kw_only=True):
    """What came of one chunk."""

    chunk: str
    found: int = 0
    """Rules that the model listed."""
    rules: list[MadeRule] = []
    rejected: dict[str, int] = {}
    """Why a rule was none → how many."""
    items: list[MadeItem] = []
    dropped: dict[str, int] = {}
    """Why there is no item where there could be one → how many."""
    unread: str = ""
    """Why nothing could be read off the chunk at all."""


class ItemWriter:
    """Writes the items of a chunk. Implements `tocsin.protocols.Attack`; it is no attack to be listed."""

    name = "write-items"

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted

    @property
    def identity(self) -> str:
        """A hash of all that the drafts depend on beside the model: another prompt writes other items."""
        wanted = self._wanted
        depends: list[Any] = [VERSION, wanted.hashes(), TRIES, CHECKED]
        if wanted.output == "image" or wanted.clauses:
            depends.append(wanted)
        told = msgspec.json.encode(depends, order="deterministic")
        return f"{self.name}@{sha256(told).hexdigest()[:8]}"

    async def run(self, case: Case, session: Any) -> Answered:
        """An attempt whose reading is what was made, as JSON of `Made`."""
        assert isinstance(session, Session), "items are written in an engine run"
        made = await _Chunk(chunk_of(case), session, self._wanted).made()
        text = msgspec.json.encode(made).decode()
        answer = Answer("items")
        said = Conversation.of(case.messages()).then(Message("assistant", answer.text))
        return Answered(said, answer, Call(id=0, result=answer)).decoded(text)


class Taken(Judge, frozen=True):
    """Takes whatever was written as it is: nothing is measured here, so everything is unscored."""

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        """Unscored."""
        return Verdict(outcome=Outcome.UNSCORED, rationale="drafts are for people to judge")


Taken.name, Taken.version, Taken.reads = "taken", 1, "nothing: drafts are for people to judge"


def case_of(chunk: Chunk) -> Case:
    """A chunk as the case of a cell."""
    return Case(
        id=chunk.id, prompt=chunk.text, tags={"title": chunk.title, "start": str(chunk.start), "end": str(chunk.end)}
    )


def chunk_of(case: Case) -> Chunk:
    """The chunk that `case_of` made a case."""
    tags = case.tags
    return Chunk(case.id, tags["title"], int(tags["start"]), int(tags["end"]), case.prompt)


class _Unusable(Exception):
    """No try gave what was asked for; the message says why."""


class _Chunk:
    """The work on one chunk: everything in order, so that a replay asks the same."""

    def __init__(self, chunk: Chunk, session: Session, wanted: Wanted) -> None:
        self._chunk, self._session, self._wanted = chunk, session, wanted
        self._dropped: Counter[str] = Counter()

    async def made(self) -> Made:
        chunk, wanted = self._chunk, self._wanted
        values = {"title": chunk.title, "passage": chunk.text} | ({"clauses": wanted.told()} if wanted.clauses else {})
        try:
            said = await self._asked(wanted.task("rules"), rules_form(wanted), **values)
        except _Unusable as error:
            return Made(chunk=chunk.id, unread=str(error))
        rules, rejected = rules_of(chunk, said["rules"], wanted)
        items = [item for rule in rules for item in await self._items(rule)]
        return Made(
            chunk=chunk.id,
            found=len(said["rules"]),
            rules=rules,
            rejected=rejected,
            items=items,
            dropped=dict(self._dropped),
        )

    async def _items(self, rule: MadeRule) -> list[MadeItem]:
        if self._wanted.output == "image":
            return await self._open_items(
                rule,
                {"theme": rule.theme, "rule": rule.text, "should_not": "; ".join(rule.should_not) or "(not said)"},
            )
        about = {
            "rule": rule.text,
            "should": "; ".join(rule.should) or "(not said)",
            "should_not": "; ".join(rule.should_not) or "(not said)",
        }
        items = await self._open_items(rule, about)
        choice = await self._one("multiple_choice", CHOICE, about)
        if choice is not None:
            rng = random.Random(sha256(f"{rule.id}\0{choice['question']}".encode("utf-8", "replace")).digest())
            fault = checks.option_fault(choice["right"], choice["wrong"])
            if fault:
                self._dropped[f"multiple_choice: {fault}"] += 1
            else:
                item = choice_item(rule, choice["question"], choice["right"], choice["wrong"], rng)
                items.append(await self._checked(item, about))
        statements = await self._one("true_false", STATEMENTS, about, most=2)
        if statements is not None and checks.alike(statements["true"], statements["false"]) == 1:
            self._dropped["true_false: the true and the false statement are one"] += 2
        elif statements is not None:
            items += [await self._checked(item, about) for item in statement_items(rule, statements)]
        return [_with_criteria(item, rule) for item in items]

    async def _open_items(self, rule: MadeRule, about: dict[str, str]) -> list[MadeItem]:
        """The plain request and the same put otherwise, each checked."""
        items: list[MadeItem] = []
        basic = await self._one("open_basic", REQUEST, about)
        if basic is None:
            self._dropped["open_jailbreak: there is no request to press"] += 1
            return items
        items.append(await self._fitting(self._open(rule, "open_basic", basic["request"]), about))
        pressed = await self._one("open_jailbreak", REQUEST, about | {"request": basic["request"]})
        if pressed is not None:
            item = _compared(self._open(rule, "open_jailbreak", pressed["request"]), basic["request"])
            items.append(await self._fitting(item, about))
        return items

    def _open(self, rule: MadeRule, kind: Format, request: str) -> MadeItem:
        wanted = self._wanted
        if wanted.output == "text":
            return open_item(rule, kind, request)
        clause = wanted.clause(rule.clause)
        item = open_item(rule, kind, request, image_criteria(rule, clause.title if clause else ""))
        why = checks.image_prompt_fault(request, rule.quote, self._chunk.text, wanted.language)
        return msgspec.structs.replace(item, why=why)

    async def _one(
        self, task: Format, form: Callable[[str], T | None], about: dict[str, str], *, most: int = 1
    ) -> T | None:
        """What a model wrote for a format; None, and the reason counted, where nothing can be used."""
        try:
            said = await self._asked(self._wanted.task(task), form, **about)
        except _Unusable as error:
            self._dropped[f"{task}: {error}"] += most
            return None
        if withheld(*_texts(said)):  # the reply met the filter as JSON, which can spell a text in another way
            self._dropped[f"{task}: withheld"] += most
            return None
        return said

    async def _checked(self, item: MadeItem, about: dict[str, str]) -> MadeItem:
        """The item, rejected unless the model, with the rule at hand, gives the answer that is said to be right."""
        question, options, right = item.put()
        request = _request("check", CHECKED, about | {"question": question})
        try:
            answer = await self._answer(request)
        except _Unusable as error:
            return msgspec.structs.replace(item, why=f"self-check: {error}")
        return msgspec.structs.replace(item, why=checks.own_answer_fault(answer.text, options, right))

    async def _fitting(self, item: MadeItem, about: dict[str, str]) -> MadeItem:
        """The item, rejected unless the model says that it can be answered or declined in line with its rule: one call."""
        if item.why:
            return item
        form = IMAGE_FIT if self._wanted.output == "image" else FIT
        sampling = self._session.held("target", CHECKED, form)
        task = self._wanted.task("fit")
        try:
            answer = await self._answer(_request(task, sampling, about | {"request": item.prompt}))
        except _Unusable as error:
            return msgspec.structs.replace(item, why=f"self-check: {error}")
        said = form(answer.text)
        why = checks.UNREAD if said is None else "" if said["fits"] else "self-check: its rule does not fit the request"
        return msgspec.structs.replace(item, why=why)

    async def _asked(self, task: Task, form: Callable[[str], T | None], **values: str) -> T:
        why = ""
        for sampling in TRIES:
            answer = await self._answer(_request(task, self._session.held("target", sampling, form), values))
            if answer.withheld:
                why = "withheld"
            elif answer.blocked or answer.declined:
                why = "refused"
            elif (said := form(answer.text)) is not None:
                return said
            else:
                why = "cut off before its end" if answer.finish == "length" else why_not(answer.text)
        raise _Unusable(why)

    async def _answer(self, request: Request) -> Answer:
        call = await self._session.call(request, "target", 0)
        if isinstance(call.result, Answer):
            return call.result
        if call.result.kind in _ITS_OWN:
            raise _Unusable(call.result.kind.value.replace("_", " "))
        raise CallFailed(call.result)


def _request(task: Task, sampling: Sampling, values: dict[str, str]) -> Request:
    head = () if task == "check" else (Message("system", system(task)),)
    return Request((*head, Message("user", prompt(task, **values))), sampling)


def _texts(said: Any) -> list[str]:
    """Every text in what a form read."""
    if isinstance(said, str):
        return [said]
    inner = said.values() if isinstance(said, dict) else said if isinstance(said, list) else ()
    return [text for one in inner for text in _texts(one)]


def _compared(item: MadeItem, basic: str) -> MadeItem:
    same = not item.why and checks.alike(item.prompt, basic) == 1
    return msgspec.structs.replace(item, why="says what open_basic says: nothing was pressed") if same else item


def _with_criteria(item: MadeItem, rule: MadeRule) -> MadeItem:
    """The item, rejected where it is open and its rule gives nothing to hold an answer against."""
    named = not item.format.startswith("open") or questions.criteria(rule.should, rule.should_not)
    return item if named else msgspec.structs.replace(item, why="has no criteria")
