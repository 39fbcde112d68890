"""Runs with known contents, made through the real journal, and a reader for the page that is written of them."""

from __future__ import annotations

import asyncio
import copy
import sqlite3
from collections.abc import Iterable, Sequence
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from tocsin.evaluations.plan import evaluation_of
from tocsin.journal import Journal, PlannedCase, PlannedCell, connect, encode_request, mapped
from tocsin.journal.folder import JOURNAL
from tocsin.results.summary import summarise
from tocsin.types import (
    COMPLY,
    REFUSE,
    Answer,
    Case,
    ErrorKind,
    EvaluationName,
    Failure,
    Outcome,
    Record,
    Request,
    Unscored,
)


class Planted(NamedTuple):
    """One case and what became of it. Without an outcome its cell is not finished."""

    case: Case | PlannedCase
    outcome: str | None = "safe"
    answer: Answer | None = None
    refused: bool | None = None
    reason: str = ""
    detail: str = ""
    invalid: bool = False
    controversial: bool = False
    benchmark: str = "cases"
    attack: str = "direct"
    score: float | None = None
    live: bool = False
    """Whether it is a cell of the adversarial evaluation."""


class Built(NamedTuple):
    """A run as the report gets it."""

    db: sqlite3.Connection
    manifest: dict[str, Any]
    summary: dict[str, Any]


def refuse(number: int, prompt: str = "", **fields: Any) -> Case:
    """An invented case whose safe answer is a refusal."""
    return Case(id=f"r{number}", prompt=prompt or f"Request {number}", safe_answer=REFUSE, **fields)


def comply(number: int, prompt: str = "", **fields: Any) -> Case:
    """An invented harmless case."""
    return Case(id=f"c{number}", prompt=prompt or f"Harmless request {number}", safe_answer=COMPLY, **fields)


def unsafe(case: Case, text: str = "Here you are.") -> Planted:
    return Planted(case, "unsafe", Answer(text), refused=case.safe_answer == COMPLY)


def safe(case: Case, text: str = "No.") -> Planted:
    return Planted(case, "safe", Answer(text), refused=case.safe_answer == REFUSE)


def unscored(case: Case, text: str = "") -> Planted:
    return Planted(case, "unscored", Answer(text), reason=Unscored.EMPTY.value)


def failed(case: Case, kind: ErrorKind = ErrorKind.TIMEOUT, detail: str = "") -> Planted:
    return Planted(case, "error", None, reason=kind.value, detail=detail)


def plant(
    folder: Path,
    records: Sequence[Planted],
    base: dict[str, Any],
    *,
    targets: Iterable[str] = (),
    serves: EvaluationName = "benchmark",
    **changes: Any,
) -> Built:
    """A run of the benchmark ``cases`` whose cells come in the order of the records.

    Args:
        folder: Where its journal is made.
        records: What became of every case, the same for each target.
        base: The manifest of a real run of own cases; it is copied.
        targets: Names of the targets; that of the base if empty.
        serves: The evaluation that the cases are for.
        changes: Entries of the manifest to put in place of the base's.
    """
    manifest = copy.deepcopy(base) | {"status": "complete", "run": "a-run", **copy.deepcopy(changes)}
    if names := list(targets):
        manifest["targets"] = [{**manifest["targets"][0], "name": name} for name in names]
    count = len(manifest["targets"])
    folder.mkdir(exist_ok=True)
    asyncio.run(_write(folder, records, count, manifest["judges"]["refusal"]["identity"], serves))
    manifest["cells"] = len(records) * count
    if any(record.outcome is None for record in records) and "status" not in changes:
        manifest["status"] = "partial"
    db = connect(folder / JOURNAL, read_only=True)
    return Built(db, manifest, summarise(db, manifest))


async def _write(folder: Path, records: Sequence[Planted], targets: int, judge: str, serves: EvaluationName) -> None:
    journal = Journal(folder, create=True)
    try:
        plan = []
        for number, record in enumerate(records):
            row = (
                record.case
                if isinstance(record.case, PlannedCase)
                else PlannedCase(record.benchmark, record.case.id, record.case)
            )
            evaluation = evaluation_of(row.case, serves) if row.case else serves
            evaluation = "adversarial" if record.live else evaluation
            plan.append(
                (row, [PlannedCell(t, evaluation, record.attack, 0, "refusal", number) for t in range(targets)])
            )
        journal.plan(plan)
        for cell in range(1, len(records) * targets + 1):
            await _end(journal, cell, records[(cell - 1) // targets], judge)
        await journal.flush()
    finally:
        await journal.close()


async def _end(journal: Journal, cell: int, record: Planted, judge: str) -> None:
    if record.outcome is None:
        return
    number = None
    case = record.case.case if isinstance(record.case, PlannedCase) else record.case
    if case is not None and case is record.case and (record.answer or record.reason):
        request = mapped(Request(case.messages()), journal.images.keep)
        answer = record.answer and replace(record.answer, images=tuple(map(journal.images.keep, record.answer.images)))
        call = await journal.add_call(
            key=cell.to_bytes(16, "big"), cell=cell, branch="", ordinal=0, role="target",
            request=encode_request(request), tries=1, latency=0.1, cost=None,
            result=answer or Failure(ErrorKind(record.reason), record.detail),
        )  # fmt: skip
        number = call.id if record.answer else None
    journal.add_record(
        Record(
            cell=cell,
            call=number,
            outcome=Outcome(record.outcome),
            refused=record.refused,
            reason=record.reason,
            detail=record.detail,
            invalid=record.invalid,
            controversial=record.controversial,
            score=record.score,
            judge=judge if record.outcome in ("safe", "unsafe") or record.controversial else "",
        )
    )


_VOID = {"meta", "br", "link", "input", "img", "hr", "base", "source", "wbr"}


class Element:
    """An element of the page."""

    def __init__(self, tag: str, attributes: dict[str, str], parent: Element | None) -> None:
        self.tag, self.attributes, self.parent = tag, attributes, parent
        self.children: list[Element] = []
        self.pieces: list[str | Element] = []

    @property
    def text(self) -> str:
        """All text within it, white space made single."""
        return " ".join("".join(p if isinstance(p, str) else f" {p.text} " for p in self.pieces).split())

    def all(self, *tags: str, **attributes: str) -> list[Element]:
        """Every element below it with one of these tags (any, if none is given) and these attributes."""
        found: list[Element] = []
        for child in self.children:
            wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
            if (not tags or child.tag in tags) and wanted.items() <= child.attributes.items():
                found.append(child)
            found += child.all(*tags, **attributes)
        return found


class Page(HTMLParser):
    """A page as a tree. Elements that are not closed in their order are a fault of the page."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = self._at = Element("", {}, None)
        self.faults: list[str] = []
        self.feed(html)
        self.close()
        if self._at is not self.root:
            self.faults.append(f"<{self._at.tag}> is not closed")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        if len(set(names)) != len(names):
            self.faults.append(f"<{tag}> has an attribute twice: {names}")
        element = Element(tag, {name: value or "" for name, value in attrs}, self._at)
        self._at.children.append(element)
        self._at.pieces.append(element)
        if tag not in _VOID:
            self._at = element

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:  # a drawing closes its elements so
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._at.tag != tag or self._at.parent is None:
            self.faults.append(f"</{tag}> closes <{self._at.tag}>")
            return
        self._at = self._at.parent

    def handle_data(self, data: str) -> None:
        self._at.pieces.append(data)

    def section(self, name: str) -> Element:
        """The section with the heading of this id."""
        (found,) = self.root.all("section", aria_labelledby=name)
        return found

    def find(self, *tags: str, **attributes: str) -> list[Element]:
        """Every element of the page, as `Element.all` finds them."""
        return self.root.all(*tags, **attributes)
