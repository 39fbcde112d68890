"""DarkCite: which source is cited, and what the target reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import pytest

from tests.attacks.played import TEA, play
from tocsin.attacks import make
from tocsin.attacks.transform.darkcite import SOURCES, Source
from tocsin.types import Message

CITATION = "Ivanova, O. On Strong Infusions. *Annals of Invented Kitchens*, vol. 3, no. 1, 1988, pp. 12-19."
SUBJECT = "the preparation of strong tea"


def attacker(messages: Sequence[Message]) -> str:
    """A double of the attacker: cites a source of the last type that it was offered."""
    types = [line[2:].partition(":")[0] for line in messages[0].text.splitlines() if line.startswith("- ")]
    return "Here: " + json.dumps({"source": types[-1].upper(), "subject": SUBJECT, "citation": CITATION})


def test_the_target_reads_citation_and_subject_and_not_the_request(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("darkcite"), target="Method: Fill the samovar.", attacker=attacker)
    (prompt,) = played.prompts
    assert CITATION in prompt
    assert prompt.partition("example from it of: ")[2].startswith(SUBJECT)
    assert SOURCES["expert-blog"][0] in prompt.partition(CITATION)[0]
    assert TEA.prompt not in prompt
    assert TEA.prompt in played.attacker.asked[0][-1].text
    assert played.record["outcome"] == "unsafe"


def test_the_attacker_chooses_among_all_types_by_what_they_are_trusted_for(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("darkcite"), target="No.", attacker=attacker)
    system = played.attacker.asked[0][0].text
    assert all(f"- {name}: {trusted}" in system for name, (_, trusted) in SOURCES.items())


@pytest.mark.parametrize("source", SOURCES)
def test_a_type_that_is_named_is_the_only_one(tmp_path: Path, source: str) -> None:
    played = play(tmp_path / "r", make("darkcite", {"cited": source}), target="No.", attacker=attacker)
    system = played.attacker.asked[0][0].text
    assert [name for name in SOURCES if f"- {name}:" in system] == [source]
    assert f"the {SOURCES[source][0]} that is cited" in played.prompts[0]


def test_a_citation_of_another_type_than_was_named_is_not_delivered(tmp_path: Path) -> None:
    def wilful(messages: Sequence[Message]) -> str:
        return json.dumps({"source": "news-report", "subject": SUBJECT, "citation": CITATION})

    played = play(tmp_path / "r", make("darkcite", {"cited": "white-paper"}), target="No.", attacker=wilful)
    assert (played.record["outcome"], played.record["reason"], played.prompts) == ("error", "not_delivered", [])
    free = play(tmp_path / "f", make("darkcite"), target="No.", attacker=wilful)
    assert SOURCES["news-report"][0] in free.prompts[0]


def test_every_type_can_be_named() -> None:
    assert set(get_args(Source)) == {"fitting", *SOURCES}
    with pytest.raises(ValueError, match="cited"):
        make("darkcite", {"cited": "rumour"})
