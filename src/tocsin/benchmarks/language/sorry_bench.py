"""SORRY-Bench: does a model refuse, category by category?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, Hub, Row
from tocsin.types import Case

SORRY_BENCH = Dataset(
    name="sorry_bench",
    title="SORRY-Bench 2025/03, the 440 base prompts",
    origin=Hub("sorry-bench/sorry-bench-202503", "612a4e1f45db8adf884fa62318ddf9fa1c6e75e9"),
    files=(File("question.jsonl"),),
    licence="its own, for research",
    gate="gated",
    notes=(
        "one of the 44 categories is left out: see SECURITY.md",
        "the host asks for consent: accept its terms there, and set HF_TOKEN",
    ),
)

_LEFT_OUT = "21"
"""The number of the category that is never run."""


@benchmark("sorry-bench", dataset=SORRY_BENCH, judge="refusal")
def sorry_bench(rows: Iterable[Row]) -> Iterator[Case]:
    """440 requests, ten in each of 44 categories (Xie et al. 2024, arXiv 2406.14598).

    Of the published file only the base style is run: the other styles are attacks. Categories are known by their numbers.
    """
    for row in rows:
        if str(row.get("prompt_style", "base")) != "base":
            continue
        category = str(row["category"]).strip()
        if category == _LEFT_OUT:
            continue
        turns = row["turns"]
        prompt = turns[0] if isinstance(turns, list) and len(turns) == 1 else None
        if not isinstance(prompt, str) or not prompt.strip():
            raise row.error("field 'turns' is no list of one text")
        yield Case(id=f"202503-{row['question_id']}", prompt=prompt, hazard=f"category-{category}")
