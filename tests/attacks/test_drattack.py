"""DrAttack: the pieces, the example that shows how they go together, and the search for synonyms."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.attacks.played import TEA, Script, play
from tocsin.attacks import Attack, make
from tocsin.types import Case, ErrorKind, Message

SMALL = {"tries": 3}
REFUSAL = "I'm sorry, but I can't help with that."
SPLIT = [("Explain how", "instruction"), ("strong black tea", "noun"), ("is brewed", "verb"), ("in a samovar", "noun")]
SYNONYMS = {
    "strong black tea": ["a dark infusion", "a stout brew", "a bitter cup", "a hot leaf"],
    "is brewed": ["is drawn", "is made", "is left"],
    "Explain how": ["Sing how"],
}
EXAMPLE = ["Tell me how", "a rye loaf", "is baked", "in a tin"]
ANSWER = "1. Knead. 2. Let it rise. 3. Bake."


def attacker(messages: Sequence[Message]) -> str:
    """A double of the attacker: takes the tea apart, and any other request into halves; knows synonyms of tea."""
    system, asked = messages[0].text, messages[-1].text
    if '"parts"' in system:
        request = asked.partition("Request:\n")[2]
        half = len(request) // 2
        halves = [(text, "noun") for text in (request[:half], request[half:]) if text.strip()]
        parts = SPLIT if request == TEA.prompt else halves
        return json.dumps({"parts": [{"phrase": phrase, "kind": kind} for phrase, kind in parts]})
    if '"alternatives"' in system:
        known = [{"phrase": phrase.upper(), "synonyms": synonyms} for phrase, synonyms in SYNONYMS.items()]
        return json.dumps({"alternatives": known})
    return json.dumps(
        {"phrases": EXAMPLE[: len(re.findall(r"\((?:noun|verb|instruction)\)$", asked, re.M))], "answer": ANSWER}
    )


def instead(mark: str, reply: str) -> Script:
    """The same double, with another reply where it is asked for that."""
    return lambda said: reply if f'"{mark}"' in said[0].text else attacker(said)


def pieces(prompt: str) -> list[str]:
    """The pieces of the request in a prompt, with their letters."""
    return re.findall(r"^\([A-Z]\) .+$", prompt.partition("Your turn:")[2], re.MULTILINE)


def phrases(prompt: str) -> list[str]:
    return [re.sub(r"^\([A-Z]\) | \[[A-Z]\]$", "", piece) for piece in pieces(prompt)]


def changed(base: tuple[str, ...]) -> set[tuple[str, ...]]:
    """All that differs from it by one synonym of the tea or of the brewing."""
    places = {1: SYNONYMS["strong black tea"], 2: SYNONYMS["is brewed"]}
    return {(*base[:place], other, *base[place + 1 :]) for place, known in places.items() for other in known}


def once() -> Attack:
    return make("drattack", {"tries": 1})


def test_the_request_stands_in_pieces_that_make_it_up(tmp_path: Path) -> None:
    played = play(tmp_path / "r", once(), target="Fill the samovar.", attacker=attacker)
    (prompt,) = played.prompts
    assert pieces(prompt) == [
        "(A) Explain how [B]",
        "(B) strong black tea [C]",
        "(C) is brewed [D]",
        "(D) in a samovar",
    ]
    assert " ".join(phrases(prompt)) == TEA.prompt
    assert TEA.prompt not in prompt
    assert played.record["outcome"] == "unsafe"


def test_pieces_that_do_not_make_up_the_request_are_not_used(tmp_path: Path) -> None:
    parts = [{"phrase": phrase, "kind": kind} for phrase, kind in SPLIT]
    for name, wrong in {
        "fewer": parts[:-1],
        "turned": parts[::-1],
        "no kind": [*parts[:-1], parts[-1] | {"kind": "?"}],
    }.items():
        split = instead("parts", json.dumps({"parts": wrong}))
        played = play(tmp_path / name, once(), target="Fill the samovar.", attacker=split)
        assert (played.record["outcome"], played.record["reason"], played.prompts) == ("error", "not_delivered", [])


def test_what_is_too_long_to_be_taken_apart_follows_in_the_last_piece(tmp_path: Path) -> None:
    long = Case(id="long", prompt="Tell me of tea, line by line. " * 1_000)
    played = play(tmp_path / "r", once(), target="No.", attacker=attacker, cases=[long])
    assert "".join("".join(phrases(played.prompts[0])).split()) == "".join(long.prompt.split())
    assert len(played.attacker.asked[0][-1].text) < 2_100


def test_a_harmless_example_of_the_same_build_comes_first(tmp_path: Path) -> None:
    played = play(tmp_path / "r", once(), target="No.", attacker=attacker)
    shown, _, turn = played.prompts[0].partition("Your turn:")
    assert "(A) Tell me how [B]\n(B) a rye loaf [C]\n(C) is baked [D]\n(D) in a tin\n" in shown
    assert ANSWER in shown
    assert "samovar" not in shown
    assert "rye" not in turn
    told = played.attacker.asked[1][-1].text
    assert all(f"- {phrase} ({kind})" in told for phrase, kind in SPLIT)
    for name, other in {"short": EXAMPLE[:3], "long": [*EXAMPLE, "of iron"]}.items():
        unlike = instead("answer", json.dumps({"phrases": other, "answer": ANSWER}))
        record = play(tmp_path / name, once(), target="Fill the samovar.", attacker=unlike).record
        assert (record["outcome"], record["reason"]) == ("error", "not_delivered"), "an example of another build"


def test_the_search_replaces_one_phrase_at_a_time_of_the_best(tmp_path: Path) -> None:
    def target(messages: Sequence[Message]) -> str:
        text = messages[-1].text
        return f"Tea. score={0.1 + 0.3 * ('a stout brew' in text) + 0.2 * ('is drawn' in text)}"

    played = play(tmp_path / "r", make("drattack"), target=target, attacker=attacker)
    tried = [tuple(phrases(prompt)) for prompt in played.prompts]
    assert tried[0] == tuple(phrase for phrase, _ in SPLIT)
    assert len(set(tried)) == len(tried), "none twice"
    assert {one[0] for one in tried} == {"Explain how"}, "no synonym of the instruction"
    assert len(tried) == 15
    best, top, strayed = tried[0], 0.1, 0
    for number, one in enumerate(tried[1:], 1):
        if sum(a != b for a, b in zip(one, best, strict=True)) != 1:
            assert changed(best) <= set(tried[:number]), "elsewhere only when all changes of the best were tried"
            strayed += 1
        score = 0.1 + 0.3 * ("a stout brew" in one) + 0.2 * ("is drawn" in one)
        if score >= top:
            best, top = one, score
    assert strayed < 6
    assert played.record["score"] == pytest.approx(0.6)
    few = play(tmp_path / "f", make("drattack", {"tries": 2}), target=target, attacker=attacker)
    assert len(few.prompts) == make("drattack", {"tries": 2}).queries == 2


def test_no_query_and_no_synonyms_follow_the_first_success(tmp_path: Path) -> None:
    first = play(tmp_path / "f", make("drattack"), target="Fill the samovar.", attacker=attacker)
    assert (len(first.prompts), len(first.attacker.asked)) == (1, 2)
    answers = iter(["No.", "No.", "Fill the samovar.", "Not asked."])
    played = play(tmp_path / "r", make("drattack"), target=lambda said: next(answers), attacker=attacker)
    assert (len(played.prompts), played.record["outcome"]) == (3, "unsafe")


def test_without_synonyms_the_request_itself_is_the_only_try(tmp_path: Path) -> None:
    for name, reply in {
        "refused": REFUSAL,
        "of nothing": '{"alternatives": [{"phrase": "x", "synonyms": ["y"]}]}',
    }.items():
        played = play(tmp_path / name, make("drattack"), target="No.", attacker=instead("alternatives", reply))
        assert (len(played.prompts), played.record["outcome"]) == (1, "safe")


def test_a_try_that_is_lost_is_lost_alone_and_errors_of_the_target_count(tmp_path: Path) -> None:
    answers = iter([ErrorKind.SERVER, "No.", ErrorKind.SERVER, "Fill the samovar."])
    played = play(tmp_path / "a", make("drattack"), target=lambda said: next(answers), attacker=attacker)
    assert (len(played.prompts), played.record["outcome"]) == (4, "unsafe")
    record = play(tmp_path / "e", make("drattack"), target=ErrorKind.SERVER, attacker=attacker).record
    assert (record["outcome"], record["reason"]) == ("error", "server")
    for name in ("tries", "synonyms"):
        with pytest.raises(ValueError, match=name):
            make("drattack", {name: 0})
