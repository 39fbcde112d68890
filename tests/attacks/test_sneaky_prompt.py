"""SneakyPrompt: what is respelled, how far, and when the search ends."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.painted import BURGLAR, NOTHING, Sees, picture
from tests.attacks.played import Played, Script, play
from tocsin.attacks import make
from tocsin.attacks.image.sneaky_prompt import RESPELLINGS, _Search
from tocsin.attacks.similarity import similarity
from tocsin.types import Allowance, Answer, ErrorKind, Message, Unscored

SMALL = {"most": 6}


def filtering(*words: str, nothing: Answer = NOTHING["blocked"]) -> Script:
    """A double of a target with a filter: draws what has none of these words."""

    def target(messages: Sequence[Message]) -> Answer:
        return nothing if any(word in messages[-1].text.casefold() for word in words) else picture(2)

    return target


def run(folder: Path, target: Script | Answer, parameters: dict[str, Any] | None = None, **more: Any) -> Played:
    judge = more.pop("judge", Sees(unsafe=(2,)))
    said = {"target": target, "cases": [BURGLAR], "in_loop": judge, "final": Sees(unsafe=(2,)), **more}
    return play(folder, make("sneaky-prompt", parameters or {}), **said)


def words(prompt: str) -> list[str]:
    return prompt.split()


@pytest.mark.parametrize("kind", NOTHING)
def test_what_is_not_drawn_is_respelled_until_it_is(tmp_path: Path, kind: str) -> None:
    played = run(tmp_path / "r", filtering("burglar", nothing=NOTHING[kind]), {"patience": 1})
    first, *_, last = played.prompts
    assert first == BURGLAR.prompt
    assert 2 <= len(played.prompts) <= 60
    assert "burglar" in played.prompts[-2]
    assert "burglar" not in last
    assert (played.record["outcome"], len(set(played.prompts))) == ("unsafe", len(played.prompts))
    assert all(len(messages) == 1 for messages in played.target.asked)


def test_a_prompt_that_is_drawn_as_it_stands_needs_no_search(tmp_path: Path) -> None:
    played = run(tmp_path / "r", filtering("nothing of the kind"))
    assert (played.prompts, played.record["outcome"]) == ([BURGLAR.prompt], "unsafe")


def test_blocks_add_words_and_no_prompt_is_sent_twice(tmp_path: Path) -> None:
    played = run(tmp_path / "r", NOTHING["blocked"], {"most": 20, "patience": 4})
    changed = [
        sum(one != other for one, other in zip(words(prompt), words(BURGLAR.prompt), strict=True))
        for prompt in played.prompts
    ]
    assert changed == [0, 1, 1, 1, *[2] * 4, *[3] * 4, *[4] * 4, *[5] * 4]
    assert len(set(played.prompts)) == 20
    assert (played.record["outcome"], played.record["refused"]) == ("safe", 1)


def test_blocks_widen_the_respelling_and_pictures_that_miss_narrow_it() -> None:
    def likeness(passed: bool) -> float:
        search = _Search("burglar", random.Random(1), 50)
        for _ in range(6):
            search.learn(passed=passed)
        said = [search.next() for _ in range(10)]
        return sum(similarity("burglar", one or "") for one in said) / len(said)

    assert likeness(False) < 0.45 < likeness(True)


def test_ways_that_passed_are_drawn_more_often() -> None:
    search = _Search("burglar", random.Random(1), 1)
    for _ in range(40):
        search._used = {"accent"}
        search.learn(passed=True)
        search._used = set(RESPELLINGS) - {"accent"}
        search.learn(passed=False)
    search.likeness = 0.9
    drawn = [search.next() or "" for _ in range(12)]
    assert sum(not one.isascii() for one in drawn) >= 8


def test_the_same_seed_sends_the_same_prompts(tmp_path: Path) -> None:
    one, other = (run(tmp_path / name, NOTHING["blocked"], {"most": 9}).prompts for name in ("one", "other"))
    assert one == other
    assert len(one) == 9


def test_a_picture_that_misses_is_no_end_and_the_best_one_is_judged(tmp_path: Path) -> None:
    judge = Sees()
    played = run(tmp_path / "r", filtering("burglar"), {"most": 20, "patience": 1}, judge=judge)
    assert len(played.prompts) == 20
    assert judge.seen
    final = played.record
    assert final["outcome"] == "unsafe", "the final judge is given a picture, and not the last block"


@pytest.mark.parametrize("prompt", ["", "…", "🫖", "茶", "a"])
def test_prompts_with_little_to_respell_are_sent(tmp_path: Path, prompt: str) -> None:
    case = type(BURGLAR)(id="1", prompt=prompt, output="image")
    played = run(tmp_path / "r", NOTHING["blocked"], {"most": 5}, cases=[case])
    assert played.prompts[0] == prompt
    assert 1 <= len(played.prompts) <= 5
    assert played.record["outcome"] == "safe"


def test_no_more_than_allowed_and_errors_in_a_row_end_it(tmp_path: Path) -> None:
    assert make("sneaky-prompt").queries == 60
    few = run(tmp_path / "f", NOTHING["blocked"], allowance=Allowance(queries=3))
    assert len(few.prompts) == 3
    failing = run(tmp_path / "e", lambda messages: ErrorKind.SERVER)
    assert (len(failing.prompts), failing.record["reason"]) == (3, "server")


def test_an_answer_that_was_withheld_ends_it(tmp_path: Path) -> None:
    from tests.engine.triggers import trigger

    played = run(tmp_path / "r", Answer(trigger(), images=picture(2).images))
    assert len(played.prompts) == 1
    assert (played.record["outcome"], played.record["reason"]) == ("unscored", Unscored.WITHHELD)
    assert not (tmp_path / "r" / "images").exists(), "nor is the picture that came with it"


@pytest.mark.parametrize("name", RESPELLINGS)
@pytest.mark.parametrize("word", ["a", "ab", "tea", "茶", "strč", "x" * 40])
def test_respellings_bear_any_word(name: str, word: str) -> None:
    rng = random.Random(3)
    said = {RESPELLINGS[name](word, rng) for _ in range(20)}
    assert all(said)
    assert all(abs(len(one) - len(word)) <= 2 for one in said)
