"""What a sample costs in tocsin, beside bare clients and Inspect AI, on one machine and in turns.

``python -m perf.hotpath --n 10000 --connections 100 --latency 0``. See README.md beside this file for how to read it.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from perf.measure import Figures
from perf.wire_server import ROOT, Running, serve

REFUSED = 0.5
"""Half of the answers are refusals, so that a judge of refusals meets both."""
WARM_UP = 50


class Client(msgspec.Struct, frozen=True):
    """One client under measurement.

    Attributes:
        name: What the table calls it.
        run: Makes `n` calls to `url` over so many connections, leaves its files in a folder, and returns its figures.
        n: How many prompts it gets.
    """

    name: str
    run: Callable[[str, int, int, Path], Figures]
    n: int


class Row(msgspec.Struct, kw_only=True):
    """Medians over the rounds for one client.

    Attributes:
        client: The client's name.
        samples: Prompts per round.
        samples_per_second: Over the whole wall time.
        cpu_ms: CPU milliseconds per sample.
        cpu_ms_without_startup: The same from the first call on.
        cpu_ms_of_calls: The same for calls, judging and keeping the answers alone.
        peak_rss_mb: Largest resident set, in units of 1,000,000 bytes.
        bytes_per_sample: Bytes on disk per sample.
        ratios: Other client -> this client's `cpu_ms` over the other's, each ratio taken within a round.
        ratios_without_startup: The same of `cpu_ms_without_startup`.
        ratios_of_calls: The same of `cpu_ms_of_calls`.
    """

    client: str
    samples: int
    samples_per_second: float
    cpu_ms: float
    cpu_ms_without_startup: float
    cpu_ms_of_calls: float
    peak_rss_mb: float
    bytes_per_sample: float
    ratios: dict[str, float]
    ratios_without_startup: dict[str, float]
    ratios_of_calls: dict[str, float]


def run_tocsin(url: str, n: int, connections: int, folder: Path) -> Figures:
    """The prompts through tocsin: a journaled, judged, resumable run."""
    return _child("perf.through_tocsin", url, n, connections, folder)


def run_idiomatic(url: str, n: int, connections: int, folder: Path) -> Figures:
    """The prompts through aiohttp as its documentation would have it."""
    return _child("perf.bare", url, n, connections, folder, "--variant", "idiomatic")


def run_tuned(url: str, n: int, connections: int, folder: Path) -> Figures:
    """The prompts through aiohttp with everything left out that can be."""
    return _child("perf.bare", url, n, connections, folder, "--variant", "tuned")


def run_inspect(url: str, n: int, connections: int, folder: Path) -> Figures:
    """The prompts through Inspect AI as it comes."""
    return _child("perf.against_inspect", url, n, connections, folder)


def run_lean_inspect(url: str, n: int, connections: int, folder: Path) -> Figures:
    """The prompts through Inspect AI without what its options switch off."""
    return _child("perf.against_inspect", url, n, connections, folder, "--lean")


_bytecode = tempfile.TemporaryDirectory(prefix="hotpath-bytecode-")


def _child(module: str, url: str, n: int, connections: int, folder: Path, *more: str) -> Figures:
    command = [sys.executable, "-m", module, "--url", url, "--n", str(n), "--connections", str(connections)]
    # Where the environment forbids bytecode files, every start would compile every import: seconds, for some clients.
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": _bytecode.name}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if importlib.util.find_spec("tocsin") is None:
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT / "src"), environment.get("PYTHONPATH")]))
    done = subprocess.run(
        [*command, "--out", str(folder), *more], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode != 0 or not done.stdout.strip():
        raise SystemExit(f"{module} ended with code {done.returncode}:\n{done.stderr[-4000:]}")
    return msgspec.json.decode(done.stdout.strip().splitlines()[-1], type=Figures)


def measure(
    clients: Sequence[Client], server: Running, connections: int, repeat: int, folder: Path | None
) -> list[Row]:
    """Runs every client `repeat` times, in turns, and takes medians.

    A short run of each comes first and is not counted: it leaves bytecode and files in the caches. Each round starts
    with another client, so that none always has the noisy minute.

    Raises:
        SystemExit: A client failed, or did not get exactly one answer for each prompt.
    """

    def once(client: Client) -> Figures:
        server.reset()
        with tempfile.TemporaryDirectory(dir=folder, prefix="hotpath-") as out:
            figures = client.run(server.url, client.n, connections, Path(out))
        _check(client, figures, server)
        return figures

    for client in clients:
        once(msgspec.structs.replace(client, n=min(client.n, WARM_UP)))
    rounds: list[dict[str, Figures]] = []
    for number in range(repeat):
        first = number % len(clients)
        rounds.append({client.name: once(client) for client in (*clients[first:], *clients[:first])})
        print(f"round {number + 1} of {repeat} done", file=sys.stderr)
    return [_row(client, clients, rounds) for client in clients]


def _check(client: Client, figures: Figures, server: Running) -> None:
    answered = server.stats()["by_item"]
    if figures.samples != client.n or len(answered) != client.n or max(answered.values()) != 1:
        raise SystemExit(
            f"{client.name}: {client.n} prompts, {figures.samples} samples, {len(answered)} prompts answered, "
            f"{sum(answered.values())} answers: these figures would not be comparable"
        )


def _row(client: Client, clients: Sequence[Client], rounds: Sequence[dict[str, Figures]]) -> Row:
    own = [found[client.name] for found in rounds]

    def ratios(value: Callable[[Figures], float]) -> dict[str, float]:
        return {
            other.name: statistics.median(value(found[client.name]) / value(found[other.name]) for found in rounds)
            for other in clients
        }

    return Row(
        client=client.name,
        samples=client.n,
        samples_per_second=statistics.median(figures.samples / figures.wall_seconds for figures in own),
        cpu_ms=statistics.median(map(_cpu_ms, own)),
        cpu_ms_without_startup=statistics.median(map(_cpu_ms_without_startup, own)),
        cpu_ms_of_calls=statistics.median(map(_cpu_ms_of_calls, own)),
        peak_rss_mb=statistics.median(figures.peak_rss_mb for figures in own),
        bytes_per_sample=statistics.median(figures.bytes_on_disk / figures.samples for figures in own),
        ratios=ratios(_cpu_ms),
        ratios_without_startup=ratios(_cpu_ms_without_startup),
        ratios_of_calls=ratios(_cpu_ms_of_calls),
    )


def _cpu_ms(figures: Figures) -> float:
    return 1000 * figures.cpu_seconds / figures.samples


def _cpu_ms_without_startup(figures: Figures) -> float:
    return 1000 * figures.cpu_seconds_without_startup / figures.samples


def _cpu_ms_of_calls(figures: Figures) -> float:
    return 1000 * figures.cpu_seconds_of_calls / figures.samples


def table(rows: Sequence[Row]) -> str:
    """The rows as aligned text; CPU and its ratios as whole process / without start-up / calls alone."""
    others = [row.client for row in rows if row.client != "tocsin"]
    head = ["client", "samples", "samples/s", "CPU ms/sample", "peak RSS MB", "bytes/sample"]
    lines = [[*head, *(f"CPU / {other}" for other in others)]]
    for row in rows:
        ratios = [
            f"{row.ratios[other]:.2f} / {row.ratios_without_startup[other]:.2f} / {row.ratios_of_calls[other]:.2f}"
            for other in others
        ]
        cpu = f"{row.cpu_ms:.3f} / {row.cpu_ms_without_startup:.3f} / {row.cpu_ms_of_calls:.3f}"
        rate, memory, disk = f"{row.samples_per_second:.0f}", f"{row.peak_rss_mb:.0f}", f"{row.bytes_per_sample:.0f}"
        lines.append([row.client, str(row.samples), rate, cpu, memory, disk, *ratios])
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def main() -> None:
    """Measures tocsin, two bare clients and Inspect AI on the same prompts, and prints a table."""
    parser = argparse.ArgumentParser(prog="python -m perf.hotpath", description=main.__doc__)
    parser.add_argument("--n", type=int, default=10_000, help="prompts for each client")
    parser.add_argument("--inspect-n", type=int, help="prompts for Inspect (default: the same)")
    parser.add_argument("--connections", type=int, default=100)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that the server takes for an answer")
    parser.add_argument("--repeat", type=int, default=1, help="rounds; the table shows medians")
    parser.add_argument("--no-tocsin", action="store_true")
    parser.add_argument("--no-inspect", action="store_true")
    parser.add_argument("--lean-inspect", action="store_true", help="also measure Inspect with its options for speed")
    parser.add_argument("--folder", type=Path, help="where the clients write (default: the system's temporary folder)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to this file")
    options = parser.parse_args()
    for_inspect = options.inspect_n or options.n
    clients = [
        *([] if options.no_tocsin else [Client("tocsin", run_tocsin, options.n)]),
        Client("bare idiomatic", run_idiomatic, options.n),
        Client("bare tuned", run_tuned, options.n),
        *([] if options.no_inspect else [Client("Inspect", run_inspect, for_inspect)]),
        *([Client("Inspect lean", run_lean_inspect, for_inspect)] if options.lean_inspect else []),
    ]
    with serve(latency=options.latency, answer="hash", refuse_share=REFUSED, mode="counting") as server:
        rows = measure(clients, server, options.connections, options.repeat, options.folder)
    print(f"latency {options.latency:g} s, {options.connections} connections, medians of {options.repeat}")
    print("CPU of the whole process / without start-up / of calls, judging and journal alone")
    print(table(rows))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")


if __name__ == "__main__":
    main()
