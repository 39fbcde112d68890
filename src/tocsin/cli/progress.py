"""Live progress: bars on a terminal, plain lines elsewhere. Nothing here is on the path of a call."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tocsin.cli.errors import plain

if TYPE_CHECKING:
    from tocsin.api import Watcher
    from tocsin.engine import Engine

_LINE_SECONDS = 10.0
_BAR_SECONDS = 0.25


def watcher() -> Watcher:
    """The progress display that fits where standard error goes."""
    return _bars if sys.stderr.isatty() else _lines


@contextlib.contextmanager
def _bars(engine: Engine, manifest: dict[str, Any], todo: dict[str, int]) -> Iterator[None]:
    from rich.console import Console, Group
    from rich.live import Live
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    progress = Progress(*columns, console=console, auto_refresh=False)
    tasks = {name: progress.add_task(name, total=count) for name, count in todo.items() if count}
    for flag in manifest.get("flags", ()):
        console.print(Text(f"tocsin: note: {plain(flag)}"))
    began = time.monotonic()
    with Live(progress, console=console, auto_refresh=False, transient=True) as live:

        def draw() -> None:
            for name, task in tasks.items():
                progress.update(task, completed=engine.counts.by_benchmark.get(name, 0))
            live.update(Group(progress, Text(_state(engine, began))), refresh=True)

        with _every(_BAR_SECONDS, draw):
            yield


@contextlib.contextmanager
def _lines(engine: Engine, manifest: dict[str, Any], todo: dict[str, int]) -> Iterator[None]:
    total, began = sum(todo.values()), time.monotonic()
    print(f"tocsin: {manifest['run']}: {total} cells to do", file=sys.stderr, flush=True)
    for flag in manifest.get("flags", ()):
        print(f"tocsin: note: {plain(flag)}", file=sys.stderr, flush=True)

    def draw() -> None:
        done = engine.counts.cells
        took = time.monotonic() - began
        left = f", about {_spell((total - done) * took / done)} left" if 0 < done < total else ""
        print(f"tocsin: {done}/{total} cells, {_state(engine, began)}{left}", file=sys.stderr, flush=True)

    with _every(_LINE_SECONDS, draw):
        yield


def _state(engine: Engine, began: float) -> str:
    shared, counts = engine.shared, engine.counts
    rate = shared.budget.calls / max(time.monotonic() - began, 0.001)
    parts = [f"{shared.budget.calls:,} calls", f"{rate:.1f} calls/s"]
    if counts.calls_failed:
        parts.append("errors " + ", ".join(f"{kind} {count}" for kind, count in sorted(counts.calls_failed.items())))
    if shared.budget.cost:
        parts.append(f"${shared.budget.cost:.2f}")
    if engine.stopping:
        parts.append("stopping: open calls finish (interrupt again to end at once)")
    return ", ".join(parts)


def _spell(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


@contextlib.contextmanager
def _every(seconds: float, draw: Any) -> Iterator[None]:
    """Calls `draw` from a thread of its own until the context ends, and once more then."""
    done = threading.Event()

    def loop() -> None:
        while not done.wait(seconds):
            draw()

    thread = threading.Thread(target=loop, daemon=True, name="progress")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with contextlib.suppress(Exception):  # a display must never take the run down with it
            draw()
