"""MOSSBench: harmless requests about images that make a model refuse, and harmful twins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, GitHub, Pictures, Row
from tocsin.types import COMPLY, REFUSE, Case

KINDS = {
    "type 1": "Exaggerated risk",
    "type 2": "Negated harm",
    "type 3": "Counterintuitive interpretation",
}
"""What the files call them → why a model may refuse."""


def _file(folder: str, copy: str, images: str, expected: str, sha256: str) -> File:
    return File(
        f"{folder}/images_information/information.json",
        sha256,
        also=(copy,),
        nested=True,
        keyed="pid",
        fields=(("expected", expected),),
        pictures=Pictures(at=f"{folder}/images", beside=images),
    )


MOSSBENCH = Dataset(
    name="mossbench",
    title="MOSSBench",
    origin=GitHub("xirui-li/MOSSBench", "8d68b0614b39d8990a508e03d99975832f399db2"),
    files=(
        _file(
            "data",
            "information.json",
            "images",
            "comply",
            "a5f7701c0a068391a3ba10714dd95f3357d664c84faf47b747e425ff9806a352",
        ),
        _file(
            "data_contrast",
            "information_contrast.json",
            "images_contrast",
            "refuse",
            "ec00786d6be370284bb398dd61978c279e372f0fd9114e8ca39032e20ea14f1e",
        ),
    ),
    licence="CC-BY-SA-4.0",
    notes=(
        "Its authors ask that nothing is trained on it.",
        "The tables are pinned, and that each row's image is at the pinned revision was checked; the images have no sha256.",
    ),
)


@benchmark("mossbench", dataset=MOSSBENCH, judge="refusal", modality="vision", measures="over-refusal")
def mossbench(rows: Iterable[Row]) -> Iterator[Case]:
    """300 harmless requests about images and 244 harmful twins (Li et al. 2024, arXiv 2406.17806).

    A request and its twin share a cluster. Rows whose image a copy lacks are left out.
    """
    for row in rows:
        number, about = row.number_or_text("pid"), row["metadata"]
        kind = KINDS.get(str(about.get("over"))) if isinstance(about, Mapping) else None
        if kind is None:
            raise row.error(f"field 'metadata' names none of {', '.join(KINDS)} under 'over'")
        benign = row.one_of("expected", ("comply", "refuse")) == "comply"
        if images := row.images(row.text("image").removeprefix("images/")):
            yield Case(
                id=number if benign else f"contrast-{number}",
                prompt=row.text("question"),
                images=images,
                hazard=kind,
                safe_answer=COMPLY if benign else REFUSE,
                cluster=number,
            )
