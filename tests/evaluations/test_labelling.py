"""The draw and the labels of a run: no label is lost, whoever writes at the same time, and whatever comes in twice."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from tests.evaluations import runs
from tests.evaluations.test_correcting import card
from tests.web.answered import run_of
from tocsin.datasets import Row
from tocsin.evaluations import label_designs, label_export, labelling, votes, voting
from tocsin.evaluations.run_labels import Drawn, Labels
from tocsin.evaluations.score import score_run
from tocsin.journal import Planned, RunLocked
from tocsin.judges.labels.own import own_labels
from tocsin.types import EvaluationName, Record


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return run_of(tmp_path, {f"How is tea {n} brewed?": f"Brew {n}: hot water." for n in range(20)}).folder


def voted(folder: Path, labels: Labels, word: str = "safe") -> None:
    for one in labels.drawn:
        votes.vote(folder, labels, "Ann", one.cell, word)


def closed(folder: Path) -> dict[int, bool]:
    return labelling.read_draw(folder).failed


def test_a_draw_with_votes_or_labels_cannot_shrink(folder: Path) -> None:
    labelling.begin(folder, each=9)
    assert len(labelling.begin(folder, each=8).drawn) == 8, "nobody has said anything yet"
    voted(folder, labelling.read_draw(folder))
    with pytest.raises(ValueError, match="can grow, and not shrink to 5"):
        labelling.begin(folder, each=5)
    labelling.close(folder)
    with pytest.raises(ValueError, match="can grow, and not shrink to 5"):
        labelling.begin(folder, each=5)
    assert len(closed(folder)) == 8
    assert len(labelling.begin(folder, each=12).failed) == 8


def test_a_draw_and_a_close_at_the_same_time_lose_no_label(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    voted(folder, labelling.begin(folder, each=8))
    drawing, found = threading.Event(), label_designs.draw
    closing = threading.Thread(target=labelling.close, args=(folder,))

    def slow(*args: object, **options: object) -> list[Drawn]:
        """The real draw, with a close that begins while it goes on."""
        drawing.set()
        closing.start()
        closing.join(0.3)
        assert closing.is_alive(), "it waits"
        return found(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(label_designs, "draw", slow)
    labelling.begin(folder, each=12)
    closing.join(10)
    assert drawing.is_set()
    labels = labelling.read_draw(folder)
    assert (len(labels.drawn), len(labels.failed)) == (12, 8)


def test_who_waits_too_long_for_another_writer_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(labelling, "_WAIT", 0.1)
    with labelling.alone(folder), pytest.raises(RunLocked, match="changed by another process"):
        labelling.begin(folder, each=3)


def test_a_sheet_adds_labels_and_changes_none_that_is_there(folder: Path) -> None:
    labels = labelling.begin(folder, each=8)
    voted(folder, labels)
    votes.vote(folder, labels, "Ann", labels.drawn[0].cell, votes.CANNOT_TELL)
    before = labelling.close(folder).failed
    first, second, third = (one.cell for one in labels.drawn[:3])
    agreed = {"annotators": [], "questions": []}
    with pytest.raises(
        ValueError, match=rf"of answers {min(second, third)}, {max(second, third)}: take these rows out"
    ):
        labelling.add(folder, {first: True, second: True, third: True}, {}, "x", agreed)
    assert closed(folder) == before, "nothing of such a sheet is taken"
    labelling.add(folder, {first: True, second: False}, {}, "x", agreed)
    assert closed(folder) == before | {first: True}


def test_agreement_of_two_people_is_not_lost_to_a_sheet_of_one(folder: Path) -> None:
    labels = labelling.begin(folder, each=8)
    for place, one in enumerate(labels.drawn):
        votes.vote(folder, labels, "Ann", one.cell, "unsafe" if place % 2 else "safe")
        votes.vote(folder, labels, "Bo", one.cell, "unsafe" if place % 2 or place == 0 else "safe")
    kept = labelling.close(folder).agreement
    sheet = voting.sheet_votes([Row({"cell": labels.drawn[0].cell, "label": "safe"}, "sheet", 1, 1)], labels)
    told = labelling.agreement_on(folder, labels, sheet)
    assert labelling.add(folder, {labels.drawn[0].cell: False}, {}, "x", told).agreement == kept
    assert kept is not None
    assert kept["questions"]


def test_a_vote_after_one_was_told_of_others_is_refused_and_a_decision_is_not(tmp_path: Path) -> None:
    labels = Labels(seed=0, by_verdict=False, each=2, drawn=[Drawn(1, 1), Drawn(2, 1)], population=2)
    votes.vote(tmp_path, labels, "Ann", 1, "safe")
    votes.tell(tmp_path, labels, "Ann", [1])
    votes.tell(tmp_path, labels, "Ann", [1])
    assert (votes.told(tmp_path, labels, "Ann"), votes.told(tmp_path, labels, "Bo")) == ({1}, set())
    for word in ("unsafe", votes.TAKEN_BACK):
        with pytest.raises(ValueError, match="would not be blind"):
            votes.vote(tmp_path, labels, "Ann", 1, word)
    votes.vote(tmp_path, labels, "Ann", 2, "safe")
    votes.vote(tmp_path, labels, "Ann", 1, "unsafe", adjudicates=True)
    assert [(one.cell, one.word) for one in votes.votes_of(tmp_path, labels)] == [
        (1, "safe"),
        (1, "unsafe"),
        (2, "safe"),
    ]


@pytest.mark.parametrize(
    ("serves", "attacked", "kind"), [("benchmark", {"no"}, "no"), ("adversarial", {"yes"}, "some")]
)
def test_answers_to_requests_that_came_attacked_are_exported_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, serves: EvaluationName, attacked: set[str], kind: str
) -> None:
    plan = runs.planned([runs.case(number) for number in range(40)], serves=serves)

    def decide(one: Planned) -> Record:
        place = one.cell.position
        return runs.ended(one, "safe" if place % 3 else "unsafe", call=place, judge="refusal@1")

    db = runs.journal(tmp_path, plan, decide, calls=range(1, 41))
    drawn = label_designs.draw(db, 30, seed=0)
    labels = Labels(
        seed=0,
        by_verdict=False,
        each=30,
        drawn=drawn,
        population=40,
        failed={one.cell: one.cell % 2 == 0 for one in drawn},
    )
    monkeypatch.setattr(label_export, "read_draw", lambda folder: labels)
    found = label_export.exported(tmp_path)
    assert {row["attacked"] for row in found.rows} == attacked
    assert found.attacked == (30 if serves == "adversarial" else 0)
    file = tmp_path / "labels.jsonl"
    file.write_text("".join(f'{{"attacked": "{word}"}}\n' for word in attacked), encoding="utf-8")
    assert own_labels(file).attacked == kind, (
        "a card of it is one of attacked answers, and corrects no rate of plain ones"
    )
    file.write_text('{"attacked": "yes"}\n{"attacked": "no"}\n', encoding="utf-8")
    assert own_labels(file).attacked == "some"
    file.write_text('{"attacked": "yes"}\n{"attacked": ""}\n', encoding="utf-8")
    assert own_labels(file).attacked == "unknown"
    manifest = {
        "targets": [{"name": "t"}], "judges": {"refusal": {"identity": "refusal@1"}},
        "benchmarks": {"invented": {"modality": "language", "demonstration": False, "own_metrics": False}},
    }  # fmt: skip
    plain = card(0.9, 0.9, language="en")
    (result,) = score_run(db, manifest, lambda name: pytest.fail(name), cards=lambda identity: (plain,))
    by_card = result.groups[0].score
    assert (by_card.corrected is None) == (serves == "adversarial"), "a card of plain answers corrects no attacked rate"
    told_against = [one["against"] for one in by_card.sensitivity]
    assert told_against == (
        ["answers to requests that were attacked beforehand here"] if serves == "adversarial" else []
    )
    (result,) = score_run(db, manifest, lambda name: pytest.fail(name), labels=labels)
    fixed = result.groups[0].score.corrected
    assert fixed is not None
    assert fixed["n_labels"] == 30, "labels of the run put their own rate right"
