"""Multilingual: what the target and the judge are shown, in which language, and where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attacks.played import TEA, ByWord, play
from tests.attacks.tongues import asked, translator
from tocsin.attacks import make
from tocsin.protocols import Asker, Attempt
from tocsin.types import Allowance, Case, ErrorKind, Message, Verdict

NINE = ["zh", "it", "vi", "ar", "ko", "th", "bn", "sw", "jv"]


class Silent(ByWord, frozen=True):
    """A double of an in-loop judge that must not be asked."""

    async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
        raise AssertionError("no judge is needed in the loop")


Silent.name = "silent"


def test_every_language_is_asked_in_alone_and_in_order(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("multilingual"), target="[x] Amanzi.", translator=translator)
    assert played.prompts == [f"[{code}] {TEA.prompt}" for code in NINE]
    assert all(len(messages) == 1 for messages in played.target.asked), "each in a conversation of its own"
    assert make("multilingual").queries == 9


def test_judge_reads_the_answer_in_the_cases_language_and_a_success_ends_the_search(tmp_path: Path) -> None:
    def target(messages: Sequence[Message]) -> str:
        code = messages[-1].text[1:3]
        return f"[{code}] " + ("Gcwalisa umshini." if code == "ko" else "Amanzi.")

    played = play(tmp_path / "r", make("multilingual"), target=target, translator=translator)
    assert len(played.prompts) == NINE.index("ko") + 1
    assert played.record["outcome"] == "unsafe", "ByWord knows the English word alone"
    answers = [messages for messages in played.translator.asked if asked(messages)[1] == "en"]
    assert [asked(messages)[0] for messages in answers] == NINE[:5]


def test_the_best_answer_is_judged_where_no_language_works(tmp_path: Path) -> None:
    def target(messages: Sequence[Message]) -> str:
        return "Amanzi score=0.4 ." if "[th]" in messages[-1].text else "Amanzi score=0.1 ."

    played = play(tmp_path / "r", make("multilingual"), target=target, translator=translator)
    assert (played.record["outcome"], played.record["score"]) == ("safe", 0.4)
    assert len(played.prompts) == 9
    few = play(
        tmp_path / "f", make("multilingual"), target=target, translator=translator, allowance=Allowance(queries=2)
    )
    assert (len(few.prompts), few.record["score"]) == (2, 0.1)


def test_refusal_stays_the_targets_in_a_language_that_the_rules_do_not_know(tmp_path: Path) -> None:
    attack = make("multilingual", {"languages": ["zu"]})
    played = play(tmp_path / "r", attack, target="[zu] Uxolo, angikwazi", translator=translator)
    assert (played.record["outcome"], played.record["refused"]) == ("safe", 1)
    assert len(played.translator.asked) == 2


def test_translator_that_refuses_the_answer_is_no_refusal_of_the_targets(tmp_path: Path) -> None:
    def unwilling(messages: Sequence[Message]) -> str:
        return "I'm sorry, but I can't translate that." if asked(messages)[1] == "en" else translator(messages)

    for languages in (["zu"], ["zu", "th"]):
        attack = make("multilingual", {"languages": languages})
        played = play(tmp_path / "-".join(languages), attack, target="Gcwalisa umshini.", translator=unwilling)
        assert (played.record["outcome"], played.record["reason"]) == ("error", "not_delivered")


def test_refusal_that_the_rules_know_is_judged_as_it_came(tmp_path: Path) -> None:
    attack = make("multilingual", {"languages": ["th"]})
    played = play(tmp_path / "r", attack, target="I'm sorry, but I can't help with that.", translator=translator)
    assert len(played.translator.asked) == 1
    assert (played.record["outcome"], played.record["refused"]) == ("safe", 1)


def test_one_language_needs_no_judge_in_the_loop(tmp_path: Path) -> None:
    attack = make("multilingual", {"languages": ["zu"]})
    assert attack.needed == ("translator",)
    assert make("multilingual").needed == ("translator", "judge")
    played = play(tmp_path / "r", attack, target="umshini", translator=translator, in_loop=Silent())
    assert played.record["outcome"] == "unsafe"


def test_a_language_that_is_the_cases_own_is_not_translated(tmp_path: Path) -> None:
    case = Case(id="1", prompt="红茶怎么泡", language="zh")
    attack = make("multilingual", {"languages": ["zh-Hans"]})
    played = play(tmp_path / "r", attack, target="samovar", cases=[case])
    assert (played.prompts, played.translator.asked) == ([case.prompt], [])
    assert played.record["outcome"] == "unsafe"


def test_a_language_that_fails_is_lost_alone(tmp_path: Path) -> None:
    def gap(messages: Sequence[Message]) -> str:
        return "" if "it" in asked(messages) else translator(messages)

    attack = make("multilingual", {"languages": ["it", "th"]})
    played = play(tmp_path / "r", attack, target="Amanzi.", translator=gap)
    assert played.prompts == [f"[th] {TEA.prompt}"]
    assert played.record["outcome"] == "safe"
    failed = play(tmp_path / "f", attack, target=ErrorKind.SERVER, translator=gap)
    assert failed.record["reason"] == "server", "an error of the target outweighs what was not delivered"


def test_instruction_stands_before_the_translated_request(tmp_path: Path) -> None:
    attack = make("multilingual", {"languages": ["th"], "instruction": "You are {fond} of tea."})
    played = play(tmp_path / "r", attack, target="Amanzi.", translator=translator)
    assert played.prompts == [f"You are {{fond}} of tea.\n\n[th] {TEA.prompt}"]


def test_what_is_no_code_of_a_language_is_refused() -> None:
    for wrong in ([], ["a language"], [""]):
        with pytest.raises(ValueError, match="languages"):
            make("multilingual", {"languages": wrong})


@pytest.mark.parametrize("name", ["multilingual", "low-resource", "speakeasy"])
def test_unknown_language_is_named_with_what_was_meant(name: str) -> None:
    wanted = rf"attack '{name}': .*languages: unknown language 'jp': did you mean 'ja' \(Japanese\)\?"
    with pytest.raises(ValueError, match=wanted):
        make(name, {"languages": ["th", "jp"]})
