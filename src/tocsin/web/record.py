"""The page of one record: what was asked, the conversation as a tree, what the judge read, and why it said so.

Its texts are hidden until somebody asks for this record's, by a form; the session remembers that for this record and no other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tocsin.judges.tongue import language_of
from tocsin.languages import UnknownLanguage, canonical, same
from tocsin.report import clean, words
from tocsin.web import numbers
from tocsin.web.filters import Filters, Place, keys, read
from tocsin.web.gallery import Gallery, withheld_of
from tocsin.web.state import OpenRun, State, session_of
from tocsin.web.stored import Stored, stored
from tocsin.web.tree import grown

TEXT = 20_000
"""Characters of a text that are shown at first."""
WHOLE = 2_000_000
"""Characters of a text that are shown when it is asked for whole."""


class Teller:
    """Makes texts fit to show, or says only how long they are.

    Args:
        shown: Whether texts are shown.
        language: The case's language.
        most: Characters of a text that are shown.
    """

    def __init__(self, shown: bool, language: str, most: int) -> None:
        self.shown, self.most = shown, most
        self._language = language
        self.cut = False

    def __call__(self, text: str | None, *, tell: bool = True) -> dict[str, Any]:
        """A text as the templates take it: its length, and what is shown of it, or None.

        Args:
            text: The text.
            tell: Whether its language is looked at.
        """
        text = text or ""
        if not self.shown:
            return {"length": len(text), "text": None, "lang": ""}
        self.cut |= len(text) > self.most
        return {
            "length": len(text),
            "text": clean.visible(text, most=self.most),
            "lang": self.lang(text) if tell else "",
        }

    def lang(self, text: str) -> str:
        """What a text is marked with, for fonts and for what reads pages aloud."""
        found = language_of(text[:2000])
        if found is None:
            return ""
        code = self._language if same(found.code, self._language) else found.code
        try:
            return canonical(code)
        except UnknownLanguage:
            return ""


def routes(state: State) -> list[Route]:
    """The pages of records."""

    def found(request: Request, *, after: int = 0) -> tuple[OpenRun, Stored]:
        run = state.runs.get(request.path_params["run"])
        cell = request.path_params["cell"]
        if run is None or not 0 < cell < 2**31:
            raise HTTPException(404, "There is no such record.")
        with run.journal() as db:
            one = stored(db, cell, state.indexes[run.key].calls(cell), after=after)
        if one is None:
            raise HTTPException(404, "There is no such record.")
        return run, one

    def page(request: Request) -> Response:
        given = request.query_params.get("calls", "")
        after = int(given) if given.isascii() and given.isdigit() and len(given) < 16 else 0
        run, one = found(request, after=after)
        filters = read(request.query_params.multi_items())
        revealed = (run.key, one.cell) in session_of(request).revealed
        hidden = one.hidden
        shown = revealed and not hidden
        teller = Teller(shown, one.language, WHOLE if request.query_params.get("whole") else TEXT)
        here = f"/r/{run.key}/{one.cell}"
        latest = one.attempts[0] if one.attempts else None
        return state.render(
            request,
            "record.html",
            run=run,
            target=run.targets[one.target] if 0 <= one.target < len(run.targets) else "?",
            one=one,
            latest=latest,
            judged={attempt.call for attempt in one.attempts},
            after=after,
            shown=shown,
            revealed=revealed,
            hidden=hidden,
            tell=teller,
            branches=[branch for root in grown(one.calls) for branch in root.every()],
            gallery=Gallery(run, one, withheld_of(run)),
            language=words.language(one.language),
            judges=_judges(run),
            back=filters.address(),
            here=filters.address(here),
            path=here,
            next=_next(state, run, one.cell, filters),
            reveal=filters.address(f"{here}/reveal"),
            hide=filters.address(f"{here}/hide"),
            reason=words.reason,
        )

    def reveal(request: Request) -> Response:
        run, one = found(request)
        session_of(request).revealed.add((run.key, one.cell))
        return _back(request, run, one)

    def hide(request: Request) -> Response:
        run, one = found(request)
        session_of(request).revealed.discard((run.key, one.cell))
        return _back(request, run, one)

    def image(request: Request) -> Response:
        run, one = found(request, after=request.path_params["after"])
        if (run.key, one.cell) not in session_of(request).revealed or one.hidden:
            raise HTTPException(404, "There is no such image.")
        data = Gallery(run, one, withheld_of(run)).bytes_of(request.path_params["number"])
        if data is None:
            raise HTTPException(404, "There is no such image.")
        return Response(data, media_type="image/jpeg")

    numbers.known()
    record = "/r/{run:str}/{cell:number}"
    return [
        Route(record, page),
        Route(f"{record}/reveal", reveal, methods=["POST"]),
        Route(f"{record}/hide", hide, methods=["POST"]),
        Route(f"{record}/image/{{after:number}}/{{number:number}}", image),
    ]


def _back(request: Request, run: OpenRun, one: Stored) -> Response:
    filters = read(request.query_params.multi_items())
    return RedirectResponse(filters.address(f"/r/{run.key}/{one.cell}"), 303)


def _judges(run: OpenRun) -> dict[str, str]:
    """Identity → the judge's name and what it reads."""
    return {
        judge["identity"]: clean.name(name) for name, judge in run.manifest["judges"].items() if "identity" in judge
    }


def _next(state: State, run: OpenRun, cell: int, filters: Filters) -> str:
    """Address of the record that comes next in the list that one came from; empty if there is none."""
    number = list(state.runs).index(run.key)
    index = state.indexes[run.key]
    row = index.columns.row_of(cell)
    if row < 0:
        return ""
    value = float(keys(filters.order, index.columns.view(), np.array([row], np.int32))[0])
    listed = state.lists.page(filters.at(Place(value, number, row)), most=1)
    if not listed.hits:
        return ""
    hit = listed.hits[0]
    other = state.indexes[list(state.runs)[hit.run]]
    return filters.address(f"/r/{other.run.key}/{int(other.columns.view()['cell'][hit.row])}")
