"""Who labels sees neither verdicts nor how others voted; who has seen them gives votes that count nowhere."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.web.answered import run_of
from tests.web.serving import Reply, Viewer, viewing
from tocsin.evaluations import labelling, votes
from tocsin.evaluations.run_labels import Labels

ANSWERS = {
    f"How is tea number {n} brewed?": f"Brew number {n}: {'patience' if n % 2 else 'cold fish'}." for n in range(8)
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_of(tmp_path_factory.mktemp("run"), ANSWERS).folder


@pytest.fixture
def folder(finished: Path, tmp_path: Path) -> Path:
    """A run all of whose answers are drawn."""
    found = Path(shutil.copytree(finished, tmp_path / finished.name))
    labelling.begin(found, each=8)
    return found


class Page:
    """The labelling page of one run, as a browser without script uses it."""

    def __init__(self, viewer: Viewer, folder: Path) -> None:
        self.viewer, self.folder = viewer, folder
        viewer.enter()
        self.base = viewer.ask("/label").headers["location"]
        self.key = self.base.rsplit("/", 1)[1]
        self.token = viewer.form_token(self.base)

    def get(self, path: str) -> Reply:
        return self.viewer.ask(self.base + path)

    def post(self, path: str, **form: str) -> Reply:
        return self.viewer.send(self.base + path, form | {"form_token": self.token})

    def join(self, who: str, **more: str) -> int:
        return self.post("/join", annotator=who, agree="yes", **more).status

    def vote(self, who: str, cell: int, word: str) -> int:
        return self.post("/vote", by=who, cell=str(cell), place="1", word=word).status

    @property
    def labels(self) -> Labels:
        return labelling.read_draw(self.folder)

    @property
    def cells(self) -> list[int]:
        return [one.cell for one in self.labels.drawn]


@pytest.fixture
def page(folder: Path) -> Iterator[Page]:
    with viewing(folder) as viewer:
        yield Page(viewer, folder)


def test_who_labels_is_shown_no_record_until_the_labels_are_closed(page: Page) -> None:
    cell = page.cells[0]
    assert "Records" in page.get("").text
    assert page.join("Ada") == 303
    for path in ("/", "/live", "/?outcome=unsafe", f"/r/{page.key}/{cell}"):
        told = page.viewer.ask(path)
        assert told.status == 409
        assert "You are labelling this run" in told.text
        assert not re.search("unsafe|kettle|refusal@", told.text), path
    sent = page.viewer.send(f"/r/{page.key}/{cell}/reveal", {"form_token": page.token})
    assert sent.status == 409, "nor by a form"
    assert ">Records<" not in page.get("/item/1?by=Ada").text
    for one in page.cells:
        assert page.vote("Ada", one, "safe") == 303
    labelling.close(page.folder)
    assert page.viewer.ask(f"/r/{page.key}/{cell}").status == 200
    assert ">Records<" in page.get("").text


def test_votes_of_who_opened_records_are_kept_as_such_and_count_nowhere(page: Page) -> None:
    assert page.viewer.ask("/").status == 200, "the list as it opens tells no verdict of a text"
    assert "not blind" not in page.get("").text
    assert page.viewer.ask(f"/r/{page.key}/{page.cells[0]}").status == 200
    assert "Votes given here are not blind" in page.get("").text
    assert page.join("Ada") == 400, "it has to be confirmed"
    assert page.join("Ada", seen="yes") == 303
    assert page.viewer.ask("/").status == 409
    for one in page.cells:
        votes.vote(page.folder, page.labels, "Bo", one, "safe")
        assert page.vote("Ada", one, "unsafe") == 303
    assert {(one.annotator, one.seen) for one in votes.votes_of(page.folder, page.labels)} == {
        ("Ada", True),
        ("Bo", False),
    }
    told = labelling.agreement(page.folder)
    assert (told["questions"], told["contested"], told["labelled"]) == ([], 0, 8)
    assert "8 votes are not blind" in page.get("/done?by=Ada").text
    votes.vote(page.folder, page.labels, "Ada", page.cells[0], "safe")
    assert votes.votes_of(page.folder, page.labels)[0].seen, "who has seen a verdict once does not forget it"
    assert set(labelling.close(page.folder).failed.values()) == {False}, "Bo's word alone"


def test_who_stops_labelling_sees_records_again_and_is_not_blind_from_then_on(page: Page) -> None:
    assert page.join("Ada") == 303
    page.vote("Ada", page.cells[0], "safe")
    assert page.post("/leave").headers["location"] == "/"
    assert page.viewer.ask("/").status == 200
    assert page.get("/item/1?by=Ada").status == 403, "one joins anew"
    assert page.join("Ada") == 400
    assert [one.seen for one in votes.votes_of(page.folder, page.labels)] == [False], "what was said before counts"


def test_a_list_that_was_searched_counts_as_seen(page: Page) -> None:
    assert page.viewer.ask("/?q=fish").status == 200
    assert page.join("Ada") == 400


def test_nobody_reads_others_votes_off_the_page_on_agreement(page: Page) -> None:
    for place, one in enumerate(page.cells):
        votes.vote(page.folder, page.labels, "Ann", one, "safe" if place % 2 else "unsafe")
    page.join("Mal")

    def figures(path: str) -> list[str]:
        text = re.sub(r"<tr><th scope=.row.><bdi>Mal</bdi>.*?</tr>", "", page.get(path).text)
        text = re.sub(r"<section aria-labelledby=.close.>.*", "", text, flags=re.DOTALL)
        return re.findall(r"\d+", re.sub("<[^>]+>", " ", text))

    for by in ("", "?by=Mal", "?by=Ann"):
        before = figures(f"/done{by}")
        page.vote("Mal", page.cells[0], "safe")
        safe = figures(f"/done{by}")
        page.vote("Mal", page.cells[0], "unsafe")
        assert before == safe == figures(f"/done{by}"), "a vote of one's own changes nothing there"
        assert "α" not in page.get(f"/done{by}").text
    for who in ("Mal", "Zed", "Ann"):
        told = {page.get(f"/decide/{one}?by={who}").status for one in page.cells}
        assert told == {409}, "not even whether an answer is contested"
    assert page.post("/finish", by="Mal").status == 409
    assert page.post("/finish", by="Zed").status == 409, "while Mal labels in this browser"
    assert page.get("/next?by=Mal").headers["location"].startswith(f"{page.base}/item/")
    for one in page.cells[1:]:
        page.vote("Mal", one, "safe")
    assert "α" not in page.get("/done?by=Mal").text
    assert page.post("/finish", by="Mal").status == 303
    assert "α" in page.get("/done?by=Mal").text


def test_who_was_told_how_others_voted_votes_no_more(page: Page) -> None:
    for one in page.cells:
        votes.vote(page.folder, page.labels, "Ann", one, "safe")
        votes.vote(page.folder, page.labels, "Bob", one, "unsafe", comment="a thought")
    page.join("Cy")
    assert page.get(f"/decide/{page.cells[0]}?by=Cy").status == 409
    assert page.post("/finish", by="Cy").status == 303
    assert "a thought" in page.get(f"/decide/{page.cells[0]}?by=Cy").text
    refused = page.post("/vote", by="Cy", cell=str(page.cells[0]), place="1", word="safe")
    assert (refused.status, "would not be blind" in refused.text, "journal" in refused.text) == (400, True, False)
    assert page.post("/finish", by="Ann").status == 303
    assert page.vote("Ann", page.cells[1], "unsafe") == 400, "nor does who has voted change a word"
    assert page.post("/undo", by="Ann").status == 400
    assert page.post("/vote", by="Cy", cell=str(page.cells[0]), word="safe", deciding="yes").status == 303
    given = votes.votes_of(page.folder, page.labels)
    assert [(one.annotator, one.adjudicates) for one in given if one.annotator == "Cy"] == [("Cy", True)]
    assert {one.word for one in given if one.annotator == "Ann"} == {"safe"}


@pytest.mark.parametrize("who", ["Dana \u05e9\u05dc\u05d5\u05dd", "\u0639\u0644\u064a Ali"])
def test_names_and_comments_of_two_directions_come_back_as_they_were(page: Page, who: str) -> None:
    page.join(who)
    said = "see \u05e9\u05dc\u05d5\u05dd below\u200eA"
    for _ in range(3):
        text = page.get(f"/item/1?by={quote(who)}").text
        by = unescape(re.findall(r'name="by" value="([^"]*)"', text)[0])
        cell = re.findall(r'name="cell" value="([^"]*)"', text)[0]
        assert by == who
        assert page.post("/vote", by=by, cell=cell, place="1", word="safe", comment=said).status == 303
        said = unescape(
            re.findall(r"<textarea[^>]*>(.*?)</textarea>", page.get(f"/item/1?by={quote(who)}").text, re.DOTALL)[0]
        )
        assert said == "see \u05e9\u05dc\u05d5\u05dd below\u200eA"
    assert f'<option value="{who}">' in page.get("").text


def test_a_number_that_no_page_has_is_not_found(page: Page) -> None:
    page.join("Ada")
    for long in ("9" * 5000, "9" * 20, "9" * 15):
        for path in (f"/item/{long}?by=Ada", f"/image/{long}/0", f"/image/1/{long}"):
            assert page.get(path).status == 404, path[:20]
        assert page.get(f"/decide/{long}?by=Ada").status in (404, 409)
        assert page.get(f"/next?by=Ada&after={long}").status == 303
    page.post("/leave")
    assert page.viewer.ask(f"/r/{page.key}/{'9' * 5000}").status == 404
