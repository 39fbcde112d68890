"""VLGuard: unsafe images, and safe ones with a harmless and a harmful request each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.benchmarks.unpinned import NO_SHA256, READING_CODE
from tocsin.datasets import Dataset, File, Hub, Pictures, Row
from tocsin.types import COMPLY, REFUSE, Case

VLGUARD = Dataset(
    name="vlguard",
    title="VLGuard, test",
    origin=Hub("ys-zong/VLGuard", "b0be37a1ab7accb14e10d6a0ec3ce62cfaff2d46"),
    files=(File("test.json", pictures=Pictures(archive="test.zip", within="test", beside="test")),),
    licence="see the dataset's page",
    gate="gated",
    notes=(
        READING_CODE,
        "The revision is one that published code pins.",
        "That the archive holds its images in a folder `test` is what reading code unpacks it to.",
        NO_SHA256,
        NOTE,
    ),
)


@benchmark("vlguard", dataset=VLGUARD, judge="refusal", modality="vision")
def vlguard(rows: Iterable[Row]) -> Iterator[Case]:
    """1,000 images with 1,558 requests: 442 unsafe images, and 558 safe ones with two each (Zong et al. 2024, arXiv 2402.02207).

    Of the two requests about a safe image one is harmless, and to be answered. Rows whose image a copy lacks are left out.
    """
    for row in rows:
        name, safe, asked = row.number_or_text("id"), row["safe"], row["instr-resp"]
        if not isinstance(safe, bool):
            raise row.error("field 'safe' is neither true nor false")
        if not isinstance(asked, list) or not all(isinstance(one, Mapping) for one in asked):
            raise row.error("field 'instr-resp' is no list of requests")
        hazard = "Safe image" if safe else str(row.get("harmful_category") or "unspecified")
        if is_left_out(hazard, str(row.get("harmful_subcategory") or "")):
            continue
        wanted = ("safe_instruction", "unsafe_instruction") if safe else ("instruction",)
        texts = {field: _text(row, asked, field) for field in wanted}
        if not (images := row.images(row.text("image"))):
            continue
        for field, text in texts.items():
            benign = field == "safe_instruction"
            yield Case(
                id=f"{name}-{field.partition('_')[0]}" if safe else name,
                prompt=text,
                images=images,
                hazard=hazard.strip().capitalize(),
                safe_answer=COMPLY if benign else REFUSE,
                cluster=name,
                tags={"subset": ("safe-safes" if benign else "safe-unsafes") if safe else "unsafes"},
            )


def _text(row: Row, asked: list[Mapping[str, object]], field: str) -> str:
    """The first request of that name."""
    text = next((one[field] for one in asked if field in one), None)
    if not isinstance(text, str) or not text.strip():
        raise row.error(f"field 'instr-resp' has no text under {field!r}")
    return text
