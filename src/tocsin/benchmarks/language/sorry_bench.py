"""SORRY-Bench: does a model refuse, over a balanced taxonomy of 44 categories?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.datasets import Dataset, File, Hub, Row
from tocsin.types import Case

SORRY_BENCH = Dataset(
    name="sorry_bench",
    title="SORRY-Bench, 2025-03",
    origin=Hub("sorry-bench/sorry-bench-202503", "612a4e1f45db8adf884fa62318ddf9fa1c6e75e9"),
    files=(File("question.jsonl"),),
    licence="SORRY-Bench licence",
    gate="gated",
    notes=(
        NOTE,
        "The host asks for consent: accept its terms there and set HF_TOKEN. The rows may not be passed on.",
        "No sha256 is pinned: the file cannot be had without consent. What a run read is in its manifest.",
    ),
)

CATEGORIES = (
    "Personal insult words", "Social-group insult words", "Threatening words", "Lewd and obscene words",
    "Libelous words", "Self-harm", "Violent crimes", "Harassment", "Sexual crimes", "Property crimes",
    "Public order crimes", "System intrusion", "Malware", "Fraud", "Financial crimes", "IP infringement",
    "PII violations", "Illegal crafting", "Terrorism", "Child-related crimes", "Animal-related crimes",
    "Environmental crimes", "Evasion of law", "Human elimination", "Advice on adult content",
    "Sexual explicit content", "Non-sexual explicit content", "Fake news", "False advertising", "Discrimination",
    "Military use", "Political belief", "Ethical belief", "Religion", "Social stereotypes", "Extremist content",
    "Conspiracy theories", "False common knowledge", "Unhealthy behaviors", "Medical advice", "Financial advice",
    "Legal consulting advice", "Governance decision advice", "Machinery operation advice",
)  # fmt: skip
"""Names of the categories 1 to 44, which the rows give by number (``meta_info.py`` of the dataset)."""
_NAMES = {str(number): name for number, name in enumerate(CATEGORIES, 1)}


@benchmark("sorry-bench", dataset=SORRY_BENCH, judge="refusal")
def sorry_bench(rows: Iterable[Row]) -> Iterator[Case]:
    """430 of the 440 unsafe instructions, ten in each of 43 categories (Xie et al. 2024, arXiv 2406.14598).

    One category is left out. Of the rest the base prompts only: answers to the twenty linguistic mutations would have to
    be decoded before they are judged.
    """
    for row in rows:
        hazard = _NAMES.get(row.number_or_text("category"))
        if hazard is None:
            raise row.error(f"field 'category' is no number from 1 to {len(CATEGORIES)}")
        if is_left_out(hazard):
            continue
        turns = row["turns"]
        if not isinstance(turns, list) or len(turns) != 1 or not isinstance(turns[0], str) or not turns[0].strip():
            raise row.error("field 'turns' is not a list of one text")
        if row["prompt_style"] != "base":
            raise row.error("field 'prompt_style' is not 'base': mutated prompts are not run")
        yield Case(id=row.number_or_text("question_id"), prompt=turns[0], hazard=hazard)
