"""A real loopback service that makes images and speaks three wire formats: OpenAI's images API, Gemini's, and Ark's.

    with image_service() as service:
        ModelConfig(base_url=service.openai, image_hosts=(service.host,))   # or service.gemini, service.ark

Images are drawn with Pillow, from a hash of the prompt. What a request meets is named by a *form*: the first that was put into
`ImageService.queue`, else the one that the prompt names in double brackets (``A red kite. [[empty]]``), else ``image``.
`FORMS` lists them by format. What came is in `ImageService.asked`.

By hand: ``python -m tests.models.image_service --port 8000``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import re
import threading
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web

from tests.models.image_forms import FORMS, SLOW, cut_off
from tests.models.image_wire import HTML, Asked, ImageService, picture

__all__ = ["FORMS", "Asked", "ImageService", "image_service", "picture"]

TOO_LARGE = 33 * 2**20
"""Bytes of an image that is larger than the adapters fetch."""

_MARK = re.compile(r"\[\[([A-Za-z0-9_-]+)\]\]")


async def _read(service: ImageService, wire: str, request: web.Request) -> Asked:
    """A request in its format."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if request.content_type == "multipart/form-data":
        fields, files = {}, []
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                files.append(value.file.read())
            else:
                fields[name] = value
        return Asked(service, wire, request.path, headers, dict(fields), str(fields["prompt"]), files, request)
    body = json.loads(await request.read())
    found: list[bytes] = []
    if wire == "gemini":
        parts = [part for turn in body["contents"] for part in turn["parts"]]
        prompt = next((part["text"] for part in reversed(parts) if part.get("text")), "")
        for part in parts:
            if blob := part.get("inlineData") or part.get("inline_data"):
                found.append(base64.urlsafe_b64decode(blob["data"]))
    else:
        prompt = body["prompt"]
        given = body.get("image") or []
        for one in [given] if isinstance(given, str) else given:
            found.append(base64.b64decode(one.partition(",")[2]))
    return Asked(service, wire, request.path, headers, body, prompt, found, request)


def _app(service: ImageService) -> web.Application:
    def serving(wire: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handler(request: web.Request) -> web.StreamResponse:
            asked = await _read(service, wire, request)
            service.asked.append(asked)
            marked = _MARK.search(asked.prompt)
            name = service.queue.popleft() if service.queue else marked[1] if marked else "image"
            reply = FORMS[wire][name](asked)
            return reply if isinstance(reply, web.StreamResponse) else await reply

        return handler

    async def file(request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        data = picture(name) if name == "picture.png" else service.files.get(name)
        service.fetched.append((request.raw_path, {key.lower(): value for key, value in request.headers.items()}))
        if data is None:
            return web.Response(status=404, text="gone")
        return web.Response(body=data, content_type="image/png")

    async def redirect(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": request.query["to"]})

    async def loop(request: web.Request) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": "/loop"})

    async def page(request: web.Request) -> web.StreamResponse:
        return web.Response(body=HTML, content_type="text/html")

    async def nothing(request: web.Request) -> web.StreamResponse:
        return web.Response(content_type="image/png")

    async def broken(request: web.Request) -> web.StreamResponse:
        return web.Response(status=500, text="broken")

    async def large(request: web.Request) -> web.StreamResponse:
        return web.Response(body=bytes(TOO_LARGE), content_type="image/png")

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "image/png"})
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):
            for _ in range(TOO_LARGE // 2**20):
                await response.write(bytes(2**20))
        return response

    async def late(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(SLOW)
        return web.Response(body=picture("late"), content_type="image/png")

    async def half(request: web.Request) -> web.StreamResponse:
        return await cut_off(request, picture("half")[:100])

    async def compressed(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"\x1f\x8b", content_type="image/png", headers={"Content-Encoding": "gzip"})

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/images/generations", serving("openai"))
    app.router.add_post("/v1/images/edits", serving("openai"))
    app.router.add_post("/api/v3/images/generations", serving("ark"))
    app.router.add_post("/v1beta/models/{model:[^:]+}:generateContent", serving("gemini"))
    app.router.add_get("/files/{name}", file)
    there = {"redirect": redirect, "loop": loop, "page": page, "nothing": nothing, "broken": broken, "large": large}
    more = {"endless": endless, "slow": late, "cut": half, "compressed": compressed}
    for name, handler in {**there, **more}.items():
        app.router.add_get(f"/{name}", handler)
    return app


@contextlib.contextmanager
def image_service(port: int = 0) -> Iterator[ImageService]:
    """Starts the service in a thread, on a free port unless one is named, and ends it."""
    service = ImageService()
    ready = threading.Event()
    stopping: list[Callable[[], object]] = []

    async def serve() -> None:
        stop = asyncio.Event()
        runner = web.AppRunner(_app(service), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, service.host, port).start()
            service.port = runner.addresses[0][1]
            loop = asyncio.get_running_loop()
            stopping.append(lambda: loop.call_soon_threadsafe(stop.set))
            ready.set()
            await stop.wait()
        finally:
            await runner.cleanup()
            ready.set()

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    ready.wait(10)
    assert stopping, "the service did not start"
    try:
        yield service
    finally:
        stopping[0]()
        thread.join(10)


if __name__ == "__main__":
    given = argparse.ArgumentParser()
    given.add_argument("--port", type=int, default=0)
    with image_service(given.parse_args().port) as running:
        print(json.dumps({wire: running.base(wire) for wire in FORMS}), flush=True)
        threading.Event().wait()
