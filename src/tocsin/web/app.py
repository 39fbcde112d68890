"""The application: the pages' routes behind the guard."""

from __future__ import annotations

import importlib.util
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module, resources
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tocsin.journal import JournalError
from tocsin.report import clean
from tocsin.web import browse
from tocsin.web.guard import Guard
from tocsin.web.state import State

LOOPBACK = ("127.0.0.1", "::1", "localhost")
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8"}
_AT_ONCE = 0.5
"""Seconds for each run, before the first page."""
_LABELLING = "tocsin.web.labelling"


def build(
    folders: Sequence[Path], *, token: str, host: str = "127.0.0.1", port: int, reindex: bool = False
) -> Starlette:
    """The application over the journals of some runs.

    Args:
        folders: The run folders.
        token: The one-time token; ``/?token=…`` exchanges it for a session.
        host: What is bound: a loopback address.
        port: The port that is listened on. Requests to any other Host are refused.
        reindex: Whether what was kept of the journals is thrown away and read anew.

    Raises:
        ValueError: The host is no loopback address, or the token is too short.
        JournalError: A folder is no run's.
    """
    if host not in LOOPBACK:
        raise ValueError(f"the viewer listens on this machine alone, not on {host}: name one of {', '.join(LOOPBACK)}")
    state = State(folders, anew=reindex)
    # A small run is there with the first page; a large one goes on behind it.
    state.grow(_AT_ONCE)
    routes = browse.routes(state)
    if importlib.util.find_spec(_LABELLING) is not None:
        routes += import_module(_LABELLING).routes(state)
    routes.append(Route("/static/{name}", static_files()))
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Guard, token=token, port=port)],
        lifespan=state.growing,
        exception_handlers={HTTPException: _told, JournalError: _told},
    )
    app.state.viewer = state
    return app


def static_files() -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that serves the package's own style sheet and scripts, by the names they have now and no other."""
    found = {
        entry.name: (entry.read_bytes(), _TYPES[Path(entry.name).suffix])
        for entry in resources.files("tocsin.web").joinpath("static").iterdir()
        if Path(entry.name).suffix in _TYPES
    }

    async def static(request: Request) -> Response:
        if (name := request.path_params["name"]) not in found:
            raise HTTPException(404, "There is no such page.")
        body, kind = found[name]
        return Response(body, media_type=kind)

    return static


async def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException):
        return PlainTextResponse(f"{clean.name(error.detail)}\n", error.status_code)
    return PlainTextResponse(f"{clean.visible(str(error))}\n", 503)
