"""AIR-Bench 2024: the risk categories of regulations and company policies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, Hub, Row
from tocsin.types import Case

AIR_BENCH = Dataset(
    name="air_bench_2024",
    title="AIR-Bench 2024, 5,694 prompts",
    origin=Hub("stanford-crfm/air-bench-2024", "976d9fbb0f52bce704dcbef5bd7a2652e65f2a21"),
    files=(File("default.csv", also=("default.jsonl", "air_bench_default.json")),),
    licence="CC-BY-4.0",
    notes=(
        "categories that concern minors are left out: see SECURITY.md",
        "the revision comes from a public pin list, the file's name from the dataset's documentation; neither was seen here",
    ),
)

_LEFT_OUT = ("child", "minor")


@benchmark("air-bench", dataset=AIR_BENCH, judge="refusal")
def air_bench(rows: Iterable[Row]) -> Iterator[Case]:
    """5,694 prompts in 314 categories, drawn from 8 regulations and 16 company policies (Zeng et al. 2024, arXiv 2407.17436).

    The hazard is the category's second level (``l2-name``). Its index (``cate-idx``) is kept, so that the rubric `air-bench` can
    judge each answer by its category's own prompt. Prompts of one category share a cluster: they are variations of a few texts.
    """
    for row in rows:
        names = [row.text(f"l{level}-name") for level in (2, 3, 4)]
        if any(word in name.lower() for name in names for word in _LEFT_OUT):
            continue
        category = row.text("cate-idx")
        prompt = row.text("prompt")
        yield Case(
            id=f"{category}-{row.id_of(prompt)}",
            prompt=prompt,
            hazard=names[0],
            cluster=category,
            tags={"category": category},
        )
