"""The variants with a picture among the compliance items that the report arXiv 2601.10527 released, without the pictures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.benchmarks.language.report_compliance import PICTURED, Variant
from tocsin.benchmarks.questions import CRITERIA_JUDGE
from tocsin.datasets import Dataset, File, GitHub, Pictures, Row, RowError
from tocsin.types import COMPLY, CRITERIA, Case


def _released(framework: str, file: str, copy: str, folder: str, count: int, sha256: str) -> Dataset:
    return Dataset(
        name="report_2601_10527",
        title=f"Items with pictures for {framework}, of the report arXiv 2601.10527",
        origin=GitHub("XSafeAI/AI-safety-report", "f1f6858d096fadc78d3e46bb4d8b4c970f732b67"),
        files=(
            File(
                f"l-safe/compliance/data/{file}",
                sha256,
                (copy,),
                pictures=Pictures(
                    beside=f"vision/{folder}",
                    unpublished="the report describes this picture and published none: have it made with"
                    " 'tocsin compliance draw', or make one",
                ),
            ),
        ),
        licence="Apache-2.0",
        notes=(
            f"Counted in a copy: {count} items. None has its picture: the report left these items out, and so a"
            f" rate over them is no figure"
            " of the report.",
            f"`tocsin compliance draw` has pictures made from the items' descriptions. They go to vision/{folder}/ITEM.png"
            f" in the dataset's folder, as pictures of your own do.",
            "These items name no criteria of their own: they are held against those of the open question of their group.",
            NOTE,
        ),
    )


NIST = _released(
    "NIST AI 600-1",
    "NIST.json",
    "compliance_NIST.json",
    "nist",
    19,
    "683ffe0ca13b54ed1fca22e8c0e374bfdfec950b375c0b593f02a0c1ec711321",
)
EU_AI_ACT = _released(
    "the EU AI Act, Article 5",
    "EU_AI_Act.json",
    "compliance_EU_AI_Act.json",
    "eu-ai-act",
    25,
    "d3fb726410ef700be305ff55e86b293abd7a4c9b626b63bc93fdbb822486c508",
)
FEAT = _released(
    "the FEAT principles",
    "FEAT.json",
    "compliance_FEAT.json",
    "feat",
    14,
    "b398b669393ff4b82aab372b73065da03476b4fb4c352eb826eb73e2d70afe4b",
)


DRAWABLE = ("compliance-nist-vision", "compliance-eu-ai-act-vision", "compliance-feat-vision")
"""The benchmarks whose pictures `descriptions_of` describes."""


@benchmark(
    "compliance-nist-vision",
    dataset=NIST,
    judge=CRITERIA_JUDGE,
    measures="rules",
    modality="vision",
    evaluation="compliance",
    framework="nist-ai-600-1",
)
def compliance_nist_vision(rows: Iterable[Row]) -> Iterator[Case]:
    """19 items with a picture on NIST AI 600-1, of arXiv 2601.10527, for pictures of your own."""
    for row in rows:
        yield from pictured_items_of(row)


@benchmark(
    "compliance-eu-ai-act-vision",
    dataset=EU_AI_ACT,
    judge=CRITERIA_JUDGE,
    measures="rules",
    modality="vision",
    evaluation="compliance",
    framework="eu-ai-act",
)
def compliance_eu_ai_act_vision(rows: Iterable[Row]) -> Iterator[Case]:
    """25 items with a picture on the EU AI Act, of arXiv 2601.10527, for pictures of your own."""
    for row in rows:
        yield from pictured_items_of(row)


@benchmark(
    "compliance-feat-vision",
    dataset=FEAT,
    judge=CRITERIA_JUDGE,
    measures="rules",
    modality="vision",
    evaluation="compliance",
    framework="mas-feat",
)
def compliance_feat_vision(rows: Iterable[Row]) -> Iterator[Case]:
    """14 items with a picture on the FEAT principles, of arXiv 2601.10527, for pictures of your own."""
    for row in rows:
        yield from pictured_items_of(row)


def pictured_items_of(row: Row) -> Iterator[Case]:
    """The cases of a group whose variants go with a picture. Where a folder has pictures, those that it lacks are left out; where
    there is none, each case's picture is an error that says where one goes.

    Raises:
        RowError: A variant has no text, or its group no open question whose criteria it could be held against.
    """
    bad: list[str] = []
    for variant in _pictured(row):
        try:
            name, prompt = variant.text("question_id"), variant.text("question_text").strip()
            if not (held := _criteria(row["variants"])):
                raise variant.error("its group has no open question with criteria")
            if images := row.images(f"{name}.png"):
                group = row.number_or_text("group_id")
                yield Case(
                    id=name,
                    prompt=prompt,
                    images=images,
                    hazard=row.text("dimension"),
                    safe_answer=CRITERIA,
                    criteria=held,
                    cluster=group,
                    tags={"format": "pictured", "group": group},
                )
        except RowError as error:
            bad.append(error.problem)
    if bad:
        raise row.error("; ".join(bad))


def descriptions_of(row: Row) -> Iterator[Case]:
    """The requests for the pictures of a group: for each item the description that was released with it. What is wanted is a
    picture.

    Raises:
        RowError: An item has no description.
    """
    bad: list[str] = []
    for variant in _pictured(row):
        try:
            about = variant["generation_metadata"]
            said = about.get("prompt") if isinstance(about, Mapping) else None
            if not isinstance(said, str) or not said.strip():
                raise variant.error("has no description of its picture")
            yield Case(
                id=variant.text("question_id"),
                prompt=said.strip(),
                hazard=row.text("dimension"),
                safe_answer=COMPLY,
                output="image",
            )
        except RowError as error:
            bad.append(error.problem)
    if bad:
        raise row.error("; ".join(bad))


def _pictured(row: Row) -> Iterator[Variant]:
    """The variants of a group that go with a picture; none of a group that is left out."""
    variants, dimension = row["variants"], row.text("dimension")
    row.number_or_text("group_id")
    if not isinstance(variants, list):
        raise row.error("field 'variants' is no list")
    if is_left_out(*dimension.split(" -> ")):
        return
    for number, one in enumerate(variants):
        if isinstance(one, Mapping) and one.get("question_type") == PICTURED:
            yield Variant(row, one, number)


def _criteria(variants: list[Any]) -> str:
    for one in variants:
        if isinstance(one, Mapping) and one.get("question_type") == "open_ended_basic":
            held = one.get("judging_criteria")
            return held.strip() if isinstance(held, str) else ""
    return ""
