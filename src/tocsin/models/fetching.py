"""Images that an endpoint gives as addresses, fetched by a policy: an endpoint is not to reach into the network we stand in.

https alone, unless the entry names the host (``image_hosts``); no user or password in the address; the host is resolved once,
every address that it has must be public, and the connection goes to those addresses and to no other, so that a name cannot
change its meaning in between. Redirects, three at most, are held to the same. Nothing of ours is sent along: no key, no cookie.
No proxy is used either, since it would resolve the name by itself.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from tocsin.models.errors import ModelError
from tocsin.types import ErrorKind

MAX_IMAGE = 32 * 2**20
"""Bytes of one image at most."""

MAX_REDIRECTS = 3

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Gives the addresses of a host."""

_NAT64 = ip_network("64:ff9b::/96")
_CLOSED = tuple(
    map(
        ip_network,
        (
            *("100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4"),
            *("168.63.129.16/32", "161.26.0.0/16", "166.8.0.0/14"),
            *(
                "::/96",
                "64:ff9b:1::/48",
                "100::/64",
                "2001::/23",
                "2001:db8::/32",
                "3fff::/20",
                "5f00::/16",
                "fec0::/10",
            ),
        ),
    )
)
"""Networks that are nobody's public host, also where the `ipaddress` of an older Python does not say so: carriers' own
addresses, relays, tests, documentation, Teredo, local prefixes of NAT64, segment routing, sites. Those of the second row look
public, but are a cloud's own within it: Azure's platform, and the services of IBM's private network. The metadata of other clouds
stand at link-local, carriers' or unique local addresses, which are closed in any case.
"""

_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|[0-9]+)\.?", re.IGNORECASE)
"""A last label that makes a host a number to some readers and a name to others."""


class Fetched(NamedTuple):
    """Bytes, and the media type that was told, if it is one of an image."""

    data: bytes
    media_type: str


class Fetcher:
    """Fetches images.

    Args:
        hosts: ``HOST`` or ``HOST:PORT`` that may be fetched from though they are private, and by http.
        resolve: Gives the addresses of a host; the system's own if None.
    """

    def __init__(self, hosts: Sequence[str] = (), *, resolve: Resolve | None = None) -> None:
        self._hosts = frozenset(host.strip().lower() for host in hosts)
        self._resolve = resolve or _resolve

    async def fetch(self, address: str, seconds: float, *, limit: int = MAX_IMAGE) -> Fetched:
        """The image at an address.

        Args:
            address: As the endpoint gave it.
            seconds: It may take, redirects included.
            limit: Bytes at most.

        Raises:
            ModelError: `ErrorKind.MALFORMED` where the policy forbids the address (not to be tried again), or nothing of use is
                there; `CONNECTION` where its host cannot be reached; `TIMEOUT`. No detail quotes the address: it may be signed.
        """
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return await self._fetch(address, limit)
        except TimeoutError as error:
            raise ModelError(ErrorKind.TIMEOUT, "the image was not fetched within the call's time") from error
        except aiohttp.InvalidURL as error:
            raise _forbidden("it is not one") from error
        except (aiohttp.ClientError, OSError) as error:  # a wrong certificate is a ValueError, too
            raise ModelError(ErrorKind.CONNECTION, f"the image cannot be fetched ({type(error).__name__})") from error
        except ValueError as error:
            raise _forbidden("it is not one") from error

    async def _fetch(self, address: str, limit: int) -> Fetched:
        url = _parsed(address)
        for _ in range(MAX_REDIRECTS + 1):
            connector = aiohttp.TCPConnector(resolver=_Pinned(await self._allowed(url)), use_dns_cache=False)
            async with (
                aiohttp.ClientSession(
                    connector=connector,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    timeout=aiohttp.ClientTimeout(total=None),
                    headers={"Accept": "image/*", "Accept-Encoding": "identity"},
                    auto_decompress=False,
                    trust_env=False,
                ) as session,
                session.get(url, allow_redirects=False) as response,
            ):
                if response.status in (301, 302, 303, 307, 308):
                    url = _parsed(response.headers.get("Location", ""), url)
                    continue
                return await _body(response, limit)
        raise _forbidden(f"it redirects more than {MAX_REDIRECTS} times")

    async def _allowed(self, url: URL) -> list[str]:
        """The addresses that a connection may go to."""
        host = (url.raw_host or "").lower().rstrip(".")
        named = host in self._hosts or f"{host}:{url.port}" in self._hosts
        if url.scheme != "https" and not (named and url.scheme == "http"):
            raise _forbidden("it is not https")
        if url.raw_user is not None or url.raw_password is not None:
            raise _forbidden("it holds a user or a password")
        if not host or "%" in host or url.port is None:
            raise _forbidden("it names no host")
        try:
            found: Sequence[str] = [str(ip_address(host))]
        except ValueError as error:
            if _NUMBERS.fullmatch(host.rpartition(".")[2]):
                raise _forbidden("its host is a number in disguise") from error
            found = await self._resolve(host, url.port)
        if not found:
            raise ModelError(ErrorKind.CONNECTION, "the host of the image's address has no address")
        if not named and not all(map(is_public, found)):
            raise _forbidden("its host is not a public one")
        return list(found)


def is_public(address: str) -> bool:
    """Whether an IP address is a public host's. One that carries an IPv4 address (mapped, 6to4, NAT64) is what that one is."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    inner = _carried(ip) if isinstance(ip, IPv6Address) else None
    if inner is not None:
        return is_public(str(inner))
    closed = any(ip.version == network.version and ip in network for network in _CLOSED)
    return ip.is_global and not (closed or ip.is_multicast or ip.is_reserved)


def _carried(ip: IPv6Address) -> IPv4Address | None:
    if ip.scope_id is not None:
        return None
    return ip.ipv4_mapped or ip.sixtofour or (IPv4Address(int(ip) & 0xFFFFFFFF) if ip in _NAT64 else None)


class _Pinned(AbstractResolver):
    """Knows the addresses that were checked, and asks nobody."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def _resolve(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


def _parsed(address: str, base: URL | None = None) -> URL:
    """As it stands: a signed address must not be quoted anew."""
    if not address or not address.isascii() or re.search(r"[\x00-\x20\\\x7f]", address):
        raise _forbidden("it is not one")
    url = URL(address, encoded=True)
    return url if base is None else base.join(url)


async def _body(response: aiohttp.ClientResponse, limit: int) -> Fetched:
    if response.status != 200:
        kind = ErrorKind.CONNECTION if response.status >= 500 else ErrorKind.MALFORMED
        raise ModelError(kind, f"the image's address answers with HTTP {response.status}")
    if response.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise ModelError(ErrorKind.MALFORMED, "the image is sent compressed, which was not asked for")
    data = bytearray()
    if (response.content_length or 0) <= limit:
        async for chunk in response.content.iter_chunked(2**16):
            data += chunk
            if len(data) > limit:
                break
    if len(data) > limit or (response.content_length or 0) > limit:
        raise ModelError(ErrorKind.MALFORMED, f"the image is larger than {limit / 2**20:.3g} MB")
    if not data:
        raise ModelError(ErrorKind.MALFORMED, "nothing is at the image's address")
    told = response.content_type
    return Fetched(bytes(data), told if told.startswith("image/") else "")


def _forbidden(why: str) -> ModelError:
    # An endpoint that gives such an address gives another one of its kind next time, and each image is paid for.
    return ModelError(ErrorKind.MALFORMED, f"the image's address may not be fetched: {why}", retryable=False)
