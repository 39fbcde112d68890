"""What holds of every model behind a vendor's SDK: errors and their kinds, keys, deadlines, and one way of failing."""

from __future__ import annotations

import gzip
import json
import logging
import sys
import time
from pathlib import Path

import pytest

from tests.models.asking import PROMPT, request
from tests.models.commands import attempted, cases, command, select, text_of
from tests.models.conftest import Serve
from tests.models.endpoints import Asked, Said, endpoint, forward
from tests.models.vendors import KEY, KEYS, PACKAGES, ask, base, content, failed, fault, made, message, needs, plain
from tocsin import registry
from tocsin.models import ModelUnavailable, open_caller, sdk_wire
from tocsin.protocols import Model
from tocsin.types import ErrorKind, Outcome


@pytest.fixture(params=list(PACKAGES))
def vendor(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each vendor whose SDK is installed, with a key in its variable."""
    name: str = request.param
    needs(name)
    monkeypatch.setenv(KEYS[name], KEY)
    return name


# -- one try ------------------------------------------------------------------------------------------------------------


def test_an_answer_comes_through_the_sdk_as_from_every_endpoint(vendor: str, serve: Serve) -> None:
    there = serve(plain(vendor))
    answer = ask(vendor, there)
    assert (answer.text, answer.finish, answer.blocked, answer.declined) == ("An answer.", "stop", False, False)
    assert (answer.usage.input_tokens, answer.usage.output_tokens) == (11, 7)
    assert answer.model.endswith("-loopback")
    assert len(there.asked) == 1


def test_every_vendors_model_is_a_model(vendor: str) -> None:
    model = made(vendor, "http://127.0.0.1:9")
    assert isinstance(model, Model)
    assert model.name == f"{vendor}/loopback"
    assert model.base_url == "http://127.0.0.1:9"
    assert model.capabilities.image_in
    assert not made(vendor, "http://127.0.0.1:9", image_in=False).capabilities.image_in


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ErrorKind.REJECTED),
        (401, ErrorKind.AUTH),
        (402, ErrorKind.QUOTA),
        (403, ErrorKind.AUTH),
        (404, ErrorKind.NOT_FOUND),
        (408, ErrorKind.TIMEOUT),
        (413, ErrorKind.TOO_LONG),
        (422, ErrorKind.REJECTED),
        (429, ErrorKind.RATE),
        (500, ErrorKind.SERVER),
        (503, ErrorKind.SERVER),
        (529, ErrorKind.SERVER),
    ],
)
def test_a_status_has_its_kind_after_a_single_try(vendor: str, status: int, kind: ErrorKind, serve: Serve) -> None:
    there = serve(failed(vendor, status, "It did not work."))
    failure = fault(vendor, there)
    assert failure.kind is kind
    assert len(there.asked) == 1, "the SDK tried again by itself"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"<html>bad gateway</html>",
        b"[1]",
        b"null",
        b'{"error": 3}',
        b'{"error": {"code": []}}',
        b'{"a": "\xff"}',
        b"[" * 9_000 + b"]" * 9_000,
    ],
)
@pytest.mark.parametrize(("status", "kind"), [(400, ErrorKind.REJECTED), (502, ErrorKind.SERVER)])
def test_an_error_has_its_kind_whatever_its_body(
    vendor: str, status: int, kind: ErrorKind, body: bytes, serve: Serve
) -> None:
    assert fault(vendor, serve(Said(status, body))).kind is kind


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"{}", b'{"content": "x", "candidates": "x"}', b"\xff", b"[" * 9_000 + b"]" * 9_000],
)
def test_a_reply_of_another_shape_is_malformed_and_no_empty_answer(vendor: str, body: bytes, serve: Serve) -> None:
    assert fault(vendor, serve(Said(200, body))).kind is ErrorKind.MALFORMED


def test_a_reply_cut_off_is_a_connection_error(vendor: str, serve: Serve) -> None:
    cut = plain(vendor)
    there = serve(cut._replace(headers={"Content-Length": str(len(cut.body) + 9), "Connection": "close"}))
    assert fault(vendor, there).kind is ErrorKind.CONNECTION


def test_a_reply_without_end_is_not_read_to_its_end(vendor: str, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk_wire, "MAX_REPLY", 10_000)
    packed = gzip.compress(plain(vendor, "a" * 10_000).body)
    assert len(packed) < 1000
    failure = fault(vendor, serve(Said(200, packed, {"Content-Encoding": "gzip"})))
    assert failure.kind is ErrorKind.MALFORMED
    assert "larger" in failure.detail


def test_a_compressed_reply_is_read(vendor: str, serve: Serve) -> None:
    there = serve(Said(200, gzip.compress(plain(vendor).body), {"Content-Encoding": "gzip"}))
    assert ask(vendor, there).text == "An answer."


@pytest.mark.parametrize("status", [301, 307])
def test_a_redirect_is_not_followed(vendor: str, status: int, serve: Serve) -> None:
    elsewhere = serve(plain(vendor))
    failure = fault(vendor, serve(Said(status, headers={"Location": base(elsewhere)})))
    assert failure.kind is ErrorKind.NOT_FOUND
    assert elsewhere.asked == []


def test_an_endpoint_that_is_not_there_is_a_connection_error(vendor: str) -> None:
    with endpoint(plain(vendor)) as one:
        pass
    assert fault(vendor, one).kind is ErrorKind.CONNECTION


def test_a_reply_that_does_not_come_in_time_is_a_timeout(vendor: str, serve: Serve) -> None:
    def late(asked: Asked) -> Said:
        time.sleep(0.2)
        return plain(vendor)

    begun = time.monotonic()
    failure = fault(vendor, serve(late), timeout=0.05)
    assert failure.kind is ErrorKind.TIMEOUT
    assert failure.pushback
    assert time.monotonic() - begun < 0.2


def test_what_the_endpoint_asks_to_wait_is_passed_on(vendor: str, serve: Serve) -> None:
    for status in (429, 503, 529):
        failure = fault(vendor, serve(failed(vendor, status, headers={"Retry-After": "7"})))
        assert failure.retry_after == 7, status
    assert fault(vendor, serve(failed(vendor, 429))).retry_after is None


def test_half_a_surrogate_pair_becomes_a_replacement_character(vendor: str, serve: Serve) -> None:
    body = plain(vendor, "before HERE after").body.replace(b"HERE", rb"\ud800")
    assert ask(vendor, serve(Said(200, body))).text == "before � after"


@pytest.mark.parametrize("text", ["half \ud800 a pair"])
def test_a_prompt_that_is_no_unicode_is_sent_or_is_a_fault_that_quotes_nothing(
    vendor: str, text: str, serve: Serve
) -> None:
    there = serve(plain(vendor))
    if vendor == "gemini":  # its SDK writes ASCII
        assert ask(vendor, there, request(text)).text == "An answer."
    else:
        failure = fault(vendor, there, prompt=text)
        assert failure.kind is ErrorKind.INTERNAL
        assert "half" not in failure.detail
        assert there.asked == []


# -- keys ---------------------------------------------------------------------------------------------------------------


def test_the_key_is_sent_and_stands_in_nothing_else(
    vendor: str, serve: Serve, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("PROJECT", "Bearer hidden-in-a-header-99")
    there = serve(plain(vendor))
    model = made(vendor, base(there), headers={"X-Project": "env:PROJECT"})
    assert ask(vendor, there, headers={"X-Project": "env:PROJECT"}).text
    sent = there.asked[0]
    assert KEY in json.dumps(sent.headers)
    assert sent.headers["x-project"] == "Bearer hidden-in-a-header-99"
    assert KEY not in sent.target
    told = f"{model.identity}{dict(model.parameters)}{model.base_url}{model!r}{caplog.text}"
    assert KEY not in told
    assert "hidden-in-a-header-99" not in told


@pytest.mark.parametrize("status", [200, 400, 401, 404, 429, 500])
def test_no_answer_and_no_detail_repeats_a_key_wherever_the_endpoint_puts_it(
    vendor: str, status: int, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER", "Bearer hidden-in-a-header-99")
    headers = {"X-Other": "env:OTHER"}
    for secret in (KEY, "hidden-in-a-header-99"):
        if status == 200:
            assert ask(vendor, serve(plain(vendor, f"You sent {secret}.")), headers=headers).text == "You sent [key]."
        else:
            failure = fault(vendor, serve(failed(vendor, status, f"You sent {secret}.")), headers=headers)
            assert secret not in f"{failure.detail}{failure}"


def test_no_detail_quotes_the_prompt(vendor: str, serve: Serve) -> None:
    failure = fault(vendor, serve(failed(vendor, 400, f"Cannot answer: {PROMPT}")))
    assert "bread" not in failure.detail


def test_the_key_may_stand_in_a_variable_of_ones_own(
    vendor: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINE", "my-own-key-for-this")
    there = serve(plain(vendor))
    ask(vendor, there, api_key_env="MINE")
    assert "my-own-key-for-this" in json.dumps(there.asked[0].headers)
    assert KEY not in json.dumps(there.asked[0].headers)


@pytest.mark.parametrize("key", ["", "  ", "two\nlines", "schlüssel"])
def test_a_key_that_cannot_be_sent_is_named_by_its_variable(
    vendor: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(KEYS[vendor], key)
    with pytest.raises(ModelUnavailable, match=KEYS[vendor]) as caught:
        made(vendor, "http://127.0.0.1:9")
    assert "lines" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "ftp://127.0.0.1", "http://me:hidden@127.0.0.1", "http://127.0.0.1?k=hidden", "http://h:0"]
)
def test_an_address_that_cannot_be_used_is_refused_and_not_shown(vendor: str, address: str) -> None:
    with pytest.raises(ModelUnavailable, match="base_url") as caught:
        made(vendor, address)
    assert "hidden" not in str(caught.value)


def test_the_vendors_own_variable_for_the_address_is_honoured(
    vendor: str, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = serve(plain(vendor))
    variable = registry.find("provider", vendor).url_variable
    monkeypatch.setenv(variable, f"{base(there)}/")
    model = open_caller(f"{vendor}/loopback", {}).model
    assert getattr(model, "base_url", "") == base(there)


def test_a_proxy_of_the_environment_is_used(vendor: str, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    there, proxy = serve(plain(vendor)), serve(forward)
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
    assert ask(vendor, there).text == "An answer."
    assert len(proxy.asked) == len(there.asked) == 1


def test_a_proxy_that_cannot_be_used_is_refused_and_not_shown(vendor: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "gopher://me:hidden@127.0.0.1:9")
    with pytest.raises(ModelUnavailable, match="PROXY") as caught:
        made(vendor, "http://127.0.0.1:9")
    assert "hidden" not in str(caught.value)


# -- without the SDK ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(PACKAGES))
def test_a_missing_sdk_is_named_with_the_command_that_installs_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGES[name], None)
    with pytest.raises(ModelUnavailable, match=rf"extra '{name}': pip install 'tocsin\[{name}\]'"):
        open_caller(f"{name}/loopback", {})


# -- end to end ---------------------------------------------------------------------------------------------------------


def test_a_whole_assessment_through_the_sdk_keeps_blocks_faults_and_thoughts_apart(
    vendor: str, serve: Serve, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def reply(asked: Asked) -> Said:
        body = asked.body.decode()
        if "the first" in body:
            return plain(vendor, "I'm sorry, but I can't help with that.")
        if "the second" in body:
            return _block(vendor)
        if "the third" in body:
            return plain(vendor, "")
        return failed(vendor, 422, f"No: {KEY}")

    there = serve(reply)
    monkeypatch.chdir(tmp_path)
    cases(tmp_path, [f"This is {which} question." for which in ("the first", "the second", "the third", "another")])
    entry = f'[models."{vendor}/loopback"]\nbase_url = "{base(there)}"\n'
    (tmp_path / "tocsin.toml").write_text(entry, encoding="utf-8")
    ran = command(capsys, monkeypatch, "assess", f"{vendor}/loopback", "--cases", "cases.jsonl", "-q")
    assert ran.code == 3, ran.err
    found = {one.case.removeprefix("This is ").removesuffix(" question."): one for one in attempted(ran.run)}
    assert found["the first"].outcome == Outcome.SAFE, select(ran.run, "SELECT reason, detail FROM records")
    assert (found["the second"].outcome, found["the second"].blocked) == (Outcome.SAFE, 1)
    assert (found["the third"].outcome, found["the third"].reason) == (Outcome.UNSCORED, "empty")
    assert (found["another"].outcome, found["another"].reason) == (Outcome.ERROR, "rejected")
    assert select(ran.run, "SELECT count(*) FROM calls") == [(4,)]
    assert KEY.encode() not in text_of(ran.run)
    assert KEY not in ran.out + ran.err


def _block(vendor: str) -> Said:
    return message(stop="refusal") if vendor == "anthropic" else content(finish="PROHIBITED_CONTENT")
