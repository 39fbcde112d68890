"""Votes of annotators: what is kept, what counts, what becomes a label, and that sheet and votes give the same."""

from __future__ import annotations

import random
import sqlite3
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.evaluations import runs
from tocsin.datasets import Row
from tocsin.evaluations import label_designs, label_export, labelling, run_labels, votes, voting
from tocsin.evaluations.run_labels import Drawn, Labels, rank
from tocsin.evaluations.score import score_run
from tocsin.evaluations.votes import CANNOT_TELL, TAKEN_BACK, Vote
from tocsin.evaluations.voting import decide

WORDS = run_labels.WORDS["refuse"]


def labels_of(cells: Sequence[int], **changes: Any) -> Labels:
    told: dict[str, Any] = {"seed": 0, "by_verdict": False, "each": len(cells), "population": len(cells)} | changes
    return Labels(drawn=[Drawn(cell, 0.5) for cell in cells], **told)


@pytest.mark.parametrize(
    ("said", "adjudicated", "found"),
    [
        (["unsafe"], None, True),
        (["safe", "safe", "unsafe"], None, False),
        (["safe", "unsafe"], None, "tie"),
        (["safe", "unsafe"], "unsafe", True),
        (["safe", "safe", "unsafe"], "unsafe", False),
        (["safe", CANNOT_TELL], None, "cannot tell"),
        (["safe", CANNOT_TELL], "safe", False),
        (["safe", "unsafe", CANNOT_TELL], None, "tie"),
        ([CANNOT_TELL, CANNOT_TELL, "safe"], None, "cannot tell"),
        (["safe", "unsafe"], CANNOT_TELL, "cannot tell"),
        ([], None, "no label"),
    ],
)
def test_label_is_what_more_than_half_say_else_what_an_adjudicator_says(
    said: list[str], adjudicated: str | None, found: bool | str
) -> None:
    assert decide(said, adjudicated, WORDS) == found


def test_votes_are_only_ever_added_and_the_latest_counts(tmp_path: Path) -> None:
    labels = labels_of([1, 2, 3])
    votes.vote(tmp_path, labels, " Ada  L. ", 1, "safe", comment="hm", seconds=4)
    votes.vote(tmp_path, labels, "Ada L.", 1, "unsafe", seconds=99_999)
    votes.vote(tmp_path, labels, "Ada L.", 2, CANNOT_TELL, seconds=float("nan"))
    votes.vote(tmp_path, labels, "Bo", 1, "safe", seconds=-3, comment="\ud800 broken")
    assert stat.S_IMODE((tmp_path / votes.FILE).stat().st_mode) == 0o600
    found = votes.votes_of(tmp_path, labels)
    assert [(one.annotator, one.cell, one.word, one.seconds) for one in found] == [
        ("Ada L.", 1, "unsafe", 900), ("Ada L.", 2, CANNOT_TELL, 0), ("Bo", 1, "safe", 0),
    ]  # fmt: skip
    assert votes.last_cell(tmp_path, labels, "Ada L.") == 2
    votes.vote(tmp_path, labels, "Ada L.", 2, TAKEN_BACK)
    assert votes.last_cell(tmp_path, labels, "Ada L.") == 1
    assert (len(votes.votes_of(tmp_path, labels)), votes.history(tmp_path, labels)) == (2, 5)
    with sqlite3.connect(tmp_path / votes.FILE) as db:
        for change in ("DELETE FROM votes", "UPDATE votes SET word = 'safe'"):
            with pytest.raises(sqlite3.IntegrityError, match="votes are kept"):
                db.execute(change)
    assert votes.votes_of(tmp_path, labels_of([1, 2, 3], seed=9)) == [], "another draw has votes of its own"
    assert len(votes.votes_of(tmp_path, labels_of([1], each=1))) == 2, "a draw of another size is the same draw"


def test_votes_that_cannot_be_are_refused(tmp_path: Path) -> None:
    labels = labels_of([1, 2], failed={2: True})
    for who, cell, word, why in (
        ("Ada", 7, "safe", "was not drawn"),
        ("Ada", 2, "safe", "has its label"),
        ("Ada", 1, "refused", "none of safe, unsafe"),
        ("", 1, "safe", "needs a name"),
        ("x" * 61, 1, "safe", "60 characters"),
        ("A\u202eda", 1, "safe", "can be seen"),
    ):
        with pytest.raises(ValueError, match=why):
            votes.vote(tmp_path, labels, who, cell, word)
    assert not (tmp_path / votes.FILE).exists()


def test_agreement_leaves_out_who_cannot_tell_and_who_decided(tmp_path: Path) -> None:
    labels = labels_of(range(1, 41))
    given = []
    for cell in range(1, 41):
        word = "unsafe" if cell % 3 == 0 else "safe"
        other = CANNOT_TELL if cell == 5 else ("safe" if cell == 9 else word)
        given += [Vote("Ada", cell, False, word, "", 5, cell), Vote("Bo", cell, False, other, "", 7, cell)]
    given.append(Vote("Cy", 9, True, "unsafe", "", 3, 99))
    told = voting.agreement_of(labels, given, {cell: str(cell) for cell in range(1, 41)})
    (question,) = told["questions"]
    assert (question["alpha"]["n_units"], question["alpha"]["left_out"]) == (39, 1)
    (pair,) = question["pairs"]
    assert (pair["first"], pair["second"], pair["n"], pair["agreed"]) == ("Ada", "Bo", 39, 38)
    assert [(one["name"], one["voted"], one["cannot_tell"], one["adjudicated"]) for one in told["annotators"]] == [
        ("Ada", 40, 0, 0), ("Bo", 40, 1, 0), ("Cy", 0, 0, 1),
    ]  # fmt: skip
    unnamed = voting.agreement_of(labels, given, {}, names=False)
    assert "Ada" not in str(unnamed)
    assert voting.contested(labels, given) == [5, 9]
    failed, left = voting.decided(labels, given)
    assert failed[9] is True
    assert left == {"cannot tell": 1}


def run_of(folder: Path, n: int = 120) -> tuple[sqlite3.Connection, dict[str, Any]]:
    """A finished run of `n` answers of which the judge calls every fourth unsafe, in clusters of two."""
    plan = runs.planned([runs.case(number, cluster=f"c{number // 2}") for number in range(n)])

    def decide_(one: Any) -> Any:
        place = one.cell.position
        return runs.ended(one, "unsafe" if place % 4 == 0 else "safe", call=place, judge="refusal@1")

    db = runs.journal(folder, plan, decide_, calls=range(1, n + 1))
    manifest = {
        "targets": [{"name": "t"}], "judges": {"refusal": {"identity": "refusal@1"}},
        "benchmarks": {"invented": {"modality": "language", "demonstration": False, "own_metrics": False}},
    }  # fmt: skip
    return db, manifest


def test_votes_correct_a_rate_as_a_sheet_with_the_same_labels_does(tmp_path: Path) -> None:
    db, manifest = run_of(tmp_path)
    drawn = label_designs.draw(db, 60, seed=2, design="stratified")
    labels = Labels(seed=2, by_verdict=True, each=60, drawn=drawn, population=120, design="stratified")
    rng = random.Random(1)
    rows, given = [], []
    for place, one in enumerate(drawn):
        said = ["unsafe" if rng.random() < 0.3 else "safe"] * 2
        if place % 10 == 0:
            said[1] = "safe" if said[0] == "unsafe" else "unsafe"
        rows.append({"cell": one.cell, "label_a": said[0], "label_b": said[1]})
        given += [Vote(f"a{k}", one.cell, False, word, "", 1, place) for k, word in enumerate(said)]
    by_sheet, left = run_labels.read_votes([Row(row, "sheet", place, place) for place, row in enumerate(rows)], drawn)
    by_votes, left_too = voting.decided(labels, given)
    assert by_sheet == by_votes
    sheet = voting.sheet_votes([Row(row, "sheet", place, place) for place, row in enumerate(rows)], labels)
    first, second = (voting.agreement_of(labels, found, {}, names=False) for found in (sheet, given))
    assert first["questions"] == second["questions"] != []
    assert left == left_too == {"tie": 6}
    scores = [
        score_run(db, manifest, lambda name: pytest.fail(name), labels=labels_)[0].groups[0].score
        for labels_ in (
            Labels(seed=2, by_verdict=True, each=60, drawn=drawn, population=120, failed=found, design="stratified")
            for found in (by_sheet, by_votes)
        )
    ]
    assert scores[0].corrected == scores[1].corrected
    assert scores[0].corrected is not None


def test_exported_labels_had_all_the_same_chance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    db, _ = run_of(tmp_path / "r")
    taken: dict[int, int] = {}
    sizes = []
    for seed in range(300):
        drawn = label_designs.draw(db, 60, seed=seed, design="verdict")
        labels = Labels(
            seed=seed, by_verdict=True, each=60, drawn=drawn, population=120, design="verdict",
            failed={one.cell: False for one in drawn},
        )  # fmt: skip
        monkeypatch.setattr(label_export, "read_draw", lambda folder, labels=labels: labels)
        found = label_export.exported(tmp_path / "r")
        sizes.append(len(found.rows))
        assert found.labelled == len(found.rows) + found.thinned
        for row in found.rows:
            cell = int(row["id"].removeprefix("cell-"))
            taken[cell] = taken.get(cell, 0) + 1
    flagged = [taken.get(cell, 0) / 300 for cell in range(4, 121, 4)]
    plain = [taken.get(cell, 0) / 300 for cell in range(1, 121) if cell % 4]
    assert sum(flagged) / len(flagged) == pytest.approx(sum(plain) / len(plain), abs=0.02)
    assert min(sizes) > 15


def test_each_annotator_has_an_order_that_says_nothing_of_the_drawing() -> None:
    cells = list(range(1, 60))
    assert sorted(cells, key=lambda cell: rank("0/Ada", cell)) != sorted(cells, key=lambda cell: rank("0/Bo", cell))
    assert sorted(cells, key=lambda cell: rank("0/Ada", cell)) != sorted(cells, key=lambda cell: rank(0, cell))


def test_a_run_that_was_not_drawn_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="labelling page"):
        labelling.read_draw(tmp_path)
