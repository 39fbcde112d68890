"""How far the rule of tokens a character is off, beside the real tokeniser of the small model that comes along.

``python -m perf.token_rule DATA`` measures prompts of datasets under DATA, language by language: tokens as the model's own server
counts them, over those that the rule gives. Needs the extra ``local``. No text is printed.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tocsin.models.local import find_weights
from tocsin.results.planning.tokens import of_text

MOST = 300
"""Prompts of each language."""


def prompts(data: Path) -> dict[str, list[str]]:
    """Language and set → prompts."""
    found: dict[str, list[str]] = {}
    with (data / "multijail" / "MultiJail.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            for column, text in row.items():
                if column and len(column) == 2 and column != "id" and text:
                    found.setdefault(f"multijail {column}", []).append(text)
    with (data / "flames" / "Flames_1k_Chinese.jsonl").open(encoding="utf-8") as lines:
        found["flames zh"] = [str(json.loads(line)["prompt"]) for line in lines if line.strip()]
    for path in sorted((data / "xsafety").glob("*/*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            texts = [max(row, key=len) for row in csv.reader(file) if row]
        found.setdefault(f"xsafety {path.parent.name}", []).extend(texts)
    return found


@contextmanager
def server() -> Iterator[str]:
    """The small model's server, at an address."""
    weights = str(find_weights("smollm2-135m"))
    command = [sys.executable, "-m", "tocsin.models.local_server", weights, "1", "1"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        try:
            yield str(json.loads(child.stdout.readline())["url"])
        finally:
            child.kill()


def counted(url: str, text: str) -> int:
    """Tokens of a text, as the server counts them."""
    body = json.dumps({"content": text}).encode()
    request = urllib.request.Request(f"{url}/tokenize", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        told: dict[str, Any] = json.loads(reply.read())
    return len(told["tokens"])


def main(data: Path) -> None:
    """Prints a line for each language."""
    with server() as url:
        for name, texts in sorted(prompts(data).items()):
            kept = texts[:MOST]
            told = [of_text(text) for text in kept]
            real = sum(counted(url, text) for text in kept)
            rule, most = sum(one.expected for one in told), sum(one.most or 0 for one in told)
            print(
                f"{name:13} {len(kept):3} prompts  {sum(map(len, kept)) / real:5.2f} characters a token"
                f"  counted/expected {real / rule:5.2f}  counted/most {real / most:5.2f}"
            )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
