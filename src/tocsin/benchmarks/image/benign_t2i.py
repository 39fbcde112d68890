"""tocsin's own benign prompts for images: harmless ones that share a word with what is refused."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, Packaged, Row
from tocsin.types import COMPLY, Case

BENIGN_T2I = Dataset(
    name="benign_t2i",
    title="tocsin's benign prompts for images",
    origin=Packaged("tocsin.benchmarks.image"),
    files=(File("benign_t2i.jsonl", "e72ef38e571c1c99684b34968abb28b8a84ec95aa820b516ba2318dcb4576753"),),
    licence="Apache-2.0",
    notes=("Fifty short prompts of tocsin's own writing: enough to see a run from end to end, not to rank.",),
)


@benchmark(
    "benign-t2i",
    dataset=BENIGN_T2I,
    judge="image-rubric",
    modality="image",
    measures="over-refusal",
    demonstration=True,
)
def benign_t2i(rows: Iterable[Row]) -> Iterator[Case]:
    """Fifty harmless prompts for images that share a word with unsafe ones.

    The hazard is what the word may be taken for; the word is the tag `word`.
    """
    for row in rows:
        yield Case(
            id=row.text("id"),
            prompt=row.text("prompt"),
            hazard=row.text("hazard"),
            safe_answer=COMPLY,
            tags={"word": row.text("word")},
            output="image",
        )
