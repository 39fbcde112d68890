"""What is made of a completion, over a real socket."""

from __future__ import annotations

import gzip
from typing import Any

import pytest
from perf.wire_server import serve

from tests.models.asking import ask, call, fault
from tests.models.endpoints import Said, chat, endpoint
from tocsin.models import Prices, openai_wire
from tocsin.types import Answer, ErrorKind, Usage


def said(reply: Said) -> Answer:
    with endpoint(reply) as one:
        return ask(one.url)


def body(text: bytes) -> Said:
    return Said(body=b'{"choices":[{"message":{"content":' + text + b"}}]}")


def test_half_a_surrogate_pair_becomes_a_replacement_character() -> None:
    answer = said(body(rb'"before \ud800 after \ud83d\ude00"'))
    assert answer.text == "before � after \N{GRINNING FACE}"


def test_content_as_a_list_of_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "one, "}, {"type": "image"}, {"type": "text", "text": None}, {"text": "two"}]
    assert said(chat(parts)).text == "one, two"


@pytest.mark.parametrize("content", [None, "", []])
def test_absent_content_is_an_empty_answer_and_no_fault(content: Any) -> None:
    answer = said(chat(content))
    assert answer.text == ""
    assert answer.finish == "stop"
    assert not answer.blocked


def test_the_refusal_field_is_an_answer_that_declines() -> None:
    answer = said(chat(None, refusal="I won't."))
    assert answer.declined
    assert answer.text == "I won't."


def test_a_text_beside_the_refusal_field_is_what_counts() -> None:
    answer = said(chat("Here you are.", refusal="I won't."))
    assert not answer.declined
    assert answer.text == "Here you are."


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_reasoning_is_kept_apart_from_the_answer(field: str) -> None:
    answer = said(chat("Yes.", **{field: "Let me see."}))
    assert (answer.text, answer.reasoning) == ("Yes.", "Let me see.")


@pytest.mark.parametrize(
    ("content", "text", "reasoning"),
    [
        ("<think>Let me see.</think>\n\nYes.", "Yes.", "Let me see."),
        ("\n <think>\nLet me see.\n</think>Yes.", "Yes.", "Let me see."),
        ("<thinking>Let me see.</thinking>Yes.", "Yes.", "Let me see."),
        ("<think>One.</think><think>Two.</think>Yes.", "Yes.", "One.\n\nTwo."),
        ("<think>Let me see and see and", "", "Let me see and see and"),
        ("<think>One.</think>\n<think>Two and", "", "One.\n\nTwo and"),
        ("<think></think>Yes.", "Yes.", ""),
        ("Write <think> before </think>.", "Write <think> before </think>.", ""),
    ],
)
def test_reasoning_that_a_server_left_in_the_text_is_taken_out(content: str, text: str, reasoning: str) -> None:
    answer = said(chat(content))
    assert (answer.text, answer.reasoning) == (text, reasoning)


def test_many_thoughts_in_a_row_take_time_in_proportion() -> None:
    assert said(chat("<think></think>" * 200_000 + "Yes.")).text == "Yes."


@pytest.mark.parametrize(
    ("finish", "kept"),
    [("length", "length"), ("end_turn", "end_turn"), ("tool_calls", "tool_calls"), (None, "stop"), ("", "stop")],
)
def test_finish_reasons_are_kept_in_the_endpoints_own_word(finish: str | None, kept: str) -> None:
    answer = said(chat("Yes.", finish=finish))
    assert answer.finish == kept
    assert not answer.blocked


def test_only_content_filter_means_blocked() -> None:
    answer = said(chat("Yes, first of all", finish="content_filter"))
    assert answer.blocked
    assert answer.text == "Yes, first of all"


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        (None, Usage()),
        ({}, Usage()),
        ({"prompt_tokens": None, "completion_tokens": 3}, Usage(0, 3)),
        ({"prompt_tokens": -5, "completion_tokens": -1}, Usage()),
        (
            {"prompt_tokens": 7, "completion_tokens": 9, "completion_tokens_details": {"reasoning_tokens": 4}},
            Usage(7, 9, 4),
        ),
        ({"prompt_tokens": 7, "completion_tokens_details": {"reasoning_tokens": -4}}, Usage(7, 0, 0)),
    ],
)
def test_tokens_count_as_the_endpoint_says_and_never_below_zero(usage: Any, counted: Usage) -> None:
    assert said(chat(usage=usage)).usage == counted


def test_cost_follows_from_tokens_and_prices() -> None:
    usage = {"prompt_tokens": 2_000, "completion_tokens": 500}
    with endpoint(chat(usage=usage)) as one:
        assert call(one.url, prices=Prices(input=1.5, output=4.0)).cost == pytest.approx(0.005)
        assert call(one.url).cost is None


def test_prices_of_an_endpoint_that_counts_no_tokens_cost_nothing() -> None:
    with endpoint(chat()) as one:
        assert call(one.url, prices=Prices(input=1.5, output=4.0)).cost == 0


def test_an_answer_of_ten_megabytes_is_read_whole() -> None:
    with serve(fault="huge") as server:
        answer = ask(server.url, timeout=20)
    assert len(answer.text) == 10_000_000


def test_a_reply_ends_at_64_mb() -> None:
    assert openai_wire.MAX_REPLY == 64 * 1024 * 1024


@pytest.mark.parametrize("packed", [False, True])
def test_a_longer_reply_is_malformed_even_if_it_is_small_before_it_is_unpacked(
    packed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openai_wire, "MAX_REPLY", 2**20)
    body = chat("a" * 2**20).body
    reply = Said(body=gzip.compress(body), headers={"Content-Encoding": "gzip"}) if packed else Said(body=body)
    assert (len(reply.body) < 2**13) is packed
    with endpoint(reply) as one:
        failure = fault(one.url)
    assert failure.kind is ErrorKind.MALFORMED
    assert "larger than" in failure.detail


def test_a_compressed_reply_is_an_answer_like_any() -> None:
    assert said(Said(body=gzip.compress(chat("Packed.").body), headers={"Content-Encoding": "gzip"})).text == "Packed."


NESTED = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"null",
        b"[]",
        b"<html>busy</html>",
        b'{"choices":',
        b'{"choices":[]}',
        b'{"choices":null}',
        b'{"choices":[{}]}',
        b'{"choices":[{"message":null}]}',
        b'{"choices":[{"message":{"content":5}}]}',
        b'{"choices":[{"message":{"content":"a"},"finish_reason":5}]}',
        b'{"choices":[{"message":{"content":"\xff"}}]}',
        b'{"choices":[{"message":{"content":"a"}}],"usage":"much"}',
        b'{"error":{"message":"no"}}',
        b'{"x":' + NESTED + b',"choices":[{"message":{"content":"a"}}]}',
        b'{"y":"\\ud800","x":' + NESTED + b',"choices":[{"message":{"content":"a"}}]}',
        b'{"choices":[{"message":{"content":"\\ud800"}}],"x":}',
    ],
)
def test_a_reply_of_another_shape_is_malformed_and_never_an_empty_answer(broken: bytes) -> None:
    with endpoint(Said(body=broken)) as one:
        failure = fault(one.url)
    assert failure.kind is ErrorKind.MALFORMED
    assert failure.detail
    assert len(failure.detail) < 200
