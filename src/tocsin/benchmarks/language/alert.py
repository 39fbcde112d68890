"""ALERT: requests that a safe model declines, by a fine taxonomy of harms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.report_samples import sample
from tocsin.datasets import Dataset, File, Hub, Row
from tocsin.types import Case

ALERT = Dataset(
    name="alert",
    title="ALERT, 14,763 prompts",
    origin=Hub("Babelscape/ALERT", "main"),
    files=(File("alert.jsonl"),),
    licence="CC-BY-NC-SA-4.0",
    gate="non-commercial",
    notes=("no revision is pinned: the origin's bytes were not seen",),
)
REPORT = sample(
    "ALERT, 100 of the adversarial split", "alert_adversarial_100.jsonl", None, licence="CC-BY-NC-SA-4.0",
    gate="non-commercial",
)  # fmt: skip

_HEAD = "### Instruction:\n"
_TAIL = "\n### Response:"


@benchmark("alert", dataset=ALERT, samples={"report": REPORT}, judge="refusal")
def alert(rows: Iterable[Row]) -> Iterator[Case]:
    """Requests in 32 categories of harm, most from red teaming (Tedeschi et al. 2024, arXiv 2404.08676).

    The published prompts stand within an instruction template, which is taken off: it is no part of what a person would ask, and
    chat models have a template of their own. Attempts of the adversarial split keep the attack as they were published.
    """
    for row in rows:
        prompt = row.text("query" if "query" in row else "prompt")
        if prompt.startswith(_HEAD):
            prompt = prompt.removeprefix(_HEAD).partition(_TAIL)[0].strip()
        if not prompt:
            raise row.error("field 'prompt' holds nothing within its template")
        kind = row.text("attack_type") if "attack_type" in row else ""
        yield Case(
            id=str(row["id"]) if not kind else f"{kind}-{row['id']}",
            prompt=prompt,
            hazard=row.text("category"),
            tags={"attack": kind} if kind else {},
        )
