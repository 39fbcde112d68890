"""What is refused before a page is made: whatever does not come from the one browser that was given the token.

A server on a loopback address is reachable by every page the user has open. What stands against them: the Host has to be
ours (a name that was rebound to 127.0.0.1 is not), a cookie that only the one-time token gives, the origin and a form token
of everything that changes something, and a content policy under which a page that was broken into could neither run a
script nor tell anybody.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Final
from urllib.parse import parse_qs, unquote

from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tocsin.web.session import Door, Session, same

MAX_BODY: Final = 256 * 1024
"""Bytes of a form at most."""

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

HEADERS: Final = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "x-robots-tag": "noindex, nofollow",
    "cache-control": "no-store",
}

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
_CLOSED = "This page is for the browser that opened the address `tocsin view` printed. It opens once: start it anew for another."
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Guard:
    """Middleware that lets one browser in and nobody else.

    A request that gets through has ``scope["session"]``. A form's body is read here, checked, and handed on.

    Args:
        app: The application behind it.
        token: The one-time token of the first address.
        port: The port that is listened on.
    """

    def __init__(self, app: ASGIApp, *, token: str, port: int) -> None:
        self._app = app
        self._door = Door(token)
        self._hosts = {f"{host}:{port}" for host in _LOOPBACK} | (set(_LOOPBACK) if port == 80 else set())
        self._cookie = f"tocsin-{port}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuses, or passes on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1008})
            return
        sending = _with_headers(send)
        answer = self._refusal(scope)
        if answer is None and scope["method"] == "POST":
            receive, answer = await _form(scope, receive)
        await self._made(answer or self._app, scope, receive, sending)

    @staticmethod
    async def _made(page: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """The page; in place of one that fails a line that quotes nothing, with the same headers as any."""
        begun = False

        async def sending(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await page(scope, receive, sending)
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            print(f"tocsin: a page failed: {type(error).__name__} in {place.name} ({place.lineno})", file=sys.stderr)
            if os.environ.get("TOCSIN_TRACEBACK"):
                traceback.print_exc()
            if begun:
                raise
            await _plain("tocsin could not make this page; the terminal says where it failed.", 500)(
                scope, receive, send
            )

    def _refusal(self, scope: Scope) -> Response | None:
        """What is said in place of the page; None where the page may be made."""
        hosts = _all(scope, b"host")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return _plain("This address is not served here.", 421)
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return _plain("Only GET and POST are known here.", 405)
        if not _wanted_here(scope):
            return _plain("Asked for from another origin.", 403)
        given = _token(scope)
        if given is not None:
            return self._let_in(scope, given)
        session = self._session(scope)
        if session is None:
            return _plain(_CLOSED, 403)
        if _strange(scope):
            return _plain("There is no such page.", 404)
        if scope["method"] == "POST" and not _same_origin(scope, hosts[0].lower()):
            return _plain("Sent from another origin.", 403)
        scope["session"] = session
        return None

    def _let_in(self, scope: Scope, token: str) -> Response:
        # A browser that only fetches ahead must not use the token up.
        if scope["method"] != "GET" or "prefetch" in _one(scope, b"sec-purpose") + _one(scope, b"purpose"):
            return _plain(_CLOSED, 403)
        session = self._door.exchange(token)
        if session is None:
            return _plain(_CLOSED, 403)
        # The address without the token: it is left in no history, bookmark or screenshot.
        answer = RedirectResponse("/", 303)
        answer.set_cookie(self._cookie, session.key, path="/", httponly=True, samesite="strict")
        return answer

    def _session(self, scope: Scope) -> Session | None:
        """The session of a request. Any cookie of our name may be it: other servers on this host can set what they like."""
        for header in _all(scope, b"cookie"):
            for pair in header.split(";"):
                name, _, value = pair.strip().partition("=")
                if name == self._cookie and (session := self._door.find(value.strip('"'))) is not None:
                    return session
        return None


async def _form(scope: Scope, receive: Receive) -> tuple[Receive, Response | None]:
    """The body, read whole, for whoever comes next; and why it is refused."""
    kind = _one(scope, b"content-type").partition(";")[0].strip().lower()
    if kind not in (_FORM, _JSON):
        return receive, _plain("Only forms are taken here.", 415)
    body = b""
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return receive, _plain("The form did not come whole.", 400)
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY:
            return receive, _plain("The form is too long.", 413)
    given = _one(scope, b"x-form-token")
    if not given and kind == _FORM:
        given = fields(body).get("form_token", "")
    if not same(given, scope["session"].form_token):
        return receive, _plain("The form is not from a page of this session: go back, reload, and send it again.", 403)
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again, None


def fields(body: bytes) -> dict[str, str]:
    """The fields of a form; of one that comes twice the last. A form that cannot be read has none."""
    try:
        found = parse_qs(body.decode("ascii"), keep_blank_values=True, max_num_fields=1000)
    except ValueError:
        return {}
    return {name: values[-1] for name, values in found.items()}


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message.get("headers", ()) if name.decode().lower() not in HEADERS]
            message["headers"] = kept + [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        await send(message)

    return sending


def _wanted_here(scope: Scope) -> bool:
    """Whether our own page or the user asked, where the browser says so: other pages may only link here."""
    site = _one(scope, b"sec-fetch-site")
    if site in ("", "same-origin", "none"):
        return True
    return _one(scope, b"sec-fetch-mode") == "navigate" and _one(scope, b"sec-fetch-dest") == "document"


def _same_origin(scope: Scope, host: str) -> bool:
    """Whether a form was sent by a page of ours.

    Under the referrer policy that our pages have, browsers write the origin of a form as ``null``; where they also say that it
    is the same origin, which no page can make them say, that counts.
    """
    origins, site = _all(scope, b"origin"), _one(scope, b"sec-fetch-site")
    if site:
        return site == "same-origin" and origins in ([], ["null"], [f"http://{host}"])
    return origins == [f"http://{host}"]


def _token(scope: Scope) -> str | None:
    if scope["path"] != "/":
        return None
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return query["token"][-1] if "token" in query else None


def _strange(scope: Scope) -> bool:
    """Whether a path has what no page's path has. No page opens a file by its path; this is a second lock."""
    raw = scope.get("raw_path") or scope["path"].encode()
    path = raw.decode("latin-1")
    for _ in range(3):
        if any(sign in path for sign in ("\\", "//")) or any(ord(sign) < 33 or ord(sign) == 127 for sign in path):
            return True
        if {"..", "."} & set(path.split("/")):
            return True
        path = unquote(path, errors="replace")
    return False


def _all(scope: Scope, name: bytes) -> list[str]:
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def _one(scope: Scope, name: bytes) -> str:
    return next(iter(_all(scope, name)), "")


def _plain(text: str, status: int) -> Response:
    return PlainTextResponse(text + "\n", status)
