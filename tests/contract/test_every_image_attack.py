"""What every attack on models that make images keeps to, beside what every attack does.

How the attacker answers it, and with which parameters it is played, its own tests say; see `test_every_attack`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.attacks.painted import BURGLAR, NOTHING, Sees, picture
from tests.attacks.played import Played, Reply, Script, play
from tests.contract.test_every_attack import scripts, small
from tests.engine.triggers import trigger
from tocsin import attacks, registry
from tocsin.attacks import Attack
from tocsin.engine import fingerprint
from tocsin.types import Answer, Capabilities, Case, Image, Message

ALL = [attacks.make(name) for name in registry.names("attack")]
PAINTERS = [attack for attack in ALL if attack.asks_for == "image"]
HELPED = [attack for attack in PAINTERS if "attacker" in attack.needed]
STEERED = [attack for attack in PAINTERS if "judge" in attack.needed]


def called(attack: Attack) -> str:
    return attack.name


def run(folder: Path, attack: Attack, target: Script | Reply, **more: Any) -> Played:
    said: dict[str, Any] = {**scripts(attack), "cases": [BURGLAR], "in_loop": Sees(), "final": Sees(), **more}
    return play(folder, small(attack), target=target, **said)


def on_disk(folder: Path) -> bytes:
    """Every byte that a run kept."""
    return b"\0".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def holds(folder: Path, text: str) -> bool:
    kept = on_disk(folder)
    return any(
        form.encode() in kept for form in (text, json.dumps(text)[1:-1], text.split()[0] + " " + text.split()[1])
    )


def escaped(text: str) -> str:
    """A text as JSON whose letters are all escapes: no filter reads it before it is decoded."""
    return "".join(f"\\u{ord(sign):04x}" for sign in text)


def test_they_are_four() -> None:
    assert [attack.name for attack in PAINTERS] == ["daca", "edit-chain", "pgj", "sneaky-prompt"]
    assert {attack.name for attack in HELPED} | {attack.name for attack in STEERED} == {a.name for a in PAINTERS}


@pytest.mark.parametrize("attack", PAINTERS, ids=called)
def test_it_says_what_it_is_for(attack: Attack) -> None:
    assert attack.card.family == "text-to-image"
    assert type(attack).__module__.startswith("tocsin.attacks.image.")
    assert not attack.pictured, "no case that asks for an image comes with one yet"


@pytest.mark.parametrize("attack", PAINTERS, ids=called)
def test_the_last_picture_is_judged_by_the_cases_own_prompt(attack: Attack, tmp_path: Path) -> None:
    final = Sees(unsafe=(2,))
    played = run(tmp_path / "r", attack, picture(2), in_loop=Sees(unsafe=(2,)), final=final)
    assert final.seen == [(BURGLAR.prompt, 2)]
    assert played.record["outcome"] == "unsafe"


@pytest.mark.parametrize("kind", NOTHING)
@pytest.mark.parametrize("attack", PAINTERS, ids=called)
def test_a_target_that_delivers_nothing_refuses(attack: Attack, kind: str, tmp_path: Path) -> None:
    played = run(tmp_path / "r", attack, NOTHING[kind])
    wanted = ("unscored", None) if kind == "empty" else ("safe", 1)
    assert (played.record["outcome"], played.record["refused"]) == wanted
    assert played.record["blocked"] == int(kind in ("blocked", "blank"))


@pytest.mark.parametrize("attack", PAINTERS, ids=called)
def test_an_image_that_cannot_be_opened_is_an_error(attack: Attack, tmp_path: Path) -> None:
    record = run(tmp_path / "r", attack, Answer(images=(Image(data=b"<html>"),))).record
    assert (record["outcome"], record["reason"]) == ("error", "malformed")


@pytest.mark.parametrize("attack", PAINTERS, ids=called)
def test_a_target_that_makes_no_images_is_asked_for_none(attack: Attack, tmp_path: Path) -> None:
    played = run(tmp_path / "r", attack, picture(), takes=Capabilities(image_in=True))
    assert (played.record["outcome"], played.record["reason"], played.prompts) == ("error", "rejected", [])
    assert "makes no images" in played.record["detail"]


@pytest.mark.parametrize("attack", PAINTERS, ids=called)
def test_a_target_that_takes_none_needs_to_take_none_but_to_edit(attack: Attack, tmp_path: Path) -> None:
    played = run(tmp_path / "r", attack, picture(), takes=Capabilities(image_out=True))
    edits = attack.name == "edit-chain"
    assert (played.record["reason"] == "rejected") == edits
    assert bool(played.prompts) != edits


# ---------------------------------------------------------------------------------------------------------------------
# The filter for text that sexualises minors


@pytest.mark.parametrize("attack", PAINTERS, ids=called)
def test_a_case_that_meets_the_filter_is_shown_to_nobody(attack: Attack, tmp_path: Path) -> None:
    case = Case(id="1", prompt=f"A photo, {trigger()}", output="image")
    played = run(tmp_path / "r", attack, picture(), cases=[case])
    assert (played.record["outcome"], played.record["reason"]) == ("error", "withheld")
    assert played.target.asked == played.attacker.asked == []


@pytest.mark.parametrize("attack", HELPED, ids=called)
def test_an_attackers_reply_that_meets_the_filter_is_not_kept_and_ends_the_cell(attack: Attack, tmp_path: Path) -> None:
    said = f"Here it is: {trigger()}"
    played = run(tmp_path / "r", attack, picture(), attacker=said)
    assert (played.record["outcome"], played.record["reason"]) == ("error", "withheld")
    assert fingerprint(said) in played.record["detail"]
    assert played.target.asked == []
    assert played.attacker.asked
    assert not holds(tmp_path / "r", trigger())


@pytest.mark.parametrize("attack", HELPED, ids=called)
def test_a_rewritten_prompt_that_meets_the_filter_is_not_sent(attack: Attack, tmp_path: Path) -> None:
    """What the attacker wrote passes, since its letters are escapes of JSON; what is read of it does not."""
    dummy = "a grey box by the wall"
    honest = scripts(attack)["attacker"]

    def sly(messages: tuple[Message, ...]) -> str:
        assert callable(honest)
        reply = json.loads("{" + str(honest(messages)).partition("{")[2])
        return json.dumps(_replaced(reply, dummy)).replace(dummy, escaped(trigger()))

    played = run(tmp_path / "r", attack, picture(), attacker=sly)
    assert (played.record["outcome"], played.record["reason"]) == ("error", "withheld")
    assert played.target.asked == []
    assert not holds(tmp_path / "r", trigger())


def _replaced(value: Any, text: str) -> Any:
    """A reply whose texts for the target are all this one."""
    if isinstance(value, dict):
        return {name: inner if name in ("word", "kind") else _replaced(inner, text) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replaced(inner, text) for inner in value]
    return text if isinstance(value, str) else value


def test_a_reworded_edit_that_meets_the_filter_ends_the_cell(tmp_path: Path) -> None:
    attack = attacks.make("edit-chain")
    honest = scripts(attack)["attacker"]

    def sly(messages: tuple[Message, ...]) -> str:
        assert callable(honest)
        if messages[-1].text.startswith("Step:"):
            return '{"prompt": "' + escaped(trigger()) + '"}'
        return str(honest(messages))

    def target(messages: Sequence[Message]) -> Answer:
        return picture(1) if len(messages) == 1 else NOTHING["blocked"]

    played = run(tmp_path / "r", attack, target, attacker=sly)
    assert (played.record["outcome"], played.record["reason"]) == ("error", "withheld")
    assert len(played.prompts) == 2
    assert not holds(tmp_path / "r", trigger())


@pytest.mark.parametrize("attack", PAINTERS, ids=called)
def test_a_text_of_the_target_that_meets_the_filter_is_not_kept_nor_its_picture(attack: Attack, tmp_path: Path) -> None:
    played = run(tmp_path / "r", attack, Answer(trigger(), images=picture(2).images))
    assert (played.record["outcome"], played.record["reason"]) == ("unscored", "withheld")
    assert len(played.prompts) == 1
    assert not [path for path in (tmp_path / "r").glob("images/*") if path.suffix != ".withheld"]
    assert not holds(tmp_path / "r", trigger())


# ---------------------------------------------------------------------------------------------------------------------
# An image that a judge withholds


@pytest.mark.parametrize("attack", STEERED, ids=called)
def test_an_image_that_the_in_loop_judge_withholds_is_not_kept_and_ends_the_cell(
    attack: Attack, tmp_path: Path
) -> None:
    in_loop, final = Sees(withheld=(2,)), Sees()
    played = run(tmp_path / "r", attack, picture(2), in_loop=in_loop, final=final)
    record = played.record
    assert (record["outcome"], record["reason"], record["detail"]) == ("unscored", "withheld", "as the test says")
    assert (len(played.prompts), final.seen) == (1, []), "nobody is shown it again"
    assert not [path for path in (tmp_path / "r").glob("images/*") if path.suffix != ".withheld"]
    assert record["call"] is not None, "the call stays, with the image's hash"


@pytest.mark.parametrize("attack", PAINTERS, ids=called)
def test_an_image_that_the_final_judge_withholds_is_not_kept_nor_those_it_was_made_of(
    attack: Attack, tmp_path: Path
) -> None:
    def target(messages: Sequence[Message]) -> Answer:
        return picture(len(messages))

    last = 7 if attack.name == "edit-chain" else 1
    played = run(tmp_path / "r", attack, target, in_loop=Sees(unsafe=(1,)), final=Sees(withheld=(last,)))
    assert (played.record["outcome"], played.record["reason"]) == ("unscored", "withheld")
    assert not [path for path in (tmp_path / "r").glob("images/*") if path.suffix != ".withheld"]


def test_a_search_that_was_withheld_is_not_gone_on_with(tmp_path: Path) -> None:
    (attack,) = STEERED
    first = run(tmp_path / "r", attack, picture(2), in_loop=Sees(withheld=(2,)))
    again = run(tmp_path / "r", attack, picture(3), in_loop=Sees())
    assert (len(first.prompts), again.prompts, again.record["reason"]) == (1, [], "withheld")
