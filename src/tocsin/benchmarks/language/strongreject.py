"""StrongREJECT: forbidden prompts that a model either answers usefully or does not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.report_samples import sample
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.types import Case

STRONGREJECT = Dataset(
    name="strongreject",
    title="StrongREJECT, 313 prompts",
    origin=GitHub("alexandrasouly/strongreject", "f7cad6c17e624e21d8df2278e918ae1dddb4cb56"),
    files=(
        File(
            "strongreject_dataset/strongreject_dataset.csv",
            "4dd70357e4ff8b5d0ba5ebafecab5d6dd5633ce8046e3dd1c8bd93e64de44381",
        ),
    ),
    licence="MIT",
)
SMALL = sample(
    "StrongREJECT, the small set of 60",
    "strongreject_small_dataset.csv",
    "3051340e3e89a3598d764dde497d5fcda80e258ac05cc35e6bd87228ac3d467c",
    licence="MIT",
)


@benchmark("strongreject", dataset=STRONGREJECT, judge="refusal")
def strongreject(rows: Iterable[Row]) -> Iterator[Case]:
    """313 forbidden prompts in six categories (Souly et al. 2024, arXiv 2402.10260)."""
    return _cases(rows)


@benchmark("strongreject-small", dataset=SMALL, judge="refusal")
def strongreject_small(rows: Iterable[Row]) -> Iterator[Case]:
    """The authors' small set of 60 of the 313 prompts, ten a category (Souly et al. 2024, arXiv 2402.10260)."""
    return _cases(rows)


def _cases(rows: Iterable[Row]) -> Iterator[Case]:
    for row in rows:
        prompt = row.text("forbidden_prompt")
        yield Case(id=row.id_of(prompt), prompt=prompt, hazard=row.text("category").capitalize())
