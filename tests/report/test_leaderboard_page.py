"""The leaderboard as page, Markdown and picture: what is drawn how, in two languages, with hostile names."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.report.browser import executable
from tests.report.planted import Page
from tests.results.made_runs import made
from tocsin.api import leaderboard
from tocsin.report.leaderboard import boards
from tocsin.report.leaderboard_files import write_html, write_markdown, write_svg
from tocsin.report.messages import Speaker

HOSTILE = "lab/<script>alert(1)</script>\u202e[x](http://evil.example)|`" + "w" * 300
ENGLISH = Speaker()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Three models, one with missing answers; another judge; a demonstration; a hostile name; the published rows."""
    root = tmp_path_factory.mktemp("runs")
    good = {"one": ["safe"] * 90 + ["unsafe"] * 10, "two": ["safe"] * 80 + ["unsafe"] * 20}
    poor = {"one": ["safe"] * 30 + ["unsafe"] * 70, "two": ["safe"] * 20 + ["unsafe"] * 75 + ["unscored"] * 5}
    return leaderboard(
        [
            made(root / "a", "lab/good", good, attacked={"hard": ["safe/unsafe"] * 50}),
            made(root / "b", HOSTILE, good),
            made(root / "c", "lab/poor", poor),
            made(root / "d", "lab/judged", good, judge="other@<b>1</b>"),
            made(root / "e", "lab/demo", {"starter": ["safe"] * 9}, demonstration=True),
        ],
        with_published=True,
    )


@pytest.fixture(scope="module")
def page(found: dict[str, Any]) -> Page:
    return Page(write_html(found, ENGLISH))


def test_the_page_is_well_formed_and_runs_nothing(page: Page) -> None:
    assert page.faults == []
    assert page.find("script", "iframe", "link", "img") == []
    assert all(not name.startswith("on") for one in page.find() for name in one.attributes)
    assert all(link.attributes["href"].startswith("#") for link in page.find("a"))


def test_hostile_names_are_shown_and_do_nothing(found: dict[str, Any], page: Page) -> None:
    names = [one.text for one in page.find("bdi", class_="name")]
    assert any("<script>alert(1)</script>⟨U+202E⟩" in name for name in names)
    text = write_markdown(found, ENGLISH)
    assert "<script" not in text
    assert "\u202e" not in text
    assert "](http" not in text
    ElementTree.fromstring(write_svg(found, ENGLISH))


def test_every_link_of_the_page_leads_to_a_board(page: Page) -> None:
    anchors = {one.attributes["id"] for one in page.find() if "id" in one.attributes}
    links = [link.attributes["href"][1:] for link in page.find("a")]
    assert len(links) > 10
    assert set(links) <= anchors


def test_published_rows_are_marked_and_drawn_otherwise_than_measured_ones(page: Page) -> None:
    rows = page.find("tr", class_="published")
    assert len(rows) == 4 * 8 + 2 * 4, "four models on eight boards, two on four"
    assert all("as published" in row.text for row in rows)
    css = page.find("style")[0].text
    assert ".published .dot{fill:var(--paper)" in css
    assert ".published .interval{stroke-dasharray" in css


def test_boards_say_what_sets_them_apart_and_rows_why_they_have_no_rank(page: Page) -> None:
    text = page.find("main")[0].text
    assert "who judges (refusal): other@<b>1</b>" in text
    assert "not ranked: a demonstration: it shows what a run is like, and ranks nobody" in text
    assert (
        "of the 6 pairs of models, over 100 requests, 1 would differ at 5% taken alone, and none does after Holm"
        in text
    )


def test_every_drawing_says_in_words_what_it_shows(page: Page) -> None:
    labels = [svg.attributes["aria-label"] for svg in page.find("svg", role="img")]
    assert len(labels) > 40
    assert all(label.startswith(("value ", "without a value")) for label in labels)
    assert any("95% interval from" in label and "whatever the missing answers were" in label for label in labels)


def test_figures_of_the_page_are_those_of_the_json(found: dict[str, Any], page: Page) -> None:
    cells = [cell.text for cell in page.find("td", data_label="Value, %")]
    main = [row for kind in ("boards", "means") for board in found[kind] for row in board["rows"]]
    for row in main:
        assert ("–" if row["value"] is None else f"{100 * row['value']:.2f}") in cells


def test_the_chinese_page_lacks_no_text(found: dict[str, Any]) -> None:
    lacking: set[str] = set()

    class Asking(Speaker):
        """A double that notes what the catalogue lacks."""

        def __call__(self, english: str, /, **values: object) -> str:
            if not self.knows(english):
                lacking.add(english)
            return super().__call__(english, **values)

    say = Asking("zh")
    for write in (write_html, write_markdown, write_svg):
        write(found, say)
    assert lacking == set()
    told = write_html(found, say)
    assert 'lang="zh-Hans"' in told
    for english in ("not ranked", "can be told apart", "A rank is a range", "The label", "Figure and table give"):
        assert english not in told


def test_looking_over_a_condition_is_a_warning_on_the_page_the_board_and_in_the_picture(tmp_path: Path) -> None:
    runs = [
        made(tmp_path / "a", "lab/a", {"one": ["safe"] * 20}),
        made(tmp_path / "b", "lab/b", {"one": ["unsafe"] * 20}, judge="other@2"),
    ]
    found = leaderboard(runs, across=["judge"])
    general, own = "Ranked across who judges", "Not the same for all rows: who judges (refusal)"
    told = boards(found, ENGLISH)
    assert told.warnings[0].startswith(general)
    for text in (write_html(found, ENGLISH), write_markdown(found, ENGLISH)):
        assert general in text
        assert own in text.replace("&#40;", "(")
    assert own in write_svg(found, ENGLISH)


def test_a_picture_shows_each_main_board_once(found: dict[str, Any]) -> None:
    root = ElementTree.fromstring(write_svg(found, ENGLISH))
    space = "{http://www.w3.org/2000/svg}"
    dots = root.findall(f".//{space}circle")
    values = [row for kind in ("boards", "means") for board in found[kind] for row in board["rows"]]
    assert len(dots) == sum(row["value"] is not None for row in values)
    assert len(root.findall(f".//{space}g[@class='published']")) == sum(row["origin"] == "published" for row in values)


@pytest.mark.skipif(executable() is None, reason="needs Chromium")
def test_in_a_browser_nothing_is_too_wide_and_axe_finds_nothing(found: dict[str, Any], tmp_path: Path) -> None:
    api = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    file = tmp_path / "boards.html"
    file.write_text(write_html(found, ENGLISH), encoding="utf-8")
    with api.sync_playwright() as running:
        browser = running.chromium.launch(
            executable_path=executable() or shutil.which("chromium"), args=["--no-sandbox"]
        )
        try:
            for scheme in ("light", "dark"):
                view = browser.new_page(color_scheme=scheme)
                faults: list[str] = []
                view.on("console", lambda message, faults=faults: faults.append(message.text))
                view.goto(file.as_uri())
                view.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
                for width in (1280, 400):
                    view.set_viewport_size({"width": width, "height": 900})
                    assert view.evaluate("document.documentElement.scrollWidth") <= width
                assert faults == []
                found_by_axe = axe.Axe().run(view).response["violations"]
                assert [(one["id"], one["nodes"][0]["html"]) for one in found_by_axe] == []
        finally:
            browser.close()
