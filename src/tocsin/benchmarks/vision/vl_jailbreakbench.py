"""VLJailbreakBench: pairs of text and image that a model wrote to jailbreak others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.datasets import Dataset, File, Hub, Pictures, Row
from tocsin.types import Case


def _dataset(title: str, split: str, sha256: str) -> Dataset:
    return Dataset(
        name="vlbreakbench",
        title=title,
        origin=Hub("wang021/VLBreakBench", "10b1ce5ab4546b5c2ab27c0aed4e171ab8ee98a0"),
        files=(File(f"vlbreakbench_{split}.json", sha256, pictures=Pictures()),),
        licence="Apache-2.0",
        notes=(
            "Revision, sha256 and licence are those that published code pins, which checks columns and paths,"
            " too; no row was seen here.",
            "That the images are a file each at the origin, where the rows say, is how that code reads them.",
            NOTE,
        ),
    )


CHALLENGE = _dataset(
    "VLJailbreakBench, challenge",
    "challenge",
    "c077e482530cf9ec7c403d4022204ff266c2226cd55830439187a67d24404f00",
)
BASE = _dataset(
    "VLJailbreakBench, base",
    "base",
    "264f68ac656a6c8880e447821dc9f2858cd26db88fcbd7c4a80941e36945a523",
)


@benchmark(
    "vl-jailbreakbench",
    dataset=CHALLENGE,
    judge="refusal",
    modality="vision",
    samples={"base": BASE},
    evaluation="adversarial",
)
def vl_jailbreakbench(rows: Iterable[Row]) -> Iterator[Case]:
    """2,738 jailbreaks of text and image, the challenge set (Wang et al. 2025, arXiv 2411.00827).

    What is sent is the attack's text; judges read the request behind it, whose cases share a cluster. Rows
    whose image a copy lacks are left out.
    """
    for row in rows:
        prompt, request = row.text("text_prompt"), row.text("query")
        hazard, image = row.text("category").strip().capitalize(), row.text("image")
        if not is_left_out(hazard, row.text("subcategory")) and (images := row.images(image)):
            yield Case(
                id=image.rpartition("/")[2].rpartition(".")[0].removeprefix("redteam_image_"),
                prompt=prompt,
                images=images,
                hazard=hazard,
                cluster=row.id_of(request),
                request=request,
            )
