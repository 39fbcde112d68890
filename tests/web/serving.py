"""The viewer on a real loopback port, and a client that says exactly what it is told to."""

from __future__ import annotations

import asyncio
import http.client
import re
import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from tocsin.web.app import build
from tocsin.web.serve import listen, server
from tocsin.web.state import State

Headers = dict[str, str]


class Reply(NamedTuple):
    status: int
    headers: dict[str, str]
    text: str


class Viewer:
    """A viewer that runs. `ask` has a session once `enter` was called."""

    def __init__(self, port: int, token: str, state: State) -> None:
        self.port, self.token, self.state = port, token, state
        self.origin = f"http://127.0.0.1:{port}"
        self.first = f"{self.origin}/?token={token}"
        self.cookie = ""

    def raw(self, method: str, target: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> Reply:
        """A request as it is given: no header of its own but the length of a body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        if body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body or None)
        reply = connection.getresponse()
        text = reply.read().decode("utf-8", "replace")
        connection.close()
        return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, text)

    def ask(self, target: str, *, method: str = "GET", body: bytes = b"", **headers: str) -> Reply:
        """A request of the browser that was let in; headers as keywords replace its own, and empty ones are left out."""
        given = {"host": f"127.0.0.1:{self.port}", "cookie": self.cookie}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.raw(method, target, [(name, value) for name, value in given.items() if value], body)

    def enter(self) -> Reply:
        reply = self.ask(f"/?token={self.token}")
        self.cookie = reply.headers.get("set-cookie", "").partition(";")[0]
        return reply

    def form_token(self, page: str) -> str:
        found = re.search(r'name="form_token" value="([^"]+)"', self.ask(page).text)
        assert found, page
        return found.group(1)

    def send(self, target: str, fields: dict[str, str], **headers: str) -> Reply:
        """A form, as a browser sends it from a page of the viewer."""
        given = {"origin": self.origin, "content_type": "application/x-www-form-urlencoded"} | headers
        return self.ask(target, method="POST", body=urlencode(fields).encode(), **given)


@contextmanager
def viewing(*folders: Path) -> Iterator[Viewer]:
    """A viewer of some runs, until the end of the ``with``."""
    listener = listen()
    port, token = listener.getsockname()[1], secrets.token_urlsafe(32)
    app = build(folders, token=token, port=port)
    listener.listen()
    running = server(app)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve([listener])), daemon=True)
    thread.start()
    try:
        yield Viewer(port, token, app.state.viewer)
    finally:
        running.should_exit = True
        thread.join(10)
        listener.close()
        assert not thread.is_alive()
