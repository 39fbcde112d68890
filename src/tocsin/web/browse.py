"""The list of records and the page of one."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tocsin.web.state import State


def routes(state: State) -> list[Route]:
    """The viewer's own pages."""

    def home(request: Request) -> Response:
        return state.render(request, "home.html", runs=list(state.runs.values()))

    return [Route("/", home)]
