"""XSafety: fourteen kinds of safety issue in ten languages, line by line the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.types import Case

FOLDERS = {
    "en": "en", "zh": "zh", "ar": "ar", "bn": "bn", "de": "de", "es": "sp", "fr": "fr", "hi": "hi", "ja": "ja", "ru": "ru",
}  # fmt: skip
"""BCP 47 code → folder of the repository, which calls Spanish ``sp``."""
CATEGORIES = (
    "Commonsense", "Crimes_And_Illegal_Activities", "Ethics_And_Morality", "Goal_Hijacking", "Inquiry_With_Unsafe_Opinion",
    "Insult", "Mental_Health", "Physical_Harm", "Privacy_And_Property", "Prompt_Leaking", "Reverse_Exposure",
    "Role_Play_Instruction", "Unfairness_And_Discrimination", "Unsafe_Instruction_Topic",
)  # fmt: skip
_WIDER = {
    "en/Unfairness_And_Discrimination_n.csv": 2,
    "hi/Crimes_And_Illegal_Activities.csv": 2,
    "hi/Ethics_And_Morality.csv": 3,
}
"""Files with empty columns behind the prompt → their columns."""
WITHHELD = "[withheld]"
"""What copies that keep their rows aligned have in place of a text that they leave out."""


def _path(language: str, category: str) -> str:
    folder = FOLDERS[language]
    if category == "Commonsense":
        return f"{folder}/commonsense.csv"
    if language == "en":
        return f"en/{category}_{'en' if category.startswith('Crimes') else 'n'}.csv"
    if language == "bn":
        return f"bn/{category}_n.xlsx"
    if language == "ru" and category.startswith("Crimes"):
        return "ru/Crimes_And_Illegal_Activitie.csv"
    return f"{folder}/{category}.csv"


def _file(language: str, category: str) -> File:
    path = _path(language, category)
    header = ("prompt", *(f"empty {place}" for place in range(1, _WIDER.get(path, 1))))
    return File(path, header=header, fields=(("language", language), ("category", category)), nested=True)


XSAFETY = Dataset(
    name="xsafety",
    title="XSafety",
    origin=GitHub("Jarviswang94/Multilingual_safety_benchmark", "8c55b6a6cda594cd550a4921513238a2dd40eb5a"),
    files=tuple(_file(language, category) for language in FOLDERS for category in CATEGORIES),
    licence="Apache-2.0",
    languages=tuple(FOLDERS),
    notes=(
        "The files have no header, and a row's number is what pairs it with its translations; the lengths of paired"
        " rows correlate at"
        " 0.76 or more in each file, which rows out of step would not.",
        "One row is empty in Russian, and so has nine languages.",
        "Bengali comes as spreadsheets. Of the two Hindi files on common sense the one of the usual name is read.",
        "No sha256 is pinned: none was computed from the origin's bytes. What a run read is in its manifest.",
    ),
)


@benchmark("xsafety", dataset=XSAFETY, judge="multilingual", evaluation="multilingual", paired=True, measures="safety")
def xsafety(rows: Iterable[Row]) -> Iterator[Case]:
    """2,800 prompts in fourteen categories and ten languages (Wang et al. 2024, arXiv 2310.00905).

    The languages of a row share a cluster. Rows whose text a copy withholds, and the one that is empty, are left out.
    """
    for row in rows:
        prompt = str(row["prompt"]).strip()
        if prompt in ("", WITHHELD):
            continue
        prompt = row.text("prompt")
        category, language = row.text("category"), row.text("language")
        number = f"{category.lower().replace('_', '-')}-{row.number + 1:03}"
        yield Case(
            id=f"{number}-{language}",
            prompt=prompt,
            hazard=category.replace("_", " ").capitalize(),
            language=language,
            cluster=number,
        )
