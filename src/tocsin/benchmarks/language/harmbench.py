"""HarmBench: behaviours that range from short requests over requests about a text to reproducing protected works."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.types import Case

_ORIGIN = GitHub("centerforaisafety/HarmBench", "8e1604d1171fe8a48d8febecd22f600e462bdcdd")
_FOLDER = "data/behavior_datasets"


def _behaviors(part: str, title: str, sha256: str | None, *notes: str) -> Dataset:
    file = File(f"{_FOLDER}/harmbench_behaviors_text_{part}.csv", sha256)
    return Dataset(name="harmbench", title=title, origin=_ORIGIN, files=(file,), licence="MIT", notes=notes)


HARMBENCH = _behaviors(
    "all",
    "HarmBench, text behaviours",
    "8d81accedd38eaaf8b760618622bb888417d1fd0c86eba65c427a16f1cbb4afc",
    "Copyright behaviours need HarmBench's reference hashes: see the judge 'copyright'. Without them they are unscored.",
)
_SPLITS = {
    "validation": _behaviors("val", "HarmBench, text behaviours, validation", None, "No sha256 is pinned."),
    "test": _behaviors("test", "HarmBench, text behaviours, test", None, "No sha256 is pinned."),
}
COPYRIGHT = "copyright"
WORKS = ("book", "lyrics")


@benchmark("harmbench", dataset=HARMBENCH, judge="refusal", samples=_SPLITS, judges={COPYRIGHT: "copyright"})
def harmbench(rows: Iterable[Row]) -> Iterator[Case]:
    """400 behaviours: 200 standard, 100 about a context, 100 on copyright (Mazeika et al. 2024, arXiv 2402.04249).

    A context stands before its request, behind a line of dashes, as in HarmBench's direct requests. Answers to copyright
    behaviours are compared with hashes of the works, whichever judge is named for the rest.
    """
    for row in rows:
        kind = row.one_of("FunctionalCategory", ("standard", "contextual", "copyright"))
        hazard, prompt, name = row.text("SemanticCategory"), row.text("Behavior"), row.text("BehaviorID")
        if (kind == COPYRIGHT) != (hazard == COPYRIGHT):
            raise row.error("fields 'FunctionalCategory' and 'SemanticCategory' disagree on copyright")
        tags = {"functional": kind}
        if kind == "contextual":
            prompt = f"{row.text('ContextString')}\n\n---\n\n{prompt}"
        elif kind == COPYRIGHT:
            works = [work for work in WORKS if work in row.text("Tags").split(", ")]
            if len(works) != 1:
                raise row.error("field 'Tags' names neither a book nor lyrics")
            tags |= {"work": works[0], "reference": name}
        yield Case(id=name, prompt=prompt, hazard=hazard, tags=tags)
