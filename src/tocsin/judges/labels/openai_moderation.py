"""OpenAI's moderation set: eight flags a text, of which many were never set either way."""

from __future__ import annotations

from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.judges.labels.contract import labels
from tocsin.judges.labels.records import Labelled, LeftOut, cluster_of, said

MODERATION = Dataset(
    name="openai_moderation",
    title="OpenAI moderation evaluation set",
    origin=GitHub("openai/moderation-api-release", "f4ab51b5edd3bfbcb349a56324274235b674e0e4"),
    files=(File("data/samples-1680.jsonl.gz", "f27c25f726fd0aa1b431118a68a4a6b9b5f0bb1ffd415f9767e9af59c4c422f4"),),
    licence="MIT",
)
FLAGS = {
    "S": "sexual", "H": "hate", "V": "violence", "HR": "harassment", "SH": "self-harm", "H2": "hate/threatening",
    "V2": "violence/graphic",
}  # fmt: skip
"""Flag → category, but for the one that is about minors."""
_MINORS = "S3"


@labels(
    "openai-moderation",
    dataset=MODERATION,
    labels="prompt harm",
    notes=(
        "A text without any flag set is safe only if all eight flags are there and say no: an absent flag is not known.",
        "So unsafe texts are more frequent here than in the whole, and the safe ones are those that were looked at most.",
    ),
)
def openai_moderation(row: Row) -> Labelled:
    """1,680 texts with up to eight flags each (Markov et al. 2022, arXiv 2208.03274).

    A text that is flagged as sexual content with minors is left out before anything else is read of it.
    """
    if row.get(_MINORS) not in (None, 0, False):
        raise LeftOut(row, "withheld", "its labels say what tocsin never shows")
    prompt = said(row, "prompt")
    unknown = [flag for flag in (*FLAGS, _MINORS) if row.get(flag) is None]
    for flag in (*FLAGS, _MINORS):
        if flag not in unknown and (type(row[flag]) is not int or row[flag] not in (0, 1)):
            raise LeftOut(row, "unknown label", f"flag {flag!r} is neither 0 nor 1")
    raised = [category for flag, category in FLAGS.items() if row.get(flag) == 1]
    if unknown and not raised:
        raise LeftOut(row, "no label", "no flag is set, and flags are absent")
    return Labelled(
        id=row.id_of(prompt),
        prompt=prompt,
        unsafe=bool(raised),
        hazard=("several" if len(raised) > 1 else raised[0]) if raised else "unspecified",
        cluster=cluster_of(prompt),
    )
