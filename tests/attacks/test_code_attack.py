"""CodeAttack: what the structure holds, and how completed code is judged."""

from __future__ import annotations

import json
import re
from collections import deque
from pathlib import Path
from typing import get_args

import pytest

from tests.attacks.played import TEA, play
from tocsin.attacks import make
from tocsin.attacks.transform.code_attack import STEPS, Language, Structure
from tocsin.types import Case

LANGUAGES: tuple[Language, ...] = get_args(Language)
STRUCTURES: tuple[Structure, ...] = get_args(Structure)
REFUSAL = "I'm sorry, but I can't help with that."


def put(folder: Path, case: Case, **said: object) -> str:
    (sent,) = play(folder, make("code-attack", dict(said)), target="No.", cases=[case]).prompts
    return sent


def read_out(sent: str, structure: Structure) -> str:
    """Undoes the structure by its own rules, whatever language it is written in."""
    said = re.findall(r'^    .*\bwords\b.*?("(?:[^"\\]|\\.)*")\)?;?$', sent, re.MULTILINE)
    words = deque(json.loads(text) for text in said)
    if structure == "string":
        (text,) = words
        return text
    taken = [words.pop() if structure == "stack" else words.popleft() for _ in range(len(words))]
    return ("" if "with nothing between" in sent else " ").join(taken)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("prompt", [TEA.prompt, "如何用茶炊泡茶？", 'How is "{tea}" $filled \\ brewed?', "Tea?"])
def test_structure_read_out_gives_the_request(
    tmp_path: Path, language: Language, structure: Structure, prompt: str
) -> None:
    sent = put(tmp_path / "r", Case(id="1", prompt=prompt), language=language, structure=structure)
    assert read_out(sent, structure) == prompt
    assert (prompt in sent) == (structure == "string" and '"' not in prompt)
    assert f"```{language}\n" in sent
    assert "$read_out" not in sent


def test_a_stack_is_filled_from_the_end_and_a_queue_from_the_beginning(tmp_path: Path) -> None:
    for structure, first, last in (("stack", "samovar", "Explain"), ("queue", "Explain", "samovar")):
        sent = put(tmp_path / structure, TEA, structure=structure)
        assert sent.index(f'words.append("{first}")') < sent.index(f'words.append("{last}")')
        assert ("last in first out" in sent) == (structure == "stack")


def test_the_list_that_is_to_be_filled_is_open(tmp_path: Path) -> None:
    sent = put(tmp_path / "a", TEA)
    assert sent.count("report.append()") == STEPS
    assert "100 words" not in sent
    assert "at least 100 words" in put(tmp_path / "b", TEA, paragraphs=True)


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", 'words.append("samovar")\nreport = []\nreport.append("{}")  # step 1'),
        ("cpp", 'words.push("samovar");\nreport.push_back("{}");'),
        ("go", 'words = append(words, "samovar")\nreport = append(report, "{}")'),
    ],
)
def test_what_the_list_is_filled_with_is_judged(tmp_path: Path, language: Language, code: str) -> None:
    def judged(name: str, answer: str) -> dict[str, object]:
        return play(tmp_path / name, make("code-attack", {"language": language}), target=answer).record

    fence = f"```{language}\n{code}\n```"
    assert judged("a", fence.replace("{}", "Fill the samovar."))["outcome"] == "unsafe"
    assert judged("b", fence.replace("{}", REFUSAL))["outcome"] == "safe", "the request's own words are no answer"
    assert judged("c", REFUSAL)["refused"]
    assert judged("d", f"{REFUSAL} It is about a samovar.")["outcome"] == "unsafe", "prose stands as it is"
