"""In real Chromium: filter, search, reveal, follow a run; by keys, and without the script; for every reader."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.report.planted import refuse, safe, unsafe
from tests.web.conftest import aside, run_of, some
from tests.web.serving import Viewer, viewing
from tocsin.journal import Journal, encode_request
from tocsin.types import Answer, Outcome, Record, Request


def opened(page: Page, viewer: Viewer) -> Page:
    page.goto(viewer.first)
    assert page.url == f"{viewer.origin}/"
    return page


def count(page: Page) -> str:
    return page.locator(".bar strong").inner_text()


def test_filters_narrow_the_list_and_every_state_has_an_address(page: Page, viewer: Viewer) -> None:
    opened(page, viewer)
    assert count(page) == "121 records"
    page.get_by_role("link", name="unsafe 25").click()
    assert count(page) == "25 records"
    page.locator(".facets a", has_text="theft").click()
    narrowed = count(page)
    assert set(page.locator(".list .outcome").all_inner_texts()) == {"unsafe"}
    assert all("theft" in text for text in page.locator(".list td:nth-child(2)").all_inner_texts())
    page.goto("about:blank")
    page.go_back()
    assert count(page) == narrowed
    address = page.url
    page.locator(".chips a", has_text="Outcome").click()
    assert count(page) == "40 records"
    page.goto(address)
    assert count(page) == narrowed
    page.get_by_role("link", name="Clear all").click()
    assert count(page) == "121 records"


def test_ranges_and_order(page: Page, viewer: Viewer) -> None:
    opened(page, viewer)
    page.get_by_text("Ranges").click()
    page.get_by_label("Score from").fill("0.5")
    page.get_by_label("Score to").fill("0.6")
    page.get_by_role("button", name="Apply").click()
    assert count(page) == "13 records"
    page.get_by_label("Order").select_option("score-down")
    page.wait_for_url("**sort=score-down**")
    scores = [float(text.rpartition(" ")[2]) for text in page.locator(".list td:nth-child(5) .of").all_inner_texts()]
    assert scores == sorted(scores, reverse=True)
    assert (scores[0], scores[-1]) == (0.6, 0.5)


@pytest.mark.parametrize(
    "query",
    ["kingfisher", "KINGFISHER", "kingf", "翠鸟", "诉我翠", "heron", '"stands in the water"', "bittern", "heron -swan"],
)
def test_search_finds_prompts_answers_and_reasons_in_any_script(page: Page, viewer: Viewer, query: str) -> None:
    opened(page, viewer)
    page.get_by_role("searchbox").fill(query)
    page.get_by_role("searchbox").press("Enter")
    expect(page.locator(".bar strong")).to_have_text("1 record")
    assert "kingfisher" not in page.locator(".list").inner_text().lower()  # it says that it matched, not what
    assert "heron" not in page.locator(".list").inner_text()


def test_search_looks_where_it_is_told_to(inside: Viewer) -> None:
    assert "1 record<" in inside.ask("/?q=heron&in=answered").text
    assert "No record is like that" in inside.ask("/?q=heron&in=asked").text


def test_one_record_is_revealed_and_the_others_stay_hidden(page: Page, viewer: Viewer) -> None:
    opened(page, viewer)
    page.goto(f"{viewer.origin}/?q=kingfisher")
    page.locator(".open").click()
    body = page.locator("main")
    assert "kingfisher" not in body.inner_text()
    assert "heron" not in body.inner_text()
    assert "bittern" not in body.inner_text()
    page.get_by_role("button", name="Reveal the texts").click()
    assert "kingfisher" in body.inner_text()
    assert "A heron stands in the water" in body.inner_text()
    assert "It names the bittern" in body.inner_text()
    page.goto(f"{viewer.origin}/r/{next(iter(viewer.state.runs))}/1")
    assert "Reveal the texts" in body.inner_text()
    assert page.locator(".said").count() == 0
    page.goto(f"{viewer.origin}/?q=kingfisher")
    assert "revealed" in page.locator(".list").inner_text()
    assert "heron" not in page.locator(".list").inner_text()
    page.locator(".open").click()
    page.get_by_role("button", name="Hide the texts").click()
    assert "heron" not in body.inner_text()


def test_keys(page: Page, viewer: Viewer) -> None:
    opened(page, viewer)
    page.keyboard.press("/")
    page.keyboard.type("kingfisher j k")
    assert page.get_by_role("searchbox").input_value() == "kingfisher j k"
    page.goto(f"{viewer.origin}/?outcome=unsafe")
    for key in "jjk":
        page.keyboard.press(key)
    assert page.evaluate("document.activeElement === document.querySelectorAll('.open')[0]")
    page.keyboard.press("ArrowDown")
    first = page.locator(".open").nth(1).inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url("**/r/**")
    assert page.locator("h1").inner_text() == first
    page.keyboard.press("r")
    expect(page.get_by_role("button", name="Hide the texts")).to_be_visible()
    page.keyboard.press("n")
    expect(page.locator("h1")).not_to_have_text(first)
    page.wait_for_load_state()
    page.keyboard.press("u")
    page.wait_for_url(f"{viewer.origin}/?outcome=unsafe")


def test_all_of_it_works_without_the_script(chromium: Browser, viewer: Viewer) -> None:
    context = chromium.new_context(java_script_enabled=False)
    page = opened(context.new_page(), viewer)
    page.get_by_role("link", name="unsafe 25").click()
    page.get_by_role("searchbox").fill("answer")
    page.get_by_role("button", name="Search").click()
    assert count(page) == "24 records"
    page.locator(".open").first.click()
    page.get_by_role("button", name="Reveal the texts").click()
    assert "An answer to number" in page.locator("main").inner_text()
    page.get_by_role("link", name="Next record").click()
    assert page.locator(".said").count() == 0
    page.get_by_role("link", name="List").click()
    assert count(page) == "24 records"
    context.close()


def test_the_pages_of_the_list_show_every_record_once(inside: Viewer) -> None:
    for order in ("latest", "first", "score", "score-down", "latency", "cost-down"):
        address, seen = f"/?sort={order}", list[str]()
        while address:
            text = inside.ask(address).text
            seen += re.findall(r'class="open" href="/r/\w+/(\d+)', text)
            found = re.search(r'rel="next" href="([^"]+)"', text)
            address = found.group(1).replace("&amp;", "&") if found else ""
        assert len(seen) == len(set(seen)) == 121, order


def test_the_list_follows_a_run_that_is_going_on_until_it_is_paused(
    page: Page, tmp_path: Path, base: dict[str, Any]
) -> None:
    plan = [safe(refuse(1)), *(unsafe(refuse(n))._replace(outcome=None) for n in range(2, 6))]
    folder = run_of(tmp_path / "going", plan, base, status="running")

    async def finish(*cells: int) -> None:
        journal = Journal(folder)  # the writer of a run, beside the viewer
        for cell in cells:
            call = await journal.add_call(
                key=cell.to_bytes(16, "big"), cell=cell, branch="", ordinal=0, role="target", request=encode_request(Request(())),
                result=Answer("done"), tries=1, latency=0.5, cost=None,
            )  # fmt: skip
            journal.add_record(Record(cell=cell, call=call.id, outcome=Outcome.UNSAFE, judge="j"))
        await journal.close()

    with viewing(folder) as viewer:
        opened(page, viewer)
        assert count(page) == "1 record"
        expect(page.get_by_text("follows the run")).to_be_visible()
        assert "1 of 5 records" in page.locator(".runs").inner_text()
        aside(lambda: asyncio.run(finish(3, 4)))
        expect(page.locator(".bar strong")).to_have_text("3 records")
        assert "3 of 5 records" in page.locator(".runs").inner_text()
        page.get_by_role("button", name="Pause").click()
        aside(lambda: asyncio.run(finish(2)))  # one that was passed over
        page.wait_for_timeout(3500)
        assert count(page) == "3 records"
        page.reload()
        assert count(page) == "4 records"
        page.get_by_role("button", name="Follow").click()
        aside(lambda: asyncio.run(finish(5)))
        expect(page.locator(".bar strong")).to_have_text("5 records")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page(chromium: Browser, viewer: Viewer, scheme: Any) -> None:
    context = chromium.new_context(color_scheme=scheme, bypass_csp=True)  # axe is a script of its own
    page = opened(context.new_page(), viewer)
    cell = f"/r/{next(iter(viewer.state.runs))}/121"
    for target in ("/", "/?outcome=unsafe&q=answer&score_from=0.1", "/?q=nothingatall", cell):
        page.goto(viewer.origin + target)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], target
    page.get_by_role("button", name="Reveal the texts").click()
    assert Axe().run(page).response["violations"] == []
    context.close()


def test_two_runs_are_looked_at_side_by_side(tmp_path: Path, base: dict[str, Any]) -> None:
    folders = [run_of(tmp_path / name, some()[:10], base) for name in ("one", "other")]
    with viewing(*folders, folders[0]) as viewer:
        viewer.enter()
        assert "<strong>20 records</strong>" in viewer.ask("/").text
        run = list(viewer.state.runs)[1]
        assert "<strong>10 records</strong>" in viewer.ask(f"/?run={run}").text
