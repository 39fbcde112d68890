"""The polar chart: bars as long as their values, words for every wedge, and nothing in it that a page need fear."""

from __future__ import annotations

import copy
import itertools
import math
import re
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.report.browser import Browser, executable
from tests.report.planted import comply, failed, plant, refuse, safe, unsafe
from tests.report.test_hostile import EVIL
from tocsin.report.messages import Speaker
from tocsin.report.polar import TEXTS, polar, polar_png, profile_table
from tocsin.report.polar_shapes import INNER, MOST, OUTER, arcs_of, extent, radius
from tocsin.report.polar_style import PALETTE
from tocsin.report.profile_page import COLUMNS, INPUTS, PUBLISHED, TITLE, profile_page
from tocsin.report.profile_text import TEXTS as SAID
from tocsin.report.profile_text import tell
from tocsin.results.archetype_rules import rules
from tocsin.results.archetypes import UNASSIGNED
from tocsin.results.profile_axes import axis, sector
from tocsin.results.profiled import completed, published_profiled
from tocsin.results.sentences import MESSAGES

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def published() -> dict[str, Any]:
    return published_profiled("gpt-5.2")


@pytest.fixture(scope="module")
def measured(base: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    records = [*(safe(refuse(n)) for n in range(6)), *(unsafe(refuse(n)) for n in range(6, 8)), safe(comply(0))]
    left = [{"benchmark": "alert", "evaluation": "benchmark", "modality": "language", "needs": "a licence"}]
    built = plant(tmp_path_factory.mktemp("polar"), [*records, failed(refuse(9))], base, left_out=left)
    found: dict[str, Any] = built.summary["models"][0]["profile"]
    return found


def invented(axes: list[dict[str, Any]], title: str = "A sector", **changes: Any) -> dict[str, Any]:
    made = {
        "schema": 1, "origin": "measured", "model": "a-model", "demonstration": False, "evaluations": [], "refusals": [],
        "sectors": [sector(title, "language", "benchmark", axes)],
    }  # fmt: skip
    return completed({**made, **changes})


def wedges(svg: str) -> list[ET.Element]:
    return [one for one in ET.fromstring(svg).iter(f"{SVG}g") if one.get("role") == "img"]


def reach(wedge: ET.Element) -> float:
    """The outer radius of a wedge's bar, in the units of the drawing."""
    shapes = [one.get("d", "") for one in wedge.iter(f"{SVG}path")]
    arcs = [float(found[1]) for shape in shapes[1:2] if (found := re.search(r"A([\d.]+) ", shape))]
    return arcs[0]


def test_each_bar_is_as_long_as_its_value_from_the_inner_ring_to_the_outer(published: dict[str, Any]) -> None:
    axes = [axis for one in published["sectors"] if one["charted"] for axis in one["axes"]]
    drawn = wedges(polar([published]))
    assert len(drawn) == len(axes) == 68
    for wedge, one in zip(drawn, axes, strict=True):
        wanted = max(INNER + (OUTER - INNER) * one["value"], INNER + 1.5)
        assert reach(wedge) == pytest.approx(wanted, abs=0.06), one["axis"]


def test_whiskers_run_from_limit_to_limit(published: dict[str, Any]) -> None:
    one = published["sectors"][0]["axes"][0]
    line = next(p for p in wedges(polar([published]))[0].iter(f"{SVG}path") if p.get("class") == "tp-whisker")
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", line.get("d", ""))[:4]]
    assert math.hypot(*numbers[:2]) == pytest.approx(radius(one["low"]), abs=0.1)
    assert math.hypot(*numbers[2:]) == pytest.approx(radius(one["high"]), abs=0.1)


def test_every_wedge_says_in_words_what_it_shows(published: dict[str, Any], measured: dict[str, Any]) -> None:
    for profile in (published, measured):
        for wedge in wedges(polar([profile])):
            title = wedge.find(f"{SVG}title")
            assert title is not None
            assert title.text == wedge.get("aria-label")
    first = wedges(polar([measured]))[0].get("aria-label")
    assert first == "Language Benchmark, cases: 75.0%; 95% interval 35.1% to 94.3%; 8 of 9 attempts measured"
    assert "published, not measured by tocsin" in str(wedges(polar([published]))[0].get("aria-label"))


def test_what_has_no_value_is_hatched_to_the_rim_with_its_reason(measured: dict[str, Any]) -> None:
    (empty,) = (w for w in wedges(polar([measured])) if "ALERT" in str(w.get("aria-label")))
    assert empty.get("aria-label") == "Language Benchmark, ALERT: no value: left out: a licence"
    assert [p.get("class") for p in empty.iter(f"{SVG}path")] == ["tp-none", "tp-none"]


def test_published_bars_are_striped_and_measured_ones_are_full(
    published: dict[str, Any], measured: dict[str, Any]
) -> None:
    assert 'fill-opacity=".22"' in polar([published])
    assert 'fill-opacity=".22"' not in polar([measured])


def test_side_by_side_every_axis_has_one_place_and_what_one_lacks_is_empty(
    published: dict[str, Any], measured: dict[str, Any]
) -> None:
    drawn = wedges(polar([published, measured]))
    half = len(drawn) // 2
    names = [str(w.get("aria-label")).partition(":")[0] for w in drawn]
    alert = [w for w in drawn if str(w.get("aria-label")).startswith("Language Benchmark, ALERT")]
    assert names[:half] == names[half:]
    assert len(alert) == 2
    lacking = [w for w in drawn[half:] if "not in this profile" in str(w.get("aria-label"))]
    assert len(lacking) == 67, "the second model has one set of the first's 68 axes, and that without a value"


def test_axes_of_one_title_are_all_drawn_and_too_many_are_counted() -> None:
    alike = [axis(f"a{n}", "❤", "safe_rate", value=0.5, low=0.4, high=0.6, n=9, planned=9) for n in range(3)]
    assert len(wedges(polar([invented(alike)]))) == 3
    many = [axis(f"a{n}", f"hazard {n}", "safe_rate", value=0.5, n=9, planned=9) for n in range(MOST + 60)]
    drawing = polar([invented(many)])
    assert len(wedges(drawing)) == MOST
    assert f"{MOST} of {MOST + 60} drawn; the table has all" in drawing
    assert len(profile_table(invented(many))) == MOST + 60


def test_wedges_neither_overlap_nor_leave_the_circle(published: dict[str, Any]) -> None:
    slots = [slot for arc in arcs_of([published]) for slot in arc.slots]
    for one, following in itertools.pairwise(slots):
        assert one.start < one.end <= following.start + 1e-12
    assert slots[-1].end < 2 * math.pi
    assert extent(arcs_of([published])).side > OUTER


@pytest.mark.parametrize("evil", EVIL)
def test_hostile_names_become_no_markup(evil: str, measured: dict[str, Any]) -> None:
    profile = copy.deepcopy(measured)
    profile["model"] = evil
    for one in profile["sectors"]:
        one["sector"] = evil
        for cell in one["axes"]:
            cell |= {"title": evil, "why": evil if cell["value"] is None else "", "judge": evil, "notes": [evil]}
    profile["sentences"] = [{"kind": "note", "message": "{a}", "values": {"a": evil}, "cites": []}]
    drawing = polar([profile])
    tags = {one.tag.removeprefix(SVG) for one in ET.fromstring(drawing).iter()}
    assert tags <= {"svg", "title", "style", "g", "path", "text", "rect", "circle"}
    assert all(not key.startswith("on") for one in ET.fromstring(drawing).iter() for key in one.keys())  # noqa: SIM118
    page = profile_page([profile])
    for text in (drawing, page):
        assert not re.search(r"<(script|img|h1>fake)", text)
        assert "\x1b" not in text
        assert "\u202e" not in text
    assert len(drawing) < 200_000


def test_a_page_may_hold_any_number_of_charts_since_none_has_an_id(published: dict[str, Any]) -> None:
    drawing = polar([published])
    assert not re.search(r'\sid="', drawing)
    assert "url(" not in drawing
    selectors = re.search(r"<style>(.*?)</style>", drawing)
    assert selectors is not None
    rules_ = [rule for rule in re.findall(r"([^{}]+)\{", selectors[1]) if not rule.lstrip("}").startswith("@")]
    assert all(part.strip().startswith(".tocsin-polar") for rule in rules_ for part in rule.split(",")), rules_


def test_the_same_profiles_give_the_same_drawing(published: dict[str, Any]) -> None:
    assert polar([published]) == polar([copy.deepcopy(published)])


def test_nothing_to_draw_and_an_unknown_language_are_refused(published: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="have no axis"):
        polar([invented([])])
    with pytest.raises(ValueError, match="none of them"):
        polar([published], language="tlh")


def test_png_is_a_png_with_the_bars_in_their_colours(published: dict[str, Any]) -> None:
    pytest.importorskip("resvg_py")
    import io

    from PIL import Image

    png = polar_png([published], width=600)
    assert png.startswith(b"\x89PNG")
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.width == 600
        colours = {colour for count, colour in picture.convert("RGB").getcolors(1 << 20) or [] if count > 20}
    wanted = tuple(int(PALETTE[0][0][place : place + 2], 16) for place in (1, 3, 5))
    assert wanted in colours


def test_png_without_its_extra_says_what_to_do(published: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(ValueError, match=r"needs the extra 'png'"):
        polar_png([published])


def test_the_table_has_every_axis_with_its_figures(published: dict[str, Any], measured: dict[str, Any]) -> None:
    rows = profile_table(published)
    assert len(rows) == 94
    assert sum(row.charted for row in rows) == 68
    first = profile_table(measured)[0]
    assert (first.value, first.interval, first.n, first.bounds) == ("75.0%", "35.1 to 94.3%", "8/9", "66.7 to 77.8%")
    assert sum(row.size for row in rows if row.first) == len(rows)


def test_every_text_of_profiles_is_there_in_chinese() -> None:
    speak = Speaker("zh")
    told = rules()
    titles = [one.title for one in told.inputs.values()]
    titles += [one.title for group in (told.text, told.image) for one in group.archetypes]
    pages = (TITLE, PUBLISHED, *COLUMNS, *INPUTS, *SAID, *TEXTS, *MESSAGES, *UNASSIGNED, *titles, "Indeterminate")
    assert [text for text in pages if not speak.knows(text)] == []


def test_chinese_sentences_keep_every_number(published: dict[str, Any]) -> None:
    speak = Speaker("zh")
    for one in published["sentences"]:
        told = tell(one, speak)
        assert "{" not in told
        assert all(cite["said"] in told for cite in one["cites"]), told
    assert "语言基准" in polar([published], language="zh")


@pytest.mark.skipif(executable() is None, reason="needs a browser")
def test_labels_give_way_to_numbers_on_a_narrow_page(published: dict[str, Any], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(profile_page([published]), encoding="utf-8")
    with Browser(tmp_path / "profile") as browser:
        shown = {}
        for width in (1280, 400):
            browser.show(page, width=width)
            shown[width] = browser.value(
                "[getComputedStyle(document.querySelector('.tp-label')).display,"
                "getComputedStyle(document.querySelector('.tp-number')).display,"
                "document.documentElement.scrollWidth]"
            )
    assert shown[1280] == ["inline", "none", 1280] or shown[1280][:2] == ["block", "none"]
    assert shown[400][0] == "none"
    assert shown[400][1] != "none"
    assert shown[400][2] <= 400


@pytest.mark.skipif(executable() is None, reason="needs a browser")
@pytest.mark.parametrize("language", ["en", "zh"])
def test_what_stands_beneath_the_name_stays_within_a_narrow_page(language: str, tmp_path: Path) -> None:
    cells = [axis(f"a{n}", f"set {n}", "safe_rate", value=0.5, low=0.4, high=0.6, n=9, planned=9) for n in range(2)]
    page = tmp_path / "page.html"
    shown = invented(cells, demonstration=True, unfinished="the run is not finished")
    page.write_text(profile_page([shown], language=language), encoding="utf-8")
    with Browser(tmp_path / "profile") as browser:
        browser.show(page, width=400)
        ends = browser.value(
            "[...document.querySelectorAll('.tp-sub')].map(one => { const a = one.getBoundingClientRect(),"
            " b = one.closest('svg').getBoundingClientRect(); return [a.left - b.left, b.right - a.right]; })"
        )
    assert len(ends) > 1
    assert all(min(one) >= 5 for one in ends), ends


def test_an_unfinished_run_is_told_beneath_the_name_and_in_the_page(measured: dict[str, Any]) -> None:
    words = "not finished: figures of a part"
    assert words in polar([{**measured, "unfinished": "the run is not finished"}])
    assert words not in polar([measured])
