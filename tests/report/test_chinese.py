"""The page in Chinese: everything that it says is in the catalogue, and nothing is left in English but names and data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.report.catalogued import GRAMMAR, PLACE, catalogue, files, said, source_texts, written
from tests.report.grown import ATTACKS, HAZARDS, grow
from tests.report.planted import Built, Element, Page, comply, failed, plant, refuse, safe, unsafe, unscored
from tests.report.speaking import HAZARDS as SPOKEN_HAZARDS
from tests.report.speaking import speak
from tests.report.test_compliance import built as with_clauses  # noqa: F401 - a fixture
from tests.report.test_modalities import built as with_images  # noqa: F401 - a fixture
from tocsin.api import Run, rejudge
from tocsin.journal import connect
from tocsin.report import write_html
from tocsin.report.messages import LANGUAGES, Message, Speaker, joined, made, message
from tocsin.results.rejudged import compare

MARKED = frozenset({"bdi", "code", "pre", "style", "title"})
"""Elements whose text is a name, a command or data."""
ENGLISH = re.compile(r"[A-Za-z][a-z']+(?:,? +\(?[a-z][a-z']*){2,}")
"""Three English words in a row."""
NAMES = (*HAZARDS, *SPOKEN_HAZARDS, *ATTACKS, "Kitchens of the world", "a model that makes images")


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return grow(tmp_path_factory.mktemp("grown"))


def left_in_english(html: str) -> list[str]:
    """Texts of a page, those for who does not see it among them, that hold an English sentence and are not marked."""
    found: list[str] = []

    def walk(element: Element, marked: bool) -> None:
        marked = marked or element.tag in MARKED or element.attributes.get("lang", "zh").startswith("en")
        if not marked:
            told = [element.attributes.get(name, "") for name in ("aria-label", "title", "alt", "data-label")]
            found.extend([*told, *(piece for piece in element.pieces if isinstance(piece, str))])
        for child in element.children:
            walk(child, marked)

    page = Page(html)
    assert page.faults == []
    walk(page.root, False)
    plain = [" ".join(text.split()) for text in found]
    for name in NAMES:
        plain = [text.replace(name, "…") for text in plain]
    return [text for text in plain if ENGLISH.search(text)]


def test_every_text_of_the_page_is_in_the_catalogue() -> None:
    known = catalogue()
    assert not {text: where for text, where in said().items() if text not in known}


def test_every_entry_of_the_catalogue_is_said_somewhere() -> None:
    texts, ready, wholes = said(), written(), source_texts()
    unused = []
    for name in files():
        for english in catalogue(name):
            if english in texts or english in wholes or not any(map(str.isalpha, PLACE.sub("", english))):
                continue
            pieces = [piece for piece in PLACE.split(english)[::2] if len(piece) > 3]
            if not pieces or any(piece.strip(" :;,.()").removesuffix(" and") not in ready for piece in pieces):
                unused.append((name, english))
    assert unused == []


def test_places_of_an_entry_are_those_of_its_key() -> None:
    for english, chinese in catalogue().items():
        wanted, there = set(PLACE.findall(english)), set(PLACE.findall(chinese))
        assert not there - wanted, english
        assert not wanted - there - GRAMMAR - {"how"}, english


def test_no_entry_is_english_still() -> None:
    for english, chinese in catalogue().items():
        assert not ENGLISH.search(re.sub(r"`[^`]*`|\{\w+\}|--[\w-]+(?: \w+)?", "", chinese)), english


def test_a_run_under_attack_and_its_rejudged_twin_are_chinese_throughout(grown: Run, tmp_path: Path) -> None:
    again = rejudge(grown.folder, judge="embedded", out=tmp_path)
    for run in (grown, again):
        db = connect(run.folder / "journal.sqlite", read_only=True)
        comparison = compare(db, run.manifest, run.summary) if "rejudged" in run.manifest else None
        html = write_html(db, run.manifest, run.summary, comparison=comparison, folder=run.folder, language="zh")
        db.close()
        assert left_in_english(html) == []
        page = Page(html)
        assert page.find("html")[0].attributes["lang"] == "zh-Hans"
        assert page.section("overview").all("h2")[0].text == "概览"
        assert "95% 置信区间" in page.section("finding").text


def test_a_run_in_many_languages_is_chinese_throughout(tmp_path: Path) -> None:
    run = speak(tmp_path, dishes=24, check=True, sets=("multijail", "polyguardprompts"))
    db = connect(run.folder / "journal.sqlite", read_only=True)
    html = write_html(db, run.manifest, run.summary, language="zh")
    db.close()
    assert left_in_english(html) == []
    told = Page(html).section("languages").text
    assert "泰语" in told
    assert "可以断定" in told


def test_clauses_images_and_what_failed_are_chinese_throughout(
    with_clauses: Built,  # noqa: F811
    with_images: Built,  # noqa: F811
    tmp_path: Path,
    base: dict[str, Any],
) -> None:
    records = [unsafe(refuse(1)), safe(comply(1)), failed(refuse(2)), unscored(refuse(3)), failed(comply(2))]
    broken = plant(
        tmp_path / "broken", records, base, status="partial", flags=["judge a steers attacks and decides on them"]
    )
    empty = plant(tmp_path / "empty", [failed(refuse(1))], base)
    for built in (with_clauses, with_images, broken, empty):
        for reveal in (False, True):
            assert left_in_english(write_html(*built, reveal=reveal, language="zh")) == []


def test_names_and_figures_stay_as_they_are(grown: Run) -> None:
    db = connect(grown.folder / "journal.sqlite", read_only=True)
    pages = [Page(write_html(db, grown.manifest, grown.summary, language=language)) for language in LANGUAGES]
    db.close()
    names = [{one.text for one in page.find("bdi") if one.text.isascii() and " " not in one.text} for page in pages]
    assert names[0] & names[1] >= {"harbour-large", "meadow-8b", "kitchen.jsonl"}
    figures = [[one.text.split()[0] for one in page.find("td", class_="num main") if "%" in one.text] for page in pages]
    assert figures[0] == figures[1] != []


def test_a_message_is_english_for_whoever_reads_a_string() -> None:
    told = message("{n} of {planned}", n="3", planned=message("{n} cases", n="10"))
    assert told == "3 of 10 cases"
    assert Speaker("zh").said(told) == "3 / 10 个用例"
    assert Speaker("zh").said(joined((told, "a-name"), ", ")) == "3 / 10 个用例、a-name"
    assert Speaker("en").said(told) == told
    assert type(told[:1]) is str, "what is cut from it is a plain string"


def test_ready_made_texts_are_found_by_their_form_and_names_are_not_taken_for_one() -> None:
    speaker = Speaker("zh")
    assert speaker.said(made("without a, b: left out")) == "不含 a, b：已略去"
    assert speaker.said(made("3 of 10 cases by harbour")) == "3 of 10 cases by harbour"
    assert isinstance(made("anything"), Message)


def test_pages_speak_no_other_language() -> None:
    with pytest.raises(ValueError, match="pages speak en, zh; 'fr' is none of them"):
        Speaker("fr")
