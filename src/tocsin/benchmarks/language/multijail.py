"""MultiJail: harmful requests in English, each translated by people into nine languages."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.types import Case

LANGUAGES = ("en", "zh", "it", "vi", "ar", "ko", "th", "bn", "sw", "jv")

MULTIJAIL = Dataset(
    name="multijail",
    title="MultiJail",
    origin=GitHub("DAMO-NLP-SG/multilingual-safety-for-LLMs", "577ac511437e07a256130945ef312a99158a18ad"),
    files=(File("data/MultiJail.csv"),),
    licence="MIT",
    languages=LANGUAGES,
    notes=(NOTE, "No sha256 is pinned: none was computed from the origin's bytes. What a run read is in its manifest."),
)


@benchmark(
    "multijail", dataset=MULTIJAIL, judge="multilingual", evaluation="multilingual", paired=True, measures="safety"
)
def multijail(rows: Iterable[Row]) -> Iterator[Case]:
    """315 harmful requests in ten languages, the same in each (Deng et al. 2024, arXiv 2310.06474).

    The hazard is the first tag of a row. The languages of a row share a cluster.
    """
    for row in rows:
        tags = _tags(row)
        if is_left_out(*tags):
            continue
        number = row.number_or_text("id")
        for language in LANGUAGES:
            yield Case(
                id=f"{number}-{language}",
                prompt=row.text(language),
                hazard=tags[0],
                language=language,
                cluster=number,
                tags={"source": row.text("source")},
            )


def _tags(row: Row) -> list[str]:
    """The tags of a row, which the file writes as a list of Python's."""
    said = row.text("tags")
    try:
        tags = ast.literal_eval(said)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        tags = None
    if not isinstance(tags, list) or not tags or not all(isinstance(tag, str) and tag for tag in tags):
        raise row.error("field 'tags' is not a list of names")
    return tags
