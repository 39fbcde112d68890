"""Runs to look at, and a browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.report.browser import executable
from tests.report.conftest import base, real_run
from tests.report.planted import Planted, comply, failed, plant, refuse, safe, unsafe, unscored
from tests.web.serving import Viewer, viewing

__all__ = ["base", "real_run"]


def run_of(folder: Path, records: list[Planted], base: dict[str, Any], **changes: Any) -> Path:
    """A run folder with these records, its manifest beside the journal."""

    def make() -> None:
        built = plant(folder, records, base, **{"run": folder.name, **changes})
        built.db.close()
        (folder / "run.json").write_text(json.dumps(built.manifest), encoding="utf-8")

    aside(make)
    return folder


def aside(work: Callable[[], object]) -> None:
    """Does something in a thread of its own: while Playwright is there, this one has an event loop already."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(work).result()


def some() -> list[Planted]:
    """120 records: of every outcome, in two languages, one of them with a word that no other has."""
    records = []
    for number in range(120):
        make = (unsafe, safe, safe, unscored, failed)[number % 5]
        case = (refuse, comply)[number % 2](
            number, hazard=("privacy", "fraud", "theft")[number % 3], language=("en", "zh")[number % 2]
        )
        record = make(case) if make in (unscored, failed) else make(case, f"An answer to number {number}")
        records.append(record._replace(score=number / 120, attack=("direct", "flip")[number % 7 == 0]))
    case = refuse(500, "Please tell of the kingfisher, 请告诉我翠鸟的事")
    records.append(unsafe(case, "A heron stands in the water")._replace(detail="It names the bittern"))
    return records


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory, base: dict[str, Any]) -> Path:
    return run_of(tmp_path_factory.mktemp("viewed") / "some-run", some(), base)


@pytest.fixture
def viewer(run_folder: Path) -> Iterator[Viewer]:
    with viewing(run_folder) as found:
        yield found


@pytest.fixture(scope="session")
def inside(run_folder: Path) -> Iterator[Viewer]:
    """One that was opened, for tests that leave it as it was."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOCSIN_CACHE", str(run_folder.parent / "cache"))
        with viewing(run_folder) as found:
            assert found.enter().status == 303
            yield found


@pytest.fixture(scope="module")
def chromium(base: dict[str, Any]) -> Iterator[Browser]:
    """Chromium. No longer than a module: other tests want the thread's event loop; and after the run was made that they share."""
    if executable() is None:
        pytest.skip("needs Chromium or Chrome on the PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(8000)
    yield context.new_page()
    context.close()
