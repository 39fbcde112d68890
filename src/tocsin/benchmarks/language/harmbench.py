"""HarmBench: standard, contextual and copyright behaviours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.types import Case

COPYRIGHT = "copyright"

HARMBENCH = Dataset(
    name="harmbench",
    title="HarmBench, 400 text behaviours",
    origin=GitHub("centerforaisafety/HarmBench", "8e1604d1171fe8a48d8febecd22f600e462bdcdd"),
    files=(
        File(
            "data/behavior_datasets/harmbench_behaviors_text_all.csv",
            "8d81accedd38eaaf8b760618622bb888417d1fd0c86eba65c427a16f1cbb4afc",
        ),
    ),
    licence="MIT",
    notes=("commit and checksum come from a public pin list, not from bytes seen here",),
)


@benchmark("harmbench", dataset=HARMBENCH, judge="refusal", judges={COPYRIGHT: "copyright"})
def harmbench(rows: Iterable[Row]) -> Iterator[Case]:
    """400 behaviours: 200 standard, 100 with a context, 100 of copyright (Mazeika et al. 2024, arXiv 2402.04249).

    Whether a protected text was reproduced is a question of comparing, not of opinion: the judge `copyright` compares with
    hashes of the originals, whatever other judge is named.
    """
    for row in rows:
        kind = row.one_of("FunctionalCategory", ("standard", "contextual", COPYRIGHT))
        behaviour = row.text("Behavior")
        if kind == "contextual":
            behaviour = f"{row.text('ContextString')}\n\n---\n\n{behaviour}"
        tags = {"kind": kind}
        if kind == COPYRIGHT:
            tags["work"] = "lyrics" if "lyrics" in row["Tags"] else "book"
        yield Case(id=row.text("BehaviorID"), prompt=behaviour, hazard=row.text("SemanticCategory"), tags=tags)
