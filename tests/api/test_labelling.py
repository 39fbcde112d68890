"""People's labels of a run's own answers: the sheet, what is read of it, and what becomes of the rate."""

from __future__ import annotations

import csv
import html
import json
import random
import stat
from pathlib import Path
from typing import Any

import pytest
from perf.wire_server import serve

from tests.evaluations import runs
from tests.evaluations.test_roles import configured, main
from tocsin.api import Run, add_labels, assess, calibrate, draw_labels
from tocsin.datasets import read_rows
from tocsin.evaluations import label_designs, run_labels, votes
from tocsin.evaluations.run_labels import Drawn, Labels, read_labels, read_votes
from tocsin.evaluations.score import score_run

NO, YES = "I'm sorry, but I can't help with that.", "=Certainly. First, put the kettle on."


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Sixty requests that should be refused and twenty that should not, all of them answered."""
    cases = tmp_path / "cases.jsonl"
    rows = [{"id": n, "prompt": f"Tea {n}?", "expected": "comply" if n % 4 == 0 else "refuse"} for n in range(80)]
    cases.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with serve(text=YES) as target:
        return assess("t", cases=cases, config=configured(tmp_path, t=target), out=tmp_path / "runs", report=False)


def score(summary: dict[str, Any], metric: str = "safe_rate") -> dict[str, Any]:
    return next(s for s in summary["models"][0]["scores"] if s["metric"] == metric)


def filled(path: Path, label: Any) -> None:
    """Writes a label into every row of a sheet."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        row["label"] = label(number, row)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def test_labels_of_a_run_correct_its_rate_whatever_its_judge_says(run: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    drawn = draw_labels(run.folder, sheet, each=24, seed=5)
    assert len(drawn.drawn) == 24 + 20, "so many of each kind of case, where there are as many"
    text = sheet.read_text(encoding="utf-8")
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600
    assert "unsafe," not in text.partition("\n")[2], "the sheet tells no verdict"
    assert ",\"'=Certainly" in text, "no answer is a formula to a spreadsheet"
    filled(sheet, lambda n, row: ("safe" if n % 2 else "unsafe") if row["question"].startswith("safe") else "answered")
    labels, again = add_labels(run.folder, sheet)
    assert len(labels.failed) == 44
    raw, fixed = score(run.summary), score(again.summary)
    assert raw["value"] == fixed["value"] == 0, "the raw rate stays"
    assert raw["corrected"] is None
    told = fixed["corrected"]
    assert (told["method"], told["card"], told["n_labels"]) == ("PPI++", None, 24)
    assert told["low"] < 0.5 < told["high"]
    assert told["value"] == pytest.approx(0.5, abs=0.15)
    over = score(again.summary, "over_refusal_rate")["corrected"]
    assert over["value"] == 0
    assert "24 labels of this run's own answers" in html.unescape(
        (run.folder / "report.html").read_text(encoding="utf-8")
    )


def test_larger_draw_holds_the_smaller_one_and_keeps_its_labels(run: Run, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.csv"
    small = {one.cell for one in draw_labels(run.folder, sheet, each=10).drawn}
    filled(sheet, lambda n, row: "safe" if row["question"].startswith("safe") else "refused")
    add_labels(run.folder, sheet, report=False)
    large = draw_labels(run.folder, tmp_path / "more.jsonl", each=30)
    rows = [json.loads(line) for line in (tmp_path / "more.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {row["cell"]: row["label"] for row in rows if row["label"]} == {
        row["cell"]: "safe" if row["question"].startswith("safe") else "refused" for row in rows if row["cell"] in small
    }
    again, _ = add_labels(run.folder, tmp_path / "more.jsonl", report=False)
    assert again.failed == large.failed, "a sheet that is added again keeps what it was given"
    assert small < {one.cell for one in large.drawn}
    assert large.failed.keys() == small
    with pytest.raises(ValueError, match="labels of another draw: go on with --seed 0"):
        draw_labels(run.folder, sheet, each=30, seed=1)


def test_weights_make_up_for_a_draw_by_verdict(tmp_path: Path) -> None:
    """2,000 answers of which one in ten is judged unsafe, and the judge is right on nine in ten."""
    rng = random.Random(4)
    truth = [rng.random() < 0.1 for _ in range(2000)]
    said = ["unsafe" if bad == (rng.random() < 0.9) else "safe" for bad in truth]
    plan = runs.planned([runs.case(n) for n in range(2000)])
    decided = iter(said)
    cell_truth: dict[int, bool] = {}

    def decide(one: Any) -> Any:
        cell_truth[one.cell.position] = truth[one.cell.position - 1]
        return runs.ended(one, next(decided), call=one.cell.position, judge="refusal@1")

    db = runs.journal(tmp_path / "r", plan, decide, calls=range(1, 2001))
    drawn = label_designs.draw(db, 300, seed=1, design="verdict")
    assert len({one.probability for one in drawn}) == 2, "what is rare is drawn more often"
    labels = Labels(
        seed=1,
        by_verdict=True,
        each=300,
        drawn=drawn,
        population=2000,
        failed={one.cell: cell_truth[one.cell] for one in drawn},
    )
    manifest = {
        "targets": [{"name": "t"}], "judges": {"refusal": {"identity": "refusal@1"}},
        "benchmarks": {"invented": {"modality": "language", "demonstration": False, "own_metrics": False}},
    }  # fmt: skip
    (result,) = score_run(db, manifest, lambda name: pytest.fail(name), labels=labels)
    found = result.groups[0].score
    true = 1 - sum(truth) / 2000
    assert found.corrected is not None
    assert found.value is not None
    assert abs(found.value - true) > 0.05, "the judge alone is far off"
    assert found.corrected["low"] <= true <= found.corrected["high"]
    assert found.corrected["high"] - found.corrected["low"] < 0.12


def test_labels_that_people_did_not_give_are_made_up_for_by_those_of_their_kind() -> None:
    drawn = [*(Drawn(n, 0.5, "refuse", 0) for n in range(10)), *(Drawn(n, 0.1, "refuse", 1) for n in range(10, 20))]
    failed = {**dict.fromkeys(range(10), False), **dict.fromkeys(range(10, 15), True)}
    labels = Labels(seed=0, by_verdict=True, each=10, drawn=drawn, population=120, failed=failed)
    weights = labels.weights()
    assert {weights[n] for n in range(10)} == {2}
    assert {weights[n] for n in range(10, 15)} == {20}, "each of five stands for two of ten, of one in ten"
    assert sum(weights.values()) == 120


def test_votes_that_say_nothing_clear_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    path.write_text(
        "cell,label_one,label_two,label_three\n1,safe,unsafe,unsafe\n2,safe,,unsafe\n3,,,\n4,safe,maybe,safe\n"
        "9,safe,safe,safe\n5,Safe ,SAFE,unsafe\nx,safe,safe,safe\n6,safe,safe,safe\n6,unsafe,unsafe,unsafe\n",
        encoding="utf-8",
    )
    found, left = read_votes(read_rows(path), [Drawn(n, 0.5) for n in range(1, 7)])
    assert found == {1: True, 5: False}
    assert left == {
        "bad row": 1, "id taken": 2, "missing vote": 1, "no label": 1, "not drawn": 1, "unknown label": 1,
    }  # fmt: skip
    path.write_text("cell,label\n1,refused\n2,refused\n", encoding="utf-8")
    found, left = read_votes(read_rows(path), [Drawn(1, 1, "refuse"), Drawn(2, 1, "comply")])
    assert (found, left) == ({2: True}, {"unknown label": 1}), "a word of the other question is no answer to this one"
    path.write_text("cell,label,label2\n1,safe,unsafe\n", encoding="utf-8")
    assert read_votes(read_rows(path), [Drawn(1, 1)]) == ({}, {"tie": 1})


def test_what_cannot_be_labelled_is_said(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="--draw N --sheet FILE comes first"):
        add_labels(run.folder, tmp_path / "sheet.csv")
    sheet = tmp_path / "sheet.csv"
    draw_labels(run.folder, sheet, each=5)
    with pytest.raises(ValueError, match="no label 10"):
        add_labels(run.folder, sheet)
    assert read_labels(run.folder) is not None
    for words in (["--draw", "5"], [], ["--draw", "5", "--sheet", "x.txt"], ["--add", "absent.csv"]):
        assert main(["label", str(run.folder), *words], monkeypatch) == 2
    (run.folder / run_labels.FILE).write_text("[]", encoding="utf-8")
    with pytest.raises(ValueError, match="holds no labels of a run"):
        read_labels(run.folder)


def test_command_draws_and_adds(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "sheet.csv"
    assert main(["label", str(run.folder), "--draw", "6", "--sheet", str(sheet)], monkeypatch) == 0
    assert "may be harmful" in capsys.readouterr().err
    filled(sheet, lambda n, row: "" if n == 0 else "safe" if row["question"].startswith("safe") else "answered")
    assert main(["label", str(run.folder), "--add", str(sheet), "--json"], monkeypatch) == 0
    said = capsys.readouterr()
    assert "11 of 12 drawn answers have a label; left out: no label 1" in said.err
    assert score(json.loads(said.out))["corrected"]["method"] == "PPI++"


def test_command_shows_closes_and_exports_what_annotators_voted(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(run.folder)
    assert main(["label", folder, "--votes"], monkeypatch) == 2
    sheet = tmp_path / "sheet.csv"
    words = ["--draw", "30", "--sheet", str(sheet), "--design", "stratified", "--seed", "3"]
    assert main(["label", folder, *words], monkeypatch) == 0
    assert main(["label", folder, *words, "--by-verdict"], monkeypatch) == 2
    assert main(["label", folder, "--votes", "--close"], monkeypatch) == 2
    assert main(["label", folder, "--close"], monkeypatch) == 2, "nobody has voted"
    labels = read_labels(run.folder)
    assert labels is not None
    assert (labels.drawn_as, labels.seed) == ("stratified", 3)
    for place, one in enumerate(labels.drawn):
        passes, fails = run_labels.WORDS[one.wanted]
        for who, word in (("Ada", passes if place % 3 else fails), ("Bo", passes if place % 5 else fails)):
            votes.vote(run.folder, labels, who, one.cell, word, seconds=4)
    assert main(["label", folder, *words[:3], str(sheet), "--seed", "4"], monkeypatch) == 2, (
        "there are votes on another"
    )
    capsys.readouterr()
    assert main(["label", folder, "--votes"], monkeypatch) == 0
    said = capsys.readouterr().out
    assert "50 answers drawn (stratified, seed 3)" in said
    assert "Ada: 50 votes, 4 s each" in said
    assert "Krippendorff's alpha" in said
    assert main(["label", folder, "--votes", "--json"], monkeypatch) == 0
    told = json.loads(capsys.readouterr().out)
    ties = told["left_out"]["tie"]
    assert told["labelled"] + ties == told["drawn"] == 50
    assert told["contested"] == ties > 0
    assert [one["question"] for one in told["questions"]] == ["safe or unsafe?", "answered or refused?"]
    assert main(["label", folder, "--close", "--json"], monkeypatch) == 0
    said_ = capsys.readouterr()
    assert f"{50 - ties} of 50 drawn answers have a label; left out: tie {ties}" in said_.err
    assert score(json.loads(said_.out))["corrected"]["method"] == "PPI++"
    closed = read_labels(run.folder)
    assert closed is not None
    assert closed.agreement is not None
    assert "Ada" not in (run.folder / run_labels.FILE).read_text(encoding="utf-8"), "labels name nobody"
    more = draw_labels(run.folder, tmp_path / "more.csv", each=60, seed=3, design="stratified")
    assert (more.failed, more.agreement) == (closed.failed, closed.agreement), "a larger draw keeps what is known"
    assert len(more.drawn) > 50
    out = tmp_path / "labels.jsonl"
    assert main(["label", folder, "--export", str(out)], monkeypatch) == 0
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    card = calibrate("refusal", on=[str(out)], keep=False).cards[0]
    assert card.about.attacked == "no"
    assert card.whole.positives + card.whole.negatives == len(out.read_text(encoding="utf-8").splitlines())
