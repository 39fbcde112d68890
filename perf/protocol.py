"""The report's adversarial protocol at full size, on scripted models: thirty attacks × a hundred cases, four targets, both modes.

    python -m perf.protocol [--cases 100] [--mode exhaustive|worst-case|both]

Targets, attacker and translator are doubles behind one real loopback server in a process of its own. A target refuses by a hash
of all that was said, each model with a share of its own; the attacker fills in the schema that each attack sends along, and the
translator hands back what it was given. What is shown is the plumbing, the cost and the leaderboard, and nothing about any
model.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aiohttp import web

from tocsin.api import Run, assess
from tocsin.evaluations.suite import read_suite

REFUSES = {"firm": 0.9995, "steady": 0.999, "soft": 0.996, "weak": 0.98}
"""Target → the share of requests that it refuses."""
NO = "I'm sorry, but I can't help with that."
YES = "Certainly. First rinse the pot with hot water, then add the leaves and let them stand for four minutes."
WORDS = (
    "kettle",
    "garden",
    "bicycle",
    "lantern",
    "harbour",
    "meadow",
    "teapot",
    "orchard",
    "window",
    "compass",
    "ladder",
)
METRICS = ("safe_worst", "safe_worst_3", "safe_response_rate", "refusal_response_rate")


# ---------------------------------------------------------------------------------------------------------------------
# The doubles


def answer(body: dict[str, Any]) -> str:
    """What the model that a request names says to it."""
    messages = [str(message["content"]) for message in body["messages"]]
    digest = hashlib.sha256("\0".join([body["model"], *messages]).encode("utf-8", "replace")).digest()
    name = body["model"]
    if name in REFUSES:
        return NO if int.from_bytes(digest[:4], "big") / 2**32 < REFUSES[name] else YES
    if name == "translator":
        return json.dumps({"translation": messages[-1]})
    schema = body.get("response_format", {}).get("json_schema", {}).get("schema")
    if schema is None:
        return "A mild text about a garden and a kettle."
    asked = messages[-1]
    if "parts" in schema["properties"]:  # DrAttack's pieces are the request, when they stand one after the other
        request = asked.partition("Request:\n")[2]
        half = len(request) // 2
        return json.dumps({"parts": [{"phrase": text, "kind": "noun"} for text in (request[:half], request[half:])]})
    if (
        "words" in schema["properties"] and "\nWords: " in asked
    ):  # PiF's synonyms are single words, of words that it names
        named = asked.partition("\nWords: ")[2].partition("\n")[0].split(", ")
        return json.dumps({"words": [{"word": word, "synonyms": list(WORDS[:3])} for word in named]})
    return json.dumps(filled(schema, digest))


def filled(schema: dict[str, Any], digest: bytes, path: str = "") -> Any:
    """An instance of a schema, as varied as a hash makes it."""
    drawn = hashlib.sha256(digest + path.encode()).digest()
    if "enum" in schema:
        return schema["enum"][drawn[0] % len(schema["enum"])]
    match schema["type"]:
        case "object":
            return {name: filled(of, digest, f"{path}/{name}") for name, of in schema["properties"].items()}
        case "array":
            least = schema.get("minItems", 1)
            count = least if least > 1 else min(8, schema.get("maxItems", 8))
            return [filled(schema["items"], digest, f"{path}/{n}") for n in range(count)]
        case "boolean":
            return True
        case "integer":
            return 1 + drawn[0] % 9
        case "number":
            return (1 + drawn[0] % 9) / 10
        case _:
            return " ".join(WORDS[byte % len(WORDS)] for byte in drawn[:8])


async def serve() -> None:
    """Serves every model on the loopback interface, and says on which port."""

    async def chat(request: web.Request) -> web.Response:
        said = {"role": "assistant", "content": answer(await request.json())}
        usage = {"prompt_tokens": 100, "completion_tokens": 20}
        return web.json_response(
            {"model": "double", "choices": [{"index": 0, "message": said, "finish_reason": "stop"}], "usage": usage}
        )

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/chat/completions", chat)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)  # ends with who started it


@contextlib.contextmanager
def server() -> Iterator[str]:
    """The server's address while the context is open."""
    process = subprocess.Popen(
        [sys.executable, "-m", "perf.protocol", "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/v1"
    finally:
        process.communicate()


# ---------------------------------------------------------------------------------------------------------------------
# The run


def suite_of(folder: Path, cases: int, mode: str) -> tuple[Path, Path]:
    """The adversarial part of the suite report, on mild cases of our own: the suite's file, and the cases'."""
    report = read_suite("report")
    assert report.adversarial is not None
    own, said = folder / "cases.jsonl", folder / f"{mode}.yaml"
    rows = (
        {"id": f"tea-{n}", "prompt": f"Explain how to brew strong black tea number {n} in a samovar"}
        for n in range(cases)
    )
    own.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    adversarial = report.adversarial.model_dump(mode="json", exclude={"cases", "reconstruction"})
    adversarial |= {"judge": "refusal", "in_loop": "refusal", "mode": mode}
    said.write_text(
        json.dumps(
            {
                "name": "protocol",
                "seed": 5,
                "evaluations": ["adversarial"],
                "judge": "refusal",
                "sampling": {"temperature": 0.7},
                "roles": {"attacker": "attacker", "translator": "translator"},
                "attacks": report.attacks,
                "adversarial": adversarial,
            }
        ),
        encoding="utf-8",
    )
    return said, own


def configured(folder: Path, url: str) -> Path:
    """A ``tocsin.toml`` with every double."""
    path = folder / "tocsin.toml"
    names = (*REFUSES, "attacker", "translator")
    path.write_text(
        "".join(
            f'[models.{name}]\nmodel = "openai/{name}"\nbase_url = "{url}"\nstructured = true\nconcurrency = 64\n'
            for name in names
        ),
        encoding="utf-8",
    )
    return path


def shown(run: Run) -> Iterator[str]:
    """The leaderboard of the four metrics, and what the run took."""
    yield "| model | " + " | ".join(METRICS) + " | calls | errors |"
    yield "|---|" + "---|" * (len(METRICS) + 2)
    rows = []
    for model in run.summary["models"]:
        found = {score["metric"]: score for score in model["scores"] if score["attack"] is None}
        calls = sum(
            cost[role] for cost in model["attacks"]["costs"] for role in ("target", "attacker", "translator", "judge")
        )
        errors = found["safe_response_rate"]["error"]
        rows.append((found["safe_worst"]["worst"], model["model"], found, calls, errors))
    for _, name, found, calls, errors in sorted(rows, key=lambda row: -row[0]):
        yield (
            f"| {name} | " + " | ".join(_said(found.get(metric)) for metric in METRICS) + f" | {calls:,} | {errors:,} |"
        )


def _said(score: dict[str, Any] | None) -> str:
    if score is None:
        return "–"
    if score["value"] is None:
        return f"{score['worst']:.3f} to {score['best']:.3f} (bounds)"
    return f"{score['value']:.3f} ({score['low']:.3f} to {score['high']:.3f})"


def main() -> None:
    """Runs the protocol and prints its leaderboards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--mode", choices=("exhaustive", "worst-case", "both"), default="both")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.serve:
        asyncio.run(serve())
        return
    modes = ("exhaustive", "worst-case") if told.mode == "both" else (told.mode,)
    with tempfile.TemporaryDirectory() as scratch, server() as url:
        folder = Path(scratch)
        config = configured(folder, url)
        for mode in modes:
            said, own = suite_of(folder, told.cases, mode)
            began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
            run = assess(*REFUSES, suite=str(said), cases=own, judge="refusal", config=config, out=folder, report=False)
            after = resource.getrusage(resource.RUSAGE_SELF)
            calls = run.manifest["sessions"][-1]["calls"]
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            print(f"\n{mode}: {run.manifest['cells']:,} cells planned, {run.ended.ending}, {calls:,} calls,"
                  f" {time.monotonic() - began:.0f} s, {1000 * cpu / calls:.2f} ms of CPU a call\n")  # fmt: skip
            print("\n".join(shown(run)))
            lost = {
                (cost["attack"], model["model"]): cost["cells"]
                for model in run.summary["models"]
                for cost in model["attacks"]["costs"]
            }
            print(f"\n{len({attack for attack, _ in lost})} attacks; errors by kind: {run.errors_by_kind}")


if __name__ == "__main__":
    main()
