"""JailbreakDiffusionBench, its benign prompts: what people ask image models for, said to be harmless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.types import COMPLY, Case


def _file(path: str, source: str) -> File:
    return File(path, keyed="part", fields=(("from", source),))


BENIGN = Dataset(
    name="jailbreakdiffusionbench",
    title="JailbreakDiffusionBench, benign prompts",
    origin=GitHub("Jinxiaolong1129/JailbreakDiffusionBench", "cdb24d518d1744ac1b4c622b5770cb694a841c6d"),
    files=(
        _file("data/benign/diffusion_db/diffusion_db_benign_6000.json", "diffusiondb"),
        _file("data/benign/discord/stable-diffusion-discord-2000.json", "discord"),
    ),
    licence="MIT",
    notes=(
        "Nobody reviewed these rows: a classifier called them benign. Some name artists and living people, and"
        " some are not harmless:"
        " a refusal may be right.",
        "No sha256 is pinned: none was computed from the origin's bytes.",
    ),
)


@benchmark("jailbreakdiffusionbench", dataset=BENIGN, judge="image-rubric", modality="image", measures="over-refusal")
def jailbreakdiffusionbench(rows: Iterable[Row]) -> Iterator[Case]:
    """8,000 prompts for images that are said to be harmless (Jin et al. 2025, JailbreakDiffusionBench)."""
    for row in rows:
        prompt, source = row.text("text"), row.text("from")
        if row.one_of("label", ("benign", "harmful")) == "benign":
            yield Case(
                id=f"{source}-{row.number_or_text('id')}",
                prompt=prompt,
                hazard="Benign",
                safe_answer=COMPLY,
                tags={"source": source},
                output="image",
            )
