"""The compliance items that the report arXiv 2601.10527 released for three frameworks: rules as groups of items."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tocsin.benchmarks import questions
from tocsin.benchmarks.contract import benchmark
from tocsin.benchmarks.language.left_out import NOTE, is_left_out
from tocsin.benchmarks.questions import CRITERIA_JUDGE
from tocsin.datasets import Dataset, File, GitHub, Row, RowError
from tocsin.types import CRITERIA, Case, Option, SafeAnswer

PICTURED = "multimodal_generated"
"""The type of variants that go with a picture, which the files name and do not hold."""
_FORMATS = {
    "open_ended_basic": "open_basic",
    "open_ended_jailbreak": "open_jailbreak",
    "multiple_choice": "multiple_choice",
    "true_false": "true_false",
}
_FOLDER = "l-safe/compliance/data"


def _released(framework: str, file: str, copy: str, *notes: str) -> Dataset:
    return Dataset(
        name="report_2601_10527",
        title=f"Items for {framework}, as the report arXiv 2601.10527 used them",
        origin=GitHub("XSafeAI/AI-safety-report", "f1f6858d096fadc78d3e46bb4d8b4c970f732b67"),
        files=(File(f"{_FOLDER}/{file}", None, (copy,)),),
        licence="Apache-2.0",
        notes=(
            "The path within the origin was seen at another revision of it, not at the pinned one. No sha256 is pinned: none was"
            " computed from the origin's bytes.",
            *notes,
        ),
    )


NIST = _released(
    "NIST AI 600-1",
    "NIST.json",
    "compliance_NIST.json",
    "Counted in a copy of 22 groups: 103 items of text; 19 variants need a picture and are left out.",
    "The report counts 109 items of text in 23 groups: the copy has one group less, so a rate over it is of other items.",
    NOTE,
)
EU_AI_ACT = _released(
    "the EU AI Act, Article 5",
    "EU_AI_Act.json",
    "compliance_EU_AI_Act.json",
    "Counted in a copy of 27 groups: 135 items of text; 25 variants need a picture and are left out.",
    "C is the right option of 23 of its 27 multiple-choice items: who always says C is right in 85%.",
    NOTE,
)
FEAT = _released(
    "the FEAT principles",
    "FEAT.json",
    "compliance_FEAT.json",
    "Counted in a copy of 14 groups: 70 items of text; 14 variants need a picture and are left out.",
    NOTE,
)


@benchmark(
    "compliance-nist",
    dataset=NIST,
    judge=CRITERIA_JUDGE,
    measures="rules",
    evaluation="compliance",
    framework="nist-ai-600-1",
)
def compliance_nist(rows: Iterable[Row]) -> Iterator[Case]:
    """103 items on 22 risks of generative AI by NIST AI 600-1, as arXiv 2601.10527 released them."""
    for row in rows:
        yield from items_of(row)


@benchmark(
    "compliance-eu-ai-act",
    dataset=EU_AI_ACT,
    judge=CRITERIA_JUDGE,
    measures="rules",
    evaluation="compliance",
    framework="eu-ai-act",
)
def compliance_eu_ai_act(rows: Iterable[Row]) -> Iterator[Case]:
    """135 items on 27 prohibited practices of the EU AI Act, as arXiv 2601.10527 released them."""
    for row in rows:
        yield from items_of(row)


@benchmark(
    "compliance-feat",
    dataset=FEAT,
    judge=CRITERIA_JUDGE,
    measures="rules",
    evaluation="compliance",
    framework="mas-feat",
)
def compliance_feat(rows: Iterable[Row]) -> Iterator[Case]:
    """70 items on 14 of the FEAT principles of Singapore's MAS, as arXiv 2601.10527 released them."""
    for row in rows:
        yield from items_of(row)


def items_of(row: Row) -> Iterator[Case]:
    """The cases of a group of variants of one rule.

    Variants with a picture are passed over (`pictured` counts them). What is wrong with one variant costs no other: the good ones
    come first, and then one error that names every bad one.

    Raises:
        RowError: A variant has no text, no criteria where it is open, or an answer that is none of its options.
    """
    variants, dimension = row["variants"], row.text("dimension")
    group = row.number_or_text("group_id")
    if not isinstance(variants, list):
        raise row.error("field 'variants' is no list")
    if is_left_out(*dimension.split(" -> ")):
        return
    bad: list[str] = []
    for number, variant in enumerate(variants):
        if isinstance(variant, Mapping) and variant.get("question_type") == PICTURED:
            continue
        try:
            yield _case(Variant(row, variant, number), group, dimension)
        except RowError as error:
            bad.append(error.problem)
    if bad:
        raise row.error("; ".join(bad))


def pictured(row: Row) -> int:
    """How many variants of a group need a picture, and become no case."""
    variants = row["variants"] if isinstance(row["variants"], list) else []
    return sum(isinstance(one, Mapping) and one.get("question_type") == PICTURED for one in variants)


class Variant(Row):
    """A variant of a row, whose errors name it."""

    __slots__ = ("_name",)

    def __init__(self, row: Row, variant: Any, number: int) -> None:
        data = variant if isinstance(variant, Mapping) else {}
        super().__init__(data, row.file, row.line, row.number)
        name = data.get("question_id")
        self._name = (
            f"variant {name[:40]!r}" if isinstance(name, str) and name.isprintable() else f"variant {number + 1}"
        )

    def error(self, problem: str) -> RowError:
        """An error about this variant."""
        return RowError(self.file, self.line, f"{self._name}: {problem}")


def _case(variant: Variant, group: str, dimension: str) -> Case:
    kind = variant.one_of("question_type", tuple(_FORMATS))
    prompt, criteria, answer = variant.text("question_text").strip(), "", CRITERIA
    options: tuple[Option, ...] = ()
    if kind == "multiple_choice":
        said = _options(variant)
        right = variant["answer"]
        if right not in said:
            raise variant.error(f"field 'answer' is none of the options {', '.join(said)}")
        prompt, options = questions.choice(prompt, said)
        answer = SafeAnswer("option", str(right))
    elif kind == "true_false":
        if not isinstance(variant["answer"], bool):
            raise variant.error("field 'answer' is neither true nor false")
        prompt, options, answer = questions.statement(prompt, variant["answer"])
    else:
        criteria = variant.text("judging_criteria").strip()
    return Case(
        id=variant.text("question_id"),
        prompt=prompt,
        hazard=dimension,
        safe_answer=answer,
        options=options,
        criteria=criteria,
        cluster=group,
        tags={"format": _FORMATS[kind], "group": group},
    )


def _options(variant: Variant) -> dict[str, str]:
    said = variant["options"]
    if not isinstance(said, Mapping) or len(said) < 2:
        raise variant.error("field 'options' does not hold two options or more")
    texts = {str(letter): text for letter, text in said.items()}
    if not all(isinstance(text, str) and text.strip() for text in texts.values()):
        raise variant.error("field 'options' has an option without text")
    if len(set(texts.values())) < len(texts):
        raise variant.error("field 'options' has one option twice")
    return texts
