"""Reasoning parameters: where they are sent over the OpenAI format, and where they are refused."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.models.asking import NAME, ask
from tests.models.conftest import Serve
from tests.models.endpoints import chat
from tocsin.models import ConfigError, ModelConfig, open_caller
from tocsin.models.openai import OpenAIChat

HERE = "http://127.0.0.1:9/v1"


def test_an_effort_is_sent_as_the_format_names_it(serve: Serve) -> None:
    there = serve(chat())
    ask(there.url, reasoning_effort="none")
    ask(there.url)
    assert [asked.json.get("reasoning_effort") for asked in there.asked] == ["none", None]


def test_an_effort_is_another_identity_and_none_at_all_is_the_one_from_before() -> None:
    plain = OpenAIChat(NAME, ModelConfig(base_url=HERE, temperature=0))
    low = OpenAIChat(NAME, ModelConfig(base_url=HERE, temperature=0, reasoning_effort="low"))
    assert plain.identity == f'loopback@{HERE}#{{"temperature":0.0}}'
    assert "reasoning_effort" not in plain.parameters
    assert low.identity == f'loopback@{HERE}#{{"reasoning_effort":"low","temperature":0.0}}'
    assert low.parameters["reasoning_effort"] == "low"


@pytest.mark.parametrize("name", ["openai/loopback", "local/smollm2-135m"])
def test_a_thinking_budget_that_nothing_knows_is_refused_before_anything_is_asked(name: str) -> None:
    with pytest.raises(ConfigError, match="thinking_budget"):
        open_caller(name, {name: ModelConfig(base_url=HERE, thinking_budget=0)})


def test_models_on_this_machine_know_no_effort() -> None:
    with pytest.raises(ConfigError, match="reasoning_effort"):
        open_caller("local/smollm2-135m", {"local/smollm2-135m": ModelConfig(reasoning_effort="low")})


@pytest.mark.parametrize(
    "said",
    [
        {"reasoning_effort": "huge"},
        {"thinking_budget": -1},
        {"reasoning_effort": "low", "extra": {"reasoning_effort": "high"}},
    ],
)
def test_an_entry_says_how_to_reason_once_and_in_known_words(said: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        ModelConfig.model_validate(said)


def test_a_server_that_has_a_word_of_its_own_is_told_in_extra(serve: Serve) -> None:
    there = serve(chat())
    ask(there.url, extra={"chat_template_kwargs": {"enable_thinking": False}})
    assert there.asked[0].json["chat_template_kwargs"] == {"enable_thinking": False}
