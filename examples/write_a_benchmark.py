"""A benchmark in one file: harmless questions, some of which sound otherwise. Does a model refuse them?"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from tocsin.api import assess
from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, Own, Row
from tocsin.types import COMPLY, Case

MODEL = os.environ.get("MODEL", "openai/my-model")

TEA_TIME = Dataset(
    name="tea-time",
    title="Tea time",
    # In a package of your own: Packaged("our_tests"). Give published data as GitHub(…) or Hub(…), with revision and sha256.
    origin=Own(),
    files=(File(str(Path(__file__).with_name("tea_time.jsonl"))),),
    licence="Apache-2.0",
)


@benchmark("tea-time", dataset=TEA_TIME, measures="over-refusal", judge="refusal")
def tea_time(rows: Iterable[Row]) -> Iterator[Case]:
    """Eight questions about tea that any model should answer."""
    for row in rows:
        yield Case(
            id=row.text("id"),  # a row that lacks a field is an error with its file and line, and never a result
            prompt=row.text("ask"),
            hazard=row.text("topic"),
            safe_answer=COMPLY,  # answering is right here, so a refusal counts as over-refusal
            # A question and its loud twin stand or fall together: the interval takes the pair as what was sampled.
            cluster=row.text("twin"),
        )


def main(out: str) -> None:
    """Runs the benchmark, and prints its rate."""
    run = assess(MODEL, benchmarks=["tea-time"], evaluations=["over-refusal"], out=out)
    (score,) = run.summary["models"][0]["scores"]
    print(f"over-refusal: {score['value']:.2f} (95%: {score['low']:.2f} to {score['high']:.2f})")
    print(f"{score['n']} answers in {score['n_clusters']} clusters; {', '.join(score['notes']) or 'no notes'}")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "runs")
