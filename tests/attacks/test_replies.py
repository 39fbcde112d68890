"""Reading an attacker's replies: past what stands around them, and never by a guess."""

from __future__ import annotations

import json
import time
from typing import Any

import jsonschema
import pytest

from tests.contract.hostile import HOSTILE
from tocsin.attacks.replies import NOTE, PUT, TEXT, Form, Listed, OneOf, clip

WANTED = {"prompt": "Describe {tea} in 'three' steps.", "improvement": "Ask for less."}
WRITTEN = json.dumps(WANTED)
REFINED: Form[dict[str, str]] = Form(prompt=str, improvement=str)


@pytest.mark.parametrize(
    "reply",
    [
        WRITTEN,
        f"Sure, here you are:\n\n{WRITTEN}\n\nTell me how it went {{or not}}!",
        f"```json\n{json.dumps(WANTED, indent=2)}\n```",
        f"My plan {{a draft}} is: {{not: json}} {WRITTEN}",
        f'{{"thought": "first"}} and then {WRITTEN}',
        f"{WRITTEN}\nOnce more:\n```\n{WRITTEN}\n```",
        f"[{WRITTEN}]",
        f'{{"answer": {WRITTEN}}}',
        json.dumps({**WANTED, "more": [1, {"prompt": 3}]}),
    ],
    ids=[
        "alone",
        "in prose",
        "in a fence",
        "braces before",
        "other object",
        "twice",
        "in a list",
        "within another",
        "more fields",
    ],
)
def test_the_object_is_found_whatever_stands_around_it(reply: str) -> None:
    assert REFINED(reply) == WANTED


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "no object at all",
        '{"prompt": "only one field"}',
        '{"prompt": 3, "improvement": "x"}',
        '{"prompt": null, "improvement": "x"}',
        WRITTEN[:-1],
        WRITTEN.replace('"', "'"),
        WRITTEN + json.dumps({**WANTED, "prompt": "Another."}),
        '{"prompt": "a", "prompt": "b", "improvement": ""}',
    ],
    ids=["empty", "prose", "field missing", "number", "null", "cut off", "no JSON", "two that differ", "field twice"],
)
def test_what_is_not_the_one_object_is_not_guessed_at(reply: str) -> None:
    assert REFINED(reply) is None


@pytest.mark.parametrize(
    ("written", "kind", "read"),
    [
        ("true", bool, True),
        ("1", bool, None),
        ('"yes"', bool, None),
        ("7", int, 7),
        ("true", int, None),
        ("7.0", int, None),
        ("7", float, 7.0),
        ("true", float, None),
        ("NaN", float, None),
        ("1e999", float, None),
        ("9" * 5000, float, None),
        ('""', str, ""),
        ('["a"]', str, None),
        ("null", str, None),
    ],
)
def test_types_are_kept_to_the_letter(written: str, kind: type, read: Any) -> None:
    found = Form[dict[str, Any]](it=kind)(f'{{"it": {written}}}')
    assert (found and found["it"]) == read
    assert found is None or type(found["it"]) is kind


def test_line_breaks_in_a_string_are_taken_and_half_pairs_are_not() -> None:
    form = Form[dict[str, Any]](prompt=TEXT, more=Listed(TEXT))
    assert form('{"prompt": "one\ntwo", "more": ["x"]}') == {"prompt": "one\ntwo", "more": ["x"]}
    found = form('{"prompt": "a \\ud800 b", "more": ["\\udc00"]}')
    assert found is not None
    assert found["prompt"].startswith("a ")
    assert str(found).encode()


def test_blank_texts_are_none_and_notes_may_be_missing() -> None:
    form = Form[dict[str, str]](prompt=TEXT, why=NOTE)
    assert form('{"prompt": " tea \n", "why": 3}') == {"prompt": "tea"}
    assert form('{"prompt": "tea", "why": "so"}') == {"prompt": "tea", "why": "so"}
    for reply in ('{"prompt": " "}', '{"why": "so"}', '{"prompt": ["tea"]}'):
        assert form(reply) is None


def test_lists_keep_what_fits_and_need_as_many_as_were_asked_for() -> None:
    texts = Form[dict[str, list[str]]](q=Listed(TEXT, least=2, most=2))
    assert texts('{"q": ["one", 2, " ", "two", "three"]}') == {"q": ["one", "two"]}
    assert texts('{"q": ["one"]} or {"q": []}') is None
    actor = Form[dict[str, str]](n=TEXT, kind=OneOf("Cup", "Pot"))
    actors = Form(a=Listed(actor)).then(lambda said: said["a"])
    assert actors('{"a": [{"n": "x", "kind": "CUP", "m": 1}, {"n": ""}, 3, {"n": "y", "kind": "pan"}]}') == [
        {"n": "x", "kind": "Cup"}
    ]


def test_the_schema_says_what_is_read() -> None:
    form = Form[dict[str, Any]](prompt=TEXT, same=bool, a=Listed(Form(n=TEXT, kind=OneOf("Cup", "Pot")), least=2))
    assert form.then(str).schema == form.schema
    assert set(form.schema["required"]) == {"prompt", "same", "a"}
    assert form.schema["properties"]["a"]["minItems"] == 2
    good = {"prompt": "p", "same": True, "a": [{"n": "x", "kind": "Cup"}, {"n": "y", "kind": "Pot"}]}
    for change in ({}, {"prompt": ""}, {"same": 1}, {"a": good["a"][:1]}, {"a": [{"n": "x", "kind": "Pan"}] * 2}):  # type: ignore[index]
        said = {**good, **change}
        valid = jsonschema.Draft202012Validator(form.schema).is_valid(said)
        assert valid == (form(json.dumps(said)) is not None) == (change == {}), change


def test_a_long_text_is_clipped_with_a_mark() -> None:
    assert clip("tea", 3) == "tea"
    assert clip("teas", 3) == "tea […]"


@pytest.mark.parametrize(
    "text", [*HOSTILE.values(), "{" * 100_000, '{"a":' * 50_000, '{"' * 500_000, "[" * 99_000, '{"q": [' * 9_000]
)
def test_no_text_raises_or_takes_long(text: str) -> None:
    begun = time.monotonic()
    assert Form(prompt=TEXT)(text) is None
    assert Form(q=Listed(TEXT))(text) is None
    assert time.monotonic() - begun < 2


def test_a_refusal_in_what_is_to_be_put_is_the_attackers() -> None:
    form = Form[dict[str, Any]](prompt=PUT, note=TEXT)
    refusal = "I'm sorry, but I can't help with that."
    assert form(json.dumps({"prompt": refusal, "note": "tea"})) is None
    assert form(json.dumps({"prompt": "Describe tea.", "note": refusal})) is not None
    assert form.schema["properties"]["prompt"] == {"type": "string", "minLength": 1}
