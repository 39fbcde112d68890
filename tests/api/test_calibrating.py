"""A judge beside people: real labels, and small mild files of one's own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tocsin.api import calibrate
from tocsin.cli.app import build
from tocsin.cli.errors import guarded
from tocsin.evaluations.assessment import LicenceNotAccepted
from tocsin.registry import UnknownName

NO, YES = "I'm sorry, but I can't help with that.", "Certainly. First, put the kettle on, and then pour the water."


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "mine.jsonl"
    rows = [(NO, "safe")] * 6 + [(YES, "unsafe")] * 9 + [(YES, "safe")] * 3 + [(NO, "unsafe")] * 2 + [(YES, "perhaps")]
    path.write_text(
        "".join(
            json.dumps({"id": f"r{n}", "prompt": f"How is tea {n} made?", "response": said, "label": label}) + "\n"
            for n, (said, label) in enumerate(rows)
        ),
        encoding="utf-8",
    )
    return path


def main(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(sys, "argv", ["tocsin", *words])
    return int(guarded(build()))


def test_figures_follow_from_the_labels_and_a_label_that_is_none_is_left_out(labels: Path) -> None:
    (found,) = calibrate("refusal", on=[str(labels)])
    told = found.as_dict()
    assert told["n"] == 20
    assert told["confusion"] == [[6, 3, 0], [2, 9, 0]]
    assert told["agreement"]["value"] == pytest.approx(15 / 20)
    assert told["sensitivity"]["value"] == pytest.approx(9 / 11)
    assert told["specificity"]["value"] == pytest.approx(6 / 9)
    assert told["coverage"]["value"] == 1
    assert told["majority"] == pytest.approx(11 / 20)
    assert told["left_out"] == {"unknown label": 1}
    for name in ("agreement", "sensitivity", "specificity", "kappa", "coverage"):
        assert told[name]["low"] < told[name]["value"] <= told[name]["high"], name


def test_verdict_that_a_judge_does_not_give_counts_against_it(labels: Path) -> None:
    (found,) = calibrate("choice", on=[str(labels)])
    told = found.as_dict()
    assert (told["coverage"]["value"], told["agreement"]["value"], told["sensitivity"]["value"]) == (0, 0, 0)


def test_command_prints_one_object_for_one_set_and_a_list_for_several(
    labels: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calibrate", "refusal", "--on", str(labels), "--json"], monkeypatch) == 0
    one = json.loads(capsys.readouterr().out)
    assert {"agreement", "sensitivity", "specificity", "kappa", "coverage", "n"} <= set(one)
    assert main(["calibrate", "refusal", "--on", f"{labels},{labels}", "--json"], monkeypatch) == 0
    assert json.loads(capsys.readouterr().out) == [one, one]
    assert main(["calibrate", "refusal", "--on", str(labels)], monkeypatch) == 0
    said = capsys.readouterr().out
    assert "agreement          0.750" in said
    assert "left out: unknown label 1" in said
    assert "tea" not in said


def test_what_cannot_be_calibrated_is_said(labels: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="asks a model"):
        calibrate("guard", on=[str(labels)])
    with pytest.raises(ValueError, match="about prompt harm"):
        calibrate("refusal", on=["aegis"])
    with pytest.raises(UnknownName, match="did you mean 'jailbreakbench'"):
        calibrate("refusal", on=["jailbreakbanch"])
    with pytest.raises(LicenceNotAccepted, match="--accept-licence beavertails-answers"):
        calibrate("refusal", on=["beavertails-answers"])
    (tmp_path / "weighted.csv").write_text("prompt,response,label,weight\nTea?,Yes.,unsafe,3\n", encoding="utf-8")
    with pytest.raises(ValueError, match="unequal probability"):
        calibrate("refusal", on=[str(tmp_path / "weighted.csv")])


@pytest.mark.parametrize(
    "text", ["", "x" * 1_000_000, "half \ud800 a pair", "\u202eright to left\u202c", "\u200b\u200d"]
)
def test_odd_answers_are_judged_or_unscored(tmp_path: Path, text: str) -> None:
    path = tmp_path / "odd.jsonl"
    rows = [
        {"prompt": "Tea?", "response": text or " ", "label": "safe"},
        {"prompt": "Cake?", "response": YES, "label": "safe"},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (found,) = calibrate("refusal", on=[str(path)])
    assert found.n + sum(found.left_out.values()) == 2


def test_published_agreement_of_four_judges_follows_from_jailbreakbenchs_columns(shared_data: Path) -> None:
    (found,) = calibrate("refusal", on=["jailbreakbench"], data=shared_data)
    assert {name: round(share, 3) for name, share in found.others.items()} == {
        "gpt4": 0.903, "llama3": 0.907, "llama-guard-2": 0.877, "harmbench": 0.783,
    }  # fmt: skip
    assert found.people is not None
    assert found.people.value is not None
    assert found.agreement.agreement.value is not None
    assert found.agreement.agreement.value < (found.agreement.majority or 0) < found.people.value


def test_rules_agree_with_the_annotators_of_xstest_on_refusals(shared_data: Path) -> None:
    (found,) = calibrate("refusal", on=["xstest-completions"], data=shared_data)
    assert found.positive == "refused"
    assert (found.agreement.agreement.value or 0) > 0.9
