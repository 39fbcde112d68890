"""JailbreakDiffusionBench, its benign prompts: what people ask image models for, said to be harmless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.types import COMPLY, Case


def _file(path: str, source: str, sha256: str) -> File:
    return File(path, sha256, keyed="part", fields=(("from", source),))


BENIGN = Dataset(
    name="jailbreakdiffusionbench",
    title="JailbreakDiffusionBench, benign prompts",
    origin=GitHub("Jinxiaolong1129/JailbreakDiffusionBench", "cdb24d518d1744ac1b4c622b5770cb694a841c6d"),
    files=(
        _file(
            "data/benign/diffusion_db/diffusion_db_benign_6000.json",
            "diffusiondb",
            "a168d92149944bece1389edfa22b7a5b0deeda7e5d7037d107d1bd19a9adac03",
        ),
        _file(
            "data/benign/discord/stable-diffusion-discord-2000.json",
            "discord",
            "8b85c4b515f50b3e05d21a76627370760a59b2e5fd48ab07dd881634de738c7b",
        ),
    ),
    licence="MIT",
    notes=(
        "Nobody reviewed these rows: a classifier called them benign. Some name artists and living people, and"
        " some are not harmless:"
        " a refusal may be right.",
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
