"""Which addresses of images are fetched, and from where: over real sockets. Resolvers that a test gives are stand-ins for DNS."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.models.image_service import ImageService, picture
from tocsin.api import run_loop
from tocsin.models import ModelError
from tocsin.models.fetching import MAX_IMAGE, Fetched, Fetcher, is_public
from tocsin.types import ErrorKind

PUBLIC = "93.184.215.14"


def fetch(address: str, *hosts: str, seconds: float = 5, resolve: Any = None, limit: int = MAX_IMAGE) -> Fetched:
    return run_loop(Fetcher(hosts, resolve=resolve).fetch(address, seconds, limit=limit))


def fault(address: str, *hosts: str, **more: Any) -> ModelError:
    with pytest.raises(ModelError) as caught:
        fetch(address, *hosts, **more)
    return caught.value


def resolving(*answers: Sequence[str]) -> Callable[[str, int], Awaitable[Sequence[str]]]:
    """A stand-in for DNS: gives these answers in turn, and fails when it is asked once more."""
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        return left.pop(0)

    return resolve


@pytest.mark.parametrize(
    "address",
    [
        "93.184.215.14",
        "8.8.8.8",
        "168.63.129.15",
        "168.63.129.17",
        "166.12.0.1",
        "2606:4700::1111",
        "64:ff9b::808:808",
        "2002:808:808::1",
    ],
)
def test_public_hosts_are_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.127.255.255", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1"),
        *("203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255", "192.88.99.1"),
        *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "ff02::1", "fec0::1", "2001:db8::1", "100::1"),
        *(
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "2002:7f00:1::",
            "2002:a00:1::1",
        ),
        *(
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::808:808",
            "2001:0:53aa:64c:0:0:f5ff:fffe",
            "3fff::1",
            "5f00::1",
        ),
        # where clouds tell a machine about itself: AWS and others, its containers, Azure, Oracle, Alibaba, Tencent, Scaleway;
        # by IPv6 AWS, Google, Scaleway, OpenStack; and IBM's private services
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "168.63.129.16", "192.0.0.192", "100.100.100.200"),
        *("169.254.0.23", "169.254.42.42", "fd00:ec2::254", "fd00:ec2::23", "fd20:ce::254", "fd00:42::42"),
        *("fe80::a9fe:a9fe", "161.26.0.10", "166.8.0.1", "166.11.255.255"),
        *("::ffff:168.63.129.16", "64:ff9b::a83f:8110", "2002:a83f:8110::1"),
        *("", "host", "1.2.3", "0x7f.1", "127.1"),
    ],
)
def test_no_other_address_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("http://example.com/a.png", "not https"),
        ("ftp://example.com/a.png", "not https"),
        ("file:///etc/passwd", "not https"),
        ("javascript:alert(1)", "not https"),
        ("//example.com/a.png", "not https"),
        ("a.png", "not https"),
        ("", "not one"),
        ("https://", "not one|no host"),
        ("https:///a.png", "no host|not one"),
        ("https://me@example.com/a.png", "user or a password"),
        ("https://me:word@example.com/a.png", "user or a password"),
        ("https://example.com\\@127.0.0.1/a.png", "not one"),
        ("https://example.com/a b.png", "not one"),
        ("https://example.com/\r\nHost: x", "not one"),
        ("https://exämple.com/a.png", "not one"),
        ("https://[::1/a.png", "not one"),
        ("https://example.com:99999/a.png", "not one"),
        ("https://2130706433/a.png", "number in disguise"),
        ("https://0x7f000001/a.png", "number in disguise"),
        ("https://127.1/a.png", "number in disguise"),
        ("https://0177.0.0.1/a.png", "number in disguise"),
        ("https://127.0.0.1/a.png", "not a public one"),
        ("https://127.0.0.1./a.png", "not a public one"),
        ("https://[::1]/a.png", "not a public one"),
        ("https://[::ffff:10.0.0.1]/a.png", "not a public one"),
        ("https://[64:ff9b::a00:1]/a.png", "not a public one"),
        ("https://[fe80::1%25eth0]/a.png", "no host|not a public one|not one"),
    ],
)
def test_an_address_that_may_not_be_fetched_is_not(address: str, why: str) -> None:
    failure = fault(address, resolve=resolving())
    assert (failure.kind, failure.retryable) == (ErrorKind.MALFORMED, False)
    assert any(part in failure.detail for part in why.split("|")), failure.detail
    assert "example" not in failure.detail, "an address may be signed: it is not quoted"


@pytest.mark.parametrize(
    "found", [["127.0.0.1"], ["10.0.0.1"], [PUBLIC, "169.254.169.254"], ["::1", PUBLIC], ["fd00::1"]]
)
def test_a_name_is_what_it_resolves_to_and_one_private_address_is_enough(found: list[str]) -> None:
    assert "not a public one" in fault("https://pictures.test/a.png", resolve=resolving(found)).detail


def test_a_name_that_is_not_known_is_a_connection_that_failed() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise OSError("no such host")

    assert fault("https://pictures.test/a.png", resolve=unknown).kind is ErrorKind.CONNECTION
    assert fault("https://pictures.test/a.png", resolve=resolving([])).kind is ErrorKind.CONNECTION


def test_the_connection_goes_to_the_address_that_was_checked(images: ImageService) -> None:
    """The name means another address when it is asked for again: it is asked for once, and the stand-in fails otherwise."""
    address = f"http://pictures.test:{images.port}/files/picture.png"
    found = fetch(address, "pictures.test", resolve=resolving(["127.0.0.1"]))
    assert found.data == picture("picture.png")
    assert images.fetched[0][1]["host"] == f"pictures.test:{images.port}"


def test_only_the_host_that_is_named_may_be_private(images: ImageService) -> None:
    address = f"{images.root}/files/picture.png"
    assert fetch(address, "127.0.0.1").media_type == "image/png"
    assert fetch(address, f"127.0.0.1:{images.port}").data
    for others in ([], ["127.0.0.2"], [f"127.0.0.1:{images.port + 1}"], ["localhost"], [""], ["*"]):
        assert fault(address, *others).kind is ErrorKind.MALFORMED
    assert images.fetched[2:] == []


def test_nothing_of_ours_is_sent_along(images: ImageService, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    fetch(images.keep(picture("signed")), images.host)
    ((path, headers),) = images.fetched
    assert path.endswith("?signed=a%2Fb+c%3D"), "a signed address is sent as it stands"
    assert set(headers) <= {"host", "accept", "accept-encoding", "user-agent"}
    assert headers["accept-encoding"] == "identity"


def test_redirects_are_followed_three_times_and_held_to_the_same(images: ImageService) -> None:
    once = f"{images.root}/redirect?to="
    there = "/files/picture.png"
    assert fetch(f"{once}{there}", images.host).data == picture("picture.png")
    thrice = f"{once}/redirect?to%3D/redirect?to%253D{there}"
    assert fetch(thrice, images.host).data == picture("picture.png")
    assert "more than 3" in fault(f"{images.root}/loop", images.host).detail
    for target in ("http://127.0.0.2/a.png", "https://10.0.0.1/a.png", "https://[::1]/", "file:///etc/passwd", ""):
        assert fault(f"{once}{target}", images.host).kind is ErrorKind.MALFORMED
    assert "password" in fault(f"{once}http://me:x@127.0.0.1:{images.port}/files/picture.png", images.host).detail


def test_no_more_is_read_than_the_limit(images: ImageService) -> None:
    for path in ("large", "endless"):
        failure = fault(f"{images.root}/{path}", images.host)
        assert (failure.kind, "larger than 32 MB" in failure.detail) == (ErrorKind.MALFORMED, True)
    data = picture("picture.png")
    address = f"{images.root}/files/picture.png"
    assert fetch(address, images.host, limit=len(data)).data == data
    assert fault(address, images.host, limit=len(data) - 1).kind is ErrorKind.MALFORMED


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("files/absent.png", ErrorKind.MALFORMED),
        ("nothing", ErrorKind.MALFORMED),
        ("compressed", ErrorKind.MALFORMED),
        ("broken", ErrorKind.CONNECTION),
        ("cut", ErrorKind.CONNECTION),
    ],
)
def test_what_is_not_there_is_told_plainly(path: str, kind: ErrorKind, images: ImageService) -> None:
    failure = fault(f"{images.root}/{path}", images.host)
    assert (failure.kind, failure.retryable) == (kind, True)


def test_it_ends_with_its_time(images: ImageService) -> None:
    assert fault(f"{images.root}/slow", images.host, seconds=0.2).kind is ErrorKind.TIMEOUT
    assert fault(f"{images.root}/files/picture.png", images.host, seconds=-1).kind is ErrorKind.TIMEOUT

    async def asleep(host: str, port: int) -> Sequence[str]:
        await asyncio.sleep(5)
        return [PUBLIC]

    assert fault("https://pictures.test/a.png", seconds=0.1, resolve=asleep).kind is ErrorKind.TIMEOUT


def test_a_media_type_that_is_no_images_is_not_told(images: ImageService) -> None:
    found = fetch(f"{images.root}/page", images.host)
    assert found.media_type == ""
    assert found.data.startswith(b"<!doctype")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl, to make a certificate")
def test_a_certificate_is_checked_by_the_hosts_name_and_not_by_the_pinned_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=pictures.test")
    names = ("-addext", "subjectAltName=DNS:pictures.test", "-keyout", str(key), "-out", str(certificate))
    subprocess.run(["openssl", *made, *names], check=True, capture_output=True)
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server_side.load_cert_chain(certificate, key)
    data = picture("tls")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
        await writer.drain()
        writer.close()

    async def fetched(name: str) -> Fetched | ModelError:
        server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server_side)
        port = server.sockets[0].getsockname()[1]
        try:
            return await Fetcher([name], resolve=resolving(["127.0.0.1"])).fetch(f"https://{name}:{port}/a.png", 5)
        except ModelError as error:
            return error
        finally:
            server.close()

    unknown = run_loop(fetched("pictures.test"))
    assert isinstance(unknown, ModelError)
    assert (unknown.kind, "Certificate" in unknown.detail) == (ErrorKind.CONNECTION, True)
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", ssl.create_default_context(cafile=str(certificate)))
    assert run_loop(fetched("pictures.test")) == (data, "image/png")
    assert isinstance(run_loop(fetched("others.test")), ModelError)
