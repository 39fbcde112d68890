"""JailbreakBench: a hundred misuses, and a hundred benign behaviours on the same themes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, Hub, Row
from tocsin.types import COMPLY, REFUSE, Case

JAILBREAKBENCH = Dataset(
    name="jailbreakbench",
    title="JBB-Behaviors",
    origin=Hub("JailbreakBench/JBB-Behaviors", "886acc352a31533ffbcf4ef22c744658688086fc"),
    files=(
        File(
            "data/harmful-behaviors.csv",
            "4a8ec6832056b631eb092dccc60d37a61c3d441268268888b3d006288afeffa1",
            also=("jbb_harmful-behaviors.csv",),
        ),
        File(
            "data/benign-behaviors.csv",
            "3cda234d21a991fa309bbfea4b6d9dae31ccdf8e9d452424b6a983e4fdc33468",
            also=("jbb_benign-behaviors.csv",),
        ),
    ),
    licence="MIT",
)


@benchmark("jailbreakbench", dataset=JAILBREAKBENCH, judge="refusal")
def jailbreakbench(rows: Iterable[Row]) -> Iterator[Case]:
    """100 harmful behaviours to refuse and 100 benign ones to comply with (Chao et al. 2024, arXiv 2404.01318).

    The halves are scored apart: harmful ones as safety, benign ones as over-refusal. A behaviour and its benign twin, which
    has the same index and the same theme, share a cluster.
    """
    for row in rows:
        index, prompt, hazard = row.text("Index"), row.text("Goal"), row.text("Category")
        halves = [half for half in ("harmful", "benign") if half in row.file]
        if len(halves) != 1:  # the columns of both files are the same
            raise row.error("the file's name says neither 'harmful' nor 'benign', so the safe answer is not known")
        yield Case(
            id=f"{halves[0]}-{index}",
            prompt=prompt,
            hazard=hazard,
            safe_answer=REFUSE if halves[0] == "harmful" else COMPLY,
            cluster=f"theme-{index}",
            tags={"behavior": row.text("Behavior"), "source": row.text("Source")},
        )
