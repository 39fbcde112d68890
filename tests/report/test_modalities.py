"""Text, images shown and images asked for stand apart: on the page, in Markdown and on a terminal."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import png
from tests.report.planted import Built, Page, Planted, comply, plant, refuse, safe, unsafe
from tocsin.cli.table import show_scores
from tocsin.evaluations.scoring import TEXT_ALONE
from tocsin.report import write_html, write_markdown
from tocsin.report.modalities import IMAGES_SAID
from tocsin.types import Answer, Image, Unscored

BORDERLINE = "borderline: for people to review; image-levels: level=2; wombat"


def drawn(number: int, outcome: str, **fields: Any) -> Planted:
    """An answer with an image to a request for one."""
    answer = Answer(images=(Image(data=png(number)),))
    return Planted(refuse(1000 + number, output="image"), outcome, answer, refused=False, benchmark="drawn", **fields)


def declined(number: int) -> Planted:
    case = refuse(2000 + number, output="image")
    return Planted(case, "safe", Answer("No."), refused=True, benchmark="drawn")


def shown(number: int, outcome: str = "unsafe") -> Planted:
    case = refuse(3000 + number, images=(Image(data=png(number)),))
    return Planted(case, outcome, Answer("Well."), refused=outcome == "safe", benchmark="seen")


def borderline(number: int, **fields: Any) -> Planted:
    return drawn(number, "unscored", reason=Unscored.UNSURE.value, detail=BORDERLINE, controversial=True, **fields)


def changes(base: dict[str, Any]) -> dict[str, Any]:
    cases = base["benchmarks"]["cases"]
    judges = copy.deepcopy(base["judges"])
    judges["refusal"] |= {"sees": "text"}
    suite = copy.deepcopy(base["suite"]) | {"evaluations": ["benchmark", "over-refusal", "adversarial"]}
    return {
        "judges": judges,
        "suite": suite,
        "benchmarks": {
            "cases": cases,
            "seen": cases | {"modality": "vision"},
            "drawn": cases | {"modality": "image"},
        },
        "left_out": [
            {
                "benchmark": "vbench",
                "needs": "a model that makes images",
                "evaluation": "adversarial",
                "modality": "image",
            }
        ],
    }


@pytest.fixture
def built(tmp_path: Path, base: dict[str, Any]) -> Built:
    records = [
        *(safe(refuse(n)) for n in range(6)),
        *(unsafe(refuse(n)) for n in range(6, 8)),
        safe(comply(1)),
        *(shown(n) for n in range(4)),
        shown(9, "safe"),
        *(drawn(n, "unsafe", score=0.9) for n in range(3)),
        *(drawn(n, "safe", score=0.1) for n in range(10, 12)),
        *(declined(n) for n in range(5)),
        *(borderline(n) for n in range(20, 22)),
    ]
    return plant(tmp_path, records, base, **changes(base))


def test_each_modality_has_its_own_table_and_images_their_three_parts(built: Built) -> None:
    page = Page(write_html(*built))
    assert page.faults == []
    section = page.section("scores")
    assert [one.text for one in section.all("p", class_="label modality")] == [
        "Text",
        "Vision-language (images shown, text answered)",
        "Text-to-image (images asked for)",
    ]
    text, seen, made = section.all("table", class_="scores")
    assert "images" not in text.text
    assert "seen" in seen.all("tbody")[0].text
    assert TEXT_ALONE.capitalize() in seen.text
    assert TEXT_ALONE.capitalize() not in text.text + made.text
    assert made.text.count("5 refused, 3 unsafe images, 2 safe") == 2
    assert "Mean toxicity of images" in made.text
    assert IMAGES_SAID in section.text


def test_a_run_of_text_alone_says_nothing_of_modalities(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path, [safe(refuse(1)), unsafe(refuse(2))], base)
    page = Page(write_html(*built))
    assert not page.find("p", class_="label modality")
    assert "It sees" not in page.section("finding").text
    assert "Modality" not in write_markdown(built.manifest, built.summary)


CARD = {
    "n": 300, "labels": "jailbreakbench", "about": "response harm", "positive": "unsafe", "who": "human", "held_out": True,
    "seen": False, "attacked": "no", "majority": None, "people": None,
    **{key: {"value": 0.9, "low": 0.8, "high": 1.0} for key in ("agreement", "sensitivity", "specificity", "coverage")},
}  # fmt: skip
TEXT_MEASURED = "Its error was measured on answers to text alone, not with images"


def test_an_error_that_was_measured_on_text_is_said_to_be_so_where_there_are_images(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    pictured = plant(tmp_path / "a", [shown(n) for n in range(4)], base, **changes(base))
    text = plant(tmp_path / "b", [unsafe(refuse(n)) for n in range(4)], base)
    for there, labels, told in (
        (pictured, "jailbreakbench", True),
        (pictured, "own-of-mine", False),
        (text, "jailbreakbench", False),
    ):
        identity = there.manifest["judges"]["refusal"]["identity"]
        summary = there.summary | {"judges": {identity: [CARD | {"labels": labels}]}}
        section = Page(write_html(there.db, there.manifest, summary)).section("finding").text
        assert (TEXT_MEASURED in section, "error measured on text" in section) == (told, told)
        assert "error measured" in section
        assert (TEXT_MEASURED in write_markdown(there.manifest, summary)) == told


def test_the_finding_never_mixes_modalities(built: Built) -> None:
    told = Page(write_html(*built)).section("finding").text
    assert "On cases, of 8 requests that should be refused, 6 were" in told
    assert "On seen, of 5 requests that should be refused, 1 was" in told
    assert (
        "On drawn, of 10 requests for harmful images, 5 came to a refusal, 2 to a safe image and 3 to an unsafe one;"
        " 70% gave no unsafe image" in told
    )


def test_the_box_of_a_judge_says_what_it_sees_where_there_are_images(built: Built) -> None:
    told = Page(write_html(*built)).section("finding").text
    assert "It sees text alone, and no image." in told
    built.manifest["judges"]["refusal"]["sees"] = "both"
    assert "It sees the text and the images." in Page(write_html(*built)).section("finding").text
    assert "It sees the text and the images" in write_markdown(built.manifest, built.summary)
    assert (
        "uncalibrated"
        in Page(write_html(built.db, built.manifest, built.summary | {"judges": {}})).section("finding").text
    )


def test_an_evaluation_without_a_value_stands_with_its_reason(built: Built) -> None:
    line = "adversarial, text-to-image: no score; vbench was left out: a model that makes images."
    assert line in Page(write_html(*built)).section("unmeasured").text
    assert line in write_markdown(built.manifest, built.summary)


def test_what_is_borderline_is_listed_by_id_alone(built: Built) -> None:
    page = Page(write_html(*built))
    told = page.section("review").text
    assert "A judge called 2 answers borderline" in told
    assert [cell.text for cell in page.section("review").all("code")] == ["r1020", "r1021"]
    assert "wombat" not in told
    assert built.summary["models"][0]["review"] == {"drawn": 2}
    assert "left to people, since a judge calls it borderline: drawn: 2 answers" in write_markdown(
        built.manifest, built.summary
    )


def test_many_borderline_answers_are_counted_and_a_few_named(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path, [borderline(n) for n in range(40)], base, **changes(base))
    page = Page(write_html(*built))
    assert len(page.section("review").all("code")) == 12
    assert "and 28 more" in page.section("review").text
    other = plant(
        tmp_path / "b", [shown(1), drawn(1, "unscored", reason="unsure", detail="no idea")], base, **changes(base)
    )
    assert "review" not in other.summary["models"][0]
    assert not Page(write_html(*other)).find("section", aria_labelledby="review")


def test_markdown_and_terminal_name_the_modality(built: Built, capsys: pytest.CaptureFixture[str]) -> None:
    told = write_markdown(built.manifest, built.summary)
    assert "| Modality | Benchmark |" in told
    assert "| text-to-image | drawn | Safe answers, higher is better: 5 refused, 3 unsafe images, 2 safe |" in told
    assert "| vision-language | seen |" in told
    assert "minus the share of unsafe images" in told
    assert f"{TEXT_ALONE.capitalize()}." in told
    show_scores(built.summary)
    out = " ".join(capsys.readouterr().out.split())
    assert "modality benchmark metric" in out
    assert "text-to-image drawn safe_image_rate" in out
    assert "drawn: 5 refused, 3 unsafe images, 2 safe." in out
    assert f"seen: {TEXT_ALONE}." in out
    assert "drawn: 2 answers called borderline, left to people." in out
    assert "do not count refusals as safe" in out


def attacked(tmp_path: Path, base: dict[str, Any]) -> Built:
    records = []
    for benchmark, attacks in (
        ("cases", ("direct", "base64")),
        ("seen", ("direct", "typeset")),
        ("drawn", ("direct", "split")),
    ):
        for number in range(24):
            case = refuse(
                {"cases": 0, "seen": 100, "drawn": 200}[benchmark] + number,
                hazard=("theft", "fraud")[number // 2 % 2],
                output="image" if benchmark == "drawn" else "text",
            )
            refused = number % 3 == 0
            outcome = "safe" if refused or number % 3 == 1 else "unsafe"
            records.append(
                Planted(
                    case,
                    outcome,
                    Answer("Well."),
                    refused=refused,
                    benchmark=benchmark,
                    attack=attacks[number % 2],
                    live=True,
                )
            )
    attack = {"identity": "x@1", "version": 1, "kind": "transform", "family": "encoding", "needs": [], "parameters": {}}
    names = ("direct", "base64", "typeset", "split")
    return plant(
        tmp_path, records, base,         attacks={name: attack | {"attack": name, "source": "", "queries": 1} for name in names},
        adversarial={"attacks": list(names), "skipped": [], "mode": "exhaustive", "worst": [], "audit": 0, "in_loop": {}},
        **changes(base),
    )  # fmt: skip


def test_attacks_in_several_modalities_have_a_part_each(tmp_path: Path, base: dict[str, Any]) -> None:
    built = attacked(tmp_path, base)
    model = built.summary["models"][0]
    assert list(model["further_attacks"]) == ["vision", "image"]
    page = Page(write_html(*built))
    assert page.faults == []
    section = page.section("attacks")
    assert [one.text for one in section.all("h4")] == [
        "Text",
        "Vision-language (images shown, text answered)",
        "Text-to-image (images asked for)",
    ]
    names = [table.all("thead")[0].text for table in section.all("table", class_="heat")]
    assert names == ["Hazard direct base64", "Hazard direct typeset", "Hazard direct split"]
    labels = [region.attributes["aria-label"] for region in section.all("div", role="region")]
    assert len(labels) == len(set(labels)) == 6
    told = page.section("finding").text
    assert told.count("withstood every one") == 3
    assert "Vision-language: under 1 attack and the plain request" in told
    tables = page.section("scores").all("table", class_="scores")
    assert len(tables) == 3
    assert "Safe images under the worst live attack" in tables[2].text
    assert tables[2].text.count("8 refused, 8 unsafe images, 8 safe") == 2
    assert TEXT_ALONE.capitalize() in tables[1].text


def test_calls_are_counted_for_the_modality_that_made_them(tmp_path: Path, base: dict[str, Any]) -> None:
    model = attacked(tmp_path, base).summary["models"][0]
    for told in (model["attacks"], *model["further_attacks"].values()):
        assert [(cost["cells"], cost["target"]) for cost in told["costs"]] == [(12, 12), (12, 12)]
