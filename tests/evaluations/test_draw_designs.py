"""How answers are drawn for people, with which chance, and that no design bends the corrected rate."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest
from perf.labelling import DESIGNS, JUDGES, corrected, invented

from tocsin.evaluations.label_designs import LEAST, Judged, allotted, drawn_of, sureness, thresholds_of
from tocsin.evaluations.label_gain import expected_gain, raw_half_width
from tocsin.evaluations.run_labels import Design, Labels


def answers(n: int = 60, seed: int = 1) -> list[Judged]:
    """Answers of two targets in two languages, some of which the judge did not settle."""
    rng = np.random.default_rng(seed)
    found = []
    for cell in range(n):
        score = float(rng.random())
        outcome = "unscored" if cell % 11 == 0 else "unsafe" if score > 0.6 else "safe"
        language = "th" if cell % 5 == 0 else "en"
        wanted = "comply" if cell % 7 == 0 else "refuse"
        found.append(Judged(cell, cell % 2, "b", wanted, language, outcome, f"c{cell}", "j", score))
    return found


@pytest.mark.parametrize("design", DESIGNS)
def test_every_answer_is_drawn_as_often_as_its_chance_says(design: Design) -> None:
    everyone = answers()
    seen: Counter[int] = Counter()
    said: dict[int, set[float]] = {}
    for seed in range(600):
        for one in drawn_of(everyone, 9, seed=seed, design=design):
            seen[one.cell] += 1
            said.setdefault(one.cell, set()).add(one.probability)
    assert seen.keys() == {one.cell for one in everyone}, "nobody is without a chance"
    chances = {cell: chance for cell, (chance,) in said.items()}
    far = [abs(seen[c] / 600 - p) / max(np.sqrt(p * (1 - p) / 600), 1e-9) for c, p in chances.items() if p < 1]
    assert max(far, default=0) < 4.5
    assert all(seen[cell] == 600 for cell, chance in chances.items() if chance == 1)


@pytest.mark.parametrize("design", DESIGNS)
def test_larger_draw_holds_the_smaller_one_in_every_design(design: Design) -> None:
    everyone = answers(400)
    before: set[int] = set()
    for each in (1, 5, 6, 17, 40, 41, 200, 500):
        now = {one.cell for one in drawn_of(everyone, each, seed=3, design=design)}
        assert before <= now
        before = now
    assert len(before) == (400 if design != "verdict" else len(before))
    assert drawn_of(everyone, 20, seed=3, design=design) != drawn_of(everyone, 20, seed=4, design=design)


@pytest.mark.parametrize("design", DESIGNS)
def test_weights_add_up_to_the_answers_there_are_whoever_did_not_answer(design: Design) -> None:
    everyone = answers(500)
    drawn = drawn_of(everyone, 40, seed=0, design=design)
    failed = {one.cell: False for number, one in enumerate(drawn) if number % 4}
    labels = Labels(seed=0, by_verdict=True, each=40, drawn=drawn, population=500, failed=failed, design=design)
    assert sum(labels.weights().values()) == pytest.approx(500)
    silent = [one for one in drawn if one.stratum == drawn[0].stratum]
    without = {one.cell: False for one in drawn if one.stratum != drawn[0].stratum}
    weights = msgspec.structs.replace(labels, failed=without).weights()
    of_group = {one.cell for one in drawn if one.group == drawn[0].group} & weights.keys()
    if design in ("stratified", "uncertain", "verdict"):
        assert of_group, "a stratum of which nobody has a label is stood for by the others of its group"
        assert sum(weights.values()) == pytest.approx(500)
    else:
        assert sum(weights.values()) == pytest.approx(500 - sum(1 / one.probability for one in silent))


def test_uncertain_answers_are_drawn_more_often_and_sure_ones_still_have_a_fair_chance() -> None:
    everyone = answers(2000)
    thresholds = thresholds_of(everyone)
    assert thresholds["j"] == pytest.approx(0.6, abs=0.01), "the threshold is where the verdicts turn"
    sure = {one.cell: sureness(one, thresholds) for one in everyone}
    chances: dict[str, list[float]] = {}
    for one in drawn_of(everyone, 100, seed=0, design="uncertain"):
        chances.setdefault(sure[one.cell], []).append(one.probability)
    mean = {kind: float(np.mean(found)) for kind, found in chances.items()}
    assert mean["doubtful"] > mean["near"] > mean["sure"]
    assert mean["doubtful"] / mean["sure"] < 3, "no label stands for too many"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"outcome": "unscored"}, "doubtful"),
        ({"score": 0.99, "controversial": True}, "doubtful"),
        ({"score": 0.99, "split": True}, "doubtful"),
        ({"score": 0.95}, "sure"),
        ({"score": 0.7}, "near"),
        ({"score": 0.52}, "doubtful"),
        ({"score": None}, "sure"),
        ({"score": 7.0}, "sure"),
    ],
)
def test_what_makes_a_judge_unsure(fields: dict[str, Any], said: str) -> None:
    one = Judged(1, 0, "b", "refuse", "en", "unsafe", judge="j")._replace(**fields)
    assert sureness(one, {}) == said


def test_strata_of_the_stratified_draw_are_language_and_verdict_and_each_has_its_least() -> None:
    everyone = answers(1000)
    where = {one.cell: (one.group, one.language, one.outcome) for one in everyone}
    counts = Counter(where[one.cell] for one in drawn_of(everyone, 60, seed=0, design="stratified"))
    sizes = Counter(where.values())
    assert counts.keys() == sizes.keys()
    assert all(count >= min(LEAST, sizes[stratum]) for stratum, count in counts.items())


def test_seats_are_never_lost_when_there_are_more_of_them() -> None:
    before = [0, 0, 0]
    for each in range(1, 70):
        now = allotted(each, [900, 30, 1], [50, 10, 2])
        assert all(later >= earlier for earlier, later in zip(before, now, strict=True))
        assert sum(now) == min(max(each, 3), 62)
        before = now


@pytest.mark.parametrize("design", DESIGNS)
def test_corrected_rate_is_right_on_average_and_its_limits_hold(design: Design) -> None:
    """700 answers, a fifth unsafe; the verdicts alone are off by three points."""
    rng = np.random.default_rng(5)
    values, held = [], []
    for draw in range(150):
        everyone, truth = invented(rng, 0.2, JUDGES["middling"], 700)
        value, low, high = corrected(everyone, truth, design, 90, draw)
        values.append(value - 0.2)
        held.append(low <= 0.2 <= high)
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(len(values))
    assert np.mean(held) >= 0.93


def test_labels_that_were_kept_before_there_were_designs_are_read() -> None:
    old = {"seed": 3, "by_verdict": True, "each": 9, "population": 5, "drawn": [{"cell": 1, "probability": 0.5}]}
    labels = msgspec.json.decode(json.dumps(old).encode(), type=Labels)
    assert labels.drawn_as == "verdict"
    labels = msgspec.json.decode(json.dumps(old | {"by_verdict": False}).encode(), type=Labels)
    assert (labels.drawn_as, labels.agreement) == ("random", None)


def test_expected_limits_narrow_with_labels_and_are_about_what_comes() -> None:
    everyone, truth = invented(np.random.default_rng(2), 0.2, JUDGES["middling"], 900)
    raw = raw_half_width(everyone)
    assert raw is not None
    gains = expected_gain(everyone, "random", sizes=(25, 100, 900, 2000), draws=6)
    widths = [one.half_width for one in gains]
    assert [one.drawn for one in gains] == [25, 100, 900], "more than there are is not offered"
    assert widths == sorted(widths, reverse=True)
    _, low, high = corrected(everyone, truth, "random", 100, 0)
    assert widths[1] == pytest.approx((high - low) / 2, rel=0.4)
    assert expected_gain([], "random") == []
