"""The page in a real browser: it fits a phone, asks the network for nothing, and breaks no rule of its own policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.pictures import png
from tests.report.browser import Browser, executable
from tests.report.planted import Built, comply, failed, plant, refuse, safe, unsafe
from tests.report.test_hostile import EVIL, everywhere
from tests.report.test_languages import asked_in, planted_languages
from tests.report.test_pictures import made, of_images
from tocsin.report import write_html

pytestmark = pytest.mark.skipif(executable() is None, reason="needs Chromium or Chrome on the PATH")

OVERFLOWING = """
[...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, pre, svg, .skip, .unseen, thead')
  && e.getBoundingClientRect().right > document.documentElement.clientWidth + 1).map(e => e.tagName + '.' + e.className)
"""

OVERLAPPING = """
[...document.querySelectorAll('.tongues td, .tongues th, .guards td, .guards th')].filter(
  e => e.scrollWidth > e.clientWidth + 2 && !e.closest('.unseen, thead')).map(e => e.textContent.trim().slice(0, 40))
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with Browser(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture
def built(tmp_path: Path, base: dict[str, Any]) -> Built:
    hazards = (
        "privacy",
        "a hazard with a rather long name of many words",
        "Averyveryverylonghazardwithoutanyspace_" * 3,
    )
    records = [
        (unsafe if n % 3 else safe)(make(n, hazard=hazards[n % 3], language=("en", "zh")[n % 2]), "word " * 400)
        for n in range(24)
        for make in (refuse, comply)
    ]
    return plant(
        tmp_path / "run", [*records, failed(refuse(99))], base, targets=["openai/meadow-8b", "openai/harbour-large"]
    )


@pytest.mark.parametrize("width", [320, 400, 768, 1280])
@pytest.mark.parametrize("reveal", [False, True])
def test_the_page_needs_no_sideways_scrolling(
    browser: Browser, built: Built, tmp_path: Path, width: int, reveal: bool
) -> None:
    page = tmp_path / "report.html"
    page.write_text(write_html(*built, reveal=reveal), encoding="utf-8")
    browser.show(page, width=width)
    browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.value(OVERFLOWING) == []
    assert browser.value("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [320, 400, 920, 1280])
def test_languages_fit_every_screen_with_everything_opened(
    browser: Browser, tmp_path: Path, base: dict[str, Any], width: int
) -> None:
    codes = ("en", "th", "ar", "zh", "hi", "ja", "vi", "w" * 60)
    tags = {"th": {"translation": "machine"}, "vi": {"translation": "doubtful"}}
    built = planted_languages(tmp_path, base, *asked_in(codes, rows=24, tags=tags))
    for one in built.summary["models"][0]["multilingual"][0]["languages"]:
        one["answered_in"] = {"en": 1200, "x" * 80: 3, one["language"]: 5}
        one["invalid"] = 1
    page = tmp_path / "report.html"
    page.write_text(write_html(*built), encoding="utf-8")
    browser.show(page, width=width)
    browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.value(OVERFLOWING) == []
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert browser.value(OVERLAPPING) == []


@pytest.mark.parametrize("width", [320, 1280])
def test_a_chinese_page_fits_too_with_its_profile(browser: Browser, built: Built, tmp_path: Path, width: int) -> None:
    page = tmp_path / "report.html"
    page.write_text(write_html(*built, language="zh"), encoding="utf-8")
    browser.show(page, width=width)
    browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert browser.value(OVERFLOWING) == []
    assert browser.value("document.documentElement.scrollWidth") <= width
    fonts = browser.value("getComputedStyle(document.body).fontFamily")
    assert fonts.startswith('"PingFang SC"')


def test_hostile_names_fit_a_phone_too_and_run_nothing(browser: Browser, tmp_path: Path, base: dict[str, Any]) -> None:
    page = tmp_path / "report.html"
    for number, evil in enumerate((EVIL[0], EVIL[3], EVIL[9], "w" * 3000)):
        folder = tmp_path / str(number)
        folder.mkdir()
        page.write_text(write_html(*everywhere(evil, folder, base), reveal=True), encoding="utf-8")
        browser.show(page, width=400)
        assert browser.value("document.documentElement.scrollWidth") <= 400
        assert browser.value("document.scripts.length") == 0
        assert not browser.events("Page.javascriptDialogOpening")


def test_nothing_but_the_file_is_asked_for_and_the_policy_holds(browser: Browser, built: Built, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(write_html(*built), encoding="utf-8")
    browser.show(page, width=1280)
    asked = [event["request"]["url"] for event in browser.events("Network.requestWillBeSent")]
    assert asked == [page.as_uri()]
    assert browser.events("Log.entryAdded") == []


def test_dark_and_light_follow_the_reader(browser: Browser, built: Built, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(write_html(*built), encoding="utf-8")
    papers = []
    for dark in (False, True):
        browser.show(page, width=1280, dark=dark)
        papers.append(browser.value("getComputedStyle(document.body).backgroundColor"))
    assert papers == ["rgb(253, 253, 251)", "rgb(20, 24, 28)"]


def test_drawings_are_as_wide_as_their_numbers_say(browser: Browser, built: Built, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(write_html(*built), encoding="utf-8")
    browser.show(page, width=1280)
    score = built.summary["models"][0]["scores"][0]
    place = browser.value(
        "(() => { const s = document.querySelector('.scores svg'), b = s.getBoundingClientRect(),"
        " d = s.querySelector('.dot').getBoundingClientRect();"
        " return (d.left + d.width / 2 - b.left) / b.width })()"
    )
    assert place == pytest.approx(score["value"], abs=0.005)


def test_an_image_takes_two_acts_works_by_keyboard_and_is_blurred_in_print(
    browser: Browser, tmp_path: Path, base: dict[str, Any]
) -> None:
    built = plant(tmp_path / "run", [made(1, png(1, width=900, height=700))], base, **of_images(base))
    page = tmp_path / "report.html"
    page.write_text(write_html(*built, reveal=True, folder=tmp_path / "run"), encoding="utf-8")
    browser.show(page, width=400)
    seen = "document.querySelector('img').checkVisibility()"
    blur = "getComputedStyle(document.querySelector('img')).filter"

    def press(key: str, code: str, text: str = "") -> None:
        for kind in ("keyDown", "keyUp"):
            more = {"text": text} if text and kind == "keyDown" else {}
            browser.send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=ord(text or "\t"), **more
            )

    assert browser.value(seen) is False
    browser.value("document.querySelector('details.picture summary').focus()")
    press("Enter", "Enter", "\r")
    assert browser.value(seen) is True
    assert browser.value("document.querySelector('img').naturalWidth") == 320
    assert browser.value(blur) != "none"
    press("Tab", "Tab")
    assert browser.value("document.activeElement.type") == "checkbox"
    press(" ", "Space", " ")
    assert browser.value(blur) == "none"
    browser.send("Emulation.setEmulatedMedia", media="print")
    assert browser.value(blur).startswith("blur(")
    browser.send("Emulation.setEmulatedMedia", media="")
    assert browser.value(OVERFLOWING) == []
    asked = [event["request"]["url"][:23] for event in browser.events("Network.requestWillBeSent")]
    assert set(asked) <= {page.as_uri()[:23], "data:image/jpeg;base64,"}
    assert browser.events("Log.entryAdded") == []
