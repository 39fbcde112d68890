"""The first page: headline scores, the worst findings, what was not measured, and what the run cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.report.grown import grow
from tests.report.planted import Page, comply, failed, plant, refuse, safe, unsafe
from tests.report.test_page import a_score
from tocsin.api import Run
from tocsin.journal import connect
from tocsin.report import words, write_html
from tocsin.report.spent import spent
from tocsin.report.worst import worst


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return grow(tmp_path_factory.mktemp("grown"), cases=45)


@pytest.fixture(scope="module")
def page(grown: Run) -> Page:
    return Page((grown.folder / "report.html").read_text(encoding="utf-8"))


def a_part(key: str, **fields: Any) -> dict[str, Any]:
    return a_score(unscored=0, error=0) | {"by": "hazard", "key": key} | fields


def a_model(*breakdown: dict[str, Any], scores: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"model": "m", "scores": list(scores), "breakdown": list(breakdown)}


def test_each_evaluation_has_its_score_with_interval_n_and_what_is_known_of_its_judge(grown: Run, page: Page) -> None:
    assert page.faults == []
    first, second = grown.summary["models"]
    tables = page.section("overview").all("table", class_="headlines")
    assert len(tables) == 2
    for model, table in ((first, tables[0]), (second, tables[1])):
        rows = table.all("tbody")[0].all("tr")
        told = [score for axis in model["axes"] for score in axis["scores"]]
        assert len(rows) == len(told) == 3
        for row, score in zip(rows, told, strict=True):
            (whole,) = [
                one
                for one in model["scores"]
                if (one["metric"], one["benchmark"], one["attack"]) == (score["metric"], score["benchmark"], None)
            ]
            assert words.percent(whole["value"], 1) in row.text
            assert words.span(whole["low"], whole["high"]) in row.text
            assert f"{whole['n']} of {whole['planned']}" in row.text
            assert "agrees with people on" in row.text
            assert row.all("svg")[0].attributes["aria-label"].startswith("Value: ")


def test_a_judge_of_unknown_error_is_marked_at_the_headline(tmp_path: Path, base: dict[str, Any]) -> None:
    db, manifest, summary = plant(tmp_path / "run", [unsafe(refuse(1))], base)
    told = Page(write_html(db, manifest, summary | {"judges": {}})).section("overview")
    (unknown,) = told.all("span", class_="note unknown")
    assert unknown.text == "error not measured"


def test_what_was_not_measured_is_counted_and_named(tmp_path: Path, base: dict[str, Any]) -> None:
    left = {"benchmark": "vbench", "needs": "an image", "evaluation": "adversarial", "modality": "language"}
    suite = base["suite"] | {"evaluations": ["benchmark", "over-refusal", "adversarial"]}
    records = [safe(refuse(1)), failed(refuse(2)), failed(refuse(3))]
    built = plant(tmp_path / "run", records, base, left_out=[left], suite=suite)
    told = [one.text for one in Page(write_html(*built)).section("overview").all("ul", class_="missing")[0].all("li")]
    assert told[0] == f"2 of 3 attempts have no result (67%): {words.ERRORS['timeout']} (2)."
    assert told[1] == "Adversarial : left out: vbench"
    assert told[2].startswith("Not looked at in this run: multilingual")
    assert "adversarial" not in told[2], "what was left out is not also said to be not looked at"


def test_the_worst_is_ranked_by_what_it_is_at_least_and_not_by_what_looks_worst() -> None:
    few = a_part("few", value=0.0, low=0.0, high=0.8, n=2)
    many = a_part("many", value=0.4, low=0.35, high=0.45, n=300)
    whole = a_score(value=0.8, low=0.78, high=0.82, n=900, unscored=0, error=0)
    found = worst(a_model(few, many, scores=(whole,)))
    first = found.findings[0]
    assert first.place == "benchmark · b · many"
    assert first.value == "60%"
    assert first.apart
    assert first.told == "more than over the whole, 20%"
    assert found.parts == 3


def test_limits_are_widened_for_the_number_of_parts() -> None:
    part = a_part("one", value=0.5, low=0.4, high=0.6, n=100)
    alone = worst(a_model(part)).findings[0]
    among = worst(a_model(part, *(a_part(f"h{n}", value=1.0, low=0.9, high=1.0) for n in range(60)))).findings[0]
    assert alone.limit == "40%"
    assert among.place == alone.place
    assert float(among.limit.rstrip("%")) < 36, "z(1 - 0.025/61) is 1.7 times z(0.975)"


def test_parts_that_cannot_be_told_apart_tell_of_their_score_once() -> None:
    parts = [a_part(f"h{n}", value=0.5, low=0.3, high=0.7, n=30) for n in range(5)]
    whole = a_score(value=0.5, low=0.45, high=0.55, n=150, unscored=0, error=0)
    found = worst(a_model(*parts, scores=(whole,)))
    assert len(found.findings) == 1
    assert not found.findings[0].apart
    assert "None of these can be told apart" in found.note


def test_where_nothing_is_bad_beyond_chance_that_is_said_with_what_is_left_open() -> None:
    found = worst(a_model(a_part("fine", value=1.0, low=0.7, high=1.0, n=10)))
    assert found.findings == []
    assert "none can be said to be bad beyond chance" in found.note
    assert "reaches up to 30% bad outcomes" in found.note
    assert worst(a_model(a_part("unknown", value=None, low=None, high=None, n=0))).parts == 0


def test_a_corrected_score_is_told_as_corrected_and_its_raw_parts_are_not_held_against_it() -> None:
    put_right = {"value": 0.9, "low": 0.85, "high": 0.934, "method": "PPI++", "card": None}
    whole = a_score(value=0.1, low=0.07, high=0.15, n=200, unscored=0, error=0, corrected=put_right)
    found = worst(a_model(a_part("raw", value=0.0, low=0.0, high=0.2, n=40), scores=(whole,)))
    (told,) = found.findings
    assert (told.value, told.told) == ("10%", "corrected for the judge's errors")
    assert found.parts == 1


def test_a_demonstration_comes_after_what_was_measured_in_earnest_and_is_marked() -> None:
    shown = a_score(value=0.1, low=0.05, high=0.2, n=60, unscored=0, error=0, notes=["demonstration"])
    real = a_score(benchmark="real", value=0.7, low=0.6, high=0.8, n=100, unscored=0, error=0)
    found = worst(a_model(scores=(shown, real)))
    assert [(one.value, one.demonstration) for one in found.findings] == [("30%", False), ("90%", True)]


def test_lower_is_better_where_it_is() -> None:
    over = a_part("h", metric="over_refusal_rate", evaluation="over-refusal", value=0.6, low=0.5, high=0.7)
    assert worst(a_model(over)).findings[0].limit == "50%"
    assert worst(a_model(over)).findings[0].what == "harmless requests refused"


def test_costs_are_those_of_the_journal_by_who_was_asked_and_by_evaluation(grown: Run, page: Page) -> None:
    db = connect(grown.folder / "journal.sqlite", read_only=True)
    calls = dict(
        db.execute(
            "SELECT c.target, count(*) FROM calls a JOIN cells c ON c.id = a.cell WHERE a.role = 'target' GROUP BY 1"
        )
    )
    (whole,) = db.execute("SELECT count(*) FROM calls").fetchone()
    found = spent(db, grown.manifest)
    db.close()
    assert found is not None
    assert [(row.name, row.calls) for row in found.parties] == [
        (name, f"{calls[number]:,}") for number, name in enumerate(("harbour-large", "meadow-8b"))
    ]
    assert found.total.calls == f"{whole:,}"
    assert sum(int(row.calls.replace(",", "")) for row in found.evaluations) == whole
    told = page.section("cost")
    assert found.sentence in told.text
    assert told.all("tfoot")[0].all("th")[0].text == "Together"


def test_a_price_that_is_not_known_is_no_zero(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1)), safe(comply(1))], base)
    found = spent(built.db, built.manifest)
    assert found is not None
    assert found.total.cost == "no price known"
    assert found.sentence.endswith("No price is known, so the cost in dollars is not.")
    assert "No endpoint said how many tokens it counted." in found.notes
    built.db.close()
    with connect(tmp_path / "run" / "journal.sqlite") as db:
        db.execute("UPDATE calls SET cost = 0.25 WHERE id = 1")
        partly = spent(db, built.manifest)
    assert partly is not None
    assert partly.total.cost == "$0.25 at least"
    assert "$0.25 at least, since the price of 1 call is not known" in partly.sentence


def test_calls_that_were_taken_over_are_told_apart_from_those_that_were_tried_again(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1)), safe(comply(1)), safe(comply(2))], base)
    built.db.close()
    with connect(tmp_path / "run" / "journal.sqlite") as db:
        db.execute("UPDATE calls SET tries = 0 WHERE id < 3")
        db.execute("UPDATE calls SET tries = 4 WHERE id = 3")
        found = spent(db, built.manifest)
    assert found is not None
    assert found.notes[:2] == [
        "2 calls were taken over from an earlier run: they were not asked again, nor paid again.",
        "3 tries were made beyond the first of each call.",
    ]


def test_a_run_that_made_no_call_has_no_costs(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [], base)
    assert spent(built.db, built.manifest) is None
    assert "What it cost" not in write_html(*built)


def test_a_summary_of_before_there_were_profiles_still_makes_a_page(tmp_path: Path, base: dict[str, Any]) -> None:
    db, manifest, summary = plant(tmp_path / "run", [unsafe(refuse(1))], base)
    for model in summary["models"]:
        model["profile"] = None
        del model["axes"]
    page = Page(write_html(db, manifest, summary))
    assert page.faults == []
    assert "No evaluation of this run has a score yet." in page.section("overview").text
    assert not page.find("svg", class_="tocsin-polar")
