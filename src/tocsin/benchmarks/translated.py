"""A benchmark in other languages: the table of translations that people review, read, and its cases beside the originals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path
from typing import Literal, get_args

import msgspec
from msgspec.structs import replace

from tocsin.benchmarks.contract import Benchmark
from tocsin.benchmarks.parts import PROMPT, lists_options, option, parts, with_parts
from tocsin.datasets import Row, RowError
from tocsin.datasets.sheet import read_sheet
from tocsin.journal import SOURCE_ID
from tocsin.languages import UnknownLanguage, canonical
from tocsin.types import Case

Status = Literal["machine", "doubtful", "failed", "accepted", "rejected", "mended"]
STATUSES: tuple[Status, ...] = get_args(Status)
BY_PEOPLE: tuple[Status, ...] = ("accepted", "mended")
Kind = Literal["machine", "doubtful", "reviewed", "rejected", "failed"]
KINDS: tuple[Kind, ...] = get_args(Kind)
USED: tuple[Kind, ...] = ("machine", "doubtful", "reviewed")
"""Kinds of translations of which cases are made."""
COLUMNS = (
    "benchmark", "case", "language", "part", "source", "translation", "back_translation", "similarity", "status", "note",
    "source_sha256", "machine_sha256", "hazard",
)  # fmt: skip
NEEDED = ("benchmark", "case", "language", "part", "source", "translation", "status")
"""Columns that a table of one's own must have, too."""
TRANSLATION = "translation"
"""The tag of a translated case that says of which kind it is; `SOURCE_ID` is the one that says of which case."""


class SourceChanged(RowError):
    """A case no longer says what was translated."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One text of one case in one language, as a row of the table has it."""

    line: int
    part: str
    translation: str
    status: Status
    source: str
    """Digest of the text that was translated."""
    original: str = ""
    """That text, as the table has it."""
    hazard: str = ""
    """The hazard of its case; empty in tables that do not say."""


class Translations(msgspec.Struct, frozen=True, kw_only=True):
    """A table of translations.

    Attributes:
        file: Its name.
        sha256: Of its bytes.
        lines: Benchmark → case → language → its lines.
    """

    file: str
    sha256: str
    lines: dict[str, dict[str, dict[str, list[Line]]]]

    def counts(self, benchmark: str) -> dict[str, dict[Kind, int]]:
        """Language → kind → cases of a benchmark."""
        found: dict[str, Counter[Kind]] = {}
        for languages in self.lines.get(benchmark, {}).values():
            for code, lines in languages.items():
                found.setdefault(code, Counter())[kind_of(lines)] += 1
        return {code: {kind: count[kind] for kind in KINDS} for code, count in sorted(found.items())}


def digest(text: str) -> str:
    """Sixteen hexadecimal digits of a text's SHA-256; null characters, line ends and white space at its edges do not count."""
    plain = "\n".join(text.replace("\0", "").splitlines()).strip()
    return sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def kind_of(lines: Iterable[Line]) -> Kind:
    """What a case's lines in one language make of it: the worst of them; reviewed only where all are."""
    said = {line.status for line in lines}
    for kind in ("rejected", "failed", "doubtful", "machine"):
        if kind in said:
            return kind
    return "reviewed"


def read_translations(path: Path) -> Translations:
    """Reads a table of translations as ``tocsin translate`` wrote it, a person reviewed it, and a spreadsheet saved it.

    A text that is no longer the machine's counts as mended, unless its row is rejected.

    Raises:
        RowError: It cannot be read, is not UTF-8, no table, lacks a column, or a row cannot be what it says; the message names
            the line.
    """
    found: dict[str, dict[str, dict[str, list[Line]]]] = {}
    for row in read_sheet(path, NEEDED):
        code = _language(row)
        benchmark, case, part = (row.text(name).strip() for name in ("benchmark", "case", "part"))
        lines = found.setdefault(benchmark, {}).setdefault(case, {}).setdefault(code, [])
        if any(line.part == part for line in lines):
            raise row.error(f"names {part!r} of case {case!r} in {code!r} a second time")
        lines.append(_line(row, part))
    if not found:
        raise RowError(path.name, 1, "has no row below its header")
    return Translations(file=path.name, sha256=sha256(path.read_bytes()).hexdigest(), lines=found)


def _language(row: Row) -> str:
    try:
        return canonical(row.text("language").strip())
    except UnknownLanguage as error:
        raise row.error(str(error)) from error


def _line(row: Row, part: str) -> Line:
    said, text = str(row["status"]).strip().lower(), str(row["translation"])
    if said not in STATUSES:
        near = get_close_matches(said, STATUSES, n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(STATUSES)}"
        raise row.error(f"the status {said[:20]!r} is not known: {hint}")
    status: Status = next(one for one in STATUSES if one == said)
    machine = str(row.get("machine_sha256") or "").strip()
    if text.strip() and status != "rejected" and (digest(text) != machine if machine else status == "failed"):
        status = "mended"
    if not text.strip() and status not in ("failed", "rejected"):
        raise row.error(f"is {status} and has no translation: write one, or say 'rejected'")
    source = str(row.get("source_sha256") or "").strip() or (
        digest(original) if (original := str(row["source"])) else ""
    )
    if not source and status not in ("failed", "rejected"):
        raise row.error(f"is {status} and does not say of which text: the column 'source' is empty")
    return Line(
        line=row.line,
        part=part,
        translation=text,
        status=status,
        source=source,
        original=str(row["source"] or ""),
        hazard=str(row.get("hazard") or "").strip(),
    )


def check(translations: Translations, benchmark: Benchmark, rows: Iterable[Row | RowError]) -> None:
    """Whether every translation is one of a case of the benchmark, and whole.

    Args:
        translations: The table.
        benchmark: The benchmark before `translated`.
        rows: All of its data.

    Raises:
        RowError: A line names a case or a part that there is not, or a case lacks a part; the message names the line.
    """
    wanted = translations.lines.get(benchmark.name, {})
    seen: set[str] = set()
    for row in rows:
        if isinstance(row, RowError):
            continue
        try:
            cases = list(benchmark.cases([row]))
        except Exception:  # noqa: S112  a bad row is the plan's to tell of
            continue
        for case in cases:
            if (languages := wanted.get(case.id)) is not None:
                seen.add(case.id)
                for code, lines in languages.items():
                    _check_case(translations.file, case, code, lines)
    for case_id in wanted.keys() - seen:
        line = min(line.line for lines in wanted[case_id].values() for line in lines)
        near = get_close_matches(case_id, seen, n=1, cutoff=0.8)
        hint = f"; did you mean {near[0]!r}?" if near else " (a spreadsheet may have changed its id)"
        raise RowError(translations.file, line, f"benchmark {benchmark.name!r} has no case {case_id!r}{hint}")


def _check_case(file: str, case: Case, code: str, lines: list[Line]) -> None:
    texts = parts(case)
    by_part = {line.part: line for line in lines}
    for name, line in by_part.items():
        if name not in texts and line.source:
            raise RowError(file, line.line, f"case {case.id!r} has no {name!r}; it has {', '.join(texts)}")
    if kind_of(lines) not in USED:
        return
    if missing := [name for name in texts if name not in by_part]:
        first = lines[0].line
        raise RowError(file, first, f"case {case.id!r} lacks its {missing[0]!r} in {code!r}: without it, it is no case")
    if not lists_options(case):
        return
    for one in case.options:
        said = by_part.get(option(one.label))
        if said and one.text in case.prompt and said.translation.strip() not in by_part[PROMPT].translation:
            raise RowError(
                file,
                said.line,
                f"case {case.id!r}: option {one.label} reads otherwise in the prompt (line {by_part[PROMPT].line}): mend both",
            )


def translated(
    benchmark: Benchmark, translations: Translations, *, only_reviewed: bool = False, languages: Collection[str] = ()
) -> Benchmark:
    """The benchmark with each case's translations right behind it, as cases of the same cluster.

    Their tags say of which kind they are (``translation``) and of which case (``source_id``). What was rejected or failed is
    left out; `Translations.counts` has it.

    Args:
        benchmark: The benchmark.
        translations: A table with rows for it.
        only_reviewed: Leave out what no person has accepted or mended.
        languages: Take these alone; all if empty.
    """
    wanted = translations.lines.get(benchmark.name, {})
    used = ("reviewed",) if only_reviewed else USED

    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        for row in rows:
            for case in benchmark.cases([row]):
                yield case
                for code, lines in wanted.get(case.id, {}).items():
                    if kind_of(lines) in used and (not languages or code in languages):
                        yield _case(case, code, lines, row)

    def _case(case: Case, code: str, lines: list[Line], row: Row) -> Case:
        texts = parts(case)
        for line in lines:
            if line.part not in texts or digest(texts[line.part]) != line.source:
                place = f"{translations.file}, line {line.line}"
                raise SourceChanged(
                    row.file,
                    row.line,
                    f"case {case.id!r} has another {line.part!r} than the one that was translated ({place}): translate it anew,"
                    " or take its lines out",
                )
        return replace(
            with_parts(case, {line.part: line.translation for line in lines}),
            id=f"{case.id}.{code}",
            language=code,
            cluster=case.cluster or case.id,
            tags={**case.tags, TRANSLATION: kind_of(lines), SOURCE_ID: case.id},
        )

    return replace(benchmark, cases=cases, paired=True)
