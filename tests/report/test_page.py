"""The page shows what the summary holds, in words and in drawings."""

from __future__ import annotations

import copy
import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from tests.report.planted import Page, Planted, comply, failed, plant, refuse, safe, unsafe, unscored
from tocsin.api import Run, write_results
from tocsin.journal import PlannedCase, connect, open_journal
from tocsin.report import words, write_html
from tocsin.report.charts import chart
from tocsin.report.page import MAX_BYTES
from tocsin.types import ErrorKind

CSP = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
SECTIONS = [
    *(
        "overview",
        "finding",
        "profile",
        "scores",
        "hazards",
        "over-refusal",
        "refusals",
        "unmeasured",
        "examples",
        "cost",
        "manifest",
    )
]


@pytest.fixture(scope="module")
def page(real_run: Run) -> Page:
    return Page((real_run.folder / "report.html").read_text(encoding="utf-8"))


def a_score(**fields: Any) -> dict[str, Any]:
    base = {
        "evaluation": "benchmark", "modality": "language", "benchmark": "b", "attack": None, "language": None,
        "framework": None, "metric": "safe_rate", "value": 0.25, "low": 0.1, "high": 0.5, "worst": 0.2, "best": 0.4,
        "planned": 20, "n": 16, "n_cases": 16, "n_clusters": 16, "safe": 4, "unsafe": 12, "passed": 4, "failed": 12,
        "refused": 4, "blocked": 0, "truncated": 0, "invalid": 0, "unscored": 2, "error": 2, "errors_by_kind": {"timeout": 2},
        "judge": "refusal@00000000", "corrected": None, "notes": [],
    }  # fmt: skip
    return base | fields


def test_a_real_run_is_one_whole_page_without_script_network_or_loose_ends(page: Page) -> None:
    assert page.faults == []
    (policy,) = page.find("meta", http_equiv="Content-Security-Policy")
    assert policy.attributes["content"] == CSP
    assert not page.find("script", "link", "img", "iframe", "object", "embed", "form", "base", "audio", "video")
    for element in page.find():
        assert not any(name.startswith("on") or name == "src" for name in element.attributes)
        assert "style" not in element.attributes or element.attributes["class"] == "tocsin-polar"
        assert element.attributes.get("href", "#").startswith("#")
    ids = [element.attributes["id"] for element in page.find() if "id" in element.attributes]
    assert len(ids) == len(set(ids))
    assert {link.attributes["href"][1:] for link in page.find("a")} <= set(ids)


def test_the_page_has_one_order_of_headings_and_tables_that_say_what_they_are(page: Page) -> None:
    assert [section.attributes["aria-labelledby"] for section in page.find("section")] == SECTIONS
    levels = [int(heading.tag[1]) for heading in page.find("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    for table in page.find("table"):
        assert table.all("caption")[0].text
        assert all("scope" in cell.attributes for cell in table.all("th"))
    assert page.find("html")[0].attributes["lang"] == "en"
    assert page.find("a")[0].attributes == {"class": "skip", "href": "#main"}
    for region in page.find(role="region"):
        assert region.attributes["tabindex"] == "0"
        assert region.attributes["aria-label"]


def test_every_score_of_the_summary_stands_in_a_table_with_its_numbers(real_run: Run, page: Page) -> None:
    shown = {}
    for section in ("scores", "over-refusal"):
        for row in page.section(section).all("tr", role="row"):
            cells = {cell.attributes.get("data-label"): cell.text for cell in row.all("td")}
            if "Worst to best" in cells:
                shown[section, row.all("th")[0].all("bdi")[0].text] = cells
    scores = real_run.summary["models"][0]["scores"]
    assert len(shown) == len(scores) == 2
    for score in scores:
        section = "over-refusal" if score["evaluation"] == "over-refusal" else "scores"
        cells = shown[section, score["benchmark"]]
        assert cells["Value"] == words.percent(score["value"], 1)
        assert cells["95% interval"] == words.span(score["low"], score["high"])
        assert cells["Worst to best"] == words.span(score["worst"], score["best"])
        assert cells["Measured of planned"] == f"{score['n']} of {score['planned']}"
        assert cells["Refused"] == str(score["refused"])
        assert cells["No verdict"] == str(score["unscored"])
        assert cells["Errors"] == str(score["error"])
    assert "higher is better" in page.section("scores").text
    assert "lower is better" in page.section("over-refusal").text


def test_the_finding_is_made_from_the_counts(real_run: Run, page: Page) -> None:
    safety, over = real_run.summary["models"][0]["scores"]
    told = page.section("finding").text
    low, high = words.percent(safety["low"]).rstrip("%"), words.percent(safety["high"])
    assert f"Of {safety['n']} requests that should be refused, {safety['safe']} w" in told
    assert f"that is {words.percent(safety['value'])} (95% interval {low} to {high})" in told
    assert f"Of {over['n']} harmless requests, {over['failed']} were refused all the same" in told
    missing = sum(score["planned"] - score["n"] for score in (safety, over))
    assert missing > 0
    assert f"{missing} attempts of 49 could not be measured" in told


def test_an_uncalibrated_judge_is_said_to_be_one_in_plain_words(real_run: Run) -> None:
    db = open_journal(real_run.folder)
    told = Page(write_html(db, real_run.manifest, {**real_run.summary, "judges": {}})).section("finding").text
    db.close()
    assert "The error of this judge is not on record (uncalibrated)" in told
    assert "how often it is wrong on answers such as these is not known" in told
    assert real_run.manifest["judges"]["refusal"]["reads"].rstrip(".") in told
    assert real_run.manifest["judges"]["refusal"]["identity"] in told
    assert "Judge choice" not in told, "a judge that judged nothing is no part of the finding"


def test_all_that_speaks_against_a_sets_labels_is_said_whole(tmp_path: Path, base: dict[str, Any]) -> None:
    db, manifest, summary = plant(tmp_path / "run", [unsafe(refuse(1))], base)
    against = "; ".join(["answers to prompts with images here", "answers that were cut off here"] * 4)
    other = {"card": "judge@0/kitchen", "against": against, "value": 0.5, "low": 0.25, "high": 0.75}
    summary["models"][0]["scores"][0]["sensitivity"] = [other]
    told = Page(write_html(db, manifest, summary)).section("scores").text
    assert f"If the judge erred here as on kitchen ({against}): " in told


def test_a_calibrated_judge_shows_its_measured_error(real_run: Run, tmp_path: Path, base: dict[str, Any]) -> None:
    db, manifest, summary = plant(tmp_path / "run", [unsafe(refuse(1))], base)
    rate = {"value": 0.57, "low": 0.51, "high": 0.63}
    whole = {"value": 1.0, "low": 0.98, "high": 1.0}
    card = {
        "n": 300, "labels": "kitchen", "about": "response harm", "positive": "unsafe", "who": "human", "held_out": True,
        "seen": False, "agreement": rate, "sensitivity": rate, "specificity": rate, "coverage": whole, "majority": 0.63,
        "people": {"value": 0.93, "low": 0.9, "high": 0.95}, "attacked": "no",
    }  # fmt: skip
    summary["judges"] = {manifest["judges"]["refusal"]["identity"]: [card]}
    told = Page(write_html(db, manifest, summary)).section("finding").text
    assert "On 300 answers that people labelled (kitchen) it agreed with them on 57% (95% interval 51 to 63%)." in told
    assert "Of 100 unsafe answers it missed about 43; of 100 safe answers it did not pass about 43" in told
    assert "always giving the more frequent label agrees on 63% and two people agree with each other on 93%" in told
    assert "uncalibrated" not in told
    summary["judges"][manifest["judges"]["refusal"]["identity"]] = [card | {"seen": True}]
    told = Page(write_html(db, manifest, summary)).section("finding").text
    assert "uncalibrated" in told
    assert "learned from these very labels" in told


def test_hazards_and_languages_stand_with_the_worst_first(real_run: Run, page: Page) -> None:
    tables = {table.all("caption")[0].text: table for table in page.find("table", class_="parts")}
    assert len(tables) == 4
    for caption, table in tables.items():
        by = "language" if "by language" in caption else "hazard"
        metric = "over_refusal_rate" if "lower is better" in caption else "safe_rate"
        rows = table.all("tbody")[0].all("tr")
        values = [float(row.all("td")[0].text.rstrip("%")) for row in rows]
        assert values == sorted(values, reverse=metric == "over_refusal_rate")
        parts = [
            part for part in real_run.summary["models"][0]["breakdown"] if part["by"] == by and part["metric"] == metric
        ]
        assert len(rows) == len(parts)
        for part in parts:
            (row,) = [row for row in rows if part["key"] in row.all("th")[0].text]
            assert f"{part['n']} of {part['planned']}" in row.text
    assert "German (de)" in page.section("hazards").text
    assert "hazard" not in " ".join(h.text for h in page.section("scores").all("caption"))


def test_intervals_are_drawn_where_their_numbers_are() -> None:
    drawn = chart(a_score())
    assert drawn.dot == 25
    assert drawn.interval is not None
    assert (drawn.interval.start, drawn.interval.width) == (10, 40)
    assert drawn.bounds is not None
    assert (drawn.bounds.start, drawn.bounds.width) == (20, 20)
    assert drawn.ends == ("0%", "50%", "100%")
    assert drawn.label == (
        "Value: 25.0% (higher is better). 95% interval: 10.0 to 50.0%."
        " If all that was not measured were bad: 20.0%; if all were good: 40.0%"
    )


def test_bias_is_drawn_from_minus_one_to_one_and_lower_is_better_bounds_run_the_other_way() -> None:
    bias = chart(a_score(metric="bias_score_ambiguous", value=-0.5, low=-1.0, high=0.0, worst=None, best=None))
    assert (bias.dot, bias.ends[0], bias.bounds) == (25, "\u22121", None)
    assert bias.interval is not None
    assert (bias.interval.start, bias.interval.width) == (0, 50)
    assert "0 is unbiased" in bias.tip
    over = chart(a_score(metric="over_refusal_rate", worst=0.4, best=0.2))
    assert over.bounds is not None
    assert (over.bounds.start, over.bounds.width) == (20, 20)
    assert "were bad: 40.0%" in over.bounds.tip


def test_nothing_missing_draws_no_bounds_and_nothing_measured_draws_no_value() -> None:
    assert chart(a_score(unscored=0, error=0)).bounds is None
    empty = chart(a_score(value=None, low=None, high=None, n=0, worst=0.0, best=1.0))
    assert (empty.dot, empty.interval) == (None, None)
    assert empty.bounds is not None
    assert empty.label.startswith("Nothing was measured")


def test_the_svg_of_the_page_holds_the_drawing(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1)), safe(refuse(2)), safe(refuse(3)), failed(refuse(4))], base)
    drawing = Page(write_html(*built)).section("scores").all("div", class_="chart")[0].all("svg")[0]
    wanted = chart(built.summary["models"][0]["scores"][0])
    (dot,) = drawing.all("circle")
    assert dot.attributes["cx"] == f"{wanted.dot}%"
    assert dot.all("title")[0].text == wanted.tip
    (bar,) = drawing.all("line", class_="interval")
    assert wanted.interval is not None
    assert float(bar.attributes["x1"].rstrip("%")) == wanted.interval.start
    (reach,) = drawing.all("line", class_="bounds")
    assert reach.attributes["x1"] == "50.0%"
    assert reach.attributes["x2"] == "75.0%"
    assert drawing.attributes["aria-label"] == wanted.label
    assert drawing.attributes["role"] == "img"


def test_refusal_and_safety_are_crossed_with_a_sentence(tmp_path: Path, base: dict[str, Any]) -> None:
    records = [safe(refuse(1)), safe(refuse(2)), unsafe(refuse(3)), Planted(refuse(4), "safe", refused=False)]
    told = Page(write_html(*plant(tmp_path / "run", records, base))).section("refusals")
    rows = [[cell.text for cell in row.all("td", "th")] for row in told.all("table")[0].all("tbody")[0].all("tr")]
    assert rows == [["refused", "2", "0"], ["answered", "1", "1"]]
    assert "refused 2 requests, of which 2 counted as safe; it answered 2, of which 1 counted as safe" in told.text
    assert "one and the same" not in told.text


def test_a_judge_of_refusals_alone_is_said_to_tell_nothing_else(page: Page) -> None:
    assert "says nothing of what the answers hold" in page.section("refusals").text


def test_what_was_not_measured_is_counted_by_kind_in_words(tmp_path: Path, base: dict[str, Any]) -> None:
    stopped = PlannedCase("cases", "stopped", refuse(9), ErrorKind.WITHHELD, "the filter")
    bad = PlannedCase("cases", "mine.jsonl:7", None, ErrorKind.BAD_ROW, "mine.jsonl, line 7: has no field 'prompt'")
    records = [
        safe(refuse(1)), failed(refuse(2)), failed(refuse(3)), failed(refuse(4), ErrorKind.SERVER), unscored(refuse(5)),
        Planted(stopped, "error", reason="withheld"), Planted(bad, "error", reason="bad_row"),
    ]  # fmt: skip
    benchmarks = copy.deepcopy(base["benchmarks"])
    benchmarks["cases"]["dataset"]["missing"] = ["second.jsonl"]
    built = plant(tmp_path / "run", records, base, benchmarks=benchmarks)
    section = Page(write_html(*built)).section("unmeasured")
    rows = [[cell.text for cell in row.all("td")] for row in section.all("tbody")[0].all("tr")]
    assert rows[0] == ["2", "error timeout", words.ERRORS[ErrorKind.TIMEOUT], "cases 2"]
    assert {(row[0], row[1]) for row in rows} == {
        ("2", "error timeout"), ("1", "error server"), ("1", "error bad_row"), ("1", "no verdict empty"),
        ("1", "withheld withheld"),
    }  # fmt: skip
    assert "1 of 7 attempts that count have a result" in section.text
    assert "second.jsonl was missing and left out" in section.text
    assert "adversarial" in section.text
    assert "compliance" in section.text
    assert "counted neither as safe nor as unsafe" in section.text


def test_a_run_in_which_nothing_was_measured_says_that_it_says_nothing(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [failed(refuse(1)), failed(comply(1)), unscored(refuse(2))], base)
    page = Page(write_html(*built))
    assert page.faults == []
    assert "Nothing could be measured: all 3 attempts ended without a verdict" in page.section("finding").text
    assert "nothing measured" in page.section("scores").text
    assert page.section("scores").all("line", class_="bounds")
    assert not page.section("scores").all("td")[0].all("circle")


def test_a_partial_run_is_marked_and_says_what_is_missing(tmp_path: Path, base: dict[str, Any]) -> None:
    sessions = [
        {"started": "2026-01-01T10:00:00+00:00", "ended": "2026-01-01T11:00:00+00:00", "ending": "budget",
         "reason": "the limit of 3 calls is reached", "calls": 3, "cost": 0.0}
    ]  # fmt: skip
    records = [
        safe(refuse(1)),
        unsafe(refuse(2)),
        Planted(refuse(3), None),
        unsafe(refuse(4)),
        Planted(comply(1), None),
    ]
    page = Page(write_html(*plant(tmp_path / "run", records, base, sessions=sessions)))
    told = page.section("overview").text + page.section("finding").text
    assert "PARTIAL" in page.find("header")[0].text
    assert "Of 5 planned attempts, 2 count so far and 3 are missing" in told
    assert "stopped at its budget: the limit of 3 calls is reached" in told
    assert "Of 2 requests that should be refused, 1 was" in told
    assert "tocsin assess --resume RUN" in page.section("manifest").text
    assert "3 planned attempts do not count yet" in page.section("unmeasured").text


def test_a_demonstration_is_called_one_and_another_run_is_not(page: Page, tmp_path: Path, base: dict[str, Any]) -> None:
    assert "Demonstration" not in page.find("header")[0].text
    benchmarks = copy.deepcopy(base["benchmarks"])
    benchmarks["cases"]["demonstration"] = True
    built = plant(tmp_path / "run", [unsafe(refuse(1))], base, benchmarks=benchmarks, demonstration=True)
    shown = Page(write_html(*built))
    (banner,) = shown.find("p", class_="banner demo")
    assert banner.text.startswith("Demonstration")
    assert "rank nobody" in banner.text
    assert "demonstration" in shown.section("scores").text


def test_few_groups_are_explained_beside_the_figure(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1)), safe(refuse(2))], base)
    assert "Fewer than ten independent groups" in Page(write_html(*built)).section("scores").text


def test_several_models_each_have_their_finding_and_nobody_is_ranked(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1)), safe(comply(1))], base, targets=["a/one", "b/two"])
    page = Page(write_html(*built))
    for section in ("overview", "finding"):
        assert [h.text for h in page.section(section).all("h3")][:2] == ["a/one", "b/two"]
    assert "ranks nobody" in page.section("overview").text
    assert page.section("scores").text.count("Safe answers") == 2


def test_the_manifest_tells_how_to_check_the_run(real_run: Run, page: Page) -> None:
    told = page.section("manifest").text
    manifest = real_run.manifest
    for value in (
        manifest["run"],
        str(manifest["suite"]["seed"]),
        manifest["judges"]["refusal"]["identity"],
        "mine.jsonl",
    ):
        assert value in told
    digest = manifest["benchmarks"]["cases"]["dataset"]["files"][0]["sha256"]
    assert any(code.attributes.get("title") == digest for code in page.section("manifest").all("code"))
    assert "http://127.0.0.1:" in told
    assert "hushhush" not in (real_run.folder / "report.html").read_text(encoding="utf-8")
    commands = [block.text for block in page.section("manifest").all("pre", class_="command")]
    assert commands[0] == "tocsin assess --resume RUN --retry-errors"
    assert commands[1] == "tocsin assess openai/meadow-8b --cases mine.jsonl --seed 260110527"


def test_a_target_judged_by_its_own_family_is_flagged_at_the_top(tmp_path: Path, base: dict[str, Any]) -> None:
    flags = ["target a and judge b are of one model family (gpt)"]
    told = Page(write_html(*plant(tmp_path / "run", [unsafe(refuse(1))], base, flags=flags))).section("overview").text
    assert "Same family target a and judge b are of one model family (gpt)" in told


def test_what_else_is_flagged_of_a_judge_is_no_matter_of_family(tmp_path: Path, base: dict[str, Any]) -> None:
    flags = ["judge b is not made for th: its verdicts there, where it gives any, say little"]
    told = Page(write_html(*plant(tmp_path / "run", [unsafe(refuse(1))], base, flags=flags))).section("overview").text
    assert "Note judge b is not made for th" in told
    assert "family" not in told
    assert "its own kind" not in told


def test_a_run_of_very_many_figures_stays_under_the_limit(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1, hazard="h")), failed(comply(1))], base)
    (model,) = built.summary["models"]
    part = next(part for part in model["breakdown"] if part["evaluation"] == "benchmark")
    model["scores"] = [a_score(benchmark=f"benchmark-{n}") for n in range(60)]
    model["breakdown"] = [
        part | {"key": f"{n}" * 99, "benchmark": f"benchmark-{b}"} for b in range(60) for n in range(99)
    ]
    model["refusal_tables"] = []
    built.summary["models"] = [model | {"model": f"model-{n}"} for n in range(12)]
    html = write_html(*built)
    assert len(html.encode()) < MAX_BYTES
    assert "more rows, none of them worse than these" in html
    assert all(f"model-{n}" in html for n in range(12))


def test_the_report_is_written_anew_from_the_journal_alone(real_run: Run) -> None:
    before = (real_run.folder / "report.html").read_text(encoding="utf-8")
    write_results(real_run.folder, real_run.manifest)
    assert (real_run.folder / "report.html").read_text(encoding="utf-8") == before
    db = connect(real_run.folder / "journal.sqlite", read_only=True)
    assert write_html(db, real_run.manifest, real_run.summary) == before


def test_colours_have_the_contrast_that_wcag_asks_for(page: Page) -> None:
    css = page.find("style")[0].text
    schemes = [
        dict(re.findall(r"--([a-z-]+):(#[0-9a-f]{6})", block))
        for block in re.findall(r":root\{[^}]*\}", css)
        if "--paper:#fdf" in block or "--paper:#141" in block
    ]
    assert len(schemes) == 2
    for colours in schemes:
        for ink in ("ink", "soft", "accent", "warn-ink", "bad"):
            for paper in ("paper", "card"):
                assert _contrast(colours[ink], colours[paper]) >= 4.5, (ink, paper)
        assert _contrast(colours["warn-ink"], colours["warn"]) >= 4.5
        assert _contrast(colours["bad"], colours["bad-paper"]) >= 4.5
        for mark in ("bar", "dot", "reach"):
            assert _contrast(colours[mark], colours["paper"]) >= 3, mark


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.2, in [1, 21]."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
