"""What the pages share: the runs that were opened, and how a page is rendered."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jinja2
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from tocsin.journal import JournalError, check_manifest, open_journal, read_manifest
from tocsin.report import clean, words
from tocsin.web.guard import fields
from tocsin.web.session import Session


class OpenRun:
    """A run folder that is looked at. Nothing in it is changed, and a process may be writing to it.

    Attributes:
        key: What names it in addresses: the same for the same run, wherever its folder is.
        folder: Where it is.
        name: Its name, as the manifest has it, fit to show.
    """

    def __init__(self, folder: Path, *, key: str = "") -> None:
        self.folder = folder.resolve()
        manifest = self.manifest
        check_manifest(folder, manifest)
        self.name = clean.name(manifest["run"])
        self.key = key or _digest(f"{manifest['run']}\0{manifest.get('created')}")
        open_journal(self.folder).close()

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest as it stands now: a run that goes on changes it.

        Raises:
            JournalError: It cannot be read.
        """
        return read_manifest(self.folder)

    @cached_property
    def targets(self) -> list[str]:
        """Names of its targets, in the order in which cells count them."""
        return [clean.name(target["name"]) for target in self.manifest["targets"]]

    @contextmanager
    def journal(self) -> Iterator[sqlite3.Connection]:
        """A connection that reads its journal, for the thread that asks. A writer is not held up by it.

        Raises:
            JournalError: It is none.
        """
        db = open_journal(self.folder)
        try:
            db.execute("PRAGMA trusted_schema=OFF")
            yield db
        finally:
            db.close()


class State:
    """What every page of one server knows.

    Attributes:
        runs: Key → run, in the order in which they were named.
        nav: Address and title of what the head of every page links to; who adds pages adds to it.
        templates: The templates, with everything they print escaped and made visible.
    """

    def __init__(self, folders: Sequence[Path]) -> None:
        self.runs: dict[str, OpenRun] = {}
        for folder in folders:
            run = OpenRun(folder)
            if run.key in self.runs:
                if self.runs[run.key].folder == run.folder:
                    continue
                run = OpenRun(folder, key=_digest(str(run.folder)))
            self.runs[run.key] = run
        if not self.runs:
            raise JournalError("no run was named: tocsin view RUN_FOLDER")
        self.nav: list[tuple[str, str]] = [("/", "Records")]
        self.templates = _environment()

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


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]


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
