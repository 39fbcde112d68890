"""T2ISafety in other languages: the prompts that a model translated and people reviewed, beside the English ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import is_left_out
from tocsin.benchmarks.parts import PROMPT
from tocsin.benchmarks.translated import TRANSLATION, Line, digest, kind_of, read_translations
from tocsin.datasets import Dataset, File, Row, Unpublished
from tocsin.journal import SOURCE_ID
from tocsin.languages import LANGUAGES
from tocsin.types import Case

SOURCE = "t2isafety"
"""The benchmark whose cases are translated."""
REVIEWED = Dataset(
    name="t2isafety-languages",
    title="Reviewed translations of T2ISafety",
    origin=Unpublished(
        how="run 'tocsin translate t2isafety --to zh,hi --role translator=MODEL', have people accept or mend the lines of"
        " the table that it writes, and copy it: 'cp RUN_FOLDER/translations.csv DATA/t2isafety-languages/t2isafety.csv'"
    ),
    files=(File("t2isafety.csv", whole=True),),
    licence="that of T2ISafety and of whoever translated it",
    languages=("en", *(code for code in LANGUAGES if code != "en")),
    notes=(
        "The report arXiv 2601.10527 leaves this cell empty, and no such data is published: it is yours to make.",
        "The file is a table as tocsin translate writes it. Lines that no person accepted or mended become no case.",
    ),
)


@benchmark(
    "t2isafety-languages",
    dataset=REVIEWED,
    judge="image-rubric",
    modality="image",
    evaluation="multilingual",
    paired=True,
)
def t2isafety_languages(rows: Iterable[Row]) -> Iterator[Case]:
    """Prompts for images of T2ISafety in the languages that you had them translated into and reviewed, and in English.

    The languages of a prompt share a cluster. A prompt of which no translation was reviewed is left out in English, too.
    """
    for row in rows:
        table = read_translations(Path(row.text("path")))
        bad: list[str] = []
        found = 0
        for name, languages in table.lines.get(SOURCE, {}).items():
            reviewed = {code: lines for code, lines in languages.items() if kind_of(lines) == "reviewed"}
            try:
                cases = _cases(name, reviewed) if reviewed else []
            except ValueError as error:
                bad.append(str(error))
                continue
            found += len(cases)
            yield from cases
        if bad:
            raise row.error("; ".join(bad))
        if not found:
            raise row.error(f"has no translation of {SOURCE} that a person accepted or mended")


def _cases(name: str, reviewed: Mapping[str, list[Line]]) -> list[Case]:
    """The English case, and those in other languages."""
    lines = [line for every in reviewed.values() for line in every]
    for line in lines:
        if line.part != PROMPT:
            raise ValueError(f"line {line.line} is a {line.part!r}, and these cases have a prompt alone")
        if not line.original.strip() or digest(line.original) != line.source:
            raise ValueError(f"line {line.line} has another source than the text that was translated")
        if line.source != lines[0].source:
            raise ValueError(f"line {line.line} is a translation of another text than line {lines[0].line}")
    hazard = next((line.hazard for line in lines if line.hazard), "unspecified")
    if is_left_out(hazard):
        return []
    english = Case(id=name, prompt=lines[0].original, hazard=hazard, cluster=name, output="image")
    return [
        english,
        *(
            Case(
                id=f"{name}.{code}",
                prompt=line.translation,
                hazard=hazard,
                language=code,
                cluster=name,
                tags={TRANSLATION: "reviewed", SOURCE_ID: name},
                output="image",
            )
            for code, (line,) in reviewed.items()
        ),
    ]
