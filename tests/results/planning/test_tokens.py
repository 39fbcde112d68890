"""The rule of tokens a character, beside the real tokeniser of the small model."""

from __future__ import annotations

import importlib.util
import json
from importlib import resources

import pytest
from perf.token_rule import counted, server

from tocsin.results.planning.assumed import IMAGE_TOKENS
from tocsin.results.planning.tokens import PER_MESSAGE, kinds, of_messages, of_text
from tocsin.types import Image, Message


def test_characters_are_told_apart_by_script() -> None:
    assert kinds("plain words") == {"ascii": 11}
    assert kinds("né à 茶 お 차 чай") == {"ascii": 6, "latin": 2, "east_asian": 3, "other": 3}


def test_a_message_costs_its_frame_and_an_image_its_own() -> None:
    bare = of_messages([Message("user", "")])
    assert bare.expected == 2 * PER_MESSAGE
    shown = of_messages([Message("user", "", (Image("image/png"),))])
    assert shown.expected - bare.expected == IMAGE_TOKENS


@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="needs the extra 'local'")
def test_english_is_near_what_the_tokeniser_counts_and_nothing_is_above_the_most() -> None:
    text = (resources.files("tocsin.benchmarks.language") / "starter.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.splitlines()]
    with server() as url:
        real = dict.fromkeys(("en", "zh"), 0)
        for row in rows:
            real[row["language"]] += counted(url, row["prompt"])
    told = {lang: [of_text(row["prompt"]) for row in rows if row["language"] == lang] for lang in real}
    assert sum(one.expected for one in told["en"]) == pytest.approx(real["en"], rel=0.2)
    for lang, tokens in real.items():
        assert tokens <= sum(one.most or 0 for one in told[lang]), lang
