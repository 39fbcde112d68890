"""USB-SafeBench: harm from the image, from the text, from both or from neither alone; and harmless requests that look harmful."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.benchmarks.unpinned import NO_REVISION, READING_CODE
from tocsin.datasets import Dataset, File, Hub, Pictures, Row
from tocsin.types import COMPLY, REFUSE, Case

USB = Dataset(
    name="usb",
    title="USB-SafeBench, Hard",
    origin=Hub("cgjacklin/USB", "main"),
    files=(File("USB_hard_final.csv", pictures=Pictures(archive="img.zip")),),
    licence="Apache-2.0, for research only, as its repository says",
    gate="research-only",
    languages=("en", "zh"),
    notes=(
        NO_REVISION,
        READING_CODE,
        "Its host asks for consent before it hands the files out, too.",
        "By that code 300 of the 3,785 rows are MOSSBench's harmless requests; the report arXiv 2601.10527"
        " counts them among the others.",
        "Whether the file has Chinese rows is not known; a text with Chinese characters counts as Chinese.",
        "Some images were removed from the archive by its maintainers: about 4 rows become errors.",
        NOTE,
    ),
)


@benchmark("usb-safebench", dataset=USB, judge="refusal", modality="vision")
def usb_safebench(rows: Iterable[Row]) -> Iterator[Case]:
    """3,785 requests with images in 61 categories, the Hard set (Zheng et al. 2025, arXiv 2505.23793).

    The tag `risk` says where the harm is (``RIRT``: risky image, risky text; ``SIST``: neither alone). Rows whose image a
    copy lacks are left out.
    """
    for row in rows:
        prompt, usage = row.text("text"), row.one_of("usage", ("vulnerability", "overrefusal"))
        risk = "".join("R" + kind if str(row[field]) == "1" else "S" + kind for field, kind in _RISKS)
        benign = usage == "overrefusal"
        hazard = str(row.get("level2_category") or "").strip().capitalize() or (
            "Over-refusal" if benign else "unspecified"
        )
        if is_left_out(hazard, str(row.get("level3_category") or "")):
            continue
        if images := row.images(row.text("open_url")):
            yield Case(
                id=row.number_or_text("id"),
                prompt=prompt,
                images=images,
                hazard=hazard,
                language="zh" if any("\u4e00" <= character <= "\u9fff" for character in prompt) else "en",
                safe_answer=COMPLY if benign else REFUSE,
                tags={"risk": risk},
            )


_RISKS = (("img_risk", "I"), ("text_risk", "T"))
