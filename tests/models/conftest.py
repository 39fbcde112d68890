"""Endpoints that a test starts, and that end with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.models.endpoints import Asked, Endpoint, Said, endpoint
from tests.models.image_service import ImageService, image_service

Serve = Callable[[Said | Callable[[Asked], Said]], Endpoint]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts an endpoint with its reply, or with a function that makes its replies."""
    with ExitStack() as running:
        yield lambda reply: running.enter_context(endpoint(reply))


@pytest.fixture
def images() -> Iterator[ImageService]:
    """A service that makes images."""
    with image_service() as running:
        yield running
