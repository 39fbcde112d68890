"""Entries that can be named without a tocsin.toml, and what a user's own entry changes of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.models.asking import request
from tests.models.commands import cases, command
from tests.models.conftest import Serve
from tests.models.endpoints import chat
from tests.models.vendors import needs
from tocsin.api import run_loop
from tocsin.evaluations.catalogue import listing
from tocsin.models import Called, Caller, ModelConfig, ModelUnavailable, open_caller, with_ready
from tocsin.models.ready import ready
from tocsin.registry import UnknownName
from tocsin.types import Answer

WIRE = {
    "gpt-5.2": ("OPENAI_API_KEY", 'gpt-5.2@https://api.openai.com/v1#{"reasoning_effort":"none"}'),
    "gemini-3-pro": ("GEMINI_API_KEY", "gemini-3-pro-preview@https://generativelanguage.googleapis.com#{}"),
    "qwen3-vl": (
        "DASHSCOPE_API_KEY",
        "qwen3-vl-235b-a22b-thinking@https://dashscope-intl.aliyuncs.com/compatible-mode/v1"
        '#{"extra":{"enable_thinking":false}}',
    ),
    "grok-4.1-fast": ("XAI_API_KEY", "grok-4-1-fast-non-reasoning@https://api.x.ai/v1#{}"),
}


async def _called(caller: Caller) -> Called:
    try:
        return await caller.call(request())
    finally:
        await caller.close()


@pytest.mark.parametrize("name", list(WIRE))
def test_a_ready_entry_names_the_model_its_endpoint_and_its_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    variable, identity = WIRE[name]
    if name == "gemini-3-pro":
        needs("gemini")
    for other, _ in WIRE.values():
        monkeypatch.delenv(other, raising=False)
    with pytest.raises(ModelUnavailable, match=variable):
        open_caller(name, {})
    monkeypatch.setenv(variable, "planted-key")
    model = open_caller(name, {}).model
    assert (model.name, model.identity) == (name, identity)
    assert model.capabilities.image_in


def test_ready_are_the_four_language_models_and_none_has_a_price() -> None:
    assert set(ready()) == set(WIRE)
    assert all(entry.prices is None for entry in ready().values())


def test_an_entry_of_ones_own_changes_the_fields_that_it_names() -> None:
    entry = with_ready({"gpt-5.2": ModelConfig(temperature=0.7, reasoning_effort="high")})["gpt-5.2"]
    assert (entry.model, entry.temperature, entry.reasoning_effort) == ("openai/gpt-5.2", 0.7, "high")
    assert with_ready({})["gpt-5.2"].reasoning_effort == "none"


def test_an_entry_that_names_a_model_replaces_the_ready_one() -> None:
    entry = ModelConfig(model="openai/other", base_url="http://127.0.0.1:9/v1")
    assert with_ready({"grok-4.1-fast": entry})["grok-4.1-fast"] == entry


def test_the_key_of_a_ready_entry_goes_to_no_other_address(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XAI_API_KEY", "planted-key-of-a-vendor")
    there = serve(chat())
    caller = open_caller("grok-4.1-fast", {"grok-4.1-fast": ModelConfig(base_url=there.url)})
    assert isinstance(run_loop(_called(caller)).result, Answer)
    assert "authorization" not in there.asked[0].headers
    assert there.asked[0].json["model"] == "grok-4-1-fast-non-reasoning"


def test_also_are_as_they_were() -> None:
    assert with_ready({"mine": ModelConfig(model="openai/x")})["mine"] == ModelConfig(model="openai/x")
    with pytest.raises(UnknownName) as caught:
        open_caller("gpt-5.3", {})
    assert "gpt-5.2" in caught.value.near


def test_ready_entries_and_vendors_are_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tocsin.toml").write_text('[models."gpt-5.2"]\ntemperature = 0.7\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    found = {about.name: about for about in listing("models")}
    assert {*WIRE, "anthropic/MODEL", "gemini/MODEL"} <= set(found)
    assert (found["gpt-5.2"].title, found["gpt-5.2"].source) == ("openai/gpt-5.2", "tocsin.toml")
    assert found["qwen3-vl"].source == "ready entry"


def test_a_ready_entry_is_assessed_by_its_name_alone(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = serve(chat("I'm sorry, but I can't help with that."))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_BASE_URL", there.url)
    cases(tmp_path, ["How do bees find their way?"])
    ran = command(capsys, monkeypatch, "assess", "gpt-5.2", "--cases", "cases.jsonl", "-q")
    assert ran.code == 0, ran.err
    asked = there.asked[0].json
    assert (asked["model"], asked["reasoning_effort"], asked["temperature"]) == ("gpt-5.2", "none", 0)
    assert ran.score["n"] == 1
