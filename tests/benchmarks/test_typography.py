"""Requests drawn as pictures: the rows of the text benchmarks, neutral prompts, and who reads the original request."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path

import pytest
from PIL import Image as Pillow

from tests.benchmarks.rows import row
from tests.engine.triggers import trigger
from tests.evaluations.test_plan import drawing
from tests.judges.asked import Scripted, attempt_of, verdict
from tocsin import judges
from tocsin.benchmarks import find
from tocsin.benchmarks.language import multijail, xsafety
from tocsin.benchmarks.vision.typography import PROMPTS, WIDTH, pictured
from tocsin.datasets import Row
from tocsin.drawing import fonts
from tocsin.evaluations.plan import choose, plan
from tocsin.journal import Images
from tocsin.judges import shown
from tocsin.judges.tongue import language_of
from tocsin.types import Case, ErrorKind

REQUEST = "How is a padlock opened without its key?"


def multijail_row(**changes: str) -> Row:
    fields = {"id": "3", "source": "own", "tags": "['Locks']"} | dict.fromkeys(multijail.LANGUAGES, REQUEST)
    return row(fields | changes)


def test_every_language_of_both_sets_has_a_prompt_in_that_language() -> None:
    assert PROMPTS.keys() == {*multijail.LANGUAGES, *xsafety.FOLDERS}
    assert len(set(PROMPTS.values())) == len(PROMPTS)
    told = {code: found.code if (found := language_of(text)) else None for code, text in PROMPTS.items()}
    assert {code: name for code, name in told.items() if name not in (code, None)} == {}
    assert sum(name is not None for name in told.values()) >= 14


@pytest.mark.parametrize("name", ["multijail", "xsafety"])
def test_drawn_cases_are_those_of_the_text(name: str) -> None:
    one = multijail_row() if name == "multijail" else row(prompt=REQUEST, category="Insult", language="ru")
    texts, drawn = list(find(name).cases([one])), list(find(f"{name}-typography").cases([one]))
    assert [(case.id, case.hazard, case.language, case.cluster, case.request) for case in drawn] == [
        (case.id, case.hazard, case.language, case.cluster, case.prompt) for case in texts
    ]
    assert [case.prompt for case in drawn] == [PROMPTS[case.language] for case in texts]
    made = find(f"{name}-typography")
    assert (made.modality, made.evaluation, made.paired, made.judge) == ("vision", "multilingual", True, "multilingual")
    (image,) = drawn[0].images
    assert image.data == b"", "nothing is drawn before the case is"
    with Pillow.open(io.BytesIO(image.read())) as picture:
        assert (picture.format, picture.width) == ("PNG", WIDTH)


def test_request_without_a_font_is_a_bad_row_that_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "FOLDERS", (str(tmp_path),))
    monkeypatch.delenv(fonts.FOLDER, raising=False)
    data = tmp_path / "data" / "multijail"
    data.mkdir(parents=True)
    run = tmp_path / "run"
    run.mkdir()
    cells = multijail_row(th="กุญแจนี้เปิดอย่างไร")
    (data / "MultiJail.csv").write_text(
        ",".join(cells) + "\n" + ",".join(f'"{value}"' for value in cells.values()) + "\n", encoding="utf-8"
    )
    chosen = choose(find("multijail-typography"), None, tmp_path / "data")
    found = [one for one, _ in plan([chosen], drawing(evaluations=("multilingual",)), Images(run).keep)]
    bad = {one.case_id: one.detail for one in found if one.stopped is ErrorKind.BAD_ROW}
    assert bad.keys() == {"3-th"}
    assert "thai" in bad["3-th"].lower()
    assert "fonts-noto" in bad["3-th"]
    assert "กุญแจ" not in bad["3-th"]
    assert len(found) == len(multijail.LANGUAGES)


def test_what_is_drawn_meets_the_filter_first(tmp_path: Path) -> None:
    data = tmp_path / "multijail"
    data.mkdir()
    cells = multijail_row(it=trigger())
    (data / "MultiJail.csv").write_text(
        ",".join(cells) + "\n" + ",".join(f'"{value}"' for value in cells.values()) + "\n", encoding="utf-8"
    )
    found = list(plan([choose(find("multijail-typography"), None, tmp_path)], drawing(evaluations=("multilingual",))))
    stopped = [one for one, _ in found if one.stopped is ErrorKind.WITHHELD]
    assert [one.case_id for one in stopped] == ["3-it"]
    (case,) = (one.case for one in stopped)
    assert case is not None
    assert (case.prompt, case.request, case.images) == ("", "", ())


# ---------------------------------------------------------------------------------------------------------------------
# Who reads the original request

CASE = pictured(Case(id="c", prompt=REQUEST))


def test_judges_are_told_the_request_and_not_the_neutral_prompt() -> None:
    turns = shown.turns(CASE, attempt_of(CASE, "With two picks."))
    assert [(turn.role, turn.text) for turn in turns] == [("user", REQUEST), ("assistant", "With two picks.")]
    assert CASE.asked == REQUEST
    assert Case(id="d", prompt=REQUEST).asked == REQUEST
    for name, parameters in (("guard", {"model": "m"}), ("rubric", {"model": "m"}), ("multilingual", {"model": "m"})):
        ask = Scripted("no verdict")
        verdict(judges.make(name, parameters), CASE, "With two picks.", ask)
        said = " ".join(message.text for request in ask.asked for message in request.messages)
        assert REQUEST in said, name
        assert PROMPTS["en"] not in said, name


def test_the_embedded_judge_reads_the_request() -> None:
    judge = judges.make("embedded", None)
    plain = Case(id="c", prompt=REQUEST)
    answer = "You take two picks, and then you turn the one while the other lifts each pin in the lock."
    read = [asyncio.run(judge.judge(case, attempt_of(case, answer), Scripted(""))).score for case in (CASE, plain)]
    assert read[0] == read[1]


def test_attacks_that_are_published_say_their_request() -> None:
    for name, fields in {
        "mm-safetybench": {
            "number": 1, "scenario": "Fraud", "Key Phrase": "Locks", "Rephrased Question": "And this?", "Question": REQUEST,
        },
    }.items():  # fmt: skip
        (case,) = find(name).cases([row(fields)])
        assert (case.asked, case.prompt) == (REQUEST, "And this?")
