"""A comparison as a page, as Markdown, in two languages, and with hostile names."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from tests.evaluations import runs
from tests.report.browser import Browser, executable
from tests.report.planted import Page
from tests.report.test_browser import OVERFLOWING
from tests.report.test_hostile import EVIL
from tests.results.two_runs import attacked, cases, manifest, side
from tocsin.journal import PlannedCase
from tocsin.report.comparison import comparison_page, told
from tocsin.report.comparison_text import MOST, comparison_markdown
from tocsin.report.messages import Speaker
from tocsin.results.comparison import comparison


def compared(tmp_path: Path, *, name: str = "", count: int = 24, **options: Any) -> dict[str, Any]:
    """Two runs of a benchmark, a demonstration, harmless requests and attacks; `name` stands wherever one can."""
    benchmark = name or "invented"
    hazards = [name or "privacy", "a hazard with a rather long name of many words", "x" * 70]
    some = [
        replace(runs.case(n, ("refuse", "comply")[n % 2]), id=f"{name}{n}", hazard=hazards[n % 3], language=("en", "de")[n % 2])
        for n in range(count)
    ]  # fmt: skip
    plan = runs.planned([PlannedCase(benchmark, case.id, case) for case in some])
    plan += [
        (row, [cell._replace(rank=100 * count + cell.rank) for cell in cells])
        for row, cells in attacked(cases(count // 3), ("direct", name or "flip"), benchmark="other")
    ]
    total = sum(len(cells) for _, cells in plan)
    models = [manifest(benchmark, "other", run=f"{name}{n}"[:40] or n, model=f"some/{name}{n}") for n in "ab"]
    models[1]["suite"]["sampling"] = {"temperature": 0.5}
    models[1]["benchmarks"]["other"]["version"] = 2
    one = side(tmp_path / "one", "S" * (total - 2) + "NE", plan=plan, told=models[0])
    other = side(tmp_path / "two", ("SUU" * total)[:total], plan=plan, told=models[1])
    return comparison(one, other, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compared(tmp_path_factory.mktemp("made"))


def test_the_verdict_comes_before_all_else(made: dict[str, Any]) -> None:
    page = Page(comparison_page(made))
    assert page.faults == []
    header = page.find("header")[0].text
    assert "Of 4 scores B is worse on" in header
    assert "not meant to differ" in page.section("other").text
    markdown = comparison_markdown(made)
    assert markdown.startswith("## Worse\n\n**Of 4 scores B is worse on")


def test_every_figure_of_a_row_is_on_the_page_and_in_the_table(made: dict[str, Any]) -> None:
    row = told(made, Speaker()).rows[0]
    page, markdown = Page(comparison_page(made)).section("scores").text, comparison_markdown(made)
    for figure in (row.one, row.other, row.difference, row.interval, row.p, row.sees, row.n):
        assert figure in page
        assert figure in markdown
    assert "Power to see a difference of 5 points" in page


def test_a_difference_is_drawn_where_its_number_says(made: dict[str, Any]) -> None:
    found = told(made, Speaker())
    chart, difference = found.rows[0].chart, made["rows"][0]["difference"]
    assert chart is not None
    assert chart.interval is not None
    assert found.ends == ("\u2212100", "0", "+100")
    assert chart.dot == pytest.approx(50 * (1 + difference["value"]), abs=0.01)
    assert chart.interval.start == pytest.approx(50 * (1 + difference["low"]), abs=0.01)


def test_cells_that_flipped_are_named_and_no_text_is_shown(made: dict[str, Any]) -> None:
    page = comparison_page(made)
    assert "Question" not in page + comparison_markdown(made) + json.dumps(made), "a prompt is never in a comparison"
    assert "Worse on B" in Page(page).section("flips").text
    assert made["flips"]["worse"]["listed"][0]["case"] in Page(page).section("flips").text


class Noting(Speaker):
    """Keeps what was said that its catalogue lacks. A double for the tests."""

    def __init__(self) -> None:
        super().__init__("zh")
        self.lacks: set[str] = set()

    def __call__(self, english: str, /, **values: object) -> str:
        if not self.knows(english):
            self.lacks.add(english)
        return super().__call__(english, **values)


def test_all_that_the_page_says_it_says_in_chinese(made: dict[str, Any]) -> None:
    speak = Noting()
    told(made, speak)
    template = Path("src/tocsin/report/templates/comparison.html").read_text(encoding="utf-8")
    for text in re.findall(r"say\([\"'](.+?)[\"'][,)]", template):
        speak(text)
    assert speak.lacks == set()
    page = Page(comparison_page(made, language="zh"))
    assert page.find("html")[0].attributes["lang"] == "zh-Hans"
    assert "双方的得分" in page.root.text


@pytest.mark.parametrize("number", range(0, len(EVIL), 3))
def test_hostile_names_become_no_markup(tmp_path: Path, number: int) -> None:
    hostile = compared(tmp_path, name=EVIL[number].replace("\0", "")[:80].encode("utf-8", "replace").decode(), count=9)
    page = Page(comparison_page(hostile))
    assert page.faults == []
    assert not page.find("script", "iframe", "img", "object", "link")
    assert all(not name.startswith("on") for element in page.find() for name in element.attributes)
    markdown = comparison_markdown(hostile)
    tags = set(re.findall(r"<(/?\w+)", markdown))
    assert tags <= {"details", "/details", "summary", "/summary", "sub", "/sub"}


def test_markdown_fits_a_comment_whatever_the_run(tmp_path: Path) -> None:
    large = compared(tmp_path, name="<" * 60, count=120, flips=500)
    large["rows"] = large["rows"] * 40
    text = comparison_markdown(large)
    assert len(text) <= MOST + 400 < 65_536
    assert text.startswith("## Worse")
    assert "left out, since a comment has no room" in text


needs_browser = pytest.mark.skipif(executable() is None, reason="needs Chromium or Chrome on the PATH")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@needs_browser
@pytest.mark.parametrize("width", [320, 400, 920, 1280])
def test_it_needs_no_sideways_scrolling_with_everything_opened(
    browser: Browser, made: dict[str, Any], tmp_path: Path, width: int
) -> None:
    page = tmp_path / "page.html"
    page.write_text(comparison_page(made), encoding="utf-8")
    browser.show(page, width=width)
    browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.value(OVERFLOWING) == []
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value("document.scripts.length") == 0


@needs_browser
def test_axe_finds_no_fault(made: dict[str, Any], tmp_path: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    page = tmp_path / "page.html"
    page.write_text(comparison_page(made), encoding="utf-8")
    with playwright.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        for scheme in ("light", "dark"):
            shown = browser.new_context(bypass_csp=True, color_scheme=scheme).new_page()
            shown.goto(page.as_uri())
            found = axe.Axe().run(shown).response["violations"]
            assert [one["id"] for one in found] == []
        browser.close()
