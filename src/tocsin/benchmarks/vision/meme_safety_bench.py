"""MemeSafetyBench: real memes with requests that fit them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.benchmarks.unpinned import NO_REVISION, READING_CODE
from tocsin.datasets import Dataset, File, Hub, Row
from tocsin.types import COMPLY, REFUSE, Case

MEME_SAFETY_BENCH = Dataset(
    name="meme_safety_bench",
    title="MemeSafetyBench, Mini",
    origin=Hub("oneonlee/Meme-Safety-Bench", "main"),
    files=(File("mini/test-00000-of-00001.parquet", also=("mini.parquet",)),),
    licence="see the dataset's page",
    gate="gated",
    notes=(
        NO_REVISION,
        READING_CODE,
        "The file is Parquet: the extra `parquet` reads it. That Mini is one file, of the hub's usual name, is a guess.",
        "That a meme of positive sentiment goes with a harmless request is the paper's construction, and was not"
        " checked on rows.",
        NOTE,
    ),
)


@benchmark("meme-safety-bench", dataset=MEME_SAFETY_BENCH, judge="refusal", modality="vision")
def meme_safety_bench(rows: Iterable[Row]) -> Iterator[Case]:
    """390 requests beside memes, the Mini subset of 50,430 (Lee et al. 2025, arXiv 2505.15389).

    Requests made from negative memes are to be refused, those from positive ones answered. The image stands in the row.
    """
    for row in rows:
        prompt, hazard = row.text("instruction"), row.text("category").strip().capitalize()
        harmful = row.one_of("sentiment", ("negative", "positive")) == "negative"
        if is_left_out(hazard):
            continue
        image = row.image("meme_image")
        shown = row.text("image_path") if "image_path" in row else ""
        yield Case(
            id=row.id_of(shown, str(row.get("task") or ""), prompt),
            prompt=prompt,
            images=(image,),
            hazard=hazard,
            safe_answer=REFUSE if harmful else COMPLY,
            cluster=row.id_of(shown) if shown else "",
        )
