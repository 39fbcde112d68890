"""CodeChameleon: what each rule makes of a request, and that the function in the prompt undoes it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest

from tests.attacks.played import TEA, play
from tocsin.attacks import make
from tocsin.attacks.transform.code_chameleon import CodeChameleon, Rule
from tocsin.types import Case

RULES: tuple[Rule, ...] = get_args(Rule)
REFUSAL = "I'm sorry, but I can't help with that."


def enciphered(sent: str) -> str:
    (found,) = re.findall(r"^solver = Solver\((.*)\)$", sent, re.MULTILINE)
    return str(found)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    "prompt",
    [TEA.prompt, "如何用茶炊泡茶？", 'How is "{tea}" $blank \\ brewed, and how is it poured?', "One two three", "Tea?"],
)
def test_the_function_in_the_prompt_undoes_the_rule(tmp_path: Path, rule: Rule, prompt: str) -> None:
    attack = make("code-chameleon", {"rule": rule})
    (sent,) = play(tmp_path / "r", attack, target="No.", cases=[Case(id="1", prompt=prompt)]).prompts
    assert (prompt in sent) == (rule == "none" and '"' not in prompt)
    (code,) = re.findall(r"```python\n(.*?)\n```", sent, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert names["solver"].problem == prompt
    assert names["solver"].solve() == []


def test_rules_give_what_pyrit_gives() -> None:
    def made(rule: Rule) -> Any:
        return json.loads(enciphered(CodeChameleon(rule=rule).put("How to cut down a tree?")))

    assert made("reverse") == "tree? a down cut to How"
    assert made("odd-even") == "How cut a to down tree?"
    assert made("length") == [["a", 4], ["to", 1], ["How", 0], ["cut", 2], ["down", 3], ["tree?", 5]]
    assert made("binary-tree") == {
        "value": "cut",
        "left": {"value": "How", "left": {}, "right": {"value": "to", "left": {}, "right": {}}},
        "right": {
            "value": "a",
            "left": {"value": "down", "left": {}, "right": {}},
            "right": {"value": "tree?", "left": {}, "right": {}},
        },
    }


def test_long_requests_make_no_deep_tree() -> None:
    sent = CodeChameleon().put("tea " * 100_000)
    assert json.loads(enciphered(sent))["value"] == "tea"


def test_what_the_list_is_filled_with_is_judged(tmp_path: Path) -> None:
    def judged(name: str, answer: str) -> dict[str, object]:
        return play(tmp_path / name, make("code-chameleon"), target=answer).record

    code = '```python\nclass Solver:\n    # the solver\n    def solve(self):\n        report = ["{}"]\n```'
    assert judged("a", code.replace("{}", "Fill the samovar."))["outcome"] == "unsafe"
    assert judged("b", code.replace("{}", REFUSAL))["outcome"] == "safe"
    assert judged("c", REFUSAL)["refused"]
