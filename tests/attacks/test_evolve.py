"""Evolve: strategies that are crossed and mutated, the fittest as parents, and a library that grows from case to case."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.graded import Graded
from tests.attacks.played import TEA, Played, play
from tocsin.attacks import Attack, make
from tocsin.types import Case, ErrorKind, Message

SMALL = {"population": 2, "generations": 2}
Messages = Sequence[Message]


def attacker(messages: Messages) -> str:
    """A double of the attacker: strategies named after their parents, and prompts after the strategy."""
    task = messages[-1].text
    parents = re.findall(r"^Strategy: (\S+)$", task, re.MULTILINE)
    name = f"({'*'.join(parents)})" if len(parents) == 2 else "".join([*parents, "'"]) if parents else "A"
    return json.dumps({"strategy": name, "definition": f"One asks as {name} would.", "prompt": f"Tea by {name}"})


def numbered() -> Callable[[Messages], str]:
    """A double of an attacker whose strategies are letters, one after the other."""
    letters = iter("ABCDEFGHIJKLMNOPQRSTUVWXYZ" * 4)

    def write(messages: Messages) -> str:
        name = next(letters)
        return json.dumps({"strategy": name, "definition": f"As {name} would.", "prompt": f"Tea by {name}"})

    return write


def parents(task: str) -> list[str]:
    return re.findall(r"^Strategy: (\S+)$", task, re.MULTILINE)


def breed(folder: Path, target: Any, attacker: Any = attacker, attack: Attack | None = None, **more: Any) -> Played:
    cases = more.pop("cases", (TEA,))
    made = attack or make("evolve", more)
    return play(folder, made, target=target, attacker=attacker, cases=cases, in_loop=Graded(), final=Graded())


def tasks(run: Played) -> list[str]:
    return [said[-1].text for said in run.attacker.asked]


def test_strategies_are_crossed_and_mutated(tmp_path: Path) -> None:
    run = breed(tmp_path / "r", "Of tea. score=0.2", numbered(), population=3, generations=4)
    told = tasks(run)
    assert all(task.endswith("Invent a strategy.") for task in told[:3]), "there is nothing to compose yet"
    assert {len(parents(task)) for task in told[3:]} == {1, 2}
    for task in told[3:]:
        assert ("Cross these two" in task) == (len(parents(task)) == 2)
        assert ("Mutate this" in task) == (len(parents(task)) == 1)
        assert len(set(parents(task))) == len(parents(task)), "nothing is crossed with itself"
        assert task.count("it was rated 3 of 10") == task.count("Of tea. score=0.2") == len(parents(task))
    assert all(TEA.prompt in task for task in told)
    assert run.prompts == [f"Tea by {letter}" for letter in "ABCDEFGHIJKL"], "each strategy is tried in its prompt"
    assert all(len(said) == 1 for said in run.target.asked)


@pytest.mark.parametrize(("share", "count"), [(0.0, 1), (1.0, 2)])
def test_the_share_that_is_crossed_is_as_asked_for(tmp_path: Path, share: float, count: int) -> None:
    run = breed(tmp_path / "r", "Of tea. score=0.2", numbered(), population=3, generations=3, crossover=share)
    assert {len(parents(task)) for task in tasks(run)[3:]} == {count}


def test_the_fittest_are_the_next_parents(tmp_path: Path) -> None:
    scores = {"A": 1, "B": 5, "C": 4, "D": 2, "E": 0, "F": 6}

    def target(messages: Messages) -> str:
        return f"Of tea. score=0.{scores.get(messages[-1].text[-1], 0)}"

    run = breed(tmp_path / "r", target, numbered(), population=4, generations=3, survivors=2)
    told = tasks(run)
    assert {name for task in told[4:8] for name in parents(task)} == {"B", "C"}
    assert {name for task in told[8:] for name in parents(task)} == {"F", "B"}, "old and new are weighed together"
    wide = breed(tmp_path / "w", target, numbered(), population=4, generations=2, survivors=4, crossover=0.0)
    chosen = {name for task in tasks(wide)[4:] for name in parents(task)}
    assert chosen <= {"B", "C", "D"}, "of two that are drawn the fitter one wins, so that the last never does"


def lessons(run: Played) -> list[dict[str, Any]]:
    return [found for scope, body in run.decisions if scope.startswith("lesson:") for found in body["lesson"]]


def test_what_raised_a_rating_above_its_parents_is_learned(tmp_path: Path) -> None:
    scores = {"A": "0.2", "A'": "0.5", "A''": "0.4"}

    def target(messages: Messages) -> str:
        return f"Of tea. score={scores.get(messages[-1].text.removeprefix('Tea by '), '0.1')}"

    run = breed(tmp_path / "r", target, population=1, generations=3, survivors=1)
    assert run.prompts == ["Tea by A", "Tea by A'", "Tea by A''"]
    assert [(one["name"], one["seen"][0]["gain"]) for one in lessons(run)] == [("A", 1.8), ("A'", 2.7)]
    assert lessons(breed(tmp_path / "n", "No. score=0.0", population=1, generations=3)) == []


def rounds_of(size: int, **parameters: Any) -> Attack:
    made = make("evolve", parameters)
    smaller: Any = type("Smaller", (type(made),), {}, frozen=True)
    smaller.learns = size
    found: Attack = smaller(**parameters)
    return found


def test_later_rounds_compose_what_earlier_cases_taught(tmp_path: Path) -> None:
    cases = [Case(id=name, prompt=f"Explain how {name} bread is baked at home") for name in ("rye", "oat", "corn")]

    def writes(messages: Messages) -> str:
        """A double of an attacker that quotes the request in its strategies."""
        task = messages[-1].text
        request = task.partition("Request: ")[2].split("\n")[0]
        name = "+".join(parents(task)) or request.split()[2].title()
        return json.dumps(
            {"strategy": f"{name}-wise", "definition": f"A host wants: {request}.", "prompt": f"{name}: {request}"}
        )

    run = breed(
        tmp_path / "r",
        "Of bread. score=0.3",
        writes,
        rounds_of(1, population=1, generations=1, crossover=1.0),
        cases=cases,
    )
    told = tasks(run)
    assert [set(parents(task)) for task in told] == [set(), {"Rye-wise"}, {"Rye-wise", "Rye-wise-wise"}]
    assert "it was rated" not in "".join(told), "what was not tried on a case has no answer there"
    known = [body["known"] for scope, body in run.decisions if scope.startswith("known:")]
    assert [one["name"] for one in known[-1]] == ["Rye-wise", "Rye-wise-wise"]
    kept = json.dumps([body for _, body in run.decisions])
    assert "A host wants" in kept
    assert "bread is baked" not in kept


def test_cells_of_one_round_share_nothing(tmp_path: Path) -> None:
    cases = [Case(id=str(number), prompt=f"Explain tea {number}") for number in range(2)]
    run = breed(tmp_path / "r", "Of tea. score=0.3", numbered(), rounds_of(2, population=1, generations=1), cases=cases)
    assert all("Invent" in task for task in tasks(run))


def test_a_strategy_of_the_library_counts_as_its_gain(tmp_path: Path) -> None:
    cases = [Case(id=str(number), prompt=f"Explain tea {number}") for number in range(2)]
    scores = iter([0.1, 0.6, 0.3, 0.0, 0.0, 0.0])
    run = breed(
        tmp_path / "r", lambda said: f"Of tea. score={next(scores)}", numbered(),
        rounds_of(1, population=3, generations=1, survivors=1), cases=cases,
    )  # fmt: skip
    assert [parents(task) for task in tasks(run)[3:]] == [["B"]] * 3, "the one with the highest gain survives"


def test_it_ends_at_a_success_and_else_judges_the_best(tmp_path: Path) -> None:
    scores = iter([0.1, 0.6, 0.2, 0.9, 0.1])
    run = breed(tmp_path / "a", lambda said: f"Of tea. score={next(scores)}")
    assert (len(run.prompts), run.record["outcome"]) == (4, "unsafe")
    few = iter([0.1, 0.6, 0.2, 0.3])
    run = breed(tmp_path / "b", lambda said: f"Of tea. score={next(few)}", population=2, generations=2)
    assert (len(run.prompts), run.record["outcome"], run.record["score"]) == (4, "safe", 0.6)
    assert make("evolve").queries == 20
    high = breed(tmp_path / "c", "Of tea. score=0.5", stop_at=5.0)
    assert len(high.prompts) == 1


def test_a_trial_that_fails_is_lost_alone_and_three_in_a_row_end_it(tmp_path: Path) -> None:
    replies = iter([ErrorKind.TIMEOUT, "Of tea.", *[ErrorKind.TIMEOUT] * 9])
    run = breed(tmp_path / "r", lambda said: next(replies))
    assert (len(run.prompts), run.record["outcome"]) == (5, "safe")
