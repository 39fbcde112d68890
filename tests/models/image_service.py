"""A real loopback service that makes images and speaks three wire formats: OpenAI's images API, Gemini's, and Ark's.

    with image_service() as service:
        ModelConfig(base_url=service.openai, image_hosts=(service.host,))   # or service.gemini, service.ark

Images are drawn with Pillow, from a hash of the prompt. What a request meets is named by a *form*: the first that was put into
`ImageService.queue`, else the one that the prompt names in double brackets (``A red kite. [[empty]]``), else ``image``. `FORMS` lists
them by format. What came is in `ImageService.asked`.

By hand: ``python -m tests.models.image_service --port 8000``.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import json
import re
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from aiohttp import web
from PIL import Image, ImageDraw

Reply = Awaitable[web.StreamResponse] | web.StreamResponse
Form = Callable[["Asked"], Reply]

SLOW = 1.5
"""Seconds that a slow reply takes."""

TOO_LARGE = 33 * 2**20
"""Bytes of an image that is larger than the adapters fetch."""

REFUSES = "I'm sorry, but I can't draw that."
_MARK = re.compile(r"\[\[([A-Za-z0-9_-]+)\]\]")


@dataclass
class Asked:
    """One request as it came."""

    service: ImageService
    wire: str
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    """JSON, or the fields of a multipart body."""
    prompt: str
    images: list[bytes] = field(default_factory=list)
    """Images that came along, decoded."""
    request: web.Request | None = None

    @property
    def count(self) -> int:
        """How many images are wanted."""
        told = self.body.get("sequential_image_generation_options") or {}
        return int(self.body.get("n") or told.get("max_images") or 1)

    def drawn(self, number: int = 0) -> bytes:
        """A PNG: what came along with a frame around it, else a picture that the prompt decides."""
        if self.images:
            return framed(self.images[0])
        return picture(f"{number} {self.prompt}", str(self.body.get("size") or ""))


@dataclass
class ImageService:
    """A running service."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    fetched: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Paths of files that were fetched, with the headers of the request."""
    queue: deque[str] = field(default_factory=deque)
    files: dict[str, bytes] = field(default_factory=dict)

    host = "127.0.0.1"

    @property
    def root(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def openai(self) -> str:
        """Base URL of the OpenAI format."""
        return f"{self.root}/v1"

    @property
    def gemini(self) -> str:
        """Base URL of the Gemini format, without the version."""
        return self.root

    @property
    def ark(self) -> str:
        """Base URL of the Ark format."""
        return f"{self.root}/api/v3"

    def base(self, wire: str) -> str:
        """Base URL of a format by its name."""
        return str(getattr(self, wire))

    def keep(self, data: bytes) -> str:
        """Keeps a file; returns its address."""
        name = f"{sha256(data).hexdigest()[:16]}.png"
        self.files[name] = data
        return f"{self.root}/files/{name}?signed=a%2Fb+c%3D"


# -- pictures -----------------------------------------------------------------------------------------------------------


def png(image: Image.Image) -> bytes:
    """As a PNG file."""
    told = io.BytesIO()
    image.save(told, "PNG")
    return told.getvalue()


def picture(prompt: str, size: str = "") -> bytes:
    """A few bars on a ground, all decided by the prompt."""
    found = re.fullmatch(r"(\d{1,4})x(\d{1,4})", size)
    wide, high = (int(found[1]), int(found[2])) if found else (256, 256)
    told = sha256(prompt.encode("utf-8", "replace")).digest()
    image = Image.new("RGB", (wide, high), (told[0], told[1], told[2]))
    draw = ImageDraw.Draw(image)
    for i in range(4):
        left, top = told[3 + i] * wide // 320, told[7 + i] * high // 320
        draw.rectangle(
            (left, top, left + wide // 5, top + high // 5), fill=(told[11 + i], 255 - told[11 + i], told[15 + i])
        )
    return png(image)


def plain(colour: str) -> bytes:
    """One colour throughout."""
    return png(Image.new("RGB", (256, 256), colour))


def framed(data: bytes) -> bytes:
    """An edit: the image with a frame."""
    with Image.open(io.BytesIO(data)) as image:
        edited = image.convert("RGB")
    ImageDraw.Draw(edited).rectangle((0, 0, edited.width - 1, edited.height - 1), outline="gold", width=6)
    return png(edited)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


# -- the formats' own words ---------------------------------------------------------------------------------------------


def said(status: int, body: Any, headers: dict[str, str] | None = None) -> web.Response:
    return web.json_response(body, status=status, headers=headers)


def failed(asked: Asked, status: int, word: str, headers: dict[str, str] | None = None, kind: str = "") -> web.Response:
    """An error in the format's own shape."""
    if asked.wire == "gemini":
        return said(status, {"error": {"code": status, "message": "It did not work.", "status": word}}, headers)
    told = {"code": word, "message": "It did not work. Request id: 0217.", "param": "", "type": kind or "BadRequest"}
    return said(status, {"error": told}, headers)


def gave(asked: Asked, *items: dict[str, Any], **more: Any) -> web.Response:
    """A reply of the images API: OpenAI's or Ark's."""
    model = asked.body.get("model")
    if asked.wire == "ark":
        usage: dict[str, Any] = {"generated_images": len(items), "output_tokens": 4096, "total_tokens": 4096}
        return said(200, {"model": model, "created": int(time.time()), "data": list(items), "usage": usage} | more)
    usage = {"input_tokens": 12, "output_tokens": 272, "total_tokens": 284, "input_tokens_details": {"text_tokens": 12}}
    shown = {"usage": usage, "output_format": "png"} if "gpt-image" in str(model) else {}
    return said(200, {"created": int(time.time()), "data": list(items)} | shown | more)


def candidate(*parts: dict[str, Any], finish: str | None = "STOP", **more: Any) -> web.Response:
    """A reply of the Gemini API."""
    one: dict[str, Any] = {"index": 0, "content": {"role": "model", "parts": list(parts)}} if parts else {"index": 0}
    if finish:
        one["finishReason"] = finish
    usage = {"promptTokenCount": 12, "candidatesTokenCount": 1290, "totalTokenCount": 1302}
    told = {"candidates": [one], "usageMetadata": usage, "modelVersion": "gemini-image-loopback"}
    return said(200, told | more)


def inline(data: bytes | str) -> dict[str, Any]:
    return {"inlineData": {"mimeType": "image/png", "data": data if isinstance(data, str) else b64(data)}}


def item(asked: Asked, data: bytes | str, number: int = 0) -> dict[str, Any]:
    """One image as bytes in the images API; a string stands as it is."""
    told: dict[str, Any] = {"b64_json": data if isinstance(data, str) else b64(data)}
    if asked.wire == "ark":
        return told | {"size": "256x256"}
    return told | ({"revised_prompt": f"A picture, no. {number}."} if "dall-e" in str(asked.body.get("model")) else {})


def delivered(asked: Asked, *images: bytes | str) -> web.Response:
    """Images in the format that was asked."""
    if asked.wire == "gemini":
        return candidate(*map(inline, images))
    return gave(asked, *(item(asked, image, number) for number, image in enumerate(images)))


# -- forms --------------------------------------------------------------------------------------------------------------


def images(asked: Asked) -> web.Response:
    """What is asked for: bytes, or addresses where the request says so and the model gives them."""
    drawn = [asked.drawn(number) for number in range(asked.count)]
    if asked.body.get("response_format") == "url":
        return gave(asked, *({"url": asked.service.keep(image)} for image in drawn))
    return delivered(asked, *drawn)


async def slow(asked: Asked) -> web.StreamResponse:
    await asyncio.sleep(SLOW)
    return images(asked)


async def cut(asked: Asked) -> web.StreamResponse:
    """A reply whose connection ends in its midst."""
    assert asked.request is not None
    return await _cut(asked.request, b'{"created": 1, "data": [{"b64_json": "iVBORw0KGgo')


async def _cut(request: web.Request, head: bytes) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "90000"})
    await response.prepare(request)
    await response.write(head)
    assert request.transport is not None
    request.transport.abort()
    return response


def addressed(*urls: str) -> Form:
    """Addresses, as they are; ``ROOT`` is the service itself."""

    def reply(asked: Asked) -> web.Response:
        return gave(asked, *({"url": url.replace("ROOT", asked.service.root)} for url in urls))

    return reply


def status(code: int, word: str, kind: str = "", **headers: str) -> Form:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: failed(asked, code, word, sent, kind)


def ended(reason: str, *parts: dict[str, Any]) -> Form:
    """A candidate that ends for a reason."""
    return lambda asked: candidate(*parts, finish=reason)


def _partial(asked: Asked) -> web.Response:
    """One image, and one that the filter kept back."""
    if asked.wire == "gemini":
        return candidate(inline(asked.drawn()), finish="IMAGE_SAFETY")
    if asked.wire == "ark":
        return gave(asked, item(asked, asked.drawn()), _kept_back())
    return gave(asked, item(asked, asked.drawn()), {"b64_json": None, "respect_moderation": False})


def _kept_back(code: str = "OutputImageSensitiveContentDetected") -> dict[str, Any]:
    return {"error": {"code": code, "message": "No image was made. Request id: 0217."}}


def _text(asked: Asked) -> web.Response:
    return candidate({"text": REFUSES}) if asked.wire == "gemini" else gave(asked, {"text": REFUSES})


def _empty(asked: Asked) -> web.Response:
    return candidate(finish="STOP") if asked.wire == "gemini" else gave(asked)


def _raw(body: bytes) -> Form:
    return lambda asked: web.Response(body=body, content_type="application/json")


def _odd(asked: Asked) -> web.Response:
    """JSON of another shape."""
    return said(200, {"candidates": "none"} if asked.wire == "gemini" else {"data": {"image": "none"}})


HTML = b"<!doctype html><title>Sign in</title><p>Your session has ended."

_EVERYWHERE: dict[str, Form] = {
    "image": images,
    "several": lambda asked: delivered(asked, *(asked.drawn(number) for number in range(3))),
    "black": lambda asked: delivered(asked, plain("black")),
    "plain": lambda asked: delivered(asked, plain("#7f7f7f")),
    "text": _text,
    "empty": _empty,
    "partial": _partial,
    "not-base64": lambda asked: delivered(asked, "!!! this is not base64 !!!"),
    "html": lambda asked: delivered(asked, HTML),
    "truncated": lambda asked: delivered(asked, asked.drawn()[:200]),
    "broken-json": _raw(b'{"created": 1, "data": [{"b64_json": "iVBO'),
    "no-json": _raw(HTML),
    "odd": _odd,
    "slow": slow,
    "cut": cut,
    "500": status(500, "INTERNAL"),
    "503": status(503, "UNAVAILABLE"),
    "rejected": status(400, "INVALID_ARGUMENT"),
}
_ADDRESSES: dict[str, Form] = {
    "url": lambda asked: gave(asked, *({"url": asked.service.keep(asked.drawn(n))} for n in range(asked.count))),
    "url-data": lambda asked: gave(asked, {"url": f"data:image/png;base64,{b64(asked.drawn())}"}),
    "url-redirect": addressed("ROOT/redirect?to=/files/picture.png"),
    "url-404": addressed("ROOT/files/absent.png"),
    "url-500": addressed("ROOT/broken"),
    "url-html": addressed("ROOT/page"),
    "url-empty": addressed("ROOT/nothing"),
    "url-large": addressed("ROOT/large"),
    "url-endless": addressed("ROOT/endless"),
    "url-slow": addressed("ROOT/slow"),
    "url-cut": addressed("ROOT/cut"),
    "url-compressed": addressed("ROOT/compressed"),
    "url-metadata": addressed("https://169.254.169.254/latest/meta-data/a.png"),
    "url-loopback": addressed("https://127.0.0.2/a.png"),
    "url-ten": addressed("https://10.1.2.3/a.png"),
    "url-mapped": addressed("https://[::ffff:192.168.0.1]/a.png"),
    "url-number": addressed("https://2130706433/a.png"),
    "url-http": addressed("http://203.0.113.7/a.png"),
    "url-file": addressed("file:///etc/hostname"),
    "url-password": addressed("https://me:secret@198.51.100.7/a.png"),
    "url-to-private": addressed("ROOT/redirect?to=https://10.1.2.3/a.png"),
    "url-to-file": addressed("ROOT/redirect?to=file:///etc/hostname"),
    "url-loop": addressed("ROOT/loop"),
    "url-unknown": addressed("https://no-such-host.invalid/a.png"),
    "url-none": lambda asked: gave(asked, {"size": "256x256"}),
}
_OPENAI: dict[str, Form] = {
    "policy": status(400, "content_policy_violation", "invalid_request_error"),
    "moderation": status(400, "moderation_blocked", "image_generation_user_error"),
    "policy-without-code": lambda asked: said(
        400,
        {
            "error": {
                "code": None,
                "message": "Your request was rejected as a result of our safety system.",
                "param": None,
                "type": "invalid_request_error",
            }
        },
    ),
    "withheld": lambda asked: gave(asked, {"b64_json": "", "respect_moderation": False}),
    "429": status(429, "rate_limit_exceeded", "requests", Retry_After="7"),
    "quota": status(429, "insufficient_quota", "insufficient_quota"),
    "hard-limit": status(400, "billing_hard_limit_reached", "invalid_request_error"),
    "401": status(401, "invalid_api_key", "invalid_request_error"),
    "404": status(404, "model_not_found", "invalid_request_error"),
}
_ARK: dict[str, Form] = {
    "input-sensitive": status(400, "InputTextSensitiveContentDetected"),
    "output-sensitive": status(400, "OutputImageSensitiveContentDetected"),
    "input-image-sensitive": status(400, "InputImageSensitiveContentDetected.PolicyViolation"),
    "risk": status(400, "OutputImageRiskDetection"),
    "item-sensitive": lambda asked: gave(asked, _kept_back()),
    "item-error": lambda asked: gave(asked, _kept_back("InternalServiceError")),
    "error-in-200": lambda asked: said(200, {"model": "m", "created": 1} | _kept_back()),
    "429": status(429, "RateLimitExceeded.EndpointRPMExceeded", "TooManyRequests", Retry_After="7"),
    "quota": status(429, "QuotaExceeded", "TooManyRequests"),
    "overdue": status(403, "AccountOverdueError", "Forbidden"),
    "401": status(401, "AuthenticationError", "Unauthorized"),
    "404": status(404, "InvalidEndpointOrModel.NotFound", "NotFound"),
}
_GEMINI: dict[str, Form] = {
    **{
        reason: ended(reason)
        for reason in (
            *(
                "SAFETY",
                "IMAGE_SAFETY",
                "PROHIBITED_CONTENT",
                "IMAGE_PROHIBITED_CONTENT",
                "RECITATION",
                "IMAGE_RECITATION",
            ),
            *("NO_IMAGE", "IMAGE_OTHER", "MAX_TOKENS"),
        )
    },
    "prompt-blocked": lambda asked: said(200, {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
    "no-candidates": lambda asked: said(200, {"candidates": []}),
    "safety-after-text": ended("IMAGE_SAFETY", {"text": "To begin with,"}),
    "no-image-with-text": ended("NO_IMAGE", {"text": REFUSES}),
    "beside-text": lambda asked: candidate({"text": "Here it is."}, inline(asked.drawn())),
    "draft-only": lambda asked: candidate({**inline(asked.drawn()), "thought": True}, {"text": REFUSES}),
    "429": lambda asked: said(
        429,
        {
            "error": {
                "code": 429,
                "message": "Slow down.",
                "status": "RESOURCE_EXHAUSTED",
                "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}],
            }
        },
    ),
    "quota": lambda asked: said(
        429,
        {
            "error": {
                "code": 429,
                "message": "Your quota is used up.",
                "status": "RESOURCE_EXHAUSTED",
                "details": [{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel"}]}],
            }
        },
    ),
    "401": status(401, "UNAUTHENTICATED"),
    "404": status(404, "NOT_FOUND"),
}
FORMS: dict[str, dict[str, Form]] = {
    "openai": _EVERYWHERE | _ADDRESSES | _OPENAI,
    "gemini": _EVERYWHERE | _GEMINI,
    "ark": _EVERYWHERE | _ADDRESSES | _ARK,
}
"""Format → name → what a request meets."""


# -- the server ---------------------------------------------------------------------------------------------------------


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
        return await _cut(request, picture("half")[:100])

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
