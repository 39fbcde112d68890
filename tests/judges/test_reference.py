from __future__ import annotations

import json
import re
from typing import get_args, get_type_hints

import msgspec
import pytest

from tests.conftest import ROOT
from tests.docs.test_docs import blocks, codes, first_codes, table
from tocsin import judges, registry
from tocsin.evaluations.suite import parse_suite
from tocsin.judges.cascade import Cascade
from tocsin.judges.guard import Guard
from tocsin.judges.guard_families import FAMILIES
from tocsin.judges.image_rubric import ImageRubric
from tocsin.judges.nudenet import NudeNet
from tocsin.judges.ocr_text import OcrText
from tocsin.judges.open_nsfw import OpenNsfw
from tocsin.judges.panel import Panel
from tocsin.judges.rubric import Rubric
from tocsin.judges.rubric_file import RubricFile, parse_rubric, read_rubric, rubric_names
from tocsin.judges.vision_rubric import VisionRubric

PAGE = ROOT / "docs" / "reference" / "judges.md"
TEXT = PAGE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "judge", [Guard, Rubric, Panel, Cascade, ImageRubric, VisionRubric, NudeNet, OpenNsfw, OcrText]
)
def test_every_parameter_is_in_the_reference_and_no_other(judge: type[judges.Judge]) -> None:
    section = re.split(r"^## ", TEXT, flags=re.MULTILINE)
    (found,) = [part for part in section if part.startswith(f"{judge.name}\n")]
    told = found.partition("| parameter | meaning | if absent |")[2].partition("\n\n")[0]
    named = re.findall(r"^\| `(\w+)` \|", told, re.MULTILINE)
    assert named == [field.name for field in msgspec.structs.fields(judge)]


def test_every_judge_that_asks_is_in_the_reference() -> None:
    rows = {codes(row[0])[0]: row[1] for row in table(PAGE, "| judge | asks a model |")}
    assert (
        {"guard", "rubric", "panel", "cascade", "image-rubric", "vision-rubric", "ocr-text"}
        <= set(rows)
        <= set(registry.names("judge"))
    )


def test_every_family_rubric_and_rule_is_in_the_reference() -> None:
    assert first_codes(PAGE, "| family | how it is asked |") == list(FAMILIES)
    assert [row[3] == "yes" for row in table(PAGE, "| family | how it is asked |")] == [
        family.tells_refusal for name, family in FAMILIES.items() if name != "llama-guard-4"
    ]
    assert sorted(first_codes(PAGE, "| rubric | what is asked |")) == rubric_names()
    assert set(first_codes(PAGE, "| rule | `unsafe` |")) == set(get_args(get_type_hints(Panel)["rule"]))
    told = {name: read_rubric(name).threshold for name in rubric_names()}
    assert told == {name: 1 if name == "air-bench" else 0.5 for name in rubric_names()}, "as the reference says"


def test_every_field_of_a_rubric_is_in_the_reference() -> None:
    told = first_codes(PAGE, "| field | meaning | if absent |")
    assert sorted(told) == sorted(RubricFile.model_fields)


def test_the_examples_of_the_reference_work() -> None:
    suite, rubric, cheaper, copied = blocks(PAGE, "yaml")
    assert parse_suite(copied, "the reference").judges["copyright"]
    steps = judges.make("cascade", parse_suite(cheaper, "the reference").judges["cascade"])
    assert steps.models == ("openai/small", "openai/large")
    parsed = parse_suite(suite, "the reference")
    made = judges.make("panel", parsed.judges["panel"])
    assert made.models == ("openai/qwen3guard", "")
    assert parse_rubric(rubric, "the reference").score_of({"rude": 3}) == 0.5
    assert json.dumps(msgspec.to_builtins(made)), "the manifest can keep it"
