"""An endpoint of the OpenAI kind, chat or images: its address, key, proxy and session, and one exchange with it.

This is the hot path: one pooled aiohttp session, and one timer for all deadlines.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any, ClassVar, NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from yarl import URL

from tocsin.models.config import ModelConfig
from tocsin.models.deadline import Deadlines
from tocsin.models.errors import ModelError, ModelUnavailable
from tocsin.models.unkeyed import stand_in
from tocsin.types import ErrorKind

MAX_REPLY = 64 * 2**20
"""Bytes of a reply that are read at most, after decompression."""


class Came(NamedTuple):
    """A reply, read to its end, with long secrets cut out of its body."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class OpenAIEndpoint:
    """What stands behind a base URL. Calls are made by the classes above it.

    Args:
        name: The name the user gave.
        config: What ``tocsin.toml`` says of it.
        wire_model: The model's name on the wire; what follows ``openai/`` if None.
        ours: Whether the endpoint is a server that tocsin itself runs: it gets no key, and no proxy stands before it.

    Raises:
        ModelUnavailable: The address, the key or the proxy cannot be used.
        ConfigError: A header cannot be sent.
    """

    key_variable: ClassVar[str] = "OPENAI_API_KEY"
    url_variable: ClassVar[str] = "OPENAI_BASE_URL"
    default_url: ClassVar[str] = "https://api.openai.com/v1"

    def __init__(self, name: str, config: ModelConfig, *, wire_model: str | None = None, ours: bool = False) -> None:
        self._name = name
        self._config = config
        self._wire_model = wire_model or name.partition("/")[2] or name
        self._parts = parts = _address(name, config.base_url or os.environ.get(self.url_variable) or self.default_url)
        self._official = parts.hostname == urlsplit(self.default_url).hostname
        host = parts.netloc.rpartition("@")[2].lower()
        self._public_url = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
        self._headers = {} if ours else config.sent_headers()
        key = "" if ours else self._key()
        if key and parts.username is None and "authorization" not in map(str.lower, self._headers):
            self._headers["Authorization"] = f"Bearer {key}"
        self._secrets = (
            key,
            *(user for user in (parts.username or "",) if len(user) >= 8),  # "me" is part of many a word
            parts.password or "",
            unquote(parts.password or ""),
            *(value for _, value in parse_qsl(parts.query)),
            *self._told_apart(),
        )
        fixed = {name: value for name, value in self.parameters.items() if value not in (None, {}, "")}
        told = msgspec.json.encode(fixed, order="deterministic").decode()
        # A query may name a deployment or a version, and may hold a key: its hash tells it apart and shows nothing.
        query = f"?{sha256(parts.query.encode()).hexdigest()[:12]}" if parts.query else ""
        self._identity = f"{self._wire_model}@{self._public_url}{query}#{told}"
        # Long ones only: a date that is an endpoint's version, or a project's name, may well be part of an answer.
        self._echoes = tuple(secret.encode() for secret in self._secrets if len(secret) >= 16)
        self._proxy = {} if ours else _proxy(parts.scheme, host)
        self._deadlines = Deadlines()
        self._session: aiohttp.ClientSession | None = None

    @property
    def name(self) -> str:
        """As the user writes it."""
        return self._name

    @property
    def identity(self) -> str:
        """Wire name, base URL without credentials, and the parameters sent with every request."""
        return self._identity

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What ``tocsin.toml`` fixes for every request, for the manifest. Header values are left out."""
        return self._config.fixed()

    @property
    def base_url(self) -> str:
        """The endpoint, without credentials."""
        return self._public_url

    async def close(self) -> None:
        """Closes the session."""
        self._deadlines.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _at(self, path: str) -> URL:
        """The endpoint's address for a path. What follows the base URL's own path stays behind it: some endpoints take
        their version there.
        """
        parts = self._parts
        return URL(parts._replace(path=f"{parts.path.rstrip('/')}/{path}", fragment="").geturl())

    async def _exchange(self, target: URL, data: Any, timeout: float, kind: str = "") -> Came:
        """Sends a body and reads the reply, in at most `timeout` seconds.

        Args:
            target: Where to.
            data: JSON, or a multipart body.
            timeout: Seconds.
            kind: Content type, if it is not JSON.

        Raises:
            ModelError: There is no reply, or too large a one.
        """
        session = self._session or self._open()
        options = self._proxy
        if kind:
            options = {**options, "headers": {**options.get("headers", {}), "Content-Type": kind}}
        response: aiohttp.ClientResponse | None = None
        task = self._deadlines.begin(timeout)
        try:
            response = await session.post(target, data=data, allow_redirects=False, **options)
            status, headers = response.status, response.headers
            body = await _read(response)
        except (TimeoutError, asyncio.CancelledError) as error:
            if isinstance(error, TimeoutError) or self._deadlines.passed(task):
                raise ModelError(ErrorKind.TIMEOUT, f"no complete reply within {timeout:.3g} s") from error
            raise
        except aiohttp.InvalidURL as error:
            raise ModelError(ErrorKind.NOT_FOUND, "the base URL is not one") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ModelError(ErrorKind.CONNECTION, type(error).__name__) from error
        finally:
            self._deadlines.end(task)
            if response is not None and not response.closed:  # one that was read to its end is closed
                response.close()
        for secret in self._echoes:
            if secret in body:
                body = body.replace(secret, b"[key]")
        return Came(status, headers, body)

    def _open(self) -> aiohttp.ClientSession:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            headers={"Content-Type": "application/json", "Accept": "application/json", **self._headers},
            # Not trust_env: aiohttp would look the proxy up anew in a thread for every call.
            auto_decompress=True,
        )
        return self._session

    def _told_apart(self) -> Iterator[str]:
        """Header values, and their words: of ``Bearer KEY`` an endpoint may repeat one."""
        for name in self._config.headers:
            if sent := self._headers.get(name):
                yield sent
                yield from (word for word in sent.split() if len(word) >= 8)

    def _key(self) -> str:
        named = self._config.api_key_env or self.key_variable
        key = stand_in(os.environ.get(named, "").strip())
        if not key and (self._config.api_key_env or self._official):
            raise ModelUnavailable(
                f"model {self._name!r} needs a key: set the environment variable {named}"
                f" (or {self.url_variable}, for an endpoint of your own that asks for none)"
            )
        if not key.isprintable():
            raise ModelUnavailable(
                f"model {self._name!r}: the key in {named} holds a line break or another control character"
            )
        return key


def _address(name: str, base: str) -> SplitResult:
    try:
        parts = urlsplit(base.strip())
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # its message would show parts of the address, which may hold a password
        pass
    raise ModelUnavailable(f"model {name!r}: base_url must be like http://HOST:PORT/v1 or https://HOST/v1")


def _proxy(scheme: str, host: str) -> dict[str, Any]:
    """The proxy that the environment names for a host (``HTTPS_PROXY``, ``NO_PROXY`` …), as aiohttp takes it."""
    named = getproxies().get(scheme)
    if not named or proxy_bypass(host):
        return {}
    try:
        proxy = URL(named if "://" in named else f"http://{named}")
    except ValueError:
        proxy = URL()
    if proxy.scheme not in ("http", "https") or not proxy.host:
        raise ModelUnavailable(
            f"{scheme.upper()}_PROXY must be like http://HOST:PORT (or add the endpoint to NO_PROXY)"
        )
    found: dict[str, Any] = {"proxy": proxy.with_user(None)}
    if proxy.user:
        told = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
        # Through a tunnel the endpoint itself must not see it; without one the proxy reads the request's own headers.
        found["proxy_headers" if scheme == "https" else "headers"] = {"Proxy-Authorization": f"Basic {told}"}
    return found


async def _read(response: aiohttp.ClientResponse) -> bytes:
    length = response.content_length
    if length is not None and length <= MAX_REPLY and "Content-Encoding" not in response.headers:
        return await response.read()
    chunks, size = [], 0
    async for chunk in response.content.iter_chunked(2**16):
        size += len(chunk)
        if size > MAX_REPLY:
            response.close()
            raise ModelError(ErrorKind.MALFORMED, f"the reply is larger than {MAX_REPLY >> 20} MB")
        chunks.append(chunk)
    return b"".join(chunks)
