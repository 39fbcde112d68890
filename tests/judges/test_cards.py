"""The calibration cards that ship: there for every judge of free text that asks no model, fresh, and free of any set's text."""

from __future__ import annotations

import html
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tocsin import judges, registry
from tocsin.api import calibrate
from tocsin.judges.card import cards_of, shipped
from tocsin.judges.labels import find
from tocsin.judges.measuring import ANSWERS

OFFLINE = ("embedded", "refusal")
LOOKING = ("nudenet", "ocr-text", "open-nsfw")
SETS = [name for name in registry.names("labels") if find(name).labels in ANSWERS]


@pytest.mark.parametrize("name", OFFLINE)
def test_judge_as_it_is_now_has_a_card_on_every_set_of_answers(name: str, tmp_path: Path) -> None:
    found = cards_of(judges.make(name).identity, tmp_path)
    assert [card.about.labels for card in found] == SETS, (
        "made anew with scripts/make_cards.py whenever a judge changes"
    )
    for card in found:
        assert card.agreement.agreement.value is not None
        assert card.attempts is not None
        assert card.seen == (name == "embedded" and card.about.labels == "harmbench-answers")


def test_every_other_judge_asks_a_model_or_reads_no_free_text() -> None:
    """`choice` reads options, `label` labels, `copyright` compares with references, a `panel` is of others, and three
    judge what an
    answer says of itself: docs/method/transparency.md has how far they agree with labels. The three detectors look at images,
    of which there are no labels by people to be had: they are uncalibrated.
    """
    for name in registry.names("judge"):
        if name not in (
            *OFFLINE,
            "choice",
            "copyright",
            "label",
            "panel",
            "disclosure",
            "explains",
            "stated-reason",
            *LOOKING,
        ):
            assert judges.make(name).models, name


def test_no_card_is_of_a_judge_that_is_no_longer_there() -> None:
    assert {card.identity for card in shipped()} == {judges.make(name).identity for name in OFFLINE}


@pytest.mark.parametrize("name", OFFLINE)
def test_pages_in_the_docs_say_what_the_cards_say(name: str) -> None:
    table = (ROOT / "docs" / "cards" / "README.md").read_text(encoding="utf-8")
    for card in cards_of(judges.make(name).identity, ROOT / "nowhere"):
        page = (ROOT / "docs" / "cards" / f"{name}-{card.about.labels}.html").read_text(encoding="utf-8")
        assert f"On {card.n:,} answers that people" in html.unescape(page)
        assert f"| `{card.about.labels}` | {card.n:,} | {card.agreement.agreement.value:.3f} |" in table


def test_figures_of_a_shipped_card_are_measured_anew(shared_data: Path, tmp_path: Path) -> None:
    (now,) = calibrate("refusal", on=["jailbreakbench"], data=shared_data, cards=tmp_path).cards
    (then,) = (card for card in cards_of(now.identity, tmp_path / "x") if card.about.labels == "jailbreakbench")
    assert now.agreement == then.agreement
    assert now.about.files == then.about.files
