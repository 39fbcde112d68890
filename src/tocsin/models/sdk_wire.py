"""The HTTP client under the vendors' SDKs, so that their endpoints meet the same rules as every other.

No redirect is followed, no reply larger than the limit is read, and a reply that is no answer passes through the SDK as it
came: an SDK would read its error body in its own way, which a broken one can make fail.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import httpx2

from tocsin.models.errors import ModelError
from tocsin.types import ErrorKind

MAX_REPLY = 64 * 2**20
"""Bytes of a reply that are read at most, after decompression."""


class Reply(Exception):
    """A reply with another status than 200."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.headers = headers
        self.body = body


class Wire(httpx2.AsyncClient):
    """The client that an SDK is given. Proxies are taken from the environment, deadlines are the caller's."""

    def __init__(self) -> None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=256)
        super().__init__(timeout=None, limits=limits, follow_redirects=False, verify=_trusted())

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """Sends a request and reads the whole reply.

        Raises:
            Reply: Its status is not 200.
            ModelError: It is too large.
        """
        options |= {"stream": True, "follow_redirects": False}
        response = await super().send(request, **options)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes(2**16):
                body += chunk
                if len(body) > MAX_REPLY:
                    raise ModelError(ErrorKind.MALFORMED, f"the reply is larger than {MAX_REPLY >> 20} MB")
        finally:
            await response.aclose()
        if response.status_code != 200:
            raise Reply(response.status_code, response.headers, bytes(body))
        # It is decompressed by now, so what it says of its encoding no longer holds.
        headers = [(name, value) for name, value in response.headers.multi_items() if not name.startswith("content-e")]
        return httpx2.Response(200, headers=headers, content=bytes(body), request=request)


def unused() -> httpx2.Client:
    """A client for an SDK that would otherwise make one for calls that are not asynchronous; it makes none here."""
    return httpx2.Client(verify=_trusted())


@cache
def _trusted() -> ssl.SSLContext:
    """Certificates, read once: it takes some 20 ms."""
    return httpx2.create_ssl_context()


def cause(error: BaseException, timeout: float) -> ModelError | Reply:
    """What an SDK's exception comes from: a reply, or a fault with its kind.

    An exception of the SDK itself is `ErrorKind.INTERNAL`, and only its type is told: its message may quote anything.
    """
    chain = list(_chain(error))
    for one in chain:
        if isinstance(one, (Reply, ModelError)):
            return one
        if isinstance(one, httpx2.TimeoutException):
            return ModelError(ErrorKind.TIMEOUT, f"no complete reply within {timeout:.3g} s")
        if isinstance(one, httpx2.DecodingError):
            return ModelError(ErrorKind.MALFORMED, "the reply is not compressed as it says")
        if isinstance(one, (httpx2.InvalidURL, httpx2.UnsupportedProtocol)):
            return ModelError(ErrorKind.NOT_FOUND, "the base URL is not one")
        if isinstance(one, (httpx2.TransportError, OSError)):
            return ModelError(ErrorKind.CONNECTION, type(one).__name__)
    return ModelError(ErrorKind.INTERNAL, f"the vendor's SDK failed ({type(chain[-1]).__name__})")


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or error.__context__
