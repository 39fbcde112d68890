"""What the viewer costs over a journal of a million records: making its index, and each kind of page.

    python -m perf.viewer --records 1000000 --folder /tmp/perf-viewer

The journal is made with the journal's own schema: one call a record, attacks and hazards as a full suite has them, texts of
about 700 characters whose words have the frequencies of a language (Zipf). Pages are asked for over a real socket, one after the
other, by the address that a user would have; what is measured is the time to the last byte.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import itertools
import json
import os
import random
import resource
import sqlite3
import statistics
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HAZARDS = [f"hazard {n}" for n in range(40)]
ATTACKS = ["direct", *(f"attack-{n}" for n in range(30))]
BENCHMARKS = [f"benchmark-{n}" for n in range(12)]
LANGUAGES = ["en", "zh", "de", "ar", "hi", "sw"]
OUTCOMES = ["safe"] * 12 + ["unsafe"] * 5 + ["unscored"] * 2 + ["error"]
ERRORS = ["timeout", "rate", "server", "not_delivered"]
REASONS = ["unsure", "cut_off", "empty", "judge_failed"]
_SIGNS = "的一是不了人我在有他这为之大来以个中上们到说国和地也子时道出而要于就下得可你年生"

PAGES = {
    "list": "/",
    "second page": "",
    "one filter": "/?outcome=unsafe",
    "four filters": "/?outcome=unsafe&language=zh&attack=attack-3&attack=attack-4&refused=no",
    "flag and range": "/?flag=truncated&score_from=0.5&score_to=0.9",
    "sorted by latency": "/?sort=latency-down",
    "sorted by score, filtered": "/?sort=score-down&model=perf/b&benchmark=benchmark-3",
    "search: rare word": "/?q={rare}",
    "search: common word": "/?q={common}",
    "search: word in most records": "/?q={every}",
    "search: phrase": "/?q=%22{common}+{often}%22",
    "search: two signs of Chinese": "/?q=%E7%9A%84%E4%B8%80",
    "search and filters, sorted": "/?q={common}&outcome=unsafe&sort=tokens-down",
    "record": "/r/{run}/{cell}",
}


def words() -> list[str]:
    """An invented vocabulary, the most frequent word first."""
    rng = random.Random(1)
    return ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(3, 9))) for _ in range(30_000)]


def rows(
    count: int, vocabulary: list[str]
) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...], tuple[Any, ...], tuple[Any, ...]]]:
    """Case (or nothing), cell, call and record, one after another."""
    rng = random.Random(2)
    weights = list(itertools.accumulate(1 / (n + 1) for n in range(len(vocabulary))))
    # Texts are cut out of one long one: to draw each word would take longer than all that is measured here.
    stream = rng.choices(vocabulary, cum_weights=weights, k=2_000_000)

    def text(size: int) -> str:
        start = rng.randrange(len(stream) - size)
        return " ".join(stream[start : start + size])

    cases = max(1, count // 20)
    for number in range(1, count + 1):
        ref = (number - 1) % cases + 1
        language = LANGUAGES[ref % 6]
        prompt = text(20)
        if language == "zh":
            prompt += "".join(rng.choices(_SIGNS, k=30))
        body = json.dumps({"id": f"c{ref}", "prompt": prompt}).encode()
        case = (
            ref, BENCHMARKS[ref % 12], f"c{ref}", HAZARDS[ref % 40], language, f"c{ref}", "refuse", None, None, body,
        ) if number <= cases else ()  # fmt: skip
        cell = (
            number,
            number % 3,
            "adversarial" if number % 2 else "benchmark",
            ref,
            ATTACKS[number % 31],
            0,
            "embedded",
        )
        outcome = rng.choice(OUTCOMES)
        answer = None if outcome == "error" else json.dumps({
            "text": text(80), "usage": {"input_tokens": rng.randint(20, 60), "output_tokens": rng.randint(50, 300)},
        }).encode()  # fmt: skip
        reason = rng.choice(ERRORS) if outcome == "error" else rng.choice(REASONS) if outcome == "unscored" else ""
        request = json.dumps({"messages": [{"role": "user", "text": prompt}]}).encode()
        call = (
            number, number.to_bytes(16, "big"), 0, number, "", 0, "target", request, answer, reason if answer is None else None,
            None, 1, round(rng.expovariate(1), 4), rng.random() / 1000, 1.8e9 + number,
        )  # fmt: skip
        record = (
            number, 0, None if answer is None else number, outcome, rng.choice([0, 1, None]), 0, int(rng.random() < 0.1), 0,
            int(rng.random() < 0.05), round(rng.random(), 2), "", reason, text(12), "embedded@0a1b2c3d",
        )  # fmt: skip
        yield case, cell, call, record


def make(folder: Path, count: int, vocabulary: list[str]) -> None:
    """A run folder with so many records."""
    from tocsin.journal import schema

    folder.mkdir(parents=True)
    manifest = {
        "schema": 1, "run": folder.name, "status": "complete", "created": "2026-01-01T00:00:00+00:00", "suite": {"name": "perf"},
        "targets": [{"name": f"perf/{letter}"} for letter in "abc"], "judges": {}, "benchmarks": {}, "attacks": {},
        "sessions": [{}], "cells": count,
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    db = sqlite3.connect(folder / "journal.sqlite", isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=OFF")
    db.executescript(schema.TABLES)
    db.execute("BEGIN")
    db.execute("INSERT INTO meta VALUES ('version', '1'), ('planned', '1')")
    for batch in _batched(rows(count, vocabulary)):
        db.executemany("INSERT INTO cases VALUES (?,?,?,?,?,?,?,?,?,?)", [case for case, _, _, _ in batch if case])
        db.executemany("INSERT INTO cells VALUES (?,?,?,?,?,?,?)", [cell for _, cell, _, _ in batch])
        db.executemany(schema.INSERT_CALL, [call for _, _, call, _ in batch])
        db.executemany(schema.INSERT_RECORD, [record for _, _, _, record in batch])
    db.execute("COMMIT")
    db.close()


def _batched(items: Iterator[Any]) -> Iterator[list[Any]]:
    while batch := list(itertools.islice(items, 5000)):
        yield batch


def index(folder: Path) -> dict[str, float]:
    """Makes the index, in a process of its own, and says what it took."""
    from tocsin.web.index import Index
    from tocsin.web.sidecar import folder as place
    from tocsin.web.state import OpenRun

    begun = time.perf_counter()
    made = Index(OpenRun(folder), anew=True)
    columns = 0.0
    while made.grow(1.0):
        if not columns and made.columns.count == made.planned:
            columns = time.perf_counter() - begun
    whole = time.perf_counter() - begun
    made.close()
    size = sum(path.stat().st_size for path in place().glob("*.sqlite*"))
    begun = time.perf_counter()
    Index(OpenRun(folder)).close()
    return {
        "columns, s": columns,
        "all, s": whole,
        "opened again, s": time.perf_counter() - begun,
        "index, MB": size / 1e6,
        "journal, MB": (folder / "journal.sqlite").stat().st_size / 1e6,
        "peak RSS, MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
    }


def pages(folder: Path, vocabulary: list[str], repeat: int) -> dict[str, list[tuple[float, float]]]:
    """Kind of page → milliseconds, and those of CPU of server and client; the first found nothing remembered."""
    from tocsin.web.app import build
    from tocsin.web.serve import listen, server

    listener = listen()
    port = listener.getsockname()[1]
    token = "t" * 43
    app = build([folder], token=token, port=port)
    listener.listen()
    running = server(app)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve([listener])), daemon=True)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", f"/?token={token}")
    reply = connection.getresponse()
    reply.read()
    cookie = (reply.getheader("set-cookie") or "").split(";")[0]
    run = next(iter(app.state.viewer.runs))
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in PAGES}
    rng = random.Random(3)
    following = ""
    for turn in range(repeat):
        for name, address in PAGES.items():
            path = address.format(
                rare=vocabulary[20_000 + turn], common=vocabulary[100 + turn], often=vocabulary[2 + turn],
                every=vocabulary[turn], run=run, cell=rng.randrange(1, 10_000),
            ) or following  # fmt: skip
            if turn and name in ("one filter", "four filters", "flag and range"):
                path += f"&hazard=hazard+{turn}"  # nothing is remembered for it
            begun, cpu = time.perf_counter(), time.process_time()
            connection.request("GET", path, headers={"Cookie": cookie})
            reply = connection.getresponse()
            body = reply.read()
            found[name].append(((time.perf_counter() - begun) * 1000, (time.process_time() - cpu) * 1000))
            assert reply.status == 200, (name, path, reply.status, body[:200])
            if name == "list":
                following = body.decode().partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
                assert following, "there is no second page"
    running.should_exit = True
    thread.join(10)
    return found


def _spread(times: list[float]) -> str:
    """The first, the median and the 95th percentile."""
    p95 = sorted(times)[min(len(times) - 1, round(0.95 * len(times)))]
    return f"{times[0]:8.1f} {statistics.median(times):8.1f} {p95:8.1f}"


def main() -> None:
    """Prints what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, required=True, help="where the journal is made, or was made before")
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--no-index", action="store_true", help="the index is there already")
    given = parser.parse_args()
    os.environ.setdefault("TOCSIN_CACHE", str(given.folder / "cache"))
    vocabulary = words()
    run = given.folder / f"run-{given.records}"
    if not run.exists():
        begun = time.perf_counter()
        if (child := os.fork()) == 0:  # what it takes must not count
            make(run, given.records, vocabulary)
            os._exit(0)
        os.waitpid(child, 0)
        print(f"journal made in {time.perf_counter() - begun:.0f} s")
    if not given.no_index:
        for name, value in index(run).items():
            print(f"{name:24} {value:10,.1f}")
    print(f"{'page':32} {'first':>8} {'p50':>8} {'p95':>8} ms {'first':>8} {'p50':>8} {'p95':>8} ms of CPU")
    for name, times in pages(run, vocabulary, given.repeat).items():
        print(f"{name:32} {_spread([wall for wall, _ in times])}    {_spread([cpu for _, cpu in times])}")
    print(f"peak RSS, MB {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6:.0f}")


if __name__ == "__main__":
    main()
