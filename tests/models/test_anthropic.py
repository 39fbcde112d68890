"""What is particular to Anthropic's Messages API: what is sent, what comes back, and what its models refuse."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.models.asking import PROMPT, request
from tests.models.commands import cases, command, select
from tests.models.conftest import Serve
from tests.models.endpoints import Endpoint, Said
from tests.models.vendors import KEY, ask, base, error, fault, made, message, needs, said
from tocsin.models import ConfigError, ModelUnavailable
from tocsin.types import Answer, ErrorKind, Image, Message, Request, Sampling, Usage


@pytest.fixture(autouse=True)
def _sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("anthropic")
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def answered(serve: Serve, reply: Said) -> Answer:
    return ask("anthropic", serve(reply))


def body(there: Endpoint) -> Any:
    (one,) = there.asked
    return one.json


def sent(serve: Serve, asked: Request | None = None, **config: Any) -> Any:
    there = serve(message(said("An answer.")))
    ask("anthropic", there, asked, **config)
    return body(there)


# -- what is sent -------------------------------------------------------------------------------------------------------


def test_only_what_is_said_is_sent_and_the_limit_that_the_api_asks_for(serve: Serve) -> None:
    there = serve(message(said("An answer.")))
    ask("anthropic", there)
    assert body(there) == {
        "model": "loopback",
        "max_tokens": 4096,
        "messages": [{"role": "user", "content": PROMPT}],
    }
    assert there.asked[0].target == "/v1/messages"
    assert there.asked[0].headers["anthropic-version"] == "2023-06-01"


def test_a_conversation_and_the_suites_sampling_are_sent_as_the_api_names_them(serve: Serve) -> None:
    turns = (
        Message("system", "Be brief."),
        Message("user", "One?"),
        Message("assistant", "Two."),
        Message("user", "?"),
    )
    asked = Request(turns, Sampling(temperature=0, top_p=0.5, max_tokens=64, stop=("END",), seed=3))
    assert sent(serve, asked, temperature=0.9, system="Be kind.", extra={"top_k": 7}) == {
        "model": "loopback",
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "One?"},
            {"role": "assistant", "content": "Two."},
            {"role": "user", "content": "?"},
        ],
        "temperature": 0,
        "top_p": 0.5,
        "max_tokens": 64,
        "stop_sequences": ["END"],
        "top_k": 7,
    }


def test_the_entrys_system_prompt_stands_in_where_a_case_has_none(serve: Serve) -> None:
    assert sent(serve, system="Be kind.")["system"] == "Be kind."


def test_images_are_sent_as_base64_before_the_text(serve: Serve) -> None:
    asked = Request((Message("user", "What is this?", (Image("image/png", b"\x89PNG"),)),))
    image, text = sent(serve, asked)["messages"][0]["content"]
    assert text == {"type": "text", "text": "What is this?"}
    assert image["source"]["media_type"] == "image/png"
    assert base64.b64decode(image["source"]["data"]) == b"\x89PNG"


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({"thinking_budget": 2048}, {"thinking": {"type": "enabled", "budget_tokens": 2048}}),
        ({"thinking_budget": 0}, {"thinking": {"type": "disabled"}}),
        ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}),
        ({"reasoning_effort": "xhigh"}, {"output_config": {"effort": "xhigh"}}),
        (
            {"reasoning_effort": "low", "extra": {"thinking": {"type": "adaptive"}}},
            {"output_config": {"effort": "low"}, "thinking": {"type": "adaptive"}},
        ),
    ],
)
def test_reasoning_is_sent_as_the_api_names_it(config: dict[str, Any], wanted: dict[str, Any], serve: Serve) -> None:
    asked = sent(serve, **config)
    assert {name: asked.get(name) for name in ("thinking", "output_config")} == {
        "thinking": None,
        "output_config": None,
    } | wanted
    assert asked["max_tokens"] == 4096 + config.get("thinking_budget", 0)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"reasoning_effort": "minimal"}, "minimal"),
        ({"thinking_budget": 1000}, "1024"),
        ({"thinking_budget": 2048, "reasoning_effort": "none"}, "exclude each other"),
        ({"thinking_budget": 2048, "temperature": 0}, "temperature is 0"),
        ({"thinking_budget": 2048, "top_p": 0.5}, "top_p is 0.5"),
        ({"thinking_budget": 2048, "max_tokens": 2048}, "above thinking_budget"),
        ({"thinking_budget": 2048, "extra": {"thinking": {}}}, "thinking stands in extra, too"),
        ({"reasoning_effort": "low", "extra": {"output_config": {}}}, "output_config stands in extra, too"),
        ({"temperature": 1.5}, "at most 1"),
        ({"max_tokens_field": "max_tokens"}, "max_tokens_field"),
    ],
)
def test_an_entry_that_every_call_would_fail_for_is_refused_at_once(config: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        made("anthropic", "http://127.0.0.1:9", **config)


def test_a_thinking_budget_and_the_limit_that_is_sent_are_in_parameters_and_identity() -> None:
    plain, thinking = (made("anthropic", "http://127.0.0.1:9", **config) for config in ({}, {"thinking_budget": 2048}))
    assert plain.parameters["max_tokens"] == 4096
    assert '"max_tokens":4096' in plain.identity
    assert "thinking" not in plain.identity
    assert thinking.parameters["thinking_budget"] == 2048
    assert '"thinking_budget":2048' in thinking.identity
    assert '"max_tokens":6144' in thinking.identity


def test_headers_that_the_sdk_takes_from_the_environment_are_kept_out_of_errors(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Gate: Bearer hidden-in-a-header-99")
    there = serve(error(400, "invalid_request_error", "You sent hidden-in-a-header-99."))
    assert "hidden" not in fault("anthropic", there).detail
    assert there.asked[0].headers["x-gate"] == "Bearer hidden-in-a-header-99"


# -- what comes back ----------------------------------------------------------------------------------------------------


def test_thinking_is_kept_apart_from_the_answer(serve: Serve) -> None:
    blocks = (
        {"type": "thinking", "thinking": "Let me see.", "signature": "x"},
        {"type": "redacted_thinking", "data": "opaque"},
        said("Yes, "),
        {"type": "server_tool_use", "id": "x"},
        said("indeed."),
    )
    usage = {"input_tokens": 3, "cache_read_input_tokens": 8, "output_tokens": 7}
    reply = message(*blocks, usage=usage | {"output_tokens_details": {"thinking_tokens": 5}})
    answer = answered(serve, reply)
    assert (answer.text, answer.reasoning) == ("Yes, indeed.", "Let me see.")
    assert answer.usage == Usage(11, 7, 5)


@pytest.mark.parametrize(
    ("stop", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        (None, "stop"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("pause_turn", "pause_turn"),
    ],
)
def test_stop_reasons_are_told_in_the_words_of_the_house(stop: str | None, finish: str, serve: Serve) -> None:
    answer = answered(serve, message(said("An answer."), stop=stop))
    assert (answer.finish, answer.blocked, answer.text) == (finish, False, "An answer.")


@pytest.mark.parametrize("delivered", ["", "To begin with,"])
def test_a_refusal_by_the_providers_classifier_is_a_block_with_what_was_delivered_before(
    delivered: str, serve: Serve
) -> None:
    blocks = (said(delivered),) if delivered else ()
    answer = answered(serve, message(*blocks, stop="refusal", stop_details={"type": "refusal", "category": None}))
    assert answer.blocked
    assert not answer.declined
    assert (answer.text, answer.finish) == (delivered, "content_filter")


def test_an_answer_that_the_filter_kept_back_whole_is_a_block(serve: Serve) -> None:
    answer = answered(serve, error(400, "invalid_request_error", "Output blocked by content filtering policy"))
    assert (answer.blocked, answer.text) == (True, "")


@pytest.mark.parametrize("blocks", [(), (said(""),), ({"type": "thinking", "thinking": "Hm."},)])
def test_no_text_is_an_empty_answer_and_no_fault(blocks: tuple[Any, ...], serve: Serve) -> None:
    answer = answered(serve, message(*blocks))
    assert (answer.text, answer.blocked) == ("", False)


@pytest.mark.parametrize(
    ("status", "kind", "text", "wanted"),
    [
        (400, "invalid_request_error", "Your credit balance is too low to use the API", ErrorKind.QUOTA),
        (400, "invalid_request_error", "You have reached your specified API usage limits", ErrorKind.QUOTA),
        (400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum", ErrorKind.TOO_LONG),
        (400, "invalid_request_error", "input length and `max_tokens` exceed context limit", ErrorKind.TOO_LONG),
        (400, "invalid_request_error", "messages: roles must alternate", ErrorKind.REJECTED),
        (402, "billing_error", "", ErrorKind.QUOTA),
        (413, "request_too_large", "", ErrorKind.TOO_LONG),
        (429, "rate_limit_error", "", ErrorKind.RATE),
        (504, "timeout_error", "", ErrorKind.SERVER),
    ],
)
def test_errors_of_the_api_have_their_kinds(status: int, kind: str, text: str, wanted: ErrorKind, serve: Serve) -> None:
    assert fault("anthropic", serve(error(status, kind, text))).kind is wanted


def test_overloaded_is_a_server_error_that_asks_for_fewer_calls(serve: Serve) -> None:
    failure = fault("anthropic", serve(error(529, "overloaded_error", "Overloaded", {"Retry-After": "3"})))
    assert (failure.kind, failure.pushback, failure.retry_after) == (ErrorKind.SERVER, True, 3)
    assert not fault("anthropic", serve(error(500, "api_error"))).pushback


# -- what is fixed for every request, and refused in every one --------------------------------------------------------


@pytest.mark.parametrize("sampling", [{"temperature": 0}, {"top_p": 0.5}, {"max_tokens": 100}, {"temperature": 2}])
def test_a_suite_that_every_call_would_fail_for_stops_at_the_first(sampling: dict[str, Any], serve: Serve) -> None:
    there = serve(message(said("An answer.")))
    with pytest.raises(ModelUnavailable, match="the suite's sampling"):
        ask("anthropic", there, request(**sampling), thinking_budget=2048)
    assert there.asked == []


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ("temperature", "`temperature` is deprecated for this model."),
        ("thinking", '"thinking.type.enabled" is not supported for this model.'),
        ("max_tokens", "max_tokens: 9000 > 8192, which is the most for this model"),
    ],
)
def test_a_parameter_that_the_model_does_not_take_stops_the_run_and_is_named(
    named: str, text: str, serve: Serve
) -> None:
    there = serve(error(400, "invalid_request_error", f"{text} Key {KEY}"))
    with pytest.raises(ModelUnavailable, match=f"refuses {named}") as caught:
        ask("anthropic", there)
    assert KEY not in str(caught.value)


def test_a_run_whose_model_takes_no_temperature_ends_at_once_and_says_why(
    serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    there = serve(error(400, "invalid_request_error", "`temperature` is deprecated for this model."))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", base(there))
    cases(tmp_path, [f"Question {number}: how do bees find their way?" for number in range(50)])
    ran = command(
        capsys, monkeypatch, "assess", "anthropic/loopback", "--cases", "cases.jsonl", "--concurrency", "1", "-q"
    )
    assert ran.code == 4
    assert "refuses temperature" in ran.err
    assert select(ran.run, "SELECT count(*) FROM records") == [(0,)]
    assert len(there.asked) == 1


def test_word_that_the_request_itself_holds_says_nothing_of_a_parameter(serve: Serve) -> None:
    there = serve(error(400, "invalid_request_error", "messages.0: cannot read 'Put effort into a sea shanty'"))
    found = fault("anthropic", there, prompt="Put effort into a sea shanty, please.")
    assert found.kind is ErrorKind.REJECTED
    assert "effort" not in found.detail
