"""The section on languages shows what the summary holds of each, in sentences and tables, and nothing of it elsewhere."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.report.planted import Built, Element, Page, Planted, plant, refuse, unsafe
from tests.report.speaking import MULTIJAIL, speak
from tests.report.test_hostile import EVIL
from tests.report.test_page import a_score
from tocsin.api import Run
from tocsin.benchmarks.judgement import judgement_case
from tocsin.journal import PlannedCase
from tocsin.languages import LANGUAGES
from tocsin.report import drops, words, write_html, write_markdown
from tocsin.report.languages import _why
from tocsin.report.page import MAX_BYTES
from tocsin.types import Answer, Case


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        bare(patch)
        return speak(tmp_path_factory.mktemp("checked"), check=True)


@pytest.fixture(scope="module")
def unchecked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    with pytest.MonkeyPatch.context() as patch:
        bare(patch)
        return speak(tmp_path_factory.mktemp("unchecked"), dishes=20)


def bare(patch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.upper().startswith(("OPENAI_", "TOCSIN_")) or "PROXY" in name.upper():
            patch.delenv(name)


def page_of(run: Run) -> Page:
    return Page((run.folder / "report.html").read_text(encoding="utf-8"))


def rows_of(page: Page) -> dict[str, Element]:
    """English name → its row in the table of safe generation."""
    (table,) = page.section("languages").all("table", class_="scores tongues")
    return {row.all("th")[0].all("bdi")[0].text: row for row in table.all("tbody")[0].all("tr")}


def told_of(run: Run) -> dict[str, dict[str, Any]]:
    """Code → what the summary says of it."""
    (told,) = run.summary["models"][0]["multilingual"]
    return {one["language"]: one for one in told["languages"]}


def cells(row: Element) -> dict[str, str]:
    return {cell.attributes.get("data-label", ""): cell.text for cell in row.all("td")}


def test_every_language_stands_in_the_table_with_its_names_and_numbers_the_least_safe_first(checked: Run) -> None:
    page = page_of(checked)
    assert page.faults == []
    rows = rows_of(page)
    assert set(rows) == {LANGUAGES[code].name for code in MULTIJAIL}
    rates = []
    for code, one in told_of(checked).items():
        known, row = LANGUAGES[code], rows[LANGUAGES[code].name]
        names = row.all("th")[0].all("bdi", lang=code)
        if known.native != known.name:
            assert names[0].text == known.native
            assert names[0].attributes["dir"] == ("rtl" if known.rtl else "ltr")
        assert f"{known.resources}-resource" in row.text
        rate, said = one["unsafe_rate"], cells(row)
        assert said["Unsafe"].startswith(words.percent(rate["value"], 1))
        assert words.span(rate["low"], rate["high"]) in said["Unsafe"]
        assert said["Not understood"].startswith(f"{one['invalid']} of {one['safe'] + one['unsafe']}")
        (dot,) = row.all("svg")[0].all("circle")
        assert float(dot.attributes["cx"].rstrip("%")) == pytest.approx(100 * rate["value"], abs=0.01)
        if one["drop"]:
            assert said["Drop, points"].startswith(words.points(one["drop"]["absolute"]["value"]))
            assert words.points(one["drop"]["absolute"]["high"]) in said["Drop, points"]
            assert said["p (Holm)"] == words.p_value(one["drop"]["p_holm"])
    for row in rows.values():
        rates.append(float(cells(row)["Unsafe"].split("%")[0]))
    assert rates == sorted(rates, reverse=True)
    assert "the reference" in rows["English"].text


def test_what_the_translations_confirm_is_stated_and_what_only_the_judge_sees_is_flagged(checked: Run) -> None:
    rows, told = rows_of(page_of(checked)), told_of(checked)
    assert told["th"]["drop"]["standing"] == "stated"
    assert told["ar"]["drop"]["standing"] == "flagged"
    assert cells(rows["Thai"])["What may be said"] == "stated less safe"
    assert cells(rows["Arabic"])["What may be said"] == "possibly the judge's"
    assert cells(rows["Italian"])["What may be said"] == "no difference shown"
    (whys,) = page_of(checked).section("languages").all("details")
    reasons = {entry.all("dt")[0].text: entry.all("dd")[0].text for entry in whys.all("div")}
    assert set(reasons) == set(rows) - {"English"}
    assert reasons["Arabic"][1:].startswith(told["ar"]["drop"]["why"][1:])
    assert "the difference may be the judge's" in reasons["Arabic"]
    assert "By verdicts on translations the drop is 0.0 points" in reasons["Italian"]


def test_the_sentences_are_made_from_the_numbers(checked: Run) -> None:
    section, told = page_of(checked).section("languages").text, told_of(checked)
    thai = told["th"]["drop"]
    assert (
        f"The largest drop that can be stated is in Thai: over the same {thai['rows']} requests, unsafe answers were"
        f" {100 * thai['absolute']['value']:.1f} points more frequent than in English (95% interval"
        f" {words.points(thai['absolute']['low'])} to {words.points(thai['absolute']['high'])})"
    ) in section
    assert f"1 language of {len(MULTIJAIL) - 1} is flagged" in section
    assert f"Arabic ({words.points(told['ar']['drop']['absolute']['value'])} points)" in section
    invalid = sum(one["invalid"] for one in told.values())
    judged = sum(one["safe"] + one["unsafe"] for one in told.values())
    assert invalid > 0
    assert f"{invalid} of {judged} judged answers" in section
    assert "Not to understand a request is not safety" in section
    away = sum(n for code, one in told.items() for tongue, n in one["answered_in"].items() if tongue != code)
    assert away > 0
    assert f"{away} of {judged} answers whose language could be told were in another language" in section
    assert "The largest drop that can be stated" not in page_of(checked).section("scores").text
    assert "on multijail: the largest drop that can be stated is in Thai" in page_of(checked).section("finding").text


def test_answers_that_were_not_understood_are_told_with_the_rate_without_them(checked: Run) -> None:
    rows, told = rows_of(page_of(checked)), told_of(checked)
    for code, one in told.items():
        said = cells(rows[LANGUAGES[code].name])["Not understood"]
        rate = words.percent(one["unsafe_rate_valid"]["value"], 1)
        assert (f"without these {rate} unsafe" in said) == bool(one["invalid"])
    assert told["sw"]["unsafe_rate_valid"]["value"] > told["sw"]["unsafe_rate"]["value"]


def test_a_run_says_what_would_turn_its_flags_into_statements(checked: Run, unchecked: Run) -> None:
    bare_one = page_of(unchecked).section("languages").text
    for said in ("multilingual: {check: true}", "--role translator=MODEL", "tocsin label", "tocsin calibrate"):
        assert said in bare_one
    looked = page_of(checked).section("languages").text
    assert "check: true" not in looked
    assert "tocsin label" in looked
    assert "What would turn a flag into a statement" in (unchecked.folder / "report.md").read_text(encoding="utf-8")


def test_the_heatmap_counts_every_answer_of_a_hazard_in_a_language(checked: Run) -> None:
    (told,) = checked.summary["models"][0]["multilingual"]
    (heat,) = page_of(checked).section("languages").all("table", class_="heat")
    columns = [cell.text for cell in heat.all("thead")[0].all("th")][1:]
    shown = {
        (row.all("th")[0].text, column): field.attributes["title"]
        for row in heat.all("tbody")[0].all("tr")
        for column, field in zip(columns, row.all("td"), strict=True)
    }
    assert len(shown) == len(told["heatmap"]) == 4 * len(MULTIJAIL)
    for one in told["heatmap"]:
        name = LANGUAGES[one["language"]].name
        whole = one["safe"] + one["unsafe"]
        assert shown[one["hazard"], name] == f"{name}, {one['hazard']}: unsafe were {one['unsafe']} of {whole}"


def test_no_row_of_the_main_table_is_of_one_language(checked: Run) -> None:
    scores = checked.summary["models"][0]["scores"]
    assert any(score["language"] for score in scores)
    rows = page_of(checked).section("scores").all("tbody")[0].all("tr")
    assert len(rows) == sum(score["language"] is None for score in scores)
    assert "Unsafe answers beyond" not in page_of(checked).section("scores").text
    assert not any("by language" in caption.text for caption in page_of(checked).section("hazards").all("caption"))
    told = (checked.folder / "report.md").read_text(encoding="utf-8").partition("**In other languages.**")
    assert "Thai" not in "".join(line for line in told[0].splitlines() if line.startswith("|"))
    assert "| Thai (th) |" in told[2]
    assert "stated less safe" in told[2]


def guard_run(tmp_path: Path, base: dict[str, Any]) -> Built:
    """Thirty texts in English and in Hindi, where a third of the safe ones are called unsafe and two replies say nothing."""
    records = []
    for code in ("en", "hi"):
        for number in range(30):
            label = "unsafe" if number % 2 else "safe"
            outcome = "safe"
            if code == "hi" and number % 6 == 0:
                outcome = "unsafe"
            if code == "hi" and number in (7, 8):
                outcome = "unscored"
            case = judgement_case(f"g{number}-{code}-prompt", "A text.", "prompt", label, code, cluster=f"g{number}")
            row = PlannedCase("polyguardprompts", case.id, case)
            reason = "no_choice" if outcome == "unscored" else ""
            records.append(Planted(row, outcome, Answer("x"), reason=reason))
    about = base["benchmarks"]["cases"]
    guarded = about | {"measures": "judgement", "evaluation": "multilingual", "own_metrics": True}
    return plant(tmp_path / "guard", records, base, serves="multilingual", benchmarks={"polyguardprompts": guarded})


def test_safety_judgement_has_a_table_with_the_average_first_and_false_alarms_beside_recall(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    built = guard_run(tmp_path, base)
    page = Page(write_html(*built))
    assert page.faults == []
    section = page.section("languages")
    (table,) = section.all("table", class_="scores guards")
    rows = table.all("tbody")[0].all("tr")
    assert [row.all("th")[0].all("bdi", "span")[0].text for row in rows] == [
        "Average over the languages", "Hindi", "English",
    ]  # fmt: skip
    scores = {(s["metric"], s["language"]): s for s in built.summary["models"][0]["scores"]}
    for row, code in zip(rows[1:], ("hi", "en"), strict=True):
        said = cells(row)
        for label, metric in (("F1", "f1"), ("Recall", "recall"), ("False-positive rate", "false_positive_rate")):
            score = scores[f"prompt_{metric}", code]
            assert said[label].startswith(words.percent(score["value"], 1))
            assert words.span(score["low"], score["high"]) in said[label]
    assert cells(rows[1])["Could not be read"] == "2 of 30"
    assert "always says unsafe has a recall of 100%" in section.text
    assert "It is lowest in Hindi" in section.text
    mean = scores["judgement_mean", None]
    assert f"multilingual score of arXiv 2601.10527, is {words.percent(mean['value'], 1)}" in section.text
    first = page.section("scores").all("tbody")[0].all("tr")[0]
    assert first.all("th")[0].text.startswith("All sets of safety judgement Mean of safety judgement (F1)")
    assert "mean F1 of" in page.section("finding").text
    assert "questions with a known right answer" not in page.section("finding").text


def asked_in(codes: tuple[str, ...], *, rows: int = 12, tags: dict[str, dict[str, str]] | None = None) -> list[Planted]:
    """The same requests in several languages; half of those beyond the first language are answered unsafely."""
    records = []
    for number in range(rows):
        for place, code in enumerate(codes):
            case = Case(
                id=f"{number}-{place}", prompt=f"Request {number}", language=code, cluster=f"row{number}",
                hazard=("one", "two")[number % 2], tags=(tags or {}).get(code, {}),
            )  # fmt: skip
            bad = place and number % 2
            records.append(Planted(case, "unsafe" if bad else "safe", Answer("x"), refused=not bad))
    return records


def planted_languages(tmp_path: Path, base: dict[str, Any], *records: Planted, **changes: Any) -> Built:
    benchmarks = copy.deepcopy(base["benchmarks"])
    benchmarks["cases"] |= {"evaluation": "multilingual", "paired": True}
    return plant(tmp_path / "run", records, base, serves="multilingual", **{"benchmarks": benchmarks, **changes})


def test_machine_translations_that_nobody_reviewed_are_counted_in_the_section_and_beside_the_score(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    kinds = {"th": "machine", "sw": "doubtful", "de": "reviewed"}
    tags = {code: {"translation": kind, "source_id": "c1"} for code, kind in kinds.items()}
    (tmp_path / "claimed").mkdir()
    claimed = planted_languages(tmp_path / "claimed", base, *asked_in(("en", "th", "sw", "de"), tags=tags))
    assert claimed.summary["translations"] == {}  # nobody put a table of translations beside it
    told = {"file": "translations.csv"}
    built = planted_languages(tmp_path, base, *asked_in(("en", "th", "sw", "de"), tags=tags), translations=told)
    assert built.summary["translations"]["cases"]["th"] == {"cases": 12, "machine": 12, "doubtful": 0, "reviewed": 0}
    assert built.summary["translations"]["cases"]["en"] == {"cases": 12, "machine": 0, "doubtful": 0, "reviewed": 0}
    page = Page(write_html(*built))
    section = page.section("languages").text
    assert "24 of the set's 48 cases are machine translations that nobody reviewed" in section
    rows = rows_of(page)
    assert "12 of 12 cases: machine translations that nobody reviewed" in rows["Thai"].text
    assert "12 of 12 cases: machine translations that nobody reviewed, 12 of them doubtful" in rows["Swahili"].text
    assert "machine" not in rows["German"].text + rows["English"].text
    main = page.section("scores").all("tbody")[0].all("tr")[0]
    assert "24 of 48 cases are machine translations that nobody reviewed." in main.text
    assert "24 of the set's 48 cases" in write_markdown(built.manifest, built.summary)


def test_reasons_give_each_drop_with_the_requests_that_it_rests_on() -> None:
    def made(value: float, rows: int) -> dict[str, Any]:
        return {"n_rows": rows, "absolute": {"value": value, "low": value - 0.1, "high": value + 0.1}}

    drop = {"why": "no difference was shown", "rows": 40, "standing": "none", "corrected": None,
            "translated": made(0.05, 31), "valid": made(0.2, 25)}  # fmt: skip

    told = _why(drop)

    assert "By verdicts on translations the drop is +5.0 points (−5.0 to +15.0, over 31 requests)." in told
    assert (
        "Without answers that were not understood the drop is +20.0 points (+10.0 to +30.0, over 25 requests)." in told
    )
    assert told.endswith("Over 40 requests measured in both.")
    assert "Translated answers are those to 31 requests of these." in _why({**drop, "standing": "flagged"})


def test_a_run_without_translations_counts_none(checked: Run) -> None:
    assert checked.summary["translations"] == {}
    assert "machine translations" not in page_of(checked).section("languages").text


def test_languages_that_the_judge_is_not_made_for_are_flagged_at_the_judge_and_in_their_rows(
    tmp_path: Path, base: dict[str, Any]
) -> None:
    judges = copy.deepcopy(base["judges"])
    judges["refusal"]["languages"] = ["en", "zh"]
    built = planted_languages(tmp_path, base, *asked_in(("en", "zh-Hans", "th")), judges=judges)
    page = Page(write_html(*built))
    assert "It is not made for Thai (th), which this run has." in page.section("finding").text
    rows = rows_of(page)
    assert "the judge is not made for it" in rows["Thai"].text
    assert "not made for it" not in rows["Chinese"].text


def test_a_set_without_the_reference_tells_no_drop(tmp_path: Path, base: dict[str, Any]) -> None:
    page = Page(write_html(*planted_languages(tmp_path, base, *asked_in(("th", "sw")))))
    assert "No drop is told" in page.section("languages").text
    assert "Drop, points" not in page.section("languages").text
    assert "What would turn a flag" not in page.section("languages").text


def test_a_run_in_which_nothing_is_told_by_language_has_no_such_section(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1))], base)
    html = write_html(*built)
    assert 'id="languages"' not in html
    assert "In other languages" not in write_markdown(built.manifest, built.summary)


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_no_name_of_a_language_or_a_hazard_breaks_out(evil: str, tmp_path: Path, base: dict[str, Any]) -> None:
    keep = evil[:20_000].replace("\x00", "")
    codes = ("en", f"1{keep}", f"2{keep}", "ar")
    built = planted_languages(tmp_path, base, *asked_in(codes, rows=4))
    (model,) = built.summary["models"]
    (told,) = model["multilingual"]
    told |= {"benchmark": evil, "judge": evil}
    for one in told["heatmap"]:
        one["hazard"] = evil
    for one in told["languages"]:
        one |= {"name": evil, "native": evil, "resources": evil, "answered_in": {evil: 3}}
        if one["drop"]:
            one["drop"] |= {"why": evil}
    built.summary["translations"] = {
        evil: {code: dict.fromkeys(("cases", "machine", "doubtful", "reviewed"), 2) for code in codes}
    }
    model["scores"] += [a_score(language=evil, metric="prompt_f1", notes=[evil]), a_score(language=evil, metric="odd")]
    html = write_html(*built)
    page = Page(html)
    assert page.faults == []
    assert not page.find("script", "img")
    assert not set(html) & set("\x00\x1b\x9b\u202e\u2066\u200b")
    langs = {element.attributes["lang"] for element in page.section("languages").all() if "lang" in element.attributes}
    assert langs == {"ar"}
    assert len(html.encode()) < MAX_BYTES
    text = write_markdown(built.manifest, built.summary)
    assert "<" not in text.replace("<sub>", "").replace("</sub>", "")
    assert "](" not in text
    assert "`" not in text
    assert "@everyone" not in text


def test_very_many_languages_and_sets_stay_under_the_limit(checked: Run, tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1))], base)
    (told,) = checked.summary["models"][0]["multilingual"]
    (model,) = built.summary["models"]
    many = [{**told["languages"][1], "language": code} for code in LANGUAGES]
    heat = [{**told["heatmap"][0], "language": code, "hazard": f"h{n}" * 40} for code in LANGUAGES for n in range(60)]
    model["multilingual"] = [{**told, "languages": many, "heatmap": heat, "benchmark": f"set-{n}"} for n in range(20)]
    built.summary["models"] = [copy.deepcopy(model) | {"model": f"model-{n}"} for n in range(8)]
    html = write_html(*built)
    assert len(html.encode()) < MAX_BYTES
    section = Page(html).section("languages")
    assert "more languages in summary.json" in section.text
    assert [heading.text for heading in section.all("h3")] == [f"model-{n}" for n in range(8)]


def test_scores_of_a_language_that_no_table_is_about_are_not_lost(tmp_path: Path, base: dict[str, Any]) -> None:
    built = plant(tmp_path / "run", [unsafe(refuse(1))], base)
    built.summary["models"][0]["scores"].append(a_score(language="th", metric="accuracy", benchmark="riddles"))
    page = Page(write_html(*built))
    assert "riddles" not in page.section("scores").text
    assert "riddles · th" in page.section("languages").text


def a_language(code: str, **drop: Any) -> dict[str, Any]:
    span = {"value": 0.2, "low": 0.1, "high": 0.3}
    made = {
        "rows": 50, "absolute": span, "relative": span, "p_holm": 0.01, "corrected": None, "translated": None,
        "standing": "none", "by": [], "why": "",
    }  # fmt: skip
    return {
        "language": code, "safe": 30, "unsafe": 20, "invalid": 0, "answered_in": {}, "drop": made | drop if drop else None
    }  # fmt: skip


def a_set(*languages: dict[str, Any]) -> dict[str, Any]:
    return {"benchmark": "b", "reference": "en", "languages": [a_language("en"), *languages]}


def test_a_corrected_drop_is_told_in_its_own_figures() -> None:
    corrected = {
        "absolute": {"value": 0.4, "low": 0.25, "high": 0.5},
        "relative": {"value": 0.6, "low": None, "high": 0.9},
    }
    told = a_set(
        a_language("th", standing="stated", by=["corrected"], corrected=corrected),
        a_language("sw", standing="stated", by=["translated"]),
    )
    largest = drops.sentences(told)[0]
    assert "in Thai" in largest
    assert "40.0 points more frequent than in English (95% interval +25.0 to +50.0), which is 60%" in largest
    assert "corrected for the judge's error in both" in largest
    assert "Also less safe: Swahili." in largest


def test_a_language_that_is_safer_is_no_drop() -> None:
    safer = {"value": -0.2, "low": -0.3, "high": -0.1}
    told = a_set(a_language("th", standing="stated", by=["translated"], absolute=safer))
    said = " ".join(drops.sentences(told))
    assert "Safer than in English: Thai." in said
    assert "largest drop" not in said
    assert " answers were not shown to be less safe than in " in said


def test_differences_are_points_with_their_sign_and_small_p_values_are_told_as_such() -> None:
    assert words.points(0.3) == "+30.0"
    assert words.points(-0.0525) == "\u22125.2"
    assert words.points(-0.0001) == words.points(0.0) == "0.0"
    assert words.points(None) == "–"
    assert words.p_value(0.00001) == "<0.001"
    assert words.p_value(0.0456) == "0.046"
    drop = a_score(metric="safety_drop", value=-0.3)
    assert words.signed(drop)
    assert words.direction(drop) == "0 is no difference"


def test_generation_and_judgement_are_named_apart_and_in_no_common_mean(checked: Run, tmp_path: Path) -> None:
    summary = copy.deepcopy(checked.summary)
    scores = summary["models"][0]["scores"]
    scores += [
        a_score(evaluation="multilingual", benchmark=None, metric=name, value=value)
        for name, value in (("generation_mean", 0.71), ("judgement_mean", 0.83))
    ]
    told = write_markdown(checked.manifest, summary)
    assert "| All sets of safe generation | Mean of safe generation, higher is better | 71.0% |" in told
    assert "| All sets of safety judgement | Mean of safety judgement (F1), higher is better | 83.0% |" in told
    assert "The mean of safe generation, over its sets, is 71.0%" in told
    assert "77.0%" not in told
