"""Over real sockets: nobody gets a page but the browser that was given the token, and from no other site."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.web.serving import Viewer
from tocsin.web.app import build


def test_without_the_token_nothing_is_shown(viewer: Viewer) -> None:
    for target in ("/", "/live", "/static/style.css", f"/r/{next(iter(viewer.state.runs))}/1", "/nothing"):
        reply = viewer.ask(target)
        assert reply.status == 403, target
        assert "r1" not in reply.text


@pytest.mark.parametrize("token", ["", "wrong", "x" * 43, "é", "%00", "../../etc/passwd"])
def test_a_wrong_token_opens_nothing_and_uses_nothing_up(viewer: Viewer, token: str) -> None:
    reply = viewer.ask(f"/?token={token.encode().hex() if token == 'é' else token}")
    assert reply.status == 403
    assert "set-cookie" not in reply.headers
    assert viewer.enter().status == 303


def test_the_token_opens_once(viewer: Viewer) -> None:
    reply = viewer.enter()
    assert (reply.status, reply.headers["location"]) == (303, "/")
    assert viewer.ask("/").status == 200
    again = viewer.ask(f"/?token={viewer.token}", cookie="")
    assert again.status == 403
    assert "set-cookie" not in again.headers


def test_a_browser_that_only_fetches_ahead_does_not_use_the_token_up(viewer: Viewer) -> None:
    assert viewer.ask(f"/?token={viewer.token}", sec_purpose="prefetch;prerender").status == 403
    assert viewer.enter().status == 303


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(viewer: Viewer) -> None:
    cookie = viewer.enter().headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "domain" not in cookie


@pytest.mark.parametrize(
    "cookie", ["tocsin-{port}=", "tocsin-{port}=x", "tocsin={key}", "{key}", "tocsin-{port}={key}x", '"\x07']
)
def test_another_cookie_is_none(inside: Viewer, cookie: str) -> None:
    key = inside.cookie.partition("=")[2]
    assert inside.ask("/", cookie=cookie.format(port=inside.port, key=key)).status == 403


@pytest.mark.parametrize(
    "others", ['prefs={"a": 1}; %s', "a name=x; %s", "flag; %s", "%s; tocsin-{port}=evil", "tocsin-{port}=evil; %s"]
)
def test_cookies_of_other_servers_on_this_machine_lock_nobody_out(inside: Viewer, others: str) -> None:
    cookie = others.replace("{port}", str(inside.port)) % inside.cookie
    assert inside.ask("/", cookie=cookie).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "127.0.0.1.evil.example:{port}", "localhost.:{port}",
     "0.0.0.0:{port}", "127.1:{port}", "user@127.0.0.1:{port}", "127.0.0.1:{port}@evil.example", "[::]:{port}", ""],
)  # fmt: skip
def test_a_name_that_was_rebound_to_this_machine_is_refused(inside: Viewer, host: str) -> None:
    reply = inside.ask("/", host=host.format(port=inside.port))
    assert reply.status in (400, 421)
    assert "Records" not in reply.text


def test_a_rebound_name_cannot_use_the_token_either(viewer: Viewer) -> None:
    assert viewer.ask(f"/?token={viewer.token}", host="evil.example").status == 421
    assert viewer.enter().status == 303


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_the_names_of_this_machine_are_served(inside: Viewer, host: str) -> None:
    assert inside.ask("/", host=f"{host}:{inside.port}").status == 200


def test_two_hosts_are_none(inside: Viewer) -> None:
    host = f"127.0.0.1:{inside.port}"
    reply = inside.raw("GET", "/", [("Host", host), ("Host", "evil.example"), ("Cookie", inside.cookie)])
    assert reply.status in (400, 421)


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": ""}, {"origin": "http://127.0.0.1:1"},
     {"origin": "https://127.0.0.1:{port}"}, {"origin": "http://localhost:{port}"},
     {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"sec_fetch_site": "none"},
     {"sec_fetch_site": "same-origin", "origin": "http://evil.example"}],
)  # fmt: skip
def test_a_form_from_elsewhere_is_refused(inside: Viewer, headers: dict[str, str]) -> None:
    page = f"/r/{next(iter(inside.state.runs))}/1"
    token = inside.form_token(page)
    given = {name: value.format(port=inside.port) for name, value in headers.items()}
    assert inside.send(f"{page}/reveal", {"form_token": token}, **given).status == 403
    assert "hidden" in inside.ask(page).text


def test_a_form_of_ours_is_taken(inside: Viewer) -> None:
    page = f"/r/{next(iter(inside.state.runs))}/1"
    token = inside.form_token(page)
    assert inside.send(f"{page}/reveal", {"form_token": token}).status == 303
    # As browsers send it under a policy of no referrer.
    assert inside.send(f"{page}/hide", {"form_token": token}, origin="null", sec_fetch_site="same-origin").status == 303


@pytest.mark.parametrize("fields", [{}, {"form_token": ""}, {"form_token": "x" * 43}, {"token": "{form}"}])
def test_a_form_without_its_token_is_refused(inside: Viewer, fields: dict[str, str]) -> None:
    page = f"/r/{next(iter(inside.state.runs))}/1"
    fields = {name: value.format(form=inside.form_token(page)) for name, value in fields.items()}
    assert inside.send(f"{page}/reveal", fields).status == 403
    assert "Reveal the texts" in inside.ask(page).text


def test_what_changes_something_cannot_be_asked_for_with_get(inside: Viewer) -> None:
    page = f"/r/{next(iter(inside.state.runs))}/1"
    assert inside.ask(f"{page}/reveal").status == 405
    assert inside.ask(page, method="DELETE").status == 405


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "", "application/xml"])
def test_a_body_that_is_no_form_is_refused(inside: Viewer, kind: str) -> None:
    page = f"/r/{next(iter(inside.state.runs))}/1"
    fields = {"form_token": inside.form_token(page)}
    assert inside.send(f"{page}/reveal", fields, content_type=kind).status == 415


def test_a_body_that_is_too_long_is_refused(inside: Viewer) -> None:
    page = f"/r/{next(iter(inside.state.runs))}/1"
    fields = {"form_token": inside.form_token(page), "more": "x" * 400_000}
    assert inside.send(f"{page}/reveal", fields).status == 413


@pytest.mark.parametrize("mode", ["no-cors", "cors", "same-origin"])
def test_another_site_cannot_fetch_a_page_even_with_the_cookie(inside: Viewer, mode: str) -> None:
    assert inside.ask("/", sec_fetch_site="cross-site", sec_fetch_mode=mode, sec_fetch_dest="empty").status == 403
    assert inside.ask("/", sec_fetch_site="same-site", sec_fetch_mode=mode, sec_fetch_dest="image").status == 403


def test_another_site_cannot_frame_a_page(inside: Viewer) -> None:
    assert (
        inside.ask("/", sec_fetch_site="cross-site", sec_fetch_mode="navigate", sec_fetch_dest="iframe").status == 403
    )
    assert "frame-ancestors 'none'" in inside.ask("/").headers["content-security-policy"]


@pytest.mark.parametrize(
    "path",
    ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/%252e%252e%252fapp.py", "/static/..\\app.py",
     "/static/%5c..%5capp.py", "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/style.css%00",
     "/static/style.css%00.js",
     "/static/", "/static/.", "/static/STYLE.CSS", "//etc/passwd", "/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd",
     "/etc/passwd", "/r/../1", "/r/%2e%2e%2f%2e%2e/1", "/r/{run}/1/../../../etc/passwd", "/r/{run}/-1", "/r/{run}/1e3",
     "/r/{run}/99999999999999999999", "/r/{run}%00/1", "/r/{folder}/1", "/r/{run}/1/image/0/0",
     "/r/{run}/1/image/0/..%2f..%2frun.json",
     "/r/{run}/1/image/0/%2e%2e%2fjournal.sqlite", "/r/none/1", "/r/{run}/100000", "/run.json", "/journal.sqlite",
     "/%c0%ae%c0%ae/app.py",
     "/static/%e2%80%a5/app.py", "/r/{run}/1%0d%0aSet-Cookie:x=1"],
)  # fmt: skip
def test_no_path_leads_to_a_file(inside: Viewer, run_folder: Path, path: str) -> None:
    run = next(iter(inside.state.runs))
    reply = inside.ask(path.format(run=run, folder=str(run_folder).replace("/", "%2f")))
    assert reply.status in (400, 404), path
    assert not any(word in reply.text for word in ("root:", "import ", '"targets"', "SQLite"))


def test_every_reply_has_the_headers_that_defend(inside: Viewer) -> None:
    refused = inside.ask("/", cookie="")
    replies = [inside.ask(target) for target in ("/", "/live", "/static/view.js", "/nothing", "/r/x/1")]
    for reply in [refused, inside.ask("/", host="evil.example"), *replies]:
        headers = reply.headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["cross-origin-embedder-policy"] == "require-corp"
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


def test_a_fault_of_a_page_tells_nothing_and_keeps_the_headers(inside: Viewer, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret prompt")

    monkeypatch.setattr(inside.state.lists, "page", broken)
    reply = inside.ask("/")
    assert reply.status == 500
    assert "secret" not in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]


@pytest.mark.parametrize("host", ["0.0.0.0", "", "192.168.1.2", "::", "example.com"])
def test_it_listens_on_this_machine_alone(run_folder: Path, host: str) -> None:
    with pytest.raises(ValueError, match="this machine alone"):
        build([run_folder], token="t" * 43, host=host, port=1)


def test_a_token_that_could_be_guessed_is_not_taken(run_folder: Path) -> None:
    with pytest.raises(ValueError, match="too short"):
        build([run_folder], token="short", port=1).build_middleware_stack()
