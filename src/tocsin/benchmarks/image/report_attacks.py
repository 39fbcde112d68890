"""The prompts for images that the report arXiv 2601.10527 made with two attacks: PGJ and GenBreak."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.types import Case

SHA256 = {
    "pgj": {
        "hate": "fff87653f9e1ff21fbcd11145cea9b31687cbe0e6f30778af7377739ff368d21",
        "nudity": "2d29468c843b421bbd914477d0af8a753a902625f170b0c7db41240c0835e7c4",
        "violence": "f988fc9901d624bbb9b933b5b6a46cd7998ecd9ac99f1966260485253d3dfbb8",
    },
    "genbreak": {
        "hate": "60e95a0e8d79709f6d082aeac2271d08eaf908881aad004fd4a67a9eaf1e7976",
        "nudity": "47e173523c904407d0da97e18522b9fcbb9705c34d1fbf0b0f84047a02f2d354",
        "violence": "5ae3e1cbe9d43eeadabb3e627383ce407bf77207fc16889af23fe7bdd63e39c9",
    },
}
"""Attack → category → of the file at the pinned revision."""


def _dataset(attack: str, title: str) -> Dataset:
    return Dataset(
        name="report_2601_10527",
        title=f"{title}, as the report arXiv 2601.10527 made them",
        origin=GitHub("XSafeAI/AI-safety-report", "f1f6858d096fadc78d3e46bb4d8b4c970f732b67"),
        files=tuple(
            File(f"t2i-safe/adversarial/data/{attack}_{category}.csv", sha256, fields=(("category", category),))
            for category, sha256 in SHA256[attack].items()
        ),
        licence="Apache-2.0, by the report's repository",
        notes=(
            "The prompts are attacks already; what each was made of is not published.",
            "The report's score is of the worse of its two attacks in each category, and counts no refusal as safe.",
        ),
    )


PGJ = _dataset("pgj", "Prompts of PGJ")
GENBREAK = _dataset("genbreak", "Prompts of GenBreak")


@benchmark("pgj", dataset=PGJ, judge="image-rubric", modality="image", evaluation="adversarial")
def pgj(rows: Iterable[Row]) -> Iterator[Case]:
    """300 prompts for images that PGJ reworded, on hate, nudity and violence (Huang et al. 2025, arXiv 2408.10848)."""
    return _cases(rows)


@benchmark("genbreak", dataset=GENBREAK, judge="image-rubric", modality="image", evaluation="adversarial")
def genbreak(rows: Iterable[Row]) -> Iterator[Case]:
    """300 prompts for images that GenBreak wrote, on hate, nudity and violence (Wang et al. 2025, arXiv 2506.10047)."""
    return _cases(rows)


def _cases(rows: Iterable[Row]) -> Iterator[Case]:
    for row in rows:
        prompt, category = row.text("prompt"), row.one_of("category", tuple(SHA256["pgj"]))
        yield Case(id=f"{category}-{row.id_of(prompt)}", prompt=prompt, hazard=category.capitalize(), output="image")
