"""What the pages share: the runs that were opened, and how a page is rendered."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tocsin.journal import JournalError
from tocsin.report import clean, words
from tocsin.web import sidecar
from tocsin.web.guard import fields
from tocsin.web.index import Index
from tocsin.web.listing import Lists
from tocsin.web.runs import OpenRun, digest
from tocsin.web.session import Session

__all__ = ["OpenRun", "State", "form_of", "session_of"]


class State:
    """What every page of one server knows.

    Attributes:
        runs: Key → run, in the order in which they were named.
        indexes: Key → the run's index, which grows with its journal.
        lists: Makes pages of the list out of them.
        nav: Address and title of what the head of every page links to; who adds pages adds to it.
        templates: The templates, with everything they print escaped and made visible.
    """

    def __init__(self, folders: Sequence[Path], *, anew: bool = False) -> None:
        self.runs: dict[str, OpenRun] = {}
        for folder in folders:
            run = OpenRun(folder)
            if run.key in self.runs:
                if self.runs[run.key].folder == run.folder:
                    continue
                run = OpenRun(folder, key=digest(str(run.folder)))
            self.runs[run.key] = run
        if not self.runs:
            raise JournalError("no run was named: tocsin view RUN_FOLDER")
        sidecar.clean_up()
        self._told: set[str] = set()
        self.indexes = {key: Index(run, anew=anew) for key, run in self.runs.items()}
        self.lists = Lists(list(self.indexes.values()))
        self.nav: list[tuple[str, str]] = [("/", "Records")]
        self.templates = _environment()

    def grow(self, seconds: float = 0.25) -> bool:
        """Reads on in every journal for some time, and returns whether there is more to do at once.

        What cannot be read now, because of a fault of a journal or of a disk, is tried again by the next call; it is told once.
        """
        more = False
        for index in self.indexes.values():
            try:
                more |= index.grow(seconds)
            except Exception as error:  # pages of what is there go on
                if index.run.key not in self._told:
                    self._told.add(index.run.key)
                    print(f"tocsin: {index.run.name} cannot be read on ({type(error).__name__})", file=sys.stderr)
        return more

    @contextlib.asynccontextmanager
    async def growing(self, app: object) -> AsyncIterator[None]:
        """The indexes grow in a thread of their own for as long as the application is up."""
        ended = threading.Event()

        def work() -> None:
            while not ended.wait(0.01 if self.grow() else 1.0):
                pass

        thread = threading.Thread(target=work, name="tocsin-index", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            await asyncio.to_thread(thread.join)
            for index in self.indexes.values():
                index.close()

    def render(self, request: Request, template: str, *, status: int = 200, **context: Any) -> HTMLResponse:
        """A page of a template.

        Args:
            request: Who asks; its session's form token is given to the template as ``form_token``.
            template: Its name.
            status: The status of the reply.
            context: What else the template is given.
        """
        session = session_of(request)
        page = self.templates.get_template(template).render(
            {"form_token": session.form_token, "nav": self.nav, "here": request.url.path, **context}
        )
        # Lone surrogates are made visible before; `replace` stands for what nobody foresaw.
        return HTMLResponse(page.encode("utf-8", "replace"), status)


def session_of(request: Request) -> Session:
    """The session of the browser that asks."""
    session: Session = request.scope["session"]
    return session


async def form_of(request: Request) -> dict[str, str]:
    """The fields of the form that was sent; the guard has checked where it is from."""
    return fields(await request.body())


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("tocsin.web", "templates"),
        autoescape=True,
        finalize=clean.finalize,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    # Markup passes by `clean.finalize`, which would cut a text that is long because its signs were written out.
    environment.filters["text"] = lambda text: escape(str(text))
    environment.filters["count"] = words.count
    environment.filters["query"] = lambda pairs: urlencode(pairs)
    return environment
