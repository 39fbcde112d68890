"""Which kind each fault of an endpoint has, and what may be said of it."""

from __future__ import annotations

import json

import pytest
from perf.faults import KINDS, Fault
from perf.wire_server import serve

from tests.models.asking import PROMPT, ask, fault
from tests.models.endpoints import Said, endpoint, error
from tocsin.models import FATAL
from tocsin.models.errors import PUSHBACK, RETRYABLE, presentable
from tocsin.types import ErrorKind

KEY = "sk-planted-4f8Qz71LmWv0"

OF_FAULT: dict[Fault, ErrorKind] = {
    "429": ErrorKind.RATE,
    "429-retry-after": ErrorKind.RATE,
    "500": ErrorKind.SERVER,
    "503": ErrorKind.SERVER,
    "timeout": ErrorKind.TIMEOUT,
    "drop": ErrorKind.CONNECTION,
    "drop-midway": ErrorKind.CONNECTION,
    "truncated-json": ErrorKind.MALFORMED,
    "wrong-json": ErrorKind.MALFORMED,
    "empty-choices": ErrorKind.MALFORMED,
    "401": ErrorKind.AUTH,
    "403": ErrorKind.AUTH,
    "404": ErrorKind.NOT_FOUND,
    "quota": ErrorKind.QUOTA,
    "too-long": ErrorKind.TOO_LONG,
    "slow-loris": ErrorKind.TIMEOUT,
}
"""Faults of the wire server → their kind. The others are answers of some form."""

ANSWERS: tuple[Fault, ...] = (
    *("empty-text", "content-filter", "content-filter-400", "content-filter-partial"),
    *("length", "reasoning-cut", "reasoning", "huge"),
)


def test_every_fault_of_the_server_is_either_a_kind_of_error_or_an_answer() -> None:
    assert {*OF_FAULT, *ANSWERS} == set(KINDS)


def test_every_fault_of_the_server_has_its_kind() -> None:
    with serve() as server:
        for kind, wanted in OF_FAULT.items():
            server.configure(fault=kind)
            assert fault(server.url, timeout=0.3).kind is wanted, kind


def test_every_other_fault_is_an_answer() -> None:
    with serve(huge_bytes=1000) as server:
        for kind in ANSWERS:
            server.configure(fault=kind)
            answer = ask(server.url)
            assert answer.blocked == kind.startswith("content-filter"), kind
            assert bool(answer.text) == (kind in ("length", "reasoning", "huge", "content-filter-partial")), kind


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (error(400, "no such parameter"), ErrorKind.REJECTED),
        (error(422), ErrorKind.REJECTED),
        (error(451), ErrorKind.REJECTED),
        (error(402), ErrorKind.QUOTA),
        (error(429, code="insufficient_quota"), ErrorKind.QUOTA),
        (error(429, type="exceeded_current_quota_error"), ErrorKind.QUOTA),
        (error(408), ErrorKind.TIMEOUT),
        (error(413), ErrorKind.TOO_LONG),
        (error(400, "This model's maximum context length is 10 tokens"), ErrorKind.TOO_LONG),
        (error(500), ErrorKind.SERVER),
        (error(529), ErrorKind.SERVER),
        (Said(502, b"<html>bad gateway</html>"), ErrorKind.SERVER),
        (Said(500, b'{"error":{"innererror":{"x":' + b"[" * 9_000 + b"]" * 9_000 + b"}}}"), ErrorKind.SERVER),
        (Said(400, b"\xff\xfe"), ErrorKind.REJECTED),
        (Said(400, b'{"error":"plain words"}'), ErrorKind.REJECTED),
        (Said(400, b'{"detail":[{"loc":["body"]}]}'), ErrorKind.REJECTED),
    ],
)
def test_a_status_has_its_kind_whatever_the_body(reply: Said, kind: ErrorKind) -> None:
    with endpoint(reply) as one:
        failure = fault(one.url)
    assert failure.kind is kind
    if reply.status not in (402, 429):
        assert f"HTTP {reply.status}" in failure.detail


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed_so_prompt_and_headers_stay_with_the_endpoint(status: int) -> None:
    with endpoint(error(500)) as elsewhere, endpoint(Said(status, headers={"Location": elsewhere.url})) as one:
        failure = fault(one.url)
        assert elsewhere.asked == []
    assert failure.kind is ErrorKind.NOT_FOUND
    assert "base_url" in failure.detail


@pytest.mark.parametrize("status", [400, 403, 422, 451])
@pytest.mark.parametrize(
    "code",
    [
        *("content_filter", "content_policy_violation", "data_inspection_failed", "content_moderation", "moderation"),
        *("prohibited_content", "nsfw_content", "NSFW"),
    ],
)
def test_a_block_by_the_providers_filter_is_an_answer(status: int, code: str) -> None:
    with endpoint(error(status, "blocked", code)) as one:
        answer = ask(one.url)
    assert answer.blocked
    assert answer.text == ""
    assert answer.finish == "content_filter"


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "message",
    [
        "Generated image rejected by content moderation",
        "Your request was rejected as a result of our safety system. Your prompt may contain text that is not allowed.",
        "Your prompt was flagged as potentially violating our usage policy.",
        "Output blocked by content filtering policy",
        "The prompt violates the community guidelines.",
        "NSFW content detected in the output image.",
        "The input did not pass moderation.",
        "Request blocked due to a content policy.",
    ],
)
def test_a_block_may_be_told_in_words_alone(status: int, message: str) -> None:
    with endpoint(error(status, message)) as one:
        assert ask(one.url).blocked


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [
        (403, "Your API key was flagged for billing review", ErrorKind.AUTH),
        (403, "Your key was blocked by our content policy team.", ErrorKind.AUTH),
        (401, "Request rejected by content moderation", ErrorKind.AUTH),
        (402, "Request rejected by content moderation", ErrorKind.QUOTA),
        (404, "Request rejected by content moderation", ErrorKind.NOT_FOUND),
        (500, "Request rejected by content moderation", ErrorKind.SERVER),
        (400, "Your API key was flagged for violating our usage policies.", ErrorKind.REJECTED),
        (
            400,
            "Your account has been suspended: it was blocked for violations of the usage policy.",
            ErrorKind.REJECTED,
        ),
        (400, "The request was flagged for review.", ErrorKind.REJECTED),
        (400, "Invalid value for 'moderation': rejected.", ErrorKind.REJECTED),
        (400, "The moderation parameter was rejected.", ErrorKind.REJECTED),
        (400, 'Unknown field "rejected by content moderation".', ErrorKind.REJECTED),
        (400, "Content filter unavailable for this model.", ErrorKind.REJECTED),
    ],
)
def test_words_that_are_not_the_filters_are_no_block(status: int, message: str, kind: ErrorKind) -> None:
    with endpoint(error(status, message)) as one:
        assert fault(one.url).kind is kind


def test_a_message_that_quotes_the_prompt_shows_no_block() -> None:
    prompt = "Explain why my picture of a kite was rejected by content moderation."
    with endpoint(error(400, f"cannot process: {prompt}")) as one:
        assert fault(one.url, prompt).kind is ErrorKind.REJECTED


@pytest.mark.parametrize(
    "said",
    [
        {"error": {"code": 403, "message": "Flagged.", "metadata": {"reasons": ["violence"], "flagged_input": "A"}}},
        {"code": "denied", "error": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"},
        {"name": "content_moderation", "errors": ["Your request was flagged."]},
    ],
)
def test_what_stands_in_the_place_of_a_code_shows_a_block_under_403_too(said: object) -> None:
    """As OpenRouter, xAI and Stability say it: none of them has a code of a filter in the usual place."""
    with endpoint(Said(403, json.dumps(said).encode())) as one:
        assert ask(one.url).blocked


def test_a_block_may_be_told_in_the_inner_error() -> None:
    with endpoint(error(400, code="bad", innererror={"code": "ResponsibleAIPolicyViolation"})) as one:
        assert ask(one.url).blocked


def test_an_endpoint_that_is_not_there_is_a_connection_error() -> None:
    with endpoint(error(500)) as one:
        gone = one.url
    assert fault(gone).kind is ErrorKind.CONNECTION


def test_only_what_another_try_may_mend_is_tried_again_and_only_what_nothing_mends_stops_a_run() -> None:
    assert {str(kind) for kind in RETRYABLE} == {"rate", "timeout", "server", "connection", "malformed"}
    assert {str(kind) for kind in FATAL} == {"auth", "quota", "not_found"}
    assert PUSHBACK <= RETRYABLE
    assert not RETRYABLE & FATAL


def test_of_5xx_only_503_says_that_there_is_too_much_to_do() -> None:
    for status, pushback in ((500, False), (502, False), (503, True)):
        with endpoint(error(status)) as one:
            assert fault(one.url).pushback is pushback


# -- what may be said ---------------------------------------------------------------------------------------------------


def details_of(replies: list[Said], monkeypatch: pytest.MonkeyPatch, prompt: str = PROMPT) -> list[str]:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OTHER_KEY", "Bearer hidden-in-a-header-99")
    left = iter(replies)
    with endpoint(lambda asked: next(left)) as one:
        return [fault(one.url, prompt, headers={"X-Other": "env:OTHER_KEY", "X-Plain": "seen"}).detail for _ in replies]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500])
def test_no_detail_repeats_a_key_wherever_the_endpoint_puts_it(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = []
    for secret in (KEY, "hidden-in-a-header-99", "Bearer hidden-in-a-header-99"):
        replies += [
            error(status, f"The key {secret} is not good."),
            error(status, "no", secret),
            error(status, "no", type=secret),
            Said(status, f'{{"detail":"{secret}"}}'.encode()),
            Said(status, f'{{"error":"{secret}"}}'.encode()),
        ]
    for detail in details_of(replies, monkeypatch):
        assert str(status) in detail
        assert KEY not in detail
        assert "hidden" not in detail


@pytest.mark.parametrize("status", [400, 500])
def test_no_detail_quotes_the_prompt(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    replies = [
        error(status, f"cannot process: {PROMPT}"),
        error(status, f"cannot process '{PROMPT[3:40]}' …"),
        error(status, PROMPT.replace(" ", "\n\n")),
        error(status, "no", PROMPT),
    ]
    for detail in details_of(replies, monkeypatch):
        assert "loaf of bread" not in detail
        assert detail.startswith(f"HTTP {status}")


def test_a_short_prompt_is_not_quoted_either(monkeypatch: pytest.MonkeyPatch) -> None:
    (detail,) = details_of([error(400, "I do not like 'hello'.")], monkeypatch, prompt="hello")
    assert "hello" not in detail


def test_what_a_message_says_of_something_else_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    (detail,) = details_of([error(400, "temperature: must be\nbelow 2", "invalid_value")], monkeypatch)
    assert detail == "HTTP 400 invalid_value temperature: must be below 2"


def test_a_message_becomes_one_short_printable_line() -> None:
    line = presentable("a\x1b[2J\r\nb\u2028c \ud800 " + "d" * 5_000)
    assert line.startswith("a [2J b c d")
    assert line.isprintable()
    assert len(line) == 200


@pytest.mark.parametrize("key", ["sk-proj-abcdefghij", "hf_ABCDEFGHIJKL", "xai-0123456789", "sk-abc***wxyz1"])
def test_what_looks_like_a_key_is_cut_out_even_if_it_is_not_ours(key: str) -> None:
    assert presentable(f"Incorrect key: {key}, says the proxy") == "Incorrect key: [key], says the proxy"


def test_a_key_is_cut_out_before_the_line_is_shortened() -> None:
    line = presentable("x" * 190 + " a-key-of-another-form-42", secrets=("a-key-of-another-form-42",))
    assert "a-key" not in line
