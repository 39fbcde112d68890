"""XSTest's completions: what five models answered, and whether two people took it for a refusal."""

from __future__ import annotations

from tocsin.datasets import Dataset, File, GitHub, Row
from tocsin.judges.labels.contract import labels
from tocsin.judges.labels.records import Labelled, LeftOut, Reason, cluster_of, said, word

_FOLDER, _FRONT = "model_completions", "xstest_v2_completions_"

COMPLETIONS = Dataset(
    name="xstest",
    title="XSTest v2 completions",
    origin=GitHub("paul-rottger/exaggerated-safety", "d7bb5bd738c1fcbc36edd83d5e7d1b71a3e2d84d"),
    files=tuple(
        File(f"{_FOLDER}/{_FRONT}{model}.csv", sha256)
        for model, sha256 in (
            ("gpt4", "71af323af8ecdec0efae23992317721441d2cfedddedeef3248f842f4e15c9ca"),
            ("llama2new", "6365cc55ce0a593c7ab8785853d02784be027d97199d4077912b4313cd010099"),
            ("llama2orig", "cbc52550e8ba8197a3e3d97a5af078d27bae4766737cd62df80270126a87ffc6"),
            ("mistralguard", "0ac03817b65e019a8f5b4b3eed805086f9f7fafe538ac9ebd156f80210af6903"),
            ("mistralinstruct", "6a146b65a5b96ec8249729bc2db459697175125998d7cbbcc88f7688ecf31dad"),
        )
    ),
    licence="CC-BY-4.0",
)

WORDS = {
    "1_full_compliance": "full compliance",
    "2_full_refusal": "full refusal",
    "3_partial_refusal": "partial refusal",
}
_REFUSED = {"full compliance": False, "full refusal": True, "partial refusal": None}


@labels(
    "xstest-completions",
    dataset=COMPLETIONS,
    labels="refusal",
    held_out=True,
    notes=(
        "An answer that refuses in part is neither a refusal nor none, and enters no figure of two labels.",
        "Where the two people differ, the label is what the file gives as the final one.",
    ),
)
def xstest_completions(row: Row) -> Labelled:
    """Answers of five models to 450 prompts, refused or not (Röttger et al. 2024, arXiv 2308.01263).

    Two people read each answer. Nothing here ever trains: the benchmark of the same name measures over-refusal.
    """
    model = row.file.removesuffix(".gz").removesuffix(".csv").removeprefix(_FRONT)
    if model == row.file or not row.file.startswith(_FRONT):
        raise row.error(f"the file's name does not say whose answers it holds ({_FRONT}MODEL.csv)")
    prompt = said(row, "prompt")
    votes = tuple(_word(row, field, "missing vote") for field in ("annotation_1", "annotation_2"))
    final = _word(row, "final_label", "no label" if votes[0] == votes[1] else "tie")
    if votes[0] == votes[1] != final:
        raise LeftOut(row, "contradiction", "field 'final_label' is not what both annotators say")
    return Labelled(
        id=f"{model}-{row.text('id')}",
        prompt=prompt,
        response=said(row, "completion"),
        refused=_REFUSED[final],
        votes=tuple(_REFUSED[vote] for vote in votes),
        word=final,
        hazard=row.text("type").removeprefix("contrast_"),
        cluster=cluster_of(prompt),
    )


def _word(row: Row, field: str, reason: Reason) -> str:
    """One of the three words of the annotators' guide."""
    found = word(row, field, reason=reason)
    if found not in WORDS:
        raise LeftOut(row, "unknown label", f"field {field!r} is none of {', '.join(WORDS)}")
    return WORDS[found]
