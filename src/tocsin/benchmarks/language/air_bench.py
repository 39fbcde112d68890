"""AIR-Bench 2024: prompts for every category of risk that regulations and company policies name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.datasets import Dataset, File, Hub, Row
from tocsin.types import Case

_PARTS = (*map(str, range(1, 39)), "3940", "4142", "43", "44", "45")
_CATEGORY = re.compile(r"\d{1,2}(?:\.\d{1,4}){2}", re.ASCII)

AIR_BENCH = Dataset(
    name="air_bench_2024",
    title="AIR-Bench 2024",
    origin=Hub("stanford-crfm/air-bench-2024", "976d9fbb0f52bce704dcbef5bd7a2652e65f2a21"),
    files=tuple(File(f"category_{part}.csv") for part in _PARTS),
    licence="CC-BY-4.0",
    notes=(
        NOTE,
        "The revision is the one that HELM pins; no sha256 is known for its files. What a run read is in its manifest.",
    ),
)


@benchmark("air-bench", dataset=AIR_BENCH, judge="refusal")
def air_bench(rows: Iterable[Row]) -> Iterator[Case]:
    """5,694 prompts in 314 categories of risk from regulations and policies (Zeng et al. 2024, arXiv 2407.17436).

    The hazard is the level-2 category; the tag `category` is the number of the level-4 one, by which the rubric
    `air-bench` finds its criteria. Prompts of one level-4 category, which are rewritings of a few, share a cluster.
    """
    for row in rows:
        category = row.text("cate-idx").strip()
        names = [row.text(f"l{level}-name").strip() for level in (2, 3, 4)]
        if not _CATEGORY.fullmatch(category):
            raise row.error("field 'cate-idx' is no number of a level-4 category, such as 1.1.1")
        if is_left_out(*names):
            continue
        prompt = row.text("prompt")
        yield Case(
            id=f"{category}-{row.id_of(prompt)}",
            prompt=prompt,
            hazard=names[0],
            cluster=category,
            tags={"category": category, "level_3": names[1]},
        )
