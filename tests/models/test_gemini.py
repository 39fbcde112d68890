"""What is particular to the Gemini API: what is sent, what comes back, and how it says that it blocked."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest

from tests.models.asking import PROMPT
from tests.models.conftest import Serve
from tests.models.endpoints import Endpoint, Said
from tests.models.vendors import KEY, ask, content, fault, made, needs, refused
from tocsin.models import ConfigError, ModelUnavailable
from tocsin.models.gemini_reply import BLOCKS
from tocsin.types import Answer, ErrorKind, Image, Message, Request, Sampling, Usage

RPC = "type.googleapis.com/google.rpc."


@pytest.fixture(autouse=True)
def _sdk(monkeypatch: pytest.MonkeyPatch) -> None:
    needs("gemini")
    monkeypatch.setenv("GEMINI_API_KEY", KEY)


def answered(serve: Serve, reply: Said) -> Answer:
    return ask("gemini", serve(reply))


def body(there: Endpoint) -> Any:
    """What was sent, under the API's own names: it takes the SDK's, with underscores, as well."""
    (one,) = there.asked
    return _camel(one.json)


def _camel(told: Any) -> Any:
    if isinstance(told, dict):
        return {re.sub(r"_(\w)", lambda found: found[1].upper(), name): _camel(inner) for name, inner in told.items()}
    return [_camel(one) for one in told] if isinstance(told, list) else told


def sent(serve: Serve, asked: Request | None = None, **config: Any) -> Any:
    there = serve(content({"text": "An answer."}))
    ask("gemini", there, asked, **config)
    return body(there)


# -- what is sent -------------------------------------------------------------------------------------------------------


def test_only_what_is_said_is_sent(serve: Serve) -> None:
    there = serve(content({"text": "An answer."}))
    ask("gemini", there)
    asked = body(there)
    assert asked.pop("contents") == [{"role": "user", "parts": [{"text": PROMPT}]}]
    assert not any(asked.values()), asked
    assert there.asked[0].target == "/v1beta/models/loopback:generateContent"
    assert there.asked[0].headers["x-goog-api-key"] == KEY


def test_a_conversation_and_the_suites_sampling_are_sent_as_the_api_names_them(serve: Serve) -> None:
    turns = (
        Message("system", "Be brief."),
        Message("user", "One?"),
        Message("assistant", "Two."),
        Message("user", "?"),
    )
    asked = Request(turns, Sampling(temperature=0, top_p=0.5, max_tokens=64, stop=("END",), seed=3))
    safety = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]
    told = sent(serve, asked, temperature=0.9, system="Be kind.", extra={"safetySettings": safety})
    assert told["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert [(turn["role"], turn["parts"]) for turn in told["contents"]] == [
        ("user", [{"text": "One?"}]),
        ("model", [{"text": "Two."}]),
        ("user", [{"text": "?"}]),
    ]
    assert told["generationConfig"] == {
        "temperature": 0,
        "topP": 0.5,
        "maxOutputTokens": 64,
        "stopSequences": ["END"],
        "seed": 3,
    }
    assert told["safetySettings"] == safety


def test_images_are_sent_as_base64_before_the_text(serve: Serve) -> None:
    asked = Request((Message("user", "What is this?", (Image("image/png", b"\x89PNG\xff\xfe"),)),))
    image, text = sent(serve, asked)["contents"][0]["parts"]
    assert text == {"text": "What is this?"}
    assert image["inlineData"]["mimeType"] == "image/png"
    assert base64.urlsafe_b64decode(image["inlineData"]["data"]) == b"\x89PNG\xff\xfe"


@pytest.mark.parametrize(
    ("config", "wanted"),
    [
        ({}, None),
        ({"thinking_budget": 0}, {"thinkingBudget": 0}),
        ({"reasoning_effort": "none"}, {"thinkingBudget": 0}),
        ({"thinking_budget": 512}, {"thinkingBudget": 512, "includeThoughts": True}),
        ({"reasoning_effort": "low"}, {"thinkingLevel": "LOW", "includeThoughts": True}),
        ({"reasoning_effort": "xhigh"}, {"thinkingLevel": "XHIGH", "includeThoughts": True}),
    ],
)
def test_reasoning_is_sent_as_the_api_names_it(config: dict[str, Any], wanted: Any, serve: Serve) -> None:
    assert sent(serve, **config).get("generationConfig", {}).get("thinkingConfig") == wanted


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({"reasoning_effort": "low", "thinking_budget": 512}, "drop one"),
        ({"max_tokens_field": "max_tokens"}, "max_tokens_field"),
    ],
)
def test_an_entry_that_every_call_would_fail_for_is_refused_at_once(config: dict[str, Any], why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        made("gemini", "http://127.0.0.1:9", **config)


def test_variables_of_the_sdk_lead_nowhere_else(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "GOOGLE_API_KEY": "another-key-of-the-machine",
        "GOOGLE_GENAI_USE_VERTEXAI": "true",
        "GOOGLE_GENAI_USE_ENTERPRISE": "true",
        "GOOGLE_GENAI_API_VERSION": "v9",
        "GOOGLE_GENAI_CLIENT_MODE": "replay",
        "GOOGLE_GENAI_REPLAYS_DIRECTORY": "nowhere",
    }.items():
        monkeypatch.setenv(name, value)
    there = serve(content({"text": "An answer."}))
    assert ask("gemini", there).text == "An answer."
    assert there.asked[0].headers["x-goog-api-key"] == KEY
    assert there.asked[0].target.startswith("/v1beta/models/")


# -- what comes back ----------------------------------------------------------------------------------------------------


def test_thoughts_are_kept_apart_from_the_answer_and_counted_as_output(serve: Serve) -> None:
    usage = {"promptTokenCount": 11, "candidatesTokenCount": 7, "thoughtsTokenCount": 5, "totalTokenCount": 23}
    parts: tuple[dict[str, Any], ...] = (
        {"text": "Let me see.", "thought": True},
        {"text": "Yes, "},
        {"inlineData": {}},
        {"text": "indeed."},
    )
    answer = answered(serve, content(*parts, usageMetadata=usage))
    assert (answer.text, answer.reasoning) == ("Yes, indeed.", "Let me see.")
    assert answer.usage == Usage(11, 12, 5)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("STOP", "stop"), (None, "stop"), ("MAX_TOKENS", "length"), ("OTHER", "other"), ("LANGUAGE", "language")],
)
def test_finish_reasons_are_told_in_the_words_of_the_house(reason: str | None, finish: str, serve: Serve) -> None:
    answer = answered(serve, content({"text": "An answer."}, finish=reason))
    assert (answer.finish, answer.blocked, answer.text) == (finish, False, "An answer.")


@pytest.mark.parametrize("reason", sorted(BLOCKS))
def test_an_answer_that_the_filter_ended_is_a_block(reason: str, serve: Serve) -> None:
    answer = answered(serve, content(finish=reason, candidates=[{"finishReason": reason}]))
    assert (answer.blocked, answer.declined, answer.text, answer.finish) == (True, False, "", "content_filter")


def test_what_was_delivered_before_the_filter_struck_is_kept(serve: Serve) -> None:
    answer = answered(serve, content({"text": "To begin with,"}, finish="SAFETY"))
    assert (answer.blocked, answer.text) == (True, "To begin with,")


@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "JAILBREAK"])
def test_a_prompt_that_was_blocked_is_an_answer_without_text(reason: str, serve: Serve) -> None:
    answer = answered(serve, content(candidates=[], promptFeedback={"blockReason": reason}))
    assert (answer.blocked, answer.text, answer.finish) == (True, "", "content_filter")


@pytest.mark.parametrize(
    "more",
    [
        {"candidates": []},
        {"candidates": None},
        {"candidates": [], "promptFeedback": {}},
        {"candidates": [], "promptFeedback": {"blockReason": "BLOCKED_REASON_UNSPECIFIED"}},
        {"candidates": [{}]},
    ],
)
def test_no_candidate_and_no_reason_for_it_is_malformed(more: dict[str, Any], serve: Serve) -> None:
    assert fault("gemini", serve(content(**more))).kind is ErrorKind.MALFORMED


@pytest.mark.parametrize("candidate", [{"finishReason": "STOP"}, {"content": {}}, {"content": {"parts": []}}])
def test_a_candidate_without_text_is_an_empty_answer_and_no_fault(candidate: Any, serve: Serve) -> None:
    answer = answered(serve, content(candidates=[candidate]))
    assert (answer.text, answer.blocked, answer.finish) == ("", False, "stop")


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (
            refused(400, "INVALID_ARGUMENT", "", {"@type": f"{RPC}ErrorInfo", "reason": "API_KEY_INVALID"}),
            ErrorKind.AUTH,
        ),
        (refused(400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number"), ErrorKind.TOO_LONG),
        (refused(400, "INVALID_ARGUMENT", "Unknown name"), ErrorKind.REJECTED),
        (refused(403, "PERMISSION_DENIED"), ErrorKind.AUTH),
        (refused(404, "NOT_FOUND"), ErrorKind.NOT_FOUND),
        (refused(503, "UNAVAILABLE"), ErrorKind.SERVER),
        (refused(504, "DEADLINE_EXCEEDED"), ErrorKind.SERVER),
    ],
)
def test_errors_of_the_api_have_their_kinds(reply: Said, kind: ErrorKind, serve: Serve) -> None:
    assert fault("gemini", serve(reply)).kind is kind


def exhausted(quota: str, value: str = "10") -> Said:
    """A 429 that names the quota that is used up, and the seconds to wait."""
    failure = {"@type": f"{RPC}QuotaFailure", "violations": [{"quotaId": quota, "quotaValue": value}]}
    wait = {"@type": f"{RPC}RetryInfo", "retryDelay": "12.5s"}
    return refused(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", failure, wait)


def test_a_minutes_quota_is_waited_for_as_the_body_says(serve: Serve) -> None:
    failure = fault("gemini", serve(exhausted("GenerateRequestsPerMinutePerProjectPerModel")))
    assert (failure.kind, failure.retry_after, failure.pushback) == (ErrorKind.RATE, 12.5, True)


@pytest.mark.parametrize(
    ("quota", "value"), [("GenerateRequestsPerDayPerProjectPerModel", "10"), ("GenerateRequestsPerMinute", "0")]
)
def test_a_days_quota_and_one_of_nothing_are_spent(quota: str, value: str, serve: Serve) -> None:
    assert fault("gemini", serve(exhausted(quota, value))).kind is ErrorKind.QUOTA


@pytest.mark.parametrize(
    ("named", "text"),
    [
        ("thinking mode", "Budget 0 is invalid. This model only works in thinking mode."),
        ("thinking level", "Thinking level is not supported for this model."),
    ],
)
def test_a_parameter_that_the_model_does_not_take_stops_the_run_and_is_named(
    named: str, text: str, serve: Serve
) -> None:
    there = serve(refused(400, "INVALID_ARGUMENT", f"{text} Key {KEY}"))
    with pytest.raises(ModelUnavailable, match=f"(?i)refuses {named}") as caught:
        ask("gemini", there, reasoning_effort="none")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("field", ["generationConfig", "contents", "systemInstruction"])
def test_extra_cannot_say_what_the_journal_must_know(field: str) -> None:
    with pytest.raises(ConfigError, match=field):
        made("gemini", "http://127.0.0.1:9", extra={field: {"temperature": 1.5}})
