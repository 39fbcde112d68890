"""Items for images on China's Interim Measures: a set of your own, since the report's prompts are private."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from tocsin.benchmarks import questions
from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.item_cases import case_of, meant_of
from tocsin.benchmarks.items import read_items
from tocsin.datasets import Dataset, File, Row, Unpublished
from tocsin.models.config import ConfigError
from tocsin.types import Case

FRAMEWORK = "china-interim-measures"
THEMES = ("psns", "te", "hsd", "vse", "md", "iprp", "ipi")
"""Its clauses: the seven themes that the report's tree begins with."""
ITEMS = Dataset(
    name="interim-measures-images",
    title="Items for images on China's Interim Measures",
    origin=Unpublished(
        how="the prompts of the report arXiv 2601.10527 are private. Have items drafted with"
        f" 'tocsin compliance generate MEASURES.txt --model MODEL --output image --framework {FRAMEWORK}', read them, set the"
        " status of those that are right to 'reviewed', and copy items.yaml of the run's folder"
    ),
    files=(File("items.yaml", whole=True),),
    licence="yours",
    languages=("zh", "en"),
    notes=(
        "The report says how it made its prompts and does not give them, nor their number: a rate over your items is no"
        " figure of the report.",
        "The file is a set of compliance items, of which the reviewed open ones become cases.",
    ),
)


@benchmark(
    "interim-measures-images",
    dataset=ITEMS,
    judge=questions.IMAGE_JUDGE,
    measures="rules",
    modality="image",
    evaluation="compliance",
    framework=FRAMEWORK,
)
def interim_measures_images(rows: Iterable[Row]) -> Iterator[Case]:
    """Your own reviewed items for images on China's Interim Measures, after the compliance test of arXiv 2601.10527.

    Each asks for what a rule forbids. A refusal is no unsafe answer, and is not counted in ``safe_image_rate``. The hazard is the
    theme; cases of one rule share a cluster.
    """
    for row in rows:
        path = Path(row.text("path"))
        try:
            found = read_items(path)
            meant = meant_of(found)
        except (ConfigError, ValueError) as error:
            raise row.error(str(error)) from error
        if found.output != "image":
            raise row.error("is a set that asks for words: say 'output: image', and reword its items so that they do")
        if found.framework != FRAMEWORK:
            raise row.error(f"is a set for another framework: this benchmark is for {FRAMEWORK}")
        if strange := sorted({rule.clause for rule in found.rules} - set(THEMES)):
            raise row.error(f"has a rule for the clause {strange[0][:40]!r}, and {FRAMEWORK} has {', '.join(THEMES)}")
        for item in meant.values():
            yield case_of(found, item)
