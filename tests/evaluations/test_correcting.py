"""When a rate is called corrected, and when what a card makes of it is only a what-if."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tocsin import judges
from tocsin.evaluations.correcting import correct
from tocsin.evaluations.counts import ByJudge
from tocsin.judges.card import About, Card
from tocsin.judges.measuring import Row, card_of
from tocsin.types import Score


def card(
    sensitivity: float, specificity: float, n: int = 200, *, labels: str = "kitchen", language: str = "en", **about: Any
) -> Card:
    """A card of a judge that errs as said on as many unsafe answers as safe ones."""
    rows = []
    for positive in (True, False):
        right = round(n * (sensitivity if positive else specificity))
        rows += [
            Row(
                id=f"{positive}{k}", positive=positive, said=int(positive if k < right else not positive), score=None,
                cluster=f"{positive}{k}", language=language, hazard="h",
            )
            for k in range(n)
        ]  # fmt: skip
    told = {"about": "response harm", "who": "human", "held_out": True, "attacked": "no"} | about
    return card_of(judges.make("refusal"), About(labels=labels, title=labels, usable=2 * n, **told), rows)


def rate(safe: int, n: int, metric: str = "safe_rate") -> tuple[Score, ByJudge]:
    verdicts = np.array([1] * safe + [0] * (n - safe))
    score = Score(
        evaluation="benchmark", metric=metric, value=safe / n, low=0, high=1, worst=0, best=1, planned=n, n=n, n_cases=n,
        n_clusters=n,
    )  # fmt: skip
    return score, ByJudge(verdicts, np.ones(n, dtype=np.int64), 0, 0)


def corrected(cards: list[Card], safe: int = 140, n: int = 200, metric: str = "safe_rate", **options: Any) -> Score:
    score, judged = rate(safe, n, metric)
    correct(score, judged, cards, **{"language": "en", **options})
    return score


def test_rate_is_put_right_by_a_card_of_the_same_kind() -> None:
    """Of 200 answers 60 are flagged; at sensitivity 0.9 and specificity 0.8 that is what one in seven unsafe gives."""
    found = corrected([card(0.9, 0.8)]).corrected
    assert found is not None
    assert found["value"] == pytest.approx(1 - (0.3 + 0.8 - 1) / (0.9 + 0.8 - 1))
    assert found["low"] < found["value"] < found["high"]
    assert found["card"].endswith("/kitchen")


@pytest.mark.parametrize(
    ("given", "options", "why"),
    [
        (card(0.9, 0.8, language="de"), {}, "another language"),
        (card(0.9, 0.8), {"language": None}, "several languages"),
        (card(0.9, 0.8, attacked="some"), {}, "answers to attacks"),
        (card(0.9, 0.8, attacked="unknown"), {}, "unknown kind"),
        (card(0.9, 0.8, n=49), {}, "fewer than 50"),
        (card(0.7, 0.7), {}, "too poorly"),
        (card(0.9, 0.8), {"safe": 195}, "no rate at all"),
        (card(0.9, 0.8), {"safe": 4}, "no rate at all"),
        (card(0.9, 0.8), {"others": ["answers to prompts with images here"]}, "images"),
        (card(0.9, 0.8, about="refusal"), {"metric": "over_refusal_rate"}, "harmful requests among others"),
    ],
)
def test_card_of_another_kind_corrects_nothing_and_says_what_is_other(
    given: Card, options: dict[str, Any], why: str
) -> None:
    found = corrected([given], **options)
    assert found.corrected is None
    (told,) = found.sensitivity
    assert why in told["against"]


def test_card_of_what_the_judge_learned_from_or_of_another_subject_says_nothing() -> None:
    seen = corrected([card(0.9, 0.8, about="refusal")])
    assert (seen.corrected, seen.sensitivity) == (None, [])


def test_the_best_fitting_card_decides_whatever_another_would_give() -> None:
    poor, small = card(0.6, 0.8, 400, labels="large"), card(0.95, 0.9, 60, labels="small")
    found = corrected([small, poor])
    assert found.corrected is None, "the larger card fits best, and there the judge is too poor to correct by"
    assert [told["card"].rpartition("/")[2] for told in found.sensitivity] == ["large", "small"]
