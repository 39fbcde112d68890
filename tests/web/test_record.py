"""The page of a record: its tree, its verdicts, its images, and what is never shown."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from html import unescape
from pathlib import Path
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Page, expect

from tests.pictures import png
from tests.report.planted import Planted, refuse, safe, unsafe
from tests.web.conftest import aside, run_of
from tests.web.serving import Viewer, viewing
from tocsin.journal import Journal, encode_request
from tocsin.types import Answer, Failure, FurtherVerdict, Image, Message, Outcome, Record, Request, Usage
from tocsin.types import ErrorKind as Kind
from tocsin.web.stored import MOST_CALLS, stored


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def said(*turns: str) -> tuple[Message, ...]:
    return tuple(Message("assistant" if n % 2 else "user", text) for n, text in enumerate(turns))


def reveal(viewer: Viewer, page: str) -> None:
    assert viewer.send(f"{page}/reveal", {"form_token": viewer.form_token(page)}).status == 303


async def _search(folder: Path) -> None:
    """A search that forks: each branch asks the target, and a judge in the loop; then the final judge reads the best."""
    journal = Journal(folder)
    made = 0

    async def call(branch: str, role: str, asked: tuple[Message, ...], answer: str | Failure) -> int:
        nonlocal made
        made += 1
        result = Answer(answer, usage=Usage(10, 5), model="toy") if isinstance(answer, str) else answer
        done = await journal.add_call(
            key=(1000 + made).to_bytes(16, "big"), cell=2, branch=branch, ordinal=made, role=role, cost=0.001, tries=2,
            request=encode_request(Request(asked)), result=result, latency=0.5,
        )  # fmt: skip
        return done.id

    await call("", "attacker", said("write a request"), "opening by the attacker")
    await call("", "target", said("opening"), "first reply")
    await call("/1", "target", said("opening", "first reply", "second on one"), "reply on one")
    await call("/1", "judge", said("rate this"), "rating: 3")
    best = await call("/2", "target", said("opening", "first reply", "second on two"), "reply on two")
    long = said("opening", "first reply", "second on two", "reply on two", "third")
    await call("/2/1", "target", long, Failure(Kind.TIMEOUT, "slow"))
    await call("/1", "target", said("opening", "first reply", "another on one"), "again on one")
    await call("final", "judge", said("is it unsafe?"), "verdict: unsafe, because it complies")
    journal.add_record(
        Record(
            cell=2, call=best, outcome=Outcome.UNSAFE, judge="j@1", detail="it complies", score=0.8, read_as="decoded reply",
            reasoning=FurtherVerdict(outcome=Outcome.SAFE, detail="the reasoning is fine", judge="j@1"), language="de",
            translated=FurtherVerdict(outcome=Outcome.UNSAFE, detail="translated: unsafe too", judge="j@1"),
        )
    )  # fmt: skip
    await journal.close()


@pytest.fixture(scope="module")
def searched(tmp_path_factory: pytest.TempPathFactory, base: dict[str, Any]) -> Path:
    plan = [
        unsafe(refuse(1)),
        unsafe(refuse(2, "the case as it stands"))._replace(outcome=None),
    ]
    folder = run_of(tmp_path_factory.mktemp("searched") / "run", plan, base)
    aside(lambda: asyncio.run(_search(folder)))
    db = sqlite3.connect(folder / "journal.sqlite")
    db.execute("UPDATE cells SET attack = 'tap' WHERE id = 2")
    db.commit()
    db.close()
    return folder


def test_the_tree_shows_every_branch_turn_by_turn(searched: Path) -> None:
    with viewing(searched) as viewer:
        viewer.enter()
        page = f"/r/{next(iter(viewer.state.runs))}/2"
        hidden = text_of(viewer.ask(page).text)
        for secret in (
            "opening",
            "reply on",
            "rating",
            "complies",
            "decoded",
            "the case as",
            "is fine",
            "unsafe too",
            "slow",
        ):
            assert secret not in hidden
        reveal(viewer, page)
        text = text_of(viewer.ask(page).text)
    order = [
        *(
            "Trunk",
            "write a request",
            "opening by the attacker",
            "first reply",
            "Branch 1 ",
            "second on one",
            "reply on one",
        ),
        *(
            "rating: 3",
            "The attack took back 2 messages",
            "another on one",
            "again on one",
            "Branch 2 ",
            "second on two",
        ),
        *(
            "reply on two",
            "Branch 2.1 ",
            "third",
            "no answer",
            "Final judge",
            "verdict: unsafe, because it complies",
            "Verdict",
        ),
        *(
            "unsafe",
            "it complies",
            "decoded reply",
            "On the reasoning",
            "the reasoning is fine",
            "translated: unsafe too",
        ),
    ]
    at = 0
    for words in order:
        assert words in text[at:], (words, text[at:])
        at += text[at:].index(words) + 1
    assert text.count("first reply") == 1  # a branch does not repeat its past
    assert "After 2 messages as above." in text
    assert "10 + 5 tokens" in text
    assert "2 tries" in text


def test_search_and_filters_reach_into_branches(searched: Path) -> None:
    with viewing(searched) as viewer:
        viewer.enter()
        for query in (
            "%22again+on+one%22",
            "%22because+it+complies%22&in=judged",
            "decoded",
            "%22second+on+two%22&in=asked",
        ):
            assert "<strong>1 record</strong>" in viewer.ask(f"/?q={query}").text, query
        assert (
            "<strong>1 record</strong>" in viewer.ask("/?calls_from=8&attack=tap&cost_from=0.0079&cost_to=0.0081").text
        )


def test_earlier_attempts_stay_to_be_read_and_the_latest_counts(tmp_path: Path, base: dict[str, Any]) -> None:
    folder = run_of(tmp_path / "run", [Planted(refuse(1), "error", reason="timeout", detail="no reply in time")], base)

    async def again() -> None:
        journal = Journal(folder)
        journal.add_record(Record(cell=1, attempt=1, outcome=Outcome.SAFE, judge="j@1", detail="it declines"))
        await journal.close()

    with viewing(folder) as viewer:
        viewer.enter()
        assert "<strong>1 record</strong>" in viewer.ask("/?outcome=error&error=timeout").text
        aside(lambda: asyncio.run(again()))
        assert not viewer.state.grow(5)
        assert "No record is like that" in viewer.ask("/?outcome=error").text
        assert "<strong>1 record</strong>" in viewer.ask("/?outcome=safe&attempt=1").text
        page = f"/r/{next(iter(viewer.state.runs))}/1"
        reveal(viewer, page)
        text = text_of(viewer.ask(page).text)
    assert text.index("it declines") < text.index("Earlier attempts") < text.rindex("no reply in time")


def pictured(number: int, **answer: Any) -> Planted:
    case = refuse(number, images=(Image(data=png(number, width=40, height=30)),))
    return safe(case)._replace(answer=Answer("No.", **answer))


def test_images_are_blurred_served_anew_and_only_for_a_revealed_record(
    page: Page, tmp_path: Path, base: dict[str, Any]
) -> None:
    folder = run_of(tmp_path / "run", [pictured(1), pictured(2), pictured(3)], base)
    damaged = sorted((folder / "images").glob("*.png"))
    with viewing(folder) as viewer:
        page.goto(viewer.first)
        run = next(iter(viewer.state.runs))
        (cookie,) = page.context.cookies()
        viewer.cookie = f"{cookie['name']}={cookie['value']}"
        assert viewer.ask(f"/r/{run}/1/image/0/0").status == 404  # hidden
        page.goto(f"{viewer.origin}/r/{run}/1")
        assert page.locator("img").count() == 0
        page.get_by_role("button", name="Reveal the texts").click()
        image = page.locator(".picture img").first
        expect(image).to_have_js_property("naturalWidth", 40)
        assert "blur" in image.evaluate("e => getComputedStyle(e).filter")
        page.get_by_label("Show it clearly").first.check()
        assert image.evaluate("e => getComputedStyle(e).filter") == "none"
        served = viewer.ask(f"/r/{run}/1/image/0/0")
        assert (served.status, served.headers["content-type"]) == (200, "image/jpeg")
        assert viewer.ask(f"/r/{run}/1/image/0/1").status == 404
        assert viewer.ask(f"/r/{run}/2/image/0/0").status == 404  # another record stays hidden
        for path in damaged:
            path.write_bytes(png(99))
        assert viewer.ask(f"/r/{run}/1/image/0/0").status == 404  # the file is not what its name says
        for path in damaged:
            path.unlink()
            path.symlink_to("/etc/passwd")
        assert viewer.ask(f"/r/{run}/1/image/0/0").status == 404


def test_an_image_that_a_model_made_is_not_shown_unless_a_judge_of_images_saw_it(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    made = Image(data=png(9))
    folder = run_of(tmp_path / "run", [safe(refuse(1))._replace(answer=Answer("", images=(made,)))], base)
    with viewing(folder) as viewer:
        viewer.enter()
        page = f"/r/{next(iter(viewer.state.runs))}/1"
        reveal(viewer, page)
        assert "no judge of images has a verdict on it" in viewer.ask(page).text
        assert viewer.ask(f"{page}/image/0/0").status == 404


def test_what_was_withheld_is_never_shown(tmp_path: Path, base: dict[str, Any]) -> None:
    picture = Image(data=png(7))
    plan = [
        Planted(refuse(1, "a mild prompt"), "unscored", Answer("", withheld="0" * 16), reason="withheld"),
        Planted(refuse(2), "unscored", Answer("a mild answer", images=(picture,)), reason="withheld"),
        safe(refuse(3, images=(picture,))),
    ]
    folder = run_of(tmp_path / "run", plan, base)
    with viewing(folder) as viewer:
        viewer.enter()
        run = next(iter(viewer.state.runs))
        token = viewer.form_token(f"/r/{run}/3")
        for cell in (1, 2, 3):
            assert viewer.send(f"/r/{run}/{cell}/reveal", {"form_token": token}).status == 303
        for cell in (1, 2):
            text = viewer.ask(f"/r/{run}/{cell}").text
            assert "It was withheld" in text
            assert "mild" not in text
            assert viewer.ask(f"/r/{run}/{cell}/image/0/0").status == 404
        # A copy of a withheld image is not shown in another record either.
        assert "a judge withheld it" in viewer.ask(f"/r/{run}/3").text
        assert viewer.ask(f"/r/{run}/3/image/0/0").status == 404


def test_a_journal_of_anything_is_still_shown(tmp_path: Path, base: dict[str, Any]) -> None:
    folder = run_of(tmp_path / "run", [safe(refuse(n)) for n in range(3)], base)
    db = sqlite3.connect(folder / "journal.sqlite")
    db.execute("UPDATE cells SET target = 99, repeat = 'often'")
    db.execute("UPDATE calls SET latency = 'x', cost = 'y', tries = 'z', error = 7, detail = 8")
    db.execute("UPDATE records SET score = 'high', detail = 9 WHERE cell = 2")
    row = "4000000000, attempt, call, outcome, refused, 0, 0, 0, 0, score, '', '', '', ''"
    db.execute(f"INSERT INTO records SELECT {row} FROM records LIMIT 1")
    db.commit()
    db.close()
    with viewing(folder) as viewer:
        viewer.enter()
        assert "<strong>3 records</strong>" in viewer.ask("/").text
        assert "unreadable" in viewer.ask("/").text
        for cell in (1, 2, 3, 400):
            assert viewer.ask(f"/r/{next(iter(viewer.state.runs))}/{cell}").status in (200, 404, 500)


def test_what_was_withheld_on_another_page_of_calls_hides_the_record_as_well(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    folder = run_of(tmp_path / "run", [unsafe(refuse(1))], base)
    with sqlite3.connect(folder / "journal.sqlite") as db:
        columns = "attempt, cell, branch, ordinal, role, request, answer, error, detail, tries, latency, cost, at"
        for number in range(2, 252):
            db.execute(
                f"INSERT INTO calls SELECT ?, CAST(? AS BLOB), {columns} FROM calls WHERE id = 1",
                (number, f"k{number}"),
            )
        calls = list(range(1, 252))
        plain = stored(db, 1, calls)
        held = msgspec.json.encode(Answer("", withheld="0" * 16))
        db.execute("UPDATE calls SET answer = ? WHERE id = 240", (held,))
        first, second = stored(db, 1, calls), stored(db, 1, calls, after=200)
    assert plain is not None
    assert (len(plain.calls), plain.more_calls, plain.hidden) == (MOST_CALLS, 51, "")
    for page in (first, second):
        assert page is not None
        assert page.hidden.startswith("It")
