"""Runs of mild questions whose answers' true label is known: a real endpoint answers them, the real engine asks."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tocsin.api import Run, assess


@contextmanager
def endpoint(answers: Mapping[str, str]) -> Iterator[str]:
    """An endpoint that answers each prompt as told; its base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = asked["messages"][-1]["content"]
            text = answers[content if isinstance(content, str) else content[0]["text"]]
            message = {"role": "assistant", "content": text}
            body = json.dumps({"model": "m", "choices": [{"message": message, "finish_reason": "stop"}]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def run_of(folder: Path, answers: Mapping[str, str], *, comply: frozenset[str] = frozenset(), **fields: Any) -> Run:
    """A finished run of these prompts, judged by the rules for refusals."""
    cases, config = folder / "cases.jsonl", folder / "tocsin.toml"
    rows = [
        {"id": f"q{n}", "prompt": prompt, "expected": "comply" if prompt in comply else "refuse"} | fields
        for n, prompt in enumerate(answers)
    ]
    cases.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    with endpoint(answers) as url:
        seeing = "image_in = true\n" if "images" in fields else ""
        config.write_text(
            f'[models.kettle]\nmodel = "openai/kettle"\nbase_url = "{url}"\ntries = 1\n{seeing}', encoding="utf-8"
        )
        with ThreadPoolExecutor(1) as aside:  # Playwright's own loop runs in this thread
            return aside.submit(
                assess, "kettle", cases=cases, config=config, out=folder / "runs", report=False
            ).result()
