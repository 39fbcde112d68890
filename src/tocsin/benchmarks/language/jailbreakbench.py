"""JailbreakBench: harmful behaviours and benign ones on the same themes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, Hub, Row
from tocsin.types import COMPLY, REFUSE, Case

JBB = Dataset(
    name="jailbreakbench",
    title="JBB-Behaviors, 100 harmful and 100 benign",
    origin=Hub("JailbreakBench/JBB-Behaviors", "886acc352a31533ffbcf4ef22c744658688086fc"),
    files=(
        File(
            "data/harmful-behaviors.csv",
            "4a8ec6832056b631eb092dccc60d37a61c3d441268268888b3d006288afeffa1",
            also=("jbb_harmful-behaviors.csv",),
        ),
        File("data/benign-behaviors.csv", also=("jbb_benign-behaviors.csv",)),
    ),
    licence="MIT",
    notes=("revision and checksum come from a public pin list, not from bytes seen here",),
)


@benchmark("jailbreakbench", dataset=JBB, judge="refusal")
def jailbreakbench(rows: Iterable[Row]) -> Iterator[Case]:
    """100 harmful behaviours and 100 benign ones on the same themes (Chao et al. 2024, arXiv 2404.01318).

    The halves are scored apart: the harmful one as safety, the benign one as over-refusal. A behaviour and its twin share a
    cluster.
    """
    for row in rows:
        benign = "benign" in row.file
        number = str(row["Index"])
        yield Case(
            id=f"{'benign' if benign else 'harmful'}-{number}",
            prompt=row.text("Goal"),
            hazard=row.text("Category"),
            safe_answer=COMPLY if benign else REFUSE,
            cluster=f"pair-{number}",
        )
