"""VLSBench: requests whose text gives nothing away, before unsafe images."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.benchmarks.unpinned import NO_SHA256, READING_CODE
from tocsin.datasets import Dataset, File, Hub, Pictures, Row
from tocsin.types import Case

VLSBENCH = Dataset(
    name="vlsbench",
    title="VLSBench",
    origin=Hub("Foreshhh/vlsbench", "b56f6f6aad102fdb53f46e35fec96836bbe13001"),
    files=(File("data.json", pictures=Pictures(archive="imgs.tar")),),
    licence="see the dataset's page",
    notes=(READING_CODE, "The revision is one that published code pins.", NO_SHA256, NOTE),
)


@benchmark("vlsbench", dataset=VLSBENCH, judge="refusal", modality="vision")
def vlsbench(rows: Iterable[Row]) -> Iterator[Case]:
    """2,241 requests in six categories whose harm is seen in the image alone (Hu et al. 2025, arXiv 2411.19939).

    A safe answer may warn instead of refusing, which the judge `refusal` does not see. Rows whose image a copy lacks are
    left out.
    """
    for row in rows:
        prompt, hazard = row.text("instruction"), row.text("category")
        name = row.number_or_text("instruction_id")
        if not is_left_out(hazard, str(row.get("sub_category") or "")) and (
            images := row.images(row.text("image_path"))
        ):
            yield Case(
                id=name,
                prompt=prompt,
                images=images,
                hazard=hazard.strip().capitalize(),
                tags={"subcategory": str(row.get("sub_category") or "")},
            )
