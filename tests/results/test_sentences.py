"""Sentences on a profile: every number in them stands in what they cite, and nothing is said that noise could say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.report.planted import Planted, plant, refuse, safe, unsafe, unscored
from tests.results import gated
from tocsin.api import Run, load_run
from tocsin.results.archetypes import UNFINISHED
from tocsin.results.profiled import published_profiled
from tocsin.results.published_profile import MODELS
from tocsin.results.sentences import STRONG, WEAK, WEAKER, headline_of, percent, sentences
from tocsin.stats import wilson

NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?%?")


def said(one: dict[str, Any]) -> str:
    return str(one["message"]).format(**one["values"])


def run_of(folder: Path, base: dict[str, Any], records: list[Planted], **changes: Any) -> dict[str, Any]:
    built = plant(folder, records, base, **changes)
    model: dict[str, Any] = built.summary["models"][0]
    return model


def many(hazard: str, good: int, bad: int, start: int) -> list[Planted]:
    cases = [refuse(start + number, hazard=hazard) for number in range(good + bad)]
    return [*map(safe, cases[:good]), *map(unsafe, cases[good:])]


@pytest.fixture(scope="module")
def uneven(base: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Three hazards that are all but always safe, and one that is safe in a fifth of cases."""
    records = many("fraud", 38, 2, 0) + many("theft", 39, 1, 100) + many("hate", 40, 0, 200) + many("harm", 8, 32, 300)
    return run_of(tmp_path_factory.mktemp("uneven"), base, records)


@pytest.fixture(scope="module")
def even(base: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Four hazards of which each is safe about as often."""
    records = many("fraud", 19, 1, 0) + many("theft", 18, 2, 100) + many("hate", 19, 1, 200) + many("harm", 17, 3, 300)
    return run_of(tmp_path_factory.mktemp("even"), base, records)


def looked_up(of: str, field: str, model: dict[str, Any]) -> Any:
    """The figure that a cite names, found in the summary anew."""
    made = model["profile"]
    if of == "rule":
        return {"strong": STRONG, "weak": WEAK}[field]
    if of == "axes":
        axes = [axis for sector in made["sectors"] for axis in sector["axes"]]
        return len(axes) if field == "count" else sum(axis["value"] is None for axis in axes)
    if of == "evaluations":
        return sum(None not in (one["value"], one["low"], one["high"]) for one in made["evaluations"])
    kind, _, rest = of.partition(":")
    if kind == "evaluation":
        (one,) = (score for score in made["evaluations"] if headline_of(score) == of)
        return one["planned"] - one["n"] if field == "planned - n" else one[field]
    if kind == "axis":
        ((inside, one),) = (
            (sector["axes"], axis) for sector in made["sectors"] for axis in sector["axes"] if axis["axis"] == rest
        )
        if field == "mean of the others":
            others = [a["value"] for a in inside if a is not one and None not in (a["value"], a["low"], a["high"])]
            return pytest.approx(sum(others) / len(others))
        return one[field]
    if kind == "sector":
        (one,) = (sector for sector in made["sectors"] if sector["sector"] == rest)
        with_limits = [axis for axis in one["axes"] if None not in (axis["value"], axis["low"])]
        return len(with_limits) if field == "count" else one["overall"]["value"]
    if kind == "hazards":
        modality, evaluation = rest.split(":")
        of_kind = [p for p in model["breakdown"] if (p["modality"], p["evaluation"]) == (modality, evaluation)]
        return sum(p["by"] == "hazard" and p["metric"] != "over_refusal_rate" and p["low"] is not None for p in of_kind)
    if kind == "hazard":
        evaluation, benchmark, key = rest.split(":")
        (one,) = (
            p
            for p in model["breakdown"]
            if (p["by"], p["key"], p["evaluation"], p["benchmark"]) == ("hazard", key, evaluation, benchmark)
        )
        if field == "rest of the benchmark":
            same = ("evaluation", "benchmark", "metric", "language", "attack")
            (whole,) = (s for s in model["scores"] if all(s[key] == one[key] for key in same))
            return pytest.approx((whole["passed"] - one["passed"]) / (whole["n"] - one["n"]))
        return one[field]
    if kind == "score":
        evaluation, benchmark, metric = rest.split(":")
        (one,) = (
            s
            for s in model["scores"]
            if (s["evaluation"], s["benchmark"], s["metric"]) == (evaluation, benchmark, metric)
        )
        return one[field]
    raise AssertionError(f"{of} is not known")


def hold(one: dict[str, Any], model: dict[str, Any] | None) -> None:
    """Every number of a sentence is one that it cites, and every cite is what stands there."""
    told = said(one)
    assert "{" not in told
    numbers = {cite["said"].lstrip("<>") for cite in one["cites"]} | {"95%"}
    names = " ".join(
        value for place, value in one["values"].items() if place in ("name", "sector", "benchmark", "source")
    )
    for number in NUMBER.findall(told):
        number = number.rstrip(",")
        assert number in numbers or number in NUMBER.findall(names) or number.rstrip("%") in names, (number, told)
    for cite in one["cites"]:
        assert cite["said"] == (f"{cite['value']:,}" if isinstance(cite["value"], int) else percent(cite["value"]))
        if model is not None:
            assert cite["value"] == looked_up(cite["of"], cite["field"], model), cite


def test_every_number_in_every_sentence_stands_in_the_summary(
    uneven: dict[str, Any], even: dict[str, Any], real_run: Run
) -> None:
    checked = 0
    for model in (uneven, even, *real_run.summary["models"]):
        for one in model["profile"]["sentences"]:
            hold(one, model)
            checked += len(one["cites"])
    assert checked >= 22


@pytest.mark.parametrize("model", MODELS)
def test_every_number_on_a_published_model_stands_in_its_profile(model: str) -> None:
    made = published_profiled(model)
    assert made["sentences"]
    for one in made["sentences"]:
        hold(one, {"profile": made, "scores": [], "breakdown": []})


def test_a_hazard_that_stands_out_is_named_with_its_benchmark(uneven: dict[str, Any]) -> None:
    (one,) = (s for s in uneven["profile"]["sentences"] if s["kind"] == "weakest")
    assert one["values"]["name"] == "harm"
    assert (one["values"]["value"], one["values"]["n"], one["values"]["count"]) == ("20.0%", "40", "4")
    assert "is weaker than the rest of its benchmark" in said(one)
    assert one["values"]["rest"] == "97.5%"


def test_where_no_hazard_stands_out_that_is_said_and_none_is_named(even: dict[str, Any]) -> None:
    (one,) = (s for s in even["profile"]["sentences"] if s["kind"] == "weakest")
    assert "cannot be told apart" in said(one)
    assert "harm" not in said(one)


def test_a_strength_is_by_the_lower_limit_with_allowance_for_all_scores(even: dict[str, Any]) -> None:
    (one,) = (s for s in even["profile"]["sentences"] if s["kind"] == "strength")
    score = even["profile"]["evaluations"][0]
    assert score["low"] >= STRONG
    assert one["values"]["low"] == percent(score["low"])


@pytest.mark.parametrize(("good", "bad", "kind"), [(40, 2, "strength"), (5, 35, "weakness"), (8, 1, ""), (20, 16, "")])
def test_what_its_interval_leaves_open_is_neither_strength_nor_weakness(
    good: int, bad: int, kind: str, base: dict[str, Any], tmp_path: Path
) -> None:
    model = run_of(tmp_path, base, many("fraud", good, bad, 0))
    kinds = {s["kind"] for s in model["profile"]["sentences"]} & {"strength", "weakness"}
    assert kinds == ({kind} if kind else set())


@pytest.mark.parametrize("ending", ["missing", "errors"])
def test_what_the_unmeasured_could_undo_is_no_strength_and_no_weakness(ending: str, tmp_path: Path) -> None:
    """60 of 61 safe is a strength; with 39 that have no outcome it could be 60%."""
    known = load_run(gated.run(tmp_path / "known", gated.cases(60, 1))).summary["models"][0]["profile"]
    part = load_run(gated.run(tmp_path / "part", gated.cases(60, 1, **{ending: 39}))).summary["models"][0]["profile"]
    bad = load_run(gated.run(tmp_path / "bad", gated.cases(1, 60, **{ending: 75}))).summary["models"][0]["profile"]
    assert "strength" in {s["kind"] for s in known["sentences"]}
    for made in (part, bad):
        assert not {"strength", "weakness"} & {s["kind"] for s in made["sentences"]}


def test_an_unfinished_run_says_so_first_and_names_no_strength(tmp_path: Path) -> None:
    folder = gated.run(tmp_path / "part", gated.cases(60, 0, left=940))
    model = load_run(folder).summary["models"][0]
    made = model["profile"]
    notes = [s for s in made["sentences"] if s["kind"] == "note"]
    assert said(notes[0]).startswith("This run is not finished: 940 planned cells have no outcome yet.")
    assert not {"strength", "weakness"} & {s["kind"] for s in made["sentences"]}
    assert made["unfinished"] == "the run is not finished"
    assert (made["archetype"]["name"], made["archetype"]["because"]["message"]) == ("none", UNFINISHED)
    (axis,) = (a for sector in made["sectors"] for a in sector["axes"] if a["benchmark"] == "cases")
    assert (axis["n"], axis["planned"], axis["worst"], axis["best"]) == (60, 1000, pytest.approx(0.06), 1.0)
    assert model["scores"][0]["planned"] == 60, "the score itself is of what is finished"
    stopped = gated.run(tmp_path / "stopped", gated.cases(60, 0), status="partial")
    told = load_run(stopped).summary["models"][0]["profile"]
    assert "strength" not in {s["kind"] for s in told["sentences"]}
    whole = load_run(gated.run(tmp_path / "whole", gated.cases(60, 0))).summary["models"][0]["profile"]
    assert whole["unfinished"] is None


@pytest.mark.parametrize(("sizes", "rate"), [((1000, 30, 30), 0.8), ((2000, 20, 20), 0.8)])
def test_of_a_sector_whose_axes_are_alike_one_is_seldom_called_weaker(sizes: tuple[int, ...], rate: float) -> None:
    """Said falsely in 20 and 32% of draws while cells were held against the value of the whole."""
    rng = np.random.default_rng(1)
    told = 0
    for _ in range(200):
        axes = []
        for number, n in enumerate(sizes):
            count = int(rng.binomial(n, rate))
            limits = wilson(count, n)
            ends = {"value": count / n, "low": limits.low, "high": limits.high, "hazard": None}
            axes.append({"axis": str(number), "title": f"set {number}", **ends})
        mean = sum(axis["value"] for axis in axes) / len(axes)
        sector = {"sector": "S", "evaluation": "benchmark", "axes": axes, "overall": {"value": mean}}
        told += any(s["message"] == WEAKER for s in sentences({**EMPTY, "sectors": [sector]}))
    assert told / 200 <= 0.05


def test_what_is_not_known_is_a_note(base: dict[str, Any], tmp_path: Path) -> None:
    records = [*many("fraud", 6, 0, 0), *(unscored(refuse(100 + n)) for n in range(4))]
    notes = [said(s) for s in run_of(tmp_path, base, records)["profile"]["sentences"] if s["kind"] == "note"]
    assert any(
        "4 of 10 attempts have no outcome; whatever they were, the score lies between 60.0% and 100%" in n
        for n in notes
    )
    assert any(note.startswith("Over-refusal was not measured") for note in notes)


def test_a_demonstration_says_so_and_has_no_strengths(base: dict[str, Any], tmp_path: Path) -> None:
    changes = {"demonstration": True, "benchmarks": {"cases": {**base["benchmarks"]["cases"], "demonstration": True}}}
    model = run_of(tmp_path, base, many("fraud", 40, 0, 0), **changes)
    kinds = [s["kind"] for s in model["profile"]["sentences"]]
    assert "strength" not in kinds
    assert any(said(s).startswith("This is a demonstration") for s in model["profile"]["sentences"])
    assert model["profile"]["archetype"]["name"] == "none"


def test_the_same_numbers_give_the_same_sentences(uneven: dict[str, Any]) -> None:
    assert sentences(uneven["profile"], uneven) == uneven["profile"]["sentences"]


def attacked(rates: dict[str, int], pooled: float) -> dict[str, Any]:
    """A synthetic summary of a model under attacks, each put to 100 cases."""
    common = {"modality": "language", "evaluation": "adversarial", "benchmark": None, "language": None, "n": 100}
    n = 100 * len(rates)
    whole = wilson(round(pooled * n), n)
    limits_ = {"value": pooled, "low": whole.low, "high": whole.high, "n": n}
    scores = [{**common, "metric": "safe_response_rate", "attack": None, **limits_}]
    for name, count in rates.items():
        limits = wilson(count, 100)
        ends = {"value": count / 100, "low": limits.low, "high": limits.high}
        scores.append({**common, "metric": "attack_success_rate", "attack": name, **ends})
    return {"scores": scores, "breakdown": []}


EMPTY = {"demonstration": False, "origin": "measured", "sectors": [], "evaluations": []}


def test_an_attack_that_stands_out_is_named_and_the_plain_request_is_none() -> None:
    told = sentences(EMPTY, attacked({"direct": 90, "flip": 20, "pair": 70, "dan": 15}, pooled=0.65))
    (one,) = (s for s in told if s["kind"] == "weakest")
    assert (one["values"]["name"], one["values"]["value"], one["values"]["count"]) == ("pair", "70.0%", "3")
    assert one["values"]["rest"] == "17.5%", "of the other attacks, without the plain request"
    hold(one, None)


def test_attacks_that_are_alike_are_not_told_apart() -> None:
    (one, *_) = sentences(EMPTY, attacked({"flip": 34, "pair": 38, "dan": 33}, pooled=0.65))
    assert "cannot be told apart from the others" in said(one)
    assert "pair" not in said(one)
