"""The OpenAI chat wire format, which most clouds and every local server speak.

This is the hot path: one pooled aiohttp session, and bodies encoded and decoded by msgspec.
"""

from __future__ import annotations

import asyncio
import base64
import os
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import msgspec
from yarl import URL

from tocsin.models.config import ConfigError, ModelConfig
from tocsin.models.deadline import Deadlines
from tocsin.models.errors import ModelError, ModelUnavailable
from tocsin.models.openai_reply import answer_of, block_or_fault
from tocsin.models.providers import provider
from tocsin.types import Answer, Capabilities, ErrorKind, Message, Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

DEFAULT_URL = "https://api.openai.com/v1"
MAX_REPLY = 64 * 2**20
"""Bytes of a reply that are read at most, after decompression."""

_encode = msgspec.json.Encoder().encode


@provider("openai")
class OpenAIChat:
    """A chat model behind a base URL. Implements `tocsin.protocols.Model`.

    Args:
        name: The name the user gave.
        config: What ``tocsin.toml`` says of it.
        wire_model: The model's name on the wire; what follows ``openai/`` if None.
        ours: Whether the endpoint is a server that tocsin itself runs: it gets no key, and no proxy stands before it.

    Raises:
        ModelUnavailable: The address, the key or the proxy cannot be used.
        ConfigError: A header cannot be sent, or the entry asks for what the wire format does not know.
    """

    def __init__(self, name: str, config: ModelConfig, *, wire_model: str | None = None, ours: bool = False) -> None:
        self._name = name
        self._config = config
        self._wire_model = wire_model or name.partition("/")[2] or name
        if config.thinking_budget is not None:
            why = "the OpenAI format has no thinking_budget: say reasoning_effort, or what the server takes in extra"
            raise ConfigError(f"model {name!r}: {why}")
        parts = _address(name, config.base_url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL)
        official = parts.hostname == urlsplit(DEFAULT_URL).hostname
        host = parts.netloc.rpartition("@")[2].lower()
        self._public_url = f"{parts.scheme}://{host}{parts.path.rstrip('/')}"
        # What follows the path stays behind it: some endpoints take their version there.
        self._target = URL(parts._replace(path=f"{parts.path.rstrip('/')}/chat/completions", fragment="").geturl())
        self._headers = {} if ours else config.sent_headers()
        key = "" if ours else _key(name, config.api_key_env, needed=official)
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
        self._max_tokens_field = config.max_tokens_field or ("max_completion_tokens" if official else "max_tokens")
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

    @property
    def capabilities(self) -> Capabilities:
        """Text in and out; images in, and schemas, where the configuration says so."""
        return Capabilities(image_in=self._config.image_in, structured=self._config.structured)

    async def send(self, request: Request, timeout: float) -> Answer:
        """One try at one request, of at most `timeout` seconds.

        Raises:
            ModelError: With its kind; a block by the provider's filter is an answer and no error.
        """
        session = self._session or self._open()
        body = _encode(self._body(request))
        response: aiohttp.ClientResponse | None = None
        task = self._deadlines.begin(timeout)
        try:
            response = await session.post(self._target, data=body, allow_redirects=False, **self._proxy)
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
        if status == 200:
            return answer_of(body)
        prompts = tuple(message.text for message in request.messages)
        return block_or_fault(status, headers, body, url=self._public_url, secrets=self._secrets, prompts=prompts)

    async def close(self) -> None:
        """Closes the session."""
        self._deadlines.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

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

    def _body(self, request: Request) -> dict[str, Any]:
        config, sampling = self._config, request.sampling
        messages = [_wire_message(message) for message in request.messages]
        if config.system and request.messages[0].role != "system":
            messages.insert(0, {"role": "system", "content": config.system})
        body: dict[str, Any] = {"model": self._wire_model, "messages": messages}
        temperature = config.temperature if sampling.temperature is None else sampling.temperature
        top_p = config.top_p if sampling.top_p is None else sampling.top_p
        max_tokens = config.max_tokens if sampling.max_tokens is None else sampling.max_tokens
        if temperature is not None:
            body["temperature"] = temperature
        if top_p is not None:
            body["top_p"] = top_p
        if max_tokens is not None:
            body[self._max_tokens_field] = max_tokens
        if config.reasoning_effort is not None:
            body["reasoning_effort"] = config.reasoning_effort
        if sampling.seed is not None:
            body["seed"] = sampling.seed
        if sampling.stop:
            body["stop"] = sampling.stop
        if config.extra:
            body.update(config.extra)
        if sampling.extra:
            body.update(sampling.extra)
        return body


def _address(name: str, base: str) -> SplitResult:
    try:
        parts = urlsplit(base.strip())
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return parts
    except ValueError:  # its message would show parts of the address, which may hold a password
        pass
    raise ModelUnavailable(f"model {name!r}: base_url must be like http://HOST:PORT/v1 or https://HOST/v1")


def _key(name: str, variable: str | None, *, needed: bool) -> str:
    named = variable or "OPENAI_API_KEY"
    key = os.environ.get(named, "").strip()
    if not key and (variable or needed):
        raise ModelUnavailable(
            f"model {name!r} needs a key: set the environment variable {named}"
            " (or OPENAI_BASE_URL, for an endpoint of your own that asks for none)"
        )
    if not key.isprintable():
        raise ModelUnavailable(f"model {name!r}: the key in {named} holds a line break or another control character")
    return key


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


def _wire_message(message: Message) -> dict[str, Any]:
    if not message.images:
        return {"role": message.role, "content": message.text}
    parts: list[dict[str, Any]] = [{"type": "text", "text": message.text}] if message.text else []
    for image in message.images:
        data = base64.b64encode(image.data).decode()
        parts.append({"type": "image_url", "image_url": {"url": f"data:{image.media_type};base64,{data}"}})
    return {"role": message.role, "content": parts}


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
