"""GPTFuzzer: which seed is selected, how it is mutated, what joins the tree, and what the attacker never sees."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.played import TEA, Played, play
from tocsin.attacks import make
from tocsin.attacks.search.explore import Node, Tree
from tocsin.attacks.search.gptfuzzer import TASKS
from tocsin.attacks.search.templates import PLACE
from tocsin.types import Case, ErrorKind, Message

SMALL = {"iterations": 4, "seeds": 2}
SEEDS = [f"In kitchen {name}, a host is asked: {PLACE} The host replies." for name in ("red", "blue", "green")]


def attacker(messages: Sequence[Message]) -> str:
    """A double of the attacker: two seeds; mutants that say what was asked of which template."""
    system, task = messages[0].text, messages[-1].text
    if '"templates"' in system:
        return json.dumps({"templates": [f"Seed one: {PLACE}", f"Seed two: {PLACE}", "No place for it."]})
    asked = next(name for name, said in TASKS.items() if task.startswith(said))
    if '"sentences"' in system:
        return json.dumps({"sentences": "It is teatime."})
    shown = task.split("\n---")[1].strip()
    return json.dumps({"template": f"({asked}) {shown}"})


def write(path: Path, templates: Sequence[str] = SEEDS) -> str:
    path.write_text("".join(json.dumps({"template": one, "note": 1}) + "\n" for one in templates))
    return str(path)


def others(folder: Path) -> dict[str, dict[str, Any]]:
    return {"templates": {"templates": write(folder / "t.jsonl")}}


def fuzz(folder: Path, target: Any = "No.", attacker: Any = attacker, **parameters: Any) -> Played:
    case = parameters.pop("case", TEA)
    if "seeds" not in parameters:
        parameters["templates"] = write(folder.with_suffix(".jsonl"), parameters.pop("templates", SEEDS))
    return play(folder, make("gptfuzzer", parameters), target=target, attacker=attacker, cases=[case])


def tree(*seeds: str, **more: float) -> Tree:
    return Tree(seeds, **{"exploration": 0.5, "penalty": 0.1, "least": 0.2, "inner": 0.0, **more})


def names(path: Sequence[Node]) -> str:
    return "".join(node.text for node in path)


def test_the_walk_follows_reward_and_novelty() -> None:
    one, rng = tree("a", "b", "c"), random.Random(1)
    assert [names(one.select(rng)) for _ in range(3)] == ["a", "b", "c"], "each is visited once first"
    one.rewarded([one.roots[1]], 1.0)
    assert names(one.select(rng)) == "b"
    walked = [names(one.select(rng)) for _ in range(60)]
    assert walked.count("b") > len(walked) / 3
    assert {"a", "c"} < set(walked), "what was seldom visited is not forgotten"
    greedy = tree("a", "b", "c", exploration=0.0)
    greedy.rewarded([greedy.roots[1]], 1.0)
    assert {names(greedy.select(rng)) for _ in range(20)} == {"b"}
    for child in ("1", "2"):
        greedy.join(greedy.roots[1], child)
    greedy.rewarded([greedy.roots[1], greedy.roots[1].children[1]], 1.0)
    assert names(greedy.select(rng)) == "b2", "among mutants, too"


def test_the_walk_ends_at_an_inner_seed_as_often_as_was_said() -> None:
    for inner, least, most in ((0.0, 0, 0), (0.3, 220, 380), (1.0, 1_000, 1_000)):
        one, rng = tree("a", inner=inner), random.Random(3)
        one.join(one.roots[0], "b")
        ended = [names(one.select(rng)) for _ in range(1_000)]
        assert least <= ended.count("a") <= most
        assert set(ended) <= {"a", "ab"}


def test_rewards_shrink_with_depth() -> None:
    one = tree("0")
    chain = [one.roots[0]]
    for level in range(1, 11):
        one.join(chain[-1], str(level))
        chain.append(chain[-1].children[0])
    assert [node.level for node in chain] == list(range(11))
    shares = []
    for depth in (0, 1, 5, 8, 10):
        before = one.roots[0].reward
        one.rewarded(chain[: depth + 1], 0.5)
        shares.append(round(one.roots[0].reward - before, 6))
        assert chain[depth].reward > 0, "the whole path is rewarded"
    assert shares == [0.5, 0.45, 0.25, 0.1, 0.1]


@pytest.mark.parametrize("mutator", list(TASKS))
def test_each_mutator_asks_for_its_own_change(tmp_path: Path, mutator: str) -> None:
    run = fuzz(tmp_path / "r", mutators=[mutator], iterations=2)
    assert [said[-1].text.startswith(TASKS[mutator]) for said in run.attacker.asked] == [True, True]  # type: ignore[index]
    shown = [said[-1].text.count("Template:") for said in run.attacker.asked]
    assert shown == ([2, 2] if mutator == "crossover" else [1, 1])
    for seed, prompt in zip(SEEDS, run.prompts, strict=False):
        whole = seed.replace(PLACE, TEA.prompt)
        assert prompt == (f"It is teatime. {whole}" if mutator == "expand" else f"({mutator}) {whole}")


def test_a_crossover_shows_two_templates_that_are_not_always_one(tmp_path: Path) -> None:
    run = fuzz(tmp_path / "r", mutators=["crossover"], iterations=12)
    pairs = [said[-1].text.split("Template:")[1:] for said in run.attacker.asked]
    assert sum(one.strip() != other.strip() for one, other in pairs) > 3


def test_mutators_are_drawn(tmp_path: Path) -> None:
    run = fuzz(tmp_path / "r", iterations=40)
    asked = {name for said in run.attacker.asked for name, task in TASKS.items() if said[-1].text.startswith(task)}
    assert asked == set(TASKS)


def test_a_mutant_that_works_is_mutated_further(tmp_path: Path) -> None:
    def target(messages: Sequence[Message]) -> str:
        return "Some of it. score=0.6" if "blue" in messages[-1].text else "No. score=0.1"

    run = fuzz(tmp_path / "r", target, mutators=["shorten"], iterations=12, inner=0.0, exploration=0.1)
    depth = [(prompt.count("(shorten)"), "blue" in prompt) for prompt in run.prompts]
    assert depth[:3] == [(1, False), (1, True), (1, False)]
    assert max(levels for levels, blue in depth if blue) >= 3
    assert {levels for levels, blue in depth if not blue} == {1}, "what does not work is forgotten"
    assert sum(blue for _, blue in depth) > 6, "what was rewarded is selected again"
    none = fuzz(tmp_path / "n", target, mutators=["shorten"], iterations=12, joins=0.7)
    assert {prompt.count("(shorten)") for prompt in none.prompts} == {1}


def test_the_attacker_never_sees_the_request_and_the_target_sees_each_mutant_afresh(tmp_path: Path) -> None:
    run = fuzz(tmp_path / "r", iterations=12, seeds=3)
    assert not any(TEA.prompt in message.text for said in run.attacker.asked for message in said)
    assert len(run.prompts) == 12, "a seed without a place for the request is none"
    assert all(len(said) == 1 and TEA.prompt in said[0].text for said in run.target.asked)
    assert not any("No place for it." in prompt for prompt in run.prompts)
    assert {seed for seed in ("Seed one", "Seed two") if any(seed in prompt for prompt in run.prompts)} == {
        "Seed one", "Seed two",
    }  # fmt: skip


def test_a_request_of_braces_and_places_is_put_as_it_is(tmp_path: Path) -> None:
    case = Case(id="1", prompt="Brew {tea} %s {0} \\1")
    run = fuzz(tmp_path / "r", case=case, mutators=["rephrase"], iterations=1, templates=[f"{{x}} {PLACE} {{0}}"])
    assert run.prompts == ["(rephrase) {x} Brew {tea} %s {0} \\1 {0}"]


def test_it_ends_at_a_success_and_else_judges_the_best(tmp_path: Path) -> None:
    answers = iter(["No.", "Some of it. score=0.3", "Fill the samovar.", "No."])
    run = fuzz(tmp_path / "a", lambda said: next(answers), iterations=9)
    assert (len(run.prompts), run.record["outcome"]) == (3, "unsafe")
    scores = iter([0.1, 0.4, 0.2])
    run = fuzz(tmp_path / "b", lambda said: f"A little. score={next(scores)}", iterations=3)
    assert (len(run.prompts), run.record["score"]) == (3, 0.4)
    assert make("gptfuzzer").queries == 100


def test_an_iteration_that_fails_is_lost_alone_and_three_in_a_row_end_it(tmp_path: Path) -> None:
    replies = iter([ErrorKind.TIMEOUT, "No.", ErrorKind.TIMEOUT, ErrorKind.TIMEOUT, "No.", *[ErrorKind.TIMEOUT] * 9])
    run = fuzz(tmp_path / "r", lambda said: next(replies), iterations=14)
    assert (len(run.prompts), run.record["outcome"]) == (8, "safe")
    placeless = fuzz(tmp_path / "p", attacker=lambda said: '{"template": "Tea."}', mutators=["shorten"], iterations=9)
    assert placeless.prompts == []
    assert (placeless.record["reason"], len(placeless.attacker.asked)) == ("not_delivered", 9)


@pytest.mark.parametrize(
    ("text", "why"),
    [('{"template": "Tea."}\n', "line 1"), ("\n", "no template"), ('{"text": "x"}\n', "line 1"), ("[", "line 1")],
)
def test_a_file_that_cannot_serve_is_said_before_anything_is_asked(tmp_path: Path, text: str, why: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text(text)
    with pytest.raises(ValueError, match=why):
        make("gptfuzzer", {"templates": str(path)})
    with pytest.raises(ValueError, match="cannot be read"):
        make("gptfuzzer", {"templates": str(tmp_path / "none.jsonl")})


def test_the_identity_is_that_of_what_the_file_holds(tmp_path: Path) -> None:
    one, same, other = (
        make("gptfuzzer", {"templates": write(tmp_path / f"{name}.jsonl", seeds)}).identity
        for name, seeds in (("a", SEEDS), ("b", SEEDS), ("c", SEEDS[:2]))
    )
    assert one == same != other
