"""COLD: comments in Chinese, offensive or not."""

from __future__ import annotations

from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.judges.labels.contract import labels
from tocsin.judges.labels.records import ONE_ZERO, Labelled, LeftOut, bit, cluster_of, said, word

COLD = Dataset(
    name="cold",
    title="COLD test",
    origin=GitHub("thu-coai/COLDataset", "a0c55a945497ab58e94aef491180e1cf88ffb864"),
    files=(File("COLDataset/test.csv", "b06d31481f0d558b6dc8140408938abe8dba8083cd9976b4ba8f5c837fbe78ed"),),
    licence="Apache-2.0",
    languages=("zh",),
)
FINE = {
    "0": (False, "other"),
    "1": (True, "attacks a person"),
    "2": (True, "attacks a group"),
    "3": (False, "speaks against bias"),
}
"""The finer label → whether it is offensive, and what it says."""


@labels(
    "cold",
    dataset=COLD,
    labels="prompt harm",
    notes=("Comments, which ask a model for nothing: offensive is not the same as asking for harm.",),
)
def cold(row: Row) -> Labelled:
    """5,323 comments in Chinese on race, gender and region, offensive or not (Deng et al. 2022, arXiv 2201.06025)."""
    text, offensive, fine = said(row, "TEXT"), bit(row, "label", ONE_ZERO), word(row, "fine-grained-label")
    if fine not in FINE:
        raise LeftOut(row, "unknown label", f"field 'fine-grained-label' is none of {', '.join(FINE)}")
    if FINE[fine][0] != offensive:
        raise LeftOut(row, "contradiction", "the finer label is not what the label says")
    return Labelled(
        id=row.number_or_text(""),
        prompt=text,
        unsafe=offensive,
        word=FINE[fine][1],
        language="zh",
        hazard=row.text("topic"),
        cluster=cluster_of(text),
    )
