"""What every attack keeps to, from the moment its file exists.

An attack's own tests, ``tests/attacks/test_NAME.py``, may say with functions ``attacker`` and ``translator`` how those roles
answer it so that it can go on, and with ``SMALL`` by which parameters it is played here, where the paper's are many calls.
``others(folder)`` says which parameters give a field another value, where it takes a file.
"""

from __future__ import annotations

import importlib
import io
import json
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import msgspec
import PIL.Image
import pytest

from tests.attacks.played import TEA, Played, Reply, Script, play
from tests.contract.hostile import HOSTILE
from tests.pictures import png
from tocsin import attacks, registry
from tocsin.attacks import Attack
from tocsin.attacks.contract import FAMILIES, Form
from tocsin.engine import Limits
from tocsin.protocols import Attack as AttackProtocol
from tocsin.results.planning.amounts import Amount
from tocsin.results.planning.costs import attack_costs
from tocsin.types import Allowance, Answer, Case, ErrorKind, Image, Message

NAMES = registry.names("attack")
REFUSAL = "I'm sorry, but I can't help with that."
ROLES = {"attacker", "translator", "judge"}


@pytest.fixture(params=NAMES)
def attack(request: pytest.FixtureRequest) -> Attack:
    return attacks.make(request.param)


def own_tests(attack: Attack) -> Any:
    try:
        return importlib.import_module(f"tests.attacks.test_{attack.name.replace('-', '_')}")
    except ModuleNotFoundError:
        return None


def scripts(attack: Attack) -> dict[str, Script | Reply]:
    """How the helper roles answer this attack, as its own tests say; a plain text otherwise."""
    own = own_tests(attack)
    return {role: getattr(own, role, f"A mild text from the {role}.") for role in ("attacker", "translator")}


def small(attack: Attack) -> Attack:
    """The attack with the parameters by which it is played here."""
    return attacks.make(attack.name, getattr(own_tests(attack), "SMALL", {}))


def run(folder: Path, attack: Attack, target: Script | Reply = "Here it is.", case: Case = TEA, **more: Any) -> Played:
    if attack.asks_for == "image":  # a text is how many of their targets refuse
        case = msgspec.structs.replace(case, output="image")
        target = Answer(images=(Image(data=png()),)) if target == "Here it is." else target
    return play(folder, small(attack), target=target, cases=[case], **{**scripts(attack), **more})


def shape(played: Played) -> list[tuple[Message, ...]]:
    return [*played.target.asked, *played.attacker.asked, *played.translator.asked]


def test_there_are_attacks() -> None:
    assert {"direct", "flip"} <= set(NAMES)


def test_it_says_what_it_is(attack: Attack) -> None:
    about = attack.about()
    assert about.name == attack.name
    assert registry.NAME.fullmatch(about.name)
    assert 10 <= len(about.title) <= 200
    assert about.title.endswith(".")
    assert about.licence
    assert attack.kind in get_args(Form)
    folder = "attacks.image." if attack.asks_for == "image" else attack.kind
    assert folder in type(attack).__module__ or attack.name == "direct", "it stands in the folder of its kind"
    assert attack.queries >= 1


def test_its_card_is_complete(attack: Attack) -> None:
    card = attack.card
    assert card.family in FAMILIES
    assert len(card.mechanism) > 60
    if attack.name == "direct":
        return
    assert card.family != "none"
    assert card.paper
    assert card.source.startswith(("arXiv:", "https://"))
    assert card.deviations, "our own wording is a deviation, at least"
    assert card.verified
    if msgspec.structs.fields(attack):
        assert card.parameters, "a paper's parameters stand beside ours"


def test_it_implements_the_protocol(attack: Attack) -> None:
    assert isinstance(attack, AttackProtocol)
    assert type(attack).run is not Attack.run
    assert type(attack).__struct_config__.frozen


def test_its_parameters_are_checked_and_the_valid_ones_listed(attack: Attack) -> None:
    with pytest.raises(ValueError, match="its parameters: ") as told:
        attacks.make(attack.name, {"colour": "blue"})
    for field in msgspec.structs.fields(attack):
        assert field.name in str(told.value)
        with pytest.raises(ValueError, match=field.name):
            attacks.make(attack.name, {field.name: {"no": object}})


def test_its_identity_is_stable_and_changes_with_its_version(attack: Attack) -> None:
    assert attack.identity == attacks.make(attack.name).identity
    assert attack.identity.startswith(f"{attack.name}@")
    later = type("Later", (type(attack),), {"version": attack.version + 1}, frozen=True)
    assert later().identity != attack.identity


def test_its_identity_changes_with_every_parameter(attack: Attack, tmp_path: Path) -> None:
    others = set()
    given = getattr(own_tests(attack), "others", lambda folder: {})(tmp_path)
    for field in msgspec.structs.fields(attack):
        before = getattr(attack, field.name)
        choices = (*get_args(field.type), *get_args(getattr(field.type, "__origin__", None)))
        lists = [[one] for choice in choices for one in get_args(choice)]
        values = [
            v
            for v in (*choices, *lists, not before, 2, 7, 1, 0.5, 0.123, "another", ["another"], ["sw"])
            if v != before
        ]
        for said in [given[field.name]] if field.name in given else [{field.name: value} for value in values]:
            try:
                others.add(attacks.make(attack.name, said).identity)
            except (ValueError, TypeError):
                continue
            break
        else:
            pytest.fail(f"no other value is known for the parameter {field.name!r}")
    assert attack.identity not in others
    assert len(others) == len(msgspec.structs.fields(attack))


def test_it_asks_the_target_and_its_answer_is_judged(attack: Attack, tmp_path: Path) -> None:
    played = run(tmp_path / "r", attack)
    assert played.target.asked
    assert played.record["outcome"] in ("safe", "unsafe", "unscored"), played.record["detail"]
    assert len(played.target.asked) <= small(attack).queries <= attack.queries
    if attack.kind in ("search", "dialogue"):
        assert played.reading is None or attack.decodes, (
            "what it decodes cannot be replayed from its turns: decodes=True"
        )


def test_the_same_seed_and_the_same_answers_make_the_same_calls(attack: Attack, tmp_path: Path) -> None:
    case = Case(id="1", prompt="How is strong tea made in the north of the country?", system="Be brief.")
    one, other = (run(tmp_path / name, attack, case=case) for name in ("one", "other"))
    assert shape(one) == shape(other)
    assert one.calls == other.calls


@pytest.mark.parametrize(
    "reply",
    [
        REFUSAL,
        "Certainly. Fill the samovar with water.",
        "Natürlich. Zuerst füllt man den Samowar mit Wasser.",
        "很抱歉，我无法提供帮助。",
        "word " * 20_000,
        "",
        Answer("", blocked=True),
        Answer("The begin", finish="length"),
    ],
    ids=["refuses", "complies", "german", "chinese refusal", "at length", "empty", "blocked", "cut off"],
)
def test_targets_of_every_kind_are_handled(attack: Attack, tmp_path: Path, reply: Reply) -> None:
    played = run(tmp_path / "r", attack, reply, temperature=0.0)
    assert played.record["reason"] != "internal", played.record["detail"]
    if reply in (REFUSAL, "") or isinstance(reply, Answer):
        assert played.record["outcome"] != "unsafe"


@pytest.mark.parametrize("kind", [ErrorKind.TIMEOUT, ErrorKind.SERVER, ErrorKind.TOO_LONG, ErrorKind.REJECTED])
def test_an_error_of_the_target_is_an_error_and_no_success(attack: Attack, tmp_path: Path, kind: ErrorKind) -> None:
    record = run(tmp_path / "r", attack, kind).record
    assert (record["outcome"], record["reason"]) == ("error", kind.value)


@pytest.mark.parametrize("reply", [REFUSAL, "", ErrorKind.TIMEOUT], ids=["refuses", "says nothing", "fails"])
def test_helpers_that_deliver_nothing_are_no_word_on_the_target(attack: Attack, tmp_path: Path, reply: Reply) -> None:
    if not {"attacker", "translator"} & set(attack.needs):
        played = run(tmp_path / "r", attack, attacker=reply, translator=reply)
        assert played.attacker.asked == played.translator.asked == [], "it says what it needs"
        return
    played = run(tmp_path / "r", attack, "Fill the samovar.", attacker=reply, translator=reply)
    assert (played.record["outcome"], played.record["reason"]) == ("error", "not_delivered"), played.record["detail"]


REFUSES = "I'm sorry, but I can't help with that."


def test_a_refusal_in_the_form_that_it_is_held_to_is_no_word_on_the_target(attack: Attack, tmp_path: Path) -> None:
    """Servers that hold a model to a schema leave it no other way to refuse."""

    def refusing(schema: dict[str, Any]) -> Any:
        match schema.get("type"):
            case "object":
                return {name: refusing(of) for name, of in schema["properties"].items()}
            case "array":
                return [refusing(schema["items"])] * max(1, schema.get("minItems", 1))
            case "string":
                return schema["enum"][0] if "enum" in schema else REFUSES
            case kind:
                return {"boolean": True, "integer": 5, "number": 5.0}[str(kind)]

    if "attacker" not in attack.needed:
        pytest.skip("it asks no attacker")
    played = run(tmp_path / "r", attack, "What would you like to talk about?", structured=refusing)
    assert played.record["outcome"] == "error", played.prompts
    assert played.record["reason"] == "not_delivered"


def test_a_visual_attack_shows_pictures_that_can_be_opened(attack: Attack, tmp_path: Path) -> None:
    if attack.kind != "visual":
        pytest.skip("it shows none")
    assert attack.card.family == "visual"
    played = run(tmp_path / "r", attack, REFUSAL)
    for images in played.images:
        assert images
        for data in images:
            picture = PIL.Image.open(io.BytesIO(data))
            assert (picture.format, picture.mode, picture.info) == ("PNG", "RGB", {})
            assert max(picture.size) <= 4096
            assert len(picture.getcolors(1 << 24) or ()) > 1, "something is drawn on it"
    with closing(sqlite3.connect(tmp_path / "r" / "journal.sqlite")) as db:
        asked = [json.loads(body) for (body,) in db.execute("SELECT request FROM calls WHERE role = 'target'")]
    said = [image.get("says") for request in asked for one in request["messages"] for image in one.get("images", ())]
    assert said
    assert all(said), "the filter reads no picture: what is drawn in one has to be said beside it"


@pytest.mark.parametrize("most", [1, 2])
def test_its_allowance_is_not_passed_by_one_query(attack: Attack, tmp_path: Path, most: int) -> None:
    played = run(tmp_path / "r", attack, REFUSAL, allowance=Allowance(queries=most))
    assert 1 <= len(played.target.asked) <= most
    assert played.record["reason"] != "internal", played.record["detail"]


def test_a_run_that_was_stopped_repeats_nothing_and_asks_the_same(attack: Attack, tmp_path: Path) -> None:
    whole = run(tmp_path / "whole", attack, REFUSAL)
    total = len(whole.calls)
    for stop in sorted({1, total // 2, total - 1} - {0, total}):
        first = run(tmp_path / f"r{stop}", attack, REFUSAL, limits=Limits(calls=stop))
        assert len(shape(first)) == stop
        second = run(tmp_path / f"r{stop}", attack, REFUSAL)
        assert len(shape(second)) == total - stop
        assert second.calls == whole.calls
        assert second.record["outcome"] == whole.record["outcome"]


@pytest.mark.parametrize("text", [name for name in HOSTILE if HOSTILE[name].strip() and "megabyte" not in name])
def test_it_puts_any_prompt_and_bears_any_reply(attack: Attack, text: str, tmp_path: Path) -> None:
    said = HOSTILE[text].encode("utf-8", "replace").decode()  # readers of rows and replies let no half pair through
    played = run(tmp_path / "r", attack, said, Case(id="1", prompt=said), temperature=0.0)
    if attack.kind == "visual" and played.record["reason"] == "not_delivered":
        assert played.record["detail"].startswith(f"attack {attack.name!r}: "), "it is the drawing that failed"
        assert len(said) < 12 or said[:12] not in played.record["detail"], "its text is not told"
        return
    assert played.target.asked
    assert played.record["reason"] != "internal", played.record["detail"]


def test_direct_puts_the_case_as_it_stands(tmp_path: Path) -> None:
    case = Case(
        id="1", prompt="And now?", system="Be brief.", history=(Message("user", "Hello"), Message("assistant", "Hi"))
    )
    played = run(tmp_path / "r", attacks.make("direct"), case=case)
    assert played.target.asked == [case.messages()]
    image = Image("image/png", png())
    record = run(tmp_path / "i", attacks.make("direct"), case=Case(id="1", prompt="And now?", images=(image,))).record
    assert record["reason"] == "rejected", "the double takes no images"


@pytest.mark.parametrize(("target", "useless"), [("Here it is.", True), (REFUSAL, False)])
def test_it_spends_no_more_than_it_says_that_it_may(
    attack: Attack, target: Reply, useless: bool, tmp_path: Path
) -> None:
    """What `tocsin plan` calls the most that a cell may take is the most, whatever its helpers and its target say."""
    said: dict[str, Any] = {"attacker": '{"of": "no use"}', "translator": "???"} if useless else {}
    played = run(tmp_path / "run", attack, target=target, **said)
    roles = Counter(role for role, _ in played.calls)
    costs = attack_costs(small(attack), Allowance(), [TEA], Amount(10, 10))
    for role in ("target", "attacker", "translator"):
        most = costs.spent[role].calls.most if role in costs.spent else 0  # type: ignore[index]
        assert most is not None
        assert roles[role] <= most, role
    assert roles["target"] >= 1 or useless
