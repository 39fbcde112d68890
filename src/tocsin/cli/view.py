"""``tocsin view``."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

HELP = (
    "Look at runs in a browser: filter, search, read conversations. Texts are hidden until they are revealed, record by"
    " record. Listens on this machine alone, and lets the one browser in that opens the address it prints."
)


def command(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN_FOLDER…", help="Folders of runs; one that is going on is followed.")
    ],
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen on. Any that is free if absent.")
    ] = 0,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address and open no browser.")] = False,
    reindex: Annotated[
        bool, typer.Option("--reindex", help="Throw away what was kept and read the journals anew.")
    ] = False,
) -> int:
    """Serves the viewer until Ctrl-C."""
    if any(find_spec(name) is None for name in ("starlette", "uvicorn")):
        raise ValueError(
            "the viewer needs the extra 'web': in tocsin's folder, .venv/bin/python -m pip install -c constraints.txt '.[web]'"
        )
    from tocsin.web.serve import serve

    def ready(address: str) -> None:
        typer.echo(address)
        typer.echo("It opens once, in one browser. Ctrl-C ends.", err=True)
        if not no_browser and _display():
            import webbrowser

            webbrowser.open(address)

    serve(runs, port=port, reindex=reindex, ready=ready)
    return 0


def _display() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
