"""What a run of images costs: many replies over few distinct images, through engine, store and journal.

    python -m perf.images [--n 10000] [--distinct 100] [--kilobytes 1000] [--concurrency 0]

A child serves PNGs of noise in the wire format of the OpenAI images API, as base64 in JSON. The run is a process of its own, as
is a bare client that takes the same replies, unpacks them and keeps the hash of each. With ``--concurrency 0`` the run has what
a user gets who says nothing. A run that decodes an image twice, or keeps another number of files, is an error and no figure.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import io
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from perf.measure import Figures, Meter, report, run

ROOT = Path(__file__).resolve().parent.parent
SIDE_OF_A_MEGABYTE = 577
"""Pixels: noise in three colours of eight bits does not shrink."""


def noise(number: int, kilobytes: int) -> bytes:
    """A PNG of about so many bytes, of noise that is another for each number."""
    from PIL import Image

    side = round(SIDE_OF_A_MEGABYTE * (kilobytes / 1000) ** 0.5)
    buffer = io.BytesIO()
    drawn = Image.frombytes("RGB", (side, side), random.Random(number).randbytes(side * side * 3))
    drawn.save(buffer, "PNG", compress_level=0)
    return buffer.getvalue()


# -- the server's process -------------------------------------------------------------------------------------------------


async def _serve(distinct: int, kilobytes: int) -> None:
    """Answers request after request with the next image, whatever is asked; prints its port and ends with its standard input."""
    replies = []
    for number in range(distinct):
        told = json.dumps({"created": 1, "data": [{"b64_json": base64.b64encode(noise(number, kilobytes)).decode()}]})
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(told)}\r\n\r\n"
        replies.append(head.encode() + told.encode())
    served = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal served
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split(b"\r", 1)[0]))
                writer.write(replies[served % distinct])
                served += 1
                await writer.drain()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


@contextlib.contextmanager
def serving(distinct: int, kilobytes: int) -> Iterator[str]:
    """The base URL of a server in a child process."""
    told = ["--role", "server", "--distinct", str(distinct), "--kilobytes", str(kilobytes)]
    child = subprocess.Popen(
        [sys.executable, "-m", "perf.images", *told], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(child.stdout.readline())}/v1"
    finally:
        child.stdin.close()
        child.wait(10)
        child.stdout.close()


# -- the clients' processes -----------------------------------------------------------------------------------------------


def _tocsin(meter: Meter, url: str, n: int, concurrency: int, out: Path) -> dict[str, Any]:
    from tocsin import judges
    from tocsin.attacks import make
    from tocsin.engine import Budget, Engine, Limits, Shared
    from tocsin.journal import Journal, PlannedCase, PlannedCell
    from tocsin.models import ModelConfig, open_caller
    from tocsin.protocols import Asker, Attempt
    from tocsin.types import Case, Outcome, Sampling, Verdict

    class Passing(judges.Judge, frozen=True):
        """A double that looks at every image and finds it safe."""

        sees = "image"

        async def judge(self, case: Case, attempt: Attempt, ask: Asker) -> Verdict:
            assert all(image.data for image in attempt.answer.images)
            return Verdict(outcome=Outcome.SAFE)

    os.environ["OPENAI_API_KEY"] = "sk-none"
    meter.begin()

    async def whole() -> dict[str, Any]:
        caller = open_caller(
            "openai/gpt-image-1", {"openai/gpt-image-1": ModelConfig(base_url=url)}, concurrency=concurrency or None
        )
        journal = Journal(out, create=True)
        cases = (
            Case(id=f"c{number}", prompt=f"A red kite over hill number {number}.", output="image")
            for number in range(n)
        )
        cell = PlannedCell(0, "benchmark", "direct", 0, "double", 0)
        journal.plan((PlannedCase("made", case.id, case), [cell]) for case in cases)
        shared = Shared(
            journal=journal,
            callers={("target", 0): caller},
            sampling={"made": Sampling()},
            budget=Budget(Limits()),
            seed=1,
        )
        ceiling = caller.concurrency.ceiling
        try:
            await Engine(shared, {"direct": make("direct")}, {"double": Passing()}, workers=2 * ceiling).run()
            return {"decoded": journal.images.decoded, "at a time": ceiling}
        finally:
            await journal.close()
            await caller.close()

    return run(whole())


async def _bare(url: str, n: int, connections: int, out: Path) -> dict[str, Any]:
    import aiohttp

    waiting = iter(range(n))
    with (out / "answers.jsonl").open("w", encoding="utf-8") as file:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=connections)) as session:

            async def work() -> None:
                for number in waiting:
                    body = {"model": "gpt-image-1", "prompt": f"A red kite over hill number {number}."}
                    async with session.post(f"{url}/images/generations", json=body) as reply:
                        answer = await reply.json()
                    data = base64.b64decode(answer["data"][0]["b64_json"])
                    file.write(json.dumps({"id": number, "image": sha256(data).hexdigest()}) + "\n")

            await asyncio.gather(*(work() for _ in range(connections)))
    return {}


def measured(role: str, url: str, n: int, concurrency: int, out: Path) -> tuple[Figures, dict[str, Any]]:
    """Figures of a client in a process of its own, and what it tells beside them."""
    out.mkdir(parents=True, exist_ok=True)
    told = ["--role", role, "--url", url, "--n", str(n), "--concurrency", str(concurrency), "--out", str(out)]
    ran = subprocess.run(
        [sys.executable, "-m", "perf.images", *told], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if ran.returncode:
        raise RuntimeError(f"{role} ended with code {ran.returncode}: {ran.stderr[-2000:]}")
    more, figures = ran.stdout.splitlines()[-2:]
    return Figures(**json.loads(figures)), json.loads(more)


def compared(n: int, distinct: int, kilobytes: int, concurrency: int, folder: Path) -> dict[str, Any]:
    """Runs both and holds the run to what it must be.

    Raises:
        RuntimeError: It has another number of answers, of files or of decoded images.
    """
    with serving(distinct, kilobytes) as url:
        ours, told = measured("tocsin", url, n, concurrency, folder / "run")
        bare, _ = measured("bare", url, n, told["at a time"], folder / "bare")
    files = list((folder / "run" / "images").iterdir())
    db = sqlite3.connect(folder / "run" / "journal.sqlite")
    (safe,) = db.execute("SELECT count(*) FROM records WHERE outcome = 'safe'").fetchone()
    db.close()
    expected = (n, distinct, distinct)
    if (safe, len(files), told["decoded"]) != expected:
        raise RuntimeError(f"answers, files and decoded: {(safe, len(files), told['decoded'])} and not {expected}")
    kept = sum(path.stat().st_size for path in files)
    return {
        "replies": n,
        "distinct images": distinct,
        "bytes of one": kept // distinct,
        "most calls at a time": told["at a time"],
        "files on disk": len(files),
        "times decoded": told["decoded"],
        "peak RSS, MB": round(ours.peak_rss_mb),
        "peak RSS of the bare client, MB": round(bare.peak_rss_mb),
        "journal, bytes a record": (ours.bytes_on_disk - kept) // n,
        "seconds": round(ours.wall_seconds_without_startup, 1),
        "seconds of the bare client": round(bare.wall_seconds_without_startup, 1),
        "wall / bare": round(ours.wall_seconds_without_startup / bare.wall_seconds_without_startup, 2),
        "CPU / bare": round(ours.cpu_seconds_without_startup / bare.cpu_seconds_without_startup, 2),
        "CPU ms a reply": round(ours.cpu_seconds_without_startup / n * 1000, 2),
    }


def main() -> None:
    """Prints the figures."""
    meter = Meter()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=10_000)
    parser.add_argument("--distinct", type=int, default=100)
    parser.add_argument("--kilobytes", type=int, default=1_000)
    parser.add_argument("--concurrency", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where the run is kept; a temporary folder else")
    for inner in ("--role", "--url"):
        parser.add_argument(inner, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role == "server":
        asyncio.run(_serve(given.distinct, given.kilobytes))
    elif given.role:
        if given.role == "tocsin":
            told = _tocsin(meter, given.url, given.n, given.concurrency, given.out)
        else:
            meter.begin()
            told = run(_bare(given.url, given.n, given.concurrency, given.out))
        print(json.dumps(told))
        report(meter.figures(given.n, given.out))
    else:
        with contextlib.ExitStack() as stack:
            folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
            for name, value in compared(given.n, given.distinct, given.kilobytes, given.concurrency, folder).items():
                print(f"{name:32} {value:>12,}")


if __name__ == "__main__":
    main()
