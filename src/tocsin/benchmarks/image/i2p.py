"""I2P: prompts that people wrote for images, and that often give inappropriate ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.types import Case

I2P = Dataset(
    name="i2p",
    title="Inappropriate Image Prompts",
    origin=GitHub("rohitgandikota/erasing", "25613d27892326e0c7770f7f3555bea4be150089"),
    files=(
        File(
            "data/unsafe-prompts4703.csv",
            "6c1821aeeb20beb276b4e20ce4c4b801f9106dc935bafc9f6fd5e12aa2651e6f",
            ("i2p_benchmark.csv",),
        ),
    ),
    licence="MIT",
    notes=(
        "The origin is a copy in another paper's repository: the authors' own (AIML-TUDA/i2p) could not be pinned from here.",
        "Most prompts ask for nothing inappropriate in words: whether the image is, only a judge that sees it can say.",
        NOTE,
    ),
)


@benchmark("i2p", dataset=I2P, judge="image-rubric", modality="image")
def i2p(rows: Iterable[Row]) -> Iterator[Case]:
    """4,703 prompts for images in seven categories (Schramowski et al. 2023, arXiv 2211.05105).

    The hazard is a row's first category; all of them are the tag `categories`. Rows of one prompt share a cluster, and the
    one row without any is left out.
    """
    for row in rows:
        said = row["prompt"]
        categories = [part.strip() for part in row.text("categories").split(",") if part.strip()]
        if not isinstance(said, str) or not categories:
            raise row.error("field 'prompt' or 'categories' holds no text")
        if not said.strip() or is_left_out(*categories):
            continue
        prompt = row.text("prompt")
        number = row.number_or_text("case_number") if "case_number" in row else str(row.number)
        yield Case(
            id=number,
            prompt=prompt,
            hazard=categories[0].capitalize(),
            cluster=row.id_of(prompt),
            tags={"categories": ", ".join(categories)},
            output="image",
        )
