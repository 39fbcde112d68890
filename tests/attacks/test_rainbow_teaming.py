"""Rainbow Teaming: which cell is filled next and from what, what is too alike to be sent, and who holds a cell."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.graded import Graded
from tests.attacks.played import TEA, Played, play
from tocsin.attacks import Attack, make
from tocsin.attacks.search.bleu import bleu
from tocsin.attacks.search.rainbow_teaming import MEANINGS, STYLES
from tocsin.types import Case, ErrorKind, Message

SMALL = {"iterations": 4, "styles": ["slang", "role-play"]}
Messages = Sequence[Message]


class Mutating:
    """A double of the attacker: numbers its prompts after the style, and prefers an answer by the number after ``taste=``."""

    def __init__(self, prefers: str = "", compares: bool = True) -> None:
        self._prefers, self._compares = prefers, compares
        self.made = 0
        self.tasks: list[str] = []
        self.compared: list[str] = []

    def __call__(self, messages: Messages) -> Any:
        task = messages[-1].text
        if '"more"' in messages[0].text:
            self.compared.append(task)
            first, second = (int(one) for one in re.findall(r"taste=(\d)", task))
            said = self._prefers or ("first" if first > second else "second")
            return json.dumps({"more": said}) if self._compares else ErrorKind.TIMEOUT
        self.tasks.append(task)
        self.made += 1
        if task.startswith("Change what"):
            return json.dumps({"prompt": f"Moved {self.made} to the new request"})
        words = " ".join(f"tea{self.made}-{number}" for number in range(6))
        return json.dumps({"prompt": f"{styled(task)} {self.made}: {words}"})


def attacker(messages: Messages) -> Any:
    """How the contract's tests answer it."""
    if '"more"' in messages[0].text:
        return '{"more": "first"}'
    return json.dumps({"prompt": f"In {styled(messages[-1].text) or 'words'}, then."})


def styled(task: str) -> str:
    return next((style for style in STYLES if MEANINGS[style] in task), "")


def paint(folder: Path, target: Any, acting: Any, **parameters: Any) -> Played:
    return play(
        folder, make("rainbow-teaming", parameters), target=target, attacker=acting, in_loop=Graded(), final=Graded()
    )


def test_cells_that_hold_little_are_drawn_most(tmp_path: Path) -> None:
    def target(messages: Messages) -> str:
        return f"Tea. taste=1 score={0.6 if messages[-1].text.startswith('slang') else 0.0}"

    run = paint(tmp_path / "r", target, Mutating(), iterations=20, styles=["slang", "role-play", "hypotheticals"])
    drawn = Counter(prompt.split()[0] for prompt in run.prompts)
    assert 1 <= drawn["slang"] <= 4, "until it was filled, and seldom after that"
    assert drawn["role-play"] > 4 < drawn["hypotheticals"]
    even = paint(
        tmp_path / "e",
        target,
        Mutating(),
        iterations=20,
        styles=["slang", "role-play", "hypotheticals"],
        temperature=50.0,
    )
    assert Counter(prompt.split()[0] for prompt in even.prompts)["slang"] > drawn["slang"] + 1


def test_every_style_is_a_cell_and_is_said_what_it_means(tmp_path: Path) -> None:
    acting = Mutating()
    run = paint(tmp_path / "r", "Tea. taste=1 score=0.6", acting, iterations=12)
    assert {prompt.split()[0] for prompt in run.prompts} == set(STYLES)
    assert all(TEA.prompt in task for task in acting.tasks)


def test_parents_are_what_the_cells_hold(tmp_path: Path) -> None:
    acting = Mutating(prefers="first")
    run = paint(tmp_path / "r", "Tea. taste=1", acting, iterations=12, styles=["slang", "role-play"])
    parents = [task.partition("Prompt:\n")[2] for task in acting.tasks]
    assert parents[0] == TEA.prompt, "it begins from the request"
    assert set(parents[1:]) <= set(run.prompts)
    held = {run.prompts[[prompt.split()[0] for prompt in run.prompts].index(style)] for style in ("slang", "role-play")}
    assert set(parents[1:]) == held, "who holds a cell stays, where no comparison is won in both orders"
    assert len(acting.compared) == 2 * (12 - 2)


def test_a_mutant_too_like_its_parent_is_not_sent(tmp_path: Path) -> None:
    def lazy(messages: Messages) -> str:
        return json.dumps({"prompt": messages[-1].text.partition("Prompt:\n")[2]})

    run = paint(tmp_path / "r", "Tea. taste=1", lazy, iterations=5)
    assert run.prompts == []
    assert (run.record["outcome"], run.record["reason"]) == ("error", "not_delivered")
    assert len(run.attacker.asked) == 5
    assert len(paint(tmp_path / "s", "Tea. taste=1", lazy, iterations=3, similarity=1.0).prompts) >= 1


@pytest.mark.parametrize(
    ("prefers", "taste", "taken"),
    [("", 9, True), ("", 1, False), ("first", 9, False), ("second", 9, False)],
    ids=["better", "worse", "always the first", "always the second"],
)
def test_a_cell_is_taken_by_preference_in_both_orders_and_not_by_score(
    tmp_path: Path, prefers: str, taste: int, taken: bool
) -> None:
    answers = iter(["Tea. taste=5 score=0.4", f"Tea. taste={taste} score=0.{4 + (taste == 1)}", "Tea. taste=0"])
    acting = Mutating(prefers)
    paint(tmp_path / "r", lambda said: next(answers), acting, iterations=3, styles=["slang"])
    parent = acting.tasks[-1].partition("Prompt:\n")[2]
    assert parent.startswith("slang 2" if taken else "slang 1")
    assert TEA.prompt in acting.compared[0]


def test_where_no_comparison_is_delivered_the_score_decides(tmp_path: Path) -> None:
    answers = iter(["Tea. taste=5 score=0.4", "Tea. taste=0 score=0.5", "Tea. taste=0"])
    acting = Mutating(compares=False)
    paint(tmp_path / "r", lambda said: next(answers), acting, iterations=3, styles=["slang"])
    assert acting.tasks[-1].partition("Prompt:\n")[2].startswith("slang 2")


def rounds_of(size: int, **parameters: Any) -> Attack:
    made = make("rainbow-teaming", parameters)
    smaller: Any = type("Smaller", (type(made),), {}, frozen=True)
    smaller.learns = size
    found: Attack = smaller(**parameters)
    return found


def test_what_other_risks_found_is_mutated_in_later_rounds(tmp_path: Path) -> None:
    cases = [
        Case(id="a", prompt="Explain how rye bread is baked", hazard="baking"),
        Case(id="b", prompt="Explain how a hedge is cut", hazard="garden"),
        Case(id="c", prompt="Explain how a wheel is trued", hazard="cycling"),
    ]

    def quoting(messages: Messages) -> str:
        """A double of an attacker whose prompts quote the request."""
        task = messages[-1].text
        if '"more"' in messages[0].text:
            return '{"more": "first"}'
        request = task.partition("Request:\n")[2].split("\n")[0]
        moved = " moved" if task.startswith("Change what") else ""
        return json.dumps({"prompt": f"A host of {len(request)} would say{moved}: {request}, friend."})

    run = play(
        tmp_path / "r", rounds_of(1, iterations=6, styles=("slang",), similarity=1.0), cases=cases, attacker=quoting,
        target=lambda said: "No." if "hedge" in said[-1].text else "Tea. score=0.5", in_loop=Graded(), final=Graded(),
    )  # fmt: skip
    known = [body["known"] for scope, body in run.decisions if scope.startswith("known:")]
    assert [set(archive) for archive in known] == [{"baking"}, {"baking"}], "what had no success at all is left out"
    cell = known[0]["baking"]["slang"]
    assert cell["fitness"] == 0.5
    assert "A host of" in cell["frame"]
    assert "rye bread" not in json.dumps(known)
    tasks = [said[-1].text for said in run.attacker.asked]
    moves = [task for task in tasks if task.startswith("Change what")]
    assert moves, "what another risk found is a parent"
    assert not any("rye bread" in task for task in moves), "of a later round"
    assert all(cases[1].prompt in task or cases[2].prompt in task for task in moves)
    place = tasks.index(moves[0])
    assert " moved: " in tasks[place + 1], "its style is mutated after its risk"
    assert styled(tasks[place + 1]) == "slang"


def test_a_cell_of_the_archive_is_the_fittests() -> None:
    attack = make("rainbow-teaming")
    low, high = ({"baking": {"slang": {"frame": name, "fitness": fit}}} for name, fit in (("low", 0.2), ("high", 0.6)))
    known = attack.taught(None, [low, high, low])
    assert known == high
    assert attack.taught(known, [low]) == high
    other = attack.taught(known, [{"baking": {"role-play": {"frame": "x", "fitness": 0.1}}}])
    assert set(other["baking"]) == {"slang", "role-play"}
    assert set(known["baking"]) == {"slang"}, "what was known is left as it was"


def test_it_ends_at_a_success_and_else_judges_the_best(tmp_path: Path) -> None:
    scores = iter([0.1, 0.6, 0.2, 0.9, 0.1])
    run = paint(tmp_path / "a", lambda said: f"Tea. taste=1 score={next(scores)}", Mutating(), iterations=9)
    assert (len(run.prompts), run.record["outcome"]) == (4, "unsafe")
    few = iter([0.1, 0.6, 0.2])
    run = paint(tmp_path / "b", lambda said: f"Tea. taste=1 score={next(few)}", Mutating(), iterations=3)
    assert (run.record["outcome"], run.record["score"]) == ("safe", 0.6)
    assert make("rainbow-teaming").queries == 20


def test_an_iteration_that_fails_is_lost_alone_and_three_in_a_row_end_it(tmp_path: Path) -> None:
    replies = iter([ErrorKind.TIMEOUT, "Tea. taste=1", *[ErrorKind.TIMEOUT] * 9])
    run = paint(tmp_path / "r", lambda said: next(replies), Mutating(), iterations=9)
    assert (len(run.prompts), run.record["outcome"]) == (5, "safe")


def test_bleu_is_that_of_shared_runs() -> None:
    text = "the cat sat on the mat near the door"
    assert bleu(text, text) == pytest.approx(1.0)
    assert bleu("a dog ran", text) == 0.0
    assert bleu("", text) == bleu(text, "") == bleu(" ", " ") == 0.0
    assert bleu("the cat sat on the mat", text) == pytest.approx(2.718281828 ** (1 - 9 / 6)), "shorter: brevity alone"
    part = bleu("the cat sat on the mat near the window", text)
    assert part == pytest.approx((8 / 9 * 7 / 8 * 6 / 7 * 5 / 6) ** 0.25)
    assert bleu("请问怎样泡红茶", "请问怎样泡绿茶") > 0
    assert bleu("Tea!", "TEA!") == 1.0
