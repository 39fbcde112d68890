"""JailBreakV-28K: jailbreaks of language models carried over to models that see, and typographic ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.benchmarks.unpinned import NO_SHA256, READING_CODE
from tocsin.datasets import Dataset, File, Hub, Pictures, Row
from tocsin.types import Case

_FOLDER = "JailBreakV_28K"


def _dataset(title: str, file: str) -> Dataset:
    return Dataset(
        name="jailbreakv_28k",
        title=title,
        origin=Hub("JailbreakV-28K/JailBreakV-28k", "f949ca582fff13d396ac8fce59596afafb2b78d3"),
        files=(File(f"{_FOLDER}/{file}", pictures=Pictures(at=_FOLDER)),),
        licence="see the dataset's page",
        notes=(
            READING_CODE,
            "The revision is one that published code pins.",
            "Part of the images was given out elsewhere than at the origin: rows whose image is not there are"
            " errors, unless a folder of"
            " your own has the others.",
            "The report arXiv 2601.10527 names a subset of 360; Mini has 280 rows. Its code reads the whole"
            " file, as far as images were"
            " there: its sample cannot be drawn again.",
            NO_SHA256,
            NOTE,
        ),
    )


MINI = _dataset("JailBreakV-28K, Mini", "mini_JailBreakV_28K.csv")
WHOLE = _dataset("JailBreakV-28K", "JailBreakV_28K.csv")


@benchmark(
    "jailbreakv-28k",
    dataset=MINI,
    judge="refusal",
    modality="vision",
    samples={"full": WHOLE},
    evaluation="adversarial",
)
def jailbreakv_28k(rows: Iterable[Row]) -> Iterator[Case]:
    """280 jailbreaks of text and image, the Mini subset of 28,000 (Luo et al. 2024, arXiv 2404.03027).

    What is sent is the jailbreak; judges read the request behind it, whose cases share a cluster. Rows whose
    image a copy lacks are left out.
    """
    for row in rows:
        prompt, request = row.text("jailbreak_query"), row.text("redteam_query")
        hazard, image = row.text("policy").strip().capitalize(), row.text("image_path")
        if not is_left_out(hazard) and (images := row.images(image)):
            yield Case(
                id=row.id_of(prompt, image),
                prompt=prompt,
                images=images,
                hazard=hazard,
                cluster=row.id_of(request),
                request=request,
                tags={"format": row.text("format")},
            )
