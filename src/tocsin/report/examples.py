"""A few records of each benchmark and outcome, for a reader who wants to see what stands behind a figure.

They are picked by their place in the run's seeded random order, so that the same run shows the same ones. The journal is
read in that order, a window at a time, only as far as something is still looked for; nothing else is kept in memory.
"""

from __future__ import annotations

import sqlite3
from typing import Any, NamedTuple

import msgspec

from tocsin.engine import withheld
from tocsin.evaluations.adversarial import POOLED
from tocsin.evaluations.counts import METRIC_OF, metric_of
from tocsin.evaluations.plan import DIRECT
from tocsin.evaluations.scoring import TRANSFER
from tocsin.journal import has_readings
from tocsin.judges.tongue import language_of
from tocsin.languages import UnknownLanguage, canonical, same
from tocsin.report import clean, pictures, words
from tocsin.report.messages import joined, message
from tocsin.report.rows import RATES
from tocsin.report.unmeasured import WITHHELD
from tocsin.types import Image

OUTCOMES = ("unsafe", "unscored", "error", "safe")
"""In the order in which they are shown."""

_WINDOW = 50_000
_DETAILS = """
SELECT s.case_id, s.hazard, s.language, s.body, c.attack, c.repeat, r.refused, r.blocked, r.truncated, r.invalid,
       r.controversial, r.choice, r.reason, r.detail, r.judge, k.request, k.answer, {reading}
FROM records r JOIN cells c ON c.id = r.cell JOIN cases s ON s.id = c.case_ref LEFT JOIN calls k ON k.id = r.call
WHERE r.cell = ? AND s.stopped IS NOT ? ORDER BY r.attempt DESC LIMIT 1
"""

_READING = "(SELECT text FROM readings t WHERE t.cell = r.cell AND t.attempt = r.attempt)"

Key = tuple[int, str, str | None, str]
"""Target, evaluation, benchmark, metric: one figure of the run. Attacked answers are one, whatever their benchmark."""


class Turn(msgspec.Struct, frozen=True):
    """One message of what was asked."""

    role: str
    text: str
    lang: str
    """Its language as an attribute of HTML; empty where it is not known."""


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One record. What was asked and answered is there only where it may be shown."""

    outcome: str
    said: str
    """The outcome in words."""
    case_id: str
    hazard: str
    language: str
    how: str
    """Attack and repeat, where they are not the ordinary ones."""
    judge: str
    refused: str
    flags: list[str]
    reason: str
    asked_length: int
    images: list[pictures.Shown]
    """Of the request, of the case, and of the answer."""
    asked_images: str
    """Of the request: how many, and the measures of each."""
    answer_images: str
    answer_length: int | None
    """Characters; None where there is no answer."""
    turns: list[Turn]
    answer: str | None
    answer_lang: str
    read_as: str | None
    """What the judge read in place of the answer, where the attack decoded it."""
    detail: str
    hidden: bool
    """Whether its text is not shown even on request, because it meets the filter."""


class ExampleGroup(msgspec.Struct, frozen=True, kw_only=True):
    """The examples of one figure."""

    model: str
    title: str
    metric: str
    examples: list[Example]


class _Message(msgspec.Struct):
    role: str = ""
    text: str = ""
    images: list[msgspec.Raw] = []


class _Request(msgspec.Struct):
    messages: list[_Message] = []


class _Case(msgspec.Struct):
    prompt: str = ""
    request: str = ""
    output: str = "text"
    images: list[msgspec.Raw] = []


class _Answer(msgspec.Struct):
    text: str = ""
    reasoning: str = ""
    images: list[msgspec.Raw] = []
    declined: bool = False
    withheld: str = ""


class _Picked(NamedTuple):
    rank: int
    cell: int


def examples(
    db: sqlite3.Connection,
    summary: dict[str, Any],
    *,
    reveal: bool,
    each: int,
    most: int,
    gallery: pictures.Gallery | None = None,
) -> list[ExampleGroup]:
    """Examples of every figure.

    Args:
        db: The run's journal.
        summary: Its summary, whose counts say how many there are of each outcome.
        reveal: Whether prompts and answers may be shown.
        each: Records of each outcome of each figure at most.
        most: Records altogether; when there are more, every figure gives up its last ones first.
        gallery: Where images are taken from; what does not fit there is left out in the same order.
    """
    picked = _pick(db, summary, each)
    order = sorted(
        (entry.rank, OUTCOMES.index(outcome), place, entry.cell, key, outcome)
        for place, (key, found) in enumerate(picked.items())
        for outcome, entries in found.items()
        for entry in entries
    )
    gallery = gallery or pictures.Gallery(None)
    kept: dict[Key, list[tuple[int, int, Example]]] = {}
    for rank, which, _, cell, key, outcome in order[:most]:
        if (example := _example(db, key, cell, outcome, reveal, gallery)) is not None:
            kept.setdefault(key, []).append((which, rank, example))
    groups = []
    for key in picked:
        if present := [example for _, _, example in sorted(kept.get(key, ()), key=lambda one: one[:2])]:
            groups.append(
                ExampleGroup(
                    model=clean.name(summary["models"][key[0]]["model"]),
                    title=clean.name(key[2] or message("under attack")),
                    metric=words.METRICS.get(key[3], clean.name(key[3])),
                    examples=present,
                )
            )
    return groups


def _pick(db: sqlite3.Connection, summary: dict[str, Any], each: int) -> dict[Key, dict[str, list[_Picked]]]:
    """The first `each` cells of every figure and outcome, in the run's order."""
    wanted = _wanted(summary, each)
    found: dict[Key, dict[str, list[_Picked]]] = {key: {} for key in wanted}
    first: dict[tuple[int, str | None], Key] = {}
    for key in wanted:
        first.setdefault((key[0], key[2]), key)
    gaps = _gaps(db, first) if any(model["unfinished"] for model in summary["models"]) else {}
    retried = db.execute("SELECT 1 FROM records WHERE attempt > 0 LIMIT 1").fetchone()
    records = "latest" if retried else "records"
    (last,) = db.execute("SELECT coalesce(max(id), 0) FROM cells").fetchone()
    start = 0
    while start < last and (open_ := sorted({outcome for needs in wanted.values() for outcome in needs})):
        rows = db.execute(
            "SELECT r.cell, r.outcome, c.target, c.evaluation, s.benchmark, s.wanted, c.attack"
            f" FROM {records} r CROSS JOIN cells c ON c.id = r.cell CROSS JOIN cases s ON s.id = c.case_ref"
            f" WHERE r.cell > ? AND r.cell <= ? AND r.outcome IN ({','.join('?' * len(open_))}) AND r.reason <> ?"
            " ORDER BY r.cell",
            (start, start + _WINDOW, *open_, WITHHELD),
        )
        for cell, outcome, target, evaluation, benchmark, kind, attack in rows:
            if attack == DIRECT and (target, evaluation, None, TRANSFER) in wanted:
                continue  # the control is not what succeeded
            figure = _key(target, evaluation, benchmark, kind, first)
            if figure is None or figure not in wanted or cell >= gaps.get(figure, cell + 1):
                continue
            needs = wanted[figure]
            if outcome not in needs:
                continue
            entries = found[figure].setdefault(outcome, [])
            entries.append(_Picked(len(entries), cell))
            needs[outcome] -= 1
            if not needs[outcome]:
                del needs[outcome]
                if not any(wanted.values()):
                    return found
        start += _WINDOW
    return found


def _wanted(summary: dict[str, Any], each: int) -> dict[Key, dict[str, int]]:
    """Figure → outcome → records that can be shown. What the filter stopped is not among them."""
    there: dict[Key, dict[str, int]] = {}
    for target, model in enumerate(summary["models"]):
        for score in model["scores"]:
            if score["metric"] not in RATES | {POOLED, TRANSFER} or score["attack"]:
                continue
            counts = there.setdefault((target, score["evaluation"], score["benchmark"], score["metric"]), {})
            stopped = score["errors_by_kind"].get(WITHHELD, 0)
            pairs = zip(
                OUTCOMES, (score["failed"], score["unscored"], score["error"] - stopped, score["passed"]), strict=True
            )
            for outcome, number in pairs:
                counts[outcome] = counts.get(outcome, 0) + (number or 0)
        for table in model["unscored_reasons"]:
            key = (target, table["evaluation"], table["benchmark"], table["metric"])
            if key in there:
                there[key]["unscored"] -= table["counts"].get(WITHHELD, 0)
    return {key: {o: min(each, n) for o, n in counts.items() if n > 0} for key, counts in there.items()}


def _gaps(db: sqlite3.Connection, first: dict[tuple[int, str | None], Key]) -> dict[Key, int]:
    """Figure → its first unfinished cell: what was finished beyond it does not count, and is not shown."""
    found: dict[Key, int] = {}
    rows = db.execute(
        "SELECT c.target, c.evaluation, s.benchmark, s.wanted, min(c.id) FROM cells c JOIN cases s ON s.id = c.case_ref"
        " WHERE NOT EXISTS (SELECT 1 FROM records r WHERE r.cell = c.id) GROUP BY 1, 2, 3, 4"
    )
    for target, evaluation, benchmark, kind, cell in rows:
        if key := _key(target, evaluation, benchmark, kind, first):
            found[key] = min(cell, found.get(key, cell))
    return found


def _key(
    target: int, evaluation: str, benchmark: str, kind: str, first: dict[tuple[int, str | None], Key]
) -> Key | None:
    """The figure a cell enters. Rows that became no case count in their benchmark's first one."""
    if evaluation == "adversarial":
        return first.get((target, None))
    if kind in METRIC_OF:
        return target, evaluation, benchmark, metric_of(evaluation, kind)
    return first.get((target, benchmark))


def _example(
    db: sqlite3.Connection, key: Key, cell: int, outcome: str, reveal: bool, gallery: pictures.Gallery
) -> Example | None:
    query = _DETAILS.format(reading=_READING if has_readings(db) else "NULL")
    row = db.execute(query, (cell, WITHHELD)).fetchone()
    if row is None:
        return None
    case_id, hazard, language, body, attack, repeat, refused, blocked, truncated, invalid, *rest = row
    controversial, choice, reason, detail, judge, request, answered, read_as = rest
    case = _read(body, _Case) or _Case()
    asked = _read(request, _Request) or _Request([_Message("user", case.prompt, case.images)] if body else [])
    answer = _read(answered, _Answer)
    if answer is not None and answer.withheld:
        return None
    flags = [
        word
        for word, flag in (
            (message("blocked by the provider"), blocked),
            (message("marked as a refusal by the endpoint"), answer is not None and answer.declined),
            (message("cut off"), truncated),
            (message("off topic or not understood"), invalid),
            ("controversial", controversial),
        )
        if flag
    ]
    texts = [message.text for message in asked.messages]
    texts += [
        case.prompt,
        case.request,
        detail,
        read_as or "",
        answer.text if answer else "",
        answer.reasoning if answer else "",
    ]
    hidden = reveal and any(map(withheld, texts))
    show = reveal and not hidden
    judged = judge in gallery.seeing and case.output == "image" and outcome != "error"
    unseen = pictures.unseen(reason, detail) if judged else pictures.UNJUDGED
    images = gallery.told(_images(case, asked, answer), reveal=show, unseen=unseen)
    plain = images if not show else gallery.told(_images(case, asked, answer), reveal=False)
    ways = [attack] if attack != "direct" else []
    ways += [message("repeat {number}", number=repeat + 1)] if repeat else []
    if show and choice:
        flags.append(message("chose {choice}", choice=clean.name(choice, most=40)))
    return Example(
        outcome=outcome,
        said=words.outcome(key[3], outcome),
        case_id=clean.name(case_id),
        hazard=clean.name(hazard or message("not given")),
        language=words.language(language) if language else message("not given"),
        how=clean.name(joined(ways, ", ")),
        judge=clean.name(judge or message("none needed")),
        refused=message("not said") if refused is None else message("yes") if refused else message("no"),
        flags=flags,
        reason=words.reason(reason) if reason else "",
        asked_length=sum(len(message.text) for message in asked.messages),
        images=images if show else [],
        asked_images=pictures.counted([one for one in plain if one.role not in pictures.MADE_BY]),
        answer_images=pictures.counted([one for one in plain if one.role in pictures.MADE_BY]),
        answer_length=None if answer is None else len(answer.text),
        turns=_turns(case, asked, language) if show else [],
        answer=clean.visible(answer.text) if show and answer else None,
        answer_lang=_lang(answer.text, language) if show and answer else "",
        read_as=clean.visible(read_as) if show and read_as is not None else None,
        detail=clean.visible(detail) if show else "",
        hidden=hidden,
    )


def _images(case: _Case, asked: _Request, answer: _Answer | None) -> list[tuple[str, Image]]:
    """The images of a record, each once: first those that were shown to the model, then those that it made."""
    every = [
        *((pictures.MADE, image) for image in pictures.read(answer.images if answer else [])),
        *(
            (pictures.EARLIER if message.role == "assistant" else pictures.SENT, image)
            for message in asked.messages
            for image in pictures.read(message.images)
        ),
        *((pictures.OF_CASE, image) for image in pictures.read(case.images)),
    ]
    found: dict[object, tuple[str, Image]] = {}
    for number, (role, image) in enumerate(every):
        found.setdefault(pictures.named(image) or number, (role, image))
    return sorted(found.values(), key=lambda one: one[0] in pictures.MADE_BY)


def _turns(case: _Case, asked: _Request, language: str) -> list[Turn]:
    """What was sent; before it the case's own prompt, where an attack made something else of it, and what an image asks."""
    turns = [
        Turn(clean.name(message.role, most=20), clean.visible(message.text), _lang(message.text, language, language))
        for message in asked.messages
    ]
    if case.prompt and all(case.prompt != message.text for message in asked.messages):
        turns.insert(
            0, Turn(message("the case as it stands"), clean.visible(case.prompt), _lang("", language, language))
        )
    if case.request:
        turns.insert(0, Turn(message("what is asked"), clean.visible(case.request), _lang("", language, language)))
    return turns


def _lang(text: str, language: str, otherwise: str = "") -> str:
    """What a text is marked with, for fonts and for what reads pages aloud: one sign is drawn otherwise in Chinese and Japanese.

    Args:
        text: The text. An attack may have translated it, and a model answers in whatever language it likes.
        language: The case's language, which may tell more than a text does (``zh-Hant``).
        otherwise: What is taken where the text does not tell.
    """
    found = language_of(text)
    code = otherwise if found is None else language if same(found.code, language) else found.code
    try:
        return canonical(code)
    except UnknownLanguage:
        return ""


def _read(stored: bytes | None, kind: type[Any]) -> Any:
    if stored is None:
        return None
    try:
        return msgspec.json.decode(stored, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
