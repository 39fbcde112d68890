"""Listens on the loopback address until it is stopped."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Callable, Sequence
from pathlib import Path

import uvicorn

from tocsin.web.app import build

HOST = "127.0.0.1"


def listen(port: int = 0) -> socket.socket:
    """A socket on the loopback address.

    Args:
        port: 0 for any that is free.

    Raises:
        ValueError: The port is in use, or may not be used.
    """
    # With its protocol named, asyncio lets small pieces go at once; else each page waits 40 ms for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ValueError(f"port {port} cannot be listened on ({error}): name another --port, or none") from error
    return listener


def server(app: Callable[..., object]) -> uvicorn.Server:
    """A server of the application that writes no log and believes no proxy."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws="none",
            timeout_graceful_shutdown=1,
        )
    )


def serve(folders: Sequence[Path], *, port: int = 0, reindex: bool = False, ready: Callable[[str], None]) -> None:
    """Serves the viewer until it is interrupted.

    Args:
        folders: The run folders.
        port: 0 for any that is free.
        reindex: Whether what was kept of the journals is thrown away and read anew.
        ready: Is called with the address that opens it, once it may be opened.

    Raises:
        ValueError: The port cannot be listened on.
        JournalError: A folder is no run's.
    """
    with listen(port) as listener:
        token = secrets.token_urlsafe(32)
        bound = listener.getsockname()[1]
        running = server(build(folders, token=token, host=HOST, port=bound, reindex=reindex))
        # The socket takes connections from now on, also before the server's loop runs.
        listener.listen()
        ready(f"http://{HOST}:{bound}/?token={token}")
        with contextlib.suppress(KeyboardInterrupt):  # uvicorn passes it on once it has ended
            running.run(sockets=[listener])
