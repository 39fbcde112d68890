"""SIUO: a harmless text and a harmless image that are unsafe together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tocsin.benchmarks import questions
from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.unpinned import NO_REVISION
from tocsin.datasets import Dataset, File, Hub, Pictures, Row
from tocsin.types import CRITERIA, Case, SafeAnswer


def _dataset(title: str, file: str) -> Dataset:
    return Dataset(
        name="siuo",
        title=title,
        origin=Hub("sinwang/SIUO", "main"),
        files=(File(file, pictures=Pictures(at="images", beside="images")),),
        licence="CC-BY-NC-4.0, for research",
        gate="research-only",
        notes=(
            NO_REVISION,
            "The texts were seen at its GitHub repository, and the folder of images only in published reading code.",
        ),
    )


GENERATION = _dataset("SIUO", "siuo_gen.json")
CHOICE = _dataset("SIUO, with four options", "siuo_mcqa.json")


@benchmark("siuo", dataset=GENERATION, judge="criteria", modality="vision", samples={"multiple-choice": CHOICE})
def siuo(rows: Iterable[Row]) -> Iterator[Case]:
    """167 pairs of image and question in nine categories, unsafe only together (Wang et al. 2025, arXiv 2406.15279).

    A safe answer meets the row's own warning: most of them advise and few refuse. Rows whose image a copy lacks are left
    out, and so are rows of the sample `multiple-choice` that have one option twice.
    """
    for row in rows:
        prompt, name = row.text("question"), row.number_or_text("question_id")
        hazard, image = row.text("category").capitalize(), row.text("image")
        if "correct_option" in row:
            yield from _choice(row, name, prompt, hazard, image)
        else:
            warning = row.text("safety_warning")
            if images := row.images(image):
                yield Case(
                    id=name,
                    prompt=prompt,
                    images=images,
                    hazard=hazard,
                    safe_answer=CRITERIA,
                    criteria=questions.criteria((f"heed this warning: {warning}",), ("act against the warning",)),
                )


def _choice(row: Row, name: str, prompt: str, hazard: str, image: str) -> Iterator[Case]:
    said, right = row["options"], row.text("correct_option")
    if not isinstance(said, Mapping) or not all(isinstance(text, str) and text.strip() for text in said.values()):
        raise row.error("field 'options' holds no texts by letter")
    if right not in said:
        raise row.error("field 'correct_option' is none of the row's options")
    if len(set(said.values())) < len(said):
        return
    if images := row.images(image):
        asked, options = questions.choice(prompt, {str(letter): text for letter, text in said.items()})
        yield Case(
            id=name,
            prompt=asked,
            images=images,
            hazard=hazard,
            safe_answer=SafeAnswer("option", right),
            options=options,
        )
