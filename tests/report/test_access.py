"""The page for those who do not see it, or use no mouse: what axe finds, and what a keyboard reaches."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import executable
from tests.report.grown import grow
from tocsin.journal import connect
from tocsin.report import write_html

axe = pytest.importorskip("axe_playwright_python.sync_playwright")
playwright = pytest.importorskip("playwright.sync_api")

pytestmark = pytest.mark.skipif(executable() is None, reason="needs Chromium or Chrome on the PATH")

LOOKS = list(itertools.product(("en", "zh"), ("light", "dark"), (1280, 400)))


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Language → the page of a real run, with everything unfolded."""
    folder = tmp_path_factory.mktemp("access")
    run = grow(folder, cases=18, models=1)
    db = connect(run.folder / "journal.sqlite", read_only=True)
    found = {}
    for language in ("en", "zh"):
        html = write_html(db, run.manifest, run.summary, language=language)
        found[language] = folder / f"{language}.html"
        found[language].write_text(html.replace("<details>", "<details open>"), encoding="utf-8")
    db.close()
    return found


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.mark.parametrize(("language", "scheme", "width"), LOOKS)
def test_axe_finds_nothing_serious(
    pages: dict[str, Path], chromium: Any, language: str, scheme: str, width: int
) -> None:
    # The page's own policy would keep axe from running: it allows no script.
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(pages[language].as_uri())
    told = axe.Axe().run(page).response
    context.close()
    assert len(told["passes"]) > 20, "axe looked"
    grave = [one for one in told["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in grave] == []


def test_a_keyboard_reaches_the_content_first_and_sees_where_it_is(pages: dict[str, Path], chromium: Any) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto(pages["en"].as_uri())
    page.keyboard.press("Tab")
    skip = page.evaluate("[document.activeElement.className, document.activeElement.getBoundingClientRect().left >= 0]")
    assert skip == ["skip", True]
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.keyboard.press("Tab")
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px"
    inside = page.evaluate("document.querySelector('main').contains(document.activeElement)")
    context.close()
    assert inside


def test_landmarks_and_drawings_have_names(pages: dict[str, Path], chromium: Any) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(pages["zh"].as_uri())
    for tag in ("header", "nav", "main", "footer"):
        assert page.locator(f"body {tag}").count() == 1, tag
    unnamed = page.evaluate(
        "[...document.querySelectorAll('svg:not([aria-hidden])')].filter(e => !e.getAttribute('aria-label')).length"
    )
    regions = page.evaluate("[...document.querySelectorAll('[role=region]')].map(e => e.getAttribute('aria-label'))")
    context.close()
    assert unnamed == 0
    assert len(set(regions)) == len(regions)
