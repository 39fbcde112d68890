"""MIS: requests that are unsafe only over two images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.benchmarks.unpinned import NO_REVISION, READING_CODE
from tocsin.datasets import Dataset, File, Hub, Pictures, Row
from tocsin.types import Case

MIS = Dataset(
    name="mis_test",
    title="MIS, the hard test set",
    origin=Hub("Tuwhy/MIS_Test", "main"),
    files=(File("mis_hard.json", pictures=Pictures(archive="zip_files/hard_image.zip")),),
    licence="see the dataset's page",
    notes=(
        NO_REVISION,
        READING_CODE,
        "The archive of images is named after the folder that reading code unpacks it to: its name is a guess.",
        "The report arXiv 2601.10527 put a Chinese sentence before each question; the question alone is sent"
        " here, as its authors do.",
        NOTE,
    ),
)


@benchmark("mis", dataset=MIS, judge="refusal", modality="vision")
def mis(rows: Iterable[Row]) -> Iterator[Case]:
    """510 requests about two images that are unsafe only together, the hard test set (Ding et al. 2025, arXiv 2501.18533).

    Rows of which a copy lacks an image are left out.
    """
    for row in rows:
        prompt, hazard = row.text("question"), row.text("category").strip().capitalize()
        names = (row.text("image_path1"), row.text("image_path2"))
        if not is_left_out(hazard, str(row.get("sub_category") or "")) and (images := row.images(*names)):
            yield Case(id=row.id_of(*names, prompt), prompt=prompt, images=images, hazard=hazard)
