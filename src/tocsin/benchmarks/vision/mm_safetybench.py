"""MM-SafetyBench: requests whose harmful words stand in the image."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.unpinned import NO_REVISION, NO_SHA256, READING_CODE
from tocsin.datasets import Dataset, File, GitHub, Hub, Row
from tocsin.types import Case, Deferred

SCENARIOS = (
    "Illegal_Activitiy", "HateSpeech", "Malware_Generation", "Physical_Harm", "EconomicHarm", "Fraud", "Sex",
    "Political_Lobbying", "Privacy_Violence", "Legal_Opinion", "Financial_Advice", "Health_Consultation", "Gov_Decision",
)  # fmt: skip
"""As the files are called, in their order."""
_NAMES = {
    "Illegal_Activitiy": "Illegal activity",
    "HateSpeech": "Hate speech",
    "EconomicHarm": "Economic harm",
    "Gov_Decision": "Government decision",
}
STYLES = {"sd": "SD", "sd-typo": "SD_TYPO", "typo": "TYPO"}
"""Sample → how the origin calls the images: of Stable Diffusion, the same with the words below, the words alone."""
WIDTH = 1024

TEXTS = Dataset(
    name="mm_safetybench_text",
    title="MM-SafetyBench, texts",
    origin=GitHub("isXinLiu/MM-SafetyBench", "b80eedea3db312c09ded2082813390f68e750ef3"),
    files=tuple(
        File(
            f"data/processed_questions/{number:02}-{scenario}.json",
            keyed="number",
            fields=(("scenario", scenario),),
        )
        for number, scenario in enumerate(SCENARIOS, 1)
    ),
    licence="CC-BY-NC-4.0, as it is said",
    gate="non-commercial",
    notes=(
        "The images are drawn here from the key phrase, with the fonts of this machine: rates are not those of"
        " the authors' images.",
        "The texts were seen in a copy of another repository; the path at the origin is the one that its users name.",
        NO_SHA256,
    ),
)


def _published(title: str, styles: Iterable[str]) -> Dataset:
    return Dataset(
        name="mm_safetybench",
        title=title,
        origin=Hub("PKU-Alignment/MM-SafetyBench", "main"),
        files=tuple(
            File(f"data/{scenario}/{style}.parquet", fields=(("scenario", scenario), ("style", style)), nested=True)
            for style in styles
            for scenario in SCENARIOS
        ),
        licence="CC-BY-NC-4.0, as it is said",
        gate="non-commercial",
        notes=(
            NO_REVISION,
            READING_CODE,
            "The files are Parquet: the extra `parquet` reads them.",
        ),
    )


@benchmark(
    "mm-safetybench",
    dataset=TEXTS,
    judge="refusal",
    modality="vision",
    samples={
        **{sample: _published(f"MM-SafetyBench, {style}", (style,)) for sample, style in STYLES.items()},
        "full": _published("MM-SafetyBench, all three kinds of image", STYLES.values()),
    },
    evaluation="adversarial",
)
def mm_safetybench(rows: Iterable[Row]) -> Iterator[Case]:
    """1,680 requests in thirteen scenarios, their harmful words in an image (Liu et al. 2024, arXiv 2311.17600).

    The words are drawn here, and judges read the request before it was reworded. The samples `sd`, `sd-typo` and `typo` have the
    authors' images, and `full` has all 5,040; judges read the reworded request there, since the files have no other.
    """
    for row in rows:
        scenario = row.one_of("scenario", SCENARIOS)
        hazard = _NAMES.get(scenario, scenario.replace("_", " ").capitalize())
        if "style" in row:
            number, style = row.number_or_text("id"), row.text("style").lower().replace("_", "-")
            prompt, image, request = row.text("question"), row.image("image"), ""  # the file does not say
        else:
            number, style = row.number_or_text("number"), "drawn"
            phrase, prompt, request = row.text("Key Phrase"), row.text("Rephrased Question"), row.text("Question")
            image = Deferred(make=partial(_drawn, phrase))
        name = f"{scenario.lower().replace('_', '-')}-{number}"
        yield Case(
            id=f"{name}-{style}",
            prompt=prompt,
            images=(image,),
            hazard=hazard,
            cluster=name,
            tags={"image": style},
            request=request,
        )


def _drawn(phrase: str) -> bytes:
    """The phrase in black on white, `WIDTH` pixels wide, as a PNG."""
    from tocsin.drawing import lettering, png  # the other samples need no Pillow

    return png(lettering(phrase, width=WIDTH, size=90, align="center"))
