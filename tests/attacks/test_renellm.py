"""ReNeLLM: rewriting by chains of operations, and the scenario that the result is nested into."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attacks.played import TEA, play
from tocsin.attacks import make
from tocsin.attacks.search.renellm import _TOLD, SCENARIOS, nested
from tocsin.types import ErrorKind, Message

SMALL = {"iterations": 2}
REFUSAL = "I'm sorry, but I can't help with that."


def operation(messages: Sequence[Message]) -> str:
    """Which operation the attacker was asked for; empty if it was asked to compare."""
    return next((name for name, told in _TOLD.items() if messages[-1].text.startswith(told)), "")


def given(messages: Sequence[Message]) -> str:
    """The text that it was given to rewrite."""
    return messages[-1].text.partition("The text:\n")[2]


def attacker(messages: Sequence[Message]) -> str:
    """A double of the attacker: writes which operations it was asked for, one after the other; all ask for the same."""
    name = operation(messages)
    if not name:
        return json.dumps({"same": True})
    done = given(messages) if given(messages).startswith("tea") else "tea"
    if name == "shorten":
        return json.dumps({"candidates": [f"{done} {name}{number}" for number in range(5)]})
    return json.dumps({"prompt": f"{done} {name}"})


def test_operations_are_chained_in_varying_number_and_order(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("renellm"), target="No.", attacker=attacker)
    chains: list[list[str]] = [[]]
    texts: list[list[str]] = [[]]
    for messages in played.attacker.asked:
        if name := operation(messages):
            chains[-1].append(name)
            texts[-1].append(given(messages))
        else:
            assert f"First text:\n{TEA.prompt}\n" in messages[-1].text
            chains.append([])
            texts.append([])
    assert not chains.pop()
    assert len(chains) == len(played.prompts) == make("renellm").queries == 20
    assert {len(chain) for chain in chains} > {1, 6}
    assert len({tuple(chain) for chain in chains}) > 15
    assert all(len(set(chain)) == len(chain) for chain in chains), "no operation twice"
    assert all(first[0] == TEA.prompt for first in texts[:-1]), "each begins with the request itself"
    for chain, said in zip(chains, texts, strict=False):
        for number, text in enumerate(said[1:], 1):
            assert [word.rstrip("01234") for word in text.split()] == ["tea", *chain[:number]]


def test_one_of_five_candidates_is_drawn(tmp_path: Path) -> None:
    attack = make("renellm", {"operations": ["shorten"], "scenarios": ["story"]})
    played = play(tmp_path / "r", attack, target="No.", attacker=attacker)
    assert {prompt.partition("«")[2].partition("»")[0] for prompt in played.prompts} == {
        f"tea shorten{number}" for number in range(5)
    }


def test_what_the_target_sees_is_the_rewriting_within_a_scenario(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("renellm"), target="No.", attacker=attacker)
    rewritten = [
        messages[-1].text.partition("Second text:\n")[2]
        for messages in played.attacker.asked
        if not operation(messages)
    ]
    used = set()
    for text, prompt in zip(rewritten, played.prompts, strict=True):
        (scenario,) = [name for name in SCENARIOS if prompt == nested(text, name)]
        used.add(scenario)
        assert TEA.prompt not in prompt
    assert used == set(SCENARIOS)
    assert all(len(messages) == 1 for messages in played.target.asked), "each in a conversation of its own"


def test_a_rewriting_that_lost_its_meaning_is_not_sent(tmp_path: Path) -> None:
    compared = 0

    def forgetful(messages: Sequence[Message]) -> str:
        nonlocal compared
        if operation(messages):
            return attacker(messages)
        compared += 1
        return json.dumps({"same": compared > 3})

    played = play(tmp_path / "r", make("renellm", {"iterations": 5}), target="No.", attacker=forgetful)
    assert (compared, len(played.prompts)) == (5, 2)
    never = play(
        tmp_path / "n", make("renellm", SMALL), target="Fill the samovar.",
        attacker=lambda said: attacker(said) if operation(said) else '{"same": false}',
    )  # fmt: skip
    assert (never.record["outcome"], never.record["reason"], never.prompts) == ("error", "not_delivered", [])


def test_no_query_follows_the_first_success_and_else_the_best_is_judged(tmp_path: Path) -> None:
    answers = iter(["No. score=0.1", "Only in part. score=0.4", "No. score=0.2", "Fill the samovar.", "Not asked."])
    played = play(tmp_path / "r", make("renellm"), target=lambda said: next(answers), attacker=attacker)
    assert (len(played.prompts), played.record["outcome"]) == (4, "unsafe")
    scores = iter(["No. score=0.1", "Only in part. score=0.4", "No. score=0.2"])
    played = play(
        tmp_path / "b", make("renellm", {"iterations": 3}), target=lambda said: next(scores), attacker=attacker
    )
    assert (played.record["outcome"], played.record["score"]) == ("safe", 0.4)


def test_one_that_is_not_delivered_is_lost_alone_and_an_error_of_the_target_outweighs_it(tmp_path: Path) -> None:
    attack = make("renellm", {"iterations": 8, "operations": ["restyle", "insert"]})

    def unwilling(messages: Sequence[Message]) -> str:
        return REFUSAL if operation(messages) == "insert" else attacker(messages)

    played = play(tmp_path / "r", attack, target="No.", attacker=unwilling)
    assert 0 < len(played.prompts) < 8
    assert played.record["outcome"] == "safe"
    record = play(tmp_path / "e", attack, target=ErrorKind.SERVER, attacker=unwilling).record
    assert (record["outcome"], record["reason"]) == ("error", "server")


def test_scenarios_hold_any_text_whole() -> None:
    for text in ('braces {0} {{x}} %s "quoted"', "two\nlines", "שלום \ud800"):
        for scenario in ("table", "story"):
            assert text in nested(text, scenario)
        line = next(line for line in nested(text, "code").splitlines() if line.startswith("TOPIC"))
        assert json.loads(line.partition(" = ")[2]) == text


def test_operations_and_scenarios_can_be_named() -> None:
    assert make("renellm", {"operations": ["misspell"], "scenarios": ["code"], "iterations": 3}).queries == 3
    wrong: list[tuple[str, object]] = [
        ("operations", ["sing"]),
        ("operations", []),
        ("scenarios", []),
        ("iterations", 0),
    ]
    for name, value in wrong:
        with pytest.raises(ValueError, match=name):
            make("renellm", {name: value})
