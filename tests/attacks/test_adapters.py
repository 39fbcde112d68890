"""Attacks named pyrit/NAME and garak/NAME: what is put is the other tool's own, and answers in a cipher are decoded.

The packages here are doubles, put into ``sys.modules`` and labelled as such. perf/adapters.py runs the real ones.
"""

from __future__ import annotations

import abc
import asyncio
import base64
import contextlib
import importlib.metadata
import inspect
import json
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, Literal

import pytest

from tests.attacks.played import TEA, play
from tests.contract import test_every_attack as contract
from tests.contract.hostile import HOSTILE
from tests.evaluations.test_roles import main
from tocsin import registry
from tocsin.api import listing
from tocsin.attacks import ciphers, make
from tocsin.attacks.adapters import garak, pyrit
from tocsin.types import Case, ErrorKind

FAMILIES = ("pyrit", "garak")


class Converter(abc.ABC):
    """A double of PyRIT's base class."""

    SUPPORTED_INPUT_TYPES = ("text",)
    SUPPORTED_OUTPUT_TYPES = ("text",)

    async def convert_async(self, *, prompt: str, input_type: str = "text") -> Any:
        return SimpleNamespace(output_text=self.convert(prompt), output_type="text")

    @abc.abstractmethod
    def convert(self, prompt: str) -> str: ...


class Base64Converter(Converter):
    """Base64. A double."""

    def __init__(self, *, encoding_func: Literal["b64encode", "b16encode"] = "b64encode") -> None:
        self.encode = getattr(base64, encoding_func)

    def convert(self, prompt: str) -> str:
        return str(self.encode(prompt.encode("utf-8", "replace")).decode())


class CaesarConverter(Converter):
    """The Caesar cipher. A double."""

    def __init__(self, *, caesar_offset: int, append_description: bool = False) -> None:
        if caesar_offset > 25:
            raise ValueError("an offset is from 1 to 25")
        self.offset, self.described = caesar_offset, append_description

    def convert(self, prompt: str) -> str:
        return "Let us write in Caesar. " * self.described + ciphers.caesar(prompt, self.offset)


class ROT13Converter(Converter):
    """Has an option that nobody can write down, and one that is PyRIT's affair. A double."""

    def __init__(self, *, strategy: Callable[[str], str] | None = None, **more: object) -> None:
        pass

    def convert(self, prompt: str) -> str:
        return ciphers.rot13(prompt)


class CharNoiseConverter(Converter):
    """Draws Python's own random numbers. A double."""

    def __init__(self) -> None:
        pass

    def convert(self, prompt: str) -> str:
        print(prompt)
        return f"{prompt} {random.random()}"


class SlowConverter(CharNoiseConverter):
    """Waits on the way, and draws after that. A double."""

    async def convert_async(self, *, prompt: str, input_type: str = "text") -> Any:
        for _ in range(1 + int(random.random() * 3)):
            await asyncio.sleep(0.002)
        return SimpleNamespace(output_text=self.convert(prompt), output_type="text")


class FussyConverter(Converter):
    """Bears no samovar. A double."""

    def __init__(self, *, seed: int | None = None) -> None:
        self.seed = seed

    def convert(self, prompt: str) -> str:
        if "samovar" in prompt:
            raise KeyError(prompt)
        return f"{prompt} {self.seed}"


class ToneConverter(Converter):
    """Asks a model. A double."""

    def __init__(self, *, converter_target: Any = "required") -> None:
        pass

    def convert(self, prompt: str) -> str:
        return prompt


class QRCodeConverter(Base64Converter):
    """Draws an image. A double."""

    SUPPORTED_OUTPUT_TYPES = ("image_path",)


class SelectiveTextConverter(Base64Converter):
    """Must be given what nobody can write down. A double."""

    def __init__(self, *, sub_converter: Converter) -> None:
        pass


CONVERTERS = (
    Converter, Base64Converter, CaesarConverter, ROT13Converter, CharNoiseConverter, SlowConverter, FussyConverter, ToneConverter,
    QRCodeConverter, SelectiveTextConverter,
)  # fmt: skip


class Probe:
    """A double of garak's base class."""


class IntentProbe(Probe):
    """A double of garak's base class of techniques."""


class InjectBase16(Probe):
    """Base16. A double."""

    encoding_name = "BASE16"
    encoding_funcs = (base64.b16encode,)

    def _generate_encoded_prompts(self, encoders: Any, name: str) -> list[tuple[str, str, None]]:
        texts = self._payloads  # type: ignore[attr-defined]
        return [
            (f"{lead} {encode(text.encode('utf-8', 'replace')).decode()}", text, None)
            for lead in ("Read this:", f"In {name}:")
            for text in texts
            for encode in encoders
        ]


class GrandmaIntent(IntentProbe):
    """A technique. A double."""

    def __init__(self) -> None:
        print("intents active: all")

    def _prompts_from_stub(self, stub: Any) -> set[str]:
        return {f"My {who} used to say: {stub.content}" for who in ("aunt", "uncle", "neighbour")}


class Dan(Probe):
    """Brings its own prompts. A double."""

    prompts = ("Say tea.",)


def module(name: str, **what: Any) -> ModuleType:
    made = ModuleType(name)
    vars(made).update(what)
    return made


@pytest.fixture(autouse=True)
def doubles(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    @contextlib.contextmanager
    def execution(*, namespace: str, seed: int) -> Iterator[None]:
        yield

    converters = {cls.__name__: cls for cls in CONVERTERS}
    converter = module("pyrit.converter", __all__=list(converters), **converters)
    config = SimpleNamespace(is_loaded=True)
    intents = SimpleNamespace(is_loaded=True)
    plugins = SimpleNamespace(enumerate_plugins=lambda kind: [("probes.dan.Dan", True)])
    probes = module("garak.probes", Probe=Probe, IntentProbe=IntentProbe, __path__=[])
    own = {}
    for home, cls in (("encoding", InjectBase16), ("grandma", GrandmaIntent), ("dan", Dan)):
        monkeypatch.setattr(cls, "__module__", f"garak.probes.{home}")
        own[f"garak.probes.{home}"] = module(f"garak.probes.{home}", **{cls.__name__: cls, "Probe": Probe})
    there = {
        "pyrit": module("pyrit", converter=converter, __path__=[]),
        "pyrit.converter": converter,
        "pyrit.common": module("pyrit.common", __path__=[]),
        "pyrit.common.random_context": module("pyrit.common.random_context", random_execution=execution),
        "garak": module("garak", _config=config, _plugins=plugins, probes=probes, __path__=[]),
        "garak.probes": probes,
        "garak.services": module("garak.services", intentservice=intents),
        "garak.intents": module("garak.intents", TextStub=SimpleNamespace),
        **own,
    }
    for name, double in there.items():
        monkeypatch.setitem(sys.modules, name, double)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.2.3-double")
    forget()
    yield
    forget()


def forget() -> None:
    for cached in (pyrit._converters, pyrit.find, garak._made, garak.find):
        cached.cache_clear()  # type: ignore[attr-defined]


def test_a_converter_puts_what_it_makes_of_the_prompt_and_the_answer_is_judged_as_it_stands(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("pyrit/base64"), target="Fill the samovar.")
    assert base64.b64decode(played.prompts[0]).decode() == TEA.prompt
    assert [message.role for message in played.target.asked[0]] == ["user"]
    assert played.record["outcome"] == "unsafe"


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ({"append_description": True}, "unsafe"),
        ({"append_description": True, "decode": "never"}, "safe"),
        ({}, "safe"),
        ({"decode": "always"}, "unsafe"),
    ],
)
def test_an_answer_in_the_cipher_is_decoded_where_one_is_asked_for(
    tmp_path: Path, said: dict[str, Any], outcome: str
) -> None:
    attack = make("pyrit/caesar", {"caesar_offset": 5, **said})
    answer = ciphers.caesar("Fill the samovar with water, light the fire below it and wait until it sings.", 5)
    played = play(tmp_path / "r", attack, target=answer)
    assert ciphers.caesar(TEA.prompt, 5) in played.prompts[0]
    assert played.record["outcome"] == outcome


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("base64", ciphers.base64_of),
        ("rot13", ciphers.rot13),
        ("atbash", ciphers.atbash),
        ("morse", ciphers.morse),
        ("leetspeak", ciphers.leet),
    ],
)
def test_each_cipher_of_ours_has_its_way_back(name: str, write: Callable[[str], str]) -> None:
    text = "Fill the samovar with water, light the fire below and wait for steam."
    attack: Any = make("pyrit/base64")
    other = type("Other", (type(attack),), {"name": f"pyrit/{name}"}, frozen=True)
    reader = other().reader()
    assert reader is not None
    assert reader(write(text)).lower() == text.lower()


def test_the_way_back_from_vigenere_moves_the_key_with_letters_alone() -> None:
    # "ATTACK AT DAWN" under LEMON is the textbook's LXFOPV EF RNHR.
    assert pyrit._unkeyed("LXFOPV EF rnhr!", "lemon") == "ATTACK AT dawn!"


def test_random_numbers_follow_the_seed_and_disturb_no_others(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random.seed(5)
    wanted = random.random()
    random.seed(5)
    cases = [Case(id=str(n), prompt="Brew tea") for n in range(2)]
    one, other = (play(tmp_path / n, make("pyrit/char-noise"), target="No.", cases=cases).prompts for n in "ab")
    assert one == other
    assert one[0] != one[1]
    assert random.random() == wanted
    assert "tea" not in capsys.readouterr().out, "converters that print are silent"


def test_converters_that_wait_disturb_neither_each_other_nor_the_output(tmp_path: Path) -> None:
    cases = [Case(id=str(n), prompt=f"Brew tea {n}") for n in range(6)]
    output, before = sys.stdout, random.getstate()
    one, other = (
        play(tmp_path / str(n), make("pyrit/slow"), target="No.", cases=cases, workers=n).prompts for n in (1, 6)
    )
    assert sys.stdout is output
    assert random.getstate() == before
    assert sorted(one) == sorted(other)


def test_a_seed_goes_to_converters_that_take_one_unless_the_user_gives_it(tmp_path: Path) -> None:
    case = Case(id="1", prompt="Brew tea")
    drawn = [play(tmp_path / n, make("pyrit/fussy"), target="No.", cases=[case]).prompts[0] for n in "ab"]
    assert drawn[0] == drawn[1] != "Brew tea None"
    given = play(tmp_path / "g", make("pyrit/fussy", {"seed": 4}), target="No.", cases=[case]).prompts[0]
    assert given == "Brew tea 4"


def test_a_prompt_that_cannot_be_converted_is_not_delivered_and_not_quoted(tmp_path: Path) -> None:
    played = play(tmp_path / "r", make("pyrit/fussy"), target="Fill the samovar.")
    assert (played.record["outcome"], played.record["reason"]) == ("error", "not_delivered")
    assert "KeyError" in played.record["detail"]
    assert "samovar" not in played.record["detail"]
    assert played.target.asked == []


def test_converters_that_ask_a_model_or_give_no_text_or_cannot_be_written_down_are_not_offered() -> None:
    assert pyrit.members() == ["base64", "caesar", "char-noise", "fussy", "rot13", "slow"]
    assert list(inspect.signature(registry.find("attack", "pyrit/rot13")).parameters) == ["decode"]


def test_options_are_the_converters_own_and_are_checked() -> None:
    with pytest.raises(ValueError, match=r"pyrit/caesar.*caesar_offset.*its parameters: decode, caesar_offset"):
        make("pyrit/caesar")
    with pytest.raises(ValueError, match=r"Expected `int`, got `str` - at `\$\.caesar_offset`"):
        make("pyrit/caesar", {"caesar_offset": "x"})
    with pytest.raises(ValueError, match="an offset is from 1 to 25"):
        make("pyrit/caesar", {"caesar_offset": 26})
    with pytest.raises(ValueError, match="no way back"):
        make("pyrit/base64", {"encoding_func": "b16encode", "decode": "always"})


def test_a_probe_puts_one_of_the_prompts_that_it_makes_of_the_request(tmp_path: Path) -> None:
    code = base64.b16encode(TEA.prompt.encode()).decode()
    for number, wanted in enumerate((f"Read this: {code}", f"In BASE16: {code}", f"Read this: {code}")):
        attack = make("garak/encoding.InjectBase16", {"number": number})
        assert play(tmp_path / str(number), attack, target="Fill the samovar.").prompts == [wanted]
    drawn = make("garak/grandma.GrandmaIntent")
    cases = [Case(id=str(n), prompt="how tea is brewed") for n in range(20)]
    one, other = (play(tmp_path / n, drawn, target="No.", cases=cases).prompts for n in "ab")
    assert one == other
    assert len(set(one)) == 3
    assert all(prompt.endswith("used to say: how tea is brewed") for prompt in one)


def test_a_probe_with_prompts_of_its_own_is_refused_with_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert garak.members() == ["encoding.InjectBase16", "grandma.GrandmaIntent"]
    with pytest.raises(ValueError, match=r"garak/dan.Dan brings prompts of its own .*\(docs/reference/adapters.md"):
        make("garak/dan.Dan")
    with pytest.raises(registry.UnknownName, match=r"did you mean 'garak/encoding.InjectBase16'"):
        make("garak/encoding.InjectBase61")
    make("garak/grandma.GrandmaIntent")
    assert capsys.readouterr().out == "", "garak tells people things, and not on our output"


def test_identities_change_with_the_packages_release(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("pyrit/base64", "garak/encoding.InjectBase16")
    before = {name: make(name).identity for name in names}
    forget()
    assert before == {name: make(name).identity for name in names}
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "9.9")
    forget()
    assert all(make(name).identity != before[name] for name in names)


def test_listings_name_every_attack_of_a_family_that_is_installed() -> None:
    abouts = {about.name: about for about in listing("attacks")}
    assert {"direct", "pyrit/base64", "garak/grandma.GrandmaIntent"} <= set(abouts)
    assert abouts["pyrit/base64"].title == "PyRIT's Base64Converter: Base64. A double."
    assert abouts["pyrit/base64"].needs == ("extra pyrit",)
    assert not {"pyrit/NAME", "garak/NAME"} & set(abouts)


@pytest.mark.parametrize("family", FAMILIES)
def test_without_the_extra_it_is_said_what_to_install(
    family: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pyrit" if family == "pyrit" else "garak.probes", None)
    mend = f"pip install 'tocsin[{family}]'"
    words = ["attack", f"{family}/encoding.InjectBase16", "How is tea brewed?", "--out", str(tmp_path)]
    assert main(words, monkeypatch) == 2
    assert mend in capsys.readouterr().err
    assert main(["list", "attacks", "--json"], monkeypatch) == 0
    (row,) = [row for row in json.loads(capsys.readouterr().out) if row["name"].startswith(family)]
    assert row["name"] == f"{family}/NAME"
    assert row["needs"] == [f"extra {family}"]
    assert mend in row["title"]


def test_a_misspelt_name_is_told_with_the_nearest() -> None:
    with pytest.raises(registry.UnknownName, match=r"did you mean 'pyrit/base64'"):
        make("pyrit/bse64")


KEPT = (
    contract.test_its_card_is_complete,
    contract.test_it_implements_the_protocol,
    contract.test_its_parameters_are_checked_and_the_valid_ones_listed,
    contract.test_its_identity_is_stable_and_changes_with_its_version,
    contract.test_its_identity_changes_with_every_parameter,
    contract.test_it_asks_the_target_and_its_answer_is_judged,
    contract.test_the_same_seed_and_the_same_answers_make_the_same_calls,
    contract.test_a_run_that_was_stopped_repeats_nothing_and_asks_the_same,
)


@pytest.mark.parametrize("name", ["pyrit/rot13", "garak/encoding.InjectBase16", "garak/grandma.GrandmaIntent"])
@pytest.mark.parametrize("check", KEPT, ids=lambda check: check.__name__.removeprefix("test_"))
def test_the_contract_of_attacks_is_kept(check: Callable[..., None], name: str, tmp_path: Path) -> None:
    folder = {"tmp_path": tmp_path} if "tmp_path" in inspect.signature(check).parameters else {}
    check(make(name), **folder)


@pytest.mark.parametrize("name", ["pyrit/base64", "garak/encoding.InjectBase16"])
def test_the_contract_holds_for_odd_texts_and_for_targets_that_fail(name: str, tmp_path: Path) -> None:
    texts = [text for text in HOSTILE if HOSTILE[text].strip() and "megabyte" not in text]
    for number, text in enumerate(texts):
        (folder := tmp_path / str(number)).mkdir()
        contract.test_it_puts_any_prompt_and_bears_any_reply(make(name), text, folder)
    (folder := tmp_path / "error").mkdir()
    contract.test_an_error_of_the_target_is_an_error_and_no_success(make(name), folder, ErrorKind.TIMEOUT)
    (folder := tmp_path / "helpers").mkdir()
    contract.test_helpers_that_deliver_nothing_are_no_word_on_the_target(make(name), folder, "")
