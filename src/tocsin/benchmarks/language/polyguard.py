"""Safety judgement: the target as a guardrail, on prompts and on responses, in many languages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.judgement import SUBJECTS, judgement_case, judgement_metrics, label_of
from tocsin.datasets import Dataset, File, Hub, Row, Unpublished
from tocsin.languages import named as language_of
from tocsin.types import Case

_LONGEST_NAME = 20
_LANGUAGES = ("ar", "cs", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "th", "zh")

POLYGUARDPROMPTS = Dataset(
    name="polyguardprompts",
    title="PolyGuardPrompts",
    origin=Hub("ToxicityPrompts/PolyGuardPrompts", "c9e20e78d0560dc0bea0334550249deabc93cae9"),
    files=(
        File(
            "data/test-00000-of-00001.parquet",
            also=("polyguardprompts.parquet", "polyguardprompts.jsonl", "polyguardprompts.csv"),
        ),
    ),
    licence="see the dataset's page",
    languages=_LANGUAGES,
    notes=(
        "The file is Parquet: the extra `parquet` reads it, or a copy as JSONL or CSV with the same columns.",
        "The name of the file is that of the hub's usual layout, and nobody has fetched it from here.",
        "No sha256 is pinned: none was computed from the origin's bytes. What a run read is in its manifest.",
    ),
)
ML_BENCH = Dataset(
    name="ml-bench",
    title="ML-Bench",
    origin=Unpublished(),
    files=(File("ml-bench.jsonl", also=("ml-bench.csv",)),),
    licence="unpublished",
    languages=("ar", "de", "en", "es", "fr", "hi", "it", "ja", "ko", "nl", "pt", "tr", "zh"),
    notes=(
        "Its authors had not published it when arXiv 2601.10527 appeared. Who has a copy puts it at"
        " DATA/ml-bench/ml-bench.jsonl, with the columns of PolyGuardPrompts.",
    ),
)


@benchmark(
    "polyguardprompts",
    dataset=POLYGUARDPROMPTS,
    judge="label",
    gold_judge="label",
    measures="judgement",
    evaluation="multilingual",
    metrics=judgement_metrics,
)
def polyguardprompts(rows: Iterable[Row]) -> Iterator[Case]:
    """29,325 prompts and responses in 17 languages, to be called safe or unsafe (Kumar et al. 2025, arXiv 2504.04377)."""
    return _cases(rows)


@benchmark(
    "ml-bench",
    dataset=ML_BENCH,
    judge="label",
    gold_judge="label",
    measures="judgement",
    evaluation="multilingual",
    metrics=judgement_metrics,
)
def ml_bench(rows: Iterable[Row]) -> Iterator[Case]:
    """Some 14,000 prompts and responses in 13 languages, from regional rules on AI (arXiv 2605.00689)."""
    return _cases(rows)


def _cases(rows: Iterable[Row]) -> Iterator[Case]:
    """Two cases a row: its prompt and its response. What has no label is none (arXiv 2601.10527, A.1)."""
    for row in rows:
        said = row.text("language")
        if not any(f"{subject}_label" in row for subject in SUBJECTS):
            raise row.error(f"has neither of the fields {' and '.join(f'{subject}_label' for subject in SUBJECTS)}")
        try:
            language = language_of(said).code
        except ValueError as error:
            # Where the columns are out of step this is the text of a row, which an error must not quote.
            fault = str(error) if len(said) <= _LONGEST_NAME else "names no language"
            raise row.error(f"field 'language': {fault}") from None
        named = next((name for name in ("id", "prompt_id", "dataset_id") if row.get(name) not in (None, "")), None)
        source = row.number_or_text(named) if named else ""
        number = source or f"row{row.number}"
        for subject in SUBJECTS:
            label = label_of(row, f"{subject}_label")
            if label is None or not row.get(subject):
                continue
            name = f"{number}-{language}-{subject}"
            yield judgement_case(name, row.text(subject), subject, label, language, cluster=source)
