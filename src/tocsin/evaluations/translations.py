"""Translating a benchmark: what is planned, the table that comes of it, and its cases beside the originals in a suite."""

from __future__ import annotations

import sqlite3
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import msgspec
from msgspec.structs import replace

from tocsin.attacks.similarity import chrf
from tocsin.attacks.translating import TO, Said, Translate, said_of
from tocsin.benchmarks.own import own_cases
from tocsin.benchmarks.parts import PROMPT, option, parts
from tocsin.benchmarks.translated import (
    BY_PEOPLE,
    COLUMNS,
    USED,
    check,
    digest,
    read_translations,
    translated,
)
from tocsin.datasets import Row
from tocsin.evaluations.plan import Chosen, Drawing, plan, rank
from tocsin.journal import PlannedCase, PlannedCell
from tocsin.languages import language, same
from tocsin.types import Case, ErrorKind, EvaluationName, Outcome

FILE = "translations.csv"
"""The table, in the folder of a run that translates."""
NO_JUDGE = "none"
OWN = "cases"
"""The name of a user's own prompts as a benchmark."""
THRESHOLD = 0.5
"""Below this likeness of a text and its way there and back, a translation is doubtful. A convention: see the reference."""

_ROWS = """
SELECT s.case_id, s.body, s.stopped, s.detail, r.outcome, r.reason, r.detail, t.text
FROM cells c JOIN cases s ON s.id = c.case_ref LEFT JOIN latest r ON r.cell = c.id
LEFT JOIN readings t ON t.cell = r.cell AND t.attempt = r.attempt
WHERE coalesce(s.stopped, '') <> ? ORDER BY s.id
"""


def every_case(seed: int) -> Drawing:
    """A drawing of all plain cases of a benchmark, whichever evaluation they are for."""
    evaluations = tuple(name for name in get_args(EvaluationName) if name != "adversarial")
    return Drawing(seed=seed, evaluations=evaluations, repeats=1, targets=1, strict=False)


def planned(one: Chosen, drawing: Drawing, languages: Sequence[str]) -> Iterator[tuple[PlannedCase, list[PlannedCell]]]:
    """Every case that is drawn × every language that it is not in.

    Of a benchmark whose rows are there in several languages, the English cases are translated, into those that they lack.
    """
    name, paired = one.benchmark.name, one.benchmark.paired
    drawn = [case for case, _ in plan([one], drawing)]
    there: dict[str, set[str]] = {}
    for row in drawn if paired else ():
        if row.case:
            there.setdefault(_cluster(row.case), set()).add(row.case.language)
    for row in drawn:
        case = row.case
        if case is None:
            yield row, [_cell(rank(drawing.seed, "order", name, row.case_id))]
            continue
        if paired and not same(case.language, "en"):
            continue
        for code in languages:
            if any(same(code, other) for other in (case.language, *there.get(_cluster(case), ()))):
                continue
            asked = replace(case, id=f"{case.id}.{code}", tags={**case.tags, TO: code}, output="text")
            place = rank(drawing.seed, "order", name, asked.id)
            yield PlannedCase(name, asked.id, asked, row.stopped, row.detail), [_cell(place)]


def _cluster(case: Case) -> str:
    return case.cluster or case.id


def _cell(place: int) -> PlannedCell:
    return PlannedCell(0, "multilingual", Translate.name, 0, NO_JUDGE, place)


def table(db: sqlite3.Connection, benchmark: str, threshold: float) -> list[dict[str, Any]]:
    """The rows of the table: every text of every finished cell, and a line for what nobody could translate.

    Args:
        db: The journal of a run that translates.
        benchmark: The benchmark's name.
        threshold: Likeness in [0, 1] below which a translation is doubtful.
    """
    found = []
    for case_id, body, stopped, why, outcome, reason, detail, reading in db.execute(_ROWS, (ErrorKind.BAD_ROW.value,)):
        if outcome is None:
            continue
        source_id, _, code = str(case_id).rpartition(".")
        case = msgspec.json.decode(body, type=Case) if body and not stopped else None
        hazard = case.hazard if case else ""
        about = {"benchmark": benchmark, "case": source_id, "language": code, "hazard": hazard}
        if case is None:
            found.append(about | _failed(PROMPT, "", f"{stopped}: {why}"))
        elif outcome == Outcome.ERROR or reading is None:
            note = ": ".join(filter(None, (reason, detail)))
            found += [about | _failed(name, text, note) for name, text in parts(case).items()]
        else:
            said = said_of(reading)
            found += [about | _said(case, name, text, said, code, threshold) for name, text in parts(case).items()]
    return found


_SCRIPTS = {
    "Arab": "ARABIC", "Armn": "ARMENIAN", "Beng": "BENGALI", "Cyrl": "CYRILLIC", "Deva": "DEVANAGARI", "Ethi": "ETHIOPIC",
    "Geor": "GEORGIAN", "Grek": "GREEK", "Gujr": "GUJARATI", "Guru": "GURMUKHI", "Hans": "CJK", "Hant": "CJK", "Hebr": "HEBREW",
    "Jpan": "CJK HIRAGANA KATAKANA", "Khmr": "KHMER", "Knda": "KANNADA", "Kore": "HANGUL", "Laoo": "LAO", "Latn": "LATIN",
    "Mlym": "MALAYALAM", "Mymr": "MYANMAR", "Orya": "ORIYA", "Sinh": "SINHALA", "Taml": "TAMIL", "Telu": "TELUGU",
    "Thaa": "THAANA", "Thai": "THAI", "Tibt": "TIBETAN",
}  # fmt: skip
"""Script (ISO 15924) → the words that Unicode's names of its letters begin with."""


def script_of(code: str) -> str:
    """Words with which Unicode's names of a language's letters begin; empty where they are not known."""
    told = next((part for part in code.split("-")[1:] if len(part) == 4 and part.isalpha()), language(code).script)
    return _SCRIPTS.get(told, "")


def in_script(text: str, script: str) -> bool:
    """Whether a text has a letter of a script, or no letters at all."""
    letters = [sign for sign in text if sign.isalpha()]
    wanted = tuple(script.split())
    return not letters or any(unicodedata.name(sign, "").startswith(wanted) for sign in letters)


def _failed(part: str, source: str, note: str) -> dict[str, Any]:
    about = {"part": part, "source": source, "translation": "", "back_translation": "", "similarity": ""}
    return about | {
        "status": "failed", "note": note, "source_sha256": digest(source) if source else "", "machine_sha256": "",
    }  # fmt: skip


def _said(case: Case, part: str, source: str, said: Said, code: str, threshold: float) -> dict[str, Any]:
    there, back = said[part].translation, said[part].back
    alike = chrf(back, source)
    notes = []
    if alike < threshold:
        notes.append("the way back reads otherwise")
    if digest(there) == digest(source) and any(sign.isalpha() for sign in source):
        notes.append("the translation is the source itself")
    if (script := script_of(code)) and not in_script(there, script):
        notes.append(f"no letter of the translation is {script.title()}")
    for one in case.options if part == PROMPT else ():
        if one.text == one.label:
            if len(one.label) > 1 and one.label in source and one.label not in there:
                notes.append(f"the answer {one.label!r} is no longer named")
        elif one.text in source and said[option(one.label)].translation not in there:
            notes.append(f"option {one.label} reads otherwise than by itself")
    return {
        "part": part, "source": source, "translation": there, "back_translation": back, "similarity": f"{alike:.3f}",
        "status": "doubtful" if notes else "machine", "note": "; ".join(notes), "source_sha256": digest(source),
        "machine_sha256": digest(there),
    }  # fmt: skip


def with_reviews(rows: Sequence[dict[str, Any]], reviewed: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows of the table with what people wrote into an earlier copy of it, and the rows that they added.

    Args:
        rows: As `table` gives them.
        reviewed: The earlier copy.
    """
    kept = {_place(row): row for row in reviewed if _by_people(row)}
    found = [
        row | {name: before.get(name, "") for name in _PEOPLES} if (before := kept.pop(_place(row), None)) else row
        for row in rows
    ]
    return found + [{name: row.get(name, "") for name in COLUMNS} for row in kept.values()]


_PEOPLES = ("translation", "status", "note")


def _place(row: Mapping[str, Any]) -> tuple[str, str, str]:
    return str(row["case"]), str(row["language"]), str(row["part"])


def _by_people(row: Row) -> bool:
    said, machine = str(row["status"]).strip().lower(), str(row.get("machine_sha256") or "")
    text = str(row["translation"])
    return said in (*BY_PEOPLE, "rejected") or bool(text.strip() and digest(text) != machine)


def beside(
    chosen: Sequence[Chosen], path: Path, *, only_reviewed: bool = False, own: Path | None = None
) -> tuple[list[Chosen], dict[str, Any]]:
    """The benchmarks of a suite, with the translations of a table beside their cases.

    Args:
        chosen: The benchmarks.
        path: The table.
        only_reviewed: Leave out what no person has accepted or mended.
        own: The user's own prompts, where they are among the benchmarks.

    Returns:
        The benchmarks, and what the manifest says of the table.

    Raises:
        ValueError: It has rows for none of them, or none that may be used.
        RowError: It cannot be read, or its rows are not of these cases.
    """
    read = read_translations(path)
    names = [one.benchmark.name for one in chosen if one.benchmark.name in read.lines]
    if not names:
        there = ", ".join(sorted(read.lines))
        raise ValueError(f"{path} has translations of {there}, and none of that is run: name it with --benchmark")
    counts = {name: read.counts(name) for name in names}
    used = ("reviewed",) if only_reviewed else USED
    if not any(count[kind] for languages in counts.values() for count in languages.values() for kind in used):
        mend = "no row is accepted or mended: leave out --only-reviewed" if only_reviewed else "every row failed"
        raise ValueError(f"{path} has nothing that can be asked: {mend}")
    found = []
    for one in chosen:
        if one.benchmark.name in names:
            # A user's own cases count prompts that come twice, so that looking through them is for a copy.
            looked = own_cases(own) if own is not None and one.benchmark.name == OWN else one.benchmark
            check(read, looked, (row for file in one.files for row in file.rows()))
            one = replace(one, benchmark=translated(one.benchmark, read, only_reviewed=only_reviewed))
        found.append(one)
    told = {"file": read.file, "sha256": read.sha256, "only_reviewed": only_reviewed, "benchmarks": counts}
    return found, told
