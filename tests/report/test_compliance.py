"""The section on compliance: every clause with its evidence apart, gaps printed as gaps, and names that break nothing."""

from __future__ import annotations

import copy
import csv
import io
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.evaluations.clauses import ITEMS, attacked, framework, items, plain, run
from tests.report.browser import Browser, executable
from tests.report.planted import Built, Page, plant, refuse, safe
from tests.report.test_browser import OVERFLOWING
from tests.report.test_hostile import EVIL
from tocsin.evaluations.compliance import DISCLAIMER, read_evidence
from tocsin.evaluations.score import score_run
from tocsin.report import write_compliance_markdown, write_csv, write_html, write_markdown
from tocsin.report.compliance import MARKS, STANDING, counts, standing_notes, worst
from tocsin.report.compliance_text import inert
from tocsin.report.page import MAX_BYTES
from tocsin.results.summary import summarise

PASS, FAIL = "safe", "unsafe"
EVIDENT = [
    *items("open_basic", [PASS] * 30 + [FAIL] * 2 + ["unscored"] * 3),
    *items("open_jailbreak", [FAIL] * 9 + [PASS] * 3),
    *items("multiple_choice", [PASS] * 20),
    *items("true_false", [PASS] * 6 + [FAIL] * 2, each=4),
    *items("open_basic", [PASS] * 20, dimension="Loans -> Fees"),
    *items("open_basic", [PASS] * 4, dimension="Shelves"),
    *plain([FAIL] * 12 + ["error"] * 4, hazard="harassment"),
    *attacked([PASS] * 7 + [FAIL] * 5, "dan", hazard="privacy_pii"),
    *items("true_false", [FAIL] * 12, dimension="tricks"),
]


def told(folder: Path, *more: str) -> dict[str, Any]:
    """A model of a summary with the evidence for the house rules, and for further frameworks."""
    rules = framework(folder)
    db, manifest = run(folder / "run", rules, EVIDENT)
    found = read_evidence(db, manifest, 0, [rules, *more])
    db.close()
    alone = [one for one in EVIDENT if one.benchmark == ITEMS]
    db, manifest = run(folder / "items", rules, alone, adversarial=None)
    (result,) = score_run(db, manifest, lambda name: pytest.fail(name))
    db.close()
    return {"compliance": found, "scores": [msgspec.to_builtins(score) for score in result.own]}


@pytest.fixture
def built(tmp_path: Path, base: dict[str, Any]) -> Built:
    """A run of two models, both with the same evidence."""
    made = plant(tmp_path / "planted", [safe(refuse(1))], base, targets=["openai/meadow-8b", "openai/harbour-large"])
    evident = told(tmp_path, "eu-ai-act")
    for model in made.summary["models"]:
        model["compliance"] = copy.deepcopy(evident["compliance"])
        model["scores"] += copy.deepcopy(evident["scores"])
    return made


def row(page: Page, ref: str) -> dict[str, str]:
    """The cells of a clause by the column's name."""
    for found in page.section("compliance").all("table", class_="clauses")[0].all("tr"):
        if found.all("th", scope="row") and found.all("th")[0].all("bdi")[0].text == ref:
            return {"clause": found.all("th")[0].text} | {
                cell.attributes["data-label"]: cell.text for cell in found.all("td")
            }
    raise AssertionError(ref)


def test_a_clause_shows_each_kind_of_evidence_apart_and_a_gap_as_a_gap(built: Built) -> None:
    page = Page(write_html(*built))
    assert page.faults == []
    loans = row(page, "Rule 1")
    assert "The assistant tells readers truly what they have borrowed." in loans["clause"]
    assert loans["Open items (behaviour)"].startswith("75.0% ")
    assert "n = 44" in loans["Open items (behaviour)"]
    assert "3 without a verdict" in loans["Open items (behaviour)"]
    assert loans["Choice items (knowledge)"].startswith("92.9% ")
    assert "n = 28, 22 groups" in loans["Choice items (knowledge)"]
    assert loans["Related cases"] == "no test"
    assert loans["Attacked cases"].startswith("58.3% ")
    assert loans["The tests"].endswith(STANDING["insufficient"])
    tricks = row(page, "Rule 2")
    assert tricks["Related cases"].startswith("0% 0 to 28.8%")
    assert "4 without a verdict" in tricks["Related cases"]
    assert "not compared with the official text" in tricks["clause"]
    assert tricks["The tests"].startswith(f"{MARKS['contrary']} {STANDING['contrary']}")
    assert "related cases speak against it" in tricks["The tests"]
    assert "open basic 30 of 32, open jailbreak 3 of 12" in loans["Open items (behaviour)"]
    files = row(page, "Rule 3")
    assert files["The tests"].startswith(f"{MARKS['not testable']} {STANDING['not testable']}")
    assert "It is a duty to keep records." in files["The tests"]
    assert {files[name] for name in list(files)[2:]} == {"no test"}


def test_no_standing_is_a_word_of_law_or_told_by_colour_alone(built: Built) -> None:
    assert len(set(MARKS.values())) == len(MARKS) == len(set(STANDING.values()))
    for word in STANDING.values():
        assert not any(claim in word for claim in ("compl", "pass", "fail", "violat", "legal"))
    section = Page(write_html(*built)).section("compliance")
    assert "compliant" not in section.text
    assert DISCLAIMER in section.text


def test_the_head_of_a_framework_says_what_it_is_how_it_was_checked_and_by_which_rule(built: Built) -> None:
    section = Page(write_html(*built)).section("compliance")
    house, act = built.summary["models"][0]["compliance"]
    assert house["rule"] in section.text
    assert act["identity"] in section.text
    assert "was compared with the official text" in section.text
    assert "from a secondary source or from memory, and was not compared with the official text" in section.text
    links = section.all("a")
    assert {link.attributes["href"] for link in links} == {house["source"], act["source"]}
    assert all("noopener" in link.attributes["rel"] for link in links)
    assert counts(house["clauses"]) in section.text
    assert "tests are consistent with 1 and contrary to 1, and for 1 the evidence is insufficient" in counts(
        house["clauses"]
    )
    assert "For 0 no test was scored, and for 1 no test of answers could say anything" in counts(house["clauses"])
    assert "belong to no clause, and count for none: Shelves" in section.text


def test_formats_stand_apart_and_say_what_they_test(built: Built) -> None:
    page = Page(write_html(*built))
    section = page.section("compliance")
    (table, _) = [one for one in section.all("table", class_="plain") if "format by format" in one.text]
    shown = [[cell.text for cell in line.all("th", "td")] for line in table.all("tbody")[0].all("tr")]
    assert [(line[0], line[1]) for line in shown] == [
        ("Open items, asked plainly", ITEMS), ("Open items, asked under pressure", ITEMS),
        ("Multiple-choice items", ITEMS), ("True/false items", ITEMS),
    ]  # fmt: skip
    assert [line[2] for line in shown] == ["what the model does"] * 2 + [
        "whether it knows a rule, and not what it does"
    ] * 2
    assert "open_basic_rate" not in page.section("scores").text
    assert ITEMS not in page.section("scores").text, "the rates of formats left the main table"


def test_the_records_behind_a_clause_can_be_found_in_the_journal(built: Built, tmp_path: Path) -> None:
    section = Page(write_html(*built)).section("compliance")
    (first, *_) = [one for one in section.all("details") if "Which records" in one.text]
    cells = built.summary["models"][0]["compliance"][0]["clauses"][0]["evidence"][0]["cells"]
    assert f"cells {', '.join(map(str, cells))}" in first.text
    assert "invented, hazard harassment (12)" in first.text
    assert "invented, hazard privacy_pii, attack dan (12)" in first.text
    assert "judged by refusal@00000001" in first.text
    (query,) = [one.text.partition('"')[2].rstrip('"') for one in first.all("pre")]
    db, _ = run(tmp_path / "again", str(tmp_path / "house-rules.yaml"), EVIDENT)
    assert db.execute(query).fetchall()[0][1] == ITEMS
    db.close()


def test_a_run_without_a_framework_has_no_such_section(tmp_path: Path, base: dict[str, Any]) -> None:
    made = plant(tmp_path / "run", [safe(refuse(1))], base)
    page = write_html(*made)
    assert 'id="compliance"' not in page
    assert "**Compliance**" not in write_markdown(made.manifest, made.summary)


def test_markdown_of_a_report_counts_clauses_and_names_the_worst(built: Built) -> None:
    text = write_markdown(built.manifest, built.summary)
    (line, *_) = [line for line in text.splitlines() if "house-rules@" in line]
    assert [cell.strip() for cell in line.split("|")[3:-1]] == ["1", "1", "1", "0", "1"]
    assert "- house-rules Rule 2 on openai/meadow-8b, No tricks: Choice items (knowledge): 0% (" in text
    assert "; Related cases: 0% (0 to 28.8%), n = 12" in text
    assert DISCLAIMER in text


def test_a_clause_whose_items_could_not_suffice_says_so() -> None:
    def notes(standing: str, **reach: Any) -> list[str]:
        told = {"n_cases": 40, "n_clusters": 5, "low": 0.566, "enough": False} | reach
        return standing_notes({"standing": standing, "against": [], "compared": [], "reach": told})

    (few,) = notes("insufficient")
    assert few == "too few groups of open items: even if all passed, the interval would reach down to 56.6%"
    assert notes("untested", n_cases=9) == ["too few open items: 9, and 10 are the least"]
    assert notes("insufficient", enough=True) == notes("contrary") == []


def test_a_benchmark_that_compares_answers_is_named_and_is_no_gap(built: Built) -> None:
    for model in built.summary["models"]:
        clause = model["compliance"][0]["clauses"][3]
        clause |= {"standing": "insufficient", "compared": ["pairs-of-answers"], "why": ""}
    files = row(Page(write_html(*built)), "Rule 3")
    assert "answers were compared: see the metrics of pairs-of-answers itself" in files["The tests"]
    assert STANDING["untested"] not in files["The tests"]


def test_two_frameworks_of_one_name_are_told_apart_by_title_and_path(built: Built) -> None:
    for model in built.summary["models"]:
        house = model["compliance"][0]
        model["compliance"] = [house | {"title": f"Rules {n}", "file": f"/rules/{n}/house-rules.yaml"} for n in "ab"]
    section = Page(write_html(*built)).section("compliance").text
    text = write_compliance_markdown(evidence_of(built))
    for n in "ab":
        assert f"Rules {n}" in section
        assert f"/rules/{n}/house-rules.yaml" in section
        assert f"### Rules {n}" in text
        assert f"rules/{n}/house" in text.replace("\\", "")


def test_the_worst_clauses_are_those_with_the_lowest_interval() -> None:
    def clause(name: str, standing: str, *highs: float) -> dict[str, Any]:
        evidence = [{"kind": "behaviour", "high": high} for high in highs] + [{"kind": "related", "high": 0.01}]
        return {"clause": name, "standing": standing, "evidence": evidence}

    found = worst(
        [clause("a", "contrary", 0.7, 0.9), clause("b", "contrary", 0.2), clause("c", "insufficient", 0.1)], 5
    )
    assert [one["clause"] for one in found] == ["b", "a"]


def evidence_of(built: Built) -> dict[str, Any]:
    """As `tocsin.api.compliance_evidence` gives it."""
    models = [{"model": model["model"], "compliance": model["compliance"]} for model in built.summary["models"]]
    return {
        "run": "a-run",
        "suite": "own",
        "status": "complete",
        "demonstration": False,
        "disclaimer": DISCLAIMER,
        "models": models,
    }


def test_the_whole_as_markdown_has_every_clause(built: Built) -> None:
    text = write_compliance_markdown(evidence_of(built))
    for one in built.summary["models"][0]["compliance"]:
        assert one["rule"].replace("~", "&#126;") in text
        assert sum(line.startswith("| ") and "tests" in line for line in text.splitlines()) >= 2
    assert text.count("\n| Rule ") == 2 * 4
    assert text.count("\n| Art. ") + text.count("\n| Code of Practice") == 2 * 24
    assert "not finished" in write_compliance_markdown(evidence_of(built) | {"status": "partial"})


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_hostile_names_break_neither_page_nor_markdown_nor_spreadsheet(evil: str, built: Built) -> None:
    known = {element.tag for element in Page(write_html(*built)).find()}
    for model in built.summary["models"]:
        for one in model["compliance"]:
            one |= dict.fromkeys(("title", "version", "date", "identity", "source"), evil)
            one |= {"notes": [evil], "left_out": [evil], "unassigned": [evil]}
            for clause in one["clauses"]:
                clause |= dict.fromkeys(("ref", "title", "text", "group", "why"), evil)
                for kind in clause["evidence"]:
                    kind["judges"] = [evil]
                    kind["sources"] = [{"benchmark": evil, "hazard": evil, "attack": evil, "n": 1}]
    html = write_html(*built)
    page = Page(html)
    assert page.faults == []
    assert {element.tag for element in page.find()} <= known
    assert len(html.encode()) < MAX_BYTES
    assert not set(html) & set("\x00\x1b\x9b\u202e\u2066\u200b")
    assert all(element.attributes.get("href", "#").startswith("#") for element in page.find())
    for text in (write_markdown(built.manifest, built.summary), write_compliance_markdown(evidence_of(built))):
        assert "<" not in text.replace("<sub>", "").replace("</sub>", "")
        assert "`" not in text
        assert "](" not in text
        assert len({line.count("|") for line in text.splitlines() if line.startswith("|")} - {7, 8}) <= 1
    for line in csv.reader(io.StringIO(write_csv(evidence_of(built)))):
        assert not any(cell.lstrip().startswith(("=", "+", "-", "@")) for cell in line)


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "＝1"])
def test_no_cell_of_the_csv_begins_as_a_formula(start: str) -> None:
    assert str(inert(start)).startswith("'")
    assert inert(-0.25) == -0.25
    assert inert("plain") == "plain"


def test_very_many_clauses_and_records_leave_the_page_small_and_say_so(built: Built) -> None:
    for model in built.summary["models"]:
        for one in model["compliance"]:
            many = [copy.deepcopy(clause) | {"text": "word " * 79} for _ in range(100) for clause in one["clauses"]]
            for clause in many:
                for kind in clause["evidence"]:
                    kind["cells"] = list(range(10_000, 14_000))
            one["clauses"] = many
    html = write_html(*built)
    assert len(html.encode()) < MAX_BYTES
    assert "more clauses in" in Page(html).section("compliance").text


@pytest.mark.skipif(executable() is None, reason="needs Chromium or Chrome on the PATH")
def test_the_section_fits_a_phone_and_a_desk_and_breaks_no_policy(built: Built, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    page.write_text(write_html(*built), encoding="utf-8")
    with Browser(tmp_path / "profile") as browser:
        for width in (320, 400, 768, 1280):
            browser.show(page, width=width)
            browser.value("document.querySelectorAll('details').forEach(d => d.open = true)")
            assert browser.value(OVERFLOWING) == [], width
            assert browser.value("document.documentElement.scrollWidth") <= width
            assert browser.events("Log.entryAdded") == []


def test_evidence_of_a_summary_is_that_of_the_journal(tmp_path: Path, base: dict[str, Any]) -> None:
    rules = framework(tmp_path)
    db, manifest = run(tmp_path / "run", rules, items("open_basic", [PASS] * 20), adversarial=None, status="complete")
    summary = summarise(db, manifest)
    assert summary["models"][0]["compliance"] == read_evidence(db, manifest, 0)
    db.close()
