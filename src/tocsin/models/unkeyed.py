"""Opening a model that nobody is going to ask: what it takes, costs and may be called at is known without its key."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

_NONE = ContextVar("tocsin_unkeyed", default=False)
STAND_IN = "no-key"
"""What stands in the place of a key that is not there. No request is ever sent with it."""


@contextlib.contextmanager
def unkeyed() -> Iterator[None]:
    """Within it, models open without their keys. Who opens one so must not call it."""
    token = _NONE.set(True)
    try:
        yield
    finally:
        _NONE.reset(token)


def stand_in(key: str) -> str:
    """The key, or what stands in its place where none is needed."""
    return key or (STAND_IN if _NONE.get() else "")
