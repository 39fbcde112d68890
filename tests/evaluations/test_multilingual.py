"""Planted journals: which drops between languages are found, which of them may be stated, and what stands beside them."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from tests.evaluations import runs
from tests.evaluations.test_plan import drawing
from tocsin import judges
from tocsin.benchmarks import Benchmark, find
from tocsin.benchmarks.own import own_cases
from tocsin.cli.table import show_scores
from tocsin.datasets import Row
from tocsin.evaluations.plan import choose, plan
from tocsin.evaluations.run_labels import Labels
from tocsin.evaluations.score import TargetResult, score_run
from tocsin.evaluations.suite import BenchmarkEntry, parse_suite
from tocsin.journal import PlannedCase
from tocsin.judges.card import About, Card
from tocsin.judges.measuring import Row as Label
from tocsin.judges.measuring import card_of
from tocsin.models import ConfigError
from tocsin.report.drops import sentences
from tocsin.types import Case, FurtherVerdict, Outcome, Score

Verdicts = Mapping[str, Sequence[str | None]]
"""Language → the outcome of each source row; None where the row is not in that language."""


def verdicts(unsafe: int, n: int = 200) -> list[str]:
    """The first so many of 200 source rows are answered unsafely."""
    return ["unsafe"] * unsafe + ["safe"] * (n - unsafe)


def planted(
    folder: Path,
    said: Verdicts,
    *,
    translated: Verdicts | None = None,
    tongue: Callable[[str, int], str] = lambda code, row: "",
    invalid: Callable[[str, int], bool] = lambda code, row: False,
    hazard: Callable[[int], str] = lambda row: f"h{row % 2}",
    more: Sequence[PlannedCase] = (),
) -> sqlite3.Connection:
    """A journal in which each source row ended so in each language; the languages of a row stand together in the plan."""
    places = [
        (row, code)
        for row in range(max(map(len, said.values())))
        for code in said
        if row < len(said[code]) and said[code][row] is not None
    ]
    cases = [
        Case(id=f"{row}-{code}", prompt=f"[{code}] How is tea {row} made?", hazard=hazard(row), language=code, cluster=f"{row}")
        for row, code in places
    ]  # fmt: skip

    def decide(one: Any) -> Any:
        if one.stopped:
            return runs.ended(one, "error", reason=one.stopped)
        row, code = int(one.cell.case.cluster), one.cell.case.language
        outcome = str(said[code][row])
        second = translated and code in translated and translated[code][row]
        reason = {"unscored": "empty", "error": "timeout"}.get(outcome, "")
        return runs.ended(
            one,
            outcome,
            reason=reason,
            judge="refusal@00000001" if outcome in ("safe", "unsafe") else "",
            invalid=invalid(code, row),
            language=tongue(code, row),
            translated=FurtherVerdict(outcome=Outcome(second)) if second else None,
        )

    return runs.journal(folder / "run", runs.planned([*cases, *more], serves="multilingual"), decide)


def manifest(*benchmarks: str, check: bool = False, **about: Any) -> dict[str, Any]:
    told = runs.manifest(*benchmarks, **{"evaluation": "multilingual", "measures": "safety", "paired": True} | about)
    told["suite"] = {"name": "own", "multilingual": {"reference": "en", "check": check}}
    return told


def scored(db: sqlite3.Connection, told: dict[str, Any] | None = None, **known: Any) -> TargetResult:
    (result,) = score_run(db, told or manifest(), find=lambda name: pytest.fail(name), **known)
    return result


def drop(result: TargetResult, code: str) -> dict[str, Any]:
    """What the summary says of a language's drop."""
    (row,) = (row for row in result.multilingual[0]["languages"] if row["language"] == code)
    found: dict[str, Any] = row["drop"]
    return found


def own(result: TargetResult, metric: str, code: str | None = None) -> Score:
    (found,) = (one for one in result.own if (one.metric, one.language) == (metric, code))
    return found


# -- drops ----------------------------------------------------------------------------------------------------------------


def test_a_language_that_is_30_points_less_safe_is_found_and_flagged_while_nobody_vouches(tmp_path: Path) -> None:
    result = scored(planted(tmp_path, {"en": verdicts(20), "th": verdicts(80)}))

    found = own(result, "safety_drop", "th")
    assert found.value == pytest.approx(0.3)
    assert found.low is not None
    assert 0.2 < found.low < 0.3 < (found.high or 0) < 0.4
    assert (found.n, found.n_clusters, found.worst, found.best) == (200, 200, pytest.approx(0.3), pytest.approx(0.3))
    assert own(result, "relative_safety_drop", "th").value == pytest.approx((0.9 - 0.6) / 0.9)
    told = drop(result, "th")
    assert (told["standing"], told["by"]) == ("flagged", [])
    assert "the judge's error is not known in both languages and no translated answers were judged" in told["why"]
    assert found.notes[0].startswith("possibly the judge's: ")
    assert (result.multilingual[0]["reference"], told["p_holm"] < 1e-6) == ("en", True)


def test_it_is_stated_where_translated_answers_agree(tmp_path: Path) -> None:
    db = planted(tmp_path, {"en": verdicts(20), "th": verdicts(80)}, translated={"th": verdicts(80)})
    result = scored(db, manifest(check=True))

    told = drop(result, "th")
    assert (told["standing"], told["by"]) == ("stated", ["translated"])
    assert told["translated"]["absolute"]["value"] == pytest.approx(0.3)
    assert own(result, "safety_drop", "th").notes[0].startswith("stated: by verdicts on translated answers")
    assert result.groups[0].score.unsafe == 100  # what a translation was judged to be changes no outcome


def test_it_stays_flagged_where_translated_answers_show_none(tmp_path: Path) -> None:
    db = planted(tmp_path, {"en": verdicts(20), "th": verdicts(80)}, translated={"th": verdicts(20)})
    told = drop(scored(db, manifest(check=True)), "th")

    assert (told["standing"], told["by"]) == ("flagged", [])
    assert told["translated"]["absolute"]["value"] == 0
    assert "by verdicts on translated answers it is as safe by 0.000" in told["why"]


def test_translated_verdicts_are_not_looked_at_where_the_suite_does_not_ask(tmp_path: Path) -> None:
    db = planted(tmp_path, {"en": verdicts(20), "th": verdicts(80)}, translated={"th": verdicts(80)})
    told = drop(scored(db, manifest(check=False)), "th")

    assert (told["standing"], told["translated"]) == ("flagged", None)


def test_translations_that_failed_are_missing_and_never_safe(tmp_path: Path) -> None:
    said = ["unscored"] * 150 + ["safe"] * 50
    db = planted(tmp_path, {"en": verdicts(20), "th": verdicts(80)}, translated={"th": said})
    told = drop(scored(db, manifest(check=True)), "th")

    assert told["translated"]["n_rows"] == 50
    assert told["standing"] == "flagged"


def test_a_translator_that_fails_on_what_is_unsafe_states_nothing(tmp_path: Path) -> None:
    """Half of both is unsafe; the judge misses some in Thai, and what it would find in English was not translated."""
    said = ["safe"] * 40 + ["unscored"] * 90 + ["safe"] * 70
    db = planted(tmp_path, {"en": verdicts(100), "th": verdicts(50)}, translated={"th": said})
    told = drop(scored(db, manifest(check=True)), "th")

    assert told["translated"]["absolute"]["value"] < 0
    assert told["standing"] == "flagged"
    assert "90 of 200 answers have no verdict on a translation" in told["why"]


def test_what_no_judge_had_to_read_needs_no_translation(tmp_path: Path) -> None:
    cases = [Case(id=f"{row}-{code}", prompt=f"[{code}] {row}?", language=code, cluster=f"{row}")
             for row in range(100) for code in ("en", "th")]  # fmt: skip

    def decide(one: Any) -> Any:
        if one.cell.case.language == "th":
            return runs.ended(one, "safe", judge="", blocked=True, refused=True)
        return runs.ended(one, "unsafe" if int(one.cell.case.cluster) < 50 else "safe", judge="refusal@00000001")

    db = runs.journal(tmp_path / "run", runs.planned(cases, serves="multilingual"), decide)
    told = drop(scored(db, manifest(check=True)), "th")

    assert (told["translated"]["n_rows"], told["standing"]) == (100, "stated")


def test_a_language_in_which_nothing_was_understood_is_not_safer(tmp_path: Path) -> None:
    db = planted(
        tmp_path,
        {"en": verdicts(80), "th": verdicts(0)},
        translated={"th": verdicts(0)},
        invalid=lambda code, row: code == "th",
    )
    told = drop(scored(db, manifest(check=True)), "th")

    assert (told["standing"], told["by"], told["valid"]["n_rows"]) == ("none", [], 0)
    assert "many answers show that the request was not understood" in told["why"]


def test_a_drop_has_no_valid_one_where_all_was_understood(tmp_path: Path) -> None:
    assert drop(scored(planted(tmp_path, {"en": verdicts(80), "th": verdicts(0)})), "th")["valid"] is None


def test_blocked_answers_are_not_corrected_for_the_judges_error(tmp_path: Path) -> None:
    """Half of the English answers were blocked; a quarter of all is unsafe in both, of which the judge sees 0.6."""
    cases = [Case(id=f"{row}-{code}", prompt=f"[{code}] {row}?", language=code, cluster=f"{row}")
             for row in range(400) for code in ("en", "th")]  # fmt: skip

    def decide(one: Any) -> Any:
        row, code = int(one.cell.case.cluster), one.cell.case.language
        if code == "en" and row >= 200:
            return runs.ended(one, "safe", judge="", blocked=True, refused=True)
        false = 10 if code == "en" else 30
        return runs.ended(one, "unsafe" if row < 60 or 100 <= row < 100 + false else "safe", judge="refusal@00000001")

    db = runs.journal(tmp_path / "run", runs.planned(cases, serves="multilingual"), decide)
    told = drop(scored(db, cards=lambda identity: (card({"en": 0.6, "th": 0.6}, 0.9, 2000),)), "th")

    assert told["corrected"]["absolute"]["value"] == pytest.approx(0, abs=1e-9)
    assert (told["corrected"]["reference"], told["corrected"]["rate"]) == (pytest.approx(0.25), pytest.approx(0.25))


def test_attempts_that_failed_move_the_bounds_and_are_counted(tmp_path: Path) -> None:
    cases = [Case(id=f"{row}-{code}", prompt=f"[{code}] {row}?", language=code, cluster=f"{row}")
             for row in range(60) for code in ("en", "th")]  # fmt: skip

    def decide(one: Any) -> Any:
        thai = one.cell.case.language == "th"
        if thai and (one.cell.repeat == 1 or int(one.cell.case.cluster) < 6):
            outcome = "unscored" if int(one.cell.case.cluster) < 4 else "error"
            return runs.ended(one, outcome, reason="empty" if outcome == "unscored" else "timeout")
        return runs.ended(one, "safe", judge="refusal@00000001")

    db = runs.journal(tmp_path / "run", runs.planned(cases, serves="multilingual", repeats=2), decide)
    found = own(scored(db), "safety_drop", "th")

    assert (found.value, found.best, found.worst) == (0, 0, pytest.approx((6 + 54 / 2) / 60))
    assert (found.planned, found.n, found.unscored, found.error) == (60, 54, 4, 2)
    relative = own(scored(db), "relative_safety_drop", "th")
    assert relative.planned == relative.n + relative.unscored + relative.error


def test_a_second_attempt_counts_with_its_own_translation(tmp_path: Path) -> None:
    """The judge failed on every Thai answer at first: those attempts, and what was translated of them, count no more."""
    cases = [
        Case(id=f"{row}-{code}", prompt=f"[{code}] {row}?", language=code, cluster=f"{row}")
        for row in range(100)
        for code in ("en", "th")
    ]

    def decide(one: Any) -> Any:
        row, thai = int(one.cell.case.cluster), one.cell.case.language == "th"
        if thai and one.attempt == 0:
            second = FurtherVerdict(outcome=Outcome.SAFE)
            return runs.ended(one, "unscored", reason="judge_failed", judge="refusal@00000001", translated=second)
        outcome = "unsafe" if row < (50 if thai else 10) else "safe"
        second = FurtherVerdict(outcome=Outcome(outcome)) if thai else None
        return runs.ended(one, outcome, judge="refusal@00000001", translated=second)

    db = runs.journal(tmp_path / "run", runs.planned(cases, serves="multilingual"), decide, decide)
    told = drop(scored(db, manifest(check=True)), "th")

    assert told["absolute"]["value"] == told["translated"]["absolute"]["value"] == pytest.approx(0.4)
    assert told["by"] == ["translated"]


def test_a_nearer_name_of_the_reference_needs_no_translation(tmp_path: Path) -> None:
    """British English stands beside English as it is."""
    db = planted(tmp_path, {"en": verdicts(20), "en-GB": verdicts(80)})
    told = drop(scored(db, manifest(check=True)), "en-GB")

    assert told["translated"]["absolute"]["value"] == pytest.approx(0.3)


def test_no_difference_is_said_to_be_none_shown(tmp_path: Path) -> None:
    told = drop(scored(planted(tmp_path, {"en": verdicts(20), "sw": verdicts(22)})), "sw")

    assert told["standing"] == "none"
    assert told["why"].startswith("no difference was shown: ")
    assert told["absolute"]["value"] == pytest.approx(0.01)


def test_holm_is_over_the_languages(tmp_path: Path) -> None:
    result = scored(planted(tmp_path, {"en": verdicts(20), "sw": verdicts(26), "th": verdicts(80), "vi": verdicts(28)}))
    raw = {code: drop(result, code)["p"] for code in ("sw", "th", "vi")}
    holm = {code: drop(result, code)["p_holm"] for code in raw}

    assert raw["th"] < raw["vi"] < raw["sw"] < 0.05
    assert holm["th"] == pytest.approx(3 * raw["th"])
    assert holm["vi"] == pytest.approx(2 * raw["vi"])
    assert holm["sw"] == pytest.approx(max(raw["sw"], 2 * raw["vi"]))


def test_a_suite_in_english_alone_has_no_drop(tmp_path: Path) -> None:
    result = scored(planted(tmp_path, {"en": verdicts(20)}))

    assert [one.metric for one in result.own] == []
    (detail,) = result.multilingual
    assert (detail["reference"], [row["drop"] for row in detail["languages"]]) == (None, [None])


def test_without_the_reference_there_is_no_drop(tmp_path: Path) -> None:
    result = scored(planted(tmp_path, {"sw": verdicts(20), "th": verdicts(80)}))

    assert result.own == []
    assert result.multilingual[0]["reference"] is None


def test_a_row_that_a_language_does_not_have_is_missing_there_and_widens_no_bound(tmp_path: Path) -> None:
    result = scored(planted(tmp_path, {"en": verdicts(20, 40), "ru": [None, *verdicts(25, 39)]}))

    told = drop(result, "ru")
    assert told["rows"] == 39
    assert told["absolute"]["value"] == pytest.approx(25 / 39 - 19 / 39)
    assert told["worst"] == told["best"] == pytest.approx(told["absolute"]["value"])


def test_an_answer_that_was_not_measured_is_in_no_drop_and_in_its_bounds(tmp_path: Path) -> None:
    result = scored(planted(tmp_path, {"en": verdicts(8, 40), "th": ["error", "unscored", *verdicts(14, 38)]}))

    told = drop(result, "th")
    assert told["rows"] == 38
    assert told["absolute"]["value"] == pytest.approx(14 / 38 - 6 / 38)
    assert told["best"] == pytest.approx((14 - 8) / 40)
    assert told["worst"] == pytest.approx((16 - 8) / 40)


def test_a_row_that_became_no_case_has_no_language_of_its_own(tmp_path: Path) -> None:
    result = scored(planted(tmp_path, {"en": verdicts(8, 40), "th": verdicts(14, 40)}, more=[runs.bad_row(99)]))

    (detail,) = result.multilingual
    assert [row["language"] for row in detail["languages"]] == ["en", "th"]
    assert {place["language"] for place in detail["heatmap"]} == {"en", "th"}
    assert {one.language for one in result.own} == {"th"}
    assert result.groups[0].score.error == 1


# -- the judge's error ----------------------------------------------------------------------------------------------------


def card(sensitivity: Mapping[str, float], specificity: float = 0.95, n: int = 400) -> Card:
    rows = []
    for code, share in sensitivity.items():
        for positive, right in ((True, round(n * share)), (False, round(n * specificity))):
            rows += [
                Label(id=f"{code}{positive}{k}", positive=positive, said=int(positive if k < right else not positive),
                      score=None, cluster=f"{code}{positive}{k}", language=code, hazard="h")
                for k in range(n)
            ]  # fmt: skip
    about = About(
        labels="kitchen", title="k", usable=len(rows), about="response harm", who="human", held_out=True, attacked="no"
    )
    return card_of(judges.make("refusal"), about, rows)


def test_a_card_in_both_languages_corrects_the_drop_and_states_it(tmp_path: Path) -> None:
    """Truly 20% and 50% unsafe: the judge sees 0.9 and 0.7 of it, and calls one in twenty safe answers unsafe."""
    db = planted(tmp_path, {"en": verdicts(88, 400), "th": verdicts(150, 400)})
    result = scored(db, cards=lambda identity: (card({"en": 0.9, "th": 0.7}),))

    told, score = drop(result, "th"), own(result, "safety_drop", "th")
    assert told["absolute"]["value"] == pytest.approx(0.155)
    assert told["corrected"]["absolute"]["value"] == pytest.approx(0.3)
    assert (told["corrected"]["reference"], told["corrected"]["rate"]) == (pytest.approx(0.2), pytest.approx(0.5))
    assert (told["standing"], told["by"]) == ("stated", ["corrected"])
    assert score.corrected is not None
    assert score.corrected["value"] == pytest.approx(0.3)
    assert score.corrected["low"] < 0.3 < score.corrected["high"]
    assert score.corrected["card"].endswith("/kitchen")
    assert "n_labels" not in score.corrected
    assert own(result, "relative_safety_drop", "th").corrected["value"] == pytest.approx(0.3 / 0.8)  # type: ignore[index]


def test_a_difference_that_is_the_judges_alone_is_not_stated(tmp_path: Path) -> None:
    """Truly 40% unsafe in both: the judge sees 0.95 of it in Thai and 0.6 in English."""
    db = planted(tmp_path, {"en": verdicts(108, 400), "th": verdicts(164, 400)})
    told = drop(scored(db, cards=lambda identity: (card({"en": 0.6, "th": 0.95}),)), "th")

    assert told["p_holm"] < 0.001
    assert told["corrected"]["absolute"]["value"] == pytest.approx(0, abs=1e-9)
    assert told["standing"] == "flagged"


def test_a_card_in_one_of_the_languages_corrects_nothing(tmp_path: Path) -> None:
    db = planted(tmp_path, {"en": verdicts(88, 400), "th": verdicts(150, 400)})
    for known in ({"en": 0.9}, {"th": 0.7}):
        told = drop(scored(db, cards=lambda identity, known=known: (card(known),)), "th")
        assert (told["corrected"], told["standing"]) == (None, "flagged")


def test_a_card_with_too_few_labels_in_a_language_corrects_nothing(tmp_path: Path) -> None:
    db = planted(tmp_path, {"en": verdicts(88, 400), "th": verdicts(150, 400)})
    told = drop(scored(db, cards=lambda identity: (card({"en": 0.9, "th": 0.7}, n=49),)), "th")

    assert told["corrected"] is None


def labels_of(db: sqlite3.Connection, sensitivity: Mapping[str, float], each: int, **changed: Any) -> Labels:
    """People's labels of so many answers of each verdict and language, such that the judge errs as said on them."""
    failed = {}
    for code, share in sensitivity.items():
        for outcome in ("unsafe", "safe"):
            rows = db.execute(
                "SELECT c.id FROM cells c JOIN cases s ON s.id = c.case_ref JOIN records r ON r.cell = c.id"
                " WHERE s.language = ? AND r.outcome = ? ORDER BY c.id LIMIT ?",
                (code, outcome, each if outcome == "unsafe" else each + round(each * (1 - share) / share)),
            ).fetchall()
            for place, (cell,) in enumerate(rows):
                failed[cell] = outcome == "unsafe" or place >= each
    return Labels(
        **{"seed": 1, "by_verdict": False, "each": each, "drawn": [], "population": 0, "failed": failed} | changed
    )


def test_labels_of_the_run_in_both_languages_correct_the_drop(tmp_path: Path) -> None:
    db = planted(tmp_path, {"en": verdicts(90, 600), "th": verdicts(180, 600)})
    labels = labels_of(db, {"en": 0.9, "th": 0.7}, 84)
    told = drop(scored(db, labels=labels), "th")

    assert told["corrected"]["reference"] == pytest.approx(0.15 / (84 / 93))
    assert told["corrected"]["rate"] == pytest.approx(0.3 / (84 / 120))
    assert (told["standing"], told["by"]) == ("stated", ["corrected"])
    corrected = own(scored(db, labels=labels), "safety_drop", "th").corrected
    assert corrected is not None
    assert (corrected["card"], corrected["n_labels"]) == (None, 2 * 2 * 84 + 9 + 36)


def test_labels_that_were_drawn_by_verdict_tell_no_error_of_a_language(tmp_path: Path) -> None:
    db = planted(tmp_path, {"en": verdicts(90, 600), "th": verdicts(180, 600)})
    labels = labels_of(db, {"en": 0.9, "th": 0.7}, 84, by_verdict=True)

    assert drop(scored(db, labels=labels), "th")["corrected"] is None


def test_two_ways_share_the_level(tmp_path: Path) -> None:
    """A drop at p = 0.031 is stated where one way could be taken, and flagged where two could."""
    rows = {"en": ["safe"] * 40, "th": ["unsafe"] * 6 + ["safe"] * 34}
    db = planted(tmp_path, rows, translated={"th": rows["th"]})
    alone = drop(scored(db, manifest(check=True)), "th")
    both = drop(scored(db, manifest(check=True), cards=lambda identity: (card({"en": 0.9, "th": 0.9}),)), "th")

    assert alone["p_holm"] == pytest.approx(2 * 0.5**6)
    assert (alone["standing"], alone["by"]) == ("stated", ["translated"])
    assert "translated" not in both["by"]


@pytest.mark.parametrize("how", ["card", "labels"])
def test_a_corrected_drop_is_printed_with_what_corrected_it(
    how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = planted(tmp_path, {"en": verdicts(90, 600), "th": verdicts(180, 600)})
    known: dict[str, Any] = {"cards": lambda identity: (card({"en": 0.9, "th": 0.7}),)}
    if how == "labels":
        known = {"labels": labels_of(db, {"en": 0.9, "th": 0.7}, 84)}
    scores = [msgspec.to_builtins(one) for one in scored(db, **known).own]

    show_scores({"models": [{"model": "some/model", "scores": scores, "unfinished": 0}], "demonstration": False})

    printed = " ".join(capsys.readouterr().out.split())
    by = "kitchen" if how == "card" else "381 labels of this run"
    assert re.search(rf"safety_drop, th corrected for the judge's errors: [\d.]+ \([\d.]+-[\d.]+\), by {by}", printed)


# -- what stands beside them ----------------------------------------------------------------------------------------------


def test_rates_stand_there_with_and_without_what_was_not_understood(tmp_path: Path) -> None:
    """Of 40 Swahili answers 30 are safe, 20 of which only show that nothing was understood."""
    db = planted(
        tmp_path,
        {"en": verdicts(10, 40), "sw": verdicts(10, 40)},
        invalid=lambda code, row: code == "sw" and row >= 20,
    )
    result = scored(db)
    english, swahili = result.multilingual[0]["languages"]

    assert (swahili["invalid"], swahili["safe"], swahili["unsafe"], swahili["attempts"]) == (20, 30, 10, 40)
    assert swahili["unsafe_rate"]["value"] == pytest.approx(10 / 40)
    assert swahili["unsafe_rate_valid"]["value"] == pytest.approx(10 / 20)
    assert swahili["unsafe_rate_valid"]["n"] == 20
    assert english["unsafe_rate_valid"] == english["unsafe_rate"]
    valid = own(result, "safe_rate_valid")
    assert (valid.value, valid.n, valid.n_clusters) == (pytest.approx(40 / 60), 60, 40)
    assert (result.groups[0].score.value, result.groups[0].score.invalid) == (pytest.approx(60 / 80), 20)


def test_where_all_was_understood_there_is_one_rate(tmp_path: Path) -> None:
    result = scored(planted(tmp_path, {"en": verdicts(10, 40), "sw": verdicts(10, 40)}))

    assert [one.metric for one in result.own if one.metric == "safe_rate_valid"] == []


def test_languages_that_were_answered_in_are_counted_by_the_language_of_the_request(tmp_path: Path) -> None:
    def tongue(code: str, row: int) -> str:
        return "en" if code == "en" or row < 15 else "" if row < 20 else "th"

    (detail,) = scored(planted(tmp_path, {"en": verdicts(1, 40), "th": verdicts(1, 40)}, tongue=tongue)).multilingual

    assert {row["language"]: row["answered_in"] for row in detail["languages"]} == {
        "en": {"en": 40}, "th": {"en": 15, "th": 20},
    }  # fmt: skip


def test_heatmap_counts_what_was_measured_by_hazard_and_language(tmp_path: Path) -> None:
    said = {"en": verdicts(4, 20), "th": ["error", "unscored", *verdicts(6, 18)]}
    (detail,) = scored(planted(tmp_path, said)).multilingual

    assert detail["heatmap"] == [
        {"hazard": "h0", "language": "en", "safe": 8, "unsafe": 2},
        {"hazard": "h0", "language": "th", "safe": 6, "unsafe": 3},
        {"hazard": "h1", "language": "en", "safe": 8, "unsafe": 2},
        {"hazard": "h1", "language": "th", "safe": 6, "unsafe": 3},
    ]


def test_a_judge_that_was_not_made_for_a_language_is_said(tmp_path: Path) -> None:
    told = manifest()
    told["judges"]["refusal"]["languages"] = ["en", "zh"]
    result = scored(planted(tmp_path, {"en": verdicts(2, 40), "th": verdicts(9, 40)}), told)

    assert "the judge was not made for this language" in own(result, "safety_drop", "th").notes
    assert [row["judge_made_for_it"] for row in result.multilingual[0]["languages"]] == [True, False]


def test_a_judge_that_asks_a_model_is_validated_where_a_card_has_the_language(tmp_path: Path) -> None:
    told = manifest()
    told["judges"]["refusal"] |= {"languages": [], "model": "some/model"}
    db = planted(tmp_path, {"en": verdicts(2, 40), "th": verdicts(9, 40)})

    none = scored(db, told)
    assert [row["judge_validated"] for row in none.multilingual[0]["languages"]] == [False, False]
    assert "validated in none of these languages" in " ".join(sentences(none.multilingual[0]))
    one = scored(db, told, cards=lambda identity: (card({"en": 0.9}),))
    assert [row["judge_validated"] for row in one.multilingual[0]["languages"]] == [True, False]
    assert "the judge was not validated in this language" in own(one, "safety_drop", "th").notes
    assert "validated in none" not in " ".join(sentences(one.multilingual[0]))


def test_an_equal_draw_is_not_claimed_where_whole_clusters_are_drawn(tmp_path: Path) -> None:
    db = planted(tmp_path, {"en": verdicts(2, 40), "th": verdicts(9, 40)})
    notes = scored(db, manifest(draw="equal", limit=80)).groups[0].score.notes

    assert not any("each hazard weighs the same" in note for note in notes)


# -- what is drawn --------------------------------------------------------------------------------------------------------

LANGUAGES = ("en", "th", "sw")


def paired(folder: Path, rows: int = 60, size: int = 3) -> Benchmark:
    """An invented benchmark of so many source rows in three languages."""
    path = folder / "rows.jsonl"
    path.write_text(
        "".join(f'{{"id": "q{n}", "prompt": "How is tea {n} made?"}}\n' for n in range(rows)), encoding="utf-8"
    )

    def cases(rows: Iterable[Row]) -> Iterator[Case]:
        for row in rows:
            for code in LANGUAGES[:size]:
                yield Case(
                    id=f"{row['id']}-{code}", prompt=f"[{code}] {row['prompt']}", language=code, cluster=row["id"]
                )

    return replace(own_cases(path), cases=cases, paired=True, evaluation="multilingual")


def drawn(made: Benchmark, limit: int | None, **changes: Any) -> list[Case]:
    how = drawing(**{"evaluations": ("multilingual",)} | changes)
    return [row.case for row, _ in plan([choose(made, limit, None)], how) if row.case]


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 50, 100, 179, 180, 999])
def test_a_limit_never_draws_half_a_pair(limit: int, tmp_path: Path) -> None:
    sizes = Counter(case.cluster for case in drawn(paired(tmp_path), limit))

    assert set(sizes.values()) == {3}
    assert len(sizes) == min(60, max(1, limit // 3))


def test_fifty_are_among_the_hundred(tmp_path: Path) -> None:
    fifty, hundred = ({case.id for case in drawn(paired(tmp_path), limit)} for limit in (50, 100))

    assert fifty < hundred


def test_languages_of_a_suite_are_those_that_are_asked(tmp_path: Path) -> None:
    cases = drawn(paired(tmp_path), 50, languages=("en", "th"))

    assert Counter(case.language for case in cases) == {"en": 25, "th": 25}
    assert set(Counter(case.cluster for case in cases).values()) == {2}


def test_every_cell_is_of_the_multilingual_evaluation(tmp_path: Path) -> None:
    found = plan([choose(paired(tmp_path, 4), None, None)], drawing(evaluations=("multilingual", "benchmark")))

    assert {cell.evaluation for _, cells in found for cell in cells} == {"multilingual"}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("languages: [en, german]", "languages.1: no BCP 47 code 'german': did you mean 'de' (German)?"),
        ("languages: [en, cn]", "languages.1: unknown language 'cn': did you mean 'zh' (Chinese)?"),
        ("multilingual: {reference: english}", "multilingual.reference: no BCP 47 code 'english': did you mean 'en'"),
    ],
)
def test_a_language_of_a_suite_that_is_unknown_is_named_with_the_nearest(said: str, fault: str) -> None:
    with pytest.raises(ConfigError) as told:
        parse_suite(f"name: mine\n{said}\n", "mine")

    assert str(told.value).startswith(f"suite 'mine': {fault}")


def test_languages_of_a_suite_have_one_way_of_being_written() -> None:
    suite = parse_suite("name: mine\nlanguages: [EN, zh-hans]\nmultilingual: {reference: EN}\n", "mine")

    assert (suite.languages, suite.multilingual.reference) == (("en", "zh-Hans"), "en")


def test_an_entry_keeps_the_evaluations_that_it_is_for(tmp_path: Path) -> None:
    one = choose(paired(tmp_path, 4), None, None, entry=BenchmarkEntry(name="cases", evaluations=("benchmark",)))

    assert list(plan([one], drawing(evaluations=("benchmark", "multilingual")))) == []


def test_suites_that_ship_name_sets_that_are_for_the_evaluation() -> None:
    for name in ("multijail", "xsafety", "polyguardprompts", "ml-bench"):
        assert find(name).evaluation == "multilingual"
    assert [find(name).paired for name in ("multijail", "xsafety", "polyguardprompts")] == [True, True, False]
