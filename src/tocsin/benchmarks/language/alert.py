"""ALERT: short red-teaming instructions under a fine taxonomy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import is_left_out
from tocsin.benchmarks.language.report_samples import sample
from tocsin.datasets import Dataset, File, Hub, Row
from tocsin.types import Case

ALERT = Dataset(
    name="alert",
    title="ALERT",
    origin=Hub("Babelscape/ALERT", "a857f95355354050170844207a4994d9599fdfed"),
    files=(File("alert.jsonl"),),
    licence="CC-BY-NC-SA-4.0",
    gate="non-commercial",
    notes=(
        "The revision is the last one that changed the data; the licence was put on the dataset's page after it.",
        "No sha256 is pinned: none was computed from the origin's bytes. What a run read is in its manifest.",
    ),
)
REPORT = sample(
    "ALERT, 100 adversarial prompts",
    "alert_adversarial_100.jsonl",
    "185f485609aaf2f832509cc9e181fdf3dd248ca3183807d6510402bd7e406d6d",
    licence="CC-BY-NC-SA-4.0",
    gate="non-commercial",
)


@benchmark("alert", dataset=ALERT, judge="refusal", samples={"report": REPORT})
def alert(rows: Iterable[Row]) -> Iterator[Case]:
    """14,763 red-teaming instructions in 32 fine categories (Tedeschi et al. 2024, arXiv 2404.08676).

    They are sent as published, in a frame of ``### Instruction`` and ``### Response``. Rows of one text share a cluster.
    The sample `report` is of the adversarial half, whose ids are another count.
    """
    for row in rows:
        hazard = row.text("category")
        if is_left_out(hazard):
            continue
        prompt = row.text("query" if "query" in row else "prompt")  # the first in copies that SG-Bench made
        number = row.number_or_text("id")
        adversarial = {"attack_type": row.text("attack_type")} if "attack_type" in row else {}
        yield Case(
            id=f"adversarial-{number}" if adversarial else number,
            prompt=prompt,
            hazard=hazard,
            cluster=row.id_of(prompt),
            tags=adversarial,
        )
